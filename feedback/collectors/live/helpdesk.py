"""What the collectors of help desks share: reading answers whose fields may be anything, and pages that stay small."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from feedback.collectors.base import Item
from feedback.collectors.live import Page, Visit
from feedback.collectors.live.json_body import TooLarge
from feedback.collectors.live.paging import MOST_IDLE_PAGES
from feedback.collectors.live.web import Answer
from feedback.collectors.objects import Object
from feedback.errors import CollectError
from nlp.settings_table import quoted

PAGE_ITEMS = 500
NOTHING_OF_ITS_OWN = "it holds nothing but an earlier mail or a signature"
CHANGED = "The interface may have changed."
_MOST_COUNTED = 10**15  # the store holds a few thousand times as many
_YEAR_9999 = 253_402_300_800


def chosen_streams(visit: Visit, known: tuple[str, ...]) -> list[str]:
    """The streams that the source's `streams` names, in the order of `known`; all of them where it names none."""
    settings = visit.settings
    chosen = settings.strings("streams")
    if unknown := sorted(set(chosen) - set(known)):
        raise settings.fault(
            "unknown {value} in 'streams'. Known: {known}", value=quoted(unknown[0]), known=", ".join(known)
        )
    return [each for each in known if not chosen or each in chosen]


def header_secret(visit: Visit, key: str) -> str:
    """A secret that goes into a header as it is; raises `CollectError` where no header could hold it."""
    secret = visit.secret(key)
    if not (secret.isascii() and secret.isprintable()):
        where = visit.settings.where
        raise CollectError(f"{where}: '{key}' holds characters that no token has. Was something else pasted?")
    return secret


def in_pages(items: Iterable[Item], state: str | None, notes: tuple[str, ...] = ()) -> Iterator[Page]:
    """Pages of at most 500 items; the last one, which may be empty, has the state and the notes."""
    page: list[Item] = []
    for item in items:
        if len(page) == PAGE_ITEMS:
            yield Page(page, None)
            page = []
        page.append(item)
    yield Page(page, state, notes)


def as_many_as_fit(ask: Callable[[int], Answer], size: int) -> tuple[Answer, object, int]:
    """An answer of so many records, or of a tenth as long as it is too large; what it holds, and of how many it is."""
    while True:
        try:
            answer = ask(size)
            return answer, answer.json(), size
        except TooLarge:
            if size == 1:
                raise
            size = max(1, size // 10)


@dataclass(slots=True)
class IdlePages:
    """Ends a walk from page to page that finds nothing more; a page or two may be empty, or come twice."""

    before: list[object] = field(default_factory=list)
    count: int = 0

    def see(self, found: list[object], place: str) -> None:
        """Raises `CollectError` after a hundred pages that hold nothing, or what the one before held."""
        self.count = self.count + 1 if not found or found == self.before else 0
        self.before = found
        if self.count > MOST_IDLE_PAGES:
            raise CollectError(f"{place} gives page after page with nothing new in it. {CHANGED}")


def listed(content: object, place: str, *keys: str) -> list[object]:
    """The list at these keys of an answer, the answer itself where there are none; raises `CollectError` where no list is."""
    found = at(content, *keys)
    if isinstance(found, list):
        return found
    what = f"without the list '{'.'.join(keys)}'" if keys else "with something that is no list"
    raise CollectError(f"{place} answers {what}. {CHANGED}")


def at(value: object, *keys: str) -> object:
    """What lies at these keys, one inside the other; None where it is not there."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def object_at(value: object, *keys: str) -> Object:
    """The object at these keys; an empty one where it is not there."""
    found = at(value, *keys)
    return found if isinstance(found, dict) else {}


def words_at(value: object, *keys: str) -> str:
    """The text at these keys, without blanks around it; an empty one where it is not there."""
    found = at(value, *keys)
    return found.strip() if isinstance(found, str) else ""


def count_at(value: object, *keys: str) -> int | None:
    """The number at these keys, of things that can be counted or in a row; None where none is there."""
    found = at(value, *keys)
    return found if type(found) is int and 0 <= found <= _MOST_COUNTED else None


def turn_of(number: str | None) -> int | None:
    """An id that rises, as a place among what was said; None where it is none."""
    return int(number) if number and number.isdecimal() and len(number) < len(str(_MOST_COUNTED)) else None


def id_at(value: object, *keys: str) -> str | None:
    """The number or name at these keys as text; None where it is not there."""
    found = at(value, *keys)
    return (str(found) or None) if isinstance(found, str | int) and not isinstance(found, bool) else None


def seconds_at(value: object, *keys: str) -> int | None:
    """The moment at these keys as epoch seconds, be it written so or in ISO 8601 with its zone; None where none is there."""
    found = at(value, *keys)
    if isinstance(found, int | float) and not isinstance(found, bool):
        return int(found) if abs(found) < _YEAR_9999 else None  # which NaN is not
    try:
        moment = datetime.fromisoformat(str(found))
    except ValueError:
        return None
    return int(moment.timestamp()) if moment.tzinfo else None
