"""Exports that are tables or lists of records: CSV, TSV, Excel, JSON, JSON Lines, Parquet. The example to copy.

What a file is, its encoding and its layout are found from its contents, whatever it is called. See `docs/formats.md`.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from feedback.collectors.base import Item, Part, SourceConfig, Unreadable
from feedback.collectors.column_names import guess_after
from feedback.collectors.encoding import find_encoding, open_binary, open_text, refuse_binary
from feedback.collectors.files import parts_of
from feedback.collectors.grids import Grid, Row, read_csv
from feedback.collectors.layout import Layout, Pick, builtin_layouts, fold, load_layout, recognise
from feedback.collectors.mail_files import refuse_mails
from feedback.collectors.mapping import RowMapper
from feedback.collectors.objects import (
    Located,
    Object,
    expand,
    getter,
    keys_of,
    lists_in,
    load_value,
    read_json,
    read_jsonl,
    read_parquet,
    rows,
)
from feedback.collectors.suggest import UnknownLayout
from feedback.collectors.survey import SAMPLE_ROWS, SurveyMapper
from feedback.collectors.workbooks import Sheet, open_workbook
from feedback.errors import CollectError
from nlp.settings_table import quoted

SUFFIXES = (".csv", ".tsv", ".xlsx", ".xlsm", ".json", ".jsonl", ".ndjson", ".parquet")
_SAMPLE_OBJECTS = 50
_SAMPLE_IDS = 200
# What is no name of a column: a number as long as a phone's, a day.
_LIKE_DATA = re.compile(r"\+?\d[\d-]{6,}|(?:19|20)\d\d[-/.年]\d{1,2}[-/.月]\d{1,2}日?(?:[ T].*)?")
_BY_KEYS = (
    "{0}: its records stand in an object, each under its id, not in a list. Write one a line and collect that file: "
    "jq -c '{1} | to_entries[] | {{id: .key}} + .value' {2}.json > {2}.jsonl"
)
_NO_HEADER = (
    "{}: its first line looks like a row, not like the names of columns. "
    "Put names above it, like 评价内容, 评价时间, and try again."
)
_LEFT_OUT = (
    "{}: column {} looks like what customers added later (追评), and layout {} leaves it out. "
    "To have it collected, name it under [[texts]] of the layout: docs/formats.md"
)
_JSON_START = re.compile(r"\s*(?:\[\s*(?:[{\]]|$)|\{\s*[\"}]|(?:/\*.*?\*/)?\s*[\w$.]+\s*\(\s*[{\[])", re.DOTALL)


class TableCollector:
    private_names = False

    def __init__(self) -> None:
        self._left_out: set[tuple[str, str]] = set()  # columns, with the layout that does not read them
        self._remarks: list[str] = []

    def parts(self, config: SourceConfig) -> list[Part]:
        return parts_of(config, SUFFIXES)

    def collect(self, part: Part, config: SourceConfig) -> Iterator[Item]:
        """Every item of the file. `CollectError` when its format or its layout is not known."""
        first = open_table(part.path, config)
        for table in chain([first], first.others):
            if isinstance(table, Unreadable):
                yield table
            else:
                self._look_at(table, part)
                yield from _items(table, config)

    def remarks(self) -> list[str]:
        said, self._remarks = self._remarks, []
        return said

    def _look_at(self, table: "Table", part: Part) -> None:
        """Exports get a column of 追评 some day, which the layout of before would leave out for ever."""
        if table.layout.survey:
            return  # every column is a question
        used = [fold(name) for name in used_columns(table.layout)]
        for column, _ in guess_after(table.names):
            found = column, table.layout.name
            read = any(name == fold(column) or name.startswith(f"{fold(column)}.") for name in used)
            if not read and found not in self._left_out:
                self._left_out.add(found)
                self._remarks.append(_LEFT_OUT.format(part.name, *map(quoted, found)))


class Table(NamedTuple):
    """A file opened: its layout, its rows with the columns that are read, and the names of all its columns.

    `others`: the further sheets of a workbook, each to be read before the next, after this one; one whose columns are of no known layout is `Unreadable`.
    """

    layout: Layout
    grid: Grid
    names: Sequence[str]
    others: "Iterator[Table | Unreadable]" = iter(())


def _items(table: Table, config: SourceConfig) -> Iterator[Item]:
    first, sample = read_sample(table)
    read = mapper_of(table, config, sample).read
    for row in chain(first, table.grid.rows):
        if type(row) is tuple:
            yield from read(*row)
        elif isinstance(row, Unreadable):
            yield row


def read_sample(table: Table) -> tuple[list[Row | Unreadable], list[list[str]]]:
    """The first rows, taken off the table, and the cells of those that can be read: what a mapper learns from."""
    first = list(islice(table.grid.rows, SAMPLE_ROWS if table.layout.survey else _SAMPLE_IDS))
    return first, [row[1] for row in first if not isinstance(row, Unreadable)]


def mapper_of(table: Table, config: SourceConfig, sample: list[list[str]]) -> RowMapper | SurveyMapper:
    if table.layout.survey:
        return SurveyMapper(table.layout, table.grid, config, sample)
    return RowMapper(table.layout, table.grid.columns, config, sample)


def open_table(path: Path, config: SourceConfig) -> Table:
    """The layout of a file, given or recognised, and its rows. `CollectError` when its format or layout is not known."""
    layout = load_layout(config.layout, config.base) if config.layout else None
    known = (layout,) if layout else builtin_layouts()
    form = find_form(path)

    def is_header(cells: list[str]) -> bool:
        return any(not each.missing(cells) for each in known if not each.records)

    if form == "csv":
        return _of_grid(path, layout, read_csv(path, is_header))
    if form == "xlsx":
        sheets = _sheets(path, layout, is_header)
        first = next(sheets)
        assert isinstance(first, Table)
        return first._replace(others=sheets)
    reader = {"json": read_json, "jsonl": read_jsonl, "parquet": read_parquet}[form]
    return _open_objects(path, reader(path), layout)


def _of_grid(path: Path, layout: Layout | None, grid: Grid) -> Table:
    chosen = _choose(path, layout, lambda lay: [] if lay.records else grid.columns, grid.columns)
    return Table(chosen, grid, grid.columns)


def _sheets(path: Path, layout: Layout | None, is_header: Callable[[list[str]], bool]) -> Iterator[Table | Unreadable]:
    """The sheets of a workbook that a layout fits, then the others. `CollectError` where it fits none: told of the one with the most columns."""
    with open_workbook(path, is_header) as sheets:
        visible = [sheet for sheet in sheets if not sheet.hidden]
        fitting = [sheet for sheet in visible if sheet.named]
        if not fitting:
            fitting = [max(visible, key=lambda sheet: len(list(filter(None, sheet.grid.columns))))]
        for sheet in fitting:
            yield _of_grid(path, layout, sheet.grid)
        for sheet in sheets:
            if sheet not in fitting:
                yield _not_read(path, sheet, fitting[0])


def _not_read(path: Path, sheet: Sheet, read: Sheet) -> Unreadable:
    rows = 1 + sum(1 for _ in sheet.grid.rows)
    name = f"{path.name}[{sheet.title}]" if sheet.title else path.name
    if sheet.hidden:
        reason = f"this hidden sheet of {rows:,} rows was not read; unhide it in Excel and save the file"
    else:
        reason = f"this sheet of {rows:,} rows was not read: its columns are not those of '{read.title or 'the first sheet'}'; save it as a file of its own"
    return Unreadable(f"{name}:1", f"{reason} if customers speak in it")


def _open_objects(path: Path, objects: Iterator[Located | Unreadable], layout: Layout | None) -> Table:
    first = list(islice(objects, _SAMPLE_OBJECTS))
    sample = [item for item in first if not isinstance(item, Unreadable)]
    if not sample:
        reason = next((item.reason for item in first if isinstance(item, Unreadable)), "it is empty")
        raise CollectError(f"{path} holds no records: {reason}.")

    def names(lay: Layout) -> list[str]:
        inside = list(islice(expand(iter(sample), lay.records), _SAMPLE_OBJECTS))
        if lay.records and not inside:
            return list(lay.header)  # its lists are there and empty: a last page
        return keys_of([item[1] for item in inside if not isinstance(item, Unreadable)])

    records, shown = _guess_records([value for _, value in sample])
    try:
        chosen = _choose(path, layout, names, shown, records)
    except UnknownLayout:
        if (place := _keyed([value for _, value in sample])) is None:
            raise
        raise CollectError(_BY_KEYS.format(path, place, path.stem)) from None
    keys = names(chosen)
    spelled = {fold(key): key for key in reversed(keys)}
    columns = keys if chosen.survey else used_columns(chosen)
    found = expand(chain(first, objects), chosen.records)
    return Table(chosen, Grid(columns, rows(found, [spelled.get(fold(name), name) for name in columns])), keys)


def _choose(
    path: Path,
    layout: Layout | None,
    names: Callable[[Layout], Sequence[str]],
    shown: Sequence[str],
    records: str | None = None,
) -> Layout:
    """The layout asked for, if the file has its columns; else the one recognised. The rest is for the message."""
    if layout is None:
        found = recognise(names, builtin_layouts())
        if found is None:
            if any(map(_LIKE_DATA.fullmatch, map(str.strip, shown))):
                raise CollectError(_NO_HEADER.format(path))
            raise UnknownLayout(path, shown, records)
        return found
    missing = layout.missing(names(layout))
    if missing:
        where = f" under '{layout.records[0]}'" if layout.records else ""
        raise CollectError(
            f"{path} lacks {', '.join(missing)}{where}, which layout '{layout.name}' needs. "
            f"Its columns: {', '.join(shown)}. Correct the layout, or leave it out to have it recognised."
        )
    return layout


def _guess_records(sample: Sequence[Object]) -> tuple[str | None, list[str]]:
    """Where the records of an unknown JSON file probably lie, and their keys: the longest list of objects in it."""
    lists = lists_in(sample[0]) if len(sample) == 1 else {}
    if not lists:
        return None, _plain_keys(sample)
    path = max(lists, key=lambda name: len(lists[name]))
    return path, _plain_keys(lists[path][:_SAMPLE_OBJECTS])


def _keyed(sample: Sequence[Object]) -> str | None:
    """Where in the only object of a file records stand under keys, not in a list: a path for jq; None where they do not."""
    [value, *more] = sample
    inside = {".": value, **{f'.["{key}"]': each for key, each in value.items() if isinstance(each, dict)}}
    for place, each in inside.items() if not more else ():
        kinds = {tuple(sorted(entry)) if isinstance(entry, dict) else () for entry in each.values()}
        if len(each) > 1 and len(kinds) == 1 and len(kinds.pop()) > 1:
            return place
    return None


def _plain_keys(sample: Sequence[Object]) -> list[str]:
    """The names of what holds a value; an object or a list in its place is nobody's words."""
    return [key for key in keys_of(sample) if not any(isinstance(getter(key)(each), dict | list) for each in sample)]


def used_columns(layout: Layout) -> list[str]:
    """Every column a layout reads, once."""
    picks: list[Pick | None] = list(layout.columns.values())
    names = [score.column for score in layout.scores] + [drop.column for drop in layout.drop]
    for text in layout.texts:
        if text.each is None:
            picks += [text.text, text.posted_at]
        else:
            names.append(text.each)
    names += [column for pick in picks if pick for column in pick.columns]
    return list(dict.fromkeys(names))


def find_form(path: Path) -> str:
    """What a file is by its contents: csv (any delimiter), xlsx, json, jsonl or parquet."""
    with open_binary(path) as file:
        head = file.read(4096)
    if not head:
        raise CollectError(f"{path} is empty.")
    if head.startswith(b"PK\x03\x04"):
        return "xlsx"
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise CollectError(
            f"{path} is an old Excel file (.xls) or protected by a password. "
            "Open it in Excel and save it as .xlsx without a password."
        )
    refuse_binary(path, head)
    refuse_mails(path)
    encoding = find_encoding(path)
    start = head[encoding.mark :].decode(encoding.main, "ignore")
    if re.match(r"\s*<(!doctype|html|table|\?xml|meta)", start, re.IGNORECASE):
        raise CollectError(f"{path} is a web page, not a table. Open it in Excel and save it as .xlsx.")
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        return "jsonl"
    if path.suffix.lower() != ".json" and not _JSON_START.match(start):
        return "csv"
    return "jsonl" if _is_object_per_line(path) else "json"


def _is_object_per_line(path: Path) -> bool:
    with open_text(path) as lines:
        full = (line for line in lines if line.strip())
        first, second = next(full, ""), next(full, None)
    if second is None:
        return False
    try:
        return isinstance(load_value(first), dict)
    except (ValueError, RecursionError):
        return False
