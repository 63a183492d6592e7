"""What every collector that asks an interface holds to, whichever it is: nothing lost, nothing doubled, no secret told, every fault in words."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from command import Ran, run
from wire import Reply, Wire, wire
from worlds import NOW, SECRET, SECRET_VARIABLE, World, edited, new_world, said, worlds

from feedback.collectors.base import SourceConfig
from feedback.collectors.live import LiveCollector, Page, Visit
from feedback.collectors.live.vault import Vault
from feedback.collectors.registry import load_collector
from feedback.pipeline import collect
from feedback.project import load_project
from storage.store import Store

SETTINGS = '[project]\nname = "合约"\n\n[analysis]\nengine = "fast"\n\n'


class Shop:
    """A project with one source, and the world it is of."""

    def __init__(self, folder: Path, world: World, web: Wire) -> None:
        self.folder, self.world, self.web = folder, world, web
        section = {"name": "live", "collector": world.collector, "channel": "测试", **world.section(web.url)}
        lines = "\n".join(f"{key} = {toml(value)}" for key, value in section.items())
        (folder / "feedback.toml").write_text(f"{SETTINGS}[[sources]]\n{lines}\n", encoding="utf-8")

    def collect(self, *more: str) -> Ran:
        return run("collect", "--source", "live", *more, project=self.folder)

    def stored(self) -> dict[str, str]:
        with closing(sqlite3.connect(self.folder / "feedback.db")) as database:
            rows = database.execute(
                "select source_id, text from verbatims where role = 'customer' and source = 'live'"
            ).fetchall()
        assert len(rows) == len({row[0] for row in rows})
        return dict(rows)


def toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else repr(value) if isinstance(value, int) else f'"{value}"'


@pytest.fixture(params=worlds())
def shop(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setenv(SECRET_VARIABLE, SECRET)
    world = new_world(request.param)
    with wire(world.answer) as web:
        yield Shop(tmp_path, world, web)


def test_everything_is_collected_and_a_second_run_changes_nothing(shop: Shop) -> None:
    assert shop.collect().code == 0
    assert shop.stored() == shop.world.stored()
    before = dump(shop.folder)
    again = shop.collect()
    assert (again.code, again.err) == (0, "")
    assert again.out.startswith("live: 0 new")
    assert dump(shop.folder) == before


def test_what_was_said_since_comes_with_the_next_run(shop: Shop) -> None:
    shop.collect()
    shop.world.said += said(5, first=len(shop.world.said) + 1)
    assert shop.collect().out.startswith("live: 5 new")
    assert shop.stored() == shop.world.stored()


def test_an_edited_text_takes_the_place_of_the_old_one(shop: Shop) -> None:
    if not shop.world.edits:
        pytest.skip("this interface does not tell of edits")
    shop.collect()
    one = shop.world.said[3]
    shop.world.said[3] = edited(one, "改主意了：客服后来处理得很好", NOW - timedelta(hours=2))
    assert "1 changed" in shop.collect().out
    assert shop.stored() == shop.world.stored()


@pytest.mark.parametrize("pages", range(1, 6))
def test_cut_off_after_any_page_the_next_run_goes_on(shop: Shop, pages: int) -> None:
    left = pages

    def stop(_what: str, _more: int) -> None:
        nonlocal left
        left -= 1
        if not left:
            raise KeyboardInterrupt

    project = load_project(shop.folder)
    with Store.open(project.database) as store:
        try:
            collect(store, project, project.source("live"), stop)
        except KeyboardInterrupt:
            assert left == 0
    shop.world.said += said(3, first=len(shop.world.said) + 1)
    assert shop.collect().code == 0
    assert shop.stored() == shop.world.stored()


def test_a_storm_of_429_and_503_is_waited_out(shop: Shop) -> None:
    shop.web.faults = [
        Reply({"error": "slow down"}, 429, {"Retry-After": "0"}),
        Reply({"error": "slow down"}, 429, {"Retry-After": "0"}),
        Reply(b"", 503, {"Retry-After": "0"}),
    ]
    assert shop.collect().code == 0
    assert shop.stored() == shop.world.stored()


def test_a_connection_cut_in_the_middle_of_an_answer_is_asked_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    shop.web.faults = [Reply({"data": "x" * 5000}, cut=700)]
    assert shop.collect().code == 0
    assert shop.stored() == shop.world.stored()


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_refusal_is_said_in_words_and_nothing_is_stored(shop: Shop, status: int) -> None:
    shop.web.answer = lambda _asked: Reply({"error": "no"}, status)
    ran = shop.collect()
    assert ran.code == 1
    assert ran.err.startswith("Error: live: ")
    assert str(status) in ran.err or "key" in ran.err
    assert ran.err.count("\n") == 1
    assert shop.stored() == {}


BROKEN = {
    "a login page": Reply("<!doctype html><title>请登录</title>".encode(), headers={"Content-Type": "text/html"}),
    "nothing": Reply(b""),
    "half of it": Reply(b'{"data": [1, 2'),
    "another shape": Reply({"unexpected": {"version": 3}}),
    "a number": Reply(b"42"),
    "too deep": Reply(b"[" * 100_000 + b"]" * 100_000),
    "another site": Reply(b"", 302, {"Location": "https://login.example.com/sso?next=/"}),
}


@pytest.mark.parametrize("what", BROKEN)
def test_an_answer_that_is_none_is_said_in_words(shop: Shop, what: str) -> None:
    shop.web.answer = lambda _asked: BROKEN[what]
    ran = shop.collect()
    assert ran.code == 1
    assert ran.err.startswith("Error: live: ")
    assert ran.err.count("\n") == 1
    assert shop.stored() == {}


def test_no_secret_is_stored_or_shown(shop: Shop) -> None:
    assert SECRET not in (shop.folder / "feedback.toml").read_text(encoding="utf-8")
    shown = [shop.collect()]
    assert shop.stored() == shop.world.stored()
    shop.web.answer = lambda asked: Reply({"error": f"no {SECRET} {asked.headers}"}, 403)
    shown.append(shop.collect())
    shop.web.answer = lambda _asked: Reply(b"", 302, {"Location": f"https://elsewhere.example/{quote(SECRET)}"})
    shown.append(shop.collect())
    said_of_it = "".join(ran.out + ran.err for ran in shown)
    for form in (SECRET, quote(SECRET, safe="")):
        assert form not in said_of_it
        for path in shop.folder.iterdir():
            assert form.encode() not in path.read_bytes(), path.name


def test_a_secret_in_the_settings_themselves_is_refused(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    if not any(asked.headers for asked in shop.web.asked) and SECRET_VARIABLE not in str(shop.world.section("")):
        pytest.skip("this interface wants no key")
    monkeypatch.delenv(SECRET_VARIABLE)
    ran = shop.collect()
    assert ran.code == 1
    assert f"the environment variable {SECRET_VARIABLE} is not set" in ran.err
    settings = shop.folder / "feedback.toml"
    written = settings.read_text(encoding="utf-8").replace(f'{{ env = "{SECRET_VARIABLE}" }}', f'"{SECRET}"')
    settings.write_text(written, encoding="utf-8")
    ran = shop.collect()
    assert ran.code == 1
    assert "is a secret, which does not belong in this file" in ran.err
    assert SECRET not in ran.err


def test_a_limit_leaves_the_rest_for_the_next_run(shop: Shop) -> None:
    assert shop.collect("--limit", "3").code == 0
    assert 0 < len(shop.stored()) <= 3
    assert shop.collect().code == 0
    assert shop.stored() == shop.world.stored()


def test_since_leaves_out_what_is_older_and_loses_nothing_for_later(shop: Shop) -> None:
    middle = sorted(one.posted_at for one in shop.world.said)[len(shop.world.said) // 2]
    assert shop.collect().code == 0
    recent = [one for one in shop.world.said if one.posted_at >= middle]
    assert shop.collect("--since", middle.strftime("%Y-%m-%dT%H:%M:%SZ")).code == 0
    shop.world.said += said(2, first=len(shop.world.said) + 1)
    assert recent
    assert shop.collect().code == 0
    assert shop.stored() == shop.world.stored()


def test_what_is_older_than_the_since_of_a_first_run_comes_with_the_next(shop: Shop) -> None:
    middle = sorted(one.posted_at for one in shop.world.said)[len(shop.world.said) // 2]
    assert shop.collect("--since", middle.strftime("%Y-%m-%dT%H:%M:%SZ")).code == 0
    assert shop.collect().code == 0
    assert shop.stored() == shop.world.stored()


def test_a_dry_run_shows_and_stores_nothing(shop: Shop) -> None:
    ran = shop.collect("--dry-run")
    assert ran.code == 0, ran.err
    assert f"live: {len(shop.world.said)} would be stored" in ran.out or "would be stored" in ran.out
    assert not (shop.folder / "feedback.db").exists()


def test_a_saved_answer_gives_the_same_as_asking(shop: Shop) -> None:
    saved = shop.folder / "answer.saved"
    saved.write_bytes(shop.world.saved())
    assert shop.collect("--load", str(saved)).code == 0, "load"
    assert shop.stored() == shop.world.stored()
    asked = len(shop.web.asked)
    assert asked == 0
    assert shop.collect().out.startswith("live: 0 new")
    assert shop.stored() == shop.world.stored()


def test_a_key_that_it_does_not_know_is_named(shop: Shop) -> None:
    settings = shop.folder / "feedback.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + 'tokne = "x"\n', encoding="utf-8")
    ran = shop.collect()
    assert ran.code == 1
    assert "unknown 'tokne'" in ran.err


def test_a_page_is_never_larger_than_what_is_held_in_memory(shop: Shop) -> None:
    """A page is a transaction: no collector gives everything as one."""
    shop.world.said += said(3000, first=len(shop.world.said) + 1)
    assert max(len(page.items) for page in pages_of(shop)) <= 2500


def pages_of(shop: Shop) -> Iterator[Page]:
    project = load_project(shop.folder)
    config: SourceConfig = project.source("live")
    collector = load_collector(config.collector)
    assert isinstance(collector, LiveCollector)
    visit = Visit(config, Vault(project.folder), NOW)
    for stream in collector.streams(visit):
        yield from collector.pages(stream, None, visit)


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
