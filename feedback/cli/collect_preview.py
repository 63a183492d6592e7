"""feedback collect --dry-run"""

import sys
from contextlib import ExitStack

import click

from feedback.cli.common import local_time, progress_bar
from feedback.collectors.base import SourceConfig
from feedback.collectors.live import LiveCollector
from feedback.collectors.registry import load_collector
from feedback.live import Wish, preview, visit_of
from feedback.project import Project
from storage.records import Verbatim
from storage.store import Store

_SHOWN = 10  # rejects
_CHARACTERS = 60


def show_preview(project: Project, source: SourceConfig, wish: Wish) -> None:
    """Asks the source from where the last run stopped and shows what would be stored, masked as it would be."""
    collector = load_collector(source.collector)
    assert isinstance(collector, LiveCollector)
    visit = visit_of(project, source, wish)
    with ExitStack() as stack:
        store = stack.enter_context(Store.open_readonly(project.database)) if project.database.exists() else None
        progress = stack.enter_context(progress_bar(source.name))
        found = preview(store, project, visit, collector, wish, progress)
    if found.failed and not (found.verbatims or found.rejects):
        raise found.failed[0]
    for verbatim in found.verbatims:
        click.echo(_line(verbatim, project))
    count = found.added + found.changed
    changed = f", {found.changed:,} of them in place of what they said before" if found.changed else ""
    hidden = count - len(found.verbatims)
    more = f", {hidden:,} of them not shown" if hidden else ""
    click.echo(f"{source.name}: {count:,} would be stored{changed}{more}")
    for note in dict.fromkeys(found.notes):
        click.echo(f"  {note}")
    for reject in found.rejects[:_SHOWN]:
        click.echo(f"  not usable: {reject.location}: {reject.reason}")
    if (others := len(found.rejects) - _SHOWN) > 0:
        click.echo(f"  … and {others:,} more")
    for error in found.failed:
        click.echo(f"Error: {error}", err=True)
    if found.failed:
        sys.exit(1)


def _line(verbatim: Verbatim, project: Project) -> str:
    when = local_time(verbatim.posted_at, project) if verbatim.posted_at else "date unknown"
    scores = " ".join(f"{score.metric} {score.value:g}" for score in verbatim.scores)
    version = f"version {verbatim.version}" if verbatim.version else ""
    votes = f"votes {verbatim.votes}" if verbatim.votes is not None else ""
    text = verbatim.text.replace("\n", " ")
    short = text if len(text) <= _CHARACTERS else text[: _CHARACTERS - 1] + "…"
    return "  ".join(part for part in (when, verbatim.role, scores, version, votes, short) if part)
