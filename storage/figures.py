"""The reads that add up, and the findings made of them. Every figure of a digest comes from here.

All take a plain connection and a `Scope` that says which verbatims are meant. Rows come in a fixed order, so the same
database gives the same figures.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

# Who speaks: in a chat or survey, all that one customer wrote in one conversation or response; else the verbatim alone.
_VOICE = """case when v.kind in ('chat', 'survey') and v.conversation_id is not null
               then v.source || char(10) || v.conversation_id || char(10) || coalesce(v.customer_id, '')
               else v.id end"""

# What of `verbatims v` holds the ratings alone of a survey response whose words are verbatims of their own: nothing anybody wrote.
BESIDE_WORDS = """v.kind = 'survey' and v.text = '' and v.conversation_id is not null and exists (
                select 1 from verbatims w where w.source = v.source and w.conversation_id = v.conversation_id
                    and w.text != '' and w.id <= :last)"""

_NOT_RATINGS = "('default_review', 'copied_template', 'company_reply')"


@dataclass(frozen=True, slots=True)
class Scope:
    """Verbatims with `start` <= posted_at < `end` (UTC text); both None: all of them, undated ones too.

    `channels` empty: every channel. Rows after `last_verbatim_id` and marks of other pipeline versions do not exist.
    """

    start: str | None
    end: str | None
    last_verbatim_id: int
    pipeline_version: str
    channels: tuple[str, ...] = ()


class VerbatimCount(NamedTuple):
    """How many verbatims share all of this.

    `analysis` under the scope's version: done, failed, missing, or wordless (a rating without a text needs none).
    """

    channel: str
    kind: str
    role: str
    noise: str | None
    duplicate: bool
    analysis: str
    verbatims: int


class MentionMark(NamedTuple):
    aspect: str
    sentiment: str


class SegmentMark(NamedTuple):
    """One segment of a customer's verbatim; `effective` when the verbatim is neither a copy nor noise.

    Marks with the same `voice` are not independent opinions: one verbatim's, or one customer's in one conversation.
    """

    voice: int | str
    segment_id: int
    channel: str
    stage: str
    sentiment: str
    effective: bool
    mentions: tuple[MentionMark, ...]


class Rating(NamedTuple):
    """One score a customer gave."""

    verbatim_id: int
    metric: str
    value: float
    scale_low: float
    scale_high: float


class SegmentText(NamedTuple):
    """A segment in the customer's words, and where they stand."""

    segment_id: int
    verbatim_id: int
    text: str
    channel: str
    product: str | None
    person: int | str  # the same for two texts only if they are one customer's
    posted_at: str | None


@dataclass(frozen=True, slots=True)
class FindingRow:
    """A row of `findings` with its rows of `evidence` (segment ids); `figures` is JSON."""

    kind: str
    stage: str | None
    aspect: str | None
    channel: str | None
    rank: int
    figures: str
    evidence: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FindingPeriod:
    """The period findings belong to, as local dates; both None for `all`."""

    kind: str
    start: str | None
    end: str | None


@contextmanager
def snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """All reads inside see one state of the database, whatever other processes commit meanwhile."""
    connection.execute("savepoint figures")
    try:
        yield
    finally:
        connection.execute("release figures")


def newest_posted_at(connection: sqlite3.Connection, not_after: str | None = None) -> str | None:
    """The newest date of any customer verbatim (up to `not_after`, which keeps mistyped future years out)."""
    row = connection.execute(
        "select max(posted_at) from verbatims where role = 'customer' and (? is null or posted_at <= ?)",
        (not_after, not_after),
    ).fetchone()
    return None if row[0] is None else str(row[0])


def last_verbatim_id(connection: sqlite3.Connection) -> int:
    """The id of the verbatim collected last, 0 when there is none."""
    return int(connection.execute("select coalesce(max(id), 0) from verbatims").fetchone()[0])


def analysis_versions(connection: sqlite3.Connection, scope: Scope) -> dict[str, int]:
    """How many of the scope's customer verbatims each pipeline version has analysed, whatever the scope's version."""
    where, values = _where(scope)
    rows = connection.execute(
        f"""select a.pipeline_version, count(*) from analyses a join verbatims v on v.id = a.verbatim_id
            where v.role = 'customer' and {where} group by 1 order by 1""",
        values,
    )
    return {str(version): int(count) for version, count in rows}


def verbatim_counts(connection: sqlite3.Connection, scope: Scope) -> list[VerbatimCount]:
    """Every verbatim of the scope, agents' and bots' too, counted by what decides whether it counts as feedback.

    A record that holds but the ratings of a survey response is counted where that response has no words.
    """
    where, values = _where(scope)
    rows = connection.execute(
        f"""select v.channel, v.kind, v.role, v.noise, v.duplicate_of is not null,
                   case when v.text = '' then 'wordless' when a.verbatim_id is null then 'missing'
                        when a.error is null then 'done' else 'failed' end,
                   count(*)
            from verbatims v
            left join analyses a on a.verbatim_id = v.id and a.pipeline_version = :version
            where {where} and not ({BESIDE_WORDS})
            group by 1, 2, 3, 4, 5, 6 order by 1, 2, 3, 4, 5, 6""",
        values,
    )
    return [VerbatimCount(row[0], row[1], row[2], row[3], bool(row[4]), row[5], row[6]) for row in rows]


def undated_count(connection: sqlite3.Connection, scope: Scope) -> int:
    """Customer verbatims without a date, in the scope's channels, whatever its dates."""
    where, values = _where(Scope(None, None, scope.last_verbatim_id, scope.pipeline_version, scope.channels))
    row = connection.execute(
        f"""select count(*) from verbatims v
            where v.role = 'customer' and v.posted_at is null and {where} and not ({BESIDE_WORDS})""",
        values,
    ).fetchone()
    return int(row[0])


def segment_marks(connection: sqlite3.Connection, scope: Scope) -> Iterator[SegmentMark]:
    """Every segment of the scope's customer verbatims with its mentions, lazily, voice by voice."""
    where, values = _where(scope)
    rows = connection.execute(
        f"""select {_VOICE} as voice, s.id, v.channel, s.stage, s.sentiment, v.duplicate_of is null and v.noise is null,
                   m.aspect, m.sentiment
            from verbatims v
            join analyses a on a.verbatim_id = v.id and a.pipeline_version = :version and a.error is null
            join segments s on s.verbatim_id = v.id
            left join mentions m on m.segment_id = s.id
            where v.role = 'customer' and {where}
            order by voice, s.id, m.id""",
        values,
    )
    for head, group in groupby(rows, key=itemgetter(slice(6))):
        mentions = tuple(MentionMark(row[6], row[7]) for row in group if row[6] is not None)
        voice, segment_id, channel, stage, sentiment, effective = head
        yield SegmentMark(voice, segment_id, channel, stage, sentiment, bool(effective), mentions)


def ratings(connection: sqlite3.Connection, scope: Scope) -> Iterator[Rating]:
    """Every score customers gave, by verbatim id. Marks are not needed for it, nor words.

    A copy's score counts (two people may well paste one text), a silent customer's too; the stars a
    platform gives by default and those on copied templates do not. A survey response that carries the same metric on
    more than one of its verbatims is heard once, on the first.
    """
    where, values = _where(scope)
    rows = connection.execute(
        f"""select v.id, c.metric, c.value, c.scale_low, c.scale_high,
                   case when v.kind = 'survey' and v.conversation_id is not null then v.source end, v.conversation_id
            from verbatims v join scores c on c.verbatim_id = v.id
            where v.role = 'customer' and (v.noise is null or v.noise not in {_NOT_RATINGS}) and {where}
            order by v.id, c.number""",
        values,
    )
    heard: dict[tuple[object, ...], int] = {}
    for verbatim_id, metric, value, low, high, survey, response in rows:
        if survey is None or heard.setdefault((survey, response, metric, low, high), verbatim_id) == verbatim_id:
            yield Rating(verbatim_id, metric, value, low, high)


def segment_texts(connection: sqlite3.Connection, segment_ids: Sequence[int]) -> list[SegmentText]:
    """The words of some segments (a few hundred at a time), by segment id."""
    rows = connection.execute(
        f"""select s.id, v.id, v.text, s.start, s.end, v.channel, v.product,
                   coalesce(v.customer_id, {_VOICE}), v.posted_at
            from segments s join verbatims v on v.id = s.verbatim_id
            where s.id in ({", ".join("?" * len(segment_ids))}) order by s.id""",
        tuple(segment_ids),
    )
    # Cut here, not by substr(): SQLite's ends a text at its first NUL.
    return [SegmentText(row[0], row[1], row[2][row[3] : row[4]], *row[5:]) for row in rows]


def save_findings(connection: sqlite3.Connection, period: FindingPeriod, rows: Iterable[FindingRow]) -> bool:
    """Put `rows` in the place of the period's former findings; False, and nothing written, when they are the same."""
    new = list(rows)
    key = (period.kind, period.start, period.end)
    if _load_findings(connection, key) == new:
        return False
    connection.execute("savepoint findings")
    try:
        connection.execute(f"delete from evidence where finding_id in (select id from findings {_OF_PERIOD})", key)
        connection.execute(f"delete from findings {_OF_PERIOD}", key)
        for row in new:
            cursor = connection.execute(
                """insert into findings
                   (period_kind, period_start, period_end, kind, stage, aspect, channel, rank, figures)
                   values (?, ?, ?, ?, ?, ?, ?, ?, ?)""",
                (*key, row.kind, row.stage, row.aspect, row.channel, row.rank, row.figures),
            )
            connection.executemany(
                "insert into evidence (finding_id, segment_id) values (?, ?)",
                ((cursor.lastrowid, segment_id) for segment_id in row.evidence),
            )
    except BaseException:
        connection.execute("rollback to findings")
        raise
    finally:
        connection.execute("release findings")
    return True


_OF_PERIOD = "where period_kind = ? and period_start is ? and period_end is ?"


def _load_findings(connection: sqlite3.Connection, key: tuple[str, str | None, str | None]) -> list[FindingRow]:
    evidence: dict[int, list[int]] = {}
    for finding_id, segment_id in connection.execute(
        f"""select finding_id, segment_id from evidence
            where finding_id in (select id from findings {_OF_PERIOD}) order by 1, 2""",
        key,
    ):
        evidence.setdefault(finding_id, []).append(segment_id)
    rows = connection.execute(
        f"select id, kind, stage, aspect, channel, rank, figures from findings {_OF_PERIOD} order by id", key
    )
    return [
        FindingRow(kind, stage, aspect, channel, rank, figures, tuple(evidence.get(finding_id, ())))
        for finding_id, kind, stage, aspect, channel, rank, figures in rows
    ]


def _where(scope: Scope) -> tuple[str, dict[str, object]]:
    """The condition on `verbatims v` that a scope means, and the values it binds."""
    values: dict[str, object] = {"last": scope.last_verbatim_id, "version": scope.pipeline_version}
    conditions = ["v.id <= :last"]
    if scope.start is not None and scope.end is not None:
        conditions.append("v.posted_at >= :start and v.posted_at < :end")
        values |= {"start": scope.start, "end": scope.end}
    if scope.channels:
        names = {f"channel{number}": channel for number, channel in enumerate(scope.channels)}
        conditions.append(f"v.channel in ({', '.join(':' + name for name in names)})")
        values |= names
    return " and ".join(conditions), values
