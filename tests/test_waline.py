"""Collector rest with software that is not ours: comments posted to Waline, a comment server of npm, which runs on this machine.

`YUANSHENG_WALINE` names the folder of its package (`.ci/waline` prints it), `YUANSHENG_POSTGRES` the database server that keeps its comments.
"""

import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import requests
from command import run
from comment_servers import PAGE, free_port, new_project, running

WALINE, POSTGRES = os.environ.get("YUANSHENG_WALINE", ""), os.environ.get("YUANSHENG_POSTGRES", "")

pytestmark = [
    pytest.mark.skipif(not WALINE, reason="YUANSHENG_WALINE is not set: the path of Waline's package"),
    pytest.mark.skipif(
        not POSTGRES, reason="YUANSHENG_POSTGRES is not set: the address of the server for Waline's data"
    ),
]

# Waline asks elsewhere, at every request, which other sites one may sign in with: here, none.
PROGRAM = """
const [, waline, port] = process.argv, answer = require(waline)();
const none = (response) => response.setHeader("Content-Type", "application/json").end('{"services": []}');
require("node:http")
  .createServer((request, response) => (request.url === "/sign-in" ? none(response) : answer(request, response)))
  .listen(port, "127.0.0.1");
"""
# What its code reads and writes.
TABLES = """
create table wl_comment (
    id serial primary key, url text, pid integer, rid integer, comment text, nick text, mail text, link text, ip text, ua text, status text,
    user_id integer, sticky integer, "like" integer, insertedat timestamp, createdat timestamp, updatedat timestamp
);
create table wl_users (
    id serial primary key, email text, password text, display_name text, type text, label text, url text, avatar text, "2fa" text,
    createdat timestamp, updatedat timestamp
)
"""
SOURCE = """
url = "{url}/api/comment"
records = "data.data"
pages = {{ type = "page", size_parameter = "pageSize", size = 2 }}
"""
EVERYBODYS = (
    SOURCE
    + """
query = {{ path = "/lamps/1" }}
columns = {{ text = "comment", source_id = "objectId", posted_at = "time" }}
texts = [{{ suffix = "reply", each = "children", text = "comment", source_id = "objectId", posted_at = "time" }}]
"""
)
OWNERS = (
    SOURCE
    + """
query = {{ type = "list" }}
columns = {{ text = "orig", source_id = "objectId", parent_id = "pid", posted_at = "time", customer = "nick" }}
auth = {{ type = "bearer", token = {{ env = "WALINE_TOKEN" }} }}
since = {{ column = "time", order = "newest" }}
"""
)
LONG = (
    "这盏灯用了三个月，说说感受。"
    + "白天看不出什么，到了晚上，灯光柔和，照得到书桌的每个角落，孩子写作业再也不说眼睛累了。" * 60
)


@dataclass
class Waline:
    url: str
    database: str

    def ask(self, method: str, path: str, **more: object) -> dict[str, object]:
        token = more.pop("token", None)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = requests.request(method, f"{self.url}/api/{path}", json=more, headers=headers, timeout=10)
        assert (answer.status_code, answer.json()["errno"]) == (200, 0)
        found = answer.json().get("data")
        return found if isinstance(found, dict) else {}

    def post(self, text: str, at: str, nick: str = "小林", **more: object) -> str:
        """The number of a comment that a visitor posts; Waline dates it, and is then told when that was, in China's time."""
        mail = f"{nick}@mail.example"
        number = self.ask("POST", "comment", comment=text, nick=nick, mail=mail, url=PAGE, **more)["objectId"]
        with psycopg.connect(self.database) as database:
            database.execute("update wl_comment set insertedat = %s where id = %s", (at, number))
        return str(number)

    def owner(self) -> str:
        """The token of the shop's owner, who is the first to sign up."""
        account = {"email": "owner@shop.example", "password": "three lamps"}
        self.ask("POST", "user", display_name="店主", **account)
        return str(self.ask("POST", "token", **account)["token"])


@pytest.fixture
def waline(tmp_path: Path) -> Iterator[Waline]:
    """A comment server that has just been started, with a database of its own."""
    name = f"waline_{secrets.token_hex(8)}"
    where = urlsplit(POSTGRES)
    address = urlunsplit(where._replace(path=f"/{name}"))
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        "PATH": os.environ["PATH"],
        "TMPDIR": str(tmp_path),
        "TZ": "Asia/Shanghai",
        "PG_HOST": where.hostname or "",
        "PG_PORT": str(where.port or 5432),
        "PG_USER": where.username or "",
        "PG_PASSWORD": where.password or "",
        "PG_DB": name,
        "OAUTH_URL": f"{url}/sign-in",
        "AKISMET_KEY": "false",  # otherwise comments are judged elsewhere
        "IPQPS": "0",  # seconds between the comments of a visitor
    }
    with psycopg.connect(POSTGRES, autocommit=True) as server:
        server.execute(f"create database {name}".encode())
        try:
            with psycopg.connect(address) as database:
                database.execute(TABLES.encode())
            command = ["node", "-e", PROGRAM, WALINE, str(port)]
            with running(command, f"{url}/api/comment?path={PAGE}", tmp_path / "waline.log", environment):
                yield Waline(url, address)
        finally:
            server.execute(f"drop database {name} with (force)".encode())


def stored(project: Path, columns: str = "source_id, parent_id, posted_at, text") -> list[tuple[str | None, ...]]:
    with closing(sqlite3.connect(project / "feedback.db")) as database:
        return database.execute(f"select {columns} from verbatims order by posted_at").fetchall()


def test_comments_and_their_replies_are_collected_once_from_the_pages_that_visitors_see(
    waline: Waline, tmp_path: Path
) -> None:
    project = new_project(tmp_path, EVERYBODYS.format(url=waline.url))
    first = waline.post("灯很亮，就是物流太慢了", "2025-03-01 09:00:00")
    second = waline.post("开关手感很差 😡👨‍👩‍👧，色温 < 3000K & 不能调", "2025-03-01 09:00:01")
    reply = waline.post("我这个也是", "2025-03-01 09:00:02", pid=second, rid=second)
    third = waline.post(LONG, "2025-03-02 23:59:59")
    fourth = waline.post("**做工**不错", "2025-03-03 00:00:00")
    fifth = waline.post("包装简单了点", "2025-03-04 08:00:00")
    said = [
        (first, None, "2025-03-01T01:00:00Z", "灯很亮，就是物流太慢了"),
        (second, None, "2025-03-01T01:00:01Z", "开关手感很差 😡👨‍👩‍👧，色温 < 3000K & 不能调"),
        (f"{second}/reply-{reply}", second, "2025-03-01T01:00:02Z", "我这个也是"),
        (third, None, "2025-03-02T15:59:59Z", LONG),
        (fourth, None, "2025-03-02T16:00:00Z", "做工不错"),
        (fifth, None, "2025-03-04T00:00:00Z", "包装简单了点"),
    ]
    ran = run("collect", project=project)
    assert (ran.code, ran.out, ran.err) == (0, "留言: 6 new\n", "")
    assert stored(project) == said
    assert run("collect", project=project).out == "留言: 0 new, 6 already there\n"
    assert stored(project) == said

    late = waline.post("客服说可以换", "2025-03-05 08:00:00", nick="小周", pid=reply, rid=second)
    sixth = waline.post("后来换了新的，满意", "2025-03-06 08:00:00")
    waline.ask("PUT", f"comment/{fifth}", comment="包装简单，盒子也破了", token=waline.owner())
    assert run("collect", project=project).out == "留言: 2 new, 1 changed, 5 already there\n"
    assert stored(project) == [
        *said[:5],
        (fifth, None, "2025-03-04T00:00:00Z", "包装简单，盒子也破了"),
        (f"{second}/reply-{late}", second, "2025-03-05T00:00:00Z", "客服说可以换"),
        (sixth, None, "2025-03-06T00:00:00Z", "后来换了新的，满意"),
    ]


def test_the_owners_list_is_read_back_to_what_is_known_and_names_nobody(
    waline: Waline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = new_project(tmp_path, OWNERS.format(url=waline.url))
    first = waline.post("灯很亮 😀，就是物流太慢了", "2025-03-01 09:00:00")
    second = waline.post("**开关**手感很差\n等了...三天", "2025-03-02 09:00:00", nick="小周")
    reply = waline.post("我这个也是", "2025-03-03 09:00:00", pid=second, rid=second)
    third = waline.post(LONG, "2025-03-04 09:00:00", nick="小周")
    fourth = waline.post("包装简单了点", "2025-03-05 09:00:00")
    said = [
        (first, None, "2025-03-01T01:00:00Z", "灯很亮 😀，就是物流太慢了"),
        (second, None, "2025-03-02T01:00:00Z", "**开关**手感很差\n等了...三天"),
        (reply, second, "2025-03-03T01:00:00Z", "我这个也是"),
        (third, None, "2025-03-04T01:00:00Z", LONG),
        (fourth, None, "2025-03-05T01:00:00Z", "包装简单了点"),
    ]
    token = waline.owner()
    monkeypatch.setenv("WALINE_TOKEN", f"{token}x")
    ran = run("collect", project=project)
    refused = "/api/comment refuses (401). The key is missing, wrong or has run out."
    assert (ran.code, ran.out, ran.err) == (1, "", f"Error: 留言: {urlsplit(waline.url).netloc}{refused}\n")
    monkeypatch.setenv("WALINE_TOKEN", token)
    ran = run("collect", project=project)
    assert (ran.code, ran.out, ran.err) == (0, "留言: 5 new\n", "")
    assert stored(project) == said
    # The second page is older than the newest that is known: the third is not asked for.
    assert run("collect", project=project).out == "留言: 0 new, 4 already there\n"
    assert stored(project) == said

    fifth = waline.post("后来换了新的，满意", "2025-03-06 09:00:00")
    sixth = waline.post("客服说可以换", "2025-03-07 09:00:00", nick="小吴", pid=reply, rid=second)
    assert run("collect", project=project).out == "留言: 2 new, 4 already there\n"
    assert stored(project) == [
        *said,
        (fifth, None, "2025-03-06T01:00:00Z", "后来换了新的，满意"),
        (sixth, reply, "2025-03-07T01:00:00Z", "客服说可以换"),
    ]

    authors = [str(customer) for (customer,) in stored(project, "customer_id")]
    lin, zhou, wu = authors[0], authors[1], authors[6]
    assert authors == [lin, zhou, lin, zhou, lin, lin, wu]
    assert len({lin, zhou, wu, "None"}) == 4
    kept = b"".join(file.read_bytes() for file in project.iterdir() if file.is_file())
    assert [name for name in ("小林", "小周", "小吴", "mail.example") if name.encode() in kept] == []
