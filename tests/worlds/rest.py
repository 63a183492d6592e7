"""An interface of the kind that `collector = "rest"` is told about: pages by cursor, changes by time."""

from collections.abc import Mapping

from wire import Asked, Reply

from worlds import SECRET, SECRET_VARIABLE, Interface, Said, iso

PAGE = 7


class World(Interface):
    collector = "rest"
    edits = True

    def section(self, url: str) -> Mapping[str, object]:
        return {
            "url": f"{url}/v1/feedback",
            "records": "data.items",
            "auth": {"type": "bearer", "token": {"env": SECRET_VARIABLE}},
            "pages": {"type": "cursor", "parameter": "after", "cursor": "data.next"},
            "since": {"column": "updated_at", "parameter": "updated_since"},
            "columns": {"text": "body", "source_id": "id", "posted_at": "created_at"},
        }

    def answer(self, asked: Asked) -> Reply:
        if asked.headers.get("Authorization") != f"Bearer {SECRET}":
            return Reply({"error": "unauthorized"}, 401)
        rows = sorted(self.said, key=lambda one: (one.changed_at, one.number))
        rows = [one for one in rows if iso(one.changed_at) >= asked.query.get("updated_since", "")]
        start = int(asked.query.get("after", 0))
        more = start + PAGE < len(rows)
        return Reply(_page(rows[start : start + PAGE], str(start + PAGE) if more else None))

    def stored(self) -> dict[str, str]:
        return {f"f{one.number}": one.text for one in self.said}

    def saved(self) -> bytes:
        return Reply(_page(self.said, None)).body()


def _page(rows: list[Said], after: str | None) -> dict[str, object]:
    items = [
        {
            "id": f"f{one.number}",
            "body": one.text,
            "created_at": iso(one.posted_at),
            "updated_at": iso(one.changed_at),
        }
        for one in rows
    ]
    return {"data": {"items": items, "next": after}}
