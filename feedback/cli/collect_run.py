"""Collecting one source, and what came of it in words: for feedback collect, once or over and over."""

from collections.abc import Sequence
from typing import Protocol

import click

from feedback.cli.common import progress_bar
from feedback.collected import Attempt, Collected
from feedback.collectors.base import SourceConfig
from feedback.collectors.live.patience import Unreachable
from feedback.errors import FeedbackError
from feedback.live import NO_WISH, Wish
from feedback.pipeline import collect as collect_source
from feedback.project import Project
from storage.errors import StorageError
from storage.store import Store

_REASONS_SHOWN = 5


class Say(Protocol):
    """As `click.echo`: a line to stdout, or to stderr."""

    def __call__(self, line: str, /, *, err: bool = False) -> None: ...


def run_source(
    store: Store, project: Project, source: SourceConfig, wish: Wish = NO_WISH, say: Say = click.echo
) -> Attempt:
    """Collect one source and say what came of it; a source that fails does not keep the others from being read."""
    try:
        with progress_bar(source.name) as progress:
            done = collect_source(store, project, source, progress, wish)
        say(_sentence(done))
        if source not in project.sources:  # `feedback rejects` finds the names of those by itself
            for stored, name in done.hidden.items():
                say(f"  {stored} in feedback rejects is {name}")
        if done.unsettled:
            say(f"  {_unsettled(done.unsettled)}")
        for note in done.notes:
            say(f"  {note}")
        for reason in done.failed[:_REASONS_SHOWN]:
            say(f"Error: {source.name}: {reason}", err=True)
        if (more := len(done.failed) - _REASONS_SHOWN) > 0:
            say(f"Error: {source.name}: {more:,} more can't be read.", err=True)
    except StorageError:
        raise
    except FeedbackError as error:
        say(f"Error: {source.name}: {error}", err=True)
        return Attempt(False, _wait_seconds([error]))
    return Attempt(not done.failed, _wait_seconds(done.failed))


def _wait_seconds(errors: Sequence[FeedbackError]) -> float:
    return max((error.wait_seconds for error in errors if isinstance(error, Unreachable)), default=0.0)


def _sentence(done: Collected) -> str:
    if not done.parts_read:
        return f"{done.source}: nothing new ({done.parts_unchanged} files unchanged)"
    parts = [f"{done.added:,} new"]
    parts += [f"{done.changed:,} changed"] if done.changed else []
    parts += [f"{done.unchanged:,} already there"] if done.unchanged else []
    parts += [f"{done.duplicates:,} of the new are copies"] if done.duplicates else []
    parts += [f"{done.withdrawn:,} withdrawn"] if done.withdrawn else []
    parts += [f"{done.replaced:,} of an earlier reading taken out"] if done.replaced else []
    parts += [f"{done.rejected:,} rows or fields could not be used (see: feedback rejects)"] if done.rejected else []
    return f"{done.source}: {', '.join(parts)}"


def _unsettled(files: int) -> str:
    what = "1 file was" if files == 1 else f"{files:,} files were"
    return (
        f"{what} read under other settings before. What was stored then is still there, beside the new: "
        "it goes at the next feedback collect that can read the whole source."
    )
