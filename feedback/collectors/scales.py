"""Ratings in surveys: which question asks for one, on what scale, and what an answer is worth on it.

NPS: 0..10, "how likely are you to recommend" (Reichheld, HBR 12/2003). CSAT: satisfaction, mostly 1..5. CES: how easy
or hard something was, 1..7 in version 2.0 (CEB 2013). Answers come as numbers ("9", "9分", "10（非常愿意）") or as
steps in words (非常满意 … 非常不满意).
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from feedback.collectors.base import RawScore
from feedback.collectors.grades import Grade, grade_of
from storage.records import Metric

_WORDINGS: tuple[tuple[Metric, re.Pattern[str]], ...] = (
    ("nps", re.compile(r"推荐|推薦|安利|recommend|\bNPS\b", re.IGNORECASE)),
    ("ces", re.compile(r"容易|费力|費力|轻松|方便|省力|难易|费劲|麻烦|effort|\bCES\b", re.IGNORECASE)),
    ("csat", re.compile(r"满意|滿意|satisf|\bCSAT\b", re.IGNORECASE)),
    ("star", re.compile(r"星级|几星|打分|评分|打几分|几分|rating|\bstars?\b", re.IGNORECASE)),
)
_RANGE = re.compile(r"(?<!\d)([01])\s*分?\s*(?:-|–|—|~|～|至|到|=.{0,12}?[,，;；、]\s*)+\s*(10|[3-9])(?!\d)\s*分?")
_NUMBER = re.compile(r"(?<!\d)(\d{1,2})(?:\.0+)?(?![\d.])")
_ENOUGH = 20  # answers, before a scale is taken to be as short as the answers show


@dataclass(frozen=True, slots=True)
class Scale:
    """The scale of one question. `shift` is taken off numbers; `steps` is 5 or 7 where answers are words."""

    metric: Metric
    low: float
    high: float
    shift: int = 0
    steps: int = 5

    def read(self, answer: str) -> RawScore | None:
        """The rating, None when the answer is none on this scale."""
        value = number_in(answer)
        if value is not None:
            value -= self.shift
        else:
            grade = grade_of(answer)
            if grade is None:
                return None
            value = _step(grade, self.steps)
        if not self.low <= value <= self.high:
            return None
        return RawScore(self.metric, str(value), self.low, self.high)


def find_scale(wording: str, values: Sequence[str], named: str | None = None) -> Scale | None:
    """The scale a question is rated on, None when it asks for none. `named`: the metric the layout says it is."""
    metrics = [
        metric for metric, pattern in _WORDINGS if (named or metric) == metric and (named or pattern.search(wording))
    ]
    if named in ("open", "choice") or not metrics:
        return None
    metric = metrics[0]
    numbers = [number for value in values if (number := number_in(value)) is not None]
    grades = [grade for value in values if number_in(value) is None and (grade := grade_of(value))]
    # A scale stated in the question outweighs some odd answers, which are then reported one by one.
    enough = 0.5 if named or _stated(wording) else 0.75
    if len(numbers) + len(grades) < len(values) * enough or (not values and not _stated(wording)):
        return None
    if metric == "nps":
        return _nps(wording, numbers, grades, named is not None)
    if grades and not numbers:
        bare_and_mild = any({g.degree for g in grades if g.side == side} >= {1, 2} for side in (-1, 1))
        steps = 7 if bare_and_mild else 5
        return Scale(metric, 1, steps, steps=steps)
    low, high = _stated(wording) or _shown(metric, numbers)
    outside = sum(1 for number in numbers if not low <= number <= high)
    return None if outside * 10 > len(numbers) else Scale(metric, low, high)


def _nps(wording: str, numbers: Sequence[int], grades: Sequence[Grade], named: bool) -> Scale | None:
    if grades or any(number > 11 for number in numbers):
        return None
    stated = _stated(wording)
    if stated and stated[1] != 10 and not named:
        return None  # "愿意推荐吗（1-5）" is a rating, but no NPS
    if not (named or stated or max(numbers, default=0) > 5 or len(numbers) < _ENOUGH):
        return None
    # Exported by option number the eleven options are 1..11; an 11 gives it away.
    return Scale("nps", 0, 10, shift=1 if 11 in numbers else 0)


def _stated(wording: str) -> tuple[int, int] | None:
    match = _RANGE.search(unicodedata.normalize("NFKC", wording))
    return (int(match[1]), int(match[2])) if match else None


def _shown(metric: Metric, numbers: Sequence[int]) -> tuple[int, int]:
    """The scale when the wording does not state it: the shortest usual one that holds the answers."""
    highest, low = max(numbers, default=0), min(1, *numbers, 1)
    usual = (5, 7, 10)
    if metric == "ces" and len(numbers) < _ENOUGH:
        usual = (7, 10, 10)
    return low, next((high for high in usual if highest <= high), 10)


def number_in(answer: str) -> int | None:
    """The one number in a short answer: "9", "9分", "9.0", "10（非常愿意）". None for words, or for two numbers."""
    text = unicodedata.normalize("NFKC", answer).strip()
    found = _NUMBER.findall(text)
    return int(found[0]) if len(found) == 1 and len(text) <= 16 else None


def _step(grade: Grade, steps: int) -> int:
    if grade.side == 0:
        return (steps + 1) // 2
    if steps == 7:
        return 4 + grade.side * grade.degree
    return 3 + grade.side * (2 if grade.degree == 3 else 1)
