"""What a run asks of a live source with --since and --limit, and what a scheduled run says of it: nothing may be lost for later."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from command import run
from stored import rows
from test_live_hostile import project
from wire import Asked, Reply, Wire, wire

from feedback.project import load_project
from storage.store import Store

ALL = 30
PAGE = 10
PAGED = {"type": "cursor", "parameter": "after", "cursor": "next"}
NUMBERED = {"type": "page", "parameter": "page"}


@dataclass
class Shop:
    """Thirty records, one a day from the first of March on, the oldest first, ten a page."""

    folder: Path
    web: Wire

    def stored(self) -> int:
        with Store.open(load_project(self.folder).database) as store:
            [(n,)] = rows(store.connection, "select count(*) from verbatims")
        return int(n)

    def rows(self) -> list[tuple[object, ...]]:
        """All that is stored of the source, and where to go on."""
        with Store.open(load_project(self.folder).database) as store:
            return [
                row
                for table in ("verbatims", "cursors", "runs")
                for row in rows(store.connection, f"select * from {table}")
            ]

    def runs(self, *options: str, times: int) -> list[int]:
        """How many are stored after each of some runs."""
        found = []
        for _ in range(times):
            ran = run("collect", "--source", "live", *options, project=self.folder)
            assert (ran.code, ran.err) == (0, "")
            found.append(self.stored())
        return found


@pytest.fixture(params=["cursor", "page"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    def answer(asked: Asked) -> Reply:
        page = int(asked.query.get("after") or int(asked.query.get("page", "1")) - 1)
        numbers = range(page * PAGE, min((page + 1) * PAGE, ALL))
        items = [{"id": f"r{n}", "text": f"第{n}单送得慢", "at": f"2026-03-{n + 1:02}T08:00:00Z"} for n in numbers]
        return Reply({"items": items, "next": str(page + 1) if (page + 1) * PAGE < ALL else None})

    with wire(answer) as web:
        columns = {"text": "text", "source_id": "id", "posted_at": "at"}
        pages = PAGED if request.param == "cursor" else NUMBERED
        yield Shop(project(tmp_path, f"{web.url}/v1", columns=columns, pages=pages), web)


def test_what_is_older_than_the_since_of_a_first_run_comes_with_a_run_without_it(shop: Shop) -> None:
    assert shop.runs("--since", "2026-03-21", times=1) == [10]
    assert shop.runs(times=2) == [30, 30]


@pytest.mark.parametrize(
    ("limit", "after"), [("4", [4, 8, 12, 16]), ("10", [10, 20, 30, 30]), ("25", [25, 30, 30, 30])]
)
def test_a_limit_is_of_new_records_so_that_each_run_comes_further(shop: Shop, limit: str, after: list[int]) -> None:
    assert shop.runs("--limit", limit, times=4) == after


def test_a_preview_with_a_limit_asks_for_no_more_pages_than_it_needs(shop: Shop) -> None:
    ran = run("collect", "--source", "live", "--dry-run", "--limit", "12", project=shop.folder)
    assert "live: 12 would be stored" in ran.out
    assert len(shop.web.asked) <= 3  # the page before is asked for once more where pages are numbered


def test_a_preview_after_a_run_shows_what_the_next_one_would_store(shop: Shop) -> None:
    shop.runs("--limit", "25", times=1)
    before = shop.rows()
    for _ in range(2):
        ran = run("collect", "--source", "live", "--dry-run", project=shop.folder)
        assert ran.out.splitlines()[-1] == "live: 5 would be stored"
    assert shop.rows() == before
    shop.runs(times=1)
    with Store.open(load_project(shop.folder).database) as store, store.transaction() as connection:
        connection.execute("update verbatims set content_hash = content_hash + 1 where id = 30")
    ran = run("collect", "--source", "live", "--dry-run", "--since", "2026-03-01", project=shop.folder)
    assert ran.out.splitlines()[-1] == "live: 1 would be stored, 1 of them in place of what they said before"


def test_a_preview_needs_not_wait_for_a_run_that_is_writing(shop: Shop) -> None:
    shop.runs("--limit", "25", times=1)
    with Store.open(load_project(shop.folder).database) as writing, writing.transaction():
        ran = run("collect", "--source", "live", "--dry-run", project=shop.folder)
    assert (ran.code, ran.out.splitlines()[-1]) == (0, "live: 5 would be stored")


def test_a_preview_makes_no_database(shop: Shop) -> None:
    assert (
        "live: 30 would be stored, 20 of them not shown"
        in run("collect", "--source", "live", "--dry-run", project=shop.folder).out
    )
    assert not (shop.folder / "feedback.db").exists()


def test_a_scheduled_run_says_what_a_source_has_to_say(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("feedback.digest.make._today", lambda _project: date(2026, 4, 6))
    shop.runs(times=1)
    settings = shop.folder / "feedback.toml"
    settings.write_text(settings.read_text("utf-8").replace("测试", "工单"), "utf-8")
    capsys.readouterr()
    ran = run("schedule", "run", "--once", project=shop.folder)
    assert "live: records: its settings have changed since it was asked last: it is asked from the beginning" in ran.out


def test_where_nobody_answers_the_other_streams_are_not_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    with wire(lambda _asked: Reply(status=503)) as web:
        lines = ['collector = "app-store"', 'app = "123456789"', 'countries = ["cn", "hk", "tw"]', f'url = "{web.url}"']
        text = '[project]\nname = "门"\n\n[[sources]]\nname = "live"\n' + "\n".join(lines)
        (tmp_path / "feedback.toml").write_text(text, "utf-8")
        ran = run("collect", project=tmp_path)
    assert (ran.code, ran.err.count("Error:")) == (1, 1)
    assert {asked.path.split("/")[1] for asked in web.asked} == {"cn"}


@pytest.mark.parametrize(
    ("auth", "said"),
    [
        ({"type": "bearer", "token": {"env": "YUANSHENG_NOT_SET"}}, "YUANSHENG_NOT_SET is not set"),
        ({"type": "bearer", "token": "hunter2-hunter2"}, "'token' is a secret, which does not belong in this file"),
    ],
)
def test_the_doctor_sees_secrets_that_are_missing_or_in_the_wrong_place(
    tmp_path: Path, auth: dict[str, object], said: str
) -> None:
    ran = run("doctor", project=project(tmp_path, "https://shop.invalid/v1", auth=auth))
    assert ran.code == 1
    assert said in ran.out + ran.err
    assert "hunter2" not in ran.out + ran.err


def test_a_secret_that_is_missing_is_said_once_however_many_streams_want_it(tmp_path: Path) -> None:
    (tmp_path / "feedback.toml").write_text(
        '[[sources]]\nname = "工单"\ncollector = "zendesk"\nsubdomain = "acme"\nemail = "wang@shop.example"\n'
        'token = { env = "YUANSHENG_NOT_SET" }\n',
        "utf-8",
    )
    ran = run("collect", project=tmp_path)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.count("YUANSHENG_NOT_SET is not set") == ran.err.count("\n") == 1


@pytest.mark.parametrize("collector", ["zendesk", "wechat-kf", "intercom", "formbricks"])
def test_a_saved_file_of_quite_another_kind_is_an_error(tmp_path: Path, collector: str) -> None:
    (tmp_path / "answer.json").write_text('{"foo": [1, 2]}', "utf-8")
    more = {"zendesk": 'subdomain = "acme"\nemail = "a@b.example"', "wechat-kf": 'corp_id = "ww1"\nopen_kfid = ["wk1"]'}
    key = "secret" if collector == "wechat-kf" else "token"
    (tmp_path / "feedback.toml").write_text(
        f'[[sources]]\nname = "工单"\ncollector = "{collector}"\n{key} = {{ env = "ANY" }}\n{more.get(collector, "")}\n'
        + ('survey = "s1"\n' if collector == "formbricks" else ""),
        "utf-8",
    )
    ran = run("collect", "--source", "工单", "--load", tmp_path / "answer.json", project=tmp_path)
    assert ran.code == 1
    assert "is what collector" in ran.err or "survey" in ran.err


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("[intake]\ntoken = { env = 'YUANSHENG_NOT_SET' }\n", "YUANSHENG_NOT_SET is not set"),
        ("[intake]\nchannel = '官网'\n", "'token' is missing"),
    ],
)
def test_the_doctor_looks_at_the_intake(tmp_path: Path, section: str, said: str) -> None:
    (tmp_path / "feedback.toml").write_text(f'[project]\nname = "门"\n\n{section}', "utf-8")
    ran = run("doctor", project=tmp_path)
    assert ran.code == 1
    assert f"BAD Intake: {tmp_path / 'feedback.toml'}, [intake]" in ran.out
    assert said in ran.out


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        (
            'auth = { token = { env = "HOME" } }',
            "[auth]: 'type' is missing, which says how the key is given: none, bearer",
        ),
        ('auth = { type = "bearer" }', "[auth]: 'token' is missing"),
        (
            'pages = { parameter = "page" }',
            "[pages]: 'type' is missing, which says how pages follow each other: none, page",
        ),
        ('auth = { type = "bearer", token = { environment = "A" } }', "'token' must be one of these: token = { env ="),
    ],
)
def test_the_doctor_says_what_a_setting_lacks(tmp_path: Path, setting: str, said: str) -> None:
    (tmp_path / "feedback.toml").write_text(
        '[[sources]]\nname = "工单"\ncollector = "rest"\nurl = "https://desk.invalid/v1"\n'
        f'columns = {{ text = "body", source_id = "id" }}\n{setting}\n',
        "utf-8",
    )
    ran = run("doctor", project=tmp_path)
    assert (ran.code, said in ran.out) == (1, True), ran.out
