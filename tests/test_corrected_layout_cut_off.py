"""Reading files again under a corrected layout is cut off, or meets a damaged file, a changing one, another run."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command import run
from lamp_exports import (
    HEADER,
    LONG,
    NEWER,
    RIGHT,
    STORED,
    WRONG_DATE,
    WRONG_TEXT,
    contents,
    fresh,
    gather,
    make,
    query,
)

import feedback.reading
from feedback.collectors.base import Item
from feedback.collectors.table import TableCollector
from feedback.project import Project, load_project


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return tmp_path / "shop"


class Killed(BaseException):
    pass


def gather_until(project: Project, file: str, row: int) -> None:
    """Collect, and be killed where this row of a file is read."""
    true_collect = TableCollector.collect

    def dying(self: TableCollector, part: Any, *given: Any) -> Iterator[Item]:
        for number, item in enumerate(true_collect(self, part, *given)):
            if part.path.name == file and number == row:
                raise Killed
            yield item

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TableCollector, "collect", dying)
        patch.setattr(feedback.reading, "BATCH", 1)
        with pytest.raises(Killed):
            gather(project)


@pytest.mark.parametrize("file, row", [("a.csv", 2), ("b.csv", 0), ("b.csv", 2)])
@pytest.mark.parametrize("then", [RIGHT, WRONG_DATE, WRONG_TEXT])
def test_killed_before_its_end_it_takes_nothing_out_and_the_next_run_finishes(
    tmp_path: Path, shop: Path, file: str, row: int, then: str
) -> None:
    """Whatever layout is in place by then: the right one, the old one again, or a third."""
    gather(make(shop, WRONG_DATE))
    before = query(load_project(shop), STORED)
    gather_until(make(shop, RIGHT), file, row)
    assert query(load_project(shop), STORED)[: len(before)] == before
    project = make(shop, then)
    gather(project)
    assert gather(project).replaced == 0
    assert contents(project) == fresh(tmp_path, then)


def test_a_wrong_reading_that_was_cut_off_goes_as_well(tmp_path: Path, shop: Path) -> None:
    gather_until(make(shop, WRONG_TEXT), "b.csv", 2)
    project = make(shop, RIGHT)
    assert gather(project).replaced == 3
    assert contents(project) == fresh(tmp_path, RIGHT)


def test_a_file_that_can_not_be_read_keeps_everything_there_until_it_can(tmp_path: Path, shop: Path) -> None:
    make(shop, WRONG_DATE)
    assert run("collect", project=shop).out == "门店: 5 new, 1 already there\n"
    path = shop / "data" / "c.csv"
    make(shop, RIGHT)
    path.write_bytes(b"")
    ran = run("collect", project=shop)
    assert (ran.code, ran.err) == (1, f"Error: 门店: {path} is empty.\n")
    assert ran.out == (
        "门店: 5 new, 1 already there, 1 of the new are copies\n"
        "  2 files were read under other settings before. What was stored then is still there, beside the new: "
        "it goes at the next feedback collect that can read the whole source.\n"
    )
    path.unlink()
    assert run("collect", project=shop).out == "门店: 0 new, 6 already there, 5 of an earlier reading taken out\n"
    assert contents(load_project(shop)) == fresh(tmp_path, RIGHT)
    [newest, *_] = query(load_project(shop), "select message from runs order by id desc")
    assert newest == ("5 of an earlier reading taken out",)


def test_a_file_that_changes_while_it_is_read_loses_nothing(shop: Path) -> None:
    gather(make(shop, WRONG_DATE))
    project = make(shop, RIGHT)

    def overwrite(_what: str, _more: int) -> None:
        (shop / "data" / "a.csv").write_text(HEADER + NEWER, encoding="utf-8")

    done = gather(project, overwrite)
    assert (done.replaced, done.unsettled) == (0, 2)
    assert query(project, "select count(*) from verbatims") == [(10,)]
    assert gather(project).replaced == 3  # what stood in a.csv alone may stand in no file any more
    texts = "select text from verbatims where substr(posted_at, 1, 7) = '2026-01'"
    assert query(project, texts) == [(LONG,), ("灯光柔和，看书不累",)]


@pytest.mark.parametrize("before", [None, WRONG_TEXT])
@pytest.mark.parametrize("then", [RIGHT, WRONG_DATE])
@pytest.mark.parametrize("moment", range(1, 7))
def test_of_two_runs_under_two_layouts_at_the_same_time_neither_spoils_the_other(
    tmp_path: Path, shop: Path, monkeypatch: pytest.MonkeyPatch, before: str | None, then: str, moment: int
) -> None:
    """As when a schedule is collecting while somebody corrects the layout and collects by hand."""
    monkeypatch.setattr(feedback.reading, "BATCH", 1)
    if before:
        gather(make(shop, before))
    calls = iter(range(1, 7))

    def correct(_what: str, _more: int) -> None:
        if next(calls) == moment:
            (shop / "shop.layout.toml").write_text(RIGHT, encoding="utf-8")
            gather(load_project(shop))
            (shop / "shop.layout.toml").write_text(WRONG_DATE, encoding="utf-8")

    gather(make(shop, WRONG_DATE), correct)
    assert next(calls, None) is None
    project = make(shop, then)
    gather(project)
    gather(project)
    assert contents(project) == fresh(tmp_path, then)
