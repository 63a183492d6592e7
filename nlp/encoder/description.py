"""`encoder.json`: what an encoder's folder holds, and how its answers count."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nlp.errors import EngineError
from nlp.probabilities import Floats

DESCRIPTION = "encoder.json"
TOKENIZER = "tokenizer.json"
# Who answers, in the order in which they are asked.
FAST, EXIT, LAST = "fast", "exit", "last"
ANSWERERS = (FAST, EXIT, LAST)


@dataclass(frozen=True, slots=True)
class Step:
    """How the answers to one question add up when so many have been given: the sum of each answerer's logits times its weight, plus offsets.

    A temperature is in the weights. `sure`: from which confidence on nobody else need be asked; above 1 never.
    """

    weights: Mapping[str, float]
    offsets: Floats
    sure: float


@dataclass(frozen=True, slots=True)
class Scale:
    """Sentiment by the margin of positive over negative alone, neutral being what is far from either end.

    The logits are `negative - slope * margin`, 0 and `positive + slope * margin`.
    """

    slope: float
    negative: float
    positive: float

    def logits(self, sentiment: Floats) -> Floats:
        """From logits `(texts, 3)` to logits `(texts, 3)`."""
        lean = self.slope * (sentiment[:, 2] - sentiment[:, 0])
        return np.stack([self.negative - lean, np.zeros_like(lean), self.positive + lean], axis=1).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Description:
    """The graphs' files, each question's classes in the order of its logits, and the steps `[answerer][question]`.

    `traditional`: what the last layer says of the sentiment of long texts in traditional characters counts by this scale: see
    `nlp.encoder.engine`. `aspects`: taxonomy and aspect, in the order of the upper graph's `aspects`; none where it has no such output.
    `complete`: those taxonomies of which it learned every aspect that a text speaks of, so that it knows what is not spoken of.
    """

    lower: str
    upper: str
    classes: Mapping[str, tuple[str, ...]]
    steps: Mapping[str, Mapping[str, Step]]
    traditional: Scale
    aspects: tuple[tuple[str, str], ...] = ()
    complete: tuple[str, ...] = ()


def plain_steps(classes: Mapping[str, tuple[str, ...]]) -> dict[str, dict[str, Step]]:
    """Each answerer by itself, nothing calibrated, nobody ever sure: what an encoder says that nobody has measured yet."""
    return {
        who: {question: Step({who: 1.0}, floats([0.0] * len(labels)), 2.0) for question, labels in classes.items()}
        for who in ANSWERERS
    }


def floats(values: Sequence[float]) -> Floats:
    return np.array([float(value) for value in values], dtype=np.float32)


def rounded(values: Floats) -> list[float]:
    return [round(float(value), 4) for value in values]


def read_description(folder: Path) -> Description:
    """The folder's `encoder.json`; `EngineError` when there is none or it does not say what it must."""
    try:
        return _description(json.loads((folder / DESCRIPTION).read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise EngineError(f"There is no encoder in {folder}: it has no {DESCRIPTION}.") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EngineError(f"{folder / DESCRIPTION} is not the description of an encoder: {error!r}.") from error


def _description(said: Mapping[str, Any]) -> Description:
    return Description(
        lower=said["lower"],
        upper=said["upper"],
        classes={name: tuple(classes) for name, classes in said["classes"].items()},
        steps={
            who: {question: _step(step, ANSWERERS[: n + 1]) for question, step in said["steps"][who].items()}
            for n, who in enumerate(ANSWERERS)
        },
        aspects=tuple((name, aspect) for name, aspects in said.get("aspects", {}).items() for aspect in aspects),
        complete=tuple(said.get("complete", ())),
        traditional=Scale(*(float(said["traditional"][name]) for name in ("slope", "negative", "positive"))),
    )


def _step(said: Mapping[str, Any], asked: Sequence[str]) -> Step:
    weights = {who: float(weight) for who, weight in said["weights"].items()}
    if unknown := sorted(set(weights) - set(asked)):
        raise ValueError(f"'{unknown[0]}' has not been asked by then")
    return Step(weights, floats(said["offsets"]), float(said["sure"]))


def write_description(folder: Path, description: Description) -> None:
    aspects: dict[str, list[str]] = {}
    for taxonomy, aspect in description.aspects:
        aspects.setdefault(taxonomy, []).append(aspect)
    said = {
        "lower": description.lower,
        "upper": description.upper,
        "classes": description.classes,
        "steps": {
            who: {
                question: {"weights": dict(step.weights), "offsets": rounded(step.offsets), "sure": step.sure}
                for question, step in steps.items()
            }
            for who, steps in description.steps.items()
        },
        "aspects": aspects,
        "complete": list(description.complete),
        "traditional": {name: round(value, 4) for name, value in asdict(description.traditional).items()},
    }
    (folder / DESCRIPTION).write_text(json.dumps(said, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
