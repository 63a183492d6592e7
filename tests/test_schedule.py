"""When digests run, and the entries that make them run. The waiting process gets real signals."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from feedback.digest.schedule import (
    Crontab,
    Installed,
    Ran,
    Schedule,
    Systemd,
    crontab_line,
    install,
    next_run,
    run_command,
    systemd_units,
)
from feedback.errors import FeedbackError, ProjectError

WEEKLY = Schedule()
DAILY = Schedule(every="day", at="07:00")
COMMAND = ["/opt/feedback", "digest", "--send"]
FOLDER = Path("/srv/shop")
LOG = Path("/srv/shop/feedback.log")

REFUSED = [
    ({"every": "month"}, '[schedule] every must be "day" or "week", not \'month\'.'),
    ({"at": "25:00"}, "[schedule] at must be a time such as \"08:30\", not '25:00'."),
    ({"at": "8点半"}, "[schedule] at must be a time such as \"08:30\", not '8点半'."),
    ({"at": 830}, '[schedule] at must be a time such as "08:30", not 830.'),
    ({"weekday": "周一"}, "[schedule] weekday must be one of mon, tue, wed, thu, fri, sat, sun, not '周一'."),
    ({"timezone": "Beijing"}, "[schedule] timezone 'Beijing' is not known. Write it as \"Asia/Shanghai\"."),
    ({"timezone": ""}, "[schedule] timezone '' is not known. Write it as \"Asia/Shanghai\"."),
    ({"timezone": "../etc/passwd"}, "[schedule] timezone '../etc/passwd' is not known. Write it as \"Asia/Shanghai\"."),
]


@pytest.mark.parametrize("settings, message", REFUSED)
def test_an_impossible_schedule_says_what_is_wrong(settings: dict[str, str], message: str) -> None:
    with pytest.raises(ProjectError) as caught:
        Schedule(**settings)  # type: ignore[arg-type]
    assert str(caught.value) == message


NEXT = [
    # schedule, now, next run
    (WEEKLY, "2026-02-23T08:29:59+08:00", "2026-02-23T08:30:00+08:00"),
    (WEEKLY, "2026-02-23T08:30:00+08:00", "2026-03-02T08:30:00+08:00"),
    (WEEKLY, "2026-02-23T00:29:00+00:00", "2026-02-23T08:30:00+08:00"),
    (WEEKLY, "2026-12-30T12:00:00+08:00", "2027-01-04T08:30:00+08:00"),
    (Schedule(weekday="sun", at="0:00"), "2026-02-23T00:00:00+08:00", "2026-03-01T00:00:00+08:00"),
    (DAILY, "2026-02-28T07:00:00.000001+08:00", "2026-03-01T07:00:00+08:00"),
    # Clocks in Berlin go from 02:00 to 03:00 on this day, and from 03:00 to 02:00 on that one.
    (Schedule("day", "02:30", "mon", "Europe/Berlin"), "2026-03-29T00:00:00+01:00", "2026-03-29T03:30:00+02:00"),
    (Schedule("day", "02:30", "mon", "Europe/Berlin"), "2026-10-25T00:00:00+02:00", "2026-10-25T02:30:00+02:00"),
]


@pytest.mark.parametrize("schedule, now, expected", NEXT)
def test_the_next_run_is_the_first_one_after_now(schedule: Schedule, now: str, expected: str) -> None:
    assert next_run(schedule, datetime.fromisoformat(now)).isoformat() == expected


def test_a_time_without_zone_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="now must carry its time zone"):
        next_run(WEEKLY, datetime(2026, 2, 23, 8, 0))


RUN = (
    "cd /srv/shop && { if [ -f feedback.env ]; then set -a; . ./feedback.env; set +a; fi; "
    "/opt/feedback digest --send; }"
)
LINES = [
    # schedule, the machine's zone, the five fields
    (WEEKLY, "Asia/Shanghai", "30 8 * * 1"),
    (DAILY, "Asia/Shanghai", "0 7 * * *"),
    (WEEKLY, "UTC", "30 0 * * 1"),
    (Schedule(at="07:00"), "UTC", "0 23 * * 0"),
    (Schedule(at="07:00", weekday="sun"), "UTC", "0 23 * * 6"),
    (Schedule(at="23:00"), "Pacific/Kiritimati", "0 5 * * 2"),
    (Schedule(at="08:30"), "Asia/Kolkata", "0 6 * * 1"),
    (Schedule(at="08:30", timezone="Europe/Berlin"), "Europe/Paris", "30 8 * * 1"),
]


@pytest.mark.parametrize("schedule, machine, fields", LINES)
def test_a_crontab_line_is_in_the_machines_own_time(schedule: Schedule, machine: str, fields: str) -> None:
    line = crontab_line(schedule, COMMAND, FOLDER, LOG, ZoneInfo(machine))
    assert line == f"{fields} {RUN} >> /srv/shop/feedback.log 2>&1 {mark_of(FOLDER)}"


def mark_of(folder: Path) -> str:
    """The mark as the units' names give it."""
    return "# " + next(iter(systemd_units(WEEKLY, COMMAND, folder))).removesuffix(".service")


def test_cron_is_refused_where_two_clocks_change_apart() -> None:
    with pytest.raises(ProjectError) as caught:
        crontab_line(WEEKLY, COMMAND, FOLDER, LOG, ZoneInfo("Europe/Berlin"))
    assert str(caught.value) == (
        "cron can't keep 08:30 Asia/Shanghai: this machine's clock changes at other times of the year. "
        "Use `feedback schedule run`, or a machine with systemd."
    )


def test_a_crontab_line_runs_in_a_folder_with_an_awkward_name_and_reads_its_variables(tmp_path: Path) -> None:
    folder = tmp_path / "店铺 100% 'A' $HOME"
    folder.mkdir()
    (folder / "feedback.env").write_text("WECOM='wecombot://k?a=1&b=2'\n", encoding="utf-8")
    command = [sys.executable, "-c", "import os; print(os.getcwd(), os.environ['WECOM'], '100%')"]
    line = crontab_line(WEEKLY, command, folder, folder / "run.log", ZoneInfo("Asia/Shanghai"))
    assert r"100\%" in line
    shell = line.split(" ", 5)[5].replace(r"\%", "%")  # as cron hands it to sh
    assert subprocess.run(["/bin/sh", "-c", shell], check=False, cwd="/").returncode == 0
    assert (folder / "run.log").read_text(encoding="utf-8") == f"{folder} wecombot://k?a=1&b=2 100%\n"


@pytest.mark.parametrize("folder", [Path("/srv/a\nb"), Path("/srv") / ("很长" * 100) / ("很长" * 100)])
def test_a_path_that_a_crontab_line_can_not_hold_is_refused(folder: Path) -> None:
    with pytest.raises(FeedbackError, match=r"^A crontab line can't hold a path that is so long or has a line break\."):
        crontab_line(WEEKLY, COMMAND, folder, LOG, ZoneInfo("Asia/Shanghai"))


SERVICE = """\
[Unit]
Description=客户原声 digest of /srv/100%% shop
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
WorkingDirectory=/srv/100%% shop
EnvironmentFile=-/srv/100%% shop/feedback.env
Environment=PYTHONUTF8=1
ExecStart="/opt/feed back" "a\\"b\\\\c" "$$HOME" "50%%"
"""
TIMER = """\
[Unit]
Description=客户原声 digest of /srv/100%% shop

[Timer]
OnCalendar=Mon *-*-* 08:30:00 Asia/Shanghai
Persistent=true

[Install]
WantedBy=timers.target
"""


def test_systemd_units_hold_the_schedules_own_zone_and_quote_what_is_odd() -> None:
    units = systemd_units(WEEKLY, ["/opt/feed back", 'a"b\\c', "$HOME", "50%"], Path("/srv/100% shop"))
    [(service_name, service), (timer_name, timer)] = units.items()
    assert service_name.removesuffix(".service") == timer_name.removesuffix(".timer")
    assert service == SERVICE
    assert timer == TIMER
    assert "OnCalendar=*-*-* 07:00:00 Asia/Shanghai\n" in list(systemd_units(DAILY, COMMAND, FOLDER).values())[1]


def test_a_line_break_in_a_path_can_not_add_lines_to_a_unit() -> None:
    with pytest.raises(FeedbackError, match=r"^A systemd unit can't hold a path with a line break"):
        systemd_units(WEEKLY, COMMAND, Path("/srv/a\nExecStartPre=/bin/false"))


def answering(answer: bool, seen: list[str]) -> Callable[[str], bool]:
    def confirm(preview: str) -> bool:
        seen.append(preview)
        return answer

    return confirm


def test_units_are_shown_first_and_written_only_when_confirmed(tmp_path: Path) -> None:
    where = Systemd(tmp_path / "user")
    shown: list[str] = []
    refused = install(WEEKLY, COMMAND, tmp_path, where, answering(False, shown))
    assert refused.written == ()
    assert not (tmp_path / "user").exists()
    units = systemd_units(WEEKLY, COMMAND, tmp_path)
    paths = [tmp_path / "user" / name for name in units]
    assert shown == ["\n".join(f"{path}:\n{text}" for path, text in zip(paths, units.values(), strict=True))]
    done = install(WEEKLY, COMMAND, tmp_path, where, answering(True, shown))
    assert done == Installed(
        shown[1],
        tuple(str(path) for path in paths),
        (
            "systemctl --user daemon-reload",
            f"systemctl --user enable --now {paths[1].name}",
            "loginctl enable-linger",
        ),
    )
    assert [path.read_text(encoding="utf-8") for path in paths] == list(units.values())


def test_installing_units_again_asks_nothing_and_a_new_hour_rewrites_only_the_timer(tmp_path: Path) -> None:
    where = Systemd(tmp_path / "user")
    shown: list[str] = []
    first = install(WEEKLY, COMMAND, tmp_path, where, answering(True, shown))
    again = install(WEEKLY, COMMAND, tmp_path, where, answering(True, shown))
    assert (again.written, len(shown)) == ((), 1)
    moved = install(DAILY, COMMAND, tmp_path, where, answering(True, shown))
    assert moved.written == (first.written[1],)
    assert len(list((tmp_path / "user").iterdir())) == 2


def test_a_units_folder_that_can_not_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FeedbackError) as caught:
        install(WEEKLY, COMMAND, tmp_path, Systemd(tmp_path / "file" / "user"), lambda _: True)
    assert str(caught.value) == f"The systemd units can't be written to {tmp_path / 'file' / 'user'}: Not a directory."


class FakeCrontab:
    """Stands for the crontab program: holds one user's lines."""

    def __init__(self, text: str | None) -> None:
        self.text = text
        self.writes = 0

    def __call__(self, arguments: Sequence[str], stdin: str | None) -> Ran:
        if list(arguments) == ["crontab", "-l"]:
            return Ran(0, self.text, "") if self.text is not None else Ran(1, "", "no crontab for li\n")
        assert list(arguments) == ["crontab", "-"]
        self.text = stdin
        self.writes += 1
        return Ran(0, "", "")


OTHERS = "# my own\nMAILTO=li@example.com\n\n0 3 * * * backup # yuansheng-like\n"


@pytest.mark.parametrize("before", [None, "", OTHERS, OTHERS.rstrip("\n")])
def test_a_crontab_line_is_added_once_and_other_lines_stay(before: str | None, tmp_path: Path) -> None:
    cron = FakeCrontab(before)
    where = Crontab(LOG, cron, ZoneInfo("Asia/Shanghai"))
    line = crontab_line(WEEKLY, COMMAND, tmp_path, LOG, where.machine)
    assert install(WEEKLY, COMMAND, tmp_path, where, lambda _: False) == Installed(line, (), ())
    assert (cron.text, cron.writes) == (before, 0)
    assert install(WEEKLY, COMMAND, tmp_path, where, lambda _: True) == Installed(line, (line,), ())
    kept = OTHERS if before else ""
    assert cron.text == f"{kept}{line}\n"
    assert install(WEEKLY, COMMAND, tmp_path, where, lambda _: True) == Installed(line, (), ())
    assert cron.writes == 1
    other = install(WEEKLY, COMMAND, tmp_path / "other", where, lambda _: True)
    moved = install(DAILY, COMMAND, tmp_path, where, lambda _: True)
    assert cron.text == f"{kept}{other.written[0]}\n{moved.written[0]}\n"


def test_a_crontab_that_can_not_be_read_is_left_alone(tmp_path: Path) -> None:
    asked: list[Sequence[str]] = []

    def denied(arguments: Sequence[str], _stdin: str | None) -> Ran:
        asked.append(arguments)
        return Ran(1, "", "You (li) are not allowed to use this program (crontab)\n")

    with pytest.raises(FeedbackError) as caught:
        install(WEEKLY, COMMAND, tmp_path, Crontab(LOG, denied, UTC), lambda _: True)
    assert str(caught.value) == ("The crontab can't be read: You (li) are not allowed to use this program (crontab).")
    assert asked == [["crontab", "-l"]]


def test_a_missing_program_is_an_answer_not_a_crash() -> None:
    assert run_command(["no-such-program-here"]).returncode == 127
    assert run_command(["cat"], "原声") == Ran(0, "原声", "")


def test_a_command_without_its_whole_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FeedbackError) as caught:
        install(WEEKLY, ["feedback"], tmp_path, Systemd(tmp_path), lambda _: True)
    assert str(caught.value) == "The schedule needs the whole path of 'feedback'. Give it as `which feedback` says."


LOOP = """
import logging, sys, time, warnings
warnings.simplefilter("error")
from feedback.digest.schedule import Schedule, run_forever
from feedback.errors import DigestError
logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s", stream=sys.stdout)
sys.stdout.reconfigure(line_buffering=True)
def job():
    {job}
run_forever(Schedule(), job, at_once=True)
print("ended")
"""


@contextmanager
def looping(job: str) -> Iterator["subprocess.Popen[str]"]:
    arguments = [sys.executable, "-c", LOOP.format(job=job)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def read_until(process: "subprocess.Popen[str]", words: str) -> str:
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if words in line:
            return seen
    raise AssertionError(f"{words!r} never came in:\n{seen}")


@pytest.mark.timeout(60)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_lets_the_running_digest_finish(number: signal.Signals) -> None:
    with looping("print('begun'); time.sleep(0.6); print('finished')") as process:
        read_until(process, "begun")
        process.send_signal(number)
        rest = read_until(process, "ended")
        assert rest.index("Stopping when the running digest is done") < rest.index("finished")
        assert process.wait(10) == 0


@pytest.mark.timeout(60)
def test_the_second_signal_stops_at_once() -> None:
    with looping("print('begun'); time.sleep(60)") as process:
        read_until(process, "begun")
        process.send_signal(signal.SIGTERM)
        read_until(process, "Stopping when")
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == -signal.SIGTERM
        assert time.monotonic() - started < 5


FAILURES = [
    (
        "raise DigestError('no feedback yet')",
        "ERROR feedback.digest.schedule The digest failed: no feedback yet\n",
        False,
    ),
    ("raise KeyError('bug')", "KeyError: 'bug'\n", True),
    ("sys.exit(1)", "SystemExit: 1\n", True),
]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("job, words, traceback", FAILURES)
def test_a_failed_digest_is_logged_and_the_next_is_waited_for(job: str, words: str, traceback: bool) -> None:
    with looping(f"print('begun'); {job}") as process:
        read_until(process, "begun")
        seen = read_until(process, "INFO feedback.digest.schedule Next digest: ")
        assert words in seen
        assert ("Traceback" in seen) is traceback
        process.send_signal(signal.SIGTERM)
        read_until(process, "ended")
        assert process.wait(10) == 0
