import pytest
from feedback_texts import ANALYSABLE
from hypothesis import example, given
from hypothesis import strategies as st

from nlp.normalize import fold, has_traditional, simplify, squash

# Any string Python can hold, halves of characters (lone surrogates) and NUL included.
ANY_TEXT = st.text(st.characters())


@pytest.mark.parametrize(
    "text, folded",
    [
        ("", ""),
        ("物流太慢，ＩＰＨＯＮＥ　續航", "物流太慢,iphone 续航"),
        ("客服態度很差！裡面還少了東西", "客服态度很差!里面还少了东西"),
        ("乾杯，頭髮，發貨，這麼", "干杯,头发,发货,这么"),
        ("ＡＢＣ１２３（％）～", "abc123(%)~"),
        ("ÀÉ ΣΑΣ", "àé σας"),
        ("İstanbul GROẞ ŉ ﬁ", "İstanbul groß ŉ ﬁ"),
        ("👨‍👩‍👧 ❤️ e\u0301 𠮷", "👨‍👩‍👧 ❤️ e\u0301 𠮷"),
        ("\ud83d物流\udc4d\x00", "\ud83d物流\udc4d\x00"),
        ("。、“”【】", "。、“”【】"),
    ],
)
def test_folding_evens_out_script_width_and_case(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(ANY_TEXT | ANALYSABLE)
@example("İ" * 3 + "ẞ\ud83d\u0345Σ")
def test_folding_and_simplifying_keep_the_length_of_any_text(text: str) -> None:
    assert len(fold(text)) == len(text)
    assert len(simplify(text)) == len(text)


@given(ANY_TEXT, ANY_TEXT)
@example("Α", "Σ")
def test_a_part_of_a_text_folds_as_it_does_within_the_text_but_for_the_greek_final_sigma(
    before: str, after: str
) -> None:
    apart, together = fold(before) + fold(after), fold(before + after)
    assert apart.replace("ς", "σ") == together.replace("ς", "σ")


@given(ANY_TEXT | ANALYSABLE)
def test_folding_a_folded_text_changes_nothing(text: str) -> None:
    once = fold(text)
    assert fold(once).replace("ς", "σ") == once.replace("ς", "σ")


def test_simplifying_leaves_width_and_case_as_they_are() -> None:
    assert simplify("東西不錯，ＯＫ　A") == "东西不错，ＯＫ　A"


@pytest.mark.parametrize(
    "text, squashed",
    [
        ("", ""),
        ("好好好好吃！！！！！👍🏻 12.50元 https://x.cn/a", "好好吃!!👍 0元 ~"),
        ("  太\n\n慢　了  ", "太 慢 了"),
        ("@某某_客服 快点", "@ 快点"),
        ("12:30下单，3,500.00元，第2次", "0下单,0元,第0次"),
        ("哈哈哈哈哈哈", "哈哈"),
        ("❤️👍🏿👨‍👩‍👧", "❤👍👨👩👧"),
        ("www.example.com/a,b太贵", "~太贵"),
    ],
)
def test_squashing_evens_out_the_noise_of_spelling(text: str, squashed: str) -> None:
    assert squash(text) == squashed


@pytest.mark.parametrize(
    "text, traditional", [("包裝破了", True), ("包装破了", False), ("", False), ("OK 👍", False), ("台", False)]
)
def test_a_text_has_traditional_characters_or_not(text: str, traditional: bool) -> None:
    assert has_traditional(text) is traditional
