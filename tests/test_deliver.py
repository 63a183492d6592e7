"""Delivery: what was sent and what was not, addresses, secrets. Webhooks on this machine stand for any target."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import pytest
from deliveries import BODY, KEY, MESSAGE, TOKEN, MemoryLedger, robots_at
from local_servers import Web, closed_port, web_server

from feedback.digest.deliver import SENDING, Delivery, Message, deliver, mask, target_id
from feedback.errors import DeliveryError


@pytest.fixture
def web() -> Iterator[Web]:
    with web_server() as server:
        yield server


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
    results = deliver(MESSAGE, ["env:DIGEST_HOOK", "env:NOT_SET", f"env:{KEY}", "env:HKUYPKTXDWKXHDBT"], MemoryLedger())
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
        Delivery(
            "send_to 4 (env:…)",
            target_id("env:HKUYPKTXDWKXHDBT"),
            "failed",
            "The environment variable … is not set. Set it to the address.",
        ),
    ]


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
