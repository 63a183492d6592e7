"""The way through a folder: on from the last number that was read, and back to the mails that did not come.

- A mail that is there and does not come is left behind where a later one comes, or where it is the only one and the server blames nothing but it.
  It is asked for again in later runs, and rejected when it did not come on five days on which the server blamed nothing else.
- Where a whole batch does not come, or the connection breaks off over mail after mail, the newest mail of the folder tells whether a later one comes:
  once for each batch. Where it does, the line is good, and the rest of the batch is asked for without patience.
- Everything else that does not come is the server's, and ends the run: nothing is passed over.
- Numbers that mean other mails than before are all read again: where UIDVALIDITY says so, and where a number that was read is given again.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice

from feedback.collectors.base import Item
from feedback.collectors.imap_batch import Arrived, NotTaken, Refused, mails, mark_at, mark_of
from feedback.collectors.live import Page
from feedback.collectors.live.mailbox import ATTEMPTS, Mailbox

BATCH = 50
_MOST_DAYS = 5
_MOST_BROKEN = 3  # mails, one after the other, over which the connection breaks off
_MOST_REFUSED = 10  # of those that were left behind, one after the other, in one run
_MOST_WITHHELD = 2 * BATCH  # that can be those mails' own fault, in whole batches
_MOST_NAMED = 5
_ANEW = "the server has numbered the mails anew"
_AGAIN = "the server gives numbers to mails that others had before, as one does that was restored from a backup"
_ALL_AGAIN = "{}: {}: all are read again, and none is stored twice"
_WITHHELD = "{}: the server does not give out {} that {} there (number {}): asked for again the next time"
_GIVEN_UP = "the server did not give it out, asked on {} days: {}"


@dataclass(frozen=True, slots=True)
class Reached:
    """How a folder numbers its mails (0: not known yet), the last number that was read, and the mark of its mail ("": not known).

    `withheld`: the numbers of the mails that were left behind; of each, on how many days it was asked for, and on which the last time.
    """

    validity: int = 0
    uid: int = 0
    mark: str = ""
    withheld: Mapping[int, tuple[int, str]] = field(default_factory=dict)

    @classmethod
    def read(cls, state: str | None) -> "Reached":
        validity, uid, *more = json.loads(state) if state else (0, 0)
        mark, withheld = more or ("", [])
        return cls(validity, uid, mark, {number: (days, last) for number, days, last in withheld})

    def text(self) -> str:
        return json.dumps([self.validity, self.uid, self.mark, [[uid, *asked] for uid, asked in self.withheld.items()]])

    def leaving(self, refused: Sequence[Refused], today: str) -> "Reached":
        left = {each.uid: (0 if each.is_for_now else 1, today) for each in refused}
        return replace(self, withheld={**self.withheld, **left})

    def without(self, uid: int) -> "Reached":
        return replace(self, withheld={number: asked for number, asked in self.withheld.items() if number != uid})


class Walk:
    """Through one folder, from `reached` on, which goes along. `read`: what becomes of mails."""

    def __init__(
        self,
        mailbox: Mailbox,
        stream: str,
        reached: Reached,
        read: Callable[[Iterable[Arrived | NotTaken]], Iterator[Item]],
        now: datetime,
    ) -> None:
        self._mailbox, self._stream, self._read = mailbox, stream, read
        self._today = now.date().isoformat()
        self._mailbox.attempts = ATTEMPTS
        self.reached = reached

    def pages(self, since: datetime | None) -> Iterator[Page]:
        """All have a state."""
        if why := self._why_anew():
            self.reached = Reached(self._mailbox.validity)
            yield self._page([], _ALL_AGAIN.format(self._stream, why))
        self.reached = replace(self.reached, validity=self._mailbox.validity)
        yield from self._left_behind()
        uids = self._mailbox.uids(self.reached.uid, since)
        while batch := list(islice(uids, BATCH)):
            yield from self._batch(batch)
        if left := sorted(self.reached.withheld):
            named = ", ".join(map(str, left[:_MOST_NAMED])) + (", …" if len(left) > _MOST_NAMED else "")
            count = "1 mail" if len(left) == 1 else f"{len(left):,} mails"
            yield self._page([], _WITHHELD.format(self._stream, count, "is" if len(left) == 1 else "are", named))

    def _why_anew(self) -> str | None:
        reached, mailbox = self.reached, self._mailbox
        if reached.validity not in (0, mailbox.validity):
            return _ANEW
        # Where numbers are given again, that one has no mail, or another one if as many came since.
        mark = mark_at(mailbox, reached.uid) if reached.mark else ""
        given_again = mark != reached.mark if mark else 0 < mailbox.next_uid <= reached.uid
        return _AGAIN if given_again else None

    def _batch(self, uids: Sequence[int]) -> Iterator[Page]:
        refused, broken, later_come = list[Refused](), 0, False  # since the last one that came
        for found in mails(self._mailbox, uids):
            came = list[Arrived | NotTaken]()
            for each in found:
                if isinstance(each, Refused):
                    refused.append(each)
                    broken += each.is_broken_off
                else:
                    came.append(each)
            if came:
                last = came[-1]
                mark = mark_of(last.head) if isinstance(last, Arrived) else ""
                self.reached = replace(self.reached.leaving(refused, self._today), uid=last.uid, mark=mark)
                refused, broken = [], 0
                yield self._page(came)
            if broken == _MOST_BROKEN and not later_come:
                self._refuse_unless_later_come(refused)
                later_come, self._mailbox.attempts = True, 1  # it is not the line
        self._mailbox.attempts = ATTEMPTS
        if refused:
            if any(each.is_for_now for each in refused):
                raise refused[-1].error
            if len(refused) == len(uids) > 1 or broken:
                self._refuse_unless_later_come(refused, later_come)
            self.reached = replace(self.reached.leaving(refused, self._today), uid=uids[-1], mark="")
            yield self._page([])

    def _refuse_unless_later_come(self, refused: Sequence[Refused], later_come: bool = False) -> None:
        """Raises where the newest mail does not come either, so that it is the server, and where too many don't. `later_come`: it came just now."""
        newest = self._mailbox.newest()
        if newest > refused[-1].uid and len(self.reached.withheld) + len(refused) <= _MOST_WITHHELD:
            if later_come:
                return
            [[each]] = mails(self._mailbox, [newest])
            if isinstance(each, Arrived):
                return
        raise refused[-1].error

    def _left_behind(self) -> Iterator[Page]:
        """Those first that were not asked for the longest, as the rest waits for the next run where several in a row don't come."""
        refused = broken = 0
        for uid, (days, last) in sorted(self.reached.withheld.items(), key=lambda asked: (asked[1][1], asked[0])):
            [[each]] = mails(self._mailbox, [uid])
            if isinstance(each, Refused):
                refused, broken = refused + 1, broken + each.is_broken_off
                days += last != self._today and not each.is_for_now
                if days == _MOST_DAYS:
                    each = NotTaken(uid, _GIVEN_UP.format(days, each.error.reason))
            else:
                refused = 0
            if not isinstance(each, Refused):
                self.reached = self.reached.without(uid)
                yield self._page([each])
            elif last != self._today:
                self.reached = replace(self.reached, withheld={**self.reached.withheld, uid: (days, self._today)})
                yield self._page([])
            if broken == _MOST_BROKEN or refused == _MOST_REFUSED:
                return

    def _page(self, came: Sequence[Arrived | NotTaken], *notes: str) -> Page:
        return Page(list(self._read(came)), self.reached.text(), notes)
