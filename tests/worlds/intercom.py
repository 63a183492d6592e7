"""Intercom: what was said are the messages of conversations, six to one, the first of them its source. The search gives some four pages."""

from collections.abc import Mapping

from wire import Asked, Reply

from worlds import SECRET, SECRET_VARIABLE, Interface, Said

IN_CONVERSATION = 6


class World(Interface):
    collector = "intercom"
    edits = True

    def section(self, url: str) -> Mapping[str, object]:
        return {"url": url, "token": {"env": SECRET_VARIABLE}}

    def answer(self, asked: Asked) -> Reply:
        if asked.headers.get("Authorization") != f"Bearer {SECRET}":
            return Reply(error("unauthorized", "Access Token Invalid"), 401)
        if (asked.method, asked.path) == ("POST", "/conversations/search"):
            return Reply(self._search(asked.json()))
        conversation_id = asked.path.removeprefix("/conversations/")
        if asked.method == "GET" and (within := self._within(conversation_id)):
            return Reply(whole(conversation_id, within))
        return Reply(error("not_found", "Resource Not Found"), 404)

    def _search(self, wanted: dict[str, object]) -> dict[str, object]:
        query, pagination = wanted["query"], wanted["pagination"]
        assert isinstance(query, dict)
        assert isinstance(pagination, dict)
        assert (query["field"], query["operator"]) == ("updated_at", ">")
        assert wanted["sort"] == {"field": "updated_at", "order": "ascending"}
        found = self._conversations()
        changed = {each: last_change(within) for each, within in found.items()}
        rows = sorted(
            (each for each in changed if changed[each] > query["value"]), key=lambda each: (changed[each], each)
        )
        start = int(pagination.get("starting_after", 0))
        size = min(max(1, len(found) // 4), int(pagination["per_page"]))
        after = start + size
        pages: dict[str, object] = {"type": "pages", "page": 1 + start // size, "per_page": size, "total_pages": 4}
        if after < len(rows):
            pages["next"] = {"page": 2 + start // size, "starting_after": str(after)}
        return {
            "type": "conversation.list",
            "pages": pages,
            "total_count": len(rows),
            "conversations": [head(each, found[each]) for each in rows[start:after]],
        }

    def _conversations(self) -> dict[str, list[Said]]:
        found: dict[str, list[Said]] = {}
        for one in self.said:
            found.setdefault(conversation_of(one), []).append(one)
        return found

    def _within(self, conversation_id: str) -> list[Said]:
        return [one for one in self.said if conversation_of(one) == conversation_id]

    def stored(self) -> dict[str, str]:
        ids: dict[str, str] = {}
        for each, (first, *others) in self._conversations().items():
            ids[f"conversation-{each}"] = first.text
            ids.update({f"part-70{one.number}": one.text for one in others})
        return ids

    def saved(self) -> bytes:
        return b"\n".join(Reply(whole(each, within)).body() for each, within in self._conversations().items())


def head(conversation_id: str, within: list[Said]) -> dict[str, object]:
    """A conversation as lists have it."""
    first = within[0]
    return {
        "type": "conversation",
        "id": conversation_id,
        "created_at": int(first.posted_at.timestamp()),
        "updated_at": last_change(within),
        "state": "open",
        "source": {
            "type": "conversation",
            "id": f"40{first.number}",
            "delivered_as": "customer_initiated",
            "subject": "",
            "body": f"<p>{first.text}</p>",
            "author": author(conversation_id),
            "attachments": [],
            "redacted": False,
        },
        "contacts": {"type": "contact.list", "contacts": [{"type": "contact", "id": f"c{conversation_id}"}]},
        "conversation_rating": None,
        "statistics": {"type": "conversation_statistics", "count_conversation_parts": len(within) - 1},
    }


def whole(conversation_id: str, within: list[Said]) -> dict[str, object]:
    """A conversation as it is when it is asked for by itself."""
    parts = [
        {
            "type": "conversation_part",
            "id": f"70{one.number}",
            "part_type": "comment",
            "body": f"<p>{one.text}</p>",
            "created_at": int(one.posted_at.timestamp()),
            "updated_at": int(one.changed_at.timestamp()),
            "author": author(conversation_id),
            "attachments": [],
            "redacted": False,
        }
        for one in within[1:]
    ]
    inside = {"type": "conversation_part.list", "conversation_parts": parts, "total_count": len(parts)}
    return {**head(conversation_id, within), "conversation_parts": inside}


def last_change(within: list[Said]) -> int:
    return max(int(one.changed_at.timestamp()) for one in within)


def conversation_of(one: Said) -> str:
    return str(1_000_000_000 + (one.number - 1) // IN_CONVERSATION)


def author(conversation_id: str) -> dict[str, object]:
    return {"type": "user", "id": f"c{conversation_id}", "name": "阿宝", "email": "abao@example.com"}


def error(code: str, message: str) -> dict[str, object]:
    return {"type": "error.list", "request_id": "b2ub1", "errors": [{"code": code, "message": message}]}
