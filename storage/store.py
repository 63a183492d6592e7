"""Opening a project database, and its transactions. What is written in them is in the modules beside this one."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from sqlite_utils import Database

from storage.errors import DatabaseLocked, DatabaseUnusable, StorageError
from storage.migrations import is_current, migrate
from storage.views import create_views

_WAIT_SECONDS = 10.0


class Store:
    """An open project database: WAL, foreign keys on, at this version's shape.

    `connection` is in autocommit mode: reads need nothing, writes go inside `transaction()`.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self.connection = connection

    @classmethod
    def open(cls, path: Path, *, create: bool = True, wait_seconds: float = _WAIT_SECONDS) -> "Store":
        """Open, and bring to this version's shape. Raises a `StorageError` that says what stands in the way."""
        if not create and not path.exists():
            raise DatabaseUnusable(f"There is no database at {path} yet. Run: feedback collect")
        with _translated(path):
            connection = sqlite3.connect(path, timeout=wait_seconds, isolation_level=None)
            try:
                _prepare(connection, path, wait_seconds)
            except BaseException:
                connection.close()
                raise
        return cls(path, connection)

    @classmethod
    def open_readonly(cls, path: Path) -> "Store":
        """Open for reading alone; the file must exist and be of this version's shape."""
        store = cls.open(path, create=False)
        store.connection.execute("pragma query_only = on")
        return store

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Everything inside happens, or nothing of it does."""
        with _translated(self.path), _transaction(self.connection):
            yield self.connection

    def close(self) -> None:
        self.connection.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if isinstance(error, sqlite3.Error):  # of a read; a transaction has translated its own
            with _translated(self.path):
                raise error


def _prepare(connection: sqlite3.Connection, path: Path, wait_seconds: float) -> None:
    _write_ahead(connection, wait_seconds)
    connection.execute("pragma synchronous = normal")
    connection.execute("pragma foreign_keys = on")
    connection.execute("pragma cache_size = -32768")  # KiB: what a batch touches stays in memory until it is committed
    connection.execute(
        "pragma wal_autocheckpoint = 16384"
    )  # pages: those of the indexes change in every batch and are copied once for several
    database = Database(connection)
    if is_current(database, str(path)):
        create_views(connection)
        return
    with _transaction(connection):  # of several processes that find a new project, one makes the tables
        migrate(database, str(path))
        create_views(connection)


def _write_ahead(connection: sqlite3.Connection, wait_seconds: float) -> None:
    """Switch a new database to WAL; SQLite itself does not wait here for another process that does the same."""
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            connection.execute("pragma journal_mode = wal")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(0.02)


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("begin immediate")
    try:
        yield
        connection.commit()
    except BaseException:
        # A full disk may have rolled back already.
        if connection.in_transaction:
            connection.rollback()
        raise


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """SQLite's complaints as errors that name the file and the cure; anything unknown keeps its traceback."""
    try:
        yield
    except sqlite3.Error as error:
        if known := _known(error, path):
            raise known from error
        raise


def _known(error: sqlite3.Error, path: Path) -> StorageError | None:
    # The extended codes (SQLITE_BUSY_SNAPSHOT, SQLITE_IOERR_WRITE …) hold the plain one in their last byte.
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return DatabaseLocked(
            f"{path} is in use by another process. Wait until it is done, or close it, and try again."
        )
    if code == sqlite3.SQLITE_FULL:
        return DatabaseUnusable(f"The disk that holds {path} is full. Free some space; nothing stored so far is lost.")
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return DatabaseUnusable(
            f"{path} can't be opened for writing. Check that the folder exists and is yours to write."
        )
    foreign = code == sqlite3.SQLITE_ERROR and "already exists" in str(error)  # its tables have our tables' names
    if foreign or code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return DatabaseUnusable(
            f"{path} is not a yuansheng database, or it is damaged. Move it away or restore a copy."
        )
    if code == sqlite3.SQLITE_IOERR:
        return DatabaseUnusable(f"The disk that holds {path} can't be read or written. Check its space and its health.")
    return None
