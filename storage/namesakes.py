"""Things that are never edited, mails, of which several may have one id: a form on a page may give all that it sends the same.

Each is known by its words, its date and its sender: what differs in one of them is something else and gets an id of its own. The same words are the same
wherever they lie and whenever they arrived there, unless both dates are their own: only that of an arrival is another elsewhere.

What was stored under other settings, or by another version of intake, may have been taken in in other words. What has its date is taken for it, once.
"""

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from hashlib import blake2b
from itertools import chain
from typing import NamedTuple

from storage.records import Incoming


class _Known(NamedTuple):
    source_id: str
    posted_at: str | None
    own_date: bool
    text: str
    customer_id: str | None
    channel: str
    taken_alike: bool  # by the same intake, under the same settings

    def is_of(self, item: Incoming) -> bool:
        both_dated = self.own_date and item.own_date and None not in (self.posted_at, item.verbatim.posted_at)
        apart = both_dated or self._is_of_another(item)
        return self.text == item.verbatim.text and (self._is_of_its_time(item) or not apart)

    def may_be_in_other_words(self, item: Incoming) -> bool:
        return not self.taken_alike and self._is_of_its_time(item) and not self._is_of_another(item)

    def _is_of_its_time(self, item: Incoming) -> bool:
        return self.posted_at is not None and self.posted_at == item.verbatim.posted_at

    def _is_of_another(self, item: Incoming) -> bool:
        """Whether another sender wrote it. In another channel, and under another key, everybody has another code."""
        senders = {self.customer_id, item.verbatim.customer_id}
        return None not in senders and len(senders) > 1 and self.channel == item.verbatim.channel


def told_apart(connection: sqlite3.Connection, batch: Sequence[Incoming], settings: str) -> Iterator[Incoming]:
    """The batch, each of it under the id that is its own; a date that is known stays where it is not told again.

    `settings`: a digest of those that it was taken in under.
    """
    known: dict[tuple[str, str], list[_Known]] = {}
    for item in batch:
        if not item.final:
            yield item
            continue
        key = item.verbatim[:2]
        namesakes = known[key] if key in known else known.setdefault(key, _stored(connection, *key, settings))
        number = _number_of(item, namesakes)
        if number is None:
            namesakes.append(_new(item, namesakes))
        else:
            namesakes[number] = namesakes[number]._replace(text=item.verbatim.text, taken_alike=True)
        yield _renamed(item, namesakes[-1 if number is None else number])


def _number_of(item: Incoming, namesakes: Sequence[_Known]) -> int | None:
    same = (number for number, each in enumerate(namesakes) if each.is_of(item))
    in_other_words = (number for number, each in enumerate(namesakes) if each.may_be_in_other_words(item))
    return next(chain(same, in_other_words), None)


def _stored(connection: sqlite3.Connection, source: str, source_id: str, settings: str) -> list[_Known]:
    rows = connection.execute(
        "select source_id, posted_at, coalesce(own_date, 1), text, customer_id, channel, "
        "exists (select 1 from readings where readings.id = reading_id and settings = ?3) from verbatims "
        "where source = ?1 and (source_id = ?2 or (source_id > ?2 || '#' and source_id < ?2 || '$')) order by source_id",
        (source, source_id, settings),
    )
    return [_Known(*row) for row in rows]


def _new(item: Incoming, namesakes: Sequence[_Known]) -> _Known:
    verbatim, taken = item.verbatim, {each.source_id for each in namesakes}
    source_id = _own_id(item, taken) if taken else verbatim.source_id
    about = (verbatim.posted_at, item.own_date, verbatim.text, verbatim.customer_id, verbatim.channel)
    return _Known(source_id, *about, taken_alike=True)


def _own_id(item: Incoming, taken: Collection[str]) -> str:
    """One that is made of what it says; another where that is taken, by what said so before it was taken in in other words."""
    verbatim = item.verbatim
    date = verbatim.posted_at if item.own_date else None
    said = f"{verbatim.customer_id or ''}\0{verbatim.text}\0{date or ''}"
    while (own := f"{verbatim.source_id}#{blake2b(said.encode(), digest_size=6).hexdigest()}") in taken:
        said += "\0"
    return own


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
