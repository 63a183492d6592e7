"""The encoder's graph and its tokenizer: texts in, logits and embeddings out.

Every text runs alone, each thread with one at a time. In 8 bits the texts of a batch share the scale of their activations, so that what is
said of one would depend on the others; alone nothing does, nothing is padded, and two threads with a text each are as fast as both on a batch.
"""

import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from nlp.errors import EngineError
from nlp.probabilities import Floats

DESCRIPTION = "encoder.json"
TOKENIZER = "tokenizer.json"
WINDOW = 192  # tokens; a longer text is read in windows of nearly equal length


@dataclass(frozen=True, slots=True)
class Readings:
    """`logits[question]` `(texts, classes)`; `embeddings` `(texts, width)`, unit vectors."""

    logits: dict[str, Floats]
    embeddings: Floats


@dataclass(frozen=True, slots=True)
class Description:
    """What `encoder.json` says: the graph's file, and each question's classes in the order of its logits.

    A logit counts as `(logit + offset) / temperature`; both were chosen on development data.
    """

    graph: str
    classes: Mapping[str, tuple[str, ...]]
    temperatures: Mapping[str, float]
    offsets: Mapping[str, tuple[float, ...]]


class Reader:
    """Reads texts through a graph with the inputs `tokens` and `mask`. What it says of one text does not depend on the others."""

    def __init__(self, folder: Path) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        self.description = read_description(folder)
        self._threads = _cores()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        try:
            self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
            self._session = onnxruntime.InferenceSession(
                str(folder / self.description.graph), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # both libraries raise kinds of their own
            raise EngineError(f"The encoder in {folder} can't be loaded: {_first_line(error)}.") from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._outputs = [*self.description.classes, "embedding"]

    def read(self, texts: Sequence[str]) -> Readings:
        """One row per text, in order. Takes any text, the empty one too."""
        said = self._windows(list(dict.fromkeys(texts)))
        rows = [said[text] for text in texts]
        width = {
            name: output.shape[-1] for name, output in zip(self._outputs, self._session.get_outputs(), strict=True)
        }
        stacked = {
            name: np.stack([row[n] for row in rows]) if rows else np.zeros((0, width[name]), dtype=np.float32)
            for n, name in enumerate(self._outputs)
        }
        return Readings({name: stacked[name] for name in self.description.classes}, stacked["embedding"])

    def _windows(self, texts: Sequence[str]) -> dict[str, list[Floats]]:
        """Per text its outputs: of a text in one window as they are, else their mean weighted by the windows' lengths."""
        encoded = self._tokenizer.encode_batch(list(texts), add_special_tokens=True)
        jobs = [(n, window) for n, encoding in enumerate(encoded) for window in windows(encoding.ids)]
        with ThreadPoolExecutor(self._threads) as pool:
            # Those of similar length after one another: a thread's memory fits the next one as well.
            order = sorted(range(len(jobs)), key=lambda job: len(jobs[job][1]))
            outputs = dict(zip(order, pool.map(lambda job: self._run(jobs[job][1]), order), strict=True))
        parts: dict[int, list[tuple[int, list[Floats]]]] = {}
        for job, (n, window) in enumerate(jobs):
            parts.setdefault(n, []).append((len(window), outputs[job]))
        return {text: _joined(parts[n]) for n, text in enumerate(texts)}

    def _run(self, ids: Sequence[int]) -> list[Floats]:
        tokens = np.array([ids], dtype=np.int64)
        found: list[Any] = self._session.run(self._outputs, {"tokens": tokens, "mask": np.ones_like(tokens)})
        return [output[0].astype(np.float32) for output in found]


def windows(ids: Sequence[int]) -> list[list[int]]:
    """The tokens of a text, which begin and end with a special one, in windows that do so too; each token in exactly one.

    >>> windows([0, 5, 6, 2])
    [[0, 5, 6, 2]]
    """
    first, *inner, last = ids
    count = max(1, -(-len(inner) // (WINDOW - 2)))
    bounds = [len(inner) * n // count for n in range(count + 1)]
    return [[first, *inner[start:end], last] for start, end in pairwise(bounds)]


def read_description(folder: Path) -> Description:
    """The folder's `encoder.json`; `EngineError` when there is none or it does not say what it must."""
    try:
        said = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        return Description(
            graph=said["graph"],
            classes={name: tuple(classes) for name, classes in said["classes"].items()},
            temperatures={name: float(value) for name, value in said["temperatures"].items()},
            offsets={name: tuple(map(float, values)) for name, values in said["offsets"].items()},
        )
    except FileNotFoundError:
        raise EngineError(f"There is no encoder in {folder}: it has no {DESCRIPTION}.") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EngineError(f"{folder / DESCRIPTION} is not the description of an encoder: {error!r}.") from error


def _joined(parts: Sequence[tuple[int, list[Floats]]]) -> list[Floats]:
    if len(parts) == 1:
        return parts[0][1]
    weights = np.array([length for length, _ in parts], dtype=np.float32)
    weights /= weights.sum()
    means = [
        np.tensordot(weights, np.stack(same), axes=1) for same in zip(*(outputs for _, outputs in parts), strict=True)
    ]
    means[-1] /= max(float(np.linalg.norm(means[-1])), 1e-12)
    return means


def _cores() -> int:
    """The cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
