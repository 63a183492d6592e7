"""A mail server on this machine that speaks as much IMAP (RFC 3501) as it takes to read mails, and goes wrong as a test tells it.

It answers LOGIN, AUTHENTICATE PLAIN, STARTTLS, CAPABILITY, ID, LIST, EXAMINE, UID SEARCH, UID FETCH, LOGOUT, and to everything that would change a
mailbox "BAD": that nothing is marked is tested by that.
"""

import base64
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes
from email.message import Message
from socketserver import StreamRequestHandler, ThreadingTCPServer

_SECTION = re.compile(r"BODY\.PEEK\[([^\]]*)\](?:<(\d+)\.(\d+)>)?")


@dataclass
class Stored:
    uid: int
    raw: bytes
    arrived: datetime


@dataclass
class Folder:
    validity: int = 1
    mails: list[Stored] = field(default_factory=list)
    last_uid: int = 0  # no number is given twice

    def add(self, raw: bytes, arrived: datetime) -> Stored:
        self.last_uid += 1
        mail = Stored(self.last_uid, raw, arrived)
        self.mails.append(mail)
        return mail


Fault = Callable[["Session", str, str], bool]  # of the tag and the command; True: it has answered


@dataclass
class Inbox:
    """The server's state. `faults` are tried on every command before it is answered; `asked` holds all commands without their tags.

    `around` is entered for every command, as long as it is answered.
    """

    user: str
    password: str
    folders: dict[str, Folder] = field(default_factory=lambda: {"INBOX": Folder()})
    port: int = 0
    greeting: bytes = b"* OK [CAPABILITY IMAP4rev1 ID AUTH=PLAIN] ready\r\n"
    capabilities: str = "IMAP4rev1 ID AUTH=PLAIN"
    wants_id: bool = False  # as 163 and 126 do
    refusal: str = "LOGIN failed"
    tls: ssl.SSLContext | None = None  # of the port itself, or for STARTTLS
    starttls: bool = False
    faults: list[Fault] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    connections: int = 0
    around: Callable[[], AbstractContextManager[object]] = nullcontext

    @property
    def inbox(self) -> Folder:
        return self.folders["INBOX"]


class Session:
    """One connection."""

    def __init__(self, state: Inbox, connection: socket.socket) -> None:
        self.state, self.connection = state, connection
        self.stream = connection.makefile("rwb")
        self.logged_in = self.introduced = False
        self.folder: Folder | None = None

    def say(self, line: str | bytes) -> None:
        self.stream.write(line if isinstance(line, bytes) else line.encode() + b"\r\n")
        self.stream.flush()

    def cut(self) -> None:
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def serve(self) -> None:
        self.say(self.state.greeting)
        while line := self.stream.readline():
            tag, _, command = line.decode().rstrip("\r\n").partition(" ")
            self.state.asked.append(command)
            with self.state.around():
                self._answer(tag, command)
            if command.upper() == "LOGOUT":
                return

    def _answer(self, tag: str, command: str) -> None:
        if any(fault(self, tag, command) for fault in list(self.state.faults)):
            return
        verb, _, rest = command.partition(" ")
        answer = getattr(self, f"_{verb.lower()}", None)
        if answer is None:
            self.say(f"{tag} BAD no such command here")
        else:
            answer(tag, rest)

    def _capability(self, tag: str, _rest: str) -> None:
        self.say(f"* CAPABILITY {self.state.capabilities}")
        self.say(f"{tag} OK done")

    def _starttls(self, tag: str, _rest: str) -> None:
        assert self.state.tls
        self.say(f"{tag} OK go on")
        self.connection = self.state.tls.wrap_socket(self.connection, server_side=True)
        self.stream = self.connection.makefile("rwb")

    def _login(self, tag: str, rest: str) -> None:
        user, password = (_unquoted(each) for each in re.findall(r'"(?:[^"\\]|\\.)*"|\S+', rest))
        self._let_in(tag, user, password)

    def _authenticate(self, tag: str, _rest: str) -> None:
        self.say("+ ")
        _, user, password = base64.b64decode(self.stream.readline()).decode().split("\0")
        self._let_in(tag, user, password)

    def _let_in(self, tag: str, user: str, password: str) -> None:
        self.logged_in = (user, password) == (self.state.user, self.state.password)
        self.say(f"{tag} OK welcome" if self.logged_in else f"{tag} NO {self.state.refusal}")

    def _id(self, tag: str, rest: str) -> None:
        self.introduced = rest.startswith('("name" ')
        self.say('* ID ("name" "test")')
        self.say(f"{tag} OK done")

    def _list(self, tag: str, _rest: str) -> None:
        for name in self.state.folders:
            self.say(f'* LIST (\\HasNoChildren) "/" "{name}"')
        self.say(f"{tag} OK done")

    def _examine(self, tag: str, rest: str) -> None:
        self.folder = self.state.folders.get(_unquoted(rest)) if self.logged_in else None
        if self.state.wants_id and not self.introduced:
            self.say(f"{tag} NO EXAMINE Unsafe Login. Please contact the provider for help")
            return
        if self.folder is None:
            self.say(f"{tag} NO no such folder")
            return
        self.say(f"* {len(self.folder.mails)} EXISTS")
        self.say(f"* OK [UIDVALIDITY {self.folder.validity}] valid")
        last = max([self.folder.last_uid, *(mail.uid for mail in self.folder.mails)])
        self.say(f"* OK [UIDNEXT {last + 1}] next")
        self.say(f"{tag} OK [READ-ONLY] done")

    def _uid(self, tag: str, rest: str) -> None:
        assert self.folder is not None
        verb, _, criteria = rest.partition(" ")
        if verb == "SEARCH":
            found = " ".join(str(mail.uid) for mail in self._found(self.folder, criteria))
            self.say(f"* SEARCH {found}".rstrip())
            self.say(f"{tag} OK done")
        elif verb == "FETCH":
            numbers, _, items = criteria.partition(" ")
            for number, mail in enumerate(self.folder.mails, 1):
                if str(mail.uid) in numbers.split(","):
                    self._give(number, mail, items)
            self.say(f"{tag} OK done")
        else:
            self.say(f"{tag} BAD this would change the mailbox")

    @staticmethod
    def _found(folder: Folder, criteria: str) -> list[Stored]:
        words = criteria.split(" ")
        highest = max((mail.uid for mail in folder.mails), default=0)
        wanted = [
            sorted(highest if end == "*" else int(end) for end in numbers.split(":")) for numbers in words[1].split(",")
        ]
        found = [mail for mail in folder.mails if any(ends[0] <= mail.uid <= ends[-1] for ends in wanted)]
        if "SINCE" in words:
            since = datetime.strptime(words[words.index("SINCE") + 1], "%d-%b-%Y").date()
            found = [mail for mail in found if mail.arrived.date() >= since]
        return found

    def _give(self, number: int, mail: Stored, items: str) -> None:
        self.stream.write(f"* {number} FETCH (UID {mail.uid}".encode())
        if "RFC822.SIZE" in items:
            self.stream.write(f" RFC822.SIZE {len(mail.raw)}".encode())
        if "INTERNALDATE" in items:
            self.stream.write(f' INTERNALDATE "{mail.arrived.strftime("%d-%b-%Y %H:%M:%S %z")}"'.encode())
        if match := _SECTION.search(items):
            found = section(mail.raw, match[1])
            origin = f"<{match[2]}>" if match[2] else ""
            if found is None:
                self.stream.write(f" BODY[{match[1]}]{origin} NIL".encode())
            else:
                part = found[int(match[2]) :][: int(match[3])] if match[2] else found
                self.stream.write(f" BODY[{match[1]}]{origin} {{{len(part)}}}\r\n".encode() + part)
        self.say(")")

    def _logout(self, tag: str, _rest: str) -> None:
        self.say("* BYE see you")
        self.say(f"{tag} OK done")


def section(raw: bytes, name: str) -> bytes | None:
    """A section of a mail (RFC 3501, 6.4.5); None where there is none."""
    head, blank, text = raw.partition(b"\r\n\r\n")
    if name == "":
        return raw
    if name in ("HEADER", "TEXT"):
        return head + blank if name == "HEADER" else text
    part: Message = message_from_bytes(raw)
    for number in map(int, name.removesuffix(".MIME").split(".")):
        parts = part.get_payload()
        if not isinstance(parts, list) or number > len(parts):
            return None
        inner = parts[number - 1]
        assert isinstance(inner, Message)
        part = inner
    head, blank, text = part.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n").partition(b"\r\n\r\n")
    return head + blank if name.endswith(".MIME") else text


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text


@contextmanager
def imap_server(state: Inbox) -> Iterator[Inbox]:
    class Handler(StreamRequestHandler):
        disable_nagle_algorithm = True  # else each line that follows another waits 40 ms

        def handle(self) -> None:
            state.connections += 1
            connection = self.request
            with suppress(OSError, ValueError):  # the client went away, or was cut off, as the test wants
                if state.tls and not state.starttls:
                    connection = state.tls.wrap_socket(connection, server_side=True)
                session = Session(state, connection)
                try:
                    session.serve()
                finally:
                    with suppress(OSError, ValueError):
                        session.stream.close()
                    session.connection.close()

    server = ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def cut_at(verb: str, times: int = 1) -> Fault:
    """Breaks the connection off at a command that begins so, the first times that it comes."""
    left = [times]

    def fault(session: Session, _tag: str, command: str) -> bool:
        if not command.startswith(verb) or not left[0]:
            return False
        left[0] -= 1
        session.cut()
        return True

    return fault


def answer_with(verb: str, said: bytes, wait_seconds: float = 0.0) -> Fault:
    """Answers every command that begins so with these bytes, in which TAG stands for its tag."""

    def fault(session: Session, tag: str, command: str) -> bool:
        if not command.startswith(verb):
            return False
        time.sleep(wait_seconds)
        session.say(said.replace(b"TAG", tag.encode()))
        return True

    return fault
