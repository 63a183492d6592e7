"""The encoder as an engine, and `auto`: the fast engine first, the encoder for what that leaves open.

Both add up what the answerers so far have said, weighted as the encoder's description says. `encoder` always asks all of them; `auto` stops
as soon as the answers to all questions are sure and no word disputes the sentiment; of a whole review, which has no one stage or intent and
words of every kind, as soon as the sentiment is.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path

import numpy as np

from nlp.encoder.description import DESCRIPTION, EXIT, FAST, LAST, TOKENIZER, Description, Step
from nlp.encoder.reader import Logits, Reader, Reading
from nlp.errors import EngineError
from nlp.fast.engine import FastEngine
from nlp.marks import EMOTIONS, INTENTS, SENTIMENTS, STAGES, Emotion, Marks, Sentiment, SpokenOf
from nlp.normalize import traditional_share
from nlp.opinions import disputed_by_words
from nlp.probabilities import Floats, marks_of, softmax

# Raise it when the way from text to marks changes.
CODE_VERSION = "7"
# How likely at most, of what is not spoken of although a word of it stands there, and how likely at least, of what an opinion is about that has none; chosen
# on the texts that measure (`nlp.training.aspect_sets.held_out`).
UNSPOKEN = 0.05
SPOKEN_OF = 0.3
SEVERAL_OPINIONS = 60  # characters, above which a text is a whole review rather than an opinion
LONG_CHARACTERS = 120
TRADITIONAL_SHARE = 0.08
QUESTIONS: Mapping[str, tuple[str, ...]] = {"sentiment": SENTIMENTS, "intent": INTENTS, "stage": STAGES}


class EncoderEngine:
    """Marks segments; what it says of one does not depend on the others. `hasty`: stops where the answers are sure."""

    def __init__(self, reader: Reader, fast: FastEngine, digest: str, *, hasty: bool = False) -> None:
        for question, classes in QUESTIONS.items():
            found = reader.description.classes.get(question, ())
            if found != classes:
                raise EngineError(
                    f"The encoder's classes of {question} are {', '.join(found)}, not {', '.join(classes)}."
                )
        self.name = "auto" if hasty else "encoder"
        self.reader, self.fast, self.hasty = reader, fast, hasty
        self.version = f"{CODE_VERSION}.{digest}.{fast.version}"

    @classmethod
    def load(cls, folder: Path, *, hasty: bool = False) -> "EncoderEngine":
        """The encoder in `folder`: the one that ships, or what `nlp.training.encoder.export` wrote."""
        reader = Reader(folder)
        digest = hashlib.sha256()
        for name in (DESCRIPTION, TOKENIZER, reader.description.lower, reader.description.upper):
            digest.update((folder / name).read_bytes())
        return cls(reader, FastEngine.load(), digest.hexdigest()[:12], hasty=hasty)

    def mark(self, segments: Sequence[str]) -> list[Marks]:
        """One `Marks` per segment, in order."""
        if not segments:
            return []
        places = {text: place for place, text in enumerate(dict.fromkeys(segments))}
        probabilities, readings = self._answers(list(places))
        marks = marks_of(*(probabilities[question] for question in QUESTIONS))
        told = [
            # Of emotions the fast engine knows nothing, so `auto`, which asks the encoder about some texts only, tells none.
            replace(
                each,
                emotion=None if self.hasty else _emotion(reading),
                opinions=reading.opinions,
                spoken_of=_spoken_of(reading, self.reader.description.aspects),
                unspoken=_unspoken(reading, self.reader.description),
            )
            if reading
            else each
            for each, reading in zip(marks, readings, strict=True)
        ]
        return [told[places[text]] for text in segments]

    def _answers(self, texts: Sequence[str]) -> tuple[dict[str, Floats], list[Reading | None]]:
        """How likely each class of each question is, `(texts, classes)`, and what the encoder said of the texts that it was asked about."""
        fast = self.fast.logits(texts)
        found = {q: softmax(self._added(FAST, q, {FAST: fast[q]})) for q in QUESTIONS}
        apart = [is_long_traditional(text) for text in texts]
        decisive = [deciding(text) for text in texts]
        disputed = [disputed_sentiments(text) if self.hasty else frozenset() for text in texts]
        open_ = [
            n
            for n in range(len(texts))
            if not self.hasty or apart[n] or not self._is_sure(FAST, {q: found[q][n] for q in decisive[n]}, disputed[n])
        ]

        def enough(n: int, said: Logits) -> bool:
            place = open_[n]
            so_far = {
                q: softmax(self._added(EXIT, q, {FAST: fast[q][place], EXIT: said[q]})[None])[0]
                for q in decisive[place]
            }
            return not apart[place] and self._is_sure(EXIT, so_far, disputed[place])

        asked: list[Reading | None] = [None] * len(texts)
        readings = self.reader.read([texts[place] for place in open_], enough if self.hasty else None)
        for place, reading in zip(open_, readings, strict=True):
            asked[place] = reading
            for question in QUESTIONS:
                given = {FAST: fast[question][place], EXIT: reading.exit[question]}
                if reading.last is None:
                    total = self._added(EXIT, question, given)
                else:
                    total = self._added(LAST, question, given | {LAST: reading.last[question]})
                found[question][place] = softmax(total[None])[0]
            if apart[place] and reading.last is not None:
                scale = self.reader.description.traditional
                found["sentiment"][place] = softmax(scale.logits(reading.last["sentiment"][None]))[0]
        return found, asked

    def _added(self, who: str, question: str, given: Mapping[str, Floats]) -> Floats:
        step = self._step(who, question)
        total = step.offsets
        for answerer, weight in step.weights.items():
            total = total + np.float32(weight) * given[answerer]
        return total

    def _is_sure(self, who: str, probabilities: Mapping[str, Floats], disputed: Collection[Sentiment]) -> bool:
        """Whether nobody else need be asked, `(classes,)` being what has been said of each question that decides."""
        if SENTIMENTS[probabilities["sentiment"].argmax()] in disputed:
            return False
        return all(said.max() >= self._step(who, question).sure for question, said in probabilities.items())

    def _step(self, who: str, question: str) -> Step:
        return self.reader.description.steps[who][question]


def deciding(text: str) -> tuple[str, ...]:
    """The questions that must be sure of their answers before `auto` stops."""
    return ("sentiment",) if len(text) > SEVERAL_OPINIONS else tuple(QUESTIONS)


def disputed_sentiments(text: str) -> frozenset[Sentiment]:
    """The sentiments that an opinion, judged by its words, hardly has: were it said to have one, its mentions would contradict it."""
    return frozenset() if len(text) > SEVERAL_OPINIONS else disputed_by_words(text)


def is_long_traditional(text: str) -> bool:
    """Whether a text is one of the long reviews as they are written in Hong Kong and Taiwan.

    They describe more than they judge, and the encoder learned whole reviews from the mainland: what it makes of them is in the
    right order, but too friendly, and the fast engine's answer is no help. So these have a scale of their own.
    """
    return len(text) >= LONG_CHARACTERS and traditional_share(text) >= TRADITIONAL_SHARE


def _emotion(reading: Reading) -> Emotion | None:
    if reading.last is None or "emotion" not in reading.last:
        return None
    return EMOTIONS[int(reading.last["emotion"].argmax())]


def _spoken_of(reading: Reading, aspects: Sequence[tuple[str, str]]) -> tuple[SpokenOf, ...]:
    """The aspects that the text may well speak of, the surest first."""
    if reading.aspects is None:
        return ()
    confidence = 1 - reading.aspects[:, 0]
    order = [n for n in confidence.argsort(kind="stable")[::-1] if confidence[n] >= SPOKEN_OF]
    sentiments = reading.aspects[:, 1:].argmax(axis=1)
    found = []
    for n in order:
        taxonomy, aspect = aspects[n]
        found.append(SpokenOf(taxonomy, aspect, SENTIMENTS[sentiments[n]], round(float(confidence[n]), 4)))
    return tuple(found)


def shipped() -> Path:
    """The folder of the encoder that comes with the package."""
    return Path(str(resources.files("nlp") / "models" / "encoder"))


def _unspoken(reading: Reading, description: Description) -> frozenset[tuple[str, str]]:
    """The aspects that the text hardly speaks of, in taxonomies of which the encoder learned all that texts speak of."""
    if reading.aspects is None:
        return frozenset()
    return frozenset(
        aspect
        for aspect, silence in zip(description.aspects, reading.aspects[:, 0], strict=True)
        if aspect[0] in description.complete and silence > 1 - UNSPOKEN
    )
