"""Collector sql and what only PostgreSQL has."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sql_databases import URL_VARIABLE, Postgres, new_database, new_server
from sql_shop import options, pages_of
from sqlalchemy import make_url

from feedback.collectors.base import Record, Unreadable
from feedback.collectors.live import postgres
from feedback.collectors.live.database import opened
from feedback.errors import CollectError


def test_a_day_that_python_can_not_hold_comes_as_postgresql_writes_it(tmp_path: Path) -> None:
    database = new_database("postgres", tmp_path)
    with opened(database.url, tmp_path) as found:
        [[row]] = found.pages("select date 'infinity', timestamp '20260-01-01', timestamptz '0044-03-15 00:00+00 BC'")
    assert row[:2] == ("infinity", "20260-01-01 00:00:00")
    assert str(row[2]).endswith(" BC")


@pytest.fixture
def without_encoding(monkeypatch: pytest.MonkeyPatch) -> Iterator[Postgres]:
    """A database in SQL_ASCII, which takes any bytes for a text, as those are that were set up with the locale C."""
    server = new_server("postgres")
    server.execute("drop database if exists plain")
    server.execute("create database plain template template0 encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C'")
    url = make_url(server.url).set(database="plain").render_as_string(hide_password=False)
    database = Postgres(f"{url}?client_encoding=utf8")
    database.execute("create table 评价 (id int, body text)")
    database.execute("insert into 评价 values (1, '物流很慢'), (3, '包装不错')")
    monkeypatch.setenv(URL_VARIABLE, url)
    yield database
    server.execute("drop database plain")


QUERY = "select id, body from 评价 where body <> '默认' order by id"


@pytest.mark.usefixtures("without_encoding")
def test_a_database_that_knows_no_encoding_is_read_as_utf_8(tmp_path: Path) -> None:
    [page] = pages_of(tmp_path, options(url={"env": URL_VARIABLE}, query=QUERY))
    assert page.items == [
        Record("物流很慢", "review", "live", "rows:1", source_id="1"),
        Record("包装不错", "review", "live", "rows:3", source_id="3"),
    ]


def test_bytes_that_are_no_utf_8_there_are_told_with_a_cure_that_works(
    tmp_path: Path, without_encoding: Postgres
) -> None:
    without_encoding.execute("insert into 评价 values (2, convert_from('\\xcef5b2ee', 'SQL_ASCII'))")
    with pytest.raises(CollectError) as error:
        pages_of(tmp_path, options(url={"env": URL_VARIABLE}, query=QUERY))
    cure = "convert_to(body, 'SQL_ASCII') as body"
    assert str(error.value) == (
        "A text of 'query' holds bytes of another encoding than UTF-8, as a database in SQL_ASCII may, and PostgreSQL gives no row then. "
        f"Write {cure} in 'query' for each column of texts: only such rows are left out then, and listed."
    )
    [page] = pages_of(tmp_path, options(url={"env": URL_VARIABLE}, query=QUERY.replace("body", cure, 1)))
    assert page.items == [
        Record("物流很慢", "review", "live", "rows:1", source_id="1"),
        Unreadable("rows:#2", "it holds bytes of another encoding than UTF-8"),
        Record("包装不错", "review", "live", "rows:3", source_id="3"),
    ]


def test_an_encoding_in_the_address_that_gives_bytes_is_an_option_that_can_not_be_used(tmp_path: Path) -> None:
    url = f"{new_server('postgres').url}?client_encoding=sql_ascii"
    with pytest.raises(CollectError) as error, opened(url, tmp_path):
        pass
    assert str(error.value) == (
        "What stands behind the ? of 'url' can't be used. Is each value right, and is each file there?"
    )


# How long a query may take

TOO_LONG = (
    "The database stopped 'query', which takes longer than it may. Ask for less, or say how long it may take "
    "behind the address: ?options=-c%20statement_timeout=2h"
)
SLOW = "select 1 as id, '好用' as body, pg_sleep(1)::text as slept"


def read(folder: Path, monkeypatch: pytest.MonkeyPatch, url: str, query: str) -> int:
    monkeypatch.setenv(URL_VARIABLE, url)
    return sum(len(page.items) for page in pages_of(folder, options(url={"env": URL_VARIABLE}, query=query)))


def test_a_query_that_hangs_on_the_server_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = new_server("postgres")
    monkeypatch.setattr(postgres, "ANSWER_SECONDS", 0.3)
    with database.transaction() as execute:
        execute("lock table feedback in access exclusive mode")
        with pytest.raises(CollectError) as error:
            read(tmp_path, monkeypatch, database.url, "select id, body from feedback")
    assert str(error.value) == TOO_LONG
    with pytest.raises(CollectError) as error:
        read(tmp_path, monkeypatch, database.url, SLOW)
    assert str(error.value) == TOO_LONG


def test_each_lot_of_rows_has_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "ANSWER_SECONDS", 1.5)
    slow = "select n as id, '好用' as body, pg_sleep(case when n % 1000 = 0 then 0.8 else 0 end)::text from generate_series(1, 3000) n"
    assert read(tmp_path, monkeypatch, new_server("postgres").url, slow) == 3000


def test_the_address_says_how_long_a_query_may_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = new_server("postgres").url
    monkeypatch.setattr(postgres, "ANSWER_SECONDS", 0.3)
    assert read(tmp_path, monkeypatch, f"{url}?options=-c%20statement_timeout=2h", SLOW) == 1


def test_a_limit_that_the_user_has_on_the_server_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = new_server("postgres")
    with database.reader("feedback") as url:
        database.execute("alter role reader set statement_timeout = '300ms'")
        with pytest.raises(CollectError) as error:
            read(tmp_path, monkeypatch, url, SLOW)
    assert str(error.value) == TOO_LONG


def test_a_line_that_went_dead_is_noticed(tmp_path: Path) -> None:
    with opened(new_server("postgres").url, tmp_path) as database:
        told = database._connection.connection.dbapi_connection.info.get_parameters()  # type: ignore[union-attr]
    assert (told["keepalives_idle"], told["keepalives_interval"], told["keepalives_count"]) == ("60", "10", "6")
