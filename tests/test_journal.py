"""What happened: runs, cursors, rejects, deliveries."""

import re
from pathlib import Path

import pytest
from stored import new_store, rows

from storage.journal import (
    DeliveryRow,
    RejectRow,
    RunRow,
    add_rejects,
    clear_rejects,
    count_in_run,
    count_rejects,
    delivery_status,
    find_reading,
    finish_run,
    forget_cursors,
    list_rejects,
    move_cursor,
    other_readings,
    read_cursor,
    recent_deliveries,
    recent_runs,
    record_delivery,
    start_run,
    utc_now,
)
from storage.records import BatchResult, Reject

NOW = "2026-03-02T00:30:00Z"


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.journal.utc_now", lambda: NOW)


def test_now_is_written_as_the_database_writes_every_time() -> None:
    assert re.fullmatch(r"2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\dZ", utc_now())


def test_a_run_adds_up_its_batches_and_the_newest_comes_first(tmp_path: Path) -> None:
    with new_store(tmp_path) as store, store.transaction() as connection:
        first = start_run(connection, "collect", "京东")
        count_in_run(connection, first, BatchResult(5, 1, 2, 1), 3)
        count_in_run(connection, first, BatchResult(1, 0, 4, 0), 0)
        finish_run(connection, first, "done", None)
        start_run(connection, "analyze", None)
        assert recent_runs(connection, 10) == [
            RunRow(2, "analyze", None, NOW, None, "running", 0, 0, 0, 0, None),
            RunRow(1, "collect", "京东", NOW, NOW, "done", 6, 1, 6, 3, None),
        ]
        assert [run.id for run in recent_runs(connection, 1)] == [2]


def test_a_cursor_is_kept_per_source_and_part_and_moves(tmp_path: Path) -> None:
    with new_store(tmp_path) as store, store.transaction() as connection:
        assert read_cursor(connection, "京东", "a.csv") is None
        move_cursor(connection, "京东", "a.csv", "one")
        move_cursor(connection, "京东", "b.csv", "two")
        move_cursor(connection, "天猫", "a.csv", "three")
        move_cursor(connection, "京东", "a.csv", "four")
        assert rows(connection, "select * from cursors") == [
            ("京东", "a.csv", "four", NOW),
            ("京东", "b.csv", "two", NOW),
            ("天猫", "a.csv", "three", NOW),
        ]
        assert read_cursor(connection, "京东", "b.csv") == "two"


def test_the_cursors_of_a_source_are_forgotten_but_for_some(tmp_path: Path) -> None:
    with new_store(tmp_path) as store, store.transaction() as connection:
        for source, part in (("京东", "a.csv"), ("京东", "b.csv"), ("天猫", "a.csv")):
            move_cursor(connection, source, part, "one")
        forget_cursors(connection, "京东", ["b.csv", "c.csv"])
        assert rows(connection, "select source, part from cursors") == [("京东", "b.csv"), ("天猫", "a.csv")]


def test_a_reading_is_the_same_for_the_same_contents_and_settings_of_a_part_and_knows_those_under_other_settings(
    tmp_path: Path,
) -> None:
    with new_store(tmp_path) as store, store.transaction() as connection:
        readings = [
            *(("京东", "a.csv", "old", "wrong"), ("京东", "a.csv", "new", "wrong"), ("京东", "a.csv", "new", "right")),
            *(("京东", "b.csv", "new", "wrong"), ("天猫", "a.csv", "new", "wrong"), ("京东", "a.csv", "new", "third")),
        ]
        for _ in range(2):
            assert [find_reading(connection, *each) for each in readings] == [1, 2, 3, 4, 5, 6]
        assert rows(connection, "select source, part, contents, settings from readings order by id") == readings
        assert [other_readings(connection, each) for each in range(1, 7)] == [[], [3, 6], [2, 6], [], [], [2, 3]]


def test_rejects_are_listed_in_order_counted_by_kind_and_cleared_part_by_part(tmp_path: Path) -> None:
    refused = Reject("京东", "a.csv:3", "the row has no text")
    partial = Reject("京东", "b.csv:9", "date unknown: '昨'", "还行", stored=True)
    other = Reject("天猫", "a.csv:1", "the row has no text")
    with new_store(tmp_path) as store, store.transaction() as connection:
        assert count_rejects(connection) == (0, 0)
        run = start_run(connection, "collect", "京东")
        add_rejects(connection, run, "a.csv", [refused])
        add_rejects(connection, run, "b.csv", [partial])
        add_rejects(connection, run, "a.csv", [other])
        everything = [
            RejectRow("京东", "a.csv:3", "the row has no text", "", False),
            RejectRow("京东", "b.csv:9", "date unknown: '昨'", "还行", True),
            RejectRow("天猫", "a.csv:1", "the row has no text", "", False),
        ]
        assert list_rejects(connection, None, 10) == everything
        assert list_rejects(connection, None, 2) == everything[:2]
        assert list_rejects(connection, "天猫", 10) == everything[2:]
        assert count_rejects(connection) == (2, 1)
        clear_rejects(connection, "京东", "a.csv")
        assert list_rejects(connection, None, 10) == everything[1:]


def test_a_delivery_is_remembered_per_digest_and_target(tmp_path: Path) -> None:
    with new_store(tmp_path) as store, store.transaction() as connection:
        assert delivery_status(connection, "week 9", "t1") is None
        record_delivery(connection, "week 9", "t1", "sending", None)
        record_delivery(connection, "week 9", "t1", "failed", "No answer.")
        record_delivery(connection, "week 9", "t2", "sent", None)
        record_delivery(connection, "week 10", "t1", "sent", None)
        assert delivery_status(connection, "week 9", "t1") == "failed"
        assert delivery_status(connection, "week 9", "t2") == "sent"
        assert recent_deliveries(connection, 2) == [
            DeliveryRow("week 10", "sent", None, NOW),
            DeliveryRow("week 9", "failed", "No answer.", NOW),
        ]
