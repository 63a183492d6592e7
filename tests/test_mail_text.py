"""What of a mail is its writer's own. `cases/mail_text.jsonl` holds made-up mails in the forms of mail programs, and what only looks like one."""

import json
from pathlib import Path
from typing import TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.collectors.mail_text import own_words


class Case(TypedDict):
    text: str
    own: str
    note: str


LINES = (Path(__file__).parent / "cases" / "mail_text.jsonl").read_text(encoding="utf-8").splitlines()
CASES: list[Case] = [json.loads(line) for line in LINES]


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=f"line {n}: {case['note']}") for n, case in enumerate(CASES, start=1)]
)
def test_the_writers_own_words_are_kept_and_nothing_else(case: Case) -> None:
    assert own_words(case["text"]) == case["own"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["note"])
def test_what_is_cut_once_is_not_cut_again(case: Case) -> None:
    assert own_words(case["own"]) == case["own"]


def test_there_are_cases_in_which_nothing_may_be_cut() -> None:
    untouched = [case for case in CASES if case["note"].startswith("negative: ")]
    assert len(untouched) >= 60
    assert all(case["own"] == case["text"] for case in untouched)


HEADS = [
    "山茶小铺 <feedback@shop.example> 于2026年3月2日周一 10:00写道：",
    "山茶小铺 <feedback@shop.example> 于2026年3月2日周一 上午10:00 写道：",
    "山茶小鋪 <feedback@shop.example> 於 2026年3月2日 週一 上午10:00寫道：",
    "山茶小鋪 (<feedback@shop.example>) 在 2026年3月2日星期一 上午10:00:00 [GMT+8] 寫道：",
    "Shop <feedback@shop.example <mailto:feedback@shop.example>> 於 2026年3月2日 週一 下午1:24 寫道：",
]


@pytest.mark.parametrize("quoted", ["> 您好，请评价", "您好，请评价"])
@pytest.mark.parametrize("head", HEADS)
def test_a_head_is_known_wherever_a_program_folds_it_behind_its_address(head: str, quoted: str) -> None:
    folds = [n for n in range(head.rindex(">") + 1, len(head)) if head[n] == " " or head[n : n + 2] in ("写道", "寫道")]
    folded = [head[:n] + "\n" + head[n:].lstrip(" ") for n in folds]
    assert [own_words(f"物流太慢\n\n{each}\n\n{quoted}") for each in folded] == ["物流太慢"] * len(folds)


MAKERS = ["vivo", "OPPO", "小米", "华为", "華為", "荣耀", "三星", "魅族", "realme", "一加", "HUAWEI", "Xiaomi"]
ADDED = [
    "来自{}手机邮件",
    "来自 {} 手机",
    "从{}手机发送",
    "從 {} 手機傳送",
    "发自我的{}手机",
    "发自{}平板",
    "来自{} X100 手机邮件",
    "从我的 {} 发送",
]
SAID_OF_MAKERS = [
    "来自{}商城",
    "从{}官方旗舰店发出",
    "发自{}专卖店",
    "从{}发出",
    "来自{}手机的照片很糊",
    "从{}手机发送失败",
    "{}手机发送",
]


@pytest.mark.parametrize("frame", ADDED)
@pytest.mark.parametrize("maker", MAKERS)
def test_what_phones_of_any_maker_add_goes(maker: str, frame: str) -> None:
    assert own_words(f"物流太慢\n\n{frame.format(maker)}") == "物流太慢"


@pytest.mark.parametrize("frame", SAID_OF_MAKERS)
@pytest.mark.parametrize("maker", MAKERS)
def test_what_is_said_of_any_maker_stays(maker: str, frame: str) -> None:
    text = f"物流太慢\n\n{frame.format(maker)}"
    assert own_words(text) == text


ENDINGS = [case["text"] for case in CASES if not case["own"]] + [
    "> 您好\n> 请评价",
    "-----Original Message-----\nFrom: Shop\n\nHello",
    "发自我的 iPhone",
    "-- \n王小明",
    "在 2026年3月2日，10:00，山茶小铺 <feedback@shop.example> 写道：\n> 您好",
]


@given(st.text(st.sampled_from("物流太慢了包装结实客服好，。！ \n"), min_size=1), st.sampled_from(ENDINGS))
def test_plain_words_above_any_ending_are_kept_whole(words: str, ending: str) -> None:
    expected = "\n".join(line for line in words.split("\n")).strip()
    assert own_words(f"{words}\n\n{ending}") == expected


@given(st.text(st.sampled_from('>-—_|@<在于写道：:\n 发件人主题OnFrom wrote自我的iPhone"12/年月日.'), max_size=200))
def test_whatever_the_text_only_whole_lines_go(text: str) -> None:
    lines = [line.strip() for line in text.split("\n")]
    assert all(line.strip() in lines for line in own_words(text).split("\n") if line.strip())


# What customers say with numbers, addresses, companies and rules in it, each a paragraph that is at an end.
SAID = [
    "外壳裂了，客服电话 400-000-0000 打不通。",
    "你们公司的地址写的是杭州市西湖区山茶路1号，那里没有人。",
    "我写到 feedback@shop.example，也没人回！",
    "官網 www.shop.example 打不開，請問怎麼退貨？",
    "The lid was broken, and nobody answers +86 571 5550 1234.",
    "I wrote to jane@shop.example twice.",
    "已经是第三次了",
    "王小明经理答应过我换新的。",
    "－－完全不值这个价－－",
]
BETWEEN = ["\n", "\n\n", "\n-----\n", "\n\n=====\n\n", "\n______\n", "\n——\n"]
CARDS = [
    "王小明",
    "陳小明 敬上",
    "Jane Doe",
    "杭州山茶贸易有限公司",
    "Camellia Trading Ltd.",
    "电话：０５７１－５５５０１２３４",
    "13800000000",
    "buyer@mail.example",
    "地址：杭州市西湖区山茶路1号",
    "-----",
    "＝＝＝＝＝",
    "此致",
    "敬礼！",
    "Best regards,",
    "发自我的 iPhone",
    "本邮件及其附件含有保密信息。",
    "This e-mail and any attachments are confidential.",
    "&nbsp;",
    "",
]


@given(st.lists(st.tuples(st.sampled_from(SAID), st.sampled_from(BETWEEN)), max_size=6), st.sampled_from(SAID))
def test_words_without_a_signature_come_back_unchanged(paragraphs: list[tuple[str, str]], last: str) -> None:
    text = "".join(said + between for said, between in paragraphs) + last
    assert own_words(text) == text


@given(st.text(st.sampled_from("物流太慢了包裝結實客服好abc def，。！？「」 \n"), max_size=200))
def test_plain_letters_come_back_unchanged(text: str) -> None:
    assert own_words(text) == text.strip()


@given(st.sampled_from(SAID), st.lists(st.sampled_from([*SAID, *CARDS]), max_size=20))
def test_a_signature_is_taken_from_the_end_and_never_takes_what_was_said(first: str, below: list[str]) -> None:
    text = "\n".join([first, *below])
    last_said = max(text.rfind(said) + len(said) for said in SAID if said in text)
    kept = own_words(text)
    assert text.startswith(kept)
    assert len(kept) >= last_said


@given(st.lists(st.sampled_from(CARDS), max_size=12))
def test_a_mail_that_is_nothing_but_a_signature_is_cut_at_its_end_alone(lines: list[str]) -> None:
    assert "\n".join(lines).strip().startswith(own_words("\n".join(lines)))


@given(st.text(st.characters(exclude_characters=">＞\r"), max_size=300))
def test_of_any_text_without_quotes_a_first_part_comes_back(text: str) -> None:
    assert text.strip().startswith(own_words(text))
