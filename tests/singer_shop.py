"""A project with a Singer source, the tap that it is of, and what taps say: for the tests of collector singer."""

import io
import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from command import Ran, run
from worlds import NOW, Said, iso, said

from feedback.collectors.base import Item, Record, SourceConfig
from feedback.collectors.live import Page, Visit
from feedback.collectors.live.vault import Vault
from feedback.collectors.singer import SingerCollector

SETTINGS = """[project]
name = "合约"

[analysis]
engine = "fast"

[[sources]]
name = "live"
collector = "singer"
paths = ["-"]
channel = "网页"
layout = "map.toml"
"""
MAP = """[streams.reviews.columns]
text = "body"
posted_at = "created_at"
"""


def lines(*messages: dict[str, object]) -> bytes:
    return b"".join(json.dumps(message, ensure_ascii=False).encode() + b"\n" for message in messages)


def schema(stream: str = "reviews", *keys: str, **properties: object) -> dict[str, object]:
    return {
        "type": "SCHEMA",
        "stream": stream,
        "schema": {"properties": properties},
        "key_properties": [*(keys or ("id",))],
    }


def record(stream: str = "reviews", **fields: object) -> dict[str, object]:
    return {"type": "RECORD", "stream": stream, "record": fields}


def state(value: object) -> dict[str, object]:
    return {"type": "STATE", "value": value}


class Tap:
    """Sends what was changed since the state that it is given, the oldest first, and a STATE after each seven."""

    def __init__(self) -> None:
        self.said: list[Said] = said(20)

    def output(self, given: str) -> bytes:
        since = json.loads(given).get("bookmarks", {}).get("reviews", "")
        rows = sorted((iso(one.changed_at), one.number, one) for one in self.said)
        found = [lines(schema())]
        for count, (at, number, one) in enumerate((row for row in rows if row[0] >= since), 1):
            found.append(lines(record(id=number, body=one.text, created_at=iso(one.posted_at), updated_at=at)))
            since = at
            if count % 7 == 0:
                found.append(lines(state({"bookmarks": {"reviews": since}})))
        return b"".join([*found, lines(state({"bookmarks": {"reviews": since}}))])


class Shop:
    """A project with one source, and the tap that it is of."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.tap, self._patch = folder, Tap(), monkeypatch
        (folder / "feedback.toml").write_text(SETTINGS, encoding="utf-8")
        (folder / "map.toml").write_text(MAP, encoding="utf-8")

    def state(self) -> str:
        ran = run("collect", "--source", "live", "--state", project=self.folder)
        assert (ran.code, ran.err) == (0, "")
        return ran.out

    def say(self, *more: Said) -> None:
        """Said after all else: a tap asks for what is later than its bookmark."""
        at = max(one.changed_at for one in self.tap.said)
        self.tap.said += [replace(one, changed_at=at + timedelta(minutes=n)) for n, one in enumerate(more, 1)]

    def collect(self, *more: str) -> Ran:
        """The pipe: a tap that is given the state, and the collector."""
        return self.collect_of(self.tap.output(self.state()), *more)

    def collect_of(self, piped: bytes, *more: str) -> Ran:
        self.pipe(piped)
        return run("collect", "--source", "live", *more, project=self.folder)

    def pipe(self, piped: bytes) -> None:
        path = self.folder / "piped"
        path.write_bytes(piped)
        file = path.open(encoding="utf-8")
        self._patch.setattr(sys, "stdin", Closing(file))

    def stored(self) -> dict[str, str]:
        with closing(sqlite3.connect(self.folder / "feedback.db")) as database:
            rows = database.execute("select source_id, text from verbatims where source = 'live'").fetchall()
        assert len(rows) == len({row[0] for row in rows})
        return dict(rows)

    def is_whole(self) -> bool:
        return self.stored() == {f"reviews:{one.number}": one.text for one in self.tap.said}


class Closing:
    """Standard input that is closed when nobody has it any more: a test need not."""

    def __init__(self, file: io.TextIOWrapper) -> None:
        self._file = file
        self.buffer, self.fileno = file.buffer, file.fileno

    def __del__(self) -> None:
        self._file.close()


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    return Shop(tmp_path, monkeypatch)


def visit_of(folder: Path, written: str = MAP, **more: object) -> Visit:
    (folder / "map.toml").write_text(written, encoding="utf-8")
    given: dict[str, object] = {"paths": ("messages.jsonl",), "base": folder, "layout": "map.toml", **more}
    return Visit(SourceConfig("live", "singer", **given), Vault(folder / "project"), NOW)  # type: ignore[arg-type]


def pages_of(folder: Path, piped: bytes, written: str = MAP) -> Iterator[Page]:
    (folder / "messages.jsonl").write_bytes(piped)
    visit, collector = visit_of(folder, written), SingerCollector()
    [stream] = collector.streams(visit)
    for page in collector.pages(stream, None, visit):
        if len(json.loads(page.state or "")) == 2:  # but the one that says that the file was read
            yield page


def items_of(folder: Path, piped: bytes, written: str = MAP) -> list[Item]:
    return [item for page in pages_of(folder, piped, written) for item in page.items]


def review(number: object, text: str = "好用", **more: object) -> Record:
    return Record(text, "review", "live", f"reviews:{number}", source_id=f"reviews:{number}", **more)  # type: ignore[arg-type]


def kept(tap: object, *keys: str) -> str:
    """A state: what the tap said, and the key that the stream has."""
    return json.dumps([tap, {"reviews": [keys or ("id",)]}])


def before_a_schema(tap: object) -> str:
    return json.dumps([tap, {}])
