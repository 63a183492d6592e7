"""Examples as batches of token ids, texts of similar length together."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from transformers import PreTrainedTokenizerFast

from nlp.training.aspect_sets import ASPECTS, UNKNOWN
from nlp.training.encoder.augment import reviews_by_source, vary
from nlp.training.encoder.data import COPIES, Example
from nlp.training.encoder.opinion_head import ABSENT, Spans, spans_of

LABELS = ("sentiment", "polarity", "emotion", "intent", "stage")
T = TypeVar("T")
_POOL = 50  # batches over which lengths are sorted


@dataclass(frozen=True, slots=True)
class Batch:
    """`tokens`, `mask` `(texts, length)`; `weights` `(texts,)`; `labels[name]` `(texts,)` with ABSENT; `places` of taught texts or ABSENT; `aspects` `(texts, aspects)` (`nlp.training.aspect_sets`); `spans` of those whose opinions are known."""

    tokens: torch.Tensor
    mask: torch.Tensor
    weights: torch.Tensor
    labels: dict[str, torch.Tensor]
    places: torch.Tensor
    aspects: torch.Tensor
    spans: Spans


def head_and_tail(ids: list[T], longest: int) -> list[T]:
    """The ids, the middle left out where there are more than `longest`."""
    if len(ids) <= longest:
        return ids
    head = longest // 2
    return ids[:head] + ids[len(ids) - (longest - head) :]


def padded(rows: Sequence[list[int]], pad: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids and attention mask of equal length."""
    length = max(map(len, rows))
    tokens = torch.full((len(rows), length), pad)
    for n, row in enumerate(rows):
        tokens[n, : len(row)] = torch.tensor(row)
    mask = torch.zeros_like(tokens)
    for n, row in enumerate(rows):
        mask[n, : len(row)] = 1
    return tokens, mask


class Epochs:
    """The batches of each epoch; an epoch is a function of the examples and the seed, so a resumed run sees what it would have seen."""

    def __init__(
        self, examples: Sequence[Example], tokens: PreTrainedTokenizerFast, size: int, longest: int, seed: int
    ) -> None:
        self.examples, self.tokens, self.size, self.longest, self.seed = examples, tokens, size, longest, seed
        self.order = [n for n, e in enumerate(examples) for _ in range(COPIES.get(e.source, 1))]
        self.others = reviews_by_source(examples)

    def __len__(self) -> int:
        """Batches in an epoch."""
        return -(-len(self.order) // self.size)

    def batches(self, epoch: int, taught: dict[int, int], start: int = 0) -> Iterator[Batch]:
        """The batches from `start` on. `taught` maps places in `examples` to places in the teacher's embeddings."""
        rng = random.Random(f"{self.seed} {epoch}")
        order = list(self.order)
        rng.shuffle(order)
        shown = [vary(self.examples[n], self.others, rng) for n in order]
        inner = self.tokens.backend_tokenizer
        inner.no_truncation()
        inner.no_padding()
        encoded = inner.encode_batch([e.text for e in shown])
        ids = [head_and_tail(e.ids, self.longest) for e in encoded]
        offsets = [
            head_and_tail(e.offsets, self.longest) if given.opinions is not None else []
            for e, given in zip(encoded, shown, strict=True)
        ]
        del encoded
        places = list(range(len(order)))
        pool = self.size * _POOL
        groups = []
        for low in range(0, len(places), pool):
            by_length = sorted(places[low : low + pool], key=lambda n: len(ids[n]))
            inside = [by_length[k : k + self.size] for k in range(0, len(by_length), self.size)]
            rng.shuffle(inside)
            groups += inside
        for group in groups[start:]:
            tokens, mask = padded([ids[n] for n in group], self._pad())
            yield Batch(
                tokens,
                mask,
                torch.tensor([shown[n].weight for n in group]),
                {name: torch.tensor([_label(shown[n], name) for n in group]) for name in LABELS},
                # A joined review is another text than the teacher read.
                torch.tensor(
                    [
                        taught.get(order[n], ABSENT) if _same(shown[n], self.examples[order[n]]) else ABSENT
                        for n in group
                    ]
                ),
                torch.tensor([shown[n].aspects or (UNKNOWN,) * len(ASPECTS) for n in group]),
                spans_of([shown[n].opinions for n in group], [offsets[n] for n in group], tokens.shape[1]),
            )

    def _pad(self) -> int:
        pad: int = self.tokens.pad_token_id
        return pad


def _label(example: Example, name: str) -> int:
    value: int | None = getattr(example, name)
    return ABSENT if value is None else value


def _same(shown: Example, original: Example) -> bool:
    """Whether the text is the original but for spelling."""
    return abs(len(shown.text) - len(original.text)) <= 2 + len(original.text) // 4
