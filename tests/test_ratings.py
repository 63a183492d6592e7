"""Ratings in stars and words: what is certain is read, and of the rest it is said what to write into the layout."""

from pathlib import Path

import pytest

from feedback.collectors.layout import parse_layout
from feedback.collectors.suggest import suggest_layout
from feedback.ratings import rating_of

SETTINGS = '[project]\nname = "小店"\n[[sources]]\nname = "店"\npaths = ["r.csv"]\nlayout = "own.toml"\n'
LAYOUT = 'name="o"\nkind="review"\nchannel="c"\n[columns]\ntext="话"\n[[scores]]\nmetric="star"\ncolumn="评分"\nlow=1\nhigh=5\n'
VALUES = '; what it is worth is said in the layout, under [[scores]]: values = { "好评" = 5 }'

STARS = [
    *(("★★★★★", 5), ("★★★☆☆", 3), ("★", 1), ("⭐⭐⭐⭐", 4), ("⭐️⭐️", 2), ("★ ★ ★", 3)),
    *(
        ("一星", 1),
        ("二星", 2),
        ("两颗星", 2),
        ("三星", 3),
        ("四星半", 4.5),
        ("四颗半星", 4.5),
        ("五星", 5),
        ("五星好评", 5),
    ),
    *(
        ("5颗星", 5),
        ("5个星", 5),
        ("4 星级", 4),
        ("5星好评", 5),
        ("4.5分", 4.5),
        ("五分", 5),
        ("4/5", 4),
        ("3 stars", 3),
    ),
    *(("★★☆", None), ("★★★★★★", None), ("☆☆☆☆☆", None), ("4/10", None), ("好评", None), ("100%", None), ("五", None)),
    *(("五星级酒店", None), ("十五星", None), ("", None), ("★★★★★好", None)),
]


@pytest.mark.parametrize("raw, value", STARS)
def test_stars_are_read_where_they_are_certain(raw: str, value: float | None) -> None:
    found = rating_of(raw, "star", 5)
    assert (found if found is None or 1 <= found <= 5 else None) == value


def test_stars_that_are_drawn_count_on_another_scale_only_where_all_of_it_is_drawn() -> None:
    assert rating_of("★★★", "star", 10) is None
    assert rating_of("★★★☆☆☆☆☆☆☆", "star", 10) == 3
    assert rating_of("★★★", "csat", 5) is None
    assert rating_of("4.5分", "csat", 5) == 4.5


def collected(folder: Path, cells: list[str], more: str = "") -> tuple[list[float], list[str]]:
    """The ratings that are stored, and the reasons of those that are not."""
    from feedback.pipeline import collect
    from feedback.project import load_project
    from storage.journal import list_rejects
    from storage.store import Store

    (folder / "feedback.toml").write_text(SETTINGS, encoding="utf-8")
    (folder / "own.toml").write_text(LAYOUT + more, encoding="utf-8")
    rows = [f"第{number}条物流很慢,{cell}" for number, cell in enumerate(cells)]
    (folder / "r.csv").write_text("\n".join(["话,评分", *rows]), encoding="utf-8")
    project = load_project(folder)
    with Store.open(project.database, create=True) as store:
        collect(store, project, project.sources[0], lambda _what, _more: None)
        values = [value for (value,) in store.connection.execute("select value from scores order by verbatim_id")]
        return values, [reject.reason for reject in list_rejects(store.connection, None, 50)]


def test_a_rating_that_is_not_certain_is_listed_with_what_to_write(tmp_path: Path) -> None:
    values, reasons = collected(tmp_path, ["五星", "★★★★☆", "好评", "80%", "7"])
    assert values == [5, 4]
    assert sorted(reasons) == [
        "star score unknown: '7' is not in 1..5",
        "star score unknown: '80%' is not in 1..5; if 100% is 5, say in the layout, under [[scores]]: divide = 20",
        f"star score unknown: '好评' is not in 1..5{VALUES}",
    ]


def test_a_layout_may_say_what_percentages_are_worth(tmp_path: Path) -> None:
    assert collected(tmp_path, ["100%", "80％", "30 %", "90分"], "divide = 20\n") == ([5, 4, 1.5, 4.5], [])


def test_words_are_worth_what_the_layout_says_and_others_are_said_to_be_missing_there(tmp_path: Path) -> None:
    values, reasons = collected(tmp_path, ["好评", "差评", "一般"], 'values = { "好评" = 5, "差评" = 1 }\n')
    assert (values, reasons) == (
        [5, 1],
        ["star score is not among the `values` of layout o, so it can't be read: 一般"],
    )


def test_a_drafted_layout_shows_how_to_say_what_words_are_worth() -> None:
    draft = suggest_layout("x", ["内容", "评分"])
    shown = [line for line in draft.splitlines() if line.startswith(("# values", "# divide"))]
    assert shown == [
        '# values = { "好评" = 5, "差评" = 1 }   # 评分是文字的，去掉行首的 # 号，写明每个词值几分',
        "# divide = 20   # 评分是百分数（100%）的，去掉行首的 # 号",
    ]
    assert parse_layout(draft.replace("# values", "values").replace("# divide", "divide"), "x").scores[0].divide == 20
