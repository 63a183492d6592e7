"""Collecting over and over: files once they have come to rest, interfaces by the clock.

Whether a file is still being written nobody says, on a network drive least of all. So folders are looked at every few seconds,
and a file is left alone until its size and its time have stood still for a while, by the clock of this machine: that of
a file server may be wrong. No file system's own notices are waited for: network drives give none.

A source that failed is tried again after a minute, then after two, four … as long as it stays that way, at most as seldom as
interfaces are asked: a drive that is gone comes back, a spreadsheet is closed. An interface that says how long it is to be left alone is, for a day at most.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn

from feedback.collected import Attempt
from feedback.collectors.base import SourceConfig
from feedback.collectors.live import LiveCollector
from feedback.collectors.registry import load_collector
from feedback.errors import CollectError, FeedbackError
from storage.errors import StorageError

POLL_SECONDS = 3.0
REST_SECONDS = 5.0
RETRY_SECONDS = 60.0
LONGEST_WAIT_SECONDS = 24 * 3600.0  # whatever an interface says
# What browsers and sync clients call a file that they have not got all of.
_UNFINISHED = (".part", ".partial", ".crdownload", ".download", ".tmp")

Stamp = tuple[int, int]  # size in bytes, time of change in nanoseconds
Collect = Callable[[SourceConfig], Attempt]
Complain = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a source, and what is the matter with paths that gave none."""

    files: Mapping[Path, Stamp]
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class World:
    """What a watch sees of the world outside: a clock that only goes forward, in seconds; waiting; what lies in the folders of a source."""

    clock: Callable[[], float]
    sleep: Callable[[float], None]
    list_files: Callable[[SourceConfig], Listing]


def watch(
    sources: Sequence[SourceConfig],
    world: World,
    every_seconds: float,
    collect: Collect,
    complain: Complain,
) -> NoReturn:
    """Runs until it is interrupted. `collect` gets a source, of files with those to read as its `paths`, and says whether all of it could be read."""
    watched = [_watched(source, every_seconds) for source in sources]
    while True:
        for each in watched:
            each.look(world, collect, complain)
        world.sleep(POLL_SECONDS)


def list_files(source: SourceConfig) -> Listing:
    """Every file that the paths of a source name, with its stamp."""
    collector = load_collector(source.collector)
    assert not isinstance(collector, LiveCollector)
    found: dict[Path, Stamp] = {}
    faults = []
    for path in source.paths:  # each by itself: one that matches nothing yet keeps no other from being read
        try:
            parts = collector.parts(replace(source, paths=(path,)))
        except CollectError as error:
            faults.append(str(error))
            continue
        for part in parts:
            try:
                state = part.path.stat()
            except OSError:  # it has gone this very moment
                continue
            if not part.path.name.endswith(_UNFINISHED):
                found[part.path] = (state.st_size, state.st_mtime_ns)
    return Listing(found, tuple(faults))


@dataclass(slots=True)
class _Patience:
    """When something that failed may be tried again."""

    most_seconds: float
    failures: int = 0
    due: float = 0.0

    def failed(self, now: float, wait_seconds: float) -> None:
        usual = min(self.most_seconds, RETRY_SECONDS * 2**self.failures)
        self.due = now + max(usual, min(wait_seconds, LONGEST_WAIT_SECONDS))
        self.failures = min(self.failures + 1, 30)

    def succeeded(self) -> None:
        self.failures, self.due = 0, 0.0


@dataclass(slots=True)
class _Interface:
    """A source that is asked: at once, then so long after each time."""

    source: SourceConfig
    every_seconds: float
    patience: _Patience
    due: float = float("-inf")

    def look(self, world: World, collect: Collect, complain: Complain) -> None:
        if world.clock() < self.due:
            return
        attempt = _tried(self.source, collect, complain)
        if attempt.complete:
            self.patience.succeeded()
            self.due = world.clock() + self.every_seconds
        else:
            self.patience.failed(world.clock(), attempt.wait_seconds)
            self.due = self.patience.due


@dataclass(slots=True)
class _Folder:
    """A source of files: what was read of it, what was tried to be, and since when each file has been as it is."""

    source: SourceConfig
    patience: _Patience
    read: dict[Path, Stamp] = field(default_factory=dict)
    tried: dict[Path, Stamp] = field(default_factory=dict)
    seen: dict[Path, tuple[Stamp, float]] = field(default_factory=dict)
    told: tuple[str, ...] = ()

    def look(self, world: World, collect: Collect, complain: Complain) -> None:
        now, listing = world.clock(), world.list_files(self.source)
        for fault in listing.faults:
            if fault not in self.told:
                complain(f"{self.source.name}: {fault}")
        self.told = listing.faults
        self.seen = {file: self._since(file, stamp, now) for file, stamp in listing.files.items()}
        ready = {file: stamp for file, (stamp, since) in self.seen.items() if self._is_ready(file, stamp, now - since)}
        # Something new is read at once, whatever else could not be.
        if not ready or (ready.items() <= self.tried.items() and now < self.patience.due):
            return
        self.tried = ready
        # As they are found from here, wherever the project lies.
        paths = tuple(str(file.absolute()) for file in sorted(ready))
        attempt = _tried(replace(self.source, paths=paths), collect, complain)
        if attempt.complete:
            self.read |= ready
            self.patience.succeeded()
        else:
            self.patience.failed(world.clock(), attempt.wait_seconds)

    def _since(self, file: Path, stamp: Stamp, now: float) -> tuple[Stamp, float]:
        before, since = self.seen.get(file, (None, now))
        return stamp, since if before == stamp else now

    def _is_ready(self, file: Path, stamp: Stamp, rested: float) -> bool:
        """Whether it is to be read now. An empty file is one that somebody has only just begun."""
        return self.read.get(file) != stamp and rested >= REST_SECONDS and stamp[0] > 0


def _watched(source: SourceConfig, every_seconds: float) -> _Interface | _Folder:
    if isinstance(load_collector(source.collector), LiveCollector) or not source.paths:
        return _Interface(source, every_seconds, _Patience(every_seconds))
    return _Folder(source, _Patience(every_seconds))


def _tried(source: SourceConfig, collect: Collect, complain: Complain) -> Attempt:
    """What stands in the way of one source now may be gone by the next time, and is no reason to end."""
    try:
        return collect(source)
    except (FeedbackError, StorageError) as error:
        complain(f"{source.name}: {error}")
        return Attempt(False)
