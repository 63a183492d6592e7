"""Mails of an inbox that customers write to, by IMAP. It is looked into alone: nothing is marked, moved or deleted there.

The state is how the folder numbers its mails, the last number read, and which mails did not come (`imap_walk`). Where it numbers them anew, all
are read again: ids are Message-IDs, or are made of the mail's head, so that nothing is stored twice. Where a program gives all its mails one
Message-ID, they are told apart by their dates, words and senders.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from email.message import Message
from functools import partial
from pathlib import Path
from typing import cast

from feedback.collectors.base import Item, Record, SourceConfig, Unreadable
from feedback.collectors.imap_batch import LARGEST, Arrived, NotTaken
from feedback.collectors.imap_walk import Reached, Walk
from feedback.collectors.live import Page, Visit
from feedback.collectors.live.imap_client import Server, Tls
from feedback.collectors.live.mailbox import Mailbox, Renumbered
from feedback.collectors.mail_apps import is_apps_subject
from feedback.collectors.mail_body import Blank, Wordless, parse, text_of
from feedback.collectors.mail_files import mails_of_file
from feedback.collectors.mail_head import Head, address, head_of, is_receipt
from feedback.collectors.mail_text import own_words, quotes_earlier
from feedback.errors import CollectError
from nlp.settings_table import SettingsTable, quoted

_SETTINGS = {"host", "port", "tls", "user", "password", "folders", "own"}
# "kf@shop.example", "@shop.example", "客服 <kf@shop.example>"
_OWN = re.compile(r"([^\s<>@*,;:()\"]*@[^\s<>@*,;:()\"]+)|[^<>@]*<\s*([^\s<>@*,;:()\"]+@[^\s<>@*,;:()\"]+)\s*>")
# "imap.exmail.qq.com:993", "[::1]:993"; not "::1"
_WITH_PORT = re.compile(r"\[.*|[^:：]*[:：\s]\s*\d*")
_PORTS = {"on": 993, "starttls": 143, "off": 143}
_THIS_MACHINE = "127.0.0.1"
_MOST_RENUMBERED = 3  # in one run
_ARRIVED_EARLIER = timedelta(days=1)  # IMAP compares days, in whichever zone
_AUTOMATIC = "an automatic mail (auto-reply, bounce, mailing list) is left out"
_SAYS_AUTOMATIC = "its subject is one that programs write (auto-reply, receipt, report): it is left out"
_NO_OWN_WORDS = "it holds nothing but an earlier mail or a signature"
_FROM_THE_MAILBOX = (
    "{} from the mailbox's own address and {} as a customer's: "
    'write own = ["…"], with that address, if your people wrote such mails, own = [] if a form does'
)
_CUT = f"the mail has more than {LARGEST >> 20} MB of text: the rest is left out"


class ImapCollector:
    private_names = False

    def __init__(self) -> None:
        self._readers: list[_Reader] = []

    def streams(self, visit: Visit) -> list[str]:
        return list(_Settings.of(visit).folders)

    def check(self, visit: Visit) -> None:
        _Settings.of(visit).login(visit)

    def pages(self, stream: str, state: str | None, visit: Visit) -> Iterator[Page]:
        """At most 50 mails a page, or what came at once of large ones, in the order of their numbers."""
        settings, reader = _Settings.of(visit), self._reader(visit)
        user, password = settings.login(visit)
        reached, since = Reached.read(state), visit.since - _ARRIVED_EARLIER if visit.since else None
        with Mailbox(settings.server, user, password, stream, visit.vault) as mailbox:
            for _ in range(_MOST_RENUMBERED):
                walk = Walk(mailbox, stream, reached, partial(reader.items, stream), visit.now)
                try:
                    yield from walk.pages(since)
                    break
                except Renumbered:
                    reached = walk.reached
            else:
                raise CollectError(f"{settings.server.host} numbers the mails of '{stream}' anew all the time.")
        if reader.automatic:
            yield Page(
                [], None, (f"{stream}: {reader.automatic:,} automatic mails left out (auto-replies, bounces, lists)",)
            )

    def saved(self, path: Path, visit: Visit) -> Iterator[Item]:
        """The mails of an .eml or mbox file."""
        reader = self._reader(visit)
        for number, raw in enumerate(mails_of_file(path), 1):
            where = f"{path.name}:{number}"
            if raw is None:
                yield Unreadable(where, "the mail is larger than 32 MB")
                continue
            try:
                item = reader.item(path.name, parse(raw), raw, None)
            except Wordless as error:
                item = Unreadable(where, str(error))
            yield item or Unreadable(where, _AUTOMATIC)

    def remarks(self) -> list[str]:
        count = sum(reader.from_the_mailbox for reader in self._readers)
        mails = ("1 mail is", "counts") if count == 1 else (f"{count:,} mails are", "each counts")
        return [_FROM_THE_MAILBOX.format(*mails)] if count else []

    def _reader(self, visit: Visit) -> "_Reader":
        self._readers.append(_Reader(visit))
        return self._readers[-1]


@dataclass(frozen=True, slots=True)
class _Settings:
    server: Server
    folders: tuple[str, ...]
    own: tuple[str, ...]

    @classmethod
    def of(cls, visit: Visit) -> "_Settings":
        table = visit.settings
        table.refuse_unknown(set(_SETTINGS))
        host = table.string("host", "")
        if not host:
            raise table.fault("'host' is missing: the mail server, like imap.exmail.qq.com")
        if "/" in host or "@" in host:  # it is not shown: some write the password in front of it
            raise table.fault("'host' is the name of the mail server alone, like imap.exmail.qq.com")
        if _WITH_PORT.fullmatch(host):
            raise table.fault(
                "'host' holds a port as well. Write them apart, like host = \"imap.exmail.qq.com\" and port = 993"
            )
        tls = cast(Tls, table.one_of("tls", tuple(_PORTS), "on"))
        if tls == "off" and host != _THIS_MACHINE:
            raise table.fault(
                'tls = "off" is for {here} alone: the password would be seen by all on the way', here=_THIS_MACHINE
            )
        port = table.number("port", _PORTS[tls])
        if port != int(port) or not 0 < port < 65536:
            raise table.fault("'port' must be a number from 1 to 65535, not {port}", port=f"{port:g}")
        if not isinstance(table.data.get("user"), dict):
            table.string("user")
        folders = table.strings("folders", lone=True, blank=False) or ("INBOX",)
        if twice := next((name for name in folders if folders.count(name) > 1), None):
            raise table.fault("'folders' names {name} twice", name=twice)
        if not all(name.isprintable() for name in (host, *folders)):
            raise table.fault("'host' or 'folders' holds a character that can't be seen")
        return cls(Server(host, int(port), tls), folders, _own(table))

    def login(self, visit: Visit) -> tuple[str, str]:
        """The user, who may be kept as a secret as well, and the password."""
        user, password = _user(visit), visit.secret("password")
        if not (user.isprintable() and password.isprintable()):
            raise visit.settings.fault("user or password holds a line break, or another character that can't be seen")
        return user, password


def _user(visit: Visit) -> str:
    secret = isinstance(visit.settings.data.get("user"), dict)
    return visit.secret("user") if secret else visit.settings.string("user")


def _own(table: SettingsTable) -> tuple[str, ...]:
    """Our own addresses, and @ with a domain for all of it, in lower case."""
    found: list[str] = []
    for written in table.strings("own", lone=True, blank=False):
        match = _OWN.fullmatch(written.strip())
        if match is None:
            raise table.fault(
                '\'own\' holds {value}, which is neither an address, like "kf@shop.example", nor all of a domain, like "@shop.example"',
                value=quoted(written),
            )
        found.append((match[1] or match[2]).lower())
    return tuple(found)


class _Reader:
    """From mails to items; counts those that no person wrote, and those of the mailbox's own address where `own` is not written."""

    def __init__(self, visit: Visit) -> None:
        self._config: SourceConfig = visit.config
        self._own = _Settings.of(visit).own
        self._mailbox = ""
        if "own" not in visit.settings.data:
            with suppress(CollectError):  # saved mails are read without the secret that it may be
                self._mailbox = address(_user(visit))
        self.automatic = self.from_the_mailbox = 0

    def items(self, stream: str, arrived: Iterable[Arrived | NotTaken]) -> Iterator[Item]:
        for each in arrived:
            if isinstance(each, NotTaken):
                yield Unreadable(f"{stream}:{each.uid}", each.reason)
            elif item := self.item(stream, each.message, each.head, each.at, (_CUT,) if each.cut else ()):
                yield item

    def item(
        self, stream: str, message: Message, head: bytes, at: str | None, problems: tuple[str, ...] = ()
    ) -> Item | None:
        """None for a mail that is automatic for certain."""
        said = head_of(message, head, at)
        location = f"{stream}:{said.id}"
        if said.by_subject:
            return Unreadable(location, _SAYS_AUTOMATIC)
        if said.automatic:
            self.automatic += 1
            return None
        written, reason = "", _NO_OWN_WORDS
        try:
            written = text_of(message)
        except Blank as error:
            reason = str(error)
        except Wordless as error:
            return Unreadable(location, next(iter(problems), str(error)))
        if is_receipt(said.subject, written):
            return Unreadable(location, _SAYS_AUTOMATIC)
        answers = said.answers or bool(said.ancestors)
        text = own_words(written, answers=answers)
        # Some write all they have to say into the subject; that of an answer is what others wrote.
        if not (text or answers or is_apps_subject(said.subject) or quotes_earlier(written, answers=answers)):
            text = said.subject
        if not text:
            return Unreadable(location, next(iter(problems), reason))
        return self._record(location, said, text, problems)

    def _record(self, location: str, said: Head, text: str, problems: tuple[str, ...]) -> Record:
        self.from_the_mailbox += said.sender == self._mailbox != ""
        own = any(said.sender == each or (each.startswith("@") and said.sender.endswith(each)) for each in self._own)
        config = self._config
        return Record(
            text=text,
            kind=config.kind or "ticket",
            channel=config.channel or config.name,
            location=location,
            source_id=said.id,
            role="agent" if own else "customer",
            posted_at=said.sent_at,
            conversation_id=said.ancestors[0] if said.ancestors else said.id,
            turn=len(said.ancestors) + 1,
            parent_id=said.ancestors[-1] if said.ancestors else None,
            customer=None if own else said.sender or None,
            product=config.product,
            store=config.store,
            question=None if text.startswith(said.subject) else said.subject,
            problems=problems,
            final=True,
            own_date=said.own_date,
        )
