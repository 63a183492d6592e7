"""From logits to labels, the same for every engine."""

from collections.abc import Sequence
from typing import cast

import numpy as np
import numpy.typing as npt

from nlp.marks import INTENTS, SENTIMENTS, STAGES, Intent, Marks, Sentiment, Stage

Floats = npt.NDArray[np.float32]


def softmax(logits: Floats) -> Floats:
    """Probabilities of `(texts, classes)` logits; rows sum to 1."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return cast(Floats, powers / powers.sum(axis=1, keepdims=True))


def marks_of(sentiment: Floats, intent: Floats, stage: Floats) -> list[Marks]:
    """A text's marks from its probabilities: the likeliest classes, and for the score positive less negative."""
    scores = sentiment[:, SENTIMENTS.index("positive")] - sentiment[:, SENTIMENTS.index("negative")]
    return [
        Marks(cast(Sentiment, s), score, sp, cast(Intent, i), ip, cast(Stage, g), gp)
        for (s, sp), score, (i, ip), (g, gp) in zip(
            _best(sentiment, SENTIMENTS),
            _rounded(scores),
            _best(intent, INTENTS),
            _best(stage, STAGES),
            strict=True,
        )
    ]


def _best(probabilities: Floats, labels: Sequence[str]) -> list[tuple[str, float]]:
    chosen = probabilities.argmax(axis=1)
    sure = probabilities[np.arange(len(chosen)), chosen]
    return [(labels[n], p) for n, p in zip(chosen.tolist(), _rounded(sure), strict=True)]


def _rounded(values: Floats) -> list[float]:
    """Four places, as doubles: a float32 of 0.9 is 0.8999999761581421 in the database."""
    rounded: list[float] = values.astype(np.float64).round(4).tolist()
    return rounded
