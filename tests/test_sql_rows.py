"""Collector sql: the column that grows, what rows may hold, and an answer that was saved."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sql_databases import new_database
from sql_shop import QUERY, Shop, ids, options, pages_of, table, visit_of
from worlds import NOW, said

from feedback.clean import NOT_WHOLE, clean
from feedback.collectors.base import Item, RawScore, Record, Unreadable
from feedback.collectors.live import Page
from feedback.collectors.live.database import query_fault
from feedback.collectors.live.growing import Growing, Mark
from feedback.collectors.sql import SqlCollector
from feedback.errors import CollectError

# The column that grows.


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
    table(tmp_path, "n", None, 5, None, 9)
    assert ids(pages_of(tmp_path, options(since={"column": "n", "overlap": 0}), '["number", 9]')) == ["1", "3", "4"]
    [page] = pages_of(tmp_path, options(since={"column": "n"}, query="select * from t where n is null"))
    assert (ids([page]), page.state) == (["1", "3"], None)


def test_the_state_stays_where_it_was_when_there_is_nothing_new(tmp_path: Path) -> None:
    table(tmp_path, "n", 5)
    given = options(since={"column": "n", "overlap": 0}, query="select * from t where n > 9")
    assert pages_of(tmp_path, given, '["number", 9]') == []


# Numbers that begin anew: a table that was rebuilt, a move to another program.

FELL = "[since] column '{}' goes up to 5, and went up to {} before"


@pytest.mark.parametrize(("before", "overlap"), [(3000, 1000), (6, 0), (11, 1000)])
def test_numbers_that_begin_anew_are_read_from_the_beginning_where_rows_have_ids_besides(
    tmp_path: Path, before: int, overlap: int
) -> None:
    table(tmp_path, "n", 3, 4, 5, None)
    since = {"column": "n", "overlap": overlap}
    pages = pages_of(tmp_path, options(since=since), f'["number", {before}]')
    assert pages[-2] == Page([], None, (f"{FELL.format('n', f'{before:,}')}: read from the beginning",))
    assert (ids(pages[-1:]), pages[-1].state) == (["4", "1", "2", "3"], '["number", 5]')


@pytest.mark.parametrize(("before", "overlap"), [(3000, 1000), (11, 0), (11, 1000)])
def test_numbers_that_begin_anew_are_told_and_nothing_is_stored_where_they_are_the_ids(
    tmp_path: Path, before: int, overlap: int
) -> None:
    table(tmp_path, "n", *"abcde")
    with pytest.raises(CollectError) as error:
        pages_of(tmp_path, options(since={"column": "id", "overlap": overlap}), f'["number", {before}]')
    assert str(error.value) == (
        f"{FELL.format('id', f'{before:,}')}. It seems that rows are numbered from the beginning again. The numbers are "
        "their ids, so that they would take the place of those that are stored. Give the source another name: what is stored "
        "stays, and everything is read. If rows were only deleted, go on: this ends with the next new one."
    )


def test_numbers_that_fell_further_than_is_asked_again_are_told_once(tmp_path: Path) -> None:
    """Numbers with a time in them have gaps of millions: the newest row was deleted."""
    table(tmp_path, "n", *"abcde")
    since = {"column": "id", "overlap": 1}
    [page] = pages_of(tmp_path, options(since=since), '["number", 8]')
    why = "rows were deleted. If instead they were numbered anew, give the source another name, so that all are read"
    assert page == Page([], '["number", 5]', (f"{FELL.format('id', 8)}: {why}",))
    assert ids(pages_of(tmp_path, options(since=since), page.state)) == ["4", "5"]


@pytest.mark.parametrize("since", [{"column": "id"}, {"column": "id", "format": "epoch", "overlap_seconds": 0}])
def test_the_newest_rows_may_be_deleted_and_times_begin_anew_without_a_word(
    tmp_path: Path, since: dict[str, object]
) -> None:
    table(tmp_path, "n", *"abcde")
    pages = pages_of(tmp_path, options(since=since), '["number", 8]')
    assert [page.notes for page in pages] == ([()] if "format" not in since else [])


@pytest.mark.parametrize("unit", [1, 1000])
def test_a_number_that_is_a_time_does_not_count_when_it_lies_in_the_future(tmp_path: Path, unit: int) -> None:
    now = int(NOW.timestamp()) * unit
    table(tmp_path, "n", now - 9 * unit, now, now + unit, now - 400 * unit)
    since = {"column": "n", "format": "epoch" if unit == 1 else "epoch-ms"}
    [page] = pages_of(tmp_path, options(since=since))
    assert page.state == json.dumps(["number", now])
    assert ids(pages_of(tmp_path, options(since=since), page.state)) == ["1", "2", "3"]


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
        ("2026年03月01日", Mark("text", ("2026年03月01日",))),
        ("文", None),
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
    [datetime(2026, 3, 2, 12), date(2026, 3, 2), "2026-03-02 12:00:00", "2026-03-02T04:00:00Z", 9e9],
)
def test_what_does_not_lie_there_is(past: object) -> None:
    assert USUAL.reached([past], None) == Mark.of(past, "n")


# What rows hold.


def test_without_a_column_that_grows_everything_comes_every_time(tmp_path: Path) -> None:
    table(tmp_path, "n", 1, 2)
    pages = pages_of(tmp_path, options())
    assert (ids(pages), [page.state for page in pages]) == (["1", "2"], [None])


def test_a_row_that_can_not_be_used_is_told_and_those_after_it_come(tmp_path: Path) -> None:
    table(tmp_path, "n", 1, 2, 4)
    with closing(sqlite3.connect(tmp_path / "shop.db")) as database, database:
        database.execute("update t set body = cast(x'ff' || body as text) where id = 2")
        database.execute("update t set id = 4 where id = 3")
    query = "select nullif(id, 1) as id, body, n from t"
    items: list[Item] = [item for page in pages_of(tmp_path, options(query=query)) for item in page.items]
    assert items == [
        Unreadable("rows:#1", "its id is empty, so that it can't be told from other rows", "第1条，很好用"),
        Unreadable("rows:#2", "it holds bytes of another encoding than UTF-8"),
        Record("第3条，很好用", "review", "live", "rows:4", source_id="4"),
    ]


@pytest.mark.parametrize(
    ("bytes_", "text"),
    [
        ("好用".encode() + b"\0" + "，回购".encode(), "好用，回购"),
        ("好用，回购".encode()[:-1], "好用，回"),  # cut to a number of bytes
        ("好用，回购".encode()[:-2], "好用，回"),
        (b"\xed\xa0\xbd" + "好用，回购".encode(), "好用，回购"),  # what a program of UTF-16 writes of half an emoji
        ("很好，再来".encode("gb18030"), None),
        ("路过的都说好".encode("gb18030"), None),
    ],
)
@pytest.mark.parametrize("kind", ["text", "blob"])
def test_what_one_character_lacks_costs_no_row_and_another_encoding_is_told(
    tmp_path: Path, kind: str, bytes_: bytes, text: str | None
) -> None:
    table(tmp_path, "n", 1)
    with closing(sqlite3.connect(tmp_path / "shop.db")) as database, database:
        database.execute(f"update t set body = cast(? as {kind})", (bytes_,))
    [item] = [item for page in pages_of(tmp_path, options()) for item in page.items]
    if text is None:
        assert item == Unreadable("rows:#1", "it holds bytes of another encoding than UTF-8")
    else:
        assert isinstance(item, Record)
        assert (clean(item.text), item.problems) == (text, (NOT_WHOLE,))


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


@pytest.mark.parametrize("end", [";", " ; -- 评价", ";; /* ; */\n-- ;\n;", "\n-- 评价;", "; -- it's"])
def test_behind_a_query_may_stand_its_end_and_comments(tmp_path: Path, end: str) -> None:
    table(tmp_path, "n", "12:30", "; drop")
    query = f"select * from t where n = '; drop'{end}"
    assert ids(pages_of(tmp_path, options(query=query))) == ["2"]


_ENDS = [f"select id, body from feedback{end}" for end in ("_", ";_", "_;_;", " ;_ -- 评价\n_")]


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
@pytest.mark.parametrize("blank", ["\u3000", "\xa0", "\u2003", "\ufeff", "\u200b\n"])
def test_blanks_that_come_with_pasted_text_may_stand_before_and_behind_a_query(
    blank: str, kind: str, tmp_path: Path
) -> None:
    """As pages, documents and chats have them: no database takes them for blanks."""
    database = new_database(kind, tmp_path)
    database.write(said(1))
    for query in ("_select id, body from feedback", "-- 评价\n_select id, body from feedback_", *_ENDS):
        found = pages_of(tmp_path, options(url=database.url, query=query.replace("_", blank)))
        assert ids(found) == ["f1"]


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("select 1", None),
        (" ( select 1 ) ;", None),
        ("WITH a AS (SELECT 1) SELECT * FROM a", None),
        ("select 'a;b', \"c;d\", `e;f`, $$g;h$$, $x$i;$$j$x$ -- ;\n/* ; */", None),
        ("select replace(a, 'x', 'y'), update_at, deleted, into_store from t", None),
        ("select 'it\\'s; (update)', \"\\\"; into\" from t # not; into\nwhere a = 1", None),
        ("select 1 # one\n; drop table t", "is more than one statement. Give one SELECT"),
        ("select 'it\\'s'; drop table t", "is more than one statement. Give one SELECT"),
        ("select 1; 'drop'", "is more than one statement. Give one SELECT"),
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
