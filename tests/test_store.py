"""Opening a database and writing to it: what holds, and what people are told when it can't be done."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from stored import new_store, rows

from storage.errors import DatabaseLocked, DatabaseUnusable, QueryError, StorageError
from storage.store import Store

WRITE = "insert into audit (happened_at, action, detail) values ('2026-03-02T00:00:00Z', 'test', '')"


def test_a_database_is_in_wal_mode_with_foreign_keys_on(tmp_path: Path) -> None:
    with new_store(tmp_path) as store:
        assert rows(store.connection, "pragma journal_mode") == [("wal",)]
        assert rows(store.connection, "pragma foreign_keys") == [(1,)]


def test_what_a_transaction_wrote_is_there_for_any_sqlite(tmp_path: Path) -> None:
    with new_store(tmp_path) as store, store.transaction() as connection:
        connection.execute(WRITE)
    with closing(sqlite3.connect(tmp_path / "feedback.db")) as plain:
        assert rows(plain, "select happened_at, action, detail from audit") == [("2026-03-02T00:00:00Z", "test", "")]
        assert rows(plain, "pragma integrity_check") == [("ok",)]


def write_and_raise(store: Store, error: BaseException) -> None:
    with store.transaction() as connection:
        connection.execute(WRITE)
        raise error


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_transaction_that_is_left_by_an_error_never_happened(tmp_path: Path, error: type[BaseException]) -> None:
    with new_store(tmp_path) as store:
        with pytest.raises(error):
            write_and_raise(store, error())
        assert rows(store.connection, "select * from audit") == []
        with store.transaction() as connection:  # and the next one does
            connection.execute(WRITE)
        assert rows(store.connection, "select count(*) from audit") == [(1,)]


def test_a_foreign_key_is_held(tmp_path: Path) -> None:
    with (
        new_store(tmp_path) as store,
        pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"),  # a bug keeps its own error
        store.transaction() as connection,
    ):
        connection.execute("insert into analyses values (99, 'v', null)")


def test_a_missing_database_is_not_made_where_only_reading_makes_sense(tmp_path: Path) -> None:
    path = tmp_path / "feedback.db"
    with pytest.raises(DatabaseUnusable) as caught:
        Store.open(path, create=False)
    assert str(caught.value) == f"There is no database at {path} yet. Run: feedback collect"
    assert list(tmp_path.iterdir()) == []


def test_a_store_opened_for_reading_writes_nothing(tmp_path: Path) -> None:
    new_store(tmp_path).close()
    with Store.open_readonly(tmp_path / "feedback.db") as store:
        assert rows(store.connection, "select count(*) from verbatims") == [(0,)]
        with pytest.raises(StorageError), store.transaction() as connection:
            connection.execute(WRITE)


def test_who_waits_too_long_for_another_writer_is_told(tmp_path: Path) -> None:
    path = tmp_path / "feedback.db"
    with new_store(tmp_path) as writer, Store.open(path, wait_seconds=0) as other, writer.transaction():
        with pytest.raises(DatabaseLocked) as caught, other.transaction():
            pass
        assert rows(other.connection, "select count(*) from audit") == [(0,)]  # readers are not kept waiting
    assert (
        str(caught.value) == f"{path} is in use by another process. Wait until it is done, or close it, and try again."
    )


def test_a_full_disk_is_named_and_what_was_stored_stays(tmp_path: Path) -> None:
    with new_store(tmp_path) as store:
        with store.transaction() as connection:
            connection.execute(WRITE)
        pages = store.connection.execute("pragma page_count").fetchone()[0]
        store.connection.execute(f"pragma max_page_count = {pages}")
        with pytest.raises(DatabaseUnusable) as caught, store.transaction() as connection:
            connection.execute("insert into audit (happened_at, action, detail) values ('', '', zeroblob(1000000))")
        assert rows(store.connection, "select action from audit") == [("test",)]
    path = tmp_path / "feedback.db"
    assert str(caught.value) == f"The disk that holds {path} is full. Free some space; nothing stored so far is lost."


def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "feedback.db"
    path.write_bytes("这不是数据库，是一封信。".encode() * 400)
    before = path.read_bytes()
    with pytest.raises(DatabaseUnusable) as caught:
        Store.open(path)
    assert str(caught.value) == f"{path} is not a yuansheng database, or it is damaged. Move it away or restore a copy."
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["gone/feedback.db", "folder.db"])
def test_a_place_where_no_database_can_be_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.db").mkdir()
    path = tmp_path / name
    with pytest.raises(DatabaseUnusable) as caught:
        Store.open(path)
    assert (
        str(caught.value) == f"{path} can't be opened for writing. Check that the folder exists and is yours to write."
    )


def test_every_error_of_storage_is_a_storage_error() -> None:
    assert all(issubclass(error, StorageError) for error in (DatabaseLocked, DatabaseUnusable, QueryError))
