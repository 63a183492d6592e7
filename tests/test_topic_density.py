"""Topics as dense places: how many there are, who belongs to them, and that nothing is left to chance."""

import numpy as np
import pytest
from topic_texts import THEMES, ThemeEmbedder, text_of

from nlp.probabilities import Floats
from nlp.topics.density import FLOOR, Space, find_centres, nearest, space_of
from nlp.topics.packing import packed, unpacked


def _themes(each: int, *, loose: int = 0) -> tuple[list[str], Floats]:
    texts = sorted(text_of(theme, n) for theme in THEMES for n in range(each))
    texts += [f"随便说说{n}" for n in range(loose)]
    vectors = ThemeEmbedder().embed(texts)
    return texts, _space(vectors).seen(vectors)


def _space(vectors: Floats) -> Space:
    return space_of(vectors, np.zeros(len(vectors), dtype=np.float32))


def test_every_theme_is_a_topic_and_its_texts_belong_to_it() -> None:
    texts, seen = _themes(60)
    centres = find_centres(seen, least=15)
    assert len(centres) == len(THEMES)
    place, _ = nearest(seen, centres)
    of = {text: int(where) for text, where in zip(texts, place, strict=True)}
    for theme in THEMES:
        assert len({of[text_of(theme, n)] for n in range(60)}) == 1
    assert len({of[text_of(theme, 0)] for theme in THEMES}) == len(THEMES)


def test_texts_that_resemble_nothing_belong_to_no_topic() -> None:
    texts, seen = _themes(60, loose=80)
    place, similarity = nearest(seen, find_centres(seen, least=15))
    loose = np.array(["随便" in text for text in texts])
    assert (place[loose] == -1).mean() > 0.7
    assert (place[~loose] >= 0).all()
    assert ((similarity < FLOOR) == (place == -1)).all()


@pytest.mark.parametrize("each", [0, 1, 5])
def test_what_few_say_is_no_topic(each: int) -> None:
    rng = np.random.default_rng(1)
    seen = rng.normal(size=(max(2, each * 5), 24)).astype(np.float32)
    if each:
        _, seen = _themes(each)
    assert len(find_centres(seen, least=15)) == 0


def test_the_same_rows_give_the_same_centres_to_the_last_bit() -> None:
    _, seen = _themes(60, loose=40)
    assert np.array_equal(find_centres(seen, 15), find_centres(seen.copy(), 15))


def test_copies_of_one_vector_do_not_divide_by_nothing() -> None:
    seen = np.tile(np.eye(1, 24, dtype=np.float32), (40, 1))
    space = _space(seen)
    assert np.isfinite(space.seen(seen)).all()
    assert np.isfinite(find_centres(seen, 15)).all()


@pytest.mark.parametrize("blaming", [100, 5])
def test_praise_and_blame_do_not_tell_texts_apart_where_there_is_enough_of_both(blaming: int) -> None:
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(200, 8)).astype(np.float32)
    leaning = np.where(np.arange(200) < blaming, -1.0, 1.0).astype(np.float32)
    vectors[:, 0] += 9 * leaning
    gone = np.abs(space_of(vectors, leaning).seen(vectors)[:, 0]).max() < 0.5
    assert gone == (blaming == 100)


def test_packing_loses_less_than_half_a_per_cent() -> None:
    vectors = np.random.default_rng(5).normal(size=(50, 384)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    again = unpacked(packed(vectors))
    assert again.shape == vectors.shape
    assert (np.abs(again - vectors) <= np.abs(vectors).max(axis=1, keepdims=True) * 0.0041).all()
    cosines = (again * vectors).sum(axis=1) / np.linalg.norm(again, axis=1)
    assert cosines.min() > 0.9999
