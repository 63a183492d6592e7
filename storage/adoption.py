"""Rows met again under other ids.

Those without an id of their own, after the settings changed: their ids were made of what they say, and other settings make other ones (`feedback.intake`).
A file's earlier reading is taken out then, but the file may have changed meanwhile or be gone; and a source that is asked may no longer show what it
showed. The rows stay, and each is known again by its words and its time. And those to which their source gave other ids, where it tells the former ones; or an earlier version of this program did, in files too.
"""

import json
import sqlite3
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from storage.former_places import by_former_places
from storage.records import Incoming, Verbatim

# As patterns of GLOB.
MADE_IDS = "[0-9a-f]" * 24 + "-[0-9]*"
_COUNTED_IDS = "[0-9a-f]" * 16 + "-[0-9]*"  # of turns, by their places in their conversations


def adopt(connection: sqlite3.Connection, contents: str, settings: str, batch: Sequence[Incoming]) -> None:
    """Gives rows the ids under which the same is told now: those with a former id, and those with a made one, last seen under other settings. One row for each of the batch."""
    found = adoptions(connection, contents, settings, batch)
    connection.executemany("update verbatims set source_id = ? where id = ?", list(found.items()))


def adopt_former(connection: sqlite3.Connection, batch: Sequence[Incoming]) -> None:
    """As `adopt`, of what files hold: rows with a former id or place alone, and such as say the same."""
    found = _by_former_places(connection, batch, ()) | _by_former_ids(connection, batch, ())
    texts = {item.verbatim.source_id: item.verbatim.text for item in batch}
    connection.executemany(
        "update verbatims set source_id = ?1 where id = ?2 and text = ?3",
        [(source_id, row_id, texts[source_id]) for source_id, row_id in found.items()],
    )


def adopt_made(connection: sqlite3.Connection, settings: str, batch: Sequence[Incoming]) -> None:
    """As `adopt`, of what files hold: rows with a made id alone, whatever their file held then."""
    found = _by_words(connection, None, settings, batch, ())
    connection.executemany("update verbatims set source_id = ? where id = ?", list(found.items()))


def adopt_counted(connection: sqlite3.Connection, reading_id: int, batch: Sequence[Incoming]) -> None:
    """As `adopt`, of turns whose file was read with their places for ids, whatever has been cut off or put above them since."""
    renamed = [item.verbatim for item in batch if item.former_ids and item.verbatim.posted_at]
    if renamed and (readings := _of_part(connection, reading_id)):
        told = {item.verbatim.source_id for item in batch}
        found = _among(connection, readings, _COUNTED_IDS, renamed, lambda row: row.source_id not in told)
        connection.executemany("update verbatims set source_id = ? where id = ?", list(found.items()))


def adoptions(
    connection: sqlite3.Connection,
    contents: str,
    settings: str,
    batch: Sequence[Incoming],
    taken: Collection[int] = (),
) -> dict[str, int]:
    """Which rows `adopt` would take for some of a batch, by the ids that these have now; nothing is written. `taken`: no longer there for that."""
    by_words = _by_words(connection, contents, settings, batch, taken)
    return by_words | _by_former_places(connection, batch, taken) | _by_former_ids(connection, batch, taken)


def _by_former_places(
    connection: sqlite3.Connection, batch: Sequence[Incoming], taken: Collection[int]
) -> dict[str, int]:
    placed = {item.verbatim.source_id: item for item in batch if item.former_places}
    if not placed:
        return {}
    new = [placed[each.source_id] for each in unknown(connection, [item.verbatim for item in placed.values()])]
    return by_former_places(connection, new, {item.verbatim.source_id for item in batch}, taken)


def _by_former_ids(connection: sqlite3.Connection, batch: Sequence[Incoming], taken: Collection[int]) -> dict[str, int]:
    renamed = [item for item in batch if item.former_ids]
    if not renamed:
        return {}
    told = {item.verbatim.source_id for item in batch}
    unknown_ids = {verbatim.source_id for verbatim in unknown(connection, [item.verbatim for item in renamed])}
    former: dict[str, list[Verbatim]] = {}
    for item in renamed:
        for each in item.former_ids if item.verbatim.source_id in unknown_ids else ():
            former.setdefault(each, []).append(item.verbatim)
    rows = connection.execute(
        "select id, source_id, text, posted_at from verbatims "
        "where source = ? and source_id in (select value from json_each(?))",
        (renamed[0].verbatim.source, json.dumps(list(former.keys() - told))),
    )
    found: dict[str, int] = {}
    for row_id, source_id, text, posted_at in rows:
        # Several may have shared it. Who edits a text does not change when he posted it.
        theirs = [
            verbatim
            for verbatim in former[source_id]
            if verbatim.source_id not in found and (not posted_at or verbatim.posted_at in (posted_at, None))
        ]
        if theirs and row_id not in taken:
            own = next((verbatim for verbatim in theirs if verbatim.text == text), theirs[0])
            found[own.source_id] = row_id
    return found


def _by_words(
    connection: sqlite3.Connection,
    contents: str | None,
    settings: str,
    batch: Sequence[Incoming],
    taken: Collection[int],
) -> dict[str, int]:
    # Of what has no date nothing says that it is the same.
    dated = [item.verbatim for item in batch if item.verbatim.posted_at]
    if not dated or not (others := _earlier(connection, dated[0].source, contents, settings)):
        return {}
    told = {item.verbatim.source_id for item in batch}
    return _among(connection, others, MADE_IDS, dated, lambda row: row.id not in taken and row.source_id not in told)


def _among(
    connection: sqlite3.Connection,
    readings: Sequence[int],
    ids: str,
    dated: Sequence[Verbatim],
    is_free: Callable[["_Stray"], bool],
) -> dict[str, int]:
    """Which rows of these readings say the same as those that are stored under no id, by the ids that these have now."""
    new = unknown(connection, dated)
    left = _strays(connection, (readings, ids), new, is_free)
    found: dict[str, int] = {}
    for is_own in (_Stray.is_of, _Stray.may_be_of):  # whoever has a row of his own takes no other's
        for verbatim in list(new):
            rows = left.get((verbatim.text, verbatim.posted_at), [])
            if own := next((row for row in rows if is_own(row, verbatim)), None):
                rows.remove(own)
                new.remove(verbatim)
                found[verbatim.source_id] = own.id
    return found


class _Stray(NamedTuple):
    """A row that may be met again: its id in the table."""

    id: int
    source_id: str
    customer_id: str | None
    channel: str
    role: str

    def is_of(self, verbatim: Verbatim) -> bool:
        return (self.customer_id, self.role) == (verbatim.customer_id, verbatim.role)

    def may_be_of(self, verbatim: Verbatim) -> bool:
        """Whether nothing says that another person said it: in another channel everybody has another code."""
        return None in (self.customer_id, verbatim.customer_id) or self.channel != verbatim.channel


def _earlier(connection: sqlite3.Connection, source: str, contents: str | None, settings: str) -> list[int]:
    """Readings of the same source under other settings; with these contents, where they are given."""
    rows = connection.execute(
        "select id from readings where source = ? and contents = coalesce(?, contents) and settings != ?",
        (source, contents, settings),
    )
    return [int(row[0]) for row in rows]


def _of_part(connection: sqlite3.Connection, reading_id: int) -> list[int]:
    """The readings of the same part under other settings, whatever it held then."""
    rows = connection.execute(
        "select other.id from readings r join readings other "
        "on other.source = r.source and other.part = r.part and other.settings != r.settings where r.id = ?",
        (reading_id,),
    )
    return [int(row[0]) for row in rows]


def unknown(connection: sqlite3.Connection, told: Sequence[Verbatim]) -> list[Verbatim]:
    """Those under whose ids nothing is stored; of several with one id the last."""
    by_id = {verbatim.source_id: verbatim for verbatim in told}
    rows = connection.execute(
        "select source_id from verbatims where source = ? and source_id in (select value from json_each(?))",
        (told[0].source, json.dumps(list(by_id))),
    )
    known = {row[0] for row in rows}
    return [verbatim for source_id, verbatim in by_id.items() if source_id not in known]


def _strays(
    connection: sqlite3.Connection,
    where: tuple[Sequence[int], str],
    told: Sequence[Verbatim],
    is_free: Callable[["_Stray"], bool],
) -> dict[tuple[str, str | None], list["_Stray"]]:
    """Rows of readings that have ids of a pattern (`where`: these and that) and say one of these texts, by text and time."""
    readings, ids = where
    found: dict[tuple[str, str | None], list[_Stray]] = {}
    if told:
        texts, dates = ([getattr(verbatim, name) for verbatim in told] for name in ("text", "posted_at"))
        # By their dates (+ keeps it from going through the whole source).
        rows = connection.execute(
            "select id, source_id, customer_id, channel, role, text, posted_at from verbatims where +source = ? "
            "and posted_at in (select value from json_each(?)) and source_id glob ? "
            "and reading_id in (select value from json_each(?)) "
            "and text in (select value from json_each(?)) order by id",
            (told[0].source, json.dumps(dates), ids, json.dumps(list(readings)), json.dumps(texts)),
        )
        for *row, text, posted_at in rows:
            if is_free(stray := _Stray(*row)):
                found.setdefault((text, posted_at), []).append(stray)
    return found
