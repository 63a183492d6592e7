"""What an engine says of aspects weighs against the words of a taxonomy: a word that is not meant is no mention. Texts are made up."""

from dataclasses import replace

import numpy as np
import pytest
from test_aspects import document

from nlp.aspects import AspectFinder
from nlp.encoder.description import Description, Scale
from nlp.encoder.engine import _spoken_of, _unspoken
from nlp.encoder.reader import Reading
from nlp.marks import SpokenOf
from nlp.taxonomy import load_taxonomy

AUTO = load_taxonomy("auto")
TEXT = "红色的车身让我想起小时候的玩具"  # 车身, 红色: no word about the exterior of a car
UNMEANT = frozenset({("auto", "外观")})


def aspects(finder: AspectFinder, unspoken: frozenset[tuple[str, str]] = frozenset()) -> list[tuple[str, str]]:
    found = finder.find(document(TEXT), (0, len(TEXT)), "neutral", [], unspoken=unspoken)
    return [(mention.aspect, mention.term) for mention in found]


def test_a_word_of_ours_that_is_not_meant_is_no_mention() -> None:
    finder = AspectFinder(AUTO)
    assert aspects(finder) == [("外观", "红色"), ("外观", "车身")]
    assert aspects(finder, UNMEANT) == []
    assert aspects(finder, frozenset({("auto", "价格"), ("beauty", "外观")})) == aspects(finder)


def test_a_word_that_a_project_added_is_always_meant() -> None:
    added = [replace(a, terms=(*a.terms, "玩具")) if a.name == "外观" else a for a in AUTO.aspects]
    finder = AspectFinder(replace(AUTO, aspects=tuple(added)))
    assert aspects(finder, UNMEANT) == [("外观", "玩具")]


def test_a_taxonomy_of_ones_own_has_no_words_of_ours() -> None:
    finder = AspectFinder(replace(AUTO, name="our_cars"))
    assert aspects(finder, frozenset({("our_cars", "外观")})) == aspects(AspectFinder(AUTO))


@pytest.mark.parametrize("confidence, sentiment", [(0.9, "negative"), (0.6, "positive")])
def test_a_mention_that_no_words_judge_has_the_polarity_that_an_engine_is_sure_of(
    confidence: float, sentiment: str
) -> None:
    told = [SpokenOf("auto", "外观", "negative", confidence)]
    found = AspectFinder(AUTO).find(document(TEXT), (0, len(TEXT)), "positive", [], told)
    assert {mention.sentiment for mention in found} == {sentiment}


def test_only_where_all_that_is_spoken_of_was_learned_something_is_unspoken() -> None:
    known = (("auto", "动力"), ("auto", "价格"), ("restaurant", "味道"))
    description = Description("l", "u", {}, {}, Scale(0, 0, 0), known, complete=("auto",))
    said = np.array([[0.96, 0.01, 0.02, 0.01], [0.94, 0.02, 0.02, 0.02], [0.99, 0, 0, 0.01]], dtype=np.float32)
    reading = Reading({}, None, None, 1, aspects=said)
    assert _unspoken(reading, description) == {("auto", "动力")}
    assert _spoken_of(reading, known) == ()
    assert _unspoken(replace(reading, aspects=None), description) == frozenset()
