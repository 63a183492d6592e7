"""A Singer tap: it is told how far it has come, and sends what was changed since, the oldest first, with a STATE after each seven."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from worlds import Around, Lack, Said, Source, iso

BETWEEN_STATES = 7
_MAP = """[streams.reviews.columns]
text = "body"
posted_at = "created_at"
parent_id = "added_to"
"""


class World(Source):
    collector = "singer"
    speaks = "what Singer taps speak, through a pipe"
    secret: str | None = None  # what a tap is told stands in its own file
    edits = True
    without: Mapping[Lack, str] = {
        "future changes": "how far a tap has come is the tap's to say, and it takes the last change for that"
    }
    tells_of_deletions = True
    breaks: str | None = "told"
    saved_as = "answer.jsonl"
    _NONSENSE: Mapping[str, bytes] = {
        "how it is called": b"usage: tap-reviews [-h] -c CONFIG\n",
        "nothing": b"",
        "no message": b'{"data": {"items": []}}\n',
        "a record before its schema": b'{"type": "RECORD", "stream": "reviews", "record": {"id": 1, "body": "x"}}\n',
    }
    nonsense = tuple(_NONSENSE)

    def __init__(self) -> None:
        super().__init__()
        self._deleted: list[Said] = []
        self._talks: bytes | None = None
        self._breaks_off = False

    @contextmanager
    def served(self, folder: Path, around: Around = nullcontext) -> Iterator[str]:  # noqa: ARG002
        """The address is that of its map; nobody asks it anything."""
        (folder / "map.toml").write_text(_MAP, encoding="utf-8")
        yield str(folder / "map.toml")

    def remove(self, one: Said) -> None:
        at = max(each.changed_at for each in [*self.said, *self._deleted]) + timedelta(seconds=20)
        self.said.remove(one)
        self._deleted.append(replace(one, changed_at=at))

    def section(self, url: str) -> Mapping[str, object]:
        return {"paths": ["-"], "layout": url}

    def sent(self, state: str) -> Iterator[bytes]:
        if self._talks is not None:
            yield self._talks
            return
        since = self._bookmark(json.loads(state))
        yield _line({"type": "SCHEMA", "stream": "reviews", "schema": {"properties": {}}, "key_properties": ["id"]})
        last, sent = (since, 0), list[bytes]()
        while following := self._following(last):
            for one in following:
                whole = _record(one, deleted=one in self._deleted)
                if self._breaks_off and len(sent) + 1 == BETWEEN_STATES:
                    self._breaks_off = False
                    yield whole[: len(whole) // 2]
                    return
                yield whole
                sent.append(whole)
                last = _place(one)
            yield self._state(last[0])
            yield from sent[len(sent) - self.overlap :]
        yield self._state(last[0])

    def _following(self, last: tuple[str, int]) -> list[Said]:
        left = [one for one in [*self.said, *self._deleted] if _place(one) > last]
        return sorted(left, key=_place)[:BETWEEN_STATES]

    def _bookmark(self, state: dict[str, str]) -> str:
        """From when on; the beginning, where a state is of a tap as it was before."""
        kept = state.get("bookmark")
        return kept if kept and self.knows(kept) else ""

    def _state(self, bookmark: str) -> bytes:
        return _line({"type": "STATE", "value": {"bookmark": self.cursor(bookmark)}})

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


def _record(one: Said, *, deleted: bool) -> bytes:
    fields = {"id": one.number, "body": one.text, "created_at": iso(one.posted_at), "updated_at": iso(one.changed_at)}
    if one.to:
        fields["added_to"] = one.to
    if deleted:
        fields["_sdc_deleted_at"] = iso(one.changed_at)
    return _line({"type": "RECORD", "stream": "reviews", "record": fields})


def _line(message: object) -> bytes:
    return json.dumps(message, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
