"""Delivery against servers on this machine: webhooks, robots and a mail server that say what the test tells them to."""

import email
import email.policy
import json
import logging
import socket
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from hmac import digest
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest

from feedback.digest.deliver import (
    ROBOTS,
    SENDING,
    Delivery,
    Message,
    deliver,
    fit,
    for_chat,
    mask,
    target_id,
)
from feedback.errors import DeliveryError

# apprise tries a module that Python 3.13 drops, before its own stand-in for it.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning:apprise.utils.pgp")

KEY = "a1b2c3d4-e5f6-7890-abcd-ef0123456789"  # a made-up robot key
BODY = "本周收到 512 条客户原声，净情感 +21%。\n\n## 什么变了\n\n- 物流：−8 个百分点"
MESSAGE = Message(key="week:2026-02-23", title="客户原声周报", body_markdown=BODY)


class MemoryLedger:
    """A ledger that keeps every record in order, so that a test sees what a crash would have left."""

    def __init__(self) -> None:
        self.records: list[tuple[str, str, bool, str | None]] = []

    def delivered(self, key: str, target_id: str) -> bool:
        return any((k, t, ok) == (key, target_id, True) for k, t, ok, _ in self.records)

    def record(self, key: str, target_id: str, ok: bool, error: str | None) -> None:
        self.records.append((key, target_id, ok, error))


@dataclass
class Request:
    path: str
    body: dict[str, Any]
    raw: bytes


@dataclass
class Web:
    """Answers with what is left in `answers` (status, body, seconds to wait), then with 200 and `{}`."""

    port: int = 0
    answers: list[tuple[int, str, float]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    @property
    def hook(self) -> str:
        return f"json://user:s3cretpw@127.0.0.1:{self.port}/hooks/T0kenInPath"


@pytest.fixture
def web() -> Iterator[Web]:
    state = Web()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            state.requests.append(Request(self.path, json.loads(raw), raw))
            status, text, wait = state.answers.pop(0) if state.answers else (200, "{}", 0.0)
            time.sleep(wait)
            try:
                self.send_response(status)
                self.end_headers()
                self.wfile.write(text.encode())
            except BrokenPipeError:
                pass  # the client gave up waiting, as the test wants

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass
class Mail:
    """A mail server that keeps what it is given and refuses the recipients it is told to."""

    port: int = 0
    refused: set[str] = field(default_factory=set)
    envelopes: list[tuple[list[str], bytes]] = field(default_factory=list)


@pytest.fixture
def mail() -> Iterator[Mail]:
    state = Mail()
    listener = socket.create_server(("127.0.0.1", 0))
    state.port = listener.getsockname()[1]

    def talk(connection: socket.socket) -> None:
        with connection, connection.makefile("rwb") as stream:

            def say(line: str) -> None:
                stream.write(f"{line}\r\n".encode())
                stream.flush()

            recipients: list[str] = []
            say("220 test")
            for line in stream:
                verb = line.strip().upper()
                if verb.startswith(b"RCPT TO:"):
                    address = line.decode().partition("<")[2].partition(">")[0]
                    if address in state.refused:
                        say("550 no such user")
                        continue
                    recipients.append(address)
                if verb == b"DATA":
                    say("354 go on")
                    data = b"".join(iter(stream.readline, b".\r\n"))
                    state.envelopes.append((recipients, data))
                    recipients = []
                if verb == b"QUIT":
                    say("221 bye")
                    return
                say("250 ok")

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            talk(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    yield state
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def robots_at(port: int) -> dict[str, Any]:
    return {
        name: replace(robot, endpoint=robot.endpoint.replace("https://", f"http://127.0.0.1:{port}/"))
        for name, robot in ROBOTS.items()
    }


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return cast(int, listener.getsockname()[1])


def test_a_webhook_gets_the_whole_digest_and_the_ledger_sees_the_attempt_first(web: Web) -> None:
    ledger = MemoryLedger()
    long = replace(MESSAGE, body_markdown=BODY + "\n\n很长" * 30_000)
    identity = target_id(web.hook)
    assert deliver(long, [web.hook], ledger) == [Delivery("send_to 1 (json)", identity, "sent")]
    assert [(request.path, request.body["title"]) for request in web.requests] == [
        ("/hooks/T0kenInPath", "客户原声周报")
    ]
    assert web.requests[0].body["message"] == long.body_markdown
    assert ledger.records == [
        ("week:2026-02-23", identity, False, SENDING),
        ("week:2026-02-23", identity, True, None),
    ]


def test_a_failed_target_is_reported_and_tried_again_and_what_was_sent_is_not_sent_again(web: Web) -> None:
    web.answers = [(500, "", 0)]
    other = web.hook.replace("hooks", "other")
    ledger = MemoryLedger()
    first = deliver(MESSAGE, [web.hook, other], ledger)
    second = deliver(MESSAGE, [web.hook, other], ledger)
    third = deliver(MESSAGE, [web.hook, other], ledger)
    assert first == [
        Delivery("send_to 1 (json)", target_id(web.hook), "failed", first[0].error),
        Delivery("send_to 2 (json)", target_id(other), "sent"),
    ]
    assert "error=500" in (first[0].error or "")  # the words are apprise's own
    assert [d.outcome for d in second] == ["sent", "already_sent"]
    assert [d.outcome for d in third] == ["already_sent", "already_sent"]
    paths = [request.path for request in web.requests]
    assert paths == ["/hooks/T0kenInPath", "/other/T0kenInPath", "/hooks/T0kenInPath"]


def test_another_period_is_another_delivery(web: Web) -> None:
    ledger = MemoryLedger()
    deliver(MESSAGE, [web.hook], ledger)
    [again] = deliver(replace(MESSAGE, key="week:2026-03-02"), [web.hook], ledger)
    assert again.outcome == "sent"
    assert len(web.requests) == 2


def test_a_crash_before_the_answer_is_recorded_means_the_message_is_sent_again(web: Web) -> None:
    class Crash(BaseException):
        pass

    class CrashingLedger(MemoryLedger):
        def record(self, key: str, target_id: str, ok: bool, error: str | None) -> None:
            if ok:
                raise Crash
            super().record(key, target_id, ok, error)

    ledger = CrashingLedger()
    with pytest.raises(Crash):
        deliver(MESSAGE, [web.hook], ledger)
    assert ledger.records == [(MESSAGE.key, target_id(web.hook), False, SENDING)]
    after = MemoryLedger()
    after.records = ledger.records
    assert [d.outcome for d in deliver(MESSAGE, [web.hook], after)] == ["sent"]
    assert len(web.requests) == 2


def test_nothing_is_sent_when_the_ledger_can_not_take_the_mark(web: Web) -> None:
    ledger = MemoryLedger()
    ledger.records = cast(Any, ())  # a tuple takes no more records
    with pytest.raises(AttributeError):
        deliver(MESSAGE, [web.hook], ledger)
    assert web.requests == []


def test_a_slow_server_is_left_after_the_timeout(web: Web) -> None:
    web.answers = [(200, "{}", 1.0), (200, "{}", 1.0)]
    slow = deliver(
        MESSAGE, [web.hook, f"wecombot://{KEY}"], MemoryLedger(), timeout_seconds=0.2, robots=robots_at(web.port)
    )
    assert slow[0].error is not None
    assert "Read timed out" in slow[0].error
    assert slow[1].error == "No answer within 0.2 seconds."


def test_a_refused_connection_is_reported_for_every_kind_of_target() -> None:
    port = closed_port()
    targets = [f"json://127.0.0.1:{port}/x", f"mailto://127.0.0.1:{port}?from=a@b.cn&to=c@d.cn", f"feishu://{KEY}"]
    results = deliver(MESSAGE, targets, MemoryLedger(), robots=robots_at(port))
    assert [d.outcome for d in results] == ["failed"] * 3
    assert "Connection refused" in (results[0].error or "")
    assert "Connection refused" in (results[1].error or "")
    assert results[2].error == "It could not be reached (ConnectionError)."


def test_an_address_nobody_can_read_is_reported_and_the_others_are_still_sent(web: Web) -> None:
    ledger = MemoryLedger()
    bad = ["nonsense", "wecombot://", "nosuch://abc", ""]
    results = deliver(MESSAGE, [*bad, web.hook], ledger)
    error = (
        "This is not an address feedback can send to. Write it as mailto://, wecombot://KEY, dingtalk://TOKEN, "
        "feishu://TOKEN, lark://TOKEN, json://HOST/PATH or env:NAME."
    )
    assert results == [
        *(Delivery(f"send_to {n}", target_id(text), "failed", error) for n, text in enumerate(bad, 1)),
        Delivery("send_to 5 (json)", target_id(web.hook), "sent"),
    ]
    assert ledger.records[0] == (MESSAGE.key, target_id("nonsense"), False, error)


def test_a_target_written_twice_is_sent_once(web: Web) -> None:
    assert len(deliver(MESSAGE, [web.hook, f" {web.hook} "], MemoryLedger())) == 1
    assert len(web.requests) == 1


def test_an_address_can_be_kept_in_the_environment(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGEST_HOOK", web.hook)
    monkeypatch.delenv("NOT_SET", raising=False)
    results = deliver(MESSAGE, ["env:DIGEST_HOOK", "env:NOT_SET", f"env:{KEY}"], MemoryLedger())
    assert results == [
        Delivery("send_to 1 (env:DIGEST_HOOK)", target_id(web.hook), "sent"),
        Delivery(
            "send_to 2 (env:NOT_SET)",
            target_id("env:NOT_SET"),
            "failed",
            "The environment variable NOT_SET is not set. Set it to the address.",
        ),
        Delivery(
            "send_to 3 (env:…)",
            target_id(f"env:{KEY}"),
            "failed",
            "The environment variable … is not set. Set it to the address.",
        ),
    ]


OK = {"wecombot": '{"errcode":0,"errmsg":"ok"}', "dingtalk": '{"errcode":0,"errmsg":"ok"}'}
OK |= {"feishu": '{"code":0,"msg":"success","data":{}}'}
OK |= {"lark": OK["feishu"]}
FULL = f"# 客户原声周报\n\n{BODY}"
CARD = {
    "msg_type": "interactive",
    "card": {
        "header": {"title": {"tag": "plain_text", "content": "客户原声周报"}},
        "elements": [{"tag": "markdown", "content": BODY.replace("## 什么变了", "**什么变了**")}],
    },
}
TOKEN = "abcdef0123456789abcdef0123456789"
ROBOT_REQUESTS = [
    # target, path asked for, body: as the vendors' pages show them
    (
        f"wecombot://{KEY}",
        f"/qyapi.weixin.qq.com/cgi-bin/webhook/send?key={KEY}",
        {"msgtype": "markdown", "markdown": {"content": FULL}},
    ),
    (
        f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={KEY}",
        f"/qyapi.weixin.qq.com/cgi-bin/webhook/send?key={KEY}",
        {"msgtype": "markdown", "markdown": {"content": FULL}},
    ),
    (
        f"dingtalk://{TOKEN}",
        f"/oapi.dingtalk.com/robot/send?access_token={TOKEN}",
        {"msgtype": "markdown", "markdown": {"title": "客户原声周报", "text": FULL}},
    ),
    (
        f"https://oapi.dingtalk.com/robot/send?access_token={TOKEN}",
        f"/oapi.dingtalk.com/robot/send?access_token={TOKEN}",
        {"msgtype": "markdown", "markdown": {"title": "客户原声周报", "text": FULL}},
    ),
    (f"feishu://{KEY}", f"/open.feishu.cn/open-apis/bot/v2/hook/{KEY}", CARD),
    (f"https://open.feishu.cn/open-apis/bot/v2/hook/{KEY}", f"/open.feishu.cn/open-apis/bot/v2/hook/{KEY}", CARD),
    (f"lark://{KEY}", f"/open.larksuite.com/open-apis/bot/v2/hook/{KEY}", CARD),
    (
        f"https://open.larksuite.com/open-apis/bot/v2/hook/{KEY}",
        f"/open.larksuite.com/open-apis/bot/v2/hook/{KEY}",
        CARD,
    ),
]


@pytest.mark.parametrize("target, path, body", ROBOT_REQUESTS)
def test_a_robot_is_asked_as_its_vendor_describes(web: Web, target: str, path: str, body: dict[str, Any]) -> None:
    web.answers = [(200, '{"errcode":0,"errmsg":"ok"}' if "key=" in path or "_token=" in path else OK["feishu"], 0)]
    [result] = deliver(MESSAGE, [target], MemoryLedger(), robots=robots_at(web.port))
    assert (result.outcome, result.error) == ("sent", None)
    assert result.target in {f"send_to 1 ({scheme})" for scheme in ("wecombot", "dingtalk", "feishu", "lark")}
    assert [(request.path, request.body) for request in web.requests] == [(path, body)]
    assert "客户原声".encode() in web.requests[0].raw  # not \\u escapes, which cost twice the bytes


REFUSALS = [
    # what robots answer with HTTP 200 when they refuse: seen in the wild, host names and ids changed
    (
        f"wecombot://{KEY}",
        200,
        '{"errcode":93000,"errmsg":"invalid webhook url, hint: [1704540159128593]"}',
        "It refused the message: invalid webhook url, hint: [1704540159128593] (errcode 93000).",
    ),
    (
        f"dingtalk://{TOKEN}",
        200,
        '{"errcode":310000,"errmsg":"keywords not in content"}',
        "It refused the message: keywords not in content (errcode 310000).",
    ),
    (
        f"feishu://{KEY}",
        400,
        '{"code":9499,"msg":"Bad Request","data":{}}',
        "It refused the message: Bad Request (code 9499).",
    ),
    (
        f"lark://{KEY}",
        200,
        f'{{"code":19001,"msg":"token {KEY} is not known"}}',
        "It refused the message: token *** is not known (code 19001).",
    ),
    (f"wecombot://{KEY}", 502, "<html>", "It answered HTTP 502, not in the form a robot answers in."),
    (f"wecombot://{KEY}", 200, "[]", "It answered HTTP 200, not in the form a robot answers in."),
    (f"wecombot://{KEY}", 500, '{"errcode":0,"errmsg":"ok"}', "It refused the message: ok (errcode 0)."),
    (
        f"wecombot://{KEY}",
        200,
        json.dumps({"errcode": 1, "errmsg": "x y\n" * 200}),
        f"It refused the message: {'x y ' * 75}… (errcode 1).",
    ),
]


@pytest.mark.parametrize("target, status, answer, error", REFUSALS)
def test_a_robot_that_refuses_has_not_got_the_message(
    web: Web, target: str, status: int, answer: str, error: str
) -> None:
    web.answers = [(status, answer, 0)]
    ledger = MemoryLedger()
    [result] = deliver(MESSAGE, [target], ledger, robots=robots_at(web.port))
    assert (result.outcome, result.error) == ("failed", error)
    assert not ledger.delivered(MESSAGE.key, result.target_id)


def test_a_dingtalk_request_is_signed_once_encoded(web: Web) -> None:
    web.answers = [(200, OK["dingtalk"], 0)]
    deliver(MESSAGE, [f"dingtalk://SECabc123@{TOKEN}"], MemoryLedger(), robots=robots_at(web.port))
    query = parse_qs(urlsplit(web.requests[0].path).query)
    [stamp], [sign] = query["timestamp"], query["sign"]
    assert sign == b64encode(digest(b"SECabc123", f"{stamp}\nSECabc123".encode(), sha256)).decode()
    assert abs(int(stamp) / 1000 - time.time()) < 60


def test_a_feishu_request_is_signed_in_its_body(web: Web) -> None:
    web.answers = [(200, OK["feishu"], 0)]
    deliver(MESSAGE, [f"feishu://{KEY}?secret=s1gning"], MemoryLedger(), robots=robots_at(web.port))
    body = web.requests[0].body
    assert body["sign"] == b64encode(digest(f"{body['timestamp']}\ns1gning".encode(), b"", sha256)).decode()
    assert abs(int(body["timestamp"]) - time.time()) < 60


@pytest.mark.parametrize("target", [f"wecombot://{KEY}", f"dingtalk://{TOKEN}", f"feishu://{KEY}"])
def test_a_long_digest_reaches_a_robot_as_its_beginning_and_a_pointer(web: Web, target: str) -> None:
    web.answers = [(200, OK[target.partition(":")[0]], 0)]
    sections = "\n\n".join(f"## 阶段 {n}\n\n" + '客户说"慢"。\n' * 60 for n in range(1, 30))
    message = replace(MESSAGE, body_markdown=f"结论：物流变差。\n\n{sections}", html_path=Path("/报告/周报.html"))
    [result] = deliver(message, [target], MemoryLedger(), robots=robots_at(web.port))
    assert result.outcome == "sent"
    body = web.requests[0].body
    text = (
        body["card"]["elements"][0]["content"]
        if "card" in body
        else body["markdown"].get("content") or body["markdown"]["text"]
    )
    assert "结论：物流变差。" in text
    assert text.endswith('客户说"慢"。\n\n本消息只含开头部分，全文见 /报告/周报.html')
    assert 3000 < len(text.encode()) <= 4096


def test_a_digest_that_dingtalk_takes_whole_is_not_shortened(web: Web) -> None:
    web.answers = [(200, OK["dingtalk"], 0)]
    message = replace(MESSAGE, body_markdown="\n\n".join(["物流慢。" * 20] * 60))
    deliver(message, [f"dingtalk://{TOKEN}"], MemoryLedger(), robots=robots_at(web.port))
    assert web.requests[0].body["markdown"]["text"] == f"# 客户原声周报\n\n{message.body_markdown}"


def decoded(data: bytes) -> tuple[str, str, dict[str, Any]]:
    """The subject, the HTML and the attachments of a mail."""
    parsed = email.message_from_bytes(data, policy=email.policy.default)
    html = next(part for part in parsed.walk() if part.get_content_type() == "text/html" and not part.get_filename())
    attached = {
        str(part.get_filename()): part.get_payload(decode=True) for part in parsed.walk() if part.get_filename()
    }
    return parsed["subject"], html.get_content(), attached


def test_a_mail_is_readable_html_with_the_report_attached_and_no_live_tags(mail: Mail, tmp_path: Path) -> None:
    report = tmp_path / "周报.html"
    report.write_text("<p>整份报告</p>", encoding="utf-8")
    body = f"# 客户原声周报\n\n{BODY}\n\n> 慢<script>alert(1)</script> 8\\~9天\\<b>\n\n| 阶段 |\n|---|\n| 购买 |"
    message = replace(MESSAGE, body_markdown=body, html_path=report)
    target = f"mailto://127.0.0.1:{mail.port}?from=digest@example.com&to=head@example.com"
    [result] = deliver(message, [target], MemoryLedger())
    assert result == Delivery("send_to 1 (mailto)", target_id(target), "sent")
    [(recipients, data)] = mail.envelopes
    subject, html, attached = decoded(data)
    assert recipients == ["head@example.com"]
    assert subject == "客户原声周报"
    assert "<h2>什么变了</h2>" in html
    assert "<td>购买</td>" in html
    assert "<script" not in html
    assert "慢<script>alert(1)</script> 8~9天<b>" in unescape(html)
    assert "<h1" not in html  # the subject says it
    assert attached == {"周报.html": "<p>整份报告</p>".encode()}


def test_each_recipient_of_a_mail_is_a_target_so_one_bad_one_does_not_repeat_the_others(mail: Mail) -> None:
    mail.refused = {"gone@example.com"}
    target = (
        f"mailto://127.0.0.1:{mail.port}?from=digest@example.com"
        "&to=head@example.com,gone@example.com,lead@example.com&cc=boss@example.com"
    )
    ledger = MemoryLedger()
    first = deliver(MESSAGE, [target], ledger)
    assert [(d.target, d.outcome) for d in first] == [
        ("send_to 1 (mailto) 1/3", "sent"),
        ("send_to 1 (mailto) 2/3", "failed"),
        ("send_to 1 (mailto) 3/3", "sent"),
    ]
    assert [sorted(recipients) for recipients, _ in mail.envelopes] == [
        ["boss@example.com", "head@example.com"],
        ["lead@example.com"],
    ]
    mail.refused.clear()
    assert [d.outcome for d in deliver(MESSAGE, [target], ledger)] == ["already_sent", "sent", "already_sent"]
    assert [recipients for recipients, _ in mail.envelopes[2:]] == [["gone@example.com"]]


def test_a_mail_address_with_an_invalid_recipient_is_an_error_not_a_silent_omission(mail: Mail) -> None:
    target = f"mailto://127.0.0.1:{mail.port}?from=digest@example.com&to=head@example.com,nobody-at-all"
    [result] = deliver(MESSAGE, [target], MemoryLedger())
    assert result.error == "One of its recipients is not valid. Correct it; until then it is sent nothing."
    assert mail.envelopes == []


def test_a_mail_whose_report_is_gone_says_so(mail: Mail, tmp_path: Path) -> None:
    target = f"mailto://127.0.0.1:{mail.port}?from=digest@example.com&to=head@example.com"
    missing = tmp_path / "none.html"
    [result] = deliver(replace(MESSAGE, html_path=missing), [target], MemoryLedger())
    assert result.error == f"The report {missing} to attach is not there. Build the digest again."


def test_no_secret_is_stored_logged_or_shown(
    web: Web, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    port = closed_port()
    web.answers = [(500, "", 0), (200, '{"errcode":1,"errmsg":"bad a1b2c3d4-e5f6-7890-abcd-ef0123456789"}', 0)]
    targets = [
        web.hook,
        f"wecombot://{KEY}",
        f"json://user:s3cretpw@127.0.0.1:{port}/hooks/T0kenInPath?+Authorization=BearerXyz",
        f"mailto://mailuser:p%40ssw%20rd@127.0.0.1:{port}?from=a@b.cn&to=c@d.cn",
        f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={KEY}!",  # apprise quotes what it can't read
        f"dingtalk://SEC!{TOKEN}@bad-token",
    ]
    ledger = MemoryLedger()
    before = (logging.getLogger("apprise").handlers, logging.getLogger("urllib3").propagate)
    results = deliver(MESSAGE, targets, ledger, robots=robots_at(web.port))
    assert [d.outcome for d in results] == ["failed"] * 6
    assert (logging.getLogger("apprise").handlers, logging.getLogger("urllib3").propagate) == before
    out, err = capfd.readouterr()
    everything = "\n".join([repr(results), repr(ledger.records), caplog.text, out, err])
    for secret in ("s3cretpw", "T0kenInPath", KEY, TOKEN, "BearerXyz", "p%40ssw", "p@ssw", "bad-token", "mailuser"):
        assert secret not in everything, secret


def test_masking_leaves_the_words_of_the_reason() -> None:
    address = "mailto://li:25@smtp.example.com:25?to=a@b.cn&from=no-reply@b.cn"
    reason = "SMTP smtp.example.com:25 refused li after 25 tries, 250 in all; try to call no-reply@b.cn"
    assert mask(reason, address) == "SMTP ***:*** refused *** after *** tries, 250 in all; try to call ***@***"


def test_an_empty_message_is_refused() -> None:
    with pytest.raises(DeliveryError, match=r"^Nothing to send: the message's body_markdown is empty\.$"):
        Message(key="k", title="t", body_markdown=" \n")


def within(limit: int) -> Any:
    return lambda text: len(text) <= limit


FITTED = [
    # markdown, characters there are, what is sent
    ("结论。\n\n\n\n更多。", 10, "结论。\n\n\n\n更多。"),
    ("结论。\n\n\n\n更多。", 8, "结论。\n\n更多。"),
    ("结论。\n\n变化很多很多。", 8, "结论。\n\n见此"),
    ("# 标题\n\n结论。\n\n## 变化\n\n很长很长很长很长很长。", 24, "# 标题\n\n结论。\n\n见此"),
    ("# 标题\n\n很长很长很长很长很长很长很长。", 16, "# 标题\n\n很长很长……\n\n见此"),
    ("结论。\n\n**亮点**\n\n很长很长很长很长很长。", 20, "结论。\n\n见此"),
    ("很长很长很长很长很长", 9, "很长很……\n\n见此"),
    ("很长很长很长很长很长", 2, "……\n\n见此"),
]


@pytest.mark.parametrize("markdown, characters, sent", FITTED)
def test_what_does_not_fit_is_left_out_by_whole_blocks_and_said(markdown: str, characters: int, sent: str) -> None:
    assert fit(markdown, "见此", within(characters)) == sent


CHAT = [
    ("| 阶段 | 声量 |\n|---|---:|\n| 购买 | 12 |", "阶段 ｜ 声量\n购买 ｜ 12"),
    ('<at user_id="all">所有人</at>', '＜at user_id="all">所有人＜/at>'),
    ("<@all> \\<@all> &lt;@all>", "＜@all> ＜@all> ＜@all>"),
    (r"\[领券\](http://203.0.113.9) \*\*好\*\* 8\~9 \\", "［领券］(http://203.0.113.9) ＊＊好＊＊ 8～9 ＼"),
    (r"| a\|b | 2 |", "a｜b ｜ 2"),
    ("![看](http://203.0.113.9/x.png)", "！[看](http://203.0.113.9/x.png)"),
    ("> 引用\n- 1 < 2 | 3", "> 引用\n- 1 ＜ 2 | 3"),
]


@pytest.mark.parametrize("markdown, shown", CHAT)
def test_a_group_chat_is_neither_alerted_nor_shown_table_bars(markdown: str, shown: str) -> None:
    assert for_chat(markdown) == shown
