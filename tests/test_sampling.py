"""Counting copies and repetitions in a memory of fixed size: exact while there are few, estimated from a sample beyond."""

import random

import pytest

from feedback.copies import fingerprints, similar
from feedback.sampling import Copies, Count, Repeats
from nlp.normalize import fold


def texts(count: int) -> list[str]:
    """One in five an exact copy of an earlier one, one in five a near one."""
    draw = random.Random(3)
    found: list[str] = []
    for number in range(count):
        fresh = "".join(chr(0x4E00 + draw.randrange(3000)) for _ in range(40))
        ending = {1: "", 2: "啊"}.get(number % 5)
        found.append(fresh if ending is None or not found else draw.choice(found) + ending)
    return found


def copies(said: list[str], most: int, characters: int = 10**9) -> Copies:
    found = Copies(similar, most, characters)
    for text, fingerprint in zip(said, fingerprints([fold(text) for text in said]), strict=True):
        found.add(text, fingerprint)
    return found


@pytest.mark.parametrize("most, characters", [(1_000, 10**9), (10**9, 20_000)])
def test_of_many_texts_copies_are_estimated_from_those_that_are_kept(most: int, characters: int) -> None:
    said = texts(5_000)
    whole, sample = copies(said, 10**9), copies(said, most, characters)
    assert (whole.exact.exact, whole.near.exact, sample.near.exact) == (True, True, False)
    assert len(sample._bands.kept) <= 1_000
    assert sample._characters <= characters
    assert sample.exact.count == pytest.approx(whole.exact.count, rel=0.2)
    assert sample.near.count == pytest.approx(whole.near.count, rel=0.2)


def test_of_many_ids_repetitions_are_estimated_from_those_that_are_kept() -> None:
    draw = random.Random(3)
    found, known = Repeats(500), [draw.randrange(2**64) for _ in range(10_000)]
    for value in known:
        found.add(value)
        if draw.random() < 0.3:
            found.add(value, contents=1)
    assert found.repeated.count == pytest.approx(3_000, rel=0.2)
    assert found.changed == found.repeated
    assert not found.changed.exact
    assert len(found._sample.kept) <= 500


@pytest.mark.parametrize("seed", range(5))
def test_what_very_many_wrote_stands_for_itself_alone(seed: int) -> None:
    draw = random.Random(seed)
    found, template = Repeats(100), draw.randrange(2**64)
    for _ in range(3_000):
        found.add(draw.randrange(2**64))
        found.add(template)
    assert found.repeated == Count(2_999, exact=False)


def test_what_came_again_and_what_is_void_is_lost_once_and_only_from_those_of_its_label() -> None:
    found = Repeats()
    for value, label in ((1, "customer"), (1, "customer"), (2, "customer"), (3, "agent"), (4, "agent")):
        found.add(value, label=label)
    for value in (1, 3, 5):
        found.void(value)
    assert (found.lost("customer"), found.lost("agent"), found.lost("bot")) == (Count(2), Count(1), Count(0))


def test_of_many_ids_what_is_void_is_estimated_from_those_that_are_kept() -> None:
    draw = random.Random(3)
    found, known = Repeats(500), [draw.randrange(2**64) for _ in range(10_000)]
    for place, value in enumerate(known):
        found.add(value)
        if place % 3 == 0:
            found.void(value)
    assert found.lost("").count == pytest.approx(3_333, rel=0.2)
