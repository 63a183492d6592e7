"""Comment servers that are not ours, started on this machine, and the shop's project that collects from one."""

import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import requests

PAGE = "/lamps/1"
_SHOP = """[project]
name = "小店"

[[sources]]
name = "留言"
collector = "rest"
kind = "post"
channel = "官网"
"""


def new_project(folder: Path, source: str) -> Path:
    """The shop's, whose source says besides how its comments are asked for."""
    project = folder / "shop"
    project.mkdir()
    (project / "feedback.toml").write_text(_SHOP + source, encoding="utf-8")
    return project


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


@contextmanager
def running(
    command: Sequence[str], url: str, log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[None]:
    """From when a program answers at the address until it has ended; what it says is in `log`."""
    with log.open("wb") as said:
        process = subprocess.Popen(command, env=environment, stdout=said, stderr=subprocess.STDOUT)
    try:
        for _ in range(600):
            try:
                requests.get(url, timeout=30)
                break
            except requests.ConnectionError:
                assert process.poll() is None, log.read_text(errors="replace")
                time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait()
