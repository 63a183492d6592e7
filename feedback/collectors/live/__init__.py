"""Sources that are asked over and over: interfaces, feeds, mailboxes, databases, pipes.

Such a collector yields pages. What a page holds and the state to go on from are stored in one transaction, so that a run may be
killed anywhere: the next one asks again from the last state that was stored, and what comes a second time is known by its id.
A collector asks a little more than once rather than miss anything; it never moves its state itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol, runtime_checkable

from feedback.collectors.base import Item, SourceConfig
from feedback.collectors.live.patience import Patience
from feedback.collectors.live.vault import Vault
from feedback.errors import CollectError
from nlp.settings_table import SettingsTable, Wording

_WORDING = Wording(CollectError)


@dataclass(frozen=True, slots=True)
class Visit:
    """One run's look at a source. `since` and `now` are UTC; `since` None: as far back as the source goes. `timezone`: of times without one.

    `named`: somebody asked for this source itself. Else it is one of all, and may have nothing to say now.
    """

    config: SourceConfig
    vault: Vault
    now: datetime
    timezone: str = "Asia/Shanghai"
    since: datetime | None = None
    patience: Patience = field(default_factory=Patience)
    named: bool = False

    @property
    def settings(self) -> SettingsTable:
        """What the source's section says beyond what all sources have."""
        return SettingsTable(self.config.options, f"source '{self.config.name}'", _WORDING)

    def secret(self, key: str) -> str:
        """A secret named in the settings; `CollectError` says how to give it."""
        return self.vault.read(self.settings, key)


@dataclass(frozen=True, slots=True)
class Page:
    """Some items, and the state to go on from once they are stored; None: where it was before.

    `notes` are for whoever runs it: a gap that was possible, another way that had to be taken. They name no person.
    """

    items: Sequence[Item]
    state: str | None
    notes: tuple[str, ...] = ()


@runtime_checkable
class LiveCollector(Protocol):
    """Yields what a source has to say since a state. Raises `CollectError` when it can't be asked.

    Every record has an id that the source gives it for good. `private_names`: errors may name people.
    """

    private_names: bool

    def streams(self, visit: Visit) -> list[str]:
        """The parts of the source that have a state each, in a fixed order; checks the settings, reads no secret, asks nobody."""
        ...

    def pages(self, stream: str, state: str | None, visit: Visit) -> Iterator[Page]:
        """What came after `state`, the oldest first where the source allows it. `state` is one that a page had (`Restartable`: or what was made of one), or None."""
        ...

    def saved(self, path: Path, visit: Visit) -> Iterator[Item]:
        """The items of an answer that somebody saved as a file."""
        ...


@runtime_checkable
class Checkable(Protocol):
    """What a live collector may do besides: tell what it will miss, for `feedback doctor`."""

    def check(self, visit: Visit) -> None:
        """Raises `CollectError` as `pages` would for what can be known without asking anybody: a key or a file that is missing or is none."""
        ...


@runtime_checkable
class Restartable(Protocol):
    """What a live collector may do besides: know what a state still says where it is not gone on from: one made under other settings, or with --since."""

    def restart(self, state: str) -> str:
        """The state to begin from: it names no place to go on from, but what holds under any settings, like up to when all was collected."""
        ...


@runtime_checkable
class LooksAhead(Protocol):
    """What a live collector may do besides: know all files that are loaded together before it tells what is in each of them."""

    def look_ahead(self, files: Sequence[Path], states: Mapping[str, str], visit: Visit) -> None:
        """Comes before `saved`. `states`: the last one that was stored of each stream. Raises `CollectError` for a file that can't be read."""
        ...


@runtime_checkable
class Remarking(Protocol):
    """What a collector may do besides: say something of all that a run met, asked for or loaded."""

    def remarks(self) -> Sequence[str]:
        """What it has not said yet, at the end of a run, or of a file; for whoever runs it, and names no person."""
        ...


@runtime_checkable
class Fed(Protocol):
    """What a live collector may do besides: tell the program that writes to it where to go on."""

    def for_the_tap(self, state: str | None) -> str:
        """What is handed to it, of the last state that was stored; None: of none."""
        ...


@runtime_checkable
class ShowsAgain(Protocol):
    """What a live collector may say besides: several things may share an id, and of what it showed whole it may show the beginning (`storage.entries`)."""

    shows_again: bool


@runtime_checkable
class Redated(Protocol):
    """What a live collector may say besides: what it shows is edited under its id and has the date of its last change, so that of two versions the later one counts (`storage.versions`)."""

    redated: bool
