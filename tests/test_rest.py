"""Collector rest: every way of saying who asks, where the next page is and what is new; secrets and where they may lie."""

import base64
import json
import math
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from command import run
from contract import toml
from wire import Asked, Reply, Wire, wire
from worlds import NOW

from feedback.collectors.base import Record, SourceConfig, Unreadable
from feedback.collectors.live import Page, Visit
from feedback.collectors.live.paging import next_address
from feedback.collectors.live.vault import Vault
from feedback.collectors.rest import RestCollector
from feedback.errors import CollectError
from feedback.intake import Intake

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
    assert len(given) == 6  # one for each request: they last a second
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


ASKED = {"iso": "2026-02-02T07:55:00Z", "date": "2026-02-02", "epoch": "1770018900", "epoch-ms": "1770018900000"}


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


@pytest.mark.parametrize("columns", [COLUMNS, {"text": "body", "posted_at": "at"}], ids=["with an id", "without"])
def test_a_date_that_counts_from_the_time_of_asking_makes_no_new_record(
    tmp_path: Path, columns: dict[str, str]
) -> None:
    ago = [3, 2]

    def answer(_asked: Asked) -> Reply:
        return Reply([{"id": n, "body": f"第{n}条，物流太慢", "at": f"{days}天前"} for n, days in enumerate(ago)])

    with wire(answer) as web:
        section = f'url = "{web.url}/v1"\ncolumns = {toml(columns)}\n'
        (tmp_path / "feedback.toml").write_text(
            f'[project]\nname = "门"\n[[sources]]\nname = "live"\ncollector = "rest"\n{section}', encoding="utf-8"
        )
        assert run("collect", project=tmp_path).out == "live: 2 new\n"
        ago = [4, 3]
        assert run("collect", project=tmp_path).out == "live: 0 new, 2 already there\n"


def test_what_several_people_without_a_name_of_their_own_say_is_several_records() -> None:
    by = ["j***3", "k***9", "匿名用户", "匿名用户"]
    shown = [{"body": "好评！物流很快", "at": "2026-03-01", "by": name} for name in by]
    columns = {"text": "body", "posted_at": "at", "customer": "by"}
    with wire(lambda _asked: Reply(shown)) as web:
        [page] = RestCollector().pages("records", None, visit({"url": web.url, "columns": columns}))
    taken = Intake("live", "Asia/Shanghai", bytes(32), NOW).take(page.items, lambda made: [1] * len(made))
    assert len({each.verbatim.source_id for each in taken.incoming}) == 3
    assert {each.verbatim.customer_id for each in taken.incoming} == {None}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", 'product = "手机"'),
        ('store = "总店"', ""),
        ("", 'channel = "论坛"'),
        ("", "columns.source_id = "),
    ],
)
def test_records_without_an_id_are_not_doubled_when_settings_change(tmp_path: Path, before: str, after: str) -> None:
    said = [("物流太慢", "阿宝"), ("物流太慢", "小鹿"), ("客服很好", "阿宝")]
    shown = [{"n": n, "body": text, "at": "2026-03-01", "by": by} for n, (text, by) in enumerate(said)]

    def collect(more: str) -> str:
        columns = {"text": "body", "posted_at": "at", "customer": "by"}
        if more.startswith("columns"):
            columns, more = {**columns, "source_id": "n"}, ""
        section = f'name = "live"\ncollector = "rest"\nurl = "{web.url}/v1"\ncolumns = {toml(columns)}\n{more}\n'
        (tmp_path / "feedback.toml").write_text(f'[project]\nname = "门"\n[[sources]]\n{section}', encoding="utf-8")
        return run("collect", project=tmp_path).out.splitlines()[0]

    with wire(lambda _asked: Reply(shown)) as web:
        assert collect(before) == "live: 3 new"
        del shown[1]  # what the source no longer shows stays
        shown.append({"n": 3, "body": "又碎了", "at": "2026-03-02", "by": "阿宝"})
        assert collect(after) == "live: 1 new, 2 changed"
        assert collect(after) == "live: 0 new, 3 already there"
    with closing(sqlite3.connect(tmp_path / "feedback.db")) as database:
        texts = [text for (text,) in database.execute("select text from verbatims order by id")]
    assert texts == ["物流太慢", "物流太慢", "客服很好", "又碎了"]


def collecting(folder: Path, url: str, more: str = "", **columns: str) -> str:
    """What a run of a source without ids says first."""
    told = toml({"text": "body", "customer": "by", **columns})
    section = f'name = "live"\ncollector = "rest"\nurl = "{url}/v1"\ncolumns = {told}\n{more}\n'
    (folder / "feedback.toml").write_text(f'[project]\nname = "门"\n[[sources]]\n{section}', encoding="utf-8")
    return run("collect", project=folder).out.splitlines()[0]


def test_the_same_words_of_other_people_are_other_records_after_settings_changed_too(tmp_path: Path) -> None:
    shown = [{"body": "好评", "by": "阿宝"}, {"body": "不错，下次再来", "by": "小鹿"}]
    with wire(lambda _asked: Reply(shown)) as web:
        assert collecting(tmp_path, web.url) == "live: 2 new"
        shown[:] = [{"body": "好评", "by": "老周"}, {"body": "不错，下次再来", "by": "阿珍"}]
        assert collecting(tmp_path, web.url, 'query = { a = "1" }') == "live: 2 new"
        assert collecting(tmp_path, web.url, 'query = { a = "2" }') == "live: 0 new, 2 already there"


def test_whoever_has_a_record_of_his_own_keeps_it_whichever_comes_first(tmp_path: Path) -> None:
    shown = [{"body": "好评，很快", "by": "阿宝", "at": "2026-03-01"}]
    with wire(lambda _asked: Reply(shown)) as web:
        assert collecting(tmp_path, web.url, posted_at="at") == "live: 1 new"
        shown.insert(0, {"body": "好评，很快", "by": "匿名用户", "at": "2026-03-01"})
        assert collecting(tmp_path, web.url, 'product = "手机"', posted_at="at") == "live: 1 new, 1 changed"
        assert collecting(tmp_path, web.url, 'product = "手机"', posted_at="at") == "live: 0 new, 2 already there"


def test_a_record_that_is_shown_itself_is_taken_by_no_other_when_settings_change(tmp_path: Path) -> None:
    shown = [{"body": "好评，很快", "by": "阿宝", "at": "2026-03-01"}]
    with wire(lambda _asked: Reply(shown)) as web:
        assert collecting(tmp_path, web.url, posted_at="at") == "live: 1 new"
        shown.insert(0, {"body": "好评，很快", "by": "匿名用户", "at": "2026-03-01"})
        more = 'query = { a = "1" }'
        assert collecting(tmp_path, web.url, more, posted_at="at") == "live: 1 new, 1 already there"


def test_a_dry_run_tells_what_records_without_an_id_become_when_settings_change(tmp_path: Path) -> None:
    shown = [{"body": "物流太慢", "by": by, "at": "2026-03-01"} for by in ("阿宝", "小鹿", "匿名用户", "j***3")]

    def page(asked: Asked) -> Reply:
        return Reply(shown[2 * int(asked.query.get("page", "1")) - 2 :][:2])

    def dry() -> str:
        said = run("collect", "--source", "live", "--dry-run", project=tmp_path).out
        return next(line for line in said.splitlines() if "would be stored" in line)

    with wire(page) as web:
        collecting(tmp_path, web.url, 'pages = { type = "page" }', posted_at="at")
        shown.insert(0, {"body": "物流太慢", "by": "老周", "at": "2026-03-01"})
        settings = tmp_path / "feedback.toml"
        settings.write_text(settings.read_text("utf-8") + 'product = "手机"\n', "utf-8")
        assert dry() == "live: 5 would be stored, 4 of them in place of what they said before"
        assert run("collect", project=tmp_path).out.startswith("live: 1 new, 4 changed\n")
        assert dry() == "live: 0 would be stored"


def test_what_was_loaded_under_other_settings_is_not_doubled_by_asking(tmp_path: Path) -> None:
    saved = tmp_path / "saved.json"
    saved.write_text(json.dumps([{"body": "好评，很快", "by": "阿宝", "at": "2026-03-01"}]), encoding="utf-8")
    with wire(lambda _asked: Reply(saved.read_bytes())) as web:
        with pytest.raises(IndexError):  # it says nothing: nobody is there
            collecting(tmp_path, "http://127.0.0.1:1", posted_at="at")
        assert run("collect", "--source", "live", "--load", str(saved), project=tmp_path).out.startswith("live: 1 new")
        assert collecting(tmp_path, web.url, 'product = "手机"', posted_at="at") == "live: 0 new, 1 changed"


def test_of_what_has_no_date_nothing_says_that_it_is_the_same_as_before_settings_changed(tmp_path: Path) -> None:
    shown = [{"body": "好用", "by": "a***0"}]
    with wire(lambda _asked: Reply(shown)) as web:
        assert collecting(tmp_path, web.url) == "live: 1 new"
        shown[0]["by"] = "b***1"
        assert collecting(tmp_path, web.url, 'query = { a = "1" }') == "live: 1 new"


def test_what_an_interface_leaves_out_for_a_day_stays_known(tmp_path: Path) -> None:
    shown = [{"id": n, "body": f"第{n}条，很慢", "at": "2026-03-01", "stars": 2} for n in range(3)]
    score = "scores = [{ metric = 'star', column = 'stars', low = 1, high = 5 }]"
    query = "select text, posted_at from verbatims order by id"

    def stored() -> list[tuple[str, str]]:
        with closing(sqlite3.connect(tmp_path / "feedback.db")) as database:
            return database.execute(query).fetchall()

    with wire(lambda _asked: Reply(shown)) as web:
        collecting(tmp_path, web.url, score, posted_at="at", source_id="id")
        known = stored()
        assert [text for text, _ in known] == ["第0条，很慢", "第1条，很慢", "第2条，很慢"]
        for each in shown:
            each.update(body=None, at=None)
        collecting(tmp_path, web.url, score, posted_at="at", source_id="id")
    assert stored() == known


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


def test_parameters_go_with_every_request_and_must_be_texts_or_numbers() -> None:
    _, web = pages({"query": {"status": "all", "v": 2}}, lambda _asked: Reply([]))
    assert web.asked[0].query == {"status": "all", "v": "2"}
    assert (
        fault({"query": {"a": ["b"]}}, lambda _asked: Reply([]))
        == "source '工单', [query]: 'a' must be a text or a number, not ['b']."
    )
    assert fault({"query": "a=b"}, lambda _asked: Reply([])) == (
        "source '工单': [query] must be a table: query = { status = \"all\" }."
    )


def test_a_parameter_may_be_a_secret_that_lies_elsewhere() -> None:
    section = {
        "records": "rows",
        "query": {"app": "shop", "sign": SECRET},
        "pages": {"type": "next", "cursor": "next"},
    }

    def answer(asked: Asked) -> Reply:
        start = int(asked.query.get("from", 0))
        after = f"/v1?sign={quote(asked.query['sign'])}&from={start + 3}" if start + 3 < len(ROWS) else None
        return Reply({"rows": ROWS[start : start + 3], "next": after})

    found, web = pages(section, answer)
    assert ids(found) == [str(number) for number in range(1, 8)]
    assert [asked.query["sign"] for asked in web.asked] == [KEY] * 3
    assert KEY not in str([page.state for page in found])


@pytest.mark.parametrize(
    "name", ["api_key", "access_token", "apiKey", "KEY", "app-secret", "private_token", "X-Amz-Signature", "jwt"]
)
def test_a_secret_among_the_parameters_or_in_the_address_is_refused(name: str) -> None:
    there = (
        f"source '工单', [query]: '{name}' is a secret, which does not belong in this file. "
        f'Say where it is: {name} = {{ env = "NAME_OF_A_VARIABLE" }}.'
    )
    assert fault({"query": {name: KEY}}, lambda _asked: Reply([])) == there
    with pytest.raises(CollectError) as error:
        RestCollector().streams(visit({"url": f"https://shop.example/v1?page=1&{name}={KEY}", "columns": COLUMNS}))
    assert str(error.value) == (
        f"source '工单': 'url' has '{name}' in it: a secret does not belong in this file. "
        'Say it by [auth], or by [query] with where it is: query = { key = { env = "NAME_OF_A_VARIABLE" } }.'
    )


def test_a_password_in_the_address_is_refused() -> None:
    with pytest.raises(CollectError, match="'url' has a user in it") as error:
        RestCollector().streams(
            visit({"url": f"https://wang:{quote(KEY, safe='')}@shop.example/v1", "columns": COLUMNS})
        )
    assert "Secret" not in str(error.value)


def test_settings_are_checked_before_anybody_is_asked() -> None:
    checked = RestCollector()
    for section, message in (
        ({}, "source '工单': 'url' is missing."),
        ({"url": "x", "since": {"parameter": "p"}}, "source '工单', [since]: 'column' is missing: the field that says"),
        ({"url": "x", "pages": {"type": "pgae"}}, "source '工单', [pages]: 'type' must be one of none, page"),
        ({"url": "x", "columns": {"id": "id"}}, "source '工单', [columns]: unknown 'id'."),
    ):
        with pytest.raises(CollectError) as error:
            checked.streams(visit(section))
        assert str(error.value).startswith(message)


def test_a_saved_answer_without_a_list_is_its_records(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text('[{"id": 1, "body": "好", "at": null}, 7]', encoding="utf-8")
    found = list(RestCollector().saved(path, visit({"url": "x", "columns": COLUMNS}, tmp_path)))
    assert found == [
        Record("好", "ticket", "工单系统", "rows.json:#1:1", source_id="1"),
        Unreadable("rows.json:#2", "it is not an object"),
    ]


def test_a_secret_may_lie_in_a_file_outside_the_project_alone(tmp_path: Path) -> None:
    project, outside = tmp_path / "project", tmp_path / "keys"
    project.mkdir()
    outside.mkdir()
    (outside / "good").write_text(f"\ufeff{KEY}\n", encoding="utf-8")
    (project / "inside").write_text(KEY, encoding="utf-8")
    (outside / "empty").write_text(" \n")
    (outside / "bytes").write_bytes(b"\xff\xfe\x00")
    (outside / "large").write_bytes(b"x" * 100_000)

    def read(path: Path) -> str:
        return visit({"token": {"file": str(path)}}, project).secret("token")

    assert read(outside / "good") == KEY
    where = "source '工单', [token]: "
    inside = f"{project / 'inside'} lies in the project's folder, which may be shared. Keep secrets outside of it."
    no_secret = "holds no secret: it is empty, too large, or not text."
    for path, message in (
        (project / "inside", inside),
        (outside / "none", f"{outside / 'none'} can't be read: No such file or directory."),
        *((outside / name, f"{outside / name} {no_secret}") for name in ("empty", "bytes", "large")),
    ):
        with pytest.raises(CollectError) as error:
            read(path)
        assert str(error.value) == where + message
    with pytest.raises(CollectError, match="'token' is missing"):
        visit({}, project).secret("token")


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("https://shop.example", "http://shop.example"),
        ("https://shop.example", "http://shop.example:80"),
        ("https://shop.example", "http://shop.example:443"),
        ("https://shop.example", "https://shop.example:80"),
        ("https://shop.example", "//shop.example"),
        ("https://shop.example:8443", "http://shop.example:8443"),
        ("https://shop.example:8443", "http://shop.example"),
    ],
)
def test_a_next_page_that_a_host_behind_a_proxy_names_without_encryption_is_asked_for_with_it(
    here: str, there: str
) -> None:
    assert next_address(f"{here}/v1?page=1", f"{there}/v1?page=2&key=1") == f"{here}/v1?page=2&key=1"
    assert next_address(f"{here}/v1?page=1", f"{there}/v1?page=2&key=1", {"key"}) == f"{here}/v1?page=2"


def test_a_next_page_on_another_port_or_host_is_not_asked_for() -> None:
    for there in (
        "https://shop.example:8443",
        "http://shop.example:8080",
        "ftp://shop.example",
        "http://shop.example:x",
    ):
        with pytest.raises(
            CollectError, match=r"shop\.example names a next page on shop\.example, which was not asked\."
        ):
            next_address("https://shop.example/v1", f"{there}/v1?page=2")
    with pytest.raises(CollectError, match=r"on evil\.example, which was not asked"):
        next_address("https://shop.example/v1", "http://evil.example/v1")
    assert next_address("http://shop.example/v1", "https://shop.example/v2") == "https://shop.example/v2"
    assert next_address("https://shop.example/v1?a=1", "?page=2") == "https://shop.example/v1?page=2"


def test_a_key_that_comes_back_in_the_address_of_the_next_page_is_not_kept() -> None:
    section = {
        "records": "rows",
        "pages": {"type": "next", "cursor": "next"},
        "auth": WAYS["query"][0] | {"type": "query"},
    }

    def answer(asked: Asked) -> Reply:
        start = int(asked.query.get("from", 0))
        after = f"/v1?key={quote(asked.query['key'])}&from={start + 3}" if start + 3 < len(ROWS) else None
        return Reply({"rows": ROWS[start : start + 3], "next": after})

    found, _ = pages(section, answer)
    assert ids(found) == [str(number) for number in range(1, 8)]
    assert json.loads(found[0].state or "")[2].endswith("/v1?from=3")


def test_a_state_that_holds_a_secret_is_not_stored(tmp_path: Path) -> None:
    def answer(asked: Asked) -> Reply:
        start = int(asked.query.get("from", 0))
        link = f'</v1?from={start + 3}&as={quote(KEY)}>; rel="next"' if start + 3 < len(ROWS) else ""
        return Reply(ROWS[start : start + 3], headers={"Link": link})

    with wire(answer) as web:
        (tmp_path / "feedback.toml").write_text(
            f'[[sources]]\nname = "工单"\ncollector = "rest"\nurl = "{web.url}/v1"\npages = {{ type = "link" }}\n'
            'auth = { type = "bearer", token = { env = "REST_KEY" } }\n'
            'columns = { text = "body", source_id = "id", posted_at = "at" }\n',
            encoding="utf-8",
        )
        ran = run("collect", "--source", "工单", "--limit", "3", project=tmp_path)
        note = "  records: where to go on holds a secret, so it was not kept: the next run begins further back"
        assert (ran.code, ran.out.splitlines()) == (0, ["工单: 3 new", note])
        assert run("collect", project=tmp_path).out.splitlines()[0] == "工单: 4 new, 3 already there"
    for path in tmp_path.glob("feedback.db*"):
        assert KEY.encode() not in path.read_bytes()
        assert quote(KEY).encode() not in path.read_bytes()
