"""What happened: runs, where to go on, what was refused, what was sent."""

import json
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from storage.records import BatchResult, Reject
from storage.run_locks import hold, is_gone

DeliveryStatus = Literal["sending", "sent", "failed"]


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run of a command. `status`: running, done, failed; interrupted: its process ended without a word."""

    id: int
    command: str
    source: str | None
    started_at: str
    finished_at: str | None
    status: str
    added: int
    changed: int
    unchanged: int
    rejected: int
    message: str | None


@dataclass(frozen=True, slots=True)
class RejectRow:
    """One rejected row, or part of one (`stored`)."""

    source: str
    location: str
    reason: str
    excerpt: str
    stored: bool


def utc_now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def start_run(connection: sqlite3.Connection, command: str, source: str | None) -> int:
    cursor = connection.execute(
        "insert into runs (command, source, started_at, status) values (?, ?, ?, 'running')",
        (command, source, utc_now()),
    )
    run_id = int(cursor.lastrowid or 0)
    hold(connection, run_id)
    return run_id


def count_in_run(connection: sqlite3.Connection, run_id: int, result: BatchResult, rejected: int) -> None:
    """Add a batch to the run's sums, in the batch's own transaction."""
    connection.execute(
        "update runs set added = added + ?, changed = changed + ?, unchanged = unchanged + ?, rejected = rejected + ? "
        "where id = ?",
        (result.added, result.changed, result.unchanged, rejected, run_id),
    )


def finish_run(connection: sqlite3.Connection, run_id: int, status: str, message: str | None) -> None:
    connection.execute(
        "update runs set finished_at = ?, status = ?, message = ? where id = ?", (utc_now(), status, message, run_id)
    )


def recent_runs(connection: sqlite3.Connection, limit: int) -> list[RunRow]:
    """The last runs, newest first. A run that the database calls running and whose process is gone is `interrupted`."""
    running = connection.execute("select id from runs where status = 'running'").fetchall()
    # Before the rows are read: what ends in between has said so by then.
    gone = {run_id for (run_id,) in running if is_gone(connection, run_id)}
    rows = connection.execute(
        "select id, command, source, started_at, finished_at, status, added, changed, unchanged, rejected, message "
        "from runs order by id desc limit ?",
        (limit,),
    )
    runs = [RunRow(*row) for row in rows]
    return [replace(run, status="interrupted") if run.status == "running" and run.id in gone else run for run in runs]


def read_cursor(connection: sqlite3.Connection, source: str, part: str) -> str | None:
    row = connection.execute("select state from cursors where source = ? and part = ?", (source, part)).fetchone()
    return None if row is None else str(row[0])


def parts_read(connection: sqlite3.Connection, source: str) -> list[str]:
    """The parts of a source that were ever read."""
    return [str(part) for (part,) in connection.execute("select part from cursors where source = ?", (source,))]


def move_cursor(connection: sqlite3.Connection, source: str, part: str, state: str) -> None:
    """To be called in the transaction that stores the rows it covers."""
    connection.execute(
        "insert into cursors values (?, ?, ?, ?) on conflict (source, part) do update "
        "set state = excluded.state, updated_at = excluded.updated_at",
        (source, part, state, utc_now()),
    )


def forget_cursors(connection: sqlite3.Connection, source: str, keep: Collection[str]) -> None:
    """All parts of the source but these are read again when they are collected next."""
    connection.execute(
        "delete from cursors where source = ? and part not in (select value from json_each(?))",
        (source, json.dumps(list(keep))),
    )


def find_reading(connection: sqlite3.Connection, source: str, part: str, contents: str, settings: str) -> int:
    """The id of a part read with these contents under these settings, each told by a digest; noted if it is the first time.

    Readings stay noted when none of their verbatims is left: to delete one, SQLite would look through all verbatims.
    """
    key = (source, part, contents, settings)
    connection.execute(
        "insert into readings (source, part, contents, settings) values (?, ?, ?, ?) on conflict do nothing", key
    )
    row = connection.execute(
        "select id from readings where source = ? and part = ? and contents = ? and settings = ?", key
    ).fetchone()
    return int(row[0])


def settings_of(connection: sqlite3.Connection, reading_id: int) -> str:
    """The digest of the settings of a reading; "" where it was not noted."""
    row = connection.execute("select settings from readings where id = ?", (reading_id,)).fetchone()
    return str(row[0]) if row else ""


def other_readings(connection: sqlite3.Connection, reading_id: int) -> list[int]:
    """The readings of the same part with the same contents under other settings."""
    rows = connection.execute(
        "select other.id from readings r join readings other "
        "on other.source = r.source and other.part = r.part and other.contents = r.contents and other.id != r.id "
        "where r.id = ? order by 1",
        (reading_id,),
    )
    return [int(row[0]) for row in rows]


def clear_rejects(connection: sqlite3.Connection, source: str, part: str) -> None:
    connection.execute("delete from rejects where source = ? and part = ?", (source, part))


def add_rejects(connection: sqlite3.Connection, run_id: int, part: str, rejects: Sequence[Reject]) -> None:
    """Those listed already stay as they are: of two runs over one file at the same time, each lists what it finds."""
    connection.executemany(
        "insert into rejects (run_id, source, part, location, reason, excerpt, stored) values (?, ?, ?, ?, ?, ?, ?) "
        "on conflict (source, part, location, reason, excerpt) do nothing",
        [(run_id, r.source, part, r.location, r.reason, r.excerpt, r.stored) for r in rejects],
    )


def count_rejects(connection: sqlite3.Connection) -> tuple[int, int]:
    """Rows refused, and rows stored without some field."""
    row = connection.execute("select coalesce(sum(not stored), 0), coalesce(sum(stored), 0) from rejects").fetchone()
    return int(row[0]), int(row[1])


def list_rejects(connection: sqlite3.Connection, source: str | None, limit: int) -> list[RejectRow]:
    rows = connection.execute(
        "select source, location, reason, excerpt, stored from rejects where ?1 is null or source = ?1 "
        "order by id limit ?2",
        (source, limit),
    )
    return [RejectRow(row[0], row[1], row[2], row[3], bool(row[4])) for row in rows]


def delivery_status(connection: sqlite3.Connection, digest: str, target: str) -> DeliveryStatus | None:
    row = connection.execute(
        "select status from deliveries where digest = ? and target = ?", (digest, target)
    ).fetchone()
    return None if row is None else row[0]


def record_delivery(
    connection: sqlite3.Connection, digest: str, target: str, status: DeliveryStatus, error: str | None
) -> None:
    connection.execute(
        "insert into deliveries values (?, ?, ?, ?, ?) on conflict (digest, target) do update "
        "set status = excluded.status, error = excluded.error, updated_at = excluded.updated_at",
        (digest, target, status, error, utc_now()),
    )


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """What became of sending a digest to one target."""

    digest: str
    status: str
    error: str | None
    updated_at: str


def recent_deliveries(connection: sqlite3.Connection, limit: int) -> list[DeliveryRow]:
    rows = connection.execute(
        "select digest, status, error, updated_at from deliveries order by updated_at desc, digest, target limit ?",
        (limit,),
    )
    return [DeliveryRow(*row) for row in rows]
