"""The ratings of a survey that is exported again: questions were deleted or worded anew, answers taken back or corrected. All people and words are made up."""

from pathlib import Path

import pytest
from command import run
from survey_exports import HEADER, SETTINGS, project_in, values, write_csv

RATED = ["1、您有多大可能向朋友推荐我们？", "2、您对物流满意吗", "3、您对客服满意吗", "4、您还有什么建议"]
SKIPS = 'name = "ours"\nkind = "survey"\nchannel = "问卷"\nheader = ["序号"]\n[columns]\nsource_id = "序号"\nposted_at = "提交答卷时间"\n'


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return project_in(tmp_path)


def export_rated(shop: Path, week: int, columns: list[str], *answers: dict[str, str]) -> None:
    """An export with these of the questions; of each response the answers by their number."""
    rows = [
        [
            str(number),
            f"2026/02/09 12:{number:02}:00",
            "35秒",
            "微信",
            "",
            "",
            *(said.get(name[0], "") for name in columns),
        ]
        for number, said in enumerate(answers, 1)
    ]
    write_csv(shop / "data" / f"问卷_{week}.csv", HEADER + columns, rows)


PLEASED = {"1": "9", "2": "5", "3": "3", "4": "包装再结实一点"}
ANGRY = {"1": "2", "2": "1", "3": "1", "4": "太慢了，等了一周"}
BOTH = [("csat", 1), ("csat", 1), ("csat", 3), ("csat", 5), ("nps", 2), ("nps", 9)]


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("columns", [[0, 2, 3], [1, 2, 3], [3], [0, 1]])
def test_ratings_stay_when_their_question_is_deleted_and_nothing_has_changed(
    shop: Path, columns: list[int], at_once: bool
) -> None:
    export_rated(shop, 1, RATED, PLEASED, ANGRY)
    if not at_once:
        run("collect", project=shop)
    export_rated(shop, 2, [RATED[number] for number in columns], PLEASED, ANGRY)
    said = run("collect", project=shop).out
    assert "changed" not in said
    assert "rejected" not in said
    assert values(shop) == BOTH
    assert run("collect", project=shop).out == "问卷: nothing new (2 files unchanged)\n"


@pytest.mark.parametrize("at_once", [False, True])
def test_a_rating_that_the_response_has_no_more_goes_and_one_that_was_corrected_takes_its_place(
    shop: Path, at_once: bool
) -> None:
    export_rated(shop, 1, RATED, PLEASED, ANGRY)
    if not at_once:
        run("collect", project=shop)
    export_rated(shop, 2, RATED, {**PLEASED, "2": "(空)", "3": "4"}, {"4": ANGRY["4"]})
    run("collect", project=shop)
    assert values(shop) == [("csat", 4), ("nps", 9)]


def test_a_response_whose_ratings_are_all_taken_back_keeps_those_to_questions_that_are_gone(shop: Path) -> None:
    export_rated(shop, 1, RATED, PLEASED, ANGRY)
    run("collect", project=shop)
    export_rated(shop, 2, RATED[1:], {"4": PLEASED["4"]}, ANGRY)
    assert run("collect", project=shop).out == "问卷: 0 new, 3 already there, 1 withdrawn\n"
    assert values(shop) == [("csat", 1), ("csat", 1), ("nps", 2), ("nps", 9)]
    # Who rated nothing recalled nothing.
    assert "Recalled" not in run("doctor", "data/问卷_2.csv", project=shop).out


@pytest.mark.parametrize("said", ['choice = ["您对物流满意吗"]', 'skip = ["2、您对物流满意吗"]'])
def test_ratings_go_where_a_layout_says_that_their_question_is_none(shop: Path, said: str) -> None:
    export_rated(shop, 1, RATED, PLEASED, ANGRY)
    run("collect", project=shop)
    listed = said if said.startswith("skip") else f"skip = []\n{said}"
    (shop / "ours.toml").write_text(f'{SKIPS}[survey]\ntook = "所用时间"\n{listed}\n', encoding="utf-8")
    (shop / "feedback.toml").write_text(f'{SETTINGS}layout = "ours.toml"\n', encoding="utf-8")
    run("collect", project=shop)
    assert values(shop) == [("csat", 1), ("csat", 3), ("nps", 2), ("nps", 9)]


@pytest.mark.parametrize("at_once", [False, True])
def test_a_rating_goes_with_its_question_when_that_is_worded_anew(shop: Path, at_once: bool) -> None:
    export_rated(shop, 1, RATED, PLEASED, ANGRY)
    if not at_once:
        run("collect", project=shop)
    again = [RATED[0].replace("向朋友", "向您的朋友"), *RATED[1:]]
    export_rated(shop, 2, again, PLEASED, ANGRY)
    said = run("collect", project=shop).out
    assert ("changed" in said, "rejected" in said, values(shop)) == (False, False, BOTH)
    export_rated(shop, 3, again, {**PLEASED, "1": "8"}, ANGRY)
    run("collect", project=shop)
    assert values(shop) == [*BOTH[:5], ("nps", 8)]


def test_ratings_stay_when_the_next_export_no_longer_shows_that_their_question_is_one(shop: Path) -> None:
    export_rated(shop, 1, RATED, PLEASED, ANGRY)
    run("collect", project=shop)
    others = [{"2": answer} for answer in ("看情况", "随便", "说来话长", "还没到", "看情况", "随便")]
    export_rated(shop, 2, RATED, PLEASED, ANGRY, *others)
    run("collect", project=shop)
    assert values(shop) == BOTH
