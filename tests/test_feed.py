"""Feeds as they are found, and feeds that are made to break programs."""

import resource
import sys

import pytest
from feed_site import ITEM, rss

from feedback.collectors.feed import Entry, RawFeed, Repaired, _limited_entries, entries, read_feed
from feedback.errors import CollectError

ENTRY = Entry(
    id="https://forum.example/post/1",
    title="山茶花茶",
    text="物流太慢\n等了五天",
    author="li@mail.example (李)",
    posted_at="2026-03-02T02:00:00Z",
    written_date="Mon, 02 Mar 2026 10:00:00 +0800",
)


def read(feed: str | bytes, charset: str = "") -> list[Entry | Repaired]:
    return list(entries(RawFeed(feed.encode() if isinstance(feed, str) else feed, "forum.example/feed", charset)))


def entry(**different: object) -> Entry:
    said = {name: getattr(ENTRY, name) for name in Entry.__slots__}
    return Entry(**{**said, **different})  # type: ignore[arg-type]


# Feeds as they are found


def test_an_excerpt_that_was_cut_by_the_byte_costs_one_character() -> None:
    cut = rss(ITEM).encode().replace("等了五天".encode(), "等了五天".encode()[:-1])
    for charset in ("", "utf-8", "iso-8859-1"):
        assert read(cut, charset) == [entry(text="物流太慢\n等了五�")]


def test_an_rss_feed() -> None:
    assert read(rss(ITEM)) == [ENTRY]


def test_an_atom_feed() -> None:
    feed = """<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>论坛</title><entry><id>tag:forum.example,2026:1</id>
        <title type="html">山茶 &lt;b&gt;花茶&lt;/b&gt;</title><author><name>李</name></author><updated>2026-03-02T10:00:00+08:00</updated>
        <content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>物流太慢</p><p>等了五天</p></div></content>
        <summary>物流…</summary></entry></feed>"""
    assert read(feed) == [
        Entry(
            "tag:forum.example,2026:1",
            "山茶 花茶",
            "物流太慢\n等了五天",
            "李",
            "2026-03-02T10:00:00+08:00",
            own_date=False,
        )
    ]
    published = "<published>2026-03-01T10:00:00+08:00</published><content"
    [found] = read(feed.replace("<content", published))
    assert isinstance(found, Entry)
    assert (found.posted_at, found.own_date) == ("2026-03-01T10:00:00+08:00", True)


def test_an_rdf_feed() -> None:
    feed = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
        xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>x</title></channel><item rdf:about="https://forum.example/1">
        <title>花茶</title><link>https://forum.example/1</link><description>慢</description><dc:creator>李</dc:creator>
        <dc:date>2026-03-02T10:00:00+08:00</dc:date></item></rdf:RDF>"""
    assert read(feed) == [
        Entry("https://forum.example/1", "花茶", "慢", "李", "2026-03-02T10:00:00+08:00", own_date=False)
    ]


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
        ("Mon Mar 02 2026 10:00:00 GMT+0800 (中国标准时间)", "2026-03-02T02:00:00Z"),
        ("2026-03-02 10:00:00", "2026-03-02 10:00:00"),
        ("2026年3月2日 10:00", "2026年3月2日 10:00"),
        ("Mon, 02 Mar 2026 10:00:00 CST", "Mon, 02 Mar 2026 10:00:00 CST"),
        ("Mon Mar 02 10:00:00 CST 2026", "Mon Mar 02 10:00:00 CST 2026"),
        ("", None),
    ],
)
def test_dates_are_read_or_left_to_intake_and_never_guessed(written: str, posted_at: str | None) -> None:
    item = ITEM.replace("Mon, 02 Mar 2026 10:00:00 +0800", written)
    assert read(rss(item)) == [entry(posted_at=posted_at, written_date="" if posted_at in (written, None) else written)]


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
