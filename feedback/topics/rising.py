"""Which topics are spoken of more than the weeks before lead one to expect.

The last days are held against the same days of the week in up to eight earlier weeks, so that a quiet Sunday or a busy Monday is no news, and against all that was said then, so that neither is
a busy week. How far weeks differ by themselves is learned from the topics together (quasi-Poisson: the variance is a multiple of the mean), the wider fifth setting the measure, and a topic that
swings more has a measure of its own. Of all that is tested, false alarms are held at 5 % (Benjamini-Hochberg) in each family: topics, topics in a stage, topics in a channel.
"""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import numpy as np

from feedback.digest.make import newest_period
from feedback.journey.model import Period
from feedback.journey.periods import utc_bounds
from feedback.journey.stats import discoveries
from feedback.project import Project
from storage.store import Store
from storage.topics import dated_segments

WEEKS = 8
FEWEST_WEEKS = 4
MINIMUM_N = 5
_PRIOR_WEEKS = 8.0  # how many weeks' worth the common measure of swinging counts beside a topic's own
_WIDE = 0.8

Where = Literal["all", "stage", "channel"]


@dataclass(frozen=True, slots=True)
class Series:
    """How often something was said in the days looked at (`now`) and in the same days of earlier weeks, newest first, out of how much in all."""

    topic_id: int
    where: Where
    name: str  # of the stage or channel; empty for all
    now: int
    before: tuple[int, ...]
    now_in_all: int
    before_in_all: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Rise:
    """A series that rose: `expected` mentions by the earlier weeks' share; `p` is what it was found by."""

    series: Series
    expected: float
    p: float

    @property
    def is_new(self) -> bool:
        return not any(self.series.before)


@dataclass(frozen=True, slots=True)
class Rising:
    """The rises of the days from `first` to `last`; `weeks`: how many earlier weeks there were to compare with."""

    first: date
    last: date
    weeks: int
    rises: tuple[Rise, ...]


def rising_topics(store: Store, project: Project, days: int, until: date | None) -> Rising:
    """What rose in the `days` days up to `until`, or up to the newest day of the data."""
    last = until or _newest_day(store, project)
    bounds = windows(last, days, project.timezone)
    series = count_series(dated_segments(store.connection, bounds[-1][0], bounds[0][1]), bounds)
    weeks = max((len(s.before) for s in series), default=0)
    return Rising(last - timedelta(days=days - 1), last, weeks, tuple(find_rises(series)))


def _newest_day(store: Store, project: Project) -> date:
    day = newest_period(store, project, "day").start
    assert day
    return date.fromisoformat(day)


def windows(last: date, days: int, timezone: str) -> list[tuple[str, str]]:
    """The `days` days up to `last`, and the same days of the week in the eight weeks before; bounds in UTC, the newest first."""
    found = []
    for week in range(WEEKS + 1):
        end = last + timedelta(days=1) - timedelta(weeks=week)
        start = end - timedelta(days=days)
        bounds = utc_bounds(Period("range", start.isoformat(), end.isoformat()), timezone)
        found.append((bounds[0] or "", bounds[1] or ""))
    return found


def count_series(said: Iterable[tuple[str, int | None, str, str]], bounds: Sequence[tuple[str, str]]) -> list[Series]:
    """The series in (posted_at, topic, stage, channel); what lies between the windows does not count."""
    starts = [start for start, _ in reversed(bounds)]
    counts: dict[tuple[int, Where, str], Counter[int]] = {}
    in_all: dict[str, Counter[int]] = {"": Counter()}  # by channel, "" for all
    for at, topic, stage, channel in said:
        week = len(starts) - bisect_right(starts, at)
        if week == len(starts) or at >= bounds[week][1]:
            continue
        in_all[""][week] += 1
        in_all.setdefault(channel, Counter())[week] += 1
        if topic is not None:
            keys: tuple[tuple[int, Where, str], ...] = (
                (topic, "all", ""),
                (topic, "stage", stage),
                (topic, "channel", channel),
            )
            for key in keys:
                counts.setdefault(key, Counter())[week] += 1
    return [
        _series(key, found, in_all[key[2] if key[1] == "channel" else ""], len(bounds))
        for key, found in sorted(counts.items())
    ]


def _series(key: tuple[int, Where, str], found: Mapping[int, int], in_all: Mapping[int, int], weeks: int) -> Series:
    # Weeks before the data begin are no weeks of silence.
    told = [week for week in range(1, weeks) if in_all.get(week)]
    before, before_all = (tuple(each.get(week, 0) for week in told) for each in (found, in_all))
    return Series(*key, found.get(0, 0), before, in_all.get(0, 0), before_all)


def find_rises(series: Sequence[Series]) -> list[Rise]:
    """What rose beyond chance, the surest first. Series with fewer than four earlier weeks can't be judged."""
    found = []
    for where in ("all", "stage", "channel"):
        # Chosen by all weeks together: choosing by the last would favour what rose by luck.
        family = [
            s
            for s in series
            if s.where == where
            and len(s.before) >= FEWEST_WEEKS
            and s.now + sum(s.before) >= 2 * MINIMUM_N
            and s.now_in_all
        ]
        if not family:
            continue
        common = _common_swing([_swing(s) for s in family if sum(s.before) >= len(s.before)])
        rises = [_judged(s, common) for s in family]
        believed = discoveries([rise.p for rise in rises])
        found += [rise for rise, yes in zip(rises, believed, strict=True) if yes and rise.series.now >= MINIMUM_N]
    return sorted(found, key=lambda rise: (rise.p, rise.series.topic_id, rise.series.where, rise.series.name))


def _swing(series: Series) -> float:
    """Pearson's chi-square a degree of freedom: 1 where weeks differ as chance makes them, more where they swing."""
    share = sum(series.before) / sum(series.before_in_all)
    if not share:
        return 1.0
    squares = sum(
        (count - share * n) ** 2 / (share * n) for count, n in zip(series.before, series.before_in_all, strict=True)
    )
    return squares / (len(series.before) - 1)


def _common_swing(swings: Sequence[float]) -> float:
    return max(1.0, float(np.mean(swings)), float(np.quantile(swings, _WIDE))) if swings else 1.0


def _judged(series: Series, common: float) -> Rise:
    weeks = len(series.before) - 1
    swing = max(common, (_swing(series) * weeks + _PRIOR_WEEKS * common) / (weeks + _PRIOR_WEEKS))
    in_all = sum(series.before_in_all)
    # Half a mention more than there was: what was never said before is not impossible.
    expected = (sum(series.before) + 0.5) / (in_all + 1) * series.now_in_all
    variance = swing * expected * (1 + series.now_in_all / in_all)
    return Rise(series, expected, at_least(series.now, expected, variance))


def at_least(count: int, mean: float, variance: float) -> float:
    """The probability of `count` or more, negative binomial of that mean and variance; the variance must exceed the mean."""
    if count <= 0:
        return 1.0
    size = mean * mean / (variance - mean)
    share = mean / (mean + size)
    term = total = math.exp(size * math.log1p(-share))
    for k in range(1, count):
        term *= share * (k - 1 + size) / k
        total += term
    return max(1e-300, 1.0 - total)
