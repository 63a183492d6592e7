"""The mails of a batch of numbers: small ones whole, of large ones only the words; at once never more than 8 MB."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import Message

from feedback.collectors.live.imap_client import Fetched, NotGiven
from feedback.collectors.live.mailbox import Mailbox
from feedback.collectors.mail_body import Wordless, parse

LARGEST = 2 * 1024 * 1024  # bytes of a mail that is taken whole, and of the words of one that is not
_AT_ONCE = 8 * 1024 * 1024
_LARGEST_HEAD = 256 * 1024
_LARGEST_FORM = 16 * 1024  # of a part's own head
_MOST_PARTS = 20  # of a large mail
_DEEPEST = 4  # parts inside one another
_GONE = "the mail is gone, or the server does not give it out"


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
    uid: int
    reason: str


def mails(mailbox: Mailbox, uids: Sequence[int]) -> Iterator[Arrived | NotTaken]:
    """All of them, in the order of their numbers."""
    listed = _given(mailbox, uids, "RFC822.SIZE INTERNALDATE")
    for group in _groups(uids, listed):
        large = len(group) == 1 and _size(listed, group[0]) > LARGEST
        bodies = {} if large else _given(mailbox, group, f"BODY.PEEK[]<0.{LARGEST + 1}>")
        for uid in group:
            body = bodies[uid].body if uid in bodies else None
            try:
                yield _mail(mailbox, uid, listed[uid].arrived if uid in listed else None, body, large)
            except Wordless as error:
                yield NotTaken(uid, str(error))


def _given(mailbox: Mailbox, uids: Sequence[int], what: str) -> dict[int, Fetched]:
    """What the server gives; where it refuses because of one of them, of each that it does not refuse."""
    try:
        return mailbox.fetch(uids, what)
    except NotGiven:
        if len(uids) == 1:
            return {}
    return {uid: fetched for each in uids for uid, fetched in _given(mailbox, [each], what).items()}


def _size(listed: dict[int, Fetched], uid: int) -> int:
    return (listed[uid].size or 0) if uid in listed else 0


def _groups(uids: Sequence[int], listed: dict[int, Fetched]) -> Iterator[list[int]]:
    """As many as come to 8 MB together; alone what is large, or of which the size is not known."""
    group, size = list[int](), 0
    for uid in uids:
        weight = _size(listed, uid) or LARGEST
        if group and size + weight > _AT_ONCE:
            yield group
            group, size = [], 0
        if weight > LARGEST:
            if group:
                yield group
            yield [uid]
            group, size = [], 0
            continue
        group.append(uid)
        size += weight
    if group:
        yield group


def _mail(mailbox: Mailbox, uid: int, at: str | None, body: bytes | None, large: bool) -> Arrived | NotTaken:
    if body is not None and len(body) <= LARGEST:
        return Arrived(uid, at, parse(body), body)
    if body is None and not large:
        return NotTaken(uid, _GONE)
    head = _section(mailbox, uid, "HEADER", _LARGEST_HEAD)
    if head is None:
        return NotTaken(uid, _GONE)
    words = _Words(mailbox, uid)
    message = words.of(parse(head))
    return Arrived(uid, at, message, head, words.cut)


def _section(mailbox: Mailbox, uid: int, section: str, most: int) -> bytes | None:
    fetched = _given(mailbox, [uid], f"BODY.PEEK[{section}]<0.{most}>").get(uid)
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
            form = _section(self._mailbox, self._uid, f"{'.'.join(map(str, inner))}.MIME", _LARGEST_FORM)
            if form is None or not form.strip() or not self._parts:
                return
            self._parts -= 1
            yield self.of(parse(form), inner)

    def _fill(self, message: Message, section: str) -> None:
        raw = _section(self._mailbox, self._uid, section, self._bytes + 1) or b""
        _set_body(message, raw[: self._bytes])
        if len(raw) > self._bytes:
            self.cut = True
            words = message.get_payload(decode=True)
            if isinstance(words, bytes):
                del message["Content-Transfer-Encoding"]
                _set_body(message, _whole_characters(words))
        self._bytes = max(1, self._bytes - len(raw))


def _set_body(message: Message, raw: bytes) -> None:
    message.set_payload(raw.decode("ascii", "surrogateescape"))  # as the standard library keeps what it reads


def _whole_characters(words: bytes) -> bytes:
    """The words without a character that was cut in two: up to the end of a line or of a word, else of what reads."""
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
