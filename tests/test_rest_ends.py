"""Collector rest: what is the end of a list, and what only looks like it."""

import json
from collections.abc import Callable

import pytest
from test_rest import ROWS, fault, ids, pages, row
from test_rest_pages import Shrinking
from wire import Asked, Reply

BY_PAGE: dict[str, object] = {"pages": {"type": "page"}}
ALL = [str(number) for number in range(1, 10)]


@pytest.mark.parametrize("way", ["page", "offset", "none", "link"])
def test_an_answer_of_204_is_the_end_of_a_list_and_its_state_is_kept(way: str) -> None:
    shrinking = Shrinking(7, 3, 0)

    def answer(asked: Asked) -> Reply:
        if way in ("none", "link"):
            return Reply(b"", 204)
        reply = shrinking.answer(asked)
        return reply if reply.content else Reply(b"", 204)

    found, _ = pages({"pages": {"type": way}}, answer)
    assert ids(found) == ([] if way in ("none", "link") else [str(number) for number in range(1, 8)])
    assert (found[-1].state, found[-1].notes) == ("[null, null, null]", ())


def nine(*faults: tuple[int, Reply]) -> Callable[[Asked], Reply]:
    """Nine records on three pages; the faults are answered first, each when its page is asked for."""
    left = list(faults)

    def answer(asked: Asked) -> Reply:
        page = int(asked.query["page"])
        if left and left[0][0] == page:
            return left.pop(0)[1]
        return Reply([row(number) for number in range(3 * page - 2, min(3 * page, 9) + 1)])

    return answer


PASSING = {
    "refused": Reply(b"default backend - 404", 404),
    "empty": Reply([]),
    "204": Reply(b"", 204),
    "the one before": Reply([row(number) for number in (1, 2, 3)]),
}


@pytest.mark.parametrize("fault", PASSING)
def test_a_full_page_and_then_what_looks_like_the_end_once_is_no_end(fault: str) -> None:
    found, _ = pages(BY_PAGE, nine((2, PASSING[fault])))
    assert sorted(ids(found)) == ALL
    found, _ = pages(BY_PAGE, nine((2, PASSING[fault]), (2, Reply(b"", 404))))  # a hole that stays
    assert sorted(ids(found)) == [number for number in ALL if number not in "456"]


@pytest.mark.parametrize(
    ("count", "asked"), [(9, "1 2 1 3 2 4 3 5 4"), (8, "1 2 1 3 2 4 3"), (3, "1 2 1 3 2"), (0, "1")]
)
def test_after_a_full_page_an_end_is_asked_for_three_times(count: int, asked: str) -> None:
    _, web = pages(BY_PAGE, Shrinking(count, 3, 0).answer)
    assert [each.query["page"] for each in web.asked] == asked.split()


@pytest.mark.parametrize("fault", PASSING)
def test_a_last_page_that_looks_like_the_end_once_is_not_lost(fault: str) -> None:
    passing = Reply([row(number) for number in (4, 5, 6)]) if fault == "the one before" else PASSING[fault]
    found, _ = pages(BY_PAGE, nine((3, passing)))
    assert sorted(ids(found)) == ALL


def test_a_page_that_is_not_as_long_as_was_asked_for_is_followed_by_the_end() -> None:
    _, web = pages({"pages": {"type": "page", "size": 4, "size_parameter": "n"}}, Shrinking(3, 4, 0).answer)
    assert [each.query["page"] for each in web.asked] == ["1", "2", "1"]


def test_whatever_is_said_of_the_page_after_an_empty_one_it_is_the_end() -> None:
    for said in (Reply({"detail": "no such page"}, 422), Reply({"error": "page out of range", "items": None})):
        answer = nine((4, Reply({"items": []})), (5, said))
        section = {"records": "items", **BY_PAGE}

        def wrapped(asked: Asked, answer: Callable[[Asked], Reply] = answer) -> Reply:
            reply = answer(asked)
            return Reply({"items": reply.content}) if isinstance(reply.content, list) else reply

        found, _ = pages(section, wrapped)
        assert (ids(found), found[-1].state) == (ALL, "[null, null, null]")


class Reasonable:
    """Shows the last page beyond the end, as PageHelper does where it is told to be `reasonable`."""

    def __init__(self, count: int, size: int) -> None:
        self._pages = [[row(n) for n in range(at, min(at + size, count + 1))] for at in range(1, count + 1, size)]
        self.views = 0

    def answer(self, asked: Asked) -> Reply:
        self.views += 1
        page = self._pages[min(int(asked.query["page"]), len(self._pages)) - 1]
        return Reply([{**each, "views": self.views} for each in page])


@pytest.mark.parametrize(("count", "size", "asked"), [(9, 3, 9), (8, 3, 7), (25, 10, 7), (4, 4, 5)])
def test_the_last_page_once_more_is_the_end(count: int, size: int, asked: int) -> None:
    section = {**BY_PAGE, "since": {"column": "at", "parameter": "since"}}
    found, web = pages(section, Reasonable(count, size).answer)
    assert ids(found) == [str(number) for number in range(1, count + 1)]
    assert json.loads(found[-1].state or "")[0] == f"2026-02-{count:02}T08:00:00Z"
    assert len(web.asked) == asked


def test_as_many_new_records_as_a_page_holds_while_a_list_is_read_are_no_end() -> None:
    rows = [row(number) for number in range(20, 0, -1)]

    def answer(asked: Asked) -> Reply:
        page = int(asked.query["page"])
        if page == 3 and len(rows) == 20:
            rows[:0] = [row(number) for number in range(25, 20, -1)]
        return Reply(rows[5 * page - 5 : 5 * page])

    found, _ = pages(BY_PAGE, answer)
    assert {*map(str, range(1, 21))} <= {*ids(found)}


NOTE = "the second page was the first one again: if there are more pages than one, [pages] parameter is not what the interface calls 'page'."


@pytest.mark.parametrize(
    ("size", "notes", "later"), [(0, (NOTE,), ()), (7, (NOTE,), (NOTE,)), (8, (), ())], ids=["unknown", "full", "short"]
)
def test_a_second_page_that_is_the_first_is_told_where_there_may_be_more(
    size: int, notes: tuple[str, ...], later: tuple[str, ...]
) -> None:
    section = {"pages": {"type": "page", "size_parameter": "n", "size": size}}
    found, web = pages(section, lambda _asked: Reply(ROWS))
    assert (ids(found), found[-1].notes) == (ids(found[:1]), notes)
    assert len(web.asked) <= 5
    again, _ = pages(section, lambda _asked: Reply(ROWS), found[-1].state)
    assert again[-1].notes == later


def test_by_offset_an_empty_page_where_records_were_just_now_is_asked_for_once_more() -> None:
    shrinking, faults = Shrinking(250, 100, 0), [Reply([])]

    def answer(asked: Asked) -> Reply:
        return faults.pop() if faults and asked.query["offset"] == "90" else shrinking.answer(asked)

    found, _ = pages({"pages": {"type": "offset"}}, answer)
    assert ids(found) == [str(number) for number in range(1, 251)]


def by_last_seen(asked: Asked) -> Reply:
    """Three records a page and the id of the last of them; where there is none, the one that was asked for."""
    after = int(asked.query.get("after", 0))
    shown = ROWS[after : after + 3]
    return Reply({"rows": shown, "next": str(shown[-1]["id"]) if shown else str(after)})


def by_last_address(asked: Asked) -> Reply:
    content = json.loads(by_last_seen(asked).body())
    return Reply({**content, "next": f"/v1?after={content['next']}"})


@pytest.mark.parametrize(
    ("way", "answer"),
    [({"type": "cursor", "parameter": "after"}, by_last_seen), ({"type": "next"}, by_last_address)],
    ids=["cursor", "next"],
)
def test_a_page_without_records_that_leads_back_to_itself_is_the_end(
    way: dict[str, object], answer: Callable[[Asked], Reply]
) -> None:
    section = {"records": "rows", "pages": {**way, "cursor": "next"}, "since": {"column": "at", "parameter": "since"}}
    found, web = pages(section, answer)
    assert ids(found) == [str(number) for number in range(1, 8)]
    assert (found[-1].state, found[-1].notes) == ('["2026-02-07T08:00:00Z", null, null]', ())
    assert [each.query.get("after") for each in web.asked] == [None, "3", "6", "7"]
    again, web = pages(section, lambda _asked: Reply({"rows": [], "next": "/v1?after=7"}), found[-1].state)
    assert (ids(again), again[-1].state, len(web.asked)) == ([], found[-1].state, 2)


def test_who_goes_on_at_the_last_page_and_finds_it_empty_is_at_the_end() -> None:
    cut_off = '[null, "2026-02-07T08:00:00Z", "7", "2026-02-08T08:00:00Z"]'
    section = {
        "records": "rows",
        "pages": {"type": "cursor", "parameter": "after", "cursor": "next"},
        "since": {"column": "at"},
    }
    found, web = pages(section, by_last_seen, cut_off)
    assert (ids(found), found[-1].state) == ([], '["2026-02-07T08:00:00Z", null, null]')
    assert [each.query["after"] for each in web.asked] == ["7"]


def test_a_page_without_records_that_leads_on_may_be_in_the_middle() -> None:
    def answer(asked: Asked) -> Reply:
        after = int(asked.query.get("cursor", 0))
        return Reply(
            {"rows": ROWS[after : after + 1] if after % 3 == 0 else [], "next": after + 1 if after < 7 else None}
        )

    found, _ = pages({"records": "rows", "pages": {"type": "cursor", "cursor": "next"}}, answer)
    assert ids(found) == ["1", "4", "7"]


LAST: dict[str, tuple[object, object]] = {
    "yes or no": (False, True),
    "numbers": (0, 1),
    "words": ("false", "True"),
    "a letter": ("N", "Y"),
    "left out until then": (None, True),
}


@pytest.mark.parametrize("said", LAST)
def test_a_list_ends_where_it_says_that_this_page_is_the_last(said: str) -> None:
    no, yes = LAST[said]

    def answer(asked: Asked) -> Reply:
        page = int(asked.query.get("page", 1))
        return Reply(
            {"rows": ROWS[3 * page - 3 :][:3], "next": str(page + 1), "page": {"is_end": yes if page == 3 else no}}
        )

    for way in ({"type": "page"}, {"type": "cursor", "parameter": "page", "cursor": "next"}):
        found, web = pages({"records": "rows", "pages": {**way, "last": "page.is_end"}}, answer)
        assert ids(found) == [str(number) for number in range(1, 8)]
        assert {each.query.get("page", "1") for each in web.asked} == {"1", "2", "3"}


def test_the_number_of_the_last_page_is_no_word_that_this_is_it() -> None:
    def answer(asked: Asked) -> Reply:
        return Reply({"rows": ROWS[3 * int(asked.query["page"]) - 3 :][:3], "last_page": 3})

    found, _ = pages({"records": "rows", "pages": {"type": "page", "last": "last_page"}}, answer)
    assert ids(found) == [str(number) for number in range(1, 8)]


@pytest.mark.parametrize("no", [False, 0, "false", "N", "", None])
def test_a_list_ends_where_it_says_that_there_is_no_more(no: object) -> None:
    section = {"records": "rows", "pages": {"type": "cursor", "cursor": "next", "more": "more"}}
    found, web = pages(section, lambda _asked: Reply({"rows": ROWS, "next": "a", "more": no}))
    assert (len(ids(found)), len(web.asked)) == (7, 1)


def test_an_answer_of_200_with_nothing_in_it_is_no_end_as_an_outage_looks_the_same() -> None:
    assert fault(BY_PAGE, lambda _asked: Reply(b"")).endswith("/v1 answers with nothing where JSON was due.")
