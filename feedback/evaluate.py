"""How right an engine is on texts whose labels are known.

A gold file is JSON Lines: `text`, and any of `sentiment` (or `label`), `intent`, `stage`, each one label or a list of acceptable
ones; `source` (or `src`) names where a text is from. The engine marks each text whole, as one segment.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from feedback.errors import FeedbackError
from feedback.journey.stats import wilson
from nlp.engine import Engine
from nlp.marks import INTENTS, SENTIMENTS, STAGES, Marks
from storage.evaluations import EvaluationRow

NO_SOURCE = "(no source)"
# The sign of the score forces a choice, as sets labelled only positive and negative do.
BY_SIGN = "sentiment_by_sign"

_LABELS: Mapping[str, tuple[str, ...]] = {"sentiment": SENTIMENTS, "intent": INTENTS, "stage": STAGES}
_KEYS: Mapping[str, tuple[str, ...]] = {"sentiment": ("sentiment", "label"), "intent": ("intent",), "stage": ("stage",)}
_SOURCE_KEYS = ("source", "src")

_LONGEST_LINE_BYTES = 8_000_000
_LONGEST_TEXT = 1_000_000  # as long as analysis takes them
_BATCH_TEXTS = 256
_BATCH_CHARACTERS = 200_000
_RESAMPLES = 1000
_SEED = 20260301
_BINS = 15


class GoldError(FeedbackError):
    """A gold file that can't be used."""


@dataclass(frozen=True, slots=True)
class GoldRow:
    """A text and, for each field that is labelled, the labels that are right; `size_bytes` is its line's."""

    text: str
    source: str
    labels: Mapping[str, tuple[str, ...]]
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Figure:
    """A share of `n` with 95 % limits; no limits where resampling can't give any, since every answer is alike."""

    value: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True, slots=True)
class ClassCard:
    """One class. Precision is None where it was never said, recall and F1 where the gold has none of it."""

    label: str
    precision: Figure | None
    recall: Figure | None
    f1: Figure | None


@dataclass(frozen=True, slots=True)
class FieldCard:
    """One field. Rows of `confusion` are the truth, columns what was said, both in the order of `classes`.

    `calibration_error`: how far confidences are from the share of right answers, on average (expected calibration error over
    fifteen equal bins, Guo et al. 2017); None where there is no confidence. `error_by_chance`: what it would stay below in 95 of
    100 such samples although every confidence were true.
    """

    field: str
    n: int
    unlabelled: int
    accuracy: Figure
    macro_f1: Figure
    calibration_error: Figure | None
    error_by_chance: float | None
    classes: tuple[ClassCard, ...]
    sources: tuple[tuple[str, Figure], ...]  # accuracy, the largest source first
    confusion: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Card:
    """What an evaluation found."""

    engine: str
    engine_version: str
    texts: int
    fields: tuple[FieldCard, ...]


def read_gold(path: Path) -> Iterator[GoldRow]:
    """The rows of a gold file, lazily; blank lines are skipped. `GoldError` names the line that can't be used."""
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(_LONGEST_LINE_BYTES + 1):
                number += 1
                if line.strip():
                    yield _gold_row(line, number, f"{path}, line {number}")
    except FileNotFoundError:
        raise GoldError(f"There is no file {path}.") from None
    except OSError as error:
        raise GoldError(f"{path} can't be read: {error.strerror}.") from error


def _gold_row(line: bytes, number: int, where: str) -> GoldRow:
    if len(line) > _LONGEST_LINE_BYTES:
        raise GoldError(f"{where} is longer than {_LONGEST_LINE_BYTES:,} bytes. A gold file has one text a line.")
    try:
        row = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n"))
    except UnicodeDecodeError:
        raise GoldError(f"{where} is not UTF-8. A gold file is JSON Lines in UTF-8.") from None
    except json.JSONDecodeError as error:
        raise GoldError(f"{where} is not JSON: {error.msg} at character {error.pos + 1}.") from None
    except (ValueError, RecursionError) as error:
        raise GoldError(f"{where} is not usable JSON: {error}.") from None
    if not isinstance(row, dict):
        raise GoldError(f"{where} is not a JSON object.")
    text = row.get("text")
    if not isinstance(text, str):
        raise GoldError(f"{where} has no 'text' that is a string.")
    if len(text) > _LONGEST_TEXT:
        raise GoldError(f"{where}: the text has {len(text):,} characters, more than {_LONGEST_TEXT:,}.")
    labels = {name: found for name in _LABELS if (found := _labels(row, name, where))}
    return GoldRow(text, _source(row, where), labels, len(line))


def _labels(row: Mapping[str, Any], name: str, where: str) -> tuple[str, ...]:
    """The acceptable labels of a field, as they stand; empty when there are none."""
    value = next((row[key] for key in _KEYS[name] if row.get(key) not in (None, "", [])), None)
    if value is None:
        return ()
    labels = value if isinstance(value, list) else [value]
    for label in labels:
        if label not in _LABELS[name]:
            said = f"'{label}'" if isinstance(label, str) else json.dumps(label)
            raise GoldError(f"{where}: no {name} {said[:80]}. Known: {', '.join(_LABELS[name])}.")
    return tuple(labels)


def _source(row: Mapping[str, Any], where: str) -> str:
    value = next((row[key] for key in _SOURCE_KEYS if row.get(key) not in (None, "")), NO_SOURCE)
    if not isinstance(value, str | int):
        raise GoldError(f"{where}: the source must be text, not {json.dumps(value)[:80]}.")
    source = str(value)
    if any("\ud800" <= character <= "\udfff" for character in source):
        raise GoldError(f"{where}: the source holds half a character (a lone surrogate).")
    return source


@dataclass(slots=True)
class _Tally:
    """Counts of one field: all that is kept of the texts."""

    classes: tuple[str, ...]
    confusion: list[list[int]]
    sources: dict[str, list[int]] = field(default_factory=dict)  # texts, right ones
    n: int = 0
    # By bin of confidence: how many, their sum, and how many answers were right.
    in_bins: list[int] = field(default_factory=lambda: [0] * _BINS)
    confidences: list[float] = field(default_factory=lambda: [0.0] * _BINS)
    right_in_bins: list[int] = field(default_factory=lambda: [0] * _BINS)
    has_confidences: bool = False

    @classmethod
    def over(cls, classes: tuple[str, ...]) -> "_Tally":
        return cls(classes, [[0] * len(classes) for _ in classes])

    def add(self, accepted: Sequence[str], said: str, source: str, confidence: float | None = None) -> None:
        right = said in accepted
        truth = said if right else accepted[0]
        self.confusion[self.classes.index(truth)][self.classes.index(said)] += 1
        counts = self.sources.setdefault(source, [0, 0])
        counts[0] += 1
        counts[1] += right
        self.n += 1
        if confidence is not None:
            place = min(int(confidence * _BINS), _BINS - 1)
            self.in_bins[place] += 1
            self.confidences[place] += confidence
            self.right_in_bins[place] += right
            self.has_confidences = True


def evaluate(rows: Iterable[GoldRow], engine: Engine, progress: Callable[[str, int], None]) -> Card:
    """Mark every text and count; memory is that of the counts. `GoldError` when nothing is labelled.

    A row with several acceptable labels is right when the engine says one of them, and then that one is the truth; otherwise the
    first is. Where no row accepts "neutral", the sentiment is judged twice: as said (a neutral verdict is wrong), and by the
    sign of the score.
    """
    tallies = {name: _Tally.over(classes) for name, classes in _LABELS.items()}
    by_sign = _Tally.over(SENTIMENTS)
    texts, neutral_gold = 0, False
    for batch in _batches(rows):
        for row, marks in zip(batch, engine.mark([row.text for row in batch]), strict=True):
            said = {
                "sentiment": (marks.sentiment, marks.sentiment_confidence),
                "intent": (marks.intent, marks.intent_confidence),
                "stage": (marks.stage, marks.stage_confidence),
            }
            for name, accepted in row.labels.items():
                label, confidence = said[name]
                tallies[name].add(accepted, label, row.source, confidence)
            if accepted := row.labels.get("sentiment", ()):
                neutral_gold = neutral_gold or "neutral" in accepted
                by_sign.add(accepted, _sign(marks), row.source)
        texts += len(batch)
        progress("", sum(row.size_bytes for row in batch))
    fields = []
    for name, tally in tallies.items():
        if tally.n:
            fields.append(_measure(name, tally, texts))
        if name == "sentiment" and tally.n and not neutral_gold:
            fields.append(_measure(BY_SIGN, by_sign, texts))
    if not fields:
        raise GoldError("No text with a label. Rows need 'text' and 'sentiment' (or 'label'), 'intent' or 'stage'.")
    return Card(engine.name, engine.version, texts, tuple(fields))


def _batches(rows: Iterable[GoldRow]) -> Iterator[list[GoldRow]]:
    """Batches bounded in texts and in characters."""
    batch: list[GoldRow] = []
    characters = 0
    for row in rows:
        if batch and (len(batch) == _BATCH_TEXTS or characters + len(row.text) > _BATCH_CHARACTERS):
            yield batch
            batch, characters = [], 0
        batch.append(row)
        characters += len(row.text)
    if batch:
        yield batch


def _sign(marks: Marks) -> str:
    if marks.sentiment_score == 0:
        return "neutral"
    return "positive" if marks.sentiment_score > 0 else "negative"


def _measure(name: str, tally: _Tally, texts: int) -> FieldCard:
    confusion = tally.confusion
    truths = [sum(row) for row in confusion]
    said = [sum(column) for column in zip(*confusion, strict=True)]
    hits = [confusion[k][k] for k in range(len(truths))]
    macro_f1, f1 = _f1_figures(confusion)
    return FieldCard(
        field=name,
        n=tally.n,
        unlabelled=texts - tally.n,
        accuracy=_share(sum(hits), tally.n),
        macro_f1=macro_f1,
        calibration_error=_calibration_error(tally),
        error_by_chance=_error_by_chance(tally),
        classes=tuple(
            ClassCard(
                label,
                precision=_share(hits[k], said[k]) if said[k] else None,
                recall=_share(hits[k], truths[k]) if truths[k] else None,
                f1=f1[k],
            )
            for k, label in enumerate(tally.classes)
        ),
        sources=tuple(
            (source, _share(right, n))
            for source, (n, right) in sorted(tally.sources.items(), key=lambda item: (-item[1][0], item[0]))
        ),
        confusion=tuple(tuple(row) for row in confusion),
    )


def _calibration_error(tally: _Tally) -> Figure | None:
    if not tally.has_confidences:
        return None
    apart = (abs(sure - right) for sure, right in zip(tally.confidences, tally.right_in_bins, strict=True))
    return Figure(sum(apart) / tally.n, None, None, tally.n)


def _error_by_chance(tally: _Tally) -> float | None:
    """A small sample is off by luck alone: answers drawn as right as often as their bin's confidences say."""
    if not tally.has_confidences:
        return None
    import numpy as np

    counts, sums = np.array(tally.in_bins), np.array(tally.confidences)
    share = np.clip(sums / np.maximum(counts, 1), 0.0, 1.0)
    right = np.random.default_rng(_SEED).binomial(counts, share, size=(_RESAMPLES, _BINS))
    return float(np.percentile(abs(right - sums).sum(axis=1) / tally.n, 95))


def _share(successes: int, n: int) -> Figure:
    estimate = wilson(successes, n)
    return Figure(estimate.value, estimate.low, estimate.high, n)


def _f1_figures(confusion: Sequence[Sequence[int]]) -> tuple[Figure, list[Figure | None]]:
    """Macro-F1 over the classes that the gold holds, and F1 = 2 TP / (2 TP + FP + FN) of each, with bootstrap limits.

    Resampling texts is drawing anew how many fall into each cell of the confusion table, so no text needs to be kept. Each class
    keeps its number of texts (a stratified bootstrap): left to chance, a class of two would be missing from many a resample.
    """
    import numpy as np

    cells = np.asarray(confusion, dtype=np.int64)
    truths = cells.sum(axis=1)
    random = np.random.default_rng(_SEED)
    samples = np.zeros((_RESAMPLES + 1, *cells.shape), dtype=np.int64)
    samples[0] = cells  # the table itself comes first
    in_gold = [k for k, n in enumerate(truths.tolist()) if n]
    for k in in_gold:
        samples[1:, k] = random.multinomial(truths[k], cells[k] / truths[k], size=_RESAMPLES)
    sizes = samples.sum(axis=1) + truths
    f1 = 2 * np.einsum("rkk->rk", samples)[:, in_gold] / sizes[:, in_gold]
    macro = _percentile_figure(f1.mean(axis=1).tolist(), int(truths.sum()))
    figures: list[Figure | None] = [None] * len(truths)
    for column, k in enumerate(in_gold):
        figures[k] = _percentile_figure(f1[:, column].tolist(), int(truths[k]))
    return macro, figures


def _percentile_figure(values: Sequence[float], n: int) -> Figure:
    """The first value, with the 2.5th and 97.5th percentile of the others."""
    import numpy as np

    value = values[0]
    low, high = np.percentile(values[1:], (2.5, 97.5)).tolist()
    if low == high:
        return Figure(value, None, None, n)
    return Figure(value, min(low, value), max(high, value), n)


def evaluation_rows(card: Card, gold: str, evaluated_at: str) -> list[EvaluationRow]:
    """The card as rows of the table `evaluations`. A confusion is the share of a class's texts that were called another."""
    rows: list[EvaluationRow] = []

    def add(name: str, part: str, metric: str, figure: Figure | None) -> None:
        if figure is not None:
            said = (figure.value, figure.low, figure.high, figure.n)
            rows.append(EvaluationRow(evaluated_at, gold, card.engine, card.engine_version, name, part, metric, *said))

    for each in card.fields:
        add(each.field, "all", "accuracy", each.accuracy)
        add(each.field, "all", "macro_f1", each.macro_f1)
        add(each.field, "all", "calibration_error", each.calibration_error)
        for truth, one in enumerate(each.classes):
            add(each.field, f"class {one.label}", "precision", one.precision)
            add(each.field, f"class {one.label}", "recall", one.recall)
            add(each.field, f"class {one.label}", "f1", one.f1)
            for said, count in enumerate(each.confusion[truth]):
                if count and said != truth:
                    figure = _share(count, sum(each.confusion[truth]))
                    add(each.field, f"class {one.label}", f"said_{each.classes[said].label}", figure)
        for source, accuracy in each.sources:
            if source != NO_SOURCE or len(each.sources) > 1:
                add(each.field, f"source {source}", "accuracy", accuracy)
    return rows
