"""What analysis says about a text. Offsets are code points of the text as given, half-open."""

from dataclasses import dataclass
from typing import Literal

Sentiment = Literal["negative", "neutral", "positive"]
Intent = Literal["complaint", "praise", "suggestion", "question", "request", "statement"]
Emotion = Literal["happy", "angry", "sad", "fear", "surprise", "neutral"]
Stage = Literal["awareness", "consideration", "engagement", "purchase", "post_purchase", "loyalty", "none"]

SENTIMENTS: tuple[Sentiment, ...] = ("negative", "neutral", "positive")
INTENTS: tuple[Intent, ...] = ("complaint", "praise", "suggestion", "question", "request", "statement")
# What labelled posts tell apart; of disappointment there are no labels to learn from.
EMOTIONS: tuple[Emotion, ...] = ("happy", "angry", "sad", "fear", "surprise", "neutral")
STAGES: tuple[Stage, ...] = (
    "awareness",
    "consideration",
    "engagement",
    "purchase",
    "post_purchase",
    "loyalty",
    "none",
)


Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Opinion:
    """One judgement: `words` judge `aspect`, which is None where the target is not named. Offsets are the segment's."""

    aspect: Span | None
    words: Span
    sentiment: Sentiment


@dataclass(frozen=True, slots=True)
class SpokenOf:
    """An aspect of a built-in taxonomy that a segment speaks of, whether it names it or not; `confidence` in 0..1."""

    taxonomy: str
    aspect: str
    sentiment: Sentiment
    confidence: float


@dataclass(frozen=True, slots=True)
class Marks:
    """An engine's verdict on one segment; `sentiment_score` in -1..1, confidences in 0..1.

    `emotion` and `opinions` are None where the engine tells none; `spoken_of` is empty then. `unspoken`: taxonomy and aspect of what the
    segment most likely does not speak of, though a word of it may stand there.
    """

    sentiment: Sentiment
    sentiment_score: float
    sentiment_confidence: float
    intent: Intent
    intent_confidence: float
    stage: Stage
    stage_confidence: float
    emotion: Emotion | None = None
    opinions: tuple[Opinion, ...] | None = None
    spoken_of: tuple[SpokenOf, ...] = ()
    unspoken: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Mention:
    """One aspect named in the text, with the words that judge it where there are some."""

    aspect: str
    term: str
    start: int
    end: int
    opinion: str | None
    opinion_start: int | None
    opinion_end: int | None
    sentiment: Sentiment


@dataclass(frozen=True, slots=True)
class OpenMention:
    """Something judged in the text that the taxonomy has no word for."""

    term: str
    start: int
    end: int
    opinion: str
    opinion_start: int
    opinion_end: int
    sentiment: Sentiment


@dataclass(frozen=True, slots=True)
class Segment:
    """One opinion unit of a text with its marks."""

    start: int
    end: int
    marks: Marks
    mentions: tuple[Mention, ...] = ()
    open_mentions: tuple[OpenMention, ...] = ()


@dataclass(frozen=True, slots=True)
class Analysis:
    """Everything said about one text. `error` is set, and nothing else, when the text could not be analysed."""

    language: str = "und"
    segments: tuple[Segment, ...] = ()
    error: str | None = None
