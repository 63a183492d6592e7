"""feedback collect --watch"""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import NoReturn
from zoneinfo import ZoneInfo

import click

from feedback.cli.collect_run import run_source
from feedback.collected import Attempt
from feedback.collectors.base import SourceConfig
from feedback.project import Project
from feedback.watch import World, list_files, watch
from storage.store import Store

EVERY_MINUTES = 60


def keep_collecting(project: Project, sources: Sequence[SourceConfig], every_minutes: int) -> NoReturn:
    """Collect until Ctrl+C, each line with the time of the project's clocks. The database is open only while something is stored."""

    def say(line: str, /, *, err: bool = False) -> None:
        click.echo(f"{datetime.now(ZoneInfo(project.timezone)):%Y-%m-%d %H:%M:%S} {line}", err=err)

    def collect(source: SourceConfig) -> Attempt:
        with Store.open(project.database) as store:
            # A source of files comes with those that have changed as its paths: it is one of the project's all the same.
            return run_source(store, replace(project, sources=(source,)), source, say=say)

    what = "1 source" if len(sources) == 1 else f"{len(sources)} sources"
    say(f"Watching {what}. Ctrl+C ends it.")
    world = World(time.monotonic, time.sleep, list_files)
    watch(sources, world, every_minutes * 60, collect, lambda text: say(f"Error: {text}", err=True))
