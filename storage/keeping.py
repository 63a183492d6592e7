"""What is known stays known where a source that is asked leaves it out: for a day its interface may call a field otherwise, or send nothing in it."""

import json
import sqlite3
from collections.abc import Sequence

from storage.records import Incoming


def with_what_is_known(connection: sqlite3.Connection, batch: Sequence[Incoming]) -> list[Incoming]:
    """The batch without what would take the words from a verbatim that has some; with the date that is known where none is told.

    Not of what is never edited: there another one may have the id, and its date would be made up (`storage.namesakes`).
    """
    lacking = [item.verbatim for item in batch if _lacks(item)]
    if not lacking:
        return list(batch)
    rows = connection.execute(
        "select source_id, text, posted_at from verbatims where source = ? and source_id in (select value from json_each(?))",
        (lacking[0].source, json.dumps([verbatim.source_id for verbatim in lacking])),
    )
    known = {source_id: (text, posted_at) for source_id, text, posted_at in rows}
    kept = []
    for item in batch:
        text, posted_at = known.get(item.verbatim.source_id, ("", None)) if _lacks(item) else ("", None)
        if text and not item.verbatim.text:
            continue
        kept.append(item._replace(verbatim=item.verbatim._replace(posted_at=item.verbatim.posted_at or posted_at)))
    return kept


def _lacks(item: Incoming) -> bool:
    return not item.final and (not item.verbatim.text or item.verbatim.posted_at is None)
