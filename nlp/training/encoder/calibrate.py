"""Chooses how the answers of the fast engine, the early exit and the last layer add up, and when `auto` may stop.

    python -m nlp.training.encoder.calibrate --model runs/encoder/first/onnx --data DIR

Weights, temperatures and offsets are fitted by maximum likelihood on the segments of `labels/calibration.tsv` and, for the sentiment, on some reviews of
`reviews_binary_dev`, none of which was trained on. The confidences from which `auto` asks nobody else are those that get
most of both right while a review costs `--layers` a character on average. The scale of long texts in traditional characters is fitted on `openrice_hk_dev`. `encoder.json` in the model's
folder is written anew.
"""

import argparse
import itertools
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from nlp.encoder.description import ANSWERERS, DESCRIPTION, EXIT, FAST, LAST, Scale, Step, floats, write_description
from nlp.encoder.engine import QUESTIONS, deciding, disputed_sentiments, is_long_traditional
from nlp.encoder.reader import Reader, Reading
from nlp.fast.engine import FastEngine
from nlp.marks import SENTIMENTS
from nlp.probabilities import Floats, softmax
from nlp.training.corpus import labelled_segments
from nlp.training.encoder.model import EXIT_LAYER
from nlp.training.texts import rows

REVIEWS = 1200
REVIEW_WEIGHT = 0.5
PRIOR = 3.0  # how many texts' worth of doubt an offset away from nothing meets
# How far rare classes are favoured over what the calibration segments show (logit adjustment, Menon et al. 2021); chosen on dev.
RARITY = {"stage": 0.3}
GRID = (0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99)
LAYERS = 6  # of the encoder that ships
_BINS = 15
_SEED = 20261128

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Answers:
    """What was said of some texts: `logits[answerer][question]` `(texts, classes)`; `right[question]` `(texts, classes)`: acceptable labels."""

    logits: Mapping[str, Mapping[str, Floats]]
    right: Mapping[str, Bools]
    apart: Bools  # whether the text is a long one in traditional characters
    decides: Mapping[str, Bools]  # whether `auto` has to be sure of the question before it stops
    disputed: Bools  # `(texts, sentiments)`: with which answers `auto` must not stop
    length: npt.NDArray[np.int64]  # in characters


def answers(
    reader: Reader, fast: FastEngine, texts: Sequence[str], labels: Mapping[str, Sequence[Sequence[str]]]
) -> Answers:
    """Asks everybody about every text."""
    readings: list[Reading] = reader.read(texts)
    said = {
        FAST: fast.logits(texts),
        EXIT: {question: np.stack([reading.exit[question] for reading in readings]) for question in QUESTIONS},
        LAST: {
            question: np.stack([reading.last[question] for reading in readings if reading.last])
            for question in QUESTIONS
        },
    }
    right = {
        question: np.array([[name in accepted for name in QUESTIONS[question]] for accepted in lists])
        for question, lists in labels.items()
    }
    return Answers(
        said,
        right,
        apart=np.array([is_long_traditional(text) for text in texts]),
        decides={question: np.array([question in deciding(text) for text in texts]) for question in QUESTIONS},
        disputed=np.array([[name in disputed_sentiments(text) for name in SENTIMENTS] for text in texts]),
        length=np.array([len(text) for text in texts]),
    )


def added(step: Step, given: Answers, question: str) -> Floats:
    """The sum of the answers, weighted, without offsets."""
    total = np.zeros_like(given.logits[FAST][question])
    for who, weight in step.weights.items():
        total += np.float32(weight) * given.logits[who][question]
    return total


def probabilities(step: Step, given: Answers, question: str) -> Floats:
    return softmax(added(step, given, question) + step.offsets)


def fitted(who: str, question: str, sets: Sequence[tuple[Answers, float]]) -> Step:
    """The step of an answerer: likelihood of the acceptable labels, over sets with their weights; then rare classes are favoured."""
    asked = ANSWERERS[: ANSWERERS.index(who) + 1]
    classes = len(QUESTIONS[question])
    sets = [(given, weight) for given, weight in sets if question in given.right]

    def step_of(values: npt.NDArray[np.float64]) -> Step:
        weights = {each: float(weight) for each, weight in zip(asked, values, strict=False)}
        return Step(weights, floats(values[len(asked) :].tolist()), 2.0)

    def doubt(values: npt.NDArray[np.float64]) -> float:
        step = step_of(values)
        total = PRIOR * float((values[len(asked) :] ** 2).sum())
        for given, weight in sets:
            likely = (probabilities(step, given, question) * given.right[question]).sum(axis=1)
            total -= weight * float(np.log(np.maximum(likely, 1e-9)).sum())
        return total

    start = np.array([*(0.5 for _ in asked), *([0.0] * classes)])
    bounds = [(0.0, 4.0)] * len(asked) + [(-4.0, 4.0)] * classes
    found = minimize(doubt, start, bounds=bounds, method="Powell", options={"maxiter": 60, "xtol": 1e-3})
    step = step_of(found.x)
    if question not in RARITY:
        return step
    right = np.concatenate([given.right[question] for given, _ in sets])
    shares = right.sum(axis=0) / right.sum()
    return replace(step, offsets=step.offsets - floats(RARITY[question] * np.log(shares)))


def share_right(chosen: Floats, right: Bools) -> float:
    return float(right[np.arange(len(right)), chosen.argmax(axis=1)].mean())


def calibration_error(chosen: Floats, right: Bools) -> float:
    """Expected calibration error over fifteen equal bins (Guo et al. 2017)."""
    sure = chosen.max(axis=1)
    hit = right[np.arange(len(right)), chosen.argmax(axis=1)]
    bins = np.minimum((sure * _BINS).astype(int), _BINS - 1)
    return float(sum(abs(hit[bins == n].sum() - sure[bins == n].sum()) for n in range(_BINS)) / len(sure))


class Asked:
    """Some texts with what each answerer would answer, its confidence and whether it would be right; `[answerer][question]`."""

    def __init__(self, steps: Mapping[str, Mapping[str, Step]], given: Answers) -> None:
        said = {who: {q: probabilities(steps[who][q], given, q) for q in QUESTIONS} for who in ANSWERERS}
        self.confidence = {who: {q: found.max(axis=1) for q, found in by.items()} for who, by in said.items()}
        self.hit = {
            who: {q: right[np.arange(len(right)), said[who][q].argmax(axis=1)] for q, right in given.right.items()}
            for who in ANSWERERS
        }
        self.disputed = {
            who: given.disputed[np.arange(len(given.disputed)), by["sentiment"].argmax(axis=1)]
            for who, by in said.items()
        }
        self.decides, self.length = given.decides, given.length

    def stops(self, sure: Mapping[str, Mapping[str, float]]) -> dict[str, Bools]:
        """Of which texts each of the two that may be enough is so, by itself; where both are, the first is asked alone."""
        return {
            who: ~self.disputed[who]
            & np.all([(self.confidence[who][q] >= sure[who][q]) | ~self.decides[q] for q in QUESTIONS], axis=0)
            for who in (FAST, EXIT)
        }

    def cascade(self, sure: Mapping[str, Mapping[str, float]]) -> "Cascade":
        """`auto` with these confidences from which nobody else is asked."""
        at = self.stops(sure)
        accuracy = {
            q: float(
                np.where(at[FAST], self.hit[FAST][q], np.where(at[EXIT], self.hit[EXIT][q], self.hit[LAST][q])).mean()
            )
            for q in self.hit[LAST]
        }
        layers = np.where(at[FAST], 0, np.where(at[EXIT], EXIT_LAYER, LAYERS))
        return Cascade(accuracy, float((layers * self.length).sum() / self.length.sum()))


@dataclass(frozen=True, slots=True)
class Cascade:
    """What stopping early comes to: the share of right answers, and the layers of the encoder that a character goes through on average."""

    accuracy: Mapping[str, float]
    layers: float


def fitted_scale(given: Answers) -> Scale:
    """The scale of long traditional texts, by maximum likelihood."""
    logits, right = given.logits[LAST]["sentiment"][given.apart], given.right["sentiment"][given.apart]

    def doubt(values: npt.NDArray[np.float64]) -> float:
        likely = (softmax(Scale(*values).logits(logits)) * right).sum(axis=1)
        return -float(np.log(np.maximum(likely, 1e-9)).sum())

    return Scale(*(float(value) for value in minimize(doubt, [0.5, 0.0, 0.0], method="Nelder-Mead").x))


def segments(data: Path, name: str) -> tuple[list[str], dict[str, list[tuple[str, ...]]]]:
    found = labelled_segments(data, name)
    return [s.text for s in found], {question: [getattr(s, question) for s in found] for question in QUESTIONS}


def reviews(data: Path, name: str, count: int | None) -> tuple[list[str], dict[str, list[tuple[str, ...]]]]:
    """The reviews of a file, or so many of them."""
    found = list(rows(data / f"{name}.jsonl"))
    if count is not None:
        found = random.Random(_SEED).sample(found, count)
    return [row["text"] for row in found], {"sentiment": [(row["label"],) for row in found]}


Sure = dict[str, dict[str, float]]


def part(given: Answers, rows: npt.NDArray[np.int64]) -> Answers:
    """What was said of some of the texts."""
    return Answers(
        {who: {question: said[rows] for question, said in by.items()} for who, by in given.logits.items()},
        {question: right[rows] for question, right in given.right.items()},
        given.apart[rows],
        {question: decides[rows] for question, decides in given.decides.items()},
        given.disputed[rows],
        given.length[rows],
    )


def cross_fitted(
    given: Answers, others: Sequence[tuple[Answers, float]], sure: Sure
) -> dict[str, dict[str, tuple[Floats, Bools]]]:
    """What `encoder` and `auto` say of each text by steps that were fitted on the other half, and what is right; `[engine][question]`.

    As honest as texts that nothing is fitted on, and these are five times as many: on 420 texts a perfect confidence seems to be off by 0.035.
    """
    halves = np.array_split(np.random.default_rng(_SEED).permutation(len(given.length)), 2)
    found: dict[str, dict[str, list[tuple[Floats, Bools]]]] = {
        name: {question: [] for question in QUESTIONS} for name in ("encoder", "auto")
    }
    for fit, rest in (halves, halves[::-1]):
        steps = {who: {q: fitted(who, q, [(part(given, fit), 1.0), *others]) for q in QUESTIONS} for who in ANSWERERS}
        held = part(given, rest)
        said = {who: {q: probabilities(steps[who][q], held, q) for q in QUESTIONS} for who in ANSWERERS}
        stops = Asked(steps, held).stops(sure)
        for question, right in held.right.items():
            hasty = said[LAST][question].copy()
            for who in (EXIT, FAST):
                hasty[stops[who]] = said[who][question][stops[who]]
            found["encoder"][question].append((said[LAST][question], right))
            found["auto"][question].append((hasty, right))
    return {
        name: {
            question: (np.concatenate([a for a, _ in of]), np.concatenate([b for _, b in of]))
            for question, of in by.items()
        }
        for name, by in found.items()
    }


def hurried(of_segments: Asked, of_reviews: Asked, layers: float) -> Sure:
    """The confidences that get most right while a character of a review costs no more than so many layers on average.

    One confidence for the sentiment and one for the two other questions, for each of the two who may be enough.
    """
    best: tuple[float, Sure] | None = None
    for sentiment, other in itertools.product(GRID, repeat=2):
        fast = dict.fromkeys(QUESTIONS, other) | {"sentiment": sentiment}
        if of_reviews.cascade({FAST: fast, EXIT: dict.fromkeys(QUESTIONS, 0.0)}).layers > layers:
            continue
        for sentiment_, other_ in itertools.product(GRID, repeat=2):
            sure = {FAST: fast, EXIT: dict.fromkeys(QUESTIONS, other_) | {"sentiment": sentiment_}}
            cost = of_reviews.cascade(sure)
            if cost.layers > layers:
                continue
            score = sum(of_segments.cascade(sure).accuracy.values()) + 2 * cost.accuracy["sentiment"]
            if best is None or score > best[0]:
                best = score, sure
    if best is None:
        raise SystemExit(f"Nothing costs as little as {layers} layers.")
    return best[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="the folder that export wrote")
    parser.add_argument("--data", type=Path, required=True, help="the folder of the labelled data")
    parser.add_argument(
        "--layers",
        type=float,
        default=1.5,
        help="layers of the encoder that a character of a review may cost on average",
    )
    arguments = parser.parse_args()
    reader, fast = Reader(arguments.model), FastEngine.load()
    sets = {
        "calibration": answers(reader, fast, *segments(arguments.data, "calibration")),
        "dev": answers(reader, fast, *segments(arguments.data, "dev")),
        "reviews": answers(reader, fast, *reviews(arguments.data, "reviews_binary_dev", REVIEWS)),
        "openrice": answers(reader, fast, *reviews(arguments.data, "openrice_hk_dev", None)),
    }
    chosen_on = [(sets["calibration"], 1.0), (sets["reviews"], REVIEW_WEIGHT)]
    steps = {who: {q: fitted(who, q, chosen_on) for q in QUESTIONS} for who in ANSWERERS}
    asked = {name: Asked(steps, given) for name, given in sets.items()}
    sure = hurried(asked["calibration"], asked["reviews"], arguments.layers)
    for name, given in sets.items():
        for who in ANSWERERS:
            for question, right in given.right.items():
                said = probabilities(steps[who][question], given, question)
                error = calibration_error(said, right)
                print(f"{name:12} {who:5} {question:10} {share_right(said, right):.4f}  calibration error {error:.4f}")
        auto = asked[name].cascade(sure)
        print(
            f"{name:12} auto  {json.dumps({q: round(a, 4) for q, a in auto.accuracy.items()})} {auto.layers:.2f} layers"
        )
    for engine, by in cross_fitted(sets["calibration"], chosen_on[1:], sure).items():
        for question, (said, right) in by.items():
            error = calibration_error(said, right)
            print(
                f"cross-fitted {engine:7} {question:10} {share_right(said, right):.4f}  calibration error {error:.4f}"
            )
    settled = {
        who: {q: replace(step, sure=sure[who][q] if who in sure else 2.0) for q, step in by.items()}
        for who, by in steps.items()
    }
    scale = fitted_scale(sets["openrice"])
    apart = sets["openrice"].apart
    said = softmax(scale.logits(sets["openrice"].logits[LAST]["sentiment"][apart]))
    right = sets["openrice"].right["sentiment"][apart]
    print(f"openrice, the {apart.sum()} long traditional ones by their scale: {share_right(said, right):.4f}")
    write_description(arguments.model, replace(reader.description, steps=settled, traditional=scale))
    print((arguments.model / DESCRIPTION).read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
