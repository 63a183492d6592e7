"""Interfaces of the kind that collector `rest` is told about, beside those of `tests/worlds`: one for each way of asking for what is new.

Unlike a list by offsets, none of them shows less than it should while records change: what a run misses then is its own fault.
"""

from collections.abc import Mapping
from typing import ClassVar

from wire import Asked, Reply
from worlds import SECRET, SECRET_VARIABLE, Interface, Said, iso

_PAGE = 7
_COLUMNS = {"text": "body", "source_id": "id", "posted_at": "created_at"}


class _Rest(Interface):
    collector = "rest"
    edits = True
    pages: ClassVar[Mapping[str, object]]
    since: ClassVar[Mapping[str, object]]

    def section(self, url: str) -> Mapping[str, object]:
        auth = {"type": "bearer", "token": {"env": SECRET_VARIABLE}}
        shared = {"url": f"{url}/v1/feedback", "records": "items", "columns": _COLUMNS, "auth": auth}
        return {**shared, "pages": self.pages, **({"since": self.since} if self.since else {})}

    def answer(self, asked: Asked) -> Reply:
        if asked.headers.get("Authorization") != f"Bearer {SECRET}":
            return Reply({"error": "unauthorized"}, 401)
        rows, after = self._page(asked)
        items = [
            {
                "id": f"f{one.number}",
                "body": one.text,
                "created_at": iso(one.posted_at),
                "updated_at": iso(one.changed_at),
            }
            for one in rows
        ]
        return Reply({"items": items, "next": after})

    def _page(self, asked: Asked) -> tuple[list[Said], str | None]:
        raise NotImplementedError

    def stored(self) -> dict[str, str]:
        return {f"f{one.number}": one.text for one in self.said}


def _key(one: Said) -> str:
    return f"{iso(one.changed_at)} {one.number:05}"


class ByCursor(_Rest):
    """Changes since a time, the oldest first; a cursor says after which record to go on."""

    pages: ClassVar[Mapping[str, object]] = {"type": "cursor", "parameter": "after", "cursor": "next"}
    since: ClassVar[Mapping[str, object]] = {"column": "updated_at", "parameter": "updated_since"}

    def _page(self, asked: Asked) -> tuple[list[Said], str | None]:
        least, after = asked.query.get("updated_since", ""), asked.query.get("after", "")
        rows = sorted((one for one in self.said if iso(one.changed_at) >= least and _key(one) > after), key=_key)
        return rows[:_PAGE], _key(rows[_PAGE - 1]) if len(rows) > _PAGE else None


class NewestFirst(_Rest):
    """Numbered pages, what was changed last first; nothing can be asked for."""

    pages: ClassVar[Mapping[str, object]] = {"type": "page", "parameter": "page"}
    since: ClassVar[Mapping[str, object]] = {"column": "updated_at", "order": "newest"}

    def _page(self, asked: Asked) -> tuple[list[Said], str | None]:
        start = (int(asked.query["page"]) - 1) * _PAGE
        return sorted(self.said, key=_key, reverse=True)[start : start + _PAGE], None


class Everything(_Rest):
    """All of it, in the order it was written, by the address of the next page."""

    pages: ClassVar[Mapping[str, object]] = {"type": "next", "cursor": "next"}
    since: ClassVar[Mapping[str, object]] = {}

    def _page(self, asked: Asked) -> tuple[list[Said], str | None]:
        start = int(asked.query.get("from", 0))
        more = start + _PAGE < len(self.said)
        return self.said[start : start + _PAGE], f"{asked.path}?from={start + _PAGE}" if more else None


OWN = {"rest, by cursor": ByCursor, "rest, newest first": NewestFirst, "rest, all of it": Everything}
