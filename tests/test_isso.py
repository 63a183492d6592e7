"""Collector rest with software that is not ours: comments posted to isso, a comment server of PyPI, which runs on this machine.

It has dependencies of its own and lives in an environment of its own; `YUANSHENG_ISSO` names its program.
"""

import json
import os
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests
from command import run

ISSO = os.environ.get("YUANSHENG_ISSO", "")

pytestmark = pytest.mark.skipif(not ISSO, reason="YUANSHENG_ISSO is not set: the path of isso's program")

PAGE = "/lamps/1"
SETTINGS = """[project]
name = "小店"

[[sources]]
name = "留言"
collector = "rest"
kind = "post"
channel = "官网"
url = "{url}/"
query = {{ uri = "/lamps/1", plain = 1 }}
records = "replies"
columns = {{ text = "text", source_id = "id", posted_at = "created", customer = "author" }}
texts = [{{ suffix = "reply", each = "replies", text = "text", source_id = "id", posted_at = "created" }}]
"""


@pytest.fixture
def comments(tmp_path: Path) -> Iterator[str]:
    """The address of a comment server that has just been started."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    (tmp_path / "isso.cfg").write_text(
        f"[general]\ndbpath = {tmp_path / 'comments.db'}\nhost = {url}/\n[server]\nlisten = {url}\n[guard]\nenabled = false\n"
    )
    process = subprocess.Popen(
        [ISSO, "-c", str(tmp_path / "isso.cfg"), "run"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(200):
            try:
                requests.get(f"{url}/?uri={PAGE}", timeout=5)
                break
            except requests.ConnectionError:
                assert process.poll() is None
                time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait()


def post(url: str, text: str, **more: object) -> int:
    answer = requests.post(
        f"{url}/new?uri={PAGE}",
        data=json.dumps({"text": text, "author": "小林", "title": "台灯", **more}),
        headers={"Content-Type": "application/json", "Origin": url},
        timeout=10,
    )
    assert answer.status_code == 201
    return int(answer.json()["id"])


def stored(project: Path) -> set[tuple[str, str, str | None]]:
    with closing(sqlite3.connect(project / "feedback.db")) as database:
        return set(database.execute("select source_id, text, parent_id from verbatims where role = 'customer'"))


def test_comments_that_were_posted_to_isso_are_collected_once(comments: str, tmp_path: Path) -> None:
    project = tmp_path / "shop"
    project.mkdir()
    (project / "feedback.toml").write_text(SETTINGS.format(url=comments), encoding="utf-8")
    first, second = post(comments, "灯很亮，就是物流太慢了"), post(comments, "开关手感很差 😡")
    reply = post(comments, "我这个也是", parent=second)
    said = {
        (f"{first}", "灯很亮，就是物流太慢了", None),
        (f"{second}", "开关手感很差 😡", None),
        (f"{second}/reply-{reply}", "我这个也是", f"{second}"),
    }
    ran = run("collect", project=project)
    assert (ran.code, ran.out, ran.err) == (0, "留言: 3 new\n", "")
    assert stored(project) == said
    assert run("collect", project=project).out == "留言: 0 new, 3 already there\n"
    third = post(comments, "后来客服换了新的，满意")
    assert run("collect", project=project).out == "留言: 1 new, 3 already there\n"
    assert stored(project) == said | {(f"{third}", "后来客服换了新的，满意", None)}
