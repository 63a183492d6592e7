"""Answers known again under a question that was worded anew, batch by batch; `test_reexports` has whole exports. All words are made up."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from stored import incoming, new_store, reading, rows

from feedback.copies import similar
from storage.journal import start_run
from storage.records import BatchResult, Incoming, Score
from storage.rewordings import rename_reworded
from storage.store import Store
from storage.verbatims import add_verbatims


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with new_store(tmp_path) as opened:
        yield opened


def answer(text: str, key: str, response: str = "1", **fields: Any) -> Incoming:
    """What a response says to a question. Its hash is of the answer, not of where and how it was asked."""
    told: dict[str, Any] = {"kind": "survey", "conversation_id": response, "posted_at": "2026-03-01T04:01:35Z"} | fields
    hashed = incoming(text, f"{response}/{key}", **told)
    return hashed._replace(verbatim=hashed.verbatim._replace(turn=1, question=f"问 {key}"))


def read(store: Store, contents: str, *batch: Incoming) -> BatchResult:
    """A batch of the survey's file when it held these contents."""
    with store.transaction() as connection:
        run, reading_id = start_run(connection, "collect", "shop"), reading(connection, contents)
        rename_reworded(connection, reading_id, batch)
        return add_verbatims(connection, run, reading_id, batch, similar)


def stored(store: Store) -> list[tuple[str, str, str]]:
    return rows(store.connection, "select source_id, question, text from verbatims order by id")


def test_an_answer_in_the_same_words_takes_the_new_question_and_is_no_change(store: Store) -> None:
    read(store, "old", answer("无", "a"), answer("好", "b"), answer("好", "b", "2"))
    told = (answer("无", "a"), answer("好", "c", posted_at="2026-03-01T04:01:00Z"), answer("好", "c", "2"))
    assert read(store, "new", *told) == BatchResult(unchanged=3)
    assert stored(store) == [("1/a", "问 a", "无"), ("1/c", "问 c", "好"), ("2/c", "问 c", "好")]
    assert read(store, "new", *told) == BatchResult(unchanged=3)


def test_an_answer_that_is_told_beside_it_is_another(store: Store) -> None:
    read(store, "old", answer("无", "a"), answer("无", "b"))
    assert read(store, "new", answer("无", "a"), answer("无", "c"), answer("无", "d")) == BatchResult(1, 0, 2)
    assert [source_id for source_id, _, _ in stored(store)] == ["1/a", "1/c", "1/d"]


def test_an_answer_told_in_an_earlier_batch_of_the_reading_is_another(store: Store) -> None:
    read(store, "old", answer("无", "a"), answer("无", "b"))
    read(store, "new", answer("无", "a"))
    read(store, "new", answer("无", "c"))
    assert [source_id for source_id, _, _ in stored(store)] == ["1/a", "1/c"]


OTHERS = [
    ("in other words", answer("好的", "b")),
    ("of another response", answer("好", "b", "2")),
    ("of another source", answer("好", "b", source="other")),
    ("a turn of a chat", answer("好", "b", kind="chat")),
    ("no answer of a survey read by columns", incoming("好", "b", kind="survey", conversation_id="1")),
]


@pytest.mark.parametrize("told", [told for _, told in OTHERS], ids=[what for what, _ in OTHERS])
def test_what_is_no_answer_of_the_same_response_in_the_same_words_is_another(store: Store, told: Incoming) -> None:
    read(store, "old", answer("好", "a"))
    assert read(store, "new", told).added == 1
    assert len(stored(store)) == 2


def test_what_else_is_told_of_it_is_stored(store: Store) -> None:
    read(store, "old", answer("好", "a", scores=(Score("nps", 9, 0, 10),)), answer("差", "a", "2"))
    assert read(store, "new", answer("好", "b"), answer("差", "b", "2", region="广东")) == BatchResult(changed=2)
    assert rows(store.connection, "select source_id, region from verbatims order by id") == [
        ("1/b", None),
        ("2/b", "广东"),
    ]
    assert rows(store.connection, "select * from scores") == []
