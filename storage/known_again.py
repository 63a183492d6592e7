"""Rows of files that are stored under other ids than those by which they are told, known again: all the ways, in the order in which they are tried.

Each has its reason and its own module. What tells a row by less, or ruined, is looked for under the ids that it would have; what an earlier version or other
settings stored gets the ids of today. A row that one way knows is left to no other.
"""

import sqlite3
from collections.abc import Collection, Sequence

from storage.adoption import adopt_counted, adopt_former, adopt_made
from storage.occurrences import Occurrences
from storage.records import Incoming
from storage.rewordings import rename_reworded
from storage.ruined_ids import has_made_ids, known_by_contents, take_over
from storage.told_less import known_by_less
from storage.vague_times import adopt_by_minute


class KnownAgain:
    """What one run over the files of a source knows again, batch by batch. `occurrences`: of what its batches have told."""

    def __init__(self, connection: sqlite3.Connection, source: str, occurrences: Occurrences) -> None:
        self._occurrences = occurrences
        self._may_hold_ruined = has_made_ids(connection, source)

    def in_batch(
        self,
        connection: sqlite3.Connection,
        reading: tuple[int, str],
        batch: Sequence[Incoming],
        lost_ids: Collection[str],
        garbled: Collection[str],
    ) -> list[Incoming]:
        """The batch of a reading (its id, its settings) with the ids that are stored, in the caller's transaction; stored rows may get others.

        `lost_ids`: of those whose own ids were ruined; `garbled`: of those whose words are not told.
        """
        reading_id, settings = reading
        self._may_hold_ruined = self._may_hold_ruined or bool(lost_ids)
        known = known_by_contents(connection, reading_id, batch, lost_ids, garbled, self._occurrences)
        known = known_by_less(connection, known)
        rename_reworded(connection, reading_id, known)
        adopt_counted(connection, reading_id, known)
        adopt_former(connection, known)
        adopt_made(connection, settings, known)
        known = adopt_by_minute(connection, settings, known)
        if self._may_hold_ruined:
            take_over(connection, reading_id, known)
        return known
