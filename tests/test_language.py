import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp.language import detect_language


@pytest.mark.parametrize(
    "text, language",
    [
        ("物流太慢了", "zh"),
        ("客服態度很差", "zh"),
        ("iPhone15 续航不行", "zh"),
        ("Apple Watch Series 9 表带容易断", "zh"),
        ("贵", "zh"),
        ("この商品はとても良いです", "ja"),
        ("おいしかった", "ja"),
        ("배송이 너무 느려요", "ko"),
        ("Great coffee, slow service", "en"),
        ("Great coffee at the 老街 branch, we will certainly come back again", "en"),
        ("très bon", "en"),  # Latin letters count as English: the script tells no more
        ("の、味道很好很正宗", "zh"),  # a fashionable の makes nothing Japanese
        ("", "und"),
        ("👍👍", "und"),
        ("12345 !!!", "und"),
        ("\ud83d", "und"),
    ],
)
def test_the_script_tells_the_language(text: str, language: str) -> None:
    assert detect_language(text) == language


@given(st.text(st.characters()))
def test_any_text_has_one_of_the_five_answers(text: str) -> None:
    assert detect_language(text) in {"zh", "en", "ja", "ko", "und"}
