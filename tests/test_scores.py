"""The ratings of a response: which stay when an export tells some of them."""

import pytest

from storage.records import Score
from storage.scores import are_alike, with_others


def nps(value: float, question: str) -> Score:
    return Score("nps", value, 0, 10, question)


KNOWN = (nps(9, "a"), nps(3, "b"))


@pytest.mark.parametrize(
    "told, rates, found",
    [
        ((nps(9, "a"), nps(3, "b")), "ab", KNOWN),
        ((nps(3, "b"), nps(9, "a")), "ab", KNOWN),  # the order of the questions is no news
        ((nps(9, "a"),), "a", KNOWN),
        ((nps(8, "a"),), "a", (nps(8, "a"), nps(3, "b"))),
        ((nps(9, "a"),), "ab", (nps(9, "a"),)),
        ((), "a", (nps(3, "b"),)),
        ((nps(9, "a"), nps(5, "c")), "ac", (nps(9, "a"), nps(5, "c"), nps(3, "b"))),
        ((nps(9, "c"), nps(3, "b")), "bc", (nps(9, "c"), nps(3, "b"))),  # a question worded anew
        ((nps(9, "a"), nps(3, "c")), "ac", (nps(9, "a"), nps(3, "c"))),
        ((nps(9, "c"),), "abc", (nps(9, "c"),)),
        ((nps(7, "c"),), "c", (nps(7, "c"), *KNOWN)),
        ((), "", KNOWN),
    ],
)
def test_ratings_to_questions_that_nothing_is_told_of_stay(
    told: tuple[Score, ...], rates: str, found: tuple[Score, ...]
) -> None:
    assert with_others(told, frozenset(rates), KNOWN) == found


def test_of_ratings_that_an_earlier_version_stored_without_a_question_none_stays() -> None:
    assert with_others((nps(9, "a"),), frozenset("a"), (nps(9, ""), nps(3, ""))) == (nps(9, "a"),)
    assert with_others((), frozenset(), (nps(9, ""),)) == (nps(9, ""),)  # nothing is told


def test_ratings_are_alike_whatever_their_questions_are_known_by() -> None:
    assert are_alike((nps(9, "a"), nps(3, "b")), (nps(3, "c"), nps(9, "d")))
    assert not are_alike((nps(9, "a"),), (nps(9, "a"), nps(9, "b")))
