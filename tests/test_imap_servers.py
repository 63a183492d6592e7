"""Collector imap and servers that go wrong, fall silent or can't be trusted: what goes wrong is said in words, and no password goes astray."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

import pytest
from imap_server import Fault, Inbox, Session, answer_with, imap_server
from imap_shop import USER, Shop, inbox, secret, shop
from local_servers import closed_port
from wire import Reply, wire
from worlds import SECRET

from feedback.collectors.live.patience import Unreachable
from feedback.errors import CollectError

__all__ = ["inbox", "secret", "shop"]


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


def test_a_web_server_is_no_mail_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feedback.collectors.live.imap_client.SILENCE_SECONDS", 0.1)
    with wire(lambda _asked: Reply(b"")) as web:
        shop = Shop(tmp_path, Inbox(USER, SECRET, port=int(web.url.rpartition(":")[2])), {})
        with pytest.raises(CollectError, match="said nothing for 20 seconds"):
            shop.pages()


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
