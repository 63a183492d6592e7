"""The App Store's public feed: what becomes of an entry, in both forms, and how far back a run reads."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from command import Ran, run
from stored import rows
from wire import Asked, Reply, Wire, wire
from worlds import NOW, Said, edited, said
from worlds.app_store import APP, World, json_entry, json_feed, xml_feed

from feedback.collectors.app_store import AppStoreCollector
from feedback.collectors.app_store_feed import Place, read_json_feed, read_xml_feed
from feedback.collectors.base import Item, RawScore, Record, SourceConfig, Unreadable
from feedback.collectors.live import Page, Visit
from feedback.collectors.live.vault import Vault
from feedback.errors import CollectError
from storage.store import Store

ONE = Said(1, "物流太慢了", NOW - timedelta(days=1), NOW - timedelta(days=1))
ONE_RECORD = Record(
    text="物流太慢了",
    kind="review",
    channel="App Store",
    location="cn:11000000001",
    source_id="11000000001",
    posted_at="2026-03-01T04:00:00-00:00",
    customer="901",
    version="8.0.1",
    region="cn",
    question="标题1",
    votes="3",
    scores=(RawScore("star", "2", 1, 5),),
)
AS_XML = "cn: the feed held nothing as JSON and was asked for as XML"
PLACE = Place("a feed", "cn", "cn")


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def web(world: World) -> Iterator[Wire]:
    with wire(world.answer) as web:
        yield web


def visit(url: str = "", **options: object) -> Visit:
    found = {"url": url, "app": APP, **options} if url else {"app": APP, **options}
    return Visit(SourceConfig("live", "app-store", options=found), Vault(Path("/nowhere")), NOW)


def pages(web: Wire, state: str | None = None, stream: str = "cn") -> list[Page]:
    web.asked.clear()
    return list(AppStoreCollector().pages(stream, state, visit(web.url)))


def asked(web: Wire) -> list[str]:
    """Page and form of what was asked, in turn."""
    return [f"{each.path.split('page=')[1].split('/')[0]} {each.path.rpartition('/')[2]}" for each in web.asked]


def weeks(count: int) -> list[Said]:
    """So many reviews, a week apart, the last a day ago."""
    at = {one.number: NOW - timedelta(days=1 + 7 * (count - one.number)) for one in said(count)}
    return [replace(one, posted_at=at[one.number], changed_at=at[one.number]) for one in said(count)]


def as_entry(**fields: object) -> dict[str, object]:
    return {**json_entry(ONE, "cn"), **fields}


def test_an_entry_becomes_a_record(world: World, web: Wire) -> None:
    world.said = [ONE]
    found = pages(web)
    assert found[0] == Page([ONE_RECORD], None)
    assert [page.items for page in found[1:]] == [[]] * 9
    assert [page.state for page in found] == [None] * 9 + ['["2026-03-01T04:00:00Z", null, null]']


def test_what_the_section_says_of_the_source_goes_with_it(web: Wire, world: World) -> None:
    world.said = [ONE]
    asked_by = visit(web.url)
    config = replace(asked_by.config, kind="post", channel="苹果", product="灯", store="官方")
    first = next(AppStoreCollector().pages("cn", None, replace(asked_by, config=config)))
    assert first.items == [replace(ONE_RECORD, kind="post", channel="苹果", product="灯", store="官方")]


def test_a_page_that_is_empty_as_json_is_asked_for_as_xml_and_gives_the_same(world: World, web: Wire) -> None:
    as_json = pages(web)
    world.empty_json = {1, 2, 3}
    as_xml = pages(web)
    assert [page.items for page in as_xml] == [page.items for page in as_json]
    assert as_xml[-1].state == as_json[-1].state
    assert [page.notes for page in as_xml] == [(AS_XML,)] + [()] * 9
    assert all(page.notes == () for page in as_json)


def test_an_answer_without_a_body_is_empty_json(world: World, web: Wire) -> None:
    world.said = [ONE]
    web.answer = lambda each: Reply(b" \n") if each.path.endswith("/json") else world.answer(each)
    assert pages(web)[0] == Page([ONE_RECORD], None, (AS_XML,))


@pytest.mark.parametrize("form", ["json", "xml"])
def test_the_app_itself_is_no_review(form: str) -> None:
    app = {
        "im:name": {"label": "灯"},
        "title": {"label": "灯 - 公司"},
        "id": {"label": "https://apps.apple.com/cn/app/id1"},
    }
    one = json_entry(ONE, "cn")
    if form == "json":
        found = read_json_feed({"feed": {"entry": [app, one]}}, PLACE)
    else:
        entry = b'<entry><id>x</id><title>a</title><content type="html">&lt;b&gt;a&lt;/b&gt;</content></entry><entry>'
        found = read_xml_feed(xml_feed([ONE], "cn", 1).replace(b"<entry>", entry, 1), PLACE)
    assert found == read_json_feed({"feed": {"entry": one}}, PLACE)
    assert read_json_feed({"feed": {"entry": app}}, PLACE) == []


def test_the_first_run_reads_all_ten_pages_and_moves_the_state_with_the_last(world: World, web: Wire) -> None:
    world.said = said(80)
    found = pages(web)
    # After each page the one before it, for what moved up meanwhile.
    again = [f"{place} json" for number in range(2, 11) for place in (number, number - 1)]
    assert asked(web) == ["1 json", *again]
    assert [len(page.items) for page in found] == [7] * 10
    assert [page.state for page in found] == [None] * 9 + ['["2026-03-01T03:59:00Z", null, null]']
    assert all(page.notes == () for page in found)


def test_a_later_run_stops_at_the_first_page_on_which_all_is_long_known(world: World, web: Wire) -> None:
    world.said = weeks(60)
    state = pages(web)[-1].state
    newer = replace(ONE, number=61, posted_at=NOW, changed_at=NOW)
    world.said.append(newer)
    found = pages(web, state)
    assert asked(web) == ["1 json", "2 json", "1 json"]
    assert [page.state for page in found] == [None, '["2026-03-02T04:00:00Z", null, null]']
    assert found[0].items[0] == replace(
        ONE_RECORD,
        location="cn:11000000061",
        source_id="11000000061",
        posted_at="2026-03-02T04:00:00-00:00",
        customer="961",
        question="标题61",
    )


def test_an_edited_review_comes_again_under_its_id(world: World, web: Wire) -> None:
    world.said = weeks(60)
    state = pages(web)[-1].state
    world.said[4] = edited(world.said[4], "改主意了", NOW - timedelta(hours=1))
    first = pages(web, state)[0].items[0]
    assert isinstance(first, Record)
    assert (first.source_id, first.text, first.posted_at) == ("11000000005", "改主意了", "2026-03-02T03:00:00-00:00")


def test_more_reviews_than_the_feed_holds_are_told_as_a_gap(world: World, web: Wire) -> None:
    world.said = [ONE]
    state = pages(web)[-1].state
    world.said += [replace(one, posted_at=NOW, changed_at=NOW) for one in said(70, first=2)]
    found = pages(web, state)
    assert len(found) == 10
    assert found[-1].state == '["2026-03-02T04:00:00Z", null, null]'
    assert found[-1].notes == (
        "cn: the feed, which holds 500 reviews at most, has none that was known. Those between it and the last run may be missing",
    )
    assert all(page.notes == () for page in found[:-1])


def test_a_feed_that_ends_where_it_is_known_is_read_no_further(world: World, web: Wire) -> None:
    world.said = weeks(2)
    state = pages(web)[-1].state
    found = pages(web, state)
    assert asked(web) == ["1 json", "2 json", "2 xml", "1 json"]
    assert [(page.state, page.notes) for page in found] == [(None, ()), (state, ())]


def test_after_a_hole_in_the_feed_nothing_is_taken_for_known(world: World, web: Wire) -> None:
    world.empty_json = world.empty_xml = {2}
    found = pages(web)
    assert [len(page.items) for page in found] == [7, 0, 6, 0, 0, 0, 0, 0, 0, 0]
    assert [page.state for page in found] == [None] * 10
    assert found[-1].notes == (
        "cn: a page of the feed was empty though later ones were not. The next run asks for all of this again",
    )


CUT_OFF = "cn: the feed ended behind a full page, so there may be more that it did not show. The next run asks for all of this again"


def test_a_first_run_whose_last_pages_are_empty_behind_a_full_one_is_told_and_asks_again(
    world: World, web: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feedback.collectors.app_store.FULL", 7)
    world.said = weeks(60)
    world.empty_json = world.empty_xml = set(range(3, 11))
    found = pages(web)
    assert [len(page.items) for page in found] == [7, 7, *[0] * 8]
    assert [page.state for page in found] == [None] * 10
    assert found[-1].notes == (CUT_OFF,)
    world.empty_json = world.empty_xml = set()
    found = pages(web)
    assert sum(len(page.items) for page in found) == 60
    assert (found[-1].state, found[-1].notes) == ('["2026-03-01T04:00:00Z", null, null]', ())


def test_a_later_run_that_is_cut_off_before_what_was_known_asks_again(
    world: World, web: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feedback.collectors.app_store.FULL", 7)
    world.said = weeks(60)
    known = json.dumps([f"{NOW - timedelta(days=7 * 20):%Y-%m-%dT%H:%M:%SZ}", None, None])
    world.empty_json = world.empty_xml = set(range(3, 11))
    *_, last = pages(web, known)
    assert (last.state, last.notes) == (None, (CUT_OFF,))
    world.empty_json = world.empty_xml = set(range(4, 11))  # it meets what was known
    *_, last = pages(web, known)
    assert (last.state, last.notes) == ('["2026-03-01T04:00:00Z", null, null]', ())


def test_a_feed_that_ends_with_a_page_that_is_not_full_is_a_short_one(
    world: World, web: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feedback.collectors.app_store.FULL", 7)
    world.said = weeks(13)
    *_, last = pages(web)
    assert (last.state, last.notes) == ('["2026-03-01T04:00:00Z", null, null]', ())


def test_a_feed_that_holds_nothing_is_told_and_changes_nothing(world: World, web: Wire) -> None:
    world.said = []
    note = "cn: the feed is empty, as JSON and as XML. Are 'app' and 'countries' right?"
    assert pages(web, '["2026-03-01T04:00:00Z", null, null]') == [Page([], None, (note,))]
    assert asked(web) == ["1 json", "1 xml"]


def test_with_since_it_reads_no_further_back(world: World, web: Wire) -> None:
    world.said = weeks(60)
    asked_by = replace(visit(web.url), since=NOW - timedelta(days=40))
    assert len(list(AppStoreCollector().pages("cn", None, asked_by))) == 2


def test_each_country_is_asked_for_itself(world: World, web: Wire) -> None:
    world.said = [ONE]
    assert AppStoreCollector().streams(visit(countries=["hk", "cn", "hk"])) == ["hk", "cn"]
    assert pages(web, stream="hk")[0].items == [replace(ONE_RECORD, location="hk:11000000001", region="hk")]


def test_a_review_without_a_rating_is_kept_and_told_of() -> None:
    found = read_json_feed({"feed": {"entry": [as_entry(**{"im:rating": None})]}}, PLACE)
    assert [each.stars for each in found if not isinstance(each, Unreadable)] == [None]


def records(tmp_path: Path, *entries: object) -> list[Item]:
    saved = tmp_path / "answer.json"
    saved.write_text(json.dumps({"feed": {"entry": list(entries)}}), encoding="utf-8")
    return list(AppStoreCollector().saved(saved, visit()))


def test_fields_that_are_missing_are_missing_in_the_record(tmp_path: Path) -> None:
    bare = {"id": {"label": "7"}, "content": {"label": "很好"}, "author": {"name": {"label": "某人"}}}
    assert records(tmp_path, bare) == [
        Record("很好", "review", "App Store", "answer.json:7", "7", region="cn", problems=("it has no rating",))
    ]


@pytest.mark.parametrize("title", ["物流太慢了", "物流", "", "  ", "无"])
def test_a_title_that_says_nothing_more_is_none(tmp_path: Path, title: str) -> None:
    assert records(tmp_path, as_entry(title={"label": title})) == [
        replace(ONE_RECORD, location="answer.json:11000000001", question=None)
    ]


def test_an_entry_that_cannot_be_used_is_listed(web: Wire) -> None:
    entries = [as_entry(), as_entry(id={}), "text", as_entry(id={"label": 8})]
    web.answer = lambda _asked: Reply({"feed": {"entry": entries}})
    assert pages(web)[0].items == [
        ONE_RECORD,
        Unreadable("cn:#2", "it has no id", "物流太慢了"),
        Unreadable("cn:#3", "it is not an object"),
        Unreadable("cn:#4", "it has no id", "物流太慢了"),
    ]


def refusal(web: Wire, answer: Callable[[Asked], Reply]) -> str:
    """What is said, without the address of this test's own."""
    web.answer = answer
    with pytest.raises(CollectError) as caught:
        pages(web)
    return str(caught.value).replace(web.url.removeprefix("http://"), "HOST")


FEED = f"HOST/cn/rss/customerreviews/page=1/id={APP}/sortby=mostrecent"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"unexpected": 3}, f"{FEED}/json: the answer holds no 'feed'. Has the interface changed?"),
        ([], f"{FEED}/json: the answer holds no 'feed'. Has the interface changed?"),
        ({"feed": {"entry": "x"}}, f"{FEED}/json: 'entry' of the feed is no list. Has the interface changed?"),
        (
            {"feed": {"entry": [{"content": {"label": "好"}}, {}]}},
            f"{FEED}/json: no review on this page can be read: it has no id. Has the interface changed?",
        ),
    ],
)
def test_json_of_another_shape_is_an_error(web: Wire, content: object, message: str) -> None:
    assert refusal(web, lambda _asked: Reply(content)) == message


WHOLE = xml_feed([ONE], "cn", 1)
NO_FEED = f"{FEED}/xml: the answer is no feed of reviews but something else. Has the interface changed?"
DAMAGED = f"{FEED}/xml: the answer is a damaged feed: it was cut off, or is not in UTF-8. Run this again."


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", NO_FEED),
        (b"42", NO_FEED),
        (b"<html><body>x</body></html>", NO_FEED),
        (b'<rss version="2.0"><channel><item><title>a</title></item></channel></rss>', NO_FEED),
        (WHOLE[:-40], DAMAGED),
        (WHOLE.replace("物流".encode(), "物流".encode("gb18030")), DAMAGED),
    ],
)
def test_xml_that_is_no_whole_feed_is_an_error(web: Wire, body: bytes, message: str) -> None:
    assert refusal(web, lambda each: Reply(b"" if each.path.endswith("json") else body)) == message


def test_xml_is_read_in_spite_of_characters_that_it_must_not_hold() -> None:
    body = WHOLE.replace("物流".encode(), "物\x0b\x00流".encode())
    assert read_xml_feed(body, PLACE) == read_xml_feed(WHOLE, PLACE)


def test_markup_in_a_review_stays_what_the_customer_wrote() -> None:
    text = "我 <3 这个灯 & <b>真</b>的\n好"
    found = read_xml_feed(xml_feed([replace(ONE, text=text)], "cn", 1), PLACE)
    assert [each.text for each in found if not isinstance(each, Unreadable)] == [text]


def test_a_page_saved_as_xml_gives_the_same_as_json(tmp_path: Path) -> None:
    for name, body in (("a.json", Reply(json_feed([ONE], "hk", 1)).body()), ("a.xml", xml_feed([ONE], "hk", 1))):
        (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + body)
        found = list(AppStoreCollector().saved(tmp_path / name, visit(countries=["cn", "hk"])))
        assert found == [replace(ONE_RECORD, location=f"{name}:11000000001", region="hk")]


def test_several_answers_may_stand_in_a_file_and_the_country_may_be_unknown(tmp_path: Path) -> None:
    saved = tmp_path / "two.json"
    one = json.dumps({"feed": {"entry": as_entry()}})
    saved.write_text(f"{one}\n7\n{one}", encoding="utf-8")
    record = replace(ONE_RECORD, location="two.json:11000000001", region=None)
    assert list(AppStoreCollector().saved(saved, visit(countries=["cn", "hk"]))) == [
        record,
        Unreadable("two.json:#2", "it is not an object"),
        record,
    ]


def test_a_saved_file_that_is_no_feed_is_an_error(tmp_path: Path) -> None:
    saved = tmp_path / "list.json"
    saved.write_text('[{"reviewId": "1"}]', encoding="utf-8")
    with pytest.raises(
        CollectError, match=r"^list\.json:#1: the answer holds no 'feed'\. Has the interface changed\?$"
    ):
        list(AppStoreCollector().saved(saved, visit()))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"app": ""}, "source 'live': 'app' is missing."),
        ({"app": True}, "source 'live': 'app' must be text in quotes, not True."),
        (
            {"app": -1},
            "source 'live': 'app' is the number in the app's address: 123456789 of apps.apple.com/cn/app/id123456789.",
        ),
        (
            {"app": "id123"},
            "source 'live': 'app' is the number in the app's address: 123456789 of apps.apple.com/cn/app/id123456789.",
        ),
        ({"countries": ["CHN"]}, "source 'live': 'countries' holds 'chn'. Write codes like 'cn'."),
        ({"countries": [4]}, "source 'live': 'countries' must be a list of texts, not [4]."),
        ({"county": "cn"}, "source 'live': unknown 'county'. Known: app, countries, url."),
    ],
)
def test_settings_that_cannot_be_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(CollectError) as caught:
        AppStoreCollector().streams(visit(**options))
    assert str(caught.value) == message


@pytest.mark.parametrize("form", ["json", "xml"])
def test_a_saved_page_shows_version_and_votes_in_a_dry_run_and_they_are_stored(tmp_path: Path, form: str) -> None:
    project, page = tmp_path / "shop", tmp_path / f"page.{form}"
    assert run("init", project).code == 0
    page.write_bytes(Reply(json_feed([ONE], "cn", 1)).body() if form == "json" else xml_feed([ONE], "cn", 1))
    command = ("collect", "app-store", "--set", "app=1", "--load", page)
    shown = "2026-03-01 12:00:00  customer  star 2  version 8.0.1  votes 3  物流太慢了\napp-store: 1 would be stored\n"
    assert run(*command, "--dry-run", project=project) == Ran(0, shown, "")
    assert run(*command, project=project).out.startswith("app-store: 1 new")
    with Store.open(project / "feedback.db") as store:
        found = rows(store.connection, "select text, version, votes, region from verbatims")
    assert found == [("物流太慢了", "8.0.1", 3, "cn")]


def test_china_is_asked_where_no_country_is_named() -> None:
    assert AppStoreCollector().streams(visit()) == ["cn"]
    assert AppStoreCollector().streams(visit(countries="jp")) == ["jp"]
