"""How an interface says where its next page is: `[sources.pages]` of a source."""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

import requests

from feedback.collectors.live.mapped import fields_near, is_there, table_of
from feedback.collectors.live.told_errors import ERROR_FIELDS, ToldError, ToldErrors
from feedback.collectors.live.web import Answer, Query, is_within
from feedback.collectors.objects import Object, getter, lists_in
from feedback.errors import CollectError
from nlp.settings_table import SettingsTable

KINDS = ("none", "page", "offset", "cursor", "link", "next")
MOST_PAGES = 100_000  # of one run; more are a loop
MOST_IDLE_PAGES = 100  # one after another that hold nothing, or what the one before held
PAGES_DOUBT = "Is [pages] right?"
_HALF = re.compile("[\ud800-\udfff]")
_CUT = (
    "{} says where its next page is with half a character ('{}'): the interface has cut what it says there, so that nobody can ask for that page. "
    "What came before is kept."
)
_YES = frozenset({"true", "1", "yes", "y", "t"})
_NO = frozenset({"false", "0", "no", "n", "f", "null", "none", ""})


@dataclass(frozen=True, slots=True)
class Pages:
    """As the settings say:

    - `type = "page"`, `parameter`, `first` (1); `type = "offset"`, `parameter`. Both end at an empty page: a short one may be as long as the interface allows.
    - `type = "cursor"`, `parameter`, `cursor`: where the answer holds the next cursor
    - `type = "next"`, `cursor`: where the answer holds the next address
    - `type = "link"`: the answer's `Link` header (RFC 8288)
    - for all of them `size_parameter` and `size`, how many records a page shall have; `more`: where the answer says whether there are more,
      `last`: where it says whether it is the last
    """

    kind: str
    parameter: str
    cursor: str
    first: int
    size_parameter: str
    size: int
    more: str
    last: str

    @classmethod
    def of(cls, settings: SettingsTable) -> "Pages":
        table = table_of(settings, "pages", 'type = "page", parameter = "page"')
        if table.data and "type" not in table.data:
            raise table.fault(
                "'type' is missing, which says how pages follow each other: {kinds}", kinds=", ".join(KINDS)
            )
        kind = table.one_of("type", KINDS, "none")
        known = {
            "none": set[str](),
            "page": {"parameter", "first"},
            "offset": {"parameter"},
            "cursor": {"parameter", "cursor"},
            "next": {"cursor"},
            "link": set[str](),
        }[kind]
        table.refuse_unknown({"type", "size_parameter", "size", "more", "last", *known})
        usual = {"page": "page", "offset": "offset", "cursor": "cursor"}.get(kind, "")
        return cls(
            kind=kind,
            parameter=table.string("parameter", usual),
            cursor=table.string("cursor") if "cursor" in known else "",
            first=int(table.within("first", 1, MOST_PAGES, whole=True)),
            size_parameter=table.string("size_parameter", ""),
            size=int(table.within("size", 0, MOST_PAGES, whole=True)),
            more=table.string("more", ""),
            last=table.string("last", ""),
        )

    def asked(self, url: str, query: Query, where: str | int | None) -> tuple[str, Query]:
        """The address and the parameters that ask for the page at `where`, a number where pages have one; None: for the first."""
        sized = {**query, **({self.size_parameter: self.size} if self.size_parameter and self.size else {})}
        if where is None:
            return url, sized
        return (str(where), {}) if self.kind in ("next", "link") else (url, {**sized, self.parameter: where})

    def parameter_doubt(self) -> str:
        if not self.parameter:
            return PAGES_DOUBT
        return f"It was asked for by '{self.parameter}': the interface may call that otherwise ([pages] parameter)."

    def end_doubt(self) -> str:
        if self.more or self.last:
            return PAGES_DOUBT
        return f"{PAGES_DOUBT} Where an answer tells whether there are more or it is the last, name that: [pages] more or last."

    def says_more(self, content: object) -> bool:
        """Whether an answer says that there are more pages, or there is nothing that says it.

        A number under `last` may be that of the last page: only one that can't mean anything else ends a list.
        """
        inside = content if isinstance(content, dict) else {}
        is_last = bool(self.last) and _word(getter(self.last)(inside)) in _YES
        return not is_last and (not self.more or _word(getter(self.more)(inside)) not in _NO)

    def after(self, answer: Answer, content: object, known: Collection[str]) -> str | None:
        """Where an answer says that the next page is; None: that it is the last. `known`: see `next_address`. `CollectError` where nobody can ask for it."""
        inside = content if isinstance(content, dict) else {}
        if not self.says_more(content):
            return None
        if self.kind in ("cursor", "next"):
            found = getter(self.cursor)(inside)
            if found in (None, "", False) or not isinstance(found, str | int):
                return None
            if _HALF.search(str(found)):
                raise CollectError(_CUT.format(answer.place, self.cursor))
            return str(found) if self.kind == "cursor" else next_address(answer.url, str(found), known)
        if self.kind == "link":
            links = requests.utils.parse_header_links(answer.headers.get("Link", ""))
            found = next((link["url"] for link in links if "next" in link.get("rel", "").lower().split()), None)
            return found and next_address(answer.url, found, known)
        return None


class RecordList:
    """The records of an answer; raises `CollectError` where it holds no list of them. `path` "": the answer is the list.

    `setting`: the key of the settings that says the path. `key` tells records apart. `no_errors`: see `ToldErrors`.
    """

    def __init__(
        self,
        path: str,
        where: str,
        setting: str = "",
        key: Callable[[object], str] = repr,
        no_errors: Collection[str] | None = None,
    ) -> None:
        self._path, self._where, self._setting, self.key = path, where, setting, key
        self._errors = ToldErrors(no_errors)
        self._is_known = False  # whether there were records where they are looked for

    def of(self, content: object) -> list[object]:
        there = getter(self._path)(content) if self._path and isinstance(content, dict) else content
        # An answer that is {} and nothing else is no list, as far as anybody knows.
        found = _list_in(there) if there or self._path or self._is_known else there
        is_records = isinstance(found, list) and bool(found)
        self._is_known |= is_records
        if isinstance(content, dict):
            around = list(self._around(content))
            if is_records:
                self._errors.stood_beside_records(content, around)
            else:
                self._refuse_errors(content, around, there)
        if found is None and isinstance(content, dict) and self._path and self._is_empty(content):
            return []
        if not isinstance(found, list):
            raise CollectError(f"{self._where}: {self._fault(content)}")
        return found

    def _refuse_errors(self, content: Object, around: list[Object], there: object) -> None:
        """Raises where an answer without records tells of an error; not where it has a list under another name."""
        others = [path for path in lists_in(content) if path.rpartition(".")[2].lower() not in ERROR_FIELDS]
        error = self._errors.find(content, around, there)
        if error and not others:
            raise ToldError(f"{self._where}: the answer tells of an error: {error}")

    def _around(self, content: Object) -> Iterator[Object]:
        """The objects in an answer that the list lies in."""
        for key in self._path.split(".")[:-1]:
            inner = content.get(key)
            if not isinstance(inner, dict):
                return
            yield (content := inner)

    def _is_empty(self, content: Object) -> bool:
        """Whether the list is there and holds nothing, or was left out of the object it would lie in, as empty fields are."""
        around = content.get(self._path.partition(".")[0])
        return is_there(content, self._path) or (isinstance(around, dict) and not lists_in(around))

    def _fault(self, content: object) -> str:
        keys = f" It has: {fields_near(content, self._path) or 'nothing'}." if isinstance(content, dict) else ""
        if not self._path:
            return f"the answer is no list: say where it is by 'records'. Has the interface changed?{keys}"
        if self._setting and isinstance(content, dict) and not is_there(content, self._path):
            return f"'{self._setting}' names '{self._path}', which the answer does not have.{keys}"
        return f"'{self._path}' of the answer is no list. Has the interface changed?{keys}"


def _word(value: object) -> str:
    """What a flag says, by whatever program it was written; of what is false or empty ""."""
    return str(value).strip().lower() if value else ""


def _list_in(found: object) -> object:
    """A list that was written as an object, as PHP and Lua write one that is empty, and PHP one of which some were taken out; all else as it is."""
    if isinstance(found, dict) and all(key.isdecimal() and isinstance(each, dict) for key, each in found.items()):
        return list(found.values())
    return found


def next_address(here: str, there: str, without: Collection[str] = ()) -> str:
    """The address of the next page as an answer names it, on the host that was asked: to another one a key might leak.

    Where encryption ends at a proxy, what is behind it names its own addresses without, or with the port that goes with that: those are asked
    for as the first one was. `without`: parameters that are left out of it, as they go with every request; an address is kept, and a key must not be.
    """
    try:
        found = urljoin(here, there)
        parts = urlsplit(found)
        at = urlsplit(here)
    except ValueError:
        raise CollectError(f"{urlsplit(here).hostname} names a next page that is no address.") from None
    if _is_behind(parts, at):
        parts = parts._replace(scheme=at.scheme, netloc=at.netloc)
        found = urlunsplit(parts)
    if not _is_there(found, here):
        raise CollectError(f"{at.hostname} names a next page on {parts.hostname}, which was not asked.")
    if not without:
        return found
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in without]
    return urlunsplit(parts._replace(query=urlencode(kept)))


def _is_behind(there: SplitResult, here: SplitResult) -> bool:
    """Whether an address is what a host that is asked with encryption calls itself behind its proxy."""
    try:
        port = there.port
    except ValueError:  # none
        return False
    usual = port in (None, 80, 443, here.port)
    return here.scheme == "https" and there.scheme in ("http", "https") and there.hostname == here.hostname and usual


def _is_there(there: str, here: str) -> bool:
    try:
        return is_within(there, here)
    except ValueError:  # a port that is none
        return False
