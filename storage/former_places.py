"""Rows that an earlier version of this program knew by their places in a conversation or record, known again by what they say.

Others may stand in their places now: a list may have grown at its head, a chat be exported from a later month on. So each is looked for among all of its
conversation or record (`<conversation>-1`, `<record>/after-2`), and is the one that has the same words, date and role.
"""

import json
import sqlite3
from collections.abc import Collection, Sequence
from typing import NamedTuple

from storage.records import Incoming, Verbatim

_DIGITS = 9  # longer numbers are hashes or ids

_Said = tuple[str | None, ...]  # what the id begins with, then text, date and role


class _Placed(NamedTuple):
    place: int
    id: int
    source_id: str
    customer_id: str | None


def by_former_places(
    connection: sqlite3.Connection, new: Sequence[Incoming], told: Collection[str], taken: Collection[int]
) -> dict[str, int]:
    """Which rows are some that are stored under no id, by the ids that these have now. `told`: ids of all that come with them; `taken`: rows that are others."""
    new = [item for item in new if item.former_places]
    left = _placed(connection, new) if new else {}
    found: dict[str, int] = {}
    for verbatim, places in ((item.verbatim, item.former_places) for item in new):
        for begins in places:
            rows = left.get((begins, verbatim.text, verbatim.posted_at, verbatim.role), [])
            theirs = [row for row in rows if row.id not in taken and row.source_id not in told]
            if own := _own(theirs, verbatim):
                rows.remove(own)
                found[verbatim.source_id] = own.id
                break
    return found


def _own(rows: Sequence[_Placed], verbatim: Verbatim) -> _Placed | None:
    """The first that the same person said; else the first that may be anybody's."""
    same = (row for row in rows if row.customer_id == verbatim.customer_id)
    return next(same, next((row for row in rows if row.customer_id is None), None))


def _placed(connection: sqlite3.Connection, new: Sequence[Incoming]) -> dict[_Said, list[_Placed]]:
    rows = connection.execute(
        # ":" comes behind the digits.
        "select begins.value, text, posted_at, role, v.id, source_id, customer_id from json_each(?) begins "
        "join verbatims v on v.source = ? and v.source_id > begins.value and v.source_id < begins.value || ':' "
        "where text in (select value from json_each(?))",
        (
            json.dumps(sorted({each for item in new for each in item.former_places})),
            new[0].verbatim.source,
            json.dumps(sorted({item.verbatim.text for item in new})),
        ),
    )
    found: dict[_Said, list[_Placed]] = {}
    for begins, text, posted_at, role, row_id, source_id, customer_id in rows:
        place = source_id[len(begins) :]
        if place.isdecimal() and len(place) <= _DIGITS:
            row = _Placed(int(place), row_id, source_id, customer_id)
            found.setdefault((begins, text, posted_at, role), []).append(row)
    for alike in found.values():
        alike.sort()
    return found
