"""What the commands share: options, progress, output."""

import shutil
import sys
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from feedback.project import Project, load_project
from storage.store import Store

_LEAST_ROOM = 20  # for what is being done, in however narrow a terminal

Progress = Callable[[str, int], None]
Typed = str | tuple[str, ...] | None


def utf8(_context: click.Context, _parameter: click.Parameter, value: Typed) -> Typed:
    """A callback for options whose text goes into the database, or is looked for in it."""
    texts = (value,) if isinstance(value, str) else value or ()
    if any("\ud800" <= c <= "\udfff" for text in texts for c in text):  # how Python hands on what a GBK terminal typed
        raise click.BadParameter("it is not UTF-8. Set your terminal to UTF-8 and type it again.")
    return value


pass_folder = click.make_pass_decorator(Path)


def open_project(folder: Path, *, create: bool = False) -> tuple[Project, Store]:
    """The project of a folder and its open database; `create` makes the database when there is none."""
    project = load_project(folder)
    return project, Store.open(project.database, create=create)


def time_in(timezone: str, stamp: str) -> str:
    """A stored time (UTC) as the clocks of a time zone show it: `2026-03-02 08:30:00`."""
    return f"{datetime.fromisoformat(stamp).astimezone(ZoneInfo(timezone)):%Y-%m-%d %H:%M:%S}"


def local_time(stamp: str, project: Project) -> str:
    return time_in(project.timezone, stamp)


def local_day(stamp: str, project: Project) -> str:
    return local_time(stamp, project)[:10]


def first_line(message: str | None) -> str:
    """Of a message that goes on for lines, as that of an unknown layout does, what tells it in a list."""
    return (message or "").partition("\n")[0]


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
    done, shown = 0, False

    def count(what: str, more: int) -> None:
        nonlocal done, shown
        done, shown = done + more, True
        line = f"{label}: {done:,}  "
        room = max(shutil.get_terminal_size().columns - 1 - _cells(line), _LEAST_ROOM)
        doing = _ending(what, room) if more else _shortened(what, room)
        click.echo(f"\r{line}{doing}{' ' * (room - _cells(doing))}", nl=False, err=True)

    try:
        yield count
    finally:
        if shown:
            click.echo(err=True)


def _shortened(what: str, room: int) -> str:
    """What a run waits for: too long a line is shortened in the middle of its address, the longest word of it."""
    address = max(what.split(), key=len, default="")
    if (surplus := _cells(what) - room) > 0 and len(address) > surplus + 1:
        begin = (len(address) - surplus) // 2
        what = what.replace(address, f"{address[:begin]}…{address[begin + surplus + 1 :]}", 1)
    return _ending(what, room)


def _ending(text: str, room: int) -> str:
    """The end of a text, which tells more of a path, and how long is waited."""
    while _cells(text) > room:
        text = text[1:]
    return text


def _cells(text: str) -> int:
    """How wide a terminal shows it: Chinese characters take two cells."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
