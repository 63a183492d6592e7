"""The App Store's public feed of reviews, in either of its forms: JSON made from Atom, and Atom itself.

Old feeds begin with an entry that is the app, not a review: it has neither a rating nor words of anybody.
"""

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from feedback.collectors.base import Unreadable
from feedback.collectors.store_reviews import Found, Review
from feedback.errors import CollectError

_PERSON = re.compile(r"/id(\d+)")
_COUNTRY = re.compile(r"/([a-z]{2})/rss/")
_NO_CHARACTERS = bytes({*range(32)} - {9, 10, 13})  # what XML must not hold, and reviews do

Field = Callable[[str], str]  # of an entry: the value by its name in JSON, "" where there is none


@dataclass(frozen=True, slots=True)
class Place:
    """Where a feed is from: `name` for errors of all of it, `stream` for a review. `country` None: the one it names itself."""

    name: str
    stream: str
    country: str | None = None


def read_json_feed(content: object, place: Place) -> list[Found]:
    """The reviews of an answer; none where it has no entry. Raises `CollectError` where it is no feed."""
    feed = content.get("feed") if isinstance(content, dict) else None
    if not isinstance(feed, dict):
        raise CollectError(f"{place.name}: the answer holds no 'feed'. Has the interface changed?")
    entries = feed.get("entry", [])
    if isinstance(entries, dict):
        entries = [entries]  # the only one
    if not isinstance(entries, list):
        raise CollectError(f"{place.name}: 'entry' of the feed is no list. Has the interface changed?")
    return _reviews([_json_field(entry) for entry in entries], place, place.country or _country(_label(feed.get("id"))))


def read_xml_feed(body: bytes, place: Place) -> list[Found]:
    """As `read_json_feed`, of Atom."""
    import feedparser

    # From a file object: of bytes it takes a short text for the name of a file.
    source = io.BytesIO(body.translate(None, _NO_CHARACTERS))
    parsed = feedparser.parse(source, sanitize_html=False, resolve_relative_uris=False)
    if not str(parsed.get("version") or "").startswith("atom"):
        raise CollectError(
            f"{place.name}: the answer is no feed of reviews but something else. Has the interface changed?"
        )
    if parsed.bozo:  # it would hand out what it could guess
        raise CollectError(
            f"{place.name}: the answer is a damaged feed: it was cut off, or is not in UTF-8. Run this again."
        )
    return _reviews(
        [_xml_field(entry) for entry in parsed.entries], place, place.country or _country(parsed.feed.get("id", ""))
    )


def _reviews(entries: Sequence[Field | None], place: Place, country: str | None) -> list[Found]:
    found: list[Found] = []
    for number, field in enumerate(entries, 1):
        where = f"{place.stream}:#{number}"
        if field is None:
            found.append(Unreadable(where, "it is not an object"))
        elif number == 1 and not field("im:rating") and not field("content"):
            continue  # the app
        elif not field("id"):
            found.append(Unreadable(where, "it has no id", field("content")))
        else:
            person = _PERSON.search(field("author"))
            found.append(
                Review(
                    id=field("id"),
                    text=field("content"),
                    stars=field("im:rating") or None,
                    posted_at=field("updated") or None,
                    title=field("title"),
                    customer=person and person[1],
                    version=field("im:version") or None,
                    region=country,
                    votes=field("im:voteSum") or None,  # of those who voted (`im:voteCount`), whom it helped
                )
            )
    return found


def _json_field(entry: object) -> Field | None:
    if not isinstance(entry, dict):
        return None

    def field(name: str) -> str:
        value = entry.get(name)
        if name == "author" and isinstance(value, dict):
            value = value.get("uri")
        return _label(value)

    return field


def _label(value: object) -> str:
    label = value.get("label") if isinstance(value, dict) else None
    return label if isinstance(label, str) else ""


def _xml_field(entry: Any) -> Field:
    def field(name: str) -> str:
        if name == "content":  # there as HTML too, in a table with the name of the app
            texts = [each.value for each in entry.get("content", []) if each.type == "text/plain"]
            return str(texts[0]) if texts else ""
        if name == "author":
            return str(entry.get("author_detail", {}).get("href", ""))
        return str(entry.get(name.replace(":", "_").lower(), ""))

    return field


def _country(feed_id: str) -> str | None:
    named = _COUNTRY.search(feed_id)
    return named and named[1]
