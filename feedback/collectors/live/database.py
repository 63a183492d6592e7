"""A database that is asked and never written to: how it is opened, and what it is given to answer."""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from feedback.collectors.live import mysql, postgres
from feedback.collectors.live.database_dates import MYSQL, before_all, refuse_times, set_clock, set_postgres_dates
from feedback.collectors.live.database_faults import LOGIN_PACKAGE, UNKNOWN_OPTION, UNUSABLE_OPTION, in_words
from feedback.collectors.live.database_texts import TextBounds
from feedback.errors import CollectError

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

Row = Sequence[object]

ROWS = 1000  # of a page: what is held in memory
_CONNECT_SECONDS = 10
_DUCKDB_MEMORY = "1GB"  # it runs in this process, and would take most of the machine's to sort in
_EXTRA = "Install it with: pip install 'yuansheng[sql]'"
# The drivers that the extra has, whatever SQLAlchemy's version prefers.
_DRIVERS = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}
_FILES = ("sqlite", "duckdb")
_OURS = (*_FILES, *_DRIVERS.values())

# Strings, quoted names and comments: what stands in them is no part of the statement.
_QUOTED = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | `[^`]*` | \$(\w*)\$.*?\$\1\$ | --[^\n]* | /\*(?![!M]).*?\*/""",
    re.VERBOSE | re.DOTALL,
)
# MySQL's, where \' does not end a string, # begins a comment, and -- only where a blank follows.
_QUOTED_MYSQL = re.compile(
    r"""'(?:[^'\\]|''|\\.)*' | "(?:[^"\\]|""|\\.)*" | `[^`]*` | --(?!\S)[^\n]* | \#[^\n]* | /\*(?![!M]).*?\*/""",
    re.VERBOSE | re.DOTALL,
)
_COMMENTS = ("--", "#", "/*")
# All blanks that there are, and what has no width. They come with text that is pasted, but databases know only those of ASCII.
_BLANKS = "".join(filter(str.isspace, map(chr, range(0x3001)))) + "\u200b\ufeff"
_END = ";" + _BLANKS
_CHANGING = re.compile(r"[()]\s*(?:insert|update|delete|merge)\b|\binto\b|/\*[!M]", re.IGNORECASE)


def query_fault(query: str) -> str | None:
    """Why a query is not to be asked: it is more than one statement, or not one that only reads. What gets past this the database itself refuses.

    Which database it is for may not be known yet: it will do where one of the two ways to read it finds no fault.
    """
    return _fault(_masked(query, _QUOTED)) and _fault(_masked(query, _QUOTED_MYSQL))


def _fault(told: str) -> str | None:
    bare = told.rstrip(_END).lstrip(_BLANKS)
    if ";" in bare:
        return "is more than one statement. Give one SELECT"
    if not re.match(r"\(*\s*(?:select|with)\b", bare, re.IGNORECASE) or _CHANGING.search(bare):
        return "must be a SELECT that changes nothing"
    return None


def _masked(query: str, quoted: re.Pattern[str]) -> str:
    """The statement, as long as it was, with blanks for comments and with no letter of what else is quoted."""
    return quoted.sub(lambda found: (" " if found[0].startswith(_COMMENTS) else "'") * len(found[0]), query)


def is_path(url: str) -> bool:
    """Whether an address is a file's and nothing more: no user, no key."""
    scheme, slashes, path = url.partition(":///")
    path, _, query = path.partition("?")
    return (
        scheme in _FILES
        and bool(slashes and path)
        and not path.startswith(("md:", "motherduck:"))
        and re.fullmatch(r"(?:timeout=[\d.]+)?", query) is not None
    )


def password_of(url: str) -> str | None:
    """The password in an address; None where there is none, or it is no address."""
    return _parsed(url).password


class Database:
    """An open database, which changes nothing there. Every query is a table of its own in the statement that is sent."""

    def __init__(self, connection: "Connection", unknown_zone: str | None = None) -> None:
        self._connection = connection
        self._unknown_zone = unknown_zone  # the one that its clock could not be set to

    def columns(self, query: str) -> list[str]:
        """The names of what a query gives, without asking it for a row."""
        from sqlalchemy import text

        none = text(f"select * from ({self._bare(query)}\n) q where 1 = 0")
        with in_words(), self._connection.execute(none) as found:
            names = list(found.keys())
            if self._unknown_zone is not None:
                refuse_times(found, self._unknown_zone)
            found.all()
            return names

    def pages(self, query: str, order: Sequence[str] = (), since: object = None) -> Iterator[Sequence[Row]]:
        """All rows of a query, so many at a time, as the database sends them.

        `order` are columns by the name the query gives them. With `since` only those whose first such column is at least that much or empty.
        """
        from sqlalchemy import text

        quoted = [_literal(self._quoted(name)) for name in order]
        statement, values = f"select * from ({self._bare(query)}\n) q", dict[str, object]()
        if since is not None:
            condition, values = self._condition(f"q.{quoted[0]}", since)
            statement += f" where {condition}"
        if order:
            statement += " order by " + ", ".join(f"q.{name}" for name in quoted)
        with in_words():
            found = self._connection.execute(text(statement), values)
            with found:
                while rows := found.fetchmany(ROWS):
                    yield rows

    def greatest(self, query: str, name: str) -> object:
        """The greatest value that a column of a query has; None where it has none."""
        from sqlalchemy import text

        statement = text(f"select max(q.{_literal(self._quoted(name))}) from ({self._bare(query)}\n) q")
        with in_words(), self._connection.execute(statement) as found:
            [[value]] = found.all()
            return value

    def _condition(self, column: str, since: object) -> tuple[str, dict[str, object]]:
        if isinstance(since, TextBounds):
            return since.condition(column, self.dialect)
        condition = f"{column} >= :since or {column} is null{before_all(column, since, self.dialect)}"
        return condition, {"since": since}

    @property
    def dialect(self) -> str:
        return self._connection.dialect.name

    def _bare(self, query: str) -> str:
        return _bare(query, self.dialect)

    def _quoted(self, name: str) -> str:
        """Not by SQLAlchemy's own function: that one doubles each %, which is then doubled again with the statement."""
        quotes = self._connection.dialect.identifier_preparer
        return quotes.initial_quote + name.replace(quotes.escape_quote, quotes.escape_to_quote) + quotes.final_quote


@contextmanager
def opened(url: str, base: Path, zone: str = "UTC") -> Iterator[Database]:
    """The database at an address, a file's relative to `base`; `CollectError` where it can't be opened.

    Times that it keeps in UTC and gives without one come as the clocks of `zone` told them.
    """
    engine = _engine(_parsed(url), base)
    try:
        with in_words():
            connection = engine.connect()
    except TypeError as error:
        raise CollectError(UNKNOWN_OPTION if "keyword argument" in str(error) else UNUSABLE_OPTION) from None
    except (ValueError, OSError):
        raise CollectError(UNUSABLE_OPTION) from None
    except RuntimeError as error:
        if "package is required" not in str(error):
            raise
        raise CollectError(LOGIN_PACKAGE) from None
    try:
        with in_words():
            clock_set = _prepare(connection, zone)
        yield Database(connection, None if clock_set else zone)
    finally:
        connection.invalidate()  # closed as it is: there is nothing to roll back, and there may be rows on their way
        connection.close()


def refuse_missing_file(url: str, base: Path) -> None:
    """Raises `CollectError` where the database at an address is a file that is not there."""
    if (parsed := _parsed(url)).get_backend_name() in _FILES:
        _file(parsed, base)


def _parsed(url: str) -> "URL":
    try:
        from sqlalchemy import make_url
        from sqlalchemy.exc import ArgumentError
    except ImportError:
        raise CollectError(f"A database needs SQLAlchemy. {_EXTRA}") from None
    try:
        found = make_url(url)
    except (ArgumentError, ValueError):
        raise CollectError(
            "'url' is no address of a database. Write it like postgresql://user:password@host/name or sqlite:///file.db"
        ) from None
    return found.set(drivername=_DRIVERS.get(found.drivername, found.drivername))


def _engine(url: "URL", base: Path) -> "Engine":
    from sqlalchemy import create_engine
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError
    from sqlalchemy.pool import NullPool

    kind, settings = url.get_backend_name(), dict[str, object]()
    if kind in _FILES:
        path = _file(url, base)
        if kind == "sqlite":
            url = url.set(database=f"file:{quote(str(path))}", query={**url.query, "mode": "ro", "uri": "true"})
        else:
            config = {"memory_limit": _DUCKDB_MEMORY}
            url, settings = url.set(database=str(path)), {"read_only": True, "config": config}
    elif url.drivername in _OURS:
        usual: dict[str, object] = {"connect_timeout": _CONNECT_SECONDS}
        if kind == "postgresql":
            usual |= postgres.connecting()
        settings = {name: value for name, value in usual.items() if name not in url.query}
    try:
        if url.get_driver_name() == "pymysql":
            url, more = mysql.connecting(url)
            settings |= more
        return create_engine(url, poolclass=NullPool, connect_args=settings)
    except (NoSuchModuleError, ImportError):
        how = _EXTRA if url.drivername in _OURS else "Install the package that SQLAlchemy needs for it."
        raise CollectError(f"The driver for {url.drivername} is missing. {how}") from None
    except (ArgumentError, ValueError):
        raise CollectError(UNKNOWN_OPTION) from None


def _file(url: "URL", base: Path) -> Path:
    if not url.database or url.database == ":memory:":
        raise CollectError(f"'url' names no file. Write it like {url.get_backend_name()}:///data/shop.db")
    path = (base / Path(url.database).expanduser()).resolve()
    if not path.is_file():
        raise CollectError(f"No database at {path}.")
    return path


def _prepare(connection: "Connection", zone: str) -> bool:
    """Told to change nothing, where it is no file that was opened so, and to send rows as they are asked for; whether times come as in `zone`."""
    kind, own = connection.dialect.name, connection.connection.dbapi_connection
    if kind == "postgresql" or kind in MYSQL:
        connection.exec_driver_sql("set transaction read only")
    if kind == "postgresql":
        postgres.limit_queries(connection)
    if connection.dialect.driver == "pymysql":
        own.cursorclass = mysql.streaming_cursor()  # type: ignore[union-attr]
    elif kind == "postgresql" or kind in MYSQL:
        connection.execution_options(stream_results=True, max_row_buffer=ROWS)
    if connection.dialect.driver == "psycopg":
        set_postgres_dates(own)  # type: ignore[arg-type]
    if isinstance(own, sqlite3.Connection):
        # A text that is no UTF-8 makes its row unreadable, not all rows behind it.
        own.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    clock_set = kind not in MYSQL or set_clock(connection, zone)
    if connection.dialect.driver == "pymysql":
        mysql.await_answers(own)
    return clock_set


def _bare(query: str, dialect: str) -> str:
    """A query that can stand in brackets: without blanks and comments before it, nor the semicolon at its end and what is behind that."""
    masked = _masked(query, _QUOTED_MYSQL if dialect in MYSQL else _QUOTED)
    begin, end = len(masked) - len(masked.lstrip(_BLANKS)), masked.find(";", len(masked.rstrip(_END)))
    return _literal((query[begin:] if end < 0 else query[begin:end]).rstrip(_BLANKS))


def _literal(sql: str) -> str:
    """What SQLAlchemy takes as it stands: colons name no parameters in '12:30' and x::date."""
    return sql.replace(":", "\\:")
