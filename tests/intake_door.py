"""A running serve-intake on a free port, and clients of all kinds. All people and words are made up."""

import asyncio
import json
import socket
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from feedback.intake_limits import Limits
from feedback.intake_server import Patience, serve
from feedback.project import Project, load_project

TOKEN = "tok-Very/Secret+0042-intake"
VARIABLE = "YUANSHENG_TEST_INTAKE"
SETTINGS = f"""
[project]
name = "小店"
[analysis]
engine = "fast"
[intake]
token = {{ env = "{VARIABLE}" }}
channel = "小程序"
origins = ["https://shop.example.com"]
per_minute = 10000
per_client_per_minute = 10000
"""
EVENT: dict[str, Any] = {"event_id": "e1", "text": "物流太慢了，等了五天", "posted_at": "2026-03-01T10:00:00+08:00"}


@dataclass
class Door:
    port: int
    project: Project
    said: list[str] = field(default_factory=list)

    def post(self, content: object, headers: Mapping[str, str] | None = None, path: str = "/v1/feedback") -> "Got":
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        usual = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        return self.ask("POST", path, {**usual, **(headers or {})}, body)

    def ask(self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes | None = None) -> "Got":
        lines = [f"{method} {path} HTTP/1.1", "Host: intake.example"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items() if value]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        return self.raw("\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b""))

    def raw(self, *pieces: bytes, ends: bool = False) -> "Got":
        """What comes back to bytes as they are; `ends`: the client then says that it has no more."""
        with self.connect() as client:
            with suppress(OSError):  # it was refused before it had sent everything
                for piece in pieces:
                    client.sendall(piece)
                if ends:
                    client.shutdown(socket.SHUT_WR)
            return received(client)

    def connect(self) -> socket.socket:
        client = socket.create_connection(("127.0.0.1", self.port))
        client.settimeout(30)
        return client

    def rows(self, sql: str = "select source_id, text from verbatims order by id") -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.project.database)) as database:
            return database.execute(sql).fetchall()


@dataclass
class Got:
    """Status 0: nothing came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def content(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        assert list(self.content) == ["error"]
        return str(self.content["error"])


def received(client: socket.socket) -> Got:
    data = b""
    with suppress(ConnectionResetError):
        while block := client.recv(65536):
            data += block
    head, _, body = data.partition(b"\r\n\r\n")
    while head.startswith(b"HTTP/1.1 100"):
        head, _, body = body.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Got(int(first.split()[1]) if first else 0, headers, body)


def project_in(folder: Path, more: str = "", settings: str = SETTINGS) -> Project:
    (folder / "feedback.toml").write_text(settings + more, encoding="utf-8")
    return load_project(folder)


@contextmanager
def door(project: Project, limits: Limits | None = None, patience: Patience | None = None) -> Iterator[Door]:
    listener = socket.create_server(("127.0.0.1", 0))
    found = Door(listener.getsockname()[1], project)
    started: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[None]]] = []
    failed: list[BaseException] = []
    ready = threading.Event()

    async def run() -> None:
        task = asyncio.current_task()
        assert task is not None
        started.append((asyncio.get_running_loop(), task))
        ready.set()
        await serve(
            project,
            TOKEN,
            listener,
            limits or Limits(10000, 10000, lambda: 0.0),
            found.said.append,
            patience or Patience(linger=30),
        )

    def thread() -> None:
        try:
            asyncio.run(run())
        except asyncio.CancelledError:
            pass
        except BaseException as error:
            failed.append(error)

    worker = threading.Thread(target=thread)
    worker.start()
    ready.wait()
    try:
        yield found
    finally:
        loop, task = started[0]
        with suppress(RuntimeError):  # it is over already
            loop.call_soon_threadsafe(task.cancel)
        worker.join()
        listener.close()
    assert failed == []
