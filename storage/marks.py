"""Writing what analysis says, and finding what still awaits it."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from storage.records import AnalysisRow, PendingText

_PENDING = """
    from verbatims v
    where v.role = 'customer' and v.text != ''
    and not exists (select 1 from analyses a where a.verbatim_id = v.id and a.pipeline_version = ?)
"""


def count_pending(connection: sqlite3.Connection, pipeline_version: str) -> int:
    return int(connection.execute(f"select count(*) {_PENDING}", (pipeline_version,)).fetchone()[0])


def pending(connection: sqlite3.Connection, pipeline_version: str, after_id: int, limit: int) -> list[PendingText]:
    """The next verbatims without marks of this version, by id. Only customers' words are analysed."""
    rows = connection.execute(
        f"select v.id, v.text, v.content_hash {_PENDING} and v.id > ? order by v.id limit ?",
        (pipeline_version, after_id, limit),
    )
    return [PendingText(*row) for row in rows]


def save_analyses(connection: sqlite3.Connection, pipeline_version: str, rows: Sequence[AnalysisRow]) -> None:
    """Replace the marks of these verbatims, inside the caller's transaction.

    A verbatim that changed since it was read is left alone: it will be analysed anew.
    """
    current = _unchanged(connection, rows)
    rows = [row for row in rows if row.verbatim_id in current]
    ids = [(row.verbatim_id,) for row in rows]
    connection.executemany("delete from segments where verbatim_id = ?", ids)
    connection.executemany("delete from analyses where verbatim_id = ?", ids)
    next_segment = _next_id(connection, "segments")
    next_mention = _next_id(connection, "mentions")
    segments, mentions, open_mentions = [], [], []
    for row in rows:
        for s in row.segments:
            segments.append(
                (
                    *(next_segment, row.verbatim_id, s.start, s.end, s.stage, s.stage_confidence, s.sentiment),
                    *(s.sentiment_score, s.sentiment_confidence, s.intent, s.intent_confidence, s.emotion),
                )
            )
            for m in s.mentions:
                mentions.append(
                    (
                        *(next_mention, next_segment, m.aspect, m.term, m.start, m.end),
                        *(m.opinion, m.opinion_start, m.opinion_end, m.sentiment),
                    )
                )
                next_mention += 1
            open_mentions += [
                (next_segment, m.term, m.start, m.end, m.opinion, m.opinion_start, m.opinion_end, m.sentiment)
                for m in s.open_mentions
            ]
            next_segment += 1
    connection.executemany(f"insert into segments values ({', '.join('?' * 12)})", segments)
    connection.executemany(f"insert into mentions values ({', '.join('?' * 10)})", mentions)
    connection.executemany(
        "insert into open_mentions (segment_id, term, start, end, opinion, opinion_start, opinion_end, sentiment) "
        "values (?, ?, ?, ?, ?, ?, ?, ?)",
        open_mentions,
    )
    connection.executemany(
        "insert into analyses values (?, ?, ?)", [(row.verbatim_id, pipeline_version, row.error) for row in rows]
    )


def carry_over(connection: sqlite3.Connection, old: str, new: str, touched: Sequence[int]) -> int:
    """Let the marks of one pipeline version count as another's, but for the verbatims `touched`. How many verbatims keep theirs."""
    return connection.execute(
        "update analyses set pipeline_version = ? where pipeline_version = ? "
        "and verbatim_id not in (select value from json_each(?))",
        (new, old, json.dumps(list(touched))),
    ).rowcount


@dataclass(frozen=True, slots=True)
class OpenTerm:
    """A judged thing without an aspect: how many effective opinions there are of it, and how many blame it."""

    term: str
    opinions: int
    negative: int


def open_terms(connection: sqlite3.Connection) -> list[OpenTerm]:
    """Every term of open mentions as it is written, the most frequent first."""
    rows = connection.execute(
        "select o.term, count(*), sum(o.sentiment = 'negative') from open_mentions o join segments s on s.id = o.segment_id "
        "join verbatims v on v.id = s.verbatim_id where v.role = 'customer' and v.noise is null and v.duplicate_of is null "
        "group by o.term order by count(*) desc, o.term"
    )
    return [OpenTerm(*row) for row in rows]


def open_quotes(connection: sqlite3.Connection, term: str, limit: int) -> list[tuple[int, str]]:
    """(verbatim, segment's text) of effective opinions about a term, negative ones first, then the newest; each text once."""
    rows: list[tuple[int, str]] = connection.execute(
        "select max(v.id), substr(v.text, s.start + 1, s.end - s.start) as said from open_mentions o "
        "join segments s on s.id = o.segment_id join verbatims v on v.id = s.verbatim_id "
        "where o.term = ? and v.role = 'customer' and v.noise is null and v.duplicate_of is null group by said "
        "order by max(o.sentiment = 'negative') desc, max(v.posted_at) desc, max(v.id) desc limit ?",
        (term, limit),
    ).fetchall()
    return rows


def _unchanged(connection: sqlite3.Connection, rows: Sequence[AnalysisRow]) -> set[int]:
    digests = {row.verbatim_id: row.content_hash for row in rows}
    found = connection.execute(
        "select id, content_hash from verbatims where id in (select value from json_each(?))",
        (json.dumps(list(digests)),),
    )
    return {row_id for row_id, digest in found if digests[row_id] == digest}


def _next_id(connection: sqlite3.Connection, table: str) -> int:
    return int(connection.execute(f"select coalesce(max(id), 0) + 1 from {table}").fetchone()[0])
