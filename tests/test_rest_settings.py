"""Collector rest: parameters, secrets and where they may lie, and settings that are none."""

import json
from pathlib import Path
from urllib.parse import quote

import pytest
from command import run
from test_rest import COLUMNS, KEY, ROWS, SECRET, WAYS, fault, ids, pages, visit
from wire import Asked, Reply, wire

from feedback.collectors.base import Record, Unreadable
from feedback.collectors.live.paging import next_address
from feedback.collectors.rest import RestCollector
from feedback.errors import CollectError


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REST_KEY", KEY)


def test_parameters_go_with_every_request_and_must_be_texts_or_numbers() -> None:
    _, web = pages({"query": {"status": "all", "v": 2}}, lambda _asked: Reply([]))
    assert web.asked[0].query == {"status": "all", "v": "2"}
    assert (
        fault({"query": {"a": ["b"]}}, lambda _asked: Reply([]))
        == "source '工单', [query]: 'a' must be a text or a number, not ['b']."
    )
    assert fault({"query": "a=b"}, lambda _asked: Reply([])) == (
        "source '工单': [query] must be a table: query = { status = \"all\" }."
    )


def test_a_parameter_may_be_a_secret_that_lies_elsewhere() -> None:
    section = {
        "records": "rows",
        "query": {"app": "shop", "sign": SECRET},
        "pages": {"type": "next", "cursor": "next"},
    }

    def answer(asked: Asked) -> Reply:
        start = int(asked.query.get("from", 0))
        after = f"/v1?sign={quote(asked.query['sign'])}&from={start + 3}" if start + 3 < len(ROWS) else None
        return Reply({"rows": ROWS[start : start + 3], "next": after})

    found, web = pages(section, answer)
    assert ids(found) == [str(number) for number in range(1, 8)]
    assert [asked.query["sign"] for asked in web.asked] == [KEY] * 3
    assert KEY not in str([page.state for page in found])


@pytest.mark.parametrize(
    "name", ["api_key", "access_token", "apiKey", "KEY", "app-secret", "private_token", "X-Amz-Signature", "jwt"]
)
def test_a_secret_among_the_parameters_or_in_the_address_is_refused(name: str) -> None:
    there = (
        f"source '工单', [query]: '{name}' is a secret, which does not belong in this file. "
        f'Say where it is: {name} = {{ env = "NAME_OF_A_VARIABLE" }}.'
    )
    assert fault({"query": {name: KEY}}, lambda _asked: Reply([])) == there
    with pytest.raises(CollectError) as error:
        RestCollector().streams(visit({"url": f"https://shop.example/v1?page=1&{name}={KEY}", "columns": COLUMNS}))
    assert str(error.value) == (
        f"source '工单': 'url' has '{name}' in it: a secret does not belong in this file. "
        'Say it by [auth], or by [query] with where it is: query = { key = { env = "NAME_OF_A_VARIABLE" } }.'
    )


def test_a_password_in_the_address_is_refused() -> None:
    with pytest.raises(CollectError, match="'url' has a user in it") as error:
        RestCollector().streams(
            visit({"url": f"https://wang:{quote(KEY, safe='')}@shop.example/v1", "columns": COLUMNS})
        )
    assert "Secret" not in str(error.value)


def test_settings_are_checked_before_anybody_is_asked() -> None:
    checked = RestCollector()
    for section, message in (
        ({}, "source '工单': 'url' is missing."),
        (
            {"url": "https://x", "since": {"parameter": "p"}},
            "source '工单', [since]: 'column' is missing: the field that says",
        ),
        ({"url": "https://x", "pages": {"type": "pgae"}}, "source '工单', [pages]: 'type' must be one of none, page"),
        ({"url": "https://x", "columns": {"id": "id"}}, "source '工单', [columns]: unknown 'id'."),
    ):
        with pytest.raises(CollectError) as error:
            checked.streams(visit(section))
        assert str(error.value).startswith(message)


def test_a_saved_answer_without_a_list_is_its_records(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text('[{"id": 1, "body": "好", "at": null}, 7]', encoding="utf-8")
    found = list(RestCollector().saved(path, visit({"url": "x", "columns": COLUMNS}, tmp_path)))
    assert found == [
        Record("好", "ticket", "工单系统", "rows.json:#1:1", source_id="1"),
        Unreadable("rows.json:#2", "it is not an object"),
    ]


def test_a_secret_may_lie_in_a_file_outside_the_project_alone(tmp_path: Path) -> None:
    project, outside = tmp_path / "project", tmp_path / "keys"
    project.mkdir()
    outside.mkdir()
    (outside / "good").write_text(f"\ufeff{KEY}\n", encoding="utf-8")
    (project / "inside").write_text(KEY, encoding="utf-8")
    (outside / "empty").write_text(" \n")
    (outside / "bytes").write_bytes(b"\xff\xfe\x00")
    (outside / "large").write_bytes(b"x" * 100_000)

    def read(path: Path) -> str:
        return visit({"token": {"file": str(path)}}, project).secret("token")

    assert read(outside / "good") == KEY
    where = "source '工单', [token]: "
    inside = f"{project / 'inside'} lies in the project's folder, which may be shared. Keep secrets outside of it."
    no_secret = "holds no secret: it is empty, too large, or not text."
    for path, message in (
        (project / "inside", inside),
        (outside / "none", f"{outside / 'none'} can't be read: No such file or directory."),
        *((outside / name, f"{outside / name} {no_secret}") for name in ("empty", "bytes", "large")),
    ):
        with pytest.raises(CollectError) as error:
            read(path)
        assert str(error.value) == where + message
    with pytest.raises(CollectError, match="'token' is missing"):
        visit({}, project).secret("token")


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("https://shop.example", "http://shop.example"),
        ("https://shop.example", "http://shop.example:80"),
        ("https://shop.example", "http://shop.example:443"),
        ("https://shop.example", "https://shop.example:80"),
        ("https://shop.example", "//shop.example"),
        ("https://shop.example:8443", "http://shop.example:8443"),
        ("https://shop.example:8443", "http://shop.example"),
    ],
)
def test_a_next_page_that_a_host_behind_a_proxy_names_without_encryption_is_asked_for_with_it(
    here: str, there: str
) -> None:
    assert next_address(f"{here}/v1?page=1", f"{there}/v1?page=2&key=1") == f"{here}/v1?page=2&key=1"
    assert next_address(f"{here}/v1?page=1", f"{there}/v1?page=2&key=1", {"key"}) == f"{here}/v1?page=2"


def test_a_next_page_on_another_port_or_host_is_not_asked_for() -> None:
    for there in (
        "https://shop.example:8443",
        "http://shop.example:8080",
        "ftp://shop.example",
        "http://shop.example:x",
    ):
        with pytest.raises(
            CollectError, match=r"shop\.example names a next page on shop\.example, which was not asked\."
        ):
            next_address("https://shop.example/v1", f"{there}/v1?page=2")
    with pytest.raises(CollectError, match=r"on evil\.example, which was not asked"):
        next_address("https://shop.example/v1", "http://evil.example/v1")
    assert next_address("http://shop.example/v1", "https://shop.example/v2") == "https://shop.example/v2"
    assert next_address("https://shop.example/v1?a=1", "?page=2") == "https://shop.example/v1?page=2"


def test_a_key_that_comes_back_in_the_address_of_the_next_page_is_not_kept() -> None:
    section = {
        "records": "rows",
        "pages": {"type": "next", "cursor": "next"},
        "auth": WAYS["query"][0] | {"type": "query"},
    }

    def answer(asked: Asked) -> Reply:
        start = int(asked.query.get("from", 0))
        after = f"/v1?key={quote(asked.query['key'])}&from={start + 3}" if start + 3 < len(ROWS) else None
        return Reply({"rows": ROWS[start : start + 3], "next": after})

    found, _ = pages(section, answer)
    assert ids(found) == [str(number) for number in range(1, 8)]
    assert json.loads(found[0].state or "")[2].endswith("/v1?from=3")


def test_a_state_that_holds_a_secret_is_not_stored(tmp_path: Path) -> None:
    def answer(asked: Asked) -> Reply:
        start = int(asked.query.get("from", 0))
        link = f'</v1?from={start + 3}&as={quote(KEY)}>; rel="next"' if start + 3 < len(ROWS) else ""
        return Reply(ROWS[start : start + 3], headers={"Link": link})

    with wire(answer) as web:
        (tmp_path / "feedback.toml").write_text(
            f'[[sources]]\nname = "工单"\ncollector = "rest"\nurl = "{web.url}/v1"\npages = {{ type = "link" }}\n'
            'auth = { type = "bearer", token = { env = "REST_KEY" } }\n'
            'columns = { text = "body", source_id = "id", posted_at = "at" }\n',
            encoding="utf-8",
        )
        ran = run("collect", "--source", "工单", "--limit", "3", project=tmp_path)
        note = "  records: where to go on holds a secret, so it was not kept: the next run begins further back"
        assert (ran.code, ran.out.splitlines()) == (0, ["工单: 3 new", note])
        assert run("collect", project=tmp_path).out.splitlines()[0] == "工单: 4 new, 3 already there"
    for path in tmp_path.glob("feedback.db*"):
        assert KEY.encode() not in path.read_bytes()
        assert quote(KEY).encode() not in path.read_bytes()
