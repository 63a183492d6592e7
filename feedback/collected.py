"""What collecting comes to: counted while it runs, told at its end."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from feedback.errors import CollectError
from feedback.intake import EXCERPT, REASON, shortened
from storage.records import BatchResult, Reject, Verbatim


class Attempt(NamedTuple):
    """How collecting a source went: whether all of it could be read, and how long it said it is to be left alone."""

    complete: bool
    wait_seconds: float = 0.0


Progress = Callable[[str, int], None]  # what is being done, how many more are done


@dataclass(frozen=True, slots=True)
class Collected:
    """What collecting one source came to; of a live source the parts are its streams.

    `hidden`: the files with rejects that are stored under another name. `failed`: why some files could not be read to their end.
    `replaced`: verbatims taken out because their files, read under other settings now, no longer say them. `unsettled`: files
    of which such verbatims may still be there. `notes`: what a live source had to say; of folders, which files nothing reads, and of files, which columns.
    """

    source: str
    added: int
    changed: int
    unchanged: int
    duplicates: int
    rejected: int
    withdrawn: int
    parts_read: int
    parts_unchanged: int
    hidden: Mapping[str, str] = field(default_factory=dict)  # stored name -> name
    failed: tuple[CollectError, ...] = ()
    replaced: int = 0
    unsettled: int = 0
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class Sums:
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    duplicates: int = 0
    rejected: int = 0
    withdrawn: int = 0
    parts: int = 0
    parts_unchanged: int = 0
    replaced: int = 0
    unsettled: int = 0
    notes: list[str] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    hidden: dict[str, str] = field(default_factory=dict)
    failed: list[CollectError] = field(default_factory=list)

    def count(self, result: BatchResult, rejected: int, withdrawn: int) -> None:
        self.added += result.added
        self.changed += result.changed
        self.unchanged += result.unchanged
        self.duplicates += result.duplicates
        self.rejected += rejected
        self.withdrawn += withdrawn

    def collected(self, source: str) -> Collected:
        return Collected(
            source=source,
            added=self.added,
            changed=self.changed,
            unchanged=self.unchanged,
            duplicates=self.duplicates,
            rejected=self.rejected,
            withdrawn=self.withdrawn,
            parts_read=self.parts - self.parts_unchanged,
            parts_unchanged=self.parts_unchanged,
            hidden=self.hidden,
            failed=tuple(self.failed),
            replaced=self.replaced,
            unsettled=self.unsettled,
            notes=tuple(self.notes),
        )


def conflict(verbatim: Verbatim, part: str) -> Reject:
    """Two rows that say different things under one id are one row of the store: whoever made the file should know."""
    reason = (
        f"an earlier row has the same id ({verbatim.source_id}) and other contents; that one is not kept, this one is"
    )
    return Reject(verbatim.source, part, shortened(reason, REASON), shortened(verbatim.text, EXCERPT))
