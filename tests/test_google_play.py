"""Google Play, asked in the words of the package google-play-scraper: the package itself, against a server of this machine."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from wire import Reply, Wire, wire
from worlds import NOW, Said, edited, said
from worlds.google_play import ADDRESS, APP, ROBOTS, World, as_package, envelope

from feedback.collectors.base import RawScore, Record, SourceConfig, Unreadable
from feedback.collectors.google_play import GooglePlayCollector
from feedback.collectors.live import Page, Visit
from feedback.collectors.live.vault import Vault
from feedback.errors import CollectError

TWO = Said(2, "包装很结实", NOW - timedelta(days=1), NOW - timedelta(days=1))
TWO_ID = "5f0c7b1e-3a52-4d6e-9c1f-000000000002"
TWO_RECORD = Record(
    text="包装很结实",
    kind="review",
    channel="Google Play",
    location=f"us-zh-CN:{TWO_ID}",
    source_id=TWO_ID,
    posted_at="2026-03-01T04:00:00Z",
    version="8.0.1",
    votes="2",
    scores=(RawScore("star", "3", 1, 5),),
)
TWO_REPLY = Record(
    text="感谢反馈，已经在处理",
    kind="review",
    channel="Google Play",
    location=f"us-zh-CN:{TWO_ID}/reply",
    source_id=f"{TWO_ID}/reply",
    role="agent",
    posted_at="2026-03-01T05:00:00Z",
    parent_id=TWO_ID,
)
DONE = '["2026-03-01T03:59:00Z", null, null]'


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def web(world: World) -> Iterator[Wire]:
    with wire(world.answer) as web:
        yield web


def visit(url: str = "https://localhost", **options: object) -> Visit:
    config = SourceConfig("live", "google-play", options={"url": url, "app": APP, **options})
    return Visit(config, Vault(Path("/nowhere")), NOW)


def pages(web: Wire, state: str | None = None, stream: str = "us-zh-CN") -> list[Page]:
    web.asked.clear()
    return list(GooglePlayCollector().pages(stream, state, visit(web.url)))


def numbers(page: Page) -> list[int]:
    """Of the customers' reviews on a page."""
    found = [item for item in page.items if isinstance(item, Record) and item.role == "customer"]
    return [int((item.source_id or "")[-12:], 16) for item in found]


def test_a_review_and_the_answer_to_it_become_records(world: World, web: Wire) -> None:
    world.said = [TWO]
    assert pages(web) == [Page([TWO_RECORD, TWO_REPLY], '["2026-03-01T04:00:00Z", null, null]')]
    assert [(each.method, each.path, each.query) for each in web.asked] == [
        ("GET", "/robots.txt", {}),
        ("POST", ADDRESS, {"hl": "zh-CN", "gl": "us"}),
    ]


def test_the_time_of_a_review_does_not_depend_on_where_this_machine_is(
    world: World, web: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.said = [TWO]
    try:
        for zone in ("America/New_York", "Asia/Shanghai"):
            monkeypatch.setenv("TZ", zone)
            time.tzset()
            assert pages(web)[0].items == [TWO_RECORD, TWO_REPLY]
    finally:
        monkeypatch.undo()
        time.tzset()


def test_what_the_section_says_of_the_source_goes_with_both(world: World, web: Wire) -> None:
    world.said = [TWO]
    asked_by = visit(web.url)
    asked_by = replace(asked_by, config=replace(asked_by.config, kind="post", channel="谷歌", product="灯", store="店"))
    said_of_it = {"kind": "post", "channel": "谷歌", "product": "灯", "store": "店"}
    first = next(GooglePlayCollector().pages("us-zh-CN", None, asked_by))
    assert first.items == [replace(each, **said_of_it) for each in (TWO_RECORD, TWO_REPLY)]  # type: ignore[arg-type]


def test_pages_are_followed_and_leave_where_to_go_on(web: Wire) -> None:
    found = pages(web)
    assert [numbers(page) for page in found] == [[*range(20, 13, -1)], [*range(13, 6, -1)], [*range(6, 0, -1)]]
    assert [page.state for page in found] == [
        json.dumps([None, "2026-03-01T03:59:00Z", "2026-03-01T03:53:00Z|14+/=&"]),
        json.dumps([None, "2026-03-01T03:59:00Z", "2026-03-01T03:46:00Z|7+/=&"]),
        DONE,
    ]


def test_a_run_that_was_cut_off_goes_on_and_then_looks_for_news(world: World, web: Wire) -> None:
    state = pages(web)[0].state
    world.said.append(replace(TWO, number=21, posted_at=NOW, changed_at=NOW))
    found = pages(web, state)
    assert [numbers(page) for page in found] == [
        [*range(13, 6, -1)],
        [*range(6, 0, -1)],
        [*range(21, 14, -1)],
        [*range(14, 7, -1)],
        [*range(7, 0, -1)],
    ]
    assert (found[1].state, found[4].state) == (DONE, '["2026-03-02T04:00:00Z", null, null]')


def _days(world: World) -> None:
    """A review a day, the last a day ago."""
    at = {one.number: NOW - timedelta(days=21 - one.number) for one in world.said}
    world.said = [replace(one, posted_at=at[one.number], changed_at=at[one.number]) for one in world.said]


def test_a_later_run_looks_three_days_further_back_than_what_is_known(world: World, web: Wire) -> None:
    _days(world)
    state = pages(web)[-1].state
    world.replies = {17: "谢谢", 1: "谢谢"}
    found = pages(web, state)
    assert [numbers(page) for page in found] == [[*range(20, 13, -1)], [*range(13, 6, -1)]]
    replies = [
        item.source_id for page in found for item in page.items if isinstance(item, Record) and item.role == "agent"
    ]
    assert replies == ["5f0c7b1e-3a52-4d6e-9c1f-000000000011/reply"]
    assert found[-1].state == state


def test_an_edited_review_comes_again_under_its_id(world: World, web: Wire) -> None:
    _days(world)
    state = pages(web)[-1].state
    world.said[0] = edited(world.said[0], "改主意了", NOW)
    first = pages(web, state)[0].items[0]
    assert isinstance(first, Record)
    assert (first.source_id, first.text) == ("5f0c7b1e-3a52-4d6e-9c1f-000000000001", "改主意了")


def test_with_since_it_reads_no_further_back(world: World, web: Wire) -> None:
    _days(world)
    asked_by = replace(visit(web.url), since=NOW - timedelta(days=5))
    found = list(GooglePlayCollector().pages("us-zh-CN", None, asked_by))
    assert [numbers(page) for page in found] == [[*range(20, 13, -1)], [*range(13, 6, -1)]]


STARTED_OVER = "us-zh-CN: the place where the last run was cut off is no longer known: asked again from the newest, nothing is lost"


@pytest.mark.parametrize("refusal", [Reply(envelope(None)), Reply(b"", 400)])
def test_a_place_that_is_no_longer_known_is_told_and_nothing_is_lost(web: Wire, refusal: Reply) -> None:
    web.faults = [Reply(ROBOTS), refusal]
    found = pages(web, json.dumps([None, "2026-03-01T03:59:00Z", "gone"]))
    assert found[0] == Page([], None, (STARTED_OVER,))
    assert sum(len(numbers(page)) for page in found) == 20
    assert found[-1].state == DONE


def test_other_refusals_of_a_place_are_errors(web: Wire) -> None:
    web.answer = lambda _asked: Reply(b"", 403)
    with pytest.raises(CollectError, match=r"refuses \(403\)"):
        pages(web, json.dumps([None, None, "somewhere"]))
    assert [each.method for each in web.asked] == ["GET", "POST"]


def test_a_list_that_ends_too_soon_is_told_and_changes_no_state(world: World, web: Wire) -> None:
    state = pages(web)[-1].state
    world.said = said(3, first=21)
    world.said = [replace(one, changed_at=NOW) for one in world.said]
    note = "us-zh-CN: the list ended before it came to what the last run saw. The next run asks for all of this again"
    found = pages(web, state)
    assert [(numbers(page), page.state, page.notes) for page in found] == [([23, 22, 21], None, (note,))]


@pytest.mark.parametrize("state", [None, DONE])
def test_a_list_that_holds_nothing_is_told_and_changes_no_state(world: World, web: Wire, state: str | None) -> None:
    note = "us-zh-CN: Google Play shows no reviews. Are 'app', 'countries' and 'languages' right?"
    world.said = []
    assert pages(web, state) == [Page([], None, (note,))]
    web.answer = lambda _asked: Reply(envelope([]))
    assert pages(web, state) == [Page([], None, (note,))]


def test_an_empty_last_page_is_the_end(world: World, web: Wire) -> None:
    web.answer = lambda asked: world.answer(asked) if len(web.asked) <= 2 else Reply(envelope([None, [None, None], []]))
    assert [(len(numbers(page)), page.state, page.notes) for page in pages(web)] == [
        (7, json.dumps([None, "2026-03-01T03:59:00Z", "2026-03-01T03:53:00Z|14+/=&"]), ()),
        (0, DONE, ()),
    ]


def test_each_language_of_each_country_is_asked_for_itself(web: Wire) -> None:
    asked_by = visit(countries=["us", "sg", "us"], languages=["zh-CN", "en"])
    assert GooglePlayCollector().streams(asked_by) == ["us-zh-CN", "us-en", "sg-zh-CN", "sg-en"]
    assert GooglePlayCollector().streams(visit()) == ["us-zh-CN"]
    pages(web, stream="sg-en")
    assert web.asked[-1].query == {"hl": "en", "gl": "sg"}


def test_a_review_that_is_shown_in_two_countries_is_one_review(world: World, web: Wire) -> None:
    world.said = [TWO]
    there = [replace(each, location=each.location.replace("us-", "sg-")) for each in (TWO_RECORD, TWO_REPLY)]
    assert pages(web, stream="sg-zh-CN")[0].items == there


def test_reviews_without_an_id_are_listed_and_fields_that_are_missing_are_missing(world: World, web: Wire) -> None:
    web.answer = lambda _asked: Reply(
        envelope([[world.review(TWO), ["", 0, 0, 0, "坏了"], "x", ["a1"]], [None, None], []])
    )
    assert pages(web)[0].items == [
        TWO_RECORD,
        TWO_REPLY,
        Unreadable("us-zh-CN:#2", "it has no id", "坏了"),
        Record("", "review", "Google Play", "us-zh-CN:x", "x", problems=("it has no rating",)),
        Record("", "review", "Google Play", "us-zh-CN:a1", "a1", problems=("it has no rating",)),
    ]


PLACE = "HOST/_/PlayStoreUi/data/batchexecute"
NEWER = "Has the interface changed? A newer google-play-scraper may know it."


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", f"{PLACE} answers with something else than reviews. {NEWER}"),
        (b"\xff", f"{PLACE} answers with something else than reviews. {NEWER}"),
        (b"<html>", f"{PLACE} answers with something else than reviews. {NEWER}"),
        (b")]}'\n\n[]", f"{PLACE} answers with something else than reviews. {NEWER}"),
        (b")]}'\n\n42", f"{PLACE} answers with something else than reviews. {NEWER}"),
        (b')]}\'\n\n{"a": 1}', f"{PLACE} answers with something else than reviews. {NEWER}"),
        (b")]}'\n\n[[", f"{PLACE} answers with something that is no JSON: Expecting value at character 2."),
        (envelope(None), f"{PLACE} gives no list of reviews. Is 'app' right? {NEWER}"),
        (envelope({"a": 1}), f"{PLACE} gives a list of reviews of another shape. {NEWER}"),
        (envelope(["a"]), f"{PLACE} gives a list of reviews of another shape. {NEWER}"),
        (envelope([[[7]]]), f"{PLACE}: no review on this page can be read: it has no id. Has the interface changed?"),
        (
            b')]}\'\n\n[[null,null,null,null,null,[8,null,[["com.google.play.gateway.proto.PlayGatewayError"]]]]]',
            f"{PLACE} asks for fewer requests. What came before is kept; run this again later.",
        ),
    ],
)
def test_an_answer_of_another_shape_is_an_error(web: Wire, body: bytes, message: str) -> None:
    web.answer = lambda _asked: Reply(body)
    with pytest.raises(CollectError) as caught:
        pages(web)
    assert str(caught.value).replace(web.url.removeprefix("http://"), "HOST") == message


def test_a_list_that_goes_in_circles_is_an_error(world: World, web: Wire) -> None:
    web.answer = lambda _asked: Reply(world.listing(world.said, "again"))
    with pytest.raises(CollectError) as caught:
        pages(web)
    assert str(caught.value) == f"{web.url} names the same next page of us-zh-CN again and again. Run this again later."


def saved(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "reviews.json"
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return path


def test_a_saved_list_gives_the_same_as_asking(tmp_path: Path) -> None:
    path = saved(tmp_path, [as_package(TWO, "感谢反馈，已经在处理"), 7])
    assert list(GooglePlayCollector().saved(path, visit())) == [
        replace(TWO_RECORD, location=f"reviews.json:{TWO_ID}"),
        replace(TWO_REPLY, location=f"reviews.json:{TWO_ID}/reply"),
        Unreadable("reviews.json:#2", "it is not an object"),
    ]


@pytest.mark.parametrize(
    ("at", "posted_at"),
    [
        ("2026-03-01 12:00:00", "2026-03-01T04:00:00Z"),  # of the project's zone, Asia/Shanghai
        ("2026-03-01T04:00:00+00:00", "2026-03-01T04:00:00Z"),
        (1772337600000, "2026-03-01T04:00:00Z"),  # as pandas writes it (DataFrame.to_json)
        (1772337600.0, "2026-03-01T04:00:00Z"),
        (7, "7"),  # intake says what is wrong with it
        ("yesterday", "yesterday"),
        (None, None),
    ],
)
def test_saved_times_are_read_in_the_zone_of_the_project(
    tmp_path: Path, at: str | float | None, posted_at: str | None
) -> None:
    path = saved(tmp_path, [{**as_package(TWO), "at": at}])
    assert list(GooglePlayCollector().saved(path, visit())) == [
        replace(TWO_RECORD, location=f"reviews.json:{TWO_ID}", posted_at=posted_at)
    ]


def test_numbers_of_a_saved_data_frame_are_read_as_people_see_them(tmp_path: Path) -> None:
    numbers = {"content": 666, "score": 3.0, "thumbsUpCount": 2.0, "reviewCreatedVersion": 8.1}
    path = saved(tmp_path, [{**as_package(TWO), **numbers}])
    assert list(GooglePlayCollector().saved(path, visit())) == [
        replace(TWO_RECORD, text="666", version="8.1", location=f"reviews.json:{TWO_ID}")
    ]


@pytest.mark.parametrize("robots", [b"User-agent: *\nDisallow: /_", b"User-agent: yuansheng\nDisallow: /*?*gl=us"])
def test_where_robots_txt_forbids_it_no_review_is_asked_for(world: World, web: Wire, robots: bytes) -> None:
    world.robots = robots
    with pytest.raises(CollectError) as caught:
        pages(web, json.dumps([None, "2026-03-01T03:59:00Z", "2026-03-01T03:53:00Z|14+/=&"]))
    assert str(caught.value) == (
        f"{web.url.removeprefix('http://')} does not want programs to read {ADDRESS} (robots.txt). "
        "It was not asked for; ask those who run it."
    )
    assert [each.path for each in web.asked] == ["/robots.txt"]


def test_where_a_redirect_leads_is_checked_before_it_is_asked(world: World, web: Wire) -> None:
    world.robots = b"User-agent: *\nDisallow: /moved"
    web.answer = lambda asked: world.answer(asked) if asked.method == "GET" else Reply(b"", 307, {"Location": "/moved"})
    with pytest.raises(CollectError, match=r"does not want programs to read /moved"):
        pages(web)
    assert [each.path for each in web.asked] == ["/robots.txt", ADDRESS]


def test_robots_txt_is_asked_for_once_a_run(web: Wire) -> None:
    collector, asked_by = GooglePlayCollector(), visit(web.url, countries=["us", "sg"])
    for stream in collector.streams(asked_by):
        list(collector.pages(stream, None, asked_by))
    assert [each.path for each in web.asked].count("/robots.txt") == 1


def test_without_the_package_it_says_what_to_install(web: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google_play_scraper", None)
    with pytest.raises(CollectError) as caught:
        pages(web)
    assert str(caught.value) == (
        "Collector 'google-play' needs google-play-scraper, which is not installed: pip install 'yuansheng[google-play]'."
    )


def test_certificates_are_checked_in_spite_of_the_package() -> None:
    """Importing it turns the check off for all that this process asks by urllib."""
    script = (
        "import ssl\n"
        "from feedback.collectors.google_play_wire import load_wire\n"
        "load_wire()\n"
        "import google_play_scraper\n"
        "print(ssl._create_default_https_context is ssl.create_default_context)\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == "True\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"app": ""}, "source 'live': 'app' is missing."),
        (
            {"app": "1234567890"},
            "source 'live': 'app' is the name of the app's package: com.example.app of play.google.com/store/apps/details?id=com.example.app.",
        ),
        ({"countries": ["usa"]}, "source 'live': 'countries' holds 'usa'. Write codes like 'us'."),
        ({"languages": ["中文"]}, "source 'live': 'languages' holds '中文'. Write codes like 'zh-CN'."),
        ({"language": "zh"}, "source 'live': unknown 'language'. Known: app, countries, languages, url."),
    ],
)
def test_settings_that_cannot_be_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(CollectError) as caught:
        GooglePlayCollector().streams(visit(**options))
    assert str(caught.value) == message
