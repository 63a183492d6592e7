"""`feedback browse`: pages asked of the application itself, and once of a real server."""

import asyncio
import csv
import io
import json
import re
import sqlite3
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from shop_database import SAID, empty_database, shop_database

from feedback.browse import open_project
from feedback.browse.metadata import arrange, column_heading, load_tables, name_of
from feedback.browse.queries import load_queries

Get = Callable[..., Any]


def _getter(path: Path) -> Generator[Get]:
    datasette = open_project(path, "示例店")
    with closing(datasette.get_database()):
        yield lambda url, **more: asyncio.run(datasette.client.get(url, **more))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Get]:
    yield from _getter(shop_database(tmp_path_factory.mktemp("shop") / "feedback.db"))


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Get]:
    yield from _getter(empty_database(tmp_path_factory.mktemp("empty") / "feedback.db"))


def _rows(get: Get, url: str) -> list[dict[str, Any]]:
    response = get(url)
    assert response.status_code == 200, response.text
    return list(response.json())


# Searching


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        ("续航", [2, 3]),
        ("iPhone15续航", [3]),
        ("ｉＰｈｏｎｅ15續航", [3]),
        ("物流太慢", [1, 7]),
        ("太慢 六天", [1, 7]),
        ("不存在的词", []),
        ("*", None),
        ('"', None),
        ("  ", []),
        ("NEAR(", []),
        ("words: 续航", []),
        ("续航 OR 退款", []),
        ("'; drop table verbatims; --", []),
        ("😡", [1, 7]),
        ("x" * 10_000, None),
        ("\0", None),
    ],
)
def test_the_search_box_of_the_verbatims_page_finds_chinese_words(shop: Get, words: str, ids: list[int] | None) -> None:
    """None: refused with the reason."""
    response = shop(f"/feedback/verbatims.json?_shape=array&_search={quote(words)}")
    if ids is None:
        assert response.status_code == 400
        assert response.json()["error"].startswith("这样搜不了，请换几个词。（")
    else:
        assert response.status_code == 200
        assert sorted(row["id"] for row in response.json()) == ids
    assert shop(f"/feedback/verbatims?_search={quote(words)}").status_code == response.status_code
    assert ("这样搜不了" in shop(f"/feedback/customers-say?words={quote(words)}").text) is (ids is None)


def test_opinions_can_be_searched_by_the_words_of_their_verbatim(shop: Get) -> None:
    rows = _rows(shop, f"/feedback/opinions.json?_shape=array&_search={quote('推荐给朋友')}")
    assert {row["verbatim_id"] for row in rows} == {11}


def test_the_best_match_comes_first_and_agents_are_left_out(shop: Get) -> None:
    rows = _rows(shop, f"/feedback/customers-say.json?_shape=array&words={quote('慢')}")
    assert rows[0]["客户原话"] in {said.text for said in SAID if "慢" in said.text}
    assert _rows(shop, f"/feedback/customers-say.json?_shape=array&words={quote('工作日')}") == []


def test_a_search_that_can_t_be_understood_says_so_on_the_page(shop: Get) -> None:
    page = shop("/feedback/customers-say?words=%22").text
    assert page.count("message-error") == 1
    assert "这样搜不了，请换几个词。（Nothing to search for in " in page
    assert "没有符合的行" not in page


def test_a_raw_search_with_bad_syntax_is_refused_not_a_crash(shop: Get) -> None:
    assert shop("/feedback/verbatims?_search=NEAR(&_searchmode=raw").status_code == 400


# Questions

# Made up with the rows of `shop_database`, and checked against it by hand.
ANSWERS = json.loads((Path(__file__).parent / "cases" / "browse_answers.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer["url"].split(".")[0])
def test_a_question_is_answered_with_these_rows(shop: Get, answer: dict[str, Any]) -> None:
    assert _rows(shop, f"/feedback/{answer['url']}") == answer["rows"]


def test_questions_about_reliability_list_what_is_doubtful(shop: Get) -> None:
    def texts(name: str, *columns: str) -> list[tuple[Any, ...]]:
        return [tuple(row[c] for c in columns) for row in _rows(shop, f"/feedback/{name}.json?_shape=array")]

    assert texts("low-confidence", "客户原话", "最低把握") == [("再也不买了", 0.4)]
    assert texts("undetermined", "客户原话", "字数") == [("<b>一般</b>吧", 10)]
    assert texts("analysis-gaps", "客户原话", "情况") == [
        ("朋友推荐的，看图种草", "尚未分析"),
        ("坏掉的一条", "失败：It holds a lone surrogate."),
    ]
    assert texts("nps-details", "打分", "类型", "全部NPS") == [(4, "贬损者", 0.0), (9, "推荐者", 0.0)]
    assert texts("evaluation-scores", "项目", "成绩", "区间下限", "区间上限") == [("情感", 0.81, 0.77, 0.85)]


def test_the_overview_of_sources_adds_up_to_every_verbatim(shop: Get) -> None:
    rows = _rows(shop, "/feedback/sources.json?_shape=array")
    assert sum(row["客户原声"] + row["客服与机器人"] for row in rows) == len(SAID)
    assert [(r["渠道"], r["客户原声"], r["有效"], r["重复"], r["没有意见"]) for r in rows if r["渠道"] == "京东"] == [
        ("京东", 10, 8, 1, 1)
    ]


def test_the_ratings_of_a_survey_response_are_neither_one_more_verbatim_nor_without_analysis(tmp_path: Path) -> None:
    path = shop_database(tmp_path / "feedback.db")
    getter = _getter(path)
    get = next(getter)
    pages = [f"/feedback/{name}.json?_shape=array" for name in ("sources", "analysis-gaps")]
    before = [_rows(get, page) for page in pages]
    with closing(sqlite3.connect(path)) as writer, writer:
        writer.execute(
            "insert into verbatims (source, source_id, kind, channel, role, conversation_id, posted_at, text, noise, content_hash) "
            "select source, 'r1', kind, channel, role, conversation_id, posted_at, '', 'no_text', 0 from verbatims where id = 11"
        )
    assert [_rows(get, page) for page in pages] == before
    getter.close()


@pytest.mark.parametrize("query", load_queries(), ids=lambda query: query.name)
def test_every_question_opens_with_and_without_data(shop: Get, empty: Get, query: Any) -> None:
    for get in (shop, empty):
        page = get(f"/feedback/{query.name}")
        assert page.status_code == 200
        assert "message-error" not in page.text
        assert query.title in page.text
        assert query.description in page.text.replace("&amp;", "&")
        for label in query.inputs.values():
            assert f">{label}</label>" in page.text
    without = _rows(empty, f"/feedback/{query.name}.json?_shape=array")
    assert without == []


@pytest.mark.parametrize("query", load_queries(), ids=lambda query: query.name)
def test_a_question_names_its_inputs_and_searches_truthfully(query: Any) -> None:
    assert set(re.findall(r"(?<![:\w]):([a-z]+)", query.sql)) == set(query.inputs)
    assert set(query.choices) <= set(query.inputs)
    assert query.search is None or query.search in query.inputs


@pytest.mark.parametrize("hostile", ['"', "'", "*", "NEAR(", "😀", "%", "x" * 10_000, "\0", "</script>", "2026-99-99"])
def test_no_input_of_a_question_is_a_crash(shop: Get, hostile: str) -> None:
    for query in load_queries():
        for name in query.inputs:
            page = shop(f"/feedback/{query.name}?{name}={quote(hostile)}")
            assert page.status_code in {200, 400}
            assert "</script><" not in page.text.replace("<script>", "")


# Pages


def test_every_table_view_and_column_is_described(shop: Get) -> None:
    shown = shop("/feedback.json").json()
    names = {table["name"]: table["columns"] for table in shown["tables"]}
    names |= {
        view["name"]: shop(f"/feedback/{view['name']}.json?_size=0&_nofacet=1").json()["columns"]
        for view in shown["views"]
    }
    made_by_sqlite = {name for name in names if name.startswith(("verbatims_fts", "_sqlite_migrations"))}
    assert set(names) - made_by_sqlite == set(load_tables())
    undescribed = [
        f"{name}.{column}" for name in load_tables() for column in names[name] if column_heading(name, column) == column
    ]
    assert undescribed == []
    assert [name for name, table in load_tables().items() if not re.search(r"[一-鿿].*[a-z]", table.description)] == []


def test_described_columns_exist(shop: Get) -> None:
    for name, table in load_tables().items():
        columns = shop(f"/feedback/{name}.json?_size=0&_nofacet=1").json()["columns"]
        named = {*table.columns, *table.facets, *table.first, *table.unlisted}
        assert named | ({table.search} if table.search else set()) <= set(columns)


@pytest.mark.parametrize("name", load_tables())
def test_every_table_and_view_opens_with_and_without_data(shop: Get, empty: Get, name: str) -> None:
    for get in (shop, empty):
        page = get(f"/feedback/{name}")
        assert page.status_code == 200
        assert f"<h1>{load_tables()[name].title}</h1>" in page.text
        assert "数据太多" not in page.text


def test_the_first_page_names_the_project_and_leads_to_every_question(shop: Get) -> None:
    page = shop("/").text
    assert "<h1>示例店</h1>" in page
    for query in load_queries():
        assert f'<a href="/feedback/{query.name}">{query.title}</a>' in page


def test_inner_tables_are_hidden_from_the_list_of_tables(shop: Get) -> None:
    tables = shop("/feedback.json").json()["tables"]
    assert [table["name"] for table in tables if not table["hidden"]] == [
        "corrections",
        "evaluations",
        "findings",
        "mentions",
        "open_mentions",
        "runs",
        "scores",
        "segments",
        "topic_events",
        "topics",
        "verbatims",
    ]


def test_keys_are_shown_in_chinese_and_exported_as_they_are(shop: Get) -> None:
    page = shop("/feedback/opinions?verbatim_id=3").text
    assert re.search(r'<td class="col-stage[^"]*">体验参与</td>', page)
    assert ">天猫</a>" in page  # a facet
    assert _rows(shop, "/feedback/opinions.json?_shape=array&verbatim_id=3")[0]["stage"] == "engagement"


def test_ids_and_aspects_lead_on(shop: Get) -> None:
    page = shop("/feedback/opinions?verbatim_id=3").text
    assert '<a href="/feedback/verbatims/3">3</a>' in page
    assert f'<a href="/feedback/aspect-voices?aspect={quote("充电")}">充电</a>' in page
    assert '<a href="/feedback/finding-evidence?finding=1">1</a>' in shop("/feedback/digest-findings").text


def test_what_customers_wrote_is_never_markup(shop: Get) -> None:
    for url in ("/feedback/verbatims/13", "/feedback/verbatims", "/feedback/undetermined", "/feedback/conversations"):
        page = shop(url).text
        assert "&lt;b&gt;一般&lt;/b&gt;吧" in page
        assert "<b>一般</b>" not in page


def test_a_verbatim_s_page_shows_its_words_first_and_no_inner_columns(shop: Get) -> None:
    page = shop("/feedback/verbatims/3").text
    assert re.findall(r'<th scope="row">(.*?)</th>', page)[:3] == ["编号", "客户原话", "来源"]
    assert "内容散列" not in page
    assert '<a href="/feedback/opinions?verbatim_id=3">' in page


def test_a_csv_download_opens_in_excel_and_holds_every_row(shop: Get) -> None:
    response = shop("/feedback/opinions.csv?_stream=1&_dl=1")
    assert response.content.startswith(b"\xef\xbb\xbfsegment_id,text,")
    assert response.content.count(b"\xef\xbb\xbf") == 1
    assert len(list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))) == 23
    links = re.findall(r'href="([^"]*\.csv[^"]*)"', shop("/feedback/opinions?stage=purchase").text)
    assert shop(links[0].replace("&amp;", "&")).content.startswith(b"\xef\xbb\xbf")


def test_pages_load_nothing_from_elsewhere(shop: Get) -> None:
    for url in ("/", "/feedback", "/feedback/opinions", "/feedback/worst-stages", "/feedback/verbatims/1", "/nope"):
        response = shop(url)
        assert re.findall(r'(?:src|href|action)="(?:https?:)?//(?!localhost/)[^"]*"', response.text) == []
        assert response.headers["content-security-policy"].startswith("default-src 'self'")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8001", 200),
        ("localhost", 200),
        ("[::1]:8001", 200),
        ("evil.example", 400),
        ("evil.example:8001", 400),
        ("localhost:evil.example", 400),
        ("127.0.0.1.evil.example:80", 400),
        ("", 400),
    ],
)
def test_only_this_machine_s_own_names_are_answered(shop: Get, host: str, status: int) -> None:
    assert shop("/feedback/verbatims.json", headers={"host": host}).status_code == status


def test_a_page_that_does_not_exist_says_so_without_a_traceback(shop: Get, capfd: pytest.CaptureFixture[str]) -> None:
    page = shop("/feedback/nope")
    assert (page.status_code, "没有这一页" in page.text) == (404, True)
    assert shop("/feedback/nope.json").json() == {"ok": False, "error": "Table not found", "status": 404}
    assert capfd.readouterr() == ("", "")


def test_a_bug_keeps_its_traceback(shop: Get, capfd: pytest.CaptureFixture[str]) -> None:
    assert shop("/feedback/opinions?_next=x").status_code == 500
    assert "ValueError" in capfd.readouterr().err


def test_nothing_can_be_written(shop: Get) -> None:
    response = shop("/feedback.json?sql=delete+from+verbatims")
    assert response.status_code == 400
    assert len(_rows(shop, "/feedback/verbatims.json?_shape=array")) == len(SAID)


def test_rows_stored_while_browsing_are_seen(tmp_path: Path) -> None:
    path = shop_database(tmp_path / "feedback.db")
    getter = _getter(path)
    get = next(getter)
    assert _rows(get, "/feedback.json?sql=select+count(*)+as+n+from+verbatims&_shape=array") == [{"n": len(SAID)}]
    with closing(sqlite3.connect(path)) as writer, writer:
        writer.execute("delete from verbatims where id = 14")
        assert get("/feedback/verbatims/14").status_code == 200  # not committed yet, and nobody waits
    assert get("/feedback/verbatims/14").status_code == 404
    getter.close()


# Names


def test_names_fall_back_to_the_key() -> None:
    assert [name_of("stage", "loyalty"), name_of("stage", "new"), name_of("other", "x"), name_of("stage", None)] == [
        "关系维系",
        "new",
        "x",
        None,
    ]
    assert [name_of("kind", "review"), name_of("kind", "pain_point"), name_of("effective", 0)] == ["评价", "痛点", "否"]


def test_columns_nobody_described_keep_their_place() -> None:
    cells = [{"name": "b"}, {"name": "a"}]
    assert arrange("somebody_s_own", cells) == cells


@pytest.mark.parametrize("folder", ["客户 原声", "50%20off", "a#b", "a?b&c"])
def test_a_database_opens_wherever_it_lies(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir()
    getter = _getter(shop_database(tmp_path / folder / "feedback.db"))
    assert len(_rows(next(getter), "/feedback/verbatims.json?_shape=array")) == len(SAID)
    getter.close()


def test_a_hostile_project_name_is_only_text(tmp_path: Path) -> None:
    datasette = open_project(empty_database(tmp_path / "feedback.db"), "<script>alert(1)</script>")
    with closing(datasette.get_database()):
        assert "<script>alert" not in asyncio.run(datasette.client.get("/")).text
