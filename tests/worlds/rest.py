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
            "columns": {"text": "body", "source_id": "id", "posted_at": "created_at", "parent_id": "added_to"},
        }

    def answer(self, asked: Asked) -> Reply:
        if asked.headers.get("Authorization") != f"Bearer {SECRET}":
            return Reply({"error": "unauthorized"}, 401)
        rows = self.arranged(sorted(self.said, key=_key))
        rows = [one for one in rows if iso(one.changed_at) >= asked.query.get("updated_since", "")]
        start = 0
        if cursor := asked.query.get("after"):
            if not self.knows(cursor):
                return Reply({"error": "this cursor has expired"}, 410)
            start = sum(_key(one) <= cursor for one in rows) if not self.scrambled else _place(rows, cursor)
        more = start + PAGE < len(rows)
        after = self.cursor(_key(rows[start + PAGE - 1])) if more else None
        return Reply(_page(self.page(rows, start, PAGE), after))

    def stored(self) -> dict[str, str]:
        return {f"f{one.number}": one.text for one in self.said}

    def saved(self) -> bytes:
        return Reply(_page(self.said, None)).body()


def _key(one: Said) -> str:
    return f"{iso(one.changed_at)} {one.number:05}"


def _place(rows: list[Said], last: str) -> int:
    return 1 + [_key(one) for one in rows].index(last)


def _page(rows: list[Said], after: str | None) -> dict[str, object]:
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
    return {"data": {"items": items, "next": after}}
