"""Collector singer: what a tap sends comes in whole, once; its STATE is handed back and never runs ahead. The promises of `test_live_contract.py`, and what pipes have of their own."""

import gzip
import io
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from command import Ran, run
from processes import command
from stored import dump
from worlds import NOW, Said, edited, iso, said

from feedback.clean import NOT_WHOLE
from feedback.collectors import singer as singer_module
from feedback.collectors import singer_messages
from feedback.collectors.base import Item, RawScore, Record, SourceConfig, Unreadable, Withdrawn
from feedback.collectors.live import Page, Visit
from feedback.collectors.live.vault import Vault
from feedback.collectors.singer import SingerCollector
from feedback.errors import CollectError
from feedback.pipeline import collect
from feedback.project import load_project
from storage.store import Store

SETTINGS = """[project]
name = "合约"

[analysis]
engine = "fast"

[[sources]]
name = "live"
collector = "singer"
paths = ["-"]
channel = "网页"
layout = "map.toml"
"""
MAP = """[streams.reviews.columns]
text = "body"
posted_at = "created_at"
"""


def lines(*messages: dict[str, object]) -> bytes:
    return b"".join(json.dumps(message, ensure_ascii=False).encode() + b"\n" for message in messages)


def schema(stream: str = "reviews", *keys: str, **properties: object) -> dict[str, object]:
    return {
        "type": "SCHEMA",
        "stream": stream,
        "schema": {"properties": properties},
        "key_properties": [*(keys or ("id",))],
    }


def record(stream: str = "reviews", **fields: object) -> dict[str, object]:
    return {"type": "RECORD", "stream": stream, "record": fields}


def state(value: object) -> dict[str, object]:
    return {"type": "STATE", "value": value}


class Tap:
    """Sends what was changed since the state that it is given, the oldest first, and a STATE after each seven."""

    def __init__(self) -> None:
        self.said: list[Said] = said(20)

    def output(self, given: str) -> bytes:
        since = json.loads(given).get("bookmarks", {}).get("reviews", "")
        rows = sorted((iso(one.changed_at), one.number, one) for one in self.said)
        found = [lines(schema())]
        for count, (at, number, one) in enumerate((row for row in rows if row[0] >= since), 1):
            found.append(lines(record(id=number, body=one.text, created_at=iso(one.posted_at), updated_at=at)))
            since = at
            if count % 7 == 0:
                found.append(lines(state({"bookmarks": {"reviews": since}})))
        return b"".join([*found, lines(state({"bookmarks": {"reviews": since}}))])


class Shop:
    """A project with one source, and the tap that it is of."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.tap, self._patch = folder, Tap(), monkeypatch
        (folder / "feedback.toml").write_text(SETTINGS, encoding="utf-8")
        (folder / "map.toml").write_text(MAP, encoding="utf-8")

    def state(self) -> str:
        ran = run("collect", "--source", "live", "--state", project=self.folder)
        assert (ran.code, ran.err) == (0, "")
        return ran.out

    def say(self, *more: Said) -> None:
        """Said after all else: a tap asks for what is later than its bookmark."""
        at = max(one.changed_at for one in self.tap.said)
        self.tap.said += [replace(one, changed_at=at + timedelta(minutes=n)) for n, one in enumerate(more, 1)]

    def collect(self, *more: str) -> Ran:
        """The pipe: a tap that is given the state, and the collector."""
        return self.collect_of(self.tap.output(self.state()), *more)

    def collect_of(self, piped: bytes, *more: str) -> Ran:
        self.pipe(piped)
        return run("collect", "--source", "live", *more, project=self.folder)

    def pipe(self, piped: bytes) -> None:
        path = self.folder / "piped"
        path.write_bytes(piped)
        file = path.open(encoding="utf-8")
        self._patch.setattr(sys, "stdin", Closing(file))

    def stored(self) -> dict[str, str]:
        with closing(sqlite3.connect(self.folder / "feedback.db")) as database:
            rows = database.execute("select source_id, text from verbatims where source = 'live'").fetchall()
        assert len(rows) == len({row[0] for row in rows})
        return dict(rows)

    def is_whole(self) -> bool:
        return self.stored() == {f"reviews:{one.number}": one.text for one in self.tap.said}


class Closing:
    """Standard input that is closed when nobody has it any more: a test need not."""

    def __init__(self, file: io.TextIOWrapper) -> None:
        self._file = file
        self.buffer, self.fileno = file.buffer, file.fileno

    def __del__(self) -> None:
        self._file.close()


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    return Shop(tmp_path, monkeypatch)


# What every source is held to.


def test_everything_is_collected_and_a_second_run_changes_nothing(shop: Shop) -> None:
    assert shop.collect() == Ran(0, "live: 20 new\n", "")
    assert shop.is_whole()
    before = dump(shop.folder / "feedback.db", without=("runs", "cursors"))
    assert shop.collect() == Ran(0, "live: 0 new, 1 already there\n", "")
    assert shop.collect_of(shop.tap.output("{}")) == Ran(0, "live: 0 new, 20 already there\n", "")
    assert dump(shop.folder / "feedback.db", without=("runs", "cursors")) == before


def test_what_was_said_since_comes_with_the_next_run(shop: Shop) -> None:
    shop.collect()
    shop.say(*said(5, first=21))
    assert shop.collect() == Ran(0, "live: 5 new, 1 already there\n", "")
    assert shop.is_whole()


def test_an_edited_text_takes_the_place_of_the_old_one(shop: Shop) -> None:
    shop.collect()
    shop.tap.said[3] = edited(shop.tap.said[3], "改主意了：客服后来处理得很好", NOW - timedelta(hours=2))
    assert shop.collect().out == "live: 0 new, 1 changed, 1 already there\n"
    assert shop.is_whole()


@pytest.mark.parametrize("pages", range(1, 5))
def test_cut_off_after_any_page_the_next_run_goes_on_from_the_state_of_what_is_stored(shop: Shop, pages: int) -> None:
    left = 1 + pages  # the first call says that it is begun

    def stop(_what: str, _more: int) -> None:
        nonlocal left
        left -= 1
        if not left:
            raise KeyboardInterrupt

    project = load_project(shop.folder)
    shop.pipe(shop.tap.output("{}"))
    with Store.open(project.database) as store, pytest.raises(KeyboardInterrupt):
        collect(store, project, project.source("live"), stop)
    count = min(7 * pages, 20)
    assert len(shop.stored()) == count
    assert json.loads(shop.state()) == {"bookmarks": {"reviews": iso(shop.tap.said[count - 1].changed_at)}}
    shop.say(*said(3, first=21))
    assert shop.collect().code == 0
    assert shop.is_whole()


def test_a_limit_leaves_the_rest_for_the_next_run(shop: Shop) -> None:
    assert shop.collect("--limit", "9").code == 0
    assert len(shop.stored()) == 9
    assert json.loads(shop.state()) == {"bookmarks": {"reviews": iso(shop.tap.said[6].changed_at)}}
    assert shop.collect().code == 0
    assert shop.is_whole()


def test_since_leaves_out_what_is_older_and_loses_nothing_for_later(shop: Shop) -> None:
    shop.collect()
    kept = shop.state()
    shop.say(*said(2, first=21))
    late = max(one.posted_at for one in shop.tap.said) + timedelta(days=1)
    assert shop.collect("--since", late.strftime("%Y-%m-%dT%H:%M:%SZ")).out.endswith(
        "3 older than --since were left out\n"
    )
    assert shop.state() == kept
    assert shop.collect().out == "live: 2 new, 1 already there\n"
    assert shop.is_whole()


def test_a_dry_run_shows_and_stores_nothing_and_hands_back_no_state(shop: Shop) -> None:
    ran = shop.collect("--dry-run")
    assert (ran.code, ran.err) == (0, "")
    assert "live: 20 would be stored" in ran.out
    assert not (shop.folder / "feedback.db").exists()
    assert shop.state() == "{}\n"


def test_saved_messages_give_the_same_as_the_pipe(shop: Shop) -> None:
    saved = shop.folder / "messages.saved"
    saved.write_bytes(shop.tap.output("{}"))
    assert run("collect", "--source", "live", "--load", saved, project=shop.folder).code == 0
    assert shop.is_whole()
    assert shop.collect().out == "live: 0 new, 20 already there\n"
    assert shop.is_whole()


def test_a_key_that_it_does_not_know_is_named(shop: Shop) -> None:
    settings = shop.folder / "feedback.toml"
    settings.write_text(SETTINGS + 'state_file = "x"\n', encoding="utf-8")
    ran = shop.collect_of(b"")
    known = "unknown 'state_file'. What a tap is told stands in its own file; here are paths and layout, the map"
    assert (ran.code, ran.err) == (1, f"Error: live: source 'live': {known}.\n")


# The state that is handed back.


def test_under_another_map_the_tap_begins_anew(shop: Shop) -> None:
    shop.collect()
    (shop.folder / "map.toml").write_text(MAP + 'customer = "author"\n', encoding="utf-8")
    ran = run("collect", "--source", "live", "--state", project=shop.folder)
    said_of_it = "  -: its settings have changed since it was asked last: it is asked from the beginning\n"
    assert ran == Ran(0, "{}\n", said_of_it)


def test_the_state_is_told_to_the_pipe_that_is_typed_as_well(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shop.folder)
    typed = ("collect", "singer", "-", "--map", "map.toml")
    assert run(*typed, "--state") == Ran(0, "{}\n", "")
    shop.pipe(shop.tap.output("{}"))
    assert run(*typed) == Ran(0, "singer: 20 new\n", "")
    assert json.loads(run(*typed, "--state").out) == {"bookmarks": {"reviews": iso(shop.tap.said[-1].changed_at)}}


def test_a_state_comes_back_as_it_was(shop: Shop) -> None:
    value = {"bookmarks": {"评价": {"id": 12345678901234567890, "at": 1.5, "done": None}}, "half": "\ud83d"}
    assert (
        shop.collect_of(lines(schema(), record(id=1, body="好用")) + json.dumps(state(value)).encode() + b"\n").code
        == 0
    )
    assert json.loads(shop.state()) == value


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--state",), "--state is for one source and goes with none of --since, --limit, --dry-run, --load."),
        (
            ("--source", "live", "--state", "--limit", "3"),
            "--state is for one source and goes with none of --since, --limit, --dry-run, --load.",
        ),
        (("sql", "--state"), "--state is for the collector singer; 'sql' keeps its state to itself."),
    ],
)
def test_a_state_that_can_not_be_told_is_misuse(shop: Shop, arguments: tuple[str, ...], told: str) -> None:
    ran = run("collect", *arguments, project=shop.folder)
    assert (ran.code, ran.out) == (2, "")
    assert told in " ".join(ran.err.split())


# From messages to pages.


def visit_of(folder: Path, written: str = MAP, **more: object) -> Visit:
    (folder / "map.toml").write_text(written, encoding="utf-8")
    given: dict[str, object] = {"paths": ("messages.jsonl",), "base": folder, "layout": "map.toml", **more}
    return Visit(SourceConfig("live", "singer", **given), Vault(folder / "project"), NOW)  # type: ignore[arg-type]


def pages_of(folder: Path, piped: bytes, written: str = MAP) -> Iterator[Page]:
    (folder / "messages.jsonl").write_bytes(piped)
    visit = visit_of(folder, written)
    [stream] = SingerCollector().streams(visit)
    return SingerCollector().pages(stream, None, visit)


def items_of(folder: Path, piped: bytes, written: str = MAP) -> list[Item]:
    return [item for page in pages_of(folder, piped, written) for item in page.items]


def review(number: object, text: str = "好用", **more: object) -> Record:
    return Record(text, "review", "live", f"reviews:{number}", source_id=f"reviews:{number}", **more)  # type: ignore[arg-type]


def kept(tap: object, *keys: str) -> str:
    """A state: what the tap said, and the key that the stream has."""
    return json.dumps([tap, {"reviews": [keys or ("id",)]}])


def before_a_schema(tap: object) -> str:
    return json.dumps([tap, {}])


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
    monkeypatch.setattr(singer_module, "_BYTES", 10_000)
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
        Withdrawn("a%3Ab:1", "a%3Ab:1", for_good=False),
        Withdrawn("a%3Ab:1/note", "a%3Ab:1", for_good=False),
        Unreadable("messages.jsonl:3", "it was deleted at its source, and has no id to be found by"),
        Record("还在", "ticket", "工单", "a%3Ab:2", "a%3Ab:2"),
    ]


def test_a_withdrawn_record_leaves_the_store(shop: Shop) -> None:
    shop.collect()
    ran = shop.collect_of(lines(schema(), record(id=4, _sdc_deleted_at="2026-03-01"), state({})))
    assert ran.out == "live: 0 new, 1 withdrawn\n"
    assert "reviews:4" not in shop.stored()
    assert len(shop.stored()) == 19


def test_what_was_deleted_and_is_sent_again_is_there_again(shop: Shop) -> None:
    """A REPLACE of MySQL is a deletion and a new row, and what was archived may be taken out again."""
    shop.collect_of(lines(schema(), record(id=1, body="物流太慢"), record(id=2, body="包装很好"), state(1)))
    gone = record(id=1, body=None, _sdc_deleted_at="2026-03-02T00:00:00Z")
    shop.collect_of(lines(schema(), gone, state(2)))
    ran = shop.collect_of(lines(schema(), record(id=1, body="物流太慢，改了"), state(3)))
    assert ran.out == "live: 1 new\n"
    assert shop.stored() == {"reviews:1": "物流太慢，改了", "reviews:2": "包装很好"}
    told = [
        gone,
        record(id=1, body="又改了"),
        gone,
        record(id=1, body="最后一次"),
        record(id=2, _sdc_deleted_at="2026-03-02"),
    ]
    ran = shop.collect_of(lines(schema(), *told, state(4)))
    assert shop.stored() == {"reviews:1": "最后一次"}


def test_what_an_earlier_version_took_for_void_for_good_comes_with_the_next_whole_reading(shop: Shop) -> None:
    shop.collect()
    with closing(sqlite3.connect(shop.folder / "feedback.db")) as database, database:
        database.execute("delete from verbatims where source_id = 'reviews:4'")
        database.execute("insert into withdrawals values ('live', 'reviews:4'), ('微信', 'a:4'), ('live', 'm4')")
        database.execute("delete from _sqlite_migrations where name = '0005_deleted_for_now'")
    assert shop.collect_of(shop.tap.output("{}")).out == "live: 1 new, 19 already there\n"
    assert shop.is_whole()
    with closing(sqlite3.connect(shop.folder / "feedback.db")) as database:
        assert database.execute("select * from withdrawals order by 1").fetchall() == [("live", "m4"), ("微信", "a:4")]


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


# Another key.

BOTH = schema("reviews", "id", "shop")
OTHER_KEY = (
    "  stream 'reviews' has another key than before, ({}) instead of ({}): its records are known again by that one, "
    "where they still tell it\n"
)
NOTED = (
    MAP
    + """
[[streams.reviews.texts]]
suffix = "note"
text = "note"
"""
)


def test_records_of_a_stream_whose_key_is_another_now_are_known_again_and_it_is_told(shop: Shop) -> None:
    (shop.folder / "map.toml").write_text(NOTED, encoding="utf-8")
    one, two, three = (record(id=n, shop=5, body=f"第{n}条评价", note="追评") for n in range(1, 4))
    shop.collect_of(lines(schema(), one, two, three, state(1)))
    ran = shop.collect_of(lines(BOTH, one, state(2)), "--dry-run")
    assert "live: 2 would be stored, 2 of them in place of what they said before\n" in ran.out
    ran = shop.collect_of(lines(BOTH, one, state(2)))
    assert ran == Ran(0, "live: 0 new, 2 changed\n" + OTHER_KEY.format("id, shop", "id"), "")
    # What a tap sends by its bookmark may come much later.
    assert shop.collect_of(lines(BOTH, two, state(3))) == Ran(0, "live: 0 new, 2 changed\n", "")
    gone = record(id=3, shop=5, _sdc_deleted_at="2026-03-02")
    assert shop.collect_of(lines(BOTH, gone, state(4))) == Ran(0, "live: 0 new, 2 withdrawn\n", "")
    assert shop.stored() == {
        "reviews:1/5": "第1条评价", "reviews:1/5/note": "追评", "reviews:2/5": "第2条评价", "reviews:2/5/note": "追评",
    }  # fmt: skip
    assert shop.collect_of(lines(BOTH, one, two, state(5))) == Ran(0, "live: 0 new, 4 already there\n", "")


def test_of_several_records_that_shared_an_id_under_the_former_key_one_is_what_is_stored(shop: Shop) -> None:
    here, there = record(id=1, shop=5, body="物流太慢"), record(id=1, shop=7, body="包装很好")
    shop.collect_of(lines(schema(), here, state(1)))
    assert shop.collect_of(lines(BOTH, there, here, state(2))).out.startswith("live: 1 new, 1 changed\n")
    assert shop.stored() == {"reviews:1/5": "物流太慢", "reviews:1/7": "包装很好"}


def test_what_no_longer_tells_the_former_key_is_new(shop: Shop) -> None:
    shop.collect_of(lines(BOTH, record(id=1, shop=5, body="物流太慢"), record(id=2, shop=5, body="好用"), state(1)))
    ran = shop.collect_of(lines(schema(), record(id=1, shop=5, body="物流太慢"), record(id=2, body="好用"), state(2)))
    assert ran.out == "live: 1 new, 1 changed\n" + OTHER_KEY.format("id", "id, shop")
    assert shop.stored() == {"reviews:1": "物流太慢", "reviews:2/5": "好用", "reviews:2": "好用"}


def test_keys_are_remembered_whatever_the_settings_and_are_nothing_to_a_tap(shop: Shop) -> None:
    one = record(id=1, shop=5, body="物流太慢")
    shop.collect_of(lines(schema(), one))
    assert shop.state() == "{}\n"
    (shop.folder / "map.toml").write_text(MAP + 'customer = "author"\n', encoding="utf-8")
    shop.pipe(lines(BOTH, one, state(2)))
    assert run("collect", project=shop.folder).out.startswith("live: 0 new, 1 changed\n")
    assert shop.state() == "2\n"


def test_the_key_of_a_stream_whose_map_names_its_ids_may_be_any(shop: Shop) -> None:
    (shop.folder / "map.toml").write_text(MAP + 'source_id = "id"\n', encoding="utf-8")
    shop.collect_of(lines(schema(), record(id=1, body="物流太慢"), state(1)))
    ran = shop.collect_of(lines(BOTH, record(id=1, body="物流太慢"), state(2)))
    assert ran == Ran(0, "live: 0 new, 1 already there\n", "")


def test_a_state_that_an_earlier_version_stored_is_the_taps(shop: Shop) -> None:
    shop.collect()
    tap = json.loads(shop.state())
    with closing(sqlite3.connect(shop.folder / "feedback.db")) as database, database:
        [[stored]] = database.execute("select state from cursors").fetchall()
        digest = stored.partition(":")[0]
        database.execute("update cursors set state = ?", (f"{digest}:{json.dumps(tap)}",))
    assert json.loads(shop.state()) == tap
    assert shop.collect() == Ran(0, "live: 0 new, 1 already there\n", "")


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


# What a source's settings say.


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("streams = 3", "Map {}: [streams] must be a table."),
        ("[columns]\ntext = 'body'", "Map {}: unknown 'columns'. Known: streams."),
        ("", "Map {}: [streams] must be a table."),
        ("[streams]", "Map {}: [streams] names none. Write [streams.NAME.columns] for each that is wanted."),
        ("[streams.a.columns]\nsource_id = 'id'", "Map {}, [streams], [a]: [columns] must say which column holds the text: text = \"评论内容\"."),
        ("[streams.a]\nrecords = ['x']\n[streams.a.columns]\ntext = 'body'", "Map {}, [streams], [a]: 'records' is for files; a stream has none."),
        ("[streams.a.columns]\ntext = 'body'\ntxt = 'x'", "Map {}, [streams], [a], [columns]: unknown 'txt'. Known: {}."),
        ("[streams", "Map {} is not valid TOML: Expected ']' at the end of a table declaration (at end of document)"),
    ],
)  # fmt: skip
def test_a_map_that_is_wrong_is_told(tmp_path: Path, written: str, told: str) -> None:
    known = (
        "conversation_id, customer, parent_id, posted_at, product, question, region, role, source_id, store, text, "
        "version, votes"
    )
    with pytest.raises(CollectError) as error:
        SingerCollector().streams(visit_of(tmp_path, written))
    assert str(error.value) == told.format(tmp_path / "map.toml", known)


def test_a_map_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CollectError) as error:
        SingerCollector().streams(visit_of(tmp_path, layout=None))
    assert str(error.value) == (
        "source 'live': say which streams are wanted, and what their fields mean: --map map.toml, layout = \"map.toml\"."
    )
    with pytest.raises(CollectError) as error:
        SingerCollector().streams(visit_of(tmp_path, layout="other.toml"))
    assert str(error.value) == (
        f"No map at {tmp_path}/other.toml. It is a TOML file with a [streams.NAME.columns] for each stream."
    )
    (tmp_path / "gbk.toml").write_bytes("# 评价".encode("gbk"))
    with pytest.raises(CollectError) as error:
        SingerCollector().streams(visit_of(tmp_path, layout="gbk.toml"))
    assert str(error.value) == f"Map {tmp_path}/gbk.toml can't be read as UTF-8 text."


def test_a_source_reads_the_pipe_or_files(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.jsonl"):
        (tmp_path / name).write_bytes(lines(schema()))
    assert SingerCollector().streams(visit_of(tmp_path, paths=())) == ["-"]
    assert SingerCollector().streams(visit_of(tmp_path, paths=("-",))) == ["-"]
    assert SingerCollector().streams(visit_of(tmp_path, paths=("*.jsonl",))) == ["a.jsonl", "b.jsonl"]
    with pytest.raises(CollectError) as error:
        SingerCollector().streams(visit_of(tmp_path, paths=("-", "a.jsonl")))
    assert str(error.value) == "Source 'live' reads either the pipe, -, or files."


def test_a_file_that_can_not_be_read_on_is_told(tmp_path: Path) -> None:
    """A process's own memory has nothing at its beginning."""
    visit = visit_of(tmp_path, paths=("/proc/self/mem",))
    [stream] = SingerCollector().streams(visit)
    with pytest.raises(CollectError) as error:
        list(SingerCollector().pages(stream, None, visit))
    assert str(error.value) == f"{stream} can't be read on: Input/output error."


PASSED_OVER = Ran(
    0, "live: 0 new\n  nothing was piped in, so it was not read: tap … | feedback collect --source live\n", ""
)


def test_where_nothing_is_piped_in_a_source_is_passed_over_among_others_and_told_of_when_it_was_named(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Path(os.devnull).open() as nothing:
        for stdin in (nothing, None):
            monkeypatch.setattr(sys, "stdin", stdin)
            assert run("collect", project=shop.folder) == PASSED_OVER
            told = Ran(1, "", "Error: live: Nothing is piped in. Write: tap … | feedback collect …\n")
            assert run("collect", "--source", "live", project=shop.folder) == told


def test_a_pipe_that_is_closed_at_once_is_nothing_piped_in(shop: Shop) -> None:
    """As cron's: a tap that did not start leaves the same, where one was to come."""
    shop.pipe(b"")
    assert run("collect", project=shop.folder) == PASSED_OVER
    why = "stdin holds no message of a Singer tap: it is empty. Did the tap start?"
    assert shop.collect_of(b"") == Ran(1, "", f"Error: live: {why}\n")


def test_a_pipe_that_is_held_open_and_says_nothing_keeps_no_other_source_waiting(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(singer_module, "_WAITING_SECONDS", 0.1)
    reading, writing = os.pipe()
    with os.fdopen(reading, encoding="utf-8") as pipe, os.fdopen(writing, "wb"):
        monkeypatch.setattr(sys, "stdin", pipe)
        assert run("collect", project=shop.folder) == PASSED_OVER


def test_what_is_piped_in_is_read_where_all_sources_are_collected_too(shop: Shop) -> None:
    shop.pipe(shop.tap.output("{}"))
    assert run("collect", project=shop.folder) == Ran(0, "live: 20 new\n", "")


# Real pipes.


def tap(shop: Shop, pieces: Iterable[bytes]) -> "subprocess.Popen[bytes]":
    """`feedback collect` as a process of its own, which these pieces are piped into; the pipe stays open."""
    process = subprocess.Popen(
        command(shop.folder, "collect", "--source", "live"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    for piece in pieces:
        process.stdin.write(piece)
        process.stdin.flush()
    return process


def test_a_slow_tap_is_stored_at_each_state_and_a_kill_loses_and_doubles_nothing(shop: Shop) -> None:
    whole = shop.tap.output(shop.state())
    middle = whole.index(b'"id": 17')
    process = tap(shop, [whole[:100], whole[100:middle]])
    while process.poll() is None and count_stored(shop) < 14:
        time.sleep(0.02)
    process.kill()
    process.communicate()
    assert len(shop.stored()) == 14
    assert json.loads(shop.state()) == {"bookmarks": {"reviews": iso(shop.tap.said[13].changed_at)}}
    shop.say(*said(3, first=21))
    process = tap(shop, [shop.tap.output(shop.state())])
    assert process.communicate() == (b"live: 9 new, 1 already there\n", b"")
    assert shop.is_whole()


def count_stored(shop: Shop) -> int:
    """What another process has stored by now; none while it makes its tables."""
    database = shop.folder / "feedback.db"
    if not database.exists():
        return 0
    with (
        closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as reader,
        suppress(sqlite3.OperationalError),
    ):
        return int(reader.execute("select count(*) from verbatims").fetchone()[0])
    return 0


def test_a_tap_that_dies_is_told_and_the_next_one_goes_on(shop: Shop) -> None:
    whole = shop.tap.output("{}")
    process = tap(shop, [whole[: whole.index(b'"id": 17') + 3]])
    out, err = process.communicate()
    said_of_it = "stdin ends in the middle of line 20: the tap stopped. What came before is stored; run it again."
    assert (process.returncode, out, err.decode()) == (1, b"", f"Error: live: {said_of_it}\n")
    assert len(shop.stored()) == 16
    process = tap(shop, [shop.tap.output(shop.state())])
    process.communicate()
    assert shop.is_whole()


def test_a_long_pipe_is_held_a_page_at_a_time(tmp_path: Path) -> None:
    """What comes is made as it is read: were more than a page kept, more would be alive than a page."""

    class Endless(io.RawIOBase):
        def __init__(self) -> None:
            self.sent = 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
            piece = lines(record(id=self.sent, body="好用" * 100)) if self.sent else lines(schema())
            self.sent += 1
            buffer[: len(piece)] = piece
            return len(piece)

    endless = Endless()
    pages = singer_module._Reading(visit_of(tmp_path)).pages(io.BufferedReader(endless, 1 << 16), "endless")
    for number in range(1, 11):
        assert len(next(pages).items) == 1000
        assert endless.sent <= 1000 * number + 200
