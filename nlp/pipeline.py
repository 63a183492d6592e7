"""The spaCy pipeline: jieba tokens, segments, an engine's marks, a taxonomy's aspects.

    tokenizer    yuansheng.jieba.v1
    segmenter    sets  doc._.segments   spans as (start, end)
    marker       sets  doc._.marks      one Marks per segment, from an engine
    aspects      sets  doc._.mentions   one tuple of Mention per segment, and doc._.open_mentions

A third party's step is a spaCy component like these, added by its name with `steps`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from functools import cache
from itertools import islice

import spacy
from spacy.language import Language
from spacy.tokens import Doc

import nlp.components  # noqa: F401  (registers the components above)
from nlp.config import PipelineConfig, pipeline_version
from nlp.engine import load_engine
from nlp.errors import UnusableText
from nlp.language import detect_language
from nlp.marks import Analysis, Segment
from nlp.taxonomy import load_taxonomy

BATCH_SIZE = 256
MOST_WORDS = 100_000  # about 50 MB


class Pipeline:
    """Analyses texts. `version` names everything that decides the marks; equal versions give equal marks."""

    def __init__(self, config: PipelineConfig) -> None:
        self.config = config
        self.taxonomy = load_taxonomy(config.taxonomy)
        self.engine = load_engine(config.engine, config.sentiment)
        self.language = _language(config)
        self.version = pipeline_version(config)

    def analyze(self, texts: Iterable[str]) -> Iterator[Analysis]:
        """One `Analysis` per text, in order, lazily. A text that can't be analysed gets `error`; the others go on."""
        stream = iter(texts)
        while batch := list(islice(stream, BATCH_SIZE)):
            yield from self._batch(batch)

    def _batch(self, texts: Sequence[str]) -> Iterator[Analysis]:
        if len(self.language.vocab) > MOST_WORDS:
            # spaCy keeps every word it has ever seen; a fresh vocabulary now and then keeps memory level.
            self.language = _language(self.config)
        language = self.language
        docs: list[Doc | None] = []
        errors: dict[int, str] = {}
        for position, text in enumerate(texts):
            try:
                docs.append(language.make_doc(text))
            except UnusableText as error:
                errors[position] = str(error)
                docs.append(None)
        done = language.pipe((doc for doc in docs if doc is not None), batch_size=BATCH_SIZE)
        for position, doc in enumerate(docs):
            yield Analysis(error=errors[position]) if doc is None else _analysis(texts[position], next(done))


def load_pipeline(config: PipelineConfig) -> Pipeline:
    """The pipeline of a configuration, built once a process and once more when its taxonomy was edited."""
    return _load(config, pipeline_version(config))


@cache
def _load(config: PipelineConfig, version: str) -> Pipeline:  # noqa: ARG001  (the version is there to tell calls apart)
    return Pipeline(config)


def _language(config: PipelineConfig) -> Language:
    language = spacy.blank(
        "zh", config={"nlp": {"tokenizer": {"@tokenizers": "yuansheng.jieba.v1", "words": list(config.words)}}}
    )
    language.max_length = 10**9  # the tokenizer holds the limit and says so in its own words
    language.add_pipe("yuansheng_segmenter", config={"whole": config.whole})
    language.add_pipe(
        "yuansheng_marker",
        config={"engine": config.engine, "sentiment": asdict(config.sentiment) if config.sentiment else None},
    )
    language.add_pipe("yuansheng_aspects", config={"taxonomy": config.taxonomy})
    for step in config.steps:
        language.add_pipe(step)
    return language


def _analysis(text: str, doc: Doc) -> Analysis:
    segments = tuple(
        Segment(start, end, *said)
        for (start, end), *said in zip(doc._.segments, doc._.marks, doc._.mentions, doc._.open_mentions, strict=True)
    )
    return Analysis(detect_language(text), segments)
