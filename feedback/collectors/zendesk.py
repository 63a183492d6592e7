"""Zendesk Support: tickets with their public comments, and the ratings of satisfaction.

Tickets come by the cursor export (developer.zendesk.com, "Incremental Exports"): whatever was made or changed since, in that order.
A ticket that changes comes again, so that all its comments are read again; their ids make it harmless. What one comment is, and how
deleted tickets are known, is in `zendesk_records.py`. One whose comments can't be read is passed over and asked for again by later
runs (`owed.py`). Ratings come by their date, a month of them again at each run: a rating may
be given up to 28 days after it was asked for, when the ticket is closed.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import quote

from feedback.collectors.base import Item
from feedback.collectors.live import Page, Visit
from feedback.collectors.live.address import base_address
from feedback.collectors.live.helpdesk import (
    CHANGED,
    IdlePages,
    as_many_as_fit,
    at,
    chosen_streams,
    header_secret,
    id_at,
    in_pages,
    listed,
    seconds_at,
)
from feedback.collectors.live.owed import Owed, Read
from feedback.collectors.live.patience import Patience
from feedback.collectors.live.web import Answer, Query, Refused, Web
from feedback.collectors.objects import Object, read_each, read_json
from feedback.collectors.zendesk_records import RATINGS, TICKETS, Desk
from feedback.errors import CollectError

STREAMS = (TICKETS, RATINGS)
_SETTINGS = frozenset({"subdomain", "url", "email", "token", "oauth_token", "streams"})
_SUBDOMAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")

PER_PAGE = 100  # at most; as many tickets may have to be asked again when a run is cut off
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
        web, hasty = _web(visit, visit.patience), _web(visit, Patience(0))
        asked = _Asked(visit, _address(visit), web, hasty, Desk(visit.config))
        if stream == TICKETS:
            owed = Owed(state, stream, visit.now, asked.answers)
            yield from owed.pages(asked.tickets(_Reached.read(owed.reached), owed), asked.known_by_id)
        else:
            yield from asked.ratings(state)

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
    """One run's questions to one help desk. `hasty` asks once and does not wait."""

    visit: Visit
    url: str
    web: Web
    hasty: Web
    desk: Desk

    def tickets(self, reached: _Reached, owed: Owed) -> Iterator[Page]:
        """Every page of the export, each with the cursor behind it."""
        walked, notes, idle = reached, tuple[str, ...](), IdlePages()
        while True:
            where: Query = {"cursor": walked.cursor} if walked.cursor else {"start_time": self._start(walked)}
            try:
                answer, content, _ = as_many_as_fit(partial(self.export, where), PER_PAGE)
            except Refused as refused:
                if walked is not reached or reached.cursor is None or refused.status not in _EXPIRED:
                    raise
                walked, notes = _Reached(None, reached.newest), (_STARTED_OVER,)
                continue
            found = listed(content, answer.place, TICKETS)
            ended, after = at(content, "end_of_stream"), id_at(content, "after_cursor")
            if not isinstance(ended, bool) or (not ended and after in (None, walked.cursor)):
                raise CollectError(f"{answer.place} does not say whether and where there is more. {CHANGED}")
            idle.see(found, answer.place)
            moments = [moment for each in found if (moment := seconds_at(each, "generated_timestamp")) is not None]
            walked = _Reached(after or walked.cursor, min(max([*moments, walked.newest or 0]), self._now) or None)
            yield from in_pages(self._items(found, owed), walked.text(), notes)
            if ended:
                return
            notes = ()

    def export(self, where: Query, count: int) -> Answer:
        """So many of the tickets that were changed since there."""
        url = f"{self.url}/api/v2/incremental/tickets/cursor.json"
        return self.web.get(url, {**where, "per_page": count, "include": "comment_count"})

    def answers(self) -> None:
        """Raises `CollectError` where the tickets changed last can't be asked for."""
        answer = self.export({"start_time": self._latest}, 1)
        listed(answer.json(), answer.place, TICKETS)

    @property
    def _now(self) -> int:
        return int(self.visit.now.timestamp())

    def _since(self, newest: int | None, overlap_seconds: int) -> int | None:
        """From when on: a little before what is known, else what the visit asks for; None: from the beginning."""
        if newest is not None:
            return max(0, newest - overlap_seconds)
        return None if self.visit.since is None else int(self.visit.since.timestamp())

    @property
    def _latest(self) -> int:
        return self._now - _NOT_YET_SECONDS

    def _start(self, reached: _Reached) -> int:
        return min(self._since(reached.newest, _OVERLAP_SECONDS) or 0, self._latest)

    def _items(self, tickets: list[object], owed: Owed) -> Iterator[Item]:
        for number, ticket in enumerate(tickets, 1):
            ticket_id = id_at(ticket, "id")
            if ticket_id is None:
                yield from self._ticket(ticket, f"{TICKETS}:#{number}")
            else:
                yield from owed.ask(ticket_id, partial(self._ticket, ticket, f"{TICKETS}:{ticket_id}"))

    def known_by_id(self, ticket_id: str) -> Read:
        """How to read a ticket of which nothing else is known."""

        def read(is_owed: bool) -> Iterator[Item]:
            answer = self._web(is_owed).get(f"{self.url}/api/v2/tickets/{quote(ticket_id, safe='')}.json")
            ticket = at(answer.json(), "ticket")
            if id_at(ticket, "id") != ticket_id:
                raise CollectError(f"{answer.place} answers with something else than that ticket. {CHANGED}")
            yield from self._ticket(ticket, f"{TICKETS}:{ticket_id}", is_owed)

        return read

    def _ticket(self, ticket: object, location: str, is_owed: bool = False) -> Iterator[Item]:
        return self.desk.ticket(ticket, location, partial(self._comments, self._web(is_owed)))

    def _web(self, in_haste: bool) -> Web:
        return self.hasty if in_haste else self.web

    def _comments(self, web: Web, ticket: Object) -> Iterator[Object]:
        url = f"{self.url}/api/v2/tickets/{quote(str(ticket['id']), safe='')}/comments.json"
        for content, place in _by_cursor(web, url, {"include": "users"}):
            yield {"comments": listed(content, place, "comments"), "users": at(content, "users")}

    def ratings(self, state: str | None) -> Iterator[Page]:
        """Every page of ratings. The state is the date of the newest, as long as they come by their dates; else it waits for the end."""
        newest: int | None = json.loads(state) if state else None
        since, last, ordered = self._since(newest, _RATING_SECONDS), 0, True
        query: Query = {"score": "received", **({} if since is None else {"start_time": since})}
        try:
            for content, place in _by_cursor(self.web, f"{self.url}/api/v2/satisfaction_ratings.json", query):
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


def _by_cursor(web: Web, url: str, query: Query) -> Iterator[tuple[object, str]]:
    """Every page of a list, and what to call it in errors (developer.zendesk.com, "Pagination": by cursor)."""
    after: str | None = None
    size = PER_PAGE

    def ask(count: int) -> Answer:
        here: Query = {"page[size]": count, **({} if after is None else {"page[after]": after})}
        return web.get(url, {**query, **here})

    while True:
        answer, content, size = as_many_as_fit(ask, size)
        more, before, after = at(content, "meta", "has_more"), after, id_at(content, "meta", "after_cursor")
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


def _web(visit: Visit, patience: Patience) -> Web:
    settings = visit.settings
    if "oauth_token" in settings.data:
        return Web(headers={"Authorization": f"Bearer {header_secret(visit, 'oauth_token')}"}, patience=patience)
    email = visit.secret("email") if isinstance(settings.data.get("email"), dict) else settings.string("email")
    token = visit.secret("token")
    visit.vault.keep(f"{email}/token:{token}")  # as the header has it
    return Web(auth=(f"{email}/token", token), patience=patience)
