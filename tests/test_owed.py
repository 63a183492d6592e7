"""Conversations and tickets that can't be read: the others are stored, and these when they can be; a source that is down is told as one."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from command import run
from contract import Shop, until_error
from wire import Asked, Reply
from worlds import NOW, SECRET, SECRET_VARIABLE, Interface, new_world

from feedback.collectors.base import Item, Record, Unreadable
from feedback.collectors.live import Page
from feedback.collectors.live.owed import Owed, Read
from feedback.collectors.live.patience import Unreachable
from feedback.collectors.live.web import Refused
from feedback.errors import CollectError

AT = int(NOW.timestamp())
DAY = 86400
BROKEN = CollectError("desk/7 has trouble (500).")
NOT_THERE = Refused(404, "desk/2 refuses (404).", b"")
GONE = "it is not there (404): was it deleted meanwhile?"
# The second conversation of each world, as it is asked for and as it is called.
DETAILS = {
    "chatwoot": ("/conversations/2/messages", "conversations:2", "of the conversations"),
    "intercom": ("/conversations/1000000001", "conversations:1000000001", "of the conversations"),
    "zendesk": ("/tickets/35001/comments.json", "tickets:35001", "of the tickets"),
}
TROUBLES = {
    "trouble": Reply({"error": "Internal Server Error"}, 500),
    "a refusal": Reply({"error": "Forbidden"}, 403),
    "not being there": Reply({"error": "Not Found"}, 404),
    "no JSON": Reply(b"<html>"),
    "another shape": Reply({"unexpected": 3}),
    "silence": Reply({"data": "x" * 5000}, cut=700),
}


@pytest.fixture(params=DETAILS)
def shop(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    monkeypatch.setenv(SECRET_VARIABLE, SECRET)
    world = new_world(request.param)
    assert isinstance(world, Interface)
    with Shop(tmp_path, world).opened() as found:
        yield found


def broken(shop: Shop, which: Callable[[str], bool], trouble: Reply) -> None:
    """From now on what has such a path is answered so."""
    world = shop.world
    assert isinstance(world, Interface)
    answer = world.answer

    def answered(asked: Asked) -> Reply:
        return trouble if which(asked.path) else answer(asked)

    world.web.answer = answered


def mended(shop: Shop) -> None:
    world = shop.world
    assert isinstance(world, Interface)
    world.web.answer = world.answer


@pytest.mark.parametrize("trouble", TROUBLES)
def test_one_that_can_not_be_read_keeps_no_other_from_being_stored_and_is_stored_once_it_can(
    shop: Shop, trouble: str
) -> None:
    path, name, what = DETAILS[shop.world.collector]
    broken(shop, lambda asked: asked.endswith(path), TROUBLES[trouble])
    ran = shop.collect()
    is_missing = trouble == "not being there"
    if is_missing:
        assert (ran.code, ran.err) == (0, "")
        assert f"\n  not there (404) though the list names them: 1 {what} (see: feedback rejects). " in ran.out
    else:
        assert (ran.code, ran.err.count("\n")) == (1, 1)
        assert ran.err.startswith(
            f"Error: live: 1 {what} could not be read (see: feedback rejects) and will be asked for again: "
        )
    assert ran.out.startswith("live: 1")
    assert f"{name}: it could not be read and will be asked for again: " in run("rejects", project=shop.folder).out
    lost = shop.difference()["lost"]
    assert 0 < len(lost) <= 7
    shop.say_more(2)
    again = shop.collect()
    assert (again.code, again.out.startswith("live: 2 new")) == (0 if is_missing else 1, True)
    assert shop.difference() == {"lost": lost, "stale": {}, "too much": {}}
    mended(shop)
    shop.say_more(1)
    shop.walk(lambda _page: None, now=datetime.now(UTC) + timedelta(hours=1))
    assert shop.is_whole()
    assert shop.collect().out.startswith("live: 0 new")


@pytest.mark.parametrize("trouble", ["trouble", "a refusal"])
def test_a_server_that_answers_nothing_any_more_is_told_and_the_next_run_has_it_all(shop: Shop, trouble: str) -> None:
    path, name, _ = DETAILS[shop.world.collector]
    down = False

    def is_down(asked: str) -> bool:
        nonlocal down
        down = down or asked.endswith(path)
        return down

    broken(shop, is_down, TROUBLES[trouble])
    ran = shop.collect()
    said = "has trouble (500)" if trouble == "trouble" else "refuses (403)"
    assert (ran.code, ran.err.count("\n"), said in ran.err, "asked for again" in ran.err) == (1, 1, True, False)
    assert name not in run("rejects", project=shop.folder).out
    mended(shop)
    assert shop.collect().code == 0
    assert shop.is_whole()


def test_where_the_list_answers_and_ten_in_a_row_can_not_be_read_it_is_the_sources_fault(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feedback.collectors.live.owed.MOST_IN_A_ROW", 3)
    part = "/comments.json" if shop.world.collector == "zendesk" else "/conversations/"
    search = "/conversations/search"
    broken(shop, lambda asked: part in asked and asked != search, TROUBLES["trouble"])
    ran = shop.collect()
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert " in a row could not be read, though the list of them can: " in ran.err
    assert "has trouble (500)" in ran.err
    assert shop.stored() == {}
    mended(shop)
    assert shop.collect().code == 0
    assert shop.is_whole()


def test_with_a_since_nothing_is_remembered_and_nothing_lost(shop: Shop) -> None:
    path, *_ = DETAILS[shop.world.collector]
    broken(shop, lambda asked: asked.endswith(path), TROUBLES["trouble"])
    assert shop.collect("--since", "2026-01-01").code == 1
    mended(shop)
    assert shop.collect().code == 0
    assert shop.is_whole()


def test_a_dry_run_tells_of_it_and_shows_the_others(shop: Shop) -> None:
    path, name, _ = DETAILS[shop.world.collector]
    broken(shop, lambda asked: asked.endswith(path), TROUBLES["a refusal"])
    ran = shop.collect("--dry-run")
    assert ran.code == 1
    assert "would be stored" in ran.out
    assert f"not usable: {name}: it could not be read and will be asked for again: " in ran.out


def test_the_other_streams_are_asked_all_the_same(shop: Shop) -> None:
    if shop.world.collector == "intercom":
        pytest.skip("it has one stream")
    both = shop.settings.read_text(encoding="utf-8").replace('streams = ["', 'streams = ["csat", "')
    if shop.world.collector == "zendesk":
        both = both.replace("csat", "satisfaction_ratings")
    shop.settings.write_text(both, encoding="utf-8")
    path, *_ = DETAILS[shop.world.collector]
    broken(shop, lambda asked: asked.endswith(path), TROUBLES["trouble"])
    world = shop.world
    assert isinstance(world, Interface)
    shop.collect()
    assert any("csat" in asked.path or "satisfaction" in asked.path for asked in world.web.asked)


class Desk:
    """One stream, of which `troubles` can't be read; `asked` holds what was asked for, with whether it was owed."""

    def __init__(self, *troubles: str, error: CollectError = BROKEN) -> None:
        self.troubles, self.error, self.lists = set(troubles), error, 0
        self.asked: list[tuple[str, bool]] = []

    def owed(self, state: str | None, after: float = 0) -> Owed:
        def list_answers() -> None:
            self.lists += 1

        return Owed(state, "tickets", NOW + timedelta(seconds=after), list_answers)

    def reader(self, key: str) -> Read:
        def read(is_owed: bool) -> Iterator[Item]:
            self.asked.append((key, is_owed))
            if key in self.troubles:
                raise self.error
            yield Record(key, "ticket", "x", key, key)

        return read

    def run(
        self, *keys: str, state: str | None = None, after: float = 0, reached: str = "[1]"
    ) -> tuple[list[Page], str]:
        """The pages of a run that lists these, two a page, and what it ends with."""
        owed = self.owed(state, after)
        self.asked.clear()

        def walk() -> Iterator[Page]:
            for start in range(0, max(1, len(keys)), 2):
                items = [item for key in keys[start : start + 2] for item in owed.ask(key, self.reader(key))]
                yield Page(items, reached)

        return until_error(owed.pages(walk(), self.reader))


def kept(*owed: tuple[str, int, int] | tuple[str, int, int, int], reached: object = (1,)) -> str:
    counted = [(*each, 0)[:4] for each in owed]  # in how many runs each was not there
    return json.dumps({"reached": reached, "owed": counted})


def names(pages: list[Page]) -> list[str]:
    return [item.location for page in pages for item in page.items]


def test_a_state_in_which_nothing_is_owed_is_the_collectors_own() -> None:
    for state in (None, "[1, null]", "5"):
        assert Desk().owed(state).reached == state
    pages, error = Desk().run("1", state="[0]")
    assert ([page.state for page in pages], error) == (["[1]"], "")


def test_what_is_owed_is_in_the_state_of_each_page_after_it() -> None:
    pages, error = Desk("2").run("1", "2", "3", "4", "5")
    assert [page.state for page in pages] == [kept(("2", AT, AT))] * 3
    assert error.startswith(
        "1 of the tickets could not be read (see: feedback rejects) and will be asked for again: desk/7"
    )


def test_it_is_asked_for_again_after_twice_as_long_each_time_and_given_up_after_thirty_days() -> None:
    desk, state, asked = Desk("2"), kept(("2", AT, AT)), list[int]()
    reasons = set[str]()
    for hour in range(1, 24 * 60):
        pages, error = desk.run("1", state=state, after=hour * 3600)
        state = pages[-1].state or ""
        if ("2", True) in desk.asked:
            assert error
            asked.append(hour)
            reasons |= {item.reason for page in pages for item in page.items if isinstance(item, Unreadable)}
    assert asked == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]
    assert state == "[1]"
    assert reasons == {
        f"it could not be read and will be asked for again: {BROKEN}",
        f"it could not be read for 30 days and is given up: {BROKEN}",
    }


def test_while_nothing_can_be_read_nothing_is_given_up() -> None:
    pages, _ = Desk("2").run(state=kept(("2", AT - 90 * DAY, AT - 45 * DAY)))
    assert pages[-1].state == kept(("2", AT - 90 * DAY, AT))


def test_the_longest_left_alone_are_asked_for_again_first_and_no_more_when_ten_fail(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("feedback.collectors.live.owed.MOST_AGAIN", 3)
    owed = [(str(n), AT - 9000, AT - 8000 + n) for n in range(10)]
    desk = Desk("0", "2", "4", "5")
    pages, error = desk.run("3", state=kept(*reversed(owed)))
    assert [key for key, _ in desk.asked] == ["3", "0", "1", "2", "4"]
    assert error.startswith("3 of the tickets")
    left = [("9", 9), ("8", 8), ("7", 7), ("6", 6), ("5", 5)]
    failed = [(key, AT - 9000, AT) for key in "420"]
    assert pages[-1].state == kept(*((key, AT - 9000, AT - 8000 + n) for key, n in left), *failed)


def test_what_the_list_names_and_is_not_there_is_told_in_a_line_and_counts_as_gone_in_the_third_run() -> None:
    desk, state, told = Desk("2", error=NOT_THERE), None, list[tuple[list[str], str | None, tuple[str, ...]]]()
    for hour in range(4):
        pages, error = desk.run(*("12" if hour == 0 else ""), state=state, after=hour * 3600)
        state = pages[-1].state
        assert error == ""
        reasons = [each.reason for page in pages for each in page.items if isinstance(each, Unreadable)]
        told.append((reasons, state, tuple(note for page in pages for note in page.notes)))
    again = f"it could not be read and will be asked for again: {NOT_THERE}"
    line = (
        "not there (404) though the list names them: 1 of the tickets (see: feedback rejects). They will be asked for again, "
        "and count as deleted when they were not there in 3 runs."
    )
    assert told == [
        ([again], kept(("2", AT, AT, 1)), (line,)),
        ([again], kept(("2", AT, AT + 3600, 2)), (line,)),
        ([GONE], "[1]", ()),
        ([], "[1]", ()),
    ]


def test_however_many_are_not_there_the_others_are_read_and_all_are_asked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for limit in ("MOST_IN_A_ROW", "MOST_AGAIN", "MOST_OWED"):
        monkeypatch.setattr(f"feedback.collectors.live.owed.{limit}", 2)
    desk, state = Desk(*"12345678", error=NOT_THERE), None
    for hour in range(3):
        pages, error = desk.run(*("123456789" if hour == 0 else ""), state=state, after=hour * 3600)
        state = pages[-1].state
        assert (len(desk.asked), error) == (9 if hour == 0 else 8, "")
    assert (state, len(names(pages))) == ("[1]", 8)


def test_those_that_are_not_there_leave_room_for_one_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feedback.collectors.live.owed.MOST_OWED", 1)
    pages, error = Desk("2").run("1", "2", state=kept(("8", AT - 60, AT, 1), ("9", AT - 60, AT, 2)))
    assert pages[-1].state == kept(("8", AT - 60, AT, 1), ("9", AT - 60, AT, 2), ("2", AT, AT))
    assert error.startswith("1 of the tickets could not be read")


def test_one_that_was_not_there_for_a_while_is_read() -> None:
    pages, error = Desk().run("1", state=kept(("2", AT - 60, AT - 60, 2)))
    assert (names(pages), pages[-1].state, error) == (["1", "2"], "[1]", "")


@pytest.mark.parametrize(("missed", "left"), [(0, kept(("2", AT - 60, AT, 1))), (2, "[1]")])
def test_a_page_that_comes_twice_makes_nothing_gone_sooner_or_later(missed: int, left: str) -> None:
    state = kept(("2", AT - 60, AT - 60, missed))
    pages, _ = Desk("2", error=NOT_THERE).run("1", "2", "2", "2", "2", state=state)
    assert pages[-1].state == left


def test_a_state_of_before_the_runs_were_counted_is_read() -> None:
    before = json.dumps({"reached": [1], "owed": [["2", AT - 60, AT - 60]]})
    assert Desk("2").run("1", state=before)[0][-1].state == kept(("2", AT - 60, AT))


def test_the_list_is_asked_where_one_fails_that_was_not_owed() -> None:
    desk = Desk("2", "3", "9")
    desk.run("1", "2", "3", state=kept(("9", AT - 60, AT - 60)))
    assert desk.lists == 2


def test_who_wants_to_be_left_alone_is_left_alone() -> None:
    pages, error = Desk("2", error=Unreachable("desk asks for fewer requests (429).", 3600)).run("1", "2")
    assert (pages, error) == ([], "desk asks for fewer requests (429).")


def test_a_run_in_which_ten_fail_in_a_row_remembers_them_and_does_not_move_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feedback.collectors.live.owed.MOST_IN_A_ROW", 3)
    desk = Desk(*"1245678")
    pages, error = desk.run(*"123456789", state="[0]", reached="[9]")
    assert [page.state for page in pages] == [
        kept(("1", AT, AT), ("2", AT, AT), reached=[9]),
        kept(("1", AT, AT), ("2", AT, AT), ("4", AT, AT), reached=[9]),
        kept(*((key, AT, AT) for key in "12456"), reached=[9]),
    ]
    assert error == f"3 tickets in a row could not be read, though the list of them can: {BROKEN}"
    assert desk.asked == [(key, False) for key in "123456"]
    # So that a row of them is no end: what is known to fail does not count again.
    pages, error = desk.run(*"123456789", state=pages[-1].state, after=60)
    assert desk.asked == [(key, key in "12456") for key in "123456789"]
    assert names(pages)[-1] == "9"
    assert error.startswith("7 of the tickets could not be read")


@pytest.mark.parametrize("state", [None, "[0]"])
def test_where_the_first_page_is_all_that_fails_the_place_to_go_on_from_stays(
    monkeypatch: pytest.MonkeyPatch, state: str | None
) -> None:
    monkeypatch.setattr("feedback.collectors.live.owed.MOST_IN_A_ROW", 2)
    pages, _ = Desk("1", "2").run("1", "2", "3", state=state, reached="[9]")
    assert [page.state for page in pages] == [
        kept(("1", AT, AT), ("2", AT, AT), reached=json.loads(state) if state else None)
    ]


def test_more_than_can_be_remembered_are_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feedback.collectors.live.owed.MOST_OWED", 2)
    pages, error = Desk("2", "3", "4").run("1", "2", "3", "4", "5", "6")
    assert [page.state for page in pages] == [kept(("2", AT, AT)), kept(("2", AT, AT), ("3", AT, AT))]
    assert error == f"2 tickets could not be read and are waited for; before one more is passed over: {BROKEN}"
