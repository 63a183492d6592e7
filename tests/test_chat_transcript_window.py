"""Lines that a chat window writes between messages are nobody's words; people's words about them are. All people are made up."""

from pathlib import Path

import pytest
from chat_files import collect, records, said, written

from feedback.collectors.base import Unreadable

FORMS = {
    "words below": "{name} 2026-03-02 10:2{n}:00\n{words}\n",
    "stamp first": "2026-03-02 10:2{n}:00 {name}\n{words}\n",
    "brackets": "[2026-03-02 10:2{n}:00] {name}：{words}\n",
    "words beside": "{name} (2026-03-02 10:2{n}:00)：{words}\n",
    "no times": "{name}：{words}\n",
}
EVERY_FORM = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
TIMED = pytest.mark.parametrize("form", list(FORMS.values())[:4], ids=list(FORMS)[:4])

WINDOW = [
    "会话已结束",
    "会话已超时关闭",
    "会话已结束，访客评价：不满意",
    "—— 会话已转接给 客服组长-志明 ——",
    "会话已转接：客服小美 → 客服组长-志明",
    "会话已转接至人工客服",
    "客服小美已接入会话",
    "访客已离开会话",
    "访客超过5分钟未回复",
    "[系统消息] 访客超过5分钟未回复",
    "【系统提示】会话已结束",
    "对方正在输入...",
    "对方正在输入…",
    "小鹿正在输入",
    "对方撤回了一条消息",
    "小鹿 撤回了一条消息",
    '"阿宝"撤回了一条消息',
    "你撤回了一条消息 重新编辑",
    "以上是打招呼的内容",
    "—— 以下是新消息 ——",
    "您已添加了小美，现在可以开始聊天了。",
    "共4条消息，导出完毕",
]
SAID = [
    "会话已结束还给我发消息",
    "你们说会话已结束，可是问题还在",
    "会话已转接给谁了",
    "会话已转接三次！",
    "对方撤回了一条消息是什么意思",
    "对方正在输入半天也不回",
    "为什么撤回了一条消息",
    "客服超过5分钟未回复",
    "已读不回太差劲了",
    "已读",  # below it the message goes on
    "消息送达了吗",
    "以上是打招呼的内容吗",
    "我添加了小美，现在可以开始聊天了吗",
    "共4条消息",
    "订单已付款",
    "[系统消息] 您的订单已取消",
    "[图片]",
]


def talk(form: str, middle: str, after: str = "") -> str:
    """Four turns of two people: `middle` is in the second, `after` below the third."""
    turns = [("客服小美", "您好"), ("小鹿", f"锅把松了\n{middle}"), ("客服小美", f"抱歉{after}"), ("小鹿", "好吧")]
    return "".join(form.format(name=name, n=n, words=words) for n, (name, words) in enumerate(turns))


def turns(middle: str, after: str = "") -> list[tuple[str, int, str]]:
    return [("agent", 1, "您好"), ("customer", 2, middle), ("agent", 3, f"抱歉{after}"), ("customer", 4, "好吧")]


@EVERY_FORM
@pytest.mark.parametrize("line", WINDOW)
def test_what_the_window_says_is_nobodys(line: str, form: str, tmp_path: Path) -> None:
    assert said(collect(written(tmp_path, "t.txt", talk(form, line)))) == turns("锅把松了")
    amid = talk(form, f"{line}\n\n第二天就松了")
    assert [text.split() for _, _, text in said(collect(written(tmp_path, "t.txt", amid)))][1] == [
        "锅把松了",
        "第二天就松了",
    ]


@TIMED
@pytest.mark.parametrize("line", SAID)
def test_what_people_say_about_it_is_theirs(line: str, form: str, tmp_path: Path) -> None:
    words = f"{line}\n还有"
    assert said(collect(written(tmp_path, "t.txt", talk(form, words)))) == turns(f"锅把松了\n{words}")


@TIMED
@pytest.mark.parametrize("line", ["会话已结束", "对方撤回了一条消息", "已读"])
def test_what_stands_alone_below_a_name_is_what_that_one_said(line: str, form: str, tmp_path: Path) -> None:
    text = talk(form, "漏油").replace("好吧", line)
    assert said(collect(written(tmp_path, "t.txt", text)))[-1] == ("customer", 4, line)


@TIMED
def test_a_transfer_with_the_systems_name_and_no_time_is_nobodys(form: str, tmp_path: Path) -> None:
    text = talk(form, "系统：会话已转接至 客服组长-志明")
    assert said(collect(written(tmp_path, "t.txt", text))) == turns("锅把松了")


@EVERY_FORM
@pytest.mark.parametrize("line", ["已读", "未读", "已送达", "送达", "2人未读"])
def test_whether_a_message_was_read_is_no_part_of_it(line: str, form: str, tmp_path: Path) -> None:
    text = talk(form, "漏油\n" + line, "\n\n" + line)
    assert said(collect(written(tmp_path, "t.txt", text))) == turns("锅把松了\n漏油")


# A file with heads of seconds, and one to the minute.
@pytest.mark.parametrize("form", ["{name} 2026-03-02 10:2{n}:00\n{words}\n", "2026/3/2 10:2{n} {name}\n{words}\n"])
@pytest.mark.parametrize("event", ["卖家已发货", "订单已付款", "退款成功", "订单已发货"])
def test_what_happened_to_an_order_after_a_message_is_no_part_of_it(event: str, form: str, tmp_path: Path) -> None:
    for line in (f"{event} 2026-03-02 10:21:30", f"2026-03-02 10:21:30 {event}"):
        after = line.replace("10:21:30", "10:22:10") if ":00\n" in form else line.replace("10:21:30", "10:23:10")
        text = talk(form, "漏油", "\n" + after)
        assert said(collect(written(tmp_path, "t.txt", text))) == turns("锅把松了\n漏油")


@pytest.mark.parametrize("form", ["{name} 2026-03-02 10:2{n}:00\n{words}\n", "2026/3/2 10:2{n} {name}\n{words}\n"])
def test_what_happened_before_was_pasted(form: str, tmp_path: Path) -> None:
    lines = "订单已付款 2026-02-27 10:00:00\n卖家已发货 2026-02-28 09:00:00"
    assert said(collect(written(tmp_path, "t.txt", talk(form, lines)))) == turns(f"锅把松了\n{lines}")


def test_what_the_window_says_above_the_first_speaker_is_no_reject(tmp_path: Path) -> None:
    items = collect(written(tmp_path, "t.txt", "以上是打招呼的内容\n" + talk(FORMS["words below"], "漏油")))
    assert not [item for item in items if isinstance(item, Unreadable)]


def test_rules_with_a_title_of_the_window_divide_as_before(tmp_path: Path) -> None:
    one = talk(FORMS["words below"], "漏油")
    items = records(collect(written(tmp_path, "t.txt", f"{one}------ 会话已结束 ------\n{one}")))
    assert [record.turn for record in items] == [1, 2, 3, 4, 1, 2, 3, 4]


def test_times_on_lines_of_their_own_date_what_is_below_where_one_stands_above_all(tmp_path: Path) -> None:
    text = (
        "2026年2月28日 20:15\n小鹿：周末票还有吗\n客服小美：有的\n小鹿：买两张\n"
        "2026年3月1日 21:30\n小鹿：池子水不热\n昨天 9:05\n客服小美：抱歉\n"
    )
    assert [(r.role, r.text, r.posted_at) for r in records(collect(written(tmp_path, "t.txt", text)))] == [
        ("customer", "周末票还有吗", "2026-02-28"),
        ("agent", "有的", "2026-02-28"),
        ("customer", "买两张", "2026-02-28"),
        ("customer", "池子水不热", "2026-03-01"),
        ("agent", "抱歉", None),
    ]


def test_a_time_on_a_line_of_its_own_is_somebodys_where_none_stands_above_all(tmp_path: Path) -> None:
    text = "小鹿：约的是\n2026年3月1日 21:30\n客服小美：好的\n小鹿：谢谢\n"
    assert said(collect(written(tmp_path, "t.txt", text)))[0] == ("customer", 1, "约的是\n2026年3月1日 21:30")


@pytest.mark.parametrize(
    "text",
    [
        "夏目  26/3/1 9:05\n米里有虫\n客服小美  26/3/1 9:06\n抱歉\n夏目  26/3/2 9:07\n退款吧\n",
        "26-3-1 9:05 夏目\n米里有虫\n26-3-1 9:06 客服小美\n抱歉\n26-3-2 9:07 夏目\n退款吧\n",
        "[26/03/01 9:05] 夏目：米里有虫\n[26/03/01 9:06] 客服小美：抱歉\n[26/03/02 9:07] 夏目：退款吧\n",
    ],
)
def test_years_may_have_two_digits(text: str, tmp_path: Path) -> None:
    assert [(r.customer, r.text, r.posted_at) for r in records(collect(written(tmp_path, "t.txt", text)))] == [
        ("夏目", "米里有虫", "2026-03-01 09:05"),
        (None, "抱歉", "2026-03-01 09:06"),
        ("夏目", "退款吧", "2026-03-02 09:07"),
    ]


def test_a_size_alone_on_a_line_is_no_date(tmp_path: Path) -> None:
    text = "[9:05] 夏目：多大\n30-20-10\n[9:06] 客服小美：是的\n"
    assert said(collect(written(tmp_path, "t.txt", text))) == [
        ("customer", 1, "多大\n30-20-10"),
        ("agent", 2, "是的"),
    ]


def test_sub_accounts_speak_where_nothing_but_colons_ends_names(tmp_path: Path) -> None:
    text = "烟雨: 大米生虫了\n某某粮油旗舰店:掌柜二号: 亲，抱歉\n烟雨: 退款吧\n某某粮油旗舰店:掌柜二号: 好的：马上\n"
    assert said(collect(written(tmp_path, "t.txt", text))) == [
        ("customer", 1, "大米生虫了"),
        ("agent", 2, "亲，抱歉"),
        ("customer", 3, "退款吧"),
        ("agent", 4, "好的：马上"),
    ]
