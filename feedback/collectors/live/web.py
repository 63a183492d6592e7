"""Asks web interfaces: retries with patience, and never more time, memory or trust than a source is due.

- A request takes 45 seconds at most, all its attempts together, however slowly the other side speaks: a watchdog closes its connection.
- An answer has 16 MB and a million values at most, unpacked; what is longer, or unpacks to more, is not read on.
- 429 and 5xx are asked again, after the seconds that `Retry-After` names or twice as long each time, with some jitter;
  a run that has waited for half an hour ends there.
  Who says nothing at all is asked once more.
- A redirect is followed on the same host and port alone: to another one a secret might leak, and a login page holds no feedback.
- No cookies are kept.
- Errors name the host and the path, never the query nor a header: those may hold secrets or names.
"""

import math
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.client import HTTPException, LineTooLong
from http.cookiejar import DefaultCookiePolicy
from importlib.metadata import version
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from feedback.collectors.live.json_body import TooLarge
from feedback.collectors.live.json_body import read_json_body as read_json_body
from feedback.collectors.live.patience import Patience, Unreachable
from feedback.errors import CollectError
from nlp.settings_table import quoted

ATTEMPTS = 5
ATTEMPTS_IN_SILENCE = 2
ATTEMPT_SECONDS = 45.0
CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 20.0  # in which nothing at all comes
MOST_BYTES = 16 * 1024 * 1024
MOST_REDIRECTS = 5
_CHUNK = 64 * 1024
_REFUSAL_BYTES = 64 * 1024  # of what comes with a refusal
_AGAIN = frozenset({429, 500, 502, 503, 504})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LONGEST_PLACE = 200
_LONGEST_WAIT_SECONDS = 100 * 366 * 86_400.0  # a header may name more than any number holds
_PORTS = {"http": 80, "https": 443}

Query = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back with a status of 2xx. `place` is host and path, to be named in errors.

    `unchanged`: it was asked for only if it has changed (`If-None-Match`, `If-Modified-Since`), and has not (304); there is no body then.
    `no_content`: it has said that there is nothing to be had (204).
    """

    place: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    unchanged: bool = False
    no_content: bool = False

    def json(self) -> object:
        """The body as JSON, in UTF-8 or what the header says or GB 18030; raises `CollectError` where it is none."""
        return read_json_body(self.body, self.place, self.headers.get("Content-Type", ""))


class Web:
    """Asks one source. `headers`, `query` and `auth`, a name and a password, go with every request; `sleep` waits between attempts, `patience` says how long.

    `may_follow` is told where a redirect leads before that is asked, and raises where it may not be.
    """

    def __init__(
        self,
        headers: Mapping[str, str] | None = None,
        query: Query | None = None,
        auth: tuple[str, str] | None = None,
        patience: Patience | None = None,
        sleep: Callable[[float], None] | None = None,
        may_follow: Callable[[str], None] | None = None,
    ) -> None:
        self._session = requests.Session()
        self._session.trust_env = True  # proxies, certificates of a company's own
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers.update({"User-Agent": f"yuansheng/{version('yuansheng')}", "Accept": "application/json"})
        self._session.headers.update(headers or {})
        self._session.auth = _Basic(*auth) if auth else _Nothing()
        self._query = dict(query or {})
        self._sleep = sleep or time.sleep
        self._may_follow = may_follow or (lambda _url: None)
        self._patience = patience or Patience()
        self._watch = _Watch()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, _Adapter(self._watch))

    def get(self, url: str, query: Query | None = None, headers: Mapping[str, str] | None = None) -> Answer:
        """The answer; raises `CollectError` where none can be had. With headers that ask for changes alone it may be `unchanged`."""
        return self._ask("GET", url, query, headers, {})

    def post(
        self, url: str, query: Query | None = None, *, data: object = None, form: Mapping[str, str] | None = None
    ) -> Answer:
        """As `get`; `data` goes as JSON, `form` as a form's fields. Only for requests that may be made twice."""
        return self._ask("POST", url, query, None, {"json": data} if form is None else {"data": dict(form)})

    def _ask(
        self, method: str, url: str, query: Query | None, headers: Mapping[str, str] | None, content: Mapping[str, Any]
    ) -> Answer:
        place = _place(url)
        left = ATTEMPT_SECONDS
        for attempt in range(1, ATTEMPTS + 1):
            began = time.monotonic()
            try:
                return self._attempt(method, url, {**self._query, **(query or {})}, headers, content, left)
            except _AskAgain as again:
                left -= time.monotonic() - began
                wait = again.wait if again.wait is not None else 2.0 ** (attempt - 1)
                if attempt >= again.attempts or left <= 0 or not self._patience.lasts(wait):
                    raise _given_up(again) from None
                wait += random.uniform(0, 0.5 * max(wait, 0.2))
                self._patience.spend(wait, str(again))
                self._sleep(wait)
        raise AssertionError(place)

    def _attempt(
        self,
        method: str,
        url: str,
        query: Query,
        headers: Mapping[str, str] | None,
        content: Mapping[str, Any],
        seconds: float,
    ) -> Answer:
        place = _place(url)
        with self._watch.over(seconds):
            try:
                for _ in range(MOST_REDIRECTS + 1):
                    with self._session.request(
                        method,
                        url,
                        params=query,
                        headers=headers,
                        timeout=(CONNECT_SECONDS, SILENCE_SECONDS),
                        allow_redirects=False,
                        stream=True,
                        **content,
                    ) as response:
                        if response.status_code in _REDIRECTS:
                            url, query = _followed(response), {}
                            self._may_follow(url)
                            continue
                        if response.status_code == 304 and _is_conditional(headers):
                            return Answer(place, response.url, response.headers, b"", unchanged=True)
                        if not 200 <= response.status_code < 300:
                            raise _refusal(response, _read(response, _REFUSAL_BYTES), place)
                        body = _read(response, MOST_BYTES + 1)
                        if self._watch.closed:  # which looks like the end of a body whose length nobody told
                            raise OSError
                        if len(body) > MOST_BYTES:
                            raise TooLarge(
                                f"{place} answers with more than {MOST_BYTES >> 20} MB. Ask for fewer records a page."
                            )
                        nothing = response.status_code == 204
                        return Answer(place, response.url, response.headers, body, no_content=nothing)
                raise CollectError(f"{place} redirects again and again. Is the address right?")
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
                if self._watch.closed:
                    raise Unreachable(
                        f"{place} took longer than {ATTEMPT_SECONDS:.0f} seconds to answer. Run this again later."
                    ) from None
                raise _explained(error, place) from None
            except ValueError:  # an address that is none
                raise CollectError(f"This is no address that can be asked: {quoted(place)}.") from None


def _given_up(again: "_AskAgain") -> Unreachable:
    """What is said where nobody is asked any more; in whole minutes when the source wants to be asked again."""
    if again.wait is None or again.wait < 60:
        return Unreachable(f"{again} What came before is kept; run this again later.", status=again.status)
    minutes = math.ceil(again.wait / 60)
    when = f"in {minutes:,} minutes" if minutes < 600 else "much later"
    return Unreachable(
        f"{again} What came before is kept; it wants to be asked again {when}.", again.wait, again.status
    )


def _is_conditional(headers: Mapping[str, str] | None) -> bool:
    return any(name.lower() in ("if-none-match", "if-modified-since") for name in headers or {})


def _read(response: requests.Response, most: int) -> bytes:
    """The body, unpacked; of a longer one its beginning, at least `most` bytes of it."""
    body = bytearray()
    while len(body) < most and (block := response.raw.read(_CHUNK, decode_content=True)):
        body += block
    return bytes(body)


class _AskAgain(Exception):
    """The source may answer later; `wait` in seconds where it said so, `attempts` in all; `status` where it answered."""

    def __init__(
        self, message: str, wait: float | None = None, attempts: int | None = None, status: int | None = None
    ) -> None:
        super().__init__(message)
        self.wait, self.attempts, self.status = wait, attempts or ATTEMPTS, status


class _Watch:
    """Closes connections that are still open when the time is up."""

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []
        self.closed = False

    def add(self, opened: socket.socket) -> None:
        self._sockets = [each for each in self._sockets if each.fileno() >= 0]
        self._sockets.append(opened)
        if self.closed:  # the time was up before it was open
            self._close()

    @contextmanager
    def over(self, seconds: float) -> Iterator[None]:
        self.closed = False
        timer = threading.Timer(seconds, self._close)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _close(self) -> None:
        self.closed = True
        for each in self._sockets:
            with suppress(OSError):  # it is closed already
                each.shutdown(socket.SHUT_RDWR)


class _Adapter(HTTPAdapter):
    """Tells the watch of every connection that is opened."""

    def __init__(self, watch: _Watch) -> None:
        class Plain(HTTPConnection):
            def connect(self) -> None:
                super().connect()
                watch.add(self.sock)

        class Secure(HTTPSConnection):
            def connect(self) -> None:
                super().connect()
                watch.add(self.sock)

        plain = type("PlainPool", (HTTPConnectionPool,), {"ConnectionCls": Plain})
        secure = type("SecurePool", (HTTPSConnectionPool,), {"ConnectionCls": Secure})
        self._pools = {"http": plain, "https": secure}
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = self._pools
        return manager


class _Basic(requests.auth.HTTPBasicAuth):
    """A name and a password in UTF-8."""

    def __init__(self, name: str, password: str) -> None:
        super().__init__(name.encode(), password.encode())


class _Nothing(requests.auth.AuthBase):
    """Keeps requests from sending what a .netrc file of this machine says."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


def _place(url: str) -> str:
    """Host and path: what may be said of an address, whoever wrote it."""
    try:
        parts = urlsplit(url)
        said = f"{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"
    except ValueError:  # a port or a bracket that is none
        said = url.partition("?")[0].rpartition("@")[2]
    shown = "".join(c if c.isprintable() else "�" for c in said)
    return shown if len(shown) <= _LONGEST_PLACE else shown[: _LONGEST_PLACE - 1] + "…"


def _followed(response: requests.Response) -> str:
    there = urljoin(response.url, response.headers.get("Location", ""))
    if not is_within(there, response.url):
        raise CollectError(
            f"{_place(response.url)} redirects to {_place(there)}, which was not asked. "
            "Is the address right, and the key, where one is needed, still good? Login pages and bot checks are not passed."
        )
    return there


def is_within(there: str, here: str) -> bool:
    """Whether an address is on the host and the port of another one; from http to https of the same host will do. ValueError where it is no address."""
    old, new = urlsplit(here), urlsplit(there)
    at, to = ((each.scheme, each.port or _PORTS.get(each.scheme)) for each in (old, new))
    return old.hostname == new.hostname and (at == to or (at, to) == (("http", 80), ("https", 443)))


def _refusal(response: requests.Response, body: bytes, place: str) -> Exception:
    """What to raise for a status that is not 2xx."""
    status = response.status_code
    if status in _AGAIN:
        what = "asks for fewer requests" if status == 429 else "has trouble"
        wait = _retry_after(response.headers.get("Retry-After", ""))
        return _AskAgain(f"{place} {what} ({status}).", wait, status=status)
    advice = {
        400: "It does not understand the request: are the settings of this source right?",
        401: "The key is missing, wrong or has run out.",
        403: "The key, where one is needed, is not allowed to read this, or the site wants no programs.",
        404: "Nothing is there: are the address and the ids in it right?",
        410: "What was asked for is gone for good.",
    }.get(status, "Are the settings of this source right?")
    return Refused(status, f"{place} refuses ({status}). {advice}", body)


class Refused(CollectError):
    """A status that asking again would not change; `body` is what came with it, the beginning of a long one."""

    def __init__(self, status: int, message: str, body: bytes) -> None:
        super().__init__(message)
        self.status, self.body = status, body


def _retry_after(header: str) -> float | None:
    """Seconds, from a number of them or a date; None where there is neither."""
    if header.strip().isdecimal():
        return min(float(header), _LONGEST_WAIT_SECONDS)
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None


def _explained(error: Exception, place: str) -> Exception:
    host = place.partition("/")[0]
    if "CERTIFICATE_VERIFY_FAILED" in repr(error):
        return CollectError(f"{host} shows no certificate that this machine trusts. Nothing was sent to it.")
    if isinstance(error, requests.exceptions.SSLError) and "EOF" not in repr(error):
        return CollectError(f"{host} does not speak TLS here. Are https:// and the port right?")
    if isinstance(
        error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema | requests.exceptions.MissingSchema
    ):
        return CollectError(
            f"This is no address that can be asked: {quoted(place)}. One begins with https:// or http://."
        )
    if isinstance(error, requests.exceptions.ProxyError):
        return _AskAgain(f"The proxy of this machine does not let {host} be reached.")
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return _AskAgain(f"{host} can't be reached: it does not answer.", attempts=ATTEMPTS_IN_SILENCE)
    if isinstance(error, requests.exceptions.Timeout | urllib3.exceptions.TimeoutError | TimeoutError):
        return _AskAgain(f"{place} said nothing for {SILENCE_SECONDS:.0f} seconds.", attempts=ATTEMPTS_IN_SILENCE)
    if isinstance(error, urllib3.exceptions.DecodeError | requests.exceptions.ContentDecodingError):
        return CollectError(f"{place} answers with something packed that can't be unpacked.")
    if "NameResolution" in repr(error):
        return Unreachable(f"{host} can't be found. Is its name right, and is this machine online?")
    if "refused" in str(error):
        return _AskAgain(f"{host} takes no connection.")
    if any(type(cause) is HTTPException or isinstance(cause, LineTooLong) for cause in _causes(error)):
        return CollectError(f"{place} answers with more or longer headers than any answer needs. Is the address right?")
    return _AskAgain(f"{place} broke the connection off.")


def _causes(error: object) -> Iterator[object]:
    """An error and those that it was made of."""
    while isinstance(error, BaseException):
        yield error
        error = error.__cause__ or error.__context__
