"""The sets that say which aspects of a taxonomy a text speaks of, and how: cars, make-up, restaurants, and segments that were read of what customers of restaurants, hotels, shops and telecoms wrote.

A label is one number for each of ASPECTS: UNKNOWN, 0 where the text does not speak of it, else 1 + the place of the polarity in SENTIMENTS; neutral
where it is praised and blamed alike. Of restaurant sentences only the judged terms are known: those the taxonomy has a word for say an aspect, and a sentence with a
term it has none for does not say which aspects it leaves out.

`labels/aspects.tsv`, and `labels/aspects_dev.tsv` to measure on, were marked by reading, as `file row start end check taxonomy said`: a segment of a text (see `nlp.training.corpus`) and, separated
by spaces, each aspect that it speaks of with `+`, `-` or `0` behind it. In the second, what two readers said, `said` twice.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from nlp.marks import SENTIMENTS
from nlp.normalize import fold, squash
from nlp.taxonomy import load_taxonomy
from nlp.training.corpus import read_segments
from nlp.training.opinion_sets import SIGNS, Marked, is_held_out_makeup
from nlp.training.texts import rows
from nlp.words import longest_match

UNKNOWN = -1
TAXONOMIES = ("auto", "beauty", "restaurant", "hotel", "retail", "telecom")
ASPECTS: tuple[tuple[str, str], ...] = tuple(
    (name, aspect.name) for name in TAXONOMIES for aspect in load_taxonomy(name).aspects
)
# Taxonomies whose sets say all that a text speaks of, so that the encoder learns what is not spoken of.
COMPLETE = TAXONOMIES
Label = tuple[int, ...]
Said = Iterable[tuple[str, str]]  # aspect, polarity
_FIFTHS = 5


@dataclass(frozen=True, slots=True)
class Spoken:
    """A segment that was read, and of each reader the aspects of the taxonomy that it speaks of, with their polarity."""

    text: str
    taxonomy: str
    said: tuple[frozenset[tuple[str, str]], ...]


def read_aspects(data: Path, name: str) -> Iterator[Spoken]:
    """The segments of `labels/NAME.tsv`; raises ValueError where a text is another one."""
    for text, _, (taxonomy, *said) in read_segments(data, name):
        yield Spoken(text, taxonomy, tuple(frozenset(map(_read, each.split())) for each in said))


def _read(said: str) -> tuple[str, str]:
    return said[:-1], SENTIMENTS[SIGNS[said[-1]]]


def label_of(taxonomy: str, said: Said, *, complete: bool = True) -> Label:
    """The label of a text of which `said` is all that it says of that taxonomy's aspects, or (not `complete`) some of it."""
    found: dict[str, set[str]] = {}
    for aspect, sentiment in said:
        found.setdefault(aspect, set()).add(sentiment)
    return tuple(UNKNOWN if of != taxonomy else _value(found.get(aspect), complete) for of, aspect in ASPECTS)


def _value(said: set[str] | None, complete: bool) -> int:
    if not said:
        return 0 if complete else UNKNOWN
    return 1 + SENTIMENTS.index(next(iter(said)) if len(said) == 1 else "neutral")


def of_cars(row: dict[str, Any]) -> set[tuple[str, str]]:
    return {(said["aspect"], said["sentiment"]) for said in row["aspects"]}


def of_makeup(row: dict[str, Any]) -> set[tuple[str, str]]:
    return {(said["category"], said["sentiment"]) for said in row["opinions"]}


def is_held_out_car(row: dict[str, Any]) -> bool:
    """Whether a post belongs to the fifth that measures: by its words, as some are there twice."""
    return int.from_bytes(blake2b(squash(row["text"]).encode(), digest_size=4).digest(), "big") % _FIFTHS == 0


def held_out(data: Path, taxonomy: str) -> list[tuple[str, set[tuple[str, str]]]]:
    """The texts that measure, with the aspects they speak of and the polarity of each: a fifth of cars and of make-up; else segments, each as often as it was read."""
    if taxonomy == "auto":
        cars = rows(data / "car_aspects.jsonl")
        return [(row["text"], of_cars(row)) for row in cars if is_held_out_car(row)]
    if taxonomy == "beauty":
        reviews = rows(data / "makeup_opinions.jsonl")
        return [(row["text"], of_makeup(row)) for row in reviews if is_held_out_makeup(row["text"])]
    read = read_aspects(data, "aspects_dev")
    return [(each.text, set(said)) for each in read if each.taxonomy == taxonomy for said in each.said]


def of_restaurant(marked: Marked) -> Label:
    """What a sentence's marked opinions say of the restaurant taxonomy's aspects."""
    said, complete = [], True
    for opinion in marked.opinions:
        aspect = _aspect_of(marked.text, opinion.aspect, opinion.words)
        if aspect is None:
            complete = False
        else:
            said.append((aspect, SENTIMENTS[opinion.sentiment]))
    return label_of("restaurant", said, complete=complete)


def _aspect_of(text: str, term: tuple[int, int] | None, words: tuple[int, int]) -> str | None:
    known, pattern = _words()[0 if term else 1]
    found = pattern.findall(fold(text[slice(*(term or words))]))
    # Chinese puts what a thing is last: "菜的口味" is about taste.
    return known[found[-1]] if found else None


@cache
def _words() -> tuple[tuple[dict[str, str], re.Pattern[str]], ...]:
    """The restaurant taxonomy's terms, and the words that imply an aspect, each with what finds them; lone characters mean too much."""
    aspects = load_taxonomy("restaurant").aspects
    named = {fold(term): aspect.name for aspect in aspects for term in aspect.terms if len(term) > 1}
    implied = {fold(words): aspect.name for aspect in aspects for words in aspect.opinions}
    return (named, longest_match(named)), (implied, longest_match(implied))


def aspect_scores(found: Sequence[set[tuple[str, str]]], truth: Sequence[set[tuple[str, str]]]) -> dict[str, float]:
    """Micro F1 of the aspects that texts speak of, alone and with their polarity."""
    alone = [({a for a, _ in guess}, {a for a, _ in true}) for guess, true in zip(found, truth, strict=True)]
    return {"aspect": _f1(alone), "aspect and polarity": _f1(list(zip(found, truth, strict=True)))}


def _f1(pairs: Sequence[tuple[set[Any], set[Any]]]) -> float:
    right = sum(len(guess & true) for guess, true in pairs)
    both = sum(len(guess) + len(true) for guess, true in pairs)
    return 2 * right / max(1, both)
