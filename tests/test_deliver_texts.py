"""A digest cut to what a target bears, and made harmless for a group chat."""

from typing import Any

import pytest

from feedback.digest.deliver import fit, for_chat


def within(limit: int) -> Any:
    return lambda text: len(text) <= limit


FITTED = [
    # markdown, characters there are, what is sent
    ("结论。\n\n\n\n更多。", 10, "结论。\n\n\n\n更多。"),
    ("结论。\n\n\n\n更多。", 8, "结论。\n\n更多。"),
    ("结论。\n\n变化很多很多。", 8, "结论。\n\n见此"),
    ("# 标题\n\n结论。\n\n## 变化\n\n很长很长很长很长很长。", 24, "# 标题\n\n结论。\n\n见此"),
    ("# 标题\n\n很长很长很长很长很长很长很长。", 16, "# 标题\n\n很长很长……\n\n见此"),
    ("结论。\n\n**亮点**\n\n很长很长很长很长很长。", 20, "结论。\n\n见此"),
    ("很长很长很长很长很长", 9, "很长很……\n\n见此"),
    ("很长很长很长很长很长", 2, "……\n\n见此"),
]


@pytest.mark.parametrize("markdown, characters, sent", FITTED)
def test_what_does_not_fit_is_left_out_by_whole_blocks_and_said(markdown: str, characters: int, sent: str) -> None:
    assert fit(markdown, "见此", within(characters)) == sent


CHAT = [
    ("| 阶段 | 声量 |\n|---|---:|\n| 购买 | 12 |", "阶段 ｜ 声量\n购买 ｜ 12"),
    ('<at user_id="all">所有人</at>', '＜at user_id="all">所有人＜/at>'),
    ("<@all> \\<@all> &lt;@all>", "＜@all> ＜@all> ＜@all>"),
    (r"\[领券\](http://203.0.113.9) \*\*好\*\* 8\~9 \\", "［领券］(http://203.0.113.9) ＊＊好＊＊ 8～9 ＼"),
    (r"| a\|b | 2 |", "a｜b ｜ 2"),
    ("![看](http://203.0.113.9/x.png)", "！[看](http://203.0.113.9/x.png)"),
    ("> 引用\n- 1 < 2 | 3", "> 引用\n- 1 ＜ 2 | 3"),
]


@pytest.mark.parametrize("markdown, shown", CHAT)
def test_a_group_chat_is_neither_alerted_nor_shown_table_bars(markdown: str, shown: str) -> None:
    assert for_chat(markdown) == shown
