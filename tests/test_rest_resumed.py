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


class Numbered:
    """Tickets, the newest first, three a page, of an interface that wants to be left alone when it was asked a few times."""

    def __init__(self, count: int, patience: int) -> None:
        self.numbers, self.patience, self.asked = list(range(count, 0, -1)), patience, 0

    def answer(self, asked: Asked) -> Reply:
        self.asked += 1
        if self.asked > self.patience:
            return Reply({}, 429, {"Retry-After": "3000"})
        start = 3 * int(asked.query["page"]) - 3 if "page" in asked.query else int(asked.query["offset"])
        return Reply([row(n, at=iso(NOW - timedelta(days=200 - n))) for n in self.numbers[start : start + 3]])


def collected(
    way: str, listed: Numbered, meanwhile: Callable[[int], None], runs: int
) -> tuple[set[str | None], list[str], str | None]:
    """What so many runs bring, what they say, and the state after them; `meanwhile` is called after each."""
    state, seen, notes = None, set[str | None](), list[str]()
    for number in range(runs):
        listed.asked = 0
        section: dict[str, object] = {"pages": {"type": way}, "since": {"column": "at", "order": "newest"}}
        found, state, _ = run(section, listed.answer, state, NOW + timedelta(hours=number))
        seen |= set(ids(found))
        notes += [note for page in found for note in page.notes]
        meanwhile(number)
    return seen, notes, state


STARTED_OVER = "the interface no longer knew where the last run stopped: asked again from the last complete one"
NUMBERED = ["page", "offset"]


@pytest.mark.parametrize("way", NUMBERED)
def test_numbered_pages_are_gone_on_with_where_a_run_was_cut_off(way: str) -> None:
    listed = Numbered(60, patience=16)
    seen, notes, state = collected(way, listed, lambda _run: None, 4)
    assert (seen, notes) == ({str(n) for n in range(1, 61)}, [])
    assert (state or "").endswith(", null, null]")


@pytest.mark.parametrize("way", NUMBERED)
@pytest.mark.parametrize("more", [1, 3, 7, 12])
def test_what_is_added_above_while_a_run_is_cut_off_is_met_by_the_next_walk(way: str, more: int) -> None:
    listed = Numbered(60, patience=24)

    def add(number: int) -> None:
        if number == 0:
            listed.numbers[:0] = range(60 + more, 60, -1)

    seen, notes, _ = collected(way, listed, add, 5)
    assert (seen, notes) == ({str(n) for n in range(1, 61 + more)}, [])


@pytest.mark.parametrize("way", NUMBERED)
@pytest.mark.parametrize("gone", [1, 3, 6, 12])
def test_what_is_removed_above_while_a_run_is_cut_off_pushes_nothing_past_the_next(way: str, gone: int) -> None:
    listed = Numbered(60, patience=24)

    def remove(number: int) -> None:
        if number == 0:
            del listed.numbers[:gone]

    seen, notes, _ = collected(way, listed, remove, 5)
    assert seen == {str(n) for n in range(1, 61)}
    assert notes == ([STARTED_OVER] if gone > 3 else [])


def test_a_walk_that_does_not_find_its_place_is_not_at_its_end_where_it_meets_what_is_known() -> None:
    listed = Numbered(60, patience=99)
    seen, _, state = collected("page", listed, lambda _run: None, 1)
    listed.numbers[:0] = range(90, 60, -1)
    listed.patience, section = 9, {"pages": {"type": "page"}, "since": {"column": "at", "order": "newest"}}
    listed.asked = 0
    found, state, _ = run(section, listed.answer, state)
    seen |= set(ids(found))
    del listed.numbers[:10]  # of what was read
    listed.patience, listed.asked = 99, 0
    found, state, _ = run(section, listed.answer, state)
    assert seen | set(ids(found)) == {str(n) for n in range(1, 91)}
    assert (state or "").endswith(", null, null]")


def test_a_place_is_looked_for_on_a_few_pages() -> None:
    listed = Numbered(180, patience=24)
    section: dict[str, object] = {"pages": {"type": "page"}}
    _, state, _ = run(section, listed.answer, None)
    del listed.numbers[:12]
    asked: list[str] = []

    def answer(question: Asked) -> Reply:
        asked.append(question.query["page"])
        return listed.answer(question)

    listed.patience, listed.asked = 1000, 0
    found, _, _ = run(section, answer, state)
    assert Page([], None, (STARTED_OVER,)) in found
    assert asked[0] == "11"
    assert asked.index("1") == 19  # ten pages, and after each but the first the one before once more


REFUSALS = {
    "401": Reply({}, 401),
    "403": Reply({}, 403),
    "422": Reply({"message": "cursor is invalid"}, 422),
    "410": Reply({}, 410),
    "a code": Reply({"code": 40035, "msg": "cursor expired", "rows": None}),
    "another shape": Reply({"message": "cursor expired"}),
    "500": Reply({}, 500),
}


@pytest.mark.parametrize("how", REFUSALS)
def test_a_place_that_is_no_longer_taken_is_begun_anew_however_that_is_said(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    desk = Desk(8, newest_first=False)
    desk.down = 4
    _, state, _ = run(BY_CURSOR, desk.answer, None)
    desk.down = 0
    refusal, expired = REFUSALS[how], {"4"}

    def answer(asked: Asked) -> Reply:
        if "after" not in asked.query:  # it gives new cursors
            expired.clear()
        return refusal if asked.query.get("after") in expired else desk.answer(asked)

    found, state, error = run(BY_CURSOR, answer, state)
    assert (found[0], error) == (Page([], None, (STARTED_OVER,)), "")
    assert state == '["2026-02-08T08:00:00Z", null, null]'


@pytest.mark.parametrize("how", ["401", "403", "a code"])
def test_who_refuses_without_a_place_too_is_quoted(how: str) -> None:
    desk = Desk(8, newest_first=False)
    desk.down = 4
    _, state, _ = run(BY_CURSOR, desk.answer, None)
    found, after, error = run(BY_CURSOR, lambda _asked: REFUSALS[how], state)
    assert (found, after) == ([], state)
    assert ("tells of an error: 40035 cursor expired" if how == "a code" else f"refuses ({how})") in error


def test_who_wants_to_be_left_alone_is_not_asked_from_the_beginning() -> None:
    desk = Desk(8, newest_first=False)
    desk.down = 4
    _, state, _ = run(BY_CURSOR, desk.answer, None)
    asked: list[Asked] = []

    def busy(question: Asked) -> Reply:
        asked.append(question)
        return Reply({}, 429, {"Retry-After": "3000"})

    found, after, error = run(BY_CURSOR, busy, state)
    assert (found, after, len(asked)) == ([], state, 1)
    assert "asked again in 50 minutes" in error


def test_who_gets_no_farther_begins_at_the_top_again_where_what_is_new_stands() -> None:
    section: dict[str, object] = {
        "records": "rows",
        "pages": {"type": "page", "parameter": "page", "size": 2, "size_parameter": "n"},
    }
    numbers = list(range(5, 0, -1))

    def answer(asked: Asked) -> Reply:
        shown = numbers[2 * int(asked.query["page"]) - 2 :][:2]
        return Reply({"rows": [row(n) for n in shown]}) if shown else Reply({"detail": "no such page"}, 422)

    got, state = set[str | None](), None
    for _ in range(4):
        found, state, error = run(section, answer, state)
        assert "refuses (422)" in error
        got.update(ids(found))
        numbers.insert(0, len(numbers) + 1)
    assert got >= {f"{n}" for n in range(1, 8)}


@pytest.mark.parametrize("way", ["page", "offset"])
@pytest.mark.parametrize("order", [{"parameter": "since"}, {"order": "newest"}])
def test_where_a_page_that_had_records_is_empty_too_it_is_an_outage_and_no_end(
    way: str, order: dict[str, object]
) -> None:
    rows = [row(number) for number in range(9, 0, -1)]
    left = [1]  # answers until the outage

    def answer(asked: Asked) -> Reply:
        left[0] -= 1
        at = 3 * int(asked.query["page"]) - 3 if way == "page" else int(asked.query["offset"])
        shown = [each for each in rows if str(each["at"]) >= asked.query.get("since", "")]
        return Reply(shown[at : at + 3] if left[0] >= 0 else [])

    section = {"pages": {"type": way}, "since": {"column": "at", **order}}
    first, state, error = run(section, answer, None)
    assert ids(first) == ["9", "8", "7"]
    assert error.endswith(
        "/v1 gives nothing where there were records just now. What came before is kept; run this again later."
    )
    left[0] = 100
    second, _, error = run(section, answer, state)
    assert ({*ids(first), *ids(second)}, error) == ({str(number) for number in range(1, 10)}, "")
