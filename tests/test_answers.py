"""Answers to a question: people's own words, or options. Where the two can't be told apart, the words are kept."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from feedback.collectors.answers import is_open
from feedback.collectors.base import Part, Record, SourceConfig
from feedback.collectors.table import TableCollector

SENTENCES = [
    "发货太慢了，等了一周",
    "客服态度很好，会再来",
    "包装破了，杯子没事",
    "磨豆机噪音大。早上不敢用",
    "价格偏高，味道还行",
]
SHORT = ["发货慢", "客服好", "噪音大", "价格高", "味道淡"]

WORDS_KEPT = [
    # A small survey in which half typed something only because the field must not be empty.
    ("最不满意的一点", ["无"] * 5 + SENTENCES),
    ("最不满意的一点", ["无"] * 5 + SHORT),
    ("最不满意的一点", ["没有", "无。", "暂无", "/", "没有了", *SHORT]),
    ("最不满意的一点", ["没什么建议", "不知道", "…", "no", "N/A", *SHORT]),
    ("店里的印象", ["挺好的"] * 5 + SENTENCES),
    ("店里的印象", ["挺好的"] * 5 + SHORT),
    ("对门店的整体印象", ["挺好的"] * 30 + SENTENCES),  # few, but nobody is given such options
    ("哪里让您觉得不方便", [*SHORT, "发货慢"]),
    ("印象最深的一点", ["静音", "颜值"]),
    ("印象最深的一点", ["店员记得我要少冰"]),
    # The wording asks for words, so even those that all are alike are words.
    ("您的建议", ["无"]),
    ("您的建议", ["挺好"] * 30),
    ("给我们提个意见吧", ["快递", "包装"] * 20),
    ("还有什么想说的", ["无"] * 19 + ["加油"]),
    ("Any comments?", ["good", "fast"] * 20),
    ("为什么给这个分", ["好用"] * 6 + ["便宜"] * 6),
    ("为什么给这个分", ["好用"] * 20 + ["便宜"] * 20 + ["等了两次才修好，师傅人不错", "保修期太短，才半年"]),
    ("其他", ["快递慢"] * 3),
    ("您的建议", ["1"] * 8 + ["希望有试用装"]),
    ("您的建议", []),
    # Several blanks of one question are joined as options are.
    ("您对产品的建议：___对服务的建议：___", [f"希望第{n}款便宜点┋第{n}次回复快一点" for n in range(5)]),
    ("还有什么意见", ["颜色太少┋无", "无┋发货慢", "无┋无", "包装简单┋客服好"]),
    # It sounds like a choice, but the answers are sentences.
    ("您是从哪里知道我们的", ["同事桌上看到的，问了牌子", "刷到直播，主播说不漏粉", "老客户了，买过三台"]),
    ("您认为是否值这个价", SENTENCES),
]
NOT_KEPT = [
    ("您的性别", ["男", "女", "女", "女"] * 5),
    ("您的性别", ["女"]),
    ("您的年龄段是？", ["25-34岁", "35-44岁", "18-24岁"]),
    ("您的职业（单选）", ["学生", "教师", "公务员"]),
    ("请填写您所在的城市", ["杭州", "成都", "上海"]),
    ("您从哪里知道我们", ["小红书", "朋友推荐", "直播间"]),
    ("最近三个月逛过几次", ["1次", "2-3次", "4次以上"]),
    ("现在用的杯子", ["陶瓷杯", "玻璃杯", "保温杯", "陶瓷杯"] * 5),
    ("现在用的杯子", ["A.陶瓷杯", "B.玻璃杯"]),
    ("现在用的杯子", ["1", "2", "4"]),
    ("现在用的杯子", ["陶瓷杯┋玻璃杯", "保温杯", "玻璃杯"]),
    ("现在用的杯子", ["其他〖搪瓷缸〗", "其他〖一次性纸杯〗", "保温杯"]),
    ("现在用的杯子", ["保温杯"] * 15 + ["玻璃杯"] * 15 + ["其他〖搪瓷缸〗", "其他〖一次性纸杯〗", "其他〖竹杯〗"]),
    # Options may be sentences; those come again. One that a single person chose is no proof.
    ("下面这句符合您吗", ["价格便宜，性价比高", "朋友都在用，跟着买的", "价格便宜，性价比高"] * 4),
    ("下面这句符合您吗", ["符合"] * 12 + ["不符合"] * 12 + ["说不清楚，没有留意过"]),
    ("购买的原因", ["便宜", "好用", "好看", "便宜"] * 20),
    ("您对我们有哪方面的建议", ["物流┋包装", "包装", "客服┋物流", "物流┋包装┋客服"]),
    ("您的建议（按序号）", ["1", "3", "2"]),
    ("买过别家的吗", ["没有", "没有", "无", "没有"]),
    ("买过别家的吗", ["没有"] * 9 + ["有"]),
    ("您的职业", []),
]


@pytest.mark.parametrize("wording, values", WORDS_KEPT)
def test_words_are_kept_unless_something_shows_that_they_were_given_options(
    wording: str, values: Sequence[str]
) -> None:
    assert is_open(wording, values)


@pytest.mark.parametrize("wording, values", NOT_KEPT)
def test_what_was_chosen_from_options_is_told_from_words(wording: str, values: Sequence[str]) -> None:
    assert not is_open(wording, values)


def test_the_order_of_the_answers_does_not_matter() -> None:
    for wording, values in (*WORDS_KEPT, *NOT_KEPT):
        assert is_open(wording, values[::-1]) == is_open(wording, values)


def test_every_answer_of_a_small_survey_with_empty_phrases_is_collected(tmp_path: Path) -> None:
    answers = ["无", "发货慢", "无", "客服好", "无", "噪音大", "无", "价格高", "无", "味道淡"]
    lines = [f"{n},2026/2/9 12:0{n}:00,9,{text},女" for n, text in enumerate(answers)]
    path = tmp_path / "q.csv"
    path.write_text("\n".join(["序号,提交答卷时间,所用时间,1、最不满意的一点,2、您的性别", *lines]), encoding="utf-8")
    found = list(TableCollector().collect(Part("q.csv", path), SourceConfig("q", "table")))
    assert [(item.text, item.question) for item in found if isinstance(item, Record)] == [
        (text, "最不满意的一点") for text in answers
    ]
