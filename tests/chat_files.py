"""Collecting a file as the tests of the chat collector do."""

from pathlib import Path

from feedback.collectors.base import Item, Record, SourceConfig
from feedback.collectors.chat import ChatCollector
from storage.records import Role

PAYLOADS = Path(__file__).parent / "payloads" / "chat"


def collect(path: Path, roles: dict[str, Role] | None = None, **settings: str) -> list[Item]:
    config = SourceConfig("chats", "chat", (path.name,), path.parent, roles=roles or {}, **settings)  # type: ignore[arg-type]
    collector = ChatCollector()
    return [item for part in collector.parts(config) for item in collector.collect(part, config)]


def written(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def records(items: list[Item]) -> list[Record]:
    return [item for item in items if isinstance(item, Record)]


def said(items: list[Item]) -> list[tuple[str, int | None, str]]:
    return [(record.role, record.turn, record.text) for record in records(items)]
