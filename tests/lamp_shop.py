"""A project that holds next to nothing, to be harmed, and what is asked of it afterwards. People and words are made up."""

import sqlite3
from contextlib import closing
from pathlib import Path

from bad_files import GOOD
from command import Ran, run


def make_project(folder: Path) -> Path:
    (folder / "feedback.toml").write_text('[project]\nname = "灯店"\n', encoding="utf-8")
    return folder


def make_shop(folder: Path) -> Path:
    """A project with two verbatims."""
    make_project(folder)
    (folder / "good.csv").write_text(GOOD, encoding="utf-8")
    assert run("collect", "table", folder / "good.csv", project=folder) == Ran(0, "good: 2 new\n", "")
    return folder


def error(message: str) -> Ran:
    """How a command ends that says this and no more."""
    return Ran(1, "", f"Error: {message}\n")


def texts(folder: Path) -> list[str]:
    """What is stored, in its order, in a database that is sound."""
    with closing(sqlite3.connect(folder / "feedback.db")) as database:
        assert database.execute("pragma integrity_check").fetchall() == [("ok",)]
        return [row[0] for row in database.execute("select text from verbatims order by id")]
