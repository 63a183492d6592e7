"""What the columns of exports are drafted as, by their names: headers as shops, platforms and help desks give them (cases/headers.jsonl)."""

import json
from pathlib import Path

import pytest

from feedback.collectors.layout import Pick, parse_layout
from feedback.collectors.suggest import suggest_layout

CASES = Path(__file__).parent / "cases" / "headers.jsonl"
HEADERS = [json.loads(line) for line in CASES.read_text(encoding="utf-8").splitlines()]


def drafted(columns: list[str]) -> dict[str, str | None]:
    """What the layout that is drafted reads each column as."""
    layout = parse_layout(suggest_layout("x", columns), "x")
    found: dict[str, str | None] = dict.fromkeys(columns)
    picks = dict(layout.columns)
    for text in layout.texts:
        picks[text.suffix] = text.text
        picks[f"{text.suffix}'s date"] = text.posted_at or Pick(())
    found |= {column: field for field, pick in picks.items() for column in pick.columns}
    return found | {score.column: score.metric for score in layout.scores}


@pytest.mark.parametrize("case", HEADERS, ids=[case["of"] for case in HEADERS])
def test_each_column_is_drafted_as_what_it_holds(case: dict[str, dict[str, str | None]]) -> None:
    assert drafted(list(case["columns"])) == case["columns"]
