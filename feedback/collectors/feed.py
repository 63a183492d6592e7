"""A feed, RSS or Atom, from its bytes. feedparser reads it, in a process of its own: some bytes would take it hours, or all the memory there is.

feedparser is given bytes, never an address: it fetches nothing.
"""

import io
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from feedback.ahead import WorkerGone, ahead
from feedback.collectors.charsets import decode
from feedback.collectors.html_text import text_of_html
from feedback.collectors.rfc_dates import read_date
from feedback.errors import CollectError

CPU_SECONDS = 20
_MEMORY_BYTES = 1024**3
_LONGEST_PROLOG = 64 * 1024  # characters before the first element
_MOST_ENTRIES = 50_000
_DEEPEST = 500  # elements inside one another, from the beginning of an entry; feeds have ten

_DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z][\w.-]{0,40})""")
_PROLOG = re.compile(
    r"\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^\[>]*(?:\[(?P<definitions>.*?)\]\s*)?>|[^<]+", re.DOTALL | re.IGNORECASE
)
_ENTITY_OF_ENTITIES = re.compile(r"<!ENTITY\s[^>\"']*[\"'][^\"'>]*[&%](?!#)", re.IGNORECASE)
_ELEMENT = re.compile(r"<(?:[A-Za-z_][\w.-]{0,40}:)?([A-Za-z_][\w.-]{0,40})")
_ROOTS = frozenset({"rss", "feed", "rdf", "channel"})
_PAGES = frozenset({"html", "head", "body", "div", "script"})
_MARKUP = re.compile(r"<!--|<!\[CDATA\[|<\?|<(/?)([A-Za-z_][\w.:-]*+)[^<>]*?(/?)>")
_ENDS = {"<!--": "-->", "<![CDATA[": "]]>", "<?": "?>"}
_NEVER_CLOSED = frozenset({"br", "img", "hr", "input", "meta", "link", "wbr", "source", "embed"})
_ENTRIES = frozenset({"item", "entry"})
_END_OF_FEED = re.compile(r"</\s*(?:[\w.-]+:)?(?:rss|feed|rdf|channel)\s*>\s*\Z", re.IGNORECASE)
_CHARACTER = re.compile(r"&#(?:x([0-9a-f]{1,12})|([0-9]{1,12}));", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RawFeed:
    """An answer. `place` names it in errors; `charset` is what its header declares; `seconds` of work are given to it."""

    body: bytes
    place: str
    charset: str = ""
    seconds: int = CPU_SECONDS


@dataclass(frozen=True, slots=True)
class Entry:
    """`link`: its address, where that is not its `id`. `posted_at`: as ISO, made of `written_date`, or as written where it is no date of RFC 5322. `own_date`: it is not that of the last change.

    `cut`: the feed breaks off in this entry.
    """

    id: str
    title: str
    text: str
    author: str
    posted_at: str | None
    cut: bool = False
    link: str = ""
    own_date: bool = True
    written_date: str = ""


@dataclass(frozen=True, slots=True)
class Repaired:
    """The feed is no well-formed XML: it was read as well as that could be done."""

    why: str


def read_feed(feed: RawFeed) -> Iterator[Entry | Repaired]:
    """As `entries`, with a limit to the work and the memory that it takes (on Windows there is none)."""
    try:
        yield from ahead(_limited_entries, feed)
    except (WorkerGone, MemoryError):
        raise CollectError(
            f"{feed.place} can't be read as a feed: it takes more than {feed.seconds} seconds of work, or too much memory."
        ) from None


def _limited_entries(feed: RawFeed) -> Iterator[Entry | Repaired]:
    try:
        import resource
    except ImportError:  # Windows
        pass
    else:
        seconds = int(time.process_time()) + feed.seconds
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    yield from entries(feed)


def entries(feed: RawFeed) -> Iterator[Entry | Repaired]:
    """The entries in the order of the feed, before them `Repaired` where it had to be. `CollectError` where it is no feed."""
    import feedparser

    text = _CHARACTER.sub(_possible, _text(feed))
    _refuse_hostile(text, feed.place)
    try:
        parsed = feedparser.parse(
            io.BytesIO(b'<?xml version="1.0" encoding="utf-8"?>\n' + text.encode()),
            response_headers={"content-type": "application/xml"},
            sanitize_html=False,  # markup is taken out here, and the sanitizer is slow
            resolve_relative_uris=False,
        )
    except Exception as error:  # what feedparser raises of broken numbers and entities is not documented
        raise CollectError(f"{feed.place} can't be read as a feed: {type(error).__name__} in feedparser.") from None
    found = parsed["entries"]
    if not found and not parsed.get("version"):
        raise CollectError(f"{feed.place} is no feed that is known (RSS, Atom).")
    if parsed["bozo"]:
        yield Repaired(_why(parsed.get("bozo_exception")))
    last = found[-1] if found and _breaks_off(text) else None
    for each in found:
        yield _entry(each, cut=each is last)


def _text(feed: RawFeed) -> str:
    """The feed from its first element on."""
    body = feed.body.strip(b" \t\r\n")
    if not body.strip(b"\0"):
        raise CollectError(f"{feed.place} answers with nothing where a feed was due.")
    declared = [match[1].decode()] if (match := _DECLARED.search(body[:400])) else []
    wide = {b"<\0": "utf-16-le", b"\0<": "utf-16-be"}.get(feed.body[:2])
    text = feed.body.decode(wide, "replace") if wide else decode(feed.body, *declared, feed.charset)
    if text is None:
        raise CollectError(f"{feed.place} answers with something that is no text.")
    prolog, position = text[:_LONGEST_PROLOG], 0
    while match_ := _PROLOG.match(prolog, position):
        if _ENTITY_OF_ENTITIES.search(match_["definitions"] or ""):
            raise CollectError(
                f"{feed.place} defines entities by other entities, as feeds do that are made to break programs."
            )
        position = match_.end()
    element = _ELEMENT.match(text, position)
    name = element[1].lower() if element else ""
    if name in _ROOTS:
        return text[position:]
    if name in _PAGES or "<!doctype html" in prolog.lower():
        raise CollectError(
            f"{feed.place} answers with a web page where a feed was due. Is the address that of the feed? Login pages and bot checks are not passed."
        )
    what = f"it begins with <{name}>" if name else "it is no XML"
    raise CollectError(f"{feed.place} is no feed: {what}. Is the address that of the feed?")


def _possible(reference: re.Match[str]) -> str:
    """A reference to a character as it is, where there is such a character: others break the parsers."""
    number = int(reference[1], 16) if reference[1] else int(reference[2])
    allowed = (
        number in (9, 10, 13) or 32 <= number < 0xD800 or 0xE000 <= number < 0xFFFE or 0x10000 <= number < 0x110000
    )
    return reference[0] if allowed else ""


def _refuse_hostile(text: str, place: str) -> None:
    position = depth = count = 0
    while match := _MARKUP.search(text, position):
        position = match.end()
        if not match[2]:
            position = text.find(_ENDS[match[0]], position)
            if position < 0:
                return
            continue
        name = match[2].lower()
        if name in _ENTRIES and not match[1]:
            depth, count = 0, count + 1
        if name not in _NEVER_CLOSED and not match[3]:
            depth = max(0, depth + (-1 if match[1] else 1))
        if depth > _DEEPEST:
            raise CollectError(f"{place} is nested too deeply for a feed.")
        if count > _MOST_ENTRIES:
            raise CollectError(f"{place} has more than {_MOST_ENTRIES:,} entries, as no feed has.")


def _breaks_off(text: str) -> bool:
    """Whether the last entry is not closed."""
    if _END_OF_FEED.search(text[-200:]):
        return False
    tail = text.lower()
    return max(tail.rfind(f"<{name}") for name in _ENTRIES) > max(
        tail.rfind(f"{name}>") for name in ("/item", "/entry")
    )


def _why(error: object) -> str:
    said = getattr(error, "getMessage", lambda: type(error).__name__)()
    return str(said)[:100]


def _entry(entry: Any, cut: bool) -> Entry:
    # Of the dictionary itself: asked for what is missing, feedparser's own gives something else and warns.
    own_id, link = (str(dict.get(entry, name) or "").strip() for name in ("id", "link"))
    title = _shown(dict.get(entry, "title"), dict.get(entry, "title_detail"))
    pieces = [_shown(each.get("value"), each) for each in dict.get(entry, "content", [])]
    pieces.append(_shown(dict.get(entry, "summary"), dict.get(entry, "summary_detail")))
    dates = [
        (field, raw)
        for field in ("published", "updated", "created")
        if (raw := str(dict.get(entry, field) or "").strip())
    ]
    field, written = dates[0] if dates else ("", "")
    # What feedparser makes of "2026年3月2日" is some other day: what is no date of RFC 5322 intake reads.
    read = read_date(written)
    return Entry(
        id=own_id,
        title=" ".join(title.split()),
        text=next((piece for piece in pieces if piece), ""),
        author=" ".join(str(dict.get(entry, "author") or "").split()),
        posted_at=read or written or None,
        cut=cut,
        link="" if link == own_id else link,
        own_date=field != "updated",
        written_date=written if read else "",
    )


def _shown(value: object, detail: Any) -> str:
    text = value if isinstance(value, str) else ""
    plain = isinstance(detail, dict) and dict.get(detail, "type") == "text/plain"
    return text.strip() if plain else text_of_html(text)
