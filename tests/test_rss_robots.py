"""Collector rss: what `robots.txt` forbids is not read."""

from pathlib import Path

import pytest
from command import run
from feed_site import ITEM, feeds, pages, records, rss, visit
from wire import Asked, Reply, Wire, wire

from feedback.collectors.rss import RssCollector
from feedback.errors import CollectError


def asked_of(web: Wire) -> list[str]:
    return [asked.path for asked in web.asked]


def test_what_robots_txt_forbids_is_not_asked_for(tmp_path: Path) -> None:
    rules = b"\xef\xbb\xbfUser-agent: yuansheng\nDisallow: /private/\n\nUser-agent: *\nDisallow: /\n"
    with wire(feeds(robots=Reply(rules), feed=rss(ITEM).encode())) as web:
        collector = RssCollector()
        assert len(records(pages(visit(tmp_path, f"{web.url}/feed"), collector=collector))) == 1
        with pytest.raises(CollectError) as error:
            pages(visit(tmp_path, f"{web.url}/private/feed?k=s3cret"), collector=collector)
        assert str(error.value) == (
            f"{web.url.removeprefix('http://')} does not want programs to read /private/feed (robots.txt). "
            "It was not asked for; ask those who run it."
        )
        assert asked_of(web) == ["/robots.txt", "/feed"]
        assert all(asked.headers["User-Agent"].startswith("yuansheng/") for asked in web.asked)


def test_rules_for_all_programs_are_rules_for_this_one(tmp_path: Path) -> None:
    with wire(feeds(robots=Reply(b"User-agent: *\nDisallow: /"), feed=rss(ITEM).encode())) as web:
        with pytest.raises(CollectError, match=r"does not want programs to read /feed \(robots\.txt\)"):
            pages(visit(tmp_path, f"{web.url}/feed"))
        assert asked_of(web) == ["/robots.txt"]


@pytest.mark.parametrize(
    "rules, address",
    [
        pytest.param(b"Allow: /\nDisallow: /feed", "/feed", id="the longer rule counts"),
        pytest.param(b"Disallow: /*.xml$", "/feed.xml", id="wildcards"),
        pytest.param(b"Disallow: /feed.xml?*", "/feed.xml?board=7", id="the query"),
        pytest.param(b"Disallow: /feed", "/news/%2e%2e/feed", id="the address as it is sent"),
    ],
)
def test_rules_are_read_as_the_standard_says(tmp_path: Path, rules: bytes, address: str) -> None:
    with wire(feeds(robots=Reply(b"User-agent: *\n" + rules), feed=rss(ITEM).encode())) as web:
        with pytest.raises(CollectError, match=r"does not want programs to read /feed"):
            pages(visit(tmp_path, web.url + address))
        assert asked_of(web) == ["/robots.txt"]


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_site_without_rules_allows_all(tmp_path: Path, status: int) -> None:
    with wire(feeds(robots=Reply(b"no", status), feed=rss(ITEM).encode())) as web:
        assert len(records(pages(visit(tmp_path, f"{web.url}/feed")))) == 1


@pytest.mark.parametrize(
    "robots, says",
    [
        (Reply(b"", 503), "has trouble (503). What came before is kept; run this again later."),
        (Reply(b"", 505), "refuses (505). Are the settings of this source right?"),
        (
            Reply(b"", 302, {"Location": "https://login.example/sso?key=s3cret"}),
            "redirects to login.example/sso, which was not asked. Is the address right, and the key, where one is needed, still good? "
            "Login pages and bot checks are not passed.",
        ),
    ],
)
def test_a_site_that_cannot_tell_its_rules_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, robots: Reply, says: str
) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    with wire(feeds(robots=robots, feed=rss(ITEM).encode())) as web:
        with pytest.raises(CollectError) as error:
            pages(visit(tmp_path, f"{web.url}/feed"))
        assert set(asked_of(web)) == {"/robots.txt"}
        host = web.url.removeprefix("http://")
    assert str(error.value) == (
        f"{host}/robots.txt {says} Until it says what programs may read, nothing else is asked for there."
    )


def test_a_site_that_is_down_keeps_no_other_site_from_being_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    with wire(lambda _asked: Reply(b"")) as gone:
        pass
    with wire(feeds(feed=rss(ITEM).encode())) as web:
        settings = f"""[project]\nname = "山茶"\n\n[[sources]]\nname = "论坛"\ncollector = "rss"
urls = ["{gone.url}/feed", "{web.url}/feed"]\n"""
        (tmp_path / "feedback.toml").write_text(settings, encoding="utf-8")
        ran = run("collect", project=tmp_path)
    assert (ran.code, ran.out) == (1, "论坛: 1 new\n")
    assert f"{gone.url.removeprefix('http://')} takes no connection." in ran.err


def test_rules_hold_for_where_a_feed_has_moved_to_as_well(tmp_path: Path) -> None:
    def answer(asked: Asked) -> Reply:
        if asked.path == "/robots.txt":
            return Reply(b"User-agent: *\nDisallow: /new/")
        return Reply(b"", 301, {"Location": "/new/feed"}) if asked.path == "/old" else Reply(rss(ITEM).encode())

    with wire(answer) as web:
        with pytest.raises(CollectError, match=r"does not want programs to read /new/feed"):
            pages(visit(tmp_path, f"{web.url}/old"))
        assert asked_of(web) == ["/robots.txt", "/old"]
