"""Collector rest, runs that were cut off: the next one goes on, and what happened in between is neither lost nor doubled."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from test_rest import COLUMNS, ids, row, visit
from wire import Asked, Reply, wire
from worlds import NOW, iso

from feedback.collectors.base import Record
from feedback.collectors.live import Page
from feedback.collectors.rest import RestCollector
from feedback.errors import CollectError

BY_CURSOR: dict[str, object] = {
    "records": "rows",
    "pages": {"type": "cursor", "parameter": "after", "cursor": "next"},
    "since": {"column": "at", "parameter": "since"},
}


def run(
    section: dict[str, object], answer: Callable[[Asked], Reply], state: str | None, now: datetime = NOW
) -> tuple[list[Page], str | None, str]:
    """The pages of a run, the state after it, and the error that ended it."""
    found: list[Page] = []
    with wire(answer) as web:
        looked = replace(visit({"url": f"{web.url}/v1", "columns": COLUMNS, **section}), now=now)
        try:
            found.extend(RestCollector().pages("records", state, looked))
        except CollectError as error:
            return found, _last(found, state), str(error)
    return found, _last(found, state), ""


def _last(found: list[Page], state: str | None) -> str | None:
    return next((page.state for page in reversed(found) if page.state is not None), state)


class Desk:
    """Tickets in the order of their numbers, two a page. A cursor marks a ticket; `down`: the one behind which none is shown."""

    def __init__(self, count: int, newest_first: bool) -> None:
        self.at = {n: f"2026-02-{n:02}T08:00:00Z" for n in range(1, count + 1)}
        self.newest_first = newest_first
        self.down = 0

    def change(self, *numbers: int, at: datetime) -> None:
        self.at.update(dict.fromkeys(numbers, iso(at)))

    def answer(self, asked: Asked) -> Reply:
        after = asked.query.get("after")
        if after is not None and int(after) == self.down:
            return Reply({"detail": "maintenance"}, 418)
        numbers = sorted((n for n in self.at if self.at[n] >= asked.query.get("since", "")), reverse=self.newest_first)
        if after is not None:
            numbers = [n for n in numbers if (n < int(after)) == self.newest_first and n != int(after)]
        shown = [row(n, at=self.at[n]) for n in numbers[:2]]
        return Reply({"rows": shown, "next": numbers[1] if len(numbers) > 2 else None})


def dates(*runs: list[Page]) -> dict[str | None, str | None]:
    """Of each ticket the date that was collected last."""
    items = [item for found in runs for page in found for item in page.items]
    return {item.source_id: item.posted_at for item in items if isinstance(item, Record)}


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("stored_before", [True, False])
def test_what_changed_on_pages_that_were_read_before_a_run_was_cut_off_comes_later(
    newest_first: bool, stored_before: bool
) -> None:
    desk = Desk(8, newest_first)
    desk.down = 5 if newest_first else 4
    first, state, error = run(BY_CURSOR, desk.answer, None)
    assert (len(first), "refuses (418)" in error) == (2, True)
    if stored_before:  # by the version before, which did not keep when the walk began
        state = f"{(state or '').rpartition(', ')[0]}]"
    desk.down = 0
    desk.change(9, 7 if newest_first else 2, at=NOW + timedelta(minutes=20))  # on a page that was read, and new
    desk.change(4 if newest_first else 6, at=NOW + timedelta(minutes=50))  # on one that was not
    hour = timedelta(hours=1)
    second, state, _ = run(BY_CURSOR, desk.answer, state, NOW + hour)
    third, state, _ = run(BY_CURSOR, desk.answer, state, NOW + 2 * hour)
    assert dates(first, second, third) == {str(n): at for n, at in desk.at.items()}
    fourth, _, _ = run(BY_CURSOR, desk.answer, state, NOW + 3 * hour)
    assert len(ids(fourth)) < 8


def test_a_walk_that_was_cut_off_twice_began_when_it_was_begun_first() -> None:
    desk = Desk(8, newest_first=True)
    hour = timedelta(hours=1)
    desk.down = 7
    _, state, _ = run(BY_CURSOR, desk.answer, None)
    desk.down = 3
    _, state, _ = run(BY_CURSOR, desk.answer, state, NOW + hour)
    assert state == f'[null, "2026-02-08T08:00:00Z", "3", "{iso(NOW)}"]'
    desk.down = 0
    desk.change(1, at=NOW + timedelta(minutes=90))
    _, state, _ = run(BY_CURSOR, desk.answer, state, NOW + 2 * hour)
    assert state == f'["{iso(NOW)}", null, null]'
