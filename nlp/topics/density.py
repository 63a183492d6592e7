"""Topics as the dense places among embeddings.

A text's density is its mean similarity to its nearest neighbours. Every text belongs to the hill that it reaches by climbing to denser neighbours, and a hill that does not
rise `PROMINENCE` above the saddle to a higher one is part of that (ToMATo: Chazal, Guibas, Oudot & Skraba 2013, J. ACM 60(6)). A few rounds of spherical k-means then give each hill a centre,
so that a text belongs to the nearest centre, whatever else is there: new texts join topics that exist without moving them.

Nothing is drawn at random: the same rows in the same order give the same centres.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nlp.probabilities import Floats

NEIGHBOURS = 10
PROMINENCE = 0.012
FLOOR = 0.36  # a text whose nearest centre is less similar belongs to no topic
SAMPLE = 12_000  # texts that are enough to find the hills
_ROUNDS = 5
_BLOCK = 1024
_LEANING = 30  # texts of either pole from which their difference is known well enough

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Space:
    """How embeddings are seen: from their `mean`, and without the `direction` from blame to praise, for a topic is what is spoken of, not how."""

    mean: Floats
    direction: Floats

    def seen(self, vectors: Floats) -> Floats:
        """Unit vectors `(texts, width)`."""
        apart = vectors - self.mean
        apart = apart - (apart @ self.direction)[:, None] * self.direction
        return _unit(apart)


def space_of(vectors: Floats, leaning: Floats) -> Space:
    """The space of these texts. `leaning` `(texts,)` is below 0 of those that blame, above of those that praise; where hardly any do the one or the other no direction is left out."""
    mean: Floats = vectors.mean(axis=0)
    praise, blame = vectors[leaning > 0], vectors[leaning < 0]
    if min(len(praise), len(blame)) < _LEANING:
        return Space(mean, np.zeros_like(mean))
    return Space(mean, _unit((praise.mean(axis=0) - blame.mean(axis=0))[None])[0])


def find_centres(seen: Floats, least: int, prominence: float = PROMINENCE) -> Floats:
    """The centres `(topics, width)` of topics with `least` of the texts or more, the largest first. The search grows with the square of the texts: see `SAMPLE`."""
    none = np.zeros((0, seen.shape[1]), dtype=np.float32)
    if len(seen) <= NEIGHBOURS:
        return none
    hills = _hills(*_neighbours(seen), prominence)
    for _ in range(_ROUNDS):
        kept, counts = np.unique(hills[hills >= 0], return_counts=True)
        kept = kept[counts >= least]
        if not len(kept):
            return none
        centres = _unit(np.stack([seen[hills == hill].mean(axis=0) for hill in kept]))
        hills = nearest(seen, centres)[0]
    counts = np.bincount(hills[hills >= 0], minlength=len(centres))
    order = np.argsort(-counts, kind="stable")
    return centres[order[counts[order] >= least]]


def nearest(seen: Floats, centres: Floats) -> tuple[Ints, Floats]:
    """Of each text the nearest centre and the similarity to it, `(texts,)`; -1 where that is below `FLOOR`."""
    if not len(centres):
        return np.full(len(seen), -1, dtype=np.int64), np.zeros(len(seen), dtype=np.float32)
    similarity = seen @ centres.T
    place = similarity.argmax(axis=1)
    best: Floats = similarity[np.arange(len(seen)), place]
    return np.where(best >= FLOOR, place, -1), best


def _neighbours(seen: Floats) -> tuple[Ints, Floats]:
    """Of each text its nearest others, most similar first: places and similarities `(texts, NEIGHBOURS)`."""
    places = np.empty((len(seen), NEIGHBOURS), dtype=np.int64)
    similarities = np.empty((len(seen), NEIGHBOURS), dtype=np.float32)
    for start in range(0, len(seen), _BLOCK):
        block = seen[start : start + _BLOCK] @ seen.T
        rows = np.arange(len(block))
        block[rows, start + rows] = -np.inf
        found = np.argpartition(-block, NEIGHBOURS - 1, axis=1)[:, :NEIGHBOURS]
        values = np.take_along_axis(block, found, axis=1)
        order = np.lexsort((found, -values), axis=1)
        places[start : start + len(block)] = np.take_along_axis(found, order, axis=1)
        similarities[start : start + len(block)] = np.take_along_axis(values, order, axis=1)
    return places, similarities


def _hills(places: Ints, similarities: Floats, prominence: float) -> Ints:
    """The hill of each text, by the place of its summit."""
    density = similarities.mean(axis=1)
    order = np.argsort(-density, kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    ranks, heights, around = rank.tolist(), density.tolist(), places.tolist()
    above = list(range(len(ranks)))

    def summit(place: int) -> int:
        while above[place] != place:
            above[place] = above[above[place]]
            place = above[place]
        return place

    for place in order.tolist():
        denser = [other for other in around[place] if ranks[other] < ranks[place]]
        if not denser:
            continue
        above[place] = summit(denser[0])
        for other in denser[1:]:
            here, there = summit(place), summit(other)
            lower, higher = (here, there) if ranks[here] > ranks[there] else (there, here)
            if here != there and heights[lower] - heights[place] < prominence:
                above[lower] = higher
    return np.array([summit(place) for place in range(len(above))], dtype=np.int64)


def _unit(vectors: npt.NDArray[np.floating[Any]]) -> Floats:
    lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    unit: Floats = (vectors / lengths).astype(np.float32)
    return unit
