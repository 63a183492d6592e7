"""Which aspects the linear models say a segment speaks of. All texts are made up."""

import io

import numpy as np
import pytest
from feedback_texts import ANALYSABLE
from hypothesis import given
from hypothesis import strategies as st

from nlp.config import PipelineConfig, pipeline_version
from nlp.engine import load_engine
from nlp.errors import EngineError
from nlp.fast import aspects
from nlp.fast.aspects import SPOKEN_OF, UNSPOKEN, LinearAspects, linear_aspects, shipped_weights
from nlp.marks import Marks, Mention
from nlp.pipeline import load_pipeline
from nlp.taxonomy import builtin_taxonomies, load_taxonomy

RESTAURANT = linear_aspects("restaurant")


def marks(sentiment: str, opinions: tuple[()] | None = None) -> Marks:
    return Marks(sentiment, 0.0, 0.5, "statement", 0.5, "none", 0.5, opinions=opinions)  # type: ignore[arg-type]


@pytest.mark.parametrize("taxonomy", builtin_taxonomies())
def test_every_aspect_of_a_built_in_taxonomy_is_known(taxonomy: str) -> None:
    known = {(taxonomy, aspect.name) for aspect in load_taxonomy(taxonomy).aspects}
    assert set(linear_aspects(taxonomy).aspects) == known


@given(st.lists(ANALYSABLE, min_size=2, max_size=5))
def test_what_is_said_of_a_segment_does_not_depend_on_the_others(texts: list[str]) -> None:
    together = RESTAURANT.likelihoods(texts)
    assert ((together >= 0) & (together <= 1)).all()
    for text, row in zip(texts, together, strict=True):
        assert np.array_equal(RESTAURANT.likelihoods([text])[0], row)


def test_a_segment_speaks_of_what_it_does_not_name() -> None:
    text = "等了一个小时才上"
    [told] = RESTAURANT.completed([text], [marks("negative")])
    first = told.spoken_of[0]
    assert (first.taxonomy, first.aspect, first.sentiment) == ("restaurant", "上菜速度", "negative")
    assert all(said.confidence >= SPOKEN_OF for said in told.spoken_of)
    likely = dict(zip(RESTAURANT.aspects, RESTAURANT.likelihoods([text])[0], strict=True))
    assert told.unspoken == {aspect for aspect, p in likely.items() if p < UNSPOKEN}


def test_where_an_engine_looked_for_opinions_it_has_the_last_word() -> None:
    known = marks("negative", opinions=())
    assert RESTAURANT.completed(["上菜太慢", "上菜太慢"], [known, marks("negative")])[0] == known
    assert RESTAURANT.completed([], []) == []


def test_of_a_taxonomy_of_ones_own_nothing_is_known() -> None:
    given = [marks("negative")]
    assert linear_aspects("our_cars").completed(["发动机太吵"], given) == given


def test_what_is_judged_and_has_no_word_is_of_the_aspect_that_is_spoken_of() -> None:
    [analysis] = load_pipeline(PipelineConfig(taxonomy="restaurant", engine="fast")).analyze(["时间也太长了吧"])
    [mention] = analysis.segments[0].mentions
    assert mention == Mention("上菜速度", "太长", 3, 5, "太长", 3, 5, "negative")
    assert load_engine("fast").mark(["时间也太长了吧"])[0].spoken_of == ()


def _written(**arrays: np.ndarray) -> bytes:  # type: ignore[type-arg]
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def test_weights_that_are_missing_or_damaged_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for damaged in (b"", shipped_weights()[:1000], _written(weights=np.zeros(1))):
        with pytest.raises(
            EngineError, match=r"^The fast engine's weights \(fast_aspects.npz\) are damaged\. Reinstall"
        ):
            LinearAspects("restaurant", damaged)
    other = _written(
        aspects=np.array(["restaurant/味道"]),
        weights=np.zeros((8, 1), dtype=np.int8),
        scale=np.ones(1),
        bias=np.ones(1),
    )
    with pytest.raises(EngineError, match=r"have shape \(8, 1\), not \(131072, 1\)\. Reinstall yuansheng\.$"):
        LinearAspects("restaurant", other)
    monkeypatch.setattr(aspects, "WEIGHTS", "no.npz")
    shipped_weights.cache_clear()
    with pytest.raises(
        EngineError, match=r"^The fast engine's weights \(no.npz\) are missing\. Reinstall yuansheng\.$"
    ):
        shipped_weights()
    shipped_weights.cache_clear()


def test_other_weights_are_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    from nlp import config

    before = pipeline_version(PipelineConfig(engine="fast"))
    monkeypatch.setattr(aspects, "aspects_version", lambda: "other")
    config._version.cache_clear()
    assert pipeline_version(PipelineConfig(engine="fast")) != before
    config._version.cache_clear()
