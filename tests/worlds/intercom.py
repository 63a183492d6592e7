"""Intercom: what was said are the messages of conversations, six to one, the first of them its source. The search gives some four pages."""

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from wire import Asked, Reply

from worlds import SECRET, SECRET_VARIABLE, Interface, Lack, Said

IN_CONVERSATION = 6


class World(Interface):
    collector = "intercom"
    edits = True
    without: Mapping[Lack, str] = {"lasting cursors": "the next run asks by a time"}
    tells_of_deletions = True

    def __init__(self) -> None:
        super().__init__()
        self._redacted: list[Said] = []
        self._gone: set[str] = set()

    def section(self, url: str) -> Mapping[str, object]:
        return {"url": url, "token": {"env": SECRET_VARIABLE}}

    def answer(self, asked: Asked) -> Reply:
        if asked.headers.get("Authorization") != f"Bearer {SECRET}":
            return Reply(error("unauthorized", "Access Token Invalid"), 401)
        if (asked.method, asked.path) == ("POST", "/conversations/search"):
            return self._search(asked.json())
        conversation_id = asked.path.removeprefix("/conversations/")
        if asked.method == "GET" and (within := self._within(conversation_id)):
            return Reply(whole(conversation_id, within))
        return Reply(error("not_found", "Resource Not Found"), 404)

    def _search(self, wanted: dict[str, object]) -> Reply:
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
        rows = [rows[-1], *rows[:-1]] if self.scrambled else rows
        start, number = 0, 1
        if cursor := pagination.get("starting_after"):
            # When a conversation was changed, its id, the number of the page: a place between two conversations.
            if not self.knows(cursor):
                return Reply(error("parameter_invalid", "The starting_after parameter is invalid"), 400)
            at, last, number = json.loads(base64.b64decode(cursor))
            start = (
                rows.index(last) + 1 if self.scrambled else sum((changed[each], each) <= (at, last) for each in rows)
            )
        size = min(max(1, len(found) // 4), int(pagination["per_page"]))
        after, pages = start + size, {"type": "pages", "page": number, "per_page": size, "total_pages": 4}
        if after < len(rows):
            last = rows[after - 1]
            cursor = self.cursor(base64.b64encode(json.dumps([changed[last], last, number + 1]).encode()).decode())
            pages["next"] = {"page": number + 1, "starting_after": cursor}
        listed = [head(each, found[each]) for each in self.page(rows, start, size)]
        return Reply({"type": "conversation.list", "pages": pages, "total_count": len(rows), "conversations": listed})

    def _conversations(self) -> dict[str, list[Said]]:
        found: dict[str, list[Said]] = {}
        for one in sorted([*self.said, *self._redacted], key=lambda one: one.number):
            found.setdefault(self._conversation_of(one), []).append(one)
        return found

    def _within(self, conversation_id: str) -> list[Said]:
        return self._conversations().get(conversation_id, [])

    def remove(self, one: Said) -> None:
        """What is redacted stays where it was, without its words, and its conversation is changed."""
        at = max(each.changed_at for each in self.said) + timedelta(seconds=20)
        self.said.remove(one)
        self._redacted.append(replace(one, text="", changed_at=at))

    def vanish(self, one: Said) -> None:
        of = self._conversation_of(one)
        self.drop(*[each for each in self.said if self._conversation_of(each) == of])
        self._redacted = [each for each in self._redacted if self._conversation_of(each) != of]
        self._gone.add(of)

    def _conversation_of(self, one: Said) -> str:
        """A number that is given once: what is said after a conversation was deleted is in another."""
        number = 1_000_000_000 + ((one.to or one.number) - 1) // IN_CONVERSATION
        return str(number + 1000 if str(number) in self._gone else number)

    def stored(self) -> dict[str, str]:
        ids: dict[str, str] = {}
        for each, (first, *others) in self._conversations().items():
            ids[f"conversation-{each}"] = first.text
            ids.update({f"part-70{one.number}": one.text for one in others})
        return {source_id: text for source_id, text in ids.items() if text}

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
            "redacted": not first.text,
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
            "redacted": not one.text,
        }
        for one in within[1:]
    ]
    inside = {"type": "conversation_part.list", "conversation_parts": parts, "total_count": len(parts)}
    return {**head(conversation_id, within), "conversation_parts": inside}


def last_change(within: list[Said]) -> int:
    return max(int(one.changed_at.timestamp()) for one in within)


def author(conversation_id: str) -> dict[str, object]:
    return {"type": "user", "id": f"c{conversation_id}", "name": "阿宝", "email": "abao@example.com"}


def error(code: str, message: str) -> dict[str, object]:
    return {"type": "error.list", "request_id": "b2ub1", "errors": [{"code": code, "message": message}]}
