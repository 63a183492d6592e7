"""The App Store's public reviews: no key, the 500 newest of each country.

The feed has ten pages, the newest review first, an edited one among the newest. So a run walks back until it meets what
the last one saw. Where it does not meet it, reviews may have been missed, and it says so.

The JSON of a page is empty now and then though its XML is not: what is empty is asked for once more, as XML. Now and then all
pages from one on are empty though the feed has more: a feed that ends with a page that is full may go on behind it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from feedback.collectors.app_store_feed import Place, read_json_feed, read_xml_feed
from feedback.collectors.base import Item
from feedback.collectors.encoding import read_text
from feedback.collectors.live import Page, Visit
from feedback.collectors.live.address import base_address
from feedback.collectors.live.newest_first import Walk
from feedback.collectors.live.numbered import moved_up
from feedback.collectors.live.reached import Reached
from feedback.collectors.live.web import MOST_BYTES, Web
from feedback.collectors.objects import read_each, read_json
from feedback.collectors.store_reviews import Found, Review, app_number, codes, items, refuse_unreadable

CHANNEL = "App Store"
PAGES = 10  # the feed has no more
FULL = 50  # reviews on a page, but for the last
OVERLAP = timedelta(days=7)
_SETTINGS = frozenset({"app", "countries", "url"})
_XML = {"Accept": "application/atom+xml, application/xml;q=0.9"}

_AS_XML = "{}: the feed held nothing as JSON and was asked for as XML"
_NOTHING = "{}: the feed is empty, as JSON and as XML. Are 'app' and 'countries' right?"
_HOLE = "{}: a page of the feed was empty though later ones were not. The next run asks for all of this again"
_CUT = "{}: the feed ended behind a full page, so there may be more that it did not show. The next run asks for all of this again"
_GAP = "{}: the feed, which holds 500 reviews at most, has none that was known. Those between it and the last run may be missing"


class AppStoreCollector:
    private_names = False
    redated = True

    def streams(self, visit: Visit) -> list[str]:
        """The countries."""
        return list(_Settings.of(visit).countries)

    def pages(self, stream: str, state: str | None, visit: Visit) -> Iterator[Page]:
        """The pages, the newest first. The last has the state, unless the feed had holes or may have been cut off."""
        feed, walk = _Feed(visit, stream), Walk(visit, Reached.read(state), OVERLAP)
        empty = hole = told = full = False
        before: list[Found] = []
        for number in range(1, PAGES + 1):
            found, as_xml = feed.page(number)
            if not found and number == 1:
                yield Page([], None, (_NOTHING.format(stream),))
                return
            moved = moved_up(feed.page(number - 1)[0], before, found, key=_key) if number > 1 else []
            over = walk.see([each.posted_at for each in (*moved, *found) if isinstance(each, Review)])
            empty, hole = empty or not found, hole or (empty and bool(found))
            full = len(found) >= FULL if found else full
            last = over or number == PAGES or (not found and walk.meets)
            doubt = _HOLE if hole else _CUT if full and not found and not walk.meets else None
            notes = [_AS_XML] if as_xml and not told else []
            told = told or as_xml
            if last and doubt:
                notes.append(doubt)
            elif number == PAGES and walk.has_gap:
                notes.append(_GAP)
            yield Page(
                list(items([*moved, *found], stream, CHANNEL, visit.config)),
                walk.done().text() if last and not doubt else None,
                tuple(note.format(stream) for note in notes),
            )
            if last:
                return
            before = found

    def saved(self, path: Path, visit: Visit) -> Iterator[Item]:
        """The reviews of a page of the feed, as JSON or XML, or of several in JSON one after another."""
        countries = _Settings.of(visit).countries
        country = countries[0] if len(countries) == 1 else None
        text = read_text(path, MOST_BYTES)
        if text.lstrip("\ufeff \t\r\n").startswith("<"):
            found = read_xml_feed(text.encode("utf-8", "surrogatepass"), Place(path.name, path.name, country))
            yield from items(found, path.name, CHANNEL, visit.config)
            return

        def read(where: str, content: object) -> Iterator[Item]:
            return items(read_json_feed(content, Place(where, where, country)), path.name, CHANNEL, visit.config)

        yield from read_each(read_json(path), read)


def _key(found: Found) -> str:
    return found.id if isinstance(found, Review) else repr(found)  # its votes may change while the pages are read


@dataclass(frozen=True, slots=True)
class _Settings:
    app: str
    countries: tuple[str, ...]
    url: str

    @classmethod
    def of(cls, visit: Visit) -> "_Settings":
        settings = visit.settings
        settings.refuse_unknown(set(_SETTINGS))
        return cls(
            app=app_number(
                settings, "'app' is the number in the app's address: 123456789 of apps.apple.com/cn/app/id123456789"
            ),
            countries=codes(settings, "countries", "cn", "[a-z]{2}"),
            url=base_address(settings, "https://itunes.apple.com"),
        )


class _Feed:
    """The feed of one country."""

    def __init__(self, visit: Visit, country: str) -> None:
        settings = _Settings.of(visit)
        self._base, self._app, self._country = settings.url, settings.app, country
        self._web = Web(patience=visit.patience)

    def page(self, number: int) -> tuple[list[Found], bool]:
        """The reviews, and whether only the XML held them."""
        page = f"{self._base}/{self._country}/rss/customerreviews/page={number}/id={self._app}/sortby=mostrecent"
        answer = self._web.get(f"{page}/json")
        place = Place(answer.place, self._country, self._country)
        found = read_json_feed(answer.json(), place) if answer.body.strip() else []
        as_xml = not found
        if as_xml:
            answer = self._web.get(f"{page}/xml", headers=_XML)
            found = read_xml_feed(answer.body, Place(answer.place, self._country, self._country))
        refuse_unreadable(found, answer.place)
        return found, as_xml and bool(found)
