"""The mails of a batch of numbers: small ones whole, of large ones only the words; at once never more than 2 MB."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import Message

from feedback.collectors.live.imap_client import Fetched
from feedback.collectors.live.mailbox import BrokenOff, Mailbox, NotGiven
from feedback.collectors.mail_body import Wordless, parse

LARGEST = 2 * 1024 * 1024  # bytes of mails that are taken together and whole, and of the words of one that is larger
_LARGEST_HEAD = 256 * 1024
_LARGEST_FORM = 16 * 1024  # of a part's own head
_MOST_PARTS = 20  # of a large mail
_DEEPEST = 4  # parts inside one another
_GONE = "the mail was taken out of the folder before it could be read"
_TAG_BEGINS = re.compile(rb"</?(?:[A-Za-z]|\Z)")
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")


@dataclass(frozen=True, slots=True)
class Arrived:
    """A mail as it came: `head` begins with the bytes of its head. `cut`: its words go on beyond what was taken."""

    uid: int
    at: str | None
    message: Message
    head: bytes
    cut: bool = False


@dataclass(frozen=True, slots=True)
class NotTaken:
    """A mail that can't be read, or is there no more."""

    uid: int
    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A mail that is there and does not come."""

    uid: int
    error: NotGiven | BrokenOff

    @property
    def is_for_now(self) -> bool:
        """The server blames what it is at, and not the mail."""
        return isinstance(self.error, NotGiven) and self.error.for_now

    @property
    def is_broken_off(self) -> bool:
        return isinstance(self.error, BrokenOff)


def mails(mailbox: Mailbox, uids: Sequence[int]) -> Iterator[list[Arrived | NotTaken | Refused]]:
    """All of them, in the order of their numbers: together those that came together. Where several don't come, each is asked for by itself."""
    try:
        listed = mailbox.fetch(uids, "RFC822.SIZE INTERNALDATE")
    except (NotGiven, BrokenOff) as error:
        yield from _apart(mailbox, uids, error)
        return
    for group in _groups(uids, listed):
        try:
            taken = _taken(mailbox, group, listed)
        except (NotGiven, BrokenOff) as error:
            yield from _apart(mailbox, group, error)
        else:
            yield taken


def mark_of(head: bytes) -> str:
    """What tells a mail from another that may have its number later, made of the bytes that it begins with; "" where it has no Message-ID."""
    try:
        message = parse(_BLANK_LINE.split(head[:_LARGEST_HEAD], maxsplit=1)[0])
    except Wordless:
        return ""
    # Not of who wrote it: that could be guessed.
    own, date = (" ".join(str(message.get(name) or "").split()) for name in ("Message-ID", "Date"))
    return hashlib.blake2b(f"{own}\n{date}".encode("utf-8", "replace"), digest_size=6).hexdigest() if own else ""


def mark_at(mailbox: Mailbox, uid: int) -> str:
    """The mark of the mail that has this number now; "" where there is none, or it does not come."""
    try:
        return mark_of(_section(mailbox, uid, "HEADER", _LARGEST_HEAD) or b"")
    except (NotGiven, BrokenOff):
        return ""


def _apart(
    mailbox: Mailbox, uids: Sequence[int], error: NotGiven | BrokenOff
) -> Iterator[list[Arrived | NotTaken | Refused]]:
    if len(uids) == 1:
        yield [Refused(uids[0], error)]
    else:
        for uid in uids:
            yield from mails(mailbox, [uid])


def _size(listed: dict[int, Fetched], uid: int) -> int:
    """As much as a mail may have where the server does not tell; 0 where it is gone."""
    return (listed[uid].size or LARGEST) if uid in listed else 0


def _groups(uids: Sequence[int], listed: dict[int, Fetched]) -> Iterator[list[int]]:
    """As many as come to 2 MB together; so a large mail is alone."""
    group, size = list[int](), 0
    for uid in uids:
        if group and size + _size(listed, uid) > LARGEST:
            yield group
            group, size = [], 0
        group.append(uid)
        size += _size(listed, uid)
    if group:
        yield group


def _taken(mailbox: Mailbox, uids: Sequence[int], listed: dict[int, Fetched]) -> list[Arrived | NotTaken | Refused]:
    size = sum(_size(listed, uid) for uid in uids)
    here = [uid for uid in uids if uid in listed]
    bodies: dict[int, bytes | None] = dict.fromkeys(here)
    if here and size <= LARGEST:
        given = mailbox.fetch(here, f"BODY.PEEK[]<0.{LARGEST + 1}>", size)
        bodies = {uid: fetched.body for uid, fetched in given.items()}
    return [
        _mail(mailbox, uid, listed[uid].arrived, bodies[uid]) if uid in bodies else NotTaken(uid, _GONE) for uid in uids
    ]


def _mail(mailbox: Mailbox, uid: int, at: str | None, whole: bytes | None) -> Arrived | NotTaken:
    """`whole` None: it is large."""
    try:
        if whole is not None and len(whole) <= LARGEST:
            return Arrived(uid, at, parse(whole), whole)
        head = _section(mailbox, uid, "HEADER", _LARGEST_HEAD)
        if head is None:
            return NotTaken(uid, _GONE)
        words = _Words(mailbox, uid)
        message = words.of(parse(head))
        return Arrived(uid, at, message, head, words.cut)
    except Wordless as error:
        return NotTaken(uid, str(error))


def _section(mailbox: Mailbox, uid: int, section: str, most: int) -> bytes | None:
    """None where the mail is gone."""
    fetched = mailbox.fetch([uid], f"BODY.PEEK[{section}]<0.{most}>", most).get(uid)
    return fetched.body if fetched else None


class _Words:
    """Builds a large mail anew of its heads and its texts, part by part: what BODYSTRUCTURE says of mails is often wrong."""

    def __init__(self, mailbox: Mailbox, uid: int) -> None:
        self._mailbox, self._uid = mailbox, uid
        self._bytes, self._parts = LARGEST, _MOST_PARTS  # that may still be asked for
        self.cut = False

    def of(self, message: Message, path: tuple[int, ...] = ()) -> Message:
        """The part at `path`, which has its head alone, with the words that are in it."""
        kind = message.get_content_maintype()
        if kind == "multipart" and len(path) < _DEEPEST:
            message.set_payload(list(self._parts_of(path)))
        elif kind == "text" and message.get_content_disposition() != "attachment":
            self._fill(message, ".".join(map(str, path)) or "TEXT")
        return message

    def _parts_of(self, path: tuple[int, ...]) -> Iterator[Message]:
        for number in range(1, _MOST_PARTS + 1):
            inner = (*path, number)
            form = self._form(inner)
            if not form.strip() or not self._parts:
                return
            self._parts -= 1
            yield self.of(parse(form), inner)

    def _form(self, path: tuple[int, ...]) -> bytes:
        """A part's own head; nothing where there is no such part: some servers say NO then."""
        try:
            return _section(self._mailbox, self._uid, f"{'.'.join(map(str, path))}.MIME", _LARGEST_FORM) or b""
        except NotGiven as error:
            if error.for_now:
                raise
            return b""

    def _fill(self, message: Message, section: str) -> None:
        raw = _section(self._mailbox, self._uid, section, self._bytes + 1) or b""
        _set_body(message, raw[: self._bytes])
        if len(raw) > self._bytes:
            self.cut = True
            words = message.get_payload(decode=True)
            if isinstance(words, bytes):
                del message["Content-Transfer-Encoding"]
                _set_body(message, _whole(words, message.get_content_type() == "text/html"))
        self._bytes = max(1, self._bytes - len(raw))


def _set_body(message: Message, raw: bytes) -> None:
    message.set_payload(raw.decode("ascii", "surrogateescape"))  # as the standard library keeps what it reads


def _whole(words: bytes, is_html: bool) -> bytes:
    """The words without a tag that was cut in two, as one with a picture in it is; else without a character that was cut in two: up to the end of a line or of a word, else of what reads."""
    if is_html and (tag := _TAG_BEGINS.search(words, words.rfind(b">") + 1)):
        return words[: tag.start()]
    end = max(words.rfind(each) for each in (b"\n", b" ", b">")) + 1
    if end > len(words) // 2:
        return words[:end]
    shorter = [words[: len(words) - less] for less in range(4)]
    return next((each for code in ("utf-8", "gb18030") for each in shorter if _reads(each, code)), words)


def _reads(words: bytes, encoding: str) -> bool:
    try:
        words.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
