"""Chatwoot, its conversations: what was said are messages, seven to a conversation. A list comes in some four pages, messages five a page."""

from collections.abc import Mapping
from datetime import timedelta

from wire import Asked, Reply

from worlds import SECRET, SECRET_VARIABLE, Interface, Lack, Said

IN_CONVERSATION = 7
MESSAGES = 5

UNAUTHORIZED = Reply({"error": "Invalid Access Token"}, 401)
NOT_FOUND = Reply({"error": "Resource could not be found"}, 404)


def may(asked: Asked) -> bool:
    return {name.lower(): value for name, value in asked.headers.items()}.get("api_access_token") == SECRET


class World(Interface):
    collector = "chatwoot"
    edits = False  # messages stay as they were sent
    without: Mapping[Lack, str] = {
        "cursors": "pages of conversations are numbers, and messages are asked for before a message",
        "lasting cursors": "pages of conversations are numbers, and messages are asked for before a message",
    }
    seen_back = timedelta(minutes=5)  # the server dates what comes in
    tells_of_deletions = True  # where the conversation goes on

    def __init__(self) -> None:
        super().__init__()
        self._deleted: list[Said] = []  # what people see of it is that it was deleted
        self._moving = True  # so that the second page comes empty when it is asked for first

    def section(self, url: str) -> Mapping[str, object]:
        return {"url": url, "account": 3, "token": {"env": SECRET_VARIABLE}, "streams": ["conversations"]}

    def answer(self, asked: Asked) -> Reply:
        if not may(asked):
            return UNAUTHORIZED
        parts = asked.path.strip("/").split("/")
        if parts[:5] != ["api", "v1", "accounts", "3", "conversations"]:
            return NOT_FOUND
        if len(parts) == 5 and asked.query["status"] == "all":
            return Reply(self._list(int(asked.query["page"])))
        if parts[6:] == ["messages"]:
            return self._messages(int(parts[5]), asked.query.get("before"))
        return NOT_FOUND

    def _list(self, page: int) -> dict[str, object]:
        whole = self._conversations()
        ids = sorted(whole, key=lambda each: (last_activity(whole[each]), each), reverse=not self.scrambled)
        size = max(1, len(ids) // 4)
        here = self.page(ids, (page - 1) * size, size)
        if page == 2 and self._moving:
            self._moving, here = False, []
        meta = {"mine_count": 0, "assigned_count": 0, "unassigned_count": len(ids), "all_count": len(ids)}
        return {"data": {"meta": meta, "payload": [conversation(each, whole[each]) for each in here]}}

    def _conversations(self) -> dict[int, list[Said]]:
        found: dict[int, list[Said]] = {}
        for one in sorted([*self.said, *self._deleted], key=number):
            found.setdefault(conversation_of(one), []).append(one)
        return found

    def remove(self, one: Said) -> None:
        self._deleted.append(one)
        self.drop(one)

    def vanish(self, one: Said) -> None:
        of = conversation_of(one)
        self._deleted = [each for each in self._deleted if conversation_of(each) != of]
        self.drop(*[each for each in self.said if conversation_of(each) == of])

    def _messages(self, conversation_id: int, before: str | None) -> Reply:
        within = self._conversations().get(conversation_id)
        if within is None:
            return NOT_FOUND
        rows = [self._message(one) for one in within if before is None or number(one) < int(before)]
        contact = {"id": 700 + conversation_id, "name": "阿宝", "email": "abao@example.com"}
        return Reply({"meta": {"labels": [], "contact": contact}, "payload": rows[-MESSAGES:]})

    def _message(self, one: Said) -> dict[str, object]:
        if one not in self._deleted:
            return message(one)
        return {**message(one), "content": "This message was deleted", "content_attributes": {"deleted": True}}

    def stored(self) -> dict[str, str]:
        return {str(number(one)): one.text for one in self.said}

    def saved(self) -> bytes:
        whole = self._conversations().values()
        return b"\n".join(Reply({"meta": {}, "payload": list(map(message, within))}).body() for within in whole)


def last_activity(within: list[Said]) -> int:
    return max(int(one.posted_at.timestamp()) for one in within)


def conversation(conversation_id: int, within: list[Said]) -> dict[str, object]:
    return {
        "meta": {
            "sender": {"id": 700 + conversation_id, "name": "阿宝", "email": "abao@example.com", "type": "contact"},
            "channel": "Channel::WebWidget",
            "hmac_verified": False,
        },
        "id": conversation_id,
        "messages": [message(within[-1])],
        "account_id": 3,
        "inbox_id": 1,
        "status": "open",
        "created_at": int(within[0].posted_at.timestamp()),
        "timestamp": last_activity(within),
        "last_activity_at": last_activity(within),
    }


def conversation_of(one: Said) -> int:
    return 1 + ((one.to or one.number) - 1) // IN_CONVERSATION


def number(one: Said) -> int:
    return 5000 + one.number


def message(one: Said) -> dict[str, object]:
    return {
        "id": number(one),
        "content": one.text,
        "inbox_id": 1,
        "conversation_id": conversation_of(one),
        "message_type": 0,
        "content_type": "text",
        "status": "sent",
        "content_attributes": {},
        "created_at": int(one.posted_at.timestamp()),
        "private": False,
        "source_id": None,
        "sender": {"id": 700 + conversation_of(one), "name": "阿宝", "email": "abao@example.com", "type": "contact"},
    }
