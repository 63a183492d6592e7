"""What people hand in by mistake, and machines that let them down: a sentence, exit 1, and what was stored stays."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest
from bad_files import GOOD, HEADER, LONG_LINES, REFUSED, ROW, SALVAGED, write_line_of_200_mb, write_zip_bomb
from command import Ran, run
from many_reviews import make_project
from processes import command, run_to_end, wait_for_writes

from storage.journal import add_rejects, clear_rejects, list_rejects, start_run
from storage.records import Reject
from storage.store import Store

IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
ROOT = Path(__file__).parent.parent


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "feedback.toml").write_text('[project]\nname = "灯店"\n', encoding="utf-8")
    return tmp_path


@pytest.fixture
def shop(project: Path) -> Path:
    """A project with two verbatims."""
    (project / "good.csv").write_text(GOOD, encoding="utf-8")
    assert run("collect", "table", project / "good.csv", project=project) == Ran(0, "good: 2 new\n", "")
    return project


def error(message: str) -> Ran:
    return Ran(1, "", f"Error: {message}\n")


def texts(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / "feedback.db")) as database:
        assert database.execute("pragma integrity_check").fetchall() == [("ok",)]
        return [row[0] for row in database.execute("select text from verbatims order by id")]


# --- files -----------------------------------------------------------------------------------------------------------


def test_a_file_that_is_not_there_is_named(project: Path) -> None:
    path = project / "gone.csv"
    assert run("collect", "table", path, project=project) == error(f"gone: No file or folder at {path}.")


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_can_not_be_read_is_refused_in_a_line(case: str, project: Path) -> None:
    name, data, message = REFUSED[case]
    path = project / name
    path.write_bytes(data)
    assert run("collect", "table", path, project=project) == error("r: " + message.format(path=path))


@pytest.mark.parametrize("case", SALVAGED)
def test_what_can_be_read_of_a_damaged_file_is_stored_and_the_rest_is_listed(case: str, project: Path) -> None:
    name, data, stored, refused = SALVAGED[case]
    path = project / name
    path.write_bytes(data)
    said = f", {len(refused)} rows or fields could not be used (see: feedback rejects)" if refused else ""
    ran = run("collect", "table", path, project=project)
    assert (ran.code, ran.err, ran.out.replace(", 1 of the new are copies", "")) == (0, "", f"r: {stored} new{said}\n")
    with closing(sqlite3.connect(project / "feedback.db")) as database:
        assert database.execute("select count(*) from verbatims").fetchone() == (stored,)
        assert database.execute("select location, reason from rejects").fetchall() == refused


def test_a_table_of_an_unknown_layout_shows_its_columns_and_a_mapping_to_edit(project: Path) -> None:
    path = project / "导出.csv"
    path.write_text("甲,评价内容,丙\n1,灯不亮了,3\n", encoding="utf-8")
    ran = run("collect", "table", path, project=project)
    assert (ran.code, ran.out) == (1, "")
    first, *rest = ran.err.splitlines()
    assert first == f"Error: 导出: {path}: the layout of this file is not known. Its columns: 甲、评价内容、丙"
    assert 'text = "评价内容"    # 客户写的话（必填）' in rest


def test_of_a_hundred_thousand_unknown_columns_a_screenful_is_shown(project: Path) -> None:
    path = project / "wide.csv"
    path.write_text(",".join(f"列{n}" for n in range(100_000)) + "\n" + ",".join("1" * 100_000), encoding="utf-8")
    ran = run("collect", "table", path, project=project)
    assert (ran.code, len(ran.err) < 5_000) == (1, True)
    assert "、列199 … and 99,800 more\n" in ran.err


@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml"])
def test_a_workbook_made_to_fill_the_memory_is_not_unpacked(part: str, project: Path) -> None:
    path = project / "bomb.xlsx"
    write_zip_bomb(path, part, megabytes=80)
    assert run("collect", "table", path, project=project) == error(
        f"bomb: {path} is no workbook that a program for tables wrote: "
        f"its {part} unpacks to 80 MB out of 79 KB. Save the table as CSV UTF-8."
    )


MEASURED = """
import resource, sys
from feedback.cli import main
try:
    main()
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the unit of ru_maxrss differs elsewhere")
@pytest.mark.parametrize("name", LONG_LINES)
def test_a_line_of_200_mb_is_refused_in_little_memory(name: str, project: Path) -> None:
    path = project / name
    before, after, where = LONG_LINES[name]
    write_line_of_200_mb(path, before, after)
    ran = subprocess.run(
        [sys.executable, "-c", MEASURED, "--project", str(project), "collect", "table", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    path.unlink()
    said, megabytes = ran.stdout.splitlines()
    assert (ran.returncode, ran.stderr) == (0, "")
    assert said.startswith("r: 3 new, ")
    assert said.endswith("1 rows or fields could not be used (see: feedback rejects)")
    assert int(megabytes) < 400
    with closing(sqlite3.connect(project / "feedback.db")) as database:
        refused = database.execute("select location, reason from rejects").fetchall()
    assert refused == [(where, "the line is longer than 16 MB")]


def test_a_file_that_goes_away_while_it_is_waiting_to_be_read_does_not_keep_the_others(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from feedback.collectors.table import TableCollector

    for name in ("a.csv", "b.csv", "c.csv"):
        (project / name).write_text(HEADER + ROW.format(name), encoding="utf-8")
    listed = TableCollector.parts

    def parts_then_gone(*arguments: object) -> object:
        found = listed(*arguments)  # type: ignore[arg-type]
        (project / "b.csv").unlink()
        return found

    monkeypatch.setattr(TableCollector, "parts", parts_then_gone)
    ran = run("collect", "table", project, "--name", "r", project=project)
    assert ran == Ran(1, "r: 2 new\n", f"Error: r: No file at {project / 'b.csv'}.\n")
    assert texts(project) == ["灯不亮了找谁修a.csv", "灯不亮了找谁修c.csv"]


def test_a_damaged_file_in_a_folder_does_not_keep_the_others_from_being_read(project: Path) -> None:
    for name in ("b.csv", *(f"a{n}.csv" for n in range(7))):
        (project / name).write_text(HEADER + ROW.format(name) if name == "b.csv" else "", encoding="utf-8")
    ran = run("collect", "table", project, "--name", "r", project=project)
    empty = [f"Error: r: {project / f'a{n}.csv'} is empty." for n in range(5)]
    assert (ran.code, ran.out) == (1, "r: 1 new\n")
    assert ran.err.splitlines() == [*empty, "Error: r: 2 more files can't be read."]
    with closing(sqlite3.connect(project / "feedback.db")) as database:
        assert database.execute("select status, message from runs").fetchall() == [
            ("failed", f"CollectError: {project / 'a0.csv'} is empty.")
        ]


@pytest.mark.skipif(sys.platform == "win32", reason="these names and links are Unix's")
def test_odd_file_names_and_loops_of_links_are_walked_like_others(project: Path) -> None:
    data = project / "data"
    data.mkdir()
    names = ["两 行\n和 空格.csv", "😀.csv", "[1]*?.csv", "-p.csv"]
    for n, name in enumerate(names):
        (data / name).write_text(HEADER + ROW.format(n), encoding="utf-8")
    Path(os.fsdecode(bytes(data) + b"/\xc6\xc0\xbc\xdb.csv")).write_text(HEADER + ROW.format("gbk"), encoding="utf-8")
    (data / "loop").symlink_to(data)
    (data / "self.csv").symlink_to(data / "self.csv")
    assert run("collect", "table", data, "--name", "r", project=project) == Ran(0, "r: 5 new\n", "")
    again = run("collect", "table", data, "--name", "r", project=project)
    assert again == Ran(0, "r: nothing new (5 files unchanged)\n", "")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_what_is_neither_file_nor_folder_is_not_waited_for(project: Path) -> None:
    os.mkfifo(project / "pipe.csv")
    assert run("collect", "table", project / "pipe.csv", project=project) == error(
        f"pipe: {project / 'pipe.csv'} is neither a file nor a folder. Save what it gives as a file first."
    )


# --- settings --------------------------------------------------------------------------------------------------------

SETTINGS = {
    "no TOML": (
        *('[project\nname = "灯店"', "status"),
        "{toml} can't be read: Expected ']' at the end of a table declaration (at line 1, column 9)",
    ),
    "GBK": (
        '[project]\nname = "灯店"\n'.encode("gbk"),
        "status",
        "{toml} is not UTF-8. Save it as UTF-8 in your editor.",
    ),
    "no such period": (
        *('[digest]\nperiod = "weekk"\n', "digest"),
        "No period 'weekk'. Write day, week, month, quarter, all, 2026-W09, 2026-Q1, 2026-02, 2026-02-23 or "
        "2026-02-23..2026-03-01.",
    ),
    "no such engine": ('[analysis]\nengine = "fst"\n', "analyze", "No engine named 'fst'. Known: fast."),
    "no taxonomy": ('[analysis]\ntaxonomy = "no.toml"\n', "analyze", "No taxonomy file at {folder}/no.toml."),
}


@pytest.mark.parametrize("case", SETTINGS)
def test_settings_that_can_not_be_used_are_told_in_a_line(case: str, shop: Path) -> None:
    settings, verb, message = SETTINGS[case]
    path = shop / "feedback.toml"
    path.write_bytes(settings if isinstance(settings, bytes) else settings.encode())
    assert run(verb, project=shop) == error(message.format(toml=path, folder=shop))


TAXONOMIES = {
    "no TOML": (b"[[[", "{path} is not valid TOML: Invalid initial character for a key part (at line 1, column 3)"),
    "GBK": ('name = "灯店"'.encode("gbk"), "Taxonomy {path} is not UTF-8. Save it as UTF-8 in your editor."),
    "empty": (b"", "{path}: [title] is missing."),
}


@pytest.mark.parametrize("case", TAXONOMIES)
def test_a_taxonomy_that_can_not_be_used_is_told_in_a_line(case: str, shop: Path) -> None:
    data, message = TAXONOMIES[case]
    (shop / "feedback.toml").write_text('[analysis]\ntaxonomy = "t.toml"\n', encoding="utf-8")
    (shop / "t.toml").write_bytes(data)
    assert run("analyze", project=shop) == error(message.format(path=shop / "t.toml"))


WEIGHTS = {
    "missing": (None, "The fast engine's weights (fast.npz) are missing. Reinstall yuansheng."),
    "cut off": (1000, "The fast engine's weights (fast.npz) are damaged. Reinstall yuansheng."),
    "empty": (0, "The fast engine's weights (fast.npz) are damaged. Reinstall yuansheng."),
}


@pytest.mark.parametrize("case", WEIGHTS)
def test_an_installation_without_sound_weights_says_so(case: str, shop: Path) -> None:
    size, message = WEIGHTS[case]
    for package in ("feedback", "nlp", "storage"):
        shutil.copytree(ROOT / package, shop / package, ignore=shutil.ignore_patterns("__pycache__", "training"))
    weights = shop / "nlp" / "models" / "fast.npz"
    if size is None:
        weights.unlink()
    else:
        os.truncate(weights, size)
    ran = subprocess.run(command(Path(), "analyze"), cwd=shop, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (1, "", f"Error: {message}\n")


# --- the database ----------------------------------------------------------------------------------------------------

READING_VERBS = (["status"], ["rejects"], ["search", "灯"], ["analyze"], ["digest"])


@pytest.mark.parametrize("arguments", [["collect", "table", "good.csv"], *READING_VERBS], ids=lambda a: a[0])
def test_a_damaged_database_is_named_by_every_command(
    arguments: list[str], shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop)
    path = shop / "feedback.db"
    data = bytearray(path.read_bytes())
    for page in range(3 * 4096, len(data), 4096):  # all but the first pages, which hold what tables there are
        data[page : page + 64] = b"\xff" * 64
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


# --- the machine -----------------------------------------------------------------------------------------------------


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
    make_project(tmp_path, reviews=6_000, conversations=0, seed=3)
    (tmp_path / "feedback.toml").write_text(
        (tmp_path / "feedback.toml").read_text(encoding="utf-8").partition('[[sources]]\nname = "客服"')[0],
        encoding="utf-8",
    )
    # Writes to wait for: the tables and the first batch; the run's beginning and a batch.
    for verb, writes in (("collect", 4), ("analyze", 3)):
        process = subprocess.Popen(command(tmp_path, verb), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
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
            assert len(texts(tmp_path)) > 5_900
