"""The parts of a source, read and taken in, batch by batch: all that happens to a text before the store.

It needs no database, so that it can be done in a process of its own.
"""

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from feedback.ahead import ahead
from feedback.collectors.base import Item, Part, Record, SourceConfig
from feedback.collectors.live import Remarking
from feedback.collectors.registry import TABLES, load_file_collector
from feedback.errors import CollectError
from feedback.intake import Intake, Taken
from storage.occurrences import Occurrences

BATCH = 10000  # keys come in no order: the more rows a transaction holds, the fewer pages each row writes
FIRST_BATCH = 2500  # and twice as many each time, so that storing a short file begins before it has been read
BATCH_CHARACTERS = 2_000_000  # of long texts fewer go into a batch, so that memory does not grow with them
_WORTH_A_PROCESS = 1 << 20  # bytes: what is smaller is read before another process has started


@dataclass(frozen=True, slots=True)
class Reading:
    """What is to be read, and all that decides what comes of it."""

    source: SourceConfig
    parts: tuple[Part, ...]
    timezone: str
    secret: bytes
    now: datetime


@dataclass(frozen=True, slots=True)
class Batch:
    """What came of some items of a part; `first` and `last` say whether they are the part's. A part has at least one batch.

    `remarks`: what the collector has to say, with the last.
    """

    part: int  # its place in `Reading.parts`
    taken: Taken
    items: int
    first: bool
    last: bool
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Damaged:
    """A part could not be read to its end."""

    part: int
    error: CollectError


def read(reading: Reading) -> Generator[Batch | Damaged, None, None]:
    """The batches of all parts in order. One damaged part does not keep the others from being read."""
    collector = load_file_collector(reading.source.collector)
    of_tables = reading.source.collector == TABLES
    intake = Intake(reading.source.name, reading.timezone, reading.secret, reading.now, of_tables=of_tables)
    for number, part in enumerate(reading.parts):
        first = True
        try:
            with Occurrences() as occurrences:
                for items, last in _batches(collector.collect(part, reading.source)):
                    remarks = tuple(collector.remarks()) if last and isinstance(collector, Remarking) else ()
                    yield Batch(number, intake.take(items, occurrences.number), len(items), first, last, remarks)
                    first = False
        except CollectError as error:
            yield Damaged(number, error)


def read_ahead(reading: Reading) -> Generator[Batch | Damaged, None, None]:
    """As `read`; a large source in another process, while this one stores."""
    size = sum(part.path.stat().st_size for part in reading.parts if part.path.is_file())
    return ahead(read, reading) if size >= _WORTH_A_PROCESS else read(reading)


def _batches(items: Iterable[Item]) -> Iterator[tuple[list[Item], bool]]:
    """Batches, each with whether it is the last; one empty batch when there is nothing at all."""
    stream, size = iter(items), min(FIRST_BATCH, BATCH)
    batch = _batch(stream, size)
    while True:
        size = min(2 * size, BATCH)
        following = _batch(stream, size)
        yield batch, not following
        if not following:
            return
        batch = following


def _batch(stream: Iterator[Item], size: int) -> list[Item]:
    batch: list[Item] = []
    characters = 0
    for item in islice(stream, size):
        batch.append(item)
        if isinstance(item, Record):
            characters += len(item.text)
            if characters >= BATCH_CHARACTERS:
                break
    return batch
