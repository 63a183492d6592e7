"""How found opinions are judged."""

import json
from pathlib import Path

import pytest

from nlp.marks import Opinion
from nlp.training.opinion_scores import EXACT, NEAR, cases, opinion_scores
from nlp.training.opinion_sets import Marked
from nlp.training.opinion_sets import Opinion as True_

TRUTH = [Marked("屏幕很亮但是太重", (True_((0, 2), (2, 4), 2), True_(None, (6, 8), 0)))]


def test_what_agrees_to_the_character_is_right() -> None:
    found = [[Opinion((0, 2), (2, 4), "positive"), Opinion(None, (6, 8), "negative")]]
    assert opinion_scores(found, TRUTH, EXACT) == {"aspect": 1, "words": 1, "pair": 1, "triplet": 1}


@pytest.mark.parametrize(
    ("found", "exact", "near"),
    [
        # a character short; another polarity; a target that is not named
        (Opinion((0, 2), (3, 4), "positive"), (1.0, 0.0, 0.0, 0.0), (1.0, 2 / 3, 2 / 3, 2 / 3)),
        (Opinion((0, 2), (2, 4), "negative"), (1.0, 2 / 3, 2 / 3, 0.0), (1.0, 2 / 3, 2 / 3, 0.0)),
        (Opinion((0, 2), (6, 8), "negative"), (1.0, 2 / 3, 0.0, 0.0), (1.0, 2 / 3, 0.0, 0.0)),
    ],
)
def test_each_part_is_judged_by_itself(found: Opinion, exact: tuple[float, ...], near: tuple[float, ...]) -> None:
    for same, expected in ((EXACT, exact), (NEAR, near)):
        assert tuple(opinion_scores([[found]], TRUTH, same).values()) == pytest.approx(expected)


def test_nothing_found_is_nothing_right() -> None:
    assert set(opinion_scores([[]], TRUTH).values()) == {0.0}


def test_cases_are_read_by_kind(tmp_path: Path) -> None:
    row = {
        "kind": "fact",
        "text": "盖子裂了",
        "opinions": [{"aspect": "盖子", "opinion": "裂了", "sentiment": "negative"}],
    }
    path = tmp_path / "cases.jsonl"
    path.write_text(json.dumps(row) + "\n" + json.dumps({"kind": "none", "text": "几点开门", "opinions": []}))
    assert cases(path) == {
        "fact": [Marked("盖子裂了", (True_((0, 2), (2, 4), 0),))],
        "none": [Marked("几点开门", ())],
    }
