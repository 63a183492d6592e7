from collections import Counter
from pathlib import Path

from benchmarks.reviews import texts, write_csv


def test_the_same_reviews_are_generated_at_every_run(tmp_path: Path) -> None:
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    assert write_csv(one, None, "copies", 300) == write_csv(other, None, "copies", 300)
    assert one.read_bytes() == other.read_bytes()


def test_generated_reviews_are_all_different_unless_copies_are_asked_for() -> None:
    assert Counter(texts(None, "unique", 5_000)).most_common(1)[0][1] == 1
    copies = 5_000 - len(set(texts(None, "copies", 5_000)))
    assert 400 < copies < 1_000  # a fifth are copies, about half of those to the letter


def test_repeated_reviews_come_round_again() -> None:
    found = list(texts(None, "repeated", 20_010))
    assert found[:10] == found[20_000:]
