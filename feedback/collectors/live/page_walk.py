"""From page to page through a list, as `[sources.pages]` says they follow each other, and from where an earlier walk was cut off."""

import hashlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from feedback.collectors.live.access import Access
from feedback.collectors.live.mapped import fields_near, is_there
from feedback.collectors.live.numbered import moved_up
from feedback.collectors.live.paging import MOST_IDLE_PAGES, MOST_PAGES, Pages, RecordList
from feedback.collectors.live.told_errors import ToldError
from feedback.collectors.live.web import Answer, Query, Refused
from feedback.errors import CollectError

_BAD, _NO_SUCH = 400, 404
_MARKS = 5  # records, of the last page, by which a place is known again
_NEAR = 10  # pages in which they are looked for
_OUTAGE = "gives nothing where there were records just now. What came before is kept; run this again later."


def is_farther(place: str, than: str) -> bool:
    """Whether a walk that was gone on with at one place has come to another: of numbers to a greater one."""
    numbers = [each.partition(" ")[0] for each in (place, than)]
    if all(" " in each and number.isdigit() for each, number in zip((place, than), numbers, strict=True)):
        return int(numbers[0]) > int(numbers[1])
    return place != than


class PlaceLost(CollectError):
    """Where an earlier walk stopped is no longer to be found in the list."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A page: its records that no page before had, and from where the walk can be gone on with; `after` None: this was the last.

    `resumes`: whether that is known to be good. `shown`: how many records the page had, of an empty one those of the last before it.
    `doubt`, of the last page of a walk from the first: why there may be more. So it may be, where there is one page.
    """

    records: list[object]
    after: str | None
    resumes: bool = True
    shown: int = 0
    doubt: str | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """A list that is asked for page by page. `records` finds those of a page."""

    pages: Pages
    access: Access
    url: str
    query: Query
    records: RecordList

    def walk(self, start: str | None) -> Iterator[Fetched]:
        """Every page from `start` on, which an earlier page had as `after`; None: from the first. Raises `PlaceLost`."""
        if self.pages.kind == "page":
            return _ByPage(self, start).walk()
        return _by_offset(self, start) if self.pages.kind == "offset" else _linked(self, start)

    def ask(self, where: str | int | None) -> "_Shown":
        answer = self.access.get(*self.pages.asked(self.url, self.query, where))
        if answer.no_content:
            return _Shown(answer, None, [])
        content = answer.json()
        return _Shown(answer, content, self.records.of(content))

    def ask_again(self, where: int, found: list[object], *, empty: bool = False) -> list[object]:
        """The records of the page before the one that was `found`; raises where both hold nothing, unless it was `empty` before."""
        shown = self.ask(where)
        if not (found or shown.records or empty):
            raise CollectError(f"{shown.answer.place} {_OUTAGE}")
        return shown.records

    def too_many(self) -> CollectError:
        return CollectError(f"{self.url} has more than {MOST_PAGES:,} pages. Ask for more records a page.")


@dataclass(frozen=True, slots=True)
class _Shown:
    answer: Answer
    content: object
    records: list[object]


def _linked(listing: Listing, start: str | None) -> Iterator[Fetched]:
    """Pages of which each says where the next one is.

    One without records is the last where it leads back; where it leads on it may be one whose records were filtered out.
    """
    pages, where = listing.pages, start
    seen, idle, signs = set[str](), _Idle(pages), _Signs(pages)
    for _ in range(MOST_PAGES):
        shown = listing.ask(where)
        signs.look(shown)
        idle.see(shown)
        asked = where
        try:
            where = pages.after(shown.answer, shown.content, listing.access.parameters)
        except CollectError:  # its records are good all the same
            yield Fetched(shown.records, "", resumes=False, shown=len(shown.records))
            raise
        if not shown.records and (where == asked or where in seen):  # as a cursor does that marks the last record
            where = None
        if where in seen:
            place = shown.answer.place
            raise CollectError(f"{place} gives the same next page again and again. {pages.parameter_doubt()}")
        seen.add(where or "")
        doubt = signs.doubt() if where is None and start is None else None
        yield Fetched(shown.records, where, shown=len(shown.records), doubt=doubt)
        if where is None:
            return
    raise listing.too_many()


class _ByPage:
    """Pages that are asked for by their numbers. After each the one before is asked for once more: see `numbered`.

    A page without records, one that is refused and one that repeats the one before are beyond the end. After a full page that may have been a fault that
    passes, or as many new records above as a page has: then it is the end where the page after it says the same, and itself once more.
    """

    def __init__(self, listing: Listing, start: str | None) -> None:
        self._listing, self._pages = listing, listing.pages
        self._place = _Place(start, listing.records.key)
        self._first = listing.pages.first if self._place.number is None else self._place.number
        self._before: list[object] = []  # the records of the last page that had any
        self._longest = listing.pages.size
        self._read = 0  # pages
        self._in_doubt = False  # whether the page before was beyond the end, as it seems
        self._signs = _Signs(listing.pages)

    def walk(self) -> Iterator[Fetched]:
        number = self._first - 1
        for _ in range(MOST_PAGES):
            number += 1
            found, more = self._ask(number)
            is_beyond = self._is_beyond(found)
            if is_beyond and self._in_doubt and not self._is_beyond(self._ask(number - 1)[0]):
                self._in_doubt, number = False, number - 2  # the page in doubt is read now
                continue
            new = [] if is_beyond and self._in_doubt else self._moved_up(number, found)
            if not is_beyond:
                new += found
            self._place.see(found)
            over = not more or (is_beyond and (self._in_doubt or not self._is_full()))
            self._read += not is_beyond
            if over and is_beyond and found and self._read == 1 and self._is_full():
                self._signs.repeats()
            self._in_doubt, self._longest = is_beyond, max(self._longest, len(found))
            self._before = found or self._before
            shown = len(self._before)
            if over:
                self._place.refuse_if_lost()
                yield Fetched(new, None, shown=shown, doubt=self._signs.doubt() if self._place.number is None else None)
                return
            after = self._place.text(max(self._pages.first, number - 1), self._before)
            yield Fetched(new, after, resumes=self._place.is_met, shown=shown)
        raise self._listing.too_many()

    def _ask(self, number: int) -> tuple[list[object], bool]:
        """The records of a page, none where it is refused as the one after the last, and whether it says that there are more."""
        try:
            shown = self._listing.ask(number)
        except (Refused, ToldError) as error:
            if number == self._first or not self._is_end(error):
                raise
            return [], True
        self._signs.look(shown)
        return shown.records, self._pages.says_more(shown.content)

    def _is_end(self, error: CollectError) -> bool:
        """Whether an interface refuses a page because the one before was the last.

        With 404 it says so. With 400 it may as well say that it shows no more: then only where that page was not full.
        """
        status = error.status if isinstance(error, Refused) else None
        return self._in_doubt or status == _NO_SUCH or (status == _BAD and not self._is_full())

    def _is_full(self) -> bool:
        """Whether the last page that had records may be as long as pages are."""
        return len(self._before) >= max(1, self._longest)

    def _is_beyond(self, found: list[object]) -> bool:
        key = self._listing.records.key
        return not found or [key(each) for each in found] == [key(each) for each in self._before]

    def _moved_up(self, number: int, found: list[object]) -> list[object]:
        if number == self._first:
            return []
        try:
            again = self._listing.ask_again(number - 1, found, empty=self._in_doubt)
        except Refused:
            if not self._in_doubt:
                raise
            return []
        return moved_up(again, self._before, found, key=self._listing.records.key)


def _by_offset(listing: Listing, start: str | None) -> Iterator[Fetched]:
    """Pages that are asked for by how many records come before them: from a tenth before the end of the last one, as what is removed moves the rest up."""
    pages, key = listing.pages, listing.records.key
    place, idle, signs = _Place(start, key), _Idle(pages), _Signs(pages)
    number, back, before = place.number or 0, 0, list[object]()
    asked = last = number
    is_asked_again = False
    for _ in range(MOST_PAGES):
        shown = listing.ask(number - back)
        found = shown.records
        if not found and back and not is_asked_again:  # where there were records just now
            is_asked_again = True
            continue
        signs.look(shown)
        idle.see(shown)
        again, count = before[len(before) - back :], max(0, len(found) - back)
        new = [each for each in found[:back] if each not in again] + found[back:]
        if back and not any(each in again for each in found[:back]):  # by more than was asked for again
            new = moved_up(listing.ask_again(asked, found), before, found, key=key) + new
        last, asked, before, is_asked_again = asked, number - back, found, False
        number += count
        place.see(found)
        if not found or not pages.says_more(shown.content):
            place.refuse_if_lost()
            yield Fetched(new, None, shown=len(found), doubt=signs.doubt() if start is None else None)
            return
        yield Fetched(new, place.text(last, found), resumes=place.is_met, shown=len(found))
        back = _back(len(found)) if count else 0
    raise listing.too_many()


def _back(count: int) -> int:
    """How far before its end the page after one of so many records is asked for: what is removed meanwhile moves the rest up."""
    return max(1, count // 10) if count > 1 else 0


class _Place:
    """Where a walk by numbers was cut off: the number to begin with, of the page before the last, and marks of the last one's records.

    Meanwhile the list may have moved. Where most of those records are met again, all that was not read comes behind them; else nobody knows.
    """

    def __init__(self, text: str | None, key: Callable[[object], str]) -> None:
        self._key = key
        number, *marks = text.split() if text else [""]
        self.number = int(number) if number else None
        self._marks, self._met, self._pages = frozenset(marks), set[str](), 0

    @property
    def is_met(self) -> bool:
        return 2 * len(self._met) >= len(self._marks)

    def see(self, records: Collection[object]) -> None:
        """Takes in the records of a page; raises `PlaceLost` when there have been too many without the marks."""
        if self.is_met:
            return
        self._met |= self._marks & {self._mark(each) for each in records}
        self._pages += 1
        if self._pages == _NEAR:
            self.refuse_if_lost()

    def refuse_if_lost(self) -> None:
        if not self.is_met:
            raise PlaceLost("what the last run had read is not where it was")

    def text(self, number: int, records: list[object]) -> str:
        return " ".join([str(number), *map(self._mark, records[-_MARKS:])])

    def _mark(self, record: object) -> str:
        return hashlib.blake2b(self._key(record).encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()


class _Idle:
    """Counts the pages, one after another, that hold nothing, or what the one before held."""

    def __init__(self, pages: Pages) -> None:
        self._pages, self._before, self._count = pages, list[object](), 0

    def see(self, shown: _Shown) -> None:
        """Raises `CollectError` when it is enough."""
        found = shown.records
        self._count = self._count + 1 if not found or found == self._before else 0
        self._before = found
        if self._count > MOST_IDLE_PAGES:
            doubt = self._pages.parameter_doubt() if found else self._pages.end_doubt()
            raise CollectError(f"{shown.answer.place} gives page after page with nothing new in it. {doubt}")


class _Signs:
    """Looks in every answer of a walk for what says where the next page is."""

    def __init__(self, pages: Pages) -> None:
        named = {"cursor": pages.cursor, "more": pages.more, "last": pages.last}
        self._missing = {name: path for name, path in named.items() if path}
        self._lacks_link = pages.kind == "link"
        self._pages, self._repeats = pages, False
        self._has = ""

    def look(self, shown: _Shown) -> None:
        content = shown.content
        inside = content if isinstance(content, dict) else {}
        self._missing = {name: path for name, path in self._missing.items() if not is_there(inside, path)}
        self._lacks_link = self._lacks_link and "Link" not in shown.answer.headers
        if self._missing:
            names = fields_near(inside, next(iter(self._missing.values())))
            self._has = f"It has: {names}." if isinstance(content, dict) else "It has no names: it is a list."

    def repeats(self) -> None:
        """The second page is as the first one was."""
        self._repeats = True

    def doubt(self) -> str | None:
        """What was in none of the answers."""
        if_more = "if there are more pages than one, [pages]"
        if self._repeats:
            return f"the second page was the first one again: {if_more} parameter is not what the interface calls '{self._pages.parameter}'."
        if self._lacks_link:
            return f'no answer had a Link header: {if_more} type = "link" is not how they are found.'
        if not self._missing:
            return None
        name, path = next(iter(self._missing.items()))
        return f"'{path}' was in no answer: {if_more} {name} names the wrong field. {self._has}"
