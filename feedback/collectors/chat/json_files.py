"""JSON files of messages: one value a line, or one document; which shape, the values themselves say."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Protocol

from feedback.collectors.base import Item, Record, SourceConfig, Unreadable
from feedback.collectors.chat.archive import ArchiveReader
from feedback.collectors.chat.dialogues import CallReader, DialogueReader
from feedback.collectors.chat.kf import KfReader
from feedback.collectors.chat.lines import TextFile
from feedback.collectors.encoding import read_text
from feedback.errors import CollectError

# A document has to be held whole to be parsed, so it may not be of any size.
_DOCUMENT_BYTES = 128 * 1024 * 1024
_STRAY_BYTE = re.compile("[\udc80-\udcff]")  # how `read_text` hands out what no encoding reads


class Reader(Protocol):
    """Reads the values of one file, in order; keeps what it must remember between them."""

    shape: str  # what a value should have been, for messages

    def read(self, value: dict[str, object], location: str) -> Iterator[Item] | None:
        """The items of one value, or None when it is not of this shape."""
        ...


_SHAPES: tuple[tuple[Callable[[dict[str, object]], bool], Callable[[SourceConfig], Reader]], ...] = (
    (ArchiveReader.fits, ArchiveReader),
    (KfReader.fits, KfReader),
    (DialogueReader.fits, DialogueReader),
    (CallReader.fits, CallReader),
)


def collect(file: TextFile, config: SourceConfig) -> Iterator[Item] | None:
    """The items of a JSON or JSON Lines file; None when it is neither, or of a shape not known here."""
    first = file.opening[0].strip()
    if not first.startswith(("{", "[")):
        return None
    if first.startswith("{"):
        for line in file.opening:
            reader = _reader(_parse(line), file, config)
            if reader is not None:
                return _collect_lines(file, reader)
    try:
        text = read_text(file.path, _DOCUMENT_BYTES)
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        # "[10:20:33] 客户：…" begins like JSON; only what looks like data is broken data.
        if first.startswith("[") and first.lstrip("[ ")[:1] not in ("", "{"):
            return None
        raise CollectError(f"{file.name} is not valid JSON: {error}") from None
    values = document if isinstance(document, list) else [document]
    for value in values:
        reader = _reader(value, file, config)
        if reader is not None:
            items = _collect_values(file, values, reader)
            return _without_stray_bytes(items) if _STRAY_BYTE.search(text) else items
    return None


def _reader(value: object, file: TextFile, config: SourceConfig) -> Reader | None:
    if not isinstance(value, dict):
        return None
    if "encrypt_chat_msg" in value or isinstance(value.get("chatdata"), list):
        raise CollectError(f"{file.name} is a 企业微信 archive that is still encrypted. Decrypt it, then collect it.")
    for fits, reader in _SHAPES:
        if fits(value):
            return reader(config)
    return None


def _collect_lines(file: TextFile, reader: Reader) -> Iterator[Item]:
    for line in file.lines():
        if line.trouble is not None:
            yield file.unreadable(line)
        if line.trouble is not None or not line.text.strip():
            continue
        try:
            value = json.loads(line.text)
        except (ValueError, RecursionError) as error:
            yield file.unreadable(line, f"not valid JSON: {error}")
            continue
        items = reader.read(value, f"{file.name}:{line.number}") if isinstance(value, dict) else None
        if items is None:
            yield file.unreadable(line, f"not {reader.shape}")
        else:
            yield from items


def _collect_values(file: TextFile, values: list[object], reader: Reader) -> Iterator[Item]:
    for number, value in enumerate(values, 1):
        location = f"{file.name}, item {number}"
        items = reader.read(value, location) if isinstance(value, dict) else None
        if items is None:
            yield Unreadable(location, f"not {reader.shape}")
        else:
            yield from items


def _without_stray_bytes(items: Iterator[Item]) -> Iterator[Item]:
    for item in items:
        if isinstance(item, Record) and _STRAY_BYTE.search(item.text):
            yield Unreadable(item.location, "its bytes are in no encoding known", _STRAY_BYTE.sub("?", item.text))
        else:
            yield item


def _parse(line: str) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
