"""Asks web interfaces: retries with patience, and never more time, memory or trust than a source is due.

- An attempt takes 45 seconds at most, however slowly the other side speaks: a watchdog closes its connection.
- An answer has 16 MB at most, unpacked; what is longer, or unpacks to more, is not read on.
- 429 and 5xx are asked again, after the seconds that `Retry-After` names or twice as long each time, with some jitter.
- A redirect is followed on the same host alone: to another one a secret might leak, and a login page holds no feedback.
- Errors name the host and the path, never the query nor a header: those may hold secrets or names.
"""

import json
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from feedback.errors import CollectError

ATTEMPTS = 5
ATTEMPT_SECONDS = 45.0
SILENCE_SECONDS = 20.0  # in which nothing at all comes
MOST_BYTES = 16 * 1024 * 1024
MOST_REDIRECTS = 5
LONGEST_WAIT_SECONDS = 120.0
_CHUNK = 64 * 1024
_AGAIN = frozenset({429, 500, 502, 503, 504})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TITLE_BYTES = 2000

Query = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back with a status of 2xx. `place` is host and path, to be named in errors."""

    place: str
    url: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> object:
        """The body as JSON, in UTF-8 or what the header says or GB 18030; raises `CollectError` where it is none."""
        return read_json_body(self.body, self.place, self.headers.get("Content-Type", ""))


class Web:
    """Asks one source. `headers`, `query` and `auth`, a name and a password, go with every request; `sleep` waits between attempts."""

    def __init__(
        self,
        headers: Mapping[str, str] | None = None,
        query: Query | None = None,
        auth: tuple[str, str] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._session = requests.Session()
        self._session.trust_env = True  # proxies, certificates of a company's own
        self._session.headers.update({"User-Agent": f"yuansheng/{version('yuansheng')}", "Accept": "application/json"})
        self._session.headers.update(headers or {})
        self._session.auth = _Basic(*auth) if auth else _Nothing()
        self._query = dict(query or {})
        self._sleep = sleep
        self._watch = _Watch()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, _Adapter(self._watch))

    def get(self, url: str, query: Query | None = None, headers: Mapping[str, str] | None = None) -> Answer:
        """The answer; raises `CollectError` where none can be had."""
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
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._attempt(method, url, {**self._query, **(query or {})}, headers, content)
            except _AskAgain as again:
                wait = again.wait if again.wait is not None else 2.0 ** (attempt - 1)
                if attempt == ATTEMPTS or wait > LONGEST_WAIT_SECONDS:
                    raise CollectError(f"{again} What came before is kept; run this again later.") from None
                self._sleep(wait + random.uniform(0, 0.5 * max(wait, 0.2)))
        raise AssertionError(place)

    def _attempt(
        self, method: str, url: str, query: Query, headers: Mapping[str, str] | None, content: Mapping[str, Any]
    ) -> Answer:
        place = _place(url)
        with self._watch.over(ATTEMPT_SECONDS):
            try:
                for _ in range(MOST_REDIRECTS + 1):
                    with self._session.request(
                        method,
                        url,
                        params=query,
                        headers=headers,
                        timeout=(10, SILENCE_SECONDS),
                        allow_redirects=False,
                        stream=True,
                        **content,
                    ) as response:
                        if response.status_code in _REDIRECTS:
                            url, query = _followed(response), {}
                            continue
                        body = self._body(response, place)
                        _refuse(response, body, place)
                        return Answer(place, response.url, response.headers, body)
                raise CollectError(f"{place} redirects again and again. Is the address right?")
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
                if self._watch.closed:
                    raise CollectError(
                        f"{place} took longer than {ATTEMPT_SECONDS:.0f} seconds to answer. Run this again later."
                    ) from None
                raise _explained(error, place) from None
            except ValueError:  # an address that is none
                raise CollectError(f"'{place}' is no address that can be asked.") from None

    def _body(self, response: requests.Response, place: str) -> bytes:
        declared = response.headers.get("Content-Length", "")
        body = bytearray()
        if not (declared.isdigit() and int(declared) > MOST_BYTES):
            while block := response.raw.read(_CHUNK, decode_content=True):
                body += block
                if len(body) > MOST_BYTES:
                    break
            else:
                return bytes(body)
        response.close()
        raise CollectError(f"{place} answers with more than {MOST_BYTES >> 20} MB. Ask for fewer records a page.")


class _AskAgain(Exception):
    """The source may answer later; `wait` in seconds where it said so."""

    def __init__(self, message: str, wait: float | None = None) -> None:
        super().__init__(message)
        self.wait = wait


class _Watch:
    """Closes connections that are still open when the time is up."""

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []
        self.closed = False

    def add(self, opened: socket.socket) -> None:
        self._sockets = [each for each in self._sockets if each.fileno() >= 0]
        self._sockets.append(opened)

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
    """Host and path: what may be said of an address."""
    parts = urlsplit(url)
    return f"{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"


def _followed(response: requests.Response) -> str:
    there = urljoin(response.url, response.headers.get("Location", ""))
    here, to = urlsplit(response.url), urlsplit(there)
    if to.hostname != here.hostname or (here.scheme, to.scheme) == ("https", "http"):
        raise CollectError(
            f"{_place(response.url)} redirects to {_place(there)}, which was not asked. "
            "Is the address right, and is the key still good? Login pages and bot checks are not passed."
        )
    return there


def _refuse(response: requests.Response, body: bytes, place: str) -> None:
    """Raises for every status but 2xx."""
    status = response.status_code
    if 200 <= status < 300:
        return
    if status in _AGAIN:
        what = "asks for fewer requests" if status == 429 else "has trouble"
        raise _AskAgain(f"{place} {what} ({status}).", _retry_after(response.headers.get("Retry-After", "")))
    advice = {
        400: "It does not understand the request: are the settings of this source right?",
        401: "The key is missing, wrong or has run out.",
        403: "The key is not allowed to read this, or the site wants no programs.",
        404: "Nothing is there: are the address and the ids in it right?",
        410: "What was asked for is gone for good.",
    }.get(status, "Are the settings of this source right?")
    raise Refused(status, f"{place} refuses ({status}). {advice}", body)


class Refused(CollectError):
    """A status that asking again would not change; `body` is what came with it."""

    def __init__(self, status: int, message: str, body: bytes) -> None:
        super().__init__(message)
        self.status, self.body = status, body


def _retry_after(header: str) -> float | None:
    """Seconds, from a number of them or a date; None where there is neither."""
    if header.strip().isdigit():
        return float(header)
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time.time())
    except (ValueError, TypeError):
        return None


def _explained(error: Exception, place: str) -> Exception:
    host = place.partition("/")[0]
    if isinstance(error, requests.exceptions.SSLError):
        return CollectError(f"{host} shows no certificate that this machine trusts. Nothing was sent to it.")
    if isinstance(
        error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema | requests.exceptions.MissingSchema
    ):
        return CollectError(f"'{place}' is no address that can be asked. It begins with https:// or http://.")
    if isinstance(error, requests.exceptions.ProxyError):
        return _AskAgain(f"The proxy of this machine does not let {host} be reached.")
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return _AskAgain(f"{host} can't be reached: it does not answer.")
    if isinstance(error, requests.exceptions.Timeout):
        return _AskAgain(f"{place} said nothing for {SILENCE_SECONDS:.0f} seconds.")
    if isinstance(error, urllib3.exceptions.DecodeError | requests.exceptions.ContentDecodingError):
        return CollectError(f"{place} answers with something packed that can't be unpacked.")
    if "NameResolution" in repr(error):
        return CollectError(f"{host} can't be found. Is its name right, and is this machine online?")
    if "refused" in str(error):
        return _AskAgain(f"{host} takes no connection.")
    return _AskAgain(f"{place} broke the connection off.")


def read_json_body(body: bytes, place: str, content_type: str = "") -> object:
    """A JSON text as an object; raises `CollectError` that says what it is instead."""
    start = body[:_TITLE_BYTES].lstrip()
    if not start:
        raise CollectError(f"{place} answers with nothing where JSON was due.")
    if start.startswith(b"<"):
        raise CollectError(
            f"{place} answers with a web page or XML where JSON was due. "
            "Is the address right, and is the key still good? Login pages and bot checks are not passed."
        )
    try:
        return json.loads(_decoded(body, content_type))
    except RecursionError:
        raise CollectError(f"{place} answers with JSON that is nested too deeply.") from None
    except ValueError as error:
        why = f"{error.msg} at character {error.pos:,}" if isinstance(error, json.JSONDecodeError) else "not text"
        raise CollectError(f"{place} answers with something that is no JSON: {why}.") from None


def _decoded(body: bytes, content_type: str) -> str:
    named = content_type.partition("charset=")[2].split(";")[0].strip(" \"'")
    for encoding in dict.fromkeys(("utf-8-sig", json.detect_encoding(body), named, "gb18030")):
        try:
            return body.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
    return body.decode("utf-8")
