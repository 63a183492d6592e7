"""What a word of one's own would change before it is taken into `words`: how texts are cut, and the mentions found in them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from feedback.project import Project
from nlp.aspects import AspectFinder, Folded
from nlp.normalize import fold
from nlp.segmenter import segment
from nlp.taxonomy import load_taxonomy
from nlp.tokenizer import cut
from storage.texts import CustomerText

MARK = "/"


@dataclass(frozen=True, slots=True)
class Recut:
    """A verbatim that would be cut otherwise: its words around the place, joined by slashes, before and after; mentions lost and gained, as aspect: term."""

    verbatim_id: int
    before: str
    after: str
    lost: tuple[str, ...]
    gained: tuple[str, ...]


@dataclass(slots=True)
class WordUse:
    """How many customer verbatims hold the word, would be cut otherwise, and would have other mentions."""

    holding: int = 0
    recut: int = 0
    remarked: int = 0


def try_word(
    project: Project, word: str, texts: Iterable[CustomerText], use: WordUse, progress: Callable[[str, int], None]
) -> Iterator[Recut]:
    """The verbatims that would change, one after another; `use` is counted up as they are read."""
    finder = AspectFinder(load_taxonomy(project.taxonomy))
    folded_word = fold(word)
    now, then = project.words, (*project.words, word)
    for text, _, verbatim_id in texts:
        progress("", 1)
        folded = fold(text)
        if folded_word not in folded:
            continue
        use.holding += 1
        cuts = [_cuts(folded, words) for words in (now, then)]
        if cuts[0] == cuts[1]:
            continue
        use.recut += 1
        before, after = (_mentions(finder, Folded(text, folded, frozenset(each))) for each in cuts)
        use.remarked += before != after
        place = folded.find(folded_word)
        was, would_be = (_around(text, each, place, place + len(word)) for each in cuts)
        yield Recut(verbatim_id, was, would_be, tuple(sorted(before - after)), tuple(sorted(after - before)))


def _cuts(folded: str, words: Sequence[str]) -> list[int]:
    places = [0]
    for piece in cut(folded, tuple(words)):
        places.append(places[-1] + len(piece))
    return places


def _mentions(finder: AspectFinder, document: Folded) -> set[str]:
    return {
        f"{mention.aspect}: {mention.term}"
        for span in segment(document.text)
        for mention in finder.find(document, span, "neutral")
    }


def _around(text: str, cuts: Sequence[int], start: int, end: int) -> str:
    """The words that touch the place, and one on either side."""
    first = max((n for n, place in enumerate(cuts) if place <= start), default=0)
    last = min((n for n, place in enumerate(cuts) if place >= end), default=len(cuts) - 1)
    around = cuts[max(0, first - 1) : last + 2]
    return MARK.join(text[a:b] for a, b in pairwise(around))
