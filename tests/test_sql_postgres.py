"""Collector sql and what only PostgreSQL has."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sql_databases import URL_VARIABLE, Postgres, new_database, new_server
from sql_shop import options, pages_of
from sqlalchemy import make_url

from feedback.collectors.base import Record, Unreadable
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
