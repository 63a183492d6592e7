"""A table that somebody opened in Excel and saved in place: nothing doubles, nothing is lost. All people and words are made up."""

import csv
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from command import run

LAYOUT = 'name = "own"\nkind = "review"\nchannel = "门店"\n[columns]\ntext = "评价"\nposted_at = "时间"\nproduct = "商品"\ncustomer = "昵称"\nregion = "省"\n'
SETTINGS = '[project]\nname = "店"\n[[sources]]\nname = "门店"\npaths = ["data"]\nlayout = "own.layout.toml"\n'
SCORES = '[[scores]]\nmetric = "star"\ncolumn = "星"\nlow = 1\nhigh = 5\n'
HEADER = ["评价", "时间", "商品", "昵称", "省", "星"]
ROWS = [
    ["包装破了", datetime(2026, 3, 1, 8, 0, 37), "保温杯", "青山不改", "广东", "2"],
    ["很好", datetime(2026, 3, 1, 8, 0, 41), "保温杯", "", "", "5"],
    ["很好", datetime(2026, 3, 1, 8, 0, 52), "保温杯", "", "", "5"],  # another one, in the same minute
    ["很好", datetime(2026, 3, 1, 0, 0, 5), "保温杯", "绿水长流", "浙江", "4"],
]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "feedback.toml").write_text(SETTINGS, encoding="utf-8")
    (tmp_path / "own.layout.toml").write_text(LAYOUT + SCORES, encoding="utf-8")
    return tmp_path


def save(
    shop: Path, rows: Sequence[Sequence[object]], form: str = "%Y-%m-%d %H:%M:%S", ids: Sequence[str] = ()
) -> None:
    header = ["编号", *HEADER] if ids else HEADER
    if ids:
        rows = [[own_id, *row] for own_id, row in zip(ids, rows, strict=True)]
    written = [[cell.strftime(form) if isinstance(cell, datetime) else cell for cell in row] for row in rows]
    with (shop / "data" / "a.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *written])


def save_in_excel(shop: Path, rows: Sequence[Sequence[object]], ids: Sequence[str] = ()) -> None:
    save(shop, rows, "%Y/%-m/%-d %-H:%M", ids)


def stored(shop: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(shop / "feedback.db")) as database:
        return database.execute(
            "select id, source_id, text, posted_at, region, (select group_concat(value) from scores where verbatim_id = verbatims.id) "
            "from verbatims order by id"
        ).fetchall()


def let_an_earlier_version_have_stored(shop: Path) -> None:
    with closing(sqlite3.connect(shop / "feedback.db")) as database:
        database.execute("update verbatims set source_id = printf('%024d-0', id), content_hash = 1")
        database.execute("update readings set settings = 'of an earlier version'")
        database.execute("delete from cursors")
        database.commit()


def test_rows_without_ids_are_known_again_without_their_seconds(shop: Path) -> None:
    save(shop, ROWS)
    assert run("collect", project=shop).out == "门店: 4 new\n"
    before = stored(shop)
    save_in_excel(shop, ROWS)
    assert run("collect", project=shop).out == "门店: 0 new, 4 already there\n"
    assert stored(shop) == before
    save(shop, [*ROWS, ["太贵了", datetime(2026, 3, 2, 8, 0, 3), "保温杯", "", "", "3"]])
    assert run("collect", project=shop).out == "门店: 1 new, 4 already there\n"
    assert stored(shop)[:4] == before


def test_rows_whose_seconds_come_later_are_known_too(shop: Path) -> None:
    save_in_excel(shop, ROWS)
    run("collect", project=shop)
    save(shop, ROWS)
    assert run("collect", project=shop).out == "门店: 0 new, 4 already there\n"


def test_rows_that_an_earlier_version_stored_are_known_though_the_file_has_changed_since(shop: Path) -> None:
    save(shop, ROWS)
    run("collect", project=shop)
    texts = [row[2:] for row in stored(shop)]
    let_an_earlier_version_have_stored(shop)
    save(shop, [*ROWS, ["太贵了", datetime(2026, 3, 2, 8, 0, 3), "保温杯", "", "", "3"]])
    assert run("collect", project=shop).out == "门店: 1 new, 4 changed\n"
    assert [row[2:] for row in stored(shop)[:4]] == texts


def test_words_of_which_excel_made_an_error_stay_what_they_were(shop: Path) -> None:
    """It takes what begins with - or = for a formula."""
    (shop / "own.layout.toml").write_text(LAYOUT + 'source_id = "编号"\n' + SCORES, encoding="utf-8")
    rows, ids = [["-质量太差，用两天就坏了", *ROWS[0][1:]], *ROWS[1:]], ["P1", "P2", "P3", "P4"]
    save(shop, rows, ids=ids)
    run("collect", project=shop)
    before = stored(shop)
    garbled = [["#NAME?", *ROWS[0][1:]], *ROWS[1:]]
    for _ in range(2):
        save_in_excel(shop, garbled, ids)
        ran = run("collect", project=shop)
        assert ran.out.startswith("门店: 0 new, 4 already there, 1 rows or fields could not be used")
        assert stored(shop) == before
        save(shop, rows, ids=ids)
        assert run("collect", project=shop).out == "门店: 0 new, 4 already there\n"
    rated = [["#NAME?", *ROWS[0][1:5], "1"], *ROWS[1:], ["#NAME?", datetime(2026, 3, 3), "水壶", "", "", "3"]]
    save_in_excel(shop, rated, [*ids, "P5"])
    assert run("collect", project=shop).out.startswith("门店: 1 new, 1 changed, 3 already there, 2 rows or fields")
    assert [(row[2], row[5]) for row in stored(shop)][::4] == [("-质量太差，用两天就坏了", "1.0"), ("", "3.0")]
    assert "an error of Excel stands where the words should be (#NAME?)" in run("rejects", project=shop).out


def test_a_row_without_an_id_of_whose_words_excel_made_an_error_is_the_one_that_is_stored(shop: Path) -> None:
    save(shop, [["-质量太差，用两天就坏了", *ROWS[0][1:]], *ROWS[1:]])
    run("collect", project=shop)
    before = stored(shop)
    for _ in range(2):
        save_in_excel(shop, [["#NAME?", *ROWS[0][1:]], *ROWS[1:]])
        assert run("collect", project=shop).out.startswith("门店: 0 new, 4 already there, 1 rows or fields")
        assert stored(shop) == before
        save(shop, [["-质量太差，用两天就坏了", *ROWS[0][1:]], *ROWS[1:]])
        assert run("collect", project=shop).out == "门店: 0 new, 4 already there\n"
    save_in_excel(shop, [["#NAME?", *ROWS[0][1:5], "1"], *ROWS[1:]])  # another rating: nothing says that it is the same
    assert run("collect", project=shop).out.startswith("门店: 1 new, 3 already there")
    assert [row[2] for row in stored(shop)] == ["-质量太差，用两天就坏了", "很好", "很好", "很好", ""]


LONG = ["1234567890123456789", "1234567890123464708", "1234567890123472627", "1234567890123480546"]
RUINED = {"in short": ["1.23457E+18"] * 4, "cut": [f"{own_id[:15]}0000" for own_id in LONG]}


@pytest.mark.parametrize("ruined", RUINED)
def test_rows_whose_ids_excel_ruined_are_known_by_what_they_say(
    shop: Path, monkeypatch: pytest.MonkeyPatch, ruined: str
) -> None:
    further = '[[texts]]\nsuffix = "after"\ntext = "追评"\nposted_at = "追评时间"\n'
    (shop / "own.layout.toml").write_text(LAYOUT + 'source_id = "编号"\n' + SCORES + further, encoding="utf-8")
    monkeypatch.setattr("test_saved_in_excel.HEADER", [*HEADER, "追评", "追评时间"])
    rows = [[*row, *(["盖子漏水", datetime(2026, 3, 9, 7, 0, 1)] if row is ROWS[0] else ["", ""])] for row in ROWS]
    save(shop, rows, ids=LONG)
    run("collect", project=shop)
    before = stored(shop)
    assert len(before) == 5
    for save_anew in (save_in_excel, save):
        save_anew(shop, rows, ids=RUINED[ruined])
        assert run("collect", project=shop).out.startswith("门店: 0 new, 5 already there, 4 rows or fields")
        assert stored(shop) == before
    assert f"source_id looks ruined by Excel: {RUINED[ruined][0]}" in run("rejects", project=shop).out
    # One more that says the same in the same minute, and one whose rating is another, are new, and stay so.
    grown = [*rows, rows[2], [*rows[0][:5], "3", "", ""]]
    for said in ("2 new, 5 already there", "0 new, 7 already there"):
        save_in_excel(shop, grown, ids=[*RUINED[ruined], *RUINED[ruined][:2]])
        assert run("collect", project=shop).out.startswith(f"门店: {said}")
        save(shop, rows, ids=LONG)
        assert run("collect", project=shop).out == "门店: 0 new, 5 already there\n"
    assert stored(shop)[:5] == before


SHORT = [["好评", datetime(2026, 3, 1, 10, 0, second), "保温杯", "", "", "5"] for second in (5, 20, 40, 55)]


def test_rows_in_the_same_words_and_minute_whose_seconds_differ_are_as_many_as_the_files_hold(shop: Path) -> None:
    save(shop, SHORT[:2])
    run("collect", project=shop)
    save(shop, SHORT[2:])
    assert run("collect", project=shop).out == "门店: 2 new\n"
    save_in_excel(shop, SHORT)
    assert run("collect", project=shop).out == "门店: 0 new, 4 already there\n"
    save_in_excel(shop, [*SHORT, SHORT[0]])
    assert run("collect", project=shop).out == "门店: 1 new, 4 already there\n"


def test_rows_of_an_earlier_version_are_known_without_their_seconds_and_keep_them(shop: Path) -> None:
    save(shop, [*ROWS, *SHORT])
    run("collect", project=shop)
    before = [row[2:] for row in stored(shop)]
    let_an_earlier_version_have_stored(shop)
    save_in_excel(shop, [*ROWS, *SHORT])
    assert run("collect", project=shop).out == "门店: 0 new, 8 changed\n"
    assert [row[2:] for row in stored(shop)] == before
    save(shop, [*ROWS, *SHORT, ["好评", datetime(2026, 3, 1, 10, 0, 33), "保温杯", "", "", "5"]])
    assert run("collect", project=shop).out == "门店: 1 new, 8 already there\n"


@pytest.mark.parametrize("ruined", RUINED)
def test_rows_that_were_ruined_when_they_were_stored_take_their_ids_from_a_good_export(shop: Path, ruined: str) -> None:
    (shop / "own.layout.toml").write_text(LAYOUT + 'source_id = "编号"\n' + SCORES, encoding="utf-8")
    save_in_excel(shop, ROWS, ids=RUINED[ruined])
    assert run("collect", project=shop).out.startswith("门店: 4 new, 4 rows or fields")
    before = stored(shop)
    # One more that says the same in the same minute is new.
    save(
        shop, [*ROWS, [*ROWS[2][:1], datetime(2026, 3, 1, 8, 0, 59), *ROWS[2][2:]]], ids=[*LONG, "1234567890123499999"]
    )
    assert run("collect", project=shop).out == "门店: 1 new, 4 already there\n"
    assert [(row[0], row[2], *row[4:]) for row in stored(shop)[:4]] == [(row[0], row[2], *row[4:]) for row in before]
    with closing(sqlite3.connect(shop / "feedback.db")) as database:
        found = database.execute("select source_id, substr(posted_at, 18, 2) from verbatims order by id").fetchall()
    assert found == [*zip(LONG, ["37", "41", "52", "05"], strict=True), ("1234567890123499999", "59")]
    save_in_excel(shop, ROWS, ids=RUINED[ruined])  # and ruined once more
    assert run("collect", project=shop).out.startswith("门店: 0 new, 4 already there, 4 rows or fields")


def test_a_ruined_row_is_not_taken_for_one_that_stands_beside_it_in_its_file(shop: Path) -> None:
    (shop / "own.layout.toml").write_text(LAYOUT + 'source_id = "编号"\n' + SCORES, encoding="utf-8")
    save(shop, ROWS[2:3], ids=["77"])
    run("collect", project=shop)
    alike = [[*ROWS[2][:1], datetime(2026, 3, 1, 8, 0, second), *ROWS[2][2:]] for second in (5, 52, 57)]
    save_in_excel(shop, alike, ids=["1.23457E+18", "77", "1.23457E+18"])
    assert run("collect", project=shop).out.startswith("门店: 2 new, 1 already there")
    assert len(stored(shop)) == 3
    # Nor does one take over what its own file told before.
    save_in_excel(shop, alike, ids=["1.23457E+18", "78", "1.23457E+18"])
    assert run("collect", project=shop).out.startswith("门店: 1 new, 2 already there")


def test_of_two_that_tell_their_seconds_neither_is_the_other(shop: Path) -> None:
    (shop / "own.layout.toml").write_text(LAYOUT + 'source_id = "编号"\n' + SCORES, encoding="utf-8")
    save(shop, ROWS[1:2], ids=["1.23457E+18"])
    run("collect", project=shop)
    save(shop, ROWS[2:3], ids=LONG[2:3])
    assert run("collect", project=shop).out == "门店: 1 new\n"


def test_a_row_of_which_excel_made_an_error_gets_its_words_from_a_later_export(shop: Path) -> None:
    rows = [["-质量太差，用两天就坏了", *ROWS[0][1:]], *ROWS[1:]]
    save_in_excel(shop, [["#NAME?", *rows[0][1:]], *rows[1:]])
    assert run("collect", project=shop).out.startswith("门店: 4 new, 1 rows or fields")
    save(shop, rows)
    assert run("collect", project=shop).out == "门店: 0 new, 1 changed, 3 already there\n"
    assert [(row[2], row[5]) for row in stored(shop)] == [(row[0], f"{row[5]}.0") for row in rows]
    save(shop, [["好用", *rows[0][1:]], *rows[1:]])  # what no formula begins with, nobody made an error of
    assert run("collect", project=shop).out == "门店: 1 new, 3 already there\n"


@pytest.mark.parametrize("ruined_first", [False, True])
def test_of_several_in_the_same_words_and_minute_each_takes_the_row_of_the_same_customer(
    shop: Path, ruined_first: bool
) -> None:
    layout = LAYOUT.replace("[columns]\n", '[columns]\nsource_id = "编号"\n')
    (shop / "own.layout.toml").write_text(layout + SCORES, encoding="utf-8")
    told = [
        (f"9876543210987600{second:02d}", ["好", datetime(2026, 3, 1, 12, 0, second), "杯子", who, "", "5"])
        for second, who in ((5, ""), (20, "青山不改"), (40, "绿水长流"))
    ]

    def save_whole() -> None:
        save(shop, [row for _, row in told], ids=[own_id for own_id, _ in told])

    def save_ruined() -> None:
        save_in_excel(shop, [row for _, row in (told[2], told[0], told[1])], ids=["9.87654E+17"] * 3)

    def customers() -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(shop / "feedback.db")) as database:
            return database.execute("select source_id, customer_id from verbatims order by source_id").fetchall()

    save_whole()
    assert "3 new" in run("collect", project=shop).out
    whole = customers()
    if ruined_first:
        (shop / "feedback.db").unlink()
        save_ruined()
        run("collect", project=shop)
        save_whole()
    else:
        save_ruined()
    run("collect", project=shop)
    assert customers() == whole
