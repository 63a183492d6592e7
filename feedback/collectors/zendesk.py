"""Zendesk Support: tickets with their public comments, and the ratings of satisfaction.

Tickets come by the cursor export (developer.zendesk.com, "Incremental Exports"): whatever was made or changed since, in that order.
A ticket that changes comes again, so that all its comments are read again; their ids make it harmless. What one comment is, and how
deleted tickets are known, is in `zendesk_records.py`. Ratings come by their date, a month of them again at each run: a rating may
be given up to 28 days after it was asked for, when the ticket is closed.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from feedback.collectors.base import Item
from feedback.collectors.live import Page, Visit
from feedback.collectors.live.address import base_address
from feedback.collectors.live.helpdesk import (
    CHANGED,
    IdlePages,
    at,
    chosen_streams,
    header_secret,
    id_at,
    in_pages,
    listed,
    seconds_at,
)
from feedback.collectors.live.web import Query, Refused, Web
from feedback.collectors.objects import Object, read_each, read_json
from feedback.collectors.zendesk_records import RATINGS, TICKETS, Desk
from feedback.errors import CollectError

STREAMS = (TICKETS, RATINGS)
_SETTINGS = frozenset({"subdomain", "url", "email", "token", "oauth_token", "streams"})
_SUBDOMAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")

PER_PAGE = 100  # tickets: as many may have to be asked again when a run is cut off
_NOT_YET_SECONDS = 120  # the interface refuses to begin less than a minute ago
_OVERLAP_SECONDS = 300
_RATING_SECONDS = 30 * 86400
_EXPIRED = (400, 404, 410, 422)  # what interfaces say to a cursor they no longer know
_STARTED_OVER = "tickets: the interface no longer knew where the last run had stopped, and was asked from before that. Nothing is missing."


class ZendeskCollector:
    private_names = False

    def streams(self, visit: Visit) -> list[str]:
        _check(visit)
        return chosen_streams(visit, STREAMS)

    def pages(self, stream: str, state: str | None, visit: Visit) -> Iterator[Page]:
        _check(visit)
        asked = _Asked(visit, _address(visit), _web(visit), Desk(visit.config))
        yield from asked.tickets(_Reached.read(state)) if stream == TICKETS else asked.ratings(state)

    def saved(self, path: Path, visit: Visit) -> Iterator[Item]:
        """An answer with `tickets`, each with its `comments` or else its description alone, or one with `satisfaction_ratings`."""
        desk = Desk(visit.config)
        return read_each(read_json(path), desk.saved)


@dataclass(frozen=True, slots=True)
class _Reached:
    """The cursor after the last page of tickets, and when the newest of them had been changed: epoch seconds."""

    cursor: str | None = None
    newest: int | None = None

    @classmethod
    def read(cls, state: str | None) -> "_Reached":
        return cls(*json.loads(state)) if state else cls()

    def text(self) -> str:
        return json.dumps([self.cursor, self.newest])


@dataclass(frozen=True, slots=True)
class _Asked:
    """One run's questions to one help desk."""

    visit: Visit
    url: str
    web: Web
    desk: Desk

    def tickets(self, reached: _Reached) -> Iterator[Page]:
        """Every page of the export, each with the cursor behind it."""
        url, walked, notes = f"{self.url}/api/v2/incremental/tickets/cursor.json", reached, tuple[str, ...]()
        idle = IdlePages()
        while True:
            where: dict[str, str | int] = (
                {"cursor": walked.cursor} if walked.cursor else {"start_time": self._start(walked)}
            )
            try:
                answer = self.web.get(url, {**where, "per_page": PER_PAGE, "include": "comment_count"})
            except Refused as refused:
                if walked is not reached or reached.cursor is None or refused.status not in _EXPIRED:
                    raise
                walked, notes = _Reached(None, reached.newest), (_STARTED_OVER,)
                continue
            content = answer.json()
            found = listed(content, answer.place, TICKETS)
            ended, after = at(content, "end_of_stream"), id_at(content, "after_cursor")
            if not isinstance(ended, bool) or (not ended and after in (None, walked.cursor)):
                raise CollectError(f"{answer.place} does not say whether and where there is more. {CHANGED}")
            idle.see(found, answer.place)
            moments = [moment for each in found if (moment := seconds_at(each, "generated_timestamp")) is not None]
            walked = _Reached(after or walked.cursor, min(max([*moments, walked.newest or 0]), self._now) or None)
            yield from in_pages(self._items(found), walked.text(), notes)
            if ended:
                return
            notes = ()

    @property
    def _now(self) -> int:
        return int(self.visit.now.timestamp())

    def _since(self, newest: int | None, overlap_seconds: int) -> int | None:
        """From when on: a little before what is known, else what the visit asks for; None: from the beginning."""
        if newest is not None:
            return max(0, newest - overlap_seconds)
        return None if self.visit.since is None else int(self.visit.since.timestamp())

    def _start(self, reached: _Reached) -> int:
        return min(self._since(reached.newest, _OVERLAP_SECONDS) or 0, self._now - _NOT_YET_SECONDS)

    def _items(self, tickets: list[object]) -> Iterator[Item]:
        for number, ticket in enumerate(tickets, 1):
            yield from self.desk.ticket(ticket, f"{TICKETS}:#{number}", self._comments)

    def _comments(self, ticket: Object) -> Iterator[object]:
        for content, place in self._by_cursor(f"{self.url}/api/v2/tickets/{ticket['id']}/comments.json", {}):
            yield from listed(content, place, "comments")

    def ratings(self, state: str | None) -> Iterator[Page]:
        """Every page of ratings. The state is the date of the newest, as long as they come by their dates; else it waits for the end."""
        newest: int | None = json.loads(state) if state else None
        since, last, ordered = self._since(newest, _RATING_SECONDS), 0, True
        query: Query = {"score": "received", **({} if since is None else {"start_time": since})}
        try:
            for content, place in self._by_cursor(f"{self.url}/api/v2/satisfaction_ratings.json", query):
                found = listed(content, place, RATINGS)
                moments = [moment for each in found if (moment := seconds_at(each, "created_at")) is not None]
                ordered = ordered and [last, *moments] == sorted([last, *moments])
                last = max([last, *moments])
                newest = min(max(last, newest or 0), self._now) or None
                moves = newest is not None and (ordered or not at(content, "meta", "has_more"))
                yield from in_pages(self.desk.ratings(found), json.dumps(newest) if moves else None)
        except Refused as refused:
            if refused.status not in (403, 404):
                raise
            raise CollectError(f'{refused} To do without ratings: streams = ["{TICKETS}"].') from None

    def _by_cursor(self, url: str, query: Query) -> Iterator[tuple[object, str]]:
        """Every page of a list, and what to call it in errors (developer.zendesk.com, "Pagination": by cursor)."""
        after: str | None = None
        while True:
            here: Query = {"page[size]": 100, **({} if after is None else {"page[after]": after})}
            answer = self.web.get(url, {**query, **here})
            content, before = answer.json(), after
            more, after = at(content, "meta", "has_more"), id_at(content, "meta", "after_cursor")
            if not isinstance(more, bool) or (more and after in (None, before)):
                raise CollectError(f"{answer.place} does not say whether and where there is more. {CHANGED}")
            yield content, answer.place
            if not more:
                return


def _check(visit: Visit) -> None:
    settings = visit.settings
    settings.refuse_unknown(set(_SETTINGS))
    chosen_streams(visit, STREAMS)
    _address(visit)
    if ("token" in settings.data) == ("oauth_token" in settings.data):
        raise settings.fault("say either 'email' and 'token', or 'oauth_token'")
    if "token" in settings.data and not isinstance(settings.data.get("email"), dict):
        settings.string("email")


def _address(visit: Visit) -> str:
    settings = visit.settings
    if "url" in settings.data:
        return base_address(settings)
    subdomain = settings.string("subdomain", "")
    if not subdomain:
        raise settings.fault("'subdomain' is missing: acme, where your address is https://acme.zendesk.com")
    if not _SUBDOMAIN.fullmatch(subdomain):
        raise settings.fault("'subdomain' is the first word of your address alone: acme of https://acme.zendesk.com")
    return f"https://{subdomain}.zendesk.com"


def _web(visit: Visit) -> Web:
    settings = visit.settings
    if "oauth_token" in settings.data:
        return Web(headers={"Authorization": f"Bearer {header_secret(visit, 'oauth_token')}"}, patience=visit.patience)
    email = visit.secret("email") if isinstance(settings.data.get("email"), dict) else settings.string("email")
    token = visit.secret("token")
    visit.vault.keep(f"{email}/token:{token}")  # as the header has it
    return Web(auth=(f"{email}/token", token), patience=visit.patience)
