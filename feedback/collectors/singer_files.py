"""Files that a tap's messages were saved in, as if they came one behind the other: what is said of an id last is what is stored.

A file that is as it was when it was read is not looked into. One that has grown, or was written anew, is read from its beginning; lest what was stored
since were taken back on the way, it and all files behind it are gone through before, and of its records those are left out that a later one supersedes.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import count

from feedback.collectors.base import Item, Part, Record, Unreadable, Withdrawn
from feedback.collectors.encoding import open_binary
from feedback.collectors.live import Page, Visit
from feedback.collectors.singer_reading import Reached, Reading
from feedback.collectors.singer_streams import Key
from feedback.errors import CollectError


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
                    yield replace(page, items=[item for item in page.items if last.allows(item, next(places))])
            finally:
                self._keys = reading.reached.keys
        yield Page([], replace(reading.reached, file=as_it_is).text())

    def _learn(self, first: str, begun: Reached) -> "_LastTold":
        """Goes through a file and all behind it; of one that can't be read to its end its own pages will say so."""
        found = _LastTold()
        for name in self.names[self.names.index(first) :]:
            places, reading = self._places(name), Reading(self._visit, begun)
            with suppress(CollectError), open_binary(self._parts[name].path) as file:
                for page in reading.pages(file, name):
                    for item in page.items:
                        found.note(item, next(places))
            begun = reading.reached
        return found

    def _places(self, name: str) -> Iterator[int]:
        """Of the items of a file, in order: they grow from file to file."""
        return count(self.names.index(name) << 40)


class _LastTold:
    """Where each id is told of last. An id costs some 150 bytes of memory; what is told is not kept."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}  # twice the place, and one more where a date was told

    def note(self, item: Item, place: int) -> None:
        """Who lacks the text, or a date that was told before, supersedes nothing: what it lacks is then known of what is stored."""
        if isinstance(item, Withdrawn):
            self._places[item.source_id] = 2 * place
        elif isinstance(item, Record) and item.source_id and item.text.strip():
            dated = bool(item.posted_at)
            for each in (item.source_id, *item.former_ids):
                if dated or not self._places.get(each, 0) & 1:
                    self._places[each] = 2 * place + dated

    def allows(self, item: Item, place: int) -> bool:
        """Whether nothing later supersedes an item. One without an id is known by its words, and is never another one."""
        if isinstance(item, Unreadable) or not item.source_id:
            return True
        return self._places.get(item.source_id, 0) // 2 <= place
