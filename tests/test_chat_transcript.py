"""Text transcripts: their forms, their speakers, their conversations. All people are made up."""

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from chat_files import PAYLOADS, collect, records, said, written
from command import run

from feedback.collectors.base import Record, Unreadable
from feedback.collectors.chat.roles import role_of
from storage.records import Role


def test_a_transcript_with_header_lines_keeps_every_line_of_a_message() -> None:
    first = Record(
        text="您好，请问有什么可以帮您？",
        kind="chat",
        channel="chat",
        location="header_lines.txt:2",
        source_id="keyed:165128bd487ed467",
        role="agent",
        posted_at="2023-11-11 10:20:33",
        conversation_id="keyed:163fc4ae73a8c83e",
        turn=1,
        former_ids=("keyed:18090f554d5b3aec",),
        shared=True,
    )
    assert collect(PAYLOADS / "header_lines.txt") == [
        Unreadable("header_lines.txt:1", "text before the first speaker"),
        first,
        replace(
            first,
            text="快递三天没动了\n\n客服：上次也这么说\n单号写在下面",
            location="header_lines.txt:5",
            source_id="keyed:c197cec4e266123a",
            role="customer",
            posted_at="2023-11-11 10:21:05",
            turn=2,
            customer="tb_88",
            former_ids=("keyed:f7a80adabdc72f05",),
            problems=("a line of this message begins with '客服：' but has no time; kept in this message",),
        ),
        replace(
            first,
            text="这边帮您催",
            location="header_lines.txt:10",
            source_id="keyed:510f78c3a179cc78",
            former_ids=("keyed:fb1e906aea6c27e2",),
            posted_at="2023-11-11 10:22:00",
            turn=3,
        ),
    ]


def test_clock_times_take_the_date_above_them_and_none_after_midnight() -> None:
    problem = "the clock goes back here: the date given before no longer holds, no other is given"
    assert [(r.role, r.text, r.posted_at, r.problems) for r in records(collect(PAYLOADS / "clock_times.txt"))] == [
        ("agent", "您好", "2023-11-11 10:20:33", ()),
        ("customer", "屏幕有划痕\n背面也有", "2023-11-11 10:21:00", ()),
        ("bot", "会话已转接主管", "2023-11-11 10:21:30", ()),
        ("agent", "还在吗", "2023-11-11 23:59:50", ()),
        ("customer", "在", None, (problem,)),
    ]


def test_a_plain_transcript_splits_at_rules_between_turns_and_not_at_those_inside_a_message() -> None:
    note = (
        "line 5 reads like somebody speaking but is hardly anybody's name there; kept in this message. "
        "If it is somebody, add the name to roles"
    )
    items = records(collect(PAYLOADS / "plain.txt"))
    assert [(r.conversation_id == "HH20231111", r.turn, r.role, r.text, r.problems) for r in items] == [
        (True, 1, "agent", "您好", ("no dates in this transcript",)),
        (True, 2, "customer", "尺码偏大，要退\n尺码：M\n小吴：我是主管", (note,)),
        (True, 3, "agent", "好的，看 https://example.com/t", ()),
        (False, 1, "agent", "-----\n活动公告\n-----", ()),
        (False, 2, "customer", "不要再发广告", ()),
    ]


# Two conversations, divided by a rule or a block of them: text.
DIVIDED = {
    "stamp, name, words": (
        "[2026-03-01 10:20:33] 小林：漏水\n[2026-03-01 10:21:33] 客服小美：好\n==========\n"
        "[2026-03-02 10:20:33] 阿珍：我的也漏\n[2026-03-02 10:21:33] 客服小美：好\n"
    ),
    "stamp and name above the words": (
        "2026-03-01 10:20:33 小林\n漏水\n2026-03-01 10:21:33 客服小美\n好\n------\n"
        "2026-03-02 10:20:33 阿珍\n我的也漏\n2026-03-02 10:21:33 客服小美\n好\n"
    ),
    "QQ, of all friends": (
        "================\n消息分组:我的好友\n================\n消息对象:小林\n================\n\n"
        "2026-03-01 10:20:33 小林\n漏水\n\n2026-03-01 10:21:33 客服小美\n好\n\n"
        "================\n消息分组:我的好友\n================\n消息对象:阿珍\n================\n\n"
        "2026-03-02 10:20:33 阿珍\n我的也漏\n\n2026-03-02 10:21:33 客服小美\n好\n\n"
    ),
}


@pytest.mark.parametrize("text", DIVIDED.values(), ids=DIVIDED.keys())
def test_a_stamp_after_a_dividing_line_opens_the_first_turn_of_another_conversation(text: str, tmp_path: Path) -> None:
    items = collect(written(tmp_path, "t.txt", text))
    assert [(r.turn, r.role, r.customer, r.text, r.posted_at) for r in records(items)] == [
        (1, "customer", "小林", "漏水", "2026-03-01 10:20:33"),
        (2, "agent", None, "好", "2026-03-01 10:21:33"),
        (1, "customer", "阿珍", "我的也漏", "2026-03-02 10:20:33"),
        (2, "agent", None, "好", "2026-03-02 10:21:33"),
    ]
    assert len(items) == 4


def test_the_header_of_a_qq_export_keeps_no_message_back(tmp_path: Path) -> None:
    header = "消息记录（此消息记录为文本格式，不支持重新导入）\n\n================\n消息分组:我的好友\n"
    header += "================\n消息对象:小林\n================\n\n"
    text = header + "2026-03-01 10:20:33 小林\n漏水\n\n2026-03-01 10:21:33 客服小美\n好\n\n"
    items = collect(written(tmp_path, "t.txt", text))
    assert items[0] == Unreadable("t.txt:1", "text before the first speaker")
    assert said(items) == [("customer", 1, "漏水"), ("agent", 2, "好")]
    assert len(items) == 3


# How a message goes on after a rule in it.
AFTER_A_RULE = ["原因：漏水\n金额：39元全退", "订单号码：8839\n数量：2", "3:30 来过\n没人"]


@pytest.mark.parametrize("rest", AFTER_A_RULE)
@pytest.mark.parametrize("answer", ["", "客服小美 2026-03-01 10:21:33\n好\n"], ids=["the end", "an answer"])
def test_what_a_message_says_after_a_rule_is_kept(rest: str, answer: str, tmp_path: Path) -> None:
    text = "客服小美 2026-03-01 10:20:30\n您好\n小林 2026-03-01 10:20:33\n我的要求如下\n---\n" + rest + "\n" + answer
    expected = [("agent", 1, "您好"), ("customer", 2, f"我的要求如下\n---\n{rest}"), ("agent", 3, "好")]
    assert said(collect(written(tmp_path, "t.txt", text))) == expected[: 3 if answer else 2]


@pytest.mark.parametrize(
    "rest", ["=====", "=====\n\n-----", "-----\n会话编号：HH20231112", "-----\n导出时间：2026-03-05 10:00"]
)
def test_a_divider_at_the_end_is_no_part_of_the_last_message(rest: str, tmp_path: Path) -> None:
    text = "客服小美 2026-03-01 10:20:30\n您好\n小林 2026-03-01 10:20:33\n漏水\n" + rest + "\n"
    assert said(collect(written(tmp_path, "t.txt", text))) == [("agent", 1, "您好"), ("customer", 2, "漏水")]


# One exchange in the forms it is copied out in: form, text.
FORMS = {
    "name and time above the words": "客服 2023-11-11 10:20:33\n您好\n买家 2023-11-11 10:20:40\n在吗\n",
    "千牛": "风和旗舰店:小美 (2023-11-11 10:20:33):\n您好\ntb_01 (2023-11-11 10:20:40):\n在吗\n",
    "time and name above the words": "2023/11/11 10:20:33 坐席007\n您好\n2023/11/11 10:20:40 访客\n在吗\n",
    "time, name, words": "2023年11月11日 10:20:33 客服：您好\n2023年11月11日 10:20:40 客户：在吗\n",
    "time in brackets": "[2023-11-11 10:20:33] 【客服】: 您好\n[2023-11-11 10:20:40] 【客户】: 在吗\n",
    "name, time, words": "客服(2023-11-11 10:20:33)：您好\n客户(2023-11-11 10:20:40)：在吗\n",
    "tabs": "2023-11-11 10:20:33\t客服\t您好\n2023-11-11 10:20:40\t小鹿\t在吗\n",
    "words under the colon": "日期：2023-11-11\n[10:20:33] 客服：\n您好\n[10:20:40] 客户：\n在吗\n",
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS.keys())
def test_every_form_of_transcript_gives_the_same_exchange(text: str, tmp_path: Path) -> None:
    items = records(collect(written(tmp_path, "t.txt", text)))
    assert [(r.role, r.turn, r.text, r.posted_at) for r in items] == [
        ("agent", 1, "您好", "2023-11-11 10:20:33"),
        ("customer", 2, "在吗", "2023-11-11 10:20:40"),
    ]


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8-sig", "utf-16", "big5hkscs"])
def test_encodings_are_found(encoding: str, tmp_path: Path) -> None:
    text = "客服 2023-11-11 10:20:33\n您好，有什麼問題嗎？\n客戶甲 2023-11-11 10:21:05\n這個杯子我不喜歡，要退\n" * 3
    path = tmp_path / "t.txt"
    path.write_bytes(text.encode(encoding))
    assert said(collect(path, {"客戶甲": "customer"})) == [
        ("agent", 1, "您好，有什麼問題嗎？"),
        ("customer", 2, "這個杯子我不喜歡，要退"),
        ("agent", 3, "您好，有什麼問題嗎？"),
        ("customer", 4, "這個杯子我不喜歡，要退"),
        ("agent", 5, "您好，有什麼問題嗎？"),
        ("customer", 6, "這個杯子我不喜歡，要退"),
    ]


def test_another_export_of_the_same_dated_chat_gives_the_same_ids_and_an_undated_one_does_not(tmp_path: Path) -> None:
    for text, same in ((FORMS["千牛"], True), ("客服：您好\n客户：在吗\n", False)):
        ids = [{r.source_id for r in records(collect(written(tmp_path, n, text)))} for n in ("a.txt", "b.txt")]
        assert (ids[0] == ids[1]) is same


CHAT = [
    "客服小美 2023-11-11 10:20:33\n您好\n",
    "客服小美 2023-11-11 10:20:33\n请问有什么可以帮您\n",
    "tb_88 2023-11-11 10:21:05\n快递三天没动了\n",
    "tb_88 2023-11-11 10:21:05\n在吗\n",
    "客服小美 2023-11-11 10:22:00\n这边帮您催\n",
    "tb_88 2023-11-11 10:23:00\n还要几天\n",
]


def collected(folder: Path, *windows: str, roles: str = "") -> tuple[str, list[tuple[str, str]]]:
    """What collecting windows, each copied out into a file of its own, says and stores."""
    (folder / "feedback.toml").write_text(
        '[project]\nname = "小店"\n[[sources]]\nname = "会话"\ncollector = "chat"\npaths = ["*.txt"]\n' + roles,
        encoding="utf-8",
    )
    for number, text in enumerate(windows):
        written(folder, f"{number}.txt", text)
    out = run("collect", project=folder).out
    with closing(sqlite3.connect(folder / "feedback.db")) as database:
        return out, database.execute("select role, text from verbatims order by posted_at, id").fetchall()


@pytest.mark.parametrize("apart", [True, False], ids=["one after the other", "at once"])
@pytest.mark.parametrize("form", ["with seconds", "with minutes", "with a number"])
@pytest.mark.parametrize("begins", [2, 4])
def test_windows_that_overlap_double_nothing_and_lose_nothing(
    tmp_path: Path, begins: int, form: str, apart: bool
) -> None:
    chat = [re.sub(r"(\d\d:\d\d):\d\d", r"\1", turn) for turn in CHAT] if form == "with minutes" else CHAT
    head = "会话编号：HH20231111\n" if form == "with a number" else ""
    first, second = head + "".join(chat[:5]), head + "".join(chat[begins:])
    if apart:
        collected(tmp_path, first)
    out, stored = collected(tmp_path, first, second)
    assert "rejects" not in out
    expected = ["您好", "请问有什么可以帮您", "快递三天没动了", "在吗", "这边帮您催", "还要几天"]
    assert stored == [("customer" if n in (2, 3, 5) else "agent", text) for n, text in enumerate(expected)]
    assert collected(tmp_path, first, second)[0] == "会话: nothing new (2 files unchanged)\n"
    assert collected(tmp_path, first, second, head + "".join(chat))[1] == stored


STRANGERS = "".join(CHAT).replace("客服小美", "小王")
ASKED: dict[str, Role] = {"tb_88": "customer", "小王": "agent"}


@pytest.mark.parametrize("clock", ["with seconds", "with minutes"])
def test_a_customer_whom_roles_name_is_somebody(clock: str, tmp_path: Path) -> None:
    text = STRANGERS if clock == "with seconds" else re.sub(r"(\d\d:\d\d):\d\d", r"\1", STRANGERS)
    path = written(tmp_path, "t.txt", text)
    named, left_over = (
        [(r.source_id, r.conversation_id, r.customer) for r in records(collect(path, roles))]
        for roles in (ASKED, {"小王": "agent"})
    )
    assert named == left_over
    assert {customer for *_, customer in named} == {"tb_88", None}


@pytest.mark.parametrize("name", ["客户", "用户"])
def test_a_word_for_everybody_is_nobody_though_roles_have_it(name: str, tmp_path: Path) -> None:
    path = written(tmp_path, "t.txt", STRANGERS.replace("tb_88", name))
    found = records(collect(path, {name: "customer", "小王": "agent"}))
    assert {r.customer for r in found} == {None}
    assert [r.source_id for r in found] == [f"{found[0].conversation_id}-{n}" for n in range(1, 7)]


@pytest.mark.parametrize("side", ["对方", "我"])
@pytest.mark.parametrize("clock", ["with seconds", "with minutes"])
def test_windows_of_a_customer_of_whom_only_the_side_is_told_double_nothing(
    clock: str, side: str, tmp_path: Path
) -> None:
    chat = [re.sub(r"(\d\d:\d\d):\d\d", r"\1", turn) if clock == "with minutes" else turn for turn in CHAT]
    chat = [turn.replace("tb_88", side) for turn in chat]
    _, stored = collected(tmp_path, "".join(chat[:4]), "".join(chat[2:]))
    assert len(stored) == len(chat) == 6
    assert {r.customer for r in records(collect(tmp_path / "0.txt"))} == {None}


CHANGED: dict[str, Callable[[str, str], str]] = {
    "newest first": lambda chat, other: other + RULE + chat,
    "rolling": lambda chat, other: "".join(chat.split("\n", 4)[4:]) + RULE + other,
    "trimmed": lambda chat, _: "".join(chat.split("\n", 4)[4:]),
    "grown above": lambda chat, _: "小王 2023-11-11 08:00:00\n早\n" + chat,
}
RULE = "----------------\n"


@pytest.mark.parametrize("change", CHANGED.values(), ids=CHANGED.keys())
@pytest.mark.parametrize("clock", ["with seconds", "with minutes"])
def test_turns_that_an_earlier_version_counted_are_not_doubled_when_their_file_has_changed(
    clock: str, change: Callable[[str, str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = STRANGERS.replace("2023-11-11", "2023-11-12")
    versions = [STRANGERS, change(STRANGERS, other)]
    if clock == "with minutes":
        versions = [re.sub(r"(\d\d:\d\d):\d\d", r"\1", each) for each in versions]
    roles = '[sources.roles]\n"tb_88" = "customer"\n"小王" = "agent"\n'
    with monkeypatch.context() as before:
        before.setattr("feedback.settings_digest.INTAKE_VERSION", "before")
        before.setattr("feedback.collectors.chat.transcript.is_generic", lambda _: True)
        collected(tmp_path, versions[0], roles=roles)
    _, stored = collected(tmp_path, versions[1], roles=roles)
    expected = {(r.posted_at, r.role, r.text) for r in records(collect(tmp_path / "0.txt", ASKED))}
    kept = {
        (r.posted_at, r.role, r.text) for r in records(collect(written(tmp_path, "before.txt", versions[0]), ASKED))
    }
    assert len(stored) == len(expected | kept)


@pytest.mark.parametrize("clock", ["with seconds", "with minutes"])
def test_turns_that_an_earlier_version_counted_are_not_doubled_when_their_file_has_grown(
    clock: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = STRANGERS if clock == "with seconds" else re.sub(r"(\d\d:\d\d):\d\d", r"\1", STRANGERS)
    roles = '[sources.roles]\n"tb_88" = "customer"\n"小王" = "agent"\n'
    with monkeypatch.context() as before:
        before.setattr("feedback.settings_digest.INTAKE_VERSION", "before")
        before.setattr("feedback.collectors.chat.transcript.is_generic", lambda _: True)
        collected(tmp_path, chat.rsplit("tb_88", 1)[0], roles=roles)
    out, stored = collected(tmp_path, chat, roles=roles)
    assert out == "会话: 1 new, 5 changed\n"
    assert len(stored) == 6


def test_what_two_customers_say_in_the_same_second_is_two_messages(tmp_path: Path) -> None:
    chat = "".join(CHAT[:4])
    _, stored = collected(tmp_path, chat, chat.replace("tb_88", "tb_99"))
    assert sorted(text for _, text in stored) == sorted(2 * [turn.split("\n")[1] for turn in CHAT[:4]])


def test_people_are_told_apart_by_name_but_not_by_a_word_for_everybody(tmp_path: Path) -> None:
    path = written(tmp_path, "t.txt", "客服：您好\n客户：在吗\n")
    assert [r.customer for r in records(collect(path))] == [None, None]
    path = written(tmp_path, "t.txt", "客服：您好\n小鹿：在吗\n")
    assert [r.customer for r in records(collect(path))] == [None, "小鹿"]
    assert [r.role for r in records(collect(path, {"小鹿": "agent", "客服": "customer"}))] == ["customer", "agent"]


ROLES: list[tuple[str, Role | None]] = [
    ("客服", "agent"),
    ("在线客服", "agent"),
    ("客服小美", "agent"),
    ("客服-01", "agent"),
    ("风和旗舰店:小美", "agent"),
    ("客户经理老周", "agent"),
    ("会员客服", "agent"),
    ("Agent 7", "agent"),
    ("智能客服", "bot"),
    ("客服机器人", "bot"),
    ("系统消息", "bot"),
    ("客户", "customer"),
    ("用户8839201", "customer"),
    ("店铺客户", "customer"),
    ("USER", "customer"),
    # Names that only contain such a word are anybody's.
    ("不想当客服的猫", None),
    ("useful", None),
    ("Acme Customer Service", "agent"),
    ("小鹿", None),
]


@pytest.mark.parametrize("name, role", ROLES, ids=[name for name, _ in ROLES])
def test_names_tell_their_role_or_nothing(name: str, role: Role | None) -> None:
    assert role_of(name, {}) == role
    assert role_of(name, {name: "bot"}) == "bot"


QUOTES = {
    "企业微信": "这是一条引用/回复消息：\n“客服小美：\n要什么颜色的”\n------",
    "企业微信, shown in 微信": "“客服小美：\n要什么颜色的”\n------",
    "微信": "「客服小美：要什么颜色的」\n- - - - - - - - - - - - - - -",
    "微信 on computers": "「客服小美：要什么颜色的」\n—————————",
}
HEADS = {
    "names": ("客服小美：{words}\n", "小林：{words}\n"),
    "names above": ("客服小美：\n{words}\n", "小林：\n{words}\n"),
    "names and times above": (
        "客服小美 2026-03-01 10:20:0{n}\n{words}\n",
        "小林 2026-03-01 10:20:0{n}\n{words}\n",
    ),
    "times and names": ("[10:20:0{n}] 客服小美：{words}\n", "[10:20:0{n}] 小林：{words}\n"),
}


@pytest.mark.parametrize("heads", HEADS.values(), ids=HEADS.keys())
@pytest.mark.parametrize("quote", QUOTES.values(), ids=QUOTES.keys())
@pytest.mark.parametrize("answer", ["白的", "备注：要白的\n尺码：M"])
def test_what_a_message_quotes_divides_nothing_and_is_not_stored(
    tmp_path: Path, answer: str, quote: str, heads: tuple[str, str]
) -> None:
    said = ["您好", f"{quote}\n{answer}", "好的", "谢谢"]
    text = "".join(heads[n % 2].format(n=n, words=words) for n, words in enumerate(said))
    assert len({record.conversation_id for record in records(collect(written(tmp_path, "0.txt", text)))}) == 1
    _, stored = collected(tmp_path, text)
    assert sorted(stored) == [("agent", "好的"), ("agent", "您好"), ("customer", answer), ("customer", "谢谢")]


def test_a_line_of_dashes_below_words_in_brackets_divides_conversations_as_ever(tmp_path: Path) -> None:
    text = "客服：您好\n客户：“单号：8839”\n------\n客服：您好\n客户：「掉色」\n—————————\n客服：在\n客户：嗯\n"
    items = records(collect(written(tmp_path, "t.txt", text)))
    assert [(record.turn, record.text) for record in items] == [
        (1, "您好"),
        (2, "“单号：8839”"),
        (1, "您好"),
        (2, "「掉色」"),
        (1, "在"),
        (2, "嗯"),
    ]


def test_two_answers_of_a_minute_are_told_apart_by_their_own_words(tmp_path: Path) -> None:
    quote = "这是一条引用/回复消息：\n“客服小美：\n%s”\n------\n"
    turns = ["客服小美 2026-03-01 10:20\n在\n", "小林 2026-03-01 10:21\n" + quote % "颜色" + "白的\n"]
    turns.append("小林 2026-03-01 10:21\n" + quote % "尺码" + "M\n")
    ids = []
    for window in (turns, [turns[0], turns[2]]):
        items = records(collect(written(tmp_path, "t.txt", "".join(window))))
        ids.append(items[-1].source_id)
    assert ids[0] == ids[1]


def test_answers_as_wechatmsg_writes_them_are_stored_without_what_is_quoted(tmp_path: Path) -> None:
    text = "2026-03-01 10:20:33 客服小美\n您好\n欢迎光临\n\n2026-03-01 10:21:33 小林\n这个多少钱\n引用:客服小美:您好\n欢迎光临\n\n"
    text += "2026-03-01 10:22:33 小林\n在吗\n引用:未知\n\n"
    _, stored = collected(tmp_path, text)
    assert stored == [("agent", "您好\n欢迎光临"), ("customer", "这个多少钱"), ("customer", "在吗")]
