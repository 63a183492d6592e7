"""Collector sql: settings that are wrong and databases where something is, in a sentence each."""

import re
import socket
import sqlite3
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from sql_databases import Sqlite, new_database
from sql_shop import options, pages_of, table, visit_of

from feedback.collectors.live import database as database_module
from feedback.collectors.live import mysql
from feedback.collectors.live.database import is_path, opened
from feedback.collectors.live.database_faults import in_words
from feedback.collectors.sql import SqlCollector
from feedback.errors import CollectError

# What a source's settings say.


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"tokne": "x"}, "source 'live': unknown 'tokne'. Known: columns, drop, query, scores, since, texts, url."),
        ({"query": ""}, "source 'live': 'query' is missing."),
        ({"query": "drop table t"}, "source 'live': 'query' must be a SELECT that changes nothing."),
        ({"since": {"colum": "n"}}, "source 'live', [since]: unknown 'colum'. Known: column, format, overlap, overlap_seconds."),
        ({"since": {"overlap": 3}}, "source 'live', [since]: 'column' is missing."),
        ({"since": {"column": "n", "format": "iso"}}, "source 'live', [since]: 'format' must be one of usual, epoch, epoch-ms, not 'iso'."),
        (
            {"columns": {"text": "body"}},
            "source 'live': [columns] must say which column tells the rows apart, source_id = \"id\"; a layout with 'survey' or 'records' is for files.",
        ),
    ],
)  # fmt: skip
def test_a_setting_that_is_wrong_is_named(tmp_path: Path, changed: dict[str, object], said: str) -> None:
    with pytest.raises(CollectError) as error:
        SqlCollector().streams(visit_of(tmp_path, options(**changed)))
    assert str(error.value) == said


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://shop:geheim-0042@db.example/shop",
        "duckdb:///md:shop?motherduck_token=geheim-0042",
        "sqlite+pysqlcipher://:geheim-0042@/shop.db",
        "sqlite:///shop.db?key=geheim-0042",
    ],
)
def test_an_address_that_may_hold_a_password_does_not_belong_into_the_settings(tmp_path: Path, url: str) -> None:
    with pytest.raises(CollectError) as error:
        SqlCollector().streams(visit_of(tmp_path, options(url=url)))
    assert str(error.value) == (
        "source 'live': 'url' is a secret, which does not belong in this file. Say where it is: "
        'url = { env = "NAME_OF_A_VARIABLE" } or url = { file = "~/a-file-outside-the-project" }.'
    )


def test_settings_are_checked_without_a_look_at_the_secret(tmp_path: Path) -> None:
    assert SqlCollector().streams(visit_of(tmp_path, options(url={"env": "NO_SUCH_VARIABLE"}))) == ["rows"]
    with pytest.raises(CollectError, match="the environment variable NO_SUCH_VARIABLE is not set"):
        pages_of(tmp_path, options(url={"env": "NO_SUCH_VARIABLE"}))


@pytest.mark.parametrize("url", ["sqlite:///shop.db", "sqlite:////data/shop.db?timeout=0.5", "duckdb:///a b@c.duckdb"])
def test_a_file_may_be_named_in_the_settings(url: str) -> None:
    assert is_path(url)


# What goes wrong with a database.


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite:///gone.db", "No database at {}/gone.db."),
        ("duckdb:///gone.db", "No database at {}/gone.db."),
        ("sqlite://", "'url' names no file. Write it like sqlite:///data/shop.db"),
        ("duckdb:///:memory:", "'url' names no file. Write it like duckdb:///data/shop.db"),
        ("sqlite:///text.db", "What 'url' names is no database of that kind, or a damaged, encrypted or newer one."),
        ("duckdb:///text.db", "What 'url' names is no database of that kind, or a damaged, encrypted or newer one."),
        ("sqlite:///shop.db?timeout=x", "What stands behind the ? of 'url' is not known to the database's driver."),
        ("duckdb:///shop.duckdb?nonsense=1", "What stands behind the ? of 'url' is not known to the database's driver."),
        (
            "geheim-0042",
            "'url' is no address of a database. Write it like postgresql://user:password@host/name or sqlite:///file.db",
        ),
        (
            "postgresql://shop:geheim-0042@host:port/shop",
            "'url' is no address of a database. Write it like postgresql://user:password@host/name or sqlite:///file.db",
        ),
        ("nosuch://shop:geheim-0042@host/shop", "The driver for nosuch is missing. Install the package that SQLAlchemy needs for it."),
        ("mysql+aiomysqlx://shop:geheim-0042@host/shop", "The driver for mysql+aiomysqlx is missing. Install the package that SQLAlchemy needs for it."),
        ("mysql://shop:geheim-0042@127.0.0.1:{port}/shop?nonsense=1", "What stands behind the ? of 'url' is not known to the database's driver."),
        ("mysql://shop:geheim-0042@127.0.0.1:{port}/shop", "The database takes no connection. Does it run, and are the host and the port in 'url' right?"),
        ("postgres://shop:geheim-0042@127.0.0.1:{port}/shop", "The database takes no connection. Does it run, and are the host and the port in 'url' right?"),
    ],
)  # fmt: skip
def test_an_address_where_there_is_nothing_is_said_in_a_sentence(tmp_path: Path, url: str, said: str) -> None:
    Sqlite(tmp_path)
    new_database("duckdb", tmp_path)
    (tmp_path / "text.db").write_text("这不是数据库" * 200, encoding="utf-8")
    with pytest.raises(CollectError) as error, opened(url.format(port=closed_port()), tmp_path) as database:
        database.columns("select * from feedback")
    assert str(error.value) == said.format(tmp_path)


def closed_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        return int(server.getsockname()[1])


@contextmanager
def hangs_up() -> Iterator[int]:
    """A server that takes connections and drops them at the first word."""

    def serve() -> None:
        for _ in range(2):
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(0.2)
                with suppress(TimeoutError):  # MySQL's clients wait to be greeted
                    connection.recv(1)

    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        yield int(server.getsockname()[1])
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize("kind", ["postgresql", "mysql", "mariadb"])
def test_a_server_that_hangs_up_is_said_in_a_sentence(tmp_path: Path, kind: str) -> None:
    with (
        hangs_up() as port,
        pytest.raises(CollectError) as error,
        opened(f"{kind}://u:geheim-0042@127.0.0.1:{port}/x", tmp_path),
    ):
        pass
    assert str(error.value) == "The database broke the connection off. What came before is stored: run this again."


@pytest.mark.parametrize(
    "words",
    [
        "sending query failed: could not send data to server: Broken pipe",
        "flushing failed: could not receive data from server: Connection reset by peer",
        "sending query failed: SSL connection has been closed unexpectedly",
    ],
)
def test_a_connection_that_breaks_is_known_whatever_the_driver_calls_it(words: str) -> None:
    from sqlalchemy.exc import OperationalError

    with pytest.raises(CollectError) as error, in_words():
        raise OperationalError("fetch 100", {}, sqlite3.OperationalError(words), connection_invalidated=True)
    assert str(error.value) == "The database broke the connection off. What came before is stored: run this again."


@pytest.mark.parametrize("kind", ["postgresql", "mysql", "mariadb"])
def test_a_port_that_takes_connections_and_says_nothing_is_left_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """As a tunnel does whose other end is gone."""
    monkeypatch.setattr(mysql, "GREETING_SECONDS", 0.2)
    monkeypatch.setattr(database_module, "_CONNECT_SECONDS", 2)  # PostgreSQL's least
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as server,
        pytest.raises(CollectError) as error,
        opened(f"{kind}://u:geheim-0042@127.0.0.1:{server.getsockname()[1]}/x", tmp_path),
    ):
        pass
    assert str(error.value).startswith("The database does not answer. Run this again later.")


@pytest.mark.parametrize(("told", "seconds"), [("", mysql.ANSWER_SECONDS), ("?read_timeout=7200", 7200)])
def test_for_what_was_asked_mysql_is_given_longer_or_as_long_as_the_address_says(told: str, seconds: int) -> None:
    """By names that are PyMySQL's own, as above."""
    from pymysql import connect
    from sqlalchemy import make_url
    from sqlalchemy.dialects.mysql.pymysql import MySQLDialect_pymysql

    url, given = mysql.connecting(make_url(f"mysql+pymysql://u@h/x{told}"))
    _, said = MySQLDialect_pymysql().create_connect_args(url)
    connection = connect(defer_connect=True, **{**said, **given})
    assert connection._write_timeout == mysql.GREETING_SECONDS
    mysql.await_answers(connection)
    assert connection._read_timeout == seconds


def test_an_answer_of_mysql_is_left_without_reading_its_rest() -> None:
    """By names that are PyMySQL's own: a version without them is found here."""
    from pymysql.connections import MySQLResult

    answer = MySQLResult(None)
    assert answer.unbuffered_active is False
    answer.unbuffered_active = True  # rows are on their way
    cursor = mysql.streaming_cursor()(None)
    assert cursor._result is None
    cursor._result = answer
    cursor.close()
    assert answer.unbuffered_active is False


def test_duckdb_sorts_within_bounds(tmp_path: Path) -> None:
    new_database("duckdb", tmp_path)
    with opened("duckdb:///shop.duckdb", tmp_path) as database:
        assert list(database.pages("select current_setting('memory_limit')")) == [[("953.6 MiB",)]]


def test_a_locked_database_is_said_in_a_sentence(tmp_path: Path) -> None:
    table(tmp_path, "n", 1)
    with closing(sqlite3.connect(tmp_path / "shop.db", isolation_level=None)) as other:
        other.execute("begin exclusive")
        with pytest.raises(CollectError) as error:
            pages_of(tmp_path, options(url="sqlite:///shop.db?timeout=0"))
    assert str(error.value) == "The database is locked by another program. Run this again when that is done."


def test_a_file_is_opened_to_be_read_only(tmp_path: Path) -> None:
    table(tmp_path, "n", 1)
    with (
        opened("sqlite:///shop.db", tmp_path) as database,
        pytest.raises(CollectError, match=re.escape("'query' would change the database. It may only read.")),
        in_words(),
    ):
        database._connection.exec_driver_sql("delete from t")


@pytest.mark.parametrize(
    ("module", "url", "said"),
    [
        ("pymysql", "mysql://u:p@h/x", "The driver for mysql+pymysql is missing. Install it with: pip install 'yuansheng[sql]'"),
        ("psycopg", "postgresql://u:p@h/x", "The driver for postgresql+psycopg is missing. Install it with: pip install 'yuansheng[sql]'"),
        ("sqlalchemy", "sqlite:///shop.db", "A database needs SQLAlchemy. Install it with: pip install 'yuansheng[sql]'"),
    ],
)  # fmt: skip
def test_a_driver_that_is_not_installed_is_named_with_what_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, url: str, said: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(CollectError) as error, opened(url, tmp_path):
        pass
    assert str(error.value) == said


@pytest.mark.parametrize("package", ["cryptography", "pynacl"])
def test_a_login_that_needs_a_package_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    """MySQL's own login without TLS, MariaDB's ed25519: what PyMySQL raises there is no error of its own."""
    from pymysql.connections import Connection

    def connect(_self: object, _sock: object = None) -> None:
        raise RuntimeError(f"'{package}' package is required for this method")

    monkeypatch.setattr(Connection, "connect", connect)
    with pytest.raises(CollectError) as error, opened("mysql://u:geheim-0042@h/x", tmp_path):
        pass
    assert str(error.value) == (
        "This user logs in in a way that the driver needs a package for. Install it with: pip install 'PyMySQL[rsa,ed25519]'"
    )


def test_an_error_of_the_program_itself_keeps_its_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pymysql.connections import Connection

    def connect(_self: object, _sock: object = None) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(Connection, "connect", connect)
    with pytest.raises(RuntimeError, match="broken"), opened("mysql://u:geheim-0042@h/x", tmp_path):
        pass


class Told(Exception):
    """An error as a driver raises it: PyMySQL gives a number first, psycopg has a code beside its words."""

    def __init__(self, *told: object, sqlstate: str | None = None) -> None:
        super().__init__(*told)
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (Told("connection failed: failed to resolve host 'db.intern': [Errno -2] Name or service not known"), "The host in 'url' can't be found. Is its name right, and is this machine online?"),
        (Told("connection timeout expired"), "The database does not answer. Run this again later."),
        (
            Told(2013, "Lost connection to MySQL server during query (timed out)"),
            "The database does not answer. Run this again later. If it takes that long for 'query', say for how many seconds it may behind the address: ?read_timeout=7200",
        ),
        (Told(2013, "Lost connection to MySQL server during query"), "The database broke the connection off. What came before is stored: run this again."),
        (Told(1142, "SELECT command denied to user '小林'@'10.0.0.7' for table 'feedback'"), "This user may not read what 'query' asks for."),
        (Told("permission denied for table feedback", sqlstate="42501"), "This user may not read what 'query' asks for."),
        (Told('IO Error: Could not set lock on file "/x": Conflicting lock is held in PID 7'), "The database is locked by another program. Run this again when that is done."),
        (Told("unable to open database file"), "The file that 'url' names can't be opened."),
        (Told('invalid input syntax for type integer: "小林"', sqlstate="22P02"), "The database does not answer 'query' (22P02)."),
        (Told("timestamp too large (after year 10K): 'infinity'"), "The database does not answer 'query' (Told)."),
        (Told(1040, "Too many connections"), "The database has no room for one more connection. Run this again later."),
        (Told("connection failed: FATAL:  sorry, too many clients already"), "The database has no room for one more connection. Run this again later."),
        (Told(1130, "Host '10.0.0.7' is not allowed to connect to this MariaDB server"), "The database takes no connections from this machine."),
        (Told(3024, "Query execution was interrupted, maximum statement execution time exceeded"), "The database stopped 'query', which takes longer than it allows. Ask for less, or have the limit raised."),
        (Told("canceling statement due to statement timeout", sqlstate="57014"), "The database stopped 'query', which takes longer than it may. Ask for less, or say how long it may take behind the address: ?options=-c%20statement_timeout=2h"),
        (Told("由于语句执行超时, 正在取消查询命令", sqlstate="57014"), "The database stopped 'query', which takes longer than it may. Ask for less, or say how long it may take behind the address: ?options=-c%20statement_timeout=2h"),
        (Told("canceling statement due to user request", sqlstate="57014"), "The database does not answer 'query' (57014)."),
        (Told('connection failed: FATAL:  permission denied for database "shop"'), "There is no database of the name that 'url' says, or this user may not read it."),
        (Told(1060, "Duplicate column name 'id'"), "'query' gives two columns named 'id'. Name them apart: … as …."),
    ],
)  # fmt: skip
def test_of_what_a_driver_says_only_names_of_the_query_are_passed_on(told: Told, said: str) -> None:
    from sqlalchemy.exc import OperationalError

    with pytest.raises(CollectError) as error, in_words():
        raise OperationalError("select 小林", {}, told)
    assert str(error.value) == said


def test_what_sqlalchemy_itself_has_to_say_names_its_kind() -> None:
    from sqlalchemy.exc import ResourceClosedError

    with pytest.raises(CollectError) as error, in_words():
        raise ResourceClosedError("小林")
    assert str(error.value) == "The database can't be asked (ResourceClosedError)."


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    table(tmp_path, "ID2", 1)
    with closing(sqlite3.connect(tmp_path / "shop.db")) as database, database:
        database.execute("alter table t rename column ID2 to ｉｄ")
    with pytest.raises(CollectError) as error:
        pages_of(tmp_path, options())
    assert str(error.value) == "'query' gives two columns named 'id'. Name them apart: … as …."
