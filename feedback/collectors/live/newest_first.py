"""Sources that give their newest first: how far back to walk, and what the next run goes on from.

A walk that came to its end has seen everything up to its newest moment. That moment becomes the state then and no sooner:
before, what lies between it and where the walk was cut off has not been seen. Where the source knows the place of a page
for good, a walk that is underway leaves it in the state, to be gone on with.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from feedback.collectors.live import Visit
from feedback.collectors.live.reached import Reached
from feedback.dates import DateReader, UnknownDate


class Walk:
    """One walk, from the newest page or from where an earlier walk was cut off.

    It goes `overlap` further back than what is known: things come late, and are edited. Without a state it goes back to
    what the visit asks for, else to the end.
    """

    def __init__(self, visit: Visit, reached: Reached, overlap: timedelta) -> None:
        self._dates = DateReader(visit.timezone, visit.now)
        self._now = _text(visit.now)
        self._since, self._newest = reached.since, reached.newest
        stop = datetime.fromisoformat(reached.since) - overlap if reached.since else visit.since
        self._stop = _text(stop) if stop is not None else None
        self._meets = False

    def see(self, dates: Sequence[str | None]) -> bool:
        """Takes in the dates of a page, as the source writes them; whether all are too old for older pages to hold news."""
        moments = [moment for date in dates if (moment := self._moment(date)) is not None]
        self._newest = max([*moments, self._newest or ""]) or None
        if dates:
            self._meets = self._since is not None and any(moment <= self._since for moment in moments)
        return self._stop is not None and len(moments) == len(dates) > 0 and max(moments) < self._stop

    @property
    def has_gap(self) -> bool:
        """Whether the last page that held anything is still newer than all that was known before."""
        return self._since is not None and not self._meets

    @property
    def meets(self) -> bool:
        """Whether the last page that held anything reached what was known before."""
        return self._meets

    def underway(self, resume: str) -> Reached:
        return Reached(self._since, self._newest, resume)

    def done(self) -> Reached:
        return Reached(max(self._newest or "", self._since or "") or None)

    def _moment(self, date: str | None) -> str | None:
        """A moment that lies in the future counts as now: it must not hide what is said until then."""
        try:
            return min(self._dates.read(date), self._now) if date else None
        except UnknownDate:
            return None


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
