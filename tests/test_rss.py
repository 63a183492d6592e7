"""Collector rss: what `test_live_contract.py` does not ask."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from command import run
from feed_site import ITEM, Answer, feeds, pages, records, rss, visit
from wire import Asked, Reply, wire
from worlds import NOW

from feedback.collectors.base import Record, SourceConfig, Unreadable
from feedback.collectors.live import Page, Visit
from feedback.collectors.live.vault import Vault
from feedback.collectors.live.web import Web
from feedback.collectors.rss import RssCollector
from feedback.errors import CollectError

RECORD = Record(
    text="物流太慢\n等了五天",
    kind="post",
    channel="论坛",
    location="",
    source_id="https://forum.example/post/1",
    former_ids=(
        "http://forum.example/post/1",
        "http://forum.example:80/post/1",
        "https://forum.example:443/post/1",
    ),
    posted_at="2026-03-02T02:00:00Z",
    customer="li@mail.example (李)",
    question="山茶花茶",
)


def test_an_entry_becomes_a_record(tmp_path: Path) -> None:
    with wire(feeds(feed=rss(ITEM).encode())) as web:
        asking = visit(tmp_path, f"{web.url}/feed.xml")
        (stream,) = RssCollector().streams(asking)
        (record,) = records(pages(asking))
    assert record == Record(
        **{**{name: getattr(RECORD, name) for name in Record.__slots__}, "location": f"{stream}:{RECORD.source_id}"}
    )


def test_the_settings_of_the_source_are_in_its_records(tmp_path: Path) -> None:
    with wire(feeds(feed=rss(ITEM).encode())) as web:
        config = SourceConfig(
            "山茶", "rss", kind="review", store="一店", product="花茶", options={"urls": f"{web.url}/feed"}
        )
        (record,) = records(pages(Visit(config, Vault(tmp_path), NOW)))
    assert (record.kind, record.channel, record.store, record.product) == ("review", "山茶", "一店", "花茶")


@pytest.mark.parametrize(
    "item, text, question",
    [
        pytest.param("<title>都说慢</title>", "都说慢", None, id="a title alone"),
        pytest.param(
            "<title>物流…</title><description>物流太慢</description>",
            "物流太慢",
            None,
            id="a title that is its beginning",
        ),
        pytest.param(
            "<title>花茶</title><description>物流太慢</description>", "物流太慢", "花茶", id="a title that is not"
        ),
    ],
)
def test_titles(tmp_path: Path, item: str, text: str, question: str | None) -> None:
    with wire(feeds(feed=rss(f"<item><link>https://f.example/1</link>{item}</item>").encode())) as web:
        (record,) = records(pages(visit(tmp_path, f"{web.url}/feed")))
    assert (record.text, record.question) == (text, question)


@pytest.mark.parametrize("author", ["匿名用户", "j***3", "Anonymous", ""])
def test_whoever_is_nobody_is_no_customer(tmp_path: Path, author: str) -> None:
    item = ITEM.replace("li@mail.example (李)", author)
    with wire(feeds(feed=rss(item).encode())) as web:
        (record,) = records(pages(visit(tmp_path, f"{web.url}/feed")))
    assert record.customer is None


def test_ids_that_only_their_feed_knows_do_not_meet_those_of_another(tmp_path: Path) -> None:
    own = rss('<item><guid isPermaLink="false">7</guid><description>慢</description></item>').encode()
    untold = rss("<item><title>慢</title><pubDate>Mon, 02 Mar 2026 10:00:00 +0800</pubDate></item>").encode()
    nothing = rss("<item><description>慢</description></item>").encode()
    with wire(feeds(a=own, b=own, c=untold, d=nothing)) as web:
        asking = visit(tmp_path, *(f"{web.url}/{name}?k=s3cret" for name in "abcd"))
        a, b, c, _ = RssCollector().streams(asking)
        found = records(pages(asking))
    assert [record.source_id for record in found] == [f"{a}/7", f"{b}/7", f"{c}/87ea3d2c9a4dc435", None]
    assert a.startswith(f"{web.url.removeprefix('http://')}/a#")
    assert "s3cret" not in a + b + c


@pytest.mark.parametrize(
    "guid, link, everywhere",
    [
        ("forum.example-post-5-1", "https://forum.example/t/5/1", True),
        ("Forum.Example:5", "http://forum.example:8080/t/5", True),
        ("forum.example-post-5-1", "", False),
        ("forum.example-post-5-1", "https://other.example/t/5/1", False),
        ("forum.example.cn-5", "https://forum.example/t/5/1", False),
        ("forum.examples-5", "https://forum.example/t/5/1", False),
        ("forum.example", "https://forum.example/t/5/1", False),
        ("forum.example-5", "https://[forum.example/t", False),
    ],
)
def test_an_id_that_names_its_site_is_the_same_in_every_feed(
    tmp_path: Path, guid: str, link: str, everywhere: bool
) -> None:
    shown = rss(f'<item><guid isPermaLink="false">{guid}</guid><link>{link}</link><description>慢</description></item>')
    with wire(feeds(a=shown.encode(), b=shown.encode())) as web:
        asking = visit(tmp_path, f"{web.url}/a", f"{web.url}/b")
        one, other = records(pages(asking))
    assert (one.source_id == other.source_id == guid) is everywhere


def test_entries_that_cannot_be_used_are_told(tmp_path: Path) -> None:
    whole = rss(
        "<item><link>https://f.example/1</link></item>",
        f"<item><link>https://f.example/2</link><description>{'慢' * 200_001}</description></item>",
        "<item><link>https://f.example/3</link><description>慢慢来</description></item>",
    )
    with wire(feeds(feed=whole[: whole.rindex("来")].encode())) as web:
        asking = visit(tmp_path, f"{web.url}/feed")
        (stream,) = RssCollector().streams(asking)
        assert pages(asking) == [
            Page(
                [
                    Unreadable(f"{stream}:https://f.example/1", "it has neither a text nor a title"),
                    Unreadable(f"{stream}:https://f.example/2", "its text has 200,001 characters, as nobody writes"),
                    Unreadable(f"{stream}:https://f.example/3", "the feed breaks off in this entry"),
                ],
                None,
                (
                    f"{stream}: the feed is no well-formed XML (no element found); it was read as well as that can be done",
                ),
            )
        ]


def test_entries_without_an_id_that_share_a_link_are_told_apart_by_their_dates_whatever_stands_beside_them(
    tmp_path: Path,
) -> None:
    def entry(number: int, date: str = "<pubDate>Mon, {:02} Mar 2026 10:00:00 +0800</pubDate>") -> str:
        return (
            f"<item><link>https://f.example/7</link><description>第{number}条</description>{date.format(number)}</item>"
        )

    def ids(*entries: str) -> list[str | None]:
        with wire(feeds(feed=rss(*entries).encode())) as web:
            return [record.source_id for record in records(pages(visit(tmp_path, f"{web.url}/feed")))]

    two, three = "https://f.example/7#2026-03-02T02:00:00Z", "https://f.example/7#2026-03-03T02:00:00Z"
    assert ids(entry(2)) == [two]
    assert ids(entry(3), entry(2)) == [three, two]
    assert ids(entry(3)) == [three]
    assert ids(entry(4, "")) == ["https://f.example/7"]


def test_an_entry_without_an_id_is_known_by_its_date_as_it_is_written_too(tmp_path: Path) -> None:
    """As it was stored while dates written so could not be read."""
    written = "Mon, 02 Mar 2026 10:00:00 GMT+8"
    item = f"<item><link>https://f.example/7</link><pubDate>{written}</pubDate><description>慢</description></item>"
    with wire(feeds(feed=rss(item).encode())) as web:
        (record,) = records(pages(visit(tmp_path, f"{web.url}/feed")))
    assert record.source_id == "https://f.example/7#2026-03-02T02:00:00Z"
    assert f"https://f.example/7#{written}" in record.former_ids


def versions(web_headers: dict[str, str]) -> Answer:
    def answer(asked: Asked) -> Reply:
        if asked.path == "/robots.txt":
            return Reply(b"", 404)
        known = (asked.headers.get("If-None-Match", ""), asked.headers.get("If-Modified-Since", ""))
        if known == (web_headers.get("ETag", ""), web_headers.get("Last-Modified", "")) != ("", ""):
            return Reply(b"", 304)
        return Reply(rss(ITEM).encode(), headers=web_headers)

    return answer


@pytest.mark.parametrize(
    "headers",
    [
        {"ETag": 'W/"a1"', "Last-Modified": "Mon, 02 Mar 2026 02:00:00 GMT"},
        {"ETag": '"a1"'},
        {"Last-Modified": "Mon, 02 Mar 2026 02:00:00 GMT"},
    ],
)
def test_a_feed_that_has_not_changed_is_not_sent_again(tmp_path: Path, headers: dict[str, str]) -> None:
    with wire(versions(headers)) as web:
        asking = visit(tmp_path, f"{web.url}/feed")
        (first,) = pages(asking)
        assert pages(asking, first.state) == []
        assert len(records(pages(asking))) == 1


def test_a_server_that_tells_no_version_is_asked_for_all_again(tmp_path: Path) -> None:
    with wire(versions({})) as web:
        asking = visit(tmp_path, f"{web.url}/feed")
        (first,) = pages(asking)
        assert first.state == '["", ""]'
        assert len(records(pages(asking, first.state))) == 1


def test_with_since_and_where_a_feed_was_repaired_the_version_is_not_kept(tmp_path: Path) -> None:
    with wire(versions({"ETag": '"a1"'})) as web:
        assert [
            page.state for page in pages(visit(tmp_path, f"{web.url}/feed", since=datetime(2026, 1, 1, tzinfo=UTC)))
        ] == [None]
    broken = Reply(rss(ITEM).replace("花茶", "&").encode(), headers={"ETag": '"a1"'})
    with wire(feeds(feed=broken)) as web:
        assert [page.state for page in pages(visit(tmp_path, f"{web.url}/feed"))] == [None]


def test_the_version_is_kept_with_the_last_page(tmp_path: Path) -> None:
    items = [ITEM.replace("post/1", f"post/{number}") for number in range(450)]
    body = Reply(rss(*items).replace("花茶", "&").encode(), headers={"ETag": '"a1"'})
    with wire(feeds(feed=Reply(rss(*items).encode(), headers={"ETag": '"a1"'}), broken=body)) as web:
        assert [(len(page.items), page.state) for page in pages(visit(tmp_path, f"{web.url}/feed"))] == [
            (200, None),
            (200, None),
            (50, '["\\"a1\\"", ""]'),
        ]
        assert [len(page.notes) for page in pages(visit(tmp_path, f"{web.url}/broken"))] == [1, 0, 0]


def test_an_answer_that_says_unchanged_unasked_is_a_fault() -> None:
    with wire(lambda _asked: Reply(b"", 304)) as web, pytest.raises(CollectError, match=r"refuses \(304\)"):
        Web().get(web.url)


def test_a_feed_without_end_is_not_read_to_its_end(tmp_path: Path) -> None:
    endless = Reply(stream=(b"<rss>" + b" " * 65_531 for _ in range(100_000)))
    with wire(feeds(feed=endless)) as web, pytest.raises(CollectError, match=r"/feed answers with more than 16 MB"):
        pages(visit(tmp_path, f"{web.url}/feed"))


def test_a_dry_run_shows_what_the_other_feeds_hold_where_one_is_gone(tmp_path: Path) -> None:
    with wire(lambda asked: Reply(b"", 410) if asked.path == "/a" else Reply(rss(ITEM).encode())) as web:
        (tmp_path / "feedback.toml").write_text(
            f'[[sources]]\nname = "论坛"\ncollector = "rss"\nurls = ["{web.url}/a", "{web.url}/b"]\n', encoding="utf-8"
        )
        ran = run("collect", "--source", "论坛", "--dry-run", project=tmp_path)
    assert ran.code == 1
    assert "论坛: 1 would be stored\n" in ran.out
    assert ran.err.count("refuses (410)") == 1
