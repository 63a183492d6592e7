"""A project that collects from a mailbox of its own (`Shop`), and the mails in it: what the tests of collector imap share. All people and words are made up."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from command import Ran, run
from contract import Shop as Contract
from contract import toml
from imap_server import Fault, Inbox, Session, imap_server
from worlds import NOW, SECRET, SECRET_VARIABLE

from feedback.collectors.base import Record, SourceConfig
from feedback.collectors.imap import ImapCollector
from feedback.collectors.live import Page, Visit
from feedback.collectors.live.vault import Vault

USER = "feedback@shop.example"
ASKED_ONLY = (
    "CAPABILITY",
    "LOGIN",
    "ID",
    "EXAMINE",
    "UID SEARCH",
    "UID FETCH",
    "LOGOUT",
    "LIST",
    "STARTTLS",
    "AUTHENTICATE",
)
ARRIVED = datetime(2026, 3, 1, 10, 0, tzinfo=timezone(timedelta(hours=8)))


def mail(number: int, text: str = "", *headers: str) -> bytes:
    lines = [
        f"Message-ID: <{number}@mail.example>",
        f"From: =?utf-8?b?546L5bCP5piO?= <buyer{number % 7}@mail.example>",
        f"Subject: order {number}",
        "Date: Sun, 01 Mar 2026 09:30:00 +0800",
        "Content-Type: text/plain; charset=utf-8",
        *headers,
    ]
    return ("\r\n".join(lines) + f"\r\n\r\n{text or said(number)}\r\n").encode()


def said(number: int) -> str:
    return f"物流太慢了，第{number}次等这么久"


class Shop:
    """A project with one source, and the mailbox that it is of."""

    def __init__(self, folder: Path, inbox: Inbox, settings: dict[str, object]) -> None:
        self.folder, self.inbox = folder, inbox
        self.settings = {"host": "127.0.0.1", "port": inbox.port, "tls": "off", "user": USER, **settings}
        self.settings.setdefault("password", {"env": SECRET_VARIABLE})
        section = {"name": "live", "collector": "imap", "channel": "邮件", **self.settings}
        lines = "\n".join(f"{key} = {toml(value)}" for key, value in section.items())
        (folder / "feedback.toml").write_text(f'[project]\nname = "合约"\n\n[[sources]]\n{lines}\n', encoding="utf-8")

    def add(self, *numbers: int) -> None:
        for number in numbers:
            self.inbox.inbox.add(mail(number), ARRIVED)

    def collect(self, *more: str) -> Ran:
        return run("collect", "--source", "live", *more, project=self.folder)

    def stored(self) -> dict[str, str]:
        return Contract.stored(self)  # type: ignore[arg-type]

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.folder / "feedback.db")) as database:
            return database.execute(query).fetchall()

    def visit(self, since: datetime | None = None) -> Visit:
        config = SourceConfig("live", "imap", channel="邮件", options=self.settings)
        return Visit(config, Vault(self.folder), NOW, since=since)

    def pages(self, state: str | None = None, since: datetime | None = None, stream: str = "INBOX") -> list[Page]:
        return list(ImapCollector().pages(stream, state, self.visit(since)))


def expected(*numbers: int) -> dict[str, str]:
    return {f"{number}@mail.example": said(number) for number in numbers}


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRET_VARIABLE, SECRET)
    monkeypatch.setattr("time.sleep", lambda _seconds: None)


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with imap_server(Inbox(USER, SECRET)) as state:
        yield state
        assert [asked for asked in state.asked if not asked.startswith(ASKED_ONLY)] == []


@pytest.fixture
def shop(tmp_path: Path, inbox: Inbox) -> Shop:
    found = Shop(tmp_path, inbox, {})
    found.add(*range(1, 121))
    return found


@pytest.fixture
def empty(tmp_path: Path, inbox: Inbox) -> Shop:
    return Shop(tmp_path, inbox, {"own": ["Help@shop.example", "@team.shop.example"]})


def record(**different: object) -> Record:
    said_by: dict[str, object] = {
        "text": said(1),
        "kind": "ticket",
        "channel": "邮件",
        "location": "INBOX:1@mail.example",
        "source_id": "1@mail.example",
        "role": "customer",
        "posted_at": "2026-03-01T01:30:00Z",
        "conversation_id": "1@mail.example",
        "turn": 1,
        "customer": "buyer1@mail.example",
        "question": "order 1",
        "final": True,
    }
    return Record(**{**said_by, **different})  # type: ignore[arg-type]


def items(shop: Shop) -> list[object]:
    return [item for page in shop.pages() for item in page.items]


def reached(page: Page) -> tuple[int, ...]:
    """The numbering and the last number of a page's state, and the numbers of the mails that were left behind."""
    validity, uid, _mark, withheld = json.loads(page.state or "")
    return (validity, uid, *(number for number, *_ in withheld))


def refuse(numbers: str, words: str = "NO [SERVERBUG] this one is broken") -> Fault:
    """Bodies of these mails are not given out, nor are those asked for with them."""

    def fault(session: Session, tag: str, command: str) -> bool:
        asked = command.split(" ")
        if (
            asked[:2] != ["UID", "FETCH"]
            or "BODY" not in command
            or not set(numbers.split(",")) & set(asked[2].split(","))
        ):
            return False
        session.say(f"{tag} {words}")
        return True

    return fault
