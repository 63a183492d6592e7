"""Writing what analysis says, and finding what still awaits it."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from stored import MARKED, NAMED, add, analysis, dump, incoming, new_store, rows

from storage.marks import count_pending, pending, save_analyses
from storage.overview import SourceCount, failed_texts, source_counts
from storage.records import AnalysisRow, PendingText, Segment
from storage.store import Store

TWO = (
    replace(MARKED, emotion="anger", mentions=(NAMED, replace(NAMED, opinion="太慢", opinion_start=2, opinion_end=4))),
    Segment(5, 9, "none", 0.4, "neutral", 0.0, 0.5, "statement", 0.6),
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    opened = new_store(tmp_path)
    add(opened, incoming("物流太慢了", "r1"), incoming("还行", "r2"), incoming("客服很好", "r3"))
    return opened


def save(store: Store, version: str, *given: AnalysisRow) -> None:
    with store.transaction() as connection:
        save_analyses(connection, version, given)


def waiting(store: Store, version: str = "v1") -> list[int]:
    return [row.id for row in pending(store.connection, version, 0, 100)]


def test_marks_are_stored_whole_in_the_order_of_the_text(store: Store) -> None:
    with store:
        save(store, "v1", analysis(store.connection, 2), analysis(store.connection, 1, *TWO))
        assert rows(store.connection, "select * from segments") == [
            (1, 1, 0, 2, "purchase", 0.9, "negative", -0.8, 0.9, "complaint", 0.9, "anger"),
            (2, 1, 5, 9, "none", 0.4, "neutral", 0.0, 0.5, "statement", 0.6, None),
        ]
        assert rows(store.connection, "select * from mentions") == [
            (1, 1, "物流", "物流", 0, 2, None, None, None, "negative"),
            (2, 1, "物流", "物流", 0, 2, "太慢", 2, 4, "negative"),
        ]
        assert rows(store.connection, "select * from analyses") == [(1, "v1", None), (2, "v1", None)]


def test_only_customers_words_await_analysis_page_by_page(store: Store) -> None:
    with store:
        add(store, incoming("您好", "a1", role="agent"), incoming("请选择", "b1", role="bot"), incoming("", "r4"))
        first = pending(store.connection, "v1", 0, 2)
        assert first == [
            PendingText(1, "物流太慢了", incoming("物流太慢了", "r1").content_hash),
            PendingText(2, "还行", incoming("还行", "r2").content_hash),
        ]
        assert [row.id for row in pending(store.connection, "v1", 2, 2)] == [3]
        assert pending(store.connection, "v1", 3, 2) == []
        assert count_pending(store.connection, "v1") == 3


def test_a_text_without_opinions_and_one_that_failed_are_done_too(store: Store) -> None:
    with store:
        failed = replace(analysis(store.connection, 2), error="the text is too long")
        save(store, "v1", analysis(store.connection, 1), failed)
        assert waiting(store) == [3]
        assert failed_texts(store.connection, "v1") == [(2, "the text is too long")]
        assert failed_texts(store.connection, "v2") == []


def test_another_pipeline_version_takes_the_place_of_the_former_marks(store: Store) -> None:
    with store:
        save(store, "v1", *(analysis(store.connection, each, MARKED) for each in (1, 2, 3)))
        assert (waiting(store), waiting(store, "v2")) == ([], [1, 2, 3])
        save(store, "v2", analysis(store.connection, 2, replace(MARKED, sentiment="positive")))
        assert rows(store.connection, "select verbatim_id, pipeline_version from analyses") == [
            (1, "v1"),
            (2, "v2"),
            (3, "v1"),
        ]
        assert rows(store.connection, "select verbatim_id, sentiment from segments order by 1") == [
            (1, "negative"),
            (2, "positive"),
            (3, "negative"),
        ]
        assert waiting(store) == [2]  # going back to v1 marks it anew


def test_marking_twice_leaves_one_set_of_marks(store: Store) -> None:
    with store:
        save(store, "v1", analysis(store.connection, 1, *TWO))
        once = dump(store.path)
        save(store, "v1", analysis(store.connection, 1, *TWO))
        assert dump(store.path) == once


def test_a_text_that_changed_or_went_while_it_was_analysed_is_left_for_the_next_run(store: Store) -> None:
    with store:
        stale = [analysis(store.connection, each, MARKED) for each in (1, 2, 3)]
        add(store, incoming("物流后来快了", "r1"))
        with store.transaction() as connection:
            connection.execute("delete from verbatims where id = 2")
        save(store, "v1", *stale)
        assert rows(store.connection, "select verbatim_id from segments") == [(3,)]
        assert waiting(store) == [1]


def test_marks_that_make_no_sense_are_refused_and_the_former_ones_stay(store: Store) -> None:
    with store:
        save(store, "v1", analysis(store.connection, 1, MARKED))
        before = dump(store.path)
        with pytest.raises(sqlite3.IntegrityError):
            save(store, "v2", analysis(store.connection, 1, replace(MARKED, sentiment="furious")))
        assert dump(store.path) == before


def test_the_overview_counts_customers_apart_from_those_who_answer_them(store: Store) -> None:
    text = "磨豆机用了一个星期就开始漏粉，换了垫圈也没有用"
    with store:
        add(
            store,
            incoming(text, "c1", source="chat", posted_at="2026-02-25T04:00:00Z"),
            incoming(text, "c2", source="chat"),
            incoming("", "c3", source="chat", noise="no_text", posted_at="2026-02-27T04:00:00Z"),
            incoming("您好", "a1", source="chat", role="agent", posted_at="2026-02-28T04:00:00Z"),
            incoming("请选择", "b1", source="chat", role="bot"),
            # The ratings of a response are a verbatim only where it has no words.
            incoming("", "r1", source="survey", kind="survey", conversation_id="r1", noise="no_text"),
            incoming("好", "r1/1", source="survey", kind="survey", conversation_id="r1"),
            incoming("", "r2", source="survey", kind="survey", conversation_id="r2", noise="no_text"),
        )
        assert source_counts(store.connection) == [
            SourceCount("chat", 3, 2, 1, 1, 1, "2026-02-25T04:00:00Z", "2026-02-28T04:00:00Z"),
            SourceCount("shop", 3, 0, 0, 0, 3, None, None),
            SourceCount("survey", 2, 0, 0, 1, 2, None, None),
        ]


def test_an_empty_database_has_no_sources_and_nothing_to_analyse(tmp_path: Path) -> None:
    with new_store(tmp_path) as empty:
        assert source_counts(empty.connection) == []
        assert pending(empty.connection, "v1", 0, 10) == []
        save(empty, "v1", AnalysisRow(1, b""))  # of a verbatim that is gone
        assert rows(empty.connection, "select * from analyses") == []
