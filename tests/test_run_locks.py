"""Runs whose process was killed are told from runs under way."""

import errno
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from command import run
from small_project import write_project
from stored import new_store

from storage import run_locks
from storage.journal import finish_run, recent_runs, start_run
from storage.store import Store

# Starts a run, says so, and does as it is told: nothing more is needed of a process that collects.
RUNNER = """
import os, sys
from pathlib import Path
from storage.journal import finish_run, start_run
from storage.store import Store

with Store.open(Path(sys.argv[1])) as store:
    with store.transaction() as connection:
        run_id = start_run(connection, "collect", sys.argv[2])
    child = os.fork() if sys.argv[2] == "with child" else None
    if child == 0:
        print("child", flush=True)
        sys.stdin.read()
        os._exit(0)
    if child is None:
        print("running", flush=True)
    for word in sys.stdin:
        with store.transaction() as connection:
            finish_run(connection, run_id, word.strip(), None)
        print("finished", flush=True)
"""


@contextmanager
def runner(database: Path, source: str) -> Iterator["subprocess.Popen[str]"]:
    """A process with a run under way; killed in the end, if it still is there."""
    process = subprocess.Popen(
        [sys.executable, "-c", RUNNER, str(database), source],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() in ("running\n", "child\n")
        try:
            yield process
        finally:
            process.kill()


def kill(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.wait()


def statuses(database: Path) -> dict[str | None, str]:
    """Of each run by its source, as this process sees it."""
    with Store.open(database) as store:
        return {row.source: row.status for row in recent_runs(store.connection, 10)}


def statuses_seen_by_another_process(database: Path) -> dict[str, str]:
    script = (
        "import json, sys; from pathlib import Path; from storage.store import Store\n"
        "from storage.journal import recent_runs\n"
        "with Store.open(Path(sys.argv[1])) as store:\n"
        "    print(json.dumps({row.source: row.status for row in recent_runs(store.connection, 10)}))\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(database)], capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.fixture
def database(tmp_path: Path) -> Path:
    new_store(tmp_path).close()
    return tmp_path / "feedback.db"


def test_a_run_is_running_while_its_process_lives_and_interrupted_once_it_was_killed(database: Path) -> None:
    with runner(database, "京东") as process:
        assert statuses(database) == {"京东": "running"}
        kill(process)
        assert statuses(database) == {"京东": "interrupted"}
        assert statuses_seen_by_another_process(database) == {"京东": "interrupted"}


def test_a_run_that_was_finished_stays_what_it_was_after_its_process_was_killed(database: Path) -> None:
    with runner(database, "京东") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("failed\n")
        process.stdin.flush()
        assert process.stdout.readline() == "finished\n"
        assert statuses(database) == {"京东": "failed"}
        kill(process)
        assert statuses(database) == {"京东": "failed"}


def test_of_several_runs_the_killed_ones_are_told_from_the_others(database: Path) -> None:
    with runner(database, "京东") as first, runner(database, "天猫"), runner(database, "门店") as third:
        kill(first)
        kill(third)
        assert statuses(database) == {"京东": "interrupted", "天猫": "running", "门店": "interrupted"}
        assert statuses(database) == {"京东": "interrupted", "天猫": "running", "门店": "interrupted"}


def test_a_child_that_outlives_the_process_does_not_keep_its_run_alive(database: Path) -> None:
    with runner(database, "with child") as process:
        kill(process)
        assert statuses(database) == {"with child": "interrupted"}


def test_to_look_at_the_runs_of_others_does_not_give_up_ones_own(database: Path) -> None:
    with runner(database, "京东") as process, Store.open(database) as store:
        with store.transaction() as connection:
            start_run(connection, "collect", "mine")
        kill(process)
        assert statuses(database) == {"京东": "interrupted", "mine": "running"}
        assert statuses_seen_by_another_process(database) == {"京东": "interrupted", "mine": "running"}


def test_a_run_of_this_process_is_over_when_its_database_was_closed(database: Path) -> None:
    with Store.open(database) as store, store.transaction() as connection:
        start_run(connection, "collect", "京东")
        assert [row.status for row in recent_runs(connection, 1)] == ["running"]
    assert statuses(database) == {"京东": "interrupted"}


def test_a_process_that_goes_from_database_to_database_keeps_no_files_open(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        with new_store(tmp_path / name) as store, store.transaction() as connection:
            finish_run(connection, start_run(connection, "collect", name), "done", None)
    assert list(run_locks._holders) == [str(tmp_path / "c" / "feedback.db-runs")]


def test_where_the_lock_is_missing_nothing_is_claimed(database: Path) -> None:
    with runner(database, "京东") as process:
        kill(process)
    database.with_name("feedback.db-runs").unlink()
    assert statuses(database) == {"京东": "running"}


def test_where_the_drive_knows_no_locks_runs_are_recorded_and_nothing_is_claimed(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(*_arguments: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.lockf", no_locks)
    with Store.open(database) as store, store.transaction() as connection:
        start_run(connection, "collect", "京东")
    assert statuses(database) == {"京东": "running"}


def test_status_and_schedule_status_say_interrupted(tmp_path: Path) -> None:
    write_project(tmp_path)
    with runner(tmp_path / "feedback.db", "京东") as process:
        assert run("status", project=tmp_path).out.splitlines()[-1].endswith("  collect 京东 running")
        kill(process)
    assert run("status", project=tmp_path).out.splitlines()[-1].endswith("  collect 京东 interrupted")
    [found] = json.loads(run("status", "--json", project=tmp_path).out)["runs"]
    assert (found["status"], found["finished_at"]) == ("interrupted", None)
    assert run("schedule", "status", project=tmp_path).out.splitlines()[-1].endswith("  interrupted")
