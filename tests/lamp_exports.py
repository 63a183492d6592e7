"""A source of two exports that share a row, read under a right or a wrong layout, and all that is stored of it. All made up."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from stored import rows

from feedback.collected import Collected
from feedback.pipeline import collect
from feedback.project import Project, load_project
from storage.store import Store

SETTINGS = """
[project]
name = "灯店"
[[sources]]
name = "门店"
paths = ["data/*.csv"]
layout = "shop.layout.toml"
"""
RIGHT = """
name = "shop"
kind = "review"
channel = "门店"
[columns]
text = "内容"
posted_at = "评价时间"
[[scores]]
metric = "star"
column = "星级"
low = 1
high = 5
"""
WRONG_TEXT = RIGHT.replace('"内容"', '"标题"')
WRONG_DATE = RIGHT.replace('"评价时间"', '"购买时间"')
HEADER = "编号,标题,内容,购买时间,评价时间,星级\n"
LONG = "台灯用了一个星期就开始闪，换了灯泡也没有用，客服让我自己再想办法"
ONE = f"1,差评,{LONG},2026-01-02,2026-02-02,1\n2,好评,灯光柔和，看书不累,2026-01-03,2026-02-03,5\n"
TWO = "3,中评,安装有点麻烦,2026-01-04,2026-02-04,3\n4,差评,开关松了,2026-01-05,2026-02-05,2\n"
SHARED = "5,好评,送货很快，包装也结实,2026-01-06,2026-02-06,5\n"
NEWER = "6,好评,第二次买了，送给朋友,2026-01-07,2026-02-07,5\n"
FILES = {"a.csv": ONE + SHARED, "b.csv": SHARED + TWO}

# Told by their source's ids: the numbers of the rows are others when rows have come and gone.
CONTENTS = (
    "select v.source, v.source_id, v.kind, v.channel, v.role, v.text, v.posted_at, v.product, v.region, v.customer_id, v.noise, "
    "v.fingerprint, v.content_hash, o.source, o.source_id, r.settings from verbatims v "
    "left join verbatims o on o.id = v.duplicate_of left join readings r on r.id = v.reading_id",
    "select v.source, v.source_id, metric, value from scores s join verbatims v on v.id = s.verbatim_id",
    "select v.source, v.source_id, words, chars from verbatims_fts f left join verbatims v on v.id = f.rowid",
    "select source, part, location, reason, excerpt, stored from rejects",
    "select source, part, state from cursors",
    "select source, source_id from withdrawals",
)
STORED = "select text, substr(posted_at, 1, 10) from verbatims order by id"


def quiet(_what: str, _more: int) -> None:
    pass


def make(folder: Path, layout: str, **files: str) -> Project:
    """The project with these files alone in its folder `data`; what is stored already stays."""
    shutil.rmtree(folder / "data", ignore_errors=True)
    (folder / "data").mkdir(parents=True)
    (folder / "feedback.toml").write_text(SETTINGS, encoding="utf-8")
    (folder / ".feedback-key").write_text("00" * 32, encoding="utf-8")
    (folder / "shop.layout.toml").write_text(layout, encoding="utf-8")
    for name, text in (files or FILES).items():
        (folder / "data" / name).write_text(HEADER + text, encoding="utf-8")
    return load_project(folder)


def gather(project: Project, progress: Callable[[str, int], None] = quiet) -> Collected:
    with Store.open(project.database) as store:
        return collect(store, project, project.sources[0], progress)


def query(project: Project, sql: str) -> list[tuple[Any, ...]]:
    with Store.open(project.database) as store:
        return rows(store.connection, sql)


def contents(project: Project) -> list[list[tuple[Any, ...]]]:
    """All that is stored, in a database that is sound."""
    with closing(sqlite3.connect(project.database)) as database:
        assert rows(database, "pragma integrity_check") == [("ok",)]
        assert rows(database, "pragma foreign_key_check") == []
        assert rows(database, "select * from copy_bands where verbatim_id not in (select id from verbatims)") == []
        return [sorted(rows(database, sql), key=repr) for sql in CONTENTS]


def fresh(tmp_path: Path, layout: str, **files: str) -> list[list[tuple[Any, ...]]]:
    """What is stored of files that were read under this layout and no other."""
    project = make(tmp_path / "fresh", layout, **files)
    gather(project)
    return contents(project)
