"""What tests of delivery share: a message, a ledger that forgets nothing, robots that live on this machine."""

from dataclasses import replace
from typing import Any

from feedback.digest.deliver import Message
from feedback.digest.robots import ROBOTS

KEY = "a1b2c3d4-e5f6-7890-abcd-ef0123456789"  # a made-up robot key
TOKEN = "abcdef0123456789abcdef0123456789"  # and a made-up token
BODY = "本周收到 512 条客户原声，净情感 +21%。\n\n## 什么变了\n\n- 物流：−8 个百分点"
MESSAGE = Message(key="week:2026-02-23", title="客户原声周报", body_markdown=BODY)


class MemoryLedger:
    """A ledger that keeps every record in order, so that a test sees what a crash would have left."""

    def __init__(self) -> None:
        self.records: list[tuple[str, str, bool, str | None]] = []

    def delivered(self, key: str, target_id: str) -> bool:
        return any((k, t, ok) == (key, target_id, True) for k, t, ok, _ in self.records)

    def record(self, key: str, target_id: str, ok: bool, error: str | None) -> None:
        self.records.append((key, target_id, ok, error))


def robots_at(port: int) -> dict[str, Any]:
    return {
        name: replace(robot, endpoint=robot.endpoint.replace("https://", f"http://127.0.0.1:{port}/"))
        for name, robot in ROBOTS.items()
    }
