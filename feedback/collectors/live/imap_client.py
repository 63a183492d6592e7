"""One connection to an IMAP server (RFC 3501), over the standard library's: what it sends is counted, and it is closed when the time is up."""

import base64
import imaplib
import re
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from threading import Timer
from typing import Any, Literal

Tls = Literal["on", "starttls", "off"]

SILENCE_SECONDS = 20.0
MOST_BYTES = 24 * 1024 * 1024  # that one command brings
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_UID = re.compile(rb"\bUID (\d+)", re.IGNORECASE)
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d+)", re.IGNORECASE)
_ARRIVED = re.compile(rb'\bINTERNALDATE "([^"]*)"', re.IGNORECASE)
_QUOTED_SECTION = re.compile(rb'\bBODY\[[^\]]*\](?:<\d+>)? "((?:[^"\\]|\\.)*)"', re.IGNORECASE)
_NO_SUCH_PART = re.compile(rb"\bBODY\[(?:TEXT|[\d.]+(?:MIME)?)\](?:<\d+>)? NIL\b", re.IGNORECASE)
_FOLDER = re.compile(rb'\([^)]*\) (?:"(?:[^"\\]|\\.)*"|NIL) (?:"((?:[^"\\]|\\.)*)"|(\S+))', re.IGNORECASE)
_DATE_TIME = re.compile(r"\s*(\d{1,2})-(\w{3})-(\d{4}) (\d{2}:\d{2}:\d{2}) ([+-]\d{2})(\d{2})", re.ASCII)
_SHIFTED = re.compile(rb"&([^-]*)-")
# Response codes (RFC 5530, RFC 9051; THROTTLED is Gmail's) that speak of the server or the account, of no mail.
_FOR_NOW = re.compile(
    rb"\[(?:UNAVAILABLE|LIMIT|INUSE|OVERQUOTA|THROTTLED|CONTACTADMIN|NOPERM|EXPIRED|PRIVACYREQUIRED)\b", re.IGNORECASE
)


class Refusal(Exception):
    """The server says NO or BAD, in these words. `for_now`: because of what it is at, whatever it is asked for."""

    def __init__(self, said: bytes) -> None:
        super().__init__(said)
        self.for_now = _FOR_NOW.search(said) is not None


@dataclass(frozen=True, slots=True)
class Server:
    host: str
    port: int
    tls: Tls


@dataclass(frozen=True, slots=True)
class Examined:
    """A folder: by which numbering it names its mails (UIDVALIDITY), how many there are, which number comes next; None: it does not say."""

    validity: int | None
    count: int | None
    next_uid: int | None


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was asked for of a mail: its size in bytes, when it arrived, as ISO, a section of it; nothing where it has no such part."""

    uid: int
    size: int | None
    arrived: str | None
    body: bytes | None

    @property
    def is_news(self) -> bool:
        """It tells nothing that is asked for here, like that somebody has read the mail meanwhile."""
        return self.size is None and self.arrived is None and self.body is None


class Clock:
    """Closes a connection when the time is up."""

    def __init__(self) -> None:
        self.socket: socket.socket | None = None
        self.late = False

    @contextmanager
    def over(self, seconds: float) -> Iterator[None]:
        self.late = False
        timer = Timer(seconds, self._end)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _end(self) -> None:
        self.late = True
        if self.socket is not None:
            with suppress(OSError):  # it is closed already
                self.socket.shutdown(socket.SHUT_RDWR)


class Client(imaplib.IMAP4):
    """Raises what `imaplib.IMAP4` raises: `abort` and `OSError` where the connection breaks, `error` where the server says no."""

    _taken = 0

    def __init__(self, server: Server, clock: Clock) -> None:
        self._server, self._clock = server, clock
        super().__init__(server.host, server.port, timeout=SILENCE_SECONDS)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        plain = self._clock.socket = socket.create_connection((self._server.host, self._server.port), timeout)
        if self._server.tls != "on":
            return plain
        context = ssl.create_default_context()
        secure = context.wrap_socket(plain, server_hostname=self._server.host, do_handshake_on_connect=False)
        self._clock.socket = secure
        try:
            secure.do_handshake()
        except OSError:
            secure.close()
            raise
        return secure

    def read(self, size: int) -> bytes:
        self._take(size)
        return super().read(size)

    def readline(self) -> bytes:
        line = super().readline()
        self._take(len(line))
        return line

    def _take(self, size: int) -> None:
        self._taken += size
        if self._taken > MOST_BYTES:
            raise self.error(f"it sends more than {MOST_BYTES >> 20} MB at once, which nobody asked for")

    def begin_tls(self) -> None:
        if "STARTTLS" not in self.capabilities:
            raise self.error('it offers no STARTTLS; is tls = "on" meant?')
        self.starttls(ssl.create_default_context())
        self._clock.socket = self.sock

    def log_in(self, user: str, password: str) -> None:
        if user.isascii() and password.isascii():
            self.login(quoted(user), password)
        else:  # RFC 4616; LOGIN is for ASCII alone
            self.authenticate("PLAIN", lambda _challenge: f"\0{user}\0{password}".encode())

    def introduce(self) -> None:
        """Says which program asks (RFC 2971): 163, 126 and yeah.net open no folder before."""
        with suppress(self.error):
            _, data = self.capability()
            if b"ID" in b" ".join(each for each in data if each).upper().split():
                self.xatom("ID", f'("name" "yuansheng" "version" "{version("yuansheng")}")')

    def examine(self, name: str) -> Examined | None:
        """Opens a folder for reading alone; None where there is none that may be read."""
        typ, _ = self.select(quoted(modified_utf7(name)), readonly=True)
        if typ != "OK":
            return None
        return Examined(*(_number(self.response(code)[1]) for code in ("UIDVALIDITY", "EXISTS", "UIDNEXT")))

    def folders(self) -> list[str]:
        typ, data = self.list()
        found = [_FOLDER.fullmatch(each) for each in data if isinstance(each, bytes)] if typ == "OK" else []
        return [from_modified_utf7(match[1] or match[2]) for match in found if match]

    def search_uids(self, *criteria: str) -> list[int]:
        self._taken = 0
        typ, data = self.uid("SEARCH", *criteria)
        if typ != "OK":
            raise self.error(data[-1])
        numbers = b" ".join(each for each in data if each).split()
        if not all(number.isdigit() for number in numbers):
            raise self.error("it answers SEARCH with something that is no number")
        return [int(number) for number in numbers]

    def fetch_uids(self, numbers: str, what: str) -> list[Fetched]:
        """In whichever order, with news of other mails; raises `Refusal` where the server says NO or BAD."""
        self._taken = 0
        self.response("FETCH")  # forgets what it gave before it said NO
        try:
            typ, data = self.uid("FETCH", numbers, f"(UID {what})")
        except self.error as error:
            if isinstance(error, self.abort) or " BAD " not in str(error):
                raise
            raise Refusal(str(error).encode()) from None
        if typ != "OK":
            raise Refusal(data[-1] or b"")
        found = list(_fetched(data))
        if not found and any(piece for piece in data):
            raise self.error("it answers FETCH without saying of which mails")
        return found


def _fetched(data: Sequence[Any]) -> Iterator[Fetched]:
    """From imaplib's form of an answer: pairs of what stands before a literal and the literal, then what stands behind the last."""
    said, literals = b"", list[bytes]()
    for piece in data:
        if isinstance(piece, tuple):
            said += piece[0]
            literals.append(piece[1])
            continue
        said += piece or b""
        short = _QUOTED_SECTION.search(said)
        said = _QUOTED_SECTION.sub(b"", said)  # a mail may say "UID 7" itself
        if uid := _UID.search(said):  # without a number it is news that nobody asked for
            yield Fetched(
                uid=int(uid[1]),
                size=int(size[1]) if (size := _SIZE.search(said)) else None,
                arrived=_iso(arrived[1].decode("ascii", "replace")) if (arrived := _ARRIVED.search(said)) else None,
                body=literals[0] if literals else _short_body(said, short),
            )
        said, literals = b"", []


def _short_body(said: bytes, short: re.Match[bytes] | None) -> bytes | None:
    if short:
        return re.sub(rb"\\(.)", rb"\1", short[1])
    return b"" if _NO_SUCH_PART.search(said) else None


def _number(data: Sequence[Any]) -> int | None:
    found = data[-1] if data else None
    return int(found) if isinstance(found, bytes) and found.isdigit() else None


def _iso(written: str) -> str | None:
    """A date-time of IMAP, " 2-Mar-2026 10:00:00 +0800", in UTC; None where it is none. Not by `strptime`, which asks the locale."""
    match = _DATE_TIME.fullmatch(written)
    if match is None or match[2].title() not in MONTHS:
        return None
    month = MONTHS.index(match[2].title()) + 1
    try:
        moment = datetime.fromisoformat(f"{match[3]}-{month:02}-{int(match[1]):02}T{match[4]}{match[5]}:{match[6]}")
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError):
        return None


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def modified_utf7(name: str) -> str:
    """A folder's name as IMAP writes it (RFC 3501, 5.1.3).

    >>> modified_utf7("客户&反馈"), from_modified_utf7(b"&W6JiNw-&-&U82ZiA-")
    ('&W6JiNw-&-&U82ZiA-', '客户&反馈')
    """
    written = []
    for piece in re.findall(r"[\x20-\x7e]+|[^\x20-\x7e]+", name):
        if piece.isascii() and piece.isprintable():
            written.append(piece.replace("&", "&-"))
        else:
            shifted = base64.b64encode(piece.encode("utf-16-be")).decode().rstrip("=").replace("/", ",")
            written.append(f"&{shifted}-")
    return "".join(written)


def from_modified_utf7(written: bytes) -> str:
    """The name of a folder; as it is written where that is none."""

    def shifted(match: re.Match[bytes]) -> bytes:
        raw = match[1].replace(b",", b"/")
        return base64.b64decode(raw + b"=" * (-len(raw) % 4)).decode("utf-16-be").encode() if raw else b"&"

    try:
        return _SHIFTED.sub(shifted, written).decode()
    except ValueError:
        return written.decode("ascii", "replace")
