"""A Singer tap: it is told how far it has come, and sends what was changed since, the oldest first, with a STATE after each seven."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path

from worlds import Around, Said, iso, said

BETWEEN_STATES = 7
_MAP = """[streams.reviews.columns]
text = "body"
posted_at = "created_at"
"""


class World:
    collector = "singer"
    speaks = "what Singer taps speak, through a pipe"
    secret: str | None = None  # what a tap is told stands in its own file
    edits = True
    breaks: str | None = "told"
    saved_as = "answer.jsonl"
    page_sizes: Mapping[str, int] = {}
    _NONSENSE: Mapping[str, bytes] = {
        "how it is called": b"usage: tap-reviews [-h] -c CONFIG\n",
        "nothing": b"",
        "no message": b'{"data": {"items": []}}\n',
        "a record before its schema": b'{"type": "RECORD", "stream": "reviews", "record": {"id": 1, "body": "x"}}\n',
    }
    nonsense = tuple(_NONSENSE)

    def __init__(self) -> None:
        self.said: list[Said] = said(20)
        self._talks: bytes | None = None
        self._breaks_off = False

    @contextmanager
    def served(self, folder: Path, around: Around = nullcontext) -> Iterator[str]:  # noqa: ARG002
        """The address is that of its map; nobody asks it anything."""
        (folder / "map.toml").write_text(_MAP, encoding="utf-8")
        yield str(folder / "map.toml")

    def publish(self) -> None:
        pass

    def section(self, url: str) -> Mapping[str, object]:
        return {"paths": ["-"], "layout": url}

    def sent(self, state: str) -> Iterator[bytes]:
        if self._talks is not None:
            yield self._talks
            return
        since = json.loads(state).get("bookmarks", {}).get("reviews", "")
        yield _line({"type": "SCHEMA", "stream": "reviews", "schema": {"properties": {}}, "key_properties": ["id"]})
        last, count = (since, 0), 0
        while following := min((place for one in list(self.said) if (place := _place(one)) > last), default=None):
            last, count = following, count + 1
            whole = _record(next(one for one in self.said if one.number == last[1]))
            if count == BETWEEN_STATES and self._breaks_off:
                self._breaks_off = False
                yield whole[: len(whole) // 2]
                return
            yield whole
            if count % BETWEEN_STATES == 0:
                yield _state(last[0])
        yield _state(last[0])

    def stored(self) -> dict[str, str]:
        return {f"reviews:{one.number}": one.text for one in self.said}

    def saved(self) -> bytes:
        return b"".join(self.sent("{}"))

    def break_off(self) -> None:
        self._breaks_off = True

    def talk(self, nonsense: str) -> None:
        self._talks = self._NONSENSE[nonsense]

    def refuse(self, words: str) -> None:
        raise AssertionError(words)


def _place(one: Said) -> tuple[str, int]:
    return iso(one.changed_at), one.number


def _record(one: Said) -> bytes:
    fields = {"id": one.number, "body": one.text, "created_at": iso(one.posted_at), "updated_at": iso(one.changed_at)}
    return _line({"type": "RECORD", "stream": "reviews", "record": fields})


def _state(bookmark: str) -> bytes:
    return _line({"type": "STATE", "value": {"bookmarks": {"reviews": bookmark}}})


def _line(message: object) -> bytes:
    return json.dumps(message, ensure_ascii=False).encode() + b"\n"
