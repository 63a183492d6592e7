"""Entries of feeds that are shown again: which of the known each is, and that what is shown cut stays whole."""

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import run
from stored import rows
from wire import Asked, Reply, wire
from worlds import NOW

from feedback.collectors.base import SourceConfig
from feedback.collectors.live import Visit
from feedback.collectors.live.vault import Vault
from feedback.collectors.rss import RssCollector
from feedback.project import load_project
from storage.store import Store

SECOND = "Mon, 02 Mar 2026 10:00:00 +0800"
DAY = "2026-03-02"
WHOLE = "物流太慢了，等了五天才到。\n包装也破了，客服一直不回，不会再来这家店买东西了。"


def item(
    text: str,
    *,
    date: str = SECOND,
    author: str = "",
    title: str = "",
    link: str = "https://f.example/7",
    guid: str = "",
) -> str:
    fields = {"title": title, "link": link, "pubDate": date, "author": author, "guid": guid}
    fields["description"] = text.replace("\n", "&lt;br&gt;")
    return f"<item>{''.join(f'<{name}>{value}</{name}>' for name, value in fields.items() if value)}</item>"


class Feed:
    """A project with one feed, whose entries are those that it was last collected with, or several: `others`, by their names."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url, self.entries = folder, url, ""
        self.others: dict[str, str] = {}
        self.reads("feed")

    def reads(self, *names: str) -> None:
        urls = [f"{self.url}/{name}" for name in names]
        (self.folder / "feedback.toml").write_text(
            f'[[sources]]\nname = "论坛"\ncollector = "rss"\nurls = {urls}\n', encoding="utf-8"
        )

    def collect(self, *entries: str) -> str:
        """What a run over these entries says."""
        self.entries = "".join(entries)
        ran = run("collect", project=self.folder)
        assert ran.code == 0
        return re.sub(r", \d rows or fields could not be used.*", "", ran.out.strip())  # their dates

    def texts(self) -> list[str]:
        with Store.open(load_project(self.folder).database) as store:
            return [text for (text,) in rows(store.connection, "select text from verbatims order by id")]


@pytest.fixture
def feed(tmp_path: Path) -> Iterator[Feed]:
    def answer(asked: Asked) -> Reply:
        entries = found.others.get(asked.path[1:], found.entries)
        return Reply(f"<rss><channel>{entries}</channel></rss>".encode(), 404 if "robots" in asked.path else 200)

    with wire(answer) as web:
        found = Feed(tmp_path, web.url)
        yield found


NOTHING_NEW = "论坛: 0 new, {} already there"


@pytest.mark.parametrize("date", [SECOND, DAY, "3小时前", "3 hours ago", ""])
@pytest.mark.parametrize("link", ["https://f.example/7", "7"])
def test_entries_that_share_address_and_date_are_told_apart_by_their_words_whoever_comes_and_goes(
    feed: Feed, date: str, link: str
) -> None:
    a, b, c = (item(text, date=date, link=link) for text in ("物流太慢", "包装很好", "客服不回"))
    assert feed.collect(a) == "论坛: 1 new"
    assert feed.collect(b, a) == "论坛: 1 new, 1 already there"
    assert feed.collect(b) == NOTHING_NEW.format(1)
    assert feed.collect(c, b) == "论坛: 1 new, 1 already there"
    assert feed.collect(a, b, c) == NOTHING_NEW.format(3)
    assert feed.collect(c) == feed.collect(a) == NOTHING_NEW.format(1)
    assert feed.texts() == ["物流太慢", "包装很好", "客服不回"]


@pytest.mark.parametrize("seed", range(3))
def test_whatever_a_feed_shows_of_several_that_share_an_id_each_is_stored_once(feed: Feed, seed: int) -> None:
    draw = random.Random(seed)
    texts = ["物流太慢", "包装很好", "客服不回", WHOLE, "还行…", "还行"]
    shown = [draw.sample(texts, draw.randint(2 if n == 0 else 1, 4)) for n in range(9)]
    for answer in shown:
        feed.collect(*map(item, answer))
    assert sorted(feed.texts()) == sorted({text for answer in shown for text in answer})


def test_entries_that_share_a_title_and_a_date_and_have_no_address_are_told_apart_by_their_words(feed: Feed) -> None:
    a, b = (item(text, title="回复: 山茶", link="") for text in ("物流太慢", "包装很好"))
    assert feed.collect(a, b) == "论坛: 2 new"
    assert feed.collect(b) == feed.collect(a) == NOTHING_NEW.format(1)


def test_what_several_people_say_in_the_same_words_is_told_apart_by_their_names_which_are_in_no_id(feed: Feed) -> None:
    a, b = item("很好用", author="阿宝"), item("很好用", author="小林")
    assert feed.collect(a, b) == "论坛: 2 new"
    assert feed.collect(a, b, a) == NOTHING_NEW.format(2)
    assert feed.collect(item("很好用")).startswith("论坛: 0 new")


def test_an_entry_that_is_edited_stays_one_where_it_has_its_address_and_date_for_itself(feed: Feed) -> None:
    other = item("包装很好", link="https://f.example/8")
    assert feed.collect(item("物流太慢"), other) == "论坛: 2 new"
    assert feed.collect(item("物流太慢，已解决"), other) == "论坛: 0 new, 1 changed, 1 already there"
    assert feed.texts() == ["物流太慢，已解决", "包装很好"]


def test_one_that_comes_alone_takes_the_place_of_none_of_several(feed: Feed) -> None:
    a, b, c = item("物流太慢"), item("包装很好"), item("客服不回")
    feed.collect(a, b)
    assert feed.collect(c) == "论坛: 1 new"
    assert feed.collect(c) == NOTHING_NEW.format(1)
    assert feed.collect(a, b, c) == NOTHING_NEW.format(3)


def test_of_several_those_that_were_marked_keep_their_marks_whether_they_come_alone_or_not(feed: Feed) -> None:
    a, b = item("物流太慢"), item("包装很好")
    feed.collect(a)
    run("analyze", project=feed.folder)
    for entries in [(a, b), (a,), (b, a)]:
        feed.collect(*entries)
    with Store.open(load_project(feed.folder).database) as store:
        assert rows(store.connection, "select count(*) from segments where verbatim_id = 1") == [(1,)]


def test_a_dry_run_knows_again_what_shares_an_id(feed: Feed) -> None:
    feed.collect(item("物流太慢"))
    feed.entries = item("物流太慢") + item("包装很好")
    assert "论坛: 1 would be stored\n" in run("collect", "--dry-run", "--source", "论坛", project=feed.folder).out


@pytest.mark.parametrize("dates", [("3小时前", "昨天 10:00"), ("3 hours ago", "yesterday"), ("03-02 10:00", "3月2日")])
def test_dates_that_are_others_the_next_day_make_no_new_record_and_no_changed_one(
    feed: Feed, dates: tuple[str, str]
) -> None:
    for title, link in (("", "https://f.example/7"), ("物流", ""), ("", "")):
        first, second = (item("物流太慢" + link + title, date=date, title=title, link=link) for date in dates)
        assert feed.collect(first).startswith("论坛: 1 new")
        assert feed.collect(second).startswith(NOTHING_NEW.format(1))


CUT = [
    pytest.param(WHOLE[:30] + "…", id="an ellipsis"),
    pytest.param(WHOLE[:30] + " [...]", id="dots in brackets"),
    pytest.param(WHOLE[:30].replace("\n", " ") + "[&#8230;]&lt;br&gt;阅读全文 »", id="a link to the rest"),
    pytest.param(WHOLE[:30] + " […] The post 山茶 appeared first on 山茶论坛.", id="where it appeared first"),
    pytest.param(WHOLE[:13], id="the first paragraph"),
    pytest.param(WHOLE[:25], id="cut after so many characters"),
    pytest.param("山茶花茶怎么样", id="the title"),
]


@pytest.mark.parametrize("cut", CUT)
@pytest.mark.parametrize("guid", ["", "<guid>https://f.example/g/1</guid>"])
def test_what_is_shown_cut_later_stays_whole(feed: Feed, cut: str, guid: str) -> None:
    def shown(text: str, title: str = "山茶花茶怎么样") -> str:
        return item(text, title=title).replace("</item>", f"{guid}</item>")

    feed.collect(shown(WHOLE))
    assert feed.collect(shown(cut, "" if "山茶花茶" in cut else "山茶花茶怎么样")) == NOTHING_NEW.format(1)
    assert feed.texts() == [WHOLE]


def test_what_was_shown_cut_first_becomes_whole(feed: Feed) -> None:
    feed.collect(item(WHOLE[:30] + "…"))
    assert feed.collect(item(WHOLE)) == "论坛: 0 new, 1 changed"
    assert feed.texts() == [WHOLE]


@pytest.mark.parametrize("before, after", [(WHOLE, WHOLE[:30] + "…"), (WHOLE[:30] + "…", WHOLE)])
def test_one_of_several_is_known_again_when_it_is_shown_cut_or_whole(feed: Feed, before: str, after: str) -> None:
    other = item("包装很好")
    feed.collect(item(before), other)
    feed.collect(item(after), other)
    assert feed.texts() == [WHOLE, "包装很好"]


def test_short_words_of_one_are_no_beginning_of_what_another_said(feed: Feed) -> None:
    assert feed.collect(item("还行，就是物流太慢"), item("还行…"), item("还行")) == "论坛: 3 new"
    assert feed.collect(item("还行，就是物流太慢"), item("还行…"), item("还行")) == NOTHING_NEW.format(3)


def test_words_that_go_on_otherwise_are_an_edit(feed: Feed) -> None:
    feed.collect(item("东西不错...就是贵"))
    assert feed.collect(item("东西不错...用了一周坏了")) == "论坛: 0 new, 1 changed"
    assert feed.collect(item("东西不错")) == NOTHING_NEW.format(1)


def test_who_says_the_same_without_a_name_is_told_apart_from_who_has_one(feed: Feed) -> None:
    a, b = item("很好用"), item("很好用", author="小林")
    assert feed.collect(a, b) == "论坛: 2 new"
    assert feed.collect(b, a) == NOTHING_NEW.format(2)


def at(hour: int) -> str:
    return f"Mon, 02 Mar 2026 {hour:02}:00:00 +0800"


def post(text: str, author: str, hour: int, *, guid: str = "https://f.example/t/1", title: str = "新品") -> str:
    return item(text, author=author, date=at(hour), guid=guid, title=title)


OPENER, REPLY, LAST = (
    post("新品的包装破损严重", "阿宝", 10),
    post("我也觉得物流太慢", "小林", 11),
    post("客服态度很好", "大山", 12),
)
THREAD = ["新品的包装破损严重", "我也觉得物流太慢", "客服态度很好"]


def test_posts_that_have_the_id_of_their_thread_are_told_apart_by_who_wrote_them_and_when(feed: Feed) -> None:
    for shown in (OPENER, REPLY, LAST):
        assert feed.collect(shown) == "论坛: 1 new"
    for shown in (OPENER, REPLY, LAST):
        assert feed.collect(shown) == NOTHING_NEW.format(1)
    assert feed.collect(LAST, REPLY, OPENER) == feed.collect(OPENER, LAST, REPLY) == NOTHING_NEW.format(3)
    assert feed.texts() == THREAD


def test_posts_that_have_the_id_of_their_thread_and_are_shown_together_are_all_stored(feed: Feed) -> None:
    assert feed.collect(LAST, REPLY, OPENER) == "论坛: 3 new"
    assert feed.collect(REPLY, LAST) == NOTHING_NEW.format(2)
    assert feed.collect(OPENER) == NOTHING_NEW.format(1)
    assert sorted(feed.texts()) == sorted(THREAD)


@pytest.mark.parametrize("first", [(OPENER,), (OPENER, REPLY, LAST)], ids=["alone", "together"])
@pytest.mark.parametrize("then", [(), (OPENER, LAST)], ids=["alone", "together"])
def test_a_post_of_a_thread_that_is_edited_keeps_its_author_and_its_date(
    feed: Feed, first: tuple[str, ...], then: tuple[str, ...]
) -> None:
    feed.collect(*first)
    feed.collect(REPLY)
    assert feed.collect(LAST).startswith("论坛: ")
    assert feed.collect(post("更正: 物流还行", "小林", 11), *then).startswith("论坛: 0 new, 1 changed")
    assert sorted(feed.texts()) == sorted([THREAD[0], "更正: 物流还行", THREAD[2]])


def test_who_says_the_same_twice_in_a_thread_has_said_it_twice(feed: Feed) -> None:
    once, again = post("顶", "小林", 11), post("顶", "小林", 13)
    assert feed.collect(OPENER, once, again) == "论坛: 3 new"
    assert feed.collect(again, once) == NOTHING_NEW.format(2)
    assert feed.collect(again) == feed.collect(once) == NOTHING_NEW.format(1)


@pytest.mark.parametrize("guid", ["https://f.example/t/1", "7"])
def test_an_entry_with_an_id_stays_one_when_it_is_edited_or_its_author_takes_another_name(
    feed: Feed, guid: str
) -> None:
    assert feed.collect(post("物流太慢", "小林", 11, guid=guid)) == "论坛: 1 new"
    assert feed.collect(post("物流太慢，已解决", "小林", 11, guid=guid)) == "论坛: 0 new, 1 changed"
    assert feed.collect(post("物流太慢，已解决", "小林", 12, guid=guid)) == "论坛: 0 new, 1 changed"
    assert feed.collect(post("物流太慢，已解决。", "林老师", 12, guid=guid)) == "论坛: 0 new, 1 changed"
    assert feed.texts() == ["物流太慢，已解决。"]


def test_an_edit_moves_the_date_of_an_entry_that_tells_no_other_than_that_of_its_last_change(feed: Feed) -> None:
    def shown(text: str, hour: int) -> str:
        return post(text, "小林", hour).replace("pubDate", "updated")

    assert feed.collect(shown("物流太慢", 11)) == "论坛: 1 new"
    assert feed.collect(shown("物流太慢，已解决", 12)) == "论坛: 0 new, 1 changed"


def test_what_two_feeds_show_under_titles_of_their_own_is_one_and_keeps_the_first(feed: Feed) -> None:
    feed.reads("all", "one")
    for name, title in (("all", "评论《新品》，作者：{}"), ("one", "作者：{}")):
        guids = (("阿宝", "https://f.example/?p=1#comment-1"), ("小林", "https://f.example/?p=1#comment-2"))
        shown = (post("物流太慢" + who, who, 10, guid=guid, title=title.format(who)) for who, guid in guids)
        feed.others[name] = "".join(shown)
    assert feed.collect() == "论坛: 2 new, 2 already there"
    run("analyze", project=feed.folder)
    assert feed.collect() == feed.collect() == NOTHING_NEW.format(4)
    feed.reads("one", "all")
    assert feed.collect().startswith(NOTHING_NEW.format(4))  # and that settings have changed
    assert "0 rows were not stored, 0 fields left out" in run("rejects", project=feed.folder).out
    with Store.open(load_project(feed.folder).database) as store:
        assert rows(store.connection, "select question from verbatims order by id") == [
            ("评论《新品》，作者：阿宝",),
            ("评论《新品》，作者：小林",),
        ]
        assert rows(store.connection, "select count(distinct verbatim_id) from segments") == [(2,)]


def test_an_entry_that_one_of_two_feeds_shows_without_its_author_is_one(feed: Feed) -> None:
    feed.reads("all", "one")
    feed.others = {"all": post("物流太慢", "小林", 10), "one": post("物流太慢", "", 10)}
    assert feed.collect() == "论坛: 1 new, 1 already there"
    assert feed.collect() == NOTHING_NEW.format(2)


@pytest.mark.parametrize(
    "before, after",
    [
        ("http://f.example", "https://f.example"),
        ("https://f.example", "http://f.example"),
        ("http://f.example", "https://f.example:443"),
        ("http://f.example:80", "HTTP://f.example"),
    ],
)
@pytest.mark.parametrize("known_by", ["guid", "link"])
def test_a_forum_that_changes_from_http_to_https_shows_what_is_known(
    feed: Feed, before: str, after: str, known_by: str
) -> None:
    def shown(site: str, text: str, number: int, **more: str) -> str:
        return item(text, **{"author": "小林", known_by: f"{site}/t/{number}", **more})

    first = [shown(before, text, number) for number, text in enumerate(THREAD)]
    assert feed.collect(*first) == "论坛: 3 new"
    assert feed.collect(*(shown(after, text, n) for n, text in enumerate(THREAD))) == NOTHING_NEW.format(3)
    assert feed.collect(*first) == NOTHING_NEW.format(3)
    assert feed.collect(shown(after, "已解决", 0)) == "论坛: 0 new, 1 changed"
    assert feed.collect(shown(after, "已解决", 0)) == NOTHING_NEW.format(1)
    other = shown(after.replace("f.example", "f.example:8080").replace(":443", "").replace(":80:80", ":80"), "别的", 0)
    assert feed.collect(other) == "论坛: 1 new"
    assert feed.texts() == ["已解决", *THREAD[1:], "别的"]


def test_posts_of_a_thread_are_known_again_under_another_scheme(feed: Feed) -> None:
    def plain(entry: str) -> str:
        return entry.replace("https://", "http://")

    feed.collect(OPENER)
    feed.collect(REPLY)
    for _ in range(2):
        assert feed.collect(plain(REPLY)) == feed.collect(plain(OPENER)) == NOTHING_NEW.format(1)
        assert feed.collect(plain(REPLY), plain(OPENER)) == NOTHING_NEW.format(2)
    assert feed.collect(plain(LAST), OPENER) == "论坛: 1 new, 1 already there"
    assert feed.collect(plain(LAST)) == feed.collect(LAST) == NOTHING_NEW.format(1)
    assert feed.texts() == THREAD


def test_what_an_earlier_version_stored_under_both_schemes_comes_no_third_time(feed: Feed) -> None:
    feed.collect(post("物流太慢", "", 10))
    with Store.open(load_project(feed.folder).database) as store, store.transaction() as connection:
        connection.execute("update verbatims set source_id = 'http://f.example/t/1'")
    with Store.open(load_project(feed.folder).database) as store, store.transaction() as connection:
        columns = [
            row[1] for row in connection.execute("pragma table_info(verbatims)") if row[1] not in ("id", "source_id")
        ]
        connection.execute(
            f"insert into verbatims (source_id, {', '.join(columns)}) "
            f"select 'https://f.example/t/1', {', '.join(columns)} from verbatims"
        )
    assert feed.collect(post("物流太慢，已解决", "", 10)) == "论坛: 0 new, 1 changed"
    assert feed.texts() == ["物流太慢", "物流太慢，已解决"]


def test_a_post_whose_id_names_its_forum_is_one_in_all_its_feeds_and_under_every_query(feed: Feed) -> None:
    def shown(text: str) -> str:
        return post(text, "小林", 10, guid="f.example-post-5-1")

    feed.reads("posts")
    feed.collect(shown("物流太慢"))
    feed.reads("posts?order=new", "topic")
    assert feed.collect(shown("物流太慢")) == NOTHING_NEW.format(2)
    assert feed.collect(shown("物流太慢，已解决")) == "论坛: 0 new, 1 changed, 1 already there"
    assert feed.texts() == ["物流太慢，已解决"]


def test_such_a_post_that_an_earlier_version_knew_by_its_feed_comes_no_second_time(feed: Feed) -> None:
    shown = post("物流太慢", "小林", 10, guid="f.example-post-5-1")
    feed.reads("posts")
    feed.collect(shown)
    source = SourceConfig("论坛", "rss", options={"urls": f"{feed.url}/posts"})
    [stream] = RssCollector().streams(Visit(source, Vault(feed.folder), NOW))
    with Store.open(load_project(feed.folder).database) as store, store.transaction() as connection:
        connection.execute("update verbatims set source_id = ? || '/' || source_id", (stream,))
    feed.reads("topic", "posts")
    assert feed.collect(shown).startswith(NOTHING_NEW.format(2))


def test_what_its_feed_alone_knows_is_known_again_when_the_feed_goes_to_https(feed: Feed) -> None:
    feed.collect(post("物流太慢", "小林", 10, guid="7"))
    secure = SourceConfig("论坛", "rss", options={"urls": f"{feed.url}/feed".replace("http:", "https:")})
    [stream] = RssCollector().streams(Visit(secure, Vault(feed.folder), NOW))
    with Store.open(load_project(feed.folder).database) as store, store.transaction() as connection:
        [(now,)] = rows(connection, "select source_id from verbatims")
        connection.execute("update verbatims set source_id = ?", (f"{stream}/7",))
    assert now.endswith("/7")
    assert now != f"{stream}/7"
    assert feed.collect(post("物流太慢", "小林", 10, guid="7")) == NOTHING_NEW.format(1)
    assert feed.collect(post("物流太慢，已解决", "小林", 10, guid="7")) == "论坛: 0 new, 1 changed"
