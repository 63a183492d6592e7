"""Files that are rows under a header: CSV, TSV and Excel workbooks, read row by row in bounded memory."""

import csv
import re
import warnings
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from itertools import chain, islice
from pathlib import Path
from typing import Protocol, cast
from zipfile import BadZipFile, ZipFile
from zlib import error as ZlibError

from feedback.collectors.base import Unreadable
from feedback.collectors.encoding import Lines, open_text
from feedback.collectors.merged_cells import Merged, filled, read_merged
from feedback.errors import CollectError

Row = tuple[str, list[str]]  # where it is ("reviews.csv:17") and its cells, as many as there are columns

MAX_FIELD_CHARS = 16 * 1024 * 1024
_MAX_ROW_LINES = 5_000  # a quote that is never closed must not swallow the file
_LOOK_AHEAD = 20
_LIKE_DATA = re.compile(r"[\d\s.,:/%+年月日-]+|.{30,}", re.DOTALL)  # what names no column
_MAX_PREAMBLE = 10  # titles and notes that exports put above the header
_MAX_STRINGS_BYTES = 1 << 30
# Rows that are all alike pack 20:1. What packs much better and is large was made to fill a memory.
_BOMB_BYTES, _BOMB_RATIO = 64 << 20, 300
_DAMAGED = (BadZipFile, KeyError, ValueError, TypeError, IndexError, AttributeError, EOFError, SyntaxError, ZlibError)

IsHeader = Callable[[list[str]], bool]


@dataclass(frozen=True, slots=True)
class Grid:
    columns: list[str]
    rows: Iterator[Row | Unreadable]


class _Runaway(Exception):
    pass


def read_csv(path: Path, is_header: IsHeader) -> Grid:
    """The rows of a delimited text file; the delimiter (, tab ; |) is found by trial.

    The header is the first of the leading rows that `is_header` accepts, else the first with at least two cells, or the one below, where
    that one only groups its columns. A name that comes again is numbered: "评价内容 (2)". A row
    with more or fewer cells than the header, of bytes no encoding reads, or with an open quote is `Unreadable`; the
    rows after it are read. Blank rows and repetitions of the header (files glued together) are no rows.
    """
    csv.field_size_limit(MAX_FIELD_CHARS)  # process-wide; the default of 128 KB refuses long chats
    grid = _under_header(_csv_rows(path), is_header)
    if grid is None:
        raise CollectError(f"{path} can't be read as a table: no row of it is whole. Save it again as CSV UTF-8.")
    return grid


def find_delimiter(lines: list[str]) -> str:
    """The delimiter under which most lines agree on a number of columns; the unit separator for a single column."""
    best = (0, 0, "\x1f")
    for delimiter in (",", "\t", ";", "|"):
        rows = [row for row in csv.reader(lines, delimiter=delimiter) if row]
        width, agreeing = max(Counter(map(len, rows)).items(), key=lambda item: (item[0] > 1, item[1]), default=(1, 0))
        if width > 1 and agreeing * 2 >= len(rows):
            best = max(best, (agreeing, width, delimiter))
    return best[2]


def _csv_rows(path: Path) -> Iterator[Row | Unreadable]:
    with open_text(path) as lines:
        ahead = list(islice(lines, _LOOK_AHEAD))
        if lines.troubles and lines.troubles[0].line == 1:
            raise CollectError(f"{path}: line 1: {lines.troubles[0].reason}. Is this a table of customer feedback?")
        yield from _delimited(lines, path.name, find_delimiter(ahead), ahead)


def _delimited(lines: Lines, name: str, delimiter: str, ahead: list[str]) -> Iterator[Row | Unreadable]:
    """Rows of any width. Strict reading tells a quote that was closed from one that ran on into the next rows."""
    waiting = deque(enumerate(ahead, 1))
    taken: list[tuple[int, str]] = []  # the lines of the row being read

    def feed() -> Iterator[str]:
        while True:
            if waiting:
                taken.append(waiting.popleft())
            else:
                line = next(lines, None)
                if line is None:
                    return
                taken.append((lines.line, line))
            if len(taken) > _MAX_ROW_LINES:
                raise _Runaway
            yield taken[-1][1]

    reader = csv.reader(feed(), delimiter=delimiter, strict=True)
    while True:
        taken.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, _Runaway):
            # Its first line alone; those after it are rows again.
            waiting.extendleft(reversed(taken[1:]))
            del taken[1:]
            reader = csv.reader(feed(), delimiter=delimiter, strict=True)
            cells = _sloppy(taken[0][1], delimiter)
        if lines.troubles and (reason := _trouble(lines, taken)):
            yield Unreadable(f"{name}:{taken[0][0]}", reason)
        elif cells:
            yield f"{name}:{taken[0][0]}", cells


def _sloppy(line: str, delimiter: str) -> list[str]:
    """A line with misplaced quotes: read leniently, and literally where an open quote would eat its delimiters."""
    literally = line.count('"') % 2 == 1
    try:
        if literally:
            return next(csv.reader([line], delimiter=delimiter, quoting=csv.QUOTE_NONE), [])
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return [line]


def _trouble(lines: Lines, taken: list[tuple[int, str]]) -> str | None:
    first, last = taken[0][0], taken[-1][0]
    reasons = [t.reason for t in lines.troubles if first <= t.line <= last]
    lines.troubles[:] = [t for t in lines.troubles if t.line > last]
    return reasons[0] if reasons else None


def _under_header(rows: Iterator[Row | Unreadable], is_header: IsHeader, *, ragged: bool = False) -> Grid | None:
    """The rows under their header; None when there is no row that could be one. `ragged`: a row may lack empty cells at its end, and have some beyond the columns that have names."""
    leading = [row for row in islice(rows, _LOOK_AHEAD) if isinstance(row, Unreadable) or any(map(str.strip, row[1]))]
    candidates = [(n, row[1]) for n, row in enumerate(leading[:_MAX_PREAMBLE]) if not isinstance(row, Unreadable)]
    accepted = [(n, cells) for n, cells in candidates if is_header(cells)]
    wide = [(n, cells) for n, cells in candidates if sum(1 for cell in cells if cell.strip()) > 1]
    chosen = accepted[:1] or _below_groups(wide) or candidates[:1]
    if not chosen:
        return None
    number, cells = chosen[0]
    header = _trimmed(cells)
    unreadable: list[Row | Unreadable] = [row for row in leading[:number] if isinstance(row, Unreadable)]
    return Grid(_numbered(header), _fitting(header, chain(unreadable, leading[number + 1 :], rows), ragged=ragged))


def _below_groups(rows: list[tuple[int, list[str]]]) -> list[tuple[int, list[str]]]:
    """The first row, or the second where it names the columns that the first only groups: 订单信息 over 订单号 and 下单时间."""
    if len(rows) > 1:
        groups, names = ([cell.strip() for cell in cells if cell.strip()] for _, cells in rows[:2])
        if 2 * len(groups) <= len(names) == len(set(names)) and not any(map(_LIKE_DATA.fullmatch, names)):
            return rows[1:2]
    return rows[:1]


def _numbered(header: list[str]) -> list[str]:
    """The names, each once: from the second time on with its number."""
    names: list[str] = []
    for place, name in enumerate(header):
        times = header[: place + 1].count(name)
        names.append(f"{name} ({times})" if name and times > 1 else name)
    return names


def _trimmed(header: list[str]) -> list[str]:
    names = [name.strip().removeprefix("\ufeff") for name in header]
    while names and not names[-1]:
        names.pop()
    return names


def _fitting(
    header: list[str], rows: Iterator[Row | Unreadable], *, ragged: bool = False
) -> Iterator[Row | Unreadable]:
    width = len(header)
    for row in rows:
        if type(row) is not tuple:
            yield row
            continue
        where, cells = row
        if len(cells) != width:
            if not any(map(str.strip, cells)):
                continue
            if ragged:
                cells = cells[:width] + [""] * (width - len(cells))
            if len(cells) < width or any(map(str.strip, cells[width:])):
                reason = (
                    f"it has {len(cells)} columns where the header has {width}: a comma, quote or line break too many?"
                )
                yield Unreadable(where, reason)
                continue
            cells = cells[:width]
            row = where, cells
        if cells[0] == header[0] and [cell.strip() for cell in cells] == header:
            continue
        if not cells[0] and not any(map(str.strip, cells)):
            continue
        yield row


class _Sheet(Protocol):
    """What is used of openpyxl's read-only worksheet."""

    title: str
    sheet_state: str
    _worksheet_path: str  # openpyxl has no public name for it

    def reset_dimensions(self) -> None: ...
    def iter_rows(self, *, values_only: bool) -> Iterator[tuple[object, ...]]: ...


def read_xlsx(path: Path, is_header: IsHeader) -> Grid:
    """The rows of the first sheet that holds any, and of further sheets with the same header.

    A visible sheet with other columns is one `Unreadable`. Dates come as `YYYY-MM-DD HH:MM:SS`, whole numbers without
    a fraction. Memory holds the workbook's distinct texts, as the format puts them in one table, but not its rows.
    """
    sheets = _sheets(path)
    for sheet in sheets:
        grid = _under_header(_sheet_rows(path, sheet, path.name), is_header, ragged=True)
        if grid is not None:
            return Grid(grid.columns, chain(grid.rows, _further_sheets(path, sheets, grid.columns)))
    raise CollectError(f"{path}: no sheet of this workbook holds any rows.")


def _further_sheets(path: Path, sheets: Iterator[_Sheet], columns: list[str]) -> Iterator[Row | Unreadable]:
    for sheet in sheets:
        rows = _sheet_rows(path, sheet, f"{path.name}[{sheet.title}]")
        first = next((row for row in rows if any(map(str.strip, row[1]))), None)
        if first is None:
            continue
        header = _trimmed(first[1])
        if _numbered(header) == columns:
            yield from _fitting(header, rows, ragged=True)
        else:
            reason = "this sheet was not read: its columns are not those of the first; save it as a file of its own"
            yield Unreadable(first[0], reason)


def _sheets(path: Path) -> Iterator[_Sheet]:
    from openpyxl import load_workbook

    try:
        with ZipFile(path) as archive:
            infos = archive.infolist()
        sizes = {info.filename: info.file_size for info in infos}
        if not any(name.startswith("xl/") for name in sizes):
            raise CollectError(f"{path} is a ZIP archive, not a table. Unpack it and collect the files inside.")
        if sizes.get("xl/sharedStrings.xml", 0) > _MAX_STRINGS_BYTES:
            raise CollectError(f"{path} holds over 1 GB of text. Save it from Excel as CSV UTF-8.")
        for info in infos:
            if info.file_size > max(_BOMB_BYTES, _BOMB_RATIO * info.compress_size):
                raise CollectError(
                    f"{path} is no workbook that a program for tables wrote: its {info.filename} unpacks to "
                    f"{info.file_size >> 20:,} MB out of {info.compress_size >> 10:,} KB. Save the table as CSV UTF-8."
                )
        with warnings.catch_warnings():  # on styles and extensions, which do not matter here
            warnings.simplefilter("ignore")
            workbook = load_workbook(path, read_only=True, data_only=True)
    except (*_DAMAGED, OSError) as error:
        raise CollectError(f"{path} is damaged: no Excel workbook can be read from it. Save it again.") from error
    try:
        yield from (cast(_Sheet, sheet) for sheet in workbook.worksheets if sheet.sheet_state == "visible")
    finally:
        workbook.close()


def _sheet_rows(path: Path, sheet: _Sheet, name: str) -> Iterator[Row]:
    rows = enumerate(_cells(path, sheet), 1)
    for number, cells in filled(rows, merged) if (merged := _merged(path, sheet)) else rows:
        yield f"{name}:{number}", cells


def _merged(path: Path, sheet: _Sheet) -> list[Merged]:
    try:
        with ZipFile(path) as archive, archive.open(sheet._worksheet_path) as xml:
            return read_merged(xml)
    except (*_DAMAGED, OSError):  # reading its rows says so
        return []


def _cells(path: Path, sheet: _Sheet) -> Iterator[list[str]]:
    sheet.reset_dimensions()  # other programs write wrong ones, which would cut the sheet off
    rows = sheet.iter_rows(values_only=True)
    while True:
        try:
            values = next(rows, None)
        except _DAMAGED as error:
            raise CollectError(f"{path}, sheet {sheet.title}, is damaged: {error}. Save it again.") from error
        if values is None:
            return
        yield [value if type(value) is str else cell_text(value) for value in values]


def cell_text(value: object) -> str:
    """A value as people see it: 12.0 is "12", a large number has all its digits, nothing is ""."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if value != value:  # NaN stands for "no value" in data frames
            return ""
        return format(Decimal(repr(value)), "f").removesuffix(".0")
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)
