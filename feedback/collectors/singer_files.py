"""Files that a tap's messages were saved in, as if they came one behind the other: what is said of an id last is what is stored.

A file that is as it was when it was read is not looked into. One that has grown, or was written anew, is read from its beginning; lest what was stored
since were taken back on the way, it and all files behind it are gone through before, and of each record the last version alone is told.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields, replace
from itertools import count

from feedback.collectors.base import Item, Part, Record, Unreadable, Withdrawn
from feedback.collectors.encoding import open_binary
from feedback.collectors.live import Page, Visit
from feedback.collectors.singer_reading import Reached, Reading
from feedback.collectors.singer_streams import Key
from feedback.errors import CollectError

_LOOKING = "Looking for what is said last: {:,} records, {}"


class SavedFiles:
    """The files of a source in one run, which go in their order."""

    def __init__(self, visit: Visit, parts: Sequence[Part]) -> None:
        self._visit, self._parts = visit, {part.name: part for part in parts}
        self._keys: Mapping[str, Sequence[Key]] = {}  # that streams had in the files before
        self._last: _LastTold | None = None  # None: no file was read yet

    @property
    def names(self) -> list[str]:
        return list(self._parts)

    def pages(self, name: str, state: str | None) -> Iterator[Page]:
        """What is to be stored of a file; nothing of one that is as it was when `state` was reached."""
        reached = Reached.read(state)
        begun = Reached(reached.tap, {**self._keys, **reached.keys})
        self._keys = begun.keys
        with open_binary(self._parts[name].path) as file:
            found = os.fstat(file.fileno())
            as_it_is = (found.st_size, found.st_mtime_ns)
            if as_it_is == reached.file:
                return
            if self._last is None:
                self._last = self._learn(name, begun)
            last, places, reading = self._last, self._places(name), Reading(self._visit, begun)
            try:
                for page in reading.pages(file, name):
                    told = [last.told(item, next(places)) for item in page.items]
                    yield replace(page, items=[item for item in told if item is not None])
            finally:
                self._keys = reading.reached.keys
        yield Page([], replace(reading.reached, file=as_it_is).text())

    def _learn(self, first: str, begun: Reached) -> "_LastTold":
        """Goes through a file and all behind it; of one that can't be read to its end its own pages will say so."""
        found, passed = _LastTold(), 0
        for name in self.names[self.names.index(first) :]:
            places, reading = self._places(name), Reading(self._visit, begun)
            with suppress(CollectError), open_binary(self._parts[name].path) as file:
                for page in reading.pages(file, name):
                    for item in page.items:
                        found.note(item, next(places))
                    passed += len(page.items)
                    self._visit.patience.tell(_LOOKING.format(passed, name))
            begun = reading.reached
        return found

    def _places(self, name: str) -> Iterator[int]:
        """Of the items of a file, in order: they grow from file to file."""
        return count(self.names.index(name) << 40)


class _LastTold:
    """What is told of each id last: its last words, with what is told behind them without words (scores), at the place of the words.

    Of each id one thing is told in a run, whole: what a file says that is not read in it would not be told again, and what it says only in part
    not take the place of the rest. An id costs some 150 bytes of memory; what is told is kept only where it has no words.
    """

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self._later: dict[str, Record] = {}
        self._dates: dict[str, str] = {}  # of what was passed over: the last words may be told without one
        self._void: dict[str, int] = {}  # where it was said last that a record is void, with its further texts

    def note(self, item: Item, place: int) -> None:
        ids = _ids(item)
        if isinstance(item, Withdrawn) and item.with_texts:
            self._void[item.source_id] = place
        before = [self._places[each] for each in ids if each in self._places]
        if before and isinstance(item, Record) and not item.text.strip():
            place = max(before)
            known = next((self._later[each] for each in ids if each in self._later), None)
            self._later |= dict.fromkeys(ids, item if known is None else _completed(known, item))
        else:
            for each in ids:
                self._later.pop(each, None)
        self._places |= dict.fromkeys(ids, place)

    def told(self, item: Item, place: int) -> Item | None:
        """What to tell where an item stands; None: nothing. What was written into a file while it was read is told by the next run."""
        ids = _ids(item)
        if not ids:
            return item
        if place < self._void.get(_record_of(item), place):
            return None
        if place != self._places.get(ids[0], place):
            if isinstance(item, Withdrawn):
                self._dates.pop(item.source_id, None)
            elif isinstance(item, Record) and item.posted_at:
                self._dates[ids[0]] = item.posted_at
            return None
        dates = [date for each in ids if (date := self._dates.pop(each, None))]
        if isinstance(item, Record) and not item.posted_at and dates:
            item = replace(item, posted_at=dates[0])
        later = self._later.get(ids[0])
        return item if later is None else _completed(item, later)


def _ids(item: Item) -> tuple[str, ...]:
    """What an item is known by, its own id first; nothing of one that is known by its words, or can't be used."""
    if isinstance(item, Withdrawn):
        return (item.source_id,)
    if isinstance(item, Unreadable) or not item.source_id or not (item.text.strip() or item.scores):
        return ()
    return (item.source_id, *item.former_ids)


def _record_of(item: Item) -> str:
    """The id of the record that it is a further text of; "" where it is none."""
    if not isinstance(item, Record) or not item.parent_id or not item.source_id:
        return ""
    return item.parent_id if item.source_id.startswith(f"{item.parent_id}/") else ""


def _completed(known: Item, later: Record) -> Record:
    """What is told without words, with those that are known and all else that it leaves out (as `storage.keeping` has it)."""
    if not isinstance(known, Record):
        return later
    whole = {each.name: getattr(later, each.name) for each in fields(later)}
    left_out = {name: getattr(known, name) for name, value in whole.items() if value in (None, "")}
    return replace(later, **{**left_out, "text": known.text, "posted_at": known.posted_at or later.posted_at})
