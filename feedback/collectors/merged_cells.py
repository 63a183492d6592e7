"""Cells that were merged downwards in an Excel sheet: only the first holds the value, and all the rows beside it have it.

openpyxl tells of merged cells only where it holds a whole workbook in memory. In the sheet's XML they come after all rows (ECMA-376 18.3.1.55),
so it is looked through once before the rows are read.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import IO

_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^<>]{0,40}?ref=[\"']([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})[\"']")
_LONGEST_TAG = 120
_CHUNK = 1 << 20
_MOST = 100_000  # more were not made by hand


@dataclass(frozen=True, slots=True)
class Merged:
    """Cells of one column, from row `first` to row `last`; rows are counted from 1, columns from 0."""

    first: int
    last: int
    column: int


def read_merged(sheet: IO[bytes]) -> list[Merged]:
    """What is merged downwards in a sheet's XML, in the order of the rows; what is merged across columns is a title."""
    found: list[Merged] = []
    rest = b""
    while (chunk := sheet.read(_CHUNK)) and len(found) < _MOST:
        text = rest + chunk
        end = 0
        for match in _MERGED.finditer(text):
            end = match.end()
            if match[1] == match[3]:
                column = reduce(lambda so_far, letter: 26 * so_far + letter - ord("A") + 1, match[1], 0) - 1
                found.append(Merged(int(match[2]), int(match[4]), column))
        rest = text[max(end, len(text) - _LONGEST_TAG) :]
    return sorted(found, key=lambda each: each.first)


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
