"""Full-text search over Chinese as customers write it."""

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stored import add, incoming, new_store

from nlp.normalize import fold
from storage.errors import QueryError
from storage.search import Hit, index_columns, index_rows, match_query, search

TEXTS = {
    1: "物流太慢了，等了三天",
    2: "iPhone15续航不行",
    3: "快遞續航時間很短",
    4: "ＩＰＨＯＮＥ１５　Pro Max",
    5: "太好吃了😍👍🏻",
    6: "a_b c-d C++ 100%",
    7: "结婚的和尚未结婚的都来了",
    8: "乒乓球拍卖完了",
    9: "NEAR OR AND NOT",
    10: "café naïve",
    11: '他说"很好"',
    12: "3.5折 2,000元 12:30",
    13: "かな カタカナ 한국어",
    14: "𠮷野家",
    15: "⭐⭐⭐⭐⭐",
    16: "续航比物流好，快得很",
}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> sqlite3.Connection:
    store = new_store(tmp_path_factory.mktemp("search"))
    add(store, *(incoming(text, str(number)) for number, text in TEXTS.items()))
    return store.connection


def found(index: sqlite3.Connection, query: str) -> set[int]:
    return {hit.id for hit in search(index, fold(query), 100)}


FOUND = [
    ("物流", {1, 16}),
    ("太慢", {1}),
    ("三天", {1}),
    ("物流 三天", {1}),  # every word must occur
    ("物流 续航", {16}),
    ("物流太慢", {1}),
    ("iPhone15续航", {2}),
    ("iphone15", {2, 4}),
    ("IPHONE", {2, 4}),
    ("15", {2, 4}),
    ("ｉｐｈｏｎｅ１５", {2, 4}),  # full-width
    ("续航", {2, 3, 16}),  # finds traditional
    ("續航", {2, 3, 16}),  # traditional finds simplified
    ("快递", {3}),
    ("pro max", {4}),
    ("尚未", {7}),  # jieba sees 和尚 + 未 or 和 + 尚未: both are there to be found
    ("和尚", {7}),
    ("球拍", {8}),
    ("拍卖", {8}),
    ("卖完", {8}),
    ("😍", {5}),
    ("👍", {5}),
    ("👍🏻", {5}),
    ("⭐", {15}),
    ("🚚", set()),
    ("café", {10}),
    ("cafe", {10}),
    ("2,000", {12}),
    ("12:30", {12}),
    ("3.5", {12}),
    ("カタ", {13}),
    ("한국어", {13}),
    ("𠮷野家", {14}),
    ("快", {3, 16}),  # one character is enough
    ("很好", {11}),  # 16 has both characters, apart; jieba cuts the query in two
    ("好 很", {11, 16}),
    ("没有的词", set()),
]


@pytest.mark.parametrize("query, expected", FOUND)
def test_a_query_finds_the_texts_that_hold_it(index: sqlite3.Connection, query: str, expected: set[int]) -> None:
    assert found(index, query) == expected


# What FTS5 or SQL would take as its own language is only words here.
HOSTILE = [
    ("NEAR(", {9}),
    ("NEAR(物流 三天, 2)", set()),
    ("a OR", set()),
    ("物流 OR 续航", set()),
    ("NOT", {9}),
    ("物流 NOT 三天", set()),
    ("-物流", {1, 16}),
    ("words:物流", set()),
    ("^物流", {1, 16}),
    ("物流*", {1, 16}),
    ("{chars} : 物流", set()),
    ('"很好"', {11}),
    ('物流"', {1, 16}),
    ("'; drop table verbatims; --", set()),
    ("a_b", {6}),
    ("C++", {6}),
    ("物流\x00", {1, 16}),
    ("物流\n三天", {1}),
    ("物" * 200, set()),
]


@pytest.mark.parametrize("query, expected", HOSTILE)
def test_the_signs_of_a_query_language_are_no_commands(
    index: sqlite3.Connection, query: str, expected: set[int]
) -> None:
    assert found(index, query) == expected


NOTHING = ["", "  ", "\n", '"', "*", "_", "%", "()", "，。！", "'", "\x00"]


@pytest.mark.parametrize("query", NOTHING)
def test_a_query_without_words_is_refused_with_an_example(query: str) -> None:
    with pytest.raises(QueryError, match=r"^Nothing to search for in '[^物]*'\. Type a word, for example: 物流$"):
        match_query(query)


def test_a_query_that_is_too_long_or_no_text_is_refused() -> None:
    with pytest.raises(QueryError) as long:
        match_query("物流" * 600)
    assert str(long.value) == "The query is too long: 1,200 characters, at most 200."
    with pytest.raises(QueryError) as broken:
        match_query("物流\udcce")
    assert str(broken.value) == "The query is not UTF-8. Set your terminal to UTF-8 and type it again."


@settings(max_examples=300, deadline=None)
@given(query=st.text(max_size=12) | st.text('"*()^:-+{}物流aOR 1_😍', max_size=12))
def test_any_query_gives_rows_or_says_why_not(index: sqlite3.Connection, query: str) -> None:
    try:
        hits = search(index, fold(query), 5)
    except QueryError:
        return
    assert all(hit.text == TEXTS[hit.id] for hit in hits)


HAN = st.text("物流慢快递客服态度好差和尚未结婚的拍卖球乒乓续航电池不行研究生命起源", min_size=2, max_size=14)


@settings(max_examples=150, deadline=None)
@given(text=HAN, bounds=st.tuples(st.integers(0, 13), st.integers(0, 13)))
def test_any_piece_of_a_chinese_text_finds_it_however_it_is_cut(text: str, bounds: tuple[int, int]) -> None:
    start, end = sorted(bounds)
    piece = text[start : end + 1] or text
    connection = sqlite3.connect(":memory:")
    connection.execute(
        "create virtual table verbatims_fts using fts5("
        "words, chars, tokenize = \"unicode61 remove_diacritics 2 categories 'L* N* Co So'\")"
    )
    index_rows(connection, [(1, *index_columns(text))])
    query = "select rowid from verbatims_fts where verbatims_fts match ?"
    assert connection.execute(query, (match_query(piece),)).fetchall() == [(1,)]
    connection.close()


def test_texts_in_which_it_is_a_word_come_before_those_in_which_it_only_occurs(tmp_path: Path) -> None:
    with new_store(tmp_path) as store:
        add(store, incoming("结婚的和尚未结婚的都来了", "1"), incoming("寺里的和尚都来了很多人", "2"))
        assert [hit.id for hit in search(store.connection, "和尚", 10)] == [2, 1]
        assert [hit.id for hit in search(store.connection, "和尚", 1)] == [2]


def test_a_hit_is_the_whole_row(tmp_path: Path) -> None:
    with new_store(tmp_path) as store:
        add(
            store,
            incoming(
                "您的快递明天到", "1", role="agent", kind="chat", posted_at="2026-02-25T04:00:00Z", product="手冲壶"
            ),
        )
        assert search(store.connection, "快递", 10) == [
            Hit(1, "您的快递明天到", "京东", "chat", "agent", "2026-02-25T04:00:00Z", "手冲壶")
        ]


def test_the_index_holds_words_and_characters() -> None:
    assert index_columns(fold("續航15小時 OK")) == ("续航 15 小时   ok", "续 航 15 小 时   ok")


def test_the_index_of_the_database_is_the_one_tested_here(index: sqlite3.Connection) -> None:
    [(sql,)] = index.execute("select sql from sqlite_master where name = 'verbatims_fts'").fetchall()
    assert "words, chars, tokenize = \"unicode61 remove_diacritics 2 categories 'L* N* Co So'\"" in sql
