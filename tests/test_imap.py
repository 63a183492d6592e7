"""Collector imap, held to what `test_live_contract.py` asks of those that speak HTTP, and to what only mails ask for."""

import re
import sqlite3
import ssl
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from ipaddress import ip_address
from pathlib import Path

import pytest
from command import Ran, run
from contract import Shop as Contract
from contract import dump, toml
from imap_server import Fault, Inbox, Session, answer_with, cut_at, imap_server
from local_servers import closed_port
from wire import Reply, wire
from worlds import NOW, SECRET, SECRET_VARIABLE

from feedback.collectors.base import Record, SourceConfig, Unreadable
from feedback.collectors.imap import ImapCollector
from feedback.collectors.live import LiveCollector, Page, Visit
from feedback.collectors.live.imap_client import from_modified_utf7, modified_utf7
from feedback.collectors.live.patience import Unreachable
from feedback.collectors.live.vault import Vault
from feedback.errors import CollectError
from feedback.pipeline import collect
from feedback.project import load_project
from storage.store import Store

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
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
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


# What the contract asks for


def test_everything_is_collected_and_a_second_run_changes_nothing(shop: Shop) -> None:
    assert shop.collect().code == 0
    assert shop.stored() == expected(*range(1, 121))
    before = dump(shop.folder)
    again = shop.collect()
    assert (again.code, again.out, again.err) == (0, "live: 0 new\n", "")
    assert dump(shop.folder) == before


def test_what_came_since_comes_with_the_next_run(shop: Shop) -> None:
    shop.collect()
    shop.add(121, 122)
    assert shop.collect().out == "live: 2 new\n"
    assert shop.stored() == expected(*range(1, 123))


@pytest.mark.parametrize("pages", [1, 2, 3])
def test_cut_off_after_any_page_the_next_run_goes_on(shop: Shop, pages: int) -> None:
    left = 1 + pages  # the first call says that it is begun

    def stop(_what: str, _more: int) -> None:
        nonlocal left
        left -= 1
        if not left:
            raise KeyboardInterrupt

    project = load_project(shop.folder)
    with Store.open(project.database) as store, pytest.raises(KeyboardInterrupt):
        collect(store, project, project.source("live"), stop)
    assert len(shop.stored()) == min(50 * pages, 120)
    shop.add(121)
    assert shop.collect().code == 0
    assert shop.stored() == expected(*range(1, 122))


@pytest.mark.parametrize("verb", ["CAPABILITY", "LOGIN", "ID", "EXAMINE", "UID SEARCH", "UID FETCH", "LOGOUT"])
def test_a_connection_that_breaks_off_is_made_anew(shop: Shop, verb: str) -> None:
    shop.inbox.faults.append(cut_at(verb, times=2))
    assert shop.collect().code == 0
    assert shop.stored() == expected(*range(1, 121))


def test_a_connection_that_breaks_off_in_a_mail_is_made_anew(shop: Shop) -> None:
    left = [1]

    def fault(session: Session, _tag: str, command: str) -> bool:
        if "BODY.PEEK[]" not in command or not left[0]:
            return False
        left[0] -= 1
        session.say(b"* 1 FETCH (UID 1 BODY[]<0> {5000}\r\nMessage-ID: <1@mail")
        session.cut()
        return True

    shop.inbox.faults.append(fault)
    assert shop.collect().code == 0
    assert shop.stored() == expected(*range(1, 121))


def test_what_was_read_before_the_server_went_away_is_kept(shop: Shop) -> None:
    fetched = [0]

    def fault(session: Session, _tag: str, command: str) -> bool:
        fetched[0] += command.startswith("UID FETCH")
        if fetched[0] <= 2:  # sizes and bodies of the first batch
            return False
        session.cut()
        return True

    shop.inbox.faults.append(fault)
    ran = shop.collect()
    assert (ran.code, ran.err) == (
        1,
        f"Error: live: 127.0.0.1:{shop.inbox.port} broke the connection off. What came before is kept; run this again later.\n",
    )
    assert shop.stored() == expected(*range(1, 51))
    shop.inbox.faults.clear()
    assert shop.collect().out == "live: 70 new\n"
    assert shop.stored() == expected(*range(1, 121))


def test_no_secret_is_stored_or_shown(shop: Shop) -> None:
    shown = [shop.collect()]
    assert shop.stored() == expected(*range(1, 121))
    shop.inbox.password = "changed"
    shop.inbox.refusal = f"[AUTHENTICATIONFAILED] {SECRET} is wrong for {USER}"
    shown.append(shop.collect())
    assert shown[1].err == (
        f"Error: live: 127.0.0.1:{shop.inbox.port} does not accept user and password: [AUTHENTICATIONFAILED] … is wrong for …. "
        "Many providers want a password made for programs (授权码, app password), and IMAP switched on in the mailbox's settings.\n"
    )
    assert SECRET not in "".join(ran.out + ran.err for ran in shown)
    for path in shop.folder.iterdir():
        assert SECRET.encode() not in path.read_bytes(), path.name


def test_a_secret_in_the_settings_themselves_is_refused(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SECRET_VARIABLE)
    assert f"the environment variable {SECRET_VARIABLE} is not set" in shop.collect().err
    settings = shop.folder / "feedback.toml"
    written = settings.read_text(encoding="utf-8").replace(f'{{ env = "{SECRET_VARIABLE}" }}', f'"{SECRET}"')
    settings.write_text(written, encoding="utf-8")
    ran = shop.collect()
    assert "is a secret, which does not belong in this file" in ran.err
    assert SECRET not in ran.err


def test_a_limit_leaves_the_rest_for_the_next_run(shop: Shop) -> None:
    assert shop.collect("--limit", "60").code == 0
    assert shop.stored() == expected(*range(1, 61))
    assert shop.collect().code == 0
    assert shop.stored() == expected(*range(1, 121))


def test_since_asks_for_what_arrived_since_and_loses_nothing_for_later(shop: Shop) -> None:
    shop.collect()
    shop.inbox.inbox.add(mail(121), ARRIVED - timedelta(days=400))
    shop.inbox.inbox.add(mail(122), ARRIVED)
    assert shop.collect("--since", "2026-02-20").out == "live: 1 new, 120 already there\n"
    assert "UID SEARCH UID 1:* SINCE 18-Feb-2026" in shop.inbox.asked
    assert shop.collect().out == "live: 1 new, 1 already there\n"
    assert shop.stored() == expected(*range(1, 123))


def test_a_dry_run_shows_and_stores_nothing(shop: Shop) -> None:
    ran = shop.collect("--dry-run")
    assert ran.code == 0, ran.err
    assert "would be stored" in ran.out
    assert not (shop.folder / "feedback.db").exists()


def test_saved_mails_give_the_same_as_asking(shop: Shop) -> None:
    saved = shop.folder / "feedback.mbox"
    saved.write_bytes(
        b"".join(b"From x\n" + each.raw.replace(b"\r\n", b"\n") + b"\n" for each in shop.inbox.inbox.mails)
    )
    assert shop.collect("--load", str(saved)).code == 0
    assert shop.stored() == expected(*range(1, 121))
    assert shop.inbox.asked == []
    assert shop.collect().out == "live: 0 new, 120 already there\n"


def test_a_key_that_it_does_not_know_is_named(shop: Shop) -> None:
    settings = shop.folder / "feedback.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + 'passwort = "x"\n', encoding="utf-8")
    ran = shop.collect()
    assert ran.code == 1
    assert "unknown 'passwort'" in ran.err


def test_a_page_has_fifty_mails(shop: Shop) -> None:
    assert isinstance(ImapCollector(), LiveCollector)
    assert [(len(page.items), page.state) for page in shop.pages()] == [
        (50, "[1, 50]"),
        (50, "[1, 100]"),
        (20, "[1, 120]"),
    ]


# Servers that go wrong


@dataclass(frozen=True)
class Wrong:
    faults: tuple[Fault, ...]
    says: str


WRONG = {
    "no such folder": Wrong(
        (answer_with("EXAMINE", b"TAG NO no\r\n"),), "has no folder 'INBOX' that may be read. It has: INBOX."
    ),
    "no numbers that stay": Wrong(
        (answer_with("EXAMINE", b"* 3 EXISTS\r\nTAG OK done\r\n"),),
        "does not say how it numbers its mails (UIDVALIDITY) or how many there are (EXISTS).",
    ),
    "no count": Wrong(
        (answer_with("EXAMINE", b"* OK [UIDVALIDITY 3] valid\r\nTAG OK done\r\n"),),
        "does not say how it numbers its mails (UIDVALIDITY) or how many there are (EXISTS).",
    ),
    "a search that is refused": Wrong(
        (answer_with("UID SEARCH", b"TAG NO [SERVERBUG] busy\r\n"),),
        "does not do what IMAP promises: [SERVERBUG] busy.",
    ),
    "a search that is not understood": Wrong(
        (answer_with("UID SEARCH", b"TAG BAD what\r\n"),),
        "does not do what IMAP promises: what.",
    ),
    "a search that finds words": Wrong(
        (answer_with("UID SEARCH", b"* SEARCH 1 two\r\nTAG OK done\r\n"),),
        "does not do what IMAP promises: it answers SEARCH with something that is no number.",
    ),
    "mails without numbers": Wrong(
        (answer_with("UID FETCH", b"* 1 FETCH (RFC822.SIZE 12)\r\nTAG OK done\r\n"),),
        "does not do what IMAP promises: it answers FETCH without saying of which mails.",
    ),
    "a gigabyte": Wrong(
        (answer_with("UID FETCH", b"* 1 FETCH (UID 1 BODY[] {1073741824}\r\n"),),
        "does not do what IMAP promises: it sends more than 1 MB at once, which nobody asked for.",
    ),
    "lines without end": Wrong(
        (answer_with("UID SEARCH", b"* OK " + b"x" * 990_000 + b"\r\n" + b"* OK so\r\n" * 200_000),),
        "does not do what IMAP promises: it sends more than 1 MB at once, which nobody asked for.",
    ),
    "a line without end": Wrong(
        (answer_with("UID SEARCH", b"* SEARCH " + b"1 " * 600_000),),
        "does not do what IMAP promises: got more than 1000000 bytes.",
    ),
    "something else": Wrong(
        (answer_with("UID SEARCH", b"<html>\r\n"),),
        "broke the connection off. What came before is kept; run this again later.",
    ),
    "a password in the open": Wrong(
        (), 'takes no password on a connection that is not encrypted. Set tls = "on" or "starttls".'
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_goes_wrong_is_said_in_words_and_nothing_is_stored(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr("feedback.collectors.live.imap_client.MOST_BYTES", 1 << 20)
    shop.inbox.faults += WRONG[what].faults
    if what == "a password in the open":
        shop.inbox.capabilities += " LOGINDISABLED"
    ran = shop.collect()
    assert (ran.code, ran.err) == (1, f"Error: live: 127.0.0.1:{shop.inbox.port} {WRONG[what].says}\n")
    assert shop.stored() == {}


@pytest.mark.parametrize(
    "greeting, says",
    [
        (b"HTTP/1.1 400 Bad Request\r\n", "broke the connection off. What came before is kept; run this again later."),
        (b"* NO go away\r\n", "does not speak IMAP. Are host and port right?"),
        (
            b"* BYE too many connections\r\n",
            "broke the connection off. What came before is kept; run this again later.",
        ),
    ],
)
def test_a_server_that_greets_otherwise(shop: Shop, greeting: bytes, says: str) -> None:
    shop.inbox.greeting = greeting
    assert shop.collect().err == f"Error: live: 127.0.0.1:{shop.inbox.port} {says}\n"


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    port = closed_port()
    shop = Shop(tmp_path, Inbox(USER, SECRET, port=port), {})
    assert shop.collect().err == (
        f"Error: live: 127.0.0.1:{port} takes no connection. Is the port right? What came before is kept; run this again later.\n"
    )


def test_a_host_that_cannot_be_found(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_address: object) -> None:
        import socket

        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr("socket.create_connection", unknown)
    with pytest.raises(CollectError) as error:
        shop.pages()
    assert str(error.value).endswith("can't be found. Is the name right, and is this machine online?")


def test_a_server_that_falls_silent_is_not_waited_for(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feedback.collectors.live.imap_client.SILENCE_SECONDS", 0.1)
    shop.inbox.faults.append(lambda _session, _tag, command: command.startswith("UID SEARCH"))
    with pytest.raises(CollectError, match=r"said nothing for 20 seconds\. What came before is kept"):
        shop.pages()
    assert shop.inbox.connections == 2


def test_a_server_that_speaks_ever_so_slowly_is_cut_off(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feedback.collectors.live.mailbox.COMMAND_SECONDS", 0.2)

    def drip(session: Session, _tag: str, command: str) -> bool:
        while command.startswith("UID SEARCH"):
            session.say(b" ")
        return False

    shop.inbox.faults.append(drip)
    # Not tried again, nor are the other folders asked.
    with pytest.raises(Unreachable, match=r"took longer than 0 seconds to answer\. What came before is kept"):
        shop.pages()
    assert shop.inbox.connections == 1


# Encryption


@pytest.fixture
def certificate(tmp_path: Path) -> ssl.SSLContext:
    """Of 127.0.0.1, signed by itself; in `certificate.pem` for whoever shall trust it."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2120, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "certificate.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (tmp_path / "both.pem").write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem")
    return context


@pytest.mark.parametrize("tls", ["on", "starttls"])
def test_mails_come_over_an_encrypted_connection(
    tmp_path: Path, certificate: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, tls: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    capabilities = "IMAP4rev1 STARTTLS" if tls == "starttls" else "IMAP4rev1"
    with imap_server(
        Inbox(USER, SECRET, tls=certificate, starttls=tls == "starttls", capabilities=capabilities)
    ) as inbox:
        shop = Shop(tmp_path, inbox, {"tls": tls})
        shop.add(1)
        assert [len(page.items) for page in shop.pages()] == [1]


@pytest.mark.parametrize("tls", ["on", "starttls"])
def test_a_certificate_that_nobody_trusts_gets_no_password(
    tmp_path: Path, certificate: ssl.SSLContext, tls: str
) -> None:
    with imap_server(
        Inbox(USER, SECRET, tls=certificate, starttls=tls == "starttls", capabilities="IMAP4rev1 STARTTLS")
    ) as inbox:
        shop = Shop(tmp_path, inbox, {"tls": tls})
        with pytest.raises(CollectError) as error:
            shop.pages()
        assert str(error.value) == (
            f"127.0.0.1:{inbox.port} shows no certificate that this machine trusts. Nothing was sent to it."
        )
        assert not any("LOGIN" in asked for asked in inbox.asked)


def test_a_port_that_is_not_encrypted_is_told(shop: Shop) -> None:
    with pytest.raises(
        CollectError, match=r'does not speak TLS here\. Is the port right, or is tls = "starttls" meant\?'
    ):
        Shop(shop.folder, shop.inbox, {"tls": "on"}).pages()


def test_a_server_without_starttls_gets_no_password(shop: Shop) -> None:
    with pytest.raises(CollectError, match=r'it offers no STARTTLS; is tls = "on" meant\?'):
        Shop(shop.folder, shop.inbox, {"tls": "starttls"}).pages()
    assert not any("LOGIN" in asked for asked in shop.inbox.asked)


# Numbers and folders


def test_a_folder_that_was_numbered_anew_is_read_again_and_nothing_doubles(shop: Shop) -> None:
    shop.inbox.inbox.add(b"Subject: x\r\n\r\n" + "没有编号的信".encode(), ARRIVED)
    shop.collect()
    shop.inbox.inbox.validity = 2
    for number, each in enumerate(shop.inbox.inbox.mails):
        each.uid = 1000 + number
    shop.add(122)
    ran = shop.collect()
    assert ran.out == (
        "live: 1 new, 121 already there\n"
        "  INBOX: the server has numbered the mails anew: all are read again, and none is stored twice\n"
    )
    assert shop.collect().out == "live: 0 new\n"


def form_mail(hour: int, text: str) -> bytes:
    """As the form on a page sends them: all with one Message-ID."""
    return mail(1, text).replace(b"Date: Sun, 01 Mar 2026 09", f"Date: Sun, 01 Mar 2026 {hour:02}".encode())


@pytest.mark.parametrize("apart", [False, True], ids=["in one run", "in several"])
def test_mails_that_share_a_message_id_are_told_apart_by_their_dates(empty: "Shop", apart: bool) -> None:
    for hour, text in ((9, "物流太慢"), (10, "屏幕碎了"), (11, "客服很好")):
        empty.inbox.inbox.add(form_mail(hour, text), ARRIVED)
        if apart:
            empty.collect()
    empty.inbox.inbox.add(form_mail(10, "屏幕碎了"), ARRIVED)  # once more, as a copy in a folder is
    answer = mail(2, "还没修好", "In-Reply-To: <1@mail.example>", "References: <1@mail.example>")
    empty.inbox.inbox.add(answer, ARRIVED)
    empty.collect()
    query = "select source_id, conversation_id, text from verbatims order by id"
    expected = empty.rows(query)
    assert [text for *_, text in expected] == ["物流太慢", "屏幕碎了", "客服很好", "还没修好"]
    own = [re.sub("#[0-9a-f]{12}$", "#…", str(source_id)) for source_id, *_ in expected]
    assert own == ["1@mail.example", "1@mail.example#…", "1@mail.example#…", "2@mail.example"]
    assert [row[1] for row in expected] == [*(row[0] for row in expected[:3]), "1@mail.example"]
    empty.inbox.inbox.validity = 2
    empty.inbox.inbox.mails.reverse()
    for number, each in enumerate(empty.inbox.inbox.mails):
        each.uid = 1000 + number
    assert empty.collect().out.startswith("live: 0 new, 4 already there")
    assert empty.rows(query) == expected


@pytest.mark.parametrize(
    "date", ["X-Nothing: 1", "Date: Sun, 01 Mar 2026 10:00:00 CST", "Date: Sun, 01 Mar 2026 10:00"]
)
def test_mails_that_share_a_message_id_and_have_no_certain_date_are_told_apart_by_their_words(
    empty: "Shop", date: str
) -> None:
    for minute, text in enumerate(("物流太慢", "屏幕碎了", "客服很好")):
        raw = mail(1, text).replace(b"Date: Sun, 01 Mar 2026 09:30:00 +0800", date.encode())
        empty.inbox.inbox.add(raw, ARRIVED + timedelta(minutes=minute))
        assert empty.collect().out == "live: 1 new\n"
    assert empty.rows("select text from verbatims order by id") == [("物流太慢",), ("屏幕碎了",), ("客服很好",)]


def test_saved_mails_without_a_date_that_share_a_message_id_are_told_apart_and_get_no_date_of_another(
    empty: "Shop",
) -> None:
    empty.inbox.inbox.add(form_mail(9, "物流太慢"), ARRIVED)
    empty.collect()
    undated = form_mail(9, "屏幕碎了").replace(b"Date: Sun, 01 Mar 2026 09:30:00 +0800", b"X-Nothing: 1")
    (empty.folder / "x.eml").write_bytes(undated)
    assert empty.collect("--load", str(empty.folder / "x.eml")).out == "live: 1 new\n"
    expected = [("物流太慢", "2026-03-01T01:30:00Z"), ("屏幕碎了", None)]
    assert empty.rows("select text, posted_at from verbatims order by id") == expected


@pytest.mark.parametrize("apart", ["hours", "seconds"])
def test_mails_that_share_a_message_id_and_are_of_two_senders_are_two(empty: "Shop", apart: str) -> None:
    words = ("物流太慢", "物流太慢") if apart == "hours" else ("物流太慢", "屏幕碎了")
    for n, text in enumerate(words):
        raw = form_mail(9 + n * (apart == "hours"), text).replace(b"buyer1@", f"buyer{5 + n}@".encode())
        empty.inbox.inbox.add(raw, ARRIVED)
        assert empty.collect().out == "live: 1 new\n"
    assert empty.rows("select text from verbatims order by id") == [(text,) for text in words]


@pytest.mark.parametrize("what", ["channel", "key"])
def test_a_mail_is_one_whatever_code_its_sender_has_now(shop: "Shop", what: str) -> None:
    shop.collect()
    if what == "key":
        (shop.folder / ".feedback-key").unlink()
        shop.inbox.inbox.validity = 2
    else:
        written = (shop.folder / "feedback.toml").read_text(encoding="utf-8")
        (shop.folder / "feedback.toml").write_text(written.replace("邮件", "邮箱"), encoding="utf-8")
    assert "live: 0 new" in shop.collect().out
    assert shop.rows("select count(*) from verbatims") == [(120,)]


def test_a_mail_dated_ahead_of_its_arrival_is_one_wherever_and_whenever_it_arrives(empty: "Shop") -> None:
    raw = mail(1).replace(b"Sun, 01 Mar 2026 09:30:00", b"Tue, 03 Mar 2026 12:00:00")
    for days in (0, 3, 30):
        empty.inbox.inbox.add(raw, ARRIVED + timedelta(days=days))
        empty.collect()
    (empty.folder / "x.eml").write_bytes(raw)
    assert empty.collect("--load", str(empty.folder / "x.eml")).out == "live: 0 new, 1 already there\n"
    assert empty.rows("select source_id, posted_at from verbatims") == [("1@mail.example", "2026-03-01T02:00:00Z")]


def test_a_date_that_is_known_stays_where_a_mail_comes_again_without_one(empty: "Shop") -> None:
    raw = mail(1).replace(b"+0800", b"CST")
    (empty.folder / "x.eml").write_bytes(raw)
    query = "select source_id, posted_at from verbatims"
    empty.collect("--load", str(empty.folder / "x.eml"))
    assert empty.rows(query) == [("1@mail.example", None)]
    empty.inbox.inbox.add(raw, ARRIVED)
    empty.collect()
    assert empty.rows(query) == [("1@mail.example", "2026-03-01T02:00:00Z")]
    empty.collect("--load", str(empty.folder / "x.eml"))
    assert empty.rows(query) == [("1@mail.example", "2026-03-01T02:00:00Z")]


def test_a_mail_without_a_date_of_its_own_is_one_wherever_it_lies(empty: "Shop") -> None:
    raw = mail(1).replace(b"Date: Sun, 01 Mar 2026 09:30:00 +0800", b"X-Nothing: 1")
    empty.inbox.inbox.add(raw, ARRIVED)
    empty.inbox.inbox.add(raw, ARRIVED + timedelta(hours=1))
    empty.collect()
    assert empty.rows("select source_id from verbatims") == [("1@mail.example",)]


def test_a_folder_that_is_numbered_anew_while_it_is_read_is_read_again(shop: Shop) -> None:
    broken = cut_at("UID FETCH 51")

    def fault(session: Session, tag: str, command: str) -> bool:
        if broken(session, tag, command):
            shop.inbox.inbox.validity = 7
            return True
        return False

    shop.inbox.faults.append(fault)
    assert [(len(page.items), page.state, bool(page.notes)) for page in shop.pages()] == [
        (50, "[1, 50]", False),
        (0, "[7, 0]", True),
        (50, "[7, 50]", False),
        (50, "[7, 100]", False),
        (20, "[7, 120]", False),
    ]


def test_a_folder_that_is_numbered_anew_all_the_time_is_given_up(shop: Shop) -> None:
    def fault(session: Session, _tag: str, command: str) -> bool:
        if command.startswith("UID SEARCH"):
            shop.inbox.inbox.validity += 1
            session.cut()
            return True
        return False

    shop.inbox.faults.append(fault)
    with pytest.raises(CollectError, match=r"127.0.0.1 numbers the mails of 'INBOX' anew all the time"):
        shop.pages()


def test_large_folders_are_asked_for_in_pieces(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feedback.collectors.live.mailbox._LONGEST_LINE", 100)
    monkeypatch.setattr("feedback.collectors.live.mailbox._WINDOW", 60)
    assert [page.state for page in shop.pages("[1, 20]")] == ["[1, 70]", "[1, 120]"]
    assert [asked for asked in shop.inbox.asked if "SEARCH" in asked] == [
        "UID SEARCH UID 21:80",
        "UID SEARCH UID 81:140",
    ]


def test_an_empty_folder_is_no_fault(tmp_path: Path, inbox: Inbox) -> None:
    shop = Shop(tmp_path, inbox, {})
    assert shop.collect().out == "live: 0 new\n"
    shop.add(1)
    assert shop.collect().out == "live: 1 new\n"


def test_each_folder_has_a_state_and_chinese_names_are_written_as_imap_wants(tmp_path: Path, inbox: Inbox) -> None:
    from imap_server import Folder

    inbox.folders["&W6JiN1PNmYg-"] = Folder(9)
    inbox.folders["&W6JiN1PNmYg-"].add(mail(2), ARRIVED)
    shop = Shop(tmp_path, inbox, {"folders": ["INBOX", "客户反馈"]})
    shop.add(1, 2)
    assert shop.collect().code == 0
    assert shop.stored() == expected(1, 2)
    assert shop.collect().out == "live: 0 new\n"
    wrong = Shop(tmp_path, inbox, {"folders": ["其他"]})
    assert wrong.collect().err == (
        f"Error: live: 127.0.0.1:{inbox.port} has no folder '其他' that may be read. It has: INBOX, 客户反馈.\n"
    )


@pytest.mark.parametrize(
    "name, written",
    [
        ("INBOX", b"INBOX"),
        ("A&B", b"A&-B"),
        ("客户反馈/2026", b"&W6JiN1PNmYg-/2026"),
        ("😀?", b"&2D3eAA-?"),
        ("已发送", b"&XfJT0ZAB-"),
    ],
)
def test_names_of_folders_go_there_and_back(name: str, written: bytes) -> None:
    assert modified_utf7(name).encode() == written
    assert from_modified_utf7(written) == name


def test_a_name_that_is_not_written_as_imap_wants_is_shown_as_it_is() -> None:
    assert from_modified_utf7(b"&AAA") == "&AAA"
    assert from_modified_utf7(b"&2D0-") == "&2D0-"


# Mails


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


@pytest.fixture
def empty(tmp_path: Path, inbox: Inbox) -> Shop:
    return Shop(tmp_path, inbox, {"own": ["Help@shop.example", "@team.shop.example"]})


def test_a_mail_becomes_a_record(empty: Shop) -> None:
    empty.add(1)
    assert items(empty) == [record()]


def test_a_conversation_is_kept_together_and_our_own_answers_are_context(empty: Shop) -> None:
    empty.add(1)
    answer = mail(
        2, "抱歉让您久等\r\n\r\n> 物流太慢了", "In-Reply-To: <1@mail.example>", "References: <1@mail.example>"
    )
    again = mail(3, "还是没到", "In-Reply-To: <2@mail.example>", "References: <1@mail.example> <2@mail.example>")
    empty.inbox.inbox.add(answer.replace(b"buyer2@mail", b"help@shop"), ARRIVED)
    empty.inbox.inbox.add(again.replace(b"order 3", b"Re: order 1").replace(b"buyer3", b"buyer1"), ARRIVED)
    team = mail(4, "内部").replace(b"buyer4@mail.example", b"anna@team.shop.example")
    empty.inbox.inbox.add(team, ARRIVED)
    assert items(empty) == [
        record(),
        record(
            text="抱歉让您久等",
            location="INBOX:2@mail.example",
            source_id="2@mail.example",
            role="agent",
            turn=2,
            parent_id="1@mail.example",
            customer=None,
            question="order 2",
        ),
        record(
            text="还是没到",
            location="INBOX:3@mail.example",
            source_id="3@mail.example",
            turn=3,
            parent_id="2@mail.example",
        ),
        record(
            text="内部",
            location="INBOX:4@mail.example",
            source_id="4@mail.example",
            role="agent",
            conversation_id="4@mail.example",
            customer=None,
            question="order 4",
        ),
    ]


def test_a_subject_that_the_text_begins_with_is_no_question(empty: Shop) -> None:
    empty.inbox.inbox.add(mail(1, "order 1 还没到"), ARRIVED)
    assert items(empty) == [record(text="order 1 还没到", question=None)]


@pytest.mark.parametrize("body", ["", "\r\n  \r\n"])
def test_what_somebody_wrote_into_the_subject_alone_is_what_he_said(empty: Shop, body: str) -> None:
    raw = mail(1).partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + body.encode()
    empty.inbox.inbox.add(raw, ARRIVED)
    assert items(empty) == [record(text="order 1", question=None)]


@pytest.mark.parametrize(
    "raw, reason",
    [
        pytest.param(
            mail(1).replace(b"text/plain; charset=utf-8", b"application/pkcs7-mime"),
            "it is encrypted, or sealed by a signature around it",
            id="encrypted",
        ),
        pytest.param(b"Message-ID: <1@mail.example>\r\nFrom: a@b.example\r\n\r\n", "it is empty", id="empty"),
        pytest.param(
            b"Message-ID: <1@mail.example>\r\nSubject: Re: order\r\n\r\n", "it is empty", id="an empty answer"
        ),
        pytest.param(
            mail(1, "> 您好\r\n> 请评价"), "it holds nothing but an earlier mail or a signature", id="a quote alone"
        ),
    ],
)
def test_mails_without_words_are_rejected_with_a_reason(empty: Shop, raw: bytes, reason: str) -> None:
    empty.inbox.inbox.add(raw, ARRIVED)
    assert items(empty) == [Unreadable("INBOX:1@mail.example", reason)]


def test_a_mail_that_breaks_programs_is_rejected_and_the_next_is_read(empty: Shop) -> None:
    empty.inbox.inbox.add(b"Content-Type: text/plain" + b';"' * 50_000 + b"\r\n\r\nx", ARRIVED)
    empty.inbox.inbox.add(mail(1), ARRIVED)
    assert items(empty) == [
        Unreadable("INBOX:1", "it can't be taken apart: it is damaged, or made to break programs"),
        record(),
    ]


def test_automatic_mails_are_left_out_and_counted(empty: Shop) -> None:
    empty.inbox.inbox.add(mail(1, "", "Auto-Submitted: auto-replied"), ARRIVED)
    empty.inbox.inbox.add(mail(2, "", "List-Id: <news.example>"), ARRIVED)
    empty.inbox.inbox.add(mail(3, "").replace(b"buyer3@", b"mailer-daemon@"), ARRIVED)
    assert empty.pages() == [
        Page([], "[1, 3]"),
        Page([], None, ("INBOX: 3 automatic mails left out (auto-replies, bounces, lists)",)),
    ]


def test_without_a_date_a_mail_is_of_when_it_arrived(empty: Shop) -> None:
    empty.inbox.inbox.add(mail(1).replace(b"Date: Sun, 01 Mar 2026 09:30:00 +0800\r\n", b""), ARRIVED)
    assert items(empty) == [record(posted_at="2026-03-01T02:00:00Z")]


def test_a_server_that_knows_no_time_of_arrival_leaves_the_date(empty: Shop) -> None:
    raw = mail(1)
    empty.inbox.inbox.add(raw, ARRIVED)
    empty.inbox.inbox.add(mail(2), ARRIVED)
    body = b" BODY[]<0> {%d}\r\n%b" % (len(raw), raw)

    def fault(session: Session, tag: str, command: str) -> bool:
        if not command.startswith("UID FETCH"):
            return False
        session.say(b"* 2 FETCH (FLAGS (\\Seen))\r\n")
        if "SIZE" in command:
            session.say(b'* 1 FETCH (UID 1 RFC822.SIZE 7 INTERNALDATE "31-Feb-2026 10:00:00 +0800")\r\n')
            session.say(b'* 2 FETCH (RFC822.SIZE 0 INTERNALDATE "yesterday" UID 2)\r\n')
        else:
            session.say(b"* 1 FETCH (" + body + b" UID 1)\r\n")
            session.say(b'* 2 FETCH (UID 2 BODY[]<0> "Message-ID: <x@y> \\"UID 7\\"")\r\n')
        session.say(f"{tag} OK done")
        return True

    empty.inbox.faults.append(fault)
    assert items(empty) == [record(), Unreadable("INBOX:x@y", "it is empty")]


def refuse(numbers: str) -> Fault:
    def fault(session: Session, tag: str, command: str) -> bool:
        asked = command.split(" ")
        if (
            asked[:2] != ["UID", "FETCH"]
            or "BODY" not in command
            or not set(numbers.split(",")) & set(asked[2].split(","))
        ):
            return False
        session.say(f"{tag} NO [UNAVAILABLE] this one is broken")
        return True

    return fault


def test_a_mail_that_the_server_does_not_give_out_does_not_keep_the_others(empty: Shop) -> None:
    empty.add(1, 2, 3)
    empty.inbox.faults.append(refuse("2"))
    gone = Unreadable("INBOX:2", "the mail is gone, or the server does not give it out")
    first, second, third = items(empty)
    assert (isinstance(first, Record), second, isinstance(third, Record)) == (True, gone, True)


def test_mails_that_are_deleted_while_they_are_asked_for_are_told(empty: Shop) -> None:
    empty.add(1, 2)

    def fault(_session: Session, _tag: str, command: str) -> bool:
        if "BODY.PEEK" in command:
            del empty.inbox.inbox.mails[1:]
        return False

    empty.inbox.faults.append(fault)
    assert items(empty) == [record(), Unreadable("INBOX:2", "the mail is gone, or the server does not give it out")]


# Large mails


def large(*each: str, boundary: str = "B") -> bytes:
    body = "".join(f"--{boundary}\r\n{part}\r\n" for part in each) + f"--{boundary}--\r\n"
    kind = f"multipart/mixed; boundary={boundary}"
    return (
        mail(1).partition(b"\r\n\r\n")[0].replace(b"text/plain; charset=utf-8", kind.encode())
        + f"\r\n\r\n{body}".encode()
    )


PICTURE = "Content-Type: image/jpeg\r\nContent-Transfer-Encoding: base64\r\n\r\n" + "/9j/4AAQSkZJRgABAQ" * 170_000
INNER = (
    "Content-Type: multipart/alternative; boundary=C\r\n\r\n--C\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n杯子碎了\r\n"
    "--C\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>杯子碎了</p>\r\n--C--\r\n"
)
LOG = "Content-Type: text/plain\r\nContent-Disposition: attachment; filename=log.txt\r\n\r\n" + "x" * 100


@pytest.mark.parametrize("parts", [(INNER, PICTURE), (PICTURE, INNER), (LOG, PICTURE, INNER)])
def test_of_a_large_mail_only_the_words_are_asked_for(empty: Shop, parts: tuple[str, ...]) -> None:
    empty.inbox.inbox.add(large(*parts), ARRIVED)
    empty.add(2)
    assert items(empty)[0] == record(text="杯子碎了")
    picture = parts.index(PICTURE) + 1
    assert not any(
        f"BODY.PEEK[{picture}]" in asked or "FETCH 1 (UID BODY.PEEK[]" in asked for asked in empty.inbox.asked
    )


@pytest.mark.parametrize(
    "line, kept",
    [
        pytest.param("慢了。\n", "慢了。", id="lines"),
        pytest.param("慢", "慢", id="without any end of a line"),
        pytest.param("a慢", "", id="cut in another place"),
    ],
)
@pytest.mark.parametrize("charset", ["utf-8", "gb18030"])
def test_the_words_of_a_large_mail_are_cut_where_they_pass_all_measure_and_that_is_told(
    empty: Shop, line: str, kept: str, charset: str
) -> None:
    raw = (
        mail(1)
        .partition(b"\r\n\r\n")[0]
        .replace(b"utf-8\r\n", b"utf-8\r\n")
        .replace(b"charset=utf-8", f"charset={charset}".encode())
    )
    empty.inbox.inbox.add(raw + b"\r\n\r\n" + (line * 1_100_000).encode(charset), ARRIVED)
    (found,) = items(empty)
    assert isinstance(found, Record)
    assert found.problems == ("the mail has more than 2 MB of text: the rest is left out",)
    assert found.text.endswith(kept)
    assert 1_900_000 < len(found.text.encode(charset)) <= 2 * 1024 * 1024
    assert set(found.text) == set(line)


def test_a_mail_of_which_the_server_tells_the_wrong_size_is_taken_as_it_is(empty: Shop) -> None:
    empty.inbox.inbox.add(large(INNER, PICTURE), ARRIVED)

    def fault(session: Session, tag: str, command: str) -> bool:
        if "RFC822.SIZE" not in command:
            return False
        session.say("* 1 FETCH (UID 1 RFC822.SIZE 12)")
        session.say(f"{tag} OK done")
        return True

    empty.inbox.faults.append(fault)
    assert items(empty) == [record(text="杯子碎了")]


def test_a_large_mail_without_words_is_rejected(empty: Shop) -> None:
    empty.inbox.inbox.add(large(PICTURE).replace(b"Subject: order 1\r\n", b""), ARRIVED)
    assert items(empty) == [Unreadable("INBOX:1@mail.example", "it has no words, only attachments")]


def test_a_large_mail_that_the_server_does_not_give_out_is_told(empty: Shop) -> None:
    empty.inbox.inbox.add(large(PICTURE), ARRIVED)
    empty.inbox.faults.append(refuse("1"))
    assert items(empty) == [Unreadable("INBOX:1", "the mail is gone, or the server does not give it out")]


def test_a_large_mail_of_countless_parts_costs_few_questions(empty: Shop) -> None:
    parts = [f"Content-Type: text/plain; charset=utf-8\r\n\r\n第{number}" for number in range(30)]
    empty.inbox.inbox.add(large(*parts, PICTURE), ARRIVED)
    (found,) = items(empty)
    assert isinstance(found, Record)
    assert found.text.split("\n") == [f"第{number}" for number in range(20)]


def test_small_mails_are_asked_for_together_up_to_eight_megabytes(empty: Shop) -> None:
    for number in range(1, 8):
        empty.inbox.inbox.add(mail(number, "x" * 1_500_000), ARRIVED)
    empty.inbox.inbox.add(large(INNER, PICTURE), ARRIVED)
    assert len(items(empty)) == 8
    asked = [each.split(" ")[2] for each in empty.inbox.asked if "BODY.PEEK[]" in each]
    assert asked == ["1,2,3,4,5", "6,7"]


# Saved mails


def saved(shop: Shop, name: str, content: bytes) -> list[object]:
    path = shop.folder / name
    path.write_bytes(content)
    return list(ImapCollector().saved(path, shop.visit()))


def test_a_saved_mail_is_read(empty: Shop) -> None:
    assert saved(empty, "一封.eml", mail(1)) == [record(location="一封.eml:1@mail.example")]


def test_saved_mails_that_cannot_be_used_are_told(empty: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feedback.collectors.mail_files.LARGEST", 100_000)
    content = (
        b"From x\n" + mail(1, "", "Precedence: bulk") + b"\nFrom x\n" + mail(2, "x" * 200_000) + b"\nFrom x\n"
        b"Content-Type: text/plain" + b';"' * 30_000 + b"\n\nx\n"
    )
    assert saved(empty, "x.mbox", content) == [
        Unreadable("x.mbox:1", "an automatic mail (auto-reply, bounce, mailing list) is left out"),
        Unreadable("x.mbox:2", "the mail is larger than 32 MB"),
        Unreadable("x.mbox:3", "it can't be taken apart: it is damaged, or made to break programs"),
    ]


# Settings


@pytest.mark.parametrize(
    "settings, says",
    [
        ({"host": ""}, "'host' is missing: the mail server, like imap.exmail.qq.com"),
        ({"user": ""}, "'user' is missing"),
        ({"tls": "ssl"}, "'tls' must be one of on, starttls, off, not 'ssl'"),
        (
            {"host": "imap.shop.example"},
            'tls = "off" is for 127.0.0.1 alone: the password would be seen by all on the way',
        ),
        ({"port": 0}, "'port' must be a number from 1 to 65535, not 0"),
        ({"port": 993.5}, "'port' must be a number from 1 to 65535, not 993.5"),
        ({"folders": ["A", "A"]}, "'folders' names A twice"),
        ({"folders": ["A\r\nB"]}, "'host' or 'folders' holds a character that can't be seen"),
        ({"folders": [" "]}, "'folders' must be a list of texts, not [' ']"),
    ],
)
def test_settings_that_are_wrong_are_named(tmp_path: Path, settings: dict[str, object], says: str) -> None:
    options = {"host": "127.0.0.1", "tls": "off", "user": USER, **settings}
    visit = Visit(SourceConfig("live", "imap", options=options), Vault(tmp_path), NOW)
    with pytest.raises(CollectError) as error:
        ImapCollector().streams(visit)
    assert str(error.value) == f"source 'live': {says}."


def test_what_is_not_said_is_as_usual(tmp_path: Path) -> None:
    options = {"host": "imap.shop.example", "user": {"env": "NO_SUCH_VARIABLE"}, "folders": "INBOX"}
    assert ImapCollector().streams(Visit(SourceConfig("live", "imap", options=options), Vault(tmp_path), NOW)) == [
        "INBOX"
    ]


def test_the_user_may_be_kept_as_a_secret_too(empty: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_USER", USER)
    empty.settings["user"] = {"env": "MAIL_USER"}
    empty.add(1)
    assert len(items(empty)) == 1


@pytest.mark.parametrize("password", ['with "quotes" and \\', "密码 with Chinese", "ends in blanks and &"])
def test_passwords_of_all_kinds_let_in(empty: Shop, monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    monkeypatch.setenv(SECRET_VARIABLE, password)
    empty.inbox.password = password
    empty.add(1)
    assert len(items(empty)) == 1


def test_a_password_of_two_lines_is_refused(empty: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRET_VARIABLE, "one\nA1 DELETE INBOX")
    with pytest.raises(CollectError) as error:
        empty.pages()
    assert str(error.value) == (
        "source 'live': user or password holds a line break, or another character that can't be seen."
    )
    assert empty.inbox.asked == []


def test_a_provider_that_wants_to_know_the_program_is_told(empty: Shop) -> None:
    empty.inbox.wants_id = True
    empty.add(1)
    assert len(items(empty)) == 1
    assert any(asked.startswith('ID ("name" "yuansheng" "version" ') for asked in empty.inbox.asked)


def test_the_connection_is_closed_in_order(empty: Shop) -> None:
    empty.add(1)
    empty.pages()
    assert empty.inbox.asked[-1] == "LOGOUT"


def test_a_web_server_is_no_mail_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feedback.collectors.live.imap_client.SILENCE_SECONDS", 0.1)
    with wire(lambda _asked: Reply(b"")) as web:
        shop = Shop(tmp_path, Inbox(USER, SECRET, port=int(web.url.rpartition(":")[2])), {})
        with pytest.raises(CollectError, match="said nothing for 20 seconds"):
            shop.pages()
