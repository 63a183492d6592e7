"""Reading the fields of a help desk's answers, which may be anything."""

from collections.abc import Callable

import pytest

from feedback.collectors.base import Unreadable
from feedback.collectors.live import Page
from feedback.collectors.live.helpdesk import IdlePages, at, id_at, in_pages, listed, object_at, seconds_at, words_at
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
