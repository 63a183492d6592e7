"""Zendesk Support, its ratings of satisfaction: what was said are the comments that came with them. Seven a page."""

from collections.abc import Mapping

from wire import Asked, Reply

from worlds import SECRET_VARIABLE, Interface, Said, iso
from worlds.zendesk import EMAIL, NOT_FOUND, UNAUTHORIZED, may

PAGE = 7


class World(Interface):
    collector = "zendesk"
    edits = True

    def section(self, url: str) -> Mapping[str, object]:
        streams = ["satisfaction_ratings"]
        return {"url": url, "email": EMAIL, "token": {"env": SECRET_VARIABLE}, "streams": streams}

    def answer(self, asked: Asked) -> Reply:
        if not may(asked):
            return UNAUTHORIZED
        if asked.path != "/api/v2/satisfaction_ratings.json" or asked.query.get("score") != "received":
            return NOT_FOUND
        since = int(asked.query.get("start_time", 0))
        rows = sorted(self.said, key=lambda one: (one.posted_at, one.number))
        rows = [one for one in rows if one.posted_at.timestamp() >= since]
        start = int(asked.query.get("page[after]", 0))
        end = start + min(PAGE, int(asked.query["page[size]"]))
        return Reply(
            {
                "satisfaction_ratings": [rating(one) for one in rows[start:end]],
                "meta": {"has_more": end < len(rows), "after_cursor": str(end), "before_cursor": str(start)},
                "links": {"prev": None, "next": "https://acme.zendesk.com/api/v2/satisfaction_ratings.json"},
            }
        )

    def stored(self) -> dict[str, str]:
        return {f"rating-{9000 + one.number}": one.text for one in self.said}

    def saved(self) -> bytes:
        return Reply({"satisfaction_ratings": [rating(one) for one in self.said]}).body()


def rating(one: Said) -> dict[str, object]:
    return {
        "url": f"https://acme.zendesk.com/api/v2/satisfaction_ratings/{9000 + one.number}.json",
        "id": 9000 + one.number,
        "assignee_id": 235323,
        "group_id": 98738,
        "requester_id": 20978392,
        "ticket_id": 35000 + one.number,
        "score": "good" if one.number % 2 else "bad",
        "created_at": iso(one.posted_at),
        "updated_at": iso(one.changed_at),
        "comment": one.text,
        "reason": "No reason provided",
        "reason_id": 0,
    }
