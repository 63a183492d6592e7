"""The fast engine: linear models over hashed character n-grams, a few megabytes, no dependency but numpy.

The weights of all three questions (sentiment, intent, stage) stand side by side, one row per bucket, so that a batch is
one gather and one sum. They are 8-bit, each column with its own scale.
"""

import hashlib
from collections.abc import Sequence
from typing import cast

import numpy as np
import numpy.typing as npt

from nlp.errors import EngineError
from nlp.fast.features import BUCKETS, bags_of
from nlp.fast.weights import packed, unpacked
from nlp.marks import INTENTS, SENTIMENTS, STAGES, Marks
from nlp.probabilities import Floats, marks_of, softmax

WEIGHTS = "fast.npz"
_WHAT = f"The fast engine's weights ({WEIGHTS})"
# Raise it when features or the reading of the weights change.
CODE_VERSION = "2"


class FastEngine:
    """Marks segments with linear models; what it says of one segment does not depend on the others."""

    name = "fast"

    def __init__(self, weights: npt.NDArray[np.int8], scale: Floats, bias: Floats, digest: str) -> None:
        columns = len(SENTIMENTS) + len(INTENTS) + len(STAGES)
        if weights.shape != (BUCKETS, columns) or scale.shape != (columns,) or bias.shape != (columns,):
            raise EngineError(
                f"The fast engine's weights have shape {weights.shape}, not ({BUCKETS}, {columns}). Reinstall yuansheng."
            )
        self._weights = weights
        self._scale = scale
        self._bias = bias
        self.version = f"{CODE_VERSION}.{digest}"

    @classmethod
    def load(cls) -> "FastEngine":
        """The weights that ship with the package."""
        data = packed(WEIGHTS, _WHAT)
        weights, scale, bias = unpacked(data, ("weights", "scale", "bias"), _WHAT)
        return cls(weights, scale, bias, hashlib.sha256(data).hexdigest()[:12])

    def mark(self, segments: Sequence[str]) -> list[Marks]:
        """One `Marks` per segment, in order."""
        if not segments:
            return []
        logits = self.logits(segments)
        return marks_of(*(softmax(logits[question]) for question in ("sentiment", "intent", "stage")))

    def logits(self, segments: Sequence[str]) -> dict[str, Floats]:
        """By question, `(segments, classes)`; takes one segment at least."""
        bags = bags_of(segments)
        # Integer sums are exact, so batch composition can't change a digit.
        sums = np.add.reduceat(self._weights[bags.buckets], bags.starts[:-1], axis=0, dtype=np.int32)
        logits = cast(Floats, sums / bags.norms[:, None] * self._scale + self._bias)
        first, second = len(SENTIMENTS), len(SENTIMENTS) + len(INTENTS)
        return {"sentiment": logits[:, :first], "intent": logits[:, first:second], "stage": logits[:, second:]}
