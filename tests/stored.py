"""Verbatims on their way into a database, and what is in it afterwards. All people and words are made up."""

import sqlite3
from hashlib import blake2b
from pathlib import Path
from typing import Any

from feedback.copies import fingerprints, similar
from nlp.normalize import fold
from storage.journal import find_reading, start_run
from storage.records import AnalysisRow, BatchResult, Incoming, Mention, Segment, Verbatim
from storage.search import index_columns
from storage.store import Store
from storage.verbatims import add_verbatims, hash_with_version

MARKED = Segment(0, 2, "purchase", 0.9, "negative", -0.8, 0.9, "complaint", 0.9)
NAMED = Mention("物流", "物流", 0, 2, None, None, None, "negative")


def incoming(text: str, source_id: str, **fields: Any) -> Incoming:
    """A review of 京东 unless `fields` say otherwise, with its true fingerprint."""
    common: dict[str, Any] = {"source": "shop", "kind": "review", "channel": "京东", "role": "customer"}
    verbatim = Verbatim(**{**common, "source_id": source_id, "text": text, **fields})
    said = verbatim._replace(version=None, votes=None)
    digest = blake2b(repr(said).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    content_hash = hash_with_version(int.from_bytes(digest, signed=True), verbatim.version)
    folded = fold(text)
    return Incoming(verbatim, fingerprints([folded])[0], content_hash, *index_columns(folded))


def new_store(folder: Path) -> Store:
    return Store.open(folder / "feedback.db")


def reading(connection: sqlite3.Connection, contents: str = "as it is") -> int:
    """A reading of the one file of 京东."""
    return find_reading(connection, "shop", "reviews.csv", contents, "settings")


def add(store: Store, *batch: Incoming, contents: str = "as it is") -> BatchResult:
    """Store a batch in a run and a transaction of its own, seen in the file when it held these contents."""
    with store.transaction() as connection:
        run = start_run(connection, "collect", "shop")
        return add_verbatims(connection, run, reading(connection, contents), batch, similar)


def analysis(connection: sqlite3.Connection, verbatim_id: int, *segments: Segment) -> AnalysisRow:
    """The outcome of analysis on a verbatim as it is now."""
    row = connection.execute("select content_hash from verbatims where id = ?", (verbatim_id,)).fetchone()
    return AnalysisRow(verbatim_id, row[0], segments)


def rows(connection: sqlite3.Connection, sql: str, *values: object) -> list[tuple[Any, ...]]:
    return connection.execute(sql, values).fetchall()


def originals(connection: sqlite3.Connection) -> dict[str, str | None]:
    """Per source_id: the source_id of what it is a copy of."""
    sql = (
        "select v.source_id, o.source_id from verbatims v left join verbatims o on o.id = v.duplicate_of order by v.id"
    )
    return dict(rows(connection, sql))


def dump(database: Path, *, without: tuple[str, ...] = ("runs",)) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, the index's own included."""
    connection = sqlite3.connect(database)
    try:
        names = rows(connection, "select name from sqlite_master where type = 'table' order by name")
        return {
            name: sorted(rows(connection, f'select * from "{name}"'), key=repr)
            for (name,) in names
            if name not in without
        }
    finally:
        connection.close()


def database_bytes(database: Path) -> bytes:
    """The file with all that SQLite keeps beside it (write-ahead log, shared memory)."""
    return b"".join(path.read_bytes() for path in sorted(database.parent.glob(f"{database.name}*")))
