"""Chatwoot, on a server of one's own: conversations with their messages, and the answers to its surveys of satisfaction.

Conversations are listed by their last activity, the latest first (developers.chatwoot.com, "Conversations list"), and read down to what
is known. While a run goes on, conversations move up in that list and push others to a later page: some come twice, none is missed. Where
one is deleted, the others move to an earlier page: there is one fewer then, and the page before is asked for again. A page that comes empty
is no end of the list while its count says that there is more.
How far down a run that was cut off had come is in the state: the next one lists all again, and asks for messages only where that
run had not been. Of a long conversation only the messages since are asked for. One whose messages can't be read is passed over and asked
for again, whole, by later runs (`owed.py`).

Survey answers come by their date. They are asked for again for 15 days: for 14 a customer may add words to a rating.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path
from urllib.parse import quote

from feedback.collectors.base import Item, Unreadable
from feedback.collectors.chatwoot_records import CONVERSATIONS, SURVEY, Desk
from feedback.collectors.live import Page, Visit
from feedback.collectors.live.address import base_address
from feedback.collectors.live.helpdesk import (
    CHANGED,
    IdlePages,
    at,
    chosen_streams,
    count_at,
    header_secret,
    id_at,
    in_pages,
    listed,
    seconds_at,
)
from feedback.collectors.live.numbered import moved_up
from feedback.collectors.live.owed import Owed, Read
from feedback.collectors.live.patience import Patience
from feedback.collectors.live.web import Query, Web
from feedback.collectors.objects import read_each, read_json
from feedback.errors import CollectError

STREAMS = (CONVERSATIONS, SURVEY)
_SETTINGS = frozenset({"url", "account", "token", "streams"})
_OVERLAP_SECONDS = 300
_SURVEY_SECONDS = 15 * 86400
_LISTED = 25  # conversations on a page
_EVER = 4_102_444_800  # 2100: answers are asked for since a time only with a time until when, and their server's clock may be wrong


class ChatwootCollector:
    private_names = False

    def streams(self, visit: Visit) -> list[str]:
        _address(visit)
        return chosen_streams(visit, STREAMS)

    def check(self, visit: Visit) -> None:
        header_secret(visit, "token")

    def pages(self, stream: str, state: str | None, visit: Visit) -> Iterator[Page]:
        headers = {"api_access_token": header_secret(visit, "token")}
        web, hasty = Web(headers=headers, patience=visit.patience), Web(headers=headers, patience=Patience(0))
        asked = _Asked(visit, _address(visit), web, hasty, Desk(visit.config))
        if stream == CONVERSATIONS:
            owed = Owed(state, stream, visit.now, asked.answers)
            yield from owed.pages(asked.conversations(_Reached.read(owed.reached), owed), asked.known_by_id)
        else:
            yield from asked.survey(state)

    def saved(self, path: Path, visit: Visit) -> Iterator[Item]:
        """Answers with the messages of a conversation or with survey answers, one after another."""
        desk = Desk(visit.config)
        return read_each(read_json(path), desk.saved)


@dataclass(frozen=True, slots=True)
class _Reached:
    """Moments of last activity in epoch seconds. All until `since` was read; and, in a run that was cut off, all from `top` down to `bottom`."""

    since: int | None = None
    top: int | None = None
    bottom: int | None = None

    @classmethod
    def read(cls, state: str | None) -> "_Reached":
        return cls(*json.loads(state)) if state else cls()

    def text(self) -> str:
        return json.dumps([self.since, self.top, self.bottom])

    def has_read(self, moment: int) -> bool:
        """Whether a conversation whose last activity was then was read by the run that was cut off."""
        return self.top is not None and self.bottom is not None and self.bottom < moment < self.top - _OVERLAP_SECONDS

    def down_to(self, top: int, bottom: int) -> "_Reached | None":
        """After another run came from `top` down to `bottom`; None as long as there is a gap to what the one before had read."""
        if self.top is None or self.bottom is None:
            return _Reached(self.since, top, bottom)
        return _Reached(self.since, top, min(bottom, self.bottom)) if bottom <= self.top else None


@dataclass(frozen=True, slots=True)
class _Asked:
    """One run's questions to one account. `hasty` asks once and does not wait."""

    visit: Visit
    url: str
    web: Web
    hasty: Web
    desk: Desk

    def conversations(self, reached: _Reached, owed: Owed) -> Iterator[Page]:
        since = self._since(reached.since, 0)
        reached = replace(reached, since=since)
        top, bottom, ordered = None, self._now, True
        for found in self._listed():
            moments = [moment for each in found if (moment := _activity(each)) is not None]
            ordered = ordered and moments == sorted(moments, reverse=True)
            top = min(max(moments, default=0), self._now) if top is None else top
            bottom = min([bottom, *moments])
            dated = ordered and 0 < len(moments) == len(found)
            over = not found or (dated and since is not None and moments[0] < since - _OVERLAP_SECONDS)
            after = _Reached(max(top, since or 0)) if over else reached.down_to(top, bottom) if ordered else None
            unread = [each for each in found if self._is_unread(_activity(each), reached)]
            yield from in_pages(self._messages_of(unread, since, owed), after.text() if after else None)
            if over:
                return

    def _listed(self) -> Iterator[list[object]]:
        """Every page of conversations, the empty one after the last too.

        Where fewer are there than when the page before was read, the rest has moved up, and some from this page to those before. One that
        comes empty, though those before it do not hold as many as there are, is asked for again, and passed over when it stays empty.
        """
        idle, number, count, size, again = IdlePages(), 1, 0, 0, False
        while True:
            found, there = self._page(number)
            gone, count = 0 if there is None else count - there, there or 0
            if gone > 0 and number > 1:
                number = max(1, number - -(-gone // (size or _LISTED)))
                continue
            idle.see(found, f"{self.url}/conversations")
            if not found and (number - 1) * (size or _LISTED) < count:
                number, again = number + 1 if again else number, not again
                continue
            yield found
            if not found:
                return
            number, size, again = number + 1, max(size, len(found)), False

    def _page(self, number: int) -> tuple[list[object], int | None]:
        """The conversations on a page, and how many there are on all of them; None where that is not told."""
        answer = self.web.get(f"{self.url}/conversations", {"status": "all", "page": number})
        content = answer.json()
        return listed(content, answer.place, "data", "payload"), count_at(content, "data", "meta", "all_count")

    def answers(self) -> None:
        """Raises `CollectError` where conversations can't be listed."""
        self._page(1)

    def _is_unread(self, activity: int | None, reached: _Reached) -> bool:
        if activity is None:
            return True
        is_new = reached.since is None or activity >= reached.since - _OVERLAP_SECONDS
        return is_new and not reached.has_read(activity)

    def _messages_of(self, conversations: list[object], since: int | None, owed: Owed) -> Iterator[Item]:
        for conversation in conversations:
            conversation_id, contact = id_at(conversation, "id"), id_at(conversation, "meta", "sender", "id")
            if conversation_id is None:
                yield Unreadable(CONVERSATIONS, "a conversation has no id")
            else:
                yield from owed.ask(conversation_id, partial(self._conversation, conversation_id, contact, since))

    def known_by_id(self, conversation_id: str) -> Read:
        return partial(self._conversation, conversation_id, None, None)

    def _conversation(
        self, conversation_id: str, contact: str | None, since: int | None, is_owed: bool
    ) -> Iterator[Item]:
        """What was said in a conversation since then, or in all of it where earlier runs could not read it."""
        for found, customer in self._messages(conversation_id, None if is_owed else since, is_owed):
            yield from self.desk.messages(found, conversation_id, contact or customer)

    def _messages(
        self, conversation_id: str, since: int | None, in_haste: bool
    ) -> Iterator[tuple[list[object], str | None]]:
        """The messages of a conversation, the latest page first, back to what was there before `since`; and who the customer is."""
        url, before = f"{self.url}/conversations/{quote(conversation_id, safe='')}/messages", None
        while True:
            answer = (self.hasty if in_haste else self.web).get(url, {} if before is None else {"before": before})
            content = answer.json()
            found = listed(content, answer.place, "payload")
            if not found:
                return
            ids = [number for each in found if isinstance(number := at(each, "id"), int)]
            if not ids or (before is not None and min(ids) >= before):
                raise CollectError(f"{answer.place} gives no earlier messages when asked for them. {CHANGED}")
            yield found, id_at(content, "meta", "contact", "id")
            moments = [seconds_at(each, "created_at") for each in found]
            if since is not None and all(m is not None and m < since - _OVERLAP_SECONDS for m in moments):
                return
            before = min(ids)

    def survey(self, state: str | None) -> Iterator[Page]:
        """Survey answers. The state is the date of the newest, as long as they come by their dates; else it waits for the end."""
        newest: int | None = json.loads(state) if state else None
        since, last, ordered = self._since(newest, _SURVEY_SECONDS), 0, True
        query: Query = {} if since is None else {"since": since, "until": _EVER}
        for found in self._numbered(f"{self.url}/csat_survey_responses", {"sort": "created_at", **query}):
            moments = [moment for each in found if (moment := seconds_at(each, "created_at")) is not None]
            ordered = ordered and [last, *moments] == sorted([last, *moments])
            last = max([last, *moments])
            newest = min(max(last, newest or 0), self._now) or None
            moves = newest is not None and (ordered or not found)
            yield from in_pages(self.desk.survey_answers(found), json.dumps(newest) if moves else None)

    def _numbered(self, url: str, query: Query, *keys: str) -> Iterator[list[object]]:
        """Every page of a list, the empty one after the last too."""
        idle = IdlePages()

        def page(number: int) -> list[object]:
            answer = self.web.get(url, {**query, "page": number})
            return listed(answer.json(), answer.place, *keys)

        before: list[object] = []
        for number in count(1):
            found = page(number)
            idle.see(found, url)
            if number > 1 and (moved := moved_up(page(number - 1), before, found)):
                yield moved
            yield found
            if not found:
                return
            before = found

    @property
    def _now(self) -> int:
        return int(self.visit.now.timestamp())

    def _since(self, known: int | None, overlap_seconds: int) -> int | None:
        """From when on: what is known, some overlap earlier, else what the visit asks for; None: from the beginning."""
        if known is not None:
            return max(0, known - overlap_seconds)
        return None if self.visit.since is None else int(self.visit.since.timestamp())


def _activity(conversation: object) -> int | None:
    return seconds_at(conversation, "last_activity_at")


def _address(visit: Visit) -> str:
    settings = visit.settings
    settings.refuse_unknown(set(_SETTINGS))
    account = settings.number("account")
    if account != int(account) or account < 1:
        raise settings.fault(
            "'account' is the number in the addresses of your Chatwoot: 3 of …/app/accounts/3/dashboard"
        )
    return f"{base_address(settings)}/api/v1/accounts/{int(account)}"
