"""Intercom: conversations with what was said in them, and the ratings that customers gave.

What was changed since is searched for (developers.intercom.com, "Search conversations"), the earliest first, and each such conversation
is asked for whole: its first message is the `source`, the others are its parts, of which the interface gives the last 500.
A conversation that changes comes again; the ids of its parts make it harmless. One that can't be read is passed over and asked for again by
later runs (`owed.py`).

The search may know days where we know seconds, as it does for contacts, and may show a change later than others that came after it. So it
is asked from a day before what is known; which changes of that day were read stands in the state.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from operator import itemgetter
from pathlib import Path
from urllib.parse import quote

from feedback.collectors.base import Item, Unreadable
from feedback.collectors.intercom_records import STREAM, Desk
from feedback.collectors.live import Page, Visit
from feedback.collectors.live.address import base_address
from feedback.collectors.live.helpdesk import (
    CHANGED,
    IdlePages,
    as_many_as_fit,
    at,
    header_secret,
    id_at,
    in_pages,
    listed,
    seconds_at,
)
from feedback.collectors.live.owed import Owed, Read
from feedback.collectors.live.patience import Patience
from feedback.collectors.live.web import Answer, Web
from feedback.collectors.objects import read_json
from feedback.errors import CollectError

_SETTINGS = frozenset({"url", "token"})
_VERSION = "2.11"
_ADDRESS = "https://api.intercom.io"
PER_PAGE = 50  # conversations: about twice as many may have to be asked again when a run is cut off
MOST_READ = 5000  # changes that are remembered
_OVERLAP_SECONDS = 300  # in which a conversation may change twice in a second
_DAY_SECONDS = 86400


class IntercomCollector:
    private_names = False

    def streams(self, visit: Visit) -> list[str]:
        _address(visit)
        return [STREAM]

    def check(self, visit: Visit) -> None:
        header_secret(visit, "token")

    def pages(self, stream: str, state: str | None, visit: Visit) -> Iterator[Page]:
        headers = {"Authorization": f"Bearer {header_secret(visit, 'token')}", "Intercom-Version": _VERSION}
        web, hasty = Web(headers=headers, patience=visit.patience), Web(headers=headers, patience=Patience(0))
        asked = _Asked(visit, _address(visit), web, hasty, Desk(visit.config))
        owed = Owed(state, stream, visit.now, asked.answers)
        yield from owed.pages(asked.conversations(_reached(owed.reached, visit), owed), asked.known_by_id)

    def saved(self, path: Path, visit: Visit) -> Iterator[Item]:
        """Conversations as the interface gives them one by one, or a list of those."""
        desk = Desk(visit.config)
        for found in read_json(path):
            if isinstance(found, Unreadable):
                yield found
                continue
            where, answer = found
            several = answer.get("conversations")
            for each in several if isinstance(several, list) else [answer]:
                yield from desk.items(each, where)


def _address(visit: Visit) -> str:
    visit.settings.refuse_unknown(set(_SETTINGS))
    return base_address(visit.settings, _ADDRESS)


@dataclass(frozen=True, slots=True)
class _Reached:
    """Changes until `known` were read. Of those since `told` it is told which: by conversation, the moment of the last. Epoch seconds."""

    known: int | None = None
    told: int = 0
    read: dict[str, int] = field(default_factory=dict)

    def text(self) -> str | None:
        return json.dumps([self.known, self.told, self.read]) if self.known else None

    def is_news(self, found: object) -> bool:
        changed, conversation_id = seconds_at(found, "updated_at"), id_at(found, "id")
        if self.known is None or changed is None or changed >= self.known - _OVERLAP_SECONDS:
            return True
        return changed > self.told and conversation_id is not None and self.read.get(conversation_id) != changed

    def until(self, known: int, more: Iterable[object]) -> "_Reached":
        """When changes until `known` were read, and these too. Of more than can be remembered the latest are."""
        changes = [(id_at(each, "id"), seconds_at(each, "updated_at")) for each in more]
        read = self.read | {key: changed for key, changed in changes if key is not None and changed is not None}
        told = max(self.told, known - _DAY_SECONDS)
        latest = sorted(read.items(), key=itemgetter(1))
        if left := latest[:-MOST_READ]:
            told = max(told, min(left[-1][1], known - _OVERLAP_SECONDS))
        return _Reached(known, told, {key: changed for key, changed in latest[-MOST_READ:] if changed > told})


def _reached(state: str | None, visit: Visit) -> _Reached:
    kept = json.loads(state) if state else None if visit.since is None else int(visit.since.timestamp())
    if isinstance(kept, int):  # of which changes since are read nothing is told
        return _Reached(kept, kept - _OVERLAP_SECONDS)
    return _Reached(*kept) if kept else _Reached()


@dataclass(frozen=True, slots=True)
class _Asked:
    """One run's questions to one workspace. `hasty` asks once and does not wait."""

    visit: Visit
    url: str
    web: Web
    hasty: Web
    desk: Desk

    def conversations(self, reached: _Reached, owed: Owed) -> Iterator[Page]:
        """Pages of whole conversations; the state is when those of the page before were changed.

        One that is changed while it is looked for shows a later date than its place among the others has. Dates that do
        not rise tell of that a page later, and from there on the state waits for the end.
        """
        last, ordered, began = 0, True, reached
        for found, over in self._search(began.known):
            moments = [moment for each in found if (moment := seconds_at(each, "updated_at")) is not None]
            ordered = ordered and [last, *moments] == sorted([last, *moments])
            before, last = last, max([last, *moments])
            until = last if over else before if ordered else 0
            reached = reached.until(max(min(until, int(self.visit.now.timestamp())), began.known or 0), found)
            news = [each for each in found if began.is_news(each)]
            items = (item for each in news for item in self._items(each, owed))
            yield from in_pages(items, reached.text())

    def answers(self) -> None:
        """Raises `CollectError` where conversations can't be searched for."""
        answer = self._found(int(self.visit.now.timestamp()), None, 1)
        listed(answer.json(), answer.place, "conversations")

    def _search(self, since: int | None) -> Iterator[tuple[list[object], bool]]:
        """Every page of conversations that were changed since, the earliest first, and whether it is the last."""
        asked_from = 0 if since is None else max(0, since - _DAY_SECONDS)
        after: str | None = None
        idle = IdlePages()
        while True:
            answer, content, _ = as_many_as_fit(partial(self._found, asked_from, after), PER_PAGE)
            found, before = listed(content, answer.place, "conversations"), after
            after = id_at(content, "pages", "next", "starting_after")
            if not isinstance(at(content, "pages"), dict) or (after is not None and after == before):
                raise CollectError(f"{answer.place} does not say where its next page is. {CHANGED}")
            idle.see(found, answer.place)
            yield found, after is None
            if after is None:
                return

    def _found(self, since: int, after: str | None, count: int) -> Answer:
        """So many conversations that were changed since, after that place."""
        return self.web.post(
            f"{self.url}/conversations/search",
            data={
                "query": {"field": "updated_at", "operator": ">", "value": since},
                "sort": {"field": "updated_at", "order": "ascending"},
                "pagination": {"per_page": count, **({} if after is None else {"starting_after": after})},
            },
        )

    def _items(self, found: object, owed: Owed) -> Iterator[Item]:
        """What is in a conversation that was found, which is asked for whole."""
        conversation_id = id_at(found, "id")
        if conversation_id is None:
            yield from self.desk.items(found, STREAM)  # which says so
        else:
            yield from owed.ask(conversation_id, self.known_by_id(conversation_id))

    def known_by_id(self, conversation_id: str) -> Read:
        return partial(self._whole, conversation_id)

    def _whole(self, conversation_id: str, is_owed: bool) -> Iterator[Item]:
        answer = (self.hasty if is_owed else self.web).get(
            f"{self.url}/conversations/{quote(conversation_id, safe='')}"
        )
        content = answer.json()
        listed(content, answer.place, "conversation_parts", "conversation_parts")
        if id_at(content, "id") != conversation_id or not isinstance(at(content, "source"), dict):
            raise CollectError(f"{answer.place} answers with something else than that conversation. {CHANGED}")
        yield from self.desk.items(content, STREAM)
