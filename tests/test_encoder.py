"""The encoder's reader and engine, on an encoder of a few numbers: what a text gets depends on it alone, and none is cut."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_encoder import CLASSES, WIDTH, make_encoder

from nlp.config import PipelineConfig, pipeline_version
from nlp.encoder.engine import EncoderEngine
from nlp.encoder.reader import WINDOW, Reader, windows
from nlp.engine import load_engine
from nlp.errors import EngineError
from nlp.pipeline import load_pipeline

TEXTS = st.lists(st.text("好差物流慢快，。吗？买的x ", max_size=300) | st.text(max_size=20), max_size=8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="module")
def engine(folder: Path) -> EncoderEngine:
    return EncoderEngine.load(folder)


@settings(max_examples=60, deadline=None)
@given(texts=TEXTS, seed=st.randoms(use_true_random=False))
def test_what_is_said_of_a_text_does_not_depend_on_the_others(
    engine: EncoderEngine, texts: list[str], seed: object
) -> None:
    together = engine.mark(texts)
    assert together == [engine.mark([text])[0] for text in texts]
    order = list(range(len(texts)))
    seed.shuffle(order)  # type: ignore[attr-defined]
    assert engine.mark([texts[n] for n in order]) == [together[n] for n in order]


@given(ids=st.lists(st.integers(3, 99), max_size=3 * WINDOW))
def test_windows_hold_every_token_once_between_special_ones(ids: list[int]) -> None:
    found = windows([0, *ids, 2])
    assert all(window[0] == 0 and window[-1] == 2 and len(window) <= WINDOW for window in found)
    assert [token for window in found for token in window[1:-1]] == ids
    lengths = [len(window) for window in found]
    assert max(lengths) - min(lengths) <= 1


def test_the_end_of_a_long_text_counts(engine: EncoderEngine) -> None:
    long = "物流快。" * 400
    assert engine.mark([long + "差" * 900]) != engine.mark([long + "好" * 900])
    readings = engine.reader.read([long, "物流快。" * 47])
    assert np.linalg.norm(readings.embeddings, axis=1) == pytest.approx([1.0, 1.0], abs=1e-5)
    # All windows say nearly the same here, so their mean does.
    assert readings.logits["sentiment"][0] == pytest.approx(readings.logits["sentiment"][1], abs=0.05)


def test_no_text_gives_no_row_and_an_empty_text_gives_one(engine: EncoderEngine) -> None:
    assert engine.mark([]) == []
    readings = engine.reader.read([])
    assert {name: logits.shape for name, logits in readings.logits.items()} == {
        name: (0, len(classes)) for name, classes in CLASSES.items()
    }
    assert readings.embeddings.shape == (0, WIDTH)
    assert len(engine.mark(["", "\x00", "好"])) == 3


def test_a_temperature_flattens_and_an_offset_favours(folder: Path, tmp_path: Path) -> None:
    [plain] = EncoderEngine.load(folder).mark(["物流慢"])
    hot = make_encoder(tmp_path / "hot", temperatures={"sentiment": 50.0, "intent": 1.0, "stage": 1.0})
    [flat] = EncoderEngine.load(hot).mark(["物流慢"])
    assert (flat.sentiment, flat.intent_confidence) == (plain.sentiment, plain.intent_confidence)
    assert flat.sentiment_confidence == pytest.approx(1 / 3, abs=0.05)
    offsets = {name: [0.0] * len(classes) for name, classes in CLASSES.items()}
    bent = make_encoder(tmp_path / "bent", offsets={**offsets, "stage": [0.0] * 5 + [99.0, 0.0]})
    [favoured] = EncoderEngine.load(bent).mark(["物流慢"])
    assert (favoured.stage, favoured.stage_confidence) == ("loyalty", 1.0)
    assert len({EncoderEngine.load(each).version for each in (folder, hot, bent)}) == 3


def test_probabilities_are_what_the_logits_say(engine: EncoderEngine) -> None:
    readings = engine.reader.read(["物流慢"])
    [logits] = readings.logits["sentiment"].tolist()
    powers = [math.exp(logit) for logit in logits]
    expected = [power / sum(powers) for power in powers]
    assert engine.probabilities(readings, "sentiment")[0].tolist() == pytest.approx(expected, rel=1e-5)
    [marks] = engine.mark(["物流慢"])
    assert marks.sentiment_score == pytest.approx(expected[2] - expected[0], abs=1e-4)
    assert marks.sentiment_confidence == pytest.approx(max(expected), abs=1e-4)


def test_a_folder_is_an_engine_of_the_pipeline(folder: Path) -> None:
    config = PipelineConfig(engine=str(folder))
    assert pipeline_version(config).startswith("encoder-")  # and does not name the folder
    text = "物流慢，但是好"
    [analysis] = load_pipeline(config).analyze([text])
    segments = [text[segment.start : segment.end] for segment in analysis.segments]
    assert len(segments) == 2
    assert [segment.marks for segment in analysis.segments] == EncoderEngine.load(folder).mark(segments)


def test_what_is_no_encoder_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(EngineError) as caught:
        load_engine(str(tmp_path))
    assert str(caught.value) == f"No engine named '{tmp_path}'. Known: fast, or the folder of an encoder."
    with pytest.raises(EngineError) as caught:
        Reader(tmp_path)
    assert str(caught.value) == f"There is no encoder in {tmp_path}: it has no encoder.json."
    (tmp_path / "encoder.json").write_text('{"graph": "x.onnx"}', encoding="utf-8")
    with pytest.raises(
        EngineError, match=r"encoder\.json is not the description of an encoder: KeyError\('classes'\)\.$"
    ):
        Reader(tmp_path)
    make_encoder(tmp_path)
    (tmp_path / "encoder.onnx").write_bytes(b"no graph")
    with pytest.raises(EngineError, match=f"The encoder in {tmp_path} can't be loaded: "):
        Reader(tmp_path)
    other = make_encoder(tmp_path / "other", classes={**CLASSES, "sentiment": ["bad", "good", "so so"]})
    with pytest.raises(EngineError) as caught:
        EncoderEngine.load(other)
    assert (
        str(caught.value) == "The encoder's classes of sentiment are bad, good, so so, not negative, neutral, positive."
    )
