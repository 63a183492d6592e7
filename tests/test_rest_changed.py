"""A JSON interface that has changed, or was described wrongly: nothing is doubled, lost or passed over in silence."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from command import Ran, run
from stored import rows
from test_live_hostile import project
from wire import Asked, Reply, wire

from feedback.project import load_project
from storage.store import Store

COLUMNS = {"text": "body", "source_id": "id", "posted_at": "at"}
SINCE = {"column": "at", "parameter": "since"}


@dataclass
class Desk:
    """Says what came since it is asked for, under the names that are its own at the time."""

    folder: Path
    names: dict[str, str] = field(default_factory=dict)
    said: list[dict[str, str]] = field(default_factory=list)

    def answer(self, asked: Asked) -> Reply:
        new = [each for each in self.said if each["at"] >= asked.query.get("since", "")]
        return Reply({"items": [{self.names.get(k, k): v for k, v in each.items()} for each in new]})

    def say(self, count: int) -> None:
        start = len(self.said)
        for n in range(start, start + count):
            at = f"2026-03-{n // 24 + 1:02}T{n % 24:02}:00:00Z"
            self.said.append({"id": f"r{n}", "body": f"第{n}次来，等位太久", "at": at})

    def collect(self) -> Ran:
        return run("collect", project=self.folder)

    def stored(self) -> int:
        with Store.open(load_project(self.folder).database) as store:
            [(n,)] = rows(store.connection, "select count(*) from verbatims")
        return int(n)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    found = Desk(tmp_path)
    with wire(found.answer) as web:
        project(tmp_path, f"{web.url}/v1", columns=COLUMNS, since=SINCE, pages={"type": "none"})
        found.say(20)
        yield found


@pytest.mark.parametrize("renamed", ["id", "body", "at"])
def test_a_field_that_was_renamed_ends_the_run_and_what_came_meanwhile_comes_later(desk: Desk, renamed: str) -> None:
    assert desk.collect().code == 0
    desk.names = {renamed: "renamed"}
    desk.say(10)
    ran = desk.collect()
    assert (ran.code, desk.stored()) == (1, 20)
    assert (
        f"has '{renamed}'. Has the interface changed, or is the name wrong in [columns] or [since]? A record has: "
        in ran.err
    )
    assert "等位" not in ran.err
    desk.names = {}
    assert desk.collect().code == 0
    assert desk.stored() == 30


def test_a_few_records_without_a_text_end_no_run_and_are_asked_for_again(desk: Desk) -> None:
    assert desk.collect().code == 0
    desk.names = {"body": "content"}
    desk.say(3)
    ran = desk.collect()
    assert (ran.code, desk.stored()) == (0, 20)
    assert (
        "no record of 4 has 'body'. Has the interface changed, or is the name wrong in [columns] or [since]?" in ran.out
    )
    desk.names = {}
    desk.say(1)
    assert desk.collect().code == 0
    assert desk.stored() == 24


def test_a_single_record_without_an_id_is_rejected_and_the_others_are_stored(desk: Desk) -> None:
    del desk.said[4]["id"]
    ran = desk.collect()
    assert (ran.code, desk.stored()) == (0, 19)
    assert "it has no id" in run("rejects", project=desk.folder).out


def test_a_date_under_another_name_is_said(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.say(5)
    with wire(desk.answer) as web:
        project(tmp_path, f"{web.url}/v1", columns={**COLUMNS, "posted_at": "creatd"}, pages={"type": "none"})
        ran = desk.collect()
    assert (ran.code, desk.stored()) == (0, 5)
    assert (
        "no record of 5 has 'creatd'. Has the interface changed, or is the name wrong in [columns] or [since]? A record has: id, body, at."
        in ran.out
    )


def collected(folder: Path, pages: list[list[dict[str, object]]], **more: object) -> Ran:
    """What a run says of these pages, one after another."""

    def answer(asked: Asked) -> Reply:
        n = int(asked.query.get("after", 0))
        return Reply({"items": pages[n], "next": n + 1 if n + 1 < len(pages) else None})

    with wire(answer) as web:
        project(folder, f"{web.url}/v1", **{"columns": COLUMNS, **more})
        return run("collect", project=folder)


def said(*numbers: int, **fields: object) -> list[dict[str, object]]:
    """Records that have nothing but an id and a time, and these fields."""
    return [{"id": f"r{n}", "at": "2026-03-01T08:00:00Z", **fields} for n in numbers]


NESTED = {"text": "content.body", "source_id": "ticket.id", "posted_at": "at"}


@pytest.mark.parametrize(
    ("record", "named", "has"),
    [
        ({"content": {"body": "好"}, "ticket": {"uid": 1}}, "ticket.id", "ticket.uid"),
        ({"content": {"words": "好"}, "ticket": {"id": 1}}, "content.body", "content.words"),
    ],
)
def test_a_field_inside_an_object_that_was_renamed_ends_the_run(
    record: dict[str, object], named: str, has: str, tmp_path: Path
) -> None:
    ran = collected(tmp_path, [[record] * 5], columns=NESTED)
    changed = f"no record of 5 has '{named}'. Has the interface changed, or is the name wrong in [columns] or [since]? A record has: {has}."
    assert (ran.code, ran.err) == (1, f"Error: live: source 'live': {changed}\n")


def test_an_object_that_is_empty_may_hold_what_is_named(tmp_path: Path) -> None:
    nothing: list[object] = [None, {}, [], None, ""]
    records: list[dict[str, object]] = [{"content": each, "ticket": {"id": n}} for n, each in enumerate(nothing)]
    ran = collected(tmp_path, [records], columns={**NESTED, "posted_at": ""})
    assert (ran.code, ran.out.splitlines()[0]) == (
        0,
        "live: 0 new, 5 rows or fields could not be used (see: feedback rejects)",
    )


def test_one_record_of_the_walk_that_has_a_text_shows_that_its_name_is_right(tmp_path: Path) -> None:
    ran = collected(tmp_path, [said(1, body="等位太久"), said(2, 3, 4, 5, 6, 7), said(8, body="等位不久")])
    assert (ran.code, ran.out.splitlines()) == (
        0,
        ["live: 2 new, 6 rows or fields could not be used (see: feedback rejects)"],
    )


def test_small_pages_that_all_lack_a_text_are_many_together(tmp_path: Path) -> None:
    ran = collected(tmp_path, [said(1, 2, 3), said(4, 5, 6)])
    assert ran.code == 1
    assert (
        "no record of 3 has 'body'. Has the interface changed, or is the name wrong in [columns] or [since]? A record has: id, at."
        in ran.err
    )


def test_a_rating_without_words_is_no_fault_but_words_that_no_record_has_are_told(tmp_path: Path) -> None:
    star = {"metric": "star", "column": "stars", "low": 1, "high": 5}
    note = "  no record of 5 has 'body'. Has the interface changed, or is the name wrong in [columns] or [since]? A record has: id, at, stars."
    ran = collected(tmp_path, [said(1, 2, 3, 4, 5, stars=4)], scores=[star])
    assert (ran.code, ran.out.splitlines()) == (0, ["live: 5 new", note])
    ran = collected(tmp_path, [said(6, 7, stars=4)], scores=[star])
    assert (ran.code, [line for line in ran.out.splitlines() if "body" in line]) == (0, [])


def test_words_that_no_record_has_are_told_though_there_is_a_field_for_an_answer_to_them(tmp_path: Path) -> None:
    texts = [{"suffix": "reply", "text": "reply", "role": "agent"}]
    ran = collected(tmp_path, [said(1, 2, 3, 4, 5, reply=None)], texts=texts)
    note = "  no record of 5 has 'body'. Has the interface changed, or is the name wrong in [columns] or [since]? A record has: id, at, reply."
    assert (ran.code, ran.out.splitlines()[1:]) == (0, [note])


def test_records_that_are_dropped_need_not_have_what_feedback_has(tmp_path: Path) -> None:
    events: list[dict[str, object]] = [{"type": "system", "n": n} for n in range(6)]
    drop = [{"column": "type", "values": ["system"]}]
    ran = collected(tmp_path, [events], drop=drop)
    assert (ran.code, ran.out.splitlines()) == (0, ["live: 0 new"])
    ran = collected(tmp_path, [[*events, {"id": "a", "words": "好"}]], drop=drop)
    changed = "Has the interface changed, or is the name wrong in [columns] or [since]? A record has: id, words."
    assert ran.out.splitlines()[-2:] == [f"  no record of 1 has '{name}'. {changed}" for name in ("body", "at")]


def test_a_date_that_is_missing_on_every_page_is_told_once(tmp_path: Path) -> None:
    pages = [[{"id": n, "body": f"第{n}次来"}] for n in range(4)]
    ran = collected(tmp_path, list(pages))
    note = "  no record of 1 has 'at'. Has the interface changed, or is the name wrong in [columns] or [since]? A record has: id, body."
    assert (ran.code, ran.out.splitlines()) == (0, ["live: 4 new", note])
