"""What a survey's question asks for, by its wording: whose details, or words.

Linear models over the fast engine's n-grams, learned from wordings that were written and labelled for this package
(`nlp.training.train_survey_questions`).
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from nlp.fast.features import BITS, bags_of
from nlp.fast.weights import packed, unpacked
from nlp.probabilities import Floats

WEIGHTS = "survey_questions.npz"
_WHAT = f"The weights {WEIGHTS}"
WORDING_BITS = 16
SHIFT = BITS - WORDING_BITS
ASKED = ("details", "identity", "words")


@dataclass(frozen=True, slots=True)
class AskedFor:
    """How likely, each in 0..1, a question asks for `details` of a person; if it does, for their `identity` (who or where they are) rather than
    for numbers alone, and for `words` as well (遇到了什么问题？请留下电话)."""

    details: float
    identity: float
    words: float


def asked_for(wording: str) -> AskedFor:
    """What the wording asks for.

    >>> asked_for("怎么称呼您").details > 0.5, asked_for("您对我们的称呼有什么看法").details > 0.5
    (True, False)
    """
    bag = bags_of([wording])
    weights, scale, bias = _shipped()
    # Integer sums are exact: the same on every machine.
    sums = weights[bag.buckets >> SHIFT].sum(axis=0, dtype=np.int32)
    likely = 1 / (1 + np.exp(-(sums / bag.norms[0] * scale + bias)))
    return AskedFor(*map(float, likely))


@cache
def _shipped() -> tuple[npt.NDArray[np.int8], Floats, Floats]:
    """The weights that come with the package: `(buckets, ASKED)`, and the scale and the bias of each column."""
    weights, scale, bias = unpacked(packed(WEIGHTS, _WHAT), ("weights", "scale", "bias"), _WHAT)
    return weights, scale, bias
