"""Exports of a survey, as 问卷星 writes them, and a project that collects them. All people and words are made up."""

import csv
import sqlite3
from contextlib import closing
from pathlib import Path

HEADER = ["序号", "提交答卷时间", "所用时间", "来源", "来源详情", "来自IP"]
SETTINGS = '[project]\nname = "小店"\n[analysis]\nengine = "fast"\n[[sources]]\nname = "问卷"\npaths = ["data"]\n'


def project_in(folder: Path) -> Path:
    (folder / "data").mkdir()
    (folder / "feedback.toml").write_text(SETTINGS, encoding="utf-8")
    return folder


def write_csv(path: Path, header: list[str], rows: list[list[object]]) -> None:
    with path.open("w", encoding="gbk", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def scores(shop: Path) -> list[tuple[str, str, float]]:
    """All that is stored: by response, whatever it hangs on."""
    with closing(sqlite3.connect(shop / "feedback.db")) as database:
        return database.execute(
            "select v.conversation_id, s.metric, s.value from scores s join verbatims v on v.id = s.verbatim_id order by v.id, s.number"
        ).fetchall()


def values(shop: Path) -> list[tuple[str, float]]:
    return sorted((metric, value) for _, metric, value in scores(shop))
