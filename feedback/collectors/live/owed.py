"""Conversations and tickets that a list names and that can't be read: the others are read all the same, and these again by later runs.

One that its server stumbles over for good must not keep the others from being stored, nor may one be lost because a server stumbled once.
Whose fault it is the list tells: where that does not answer either, or ten in a row can't be read, it is the source's, and the run ends
without moving its place to go on from.

What could not be read stands in the state, with when it failed first and last. It is asked for again after twice as long each time, for
30 days, in a single attempt and without waiting.

One that is not there (404) though the list names it has most likely been deleted, which is nobody's fault: it neither ends a run nor makes it
fail, however many they are. It may be there the next time, as servers behind one another come to know of things one after another, and so is
asked for again; in the third run it counts as deleted.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from feedback.collectors.base import Item, Record, Unreadable
from feedback.collectors.live import Page
from feedback.collectors.live.helpdesk import in_pages
from feedback.collectors.live.patience import Unreachable
from feedback.collectors.live.web import Refused
from feedback.errors import CollectError

MOST_OWED = 1000
MOST_IN_A_ROW = 10  # that fail
MOST_AGAIN = 10  # that fail once more in one run
GIVEN_UP_DAYS = 30
GONE_RUNS = 3  # in which it was not there
_GONE = "it is not there (404): was it deleted meanwhile?"
_ROW = "{count:,} {stream} in a row could not be read, though the list of them can: {error}"
_TOO_MANY = "{count:,} {stream} could not be read and are waited for; before one more is passed over: {error}"
_MISSING = (
    "not there (404) though the list names them: {count:,} of the {stream} (see: feedback rejects). They will be asked for again, "
    f"and count as deleted when they were not there in {GONE_RUNS} runs."
)
_AGAIN = "it could not be read and will be asked for again: {error}"
_SOME = "{count:,} of the {stream} could not be read (see: feedback rejects) and will be asked for again: {error}"

# What is in one of them. True: it is owed, to be asked for whole and without patience.
Read = Callable[[bool], Iterator[Item]]


class _Debt(NamedTuple):
    """When one could not be read first and last, in epoch seconds, and in how many runs because it was not there."""

    first: int
    last: int
    missed: int = 0


class Owed:
    """What earlier runs could not read of a stream, and this one can't. `reached` is the rest of the state, the collector's own, which is JSON but no object.

    `list_answers` asks for the list of them, and raises where the source does not answer any more.
    """

    def __init__(self, state: str | None, stream: str, now: datetime, list_answers: Callable[[], object]) -> None:
        kept = json.loads(state) if state else None
        mine = kept if isinstance(kept, dict) else {"reached": kept, "owed": []}
        self.reached = None if mine["reached"] is None else json.dumps(mine["reached"])
        self._left: dict[str, _Debt] = {key: _Debt(*debt) for key, *debt in mine["owed"]}
        self._stream, self._now, self._list_answers = stream, int(now.timestamp()), list_answers
        self._failed: dict[str, CollectError] = {}  # in this run
        self._missing: dict[str, str] = {}  # in this run, and what was told of each
        self._in_a_row, self._has_read = 0, False
        self._fault: CollectError | None = None

    def ask(self, key: str, read: Read) -> Iterator[Item]:
        """What `read` gives of the one with that id; of one that can't be read that it can't."""
        if self._fault is not None:
            return
        try:
            for item in read(key in self._left):
                self._has_read = self._has_read or isinstance(item, Record)
                yield item
        except CollectError as error:
            yield Unreadable(f"{self._stream}:{key}", self._pass_over(key, error))
        else:
            self._left.pop(key, None)
            self._in_a_row = 0

    def pages(self, walk: Iterator[Page], reader: Callable[[str], Read]) -> Iterator[Page]:
        """The pages of a walk, with what is owed in their states, and then what earlier runs owed; `reader` knows how to read the one with an id.

        Raises `CollectError` at the end where something could not be read.
        """
        reached = self.reached
        for page in walk:
            if self._fault is not None:
                yield replace(page, state=self._state(reached))
                raise self._fault
            reached = page.state or reached
            yield page if page.state is None else replace(page, state=self._state(reached))
        if due := self._due():
            for page in in_pages(self._again(due, reader), reached):
                yield page if page.state is None else replace(page, state=self._state(reached))
        if count := len(self._missing.keys() & self._left.keys()):
            yield Page([], self._state(reached), (_MISSING.format(count=count, stream=self._stream),))
        if self._failed:
            first = next(iter(self._failed.values()))
            raise CollectError(_SOME.format(count=len(self._failed), stream=self._stream, error=first))

    def _again(self, due: list[str], reader: Callable[[str], Read]) -> Iterator[Item]:
        enough = len(self._failed) + MOST_AGAIN
        for key in due:
            if len(self._failed) < enough:
                yield from self.ask(key, reader(key))

    def _pass_over(self, key: str, error: CollectError) -> str:
        """Remembers that it could not be read; gives the reason to tell. Raises where that is not its own fault."""
        if isinstance(error, Unreachable) and error.wait_seconds:
            raise error  # it asks everybody for patience
        is_new, before = key not in self._left, self._left.get(key, _Debt(self._now, self._now))
        if isinstance(error, Refused) and error.status == 404:
            return self._miss(key, before, error)
        if is_new:
            self._list_answers()
        self._failed[key] = error
        self._in_a_row += is_new
        failing = sum(not debt.missed for debt in self._left.values())
        if is_new and failing >= MOST_OWED:
            self._fault = CollectError(_TOO_MANY.format(count=failing, stream=self._stream, error=error))
            return str(error)
        if self._has_read and self._now - before.first > GIVEN_UP_DAYS * 86400:
            del self._left[key]
            return f"it could not be read for {GIVEN_UP_DAYS} days and is given up: {error}"
        self._left[key] = before._replace(last=self._now)
        if self._in_a_row >= MOST_IN_A_ROW:
            self._fault = CollectError(_ROW.format(count=self._in_a_row, stream=self._stream, error=error))
        return _AGAIN.format(error=error)

    def _miss(self, key: str, before: _Debt, error: CollectError) -> str:
        """As `_pass_over`, of one that is not there. The list need not be asked: it was read once more before one more miss counts."""
        if key in self._missing:
            return self._missing[key]
        debt = before._replace(last=self._now, missed=before.missed + 1)
        is_gone = debt.missed >= GONE_RUNS
        if is_gone:
            self._left.pop(key, None)
        else:
            self._left[key] = debt
        self._missing[key] = _GONE if is_gone else _AGAIN.format(error=error)
        return self._missing[key]

    def _due(self) -> list[str]:
        """What is to be asked for again now, the longest left alone first."""
        waiting = [
            (debt.last, key)
            for key, debt in self._left.items()
            if key not in self._failed and key not in self._missing and self._now - debt.last >= debt.last - debt.first
        ]
        return [key for _, key in sorted(waiting)]

    def _state(self, reached: str | None) -> str | None:
        if not self._left:
            return reached
        owed = [[key, *debt] for key, debt in self._left.items()]
        return json.dumps({"reached": json.loads(reached) if reached else None, "owed": owed})
