"""Collecting over and over: what is read when, by a clock that only the test moves."""

import re
import signal
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import click
import pytest
from command import run
from processes import interruptible
from small_project import append, write_project

from feedback.cli.collect_run import run_source
from feedback.collected import Attempt
from feedback.collectors.base import SourceConfig
from feedback.collectors.table import TableCollector
from feedback.errors import CollectError
from feedback.project import load_project
from feedback.watch import POLL_SECONDS, REST_SECONDS, RETRY_SECONDS, Listing, World, list_files, watch
from storage.errors import DatabaseLocked
from storage.store import Store

MINUTE = 60.0
EVERY = 10 * MINUTE
FILES = SourceConfig("问卷", "table", paths=("data/*.csv",))
ASKED = SourceConfig("接口", "rest")


class Stage:
    """A world for a while: files as the test says, a clock that each look at them moves, and what was collected at what time."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.files: dict[str, tuple[int, int]] = {}
        self.faults: tuple[str, ...] = ()
        self.events: dict[float, Callable[[], None]] = {}
        self.collected: list[tuple[float, str, list[str]]] = []
        self.complaints: list[str] = []
        self.wait_seconds = 0.0
        self.fails: Callable[[SourceConfig], bool] = lambda _source: False

    def at(self, seconds: float, event: Callable[[], None]) -> None:
        self.events[1000.0 + seconds] = event

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for moment in sorted(moment for moment in self.events if moment <= self.now):
            self.events.pop(moment)()

    def collect(self, source: SourceConfig) -> Attempt:
        names = [Path(path).name for path in source.paths]
        self.collected.append((self.now - 1000, source.name, names))
        return Attempt(not self.fails(source), self.wait_seconds)

    def listing(self, _source: SourceConfig) -> Listing:
        return Listing({Path(f"/share/{name}"): stamp for name, stamp in self.files.items()}, self.faults)

    def play(self, seconds: float, *sources: SourceConfig) -> None:
        def over() -> None:
            raise KeyboardInterrupt

        self.at(seconds, over)
        world = World(lambda: self.now, self.sleep, self.listing)
        with pytest.raises(KeyboardInterrupt):
            watch(sources, world, EVERY, self.collect, self.complaints.append)

    def put(self, **files: tuple[int, int]) -> Callable[[], None]:
        return lambda: self.files.update(files)


@pytest.fixture
def stage() -> Stage:
    return Stage()


def first_poll(seconds: float) -> float:
    """The first look that is no earlier."""
    return -(-seconds // POLL_SECONDS) * POLL_SECONDS


def test_what_lies_there_is_read_once_it_has_stood_still_and_never_again(stage: Stage) -> None:
    stage.files = {"a": (10, 1), "b": (20, 2)}
    stage.play(2 * EVERY, FILES)
    assert stage.collected == [(first_poll(REST_SECONDS), "问卷", ["a", "b"])]


def test_what_appears_or_changes_is_read_by_itself(stage: Stage) -> None:
    stage.files = {"a": (10, 1), "b": (20, 2)}
    stage.at(60, stage.put(c=(5, 3)))
    stage.at(120, stage.put(a=(11, 4)))
    stage.at(180, stage.put(b=(20, 5)))  # as long as before, and written anew
    stage.play(240, FILES)
    assert [names for _, _, names in stage.collected] == [["a", "b"], ["c"], ["a"], ["b"]]


@pytest.mark.parametrize("said, kept", [(30.0, MINUTE), (1800.0, 1800.0), (10.0**9, 24 * 3600.0)])
def test_an_interface_that_asks_to_be_left_alone_is(stage: Stage, said: float, kept: float) -> None:
    stage.fails, stage.wait_seconds = lambda _source: True, said
    stage.play(kept + MINUTE, ASKED)
    assert [at for at, _, _ in stage.collected] == [0.0, first_poll(kept)]


def test_a_file_that_is_being_written_waits_and_keeps_no_other_waiting(stage: Stage) -> None:
    stage.files = {"a": (10, 1), "growing": (1, 1)}
    for second in range(0, 60, 2):
        stage.at(second, stage.put(growing=(second + 2, 1)))
    stage.play(120, FILES)
    assert stage.collected == [
        (first_poll(REST_SECONDS), "问卷", ["a"]),
        (first_poll(60 + REST_SECONDS), "问卷", ["growing"]),
    ]


def test_a_file_that_stands_still_too_short_a_while_is_left(stage: Stage) -> None:
    stage.files = {"a": (10, 1)}
    for second in range(0, 60, 3):
        stage.at(second, stage.put(a=(10, second)))  # its size stands still, its time does not
    stage.play(60, FILES)
    assert stage.collected == []


def test_a_file_that_holds_nothing_yet_is_left_until_it_does(stage: Stage) -> None:
    stage.files = {"a": (0, 1)}
    stage.at(60, stage.put(a=(10, 2)))
    stage.play(120, FILES)
    assert stage.collected == [(first_poll(60 + REST_SECONDS), "问卷", ["a"])]


def test_a_file_that_goes_and_comes_back_as_it_was_is_not_read_again(stage: Stage) -> None:
    stage.files = {"a": (10, 1)}
    stage.at(60, stage.files.clear)
    stage.at(120, stage.put(a=(10, 1)))
    stage.at(180, stage.put(a=(12, 9)))
    stage.play(240, FILES)
    assert [names for _, _, names in stage.collected] == [["a"], ["a"]]
    assert stage.collected[1][0] == first_poll(180 + REST_SECONDS)


def test_what_could_not_be_read_is_tried_again_less_and_less_often(stage: Stage) -> None:
    stage.files = {"locked": (10, 1)}
    stage.fails = lambda _source: True
    stage.play(40 * MINUTE, FILES)
    times = [moment for moment, _, _ in stage.collected]
    assert [round((later - sooner) / MINUTE) for sooner, later in pairwise(times)] == [
        1,
        2,
        4,
        8,
        10,
        10,
    ]


def test_what_could_not_be_read_keeps_nothing_new_waiting(stage: Stage) -> None:
    stage.files = {"damaged": (10, 1)}
    stage.fails = lambda source: any("damaged" in path for path in source.paths)
    stage.at(30, stage.put(fine=(10, 1)))
    stage.at(40, stage.put(damaged=(12, 2)))  # mended
    stage.at(41, lambda: setattr(stage, "fails", lambda _source: False))
    stage.play(60, FILES)
    assert [names for _, _, names in stage.collected] == [["damaged"], ["damaged", "fine"], ["damaged", "fine"]]


def test_an_interface_is_asked_at_once_and_then_by_the_clock(stage: Stage) -> None:
    stage.play(2.5 * EVERY, ASKED)
    assert [moment for moment, _, _ in stage.collected] == [0, EVERY, 2 * EVERY]


def test_an_interface_that_fails_is_asked_again_soon_and_after_it_answered_by_the_clock(stage: Stage) -> None:
    stage.fails = lambda _source: len(stage.collected) < 3
    stage.play(1.5 * EVERY, ASKED)
    assert [moment for moment, _, _ in stage.collected] == [0, RETRY_SECONDS, 3 * RETRY_SECONDS, 3 * MINUTE + EVERY]


def test_a_source_of_files_that_names_none_is_tried_as_an_interface_so_that_it_is_told(stage: Stage) -> None:
    stage.play(MINUTE, SourceConfig("空", "table"))
    assert stage.collected == [(0, "空", [])]


@pytest.mark.parametrize("error", [CollectError("没有了"), DatabaseLocked("in use")])
def test_an_error_of_one_source_is_told_and_does_not_end_the_watch(stage: Stage, error: Exception) -> None:
    def fail(source: SourceConfig) -> bool:
        if source is ASKED:
            raise error
        return False

    stage.fails, stage.files = fail, {"a": (10, 1)}
    stage.play(50, ASKED, FILES)
    assert stage.complaints == [f"接口: {error}"]
    assert stage.collected[-1][1] == "问卷"


def test_a_bug_ends_it_with_its_traceback(stage: Stage) -> None:
    def fail(_source: SourceConfig) -> bool:
        raise ZeroDivisionError

    stage.fails = fail
    world = World(lambda: stage.now, stage.sleep, stage.listing)
    with pytest.raises(ZeroDivisionError):
        watch([ASKED], world, EVERY, stage.collect, stage.complaints.append)


def test_what_is_the_matter_with_a_path_is_told_once_and_again_when_it_comes_back(stage: Stage) -> None:
    def faults(*texts: str) -> Callable[[], None]:
        return lambda: setattr(stage, "faults", texts)

    stage.faults = ("No file matches data/*.csv.",)
    stage.at(60, faults())
    stage.at(120, faults("/share can't be read: Host is down."))
    stage.at(180, faults())
    stage.at(240, faults("/share can't be read: Host is down."))
    stage.play(300, FILES)
    assert stage.complaints == [
        "问卷: No file matches data/*.csv.",
        "问卷: /share can't be read: Host is down.",
        "问卷: /share can't be read: Host is down.",
    ]


def test_the_files_of_a_source_are_listed_path_by_path(tmp_path: Path) -> None:
    names = ("a.csv", "b.csv.part", "c.xlsx.crdownload", "~$d.xlsx", ".e.csv", "g.csv")
    for name in names:
        (tmp_path / name).write_text(name)
    (tmp_path / "h.csv").symlink_to(tmp_path / "nowhere")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "f.csv").write_text("f")
    found = list_files(SourceConfig("s", "table", paths=("*.c*", "*.xlsx*", "sub", "none/*.csv"), base=tmp_path))
    stamps: Mapping[Path, tuple[int, int]] = {
        path: (path.stat().st_size, path.stat().st_mtime_ns)
        for path in (tmp_path / "a.csv", tmp_path / "g.csv", tmp_path / "sub" / "f.csv")
    }
    assert found == Listing(stamps, (f"No file matches {tmp_path / 'none/*.csv'}.",))


def test_a_file_that_goes_while_it_is_looked_at_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.csv").write_text("a")
    source = SourceConfig("s", "table", paths=("*.csv",), base=tmp_path)
    parts = TableCollector().parts(source)
    (tmp_path / "a.csv").unlink()
    monkeypatch.setattr(TableCollector, "parts", lambda _self, _config: parts)
    assert list_files(source) == Listing({})


# As a command.


def test_options_that_would_be_passed_over_are_refused(tmp_path: Path) -> None:
    write_project(tmp_path)
    assert "--every goes with --watch." in run("collect", "--every", "5", project=tmp_path).err
    refused = "--watch goes with none of --since, --limit, --dry-run, --load, --state."
    assert refused in run("collect", "--source", "电商", "--watch", "--dry-run", project=tmp_path).err
    assert run("collect", "--watch", "--every", "0", project=tmp_path).code == 2


class Clock:
    """Takes the place of the command's clock. Each time it waits, the next of the events happens; after the last comes Ctrl+C."""

    def __init__(self, *events: Callable[[], None]) -> None:
        self.now, self.events = 0.0, list(events)

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        if not self.events:
            raise KeyboardInterrupt
        self.events.pop(0)()


def nothing() -> None:
    pass


STAMP = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d "


def watched(
    folder: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, *arguments: str
) -> tuple[list[str], list[str]]:
    """The lines of a watch without their times, to stdout and to stderr."""
    monkeypatch.setattr("feedback.cli.collect_watch.time", clock)
    ran = run("collect", "--watch", *arguments, project=folder)
    assert ran.code == 130
    *complaints, empty, last = ran.err.splitlines()
    assert (empty, last) == ("", "Stopped. What was done so far is kept.")
    assert all(re.match(STAMP, line) for line in (*ran.out.splitlines(), *complaints))
    return [line[20:] for line in ran.out.splitlines()], [line[20:] for line in complaints]


def test_watching_takes_in_what_comes_and_ends_with_ctrl_c(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_project(tmp_path)
    (tmp_path / "data" / "stars.csv").unlink()
    line = "磨豆机,又买了一个送人,2026-02-26 10:00:00,浙江,白\n"
    clock = Clock(*[nothing] * 4, lambda: append(tmp_path, "data/reviews.csv", line), *[nothing] * 4)
    out, err = watched(tmp_path, clock, monkeypatch)
    assert out == [
        "Watching 3 sources. Ctrl+C ends it.",
        "电商: 5 new, 2 rows or fields could not be used (see: feedback rejects)",
        "企业微信: 4 new, 1 withdrawn",
        "电商: 1 new, 5 already there, 2 rows or fields could not be used (see: feedback rejects)",
    ]
    assert err == [f"Error: 点评: No file or folder at {tmp_path / 'data/stars.csv'}."]


def test_a_file_that_can_not_be_read_is_told_with_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_project(tmp_path)
    (tmp_path / "data" / "reviews.csv").write_bytes(b"\xd0\xcf\x11\xe0 an old workbook")
    out, err = watched(tmp_path, Clock(*[nothing] * 4), monkeypatch, "--source", "电商")
    assert out == ["Watching 1 source. Ctrl+C ends it."]
    assert [line.partition("reviews.csv")[0] for line in err] == [f"Error: 电商: {tmp_path}/data/"]


def test_the_signal_of_ctrl_c_ends_it_wherever_it_is(tmp_path: Path) -> None:
    write_project(tmp_path)
    process = subprocess.Popen(
        interruptible(tmp_path, "collect", "--watch"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline().endswith("Watching 3 sources. Ctrl+C ends it.\n")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert (process.returncode, err) == (130, "\nStopped. What was done so far is kept.\n")


def test_what_is_watched_is_stored_as_without_watching(tmp_path: Path) -> None:
    """The files are given by their whole names: the parts keep theirs, so that a plain run has nothing to do."""
    write_project(tmp_path)
    source = SourceConfig("电商", "table", paths=("data/reviews.csv",), base=tmp_path)
    project = load_project(tmp_path)
    whole = tuple(map(str, list_files(source).files))
    with Store.open(project.database) as store:
        source = replace(project.source("电商"), paths=whole)
        assert run_source(store, project, source, say=click.echo).complete
    assert run("collect", "--source", "电商", project=tmp_path).out == "电商: nothing new (1 files unchanged)\n"
