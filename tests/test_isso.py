"""Collector rest with software that is not ours: comments posted to isso, a comment server of PyPI, which runs on this machine.

It has dependencies of its own and lives in an environment of its own; `YUANSHENG_ISSO` names its program.
"""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests
from command import run
from comment_servers import PAGE, free_port, new_project, running

ISSO = os.environ.get("YUANSHENG_ISSO", "")

pytestmark = pytest.mark.skipif(not ISSO, reason="YUANSHENG_ISSO is not set: the path of isso's program")

SOURCE = """
url = "{url}/"
query = {{ uri = "/lamps/1", plain = 1 }}
records = "replies"
columns = {{ text = "text", source_id = "id", posted_at = "created", customer = "author" }}
texts = [{{ suffix = "reply", each = "replies", text = "text", source_id = "id", posted_at = "created" }}]
"""


@pytest.fixture
def comments(tmp_path: Path) -> Iterator[str]:
    """The address of a comment server that has just been started."""
    url = f"http://127.0.0.1:{free_port()}"
    settings = tmp_path / "isso.cfg"
    settings.write_text(
        f"[general]\ndbpath = {tmp_path / 'comments.db'}\nhost = {url}/\n[server]\nlisten = {url}\n[guard]\nenabled = false\n"
    )
    with running([ISSO, "-c", str(settings), "run"], f"{url}/?uri={PAGE}", tmp_path / "isso.log"):
        yield url


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
    project = new_project(tmp_path, SOURCE.format(url=comments))
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
