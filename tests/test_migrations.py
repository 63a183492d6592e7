"""The database's shape: what there is, what it refuses, and how one version follows another."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database
from stored import add, incoming, new_store, rows

from storage.errors import DatabaseTooNew, StorageError
from storage.migrations import migrate, migrations
from storage.records import BatchResult
from storage.store import Store

TABLES = {
    *("verbatims", "scores", "segments", "mentions", "topics", "segment_topics", "findings", "evidence", "analyses"),
    *("runs", "cursors", "rejects", "corrections", "audit", "withdrawals", "copy_bands", "evaluations", "deliveries"),
    *("readings", "topic_centres", "topic_space", "topic_texts", "topic_events", "open_mentions"),
}


def test_a_new_database_has_every_table_of_the_design(tmp_path: Path) -> None:
    with new_store(tmp_path) as store:
        names = rows(
            store.connection, "select name from sqlite_master where type = 'table' and name not like '\\_%' escape '\\'"
        )
    kept = {name for (name,) in names if not name.startswith(("verbatims_fts", "sqlite_"))}
    assert kept == TABLES


def test_opening_a_database_again_writes_nothing(tmp_path: Path) -> None:
    new_store(tmp_path).close()
    before = (tmp_path / "feedback.db").read_bytes()
    with new_store(tmp_path) as store:
        assert migrate(Database(store.connection), "feedback.db") is False
    assert (tmp_path / "feedback.db").read_bytes() == before


def test_a_database_of_a_newer_version_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "feedback.db"
    new_store(tmp_path).close()
    with closing(sqlite3.connect(path)) as connection:
        [(table,)] = rows(
            connection,
            "select name from sqlite_master where name like '\\_%migrations%' escape '\\' and type = 'table'",
        )
        columns = [row[1] for row in rows(connection, f"pragma table_info({table})")]
        values = {**dict.fromkeys(columns), "name": "0999_from_the_future", "migration_set": "yuansheng"}
        values["applied_at"] = "2030-01-01"
        values = {name: value for name, value in values.items() if name != "id"}
        connection.execute(
            f"insert into {table} ({', '.join(values)}) values ({', '.join('?' * len(values))})", list(values.values())
        )
        connection.commit()
    before = path.read_bytes()
    with pytest.raises(DatabaseTooNew) as caught:
        Store.open(path)
    assert str(caught.value) == (
        f"{path} was written by a newer yuansheng (it has '0999_from_the_future'). "
        "Upgrade with: pip install --upgrade yuansheng"
    )
    assert path.read_bytes() == before


def test_a_step_that_fails_leaves_no_table_of_it(tmp_path: Path) -> None:
    path = tmp_path / "feedback.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table mentions (theirs text)")
    with pytest.raises(StorageError) as caught:
        Store.open(path)
    assert str(caught.value) == f"{path} is not a yuansheng database, or it is damaged. Move it away or restore a copy."
    with closing(sqlite3.connect(path)) as connection:
        made = {name for (name,) in rows(connection, "select name from sqlite_master where type = 'table'")}
        assert made & TABLES == {"mentions"}


def test_a_database_made_before_versions_and_votes_keeps_its_rows_and_goes_on(tmp_path: Path) -> None:
    path, there = tmp_path / "feedback.db", {"source": "s", "channel": "c"}
    with closing(sqlite3.connect(path)) as connection:
        migrations.apply(Database(connection), stop_before="0003_version_and_votes")
        insert(connection, {**VERBATIM, "content_hash": incoming("好", "1", **there).content_hash})
        connection.commit()
    with Store.open(path) as store:
        assert rows(store.connection, KNOWN) == [("1", "好", None, None)]
        told = {**there, "version": "5.2.1", "votes": 2}
        known, new = (incoming(text, source_id, **told) for text, source_id in (("好", "1"), ("不好", "2")))
        assert add(store, known, new) == BatchResult(added=1, unchanged=1)
    with Store.open(path) as store:
        assert rows(store.connection, KNOWN) == [("1", "好", "5.2.1", 2), ("2", "不好", "5.2.1", 2)]
        assert rows(store.connection, "select count(*) from opinions") == [(0,)]


@pytest.mark.parametrize("source, moved", [("formbricks", True), ("sql", False)])
def test_ratings_move_from_the_answers_of_formbricks_to_their_response_and_of_no_other_source(
    tmp_path: Path, source: str, moved: bool
) -> None:
    path = tmp_path / "feedback.db"
    answers = [("R1/service", "服务很好", 5), ("R1/price", "太贵", 2), ("R2/service", "慢", 1)]
    with closing(sqlite3.connect(path)) as connection:
        migrations.apply(Database(connection), stop_before="0006_ratings_of_responses")
        for name in ("formbricks", "sql"):
            connection.execute(
                "insert into readings (source, part, contents, settings) values (?, '', 'live', '')", (name,)
            )
        connection.execute("insert into withdrawals values ('formbricks', 'R1'), ('formbricks', 'R9'), ('sql', 'R3')")
        for source_id, text, value in answers:
            about = {"conversation_id": source_id[:2], "kind": "survey", "content_hash": 7}
            insert(connection, {**VERBATIM, **about, "source": source, "source_id": source_id, "text": text})
            connection.execute("insert into scores values (last_insert_rowid(), 1, 'csat', ?, 1, 5)", (value,))
        connection.commit()
    with Store.open(path) as store:
        scores = rows(store.connection, SCORES)
        assert scores == ([("R1", "", 0, 2.0), ("R2", "", 0, 1.0)] if moved else [(i, t, 7, v) for i, t, v in answers])
        left = [(0,)] * 3 if moved else [(7,)] * 3  # so that what was wrong is righted by the next run
        assert rows(store.connection, "select content_hash from verbatims where text != ''") == left
        void = (
            [("formbricks", "R9"), ("sql", "R3")]
            if moved
            else [("formbricks", "R1"), ("formbricks", "R9"), ("sql", "R3")]
        )
        assert rows(store.connection, "select * from withdrawals order by 1, 2") == void


SCORES = "select source_id, text, content_hash, value from verbatims v join scores on verbatim_id = v.id order by v.id"
KNOWN = "select source_id, text, version, votes from verbatims order by id"
VERBATIM = {
    "source": "s",
    "source_id": "1",
    "kind": "review",
    "channel": "c",
    "role": "customer",
    "text": "好",
    "content_hash": 0,
}
REFUSED = [
    ({"kind": "rumour"}, "CHECK"),
    ({"role": "manager"}, "CHECK"),
    ({"noise": "loud"}, "CHECK"),
    ({"text": None}, "NOT NULL"),
    ({"channel": None}, "NOT NULL"),
    ({"duplicate_of": 77}, "FOREIGN KEY"),
    ({"run_id": 77}, "FOREIGN KEY"),
    ({"reading_id": 77}, "FOREIGN KEY"),
]


@pytest.mark.parametrize("change, why", REFUSED)
def test_a_verbatim_that_makes_no_sense_is_refused(tmp_path: Path, change: dict[str, object], why: str) -> None:
    with new_store(tmp_path) as store:
        insert(store.connection, {**VERBATIM, "source_id": "0"})
        with pytest.raises(sqlite3.IntegrityError, match=why):
            insert(store.connection, {**VERBATIM, **change})


def test_source_and_source_id_are_unique_together_and_not_alone(tmp_path: Path) -> None:
    with new_store(tmp_path) as store:
        for source, source_id in (("s", "1"), ("s", "2"), ("t", "1")):
            insert(store.connection, {**VERBATIM, "source": source, "source_id": source_id})
        with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
            insert(store.connection, VERBATIM)


def insert(connection: sqlite3.Connection, values: dict[str, object]) -> None:
    places = ", ".join("?" * len(values))
    connection.execute(f"insert into verbatims ({', '.join(values)}) values ({places})", list(values.values()))
