"""Chats that Zendesk keeps as one comment: only what the requester said in them is the customer's."""

from typing import Any

import pytest

from feedback.collectors.base import Item, Record, SourceConfig, Unreadable, Withdrawn
from feedback.collectors.zendesk_chats import UNSURE, is_chat, said_by_customer
from feedback.collectors.zendesk_records import Desk

CONFIG = SourceConfig("客服", "zendesk")
HEAD = "Conversation with Web User 6ab\n\nURL: https://acme.zendesk.com/agent/x"
TALK = "(10:20:33) 阿宝: 灯坏了\n(10:20:50) 客服小林: 您好，非常抱歉，我们马上给您换新\n(10:21:00) 阿宝: 好的"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(TALK, "灯坏了\n好的", id="the customer's lines"),
        pytest.param(
            "(10:20:33 AM) Web User 6ab: 灯坏了\n才用三天\n(10:20:50 AM) 小林: 您好", "灯坏了\n才用三天", id="two lines"
        ),
        pytest.param(
            f"Chat started: 2026-03-01 10:20 AM UTC\n\n(10:20:30) *** 阿宝 joined the chat ***\n{TALK}",
            "灯坏了\n好的",
            id="what the window says",
        ),
        pytest.param(f"{TALK}\n(10:22:00) 客服小红: 换我来", "灯坏了\n好的", id="two agents"),
        pytest.param("灯坏了", "灯坏了", id="one message"),
        pytest.param("型号：M\n颜色：红\n灯坏了", "型号：M\n颜色：红\n灯坏了", id="a message with labels"),
        pytest.param(HEAD, "", id="the head"),
        pytest.param("(10:20:50) 客服小林: 您好", "", id="an agent alone"),
    ],
)
def test_what_the_customer_said_in_a_chat_is_known(text: str, said: str) -> None:
    assert said_by_customer(text, CONFIG) == said


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(TALK.replace("客服", ""), id="two names that may be anybody's"),
        pytest.param(f"{TALK}\n(10:22:00) 小红: 我的也坏了", id="a third name"),
        pytest.param("(10:20:33) 阿宝: 灯坏了", id="one name"),
        pytest.param(f"灯坏了\n{TALK}", id="words before the first name"),
        pytest.param(f"{TALK}\n客服: 他们说可以退", id="a line without a time"),
        pytest.param(
            "(10:20:33) 用户123: 灯坏了\n(10:20:40) 用户124: 我也是\n(10:20:50) 客服小林: 您好", id="two customers"
        ),
    ],
)
def test_in_doubt_nothing_of_a_chat_is_the_customers(text: str) -> None:
    assert said_by_customer(text, CONFIG) is None


@pytest.mark.parametrize(
    ("channel", "chat"),
    [("chat", True), ("native_messaging", True), ("wechat", True), ("web", False), ("email", False), (None, False)],
)
def test_chats_are_known_by_the_channel_of_their_comments(channel: str | None, chat: bool) -> None:
    assert is_chat({"via": {"channel": channel}}) is chat


def comment(text: str, **fields: object) -> dict[str, Any]:
    return {"author_id": 501, "public": True, "plain_body": text, "via": {"channel": "chat"}, **fields}


def items(ticket: dict[str, object]) -> list[Item]:
    return list(Desk(CONFIG).saved("t.json", {"id": 35, "requester_id": 501, **ticket}))


def test_of_a_ticket_that_was_a_chat_the_customers_words_are_kept_or_it_is_told_why_not() -> None:
    found = items(
        {
            "comments": [
                comment(HEAD),
                comment(TALK),
                comment(TALK.replace("客服", "")),
                comment(TALK, author_id=9),
                comment(TALK, via={"channel": "web"}),
            ]
        }
    )
    told = [(each.source_id, each.role, each.text) if isinstance(each, Record) else each for each in found]
    assert told == [
        Withdrawn("35-1", "tickets:35-1", for_good=False),
        ("35-2", "customer", "灯坏了\n好的"),
        Unreadable("tickets:35-3", UNSURE),
        Withdrawn("35-3", "tickets:35-3", for_good=False),
        ("35-4", "agent", TALK),
        ("35-5", "customer", TALK),
    ]


def test_the_description_of_a_chat_is_none_and_that_of_a_mail_is_what_was_written_in_it() -> None:
    assert items({"description": HEAD, "via": {"channel": "chat"}}) == [
        Withdrawn("35-1", "tickets:35-1", for_good=False)
    ]
    quoted = "杯子碎了\n\n在 2026年3月1日，10:00，客服 <kf@shop.example> 写道：\n> 您好，请问杯子怎么了"
    (found,) = items({"description": quoted, "via": {"channel": "email"}})
    assert isinstance(found, Record)
    assert found.text == "杯子碎了"
