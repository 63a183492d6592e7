"""Dates as mails and feeds have them (RFC 822 and 5322, RSS 2.0), in the ways in which programs write them."""

import re
from datetime import datetime, timedelta

_LONGEST = 200  # characters
_GAP = r"(?:\s+|-)"
_TIME = (
    r"(?:\s+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?"
    r"\s*(?P<zone>(?:gmt|utc?)?(?P<sign>[+-])(?P<hours>\d{1,2})(?::?(?P<minutes>\d{2}))?|z|gmt|utc?|[emp][sd]t)?)?"
    r"\s*(?:\([^()]*\)\s*)*"
)
_FORMS = tuple(
    re.compile(form + _TIME, re.IGNORECASE | re.ASCII)
    for form in (
        rf"(?P<weekday>[a-z]{{3,9}}(?:,\s*|\s+))?(?P<day>\d{{1,2}}){_GAP}(?P<month>[a-z]{{3}})[a-z]*{_GAP}"
        # 26-Mar-02 may be a day in 2026 or in 2002; behind the name of a day it is RFC 850's.
        r"(?P<year>\d{4}|(?(weekday)|(?<!-))\d\d)",
        # JavaScript's toString()
        r"[a-z]{3}\s+(?P<month>[a-z]{3})\s+(?P<day>\d\d)\s+(?P<year>\d{4})",
    )
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_HOURS = {"est": -5, "edt": -4, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7}
_FARTHEST_ZONE = timedelta(hours=14)


def read_date(written: str) -> str | None:
    """A date as ISO: in UTC where it names a zone, without a zone where there is none, without a time likewise; None where it is no such date.

    The zones in letters are those of RFC 822, but for two: CST is China's time in China, and Chicago's there; so is CDT. A year of two digits is
    one of 1950 to 2049 (RFC 5322, 4.3); none can be told from 26-Mar-02.

    >>> read_date("Mon, 2 Mar 2026 10:00:00 +0800 (CST)"), read_date("2 Mar 2026 10:00"), read_date("2 Mar 2026 10:00 CST")
    ('2026-03-02T02:00:00Z', '2026-03-02T10:00:00', None)
    >>> read_date("Mon Mar 02 2026 10:00:00 GMT+0800 (中国标准时间)"), read_date("Mon,02 Mar 26 10:00 EST"), read_date("Mon, 02 Mar 2026")
    ('2026-03-02T02:00:00Z', '2026-03-02T15:00:00Z', '2026-03-02')
    """
    match = next((found for form in _FORMS if (found := form.fullmatch(written.strip()[:_LONGEST]))), None)
    if match is None or match["month"].lower() not in _MONTHS:
        return None
    try:
        day, hour, minute, second = (int(match[name] or 0) for name in ("day", "hour", "minute", "second"))
        moment = datetime(_year(match["year"]), _MONTHS.index(match["month"].lower()) + 1, day, hour, minute, second)
        if match["hour"] is None:
            return moment.date().isoformat()
        if not match["zone"]:
            return moment.isoformat()
        offset = _offset(match)
        return None if offset is None else (moment - offset).isoformat() + "Z"
    except (ValueError, OverflowError):
        return None


def _year(digits: str) -> int:
    year = int(digits)
    return year if len(digits) == 4 else year + (2000 if year < 50 else 1900)


def _offset(match: re.Match[str]) -> timedelta | None:
    """How far its zone is ahead of UTC; None where there is no such zone."""
    if match["sign"] is None:
        return timedelta(hours=_HOURS.get(match["zone"].lower(), 0))
    hours, minutes = int(match["hours"]), int(match["minutes"] or 0)
    ahead = timedelta(hours=hours, minutes=minutes)
    if minutes > 59 or ahead > _FARTHEST_ZONE:
        return None
    return -ahead if match["sign"] == "-" else ahead
