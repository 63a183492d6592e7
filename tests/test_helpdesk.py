"""Reading the fields of a help desk's answers, which may be anything."""

from collections.abc import Callable

import pytest

from feedback.collectors.base import Unreadable
from feedback.collectors.live import Page
from feedback.collectors.live.helpdesk import (
    IdlePages,
    as_many_as_fit,
    at,
    count_at,
    id_at,
    in_pages,
    listed,
    object_at,
    seconds_at,
    turn_of,
    words_at,
)
from feedback.collectors.live.json_body import TooLarge
from feedback.collectors.live.web import Answer
from feedback.errors import CollectError

ANSWER: dict[str, object] = {"a": {"b": {"c": 5}}, "list": [1], "words": "  很快 ", "none": None, "yes": True, "no": ""}


@pytest.mark.parametrize(
    "read, keys, found",
    [
        (at, ("a", "b", "c"), 5),
        (at, ("a", "c", "b"), None),
        (at, ("list", "b"), None),
        (at, (), ANSWER),
        (object_at, ("a", "b"), {"c": 5}),
        (object_at, ("list",), {}),
        (words_at, ("words",), "很快"),
        (words_at, ("a",), ""),
        (id_at, ("a", "b", "c"), "5"),
        (id_at, ("words",), "  很快 "),
        (id_at, ("no",), None),
        (id_at, ("yes",), None),
        (id_at, ("none",), None),
    ],
)
def test_what_lies_at_some_keys_is_found_or_is_nothing(
    read: Callable[..., object], keys: tuple[str, ...], found: object
) -> None:
    assert read(ANSWER, *keys) == found


@pytest.mark.parametrize(
    "written, seconds",
    [
        (1_772_330_400, 1_772_330_400),
        (1_772_330_400.9, 1_772_330_400),
        ("2026-03-01T02:00:00Z", 1_772_330_400),
        ("2026-03-01T10:00:00.507+08:00", 1_772_330_400),
        ("2026-03-01T02:00:00", None),  # in which zone?
        ("yesterday", None),
        (True, None),
        (None, None),
        ([], None),
        (float("inf"), None),
        (float("-inf"), None),
        (float("nan"), None),
        (10**30, None),
        (10**400, None),
        (253_402_300_799, 253_402_300_799),
        ("0001-01-01T00:00:00+14:00", -62_135_647_200),
        ("9999-12-31T23:59:59-14:00", 253_402_351_199),
    ],
)
def test_a_moment_is_read_as_a_number_or_as_iso_with_its_zone(written: object, seconds: int | None) -> None:
    assert seconds_at({"at": written}, "at") == seconds


def test_a_list_is_due_where_it_is_asked_for() -> None:
    assert listed(ANSWER, "host/path", "list") == [1]
    assert listed([2], "host/path") == [2]
    with pytest.raises(CollectError) as wrong:
        listed(ANSWER, "host/path", "a", "b")
    assert str(wrong.value) == "host/path answers without the list 'a.b'. The interface may have changed."
    with pytest.raises(CollectError) as wrong:
        listed(ANSWER, "host/path")
    assert str(wrong.value) == "host/path answers with something that is no list. The interface may have changed."


@pytest.mark.parametrize("count, sizes", [(0, [0]), (500, [500]), (501, [500, 1])])
def test_the_last_page_of_some_items_has_the_state_and_the_notes(count: int, sizes: list[int]) -> None:
    pages = list(in_pages([Unreadable(str(number), "") for number in range(count)], "state", ("note",)))
    assert [len(page.items) for page in pages] == sizes
    assert [(page.state, page.notes) for page in pages[:-1]] == [(None, ())] * (len(sizes) - 1)
    assert pages[-1] == Page(pages[-1].items, "state", ("note",))


def test_a_hundred_pages_without_news_are_borne_and_one_more_is_not() -> None:
    idle = IdlePages()
    idle.see([1], "host/path")
    for _ in range(100):
        idle.see([1], "host/path")
    with pytest.raises(CollectError) as wrong:
        idle.see([1], "host/path")
    assert str(wrong.value) == "host/path gives page after page with nothing new in it. The interface may have changed."


@pytest.mark.parametrize(
    "written, count",
    [(0, 0), (7, 7), (10**15, 10**15), (10**15 + 1, None), (-1, None), (True, None), (2.0, None), ("7", None)],
)
def test_a_count_is_a_number_that_the_store_can_hold(written: object, count: int | None) -> None:
    assert count_at({"count": written}, "count") == count


@pytest.mark.parametrize(
    "number, turn",
    [("7", 7), ("9" * 15, 10**15 - 1), ("1" + "0" * 30, None), ("9" * 4000, None), ("a7", None), ("", None)],
)
def test_an_id_that_is_a_number_serves_as_a_place_unless_the_store_can_not_hold_it(
    number: str, turn: int | None
) -> None:
    assert turn_of(number) == turn
    assert turn_of(None) is None


def test_what_is_too_large_is_asked_for_in_ever_smaller_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def ask(count: int) -> Answer:
        asked.append(count)
        if count > most:
            raise TooLarge(f"{count} is too much")
        return Answer("host/path", "", {}, b"[1]")

    most = 10
    assert as_many_as_fit(ask, 100)[1:] == ([1], 10)
    assert as_many_as_fit(ask, 5)[1:] == ([1], 5)
    assert asked == [100, 10, 5]
    asked.clear()
    most = 0
    with pytest.raises(TooLarge, match="1 is too much"):
        as_many_as_fit(ask, 50)
    assert asked == [50, 5, 1]
    monkeypatch.setattr("feedback.collectors.live.json_body.MOST_VALUES", 0)  # what an answer holds counts as well
    most = 100
    with pytest.raises(TooLarge, match="more than a million values"):
        as_many_as_fit(ask, 10)
