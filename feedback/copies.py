"""Finding texts that are copies of one another, exact or near.

Two texts are compared by their letters, Han characters and digits alone, folded. Near copies are found by MinHash (Broder 1997)
over character trigrams: texts that share a band are candidates, `similar` decides by their true Jaccard similarity.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from nlp.normalize import fold
from storage.records import Fingerprint

# Shorter texts say the same by chance: "质量很好" from two customers is two opinions.
SHORTEST_EXACT = 10
SHORTEST_NEAR = 20
NEAR = 0.8

_BANDS, _ROWS = 4, 3  # finds 94 % of pairs at Jaccard 0.8, compares 41 % of those at 0.5 in vain
_SKIPPED = re.compile(r"[\W_]+")
_SHINGLE = 3
_AT_ONCE = 100_000  # characters whose shingles are held, at some 60 bytes each

_random = np.random.default_rng(19970611)
_FACTORS = _random.integers(1, 2**63, size=_BANDS * _ROWS, dtype=np.uint64) | np.uint64(1)
_OFFSETS = _random.integers(0, 2**63, size=_BANDS * _ROWS, dtype=np.uint64)
_MIX = np.uint64(0x9E3779B97F4A7C15)


def fingerprints(folded: Sequence[str]) -> list[Fingerprint]:
    """One per folded text (`nlp.normalize.fold`), in order; independent of the other texts."""
    keys = [_key(text) for text in folded]
    near = [n for n, key in enumerate(keys) if len(key) >= SHORTEST_NEAR]
    bands = {
        n: band
        for group in _groups(near, keys)
        for n, band in zip(group, _bands([keys[n] for n in group]), strict=True)
    }
    return [
        Fingerprint(_exact(key), bands.get(n, ())) if len(key) >= SHORTEST_EXACT else Fingerprint(None)
        for n, key in enumerate(keys)
    ]


def similar(one: str, other: str) -> bool:
    """Whether the Jaccard similarity of the two texts' trigrams is at least `NEAR`."""
    a, b = _shingles(_key(fold(one))), _shingles(_key(fold(other)))
    if not a or not b:
        return False
    return len(a & b) >= NEAR * len(a | b)


def _key(folded: str) -> str:
    return _SKIPPED.sub("", folded)


def _exact(key: str) -> int:
    return int.from_bytes(hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest(), signed=True)


def _shingles(key: str) -> set[str]:
    return {key[i : i + _SHINGLE] for i in range(len(key) - _SHINGLE + 1)}


def _groups(places: Sequence[int], keys: Sequence[str]) -> Iterator[list[int]]:
    """The places one after another, as many together as may be held at once."""
    group: list[int] = []
    held = 0
    for place in places:
        if group and held + len(keys[place]) > _AT_ONCE:
            yield group
            group, held = [], 0
        group.append(place)
        held += len(keys[place])
    if group:
        yield group


def _bands(keys: Sequence[str]) -> list[tuple[int, ...]]:
    """MinHash bands of many keys at once: every shingle hashed under each permutation, the least per key and permutation."""
    lengths = np.array([len(key) for key in keys])
    codes = np.frombuffer("".join(keys).encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    shingles = (codes[:-2] << np.uint64(42)) ^ (codes[1:-1] << np.uint64(21)) ^ codes[2:]
    shingles = (shingles * _MIX) ^ ((shingles * _MIX) >> np.uint64(31))
    starts = np.concatenate(([0], np.cumsum(lengths)[:-1]))
    # The last two positions of a key begin shingles that reach into the next key; they repeat its first shingle instead.
    owner = np.repeat(np.arange(len(keys)), lengths)[: len(shingles)]
    crossing = np.arange(len(shingles)) > (starts + lengths - _SHINGLE)[owner]
    shingles[crossing] = shingles[starts[owner[crossing]]]
    minima = np.empty((len(keys), _BANDS * _ROWS), dtype=np.uint64)
    for n, (factor, offset) in enumerate(zip(_FACTORS, _OFFSETS, strict=True)):
        minima[:, n] = np.minimum.reduceat(shingles * factor + offset, starts)
    return [tuple(row) for row in _combine(minima).tolist()]


def _combine(minima: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    grouped = minima.reshape(len(minima), _BANDS, _ROWS)
    combined = np.zeros((len(minima), _BANDS), dtype=np.uint64)
    for row in range(_ROWS):
        combined = (combined ^ grouped[:, :, row]) * _MIX
        combined ^= combined >> np.uint64(29)
    # The band's number is part of its value: equal minima in different bands mean nothing.
    return (combined + np.arange(_BANDS, dtype=np.uint64)).view(np.int64)
