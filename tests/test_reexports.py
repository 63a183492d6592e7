"""问卷星 exports everything each time: the next export, under a new name, holds all earlier answers again. Nothing may double. All people and words are made up."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from importlib import resources
from pathlib import Path

import pytest
from command import run
from openpyxl import Workbook
from survey_exports import HEADER, project_in, scores, write_csv

from feedback.collectors.survey import wording_key
from storage.figures import Scope, ratings
from storage.store import Store

QUESTIONS = ["1、您有多大可能向朋友推荐我们？", "2、最想要的功能", "3、您还有什么建议", "4、您的手机号"]
FUNCTIONS = ("定时研磨", "静音模式", "一键清洗")
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
    write_csv(
        path,
        HEADER + QUESTIONS,
        [[number, moment.strftime(form), *rest] for number, moment, *rest in responses(count)],  # type: ignore[attr-defined]
    )


def export_xlsx(path: Path, count: int) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in [HEADER + QUESTIONS, *responses(count)]:
        sheet.append(row)
    book.save(path)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return project_in(tmp_path)


def stored(shop: Path) -> dict[str, str]:
    with closing(sqlite3.connect(shop / "feedback.db")) as database:
        rows = database.execute("select source_id, text from verbatims").fetchall()
    assert len(rows) == len(dict(rows))
    return dict(rows)


def rated(shop: Path) -> int:
    with Store.open_readonly(shop / "feedback.db") as store:
        return len(list(ratings(store.connection, Scope(None, None, 1_000_000, ""))))


def expected(count: int) -> dict[str, str]:
    """The ratings of each response, and the words of those who wrote any."""
    found = {}
    for number, moment, *_, words, _phone in responses(count):
        assert isinstance(moment, datetime)
        key = f"{number}-{moment:%Y%m%d%H%M}-35"
        found |= {key: ""} if words == "-2" else {key: "", f"{key}/{wording_key('您还有什么建议')}": str(words)}
    return found


def test_the_next_export_adds_what_came_since_and_nothing_else(shop: Path) -> None:
    export_csv(shop / "data" / "问卷_0209.csv", 40)
    assert run("collect", project=shop).out == "问卷: 79 new\n"
    export_csv(shop / "data" / "问卷_0216.csv", 55)
    assert run("collect", project=shop).out == "问卷: 30 new, 79 already there\n"
    export_xlsx(
        shop / "data" / "A问卷_0223.xlsx", 60
    )  # as Excel, which has its own dates; and by name before the others
    export_csv(shop / "data" / "问卷_0224.csv", 60, "%Y/%-m/%-d %H:%M:%S")
    ran = run("collect", project=shop)
    assert ran.out.startswith("问卷: 10 new, ")
    assert stored(shop) == expected(60)
    assert rated(shop) == 60
    assert run("collect", project=shop).out == "问卷: nothing new (4 files unchanged)\n"


def test_an_export_that_excel_saved_without_its_seconds_adds_and_changes_nothing(shop: Path) -> None:
    export_csv(shop / "data" / "a.csv", 40)
    run("collect", project=shop)
    export_csv(shop / "data" / "a.csv", 41, "%Y/%-m/%-d %-H:%M")
    assert run("collect", project=shop).out == "问卷: 2 new, 79 already there\n"
    assert stored(shop) == expected(41)


def test_an_earlier_export_that_is_taken_away_takes_nothing_with_it(shop: Path) -> None:
    export_csv(shop / "data" / "a.csv", 40)
    run("collect", project=shop)
    (shop / "data" / "a.csv").unlink()
    export_csv(shop / "data" / "b.csv", 41)
    assert run("collect", project=shop).out == "问卷: 2 new, 79 already there\n"
    assert stored(shop) == expected(41)


def test_all_exports_at_once_are_as_one(shop: Path) -> None:
    for count in (30, 40, 60):
        export_csv(shop / "data" / f"问卷_{count}.csv", count)
    run("collect", project=shop)
    assert stored(shop) == expected(60)
    assert rated(shop) == 60


def test_a_question_that_shows_itself_as_a_choice_only_later_doubles_no_rating(shop: Path) -> None:
    """Of three answers nobody can tell: the words are kept. Of sixty it is plain, and nothing more is collected of it."""
    export_csv(shop / "data" / "a.csv", 3)
    run("collect", project=shop)
    function = f"/{wording_key('最想要的功能')}"
    assert len(scores(shop)) == len({response for response, _, _ in scores(shop)}) == 3
    export_csv(shop / "data" / "b.csv", 60)
    assert run("collect", project=shop).out == "问卷: 113 new, 6 already there\n"
    found = stored(shop)
    assert {key: text for key, text in found.items() if not key.endswith(function)} == expected(60)
    assert sorted(text for key, text in found.items() if key.endswith(function)) == sorted(FUNCTIONS)
    assert len(scores(shop)) == rated(shop) == 60


def test_options_that_were_taken_for_words_are_taken_out_where_a_layout_names_their_question(shop: Path) -> None:
    for count in (3, 60):
        export_csv(shop / "data" / f"{count}.csv", count)
    run("collect", project=shop)
    assert len(stored(shop)) == len(expected(60)) + 3
    layout = (resources.files("feedback.collectors") / "layouts" / "wjx.toml").read_text(encoding="utf-8")
    (shop / "our.layout.toml").write_text(f'{layout}choice = ["最想要的功能"]\n', encoding="utf-8")
    with (shop / "feedback.toml").open("a", encoding="utf-8") as file:
        file.write('layout = "our.layout.toml"\n')
    assert "3 of an earlier reading taken out" in run("collect", project=shop).out
    assert stored(shop) == expected(60)


LIKED, BETTER = "您喜欢我们什么？", "您对我们还有什么建议？"


def answered(path: Path, questions: list[str], *answers: list[str]) -> None:
    """An export with these questions, numbered as they stand, and what each response answered to them."""
    rows: list[list[object]] = [
        [number, f"2026/3/1 12:0{number}:35", "35秒", "微信", "", "", *given] for number, given in enumerate(answers, 1)
    ]
    header = [f"{number}、{question}" for number, question in enumerate(["您会推荐我们吗？（0-10）", *questions], 1)]
    write_csv(path, HEADER + header, rows)


def told(shop: Path) -> list[tuple[str | None, str]]:
    """What was asked and answered, in words, by response."""
    with closing(sqlite3.connect(shop / "feedback.db")) as database:
        return database.execute(
            "select question, text from verbatims where text != '' order by conversation_id, question"
        ).fetchall()


@pytest.fixture(params=[True, False], ids=["one after another", "at once"])
def grown(request: pytest.FixtureRequest, shop: Path) -> Callable[[], str]:
    """Collects the exports a.csv and b.csv: the later one when the earlier one has been collected, or both in one run."""

    def collect() -> str:
        later = shop / "data" / "b.csv"
        if request.param:
            later.rename(shop / "b.csv")
            run("collect", project=shop)
            (shop / "b.csv").rename(later)
        ran = run("collect", project=shop)
        assert "rejects" not in ran.out + ran.err
        assert run("collect", project=shop).out == "问卷: nothing new (2 files unchanged)\n"
        return ran.out

    return collect


def test_a_question_that_is_inserted_doubles_no_answer_and_loses_none(shop: Path, grown: Callable[[], str]) -> None:
    answered(shop / "data" / "a.csv", [BETTER], ["9", "多出新品"], ["3", "发货快点"])
    answered(
        shop / "data" / "b.csv",
        [LIKED, BETTER],
        ["9", "(空)", "多出新品"],
        ["3", "(空)", "发货快点"],
        ["5", "豆子新鲜", "没有了"],
    )
    grown()
    assert told(shop) == [(BETTER, "多出新品"), (BETTER, "发货快点"), (LIKED, "豆子新鲜"), (BETTER, "没有了")]
    assert [value for _, _, value in scores(shop)] == [9, 3, 5]


def test_a_question_that_is_deleted_takes_neither_its_answers_nor_those_of_others_with_it(
    shop: Path, grown: Callable[[], str]
) -> None:
    answered(shop / "data" / "a.csv", [LIKED, BETTER], ["9", "豆子新鲜", "多出新品"], ["3", "包装", "发货快点"])
    answered(shop / "data" / "b.csv", [BETTER], ["9", "多出新品"], ["3", "发货快点"], ["5", "没有了"])
    grown()
    assert told(shop) == [
        (LIKED, "豆子新鲜"),
        (BETTER, "多出新品"),
        (LIKED, "包装"),
        (BETTER, "发货快点"),
        (BETTER, "没有了"),
    ]


def test_questions_that_change_places_keep_their_answers(shop: Path, grown: Callable[[], str]) -> None:
    answered(shop / "data" / "a.csv", [LIKED, BETTER], ["9", "豆子新鲜", "无"], ["3", "无", "无"])
    answered(shop / "data" / "b.csv", [BETTER, LIKED], ["9", "无", "豆子新鲜"], ["3", "无", "无"])
    grown()
    assert told(shop) == [(LIKED, "豆子新鲜"), (BETTER, "无"), (LIKED, "无"), (BETTER, "无")]


def test_the_marks_that_exports_put_at_a_question_change_nothing(shop: Path, grown: Callable[[], str]) -> None:
    answered(shop / "data" / "a.csv", [LIKED, BETTER], ["9", "豆子新鲜", "多出新品"])
    marked = ["*您喜欢我们什么?（必填）", "【填空题】 您对我们 还有什么建议"]
    answered(shop / "data" / "b.csv", marked, ["9", "豆子新鲜", "多出新品"])
    grown()
    assert told(shop) == [(LIKED, "豆子新鲜"), (BETTER, "多出新品")]


def test_an_answer_goes_with_its_question_when_that_is_worded_anew(shop: Path, grown: Callable[[], str]) -> None:
    answered(shop / "data" / "a.csv", [LIKED, "您对我们有什么建仪？"], ["9", "无", "无"], ["3", "包装", "快点"])
    answered(
        shop / "data" / "b.csv", [LIKED, BETTER], ["9", "无", "无"], ["3", "包装", "快点"], ["5", "豆子", "没有了"]
    )
    grown()
    answers = [
        (LIKED, "无"),
        (BETTER, "无"),
        (LIKED, "包装"),
        (BETTER, "快点"),
        (LIKED, "豆子"),
        (BETTER, "没有了"),
    ]
    assert told(shop) == answers
    with (shop / "feedback.toml").open("a", encoding="utf-8") as file:
        file.write('channel = "回访"\n')  # both exports are read once more
    run("collect", project=shop)
    assert told(shop) == answers
    assert len(stored(shop)) == len(answers) + 3


SHOP, DELIVERY, WHY = "对门店的看法", "对物流的看法", "原因"


@pytest.mark.parametrize(
    "later",
    [
        [SHOP, DELIVERY, WHY],
        [DELIVERY, WHY],
        [SHOP, WHY],
        [DELIVERY, WHY, SHOP, WHY],
        [SHOP, BETTER, WHY, DELIVERY, WHY],
    ],
)
def test_of_two_questions_alike_each_keeps_its_answers_whatever_becomes_of_the_other(
    shop: Path, grown: Callable[[], str], later: list[str]
) -> None:
    answers = {
        SHOP: [("灯光柔和", "座位多"), ("位置偏", "不好找")],
        DELIVERY: [("太慢了", "等了五天"), ("很快", "发的顺丰")],
    }

    def export(name: str, questions: list[str]) -> None:
        rows = []
        for number in range(2):
            said = ["9"]
            about = DELIVERY if questions == [SHOP, DELIVERY, WHY] else SHOP  # of a 原因 whose question is gone
            for question in questions:
                about = question if question in answers else about
                said.append("(空)" if question == BETTER else answers[about][number][question == WHY])
            rows.append(said)
        answered(shop / "data" / name, questions, *rows)

    export("a.csv", [SHOP, WHY, DELIVERY, WHY])
    export("b.csv", later)
    grown()
    expected = [(question, text) for question, said in answers.items() for text, _ in said]
    expected += [(WHY, text) for said in answers.values() for _, text in said]
    assert sorted(told(shop), key=str) == sorted(expected, key=str)


def test_a_question_worded_anew_drops_no_marks_and_an_answer_that_was_edited_meanwhile_is_one_more(shop: Path) -> None:
    answered(shop / "data" / "a.csv", ["您对我们有什么建仪？"], ["9", "多出新品"], ["3", "发货快点"])
    run("collect", project=shop)
    run("analyze", project=shop)
    answered(shop / "data" / "b.csv", [BETTER], ["9", "多出新品"], ["3", "发货快点，谢谢"])
    assert run("collect", project=shop).out == "问卷: 1 new, 3 already there\n"
    assert run("analyze", project=shop).out.startswith("1 verbatims analysed")
    assert told(shop) == [(BETTER, "多出新品"), ("您对我们有什么建仪？", "发货快点"), (BETTER, "发货快点，谢谢")]


def test_of_questions_in_the_same_words_without_numbers_each_keeps_its_answers_when_one_is_deleted(shop: Path) -> None:
    """`原因 (2)` is what the second is called here, not how it is worded."""
    pairs, rows = [SHOP, WHY, DELIVERY, WHY], [["5", "灯光柔和", "1", "太慢了"], ["4", "座位多", "2", "等了五天"]]
    for name, first in (("a.csv", 0), ("b.csv", 2)):
        answers: list[list[object]] = [
            [number, "2026/3/1 12:00:35", "35秒", "微信", "", "", *row[first:]] for number, row in enumerate(rows, 1)
        ]
        write_csv(shop / "data" / name, HEADER + pairs[first:], answers)
        run("collect", project=shop)
        assert sorted(told(shop), key=str) == [(WHY, "太慢了"), (WHY, "座位多"), (WHY, "灯光柔和"), (WHY, "等了五天")]


def test_a_question_whose_own_words_end_in_a_number_in_brackets_keeps_them(shop: Path) -> None:
    write_csv(
        shop / "data" / "a.csv", [*HEADER, WHY, f"{WHY} (2)"], [[1, "2026/3/1 12:00", "35", "", "", "", "慢", "贵"]]
    )
    run("collect", project=shop)
    assert told(shop) == [(WHY, "慢"), (f"{WHY} (2)", "贵")]


def test_an_answer_that_was_edited_takes_the_place_of_what_it_was(shop: Path) -> None:
    answered(shop / "data" / "a.csv", [LIKED, BETTER], ["9", "(空)", "多出新品"])
    run("collect", project=shop)
    answered(shop / "data" / "b.csv", [LIKED, BETTER], ["7", "豆子新鲜", "多出新品，多打折"])
    assert run("collect", project=shop).out == "问卷: 1 new, 2 changed\n"
    assert told(shop) == [(LIKED, "豆子新鲜"), (BETTER, "多出新品，多打折")]
    assert [value for _, _, value in scores(shop)] == [7]


def test_what_an_earlier_version_stored_by_number_is_the_same_though_the_file_has_grown_since(shop: Path) -> None:
    """It hung the ratings on the first answer."""
    answered(shop / "data" / "a.csv", [LIKED, BETTER], ["9", "豆子新鲜", "多出新品"], ["3", "(空)", "(空)"])
    run("collect", project=shop)
    with closing(sqlite3.connect(shop / "feedback.db")) as database:
        database.execute("update verbatims set source_id = conversation_id || '/' || turn, content_hash = 1 where turn")
        database.execute("update scores set verbatim_id = 2 where verbatim_id = 1")
        database.execute("delete from verbatims where id = 1")
        database.execute("update readings set settings = 'of an earlier version'")
        database.execute("delete from cursors")
        database.commit()
    answered(
        shop / "data" / "a.csv",
        [LIKED, BETTER],
        ["9", "豆子新鲜", "多出新品"],
        ["3", "(空)", "(空)"],
        ["5", "(空)", "无"],
    )
    run("collect", project=shop)
    assert told(shop) == [(LIKED, "豆子新鲜"), (BETTER, "多出新品"), (BETTER, "无")]
    assert sorted(value for _, _, value in scores(shop)) == [3, 5, 9]


@pytest.mark.parametrize("later", [[DELIVERY, WHY], [SHOP, WHY, DELIVERY, WHY]])
def test_what_an_earlier_version_told_apart_by_the_order_of_questions_alike_is_the_same(
    shop: Path, later: list[str]
) -> None:
    """Though the export that told it first is gone."""
    said = [["灯光柔和", "座位多", "太慢了", "等了五天"], ["一般", "无", "一般", "无"]]
    answered(shop / "data" / "a.csv", [SHOP, WHY, DELIVERY, WHY], *(["9", *answers] for answers in said))
    run("collect", project=shop)
    before = sorted(told(shop), key=str)
    assert len(before) == 8
    with closing(sqlite3.connect(shop / "feedback.db")) as database:
        for about, former in ((SHOP, ""), (DELIVERY, ".2")):
            why = wording_key(WHY)
            database.execute(
                "update verbatims set source_id = conversation_id || '/' || ? where source_id = conversation_id || '/' || ?",
                (f"{why}{former}", f"{why}.{wording_key(about)}"),
            )
        assert database.total_changes == 4
        database.execute("delete from _sqlite_migrations where name = '0007_questions_alike'")
        database.commit()
    (shop / "data" / "a.csv").unlink()
    answered(shop / "data" / "b.csv", later, *(["9", *answers[-len(later) :]] for answers in said))
    assert run("collect", project=shop).out.startswith("问卷: 0 new, ")
    assert sorted(told(shop), key=str) == before
