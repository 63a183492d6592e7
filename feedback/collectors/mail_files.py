"""Mails that somebody saved: one as .eml or .emlx, many as mbox (RFC 4155)."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from feedback.collectors.encoding import open_binary, refuse_binary
from feedback.errors import CollectError

LARGEST = 32 * 1024 * 1024  # bytes of a mail
_BEGINNING = 64 * 1024
_FIELDS = b"from|to|date|subject|message-id|received|return-path|mime-version|delivered-to"
_HEADER = re.compile(rb"^(?:%b)[ \t]*:" % _FIELDS, re.IGNORECASE | re.MULTILINE)
_ABOVE = re.compile(rb"(?:\xef\xbb\xbf)?\s*")
_COUNT = re.compile(
    rb"(\d{1,12})[ \t]*\r?\n"
)  # of bytes, above a mail of Apple's; below it stands what Apple notes of it
# "From a@b Mon Mar  2 10:00:00 2026", "From - …", "From a@b 2026-03-02": what somebody says has neither an address nor a clock time there,
# nor the field of a head below it.
_BEGINS_MAIL = re.compile(rb"From (?:\S{0,300}@.{0,300}|\S{0,300} .{1,300}\d:\d\d.{0,100})\s*")
_FIELD = re.compile(rb"[!-9;-~]{1,100}:(?!//)")
# "From ", "From nobody": only above a field that is known, or has a name of several words.
_BEGINS_SHORT = re.compile(rb"From \S{0,300}\s*")
_KNOWN_FIELD = re.compile(rb"[a-z\d]{1,50}(?:-[a-z\d]{1,50}){1,5}:|(?:%b)[ \t]*:" % _FIELDS, re.IGNORECASE)
# Above the first field may stand what an mbox or Apple's mail begins with.
_HEAD = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:From [^\n]*\n|\d{1,12}[ \t]*\r?\n)?(?:[!-9;-~]+[ \t]*:[^\n]*\n(?:[ \t]+[^\n]*\n)*)+(?:\r?\n|\Z)"
)


def refuse_mails(path: Path) -> None:
    """`CollectError` where a file is a mail or an mbox, and so no table and no chat; it shows nothing of it."""
    with open_binary(path) as file:
        head = _HEAD.match(file.read(_BEGINNING))
    if head and len(set(_HEADER.findall(head[0].lower()))) > 1:
        raise CollectError(
            f"{path} holds mails, no table and no chat. A source with the collector imap reads them: "
            "feedback collect --source NAME --load FILE"
        )


def mails_of_file(path: Path) -> Iterator[bytes | None]:
    """Each mail's bytes; None for one that is larger than 32 MB. `CollectError` where the file holds no mail."""
    with open_binary(path) as file:
        beginning = file.read(_BEGINNING)
        above = _ABOVE.match(beginning)
        start = above.end() if above else 0
        beginning = beginning[start:]
        refuse_binary(path, beginning)
        if not _HEADER.search(beginning):
            raise CollectError(f"{path} is no mail: it has no head. Save mails as .eml, or many of them as mbox.")
        if beginning.startswith(b"From "):
            file.seek(start)
            yield from _mails_of_mbox(file)
            return
        raw = beginning + file.read(LARGEST)
        if count := _COUNT.match(beginning):
            raw = raw[count.end() :][: int(count[1])]
        yield raw if len(raw) <= LARGEST else None


def _mails_of_mbox(file: BinaryIO) -> Iterator[bytes | None]:
    """From a place on where one begins."""
    file.readline()
    mail, size, blank = bytearray(), 0, 0  # bytes of an empty line at its end
    line = file.readline(LARGEST)
    while line:
        following = file.readline(LARGEST)
        if _begins_mail(line, following):
            yield bytes(mail[: len(mail) - blank]) if size <= LARGEST else None
            mail, size, blank = bytearray(), 0, 0
        else:
            size += len(line)
            blank = 0 if line.strip() else len(line)
            if size <= LARGEST:
                mail += line
        line = following
    yield bytes(mail) if size <= LARGEST else None


def _begins_mail(line: bytes, following: bytes) -> bool:
    if not line.startswith(b"From "):
        return False
    if _BEGINS_MAIL.fullmatch(line):
        return _FIELD.match(following) is not None
    return _BEGINS_SHORT.fullmatch(line) is not None and _KNOWN_FIELD.match(following) is not None
