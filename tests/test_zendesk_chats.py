"""Chats that Zendesk keeps as one comment: only what the requester said in them is the customer's."""

from dataclasses import replace
from typing import Any

import pytest

from feedback.collectors.base import Item, Record, SourceConfig, Unreadable, Withdrawn
from feedback.collectors.zendesk_chats import ALL_OTHERS, UNSURE, NotTold, is_chat, said_by_customer
from feedback.collectors.zendesk_records import Desk

CONFIG = SourceConfig("客服", "zendesk")
HEAD = "Conversation with Web User 6ab\n\nURL: https://acme.zendesk.com/agent/x"
TALK = "(10:20:33) 阿宝: 灯坏了\n(10:20:50) 客服小林: 您好，非常抱歉，我们马上给您换新\n(10:21:00) 阿宝: 好的"

# As tickets of Zendesk Chat show it in public posts, with other names and words.
CLASSIC = (
    "Chat started: 2026-03-02 10:20 AM UTC\n\n(10:20:33 AM) Visitor 12345678: 灯坏了\n(10:20:50 AM) *** 小林 joined the chat ***\n"
    "(10:21:00 AM) 小林: 您好\n(10:21:30 AM) Visitor 12345678: 那怎么办\n(10:25:00 AM) *** 小林 left the chat ***"
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(TALK, "灯坏了\n好的", id="the customer's lines"),
        pytest.param(
            "(10:20:33 AM) Web User 6ab: 灯坏了\n才用三天\n(10:20:50 AM) 小林: 您好", "灯坏了\n才用三天", id="two lines"
        ),
        pytest.param(
            f"Chat started: 2026-03-01 10:20 AM UTC\n\n(10:20:30) *** 客服小林 joined the chat ***\n{TALK}",
            "灯坏了\n好的",
            id="what the window says",
        ),
        pytest.param(f"{TALK}\n(10:22:00) 客服小红: 换我来", "灯坏了\n好的", id="two agents"),
        pytest.param(HEAD, "", id="the head"),
        pytest.param(f"{HEAD}\n\n{TALK}", "灯坏了\n好的", id="the head before the chat"),
        pytest.param("Chat started: 2026-03-01 10:20 AM UTC", "", id="a beginning"),
        pytest.param("Conversation with Web User 69695e95493735f106e4415b", "", id="the head without an address"),
        pytest.param("Conversation with 阿宝", "", id="the head with a name"),
        pytest.param("Conversation with María García López\n", "", id="the head with a name of several words"),
        pytest.param(f"Conversation with 阿宝\n\n{TALK}", "灯坏了\n好的", id="such a head before the chat"),
        pytest.param(
            f"{CLASSIC}\n(10:25:05 AM) *** Visitor 12345678 has rated the chat Bad ***\n"
            "(10:25:09 AM) *** Visitor 12345678 has left the comment: 客服一问三不知，太差 ***",
            "灯坏了\n那怎么办\n客服一问三不知，太差",
            id="the comment with a rating",
        ),
        pytest.param(
            "(10:20:50 AM) *** 小林 joined the chat ***\n(10:21:00 AM) 小林: 您好\n"
            "(10:25:09 AM) *** Visitor 12345678 left a comment: 等了半天 ***",
            "等了半天",
            id="a comment with a rating alone",
        ),
        pytest.param(
            f"{CLASSIC}\n(10:26:00 AM) *** Visitor 12345678 uploaded a.png ***\nURL: https://acme.example/a.png\n"
            "Type: image/png\nSize: 1234\n(10:26:10 AM) Visitor 12345678: 就是这样",
            "灯坏了\n那怎么办\n就是这样",
            id="a file",
        ),
        pytest.param(
            f"{CLASSIC}\n\nChat started: 2026-03-02 11:20 AM UTC\n\n(11:20:33 AM) Visitor 12345678: 还是坏的",
            "灯坏了\n那怎么办\n还是坏的",
            id="two sessions",
        ),
        pytest.param(CLASSIC, "灯坏了\n那怎么办", id="classic"),
        pytest.param(CLASSIC.replace("***", "*"), "灯坏了\n那怎么办", id="notices with one star"),
        pytest.param(
            CLASSIC.replace("Visitor 12345678", "阿宝"),
            "灯坏了\n那怎么办",
            id="who joins is an agent, and one name is left",
        ),
        pytest.param(
            "(10:20:33) 阿宝: 灯坏了\n(10:20:50) *** 小林 已加入聊天 ***",
            "灯坏了",
            id="an agent who joins and says nothing",
        ),
        pytest.param(CLASSIC.replace("\n", "\r\n"), "灯坏了\n那怎么办", id="line ends of two characters"),
        pytest.param(
            f"{TALK}\n客服: 态度差\n物流: 慢",
            "灯坏了\n好的\n客服: 态度差\n物流: 慢",
            id="lines with labels in a message",
        ),
    ],
)
def test_what_the_customer_said_in_a_chat_is_known(text: str, said: str) -> None:
    assert said_by_customer(text, CONFIG) == said


@pytest.mark.parametrize(
    "text",
    [
        "灯坏了",
        "客服：态度很差，问三次没人回",
        "物流: 慢\n客服: 态度很差，问三次没人回",
        "型号：A3\n系统：安卓 14\n一打开就闪退，太差了",
        "用户名：abc\n系统：安卓\n打开就闪退",
        "店铺：小米旗舰店\n订单：123\n问题：发错货",
        "(10:20) 下的单，到现在没发货：太慢",
        "2026-03-01 10:20:33 客服\n让我等着",
        "*** 差评 ***",
        "Conversation with your agent was awful",
        "Conversation with 阿宝，太差了",
        "Conversation with 阿宝\n太差了",
    ],
)
def test_a_message_without_the_clocks_of_a_transcript_is_the_customers_as_it_stands(text: str) -> None:
    assert said_by_customer(text, CONFIG) == text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(TALK.replace("客服", ""), id="two names that may be anybody's"),
        pytest.param(f"{TALK}\n(10:22:00) 小红: 我的也坏了", id="a third name"),
        pytest.param("(10:20:33) 阿宝: 灯坏了", id="one name"),
        pytest.param(f"灯坏了\n{TALK}", id="words before the first name"),
        pytest.param(f"{TALK}\n(10:22:00) 客服小林 uploaded a.png", id="a clock without a name"),
        pytest.param("Chat started: 2026-03-01 10:20 AM UTC\n\n阿宝 灯坏了", id="a chat of another form"),
        pytest.param(
            "(10:20:33) 用户123: 灯坏了\n(10:20:40) 用户124: 我也是\n(10:20:50) 客服小林: 您好", id="two customers"
        ),
    ],
)
def test_in_doubt_nothing_of_a_chat_is_the_customers(text: str) -> None:
    with pytest.raises(NotTold) as told:
        said_by_customer(text, CONFIG)
    assert str(told.value) == UNSURE


@pytest.mark.parametrize(
    "text",
    [
        "(10:20:50) 客服小林: 您好",
        "(10:20:50) 机器人: 您好\n(10:20:55) *** 小林 joined the chat ***\n(10:21:00) 小林: 在吗",
    ],
)
def test_a_chat_in_which_only_others_speak_is_none_of_the_customers_words_and_says_so(text: str) -> None:
    with pytest.raises(NotTold) as told:
        said_by_customer(text, CONFIG)
    assert str(told.value) == ALL_OTHERS
    assert "roles" in ALL_OTHERS


def test_roles_settle_who_is_who() -> None:
    config = replace(CONFIG, roles={"小林": "agent"})
    assert said_by_customer(TALK.replace("客服", ""), config) == "灯坏了\n好的"
    # A customer may join too, after a break for instance.
    joins = f"{TALK}\n(10:30:00) *** 阿宝 joined the chat ***"
    assert said_by_customer(joins, replace(CONFIG, roles={"阿宝": "customer"})) == "灯坏了\n好的"


@pytest.mark.parametrize("channel", ["web", "email", "api"])
def test_by_mails_forms_and_programs_come_no_chats(channel: str) -> None:
    assert not is_chat({"via": {"channel": channel}}, TALK)


@pytest.mark.parametrize(
    "channel",
    [
        *("chat", "native_messaging", "wechat", "whatsapp", "line", "instagram_dm", "telegram", "viber", "twilio_sms"),
        *("google_rcs", "kakaotalk", "sunshine_conversations_api", "sunshine_conversations_facebook_messenger", None),
    ],
)
def test_a_transcript_is_known_by_its_form_whatever_messenger_it_came_by(channel: str | None) -> None:
    joined = "(10:20:33) 阿宝: 灯坏了\n(10:20:50) *** 小林 joined the chat ***\n(10:21:00) 小林: 您好，马上给您换新"
    (found,) = items({"comments": [comment(joined, via={"channel": channel})]})
    assert isinstance(found, Record)
    assert found.text == "灯坏了"


PASTED = [
    "我把记录贴给你们看：\n(10:20:33) 客服小王: 亲，不退的哦\n(10:20:50) 我: 凭什么？\n这种服务太差了！",
    "监控显示\n(10:20:33) 快递员进门：把包裹放在地上",
]


@pytest.mark.parametrize("text", PASTED)
def test_below_words_of_their_own_people_paste_what_others_said(text: str) -> None:
    by_messenger, by_chat = (items({"comments": [comment(text, via={"channel": by})]}) for by in ("whatsapp", "chat"))
    assert [(each.role, each.text) for each in by_messenger if isinstance(each, Record)] == [("customer", text)]
    assert by_chat == [Unreadable("tickets:35-1", UNSURE), Withdrawn("35-1", "tickets:35-1", for_good=False)]


@pytest.mark.timeout(5)
def test_a_line_of_blanks_takes_no_time() -> None:
    text = f"(10:20:33){' ' * 100_000}x"
    assert said_by_customer(text, CONFIG) == text


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


def test_a_transcript_that_is_kept_as_an_internal_note_is_the_customers_too() -> None:
    note: dict[str, Any] = {"public": False}
    found = items(
        {
            "comments": [
                comment("Conversation with 阿宝", **note),
                comment(TALK, **note),
                comment(TALK.replace("客服", ""), **note),
                comment("老客户，先退款", author_id=9, **note),
                comment(TALK, author_id=9, **note),
                comment(TALK, via={"channel": "web"}, **note),
                comment("物流慢", **note),
            ]
        }
    )
    told = [(each.source_id, each.text) if isinstance(each, Record) else each for each in found]
    assert told == [
        Withdrawn("35-1", "tickets:35-1", for_good=False),
        ("35-2", "灯坏了\n好的"),
        Unreadable("tickets:35-3", UNSURE),
        Withdrawn("35-3", "tickets:35-3", for_good=False),
    ]


def test_the_description_of_a_chat_is_none_and_that_of_a_mail_is_what_was_written_in_it() -> None:
    assert items({"description": HEAD, "via": {"channel": "chat"}}) == [
        Withdrawn("35-1", "tickets:35-1", for_good=False)
    ]
    quoted = "杯子碎了\n\n在 2026年3月1日，10:00，客服 <kf@shop.example> 写道：\n> 您好，请问杯子怎么了"
    (found,) = items({"description": quoted, "via": {"channel": "email"}})
    assert isinstance(found, Record)
    assert found.text == "杯子碎了"
