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
from nlp.encoder.opinions import opinions_of
from nlp.errors import EngineError
from nlp.marks import Opinion, Span
from nlp.probabilities import Floats, softmax
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

    `windows`: in how many it was read. `opinions` and `aspects`, how likely each aspect of the description is spoken of not at all, negatively, neutrally or positively,
    `(aspects, 4)`: None as well where the encoder has no head for them.
    """

    exit: Logits
    last: Logits | None
    embedding: Floats | None
    windows: int
    opinions: tuple[Opinion, ...] | None = None
    aspects: Floats | None = None


@dataclass(frozen=True, slots=True)
class _Last:
    """What the upper graph says of one window.

    `opinions` are tags, links and moves (`nlp.encoder.opinions`), `aspects` probabilities; None where it has no head for them.
    """

    logits: Logits
    embedding: Floats
    opinions: tuple[Floats, Floats, Floats] | None
    aspects: Floats | None


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
            self._said = [output.name for output in self._upper.get_outputs()]
            self.finds_opinions = "tags" in self._said
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
        encoded = self._tokenizer.backend_tokenizer.encode_batch(list(texts))
        readings: list[Reading | None] = [None] * len(texts)

        def read(place: int) -> None:
            readings[place] = self._read(
                texts[place], encoded[place], lambda said: enough is not None and enough(place, said)
            )

        # Those of similar length after one another: a thread's memory fits the next one as well.
        order = sorted(range(len(texts)), key=lambda place: len(encoded[place]))
        with ThreadPoolExecutor(self._threads) as pool:
            for _ in pool.map(read, order):
                pass
        return [reading for reading in readings if reading is not None]

    def embed(self, texts: Sequence[str]) -> Floats:
        """Embeddings alone, unit vectors `(texts, width)`: the same as of `read`, and nothing else is computed. One text at least."""
        encoded = self._tokenizer.backend_tokenizer.encode_batch(list(texts))
        order = sorted(range(len(texts)), key=lambda place: len(encoded[place]))
        with ThreadPoolExecutor(self._threads) as pool:
            found = dict(zip(order, pool.map(lambda place: self._embedding(encoded[place].ids), order), strict=True))
        return np.stack([found[place] for place in range(len(texts))])

    def _embedding(self, ids: Sequence[int]) -> Floats:
        parts = self._windows(ids)
        vectors = []
        for part in parts:
            [hidden] = self._lower.run(["hidden"], {"tokens": np.array([part], dtype=np.int64)})
            [embedding] = self._upper.run(["embedding"], {"hidden": hidden})
            vectors.append(embedding[0].astype(np.float32))
        return vectors[0] if len(parts) == 1 else _mean_embedding(vectors, _weights(parts))

    def _windows(self, ids: Sequence[int]) -> list[list[int]]:
        first, *inner, end = ids
        return [[first, *part, end] for part in windows(inner, WINDOW - 2, self._ends)]

    def _read(self, text: str, encoded: Any, enough: Callable[[Logits], bool]) -> Reading:
        parts = self._windows(encoded.ids)
        if len(parts) == 1:
            hidden, said = self._begin(parts[0])
            if enough(said):
                return Reading(said, None, None, 1)
            last = self._end(hidden)
            opinions = self._opinions(text, encoded.offsets, [last])
            return Reading(said, last.logits, last.embedding, 1, opinions, last.aspects)
        begun = [self._begin(part) for part in parts]
        lasts = [self._end(hidden) for hidden, _ in begun]
        weights = _weights(parts)
        mean = _mean_embedding([last.embedding for last in lasts], weights)
        exits = _mean([said for _, said in begun], weights)
        opinions = self._opinions(text, encoded.offsets, lasts)
        aspects = _most_spoken_of([last.aspects for last in lasts])
        return Reading(exits, _mean([last.logits for last in lasts], weights), mean, len(parts), opinions, aspects)

    def _begin(self, ids: Sequence[int]) -> tuple[Any, Logits]:
        hidden, *said = self._lower.run(None, {"tokens": np.array([ids], dtype=np.int64)})
        return hidden, self._by_question(said)

    def _end(self, hidden: Any) -> _Last:
        said = dict(zip(self._said, self._upper.run(None, {"hidden": hidden}), strict=True))
        logits = self._by_question([said[question] for question in self._questions])
        opinions = (said["tags"][0], said["links"][0], said["moves"]) if self.finds_opinions else None
        aspects = softmax(said["aspects"][0].astype(np.float32)) if "aspects" in said else None
        return _Last(logits, said["embedding"][0].astype(np.float32), opinions, aspects)

    def _opinions(self, text: str, offsets: Sequence[Span], lasts: Sequence[_Last]) -> tuple[Opinion, ...] | None:
        """The opinions of all windows; `offsets` are those of the tokens of the whole text, with one before and after."""
        found: list[Opinion] = []
        start = 1
        for last in lasts:
            if last.opinions is None:
                return None
            inner = len(last.opinions[0]) - 2
            found += opinions_of(text, *last.opinions, [(0, 0), *offsets[start : start + inner], (0, 0)])
            start += inner
        return tuple(found)

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


def _weights(parts: Sequence[Sequence[int]]) -> Floats:
    """How much each window counts: by its length."""
    lengths = np.array([len(part) for part in parts], dtype=np.float32)
    lengths /= lengths.sum()
    return lengths


def _mean_embedding(vectors: Sequence[Floats], weights: Floats) -> Floats:
    mean: Floats = weights @ np.stack(vectors)
    mean /= max(float(np.linalg.norm(mean)), 1e-12)
    return mean


def _most_spoken_of(parts: Sequence[Floats | None]) -> Floats | None:
    """Of each aspect what the window says that speaks of it most surely."""
    known = [part for part in parts if part is not None]
    if not known:
        return None
    windows = np.stack(known)
    surest = windows[..., 0].argmin(axis=0)
    found: Floats = windows[surest, np.arange(windows.shape[1])]
    return found


def _mean(parts: Sequence[Logits], weights: Floats) -> Logits:
    return {question: weights @ np.stack([part[question] for part in parts]) for question in parts[0]}


def _cores() -> int:
    """The cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
