"""Live sources into the store: of each page the items and the state to go on from, in one transaction."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from feedback.collected import Collected, Progress, Sums, conflict
from feedback.collectors.base import Item, Record, SourceConfig
from feedback.collectors.files import NoFiles, by_age
from feedback.collectors.live import LiveCollector, LooksAhead, Page, Redated, Remarking, Restartable, ShowsAgain, Visit
from feedback.collectors.live.address import learn_secrets
from feedback.collectors.live.patience import Unreachable, reworded
from feedback.collectors.live.vault import Vault
from feedback.copies import similar
from feedback.errors import CollectError
from feedback.intake import Intake, Taken, find_by
from feedback.project import Project
from feedback.settings_digest import settings_digest
from storage.adoption import adopt, adoptions
from storage.entries import known_again
from storage.journal import add_rejects, count_in_run, find_reading, move_cursor, parts_read, read_cursor
from storage.keeping import with_what_is_known
from storage.records import BatchResult, Reject, Verbatim
from storage.store import Store
from storage.verbatims import add_verbatims, news, withdraw
from storage.versions import newest_versions

SAVED_BATCH = 1000
LIVE = "live"  # what stands for the contents that were read: they are others at every moment
PREVIEWED = 10  # verbatims of a preview
MOST_CHARACTERS = 100_000  # that are taken in and stored at a time
# What of a record is stored as it was said, and what it is known by.
_SAID = ("text", "channel", "product", "version", "store", "region", "question")
_IDS = ("source_id", "conversation_id", "parent_id")
_TELLING = "{}: where to go on holds a secret, so it was not kept: the next run begins further back"
_NOT_ITS_OWN = "nothing in {} is what collector '{}' reads (see: feedback rejects). Is it an answer of this interface?"
_CHANGED = "its settings have changed since it was asked last: it is asked from the beginning"


@dataclass(frozen=True, slots=True)
class Wish:
    """What one run wants of a source: `since` in UTC, at most `limit` items, the answers saved in `files` instead of new ones.

    `named`: somebody asked for this source itself, not for all of a project.
    """

    since: datetime | None = None
    limit: int | None = None
    files: tuple[Path, ...] = ()
    named: bool = False


NO_WISH = Wish()


class Place(NamedTuple):
    """Where items come from: the source, a stream of it, and a digest of the settings it was read under."""

    source: str
    stream: str
    settings: str


@dataclass(slots=True)
class Preview:
    """What a run would store, for a person to look at: the first verbatims, how many are new and changed, what would be rejected."""

    verbatims: list[Verbatim] = field(default_factory=list)
    added: int = 0
    changed: int = 0
    rejects: list[Reject] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failed: list[CollectError] = field(default_factory=list)  # of each stream that could not be read

    _seen: set[int] = field(default_factory=set)  # hashes, of what pages show again
    _adopted: set[int] = field(default_factory=set)

    def see(self, taken: Taken, settings: str, store: Store | None) -> None:
        """Counts what would come of some items that it has not seen yet; `store` None: there is no database yet."""
        told = {hash((i.verbatim.source_id, i.verbatim.posted_at, i.content_hash)): i for i in taken.incoming}
        incoming = [item for key, item in told.items() if key not in self._seen]
        self._seen.update(told)
        added, changed = [item.verbatim for item in incoming], list[Verbatim]()
        if store is not None:
            # As `store_taken` does it, but nothing is written: runs that go on meanwhile need not wait.
            adopted = adoptions(store.connection, LIVE, settings, incoming, self._adopted)
            self._adopted.update(adopted.values())
            added, changed = news(store.connection, with_what_is_known(store.connection, incoming, find_by), settings)
            changed += [verbatim for verbatim in added if verbatim.source_id in adopted]
            added = [verbatim for verbatim in added if verbatim.source_id not in adopted]
        self.added += len(added)
        self.changed += len(changed)
        self.verbatims += [*added, *changed][: PREVIEWED - len(self.verbatims)]
        self.rejects += taken.rejects


def collect_pages(
    store: Store, project: Project, visit: Visit, collector: LiveCollector, run_id: int, wish: Wish, progress: Progress
) -> Collected:
    """Store what is new in a live source. Killed at any moment, the next run goes on and repeats nothing."""
    config, sums = visit.config, Sums()
    digest = settings_digest(project, config)
    with _secrets_hidden(visit, progress):
        intake = _PageIntake(project, visit)
        for stream, state, moves in _states(store, visit, collector, wish, digest, sums):
            sums.parts += 1
            progress(stream, 0)
            try:
                found = _pages(collector, stream, state, visit, wish)
                for page in _portions(_limited(found, wish.limit, lambda: sums.added + sums.changed)):
                    taken, known = intake.take(page.items), moves and page.state is not None
                    # An interface may put a key into what it wants to be told the next time.
                    tells = known and visit.vault.hide(page.state or "") != page.state
                    with store.transaction() as connection:
                        taken = _known_again(connection, collector, taken, digest)
                        place, edits = Place(config.name, stream, digest), isinstance(collector, Redated)
                        counts = store_taken(connection, run_id, place, taken, edits=edits)
                        if known and not tells:
                            move_cursor(connection, config.name, stream, f"{digest}:{page.state}")
                    sums.count(*counts)
                    sums.notes += [*page.notes, *([_TELLING.format(stream)] if tells else [])]
                    progress(stream, len(page.items))
            except CollectError as error:
                sums.failed.append(reworded(error, visit.vault.hide(str(error))))
                if isinstance(error, Unreachable):
                    break  # the other streams would wait for the same
    stored = sums.added + sums.changed + sums.unchanged + sums.withdrawn
    if len(sums.failed) == sums.parts > 0 and len({str(error) for error in sums.failed}) == 1 and not stored:
        raise sums.failed[0]
    if wish.files and sums.rejected and not stored:
        names = ", ".join(path.name for path in wish.files)
        sums.failed.append(CollectError(_NOT_ITS_OWN.format(names, config.collector)))
    sums.notes += [*_remarks(collector), *intake.notes()]
    return sums.collected(config.name)


def store_taken(
    connection: sqlite3.Connection, run_id: int, place: Place, taken: Taken, *, edits: bool = False
) -> tuple[BatchResult, int, int]:
    """Store what came of some items of a stream, in the caller's transaction. With it: how many were rejected, how many withdrawn.

    `edits`: what is stored may be corrected in the same run. Else two contents under one id are a fault to be told.
    """
    source, stream, digest = place
    reading_id = find_reading(connection, source, stream, LIVE, digest)
    # What was told of such a record before it was void is not in the batch, and what is in it was told after.
    gone = withdraw(connection, source, [each for each in taken.withdrawn if each.with_texts], similar)
    adopt(connection, LIVE, digest, taken.incoming)
    incoming = with_what_is_known(connection, taken.incoming, find_by)
    result = add_verbatims(connection, run_id, reading_id, incoming, similar)
    rejects = [*taken.rejects, *(conflict(verbatim, stream) for verbatim in result.conflicts if not edits)]
    gone += withdraw(connection, source, [each for each in taken.withdrawn if not each.with_texts], similar)
    add_rejects(connection, run_id, stream, rejects)
    count_in_run(connection, run_id, result, len(rejects))
    return result, len(rejects), gone


def take_without_secrets(intake: Intake, vault: Vault, items: Sequence[Item]) -> Taken:
    """What intake makes of some items, without any secret that the vault knows."""
    # A source without ids of its own may show an item twice: the same contents are the same item.
    told = [_without_secrets(item, vault) if isinstance(item, Record) else item for item in items]
    taken, hide = intake.take(told, lambda identities: [1] * len(identities)), vault.hide
    rejects = [
        replace(r, location=hide(r.location), reason=hide(r.reason), excerpt=hide(r.excerpt)) for r in taken.rejects
    ]
    return replace(taken, rejects=rejects)


def _without_secrets(record: Record, vault: Vault) -> Record:
    """Some interfaces give a key back in what they answer: in the address of an entry, in a protocol that is a text."""
    told = {name: value for name in (*_SAID, *_IDS) if (value := getattr(record, name))}
    joined = "\x00".join(told.values())
    if vault.hide_in_id(joined) == joined:
        return record
    hidden: dict[str, Any] = {
        name: vault.hide_in_id(value) if name in _IDS else vault.hide_in_words(value) for name, value in told.items()
    }
    hidden |= {name: tuple(map(vault.hide_in_id, getattr(record, name))) for name in ("former_ids", "former_places")}
    return replace(record, **hidden)


def _known_again(connection: sqlite3.Connection, collector: LiveCollector, taken: Taken, digest: str) -> Taken:
    """What is shown again by a source that shows things as feeds or stores do, as what it is stored as."""
    if isinstance(collector, ShowsAgain):
        return replace(taken, incoming=known_again(connection, taken.incoming))
    if isinstance(collector, Redated):
        return replace(taken, incoming=newest_versions(connection, taken.incoming, digest, find_by))
    return taken


def preview(
    store: Store | None, project: Project, visit: Visit, collector: LiveCollector, wish: Wish, progress: Progress
) -> Preview:
    """What a run would store, from where the last one stopped; nothing is. `store` None: there is no database yet."""
    found, sums = Preview(), Sums()
    digest = settings_digest(project, visit.config)
    with _secrets_hidden(visit, progress):
        intake = _PageIntake(project, visit)
        for stream, state, _ in _states(store, visit, collector, wish, digest, sums):
            progress(stream, 0)
            try:
                pages = _pages(collector, stream, state, visit, wish)
                for page in _portions(_limited(pages, wish.limit, lambda: found.added + found.changed)):
                    taken = intake.take(page.items)
                    if store is not None:
                        taken = _known_again(store.connection, collector, taken, digest)
                    found.see(taken, digest, store)
                    found.notes += page.notes
                    progress(stream, len(page.items))
            except CollectError as error:
                found.failed.append(reworded(error, visit.vault.hide(str(error))))
                if isinstance(error, Unreachable):
                    break  # the other streams would wait for the same
    found.notes += [*sums.notes, *_remarks(collector), *intake.notes()]
    return found


def _remarks(collector: LiveCollector) -> Sequence[str]:
    return collector.remarks() if isinstance(collector, Remarking) else ()


def last_state(store: Store, project: Project, visit: Visit, collector: LiveCollector) -> tuple[str | None, list[str]]:
    """The state that the next run goes on from, of several streams the last one's; None: from the beginning. And what is to be said of it."""
    sums, digest = Sums(), settings_digest(project, visit.config)
    try:
        streams = collector.streams(visit)
    except NoFiles:  # what the last of those said that were put away still holds
        streams = sorted(parts_read(store.connection, visit.config.name), key=by_age)
        if not streams:
            raise
    states = [_state(store, visit, collector, stream, digest, sums) for stream in streams]
    return next(filter(None, reversed(states)), None), sums.notes


class _PageIntake:
    """Takes in pages, and leaves out what is older than the visit asks for."""

    def __init__(self, project: Project, visit: Visit) -> None:
        self._intake = Intake(visit.config.name, project.timezone, project.secret(), visit.now)
        self._vault = visit.vault
        self._since = visit.since and visit.since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._older = 0

    def take(self, items: Sequence[Item]) -> Taken:
        taken = take_without_secrets(self._intake, self._vault, items)
        if not self._since:
            return taken
        incoming = [each for each in taken.incoming if (each.verbatim.posted_at or self._since) >= self._since]
        self._older += len(taken.incoming) - len(incoming)
        return replace(taken, incoming=incoming)

    def notes(self) -> list[str]:
        return [f"{self._older:,} older than --since were left out"] if self._older else []


def _states(
    store: Store | None, visit: Visit, collector: LiveCollector, wish: Wish, digest: str, sums: Sums
) -> Iterator[tuple[str, str | None, bool]]:
    """Each stream, where to go on in it, and whether its state moves.

    With --since a source is asked from there, whatever its state; the state stays, so that what lies between the two is not lost.
    """
    if wish.files:
        learn_secrets(visit.settings, visit.vault)
        if isinstance(collector, LooksAhead):
            kept = {stream: _kept(store, visit, stream) for stream in collector.streams(visit)}
            collector.look_ahead(wish.files, {stream: each[1] for stream, each in kept.items() if each}, visit)
        yield "file", None, False
        return
    for stream in _streams(store, visit, collector, sums):
        state = _state(store, visit, collector, stream, digest, sums)
        yield stream, _restarted(collector, state) if wish.since else state, wish.since is None


def _streams(store: Store | None, visit: Visit, collector: LiveCollector, sums: Sums) -> list[str]:
    try:
        return collector.streams(visit)
    except NoFiles as nothing:
        # As of all files (`pipeline`): they may be put away once they were collected.
        if store is None or not parts_read(store.connection, visit.config.name):
            raise
        sums.notes.append(str(nothing))
        return [part.name for part in nothing.parts]


def _state(
    store: Store | None, visit: Visit, collector: LiveCollector, stream: str, digest: str, sums: Sums
) -> str | None:
    """Where to go on in a stream: under other settings from its beginning."""
    made_under, state = _kept(store, visit, stream) or (digest, None)
    if made_under == digest:
        return state
    sums.notes.append(f"{stream}: {_CHANGED}")
    return _restarted(collector, state)


def _restarted(collector: LiveCollector, state: str | None) -> str | None:
    return collector.restart(state) if state is not None and isinstance(collector, Restartable) else None


def _kept(store: Store | None, visit: Visit, stream: str) -> tuple[str, str] | None:
    """The digest of the settings under which a stream was read last, and the state that it was left in."""
    kept = read_cursor(store.connection, visit.config.name, stream) if store else None
    if kept is None:
        return None
    made_under, _, state = kept.partition(":")
    return made_under, state


def _pages(collector: LiveCollector, stream: str, state: str | None, visit: Visit, wish: Wish) -> Iterator[Page]:
    if wish.files:
        for path in wish.files:
            items = collector.saved(path, visit)
            while batch := list(islice(items, SAVED_BATCH)):
                yield Page(batch, None)
    else:
        yield from collector.pages(stream, state, visit)


def _limited(pages: Iterator[Page], limit: int | None, count: Callable[[], int]) -> Iterator[Page]:
    """The pages until `count` comes to the limit, in parts that can't pass it; of a page that is cut the state is not passed on.

    What is counted is what is new: what is there already must not keep the rest from coming the next time.
    """
    for page in pages:
        start = 0
        while limit is not None and len(page.items) - start > (left := limit - count()):
            if left <= 0:
                return
            yield Page(page.items[start : start + left], None)
            start += left
        yield replace(page, items=page.items[start:]) if start else page


def _portions(pages: Iterator[Page]) -> Iterator[Page]:
    """The pages, those with very long texts in several parts; the state and the notes go with the last."""
    for page in pages:
        start = characters = 0
        for n, item in enumerate(page.items):
            length = len(item.text) if isinstance(item, Record) else 0
            if start < n and characters + length > MOST_CHARACTERS:
                yield Page(page.items[start:n], None)
                start, characters = n, 0
            characters += length
        yield replace(page, items=page.items[start:]) if start else page


@contextmanager
def _secrets_hidden(visit: Visit, progress: Progress) -> Iterator[None]:
    """Nothing that leaves here holds a secret: no error, nor what `progress` is told while a source makes the run wait."""
    visit.patience.tell = lambda what: progress(visit.vault.hide(what), 0)
    try:
        yield
    except CollectError as error:
        raise reworded(error, visit.vault.hide(str(error))) from None


def visit_of(project: Project, config: SourceConfig, wish: Wish) -> Visit:
    vault, now = Vault(project.folder), datetime.now(UTC)
    return Visit(config, vault, now, project.timezone, wish.since, named=wish.named)
