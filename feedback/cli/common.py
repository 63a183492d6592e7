"""What the commands share: options, progress, output."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from feedback.project import Project, load_project
from storage.store import Store

Progress = Callable[[str, int], None]

pass_folder = click.make_pass_decorator(Path)


def open_project(folder: Path, *, create: bool = False) -> tuple[Project, Store]:
    """The project of a folder and its open database; `create` makes the database when there is none."""
    project = load_project(folder)
    return project, Store.open(project.database, create=create)


@contextmanager
def progress_bar(label: str, total: int | None = None) -> Iterator[Progress]:
    """A bar (or a counter, when the total is unknown) on stderr; silent when stderr is no terminal."""
    if not sys.stderr.isatty():
        yield lambda _what, _more: None
        return
    if total is not None:
        with click.progressbar(length=total, label=label, file=sys.stderr) as bar:
            yield lambda _what, more: bar.update(more)
        return
    done = 0

    def count(what: str, more: int) -> None:
        nonlocal done
        done += more
        click.echo(f"\r{label}: {done:,}  {what[-50:]:50}", nl=False, err=True)

    try:
        yield count
    finally:
        if done:
            click.echo(err=True)
