"""A mailbox: what was said are mails, numbered as they come in. Who opens the folder finds those that are there at that moment."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from email.utils import format_datetime
from pathlib import Path
from typing import ClassVar

from imap_server import Fault, Inbox, answer_with, cut_at, imap_server

from worlds import SECRET, SECRET_VARIABLE, Around, Said, Source

USER = "feedback@shop.example"


class World(Source):
    collector = "imap"
    speaks = "IMAP"
    secret: str | None = SECRET
    edits = False  # a mail stays as it was sent
    breaks: str | None = "asked again"
    saved_as = "answer.mbox"
    page_sizes: ClassVar[Mapping[str, int]] = {"feedback.collectors.imap_walk.BATCH": 7}
    _NONSENSE: Mapping[str, Fault] = {
        "a folder without numbers": answer_with("EXAMINE", b"* 3 EXISTS\r\nTAG OK done\r\n"),
        "numbers that are words": answer_with("UID SEARCH", b"* SEARCH 1 two\r\nTAG OK done\r\n"),
        "mails without numbers": answer_with("UID FETCH", b"* 1 FETCH (RFC822.SIZE 12)\r\nTAG OK done\r\n"),
        "a web page": answer_with("UID SEARCH", b"<html>\r\n"),
        "a gigabyte": answer_with("UID FETCH", b"* 1 FETCH (UID 1 BODY[] {1073741824}\r\n"),
    }
    nonsense = tuple(_NONSENSE)

    def __init__(self) -> None:
        super().__init__()
        self.inbox = Inbox(USER, SECRET)
        self._there: dict[int, set[int]] = {}  # the numbers of the mails by those of what was said

    @contextmanager
    def served(self, folder: Path, around: Around = nullcontext) -> Iterator[str]:  # noqa: ARG002
        @contextmanager
        def answering() -> Iterator[None]:
            with around():
                self.publish()
                yield

        self.inbox.around = answering
        with imap_server(self.inbox):
            yield f"127.0.0.1:{self.inbox.port}"

    def publish(self) -> None:
        """Puts what is new into the folder, and takes out what is gone."""
        here = {one.number: one for one in list(self.said)}
        self._file(one for one in here.values() if one.number not in self._there)
        gone = {uid for number, uids in self._there.items() if number not in here for uid in uids}
        self.inbox.inbox.mails = [each for each in self.inbox.inbox.mails if each.uid not in gone]

    def _file(self, arrived: Iterable[Said]) -> None:
        for one in arrived:
            copies = range(2 if self.overlap else 1)  # a rule of the mailbox may file a mail twice
            self._there[one.number] = {self.inbox.inbox.add(mail(one), one.changed_at).uid for _ in copies}

    def forget(self) -> None:
        """Numbers the mails anew, and otherwise, as a server may that was set up again."""
        super().forget()
        folder = self.inbox.inbox
        folder.validity += 1
        folder.last_uid, folder.mails, self._there = 0, [], {}
        self._file(reversed(self.said))
        self.unknown += 1

    def section(self, url: str) -> Mapping[str, object]:
        host, _, port = url.partition(":")
        return {"host": host, "port": int(port), "tls": "off", "user": USER, "password": {"env": SECRET_VARIABLE}}

    def stored(self) -> dict[str, str]:
        return {message_id(one): one.text for one in self.said}

    def saved(self) -> bytes:
        return b"".join(b"From x\n" + mail(one).replace(b"\r\n", b"\n") + b"\n" for one in self.said)

    def break_off(self) -> None:
        self.inbox.faults = [cut_at("UID FETCH")]

    def talk(self, nonsense: str) -> None:
        self.inbox.faults = [self._NONSENSE[nonsense]]

    def refuse(self, words: str) -> None:
        self.inbox.password, self.inbox.refusal = "another one", f"{words} {USER}"


def message_id(one: Said) -> str:
    return f"{one.number}@mail.example"


def mail(one: Said) -> bytes:
    lines = [
        f"Message-ID: <{message_id(one)}>",
        f"From: =?utf-8?b?546L5bCP5piO?= <buyer{one.number % 7}@mail.example>",
        f"Subject: order {one.number}",
        f"Date: {format_datetime(one.posted_at)}",
        "Content-Type: text/plain; charset=utf-8",
        *([f"In-Reply-To: <{one.to}@mail.example>"] if one.to else []),
    ]
    return ("\r\n".join(lines) + f"\r\n\r\n{one.text}\r\n").encode()
