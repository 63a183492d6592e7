"""Periods of a digest: what people write, the one before, and its bounds in UTC.

Weeks are ISO weeks, Monday to Sunday.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from feedback.errors import DigestError
from feedback.journey.model import Period, PeriodKind

_WEEK = re.compile(r"([1-9]\d\d\d)-W(\d\d)", re.ASCII)
_QUARTER = re.compile(r"([1-9]\d\d\d)-Q([1-4])", re.ASCII)
_MONTH = re.compile(r"([1-9]\d\d\d)-(\d\d)", re.ASCII)
_DAY = re.compile(r"[1-9]\d\d\d-\d\d-\d\d", re.ASCII)
_ONE_DAY = timedelta(days=1)


def parse_period(text: str, anchor: date) -> Period:
    """`day`, `week`, `month`, `quarter` (the one that holds `anchor`), `all`, `2026-W09`, `2026-Q1`, `2026-02`,
    `2026-02-23`, or `2026-02-23..2026-03-01` with both days included.

    The command line anchors at the newest verbatim of the project, not at today: exports are days or months old when
    they are digested, and "the week" people mean is the last one their data tells of. A range that is a whole week,
    month or quarter becomes that. Anything else is a `DigestError`.
    """
    written = text.strip()
    if written == "all":
        return Period("all", None, None)
    try:
        return _parse(written, anchor)
    except (ValueError, OverflowError):
        raise DigestError(
            f"No period '{text}'. Write day, week, month, quarter, all, 2026-W09, 2026-Q1, 2026-02, 2026-02-23 "
            "or 2026-02-23..2026-03-01."
        ) from None


def previous_period(period: Period) -> Period | None:
    """The period of the same kind right before; for days, as many days before. None for `all`."""
    if period.start is None or period.end is None:
        return None
    start, end = date.fromisoformat(period.start), date.fromisoformat(period.end)
    if period.kind == "month":
        return _month(start - _ONE_DAY)
    if period.kind == "quarter":
        return _quarter(start - _ONE_DAY)
    return _period(period.kind, start - (end - start), start)


def utc_bounds(period: Period, timezone: str) -> tuple[str | None, str | None]:
    """`start` ≤ posted_at < `end`, in the database's form, for a period of local days. (None, None) for `all`."""
    if period.start is None or period.end is None:
        return None, None
    return _midnight(period.start, timezone), _midnight(period.end, timezone)


def local_date(posted_at: str, timezone: str) -> date:
    """The local day of a stored time (`2026-03-01T16:30:00Z` is March 2nd in Shanghai)."""
    return datetime.fromisoformat(posted_at).astimezone(_zone(timezone)).date()


def check_period(period: Period) -> None:
    """`DigestError` unless `period` is what `parse_period` makes of its own days."""
    if period.start is None or period.end is None:
        if period != Period("all", None, None):
            raise DigestError(f"A period of kind '{period.kind}' needs a start and an end.")
        return
    try:
        last = date.fromisoformat(period.end) - _ONE_DAY
        expected = _parse(f"{period.start}..{last.isoformat()}", last)
    except (ValueError, OverflowError):
        raise DigestError(f"'{period.start}' to '{period.end}' is no period.") from None
    if period != expected:
        raise DigestError(f"{period.start} to {period.end} is a period of kind '{expected.kind}', not '{period.kind}'.")


def _parse(written: str, anchor: date) -> Period:
    named = {"day": _day, "week": _week, "month": _month, "quarter": _quarter}
    if written in named:
        return named[written](anchor)
    if match := _WEEK.fullmatch(written):
        return _week(date.fromisocalendar(int(match[1]), int(match[2]), 1))
    if match := _QUARTER.fullmatch(written):
        return _quarter(date(int(match[1]), int(match[2]) * 3, 1))
    if match := _MONTH.fullmatch(written):
        return _month(date(int(match[1]), int(match[2]), 1))
    first, separator, last = written.partition("..")
    if separator:
        return _range(_read_day(first), _read_day(last))
    return _day(_read_day(written))


def _read_day(written: str) -> date:
    if not _DAY.fullmatch(written):
        raise ValueError(written)
    return date.fromisoformat(written)


def _range(first: date, last: date) -> Period:
    if last < first:
        raise ValueError("ends before it starts")
    days = _period("day" if first == last else "range", first, last + _ONE_DAY)
    for whole in (_day(first), _week(first), _month(first), _quarter(first)):
        if (whole.start, whole.end) == (days.start, days.end):
            return whole
    return days


def _day(day: date) -> Period:
    return _period("day", day, day + _ONE_DAY)


def _week(day: date) -> Period:
    monday = day - timedelta(days=day.weekday())
    return _period("week", monday, monday + timedelta(days=7))


def _month(day: date) -> Period:
    first = day.replace(day=1)
    return _period("month", first, _first_of_next_month(first))


def _quarter(day: date) -> Period:
    first = day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
    return _period("quarter", first, _first_of_next_month(first.replace(month=first.month + 2)))


def _first_of_next_month(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1)


def _period(kind: PeriodKind, start: date, end: date) -> Period:
    return Period(kind, start.isoformat(), end.isoformat())


def _midnight(day: str, timezone: str) -> str:
    local = datetime.combine(date.fromisoformat(day), time(), _zone(timezone))
    return local.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _zone(timezone: str) -> ZoneInfo:
    try:
        return ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        # OSError: on some systems a folder of the time zone database ("Asia") is found and can't be read.
        raise DigestError(f"No time zone '{timezone}'. Write one like Asia/Shanghai.") from None
