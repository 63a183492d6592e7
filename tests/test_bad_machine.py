"""Databases and machines that let a person down: a sentence, exit 1, and what was stored stays."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Barrier

import lamp_shop
import pytest
from bad_files import GOOD, HEADER, ROW
from command import Ran, run
from lamp_shop import error, texts
from many_reviews import make_project
from processes import command, interruptible, run_to_end, wait_for_writes

from storage.journal import add_rejects, clear_rejects, list_rejects, start_run
from storage.records import Reject
from storage.store import Store

IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return lamp_shop.make_project(tmp_path)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return lamp_shop.make_shop(tmp_path)


READING_VERBS = (["status"], ["rejects"], ["search", "灯"], ["analyze"], ["digest"])


@pytest.mark.parametrize("arguments", [["collect", "table", "good.csv"], *READING_VERBS], ids=lambda a: a[0])
def test_a_damaged_database_is_named_by_every_command(
    arguments: list[str], shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop)
    path = shop / "feedback.db"
    data = bytearray(path.read_bytes())
    # What opening reads stays whole, so that it is a later query that meets the damage.
    spared = "name like '%migrations%'"
    with closing(sqlite3.connect(path)) as database:
        found = f"select rootpage from sqlite_master where rootpage > 0 and not {spared}"
        pages = [row[0] for row in database.execute(found)]
    for page in pages:
        data[(page - 1) * 4096 : (page - 1) * 4096 + 64] = b"\xff" * 64
    path.write_bytes(data)
    assert run(*arguments, project=shop) == error(
        f"{path} is not a yuansheng database, or it is damaged. Move it away or restore a copy."
    )


def test_what_is_called_like_the_database_and_is_none_is_left_as_it_is(project: Path) -> None:
    path = project / "feedback.db"
    path.write_bytes(random.Random(1).randbytes(9000))
    before = path.read_bytes()
    damaged = f"{path} is not a yuansheng database, or it is damaged. Move it away or restore a copy."
    assert run("status", project=project) == error(damaged)
    assert path.read_bytes() == before
    path.unlink()
    with closing(sqlite3.connect(path)) as database:
        database.execute("create table verbatims (line text)")
    assert run("status", project=project) == error(damaged)
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("select name from sqlite_master").fetchall() == [("verbatims",)]
    path.unlink()
    path.mkdir()
    assert run("status", project=project) == error(
        f"{path} can't be opened for writing. Check that the folder exists and is yours to write."
    )


def test_a_database_of_a_newer_version_is_left_as_it_is(shop: Path) -> None:
    path = shop / "feedback.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("insert into _sqlite_migrations values (99, 'yuansheng', '0999_later', '2030-01-01')")
        database.commit()
    for verb in ("status", "analyze"):
        assert run(verb, project=shop) == error(
            f"{path} was written by a newer yuansheng (it has '0999_later'). "
            "Upgrade with: pip install --upgrade yuansheng"
        )


def test_a_database_that_another_process_writes_to_is_waited_for_and_then_named(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Store, "open", partial(Store.open, wait_seconds=0.05))
    (shop / "more.csv").write_text(HEADER + ROW.format(3), encoding="utf-8")
    with closing(sqlite3.connect(shop / "feedback.db", isolation_level=None)) as other:
        other.execute("begin immediate")
        assert run("collect", "table", shop / "more.csv", project=shop) == error(
            f"{shop / 'feedback.db'} is in use by another process. Wait until it is done, or close it, and try again."
        )
        assert run("search", "灯", project=shop).code == 0  # reading goes on
        other.execute("rollback")
    assert run("collect", "table", shop / "more.csv", project=shop) == Ran(0, "more: 1 new\n", "")


def test_of_several_that_open_a_new_project_at_once_one_makes_the_tables_and_the_others_wait(tmp_path: Path) -> None:
    together = Barrier(8)

    def version_seen(path: Path) -> int:
        together.wait()
        with Store.open(path) as store:
            return int(store.connection.execute("select count(*) from _sqlite_migrations").fetchone()[0])

    with ThreadPoolExecutor(8) as threads:
        for n in range(5):
            seen = list(threads.map(version_seen, [tmp_path / f"{n}.db"] * 8))
            assert len(set(seen)) == 1


def test_many_at_once_make_one_database_and_store_every_row_once(project: Path) -> None:
    (project / "a.csv").write_text(HEADER + "".join(map(ROW.format, range(300))) + "台灯,少了列\n", encoding="utf-8")
    line = command(project, "collect", "table", str(project / "a.csv"))
    running = [subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(6)]
    ended = [(*process.communicate(), process.returncode) for process in running]
    assert [(err, code) for _, err, code in ended] == [("", 0)] * 6
    assert len(texts(project)) == 300
    with closing(sqlite3.connect(project / "feedback.db")) as database:
        assert database.execute("select location from rejects").fetchall() == [("a.csv:302",)]


def test_two_runs_over_one_file_at_once_list_a_refused_row_once(project: Path) -> None:
    path = project / "feedback.db"
    first, second = (Reject("r", f"a.csv:{line}", "the row has no text", "") for line in (2, 6000))
    with Store.open(path) as one, Store.open(path) as other:
        runs = []
        for store in (one, other):
            with store.transaction() as connection:
                runs.append(start_run(connection, "collect", "r"))
                clear_rejects(connection, "r", "a.csv")
                add_rejects(connection, runs[-1], "a.csv", [first])
        for store, run_id in zip((one, other), runs, strict=True):
            with store.transaction() as connection:
                add_rejects(connection, run_id, "a.csv", [second])
        assert [row.location for row in list_rejects(one.connection, None, 10)] == ["a.csv:2", "a.csv:6000"]


@contextmanager
def small_disk(path: Path, kilobytes: int) -> Iterator[Path]:
    """A file system of that size, in memory."""
    path.mkdir()
    if (
        not IS_ROOT
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(path)], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("only root may mount a small file system to fill")
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


def remount(path: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(path)], check=True)


def fill(disk: Path) -> None:
    with (disk / "filler").open("wb", buffering=0) as filler, suppress(OSError):
        while True:
            filler.write(b"\0" * 4096)


def test_a_full_disk_loses_nothing_and_the_run_goes_on_once_there_is_space(tmp_path: Path) -> None:
    make_project(tmp_path / "data", reviews=6_000, conversations=0, seed=7)
    (tmp_path / "first.csv").write_text(GOOD, encoding="utf-8")
    with small_disk(tmp_path / "disk", kilobytes=4096) as disk:
        (disk / "feedback.toml").write_text('[project]\nname = "灯店"\n', encoding="utf-8")
        assert run("collect", "table", tmp_path / "first.csv", project=disk).code == 0
        before = texts(disk)
        line = ("collect", "table", tmp_path / "data" / "reviews.csv")
        line += ("--layout", tmp_path / "data" / "reviews.layout.toml")
        full = f"The disk that holds {disk / 'feedback.db'} is full. Free some space; nothing stored so far is lost."
        assert run(*line, project=disk) == error(full)
        kept = texts(disk)
        assert kept[:2] == before
        remount(disk, "size=200m")
        assert run(*line, project=disk).code == 0
        shutil.copytree(disk, tmp_path / "disk-copy")
    shutil.copy(tmp_path / "disk-copy" / ".feedback-key", tmp_path / "data")
    roomy = tmp_path / "data"
    assert run("collect", "table", tmp_path / "first.csv", project=roomy).code == 0
    assert run(*line, project=roomy).code == 0
    assert texts(roomy) == texts(tmp_path / "disk-copy")
    assert len(kept) < len(texts(roomy))


def test_a_disk_that_fills_up_under_a_digest_leaves_the_digest_before_it(tmp_path: Path) -> None:
    (tmp_path / "first.csv").write_text(GOOD, encoding="utf-8")
    with small_disk(tmp_path / "disk", kilobytes=2048) as disk:
        (disk / "feedback.toml").write_text('[project]\nname = "灯店"\n', encoding="utf-8")
        for arguments in (["collect", "table", str(tmp_path / "first.csv")], ["analyze"], ["digest"]):
            assert run(*arguments, project=disk).code == 0
        digests = {path.name: path.read_bytes() for path in (disk / "digests").iterdir()}
        with Store.open(disk / "feedback.db"):  # its files are there already, so that the digest's are those that fail
            fill(disk)
            ran = run(
                "digest", "--period", "all", "--format", "html", "-o", disk / "digests" / "all.html", project=disk
            )
            assert (ran.code, ran.out, ran.err.count("\n"), ran.err[:7]) == (1, "", 1, "Error: ")
            path = disk / "digests" / "2026-W09.md"
            ran = run("digest", "--format", "md", "-o", path, project=disk)
            assert (ran.code, ran.out, ran.err.count("\n"), ran.err[:7]) == (1, "", 1, "Error: ")
        assert {path.name: path.read_bytes() for path in (disk / "digests").iterdir()} == digests
        assert texts(disk) == ["灯不亮了找谁修1", "灯不亮了找谁修2"]


def test_a_folder_that_is_read_only_is_named(tmp_path: Path) -> None:
    (tmp_path / "first.csv").write_text(GOOD, encoding="utf-8")
    with small_disk(tmp_path / "disk", kilobytes=2048) as disk:
        (disk / "feedback.toml").write_text('[project]\nname = "灯店"\n', encoding="utf-8")
        remount(disk, "ro")
        path = disk / "feedback.db"
        assert run("collect", "table", tmp_path / "first.csv", project=disk) == error(
            f"{path} can't be opened for writing. Check that the folder exists and is yours to write."
        )
        assert run("init", disk / "new") == error(f"{disk / 'new'} can't be written: Read-only file system.")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_output_that_can_not_be_written_is_an_error_of_a_line(shop: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        ran = subprocess.run(command(shop, "status"), stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (1, "Error: The output can't be written: No space left on device.\n")


def test_a_reader_that_goes_away_or_was_never_there_is_no_bug(shop: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ran = subprocess.run(command(shop, "status"), stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert ran.returncode != 0
    assert ran.stderr == ""
    line = subprocess.list2cmdline(command(shop, "status")) + " >&-"
    ran = subprocess.run(["sh", "-c", line], stderr=subprocess.PIPE, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


TERMINALS = {
    "gbk": "物流很慢\\U0001f600",  # what a terminal does not know is spelled out
    "ascii": "物流很慢😀",  # set by mistake rather than meant: answered in UTF-8
}


@pytest.mark.parametrize("encoding", TERMINALS)
def test_a_terminal_that_does_not_know_a_character_gets_the_rest(encoding: str, project: Path) -> None:
    (project / "a.csv").write_text(HEADER + "台灯,物流很慢😀,2026-02-24 10:00:00,浙江,白\n", encoding="utf-8")
    assert run("collect", "table", project / "a.csv", project=project).code == 0
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    ran = subprocess.run(command(project, "search", "物流"), env=environment, capture_output=True, check=False)
    shown = ran.stdout.decode("gbk" if encoding == "gbk" else "utf-8")
    assert (ran.returncode, ran.stderr, shown.splitlines()[1].strip()) == (0, b"", TERMINALS[encoding])


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl+C is sent otherwise there")
def test_ctrl_c_ends_with_a_sentence_and_the_next_run_goes_on(tmp_path: Path) -> None:
    make_project(tmp_path, reviews=20_000, conversations=0, seed=3)
    (tmp_path / "feedback.toml").write_text(
        (tmp_path / "feedback.toml").read_text(encoding="utf-8").partition('[[sources]]\nname = "客服"')[0],
        encoding="utf-8",
    )
    # Writes to wait for: the tables and the first batch; the run's beginning and a batch.
    for verb, writes in (("collect", 4), ("analyze", 3)):
        process = subprocess.Popen(interruptible(tmp_path, verb), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        wait_for_writes(process, tmp_path, writes)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
        assert (process.returncode, out, err.decode().strip()) == (130, b"", "Stopped. What was done so far is kept.")
        assert texts(tmp_path) or verb == "collect"
        with closing(sqlite3.connect(tmp_path / "feedback.db")) as database:
            last = "select command, status, message from runs order by id desc limit 1"
            assert database.execute(last).fetchone() == (verb, "failed", "KeyboardInterrupt: ")
        if verb == "collect":
            run_to_end(tmp_path, verb)
            assert len(texts(tmp_path)) > 19_000
