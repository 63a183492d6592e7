"""Collector singer: what a tap sends comes in whole, once; its STATE is handed back and never runs ahead. The promises of `test_live_contract.py`, and what streams have of their own."""

import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from command import Ran, run
from singer_shop import MAP, SETTINGS, Shop, lines, record, schema, shop, state, visit_of
from stored import dump
from worlds import NOW, edited, iso, said

from feedback.collectors.singer import SingerCollector
from feedback.errors import CollectError
from feedback.pipeline import collect
from feedback.project import load_project
from storage.store import Store

__all__ = ["shop"]


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


# What is deleted.


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


ANSWERED = """
[[streams.reviews.texts]]
suffix = "reply"
each = "replies"
text = "content"
role = "agent"
[[streams.reviews.texts]]
suffix = "told"
each = "told"
text = "content"
source_id = "no"
"""


def test_with_a_record_go_the_texts_within_it_though_its_deletion_names_none(shop: Shop) -> None:
    (shop.folder / "map.toml").write_text(MAP + ANSWERED, encoding="utf-8")
    replies = [{"content": "抱歉"}, {"content": "已补发"}]
    one, ten = (record(id=n, body="碎了", replies=replies, told=[{"no": 7, "content": "又碎了"}]) for n in (1, 10))
    shop.collect_of(lines(schema(), one, ten, state(1)))
    assert len(shop.stored()) == 8
    gone = record(id=1, _sdc_deleted_at="2026-03-02")
    assert shop.collect_of(lines(schema(), gone, state(2))).out == "live: 0 new, 4 withdrawn\n"
    assert {each.split("/")[0] for each in shop.stored()} == {"reviews:10"}
    assert shop.collect_of(lines(schema(), one, state(3))).out == "live: 4 new\n"


def test_on_one_page_a_deletion_takes_all_that_was_told_before_it_and_nothing_after(shop: Shop) -> None:
    (shop.folder / "map.toml").write_text(MAP + ANSWERED, encoding="utf-8")

    def told(*replies: str, body: str = "碎了") -> str:
        return record(id=1, body=body, replies=[{"content": each} for each in replies])

    gone = record(id=1, _sdc_deleted_at="2026-03-02")
    shop.collect_of(lines(schema(), told("抱歉", "已补发"), state(1)))
    ran = shop.collect_of(lines(schema(), told("在查"), gone, told("已补发", "请看", body="又碎了"), state(2)))
    assert sorted(shop.stored().values()) == sorted(["又碎了", "已补发", "请看"])
    assert ran.out == "live: 3 new, 3 withdrawn\n"
    assert shop.collect_of(lines(schema(), told("在查"), gone, state(3))).out == "live: 0 new, 3 withdrawn\n"
    shop.collect_of(lines(schema(), gone, record(id=1, body="", replies=[{"content": "请看"}]), state(4)))
    assert list(shop.stored().values()) == ["请看"]


def test_with_a_record_go_no_others_whose_key_begins_like_its_own(shop: Shop) -> None:
    shop.collect_of(lines(schema(), record(id=1, shop=5, body="物流太慢"), state(1)))
    there = record(id=1, shop=7, body="包装很好", parent="9")
    shop.collect_of(lines(BOTH, there, record(id=1, shop=5, _sdc_deleted_at="2026-03-02"), state(2)))
    assert shop.stored() == {"reviews:1/7": "包装很好"}


def test_a_reply_is_known_again_wherever_it_stands_and_under_another_key(shop: Shop) -> None:
    (shop.folder / "map.toml").write_text(MAP + ANSWERED, encoding="utf-8")
    replies = [{"content": "抱歉"}, {"content": "已补发"}]
    shop.collect_of(lines(schema(), record(id=1, shop=5, body="碎了", replies=replies), state(1)))
    ran = shop.collect_of(lines(schema(), record(id=1, shop=5, body="碎了", replies=replies[1:]), state(2)))
    assert ran.out == "live: 0 new, 2 already there\n"
    ran = shop.collect_of(lines(BOTH, record(id=1, shop=5, body="碎了", replies=replies), state(3)))
    assert ran.out.startswith("live: 0 new, 3 changed\n")
    assert sorted(shop.stored().values()) == sorted(["碎了", "抱歉", "已补发"])


def test_a_reply_that_an_earlier_version_knew_by_its_place_is_not_doubled(shop: Shop) -> None:
    (shop.folder / "map.toml").write_text(MAP + ANSWERED, encoding="utf-8")
    replies = [{"content": "抱歉"}, {"content": "已补发"}]
    shop.collect_of(lines(schema(), record(id=1, body="碎了", replies=replies), state(1)))
    with closing(sqlite3.connect(shop.folder / "feedback.db")) as database, database:
        database.execute("update verbatims set source_id = 'reviews:1/reply-' || (id - 1) where parent_id is not null")
    ran = shop.collect_of(lines(schema(), record(id=1, body="碎了", replies=[*replies, {"content": "收到"}]), state(2)))
    assert ran.out == "live: 1 new, 3 already there\n"


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


def test_what_was_posted_at_another_time_is_another_one_that_shared_its_id(shop: Shop) -> None:
    here = record(id=1, shop=5, body="物流太慢", created_at="2026-03-01T00:00:00Z")
    there = record(id=1, shop=7, body="包装很好", created_at="2026-03-01T00:00:09Z")
    shop.collect_of(lines(schema(), here, state(1)))
    assert shop.collect_of(lines(BOTH, there, state(2))).out.startswith("live: 1 new\n")
    assert shop.collect_of(lines(BOTH, here, state(3))).out == "live: 0 new, 1 changed\n"
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
