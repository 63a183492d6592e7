"""Surveys whose responses have no numbers, exported again. All people and words are made up."""

from pathlib import Path

import pytest
from command import run
from survey_exports import SETTINGS, project_in, scores, values, write_csv

NUMBERLESS = 'name = "our"\nkind = "survey"\nchannel = "问卷"\nheader = ["提交时间"]\n[columns]\nposted_at = "提交时间"\n[survey]\n'
LIKED, BETTER = "您喜欢我们什么？", "您对我们还有什么建议？"
NPS, CSAT = "您会推荐我们吗？（0-10）", "您对物流满意吗"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return project_in(tmp_path)


@pytest.mark.parametrize("at_once", [True, False])
def test_of_responses_without_a_number_nothing_doubles_when_questions_change_places_or_go(
    shop: Path, at_once: bool
) -> None:
    (shop / "our.layout.toml").write_text(NUMBERLESS, encoding="utf-8")
    with (shop / "feedback.toml").open("a", encoding="utf-8") as file:
        file.write('layout = "our.layout.toml"\n')
    header = ["提交时间", "您会推荐我们吗？（0-10）", LIKED, BETTER]
    rows: list[list[object]] = [
        ["2026/3/1 12:00:01", "9", "豆子新鲜", "多出新品"],
        ["2026/3/1 12:00:02", "3", "包装", "发货快点"],
        ["2026/3/1 12:00:03", "4", "包装好看", ""],
    ]
    for name, places in (("a.csv", [0, 1, 2, 3]), ("b.csv", [0, 3, 2, 1])):
        write_csv(shop / "data" / name, [header[n] for n in places], [[row[n] for n in places] for row in rows])
        if name == "b.csv" or not at_once:
            ran = run("collect", project=shop)
    assert ran.out == ("问卷: 5 new, 5 already there\n" if at_once else "问卷: 0 new, 5 already there\n")
    assert sorted(value for _, _, value in scores(shop)) == [3, 4, 9]
    write_csv(shop / "data" / "c.csv", [header[n] for n in (0, 2, 3)], [[row[n] for n in (0, 2, 3)] for row in rows])
    assert run("collect", project=shop).out == "问卷: 0 new, 5 already there\n"
    assert sorted(value for _, _, value in scores(shop)) == [3, 4, 9]  # the question was deleted, not what was answered


def numberless(shop: Path, name: str, questions: list[str], *answers: list[object]) -> str:
    (shop / "our.layout.toml").write_text(NUMBERLESS, encoding="utf-8")
    settings = f'{SETTINGS}layout = "our.layout.toml"\n'
    (shop / "feedback.toml").write_text(settings, encoding="utf-8")
    write_csv(shop / "data" / name, ["提交时间", *questions], list(answers))
    return run("collect", project=shop).out


@pytest.mark.parametrize("moment", ["2026/3/1 10:00:40", "2026/3/1 10:00:05", "2026/3/1 10:00"])
def test_of_responses_without_a_number_none_takes_the_place_of_another_in_the_same_words(
    shop: Path, moment: str
) -> None:
    numberless(shop, "a.csv", [NPS, CSAT, BETTER], ["2026/3/1 10:00:05", "9", "满意", "很好，下次还来"])
    assert numberless(shop, "b.csv", [NPS, CSAT, BETTER], [moment, "2", "不满意", "很好，下次还来"]) == "问卷: 1 new\n"
    assert values(shop) == [("csat", 2), ("csat", 4), ("nps", 2), ("nps", 9)]


@pytest.mark.parametrize("again", [[NPS], [CSAT], [NPS, "您对这次的物流满意吗"]])
def test_of_responses_without_a_number_ratings_stay_once_when_a_rating_is_deleted_or_worded_anew(
    shop: Path, again: list[str]
) -> None:
    rows: list[list[object]] = [["2026/3/1 10:00:05", "9", "满意", "很好"], ["2026/3/1 10:00:07", "2", "不满意", ""]]
    numberless(shop, "a.csv", [NPS, CSAT, BETTER], *rows)
    places = [0, *([1] if NPS in again else []), *([2] if again != [NPS] else []), 3]
    said = numberless(shop, "b.csv", [*again, BETTER], *([row[place] for place in places] for row in rows))
    assert said == "问卷: 0 new, 2 already there\n"
    assert values(shop) == [("csat", 2), ("csat", 4), ("nps", 2), ("nps", 9)]
