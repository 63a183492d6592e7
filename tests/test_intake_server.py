"""serve-intake: what is taken in, what is refused and how, and what hostile clients come to."""

import hashlib
import hmac
import json
import re
import signal
import socket
import sqlite3
import struct
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from command import run
from intake_door import EVENT, TOKEN, VARIABLE, Door, Got, door, project_in, received
from processes import interruptible

import feedback.intake_server
from feedback.intake_limits import Limits
from feedback.intake_server import MOST_BYTES, Patience
from storage.errors import DatabaseLocked
from storage.store import Store

JSON = {"Content-Type": "application/json"}
HEADERS = f"Authorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n".encode()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Door]:
    with door(project_in(tmp_path)) as found:
        yield found


def test_a_record_is_stored_as_all_others_are(shop: Door) -> None:
    event = {
        "event_id": "e1",
        "text": "物流太慢了，打13800138000没人接",
        "kind": "survey",
        "channel": "官网",
        "posted_at": "2026-03-01 10:00:00",
        "customer": "member-7",
        "product": "磨豆机",
        "version": "二代",
        "store": "人民路店",
        "region": "浙江",
        "question": "为什么？",
        "votes": 4,
        "score": {"metric": "nps", "value": 3},
    }
    got = shop.post(event)
    assert (got.status, got.content) == (201, {"new": 1, "changed": 0, "unchanged": 0})
    sql = (
        "select source, source_id, kind, channel, role, text, posted_at, product, version, store, region, question, votes, "
        "metric, value, scale_low, scale_high, customer_id != 'member-7' from verbatims v join scores s on s.verbatim_id = v.id"
    )
    [row] = shop.rows(sql)
    text = row[5]
    assert "13800138000" not in text
    assert text.startswith("物流太慢了，打")
    assert row[:5] == ("intake", "e1", "survey", "官网", "customer")
    labels = ("磨豆机", "二代", "人民路店", "浙江", "为什么？")
    assert row[6:] == ("2026-03-01T02:00:00Z", *labels, 4, "nps", 3.0, 0.0, 10.0, 1)


def test_the_settings_say_what_a_record_leaves_out(shop: Door) -> None:
    shop.post({"event_id": 7, "text": "很好"})
    assert shop.rows("select source_id, kind, channel, posted_at from verbatims") == [("7", "review", "小程序", None)]


def test_the_same_event_twice_is_one_row_and_an_answer_each_time(shop: Door) -> None:
    assert [shop.post(EVENT).status, shop.post(EVENT).status, shop.post([EVENT, EVENT]).status] == [201, 200, 200]
    assert shop.rows() == [("e1", EVENT["text"])]


def test_a_corrected_text_takes_the_place_of_the_old_one(shop: Door) -> None:
    shop.post(EVENT)
    got = shop.post(EVENT | {"text": "后来客服处理得很好"})
    assert (got.status, got.content) == (200, {"new": 0, "changed": 1, "unchanged": 0})
    assert shop.rows() == [("e1", "后来客服处理得很好")]


def test_other_votes_are_stored_and_are_no_change(shop: Door) -> None:
    for votes in (3, 5.0, None):
        got = shop.post(EVENT | {"votes": votes})
    assert (got.status, got.content) == (200, {"new": 0, "changed": 0, "unchanged": 1})
    assert shop.rows("select source_id, votes from verbatims") == [("e1", 5)]


def test_a_list_is_stored_whole_or_not_at_all(shop: Door) -> None:
    events = [EVENT | {"event_id": f"e{number}", "text": f"第{number}次回购了"} for number in range(40)]
    got = shop.post([*events, {"event_id": "bad", "text": 5}])
    assert (got.status, got.error) == (400, "record 41: 'text' is a text")
    assert shop.rows() == []
    assert shop.post(events).content == {"new": 40, "changed": 0, "unchanged": 0}
    assert len(shop.rows()) == 40


def test_a_date_that_can_not_be_read_is_listed_and_the_words_are_kept(shop: Door) -> None:
    got = shop.post(EVENT | {"posted_at": "02-30"})
    assert (got.status, got.content) == (201, {"new": 1, "changed": 0, "unchanged": 0, "problems": 1})
    assert shop.rows("select location, reason, stored from rejects") == [
        ("events:e1", "date unknown: '02-30': it has no year", 1)
    ]


def test_its_own_token_in_what_is_sent_is_not_stored(shop: Door) -> None:
    labels = dict.fromkeys(("text", "channel", "product", "version", "store", "region", "question"), f"我的 {TOKEN} 呢")
    got = shop.post({"event_id": f"e-{TOKEN}", "posted_at": TOKEN, "customer": TOKEN, **labels})
    assert (got.status, got.content) == (201, {"new": 1, "changed": 0, "unchanged": 0, "problems": 1})
    said = shop.rows("select source_id, text, channel, product, version, store, region, question from verbatims")
    assert said == [("e-…", *["我的 … 呢"] * 7)]
    for path in shop.project.folder.glob("feedback.db*"):
        assert TOKEN.encode() not in path.read_bytes()


def test_a_signature_of_the_body_does_instead_of_the_token(shop: Door) -> None:
    body = json.dumps(EVENT).encode()
    signature = hmac.new(TOKEN.encode(), body, hashlib.sha256).hexdigest()
    assert shop.post(body, {"Authorization": "", "X-Signature": signature}).status == 201
    assert shop.post(body, {"Authorization": "", "X-Signature": f"sha256={signature.upper()}"}).status == 200
    other = shop.post(body + b" ", {"Authorization": "", "X-Signature": signature})
    assert (other.status, other.error) == (401, "the token or the signature is missing or wrong")


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": ""},
        {"Authorization": "Bearer "},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": f"Bearer {TOKEN[:-1]}"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": TOKEN},
        {"Authorization": "Bearer \xff\xfe"},
        {"Authorization": "", "X-Signature": "0" * 64},
        {"Authorization": "", "X-Signature": "\xff"},
        {"Authorization": "Bearer wrong", "X-Signature": "0" * 64},
    ],
)
def test_whoever_does_not_know_the_token_is_refused(shop: Door, headers: dict[str, str]) -> None:
    got = shop.post(EVENT, headers)
    assert (got.status, got.error) == (401, "the token or the signature is missing or wrong")
    assert got.headers["www-authenticate"] == "Bearer"
    assert shop.rows() == []


DEEP = b'{"event_id": "e1", "text": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
LONG = "'event_id' has 200 characters at most"
UNREADABLE: list[tuple[object, str]] = [
    (b"", "the body is not JSON"),
    (b"{", "the body is not JSON"),
    (b"\xff\xfe{}", "the body is not UTF-8"),
    ('{"event_id": "e1"}'.encode("utf-16"), "the body is not UTF-8"),
    (DEEP, "the JSON is nested too deeply"),
    (b'{"event_id": "e1", "text": "x", "score": {"metric": "nps", "value": NaN}}', "the body is not JSON"),
    (b'{"event_id": ' + b"9" * 5000 + b', "text": "x"}', "the body is not JSON"),
    (42, "a record is an object"),
    (None, "a record is an object"),
    ([], "a list has 1 to 500 records"),
    ([EVENT] * 501, "a list has 1 to 500 records"),
    ([[EVENT]], "record 1: a record is an object"),
    ({"text": "x"}, "'event_id' is missing: what tells this record from all others, the same at every try"),
    ({"event_id": "  ", "text": "x"}, "'event_id' is missing: what tells this record from all others, the same at every try"),
    ({"event_id": True, "text": "x"}, "'event_id' is a text or a number"),
    ({"event_id": "e" * 201, "text": "x"}, LONG),
    ({"event_id": 10**300, "text": "x"}, LONG),
    ({"event_id": "e1"}, "there is neither 'text' nor 'score'"),
    ({"event_id": "e1", "text": " \u200b<br>"}, "there is neither 'text' nor 'score'"),
    ({"event_id": "e1", "text": ["x"]}, "'text' is a text"),
    ({"event_id": "e1", "text": "\0\ud800"}, "there is neither 'text' nor 'score'"),
    (EVENT | {"store": {}}, "'store' is a text"),
    (EVENT | {"customer": "x" * 1001}, "'customer' has 1000 characters at most"),
    (EVENT | {"posted_at": []}, "'posted_at' is a text or a number"),
    (EVENT | {"kind": "rumour"}, "'kind' is one of review, chat, survey, post, ticket"),
    (EVENT | {"source": "x"}, "a record has a field that is not known. Known: channel, customer, event_id, kind, posted_at, product, question, region, score, store, text, version, votes"),
    ([EVENT, EVENT, EVENT | {"store": "x"}], "record 3: an earlier one has the same 'event_id' and says something else"),
    (EVENT | {"version": 5}, "'version' is a text"),
    *(
        (EVENT | {"votes": votes}, "'votes' is a whole number from 0 to 1,000,000,000")
        for votes in ("3", -1, 1.5, True, [], 10**400)
    ),
    (b'{"event_id": "e1", "text": "x", "votes": 1e999}', "'votes' is a whole number from 0 to 1,000,000,000"),
    (EVENT | {"score": 5}, "'score' is an object with 'metric' and 'value'"),
    (EVENT | {"score": {"metric": "joy", "value": 5}}, "'metric' is one of star, nps, csat, ces"),
    (EVENT | {"score": {"metric": [], "value": 5}}, "'metric' is one of star, nps, csat, ces"),
    (EVENT | {"score": {"metric": "star", "value": 5, "of": 5}}, "'score' has a field that is not known. Known: high, low, metric, value"),
    *(
        (EVENT | {"score": {"metric": "star", **score}}, "'value' of 'score' is a number from 1 to 5, or from 'low' to 'high'")
        for score in ({}, {"value": "5"}, {"value": 6}, {"value": 10**400}, {"value": True}, {"value": 5, "low": 9}, {"value": 5, "high": "x"})
    ),
]  # fmt: skip


@pytest.mark.parametrize("content, message", UNREADABLE, ids=range(len(UNREADABLE)))
def test_what_is_no_record_is_refused_in_words_that_repeat_nothing_of_it(
    shop: Door, content: object, message: str
) -> None:
    got = shop.post(content)
    assert (got.status, got.error) == (400, message)
    assert shop.rows() == []


def test_half_a_character_or_a_nul_costs_an_event_nothing_else(shop: Door) -> None:
    cut = [
        {"event_id": "e\ud83d", "text": "物流快\ud83d", "product": "手冲\0壶", "customer": "青\udc4d山"},
        {"event_id": "e\udc4d", "text": "包装\0好"},
    ]
    assert shop.post(cut).content == {"new": 2, "changed": 0, "unchanged": 0, "problems": 2}
    assert shop.post(cut).content == {"new": 0, "changed": 0, "unchanged": 2, "problems": 2}
    assert shop.rows("select source_id, text, product from verbatims") == [
        ("e\\ud83d", "物流快", "手冲壶"),
        ("e\\udc4d", "包装好", None),
    ]
    assert shop.rows("select location, reason, stored from rejects") == [
        ("events:e\\ud83d", "it holds half a character or a NUL, which is left out", 1),
        ("events:e\\udc4d", "it holds half a character or a NUL, which is left out", 1),
    ]


def test_a_scale_of_their_own_is_taken(shop: Door) -> None:
    shop.post({"event_id": "e1", "score": {"metric": "csat", "value": 9, "low": 0, "high": 10}})
    assert shop.rows("select metric, value, scale_low, scale_high from scores") == [("csat", 9.0, 0.0, 10.0)]


@pytest.mark.parametrize(
    "headers", [{"Content-Type": ""}, {"Content-Type": "text/plain"}, {"Content-Type": "application/json; charset=gbk"}]
)
def test_another_type_of_content_is_refused(shop: Door, headers: dict[str, str]) -> None:
    got = shop.post(EVENT, headers)
    assert (got.status, got.error) == (415, "the Content-Type must be application/json, in UTF-8")


def test_json_in_utf_8_is_taken_however_that_is_written(shop: Door) -> None:
    assert shop.post(EVENT, {"Content-Type": 'Application/JSON; charset="UTF-8"'}).status == 201
    packed = shop.post(EVENT, {"Content-Encoding": "gzip"})
    assert (packed.status, packed.error) == (415, "the body must not be packed")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "TRACE", "OPTIONS", "BREW"])
def test_another_method_is_refused(shop: Door, method: str) -> None:
    got = shop.ask(method, "/v1/feedback", JSON)
    assert (got.status, got.headers["allow"]) == (405, "POST, OPTIONS")


def test_a_head_has_no_body(shop: Door) -> None:
    got = shop.ask("HEAD", "/v1/feedback")
    assert (got.status, got.body) == (405, b"")


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/feedback/", "/v1/feedback/../feedback", "/etc/passwd", "//v1/feedback", "*", "http://x/v1/feedback"]
)  # fmt: skip
def test_nothing_else_is_here(shop: Door, path: str) -> None:
    got = shop.post(EVENT, path=path)
    assert (got.status, got.error) == (404, "nothing is here but POST /v1/feedback")


def test_a_query_is_passed_over_and_is_no_place_for_a_token(shop: Door) -> None:
    assert shop.post(EVENT, path="/v1/feedback?from=form").status == 201
    assert shop.post(EVENT, {"Authorization": ""}, path=f"/v1/feedback?token={TOKEN}").status == 401


def test_pages_of_the_origins_named_may_send_and_others_may_not(shop: Door) -> None:
    page = {"Origin": "https://shop.example.com"}
    asked = {**page, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    preflight = shop.ask("OPTIONS", "/v1/feedback", asked)
    assert (preflight.status, preflight.body) == (204, b"")
    assert preflight.headers["access-control-allow-origin"] == "https://shop.example.com"
    assert preflight.headers["access-control-allow-headers"] == "Authorization, Content-Type, X-Signature"
    got = shop.post(EVENT, page)
    assert (got.status, got.headers["access-control-allow-origin"], got.headers["vary"]) == (
        201,
        "https://shop.example.com",
        "Origin",
    )
    assert shop.post({}, page).headers["access-control-allow-origin"] == "https://shop.example.com"
    for origin in ("https://evil.example", "null", "https://shop.example.com.evil.example", "http://shop.example.com"):
        refused = shop.ask("OPTIONS", "/v1/feedback", {**asked, "Origin": origin})
        assert (refused.status, refused.error) == (403, "pages of this origin may not send anything here")
        assert "access-control-allow-origin" not in refused.headers
        assert shop.post(EVENT, {"Origin": origin}).status == 403
    assert "access-control-allow-origin" not in shop.post(EVENT).headers


# Hostile clients.


def test_a_body_that_is_too_long_is_refused_before_it_is_read(shop: Door) -> None:
    got = shop.post(b"x" * (10 << 20))
    assert (got.status, got.error) == (413, "the body has 256 KB at most")


def test_a_body_whose_length_nobody_tells_is_cut_off(shop: Door) -> None:
    head = b"POST /v1/feedback HTTP/1.1\r\nHost: x\r\n" + HEADERS + b"Transfer-Encoding: chunked\r\n\r\n"
    chunk = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
    assert shop.raw(head, *[chunk] * 64).status == 413


def test_a_body_in_pieces_is_taken_and_so_is_one_that_is_as_long_as_may_be(shop: Door) -> None:
    body = json.dumps(EVENT).encode()
    head = b"POST /v1/feedback HTTP/1.1\r\nHost: x\r\n" + HEADERS
    chunked = head + b"Transfer-Encoding: chunked\r\n\r\n" + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    assert shop.raw(chunked).status == 201
    assert shop.raw(*(bytes([byte]) for byte in head + b"Content-Length: %d\r\n\r\n" % len(body) + body)).status == 200
    assert shop.post(body + b" " * (MOST_BYTES - len(body))).status == 200
    assert shop.post(body + b" " * (MOST_BYTES - len(body) + 1)).status == 413


def test_a_client_that_waits_to_be_told_is_told(shop: Door) -> None:
    body = json.dumps(EVENT).encode()
    with shop.connect() as client:
        head = b"POST /v1/feedback HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n" % len(body)
        client.sendall(head + HEADERS + b"\r\n")
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(body)
        assert received(client).status == 201


GARBAGE = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),  # somebody speaks TLS
    b"hello\r\n\r\n",
    b"POST /v1/feedback HTTP/1.1\r\n\r\n",  # no Host
    b"POST /v1/feedback HTTP/one\r\nHost: x\r\n\r\n",
    b"POST /v1/feedback HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n" + HEADERS + b"\r\n{}",
    b"POST /v1/feedback HTTP/1.1\r\nHost: x\r\nContent-Length: 0x10\r\n" + HEADERS + b"\r\n{}",
    b"POST /v1/feedback HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n" + HEADERS + b"\r\n{}",
    b"POST /v1/feedback HTTP/1.1\r\nHost: x\r\nContent-Length: " + b"9" * 30 + b"\r\n" + HEADERS + b"\r\n{}",
    b"POST /v1/feedback HTTP/1.1\r\nHost : x\r\n\r\n",
    b"POST /v1/feedback HTTP/1.1\r\nHost: x\r\nX: \0\r\n\r\n",
    b"POST /v1/feedback HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n" + HEADERS + b"\r\n",
    b"POST /v1/feedback HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n" + HEADERS + b"\r\nzz\r\n",
]


@pytest.mark.parametrize("sent", GARBAGE, ids=range(len(GARBAGE)))
def test_what_is_no_request_is_refused(shop: Door, sent: bytes) -> None:
    got = shop.raw(sent, ends=True)
    assert got.status in (400, 413, 501)
    assert got.error in ("this is no request of HTTP", "the body has 256 KB at most")
    assert shop.rows() == []
    assert shop.post(EVENT).status == 201


def test_headers_without_end_are_refused(shop: Door) -> None:
    got = shop.raw(b"POST /v1/feedback HTTP/1.1\r\n" + b"X: y\r\n" * 20_000)
    assert (got.status, got.error) == (431, "this is no request of HTTP")


def test_a_body_that_is_shorter_than_was_said_is_no_request(shop: Door) -> None:
    got = shop.raw(
        b"POST /v1/feedback HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n" + HEADERS + b"\r\n{}", ends=True
    )
    assert (got.status, got.error) == (400, "this is no request of HTTP")


def test_what_comes_behind_a_request_is_not_another_one(shop: Door) -> None:
    body = json.dumps(EVENT).encode()
    request = b"POST /v1/feedback HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n" % len(body) + HEADERS + b"\r\n" + body
    got = shop.raw(request * 3)
    assert got.status == 201
    assert got.content == {"new": 1, "changed": 0, "unchanged": 0}


def test_a_client_that_comes_and_goes_leaves_no_trace(shop: Door) -> None:
    shop.connect().close()
    assert shop.raw(ends=True) == Got(0, {}, b"")
    assert shop.post(EVENT).status == 201


@pytest.mark.parametrize(
    "sent",
    [b"", b"POST /v1/feed", b"POST /v1/feedback HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n" + HEADERS + b"\r\n{"],
)
def test_a_client_that_takes_its_time_is_cut_off(tmp_path: Path, sent: bytes) -> None:
    with door(project_in(tmp_path), patience=Patience(request=0.2, linger=30)) as shop:
        got = shop.raw(sent)
        assert (got.status, got.error) == (408, "the request took too long")


def test_a_client_that_breaks_off_leaves_no_trace(shop: Door) -> None:
    with shop.connect() as client:
        client.sendall(b"POST /v1/feedback HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n" + HEADERS + b"\r\n{")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closed by a reset
    assert shop.post(EVENT).status == 201
    assert shop.said == []


def test_a_client_that_drips_is_cut_off_as_a_whole(tmp_path: Path) -> None:
    """Each byte comes soon enough; all of them do not."""
    with door(project_in(tmp_path), patience=Patience(request=0.3, linger=30)) as shop, shop.connect() as client:
        over = threading.Event()

        def drip() -> None:
            while not over.wait(0.02):
                try:
                    client.sendall(b"X")
                except OSError:
                    return

        dripping = threading.Thread(target=drip)
        dripping.start()
        got = received(client)
        over.set()
        dripping.join()
        assert got.status == 408


def test_slow_clients_keep_no_others_out_until_there_are_too_many(tmp_path: Path) -> None:
    project = project_in(tmp_path, "connections = 3\n")
    with door(project) as shop:
        slow = [shop.connect() for _ in range(2)]
        for client in slow:
            client.sendall(b"POST /v1/feed")
        assert shop.post(EVENT).status == 201
        slow.append(shop.connect())
        slow[-1].sendall(b"P")
        got = wait_for(lambda: shop.post(EVENT), 503)
        assert (got.error, got.headers["retry-after"]) == ("too many connections", "1")
        for client in slow:
            client.close()
        assert wait_for(lambda: shop.post(EVENT), 200).status == 200


def wait_for(ask: Callable[[], Got], status: int) -> Got:
    """The first answer of that status: the server sees a connection come and go a moment later than the client."""
    for _ in range(500):
        if (got := ask()).status == status:
            return got
    raise AssertionError(got)


def test_two_hundred_at_once_with_the_same_event_are_one_row(tmp_path: Path) -> None:
    with door(project_in(tmp_path, "connections = 300\n")) as shop, ThreadPoolExecutor(50) as clients:
        statuses = Counter(got.status for got in clients.map(lambda _: shop.post(EVENT), range(200)))
        assert statuses == {201: 1, 200: 199}
        assert shop.rows() == [("e1", EVENT["text"])]


def test_requests_beyond_the_limits_wait(tmp_path: Path) -> None:
    now = [0.0]
    limits = Limits(10, 3, lambda: now[0])
    with door(project_in(tmp_path, 'proxies = ["127.0.0.1"]\n'), limits) as shop:
        assert [shop.post(EVENT).status for _ in range(4)] == [201, 200, 200, 429]
        got = shop.post(EVENT)
        assert (got.error, got.headers["retry-after"]) == ("too many requests", "20")
        # Whom the proxy has spoken with: what a client says of itself comes before that, and counts for nothing.
        forwarded = [{"X-Forwarded-For": f"203.0.113.{n}, 198.51.100.7"} for n in range(4)]
        assert [shop.post(EVENT, each).status for each in forwarded] == [200, 200, 200, 429]
        assert shop.post(EVENT, {"X-Forwarded-For": "2001:db8::1"}).status == 200
        now[0] = 20.0
        assert shop.post(EVENT).status == 200
        assert [
            shop.post(EVENT, {"Authorization": "Bearer no", "X-Forwarded-For": f"192.0.2.{n}"}).status for n in range(7)
        ][-1] == 429


def test_nobody_but_a_proxy_is_believed_about_addresses(tmp_path: Path) -> None:
    with door(project_in(tmp_path), Limits(100, 2, lambda: 0.0)) as shop:
        statuses = [shop.post(EVENT, {"X-Forwarded-For": f"192.0.2.{n}"}).status for n in range(3)]
        assert statuses == [201, 200, 429]


def test_a_database_in_use_is_told_and_the_sender_tries_again(shop: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(_store: object) -> None:
        raise DatabaseLocked("in use")

    assert shop.post(EVENT).status == 201
    with monkeypatch.context() as patched:
        patched.setattr(Store, "transaction", locked)
        got = shop.post(EVENT)
        assert (got.status, got.error, got.headers["retry-after"]) == (503, "the database is in use", "5")
    assert shop.post(EVENT).status == 200


def test_a_bug_shows_where_it_is_and_nothing_that_was_sent(shop: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(body: bytes, _settings: object) -> None:
        raise ZeroDivisionError(body)

    monkeypatch.setattr(feedback.intake_server, "read_events", broken)
    got = shop.post(EVENT)
    assert (got.status, got.error) == (500, "something went wrong here")
    [line] = shop.said
    assert line.startswith("A bug: ZeroDivisionError\n")
    assert "in broken" in line
    assert "物流" not in line


def test_no_answer_and_no_line_holds_what_was_sent(tmp_path: Path) -> None:
    secret = "绝密一二三"
    with door(project_in(tmp_path)) as shop:
        answers = [
            shop.post({"event_id": secret, "text": secret}),
            shop.post({"event_id": "e2", "text": secret, secret: 1}),
            shop.post({"event_id": "e3", "text": secret, "kind": secret}),
            shop.post(secret.encode()),
            shop.ask("GET", "/secret-path", {"Authorization": f"Bearer {TOKEN}"}),
            shop.post(EVENT, {"Authorization": "Bearer wrong-token"}),
        ]
    assert [got.status for got in answers] == [201, 400, 400, 400, 404, 401]
    assert shop.said == ["Answered: 201 x 1, 400 x 3, 401 x 1, 404 x 1"]
    for got in answers:
        assert got.headers["connection"] == "close"
        assert got.headers["x-content-type-options"] == "nosniff"
        assert "server" not in got.headers
        for word in (secret, "secret-path", TOKEN, "wrong-token", str(tmp_path)):
            assert word.encode() not in got.body
            assert json.dumps(word).strip('"').encode() not in got.body


def test_what_was_answered_is_said_once_a_while(tmp_path: Path) -> None:
    with door(project_in(tmp_path), patience=Patience(summary=0.01)) as shop:
        shop.post(EVENT)
        while not shop.said:
            threading.Event().wait(0.01)
        assert shop.said == ["Answered: 201 x 1"]


def test_whoever_has_said_everything_has_an_answer_before_it_ends(tmp_path: Path) -> None:
    project = project_in(tmp_path)
    with door(project) as shop:
        slow = shop.connect()
        slow.sendall(b"POST ")
        shop.post(EVENT)
    assert received(slow).status == 0
    slow.close()
    with closing(sqlite3.connect(project.database)) as database:
        assert database.execute("select command, source, status, added from runs").fetchall() == [
            ("serve-intake", "intake", "done", 1)
        ]


# As a command.


def started(folder: Path, monkeypatch: pytest.MonkeyPatch) -> "tuple[subprocess.Popen[str], Door]":
    monkeypatch.setenv(VARIABLE, TOKEN)
    project = project_in(folder)
    process = subprocess.Popen(
        interruptible(folder, "serve-intake", "--port", "0"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout
    line = process.stdout.readline()
    found = re.fullmatch(
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d Taking in POST http://127\.0\.0\.1:(\d+)/v1/feedback as 'intake'\. Ctrl\+C ends it\.\n",
        line,
    )
    assert found, (line, process.stderr and process.stderr.read())
    return process, Door(int(found[1]), project)


def test_killed_right_after_an_answer_nothing_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    process, shop = started(tmp_path, monkeypatch)
    with process:
        events = [EVENT | {"event_id": f"e{number}", "text": f"第{number}次了还是漏水"} for number in range(20)]
        for event in events:
            assert shop.post(event).status == 201
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert [row[0] for row in shop.rows()] == [event["event_id"] for event in events]
    process, shop = started(tmp_path, monkeypatch)
    with process:
        assert [shop.post(event).status for event in events] == [200] * 20
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert out.endswith("Answered: 200 x 20\n")


def test_ctrl_c_ends_it_with_the_sentence_of_all_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    process, shop = started(tmp_path, monkeypatch)
    with process:
        assert shop.post(EVENT).status == 201
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert (process.returncode, err) == (130, "\nStopped. What was done so far is kept.\n")
    assert shop.rows("select status from runs") == [("done",)]


def test_collecting_goes_on_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    process, shop = started(tmp_path, monkeypatch)
    with process:
        (tmp_path / "reviews.csv").write_text(
            "product,content,creationtime,location,productcolor\n磨豆机,物流很快,2026-02-24 10:00:00,浙江,白\n", "utf-8"
        )
        assert run("collect", "table", tmp_path / "reviews.csv", project=tmp_path).code == 0
        assert shop.post(EVENT).status == 201
        assert len(shop.rows()) == 2
        process.send_signal(signal.SIGTERM)
        process.communicate()


@pytest.mark.parametrize(
    "settings, variable, message",
    [
        ("", None, "'token' is missing. Say where it is: token = "),
        (f'[intake]\ntoken = {{ env = "{VARIABLE}" }}\n', None, f"the environment variable {VARIABLE} is not set."),
        (f'[intake]\ntoken = {{ env = "{VARIABLE}" }}\n', "short", "the token has 5 characters; 20 are the least. Make one with: python -c"),
        ('[intake]\ntoken = "tok-Very/Secret+0042"\n', None, "'token' is a secret, which does not belong in this file."),
    ],
)  # fmt: skip
def test_without_a_token_it_does_not_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: str, variable: str | None, message: str
) -> None:
    if variable:
        monkeypatch.setenv(VARIABLE, variable)
    (tmp_path / "feedback.toml").write_text(settings, "utf-8")
    ran = run("serve-intake", "--port", "0", project=tmp_path)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"Error: {tmp_path / 'feedback.toml'}, [intake]")
    assert message in ran.err
    assert "Secret" not in ran.err
    assert not (tmp_path / "feedback.db").exists()


def test_a_port_that_is_taken_and_an_address_that_is_none_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, TOKEN)
    with door(project_in(tmp_path)) as shop:
        ran = run("serve-intake", "--port", str(shop.port), project=tmp_path)
        assert ran.err == (
            f"Error: 127.0.0.1 port {shop.port} can't be listened at: Address already in use. "
            "Choose another with --port or --host.\n"
        )
    ran = run("serve-intake", "--host", "no.such.host.invalid", project=tmp_path)
    assert ran.err.startswith("Error: no.such.host.invalid port 8766 can't be listened at: ")


def test_whoever_listens_for_other_machines_is_told_of_the_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, TOKEN)
    project_in(tmp_path)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("feedback.cli.serve_intake.asyncio.run", lambda coroutine: (coroutine.close(), stop()))
    ran = run("serve-intake", "--host", "0.0.0.0", "--port", "0", project=tmp_path)
    assert ran.code == 130
    assert ran.out.splitlines()[1].endswith("it does not encrypt: put a proxy with a certificate before it.")
