"""Any interface that answers with JSON, by its settings alone: address, access, pages, where the records lie, what their fields mean.

`[sources.since]` makes it ask for news only: `column` is the field that grows (when a record was changed, or its number), `parameter` what the
interface calls it, `format` how it wants it. Without `parameter` but with `order = "newest"` pages are read until one is older than what is known.

What was asked for to the end is the state. It is asked again from a little before (`overlap_seconds`, of numbers `overlap`), as records may come late; a field that
lies in the future does not move it, nor one that is later than the beginning of the walk: on pages that were read before, others may have changed
since. Where pages are found by a cursor, a run that was cut off goes on from its last page.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from pathlib import Path
from zoneinfo import ZoneInfo

from feedback.collectors.base import Item, Record, Unreadable
from feedback.collectors.live import Page, Visit
from feedback.collectors.live.access import access, checked_auth, plain_parameters
from feedback.collectors.live.address import address
from feedback.collectors.live.mapped import INLINE, ObjectMapper, fields_near, is_there, layout_for, table_of
from feedback.collectors.live.page_walk import Listing, PlaceLost, is_farther
from feedback.collectors.live.paging import Pages, RecordList
from feedback.collectors.live.patience import Unreachable
from feedback.collectors.live.reached import MOST_OVERLAP_SECONDS, Reached
from feedback.collectors.live.web import Query
from feedback.collectors.objects import Object, getter, read_each, read_json
from feedback.dates import DateReader, UnknownDate, set_back
from feedback.errors import CollectError

STREAM = "records"
MOST_ITEMS = 1000  # of a page
Columns = tuple[str, ...]
_FORMATS = ("iso", "local", "date", "epoch", "epoch-ms", "number")
_SETTINGS = frozenset({"url", "query", "auth", "pages", "since", "no_errors", *INLINE})
_TROUBLE = 500  # so some answer to a cursor that they no longer know
_SEVERAL = 5  # records that all lack a text: an interface that leaves empty fields out says so of one or two
_NO_ID = "it has no id, which the settings say where to find: it would be another one at every change"
_STARTED_OVER = "the interface no longer knew where the last run stopped: asked again from the last complete one"


class RestCollector:
    private_names = False

    def streams(self, visit: Visit) -> list[str]:
        visit.settings.refuse_unknown(set(_SETTINGS))
        _url(visit)
        checked_auth(visit.settings)
        plain_parameters(visit.settings)
        Pages.of(visit.settings)
        _Since.of(visit)
        layout_for(visit)
        _no_errors(visit)
        return [STREAM]

    def pages(self, stream: str, state: str | None, visit: Visit) -> Iterator[Page]:
        """Every page; the last one's state is what the next run asks from."""
        reached, has_answered = Reached.read(state), False
        place = reached.resume
        try:
            for page in self._walk(stream, reached, visit, first=state is None):
                has_answered = True
                place = Reached.read(page.state).resume if page.state else place
                yield page
            return
        except CollectError as error:
            if reached.resume is None:
                raise
            if not (isinstance(error, PlaceLost) or _is_of_place(error, has_answered)):
                # Where nobody gets on, the next run begins at the top: what is new may stand there.
                if has_answered and not (place and is_farther(place, reached.resume)):
                    yield Page([], Reached(reached.since).text())
                raise
            lost = error
        yield from self._start_over(stream, reached, visit, lost)

    def _start_over(self, stream: str, reached: Reached, visit: Visit, lost: CollectError) -> Iterator[Page]:
        """From the last complete run on, where the source answers then; else raises what it said before."""
        walk = self._walk(stream, Reached(reached.since), visit, first=False)
        try:
            page = next(walk)
        except CollectError as error:
            raise (error if isinstance(lost, PlaceLost) else lost) from None
        yield Page([], None, (_STARTED_OVER,))
        yield page
        yield from walk

    def _walk(self, stream: str, reached: Reached, visit: Visit, *, first: bool) -> Iterator[Page]:
        settings, since = visit.settings, _Since.of(visit)
        reader = _Reader(visit)
        expected, pages = _Expected(visit, since.column, reader.drops), Pages.of(settings)
        query: dict[str, str | int] = {**plain_parameters(settings), **since.asked(reached.since)}
        newest, begun = reached.newest or reached.since, since.begun(reached)
        walk = Listing(pages, access(visit), _url(visit), query, reader.records).walk(reached.resume)
        # At the top of a list the newest stands, unless old ones are pinned above it.
        met_known = reached.resume is not None
        for fetched in walk:
            objects = fetched.records
            notes = expected.look(objects)
            # Few records at a later run are the everyday case: many an interface then leaves out what would say where to go on.
            if fetched.doubt and fetched.shown and (first or fetched.shown >= pages.size > 0):
                notes = (*notes, fetched.doubt)
            moments = [moment for each in objects if (moment := since.of_record(each)) is not None]
            newest = since.newest(moments, newest, begun)
            known = met_known and fetched.resumes and since.is_known(moments, len(objects), reached.since)
            over = fetched.after is None or known
            met_known = met_known or since.meets(moments, reached.since)
            done = Reached(newest) if over else Reached(reached.since, newest, fetched.after, begun)
            # An answer may hold more than is to be held at a time.
            items = reader.items(stream, objects)
            while len(batch := list(islice(items, MOST_ITEMS))) == MOST_ITEMS:
                yield Page(batch, None)
            # What lacks its text may have it under its name the next time: it is asked for again.
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


def _is_of_place(error: CollectError, has_answered: bool) -> bool:
    """Whether it may be the place to go on from that a source does not take, in whatever way it says so."""
    return not has_answered and (not isinstance(error, Unreachable) or error.status == _TROUBLE)


def _key(columns: Columns) -> Callable[[object], str]:
    """What tells records apart that have an id; whole ones differ where a counter moves from one answer to the next."""
    getters = [getter(column) for column in columns]
    return lambda record: repr([get(record) for get in getters]) if isinstance(record, dict) else repr(record)


class _Reader:
    """From the objects of an answer to items."""

    def __init__(self, visit: Visit) -> None:
        layout = layout_for(visit)
        self.nested = bool(layout.records)
        self._drops = bool(layout.drop)
        self._has_ids = "source_id" in layout.columns
        self.records = RecordList(
            layout.records[0] if layout.records else "",
            f"source '{visit.config.name}'",
            "records",
            _key(layout.columns["source_id"].columns) if self._has_ids else repr,
            _no_errors(visit),
        )
        self._mapper = ObjectMapper(layout, visit.config)

    def items(self, stream: str, objects: list[object]) -> Iterator[Item]:
        def located() -> Iterator[tuple[str, Object] | Unreadable]:
            for number, value in enumerate(objects, 1):
                where = f"{stream}:#{number}"
                yield (where, value) if isinstance(value, dict) else Unreadable(where, "it is not an object")

        return (_placed(item, stream, self._has_ids) for item in self._mapper.items(located()))

    def drops(self, record: Object) -> bool:
        """Whether the layout leaves a record out."""
        return self._drops and next(self._mapper.items(iter([("", record)])), None) is None


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
    """The fields that the settings name: where no record of a walk has one, the interface has changed, or the name is wrong.

    One record that has a field is enough for the rest of the walk: many an interface leaves out what is empty. An id never is.
    """

    def __init__(self, visit: Visit, since: str, is_dropped: Callable[[Object], bool]) -> None:
        layout = layout_for(visit)
        picked = {name: pick.columns for name, pick in layout.columns.items()}
        self._where, self._is_dropped = f"source '{visit.config.name}'", is_dropped
        self._id, self._date = picked.get("source_id", ()), picked.get("posted_at", ())
        self._since = (since,) if since else ()
        self._text = picked.get("text", ())
        more = [(extra.each,) if extra.each else extra.text.columns for extra in layout.texts]
        scores = [score.column for score in layout.scores]
        self._said = (*self._text, *chain.from_iterable(more), *scores) if self._text else ()
        self._found, self._told = set[Columns](), set[Columns]()
        self._silent = 0  # records before the first that has a text or a score

    @property
    def lacks_text(self) -> bool:
        """Whether no record of the walk had anything to say, though there were a few."""
        return self._silent > 0

    def look(self, objects: Sequence[object]) -> tuple[str, ...]:
        """What is to be said of a page; raises `CollectError` where it can't be used. A few records may all lack a text."""
        wanted = [columns for columns in (self._id, self._since, self._said, self._text, self._date) if columns]
        records = [each for each in objects if isinstance(each, dict)]
        if not all(_any_has(records, columns) for columns in wanted):
            records = [each for each in records if not self._is_dropped(each)]
        if not records:
            return ()
        self._found |= {columns for columns in wanted if _any_has(records, columns)}
        if self._id and not _any_has(records, self._id):
            raise self._changed(records, self._id)
        if self._lacks(self._since):
            raise self._changed(records, self._since)
        self._silent = self._silent + len(records) if self._lacks(self._said) else 0
        if self._silent >= _SEVERAL:
            raise self._changed(records, self._said)
        notes = self._tell(records, self._text) if self._silent or len(records) >= _SEVERAL else ()
        return (*notes, *self._tell(records, self._date))

    def _lacks(self, columns: Columns) -> bool:
        return bool(columns) and columns not in self._found

    def _changed(self, records: Sequence[Object], columns: Columns) -> CollectError:
        return CollectError(f"{self._where}: {_lacking(records, columns)}")

    def _tell(self, records: Sequence[Object], columns: Columns) -> tuple[str, ...]:
        """That these columns are nowhere, once a walk."""
        if not self._lacks(columns) or columns in self._told:
            return ()
        self._told.add(columns)
        return (_lacking(records, columns),)


def _any_has(records: Sequence[Object], columns: Columns) -> bool:
    return any(is_there(record, column) for record in records for column in columns)


def _lacking(records: Sequence[Object], columns: Columns) -> str:
    named = " or ".join(f"'{column}'" for column in columns)
    has = fields_near(records[0], columns[0])
    return f"no record of {len(records):,} has {named}. Has the interface changed, or is the name wrong in [columns] or [since]? A record has: {has}."


@dataclass(frozen=True, slots=True)
class _Since:
    """`[sources.since]`: moments are `YYYY-MM-DDTHH:MM:SSZ`, or numbers of twenty digits, so that they sort as they read."""

    column: str
    parameter: str
    format: str
    overlap: timedelta
    overlap_numbers: int
    newest_first: bool
    dates: DateReader
    zone: ZoneInfo
    now: str
    wished: datetime | None

    @classmethod
    def of(cls, visit: Visit) -> "_Since":
        table = table_of(visit.settings, "since", 'column = "updated_at", parameter = "updated_since"')
        table.refuse_unknown({"column", "parameter", "format", "overlap_seconds", "overlap", "order"})
        column = table.string("column", "")
        if table.data and not column:
            raise table.fault("'column' is missing: the field that says when a record was changed")
        return cls(
            column=column,
            parameter=table.string("parameter", ""),
            format=table.one_of("format", _FORMATS, "iso"),
            overlap=timedelta(seconds=table.within("overlap_seconds", 300, MOST_OVERLAP_SECONDS)),
            overlap_numbers=int(table.within("overlap", 1000, 10**12, whole=True)),
            newest_first=table.one_of("order", ("newest", "any"), "any") == "newest",
            dates=DateReader(visit.timezone, visit.now),
            zone=ZoneInfo(visit.timezone),
            now=f"{visit.now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
            wished=visit.since,
        )

    def of_record(self, value: object) -> str | None:
        """The moment of a record; None where it has none that can be relied on."""
        raw = getter(self.column)(value) if self.column and isinstance(value, dict) else None
        if raw is None or isinstance(raw, bool | dict | list):
            return None
        if self.format == "number":
            return str(raw).zfill(20) if str(raw).isascii() and str(raw).isdigit() else None
        try:
            return self.dates.read(str(raw))
        except UnknownDate:
            return None

    def begun(self, reached: Reached) -> str:
        """When the walk began that is gone on with, else now. A state of an earlier version does not say it: then what it had come to counts."""
        return self.now if reached.resume is None else reached.begun or reached.newest or ""

    def newest(self, moments: Sequence[str], before: str | None, begun: str) -> str | None:
        """What a walk has come to. What changed after it had begun does not count: of that it has seen some at most."""
        newest = max([*moments, before or ""])
        return (newest if self.format == "number" else min(newest, begun)) or None

    def asked(self, since: str | None) -> Query:
        """The parameter that asks for what came since; nothing at first."""
        if not self.parameter:
            return {}
        if self.format == "number":
            return {self.parameter: number} if since and (number := self._lower(since)) else {}
        moment = self._earlier(since) if since else self.wished
        if moment is None:
            return {}
        seconds = int(moment.timestamp())
        iso = moment.astimezone(UTC)
        said: Mapping[str, str | int] = {
            "iso": f"{iso:%Y-%m-%dT%H:%M:%SZ}",
            "local": f"{moment.astimezone(self.zone):%Y-%m-%d %H:%M:%S}",
            # Whichever zone the interface means: the earlier of the two days.
            "date": f"{min(iso.date(), moment.astimezone(self.zone).date()):%Y-%m-%d}",
            "epoch": seconds,
            "epoch-ms": seconds * 1000,
        }
        return {self.parameter: said[self.format]}

    def is_known(self, moments: list[str], count: int, since: str | None) -> bool:
        """Whether a page, newest first, holds nothing that is newer than what was asked to the end."""
        return (
            self.newest_first and since is not None and len(moments) == count > 0 and max(moments) < self._before(since)
        )

    def meets(self, moments: list[str], since: str | None) -> bool:
        """Whether a page holds something that was known last, or is newer: below it everything older stands."""
        return since is not None and any(moment >= self._before(since) for moment in moments)

    def _before(self, since: str) -> str:
        if self.format == "number":
            return str(self._lower(since)).zfill(20)
        return f"{self._earlier(since):%Y-%m-%dT%H:%M:%SZ}"

    def _lower(self, since: str) -> int:
        """By the overlap: a transaction takes its time, and its number was given before those of others that were done sooner."""
        return max(0, int(since) - self.overlap_numbers)

    def _earlier(self, since: str) -> datetime:
        """By the overlap, and by an hour in the hour that comes twice: a record may say its time without a zone."""
        moment = datetime.fromisoformat(since)
        return moment - self.overlap - set_back(moment.astimezone(self.zone).replace(tzinfo=None), self.zone)


def _no_errors(visit: Visit) -> tuple[str, ...]:
    return visit.settings.strings("no_errors", lone=True, blank=False)


def _url(visit: Visit) -> str:
    return address(
        visit.settings,
        "url",
        'Say it by [auth], or by [query] with where it is: query = { key = { env = "NAME_OF_A_VARIABLE" } }',
    )
