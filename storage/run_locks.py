"""Whether a run that is recorded as running still does.

A run under way holds a lock: one byte, numbered as the run, of the file `<database>-runs`, which stays empty. The system
takes the lock away when the process ends, however it ends. So nothing is guessed from process numbers, which are
given out again, or from the time that has passed. A child process does not inherit it (fcntl(2), record locks).

Where there are no such locks (Windows, some network drives) nothing is known, and nothing is claimed.
"""

import os
import sqlite3
import sys
from contextlib import suppress
from dataclasses import dataclass, field

if sys.platform != "win32":
    import fcntl


@dataclass(slots=True)
class _Holder:
    """The open file beside one database, and the runs of this process with the connection each was recorded through."""

    descriptor: int
    runs: dict[int, sqlite3.Connection] = field(default_factory=dict)


# For as long as the process lives: to close such a file, even another opening of it, gives up all locks on it.
_holders: dict[str, _Holder] = {}


def hold(connection: sqlite3.Connection, run_id: int) -> None:
    """Lock the run until this process ends. To be called in the transaction that adds it: nobody sees it without its lock.

    It is not let go of when the run is finished, for that must be in the database first; by then nobody asks any more.
    """
    path = _lock_file(connection)
    if sys.platform == "win32" or path is None:
        return
    _close_unused()
    with suppress(OSError):
        holder = _holders.get(path)
        if holder is None:
            holder = _holders[path] = _Holder(os.open(path, os.O_RDWR | os.O_CREAT, 0o644))
        fcntl.lockf(holder.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, run_id)
        holder.runs[run_id] = connection


def is_gone(connection: sqlite3.Connection, run_id: int) -> bool:
    """Whether the process that ran it has ended; False where that can't be known."""
    path = _lock_file(connection)
    if sys.platform == "win32" or path is None:
        return False
    holder = _holders.get(path)
    if holder is not None and (owner := holder.runs.get(run_id)) is not None:
        return _is_closed(owner)
    try:
        descriptor = holder.descriptor if holder is not None else os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB, 1, run_id)
        fcntl.lockf(descriptor, fcntl.LOCK_UN, 1, run_id)
        return True
    except OSError:  # somebody holds it; or there are no locks here
        return False
    finally:
        if holder is None:
            os.close(descriptor)


def _lock_file(connection: sqlite3.Connection) -> str | None:
    path: str = connection.execute("pragma database_list").fetchone()[2]
    return f"{path}-runs" if path else None  # a database in memory has none


def _close_unused() -> None:
    """A process that goes from database to database does not keep all their files open."""
    for path, holder in list(_holders.items()):
        if all(map(_is_closed, holder.runs.values())):
            os.close(holder.descriptor)
            del _holders[path]


def _is_closed(connection: sqlite3.Connection) -> bool:
    try:
        _ = connection.total_changes
    except sqlite3.ProgrammingError:
        return True
    return False
