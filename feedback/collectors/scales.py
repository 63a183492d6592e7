"""Ratings in surveys: which question asks for one, on what scale, and what an answer is worth on it.

NPS: 0..10, "how likely are you to recommend" (Reichheld, HBR 12/2003). CSAT: satisfaction, mostly 1..5. CES: how easy
or hard something was, 1..7 in version 2.0 (CEB 2013). Answers come as numbers ("9", "4.5分", "10（非常愿意）"), as stars
(★★★★☆, 五星) or as steps in words (非常满意 … 非常不满意). Who says that it does not apply (未使用过, 不清楚) gave no rating:
that is no answer, and shows nothing of the scale. What else is no rating is told one by one, as long as most answers are some.

A question that only speaks of what is good (您方便的取件方式, 最满意的方面), or that counts (推荐过几位朋友), asks for no rating; nor
does one whose answers are 0 and 1 alone, as exports write options that were ticked.

What a step is worth is told by the steps that occur among the answers to the question:

- seven steps where one side has all three degrees (非常满意, 满意, 比较满意) and there is a middle or the other side has a
  weakened one: 7, 6, 5, 4, 3, 2, 1;
- else five. The middle, 3, is 一般; where there is none, the weakened degree that stands beside the bare one of its side
  (满意/基本满意/不满意) and has no counterpart on the other. A strong degree is 5 or 1. A bare or a weakened one is 4 or 2; but
  of the two together, with no strong one and the middle taken, the bare one is 5 or 1 (一般/不太满意/不满意).

A number that leads an option says only where that stands in the list where most numbers contradict their words, or the
wording (1=非常满意): then words count, and bare numbers run from best to worst. Words with a remark that nobody else gave
are somebody's own and make no scale.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass

from feedback.collectors.answers import asks_what, clauses, reads_as_prose, without_blanks
from feedback.collectors.base import RawScore
from feedback.collectors.grades import Grade, does_not_apply, grade_of
from feedback.ratings import rating_of
from storage.records import Metric

_WORDINGS: tuple[tuple[Metric, re.Pattern[str]], ...] = (
    ("nps", re.compile(r"推荐|推薦|安利|recommend|\bNPS\b", re.IGNORECASE)),
    ("ces", re.compile(r"容易|费力|費力|轻松|方便|省力|难易|费劲|麻烦|effort|\bCES\b", re.IGNORECASE)),
    ("csat", re.compile(r"满意|滿意|satisf|\bCSAT\b", re.IGNORECASE)),
    ("star", re.compile(r"星级|几星|打分|评分|打几分|几分|rating|\bstars?\b", re.IGNORECASE)),
)
_RANGE = re.compile(r"(?<!\d)([01])\s*分?\s*(?:-|–|—|~|～|至|到|=.{0,12}?[,，;；、]\s*)+\s*(10|[3-9])(?!\d)\s*分?")
# 1=非常满意, 1分为最满意, 1、非常满意, 1非常满意: what a number stands for.
_ANCHOR = re.compile(r"(?<!\d)(\d{1,2})\s*分?\s*(=|表示|代表|是|为|[-–—、.:)])?\s*([^\d\s,;、。()/|~至到–—-]+)")
_NUMBER = re.compile(r"(?<![\d.])\d{1,2}(?:\.\d+)?(?![\d.])")
# What is good of which something else is asked: 满意的价格区间, but not 满意的程度.
_OF_WHAT = re.compile(
    r"(?:满意|滿意|容易|轻松|方便|省力|推荐|推薦)的(?=\w)(?!程度|可能|意愿|水平|情况|打分|评分|评价|分数|得分|[吗么呢吧])"
)
_COUNTS = re.compile(r"几(?:位|次|人|名|家|件|种|款|天|年|个(?!星))|多少(?!分|[颗顆个]?星)|次数|人数|频率|频次")
_YES_OR_NO = re.compile(r"是否|有没有|有无")
_ENOUGH = 20  # answers, before a scale is taken to be as short as the answers show


@dataclass(frozen=True, slots=True)
class Scale:
    """The scale of one question. `shift` is taken off numbers; where they run from best to worst, `falls`.

    `steps`: the steps in words that occur.
    """

    metric: Metric
    low: float
    high: float
    shift: int = 0
    falls: bool = False
    steps: frozenset[Grade] = frozenset()

    def read(self, answer: str) -> RawScore | None:
        """The rating, None when the answer is none on this scale. What was written into a blank is no part of it."""
        answer = without_blanks(answer)
        value = None if does_not_apply(answer) else self._value(answer)
        if value is None or not self.low <= value <= self.high:
            return None
        return RawScore(self.metric, f"{value:g}", self.low, self.high)

    def _value(self, answer: str) -> float | None:
        number = _number_in(answer, self.metric, self.high)
        if (number is None or self.falls) and (grade := grade_of(answer)):
            return _worth(grade, self.steps, self.high)
        if number is None:
            return None
        return self.low + self.high - number if self.falls else number - self.shift


def find_scale(wording: str, values: Sequence[str], named: str | None = None) -> Scale | None:
    """The scale a question is rated on, None when it asks for none. `named`: the metric the layout says it is."""
    metric = _metric(wording, named)
    values = [value for value in map(without_blanks, values) if not does_not_apply(value)]
    stated = _stated(wording)
    if metric is None or (not values and not stated):
        return None
    read = [(_number_in(value, metric), grade) for value, grade in zip(values, _options(values), strict=True)]
    numbers = [number for number, _ in read if number is not None]
    words = [grade for number, grade in read if grade and number is None and metric != "nps"]
    # A scale stated in the question outweighs some odd answers, which are then reported one by one.
    enough = 0.5 if named or stated else 0.75
    if len(numbers) + len(words) < len(values) * enough:
        return None
    if not (named or stated or words) and _are_options(wording, numbers):
        return None
    if metric == "nps":
        return _nps(stated, numbers, named is not None)
    low, high = stated or _shown(metric, numbers)
    falls = _fall(wording, [(number, grade) for number, grade in read if number is not None and grade], low + high)
    steps = frozenset(grade for number, grade in read if grade and (number is None or falls))
    bare = any(grade is None for number, grade in read if number is not None)
    if steps and not bare and (falls or not numbers):
        return Scale(metric, 1, 7 if _are_seven(steps) else 5, falls=falls, steps=steps)
    if _are_odd(sum(1 for number in numbers if not low <= number <= high), numbers):
        return None
    return Scale(metric, low, high, falls=falls, steps=steps)


def _metric(wording: str, named: str | None) -> Metric | None:
    """What the question rates, as the layout or its wording says."""
    if named:
        return next((metric for metric, _ in _WORDINGS if metric == named), None)
    # 对哪些地方不满意 asks for no rating, but 满意吗？请说明原因 does; so does any question that states a scale.
    asked = [
        _OF_WHAT.sub("", clause) for clause in clauses(wording) if not (asks_what(clause) or _COUNTS.search(clause))
    ]
    asked = [wording] if _stated(wording) else asked
    return next((metric for metric, pattern in _WORDINGS if any(map(pattern.search, asked))), None)


def _options(values: Sequence[str]) -> Iterator[Grade | None]:
    """The step that each answer is, None where there is none or it comes with words that nobody else wrote."""
    times = Counter(values)
    for value in values:
        yield None if times[value] == 1 and reads_as_prose(_bare(value)) else grade_of(value)


def _fall(wording: str, led: Sequence[tuple[float, Grade]], ends: float) -> bool:
    """Whether numbers contradict their words. `ends`: the lowest and the highest number together."""
    said = [(float(number), grade) for number, grade, _ in _anchors(wording) if grade] or led
    sides = [(2 * number - ends) * grade.side for number, grade in said]
    return sum(side < 0 for side in sides) > sum(side > 0 for side in sides)


def _are_options(wording: str, numbers: Sequence[float]) -> bool:
    """Whether numbers stand for options: ticked or not, yes or no, or two that the wording names (1愿意 2不愿意)."""
    if not numbers or max(numbers) > 2:
        return False
    if max(numbers) <= 1:  # of few people each may be at the same end
        return len(set(numbers)) > 1 or len(numbers) >= _ENOUGH
    return bool(_YES_OR_NO.search(wording)) or sum(1 for _, grade, _ in _anchors(wording) if grade) == 2


def _are_odd(off: int, numbers: Sequence[float]) -> bool:
    """Whether so many off a scale are too many for slips."""
    return off * 10 > len(numbers)


def _nps(stated: tuple[int, int] | None, numbers: Sequence[float], named: bool) -> Scale | None:
    if stated and stated[1] != 10 and not named:
        return None  # "愿意推荐吗（1-5）" is a rating, but no NPS
    fitting = [number for number in numbers if 0 <= number <= 11]
    if _are_odd(len(numbers) - len(fitting), numbers):
        return None
    if not (named or stated or max(fitting, default=0) > 5 or len(fitting) < _ENOUGH):
        return None
    # Exported by option number the eleven options are 1..11; an 11 gives it away, where there is no 0.
    return Scale("nps", 0, 10, shift=1 if 11 in fitting and 0 not in fitting else 0)


def _stated(wording: str) -> tuple[int, int] | None:
    match = _RANGE.search(_bare(wording))
    ends = {int(match[1]), int(match[2])} if match else set()
    anchored = {number for number, grade, equal in _anchors(wording) if grade or equal}
    if len(anchored) > 1:
        ends |= anchored  # 1=非常不满意, 2=不满意, … 5=非常满意
    return (min(ends), max(ends)) if ends and min(ends) <= 1 and 3 <= max(ends) <= 10 else None


def _anchors(wording: str) -> list[tuple[int, Grade | None, bool]]:
    """What the wording says of single numbers: the step, None where it is none, and whether a sign says so."""
    found = _ANCHOR.findall(_bare(wording))
    return [(int(number), grade_of(word), sign in ("=", "表示", "代表")) for number, sign, word in found]


def _shown(metric: Metric, numbers: Sequence[float]) -> tuple[int, int]:
    """The scale when the wording does not state it: the shortest usual one that holds the answers that are on any."""
    fitting = [number for number in numbers if 0 <= number <= 10]
    highest, low = max(fitting, default=0), 0 if min(fitting, default=1) < 1 else 1
    usual = (5, 7, 10)
    if metric == "ces" and len(fitting) < _ENOUGH:
        usual = (7, 10, 10)
    return low, next(high for high in usual if highest <= high)


def _number_in(answer: str, metric: Metric, high: float = 5) -> float | None:
    """What a short answer is as a number, as in tables, or the one number in it: "4.5分", "★★★★☆", "10（非常愿意）". None for words, or for two numbers."""
    text = _bare(answer)
    # Stars are no likelihood.
    plain = rating_of(text, metric if metric == "nps" else "star", high)
    if plain is not None:
        return plain
    found = _NUMBER.findall(text)
    return float(found[0]) if len(found) == 1 and len(text) <= 16 else None


def _worth(grade: Grade, steps: Set[Grade], high: float) -> float | None:
    """What a step is worth on a scale of words up to `high`, given the steps that occur; None on one that has no words."""
    if high == 7:
        return 4 + grade.side * (grade.degree if grade.side else 0)
    return 3 + grade.side * _away(grade, steps) if high == 5 else None


def _away(grade: Grade, steps: Set[Grade]) -> int:
    """How far a step is from the middle of five."""
    degrees, others = _degrees(steps, grade.side), _degrees(steps, -grade.side)
    weakened_is_middle = not _degrees(steps, 0) and degrees >= {1, 2} and 1 not in others
    if grade.degree == 1:
        return 0 if weakened_is_middle else 1
    return 2 if grade.degree == 3 or (degrees == {1, 2} and not weakened_is_middle) else 1


def _are_seven(steps: Set[Grade]) -> bool:
    sides = [(_degrees(steps, side), _degrees(steps, -side)) for side in (-1, 1)]
    return any(degrees >= {1, 2, 3} and (_degrees(steps, 0) or 1 in others) for degrees, others in sides)


def _degrees(steps: Set[Grade], side: int) -> set[int]:
    return {step.degree for step in steps if step.side == side}


def _bare(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip()
