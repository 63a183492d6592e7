"""Rows under a header: where it is, and which rows fit it; and the text files that hold such, CSV and TSV, read row by row in bounded memory."""

import csv
import re
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from itertools import chain, islice
from pathlib import Path

from feedback.collectors.base import Unreadable
from feedback.collectors.encoding import Lines, open_text
from feedback.errors import CollectError

Row = tuple[str, list[str]]  # where it is ("reviews.csv:17") and its cells, as many as there are columns

MAX_FIELD_CHARS = 16 * 1024 * 1024
_MAX_ROW_LINES = 5_000  # a quote that is never closed must not swallow the file
_LOOK_AHEAD = 20
_LIKE_DATA = re.compile(r"[\d\s.,:/%+年月日-]+|.{30,}", re.DOTALL)  # what names no column
_MAX_PREAMBLE = 10  # titles and notes that exports put above the header
_NOTE = re.compile(r"[^:：]{1,12}[:：].*", re.DOTALL)  # 部门：客服部, in a line above the header
_INEXACT = 2.0**53  # from here on a floating-point number stands for several whole ones
# What begins a row that sums up those above it, and no row that a customer wrote.
_SUMS_UP = re.compile(
    r"(?:合计|小计|总计|共计|汇总|平均分?|平均值|均值|总数|total|subtotal|grand total|average)[\s:：()（）\d.,%条个行分]*",
    re.IGNORECASE,
)

IsHeader = Callable[[list[str]], bool]


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows, and the names of their columns, each of which is there once; `header`: the names as the file has them."""

    columns: list[str]
    rows: Iterator[Row | Unreadable]
    header: Sequence[str] = ()


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
    grid = under_header(_csv_rows(path), is_header)
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


def under_header(rows: Iterator[Row | Unreadable], is_header: IsHeader, *, ragged: bool = False) -> Grid | None:
    """The rows under their header; None when there is no row that could be one. `ragged`: a row may lack empty cells at its end, and have some beyond the columns that have names."""
    leading = [row for row in islice(rows, _LOOK_AHEAD) if isinstance(row, Unreadable) or any(map(str.strip, row[1]))]
    candidates = [(n, row[1]) for n, row in enumerate(leading[:_MAX_PREAMBLE]) if not isinstance(row, Unreadable)]
    accepted = [(n, cells) for n, cells in candidates if is_header(cells)]
    wide = [(n, cells) for n, cells in candidates if _may_be_header([cell for cell in cells if cell.strip()])]
    chosen = accepted[:1] or _below_groups(wide) or candidates[:1]
    if not chosen:
        return None
    number, cells = chosen[0]
    header = _trimmed(cells)
    unreadable: list[Row | Unreadable] = [row for row in leading[:number] if isinstance(row, Unreadable)]
    fitting = _fitting(header, chain(unreadable, leading[number + 1 :], rows), ragged=ragged)
    return Grid(_numbered(header), fitting, header)


def _may_be_header(cells: list[str]) -> bool:
    return len(cells) > 1 and 2 * sum(1 for cell in cells if _NOTE.fullmatch(cell.strip())) < len(cells)


def _below_groups(rows: list[tuple[int, list[str]]]) -> list[tuple[int, list[str]]]:
    """The first row, or the second where it names the columns that the first only groups: 订单信息 over 订单号 and 下单时间."""
    if len(rows) > 1:
        groups, names = ([cell.strip() for cell in cells] for _, cells in rows[:2])
        both = {name for name, group in zip(names, groups, strict=False) if name == group}  # merged over both rows
        groups, names = [name for name in groups if name not in {"", *both}], [name for name in names if name]
        own = len(names) - len(both - {""})
        if 2 * len(groups) <= own and len(names) == len(set(names)) and not any(map(_LIKE_DATA.fullmatch, names)):
            return rows[1:2]
    return rows[:1]


def _numbered(header: list[str]) -> list[str]:
    """The names, each once: from the second time on with its number."""
    names: list[str] = []
    times = Counter[str]()
    for name in header:
        times[name] += 1
        names.append(f"{name} ({times[name]})" if name and times[name] > 1 else name)
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
        begins = cells[0].strip() or next((cell.strip() for cell in cells if cell.strip()), "")
        if not begins:
            continue
        if width > 1 and _SUMS_UP.fullmatch(begins):
            yield Unreadable(where, f"it sums up other rows ('{begins}')")
            continue
        yield row


def cell_text(value: object) -> str:
    """A value as people see it: 12.0 is "12", a large number has all its digits, nothing is "".

    Beyond 2^53 a floating-point number does not have them: it stays short, which is no id.

    >>> cell_text(1.5e14), cell_text(1234567890123456789), cell_text(1234567890123456789.0)
    ('150000000000000', '1234567890123456789', '1.2345678901234568e+18')
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if value != value:  # NaN stands for "no value" in data frames
            return ""
        exact = Decimal(repr(value))
        return format(exact, "f").removesuffix(".0") if abs(value) < _INEXACT else format(exact.normalize(), "e")
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)
