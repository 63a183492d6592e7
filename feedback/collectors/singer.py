"""Whatever a Singer tap can read: its messages come through a pipe, or from files they were saved in (`singer_files`).

    tap-x --config c.json --state <(feedback collect singer - --map map.toml --state) | feedback collect singer - --map map.toml

The STATE of a tap is stored with the records before it, in one transaction, and is handed back from there, by --state. Not by a file that
is written here beside the database: a collector does not learn whether its page was stored, shown (--dry-run), cut short (--limit) or
thinned out (--since), so that such a file could run ahead of the records, and what lies between would never be sent again. A run that
was killed has stored an older STATE at worst; what the tap sends twice is known by its id.
"""

import json
import os
import stat
import sys
from collections.abc import Iterator
from dataclasses import replace
from io import BufferedReader
from itertools import chain
from pathlib import Path
from select import select
from typing import BinaryIO, cast

from feedback.collectors.base import Item, Part
from feedback.collectors.files import NoFiles, parts_of
from feedback.collectors.live import Page, Visit
from feedback.collectors.singer_files import SavedFiles
from feedback.collectors.singer_reading import Reached, Reading
from feedback.collectors.singer_streams import mapped_streams
from feedback.errors import CollectError
from nlp.settings_table import quoted

PIPE = "-"
SUFFIXES = (".jsonl", ".ndjson", ".json", ".singer")
_UNKNOWN = "unknown {key}. What a tap is told stands in its own file; here are paths and layout, the map"
_WAITING_SECONDS = 10.0  # for a tap's first words, where nobody said that there is one
_NOTHING_PIPED = "nothing was piped in, so it was not read: tap … | feedback collect --source {}"
_NO_PIPE = "Nothing is piped in. Write: tap … | feedback collect …"


class SingerCollector:
    private_names = False

    def __init__(self) -> None:
        self._files: SavedFiles | None = None  # of a run: they know of each other

    def streams(self, visit: Visit) -> list[str]:
        """The files, or the pipe."""
        if unknown := sorted(visit.settings.data):
            raise visit.settings.fault(_UNKNOWN, key=quoted(unknown[0]))
        mapped_streams(visit)
        try:
            self._files = _files(visit)
        except NoFiles as nothing:  # whoever knows that there were some goes on with those that are left
            self._files = SavedFiles(visit, nothing.parts)
            raise
        return self._files.names if self._files else [PIPE]

    def pages(self, stream: str, state: str | None, visit: Visit) -> Iterator[Page]:
        """A page for each STATE, or for every 1,000 records. The tap has been given the last STATE, and sends what came since."""
        if stream != PIPE:
            self._files = self._files or _files(visit)
            assert self._files
            yield from self._files.pages(stream, state)
        elif (piped := _standard_input()) and (visit.named or _speaks(piped)):
            yield from Reading(visit, Reached.read(state)).pages(piped, "stdin")
        elif visit.named:
            raise CollectError(_NO_PIPE)
        else:
            # Not an error: among the sources that a schedule collects, this one is not due.
            yield Page([], None, (_NOTHING_PIPED.format(visit.config.name),))

    def restart(self, state: str) -> str:
        """The tap begins anew; which keys there were is known."""
        return replace(Reached.read(state), tap=None, file=()).text()

    def for_the_tap(self, state: str | None) -> str:
        tap = Reached.read(state).tap
        return json.dumps({} if tap is None else tap)

    def saved(self, path: Path, visit: Visit) -> Iterator[Item]:
        pages = SavedFiles(visit, [Part(path.name, path)]).pages(path.name, None)
        return chain.from_iterable(page.items for page in pages)


def _files(visit: Visit) -> SavedFiles | None:
    """What is read; None: the pipe."""
    config = visit.config
    if config.paths in ((), (PIPE,)):
        return None
    if PIPE in config.paths:
        raise CollectError(f"Source '{config.name}' reads either the pipe, -, or files.")
    return SavedFiles(visit, parts_of(config, SUFFIXES))


def _standard_input() -> BinaryIO | None:
    """What is piped in, or the file put in its place; None where it is a terminal, or nothing at all."""
    if sys.stdin is None or stat.S_ISCHR(os.fstat(sys.stdin.fileno()).st_mode):
        return None
    return sys.stdin.buffer


def _speaks(piped: BinaryIO) -> bool:
    """Whether anything comes. What starts programs by the clock leaves them a pipe: cron a closed one, others one that stays open and says nothing."""
    ready, _, _ = select([piped], [], [], _WAITING_SECONDS)
    return bool(ready and cast(BufferedReader, piped).peek(1))
