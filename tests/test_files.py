from pathlib import Path

import pytest

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
