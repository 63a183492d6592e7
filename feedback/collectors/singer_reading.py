"""One input of a Singer source, the pipe or a file, from messages to pages, and the state to go on from."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from feedback.collectors.base import Item, Unreadable
from feedback.collectors.live import Page, Visit
from feedback.collectors.singer_messages import Message, batch_records, messages
from feedback.collectors.singer_streams import Key, Stream, mapped_streams
from feedback.errors import CollectError

_RECORDS = 1000
_BYTES = 16 * 1024 * 1024  # of a page, whatever its records


@dataclass(frozen=True, slots=True)
class Reached:
    """The last STATE of a tap, and which keys each stream has had, the present one at the end: ids are made of them.

    `file` tells a file that was read to its end from what may be written in its place.
    """

    tap: object = None
    keys: Mapping[str, Sequence[Key]] = field(default_factory=dict)
    file: tuple[int, ...] = ()

    @classmethod
    def read(cls, state: str | None) -> "Reached":
        found = json.loads(state) if state else None
        if isinstance(found, list):
            tap, keys, *file = found
            return cls(tap, {stream: tuple(map(tuple, each)) for stream, each in keys.items()}, tuple(file))
        return cls(found)  # an earlier version stored what the tap had said, an object, and nothing else

    def text(self) -> str:
        return json.dumps([self.tap, self.keys, *self.file])


class Reading:
    """One input, from its first message to its last."""

    def __init__(self, visit: Visit, reached: Reached = Reached()) -> None:
        self._streams = mapped_streams(visit, reached.keys)
        self._keys = dict(reached.keys)
        self._items: list[Item] = []
        self._records = self._size = 0
        self._state = reached.tap  # the last STATE there was: all that it covers is stored or in `_items`
        self._stored = reached.tap  # that of the last page
        self._notes: dict[str, None] = {}
        self._others = Counter[str]()  # streams that the map does not name
        self._seen = set[str]()

    @property
    def reached(self) -> Reached:
        """By all messages that were read."""
        return Reached(self._state, self._keys)

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
        page = Page(self._items, self.reached.text(), notes)
        self._items, self._records, self._size, self._stored = [], 0, 0, self._state
        return page

    def _last_notes(self) -> list[str]:
        named = [f"{name} ({count:,})" for name, count in sorted(self._others.items()) if count]
        return [f"not in the map, so not collected: {', '.join(named)}"] if named else []

    def _missing(self) -> list[str]:
        return [f"the map's stream '{name}' did not come" for name in self._streams if name not in self._seen]
