"""Walking a source that gives its newest first: where it stops, and what is known afterwards."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from feedback.collectors.base import SourceConfig
from feedback.collectors.live import Visit
from feedback.collectors.live.newest_first import Walk
from feedback.collectors.live.reached import Reached
from feedback.collectors.live.vault import Vault

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def walk(reached: Reached, since: datetime | None = None) -> Walk:
    return Walk(Visit(SourceConfig("live", "any"), Vault(Path("/nowhere")), NOW, since=since), reached, DAY)


def test_the_newest_moment_of_all_pages_is_known_when_the_walk_is_done() -> None:
    new = walk(Reached())
    assert not new.see(["2026-03-01T12:00:00+08:00", "2026-03-01T03:00:00Z"])
    assert not new.see(["2026-02-27 08:00:00"])
    assert new.underway("page 3") == Reached(None, "2026-03-01T04:00:00Z", "page 3")
    assert new.done() == Reached("2026-03-01T04:00:00Z")


def test_a_walk_that_goes_on_knows_the_newest_moment_of_the_one_that_was_cut_off() -> None:
    on = walk(Reached("2026-02-01T00:00:00Z", "2026-02-20T00:00:00Z", "page 3"))
    on.see(["2026-02-10T00:00:00Z"])
    assert on.done() == Reached("2026-02-20T00:00:00Z")


@pytest.mark.parametrize(
    ("dates", "over"),
    [
        (["2026-02-08T23:59:59Z", "2026-02-01T00:00:00Z"], True),
        (["2026-02-09T00:00:00Z", "2026-02-01T00:00:00Z"], False),  # within the overlap
        (["2026-02-01T00:00:00Z", None], False),
        (["2026-02-01T00:00:00Z", "someday"], False),
        ([], False),
    ],
)
def test_a_page_on_which_all_is_older_than_what_is_known_is_the_last(dates: list[str | None], over: bool) -> None:
    assert walk(Reached("2026-02-10T00:00:00Z")).see(dates) is over


def test_without_a_state_it_goes_back_to_what_is_asked_for() -> None:
    since = datetime(2026, 2, 10, tzinfo=UTC)
    assert walk(Reached(), since).see(["2026-02-09T23:59:59Z"])
    assert not walk(Reached(), since).see(["2026-02-10T00:00:00Z"])
    assert not walk(Reached()).see(["1999-01-01T00:00:00Z"])


def test_what_lies_in_the_future_is_known_no_further_than_now() -> None:
    ahead = walk(Reached())
    ahead.see(["2026-03-02T20:00:00Z", "2031-01-01T00:00:00Z"])
    assert ahead.done() == Reached("2026-03-02T04:00:00Z")


def test_a_walk_that_saw_only_older_things_takes_nothing_back() -> None:
    older = walk(Reached("2026-02-10T00:00:00Z"))
    older.see(["2026-02-09T12:00:00Z"])
    assert older.done() == Reached("2026-02-10T00:00:00Z")


def test_it_tells_whether_it_met_what_was_known() -> None:
    new = walk(Reached("2026-02-10T00:00:00Z"))
    new.see(["2026-02-20T00:00:00Z"])
    assert (new.meets, new.has_gap) == (False, True)
    new.see(["2026-02-15T00:00:00Z", "2026-02-10T00:00:00Z"])
    new.see([])  # an empty page tells nothing
    assert (new.meets, new.has_gap) == (True, False)
    first = walk(Reached())
    first.see(["2026-02-20T00:00:00Z"])
    assert (first.meets, first.has_gap) == (False, False)


@pytest.mark.parametrize(
    "reached",
    [Reached("2026-02-10T00:00:00Z"), Reached(None, None, "p"), Reached("a", "b", "c"), Reached("a", "b", "c", "d")],
)
def test_a_state_is_read_as_it_was_written(reached: Reached) -> None:
    assert Reached.read(reached.text()) == reached


def test_no_state_and_nothing_seen_are_the_same() -> None:
    assert Reached.read(None) == Reached.read(Reached().text()) == Reached()
