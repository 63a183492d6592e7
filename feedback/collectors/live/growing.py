"""The values of a column that grows, by which news are told from what is known: numbers that are given one after another, times of changes."""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from feedback.collectors.live import Visit
from feedback.errors import CollectError

FORMATS = ("usual", "epoch", "epoch-ms")

_DATED = re.compile(r"(\d{4})([-/])(\d\d)\2(\d\d)(?:([ T])(\d\d:\d\d:\d\d))?")
_NO_DATE = "0000-00-00"  # how MySQL says that there is none

Bound = int | date | datetime | str


class OtherKind(CollectError):
    """A column holds another kind of values than it held."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a column has been read. `kind`: number, time, date or text. A number is rounded down: what is asked again does no harm."""

    kind: str
    value: Bound

    @classmethod
    def of(cls, value: object, column: str) -> "Mark | None":
        """Of what a driver gives; None where a row has no value."""
        if value is None or (isinstance(value, str) and value.startswith(_NO_DATE)):
            return None
        if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
            return cls("number", math.floor(value)) if math.isfinite(value) else None
        if isinstance(value, datetime):
            return cls("time", value)
        if isinstance(value, date):
            return cls("date", value)
        if isinstance(value, str):
            return cls("text", value)
        raise CollectError(
            f"[since] column '{column}' holds neither numbers nor times nor texts, but {type(value).__name__}. Cast it in 'query'."
        )

    @classmethod
    def read(cls, state: str) -> "Mark":
        kind, value = json.loads(state)
        if kind == "time":
            return cls(kind, datetime.fromisoformat(value))
        return cls(kind, date.fromisoformat(value) if kind == "date" else value)

    def text(self) -> str:
        return json.dumps([self.kind, self.value.isoformat() if isinstance(self.value, date) else self.value])


@dataclass(frozen=True, slots=True)
class Growing:
    """`[sources.since]` of a source whose rows come in the order of `column`.

    A row may become visible after one that was written later: a transaction takes its time. So it is asked again from a little before,
    by `overlap` for numbers and `overlap_seconds` for times. Times without a zone are the project's.
    """

    column: str
    format: str
    overlap: int
    overlap_seconds: float
    zone: ZoneInfo
    now: datetime

    @classmethod
    def of(cls, visit: Visit) -> "Growing | None":
        table = visit.settings.table("since")
        table.refuse_unknown({"column", "format", "overlap", "overlap_seconds"})
        if not table.data:
            return None
        return cls(
            column=table.string("column"),
            format=table.one_of("format", FORMATS, "usual"),
            overlap=int(table.number("overlap", 1000)),
            overlap_seconds=table.number("overlap_seconds", 300),
            zone=ZoneInfo(visit.timezone),
            now=visit.now,
        )

    def reached(self, values: Sequence[object], before: Mark | None) -> Mark | None:
        """How far these values go, in the order the source gives them; what lies in the future does not count."""
        for value in values:
            mark = Mark.of(value, self.column)
            if mark is None:
                continue
            if before is not None and mark.kind != before.kind:
                raise OtherKind(
                    f"[since] column '{self.column}' holds {before.kind}s and {mark.kind}s. Cast it in 'query', so that it has one order."
                )
            if not self._is_future(mark.value):
                before = mark
        return before

    def bound(self, mark: Mark) -> Bound:
        """The least value to ask for."""
        value = mark.value
        if isinstance(value, datetime):
            return self._earlier(value)
        if isinstance(value, date):
            return self._earlier(datetime(value.year, value.month, value.day)).date()
        if isinstance(value, int):
            return value - (self.overlap if self.format == "usual" else math.ceil(self.overlap_seconds * self._unit()))
        match, moment = _DATED.match(value), _moment(value[:19])
        if match is None or moment is None:
            return value
        # A text that begins as another one does and is shorter sorts before it: fractions and zones are left out.
        earlier = self._earlier(moment).isoformat(match[5] or " ", "seconds")
        return earlier[: len(match[0])].replace("-", match[2])

    def _earlier(self, moment: datetime) -> datetime:
        try:
            return moment - timedelta(seconds=self.overlap_seconds)
        except OverflowError:  # the year 1, by which some say that there is no time
            return moment

    def _is_future(self, value: Bound) -> bool:
        if isinstance(value, datetime):
            return (value if value.tzinfo else value.replace(tzinfo=self.zone)) > self.now
        if isinstance(value, date):
            return value > self.now.astimezone(self.zone).date()
        if isinstance(value, int):
            return self.format != "usual" and value > self.now.timestamp() * self._unit()
        moment = _moment(value)
        return moment is not None and self._is_future(moment)

    def _unit(self) -> int:
        return 1000 if self.format == "epoch-ms" else 1


def _moment(text: str) -> datetime | None:
    """The time that a text tells, with its zone where it names one; None where it tells none."""
    match = _DATED.match(text)
    for told in (text, match[0]) if match else ():
        try:
            return datetime.fromisoformat(told.strip().replace("/", "-"))
        except ValueError:
            continue
    return None
