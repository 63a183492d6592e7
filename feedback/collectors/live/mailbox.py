"""Looks into a folder of a mailbox by IMAP, and leaves no trace: EXAMINE and BODY.PEEK mark, move and delete nothing.

- A command has 45 seconds, and one more for each 10 KB that it is to bring; it brings 24 MB at most.
- A connection that breaks off is made anew, three times for each command (`attempts`), once where nothing came; where the folder was numbered anew meanwhile, `Renumbered` says so.
- That a mail is not given out is never taken for its being gone: `NotGiven` says so, or `BrokenOff` where the connection does not last.
- Certificates are checked before the password goes out.
- Errors name the host and the folder, never who asks.
"""

import imaplib
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from types import TracebackType
from typing import TypeVar

from feedback.collectors.live.imap_client import MONTHS, SILENCE_SECONDS, Client, Clock, Fetched, Refusal, Server
from feedback.collectors.live.patience import Unreachable
from feedback.collectors.live.vault import Vault
from feedback.errors import CollectError

Found = TypeVar("Found")

ATTEMPTS = 4
ATTEMPTS_IN_SILENCE = 2
COMMAND_SECONDS = 45.0  # with all attempts, and without what the mails take
_SLOWEST = 10_000  # bytes a second of a line that mails come over
_BYTES_A_NUMBER = 12
_LONGEST_LINE = 900_000  # of an answer to SEARCH: imaplib reads a million bytes of one
_WINDOW = 50_000  # numbers asked for at once in folders whose answer would be longer
_LONGEST_REPLY = 160
_LIBRARY = re.compile(r"^command: \w+ => |^\w+ command error: BAD \[b'(.*)'\]$")  # what imaplib puts around it
_AGAIN = "What came before is kept; run this again later."
_ADVICE = "Many providers want a password made for programs (授权码, app password), and IMAP switched on in the mailbox's settings."

__all__ = ["BrokenOff", "Mailbox", "NotGiven", "Renumbered", "Server"]


class Renumbered(Exception):
    """The numbers of the folder's mails have changed (UIDVALIDITY): those known mean nothing any more."""


class NotGiven(CollectError):
    """The server does not give out mails that are in the folder, for this `reason`. `for_now`: because of what it is at, whichever mails they are."""

    def __init__(self, message: str, reason: str, for_now: bool) -> None:
        super().__init__(message)
        self.reason, self.for_now = reason, for_now


class BrokenOff(Unreachable):
    """The connection is made every time, and does not last until the answer is here: it is the line, the server or what was asked for."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class Mailbox:
    """A folder that is looked into. `vault` hides what must not be shown of a server's replies."""

    def __init__(self, server: Server, user: str, password: str, folder: str, vault: Vault) -> None:
        self._server, self._user, self._password, self._folder, self._vault = server, user, password, folder, vault
        self._client: Client | None = None
        self._clock = Clock()
        self.attempts = ATTEMPTS  # for each command
        self._count = self.validity = 0
        self.next_uid = 0  # as the folder was opened; 0: the server does not tell

    def __enter__(self) -> "Mailbox":
        try:
            self._ask(lambda _client: None)
        except BaseException:
            self._drop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._client is not None and kind in (None, GeneratorExit):
            with suppress(imaplib.IMAP4.error, OSError), self._clock.over(SILENCE_SECONDS):
                self._client.logout()
        self._drop()

    def uids(self, after: int, since: datetime | None = None) -> Iterator[int]:
        """The numbers above `after`, ascending; of mails that arrived on the day of `since` or later."""
        days = ("SINCE", f"{since.day:02}-{MONTHS[since.month - 1]}-{since.year}") if since else ()
        for numbers in self._windows(after + 1):
            found = self._ask(lambda client, numbers=numbers: client.search_uids("UID", numbers, *days))  # type: ignore[misc]
            # "9:*" names the last mail even where that is number 8.
            yield from sorted({uid for uid in found if uid > after})

    def newest(self) -> int:
        """The number of the last mail; 0 where the folder is empty."""
        return max(self._ask(lambda client: client.search_uids("UID", "*")), default=0)

    def _windows(self, first: int) -> list[str]:
        if not self._count:
            return []
        if self._count * _BYTES_A_NUMBER < _LONGEST_LINE or not self.next_uid:
            return [f"{first}:*"]
        return [f"{start}:{start + _WINDOW - 1}" for start in range(first, self.next_uid, _WINDOW)]

    def fetch(self, uids: Sequence[int], what: str, size: int = 0) -> dict[int, Fetched]:
        """Of each mail that is still there; raises `NotGiven` or `BrokenOff` where one of those does not come.

        `what`: RFC 3501, 6.4.5. `size`: how many bytes may come.
        """
        numbers = ",".join(map(str, uids))
        reason, for_now = "it sends nothing", False
        try:
            answers = self._ask(lambda client: client.fetch_uids(numbers, what), size)
        except Refusal as error:
            answers, reason, for_now = [], self._reply(error)[2:-1] or "it says NO", error.for_now
        wanted = set(uids)
        given = {answer.uid: answer for answer in answers if answer.uid in wanted and not answer.is_news}
        if missing := ",".join(str(uid) for uid in uids if uid not in given):
            there = self._ask(lambda client: client.search_uids("UID", missing))
            if wanted.intersection(there) - given.keys():
                said = f"does not give out mails that are in '{self._folder}': {reason}. {_AGAIN}"
                raise NotGiven(str(self._fault(said)), reason, for_now)
        return given

    def _ask(self, run: Callable[[Client], Found], size: int = 0) -> Found:
        """What comes of it; where the connection breaks off, of another try with a new one. `size`: how many bytes may come."""
        seconds = left = COMMAND_SECONDS + size / _SLOWEST
        for attempt in range(1, self.attempts + 1):
            began, lasting = time.monotonic(), False
            try:
                with self._clock.over(left):
                    client, lasting = self._client or self._opened(), True
                    return run(client)
            except (imaplib.IMAP4.abort, OSError, EOFError) as error:
                self._drop()
                left -= time.monotonic() - began
                silent = self._clock.late or isinstance(error, TimeoutError)
                if (
                    attempt >= min(self.attempts, ATTEMPTS_IN_SILENCE if silent else ATTEMPTS)
                    or left <= 0
                    or _is_final(error)
                ):
                    raise self._broken(_explained(error, seconds if self._clock.late else None), lasting) from None
                time.sleep(2.0 ** (attempt - 1))
            except imaplib.IMAP4.error as error:
                raise self._fault(f"does not do what IMAP promises{self._reply(error)}") from None
        raise AssertionError(self._server.host)

    def _opened(self) -> Client:
        """Logged in, the folder opened for reading alone."""
        try:
            client = self._client = Client(self._server, self._clock)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            if "BYE" in str(error):
                raise imaplib.IMAP4.abort(str(error)) from None
            raise self._fault("does not speak IMAP. Are host and port right?") from None
        self._log_in(client)
        examined = client.examine(self._folder)
        if examined is None:
            known = ", ".join(client.folders())[:400]
            raise self._fault(
                f"has no folder '{self._folder}' that may be read." + (f" It has: {known}." if known else "")
            )
        if examined.validity is None or examined.count is None:
            raise self._fault("does not say how it numbers its mails (UIDVALIDITY) or how many there are (EXISTS).")
        self._count, self.next_uid = examined.count, examined.next_uid or 0
        before, self.validity = self.validity, examined.validity
        if before not in (0, self.validity):
            raise Renumbered
        return client

    def _log_in(self, client: Client) -> None:
        if self._server.tls == "starttls":
            client.begin_tls()
        if "LOGINDISABLED" in client.capabilities:
            raise self._fault('takes no password on a connection that is not encrypted. Set tls = "on" or "starttls".')
        try:
            client.log_in(self._user, self._password)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            raise self._fault(f"does not accept user and password{self._reply(error)} {_ADVICE}") from None
        client.introduce()

    def _reply(self, error: Exception) -> str:
        """What the server said, without what is nobody's business."""
        raw = error.args[0] if error.args else ""
        text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)
        text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        text = _LIBRARY.sub(lambda match: match[1] or "", self._vault.hide(text.replace(self._user, "…"))).rstrip(".")
        return f": {text[:_LONGEST_REPLY]}." if text else "."

    def _broken(self, why: str, lasting: bool) -> Unreachable:
        said = str(self._fault(why))
        return BrokenOff(said, why.removesuffix(f". {_AGAIN}")) if lasting else Unreachable(said)

    def _fault(self, what: str) -> CollectError:
        return CollectError(f"{self._server.host}:{self._server.port} {what}")

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with suppress(OSError, imaplib.IMAP4.error):
                client.shutdown()


def _is_final(error: Exception) -> bool:
    """Whether another try would end the same."""
    return isinstance(error, socket.gaierror) or (
        isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError)
    )


def _explained(error: Exception, seconds: float | None) -> str:
    """`seconds`: that it had, where it took longer."""
    if seconds is not None:
        return f"took longer than {seconds:.0f} seconds to answer. {_AGAIN}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return "shows no certificate that this machine trusts. Nothing was sent to it."
    if isinstance(error, ssl.SSLError):
        return 'does not speak TLS here. Is the port right, or is tls = "starttls" meant?'
    if isinstance(error, socket.gaierror):
        return "can't be found. Is the name right, and is this machine online?"
    if isinstance(error, ConnectionRefusedError):
        return f"takes no connection. Is the port right? {_AGAIN}"
    if isinstance(error, TimeoutError):
        return f"said nothing for {SILENCE_SECONDS:.0f} seconds. {_AGAIN}"
    return f"broke the connection off. {_AGAIN}"
