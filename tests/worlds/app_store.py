"""The App Store's public feed of reviews: ten pages and no more, the newest first, as JSON and as Atom. No key.

`empty_json` and `empty_xml` are numbers of pages that hold nothing in that form, as happens.
"""

import re
from collections.abc import Mapping
from xml.sax.saxutils import escape

from wire import Asked, Reply

from worlds import Interface, Lack, Said, iso

APP = "1234567890"
PAGE = 7  # of the real feed: 50
PAGES = 10
_ADDRESS = re.compile(rf"/([a-z]{{2}})/rss/customerreviews/page=(\d+)/id={APP}/sortby=mostrecent/(json|xml)", re.ASCII)


class World(Interface):
    collector = "app-store"
    secret = None
    edits = True
    without: Mapping[Lack, str] = {
        "cursors": "its pages are numbers, which do not run out",
        "lasting cursors": "its pages are numbers, which do not run out",
        "replies": "who has something to add edits the review",
    }

    def __init__(self) -> None:
        super().__init__()
        self.empty_json: set[int] = set()
        self.empty_xml: set[int] = set()

    def section(self, url: str) -> Mapping[str, object]:
        return {"url": url, "app": APP, "countries": ["cn"]}

    def answer(self, asked: Asked) -> Reply:
        found = _ADDRESS.fullmatch(asked.path)
        if found is None:
            return Reply(b"", 404)
        country, number, form = found[1], int(found[2]), found[3]
        if not 1 <= number <= PAGES:
            return Reply(b"CustomerReviews RSS page depth is limited to 10", 400, {"Content-Type": "text/plain"})
        rows = self.arranged(sorted(self.said, key=lambda one: (one.changed_at, one.number), reverse=True))
        rows = self.page(rows, (number - 1) * PAGE, PAGE)
        if form == "json":
            return Reply(json_feed([] if number in self.empty_json else rows, country, number))
        xml = xml_feed([] if number in self.empty_xml else rows, country, number)
        return Reply(xml, headers={"Content-Type": "text/xml; charset=UTF-8"})

    def stored(self) -> dict[str, str]:
        return {_id(one): one.text for one in self.said}

    def saved(self) -> bytes:
        return Reply(json_feed(self.said, "cn", 1)).body()


def _id(one: Said) -> str:
    return str(11_000_000_000 + one.number)


def json_feed(rows: list[Said], country: str, number: int) -> dict[str, object]:
    """One entry is an object, several are a list, none are not there at all."""
    entries = [json_entry(one, country) for one in rows]
    feed: dict[str, object] = {
        "author": {"name": {"label": "iTunes Store"}, "uri": {"label": "http://www.apple.com/itunes/"}},
        "updated": {"label": "2026-03-01T20:00:00-07:00"},
        "title": {"label": "iTunes Store: Customer Reviews"},
        "id": {"label": _feed_id(country, number, "json")},
    }
    return {"feed": feed if not entries else {**feed, "entry": entries[0] if len(entries) == 1 else entries}}


def json_entry(one: Said, country: str) -> dict[str, object]:
    person = f"https://itunes.apple.com/{country}/reviews/id{900 + one.number}"
    return {
        "author": {"uri": {"label": person}, "name": {"label": f"用户{one.number}"}, "label": ""},
        "updated": {"label": iso(one.changed_at).replace("Z", "-00:00")},
        "im:rating": {"label": str(one.number % 5 + 1)},
        "im:version": {"label": "8.0.1"},
        "id": {"label": _id(one)},
        "title": {"label": f"标题{one.number}"},
        "content": {"label": one.text, "attributes": {"type": "text"}},
        "im:contentType": {"attributes": {"term": "Application", "label": "应用程序"}},
        "im:voteSum": {"label": "3"},
        "im:voteCount": {"label": "5"},
    }


def xml_feed(rows: list[Said], country: str, number: int) -> bytes:
    entries = "".join(
        f"<entry><id>{_id(one)}</id><title>{escape(f'标题{one.number}')}</title>"
        f'<content type="text">{escape(one.text)}</content>'
        '<im:contentType term="Application" label="应用程序"/><im:voteSum>3</im:voteSum><im:voteCount>5</im:voteCount>'
        f"<im:rating>{one.number % 5 + 1}</im:rating><updated>{iso(one.changed_at).replace('Z', '-00:00')}</updated>"
        f"<im:version>8.0.1</im:version><author><name>用户{one.number}</name>"
        f"<uri>https://itunes.apple.com/{country}/reviews/id{900 + one.number}</uri></author>"
        f'<content type="html">{escape(f"<table><tr><td><b>灯</b><br/>{one.text}</td></tr></table>")}</content></entry>'
        for one in rows
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<feed xmlns:im="http://itunes.apple.com/rss" xmlns="http://www.w3.org/2005/Atom" xml:lang="zh">'
        f"<id>{_feed_id(country, number, 'xml')}</id><title>iTunes Store: Customer Reviews</title>"
        f"<updated>2026-03-01T20:00:00-07:00</updated>{entries}</feed>"
    ).encode()


def _feed_id(country: str, number: int, form: str) -> str:
    return f"https://itunes.apple.com/{country}/rss/customerreviews/page={number}/id={APP}/sortby=mostrecent/{form}"
