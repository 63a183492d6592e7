"""The card of an evaluation, one row per figure, so that it can be read beside the data."""

import sqlite3
from collections.abc import Sequence
from dataclasses import astuple, dataclass


@dataclass(frozen=True, slots=True)
class EvaluationRow:
    """One figure. `part` is "all", "class …" or "source …"; `low` and `high` are 95 % limits, `n` what the value is a share of."""

    evaluated_at: str
    gold: str
    engine: str
    engine_version: str
    field: str
    part: str
    metric: str
    value: float
    low: float | None
    high: float | None
    n: int


def save_evaluation(connection: sqlite3.Connection, rows: Sequence[EvaluationRow]) -> None:
    """Store a card inside the caller's transaction, in place of former ones of the same gold, engine and version."""
    connection.executemany(
        "delete from evaluations where gold = ? and engine = ? and engine_version = ?",
        sorted({(row.gold, row.engine, row.engine_version) for row in rows}),
    )
    connection.executemany(
        "insert into evaluations (evaluated_at, gold, engine, engine_version, field, part, metric, value, low, high, n) "
        "values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [astuple(row) for row in rows],
    )
