"""Mails as they are written: heads, bodies, parts."""

from feedback.collectors.mail_body import parse, text_of
from feedback.collectors.mail_head import Head, head_of

ARRIVED = "2026-03-02T04:00:00Z"


def mail(*headers: str, body: str | bytes = "物流太慢", charset: str = "utf-8") -> bytes:
    raw = body.encode(charset) if isinstance(body, str) else body
    return "\r\n".join(headers).encode(charset) + b"\r\n\r\n" + raw


def head(*headers: str, arrived: str | None = ARRIVED, charset: str = "utf-8") -> Head:
    raw = mail(*headers, charset=charset)
    return head_of(parse(raw), raw, arrived)


def words(*headers: str, body: str | bytes, charset: str = "utf-8") -> str:
    return text_of(parse(mail(*headers, body=body, charset=charset)))


def parts(*each: str, kind: str = "mixed", boundary: str = "B") -> tuple[str, str]:
    """A Content-Type and a body of these parts, each with its own head."""
    body = "".join(f"--{boundary}\r\n{part}\r\n" for part in each) + f"--{boundary}--\r\n"
    return f"Content-Type: multipart/{kind}; boundary={boundary}", body


def part(kind: str, text: str, *headers: str) -> str:
    return "\r\n".join([f"Content-Type: {kind}", *headers, "", text])
