"""Times and days as databases hold them: those that are in no calendar, and those that want a clock to tell them."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from feedback.errors import CollectError

if TYPE_CHECKING:
    from psycopg import Connection as PsycopgConnection
    from psycopg.abc import AdaptContext, Buffer, Loader
    from sqlalchemy import Connection, CursorResult

MYSQL = ("mysql", "mariadb")
_TIMESTAMP = 7  # the number of the type in MySQL's protocol
_ZEROS = re.compile(r"[0:. -]*")  # 0000-00-00, with a time of zeros or none


class NoDate(str):
    """What a column of dates holds that is in no calendar of ours: 2026-01-00 in MySQL, infinity in PostgreSQL."""

    __slots__ = ()


def before_all(column: str, since: object, dialect: str) -> str:
    """The condition that a column of dates holds what is before all days: 0000-00-00, -infinity; nothing where there can be none."""
    if not isinstance(since, date):
        return ""
    if dialect == "duckdb":
        # A TIMESTAMP_NS, as Parquet and pandas have them, holds no day before 1677, and could not be compared with one.
        column = f"try_cast({column} as timestamp)"
    return f" or {column} < '0001-01-01'" if dialect in (*MYSQL, "postgresql", "duckdb") else ""


def mysql_dates() -> dict[int, Callable[[str], object]]:
    """What PyMySQL reads values with. The day of zeros is None, as it is MySQL's way to say that there is no day."""
    from pymysql.constants import FIELD_TYPE
    from pymysql.converters import conversions, convert_date, convert_datetime

    return {
        **conversions,
        FIELD_TYPE.DATETIME: _or_no_date(convert_datetime),
        FIELD_TYPE.TIMESTAMP: _or_no_date(convert_datetime),
        FIELD_TYPE.DATE: _or_no_date(convert_date),
    }


def _or_no_date(convert: Callable[[str], object]) -> Callable[[str], object]:
    def read(told: str) -> object:
        found = convert(told)
        if not isinstance(found, str):
            return found
        return None if _ZEROS.fullmatch(found) else NoDate(found)

    return read


def set_postgres_dates(connection: "PsycopgConnection") -> None:
    """Without this one value that Python's dates can't hold would be the end of an answer, and of every one after it."""
    from psycopg.pq import Format

    for name in ("date", "timestamp", "timestamptz"):
        kind = connection.adapters.types[name]
        usual = connection.adapters.get_loader(kind.oid, Format.TEXT)
        if usual is not None:
            connection.adapters.register_loader(kind.oid, _loader(usual))


def _loader(usual: "type[Loader]") -> "type[Loader]":
    from psycopg import DataError
    from psycopg.adapt import Loader as Base

    class OrNoDate(Base):
        def __init__(self, oid: int, context: "AdaptContext | None" = None) -> None:
            super().__init__(oid, context)
            self._load = usual(oid, context).load

        def load(self, data: "Buffer") -> object:
            try:
                return self._load(data)
            except DataError:
                return NoDate(bytes(data).decode())

    return OrNoDate


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
