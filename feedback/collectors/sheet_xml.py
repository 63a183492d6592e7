"""What a sheet's XML says that openpyxl does not tell while it reads row by row, looked through once before the rows are read.

Of cells that were merged downwards only the first holds the value, and all the rows beside it have it; they are listed after all rows (ECMA-376
18.3.1.55). A formula that no program calculated has no result (18.3.1.40), as in files that were written by programs and never opened in Excel.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import IO, NamedTuple

_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^<>]{0,40}?ref=[\"']([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})[\"']")
_UNCALCULATED = re.compile(
    rb'<c\b(?![^<>]*\bt="str")[^<>]{0,80}><f\b[^<>]*(?:/>|>[^<]{0,1000}</f>)\s*(?:<v\s*/>|<v>\s*</v>)?\s*</c>'
)
_LONGEST = 1200  # of what is looked for
_CHUNK = 1 << 20
_MOST = 100_000  # more were not made by hand


@dataclass(frozen=True, slots=True)
class Merged:
    """Cells of one column, from row `first` to row `last`; rows are counted from 1, columns from 0."""

    first: int
    last: int
    column: int


class SheetFacts(NamedTuple):
    """`merged`: in the order of the rows; what is merged across columns is a title. `uncalculated`: formulas without a result."""

    merged: list[Merged]
    uncalculated: int


def read_facts(sheet: IO[bytes]) -> SheetFacts:
    """Of a sheet's XML, in pieces."""
    found: list[Merged] = []
    uncalculated, rest = 0, b""
    while (chunk := sheet.read(_CHUNK)) and len(found) < _MOST:
        text = rest + chunk
        end = 0
        for match in _UNCALCULATED.finditer(text) if b"<f" in text else ():
            uncalculated, end = uncalculated + 1, match.end()
        for match in _MERGED.finditer(text):
            end = match.end()
            if match[1] == match[3]:
                column = reduce(lambda so_far, letter: 26 * so_far + letter - ord("A") + 1, match[1], 0) - 1
                found.append(Merged(int(match[2]), int(match[4]), column))
        rest = text[max(end, len(text) - _LONGEST) :]
    return SheetFacts(sorted(found, key=lambda each: each.first), uncalculated)


def filled(rows: Iterator[tuple[int, list[str]]], merged: list[Merged]) -> Iterator[tuple[int, list[str]]]:
    """The rows, by their numbers, with what stands in the first of merged cells in all of them."""
    waiting, open_ = iter(merged), list[tuple[Merged, str]]()
    following = next(waiting, None)
    for number, cells in rows:
        open_ = [each for each in open_ if each[0].last >= number]
        for each, value in open_:
            cells += [""] * (each.column + 1 - len(cells))
            cells[each.column] = cells[each.column] or value
        while following is not None and following.first <= number:
            if following.first == number and following.column < len(cells):
                open_.append((following, cells[following.column]))
            following = next(waiting, None)
        yield number, cells
