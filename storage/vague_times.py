"""Rows that an earlier version stored without ids of their own, known again in a file that Excel has saved anew since.

Excel leaves the seconds out of a CSV. `storage.adoption` knows rows by their words and their time to the second; here those that tell no seconds are rows
of their minute, as many as there are, and keep the seconds that these have.
"""

import json
import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from storage.adoption import MADE_IDS, unknown
from storage.records import Incoming, Verbatim
from storage.told_less import known_as, minute_of, tells_no_seconds, with_seconds


class _Earlier(NamedTuple):
    id: int
    source_id: str
    posted_at: str
    customer_id: str | None
    channel: str

    def is_of(self, verbatim: Verbatim) -> bool:
        return self.customer_id == verbatim.customer_id

    def may_be_of(self, verbatim: Verbatim) -> bool:
        return None in (self.customer_id, verbatim.customer_id) or self.channel != verbatim.channel


def adopt_by_minute(connection: sqlite3.Connection, settings: str, batch: Sequence[Incoming]) -> list[Incoming]:
    """The batch, with new ids for rows that were last seen under other settings; these get the same."""
    vague = [item.verbatim for item in batch if item.verbatim.posted_at and tells_no_seconds(item.verbatim.source_id)]
    new = unknown(connection, vague) if vague else []
    left = _earlier(connection, settings, new, {item.verbatim.source_id for item in batch}) if new else {}
    known: dict[str, _Earlier] = {}
    for is_own in (_Earlier.is_of, _Earlier.may_be_of):  # whoever has a row of his own takes no other's
        for verbatim in new:
            rows = left.get((verbatim.text, minute_of(verbatim.posted_at)), [])
            own = next((row for row in rows if is_own(row, verbatim)), None)
            if own and verbatim.source_id not in known:
                rows.remove(own)
                known[verbatim.source_id] = _renamed(connection, verbatim, own)
    return [
        known_as(item, own.source_id, own.posted_at) if (own := known.get(item.verbatim.source_id)) else item
        for item in batch
    ]


def _renamed(connection: sqlite3.Connection, verbatim: Verbatim, own: _Earlier) -> _Earlier:
    number = 0
    query = "select 1 from verbatims where source = ? and source_id = ? and id != ?"
    while connection.execute(query, (verbatim.source, _name(verbatim, own, number), own.id)).fetchone():
        number += 1
    renamed = own._replace(source_id=_name(verbatim, own, number))
    connection.execute("update verbatims set source_id = ? where id = ?", (renamed.source_id, own.id))
    return renamed


def _name(verbatim: Verbatim, own: _Earlier, number: int) -> str:
    return with_seconds(verbatim.source_id, own.posted_at, number)


def _earlier(
    connection: sqlite3.Connection, settings: str, new: Sequence[Verbatim], told: set[str]
) -> dict[tuple[str, str], list[_Earlier]]:
    """By text and minute."""
    rows = connection.execute(
        # "~" comes behind whatever follows the minute in a date; + keeps it from going through the whole source.
        "select v.id, source_id, posted_at, customer_id, channel, text from json_each(?) minute cross join verbatims v "
        "on posted_at >= minute.value and posted_at < minute.value || '~' join readings r on r.id = v.reading_id "
        "where +v.source = ? and r.settings != ? and source_id glob ? and text in (select value from json_each(?)) order by v.id",
        (
            json.dumps(sorted({minute_of(verbatim.posted_at) for verbatim in new})),
            new[0].source,
            settings,
            MADE_IDS,
            json.dumps(sorted({verbatim.text for verbatim in new})),
        ),
    )
    found: dict[tuple[str, str], list[_Earlier]] = {}
    for *row, text in rows:
        if (earlier := _Earlier(*row)).source_id not in told:
            found.setdefault((text, minute_of(earlier.posted_at)), []).append(earlier)
    return found
