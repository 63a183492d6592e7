"""The encoder's reader and engines, on an encoder of a few numbers: what a text gets depends on it alone, and none is cut."""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_encoder import CLASSES, WIDTH, make_encoder, steps

from nlp.config import PipelineConfig, pipeline_version
from nlp.encoder.engine import SEVERAL_OPINIONS, EncoderEngine
from nlp.encoder.reader import WINDOW, Reader, windows
from nlp.engine import load_engine
from nlp.errors import EngineError
from nlp.fast.engine import FastEngine
from nlp.marks import EMOTIONS
from nlp.pipeline import load_pipeline
from nlp.probabilities import softmax

TEXTS = st.lists(st.text("好差物流慢快，。吗？买的x ", max_size=300) | st.text(max_size=20), max_size=8)
ROOT = Path(__file__).parent.parent
MOST = ["sentiment", "intent", "stage"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="module")
def engine(folder: Path) -> EncoderEngine:
    return EncoderEngine.load(folder)


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> EncoderEngine:
    """One that is sure from half on, and weighs all that was said."""
    said = steps(sure=0.5)
    for step in said["last"].values():
        step["weights"] = {"fast": 0.2, "exit": 0.3, "last": 0.5}
    return EncoderEngine.load(make_encoder(tmp_path_factory.mktemp("hasty"), steps=said), hasty=True)


@settings(max_examples=40, deadline=None)
@given(texts=TEXTS, seed=st.randoms(use_true_random=False))
@pytest.mark.parametrize("which", ["engine", "hasty"])
def test_what_is_said_of_a_text_does_not_depend_on_the_others(
    request: pytest.FixtureRequest, which: str, texts: list[str], seed: object
) -> None:
    engine: EncoderEngine = request.getfixturevalue(which)
    together = engine.mark(texts)
    assert together == [engine.mark([text])[0] for text in texts]
    order = list(range(len(texts)))
    seed.shuffle(order)  # type: ignore[attr-defined]
    assert engine.mark([texts[n] for n in order]) == [together[n] for n in order]


@given(
    tokens=st.lists(st.integers(3, 99), max_size=3 * WINDOW),
    most=st.integers(1, WINDOW),
    ends=st.frozensets(st.integers(3, 99), max_size=4),
)
def test_windows_hold_every_token_once(tokens: list[int], most: int, ends: frozenset[int]) -> None:
    found = windows(tokens, most, ends)
    assert all(len(window) <= most for window in found)
    assert [token for window in found for token in window] == tokens
    assert len(found) == max(1, -(-len(tokens) // most))
    lengths = [len(window) for window in windows(tokens, most)]
    assert max(lengths) - min(lengths) <= 1


def test_windows_end_where_sentences_do() -> None:
    stop = 9
    sentences = [5] * 80 + [stop] + [6] * 50 + [stop] + [7] * 90 + [stop]
    assert [window[-1] for window in windows(sentences, 150, {stop})] == [stop, stop]
    assert len(windows(sentences, 150, {stop})[0]) == 132


def test_the_end_of_a_long_text_counts(engine: EncoderEngine) -> None:
    long = "物流快。" * 400
    assert engine.mark([long + "差" * 900]) != engine.mark([long + "好" * 900])
    short, many = engine.reader.read(["物流快。" * 47, long])
    assert short.windows == 1
    assert many.windows > 8
    assert short.last is not None
    assert many.last is not None
    assert np.linalg.norm(many.embedding) == pytest.approx(1.0, abs=1e-5)
    # All windows say nearly the same here, so their mean does.
    assert many.last["sentiment"] == pytest.approx(short.last["sentiment"], abs=0.05)


def test_no_text_gives_no_reading_and_an_empty_text_gives_one(engine: EncoderEngine) -> None:
    assert engine.mark([]) == []
    assert engine.reader.read([]) == []
    [reading] = engine.reader.read([""])
    assert reading.last is not None
    assert {name: logits.shape for name, logits in reading.last.items()} == {
        name: (len(classes),) for name, classes in CLASSES.items()
    }
    assert reading.embedding is not None
    assert reading.embedding.shape == (WIDTH,)
    assert len(engine.mark(["", "\x00", "好"])) == 3


def test_weights_flatten_and_offsets_favour(folder: Path, tmp_path: Path) -> None:
    [plain] = EncoderEngine.load(folder).mark(["物流慢"])
    said = steps()
    said["last"]["sentiment"]["weights"] = {"last": 0.02}
    said["last"]["stage"]["offsets"] = [0.0] * 5 + [99.0, 0.0]
    bent = EncoderEngine.load(make_encoder(tmp_path, steps=said))
    [marks] = bent.mark(["物流慢"])
    assert (marks.sentiment, marks.intent, marks.intent_confidence) == (
        plain.sentiment,
        plain.intent,
        plain.intent_confidence,
    )
    assert marks.sentiment_confidence == pytest.approx(1 / 3, abs=0.05)
    assert (marks.stage, marks.stage_confidence) == ("loyalty", 1.0)
    assert bent.version != EncoderEngine.load(folder).version


def test_long_texts_in_traditional_characters_have_a_scale_of_their_own(tmp_path: Path) -> None:
    scale = {"slope": 0.25, "negative": -9.0, "positive": 0.5}
    said = steps(sure=0.0)
    folder = make_encoder(tmp_path, traditional=scale, steps=said)
    texts = ["東西慢", "东西慢" * 40, "東西慢" * 40]
    [reading] = Reader(folder).read(texts[2:])
    assert reading.last is not None
    lean = 0.25 * float(reading.last["sentiment"][2] - reading.last["sentiment"][0])
    powers = [math.exp(-9.0 - lean), 1.0, math.exp(0.5 + lean)]
    expected = [power / sum(powers) for power in powers]
    for hasty in (False, True):  # `auto` does not stop at such a text, however sure the others are
        short, simplified, traditional = EncoderEngine.load(folder, hasty=hasty).mark(texts)
        assert traditional.sentiment_confidence == pytest.approx(max(expected), abs=1e-4)
        assert traditional.sentiment_score == pytest.approx(expected[2] - expected[0], abs=1e-4)
        assert short.sentiment_confidence != traditional.sentiment_confidence != simplified.sentiment_confidence


def test_what_all_answerers_say_adds_up(tmp_path: Path) -> None:
    said = steps()
    for step in said["last"].values():
        step["weights"] = {"fast": 0.5, "exit": 0.25, "last": 2.0}
    engine = EncoderEngine.load(make_encoder(tmp_path, steps=said))
    fast = FastEngine.load().logits(["物流慢"])
    [reading] = engine.reader.read(["物流慢"])
    assert reading.last is not None
    for question, confidence in zip(
        MOST, ("sentiment_confidence", "intent_confidence", "stage_confidence"), strict=True
    ):
        total = 0.5 * fast[question][0] + 0.25 * reading.exit[question] + 2.0 * reading.last[question]
        expected = max(math.exp(each) for each in total) / sum(math.exp(each) for each in total)
        assert getattr(engine.mark(["物流慢"])[0], confidence) == pytest.approx(expected, abs=1e-4)


def test_auto_stops_at_the_first_answerer_that_is_sure_of_everything(tmp_path: Path) -> None:
    text = "物流慢"
    fast = FastEngine.load().logits([text])
    [reading] = Reader(make_encoder(tmp_path / "plain")).read([text])

    def asked_until(who: str) -> float:
        said = steps()
        for question in MOST:
            said[who][question]["sure"] = 0.0
        engine = EncoderEngine.load(make_encoder(tmp_path / who, steps=said), hasty=True)
        return engine.mark([text])[0].stage_confidence

    assert asked_until("fast") == pytest.approx(float(softmax(fast["stage"]).max()), abs=1e-4)
    assert asked_until("exit") == pytest.approx(float(softmax(reading.exit["stage"][None]).max()), abs=1e-4)
    said = steps()
    said["fast"]["stage"]["sure"] = said["exit"]["intent"]["sure"] = 0.0  # not sure of everything
    engine = EncoderEngine.load(make_encoder(tmp_path / "last", steps=said), hasty=True)
    assert reading.last is not None
    expected = float(softmax(reading.last["stage"][None]).max())
    assert engine.mark([text])[0].stage_confidence == pytest.approx(expected, abs=1e-4)


def test_of_a_whole_review_the_sentiment_alone_decides(tmp_path: Path) -> None:
    said = steps()
    said["fast"]["sentiment"]["sure"] = 0.0  # and never sure of the rest
    hasty = EncoderEngine.load(make_encoder(tmp_path, steps=said), hasty=True)
    opinion, review = "物流慢", "物流慢，" * (SEVERAL_OPINIONS // 4) + "真的慢"
    stages = softmax(hasty.fast.logits([opinion, review])["stage"]).max(axis=1)
    marks = hasty.mark([opinion, review])
    assert marks[1].stage_confidence == pytest.approx(float(stages[1]), abs=1e-4)
    assert marks[0].stage_confidence != pytest.approx(float(stages[0]), abs=1e-4)


def test_auto_does_not_stop_at_a_sentiment_that_an_opinions_words_dispute(tmp_path: Path) -> None:
    said = steps()
    for who in ("fast", "exit"):
        for question in MOST:
            said[who][question]["sure"] = 0.0
        said[who]["sentiment"]["offsets"] = [-40.0, -40.0, 40.0]  # praise, whatever it is
    said["last"]["sentiment"]["offsets"] = [40.0, -40.0, -40.0]  # and blame
    hasty = EncoderEngine.load(make_encoder(tmp_path, steps=said), hasty=True)
    review = "物流太慢，" * (SEVERAL_OPINIONS // 5) + "真的太慢"
    texts = ["物流太慢", "物流很快", "物流很快，价格一般", "昨天下的单", review]
    read_to_the_end = [each.sentiment == "negative" for each in hasty.mark(texts)]
    assert read_to_the_end == [True, False, True, False, False]


def test_an_engine_loads_without_a_word(folder: Path) -> None:
    """Where PyTorch is not installed, `transformers` would advise to install it."""
    code = f"from nlp.engine import load_engine; load_engine({str(folder)!r}).mark(['好'])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_only_an_encoder_that_reads_every_text_tells_emotions(engine: EncoderEngine, hasty: EncoderEngine) -> None:
    [reading] = engine.reader.read(["物流慢"])
    assert reading.last is not None
    assert engine.mark(["物流慢"])[0].emotion == EMOTIONS[int(reading.last["emotion"].argmax())]
    assert hasty.mark(["物流慢"])[0].emotion is None


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
    assert (
        str(caught.value) == f"No engine named '{tmp_path}'. Known: auto, encoder, fast, or the folder of an encoder."
    )
    with pytest.raises(EngineError) as caught:
        Reader(tmp_path)
    assert str(caught.value) == f"There is no encoder in {tmp_path}: it has no encoder.json."
    (tmp_path / "encoder.json").write_text('{"lower": "x.onnx"}', encoding="utf-8")
    with pytest.raises(
        EngineError, match=r"encoder\.json is not the description of an encoder: KeyError\('upper'\)\.$"
    ):
        Reader(tmp_path)
    strange = steps()
    strange["fast"]["stage"]["weights"] = {"exit": 1.0}
    with pytest.raises(EngineError, match="'exit' has not been asked by then"):
        Reader(make_encoder(tmp_path / "strange", steps=strange))
    make_encoder(tmp_path)
    (tmp_path / "upper.onnx").write_bytes(b"no graph")
    with pytest.raises(EngineError, match=f"The encoder in {tmp_path} can't be loaded: "):
        Reader(tmp_path)
    other = make_encoder(tmp_path / "other", classes={**CLASSES, "sentiment": ["bad", "good", "so so"]})
    with pytest.raises(EngineError) as caught:
        EncoderEngine.load(other)
    assert (
        str(caught.value) == "The encoder's classes of sentiment are bad, good, so so, not negative, neutral, positive."
    )


def test_embeddings_alone_are_those_of_a_reading(engine: EncoderEngine) -> None:
    texts = ["物流很快", "", "好" * 500 + "。差" * 300]
    read = [reading.embedding for reading in engine.reader.read(texts)]
    assert np.array_equal(engine.reader.embed(texts), np.stack([each for each in read if each is not None]))
