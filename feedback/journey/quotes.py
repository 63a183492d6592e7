"""Quotes chosen for being typical: what many said, in words close to everyone's, not the loudest or the longest.

Candidates are compared by the pairs of neighbouring characters in them; the most typical is the one nearest to the
mean of all (their centroid). No model decides, so the choice re-derives exactly.
"""

import hashlib
import math
import re
import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from feedback.journey.model import Quote
from storage.figures import SegmentText, segment_texts

QUOTES = 3
MAX_CANDIDATES = 500
READABLE = range(6, 61)  # characters: shorter ones say too little out of context, longer ones wander
_MASK = re.compile(r"\[\w{1,8}\]")  # what intake left of personal data: a quote of little else shows nothing
TOO_SIMILAR = 0.75  # cosine between two quotes above which the second adds nothing


@dataclass(frozen=True, slots=True)
class _Candidate:
    segment: SegmentText
    words: str  # folded: letters and digits only
    pairs: dict[str, float]  # of length 1
    typicality: float


def typical_quotes(connection: sqlite3.Connection, segment_ids: Sequence[int], seed: int) -> tuple[Quote, ...]:
    """Up to three quotes from these segments, the most typical first.

    Never two from one verbatim or in the same words; if it can be had, from different customers and products, not
    near-copies of each other, of readable length. Of more than 500 segments a fixed sample is read.
    """
    candidates = _candidates(segment_texts(connection, _sample(segment_ids, seed)))
    ranked = sorted(candidates, key=lambda c: (-c.typicality, c.segment.segment_id))
    readable = [c for c in ranked if _length(c) in READABLE]
    others = [c for c in ranked if _length(c) not in READABLE and c.words]
    chosen: list[_Candidate] = []
    for pool in (readable, others):
        for strictness in (2, 1, 0):
            for candidate in pool:
                if len(chosen) < QUOTES and _fits(candidate, chosen, strictness):
                    chosen.append(candidate)
    return tuple(_quote(c.segment) for c in chosen)


def _length(candidate: _Candidate) -> int:
    return len(_MASK.sub("", candidate.segment.text).strip())


def _sample(segment_ids: Sequence[int], seed: int) -> list[int]:
    if len(segment_ids) <= MAX_CANDIDATES:
        return list(segment_ids)

    def draw(segment_id: int) -> bytes:
        return hashlib.blake2b(f"{seed}:{segment_id}".encode(), digest_size=8).digest()

    return sorted(segment_ids, key=draw)[:MAX_CANDIDATES]


def _candidates(segments: Sequence[SegmentText]) -> list[_Candidate]:
    folded = ["".join(c for c in segment.text.lower() if c.isalnum()) for segment in segments]
    vectors = [_pairs(words) for words in folded]
    centroid: dict[str, float] = {}
    for vector in vectors:
        for pair, value in vector.items():
            centroid[pair] = centroid.get(pair, 0.0) + value
    return [
        # Rounded, so that equally typical ones tie and the id decides.
        _Candidate(segment, words, vector, round(_dot(vector, centroid), 9))
        for segment, words, vector in zip(segments, folded, vectors, strict=True)
    ]


def _pairs(words: str) -> dict[str, float]:
    counts = Counter(words[i : i + 2] for i in range(max(1, len(words) - 1)) if words)
    length = math.sqrt(sum(count * count for count in counts.values()))
    return {pair: count / length for pair, count in counts.items()}


def _dot(left: dict[str, float], right: dict[str, float]) -> float:
    return sum(value * right.get(pair, 0.0) for pair, value in left.items())


def _fits(candidate: _Candidate, chosen: Sequence[_Candidate], strictness: int) -> bool:
    """Strictness 0: another verbatim and other words; 1: another customer too; 2: another product and no near-copy."""
    this = candidate.segment
    for other in chosen:
        that = other.segment
        if this.verbatim_id == that.verbatim_id or candidate.words == other.words:
            return False
        if strictness >= 1 and this.person == that.person:
            return False
        if strictness >= 2 and this.product is not None and this.product == that.product:
            return False
        if strictness >= 2 and _dot(candidate.pairs, other.pairs) >= TOO_SIMILAR:
            return False
    return True


def _quote(segment: SegmentText) -> Quote:
    return Quote(
        verbatim_id=segment.verbatim_id,
        segment_id=segment.segment_id,
        text=segment.text,
        channel=segment.channel,
        product=segment.product,
        posted_at=segment.posted_at,
    )
