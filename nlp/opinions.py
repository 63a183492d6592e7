"""Expressions that judge ("太慢", "不错"), with their polarity and what negation does to it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import cast

from nlp.marks import SENTIMENTS, Sentiment
from nlp.normalize import fold
from nlp.words import longest_match

_NEGATION = re.compile(
    "(?:不是很|不是|不太|不怎么|不够|并不|并没有|没有|没那么|不算|谈不上|毫不|从不|不|没|无|未|別|别)$"
)
_NOT_NEGATION = re.compile("(?:好不|要不|不要太|忍不|无不|是不是|有没有|能不能|会不会)$")
_FLIPPED: Mapping[Sentiment, Sentiment] = {"positive": "negative", "negative": "positive", "neutral": "neutral"}


@dataclass(frozen=True, slots=True)
class OpinionWord:
    """An expression with its polarity; a negation in front belongs to it."""

    start: int
    end: int
    sentiment: Sentiment


def find_opinions(folded: str, span: tuple[int, int], cuts: frozenset[int]) -> list[OpinionWord]:
    """Opinion expressions within `span` of a folded text whose tokens begin and end at `cuts`, the longest where they overlap.

    They come in order and share no character. A single character judges only as a word of its own: "快" does not in "快递".
    """
    lexicon, pattern = _lexicon()
    found: list[OpinionWord] = []
    free = span[0]  # where the expression before ends; a negation belongs to one expression only
    for match in pattern.finditer(folded, *span):
        if match.end() - match.start() == 1 and not (match.start() in cuts and match.end() in cuts):
            continue
        sentiment, start = lexicon[match.group()], match.start()
        before = folded[max(free, start - 4) : start]
        negation = _NEGATION.search(before)
        if negation and not _NOT_NEGATION.search(before):
            sentiment, start = _FLIPPED[sentiment], start - len(negation.group())
        found.append(OpinionWord(start, match.end(), sentiment))
        free = match.end()
    return found


def disputed_by_words(text: str) -> frozenset[Sentiment]:
    """The sentiments that a text hardly has by its judging expressions: those of none of them, and beside a neutral one both poles.

    A single character is not asked, as nobody knows here whether it is a word.

    >>> sorted(disputed_by_words("发货很快，客服也不错")), sorted(disputed_by_words("昨天下的单"))
    (['negative', 'neutral'], [])
    """
    folded = fold(text)
    said = {found.sentiment for found in find_opinions(folded, (0, len(folded)), frozenset())}
    if not said:
        return frozenset()
    return frozenset(SENTIMENTS) - ({"neutral"} if "neutral" in said else said)


@cache
def _lexicon() -> tuple[Mapping[str, Sentiment], re.Pattern[str]]:
    text = (resources.files("nlp") / "models" / "opinions.tsv").read_text(encoding="utf-8")
    lexicon = {word: cast(Sentiment, polarity) for word, polarity in (line.split("\t") for line in text.splitlines())}
    return lexicon, longest_match(lexicon)
