"""The encoder's graphs and its tokenizer: texts in, logits and embeddings out.

The encoder is two graphs. The lower one ends in an early exit that answers every question; the upper one goes on from there, for texts of
which the exit's answers are not enough, and gives the embedding.

Every text runs alone, each thread with one at a time. In 8 bits the texts of a batch share the scale of their activations, so that what is
said of one would depend on the others; alone nothing does, nothing is padded, and two threads with a text each are as fast as both on a batch.
"""

import os
from collections.abc import Callable, Container, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nlp.encoder.description import TOKENIZER, Description, read_description
from nlp.errors import EngineError
from nlp.probabilities import Floats
from nlp.quiet_transformers import transformers

WINDOW = 192  # tokens; a longer text is read in windows that end where sentences do
_GIVE = 0.4  # how much longer or shorter than the others a window may be for that, as a share
_SENTENCE_ENDS = tuple("。！？!?；;…～~")
SLOWER_FUSED = ["SkipLayerNormFusion"]  # adding and normalising by themselves take a fifth of the fused operator's time

Logits = Mapping[str, Floats]
Enough = Callable[[int, Logits], bool]


@dataclass(frozen=True, slots=True)
class Reading:
    """One text: `exit[question]` and, unless that was enough, `last[question]`, `(classes,)`, and `embedding`, a unit vector `(width,)`.

    `windows`: in how many it was read.
    """

    exit: Logits
    last: Logits | None
    embedding: Floats | None
    windows: int


class Reader:
    """Reads texts. What it says of one text does not depend on the others."""

    def __init__(self, folder: Path) -> None:
        self.description: Description = read_description(folder)
        import onnxruntime

        self._questions = tuple(self.description.classes)
        self._threads = _cores()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        try:
            self._tokenizer = transformers().PreTrainedTokenizerFast(tokenizer_file=str(folder / TOKENIZER))
            self._lower, self._upper = (
                onnxruntime.InferenceSession(
                    str(folder / graph),
                    options,
                    providers=["CPUExecutionProvider"],
                    disabled_optimizers=SLOWER_FUSED,
                )
                for graph in (self.description.lower, self.description.upper)
            )
            self._ends = frozenset(
                number for piece, number in self._tokenizer.get_vocab().items() if piece.endswith(_SENTENCE_ENDS)
            )
        except Exception as error:  # both libraries raise kinds of their own
            raise EngineError(f"The encoder in {folder} can't be loaded: {_first_line(error)}.") from error

    def read(self, texts: Sequence[str], enough: Enough | None = None) -> list[Reading]:
        """One reading per text, in order. Takes any text, the empty one too.

        `enough` is asked with a text's place and what the exit says of it: whether that will do. Long texts, read in
        several windows, are always read to the end.
        """
        if not texts:
            return []
        ids: list[list[int]] = self._tokenizer(list(texts), return_attention_mask=False)["input_ids"]
        readings: list[Reading | None] = [None] * len(texts)

        def read(place: int) -> None:
            readings[place] = self._read(ids[place], lambda said: enough is not None and enough(place, said))

        # Those of similar length after one another: a thread's memory fits the next one as well.
        order = sorted(range(len(ids)), key=lambda place: len(ids[place]))
        with ThreadPoolExecutor(self._threads) as pool:
            for _ in pool.map(read, order):
                pass
        return [reading for reading in readings if reading is not None]

    def _read(self, ids: Sequence[int], enough: Callable[[Logits], bool]) -> Reading:
        first, *inner, end = ids
        parts = [[first, *part, end] for part in windows(inner, WINDOW - 2, self._ends)]
        if len(parts) == 1:
            hidden, said = self._begin(parts[0])
            if enough(said):
                return Reading(said, None, None, 1)
            last, embedding = self._end(hidden)
            return Reading(said, last, embedding, 1)
        exits, lasts, embeddings = [], [], []
        for part in parts:
            hidden, said = self._begin(part)
            last, embedding = self._end(hidden)
            exits.append(said)
            lasts.append(last)
            embeddings.append(embedding)
        weights = np.array([len(part) for part in parts], dtype=np.float32)
        weights /= weights.sum()
        mean = weights @ np.stack(embeddings)
        mean /= max(float(np.linalg.norm(mean)), 1e-12)
        return Reading(_mean(exits, weights), _mean(lasts, weights), mean, len(parts))

    def _begin(self, ids: Sequence[int]) -> tuple[Any, Logits]:
        hidden, *said = self._lower.run(None, {"tokens": np.array([ids], dtype=np.int64)})
        return hidden, self._by_question(said)

    def _end(self, hidden: Any) -> tuple[Logits, Floats]:
        *said, embedding = self._upper.run(None, {"hidden": hidden})
        return self._by_question(said), embedding[0].astype(np.float32)

    def _by_question(self, outputs: Sequence[Any]) -> Logits:
        return {
            question: output[0].astype(np.float32) for question, output in zip(self._questions, outputs, strict=True)
        }


def windows(tokens: Sequence[int], most: int, ends: Container[int] = frozenset()) -> list[list[int]]:
    """The tokens in as few windows as possible, `most` tokens at most; each token in exactly one.

    The windows are of nearly equal length, but that each ends where a sentence does (after a token of `ends`) if one ends near by.

    >>> windows([5, 6, 7], 2)
    [[5], [6, 7]]
    >>> windows([5, 6, 9, 7, 8, 7], 4, ends={9})
    [[5, 6, 9], [7, 8, 7]]
    >>> windows([], 2)
    [[]]
    """
    found, rest = [], list(tokens)
    for left in range(max(1, -(-len(rest) // most)), 1, -1):
        even = len(rest) // left
        # What stays must fit into the windows that are left.
        low = max(1, len(rest) - (left - 1) * most, round(even * (1 - _GIVE)))
        high = min(most, round(even * (1 + _GIVE)))
        ending = [n for n in range(low, high + 1) if rest[n - 1] in ends]
        cut = min(ending, key=lambda n: abs(n - even)) if ending else even
        found.append(rest[:cut])
        rest = rest[cut:]
    return [*found, rest]


def _mean(parts: Sequence[Logits], weights: Floats) -> Logits:
    return {question: weights @ np.stack([part[question] for part in parts]) for question in parts[0]}


def _cores() -> int:
    """The cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
