"""Dates that a column holds as texts: which of them stand in the order of time, and how a database is asked for the later ones.

Texts of one form do, like 2026-03-01 09:30:00 and 2026-03-01 10:00:00. Those of two forms need not: 'T' sorts after a space, +08:00 before Z. So each
form is read as far as it was reached, and what is in no such form, or in no calendar, is asked for every time: nothing hides behind it, nor it behind others.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

from feedback.collectors.live.database_dates import MYSQL

NO_DATE = "0000-00-00"  # how MySQL says that there is none
# What is said to be older is how a program writes that there is no time: 1970-01-01, 1900-01-01, 0001-01-01.
FIRST_YEAR = 1971

# Two digits for everything but the year: 2026/10/1 is of no form, as it sorts before 2026/9/1.
_DATE = re.compile(
    r"""(?P<head>
            (?P<year>\d{4}) (?P<between>[-/.]?) (?P<month>\d\d) (?P=between) (?P<day>\d\d)
            (?: (?P<gap>[ T]?) (?P<hour>\d\d) (?P<colon>:?) (?P<minute>\d\d) (?P<seconds>(?P=colon) (?P<second>\d\d))? )?
          | (?P<year_>\d{4})年(?P<month_>\d\d)月(?P<day_>\d\d)日 (?: [ ]? (?P<hour_>\d\d):(?P<minute_>\d\d) (?P<seconds_>:(?P<second_>\d\d))? )?
        )
        (?P<fraction>[.,]\d{1,9}|\d{3})? (?P<zone>Z|[ ]?UTC|[ ]?GMT|[ ]?[+-]\d\d(?::?\d\d)?)?""",
    re.VERBOSE | re.ASCII,
)
_PARTS = ("year", "month", "day", "hour", "minute", "second")
_GREATEST = {"month": ("01", "12"), "day": ("01", "31"), "hour": ("00", "23"), "minute": ("00", "59"), "second": ("00", "59")}  # fmt: skip
# The 29th of February is a day in some years: those rows come every time.
_NO_DAYS = (("02", "29"), ("02", "30"), ("02", "31"), ("04", "31"), ("06", "31"), ("09", "31"), ("11", "31"))
_DIGITS_OF_FRACTIONS = 9

# A text by its bytes, whatever the column's collation; no date is as long as 64.
_AS_TEXT = {
    "postgresql": 'cast({} as varchar(64)) collate "C"',
    **dict.fromkeys(MYSQL, "convert({} using utf8mb4) collate utf8mb4_bin"),
}


@dataclass(frozen=True, slots=True)
class Form:
    """How a date is written. `head`: down to the seconds where it has any, with 9 for every digit; `point`: before a fraction of them; `zone`: as it stands."""

    head: str
    point: str
    zone: str

    def spellings(self) -> list[str]:
        """All texts of this form, with 9 for every digit."""
        zone = _nines(self.zone)
        if not self.point:  # 20260301100000123, where more digits would be another number
            return [f"{self.head}999{zone}"]
        longest = _DIGITS_OF_FRACTIONS if len(re.findall("9", self.head)) == 14 else 0
        return [self.head + zone, *(f"{self.head}{self.point}{'9' * n}{zone}" for n in range(1, longest + 1))]


@dataclass(frozen=True, slots=True)
class TextDate:
    """A date that a text tells. `head` is as in its form, but with its own digits; `moment` has a zone where the text names one."""

    head: str
    form: Form
    moment: datetime

    @classmethod
    @lru_cache(maxsize=2048)  # it is asked of each row several times, of all of a page one after another
    def of(cls, text: str) -> "TextDate | None":
        """None where texts like this one are in no order of time, or it is no date."""
        match = _DATE.fullmatch(text.rstrip(" "))
        if match is None:
            return None
        told, fraction, zone = _told(match), match["fraction"] or "", match["zone"] or ""
        if ("second" not in told and fraction) or ("hour" not in told and zone):
            return None
        if len(fraction) == 3 and fraction.isdigit() and match["colon"] != "":
            return None
        try:
            moment = datetime(**{part: int(digits) for part, digits in told.items()}, tzinfo=_zone(zone))
        except ValueError:
            return None
        if moment.year < FIRST_YEAR:
            return None
        point = "." if not fraction else "" if fraction.isdigit() else fraction[0]
        return cls(match["head"], Form(_nines(match["head"]), point, zone), moment)

    def earlier(self, seconds: float) -> str:
        """The text of the same form, down to the seconds, that tells a time so much before."""
        told = self.moment.replace(tzinfo=None)
        try:
            told -= timedelta(seconds=seconds)
        except OverflowError:  # there is no time so much before
            told = datetime.min
        digits = filter(str.isdigit, told.isoformat(timespec="seconds"))
        return "".join(next(digits) if letter.isdigit() else letter for letter in self.head)


@dataclass(frozen=True, slots=True)
class TextBounds:
    """What to ask a column of texts for: of each form what is not less than this text, and whatever is of none of them."""

    bounds: Sequence[tuple[Form, str]]

    def condition(self, column: str, dialect: str) -> tuple[str, dict[str, object]]:
        """As SQL, and the values of its parameters."""
        text, values = _AS_TEXT.get(dialect, "cast({} as varchar(64))").format(column), dict[str, object]()
        substring = "substring" if dialect == "mssql" else "substr"
        known = [_is_before(form, bound, text, substring, values) for form, bound in self.bounds]
        return f"{column} is null or not (({') or ('.join(known)}))", values


def _is_before(form: Form, bound: str, text: str, substring: str, values: dict[str, object]) -> str:
    """That a text is a date of a form, in the calendar, and less than the bound. Only by what all databases have, and their LIKE knows no digits."""

    def parameter(value: str) -> str:
        name = f"text_{len(values)}"
        values[name] = value
        return f":{name}"

    nines = text
    for digit in "012345678":
        nines = f"replace({nines}, '{digit}', '9')"
    tests = [f"{text} < {parameter(bound)}", f"{text} >= '{FIRST_YEAR}'"]
    tests.append(f"{nines} in ({', '.join(map(parameter, form.spellings()))})")
    if form.zone[-1:].isdigit():
        tests.append(f"{text} like {parameter('%' + form.zone)}")
    places = _places(form.head)
    tests += [
        f"{substring}({text}, {places[part] + 1}, 2) between '{least}' and '{most}'"
        for part, (least, most) in _GREATEST.items()
        if part in places
    ]
    month, day = places["month"], places["day"]
    no_days = [f"{m}{form.head[month + 2 : day]}{d}" for m, d in _NO_DAYS]
    tests.append(f"{substring}({text}, {month + 1}, {day + 2 - month}) not in ({', '.join(map(parameter, no_days))})")
    return " and ".join(tests)


def _places(head: str) -> Mapping[str, int]:
    """Where in the head of a form the parts of a date begin."""
    digits = [place for place, letter in enumerate(head) if letter == "9"]
    return dict(zip(_PARTS, [digits[0], *digits[4::2]], strict=False))


def _told(match: re.Match[str]) -> dict[str, str]:
    found = {part: match[part] or match[f"{part}_"] for part in _PARTS}
    return {part: digits for part, digits in found.items() if digits is not None}


def _zone(told: str) -> timezone | None:
    bare = told.strip().replace(":", "")
    if not bare or bare.isalpha():
        return UTC if bare else None
    return timezone((1 if bare[0] == "+" else -1) * timedelta(hours=int(bare[1:3]), minutes=int(bare[3:] or 0)))


def _nines(text: str) -> str:
    return re.sub(r"\d", "9", text)


_LIKE_A_DATE = re.compile(r"\d{1,4}[-/.年]\d{1,2}[-/.月]\d{1,4}.*|\d{8}.*", re.DOTALL)
_NUMBER = re.compile(r"\s*[+-]?\d+\s*")
_TO_NUMBER = {"sqlite": "cast({0} as integer)", **dict.fromkeys(MYSQL, "cast({0} as signed)")}
_TO_TIME = {
    "postgresql": "cast(to_timestamp({0}, 'YYYY/MM/DD HH24:MI') as timestamp)",
    "duckdb": "strptime({0}, '%Y/%m/%d %H:%M')",
    **dict.fromkeys(MYSQL, "str_to_date({0}, '%Y/%m/%d %H:%i')"),
}


class Unordered:
    """The texts of a column that come every time, counted; and what whoever runs it is told of them."""

    def __init__(self, column: str, dialect: str) -> None:
        self._column, self._dialect = column, dialect
        self._numbers = self._dates = self._words = 0

    def count(self, value: object) -> None:
        if not isinstance(value, str) or not value.strip() or value.startswith(NO_DATE) or TextDate.of(value):
            return
        if _NUMBER.fullmatch(value):
            self._numbers += 1
        elif _LIKE_A_DATE.fullmatch(value) and not _DATE.fullmatch(value):
            self._dates += 1
        else:
            self._words += 1

    def notes(self) -> tuple[str, ...]:
        number = self._numbers + self._dates + self._words
        if not number:
            return ()
        rows = f"{number:,} {'row comes' if number == 1 else 'rows come'} every time, as '{self._column}' holds"
        return (f"[since] {rows} {self._why()}",)

    def _why(self) -> str:
        if self._dates:
            return (
                f"dates there whose order as texts is not that of time (2026/10/1 before 2026/9/1). {self._as_time()}"
            )
        if self._words:
            return "texts there that are no dates."
        cast = _TO_NUMBER.get(self._dialect, "cast({0} as bigint)").format(self._column)
        return f"numbers there as texts (10 before 9). Write {cast} as {self._column} in 'query'."

    def _as_time(self) -> str:
        how = _TO_TIME.get(self._dialect)
        if how is None:
            return "Have them written as 2026-03-01 12:00:00, name another column, or leave [since] out."
        return f"Write {how.format(self._column)} as {self._column} in 'query', in their form."
