"""What a Singer tap writes, line by line, and the files of a BATCH (https://hub.meltano.com/singer/spec).

Read as it comes: of the input no more than one line is held, and of that no more than `MAX_LINE_BYTES`.
"""

import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from feedback.collectors.base import Unreadable
from feedback.collectors.objects import Object
from feedback.errors import CollectError

MAX_LINE_BYTES = 16 * 1024 * 1024
_BLOCK = 1 << 16
_LEADING = 100  # lines without any message: this is something else

# What each kind of message must have, and what that is.
_PARTS: dict[str, dict[str, type]] = {
    "SCHEMA": {"stream": str, "schema": dict},
    "RECORD": {"stream": str, "record": dict},
    "STATE": {"value": object},
    "ACTIVATE_VERSION": {"stream": str},
    "BATCH": {"stream": str, "encoding": dict, "manifest": list},
}


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `where` it stands in the input, `size` its line in bytes. `stream` is "" for a STATE."""

    where: str
    kind: str
    stream: str
    content: Object
    size: int


def messages(file: BinaryIO, name: str) -> Iterator[Message | Unreadable]:
    """Every message, and the lines that are none. `CollectError` where it ends in the middle of a line, or holds no message at all."""
    found = strange = 0
    for where, value, size in _values(file, name):
        message = value if isinstance(value, Unreadable) else _message(where, value, size)
        yield message
        found, strange = found + isinstance(message, Message), strange + isinstance(message, Unreadable)
        if not found and strange == _LEADING:
            break
    if not found:
        holds = f"the first {strange:,} lines are none" if strange else "it is empty"
        raise CollectError(f"{name} holds no message of a Singer tap: {holds}. Did the tap start?")


def batch_records(message: Message) -> Iterator[tuple[str, Object, int] | Unreadable]:
    """The records in the files that a BATCH names, with where each is and its size; `CollectError` where they can't be read."""
    encoding, manifest = message.content["encoding"], message.content["manifest"]
    assert isinstance(encoding, dict)
    assert isinstance(manifest, list)
    form, packing = encoding.get("format"), encoding.get("compression")
    if form != "jsonl" or packing not in (None, "none", "gzip"):
        raise CollectError(
            f"{message.where}: stream '{message.stream}' comes in BATCH files of another form than jsonl, plain or gzip. "
            "Have the tap write those, or no BATCH: what they hold would be missing."
        )
    for address in manifest:
        path = _local(message, address)
        try:
            with gzip.open(path, "rb") if packing == "gzip" else path.open("rb") as file:
                for where, value, size in _values(file, path.name):  # type: ignore[arg-type]  # gzip's has what is used
                    if isinstance(value, Unreadable):
                        yield value
                    elif isinstance(value, dict):
                        yield where, value, size
                    else:
                        yield Unreadable(where, "it is not an object")
        except FileNotFoundError:
            raise CollectError(f"{message.where}: there is no BATCH file at {path}.") from None
        except (OSError, EOFError, zlib.error):
            raise CollectError(f"{message.where}: the BATCH file {path} can't be read. Is it whole?") from None


def _local(message: Message, address: object) -> Path:
    parts = urlsplit(address) if isinstance(address, str) else None
    if parts is None or parts.scheme not in ("", "file") or parts.netloc not in ("", "localhost"):
        raise CollectError(
            f"{message.where}: the BATCH files of stream '{message.stream}' are not on this machine. "
            "Have the tap write them to a folder here (file://…)."
        )
    return Path(unquote(parts.path))


def _message(where: str, value: object, size: int) -> Message | Unreadable:
    kind = value.get("type") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(kind, str):
        return Unreadable(where, "it is no message of a Singer tap: it has no type")
    if kind not in _PARTS:
        return Unreadable(where, f"messages of type {kind[:40]} are not known")
    for part, what in _PARTS[kind].items():
        if part not in value or not isinstance(value[part], what):
            return Unreadable(where, f"a {kind} without '{part}', or with another thing in its place")
    return Message(where, kind, str(value.get("stream", "")), value, size)


def _values(file: BinaryIO, name: str) -> Iterator[tuple[str, object, int]]:
    """The JSON value of each line that is not blank, or what is wrong with it."""
    number = 0
    while line := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        where, whole = f"{name}:{number}", line.endswith(b"\n")
        if len(line) > MAX_LINE_BYTES and not whole:
            while (rest := file.readline(_BLOCK)) and not rest.endswith(b"\n"):
                pass
            yield where, Unreadable(where, f"the line is longer than {MAX_LINE_BYTES >> 20} MB"), 0
            continue
        if not line.strip():
            continue
        try:
            value: object = json.loads(line)
        except (ValueError, RecursionError) as error:
            if not whole:
                raise CollectError(
                    f"{name} ends in the middle of line {number:,}: the tap stopped. What came before is stored; run it again."
                ) from None
            why = error.msg if isinstance(error, json.JSONDecodeError) else "not text, or nested too deeply"
            value = Unreadable(where, f"it is not valid JSON: {why}")
        yield where, value, len(line)
