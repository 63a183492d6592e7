"""Reading a file as numbered lines, as often as its format needs, and its first ones to recognise that format."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from feedback.collectors.base import KEYED, Part, Unreadable
from feedback.collectors.encoding import Encoding, Lines, find_encoding
from feedback.errors import CollectError

_OPENING_LINES = 2000
_OPENING_CHARACTERS = 1_000_000


class Line(NamedTuple):
    """A line without its end; `trouble` says why it can't be used, where that is so."""

    number: int
    text: str
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class TextFile:
    """A file in the encoding found for it. `opening`: its first lines, from the first that says something."""

    name: str
    path: Path
    encoding: Encoding
    opening: tuple[str, ...] = ()

    @classmethod
    def open(cls, part: Part) -> "TextFile":
        """`CollectError` when the file is empty or none of its first lines can be read."""
        file = cls(part.name, part.path, find_encoding(part.path))
        return cls(file.name, file.path, file.encoding, tuple(file._read_opening()))

    def _read_opening(self) -> list[str]:
        opening: list[str] = []
        characters = 0
        trouble: Line | None = None
        for line in islice(self.lines(), _OPENING_LINES):
            if line.trouble is not None:
                trouble = trouble or line
            elif opening or line.text.strip():
                opening.append(line.text)
                characters += len(line.text)
            if characters > _OPENING_CHARACTERS:
                break
        if opening:
            return opening
        if trouble is not None:
            raise CollectError(
                f"{self.name}, line {trouble.number}: {trouble.trouble}. Export it again as UTF-8, one message a line."
            )
        raise CollectError(f"{self.name} is empty.")

    def raw_lines(self) -> Lines:
        """The lines with their ends; what is wrong with one is in `troubles` after it."""
        return Lines(self.path, self.encoding)

    def lines(self) -> Iterator[Line]:
        """The lines from 1."""
        with self.raw_lines() as stream:
            for number, text in enumerate(stream, 1):
                trouble = None
                if stream.troubles:
                    trouble = stream.troubles[-1].reason
                    stream.troubles.clear()
                yield Line(number, text.rstrip("\r\n"), trouble)

    def unreadable(self, line: Line, reason: str | None = None) -> Unreadable:
        """The reject of a line, for a reason or for its own trouble. It shows nothing of the line: it may hold names."""
        return Unreadable(f"{self.name}:{line.number}", reason or line.trouble or "")


def fingerprint(*texts: str) -> str:
    """A short id that is equal for equal texts, to be used as an id or a part of one.

    They may be names, and whoever guesses a name could make the same; intake hashes it once more, with the project's key.
    """
    return KEYED + hashlib.sha256("\x1f".join(texts).encode("utf-8", "surrogatepass")).hexdigest()[:16]
