"""Mails that somebody saved: one as .eml, many as mbox (RFC 4155)."""

import mailbox
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from feedback.collectors.encoding import open_binary, refuse_binary
from feedback.errors import CollectError

LARGEST = 32 * 1024 * 1024  # bytes of a mail
_BEGINNING = 64 * 1024
_HEADER = re.compile(
    rb"^(?:from|to|date|subject|message-id|received|return-path|mime-version|delivered-to)[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)


def mails_of_file(path: Path) -> Iterator[bytes | None]:
    """Each mail's bytes; None for one that is larger than 32 MB. `CollectError` where the file holds no mail."""
    with open_binary(path) as file:
        beginning = file.read(_BEGINNING).removeprefix(b"\xef\xbb\xbf")
        refuse_binary(path, beginning)
        if not _HEADER.search(beginning):
            raise CollectError(f"{path} is no mail: it has no head. Save mails as .eml, or many of them as mbox.")
        if not beginning.startswith(b"From "):
            raw = beginning + file.read(LARGEST)
            yield raw if len(raw) <= LARGEST else None
            return
    with closing(mailbox.mbox(path, create=False)) as box:
        for key in box.iterkeys():
            with closing(box.get_file(key)) as each:
                raw = each.read(LARGEST + 1)
            yield raw if len(raw) <= LARGEST else None
