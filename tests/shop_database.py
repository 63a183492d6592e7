"""A small project database on disk with something for every page of `feedback browse`. All people and words are made up."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from sqlite_utils import Database

from nlp.normalize import fold
from storage.migrations import migrate
from storage.search import index_columns, index_rows
from storage.views import create_views

THIS_WEEK = "2026-03-04T04:00:00Z"  # a Wednesday, noon in China
LAST_WEEK = "2026-02-25T04:00:00Z"


@dataclass(frozen=True)
class Opinion:
    """A segment by its words, which stand in the verbatim's text; `aspects` are (aspect, sentiment)."""

    words: str
    stage: str
    sentiment: str
    aspects: tuple[tuple[str, str], ...] = ()
    confidence: float = 0.9


@dataclass(frozen=True)
class Said:
    """One verbatim; `columns` are those of its row that differ from a plain customer's review."""

    text: str
    opinions: tuple[Opinion, ...] = ()
    columns: dict[str, object] = field(default_factory=dict)
    score: tuple[str, float, float, float] | None = None
    error: str | None = None
    analysed: bool = True


def _logistics(text: str, sentiment: str, channel: str) -> Said:
    return Said(text, (Opinion(text, "purchase", sentiment, (("物流", sentiment),)),), {"channel": channel})


_SLOW = _logistics("物流太慢了，等了六天😡", "negative", "jd")
_CHAT = {"channel": "wecom", "kind": "chat", "source": "wecom", "conversation_id": "c1"}
_SURVEY = {"channel": "wjx", "kind": "survey", "source": "wjx", "question": "您为什么打这个分？"}

SAID = (
    _SLOW,
    Said(
        "😀😀包装很好，续航也够用",
        (
            Opinion("包装很好，", "purchase", "positive", (("包装", "positive"),)),
            Opinion("续航也够用", "engagement", "positive", (("续航", "positive"), ("续航", "negative"))),
        ),
        score=("star", 1, 1, 5),
    ),
    Said(
        "iPhone15续航不行，半天就没电",
        (
            Opinion(
                "iPhone15续航不行，半天就没电", "engagement", "negative", (("续航", "negative"), ("充电", "negative"))
            ),
        ),
        {"channel": "tmall", "product": "手机", "version": "5.2.1", "votes": 12},
        score=("star", 5, 1, 5),
    ),
    _logistics("快递很快，第二天就到", "positive", "tmall"),
    Said(
        "用了两周，充电口松了",
        (Opinion("充电口松了", "engagement", "negative", (("充电", "negative"),)),),
        {"channel": "tmall", "parent_id": "4"},
    ),
    Said("此用户没有填写评价。", columns={"noise": "default_review"}, score=("star", 5, 1, 5)),
    Said(_SLOW.text, _SLOW.opinions, {"channel": "jd", "duplicate_of": 1}),
    Said(
        "你好，退款什么时候到账？",
        (Opinion("退款什么时候到账？", "post_purchase", "neutral", (("退款", "neutral"),)),),
        {**_CHAT, "turn": 1},
    ),
    Said("您好，三个工作日内到账。", columns={**_CHAT, "turn": 2, "role": "agent"}, analysed=False),
    Said("再也不买了", (Opinion("再也不买了", "loyalty", "negative", confidence=0.4),), {**_CHAT, "turn": 3}),
    Said(
        "客服态度好，会推荐给朋友",
        (
            Opinion("客服态度好，", "post_purchase", "positive", (("客服", "positive"),)),
            Opinion("会推荐给朋友", "loyalty", "positive"),
        ),
        {**_SURVEY, "conversation_id": "r1", "turn": 1},
        score=("nps", 9, 0, 10),
    ),
    Said("没有别的意见", columns={**_SURVEY, "conversation_id": "r1", "turn": 2}, score=("nps", 9, 0, 10)),
    Said(
        "<b>一般</b>吧",
        (Opinion("<b>一般</b>吧", "none", "neutral"),),
        {**_SURVEY, "conversation_id": "r2", "turn": 1, "posted_at": None},
        score=("nps", 4, 0, 10),
    ),
    Said("朋友推荐的，看图种草", columns={"channel": "xhs", "kind": "post"}, analysed=False),
    Said("坏掉的一条", columns={"channel": "xhs", "kind": "post"}, error="It holds a lone surrogate."),
    *(_logistics(f"第{n}次买，发货真慢", "negative", "jd") for n in range(2, 7)),
    *(_logistics(f"第{n}次买，送得飞快", "positive", "tmall") for n in range(2, 7)),
    Said("上周送得也慢", (Opinion("上周送得也慢", "purchase", "negative"),), {"posted_at": LAST_WEEK}),
)


def empty_database(path: Path) -> Path:
    """A database without a row."""
    database = Database(path)
    migrate(database, str(path))
    database.conn.commit()
    database.conn.execute("pragma journal_mode = wal")
    create_views(database.conn)
    database.conn.commit()
    database.conn.close()
    return path


def shop_database(path: Path) -> Path:
    """The database of a made-up shop; ids of verbatims count from 1 in the order of `SAID`, segments' too."""
    empty_database(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        for said in SAID:
            _add_verbatim(connection, said)
        _add_what_happened(connection)
    return path


def insert(connection: sqlite3.Connection, table: str, **values: object) -> int:
    columns, places = ", ".join(f'"{name}"' for name in values), ", ".join("?" * len(values))
    cursor = connection.execute(f"insert into {table} ({columns}) values ({places})", tuple(values.values()))
    return int(cursor.lastrowid or 0)


def _add_verbatim(connection: sqlite3.Connection, said: Said) -> None:
    number = connection.execute("select count(*) + 1 from verbatims").fetchone()[0]
    row = {
        "source": "shop",
        "source_id": str(number),
        "kind": "review",
        "channel": "jd",
        "role": "customer",
        "posted_at": THIS_WEEK,
        "text": said.text,
        "content_hash": 0,
    }
    verbatim_id = insert(connection, "verbatims", **row | said.columns)
    index_rows(connection, [(verbatim_id, *index_columns(fold(said.text)))])
    if said.score:
        metric, value, low, high = said.score
        insert(
            connection,
            "scores",
            verbatim_id=verbatim_id,
            number=1,
            metric=metric,
            value=value,
            scale_low=low,
            scale_high=high,
        )
    if said.analysed:
        insert(connection, "analyses", verbatim_id=verbatim_id, pipeline_version="test-1", error=said.error)
    for opinion in said.opinions:
        _add_segment(connection, verbatim_id, said.text.index(opinion.words), opinion)


def _add_segment(connection: sqlite3.Connection, verbatim_id: int, start: int, opinion: Opinion) -> None:
    end = start + len(opinion.words)
    segment_id = insert(
        connection,
        "segments",
        verbatim_id=verbatim_id,
        start=start,
        end=end,
        stage=opinion.stage,
        stage_confidence=opinion.confidence,
        sentiment=opinion.sentiment,
        sentiment_score={"negative": -0.8, "neutral": 0.0, "positive": 0.8}[opinion.sentiment],
        sentiment_confidence=0.8,
        intent="statement",
        intent_confidence=0.7,
    )
    for aspect, sentiment in opinion.aspects:
        insert(
            connection,
            "mentions",
            segment_id=segment_id,
            aspect=aspect,
            term=aspect,
            start=start,
            end=end,
            opinion=opinion.words[-2:],
            opinion_start=end - 2,
            opinion_end=end,
            sentiment=sentiment,
        )


def _add_what_happened(connection: sqlite3.Connection) -> None:
    run = insert(connection, "runs", command="collect", source="shop", started_at=THIS_WEEK, status="done", rejected=1)
    insert(
        connection,
        "rejects",
        run_id=run,
        source="shop",
        part="reviews.csv",
        location="reviews.csv:17",
        reason="The date '昨晚' can't be read.",
        excerpt="发货真慢 | 昨晚",
        stored=1,
    )
    finding = insert(
        connection,
        "findings",
        period_kind="week",
        period_start="2026-03-02",
        period_end="2026-03-09",
        kind="pain_point",
        stage="purchase",
        aspect="物流",
        rank=1,
        figures="{}",
    )
    insert(connection, "evidence", finding_id=finding, segment_id=1)
    insert(
        connection,
        "evaluations",
        evaluated_at=THIS_WEEK,
        gold="segments_dev.jsonl",
        engine="fast",
        engine_version="1",
        field="sentiment",
        part="all",
        metric="accuracy",
        value=0.81,
        low=0.77,
        high=0.85,
        n=420,
    )
