"""Feeds for tests: one entry, a site that shows feeds, and what the collector makes of them."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from wire import Asked, Reply
from worlds import NOW

from feedback.collectors.base import Record, SourceConfig
from feedback.collectors.live import Page, Visit
from feedback.collectors.live.vault import Vault
from feedback.collectors.rss import RssCollector

ITEM = (
    "<item><guid>https://forum.example/post/1</guid><title>山茶花茶</title><author>li@mail.example (李)</author>"
    "<pubDate>Mon, 02 Mar 2026 10:00:00 +0800</pubDate><description>&lt;p&gt;物流太慢&lt;/p&gt;等了五天</description></item>"
)


def rss(*items: str) -> str:
    return f'<rss version="2.0"><channel><title>山茶论坛</title><link>https://forum.example</link>{"".join(items)}</channel></rss>'


Answer = Callable[[Asked], Reply]


def feeds(**bodies: bytes | Reply) -> Answer:
    """A site with these feeds, by the last part of their paths; a robots.txt is one of them: `robots`."""

    def answer(asked: Asked) -> Reply:
        name = asked.path.rpartition("/")[2].partition(".")[0]
        body = bodies.get(name, Reply(b"", 404))
        return body if isinstance(body, Reply) else Reply(body, headers={"Content-Type": "application/rss+xml"})

    return answer


def visit(folder: Path, *urls: str, since: datetime | None = None, **more: object) -> Visit:
    config = SourceConfig("live", "rss", channel="论坛", options={"urls": list(urls), **more})
    return Visit(config, Vault(folder), NOW, since=since)


def pages(asking: Visit, state: str | None = None, collector: RssCollector | None = None) -> list[Page]:
    collector = collector or RssCollector()
    return [page for stream in collector.streams(asking) for page in collector.pages(stream, state, asking)]


def records(found: list[Page]) -> list[Record]:
    return [item for page in found for item in page.items if isinstance(item, Record)]
