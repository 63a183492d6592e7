"""A help desk of Zendesk that answers what a test says, and what its interface tells of tickets, comments and ratings."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from contract import until_error
from wire import Asked, Reply, Wire, wire
from worlds import NOW, SECRET_VARIABLE, zendesk

from feedback.collectors.base import Item, Record, SourceConfig
from feedback.collectors.live import Page, Visit
from feedback.collectors.live.vault import Vault
from feedback.collectors.zendesk import ZendeskCollector

EXPORT = "/api/v2/incremental/tickets/cursor.json"
COMMENTS = "/api/v2/tickets/{}/comments.json"
RATINGS = "/api/v2/satisfaction_ratings.json"
TOKEN = {"env": SECRET_VARIABLE}
ASKED_BY, AGENT = 501, 900
LATEST = int(NOW.timestamp()) - 120  # the latest moment that the interface lets an export begin


@contextmanager
def open_desk() -> Iterator["Desk"]:
    """The desk, as long as the test runs."""
    replies: dict[str, Any] = {}

    def answer(asked: Asked) -> Reply:
        found = replies[asked.path]
        reply = found(asked) if callable(found) else found
        return reply if isinstance(reply, Reply) else Reply(reply)

    with wire(answer) as web:
        yield Desk(web, replies)


class Desk:
    """A help desk that answers a path with what `replies` holds for it: contents, a reply, or what makes one of the request."""

    def __init__(self, web: Wire, replies: dict[str, Any]) -> None:
        self.web, self.replies = web, replies

    def visit(self, since: datetime | None = None, **settings: object) -> Visit:
        options = {"url": self.web.url, "email": zendesk.EMAIL, "token": TOKEN, **settings}
        return visit_of(options, since=since)

    def pages(self, stream: str = "tickets", state: str | None = None, since: datetime | None = None) -> list[Page]:
        return list(ZendeskCollector().pages(stream, state, self.visit(since)))

    def fails(self, state: str | None = None) -> tuple[list[Page], str]:
        return until_error(ZendeskCollector().pages("tickets", state, self.visit()))

    def items(self, stream: str = "tickets") -> list[Item]:
        return [item for page in self.pages(stream) for item in page.items]

    def queries(self, path: str) -> list[dict[str, str]]:
        return [asked.query for asked in self.web.asked if asked.path == path]


def visit_of(options: dict[str, object], since: datetime | None = None) -> Visit:
    config = SourceConfig("客服", "zendesk", channel="邮件", store="人民路店", product="手冲壶", options=options)
    return Visit(config, Vault(Path("/nowhere")), NOW, since=since)


def write_project(desk: Desk, folder: Path) -> None:
    settings = f'url = "{desk.web.url}"\nemail = "a@example.com"\ntoken = {{ env = "{SECRET_VARIABLE}" }}'
    source = f'[[sources]]\nname = "客服"\ncollector = "zendesk"\nchannel = "邮件"\n{settings}\n'
    (folder / "feedback.toml").write_text(f'[project]\nname = "小店"\n\n{source}', encoding="utf-8")


def export(*tickets: object, after: str | None = "c1", end: object = True) -> dict[str, object]:
    return {"tickets": list(tickets), "after_url": None, "after_cursor": after, "end_of_stream": end}


def ticket(number: int = 35, **fields: object) -> dict[str, object]:
    return {"id": number, "status": "open", "requester_id": ASKED_BY, "generated_timestamp": 1_772_000_000, **fields}


def comment(text: str, **fields: object) -> dict[str, object]:
    common = {"id": 1, "type": "Comment", "author_id": ASKED_BY, "public": True, "created_at": "2026-03-01T02:00:00Z"}
    return {**common, "body": f"{text} (body)", "plain_body": text, **fields}


def comments(*found: object, more: object = False, after: str | None = None) -> dict[str, object]:
    return {"comments": list(found), "meta": {"has_more": more, "after_cursor": after}}


def ratings(*found: object, more: bool = False, after: str | None = None) -> dict[str, object]:
    return {"satisfaction_ratings": list(found), "meta": {"has_more": more, "after_cursor": after}}


def record(key: str, text: str, **fields: Any) -> Record:
    common: dict[str, Any] = {"kind": "ticket", "channel": "邮件", "location": f"tickets:{key}", "source_id": key}
    place = {"conversation_id": "35", "posted_at": "2026-03-01T02:00:00Z", "store": "人民路店", "product": "手冲壶"}
    return Record(text, **{**common, **place, **fields})
