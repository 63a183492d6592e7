"""The pipeline's components, registered with spaCy by name. Each declares what it sets."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from nlp.aspects import AspectFinder, Folded
from nlp.engine import Engine, load_engine
from nlp.fast.aspects import linear_aspects
from nlp.marks import Marks
from nlp.normalize import fold
from nlp.segmenter import segment
from nlp.sentiment_model import SentimentModel
from nlp.taxonomy import load_taxonomy

_TEXT = "yuansheng_text"

# Without force=True a second import under another name would raise; the definitions are the same.
Doc.set_extension("segments", default=(), force=True)
Doc.set_extension("marks", default=(), force=True)
Doc.set_extension("mentions", default=(), force=True)
Doc.set_extension("open_mentions", default=(), force=True)


@Language.factory("yuansheng_segmenter", assigns=["doc._.segments"], default_config={"whole": False})
def create_segmenter(nlp: Language, name: str, whole: bool) -> Any:  # noqa: ARG001  (spaCy calls by these names)
    return _Segmenter(whole)


@Language.factory(
    "yuansheng_marker", requires=["doc._.segments"], assigns=["doc._.marks"], default_config={"sentiment": None}
)
def create_marker(nlp: Language, name: str, engine: str, sentiment: dict[str, Any] | None) -> Any:  # noqa: ARG001
    if sentiment is None:
        return _Marker(load_engine(engine))
    pairs = tuple((label, meaning) for label, meaning in sentiment["labels"])  # spaCy makes lists of them
    return _Marker(load_engine(engine, SentimentModel(sentiment["model"], pairs)))


@Language.factory(
    "yuansheng_aspects",
    requires=["doc._.segments", "doc._.marks"],
    assigns=["doc._.mentions", "doc._.open_mentions"],
)
def create_aspects(nlp: Language, name: str, taxonomy: str) -> Any:  # noqa: ARG001
    return _Aspects(taxonomy)


def _text(doc: Doc) -> str:
    """What `doc.text` is, which spaCy joins from the tokens at every access."""
    text: str | None = doc.user_data.get(_TEXT)
    if text is None:
        text = doc.user_data[_TEXT] = doc.text
    return text


class _Segmenter:
    def __init__(self, whole: bool) -> None:
        self._whole = whole

    def __call__(self, doc: Doc) -> Doc:
        text = _text(doc)
        if self._whole:
            start = len(text) - len(text.lstrip())
            end = len(text.rstrip())
            doc._.segments = [(start, end)] if end > start else []
        else:
            doc._.segments = segment(text)
        return doc


class _Marker:
    """Asks the engine about the segments of many texts at once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __call__(self, doc: Doc) -> Doc:
        return next(self.pipe([doc]))

    def pipe(self, stream: Iterable[Doc], batch_size: int = 256) -> Iterator[Doc]:
        docs_left = iter(stream)
        while docs := list(islice(docs_left, batch_size)):
            texts = [text[start:end] for doc in docs for text in (_text(doc),) for start, end in doc._.segments]
            marks: Iterator[Marks] = iter(self._engine.mark(texts))
            for doc in docs:
                doc._.marks = [next(marks) for _ in doc._.segments]
                yield doc


class _Aspects:
    """Looks for a taxonomy's aspects in the segments of many texts at once."""

    def __init__(self, taxonomy: str) -> None:
        self._finder = AspectFinder(load_taxonomy(taxonomy))
        self._linear = linear_aspects(load_taxonomy(taxonomy).name)

    def __call__(self, doc: Doc) -> Doc:
        return next(self.pipe([doc]))

    def pipe(self, stream: Iterable[Doc], batch_size: int = 256) -> Iterator[Doc]:
        docs_left = iter(stream)
        while docs := list(islice(docs_left, batch_size)):
            texts = [text[start:end] for doc in docs for text in (_text(doc),) for start, end in doc._.segments]
            told = iter(self._linear.completed(texts, [marks for doc in docs for marks in doc._.marks]))
            for doc in docs:
                self._find(doc, [next(told) for _ in doc._.segments])
                yield doc

    def _find(self, doc: Doc, told: Sequence[Marks]) -> None:
        text = _text(doc)
        cuts = frozenset([*doc.to_array("IDX").tolist(), len(text)])
        document = Folded(text, fold(text), cuts)
        doc._.mentions = [
            tuple(self._finder.find(document, span, marks.sentiment, marks.opinions, marks.spoken_of, marks.unspoken))
            for span, marks in zip(doc._.segments, told, strict=True)
        ]
        doc._.open_mentions = [
            tuple(self._finder.find_open(document, span, marks.opinions or (), mentions))
            for span, marks, mentions in zip(doc._.segments, told, doc._.mentions, strict=True)
        ]
