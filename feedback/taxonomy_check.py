"""Whether a taxonomy says what its author means: in itself, and against what customers wrote.

An `error` is a word that can't do what it stands there for; a `warning` is one that probably doesn't; a `note` is worth knowing.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

from nlp.aspects import AspectFinder, Folded
from nlp.normalize import fold
from nlp.opinions import find_opinions
from nlp.segmenter import segment
from nlp.taxonomy import Aspect, Taxonomy
from storage.texts import CustomerText

Level = Literal["error", "warning", "note"]
Kind = Literal["overlap", "excluded", "repeated", "hidden", "idle_exclude", "blank", "one_character", "inside"]

_LEVELS: tuple[Level, ...] = ("error", "warning", "note")
_LEVEL_OF: dict[Kind, Level] = {
    "overlap": "error",
    "excluded": "error",
    "repeated": "warning",
    "hidden": "warning",
    "idle_exclude": "warning",
    "blank": "warning",
    "one_character": "note",
    "inside": "note",
}
_UNHEARD_SHOWN = 20
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Problem:
    """What is amiss with one word of one aspect, and which other word and aspect it meets there, if any."""

    kind: Kind
    aspect: str
    word: str
    message: str
    other_aspect: str | None = None
    other_word: str | None = None

    @property
    def level(self) -> Level:
        return _LEVEL_OF[self.kind]


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many texts and segments there are, and how many of them mention at least one aspect."""

    verbatims: int
    mentioning_verbatims: int
    segments: int
    mentioning_segments: int


@dataclass(frozen=True, slots=True)
class AspectUse:
    """One aspect in the effective verbatims, and its words that never occurred in any verbatim."""

    aspect: str
    verbatims: int
    segments: int
    words: int
    dead: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Use:
    """A taxonomy against a project's texts. `unheard`: judging words in effective segments without a mention, with their number.

    Effective verbatims are those that are neither noise nor copies; `unusable` ones analysis would refuse.
    """

    every: Coverage
    effective: Coverage
    aspects: tuple[AspectUse, ...]
    unheard: tuple[tuple[str, int], ...]
    unusable: int


def check_taxonomy(taxonomy: Taxonomy) -> list[Problem]:
    """Everything amiss in the taxonomy itself, errors first, each level in the order of the file."""
    owners = _owners(taxonomy)
    problems = [*_double_words(taxonomy), *_excludes(taxonomy, owners), *_shapes(taxonomy), *_inside(owners)]
    return sorted(problems, key=lambda problem: _LEVELS.index(problem.level))


def _words(aspect: Aspect) -> tuple[str, ...]:
    return aspect.terms + aspect.opinions


def _owners(taxonomy: Taxonomy) -> dict[str, str]:
    """Whose a folded word is: the first aspect's that lists it, as in `AspectFinder`."""
    owners: dict[str, str] = {}
    for aspect in taxonomy.aspects:
        for word in _words(aspect):
            owners.setdefault(fold(word), aspect.name)
    return owners


def _double_words(taxonomy: Taxonomy) -> Iterator[Problem]:
    first: dict[str, tuple[str, str]] = {}
    for aspect in taxonomy.aspects:
        for word in _words(aspect):
            folded = fold(word)
            if folded not in first:
                first[folded] = (aspect.name, word)
                continue
            owner, spelling = first[folded]
            if owner != aspect.name:
                message = f"'{word}' stands under {owner} and {aspect.name}; only {owner} gets it."
                yield Problem("overlap", aspect.name, word, message, owner, spelling)
            else:
                alike = "" if spelling == word else f" (as '{spelling}': case, width and traditional forms are one)"
                message = f"'{word}' stands twice under {owner}{alike}."
                yield Problem("repeated", aspect.name, word, message, owner, spelling)


def _excludes(taxonomy: Taxonomy, owners: dict[str, str]) -> Iterator[Problem]:
    longest = max(map(len, owners), default=0)
    for aspect in taxonomy.aspects:
        for exclude in aspect.excludes:
            folded = fold(exclude)
            if folded in owners:
                message = (
                    f"'{exclude}' is excluded under {aspect.name} and a word of {owners[folded]}, which never gets it."
                )
                yield Problem("excluded", aspect.name, exclude, message, owners[folded], folded)
                continue
            held = [word for word in _parts(folded, longest) if word in owners]
            if not held:
                message = f"The exclude '{exclude}' of {aspect.name} holds no word of the taxonomy and does nothing."
                yield Problem("idle_exclude", aspect.name, exclude, message)
            for word in held:
                # A lone character counts only as a token of its own, so it is rarely meant within a longer word.
                if owners[word] != aspect.name and len(word) > 1:
                    message = f"The exclude '{exclude}' of {aspect.name} hides '{word}' of {owners[word]} inside it."
                    yield Problem("hidden", aspect.name, exclude, message, owners[word], word)


def _shapes(taxonomy: Taxonomy) -> Iterator[Problem]:
    for aspect in taxonomy.aspects:
        for word in _words(aspect) + aspect.excludes:
            if word != word.strip():
                message = f"'{word}' of {aspect.name} begins or ends with a blank and is found only with it."
                yield Problem("blank", aspect.name, word, message)
        for word in _words(aspect):
            if len(word) == 1:
                message = f"'{word}' of {aspect.name} is one character and counts only where it is a word of its own."
                yield Problem("one_character", aspect.name, word, message)


def _inside(owners: dict[str, str]) -> Iterator[Problem]:
    for longer, owner in owners.items():
        for word in _parts(longer, len(longer) - 1):
            if len(word) > 1 and owners.get(word, owner) != owner:
                message = f"'{longer}' of {owner} holds '{word}' of {owners[word]}; the longer one counts."
                yield Problem("inside", owner, longer, message, owners[word], word)


def _parts(text: str, longest: int) -> list[str]:
    """Every different substring of up to `longest` characters, by where it begins."""
    return list(
        dict.fromkeys(
            text[start:end]
            for start in range(len(text))
            for end in range(start + 1, min(len(text), start + longest) + 1)
        )
    )


@dataclass(slots=True)
class _Counts:
    verbatims: int = 0
    mentioning_verbatims: int = 0
    segments: int = 0
    mentioning_segments: int = 0

    def coverage(self) -> Coverage:
        return Coverage(self.verbatims, self.mentioning_verbatims, self.segments, self.mentioning_segments)


@dataclass(slots=True)
class _Seen:
    """All that is kept of the texts: counts by aspect and word, never by text."""

    every: _Counts = field(default_factory=_Counts)
    effective: _Counts = field(default_factory=_Counts)
    words: set[tuple[str, str]] = field(default_factory=set)
    verbatims: Counter[str] = field(default_factory=Counter)
    segments: Counter[str] = field(default_factory=Counter)
    unheard: Counter[str] = field(default_factory=Counter)
    unusable: int = 0


def use_of(
    taxonomy: Taxonomy, words: tuple[str, ...], texts: Iterable[CustomerText], progress: Callable[[str, int], None]
) -> Use:
    """What a taxonomy finds in customers' texts, cut and searched as analysis does it; `words` are the project's own for jieba."""
    from spacy.vocab import Vocab

    from nlp.errors import UnusableText
    from nlp.tokenizer import JiebaTokenizer

    tokenizer = JiebaTokenizer(Vocab(), words)
    finder = AspectFinder(taxonomy)
    seen = _Seen()
    stream = iter(texts)
    while batch := list(islice(stream, _BATCH)):
        # spaCy remembers every word it has seen, except those of a zone.
        with tokenizer.vocab.memory_zone():
            for text, effective, _ in batch:
                try:
                    cuts = frozenset(token.idx for token in tokenizer(text)) | {len(text)}
                except UnusableText:
                    seen.unusable += 1
                else:
                    _look(seen, finder, Folded(text, fold(text), cuts), effective)
        progress("", len(batch))
    return _use(taxonomy, seen)


def _look(seen: _Seen, finder: AspectFinder, document: Folded, effective: bool) -> None:
    spans = segment(document.text)
    # The sentiment decides nothing here: only which aspects are found is looked at.
    mentions = [finder.find(document, span, "neutral") for span in spans]
    seen.words.update((mention.aspect, fold(mention.term)) for found in mentions for mention in found)
    for counts in (seen.every, seen.effective) if effective else (seen.every,):
        counts.verbatims += 1
        counts.mentioning_verbatims += any(mentions)
        counts.segments += len(spans)
        counts.mentioning_segments += sum(map(bool, mentions))
    if not effective:
        return
    by_segment = [{mention.aspect for mention in found} for found in mentions]
    seen.verbatims.update(set().union(*by_segment))
    for span, aspects in zip(spans, by_segment, strict=True):
        seen.segments.update(aspects)
        if not aspects:
            opinions = find_opinions(document.folded, span, document.cuts)
            seen.unheard.update(document.folded[opinion.start : opinion.end] for opinion in opinions)


def _use(taxonomy: Taxonomy, seen: _Seen) -> Use:
    spellings: dict[str, dict[str, str]] = defaultdict(dict)
    for aspect in taxonomy.aspects:
        for word in _words(aspect):
            spellings[aspect.name].setdefault(fold(word), word)
    return Use(
        every=seen.every.coverage(),
        effective=seen.effective.coverage(),
        aspects=tuple(
            AspectUse(
                aspect.name,
                seen.verbatims[aspect.name],
                seen.segments[aspect.name],
                len(spellings[aspect.name]),
                tuple(
                    word for folded, word in spellings[aspect.name].items() if (aspect.name, folded) not in seen.words
                ),
            )
            for aspect in taxonomy.aspects
        ),
        # Equal counts in the order of the words, so that the order of the texts changes nothing.
        unheard=tuple(sorted(seen.unheard.items(), key=lambda item: (-item[1], item[0]))[:_UNHEARD_SHOWN]),
        unusable=seen.unusable,
    )
