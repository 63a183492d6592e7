"""Fingerprints: equal for equal texts, alike for near ones, none for what is said by chance."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedback.copies import NEAR, SHORTEST_EXACT, SHORTEST_NEAR, fingerprints, similar
from nlp.normalize import fold
from storage.records import Fingerprint

LONG = "磨豆机用了一个星期就开始漏粉，换了垫圈也没有用，客服让我自己再想办法"

SAME = [
    ("质量非常好，物流也很快！", "质量非常好物流也很快"),
    ("质量非常好，物流也很快！", "质量非常好 物流也很快~~~"),
    ("質量非常好，物流也很快", "质量非常好，物流也很快"),
    ("Ｇｏｏｄ 咖啡机 very nice", "good咖啡机VERY NICE"),
    ("质量非常好物流也很快😍", "质量非常好物流也很快"),
]


@pytest.mark.parametrize("one, other", SAME)
def test_texts_that_differ_in_signs_width_case_or_script_are_exact_copies(one: str, other: str) -> None:
    first, second = fingerprints([fold(one), fold(other)])
    assert first == second
    assert first.exact is not None


DIFFERENT = [
    ("质量非常好，物流也很快", "质量非常好，物流也很慢"),
    ("一共花了1500元买的机器", "一共花了2500元买的机器"),
]


@pytest.mark.parametrize("one, other", DIFFERENT)
def test_one_word_more_or_less_is_another_text(one: str, other: str) -> None:
    first, second = fingerprints([one, other])
    assert first.exact != second.exact
    assert not similar(one, other)


def test_short_texts_have_no_fingerprint() -> None:
    texts = ["", "很好", "！！！，。😍😍😍😍😍😍", "好" * (SHORTEST_EXACT - 1), "好，" * (SHORTEST_EXACT - 1)]
    assert fingerprints(texts) == [Fingerprint(None)] * len(texts)


def test_texts_of_middling_length_are_found_by_being_equal_alone() -> None:
    short, long = fingerprints(["质量很好物流也快哦耶", LONG[:SHORTEST_NEAR]])
    assert (short.exact is not None, short.bands) == (True, ())
    assert len(long.bands) == 0 or len(long.bands) == 4


@given(texts=st.lists(st.text(max_size=60) | st.text("质量好物流慢客服差", max_size=60), max_size=12))
@settings(deadline=None)
def test_a_fingerprint_depends_on_its_own_text_alone(texts: list[str]) -> None:
    together = fingerprints(texts)
    assert together == [fingerprints([text])[0] for text in texts]
    assert fingerprints(texts[::-1]) == together[::-1]
    for each in together:  # what SQLite can hold
        assert all(-(2**63) <= value < 2**63 for value in (*each.bands, each.exact or 0))


@given(one=st.text("质量好物流慢，a1", max_size=40), other=st.text("质量好物流慢，a1", max_size=40))
@settings(deadline=None)
def test_being_similar_is_mutual(one: str, other: str) -> None:
    assert similar(one, other) == similar(other, one)
    assert similar(one, one) == (len([c for c in one if c != "，"]) >= 3)


def test_similar_is_the_share_of_common_trigrams() -> None:
    text = "一二三四五六七八九十甲乙丙丁戊己庚辛壬癸"  # 18 trigrams; one letter more at the end: 18 of 19
    assert NEAR == 0.8
    assert similar(text, text + "子")
    assert similar(text, text + "子丑寅卯")  # 18 of 22 = 0.818
    assert not similar(text, text + "子丑寅卯辰")  # 18 of 23 = 0.783


def test_nearly_all_near_copies_share_a_band_and_unrelated_texts_none() -> None:
    """MinHash with 4 bands of 3 rows finds 1 - (1 - s³)⁴ of pairs at similarity s: 94 % at 0.8, 99.6 % at 0.9."""
    chance = random.Random(7)
    letters = [chr(code) for code in range(0x4E00, 0x4E00 + 900)]
    texts = ["".join(chance.choices(letters, k=60)) for _ in range(300)]
    changed = [text[:n] + "改" + text[n + 1 :] for text in texts if (n := chance.randrange(3, 57))]
    assert all(similar(one, other) for one, other in zip(texts, changed, strict=True))  # 55 of 61 = 0.90
    found = [
        bool(set(one.bands) & set(other.bands))
        for one, other in zip(fingerprints(texts), fingerprints(changed), strict=True)
    ]
    assert sum(found) >= 0.97 * len(found)
    bands = [band for each in fingerprints(texts) for band in each.bands]
    assert len(set(bands)) == len(bands) == 4 * len(texts)
