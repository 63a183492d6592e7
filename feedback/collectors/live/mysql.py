"""What MySQL and MariaDB have of their own, read with PyMySQL: how they are connected to, days that are none, and the clock of a connection."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from feedback.errors import CollectError

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, CursorResult

NAMES = ("mysql", "mariadb")
LEAST_DAY = "0001-01-01"  # what stands before it is no day
_TIMESTAMP = 7  # the protocol's number of the type
_NO_DATE = re.compile(r"[0:. -]*")  # 0000-00-00, with a time of zeros or none


class NoDate(str):
    """What a column of dates holds that is in no calendar, 2026-01-00: MySQL lets it."""

    __slots__ = ()


def connecting(url: "URL") -> "tuple[URL, dict[str, object]]":
    """The address and the options that PyMySQL is given.

    Text comes in utf8mb4 whatever the address says: the server turns what another encoding lacks into question marks, without a word.
    """
    from pymysql.constants import FIELD_TYPE
    from pymysql.converters import conversions, convert_date, convert_datetime

    dated = {
        FIELD_TYPE.DATETIME: _or_no_date(convert_datetime),
        FIELD_TYPE.TIMESTAMP: _or_no_date(convert_datetime),
        FIELD_TYPE.DATE: _or_no_date(convert_date),
    }
    settings: dict[str, object] = {"charset": "utf8mb4", "conv": {**conversions, **dated}}
    if url.password is not None:
        settings["password"] = url.password.encode()  # PyMySQL itself knows no other characters than latin1's
    return url.difference_update_query(("charset", "collation")), settings


def streaming_cursor() -> type:
    """PyMySQL's cursor that takes row by row, but for its end: that one reads whatever is left of a table, hours of it perhaps,
    or, of a connection that broke off, fails in a way that nobody can catch."""
    from pymysql.cursors import SSCursor

    class Streaming(SSCursor):  # type: ignore[misc]
        def close(self) -> None:
            if self._result is not None:
                self._result.unbuffered_active = False
            self.connection = None

        __del__ = close

    return Streaming


def set_clock(connection: "Connection", zone: str) -> bool:
    """Whether a TIMESTAMP, which is kept in UTC, comes in this zone from now on; the server's own is whatever the machine happens to have."""
    from sqlalchemy import text
    from sqlalchemy.exc import DBAPIError

    for told in (zone, _offset(zone)):
        if told is None:
            continue
        try:
            connection.execute(text("set time_zone = :told"), {"told": told})
        except DBAPIError:  # its zones were not loaded, which is usual
            continue
        return True
    return False


def refuse_times(found: "CursorResult[tuple[object, ...]]", zone: str) -> None:
    """`CollectError` where a column holds times that only a clock of that zone could tell."""
    columns: Sequence[Sequence[object]] = found.cursor.description if found.cursor else ()
    for name, kind, *_ in columns:
        if kind == _TIMESTAMP:
            raise CollectError(
                f"The database does not know the time zone '{zone}', and so not what time '{name}' was there. "
                f"Have its zones loaded (mysql_tzinfo_to_sql), or write unix_timestamp({name}) as {name} in 'query'."
            )


def _offset(zone: str) -> str | None:
    """A zone as +08:00; None where its clocks are changed."""
    start = datetime(2000, 1, 1, tzinfo=UTC)
    months = (start + timedelta(days=30 * n) for n in range(12 * 40))
    offsets = {month.astimezone(ZoneInfo(zone)).utcoffset() for month in months}
    only = offsets.pop()
    if offsets or only is None:
        return None
    minutes = round(only.total_seconds() / 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def _or_no_date(convert: Callable[[str], object]) -> Callable[[str], object]:
    def read(told: str) -> object:
        found = convert(told)
        if not isinstance(found, str):
            return found
        return None if _NO_DATE.fullmatch(found) else NoDate(found)

    return read
