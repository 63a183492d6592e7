"""Intercom: conversations with what was said in them, and the ratings that customers gave.

What was changed since is searched for (developers.intercom.com, "Search conversations"), the earliest first, and each such conversation
is asked for whole: its first message is the `source`, the others are its parts, of which the interface gives the last 500.
A conversation that changes comes again; the ids of its parts make it harmless.

The search may know days where we know seconds, as it does for contacts: it is asked from a day before what is known, and
conversations that are older than what is known are passed over here.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from feedback.collectors.base import Item, Unreadable
from feedback.collectors.intercom_records import STREAM, Desk
from feedback.collectors.live import Page, Visit
from feedback.collectors.live.address import base_address
from feedback.collectors.live.helpdesk import CHANGED, IdlePages, at, header_secret, id_at, in_pages, listed, seconds_at
from feedback.collectors.live.web import Refused, Web
from feedback.collectors.objects import read_json
from feedback.errors import CollectError

_SETTINGS = frozenset({"url", "token"})
_VERSION = "2.11"
_ADDRESS = "https://api.intercom.io"
PER_PAGE = 50  # conversations: about twice as many may have to be asked again when a run is cut off
_OVERLAP_SECONDS = 300
_DAY_SECONDS = 86400


class IntercomCollector:
    private_names = False

    def streams(self, visit: Visit) -> list[str]:
        _address(visit)
        return [STREAM]

    def check(self, visit: Visit) -> None:
        header_secret(visit, "token")

    def pages(self, stream: str, state: str | None, visit: Visit) -> Iterator[Page]:
        """Pages of whole conversations; the state is when those of the page before were changed.

        One that is changed while it is looked for shows a later date than its place among the others has. Dates that do
        not rise tell of that a page later, and from there on the state waits for the end.
        """
        url, desk, since = _address(visit), Desk(visit.config), _since(state, visit)
        headers = {"Authorization": f"Bearer {header_secret(visit, 'token')}", "Intercom-Version": _VERSION}
        web = Web(headers=headers, patience=visit.patience)
        last, ordered = 0, True
        for found, over in _search(web, url, since):
            moments = [moment for each in found if (moment := seconds_at(each, "updated_at")) is not None]
            ordered = ordered and [last, *moments] == sorted([last, *moments])
            before, last = last, max([last, *moments])
            reached = last if over else before if ordered else 0
            known = max(min(reached, int(visit.now.timestamp())), since or 0)
            news = (each for each in found if _is_news(each, since))
            items = (item for each in news for item in _items(web, url, each, desk, stream))
            yield from in_pages(items, json.dumps(known) if known else None)

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


def _since(state: str | None, visit: Visit) -> int | None:
    if state:
        return int(json.loads(state))
    return None if visit.since is None else int(visit.since.timestamp())


def _is_news(found: object, since: int | None) -> bool:
    changed = seconds_at(found, "updated_at")
    return since is None or changed is None or changed >= since - _OVERLAP_SECONDS


def _search(web: Web, url: str, since: int | None) -> Iterator[tuple[list[object], bool]]:
    """Every page of conversations that were changed since, the earliest first, and whether it is the last."""
    after: str | None = None
    idle = IdlePages()
    while True:
        asked_from = 0 if since is None else max(0, since - _DAY_SECONDS)
        answer = web.post(
            f"{url}/conversations/search",
            data={
                "query": {"field": "updated_at", "operator": ">", "value": asked_from},
                "sort": {"field": "updated_at", "order": "ascending"},
                "pagination": {"per_page": PER_PAGE, **({} if after is None else {"starting_after": after})},
            },
        )
        content = answer.json()
        found, before = listed(content, answer.place, "conversations"), after
        after = id_at(content, "pages", "next", "starting_after")
        if not isinstance(at(content, "pages"), dict) or (after is not None and after == before):
            raise CollectError(f"{answer.place} does not say where its next page is. {CHANGED}")
        idle.see(found, answer.place)
        yield found, after is None
        if after is None:
            return


def _items(web: Web, url: str, found: object, desk: Desk, stream: str) -> Iterator[Item]:
    """What is in a conversation that was found, which is asked for whole."""
    conversation_id = id_at(found, "id")
    if conversation_id is None:
        yield from desk.items(found, stream)  # which says so
        return
    try:
        answer = web.get(f"{url}/conversations/{quote(conversation_id, safe='')}")
    except Refused as refused:
        if refused.status != 404:
            raise
        yield Unreadable(f"{stream}:{conversation_id}", "it is not there (404): was it deleted meanwhile?")
        return
    content = answer.json()
    listed(content, answer.place, "conversation_parts", "conversation_parts")
    if id_at(content, "id") != conversation_id or not isinstance(at(content, "source"), dict):
        raise CollectError(f"{answer.place} answers with something else than that conversation. {CHANGED}")
    yield from desk.items(content, stream)
