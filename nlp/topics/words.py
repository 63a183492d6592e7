"""What topics are called: keywords by class-based TF-IDF over jieba's words, and a label in the members' own words.

A word's weight in a topic is its share of the topic's words times log(1 + words of an average topic / its count in all) (Grootendorst 2022, arXiv:2203.05794), times the root of the share of its
uses that fall into the topic. A word that means far more to another topic is not taken, and of the rest those are preferred that occur together (normalised pointwise mutual information).
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache
from importlib import resources

from nlp.normalize import fold
from nlp.tokenizer import cut

KEYWORDS = 10
_CANDIDATES = 40
_LEAST_USES = 2
_SHARE_OF_BEST = 0.4  # a keyword weighs at least that much of what it weighs in the topic it means most to
_TOGETHER = 0.5  # how much occurring together counts against the weight
_LABEL_CANDIDATES = 6

Words = tuple[str, ...]


def content_words(text: str, own: Sequence[str] = ()) -> Words:
    """The words of a text that can tell what it is about: no stop words, numbers or single characters. `own` are the project's words."""
    return tuple(
        word
        for word in cut(fold(text), tuple(own))
        if len(word) > 1
        and any("\u4e00" <= c <= "\u9fff" or (c.isascii() and c.isalpha()) for c in word)
        and word not in _stop_words()
    )


def keywords(documents: Iterable[tuple[int | None, Words]]) -> dict[int, Words]:
    """The keywords of each topic, the most telling first, from texts as (topic, words); texts of no topic (None) count as uses elsewhere.

    A topic whose texts hold no word twice has none.
    """
    texts = [(topic, words) for topic, words in documents if words]
    inside: dict[int, Counter[str]] = defaultdict(Counter)
    uses: Counter[str] = Counter()
    for topic, words in texts:
        uses.update(words)
        if topic is not None:
            inside[topic].update(words)
    if not inside:
        return {}
    weights = _weights(inside, uses)
    best: dict[str, float] = {}
    for found in weights.values():
        for word, weight in found.items():
            best[word] = max(best.get(word, 0.0), weight)
    candidates = {
        topic: sorted(
            (word for word, weight in found.items() if weight >= _SHARE_OF_BEST * best[word]),
            key=_by_weight(found),
        )[:_CANDIDATES]
        for topic, found in weights.items()
    }
    together = _Together({word for words in candidates.values() for word in words}, [words for _, words in texts])
    return {topic: _chosen(candidates[topic], found, together) for topic, found in weights.items()}


def label(named: Words, documents: Iterable[Words], taken: Collection[str] = ()) -> str:
    """Two keywords as most members put them one after the other, "物流 太慢"; a single one, or nothing, where no two occur together.

    Not one that is `taken`, if there is another.
    """
    among = {word: n for n, word in enumerate(named[:_LABEL_CANDIDATES])}
    pairs: Counter[tuple[str, str]] = Counter()
    for words in documents:
        own = [word for word in dict.fromkeys(words) if word in among]
        pairs.update(
            (first, second)
            for n, first in enumerate(own)
            for second in own[n + 1 :]
            if not set(first) & set(second)  # "一本 本书" says little twice
        )
    ranked = []
    for (first, second), count in pairs.items():
        places = among[first] + among[second]
        ranked.append((count / (1 + places), -places, f"{first} {second}"))
    names = [*(name for _, _, name in sorted(ranked, reverse=True)), *named]
    return next((name for name in names if name not in taken), names[0] if names else "")


def _by_weight(weights: Mapping[str, float]) -> Callable[[str], tuple[float, str]]:
    return lambda word: (-weights[word], word)


def _weights(inside: Mapping[int, Counter[str]], uses: Counter[str]) -> dict[int, dict[str, float]]:
    average = sum(sum(counts.values()) for counts in inside.values()) / len(inside)
    found = {}
    for topic, counts in sorted(inside.items()):
        total = sum(counts.values())
        found[topic] = {
            word: count / total * math.log(1 + average / uses[word]) * math.sqrt(count / uses[word])
            for word, count in counts.items()
            if count >= _LEAST_USES
        }
    return found


def _chosen(candidates: Sequence[str], weights: Mapping[str, float], together: "_Together") -> Words:
    if not candidates:
        return ()
    top = weights[candidates[0]]
    chosen, left = [candidates[0]], list(candidates[1:])
    bonds = dict.fromkeys(left, 0.0)
    while left and len(chosen) < KEYWORDS:
        for word in left:
            bonds[word] += together.npmi(word, chosen[-1])
        word = max(left, key=lambda word: (weights[word] / top + _TOGETHER * bonds[word] / len(chosen), word))
        left.remove(word)
        chosen.append(word)
    return tuple(chosen)


class _Together:
    """How much more often than by chance words occur in the same text: -1 never, 0 as by chance, 1 always."""

    def __init__(self, words: set[str], texts: Sequence[Words]) -> None:
        self._texts = len(texts)
        self._single: Counter[str] = Counter()
        self._pairs: Counter[tuple[str, str]] = Counter()
        for text in texts:
            present = sorted(words.intersection(text))
            self._single.update(present)
            self._pairs.update((first, second) for n, first in enumerate(present) for second in present[n + 1 :])

    def npmi(self, one: str, other: str) -> float:
        count = self._pairs[(one, other) if one < other else (other, one)]
        if not count:
            return -1.0
        if count == self._texts:
            return 1.0
        lift = count * self._texts / (self._single[one] * self._single[other])
        return math.log(lift) / -math.log(count / self._texts)


@cache
def _stop_words() -> frozenset[str]:
    return frozenset((resources.files("nlp") / "topics" / "stop_words.txt").read_text(encoding="utf-8").split())
