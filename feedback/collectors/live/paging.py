"""How an interface says where its next page is: `[sources.pages]` of a source."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

import requests

from feedback.collectors.live.access import Access
from feedback.collectors.live.web import Answer, Query, is_within
from feedback.collectors.objects import getter
from feedback.errors import CollectError
from nlp.settings_table import SettingsTable

KINDS = ("none", "page", "offset", "cursor", "link", "next")
MOST_PAGES = 100_000  # of one run; more are a loop
MOST_IDLE_PAGES = 100  # one after another that hold nothing, or what the one before held


@dataclass(frozen=True, slots=True)
class Fetched:
    """A page: what it holds, and where the one after it is; `after` None: this was the last.

    `resumes` says that `after` means the same at the next run: a cursor or an address does, the number of a page does not.
    """

    answer: Answer
    content: object
    after: str | None
    resumes: bool


@dataclass(frozen=True, slots=True)
class Pages:
    """As the settings say:

    - `type = "page"`, `parameter`, `first` (1); `type = "offset"`, `parameter`. Both end at an empty page: a short one may be as long as the interface allows.
    - `type = "cursor"`, `parameter`, `cursor`: where the answer holds the next cursor
    - `type = "next"`, `cursor`: where the answer holds the next address
    - `type = "link"`: the answer's `Link` header (RFC 8288)
    - for all of them `size_parameter` and `size`, how many records a page shall have; `more`: where the answer says whether there are more
    """

    kind: str
    parameter: str
    cursor: str
    first: int
    size_parameter: str
    size: int
    more: str

    @classmethod
    def of(cls, settings: SettingsTable) -> "Pages":
        table = settings.table("pages")
        kind = table.one_of("type", KINDS, "none")
        known = {
            "none": set[str](),
            "page": {"parameter", "first"},
            "offset": {"parameter"},
            "cursor": {"parameter", "cursor"},
            "next": {"cursor"},
            "link": set[str](),
        }[kind]
        table.refuse_unknown({"type", "size_parameter", "size", "more", *known})
        usual = {"page": "page", "offset": "offset", "cursor": "cursor"}.get(kind, "")
        return cls(
            kind=kind,
            parameter=table.string("parameter", usual),
            cursor=table.string("cursor") if "cursor" in known else "",
            first=int(table.number("first", 1)),
            size_parameter=table.string("size_parameter", ""),
            size=int(table.number("size", 0)),
            more=table.string("more", ""),
        )

    def walk(
        self, access: Access, url: str, query: Query, records: "RecordList", start: str | None
    ) -> Iterator[Fetched]:
        """Every page from `start` on, which an earlier page had as `after`; None: from the first. `records` finds those of a page."""
        sized = {**query, **({self.size_parameter: self.size} if self.size_parameter and self.size else {})}
        where, seen = start, set[str]()
        idle, before = 0, list[object]()
        number = self.first if self.kind == "page" else 0
        for _ in range(MOST_PAGES):
            at, asked = url, dict(sized)
            if self.kind in ("page", "offset"):
                asked[self.parameter] = number
            elif where is not None and self.kind == "cursor":
                asked[self.parameter] = where
            elif where is not None:
                at, asked = where, {}
            answer = access.web.get(at, asked, access.headers())
            content = answer.json()
            found = records.of(content)
            count = len(found)
            idle, before = (idle + 1 if not found or found == before else 0), found
            if idle > MOST_IDLE_PAGES:
                raise CollectError(f"{answer.place} gives page after page with nothing new in it. Is [pages] right?")
            number += count if self.kind == "offset" else 1
            where = self._after(answer, content, count, number, access.parameters)
            if where is not None and where in seen:
                raise CollectError(f"{answer.place} gives the same next page again and again. Is [pages] right?")
            seen.add(where or "")
            yield Fetched(answer, content, where, self.kind in ("cursor", "next", "link"))
            if where is None:
                return
        raise CollectError(f"{url} has more than {MOST_PAGES:,} pages. Ask for more records a page.")

    def _after(self, answer: Answer, content: object, count: int, number: int, known: Collection[str]) -> str | None:
        inside = content if isinstance(content, dict) else {}
        if self.more and not getter(self.more)(inside):
            return None
        if self.kind in ("page", "offset"):
            return str(number) if count else None
        if self.kind in ("cursor", "next"):
            found = getter(self.cursor)(inside)
            if found in (None, "", False) or not isinstance(found, str | int):
                return None
            return str(found) if self.kind == "cursor" else next_address(answer.url, str(found), known)
        if self.kind == "link":
            links = requests.utils.parse_header_links(answer.headers.get("Link", ""))
            found = next((link["url"] for link in links if link.get("rel") == "next"), None)
            return found and next_address(answer.url, found, known)
        return None


class RecordList:
    """The records of an answer; raises `CollectError` where it holds no list of them. `path` "": the answer is the list."""

    def __init__(self, path: str, where: str) -> None:
        self._path, self._where = path, where

    def of(self, content: object) -> list[object]:
        found = getter(self._path)(content) if self._path and isinstance(content, dict) else content
        if found is None and isinstance(content, dict) and self._path.partition(".")[0] in content:
            return []  # the list is there and holds nothing
        if not isinstance(found, list):
            what = (
                f"'{self._path}' of the answer is no list"
                if self._path
                else "the answer is no list: say where it is by 'records'"
            )
            keys = f" It has: {', '.join(map(str, content))[:200]}." if isinstance(content, dict) else ""
            raise CollectError(f"{self._where}: {what}. Has the interface changed?{keys}")
        return found


def next_address(here: str, there: str, without: Collection[str] = ()) -> str:
    """The address of the next page as an answer names it, on the host that was asked: to another one a key might leak.

    `without`: parameters that are left out of it, as they go with every request; an address is kept, and a key must not be.
    """
    try:
        found = urljoin(here, there)
        parts = urlsplit(found)
    except ValueError:
        raise CollectError(f"{urlsplit(here).hostname} names a next page that is no address.") from None
    if not _is_there(found, here):
        raise CollectError(f"{urlsplit(here).hostname} names a next page on {parts.hostname}, which was not asked.")
    if not without:
        return found
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in without]
    return urlunsplit(parts._replace(query=urlencode(kept)))


def _is_there(there: str, here: str) -> bool:
    try:
        return is_within(there, here)
    except ValueError:  # a port that is none
        return False
