"""Servers on this machine that say what a test tells them to, and keep what they are sent."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast


@dataclass
class Request:
    path: str
    body: dict[str, Any]
    raw: bytes


@dataclass
class Web:
    """Answers with what is left in `answers` (status, body, seconds to wait), then with 200 and `{}`."""

    port: int = 0
    answers: list[tuple[int, str, float]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    @property
    def hook(self) -> str:
        return f"json://user:s3cretpw@127.0.0.1:{self.port}/hooks/T0kenInPath"


@contextmanager
def web_server() -> Iterator[Web]:
    """Takes what is posted to it."""
    state = Web()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            state.requests.append(Request(self.path, json.loads(raw), raw))
            status, text, wait = state.answers.pop(0) if state.answers else (200, "{}", 0.0)
            time.sleep(wait)
            try:
                self.send_response(status)
                self.end_headers()
                self.wfile.write(text.encode())
            except BrokenPipeError:
                pass  # the client gave up waiting, as the test wants

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Mail:
    """Keeps what it is given and refuses the recipients it is told to."""

    port: int = 0
    refused: set[str] = field(default_factory=set)
    envelopes: list[tuple[list[str], bytes]] = field(default_factory=list)


@contextmanager
def mail_server() -> Iterator[Mail]:
    """Speaks as much SMTP as it takes to hand over a mail."""
    state = Mail()
    listener = socket.create_server(("127.0.0.1", 0))
    state.port = listener.getsockname()[1]

    def talk(connection: socket.socket) -> None:
        with connection, connection.makefile("rwb") as stream:

            def say(line: str) -> None:
                stream.write(f"{line}\r\n".encode())
                stream.flush()

            recipients: list[str] = []
            say("220 test")
            for line in stream:
                verb = line.strip().upper()
                if verb.startswith(b"RCPT TO:"):
                    address = line.decode().partition("<")[2].partition(">")[0]
                    if address in state.refused:
                        say("550 no such user")
                        continue
                    recipients.append(address)
                if verb == b"DATA":
                    say("354 go on")
                    data = b"".join(iter(stream.readline, b".\r\n"))
                    state.envelopes.append((recipients, data))
                    recipients = []
                if verb == b"QUIT":
                    say("221 bye")
                    return
                say("250 ok")

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            talk(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield state
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return cast(int, listener.getsockname()[1])
