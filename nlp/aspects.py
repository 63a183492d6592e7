"""Which aspects a segment speaks of: a taxonomy's words found in its folded text.

The longest word wins where words overlap. A single Chinese character counts only as a whole token, since "菜" is not meant in
"菜鸟". What judges a mention is what an engine that finds opinions says; otherwise the judging expression nearest to it within the segment. What is judged
and the taxonomy has no word for is of the aspect that the segment is said to speak of, else, if an engine found it, an open mention.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import chain

from nlp.marks import Mention, OpenMention, Opinion, Sentiment, Span, SpokenOf
from nlp.normalize import fold
from nlp.opinions import OpinionWord, find_opinions
from nlp.taxonomy import Taxonomy, builtin_taxonomies, load_taxonomy
from nlp.words import longest_match

_HANDLE = re.compile(r"@[\w\-]+")
_TELLING = 0.7  # how sure an engine must be of an aspect for its polarity to count
_FARTHEST_OPINION = 12  # characters between a term and the words that judge it


@dataclass(frozen=True, slots=True)
class _Word:
    aspect: str
    implied: bool  # an opinion that implies the aspect, rather than a term that names it
    is_ours: bool  # one of the built-in taxonomy of that name, rather than one that a project added


_Match = tuple[int, int, _Word]


@dataclass(frozen=True, slots=True)
class Folded:
    """A text, its folded copy (same length), and the offsets at which its tokens begin or end."""

    text: str
    folded: str
    cuts: frozenset[int]


def _built_in_words(name: str) -> Set[tuple[str, str]]:
    """Aspect and folded word, of all words of the built-in taxonomy of that name; none where there is none."""
    if name not in builtin_taxonomies():
        return frozenset()
    aspects = load_taxonomy(name).aspects
    return {(aspect.name, fold(word)) for aspect in aspects for word in (*aspect.terms, *aspect.opinions)}


class AspectFinder:
    """Finds a taxonomy's aspects in segments. Built once; linear in the text."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        self._taxonomy = taxonomy.name
        self._names = {aspect.name for aspect in taxonomy.aspects}
        self._words: dict[str, _Word] = {}
        excluded: set[str] = set()
        ours = _built_in_words(taxonomy.name)
        for aspect in taxonomy.aspects:
            for words, implied in ((aspect.terms, False), (aspect.opinions, True)):
                for text in map(fold, words):
                    self._words.setdefault(text, _Word(aspect.name, implied, (aspect.name, text) in ours))
            excluded.update(fold(text) for text in aspect.excludes)
        # Excluded strings take part in longest match, and yield nothing.
        for text in excluded:
            self._words.pop(text, None)
        self._pattern = longest_match({*self._words, *excluded})

    def find(
        self,
        document: Folded,
        span: Span,
        sentiment: Sentiment,
        judged: Sequence[Opinion] | None = None,
        spoken_of: Sequence[SpokenOf] = (),
        unspoken: Collection[tuple[str, str]] = (),
    ) -> list[Mention]:
        """Mentions within `span`; offsets are into the whole text.

        `sentiment` is the segment's own, which a mention takes when no opinion word is near it. `judged`: what an engine found in the segment, None where it did not look. `spoken_of`: which aspects the
        segment may well speak of. A word of ours whose aspect is `unspoken` is no mention; one that a project added is, as whoever added it meant it.
        """
        matches = [match for match in self._matches(document, span) if self._is_meant(match[2], unspoken)]
        if judged is not None:
            moved = [_moved(opinion, span[0]) for opinion in judged]
            return self._find_judged(document.text, matches, moved, sentiment, spoken_of)
        if not matches and not spoken_of:
            return []
        opinions = find_opinions(document.folded, span, document.cuts)
        named = [(start, end) for start, end, word in matches if not word.implied]
        # What is part of a name ("快" in "快递单") judges nothing.
        opinions = [o for o in opinions if not _overlaps(o, named)]
        starts, ends = [o.start for o in opinions], [o.end for o in opinions]
        mentions = []
        for match in matches:
            # Both lists ascend, so only the neighbourhood is looked at: a text without a pause stays linear.
            low = bisect_left(ends, match[0] - _FARTHEST_OPINION)
            high = bisect_right(starts, match[1] + _FARTHEST_OPINION)
            mentions.append(_mention(document.text, match, opinions[low:high], len(opinions) == 1, sentiment))
        taken = {mention.opinion_start for mention in mentions}
        left = [Opinion(None, (o.start, o.end), o.sentiment) for o in opinions if o.start not in taken]
        return _in_order(mentions, self._unlisted(document.text, matches, left, spoken_of))

    def _is_meant(self, word: _Word, unspoken: Collection[tuple[str, str]]) -> bool:
        return not word.is_ours or (self._taxonomy, word.aspect) not in unspoken

    def find_open(
        self, document: Folded, span: Span, judged: Sequence[Opinion], mentions: Sequence[Mention]
    ) -> list[OpenMention]:
        """What an engine found judged within `span` and none of the `mentions` there is about."""
        if not any(opinion.aspect for opinion in judged):
            return []
        matches = self._matches(document, span)
        known = {(mention.start, mention.end) for mention in mentions}
        found = []
        for opinion in (_moved(each, span[0]) for each in judged):
            if opinion.aspect and opinion.aspect not in known and not _is_listed(opinion, matches):
                found.append(_open(document.text, opinion, opinion.aspect))
        return found

    def _find_judged(
        self,
        text: str,
        matches: Sequence[_Match],
        judged: Sequence[Opinion],
        sentiment: Sentiment,
        spoken_of: Sequence[SpokenOf],
    ) -> list[Mention]:
        told = {
            s.aspect: s.sentiment
            for s in reversed(spoken_of)
            if s.taxonomy == self._taxonomy and s.confidence >= _TELLING
        }
        named = _of_judged(text, matches, judged, lambda aspect: told.get(aspect, sentiment))
        unlisted = self._unlisted(text, matches, judged, spoken_of)
        return _in_order(named, unlisted)

    def _unlisted(
        self, text: str, matches: Sequence[_Match], judged: Sequence[Opinion], spoken_of: Sequence[SpokenOf]
    ) -> Iterator[Mention]:
        """A mention for each opinion that no word of the taxonomy stands for, of an aspect that the segment speaks of all the same.

        That is the surest one of its polarity that no word in the segment stands for, each for one opinion.
        """
        taken = {word.aspect for _, _, word in matches}
        left = [s for s in spoken_of if s.taxonomy == self._taxonomy and s.aspect in self._names - taken]
        for opinion in judged:
            if _is_listed(opinion, matches):
                continue
            chosen = next((s for s in left if s.sentiment == opinion.sentiment), None)
            if chosen:
                left.remove(chosen)
                term, words = opinion.aspect or opinion.words, opinion.words
                yield Mention(
                    chosen.aspect, text[slice(*term)], *term, text[slice(*words)], *words, sentiment=opinion.sentiment
                )

    def _matches(self, document: Folded, span: Span) -> list[_Match]:
        # A handle ("@某某客服") addresses someone; it names nothing.
        folded = (
            _HANDLE.sub(lambda handle: " " * len(handle.group()), document.folded)
            if "@" in document.folded
            else document.folded
        )
        return [
            (match.start(), match.end(), word)
            for match in self._pattern.finditer(folded, *span)
            if (word := self._words.get(match.group())) and _stands(document, match.start(), match.end())
        ]


def _in_order(*mentions: Iterable[Mention]) -> list[Mention]:
    return sorted(chain(*mentions), key=lambda mention: mention.start)


def _moved(opinion: Opinion, by: int) -> Opinion:
    """The opinion with offsets into the whole text."""
    start, end = opinion.words
    aspect = None if opinion.aspect is None else (opinion.aspect[0] + by, opinion.aspect[1] + by)
    return Opinion(aspect, (start + by, end + by), opinion.sentiment)


def _of_judged(
    text: str, matches: Sequence[_Match], judged: Sequence[Opinion], otherwise: Callable[[str], Sentiment]
) -> list[Mention]:
    """A mention for each word of the taxonomy and each opinion about it; `otherwise`: the sentiment of an aspect that no opinion is about."""
    mentions = []
    for match in matches:
        start, end, word = match
        own = [opinion for opinion in judged if _is_about(opinion, match)]
        if not own:
            near = [o for o in judged if o.aspect is None and _gap(o.words, start, end) <= _FARTHEST_OPINION]
            own = sorted(near, key=lambda o: _gap(o.words, start, end))[:1]
        for opinion in own or (None,):
            words = opinion.words if opinion else (None, None)
            mentions.append(
                Mention(
                    aspect=word.aspect,
                    term=text[start:end],
                    start=start,
                    end=end,
                    opinion=text[slice(*words)] if opinion else None,
                    opinion_start=words[0],
                    opinion_end=words[1],
                    sentiment=opinion.sentiment if opinion else otherwise(word.aspect),
                )
            )
    return mentions


def _is_about(opinion: Opinion, match: _Match) -> bool:
    """Whether the opinion names what matched; judging words that imply an aspect ("太贵"), or name it themselves, are about it as well."""
    start, end, word = match
    if opinion.aspect and _meet(opinion.aspect, (start, end)):
        return True
    return _meet(opinion.words, (start, end)) and (word.implied or opinion.aspect is None)


def _is_listed(opinion: Opinion, matches: Sequence[_Match]) -> bool:
    """Whether a word of the taxonomy stands for what an opinion is about."""
    if opinion.aspect is None:
        return any(_meet(opinion.words, match[:2]) for match in matches)
    return any(_is_about(opinion, match) for match in matches)


def _open(text: str, opinion: Opinion, aspect: Span) -> OpenMention:
    return OpenMention(
        *(text[slice(*aspect)], *aspect), *(text[slice(*opinion.words)], *opinion.words), opinion.sentiment
    )


def _meet(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _stands(document: Folded, start: int, end: int) -> bool:
    """Whether the match is a word there: a lone character must be a token, Latin letters and digits a whole run."""
    if end - start == 1 and not (start in document.cuts and end in document.cuts):
        return False
    folded = document.folded
    return not (_splits_run(folded, start) or _splits_run(folded, end))


def _splits_run(folded: str, at: int) -> bool:
    """Whether `at` lies within a run of letters or of digits: "app" is not meant in "happy", "618" not in "16180"."""
    if not 0 < at < len(folded):
        return False
    left, right = folded[at - 1], folded[at]
    return (left.isascii() and right.isascii()) and (
        (left.isalpha() and right.isalpha()) or (left.isdigit() and right.isdigit())
    )


def _overlaps(opinion: OpinionWord, named: Sequence[tuple[int, int]]) -> bool:
    """Whether the opinion shares a character with one of the ascending spans."""
    before = bisect_left(named, (opinion.end, 0))  # spans that begin before the opinion ends
    return before > 0 and named[before - 1][1] > opinion.start


def _mention(text: str, match: _Match, opinions: Sequence[OpinionWord], only: bool, fallback: Sentiment) -> Mention:
    """`opinions` are those around the match; `only` says that the segment has a single one."""
    start, end, word = match
    own = next((o for o in opinions if o.start < end and start < o.end), None) if word.implied else None
    nearest = own or min(
        (o for o in opinions if _gap((o.start, o.end), start, end) <= _FARTHEST_OPINION),
        key=lambda o: (_gap((o.start, o.end), start, end), o.start),
        default=None,
    )
    if word.implied and own is None:
        nearest = OpinionWord(start, end, nearest.sentiment if nearest and only else fallback)
    sentiment = fallback if nearest is None else nearest.sentiment
    return Mention(
        aspect=word.aspect,
        term=text[start:end],
        start=start,
        end=end,
        opinion=None if nearest is None else text[nearest.start : nearest.end],
        opinion_start=None if nearest is None else nearest.start,
        opinion_end=None if nearest is None else nearest.end,
        sentiment=sentiment,
    )


def _gap(opinion: Span, start: int, end: int) -> int:
    """Characters between; what follows a term is nearer than what precedes it by a little, as Chinese judges after naming."""
    if opinion[0] >= end:
        return (opinion[0] - end) * 2
    if opinion[1] <= start:
        return (start - opinion[1]) * 2 + 3
    return 0
