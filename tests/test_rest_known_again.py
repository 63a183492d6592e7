"""Collector rest: records without an id, and what is known of one, when settings change or something is left out."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from command import run
from contract import toml
from test_rest import COLUMNS, visit
from wire import Asked, Reply, wire
from worlds import NOW

from feedback.collectors.rest import RestCollector
from feedback.intake import Intake


@pytest.mark.parametrize("columns", [COLUMNS, {"text": "body", "posted_at": "at"}], ids=["with an id", "without"])
def test_a_date_that_counts_from_the_time_of_asking_makes_no_new_record(
    tmp_path: Path, columns: dict[str, str]
) -> None:
    ago = [3, 2]

    def answer(_asked: Asked) -> Reply:
        return Reply([{"id": n, "body": f"第{n}条，物流太慢", "at": f"{days}天前"} for n, days in enumerate(ago)])

    with wire(answer) as web:
        section = f'url = "{web.url}/v1"\ncolumns = {toml(columns)}\n'
        (tmp_path / "feedback.toml").write_text(
            f'[project]\nname = "门"\n[[sources]]\nname = "live"\ncollector = "rest"\n{section}', encoding="utf-8"
        )
        assert run("collect", project=tmp_path).out == "live: 2 new\n"
        ago = [4, 3]
        assert run("collect", project=tmp_path).out == "live: 0 new, 2 already there\n"


def test_what_several_people_without_a_name_of_their_own_say_is_several_records() -> None:
    by = ["j***3", "k***9", "匿名用户", "匿名用户"]
    shown = [{"body": "好评！物流很快", "at": "2026-03-01", "by": name} for name in by]
    columns = {"text": "body", "posted_at": "at", "customer": "by"}
    with wire(lambda _asked: Reply(shown)) as web:
        [page] = RestCollector().pages("records", None, visit({"url": web.url, "columns": columns}))
    taken = Intake("live", "Asia/Shanghai", bytes(32), NOW).take(page.items, lambda made: [1] * len(made))
    assert len({each.verbatim.source_id for each in taken.incoming}) == 3
    assert {each.verbatim.customer_id for each in taken.incoming} == {None}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", 'product = "手机"'),
        ('store = "总店"', ""),
        ("", 'channel = "论坛"'),
        ("", "columns.source_id = "),
    ],
)
def test_records_without_an_id_are_not_doubled_when_settings_change(tmp_path: Path, before: str, after: str) -> None:
    said = [("物流太慢", "阿宝"), ("物流太慢", "小鹿"), ("客服很好", "阿宝")]
    shown = [{"n": n, "body": text, "at": "2026-03-01", "by": by} for n, (text, by) in enumerate(said)]

    def collect(more: str) -> str:
        columns = {"text": "body", "posted_at": "at", "customer": "by"}
        if more.startswith("columns"):
            columns, more = {**columns, "source_id": "n"}, ""
        section = f'name = "live"\ncollector = "rest"\nurl = "{web.url}/v1"\ncolumns = {toml(columns)}\n{more}\n'
        (tmp_path / "feedback.toml").write_text(f'[project]\nname = "门"\n[[sources]]\n{section}', encoding="utf-8")
        return run("collect", project=tmp_path).out.splitlines()[0]

    with wire(lambda _asked: Reply(shown)) as web:
        assert collect(before) == "live: 3 new"
        del shown[1]  # what the source no longer shows stays
        shown.append({"n": 3, "body": "又碎了", "at": "2026-03-02", "by": "阿宝"})
        assert collect(after) == "live: 1 new, 2 changed"
        assert collect(after) == "live: 0 new, 3 already there"
    with closing(sqlite3.connect(tmp_path / "feedback.db")) as database:
        texts = [text for (text,) in database.execute("select text from verbatims order by id")]
    assert texts == ["物流太慢", "物流太慢", "客服很好", "又碎了"]


def collecting(folder: Path, url: str, more: str = "", **columns: str) -> str:
    """What a run of a source without ids says first."""
    told = toml({"text": "body", "customer": "by", **columns})
    section = f'name = "live"\ncollector = "rest"\nurl = "{url}/v1"\ncolumns = {told}\n{more}\n'
    (folder / "feedback.toml").write_text(f'[project]\nname = "门"\n[[sources]]\n{section}', encoding="utf-8")
    return run("collect", project=folder).out.splitlines()[0]


def test_the_same_words_of_other_people_are_other_records_after_settings_changed_too(tmp_path: Path) -> None:
    shown = [{"body": "好评", "by": "阿宝"}, {"body": "不错，下次再来", "by": "小鹿"}]
    with wire(lambda _asked: Reply(shown)) as web:
        assert collecting(tmp_path, web.url) == "live: 2 new"
        shown[:] = [{"body": "好评", "by": "老周"}, {"body": "不错，下次再来", "by": "阿珍"}]
        assert collecting(tmp_path, web.url, 'query = { a = "1" }') == "live: 2 new"
        assert collecting(tmp_path, web.url, 'query = { a = "2" }') == "live: 0 new, 2 already there"


def test_whoever_has_a_record_of_his_own_keeps_it_whichever_comes_first(tmp_path: Path) -> None:
    shown = [{"body": "好评，很快", "by": "阿宝", "at": "2026-03-01"}]
    with wire(lambda _asked: Reply(shown)) as web:
        assert collecting(tmp_path, web.url, posted_at="at") == "live: 1 new"
        shown.insert(0, {"body": "好评，很快", "by": "匿名用户", "at": "2026-03-01"})
        assert collecting(tmp_path, web.url, 'product = "手机"', posted_at="at") == "live: 1 new, 1 changed"
        assert collecting(tmp_path, web.url, 'product = "手机"', posted_at="at") == "live: 0 new, 2 already there"


def test_a_record_that_is_shown_itself_is_taken_by_no_other_when_settings_change(tmp_path: Path) -> None:
    shown = [{"body": "好评，很快", "by": "阿宝", "at": "2026-03-01"}]
    with wire(lambda _asked: Reply(shown)) as web:
        assert collecting(tmp_path, web.url, posted_at="at") == "live: 1 new"
        shown.insert(0, {"body": "好评，很快", "by": "匿名用户", "at": "2026-03-01"})
        more = 'query = { a = "1" }'
        assert collecting(tmp_path, web.url, more, posted_at="at") == "live: 1 new, 1 already there"


def test_a_dry_run_tells_what_records_without_an_id_become_when_settings_change(tmp_path: Path) -> None:
    shown = [{"body": "物流太慢", "by": by, "at": "2026-03-01"} for by in ("阿宝", "小鹿", "匿名用户", "j***3")]

    def page(asked: Asked) -> Reply:
        return Reply(shown[2 * int(asked.query.get("page", "1")) - 2 :][:2])

    def dry() -> str:
        said = run("collect", "--source", "live", "--dry-run", project=tmp_path).out
        return next(line for line in said.splitlines() if "would be stored" in line)

    with wire(page) as web:
        collecting(tmp_path, web.url, 'pages = { type = "page" }', posted_at="at")
        shown.insert(0, {"body": "物流太慢", "by": "老周", "at": "2026-03-01"})
        settings = tmp_path / "feedback.toml"
        settings.write_text(settings.read_text("utf-8") + 'product = "手机"\n', "utf-8")
        assert dry() == "live: 5 would be stored, 4 of them in place of what they said before"
        assert run("collect", project=tmp_path).out.startswith("live: 1 new, 4 changed\n")
        assert dry() == "live: 0 would be stored"


def test_what_was_loaded_under_other_settings_is_not_doubled_by_asking(tmp_path: Path) -> None:
    saved = tmp_path / "saved.json"
    saved.write_text(json.dumps([{"body": "好评，很快", "by": "阿宝", "at": "2026-03-01"}]), encoding="utf-8")
    with wire(lambda _asked: Reply(saved.read_bytes())) as web:
        with pytest.raises(IndexError):  # it says nothing: nobody is there
            collecting(tmp_path, "http://127.0.0.1:1", posted_at="at")
        assert run("collect", "--source", "live", "--load", str(saved), project=tmp_path).out.startswith("live: 1 new")
        assert collecting(tmp_path, web.url, 'product = "手机"', posted_at="at") == "live: 0 new, 1 changed"


def test_of_what_has_no_date_nothing_says_that_it_is_the_same_as_before_settings_changed(tmp_path: Path) -> None:
    shown = [{"body": "好用", "by": "a***0"}]
    with wire(lambda _asked: Reply(shown)) as web:
        assert collecting(tmp_path, web.url) == "live: 1 new"
        shown[0]["by"] = "b***1"
        assert collecting(tmp_path, web.url, 'query = { a = "1" }') == "live: 1 new"


def test_what_an_interface_leaves_out_for_a_day_stays_known(tmp_path: Path) -> None:
    shown = [{"id": n, "body": f"第{n}条，很慢", "at": "2026-03-01", "stars": 2} for n in range(3)]
    score = "scores = [{ metric = 'star', column = 'stars', low = 1, high = 5 }]"
    query = "select text, posted_at from verbatims order by id"

    def stored() -> list[tuple[str, str]]:
        with closing(sqlite3.connect(tmp_path / "feedback.db")) as database:
            return database.execute(query).fetchall()

    with wire(lambda _asked: Reply(shown)) as web:
        collecting(tmp_path, web.url, score, posted_at="at", source_id="id")
        known = stored()
        assert [text for text, _ in known] == ["第0条，很慢", "第1条，很慢", "第2条，很慢"]
        for each in shown:
            each.update(body=None, at=None)
        collecting(tmp_path, web.url, score, posted_at="at", source_id="id")
    assert stored() == known
