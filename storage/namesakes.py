"""Things that are never edited, mails, of which several may have one id: a form on a page may give all that it sends the same.

What another sender wrote, or what has another date and other words than what is stored under its id, is something else and gets an id of its own;
what has the same date or the same words is the same, wherever it lies and whenever it arrived there. The same words on two dates are two all the same
where both dates are their own: only that of an arrival is another elsewhere.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import NamedTuple

from storage.records import Incoming


class _Known(NamedTuple):
    source_id: str
    posted_at: str | None
    own_date: bool
    text: str
    customer_id: str | None
    channel: str

    def is_of(self, item: Incoming) -> bool:
        verbatim = item.verbatim
        same_words = self.text == verbatim.text
        same_time = self.posted_at is not None and self.posted_at == verbatim.posted_at
        # In another channel, and under another key, everybody has another code.
        others = None not in (self.customer_id, verbatim.customer_id) and self.customer_id != verbatim.customer_id
        if others and self.channel == verbatim.channel:
            return same_words and same_time
        both_dated = self.own_date and item.own_date and None not in (self.posted_at, verbatim.posted_at)
        return same_time or (same_words and not both_dated)


def told_apart(connection: sqlite3.Connection, batch: Sequence[Incoming]) -> Iterator[Incoming]:
    """The batch, each of it under the id that is its own; a date that is known stays where it is not told again."""
    known: dict[tuple[str, str], list[_Known]] = {}
    for item in batch:
        if not item.final:
            yield item
            continue
        key = item.verbatim[:2]
        namesakes = known[key] if key in known else known.setdefault(key, _stored(connection, *key))
        found = next((each for each in namesakes if each.is_of(item)), None)
        if found is None:
            found = _known(item, _own_id(item) if namesakes else item.verbatim.source_id)
            namesakes.append(found)
        yield _renamed(item, found)


def _stored(connection: sqlite3.Connection, source: str, source_id: str) -> list[_Known]:
    rows = connection.execute(
        "select source_id, posted_at, coalesce(own_date, 1), text, customer_id, channel from verbatims "
        "where source = ?1 and (source_id = ?2 or (source_id > ?2 || '#' and source_id < ?2 || '$')) order by source_id",
        (source, source_id),
    )
    return [_Known(*row) for row in rows]


def _known(item: Incoming, source_id: str) -> _Known:
    verbatim = item.verbatim
    return _Known(source_id, verbatim.posted_at, item.own_date, verbatim.text, verbatim.customer_id, verbatim.channel)


def _own_id(item: Incoming) -> str:
    verbatim = item.verbatim
    date = verbatim.posted_at if item.own_date else None
    said = f"{verbatim.customer_id or ''}\0{verbatim.text}\0{date or ''}"
    return f"{verbatim.source_id}#{blake2b(said.encode(), digest_size=6).hexdigest()}"


def _renamed(item: Incoming, known: _Known) -> Incoming:
    """With the id that it is known by; one that began a conversation goes on naming it."""
    verbatim = item.verbatim
    begins = verbatim.conversation_id == verbatim.source_id
    renamed = verbatim._replace(
        source_id=known.source_id,
        conversation_id=known.source_id if begins else verbatim.conversation_id,
        posted_at=verbatim.posted_at or known.posted_at,
    )
    return item._replace(verbatim=renamed, own_date=item.own_date if verbatim.posted_at else known.own_date)
