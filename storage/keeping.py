"""What is known stays known where a source that is asked leaves it out: for a day its interface may call a field otherwise, or send nothing in it.

And where Excel made an error of what a table said.
"""

import json
import sqlite3
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from storage.records import Fingerprint, Incoming, Verbatim
from storage.scores import scores_of
from storage.verbatims import hash_with_version

# What a verbatim is found by, and copies of it: its fingerprint, and its columns of the index.
FindBy = Callable[[Verbatim], tuple[Fingerprint, str, str]]

_FIELDS = Verbatim._fields[:-1]  # but the scores


class _Known(NamedTuple):
    id: int
    content_hash: int
    verbatim: Verbatim

    def has_more_than(self, item: Incoming) -> bool:
        known, told = self.verbatim, item.verbatim
        return (
            item.rates is not None or bool(known.text and not told.text) or bool(known.posted_at and not told.posted_at)
        )


def with_known_words(
    connection: sqlite3.Connection, batch: Sequence[Incoming], garbled: Collection[str], find_by: FindBy
) -> list[Incoming]:
    """Of what files hold, which leave out what is no longer there: the batch, with the words that are known of those with
    the ids `garbled`, and as the same where none of the ratings that stand beside the words is told (`storage.scores` has those of responses)."""
    return _with_known(connection, batch, find_by, lambda i: i.rates == {} or i.verbatim.source_id in garbled)


def with_what_is_known(connection: sqlite3.Connection, batch: Sequence[Incoming], find_by: FindBy) -> list[Incoming]:
    """The batch, with the date that is known where none is told, and where no words are told with those that are known and all else that is.

    What tells nothing new is then what is stored already. What does, a score that changed, is told with the known words.
    Where the ratings of some questions alone are told, with the date and the customer that are known (`storage.scores` has the others).
    Not of what is never edited: there another one may have the id, and its date would be made up (`storage.namesakes`).
    """
    return _with_known(connection, batch, find_by, _lacks)


def _with_known(
    connection: sqlite3.Connection, batch: Sequence[Incoming], find_by: FindBy, lacks: Callable[[Incoming], bool]
) -> list[Incoming]:
    known = _known(connection, [item for item in batch if lacks(item)])
    found = ((item, known.get(item.verbatim.source_id) if lacks(item) else None) for item in batch)
    return [item if each is None else _completed(item, each, find_by) for item, each in found]


def _lacks(item: Incoming) -> bool:
    return not item.final and (not item.verbatim.text or item.verbatim.posted_at is None)


def _completed(item: Incoming, known: _Known, find_by: FindBy) -> Incoming:
    told = (_filled if item.rates is None else _as_before)(item.verbatim, known.verbatim)
    whole = told if item.rates is None else told._replace(scores=known.verbatim.scores)
    if says_nothing_new(whole, known.verbatim):
        return as_known(item, told, known.content_hash, known.verbatim.version)
    # It keeps the hash of what was told, without the words: told in full again it is a change, whatever is told then.
    fingerprint, words, characters = find_by(told)
    return item._replace(verbatim=told, fingerprint=fingerprint, words=words, characters=characters)


def _filled(told: Verbatim, known: Verbatim) -> Verbatim:
    if told.text:
        return told._replace(posted_at=known.posted_at)
    left_out = {name: getattr(known, name) for name in _FIELDS if getattr(told, name) in (None, "")}
    # Of the dates that which is known: "3 days ago" is another one every day.
    date = known.posted_at or told.posted_at
    return told._replace(**{**left_out, "posted_at": date, "language": known.language, "noise": known.noise})


def _as_before(told: Verbatim, known: Verbatim) -> Verbatim:
    """Product and store are as settings say them now."""
    customer_id = told.customer_id or known.customer_id
    return told._replace(posted_at=known.posted_at or told.posted_at, customer_id=customer_id)


def as_known(item: Incoming, told: Verbatim, content_hash: int, version: str | None) -> Incoming:
    """What says nothing new, as it is known with that hash and version: it may have become known which version it is of."""
    return item._replace(
        verbatim=told, content_hash=hash_with_version(hash_with_version(content_hash, version), told.version)
    )


def says_nothing_new(told: Verbatim, known: Verbatim) -> bool:
    """But for votes, and for a version where none was known; they are no change. What the words are taken for changes with them."""
    version = known.version and told.version
    return told._replace(votes=known.votes, version=version, language=known.language, noise=known.noise) == known


def _known(connection: sqlite3.Connection, told: Sequence[Incoming]) -> dict[str, _Known]:
    """What is stored of these items of one source, where it is more than is told; by their ids."""
    if not told:
        return {}
    by_id = {item.verbatim.source_id: item for item in told}
    rows = connection.execute(
        f"select id, content_hash, {', '.join(_FIELDS)} from verbatims "
        "where source = ? and source_id in (select value from json_each(?))",
        (told[0].verbatim.source, json.dumps(list(by_id))),
    )
    stored = [_Known(row_id, content_hash, Verbatim(*fields)) for row_id, content_hash, *fields in rows]
    found = [each for each in stored if each.has_more_than(by_id[each.verbatim.source_id])]
    scores = scores_of(connection, [each.id for each in found])
    with_scores = [each.verbatim._replace(scores=scores.get(each.id, ())) for each in found]
    return {v.source_id: each._replace(verbatim=v) for each, v in zip(found, with_scores, strict=True)}
