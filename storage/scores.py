"""The ratings of one thing that was rated: a response to a survey has one for each question.

Questions come and go while a survey runs, and what a question is taken for is guessed from each export: an export speaks of
the questions that it has as ratings, and says nothing of the others (`Incoming.rates`).
"""

import json
import sqlite3
from collections.abc import Collection, Iterable, Sequence

from storage.records import Metric, Rates, Score, Withdrawal


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


def with_others(told: Sequence[Score], rates: Rates, known: Sequence[Score]) -> tuple[Score, ...]:
    """The ratings that are told, and the known ones of questions that nothing is told of.

    One that is told for the first time, and is what another question was answered with that is there no more, is the same
    rating to a question that was worded anew.
    """
    before = {score.question for score in known}
    scores = [Score(*score) for score in told]
    others = _of_others(known, rates, scores)
    for score in scores:
        if score.question not in before:
            same = (
                other
                for other in others
                if other.question and (other.metric, other.value) == (score.metric, score.value)
            )
            others = _without(others, next(same, None))
    found = (*scores, *others)
    return tuple(known) if sorted(found) == sorted(known) else found


def told_by_question(known: Sequence[Score]) -> tuple[Score, ...]:
    """Without those that an earlier version stored, for a file that is read anew in which there are no more than it tells."""
    return tuple(score for score in known if score.question)


def are_alike(scores: Sequence[Score], others: Sequence[Score]) -> bool:
    """Whether they are the same ratings, whatever their questions are known by."""
    return sorted(score[:-1] for score in scores) == sorted(score[:-1] for score in others)


def withdraw_ratings(
    connection: sqlite3.Connection, source: str, void: Collection[Withdrawal], same_file: Collection[int]
) -> tuple[list[int], list[int]]:
    """Remove ratings by the questions that each says: the verbatims that have others, and those that have nothing any more."""
    rates = {each.source_id: each.rates for each in void if each.rates is not None}
    rows = connection.execute(
        "select id, source_id, reading_id from verbatims where source = ? and source_id in (select value from json_each(?))",
        (source, json.dumps(list(rates))),
    )
    found = {row_id: (rates[source_id], reading_id in same_file) for row_id, source_id, reading_id in rows}
    left: dict[int, list[Score]] = {}
    for row_id, known in scores_of(connection, list(found)).items():
        told, anew = found[row_id]
        others = _of_others(told_by_question(known) if anew else known, told)
        if len(others) < len(known):
            left[row_id] = others
    rewrite_scores(connection, list(left.items()))
    return [row_id for row_id, others in left.items() if others], [
        row_id for row_id, others in left.items() if not others
    ]


def _of_others(known: Sequence[Score], rates: Rates, told: Sequence[Score] = ()) -> list[Score]:
    others = [score for score in known if not score.question or score.question not in rates]
    for metric in {score.metric for score in others if not score.question}:
        if not any(score.question for score in known if score.metric == metric):
            others = _without_replaced(others, metric, rates, told)
    return others


def _without_replaced(others: list[Score], metric: Metric, rates: Rates, told: Sequence[Score]) -> list[Score]:
    """Without the ratings that an earlier version stored on this metric, by no question, as far as others take their places.

    Those that are told now do, and the same value first. Where these are fewer, the rest is gone only if there are questions enough
    that were not answered; else the question of some may have been deleted.
    """
    places = [score.value for score in told if score.metric == metric]
    unsure = list[float]()
    for value in places:
        same = next((other for other in _by_nothing(others, metric) if other.value == value), None)
        others, unsure = (_without(others, same), unsure) if same else (others, [*unsure, value])
    for _ in unsure:
        others = _without(others, next(iter(_by_nothing(others, metric)), None))
    left = _by_nothing(others, metric)
    unanswered = list(rates.values()).count(metric) - len(places)
    return others if len(left) > unanswered else [other for other in others if other not in left]


def _by_nothing(scores: Sequence[Score], metric: Metric) -> list[Score]:
    return [score for score in scores if score.metric == metric and not score.question]


def _without(scores: Sequence[Score], one: Score | None) -> list[Score]:
    """Without one of those that are equal to it."""
    found = list(scores)
    if one is not None:
        found.remove(one)
    return found
