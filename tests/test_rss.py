"""Collector rss: what `test_live_contract.py` does not ask, feeds as they are found, and feeds that are made to break programs."""

import resource
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from command import run
from stored import rows
from wire import Asked, Reply, Wire, wire
from worlds import NOW

from feedback.collectors.base import Record, SourceConfig, Unreadable
from feedback.collectors.feed import Entry, RawFeed, Repaired, _limited_entries, entries, read_feed
from feedback.collectors.live import Page, Visit
from feedback.collectors.live.vault import Vault
from feedback.collectors.live.web import Web
from feedback.collectors.rss import RssCollector
from feedback.errors import CollectError
from feedback.project import load_project
from storage.store import Store

ITEM = (
    "<item><guid>https://forum.example/post/1</guid><title>山茶花茶</title><author>li@mail.example (李)</author>"
    "<pubDate>Mon, 02 Mar 2026 10:00:00 +0800</pubDate><description>&lt;p&gt;物流太慢&lt;/p&gt;等了五天</description></item>"
)
ENTRY = Entry(
    id="https://forum.example/post/1",
    title="山茶花茶",
    text="物流太慢\n等了五天",
    author="li@mail.example (李)",
    posted_at="2026-03-02T02:00:00Z",
)


def rss(*items: str) -> str:
    return f'<rss version="2.0"><channel><title>山茶论坛</title><link>https://forum.example</link>{"".join(items)}</channel></rss>'


def read(feed: str | bytes, charset: str = "") -> list[Entry | Repaired]:
    return list(entries(RawFeed(feed.encode() if isinstance(feed, str) else feed, "forum.example/feed", charset)))


def entry(**different: object) -> Entry:
    said = {name: getattr(ENTRY, name) for name in Entry.__slots__}
    return Entry(**{**said, **different})  # type: ignore[arg-type]


# Feeds as they are found


def test_an_rss_feed() -> None:
    assert read(rss(ITEM)) == [ENTRY]


def test_an_atom_feed() -> None:
    feed = """<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>论坛</title><entry><id>tag:forum.example,2026:1</id>
        <title type="html">山茶 &lt;b&gt;花茶&lt;/b&gt;</title><author><name>李</name></author><updated>2026-03-02T10:00:00+08:00</updated>
        <content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>物流太慢</p><p>等了五天</p></div></content>
        <summary>物流…</summary></entry></feed>"""
    assert read(feed) == [
        Entry("tag:forum.example,2026:1", "山茶 花茶", "物流太慢\n等了五天", "李", "2026-03-02T10:00:00+08:00")
    ]


def test_an_rdf_feed() -> None:
    feed = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
        xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>x</title></channel><item rdf:about="https://forum.example/1">
        <title>花茶</title><link>https://forum.example/1</link><description>慢</description><dc:creator>李</dc:creator>
        <dc:date>2026-03-02T10:00:00+08:00</dc:date></item></rdf:RDF>"""
    assert read(feed) == [Entry("https://forum.example/1", "花茶", "慢", "李", "2026-03-02T10:00:00+08:00")]


def test_the_whole_text_is_taken_before_its_beginning() -> None:
    item = (
        "<item><link>https://forum.example/post/1</link><description>物流…</description>"
        '<content:encoded xmlns:content="http://purl.org/rss/1.0/modules/content/"><![CDATA[<p>物流太慢</p>]]></content:encoded></item>'
    )
    assert read(rss(item)) == [Entry("", "", "物流太慢", "", None, link="https://forum.example/post/1")]


def test_what_is_declared_as_plain_text_is_no_markup() -> None:
    feed = (
        '<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>urn:1</id><title>花茶</title>'
        '<content type="text">价格 &lt;b&gt; 涨了 &amp;amp;</content></entry></feed>'
    )
    assert read(feed) == [Entry("urn:1", "花茶", "价格 <b> 涨了 &amp;", "", None)]


def test_a_feed_without_entries_is_a_feed() -> None:
    assert read(rss()) == []


GBK = '<?xml version="1.0" encoding="{}"?>' + rss(ITEM)


@pytest.mark.parametrize(
    "feed, charset",
    [
        pytest.param(GBK.format("gbk").encode("gbk"), "", id="GBK"),
        pytest.param(GBK.format("GB2312").encode("gbk"), "utf-8", id="GBK, and a header that says UTF-8"),
        pytest.param(GBK.format("utf-8").encode("gbk"), "", id="GBK, declared as UTF-8"),
        pytest.param(rss(ITEM).encode("gbk"), "gb2312", id="GBK, declared by the header alone"),
        pytest.param(rss(ITEM).encode("gbk"), "", id="GBK, undeclared"),
        pytest.param(GBK.format("gbk").encode(), "gbk", id="UTF-8, declared as GBK"),
        pytest.param(GBK.format("big5").encode(), "big5", id="UTF-8, declared as Big5"),
        pytest.param(GBK.format("utf-16").encode("utf-16"), "", id="UTF-16 with a mark"),
        pytest.param(rss(ITEM).encode("utf-16-le"), "", id="UTF-16 without a mark"),
        pytest.param(rss(ITEM).encode("utf-16-be"), "", id="UTF-16 of the other order"),
        pytest.param(b"\xef\xbb\xbf\n" + GBK.format("utf-8").encode(), "", id="a mark and a blank line before all"),
    ],
)
def test_feeds_are_read_in_whichever_encoding(feed: bytes, charset: str) -> None:
    assert read(feed, charset) == [ENTRY]


@pytest.mark.parametrize(
    "written, posted_at",
    [
        ("Mon, 02 Mar 2026 10:00:00 GMT", "2026-03-02T10:00:00Z"),
        ("Mon, 02 Mar 2026 10:00:00", "2026-03-02T10:00:00"),
        ("2026-03-02 10:00:00", "2026-03-02 10:00:00"),
        ("2026年3月2日 10:00", "2026年3月2日 10:00"),
        ("Mon, 02 Mar 2026 10:00:00 CST", "Mon, 02 Mar 2026 10:00:00 CST"),
        ("Mon Mar 02 10:00:00 CST 2026", "Mon Mar 02 10:00:00 CST 2026"),
        ("", None),
    ],
)
def test_dates_are_read_or_left_to_intake_and_never_guessed(written: str, posted_at: str | None) -> None:
    item = ITEM.replace("Mon, 02 Mar 2026 10:00:00 +0800", written)
    assert read(rss(item)) == [entry(posted_at=posted_at)]


@pytest.mark.parametrize(
    "item, why, found",
    [
        pytest.param(
            ITEM.replace("花茶", "花 & 茶"),
            "not well-formed (invalid token)",
            entry(title="山茶花 & 茶"),
            id="a bare &",
        ),
        pytest.param(
            ITEM.replace("花茶", "花\x0b茶"),
            "not well-formed (invalid token)",
            entry(title="山茶花 茶"),
            id="a control character",
        ),
        pytest.param(
            ITEM.replace("花茶", "花&nbsp;茶"), "undefined entity", entry(title="山茶花 茶"), id="an entity of HTML"
        ),
        pytest.param(
            ITEM.replace("</item>", "<br></item>"), "mismatched tag", ENTRY, id="an element that is not closed"
        ),
    ],
)
def test_broken_feeds_are_repaired_and_that_is_told(item: str, why: str, found: Entry) -> None:
    assert read(rss(item)) == [Repaired(why), found]


def test_references_to_characters_that_there_are_not_are_left_out() -> None:
    assert read(rss(ITEM.replace("花茶", "花&#xD800;&#0;&#99999999999;茶&#x26;"))) == [entry(title="山茶花茶&")]


def test_of_a_feed_that_breaks_off_the_last_entry_is_known_to_be_cut() -> None:
    second = ITEM.replace("post/1", "post/2")
    whole = rss(ITEM, second)
    cut = whole[: whole.rindex("&lt;/p&gt;")]
    assert read(cut) == [
        Repaired("no element found"),
        ENTRY,
        entry(id="https://forum.example/post/2", text="", cut=True),
    ]
    between = whole[: whole.index("</channel>")]
    assert read(between) == [Repaired("no element found"), ENTRY, entry(id="https://forum.example/post/2")]


def test_what_stands_before_the_first_element_does_not_matter() -> None:
    before = '\n<?xml version="1.0"?>\n<!-- <html> --><?style x?><!DOCTYPE rss PUBLIC "-//Netscape//DTD RSS 0.91//EN" "x">\nWarning: x\n'
    assert read(before + rss(ITEM)) == [ENTRY]


# What is no feed, and what is made to break programs

LAUGHS = '<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>' + rss("<item><title>&b;</title></item>")


@pytest.mark.parametrize(
    "feed, says",
    [
        pytest.param("", "answers with nothing where a feed was due.", id="nothing"),
        pytest.param(
            "<!DOCTYPE html><title>请登录</title>",
            "answers with a web page where a feed was due. Is the address that of the feed? Login pages and bot checks are not passed.",
            id="a doctype of HTML",
        ),
        pytest.param(
            "<html><body>请登录",
            "answers with a web page where a feed was due. Is the address that of the feed? Login pages and bot checks are not passed.",
            id="HTML",
        ),
        pytest.param('{"a": 1}', "is no feed: it is no XML. Is the address that of the feed?", id="JSON"),
        pytest.param(
            "<urlset/>", "is no feed: it begins with <urlset>. Is the address that of the feed?", id="other XML"
        ),
        pytest.param("<channel/>", "is no feed that is known (RSS, Atom).", id="XML that only looks like one"),
        pytest.param(b"\xff\xfe\x00\xd8", "answers with something that is no text.", id="no text"),
        pytest.param(
            LAUGHS,
            "defines entities by other entities, as feeds do that are made to break programs.",
            id="a billion laughs",
        ),
        pytest.param(
            rss("<item>" + "<a>" * 100_000 + "</a>" * 100_000 + "</item>"),
            "is nested too deeply for a feed.",
            id="too deep",
        ),
        pytest.param(
            "[" * 100_000, "is no feed: it is no XML. Is the address that of the feed?", id="JSON that is too deep"
        ),
        pytest.param(rss("<item/>" * 60_000), "has more than 50,000 entries, as no feed has.", id="too many entries"),
        pytest.param(
            "<?xml?>" + "\n" * 1_000_000 + rss(),
            "is no feed: it is no XML. Is the address that of the feed?",
            id="a million lines",
        ),
    ],
)
def test_what_is_no_feed_is_said_in_words(feed: str | bytes, says: str) -> None:
    with pytest.raises(CollectError) as error:
        read(feed)
    assert str(error.value) == f"forum.example/feed {says}"


def test_depth_is_counted_in_markup_alone() -> None:
    text = "<![CDATA[" + "<p>" * 1000 + "x]]>"
    assert read(
        rss(f"<item><link>https://f.example/1</link><description><!-- {'<a>' * 1000} -->{text}</description></item>")
    ) == [Entry("", "", "x", "", None, link="https://f.example/1")]
    assert len(read(rss(ITEM * 600) + "<!-- " + "<a>" * 1000)) == 601  # one is `Repaired`


def test_what_feedparser_fails_on_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object, **_more: object) -> None:
        raise LookupError("it is not documented")

    monkeypatch.setattr("feedparser.parse", fail)
    with pytest.raises(CollectError) as error:
        read(rss(ITEM))
    assert str(error.value) == "forum.example/feed can't be read as a feed: LookupError in feedparser."


def test_a_feed_is_read_in_another_process_and_its_faults_come_back() -> None:
    assert list(read_feed(RawFeed(rss(ITEM).encode(), "forum.example/feed"))) == [ENTRY]
    with pytest.raises(CollectError, match=r"forum\.example/feed is no feed"):
        list(read_feed(RawFeed(b"42", "forum.example/feed")))


def test_a_feed_that_would_take_hours_is_given_up() -> None:
    """feedparser looks for a mail address in an author's name in quadratic time."""
    hostile = rss(f"<item><author>{'a' * 500_000}</author></item>").encode()
    with pytest.raises(CollectError) as error:
        list(read_feed(RawFeed(hostile, "forum.example/feed", seconds=1)))
    assert str(error.value) == (
        "forum.example/feed can't be read as a feed: it takes more than 1 seconds of work, or too much memory."
    )


def test_the_process_limits_itself_where_the_system_can(monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[object] = []
    monkeypatch.setattr("resource.setrlimit", lambda what, values: limits.append((what, values)))
    monkeypatch.setattr("time.process_time", lambda: 2.5)
    assert list(_limited_entries(RawFeed(rss(ITEM).encode(), "forum.example/feed", seconds=9))) == [ENTRY]
    assert limits == [
        (resource.RLIMIT_CORE, (0, 0)),
        (resource.RLIMIT_CPU, (11, 11)),
        (resource.RLIMIT_AS, (1 << 30, 1 << 30)),
    ]
    monkeypatch.setitem(sys.modules, "resource", None)  # as on Windows
    assert list(_limited_entries(RawFeed(rss(ITEM).encode(), "forum.example/feed"))) == [ENTRY]


# Asking

Answer = Callable[[Asked], Reply]


def feeds(**bodies: bytes | Reply) -> Answer:
    """A site with these feeds, by the last part of their paths; a robots.txt is one of them: `robots`."""

    def answer(asked: Asked) -> Reply:
        name = asked.path.rpartition("/")[2].partition(".")[0]
        body = bodies.get(name, Reply(b"", 404))
        return body if isinstance(body, Reply) else Reply(body, headers={"Content-Type": "application/rss+xml"})

    return answer


def visit(folder: Path, *urls: str, since: datetime | None = None, **more: object) -> Visit:
    config = SourceConfig("live", "rss", channel="论坛", options={"urls": list(urls), **more})
    return Visit(config, Vault(folder), NOW, since=since)


def pages(asking: Visit, state: str | None = None, collector: RssCollector | None = None) -> list[Page]:
    collector = collector or RssCollector()
    return [page for stream in collector.streams(asking) for page in collector.pages(stream, state, asking)]


RECORD = Record(
    text="物流太慢\n等了五天",
    kind="post",
    channel="论坛",
    location="",
    source_id="https://forum.example/post/1",
    posted_at="2026-03-02T02:00:00Z",
    customer="li@mail.example (李)",
    question="山茶花茶",
)


def records(found: list[Page]) -> list[Record]:
    return [item for page in found for item in page.items if isinstance(item, Record)]


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


# robots.txt


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
            "redirects to login.example/sso, which was not asked. Is the address right, and is the key still good? "
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


# Saved feeds


def saved(folder: Path, feed: str | bytes, *urls: str) -> list[object]:
    path = folder / "feed.saved"
    path.write_bytes(feed.encode() if isinstance(feed, str) else feed)
    return list(RssCollector().saved(path, visit(folder, *(urls or ("https://forum.example/feed",)))))


def test_a_saved_feed_gives_the_same_ids_as_asking(tmp_path: Path) -> None:
    own = '<item><guid isPermaLink="false">7</guid><description>慢</description></item>'
    (stream,) = RssCollector().streams(visit(tmp_path, "https://forum.example/feed"))
    first, second = saved(tmp_path, rss(ITEM, own))
    assert isinstance(first, Record)
    assert isinstance(second, Record)
    assert (first.source_id, first.location) == (RECORD.source_id, f"feed.saved:{RECORD.source_id}")
    assert second.source_id == f"{stream}/7"


def test_of_several_feeds_it_must_be_clear_which_one_was_saved(tmp_path: Path) -> None:
    two = ("https://forum.example/a", "https://forum.example/b")
    assert len(saved(tmp_path, rss(ITEM), *two)) == 1
    with pytest.raises(CollectError) as error:
        saved(tmp_path, rss('<item><guid isPermaLink="false">7</guid><description>慢</description></item>'), *two)
    assert str(error.value) == (
        "feed.saved: its entries have ids that only their own feed knows, and the source has several 'urls'. "
        "Load it for a source that names this feed alone."
    )


def test_files_that_are_no_feed_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CollectError, match="a PNG picture"):
        saved(tmp_path, b"\x89PNG\r\n\x1a\n")
    monkeypatch.setattr("feedback.collectors.rss.MOST_BYTES", 1000)
    with pytest.raises(CollectError, match=r"feed\.saved has more than 0 MB, which no feed has\."):
        saved(tmp_path, rss(ITEM * 10))


# Settings


@pytest.mark.parametrize(
    "urls, says",
    [
        ([], "'urls' is missing: the addresses of the feeds"),
        (["https://f.example/a", "https://f.example/a"], "'urls' names f.example/a#5ee80402 twice"),
        (
            ["https://me:pw@f.example"],
            "'urls' has a user in it: a secret does not belong in this file. "
            'Name the whole address by where it is: { env = "A_VARIABLE" }',
        ),
        ([""], "'urls' must be a list of texts, not ['']"),
        *(
            (
                [url],
                "'urls' holds something that is no address of a feed. It begins with https:// or http://, and has no user in it",
            )
            for url in (
                "f.example/a",
                "ftp://f.example",
                "https://",
                "https://[",
                "https://f.example/\n",
            )
        ),
    ],
)
def test_settings_that_are_wrong_are_named(tmp_path: Path, urls: list[str], says: str) -> None:
    with pytest.raises(CollectError) as error:
        RssCollector().streams(visit(tmp_path, *urls))
    assert str(error.value) == f"source 'live': {says}."
    assert "pw" not in str(error.value)


def test_a_setting_that_it_does_not_know_is_named(tmp_path: Path) -> None:
    with pytest.raises(CollectError, match=r"unknown 'url'\. Known: urls"):
        RssCollector().streams(visit(tmp_path, "https://f.example", url="x"))


def test_streams_are_named_by_host_and_path(tmp_path: Path) -> None:
    urls = (
        "https://f.example:8443/a?k=s3cret",
        "https://f.example:8443/a?k=other",
        f"http://f.example/{'x' * 200}",
    )
    first, second, third = RssCollector().streams(visit(tmp_path, *urls))
    assert first.startswith("f.example:8443/a#")
    assert first != second
    assert third.startswith(f"f.example/{'x' * 79}…#")
    assert "s3cret" not in first


def test_a_feed_whose_address_is_a_secret_is_named_by_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feeds = {"/private/s3cr3t-0042/feed": rss(ITEM)}

    def answer(asked: Asked) -> Reply:
        return Reply(feeds.get(asked.path, "").encode(), 200 if asked.path in feeds else 404)

    with wire(answer) as web:
        monkeypatch.setenv("FORUM_FEED", f"{web.url}/private/s3cr3t-0042/feed?key=k-0042")
        (tmp_path / "feedback.toml").write_text(
            '[[sources]]\nname = "论坛"\ncollector = "rss"\nurls = [{ env = "FORUM_FEED" }]\n', encoding="utf-8"
        )
        assert run("collect", project=tmp_path).out.startswith("论坛: 1 new")
        assert web.asked[-1].query == {"key": "k-0042"}
        feeds.clear()
        ran = run("collect", project=tmp_path)
        assert (ran.code, "404" in ran.err) == (1, True)
        assert "settings in order: env:FORUM_FEED" in run("doctor", project=tmp_path).out
        monkeypatch.delenv("FORUM_FEED")
        assert "the environment variable FORUM_FEED is not set" in run("doctor", project=tmp_path).out
    assert "0042" not in ran.out + ran.err
    for path in tmp_path.glob("feedback.db*"):
        assert b"0042" not in path.read_bytes()


def test_a_secret_in_the_address_of_a_feed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "feedback.toml").write_text(
        '[[sources]]\nname = "论坛"\ncollector = "rss"\nurls = ["https://forum.example/feed?key=k-0042"]\n',
        encoding="utf-8",
    )
    ran = run("collect", project=tmp_path)
    assert ran.err == (
        "Error: 论坛: source '论坛': 'urls' has 'key' in it: a secret does not belong in this file. "
        'Name the whole address by where it is: { env = "A_VARIABLE" }.\n'
    )


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


def test_what_the_address_of_a_feed_tells_is_not_stored_where_its_entries_tell_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = "<item><link>https://f.example/t/1?key=abcdef123456</link><description>看 /s3cr3tfeedkey0001/ 和 abcdef123456</description></item>"
    with wire(lambda _asked: Reply(rss(item).encode())) as web:
        monkeypatch.setenv("FORUM_FEED", f"{web.url}/rss/s3cr3tfeedkey0001/?key=abcdef123456&page=1")
        (tmp_path / "feedback.toml").write_text(
            '[[sources]]\nname = "论坛"\ncollector = "rss"\nurls = [{ env = "FORUM_FEED" }]\n', encoding="utf-8"
        )
        assert run("collect", project=tmp_path).out.startswith("论坛: 1 new")
    with Store.open(load_project(tmp_path).database) as store:
        stored = rows(store.connection, "select source_id, text from verbatims")
    assert stored == [("https://f.example/t/1?key=…", "看 /…/ 和 …")]
    assert all(b"abcdef123456" not in path.read_bytes() for path in tmp_path.glob("feedback.db*"))


def test_a_dry_run_shows_what_the_other_feeds_hold_where_one_is_gone(tmp_path: Path) -> None:
    with wire(lambda asked: Reply(b"", 410) if asked.path == "/a" else Reply(rss(ITEM).encode())) as web:
        (tmp_path / "feedback.toml").write_text(
            f'[[sources]]\nname = "论坛"\ncollector = "rss"\nurls = ["{web.url}/a", "{web.url}/b"]\n', encoding="utf-8"
        )
        ran = run("collect", "--source", "论坛", "--dry-run", project=tmp_path)
    assert ran.code == 1
    assert "论坛: 1 would be stored\n" in ran.out
    assert ran.err.count("refuses (410)") == 1


def test_words_in_the_secret_address_of_a_feed_stay_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = "小米14Ultra手机 发热，iPhone15Pro 不如它"
    item = f"<item><link>https://f.example/t/1?token=abcdefgh12345678</link><pubDate>不久前</pubDate><description>{said}</description></item>"
    with wire(lambda _asked: Reply(rss(item).encode())) as web:
        monkeypatch.setenv("FORUM_FEED", f"{web.url}/tag/iPhone15Pro/f.xml?q=小米14Ultra手机&token=abcdefgh12345678")
        (tmp_path / "feedback.toml").write_text(
            '[[sources]]\nname = "论坛"\ncollector = "rss"\nurls = [{ env = "FORUM_FEED" }]\n', encoding="utf-8"
        )
        run("collect", project=tmp_path)
        told = run("rejects", project=tmp_path).out
    with Store.open(load_project(tmp_path).database) as store:
        assert rows(store.connection, "select text from verbatims") == [(said,)]
    assert "date unknown" in told
    assert "abcdefgh" not in told
    assert all(b"abcdefgh12345678" not in path.read_bytes() for path in tmp_path.glob("feedback.db*"))
