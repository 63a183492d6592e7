"""Sources as their interfaces speak, one module each: what the contract (`tests/test_live_contract.py`) asks every collector to hold in.

A module is named as its collector and has a class `World`. People and words in it are made up.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import ClassVar, Literal, Protocol, TypeVar, runtime_checkable

from wire import Asked, Reply, Wire, wire

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
SECRET = "sk-Very/Secret+0042"
SECRET_VARIABLE = "YUANSHENG_TEST_TOKEN"

Lack = Literal["cursors", "lasting cursors", "replies", "future changes", "steady pages"]
Kind = TypeVar("Kind")
Around = Callable[[], AbstractContextManager[object]]


@dataclass(frozen=True)
class Said:
    """One thing a customer said: what each world puts into its own form. `changed_at` moves when it is edited.

    `to`: the number of what it was added to later, in the same conversation or as a review of the same order (追评).
    """

    number: int
    text: str
    posted_at: datetime
    changed_at: datetime
    to: int | None = None


class World(Protocol):
    """A source that holds what was `said`, and answers as its interface does. What it says of itself:

    `speaks`: by what it is asked. `secret`: what SECRET_VARIABLE has to hold, None where no key is wanted; known while it is served.
    `edits`: whether an edited record is seen by a later run. `without`: what else there is nothing of, and why. `seen_back`: how
    much older than the newest what is new or edited may be for a later run to see it, None: however old. `tells_of_deletions`: else they stay.
    `breaks`: whether a connection can break off, and what comes of it: "asked again", "told" as an error, or None where there is none.
    `nonsense`: names of what it may say instead of an answer. `saved_as`: what somebody would call the file. `page_sizes`: constants
    of the product, by their place, that are set so that what was said is several pages.

    How it is, to be set before it is asked: `overlap`: each page shows so many records of the one before again; where nothing is
    asked for page by page, all of them come twice. `scrambled`: what it lists is not in the order it should be.
    What became of it: `kept`: by id the texts that are gone here and may stay in the store. `unknown`: how often it was
    asked for something by a cursor that it had forgotten.
    """

    collector: str
    speaks: str
    secret: str | None
    edits: bool
    without: Mapping[Lack, str]
    seen_back: timedelta | None
    tells_of_deletions: bool
    breaks: str | None
    nonsense: tuple[str, ...]
    saved_as: str
    page_sizes: ClassVar[Mapping[str, int]]
    said: list[Said]
    overlap: int
    scrambled: bool
    kept: dict[str, str]
    unknown: int

    def served(self, folder: Path, around: Around = nullcontext) -> AbstractContextManager[str]:
        """It can be asked; gives its address. What it has to write goes into `folder`. It enters `around` for every answer."""
        ...

    def publish(self) -> None:
        """Writes down what was said until now. Needed only where nobody asks the world itself, but something that it has written."""
        ...

    def section(self, url: str) -> Mapping[str, object]:
        """The source's own settings, its address being `url`."""
        ...

    def stored(self) -> dict[str, str]:
        """The text that the store has of each, by its id there."""
        ...

    def saved(self) -> bytes:
        """An answer with everything in it, as somebody would save it."""
        ...

    def remove(self, one: Said) -> None:
        """Deletes it as people do there, with all that goes with it, and tells of it where that is usual."""
        ...

    def vanish(self, one: Said) -> None:
        """It is gone without a word, with all that goes with it."""
        ...

    def forget(self) -> None:
        """Knows no longer the cursors that it has given; how far somebody has come, where that is no cursor, is still good."""
        ...

    def break_off(self) -> None:
        """The next answer ends in its middle."""
        ...

    def talk(self, nonsense: str) -> None:
        """From now on it says this instead of answers."""
        ...

    def refuse(self, words: str) -> None:
        """From now on it lets nobody in, and says these words."""
        ...


@runtime_checkable
class Piped(Protocol):
    """A world that is not asked: a tap, which is given a state and writes into a pipe."""

    def sent(self, state: str) -> Iterator[bytes]:
        """What it writes, piece by piece, each as of the moment when it is taken."""
        ...


class Source:
    """What most worlds share."""

    without: Mapping[Lack, str] = {}
    seen_back: timedelta | None = None
    tells_of_deletions = False
    page_sizes: ClassVar[Mapping[str, int]] = {}

    def __init__(self) -> None:
        self.said: list[Said] = said(20)
        self.overlap = 0
        self.scrambled = False
        self.kept: dict[str, str] = {}
        self.unknown = 0
        self._given: set[str] = set()  # cursors
        self._forgotten: set[str] = set()

    def stored(self) -> dict[str, str]:
        raise NotImplementedError

    def publish(self) -> None:
        pass

    def remove(self, one: Said) -> None:
        self.vanish(one)

    def vanish(self, one: Said) -> None:
        self.drop(one)

    def drop(self, *gone: Said) -> None:
        """Holds these no longer; in the store they may stay."""
        before = self.stored()
        self.said = [each for each in self.said if each not in gone]
        after = self.stored()
        self.kept |= {source_id: text for source_id, text in before.items() if source_id not in after}
        self.publish()

    def forget(self) -> None:
        self._forgotten |= self._given

    def cursor(self, cursor: str) -> str:
        """It is given to somebody, and so known until it is forgotten."""
        self._given.add(cursor)
        self._forgotten.discard(cursor)
        return cursor

    def knows(self, cursor: str) -> bool:
        self.unknown += cursor in self._forgotten
        return cursor not in self._forgotten

    def arranged(self, rows: list[Said]) -> list[Said]:
        """Rows as they are listed: in their order or, where that is `scrambled`, each five the wrong way round."""
        if not self.scrambled:
            return rows
        return [each for start in range(0, len(rows), 5) for each in reversed(rows[start : start + 5])]

    def page(self, rows: Sequence[Kind], start: int, size: int) -> list[Kind]:
        """The page that begins at `start`, with what it shows again of the one before."""
        return list(rows[max(0, start - self.overlap) : start + size])


class Interface(Source):
    """What the worlds share that speak HTTP: they answer out of what was said at that moment, so that nothing has to be written."""

    speaks = "HTTP"
    secret: str | None = SECRET
    breaks: str | None = "asked again"
    saved_as = "answer.saved"
    collector: str
    edits: bool
    _NONSENSE: ClassVar[Mapping[str, Reply]] = {
        "a login page": Reply("<!doctype html><title>请登录</title>".encode(), headers={"Content-Type": "text/html"}),
        "nothing": Reply(b""),
        "half of it": Reply(b'{"data": [1, 2'),
        "another shape": Reply({"unexpected": {"version": 3}}),
        "a number": Reply(b"42"),
        "too deep": Reply(b"[" * 100_000 + b"]" * 100_000),
        "another site": Reply(b"", 302, {"Location": "https://login.example.com/sso?next=/"}),
    }
    nonsense = tuple(_NONSENSE)
    web: Wire

    def answer(self, asked: Asked) -> Reply:
        """Refuses with 401 whoever does not bring SECRET, where the interface wants a key."""
        raise NotImplementedError

    @contextmanager
    def served(self, folder: Path, around: Around = nullcontext) -> Iterator[str]:  # noqa: ARG002
        def answer(asked: Asked) -> Reply:
            with around():
                return self.answer(asked)

        with wire(answer) as self.web:
            yield self.web.url

    def section(self, url: str) -> Mapping[str, object]:
        raise NotImplementedError

    def saved(self) -> bytes:
        raise NotImplementedError

    def break_off(self) -> None:
        self.web.faults = [Reply({"data": "x" * 5000}, cut=700)]

    def talk(self, nonsense: str) -> None:
        self.web.answer = lambda _asked: self._NONSENSE[nonsense]

    def refuse(self, words: str) -> None:
        self.web.answer = lambda asked: Reply({"error": f"{words} {asked.headers}"}, 403)


def said(count: int, first: int = 1) -> list[Said]:
    """So many things, a minute apart, the last a day before NOW."""
    texts = ("物流太慢了，等了{}天", "包装很结实，第{}次回购", "客服态度一般，排了{}分钟", "价格比上次贵了{}块")
    found = []
    for number in range(first, first + count):
        at = NOW - timedelta(days=1) - timedelta(minutes=count + first - number)
        found.append(Said(number, texts[number % len(texts)].format(number), at, at))
    return found


def later(count: int, after: Said) -> list[Said]:
    """So many things more, after that one."""
    moments = [after.changed_at + timedelta(minutes=n) for n in range(1, count + 1)]
    more = said(count, first=after.number + 1)
    return [replace(one, posted_at=at, changed_at=at) for one, at in zip(more, moments, strict=True)]


def edited(one: Said, text: str, at: datetime) -> Said:
    return replace(one, text=text, changed_at=at)


@lru_cache(maxsize=10_000)  # worlds sort by it at every question
def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def worlds() -> list[str]:
    return sorted(module.name for module in iter_modules([str(Path(__file__).parent)]))


def kind_of(name: str) -> type[World]:
    found: type[World] = import_module(f"worlds.{name}").World
    return found


def new_world(name: str) -> World:
    return kind_of(name)()
