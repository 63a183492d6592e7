"""The words of a mail: of whichever part, form and encoding."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message

from feedback.collectors.charsets import decode
from feedback.collectors.html_text import text_of_html
from feedback.collectors.mail_head import LIBRARY_FAULTS

_DEEPEST = 20  # multiparts inside one another
_MOST_PARTS = 200
_MOST_BOUNDARIES = 50  # the standard library tries each of them on each line
_LONGEST_FORM = 16 * 1024  # bytes of a Content-Type: longer ones take the standard library hours
_LONGEST_ATTRIBUTES = 500

_FORM_HEADER = re.compile(
    rb"(?:\A|[\r\n])content-(?:type|disposition)[ \t]*:[^\r\n]*(?:(?:\r\n|\r|\n)[ \t][^\r\n]*)*", re.IGNORECASE
)
_BOUNDARY = re.compile(rb"boundary\s*=", re.IGNORECASE)
_META_CHARSET = re.compile(rb"""charset\s*=\s*["']?([\w-]{2,40})""", re.IGNORECASE)
_PGP = re.compile(r"-----BEGIN PGP MESSAGE-----.*?(?:-----END PGP MESSAGE-----|\Z)", re.DOTALL)
_PGP_SIGNATURE = re.compile(
    r"-----BEGIN PGP SIGNED MESSAGE-----\s*(?:Hash:[^\n]*\n)?|-----BEGIN PGP SIGNATURE-----.*?(?:-----END PGP SIGNATURE-----|\Z)",
    re.DOTALL,
)
_ENCRYPTED = frozenset({"multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"})
_SIGNATURE_MARKS = re.compile(
    r"""(?:class|id)\s*=\s*["']?[^"'>]*(?:gmail_signature|moz-signature|ms-outlook-mobile-signature)|id\s*=\s*["']?signature\b""",
    re.IGNORECASE,
)

# What programs write where the words are in the HTML alone.
_SAYS_NOTHING = re.compile(
    r"[\W_]*"
    r"|.{0,40}(?:不支持|不能显示|无法显示|無法顯示|不支援)\s*html.{0,60}"
    r"|.{0,60}(?:does not|doesn't|can ?not|can't|not able to|unable to) (?:support|display|read|view|show|render) html.{0,80}"
    r"|this is (?:an html|a multi-?part).{0,80}"
    r"|.{0,20}(?:please )?(?:use|enable) an? html.{0,80}",
    re.IGNORECASE,
)

_DAMAGED = "it can't be taken apart: it is damaged, or made to break programs"
_NESTED = "it has too many parts inside one another"


class Wordless(Exception):
    """A mail has no words that can be read; the message says why."""


class Blank(Wordless):
    """There are none in it, as far as can be seen."""


def parse(raw: bytes) -> Message:
    """The mail; raises `Wordless` where it is made to break programs."""
    if any(len(match[0]) > _LONGEST_FORM for match in _FORM_HEADER.finditer(raw)):
        raise Wordless(_DAMAGED)
    if sum(1 for _ in _BOUNDARY.finditer(raw)) > _MOST_BOUNDARIES:
        raise Wordless(_NESTED)
    try:
        return message_from_bytes(raw)
    except LIBRARY_FAULTS:
        raise Wordless(_DAMAGED) from None


def text_of(message: Message) -> str:
    """All the words of a mail, quoted ones too; raises `Wordless` where there are none.

    Of the same in several forms the plain one is taken, where it says something. Attachments are not read.
    """
    taken = _Taken()
    text = _PGP_SIGNATURE.sub("", taken.words(message, 0)).strip()
    shown = _PGP.sub("", text).strip()
    if shown:
        return shown
    if taken.encrypted or text:
        raise Wordless("it is encrypted, or sealed by a signature around it")
    if taken.invitation:
        raise Wordless("it is an invitation, or the answer to one, without words")
    if taken.unreadable:
        raise Wordless("its words are in no encoding known")
    raise Blank("it has no words, only attachments" if taken.others else "it is empty")


class _Taken:
    """Walks through the parts of one mail, and keeps why there may be no words."""

    def __init__(self) -> None:
        self.encrypted = self.unreadable = self.invitation = self.others = False
        self._parts = 0

    def words(self, part: Message, depth: int) -> str:
        self._parts += 1
        form = _form(part)
        if depth > _DEEPEST or self._parts > _MOST_PARTS:
            raise Wordless(_NESTED)
        if form.kind in _ENCRYPTED:
            self.encrypted = True
            return ""
        if form.parts is not None:
            return self._of_many(form.kind, form.parts, depth)
        if form.attached or form.kind not in ("text/plain", "text/html"):
            self.others = True
            self.invitation |= form.kind == "text/calendar"
            return ""
        return self._of_text(form)

    def _of_many(self, kind: str, parts: list[Message], depth: int) -> str:
        if kind == "multipart/alternative":
            parts = sorted(parts, key=lambda each: _form(each).kind != "text/plain")
            return _first_that_says(self.words(each, depth + 1) for each in parts)
        return "\n".join(words for each in parts if (words := self.words(each, depth + 1)).strip())

    def _of_text(self, form: "_Form") -> str:
        declared = [form.charset]
        if form.kind == "text/html":
            declared += [found.decode() for found in _META_CHARSET.findall(form.body[:2000])[:1]]
        text = decode(form.body, *declared)
        if text is None:
            self.unreadable = True
            return ""
        if form.kind == "text/html":
            return text_of_html(text, quotes=True, is_left_out=_is_signature)
        if form.flowed:
            text = unfolded(text, form.delete_space)
        return text.replace("&nbsp;", " ")  # as QQ writes it into plain texts


def _first_that_says(forms: Iterable[str]) -> str:
    """Of the same words in several forms the first in which they can be read, else the first that is not blank."""
    spare = ""
    for words in forms:
        if words.strip() and not _SAYS_NOTHING.fullmatch(" ".join(words.split())):
            return words
        spare = spare or words.strip()
    return spare


@dataclass(frozen=True, slots=True)
class _Form:
    """What a part is; `parts` None: it is not made of parts."""

    kind: str
    parts: list[Message] | None
    attached: bool
    charset: str
    flowed: bool
    delete_space: bool
    body: bytes


def _form(part: Message) -> _Form:
    try:
        payload = part.get_payload()
        many = part.is_multipart() and part.get_content_maintype() == "multipart"
        body = b"" if part.is_multipart() else part.get_payload(decode=True)
        return _Form(
            kind=part.get_content_type(),
            parts=[each for each in payload if isinstance(each, Message)] if many else None,
            attached=part.get_content_disposition() == "attachment" or part.get_filename() is not None,
            charset=str(part.get_content_charset() or ""),
            flowed=str(part.get_param("format", "")).lower() == "flowed",
            delete_space=str(part.get_param("delsp", "")).lower() == "yes",
            body=body if isinstance(body, bytes) else b"",
        )
    except LIBRARY_FAULTS:
        raise Wordless(_DAMAGED) from None


def unfolded(text: str, delete_space: bool) -> str:
    """A text of `format=flowed` (RFC 3676) with its paragraphs on a line each; quoted lines and "-- " stay as they are.

    >>> unfolded("物流太 \\n慢了\\n-- \\n王", delete_space=True)
    '物流太慢了\\n-- \\n王'
    """
    lines: list[list[str]] = []
    goes_on = False
    for line in text.replace("\r\n", "\n").split("\n"):
        own = not line.startswith(">") and line != "-- "
        if not (goes_on and own):
            lines.append([])
        goes_on = own and line.endswith(" ")
        line = line.removeprefix(" ") if own else line
        lines[-1].append(line[:-1] if goes_on and delete_space else line)
    return "\n".join(map("".join, lines))


def _is_signature(_tag: str, attributes: str) -> bool:
    return bool(_SIGNATURE_MARKS.search(attributes[:_LONGEST_ATTRIBUTES]))
