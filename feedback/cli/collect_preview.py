"""feedback collect --dry-run"""

import click

from feedback.cli.common import local_time
from feedback.collectors.base import SourceConfig
from feedback.collectors.live import LiveCollector
from feedback.collectors.registry import load_collector
from feedback.live import Wish, preview, visit_of
from feedback.project import Project
from storage.records import Verbatim

_SHOWN = 10
_CHARACTERS = 60


def show_preview(project: Project, source: SourceConfig, wish: Wish) -> None:
    """Asks the source from its beginning and shows what would be stored, masked as it would be."""
    collector = load_collector(source.collector)
    assert isinstance(collector, LiveCollector)
    found = preview(project, visit_of(project, source, wish), collector, wish, _SHOWN)
    for verbatim in found.verbatims:
        click.echo(_line(verbatim, project))
    more = found.count - len(found.verbatims)
    click.echo(f"{source.name}: {found.count:,} would be stored{f', {more:,} of them not shown' if more else ''}")
    for note in dict.fromkeys(found.notes):
        click.echo(f"  {note}")
    for reject in found.rejects[:_SHOWN]:
        click.echo(f"  not usable: {reject.location}: {reject.reason}")
    if (more := len(found.rejects) - _SHOWN) > 0:
        click.echo(f"  … and {more:,} more")


def _line(verbatim: Verbatim, project: Project) -> str:
    when = local_time(verbatim.posted_at, project) if verbatim.posted_at else "date unknown"
    scores = " ".join(f"{score.metric} {score.value:g}" for score in verbatim.scores)
    version = f"version {verbatim.version}" if verbatim.version else ""
    votes = f"votes {verbatim.votes}" if verbatim.votes is not None else ""
    text = verbatim.text.replace("\n", " ")
    short = text if len(text) <= _CHARACTERS else text[: _CHARACTERS - 1] + "…"
    return "  ".join(part for part in (when, verbatim.role, scores, version, votes, short) if part)
