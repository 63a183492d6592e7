"""Servers that mean ill, or are broken beyond measure: each costs little memory and time, and ends in one clear sentence.

What costs memory is tried in a process of its own, whose peak is measured; what costs time with the deadlines of `web` shortened.
"""

import gzip
import json
import socket
import ssl
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from itertools import count, repeat
from pathlib import Path
from typing import Any

import pytest
from command import Ran, run
from contract import toml
from stored import rows
from wire import Asked, Reply, wire

from feedback.collectors.live import page_walk, paging, web
from feedback.collectors.live.web import Web
from feedback.errors import CollectError
from feedback.intake import LONGEST_TEXT
from feedback.project import load_project
from storage.store import Store

MOST_MEGABYTES = 200
TEN_GIGABYTES = 10 << 30
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n"
ZEROS = b"0" * (1 << 20)
SECTION = {
    "collector": "rest",
    "channel": "测试",
    "records": "items",
    "columns": {"text": "text", "source_id": "id"},
    "pages": {"type": "cursor", "parameter": "after", "cursor": "next"},
}

Serve = Callable[[socket.socket], None]


@contextmanager
def server(serve: Serve, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Reads what is asked, up to the empty line, and lets `serve` say whatever it wants; gives host and port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def talk(connection: socket.socket) -> None:
        # The client goes away in the middle, as it should.
        with suppress(OSError), connection, tls.wrap_socket(connection, True) if tls else connection as spoken:
            while True:
                asked = b""
                while not asked.endswith(b"\r\n\r\n"):
                    if not (more := spoken.recv(65536)):
                        return
                    asked += more
                serve(spoken)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def bytes_of(*pieces: bytes) -> Serve:
    return stream(lambda: iter(pieces))


def stream(pieces: Callable[[], Iterator[bytes]], pause_seconds: float = 0) -> Serve:
    """Says the pieces and hangs up."""
    pause = threading.Event()

    def serve(connection: socket.socket) -> None:
        for piece in pieces():
            connection.sendall(piece)
            if pause_seconds:
                pause.wait(pause_seconds)
        connection.shutdown(socket.SHUT_RDWR)

    return serve


def packed(head: bytes, times: int) -> Iterator[bytes]:
    """A gzip stream of a megabyte of zeros, so often."""
    squeeze = zlib.compressobj(9, wbits=31)
    yield head
    yield squeeze.compress(b"") + squeeze.flush(zlib.Z_FULL_FLUSH)
    yield from repeat(squeeze.compress(ZEROS) + squeeze.flush(zlib.Z_FULL_FLUSH), times)


def packed_twice(head: bytes) -> Iterator[bytes]:
    """Ten gigabytes of zeros in ten megabytes in some kilobytes."""
    yield head
    squeeze = zlib.compressobj(9, wbits=31)
    for piece in packed(b"", TEN_GIGABYTES // len(ZEROS)):
        yield squeeze.compress(piece)
    yield squeeze.flush()


def answer(body: bytes, head: bytes = HEAD) -> Serve:
    """It hangs up, and says so: else the next question may come before the client has noticed."""
    return bytes_of(head + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body), body)


def project(folder: Path, url: str, **more: object) -> Path:
    section = {"name": "live", "url": url, **SECTION, **more}
    lines = "\n".join(f"{key} = {toml(value)}" for key, value in section.items())
    (folder / "feedback.toml").write_text(f'[project]\nname = "门"\n\n[[sources]]\n{lines}\n', encoding="utf-8")
    return folder


def stored(folder: Path) -> list[tuple[Any, ...]]:
    with Store.open(load_project(folder).database) as store:
        return rows(store.connection, "select source_id, text from verbatims order by 1")


@dataclass(frozen=True)
class Measured:
    """How a process ended, what it said, and the most memory that it had."""

    code: int
    err: str
    megabytes: int


MEASURED = """
import sys
from feedback.cli import main
try:
    main()
finally:
    # Not getrusage: its peak counts what the parent held when this process was forked off it.
    peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    print(int(peak.split()[1]) // 1024)
"""


def measured(folder: Path) -> Measured:
    line = [sys.executable, "-W", "error", "-W", "ignore::ResourceWarning", "-c", MEASURED, "--project", str(folder)]
    ran = subprocess.run([*line, "collect"], capture_output=True, text=True, check=False)
    return Measured(ran.returncode, ran.stderr, int(ran.stdout.splitlines()[-1]))


TOO_LONG = "answers with more than 16 MB. Ask for fewer records a page."
TOO_DEEP = "answers with JSON that is nested too deeply."
TOO_MANY = "answers with more than a million values. Ask for fewer records a page."
HEADERS = "answers with more or longer headers than any answer needs. Is the address right?"
NO_JSON = "answers with something that is no JSON: "

# What is said, and how it ends.
GREEDY: dict[str, tuple[Serve, str]] = {
    "ten gigabytes, announced": (
        stream(lambda: iter([HEAD + b"Content-Length: %d\r\n\r\n" % TEN_GIGABYTES, *repeat(ZEROS, 10_240)])),
        TOO_LONG,
    ),
    "ten gigabytes, not announced": (stream(lambda: iter([HEAD + b"\r\n", *repeat(ZEROS, 10_240)])), TOO_LONG),
    "ten gigabytes in pieces": (
        stream(
            lambda: iter(
                [HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *repeat(b"100000\r\n" + ZEROS + b"\r\n", 10_240)]
            )
        ),
        TOO_LONG,
    ),
    "a piece of a length without end": (
        stream(
            lambda: iter([HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 60 + b"\r\n", *repeat(ZEROS, 10_240)])
        ),
        TOO_LONG,
    ),
    "ten gigabytes, packed": (
        stream(lambda: packed(HEAD + b"Content-Encoding: gzip\r\n\r\n", 10_240)),
        TOO_LONG,
    ),
    "ten gigabytes, packed twice": (
        stream(lambda: packed_twice(HEAD + b"Content-Encoding: gzip, gzip\r\n\r\n")),
        TOO_LONG,
    ),
    "ten gigabytes with a refusal": (
        stream(lambda: packed(HEAD.replace(b"200 OK", b"401 No") + b"Content-Encoding: gzip\r\n\r\n", 10_240)),
        "refuses (401). The key is missing, wrong or has run out.",
    ),
    "brackets, 100,000 deep": (answer(b"[" * 100_000 + b"]" * 100_000), TOO_DEEP),
    "objects, 900 deep": (answer(b'{"items":' * 900 + b"[]" + b"}" * 900), TOO_DEEP),
    "five million lists": (answer(b'{"items":[' + b"[]," * 5_000_000 + b"[]]}"), TOO_MANY),
    "10,000 headers": (bytes_of(HEAD + b"".join(b"X-%d: y\r\n" % n for n in range(10_000)) + b"\r\n{}"), HEADERS),
    "a header without end": (stream(lambda: iter([HEAD + b"X: ", *repeat(ZEROS, 10_240)])), HEADERS),
    "a first line without end": (stream(lambda: repeat(ZEROS, 10_240)), HEADERS),
}


reads_status = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/status")


@reads_status
@pytest.mark.parametrize("what", GREEDY)
def test_what_would_fill_a_memory_is_left_off(what: str, tmp_path: Path) -> None:
    serve, said = GREEDY[what]
    with server(serve) as host:
        ran = measured(project(tmp_path, f"http://{host}/v1"))
    assert (ran.code, ran.err) == (1, f"Error: live: {host}/v1 {said}\n")
    assert ran.megabytes < MOST_MEGABYTES
    assert stored(tmp_path) == []


@reads_status
def test_of_an_answer_with_half_a_million_records_few_are_held_at_a_time(tmp_path: Path) -> None:
    with server(answer(b'{"items":[' + b'{"id":"a"},' * 200_000 + b'{"id":"b","text":"fine"}]}')) as host:
        ran = measured(project(tmp_path, f"http://{host}/v1"))
    assert (ran.code, ran.err) == (0, "")
    assert ran.megabytes < MOST_MEGABYTES
    assert stored(tmp_path) == [("b", "fine")]


# 5,000,000 characters each, as the server writes them; that they say the same does not make them equal.
LONG = {
    "Han characters": "这件外套颜色很正穿着暖和" * 416_666,
    "emoji and words": "👍好用 ok " * 700_000,
    "words": "slow delivery, " * 333_333,
    "numbers": "42 0.5 1 " * 555_555,
}


@reads_status
@pytest.mark.parametrize("what", LONG)
def test_of_a_text_as_long_as_an_answer_may_be_the_beginning_is_kept_and_that_is_said(
    what: str, tmp_path: Path
) -> None:
    said = LONG[what]
    body = json.dumps({"items": [{"id": "a", "text": said}]}, ensure_ascii=False).encode()
    with server(answer(body)) as host:
        ran = measured(project(tmp_path, f"http://{host}/v1"))
    assert ran.megabytes < MOST_MEGABYTES
    [(_, kept)] = stored(tmp_path)
    assert said.startswith(kept)
    assert len(kept) > 0.99 * LONGEST_TEXT
    assert f"the text has {len(said):,} characters: of more than 200,000" in run("rejects", project=tmp_path).out


@reads_status
def test_a_thousand_long_texts_at_once_cost_little(tmp_path: Path) -> None:
    items = [{"id": str(n), "text": f"{n}号门店" + "排队半小时座位也脏" * 500} for n in range(1000)]
    with server(answer(json.dumps({"items": items}, ensure_ascii=False).encode())) as host:
        ran = measured(project(tmp_path, f"http://{host}/v1"))
    assert (ran.code, ran.err) == (0, "")
    assert ran.megabytes < MOST_MEGABYTES
    assert len(stored(tmp_path)) == 1000


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The deadlines shortened; between two attempts nobody waits."""
    monkeypatch.setattr(web, "ATTEMPT_SECONDS", 1.0)
    monkeypatch.setattr(web, "SILENCE_SECONDS", 0.4)
    monkeypatch.setattr(web, "CONNECT_SECONDS", 0.4)
    monkeypatch.setattr("time.sleep", lambda _seconds: None)


def collected(folder: Path, url: str, **more: object) -> Ran:
    return run("collect", project=project(folder, url, **more))


TOO_SLOW = "took longer than 1 seconds to answer. Run this again later."
SILENT = "said nothing for 0 seconds. What came before is kept; run this again later."
LATER = " What came before is kept; run this again later."
BODY = json.dumps({"items": [{"id": "a", "text": "物流太慢了，等了五天"}]}, ensure_ascii=False)


def one_by_one(text: bytes) -> Iterator[bytes]:
    return (text[n : n + 1] for n in range(len(text)))


SLOW: dict[str, tuple[Serve, str]] = {
    "headers, a byte at a time": (stream(lambda: one_by_one(HEAD * 100), 0.1), TOO_SLOW),
    "a body, a byte at a time": (
        stream(lambda: iter([HEAD + b"Content-Length: 9999\r\n\r\n", *one_by_one(b" " * 9999)]), 0.1),
        TOO_SLOW,
    ),
    "a packed body, a byte at a time": (
        stream(
            lambda: iter([HEAD + b"Content-Encoding: gzip\r\n\r\n", *one_by_one(gzip.compress(b"x", 0) * 999)]), 0.1
        ),
        TOO_SLOW,
    ),
    "go on, go on, for ever": (stream(lambda: repeat(b"HTTP/1.1 100 Continue\r\n\r\n"), 0.001), TOO_SLOW),
    "last lines for ever": (
        stream(lambda: iter([HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", *repeat(b"X: y\r\n", 9999)]), 0.001),
        TOO_SLOW,
    ),
    "nothing at all": (stream(lambda: iter([b"", b""]), 9), SILENT),
    "nothing after the headers": (stream(lambda: iter([HEAD + b"\r\n", b""]), 9), SILENT),
}


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("what", SLOW)
def test_who_speaks_slowly_is_not_listened_to_for_ever(what: str, tmp_path: Path) -> None:
    serve, said = SLOW[what]
    with server(serve) as host:
        assert collected(tmp_path, f"http://{host}/v1") == Ran(1, "", f"Error: live: {host}/v1 {said}\n")


@pytest.mark.usefixtures("hurried")
def test_who_says_nothing_is_asked_once_more_and_not_four_times(tmp_path: Path) -> None:
    asked: list[int] = []

    def serve(connection: socket.socket) -> None:
        asked.append(1)
        threading.Event().wait(9)
        connection.close()

    with server(serve) as host:
        assert collected(tmp_path, f"http://{host}/v1").err == f"Error: live: {host}/v1 {SILENT}\n"
    assert len(asked) == 2


@pytest.mark.usefixtures("hurried")
def test_a_connection_that_opens_when_the_time_is_up_is_closed_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo

    def slowly(*arguments: Any, **named: Any) -> Any:
        threading.Event().wait(1.2)
        return real(*arguments, **named)

    monkeypatch.setattr("socket.getaddrinfo", slowly)
    with server(stream(lambda: one_by_one(HEAD), 0.3)) as host:
        assert collected(tmp_path, f"http://{host}/v1").err == f"Error: live: {host}/v1 {TOO_SLOW}\n"


BROKEN: dict[str, tuple[Serve, str]] = {
    "a body shorter than announced": (
        bytes_of(HEAD + b"Content-Length: 5000\r\n\r\n" + BODY.encode()),
        "broke the connection off." + LATER,
    ),
    "pieces that break off": (
        bytes_of(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n[1, 2\r\nfff\r\n[]"),
        "broke the connection off." + LATER,
    ),
    "a refusal that breaks off": (
        bytes_of(HEAD.replace(b"200", b"503") + b"Content-Length: 5000\r\n\r\n{}"),
        "broke the connection off." + LATER,
    ),
    "no HTTP": (bytes_of(b"220 mail.example ESMTP\r\n"), "broke the connection off." + LATER),
    "nothing, and gone": (bytes_of(), "broke the connection off." + LATER),
    "packed, it says": (
        answer(b"[1, 2]", HEAD + b"Content-Encoding: gzip\r\n"),
        "answers with something packed that can't be unpacked.",
    ),
    "packed a hundred times": (
        answer(b"[1, 2]", HEAD + b"Content-Encoding: " + b"gzip, " * 100 + b"gzip\r\n"),
        "answers with something packed that can't be unpacked.",
    ),
    "a number of a hundred thousand digits": (answer(b'{"items": [' + b"1" * 100_000 + b"]}"), NO_JSON + "not text."),
    "bytes of no charset": (answer(b'{"items": "\xff\xff\xff"}'), NO_JSON + "not text."),
    "a charset that is none": (
        answer(b'{"items": "\xff\xff-\xff"}', HEAD.replace(b"utf-8", b"punycode")),
        NO_JSON + "not text.",
    ),
    "a length that is none": (answer(BODY.encode()[:-1], HEAD + b"Content-Length: \xb2\xb3\r\n"), NO_JSON),
    "later, at a time that is none": (
        answer(b"", HEAD.replace(b"200", b"503") + b"Retry-After: \xb2\r\n"),
        "has trouble (503)." + LATER,
    ),
    "later, in more seconds than any number holds": (
        answer(b"", HEAD.replace(b"200", b"429") + b"Retry-After: " + b"9" * 310 + b"\r\n"),
        "asks for fewer requests (429). What came before is kept; it wants to be asked again much later.",
    ),
    "later, in a thousand years": (
        answer(b"", HEAD.replace(b"200", b"429") + b"Retry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\n"),
        "asks for fewer requests (429). What came before is kept; it wants to be asked again much later.",
    ),
}


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_is_said_in_one_sentence(what: str, tmp_path: Path) -> None:
    serve, said = BROKEN[what]
    with server(serve) as host:
        ran = collected(tmp_path, f"http://{host}/v1")
    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert ran.err.startswith(f"Error: live: {host}/v1 {said}")
    assert ran.err == f"Error: live: {host}/v1 {said}\n" or said == NO_JSON


def test_who_asks_for_patience_again_and_again_is_waited_for_half_an_hour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("time.sleep", waited.append)
    asked = count()

    def serve(connection: socket.socket) -> None:
        turn = next(asked)
        body = json.dumps({"items": [{"id": str(turn), "text": f"第{turn}次排队"}], "next": str(turn)}).encode()
        later = answer(b"", HEAD.replace(b"200", b"429") + b"Retry-After: 100\r\n")
        (later if turn % 4 else answer(body))(connection)

    with server(serve) as host:
        ran = run("collect", project=project(tmp_path, f"http://{host}/v1"))
    assert ran.err == (
        f"Error: live: {host}/v1 asks for fewer requests (429). What came before is kept; it wants to be asked again in 2 minutes.\n"
    )
    assert 1600 < sum(waited) <= 1850
    assert len(stored(tmp_path)) >= 4


@pytest.mark.usefixtures("hurried")
def test_nobody_there_and_no_such_name_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with server(bytes_of()) as host:
        pass
    assert collected(tmp_path, f"http://{host}/").err == f"Error: live: {host} takes no connection.{LATER}\n"

    def unknown(*_arguments: object, **_named: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", unknown)
    assert collected(tmp_path, "http://shop.invalid/v1").err == (
        "Error: live: shop.invalid can't be found. Is its name right, and is this machine online?\n"
    )


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:99999/v1", "http://[::1/v1", "http://127.0.0.1:x/v1", "v1", "http://"]
)
def test_an_address_that_is_none_is_said_to_be_none(url: str, tmp_path: Path) -> None:
    ran = collected(tmp_path, url)
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert ran.err.startswith("Error: live: source 'live': 'url' is no address that can be asked. Write one ")


def certificate(folder: Path) -> ssl.SSLContext:
    """Of a server that vouches for itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, SHA256())
    )
    path = folder / "certificate.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + made.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


@pytest.mark.usefixtures("hurried")
def test_a_certificate_that_nobody_vouches_for_ends_it_before_anything_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    tls = certificate(tmp_path)

    def serve(connection: socket.socket) -> None:
        asked.append(1)
        answer(BODY.encode())(connection)

    untrusted = "shows no certificate that this machine trusts. Nothing was sent to it.\n"
    with server(serve, tls) as host:
        assert collected(tmp_path, f"https://{host}/v1") == Ran(1, "", f"Error: live: {host} {untrusted}")
        assert asked == []
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "certificate.pem"))  # a company's own
        assert collected(tmp_path, f"https://{host}/v1").code == 0
        assert asked == [1]


@pytest.mark.usefixtures("hurried")
def test_who_takes_the_connection_and_never_shows_a_certificate_is_left(tmp_path: Path) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    host = f"127.0.0.1:{listener.getsockname()[1]}"
    with listener:
        ran = collected(tmp_path, f"https://{host}/v1")
    assert (ran.code, ran.err) == (1, f"Error: live: {host}/v1 {SILENT}\n")


@pytest.mark.usefixtures("hurried")
def test_a_server_without_encryption_is_said_to_be_one(tmp_path: Path) -> None:
    with wire(lambda _asked: Reply({})) as web:
        host = web.url.removeprefix("http://")
        ran = collected(tmp_path, f"https://{host}/v1")
    said = f"Error: live: {host} does not speak TLS here. Are https:// and the port right?\n"
    assert ran == Ran(1, "", said)


def moved(to: str, status: int = 302) -> Serve:
    return bytes_of(
        f"HTTP/1.1 {status} Moved\r\nConnection: close\r\nContent-Length: 0\r\nLocation: {to}\r\n\r\n".encode("latin-1")
    )


NOT_PASSED = ", which was not asked. Is the address right, and the key, where one is needed, still good? Login pages and bot checks are not passed.\n"
REDIRECTS = {
    "in a circle": ("/v1?again=1", "/v1 redirects again and again. Is the address right?\n"),
    "to another host": (
        "https://elsewhere.example/sso?user=wang",
        "/v1 redirects to elsewhere.example/sso" + NOT_PASSED,
    ),
    "to another port": ("http://127.0.0.1:1/v1", "/v1 redirects to 127.0.0.1:1/v1" + NOT_PASSED),
    "to a file": ("file:///etc/passwd", "/v1 redirects to /etc/passwd" + NOT_PASSED),
    "to what no terminal should be told": (
        "//x.example/\x1b]0;a\x07",
        "/v1 redirects to x.example/�]0;a�" + NOT_PASSED,
    ),
    "to a place without end": ("//x.example/" + "a" * 9000, f"/v1 redirects to x.example/{'a' * 189}…" + NOT_PASSED),
}


@pytest.mark.parametrize("where", REDIRECTS)
def test_a_redirect_leads_nowhere_else(where: str, tmp_path: Path) -> None:
    to, said = REDIRECTS[where]
    with server(moved(to)) as host:
        assert collected(tmp_path, f"http://{host}/v1") == Ran(1, "", f"Error: live: {host}{said}")


@pytest.mark.parametrize("to", ["http://[::1/", "http://127.0.0.1:99999/"])
def test_a_redirect_to_what_is_no_address_is_said_to_be_that(to: str, tmp_path: Path) -> None:
    with server(moved(to)) as host:
        assert collected(tmp_path, f"http://{host}/v1").err == (
            f"Error: live: This is no address that can be asked: '{host}/v1'.\n"
        )


def pages(give: Callable[[int], dict[str, object]]) -> Callable[[Asked], Reply]:
    numbers = count(1)
    return lambda _asked: Reply(give(next(numbers)))


IDLE = "gives page after page with nothing new in it."
NAME_THE_END = (
    "Is [pages] right? Where an answer tells whether there are more or it is the last, name that: [pages] more or last."
)
ASKED_BY = "It was asked for by '{}': the interface may call that otherwise ([pages] parameter)."
ITEM = {"id": "a", "text": "物流太慢了，等了五天"}
ENDLESS: dict[str, tuple[dict[str, object], Callable[[int], dict[str, object]], str]] = {
    "the same cursor": (
        {},
        lambda n: {"items": [{**ITEM, "id": f"{n}"}], "next": "x"},
        f"gives the same next page again and again. {ASKED_BY.format('after')}",
    ),
    "empty pages with ever new cursors": ({}, lambda n: {"items": [], "next": f"c{n}"}, f"{IDLE} {NAME_THE_END}"),
    "empty pages with ever new cursors, and no end": (
        {"pages": {"type": "cursor", "parameter": "after", "cursor": "next", "last": "is_end"}},
        lambda n: {"items": [], "next": f"c{n}", "is_end": False},
        f"{IDLE} Is [pages] right?",
    ),
    "the same page with ever new cursors": (
        {},
        lambda n: {"items": [ITEM], "next": f"c{n}"},
        f"{IDLE} {ASKED_BY.format('after')}",
    ),
    "the same page whatever is asked": (
        {"pages": {"type": "offset"}},
        lambda _n: {"items": [ITEM]},
        f"{IDLE} {ASKED_BY.format('offset')}",
    ),
    "ever new pages": (
        {},
        lambda n: {"items": [{**ITEM, "id": f"{n}"}], "next": f"c{n}"},
        "has more than 300 pages. Ask for more records a page.",
    ),
}


@pytest.mark.parametrize("what", ENDLESS)
def test_a_list_of_pages_that_never_ends_is_left(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_walk, "MOST_PAGES", 300)
    more, give, said = ENDLESS[what]
    with wire(pages(give)) as server:
        ran = collected(tmp_path, f"{server.url}/v1", **more)
        asked = len(server.asked)
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert ran.err.endswith(f"/v1 {said}\n")
    assert asked <= 300


def test_a_hundred_empty_pages_are_gone_through_to_what_is_behind_them(tmp_path: Path) -> None:
    def give(n: int) -> dict[str, object]:
        return {"items": [], "next": f"c{n}"} if n <= paging.MOST_IDLE_PAGES else {"items": [ITEM], "next": None}

    with wire(pages(give)) as server:
        assert collected(tmp_path, f"{server.url}/v1").code == 0
    assert stored(tmp_path) == [("a", "物流太慢了，等了五天")]


NEXT = {
    "http://[::1": "names a next page that is no address.",
    "http://127.0.0.1:99999/": "names a next page on 127.0.0.1, which was not asked.",
    "https://elsewhere.example/2?key=1": "names a next page on elsewhere.example, which was not asked.",
}


@pytest.mark.parametrize("there", NEXT)
def test_a_next_page_elsewhere_is_not_asked_for(there: str, tmp_path: Path) -> None:
    with wire(lambda _asked: Reply({"items": [ITEM], "next": there})) as server:
        ran = collected(tmp_path, f"{server.url}/v1", pages={"type": "next", "cursor": "next"})
    assert (ran.code, ran.err) == (1, f"Error: live: 127.0.0.1 {NEXT[there]}\n")


def test_no_cookie_is_kept() -> None:
    with wire(lambda _asked: Reply([], headers={"Set-Cookie": "session=1; Path=/"})) as server:
        asking = Web()
        asking.get(server.url)
        asking.get(server.url)
    assert [asked.headers.get("Cookie") for asked in server.asked] == [None, None]


def test_from_http_to_https_of_the_same_host_is_no_other_place() -> None:
    assert web.is_within("https://shop.example/v2", "http://shop.example/v1")
    assert not web.is_within("http://shop.example/v2", "https://shop.example/v1")


def test_a_redirect_within_the_host_is_followed() -> None:
    def give(asked: Asked) -> Reply:
        return Reply(b"", 301, {"Location": "/v2"}) if asked.path == "/v1" else Reply(["here"])

    with wire(give) as server:
        assert Web().get(f"{server.url}/v1").json() == ["here"]


def test_of_a_long_refusal_the_beginning_is_kept() -> None:
    with wire(lambda _asked: Reply(b"x" * 1_000_000, 403)) as server, pytest.raises(CollectError) as error:
        Web().get(server.url)
    assert isinstance(error.value, web.Refused)
    assert 64 * 1024 <= len(error.value.body) <= 128 * 1024
