"""Counting what has no id of its own."""

from hypothesis import given, settings
from hypothesis import strategies as st

from storage.occurrences import Occurrences


def test_a_key_is_numbered_by_how_often_it_came_up_before() -> None:
    with Occurrences() as occurrences:
        assert occurrences.number(["a", "b", "a"]) == [0, 0, 1]
        assert occurrences.number(["a"]) == [2]
        assert occurrences.number([]) == []
    with Occurrences() as anew:
        assert anew.number(["a"]) == [0]


@given(keys=st.lists(st.sampled_from("abc"), max_size=30), cut=st.integers(0, 30))
@settings(deadline=None)
def test_numbers_do_not_depend_on_how_the_keys_are_batched(keys: list[str], cut: int) -> None:
    with Occurrences() as one, Occurrences() as two:
        assert one.number(keys) == two.number(keys[:cut]) + two.number(keys[cut:])
