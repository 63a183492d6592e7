"""Formbricks' management interface: one survey, its responses by when they were begun, the newest first, a few at a time."""

from collections.abc import Mapping
from datetime import timedelta

from wire import Asked, Reply

from worlds import SECRET, SECRET_VARIABLE, Interface, Lack, Said

SURVEY = "cm7survey0000000000000001"
PAGE = 7  # of however many were asked for


class World(Interface):
    collector = "formbricks"
    edits = True
    without: Mapping[Lack, str] = {
        "cursors": "a page is so many responses further on, which does not run out",
        "lasting cursors": "a page is so many responses further on, which does not run out",
    }
    seen_back = timedelta(days=30)

    def section(self, url: str) -> Mapping[str, object]:
        return {"url": url, "survey": SURVEY, "token": {"env": SECRET_VARIABLE}}

    def answer(self, asked: Asked) -> Reply:
        if asked.headers.get("x-api-key") != SECRET:
            return Reply({"code": "not_authenticated", "message": "Not authenticated", "details": {}}, 401)
        if asked.path == f"/api/v1/management/surveys/{SURVEY}":
            return Reply({"data": definition()})
        if asked.path != "/api/v1/management/responses" or asked.query.get("surveyId") != SURVEY:
            return Reply({"code": "not_found", "message": "Survey not found", "details": {}}, 404)
        skip, limit = int(asked.query.get("skip", 0)), min(int(asked.query.get("limit", PAGE)), PAGE)
        newest = [one for one in self.said if one.to is None]
        newest = self.arranged(sorted(newest, key=lambda one: (one.posted_at, one.number), reverse=True))
        return Reply({"data": [self._response(one) for one in self.page(newest, skip, limit)]})

    def _response(self, one: Said) -> dict[str, object]:
        """With what was answered later to its further question."""
        found = response(one)
        later = [each for each in self.said if each.to == one.number]
        if not later:
            return found
        return {
            **found,
            "updatedAt": f"{later[-1].changed_at:%Y-%m-%dT%H:%M:%S}.507Z",
            "data": {"why": one.text, "likely": one.number % 11, "campaign": "spring", "more": later[-1].text},
        }

    def vanish(self, one: Said) -> None:
        begun = one.to or one.number
        self.drop(*[each for each in self.said if begun in (each.number, each.to)])

    def stored(self) -> dict[str, str]:
        words = {f"r{one.to}/more" if one.to else f"r{one.number}/why": one.text for one in self.said}
        return words | {f"r{one.number}": "" for one in self.said if one.to is None}  # its rating

    def saved(self) -> bytes:
        """The survey's definition and all its responses, one answer after the other."""
        responses = {"data": [self._response(one) for one in self.said if one.to is None]}
        return Reply({"data": definition()}).body() + b"\n" + Reply(responses).body()


def definition() -> dict[str, object]:
    questions = [
        {"id": "likely", "type": "nps", "headline": {"default": "您有多大可能推荐我们？"}, "required": True},
        {"id": "why", "type": "openText", "inputType": "text", "headline": {"default": "<p>为什么？</p>"}},
        {"id": "more", "type": "openText", "inputType": "text", "headline": {"default": "还有什么想说的吗？"}},
    ]
    return {
        "id": SURVEY,
        "name": "购物之后",
        "status": "inProgress",
        "questions": questions,
        "blocks": [{"id": "b1", "name": "Block 1", "elements": questions}],
        "hiddenFields": {"enabled": True, "fieldIds": ["campaign"]},
    }


def response(one: Said) -> dict[str, object]:
    return {
        "id": f"r{one.number}",
        "createdAt": f"{one.posted_at:%Y-%m-%dT%H:%M:%S}.507Z",
        "updatedAt": f"{one.changed_at:%Y-%m-%dT%H:%M:%S}.507Z",
        "surveyId": SURVEY,
        "finished": True,
        "contact": {"id": f"contact{one.number}", "userId": f"member-{one.number}"},
        "contactAttributes": {"userId": f"member-{one.number}"},
        "data": {"why": one.text, "likely": one.number % 11, "campaign": "spring"},
        "meta": {"country": "CN", "source": "app", "url": "https://shop.example/s"},
        "ttc": {"why": 2154.7, "_total": 2154.7},
        "variables": {},
        "tags": [],
        "language": None,
        "singleUseId": None,
    }
