"""feedback schedule run | install | status"""

import logging
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import click

from feedback.cli.common import first_line, local_time, open_project, pass_folder
from feedback.digest.schedule import Crontab, Schedule, Systemd, Weekday, next_run, run_forever
from feedback.digest.schedule import install as install_schedule
from feedback.errors import FeedbackError
from feedback.project import Project, load_project
from storage.journal import recent_deliveries, recent_runs


@click.group()
def schedule() -> None:
    """Collect, analyse, write and send digests by the clock.

    When: [schedule] in feedback.toml. Where to: send_to under [digest]. Each run digests the last complete period.
    """


@schedule.command()
@click.option("--now", is_flag=True, help="Also run at once.")
@click.option("--once", is_flag=True, help="Run once and end; what systemd and cron call.")
@pass_folder
def run(folder: Path, now: bool, once: bool) -> None:
    """Keep running in the foreground; Ctrl+C ends it.

    \b
    feedback schedule run
    feedback schedule run --once
    """
    from feedback.routine import run_once

    project = load_project(folder)
    if once:
        outcome = run_once(project, click.echo)
        click.echo(f"Digest: {outcome.digest}")
        if outcome.problems:
            sys.exit(1)
        return
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    # The settings are read anew each time, so that an edit of feedback.toml needs no restart.
    run_forever(_schedule(project), lambda: _raise_problems(load_project(folder)), at_once=now)


def _raise_problems(project: Project) -> None:
    from feedback.routine import run_once

    outcome = run_once(project, logging.getLogger("feedback").info)
    if outcome.problems:
        raise FeedbackError("; ".join(outcome.problems))


@schedule.command()
@click.option("--cron", is_flag=True, help="A crontab line instead of a systemd timer.")
@click.option("--yes", is_flag=True, help="Don't ask.")
@pass_folder
def install(folder: Path, cron: bool, yes: bool) -> None:
    """Show a systemd timer (or crontab line), then write it.

    \b
    feedback schedule install
    feedback schedule install --cron
    """
    project = load_project(folder)
    command = [_program(), "--project", str(project.folder), "schedule", "run", "--once"]
    where = Crontab(project.folder / "schedule.log") if cron else Systemd()

    def confirm(preview: str) -> bool:
        click.echo(preview)
        return yes or click.confirm("Write this?")

    done = install_schedule(_schedule(project), command, project.folder, where, confirm)
    for path in done.written:
        click.echo(f"Written: {path}")
    for line in done.commands:
        click.echo(f"Now run: {line}")


@schedule.command()
@pass_folder
def status(folder: Path) -> None:
    """Show when the next digest is due, and what the last runs and deliveries came to.

    All times are those of the project's time zone.

    \b
    feedback schedule status
    """
    project, store = open_project(folder, create=True)
    click.echo(f"Next: {next_run(_schedule(project), datetime.now(UTC)):%Y-%m-%d %H:%M %Z}")
    click.echo(f"Targets: {len(project.digest.send_to) or 'none (set send_to under [digest] in feedback.toml)'}")
    with store:
        for row in recent_runs(store.connection, 10):
            click.echo(
                f"{local_time(row.started_at, project)}  {row.command:8} {row.source or '':16} {row.status}  "
                f"{first_line(row.message)}".rstrip()
            )
        for delivery in recent_deliveries(store.connection, 10):
            sent = local_time(delivery.updated_at, project)
            click.echo(f"{sent}  {delivery.digest}  {delivery.status}  {delivery.error or ''}".rstrip())


def _schedule(project: Project) -> Schedule:
    settings = project.schedule
    return Schedule(
        every="day" if settings.every == "day" else "week",
        at=settings.at,
        weekday=cast(Weekday, settings.weekday),
        timezone=project.timezone,
    )


def _program() -> str:
    """The whole path of this command, for systemd and cron know no PATH of the user's."""
    found = Path(sys.argv[0]).resolve()
    return str(found if found.is_file() else shutil.which("feedback") or found)
