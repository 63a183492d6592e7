"""How the answers of the encoder's parts are weighed. The logits are drawn."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("scipy", reason="scipy is not installed: make test-torch installs it and runs these")

from nlp.encoder.description import ANSWERERS, EXIT, FAST
from nlp.encoder.engine import QUESTIONS
from nlp.training.encoder.calibrate import Answers, calibration_error, cross_fitted, share_right

NEVER = {who: dict.fromkeys(QUESTIONS, 2.0) for who in (FAST, EXIT)}
AT_ONCE = {who: dict.fromkeys(QUESTIONS, 0.0) for who in (FAST, EXIT)}


def drawn(count: int, loudness: float) -> Answers:
    """Texts of which every answerer knows equally well what is right, and is `loudness` times too sure of it."""
    chance = np.random.default_rng(5)
    logits, right = {}, {}
    for question, classes in QUESTIONS.items():
        knows = chance.normal(0, 1.5, (count, len(classes))).astype(np.float32)
        likely = np.exp(knows) / np.exp(knows).sum(axis=1, keepdims=True)
        place = (likely.cumsum(axis=1) < chance.random((count, 1))).sum(axis=1).clip(max=len(classes) - 1)
        logits[question], right[question] = knows * loudness, np.eye(len(classes), dtype=bool)[place]
    everything = np.ones(count, dtype=bool)
    return Answers(
        dict.fromkeys(ANSWERERS, logits),
        right,
        apart=~everything,
        decides=dict.fromkeys(QUESTIONS, everything),
        disputed=np.zeros((count, len(QUESTIONS["sentiment"])), dtype=bool),
        length=np.full(count, 20),
    )


def test_a_confidence_that_was_fitted_on_other_texts_means_what_it_says() -> None:
    found = cross_fitted(drawn(1200, loudness=4.0), [], NEVER)
    for engine in ("encoder", "auto"):
        for question, (said, right) in found[engine].items():
            assert said.shape == right.shape == (1200, len(QUESTIONS[question]))
            assert calibration_error(said, right) < 0.06
            assert share_right(said, right) > 0.4
    assert all(np.array_equal(found["encoder"][q][0], found["auto"][q][0]) for q in QUESTIONS)


def test_auto_is_measured_by_what_those_said_who_were_sure_enough() -> None:
    given = drawn(300, loudness=1.0)
    quiet = {question: said * 0 for question, said in given.logits[FAST].items()}
    mute = replace(given, logits={**given.logits, FAST: quiet})
    found = cross_fitted(mute, [], AT_ONCE)
    for question in QUESTIONS:
        said, _ = found["auto"][question]
        assert len(np.unique(said.round(6), axis=0)) <= 2  # the fast engine's, which knows nothing: one answer a half
        assert len(np.unique(found["encoder"][question][0].round(6), axis=0)) > 200


def test_auto_is_measured_by_the_last_where_words_dispute_what_was_said() -> None:
    given = drawn(300, loudness=1.0)
    disputed = replace(given, disputed=~given.disputed)
    found = cross_fitted(disputed, [], AT_ONCE)
    assert all(np.array_equal(found["encoder"][q][0], found["auto"][q][0]) for q in QUESTIONS)
