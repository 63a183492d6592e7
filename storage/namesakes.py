"""Things that are never edited, mails, of which several may have one id: a form on a page may give all that it sends the same.

Each is known by its words, its date and its sender: what differs in one of them is something else and gets an id of its own. The same words are the same
wherever they lie and whenever they arrived there, unless both dates are their own: only that of an arrival is another elsewhere. Where one's words
stand in the other's, and date and sender are alike, a list or a gateway added to it, or it was cut: it is one thing, and the longer words stay, so
that none are lost and all comes to the same in whichever order it is read.

What was stored under other settings, or by another version of intake, may have been taken in in other words. What has its date is taken for it, once.
"""

import sqlite3
from collections.abc import Collection, Iterator, Sequence
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
    content_hash: int
    taken_alike: bool  # by the same intake, under the same settings
    told: bool = False  # in this batch

    def is_of(self, item: Incoming) -> bool:
        both_dated = self.own_date and item.own_date and None not in (self.posted_at, item.verbatim.posted_at)
        apart = both_dated or self._is_of_another(item)
        return self.text == item.verbatim.text and (self._is_of_its_time(item) or not apart)

    def has_more_or_less_than(self, item: Incoming) -> bool:
        if not self.taken_alike or not self._is_of_its_time(item) or self._is_of_another(item):
            return False
        shorter, longer = sorted((_on_one_line(self.text), _on_one_line(item.verbatim.text)), key=len)
        return _stands_in(shorter, longer)

    def stays(self, item: Incoming) -> bool:
        """Whether what is known has all that is told, and more."""
        told = item.verbatim.text
        return self.taken_alike and self.text != told and len(self.text) >= len(told)

    def retold(self, item: Incoming) -> "_Known":
        return self._replace(text=item.verbatim.text, content_hash=item.content_hash, taken_alike=True, told=True)

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
        elif not namesakes[number].stays(item):
            namesakes[number] = namesakes[number].retold(item)
        elif namesakes[number].told:
            continue
        else:  # no change of what is stored
            item = item._replace(content_hash=namesakes[number].content_hash)
        yield _renamed(item, namesakes[-1 if number is None else number])


def _number_of(item: Incoming, namesakes: Sequence[_Known]) -> int | None:
    ways = (_Known.is_of, _Known.has_more_or_less_than, _Known.may_be_in_other_words)
    return next((number for is_it in ways for number, each in enumerate(namesakes) if is_it(each, item)), None)


def _stands_in(shorter: str, longer: str) -> bool:
    """Whether all of a text stands in another, at its beginning or end if need be, and not within a word."""
    places = (longer.find(shorter), longer.rfind(shorter))
    return bool(shorter) and any(
        place >= 0 and not (_is_within_word(longer, place) or _is_within_word(longer, place + len(shorter)))
        for place in places
    )


def _is_within_word(text: str, place: int) -> bool:
    return 0 < place < len(text) and text[place - 1].isalnum() and text[place].isalnum()


def _on_one_line(text: str) -> str:
    return " ".join(text.split())


def _stored(connection: sqlite3.Connection, source: str, source_id: str, settings: str) -> list[_Known]:
    rows = connection.execute(
        "select source_id, posted_at, coalesce(own_date, 1), text, customer_id, channel, content_hash, "
        "exists (select 1 from readings where readings.id = reading_id and settings = ?3) from verbatims "
        "where source = ?1 and (source_id = ?2 or (source_id > ?2 || '#' and source_id < ?2 || '$')) order by source_id",
        (source, source_id, settings),
    )
    return [_Known(*row) for row in rows]


def _new(item: Incoming, namesakes: Sequence[_Known]) -> _Known:
    verbatim, taken = item.verbatim, {each.source_id for each in namesakes}
    source_id = _own_id(item, taken) if taken else verbatim.source_id
    about = (verbatim.posted_at, item.own_date, verbatim.text, verbatim.customer_id, verbatim.channel)
    return _Known(source_id, *about, item.content_hash, taken_alike=True, told=True)


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
