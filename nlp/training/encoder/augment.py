"""Variants of training examples: traditional characters, typing errors, several reviews in one.

All draws come from the generator that is passed in, so that an epoch is a pure function of its seed.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

import opencc

from nlp.marks import SENTIMENTS
from nlp.training.encoder.data import POLES, Example

TRADITIONAL_SHARE = 0.25
TYPOS_SHARE = 0.05
JOINED_SHARE = 0.04  # of reviews: two or three of one pole, or of both
MIXED_SHARE = 0.3  # of the joined ones: praise and blame together, which is neutral
MIXED_WEIGHT = 0.4
_MARKS = frozenset("，。！？、；：,.!?;:~～…“”\"'()（） ")


def vary(example: Example, others: Mapping[str, Sequence[Example]], rng: random.Random) -> Example:
    """The example as this epoch shows it. `others` holds the reviews by source, to join with."""
    if example.source in others and rng.random() < JOINED_SHARE:
        example = _joined(example, others[example.source], rng)
    text = example.text
    if rng.random() < TYPOS_SHARE and example.opinions is None:
        text = mistyped(text, rng)
    if rng.random() < TRADITIONAL_SHARE:
        converted = _converter(rng.choice(("s2hk", "s2t", "s2twp"))).convert(text)
        if example.opinions is None or len(converted) == len(text):  # their offsets have to stay true
            text = converted
    return replace(example, text=text)


def _joined(example: Example, others: Sequence[Example], rng: random.Random) -> Example:
    mixed = rng.random() < MIXED_SHARE
    others = [rng.choice(others) for _ in range(12)]
    fitting = [other for other in others if (other.polarity != example.polarity) == mixed]
    if not fitting:
        return example
    if mixed:
        texts = [example.text, fitting[0].text]
        neutral = SENTIMENTS.index("neutral")
        example = replace(example, sentiment=neutral, polarity=None, weight=MIXED_WEIGHT)
    else:
        texts = [example.text, *(other.text for other in fitting[: rng.choice((1, 2))])]
    rng.shuffle(texts)
    return replace(example, text=rng.choice((" ", "。", "\n")).join(texts))


def mistyped(text: str, rng: random.Random) -> str:
    """The text with its punctuation gone, or with one character in twenty dropped, doubled or swapped with the next."""
    if rng.random() < 0.4:
        return "".join(c if c not in _MARKS else rng.choice(("", " ")) for c in text).strip() or text
    characters = list(text)
    for _ in range(max(1, len(text) // 20)):
        place = rng.randrange(len(characters))
        kind = rng.randrange(3)
        if kind == 0 and len(characters) > 4:
            del characters[place]
        elif kind == 1:
            characters.insert(place, characters[place])
        elif place + 1 < len(characters):
            characters[place : place + 2] = characters[place + 1], characters[place]
    return "".join(characters)


def reviews_by_source(examples: Sequence[Example]) -> dict[str, list[Example]]:
    """The two-class reviews that can be joined with others of their shop; both poles are in each list."""
    found: dict[str, list[Example]] = {}
    for example in examples:
        if example.polarity is not None:
            found.setdefault(example.source, []).append(example)
    return {source: group for source, group in found.items() if len({e.polarity for e in group}) == len(POLES)}


@cache
def _converter(name: str) -> opencc.OpenCC:
    return opencc.OpenCC(name)
