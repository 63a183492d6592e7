"""Runs over all live collectors, killed at random moments; `python -m benchmarks.kills --kills 1000` does it at length."""

from pathlib import Path

from benchmarks.kills import attack, names_of_worlds


def test_runs_that_are_killed_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    [outcome] = attack(tmp_path, kills=12, seed=7)
    assert outcome.kills == 12
    assert {name: figures.wrong for name, figures in outcome.figures.items()} == dict.fromkeys(names_of_worlds(), 0)
    assert all(figures.records for figures in outcome.figures.values())
