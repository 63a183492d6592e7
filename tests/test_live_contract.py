"""What every collector of a live source holds to, whichever it is: nothing lost, nothing doubled, no secret told, every fault in words.

What it is asked for it has in a world of its own (`tests/worlds`); the project around it is in `tests/contract.py`. What the world may do
meanwhile is in `test_live_contract_changes.py`.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote

import pytest
from command import Ran, run
from contract import Shop, dump, shop, small_pages
from wire import Reply, Wire
from worlds import NOW, SECRET_VARIABLE, Interface, edited, kind_of, worlds

from feedback.collectors.base import SourceConfig
from feedback.collectors.live import LiveCollector, Page, Visit
from feedback.collectors.live.vault import Vault
from feedback.collectors.registry import load_collector
from feedback.project import load_project

__all__ = ["shop", "small_pages"]

NO_KEY = "this source is asked without a key"


@pytest.fixture
def web(shop: Shop) -> Wire:
    """The server of a world that speaks HTTP."""
    if not isinstance(shop.world, Interface):
        pytest.skip(f"HTTP has this; here {shop.world.speaks} is spoken")
    return shop.world.web


def test_everything_is_collected_and_a_second_run_changes_nothing(shop: Shop) -> None:
    assert shop.collect().code == 0
    assert shop.is_whole()
    before = dump(shop.folder)
    again = shop.collect()
    assert (again.code, again.err) == (0, "")
    assert again.out.startswith("live: 0 new")
    assert dump(shop.folder) == before


def test_what_was_said_since_comes_with_the_next_run(shop: Shop) -> None:
    shop.collect()
    before = len(shop.world.stored())
    shop.say_more(5)
    assert shop.collect().out.startswith(f"live: {len(shop.world.stored()) - before} new")
    assert shop.is_whole()


def test_an_edited_text_takes_the_place_of_the_old_one(shop: Shop) -> None:
    if not shop.world.edits:
        pytest.skip("this source does not tell of edits")
    shop.collect()
    shop.change(3, edited(shop.world.said[3], "改主意了：客服后来处理得很好", NOW - timedelta(hours=2)))
    assert "1 changed" in shop.collect().out
    assert shop.is_whole()


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("pages", range(1, 6))
def test_cut_off_after_any_page_the_next_run_goes_on(shop: Shop, pages: int) -> None:
    shop.collect_until(pages)
    shop.say_more(3)
    assert shop.collect().code == 0
    assert shop.is_whole()


def test_a_storm_of_429_and_503_is_waited_out(shop: Shop, web: Wire) -> None:
    web.faults = [
        Reply({"error": "slow down"}, 429, {"Retry-After": "0"}),
        Reply({"error": "slow down"}, 429, {"Retry-After": "0"}),
        Reply(b"", 503, {"Retry-After": "0"}),
    ]
    assert shop.collect().code == 0
    assert shop.is_whole()


def test_a_connection_cut_in_the_middle_of_an_answer_loses_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    if shop.world.breaks is None:
        pytest.skip("there is no connection: it is a file on this machine")
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    shop.world.break_off()
    ran = shop.collect()
    if shop.world.breaks == "told":
        assert (ran.code, ran.err.startswith("Error: live: "), ran.err.count("\n")) == (1, True, 1)
        ran = shop.collect()
    assert ran.code == 0
    assert shop.is_whole()


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_refusal_is_said_in_words_and_nothing_is_stored(shop: Shop, web: Wire, status: int) -> None:
    web.answer = lambda _asked: Reply({"error": "no"}, status)
    ran = shop.collect()
    assert ran.code == 1
    assert ran.err.startswith("Error: live: ")
    assert str(status) in ran.err or "key" in ran.err
    assert ran.err.count("\n") == 1
    assert shop.stored() == {}


@pytest.mark.parametrize(
    ("shop", "nonsense"), [(name, what) for name in worlds() for what in kind_of(name).nonsense], indirect=["shop"]
)
def test_an_answer_that_is_none_is_said_in_words(shop: Shop, nonsense: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    shop.world.talk(nonsense)
    ran = shop.collect()
    assert ran.code == 1
    assert ran.err.startswith("Error: live: ")
    assert ran.err.count("\n") == 1
    assert shop.stored() == {}


def test_no_secret_is_stored_or_shown(shop: Shop) -> None:
    secret = secret_of(shop)
    assert secret not in shop.settings.read_text(encoding="utf-8")
    shown = [shop.collect()]
    assert shop.is_whole()
    shop.world.refuse(f"no {shop.world.secret}")
    shown.append(shop.collect())
    assert [ran.code for ran in shown] == [0, 1]
    assert_hidden(shop, secret, *shown)


def test_a_secret_that_an_answer_holds_among_what_was_said_is_not_stored(shop: Shop) -> None:
    secret = secret_of(shop)
    if secret != shop.world.secret:
        pytest.skip("its key has many lines, and nobody sends those back")
    [one] = shop.next()
    shop.say(replace(one, text=f"请求头 {secret} 被打印出来了"))
    ran = shop.collect()
    assert ran.code == 0
    assert "请求头 … 被打印出来了" in shop.stored().values()
    assert_hidden(shop, secret, ran)
    assert shop.collect().out.startswith(("live: 0 new", "live: nothing new"))


def test_a_secret_that_a_saved_answer_holds_is_not_stored(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = secret_of(shop)
    if secret != shop.world.secret:
        pytest.skip("its key has many lines, and nobody sends those back")
    [one] = shop.next()
    shop.say(replace(one, text=f"请求头 {secret} 被打印出来了"))
    saved = shop.folder / shop.world.saved_as
    saved.write_bytes(shop.world.saved())
    ran = shop.collect("--load", str(saved), "--dry-run", "--limit", "100")
    assert secret not in ran.out + ran.err
    ran = shop.collect("--load", str(saved))
    assert ran.code == 0
    saved.unlink()
    assert "请求头 … 被打印出来了" in shop.stored().values()
    assert_hidden(shop, secret, ran)
    saved.write_bytes(shop.world.saved())
    monkeypatch.delenv(SECRET_VARIABLE)
    assert shop.collect("--load", str(saved)).code == 0


def test_half_a_character_and_a_nul_cost_what_was_said_nothing_else(shop: Shop) -> None:
    if shop.world.collector in ("app-store", "imap", "rss", "sql"):
        pytest.skip("they are nothing that XML, mails and SQLite could hold")
    [one] = shop.next()
    shop.say(replace(one, text="快递\ud83d员很\0好，下次还来"))
    ran = shop.collect()
    assert (ran.code, ran.err) == (0, "")
    assert "快递员很好，下次还来" in shop.stored().values()
    assert shop.stored().keys() == shop.world.stored().keys()
    assert shop.collect().out.startswith(("live: 0 new", "live: nothing new"))


def test_doctor_says_that_the_setting_for_a_secret_is_missing(shop: Shop) -> None:
    written = shop.settings.read_text(encoding="utf-8").splitlines()
    named = [line.partition(" = ")[0] for line in written if line.endswith(f'= {{ env = "{SECRET_VARIABLE}" }}')]
    if not named:
        pytest.skip("it has no setting that is a secret by itself")
    kept = [line for line in written if not line.startswith(f"{named[0]} = ")]
    shop.settings.write_text("\n".join(kept), encoding="utf-8")
    ran = run("doctor", project=shop.folder)
    assert ran.code == 1
    assert f"'{named[0]}'" in ran.out
    assert "BAD Source live" in ran.out


def test_no_secret_is_shown_of_an_address_that_an_answer_leads_to(shop: Shop, web: Wire) -> None:
    secret, whole = secret_of(shop), shop.world.secret or ""
    elsewhere = f"https://elsewhere.example/{quote(whole)}"
    web.answer = lambda _asked: Reply(b"", 302, {"Location": elsewhere})
    ran = shop.collect()
    assert ran.code == 1
    assert_hidden(shop, secret, ran)


def secret_of(shop: Shop) -> str:
    """Of a key of many lines one that is the key itself."""
    if shop.world.secret is None:
        pytest.skip(NO_KEY)
    return max(shop.world.secret.splitlines(), key=len)


def assert_hidden(shop: Shop, secret: str, *shown: Ran) -> None:
    for form in (secret, quote(secret, safe="")):
        assert form not in "".join(ran.out + ran.err for ran in shown)
        for path in shop.folder.iterdir():
            assert form.encode() not in path.read_bytes(), path.name


def test_a_secret_in_the_settings_themselves_is_refused(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = secret_of(shop)
    monkeypatch.delenv(SECRET_VARIABLE)
    ran = shop.collect()
    assert ran.code == 1
    assert f"the environment variable {SECRET_VARIABLE} is not set" in ran.err
    written = shop.settings.read_text(encoding="utf-8").replace(f'{{ env = "{SECRET_VARIABLE}" }}', f'"{secret}"')
    shop.settings.write_text(written, encoding="utf-8")
    ran = shop.collect()
    assert ran.code == 1
    assert "is a secret, which does not belong in this file" in ran.err
    assert secret not in ran.err


def test_a_limit_leaves_the_rest_for_the_next_run(shop: Shop) -> None:
    assert shop.collect("--limit", "3").code == 0
    assert 0 < len(shop.stored()) <= 3
    assert shop.collect().code == 0
    assert shop.is_whole()


def test_since_leaves_out_what_is_older_and_loses_nothing_for_later(shop: Shop) -> None:
    assert shop.collect().code == 0
    shop.say_more(2)
    assert shop.collect("--since", middle_of(shop)).code == 0
    shop.say_more(2)
    assert shop.collect().code == 0
    assert shop.is_whole()


def test_what_is_older_than_the_since_of_a_first_run_comes_with_the_next(shop: Shop) -> None:
    assert shop.collect("--since", middle_of(shop)).code == 0
    assert 0 < len(shop.stored()) < len(shop.world.stored())
    assert shop.collect().code == 0
    assert shop.is_whole()


def middle_of(shop: Shop) -> str:
    middle = sorted(one.posted_at for one in shop.world.said)[len(shop.world.said) // 2]
    return middle.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_dry_run_shows_and_stores_nothing(shop: Shop) -> None:
    ran = shop.collect("--dry-run")
    assert ran.code == 0, ran.err
    assert "would be stored" in ran.out
    assert not (shop.folder / "feedback.db").exists()


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("meanwhile", ["nothing was stored", "more was said", "a text was edited", "settings changed"])
def test_a_dry_run_tells_what_a_run_does(shop: Shop, meanwhile: str) -> None:
    shop.world.overlap = 3  # what pages show again is one all the same
    shop.world.publish()
    if meanwhile != "nothing was stored":
        shop.collect()
    if meanwhile == "more was said":
        shop.say_more(3)
    elif meanwhile == "a text was edited":
        shop.change(3, edited(shop.world.said[3], "改主意了：客服后来处理得很好", NOW - timedelta(hours=2)))
    elif meanwhile == "settings changed":
        settings = shop.settings.read_text(encoding="utf-8")
        shop.settings.write_text(settings.replace('channel = "测试"', 'channel = "别处"'), encoding="utf-8")
    before = dump(shop.folder) if meanwhile != "nothing was stored" else None
    foreseen = shop.collect("--dry-run").out
    assert before is None or dump(shop.folder) == before
    assert announced(foreseen) == told_of(shop.collect().out), foreseen


def announced(out: str) -> tuple[int, int]:
    """How many a dry run says would be new, and changed."""
    said = re.search(r"live: ([\d,]+) would be stored(?:, ([\d,]+) of them in place)?", out)
    assert said, out
    changed = int((said[2] or "0").replace(",", ""))
    return int(said[1].replace(",", "")) - changed, changed


def told_of(out: str) -> tuple[int, int]:
    """How many a run says were new, and changed."""
    said = re.match(r"live: (?:([\d,]+) new|nothing new)(?:, ([\d,]+) changed)?", out)
    assert said, out
    return int((said[1] or "0").replace(",", "")), int((said[2] or "0").replace(",", ""))


def test_a_saved_answer_gives_the_same_as_asking(shop: Shop) -> None:
    saved = shop.folder / shop.world.saved_as
    saved.write_bytes(shop.world.saved())
    assert shop.collect("--load", str(saved)).code == 0
    assert shop.is_whole()
    assert shop.questions == 0
    assert shop.collect().out.startswith("live: 0 new")
    assert shop.is_whole()


def test_a_key_that_it_does_not_know_is_named(shop: Shop) -> None:
    settings = shop.settings.read_text(encoding="utf-8")
    shop.settings.write_text(settings + 'tokne = "x"\n', encoding="utf-8")
    ran = shop.collect()
    assert ran.code == 1
    assert "unknown 'tokne'" in ran.err


def test_a_page_is_never_larger_than_what_is_held_in_memory(shop: Shop) -> None:
    """A page is a transaction: no collector gives everything as one."""
    shop.say_more(3000)
    with shop.piped():
        assert max(len(page.items) for page in pages_of(shop)) <= 2500


def pages_of(shop: Shop) -> Iterator[Page]:
    project = load_project(shop.folder)
    config: SourceConfig = project.source("live")
    collector = load_collector(config.collector)
    assert isinstance(collector, LiveCollector)
    visit = Visit(config, Vault(project.folder), NOW)
    for stream in collector.streams(visit):
        yield from collector.pages(stream, None, visit)
