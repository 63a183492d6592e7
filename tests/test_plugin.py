"""The example of a collector in a package of its own: built, installed by pip, found by its entry point, collected through."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from processes import command
from wire import Asked, Reply, Wire, wire

EXAMPLE = Path(__file__).parent.parent / "examples" / "collector-plugin"
KEY = "gb-Very/Secret+0042"
SETTINGS = (
    '[project]\nname = "客栈"\n\n[[sources]]\nname = "留言簿"\ncollector = "guest-book"\n'
    'url = "{url}/api"\ntoken = {{ env = "GUEST_BOOK_KEY" }}\n'
)
_BUILDS_WHEELS = (70, 1)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package in it, as pip installs it; nothing is fetched for it."""
    found = tuple(int(part) for part in version("setuptools").split(".")[:2])
    if found < _BUILDS_WHEELS:
        pytest.skip("setuptools before 70.1 can't build a wheel by itself: pip install --upgrade setuptools")
    folder = tmp_path_factory.mktemp("plugin")
    shutil.copytree(EXAMPLE, folder / "source")  # building leaves files behind
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps"]
    line = [*pip, "--no-build-isolation", "--target", str(folder / "site"), str(folder / "source")]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "site"


class Book:
    """The guest book: numbered entries, of which some were taken back."""

    def __init__(self, count: int) -> None:
        self.entries: list[dict[str, object]] = []
        self.gone: list[int] = []
        self.write(count)

    def write(self, count: int) -> None:
        for number in range(len(self.entries) + 1, len(self.entries) + count + 1):
            words = f"早餐很丰盛，第{number}次来，打13800138000没人接"
            said = {"id": number, "written": f"2026-02-24T10:{number % 60:02}:00+08:00", "by": "u-阿宝", "words": words}
            self.entries.append({**said, "stars": number % 5 + 1})

    def answer(self, asked: Asked) -> Reply:
        if asked.headers.get("X-Guest-Book-Key") != KEY:
            return Reply({"error": "who are you?"}, 401)
        after, limit = int(asked.query["after"]), int(asked.query["limit"])
        told = [{"id": number, "gone": True} for number in self.gone] if asked.path == "/api/gone" else self.entries
        rows = [entry for entry in told if int(str(entry["id"])) > after]
        return Reply({"entries": rows[:limit], "more": len(rows) > limit})


class Inn:
    """A project that has the package, and a guest book to collect from."""

    def __init__(self, folder: Path, site: Path, book: Book, web: Wire) -> None:
        self.folder, self.book, self.web = folder, book, web
        self.environment = {**os.environ, "PYTHONPATH": str(site), "GUEST_BOOK_KEY": KEY}
        (folder / "feedback.toml").write_text(SETTINGS.format(url=web.url), encoding="utf-8")

    def run(self, *arguments: str) -> tuple[int, str, str]:
        line = command(self.folder, *arguments)
        done = subprocess.run(line, capture_output=True, text=True, check=False, env=self.environment)
        return done.returncode, done.stdout, done.stderr

    def stored(self, columns: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.folder / "feedback.db")) as database:
            return database.execute(f"select {columns} from verbatims order by cast(source_id as integer)").fetchall()


@contextmanager
def inn(folder: Path, site: Path, count: int) -> Iterator[Inn]:
    book = Book(count)
    with wire(book.answer) as web:
        yield Inn(folder, site, book, web)


def test_what_the_package_collects_is_taken_in_as_from_any_collector(tmp_path: Path, site: Path) -> None:
    with inn(tmp_path, site, 250) as here:
        assert here.run("collect") == (0, "留言簿: 250 new\n", "")
        assert [asked.query["after"] for asked in here.web.asked if asked.path == "/api/entries"] == ["0", "100", "200"]
        first = here.stored("source_id, channel, kind, posted_at, text")[0]
        assert first == ("1", "留言簿", "review", "2026-02-24T02:01:00Z", "早餐很丰盛，第1次来，打[手机号]没人接")
        assert here.run("collect") == (0, "留言簿: 0 new\n", "")
        here.book.write(3)
        here.book.gone.append(7)
        code, out, err = here.run("collect")
        assert (code, err) == (0, "")
        assert out.startswith("留言簿: 3 new")
        ids = [row[0] for row in here.stored("source_id")]
        assert ids == [str(number) for number in range(1, 254) if number != 7]
        raw = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        assert KEY.encode() not in raw
        assert "阿宝".encode() not in raw


def test_its_settings_are_checked_with_the_project(tmp_path: Path, site: Path) -> None:
    with inn(tmp_path, site, 1) as here:
        _, out, _ = here.run("doctor")
        assert "ok  Source 留言簿: settings in order: entries, gone\n" in out
        settings = tmp_path / "feedback.toml"
        settings.write_text(settings.read_text(encoding="utf-8") + 'tokne = "x"\n', encoding="utf-8")
        code, _, err = here.run("collect")
        assert code == 1
        assert "unknown 'tokne'" in err
        assert here.web.asked == []


def test_it_is_among_the_collectors_that_are_known_where_it_is_installed_and_only_there(
    tmp_path: Path, site: Path
) -> None:
    with inn(tmp_path, site, 1) as here:
        assert "guest-book" in here.run("collect", "gestbook", "x")[2]
        del here.environment["PYTHONPATH"]
        code, out, err = here.run("collect")
        assert (code, out) == (1, "")
        assert err.startswith("Error: 留言簿: No collector named 'guest-book'. Known: ")


NOTHING_NEW = "says that there is more and shows nothing new. Has the interface changed?"
BROKEN: list[tuple[str, Callable[[Asked], Reply], str]] = [
    ("a refusal", lambda _asked: Reply({}, 401), "refuses (401). The key is missing, wrong or has run out."),
    ("another shape", lambda _asked: Reply({"items": []}), "holds no list 'entries'. Has the interface changed?"),
    ("more of nothing", lambda _asked: Reply({"entries": [], "more": True}), NOTHING_NEW),
    ("the same again", lambda _asked: Reply({"entries": [{"id": 5, "words": "一样"}], "more": True}), NOTHING_NEW),
    ("more without numbers", lambda _asked: Reply({"entries": [{"words": "谁？"}], "more": True}), NOTHING_NEW),
]


@pytest.mark.parametrize("answer, said", [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_what_goes_wrong_is_said_in_a_sentence(
    answer: Callable[[Asked], Reply], said: str, tmp_path: Path, site: Path
) -> None:
    with inn(tmp_path, site, 1) as here:
        here.web.answer = answer
        code, _, err = here.run("collect")
        assert code == 1
        assert f"{here.web.url.removeprefix('http://')}/api/entries {said}" in err
        assert KEY not in err


def test_a_saved_answer_is_read_and_what_is_no_entry_is_told(tmp_path: Path, site: Path) -> None:
    with inn(tmp_path, site, 2) as here:
        saved = tmp_path / "answer.json"
        saved.write_text(json.dumps({"entries": [*here.book.entries, {"words": "谁？"}]}), encoding="utf-8")
        code, out, err = here.run("collect", "--source", "留言簿", "--load", str(saved))
        assert (code, err) == (0, "")
        assert out.startswith("留言簿: 2 new, 1 rows or fields could not be used")
        assert here.web.asked == []
        saved.write_text('{"entries": 3}', encoding="utf-8")
        _, _, err = here.run("collect", "--source", "留言簿", "--load", str(saved))
        assert err == "Error: 留言簿: answer.json holds no list 'entries'. Has the interface changed?\n"


def test_killed_at_any_page_nothing_is_missing_and_nothing_twice(tmp_path: Path, site: Path) -> None:
    with inn(tmp_path, site, 550) as here:
        for pages in (1, 2, 3, 5):
            running = subprocess.Popen(
                command(tmp_path, "collect"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=here.environment
            )
            wait_for = len(here.web.asked) + pages
            while len(here.web.asked) < wait_for and running.poll() is None:
                time.sleep(0.002)
            running.send_signal(signal.SIGKILL)
            running.communicate()
        here.book.write(10)
        assert here.run("collect")[0] == 0
        assert [row[0] for row in here.stored("source_id")] == [str(number) for number in range(1, 561)]
