"""The views, on the rows of `shop_database`. Ids there count from 1 in the order of `SAID`."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from shop_database import SAID, empty_database, insert, shop_database

from storage import figures
from storage.views import create_views, view_names


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(shop_database(tmp_path / "feedback.db"))) as connection:
        yield connection


def test_an_opinion_is_the_segment_s_own_words_with_its_marks(shop: sqlite3.Connection) -> None:
    shop.row_factory = sqlite3.Row
    row = shop.execute("select * from opinions where verbatim_id = 3").fetchone()
    assert dict(row) == {
        "segment_id": 4,
        "text": "iPhone15续航不行，半天就没电",
        "stage": "engagement",
        "sentiment": "negative",
        "intent": "statement",
        "aspects": "充电；续航",
        "channel": "tmall",
        "product": "手机",
        "version": "5.2.1",
        "store": None,
        "posted_on": "2026-03-04",
        "kind": "review",
        "region": None,
        "votes": 12,
        "effective": 1,
        "noise": None,
        "duplicate_of": None,
        "sentiment_score": -0.8,
        "stage_confidence": 0.9,
        "sentiment_confidence": 0.8,
        "intent_confidence": 0.7,
        "posted_at": "2026-03-04T04:00:00Z",
        "conversation_id": None,
        "verbatim_id": 3,
    }


def test_offsets_count_code_points_so_emoji_before_a_segment_do_not_shift_it(shop: sqlite3.Connection) -> None:
    rows = shop.execute("select text from opinions where verbatim_id = 2 order by segment_id").fetchall()
    assert rows == [("包装很好，",), ("续航也够用",)]


def test_every_segment_of_a_customer_is_an_opinion_and_its_words_are_those_of_the_offsets(
    shop: sqlite3.Connection,
) -> None:
    cut = [
        (segment_id, text[start:end])
        for segment_id, text, start, end in shop.execute(
            "select s.id, v.text, s.start, s.end from segments s join verbatims v on v.id = s.verbatim_id"
        )
    ]
    assert shop.execute("select segment_id, text from opinions order by segment_id").fetchall() == sorted(cut)
    assert len(cut) == sum(len(said.opinions) for said in SAID)


def test_what_an_agent_says_is_no_opinion(shop: sqlite3.Connection) -> None:
    insert(shop, "segments", verbatim_id=9, start=0, end=3, **_MARKS)
    assert shop.execute("select * from opinions where verbatim_id = 9").fetchall() == []
    assert shop.execute("select sum(raw) from weekly_stage_sentiment").fetchone() == (
        shop.execute("select count(*) from opinions").fetchone()[0],
    )


def test_copies_and_noise_are_shown_and_not_effective(shop: sqlite3.Connection) -> None:
    assert shop.execute("select verbatim_id, duplicate_of from opinions where not effective").fetchall() == [(7, 1)]


def test_an_aspect_praised_and_blamed_in_one_segment_is_neutral(shop: sqlite3.Connection) -> None:
    rows = shop.execute(
        "select aspect, sentiment, text, opinion_words from aspect_opinions where verbatim_id in (2, 3) order by 1, 3"
    ).fetchall()
    assert rows == [
        ("充电", "negative", "iPhone15续航不行，半天就没电", "没电"),
        ("包装", "positive", "包装很好，", "好，"),
        ("续航", "negative", "iPhone15续航不行，半天就没电", "没电"),
        ("续航", "neutral", "续航也够用", "够用"),
    ]


def test_aspect_sentiment_counts_the_effective_ones_and_keeps_the_raw_number(shop: sqlite3.Connection) -> None:
    rows = shop.execute("select * from aspect_sentiment where aspect = '物流' order by channel").fetchall()
    assert rows == [
        ("物流", "purchase", "jd", 7, 6, 0, 0, 6, -1.0),
        ("物流", "purchase", "tmall", 6, 6, 6, 0, 0, 1.0),
    ]


def test_aspect_sentiment_adds_up_aspect_opinions(shop: sqlite3.Connection) -> None:
    added = shop.execute(
        """select aspect, stage, channel, count(*), sum(effective), sum(effective and sentiment = 'positive'),
                  sum(effective and sentiment = 'neutral'), sum(effective and sentiment = 'negative')
           from aspect_opinions group by 1, 2, 3 order by 1, 2, 3"""
    ).fetchall()
    shown = shop.execute(
        """select aspect, stage, channel, raw, effective, positive, neutral, negative
           from aspect_sentiment order by 1, 2, 3"""
    ).fetchall()
    assert added == shown


def test_a_week_is_its_monday_and_the_undated_have_none(shop: sqlite3.Connection) -> None:
    rows = shop.execute("select * from weekly_stage_sentiment order by week, stage").fetchall()
    assert rows == [
        (None, "none", 1, 1, 0, 1, 0, 0.0),
        ("2026-02-23", "purchase", 1, 1, 0, 0, 1, -1.0),
        ("2026-03-02", "engagement", 3, 3, 1, 0, 2, -0.333),
        ("2026-03-02", "loyalty", 2, 2, 1, 0, 1, 0.0),
        ("2026-03-02", "post_purchase", 2, 2, 1, 1, 0, 0.5),
        ("2026-03-02", "purchase", 14, 13, 7, 0, 6, 0.077),
    ]


@pytest.mark.parametrize(
    ("posted_at", "offset", "day", "monday"),
    [
        ("2026-03-01T15:59:59Z", 480, "2026-03-01", "2026-02-23"),  # a second before Monday in China
        ("2026-03-01T16:00:00Z", 480, "2026-03-02", "2026-03-02"),
        ("2026-03-02T04:59:59Z", -300, "2026-03-01", "2026-02-23"),
        ("2025-12-31T20:00:00Z", 480, "2026-01-01", "2025-12-29"),
    ],
)
def test_days_and_weeks_are_those_of_the_offset(
    tmp_path: Path, posted_at: str, offset: int, day: str, monday: str
) -> None:
    with closing(sqlite3.connect(shop_database(tmp_path / "feedback.db"))) as connection:
        create_views(connection, utc_offset_minutes=offset)
        connection.execute("update verbatims set posted_at = ?", (posted_at,))
        assert connection.execute("select distinct posted_on from opinions").fetchall() == [(day,)]
        assert connection.execute("select distinct week from weekly_stage_sentiment").fetchall() == [(monday,)]


def test_a_conversation_is_whole_and_says_who_spoke(shop: sqlite3.Connection) -> None:
    rows = shop.execute(
        """select conversation_id, turns, customer_turns, transcript, negative_opinions, first_verbatim_id
           from conversations order by conversation_id"""
    ).fetchall()
    why = "问：您为什么打这个分？\n答："
    assert rows == [
        ("c1", 3, 2, "客户：你好，退款什么时候到账？\n客服：您好，三个工作日内到账。\n客户：再也不买了", 1, 8),
        ("r1", 2, 2, f"{why}客服态度好，会推荐给朋友\n{why}没有别的意见", 0, 11),
        ("r2", 1, 1, f"{why}<b>一般</b>吧", 0, 13),
    ]


def test_conversations_of_two_sources_with_one_id_stay_apart(shop: sqlite3.Connection) -> None:
    shop.execute("update verbatims set conversation_id = 'c1' where conversation_id = 'r2'")
    rows = shop.execute("select source, turns from conversations where conversation_id = 'c1' order by 1").fetchall()
    assert rows == [("wecom", 3), ("wjx", 1)]


def test_turns_are_in_the_conversation_s_order_not_the_file_s(shop: sqlite3.Connection) -> None:
    shop.execute("update verbatims set turn = 10 - turn where conversation_id = 'c1'")
    (transcript,) = shop.execute("select transcript from conversations where conversation_id = 'c1'").fetchone()
    assert transcript == "客户：再也不买了\n客服：您好，三个工作日内到账。\n客户：你好，退款什么时候到账？"


def test_default_stars_and_a_response_s_second_score_are_shown_and_not_counted(shop: sqlite3.Connection) -> None:
    rows = shop.execute("select verbatim_id, metric, value, counted from ratings order by verbatim_id").fetchall()
    assert rows == [
        (2, "star", 1.0, 1),
        (3, "star", 5.0, 1),
        (6, "star", 5.0, 0),
        (11, "nps", 9.0, 1),
        (12, "nps", 9.0, 0),
        (13, "nps", 4.0, 1),
    ]


def test_a_rating_of_a_survey_stands_beside_all_that_its_response_says(shop: sqlite3.Connection) -> None:
    response = {"source": "wjx", "channel": "wjx", "kind": "survey", "role": "customer", "content_hash": 0}
    for name, conversation in (("r1", "r1"), ("r3", "r3")):
        row = insert(shop, "verbatims", **response, source_id=name, conversation_id=conversation, text="")
        for number, (metric, low, high) in enumerate((("nps", 0, 10), ("csat", 1, 5)), 1):
            scale = {"scale_low": low, "scale_high": high}
            insert(shop, "scores", verbatim_id=row, number=number, metric=metric, value=4, **scale)
    rows = shop.execute(
        "select metric, text, sentiment_score from ratings where verbatim_id > ? order by verbatim_id, metric",
        (len(SAID),),
    ).fetchall()
    said = "客服态度好，会推荐给朋友\n没有别的意见"
    assert rows == [("csat", said, 0.8), ("nps", said, 0.8), ("csat", "", None), ("nps", "", None)]
    rows = shop.execute(
        "select turns, customer_turns, transcript from conversations where conversation_id in ('r1', 'r3') order by conversation_id"
    ).fetchall()
    rated, why = "评分：NPS 4（0–10），CSAT 4（1–5）", "问：您为什么打这个分？\n答："
    assert rows == [(2, 2, f"{rated}\n{why}客服态度好，会推荐给朋友\n{why}没有别的意见"), (0, 0, rated)]


def test_views_and_figures_count_the_same(shop: sqlite3.Connection) -> None:
    scope = figures.Scope(None, None, 10**6, "test-1")
    marks = [(m.segment_id, m.stage, m.sentiment, int(m.effective)) for m in figures.segment_marks(shop, scope)]
    ratings = [(r.verbatim_id, r.metric, r.value) for r in figures.ratings(shop, scope)]
    opinions = shop.execute("select segment_id, stage, sentiment, effective from opinions order by 1").fetchall()
    assert opinions == sorted(marks)
    counted = shop.execute("select verbatim_id, metric, value from ratings where counted order by 1").fetchall()
    assert counted == sorted(ratings)


def test_a_rejected_row_says_where_and_when(shop: sqlite3.Connection) -> None:
    assert shop.execute("select * from rejected_rows").fetchall() == [
        (
            1,
            "The date '昨晚' can't be read.",
            "reviews.csv:17",
            "发货真慢 | 昨晚",
            1,
            "shop",
            "reviews.csv",
            "2026-03-04T04:00:00Z",
            1,
        )
    ]


def test_a_finding_leads_to_the_words_it_rests_on(shop: sqlite3.Connection) -> None:
    rows = shop.execute("select finding_id, kind, aspect, text, verbatim_id from finding_evidence").fetchall()
    assert rows == [(1, "pain_point", "物流", "物流太慢了，等了六天😡", 1)]


def test_every_view_can_be_read_with_no_rows(tmp_path: Path) -> None:
    with closing(sqlite3.connect(empty_database(tmp_path / "feedback.db"))) as connection:
        assert {name: connection.execute(f"select * from {name}").fetchall() for name in view_names()} == {
            name: [] for name in view_names()
        }


def test_views_that_are_there_already_are_left_alone(tmp_path: Path) -> None:
    path = empty_database(tmp_path / "feedback.db")
    with closing(sqlite3.connect(path)) as writer, closing(sqlite3.connect(path, timeout=0)) as connection:
        writer.execute("begin immediate")  # a collection is under way
        assert create_views(connection) is False


def test_a_view_of_another_definition_is_replaced_and_somebody_else_s_stays(tmp_path: Path) -> None:
    with closing(sqlite3.connect(empty_database(tmp_path / "feedback.db"))) as connection:
        connection.execute("drop view opinions")
        connection.execute("create view opinions as select 1 as old")
        connection.execute("create view mine as select 2 as own")
        assert create_views(connection) is True
        assert connection.in_transaction is False
        assert "segment_id" in [row[1] for row in connection.execute("pragma table_info(opinions)")]
        assert connection.execute("select * from mine").fetchall() == [(2,)]


def test_creating_views_does_not_commit_the_transaction_it_runs_in(tmp_path: Path) -> None:
    with closing(sqlite3.connect(empty_database(tmp_path / "feedback.db"), isolation_level=None)) as connection:
        connection.execute("begin")
        connection.execute("drop view ratings")
        assert create_views(connection) is True
        connection.execute("drop view opinions")
        connection.rollback()
        assert create_views(connection) is False


_MARKS = {
    "stage": "purchase",
    "stage_confidence": 1.0,
    "sentiment": "negative",
    "sentiment_score": -1.0,
    "sentiment_confidence": 1.0,
    "intent": "statement",
    "intent_confidence": 1.0,
}
