"""An interface of the kind that `collector = "rest"` is told about: numbered pages of what changed since a time, the oldest first."""

from collections.abc import Mapping

from wire import Asked, Reply

from worlds import SECRET, SECRET_VARIABLE, Interface, Lack, Said, iso

PAGE = 7


class World(Interface):
    collector = "rest"
    edits = True
    without: Mapping[Lack, str] = {"cursors": "its pages have numbers", "lasting cursors": "its pages have numbers"}

    def section(self, url: str) -> Mapping[str, object]:
        return {
            "url": f"{url}/v1/feedback",
            "records": "items",
            "auth": {"type": "bearer", "token": {"env": SECRET_VARIABLE}},
            "pages": {"type": "page"},
            "since": {"column": "updated_at", "parameter": "updated_since"},
            "columns": {"text": "body", "source_id": "id", "posted_at": "created_at", "parent_id": "added_to"},
        }

    def answer(self, asked: Asked) -> Reply:
        if asked.headers.get("Authorization") != f"Bearer {SECRET}":
            return Reply({"error": "unauthorized"}, 401)
        since, page = asked.query.get("updated_since", ""), int(asked.query["page"])
        rows = self.arranged(sorted(self.said, key=lambda one: (one.changed_at, one.number)))
        rows = [one for one in rows if iso(one.changed_at) >= since]
        return Reply(_page(self.page(rows, PAGE * (page - 1), PAGE) if PAGE * (page - 1) < len(rows) else []))

    def stored(self) -> dict[str, str]:
        return {f"f{one.number}": one.text for one in self.said}

    def saved(self) -> bytes:
        return Reply(_page(self.said)).body()


def _page(rows: list[Said]) -> dict[str, object]:
    items = [
        {
            "id": f"f{one.number}",
            "body": one.text,
            "created_at": iso(one.posted_at),
            "updated_at": iso(one.changed_at),
            **({"added_to": f"f{one.to}"} if one.to else {}),
        }
        for one in rows
    ]
    return {"items": items}
