"""Things that are never edited, mails, of which several may have one id: a form on a page may give all that it sends the same.

What another sender wrote, or what has another date and other words than what is stored under its id, is something else and gets an id of its own;
what has the same date or the same words is the same, wherever it lies and whenever it arrived there.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import NamedTuple

from storage.records import Incoming, Verbatim


class _Known(NamedTuple):
    source_id: str
    posted_at: str | None
    text: str
    customer_id: str | None
    channel: str

    def is_of(self, verbatim: Verbatim) -> bool:
        same_words = self.text == verbatim.text
        same_time = self.posted_at is not None and self.posted_at == verbatim.posted_at
        # In another channel, and under another key, everybody has another code.
        others = None not in (self.customer_id, verbatim.customer_id) and self.customer_id != verbatim.customer_id
        if others and self.channel == verbatim.channel:
            return same_words and same_time
        return same_words or same_time


def told_apart(connection: sqlite3.Connection, batch: Sequence[Incoming]) -> Iterator[Incoming]:
    """The batch, each of it under the id that is its own; a date that is known stays where it is not told again."""
    known: dict[tuple[str, str], list[_Known]] = {}
    for item in batch:
        verbatim = item.verbatim
        if not item.final:
            yield item
            continue
        key = verbatim[:2]
        namesakes = known[key] if key in known else known.setdefault(key, _stored(connection, *key))
        found = next((each for each in namesakes if each.is_of(verbatim)), None)
        if found is None:
            found = _Known(_own_id(verbatim) if namesakes else verbatim.source_id, *_about(verbatim))
            namesakes.append(found)
        yield item._replace(verbatim=_renamed(verbatim, found))


def _stored(connection: sqlite3.Connection, source: str, source_id: str) -> list[_Known]:
    rows = connection.execute(
        "select source_id, posted_at, text, customer_id, channel from verbatims where source = ?1 and (source_id = ?2 or "
        "(source_id > ?2 || '#' and source_id < ?2 || '$')) order by source_id",
        (source, source_id),
    )
    return [_Known(*row) for row in rows]


def _about(verbatim: Verbatim) -> tuple[str | None, str, str | None, str]:
    return verbatim.posted_at, verbatim.text, verbatim.customer_id, verbatim.channel


def _own_id(verbatim: Verbatim) -> str:
    said = f"{verbatim.customer_id or ''}\0{verbatim.text}"
    return f"{verbatim.source_id}#{blake2b(said.encode(), digest_size=6).hexdigest()}"


def _renamed(verbatim: Verbatim, known: _Known) -> Verbatim:
    """With the id that it is known by; one that began a conversation goes on naming it."""
    begins = verbatim.conversation_id == verbatim.source_id
    return verbatim._replace(
        source_id=known.source_id,
        conversation_id=known.source_id if begins else verbatim.conversation_id,
        posted_at=verbatim.posted_at or known.posted_at,
    )
