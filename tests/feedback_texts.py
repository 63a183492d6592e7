"""Texts for property tests: pieces of feedback, strung together at random, with any other character between."""

from hypothesis import strategies as st

PIECES = (
    *(
        "物流太慢了",
        "客服态度很好",
        "质量太差",
        "有点贵",
        "包裝破了",
        "贵",
        "快",
        "菜鸟",
        "没有退款",
        "iPhone15续航",
        "APP总是闪退",
    ),
    *(
        "但是",
        "不过",
        "就是",
        "可是",
        "然而",
        "只不过",
        "不但",
        "再好不过",
        "如果",
        "因为",
        "要是",
        "就好了",
        "當",
        "等到",
    ),
    *("3,500.00", "３，５００", "19:30", "12：05", "2.1.3", "618", "1、", "2.", "①"),
    *("https://shop.example.com/a,b;c?d=1!", "www.example.com/a", "@某某", "＠小店 "),
    *("“稍等，但是。”", "「好，很好」", "《三体，不过》", '"不能退，自己看"', "“", '"'),
    *("，", ",", "。", "！", "……", "...", "~", "；", "、", ".", "\n", " ", "\u3000", "\u00a0", "\r\n", "\t", "\x1c"),
    *("👍🏻", "😡", "👨‍👩‍👧", "❤️", "İ", "ẞ", "ﬁ", "é", "e\u0301", "𠮷", "ｱ", "が", "한국", "\u200b", "\ufeff"),
)
CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")  # what analysis takes
ANALYSABLE = st.lists(st.sampled_from(PIECES) | CHARACTERS, max_size=24).map("".join)
