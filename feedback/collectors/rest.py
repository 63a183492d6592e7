"""Any interface that answers with JSON, by its settings alone: address, access, pages, where the records lie, what their fields mean.

`[sources.since]` makes it ask for news only: `column` is the field that grows (when a record was changed, or its number), `parameter` what the
interface calls it, `format` how it wants it. Without `parameter` but with `order = "newest"` pages are read until one is older than what is known.

What was asked for to the end is the state. It is kept a little behind (`overlap_seconds`), as records may come late; a field that
lies in the future does not move it. Where pages are found by a cursor, a run that was cut off goes on from its last page.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from feedback.collectors.base import Item, Record, Unreadable
from feedback.collectors.live import Page, Visit
from feedback.collectors.live.access import access
from feedback.collectors.live.mapped import INLINE, ObjectMapper, layout_for
from feedback.collectors.live.paging import Pages, RecordList
from feedback.collectors.live.reached import Reached
from feedback.collectors.live.web import Query, Refused
from feedback.collectors.objects import Object, getter, read_each, read_json
from feedback.dates import DateReader, UnknownDate
from feedback.errors import CollectError

STREAM = "records"
MOST_ITEMS = 1000  # of a page
_FORMATS = ("iso", "date", "epoch", "epoch-ms", "number")
_SETTINGS = frozenset({"url", "query", "auth", "pages", "since", *INLINE})
_EXPIRED = (400, 404, 410)  # what interfaces say to a cursor they no longer know
_SEVERAL = 5  # records that all lack a text: an interface that leaves empty fields out says so of one or two
_NO_ID = "it has no id, which the settings say where to find: it would be another one at every change"
_STARTED_OVER = "the interface no longer knew where the last run stopped: asked again from the last complete one"


class RestCollector:
    private_names = False

    def streams(self, visit: Visit) -> list[str]:
        visit.settings.refuse_unknown(set(_SETTINGS))
        visit.settings.string("url")
        Pages.of(visit.settings)
        _Since.of(visit)
        layout_for(visit)
        return [STREAM]

    def pages(self, stream: str, state: str | None, visit: Visit) -> Iterator[Page]:
        """Every page; the last one's state is what the next run asks from."""
        reached = Reached.read(state)
        try:
            yield from self._walk(stream, reached, visit)
        except Refused as refused:
            if reached.resume is None or refused.status not in _EXPIRED:
                raise
            yield Page([], None, (_STARTED_OVER,))
            yield from self._walk(stream, Reached(reached.since), visit)

    def _walk(self, stream: str, reached: Reached, visit: Visit) -> Iterator[Page]:
        settings, since = visit.settings, _Since.of(visit)
        reader = _Reader(visit)
        expected = _Expected.of(visit, since.column)
        query: dict[str, str | int] = {**_query(settings.data.get("query", {})), **since.asked(reached.since)}
        newest = reached.newest or reached.since
        walk = Pages.of(settings).walk(access(visit), settings.string("url"), query, reader.records, reached.resume)
        for fetched in walk:
            objects = reader.records.of(fetched.content)
            notes = expected.look(objects)
            moments = [moment for each in objects if (moment := since.of_record(each)) is not None]
            newest = max([*moments, newest or ""]) or None
            over = fetched.after is None or since.is_known(moments, len(objects), reached.since)
            done = Reached(newest) if over else Reached(reached.since, newest, fetched.after)
            # An answer may hold more than is to be held at a time.
            items = reader.items(stream, objects)
            while len(batch := list(islice(items, MOST_ITEMS))) == MOST_ITEMS:
                yield Page(batch, None)
            # What lacks its text may have it under another name the next time: it is asked for again.
            moves = (over or fetched.resumes) and not expected.lacks_text
            yield Page(batch, done.text() if moves else None, notes)
            if over:
                return

    def saved(self, path: Path, visit: Visit) -> Iterator[Item]:
        """The records of an answer, or of several one after another."""
        reader = _Reader(visit)
        return read_each(
            read_json(path),
            lambda where, content: reader.items(where, reader.records.of(content) if reader.nested else [content]),
        )


class _Reader:
    """From the objects of an answer to items."""

    def __init__(self, visit: Visit) -> None:
        layout = layout_for(visit)
        self.nested = bool(layout.records)
        self._has_ids = "source_id" in layout.columns
        self.records = RecordList(layout.records[0] if layout.records else "", f"source '{visit.config.name}'")
        self._mapper = ObjectMapper(layout, visit.config)

    def items(self, stream: str, objects: list[object]) -> Iterator[Item]:
        def located() -> Iterator[tuple[str, Object] | Unreadable]:
            for number, value in enumerate(objects, 1):
                where = f"{stream}:#{number}"
                yield (where, value) if isinstance(value, dict) else Unreadable(where, "it is not an object")

        return (_placed(item, stream, self._has_ids) for item in self._mapper.items(located()))


def _placed(item: Item, stream: str, has_ids: bool) -> Item:
    """Named by its id where it has one: the number on a page says nothing the next day.

    Where records have ids, one without would be another one at every change.
    """
    if not isinstance(item, Record):
        return item
    if item.source_id:
        return replace(item, location=f"{stream}:{item.source_id}")
    return Unreadable(item.location, _NO_ID, item.text) if has_ids else item


class _Expected:
    """The fields that the settings name: where no record of a page has one, the interface has changed, or the name is wrong."""

    def __init__(self, where: str, needed: Sequence[Sequence[str]], text: Sequence[str], date: Sequence[str]) -> None:
        self._where, self._needed, self._text, self._date = where, needed, text, date
        self.lacks_text = False

    @classmethod
    def of(cls, visit: Visit, since: str) -> "_Expected":
        layout = layout_for(visit)
        picked = {name: pick.columns for name, pick in layout.columns.items()}
        text = [*picked.get("text", ()), *(s.column for s in layout.scores)]
        for extra in layout.texts:
            text += [extra.each] if extra.each else extra.text.columns
        needed = [columns for columns in (picked.get("source_id", ()), [since] if since else ()) if columns]
        return cls(f"source '{visit.config.name}'", needed, text, picked.get("posted_at", ()))

    def look(self, objects: Sequence[object]) -> tuple[str, ...]:
        """What is to be said of a page; raises `CollectError` where it can't be used. A few records may all lack a text."""
        records = [each for each in objects if isinstance(each, dict)]
        self.lacks_text = False
        if not records:
            return ()
        for columns in self._needed:
            if not _any_has(records, columns):
                raise CollectError(f"{self._where}: {_lacking(records, columns)}")
        if self._text and not _any_has(records, self._text):
            if len(records) >= _SEVERAL:
                raise CollectError(f"{self._where}: {_lacking(records, self._text)}")
            self.lacks_text = True
            return (_lacking(records, self._text),)
        if self._date and not _any_has(records, self._date):
            return (_lacking(records, self._date),)
        return ()


def _any_has(records: Sequence[Object], columns: Sequence[str]) -> bool:
    return any(column in record or column.partition(".")[0] in record for record in records for column in columns)


def _lacking(records: Sequence[Object], columns: Sequence[str]) -> str:
    named = " or ".join(f"'{column}'" for column in columns)
    return f"no record of {len(records):,} has {named}. Has the interface changed? A record has: {', '.join(records[0])[:200]}."


@dataclass(frozen=True, slots=True)
class _Since:
    """`[sources.since]`: moments are `YYYY-MM-DDTHH:MM:SSZ`, or numbers of twenty digits, so that they sort as they read."""

    column: str
    parameter: str
    format: str
    overlap: timedelta
    newest_first: bool
    dates: DateReader
    wished: datetime | None

    @classmethod
    def of(cls, visit: Visit) -> "_Since":
        table = visit.settings.table("since")
        table.refuse_unknown({"column", "parameter", "format", "overlap_seconds", "order"})
        column = table.string("column", "")
        if table.data and not column:
            raise table.fault("'column' is missing: the field that says when a record was changed")
        return cls(
            column=column,
            parameter=table.string("parameter", ""),
            format=table.one_of("format", _FORMATS, "iso"),
            overlap=timedelta(seconds=table.number("overlap_seconds", 300)),
            newest_first=table.one_of("order", ("newest", "any"), "any") == "newest",
            dates=DateReader(visit.timezone, visit.now),
            wished=visit.since,
        )

    def of_record(self, value: object) -> str | None:
        """The moment of a record; None where it has none that can be relied on."""
        raw = getter(self.column)(value) if self.column and isinstance(value, dict) else None
        if raw is None or isinstance(raw, bool | dict | list):
            return None
        if self.format == "number":
            return str(raw).zfill(20) if str(raw).isdigit() else None
        try:
            return self.dates.read(str(raw))
        except UnknownDate:
            return None

    def asked(self, since: str | None) -> Query:
        """The parameter that asks for what came since; nothing at first."""
        if not self.parameter:
            return {}
        if self.format == "number":
            return {self.parameter: int(since)} if since else {}
        moment = datetime.fromisoformat(since) - self.overlap if since else self.wished
        if moment is None:
            return {}
        seconds = int(moment.timestamp())
        iso = moment.astimezone(UTC)
        said: Mapping[str, str | int] = {
            "iso": f"{iso:%Y-%m-%dT%H:%M:%SZ}",
            "date": f"{iso:%Y-%m-%d}",
            "epoch": seconds,
            "epoch-ms": seconds * 1000,
        }
        return {self.parameter: said[self.format]}

    def is_known(self, moments: list[str], count: int, since: str | None) -> bool:
        """Whether a page, newest first, holds nothing that is newer than what was asked to the end."""
        return (
            self.newest_first and since is not None and len(moments) == count > 0 and max(moments) < self._before(since)
        )

    def _before(self, since: str) -> str:
        if self.format == "number":
            return since
        return f"{datetime.fromisoformat(since) - self.overlap:%Y-%m-%dT%H:%M:%SZ}"


def _query(given: object) -> Query:
    if not isinstance(given, dict) or not all(isinstance(value, str | int) for value in given.values()):
        raise CollectError("'query' must be a table of texts and numbers.")
    return {str(key): value for key, value in given.items()}
