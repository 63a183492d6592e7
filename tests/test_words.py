import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp.words import longest_match


@pytest.mark.parametrize(
    "words, text, found",
    [
        (["物流", "物流太慢", "快"], "物流太慢了,物流不快", ["物流太慢", "物流", "快"]),
        (["慢", "太慢"], "太慢", ["太慢"]),
        (["a.b", "c+", "(d"], "axb a.b c+ (d", ["a.b", "c+", "(d"]),
        (["好"], "不", []),
        ([], "物流", []),
        ([""], "物流", []),
        (["ab", "abcd"], "abc", ["ab"]),
    ],
)
def test_the_longest_word_at_a_place_is_found(words: list[str], text: str, found: list[str]) -> None:
    assert [match.group() for match in longest_match(words).finditer(text) if match.group()] == found


def test_words_with_many_different_beginnings_are_told_apart() -> None:
    firsts = [chr(code) for code in (*range(0x21, 0x7F), *range(0x4E00, 0x4E80))]
    words = [f"{first}好" for first in firsts] + firsts[::2]
    found = [match.group() for match in longest_match(words).finditer("好".join(firsts) + " ".join(firsts))]
    assert found == [f"{first}好" for first in firsts[:-1]] + firsts[::2]


WORDS = st.lists(st.text("ab.快慢", min_size=1, max_size=5), min_size=1, max_size=8)


@given(WORDS, st.text("ab.快慢c", max_size=30))
def test_it_finds_what_trying_each_word_longest_first_finds(words: list[str], text: str) -> None:
    one_by_one = re.compile("|".join(re.escape(word) for word in sorted(set(words), key=len, reverse=True)))
    assert [m.span() for m in longest_match(words).finditer(text)] == [m.span() for m in one_by_one.finditer(text)]


@given(WORDS)
def test_the_order_of_the_words_does_not_matter(words: list[str]) -> None:
    assert longest_match(words).pattern == longest_match(reversed(words)).pattern
