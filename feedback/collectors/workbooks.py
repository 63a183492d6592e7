"""Excel workbooks: which of their sheets hold rows, and the rows as people see them, read one by one.

openpyxl reads them. Some of what people see it tells by names of its own alone, which begin with an underscore: each stands in `_Sheet` or `_Workbook`.
"""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol, cast
from zipfile import ZipFile

from feedback.collectors.base import Unreadable
from feedback.collectors.encoding import open_binary
from feedback.collectors.grids import Grid, IsHeader, Row, cell_text, under_header
from feedback.collectors.sheet_xml import filled, read_facts
from feedback.errors import CollectError

_MAX_STRINGS_BYTES = 1 << 30
# Rows that are all alike pack 20:1. What packs much better and is large was made to fill a memory.
_BOMB_BYTES, _BOMB_RATIO = 64 << 20, 300
# Dates in the Chinese editions of Excel and WPS, which a workbook does not describe (ECMA-376 18.8.30): 2026年3月1日, 下午3时20分.
_CHINESE_DATES = frozenset((*range(27, 37), *range(50, 59)))
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")  # how a workbook writes what XML can't hold (ECMA-376 22.9.2.19)
_NEVER_CALCULATED = (
    "{} cells hold formulas without results, and count as empty: open the file in Excel, save it, and collect it again"
)
_ALL_HIDDEN = ", but for those that are hidden ({}): unhide them in Excel and save it, if they are to be read."


class _Sheet(Protocol):
    """What is used of openpyxl's read-only worksheet."""

    title: str
    sheet_state: str
    _worksheet_path: str  # in the archive

    def reset_dimensions(self) -> None: ...
    def iter_rows(self, *, values_only: bool) -> Iterator[tuple[object, ...]]: ...


class _Style(Protocol):
    numFmtId: int


class _Workbook(Protocol):
    worksheets: list[_Sheet]
    _cell_styles: list[_Style]
    _date_formats: set[int]  # places in these styles

    def close(self) -> None: ...


class Sheet(NamedTuple):
    """A sheet's rows under its header. `named`: one whose header is accepted; `title`: "" for the first that is visible."""

    title: str
    grid: Grid
    named: bool
    hidden: bool


@contextmanager
def open_workbook(path: Path, is_header: IsHeader) -> Iterator[list[Sheet]]:
    """The sheets that hold any rows, in their order; `CollectError` where no visible one does. Their rows can be read while it is open.

    Dates come as `YYYY-MM-DD HH:MM:SS`, whole numbers without a fraction. Memory holds the workbook's distinct texts, as the format puts them in
    one table, but not its rows.
    """
    with open_binary(path) as file:
        workbook = _opened(path, file)
        try:
            yield _sheets(path, workbook, is_header)
        finally:
            workbook.close()


def _sheets(path: Path, workbook: _Workbook, is_header: IsHeader) -> list[Sheet]:
    found: list[Sheet] = []
    for sheet in workbook.worksheets:
        hidden = sheet.sheet_state != "visible"
        title = sheet.title if hidden or not all(each.hidden for each in found) else ""
        grid = under_header(_rows(path, sheet, f"{path.name}[{title}]" if title else path.name), is_header, ragged=True)
        if grid is not None:
            found.append(Sheet(title, grid, is_header(grid.columns), hidden))
    if all(sheet.hidden for sheet in found):
        titles = ", ".join(sheet.title for sheet in found)
        raise CollectError(
            f"{path}: no sheet of this workbook holds any rows{_ALL_HIDDEN.format(titles) if titles else '.'}"
        )
    return found


def _opened(path: Path, file: BinaryIO) -> _Workbook:
    from openpyxl import load_workbook

    with _openpyxl(f"{path} is damaged: no Excel workbook can be read from it"):
        with ZipFile(file) as archive:
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
        # Of a path it would judge the ending, and take no workbook that is called .xls.
        workbook = cast(_Workbook, load_workbook(file, read_only=True, data_only=True))
    styles = enumerate(workbook._cell_styles)
    workbook._date_formats |= {place for place, style in styles if style.numFmtId in _CHINESE_DATES}
    return workbook


@contextmanager
def _openpyxl(at_fault: str) -> Iterator[None]:
    """What it raises is a fault of the file: of one that is broken it may be anything. What it warns of, styles and extensions, does not matter here."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (CollectError, MemoryError):
        raise
    except Exception as error:
        raise CollectError(f"{at_fault}. Save it again.") from error


def _rows(path: Path, sheet: _Sheet, name: str) -> Iterator[Row | Unreadable]:
    at_fault = f"{path}, sheet {sheet.title}, is damaged: it can't be read to its end"
    with _openpyxl(at_fault), ZipFile(path) as archive, archive.open(sheet._worksheet_path) as xml:
        facts = read_facts(xml)
    rows = enumerate(_cells(sheet, at_fault), 1)
    for number, cells in filled(rows, facts.merged) if facts.merged else rows:
        yield f"{name}:{number}", cells
    if facts.uncalculated:
        yield Unreadable(name, _NEVER_CALCULATED.format(f"{facts.uncalculated:,}"))


def _cells(sheet: _Sheet, at_fault: str) -> Iterator[list[str]]:
    sheet.reset_dimensions()  # other programs write wrong ones, which would cut the sheet off
    rows = sheet.iter_rows(values_only=True)
    while True:
        with _openpyxl(at_fault):
            values = next(rows, None)
        if values is None:
            return
        yield [_text(value) if type(value) is str else cell_text(value) for value in values]


def _text(value: str) -> str:
    return _ESCAPED.sub(lambda code: chr(int(code[1], 16)), value) if "_x" in value else value
