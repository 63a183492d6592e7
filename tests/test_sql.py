"""Collector sql: what a database holds comes in whole, once, and is never written to; the promises of `test_live_contract.py`, and what databases have of their own."""

import os
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from command import Ran
from sql_databases import FILES, SERVERS, URL_VARIABLE, Database, Sqlite, new_database, new_server
from sql_shop import QUERY, Shop, ids, pages_of
from stored import dump
from worlds import NOW, edited, said

from feedback.collectors.base import Record
from feedback.collectors.live import Visit
from feedback.collectors.live import database as database_module
from feedback.collectors.live.database import opened
from feedback.collectors.live.vault import Vault
from feedback.collectors.sql import SqlCollector
from feedback.errors import CollectError
from feedback.pipeline import collect
from feedback.project import load_project
from storage.store import Store


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
    cut_off(shop, pages)
    assert len(shop.stored()) == min(7 * pages, 20)
    shop.say(*said(3, first=21))
    assert shop.collect().code == 0
    assert shop.is_whole()


def cut_off(shop: Shop, pages: int) -> None:
    """A run that ends after so many pages."""
    left = pages

    def stop(_what: str, more: int) -> None:
        nonlocal left
        left -= more > 0  # a source that begins is told too
        if not left:
            raise KeyboardInterrupt

    project = load_project(shop.folder)
    with Store.open(project.database) as store, pytest.raises(KeyboardInterrupt):
        collect(store, project, project.source("live"), stop)


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


def test_an_endless_answer_is_left_after_its_first_page(shop: Shop) -> None:
    """As a database sends it: one that is asked for all of it at once would never come to an end."""
    tables = ", ".join(f"feedback {name}" for name in "abcdefghijkl")  # 20 rows each: 4e15
    with opened(shop.database.url, shop.folder) as database:
        pages = database.pages(f"select a.id, b.body from {tables}")
        assert len(next(pages)) == 7
        pages.close()  # type: ignore[attr-defined]


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


@pytest.mark.parametrize("pages", [1, 2])
def test_more_rows_of_one_moment_than_a_page_holds_are_not_lost_where_a_run_is_cut_off(shop: Shop, pages: int) -> None:
    settings = (shop.folder / "feedback.toml").read_text(encoding="utf-8")
    exact = settings.replace('column = "updated_at"', 'column = "updated_at", overlap_seconds = 0')
    (shop.folder / "feedback.toml").write_text(exact, encoding="utf-8")
    last = shop.said[-1].changed_at
    shop.said = [replace(one, changed_at=last) for one in shop.said]
    shop.say()
    cut_off(shop, pages)
    assert len(shop.stored()) == 7 * pages
    assert shop.collect().code == 0
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
        ("select f.nope as id from feedback f", "There is no column '{}nope'. Is 'query' right?"),
        ("select * from reviws", "There is no table '{}reviws'. Is 'query' right?"),
        ("select id from feedback where", "The database does not understand 'query'{}."),
        ("select nofunc(id) as id from feedback", "There is no function 'nofunc'. Is 'query' right?"),
        (
            "select id from feedback a join feedback b on a.body = b.body",
            "Column 'id' is in more than one table of 'query'. Say of which it is wanted, like table.id",
        ),
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

    with Store.open(project.database) as store:
        [error] = collect(store, project, project.source("live"), end).failed
    assert "broke the connection off" in str(error)
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


@pytest.mark.parametrize("kind", SERVERS)
def test_a_user_who_may_read_one_table_and_nothing_else_will_do(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = new_server(kind)
    shop = Shop(tmp_path, database)
    with database.reader("feedback") as url:
        monkeypatch.setenv(URL_VARIABLE, url)
        assert shop.collect() == Ran(0, "live: 20 new\n", "")
        shop.say(*said(2, first=21))
        assert shop.collect().out.startswith("live: 2 new")
    assert shop.is_whole()


@pytest.mark.parametrize("kind", SERVERS)
def test_what_is_written_while_a_run_reads_and_seen_later_comes_with_the_next(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = new_server(kind)
    shop = Shop(tmp_path, database)
    monkeypatch.setenv(URL_VARIABLE, database.url)
    late, last = said(2, first=21)
    with database.transaction() as execute:
        execute(
            f"insert into feedback select 'f{late.number}', '{late.text}', created_at, updated_at from feedback where id = 'f19'"
        )
        database.execute(
            f"insert into feedback select 'f{last.number}', '{last.text}', created_at, updated_at from feedback where id = 'f20'"
        )
        assert shop.collect() == Ran(0, "live: 21 new\n", "")
    assert shop.collect().out.startswith("live: 1 new")
    shop.said += [late, last]
    assert shop.is_whole()


@pytest.mark.parametrize("kind", [*FILES, *SERVERS])
@pytest.mark.parametrize("name", ["of:all", "per%", '100%% a`b"c', "select", "更新于"])
def test_a_column_may_have_any_name(kind: str, name: str, tmp_path: Path) -> None:
    database = new_database(kind, tmp_path)
    database.write(said(3))
    mark = "`" if kind == "mysql" else '"'
    query = f"select id, 7 as {mark}{name.replace(mark, mark * 2)}{mark} from feedback"
    with opened(database.url, tmp_path) as found:
        assert found.columns(query) == ["id", name]
        [rows] = found.pages(query, [name, "id"], 7)
        assert [tuple(row) for row in rows] == [("f1", 7), ("f2", 7), ("f3", 7)]
        assert found.greatest(query, name) == 7


@pytest.mark.parametrize(
    ("kind", "column"),
    [
        *product(("duckdb", "postgres"), ("date", "timestamp", "timestamptz")),
        *product(("duckdb",), ("timestamp_s", "timestamp_ms", "timestamp_ns")),
    ],
)
def test_what_is_before_or_after_all_days_hides_no_row(
    kind: str, column: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = new_database(kind, tmp_path)
    database.execute("drop table if exists t")
    database.execute(f"create table t (id int, body text, changed {column})")
    database.execute("insert into t values (1, 'a', '-infinity'), (2, 'b', null), (3, 'c', 'infinity')")
    database.execute("insert into t values (4, 'd', '2026-01-01'), (5, 'e', '2026-02-01')")
    monkeypatch.setenv(URL_VARIABLE, f"duckdb:///{tmp_path}/shop.duckdb" if kind == "duckdb" else database.url)
    given = {
        "url": {"env": URL_VARIABLE},
        "query": "select * from t",
        "since": {"column": "changed", "overlap_seconds": 0},
        "columns": {"text": "body", "source_id": "id"},
    }
    [page] = pages_of(tmp_path, given)
    assert sorted(map(str, ids([page]))) == ["1", "2", "3", "4", "5"]
    assert page.state is not None
    assert "2026-02-01" in page.state
    assert sorted(map(str, ids(pages_of(tmp_path, given, page.state)))) == ["1", "2", "3", "5"]
