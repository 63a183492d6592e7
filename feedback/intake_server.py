"""A small endpoint that takes in what webhooks and forms on a page send: POST /v1/feedback.

It is made of asyncio and h11, the parser that uvicorn has, and neither of uvicorn nor of `http.server`: how long a client may take is
decided here for the whole of a request. uvicorn sets no limit on how slowly a header comes, `http.server` none on all of it ("not
recommended for production", says its manual). A connection carries one request and is closed: nothing of one is ever taken for another's.

Nothing that was sent is logged or sent back, and no address either: only how many requests had which answer.
"""

import asyncio
import hashlib
import hmac
import json
import signal
import socket
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus

import h11

from feedback.intake_events import EventStore, UnusableEvent, read_events
from feedback.intake_limits import Limits
from feedback.project import IntakeSettings, Project
from storage.errors import StorageError

PATH = "/v1/feedback"
MOST_BYTES = 256 * 1024
MOST_HEADER_BYTES = 16 * 1024
_BUSY_SECONDS = 5  # when the database is in use by another process
_CHUNK = 16 * 1024
_METHODS = "POST, OPTIONS"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Patience:
    """In seconds: for a request from the connection to its last byte; for the answer to be taken; for a client that was refused before it had sent everything to see why."""

    request: float = 20.0
    answer: float = 10.0
    linger: float = 2.0
    summary: float = 60.0  # between two lines that say what was answered


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    content: Mapping[str, object] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class _Refused(Exception):
    """A request that goes no further; the message is for whoever sent it."""

    def __init__(self, status: int, why: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(why)
        self.answer = _Answer(status, {"error": why}, headers or {})


async def serve(
    project: Project,
    token: str,
    listener: socket.socket,
    limits: Limits,
    say: Say,
    patience: Patience = Patience(),
) -> None:
    """Serve until SIGTERM, or until this is cancelled. What was answered with 200 or 201 is on the disk."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    with suppress(NotImplementedError, RuntimeError, ValueError):  # Windows; another thread than the main one
        loop.add_signal_handler(signal.SIGTERM, stop.set)
    # A connection to SQLite belongs to one thread: what is to be stored waits in line for it.
    with ThreadPoolExecutor(1) as writer:
        opening = loop.run_in_executor(writer, EventStore, project, token)
        try:
            # Shielded: whoever ends this while the database is being opened would leave it open.
            store = await asyncio.shield(opening)
            door = _Door(project.intake, token, limits, store, writer, patience, say)
            server = await asyncio.start_server(door.meet, sock=listener, limit=_CHUNK)
            summary = loop.create_task(door.summaries())
            try:
                await stop.wait()
            finally:
                server.close()
                summary.cancel()
                await door.finish()
        finally:
            await loop.run_in_executor(writer, (await opening).close)


class _Door:
    """Lets clients in, and keeps count."""

    def __init__(
        self,
        settings: IntakeSettings,
        token: str,
        limits: Limits,
        store: EventStore,
        writer: ThreadPoolExecutor,
        patience: Patience,
        say: Say,
    ) -> None:
        self.settings, self.limits, self.patience = settings, limits, patience
        self._key, self._store, self._writer, self._say = token.encode(), store, writer, say
        self._inside: set[asyncio.Task[None]] = set()
        self._heard: set[asyncio.Task[None]] = set()  # of those inside, who have said everything
        self._answered: Counter[int] = Counter()

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        try:
            if len(self._inside) < self.settings.connections:
                self._inside.add(task)
                await self._serve(_Visit(reader, writer, self), task)
            else:
                self._answered[503] += 1
                writer.write(_written(_Answer(503, {"error": "too many connections"}, {"Retry-After": "1"}), {}))
        except (OSError, asyncio.CancelledError):
            pass  # the client went away, or we do
        finally:
            self._inside.discard(task)
            self._heard.discard(task)
            writer.close()

    async def _serve(self, visit: "_Visit", task: "asyncio.Task[None]") -> None:
        answer = await self._answer(visit, task)
        if answer is not None:
            self._answered[answer.status] += 1
            await visit.send(answer)

    async def _answer(self, visit: "_Visit", task: "asyncio.Task[None]") -> _Answer | None:
        """The answer; None for a client that went away before it had asked anything."""
        try:
            async with asyncio.timeout(self.patience.request):
                body = await visit.body()
            self._heard.add(task)
            return await self._store_events(body)
        except _Refused as refused:
            return refused.answer
        except TimeoutError:
            return _Answer(408, {"error": "the request took too long"})
        except h11.RemoteProtocolError as error:
            return _Answer(error.error_status_hint, {"error": "this is no request of HTTP"}) if visit.began else None
        except StorageError:
            return _Answer(503, {"error": "the database is in use"}, {"Retry-After": str(_BUSY_SECONDS)})
        except OSError:
            raise
        except Exception as error:
            # Where it happened, and not its message: that may hold what was sent.
            self._say(f"A bug: {type(error).__name__}\n{''.join(traceback.format_tb(error.__traceback__))}")
            return _Answer(500, {"error": "something went wrong here"})

    async def _store_events(self, body: bytes) -> _Answer:
        try:
            records = read_events(body, self.settings)
        except UnusableEvent as error:
            raise _Refused(400, str(error)) from None
        stored = await asyncio.get_running_loop().run_in_executor(self._writer, self._store.add, records)
        counts = {"new": stored.new, "changed": stored.changed, "unchanged": stored.unchanged}
        return _Answer(201 if stored.new else 200, counts | ({"problems": stored.listed} if stored.listed else {}))

    def knows(self, bearer: bytes) -> bool:
        # Of digests, so that not even the length of the key shows in the time it takes.
        digests = (hashlib.sha256(each).digest() for each in (bearer, self._key))
        return hmac.compare_digest(*digests)

    def has_signed(self, signature: bytes, body: bytes) -> bool:
        expected = hmac.new(self._key, body, hashlib.sha256).hexdigest().encode()
        return hmac.compare_digest(signature.strip().lower().removeprefix(b"sha256="), expected)

    async def summaries(self) -> None:
        while True:
            await asyncio.sleep(self.patience.summary)
            self._say_summary()

    def _say_summary(self) -> None:
        if self._answered:
            self._say("Answered: " + ", ".join(f"{status} x {n:,}" for status, n in sorted(self._answered.items())))
            self._answered.clear()

    async def finish(self) -> None:
        """Whoever has said everything gets an answer yet; others will send it again."""
        for task in self._inside - self._heard:
            task.cancel()
        if self._inside:
            await asyncio.wait(self._inside, timeout=self.patience.answer)
        self._say_summary()


class _Visit:
    """One client, its one request, and the answer to it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, door: _Door) -> None:
        self._reader, self._writer, self._door = reader, writer, door
        self._parser = h11.Connection(h11.SERVER, max_incomplete_event_size=MOST_HEADER_BYTES)
        self._headers: dict[bytes, bytes] = {}
        self._cors: dict[str, str] = {}
        self._is_head = self._is_read = False
        self.began = False

    async def body(self) -> bytes:
        """The body of a request that may be made; `_Refused` of any other, as soon as that is known."""
        request = await self._event()
        if not isinstance(request, h11.Request):
            raise h11.RemoteProtocolError("no request")
        self._is_head = request.method == b"HEAD"
        for name, value in request.headers:  # their names in lower case
            self._headers[name] = self._headers[name] + b"," + value if name in self._headers else value
        self._check_limits()
        self._check_place(request)
        signature = self._check_sender()
        if self._parser.they_are_waiting_for_100_continue:
            self._writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = bytearray()
        while isinstance(event := await self._event(), h11.Data):
            body += event.data
            if len(body) > MOST_BYTES:
                raise _too_large()
        self._is_read = True
        if signature is not None and not self._door.has_signed(signature, bytes(body)):
            raise _unauthorized()
        return bytes(body)

    def _check_limits(self) -> None:
        address = (self._writer.get_extra_info("peername") or ("",))[0]
        if address in self._door.settings.proxies:
            # What it says last is whom it has spoken with itself.
            address = self._header(b"x-forwarded-for").rpartition(",")[2].strip() or address
        if seconds := self._door.limits.wait(address):
            raise _Refused(429, "too many requests", {"Retry-After": str(seconds)})

    def _check_place(self, request: h11.Request) -> None:
        if request.target.partition(b"?")[0] != PATH.encode():
            raise _Refused(404, f"nothing is here but POST {PATH}")
        if origin := self._header(b"origin"):
            if origin not in self._door.settings.origins:
                raise _Refused(403, "pages of this origin may not send anything here")
            self._cors = {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}
        if request.method == b"OPTIONS" and origin:
            raise _Preflight
        if request.method != b"POST":
            raise _Refused(405, "feedback is sent with POST", {"Allow": _METHODS})
        kind, _, parameters = self._header(b"content-type").lower().partition(";")
        if kind.strip() != "application/json" or parameters.strip() not in ("", "charset=utf-8", 'charset="utf-8"'):
            raise _Refused(415, "the Content-Type must be application/json, in UTF-8")
        if self._header(b"content-encoding").lower() not in ("", "identity"):
            raise _Refused(415, "the body must not be packed")
        if int(self._header(b"content-length") or 0) > MOST_BYTES:  # h11 has seen that it is a number
            raise _too_large()

    def _check_sender(self) -> bytes | None:
        """None where the sender has shown the token; else the signature, to be checked when the body is there."""
        authorization = self._headers.get(b"authorization")
        if authorization is None:
            if signature := self._headers.get(b"x-signature"):
                return signature
            raise _unauthorized()
        scheme, _, given = authorization.partition(b" ")
        if scheme.lower() != b"bearer" or not self._door.knows(given.strip()):
            raise _unauthorized()
        return None

    def _header(self, name: bytes) -> str:
        return self._headers.get(name, b"").decode("latin-1")

    async def _event(self) -> object:
        while (event := self._parser.next_event()) is h11.NEED_DATA:
            data = await self._reader.read(_CHUNK)
            self.began = self.began or bool(data)
            self._parser.receive_data(data)
        return event

    async def send(self, answer: _Answer) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._door.patience.answer):
                self._writer.write(_written(answer, self._cors, with_body=not self._is_head))
                await self._writer.drain()
        if self._is_read:
            return
        # Closed at once, with bytes of the request unread, the connection would be reset before the client sees the answer.
        with suppress(TimeoutError):
            async with asyncio.timeout(self._door.patience.linger):
                self._writer.write_eof()
                while await self._reader.read(_CHUNK):
                    pass


class _Preflight(_Refused):
    """A browser asks whether a page may send; answered without a body, before any secret was shown."""

    def __init__(self) -> None:
        super().__init__(204, "")
        self.answer = _Answer(
            204,
            None,
            {
                "Access-Control-Allow-Methods": "POST",
                "Access-Control-Allow-Headers": "Authorization, Content-Type, X-Signature",
                "Access-Control-Max-Age": "600",
            },
        )


def _too_large() -> _Refused:
    return _Refused(413, f"the body has {MOST_BYTES >> 10} KB at most")


def _unauthorized() -> _Refused:
    return _Refused(401, "the token or the signature is missing or wrong", {"WWW-Authenticate": "Bearer"})


def _written(answer: _Answer, more: Mapping[str, str], *, with_body: bool = True) -> bytes:
    body = b"" if answer.content is None else json.dumps(answer.content).encode() + b"\n"
    headers = {**answer.headers, **more, "Connection": "close", "Cache-Control": "no-store"}
    if answer.content is not None:
        headers |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
        headers["X-Content-Type-Options"] = "nosniff"
    lines = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}", *map(": ".join, headers.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1") + (body if with_body else b"")
