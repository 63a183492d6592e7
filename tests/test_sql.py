"""Collector sql: what a database holds comes in whole, once, and is never written to; the promises of `test_live_contract.py`, and what databases have of their own."""

import json
import os
import re
import socket
import sqlite3
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from command import Ran, run
from sql_databases import FILES, SERVERS, URL_VARIABLE, Database, Sqlite, new_database
from stored import dump
from worlds import NOW, Said, edited, said

from feedback.collectors.base import Item, RawScore, Record, SourceConfig, Unreadable
from feedback.collectors.live import Page, Visit
from feedback.collectors.live import database as database_module
from feedback.collectors.live.database import is_path, opened, query_fault
from feedback.collectors.live.database_faults import in_words
from feedback.collectors.live.growing import Growing, Mark
from feedback.collectors.live.vault import Vault
from feedback.collectors.sql import SqlCollector
from feedback.errors import CollectError
from feedback.pipeline import collect
from feedback.project import load_project
from storage.store import Store

QUERY = "select id, body, created_at, updated_at from feedback"
SOURCE = """[project]
name = "合约"

[analysis]
engine = "fast"

[[sources]]
name = "live"
collector = "sql"
channel = "门店"
url = {url}
query = "{query}"
since = {{ column = "updated_at" }}
columns = {{ text = "body", source_id = "id", posted_at = "created_at" }}
"""


class Shop:
    """A project with one source, and the database that it is of."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder, self.database = folder, database
        self.said: list[Said] = said(20)
        database.write(self.said)
        url = f'"{database.url}"' if database.url.startswith(FILES) else f'{{ env = "{URL_VARIABLE}" }}'
        (folder / "feedback.toml").write_text(SOURCE.format(url=url, query=QUERY), encoding="utf-8")

    def say(self, *more: Said) -> None:
        self.said += more
        self.database.write(self.said)

    def collect(self, *more: str) -> Ran:
        return run("collect", "--source", "live", *more, project=self.folder)

    def stored(self) -> dict[str, str]:
        with closing(sqlite3.connect(self.folder / "feedback.db")) as database:
            rows = database.execute("select source_id, text from verbatims where source = 'live'").fetchall()
        assert len(rows) == len({row[0] for row in rows})
        return dict(rows)

    def is_whole(self) -> bool:
        return self.stored() == {f"f{one.number}": one.text for one in self.said}


@pytest.fixture(params=[*FILES, *SERVERS])
def shop(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    database = new_database(request.param, tmp_path)
    monkeypatch.setenv(URL_VARIABLE, database.url)
    monkeypatch.setattr(database_module, "ROWS", 7)
    return Shop(tmp_path, database)


# What every source is held to.


def test_everything_is_collected_and_a_second_run_changes_nothing(shop: Shop) -> None:
    assert shop.collect() == Ran(0, "live: 20 new\n", "")
    assert shop.is_whole()
    before = dump(shop.folder / "feedback.db", without=("runs", "cursors"))
    again = shop.collect()
    assert (again.code, again.err) == (0, "")
    assert again.out.startswith("live: 0 new")
    assert dump(shop.folder / "feedback.db", without=("runs", "cursors")) == before


def test_what_was_said_since_comes_with_the_next_run(shop: Shop) -> None:
    shop.collect()
    shop.say(*said(5, first=21))
    assert shop.collect().out.startswith("live: 5 new")
    assert shop.is_whole()


def test_an_edited_text_takes_the_place_of_the_old_one(shop: Shop) -> None:
    shop.collect()
    shop.said[3] = edited(shop.said[3], "改主意了：客服后来处理得很好", NOW - timedelta(hours=2))
    shop.say()
    assert "1 changed" in shop.collect().out
    assert shop.is_whole()


@pytest.mark.parametrize("pages", range(1, 4))
def test_cut_off_after_any_page_the_next_run_goes_on(shop: Shop, pages: int) -> None:
    left = pages

    def stop(_what: str, _more: int) -> None:
        nonlocal left
        left -= 1
        if not left:
            raise KeyboardInterrupt

    project = load_project(shop.folder)
    with Store.open(project.database) as store, pytest.raises(KeyboardInterrupt):
        collect(store, project, project.source("live"), stop)
    assert len(shop.stored()) == min(7 * pages, 20)
    shop.say(*said(3, first=21))
    assert shop.collect().code == 0
    assert shop.is_whole()


def test_a_limit_leaves_the_rest_for_the_next_run(shop: Shop) -> None:
    assert shop.collect("--limit", "9").code == 0
    assert len(shop.stored()) == 9
    assert shop.collect().code == 0
    assert shop.is_whole()


def test_since_leaves_out_what_is_older_and_loses_nothing_for_later(shop: Shop) -> None:
    assert shop.collect().code == 0
    middle = shop.said[10].posted_at
    assert shop.collect("--since", middle.strftime("%Y-%m-%dT%H:%M:%SZ")).code == 0
    shop.say(*said(2, first=21))
    assert shop.collect().code == 0
    assert shop.is_whole()


def test_a_dry_run_shows_and_stores_nothing(shop: Shop) -> None:
    ran = shop.collect("--dry-run")
    assert (ran.code, ran.err) == (0, "")
    assert "live: 20 would be stored" in ran.out
    assert not (shop.folder / "feedback.db").exists()


def test_no_more_than_a_page_is_held_in_memory(shop: Shop) -> None:
    project = load_project(shop.folder)
    visit = Visit(project.source("live"), Vault(project.folder), NOW)
    assert [len(page.items) for page in SqlCollector().pages("rows", None, visit)] == [7, 7, 6]


def test_a_late_row_is_seen_though_later_ones_were_read_before(shop: Shop) -> None:
    shop.collect()
    last = shop.said[-1].changed_at
    shop.say(replace(said(1, first=21)[0], changed_at=last - timedelta(seconds=200)))
    assert shop.collect().out.startswith("live: 1 new")
    assert shop.is_whole()


def test_rows_of_the_same_moment_as_the_last_one_are_not_lost(shop: Shop) -> None:
    settings = (shop.folder / "feedback.toml").read_text(encoding="utf-8")
    exact = settings.replace('column = "updated_at"', 'column = "updated_at", overlap_seconds = 0')
    (shop.folder / "feedback.toml").write_text(exact, encoding="utf-8")
    shop.collect()
    last = shop.said[-1].changed_at
    shop.say(*(replace(one, changed_at=last) for one in said(9, first=21)))
    assert shop.collect().out.startswith("live: 9 new, 1 already there")
    assert shop.is_whole()


def test_a_row_of_the_future_does_not_hide_what_comes_before_then(shop: Shop) -> None:
    shop.say(replace(said(1, first=21)[0], changed_at=datetime(2099, 1, 1, tzinfo=UTC)))
    assert shop.collect().code == 0
    shop.say(*said(2, first=22))
    assert shop.collect().out.startswith("live: 2 new")
    assert shop.is_whole()


def test_values_come_as_texts_that_a_layout_can_map(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "ROWS", 1000)
    columns = {
        "text": "body",
        "source_id": "id",
        "posted_at": "moment",
        "customer": "number",
        "product": "missing",
        "version": "number",
        "store": "bytes",
        "region": "day",
        "question": "json.a.b",
        "votes": "number",
    }
    options = {
        "url": {"env": URL_VARIABLE},
        "query": shop.database.types,
        "columns": columns,
        "scores": [{"metric": "star", "column": "stars", "low": 1, "high": 5}],
    }
    if isinstance(shop.database, Sqlite):
        monkeypatch.setenv(URL_VARIABLE, f"sqlite:///{shop.folder}/shop.db")
    [page] = pages_of(shop.folder, options)
    [record] = page.items
    assert isinstance(record, Record)
    assert record.posted_at is not None
    moment = datetime.fromisoformat(record.posted_at)
    assert moment.replace(tzinfo=moment.tzinfo or ZoneInfo("Asia/Shanghai")) == datetime(2026, 3, 1, 1, tzinfo=UTC)
    [score] = record.scores
    assert float(score.value) == 4.5
    assert replace(record, posted_at=None, scores=()) == Record(
        text="好用",
        kind="review",
        channel="live",
        location="rows:f1",
        source_id="f1",
        customer="7",
        version="7",
        store="字节",
        region="2026-03-01",
        question="深",
        votes="7",
    )


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("select nope as id from feedback", "There is no column 'nope'. Is 'query' right?"),
        ("select * from reviws", "There is no table '{}reviws'. Is 'query' right?"),
        ("select id from feedback where", "The database does not understand 'query'{}."),
        (
            "select id, body as text from feedback",
            "'query' gives no column 'updated_at'. It gives: id, text.",
        ),
    ],
)
def test_what_is_wrong_with_a_query_is_said_in_a_sentence(shop: Shop, query: str, said: str) -> None:
    (shop.folder / "feedback.toml").write_text(
        (shop.folder / "feedback.toml").read_text(encoding="utf-8").replace(QUERY, query), encoding="utf-8"
    )
    ran = shop.collect()
    assert ran.code == 1
    named, near = ran.err.split("'{}")[0], r"(?: near '[^']*')?"
    pattern = (
        re.escape(f"Error: live: {said}\n").replace(r"'query'\{\}", f"'query'{near}").replace(r"\{\}", r"(?:\w+\.)?")
    )
    if "gives no column" in said:  # the columns that the layout needs are looked for first
        assert named in (
            "Error: live: 'query' gives no column 'body'. It gives: id, text.\n",
            f"Error: live: {said}\n",
        )
    else:
        assert re.fullmatch(pattern, ran.err)
    assert shop.stored() == {}


def test_the_address_and_its_password_are_stored_and_shown_nowhere(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    if isinstance(shop.database, Sqlite) or shop.database.url.startswith("duckdb"):
        pytest.skip("a file has no password")
    parts = urlsplit(shop.database.url)
    right, wrong = str(parts.password), "nicht-das-Wort+0042"
    shown = [shop.collect()]
    monkeypatch.setenv(URL_VARIABLE, shop.database.url.replace(f":{right}@", f":{wrong}@"))
    shown.append(shop.collect())
    assert shown[1].err.startswith("Error: live: The database does not let this user in.")
    assert shown[1].err.count("\n") == 1
    monkeypatch.setenv(URL_VARIABLE, f"{parts.scheme}://{parts.netloc}/no_such_base")
    shown.append(shop.collect())
    assert shown[2].code == 1
    monkeypatch.setenv(URL_VARIABLE, f"{shop.database.url}?{right}=1")
    shown.append(shop.collect())
    assert shown[3].err == "Error: live: What stands behind the ? of 'url' is not known to the database's driver.\n"
    told = "".join(ran.out + ran.err for ran in shown)
    for secret in (right, wrong, parts.netloc):
        assert secret not in told
        for path in shop.folder.iterdir():
            assert secret.encode() not in path.read_bytes(), path.name


def test_a_server_that_goes_away_is_said_and_what_came_before_is_kept(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = {
        "postgresql": "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'",
        "mysql": "kill",
    }.get(urlsplit(shop.database.url).scheme)
    if ends is None:
        pytest.skip("a file does not go away")
    # More than the server sends ahead.
    monkeypatch.setattr(database_module, "ROWS", 100)
    shop.say(*said(1000, first=21))
    settings = (shop.folder / "feedback.toml").read_text(encoding="utf-8")
    wide = QUERY.replace(" from", ", repeat('x', 20000) as padding from")
    (shop.folder / "feedback.toml").write_text(settings.replace(QUERY, wide), encoding="utf-8")
    project = load_project(shop.folder)

    def end(_what: str, _more: int) -> None:
        if ends == "kill":
            kill_others(shop.database)
        else:
            shop.database.execute(ends)

    with Store.open(project.database) as store, pytest.raises(CollectError, match="broke the connection off"):
        collect(store, project, project.source("live"), end)
    assert 0 < len(shop.stored()) < 1020
    assert shop.collect().code == 0
    assert shop.is_whole()


def kill_others(database: Database) -> None:
    with database._connected() as connection, connection.cursor() as cursor:  # type: ignore[attr-defined]
        cursor.execute("select id from information_schema.processlist where id <> connection_id() and db = database()")
        for (number,) in cursor.fetchall():
            cursor.execute(f"kill {number}")


@pytest.mark.parametrize("kind", ["duckdb", *SERVERS])
def test_a_query_that_would_write_is_refused_by_the_database_itself(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = new_database(kind, tmp_path)
    query = "select id from feedback for update"
    if kind != "mysql":
        database.execute("drop sequence if exists counted")
        database.execute("create sequence counted")
        query = "select nextval('counted') as id"
    monkeypatch.setenv(URL_VARIABLE, database.url if kind in SERVERS else f"duckdb:///{tmp_path}/shop.duckdb")
    with (
        pytest.raises(CollectError, match=re.escape("'query' would change the database. It may only read.")),
        opened(os.environ[URL_VARIABLE], tmp_path) as found,
    ):
        list(found.pages(query))


# The column that grows.


def options(**more: object) -> dict[str, object]:
    columns = {"text": "body", "source_id": "id"}
    return {"url": "sqlite:///shop.db", "query": "select * from t", "columns": columns, **more}


def visit_of(folder: Path, given: dict[str, object], **more: object) -> Visit:
    return Visit(SourceConfig("live", "sql", base=folder, options=given, **more), Vault(folder / "project"), NOW)  # type: ignore[arg-type]


def pages_of(folder: Path, given: dict[str, object], state: str | None = None) -> list[Page]:
    return list(SqlCollector().pages("rows", state, visit_of(folder, given)))


def table(folder: Path, column: str, *values: object) -> None:
    """A table `t` with a row for each value of the column that grows."""
    with closing(sqlite3.connect(folder / "shop.db")) as database, database:
        database.execute("drop table if exists t")
        database.execute(f"create table t (id integer primary key, body text, {column})")
        database.executemany(
            "insert into t values (?, ?, ?)", [(n, f"第{n}条，很好用", v) for n, v in enumerate(values, 1)]
        )


def ids(pages: list[Page]) -> list[str | None]:
    return [item.source_id for page in pages for item in page.items if isinstance(item, Record)]


def test_rows_come_in_the_order_of_the_column_and_of_equal_values_in_that_of_their_ids(tmp_path: Path) -> None:
    table(tmp_path, "n", 30, 10, 20, 10, None)
    assert ids(pages_of(tmp_path, options(since={"column": "N"}))) == ["5", "2", "4", "3", "1"]


def test_numbers_are_asked_for_again_from_a_little_before(tmp_path: Path) -> None:
    table(tmp_path, "n", 1, 2000, 3001.5, 3000)
    since = {"column": "n"}
    [page] = pages_of(tmp_path, options(since=since))
    assert page.state == '["number", 3001]'
    assert ids(pages_of(tmp_path, options(since=since), page.state)) == ["4", "3"]
    assert ids(pages_of(tmp_path, options(since={**since, "overlap": 0}), page.state)) == ["3"]
    assert ids(pages_of(tmp_path, options(since={**since, "overlap": 5000}), page.state)) == ["1", "2", "4", "3"]


def test_rows_without_a_value_come_every_time(tmp_path: Path) -> None:
    table(tmp_path, "n", None, 5, None)
    assert ids(pages_of(tmp_path, options(since={"column": "n", "overlap": 0}), '["number", 9]')) == ["1", "3"]
    [page] = pages_of(tmp_path, options(since={"column": "n"}, query="select * from t where n is null"))
    assert (ids([page]), page.state) == (["1", "3"], None)


def test_the_state_stays_where_it_was_when_there_is_nothing_new(tmp_path: Path) -> None:
    table(tmp_path, "n", 5)
    assert pages_of(tmp_path, options(since={"column": "n", "overlap": 0}), '["number", 9]') == []


@pytest.mark.parametrize("unit", [1, 1000])
def test_a_number_that_is_a_time_does_not_count_when_it_lies_in_the_future(tmp_path: Path, unit: int) -> None:
    now = int(NOW.timestamp()) * unit
    table(tmp_path, "n", now - 9 * unit, now, now + unit, now - 400 * unit)
    since = {"column": "n", "format": "epoch" if unit == 1 else "epoch-ms"}
    [page] = pages_of(tmp_path, options(since=since))
    assert page.state == json.dumps(["number", now])
    assert ids(pages_of(tmp_path, options(since=since), page.state)) == ["1", "2", "3"]


def test_a_text_that_is_no_date_is_asked_for_from_itself(tmp_path: Path) -> None:
    table(tmp_path, "n", "a", "b", "c")
    assert ids(pages_of(tmp_path, options(since={"column": "n"}), '["text", "b"]')) == ["2", "3"]


def test_a_column_that_holds_two_kinds_of_values_is_refused(tmp_path: Path) -> None:
    table(tmp_path, "n", 1, "2026-03-01")
    with pytest.raises(CollectError) as error:
        pages_of(tmp_path, options(since={"column": "n"}))
    assert str(error.value) == (
        "[since] column 'n' holds numbers and texts. Cast it in 'query', so that it has one order."
    )


def test_a_column_that_was_changed_to_another_kind_is_read_from_the_beginning(tmp_path: Path) -> None:
    table(tmp_path, "n", "2026-03-01", "2026-03-02")
    pages = pages_of(tmp_path, options(since={"column": "n"}), '["number", 1]')
    assert pages[0] == Page(
        [], None, ("the column of [since] holds another kind of values than before: read from the beginning",)
    )
    assert (ids(pages), pages[1].state) == (["1", "2"], '["text", "2026-03-02"]')


def test_a_column_that_holds_bytes_is_refused(tmp_path: Path) -> None:
    table(tmp_path, "n", b"\x00\x01")
    with pytest.raises(CollectError) as error:
        pages_of(tmp_path, options(since={"column": "n"}))
    assert str(error.value) == (
        "[since] column 'n' holds neither numbers nor times nor texts, but bytes. Cast it in 'query'."
    )


SHANGHAI = ZoneInfo("Asia/Shanghai")
USUAL = Growing("n", "usual", 1000, 300, SHANGHAI, NOW)  # NOW is 12:00 there


@pytest.mark.parametrize(
    ("value", "mark"),
    [
        (7, Mark("number", 7)),
        (7.9, Mark("number", 7)),
        (Decimal("7.90"), Mark("number", 7)),
        (float("nan"), None),
        (None, None),
        ("0000-00-00 00:00:00", None),
        (date(2026, 3, 1), Mark("date", date(2026, 3, 1))),
        (datetime(2026, 3, 1, 8, 0, 0, 5), Mark("time", datetime(2026, 3, 1, 8, 0, 0, 5))),
        (datetime(2026, 3, 1, 8, tzinfo=SHANGHAI), Mark("time", datetime(2026, 3, 1, 8, tzinfo=SHANGHAI))),
        ("文", Mark("text", "文")),
    ],
)
def test_a_mark_survives_being_stored(value: object, mark: Mark | None) -> None:
    found = Mark.of(value, "n")
    assert found == mark
    if found is not None:
        assert Mark.read(found.text()) == found


@pytest.mark.parametrize(
    ("value", "bound"),
    [
        (datetime(2026, 3, 1, 8), datetime(2026, 3, 1, 7, 55)),
        (datetime(2026, 3, 1, 8, tzinfo=UTC), datetime(2026, 3, 1, 7, 55, tzinfo=UTC)),
        (datetime(1, 1, 1), datetime(1, 1, 1)),
        (date(2026, 3, 1), date(2026, 2, 28)),
        ("2026-03-01", "2026-02-28"),
        ("2026/03/01 00:04:00", "2026/02/28 23:59:00"),
        ("2026-03-01T08:00:00.250Z", "2026-03-01T07:55:00"),
        ("2026-13-01", "2026-13-01"),
        ("甲", "甲"),
    ],
)
def test_what_is_asked_for_begins_a_little_before_the_last_value(value: object, bound: object) -> None:
    mark = Mark.of(value, "n")
    assert mark is not None
    assert USUAL.bound(mark) == bound


@pytest.mark.parametrize(
    "future",
    [
        datetime(2026, 3, 2, 12, 0, 1),
        datetime(2026, 3, 2, 4, 0, 1, tzinfo=UTC),
        date(2026, 3, 3),
        "2026-03-03",
        "2026/03/02 12:00:01",
        "2026-03-02T04:00:01Z",
        "2026-03-02 12:00:01 in words",
        "9999-12-31",
    ],
)
def test_what_lies_in_the_future_is_not_taken_for_reached(future: object) -> None:
    assert USUAL.reached([future], None) is None


@pytest.mark.parametrize(
    "past",
    [datetime(2026, 3, 2, 12), date(2026, 3, 2), "2026-03-02 12:00:00", "2026-03-02T04:00:00Z", "2026-99-99", 9e9],
)
def test_what_does_not_lie_there_is(past: object) -> None:
    assert USUAL.reached([past], None) == Mark.of(past, "n")


# What rows hold.


def test_without_a_column_that_grows_everything_comes_every_time(tmp_path: Path) -> None:
    table(tmp_path, "n", 1, 2)
    pages = pages_of(tmp_path, options())
    assert (ids(pages), [page.state for page in pages]) == (["1", "2"], [None])


def test_a_row_that_can_not_be_used_is_told_and_those_after_it_come(tmp_path: Path) -> None:
    table(tmp_path, "n", 1, 2, 3, 4)
    with closing(sqlite3.connect(tmp_path / "shop.db")) as database, database:
        database.execute("update t set body = cast(x'ff' || body as text) where id = 2")
        database.execute("update t set body = 'a' || char(0) || 'b' where id = 3")
    query = "select nullif(id, 1) as id, body, n from t"
    items: list[Item] = [item for page in pages_of(tmp_path, options(query=query)) for item in page.items]
    assert items == [
        Unreadable("rows:#1", "its id is empty, so that it can't be told from other rows", "第1条，很好用"),
        Unreadable("rows:#2", "it holds bytes of another encoding or half a character"),
        Unreadable("rows:#3", "it holds NUL characters: the file is damaged here"),
        Record("第4条，很好用", "review", "live", "rows:4", source_id="4"),
    ]


def test_a_layout_says_what_the_columns_are_whatever_their_case(tmp_path: Path) -> None:
    table(tmp_path, "n", '{"append": "用了一周，还行", "other": 1}', "not JSON")
    layout = {
        "columns": {"text": "Body", "source_id": "ID"},
        "scores": [{"metric": "star", "column": "STARS", "low": 1, "high": 5}],
        "texts": [{"suffix": "append", "text": "n.append"}],
        "drop": [{"column": "private", "values": ["1"]}],
    }
    query = "select t.*, 5 as stars, 0 as private from t union all select 9, 'x', '', 1, 1"
    [page] = pages_of(tmp_path, options(query=query, **layout))
    stars = (RawScore("star", "5", 1, 5),)
    assert page.items == [
        Record("第1条，很好用", "review", "live", "rows:1", source_id="1", scores=stars),
        Record("用了一周，还行", "review", "live", "rows:1/append", source_id="1/append", parent_id="1"),
        Record("第2条，很好用", "review", "live", "rows:2", source_id="2", scores=stars),
    ]


def test_a_query_may_hold_whatever_a_query_holds(tmp_path: Path) -> None:
    table(tmp_path, "n", "12:30", ":since", "100%")
    query = "with a as (select * from t) select * from a -- ;\nwhere n like '%:%' or n = '; drop' or n like '100%' ; "
    assert ids(pages_of(tmp_path, options(query=query, since={"column": "n"}))) == ["3", "1", "2"]


@pytest.mark.parametrize("name", ["of:all", "per%", 'qu"ote', "select"])
def test_a_column_may_have_any_name(tmp_path: Path, name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    table(tmp_path, quoted, 1, 2)
    pages = pages_of(tmp_path, options(since={"column": name, "overlap": 0}), '["number", 2]')
    assert ids(pages) == ["2"]


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("select 1", None),
        (" ( select 1 ) ;", None),
        ("WITH a AS (SELECT 1) SELECT * FROM a", None),
        ("select 'a;b', \"c;d\", `e;f`, $$g;h$$, $x$i;$$j$x$ -- ;\n/* ; */", None),
        ("select replace(a, 'x', 'y'), update_at, deleted, into_store from t", None),
        ("select 1; select 2", "is more than one statement. Give one SELECT"),
        ("select 1; drop table t", "is more than one statement. Give one SELECT"),
        ("delete from t", "must be a SELECT that changes nothing"),
        ("pragma user_version = 3", "must be a SELECT that changes nothing"),
        ("with a as (delete from t returning *) select * from a", "must be a SELECT that changes nothing"),
        ("with a as (select 1) delete from t", "must be a SELECT that changes nothing"),
        ("select * into other from t", "must be a SELECT that changes nothing"),
        ("select 1 /*! into outfile '/tmp/x' */", "must be a SELECT that changes nothing"),
        ("/* select */ attach 'x' as y", "must be a SELECT that changes nothing"),
    ],
)
def test_only_one_statement_that_reads_is_a_query(query: str, fault: str | None) -> None:
    assert query_fault(query) == fault


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


def test_an_answer_of_mysql_is_left_without_reading_its_rest() -> None:
    """By names that are PyMySQL's own: a version without them is found here."""
    from pymysql.connections import MySQLResult

    answer = MySQLResult(None)
    assert answer.unbuffered_active is False
    answer.unbuffered_active = True  # rows are on their way
    cursor = database_module._streaming_cursor()(None)
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
        (Told(2013, "Lost connection to MySQL server during query"), "The database broke the connection off. What came before is stored: run this again."),
        (Told(1142, "SELECT command denied to user '小林'@'10.0.0.7' for table 'feedback'"), "This user may not read what 'query' asks for."),
        (Told("permission denied for table feedback", sqlstate="42501"), "This user may not read what 'query' asks for."),
        (Told('IO Error: Could not set lock on file "/x": Conflicting lock is held in PID 7'), "The database is locked by another program. Run this again when that is done."),
        (Told("unable to open database file"), "The file that 'url' names can't be opened."),
        (Told('invalid input syntax for type integer: "小林"', sqlstate="22P02"), "The database does not answer 'query' (22P02)."),
        (Told("timestamp too large (after year 10K): 'infinity'"), "The database does not answer 'query' (Told)."),
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


# An answer that was saved.

HEADER = "id,body,created_at,updated_at\n"


@pytest.mark.parametrize("form", ["csv", "json", "jsonl"])
def test_a_saved_answer_gives_the_same_as_asking(tmp_path: Path, form: str) -> None:
    shop = Shop(tmp_path, new_database("sqlite", tmp_path))
    with closing(sqlite3.connect(tmp_path / "shop.db")) as database:
        database.row_factory = sqlite3.Row
        rows = [dict(row) for row in database.execute(QUERY)]
    lines = [",".join(row.values()) for row in rows]
    saved = tmp_path / f"answer.{form}"
    saved.write_text(
        {
            "csv": HEADER + "\n".join([*lines, "only one cell"]),
            "json": json.dumps(rows),
            "jsonl": "\n".join(map(json.dumps, rows)),
        }[form],
        encoding="utf-8",
    )
    assert shop.collect("--load", str(saved)).code == 0
    assert shop.is_whole()
    assert shop.collect().out.startswith("live: 0 new")
    assert shop.is_whole()


def test_a_saved_table_that_lacks_a_column_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "answer.csv"
    path.write_text("id,text\n1,好用\n", encoding="utf-8")
    with pytest.raises(CollectError) as error:
        list(SqlCollector().saved(path, visit_of(tmp_path, options())))
    assert str(error.value) == "'query' gives no column 'body'. It gives: id, text."
