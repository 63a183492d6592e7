"""Posts of RSS and Atom feeds: forums, blogs, answers to searches. A feed holds its newest entries; those that it no longer shows stay stored.

The state is what the server says of the version that was read (`ETag`, `Last-Modified`), so that an unchanged feed is not sent again.
It is kept when the last entry is stored, and not for a feed that had to be repaired: that is asked for whole the next time.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from urllib.parse import urlsplit

from feedback.collectors.base import Item, Record, SourceConfig, Unreadable
from feedback.collectors.encoding import open_binary, refuse_binary
from feedback.collectors.feed import Entry, RawFeed, Repaired, read_feed
from feedback.collectors.live import Page, Visit
from feedback.collectors.live.address import refuse_secrets, secret_address
from feedback.collectors.live.patience import Patience, Unreachable
from feedback.collectors.live.robots import Robots
from feedback.collectors.live.vault import is_place
from feedback.collectors.live.web import MOST_BYTES, Answer, Web
from feedback.collectors.nicknames import is_shared
from feedback.errors import CollectError
from nlp.settings_table import SettingsTable

PAGE = 200
_LONGEST_TEXT = 200_000  # characters
_LONGEST_PATH = 80
_ACCEPT = "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.1"
_NO_ADDRESS = (
    "'urls' holds something that is no address of a feed. It begins with https:// or http://, and has no user in it"
)
_EVERYWHERE = re.compile(r"https?://|tag:|urn:", re.IGNORECASE)  # what an id begins with that no other feed has


class RssCollector:
    private_names = False

    def __init__(self) -> None:
        self._robots = Robots()

    def streams(self, visit: Visit) -> list[str]:
        """Host, path and a hash of the whole address: what follows a `?` may be a secret."""
        return list(_feeds(visit))

    def pages(self, stream: str, state: str | None, visit: Visit) -> Iterator[Page]:
        """All entries that the feed shows, 200 a page; none where it has not changed."""
        answer = self._ask(_feeds(visit)[stream].url(visit), _Version.read(state), visit.patience)
        if answer.unchanged:
            return
        charset = answer.headers.get("Content-Type", "").partition("charset=")[2].partition(";")[0]
        found = read_feed(RawFeed(answer.body, answer.place, charset))
        first = list(islice(found, 1))
        reached = None if visit.since else _Version.of(answer).text()
        notes: tuple[str, ...] = ()
        if isinstance(first[0] if first else None, Repaired):
            reached, notes = None, (f"{stream}: {_repaired(first.pop())}",)
        items = _items(chain(first, found), stream, stream, visit.config)
        page = list(islice(items, PAGE))
        while following := list(islice(items, PAGE)):
            yield Page(page, None, notes)
            page, notes = following, ()
        yield Page(page, reached, notes)

    def saved(self, path: Path, visit: Visit) -> Iterator[Item]:
        """The entries of a feed that was saved as a file."""
        feeds = list(_feeds(visit))
        with open_binary(path) as file:
            body = file.read(MOST_BYTES + 1)
        refuse_binary(path, body[:16])
        if len(body) > MOST_BYTES:
            raise CollectError(f"{path} has more than {MOST_BYTES >> 20} MB, which no feed has.")
        found = read_feed(RawFeed(body, str(path)))
        return _items(found, path.name, feeds[0] if len(feeds) == 1 else None, visit.config)

    def _ask(self, url: str, known: "_Version", patience: Patience) -> Answer:
        try:
            self._robots.check(url, patience)
            web = Web({"Accept": _ACCEPT}, patience=patience, may_follow=lambda url: self._robots.check(url, patience))
            return web.get(url, headers=known.conditions())
        except Unreachable as error:
            raise CollectError(str(error)) from None  # the other feeds may be of other sites


@dataclass(frozen=True, slots=True)
class _Feed:
    """Where a feed is: its address, or a setting that says where that is, as it is a secret."""

    settings: SettingsTable
    is_secret: bool

    def url(self, visit: Visit) -> str:
        if not self.is_secret:
            return self.settings.string("urls")
        url = secret_address(self.settings, "urls", visit.vault)
        if _stream(url) is None:
            raise self.settings.fault(_NO_ADDRESS)
        return url

    def stream(self) -> str:
        if self.is_secret:
            ((way, named),) = self.settings.table("urls").data.items()
            return f"{way}:{named}"
        url = self.settings.string("urls")
        refuse_secrets(self.settings, "urls", url, 'Name the whole address by where it is: { env = "A_VARIABLE" }')
        stream = _stream(url)
        if stream is None:
            raise self.settings.fault(_NO_ADDRESS)
        return stream


def _feeds(visit: Visit) -> dict[str, _Feed]:
    """Each stream's."""
    table = visit.settings
    table.refuse_unknown({"urls"})
    given = table.data.get("urls", [])
    listed = given if isinstance(given, list) else [given]
    if not all(is_place(each) or (isinstance(each, str) and each.strip()) for each in listed):
        raise table.fault(table.wording.texts, key="urls", value=repr(given))
    found: dict[str, _Feed] = {}
    for each in listed:
        feed = _Feed(SettingsTable({"urls": each}, table.where, table.wording), is_place(each))
        stream = feed.stream()
        if stream in found:
            raise table.fault("'urls' names {stream} twice", stream=stream)
        found[stream] = feed
    if not found:
        raise table.fault("'urls' is missing: the addresses of the feeds")
    return found


def _stream(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return None
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.username is not None
        or not url.isprintable()
    ):
        return None
    path = parts.path if len(parts.path) <= _LONGEST_PATH else f"{parts.path[:_LONGEST_PATH]}…"
    return f"{parts.hostname}{port}{path}#{hashlib.blake2b(url.encode(), digest_size=4).hexdigest()}"


@dataclass(frozen=True, slots=True)
class _Version:
    """What the server calls the version that was read; "" where it does not."""

    etag: str
    modified: str

    @classmethod
    def read(cls, state: str | None) -> "_Version":
        return cls(*json.loads(state)) if state else cls("", "")

    @classmethod
    def of(cls, answer: Answer) -> "_Version":
        return cls(answer.headers.get("ETag", ""), answer.headers.get("Last-Modified", ""))

    def text(self) -> str:
        return json.dumps([self.etag, self.modified])

    def conditions(self) -> dict[str, str]:
        named = {"If-None-Match": self.etag, "If-Modified-Since": self.modified}
        return {name: value for name, value in named.items() if value}


def _repaired(notice: Entry | Repaired) -> str:
    why = notice.why if isinstance(notice, Repaired) else ""
    return f"the feed is no well-formed XML ({why}); it was read as well as that can be done"


def _items(found: Iterable[Entry | Repaired], where: str, prefix: str | None, config: SourceConfig) -> Iterator[Item]:
    """`prefix` makes an id that is one in its feed alone one in the source; None: there may be no such ids."""
    for number, entry in enumerate((each for each in found if isinstance(each, Entry)), 1):
        source_id = _source_id(entry, prefix, where)
        location = f"{where}:{source_id or f'#{number}'}"
        text = entry.text or entry.title
        if entry.cut:
            yield Unreadable(location, "the feed breaks off in this entry", entry.text)
        elif not text:
            yield Unreadable(location, "it has neither a text nor a title")
        elif len(text) > _LONGEST_TEXT:
            yield Unreadable(location, f"its text has {len(text):,} characters, as nobody writes")
        else:
            yield Record(
                text=text,
                kind=config.kind or "post",
                channel=config.channel or config.name,
                location=location,
                source_id=source_id,
                posted_at=entry.posted_at,
                customer=None if is_shared(entry.author) else entry.author or None,
                product=config.product,
                store=config.store,
                question=None if text.startswith(entry.title.rstrip("….")) else entry.title,
            )


def _source_id(entry: Entry, prefix: str | None, where: str) -> str | None:
    """The entry's own id or address, else a hash of title and date; None where it has none of these: intake makes one of the contents."""
    if _EVERYWHERE.match(entry.id):
        return entry.id
    if not entry.id and not (entry.title and entry.posted_at):
        return None
    if prefix is None:
        raise CollectError(
            f"{where}: its entries have ids that only their own feed knows, and the source has several 'urls'. "
            "Load it for a source that names this feed alone."
        )
    own = entry.id or hashlib.blake2b(f"{entry.title}\0{entry.posted_at}".encode(), digest_size=8).hexdigest()
    return f"{prefix}/{own}"
