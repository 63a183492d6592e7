"""What a query of a database gives, row by row: any database that SQLAlchemy speaks to, which is read and never written to.

`[sources.since]` makes it ask for news only: `column` is the one that grows, the number of a row or the time it was changed. The greatest value stored
is the state. Rows are asked for in the order of that column, so that a run that was cut off goes on from its last page. Rows without a value there
come every time, as does everything where no such column is named.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import count
from pathlib import Path

from feedback.clean import is_whole
from feedback.collectors.base import Item, Record, Unreadable
from feedback.collectors.grids import Grid, IsHeader, read_csv
from feedback.collectors.layout import Layout, fold
from feedback.collectors.live import Page, Visit
from feedback.collectors.live.database import Row, is_path, opened, password_of, query_fault, refuse_missing_file
from feedback.collectors.live.database_dates import NoDate
from feedback.collectors.live.database_texts import Unordered
from feedback.collectors.live.growing import BegunAnew, Fall, Growing, Mark, OtherKind
from feedback.collectors.live.mapped import INLINE, ObjectMapper, layout_for
from feedback.collectors.mapping import RowMapper
from feedback.collectors.objects import Object, read_json, read_jsonl, read_parquet
from feedback.collectors.table import find_form, used_columns
from feedback.collectors.workbooks import open_workbook
from feedback.errors import CollectError

STREAM = "rows"
_SETTINGS = frozenset({"url", "query", "since", *INLINE} - {"records"})
_OTHER_KIND = "the column of [since] holds another kind of values than before"
_FEWER_NUMBERS = (
    "rows were deleted. If instead they were numbered anew, give the source another name, so that all are read"
)
_TAKEN_NUMBERS = (
    "It seems that rows are numbered from the beginning again. The numbers are their ids, so that they would take the place "
    "of those that are stored. Give the source another name: what is stored stays, and everything is read. "
    "If rows were only deleted, go on: this ends with the next new one."
)
_NO_ID = "its id is empty, so that it can't be told from other rows"


class SqlCollector:
    private_names = False

    def streams(self, visit: Visit) -> list[str]:
        _Asked.of(visit)
        return [STREAM]

    def check(self, visit: Visit) -> None:
        refuse_missing_file(_address(visit), visit.config.base)

    def pages(self, stream: str, state: str | None, visit: Visit) -> Iterator[Page]:
        """Every page that the database sends, the least value of the column first."""
        asked, mark = _Asked.of(visit), Mark.read(state) if state else None
        try:
            yield from _walk(stream, asked, mark, visit)
        except (OtherKind, BegunAnew) as error:
            if mark is None:
                raise
            why = _OTHER_KIND if isinstance(error, OtherKind) else error
            yield Page([], None, (f"{why}: read from the beginning",))
            yield from _walk(stream, asked, None, visit)

    def saved(self, path: Path, visit: Visit) -> Iterator[Item]:
        """The rows of an answer that was saved as CSV, Excel, JSON or Parquet."""
        layout, form = layout_for(visit), find_form(path)
        if form in ("csv", "xlsx"):
            for grid in _grids(path, form, lambda cells: not layout.missing(cells)):
                _places(used_columns(layout), grid.columns)
                mapper = RowMapper(layout, grid.columns, visit.config, [])
                for row in grid.rows:
                    for item in [row] if isinstance(row, Unreadable) else mapper.read(*row):
                        yield _placed(item)
            return
        reader = {"json": read_json, "jsonl": read_jsonl, "parquet": read_parquet}[form]
        for item in ObjectMapper(layout, visit.config).items(reader(path)):
            yield _placed(item)


def _grids(path: Path, form: str, is_header: IsHeader) -> Iterator[Grid]:
    """The rows of a text file, or of those sheets of a workbook whose header is the layout's; of the first where none is."""
    if form == "csv":
        yield read_csv(path, is_header)
        return
    with open_workbook(path, is_header) as sheets:
        yield from [sheet.grid for sheet in sheets if sheet.named] or [sheets[0].grid]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a source's settings say, checked."""

    query: str
    growing: Growing | None
    layout: Layout

    @classmethod
    def of(cls, visit: Visit) -> "_Asked":
        settings = visit.settings
        settings.refuse_unknown(set(_SETTINGS))
        url = settings.data.get("url")
        if not (isinstance(url, dict) or (isinstance(url, str) and is_path(url))):
            visit.secret("url")  # which says how an address with a password is given
        query = settings.string("query")
        if wrong := query_fault(query):
            raise settings.fault(f"'query' {wrong}")
        layout = layout_for(visit)
        if layout.survey or layout.records or "source_id" not in layout.columns:
            raise settings.fault(
                "[columns] must say which column tells the rows apart, source_id = \"id\"; a layout with 'survey' or 'records' is for files"
            )
        return cls(query, Growing.of(visit), layout)


def _address(visit: Visit) -> str:
    url = visit.settings.data.get("url")
    if isinstance(url, str):
        return url
    found = visit.secret("url")
    if password := password_of(found):
        visit.vault.keep(password)  # by itself too: the address writes it in another way
    return found


def _walk(stream: str, asked: _Asked, mark: Mark | None, visit: Visit) -> Iterator[Page]:
    with opened(_address(visit), visit.config.base, visit.timezone) as database:
        names = database.columns(asked.query)
        rows, growing = _Rows(stream, asked.layout, names, visit), asked.growing
        if growing is None:
            for page in database.pages(asked.query):
                yield Page(list(rows.items(page)), None)
            return
        column = _place(growing.column, names)
        # Equal values in the order of their ids: the same at every run.
        ids = _places(asked.layout.columns["source_id"].columns, names).values()
        order = [names[place] for place in dict.fromkeys([column, *ids])]
        unordered, before = Unordered(growing.column, database.dialect), mark
        held: list[Page] = []  # the last page: whether its rows are what they were is known at the end
        for page in database.pages(asked.query, order, None if mark is None else growing.bound(mark)):
            yield from held
            values = [None if isinstance(row[column], NoDate) else row[column] for row in page]
            for value in values:
                unordered.count(value)
            mark = growing.reached(values, mark)
            held = [Page(list(rows.items(page)), mark.text() if mark else None)]
        if before is not None and growing.counts(before):
            # Of what was asked for nothing may have a number.
            nothing, name = mark is before, names[column]
            greatest = Mark.of(database.greatest(asked.query, name), name) if nothing else mark
            fall = Fall.of(name, before, greatest)
            if fall and (nothing or fall.is_deep):
                held.append(_after(fall, numbers_are_ids=column in ids))
        yield from held
        if notes := unordered.notes():
            yield Page([], None, notes)


def _after(fall: Fall, *, numbers_are_ids: bool) -> Page:
    """Goes on from the greatest number there is; raises where that would lose rows, or put others into the place of those that are stored."""
    if not numbers_are_ids:
        raise BegunAnew(str(fall))
    if fall.is_deep:
        raise CollectError(f"{fall}. {_TAKEN_NUMBERS}")
    return Page([], Mark("number", fall.now).text(), (f"{fall}: {_FEWER_NUMBERS}",))


class _Rows:
    """From the rows of a query to items; only the columns that the layout names are looked at."""

    def __init__(self, stream: str, layout: Layout, names: Sequence[str], visit: Visit) -> None:
        self._stream = stream
        self._places = _places(used_columns(layout), names)
        # `meta.body` looks into a column of JSON, which some databases give as text.
        self._inside = {name for name in self._places if any(c.startswith(f"{name}.") for c in used_columns(layout))}
        self._mapper = ObjectMapper(layout, visit.config)
        self._numbers = count(1)

    def items(self, rows: Sequence[Row]) -> Iterator[Item]:
        located = ((f"{self._stream}:#{next(self._numbers)}", self._object(row)) for row in rows)
        return map(_placed, self._mapper.items(located))

    def _object(self, row: Row) -> Object:
        return {name: _value(row[place], name in self._inside) for name, place in self._places.items()}


def _value(value: object, inside: bool) -> object:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    if isinstance(value, str) and not is_whole(value):
        with suppress(UnicodeEncodeError):  # what SQLite holds is bytes again, which may be those of another encoding
            return value.encode("utf-8", "surrogateescape")
    if inside and isinstance(value, str | bytes):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _places(columns: Sequence[str], names: Sequence[str]) -> dict[str, int]:
    """Where in a row each column of a layout is, or the one it looks into, by the layout's spelling; `CollectError` where one is missing."""
    there = {fold(name) for name in names}
    wanted = [name if fold(name) in there else name.partition(".")[0] for name in columns]
    return {name: _place(name, names) for name in dict.fromkeys(wanted)}


def _place(wanted: str, names: Sequence[str]) -> int:
    """Where a column is; a name that differs in case only is the same, as for most databases."""
    found = [place for place, name in enumerate(names) if fold(name) == fold(wanted)]
    if not found:
        raise CollectError(f"'query' gives no column '{wanted}'. It gives: {', '.join(names)[:300]}.")
    if len(found) > 1:
        raise CollectError(f"'query' gives two columns named '{wanted}'. Name them apart: … as ….")
    return found[0]


def _placed(item: Item) -> Item:
    """Named by its id; one without an id would be another one at every change."""
    if not isinstance(item, Record):
        return item
    if item.source_id is None:
        return Unreadable(item.location, _NO_ID, item.text)
    return replace(item, location=f"{STREAM}:{item.source_id}")
