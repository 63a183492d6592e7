"""Chatwoot, the answers to its surveys of satisfaction: what was said are the words that customers added. Seven a page."""

from collections.abc import Mapping
from datetime import timedelta

from wire import Asked, Reply

from worlds import SECRET_VARIABLE, Interface, Lack, Said
from worlds.chatwoot import NOT_FOUND, UNAUTHORIZED, may

PAGE = 7


class World(Interface):
    collector = "chatwoot"
    edits = True  # for fourteen days a customer may say it otherwise
    without: Mapping[Lack, str] = {
        "cursors": "its pages are numbers, which do not run out",
        "lasting cursors": "its pages are numbers, which do not run out",
        "replies": "who has something to add changes the answer",
    }
    seen_back = timedelta(days=14)

    def section(self, url: str) -> Mapping[str, object]:
        return {"url": url, "account": 3, "token": {"env": SECRET_VARIABLE}, "streams": ["csat"]}

    def answer(self, asked: Asked) -> Reply:
        if not may(asked):
            return UNAUTHORIZED
        if asked.path != "/api/v1/accounts/3/csat_survey_responses":
            return NOT_FOUND
        rows = list(self.said)
        if asked.query.get("sort") == "created_at":
            rows.sort(key=lambda one: (one.posted_at, one.number), reverse=self.scrambled)
        if "since" in asked.query and "until" in asked.query:
            since, until = int(asked.query["since"]), int(asked.query["until"])
            rows = [one for one in rows if since <= one.posted_at.timestamp() < until]
        start = (int(asked.query["page"]) - 1) * PAGE
        return Reply([survey_answer(one) for one in self.page(rows, start, PAGE)])

    def stored(self) -> dict[str, str]:
        return {f"csat-{one.number}": one.text for one in self.said}

    def saved(self) -> bytes:
        return Reply([survey_answer(one) for one in self.said]).body()


def survey_answer(one: Said) -> dict[str, object]:
    return {
        "id": one.number,
        "rating": 1 + one.number % 5,
        "feedback_message": one.text,
        "account_id": 3,
        "message_id": 6000 + one.number,
        "contact": {"id": 701, "name": "阿宝", "email": "abao@example.com"},
        "conversation_id": 1,
        "assigned_agent": {"id": 2, "name": "小林", "email": "lin@example.com"},
        "created_at": int(one.posted_at.timestamp()),
    }
