"""What is spoken of more than before: found where it is, and seldom where it is not."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import pytest

from feedback.topics.rising import Series, at_least, count_series, find_rises, windows

ZONE = "Asia/Shanghai"
LAST = date(2026, 3, 1)  # a Sunday


def _series(topic: int, now: int, *before: int, total: int = 1000) -> Series:
    return Series(topic, "all", "", now, before, total, (total,) * len(before))


def test_windows_are_the_same_days_of_the_week_in_the_projects_zone() -> None:
    found = windows(LAST, 7, ZONE)
    assert len(found) == 9
    assert found[0] == ("2026-02-22T16:00:00Z", "2026-03-01T16:00:00Z")
    assert found[1] == ("2026-02-15T16:00:00Z", "2026-02-22T16:00:00Z")
    assert windows(LAST, 2, ZONE)[1] == ("2026-02-20T16:00:00Z", "2026-02-22T16:00:00Z")


def test_said_things_are_counted_in_their_window_stage_and_channel() -> None:
    bounds = windows(LAST, 2, ZONE)
    said = [
        ("2026-02-28T10:00:00Z", 1, "purchase", "京东"),  # in the days looked at
        ("2026-02-28T10:00:00Z", None, "purchase", "京东"),
        ("2026-02-26T10:00:00Z", 1, "purchase", "京东"),  # a weekday: between the windows
        ("2026-02-21T10:00:00Z", 1, "loyalty", "天猫"),  # the same days a week earlier
        ("2026-02-20T16:00:00Z", 2, "loyalty", "天猫"),  # their first moment
        ("2026-02-22T16:00:00Z", 2, "loyalty", "天猫"),  # just after
    ]
    found = {(s.topic_id, s.where, s.name): s for s in count_series(said, bounds)}
    assert found[1, "all", ""] == Series(1, "all", "", 1, (1,), 2, (2,))
    assert found[1, "stage", "purchase"] == Series(1, "stage", "purchase", 1, (0,), 2, (2,))
    assert found[1, "channel", "京东"] == Series(1, "channel", "京东", 1, (), 2, ())  # 京东 has no earlier weeks
    assert found[2, "channel", "天猫"] == Series(2, "channel", "天猫", 0, (1,), 0, (2,))


def test_what_jumps_is_found_and_what_stays_is_not() -> None:
    steady = [_series(n, 20, 19, 21, 22, 18, 20, 20, 21, 19) for n in range(20)]
    [rise] = find_rises([*steady, _series(99, 60, 20, 21, 19, 20, 18, 22, 20, 21)])
    assert (rise.series.topic_id, rise.is_new) == (99, False)
    assert rise.expected == pytest.approx(20.2, abs=0.1)


def test_what_was_never_said_before_is_new() -> None:
    [rise] = find_rises([_series(1, 20, *[0] * 8)])
    assert rise.is_new


def test_a_busy_week_is_no_news() -> None:
    series = Series(1, "all", "", 60, (20,) * 8, 3000, (1000,) * 8)
    assert find_rises([series]) == []


@pytest.mark.parametrize(
    "series",
    [
        _series(1, 4, *[0] * 8),  # less often than is worth a word
        _series(1, 60, 20, 20, 20),  # three weeks are no past
        Series(1, "all", "", 0, (20,) * 8, 0, (1000,) * 8),  # nothing was said at all
    ],
)
def test_what_can_not_be_judged_is_left_out(series: Series) -> None:
    assert find_rises([series]) == []


def test_a_topic_that_always_swings_needs_more() -> None:
    swinging = [_series(n, 45, 5, 45, 10, 50, 2, 40, 8, 48) for n in range(10)]
    assert find_rises(swinging) == []


def test_the_tail_is_that_of_a_negative_binomial() -> None:
    assert at_least(0, 3.0, 4.0) == 1.0
    assert at_least(5, 3.0, 3.0 + 1e-6) == pytest.approx(0.184737, abs=1e-4)  # Poisson
    draws = np.random.default_rng(1).negative_binomial(4.0, 4.0 / 7.0, size=400_000)  # mean 3, variance 5.25
    assert at_least(8, 3.0, 5.25) == pytest.approx(float((draws >= 8).mean()), abs=2e-3)


def _false_share(swing: float, seed: int, *, uneven: bool) -> float:
    """The share of false alarms among the found, averaged over weeks in which three topics of a hundred tripled."""
    rng = np.random.default_rng(seed)
    shares: list[float] = []
    for _ in range(60):
        totals = rng.integers(800, 1200, 9)
        series, truly = [], set()
        for topic in range(100):
            mean = rng.lognormal(-5, 1) * totals.astype(float)
            if topic < 3:
                truly.add(topic)
                mean[0] *= 3
            wide = 1 + (swing - 1) * (rng.exponential() if uneven else 1.0)
            counts: Sequence[int] = (
                rng.poisson(mean) if wide < 1.01 else rng.negative_binomial(mean / (wide - 1), 1 / wide)
            ).tolist()
            series.append(
                Series(topic, "all", "", counts[0], tuple(counts[1:]), int(totals[0]), tuple(totals[1:].tolist()))
            )
        found = [rise.series.topic_id for rise in find_rises(series)]
        shares.append(sum(topic not in truly for topic in found) / max(1, len(found)))
    return float(np.mean(shares))


@pytest.mark.parametrize(("swing", "uneven"), [(1.0, False), (2.0, False), (2.0, True)])
def test_at_most_one_alarm_in_twenty_is_false(swing: float, uneven: bool) -> None:
    assert _false_share(swing, 11, uneven=uneven) <= 0.05
