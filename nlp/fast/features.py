"""Hashed character n-grams of many segments at once, in numpy.

A segment becomes a bag of bucket numbers: its character 1- to 4-grams (with a mark at either end), and one bucket
for its length class. The vector is the counts divided by the root of their number, so that it does not
depend on any other text.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nlp.normalize import squash

BITS = 20
BUCKETS = 1 << BITS
ORDERS = (1, 2, 3, 4)

_START, _END = "\x02", "\x03"
# Multipliers of a multiplicative (Fibonacci-style) hash, one per n-gram order, odd and unrelated.
_STEP = np.uint64(0x9E3779B97F4A7C15)
_ORDER_SALT = tuple(
    np.uint64(salt) for salt in (0xA24BAED4963EE407, 0x9FB21C651E98DF25, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)
)
_LENGTH_SALT = np.uint64(0xD6E8FEB86659FD93)


@dataclass(frozen=True, slots=True)
class Bags:
    """`buckets` of all segments one after another; segment i owns `starts[i]`..`starts[i + 1]` and divides by `norms[i]`."""

    buckets: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    norms: npt.NDArray[np.float32]


def bags_of(segments: Sequence[str]) -> Bags:
    """The bags of `segments`, in order; every bag has at least one bucket."""
    texts = [_START + squash(s) + _END for s in segments]
    lengths = np.array([len(t) for t in texts], dtype=np.int64)
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    ends = np.repeat(offsets[1:], lengths)  # for each character, where its segment ends
    owner = np.repeat(np.arange(len(texts)), lengths)
    position = np.arange(len(codes))

    pieces: list[npt.NDArray[np.int64]] = []
    owners: list[npt.NDArray[np.int64]] = []
    rolling = np.zeros(len(codes), dtype=np.uint64)
    for order in ORDERS:
        grown = codes[order - 1 :]
        rolling = rolling[: len(grown)] * _STEP + grown + np.uint64(1)
        inside = position[: len(grown)] + order <= ends[: len(grown)]
        pieces.append(_bucket(rolling[inside], _ORDER_SALT[order - 1]))
        owners.append(owner[: len(grown)][inside])
    length_class = np.minimum(np.log2(np.maximum(lengths, 1)) * 2, 20).astype(np.uint64)
    pieces.append(_bucket(length_class, _LENGTH_SALT))
    owners.append(np.arange(len(texts)))

    buckets, owners_all = np.concatenate(pieces), np.concatenate(owners)
    order_by_owner = np.argsort(owners_all, kind="stable")
    counts = np.bincount(owners_all, minlength=len(texts))
    return Bags(
        buckets=buckets[order_by_owner],
        starts=np.concatenate(([0], np.cumsum(counts))),
        norms=np.sqrt(counts).astype(np.float32),
    )


def _bucket(values: npt.NDArray[np.uint64], salt: np.uint64) -> npt.NDArray[np.int64]:
    mixed = (values ^ salt) * _STEP
    mixed ^= mixed >> np.uint64(29)
    mixed *= salt
    return (mixed >> np.uint64(64 - BITS)).astype(np.int64)
