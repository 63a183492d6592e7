"""The medium goes, the words stay."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedback.clean import clean

CLEANED = [
    ("质量&nbsp;很好<br/>物流\u200b快&#128077;", "质量 很好\n物流快👍"),
    ("磨豆机声音不大&hellip;&hellip;就是慢", "磨豆机声音不大……就是慢"),
    ("<p>第一段</p><p>第二段</p>", "第一段\n第二段"),
    ("<div class='x' style=\"color:red\">红<b>色</b></div>", "红色"),
    ('看图<img src="https://img.example.com/a.jpg"/>', "看图"),
    ("A&amp;B 两款", "A&B 两款"),
    ("一行\r\n二行\r三行", "一行\n二行\n三行"),
    ("\ufeff开头有记号", "开头有记号"),
    ("半个\ud83d字符", "半个字符"),
    ("空\x00字节\x07响铃", "空字节响铃"),
    ("\u202e反过来\u202c", "反过来"),
    ("  两边有空格\t\n", "两边有空格"),
    ("\u3000\u3000段首空两格", "段首空两格"),
]


@pytest.mark.parametrize("raw, expected", CLEANED)
def test_what_the_medium_added_is_taken_out(raw: str, expected: str) -> None:
    assert clean(raw) == expected


# Negative cases: they look like markup and are the customer's own.
KEPT = [
    "爱你<3",
    "<推荐>大家买",
    "温度<60度时>不出水",
    "3 < 5 && 5 > 3",
    "👨‍👩‍👧 一家人都喜欢",  # held together by zero-width joiners
    "❤️",  # with its variation selector
    "AT&T",
    "换行\n留着",
    "制表\t符",
]


@pytest.mark.parametrize("text", KEPT)
def test_what_only_looks_like_markup_stays(text: str) -> None:
    assert clean(text) == text


@settings(deadline=None)
@given(text=st.text(max_size=80) | st.text("<>/&;#bp r\n\u200b\ud83dnbsp物流", max_size=40))
def test_a_cleaned_text_has_nothing_a_database_or_a_reader_stumbles_over(text: str) -> None:
    done = clean(text)
    assert done == done.strip()
    assert not set(done) & {"\x00", "\r", "\u200b", "\ufeff"}
    assert done.encode("utf-8").decode("utf-8") == done


@settings(deadline=None)
@given(words=st.lists(st.text("物流很慢客服不好,。！", min_size=1, max_size=6), max_size=6))
def test_plain_words_are_never_touched(words: list[str]) -> None:
    text = "\n".join(words)
    assert clean(text) == text


def test_a_reference_to_a_character_with_thousands_of_digits_is_no_character() -> None:
    assert clean("好&#" + "9" * 5000 + ";用") == "好\ufffd用"
    assert clean("好&#x" + "f" * 5000 + "用") == "好\ufffd用"
    assert clean("&#0000000000065;") == "A"
