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
    tells_of_deletions = True

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[int, Said] = {}
        self._generated: dict[int, int] = {}  # of each ticket: when its last change was made, no two in the same second
        self._last = 0
        self._deleted: dict[int, int] = {}  # tickets, and how many comments they had

    def section(self, url: str) -> Mapping[str, object]:
        return {"url": url, "email": EMAIL, "token": {"env": SECRET_VARIABLE}, "streams": ["tickets"]}

    def answer(self, asked: Asked) -> Reply:
        if not may(asked):
            return UNAUTHORIZED
        parts = asked.path.strip("/").split("/")
        if parts == ["api", "v2", "incremental", "tickets", "cursor.json"]:
            return self._export(asked.query)
        if parts[:3] == ["api", "v2", "tickets"] and parts[4:] == ["comments.json"]:
            return self._comments(int(parts[3]), asked.query)
        if parts[:3] == ["api", "v2", "tickets"] and len(parts) == 4:
            return self._one(int(parts[3].removesuffix(".json")))
        return NOT_FOUND

    def _ticket_of(self, one: Said) -> int:
        """A number that is given once: what is said after a ticket was deleted is in another."""
        ticket = 35000 + ((one.to or one.number) - 1) // IN_TICKET
        return ticket + 1000 if ticket in self._deleted else ticket

    def _export(self, query: Mapping[str, str]) -> Reply:
        self._notice()
        order = sorted((generated, ticket) for ticket, generated in self._generated.items())
        if "cursor" in query:
            if not self.knows(query["cursor"]):
                return Reply({"error": "InvalidValue", "description": "Invalid search: cursor is invalid"}, 400)
            done = base64.b64decode(query["cursor"]).decode().split(".0||")
            start = sum(each <= (int(done[0]), int(done[1])) for each in order)
        else:
            start = sum(each[0] < int(query["start_time"]) for each in order)
        size = min(max(1, len(order) // 4), int(query["per_page"]))
        tickets, page = self._tickets(), order[start : start + size]
        last = page[-1] if page else None
        cursor = base64.b64encode(f"{last[0]}.0||{last[1]}".encode()).decode() if last else query.get("cursor")
        here = self.cursor(cursor) if cursor else None
        shown = self.page(order, start, size) if "cursor" in query else page
        if self.scrambled:
            shown = shown[::-1]
        export = {
            "tickets": [self._listed(ticket, tickets) for _, ticket in shown],
            "after_url": f"https://acme.zendesk.com/api/v2/incremental/tickets/cursor.json?cursor={here}",
            "after_cursor": here,
            "before_url": None,
            "before_cursor": None,
            "end_of_stream": start + size >= len(order),
        }
        return Reply(export)

    def _listed(self, ticket: int, tickets: dict[int, list[Said]]) -> dict[str, object]:
        if ticket in tickets:
            return self._ticket(ticket, tickets[ticket])
        return {"id": ticket, "status": "deleted", "comment_count": self._deleted[ticket]}

    def vanish(self, one: Said) -> None:
        """A ticket goes with its comments, and not without a word."""
        self._notice()
        ticket = self._ticket_of(one)
        gone = [each for each in self.said if self._ticket_of(each) == ticket]
        self.said = [each for each in self.said if each not in gone]
        self._deleted[ticket] = len(gone)
        self._last = max(self._last, *(int(each.changed_at.timestamp()) for each in gone)) + 20
        self._generated[ticket] = self._last

    def _notice(self) -> None:
        for one in self.said:
            if self._seen.get(one.number) != one:
                self._seen[one.number] = one
                self._last = max(self._last + 1, int(one.changed_at.timestamp()))
                self._generated[self._ticket_of(one)] = self._last

    def _tickets(self) -> dict[int, list[Said]]:
        found: dict[int, list[Said]] = {}
        for one in self.said:
            found.setdefault(self._ticket_of(one), []).append(one)
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

    def _one(self, ticket: int) -> Reply:
        within = self._tickets().get(ticket)
        return Reply({"ticket": self._ticket(ticket, within)}) if within else NOT_FOUND

    def _comments(self, ticket: int, query: Mapping[str, str]) -> Reply:
        place = query.get("page[after]", "0")
        if not self.knows(f"{ticket}-{place}"):
            return Reply({"errors": [{"code": "InvalidPaginationParameter", "title": "Cursor is invalid"}]}, 400)
        start, within = int(place), [one for one in self.said if self._ticket_of(one) == ticket]
        if not within:
            return NOT_FOUND
        end = start + min(COMMENTS, int(query["page[size]"]))
        self.cursor(f"{ticket}-{end}")
        meta = {
            "has_more": end < len(within),
            "after_cursor": str(end),
            "before_cursor": place,
        }
        links = {"prev": None, "next": f"https://acme.zendesk.com/api/v2/tickets/{ticket}/comments.json"}
        shown = {"comments": [comment(one, ticket) for one in within[start:end]], "meta": meta, "links": links}
        users = [{"id": 20978392 + ticket, "name": "阿宝", "role": "end-user"}]
        return Reply({**shown, "users": users} if query.get("include") == "users" else shown)

    def stored(self) -> dict[str, str]:
        tickets = self._tickets().items()
        return {f"{ticket}-{place}": one.text for ticket, within in tickets for place, one in enumerate(within, 1)}

    def saved(self) -> bytes:
        tickets = self._tickets().items()
        whole = [
            {**self._ticket(each, within), "comments": [comment(one, each) for one in within]}
            for each, within in tickets
        ]
        return Reply({"tickets": whole, "end_of_stream": True}).body()


def comment(one: Said, ticket: int) -> dict[str, object]:
    return {
        "id": 1_000_000 + one.number,
        "type": "Comment",
        "author_id": 20978392 + ticket,
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
