"""The sets in which opinions are marked: what is judged, the words that judge it, the polarity.

`labels/opinions.tsv` and `labels/opinions_dev.tsv` were marked by reading, as `file row start end check opinions`: a segment of a text (see `nlp.training.corpus`) and, separated by
spaces, `aspect>words=sentiment`, spans as `start-end` within the segment, the first empty where the target is not named.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from nlp.marks import SENTIMENTS
from nlp.normalize import squash
from nlp.training.corpus import read_segments
from nlp.training.texts import rows

Span = tuple[int, int]
SIGNS = {"-": 0, "0": 1, "+": 2}
_FIFTHS = 5


@dataclass(frozen=True, slots=True)
class Opinion:
    """`aspect` is None where the target is not named; `sentiment` is a place in SENTIMENTS; offsets are code points, half-open."""

    aspect: Span | None
    words: Span
    sentiment: int


@dataclass(frozen=True, slots=True)
class Marked:
    """A text and all opinions in it."""

    text: str
    opinions: tuple[Opinion, ...]


def restaurants(path: Path) -> Iterator[Marked]:
    """Sentences of restaurant reviews; an empty aspect span stands for a target that is not named."""
    for row in rows(path):
        opinions = []
        for said in row["opinions"]:
            aspect, words = tuple(said["aspect"]), tuple(said["opinion"])
            opinions.append(
                Opinion(aspect if aspect[0] < aspect[1] else None, words, SENTIMENTS.index(said["sentiment"]))
            )
        yield Marked(row["text"], tuple(opinions))


def makeup(path: Path) -> Iterator[Marked]:
    """Make-up reviews, whose terms are given as words: they are looked for in the order in which they are listed."""
    for row in rows(path):
        yield Marked(row["text"], tuple(placed(row["text"], row["opinions"])))


def is_held_out_makeup(text: str) -> bool:
    """Whether a make-up review belongs to the fifth that measures."""
    digest = blake2b(squash(text).encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") % _FIFTHS == 0


def read_opinions(data: Path, name: str) -> Iterator[Marked]:
    """The segments of `labels/NAME.tsv`; raises ValueError where a text is another one."""
    for text, _, (said,) in read_segments(data, name):
        yield Marked(text, tuple(_read(each) for each in said.split()))


def _read(said: str) -> Opinion:
    spans, _, sign = said.rpartition("=")
    aspect, _, words = spans.partition(">")
    return Opinion(_span(aspect) if aspect else None, _span(words), SIGNS[sign])


def _span(said: str) -> Span:
    start, _, end = said.partition("-")
    return int(start), int(end)


def placed(text: str, said: Sequence[Mapping[str, Any]]) -> Iterator[Opinion]:
    """Opinions given as words (`aspect_term`, `opinion`, `sentiment`), where they stand in the text; those without judging words are left out."""
    after = 0
    for each in said:
        aspect, words = each["aspect_term"], each["opinion"]
        if words is None:
            continue  # a bare mention
        start = _place(text, words, after)
        after = start
        place = None
        if aspect:
            near = _nearest(text, aspect, start)
            place = (near, near + len(aspect))
        yield Opinion(place, (start, start + len(words)), SENTIMENTS.index(each["sentiment"]))


def _place(text: str, words: str, after: int) -> int:
    found = text.find(words, after)
    return found if found >= 0 else text.index(words)


def _nearest(text: str, words: str, to: int) -> int:
    """The occurrence that begins nearest to a place."""
    starts, at = [], text.find(words)
    while at >= 0:
        starts.append(at)
        at = text.find(words, at + 1)
    return min(starts, key=lambda start: abs(start - to))
