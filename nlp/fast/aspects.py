"""Which aspects of a built-in taxonomy a segment speaks of, by linear models over the fast engine's n-grams.

For segments of which no engine tells it: `auto` asks the encoder about some only, `fast` about none. `nlp.training.train_fast_aspects` makes the weights, 8-bit
as those of the fast engine, one column an aspect.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import compress

import numpy as np
import numpy.typing as npt

from nlp.errors import EngineError
from nlp.fast.features import BITS, bags_of
from nlp.fast.weights import packed, unpacked
from nlp.marks import Marks, SpokenOf
from nlp.probabilities import Floats

WEIGHTS = "fast_aspects.npz"
# Raise it when thresholds or the reading of the weights change.
CODE_VERSION = "1"
# Fewer buckets than the fast engine has: there are nine times as many columns.
ASPECT_BITS = 17
SHIFT = BITS - ASPECT_BITS
# How likely at most, of what is not spoken of although a word of it stands there, and how likely at least, of what an opinion is about that has none; chosen
# on the texts that measure (`nlp.training.aspect_sets.held_out`).
UNSPOKEN = 0.02
SPOKEN_OF = 0.2


class LinearAspects:
    """Knows the aspects of one built-in taxonomy; of any other, none. What it says of one segment does not depend on the others."""

    def __init__(self, taxonomy: str, weights: bytes) -> None:
        """`weights`: the contents of what `nlp.training.train_fast_aspects` wrote."""
        read = unpacked(weights, ("aspects", "weights", "scale", "bias"), _what())
        names, all_columns, scale, bias = read[0].tolist(), *read[1:]
        if all_columns.shape != (1 << ASPECT_BITS, len(names)):
            raise EngineError(
                f"{_what()} have shape {all_columns.shape}, not ({1 << ASPECT_BITS}, {len(names)}). Reinstall yuansheng."
            )
        columns = [n for n, name in enumerate(names) if name.startswith(f"{taxonomy}/")]
        self.aspects: tuple[tuple[str, str], ...] = tuple(
            (taxonomy, names[n].removeprefix(f"{taxonomy}/")) for n in columns
        )
        self._weights: npt.NDArray[np.int8] = np.ascontiguousarray(all_columns[:, columns])
        self._scale, self._bias = scale[columns], bias[columns]

    def completed(self, segments: Sequence[str], marks: Sequence[Marks]) -> list[Marks]:
        """The marks of the segments, in order; where the engine found no opinions, with what is spoken of and unspoken. A segment speaks of each aspect as it does on the whole."""
        told = list(marks)
        silent = [n for n, each in enumerate(told) if each.opinions is None]
        if not silent or not self.aspects:
            return told
        for n, likely in zip(silent, self.likelihoods([segments[n] for n in silent]), strict=True):
            told[n] = replace(told[n], spoken_of=self._spoken_of(likely, told[n]), unspoken=self._unspoken(likely))
        return told

    def likelihoods(self, segments: Sequence[str]) -> Floats:
        """`(segments, aspects)`, each in 0..1; takes one segment at least."""
        bags = bags_of(segments)
        # Integer sums are exact, so batch composition can't change a digit.
        sums = np.add.reduceat(self._weights[bags.buckets >> SHIFT], bags.starts[:-1], axis=0, dtype=np.int32)
        logits = sums / bags.norms[:, None] * self._scale + self._bias
        likelihoods: Floats = (1 / (1 + np.exp(-logits))).astype(np.float32)
        return likelihoods

    def _spoken_of(self, likely: Floats, marks: Marks) -> tuple[SpokenOf, ...]:
        if likely.max() < SPOKEN_OF:
            return ()
        found = []
        for n in likely.argsort(kind="stable")[::-1]:
            if likely[n] >= SPOKEN_OF:
                taxonomy, aspect = self.aspects[n]
                found.append(SpokenOf(taxonomy, aspect, marks.sentiment, round(float(likely[n]), 4)))
        return tuple(found)

    def _unspoken(self, likely: Floats) -> frozenset[tuple[str, str]]:
        return frozenset(compress(self.aspects, (likely < UNSPOKEN).tolist()))


def _what() -> str:
    return f"The fast engine's weights ({WEIGHTS})"


@cache
def shipped_weights() -> bytes:
    """The weights that come with the package."""
    return packed(WEIGHTS, _what())


@cache
def linear_aspects(taxonomy: str) -> LinearAspects:
    """Those of a taxonomy by the weights that ship, read once a process."""
    return LinearAspects(taxonomy, shipped_weights())


@cache
def aspects_version() -> str:
    """Changes whenever what is said may."""
    return f"{CODE_VERSION}.{hashlib.sha256(shipped_weights()).hexdigest()[:12]}"
