"""What an interface answers in JSON, read with as little trust in it as `web` has: in its charset, its size, its depth."""

import json
from codecs import lookup
from collections.abc import Iterable, Iterator

from feedback.collectors.charsets import broken_utf8
from feedback.errors import CollectError

MOST_VALUES = 1_000_000  # each costs fifty bytes of memory and more, however short it is written
MOST_DEPTH = 100
_BEGINNING = 2000  # bytes
_CHARSETS = frozenset(
    (
        *("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"),
        *("gb2312", "gbk", "gb18030", "big5", "big5hkscs", "shift_jis", "euc_kr", "iso8859-1", "cp1252"),
    )
)


class TooLarge(CollectError):
    """An answer is larger than any may be. Of fewer records it may not be."""


def read_json_body(body: bytes, place: str, content_type: str = "") -> object:
    """A JSON text as an object; raises `CollectError` that says what it is instead."""
    start = body[:_BEGINNING].lstrip()
    if not start:
        raise CollectError(f"{place} answers with nothing where JSON was due.")
    if start.startswith(b"<"):
        raise CollectError(
            f"{place} answers with a web page or XML where JSON was due. "
            "Is the address right, and the key, where one is needed, still good? Login pages and bot checks are not passed."
        )
    if sum(map(body.count, (b",", b"[", b"{"))) > MOST_VALUES:
        raise TooLarge(f"{place} answers with more than a million values. Ask for fewer records a page.")
    too_deep = CollectError(f"{place} answers with JSON that is nested too deeply.")
    try:
        # A line end may stand in a text as it is.
        found: object = json.loads(_decoded(body, content_type), strict=False)
    except RecursionError:
        raise too_deep from None
    except json.JSONDecodeError as error:
        why = f"{error.msg} at character {error.pos:,}"
        raise CollectError(f"{place} answers with something that is no JSON: {why}.") from None
    except ValueError:  # bytes of no charset known, a number of thousands of digits
        raise CollectError(f"{place} answers with something that is no JSON: not text.") from None
    if _is_deep(found):
        raise too_deep
    return found


def _is_deep(value: object) -> bool:
    """Whether it is nested more deeply than what works through it by recursion may bear."""
    level = [value]
    for _ in range(MOST_DEPTH):
        level = [each for one in level for each in _inner(one) if isinstance(each, dict | list)]
        if not level:
            return False
    return True


def _inner(value: object) -> Iterable[object]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _decoded(body: bytes, content_type: str) -> str:
    """As text, by its own bytes before what the header says: many say UTF-8 of what is none. ValueError where nothing reads it."""
    named = content_type.partition("charset=")[2].split(";")[0].strip(" \"'")
    text = next((text for text in _readings(body, named) if text is not None), None)
    if text is None:
        raise ValueError
    return text


def _readings(body: bytes, named: str) -> Iterator[str | None]:
    yield _read(body, json.detect_encoding(body))
    yield broken_utf8(body)
    yield _read(body, named)
    yield _read(body, "gb18030")


def _read(body: bytes, encoding: str) -> str | None:
    try:
        # Some of Python's codecs are no character sets, and one takes for ever.
        return body.decode(encoding) if lookup(encoding).name in _CHARSETS else None
    except (ValueError, LookupError):
        return None
