"""What a rating is worth, as sources write it: "4", "4.5分", "4/5", "5颗星", "五星好评", "★★★★☆".

Read is what is certain by itself. What 好评 or 80% is worth on a scale only a layout can say (`values`, `divide`).
"""

import re
from functools import lru_cache

from storage.records import Metric

_NUMBER = re.compile(
    r"\s*(?P<number>[+-]?\d+(?:\.\d+)?)\s*(?:分|[颗顆个]?\s*星(?:级|好评)?|stars?|/\s*(?P<of>\d+))?\s*", re.IGNORECASE
)
_DRAWN = re.compile(r"([★⭐]+)(☆*)")
_IN_WORDS = re.compile(r"([一二两三四五六七八九十])[颗顆个]?(半?)(?:星(?:级|好评)?|分)(半?)")
_NUMERALS = {numeral: number for number, numeral in enumerate("一二三四五六七八九十", 1)} | {"两": 2}
_NOT_DRAWN = str.maketrans("", "", "\ufe0f")  # says that the star before it is an emoji


def number_in(raw: str) -> float | None:
    """The number that a rating is written with, whatever its scale; None where it is written with none."""
    match = _NUMBER.fullmatch(raw)
    return float(match["number"]) if match else None


@lru_cache(maxsize=1024)  # ratings recur
def rating_of(raw: str, metric: Metric, high: float) -> float | None:
    """A rating on a scale that ends at `high`, None where it is none for certain: "4/10" on 1..5, "★★☆" on five stars.

    >>> rating_of("4.5分", "star", 5), rating_of("★★★★☆", "star", 5), rating_of("五星", "star", 5), rating_of("80%", "star", 5)
    (4.5, 4.0, 5.0, None)
    """
    if match := _NUMBER.fullmatch(raw):
        return None if match["of"] and float(match["of"]) != high else float(match["number"])
    return _stars(raw, high) if metric == "star" else None


def _stars(raw: str, high: float) -> float | None:
    text = "".join(raw.translate(_NOT_DRAWN).split())
    if match := _DRAWN.fullmatch(text):
        full, empty = map(len, match.groups())
        # Without empty ones nobody draws how many there could have been; five is what everybody takes for granted.
        return float(full) if full + empty == high or (not empty and high == 5) else None
    if match := _IN_WORDS.fullmatch(text):
        return _NUMERALS[match[1]] + 0.5 * bool(match[2] or match[3])
    return None


def cure(raw: str, high: float) -> str:
    """What to write into a layout for a rating that is no number; "" for a number: that one is off its scale."""
    if "%" in raw or "％" in raw:
        return f"; if 100% is {high:g}, say in the layout, under [[scores]]: divide = {100 / high:g}"
    if number_in(raw) is not None:
        return ""
    return f'; what it is worth is said in the layout, under [[scores]]: values = {{ "好评" = {high:g} }}'
