import pytest
from feedback_texts import ANALYSABLE
from hypothesis import given

from nlp.normalize import fold
from nlp.opinions import OpinionWord, disputed_by_words, find_opinions


def opinions(text: str, cuts: set[int] | None = None, span: tuple[int, int] | None = None) -> list[tuple[str, str]]:
    """Expressions with their polarity; every place may be a word's edge unless `cuts` says otherwise."""
    edges = frozenset(range(len(text) + 1) if cuts is None else cuts)
    return [(text[o.start : o.end], o.sentiment) for o in find_opinions(fold(text), span or (0, len(text)), edges)]


@pytest.mark.parametrize(
    "text, found",
    [
        ("物流太慢了", [("太慢", "negative")]),
        ("客服不错", [("不错", "positive")]),
        ("客服很好，上菜太慢", [("很好", "positive"), ("太慢", "negative")]),
        ("這家太難吃了", [("難吃", "negative")]),
        ("", []),
        ("昨天下的单", []),
    ],
)
def test_judging_expressions_are_found_with_their_polarity(text: str, found: list[tuple[str, str]]) -> None:
    assert opinions(text) == found


@pytest.mark.parametrize(
    "text, found",
    [
        ("一点也不满意", [("不满意", "negative")]),
        ("不怎么方便", [("不怎么方便", "negative")]),
        ("谈不上划算", [("谈不上划算", "negative")]),
        ("没那么难吃", [("没那么难吃", "positive")]),
        ("从不迟到", [("从不迟到", "positive")]),
        ("是不是方便", [("方便", "positive")]),  # a question denies nothing
    ],
)
def test_a_negation_in_front_turns_the_polarity_and_belongs_to_the_expression(
    text: str, found: list[tuple[str, str]]
) -> None:
    assert opinions(text) == found


def test_a_negation_word_that_praises_denies_nothing() -> None:
    assert opinions("好不优惠", cuts={0, 2, 4}) == [("优惠", "positive")]


def test_a_single_character_judges_only_as_a_word_of_its_own() -> None:
    assert opinions("快递", cuts={0, 2}) == []
    assert opinions("又快", cuts={0, 1, 2}) == [("快", "positive")]


def test_nothing_outside_the_span_counts_not_even_a_negation() -> None:
    assert opinions("不方便", span=(1, 3)) == [("方便", "positive")]
    assert opinions("太慢了，不错", span=(0, 3)) == [("太慢", "negative")]


@given(ANALYSABLE)
def test_expressions_come_in_order_and_share_no_character(text: str) -> None:
    found = find_opinions(fold(text), (0, len(text)), frozenset(range(len(text) + 1)))
    end_before = 0
    for opinion in found:
        assert isinstance(opinion, OpinionWord)
        assert end_before <= opinion.start < opinion.end <= len(text)
        end_before = opinion.end


@pytest.mark.parametrize(
    "text, disputed",
    [
        ("物流太慢了", {"neutral", "positive"}),
        ("客服很好，上菜太慢", {"neutral"}),
        ("客服很好，味道一般", {"negative", "positive"}),
        ("昨天下的单", set()),
    ],
)
def test_words_dispute_the_sentiments_that_their_mentions_would_contradict(text: str, disputed: set[str]) -> None:
    assert disputed_by_words(text) == disputed
