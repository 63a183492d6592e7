import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from command import run

from feedback.collectors import chat
from feedback.collectors.base import SourceConfig
from feedback.collectors.files import parts_of
from feedback.collectors.registry import collector_names, load_collector
from feedback.errors import CollectError

SUFFIXES = (".csv", ".xlsx")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("b.csv", "a.CSV", "notes.txt", ".hidden.csv", "~$b.xlsx", "deep/c.xlsx", ".git/d.csv", "评价[1].csv"):
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    return tmp_path


def names(base: Path, *paths: str) -> list[str]:
    return [part.name for part in parts_of(SourceConfig("shop", "table", paths, base), SUFFIXES)]


CASES = [
    (["data"], ["data/a.CSV", "data/b.csv", "data/deep/c.xlsx", "data/评价[1].csv"]),  # hidden and lock files left out
    (["data/*.csv"], ["data/b.csv", "data/评价[1].csv"]),
    (["data/**/*.xlsx"], ["data/deep/c.xlsx"]),
    (["data/notes.txt"], ["data/notes.txt"]),  # named outright: the suffix does not matter
    (["data/评价[1].csv"], ["data/评价[1].csv"]),  # brackets in a name are no pattern
    (["data/b.csv", "data", "data/*.csv"], ["data/a.CSV", "data/b.csv", "data/deep/c.xlsx", "data/评价[1].csv"]),
]


@pytest.mark.parametrize("paths, expected", CASES)
def test_paths_folders_and_globs_give_each_file_once_in_order(
    project: Path, paths: list[str], expected: list[str]
) -> None:
    assert names(project, *paths) == expected


ORDERS = [
    ["评价.csv", "评价 (1).csv", "评价 (9).csv", "评价 (10).csv"],  # as browsers name what is downloaded again
    ["评价(2).csv", "评价(11).xlsx", "评价(12).csv"],
    ["28_按文本_满意度_98_98.xlsx", "28_按文本_满意度_102_102.xlsx"],  # as 问卷星 does: how many answers there are
    ["评价2026-9-30.csv", "评价2026-10-1.csv", "评价2026-10-01 (1).csv"],
    ["评价0930.csv", "评价1001.csv"],
    ["2026年9月/5.csv", "2026年9月/11.csv", "2026年10月/2.csv"],
    ["导出.csv", "导出.csv.2", "导出.csv.10"],
    ["v01.csv", "v1.csv", "v1.xlsx", "v2.csv"],
]


@pytest.mark.parametrize("order", ORDERS)
def test_files_come_in_the_order_in_which_exports_are_named(tmp_path: Path, order: list[str]) -> None:
    for name in reversed(order):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x", encoding="utf-8")
    assert names(tmp_path, "**/*") == order


def test_a_text_that_was_edited_stays_so_when_all_files_are_read_anew(tmp_path: Path) -> None:
    (tmp_path / "own.layout.toml").write_text(
        'name = "own"\nkind = "review"\nchannel = "门店"\n[columns]\ntext = "评价内容"\nsource_id = "编号"\n',
        encoding="utf-8",
    )
    source = '[[sources]]\nname = "门店"\ncollector = "table"\npaths = ["data"]\nlayout = "own.layout.toml"\n'

    def collect(more: str = "") -> list[tuple[str, str]]:
        (tmp_path / "feedback.toml").write_text(source + more, encoding="utf-8")
        assert run("collect", project=tmp_path).code == 0
        with closing(sqlite3.connect(tmp_path / "feedback.db")) as database:
            return database.execute("select channel, text from verbatims").fetchall()

    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "评价 (9).csv").write_text("编号,评价内容\n1,等了三天\n", encoding="utf-8")
    assert collect() == [("门店", "等了三天")]
    (tmp_path / "data" / "评价 (10).csv").write_text("编号,评价内容\n1,等了三天，后来补偿了\n", encoding="utf-8")
    assert collect() == [("门店", "等了三天，后来补偿了")]
    assert collect('channel = "旗舰店"\n') == [("旗舰店", "等了三天，后来补偿了")]


def test_a_file_outside_the_project_is_named_by_its_whole_path(project: Path) -> None:
    assert names(project / "empty", "../data/b.csv") == [(project / "data" / "b.csv").as_posix()]


NOTHING = [
    ([], "Source 'shop' names no files. Give it `paths = [\"exports/*.csv\"]`."),
    (["gone.csv"], "No file or folder at {base}/gone.csv."),
    (["data/*.parquet"], "No file matches {base}/data/*.parquet."),
    (["nowhere/*.csv"], "No file matches {base}/nowhere/*.csv."),
    (["empty"], "Folder {base}/empty holds no file ending in .csv, .xlsx."),
    (["data", "gone.csv"], "No file or folder at {base}/gone.csv."),  # one of several is enough
]


@pytest.mark.parametrize("paths, message", NOTHING)
def test_a_path_that_matches_nothing_is_named(project: Path, paths: list[str], message: str) -> None:
    with pytest.raises(CollectError) as caught:
        names(project, *paths)
    assert str(caught.value) == message.format(base=project)


def test_the_registry_knows_the_built_in_collectors_and_lists_them_for_a_slip() -> None:
    assert {"chat", "table"} <= set(collector_names())
    assert type(load_collector("table")).__name__ == "TableCollector"
    with pytest.raises(CollectError) as caught:
        load_collector("cvs")
    assert str(caught.value) == f"No collector named 'cvs'. Known: {', '.join(collector_names())}."


@pytest.mark.parametrize("left", [None, "2026-03-02.jsonl.gz"], ids=["nothing", "what was packed"])
def test_a_folder_whose_files_were_put_away_holds_nothing_new(tmp_path: Path, left: str | None) -> None:
    source = '[[sources]]\nname = "会话"\ncollector = "chat"\npaths = ["data", "more/*.jsonl"]\n'
    (tmp_path / "feedback.toml").write_text(source, encoding="utf-8")
    data, more = tmp_path / "data", tmp_path / "more"
    data.mkdir()
    more.mkdir()

    def save(path: Path) -> None:
        said = f'{{"id": "{path.stem}", "turns": [{{"sender": "customer", "text": "太慢"}}]}}\n'
        path.write_text(said, encoding="utf-8")

    nothing = f"Folder {data} holds no file ending in {', '.join(sorted(chat.SUFFIXES))}."
    first = run("collect", project=tmp_path)
    assert (first.code, first.err) == (1, f"Error: 会话: {nothing}\n")
    save(data / "2026-03-02.jsonl")
    save(more / "a.jsonl")
    assert run("collect", project=tmp_path).out == "会话: 2 new\n"

    (data / "2026-03-02.jsonl").unlink()
    if left:
        (data / left).write_bytes(b"")
    save(more / "b.jsonl")
    told = run("collect", project=tmp_path)
    assert (told.code, told.err) == (0, "")
    assert told.out.startswith(f"会话: 1 new\n  {nothing}\n")
    for path in more.iterdir():
        path.unlink()
    told = run("collect", project=tmp_path)
    assert (told.code, told.err) == (0, "")
    assert told.out.startswith(f"会话: nothing new (0 files unchanged)\n  {nothing}\n")

    data.rename(tmp_path / "archive")
    gone = run("collect", project=tmp_path)
    assert (gone.code, gone.err) == (1, f"Error: 会话: No file or folder at {data}.\n")
