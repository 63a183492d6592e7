"""Writing verbatims: what is new, what has changed, what goes."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from storage.copies import copies_among, drop_bands, flag_templates, hand_over, unflag_templates, write_bands
from storage.journal import settings_of
from storage.namesakes import told_apart
from storage.records import BatchResult, Incoming, Score, Similar, Verbatim, Withdrawal
from storage.scores import (
    are_alike,
    rewrite_scores,
    scores_of,
    told_by_question,
    with_others,
    withdraw_ratings,
    write_scores,
)
from storage.search import index_rows, unindex_rows

_FIELDS = Verbatim._fields[:-1]  # but the scores
_COLUMNS = f"{', '.join(_FIELDS)}, fingerprint, content_hash, own_date, run_id, reading_id, duplicate_of"
# None is bound as '' and stored as NULL: for every None itself sqlite3 looks for an adapter, a microsecond each.
_REQUIRED = ("source", "source_id", "kind", "channel", "role", "text")
_PLACES = ", ".join("?" if name in _REQUIRED else "nullif(?, '')" for name in _FIELDS)
_VALUES = f"{_PLACES}, nullif(?, ''), ?, ?, ?, ?, nullif(?, '')"
_NO_RUN = -1  # nothing was stored by it
_REMOVED_AT_ONCE = 10000  # of many rows that go; memory does not grow with them

_Key = tuple[str, str]  # source, source_id
_Known = tuple[int, int, int, int | None, str | None, int | None]  # id, content_hash, run, reading, version, votes


@dataclass(slots=True)
class _Sorted:
    """A batch by what has to be done with it."""

    new: list[Incoming] = field(default_factory=list)
    changed: list[tuple[int, Incoming]] = field(default_factory=list)
    unchanged: int = 0
    moved: list[int] = field(default_factory=list)  # unchanged, and last seen in another reading
    versions: list[tuple[str, int, int]] = field(default_factory=list)  # become known: version, content_hash, id
    votes: list[tuple[int, int]] = field(default_factory=list)  # changed alone: votes, id
    ratings: list[tuple[int, tuple[Score, ...]]] = field(default_factory=list)  # the same, to other questions
    conflicts: list[Verbatim] = field(default_factory=list)


class _Seen(NamedTuple):
    """Where a batch was met."""

    run_id: int
    reading_id: int
    settings: str
    same_file: Collection[int] = ()


def hash_with_version(content_hash: int, version: str | None) -> int:
    """A content hash with the product's version in it; of one that has it in it, the hash without.

    So that storage can tell a version that has become known from contents that have changed.
    """
    return content_hash if version is None else content_hash ^ _version_hash(version)


@lru_cache(maxsize=4096)  # versions recur
def _version_hash(version: str) -> int:
    return int.from_bytes(blake2b(version.encode("utf-8", "surrogatepass"), digest_size=8).digest(), signed=True)


def add_verbatims(
    connection: sqlite3.Connection,
    run_id: int,
    reading_id: int,
    batch: Sequence[Incoming],
    similar: Similar,
    same_file: Collection[int] = (),
) -> BatchResult:
    """Store a batch inside the caller's transaction.

    A verbatim already there with the same contents costs a look-up; one whose contents changed is rewritten and
    its marks are dropped. Votes that changed and a version that was not known are noted on a verbatim that is unchanged for
    all that; one without votes leaves those that are known. Of each it is noted in which reading of its source it was seen last
    (`storage.journal.find_reading`). `similar` decides whether two texts that share a band are copies. `same_file`: earlier
    readings of the very same file, whose ratings by no question are all told anew.
    """
    seen = _Seen(run_id, reading_id, settings_of(connection, reading_id), same_file)
    todo = _sort(connection, seen, batch)
    next_id = newest_verbatim(connection) + 1
    new = [(next_id + n, item) for n, item in enumerate(todo.new)]
    if todo.moved:
        connection.execute(
            "update verbatims set reading_id = ? where id in (select value from json_each(?))",
            (reading_id, json.dumps(todo.moved)),
        )
    connection.executemany("update verbatims set version = ?, content_hash = ? where id = ?", todo.versions)
    connection.executemany("update verbatims set votes = ? where id = ?", todo.votes)
    rewrite_scores(connection, todo.ratings)
    _forget(connection, [row_id for row_id, _ in todo.changed], similar)
    written = [*todo.changed, *new]
    copies = copies_among(connection, written, similar)
    connection.executemany(
        f"update verbatims set ({_COLUMNS}) = ({_VALUES}) where id = ?",
        [(*_row(item, run_id, reading_id, copies.get(row_id)), row_id) for row_id, item in todo.changed],
    )
    connection.executemany(
        f"insert into verbatims ({_COLUMNS}, id) values ({_VALUES}, ?)",
        [(*_row(item, run_id, reading_id, copies.get(row_id)), row_id) for row_id, item in new],
    )
    _write_details(connection, written, copies)
    flag_templates(connection, set(copies.values()))
    duplicates = sum(row_id in copies for row_id, _ in new)
    return BatchResult(len(new), len(todo.changed), todo.unchanged, duplicates, tuple(todo.conflicts))


def news(
    connection: sqlite3.Connection, batch: Sequence[Incoming], settings: str
) -> tuple[list[Verbatim], list[Verbatim]]:
    """What of a batch taken in under these settings (a digest) `add_verbatims` would add, and what it would rewrite; nothing is stored."""
    todo = _sort(connection, _Seen(_NO_RUN, _NO_RUN, settings), batch)
    return [item.verbatim for item in todo.new], [item.verbatim for _, item in todo.changed]


def withdraw(
    connection: sqlite3.Connection,
    source: str,
    void: Collection[Withdrawal],
    similar: Similar,
    same_file: Collection[int] = (),
) -> int:
    """Remove verbatims that their source says are void, and remember those that are so for good; how many there were.

    `same_file` as in `add_verbatims`.
    """
    connection.executemany(
        "insert or ignore into withdrawals values (?, ?)", [(source, each.source_id) for each in void if each.for_good]
    )
    rated, unrated = withdraw_ratings(connection, source, void, same_file)
    rows = connection.execute(
        "select id from verbatims where source = ?1 and source_id in (select value from json_each(?2)) union "
        # "0" is what comes behind the slash.
        "select v.id from json_each(?3) main join verbatims v on v.source = ?1 and v.source_id > main.value || '/' "
        "and v.source_id < main.value || '0' where v.parent_id = main.value",
        (
            source,
            json.dumps([each.source_id for each in void if each.rates is None]),
            json.dumps([each.source_id for each in void if each.with_texts]),
        ),
    ).fetchall()
    ids = sorted({int(row[0]) for row in rows} | set(unrated))
    _remove(connection, ids, similar)
    return len(ids) + len(set(rated) - set(ids))


def take_out(connection: sqlite3.Connection, reading_ids: Collection[int], similar: Similar) -> int:
    """Remove verbatims that were last seen in these readings; how many there were. Unlike withdrawn ones they may come back."""
    of_these, listed = "reading_id in (select value from json_each(?))", json.dumps(list(reading_ids))
    # All of them first, so that none becomes the original of another that goes too.
    connection.execute(f"update verbatims set duplicate_of = null, fingerprint = null where {of_these}", (listed,))
    taken = last = 0
    while True:
        rows = connection.execute(
            f"select id from verbatims where id > ? and {of_these} order by id limit ?",
            (last, listed, _REMOVED_AT_ONCE),
        )
        ids = [int(row[0]) for row in rows]
        if not ids:
            break
        _remove(connection, ids, similar)
        taken += len(ids)
        last = ids[-1]
    if taken:
        unflag_templates(connection)
    return taken


def newest_verbatim(connection: sqlite3.Connection) -> int:
    """The highest id there is; 0 where there is none."""
    return int(connection.execute("select coalesce(max(id), 0) from verbatims").fetchone()[0])


def _sort(connection: sqlite3.Connection, seen: _Seen, batch: Sequence[Incoming]) -> _Sorted:
    result = _Sorted()
    latest: dict[_Key, Incoming] = {}
    for item in told_apart(connection, batch, seen.settings):
        earlier = latest.setdefault(item.verbatim[:2], item)
        if earlier is not item:
            latest[item.verbatim[:2]] = _with_votes(item, earlier.verbatim.votes)
            # What is never edited and has this id was told to be this one, with more in one place than in another.
            if not item.final and not _says_the_same(earlier.content_hash, earlier.verbatim.version, item):
                result.conflicts.append(item.verbatim)
    known, void = _look_up(connection, latest)
    rated = [known[key][0] for key, item in latest.items() if item.rates is not None and key in known]
    ratings = scores_of(connection, rated)
    for key, item in latest.items():
        if key in void:
            result.unchanged += 1
            continue
        stored = known.get(key)
        if stored is None:
            result.new.append(item)
            continue
        row_id, content_hash, stored_by, seen_in, version, votes = stored
        before = ratings.get(row_id, ())
        if item.rates is not None:
            kept = told_by_question(before) if item.rates and seen_in in seen.same_file else before
            scores = with_others(item.verbatim.scores, item.rates, kept)
            item = item._replace(verbatim=item.verbatim._replace(scores=scores))
        same_ratings = item.rates is None or are_alike(item.verbatim.scores, before)
        if not (same_ratings and _says_the_same(content_hash, version, item)):
            result.changed.append((row_id, _with_votes(item, votes)))
            if stored_by == seen.run_id and not item.final:
                result.conflicts.append(item.verbatim)
            continue
        result.unchanged += 1
        told = item.verbatim
        if item.rates is not None and told.scores != before:
            result.ratings.append((row_id, told.scores))
        if seen_in != seen.reading_id:
            result.moved.append(row_id)
        if version is None and told.version is not None:
            result.versions.append((told.version, item.content_hash, row_id))
        if told.votes is not None and told.votes != votes:
            result.votes.append((told.votes, row_id))
    return result


def _look_up(connection: sqlite3.Connection, keys: Iterable[_Key]) -> tuple[dict[_Key, _Known], set[_Key]]:
    """What is stored of the verbatims with these keys, and which of the keys are void."""
    by_source: dict[str, list[str]] = {}
    for source, source_id in keys:
        by_source.setdefault(source, []).append(source_id)
    known: dict[_Key, _Known] = {}
    void: set[_Key] = set()
    for source, source_ids in by_source.items():
        rows = connection.execute(
            "select source_id, id, content_hash, run_id, reading_id, version, votes from verbatims "
            "where source = ? and source_id in (select value from json_each(?))",
            (source, json.dumps(source_ids)),
        )
        known.update({(source, source_id): row for source_id, *row in rows})
        rows = connection.execute(
            "select source_id from withdrawals where source = ? and source_id in (select value from json_each(?))",
            (source, json.dumps(source_ids)),
        )
        void.update((source, source_id) for (source_id,) in rows)
    return known, void


def _says_the_same(content_hash: int, version: str | None, item: Incoming) -> bool:
    """Whether an item has the contents that were known, if need be with a version that was not."""
    if content_hash == item.content_hash:
        return True
    return version is None and content_hash == hash_with_version(item.content_hash, item.verbatim.version)


def _with_votes(item: Incoming, known: int | None) -> Incoming:
    """The item with the votes that are known, where it tells of none."""
    if known is None or item.verbatim.votes is not None:
        return item
    return item._replace(verbatim=item.verbatim._replace(votes=known))


def _row(item: Incoming, run_id: int, reading_id: int, duplicate_of: int | None) -> list[str | int]:
    """The values of `_COLUMNS`; what is None is ''."""
    about = (item.fingerprint.exact, item.content_hash, item.own_date)
    values = (*item.verbatim[:-1], *about, run_id, reading_id, duplicate_of)
    return ["" if value is None else value for value in values]


def _write_details(
    connection: sqlite3.Connection, written: Sequence[tuple[int, Incoming]], copies: dict[int, int]
) -> None:
    write_scores(connection, [(row_id, item.verbatim.scores) for row_id, item in written])
    write_bands(connection, [(row_id, item.fingerprint) for row_id, item in written if row_id not in copies])
    index_rows(connection, [(row_id, item.words, item.characters) for row_id, item in written if item.verbatim.text])


def _remove(connection: sqlite3.Connection, ids: Sequence[int], similar: Similar) -> None:
    _forget(connection, ids, similar)
    connection.executemany("delete from verbatims where id = ?", [(row_id,) for row_id in ids])


def _forget(connection: sqlite3.Connection, ids: Sequence[int], similar: Similar) -> None:
    """Drop all that was derived from or hangs on these verbatims; nothing is a copy of them any more, nor they of anything."""
    if not ids:
        return
    connection.executemany(
        "update verbatims set duplicate_of = null, fingerprint = null where id = ?", [(row_id,) for row_id in ids]
    )
    hand_over(connection, ids, similar)
    unindex_rows(connection, ids)
    for table in ("scores", "segments", "analyses"):
        connection.executemany(f"delete from {table} where verbatim_id = ?", [(row_id,) for row_id in ids])
    drop_bands(connection, ids)
