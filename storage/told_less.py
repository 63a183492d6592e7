"""Rows without ids of their own, known again where one telling of them leaves out what another tells.

Excel leaves the seconds out of a CSV that it saves anew, and of a survey a question may be deleted. So the ids that are made for the rows of tables
(`feedback.intake`) show apart what every telling has, the seconds, the ratings beside it, and how many alike came before it in its file:
`<24 hex digits>-37~csat=4~nps=9-0`, or `<24 hex digits>-0-0` where neither is told.

Two that both tell their seconds, and tell others, are two; so are two that were rated otherwise. One that tells less is one of those that are stored, as
many as there are; any more are new.
"""

import json
import re
import sqlite3
from collections.abc import Collection, Sequence
from typing import NamedTuple

from storage.records import Incoming

_MADE = re.compile(r"([0-9a-f]{24})-(0|\d\d(?:\.\d+)?)((?:~\w+=[^~]*)*)-(\d+)")
_UNTOLD = "0"  # in place of the seconds, which are two digits
_MINUTE = len("2026-03-01T12:00")


class _Told(NamedTuple):
    """What an id says of its row."""

    core: str
    seconds: str
    rated: dict[str, str]  # by metric
    occurrence: int

    def tells_all_of(self, other: "_Told") -> bool:
        return self.rated.keys() >= other.rated.keys() and other.seconds in (self.seconds, _UNTOLD)

    def may_be(self, other: "_Told") -> bool:
        """Whether one leaves out what the other tells. Not both the seconds and a rating: that is too little to go by."""
        if self.seconds == other.seconds:
            both = self.rated.keys() & other.rated.keys()
            alike = all(self.rated[metric] == other.rated[metric] for metric in both)
            return alike and self.seconds != _UNTOLD and self.rated.keys() != other.rated.keys()
        return _UNTOLD in (self.seconds, other.seconds) and self.rated == other.rated


class _Stored(NamedTuple):
    id: int
    source_id: str
    posted_at: str | None
    told: _Told


def minute_of(posted_at: str | None) -> str:
    """All of a date that Excel leaves; "" where there is none."""
    return (posted_at or "")[:_MINUTE]


def tells_no_seconds(source_id: str) -> bool:
    """Whether it is the made id of a row of a table that tells none."""
    told = _told(source_id)
    return told is not None and told.seconds == _UNTOLD


def with_seconds(source_id: str, posted_at: str, occurrence: int) -> str:
    """The made id of a row that tells no seconds, as if it told those of this date."""
    core, apart, _ = source_id.split("-")
    seconds = posted_at[_MINUTE + 1 :].rstrip("Z")
    return f"{core}-{seconds}{apart.removeprefix(_UNTOLD)}-{occurrence}"


def known_by_less(connection: sqlite3.Connection, batch: Sequence[Incoming]) -> list[Incoming]:
    """The batch, with the ids under which those of its rows are stored that tell less now; stored rows that told less get the ids they have now."""
    told = {item.verbatim.source_id: it for item in batch if (it := _told(item.verbatim.source_id))}
    if not told:
        return list(batch)
    stored = _stored(connection, batch[0].verbatim.source, {it.core for it in told.values()})
    used = {each.id for alike in stored.values() for each in alike if each.source_id in told}
    there = {each.source_id for alike in stored.values() for each in alike}
    renamed: list[tuple[str, int]] = []
    known: dict[str, _Stored] = {}
    for source_id, it in told.items():
        if source_id in there or not (own := _own(it, stored.get(it.core, ()), used)):
            continue
        used.add(own.id)
        if it.tells_all_of(own.told):
            renamed.append((source_id, own.id))
        else:
            known[source_id] = own
    connection.executemany("update verbatims set source_id = ? where id = ?", renamed)
    return [
        known_as(item, own.source_id, own.posted_at) if (own := known.get(item.verbatim.source_id)) else item
        for item in batch
    ]


def known_as(item: Incoming, source_id: str, posted_at: str | None) -> Incoming:
    """It, by the id and with the seconds that are stored."""
    when = posted_at or item.verbatim.posted_at
    return item._replace(verbatim=item.verbatim._replace(source_id=source_id, posted_at=when))


def _own(told: _Told, stored: Sequence[_Stored], used: Collection[int]) -> _Stored | None:
    alike = [each for each in stored if told.may_be(each.told)]
    # Those that told less are gone from these as soon as one is known again. Of the others, rows of its file that came before have the first.
    more = [each for each in alike if not told.tells_all_of(each.told)][told.occurrence :]
    less = [each for each in alike if told.tells_all_of(each.told)]
    return next((each for each in (*less, *more) if each.id not in used), None)


def _stored(connection: sqlite3.Connection, source: str, cores: Collection[str]) -> dict[str, list[_Stored]]:
    """All that are stored by what every telling has."""
    rows = connection.execute(
        # "." comes behind "-".
        "select v.id, source_id, posted_at from json_each(?) core cross join verbatims v "
        "on source_id > core.value || '-' and source_id < core.value || '.' where source = ? order by v.id",
        (json.dumps(sorted(cores)), source),
    )
    found: dict[str, list[_Stored]] = {}
    for row_id, source_id, posted_at in rows:
        if told := _told(source_id):
            found.setdefault(told.core, []).append(_Stored(row_id, source_id, posted_at, told))
    return found


def _told(source_id: str) -> _Told | None:
    match = _MADE.fullmatch(source_id)
    if match is None:
        return None
    rated = dict(each.split("=") for each in match[3].split("~")[1:])
    return _Told(match[1], match[2], rated, int(match[4]))
