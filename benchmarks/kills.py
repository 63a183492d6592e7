"""Live sources whose collecting is killed at random moments, again and again: `python -m benchmarks.kills --kills 1000`.

A project has one source of each world that the tests have a copy of (`tests/worlds`): interfaces and a mailbox, each on a server of its own, a
database, a tap that writes into the run's pipe from where the store says it stopped. While `feedback collect` runs as a process, records are added and edited; it is killed (SIGKILL) after some answer and some milliseconds, every tenth
time anywhere from its start on. After forty kills nothing is changed any more; one run goes on to its end and another one is made, as on
the next day. Then the store is compared with what the interfaces hold: what is lost, there twice or stale must be nothing. What was so
after the first of the two runs is told as late: of a list that can't be asked for its news, the pages read before a kill are read again by the
run after the one that goes on. Then a new project begins.
"""

import argparse
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path

import tomlkit

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from worlds import NOW, SECRET, SECRET_VARIABLE, Piped, Said, World, edited, new_world, worlds  # noqa: E402

from benchmarks.kill_worlds import OWN  # noqa: E402
from feedback.collectors.singer import SingerCollector  # noqa: E402

SEED = 20260301
KILLS_A_PROJECT = 40
UNNOTICED = "sql"  # of all worlds the one that no run is killed at on purpose
MOST_SAID = 60  # of a source: some interfaces show only their newest records
_STEP = timedelta(seconds=20)  # between two changes, by the clocks of the interfaces
_TEXTS = ("物流太慢了，等了{}天", "包装很结实，第{}次回购", "客服态度一般，排了{}分钟", "价格比上次贵了{}块")


@dataclass
class Figures:
    """What came of one collector: how often it was killed while it was at work, and the records that should be there and are not as they should."""

    killed: int = 0
    records: int = 0
    late: int = 0
    lost: int = 0
    doubled: int = 0
    stale: int = 0

    @property
    def wrong(self) -> int:
        return self.lost + self.doubled + self.stale

    def add_late(self, truth: dict[str, str], stored: list[tuple[str, str]]) -> None:
        """Compares after the first run that came to its end."""
        there = dict(stored)
        self.late += sum(there.get(key) != text for key, text in truth.items())

    def add(self, truth: dict[str, str], stored: list[tuple[str, str]]) -> None:
        """Compares what an interface holds with what is stored of it: ids and texts."""
        there = dict(stored)
        self.records += len(truth)
        self.lost += len(truth.keys() - there.keys())
        self.doubled += len(stored) - len(truth.keys() & there.keys())
        self.stale += sum(there[key] != text for key, text in truth.items() if key in there)


@dataclass
class Outcome:
    """`kills` in all; `early`: of those, before anything was asked; `ended`: runs that were at their end before they could be killed."""

    kills: int = 0
    early: int = 0
    ended: int = 0
    projects: int = 0
    figures: dict[str, Figures] = field(default_factory=dict)


class Worlds:
    """All of them, served, and what was asked of each; of a database nobody notices that it is read."""

    def __init__(self, names: list[str], draw: random.Random) -> None:
        self.asked = Counter[str]()  # of each, since the run began
        self.last: str | None = None
        self._draw = draw
        self._now = NOW - timedelta(days=1)
        self._change = threading.Lock()
        self._news = threading.Condition()
        self.worlds: dict[str, World] = {name: OWN[name]() if name in OWN else new_world(name) for name in names}
        self.urls: dict[str, str] = {}

    @contextmanager
    def serving(self, folder: Path) -> Iterator[None]:
        with ExitStack() as stack:
            for number, (name, world) in enumerate(self.worlds.items()):
                own = folder / f"{number}"
                own.mkdir(parents=True)
                self.urls[name] = stack.enter_context(world.served(own, partial(self._answering, name)))
            yield

    @contextmanager
    def _answering(self, name: str) -> Iterator[None]:
        with self._news:
            self.asked[name] += 1
            self.last = name
            self._news.notify_all()
        with self._change:
            yield

    def pipe(self, state: str, process: "subprocess.Popen[bytes]") -> None:
        """Writes what the taps send from that state on into a run, for as long as it reads."""
        assert process.stdin
        with suppress(BrokenPipeError), process.stdin as pipe:
            for name, world in self.worlds.items():
                if isinstance(world, Piped):
                    pieces = world.sent(state)
                    while piece := self._piece(name, pieces):
                        pipe.write(piece)
                        pipe.flush()

    def _piece(self, name: str, pieces: Iterator[bytes]) -> bytes:
        with self._answering(name):
            return next(pieces, b"")

    def begin(self) -> None:
        with self._news:
            self.asked.clear()
            self.last = None

    def wait_for(self, name: str, count: int, process: "subprocess.Popen[bytes]") -> None:
        """Until one of them was asked so often, or the process has ended."""
        with self._news:
            while self.asked[name] < count and process.poll() is None:
                self._news.wait(0.02)

    def change(self) -> None:
        """Somebody says something, or says it otherwise."""
        world = self.worlds[self._draw.choice(list(self.worlds))]
        self._now += _STEP
        with self._change:
            if world.edits and (len(world.said) >= MOST_SAID or self._draw.random() < 0.5):
                place = self._draw.randrange(len(world.said))
                world.said[place] = edited(world.said[place], self._text(), self._now)
            elif len(world.said) < MOST_SAID:
                world.said.append(Said(len(world.said) + 1, self._text(), self._now, self._now))
            world.publish()

    def _text(self) -> str:
        return self._draw.choice(_TEXTS).format(self._draw.randrange(10**6))

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Changes all the while, three to ten a second."""
        over = threading.Event()

        def go_on() -> None:
            while not over.wait(self._draw.uniform(0.1, 0.3)):
                self.change()

        thread = threading.Thread(target=go_on)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


class Project:
    """A project that collects from all of them, in a drawn order."""

    def __init__(self, folder: Path, served: Worlds, draw: random.Random) -> None:
        self.folder, self._served = folder, served
        self._secrets: dict[str, str] = {}
        names = list(served.worlds)
        draw.shuffle(names)
        sources = []
        for name in names:
            world = served.worlds[name]
            section = {"name": name, "collector": world.collector, "channel": "试验"}
            # One interface wants a key of its own making.
            variable = f"{SECRET_VARIABLE}_{len(sources)}"
            self._secrets[variable] = world.secret or SECRET
            sources.append({**section, **_renamed(world.section(served.urls[name]), variable)})
        folder.mkdir(parents=True)
        settings = {"project": {"name": "试验"}, "sources": sources}
        (folder / "feedback.toml").write_text(tomlkit.dumps(settings), encoding="utf-8")

    def start(self) -> "subprocess.Popen[bytes]":
        line = [sys.executable, "-m", "feedback", "--project", str(self.folder), "collect"]
        process = subprocess.Popen(
            line,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, **self._secrets},
            cwd=ROOT,
        )
        self._piping = threading.Thread(target=self._served.pipe, args=(self._state(), process))
        self._piping.start()
        return process

    def end(self, process: "subprocess.Popen[bytes]") -> str:
        """Waits for its end; what it complained of."""
        assert process.stderr
        complaints = process.stderr.read().decode()
        process.stderr.close()
        process.wait()
        self._piping.join()
        return complaints

    def run_to_end(self) -> None:
        process = self.start()
        complaints = self.end(process)
        if process.returncode:
            raise SystemExit(f"a run that nobody killed failed:\n{complaints}")

    def _state(self) -> str:
        """From where a tap goes on, as `feedback collect … --state` would say it, which would take as long as a run."""
        path = self.folder / "feedback.db"
        kept = None
        if path.exists():
            with closing(sqlite3.connect(path)) as database, suppress(sqlite3.OperationalError):  # no tables yet
                kept = database.execute("select state from cursors where source = 'singer'").fetchone()
        return SingerCollector().for_the_tap(kept and kept[0].partition(":")[2])

    def stored(self, source: str) -> list[tuple[str, str]]:
        with closing(sqlite3.connect(self.folder / "feedback.db")) as database:
            query = "select source_id, text from verbatims where source = ? and role = 'customer'"
            return database.execute(query, (source,)).fetchall()

    def check(self) -> None:
        with closing(sqlite3.connect(self.folder / "feedback.db")) as database:
            assert database.execute("pragma integrity_check").fetchall() == [("ok",)]
            assert database.execute("pragma foreign_key_check").fetchall() == []


def _renamed(section: Mapping[str, object], variable: str) -> dict[str, object]:
    """The section, its secret in another variable."""
    return {
        key: {"env": variable}
        if value == {"env": SECRET_VARIABLE}
        else _renamed(value, variable)
        if isinstance(value, dict)
        else value
        for key, value in section.items()
    }


class Attack:
    """Kills runs until there were enough; `outcome` grows with it."""

    def __init__(self, folder: Path, seed: int, names: list[str]) -> None:
        self.outcome = Outcome(figures={name: Figures() for name in names})
        self._folder = folder
        self._draw = random.Random(seed)
        asked = [name for name in names if name != UNNOTICED]
        self._usual = dict.fromkeys(asked, 5)  # how often a run asks; learnt from those that come to their end
        self._seconds = 1.0  # that a run takes, likewise

    def on_one_project(self, kills: int) -> None:
        """Kills runs of a new project so often, lets the last one end, and compares."""
        self.outcome.projects += 1
        served = Worlds(list(self.outcome.figures), self._draw)
        folder = self._folder / f"{self.outcome.projects}"
        with served.serving(folder / "worlds"):
            project = Project(folder / "project", served, self._draw)
            with served.changing():
                left = kills
                while left:
                    left -= self._killed(project, served)
            project.run_to_end()
            for name, world in served.worlds.items():
                self.outcome.figures[name].add_late(world.stored(), project.stored(name))
            project.run_to_end()
            project.check()
            for name, world in served.worlds.items():
                self.outcome.figures[name].add(world.stored(), project.stored(name))

    def _killed(self, project: Project, served: Worlds) -> bool:
        """Starts a run and kills it somewhere; False when it had ended before."""
        served.begin()
        began, name = time.monotonic(), self._draw.choice(list(self._usual))
        process = project.start()
        if self._draw.random() < 0.1:
            pause = self._draw.uniform(0, self._seconds)
        else:
            served.wait_for(name, self._draw.randint(1, self._usual[name]), process)
            pause = self._draw.choice((0.0, self._draw.uniform(0, 0.01), self._draw.uniform(0, 0.05)))
        try:
            process.wait(pause)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        complaints = project.end(process)
        if process.returncode == -signal.SIGKILL and not complaints:
            self.outcome.kills += 1
            if served.last is None:
                self.outcome.early += 1
            else:
                self.outcome.figures[served.last].killed += 1
            return True
        if process.returncode or complaints:
            raise SystemExit(f"a run failed by itself:\n{complaints}")
        self.outcome.ended += 1
        self._seconds = time.monotonic() - began
        self._usual = {name: served.asked[name] or 1 for name in self._usual}
        return False


def names_of_worlds() -> list[str]:
    """All but `rest` of the tests, whose pages are those of `rest, by cursor`."""
    return [*OWN, *(name for name in worlds() if name != "rest")]


def attack(folder: Path, kills: int, seed: int = SEED, names: list[str] | None = None) -> Iterator[Outcome]:
    """What came of it after each project; `names` of worlds, None: all."""
    going_on = Attack(folder, seed, names or names_of_worlds())
    while going_on.outcome.kills < kills:
        going_on.on_one_project(min(KILLS_A_PROJECT, kills - going_on.outcome.kills))
        yield going_on.outcome


def table(outcome: Outcome) -> Iterator[str]:
    yield (
        f"{outcome.kills:,} kills of {outcome.projects:,} projects, {outcome.early:,} before anything was asked; "
        f"{outcome.ended:,} runs ended before their kill"
    )
    yield f"{'collector':20} {'killed at it':>12} {'records':>8} {'late':>6} {'lost':>6} {'doubled':>8} {'stale':>6}"
    total = Counter[str]()
    for name, figures in outcome.figures.items():
        row = vars(figures)
        total.update(row)
        yield _line(name, row)
    yield _line("all", total)


def _line(name: str, row: "dict[str, int] | Counter[str]") -> str:
    return f"{name:20} {row['killed']:12,} {row['records']:8,} {row['late']:6,} {row['lost']:6,} {row['doubled']:8,} {row['stale']:6,}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--only", nargs="+", choices=names_of_worlds(), help="these collectors instead of all")
    arguments = parser.parse_args()
    outcome, began = Outcome(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="yuansheng-kills-") as folder:
        for outcome in attack(Path(folder), arguments.kills, arguments.seed, arguments.only):
            wrong = sum(figures.wrong for figures in outcome.figures.values())
            print(
                f"{outcome.kills:,} kills, {wrong} wrong, {time.monotonic() - began:,.0f} s",
                file=sys.stderr,
                flush=True,
            )
    for row in table(outcome):
        print(row)
    if any(figures.wrong for figures in outcome.figures.values()):
        sys.exit(1)


if __name__ == "__main__":
    main()
