import pytest
from feedback_texts import ANALYSABLE
from hypothesis import example, given

from nlp.aspects import AspectFinder, Folded
from nlp.marks import Mention, Sentiment
from nlp.normalize import fold
from nlp.taxonomy import load_taxonomy, parse_taxonomy

SHOP = parse_taxonomy(
    """
name = "shop"
version = "1"
title = { zh = "小店", en = "Shop" }

[[aspects]]
name = "物流"
en = "Delivery"
stage = "purchase"
touchpoint = "快递"
terms = ["物流", "快递", "快递小哥", "送货"]

[[aspects]]
name = "价格"
en = "Price"
stage = "consideration"
touchpoint = "详情页"
terms = ["价格", "价", "618"]
opinions = ["太贵", "贵"]
excludes = ["评价"]

[[aspects]]
name = "应用"
en = "App"
stage = "engagement"
touchpoint = "手机"
terms = ["app", "系統"]
opinions = ["闪退"]

[[aspects]]
name = "气味"
en = "Smell"
stage = "engagement"
touchpoint = "使用"
terms = ["味道"]
excludes = ["有味道的衣服", "系统更新"]
""",
    "the test's taxonomy",
)
FINDER = AspectFinder(SHOP)
RETAIL = AspectFinder(load_taxonomy("retail"))


def document(text: str, *words: str) -> Folded:
    """A text whose tokens are `words`, in order; without them, every place is a token's edge."""
    cuts = {0, len(text)} if words else set(range(len(text) + 1))
    at = 0
    for word in words:
        at = text.index(word, at) + len(word)
        cuts |= {at - len(word), at}
    return Folded(text, fold(text), frozenset(cuts))


def mentions(text: str, *words: str, sentiment: Sentiment = "neutral") -> list[Mention]:
    return FINDER.find(document(text, *words), (0, len(text)), sentiment)


def seen(text: str, *words: str, sentiment: Sentiment = "neutral") -> list[tuple[str, str, str | None, str]]:
    return [(m.aspect, m.term, m.opinion, m.sentiment) for m in mentions(text, *words, sentiment=sentiment)]


def test_a_mention_carries_the_offsets_of_its_term_and_opinion_in_the_text() -> None:
    assert mentions("這次物流太慢了！") == [Mention("物流", "物流", 2, 4, "太慢", 4, 6, "negative")]


def test_a_mention_without_an_opinion_word_takes_the_segments_sentiment() -> None:
    assert mentions("快递昨天到的", sentiment="positive") == [
        Mention("物流", "快递", 0, 2, None, None, None, "positive")
    ]


@pytest.mark.parametrize(
    "text, words, found",
    [
        # the longest word wins
        ("快递小哥不错", (), [("物流", "快递小哥", "不错", "positive")]),
        # an opinion implies its aspect, and is its own opinion
        ("这个太贵", (), [("价格", "太贵", "太贵", "negative")]),
        # the nearest opinion word judges
        ("物流太慢价格不错", (), [("物流", "物流", "太慢", "negative"), ("价格", "价格", "不错", "positive")]),
        # one in front judges too, from less far
        ("不错，快递", (), [("物流", "快递", "不错", "positive")]),
        ("不错，他们家的快递", (), [("物流", "快递", None, "neutral")]),
        # an opinion too far away judges nothing
        ("物流是上周三从杭州的仓库发出来的我觉得不错", (), [("物流", "物流", None, "neutral")]),
        # excluded strings yield nothing, wherever in the taxonomy they stand
        ("评价不错", (), []),
        ("有味道的衣服", (), []),
        ("系统更新", (), []),
        ("系统不错", (), [("应用", "系统", "不错", "positive")]),
        # a single character is a word only as a token
        ("特价", ("特价",), []),
        ("价不错", ("价", "不错"), [("价格", "价", "不错", "positive")]),
        # Latin letters and digits only as a whole run
        ("APP不错", (), [("应用", "APP", "不错", "positive")]),
        ("happy不错", (), []),
        ("订单16180不错", (), []),
        ("618很好", (), [("价格", "618", "很好", "positive")]),
        # a handle names nothing, in half or full width
        ("@快递小哥 不错", (), []),
        ("＠快递小哥 不错", (), []),
        ("@张三 快递不错", (), [("物流", "快递", "不错", "positive")]),
        # what is part of a name judges nothing
        ("快递", ("快", "递"), [("物流", "快递", None, "neutral")]),
        ("", (), []),
    ],
)
def test_the_words_of_a_taxonomy_are_found_where_they_are_meant(
    text: str, words: tuple[str, ...], found: list[tuple[str, str, str | None, str]]
) -> None:
    assert seen(text, *words) == found


def test_only_the_span_is_looked_at() -> None:
    text = "物流太慢，价格不错"
    found = FINDER.find(document(text), (5, len(text)), "neutral")
    assert found == [Mention("价格", "价格", 5, 7, "不错", 7, 9, "positive")]


def test_a_word_of_two_aspects_belongs_to_the_first() -> None:
    twice = parse_taxonomy(
        """
name = "twice"
version = "1"
title = { zh = "两次", en = "Twice" }
[[aspects]]
name = "甲"
en = "A"
stage = "purchase"
touchpoint = "店"
terms = ["送货"]
[[aspects]]
name = "乙"
en = "B"
stage = "purchase"
touchpoint = "店"
terms = ["送货"]
""",
        "the test's taxonomy",
    )
    found = AspectFinder(twice).find(document("送货"), (0, 2), "neutral")
    assert [mention.aspect for mention in found] == ["甲"]


@given(ANALYSABLE)
@example("İẞ物流太慢了 ＡＰＰ闪退 不贵")
def test_offsets_lead_back_to_the_words(text: str) -> None:
    for finder in (FINDER, RETAIL):
        end_before = 0
        for mention in finder.find(document(text), (0, len(text)), "neutral"):
            assert end_before <= mention.start < mention.end <= len(text)
            assert text[mention.start : mention.end] == mention.term
            end_before = mention.end
            if mention.opinion is None:
                assert (mention.opinion_start, mention.opinion_end) == (None, None)
            else:
                assert text[mention.opinion_start : mention.opinion_end] == mention.opinion


@given(ANALYSABLE, ANALYSABLE)
def test_what_stands_around_a_segment_does_not_change_its_mentions(before: str, after: str) -> None:
    segment = "\n物流太慢了，价格不贵\n"
    alone = FINDER.find(document(segment), (0, len(segment)), "neutral")
    shift = len(before)
    within = FINDER.find(document(before + segment + after), (shift, shift + len(segment)), "neutral")
    assert [(m.aspect, m.start - shift, m.opinion, m.sentiment) for m in within] == [
        (m.aspect, m.start, m.opinion, m.sentiment) for m in alone
    ]


@pytest.mark.timeout(60)
def test_a_long_text_without_a_pause_is_read_without_hanging() -> None:
    text = "物流太慢" * 40_000
    found = FINDER.find(document(text), (0, len(text)), "neutral")
    assert {(m.aspect, m.term, m.opinion, m.sentiment) for m in found} == {("物流", "物流", "太慢", "negative")}
    assert [m.start for m in found] == list(range(0, len(text), 4))
