"""Reads the dates that exports hold. A date that can't be placed for certain is unknown; none is ever invented."""

import re
import unicodedata
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from feedback.errors import FeedbackError, ProjectError

FIRST_YEAR = 1990
_SIXTY = frozenset(f"{n:02}" for n in range(60))
_MAX_CACHED_HOURS = 200_000
_EXCEL_EPOCH = datetime(1899, 12, 30)  # day 0 of Excel's 1900 system, its leap year error included

_WEEKDAY = r"[(\[]?(?:星期|周|礼拜)[一二三四五六日天][)\]]?"
_TIME = (
    r"(?P<half>凌晨|清晨|早上|早晨|上午|中午|下午|傍晚|晚上|am|pm)?\s*"
    r"(?P<hour>\d{1,2})\s*[:时點点]\s*(?P<minute>\d{1,2})\s*分?"
    r"(?:\s*:?\s*(?P<second>\d{1,2})(?:[.,](?P<fraction>\d{1,9}))?\s*秒?)?\s*(?P<half_after>am|pm)?"
)
_ZONE = r"(?P<zone>z|(?:utc|gmt)?[+-]\d{1,2}(?::?\d{2})?|utc|gmt)"
_CALENDAR = re.compile(
    r"(?P<year>\d{4})\s*(?P<cut>[-/.年])\s*(?P<month>\d{1,2})\s*(?:(?P=cut)|月)\s*(?P<day>\d{1,2})\s*[日号]?"
    rf"\s*(?:{_WEEKDAY})?(?:\s*[t,]?\s*{_TIME}\s*{_ZONE}?)?",
    re.ASCII,
)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2}))?", re.ASCII)
_EPOCH = re.compile(r"(\d{9,10}|\d{13})(?:\.(\d+))?", re.ASCII)
_YEAR = re.compile(r"\d{4}")  # or a number of seconds
_AGO = re.compile(r"(\d{1,4})\s*(秒钟?|分钟?|个?小时|个?钟头|天|日)(?:之|以)?前", re.ASCII)
_DAY_NAME = re.compile(rf"(今天|今日|昨天|昨日|前天)\s*(?:{_TIME})?", re.ASCII)
_NO_YEAR = re.compile(r"\d{1,2}\s*[-/.月]\s*\d{1,2}\s*[日号]?(?:\s.*)?", re.ASCII)
_NAMED_MONTH = re.compile(r"(\d{1,2})[- ](jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[-, ]+(\d{4})(?!\d)")
_MONTHS = "janfebmaraprmayjunjulaugsepoctnovdec"
_SECONDS = re.compile(r"(?<=^\d{4}-\d\d-\d\d \d\d:\d\d):\d\d(?:\.\d+)?", re.ASCII)  # of what `same_date` gives
_AGO_UNITS = {"秒": "seconds", "分": "minutes", "小": "hours", "钟": "hours", "天": "days", "日": "days"}
_DAYS_BACK = {"今天": 0, "今日": 0, "昨天": 1, "昨日": 1, "前天": 2}
_JUST_NOW = ("刚刚", "刚才")
_AFTERNOON = frozenset({"下午", "傍晚", "晚上", "pm"})


class UnknownDate(FeedbackError):
    """A date that can't be placed; the message says why."""

    def __init__(self, raw: str, reason: str = "not a form of date known") -> None:
        super().__init__(f"'{raw}': {reason}")
        self.raw = raw
        self.reason = reason


class DateReader:
    """Turns raw dates into UTC, `YYYY-MM-DDTHH:MM:SSZ`.

    A time without a zone is local to `timezone`; a date without a time is its local midnight. `now`, the time of
    collection (aware), is what "昨天 12:30" and "3天前" count from, and a day after it the future begins: times after
    that and years before 1990 are unknown. Read are `2026-09-03 12:00:00` with -, /, . or 年月日, one-digit fields,
    上午/下午, fractions of seconds and zones; `03-Sep-2026 12:00:00`; `20260903` and `20260903120000`; epoch seconds and milliseconds; 刚刚,
    N秒/分钟/小时/天前, 今天/昨天/前天.
    """

    def __init__(self, timezone: str, now: datetime) -> None:
        try:
            self.zone = ZoneInfo(timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ProjectError(f"No time zone named '{timezone}'. Write it like Asia/Shanghai.") from None
        self._now = now.astimezone(UTC)
        self._latest = _text(self._now + timedelta(days=1))
        self._hours: dict[str, str] = {}  # local "YYYY-MM-DD HH" -> UTC "YYYY-MM-DDTHH", whole-hour offsets only

    def read(self, raw: str) -> str:
        """The time in UTC; `UnknownDate` when it can't be placed for certain."""
        # Nearly all exports write 2026-09-03 12:00:00; zoneinfo is asked once an hour of theirs, not once a row.
        if len(raw) == 19 and raw[13] == ":" == raw[16] and raw[14:16] in _SIXTY and raw[17:] in _SIXTY:
            hour = self._hours.get(raw[:13]) or self._read_hour(raw[:13])
            if hour:
                found = hour + raw[13:] + "Z"
                if found <= self._latest:
                    return found
        return self._check(raw, self._parse(raw))

    def _read_hour(self, hour: str) -> str | None:
        if not hour.isascii() or hour[4] + hour[7] != "--" or hour[10] not in " T":
            return None
        try:
            local = datetime.fromisoformat(hour)
            first, last = (self._to_utc(hour, local.replace(minute=m, second=m)) for m in (0, 59))
        except (ValueError, UnknownDate):
            return None  # the slow path says what is wrong
        if first.minute or first.year < FIRST_YEAR or last - first != timedelta(minutes=59, seconds=59):
            return None
        if len(self._hours) >= _MAX_CACHED_HOURS:
            self._hours.clear()
        self._hours[hour] = found = first.strftime("%Y-%m-%dT%H")
        return found

    def _parse(self, raw: str) -> datetime:
        text = _plain(raw)
        if match := _CALENDAR.fullmatch(text):
            return self._calendar(raw, match)
        if match := _COMPACT.fullmatch(text):
            return self._to_utc(raw, _local(raw, *(int(part or 0) for part in match.groups())))
        if match := _EPOCH.fullmatch(text):
            seconds = int(match[1]) / (1000 if len(match[1]) == 13 else 1)
            return datetime.fromtimestamp(seconds, UTC)
        if match := _AGO.fullmatch(text):
            return self._now - timedelta(**{_AGO_UNITS[match[2].removeprefix("个")[0]]: int(match[1])})
        if match := _DAY_NAME.fullmatch(text):
            day = self._now.astimezone(self.zone) - timedelta(days=_DAYS_BACK[match[1]])
            return self._to_utc(raw, _local(raw, day.year, day.month, day.day, *_clock(raw, match)))
        if text in _JUST_NOW:
            return self._now
        if _NO_YEAR.fullmatch(text):
            raise UnknownDate(raw, "it has no year")
        if read_excel_serial(text) != text:
            raise UnknownDate(raw, 'Excel counts days like this; dates = "excel" in the layout reads them')
        raise UnknownDate(raw)

    def _calendar(self, raw: str, match: re.Match[str]) -> datetime:
        local = _local(raw, int(match["year"]), int(match["month"]), int(match["day"]), *_clock(raw, match))
        if match["zone"]:
            self._check_year(raw, local)
            return local.replace(tzinfo=_fixed_zone(raw, match["zone"])).astimezone(UTC)
        return self._to_utc(raw, local)

    def _check_year(self, raw: str, local: datetime) -> None:
        """First of all: an empty date of .NET, 0001-01-01, has no other zone to be shown in."""
        if not FIRST_YEAR <= local.year <= self._now.year + 1:
            raise UnknownDate(raw, f"its year is not in {FIRST_YEAR}..{self._now.year}")

    def _to_utc(self, raw: str, local: datetime) -> datetime:
        """An ambiguous hour at the end of summer time is its first; one that was skipped is no time at all."""
        self._check_year(raw, local)
        found = local.replace(tzinfo=self.zone).astimezone(UTC)
        if found.astimezone(self.zone).replace(tzinfo=None) != local:
            raise UnknownDate(raw, f"the clocks of {self.zone.key} skipped this hour")
        return found

    def _check(self, raw: str, found: datetime) -> str:
        if found.year < FIRST_YEAR:
            raise UnknownDate(raw, f"its year is not in {FIRST_YEAR}..{self._now.year}")
        text = _text(found)
        if text > self._latest:
            raise UnknownDate(raw, "it is in the future")
        return text


def same_date(raw: str, zone: tzinfo | None = None) -> str:
    """A date in one form, however it is written, as a clock in `zone` shows it, or as it is written where that is None; "" for one that
    counts from when it is read; what is no date as it is.

    So that a row is known again in a file that was saved anew, and in what an interface shows a day later. Of a date that is written
    without a zone it makes no difference in which one a project is.

    >>> same_date("2026/3/1"), same_date("2026年3月1日 0:00"), same_date("20260301"), same_date("2026-03-01T00:00:00.250+08:00")
    ('2026-03-01 00:00:00', '2026-03-01 00:00:00', '2026-03-01 00:00:00', '2026-03-01 00:00:00.25+0800')
    >>> same_date("2026-02-28T16:00:00Z", timezone(timedelta(hours=8))), same_date("1772294400250", timezone(timedelta(hours=8)))
    ('2026-03-01 00:00:00', '2026-03-01 00:00:00.25')
    >>> same_date(" 昨天 12:30 "), same_date("3天前"), same_date("待定")
    ('', '', '待定')
    """
    if len(raw) == 19 and raw[4::3] == "-- ::":  # as nearly all exports write it
        return raw
    return _same_date(raw, zone)


def same_minute(raw: str, zone: tzinfo | None = None) -> str:
    """As `same_date`, without the seconds: Excel leaves them out of a CSV that it saves anew.

    >>> same_minute("2026-03-01 10:20:11"), same_minute("2026/3/1 10:20"), same_minute("2026-03-01T10:20:11.5+08:00")
    ('2026-03-01 10:20', '2026-03-01 10:20', '2026-03-01 10:20+0800')
    """
    return _SECONDS.sub("", same_date(raw, zone), count=1)


def told_seconds(raw: str, zone: tzinfo | None = None) -> str:
    """The seconds that a date tells, two digits and any fraction; "" where it tells none, as a CSV that Excel saved anew.

    >>> told_seconds("2026-03-01 10:20:11"), told_seconds("2026/3/1 10:20:00"), told_seconds("2026-03-01T10:20:11.50+08:00")
    ('11', '00', '11.5')
    >>> told_seconds("2026/3/1 10:20"), told_seconds("2026年3月1日"), told_seconds("20260301"), told_seconds("昨天 12:30")
    ('', '', '', '')
    """
    match = _SECONDS.search(same_date(raw, zone))
    return match[0][1:] if match and _tells_seconds(raw) else ""


@lru_cache(maxsize=4096)
def _tells_seconds(raw: str) -> bool:
    text = _plain(raw)
    if match := _CALENDAR.fullmatch(text):
        return match["second"] is not None
    compact = _COMPACT.fullmatch(text)
    return compact is None or compact[4] is not None


def stands(raw: str) -> bool:
    """Whether a date is the same whenever it is read. Without a year (昨天 12:30, 3 hours ago, 03-02 10:00) it is another one the next day.

    >>> stands("2026/3/1"), stands("1772294400"), stands("昨天 12:30"), stands("10:20:33"), stands("")
    (True, True, False, False, False)
    """
    return bool(_YEAR.search(raw) and same_date(raw))


@lru_cache(maxsize=4096)  # days recur
def _same_date(raw: str, zone: tzinfo | None) -> str:
    text = _plain(raw)
    try:
        if match := _CALENDAR.fullmatch(text):
            local = _local(raw, int(match["year"]), int(match["month"]), int(match["day"]), *_clock(raw, match))
            written = local.replace(tzinfo=_fixed_zone(raw, match["zone"])) if match["zone"] else local
            return _shown(written, match["fraction"], zone)
        if match := _COMPACT.fullmatch(text):
            return str(_local(raw, *(int(part or 0) for part in match.groups())))
        if zone and (match := _EPOCH.fullmatch(text)):
            seconds, thousandths = (match[1][:-3], match[1][-3:]) if len(match[1]) == 13 else (match[1], match[2])
            return _shown(datetime.fromtimestamp(int(seconds), UTC), thousandths, zone)
    except (UnknownDate, OverflowError):  # the first and the last day of all have no other zone
        return text
    return "" if _AGO.fullmatch(text) or _DAY_NAME.fullmatch(text) or text in _JUST_NOW else text


def _shown(moment: datetime, fraction: str | None, zone: tzinfo | None) -> str:
    """A time to the second and the digits after it; one without a zone as it is."""
    local = moment.astimezone(zone).replace(tzinfo=None) if zone and moment.tzinfo else moment
    digits = (fraction or "").rstrip("0")
    return f"{local.replace(tzinfo=None)}{'.' * bool(digits)}{digits}{local:%z}"


def set_back(local: datetime, zone: ZoneInfo) -> timedelta:
    """By how much the clocks of a zone were set back in the hour of a local time, which then came twice; nothing in all others."""
    first, second = (local.replace(tzinfo=zone, fold=time).utcoffset() or timedelta() for time in (0, 1))
    return max(timedelta(), first - second)


def read_excel_serial(raw: str) -> str:
    """A date that Excel wrote as a number of days ("45241.5") as `YYYY-MM-DD HH:MM:SS`, local; other text as it is.

    Only where a layout says `dates = "excel"`: nothing in the number itself tells it from any other. Days of the
    1900 system (ECMA-376 18.17.4.1), 1990 to 2099.
    """
    try:
        days = float(raw)
    except ValueError:
        return raw
    if not 32874 <= days < 73051:
        return raw
    return (_EXCEL_EPOCH + timedelta(seconds=round(days * 86400))).strftime("%Y-%m-%d %H:%M:%S")


def _plain(raw: str) -> str:
    """In one form of each character; a date whose month is named begins with the year, as others do."""
    text = unicodedata.normalize("NFKC", raw).strip().strip("'\"").lower()
    named = _NAMED_MONTH.match(text)
    return f"{named[3]}-{_MONTHS.index(named[2]) // 3 + 1}-{named[1]}{text[named.end() :]}" if named else text


def _clock(raw: str, match: re.Match[str]) -> tuple[int, int, int]:
    if match["hour"] is None:
        return 0, 0, 0
    hour, half = int(match["hour"]), match["half"] or match["half_after"]
    if half == "晚上" and (hour == 12 or hour < 5):
        raise UnknownDate(raw, f"晚上{hour}点 may be the start of the day or its end")
    if (half in _AFTERNOON and hour < 12) or (half == "中午" and hour < 3):
        hour += 12
    elif half in ("凌晨", "am") and hour == 12:
        hour = 0
    return hour, int(match["minute"]), int(match["second"] or 0)


def _local(raw: str, year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    try:
        return datetime(year, month, day, hour, minute, second)
    except ValueError as error:
        raise UnknownDate(raw, f"there is no such time ({error})") from None


def _fixed_zone(raw: str, zone: str) -> timezone:
    digits = zone.removeprefix("utc").removeprefix("gmt")
    if digits in ("z", ""):
        return UTC
    number = digits[1:].replace(":", "")
    hours, minutes = (int(number[:-2]), int(number[-2:])) if len(number) > 2 else (int(number), 0)
    if hours > 14 or minutes > 59:
        raise UnknownDate(raw, f"there is no zone {digits}")
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if digits[0] == "-" else offset)


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
