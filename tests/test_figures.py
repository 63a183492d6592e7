import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from build_project_db import Piece, Said, add, empty_project, project_of
from sqlite_utils import Database
from story import about, story_project

from storage.figures import (
    FindingPeriod,
    FindingRow,
    MentionMark,
    Rating,
    Scope,
    SegmentMark,
    SegmentText,
    VerbatimCount,
    analysis_versions,
    last_verbatim_id,
    newest_posted_at,
    ratings,
    save_findings,
    segment_marks,
    segment_texts,
    snapshot,
    undated_count,
    verbatim_counts,
)
from storage.migrations import migrate

WEEK = Scope("2026-02-22T16:00:00Z", "2026-03-01T16:00:00Z", 1000, "test-1")
ALL = Scope(None, None, 1000, "test-1")


def test_counts_tell_apart_all_that_decides_whether_a_verbatim_counts() -> None:
    assert verbatim_counts(story_project(), WEEK) == [
        VerbatimCount("京东", "review", "customer", None, False, "done", 18),
        VerbatimCount("京东", "review", "customer", None, False, "failed", 1),
        VerbatimCount("京东", "review", "customer", None, False, "missing", 2),
        VerbatimCount("京东", "review", "customer", None, True, "done", 1),
        VerbatimCount("京东", "review", "customer", "default_review", False, "done", 1),
        VerbatimCount("微信", "chat", "agent", None, False, "done", 1),
        VerbatimCount("微信", "chat", "customer", None, False, "done", 8),
        VerbatimCount("问卷", "survey", "customer", None, False, "done", 8),
    ]


def test_marks_come_with_their_mentions_and_only_from_customers_in_scope() -> None:
    both = Piece("味道好服务差", "engagement", "neutral", (("味道", "positive"), ("服务", "negative")))
    connection = project_of(
        Said((Piece("嗯"), both)),
        Said(role="bot"),
        Said(posted_at="2026-02-22T15:59:59Z"),
        Said(posted_at=None),
        Said(about("慢", "物流", "negative"), noise="copied_template"),
        Said(about("慢", "物流", "negative"), channel="天猫", duplicate_of=5),
    )
    assert list(segment_marks(connection, WEEK)) == [
        SegmentMark(1, 1, "京东", "engagement", "neutral", True, ()),
        SegmentMark(
            1,
            2,
            "京东",
            "engagement",
            "neutral",
            True,
            (MentionMark("味道", "positive"), MentionMark("服务", "negative")),
        ),
        SegmentMark(5, 6, "京东", "purchase", "negative", False, (MentionMark("物流", "negative"),)),
        SegmentMark(6, 7, "天猫", "purchase", "negative", False, (MentionMark("物流", "negative"),)),
    ]
    assert [mark.voice for mark in segment_marks(connection, ALL)] == [1, 1, 3, 4, 5, 6]
    assert [mark.voice for mark in segment_marks(connection, replace(ALL, last_verbatim_id=3))] == [1, 1, 3]
    assert [mark.voice for mark in segment_marks(connection, replace(ALL, channels=("天猫", "x")))] == [6]
    assert list(segment_marks(connection, replace(ALL, pipeline_version="test-2"))) == []


def test_a_voice_is_a_verbatim_or_what_one_customer_says_in_one_conversation() -> None:
    connection = project_of(
        Said(kind="chat", conversation_id="k1", customer_id="a"),
        Said(kind="chat", conversation_id="k1", customer_id="b"),
        Said(kind="chat", conversation_id="k1", customer_id="a"),
        Said(kind="chat", conversation_id="k2"),
        Said(kind="survey", conversation_id="k2", customer_id="a"),
        Said(kind="review", conversation_id="k1", customer_id="a"),
        Said(kind="chat"),
    )
    voices = [(mark.voice, mark.segment_id) for mark in segment_marks(connection, WEEK)]
    talk = [("test\nk1\na", 1), ("test\nk1\na", 3), ("test\nk1\nb", 2), ("test\nk2\n", 4), ("test\nk2\na", 5)]
    assert voices == [(6, 6), (7, 7), *talk]
    people = [text.person for text in segment_texts(connection, [1, 2, 3, 4, 5, 6, 7])]
    assert people == ["a", "b", "a", "test\nk2\n", "a", "a", 7]


RATING_CASES = [
    ("a copy's score counts", Said(duplicate_of=1, scores=(("star", 2.0, 1.0, 5.0),)), True),
    ("a silent customer's too", Said((), noise="no_text", scores=(("star", 2.0, 1.0, 5.0),)), True),
    ("without any marks", Said(version=None, scores=(("star", 2.0, 1.0, 5.0),)), True),
    ("not a platform's default", Said(noise="default_review", scores=(("star", 2.0, 1.0, 5.0),)), False),
    ("not a paid template's", Said(noise="copied_template", scores=(("star", 2.0, 1.0, 5.0),)), False),
    ("not the company's", Said(noise="company_reply", scores=(("star", 2.0, 1.0, 5.0),)), False),
    ("not an agent's", Said(role="agent", scores=(("star", 2.0, 1.0, 5.0),)), False),
]


@pytest.mark.parametrize("said, counts", [case[1:] for case in RATING_CASES], ids=[case[0] for case in RATING_CASES])
def test_a_score_belongs_to_whoever_gave_it(said: Said, counts: bool) -> None:
    connection = project_of(Said(posted_at=None), said)
    assert list(ratings(connection, WEEK)) == ([Rating(2, "star", 2.0, 1.0, 5.0)] if counts else [])


def test_a_survey_response_is_heard_once_however_many_answers_repeat_its_score() -> None:
    nps, csat = ("nps", 9.0, 0.0, 10.0), ("csat", 4.0, 1.0, 5.0)
    connection = project_of(
        Said(kind="survey", conversation_id="r1", scores=(nps, csat, csat)),
        Said(kind="survey", conversation_id="r1", scores=(nps,)),
        Said(kind="survey", conversation_id="r2", scores=(nps,)),
        Said(kind="chat", conversation_id="r2", scores=(nps,)),
        Said(kind="chat", conversation_id="r2", scores=(nps,)),
    )
    heard = [(rating.verbatim_id, rating.metric) for rating in ratings(connection, WEEK)]
    assert heard == [(1, "nps"), (1, "csat"), (1, "csat"), (3, "nps"), (4, "nps"), (5, "nps")]


def test_the_ratings_of_a_survey_response_are_counted_as_a_verbatim_only_where_it_has_no_words() -> None:
    nps = (("nps", 9.0, 0.0, 10.0),)
    rated = Said((), kind="survey", noise="no_text", scores=nps)
    said = Said(kind="survey", conversation_id="r1")
    connection = project_of(
        replace(rated, conversation_id="r1"),
        said,
        replace(said, posted_at=None),
        replace(rated, conversation_id="r2"),
        replace(rated, conversation_id="r3"),
        replace(rated, conversation_id="r3", posted_at=None),
        rated,
        replace(rated, kind="review", conversation_id="r1"),
        replace(said, conversation_id="r2"),  # later
    )
    before = replace(WEEK, last_verbatim_id=8)
    wordless = VerbatimCount("京东", "survey", "customer", "no_text", False, "wordless", 3)
    others = [
        VerbatimCount("京东", "review", "customer", "no_text", False, "wordless", 1),
        VerbatimCount("京东", "survey", "customer", None, False, "done", 1),
    ]
    assert verbatim_counts(connection, before) == [*others, wordless]
    later = [others[0], others[1]._replace(verbatims=2), wordless._replace(verbatims=2)]
    assert verbatim_counts(connection, WEEK) == later
    assert undated_count(connection, WEEK) == 2
    assert [rating.verbatim_id for rating in ratings(connection, WEEK)] == [1, 4, 5, 7, 8]


def test_the_newest_date_is_a_customers_and_not_in_the_future() -> None:
    connection = project_of(
        Said(posted_at="2026-02-25T04:00:00Z"),
        Said(posted_at="2026-02-26T04:00:00Z", role="agent"),
        Said(posted_at="2062-02-25T04:00:00Z"),
        Said(posted_at=None),
    )
    assert newest_posted_at(connection) == "2062-02-25T04:00:00Z"
    assert newest_posted_at(connection, not_after="2026-03-01T00:00:00Z") == "2026-02-25T04:00:00Z"
    assert last_verbatim_id(connection) == 4
    assert (newest_posted_at(empty_project()), last_verbatim_id(empty_project())) == (None, 0)


def test_undated_verbatims_are_counted_whatever_the_period() -> None:
    connection = project_of(
        Said(posted_at=None), Said(posted_at=None, channel="天猫"), Said(posted_at=None, role="bot")
    )
    assert undated_count(connection, WEEK) == 2
    assert undated_count(connection, replace(WEEK, channels=("天猫",))) == 1
    assert undated_count(connection, replace(WEEK, last_verbatim_id=1)) == 1


def test_versions_are_counted_in_scope() -> None:
    assert analysis_versions(story_project(), WEEK) == {"test-0": 1, "test-1": 37}


def test_a_segments_text_is_cut_in_code_points() -> None:
    connection = project_of(Said((Piece("😀好\x00喝"), Piece("但𠮷贵")), customer_id="c", product="豆"))
    assert segment_texts(connection, [2, 1, 99]) == [
        SegmentText(1, 1, "😀好\x00喝", "京东", "豆", "c", "2026-02-25T04:00:00Z"),
        SegmentText(2, 1, "但𠮷贵", "京东", "豆", "c", "2026-02-25T04:00:00Z"),
    ]
    assert segment_texts(connection, []) == []


PERIOD = FindingPeriod("week", "2026-02-23", "2026-03-02")
ROWS = [
    FindingRow("stage", "purchase", None, None, 1, '{"share": 0.5}', (1, 2)),
    FindingRow("score", None, None, None, 1, '{"value": 20.0}', ()),
]


def test_findings_are_replaced_for_their_period_only_and_unchanged_ones_not_written() -> None:
    connection = story_project()
    everything = FindingPeriod("all", None, None)
    assert save_findings(connection, PERIOD, ROWS) is True
    assert save_findings(connection, everything, ROWS[:1]) is True
    changes = connection.total_changes
    assert save_findings(connection, PERIOD, ROWS) is False
    assert connection.total_changes == changes
    assert save_findings(connection, PERIOD, ROWS[1:]) is True
    assert not connection.in_transaction
    found = connection.execute("select period_kind, period_start, kind, stage, figures from findings order by id")
    assert found.fetchall() == [
        ("all", None, "stage", "purchase", '{"share": 0.5}'),
        ("week", "2026-02-23", "score", None, '{"value": 20.0}'),
    ]
    assert connection.execute("select segment_id from evidence order by 1").fetchall() == [(1,), (2,)]


def test_findings_that_cannot_be_saved_leave_the_former_ones() -> None:
    connection = story_project()
    save_findings(connection, PERIOD, ROWS)
    with pytest.raises(sqlite3.IntegrityError):
        save_findings(connection, PERIOD, [replace(ROWS[0], evidence=(99999,))])
    assert save_findings(connection, PERIOD, ROWS) is False
    assert not connection.in_transaction


def test_reads_in_a_snapshot_do_not_see_what_others_commit_meanwhile(tmp_path: Path) -> None:
    path = str(tmp_path / "feedback.db")
    db = Database(path)
    migrate(db, path)
    db.conn.execute("pragma journal_mode = wal")
    reader = sqlite3.connect(path)
    with snapshot(reader):
        assert last_verbatim_id(reader) == 0
        add(db.conn, Said())
        db.conn.commit()
        assert last_verbatim_id(reader) == 0
    assert last_verbatim_id(reader) == 1
    assert not reader.in_transaction
    reader.close()
    db.close()
