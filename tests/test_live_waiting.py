"""What a run says while a source makes it wait, and what it hands on of that to whoever runs it again."""

from pathlib import Path

import pytest
from wire import Reply, wire

from feedback.cli.collect_run import run_source
from feedback.cli.common import progress_bar
from feedback.collectors.live.patience import Unreachable
from feedback.collectors.rss import RssCollector
from feedback.errors import CollectError
from feedback.live import NO_WISH, preview, visit_of
from feedback.pipeline import collect
from feedback.project import Project, load_project
from storage.store import Store

ROW = {"id": 1, "body": "物流太慢", "at": "2026-02-01T08:00:00Z"}
BUSY = Reply({"error": "slow down"}, 429, {"Retry-After": "0"})


def shop(folder: Path, url: str) -> Project:
    (folder / "feedback.toml").write_text(
        f'[[sources]]\nname = "工单"\ncollector = "rest"\nurl = "{url}/v1"\n'
        'columns = { text = "body", source_id = "id", posted_at = "at" }\n',
        encoding="utf-8",
    )
    return load_project(folder)


def test_a_wait_is_shown_while_it_lasts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[str, int]] = []
    slept: list[int] = []  # how much was shown by then
    monkeypatch.setattr("time.sleep", lambda seconds: slept.append(len(shown)) if seconds else None)
    with wire(lambda _asked: Reply([ROW])) as web:
        web.faults = [BUSY, Reply(b"", 503, {"Retry-After": "90"})]
        project = shop(tmp_path, web.url)
        with Store.open(project.database) as store:
            collect(store, project, project.source("工单"), lambda what, more: shown.append((what, more)))
    host = web.url.removeprefix("http://")
    assert shown[:2] == [("records", 0), (f"{host}/v1 asks for fewer requests (429). Waiting 0 s.", 0)]
    assert shown[2][0].startswith(f"{host}/v1 has trouble (503). Waiting ")
    assert shown[3:] == [("records", 1)]
    assert slept == [2, 3]


def test_a_wait_shows_nothing_of_an_address_that_is_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    item = "<item><guid>https://forum.example/1</guid><description>物流太慢</description></item>"
    feed = f'<rss version="2.0"><channel><title>论坛</title>{item}</channel></rss>'.encode()
    shown: list[str] = []
    with wire(lambda asked: Reply(b"", 404) if asked.path == "/robots.txt" else Reply(feed)) as web:
        monkeypatch.setenv("FORUM_FEED", f"{web.url}/private/forum/Zx9QmT4vR7bK2nW8/feed.xml?key=k-0042")
        (tmp_path / "feedback.toml").write_text(
            '[[sources]]\nname = "论坛"\ncollector = "rss"\nurls = [{ env = "FORUM_FEED" }]\n', encoding="utf-8"
        )
        project, collector = load_project(tmp_path), RssCollector()
        host = web.url.removeprefix("http://")

        def tell(what: str, _more: int) -> None:
            shown.append(what)

        with Store.open(project.database) as store:
            web.faults = [Reply(b"", 404), BUSY]  # the first one asks for robots.txt
            collect(store, project, project.source("论坛"), tell)
            web.faults = [Reply(b"", 404), BUSY]
            preview(store, project, visit_of(project, project.source("论坛"), NO_WISH), collector, NO_WISH, tell)
    waits = [what for what in shown if "Waiting" in what]
    assert waits == [f"{host}… asks for fewer requests (429). Waiting 0 s."] * 2


def test_how_long_a_source_wants_to_be_left_alone_is_handed_on(tmp_path: Path) -> None:
    with wire(lambda _asked: Reply(b"", 429, {"Retry-After": "7200"})) as web:
        project = shop(tmp_path, web.url)
        with Store.open(project.database) as store:
            with pytest.raises(Unreachable, match="asked again in 120 minutes") as error:
                collect(store, project, project.source("工单"), lambda _what, _more: None)
            assert error.value.wait_seconds == 7200
            attempt = run_source(store, project, project.source("工单"))
    assert (attempt.complete, attempt.wait_seconds) == (False, 7200)


LONG = "127.0.0.1:8901/zd/api/v2/tickets/104/comments.json asks for fewer requests (429). Waiting 60 s."


@pytest.mark.parametrize(
    "columns, shown",
    [
        (120, f"工单: 0  {LONG}"),
        (80, "工单: 0  127.0.0.1:89…omments.json asks for fewer requests (429). Waiting 60 s."),
        (48, "工单: 0  or fewer requests (429). Waiting 60 s."),
    ],
)
def test_a_terminal_shows_who_is_waited_for_and_how_long(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: int, shown: str
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    with progress_bar("工单") as progress:
        progress(LONG, 0)
        progress("/a/very/long/path/of/a/folder/" * 4 + "评价.csv", 7)
    waiting, reading = capsys.readouterr().err.rstrip("\n").split("\r")[1:]
    assert waiting.rstrip() == shown
    assert reading.endswith("/folder/评价.csv")
    assert len(waiting) == columns - 3  # the last column stays empty, two characters take two
    assert len(reading) == columns - 5


def test_a_refusal_asks_for_no_wait(tmp_path: Path) -> None:
    with wire(lambda _asked: Reply(b"", 403)) as web:
        project = shop(tmp_path, web.url)
        with Store.open(project.database) as store:
            with pytest.raises(CollectError) as error:
                collect(store, project, project.source("工单"), lambda _what, _more: None)
            assert not isinstance(error.value, Unreachable)
            attempt = run_source(store, project, project.source("工单"))
    assert (attempt.complete, attempt.wait_seconds) == (False, 0.0)
