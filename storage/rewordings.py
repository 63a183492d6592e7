"""Answers to a survey known again though their question is worded otherwise than before, as after a typo in it was mended.

An answer's id is its response's and what its question says (`feedback.collectors.survey`), so under other words it is told as
one more. What its response has said in the same words, to a question that is not told beside it, is the same answer.
"""

import json
import sqlite3
from collections.abc import Collection, Sequence
from typing import NamedTuple

from storage.records import Incoming, Verbatim

_ABOUT = ("kind", "channel", "role", "parent_id", "customer_id", "product", "version", "store", "region")
_PLACES = [Verbatim._fields.index(name) for name in _ABOUT]


class _Answer(NamedTuple):
    """One that is stored: its row, and all that may have changed in it besides."""

    id: int
    source_id: str
    response: str
    text: str
    reading_id: int | None
    minute: str | None
    rated: int
    about: tuple[str | None, ...]

    def has_what_is_told(self, told: Verbatim) -> bool:
        about = tuple(told[place] or None for place in _PLACES)
        return not self.rated and not told.scores and (self.minute, self.about) == (_minute(told.posted_at), about)


def rename_reworded(connection: sqlite3.Connection, reading_id: int, batch: Sequence[Incoming]) -> None:
    """Gives stored answers the ids and the questions under which a batch of this reading tells them, in the caller's transaction."""
    told = {item.verbatim.source_id: item for item in batch if _is_answer(item.verbatim)}
    stored = _stored(connection, [item.verbatim for item in told.values()])
    known = {answer.source_id for answer in stored}
    left: dict[tuple[str | None, str], list[_Answer]] = {}
    for answer in stored:
        if answer.source_id not in told and answer.reading_id != reading_id:
            left.setdefault((answer.response, answer.text), []).append(answer)
    renamed: list[tuple[object, ...]] = []
    for source_id, item in told.items():
        verbatim = item.verbatim
        if source_id not in known and (answers := left.get((verbatim.conversation_id, verbatim.text))):
            answer = answers.pop(0)
            content_hash = item.content_hash if answer.has_what_is_told(verbatim) else None
            renamed.append((source_id, verbatim.turn, verbatim.question, content_hash, answer.id))
    connection.executemany(
        "update verbatims set source_id = ?, turn = ?, question = ?, content_hash = coalesce(?, content_hash) where id = ?",
        renamed,
    )


def _is_answer(verbatim: Verbatim) -> bool:
    response = verbatim.conversation_id
    return verbatim.kind == "survey" and response is not None and verbatim.source_id.startswith(f"{response}/")


def _stored(connection: sqlite3.Connection, told: Collection[Verbatim]) -> list[_Answer]:
    """All answers that are stored of the responses that these belong to."""
    if not told:
        return []
    rows = connection.execute(
        f"""select id, source_id, conversation_id, text, reading_id, posted_at,
                   exists (select 1 from scores where verbatim_id = verbatims.id), {", ".join(_ABOUT)}
            from verbatims
            where source = ? and conversation_id in (select value from json_each(?))
                and substr(source_id, 1, length(conversation_id) + 1) = conversation_id || '/' order by id""",
        (next(iter(told)).source, json.dumps(sorted({verbatim.conversation_id or "" for verbatim in told}))),
    )
    return [
        _Answer(row_id, source_id, response, text, reading_id, _minute(posted_at), rated, tuple(about))
        for row_id, source_id, response, text, reading_id, posted_at, rated, *about in rows
    ]


def _minute(posted_at: str | None) -> str | None:
    """All of it that Excel leaves in a date."""
    return posted_at and posted_at[: len("2026-03-01T12:00")]
