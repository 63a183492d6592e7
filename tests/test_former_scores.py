"""Ratings that an earlier version stored, which did not note their questions. All people and words are made up."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from command import run

SETTINGS = '[project]\nname = "店"\n[[sources]]\nname = "问卷"\npaths = ["data"]\n'
HEADER = "序号,提交答卷时间,所用时间"
LIKELY, PLEASED, WHY = "1、您愿意推荐我们吗（0-10）", "2、您对我们满意吗", "3、您的建议"
RESPONSES = [(9, "满意", "发货再快一点"), (3, "不满意", "杯盖漏水"), (7, "一般", "")]


def write(path: Path, **questions: int) -> None:
    """The responses, of which each question is answered by that place in `RESPONSES`."""
    wordings = {"likely": LIKELY, "pleased": PLEASED, "why": WHY}
    lines = [",".join((HEADER, *(wordings[name] for name in questions)))]
    for number, said in enumerate(RESPONSES, 1):
        lines.append(",".join((f"{number},2026/3/1 10:0{number}:05,30秒", *(str(said[i]) for i in questions.values()))))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """An export that was collected by an earlier version."""
    (tmp_path / "data").mkdir()
    (tmp_path / "feedback.toml").write_text(SETTINGS, encoding="utf-8")
    write(path := tmp_path / "data" / "a.csv", likely=0, pleased=1, why=2)
    assert run("collect", project=tmp_path).out == "问卷: 5 new\n"
    with closing(sqlite3.connect(tmp_path / "feedback.db")) as database:
        database.execute("update scores set question_key = ''")
        database.execute("update readings set settings = 'of an earlier version'")
        database.execute("delete from cursors")
        database.commit()
    return path


def scores(export: Path) -> list[tuple[str, float]]:
    with closing(sqlite3.connect(export.parent.parent / "feedback.db")) as database:
        return database.execute("select metric, value from scores order by metric, value").fetchall()


BOTH = [("csat", 2.0), ("csat", 3.0), ("csat", 4.0), ("nps", 3.0), ("nps", 7.0), ("nps", 9.0)]


@pytest.mark.parametrize("left", [{"likely": 0}, {"pleased": 1}, {}])
def test_they_stay_where_the_next_export_lacks_their_question(export: Path, left: dict[str, int]) -> None:
    write(export, **left, why=2)
    assert run("collect", project=export.parent.parent).code == 0
    assert scores(export) == BOTH


def test_they_go_where_their_answer_was_taken_back(export: Path) -> None:
    export.write_text(export.read_text(encoding="utf-8").replace("30秒,9,满意", "30秒,(空),满意"), encoding="utf-8")
    run("collect", project=export.parent.parent)
    assert scores(export) == BOTH[:-1]
    export.write_text(export.read_text(encoding="utf-8").replace("(空),满意", "(空),(空)"), encoding="utf-8")
    run("collect", project=export.parent.parent)
    assert scores(export) == [*BOTH[:2], *BOTH[3:5]]


def test_they_go_where_the_same_file_is_read_anew_and_has_no_such_rating(export: Path) -> None:
    """That version took options for ratings."""
    with closing(sqlite3.connect(export.parent.parent / "feedback.db")) as database:
        database.execute(
            "insert into scores (verbatim_id, number, metric, value, scale_low, scale_high) select verbatim_id, 9, 'csat', 1, 0, 5 from scores group by 1"
        )
        database.commit()
    run("collect", project=export.parent.parent)
    assert scores(export) == BOTH
