"""Sources as their interfaces speak, one module each: what the contract (`tests/test_live_contract.py`) asks every collector to hold in.

A module is named as its collector and has a class `World`. People and words in it are made up.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Protocol

from wire import Asked, Reply

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
SECRET = "sk-Very/Secret+0042"
SECRET_VARIABLE = "YUANSHENG_TEST_TOKEN"


@dataclass(frozen=True)
class Said:
    """One thing a customer said: what each world puts into its own form. `changed_at` moves when it is edited."""

    number: int
    text: str
    posted_at: datetime
    changed_at: datetime


class World(Protocol):
    """A source that holds what was `said`, and answers as its interface does.

    `edits`: whether an edited record is seen by a later run. `stored` gives the text that the store holds of each, by its id there.
    """

    collector: str
    edits: bool
    said: list[Said]

    def section(self, url: str) -> Mapping[str, object]:
        """The source's own settings, its address being `url`."""
        ...

    def answer(self, asked: Asked) -> Reply:
        """Refuses with 401 whoever does not bring SECRET, where the interface wants a key."""
        ...

    def stored(self) -> dict[str, str]: ...

    def saved(self) -> bytes:
        """An answer with everything in it, as somebody would save it."""
        ...


def said(count: int, first: int = 1) -> list[Said]:
    """So many things, a minute apart, the last a day before NOW."""
    texts = ("物流太慢了，等了{}天", "包装很结实，第{}次回购", "客服态度一般，排了{}分钟", "价格比上次贵了{}块")
    found = []
    for number in range(first, first + count):
        at = NOW - timedelta(days=1) - timedelta(minutes=count + first - number)
        found.append(Said(number, texts[number % len(texts)].format(number), at, at))
    return found


def edited(one: Said, text: str, at: datetime) -> Said:
    return replace(one, text=text, changed_at=at)


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def worlds() -> list[str]:
    return sorted(module.name for module in iter_modules([str(Path(__file__).parent)]))


def new_world(name: str) -> World:
    world: World = import_module(f"worlds.{name}").World()
    return world
