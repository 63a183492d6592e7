"""What a project holds, in a few numbers."""

import sqlite3
from dataclasses import dataclass

from storage.figures import BESIDE_WORDS, last_verbatim_id


@dataclass(frozen=True, slots=True)
class SourceCount:
    """Customer verbatims of one source, counted as `storage.figures.verbatim_counts` does; context turns are agents' and bots'."""

    source: str
    customer: int
    context: int
    copies: int
    noise: int
    undated: int
    first: str | None
    last: str | None


def source_counts(connection: sqlite3.Connection) -> list[SourceCount]:
    rows = connection.execute(
        f"""
        select source, sum(role = 'customer'), sum(role != 'customer'),
            sum(role = 'customer' and duplicate_of is not null), sum(role = 'customer' and noise is not null),
            sum(role = 'customer' and posted_at is null), min(posted_at), max(posted_at)
        from verbatims v where not ({BESIDE_WORDS}) group by source order by source
        """,
        {"last": last_verbatim_id(connection)},
    )
    return [SourceCount(*row) for row in rows]


def failed_texts(connection: sqlite3.Connection, pipeline_version: str) -> list[tuple[int, str]]:
    """Verbatims whose analysis failed, with why."""
    rows = connection.execute(
        "select verbatim_id, error from analyses where pipeline_version = ? and error is not null order by 1",
        (pipeline_version,),
    )
    return [(row[0], row[1]) for row in rows]
