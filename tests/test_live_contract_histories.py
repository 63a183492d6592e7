"""Histories as they are drawn: things are said, edited, answered, deleted, with dates of all kinds, while runs come, are cut off, limited and asked
to begin later. After two runs more each collector has all that its world holds. `YUANSHENG_EXAMPLES=300 pytest …` draws more, and others each time."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import pytest
from contract import Shop
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from worlds import NOW, SECRET_VARIABLE, Said, edited, new_world, worlds

from feedback.errors import CollectError
from feedback.live import Wish

EXAMPLES = int(os.environ.get("YUANSHENG_EXAMPLES", "12"))
MOST_SAID = 60  # some interfaces show only their newest
LONGEST_AHEAD = timedelta(days=365)


@dataclass(frozen=True)
class Change:
    """Something that happens at a source. `place`: of what it happens to, among all that is there.

    `back`: how old the date of what is said is, as a part of how old it may be; -1: it lies in the future, -2: so does its last change.
    """

    what: str
    place: int = 0
    count: int = 1
    back: float = 0.0


@dataclass(frozen=True)
class Run:
    """One run: cut off after some pages, with something that happens after a page or before an answer."""

    until: int | None
    limit: int | None
    since_hours: int | None
    after_page: dict[int, Change]
    before_answer: dict[int, Change]


@dataclass
class History:
    """What happens at one source and in the project that collects from it, by one clock."""

    shop: Shop
    clock: datetime
    texts: Iterator[int] = field(default_factory=lambda: iter(range(10**6)))

    def earlier(self, one: Said, hours: float) -> Said:
        """One of what was there in the beginning, so many hours between one and the next."""
        at = self.clock - timedelta(hours=hours * (1 + len(self.shop.world.said) - one.number))
        return replace(one, posted_at=at, changed_at=at)

    def pass_by(self, hours: float) -> None:
        self.clock += timedelta(hours=hours, seconds=1)

    def change(self, change: Change) -> None:
        world = self.shop.world
        self.pass_by(0)
        one = world.said[change.place % len(world.said)] if world.said else None
        if change.what == "say" or one is None:
            self._say(change)
        elif change.what == "answer" and "replies" not in world.without and self._is_seen(one.posted_at):
            self._say(replace(change, count=1, back=0.0), to=one.to or one.number)
        elif change.what == "edit" and world.edits and self._is_seen(one.posted_at):
            world.said[world.said.index(one)] = edited(one, self._text("改了"), self.clock)
            world.publish()
        elif change.what == "remove":
            world.remove(one)
        elif change.what == "vanish":
            world.vanish(one)
        elif change.what == "forget":
            world.forget()

    def _say(self, change: Change, to: int | None = None) -> None:
        world = self.shop.world
        back = (world.seen_back or timedelta(days=300)) * max(0.0, change.back) * 0.9
        ahead = LONGEST_AHEAD if change.back < 0 else timedelta()
        for one in self.shop.next(min(change.count, MOST_SAID - len(world.said))):
            self.pass_by(0)
            posted, changed = self.clock - back + ahead, self.clock
            if change.back <= -2 and "future changes" not in world.without:
                changed += ahead
            self.shop.say(replace(one, text=self._text("说了"), posted_at=posted, changed_at=changed, to=to))

    def _is_seen(self, posted_at: datetime) -> bool:
        """Whether a later run looks that far back."""
        back = self.shop.world.seen_back
        return back is None or posted_at >= self.clock - back

    def _text(self, what: str) -> str:
        return f"{what}第{next(self.texts)}次：物流太慢了"

    def run(self, run: Run) -> None:
        def stored(page: int) -> None:
            self._meanwhile(run.after_page.get(page))
            if page == run.until:
                raise KeyboardInterrupt

        self.pass_by(0)
        answers = count(1)
        self.shop.asked = lambda: self._meanwhile(run.before_answer.get(next(answers)))
        since = None if run.since_hours is None else self.clock - timedelta(hours=run.since_hours)
        with suppress(KeyboardInterrupt, CollectError):  # places that run out in its middle may be told
            self.shop.walk(stored, Wish(since=since, limit=run.limit), self.clock)
        self.shop.asked = lambda: None

    def _meanwhile(self, change: Change | None) -> None:
        if change is None or (change.what in ("remove", "vanish") and "steady pages" in self.shop.world.without):
            return
        self.change(change)

    def run_to_end(self) -> None:
        self.pass_by(0)
        self.shop.walk(lambda _page: None, now=self.clock)


CHANGES = st.builds(
    Change,
    st.sampled_from(["say", "say", "answer", "edit", "edit", "remove", "vanish", "forget"]),
    st.integers(0, MOST_SAID),
    st.integers(1, 9),
    st.sampled_from([0.0, 0.0, 0.0, 0.2, 1.0, -1.0, -2.0]),
)
RUNS = st.builds(
    Run,
    st.none() | st.integers(1, 6),
    st.none() | st.integers(1, 12),
    st.none() | st.none() | st.integers(0, 1000),
    st.dictionaries(st.integers(1, 6), CHANGES, max_size=2),
    st.dictionaries(st.integers(1, 15), CHANGES, max_size=2),
)
BEGINNINGS = st.tuples(st.sampled_from([0.02, 40.0, 900.0]), st.sampled_from([0, 0, 3]))  # hours, overlap
PAUSES = st.sampled_from([0.01, 1.0, 30.0, 500.0])  # hours


@contextmanager
def opened(name: str) -> Iterator[Shop]:
    world = new_world(name)
    with TemporaryDirectory() as folder, Shop(Path(folder), world).opened() as shop:
        sizes = [patch(place, size) for place, size in world.page_sizes.items()]
        with patch.dict(os.environ, {SECRET_VARIABLE: world.secret or ""}):
            for each in sizes:
                each.start()
            try:
                yield shop
            finally:
                for each in sizes:
                    each.stop()


@pytest.mark.parametrize("name", worlds())
@settings(
    max_examples=EXAMPLES,
    derandomize="YUANSHENG_EXAMPLES" not in os.environ,
    database=None,
    report_multiple_bugs=False,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(steps=st.lists(CHANGES | RUNS | RUNS | PAUSES, min_size=2, max_size=12), begun=BEGINNINGS)
def test_whatever_happens_two_runs_later_all_is_there(
    name: str, steps: list[Change | Run | float], begun: tuple[float, int]
) -> None:
    with opened(name) as shop:
        hours, shop.world.overlap = begun
        history = History(shop, NOW)
        shop.world.said = [history.earlier(one, hours) for one in shop.world.said]
        shop.world.publish()
        for step in steps:
            if isinstance(step, Change):
                history.change(step)
            elif isinstance(step, Run):
                history.run(step)
            else:
                history.pass_by(step)
        history.run_to_end()
        history.run_to_end()
        if not shop.is_whole():
            note(str(shop.difference()))
        assert shop.is_whole()
