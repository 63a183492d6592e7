"""问卷星 exports everything each time: the next export, under a new name, holds all earlier answers again. Nothing may double. All people and words are made up."""

import csv
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from command import run
from openpyxl import Workbook

from storage.figures import Scope, ratings
from storage.store import Store

HEADER = ["序号", "提交答卷时间", "所用时间", "来源", "来源详情", "来自IP"]
QUESTIONS = ["1、您有多大可能向朋友推荐我们？", "2、最想要的功能", "3、您还有什么建议", "4、您的手机号"]
FUNCTIONS = ("定时研磨", "静音模式", "一键清洗")
SETTINGS = '[project]\nname = "小店"\n[analysis]\nengine = "fast"\n[[sources]]\nname = "问卷"\npaths = ["data"]\n'
BEGIN = datetime(2026, 2, 9, 12, 0, 5)


def responses(count: int) -> list[list[object]]:
    """The first so many; two of them were sent in the same second, and one left the words out."""
    found: list[list[object]] = []
    for number in range(1, count + 1):
        moment = BEGIN + timedelta(minutes=7 * (number - number % 2))
        words = "-2" if number == 5 else f"第{number}次买了，希望发货再快一点"
        answers = [str(number % 11), FUNCTIONS[number % 3], words, f"138{number:08}"]
        found.append([number, moment, "35秒", "微信", "", "113.87.1.2(广东-深圳)", *answers])
    return found


def export_csv(path: Path, count: int, form: str = "%Y/%m/%d %H:%M:%S") -> None:
    with path.open("w", encoding="gbk", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER + QUESTIONS)
        writer.writerows([number, moment.strftime(form), *rest] for number, moment, *rest in responses(count))  # type: ignore[attr-defined]


def export_xlsx(path: Path, count: int) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in [HEADER + QUESTIONS, *responses(count)]:
        sheet.append(row)
    book.save(path)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "feedback.toml").write_text(SETTINGS, encoding="utf-8")
    return tmp_path


def stored(shop: Path) -> dict[str, str]:
    with closing(sqlite3.connect(shop / "feedback.db")) as database:
        rows = database.execute("select source_id, text from verbatims").fetchall()
    assert len(rows) == len(dict(rows))
    return dict(rows)


def rated(shop: Path) -> int:
    with Store.open_readonly(shop / "feedback.db") as store:
        return len(list(ratings(store.connection, Scope(None, None, 1_000_000, ""))))


def expected(count: int) -> dict[str, str]:
    found = {}
    for number, moment, *_, words, _phone in responses(count):
        assert isinstance(moment, datetime)
        key = f"{number}-{moment:%Y%m%d%H%M}-35"
        found |= {key: ""} if words == "-2" else {f"{key}/3": str(words)}
    return found


def test_the_next_export_adds_what_came_since_and_nothing_else(shop: Path) -> None:
    export_csv(shop / "data" / "问卷_0209.csv", 40)
    assert run("collect", project=shop).out == "问卷: 40 new\n"
    export_csv(shop / "data" / "问卷_0216.csv", 55)
    assert run("collect", project=shop).out == "问卷: 15 new, 40 already there\n"
    export_xlsx(
        shop / "data" / "A问卷_0223.xlsx", 60
    )  # as Excel, which has its own dates; and by name before the others
    export_csv(shop / "data" / "问卷_0224.csv", 60, "%Y/%-m/%-d %H:%M:%S")
    ran = run("collect", project=shop)
    assert ran.out.startswith("问卷: 5 new, ")
    assert stored(shop) == expected(60)
    assert rated(shop) == 60
    assert run("collect", project=shop).out == "问卷: nothing new (4 files unchanged)\n"


def test_an_export_that_excel_saved_without_its_seconds_adds_and_changes_nothing(shop: Path) -> None:
    export_csv(shop / "data" / "a.csv", 40)
    run("collect", project=shop)
    export_csv(shop / "data" / "a.csv", 41, "%Y/%-m/%-d %-H:%M")
    assert run("collect", project=shop).out == "问卷: 1 new, 40 already there\n"
    assert stored(shop) == expected(41)


def test_an_earlier_export_that_is_taken_away_takes_nothing_with_it(shop: Path) -> None:
    export_csv(shop / "data" / "a.csv", 40)
    run("collect", project=shop)
    (shop / "data" / "a.csv").unlink()
    export_csv(shop / "data" / "b.csv", 41)
    assert run("collect", project=shop).out == "问卷: 1 new, 40 already there\n"
    assert stored(shop) == expected(41)


def test_all_exports_at_once_are_as_one(shop: Path) -> None:
    for count in (30, 40, 60):
        export_csv(shop / "data" / f"问卷_{count}.csv", count)
    run("collect", project=shop)
    assert stored(shop) == expected(60)
    assert rated(shop) == 60


def test_a_question_that_shows_itself_as_a_choice_only_later_doubles_no_rating(shop: Path) -> None:
    """Of three answers nobody can tell: the words are kept, with the ratings. Of sixty it is plain, and the ratings go to another answer."""
    export_csv(shop / "data" / "a.csv", 3)
    run("collect", project=shop)
    assert {key.partition("/")[2] for key in stored(shop)} == {"2", "3"}
    export_csv(shop / "data" / "b.csv", 60)
    assert run("collect", project=shop).out.startswith("问卷: 57 new, 3 changed")
    found = stored(shop)
    assert {key: text for key, text in found.items() if not key.endswith("/2")} == expected(60)
    assert sorted(text for key, text in found.items() if key.endswith("/2")) == sorted(FUNCTIONS)
    assert rated(shop) == 60
