"""Collects the entries of a guest book: an example of a live collector in a package of its own. The interface is made up.

    GET {url}/entries?after=17&limit=100          X-Guest-Book-Key: …
    {"entries": [{"id": 18, "written": "2026-02-24T10:00:00+08:00", "by": "u-77", "stars": 4, "words": "…"}, …], "more": true}

Entries are numbered as they are written, and come in that order. One that was taken back stays in the list as `{"id": 19, "gone": true}`;
that is told again in `{url}/gone` for those that were taken back later.
"""

from collections.abc import Iterator
from pathlib import Path

from feedback.collectors.base import Item, RawScore, Record, Unreadable, Withdrawn
from feedback.collectors.live import Page, Visit
from feedback.collectors.live.web import Web, read_json_body
from feedback.errors import CollectError

ENTRIES, GONE = "entries", "gone"
_LIMIT = 100  # entries of a page: a page is stored in one transaction


class GuestBookCollector:
    """Has no base class: these four members are what `feedback.collectors.live.LiveCollector` asks for."""

    private_names = False  # no error and no stream's name holds the name of a person

    def streams(self, visit: Visit) -> list[str]:
        """The parts of the source, each with a state of its own. Here the settings are checked; nobody is asked yet."""
        visit.settings.refuse_unknown({"url", "token"})
        visit.settings.string("url")
        return [ENTRIES, GONE]

    def pages(self, stream: str, state: str | None, visit: Visit) -> Iterator[Page]:
        """What came after `state`. Each page says from where the next run goes on once the page is stored; more is not to be remembered."""
        url = visit.settings.string("url").rstrip("/")
        web = Web(headers={"X-Guest-Book-Key": visit.secret("token")})
        after, more = int(state or 0), True
        while more:
            answer = web.get(f"{url}/{stream}", {"after": after, "limit": _LIMIT})
            entries, more = _entries(answer.json(), answer.place)
            last = max([after, *(number for entry in entries if isinstance(number := entry.get("id"), int))])
            yield Page([_item(entry) for entry in entries], str(last))
            if more and last == after:  # asked once more it would say the same, for ever
                raise CollectError(
                    f"{answer.place} says that there is more and shows nothing new. Has the interface changed?"
                )
            after = last

    def saved(self, path: Path, visit: Visit) -> Iterator[Item]:  # noqa: ARG002
        """The entries of an answer that somebody saved: `feedback collect --source … --load FILE`."""
        entries, _ = _entries(read_json_body(path.read_bytes(), path.name), path.name)
        return (_item(entry) for entry in entries)


def _entries(content: object, place: str) -> tuple[list[dict[str, object]], bool]:
    """The entries of an answer, and whether there are more. What is no such answer is an error, never an empty page."""
    entries = content.get("entries") if isinstance(content, dict) else None
    if (
        not isinstance(content, dict)
        or not isinstance(entries, list)
        or not all(isinstance(entry, dict) for entry in entries)
    ):
        raise CollectError(f"{place} holds no list 'entries'. Has the interface changed?")
    return entries, bool(content.get("more"))


def _item(entry: dict[str, object]) -> Item:
    """As the source says it: cleaning, dates, masking, hashing of who wrote it, finding copies is done for all collectors by intake."""
    number = entry.get("id")
    if not isinstance(number, int):
        return Unreadable(ENTRIES, "an entry has no number")
    location = f"{ENTRIES}:{number}"
    if entry.get("gone"):
        return Withdrawn(str(number), location)
    stars = entry.get("stars")
    return Record(
        text=str(entry.get("words") or ""),
        kind="review",
        channel="留言簿",
        location=location,
        source_id=str(number),
        posted_at=str(entry["written"]) if entry.get("written") else None,
        customer=str(entry["by"]) if entry.get("by") else None,
        scores=(RawScore("star", str(stars), 1, 5),) if stars is not None else (),
    )
