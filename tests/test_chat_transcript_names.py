"""Nicknames of all sorts in text transcripts, and lines that people paste into messages, which only look like heads. All people are made up."""

from pathlib import Path

import pytest
from chat_files import collect, records, said, written
from command import run

from feedback.collectors.base import Unreadable
from feedback.errors import CollectError
from storage.records import Role

FORMS = {
    "QQ": "2026-03-02 10:2{minute} {name}\n{words}\n\n",
    "WeChat": "{name} 2026-03-02 10:2{minute}\n{words}\n\n",
    "千牛": "{name} (2026-03-02 10:2{minute}):\n{words}\n",
    "stamp, name, words": "[2026-03-02 10:2{minute}] {name}：{words}\n",
    "name, stamp, words": "{name}(2026-03-02 10:2{minute})：{words}\n",
    "tabs": "2026-03-02 10:2{minute}\t{name}\t{words}\n",
    "clock in brackets": "[10:2{minute}] {name}：{words}\n",
}
UNDATED = {"clock": "{name} 10:2{minute}\n{words}\n", "no time": "{name}：{words}\n"}
NAMES = [
    *(
        "加油！小鹿",
        "。",
        "小鹿，",
        "爱你?",
        "A|B",
        "{鹿}",
        "小鹿<3",
        "[小鹿]",
        "小鹿:)",
        "【VIP】小鹿",
        "“鹿”",
        "()",
        "🦌",
        "t**1",
    ),
    *(
        "9:30的小鹿",
        "Mr. Lu",
        "小鹿 2026",
        "阿珍<zhen@foxmail.com>",
        "【潜水】大宝(7654321)",
        "(7654322)",
        "一二三四五六七八九十" * 4,
    ),
]
TALK = [("客服小林", "您好"), ("{}", "杯子漏水了"), ("客服小林", "请拍照"), ("{}", "拍好了")]
EXPECTED = [("agent", 1, "您好"), ("customer", 2, "杯子漏水了"), ("agent", 3, "请拍照"), ("customer", 4, "拍好了")]


def talk(form: str, name: str) -> str:
    """One conversation of 客服小林 with somebody of that name."""
    said = ((speaker.replace("{}", name), words) for speaker, words in TALK)
    return "".join(
        form.format(minute=f"{n}:1{n}", name=speaker, words=words) for n, (speaker, words) in enumerate(said)
    )


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
@pytest.mark.parametrize("name", NAMES)
def test_whatever_signs_are_in_a_name_who_speaks_is_told_from_who_spoke_before(
    form: str, name: str, tmp_path: Path
) -> None:
    items = collect(written(tmp_path, "t.txt", talk(form, name)))
    assert said(items) == EXPECTED
    assert len(items) == 4


@pytest.mark.parametrize("form", (FORMS | UNDATED).values(), ids=(FORMS | UNDATED).keys())
@pytest.mark.parametrize("name", NAMES)
def test_a_name_in_roles_speaks_in_every_form(form: str, name: str, tmp_path: Path) -> None:
    roles: dict[str, Role] = {name: "customer"}
    assert said(collect(written(tmp_path, "t.txt", talk(form, name)), roles)) == EXPECTED


def test_a_colleague_with_a_sign_in_the_name_does_not_speak_for_the_customer(tmp_path: Path) -> None:
    text = (
        "小鹿 2026-03-02 10:20:33\n杯子漏水了\n\n小美|售后 2026-03-02 10:21:00\n非常满意\n\n"
        "客服小林 2026-03-02 10:23:00\n真的\n\n小鹿 2026-03-02 10:24:00\n退货\n\n"
    )
    path = written(tmp_path, "t.txt", text)
    with pytest.raises(CollectError, match=r"who is customer, agent or bot among 小鹿, 小美\|售后\?"):
        collect(path)
    assert said(collect(path, {"小美|售后": "agent"})) == [
        ("customer", 1, "杯子漏水了"),
        ("agent", 2, "非常满意"),
        ("agent", 3, "真的"),
        ("customer", 4, "退货"),
    ]


def test_two_strangers_one_of_whom_has_a_sign_in_the_name_are_asked_about(tmp_path: Path) -> None:
    text = "".join(talk(FORMS["WeChat"], "加油！小鹿").replace("客服小林", "小林"))
    with pytest.raises(CollectError, match="among 小林, 加油！小鹿"):
        collect(written(tmp_path, "t.txt", text))


GROUP = (
    "消息记录（此消息记录为文本格式，不支持重新导入）\n\n================\n消息分组:我的QQ群\n================\n"
    "消息对象:壶友群\n================\n\n"
    "2026-03-02 9:20:33 山茶客服(10001)\n大家好\n\n2026-03-02 9:20:40 小鹿(1234567)\n杯子漏水了\n\n"
    "2026-03-02 9:20:41 阿珍<zhen@foxmail.com>\n我的也漏\n\n2026-03-02 10:21:40 【潜水】大宝(7654321)\n退货\n\n"
    "2026-03-02 10:21:50 (7654322)\n我也要退\n\n"
)
GROUP_ROLES: dict[str, Role] = dict.fromkeys(
    ("小鹿(1234567)", "阿珍<zhen@foxmail.com>", "【潜水】大宝(7654321)", "(7654322)"), "customer"
)


def test_everybody_in_a_qq_group_speaks(tmp_path: Path) -> None:
    assert said(collect(written(tmp_path, "t.txt", GROUP), GROUP_ROLES)) == [
        ("agent", 1, "大家好"),
        ("customer", 2, "杯子漏水了"),
        ("customer", 3, "我的也漏"),
        ("customer", 4, "退货"),
        ("customer", 5, "我也要退"),
    ]


def note(line: int, why: str) -> str:
    """What is said of a line that looks like a head."""
    return f"line {line} reads like somebody speaking but {why}; kept in this message. If it is somebody, add the name to roles"


TRACKING = "物流一直不动：\n2026-03-01 10:00:00 已揽收\n2026-03-01 22:10:00 已到达上海"


def test_the_way_of_a_parcel_is_nobody_in_a_qq_group(tmp_path: Path) -> None:
    text = f"2026-03-02 10:20:33 小鹿(1234567)\n{TRACKING}\n\n2026-03-02 10:21:00 山茶客服(10001)\n抱歉\n\n"
    customer, agent = records(collect(written(tmp_path, "t.txt", text)))
    assert (customer.role, customer.text) == ("customer", TRACKING)
    assert customer.problems == (note(3, "is older than what is above it"),)
    assert (agent.role, agent.text, agent.problems) == ("agent", "抱歉", ())


# Two messages of an agent, a blank line before each, one of them below what a customer pasted.
BLANK_LINES = "{} 10:19:00 山茶客服\n您好\n\n{} 10:20:33 小鹿\n{}\n\n{} 10:21:00 山茶客服\n抱歉\n\n"


def test_the_way_of_a_parcel_is_nobody_where_those_who_speak_have_blank_lines_above_them(tmp_path: Path) -> None:
    text = BLANK_LINES.format("2026-03-02", "2026-03-02", TRACKING, "2026-03-02")
    items = records(collect(written(tmp_path, "t.txt", text)))
    assert [(r.role, r.text) for r in items] == [("agent", "您好"), ("customer", TRACKING), ("agent", "抱歉")]
    assert items[1].problems == (note(6, "is older than what is above it"),)


def test_who_answers_without_a_blank_line_is_still_somebody(tmp_path: Path) -> None:
    pair = "客服小林 2026-03-0{n} 10:20:33\n您好\n小鹿 2026-03-0{n} 10:21:00\n漏水\n\n"
    text = "".join(pair.format(n=n) for n in range(1, 4))
    assert said(collect(written(tmp_path, "t.txt", text))) == [
        (role, turn, words) for turn, (role, words) in enumerate([("agent", "您好"), ("customer", "漏水")] * 3, 1)
    ]


def test_a_line_with_signs_in_it_that_is_older_than_what_is_above_it_is_nobody(tmp_path: Path) -> None:
    way = "一直不动：\n【上海市】快件已到达，正在派送 2026-03-01 22:10:00\n催一下！ 2026-03-01 23:10:00"
    text = f"客服小林 2026-03-02 10:20:33\n您好\n小鹿 2026-03-02 10:21:00\n{way}\n客服小林 2026-03-02 10:22:00\n好\n"
    items = records(collect(written(tmp_path, "t.txt", text)))
    assert [(r.role, r.text) for r in items] == [("agent", "您好"), ("customer", way), ("agent", "好")]
    assert items[1].problems == (note(5, "is older than what is above it"),)


def test_a_very_long_line_that_ends_in_a_time_is_nobody(tmp_path: Path) -> None:
    long = "快件已由杭州转运中心发往上海转运中心，" * 4 + " 2026-03-05 22:10:00"
    text = f"小鹿 2026-03-02 10:21:00\n{long}\n客服小林 2026-03-02 10:22:00\n好\n"
    customer, _ = records(collect(written(tmp_path, "t.txt", text)))
    assert (customer.text, customer.problems) == (long, (note(2, "has a very long name"),))


def test_where_heads_have_only_a_clock_a_line_with_signs_and_a_clock_is_noted(tmp_path: Path) -> None:
    text = "客服小林 10:20\n您好\n小鹿 10:21\n我等到了，晚上 11:30\n客服小林 10:22\n好\n小美|售后 10:23\n给您换\n"
    items = records(collect(written(tmp_path, "t.txt", text), {"小美|售后": "agent"}))
    assert [(r.role, r.text, r.problems) for r in items[1:]] == [
        ("customer", "我等到了，晚上 11:30", (note(4, "is later than what is below it"),)),
        ("agent", "好", ()),
        ("agent", "给您换", ()),
    ]


WECHAT = (
    "小鹿 2026-03-02 10:20:33\n物流一直不动：\n已揽收 2026-03-01 10:00:00\n到达上海 2026-03-01 22:10:00\n"
    "山茶客服 2026-03-02 10:21:00\n抱歉\n"
)


def test_the_way_of_a_parcel_is_nobody_without_being_told(tmp_path: Path) -> None:
    items = records(collect(written(tmp_path, "t.txt", WECHAT)))
    assert [(r.role, r.text, r.problems) for r in items] == [
        (
            "customer",
            "物流一直不动：\n已揽收 2026-03-01 10:00:00\n到达上海 2026-03-01 22:10:00",
            (note(3, "is older than what is above it"),),
        ),
        ("agent", "抱歉", ()),
    ]


def test_what_is_nobody_can_be_said(tmp_path: Path) -> None:
    settings = '[[sources]]\nname = "微信"\ncollector = "chat"\npaths = ["t.txt"]\n'
    (tmp_path / "feedback.toml").write_text(settings, encoding="utf-8")
    talk = "小鹿 2026-03-02 10:2{n}:33\n漏水\n山茶客服 2026-03-02 10:2{n}:40\n看\n小雪 2026-03-02 10:2{n}:50\n给您换\n"
    written(tmp_path, "t.txt", "".join(talk.format(n=n) for n in range(3)))
    asked = run("collect", project=tmp_path)
    assert asked.code == 1
    assert (
        "who is customer, agent or bot among 小鹿, 小雪? Add to this source in feedback.toml each of them as "
        '"customer", "agent" or "bot", or as "nobody" what is only a line in a message; if 小鹿 is an agent, '
        'for instance: roles = { "小鹿" = "agent" }'
    ) in asked.err
    with (tmp_path / "feedback.toml").open("a", encoding="utf-8") as file:
        file.write('[sources.roles]\n"小雪" = "nobody"\n')
    assert run("collect", project=tmp_path).out == "微信: 6 new\n"
    assert run("search", "给您换", "--json", project=tmp_path).out.count("小雪 2026-03-02 10:20:50") == 1


def test_what_was_somebody_and_is_nobody_now_is_taken_out(tmp_path: Path) -> None:
    settings = (
        '[[sources]]\nname = "微信"\ncollector = "chat"\npaths = ["t.txt"]\n[sources.roles]\n"到达上海" = "nobody"\n'
    )
    settings += '"小鹿" = "customer"\n"已揽收" = "{}"\n'
    written(tmp_path, "t.txt", WECHAT)
    for role, out in (
        ("customer", "微信: 3 new\n"),
        ("nobody", "微信: 0 new, 1 changed, 1 already there, 1 of an earlier reading taken out\n"),
    ):
        (tmp_path / "feedback.toml").write_text(settings.format(role), encoding="utf-8")
        assert run("collect", project=tmp_path).out == out


def test_brackets_around_what_is_nobody_make_nobody_of_it(tmp_path: Path) -> None:
    text = "客服小林 2026-03-02 10:20:33\n您好\n小鹿 2026-03-02 10:21:33\n看\n[预计送达] 2026-03-05 10:00:00\n"
    (tmp_path / "feedback.toml").write_text(
        '[[sources]]\nname = "微信"\ncollector = "chat"\npaths = ["t.txt"]\n[sources.roles]\n"预计送达" = "nobody"\n',
        encoding="utf-8",
    )
    written(tmp_path, "t.txt", text)
    assert run("collect", project=tmp_path).out == "微信: 2 new\n"


def test_only_chats_know_nobody(tmp_path: Path) -> None:
    settings = '[[sources]]\nname = "表"\ncollector = "table"\npaths = ["t.csv"]\n[sources.roles]\n"小鹿" = "nobody"\n'
    (tmp_path / "feedback.toml").write_text(settings, encoding="utf-8")
    assert "小鹿 = 'nobody' is not known. Known: customer, agent, bot." in run("collect", project=tmp_path).err


def test_where_the_newest_comes_first_nobody_is_called_a_line_in_a_message(tmp_path: Path) -> None:
    heads = (f"{name} 2026-03-02 10:{59 - n}:00\n在\n" for n, name in enumerate(["小鹿", "小林", "小林", "小鹿"]))
    with pytest.raises(CollectError) as error:
        collect(written(tmp_path, "t.txt", "".join(heads)))
    assert str(error.value).endswith('if 小鹿 is an agent, for instance: roles = { "小鹿" = "agent" }')


ON_TWO_LINES = (
    "tb12345_88\n2026-3-2 10:20:33\n在吗\n山茶旗舰店:小美\n2026-3-2 10:20:40\n亲，在的\n\n"
    "tb12345_88\n2026-3-2 10:21:33\n杯子漏水\n地址：上海\n"
)


def test_a_time_may_stand_on_the_line_below_the_name(tmp_path: Path) -> None:
    items = collect(written(tmp_path, "t.txt", ON_TWO_LINES))
    assert [(r.role, r.customer, r.text, r.posted_at, r.location) for r in records(items)] == [
        ("customer", "tb12345_88", "在吗", "2026-03-02 10:20:33", "t.txt:1"),
        ("agent", None, "亲，在的", "2026-03-02 10:20:40", "t.txt:4"),
        ("customer", "tb12345_88", "杯子漏水\n地址：上海", "2026-03-02 10:21:33", "t.txt:8"),
    ]
    assert len(items) == 3


def test_times_between_messages_stand_below_no_name(tmp_path: Path) -> None:
    text = "客服小林：您好\n2026-03-02 10:20:33\n小鹿：漏水\n2026-03-02 10:21:33\n客服小林：好\n"
    assert [role for role, _, _ in said(collect(written(tmp_path, "t.txt", text)))] == ["agent", "customer", "agent"]


def test_what_stands_before_the_first_speaker_is_a_reject_as_ever(tmp_path: Path) -> None:
    items = collect(written(tmp_path, "t.txt", "\n导出说明\n\n" + talk(FORMS["QQ"], "加油！小鹿")))
    assert items[0] == Unreadable("t.txt:2", "text before the first speaker")
    assert said(items) == EXPECTED
