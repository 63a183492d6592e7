"""Which lines of a text transcript open a message: stamps with words in them, names that are none. All people are made up."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from chat_files import collect, records, said, written

from feedback.collectors.base import Record
from feedback.dates import DateReader
from feedback.errors import CollectError
from storage.records import Role

UNDATED = "a day like 昨天 or 星期三 tells no date once the chat was copied out: none is known here"

# Heads with a half of the day: form, text.
HALVES = {
    "name first": "小林 2026-03-01 下午3:20:33\n杯子漏水\n客服小美 2026-03-01 下午3:21:05\n好的\n",
    "name first, spaces": "小林  2026-03-01 下午 3:20:33\n杯子漏水\n客服小美  2026-03-01 下午 3:21:05\n好的\n",
    "name, brackets": "小林（2026年3月1日 下午3:20:33）：杯子漏水\n客服小美（2026年3月1日 下午3:21:05）：好的\n",
    "stamp first": "2026-03-01 下午3:20:33 小林\n杯子漏水\n2026-03-01 下午3:21:05 客服小美\n好的\n",
    "stamp, name, words": "[2026-03-01 下午 3:20:33] 小林：杯子漏水\n[2026-03-01 下午 3:21:05] 客服小美：好的\n",
    "weekday": "小林 2026年3月1日 星期日 下午3:20:33\n杯子漏水\n客服小美 2026年3月1日 星期日 下午3:21:05\n好的\n",
    "pm": "2026/3/1 3:20:33 PM 小林\n杯子漏水\n2026/3/1 3:21:05 PM 客服小美\n好的\n",
}


@pytest.mark.parametrize("text", HALVES.values(), ids=HALVES.keys())
def test_a_half_of_the_day_belongs_to_the_clock(text: str, tmp_path: Path) -> None:
    items = collect(written(tmp_path, "t.txt", text))
    assert [(r.role, r.customer, r.text, r.problems) for r in records(items)] == [
        ("customer", "小林", "杯子漏水", ()),
        ("agent", None, "好的", ()),
    ]
    reader = DateReader("Asia/Shanghai", datetime(2026, 3, 5, tzinfo=UTC))
    assert [reader.read(r.posted_at or "") for r in records(items)] == ["2026-03-01T07:20:33Z", "2026-03-01T07:21:05Z"]


def test_a_whole_record_of_a_head_with_a_half_of_the_day(tmp_path: Path) -> None:
    text = "小林 2026-03-01 下午 3:05\n杯子漏水\n客服小美 2026-03-01 下午 3:06\n好的\n"
    assert collect(written(tmp_path, "t.txt", text))[0] == Record(
        text="杯子漏水",
        kind="chat",
        channel="chat",
        location="t.txt:1",
        source_id="keyed:0aac7c4be2e39045",
        role="customer",
        posted_at="2026-03-01 下午3:05",
        conversation_id="keyed:5d950b464237a0fd",
        turn=1,
        customer="小林",
        former_ids=("keyed:d6a3b68ce60ff6f5",),
        shared=True,
    )


def test_noon_does_not_set_the_clock_back_and_midnight_does(tmp_path: Path) -> None:
    text = "—— 2026年3月1日 ——\n[上午11:58] 客服：您好\n[下午1:05] 客户：在吗\n[晚上11:50] 客服：在\n[凌晨0:10] 客户：晚了\n"
    problem = "the clock goes back here: the date given before no longer holds, no other is given"
    assert [(r.text, r.posted_at, r.problems) for r in records(collect(written(tmp_path, "t.txt", text)))] == [
        ("您好", "2026-03-01 上午11:58", ()),
        ("在吗", "2026-03-01 下午1:05", ()),
        ("在", "2026-03-01 晚上11:50", ()),
        ("晚了", None, (problem,)),
    ]


@pytest.mark.parametrize("day", ["昨天", "前天", "今天", "星期三", "周三"])
def test_a_day_told_from_when_the_chat_was_copied_is_no_date_and_no_part_of_a_name(day: str, tmp_path: Path) -> None:
    text = f"小林  {day} 9:05\n杯子漏水\n客服小美  {day} 下午2:06\n好的\n小林  {day} 下午2:10\n谢谢\n"
    items = records(collect(written(tmp_path, "t.txt", text)))
    assert [(r.role, r.customer, r.text, r.posted_at, r.problems) for r in items] == [
        ("customer", "小林", "杯子漏水", None, (UNDATED,)),
        ("agent", None, "好的", None, ()),
        ("customer", "小林", "谢谢", None, ()),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "[昨天 9:05] 小林：杯子漏水\n[昨天 9:06] 客服小美：好的\n",
        "昨天 9:05 小林\n杯子漏水\n昨天 9:06 客服小美\n好的\n",
    ],
)
def test_a_day_may_stand_before_the_name(text: str, tmp_path: Path) -> None:
    assert [(r.role, r.customer, r.text) for r in records(collect(written(tmp_path, "t.txt", text)))] == [
        ("customer", "小林", "杯子漏水"),
        ("agent", None, "好的"),
    ]


@pytest.mark.parametrize("name", ["小周三", "慵懒的下午"])
def test_a_name_may_end_in_words_for_a_time(name: str, tmp_path: Path) -> None:
    for text in (f"{name} 10:20:33\n漏水\n客服 10:20:40\n好\n", f"{name} 10:20:33：漏水\n客服 10:20:40：好\n"):
        items = records(collect(written(tmp_path, "t.txt", text)))
        assert [(r.customer, r.text) for r in items] == [(name, "漏水"), (None, "好")]


def test_yesterday_ends_the_date_that_was_given_before(tmp_path: Path) -> None:
    text = "小林 2026-03-01 9:05\n漏水\n客服小美 昨天 9:06\n好的\n小林 9:07\n谢谢\n"
    assert [(r.text, r.posted_at, r.problems) for r in records(collect(written(tmp_path, "t.txt", text)))] == [
        ("漏水", "2026-03-01 09:05", ()),
        ("好的", None, (UNDATED,)),
        ("谢谢", None, ()),
    ]


def test_a_time_in_a_message_opens_no_turn_where_heads_carry_dates(tmp_path: Path) -> None:
    text = (
        "客户张三 2026-03-01 10:20:33\n我约的上门\n明天下午 3:30\n能改吗\n"
        "客服小美 2026-03-01 10:21:33\n改到\n师傅有空 3:30\n可以吗\n"
    )
    expected = [("customer", 1, "我约的上门\n明天下午 3:30\n能改吗"), ("agent", 2, "改到\n师傅有空 3:30\n可以吗")]
    assert said(collect(written(tmp_path, "t.txt", text))) == expected


# Forms whose heads all have a date, and messages with a time alone at an end of a line.
DATED = {
    "QQ": "{date} 10:2{n}{seconds} {name}\n{words}\n\n",
    "WeChat": "{name} {date} 10:2{n}{seconds}\n{words}\n",
    "stamp, name, words": "[{date} 10:2{n}{seconds}] {name}：{words}\n",
    "name, stamp, words": "{name}({date} 10:2{n}{seconds})：{words}\n",
}
TIMED = [
    *("3:30 能送到吗", "10:00 之前能到吗", "周五 15:00 到店", "我昨天下单的是 15:30", "看\n10:30 打电话：没人接"),
    "10:00 客服说能到",  # as if an agent spoke
]


@pytest.mark.parametrize("form", DATED.values(), ids=DATED.keys())
@pytest.mark.parametrize("date", ["2026-03-02", "03-02"], ids=["", "no year"])
@pytest.mark.parametrize("seconds", [":33", ""], ids=["seconds", "minutes"])
@pytest.mark.parametrize("name", ["小鹿", "加油！小鹿", "A|B", "加油！小鹿(12345678)"])
@pytest.mark.parametrize("words", TIMED)
def test_a_time_alone_opens_no_turn_where_all_heads_have_dates_whatever_the_names(
    words: str, name: str, seconds: str, date: str, form: str, tmp_path: Path
) -> None:
    turns = [("客服小美", "您好"), (name, "在吗"), ("客服小美", "在"), (name, words), ("客服小美", "好")]
    heads = (
        form.format(date=date, n=n, seconds=seconds, name=speaker, words=said_then)
        for n, (speaker, said_then) in enumerate(turns)
    )
    items = collect(written(tmp_path, "t.txt", "".join(heads)))
    roles = ["agent", "customer"] * 2 + ["agent"]
    assert said(items) == [(role, n, turns[n - 1][1]) for n, role in enumerate(roles, 1)]
    assert all(record.problems == () for record in records(items))


@pytest.mark.parametrize("words", ["3:30 能送到吗", "10:00 客服说能到"])
def test_a_question_and_its_answer_are_two_turns_though_a_clock_without_seconds_is_in_one(
    words: str, tmp_path: Path
) -> None:
    text = f"2026-03-02 10:21:05 加油！小鹿\n{words}\n\n2026-03-02 10:21:45 客服小美\n可以\n\n"
    assert said(collect(written(tmp_path, "t.txt", text))) == [("customer", 1, words), ("agent", 2, "可以")]


@pytest.mark.parametrize(
    "pasted", ["下单 2026-03-01 15:30", "客服说 2026-03-01 15:30", "下单 2026-03-01 15:30\n付款 2026-03-01 15:31"]
)
def test_dates_in_a_message_take_no_turn_away_where_heads_have_only_a_clock(pasted: str, tmp_path: Path) -> None:
    text = f"客服小美 10:20:33\n您好\n小林 10:21:00\n{pasted}\n客服小美 10:22:00\n好\n"
    roles: dict[str, Role] = {"小林": "customer", "下单": "customer", "付款": "customer"}
    assert {"您好", "好"} <= {words for _, _, words in said(collect(written(tmp_path, "t.txt", text), roles))}


def test_words_for_a_time_are_nobodys_name(tmp_path: Path) -> None:
    text = "客户张三 10:20:33\n我约的上门\n明天下午 3:30\n能改吗\n客服小美 10:21:33\n好\n"
    assert said(collect(written(tmp_path, "t.txt", text))) == [
        ("customer", 1, "我约的上门\n明天下午 3:30\n能改吗"),
        ("agent", 2, "好"),
    ]


def test_a_half_of_the_day_in_a_message_opens_no_turn_where_heads_have_none(tmp_path: Path) -> None:
    text = "客户张三 10:20:33\n师傅说 下午3:20\n能改吗\n客服小美 10:21:33\n好\n"
    assert said(collect(written(tmp_path, "t.txt", text))) == [
        ("customer", 1, "师傅说 下午3:20\n能改吗"),
        ("agent", 2, "好"),
    ]


# A date now and then, clock times below it: text, when each turn was.
NOW_AND_THEN = {
    "date line": "2026-03-01\n客服小美 10:20:33\n您好\n小林 10:21:00\n漏水\n",
    "date on the first head": "客服小美 2026-03-01 10:20:33\n您好\n小林 10:21:00\n漏水\n",
    "date on everybody's first head": (
        "客服小美 2026-03-01 10:20:33\n您好\n小林 2026-03-01 10:21:00\n漏水\n客服小美 10:22:00\n好\n小林 10:23:00\n谢谢\n"
    ),
    "date on the heads of a new day": (
        "客服小美 2026-03-01 10:20:33\n您好\n小林 10:21:00\n漏水\n小林 2026-03-02 09:00:00\n还漏\n客服小美 09:01:00\n好\n"
    ),
}


@pytest.mark.parametrize("text", NOW_AND_THEN.values(), ids=NOW_AND_THEN.keys())
def test_heads_may_leave_out_a_date_that_was_given_before(text: str, tmp_path: Path) -> None:
    items = records(collect(written(tmp_path, "t.txt", text)))
    assert [(r.text, r.posted_at) for r in items[:2]] == [
        ("您好", "2026-03-01 10:20:33"),
        ("漏水", "2026-03-01 10:21:00"),
    ]
    assert len(items) == text.count(":") // 2


def no_date(line: int) -> str:
    """What is said of a line that may be a head."""
    return f"line {line} reads like somebody speaking but has no date, as the others have; kept in this message. If it is somebody, add the name to roles"


# What is read where heads without a date stand below those that carry one: text, roles and words, notes.
DATED_TALK = (
    "客户张三 2026/3/1 20:10:11\n灯坏了\n机器人 2026/3/1 20:10:12\n明早回您\n客户张三 2026/3/1 20:11:30\n那我等\n"
)
TODAY = {
    "an agent by his name": ("客服小美 9:00:05\n给您补发\n", [("agent", "给您补发")], []),
    "a customer by his name": ("客户丁 9:00:05\n我的也坏\n", [("customer", "我的也坏")], []),
    "yesterday": ("客服小美 昨天 9:00:05\n给您补发\n", [("agent", "给您补发")], []),
    "no year": ("客服小美 1月2日 9:00:05\n给您补发\n", [("agent", "给您补发")], []),
    "who spoke with a date": ("客户张三 9:00:05\n还没回\n", [("customer", "还没回")], []),
    "whom roles name": ("小王 9:00:05\n给您补发\n", [("agent", "给您补发")], []),
    "a time": ("3:30 能送到吗\n", [], []),
    "an agent told of, in a message": (
        "客服小美 21:00:00\n来过\n客户张三 2026/3/1 20:15:00\n回话\n客服小美 2026/3/1 20:16:00\n好\n",
        [("customer", "回话"), ("agent", "好")],
        [no_date(7)],
    ),
    "who is unknown": ("小周 9:00:05\n给您补发\n", [], [no_date(7)]),
    "as if an agent spoke": ("客服说能到 9:00:05\n给您补发\n", [], [no_date(7)]),
}


@pytest.mark.parametrize("below, said_below, notes", TODAY.values(), ids=TODAY.keys())
def test_a_head_without_the_date_of_the_others_opens_a_message_of_who_is_somebody_and_else_is_told(
    below: str, said_below: list[tuple[str, str]], notes: list[str], tmp_path: Path
) -> None:
    items = records(collect(written(tmp_path, "t.txt", DATED_TALK + below), {"小王": "agent"}))
    kept = "" if said_below and not notes else "\n" + below.strip().split("\n客户张三")[0]
    above = [("customer", "灯坏了"), ("bot", "明早回您"), ("customer", "那我等" + kept)]
    assert [(r.role, r.text) for r in items] == above + said_below
    assert [problem for r in items for problem in r.problems if problem.startswith("line ")] == notes


def test_whoever_comes_again_without_a_date_is_somebody(tmp_path: Path) -> None:
    text = DATED_TALK + "小周 9:00:05\n您好\n客户张三 9:01:00\n在\n小周 9:02:00\n给您补发\n"
    with pytest.raises(CollectError, match="among 小周\\?"):
        collect(written(tmp_path, "t.txt", text))


@pytest.mark.parametrize("form", DATED.values(), ids=DATED.keys())
def test_nicknames_with_unusual_signs_speak_today_as_well(form: str, tmp_path: Path) -> None:
    turns = [
        ("客服小美", "您好"),
        ("加油！小鹿", "在吗"),
        ("客服小美", "在"),
        ("加油！小鹿", "漏水"),
        ("客服小美", "抱歉"),
    ]
    heads = [
        form.format(date="2026-03-01", n=n, seconds=":33", name=name, words=words)
        for n, (name, words) in enumerate(turns)
    ]
    today = [each.replace("2026-03-01 10", "9") for each in heads]
    items = collect(written(tmp_path, "t.txt", "".join(heads + today[1:])))
    assert [(role, words) for role, _, words in said(items)] == [
        ("agent" if name == "客服小美" else "customer", words) for name, words in turns + turns[1:]
    ]


def test_who_speaks_today_is_read_where_heads_stand_on_two_lines(tmp_path: Path) -> None:
    text = "小鹿\n2026-03-02 10:20:33\n漏水\n15:30\n来\n客服小美\n2026-03-02 10:21:33\n好\n小鹿\n9:00:05\n没来\n客服小丽\n9:01:00\n抱歉\n"
    assert said(collect(written(tmp_path, "t.txt", text))) == [
        ("customer", 1, "漏水\n15:30\n来"),
        ("agent", 2, "好"),
        ("customer", 3, "没来"),
        ("agent", 4, "抱歉"),
    ]


def test_an_agent_told_of_with_a_time_in_a_message_is_told(tmp_path: Path) -> None:
    turns = [(20, "客服小美", "您好"), (21, "小鹿", "好\n客服说 15:00"), (22, "客服小美", "在")]
    text = "".join(f"{name} 2026-03-02 10:{minute}\n{words}\n" for minute, name, words in turns)
    items = records(collect(written(tmp_path, "t.txt", text)))
    assert [(r.text, r.problems) for r in items] == [("您好", ()), ("好\n客服说 15:00", (no_date(5),)), ("在", ())]


def test_a_file_in_which_one_name_alone_is_dated_asks_who_that_is(tmp_path: Path) -> None:
    text = "小林 2026/3/1 20:10:11\n灯坏了\n小林 2026/3/1 20:11:30\n有人吗\n小王 9:00:05\n给您补发\n"
    path = written(tmp_path, "t.txt", text)
    with pytest.raises(CollectError, match="among 小林"):
        collect(path)
    roles: dict[str, Role] = {"小林": "customer", "小王": "agent"}
    assert [role for role, _, _ in said(collect(path, roles))] == ["customer", "customer", "agent"]


def test_dated_lines_in_a_message_take_no_speakers_away_where_heads_have_only_a_clock(tmp_path: Path) -> None:
    way = "".join(
        f"{step} 2026-02-27 1{n}:00:00\n"
        for n, step in enumerate(["已揽收", "到达上海", "离开上海", "到达杭州", "派送中"])
    )
    text = f"客户张三  20:10\n\n灯到哪了\n{way}\n客服小美  20:11\n\n明天到\n\n客户张三  20:12\n\n好的\n"
    for mail in (
        f"—————  2026-03-01  —————\n\n{text}",
        f"—————  2026-03-01  —————\n\n{text.replace('客户张三', '小林')}",
    ):
        assert said(collect(written(tmp_path, "t.txt", mail))) == [
            ("customer", 1, f"灯到哪了\n{way.strip()}"),
            ("agent", 2, "明天到"),
            ("customer", 3, "好的"),
        ]


STRANGERS = (
    "2026-03-01 10:20:33 小林\n杯子漏水\n照片发你了\n看一下\n\n"
    "2026-03-01 10:21:00 风和\n您好\n这边看到了\n给您换一个\n\n"
)


def test_dated_heads_of_strangers_are_a_conversation_however_long_its_messages(tmp_path: Path) -> None:
    path = written(tmp_path, "t.txt", STRANGERS)
    with pytest.raises(CollectError) as error:
        collect(path)
    assert str(error.value) == (
        "t.txt: who is customer, agent or bot among 小林, 风和? Add to this source in feedback.toml each of them "
        'as "customer", "agent" or "bot", or as "nobody" what is only a line in a message; if 小林 is an agent, for instance: roles = { "小林" = "agent" }'
    )
    roles: dict[str, Role] = {"风和": "agent"}
    assert said(collect(path, roles)) == [
        ("customer", 1, "杯子漏水\n照片发你了\n看一下"),
        ("agent", 2, "您好\n这边看到了\n给您换一个"),
    ]


def test_clock_times_among_many_other_lines_are_still_no_conversation(tmp_path: Path) -> None:
    path = written(tmp_path, "t.txt", STRANGERS.replace("2026-03-01 ", ""))
    with pytest.raises(CollectError, match="is no conversation in a format known here"):
        collect(path)
