"""Reviews of stores, which their authors edit: they keep their id and have the date of their last change, so that of two versions the later one counts.

Which of them is read last tells nothing: the pages of a list come out of caches of different age. One run may see both, in the lists of two
countries, or where it goes on from where another was cut off and asks for the newest then.
"""

import json
import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from storage.keeping import as_known, says_nothing_new, scores_of
from storage.records import Incoming, Verbatim

_FIELDS = Verbatim._fields[:-1]  # but the scores


class _Known(NamedTuple):
    content_hash: int
    verbatim: Verbatim


def newest_versions(connection: sqlite3.Connection, batch: Sequence[Incoming], settings: str) -> list[Incoming]:
    """The batch, each version that is older than one in it, or than the one that is stored, as that one; of two with one date the one told later counts.

    What tells less of a version than is known of it, no title or no author, is told with that. What was stored under other `settings` (a digest) than
    these is told anew whatever its date: it may have been read in another time zone.
    """
    newest: dict[str, Incoming] = {}
    for item in batch:
        other = newest.setdefault(item.verbatim.source_id, item)
        if not _is_older(item, other.verbatim):
            newest[item.verbatim.source_id] = item
    known = _known(connection, list(newest.values()), settings)
    return [_newest(newest[source_id], known.get(source_id)) for source_id in (i.verbatim.source_id for i in batch)]


def _newest(item: Incoming, known: _Known | None) -> Incoming:
    if known is None:
        return item
    if _is_older(item, known.verbatim):
        return item._replace(verbatim=known.verbatim, content_hash=known.content_hash)
    whole = _filled(item.verbatim, known.verbatim)
    if says_nothing_new(whole, known.verbatim):
        return as_known(item, whole, known.content_hash, known.verbatim.version)
    return item


def _is_older(item: Incoming, other: Verbatim) -> bool:
    told, known = item.verbatim.posted_at, other.posted_at
    return told is not None and known is not None and told < known


def _filled(told: Verbatim, known: Verbatim) -> Verbatim:
    left_out = {name: getattr(known, name) for name in _FIELDS if getattr(told, name) in (None, "")}
    return told._replace(**left_out, scores=told.scores or known.scores)


def _known(connection: sqlite3.Connection, told: Sequence[Incoming], settings: str) -> dict[str, _Known]:
    """What is stored of these, by their ids."""
    if not told:
        return {}
    rows = connection.execute(
        f"select verbatims.id, content_hash, {', '.join(f'verbatims.{name}' for name in _FIELDS)} "
        "from verbatims join readings on readings.id = reading_id "
        "where verbatims.source = ? and source_id in (select value from json_each(?)) and settings = ?",
        (told[0].verbatim.source, json.dumps([item.verbatim.source_id for item in told]), settings),
    ).fetchall()
    scores = scores_of(connection, [row_id for row_id, *_ in rows])
    verbatims = [(Verbatim(*fields)._replace(scores=scores.get(row_id, ())), found) for row_id, found, *fields in rows]
    return {verbatim.source_id: _Known(content_hash, verbatim) for verbatim, content_hash in verbatims}
