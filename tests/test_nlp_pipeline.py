import pickle
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from feedback_texts import ANALYSABLE
from hypothesis import example, given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc

import nlp.config
import nlp.engine
import nlp.pipeline
from nlp.config import PipelineConfig, pipeline_version
from nlp.errors import EngineError, TaxonomyError
from nlp.marks import Analysis, Marks, Mention, Segment
from nlp.pipeline import BATCH_SIZE, Pipeline, load_pipeline
from nlp.taxonomy import builtin_text

CONFIG = PipelineConfig()
PIPELINE = load_pipeline(CONFIG)
UNUSABLE = ("好\x00用", "\ud83d物流", "慢" * 1_000_001)
ANY_TEXTS = st.lists(ANALYSABLE | st.sampled_from(UNUSABLE[:2]), max_size=8)


class LengthEngine:
    """Marks that follow from the segment's length alone, so that whole analyses can be asserted."""

    name = "length"
    version = "1"

    def mark(self, segments: Sequence[str]) -> list[Marks]:
        return [Marks("neutral", len(text) / 1000, 0.5, "statement", 0.5, "none", 0.5) for text in segments]


@pytest.fixture
def length_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(nlp.engine._LOADERS, "length", LengthEngine)


def analyze(*texts: str, config: PipelineConfig = CONFIG) -> list[Analysis]:
    return list(load_pipeline(config).analyze(texts))


@pytest.mark.usefixtures("length_engine")
def test_an_analysis_holds_language_segments_marks_and_mentions() -> None:
    def marks(length: int) -> Marks:
        return Marks("neutral", length / 1000, 0.5, "statement", 0.5, "none", 0.5)

    assert analyze("快递到了，但是包裝太差。", config=PipelineConfig(engine="length", taxonomy="retail")) == [
        Analysis(
            "zh",
            (
                Segment(0, 4, marks(4), (Mention("物流", "快递", 0, 2, None, None, None, "neutral"),)),
                Segment(5, 12, marks(7), (Mention("包装", "包裝", 7, 9, "太差", 9, 11, "negative"),)),
            ),
        )
    ]


@pytest.mark.parametrize("text", ["", " \n\u3000", "\u00a0", "，"])
def test_a_text_without_words_has_no_segments_and_is_no_error(text: str) -> None:
    assert analyze(text) == [Analysis("und")]


def test_the_segments_of_a_turn_are_judged_apart() -> None:
    [analysis] = analyze("味道很好，非常满意，但是质量太差了，再也不买")
    assert [s.marks.sentiment for s in analysis.segments] == ["positive", "positive", "negative", "negative"]


def test_an_unusable_text_is_answered_with_its_error_and_the_others_go_on() -> None:
    good = "物流太慢了"
    [alone] = analyze(good)
    assert analyze(UNUSABLE[0], good, UNUSABLE[1], UNUSABLE[2], good) == [
        Analysis(error="the text holds a NUL character"),
        alone,
        Analysis(error="the text holds half a character (a lone surrogate)"),
        Analysis(error="the text has 1,000,001 characters, more than 1,000,000"),
        alone,
    ]


def test_a_bug_in_a_step_is_no_error_of_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Sequence[str]) -> list[Marks]:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(PIPELINE.engine, "mark", broken, raising=True)
    with pytest.raises(ZeroDivisionError, match=r"^a bug$"):
        analyze("物流太慢了")


@settings(max_examples=50)
@given(ANALYSABLE)
@example("İẞ物流太慢了！客服態度不差")
def test_all_offsets_lead_back_into_the_text(text: str) -> None:
    [analysis] = analyze(text)
    assert analysis.error is None
    end_before = 0
    for segment in analysis.segments:
        assert end_before <= segment.start < segment.end <= len(text)
        end_before = segment.end
        for mention in segment.mentions:
            assert segment.start <= mention.start < mention.end <= segment.end
            assert text[mention.start : mention.end] == mention.term
            if mention.opinion is None:
                assert (mention.opinion_start, mention.opinion_end) == (None, None)
            else:
                assert mention.opinion_start is not None
                assert mention.opinion_end is not None
                assert segment.start <= mention.opinion_start < mention.opinion_end <= segment.end
                assert text[mention.opinion_start : mention.opinion_end] == mention.opinion


@settings(max_examples=40)
@given(ANY_TEXTS, st.randoms(use_true_random=False))
def test_an_analysis_does_not_depend_on_neighbours_order_or_batch(texts: list[str], shuffler: random.Random) -> None:
    together = analyze(*texts)
    assert [analyze(text)[0] for text in texts] == together
    order = list(range(len(texts)))
    shuffler.shuffle(order)
    assert analyze(*(texts[n] for n in order)) == [together[n] for n in order]


def test_many_batches_give_what_small_ones_give() -> None:
    texts = [f"{'物流' * (n % 3)}第{n}次太慢了，但是客服{'很' * (n % 5)}好。" for n in range(2 * BATCH_SIZE + 3)]
    texts[BATCH_SIZE - 1] = texts[BATCH_SIZE] = UNUSABLE[0]
    assert analyze(*texts) == [a for start in range(0, len(texts), 5) for a in analyze(*texts[start : start + 5])]


def test_texts_are_read_a_batch_at_a_time() -> None:
    read: list[int] = []

    def texts() -> Iterator[str]:
        for number in range(10 * BATCH_SIZE):
            read.append(number)
            yield "贵"

    assert next(PIPELINE.analyze(texts())).language == "zh"
    assert len(read) == BATCH_SIZE


def test_the_vocabulary_does_not_grow_with_what_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nlp.pipeline, "MOST_WORDS", 50)
    texts = [f"物流很快，型号abc{n}" for n in range(8 * BATCH_SIZE)]
    pipeline = Pipeline(CONFIG)
    assert list(pipeline.analyze(texts)) == list(PIPELINE.analyze(texts))
    assert len(pipeline.language.vocab) < 2 * BATCH_SIZE


def test_a_whole_text_is_one_segment_without_blanks_at_its_edges() -> None:
    text = " \u00a0物流太慢了，但是客服很好。\n包装破了\n"
    [analysis] = analyze(text, config=PipelineConfig(whole=True))
    assert [text[s.start : s.end] for s in analysis.segments] == ["物流太慢了，但是客服很好。\n包装破了"]
    assert analyze("\n ", config=PipelineConfig(whole=True)) == [Analysis("und")]


def test_pipelines_with_other_words_do_not_influence_each_other() -> None:
    # "价" is meant only as a token of its own, so a project's word changes the mentions.
    text = "价不错"
    plain, own = CONFIG, PipelineConfig(words=("价不错",))
    before = analyze(text)
    changed = analyze(text, config=own)
    assert [m.term for s in before[0].segments for m in s.mentions] == ["价"]
    assert [m.term for s in changed[0].segments for m in s.mentions] == ["不错"]  # by what the segment speaks of
    assert analyze(text, config=plain) == before
    assert list(Pipeline(CONFIG).analyze([text])) == before


def test_a_configuration_travels_to_another_process_and_gives_the_same_marks_there() -> None:
    config = PipelineConfig(taxonomy="restaurant", words=("云价",), whole=True)
    assert pickle.loads(pickle.dumps(config)) == config
    script = (
        "import pickle, sys\n"
        "from nlp.pipeline import load_pipeline\n"
        "config, texts = pickle.loads(sys.stdin.buffer.read())\n"
        "pipeline = load_pipeline(config)\n"
        "sys.stdout.buffer.write(pickle.dumps((pipeline.version, list(pipeline.analyze(texts)))))\n"
    )
    texts = ["上菜太慢了，但是味道很好", "\x00", ""]
    run = subprocess.run(
        [sys.executable, "-c", script], input=pickle.dumps((config, texts)), capture_output=True, check=True
    )
    assert pickle.loads(run.stdout) == (load_pipeline(config).version, analyze(*texts, config=config))


@pytest.mark.usefixtures("length_engine")
def test_the_version_changes_with_everything_that_decides_marks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taxonomy = tmp_path / "mine.toml"
    taxonomy.write_text(builtin_text("retail") + "# a remark\n", encoding="utf-8")
    configs = [
        CONFIG,
        replace(CONFIG, taxonomy="hotel"),
        replace(CONFIG, taxonomy=str(taxonomy)),
        replace(CONFIG, engine="length"),
        replace(CONFIG, words=("云价",)),
        replace(CONFIG, words=("云", "价")),
        replace(CONFIG, steps=("sentencizer",)),
        replace(CONFIG, whole=True),
    ]
    versions = [pipeline_version(config) for config in configs]
    assert len(set(versions)) == len(configs)
    assert [load_pipeline(config).version for config in (CONFIG, configs[1])] == versions[:2]
    monkeypatch.setattr(nlp.config, "CODE_VERSION", "of tomorrow")
    nlp.config._version.cache_clear()
    assert pipeline_version(CONFIG) not in versions
    monkeypatch.undo()
    nlp.config._version.cache_clear()
    assert pipeline_version(CONFIG) == versions[0]


def test_a_copy_of_a_taxonomy_has_its_version_and_an_edited_one_is_read_anew(tmp_path: Path) -> None:
    taxonomy = tmp_path / "mine.toml"
    taxonomy.write_text(builtin_text("retail"), encoding="utf-8")
    config = PipelineConfig(taxonomy=str(taxonomy))
    assert load_pipeline(config).version == pipeline_version(CONFIG)
    assert load_pipeline(config) is load_pipeline(config)
    taxonomy.write_text(builtin_text("retail").replace('"物流"', '"配送物流"'), encoding="utf-8")
    assert load_pipeline(config).version == pipeline_version(config) != pipeline_version(CONFIG)


def test_an_unknown_engine_or_taxonomy_is_an_error_at_once() -> None:
    with pytest.raises(
        EngineError, match=r"^No engine named 'slow'\. Known: auto, encoder, fast, or the folder of an encoder\.$"
    ):
        load_pipeline(PipelineConfig(engine="slow"))
    with pytest.raises(TaxonomyError, match=r"^No built-in taxonomy named 'shops'\. Known: auto, beauty, "):
        load_pipeline(PipelineConfig(taxonomy="shops"))


def test_a_third_partys_component_takes_part_by_its_name() -> None:
    @Language.component("without_mentions_for_test")
    def without_mentions(doc: Doc) -> Doc:
        doc._.mentions = [() for _ in doc._.segments]
        return doc

    config = PipelineConfig(steps=("without_mentions_for_test",))
    assert load_pipeline(config).language.pipe_names == [
        "yuansheng_segmenter",
        "yuansheng_marker",
        "yuansheng_aspects",
        "without_mentions_for_test",
    ]
    [[segment]] = [a.segments for a in analyze("物流太慢了", config=config)]
    assert segment.mentions == ()
