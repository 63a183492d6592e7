"""The values of a column that grows, by which news are told from what is known: numbers that are given one after another, times of changes."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from feedback.collectors.live import Visit
from feedback.collectors.live.database_texts import TextBounds, TextDate
from feedback.collectors.live.reached import MOST_OVERLAP_SECONDS
from feedback.dates import set_back
from feedback.errors import CollectError

FORMATS = ("usual", "epoch", "epoch-ms")

MOST_FORMS = 20  # of dates in a column of texts; rows of those reached longest ago come every time

Bound = int | date | datetime | TextBounds


class OtherKind(CollectError):
    """A column holds another kind of values than it held."""


class BegunAnew(CollectError):
    """A column holds numbers again that it had left behind."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a column has been read. `kind`: number, time, date or text. A number is rounded down: what is asked again does no harm.

    Of a column of texts it is a date in each form that dates have there, the one reached last at the end.
    """

    kind: str
    value: int | date | datetime | tuple[str, ...]

    @classmethod
    def of(cls, value: object, column: str) -> "Mark | None":
        """Of what a driver gives; None where a row has no value, or a text that tells nothing of an order."""
        if value is None:
            return None
        if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
            return cls("number", math.floor(value)) if math.isfinite(value) else None
        if isinstance(value, datetime):
            return cls("time", value)
        if isinstance(value, date):
            return cls("date", value)
        if isinstance(value, str):
            return cls("text", (value,)) if TextDate.of(value) else None
        raise CollectError(
            f"[since] column '{column}' holds neither numbers nor times nor texts, but {type(value).__name__}. Cast it in 'query'."
        )

    @classmethod
    def read(cls, state: str) -> "Mark | None":
        kind, value, *more = json.loads(state)
        if kind == "text":
            dates = tuple(text for text in (value, *more) if TextDate.of(text))
            return cls(kind, dates) if dates else None
        if kind == "time":
            return cls(kind, datetime.fromisoformat(value))
        return cls(kind, date.fromisoformat(value) if kind == "date" else value)

    def text(self) -> str:
        if isinstance(self.value, tuple):
            return json.dumps([self.kind, *self.value], ensure_ascii=False)
        return json.dumps([self.kind, self.value.isoformat() if isinstance(self.value, date) else self.value])

    def after(self, before: "Mark | None") -> "Mark":
        """This one, with the dates in other forms that were reached before."""
        if not isinstance(self.value, tuple) or before is None or not isinstance(before.value, tuple):
            return self
        own = {found.form for found in _dates(self.value)}
        others = [text for text, found in zip(before.value, _dates(before.value), strict=True) if found.form not in own]
        return Mark(self.kind, (*others, *self.value)[-MOST_FORMS:])


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
            overlap=int(table.within("overlap", 1000, 10**12, whole=True)),
            overlap_seconds=table.within("overlap_seconds", 300, MOST_OVERLAP_SECONDS),
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
                before = mark.after(before)
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
        return TextBounds([(found.form, found.earlier(self._back(found.moment))) for found in _dates(value)])

    def counts(self, mark: Mark) -> bool:
        """Whether its values are numbers that are given one after another, and no times."""
        return self.format == "usual" and isinstance(mark.value, int)

    def _back(self, moment: datetime) -> float:
        """So many seconds before it are asked for again: the overlap, and what the clocks were set back by in an hour that comes twice."""
        if moment.tzinfo is not None:
            return self.overlap_seconds
        return self.overlap_seconds + set_back(moment, self.zone).total_seconds()

    def _earlier(self, moment: datetime) -> datetime:
        try:
            return moment - timedelta(seconds=self._back(moment))
        except OverflowError:  # the year 1, by which some say that there is no time
            return moment

    def _is_future(self, value: int | date | datetime | tuple[str, ...]) -> bool:
        if isinstance(value, datetime):
            return (value if value.tzinfo else value.replace(tzinfo=self.zone)) > self.now
        if isinstance(value, date):
            return value > self.now.astimezone(self.zone).date()
        if isinstance(value, int):
            return self.format != "usual" and value > self.now.timestamp() * self._unit()
        return any(self._is_future(found.moment) for found in _dates(value))

    def _unit(self) -> int:
        return 1000 if self.format == "epoch-ms" else 1


@dataclass(frozen=True, slots=True)
class Fall:
    """The greatest number of a column is less than it was: the newest rows were deleted, or rows are numbered from the beginning again."""

    column: str
    before: int
    now: int

    @classmethod
    def of(cls, column: str, before: Mark, greatest: Mark | None) -> "Fall | None":
        was, now = before.value, greatest and greatest.value
        return cls(column, was, now) if isinstance(was, int) and isinstance(now, int) and now < was else None

    @property
    def is_deep(self) -> bool:
        """Whether it is more than a few rows that were deleted: numbers with a time in them have gaps of millions."""
        return self.before - self.now > abs(self.before) / 2

    def __str__(self) -> str:
        return f"[since] column '{self.column}' goes up to {self.now:,}, and went up to {self.before:,} before"


def _dates(texts: Sequence[str]) -> list[TextDate]:
    return [found for text in texts if (found := TextDate.of(text))]
