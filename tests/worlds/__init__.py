"""Sources as their interfaces speak, one module each: what the contract (`tests/test_live_contract.py`) asks every collector to hold in.

A module is named as its collector and has a class `World`. People and words in it are made up.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import ClassVar, Protocol, runtime_checkable

from wire import Asked, Reply, Wire, wire

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
SECRET = "sk-Very/Secret+0042"
SECRET_VARIABLE = "YUANSHENG_TEST_TOKEN"

Around = Callable[[], AbstractContextManager[object]]


@dataclass(frozen=True)
class Said:
    """One thing a customer said: what each world puts into its own form. `changed_at` moves when it is edited."""

    number: int
    text: str
    posted_at: datetime
    changed_at: datetime


class World(Protocol):
    """A source that holds what was `said`, and answers as its interface does. What it says of itself:

    `speaks`: by what it is asked. `secret`: what SECRET_VARIABLE has to hold, None where no key is wanted; known while it is served.
    `edits`: whether an edited record is seen by a later run. `breaks`: whether a connection can break off, and what comes of it:
    "asked again", "told" as an error, or None where there is none. `nonsense`: names of what it may say instead of an answer.
    `saved_as`: what somebody would call the file. `page_sizes`: constants of the product, by their place, that are set so
    that what was said is several pages.
    """

    collector: str
    speaks: str
    secret: str | None
    edits: bool
    breaks: str | None
    nonsense: tuple[str, ...]
    saved_as: str
    page_sizes: Mapping[str, int]
    said: list[Said]

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


class Interface:
    """What the worlds share that speak HTTP: they answer out of what was said at that moment, so that nothing has to be written."""

    speaks = "HTTP"
    secret: str | None = SECRET
    breaks: str | None = "asked again"
    saved_as = "answer.saved"
    page_sizes: Mapping[str, int] = {}
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

    def __init__(self) -> None:
        self.said: list[Said] = said(20)

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

    def publish(self) -> None:
        pass

    def section(self, url: str) -> Mapping[str, object]:
        raise NotImplementedError

    def stored(self) -> dict[str, str]:
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


def later(count: int, than: list[Said]) -> list[Said]:
    """So many things more, after all those."""
    after, first = max(one.changed_at for one in than), max(one.number for one in than) + 1
    moments = [after + timedelta(minutes=n) for n in range(1, count + 1)]
    return [
        replace(one, posted_at=at, changed_at=at) for one, at in zip(said(count, first=first), moments, strict=True)
    ]


def edited(one: Said, text: str, at: datetime) -> Said:
    return replace(one, text=text, changed_at=at)


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def worlds() -> list[str]:
    return sorted(module.name for module in iter_modules([str(Path(__file__).parent)]))


def kind_of(name: str) -> type[World]:
    found: type[World] = import_module(f"worlds.{name}").World
    return found


def new_world(name: str) -> World:
    return kind_of(name)()
