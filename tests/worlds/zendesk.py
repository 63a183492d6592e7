"""Zendesk Support, its tickets: what was said are comments, six to a ticket. An export comes in some four pages, comments four a page."""

import base64
from collections.abc import Mapping

from wire import Asked, Reply

from worlds import SECRET, SECRET_VARIABLE, Interface, Said, iso

EMAIL = "reports@example.com"
IN_TICKET = 6
COMMENTS = 4


def may(asked: Asked) -> bool:
    """Basic access with an API token: the address, "/token", a colon, the token."""
    expected = base64.b64encode(f"{EMAIL}/token:{SECRET}".encode()).decode()
    return asked.headers.get("Authorization") == f"Basic {expected}"


UNAUTHORIZED = Reply({"error": "Couldn't authenticate you"}, 401)
NOT_FOUND = Reply({"error": "RecordNotFound", "description": "Not found"}, 404)


class World(Interface):
    collector = "zendesk"
    edits = True  # an agent may take words out of a comment

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[int, Said] = {}
        self._generated: dict[int, int] = {}  # of each ticket: when its last change was made, no two in the same second
        self._last = 0

    def section(self, url: str) -> Mapping[str, object]:
        return {"url": url, "email": EMAIL, "token": {"env": SECRET_VARIABLE}, "streams": ["tickets"]}

    def answer(self, asked: Asked) -> Reply:
        if not may(asked):
            return UNAUTHORIZED
        parts = asked.path.strip("/").split("/")
        if parts == ["api", "v2", "incremental", "tickets", "cursor.json"]:
            return Reply(self._export(asked.query))
        if parts[:3] == ["api", "v2", "tickets"] and parts[4:] == ["comments.json"]:
            return Reply(self._comments(int(parts[3]), asked.query))
        return NOT_FOUND

    def _export(self, query: Mapping[str, str]) -> dict[str, object]:
        self._notice()
        order = sorted((generated, ticket) for ticket, generated in self._generated.items())
        if "cursor" in query:
            done = base64.b64decode(query["cursor"]).decode().split(".0||")
            left = [each for each in order if each > (int(done[0]), int(done[1]))]
        else:
            left = [each for each in order if each[0] >= int(query["start_time"])]
        tickets, page = self._tickets(), left[: min(max(1, len(order) // 4), int(query["per_page"]))]
        last = page[-1] if page else None
        here = base64.b64encode(f"{last[0]}.0||{last[1]}".encode()).decode() if last else query.get("cursor")
        return {
            "tickets": [self._ticket(ticket, tickets[ticket]) for _, ticket in page],
            "after_url": f"https://acme.zendesk.com/api/v2/incremental/tickets/cursor.json?cursor={here}",
            "after_cursor": here,
            "before_url": None,
            "before_cursor": None,
            "end_of_stream": len(page) == len(left),
        }

    def _notice(self) -> None:
        for one in self.said:
            if self._seen.get(one.number) != one:
                self._seen[one.number] = one
                self._last = max(self._last + 1, int(one.changed_at.timestamp()))
                self._generated[ticket_of(one)] = self._last

    def _tickets(self) -> dict[int, list[Said]]:
        found: dict[int, list[Said]] = {}
        for one in self.said:
            found.setdefault(ticket_of(one), []).append(one)
        return found

    def _ticket(self, ticket: int, within: list[Said]) -> dict[str, object]:
        return {
            "url": f"https://acme.zendesk.com/api/v2/tickets/{ticket}.json",
            "id": ticket,
            "external_id": None,
            "via": {"channel": "email", "source": {"from": {}, "to": {}, "rel": None}},
            "created_at": iso(within[0].posted_at),
            "updated_at": iso(max(one.changed_at for one in within)),
            "generated_timestamp": self._generated.get(ticket, 0),
            "type": None,
            "subject": "订单",
            "description": within[0].text,
            "priority": None,
            "status": "open",
            "requester_id": 20978392 + ticket,
            "submitter_id": 20978392 + ticket,
            "assignee_id": 235323,
            "tags": [],
            "is_public": True,
            "satisfaction_rating": {"score": "unoffered"},
            "comment_count": len(within),
        }

    def _comments(self, ticket: int, query: Mapping[str, str]) -> dict[str, object]:
        start = int(query.get("page[after]", 0))
        within = [one for one in self.said if ticket_of(one) == ticket]
        end = start + min(COMMENTS, int(query["page[size]"]))
        return {
            "comments": [comment(one) for one in within[start:end]],
            "meta": {"has_more": end < len(within), "after_cursor": str(end), "before_cursor": str(start)},
            "links": {"prev": None, "next": f"https://acme.zendesk.com/api/v2/tickets/{ticket}/comments.json"},
        }

    def stored(self) -> dict[str, str]:
        tickets = self._tickets().items()
        return {f"{ticket}-{place}": one.text for ticket, within in tickets for place, one in enumerate(within, 1)}

    def saved(self) -> bytes:
        tickets = self._tickets().items()
        whole = [{**self._ticket(each, within), "comments": list(map(comment, within))} for each, within in tickets]
        return Reply({"tickets": whole, "end_of_stream": True}).body()


def ticket_of(one: Said) -> int:
    return 35000 + (one.number - 1) // IN_TICKET


def comment(one: Said) -> dict[str, object]:
    return {
        "id": 1_000_000 + one.number,
        "type": "Comment",
        "author_id": 20978392 + ticket_of(one),
        "body": one.text,
        "html_body": f'<div class="zd-comment" dir="auto"><p>{one.text}</p></div>',
        "plain_body": one.text,
        "public": True,
        "attachments": [],
        "audit_id": 2_000_000 + one.number,
        "via": {"channel": "email", "source": {"from": {}, "to": {}, "rel": None}},
        "created_at": iso(one.posted_at),
        "metadata": {"system": {}, "custom": {}},
    }
