"""Topics: what they are, which texts belong to them, and what has happened to them.

What belongs to a topic is a text, whichever segments say it, so that membership outlives a new analysis. `topic_texts` keeps every distinct text of
customers' segments as a digest, with its embedding in 8 bits; `segment_topics` says the same by segment, for reading.
"""

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

_PAGE = 5000


@dataclass(frozen=True, slots=True)
class TopicRow:
    """A topic. `looked`: how many distinct texts it had when its inner structure was last looked at; `status`: live, merged or gone."""

    id: int
    label: str
    named: bool
    keywords: tuple[str, ...]
    status: str
    pinned: bool
    hidden: bool
    looked: int

    @property
    def is_touched(self) -> bool:
        """Whether a person has pinned, hidden or named it: no run merges or ends it then."""
        return self.pinned or self.hidden or self.named


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a topic; `other_id` is the topic it came from or went into."""

    kind: str
    topic_id: int
    other_id: int | None
    detail: str


@dataclass(frozen=True, slots=True)
class TopicSize:
    """How many customers' segments a topic has: `raw` with copies and noise, the others without; `texts` distinct ones."""

    topic_id: int | None
    raw: int
    effective: int
    negative: int
    positive: int


@dataclass(frozen=True, slots=True)
class SpaceRow:
    """The space that topics lie in: which encoder's, its mean and the direction left out, and how many texts it was made from."""

    encoder: str
    mean: bytes
    direction: bytes
    texts: int


def read_space(connection: sqlite3.Connection) -> SpaceRow | None:
    """None before there are topics."""
    row = connection.execute("select encoder, mean, direction, texts from topic_space").fetchone()
    return SpaceRow(*row) if row else None


def save_space(connection: sqlite3.Connection, space: SpaceRow) -> None:
    connection.execute("delete from topic_space")
    connection.execute(
        "insert into topic_space (encoder, mean, direction, texts) values (?, ?, ?, ?)",
        (space.encoder, space.mean, space.direction, space.texts),
    )


def count_unplaced(connection: sqlite3.Connection) -> int:
    """Customers' opinions that were analysed since topics were last brought up to date; 0 where there are no topics."""
    row = connection.execute(
        "select count(*) from segments s join verbatims v on v.id = s.verbatim_id "
        "where v.role = 'customer' and v.noise is null and s.id > (select placed_up_to from topic_space)"
    ).fetchone()
    return int(row[0])


def gather_texts(connection: sqlite3.Connection) -> int:
    """List the digests of what customers' segments say, noise left out, and forget texts that nobody says any more. How many distinct texts there are."""
    connection.execute("drop table if exists temp.said")
    connection.execute("create temp table said (segment_id integer primary key, digest blob not null)")
    after = 0
    while rows := connection.execute(
        "select s.id, substr(v.text, s.start + 1, s.end - s.start) from segments s join verbatims v on v.id = s.verbatim_id "
        "where v.role = 'customer' and v.noise is null and s.id > ? order by s.id limit ?",
        (after, _PAGE),
    ).fetchall():
        after = rows[-1][0]
        connection.executemany("insert into said values (?, ?)", [(n, _digest(text)) for n, text in rows])
    connection.execute("create index temp.said_digest on said(digest)")
    connection.execute("delete from topic_texts where digest not in (select digest from said)")
    return int(connection.execute("select count(distinct digest) from said").fetchone()[0])


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.strip().encode("utf-8", "surrogatepass"), digest_size=16).digest()


def texts_to_embed(connection: sqlite3.Connection, encoder: str, limit: int) -> list[tuple[bytes, str]]:
    """The next distinct texts without an embedding of this encoder's, by digest; after `gather_texts`."""
    rows: list[tuple[bytes, str]] = connection.execute(
        "select digest, substr(v.text, s.start + 1, s.end - s.start) from "
        "(select digest, min(segment_id) as first from said where digest not in (select digest from topic_texts where encoder = ?) "
        "group by digest order by digest limit ?) join segments s on s.id = first join verbatims v on v.id = s.verbatim_id "
        "order by digest",
        (encoder, limit),
    ).fetchall()
    return rows


def save_embeddings(connection: sqlite3.Connection, encoder: str, rows: Iterable[tuple[bytes, bytes]]) -> None:
    """Vectors by digest; what a text belongs to stays."""
    connection.executemany(
        "insert into topic_texts (digest, encoder, vector) values (?, ?, ?) on conflict (digest) do update "
        "set encoder = excluded.encoder, vector = excluded.vector",
        ((digest, encoder, vector) for digest, vector in rows),
    )


def embeddings(
    connection: sqlite3.Connection, *, topic: int | None = None, everything: bool = False, limit: int | None = None
) -> Iterator[list[tuple[bytes, bytes, int | None]]]:
    """(digest, vector, topic) in pages, by digest: of one topic's texts, of those of no topic, or of all; the first `limit` of them."""
    where = "1" if everything else "topic_id is ?"
    given = () if everything else (topic,)
    after, left = b"", limit if limit is not None else 1 << 62
    while left > 0 and (
        rows := connection.execute(
            f"select digest, vector, topic_id from topic_texts where {where} and digest > ? order by digest limit ?",
            (*given, after, min(left, _PAGE)),
        ).fetchall()
    ):
        yield rows
        after = rows[-1][0]
        left -= len(rows)


def leaning_embeddings(connection: sqlite3.Connection, limit: int) -> list[tuple[bytes, float]]:
    """(vector, sentiment score) of distinct texts, the first `limit` by digest; after `gather_texts`."""
    rows: list[tuple[bytes, float]] = connection.execute(
        "select t.vector, s.sentiment_score from topic_texts t "
        "join (select digest, min(segment_id) as first from said group by digest) using (digest) "
        "join segments s on s.id = first order by t.digest limit ?",
        (limit,),
    ).fetchall()
    return rows


def save_members(connection: sqlite3.Connection, rows: Iterable[tuple[bytes, int | None, float | None]]) -> None:
    """(digest, topic, similarity): what texts belong to from now on."""
    connection.executemany(
        "update topic_texts set topic_id = ?, similarity = ? where digest = ?",
        ((topic, similarity, digest) for digest, topic, similarity in rows),
    )


def move_members(connection: sqlite3.Connection, from_topic: int, to_topic: int) -> None:
    connection.execute("update topic_texts set topic_id = ? where topic_id = ?", (to_topic, from_topic))


def member_counts(connection: sqlite3.Connection) -> dict[int, int]:
    """Distinct texts by topic."""
    query = "select topic_id, count(*) from topic_texts where topic_id is not null group by topic_id"
    return dict(connection.execute(query).fetchall())


def member_texts(connection: sqlite3.Connection, limit: int) -> Iterator[tuple[int | None, str]]:
    """(topic, text) of distinct texts, the first `limit` by digest; after `gather_texts`."""
    yield from connection.execute(
        "select t.topic_id, substr(v.text, s.start + 1, s.end - s.start) from topic_texts t "
        "join (select digest, min(segment_id) as first from said group by digest) using (digest) "
        "join segments s on s.id = first join verbatims v on v.id = s.verbatim_id order by t.digest limit ?",
        (limit,),
    )


def publish_members(connection: sqlite3.Connection) -> None:
    """Bring `segment_topics` in line with what the texts belong to; after `gather_texts`."""
    connection.execute("drop table if exists temp.now")
    connection.execute(
        "create temp table now as select segment_id, topic_id, similarity from said join topic_texts using (digest) "
        "where topic_id is not null and segment_id in (select id from segments) order by segment_id"
    )
    connection.execute("create unique index temp.now_segment on now(segment_id)")
    connection.execute(
        "delete from segment_topics where not exists (select 1 from now n where n.segment_id = segment_topics.segment_id "
        "and n.topic_id = segment_topics.topic_id)"
    )
    connection.execute(
        "insert into segment_topics select segment_id, topic_id, round(similarity, 4) from now "
        "where segment_id not in (select segment_id from segment_topics)"
    )
    connection.execute("drop table temp.now")
    connection.execute("update topic_space set placed_up_to = (select coalesce(max(segment_id), 0) from said)")


def read_topics(connection: sqlite3.Connection) -> list[TopicRow]:
    """All topics that there ever were, by id."""
    rows = connection.execute(
        "select id, label, named, keywords, status, pinned, hidden, looked from topics order by id"
    ).fetchall()
    return [
        TopicRow(n, label, bool(named), tuple(keywords.split()), status, bool(pinned), bool(hidden), looked)
        for n, label, named, keywords, status, pinned, hidden, looked in rows
    ]


def add_topic(connection: sqlite3.Connection, topic: TopicRow, at: str, centres: Sequence[bytes]) -> None:
    connection.execute(
        "insert into topics (id, label, named, keywords, status, pinned, hidden, looked, born_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(topic.id, topic.label, topic.named, " ".join(topic.keywords), topic.status),
            *(topic.pinned, topic.hidden, topic.looked, at),
        ),
    )
    set_centres(connection, topic.id, centres)


def next_topic_id(connection: sqlite3.Connection) -> int:
    return int(connection.execute("select coalesce(max(id), 0) + 1 from topics").fetchone()[0])


def change_topic(connection: sqlite3.Connection, topic_id: int, **values: object) -> None:
    """Set columns of a topic."""
    columns = ", ".join(f"{name} = ?" for name in values)
    connection.execute(f"update topics set {columns} where id = ?", (*values.values(), topic_id))


def set_centres(connection: sqlite3.Connection, topic_id: int, centres: Sequence[bytes]) -> None:
    connection.execute("delete from topic_centres where topic_id = ?", (topic_id,))
    connection.executemany(
        "insert into topic_centres values (?, ?, ?)", [(topic_id, n, centre) for n, centre in enumerate(centres)]
    )


def read_centres(connection: sqlite3.Connection) -> list[tuple[int, bytes]]:
    """(topic, centre) of live topics."""
    rows: list[tuple[int, bytes]] = connection.execute(
        "select topic_id, vector from topic_centres join topics on topics.id = topic_id where status = 'live' order by topic_id, number"
    ).fetchall()
    return rows


def log_event(connection: sqlite3.Connection, run_id: int | None, at: str, event: Event) -> None:
    connection.execute(
        "insert into topic_events (run_id, happened_at, kind, topic_id, other_id, detail) values (?, ?, ?, ?, ?, ?)",
        (run_id, at, event.kind, event.topic_id, event.other_id, event.detail),
    )


def read_events(connection: sqlite3.Connection, topic_id: int | None, limit: int) -> list[tuple[str, Event]]:
    """When, and what; the newest first."""
    rows = connection.execute(
        "select happened_at, kind, topic_id, other_id, detail from topic_events "
        "where ?1 is null or topic_id = ?1 or other_id = ?1 order by id desc limit ?2",
        (topic_id, limit),
    )
    return [(at, Event(*rest)) for at, *rest in rows]


def topic_sizes(connection: sqlite3.Connection) -> list[TopicSize]:
    """Customers' segments by topic, the largest first; those of no topic under None, last."""
    rows = connection.execute(
        "select topic_id, count(*), sum(effective), sum(effective and sentiment = 'negative'), sum(effective and sentiment = 'positive') "
        "from (select t.topic_id, s.sentiment, v.duplicate_of is null and v.noise is null as effective from segments s "
        "join verbatims v on v.id = s.verbatim_id left join segment_topics t on t.segment_id = s.id where v.role = 'customer') "
        "group by topic_id order by topic_id is null, sum(effective) desc, count(*) desc, topic_id"
    )
    return [TopicSize(*row) for row in rows]


def topic_quotes(connection: sqlite3.Connection, topic_id: int | None, limit: int) -> list[tuple[int, str, str]]:
    """(verbatim, sentiment, text) of the members nearest to the topic's centre, each text once; of no topic, the newest."""
    rows: list[tuple[int, str, str]] = connection.execute(
        "select v.id, s.sentiment, substr(v.text, s.start + 1, s.end - s.start) as said from segments s "
        "join verbatims v on v.id = s.verbatim_id left join segment_topics t on t.segment_id = s.id "
        "where v.role = 'customer' and v.duplicate_of is null and v.noise is null and t.topic_id is ? group by said "
        "order by t.similarity desc, v.posted_at desc, v.id desc limit ?",
        (topic_id, limit),
    ).fetchall()
    return rows


def dated_segments(connection: sqlite3.Connection, start: str, end: str) -> Iterator[tuple[str, int | None, str, str]]:
    """(posted_at, topic, stage, channel) of customers' effective segments with `start` <= posted_at < `end`; hidden topics are as none."""
    yield from connection.execute(
        "select v.posted_at, case when topics.hidden then null else t.topic_id end, s.stage, v.channel from segments s "
        "join verbatims v on v.id = s.verbatim_id left join segment_topics t on t.segment_id = s.id "
        "left join topics on topics.id = t.topic_id where v.role = 'customer' and v.duplicate_of is null and v.noise is null "
        "and v.posted_at >= ? and v.posted_at < ?",
        (start, end),
    )
