"""When digests are made: a schedule, a process that keeps it in the foreground, or an entry for systemd or cron.

systemd timers know time zones and catch up on what a switched-off machine missed. cron knows neither: its line
is written in the machine's own time, and refused where the two clocks do not keep the same distance all year.

Addresses given as `env:NAME` need their variables when nobody is logged in: systemd units and crontab lines
read `feedback.env` in the project folder, if there is one, with lines such as `WECOM='wecombot://…'`.
"""

import hashlib
import logging
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from feedback.errors import FeedbackError, ProjectError
from nlp.errors import NlpError
from storage.errors import StorageError

if TYPE_CHECKING:
    from apscheduler.triggers.cron import CronTrigger

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Schedule:
    """`[schedule]` of feedback.toml. `at` is local time in `timezone`; `weekday` counts when `every` is "week"."""

    every: Literal["day", "week"] = "week"
    at: str = "08:30"
    weekday: Weekday = "mon"
    timezone: str = "Asia/Shanghai"

    def __post_init__(self) -> None:
        if self.every not in ("day", "week"):
            raise ProjectError(f'[schedule] every must be "day" or "week", not {self.every!r}.')
        if self.weekday not in WEEKDAYS:
            raise ProjectError(f"[schedule] weekday must be one of {', '.join(WEEKDAYS)}, not {self.weekday!r}.")
        try:
            datetime.strptime(self.at, "%H:%M")
        except (ValueError, TypeError):
            raise ProjectError(f'[schedule] at must be a time such as "08:30", not {self.at!r}.') from None
        try:
            ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError, TypeError):
            raise ProjectError(
                f'[schedule] timezone {self.timezone!r} is not known. Write it as "Asia/Shanghai".'
            ) from None

    @property
    def hour(self) -> int:
        return int(self.at.partition(":")[0])

    @property
    def minute(self) -> int:
        return int(self.at.partition(":")[2])

    @property
    def grace(self) -> timedelta:
        """How late a digest may still be made: the machine slept through the hour, or the last run took long."""
        return timedelta(hours=12) if self.every == "day" else timedelta(days=3)


def next_run(schedule: Schedule, now: datetime) -> datetime:
    """The first time after `now`, in the schedule's zone. An hour that a clock change skips is run an hour later."""
    if now.tzinfo is None:
        raise ValueError("now must carry its time zone")
    run = _trigger(schedule).get_next_fire_time(None, now + timedelta(microseconds=1))
    assert isinstance(run, datetime)
    # A time that does not exist comes back as itself; by way of UTC it becomes the moment it stands for.
    return run.astimezone(UTC).astimezone(ZoneInfo(schedule.timezone))


def run_forever(schedule: Schedule, job: Callable[[], None], *, at_once: bool = False) -> None:
    """Call `job` whenever the schedule says (and at the start, with `at_once`) until SIGINT or SIGTERM.

    A job that fails is logged and the next is waited for. One runs at a time; those missed meanwhile become one, within
    the schedule's grace. The first signal lets a running job finish, the second ends the process there and then. What
    was missed while no process ran is not caught up on. Call it in the main thread, and as the last thing it does.
    """
    from apscheduler.executors.pool import ThreadPoolExecutor
    from apscheduler.schedulers.background import BackgroundScheduler

    def run() -> None:
        try:
            job()
        except (FeedbackError, StorageError, NlpError) as error:
            log.error("The digest failed: %s", error)
        except (Exception, SystemExit):
            log.exception("The digest failed.")
        log.info("Next digest: %s", next_run(schedule, datetime.now(UTC)).isoformat())

    zone = ZoneInfo(schedule.timezone)
    one = ThreadPoolExecutor(1)
    scheduler = BackgroundScheduler(timezone=zone, executors={"default": one, "pulse": ThreadPoolExecutor(1)})
    limits = {"coalesce": True, "max_instances": 1, "misfire_grace_time": int(schedule.grace.total_seconds())}
    scheduler.add_job(run, _trigger(schedule), **limits)
    if at_once:
        scheduler.add_job(run, **limits)
    # A sleeping machine's clock for waiting stands still; without a pulse, 08:30 would come hours late.
    logging.getLogger("apscheduler.executors.pulse").setLevel(logging.ERROR)
    scheduler.add_job(lambda: None, "interval", minutes=1, executor="pulse", coalesce=True)
    log.info("Next digest: %s", next_run(schedule, datetime.now(UTC)).isoformat())
    stopping = _catch_signals()
    scheduler.start()
    # Nothing is raised from a signal: APScheduler swallows it where it submits jobs. Hence a thread that looks.
    while not stopping:
        time.sleep(0.2)
    log.info("Stopping when the running digest is done; once more stops at once.")
    scheduler.shutdown(wait=True)


def _catch_signals() -> list[int]:
    """A list that the first SIGINT or SIGTERM will fill; the next one ends the process."""
    caught: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        caught.append(number)
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_DFL)

    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, stop)
    return caught


def _trigger(schedule: Schedule) -> "CronTrigger":
    from apscheduler.triggers.cron import CronTrigger

    day = schedule.weekday if schedule.every == "week" else None
    return CronTrigger(
        day_of_week=day, hour=schedule.hour, minute=schedule.minute, second=0, timezone=ZoneInfo(schedule.timezone)
    )


def crontab_line(
    schedule: Schedule, command: Sequence[str], folder: Path, log_file: Path, machine: tzinfo | None = None
) -> str:
    """The line that runs `command` in `folder`, in the time of `machine` (None: this machine's own zone).

    It ends in a mark by which the folder's line is found again. `ProjectError` when no fixed hour on the machine's
    clock is the schedule's hour all year round.
    """
    at = datetime.now(UTC)
    shifts = {
        _offset(ZoneInfo(schedule.timezone), at + timedelta(days=d)) - _offset(machine, at + timedelta(days=d))
        for d in range(366)
    }
    if len(shifts) > 1:
        raise ProjectError(
            f"cron can't keep {schedule.at} {schedule.timezone}: this machine's clock changes at other times "
            "of the year. Use `feedback schedule run`, or a machine with systemd."
        )
    minutes = schedule.hour * 60 + schedule.minute - int(shifts.pop().total_seconds()) // 60
    days, minutes = divmod(minutes, 24 * 60)
    weekday = "*" if schedule.every == "day" else str((WEEKDAYS.index(schedule.weekday) + 1 + days) % 7)
    variables = "if [ -f feedback.env ]; then set -a; . ./feedback.env; set +a; fi"
    output = f">> {shlex.quote(str(log_file))} 2>&1"
    run = f"cd {shlex.quote(str(folder))} && {{ {variables}; {shlex.join(command)}; }} {output}"
    if "\n" in run or len(run.encode()) > 900:  # cron(8) takes 998 bytes
        raise FeedbackError("A crontab line can't hold a path that is so long or has a line break. Rename the folder.")
    # cron takes % for a line break.
    return f"{minutes % 60} {minutes // 60} * * {weekday} {run} {_mark(folder)}".replace("%", r"\%")


def _offset(zone: tzinfo | None, at: datetime) -> timedelta:
    offset = at.astimezone(zone).utcoffset()
    assert offset is not None
    return offset


def _mark(folder: Path) -> str:
    return f"# {_name(folder)}"


def _name(folder: Path) -> str:
    """One name per project folder, so that two projects keep two entries and one project never has two."""
    return f"yuansheng-{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"


def systemd_units(schedule: Schedule, command: Sequence[str], folder: Path) -> dict[str, str]:
    """File name to text of a service that runs `command` in `folder` once, and of the timer that starts it.

    Formats: systemd.service(5), systemd.timer(5), systemd.time(7). The log goes to the journal.
    """
    words = (*command, str(folder))
    if any(character in word for word in words for character in "\n\r\0"):
        raise FeedbackError("A systemd unit can't hold a path with a line break. Rename the folder.")
    name = _name(folder)
    day = f"{schedule.weekday.capitalize()} " if schedule.every == "week" else ""
    path = str(folder).replace("%", "%%")
    service = f"""\
[Unit]
Description=客户原声 digest of {path}
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
WorkingDirectory={path}
EnvironmentFile=-{path}/feedback.env
Environment=PYTHONUTF8=1
ExecStart={" ".join(_systemd_word(word) for word in command)}
"""
    timer = f"""\
[Unit]
Description=客户原声 digest of {path}

[Timer]
OnCalendar={day}*-*-* {schedule.hour:02}:{schedule.minute:02}:00 {schedule.timezone}
Persistent=true

[Install]
WantedBy=timers.target
"""
    return {f"{name}.service": service, f"{name}.timer": timer}


def _systemd_word(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


def run_command(arguments: Sequence[str], stdin: str | None = None) -> Ran:
    """Run a program in the C locale, so that what it says can be recognised; 127 when there is none."""
    try:
        done = subprocess.run(
            ["env", "LC_ALL=C", *arguments], input=stdin, capture_output=True, text=True, encoding="utf-8", check=False
        )
    except FileNotFoundError as error:
        return Ran(127, "", str(error))
    return Ran(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True, slots=True)
class Systemd:
    """Install as units of the user."""

    units_folder: Path = Path("~/.config/systemd/user")


@dataclass(frozen=True, slots=True)
class Crontab:
    """Install as a line of the user's crontab, read and written through `run`."""

    log_file: Path
    run: Callable[[Sequence[str], str | None], Ran] = run_command
    machine: tzinfo | None = None


@dataclass(frozen=True, slots=True)
class Installed:
    """`written`: files, or the crontab line; empty if it was there already or not confirmed. `commands` enable it."""

    preview: str
    written: tuple[str, ...]
    commands: tuple[str, ...]


def install(
    schedule: Schedule, command: Sequence[str], folder: Path, where: Systemd | Crontab, confirm: Callable[[str], bool]
) -> Installed:
    """Put the schedule into systemd's or cron's books, if `confirm` says yes to the text of what would be written.

    Doing it again changes the folder's entry and adds none; what others wrote stays as it is. `command[0]` must be
    an absolute path, for neither knows the user's PATH.
    """
    if not Path(command[0]).is_absolute():
        raise FeedbackError(
            f"The schedule needs the whole path of '{command[0]}'. Give it as `which {command[0]}` says."
        )
    folder = folder.resolve()
    if isinstance(where, Systemd):
        return _install_units(systemd_units(schedule, command, folder), where.units_folder.expanduser(), confirm)
    line = crontab_line(schedule, command, folder, where.log_file, where.machine)
    return _install_line(line, _mark(folder), where, confirm)


def _install_units(units: Mapping[str, str], units_folder: Path, confirm: Callable[[str], bool]) -> Installed:
    files = {units_folder / name: text for name, text in units.items()}
    preview = "\n".join(f"{path}:\n{text}" for path, text in files.items())
    timer = next(name for name in units if name.endswith(".timer"))
    commands = (
        "systemctl --user daemon-reload",
        f"systemctl --user enable --now {timer}",
        "loginctl enable-linger",  # or the timer rests while nobody is logged in
    )
    new = {path: text for path, text in files.items() if not path.is_file() or path.read_text("utf-8") != text}
    if not new or not confirm(preview):
        return Installed(preview, (), commands)
    try:
        units_folder.mkdir(parents=True, exist_ok=True)
        for path, text in new.items():
            path.write_text(text, "utf-8")
    except OSError as error:
        raise FeedbackError(f"The systemd units can't be written to {units_folder}: {error.strerror}.") from error
    return Installed(preview, tuple(str(path) for path in new), commands)


def _install_line(line: str, mark: str, where: Crontab, confirm: Callable[[str], bool]) -> Installed:
    listed = where.run(["crontab", "-l"], None)
    # Anything but "there is none yet" must not be taken for an empty crontab: writing would wipe the user's own.
    if listed.returncode != 0 and "no crontab for" not in listed.stderr:
        raise FeedbackError(f"The crontab can't be read: {listed.stderr.strip() or f'exit {listed.returncode}'}.")
    lines = listed.stdout.splitlines() if listed.returncode == 0 else []
    if line in lines or not confirm(line):
        return Installed(line, (), ())
    kept = [other for other in lines if not other.endswith(mark)]
    written = where.run(["crontab", "-"], "\n".join([*kept, line]) + "\n")
    if written.returncode != 0:
        raise FeedbackError(f"The crontab can't be written: {written.stderr.strip() or f'exit {written.returncode}'}.")
    return Installed(line, (line,), ())
