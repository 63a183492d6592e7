"""A small shop's two weeks, counted on fingers: what the findings' tests rest on. People and words are made up.

This week (2026-02-23 to 03-01) against the one before, in Shanghai:

- 物流: 10 blame it and 2 praise it on 京东; the week before it was 2 and 10.
- 客服: blamed by 8 on 微信, praised by 8 in 问卷.
- 味道: praised by 4.
"""

import sqlite3

from build_project_db import Piece, Said, project_of

from feedback.journey.build import build_digest
from feedback.journey.model import Digest, Parameters, Period

THIS_WEEK = "2026-02-25T04:00:00Z"
LAST_WEEK = "2026-02-18T04:00:00Z"

SLOW = ("快递送得太慢了", "等了五天快递才到", "快递太慢了等了一周", "物流慢得离谱", "快递慢还没人接电话")
SLOW += ("等快递等得心急", "快递在路上停了三天", "物流信息一直不更新", "快递员把货放错地方", "送得太慢咖啡豆都不新鲜了")
FAST = ("快递第二天就到了", "物流特别快")

PARAMETERS = Parameters(
    period=Period("week", "2026-02-23", "2026-03-02"),
    previous=Period("week", "2026-02-16", "2026-02-23"),
    timezone="Asia/Shanghai",
    last_verbatim_id=1000,
    pipeline_version="test-1",
)


def about(text: str, aspect: str, sentiment: str, stage: str = "purchase") -> tuple[Piece, ...]:
    return (Piece(text, stage, sentiment, ((aspect, sentiment),)),)


def story() -> list[Said]:
    """58 verbatims in a fixed order; ids count from 1."""
    said = [Said(about(text, "物流", "negative"), customer_id=f"c{i}") for i, text in enumerate(SLOW)]  # 1-10
    said += [Said(about(text, "物流", "positive")) for text in FAST]  # 11, 12
    said += [
        Said(about(f"客服第{n}次才回我", "客服", "negative", "post_purchase"), channel="微信", kind="chat")
        for n in range(1, 9)
    ]  # 13-20
    said += [
        Said(
            about(f"客服耐心，{n}分钟解决", "客服", "positive", "post_purchase"),
            channel="问卷",
            kind="survey",
            conversation_id=f"r{n}",
            scores=(("nps", 10.0 if n > 2 else 3.0, 0.0, 10.0),),
        )
        for n in range(1, 9)
    ]  # 21-28
    said += [Said(about(f"第{n}包味道也香", "味道", "positive", "engagement")) for n in range(1, 5)]  # 29-32
    said += [
        Said(posted_at=THIS_WEEK, noise="default_review", scores=(("star", 5.0, 1.0, 5.0),)),  # 33
        Said(about(SLOW[0], "物流", "negative"), duplicate_of=1, scores=(("star", 1.0, 1.0, 5.0),)),  # 34
        Said(about("您好，马上为您查物流", "物流", "neutral"), role="agent", channel="微信", kind="chat"),  # 35
        Said(version=None),  # 36
        Said(error="boom"),  # 37
        Said(version="test-0", error="old"),  # 38: only an older version has looked at it
        Said(posted_at=None),  # 39
        # Sunday 23:59:59 in Shanghai, and Monday 00:00:00.
        Said((Piece("不错", "none", "positive"),), posted_at="2026-03-01T15:59:59Z"),  # 40
        Said((Piece("下周的", "none", "positive"),), posted_at="2026-03-01T16:00:00Z"),  # 41
        Said((Piece("一般吧", "none"), Piece("就那样", "none")), posted_at="2026-02-22T16:00:00Z"),  # 42
    ]
    said += [Said(about(text, "物流", "negative"), posted_at=LAST_WEEK) for text in SLOW[:2]]  # 43, 44
    said += [Said(about(f"{text}真快", "物流", "positive"), posted_at=LAST_WEEK) for text in SLOW]  # 45-54
    said += [
        Said((), posted_at=LAST_WEEK, kind="survey", channel="问卷", scores=(("nps", value, 0.0, 10.0),))
        for value in (9.0, 0.0, 8.0, 9.0)
    ]  # 55-58
    return said


def story_project() -> sqlite3.Connection:
    return project_of(*story())


def digest_of(*said: Said, parameters: Parameters = PARAMETERS) -> Digest:
    return build_digest(project_of(*said), parameters, "咖啡店", "0.1.0", "2026-03-02T00:30:00Z")


def ids(first: int, last: int) -> tuple[int, ...]:
    return tuple(range(first, last + 1))
