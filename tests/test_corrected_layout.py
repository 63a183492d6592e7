"""A layout was wrong and is corrected: what the wrong reading stored goes, and nothing else. Shops and words are made up."""

import random
from pathlib import Path

import many_reviews
import pytest
from command import run
from lamp_exports import (
    FILES,
    HEADER,
    LONG,
    NEWER,
    ONE,
    RIGHT,
    SHARED,
    STORED,
    TWO,
    WRONG_DATE,
    WRONG_TEXT,
    contents,
    fresh,
    gather,
    make,
    query,
)
from stored import MARKED, analysis, dump, rows

import feedback.settings_digest
from feedback.collected import Collected
from feedback.project import load_project
from storage.journal import recent_runs
from storage.marks import save_analyses
from storage.store import Store

WITH_IDS = '[columns]\nsource_id = "编号"\n'


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return tmp_path / "shop"


@pytest.mark.parametrize("wrong", [WRONG_TEXT, WRONG_DATE, RIGHT.replace("low = 1", "low = 0")])
def test_a_corrected_layout_leaves_what_the_right_one_alone_would_have_stored(
    tmp_path: Path, shop: Path, wrong: str
) -> None:
    gather(make(shop, wrong))
    project = make(shop, RIGHT)
    gather(project)
    assert contents(project) == fresh(tmp_path, RIGHT)


def test_the_rows_of_the_wrong_column_are_counted_as_taken_out(shop: Path) -> None:
    assert gather(make(shop, WRONG_TEXT)) == Collected("门店", 5, 0, 1, 0, 0, 0, 2, 0)
    assert gather(make(shop, RIGHT)) == Collected("门店", 5, 0, 1, 0, 0, 0, 2, 0, replaced=5)
    assert query(load_project(shop), STORED) == [
        (LONG, "2026-02-01"),
        ("灯光柔和，看书不累", "2026-02-02"),
        ("送货很快，包装也结实", "2026-02-05"),
        ("安装有点麻烦", "2026-02-03"),
        ("开关松了", "2026-02-04"),
    ]


def test_rows_with_ids_are_changed_in_place_and_keep_their_number(tmp_path: Path, shop: Path) -> None:
    wrong, right = (layout.replace("[columns]\n", WITH_IDS) for layout in (WRONG_TEXT, RIGHT))
    gather(make(shop, wrong))
    numbers = query(load_project(shop), "select id, source_id from verbatims order by id")
    project = make(shop, right)
    assert gather(project) == Collected("门店", 0, 5, 1, 0, 0, 0, 2, 0)
    assert query(project, "select id, source_id from verbatims order by id") == numbers
    assert contents(project) == fresh(tmp_path, right)


def test_texts_that_a_layout_no_longer_reads_go_with_ids_too(tmp_path: Path, shop: Path) -> None:
    right = RIGHT.replace("[columns]\n", WITH_IDS)
    gather(make(shop, right + '[[texts]]\nsuffix = "title"\ntext = "标题"\n'))
    project = make(shop, right)
    assert gather(project) == Collected("门店", 0, 0, 6, 0, 0, 0, 2, 0, replaced=5)
    assert contents(project) == fresh(tmp_path, right)


def test_a_second_run_after_it_changes_nothing(shop: Path) -> None:
    gather(make(shop, WRONG_TEXT))
    project = make(shop, RIGHT)
    gather(project)
    before = dump(project.database)
    assert gather(project) == Collected("门店", 0, 0, 0, 0, 0, 0, 0, 2)
    assert dump(project.database) == before


def test_another_version_of_the_intake_that_reads_the_same_changes_nothing(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make(shop, RIGHT)
    gather(project)
    numbers = query(project, "select id, source_id, content_hash from verbatims order by id")
    monkeypatch.setattr(feedback.settings_digest, "INTAKE_VERSION", "another")
    assert gather(project) == Collected("门店", 0, 0, 6, 0, 0, 0, 2, 0)
    assert query(project, "select id, source_id, content_hash from verbatims order by id") == numbers


VOTED = """comment_id,note_id,content,create_time,like_count
1,9,壶身烫手，倒水要垫毛巾,1772000100000,1.2万
2,9,刚买，还没用,1772000200000,0
"""


def test_files_read_before_there_were_votes_get_them_and_nothing_is_doubled_or_loses_its_marks(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.mkdir()
    (shop / "feedback.toml").write_text(
        '[project]\nname = "店"\n[[sources]]\nname = "小红书"\ncollector = "table"\npaths = ["*.csv"]\n',
        encoding="utf-8",
    )
    (shop / "a.csv").write_text(VOTED, encoding="utf-8")
    project = load_project(shop)
    with monkeypatch.context() as before:
        before.setattr(feedback.settings_digest, "INTAKE_VERSION", "2")
        assert gather(project) == Collected("小红书", 2, 0, 0, 0, 0, 0, 1, 0)
    with Store.open(project.database) as store, store.transaction() as connection:
        connection.execute("update verbatims set votes = null")
        save_analyses(connection, "v1", [analysis(connection, number, MARKED) for number in (1, 2)])
    kept = dump(project.database, without=("runs", "readings", "cursors", "verbatims"))
    assert gather(project) == Collected("小红书", 0, 0, 2, 0, 0, 0, 1, 0)
    assert query(project, "select id, source_id, votes from verbatims order by id") == [(1, "1", 12000), (2, "2", 0)]
    assert dump(project.database, without=("runs", "readings", "cursors", "verbatims")) == kept
    assert gather(project) == Collected("小红书", 0, 0, 0, 0, 0, 0, 0, 1)


@pytest.mark.parametrize("names", [("a.csv", "b.csv"), ("b.csv", "a.csv")])
def test_the_order_of_the_files_does_not_matter(tmp_path: Path, shop: Path, names: tuple[str, str]) -> None:
    files = dict(zip(names, FILES.values(), strict=True))
    gather(make(shop, WRONG_DATE, **files))
    project = make(shop, RIGHT, **files)
    done = gather(project)
    assert (done.added, done.replaced, done.duplicates) == (5, 5, 0)  # none of them is a copy of what has gone
    assert contents(project) == fresh(tmp_path, RIGHT, **files)


def test_what_another_file_says_in_the_same_words_is_kept(shop: Path) -> None:
    """Under the right layout the second file says what the first one says under the wrong one."""
    other = SHARED.replace("好评,送货很快，包装也结实", "送货很快，包装也结实,好评")
    gather(make(shop, WRONG_TEXT, **{"a.csv": other}))
    project = make(shop, RIGHT, **{"a.csv": other, "b.csv": SHARED})
    [(number,)] = query(project, "select id from verbatims")
    assert gather(project) == Collected("门店", 1, 0, 1, 0, 0, 0, 2, 0)
    assert query(project, "select id, text from verbatims order by id") == [
        (number, "送货很快，包装也结实"),
        (number + 1, "好评"),
    ]


def test_a_row_that_was_seen_last_in_a_file_that_is_not_read_again_stays(shop: Path) -> None:
    gather(make(shop, WRONG_DATE, **{"b.csv": SHARED + TWO}))
    gather(make(shop, WRONG_DATE))
    project = make(shop, RIGHT, **{"b.csv": SHARED + TWO})
    assert gather(project).replaced == 2
    assert [day for _, day in query(project, STORED)] == [
        *("2026-01-05", "2026-01-01", "2026-01-02"),
        *("2026-02-05", "2026-02-03", "2026-02-04"),
    ]


def test_a_row_that_was_seen_last_in_the_file_that_is_read_again_is_told_by_the_other_file_once_more(
    tmp_path: Path, shop: Path
) -> None:
    gather(make(shop, WRONG_DATE))
    assert gather(make(shop, RIGHT, **{"b.csv": SHARED + TWO})).replaced == 3
    assert gather(make(shop, WRONG_DATE, **{"a.csv": ONE + SHARED})) == Collected("门店", 1, 0, 2, 0, 0, 0, 1, 0)
    project = make(shop, RIGHT)
    assert gather(project).replaced == 3
    gather(project)  # the other file was as it should be, and is looked at once more
    assert contents(project) == fresh(tmp_path, RIGHT)


def test_a_grown_file_keeps_its_old_rows_and_they_go_when_the_layout_is_corrected(tmp_path: Path, shop: Path) -> None:
    gather(make(shop, WRONG_DATE, **{"a.csv": ONE}))
    assert gather(make(shop, WRONG_DATE, **{"a.csv": ONE + TWO})) == Collected("门店", 2, 0, 2, 0, 0, 0, 1, 0)
    project = make(shop, RIGHT, **{"a.csv": ONE + TWO})
    assert gather(project).replaced == 4
    assert contents(project) == fresh(tmp_path, RIGHT, **{"a.csv": ONE + TWO})


def test_rows_that_an_overwritten_file_no_longer_holds_stay_until_it_is_read_as_it_was(shop: Path) -> None:
    older, newer = {"a.csv": ONE + SHARED}, {"a.csv": SHARED + NEWER}
    gather(make(shop, WRONG_DATE, **older))
    gather(make(shop, WRONG_DATE, **newer))
    project = make(shop, RIGHT, **newer)
    assert gather(project).replaced == 2
    assert [day for _, day in query(project, STORED)] == ["2026-01-01", "2026-01-02", "2026-02-05", "2026-02-06"]
    assert gather(make(shop, RIGHT, **older)).replaced == 2
    assert gather(make(shop, RIGHT, **newer)).replaced == 0
    days = query(project, "select substr(posted_at, 1, 10) from verbatims order by 1")
    assert days == [("2026-02-01",), ("2026-02-02",), ("2026-02-05",), ("2026-02-06",)]


def test_where_the_file_has_changed_too_nothing_goes_until_it_is_read_as_it_was(tmp_path: Path, shop: Path) -> None:
    older, newer = {"a.csv": ONE}, {"a.csv": ONE + TWO}
    gather(make(shop, WRONG_DATE, **older))
    project = make(shop, RIGHT, **newer)
    assert gather(project) == Collected("门店", 4, 0, 0, 1, 0, 0, 1, 0)
    assert gather(make(shop, RIGHT, **older)) == Collected("门店", 0, 0, 2, 0, 0, 0, 1, 0, replaced=2)
    gather(make(shop, RIGHT, **newer))
    assert contents(project) == fresh(tmp_path, RIGHT, **newer)


def test_a_copy_in_another_source_becomes_the_original(shop: Path) -> None:
    gather(make(shop, WRONG_DATE))
    (shop / "other.csv").write_text(f"{HEADER}9,差评,{LONG}！,2026-01-09,2026-02-09,1\n", encoding="utf-8")
    arguments = ("collect", "table", shop / "other.csv", "--layout", shop / "shop.layout.toml")
    assert run(*arguments, project=shop).out == "other: 1 new, 1 of the new are copies\n"
    done = gather(make(shop, RIGHT))
    assert (done.duplicates, done.replaced) == (1, 5)
    families = "select source, id, duplicate_of from verbatims where text like '台灯%' order by id"
    assert query(load_project(shop), families) == [("other", 6, None), ("门店", 7, 6)]


def test_a_text_is_no_template_for_having_been_read_twice(tmp_path: Path, shop: Path) -> None:
    """Three of a kind are none, and with the three of the wrong reading there were six for a while."""
    same = "".join(f"{n},差评,{LONG},2026-01-0{n},2026-02-0{n},1\n" for n in (1, 2, 3))
    gather(make(shop, WRONG_DATE, **{"a.csv": same}))
    project = make(shop, RIGHT, **{"a.csv": same})
    gather(project)
    assert query(project, "select noise, duplicate_of from verbatims order by id") == [
        (None, None),
        (None, 4),
        (None, 4),
    ]
    assert contents(project) == fresh(tmp_path, RIGHT, **{"a.csv": same})


def test_all_that_was_said_about_the_rows_goes_with_them(shop: Path) -> None:
    gather(make(shop, WRONG_DATE, **{"a.csv": ONE}))
    run("analyze", project=shop)
    run("digest", "--period", "2026-01", project=shop)
    with Store.open(shop / "feedback.db") as store, store.transaction() as connection:
        connection.execute(
            "insert into corrections (verbatim_id, start, end, field, value, corrected_at) values (1, 0, 1, 'stage', 'x', '')"
        )
        hanging = ("scores", "analyses", "segments", "mentions", "evidence", "corrections", "verbatims_fts")
        assert [t for t in hanging if rows(connection, f"select count(*) from {t}") == [(0,)]] == []
    project = make(shop, WRONG_TEXT, **{"a.csv": ONE})
    gather(project)
    assert query(project, "select text, id from verbatims") == [("差评", 3), ("好评", 4)]
    empty = ("analyses", "segments", "mentions", "evidence", "corrections", "withdrawals", "copy_bands")
    assert [t for t in empty if query(project, f"select count(*) from {t}") != [(0,)]] == []
    assert query(project, "select verbatim_id from scores") == [(3,), (4,)]


@pytest.mark.parametrize("batch", [7, 10_000])
def test_many_rows_with_copies_and_templates_end_as_if_the_right_layout_had_always_been_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr("storage.verbatims._REMOVED_AT_ONCE", batch)
    found = []
    for name in ("corrected", "fresh"):
        folder = tmp_path / name
        many_reviews.make_project(folder, 600, 0, seed=random.Random(batch).randrange(100))
        (folder / ".feedback-key").write_text("00" * 32, encoding="utf-8")
        layout = folder / "reviews.layout.toml"
        if name == "corrected":
            layout.write_text(many_reviews.LAYOUT.replace('region = "region"\n', ""), encoding="utf-8")
            gather(load_project(folder))
            layout.write_text(many_reviews.LAYOUT, encoding="utf-8")
        gather(load_project(folder))
        found.append(contents(load_project(folder)))
    assert found[0] == found[1]
    assert {row[10] for row in found[0][0]} == {None, "copied_template"}


def test_status_says_what_was_taken_out(shop: Path) -> None:
    gather(make(shop, WRONG_TEXT))
    project = make(shop, RIGHT)
    gather(project)
    with Store.open(project.database) as store:
        newest, first = recent_runs(store.connection, 2)
    assert (newest.status, newest.message, first.message) == ("done", "5 of an earlier reading taken out", None)
