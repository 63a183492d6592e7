"""Collector rest: every way of saying who asks, where the next page is and what is new; secrets and where they may lie."""

import base64
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from wire import Asked, Reply, Wire, wire
from worlds import NOW

from feedback.collectors.base import Record, SourceConfig, Unreadable
from feedback.collectors.live import Page, Visit
from feedback.collectors.live.vault import Vault
from feedback.collectors.rest import RestCollector
from feedback.errors import CollectError

KEY = "k3y-Very/Secret+77"
COLUMNS = {"text": "body", "source_id": "id", "posted_at": "at"}
Section = Mapping[str, object]


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REST_KEY", KEY)


def visit(section: Section, folder: Path | None = None, since_days: int | None = None) -> Visit:
    config = SourceConfig("工单", "rest", base=folder or Path(), channel="工单系统", kind="ticket", options=section)
    since = None if since_days is None else NOW - timedelta(days=since_days)
    return Visit(config, Vault(folder or Path("/nonexistent")), NOW, since=since)


def row(number: int, **more: object) -> dict[str, object]:
    return {"id": number, "body": f"第{number}条", "at": f"2026-02-{number:02}T08:00:00Z", **more}


def pages(
    section: Section, answer: Callable[[Asked], Reply], state: str | None = None, since_days: int | None = None
) -> tuple[list[Page], Wire]:
    with wire(answer) as web:
        looked = visit({"url": f"{web.url}/v1", "columns": COLUMNS, **section}, since_days=since_days)
        assert RestCollector().streams(looked) == ["records"]
        return list(RestCollector().pages("records", state, looked)), web


def ids(found: list[Page]) -> list[str | None]:
    return [item.source_id for page in found for item in page.items if isinstance(item, Record)]


def fault(section: Section, answer: Callable[[Asked], Reply]) -> str:
    with pytest.raises(CollectError) as error:
        pages(section, answer)
    return str(error.value)


def test_a_record_is_what_the_columns_say() -> None:
    found, _ = pages({}, lambda _asked: Reply([row(1)]))
    record = Record("第1条", "ticket", "工单系统", "records:1", source_id="1", posted_at="2026-02-01T08:00:00Z")
    assert found == [Page([record], "[null, null, null]")]


def test_versions_and_votes_are_mapped_like_any_other_field() -> None:
    columns = {**COLUMNS, "version": "app.version", "votes": "likes"}
    rows = [row(1, app={"version": "5.2.1"}, likes=12), row(2, app=None, likes=None), row(3, app={"version": 6})]
    found, _ = pages({"columns": columns}, lambda _asked: Reply(rows))
    said = [(item.version, item.votes) for item in found[0].items if isinstance(item, Record)]
    assert said == [("5.2.1", "12"), (None, None), ("6", None)]


SECRET = {"env": "REST_KEY"}
BASIC = "Basic " + base64.b64encode(f"wang@shop.example:{KEY}".encode()).decode()
WAYS: dict[str, tuple[dict[str, object], Callable[[Asked], bool]]] = {
    "bearer": ({"token": SECRET}, lambda asked: asked.headers.get("Authorization") == f"Bearer {KEY}"),
    "header": ({"name": "X-Key", "token": SECRET}, lambda asked: asked.headers.get("X-Key") == KEY),
    "query": ({"name": "key", "token": SECRET}, lambda asked: asked.query.get("key") == KEY),
    "basic": ({"user": "wang@shop.example", "password": SECRET}, lambda asked: asked.headers["Authorization"] == BASIC),
}


@pytest.mark.parametrize("way", WAYS)
def test_it_says_who_asks_in_every_way(way: str) -> None:
    settings, is_known = WAYS[way]
    found, web = pages({"auth": {"type": way, **settings}}, lambda _asked: Reply([row(1)]))
    assert ids(found) == ["1"]
    assert all(map(is_known, web.asked))


def test_a_token_of_oauth2_is_fetched_by_the_clients_secret_and_renewed_when_it_runs_out() -> None:
    given: list[str] = []

    def answer(asked: Asked) -> Reply:
        if asked.path == "/token":
            given.append(f"token-{len(given)}")
            return Reply({"access_token": given[-1], "expires_in": 1})
        if asked.headers.get("Authorization") != f"Bearer {given[-1]}":
            return Reply({}, 401)
        number = int(asked.query["page"])
        return Reply([row(number)] if number < 3 else [])

    with wire(answer) as web:
        client = {"type": "oauth2", "client_id": "shop", "client_secret": SECRET, "scope": "read"}
        section = {
            "url": f"{web.url}/v1",
            "columns": COLUMNS,
            "auth": {**client, "token_url": f"{web.url}/token"},
            "pages": {"type": "page"},
        }
        looked = visit(section)
        found = list(RestCollector().pages("records", None, looked))
        asked = next(each for each in web.asked if each.path == "/token")
    assert ids(found) == ["1", "2"]
    assert len(given) == 7  # one for each request: they last a second
    assert asked.body == b"grant_type=client_credentials&scope=read"
    assert looked.vault.hide(f"{given[0]} and {KEY}") == "… and …"


@pytest.mark.parametrize("refusals", [1, 2])
def test_a_token_of_oauth2_that_is_taken_back_early_is_fetched_once_more(refusals: int) -> None:
    given: list[str] = []
    refused: list[str] = []

    def answer(asked: Asked) -> Reply:
        if asked.path == "/token":
            given.append(f"token-{len(given)}")
            return Reply({"access_token": given[-1], "expires_in": 7200})
        number = int(asked.query["page"])
        if number == 2 and len(refused) < refusals:
            refused.append(asked.headers["Authorization"])
            return Reply({}, 401)
        return Reply([row(number)] if number < 3 else [])

    with wire(answer) as web:
        client = {"type": "oauth2", "client_id": "shop", "client_secret": SECRET, "token_url": f"{web.url}/token"}
        walk = RestCollector().pages(
            "records",
            None,
            visit({"url": f"{web.url}/v1", "columns": COLUMNS, "auth": client, "pages": {"type": "page"}}),
        )
        if refusals == 1:
            assert ids(list(walk)) == ["1", "2"]
        else:
            with pytest.raises(CollectError, match=r"refuses \(401\)"):
                list(walk)
    assert len(given) == 2
    assert refused == [f"Bearer token-{n}" for n in range(refusals)]


def test_an_authorization_server_that_gives_no_token_is_named() -> None:
    with wire(lambda _asked: Reply({"token": "x"})) as web:
        auth = {"type": "oauth2", "client_id": "shop", "client_secret": SECRET, "token_url": f"{web.url}/token"}
        looked = visit({"url": f"{web.url}/v1", "columns": COLUMNS, "auth": auth})
        with pytest.raises(CollectError, match=r"/token gave no access_token\. Is 'token_url' right\?"):
            list(RestCollector().pages("records", None, looked))


def test_a_token_with_characters_that_no_token_has_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REST_KEY", "密钥在这里")
    assert fault({"auth": {"type": "bearer", "token": SECRET}}, lambda _asked: Reply([])) == (
        "source '工单', [auth]: the token holds characters that no token has. Was something else pasted?"
    )


ROWS = [row(number) for number in range(1, 8)]


def by_page(asked: Asked) -> Reply:
    start = (int(asked.query["p"]) - 1) * 3
    return Reply(ROWS[start : start + int(asked.query["size"])])


def by_offset(asked: Asked) -> Reply:
    start = int(asked.query["offset"])
    return Reply(ROWS[start : start + 3])


def by_link(asked: Asked) -> Reply:
    start = int(asked.query.get("from", 0))
    link = f'<{asked.path}?from={start + 3}>; rel="next"' if start + 3 < len(ROWS) else '</v1>; rel="first"'
    return Reply(ROWS[start : start + 3], headers={"Link": link})


def by_next(asked: Asked) -> Reply:
    start = int(asked.query.get("from", 0))
    after = f"/v1?from={start + 3}" if start + 3 < len(ROWS) else None
    return Reply({"rows": ROWS[start : start + 3], "links": {"next": after}})


def by_more(asked: Asked) -> Reply:
    start = int(asked.query.get("cursor", 0))
    return Reply({"rows": ROWS[start : start + 3], "cursor": start + 3, "more": start + 3 < len(ROWS)})


PAGED: dict[str, tuple[Section, Callable[[Asked], Reply]]] = {
    "page": ({"pages": {"type": "page", "parameter": "p", "size_parameter": "size", "size": 3}}, by_page),
    "offset": ({"pages": {"type": "offset"}}, by_offset),
    "link": ({"pages": {"type": "link"}}, by_link),
    "next": ({"records": "rows", "pages": {"type": "next", "cursor": "links.next"}}, by_next),
    "cursor with more": ({"records": "rows", "pages": {"type": "cursor", "cursor": "cursor", "more": "more"}}, by_more),
}


@pytest.mark.parametrize("way", PAGED)
def test_pages_are_found_in_every_way(way: str) -> None:
    section, answer = PAGED[way]
    assert ids(pages(section, answer)[0]) == [str(number) for number in range(1, 8)]


def test_pages_that_lead_in_a_circle_or_elsewhere_are_named() -> None:
    circle = {"records": "rows", "pages": {"type": "cursor", "cursor": "next"}}
    said = fault(circle, lambda _asked: Reply({"rows": [row(1)], "next": "a"}))
    assert "/v1 gives the same next page again and again." in said
    elsewhere = {"records": "rows", "pages": {"type": "next", "cursor": "next"}}
    said = fault(elsewhere, lambda _asked: Reply({"rows": [row(1)], "next": "https://evil.example/v1"}))
    assert said == "127.0.0.1 names a next page on evil.example, which was not asked."
    said = fault(elsewhere, lambda _asked: Reply({"rows": [row(1)], "next": "http://[bad"}))
    assert said == "127.0.0.1 names a next page that is no address."


def test_where_the_records_are_not_it_says_what_is_there() -> None:
    assert fault({"records": "data.items"}, lambda _asked: Reply({"result": [], "count": 0})) == (
        "source '工单': 'records' names 'data.items', which the answer does not have. It has: result, count."
    )
    assert fault({}, lambda _asked: Reply({"result": []})) == (
        "source '工单': the answer is no list: say where it is by 'records'. Has the interface changed? It has: result."
    )
    assert ids(pages({"records": "data.items"}, lambda _asked: Reply({"data": None}))[0]) == []


def test_what_is_no_object_is_told() -> None:
    found, _ = pages({}, lambda _asked: Reply([row(1), "好"]))
    assert found[0].items[1] == Unreadable("records:#2", "it is not an object")


ASKED = {
    "iso": "2026-02-02T07:55:00Z",
    "local": "2026-02-02 15:55:00",
    "date": "2026-02-02",
    "epoch": "1770018900",
    "epoch-ms": "1770018900000",
}


@pytest.mark.parametrize("form", ASKED)
def test_the_next_run_asks_from_a_little_before_what_it_knows(form: str) -> None:
    section = {"since": {"column": "at", "parameter": "after", "format": form}}
    rows = [row(1), row(2), row(3, at="2031-01-01T00:00:00Z"), row(4, at="sometime"), row(5, at=None), row(6, at=True)]
    [page], web = pages(section, lambda _asked: Reply(rows))
    assert web.asked[0].query == {}
    assert page.state == '["2026-02-02T08:00:00Z", null, null]'  # not the one of the future
    _, web = pages(section, lambda _asked: Reply([]), page.state)
    assert web.asked[0].query == {"after": ASKED[form]}


def test_a_first_run_asks_from_what_the_user_wants() -> None:
    _, web = pages({"since": {"column": "at", "parameter": "after"}}, lambda _asked: Reply([]), since_days=1)
    assert web.asked[0].query == {"after": "2026-03-01T04:00:00Z"}


@pytest.mark.parametrize(
    ("overlap", "asked"), [({}, {"min_id": "11"}), ({"overlap": 10}, {"min_id": "1001"}), ({"overlap": 2000}, {})]
)
def test_numbers_that_grow_are_asked_for_from_a_little_before_the_last_one(
    overlap: Section, asked: dict[str, str]
) -> None:
    section = {"since": {"column": "id", "parameter": "min_id", "format": "number", **overlap}}
    numbers = [1008, 1011, 1002]
    [page], web = pages(section, lambda _asked: Reply([*(row(1, id=n) for n in numbers), row(4, id="x")]))
    assert web.asked[0].query == {}
    _, web = pages(section, lambda _asked: Reply([]), page.state)
    assert web.asked[0].query == asked


@pytest.mark.parametrize("since", [{"parameter": "min_id"}, {"order": "newest"}])
def test_a_number_that_is_seen_after_a_higher_one_comes_with_the_next_run(since: Section) -> None:
    numbers = [*range(2001, 2010), 2011]
    section: Section = {"pages": {"type": "page"}, "since": {"column": "id", "format": "number", **since}}

    def answer(asked: Asked) -> Reply:
        shown = [n for n in sorted(numbers, reverse=True) if n > int(asked.query.get("min_id", 0))]
        return Reply([row(1, id=n) for n in shown][3 * int(asked.query["page"]) - 3 :][:3])

    found, _ = pages(section, answer)
    numbers.append(2010)
    found, _ = pages(section, answer, found[-1].state)
    assert "2010" in ids(found)


@pytest.mark.parametrize(
    "since",
    [{"column": "at", "order": "newest"}, {"column": "id", "order": "newest", "format": "number", "overlap": 0}],
)
def test_a_list_with_the_newest_first_is_read_back_to_what_is_known(since: Section) -> None:
    newest_first = list(reversed(ROWS))
    section = {"pages": {"type": "offset"}, "since": since}

    def answer(asked: Asked) -> Reply:
        return Reply(newest_first[int(asked.query["offset"]) :][:2])

    found, _ = pages(section, answer)
    assert [json.loads(page.state or "")[2] is None for page in found] == [False] * 7 + [True]
    again, _ = pages(section, answer, found[-1].state)
    assert ids(again) == ["7", "6", "5"]  # the page with the known one, and the first that is older than all


def test_in_the_hour_that_comes_twice_a_list_with_the_newest_first_is_read_back_to_its_beginning() -> None:
    def at(number: int, minute: int) -> dict[str, object]:
        return row(number) | {"at": f"2025-10-26 02:{minute:02}:00"}

    rows = [at(1, 20), at(2, 50)]
    section = {"pages": {"type": "page"}, "since": {"column": "at", "order": "newest"}}

    def read(state: str | None) -> list[Page]:
        shown = rows[::-1]
        with wire(lambda asked: Reply(shown[3 * int(asked.query["page"]) - 3 :][:3])) as web:
            looked = replace(visit({"url": web.url, "columns": COLUMNS, **section}), timezone="Europe/Berlin")
            return list(RestCollector().pages("records", state, looked))

    state = read(None)[-1].state
    rows += [
        at(3, 5),
        at(4, 10),
        at(5, 15),
        at(6, 20),
        at(7, 30),
        at(8, 40),
        at(9, 51),
    ]  # after the clocks were set back
    assert set(ids(read(state))) >= set("3456789")


def test_a_counter_that_moves_between_two_answers_makes_no_record_another() -> None:
    asked_so_far: list[int] = []

    def answer(asked: Asked) -> Reply:
        asked_so_far.append(1)
        start = 2 * int(asked.query["page"]) - 2
        return Reply([row(n, views=len(asked_so_far)) for n in range(1, 7)][start : start + 2])

    found, _ = pages({"pages": {"type": "page"}}, answer)
    assert ids(found) == ["1", "2", "3", "4", "5", "6"]


def test_old_records_that_are_pinned_above_the_newest_do_not_hide_them() -> None:
    pinned = [row(1), row(2)]
    section: Section = {"pages": {"type": "page"}, "since": {"column": "at", "order": "newest"}}

    def shown(*numbers: int) -> Callable[[Asked], Reply]:
        rows = pinned + [row(number) for number in numbers]
        return lambda asked: Reply(rows[2 * int(asked.query["page"]) - 2 :][:2])

    found, _ = pages(section, shown(20, 19, 18, 17))
    assert ids(found) == ["1", "2", "20", "19", "18", "17"]
    found, web = pages(section, shown(22, 21, 20, 19, 18, 17), found[-1].state)
    assert ids(found)[:4] == ["1", "2", "22", "21"]
    assert {asked.query["page"] for asked in web.asked} == {
        "1",
        "2",
        "3",
        "4",
    }  # the last of them holds nothing that is new: what comes after it was seen


def test_pages_of_pinned_records_do_not_hide_the_newest() -> None:
    section: Section = {"pages": {"type": "page"}, "since": {"column": "at", "order": "newest"}}

    def shown(*numbers: int) -> Callable[[Asked], Reply]:
        rows = [row(number) for number in (1, 2, 3, 4, *numbers)]
        return lambda asked: Reply(rows[2 * int(asked.query["page"]) - 2 :][:2])

    found, _ = pages(section, shown(20, 19, 18, 17))
    found, web = pages(section, shown(22, 21, 20, 19, 18, 17, 16, 15), found[-1].state)
    assert ids(found)[:6] == ["1", "2", "3", "4", "22", "21"]
    assert {asked.query["page"] for asked in web.asked} == {"1", "2", "3", "4", "5"}


@pytest.mark.parametrize(
    "since", [{"parameter": "since"}, {"order": "newest"}, {"parameter": "since", "format": "epoch"}]
)
def test_what_lies_hours_ahead_does_not_hide_what_comes_until_then(since: Section) -> None:
    ahead = row(1, at="2026-03-02T23:00:00Z")  # NOW is 04:00
    [first], _ = pages({"since": {"column": "at", **since}}, lambda _asked: Reply([ahead, row(2)]))
    assert json.loads(first.state or "")[0] == "2026-03-02T04:00:00Z"


def test_a_day_is_asked_for_by_whichever_clock_is_behind() -> None:
    section = {"since": {"column": "at", "parameter": "after", "format": "date"}}
    state = '["2026-03-01T02:00:00Z", null, null]'
    with wire(lambda _asked: Reply([])) as web:
        looked = replace(visit({"url": web.url, "columns": COLUMNS, **section}), timezone="America/New_York")
        list(RestCollector().pages("records", state, looked))
    assert web.asked[0].query == {"after": "2026-02-28"}


@pytest.mark.parametrize("named", ["next", "Next", "next last", "last NEXT"])
def test_the_next_page_is_found_however_its_link_is_named(named: str) -> None:
    def answer(asked: Asked) -> Reply:
        page = int(asked.query.get("page", 1))
        link = f'</v1?page={page + 1}>; rel="{named}"' if page < 3 else '</v1>; rel="first"'
        return Reply([row(page)], headers={"Link": link})

    found, _ = pages({"pages": {"type": "link"}}, answer)
    assert ids(found) == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("section", "said"),
    [
        (
            {"since": {"column": "at", "overlap_seconds": -1}},
            "'overlap_seconds' must be a number from 0 to 316224000, not -1",
        ),
        (
            {"since": {"column": "id", "overlap": 1.5}},
            "'overlap' must be a whole number from 0 to 1000000000000, not 1.5",
        ),
        ({"since": {"column": "at", "overlap_seconds": math.inf}}, "'overlap_seconds' must be a number from 0 to"),
        ({"pages": {"type": "page", "size": -3}}, "'size' must be a whole number from 0 to 100000, not -3"),
        ({"pages": {"type": "page", "first": 1.5}}, "'first' must be a whole number from 0 to 100000, not 1.5"),
    ],
)
def test_numbers_that_can_not_be_are_refused(section: Section, said: str) -> None:
    with pytest.raises(CollectError) as error:
        RestCollector().streams(visit({"url": "https://shop.example", "columns": COLUMNS, **section}))
    assert said in str(error.value)


def test_a_number_that_is_no_digit_of_ours_is_no_mark() -> None:
    section = {"since": {"column": "n", "parameter": "after", "format": "number"}}
    [page], _ = pages(section, lambda _asked: Reply([row(1, n="²"), row(2, n="7")]))
    assert json.loads(page.state or "")[0] == "7".zfill(20)


def test_a_run_that_was_cut_off_goes_on_and_starts_over_where_the_cursor_is_forgotten() -> None:
    section = {"records": "rows", "pages": {"type": "cursor", "cursor": "cursor", "more": "more"}}
    first = pages(section, by_more)[0][0]
    assert ids(pages(section, by_more, first.state)[0]) == ["4", "5", "6", "7"]

    def forgotten(asked: Asked) -> Reply:
        return Reply({"error": "cursor"}, 410) if asked.query.get("cursor") == "3" and len(web) == 0 else by_more(asked)

    web: list[Asked] = []

    def once(asked: Asked) -> Reply:
        reply = forgotten(asked)
        web.append(asked)
        return reply

    found, _ = pages(section, once, first.state)
    note = "the interface no longer knew where the last run stopped: asked again from the last complete one"
    assert found[0] == Page([], None, (note,))
    assert ids(found) == [str(number) for number in range(1, 8)]
