"""The linear engine. Its weights may be trained anew, so only clear cases and facts that hold for any weights are asserted."""

import random

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nlp.engine import DEFAULT_ENGINE, engine_names, load_engine
from nlp.errors import EngineError
from nlp.fast.engine import CODE_VERSION, FastEngine
from nlp.fast.features import BUCKETS, bags_of
from nlp.marks import INTENTS, SENTIMENTS, STAGES, Marks
from nlp.normalize import squash

ENGINE = FastEngine.load()
ANY_TEXTS = st.lists(st.text(st.characters(), max_size=30), max_size=12)
COLUMNS = len(SENTIMENTS) + len(INTENTS) + len(STAGES)


@pytest.mark.parametrize(
    "text, sentiment",
    [
        ("质量太差了，再也不买", "negative"),
        ("物流太慢了，等了半个月", "negative"),
        ("客服態度極差，非常失望", "negative"),
        ("非常满意，强烈推荐", "positive"),
        ("味道很好，下次还会再来", "positive"),
        ("物流很快，包装完好，很喜欢", "positive"),
        ("请问什么时候发货", "neutral"),
    ],
)
def test_a_plain_verdict_is_understood(text: str, sentiment: str) -> None:
    [marks] = ENGINE.mark([text])
    assert marks.sentiment == sentiment
    assert {"negative": marks.sentiment_score < -0.3, "positive": marks.sentiment_score > 0.3}.get(sentiment, True)


@pytest.mark.parametrize(
    "text, intent",
    [
        ("质量太差了，用两天就坏", "complaint"),
        ("非常满意，强烈推荐", "praise"),
        ("请问这款有黑色的吗？", "question"),
    ],
)
def test_a_plain_purpose_is_understood(text: str, intent: str) -> None:
    assert ENGINE.mark([text])[0].intent == intent


@pytest.mark.parametrize(
    "text, stage",
    [
        ("物流太慢，快递三天才送到", "purchase"),
        ("申请退货，客服一直不给退款", "post_purchase"),
        ("再也不会买了", "loyalty"),
        ("味道不错，环境也好", "engagement"),
    ],
)
def test_a_plain_stage_is_understood(text: str, stage: str) -> None:
    assert ENGINE.mark([text])[0].stage == stage


@given(ANY_TEXTS)
@example(["", " ", "\x00", "\ud83d", "\x02\x03", "👍🏻" * 300])
def test_marks_are_well_formed_for_any_text(texts: list[str]) -> None:
    marks = ENGINE.mark(texts)
    assert len(marks) == len(texts)
    for mark in marks:
        assert (mark.sentiment in SENTIMENTS, mark.intent in INTENTS, mark.stage in STAGES) == (True, True, True)
        assert -1 <= mark.sentiment_score <= 1
        # The likeliest of n labels has at least an n-th of the whole.
        assert 1 / len(SENTIMENTS) - 0.001 <= mark.sentiment_confidence <= 1
        assert 1 / len(INTENTS) - 0.001 <= mark.intent_confidence <= 1
        assert 1 / len(STAGES) - 0.001 <= mark.stage_confidence <= 1
        assert {type(v) for v in (mark.sentiment_score, mark.sentiment_confidence, mark.stage_confidence)} == {float}


@given(ANY_TEXTS, st.randoms(use_true_random=False))
def test_a_mark_does_not_depend_on_batch_size_order_or_neighbours(texts: list[str], shuffler: random.Random) -> None:
    together = ENGINE.mark(texts)
    assert [ENGINE.mark([text])[0] for text in texts] == together
    order = list(range(len(texts)))
    shuffler.shuffle(order)
    assert ENGINE.mark([texts[n] for n in order]) == [together[n] for n in order]


def test_a_batch_of_thousands_gives_the_marks_of_batches_of_one() -> None:
    texts = [
        f"{word}{'很' * (n % 7)}{judged}{n}"
        for n in range(300)
        for word in ("物流", "客服")
        for judged in ("好", "慢", "差")
    ]
    assert ENGINE.mark(texts) == [mark for text in texts for mark in ENGINE.mark([text])]


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
@settings(max_examples=50)
def test_texts_that_squash_alike_are_marked_alike(text: str) -> None:
    assert ENGINE.mark([text]) == ENGINE.mark([squash(text)]) or squash(squash(text)) != squash(text)


def test_no_segments_no_marks() -> None:
    assert ENGINE.mark([]) == []


def test_bags_count_every_ngram_of_one_to_four_characters_and_the_length() -> None:
    texts = ["", "好", "物流太慢了"]
    bags = bags_of(texts)
    # With a mark at either end: n characters hold n - k + 1 k-grams; and one bucket says how long the text is.
    sizes = [sum(max(len(text) + 2 - k + 1, 0) for k in (1, 2, 3, 4)) + 1 for text in texts]
    assert np.diff(bags.starts).tolist() == sizes
    assert bags.norms.tolist() == pytest.approx([size**0.5 for size in sizes])
    assert 0 <= bags.buckets.min() <= bags.buckets.max() < BUCKETS


def test_equal_ngrams_share_a_bucket_and_others_hardly_ever_do() -> None:
    def buckets(text: str) -> set[int]:
        return set(bags_of([text]).buckets.tolist())

    assert buckets("物流太慢") & buckets("物流真快") >= buckets("物流") & buckets("物流太慢")
    singles = {squash(chr(code)) for code in range(0x4E00, 0x5200)}
    apart = {tuple(bags_of([character]).buckets.tolist()) for character in singles}
    assert len(apart) == len(singles)


def blank(columns: int, digest: str) -> FastEngine:
    return FastEngine(
        np.zeros((BUCKETS, columns), np.int8), np.ones(columns, np.float32), np.zeros(columns, np.float32), digest
    )


def test_weights_of_another_shape_are_refused() -> None:
    messages = []
    for weights in (np.zeros((BUCKETS, 3), np.int8), np.zeros((8, COLUMNS), np.int8)):
        with pytest.raises(EngineError) as caught:
            FastEngine(weights, np.ones(COLUMNS, np.float32), np.zeros(COLUMNS, np.float32), "x")
        messages.append(str(caught.value))
    assert messages == [
        f"The fast engine's weights have shape {shape}, not ({BUCKETS}, {COLUMNS}). Reinstall yuansheng."
        for shape in (f"({BUCKETS}, 3)", f"(8, {COLUMNS})")
    ]


def test_the_version_names_the_weights() -> None:
    versions = [blank(COLUMNS, digest).version for digest in ("aa", "bb")]
    assert versions == [f"{CODE_VERSION}.aa", f"{CODE_VERSION}.bb"]
    assert FastEngine.load().version == ENGINE.version


def test_without_any_weight_every_label_is_as_likely_and_the_first_is_taken() -> None:
    engine = blank(COLUMNS, "zero")
    assert engine.mark(["物流太慢"]) == [Marks("negative", 0.0, 0.3333, "complaint", 0.1667, "awareness", 0.1429)]


def test_an_engine_is_loaded_once_and_an_unknown_one_is_refused_by_name() -> None:
    assert engine_names() == ["auto", "encoder", "fast"]
    assert load_engine() is load_engine(DEFAULT_ENGINE) is load_engine("auto", None)
    with pytest.raises(EngineError) as caught:
        load_engine("slow")
    assert str(caught.value) == "No engine named 'slow'. Known: auto, encoder, fast, or the folder of an encoder."
