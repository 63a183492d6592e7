"""A project with one live source, and the world that it is of: what the tests of the contract share."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from itertools import count
from pathlib import Path
from unittest.mock import patch

import pytest
from command import Ran, run
from worlds import SECRET_VARIABLE, Lack, Piped, Said, World, later, new_world, worlds

from feedback.collectors.live import LiveCollector, Page
from feedback.collectors.registry import load_collector
from feedback.errors import CollectError
from feedback.live import NO_WISH, Wish, collect_pages, visit_of
from feedback.project import load_project
from storage.journal import start_run
from storage.store import Store

SETTINGS = '[project]\nname = "合约"\n\n[analysis]\nengine = "fast"\n\n'


class Shop:
    """A project with one source, and the world it is of. `questions`: how often that was asked; before it answers it calls `asked`."""

    def __init__(self, folder: Path, world: World) -> None:
        self.folder, self.world, self.questions = folder, world, 0
        self.asked: Callable[[], None] = lambda: None
        self._last = world.said[-1]

    @contextmanager
    def opened(self) -> Iterator["Shop"]:
        with self.world.served(self.folder, self._answering) as url:
            section = {"name": "live", "collector": self.world.collector, "channel": "测试", **self.world.section(url)}
            lines = "\n".join(f"{key} = {toml(value)}" for key, value in section.items())
            self.settings.write_text(f"{SETTINGS}[[sources]]\n{lines}\n", encoding="utf-8")
            yield self

    @contextmanager
    def _answering(self) -> Iterator[None]:
        self.questions += 1
        self.asked()
        yield

    @property
    def settings(self) -> Path:
        return self.folder / "feedback.toml"

    def say(self, *more: Said) -> None:
        self.world.said += more
        self._last = more[-1]
        self.world.publish()

    def next(self, count: int = 1) -> list[Said]:
        """What would be said next, after all that was said ever."""
        return later(count, self._last)

    def say_more(self, count: int) -> None:
        self.say(*self.next(count))

    def change(self, place: int, one: Said) -> None:
        self.world.said[place] = one
        self.world.publish()

    def collect(self, *more: str) -> Ran:
        with self.piped():
            return run("collect", "--source", "live", *more, project=self.folder)

    def collect_until(self, pages: int) -> None:
        """Runs until so many pages are stored and is interrupted then; to its end, where there are fewer."""

        def stop(page: int) -> None:
            if page == pages:
                raise KeyboardInterrupt

        with suppress(KeyboardInterrupt):
            self.walk(stop)

    def walk(self, meanwhile: Callable[[int], None], wish: Wish = NO_WISH, now: datetime | None = None) -> None:
        """A run that calls `meanwhile` after each page with its number, as at the time `now`."""
        pages = count()

        def progress(_what: str, _more: int) -> None:
            if number := next(pages):  # the first call says that it is begun
                meanwhile(number)

        project = load_project(self.folder)
        config = project.source("live")
        collector = load_collector(config.collector)
        assert isinstance(collector, LiveCollector)
        visit = visit_of(project, config, wish)
        if now is not None:
            visit = replace(visit, now=now)
        with self.piped(), Store.open(project.database) as store:
            with store.transaction() as connection:
                run_id = start_run(connection, "collect", config.name)
            collect_pages(store, project, visit, collector, run_id, wish, progress)

    @contextmanager
    def piped(self) -> Iterator[None]:
        """What a tap sends to who goes on from what is stored; nothing where the source is asked."""
        if not isinstance(self.world, Piped):
            yield
            return
        told = run("collect", "--source", "live", "--state", project=self.folder)
        path = self.folder / "piped"
        path.write_bytes(b"".join(self.world.sent(told.out if told.code == 0 else "{}")))
        with path.open(encoding="utf-8") as file, patch("sys.stdin", file):
            yield

    def stored(self) -> dict[str, str]:
        with closing(sqlite3.connect(self.folder / "feedback.db")) as database:
            rows = database.execute(
                "select source_id, text from verbatims where role = 'customer' and source = 'live'"
            ).fetchall()
        assert len(rows) == len({row[0] for row in rows})
        return dict(rows)

    def column(self, name: str) -> dict[str, str | None]:
        """What the store has there of each thing a customer said."""
        with closing(sqlite3.connect(self.folder / "feedback.db")) as database:
            query = f"select source_id, {name} from verbatims where role = 'customer' and source = 'live'"
            return dict(database.execute(query).fetchall())

    def is_whole(self) -> bool:
        """Whether all that the world holds is stored as it is there, and nothing else but what it may have deleted without a word."""
        return not any(self.difference().values())

    def difference(self) -> dict[str, dict[str, str]]:
        """What is lost, stored in an older form, and there though it is not or no longer in the world."""
        stored, held = self.stored(), self.world.stored()
        return {
            "lost": {source_id: text for source_id, text in held.items() if source_id not in stored},
            "stale": {key: text for key, text in stored.items() if key in held and held[key] != text},
            "too much": {key: text for key, text in stored.items() if key not in held and key not in self.world.kept},
        }

    def needs(self, what: Lack) -> None:
        if what in self.world.without:
            pytest.skip(self.world.without[what])


@pytest.fixture(params=worlds())
def shop(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    world = new_world(request.param)
    with Shop(tmp_path, world).opened() as found:
        if world.secret is not None:
            monkeypatch.setenv(SECRET_VARIABLE, world.secret)
        yield found


@pytest.fixture
def small_pages(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was said is several pages, where the product says how large a page is."""
    for place, size in shop.world.page_sizes.items():
        monkeypatch.setattr(place, size)


def until_error(pages: Iterator[Page]) -> tuple[list[Page], str]:
    """The pages that come before an error, and what it says; "" where there is none."""
    found = list[Page]()
    try:
        for page in pages:
            found.append(page)
    except CollectError as error:
        return found, str(error)
    return found, ""


def toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else repr(value) if isinstance(value, int) else f'"{value}"'


def dump(folder: Path) -> list[tuple[object, ...]]:
    """All rows but those that say when something was run."""
    found: list[tuple[object, ...]] = []
    with closing(sqlite3.connect(folder / "feedback.db")) as database:
        tables = [row[0] for row in database.execute("select name from sqlite_master where type = 'table' order by 1")]
        for table in tables:
            if table in ("runs", "cursors") or table.startswith(("verbatims_fts", "sqlite_")):
                continue
            found += database.execute(f'select * from "{table}" order by 1').fetchall()
    return found
