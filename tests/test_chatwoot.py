"""Chatwoot beyond the contract: whose words a message is, lists that move while they are read, runs that were cut off, surveys, settings."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from command import run
from contract import until_error
from stored import rows
from wire import Asked, Reply, Wire, wire
from worlds import NOW, SECRET, SECRET_VARIABLE, chatwoot, chatwoot_csat

from feedback.collectors.base import Item, RawScore, Record, SourceConfig, Unreadable, Withdrawn
from feedback.collectors.chatwoot import ChatwootCollector
from feedback.collectors.live import Page, Visit
from feedback.collectors.live.vault import Vault
from feedback.errors import CollectError
from storage.store import Store

ACCOUNT = "/api/v1/accounts/3"
LIST, SURVEY = f"{ACCOUNT}/conversations", f"{ACCOUNT}/csat_survey_responses"
TOKEN = {"env": SECRET_VARIABLE}
AT = 1_772_330_400  # 2026-03-01T02:00:00Z
CUSTOMER, AGENT = {"id": 701, "name": "阿宝", "type": "contact"}, {"id": 2, "name": "小林", "type": "user"}


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

    def lists(self, *pages: list[tuple[int, object]], empty: int = 0) -> None:
        """Conversations with their last activity, page by page; each has one message, which was sent then. So many pages after the first come empty, once each."""
        count, left = sum(map(len, pages)), list(range(2, 2 + empty))

        def answer(asked: Asked) -> dict[str, object]:
            number = int(asked.query["page"])
            here = pages[number - 1] if number <= len(pages) else []
            if number in left:
                left.remove(number)
                here = []
            return listed(*(conversation(*each) for each in here), count=count)

        self.replies[LIST] = answer
        for number, activity in (each for page in pages for each in page):
            self.has(number, message(number, f"第{number}个", created_at=activity))

    def has(self, conversation_id: int, *messages: dict[str, object], contact: int | None = None) -> None:
        def answer(asked: Asked) -> dict[str, object]:
            before = int(asked.query.get("before", 1_000_000))
            meta = {} if contact is None else {"contact": {"id": contact}}
            return {"meta": meta, "payload": [each for each in messages if int(str(each["id"])) < before][-2:]}

        self.replies[f"{LIST}/{conversation_id}/messages"] = answer

    def pages(
        self, stream: str = "conversations", state: str | None = None, since: datetime | None = None
    ) -> list[Page]:
        visit = visit_of({"url": f"{self.web.url}/", "account": 3, "token": TOKEN}, since)
        return list(ChatwootCollector().pages(stream, state, visit))

    def fails(self) -> tuple[list[Page], str]:
        visit = visit_of({"url": f"{self.web.url}/", "account": 3, "token": TOKEN})
        return until_error(ChatwootCollector().pages("conversations", None, visit))

    def items(self, stream: str = "conversations") -> list[Item]:
        return [item for page in self.pages(stream) for item in page.items]

    def read(self) -> list[str]:
        """Of which conversations messages were asked for, since the last time."""
        found = [asked.path.split("/")[-2] for asked in self.web.asked if asked.path.endswith("/messages")]
        self.web.asked.clear()
        return list(dict.fromkeys(found))


def visit_of(options: dict[str, object], since: datetime | None = None) -> Visit:
    config = SourceConfig("客服", "chatwoot", channel="在线", store="人民路店", product="手冲壶", options=options)
    return Visit(config, Vault(Path("/nowhere")), NOW, since=since)


def listed(*conversations: object, count: int | None = None) -> dict[str, object]:
    return {"data": {"meta": {"all_count": count}, "payload": list(conversations)}}


def conversation(number: int, activity: object = AT) -> dict[str, object]:
    return {"id": number, "last_activity_at": activity, "meta": {"sender": {"id": 700 + number, "name": "阿宝"}}}


def message(number: int, content: object, **fields: object) -> dict[str, object]:
    common = {"message_type": 0, "private": False, "content_type": "text", "content_attributes": {}}
    return {
        "id": number,
        "conversation_id": 1,
        "content": content,
        "created_at": AT,
        "sender": CUSTOMER,
        **common,
        **fields,
    }


def record(key: str, text: str, **fields: Any) -> Record:
    common: dict[str, Any] = {"kind": "chat", "channel": "在线", "location": f"conversations:{key}", "source_id": key}
    place = {"conversation_id": "1", "posted_at": str(AT), "store": "人民路店", "product": "手冲壶", "customer": "701"}
    return Record(text, **{**common, "turn": int(key) if key.isdecimal() else None, **place, **fields})


def state(since: int | None, top: int | None = None, bottom: int | None = None) -> str:
    return json.dumps([since, top, bottom])


def test_what_comes_in_is_the_customers_and_notes_events_and_templates_are_left_out(desk: Desk) -> None:
    desk.lists([(1, AT)])
    no_one: dict[str, object] = {"sender": None, "message_type": 1}
    desk.has(
        1,
        message(1, "杯子碎了"),
        message(2, "老客户", private=True, message_type=1, sender=AGENT),
        message(3, "小林 接手了会话", message_type=2, sender=None),
        message(4, "您好，请稍等", message_type=3, sender=None),
        message(5, "马上补发", message_type=1, sender=AGENT),
        message(6, "请选择", message_type=1, sender={"id": 4, "type": "agent_bot"}),
        message(7, "本店周年庆", **no_one),
        message(8, None, attachments=[{"file_type": "image"}]),
        message(9, "好的", sender=None),
        message(10, "收到", message_type="incoming", sender=None, sender_type="Contact", sender_id=702),
        message(11, "不客气", message_type="outgoing", sender=None, sender_type="User", sender_id=2),
    )
    found = {item.source_id: item for item in desk.items() if isinstance(item, Record)}
    assert found == {
        "1": record("1", "杯子碎了"),
        "5": record("5", "马上补发", role="agent", customer=None),
        "6": record("6", "请选择", role="bot", customer=None),
        "7": record("7", "本店周年庆", role="bot", customer=None),
        "9": record("9", "好的"),
        "10": record("10", "收到", customer="702"),
        "11": record("11", "不客气", role="agent", customer=None),
    }


def test_of_a_mail_only_what_the_customer_wrote_in_it_is_kept(desk: Desk) -> None:
    history = "在 2026年3月1日，10:00，客服 <kf@shop.example> 写道：\n> 您好，请问杯子怎么了"
    by_mail = {"content_type": "incoming_email"}
    desk.lists([(1, AT)])
    desk.has(1, message(1, f"杯子碎了\n\n{history}", **by_mail), message(2, history, **by_mail))
    assert desk.items() == [
        record("1", "杯子碎了"),
        Unreadable("conversations:2", "it holds nothing but an earlier mail or a signature"),
    ]


def test_a_message_that_was_deleted_is_void(desk: Desk) -> None:
    desk.lists([(1, AT)])
    deleted = {"content_attributes": {"deleted": True}}
    desk.has(1, message(1, "This message was deleted", **deleted), message(2, "算了"))
    assert desk.items() == [Withdrawn("1", "conversations:1"), record("2", "算了")]


def test_what_can_not_be_used_is_told_with_its_reason(desk: Desk) -> None:
    desk.replies[LIST] = lambda asked: listed(
        *([{"last_activity_at": AT}, 8, conversation(1)] * (asked.query["page"] == "1"))
    )
    first = {"payload": [message(1, "您好", message_type=9), {"id": None, "content": "没有编号"}, "message"]}
    desk.replies[f"{LIST}/1/messages"] = lambda asked: {"payload": []} if asked.query else first
    assert desk.items() == [
        Unreadable("conversations", "a conversation has no id"),
        Unreadable("conversations", "a conversation has no id"),
        Unreadable("conversations:1", "its message_type is not known here: '9'", "您好"),
        Unreadable("conversations:1", "the message has no id", "没有编号"),
        Unreadable("conversations:1", "it is not an object"),
    ]


def test_a_conversation_whose_messages_are_refused_is_passed_over_and_asked_for_whole_later(desk: Desk) -> None:
    desk.lists([(3, AT + 20), (2, AT + 10), (1, AT)])
    desk.replies[f"{LIST}/2/messages"] = Reply({"error": "no"}, 403)
    found, refused = desk.fails()
    assert "1 of the conversations could not be read (see: feedback rejects) and will be asked for again: " in refused
    assert refused.endswith(
        "/2/messages refuses (403). The key, where one is needed, is not allowed to read this, or the site wants no programs."
    )
    first, second, third = found[0].items
    assert (locations(first), locations(third)) == ("conversations:3", "conversations:1")
    assert isinstance(second, Unreadable)
    assert second.location == "conversations:2"
    assert second.reason.startswith("it could not be read and will be asked for again: 127.0.0.1")
    now = int(NOW.timestamp())
    assert found[-1].state == json.dumps({"reached": [AT + 20, None, None], "owed": [["2", now, now, 0]]})
    old = [message(n, f"第{n}句", created_at=AT - 9000 + n, sender=None) for n in range(21, 25)]
    desk.has(2, *old, contact=702)
    desk.lists([])
    *_, last = desk.pages(state=found[-1].state)
    assert last.state == state(AT + 20)
    assert [item.location for item in last.items] == [f"conversations:{n}" for n in (23, 24, 21, 22)]
    assert {item.customer for item in last.items if isinstance(item, Record)} == {"702"}


def test_a_conversation_that_could_not_be_read_and_goes_on_is_read_whole(desk: Desk) -> None:
    owed = json.dumps({"reached": [AT, None, None], "owed": [["1", AT, AT]]})
    desk.lists([(1, AT + 60)])
    desk.has(1, *(message(n, f"第{n}句", created_at=AT - 9000 + n) for n in range(1, 9)))
    first, last = desk.pages(state=owed)
    assert len(first.items) == 8
    assert last.state == state(AT + 60)


def locations(*items: Item) -> str:
    return " ".join(item.location for item in items)


def test_messages_are_asked_for_back_to_the_first(desk: Desk) -> None:
    desk.lists([(1, AT)])
    desk.has(1, *(message(number, f"第{number}句") for number in range(1, 6)))
    assert [item.location for item in desk.items()] == [f"conversations:{number}" for number in (4, 5, 2, 3, 1)]
    assert [asked.query for asked in desk.web.asked if asked.path.endswith("messages")] == [
        {},
        {"before": "4"},
        {"before": "2"},
        {"before": "1"},
    ]


def test_of_a_long_conversation_only_what_is_not_known_is_asked_for(desk: Desk) -> None:
    desk.lists([(1, AT)])
    desk.has(1, *(message(number, f"第{number}句", created_at=AT - 1000 + 100 * number) for number in range(1, 11)))
    found = [item.location for page in desk.pages(state=state(AT - 50)) for item in page.items]
    assert found == [f"conversations:{number}" for number in (9, 10, 7, 8, 5, 6)]


def test_a_server_that_gives_the_same_messages_again_is_an_error(desk: Desk) -> None:
    desk.lists([(1, AT)])
    desk.replies[f"{LIST}/1/messages"] = {"payload": [message(4, "杯子碎了")]}
    with pytest.raises(
        CollectError, match=r"/1/messages gives no earlier messages when asked for them\. The interface"
    ):
        desk.pages()
    desk.replies[f"{LIST}/1/messages"] = {"payload": [{"content": "杯子碎了"}]}
    with pytest.raises(CollectError, match=r"/1/messages gives no earlier messages when asked for them\."):
        desk.pages()


def test_a_run_goes_down_to_what_is_known_and_a_little_further(desk: Desk) -> None:
    desk.lists([(5, AT + 500), (4, AT + 10)], [(3, AT - 300), (2, AT - 301)], [(1, AT - 900), (6, AT - 901)], [(7, 5)])
    pages = desk.pages(state=state(AT))
    assert [page.state for page in pages] == [
        state(AT, AT + 500, AT + 10),
        state(AT, AT + 500, AT - 301),
        state(AT + 500),
    ]
    assert desk.read() == ["5", "4", "3"]


def test_without_a_state_a_run_goes_down_to_the_end_or_to_what_the_visit_asks_for(desk: Desk) -> None:
    desk.lists([(2, AT)], [(1, 900)])
    assert [page.state for page in desk.pages()] == [state(None, AT, AT), state(None, AT, 900), state(AT)]
    assert desk.read() == ["2", "1"]
    since = datetime.fromtimestamp(AT - 60, UTC)
    assert [page.state for page in desk.pages(since=since)] == [state(AT - 60, AT, AT), state(AT)]
    assert desk.read() == ["2"]


def test_an_account_without_conversations_has_nothing_to_go_on_from(desk: Desk) -> None:
    desk.lists()
    assert desk.pages() == [Page([], state(0))]
    assert desk.pages(state=state(AT)) == [Page([], state(AT))]


def test_a_run_that_was_cut_off_is_gone_on_with_and_what_it_had_read_is_passed_over(desk: Desk) -> None:
    known = state(AT, AT + 9000, AT + 5000)
    desk.lists(
        [(9, AT + 9900), (8, AT + 9100)],
        [(7, AT + 8900), (6, AT + 8600)],  # within the overlap; read by the run that was cut off
        [(5, AT + 5001), (4, AT + 5000)],
        [(3, AT + 2000)],
        [(2, AT - 900)],
    )
    assert [page.state for page in desk.pages(state=known)] == [
        None,  # between this page and what had been read something may be
        state(AT, AT + 9900, AT + 5000),
        state(AT, AT + 9900, AT + 5000),
        state(AT, AT + 9900, AT + 2000),
        state(AT + 9900),
    ]
    assert desk.read() == ["9", "8", "7", "4", "3"]


def test_a_conversation_that_was_read_and_is_spoken_in_again_is_read_again(desk: Desk) -> None:
    desk.lists([(3, AT + 9500), (2, AT + 7000)], [(1, AT + 3000)])
    desk.pages(state=state(AT, AT + 9000, AT + 5000))
    assert desk.read() == ["3", "1"]


def test_conversations_that_move_up_while_a_run_goes_on_push_others_down_and_none_is_missed(desk: Desk) -> None:
    order = [(number, AT + 100 * number) for number in range(9, 0, -1)]

    def answer(asked: Asked) -> dict[str, object]:
        number = int(asked.query["page"])
        found = listed(*(conversation(*each) for each in order[2 * number - 2 : 2 * number]))
        order.insert(0, (order.pop(-1 - number % 2)[0], AT + 5000 + number))  # one of the last is spoken in
        return found

    desk.lists(order)
    desk.replies[LIST] = answer
    *_, last = desk.pages()
    assert last.state == state(AT + 900)
    seen = set(desk.read())
    assert {str(number) for number in range(1, 10)} - seen  # those that moved up meanwhile
    desk.replies[LIST] = lambda asked: listed(
        *(conversation(*each) for each in order) if asked.query["page"] == "1" else ()
    )
    desk.pages(state=last.state)
    assert seen | set(desk.read()) == {str(number) for number in range(1, 10)}


def test_a_page_that_comes_empty_while_the_count_says_that_there_is_more_does_not_end_the_list(desk: Desk) -> None:
    desk.lists([(4, AT + 40)], [(3, AT + 30)], [(2, AT + 20)], [(1, AT + 10)], empty=2)
    *_, last = desk.pages()
    assert last.state == state(AT + 40)
    assert [asked.query["page"] for asked in desk.web.asked if asked.path == LIST] == list("1223345")
    assert desk.read() == ["4", "3", "2", "1"]


def test_pages_that_stay_empty_are_passed_over_as_far_as_the_count_goes(desk: Desk) -> None:
    desk.lists([(3, AT + 30), (2, AT + 20)])
    desk.replies[LIST] = lambda asked: listed(
        *((conversation(3), conversation(2)) if asked.query["page"] in "15" else ()), count=9
    )
    assert [page.state for page in desk.pages()] == [state(None, AT, AT), state(None, AT, AT), state(AT)]
    assert [asked.query["page"] for asked in desk.web.asked if asked.path == LIST] == list("122334456")
    desk.web.asked.clear()
    desk.replies[LIST] = lambda _asked: listed(count=30)  # of a list that shows nothing at all
    assert [page.state for page in desk.pages()] == [state(0)]
    assert [asked.query["page"] for asked in desk.web.asked] == list("11223")


@pytest.mark.parametrize("count", [10**30, 10**400, -5, True, 2.5, "9"])
def test_a_count_that_can_not_be_is_none(desk: Desk, count: object) -> None:
    desk.lists([(2, AT)], [(1, AT - 60)])
    desk.replies[LIST] = lambda asked: listed(
        *([conversation(int(asked.query["page"]))] if asked.query["page"] in "12" else []),
        count=count if asked.query["page"] == "1" else 1,  # type: ignore[arg-type]
    )
    assert [page.state for page in desk.pages()] == [state(None, AT, AT), state(None, AT, AT), state(AT)]


@pytest.mark.parametrize("moment", [float("inf"), float("nan"), 10**30])
def test_a_moment_that_can_not_be_is_none(desk: Desk, moment: float) -> None:
    desk.lists([(1, moment)])
    said = {"payload": [message(10**30, "杯子碎了", created_at=moment)]}
    desk.replies[f"{LIST}/1/messages"] = lambda asked: {"payload": []} if asked.query else said
    found = [item for item in desk.items() if isinstance(item, Record)]
    at = str(moment) if isinstance(moment, int) else None
    assert found == [record(str(10**30), "杯子碎了", turn=None, posted_at=at)]


def test_activity_in_the_future_does_not_push_the_state_past_now(desk: Desk) -> None:
    now = int(NOW.timestamp())
    desk.lists([(1, 4_000_000_000)])
    assert [page.state for page in desk.pages()] == [state(None, now, now), state(now)]


def test_a_list_in_another_order_is_read_to_its_end_and_the_state_waits_for_it(desk: Desk) -> None:
    desk.lists([(1, AT - 9000), (2, AT)], [(3, AT - 9000), (4, AT + 20)])
    assert [page.state for page in desk.pages(state=state(AT))] == [None, None, state(AT)]
    assert desk.read() == ["2", "4"]


def test_conversations_that_do_not_tell_their_activity_are_read_and_do_not_end_a_run(desk: Desk) -> None:
    desk.lists([(1, None), (2, AT - 9000)], [(3, AT - 9000)])
    assert [page.state for page in desk.pages(state=state(AT))] == [state(AT, AT - 9000, AT - 9000), state(AT)]
    assert desk.read() == ["1"]


def test_a_list_of_many_messages_comes_in_several_pages_and_the_state_with_the_last(desk: Desk) -> None:
    desk.lists([(1, AT)])
    many = {"payload": [message(number, f"第{number}句") for number in range(1, 602)]}
    desk.replies[f"{LIST}/1/messages"] = lambda asked: {"payload": []} if asked.query else many
    assert [(len(page.items), page.state) for page in desk.pages()] == [
        (500, None),
        (101, state(None, AT, AT)),
        (0, state(AT)),
    ]


def test_a_list_that_never_ends_is_an_error(desk: Desk) -> None:
    desk.lists([(1, AT)])
    desk.replies[LIST] = listed(conversation(1))
    with pytest.raises(CollectError, match=r"/conversations gives page after page with nothing new in it\."):
        desk.pages()


@pytest.mark.parametrize("answer", [{"data": {}}, {"payload": []}, [], 5, {"data": {"payload": None}}])
def test_a_list_of_another_shape_is_an_error(desk: Desk, answer: object) -> None:
    desk.replies[LIST] = answer
    with pytest.raises(CollectError, match=r"/conversations answers without the list 'data\.payload'\. The interface"):
        desk.pages()


def an_answer(number: int, at: object = AT, **fields: object) -> dict[str, object]:
    common = {"rating": 4, "message_id": 60, "conversation_id": 1, "contact": {"id": 701, "name": "阿宝"}}
    return {"id": number, "created_at": at, "feedback_message": None, **common, **fields}


def in_turn(desk: Desk, *pages: list[object]) -> None:
    def answer(asked: Asked) -> list[object]:
        number = int(asked.query["page"])
        return pages[number - 1] if number <= len(pages) else []

    desk.replies[SURVEY] = answer


def test_a_survey_answer_is_a_score_of_satisfaction_with_what_was_added_as_its_text(desk: Desk) -> None:
    in_turn(desk, [an_answer(1, feedback_message="很快"), an_answer(2, rating=None, message_id=None), {"rating": 3}, 5])

    def answered(number: int, text: str, value: str, turn: int | None) -> Record:
        scores, where = (RawScore("csat", value, 1, 5),), f"csat:{number}"
        return record(f"csat-{number}", text, scores=scores, location=where, turn=turn)

    assert desk.items("csat") == [
        answered(1, "很快", "4", 60),
        answered(2, "", "", None),
        Unreadable("csat:#3", "the survey answer has no id"),
        Unreadable("csat:#4", "it is not an object"),
    ]


def test_survey_answers_are_asked_for_again_for_fifteen_days(desk: Desk) -> None:
    in_turn(desk, [an_answer(1)])
    assert [page.state for page in desk.pages("csat")] == [str(AT), str(AT)]
    assert [page.state for page in desk.pages("csat", str(AT))] == [str(AT), str(AT)]
    desk.pages("csat", since=datetime(2026, 3, 1, tzinfo=UTC))
    until = "4102444800"
    # Page 1 is asked for again after page 2, for what moved up meanwhile.
    first = [asked.query for asked in desk.web.asked if asked.query["page"] == "1"][::2]
    assert first == [
        {"sort": "created_at", "page": "1"},
        {"sort": "created_at", "since": str(AT - 15 * 86400), "until": until, "page": "1"},
        {"sort": "created_at", "since": "1772323200", "until": until, "page": "1"},
    ]


def test_no_survey_answers_leave_the_state_as_it_was(desk: Desk) -> None:
    in_turn(desk)
    assert desk.pages("csat") == [Page([], None)]
    assert desk.pages("csat", str(AT)) == [Page([], str(AT))]


def test_a_survey_answer_from_the_future_does_not_push_the_state_past_now(desk: Desk) -> None:
    in_turn(desk, [an_answer(1, 4_000_000_000)])
    assert {page.state for page in desk.pages("csat")} == {str(int(NOW.timestamp()))}


def test_the_state_moves_with_each_page_of_answers_as_long_as_they_come_by_their_dates(desk: Desk) -> None:
    in_turn(desk, [an_answer(1, AT)], [an_answer(2, AT + 1)])
    assert [page.state for page in desk.pages("csat")] == [str(AT), str(AT + 1), str(AT + 1)]
    in_turn(desk, [an_answer(2, AT + 1)], [an_answer(1, AT)])
    assert [page.state for page in desk.pages("csat")] == [str(AT + 1), None, str(AT + 1)]


SETTINGS_WRONG: dict[str, tuple[dict[str, object], str]] = {
    "no address": ({"account": 3, "token": TOKEN}, "'url' is missing"),
    "no account": ({"url": "https://chat.example.com", "token": TOKEN}, "'account' is missing"),
    "an account that is none": (
        {"url": "https://chat.example.com", "account": 1.5, "token": TOKEN},
        "'account' is the number in the addresses of your Chatwoot: 3 of …/app/accounts/3/dashboard",
    ),
    "a stream that is none": (
        {"url": "https://chat.example.com", "account": 3, "streams": ["calls"]},
        "unknown 'calls' in 'streams'. Known: conversations, csat",
    ),
    "an unknown key": (
        {"url": "https://chat.example.com", "account": 3, "inbox": 1},
        "unknown 'inbox'. Known: account, streams, token, url",
    ),
}


@pytest.mark.parametrize("what", SETTINGS_WRONG)
def test_settings_that_can_not_be_are_refused_before_anybody_is_asked(what: str) -> None:
    options, said = SETTINGS_WRONG[what]
    with pytest.raises(CollectError) as refused:
        ChatwootCollector().streams(visit_of(options))
    assert str(refused.value) == f"source '客服': {said}."


def test_both_streams_are_asked_where_none_is_named() -> None:
    options: dict[str, object] = {"url": "https://chat.example.com", "account": 3, "token": TOKEN}
    assert ChatwootCollector().streams(visit_of(options)) == ["conversations", "csat"]
    assert ChatwootCollector().streams(visit_of({**options, "streams": ["csat"]})) == ["csat"]


def test_answers_that_were_saved_are_told_apart_by_what_they_hold(tmp_path: Path) -> None:
    path = tmp_path / "saved.json"
    answers = [
        {"meta": {"contact": {"id": 705}}, "payload": [message(1, "杯子碎了"), message(2, "在吗", sender=None)]},
        {"meta": {"contact_id": 706}, "payload": [message(3, "有人吗", sender=None)]},
        message(4, "好的", message_type=1, sender=AGENT),
        [an_answer(7, feedback_message="很快")],
        {"payload": [{"id": 5, "content": "哪个会话"}]},
        {"data": {}},
        6,
    ]
    path.write_text("\n".join(map(json.dumps, answers)), encoding="utf-8")
    scores = (RawScore("csat", "4", 1, 5),)
    assert list(ChatwootCollector().saved(path, visit_of({}))) == [
        record("1", "杯子碎了"),
        record("2", "在吗", customer="705"),
        record("3", "有人吗", customer="706"),
        record("4", "好的", role="agent", customer=None),
        record("csat-7", "很快", scores=scores, location="csat:7", turn=60),
        Unreadable("saved.json:#5", "a message does not say which conversation it is of", "哪个会话"),
        Unreadable("saved.json:#6", "it holds neither messages nor survey answers"),
        Unreadable("saved.json:#7", "it is not an object"),
    ]


def test_the_kind_and_the_channel_are_those_of_the_source_where_it_says_none(tmp_path: Path) -> None:
    path = tmp_path / "saved.json"
    path.write_text(json.dumps([message(1, "杯子碎了"), an_answer(7)]), encoding="utf-8")
    found = ChatwootCollector().saved(path, Visit(SourceConfig("客服", "chatwoot"), Vault(tmp_path), NOW))
    assert [(item.kind, item.channel) for item in found if isinstance(item, Record)] == [("chat", "chatwoot")] * 2


def test_a_run_over_both_streams_stores_messages_and_survey_answers(tmp_path: Path) -> None:
    messages, answers = chatwoot.World(), chatwoot_csat.World()
    with wire(lambda asked: answers.answer(asked) if asked.path == SURVEY else messages.answer(asked)) as web:
        settings = f'url = "{web.url}"\naccount = 3\ntoken = {{ env = "{SECRET_VARIABLE}" }}'
        source = f'[[sources]]\nname = "客服"\ncollector = "chatwoot"\nchannel = "在线"\n{settings}\n'
        (tmp_path / "feedback.toml").write_text(f'[project]\nname = "小店"\n\n{source}', encoding="utf-8")
        assert run("collect", project=tmp_path).code == 0
    with Store.open(tmp_path / "feedback.db") as store:
        stored = dict(rows(store.connection, "select source_id, text from verbatims"))
    assert stored == {**messages.stored(), **answers.stored()}
