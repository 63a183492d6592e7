"""Whatever a Singer tap can read: its messages come through a pipe, or from files they were saved in.

    tap-x --config c.json --state <(feedback collect singer - --map map.toml --state) | feedback collect singer - --map map.toml

The STATE of a tap is stored with the records before it, in one transaction, and is handed back from there, by --state. Not by a file that
is written here beside the database: a collector does not learn whether its page was stored, shown (--dry-run), cut short (--limit) or
thinned out (--since), so that such a file could run ahead of the records, and what lies between would never be sent again. A run that
was killed has stored an older STATE at worst; what the tap sends twice is known by its id.
"""

import json
import os
import stat
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from io import BufferedReader
from itertools import chain
from pathlib import Path
from select import select
from typing import BinaryIO, cast

from feedback.collectors.base import Item, Part, Unreadable
from feedback.collectors.encoding import open_binary
from feedback.collectors.files import parts_of
from feedback.collectors.live import Page, Visit
from feedback.collectors.singer_messages import Message, batch_records, messages
from feedback.collectors.singer_streams import Key, Stream, mapped_streams
from feedback.errors import CollectError

PIPE = "-"
SUFFIXES = (".jsonl", ".ndjson", ".json", ".singer")
_RECORDS = 1000
_BYTES = 16 * 1024 * 1024  # of a page, whatever its records
_UNKNOWN = "unknown '{key}'. What a tap is told stands in its own file; here are paths and layout, the map"
_WAITING_SECONDS = 10.0  # for a tap's first words, where nobody said that there is one
_NOTHING_PIPED = "nothing was piped in, so it was not read: tap … | feedback collect --source {}"
_NO_PIPE = "Nothing is piped in. Write: tap … | feedback collect …"


@dataclass(frozen=True, slots=True)
class _Reached:
    """The last STATE of a tap, and which keys each stream has had, the present one at the end: ids are made of them."""

    tap: object = None
    keys: Mapping[str, Sequence[Key]] = field(default_factory=dict)

    @classmethod
    def read(cls, state: str | None) -> "_Reached":
        found = json.loads(state) if state else None
        if isinstance(found, list):
            tap, keys = found
            return cls(tap, {stream: tuple(map(tuple, each)) for stream, each in keys.items()})
        return cls(found)  # an earlier version stored what the tap had said, an object, and nothing else

    def text(self) -> str:
        return json.dumps([self.tap, self.keys])


class SingerCollector:
    private_names = False

    def streams(self, visit: Visit) -> list[str]:
        if unknown := sorted(visit.settings.data):
            raise visit.settings.fault(_UNKNOWN, key=unknown[0])
        mapped_streams(visit)
        return list(_parts(visit))

    def pages(self, stream: str, state: str | None, visit: Visit) -> Iterator[Page]:
        """A page for each STATE, or for every 1,000 records. The tap has been given the last STATE, and sends what came since."""
        part, reached = _parts(visit)[stream], _Reached.read(state)
        if part is not None:
            with open_binary(part.path) as file:
                yield from _Reading(visit, reached).pages(file, part.name)
        elif (piped := _standard_input()) and (visit.named or _speaks(piped)):
            yield from _Reading(visit, reached).pages(piped, "stdin")
        elif visit.named:
            raise CollectError(_NO_PIPE)
        else:
            # Not an error: among the sources that a schedule collects, this one is not due.
            yield Page([], None, (_NOTHING_PIPED.format(visit.config.name),))

    def restart(self, state: str) -> str:
        """The tap begins anew; which keys there were is known."""
        return replace(_Reached.read(state), tap=None).text()

    def for_the_tap(self, state: str | None) -> str:
        tap = _Reached.read(state).tap
        return json.dumps({} if tap is None else tap)

    def saved(self, path: Path, visit: Visit) -> Iterator[Item]:
        with open_binary(path) as file:
            yield from chain.from_iterable(page.items for page in _Reading(visit).pages(file, path.name))


def _parts(visit: Visit) -> dict[str, Part | None]:
    """What is read, by name: files, and None for the pipe."""
    config = visit.config
    if config.paths in ((), (PIPE,)):
        return {PIPE: None}
    if PIPE in config.paths:
        raise CollectError(f"Source '{config.name}' reads either the pipe, -, or files.")
    return {part.name: part for part in parts_of(config, SUFFIXES)}


def _standard_input() -> BinaryIO | None:
    """What is piped in, or the file put in its place; None where it is a terminal, or nothing at all."""
    if sys.stdin is None or stat.S_ISCHR(os.fstat(sys.stdin.fileno()).st_mode):
        return None
    return sys.stdin.buffer


def _speaks(piped: BinaryIO) -> bool:
    """Whether anything comes. What starts programs by the clock leaves them a pipe: cron a closed one, others one that stays open and says nothing."""
    ready, _, _ = select([piped], [], [], _WAITING_SECONDS)
    return bool(ready and cast(BufferedReader, piped).peek(1))


class _Reading:
    """One input, from its first message to its last."""

    def __init__(self, visit: Visit, reached: _Reached = _Reached()) -> None:
        self._streams = mapped_streams(visit, reached.keys)
        self._keys = dict(reached.keys)
        self._items: list[Item] = []
        self._records = self._size = 0
        self._state = reached.tap  # the last STATE there was: all that it covers is stored or in `_items`
        self._stored = reached.tap  # that of the last page
        self._notes: dict[str, None] = {}
        self._others = Counter[str]()  # streams that the map does not name
        self._seen = set[str]()

    def pages(self, file: BinaryIO, name: str) -> Iterator[Page]:
        try:
            for message in messages(file, name):
                if isinstance(message, Unreadable):
                    yield from self._add([message], 0)
                else:
                    yield from self._take(message)
        except (CollectError, OSError) as error:
            yield self._page((*self._notes, *self._last_notes()))  # what came before it is kept
            if isinstance(error, CollectError):
                raise
            raise CollectError(f"{name} can't be read on: {error.strerror}.") from None
        yield self._page((*self._notes, *self._last_notes(), *self._missing()))

    def _take(self, message: Message) -> Iterator[Page]:
        if message.kind == "STATE":
            self._state = message.content["value"]
            if self._items or self._state != self._stored:
                yield self._page()
            return
        self._seen.add(message.stream)
        stream = self._streams.get(message.stream)
        if stream is None:
            self._others[message.stream] += message.kind in ("RECORD", "BATCH")
        elif message.kind == "SCHEMA":
            self._notes |= dict.fromkeys(stream.learn(message.content))
            self._keys[stream.name] = stream.keys
        elif message.kind == "RECORD":
            yield from self._record(stream, message.where, message.content["record"], message.size)
        elif message.kind == "BATCH":
            for found in batch_records(message):
                if isinstance(found, Unreadable):
                    yield from self._add([found], 0)
                else:
                    yield from self._record(stream, *found)
        else:
            self._notes[
                f"stream '{stream.name}' was sent as a whole (ACTIVATE_VERSION): what it no longer holds is kept here"
            ] = None

    def _record(self, stream: Stream, where: str, record: object, size: int) -> Iterator[Page]:
        assert isinstance(record, dict)
        yield from self._add(list(stream.items(where, record)), size)

    def _add(self, items: list[Item], size: int) -> Iterator[Page]:
        self._items += items
        self._records += 1
        self._size += size
        if self._records >= _RECORDS or self._size >= _BYTES:
            yield self._page()

    def _page(self, notes: tuple[str, ...] = ()) -> Page:
        page = Page(self._items, _Reached(self._state, self._keys).text(), notes)
        self._items, self._records, self._size, self._stored = [], 0, 0, self._state
        return page

    def _last_notes(self) -> list[str]:
        named = [f"{name} ({count:,})" for name, count in sorted(self._others.items()) if count]
        return [f"not in the map, so not collected: {', '.join(named)}"] if named else []

    def _missing(self) -> list[str]:
        return [f"the map's stream '{name}' did not come" for name in self._streams if name not in self._seen]
