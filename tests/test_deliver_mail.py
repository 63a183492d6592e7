"""Delivery by mail, to a mail server on this machine."""

import email
import email.policy
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from deliveries import BODY, MESSAGE, MemoryLedger
from local_servers import Mail, mail_server

from feedback.digest.deliver import Delivery, deliver, target_id


@pytest.fixture
def mail() -> Iterator[Mail]:
    with mail_server() as server:
        yield server


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
