"""Zendesk beyond the contract: ratings, settings, saved objects."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from command import run
from stored import rows
from wire import Asked, Reply, wire
from worlds import NOW, SECRET, SECRET_VARIABLE, zendesk, zendesk_ratings
from zendesk_desk import (
    AGENT,
    ASKED_BY,
    EXPORT,
    RATINGS,
    TOKEN,
    Desk,
    comment,
    export,
    open_desk,
    ratings,
    record,
    ticket,
    visit_of,
)

from feedback.collectors.base import RawScore, Record, Unreadable, Withdrawn
from feedback.collectors.live import Page
from feedback.collectors.live.web import Web
from feedback.collectors.zendesk import ZendeskCollector
from feedback.errors import CollectError
from storage.store import Store


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRET_VARIABLE, SECRET)


@pytest.fixture
def desk() -> Iterator[Desk]:
    with open_desk() as found:
        yield found


def a_rating(number: int, score: str = "good", at: str = "2026-03-01T02:00:00Z", **fields: object) -> dict[str, object]:
    return {"id": number, "score": score, "ticket_id": 35, "requester_id": ASKED_BY, "created_at": at, **fields}


def test_a_rating_is_a_score_of_satisfaction_with_the_comment_as_its_text(desk: Desk) -> None:
    desk.replies[RATINGS] = ratings(
        a_rating(1, comment="很快解决了"),
        a_rating(2, "bad", comment=None, requester_id=None),
        a_rating(3, "offered"),
        a_rating(4, "unoffered"),
        a_rating(5, "splendid"),
        {"score": "good"},
        "rating",
    )

    def rated(number: int, value: str, text: str = "", customer: str | None = "501") -> Record:
        where = {"location": f"satisfaction_ratings:{number}", "customer": customer}
        return record(f"rating-{number}", text, scores=(RawScore("csat", value, 0, 1),), **where)

    assert desk.items("satisfaction_ratings") == [
        rated(1, "1", "很快解决了"),
        rated(2, "0", customer=None),
        rated(5, "splendid"),
        Unreadable("satisfaction_ratings:#6", "the rating has no id"),
        Unreadable("satisfaction_ratings:#7", "it is not an object"),
    ]


def test_ratings_are_asked_for_again_for_a_month(desk: Desk) -> None:
    desk.replies[RATINGS] = ratings(a_rating(1))
    (page,) = desk.pages("satisfaction_ratings")
    assert page.state == "1772330400"
    (page,) = desk.pages("satisfaction_ratings", page.state)
    assert page.state == "1772330400"
    desk.pages("satisfaction_ratings", since=datetime(2026, 3, 1, tzinfo=UTC))
    common = {"score": "received", "page[size]": "100"}
    assert desk.queries(RATINGS) == [
        common,
        {**common, "start_time": "1769738400"},
        {**common, "start_time": "1772323200"},
    ]


def test_no_ratings_leave_the_state_as_it_was(desk: Desk) -> None:
    desk.replies[RATINGS] = ratings()
    assert desk.pages("satisfaction_ratings") == [Page([], None)]
    assert desk.pages("satisfaction_ratings", "1772330400") == [Page([], "1772330400")]


def test_a_rating_from_the_future_does_not_push_the_state_past_now(desk: Desk) -> None:
    desk.replies[RATINGS] = ratings(a_rating(1, at="2030-01-01T00:00:00Z"))
    assert desk.pages("satisfaction_ratings")[0].state == str(int(NOW.timestamp()))


def test_the_state_moves_with_each_page_of_ratings_as_long_as_they_come_by_their_dates(desk: Desk) -> None:
    def days(*found: int) -> Callable[[Asked], dict[str, object]]:
        def page(asked: Asked) -> dict[str, object]:
            at = int(asked.query.get("page[after]", 0))
            some = a_rating(at, at=f"2026-02-{found[at]:02}T00:00:00Z")
            return ratings(some, more=at + 1 < len(found), after=str(at + 1))

        return page

    desk.replies[RATINGS] = days(1, 2, 3)
    assert [page.state for page in desk.pages("satisfaction_ratings")] == ["1769904000", "1769990400", "1770076800"]
    desk.replies[RATINGS] = days(3, 2, 1)
    assert [page.state for page in desk.pages("satisfaction_ratings")] == ["1770076800", None, "1770076800"]


@pytest.mark.parametrize("status", [403, 404])
def test_where_there_are_no_ratings_to_be_had_it_is_said_how_to_do_without(desk: Desk, status: int) -> None:
    desk.replies[RATINGS] = Reply({"error": "no"}, status)
    with pytest.raises(
        CollectError, match=rf"refuses \({status}\)\..* To do without ratings: streams = \[\"tickets\"\]\."
    ):
        desk.pages("satisfaction_ratings")


def test_a_key_that_has_run_out_is_no_question_of_ratings(desk: Desk) -> None:
    desk.replies[RATINGS] = Reply({"error": "no"}, 401)
    with pytest.raises(CollectError, match=r"The key is missing, wrong or has run out\.$"):
        desk.pages("satisfaction_ratings")


def test_both_streams_are_asked_where_none_is_named(desk: Desk) -> None:
    assert ZendeskCollector().streams(desk.visit()) == ["tickets", "satisfaction_ratings"]
    assert ZendeskCollector().streams(desk.visit(streams=["satisfaction_ratings"])) == ["satisfaction_ratings"]
    assert desk.web.asked == []


SETTINGS_WRONG: dict[str, tuple[dict[str, object], str]] = {
    "no address": (
        {"email": "a@example.com", "token": TOKEN},
        "'subdomain' is missing: acme, where your address is https://acme.zendesk.com",
    ),
    "a whole address as the subdomain": (
        {"subdomain": "https://acme.zendesk.com", "email": "a@example.com", "token": TOKEN},
        "'subdomain' is the first word of your address alone: acme of https://acme.zendesk.com",
    ),
    "no key": ({"subdomain": "acme", "email": "a@example.com"}, "say either 'email' and 'token', or 'oauth_token'"),
    "two keys": (
        {"subdomain": "acme", "email": "a@example.com", "token": TOKEN, "oauth_token": TOKEN},
        "say either 'email' and 'token', or 'oauth_token'",
    ),
    "a token without whose": ({"subdomain": "acme", "token": TOKEN}, "'email' is missing"),
    "a stream that is none": (
        {"subdomain": "acme", "oauth_token": TOKEN, "streams": ["calls"]},
        "unknown 'calls' in 'streams'. Known: tickets, satisfaction_ratings",
    ),
    "an unknown key": (
        {"subdomain": "acme", "oauth_token": TOKEN, "page": 1},
        "unknown 'page'. Known: email, oauth_token, streams, subdomain, token, url",
    ),
}


@pytest.mark.parametrize("what", SETTINGS_WRONG)
def test_settings_that_can_not_be_are_refused_before_anybody_is_asked(what: str) -> None:
    options, said = SETTINGS_WRONG[what]
    with pytest.raises(CollectError) as refused:
        ZendeskCollector().streams(visit_of(options))
    assert str(refused.value) == f"source '客服': {said}."


def test_the_address_is_that_of_the_subdomain(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def get(_web: Web, url: str, *_more: object) -> None:
        asked.append(url)
        raise CollectError("nobody is asked here")

    monkeypatch.setattr(Web, "get", get)
    visit = visit_of({"subdomain": "acme", "oauth_token": TOKEN})
    with pytest.raises(CollectError, match="nobody is asked here"):
        list(ZendeskCollector().pages("tickets", None, visit))
    assert asked == ["https://acme.zendesk.com/api/v2/incremental/tickets/cursor.json"]


def test_the_address_of_a_person_may_be_kept_elsewhere_too(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZENDESK_EMAIL", zendesk.EMAIL)
    visit = desk.visit(email={"env": "ZENDESK_EMAIL"})
    desk.replies[EXPORT] = lambda asked: export() if zendesk.may(asked) else zendesk.UNAUTHORIZED
    assert [page.items for page in ZendeskCollector().pages("tickets", None, visit)] == [[]]
    assert visit.vault.hide(desk.web.asked[0].headers["Authorization"]) == "Basic …"


def test_a_token_that_no_header_could_hold_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRET_VARIABLE, "密码")
    visit = visit_of({"url": desk.web.url, "oauth_token": TOKEN})
    with pytest.raises(
        CollectError, match=r"'oauth_token' holds characters that no token has\. Was something else pasted\?"
    ):
        list(ZendeskCollector().pages("tickets", None, visit))


def test_saved_tickets_without_comments_give_their_descriptions(tmp_path: Path) -> None:
    path = tmp_path / "tickets.json"
    common = {"created_at": "2026-03-01T02:00:00Z"}
    saved = [
        ticket(description="杯子碎了", **common),
        ticket(36, description="代客户开的单", submitter_id=AGENT, **common),
        ticket(37, description="内部", is_public=False, **common),
        {"id": 38, "requester": {"id": ASKED_BY}, "description": "物流慢", **common},
        ticket(39, comments=[comment("退货流程太复杂")]),
        ticket(40, status="deleted", comment_count=1),
    ]
    path.write_text(json.dumps({"tickets": saved}), encoding="utf-8")
    items = list(ZendeskCollector().saved(path, visit_of({})))
    assert items == [
        record("35-1", "杯子碎了", turn=1, customer="501"),
        record("36-1", "代客户开的单", turn=1, role="agent", conversation_id="36"),
        record("38-1", "物流慢", turn=1, customer="501", conversation_id="38"),
        record("39-1", "退货流程太复杂", turn=1, customer="501", conversation_id="39"),
        Withdrawn("40-1", "tickets:40-1", for_good=False),
    ]


def test_in_saved_tickets_staff_are_known_by_the_users_beside_them_or_in_them(tmp_path: Path) -> None:
    path = tmp_path / "tickets.json"
    beside = {"tickets": [ticket(comments=[comment("测试")])], "users": [{"id": ASKED_BY, "role": "admin"}]}
    within = [
        ticket(36, description="测试", requester={"id": ASKED_BY, "role": role}) for role in ("agent", "end-user")
    ]
    path.write_text("\n".join(map(json.dumps, [beside, *within])), encoding="utf-8")
    found = list(ZendeskCollector().saved(path, visit_of({})))
    assert [each.role for each in found if isinstance(each, Record)] == ["agent", "agent", "customer"]


def test_saved_objects_one_to_a_line_are_told_apart_by_what_they_hold(tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    lines = [ticket(comments=[comment("杯子碎了")]), a_rating(7, comment="太慢"), {"users": []}, 5]
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    first, second, *others = list(ZendeskCollector().saved(path, visit_of({})))
    assert first == record("35-1", "杯子碎了", turn=1, customer="501")
    assert isinstance(second, Record)
    assert (second.source_id, second.text) == ("rating-7", "太慢")
    assert others == [
        Unreadable("export.json:#3", "it holds neither 'tickets' nor 'satisfaction_ratings'"),
        Unreadable("export.json:#4", "it is not an object"),
    ]


def test_a_run_over_both_streams_stores_tickets_and_ratings(tmp_path: Path) -> None:
    tickets, rated = zendesk.World(), zendesk_ratings.World()
    with wire(lambda asked: rated.answer(asked) if asked.path == RATINGS else tickets.answer(asked)) as web:
        settings = f'url = "{web.url}"\nemail = "{zendesk.EMAIL}"\ntoken = {{ env = "{SECRET_VARIABLE}" }}'
        source = f'[[sources]]\nname = "客服"\ncollector = "zendesk"\nchannel = "邮件"\n{settings}\n'
        (tmp_path / "feedback.toml").write_text(f'[project]\nname = "小店"\n\n{source}', encoding="utf-8")
        assert run("collect", project=tmp_path).code == 0
    with Store.open(tmp_path / "feedback.db") as store:
        stored = dict(rows(store.connection, "select source_id, text from verbatims"))
    assert stored == {**tickets.stored(), **rated.stored()}
