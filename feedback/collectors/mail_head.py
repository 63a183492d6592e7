"""The head of a mail: who wrote it and when, in answer to what, and whether a person did; and one written above a quoted mail."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message

from feedback.collectors.charsets import decode
from feedback.collectors.rfc_dates import read_date
from feedback.dates import FIRST_YEAR

# What the standard library raises of mails that it does not expect.
LIBRARY_FAULTS = (ValueError, LookupError, TypeError, AttributeError, RecursionError)

_LONGEST_HEADER = 8000  # characters that are looked at
_LONGEST_ID = 500
_LONGEST_RECEIPT = 2000
_LONGEST_FIELD = 400  # characters of a line in a mail's text that may be a field of a quoted mail
_FIELDS = 8  # lines in which these stand
_CLOCKS_DIFFER = timedelta(days=1)

_IDS = re.compile(r"<([^<>\s]+)>")
_ADDRESSES = (
    re.compile(r"<\s*([^<>\s@]{1,64}@[^<>\s@]{1,255})\s*>"),
    re.compile(r"([^\s<>\"(),;:@]{1,64}@[^\s<>\"(),;:@]{1,255})"),
)
_ENCODED = re.compile(r"=\?[^?\s]{1,60}\?[bq]\?[^?]*\?=", re.IGNORECASE)
_FOLD = re.compile(r"[\r\n]+[ \t]*")
_MACHINES = re.compile(r"(?:mailer-daemon|postmaster|mail-?daemon|bounces?)(?:[-+=].*)?@.*")
_BULK = frozenset({"bulk", "junk", "list", "auto_reply"})
_SAYS_AUTOMATIC = re.compile(
    r"\s*(?:自动回复|自動回覆|自動回復|自动答复|自動答覆|系统退信|退信通知|automatic reply|auto(?:matic)?[- ]?(?:reply|response))\s*[:：(（/].*"
    r"|\s*report domain:.*\bsubmitter:.*"
    r"|\s*(?:系统退信|undelivered mail returned to sender|delivery status notification.*|out of (?:the )?office)\s*",
    re.IGNORECASE,
)
# A person may begin a mail so, too: it is automatic where it answers one.
_SAYS_AWAY = re.compile(r"\s*(?:不在办公室|不在辦公室|out of (?:the )?office(?: re)?)\s*[:：(（/].*", re.IGNORECASE)
_SAYS_READ = re.compile(r"(?:已读|已讀|read)\s*[:：]", re.IGNORECASE)
_RECEIPT = re.compile(
    r"(?:您的(?:邮件|郵件)|your message)\s.{0,600}?(?:已[于於].{0,60}(?:阅读|閱讀|读取|讀取)|was read on .{0,80})[\s。.]*",
    re.IGNORECASE | re.DOTALL,
)
_PREFIX = re.compile(
    r"\s*(?:re|fw|fwd|aw|回复|回復|回覆|答复|答覆|转发|轉寄|轉發)\s*(?:\[\d+\]|\(\d+\))?\s*[:：]\s*", re.IGNORECASE
)
_NO_SUBJECT = re.compile(
    r"[(<（【\[]?\s*(?:no subject|无主题|無主旨|無主題|\(none\)|untitled)\s*[)>）】\]]?", re.IGNORECASE
)


def _spaced(words: str) -> str:
    """A pattern for any of the words, with or without blanks inside: 日　期, 主　题."""
    return "|".join(r"\s*".join(word) for word in words.split())


_FIELD = (
    rf"(?:(?P<from>from|sender|{_spaced('发件人 發件人 寄件人 寄件者 发信人 寄信人 发送人 從 自')})"
    rf"|(?P<sent>sent(?: at)?|send time|date|{_spaced('发送时间 發送時間 发送日期 發送日期 寄件日期 傳送時間 傳送日期 已傳送 发件时间 发信时间 日期')})"
    rf"|(?P<to>to|recipient|{_spaced('收件人 收件者 收信人 至')})|(?P<subject>subject|{_spaced('主题 主題 主旨 标题')})"
    rf"|(?P<other>cc|bcc|reply-to|importance|{_spaced('抄送人 抄送 密送 副本抄送 副本 重要性')}))\s*\**\s*[:：|]"
)
# A field as programs write it above a mail that they quote; the group's name says which one.
QUOTED_FIELD = re.compile(rf"[\s>|*]*{_FIELD}", re.IGNORECASE)
_HAS_CLOCK = re.compile(r"\d\s*[:：时時点點]\s*\d")
# Where a form has what its sender said.
_FORMS_TEXT = re.compile(
    r"[\s>|*]*(?:(?:留言|消息|邮件|郵件|反馈|反饋|咨询|諮詢|投诉|投訴|问题|問題|建议|建議|详细|詳細|具体|具體|您的|你的){0,2}"
    r"(?:内容|內容|正文|留言|消息|讯息|訊息|信息|描述|意见|意見|建议|建議|反馈|反饋|说明|說明)"
    r"|(?:your )?(?:message|comments?|feedback|enquiry|inquiry|question)(?: (?:body|text))?)\s*\**\s*[:：|]",
    re.IGNORECASE,
)
_FORMS_FIELD = re.compile(r"[\s>|*]*[^\s:：|][^:：|]{0,15}[:：|]")
_BEFORE_FIELD = re.compile(rf"(?={_FIELD})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Head:
    """What the head of a mail says. `ancestors`: ids of the mails it answers, the first one first.

    `own_date`: the head itself says for certain when it was sent; else `sent_at` may be another wherever the mail lies.
    `automatic`: no person wrote it to us: an auto-reply, a bounce, a mailing list; `by_subject`: nothing but the subject says so. `subject` is without Re: and the like, `answers` says whether it had one.
    """

    id: str
    sender: str  # the address, in lower case; "" where there is none
    subject: str
    answers: bool
    sent_at: str | None
    own_date: bool
    ancestors: tuple[str, ...]
    automatic: bool
    by_subject: bool


def head_of(message: Message, raw: bytes, arrived: str | None = None) -> Head:
    """The head of a mail of which `raw` are the bytes, or those of its head; `arrived`: when the server took it in, as ISO."""
    subject = _words(message, "Subject")
    bare = subject
    while match := _PREFIX.match(bare):
        bare = bare[match.end() :]
    sent_at, own_date = _sent_at(_plain(message, "Date"), arrived)
    # Some programs encode all of it, the address too.
    sender = address(_ENCODED.sub(" ", _plain(message, "From"))) or address(_words(message, "From"))
    ancestors, automatic = _ancestors(message), _is_automatic(message, sender)
    by_subject = bool(_SAYS_AUTOMATIC.fullmatch(subject) or (ancestors and _SAYS_AWAY.fullmatch(subject)))
    return Head(
        id=_own_id(message, raw),
        sender=sender,
        subject="" if _NO_SUBJECT.fullmatch(bare.strip()) else bare.strip(),
        answers=bare != subject,
        sent_at=sent_at,
        own_date=own_date,
        ancestors=ancestors,
        automatic=automatic or by_subject,
        by_subject=by_subject and not automatic,
    )


def is_receipt(subject: str, text: str) -> bool:
    """Whether a program says that a mail was read: its subject alone may be a person's (已读：不回，客服态度太差)."""
    return bool(len(text) <= _LONGEST_RECEIPT and _SAYS_READ.match(subject) and _RECEIPT.fullmatch(text.strip()))


def begins_quoted_head(lines: Sequence[str], number: int, answers: bool = True) -> bool:
    """Whether the head of a mail begins here: from whom, and at least two of when, to whom, about what.

    Forms have such fields too. A head of which it is not certain that a mail program wrote it is none in a mail that does not answer (`answers`),
    nor where what was said is the next field.
    """
    line = lines[number][:_LONGEST_FIELD]
    if _is_quoted_head(line):
        return True
    match = QUOTED_FIELD.match(line)
    if match is None or match.lastgroup not in ("from", "sent", "subject"):
        return False
    said = [line for line in lines[number : number + 2 * _FIELDS] if line.strip()][:_FIELDS]
    found = _fields(said)
    told = found.keys() & {"sent", "to", "subject"}
    if "from" not in found or len(told) < 2:
        return False
    # On a parcel stand 发件人, 收件人 and 日期 too.
    if "subject" not in told and ("sent" not in told or "@" not in found["from"]):
        return False
    certain = (bool(_HAS_CLOCK.search(found.get("sent", ""))) + ("@" in found["from"]) + (len(told) == 3)) >= 2
    return (certain and answers) if _is_form(said) else (certain or answers)


def _is_form(lines: Sequence[str]) -> bool:
    """Whether fields stand on lines one after another up to what was said."""
    said = next((n for n, line in enumerate(lines) if _FORMS_TEXT.match(line[:_LONGEST_FIELD])), 0)
    return said > 0 and all(_FORMS_FIELD.match(line[:_LONGEST_FIELD]) for line in lines[:said])


def _is_quoted_head(line: str) -> bool:
    """Whether all of a head stands on one line, behind a rule or not, as in the text parts of Aliyun's and DingTalk's mails."""
    line = line.lstrip("-_—–= ")
    match = QUOTED_FIELD.match(line)
    if match is None or match.lastgroup != "from":
        return False
    found = _fields(_BEFORE_FIELD.sub("\n", line).split("\n"))
    return "@" in found["from"] and "sent" in found and bool(found.keys() & {"to", "subject"})


def _fields(lines: Sequence[str]) -> dict[str | None, str]:
    shortened = (line[:_LONGEST_FIELD] for line in lines)
    return {field.lastgroup: line for line in shortened if (field := QUOTED_FIELD.match(line))}


def address(header: str) -> str:
    """The mail address in a header such as `From`, in lower case; "" where there is none."""
    for pattern in _ADDRESSES:
        if found := pattern.findall(header):
            return str(found[-1]).lower()
    return ""


def _plain(message: Message, name: str) -> str:
    """A header as it is written, on one line."""
    return _FOLD.sub(" ", str(message.get(name) or "")[:_LONGEST_HEADER]).strip()


def _words(message: Message, name: str) -> str:
    """A header with its encoded words (RFC 2047) decoded, and those bytes that should have been encoded."""
    value = message.get(name)
    if value is None:
        return ""
    try:
        pieces = decode_header(value if not isinstance(value, str) else _FOLD.sub(" ", value[:_LONGEST_HEADER]))
    except (HeaderParseError, *LIBRARY_FAULTS):
        return _plain(message, name)
    return _FOLD.sub(" ", "".join(_decoded_words(pieces))).strip()


def _decoded_words(pieces: list[tuple[bytes | str, str | None]]) -> Iterator[str]:
    for piece, charset in pieces:
        yield piece if isinstance(piece, str) else decode(piece[:_LONGEST_HEADER], charset or "") or ""


def _own_id(message: Message, raw: bytes) -> str:
    """The Message-ID; where there is none, or an endless one, a hash of the head: the same in whichever folder, under whichever number."""
    written = _plain(message, "Message-ID")
    found = _IDS.findall(written) or written.split()
    if found and len(found[0]) <= _LONGEST_ID:
        return str(found[0])
    head = re.split(rb"\r?\n\r?\n", raw, maxsplit=1)[0].replace(b"\r\n", b"\n").strip()
    return "mail-" + hashlib.blake2b(head, digest_size=12).hexdigest()


def _ancestors(message: Message) -> tuple[str, ...]:
    references = _IDS.findall(_plain(message, "References"))
    answered = _IDS.findall(_plain(message, "In-Reply-To"))[:1]
    found = [each for each in dict.fromkeys([*references, *answered]) if len(each) <= _LONGEST_ID]
    if answered and answered[0] in found:  # it is the last, whatever the order of the others
        found.append(found.pop(found.index(answered[0])))
    return tuple(found)


def _is_automatic(message: Message, sender: str) -> bool:
    """RFC 3834, and what programs write that do not know it."""
    submitted = _plain(message, "Auto-Submitted").lower()
    return (
        (submitted != "" and not submitted.startswith("no"))
        or _plain(message, "Precedence").lower() in _BULK
        or any(
            name in message
            for name in ("List-Id", "List-Unsubscribe", "X-Autoreply", "X-Autorespond", "X-AutoReply-From")
        )
        or _plain(message, "Return-Path") == "<>"
        or message.get_content_type() == "multipart/report"
        or bool(_MACHINES.fullmatch(sender))
    )


def _sent_at(date: str, arrived: str | None) -> tuple[str | None, bool]:
    """When it was sent, as ISO; when it arrived, where the Date header says nothing certain, or a time after the arrival. And whether it is the header's own."""
    sent = read_date(date)
    if sent is None or not sent.endswith("Z") or int(sent[:4]) < FIRST_YEAR:
        return arrived or sent, False
    if arrived is not None and datetime.fromisoformat(sent) > datetime.fromisoformat(arrived) + _CLOCKS_DIFFER:
        return arrived, False
    return sent, True
