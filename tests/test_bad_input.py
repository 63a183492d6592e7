"""What people hand in by mistake, in files and settings: a sentence and exit 1, or what can be read of it and a list of the rest."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import lamp_shop
import pytest
from bad_files import HEADER, LONG_LINES, REFUSED, ROW, SALVAGED, write_line_of_200_mb, write_zip_bomb
from command import Ran, run
from lamp_shop import error, texts
from processes import command

import feedback.reading
from feedback.collectors.base import SourceConfig
from feedback.collectors.table import TableCollector
from feedback.pipeline import collect
from feedback.project import load_project
from storage.store import Store

ROOT = Path(__file__).parent.parent


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return lamp_shop.make_project(tmp_path)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return lamp_shop.make_shop(tmp_path)


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
    # Not getrusage: its peak counts what the parent held when this process was forked off it. For the process that reads
    # ahead that is this one, which holds little then.
    peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    ahead = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print((int(peak.split()[1]) + ahead) // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/status")
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


def test_of_long_texts_fewer_are_held_at_a_time(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feedback.reading, "BATCH_CHARACTERS", 250)
    rows = "".join(ROW.format("。" + "灯" * 100 + str(n)) for n in range(7))
    (project / "long.csv").write_text(HEADER + rows, encoding="utf-8")
    held: list[int] = []
    source = SourceConfig("long", "table", ("long.csv",), project)
    with Store.open(project / "feedback.db") as store:
        done = collect(store, load_project(project), source, lambda _part, rows: held.append(rows))
    assert (held, done.added) == ([3, 3, 1], 7)


def test_a_file_that_goes_away_while_it_is_waiting_to_be_read_does_not_keep_the_others(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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
    assert ran.err.splitlines() == [*empty, "Error: r: 2 more can't be read."]
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


SETTINGS = {
    "no TOML": (
        *('[project\nname = "灯店"', "status"),
        "{toml} is not as TOML wants it: Expected ']' at the end of a table declaration (at line 1, column 9). Is a quotation mark or a bracket missing there?",
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
    "no such engine": (
        '[analysis]\nengine = "fst"\n',
        "analyze",
        "No engine named 'fst'. Known: auto, encoder, fast, or the folder of an encoder.",
    ),
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
