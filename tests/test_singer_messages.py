"""Collector singer: from the messages of a tap to pages of records; what is wrong with them; the files of a BATCH."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest
from command import Ran
from singer_shop import (
    Shop,
    before_a_schema,
    items_of,
    kept,
    lines,
    pages_of,
    record,
    review,
    schema,
    shop,
    state,
    visit_of,
)
from worlds import iso

from feedback.clean import NOT_WHOLE
from feedback.collectors import singer_messages, singer_reading
from feedback.collectors.base import RawScore, Record, Unreadable, Withdrawn
from feedback.collectors.live import Page
from feedback.collectors.singer import SingerCollector
from feedback.errors import CollectError

__all__ = ["shop"]


# From messages to pages.


def test_a_state_is_stored_with_the_records_before_it_and_not_with_those_after_it(tmp_path: Path) -> None:
    one, two, three, four = (record(id=n, body="好用") for n in range(1, 5))
    piped = lines(
        state({"at": 0}), schema(), one, two, state({"at": 1}), state({"at": 1}), three, state({"at": 2}), four
    )
    assert list(pages_of(tmp_path, piped)) == [
        Page([], before_a_schema({"at": 0})),
        Page([review(1), review(2)], kept({"at": 1})),
        Page([review(3)], kept({"at": 2})),
        Page([review(4)], kept({"at": 2})),
    ]


def test_a_page_ends_after_a_thousand_records(tmp_path: Path) -> None:
    many = [record(id=n, body="好用") for n in range(2500)]
    found = [
        (len(page.items), page.state)
        for page in pages_of(tmp_path, lines(schema(), *many[:1200], state(1), *many[1200:]))
    ]
    assert found == [(1000, kept(None)), (200, kept(1)), (1000, kept(1)), (300, kept(1))]


def test_a_page_of_long_records_ends_sooner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(singer_reading, "_BYTES", 10_000)
    long = [record(id=n, body="长" * 1000) for n in range(10)]
    assert [len(page.items) for page in pages_of(tmp_path, lines(schema(), *long))] == [4, 4, 2]


def test_the_key_of_a_stream_is_the_id_of_its_records(tmp_path: Path) -> None:
    piped = lines(
        schema("reviews", "shop", "no"),
        record(shop="甲/乙", no=1, body="一"),
        record(shop="甲", no="乙/1", body="二"),
        record(shop="50%", no=2.0, body="三"),
        record(shop={"city": "沪"}, no=True, body="四"),
        record(shop="丙", no=None, body="五"),
    )
    assert items_of(tmp_path, piped) == [
        review("甲%2F乙/1", "一"),
        review("甲/乙%2F1", "二"),
        review("50%25/2", "三"),
        review('{"city": "沪"}/true', "四"),
        Unreadable("messages.jsonl:6", "its id is empty, so that it can't be told from other records", "五"),
    ]


TWO_STREAMS = """[streams."a:b"]
kind = "ticket"
channel = "工单"

[streams."a:b".columns]
text = "body"
source_id = "number"
parent_id = "re"

[[streams."a:b".texts]]
suffix = "note"
text = "note"

[[streams."a:b".scores]]
metric = "csat"
column = "rating"
low = 1
high = 5

[streams.a.columns]
text = ["content", "body"]
"""


def test_streams_with_the_same_numbers_stay_apart(tmp_path: Path) -> None:
    piped = lines(
        schema("a:b", "id"),
        schema("a", "id"),
        record("a:b", number=1, body="慢", re=7, rating=2, note="又来了"),
        record("a", id="b:1", body="好"),
        record("a:b", body="没有编号"),
    )
    main = Record(
        "慢", "ticket", "工单", "a%3Ab:1", "a%3Ab:1", parent_id="a%3Ab:7", scores=(RawScore("csat", "2", 1, 5),)
    )
    assert items_of(tmp_path, piped, TWO_STREAMS) == [
        main,
        Record("又来了", "ticket", "工单", "a%3Ab:1/note", "a%3Ab:1/note", parent_id="a%3Ab:1"),
        Record("好", "review", "live", "a:b:1", "a:b:1"),
        Unreadable("messages.jsonl:5", "its id is empty, so that it can't be told from other records", "没有编号"),
    ]


def test_what_was_deleted_at_the_source_is_withdrawn_with_all_that_hangs_on_it(tmp_path: Path) -> None:
    gone = {"number": 1, "body": None, "_sdc_deleted_at": "2026-03-01T00:00:00Z"}
    piped = lines(
        schema("a:b", "id"),
        record("a:b", **gone),
        record("a:b", **{**gone, "number": None, "body": "不留"}),
        record("a:b", number=2, body="还在", _sdc_deleted_at=None),
    )
    assert items_of(tmp_path, piped, TWO_STREAMS) == [
        Withdrawn("a%3Ab:1", "a%3Ab:1", for_good=False, with_texts=True),
        Unreadable("messages.jsonl:3", "it was deleted at its source, and has no id to be found by"),
        Record("还在", "ticket", "工单", "a%3Ab:2", "a%3Ab:2"),
    ]


def test_a_stream_without_a_key_is_told(tmp_path: Path) -> None:
    without = {**schema(), "key_properties": []}
    assert list(pages_of(tmp_path, lines(without, without, record(id=1, body="好用")))) == [
        Page(
            [Record("好用", "review", "live", "messages.jsonl:3")],
            json.dumps([None, {"reviews": [[]]}]),
            ("stream 'reviews' has no key, and its map no source_id: records are told apart by what they say",),
        )
    ]


def test_streams_that_are_not_in_the_map_are_counted_and_those_that_did_not_come_are_named(tmp_path: Path) -> None:
    batch = {"type": "BATCH", "stream": "logs", "encoding": {"format": "parquet"}, "manifest": ["s3://x"]}
    piped = lines(
        schema("users", "id"), record("users", id=1), record("users", id=2), batch, schema("empty", "id"),
        {"type": "ACTIVATE_VERSION", "stream": "users", "version": 1}, state({"at": 1}),
    )  # fmt: skip
    assert list(pages_of(tmp_path, piped)) == [
        Page([], before_a_schema({"at": 1})),
        Page(
            [],
            before_a_schema({"at": 1}),
            ("not in the map, so not collected: logs (1), users (2)", "the map's stream 'reviews' did not come"),
        ),
    ]


def test_what_the_program_has_to_say_is_shown(shop: Shop) -> None:
    assert shop.collect_of(lines(schema(), record("users", id=2), state({}))) == Ran(
        0, "live: 0 new\n  not in the map, so not collected: users (1)\n", ""
    )


def test_a_new_version_of_a_stream_is_told(tmp_path: Path) -> None:
    new = {"type": "ACTIVATE_VERSION", "stream": "reviews", "version": 7}
    [page] = pages_of(tmp_path, lines(schema(), new, record(id=1, body="好用"), new))
    assert page.notes == (
        "stream 'reviews' was sent as a whole (ACTIVATE_VERSION): what it no longer holds is kept here",
    )


# What is wrong with messages.


def test_a_line_that_is_no_message_is_told_by_its_number_and_those_after_it_come(tmp_path: Path) -> None:
    piped = b"\n".join(
        [
            lines(schema()).strip(),
            b"INFO starting sync",
            b"",
            b'{"type": "RECORD", "stream": "reviews", "record": {"body": "\xff"}}',
            b"[" * 100_000,
            b"[1]",
            b"{}",
            b'{"type": "FINALIZE"}',
            b'{"type": "RECORD", "stream": "reviews"}',
            b'{"type": "SCHEMA", "stream": 7, "schema": {}}',
            b'{"type": "STATE"}',
            lines(record(id=2, body="a\0b")).strip(),
            lines(record(id=1, body="好用")),
        ]
    )
    assert items_of(tmp_path, piped) == [
        Unreadable("messages.jsonl:2", "it is not valid JSON: Expecting value"),
        Unreadable("messages.jsonl:4", "it is not valid JSON: not text, or nested too deeply"),
        Unreadable("messages.jsonl:5", "it is not valid JSON: not text, or nested too deeply"),
        Unreadable("messages.jsonl:6", "it is no message of a Singer tap: it has no type"),
        Unreadable("messages.jsonl:7", "it is no message of a Singer tap: it has no type"),
        Unreadable("messages.jsonl:8", "messages of type FINALIZE are not known"),
        Unreadable("messages.jsonl:9", "a RECORD without 'record', or with another thing in its place"),
        Unreadable("messages.jsonl:10", "a SCHEMA without 'stream', or with another thing in its place"),
        Unreadable("messages.jsonl:11", "a STATE without 'value', or with another thing in its place"),
        replace(review(2), text="a\0b", problems=(NOT_WHOLE,)),
        review(1),
    ]


def test_a_line_that_is_too_long_is_told_and_those_after_it_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(singer_messages, "MAX_LINE_BYTES", 2 << 20)
    piped = lines(schema(), record(id=1, body="长" * (1 << 20)), record(id=2, body="好用"))
    too_long = Unreadable("messages.jsonl:2", "the line is longer than 2 MB")
    assert items_of(tmp_path, piped) == [too_long, review(2)]
    assert items_of(tmp_path, piped[: 3 << 20]) == [too_long]


def test_a_tap_that_stops_in_the_middle_of_a_line_is_told_and_what_came_before_is_kept(shop: Shop) -> None:
    whole = shop.tap.output("{}")
    ran = shop.collect_of(whole[: whole.index(b'"id": 10')])
    said_of_it = "stdin ends in the middle of line 12: the tap stopped. What came before is stored; run it again."
    assert (ran.code, ran.err) == (1, f"Error: live: {said_of_it}\n")
    assert len(shop.stored()) == 9
    assert json.loads(shop.state()) == {"bookmarks": {"reviews": iso(shop.tap.said[6].changed_at)}}
    assert shop.collect().code == 0
    assert shop.is_whole()


def test_a_last_line_without_its_end_is_a_line(tmp_path: Path) -> None:
    assert items_of(tmp_path, lines(schema(), record(id=1, body="好用")).rstrip()) == [review(1)]


@pytest.mark.parametrize(
    ("piped", "count", "why"),
    [
        (b"", 0, "it is empty"),
        (b"\n\n", 0, "it is empty"),
        (b"id,body\n1,x\n", 2, "the first 2 lines are none"),
        (b'{"id": 1}\n' * 5000, 100, "the first 100 lines are none"),
    ],
)
def test_what_no_tap_wrote_is_told(tmp_path: Path, piped: bytes, count: int, why: str) -> None:
    pages = pages_of(tmp_path, piped)
    assert len(next(pages).items) == count
    with pytest.raises(CollectError) as error:
        next(pages)
    assert str(error.value) == f"messages.jsonl holds no message of a Singer tap: {why}. Did the tap start?"


@pytest.mark.parametrize(
    ("messages", "told"),
    [
        (
            [record(id=1, body="好用")],
            "messages.jsonl:2: a record of stream 'reviews' came before its SCHEMA, so that its key is not known.",
        ),
        (
            [{**schema(), "key_properties": "id"}],
            "The SCHEMA of stream 'reviews' has key_properties that are no list of names.",
        ),
        (
            [schema("reviews", id={}, content={})],
            "The stream 'reviews' has no 'body', which its map names for text. Has the tap changed? It has: id, content.",
        ),
    ],
)
def test_what_nothing_can_be_made_of_ends_the_run_and_what_came_before_is_kept(
    tmp_path: Path, messages: list[dict[str, object]], told: str
) -> None:
    pages = pages_of(tmp_path, lines(state({"at": 1}), *messages))
    assert next(pages) == Page([], before_a_schema({"at": 1}))
    assert next(pages) == Page([], before_a_schema({"at": 1}))
    with pytest.raises(CollectError) as error:
        next(pages)
    assert str(error.value) == told


def test_a_field_of_the_map_that_the_stream_lacks_is_told(tmp_path: Path) -> None:
    [page] = pages_of(tmp_path, lines(schema("reviews", id={}, body={}), record(id=1, body="好用")))
    told = "stream 'reviews' has no 'created_at', which its map names for posted_at"
    assert page == Page([review(1)], kept(None), (told,))


# Files of a BATCH.


def batch(*files: Path | str, form: str = "jsonl", **encoding: str) -> dict[str, object]:
    manifest = [file.as_uri() if isinstance(file, Path) else file for file in files]
    return {"type": "BATCH", "stream": "reviews", "encoding": {"format": form, **encoding}, "manifest": manifest}


def test_the_files_of_a_batch_are_read_in_pages(tmp_path: Path) -> None:
    plain, packed = tmp_path / "数据 1.jsonl", tmp_path / "2.jsonl.gz"
    rows = [json.dumps({"id": n, "body": "好用"}) for n in range(1, 1501)]
    plain.write_text("\n".join([*rows[:1200], "[]", "{"]) + "\n", encoding="utf-8")
    packed.write_bytes(gzip.compress("\n".join(rows[1200:]).encode()))
    piped = lines(schema(), batch(plain), batch(packed, compression="gzip"), state({"at": 9}))
    pages = list(pages_of(tmp_path, piped))
    states = [(1000, kept(None)), (502, kept({"at": 9})), (0, kept({"at": 9}))]
    assert [(len(page.items), page.state) for page in pages] == states
    found = [item for page in pages for item in page.items]
    assert [item for item in found if isinstance(item, Unreadable)] == [
        Unreadable("数据 1.jsonl:1201", "it is not an object"),
        Unreadable("数据 1.jsonl:1202", "it is not valid JSON: Expecting property name enclosed in double quotes"),
    ]
    assert [item for item in found if isinstance(item, Record)] == [review(n) for n in range(1, 1501)]


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (
            batch("file:///x", form="parquet"),
            "messages.jsonl:2: stream 'reviews' comes in BATCH files of another form than jsonl, plain or gzip. "
            "Have the tap write those, or no BATCH: what they hold would be missing.",
        ),
        (
            batch("s3://bucket/x.jsonl"),
            "messages.jsonl:2: the BATCH files of stream 'reviews' are not on this machine. Have the tap write them to a folder here (file://…).",
        ),
        (batch("file:///nowhere/x.jsonl"), "messages.jsonl:2: there is no BATCH file at /nowhere/x.jsonl."),
        (
            batch("map.toml", compression="gzip"),
            "messages.jsonl:2: the BATCH file map.toml can't be read. Is it whole?",
        ),
    ],
)
def test_a_batch_that_can_not_be_read_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, message: dict[str, object], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CollectError) as error:
        items_of(tmp_path, lines(schema(), message, state({"at": 1})))
    assert str(error.value) == told


def test_a_file_that_can_not_be_read_on_is_told(tmp_path: Path) -> None:
    """A process's own memory has nothing at its beginning."""
    visit = visit_of(tmp_path, paths=("/proc/self/mem",))
    [stream] = SingerCollector().streams(visit)
    with pytest.raises(CollectError) as error:
        list(SingerCollector().pages(stream, None, visit))
    assert str(error.value) == f"{stream} can't be read on: Input/output error."
