"""Reviews of stores, which their authors edit: they keep their id and have the date of their last change, so that of two versions the later one counts.

Which of them is read last tells nothing: the pages of a list come out of caches of different age. One run may see both, in the lists of two
countries, or where it goes on from where another was cut off and asks for the newest then.
"""

import json
import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from storage.keeping import FindBy, as_known, says_nothing_new
from storage.records import Incoming, Verbatim
from storage.scores import scores_of
from storage.verbatims import hash_with_version

_FIELDS = Verbatim._fields[:-1]  # but the scores
# What a store may leave out of a review for a day. What settings say of it, its product or store, is as they say it now.
_LEFT_OUT = ("text", "posted_at", "customer_id", "version", "region", "question", "votes")


class _Known(NamedTuple):
    content_hash: int
    same_settings: bool
    verbatim: Verbatim


def newest_versions(
    connection: sqlite3.Connection, batch: Sequence[Incoming], settings: str, find_by: FindBy
) -> list[Incoming]:
    """The batch, each version that is older than one in it, or than the one that is stored, as that one; of two with one date the one told later counts.

    What tells less of a version than is known of it, no title or no author, is told with that; so is a later one without words. What was stored under
    other `settings` (a digest) than these makes no version an older one: it may have been read in another time zone.
    """
    newest: dict[str, Incoming] = {}
    for item in batch:
        other = newest.setdefault(item.verbatim.source_id, item)
        if not _is_older(item, other.verbatim):
            newest[item.verbatim.source_id] = item
    known = _known(connection, list(newest.values()), settings)
    found = {each: _newest(item, known.get(each), find_by) for each, item in newest.items()}
    return [found[item.verbatim.source_id] for item in batch]


def _newest(item: Incoming, known: _Known | None, find_by: FindBy) -> Incoming:
    if known is None:
        return item
    if known.same_settings and _is_older(item, known.verbatim):
        return item._replace(verbatim=known.verbatim, content_hash=known.content_hash)
    whole = _filled(item.verbatim, known.verbatim)
    # Under other settings another intake may take the same words for something else.
    taken_alike = (whole.language, whole.noise) == (known.verbatim.language, known.verbatim.noise)
    if (known.same_settings or taken_alike) and says_nothing_new(whole, known.verbatim):
        return as_known(item, whole, known.content_hash, known.verbatim.version)
    if whole.text != item.verbatim.text:
        fingerprint, words, characters = find_by(whole)
        item = item._replace(fingerprint=fingerprint, words=words, characters=characters)
    # But for the version it keeps the hash of what was told.
    without = hash_with_version(item.content_hash, item.verbatim.version)
    return item._replace(verbatim=whole, content_hash=hash_with_version(without, whole.version))


def _is_older(item: Incoming, other: Verbatim) -> bool:
    told, known = item.verbatim.posted_at, other.posted_at
    return told is not None and known is not None and told < known


def _filled(told: Verbatim, known: Verbatim) -> Verbatim:
    """What is told with what is known of the same version; of a later one that has lost its words nothing else tells either."""
    same = told.posted_at == known.posted_at if told.posted_at else told.text == known.text
    if told.text and not same:
        return told
    left_out = {name: getattr(known, name) for name in _LEFT_OUT if getattr(told, name) in (None, "")}
    if not told.text:
        left_out |= {"language": known.language, "noise": known.noise}
    return told._replace(**left_out, scores=told.scores or known.scores)


def _known(connection: sqlite3.Connection, told: Sequence[Incoming], settings: str) -> dict[str, _Known]:
    """What is stored of these, by their ids."""
    if not told:
        return {}
    rows = connection.execute(
        f"select verbatims.id, content_hash, settings = ?, {', '.join(f'verbatims.{name}' for name in _FIELDS)} "
        "from verbatims join readings on readings.id = reading_id "
        "where verbatims.source = ? and source_id in (select value from json_each(?))",
        (settings, told[0].verbatim.source, json.dumps([item.verbatim.source_id for item in told])),
    ).fetchall()
    scores = scores_of(connection, [row_id for row_id, *_ in rows])
    return {
        verbatim.source_id: _Known(content_hash, bool(same_settings), verbatim)
        for row_id, content_hash, same_settings, *fields in rows
        for verbatim in (Verbatim(*fields)._replace(scores=scores.get(row_id, ())),)
    }
