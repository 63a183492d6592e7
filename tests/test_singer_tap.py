"""Collector singer with a tap that is not ours: tap-rest-api-msdk of PyPI, which asks an interface on this machine.

It has dependencies of its own and lives in an environment of its own; `YUANSHENG_TAP` names its program.
"""

import json
import os
import shlex
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from wire import Asked, Reply, Wire, wire
from worlds import NOW, SECRET, edited, said
from worlds.rest import World

TAP = os.environ.get("YUANSHENG_TAP", "")

pytestmark = pytest.mark.skipif(not TAP, reason="YUANSHENG_TAP is not set: the path of tap-rest-api-msdk's program")

SETTINGS = """[project]
name = "管道"

[analysis]
engine = "fast"

[[sources]]
name = "live"
collector = "singer"
paths = ["-"]
layout = "map.toml"
"""
MAP = """[streams.feedback]
channel = "网页"

[streams.feedback.columns]
text = "body"
posted_at = "created_at"
"""


class Pipe:
    """A project, an interface, and the two programs in a pipe as a person types it, the state being handed back."""

    def __init__(self, folder: Path, world: World, web: Wire) -> None:
        self.folder, self.world, self.web = folder, world, web
        (folder / "feedback.toml").write_text(SETTINGS, encoding="utf-8")
        (folder / "map.toml").write_text(MAP, encoding="utf-8")
        stream = {
            "name": "feedback",
            "path": "/v1/feedback",
            "records_path": "$.data.items[*]",
            "primary_keys": ["id"],
            "replication_key": "updated_at",
            "source_search_field": "updated_since",
            "source_search_query": "$last_run_date",
        }
        config = {
            "api_url": web.url,
            "auth_method": "bearer_token",
            "bearer_token": SECRET,
            "pagination_next_page_param": "after",
            "next_page_token_path": "$.data.next",
            "start_date": "2026-01-01T00:00:00Z",
            "streams": [stream],
        }
        (folder / "tap.json").write_text(json.dumps(config), encoding="utf-8")

    def run(self) -> "subprocess.CompletedProcess[str]":
        feedback = f"{shlex.quote(sys.executable)} -m feedback --project . collect --source live"
        line = f"set -o pipefail; {shlex.quote(TAP)} --config tap.json --state <({feedback} --state) 2>tap.log | {feedback}"
        root = str(Path(__file__).parent.parent)
        environment = {**os.environ, "PYTHONPATH": root}
        return subprocess.run(
            ["bash", "-c", line], cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )

    def stored(self) -> dict[str, str]:
        with closing(sqlite3.connect(self.folder / "feedback.db")) as database:
            return dict(database.execute("select source_id, text from verbatims").fetchall())

    def is_whole(self) -> bool:
        return self.stored() == {f"feedback:f{one.number}": one.text for one in self.world.said}


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[Pipe]:
    world = World()

    def answer(asked: Asked) -> Reply:
        since = asked.query.get("updated_since", "").replace("+00:00", "Z").replace(" ", "T")
        query = {key: value for key, value in asked.query.items() if value != "None"}
        return world.answer(
            Asked(asked.method, asked.path, {**query, "updated_since": since}, asked.headers, asked.body)
        )

    with wire(answer) as web:
        yield Pipe(tmp_path, world, web)


def test_a_real_tap_is_collected_from_and_goes_on_from_the_state_it_is_handed_back(pipe: Pipe) -> None:
    ran = pipe.run()
    log = (pipe.folder / "tap.log").read_text(encoding="utf-8")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "live: 20 new\n", ""), log[-3000:]
    assert pipe.is_whole()
    pipe.world.said[3] = edited(pipe.world.said[3], "改主意了：客服后来处理得很好", NOW - timedelta(hours=2))
    pipe.world.said += [edited(one, one.text, NOW - timedelta(hours=1)) for one in said(5, first=21)]
    ran = pipe.run()
    assert ran.returncode == 0, (pipe.folder / "tap.log").read_text(encoding="utf-8")[-3000:]
    assert ran.stdout.startswith("live: 5 new, 1 changed")
    assert pipe.is_whole()
    assert pipe.web.asked[-1].query == {"updated_since": "2026-03-01T03:59:00Z"}  # of the last one the first run saw
    for path in pipe.folder.iterdir():
        if path.name != "tap.json":
            assert SECRET.encode() not in path.read_bytes(), path.name


def test_a_real_tap_that_fails_midway_is_collected_from_to_the_end_the_next_time(pipe: Pipe) -> None:
    whole, pages = pipe.web.answer, set[str]()

    def two_pages(asked: Asked) -> Reply:
        pages.add(asked.query.get("after", ""))
        return Reply({"error": "no"}, 403) if len(pages) > 2 else whole(asked)

    pipe.web.answer = two_pages
    ran = pipe.run()
    assert ran.returncode != 0
    assert ran.stdout == "live: 14 new\n"
    pipe.web.answer = whole
    assert pipe.run().returncode == 0
    assert pipe.is_whole()
