"""How dates are written, for people who look at a file before they collect it: `2026-2-24 9:05` is `YYYY-MM-DD hh:mm`.

What stands in a column of dates need be no date: of anything else nothing is shown, it may be a name.
"""

import re
import unicodedata
from functools import lru_cache

from feedback.pii import mask

_CALENDAR = re.compile(r"\d{4}([-/.年])\d{1,2}([-/.月])\d{1,2}([日号]?)", re.ASCII)
_CLOCK = re.compile(r"\d{1,2}([:时點点])\d{1,2}(分?)((?::?\d{1,2}(?:[.,]\d+)?秒?)?)", re.ASCII)
_ZONE = re.compile(r"[+-]\d{1,2}(?::?\d{2})?$", re.ASCII)
_WEEKDAY = re.compile(r"(星期|周|礼拜)[一二三四五六日天]")
_DIGITS = re.compile(r"\d+", re.ASCII)
_WHOLE = {8: "YYYYMMDD", 9: "seconds", 10: "seconds", 13: "milliseconds", 14: "YYYYMMDDhhmmss"}
_WORDS = re.compile(
    r"凌晨|清晨|早上|早晨|上午|中午|下午|傍晚|晚上|(?:星期|周|礼拜)[一二三四五六日天]|刚刚|刚才|今天|今日|昨天|昨日|前天|秒钟?|分钟?|个?小时|个?钟头"
    r"|之?以?前|[年月日号时點点分秒天]|\b(?:am|pm|[tz]|utc|gmt|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun)\b"
    r"|(?<=\d)[tz](?=\d|$)|[\d\s:.,/+()\[\]-]",
    re.ASCII | re.IGNORECASE,
)
_NINES = {ord(digit): "9" for digit in "0123456789"}
_LONGEST = 40
_LONGEST_NUMBER = 14  # digits of a time; longer ones may be anybody's


def form_of(raw: str) -> str:
    """The form of a date, the same for all that are written alike.

    >>> form_of("2026/2/24 9:05:00"), form_of("昨天 12:30"), form_of("1700000000"), form_of("王阿宝")
    ('YYYY/MM/DD hh:mm:ss', '昨天 hh:mm', 'seconds since 1970', 'other text')
    """
    return _form(raw.translate(_NINES))


@lru_cache(maxsize=4096)
def _form(shape: str) -> str:
    """The form of all dates that differ in nothing but their digits."""
    text = _folded(shape)
    if not _is_of_dates(text):
        return "other text"
    whole = text.partition(".")[0]
    if whole.isdigit() and len(whole) in _WHOLE:
        form = _WHOLE[len(whole)]
        return form if form.startswith("Y") else f"{form} since 1970"
    text = _ZONE.sub("+zz", text) if ":" in text else text
    text = _CLOCK.sub(_clock, text, count=1)
    text = _CALENDAR.sub(lambda found: f"YYYY{found[1]}MM{found[2]}DD{found[3]}", text, count=1)
    return _DIGITS.sub("N", _WEEKDAY.sub(r"\1X", text))


def shown_date(raw: str) -> str:
    """A date as an example; of what is no date only how long it is."""
    text = _folded(raw)
    if not _is_of_dates(text) or any(len(digits) > _LONGEST_NUMBER for digits in _DIGITS.findall(text)):
        return f"({len(text):,} characters)"
    return mask(text)


def _folded(raw: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", raw).split())


def _is_of_dates(text: str) -> bool:
    """Whether it holds nothing but what dates are written with."""
    return len(text) <= _LONGEST and any(c.isdigit() or c in "刚" for c in text) and not _WORDS.sub("", text)


def _clock(found: re.Match[str]) -> str:
    seconds = _DIGITS.sub("ss", found[3], count=1)
    return f"hh{found[1]}mm{found[2]}{_DIGITS.sub('f', seconds)}"
