"""The ratings of one thing that was rated: a response to a survey has one for each question.

Questions come and go while a survey runs, and what a question is taken for is guessed from each export: an export speaks of
the questions that it has as ratings, and says nothing of the others (`Incoming.rates`).
"""

import json
import sqlite3
from collections.abc import Collection, Iterable, Sequence, Set

from storage.records import Score, Withdrawal


def scores_of(connection: sqlite3.Connection, verbatim_ids: Collection[int]) -> dict[int, tuple[Score, ...]]:
    found: dict[int, tuple[Score, ...]] = {}
    for verbatim_id, *score in connection.execute(
        "select verbatim_id, metric, value, scale_low, scale_high, question_key from scores "
        "where verbatim_id in (select value from json_each(?)) order by verbatim_id, number",
        (json.dumps(list(verbatim_ids)),),
    ):
        found[verbatim_id] = (*found.get(verbatim_id, ()), Score(*score))
    return found


def write_scores(connection: sqlite3.Connection, rated: Iterable[tuple[int, Sequence[Score]]]) -> None:
    connection.executemany(
        "insert into scores (verbatim_id, number, metric, value, scale_low, scale_high, question_key) values (?, ?, ?, ?, ?, ?, ?)",
        [(row_id, n, *score) for row_id, scores in rated for n, score in enumerate(scores, 1)],
    )


def rewrite_scores(connection: sqlite3.Connection, rated: Sequence[tuple[int, Sequence[Score]]]) -> None:
    connection.executemany("delete from scores where verbatim_id = ?", [(row_id,) for row_id, _ in rated])
    write_scores(connection, rated)


def with_others(told: Sequence[Score], rates: Set[str], known: Sequence[Score]) -> tuple[Score, ...]:
    """The ratings that are told, and the known ones of questions that nothing is told of.

    One that is told for the first time, and is what another question was answered with that is there no more, is the same
    rating to a question that was worded anew. Known ones without a question are of an earlier version: what was told last.
    """
    before = {score.question for score in known}
    others = _of_others(known, rates)
    scores = [Score(*score) for score in told]
    for score in scores:
        if score.question not in before:
            same = next((other for other in others if (other.metric, other.value) == (score.metric, score.value)), None)
            others = [other for other in others if other is not same]
    found = (*scores, *others)
    return tuple(known) if sorted(found) == sorted(known) else found


def are_alike(scores: Sequence[Score], others: Sequence[Score]) -> bool:
    """Whether they are the same ratings, whatever their questions are known by."""
    return sorted(score[:-1] for score in scores) == sorted(score[:-1] for score in others)


def withdraw_ratings(
    connection: sqlite3.Connection, source: str, void: Collection[Withdrawal]
) -> tuple[list[int], list[int]]:
    """Remove ratings by the questions that each says: the verbatims that have others, and those that have nothing any more."""
    rates = {each.source_id: each.rates for each in void if each.rates is not None}
    ids = dict(
        connection.execute(
            "select id, source_id from verbatims where source = ? and source_id in (select value from json_each(?))",
            (source, json.dumps(list(rates))),
        ).fetchall()
    )
    left = {
        row_id: others
        for row_id, known in scores_of(connection, list(ids)).items()
        if len(others := _of_others(known, rates[ids[row_id]])) < len(known)
    }
    rewrite_scores(connection, list(left.items()))
    return [row_id for row_id, others in left.items() if others], [
        row_id for row_id, others in left.items() if not others
    ]


def _of_others(known: Sequence[Score], rates: Set[str]) -> list[Score]:
    return [score for score in known if not rates or (score.question and score.question not in rates)]
