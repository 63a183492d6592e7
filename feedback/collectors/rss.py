"""Posts of RSS and Atom feeds: forums, blogs, answers to searches. A feed holds its newest entries; those that it no longer shows stay stored.

The state is what the server says of the version that was read (`ETag`, `Last-Modified`), so that an unchanged feed is not sent again.
It is kept when the last entry is stored, and not for a feed that had to be repaired: that is asked for whole the next time.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from urllib.parse import urlsplit

from feedback.collectors.base import KEYED, Item, Record, SourceConfig, Unreadable
from feedback.collectors.encoding import open_binary, refuse_binary
from feedback.collectors.feed import Entry, RawFeed, Repaired, read_feed
from feedback.collectors.live import Page, Visit
from feedback.collectors.live.address import refuse_secrets, secret_address
from feedback.collectors.live.patience import Patience, Unreachable
from feedback.collectors.live.robots import Robots
from feedback.collectors.live.vault import Vault, is_place
from feedback.collectors.live.web import MOST_BYTES, Answer, Web
from feedback.collectors.nicknames import is_shared
from feedback.dates import same_date, stands
from feedback.errors import CollectError
from nlp.settings_table import SettingsTable, quoted
from storage.entries import AMONG

PAGE = 200
_LONGEST_TEXT = 200_000  # characters
_LONGEST_PATH = 80
_QUOTED_DATE = 60
_ACCEPT = "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.1"
_NO_ADDRESS = (
    "'urls' holds something that is no address of a feed. It begins with https:// or http://, and has no user in it"
)
_ADDRESS_ITSELF = (
    "'urls' holds an address behind '{way}', which does not belong in this file if it is a secret, and stands by itself if it is none: "
    'urls = ["https://…"], or urls = [{{ env = "NAME_OF_A_VARIABLE" }}]'
)
# Of an address what is before its path, and in it the site, without the default port.
_SITE = re.compile(r"(?:http://([^/?#]*?)(?::80)?|https://([^/?#]*?)(?::443)?)(?=[/?#]|\Z)", re.IGNORECASE)
_EVERYWHERE = re.compile(r"https?://|tag:|urn:", re.IGNORECASE)  # what an id begins with that no other feed has


class RssCollector:
    private_names = False
    shows_again = True

    def __init__(self) -> None:
        self._robots = Robots()

    def streams(self, visit: Visit) -> list[str]:
        """Host, path and a hash of the whole address: what follows a `?` may be a secret."""
        return list(_feeds(visit))

    def pages(self, stream: str, state: str | None, visit: Visit) -> Iterator[Page]:
        """All entries that the feed shows, 200 a page; none where it has not changed."""
        feeds = _feeds(visit)
        feed = feeds[stream]
        url = feed.url()
        answer = self._ask(url, _Version.read(state), visit.patience)
        if answer.unchanged:
            return
        charset = answer.headers.get("Content-Type", "").partition("charset=")[2].partition(";")[0]
        found = read_feed(RawFeed(answer.body, answer.place, charset))
        first = list(islice(found, 1))
        reached = None if visit.since else _Version.of(answer).text()
        notes: tuple[str, ...] = ()
        if isinstance(first[0] if first else None, Repaired):
            reached, notes = None, (f"{stream}: {_repaired(first.pop())}",)
        items = _items(chain(first, found), stream, _Names.of(feed, feeds), visit.config)
        page = list(islice(items, PAGE))
        while following := list(islice(items, PAGE)):
            yield Page(page, None, notes)
            page, notes = following, ()
        yield Page(page, reached, notes)

    def saved(self, path: Path, visit: Visit) -> Iterator[Item]:
        """The entries of a feed that was saved as a file."""
        feeds = _feeds(visit)
        with open_binary(path) as file:
            body = file.read(MOST_BYTES + 1)
        refuse_binary(path, body[:16])
        if len(body) > MOST_BYTES:
            raise CollectError(f"{path} has more than {MOST_BYTES >> 20} MB, which no feed has.")
        found = read_feed(RawFeed(body, str(path)))
        only = next(iter(feeds.values())) if len(feeds) == 1 else None
        return _items(found, path.name, _Names.of(only, feeds), visit.config)

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
    vault: Vault
    is_secret: bool

    def url(self) -> str:
        if not self.is_secret:
            return self.settings.string("urls")
        url = secret_address(self.settings, "urls", self.vault)
        if _stream(url) is None:
            raise self.settings.fault(_NO_ADDRESS)
        return url

    def names(self) -> list[str]:
        """Its stream, and what that was called while `urls` had another scheme or the default port."""
        if self.is_secret:
            return [self.stream()]
        return [name for url in _same_addresses(self.settings.string("urls")) if (name := _stream(url))]

    def stream(self) -> str:
        if self.is_secret:
            ((way, named),) = self.settings.table("urls").data.items()
            if "://" in str(named):
                raise self.settings.fault(_ADDRESS_ITSELF, way=way)
            return self.vault.place(self.settings, "urls")
        url = self.settings.string("urls")
        refuse_secrets(self.settings, "urls", url, 'Name the whole address by where it is: { env = "A_VARIABLE" }')
        stream = _stream(url)
        if stream is None:
            raise self.settings.fault(_NO_ADDRESS)
        return stream


@dataclass(frozen=True, slots=True)
class _Names:
    """Of a feed, now and before, by which an id that is one in its feed alone is one in the source; none: there may be no such ids. And of all feeds."""

    own: Sequence[str]
    all: Sequence[str]

    @classmethod
    def of(cls, feed: _Feed | None, feeds: Mapping[str, _Feed]) -> "_Names":
        return cls(feed.names() if feed else [], [name for each in feeds.values() for name in each.names()])


def _feeds(visit: Visit) -> dict[str, _Feed]:
    """Each stream's."""
    table = visit.settings
    table.refuse_unknown({"urls"})
    given = table.data.get("urls", [])
    listed = given if isinstance(given, list) else [given]
    if not all(is_place(each) or (isinstance(each, str) and each.strip()) for each in listed):
        raise table.fault(table.wording.texts, key="urls", value=quoted(given))
    found: dict[str, _Feed] = {}
    for each in listed:
        feed = _Feed(SettingsTable({"urls": each}, table.where, table.wording), visit.vault, is_place(each))
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


def _same_addresses(address: str) -> list[str]:
    """An address, and how it is written where a site goes from http to https or back."""
    match = _SITE.match(address)
    if match is None:
        return [address]
    site, path = match[1] or match[2] or "", address[match.end() :]
    written = (f"http://{site}", f"https://{site}", f"http://{site}:80", f"https://{site}:443")
    return [address, *(each + path for each in written if each + path != address)]


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


def _items(found: Iterable[Entry | Repaired], where: str, names: _Names, config: SourceConfig) -> Iterator[Item]:
    entries = [each for each in found if isinstance(each, Entry)]
    for number, (entry, own) in enumerate(zip(entries, _ids(entries), strict=True), 1):
        ids = [each for known_by in (own, _once_known_by(entry)) for each in _source_ids(entry, known_by, names, where)]
        source_id = ids[0] if ids else None
        location = f"{where}:{source_id or f'#{number}'}"
        text = entry.text or entry.title
        problems = _date_problems(entry)
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
                former_ids=tuple(ids[1:]),
                posted_at=None if problems else entry.posted_at,
                customer=None if is_shared(entry.author) else entry.author or None,
                product=config.product,
                store=config.store,
                question=None if text.startswith(entry.title.rstrip("….")) else entry.title,
                problems=problems,
                own_date=bool(entry.id and entry.own_date and _lasting_date(entry)),
            )


def _ids(entries: Sequence[Entry]) -> list[str]:
    """What each is known by, and behind that what tells it from others where several of this answer are known by the same (`storage.entries`)."""
    marks: dict[str, set[str]] = {}
    for entry in entries:
        marks.setdefault(_known_by(entry), set()).add(_mark(entry))
    shared = {known_by for known_by, found in marks.items() if known_by and len(found) > 1}
    return [
        f"{known_by}{AMONG}{_mark(entry)}" if (known_by := _known_by(entry)) in shared else known_by
        for entry in entries
    ]


def _known_by(entry: Entry) -> str:
    """Its own id, else its address, which others may share, as comments do that of their article, and its date; without an address its title and date.

    "" where it has nothing to be known by: intake makes an id of the contents.
    """
    date = _lasting_date(entry)
    if entry.id:
        return entry.id
    if entry.link:
        return f"{entry.link}#{date}" if date else entry.link
    return hashlib.blake2b(f"{entry.title}\0{date}".encode(), digest_size=8).hexdigest() if entry.title and date else ""


def _once_known_by(entry: Entry) -> str:
    """What it was known by before its date could be read; "" where that is the same. By its address alone others were known as well."""
    if entry.id or not entry.written_date:
        return ""
    known_by = _known_by(replace(entry, posted_at=entry.written_date))
    return f"{known_by}{AMONG}" if known_by == entry.link else known_by


def _mark(entry: Entry) -> str:
    """What tells an entry from others that are known by the same: who wrote it and when; of those without an id, which share a date, the words."""
    when = _lasting_date(entry) if entry.own_date else ""
    said = f"{entry.author}\0{when}" if entry.id else f"{entry.author}\0{entry.title}\0{entry.text}"
    return KEYED + hashlib.blake2b(said.encode(), digest_size=8).hexdigest()


def _lasting_date(entry: Entry) -> str:
    """Its date where that is the same whenever it is read."""
    return entry.posted_at if entry.posted_at and stands(entry.posted_at) else ""


def _date_problems(entry: Entry) -> tuple[str, ...]:
    """A date that is another one each time, and can't be counted back: as a date it would change the entry each time."""
    if not entry.posted_at or stands(entry.posted_at) or not same_date(entry.posted_at):
        return ()
    return (f"date unknown: '{entry.posted_at[:_QUOTED_DATE]}': no year can be told from it",)


def _source_ids(entry: Entry, own: str, names: _Names, where: str) -> list[str]:
    """The id in the source, and those that it may have had before; none where intake is to make one of the contents."""
    if not own:
        return []
    if _EVERYWHERE.match(own):
        return _same_addresses(own)
    if _names_its_site(own, entry.link):
        # An earlier version took it for one that its feed alone knows.
        return [own, *(f"{name}/{own}" for name in names.all)]
    if not names.own:
        raise CollectError(
            f"{where}: its entries have ids that only their own feed knows, and the source has several 'urls'. "
            "Load it for a source that names this feed alone."
        )
    return [f"{name}/{own}" for name in names.own]


def _names_its_site(own: str, link: str) -> bool:
    """Whether an id begins with the host where the entry is, as Discourse's do (`forum.example-post-5-1`): all feeds of the site have it."""
    try:
        host = urlsplit(link).hostname or ""
    except ValueError:
        return False
    rest = own[len(host) :]
    return bool(host and rest) and own.lower().startswith(host) and not (rest[0].isalnum() or rest[0] == ".")
