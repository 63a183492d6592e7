"""Lines with times that people paste into messages of text transcripts: they stay in the message they are in. All people are made up."""

from itertools import pairwise
from pathlib import Path

import pytest
from chat_files import collect, records, said, written

from feedback.errors import CollectError
from storage.records import Role

# How heads look: form, a pasted line that looks the same but for its name.
FORMS = {
    "name first": ("{name} {time}\n{words}\n", "{name} {time}"),
    "stamp first": ("{time} {name}\n{words}\n", "{time} {name}"),
    "千牛": ("{name} ({time}):\n{words}\n", "{name} ({time}):"),
    "words on the same line": ("{time} {name}：{words}\n", "{time} {name}：前台"),
    "brackets": ("[{time}] {name}：{words}\n", "[{time}] {name}：前台"),
}
FORM_NAMES = pytest.mark.parametrize("form", FORMS.keys())


def talk(form: str, day: int, question: str, speakers: tuple[str, str] = ("用户", "客服")) -> str:
    """Four turns of two people in the morning of a day; `question` is the third."""
    turns = [("快递怎么还没到", 0), ("请发一下物流信息", 1), (question, 3), ("给您催一下", 5)]
    heads = [(speakers[n % 2], f"2026-03-{day:02} 10:0{minute}:00", words) for n, (words, minute) in enumerate(turns)]
    return "".join(FORMS[form][0].format(name=name, time=time, words=words) for name, time, words in heads)


def pasted(form: str, name: str, time: str) -> str:
    return FORMS[form][1].format(name=name, time=time)


def note(line: int, why: str) -> str:
    """What is said of a line that looks like a head."""
    return f"line {line} reads like somebody speaking but {why}; kept in this message. If it is somebody, add the name to roles"


def problems(path: Path, roles: dict[str, Role] | None = None) -> list[str]:
    """The notes, where the file is read as the same with nothing pasted into it: every other turn is the customer's."""
    found = records(collect(path, roles))
    assert [(record.role, record.turn) for record in found] == [
        ("customer", 1),
        ("agent", 2),
        ("customer", 3),
        ("agent", 4),
    ] * (len(found) // 4)
    return [problem for record in found for problem in record.problems]


OLDER, LATER = "is older than what is above it", "is later than what is below it"
TIMES = [("2026-02-27 12:00:00", OLDER), ("2026-03-09 12:00:00", LATER)]
# What reads like a nickname with signs in it, like an agent and like a customer.
LINES = ["【杭州市】快件已签收，感谢使用", "客服说，一定会到", "用户您好，已签收", "说定了！"]


@FORM_NAMES
@pytest.mark.parametrize("days", [(3, 4, 5), (5, 4, 3)], ids=["oldest first", "newest first"])
@pytest.mark.parametrize("time, why", TIMES, ids=["older", "later"])
@pytest.mark.parametrize("line", LINES)
def test_a_pasted_line_stays_in_its_message_whichever_conversation_comes_first(
    line: str, time: str, why: str, days: tuple[int, ...], form: str, tmp_path: Path
) -> None:
    words = f"看\n{pasted(form, line, time)}\n三天没动了"
    rule = "-" * 24 + "\n"
    text = "".join(rule + talk(form, day, words if day == 4 else "好") for day in days)
    path = written(tmp_path, "t.txt", text)
    number = next(n for n, written_line in enumerate(text.split("\n"), 1) if line in written_line)
    assert problems(path) == [note(number, why)]
    assert records(collect(path))[6].text == words


@FORM_NAMES
def test_what_is_pasted_at_the_end_and_nobody_answers_is_nobodys(form: str, tmp_path: Path) -> None:
    line = pasted(form, "不到就退款，说定了", "2026-03-09 12:00:00")
    path = written(tmp_path, "t.txt", talk(form, 4, "好") + line + "\n别怪我\n")
    number = talk(form, 4, "好").count("\n") + 1
    assert problems(path) == [note(number, "has unusual signs in the name")]
    assert said(collect(path))[-1] == ("agent", 4, f"给您催一下\n{line}\n别怪我")


@FORM_NAMES
def test_a_rule_with_a_pasted_line_below_it_divides_nothing(form: str, tmp_path: Path) -> None:
    words = "\n".join(["看", "------", pasted(form, "快件已签收，感谢使用", "2026-02-27 12:00:00"), "三天没动了"])
    path = written(tmp_path, "t.txt", talk(form, 4, words))
    assert len(problems(path)) == 1
    assert records(collect(path))[2].text == words


# Where nobody of the other side speaks: what is pasted is nobody's answer.
ONE_SIDE = "客服 2026-03-01 10:00:00\n您好\n客服 2026-03-01 10:05:00\n{}\n客服 2026-03-01 10:20:00\n在吗\n"
ONLY_PASTED = [
    "预约上门，请确认 2026-03-05 14:00:00\n保持电话畅通",
    "已为您改约，请确认 2026-03-01 10:10:00",
]


@pytest.mark.parametrize("line", ONLY_PASTED)
def test_what_an_agent_pastes_is_no_customers_where_no_customer_speaks(line: str, tmp_path: Path) -> None:
    path = written(tmp_path, "t.txt", ONE_SIDE.format(f"看\n{line}"))
    assert [(record.role, record.text) for record in records(collect(path))] == [
        ("agent", "您好"),
        ("agent", f"看\n{line}"),
        ("agent", "在吗"),
    ]


def test_what_begins_with_the_word_for_an_agent_is_no_customers_either(tmp_path: Path) -> None:
    text = ONE_SIDE.format("看\n客服，小美 2026-03-01 10:10:00\n保持电话畅通")
    assert {record.role for record in records(collect(written(tmp_path, "t.txt", text)))} == {"agent"}


# Somebody with signs in the name, in one conversation: who speaks (c: that customer, a: the agent).
ORDERS = ["caca", "aca", "ca", "ac", "aacca", "cac"]


@FORM_NAMES
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("newest_first", [False, True])
def test_who_is_missing_in_a_conversation_is_somebody_whatever_the_name(
    newest_first: bool, order: str, form: str, tmp_path: Path
) -> None:
    names = {"a": "客服小林", "c": "今天也要开心呀！", "b": "小鹿"}
    blocks, expected = [], []
    for day, turns in ((3, "baba"), (4, order)):
        heads = [(names[who], f"2026-03-{day:02} 10:0{n}:00", f"{day}{n}") for n, who in enumerate(turns)]
        block = "".join(FORMS[form][0].format(name=name, time=time, words=words) for name, time, words in heads)
        blocks.append("------\n" + block)
        expected.append([("agent" if who == "a" else "customer", n, f"{day}{n - 1}") for n, who in enumerate(turns, 1)])
    step = -1 if newest_first else 1
    items = collect(written(tmp_path, "t.txt", "".join(blocks[::step])))
    assert said(items) == [turn for turns in expected[::step] for turn in turns]
    assert len(items) == 4 + len(order)


# Names with numbers that are no QQ's: the customers' phones, numbers of visitors and members.
NUMBERED = ["用户(13800138000)", "客户(1234567)", "访客(88231)", "王五(13800138000)"]


@pytest.mark.parametrize("name", NUMBERED)
@pytest.mark.parametrize("blank", ["", "\n"], ids=["", "apart"])
def test_an_agent_without_a_number_speaks_to_customers_with_numbers(blank: str, name: str, tmp_path: Path) -> None:
    text = talk("stamp first", 4, "好", (name, "小美"))
    lines = text.split("\n")
    text = "".join(f"{head}\n{words}\n{blank}" for n, (head, words) in enumerate(pairwise(lines)) if n % 2 == 0)
    assert problems(written(tmp_path, "t.txt", text), {"王五(13800138000)": "customer"}) == []


def test_what_lacks_the_qq_number_that_others_have_is_nobody_unless_it_is_answered_again_and_again(
    tmp_path: Path,
) -> None:
    form = "2026-03-02 10:{:02}:00 {}\n{}\n\n"
    turns = [(1, "小鹿(1234567)", "漏水"), (2, "山茶客服(10001)", "抱歉"), (3, "小鹿(1234567)", "退货")]
    text = "".join(form.format(*turn) for turn in turns) + "2026-03-05 10:00:00 不到就投诉\n\n"
    path = written(tmp_path, "t.txt", text)
    assert [(r.role, r.problems) for r in records(collect(path))][-1] == (
        "customer",
        (note(10, "has no QQ number, as the others have"),),
    )
    turns += [(4, "小美", "已退"), (5, "小鹿(1234567)", "没收到"), (6, "小美", "再等等")]
    path = written(tmp_path, "t.txt", "".join(form.format(*turn) for turn in turns))
    with pytest.raises(CollectError, match=r"among 小鹿\(1234567\), 小美\?"):
        collect(path)


# Messages with times on lines of their own, in a file whose heads stand on one line.
STAMPS = [
    "看看吧\n快件已到达转运中心\n2026-02-27 12:00:00\n快件已揽收\n2026-02-26 20:00:00\n三天没动了",
    "下单时间：\n2026-02-25 11:00:00\n支付时间：\n2026-02-25 11:01:00",
    "客服\n2026-02-27 12:00:00\n说今天到\n客服\n2026-02-27 13:00:00\n又说明天到",
    "2026-02-27 12:00:00\n就下单了\n2026-02-27 13:00:00\n付的款",
]


@FORM_NAMES
@pytest.mark.parametrize("words", STAMPS)
@pytest.mark.parametrize("speakers", [("用户", "客服"), ("小鹿", "小林")])
def test_times_on_lines_of_their_own_are_part_of_messages_where_heads_stand_on_one_line(
    speakers: tuple[str, str], words: str, form: str, tmp_path: Path
) -> None:
    path = written(tmp_path, "t.txt", talk(form, 4, words, speakers))
    roles: dict[str, Role] = {"小鹿": "customer", "小林": "agent"}
    assert problems(path, roles) == []
    assert records(collect(path, roles))[2].text == words


def test_where_heads_stand_on_two_lines_nothing_on_one_opens_a_message(tmp_path: Path) -> None:
    words = "看\n已揽收 2026-03-01 10:00:00\n------\n2026-03-01 11:00:00\n没动"
    text = f"小鹿\n2026-03-02 10:20:33\n{words}\n小林\n2026-03-02 10:21:33\n好\n"
    items = collect(written(tmp_path, "t.txt", text), {"小鹿": "customer", "小林": "agent"})
    assert said(items) == [("customer", 1, words), ("agent", 2, "好")]
    assert len(items) == 2
