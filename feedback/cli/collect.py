"""feedback collect"""

import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import click

from feedback.cli.collect_preview import show_preview
from feedback.cli.collect_run import run_source
from feedback.cli.collect_watch import EVERY_MINUTES, keep_collecting
from feedback.cli.common import pass_folder, utf8
from feedback.collectors.base import SourceConfig
from feedback.collectors.live import Fed, LiveCollector
from feedback.collectors.registry import load_collector
from feedback.dates import DateReader, UnknownDate
from feedback.errors import ProjectError
from feedback.live import NO_WISH, Wish, last_state, visit_of
from feedback.project import FILE_COLLECTORS, Project, load_project
from nlp.settings_table import quoted
from storage.records import Kind
from storage.store import Store


@click.command()
@click.argument("collector", required=False)
@click.argument("paths", nargs=-1)
@click.option("--source", "only", callback=utf8, help="Collect only this source of feedback.toml.")
@click.option(
    "--name",
    callback=utf8,
    help="Name of an ad hoc source; the same name again adds to it. "
    "Default: the channel, or a table's file name, or the collector.",
)
@click.option("--channel", callback=utf8, help="Where these customers spoke: ecommerce, 京东, 门店 …")
@click.option("--kind", type=click.Choice(get_args(Kind)), help="What the rows are. Default: as the layout says.")
@click.option(
    "--layout",
    "--map",
    help="A built-in layout's name, or a TOML mapping file. Default: recognised from the header.",
)
@click.option("--store", "store_name", callback=utf8, help="The shop or branch all rows belong to.")
@click.option("--product", callback=utf8, help="The product all rows are about.")
@click.option(
    "--set",
    "options",
    multiple=True,
    callback=utf8,
    metavar="KEY=VALUE",
    help="A setting that the collector has of its own, as its section of feedback.toml would say it, like token.env=MY_TOKEN.",
)
@click.option(
    "--since", callback=utf8, help="Ask for what was said since then: 2026-03-01. Where to go on stays as it was."
)
@click.option("--limit", type=click.IntRange(min=1), help="At most so many new records; the rest comes the next time.")
@click.option("--dry-run", is_flag=True, help="Show what a run would store now, and store nothing.")
@click.option(
    "--load",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Read an answer of the interface that was saved as a file, and ask nobody.",
)
@click.option(
    "--state",
    "shows_state",
    is_flag=True,
    help="Print the state that a Singer tap goes on from, and collect nothing: tap --state <(feedback collect … --state) | feedback collect …",
)
@click.option(
    "--watch", is_flag=True, help="Keep running, and collect again when files appear or change. Ctrl+C ends it."
)
@click.option(
    "--every",
    type=click.IntRange(min=1),
    metavar="MINUTES",
    help=f"With --watch: how often interfaces are asked. Default: {EVERY_MINUTES}.",
)
@pass_folder
def collect(
    folder: Path,
    /,
    collector: str | None,
    paths: tuple[str, ...],
    only: str | None,
    options: tuple[str, ...],
    since: str | None,
    limit: int | None,
    dry_run: bool,
    files: tuple[Path, ...],
    shows_state: bool,
    watch: bool,
    every: int | None,
    **settings: str | None,
) -> None:
    """Collect verbatims from files and interfaces into the project's database.

    Without arguments: every source in feedback.toml. With a collector and files, or its settings: those, once.
    What is already there is not stored again, so run it as often as you like.
    After a layout or a setting was corrected the files are read once more, and what they no longer say is taken out.

    \b
    feedback collect
    feedback collect table reviews.csv --channel ecommerce
    feedback collect chat "export/*.json" --channel 微信客服
    feedback collect --watch --every 30
    feedback collect app-store --set app=414478124 --set countries=cn --dry-run
    """
    # An option that would be passed over in silence is refused.
    if collector and only:
        raise click.UsageError("--source names a source of feedback.toml; leave it out when you name files yourself.")
    if not collector and (given := next((name for name, value in settings.items() if value is not None), None)):
        option = given.removesuffix("_name")
        raise click.UsageError(f"--{option} goes with a collector and files: feedback collect table FILE --{option} …")
    if options and not collector:
        raise click.UsageError(
            "--set goes with a collector: feedback collect rest --set url=… What a source of feedback.toml has is said there."
        )
    wanted = any(value is not None for value in (since, limit)) or dry_run or bool(files)
    if wanted and not (collector or only):
        raise click.UsageError("--since, --limit, --dry-run and --load are for one source: say which with --source.")
    if shows_state and (wanted or not (collector or only)):
        raise click.UsageError("--state is for one source and goes with none of --since, --limit, --dry-run, --load.")
    if every and not watch:
        raise click.UsageError("--every goes with --watch.")
    if watch and (wanted or shows_state):
        raise click.UsageError("--watch goes with none of --since, --limit, --dry-run, --load, --state.")
    project = load_project(folder)
    sources = [_ad_hoc(collector, paths, settings, options)] if collector else _configured(project, only)
    wish = Wish(_moment(since, project), limit, files, named=bool(collector or only))
    if wanted and not isinstance(load_collector(sources[0].collector), LiveCollector):
        raise click.UsageError(
            f"--since, --limit, --dry-run and --load are for sources that are asked, not for files as '{sources[0].collector}' reads them. "
            "To see how a file would be read: feedback doctor FILE"
        )
    if shows_state:
        _show_state(project, sources[0])
        return
    if dry_run:
        show_preview(project, sources[0], wish)
        return
    if watch:
        keep_collecting(project, sources, every or EVERY_MINUTES)
    with Store.open(project.database) as store:
        failed = [source.name for source in sources if not run_source(store, project, source, wish).complete]
    if failed:
        sys.exit(1)


def _show_state(project: Project, source: SourceConfig) -> None:
    """By the command that collects, with all its settings: under a map that was changed the tap has to begin anew."""
    collector = load_collector(source.collector)
    if not isinstance(collector, LiveCollector) or not isinstance(collector, Fed):
        raise click.UsageError(f"--state is for the collector singer; '{source.collector}' keeps its state to itself.")
    state, notes = None, list[str]()
    if project.database.exists():
        with Store.open(project.database) as store:
            state, notes = last_state(store, project, visit_of(project, source, NO_WISH), collector)
    for note in notes:
        click.echo(f"  {note}", err=True)
    click.echo(collector.for_the_tap(state))


def _moment(since: str | None, project: Project) -> datetime | None:
    if since is None:
        return None
    try:
        return datetime.fromisoformat(DateReader(project.timezone, datetime.now(UTC)).read(since))
    except UnknownDate as error:
        raise click.BadParameter(f"{error}. Write it like 2026-03-01.", param_hint="--since") from None


def _configured(project: Project, only: str | None) -> list[SourceConfig]:
    if only:
        return [project.source(only)]
    if not project.sources:
        raise ProjectError(
            f"{project.folder / 'feedback.toml'} names no [[sources]] yet. "
            "Take the # away before one of the examples at its end and adjust it, or try: feedback collect table FILE"
        )
    return list(project.sources)


def _ad_hoc(
    collector: str, paths: tuple[str, ...], settings: dict[str, str | None], options: tuple[str, ...]
) -> SourceConfig:
    if not paths and not isinstance(load_collector(collector), LiveCollector):
        raise click.UsageError(f"Say which files: feedback collect {collector} FILE …")
    if options and collector in FILE_COLLECTORS:
        raise click.UsageError(f"'{collector}' has no settings of its own: leave --set out.")
    return SourceConfig(
        name=_source_name(collector, paths[0] if paths else "", settings),
        collector=collector,
        paths=paths,
        base=Path.cwd(),
        channel=settings["channel"],
        kind=settings["kind"],  # type: ignore[arg-type]  # click.Choice holds it to Kind
        layout=settings["layout"],
        store=settings["store_name"],
        product=settings["product"],
        options=_options(options),
    )


def _options(given: tuple[str, ...]) -> dict[str, object]:
    """`url=https://…`, `token.env=NAME`, `countries=["cn", "us"]`: what TOML would make of it; text where that makes nothing of it."""
    found: dict[str, object] = {}
    for each in given:
        key, equals, value = each.partition("=")
        keys = key.strip().split(".")
        if not equals or not all(keys):
            raise click.UsageError("--set: write KEY=VALUE. What was given is not shown, as it may be a secret.")
        place = found
        for outer in keys[:-1]:
            inner = place.setdefault(outer, {})
            if not isinstance(inner, dict):
                raise click.UsageError(f"--set: {quoted(outer)} has a value already.")
            place = inner
        place[keys[-1]] = _value(value.strip())
    return found


def _value(written: str) -> object:
    try:
        return tomllib.loads(f"value = {written}")["value"]
    except tomllib.TOMLDecodeError:
        return written


def _source_name(collector: str, path: str, settings: dict[str, str | None]) -> str:
    # The export of a chat is named after the customer. A file's name need not be UTF-8.
    default = Path(path).stem.encode("utf-8", "backslashreplace").decode() if collector == "table" else collector
    return settings["name"] or settings["channel"] or default
