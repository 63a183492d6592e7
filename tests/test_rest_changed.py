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
    assert f"has '{renamed}'. Has the interface changed? A record has: " in ran.err
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
    assert "no record of 4 has 'body'. Has the interface changed?" in ran.out
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
    assert "no record of 5 has 'creatd'. Has the interface changed? A record has: id, body, at." in ran.out
