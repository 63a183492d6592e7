"""A project database in memory, filled row by row, for tests of what reads it. All people and words are made up."""

import sqlite3
from dataclasses import dataclass

from sqlite_utils import Database

from storage.migrations import migrate

VERSION = "test-1"


@dataclass(frozen=True)
class Piece:
    """One segment's words and marks; `mentions` are (aspect, sentiment)."""

    text: str
    stage: str = "engagement"
    sentiment: str = "neutral"
    mentions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Said:
    """One verbatim, made of its pieces joined by "，"; `scores` are (metric, value, low, high)."""

    pieces: tuple[Piece, ...] = (Piece("还行"),)
    posted_at: str | None = "2026-02-25T04:00:00Z"
    channel: str = "京东"
    kind: str = "review"
    role: str = "customer"
    conversation_id: str | None = None
    customer_id: str | None = None
    product: str | None = None
    noise: str | None = None
    duplicate_of: int | None = None
    scores: tuple[tuple[str, float, float, float], ...] = ()
    version: str | None = VERSION  # None: not analysed
    error: str | None = None


def empty_project() -> sqlite3.Connection:
    db = Database(memory=True)
    migrate(db, ":memory:")
    db.conn.execute("pragma foreign_keys = on")
    return db.conn


def project_of(*said: Said) -> sqlite3.Connection:
    """A database that holds these, with ids from 1 in the order given; segment ids likewise."""
    connection = empty_project()
    for one in said:
        add(connection, one)
    connection.commit()
    return connection


def add(connection: sqlite3.Connection, said: Said) -> int:
    """Insert one verbatim with all that hangs on it; its id."""
    text = "，".join(piece.text for piece in said.pieces)
    number = connection.execute("select count(*) from verbatims").fetchone()[0] + 1
    verbatim_id = _insert(
        connection,
        "verbatims",
        source="test",
        source_id=str(number),
        kind=said.kind,
        channel=said.channel,
        role=said.role,
        conversation_id=said.conversation_id,
        customer_id=said.customer_id,
        product=said.product,
        posted_at=said.posted_at,
        text=text,
        noise=said.noise,
        duplicate_of=said.duplicate_of,
        content_hash=0,
    )
    for number, (metric, value, low, high) in enumerate(said.scores, 1):
        _insert(
            connection,
            "scores",
            verbatim_id=verbatim_id,
            number=number,
            metric=metric,
            value=value,
            scale_low=low,
            scale_high=high,
        )
    if said.version is not None:
        _insert(connection, "analyses", verbatim_id=verbatim_id, pipeline_version=said.version, error=said.error)
    if said.version is not None and said.error is None:
        start = 0
        for piece in said.pieces:
            _add_segment(connection, verbatim_id, start, piece)
            start += len(piece.text) + 1
    return verbatim_id


def _add_segment(connection: sqlite3.Connection, verbatim_id: int, start: int, piece: Piece) -> None:
    segment_id = _insert(
        connection,
        "segments",
        verbatim_id=verbatim_id,
        start=start,
        end=start + len(piece.text),
        stage=piece.stage,
        stage_confidence=0.9,
        sentiment=piece.sentiment,
        sentiment_score=0.0,
        sentiment_confidence=0.9,
        intent="statement",
        intent_confidence=0.9,
    )
    for aspect, sentiment in piece.mentions:
        _insert(
            connection,
            "mentions",
            segment_id=segment_id,
            aspect=aspect,
            term=piece.text[:1],
            start=start,
            end=start + 1,
            sentiment=sentiment,
        )


def _insert(connection: sqlite3.Connection, table: str, **values: object) -> int:
    places = ", ".join("?" * len(values))
    cursor = connection.execute(f"insert into {table} ({', '.join(values)}) values ({places})", tuple(values.values()))
    return int(cursor.lastrowid or 0)
