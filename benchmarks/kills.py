"""Live sources whose collecting is killed at random moments, again and again: `python -m benchmarks.kills --kills 1000`.

A project has one source of each interface that the tests have a copy of (`tests/worlds`), each on a server of its own. While `feedback
collect` runs as a process, records are added and edited; it is killed (SIGKILL) after some answer and some milliseconds, every tenth
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
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import tomlkit

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from wire import Asked, Reply, Wire, wire  # noqa: E402
from worlds import NOW, SECRET, SECRET_VARIABLE, Interface, Said, edited, kind_of, worlds  # noqa: E402

from benchmarks.kill_worlds import OWN  # noqa: E402

SEED = 20260301
KILLS_A_PROJECT = 40
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


class Interfaces:
    """One server for each world, and what was asked of them."""

    def __init__(self, names: list[str], draw: random.Random) -> None:
        self.asked = Counter[str]()  # of each, since the run began
        self.last: str | None = None
        self._draw = draw
        self._now = NOW - timedelta(days=1)
        self._change = threading.Lock()
        self._news = threading.Condition()
        self.worlds = {name: OWN[name]() if name in OWN else _interface(name) for name in names}
        self.urls: dict[str, str] = {}

    @contextmanager
    def serving(self) -> Iterator[None]:
        with ExitStack() as stack:
            for name in self.worlds:
                server: Wire = stack.enter_context(wire(lambda asked, name=name: self._answer(name, asked)))
                self.urls[name] = server.url
            yield

    def _answer(self, name: str, asked: Asked) -> Reply:
        with self._news:
            self.asked[name] += 1
            self.last = name
            self._news.notify_all()
        with self._change:
            return self.worlds[name].answer(asked)

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

    def __init__(self, folder: Path, interfaces: Interfaces, draw: random.Random) -> None:
        self.folder, self._interfaces = folder, interfaces
        self._secrets: dict[str, str] = {}
        names = list(interfaces.worlds)
        draw.shuffle(names)
        sources = []
        for name in names:
            world = interfaces.worlds[name]
            section = {"name": name, "collector": world.collector, "channel": "试验"}
            # One interface wants a key of its own making.
            variable = f"{SECRET_VARIABLE}_{len(sources)}"
            self._secrets[variable] = world.secret or SECRET
            sources.append({**section, **_renamed(world.section(interfaces.urls[name]), variable)})
        folder.mkdir(parents=True)
        settings = {"project": {"name": "试验"}, "sources": sources}
        (folder / "feedback.toml").write_text(tomlkit.dumps(settings), encoding="utf-8")

    def start(self) -> "subprocess.Popen[bytes]":
        line = [sys.executable, "-m", "feedback", "--project", str(self.folder), "collect"]
        secrets = {**os.environ, **self._secrets}
        return subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=secrets, cwd=ROOT)

    def run_to_end(self) -> None:
        process = self.start()
        _, complaints = process.communicate()
        if process.returncode:
            raise SystemExit(f"a run that nobody killed failed:\n{complaints.decode()}")

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
        self._usual = dict.fromkeys(names, 5)  # how often a run asks; learnt from those that come to their end
        self._seconds = 1.0  # that a run takes, likewise

    def on_one_project(self, kills: int) -> None:
        """Kills runs of a new project so often, lets the last one end, and compares."""
        self.outcome.projects += 1
        interfaces = Interfaces(list(self.outcome.figures), self._draw)
        with interfaces.serving():
            project = Project(self._folder / f"{self.outcome.projects}", interfaces, self._draw)
            with interfaces.changing():
                left = kills
                while left:
                    left -= self._killed(project, interfaces)
            project.run_to_end()
            for name, world in interfaces.worlds.items():
                self.outcome.figures[name].add_late(world.stored(), project.stored(name))
            project.run_to_end()
            project.check()
            for name, world in interfaces.worlds.items():
                self.outcome.figures[name].add(world.stored(), project.stored(name))

    def _killed(self, project: Project, interfaces: Interfaces) -> bool:
        """Starts a run and kills it somewhere; False when it had ended before."""
        interfaces.begin()
        began, name = time.monotonic(), self._draw.choice(list(self._usual))
        process = project.start()
        if self._draw.random() < 0.1:
            pause = self._draw.uniform(0, self._seconds)
        else:
            interfaces.wait_for(name, self._draw.randint(1, self._usual[name]), process)
            pause = self._draw.choice((0.0, self._draw.uniform(0, 0.01), self._draw.uniform(0, 0.05)))
        try:
            process.wait(pause)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        _, complaints = process.communicate()
        if process.returncode == -signal.SIGKILL and not complaints:
            self.outcome.kills += 1
            if interfaces.last is None:
                self.outcome.early += 1
            else:
                self.outcome.figures[interfaces.last].killed += 1
            return True
        if process.returncode or complaints:
            raise SystemExit(f"a run failed by itself:\n{complaints.decode()}")
        self.outcome.ended += 1
        self._seconds = time.monotonic() - began
        self._usual = {name: interfaces.asked[name] or 1 for name in self._usual}
        return False


def _interface(name: str) -> Interface:
    world = kind_of(name)()
    assert isinstance(world, Interface)
    return world


def names_of_worlds() -> list[str]:
    """All that speak HTTP but `rest` of the tests, whose pages are those of `rest, by cursor`."""
    return [*OWN, *(name for name in worlds() if name != "rest" and issubclass(kind_of(name), Interface))]


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
