"""A forum's feed, RSS 2.0 as blog and forum programs write it: the newest first, with an ETag and a robots.txt."""

import hashlib
from collections.abc import Mapping
from email.utils import format_datetime
from typing import ClassVar
from xml.sax.saxutils import escape

from wire import Asked, Reply

from worlds import Interface, Lack, Said

ROBOTS = b"User-agent: *\nDisallow: /admin/\nCrawl-delay: 1\n"


class World(Interface):
    collector = "rss"
    secret = None
    edits = True
    without: Mapping[Lack, str] = {
        "lasting cursors": "it is asked whether the feed is still the same, which has no place in it to lose",
        "replies": "a reply is an entry of its own, and a feed does not say to what",
    }
    page_sizes: ClassVar[Mapping[str, int]] = {"feedback.collectors.rss.PAGE": 7}

    def __init__(self) -> None:
        super().__init__()
        self.built = 1

    def forget(self) -> None:
        """Writes the feed anew: the server takes it for another one."""
        self.built += 1

    def section(self, url: str) -> Mapping[str, object]:
        return {"urls": [f"{url}/forum/feed.xml?board=7"]}

    def answer(self, asked: Asked) -> Reply:
        if asked.path == "/robots.txt":
            return Reply(ROBOTS, headers={"Content-Type": "text/plain"})
        if (asked.path, asked.query) != ("/forum/feed.xml", {"board": "7"}):
            return Reply(b"not found", 404, {"Content-Type": "text/plain"})
        body = self.saved()
        etag = f'"{self.built}-{hashlib.sha256(body).hexdigest()[:16]}"'
        if asked.headers.get("If-None-Match") == etag:
            return Reply(b"", 304, {"ETag": etag})
        return Reply(body, headers={"Content-Type": "application/rss+xml; charset=utf-8", "ETag": etag})

    def stored(self) -> dict[str, str]:
        return {_address(one): one.text for one in self.said}

    def saved(self) -> bytes:
        rows = self.arranged(sorted(self.said, key=lambda one: (one.posted_at, one.number), reverse=True))
        items = "".join(map(_item, [*rows, *rows] if self.overlap else rows))
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" '
            'xmlns:dc="http://purl.org/dc/elements/1.1/">\n<channel>\n<title>山茶论坛</title>\n<link>https://forum.example/board/7</link>\n'
            f"<description>顾客说的话</description>\n{items}</channel>\n</rss>\n"
        ).encode()


def _address(one: Said) -> str:
    return f"https://forum.example/post/{one.number}"


def _item(one: Said) -> str:
    return (
        f'<item>\n<title>回帖 {one.number}</title>\n<link>{_address(one)}</link>\n<guid isPermaLink="true">{_address(one)}</guid>\n'
        f"<dc:creator>user{one.number % 5}</dc:creator>\n<pubDate>{format_datetime(one.posted_at)}</pubDate>\n"
        f"<description>{escape(one.text[:6])}…</description>\n<content:encoded><![CDATA[<p>{escape(one.text)}</p>]]></content:encoded>\n</item>\n"
    )
