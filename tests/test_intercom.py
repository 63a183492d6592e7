"""Intercom beyond the contract: whose words a part is, mails, what was taken back, ratings, the order of a search, settings."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from contract import until_error
from wire import Asked, Reply, Wire, wire
from worlds import NOW, SECRET, SECRET_VARIABLE

from feedback.collectors.base import Item, RawScore, Record, SourceConfig, Unreadable, Withdrawn
from feedback.collectors.intercom import IntercomCollector
from feedback.collectors.live import Page, Visit
from feedback.collectors.live.vault import Vault
from feedback.collectors.live.web import Web
from feedback.errors import CollectError

SEARCH = "/conversations/search"
TOKEN = {"env": SECRET_VARIABLE}
AT = 1_772_330_400  # 2026-03-01T02:00:00Z
USER = {"type": "user", "id": "u1", "name": "阿宝", "email": "abao@example.com"}


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRET_VARIABLE, SECRET)


@pytest.fixture
def desk() -> Iterator["Desk"]:
    replies: dict[str, Any] = {}

    def answer(asked: Asked) -> Reply:
        found = replies[asked.path]
        reply = found(asked) if callable(found) else found
        return reply if isinstance(reply, Reply) else Reply(reply)

    with wire(answer) as web:
        yield Desk(web, replies)


class Desk:
    """A help desk that answers a path with what `replies` holds for it: contents, a reply, or what makes one of the request."""

    def __init__(self, web: Wire, replies: dict[str, Any]) -> None:
        self.web, self.replies = web, replies

    def pages(self, state: str | None = None, since: datetime | None = None) -> list[Page]:
        visit = visit_of({"url": f"{self.web.url}/", "token": TOKEN}, since)
        return list(IntercomCollector().pages("conversations", state, visit))

    def fails(self) -> tuple[list[Page], str]:
        visit = visit_of({"url": f"{self.web.url}/", "token": TOKEN})
        return until_error(IntercomCollector().pages("conversations", None, visit))

    def items(self, **fields: object) -> list[Item]:
        """Of one conversation with these fields."""
        self.replies[SEARCH] = search((7, AT))
        self.replies["/conversations/7"] = conversation(**fields)
        return [item for page in self.pages() for item in page.items]

    def asked_for(self) -> list[str]:
        return [asked.path.removeprefix("/conversations/") for asked in self.web.asked if asked.method == "GET"]


def visit_of(options: dict[str, object], since: datetime | None = None) -> Visit:
    config = SourceConfig("客服", "intercom", channel="在线", store="人民路店", product="手冲壶", options=options)
    return Visit(config, Vault(Path("/nowhere")), NOW, since=since)


def state(known: int, told: int, *read: tuple[int, int]) -> str:
    return json.dumps([known, told, {str(number): changed for number, changed in read}])


def search(*found: tuple[int, object], after: str | None = None) -> dict[str, object]:
    """Conversations, each with when it was changed, and where the search goes on."""
    following = {} if after is None else {"next": {"page": 2, "starting_after": after}}
    heads = [{"type": "conversation", "id": str(number), "updated_at": changed} for number, changed in found]
    return {"type": "conversation.list", "conversations": heads, "pages": {"type": "pages", **following}}


def conversation(number: int = 7, parts: object = (), total: object = None, **fields: object) -> dict[str, object]:
    source = {"type": "conversation", "id": "40", "body": "<p>杯子碎了</p>", "author": USER, "redacted": False}
    listed = list(parts) if isinstance(parts, tuple) else parts
    count = total if total is not None or not isinstance(listed, list) else len(listed)
    inside = {"type": "conversation_part.list", "conversation_parts": listed, "total_count": count}
    common = {
        "type": "conversation",
        "id": str(number),
        "created_at": AT,
        "updated_at": AT,
        "conversation_rating": None,
    }
    return {**common, "source": source, "conversation_parts": inside, **fields}


def part(
    number: int, body: object, author: object = USER, kind: str = "comment", **fields: object
) -> dict[str, object]:
    common = {"type": "conversation_part", "id": str(number), "created_at": AT + number, "redacted": False}
    return {**common, "part_type": kind, "body": body, "author": author, **fields}


def record(key: str, text: str, turn: int | None, **fields: Any) -> Record:
    common: dict[str, Any] = {"kind": "chat", "channel": "在线", "location": f"conversations:{key}", "source_id": key}
    place = {"conversation_id": "7", "posted_at": str(AT), "store": "人民路店", "product": "手冲壶"}
    return Record(text, turn=turn, **{**common, **place, "customer": "u1", **fields})


OPENING = record("conversation-7", "杯子碎了", 1)


def test_users_leads_and_contacts_are_customers_and_notes_and_events_are_left_out(desk: Desk) -> None:
    admin, bot = {"type": "admin", "id": "9", "name": "小林"}, {"type": "bot", "id": "1", "name": "Fin"}
    found = desk.items(
        parts=(
            part(1, "<p>马上为您<b>补发</b></p>", admin),
            part(2, "<p>老客户</p>", admin, "note"),
            part(3, None, admin, "assignment"),
            part(4, "<p>请问还有什么<br>可以帮您</p>", bot),
            part(5, "<p>第二次碎了</p>", {"type": "lead", "id": "l1"}),
            part(6, "<p>又来了</p>", {"type": "contact", "id": "c1"}, "open"),
            part(7, "<p>重新打开</p>", admin, "open"),
            part(8, '<img src="https://example.com/a.png">'),
            part(9, "<p>售后组</p>", {"type": "team", "id": "3"}),
        )
    )
    no_one = {"customer": None}
    assert found == [
        OPENING,
        record("part-1", "马上为您补发", 2, posted_at=str(AT + 1), role="agent", **no_one),
        record("part-4", "请问还有什么\n可以帮您", 5, posted_at=str(AT + 4), role="bot", **no_one),
        record("part-5", "第二次碎了", 6, posted_at=str(AT + 5), customer="l1"),
        record("part-6", "又来了", 7, posted_at=str(AT + 6), customer="c1"),
        record("part-9", "售后组", 10, posted_at=str(AT + 9), role="agent", **no_one),
    ]


def test_of_a_mail_only_what_the_customer_wrote_in_it_is_kept(desk: Desk) -> None:
    history = (
        "<p>On Mon, Mar 2, 2026 at 10:00, Shop &lt;kf@shop.example&gt; wrote:</p><blockquote><p>您好</p></blockquote>"
    )
    by_mail = {"email_message_metadata": {"subject": "订单"}}
    chat = desk.items(parts=(part(1, f"<p>还没收到</p>{history}", **by_mail), part(2, history, **by_mail)))
    assert chat == [
        OPENING,
        record("part-1", "还没收到", 2, posted_at=str(AT + 1)),
        Unreadable("conversations:part-2", "it holds nothing but an earlier mail or a signature"),
    ]
    source = {"type": "email", "id": "40", "body": f"<p>杯子碎了</p>{history}", "author": USER}
    mail = desk.items(source=source, parts=(part(1, f"<p>还没收到</p>{history}"),))
    assert mail == [OPENING, record("part-1", "还没收到", 2, posted_at=str(AT + 1))]


def test_what_was_taken_out_of_a_conversation_is_void(desk: Desk) -> None:
    gone = "<p><i>This message was deleted</i></p>"
    source = {"type": "conversation", "id": "40", "body": gone, "author": USER, "redacted": True}
    parts = (part(1, gone, redacted=True), part(2, gone, {"type": "admin", "id": "9"}, "note", redacted=True))
    assert desk.items(source=source, parts=parts) == [
        Withdrawn("conversation-7", "conversations:conversation-7"),
        Withdrawn("part-1", "conversations:part-1"),
    ]


def test_what_can_not_be_used_is_told_with_its_reason(desk: Desk) -> None:
    parts = (part(1, "<p>您好</p>", {"type": "robot"}), {"body": "<p>没有编号</p>"}, "part")
    assert desk.items(parts=parts) == [
        OPENING,
        Unreadable("conversations:part-1", "its author is of a kind that is not known here: 'robot'", "您好"),
        Unreadable("conversations:7", "part 2 has no id", "没有编号"),
        Unreadable("conversations:7", "part 3 has no id"),
    ]


def test_of_a_conversation_that_is_cut_off_the_turns_stay_and_it_is_told(desk: Desk) -> None:
    assert desk.items(parts=(part(620, "<p>还在等</p>"),), total=620) == [
        OPENING,
        Unreadable(
            "conversations:7",
            "the interface gives its last 500 parts alone: what was said before them is there only if it was collected earlier",
        ),
        record("part-620", "还在等", 621, posted_at=str(AT + 620)),
    ]


@pytest.mark.parametrize("total", [10**30, -7, True, "620"])
def test_a_count_of_parts_that_can_not_be_is_none(desk: Desk, total: object) -> None:
    found = desk.items(parts=(part(2, "<p>还在等</p>"),), total=total)
    assert found == [OPENING, record("part-2", "还在等", 2, posted_at=str(AT + 2))]


def test_a_rating_is_a_score_of_satisfaction_with_the_remark_as_its_text(desk: Desk) -> None:
    def rated(**fields: object) -> list[Item]:
        return desk.items(
            conversation_rating={"created_at": AT + 60, "contact": {"type": "contact", "id": "u1"}, **fields}
        )

    scores = (RawScore("csat", "2", 1, 5),)
    expected = record("rating-7", "等太久", None, posted_at=str(AT + 60), scores=scores)
    assert rated(rating=2, remark="等太久") == [OPENING, expected]
    later = record("rating-7", "", None, posted_at=str(AT + 90), scores=scores)
    assert rated(rating=2, remark=None, updated_at=AT + 90) == [OPENING, later]
    assert rated(rating=None, remark=None) == [OPENING]


def test_the_kind_and_the_channel_are_those_of_the_source_where_it_says_none(tmp_path: Path) -> None:
    path = tmp_path / "saved.json"
    path.write_text(json.dumps(conversation(conversation_rating={"rating": 5})), encoding="utf-8")
    visit = Visit(SourceConfig("客服", "intercom"), Vault(tmp_path), NOW)
    found = [item for item in IntercomCollector().saved(path, visit) if isinstance(item, Record)]
    assert [(item.kind, item.channel) for item in found] == [("chat", "intercom")] * 2


def test_the_search_asks_a_day_earlier_and_conversations_that_are_known_are_passed_over(desk: Desk) -> None:
    desk.replies[SEARCH] = search((1, AT - 301), (2, AT - 299), (3, AT), (4, None))
    desk.replies |= {f"/conversations/{number}": conversation(number) for number in (2, 3, 4)}
    (page,) = desk.pages(str(AT))
    assert desk.asked_for() == ["2", "3", "4"]
    assert page.state == state(AT, AT - 300, (2, AT - 299), (3, AT))
    assert desk.web.asked[0].json() == {
        "query": {"field": "updated_at", "operator": ">", "value": AT - 86400},
        "sort": {"field": "updated_at", "order": "ascending"},
        "pagination": {"per_page": 50},
    }
    assert desk.web.asked[0].headers["Intercom-Version"] == "2.11"


@pytest.mark.parametrize("since, value", [(None, 0), (datetime(2026, 3, 1, tzinfo=UTC), 1_772_323_200 - 86400)])
def test_a_first_search_begins_at_the_beginning_or_where_the_visit_says(
    desk: Desk, since: datetime | None, value: int
) -> None:
    desk.replies[SEARCH] = search()
    (page,) = desk.pages(since=since)
    assert page == Page([], None if since is None else state(1772323200, 1772322900))
    query = desk.web.asked[0].json()["query"]
    assert query == {"field": "updated_at", "operator": ">", "value": value}


def in_turn(desk: Desk, *pages: list[int]) -> None:
    """The search gives these moments of change, page by page."""

    def answer(asked: Asked) -> dict[str, object]:
        pagination = asked.json()["pagination"]
        assert isinstance(pagination, dict)
        number = int(pagination.get("starting_after", 0))
        found = [(moment, moment) for moment in pages[number]]
        return search(*found, after=str(number + 1) if number + 1 < len(pages) else None)

    desk.replies[SEARCH] = answer
    desk.replies |= {f"/conversations/{moment}": conversation(moment) for page in pages for moment in page}


def test_the_state_is_a_page_behind_until_the_last(desk: Desk) -> None:
    in_turn(desk, [10, 20], [20, 30], [40])
    assert [page.state for page in desk.pages()] == [
        None,
        state(20, 0, (10, 10), (20, 20), (30, 30)),
        state(40, 0, (10, 10), (20, 20), (30, 30), (40, 40)),
    ]


def test_a_conversation_that_changes_while_it_is_looked_for_makes_the_state_wait_for_the_end(desk: Desk) -> None:
    in_turn(desk, [10, 900], [30], [40], [50])
    assert [json.loads(page.state or "")[0] for page in desk.pages("5")] == [5, 5, 5, 900]


def test_a_change_in_the_future_does_not_push_the_state_past_now(desk: Desk) -> None:
    in_turn(desk, [10, 4_000_000_000])
    now = int(NOW.timestamp())
    assert [page.state for page in desk.pages()] == [state(now, now - 86400, (4_000_000_000, 4_000_000_000))]


def test_a_search_that_finds_nothing_keeps_the_state(desk: Desk) -> None:
    in_turn(desk, [])
    known = state(AT, AT - 86400, (7, AT))
    assert desk.pages(known) == [Page([], known)]
    assert desk.pages(str(AT)) == [Page([], state(AT, AT - 300))]  # as earlier versions kept it


def test_a_change_of_the_last_day_that_the_search_shows_late_is_read_once(desk: Desk) -> None:
    desk.replies[SEARCH] = search((1, AT - 9000), (3, AT))
    desk.replies |= {f"/conversations/{number}": conversation(number) for number in range(1, 6)}
    *_, last = desk.pages()
    assert last.state == state(AT, AT - 86400, (1, AT - 9000), (3, AT))
    desk.replies[SEARCH] = search((1, AT - 9000), (2, AT - 5000), (3, AT))
    *_, last = desk.pages(last.state)
    assert last.state == state(AT, AT - 86400, (1, AT - 9000), (2, AT - 5000), (3, AT))
    desk.pages(last.state)
    assert desk.asked_for() == ["1", "3", "2", "3", "3"]  # what is of the last minutes may have changed within a second


def test_more_changes_than_are_remembered_are_known_by_their_dates_alone(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feedback.collectors.intercom.MOST_READ", 2)
    moments = [AT - 9000, AT - 8000, AT - 7000, AT]
    in_turn(desk, moments)
    *_, last = desk.pages()
    assert last.state == state(AT, AT - 8000, (AT - 7000, AT - 7000), (AT, AT))
    in_turn(desk, [AT - 8500, *moments[1:]], [AT - 7500])
    desk.web.asked.clear()
    desk.pages(last.state)
    assert desk.asked_for() == [str(AT), str(AT - 7500)]


def test_changes_in_the_future_are_no_reason_to_forget_those_of_today(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feedback.collectors.intercom.MOST_READ", 2)
    in_turn(desk, [AT, *range(4_000_000_000, 4_000_000_004)])
    *_, last = desk.pages()
    now = int(NOW.timestamp())
    in_turn(desk, [now - 299])
    desk.web.asked.clear()
    desk.pages(last.state)
    assert desk.asked_for() == [str(now - 299)]


def test_long_conversations_come_in_several_pages_and_the_state_with_the_last(desk: Desk) -> None:
    desk.replies[SEARCH] = search((7, AT), (8, AT))
    for number in (7, 8):
        parts = tuple(part(n, f"第{n}次来问") for n in range(1, 401))
        desk.replies[f"/conversations/{number}"] = conversation(number, parts)
    assert [(len(page.items), page.state) for page in desk.pages()] == [
        (500, None),
        (302, state(AT, AT - 86400, (7, AT), (8, AT))),
    ]


def test_a_conversation_that_is_found_without_an_id_is_told(desk: Desk) -> None:
    desk.replies[SEARCH] = {"conversations": [{"updated_at": AT}, 5], "pages": {}}
    (page,) = desk.pages()
    assert page.items == [Unreadable("conversations", "it is not a conversation with an id")] * 2


def test_a_conversation_that_is_refused_is_passed_over_and_asked_for_later(desk: Desk) -> None:
    desk.replies[SEARCH] = search((6, AT), (7, AT), (8, AT))
    desk.replies |= {f"/conversations/{number}": conversation(number) for number in (6, 8)}
    desk.replies["/conversations/7"] = Reply({"type": "error.list"}, 403)
    found, refused = desk.fails()
    assert "1 of the conversations could not be read (see: feedback rejects) and will be asked for again: " in refused
    assert refused.endswith(
        "/conversations/7 refuses (403). The key, where one is needed, is not allowed to read this, or the site wants no programs."
    )
    (page,) = found
    assert [item.location for item in page.items] == [
        "conversations:conversation-6",
        "conversations:7",
        "conversations:conversation-8",
    ]
    now, reached = int(NOW.timestamp()), json.loads(state(AT, AT - 86400, (6, AT), (7, AT), (8, AT)))
    assert page.state == json.dumps({"reached": reached, "owed": [["7", now, now, 0]]})
    desk.replies[SEARCH] = search()
    desk.replies["/conversations/7"] = conversation()
    *_, last = desk.pages(page.state)
    assert last == Page([OPENING], json.dumps(reached))


def test_conversations_that_are_too_many_for_an_answer_are_searched_for_in_smaller_parts(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feedback.collectors.live.web.MOST_BYTES", 2000)

    def answer(asked: Asked) -> dict[str, object]:
        pagination = asked.json()["pagination"]
        assert isinstance(pagination, dict)
        return search(*[(7, AT)] * pagination["per_page"])

    desk.replies[SEARCH] = answer
    desk.replies["/conversations/7"] = conversation()
    desk.pages()
    sizes = [asked.json()["pagination"] for asked in desk.web.asked if asked.method == "POST"]
    assert sizes == [{"per_page": 50}, {"per_page": 5}]


SHAPES: dict[str, tuple[object, str]] = {
    "no list": ({"pages": {}}, r"search answers without the list 'conversations'\. The interface may have changed\."),
    "no pages": (
        {"conversations": []},
        r"search does not say where its next page is\. The interface may have changed\.",
    ),
}


@pytest.mark.parametrize("what", SHAPES)
def test_a_search_of_another_shape_is_an_error(desk: Desk, what: str) -> None:
    desk.replies[SEARCH], said = SHAPES[what]
    with pytest.raises(CollectError, match=said):
        desk.pages()


@pytest.mark.parametrize(
    "answer, said",
    [
        ({"id": "7"}, "without the list 'conversation_parts.conversation_parts'."),
        (conversation(8), "with something else than that conversation."),
        (conversation(source=None), "with something else than that conversation."),
    ],
)
def test_a_conversation_of_another_shape_is_told(desk: Desk, answer: object, said: str) -> None:
    desk.replies[SEARCH], desk.replies["/conversations/7"] = search((7, AT)), answer
    _, told = desk.fails()
    assert told.endswith(f"/conversations/7 answers {said} The interface may have changed.")


def test_a_search_that_names_the_same_next_page_again_is_an_error(desk: Desk) -> None:
    desk.replies[SEARCH] = search(after="same")
    with pytest.raises(CollectError, match=r"search does not say where its next page is\."):
        desk.pages()
    assert len(desk.web.asked) == 2


def test_a_search_that_never_gets_anywhere_is_an_error(desk: Desk) -> None:
    desk.replies[SEARCH] = lambda _asked: search(after=str(len(desk.web.asked)))
    with pytest.raises(CollectError, match=r"search gives page after page with nothing new in it\."):
        desk.pages()


def test_the_address_is_that_of_the_americas_where_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def post(_web: Web, url: str, **_more: object) -> None:
        asked.append(url)
        raise CollectError("nobody is asked here")

    monkeypatch.setattr(Web, "post", post)
    for options in ({"token": TOKEN}, {"token": TOKEN, "url": "https://api.eu.intercom.io"}):
        visit = visit_of(options)
        assert IntercomCollector().streams(visit) == ["conversations"]
        with pytest.raises(CollectError, match="nobody is asked here"):
            list(IntercomCollector().pages("conversations", None, visit))
    assert asked == ["https://api.intercom.io/conversations/search", "https://api.eu.intercom.io/conversations/search"]


def test_a_list_that_was_saved_holds_only_how_each_conversation_began(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    head = {key: value for key, value in conversation().items() if key != "conversation_parts"}
    path.write_text(json.dumps({"type": "conversation.list", "conversations": [head, "x"]}) + "\n8", encoding="utf-8")
    assert list(IntercomCollector().saved(path, visit_of({}))) == [
        OPENING,
        Unreadable("conversations:7", "it is without its parts, as conversations in lists are"),
        Unreadable("list.json:#1", "it is not a conversation with an id"),
        Unreadable("list.json:#2", "it is not an object"),
    ]
