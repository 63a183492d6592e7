"""Opening the browser's server: what is refused, and a real one on a local port."""

import json
import re
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

import pytest
from shop_database import empty_database, shop_database

from feedback.browse import browse, open_project
from feedback.errors import FeedbackError
from storage.errors import DatabaseUnusable


def test_a_missing_database_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnusable) as caught:
        open_project(tmp_path / "feedback.db", "店")
    assert str(caught.value) == f"There is no database at {tmp_path / 'feedback.db'} yet. Run: feedback collect"
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "feedback.db"
    path.write_text("序号,内容\n" * 500, encoding="utf-8")
    with pytest.raises(DatabaseUnusable) as caught:
        open_project(path, "店")
    assert str(caught.value) == f"{path} can't be opened: file is not a database."


def test_somebody_else_s_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table verbatims (id)")
    with pytest.raises(DatabaseUnusable) as caught:
        open_project(path, "店")
    assert str(caught.value) == (
        f"{path} has no 'opinions': it is not a project's database, or one of another version. Try: feedback status"
    )


@pytest.mark.parametrize("port", [70_000, -1])
def test_an_impossible_port_is_one_line(tmp_path: Path, port: int) -> None:
    with pytest.raises(FeedbackError) as caught:
        browse(empty_database(tmp_path / "feedback.db"), "店", port, open_browser=False)
    assert str(caught.value) == (
        f"Port {port} can't be used: it is not a number from 0 to 65535. "
        "Choose another, or 0 for any that is free: feedback browse --port 0"
    )


def test_a_busy_port_is_named_before_a_browser_opens(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(FeedbackError) as caught:
            browse(empty_database(tmp_path / "feedback.db"), "店", port, open_browser=True)
    assert str(caught.value) == (
        f"Port {port} can't be used: Address already in use. "
        "Choose another, or 0 for any that is free: feedback browse --port 0"
    )


def test_a_real_server_answers_on_this_machine_and_stops_on_ctrl_c(tmp_path: Path) -> None:
    path = shop_database(tmp_path / "feedback.db")
    script = "import sys, pathlib, feedback.browse as b; b.browse(pathlib.Path(sys.argv[1]), '示例店', 0, False)"
    command = [sys.executable, "-u", "-W", "error::ResourceWarning", "-c", script, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            address = server.stdout.readline().strip()
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", address)
            url = f"{address}feedback/verbatims.json?_shape=array&_search={quote('iPhone15续航')}"
            with urlopen(url, timeout=60) as response:
                assert [row["id"] for row in json.load(response)] == [3]
            server.send_signal(2)
            assert server.wait(timeout=60) == 0
            assert server.stderr
            assert server.stderr.read() == ""
        finally:
            server.kill()
