"""Times that commands show: the project's own in text, UTC in JSON."""

import json
from pathlib import Path

import pytest
from command import run
from small_project import REVIEWS_HEADER, SETTINGS, write_project

from storage.store import Store

NIGHT = "磨豆机,夜里写的,2026-02-24 {clock},浙江,白\n"
ZONES = [
    # zone, the hour there, its UTC
    ("Asia/Shanghai", "00:30:00", "2026-02-23T16:30:00Z"),
    ("America/New_York", "23:30:00", "2026-02-25T04:30:00Z"),
    ("Pacific/Kiritimati", "10:30:00", "2026-02-23T20:30:00Z"),
]
SUMMER = [("2026-07-01T23:30:00Z", "2026-07-02 00:30:00"), ("2026-01-01T23:30:00Z", "2026-01-01 23:30:00")]


def shop(folder: Path, zone: str, clock: str = "12:00:00") -> Path:
    write_project(folder, SETTINGS.replace('name = "小店"', f'name = "小店"\ntimezone = "{zone}"', 1))
    (folder / "data" / "reviews.csv").write_text(REVIEWS_HEADER + NIGHT.format(clock=clock), encoding="utf-8")
    assert run("collect", "--source", "电商", project=folder).code == 0
    return folder


def started(folder: Path, moment: str) -> None:
    with Store.open(folder / "feedback.db") as store, store.transaction() as connection:
        connection.execute("update runs set started_at = ?", (moment,))


@pytest.mark.parametrize("zone, clock, utc", ZONES)
def test_a_text_is_dated_by_the_day_it_was_written_on_there(tmp_path: Path, zone: str, clock: str, utc: str) -> None:
    folder = shop(tmp_path, zone, clock)
    assert run("search", "夜里", project=folder).out == "#1  电商 · 磨豆机 · 2026-02-24\n    夜里写的\n"
    assert json.loads(run("search", "夜里", "--json", project=folder).out)["posted_at"] == utc
    assert ", 2026-02-24 … 2026-02-24; " in run("status", project=folder).out
    [source] = json.loads(run("status", "--json", project=folder).out)["sources"]
    assert (source["first"], source["last"]) == (utc, utc)


@pytest.mark.parametrize("utc, local", SUMMER)
def test_a_run_is_timed_by_the_clock_of_the_project_in_summer_and_in_winter(
    tmp_path: Path, utc: str, local: str
) -> None:
    folder = shop(tmp_path, "Europe/London")
    started(folder, utc)
    assert run("status", project=folder).out.splitlines()[-2:] == [
        "  Last runs (times in Europe/London):",
        f"  {local}  collect 电商 done",
    ]
    [found] = json.loads(run("status", "--json", project=folder).out)["runs"]
    assert found["started_at"] == utc
    scheduled = run("schedule", "status", project=folder).out.splitlines()
    assert scheduled[2:] == [f"{local}  collect  电商               done"]


def test_a_project_without_runs_lists_none(tmp_path: Path) -> None:
    write_project(tmp_path)
    assert "Last runs" not in run("status", project=tmp_path).out


def test_a_run_takes_one_line_however_long_its_message(tmp_path: Path) -> None:
    write_project(tmp_path)
    (tmp_path / "x.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    run("collect", "table", tmp_path / "x.csv", project=tmp_path)  # says how to write a layout, in twenty lines
    last = [
        run("status", project=tmp_path).out.splitlines(),
        run("schedule", "status", project=tmp_path).out.splitlines(),
    ]
    assert [len(lines) for lines in last] == [6, 3]
    for lines in last:
        assert lines[-1].endswith(
            f"CollectError: {tmp_path / 'x.csv'}: the layout of this file is not known. Its columns: a、b"
        )
