"""Which lines of a pasted chat open a message, judged together: odd names speak, what people paste does not. All people are made up."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from chat_files import collect, records, said, written
from test_chat_transcript import collected

from feedback.collectors.chat.transcript import NO_DATE_HERE


def talk(*turns: tuple[str, str]) -> str:
    return "".join(f"{head}\n{words}\n\n" for head, words in turns)


# What people paste into a message: a name for it, lines, a head of who speaks.
PASTED = {
    "an order": "卖家已发货 2026-02-27 10:00:00\n买家已付款 2026-02-26 09:12:44",
    "a parcel": "已揽收 2026-02-27 10:00:00\n到达上海 2026-02-27 22:10:00\n派送中 2026-02-28 08:01:00",
    "an offer": "会员专享 10:00",
    "a word that comes again": "直播 10:00\n直播 14:00\n直播 20:00",
    "an appointment": "师傅上门 2026-03-09 14:00:00",
    "an earlier chat": "客服小丽 2026-02-20 11:00:00\n今天发\n小鹿 2026-02-20 11:01:00\n好的",
}


@pytest.mark.parametrize("lines", PASTED.values(), ids=PASTED.keys())
@pytest.mark.parametrize("name", ["小鹿", "加油！小鹿", "快递别丢了"])
def test_what_is_pasted_stays_in_its_message(name: str, lines: str, tmp_path: Path) -> None:
    words = f"看看\n{lines}\n怎么回事"
    text = talk(
        ("客服小美 2026-03-02 10:20:33", "您好"),
        (f"{name} 2026-03-02 10:21:00", words),
        ("客服小美 2026-03-02 10:22:00", "抱歉"),
        (f"{name} 2026-03-02 10:23:10", "好吧"),
    )
    assert said(collect(written(tmp_path, "t.txt", text))) == [
        ("agent", 1, "您好"),
        ("customer", 2, words),
        ("agent", 3, "抱歉"),
        ("customer", 4, "好吧"),
    ]


@pytest.mark.parametrize("day", ["昨天", "星期三"])
@pytest.mark.parametrize("name", ["小鹿", "加油！小鹿", "今天也要开心呀！", "A|B"])
def test_oddly_named_people_speak_on_days_without_a_date(name: str, day: str, tmp_path: Path) -> None:
    text = talk(
        ("客服小美 2026-03-02 10:20", "您好"),
        (f"{name} 2026-03-02 10:21", "漏水"),
        (f"{name} {day} 20:15", "还漏"),
        (f"客服小美 {day} 20:16", "抱歉"),
    )
    assert said(collect(written(tmp_path, "t.txt", text))) == [
        ("agent", 1, "您好"),
        ("customer", 2, "漏水"),
        ("customer", 3, "还漏"),
        ("agent", 4, "抱歉"),
    ]


SUB_ACCOUNTS = {
    "three lines": "tb_88\n{date} 10:20:33\n在吗\n山茶旗舰店:小美\n{date} 10:20:40\n亲，在的\ntb_88\n{date} 10:21:00\n漏水\n",
    "stamp first": "{date} 10:20:33 tb_88\n在吗\n{date} 10:20:40 山茶旗舰店:小美\n亲，在的\n{date} 10:21:00 tb_88\n漏水\n",
    "colons": "[{date} 10:20:33] tb_88: 在吗\n[{date} 10:20:40] 山茶旗舰店:小美: 亲，在的\n[{date} 10:21:00] tb_88: 漏水\n",
    "brackets": "tb_88（{date} 10:20:33）：在吗\n山茶旗舰店:小美（{date} 10:20:40）：亲，在的\ntb_88（{date} 10:21:00）：漏水\n",
    "tabs": "{date} 10:20:33\ttb_88\t在吗\n{date} 10:20:40\t山茶旗舰店:小美\t亲，在的\n{date} 10:21:00\ttb_88\t漏水\n",
}


@pytest.mark.parametrize("text", SUB_ACCOUNTS.values(), ids=SUB_ACCOUNTS.keys())
@pytest.mark.parametrize("date", ["2026-03-02", "2026/3/2", "2026年3月2日"])
def test_sub_accounts_of_shops_speak_in_every_form(date: str, text: str, tmp_path: Path) -> None:
    assert said(collect(written(tmp_path, "t.txt", text.format(date=date)))) == [
        ("customer", 1, "在吗"),
        ("agent", 2, "亲，在的"),
        ("customer", 3, "漏水"),
    ]


TODAY = [("客服小美 {}20:20:33", "您好"), ("小鹿 {}20:21:00", "漏水"), ("客服小美 {}20:22:00", "抱歉")]
TOMORROW = [("小鹿 {}21:01:00", "还漏"), ("客服小美 {}21:02:00", "给您换"), ("小鹿 {}21:02:30", "好")]


def window(today: str, *skipped: int) -> str:
    turns = [(head.format("2026-03-01 "), words) for head, words in TODAY] + [
        (head.format(today), words) for head, words in TOMORROW
    ]
    return talk(*(turn for n, turn in enumerate(turns) if n not in skipped))


def test_a_clock_alone_below_heads_with_dates_takes_no_date(tmp_path: Path) -> None:
    found = records(collect(written(tmp_path, "t.txt", window(""))))
    assert [record.posted_at for record in found] == [
        *(f"2026-03-01 20:2{clock}" for clock in ("0:33", "1:00", "2:00")),
        *(None, None, None),
    ]
    assert [problem for record in found for problem in record.problems] == [NO_DATE_HERE]


@pytest.mark.parametrize("apart", [True, False], ids=["one after the other", "at once"])
@pytest.mark.parametrize("skipped", [(), (0,), (0, 1)])
@pytest.mark.parametrize("seconds", [True, False], ids=["seconds", "minutes"])
def test_tomorrows_export_doubles_nothing_of_today(
    seconds: bool, skipped: tuple[int, ...], apart: bool, tmp_path: Path
) -> None:
    windows = [window(""), window("2026-03-02 ", *skipped)]
    if not seconds:
        windows = [re.sub(r"(\d\d:\d\d):\d\d", r"\1", each) for each in windows]
    if apart:
        collected(tmp_path, windows[0])
    _, stored = collected(tmp_path, *windows)
    expected = [(("agent" if "客服" in head else "customer"), words) for head, words in (*TODAY, *TOMORROW)]
    assert stored == expected
    with closing(sqlite3.connect(tmp_path / "feedback.db")) as database:
        assert database.execute("select count(*) from verbatims where posted_at is null").fetchone() == (0,)


@pytest.mark.parametrize("salutation", ["亲爱的顾客", "尊敬的客户", "回复顾客"])
@pytest.mark.parametrize("agent", ["山茶旗舰店:小美", "客服小美", "小美"])
@pytest.mark.parametrize("head", ["{} (2026-03-02 10:0{}:05):", "{} 2026-03-02 10:0{}:05"])
def test_whom_a_message_addresses_does_not_make_the_form_of_a_file(
    tmp_path: Path, head: str, agent: str, salutation: str
) -> None:
    text = (
        f"{head.format('tb8839201', 0)}\n杯子漏水了怎么办\n{head.format(agent, 1)}\n{salutation}：您好，马上为您处理\n"
    )
    found = records(collect(written(tmp_path, "a.txt", text), {"小美": "agent"}))
    assert [(each.role, each.text) for each in found] == [
        ("customer", "杯子漏水了怎么办"),
        ("agent", f"{salutation}：您好，马上为您处理"),
    ]


def test_whom_an_agent_addresses_does_not_speak(tmp_path: Path) -> None:
    text = "客户：杯子漏水\n客服：亲爱的顾客：您好\n尊敬的会员：本店打折\n客户：不要\n"
    assert said(collect(written(tmp_path, "a.txt", text))) == [
        ("customer", 1, "杯子漏水"),
        ("agent", 2, "亲爱的顾客：您好\n尊敬的会员：本店打折"),
        ("customer", 3, "不要"),
    ]


def test_a_date_on_two_heads_in_a_row_is_on_all_but_those_of_today(tmp_path: Path) -> None:
    text = talk(
        ("小林 2026/3/2 9:05", "杯子漏水"),
        ("客服小美 2026/3/2 9:06", "抱歉"),
        ("小林 10:00", "还没补发"),
        ("客服小美 10:01", "马上"),
    )
    dates = [each.posted_at for each in records(collect(written(tmp_path, "a.txt", text)))]
    assert dates == ["2026-03-02 09:05", "2026-03-02 09:06", None, None]


@pytest.mark.parametrize(
    "text, words",
    [
        (
            "小鹿：物流不动了\n2026-03-01 08:00:00 已到达上海\n2026-03-01 03:00:00 已发出\n怎么回事\n客服小美：帮您催\n",
            "物流不动了\n2026-03-01 08:00:00 已到达上海\n2026-03-01 03:00:00 已发出\n怎么回事",
        ),
        (
            "客服小美 10:20\n您好，在的\n小鹿 10:21\n还没收到\n2026-03-01 08:00:00 已到达上海\n2026-03-01 03:00:00 已发出\n",
            "还没收到\n2026-03-01 08:00:00 已到达上海\n2026-03-01 03:00:00 已发出",
        ),
        (
            "[2026-03-02 10:00:00] 小鹿：快递单号：SF123456\n2026-03-01 08:00:00 已到达上海\n2026-03-01 03:00:00 已发出\n没收到\n"
            "[2026-03-02 10:01:00] 客服：好的\n",
            "快递单号：SF123456\n2026-03-01 08:00:00 已到达上海\n2026-03-01 03:00:00 已发出\n没收到",
        ),
    ],
)
def test_the_dates_of_a_parcel_do_not_make_the_form_of_a_file(tmp_path: Path, text: str, words: str) -> None:
    found = records(collect(written(tmp_path, "a.txt", text)))
    assert [each.text for each in found if each.role == "customer"] == [words]


def test_who_is_called_dear_somebody_speaks(tmp_path: Path) -> None:
    found = said(collect(written(tmp_path, "a.txt", "客服小美：您好\n亲爱的小孩：杯子漏水\n客服小美：给您换\n")))
    assert ("customer", 2, "杯子漏水") in found
