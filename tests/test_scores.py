"""The ratings of a response: which stay when an export tells some of them."""

import pytest

from storage.records import Metric, Score
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
    assert with_others(told, dict.fromkeys(rates, "nps"), KNOWN) == found


def csat(value: float, question: str = "") -> Score:
    return Score("csat", value, 1, 5, question)


FORMER = (nps(9, ""), csat(4), csat(2))  # stored by an earlier version, which knew of no questions


@pytest.mark.parametrize(
    "told, rates, found",
    [
        ((nps(9, "n"), csat(4, "c"), csat(2, "d")), "ncd", (nps(9, "n"), csat(4, "c"), csat(2, "d"))),
        ((nps(8, "n"), csat(5, "c"), csat(4, "d")), "ncd", (nps(8, "n"), csat(5, "c"), csat(4, "d"))),
        ((csat(4, "c"), csat(2, "d")), "cd", (csat(4, "c"), csat(2, "d"), nps(9, ""))),  # the NPS question was deleted
        ((csat(4, "c"), csat(2, "d")), "ncd", (csat(4, "c"), csat(2, "d"))),  # its answer was taken back
        ((nps(9, "n"), csat(2, "d")), "nd", (nps(9, "n"), csat(2, "d"), csat(4))),
        ((nps(9, "n"), csat(3, "d")), "nd", (nps(9, "n"), csat(3, "d"), csat(2))),
        ((nps(9, "n"), csat(2, "d")), "ncd", (nps(9, "n"), csat(2, "d"))),
        ((), "ncd", ()),
        ((), "c", (nps(9, ""), csat(4), csat(2))),  # nothing says which of the two
        ((), "x", FORMER),
        ((), "", FORMER),
    ],
)
def test_ratings_that_an_earlier_version_stored_without_a_question_stay_until_others_take_their_places(
    told: tuple[Score, ...], rates: str, found: tuple[Score, ...]
) -> None:
    metrics: dict[str, Metric | None] = {"n": "nps", "c": "csat", "d": "csat", "x": None}
    rated = {question: metrics[question] for question in rates}
    now = with_others(told, rated, FORMER)
    assert now == found
    assert with_others(told, rated, now) == now  # as often as it is told


def test_ratings_are_alike_whatever_their_questions_are_known_by() -> None:
    assert are_alike((nps(9, "a"), nps(3, "b")), (nps(3, "c"), nps(9, "d")))
    assert not are_alike((nps(9, "a"),), (nps(9, "a"), nps(9, "b")))
