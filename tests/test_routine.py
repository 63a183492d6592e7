"""What a schedule does each time, against a webhook on this machine."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from command import run
from local_servers import Web, web_server
from small_project import SETTINGS, append, message, write_project
from stored import database_bytes, dump, rows

from feedback.digest.make import last_complete_period, newest_period, period_name
from feedback.journey.model import Period
from feedback.journey.periods import parse_period
from storage.store import Store


@pytest.fixture
def hook() -> Iterator[Web]:
    with web_server() as server:
        yield server


def secret_url(hook: Web) -> str:
    return f"json://127.0.0.1:{hook.port}/s3cret"


@pytest.fixture
def monday(monkeypatch: pytest.MonkeyPatch) -> None:
    set_today(monkeypatch, date(2026, 3, 2))


def set_today(monkeypatch: pytest.MonkeyPatch, today: date) -> None:
    monkeypatch.setattr("feedback.digest.make._today", lambda _project: today)


def shop(folder: Path, *targets: str) -> Path:
    send_to = json.dumps(list(targets))
    write_project(folder, SETTINGS.replace("[[sources]]", f"[digest]\nsend_to = {send_to}\n[[sources]]", 1))
    return folder


def deliveries(folder: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(folder / "feedback.db")) as connection:
        return rows(connection, "select digest, status, error is null from deliveries order by target")


@pytest.mark.usefixtures("monday")
def test_a_run_collects_analyses_writes_the_week_that_ended_and_sends_it_once(tmp_path: Path, hook: Web) -> None:
    folder = shop(tmp_path, secret_url(hook))
    first = run("schedule", "run", "--once", project=folder)
    html = folder / "digests" / "2026-W09.html"
    assert (first.code, first.err) == (0, "")
    assert first.out.splitlines() == [
        "电商: 5 new, 2 rejected",
        "点评: 3 new, 0 rejected",
        "企业微信: 4 new, 0 rejected",
        "9 verbatims analysed",
        f"Digest: {html}",
    ]
    [request] = hook.requests
    assert (request.path, request.body["title"]) == ("/s3cret", "小店 客户原声 2026-W09")
    assert request.body["message"].strip() == html.with_suffix(".md").read_text(encoding="utf-8").strip()
    before = dump(folder / "feedback.db", without=("runs", "findings", "evidence"))
    second = run("schedule", "run", "--once", project=folder)
    assert (second.code, len(hook.requests)) == (0, 1)
    assert dump(folder / "feedback.db", without=("runs", "findings", "evidence")) == before
    assert deliveries(folder) == [("小店 2026-W09", "sent", 1)]


@pytest.mark.usefixtures("monday")
def test_a_project_in_english_sends_its_digest_in_english(tmp_path: Path, hook: Web) -> None:
    settings = SETTINGS.replace(
        "[[sources]]", f'[digest]\nlang = "en"\nsend_to = ["{secret_url(hook)}"]\n[[sources]]', 1
    )
    write_project(tmp_path, settings)
    late = "磨豆机,物流太慢了，第{n}天才到,2026-02-24 10:0{n}:00,浙江,白\n"
    append(tmp_path, "data/reviews.csv", "".join(late.format(n=n) for n in range(3, 10)))
    assert run("schedule", "run", "--once", project=tmp_path).code == 0
    [request] = hook.requests
    assert request.body["title"] == "小店: customer feedback, 2026-W09"
    assert "Most complained about: Purchase · Delivery (8 of 8 negative)." in request.body["message"]
    assert "<bdi>Delivery</bdi>" in (tmp_path / "digests" / "2026-W09.html").read_text(encoding="utf-8")


@pytest.mark.usefixtures("monday")
def test_a_target_that_failed_is_named_exits_1_and_is_tried_again_and_it_alone(tmp_path: Path, hook: Web) -> None:
    hook.answers = [(500, "", 0)]
    folder = shop(tmp_path, secret_url(hook), f"{secret_url(hook)}/second")
    first = run("schedule", "run", "--once", project=folder)
    assert first.code == 1
    [problem] = [line for line in first.out.splitlines() if line.startswith("Problem: ")]
    assert problem.startswith("Problem: send_to 1 (json): ")
    assert sorted(deliveries(folder)) == [("小店 2026-W09", "failed", 0), ("小店 2026-W09", "sent", 1)]
    shown = run("schedule", "status", project=folder).out
    assert sorted(line.split("  ")[2] for line in shown.splitlines() if "  小店 2026-W09  " in line) == [
        "failed",
        "sent",
    ]
    second = run("schedule", "run", "--once", project=folder)
    assert second.code == 0
    third = run("schedule", "run", "--once", project=folder)
    assert third.code == 0
    assert [request.path for request in hook.requests] == ["/s3cret", "/s3cret/second", "/s3cret"]
    assert deliveries(folder) == [("小店 2026-W09", "sent", 1)] * 2


def test_the_next_weeks_digest_is_sent_again(tmp_path: Path, hook: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = shop(tmp_path, secret_url(hook))
    for day in (2, 3, 9):
        set_today(monkeypatch, date(2026, 3, day))
        assert run("schedule", "run", "--once", project=folder).code == 0
    titles = [request.body["title"] for request in hook.requests]
    assert titles == ["小店 客户原声 2026-W09", "小店 客户原声 2026-W10"]
    assert sorted(path.name for path in (folder / "digests").glob("*.json")) == ["2026-W09.json", "2026-W10.json"]


@pytest.mark.usefixtures("monday")
def test_a_source_that_fails_is_a_problem_and_the_digest_is_sent_all_the_same(tmp_path: Path, hook: Web) -> None:
    folder = shop(tmp_path, secret_url(hook))
    (folder / "data" / "stars.csv").unlink()
    ran = run("schedule", "run", "--once", project=folder)
    assert ran.code == 1
    assert f"Problem: 点评: No file or folder at {folder / 'data' / 'stars.csv'}." in ran.out.splitlines()
    assert len(hook.requests) == 1


@pytest.mark.usefixtures("monday")
def test_what_came_in_since_is_in_the_next_run(tmp_path: Path) -> None:
    folder = shop(tmp_path)
    run("schedule", "run", "--once", project=folder)
    append(folder, "data/wecom.jsonl", message("m9", "wmNickCustomer2", "又漏粉了"))
    ran = run("schedule", "run", "--once", project=folder)
    assert ran.out.splitlines()[2:4] == ["企业微信: 1 new, 0 rejected", "1 verbatims analysed"]


@pytest.mark.usefixtures("monday")
def test_the_address_of_a_target_is_not_kept(tmp_path: Path, hook: Web) -> None:
    folder = shop(tmp_path, secret_url(hook))
    ran = run("schedule", "run", "--once", project=folder)
    assert "s3cret" not in ran.out
    assert b"s3cret" not in database_bytes(folder / "feedback.db")


COMPLETE = [
    ("day", date(2026, 3, 2), "2026-03-01"),
    ("week", date(2026, 3, 2), "2026-W09"),
    ("week", date(2026, 3, 8), "2026-W09"),
    ("week", date(2026, 1, 1), "2025-W52"),
    ("month", date(2026, 3, 31), "2026-02"),
    ("month", date(2026, 1, 31), "2025-12"),
    ("quarter", date(2026, 1, 1), "2025-Q4"),
    ("2026-W05", date(2026, 3, 2), "2026-W05"),  # said outright: that one
    ("all", date(2026, 3, 2), "all"),
]


@pytest.mark.parametrize("text, today, name", COMPLETE)
def test_a_clock_means_the_last_period_that_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, today: date, name: str
) -> None:
    set_today(monkeypatch, today)
    assert period_name(last_complete_period(write_project(tmp_path), text)) == name


def test_a_person_means_the_last_period_the_data_tells_of(tmp_path: Path) -> None:
    project = write_project(tmp_path, SETTINGS.replace('paths = ["data/reviews.csv"]', 'paths = ["data/old.csv"]'))
    tomorrow = datetime.now() + timedelta(days=30)
    (tmp_path / "data" / "old.csv").write_text(
        "product,content,creationtime\n磨豆机,还行,2025-12-31 23:30:00\n磨豆机,好,2025-11-30\n"
        f"磨豆机,来自未来,{tomorrow:%Y-%m-%d}\n",
        encoding="utf-8",
    )
    assert run("collect", "--source", "电商", project=tmp_path).code == 0
    with Store.open(project.database) as store:
        assert period_name(newest_period(store, project, "month")) == "2025-12"
        assert period_name(newest_period(store, project, "week")) == "2026-W01"  # that Wednesday's ISO week


NAMES = [
    ("all", "all"),
    ("2026-W09", "2026-W09"),
    ("2026-02", "2026-02"),
    ("2026-Q1", "2026-Q1"),
    ("2026-02-23", "2026-02-23"),
    ("2026-02-20..2026-03-01", "2026-02-20..2026-03-01"),
    ("2025-12-29..2026-01-04", "2026-W01"),
]


@pytest.mark.parametrize("text, name", NAMES)
def test_a_period_has_a_name_that_is_a_file_name(text: str, name: str) -> None:
    period: Period = parse_period(text, date(2026, 3, 2))
    assert period_name(period) == name
