"""Zendesk Support, its ratings of satisfaction: what was said are the comments that came with them. Seven a page."""

from collections.abc import Mapping
from datetime import timedelta

from wire import Asked, Reply

from worlds import SECRET_VARIABLE, Interface, Lack, Said, iso
from worlds.zendesk import EMAIL, NOT_FOUND, UNAUTHORIZED, may

PAGE = 7


class World(Interface):
    collector = "zendesk"
    edits = True
    without: Mapping[Lack, str] = {
        "lasting cursors": "the next run asks by a time",
        "replies": "who has something to add rates again",
    }
    seen_back = timedelta(days=28)

    def section(self, url: str) -> Mapping[str, object]:
        streams = ["satisfaction_ratings"]
        return {"url": url, "email": EMAIL, "token": {"env": SECRET_VARIABLE}, "streams": streams}

    def answer(self, asked: Asked) -> Reply:
        if not may(asked):
            return UNAUTHORIZED
        if asked.path != "/api/v2/satisfaction_ratings.json" or asked.query.get("score") != "received":
            return NOT_FOUND
        since = int(asked.query.get("start_time", 0))
        rows = sorted(self.said, key=lambda one: (one.posted_at, one.number), reverse=self.scrambled)
        rows = [one for one in rows if one.posted_at.timestamp() >= since]
        start = 0
        if cursor := asked.query.get("page[after]"):
            # A rating by its date and number: what is removed before it moves nothing.
            if not self.knows(cursor):
                return Reply({"errors": [{"code": "InvalidPaginationParameter", "title": "Cursor is invalid"}]}, 400)
            start = sum(_key(one) <= cursor for one in rows) if not self.scrambled else _place(rows, cursor)
        size = min(PAGE, int(asked.query["page[size]"]))
        end = start + size
        after = self.cursor(_key(rows[end - 1])) if rows[start:end] and end <= len(rows) else self.cursor("9")
        return Reply(
            {
                "satisfaction_ratings": [rating(one) for one in self.page(rows, start, size)],
                "meta": {"has_more": end < len(rows), "after_cursor": after, "before_cursor": None},
                "links": {"prev": None, "next": "https://acme.zendesk.com/api/v2/satisfaction_ratings.json"},
            }
        )

    def stored(self) -> dict[str, str]:
        return {f"rating-{9000 + one.number}": one.text for one in self.said}

    def saved(self) -> bytes:
        return Reply({"satisfaction_ratings": [rating(one) for one in self.said]}).body()


def _key(one: Said) -> str:
    return f"{iso(one.posted_at)} {one.number:05}"


def _place(rows: list[Said], last: str) -> int:
    return 1 + [_key(one) for one in rows].index(last)


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
