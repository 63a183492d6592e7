"""Writing verbatims: what is new, what has changed, what is a copy of what."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from storage.records import BatchResult, Fingerprint, Incoming, Similar
from storage.search import index_rows, unindex_rows

# So many copies of one longer text are no coincidence: they were handed out.
TEMPLATE_COPIES = 5
TEMPLATE_CHARACTERS = 15

_COLUMNS = (
    "source, source_id, kind, channel, role, text, posted_at, conversation_id, turn, parent_id, customer_id, "
    "product, store, region, question, language, noise"
)
_COLUMN_COUNT = _COLUMNS.count(",") + 1


@dataclass(slots=True)
class _Sorted:
    """A batch by what has to be done with it."""

    new: list[Incoming] = field(default_factory=list)
    changed: list[tuple[int, Incoming]] = field(default_factory=list)
    unchanged: int = 0


def add_verbatims(
    connection: sqlite3.Connection, run_id: int, batch: Sequence[Incoming], similar: Similar
) -> BatchResult:
    """Store a batch inside the caller's transaction.

    A verbatim already there with the same contents costs a look-up; one whose contents changed is rewritten and
    its marks are dropped. `similar` decides whether two texts that share a band are copies.
    """
    todo = _sort(connection, batch)
    next_id = int(connection.execute("select coalesce(max(id), 0) + 1 from verbatims").fetchone()[0])
    new = [(next_id + n, item) for n, item in enumerate(todo.new)]
    _forget(connection, [row_id for row_id, _ in todo.changed], similar)
    written = [*todo.changed, *new]
    copies = _copies(connection, written, similar)
    connection.executemany(
        f"""update verbatims set ({_COLUMNS}, fingerprint, content_hash, run_id, duplicate_of)
        = ({", ".join("?" * (_COLUMN_COUNT + 4))}) where id = ?""",
        [(*_row(item, run_id), copies.get(row_id), row_id) for row_id, item in todo.changed],
    )
    connection.executemany(
        f"""insert into verbatims ({_COLUMNS}, fingerprint, content_hash, run_id, duplicate_of, id)
        values ({", ".join("?" * (_COLUMN_COUNT + 5))})""",
        [(*_row(item, run_id), copies.get(row_id), row_id) for row_id, item in new],
    )
    _write_details(connection, written, copies)
    _flag_templates(connection, set(copies.values()))
    return BatchResult(len(new), len(todo.changed), todo.unchanged, sum(row_id in copies for row_id, _ in new))


def withdraw(connection: sqlite3.Connection, source: str, source_ids: Collection[str], similar: Similar) -> int:
    """Remove verbatims that their source says are void, and remember it for when they are read again; how many there were."""
    connection.executemany(
        "insert or ignore into withdrawals values (?, ?)", [(source, source_id) for source_id in source_ids]
    )
    rows = connection.execute(
        "select id from verbatims where source = ? and source_id in (select value from json_each(?))",
        (source, json.dumps(list(source_ids))),
    ).fetchall()
    ids = [int(row[0]) for row in rows]
    _forget(connection, ids, similar)
    connection.executemany("delete from verbatims where id = ?", [(row_id,) for row_id in ids])
    return len(ids)


def number_occurrences(connection: sqlite3.Connection, keys: Sequence[bytes]) -> list[int]:
    """How often each key has been seen before since `forget_occurrences`; counts live on disk, not in memory."""
    connection.execute(_OCCURRENCES)
    names = [key.hex() for key in keys]
    seen: dict[str, int] = dict(
        connection.execute(
            "select key, n from temp.occurrences where key in (select value from json_each(?))", (json.dumps(names),)
        ).fetchall()
    )
    numbers = []
    for name in names:
        numbers.append(seen.get(name, 0))
        seen[name] = numbers[-1] + 1
    connection.executemany("insert or replace into temp.occurrences values (?, ?)", sorted(seen.items()))
    return numbers


def forget_occurrences(connection: sqlite3.Connection) -> None:
    connection.execute(_OCCURRENCES)
    connection.execute("delete from temp.occurrences")


_OCCURRENCES = "create temp table if not exists occurrences (key text primary key, n integer not null) without rowid"


def _sort(connection: sqlite3.Connection, batch: Iterable[Incoming]) -> _Sorted:
    latest = {(item.verbatim.source, item.verbatim.source_id): item for item in batch}
    by_source: dict[str, list[str]] = {}
    for source, source_id in latest:
        by_source.setdefault(source, []).append(source_id)
    known: dict[tuple[str, str], tuple[int, bytes]] = {}
    void: set[tuple[str, str]] = set()
    for source, source_ids in by_source.items():
        rows = connection.execute(
            "select source_id, id, content_hash from verbatims "
            "where source = ? and source_id in (select value from json_each(?))",
            (source, json.dumps(source_ids)),
        )
        known.update({(source, source_id): (row_id, digest) for source_id, row_id, digest in rows})
        rows = connection.execute(
            "select source_id from withdrawals where source = ? and source_id in (select value from json_each(?))",
            (source, json.dumps(source_ids)),
        )
        void.update((source, source_id) for (source_id,) in rows)
    result = _Sorted()
    for key, item in latest.items():
        if key in void:
            result.unchanged += 1
        elif key not in known:
            result.new.append(item)
        elif known[key][1] != item.content_hash:
            result.changed.append((known[key][0], item))
        else:
            result.unchanged += 1
    return result


def _row(item: Incoming, run_id: int) -> tuple[object, ...]:
    v = item.verbatim
    return (
        *(v.source, v.source_id, v.kind, v.channel, v.role, v.text, v.posted_at, v.conversation_id, v.turn),
        *(v.parent_id, v.customer_id, v.product, v.store, v.region, v.question, v.language, v.noise),
        *(item.fingerprint.exact, item.content_hash, run_id),
    )


def _write_details(
    connection: sqlite3.Connection, written: Sequence[tuple[int, Incoming]], copies: dict[int, int]
) -> None:
    connection.executemany(
        "insert into scores (verbatim_id, metric, value, scale_low, scale_high) values (?, ?, ?, ?, ?)",
        [(row_id, s.metric, s.value, s.low, s.high) for row_id, item in written for s in item.verbatim.scores],
    )
    # Only originals are found again by their bands: a copy of a copy resembles the original.
    connection.executemany(
        "insert or ignore into copy_bands (band, verbatim_id) values (?, ?)",
        sorted((band, row_id) for row_id, item in written if row_id not in copies for band in item.fingerprint.bands),
    )
    index_rows(connection, [(row_id, item.verbatim.text) for row_id, item in written if item.verbatim.text])


def _forget(connection: sqlite3.Connection, ids: Sequence[int], similar: Similar) -> None:
    """Drop all that was derived from or hangs on these verbatims; nothing is a copy of them any more, nor they of anything."""
    connection.executemany(
        "update verbatims set duplicate_of = null, fingerprint = null where id = ?", [(row_id,) for row_id in ids]
    )
    for row_id in ids:
        _hand_over(connection, row_id, similar)
    unindex_rows(connection, ids)
    for table in ("scores", "segments", "analyses", "copy_bands"):
        connection.executemany(f"delete from {table} where verbatim_id = ?", [(row_id,) for row_id in ids])


def _hand_over(connection: sqlite3.Connection, original: int, similar: Similar) -> None:
    """The first copy of a text that is no longer there becomes the original of those that resemble it, and so on.

    It inherits the bands, which are near enough its own: the text itself does not tell them to `storage`.
    """
    orphans = connection.execute(
        "select id, fingerprint, text from verbatims where duplicate_of = ? order by id", (original,)
    ).fetchall()
    heirs: list[tuple[int, int, str]] = []
    for row_id, exact, text in orphans:
        of = next((heir for heir, e, t in heirs if e == exact or similar(t, text)), None)
        connection.execute("update verbatims set duplicate_of = ? where id = ?", (of, row_id))
        if of is None:
            heirs.append((row_id, exact, text))
    connection.executemany(
        "insert or ignore into copy_bands (band, verbatim_id) select band, ? from copy_bands where verbatim_id = ?",
        [(heir, original) for heir, _, _ in heirs],
    )


def _copies(connection: sqlite3.Connection, new: Sequence[tuple[int, Incoming]], similar: Similar) -> dict[int, int]:
    """For each new verbatim that is a copy: the id of its original."""
    originals = _known_exact(connection, {i.fingerprint.exact for _, i in new if i.fingerprint.exact is not None})
    unseen = [i.fingerprint for _, i in new if i.fingerprint.exact not in originals]
    bands = _known_bands(connection, {band for fingerprint in unseen for band in fingerprint.bands})
    texts: dict[int, str] = {}
    copies: dict[int, int] = {}
    for row_id, item in new:
        fingerprint, text = item.fingerprint, item.verbatim.text
        if fingerprint.exact is None:
            continue
        original = originals.get(fingerprint.exact)
        if original is None:
            original = _near(connection, fingerprint, text, bands, texts, similar)
        if original is not None:
            copies[row_id] = original
        else:
            texts[row_id] = text
            for band in fingerprint.bands:
                bands.setdefault(band, row_id)
        originals.setdefault(fingerprint.exact, row_id if original is None else original)
    return copies


def _near(
    connection: sqlite3.Connection,
    fingerprint: Fingerprint,
    text: str,
    bands: dict[int, int],
    texts: dict[int, str],
    similar: Similar,
) -> int | None:
    for candidate in sorted({bands[band] for band in fingerprint.bands if band in bands}):
        if candidate not in texts:
            row = connection.execute("select text from verbatims where id = ?", (candidate,)).fetchone()
            texts[candidate] = str(row[0])
        if similar(texts[candidate], text):
            return candidate
    return None


def _known_exact(connection: sqlite3.Connection, values: Collection[int]) -> dict[int, int]:
    rows = connection.execute(
        "select fingerprint, min(coalesce(duplicate_of, id)) from verbatims "
        "where fingerprint in (select value from json_each(?)) group by fingerprint",
        (json.dumps(sorted(values)),),
    )
    return {int(value): int(row_id) for value, row_id in rows}


def _known_bands(connection: sqlite3.Connection, values: Collection[int]) -> dict[int, int]:
    rows = connection.execute(
        "select band, min(verbatim_id) from copy_bands where band in (select value from json_each(?)) group by band",
        (json.dumps(sorted(values)),),
    )
    return {int(band): int(row_id) for band, row_id in rows}


def _flag_templates(connection: sqlite3.Connection, originals: Collection[int]) -> None:
    """A longer text that recurs often enough is a template, the first of its kind too."""
    for original in sorted(originals):
        n, characters = connection.execute(
            "select (select count(*) + 1 from verbatims where duplicate_of = ?1), length(text) "
            "from verbatims where id = ?1",
            (original,),
        ).fetchone()
        if n >= TEMPLATE_COPIES and characters >= TEMPLATE_CHARACTERS:
            connection.execute(
                "update verbatims set noise = 'copied_template' where (duplicate_of = ?1 or id = ?1) and noise is null",
                (original,),
            )
