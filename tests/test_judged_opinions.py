"""From an encoder's tags and links to opinions, and from opinions to mentions. All texts are made up."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from test_aspects import FINDER, document

from nlp.encoder.opinions import BEGIN, INSIDE, OUTSIDE, opinions_of
from nlp.marks import Mention, OpenMention, Opinion, Sentiment, Span, SpokenOf
from nlp.probabilities import Floats

FREE = np.zeros((2, 3, 3), dtype=np.float32)
TEXT = "屏幕很亮但是物流太慢"
TOKENS = [(0, 0), *((n, n + 1) for n in range(len(TEXT))), (0, 0)]


def _said(aspects: list[Span], words: list[tuple[Span, int]], linked: list[tuple[Span, Span | None]]) -> list[Floats]:
    """What a head that is sure would say of these spans of characters; token n + 1 is character n."""
    tags = np.zeros((len(TOKENS), 9), dtype=np.float32)
    for column, spans in ((0, aspects), (3, [span for span, _ in words])):
        tags[:, column + OUTSIDE] = 1
        for start, end in spans:
            tags[start + 1 : end + 1, column : column + 3] = 0
            tags[start + 1, column + BEGIN] = 1
            tags[start + 2 : end + 1, column + INSIDE] = 1
    for (start, end), polarity in words:
        tags[start + 1 : end + 1, 6 + polarity] = 1
    links = np.full((len(TOKENS), len(TOKENS)), -3, dtype=np.float32)
    for (start, end), aspect in linked:
        judged = (0, 1) if aspect is None else (aspect[0] + 1, aspect[1] + 1)
        links[start + 1 : end + 1, slice(*judged)] = 3
    return [tags, links]


def _found(*said: Floats, moves: Floats = FREE) -> list[Opinion]:
    return opinions_of(TEXT, *said, moves, TOKENS)  # type: ignore[call-arg]


def test_opinions_come_with_their_targets_and_polarity() -> None:
    said = _said([(0, 2), (6, 8)], [((2, 4), 2), ((8, 10), 0)], [((2, 4), (0, 2)), ((8, 10), (6, 8))])
    assert _found(*said) == [Opinion((0, 2), (2, 4), "positive"), Opinion((6, 8), (8, 10), "negative")]


def test_one_judgement_of_two_things_is_two_opinions() -> None:
    said = _said([(0, 2), (6, 8)], [((8, 10), 0)], [((8, 10), (0, 2)), ((8, 10), (6, 8))])
    assert _found(*said) == [Opinion((0, 2), (8, 10), "negative"), Opinion((6, 8), (8, 10), "negative")]


def test_words_that_judge_nothing_that_is_named_have_no_aspect() -> None:
    assert _found(*_said([(0, 2)], [((8, 10), 0)], [((8, 10), None)])) == [Opinion(None, (8, 10), "negative")]


def test_an_unsure_link_goes_to_the_likeliest_of_what_is_named() -> None:
    tags, links = _said([(0, 2), (6, 8)], [((8, 10), 0)], [])
    links[9:11, 7:9] = -1
    assert _found(tags, links) == [Opinion((6, 8), (8, 10), "negative")]


def test_the_tags_of_a_text_are_judged_together() -> None:
    tags, links = _said([], [((2, 4), 2)], [((2, 4), None)])
    tags[4, 3:6] = (0.2, 0.0, 0.1)  # "亮" by itself would begin anew
    assert [opinion.words for opinion in _found(tags, links)] == [(2, 3), (3, 4)]
    moves = FREE.copy()
    moves[1, BEGIN] = (-2, 1, -1)
    assert [opinion.words for opinion in _found(tags, links, moves=moves)] == [(2, 4)]


def test_what_surrounds_a_text_is_never_part_of_an_opinion() -> None:
    tags, links = _said([], [((0, 10), 0)], [((0, 10), None)])
    tags[0, 3:6], tags[-1, 3:6] = (9, 0, 0), (0, 9, 0)
    assert {opinion.words for opinion in _found(tags, links)} == {(0, 10)}
    tags[1:-1, 3:6] = (0, 0, 9)
    assert _found(tags, links) == []


WORDS = "送货太慢，包装盒破了，贵"


def _mentions(*judged: Opinion) -> tuple[list[Mention], list[OpenMention]]:
    text = "好，" + WORDS  # offsets within a segment are not those of the text
    return _both(text, (2, len(text)), judged)


def _both(
    text: str, span: Span, judged: Sequence[Opinion], spoken: Sequence[SpokenOf] = ()
) -> tuple[list[Mention], list[OpenMention]]:
    mentions = FINDER.find(document(text), span, "neutral", judged, spoken)
    return mentions, FINDER.find_open(document(text), span, judged, mentions)


def test_a_mention_has_the_words_that_judge_it() -> None:
    found, loose = _mentions(Opinion((0, 2), (2, 4), "negative"))
    assert found[0] == Mention("物流", "送货", 2, 4, "太慢", 4, 6, "negative")
    assert loose == []


def test_what_the_taxonomy_has_no_word_for_is_an_open_mention() -> None:
    found, loose = _mentions(Opinion((5, 8), (8, 10), "negative"))
    assert loose == [OpenMention("包装盒", 7, 10, "破了", 10, 12, "negative")]
    assert "包装盒" not in {mention.term for mention in found}


UNNAMED = Opinion(None, (0, 4), "negative")


def _spoken_of(*spoken: SpokenOf, judged: Opinion = UNNAMED) -> list[Mention]:
    text = "等到花儿都谢了"
    return FINDER.find(document(text), (0, len(text)), "neutral", [judged], spoken)


def test_an_opinion_that_names_nothing_is_about_what_the_segment_speaks_of() -> None:
    waits = SpokenOf("shop", "物流", "negative", 0.9)
    assert _spoken_of(waits) == [Mention("物流", "等到花儿", 0, 4, "等到花儿", 0, 4, "negative")]
    assert _spoken_of(SpokenOf("shop", "价格", "positive", 0.95), waits)[0].aspect == "物流"  # of its polarity
    assert _spoken_of(SpokenOf("auto", "物流", "negative", 0.9)) == []  # another taxonomy's
    assert _spoken_of(SpokenOf("shop", "动力", "negative", 0.9)) == []  # not in this one any more
    assert _spoken_of() == []


def test_what_the_taxonomy_has_no_word_for_is_of_the_aspect_that_the_segment_speaks_of() -> None:
    text, box = "包装盒破了，花朵谢了", Opinion((0, 3), (3, 5), "negative")
    spoken = [SpokenOf("shop", "物流", "negative", 0.8)]
    flowers = Opinion((6, 8), (8, 10), "negative")
    found, loose = _both(text, (0, len(text)), [box, flowers], spoken)
    assert found == [Mention("物流", "包装盒", 0, 3, "破了", 3, 5, "negative")]
    assert [mention.term for mention in loose] == ["花朵"]  # each aspect for one opinion
    found, loose = _both(text, (0, len(text)), [replace(box, sentiment="positive")], spoken)
    assert (found, [mention.term for mention in loose]) == ([], ["包装盒"])  # of its polarity


def test_an_aspect_that_has_a_word_in_the_segment_is_not_given_to_another_opinion() -> None:
    text = "送货太慢，等到花儿都谢了"
    judged = [Opinion((0, 2), (2, 4), "negative"), Opinion(None, (5, 9), "negative")]
    found = FINDER.find(document(text), (0, len(text)), "neutral", judged, [SpokenOf("shop", "物流", "negative", 0.9)])
    assert [(mention.aspect, mention.term) for mention in found] == [("物流", "送货")]


def test_judging_words_that_imply_an_aspect_are_about_it() -> None:
    found, _ = _mentions(Opinion(None, (11, 12), "negative"))
    assert found[-1] == Mention("价格", "贵", 13, 14, "贵", 13, 14, "negative")


@pytest.mark.parametrize("judged", [(), (Opinion((5, 8), (8, 10), "positive"),)])
def test_a_mention_that_nothing_judges_takes_the_segments_sentiment(judged: tuple[Opinion, ...]) -> None:
    found, _ = _mentions(*judged)
    assert found[0] == Mention("物流", "送货", 2, 4, None, None, None, "neutral")


def test_two_judgements_of_a_thing_are_two_mentions() -> None:
    found, _ = _mentions(Opinion((0, 2), (2, 4), "negative"), Opinion((0, 2), (8, 10), "positive"))
    assert [(m.aspect, m.opinion, m.sentiment) for m in found[:2]] == [
        ("物流", "太慢", "negative"),
        ("物流", "破了", "positive"),
    ]


def _by_words(text: str, sentiment: Sentiment, *spoken: SpokenOf) -> list[Mention]:
    """Where no engine looked for opinions: by the words that judge."""
    return FINDER.find(document(text), (0, len(text)), sentiment, None, spoken)


def test_words_that_judge_no_word_of_the_taxonomy_are_about_what_the_segment_speaks_of() -> None:
    waits = SpokenOf("shop", "物流", "negative", 0.4)
    assert _by_words("太慢了", "negative", waits) == [Mention("物流", "太慢", 0, 2, "太慢", 0, 2, "negative")]
    assert _by_words("太慢了", "negative") == []
    assert _by_words("不错", "negative", waits) == []  # it judges otherwise than the segment
    # What judges a word of the taxonomy is about that, and nothing else.
    assert [
        mention.term for mention in _by_words("快递太慢", "negative", SpokenOf("shop", "价格", "negative", 0.9))
    ] == ["快递"]
