"""Rows whose ids were ruined on the way, as Excel cuts long numbers, known again by what they say.

Such a row is told under an id made of its contents (`feedback.intake`), and would be there twice where it is stored under the id that it had. It is the
same where all agrees: words, ratings, minute, product, shop, question, and who said it, if that is told. Of several alike as many are the same as are
stored; one more is new. Of what has no date nothing says that it is the same.

Without an id it is the words that make one. Where Excel made an error of them, they began as formulas do, and all else has to agree.
"""

import json
import sqlite3
from collections.abc import Collection, Sequence
from typing import NamedTuple

from storage.adoption import MADE_IDS, unknown
from storage.keeping import as_known, says_nothing_new
from storage.records import Incoming, Verbatim
from storage.scores import scores_of

_FIELDS = Verbatim._fields[:-1]  # but the scores
_ALIKE = ("kind", "channel", "role", "product", "store", "question")
_TO_THE_MINUTE = len("2026-03-01T12:00")  # all of it that Excel leaves in a date

_FORMULAS = ("-", "=", "+", "@")  # what they begin with

_Key = tuple[object, ...]


class _Stored(NamedTuple):
    id: int
    content_hash: int
    verbatim: Verbatim

    def may_be_of(self, told: Verbatim) -> bool:
        """Whether nothing says that another person said it: the number of a customer may be ruined too."""
        customers = {self.verbatim.customer_id, told.customer_id}
        return None in customers or len(customers) == 1


def known_by_contents(
    connection: sqlite3.Connection, batch: Sequence[Incoming], lost_ids: Collection[str], garbled: Collection[str]
) -> list[Incoming]:
    """The batch, with the ids that are stored for those of it whose made ids are among `lost_ids`, and what is known of them besides.

    `garbled`: ids of those whose words are not told.
    """
    dated = [item.verbatim for item in batch if item.verbatim.source_id in lost_ids and item.verbatim.posted_at]
    told = unknown(connection, dated) if dated else []
    found = _stored(connection, told) if told else {}
    used: set[int] = set()
    known: dict[str, _Stored] = {}
    for verbatim in told:
        key = _key(verbatim, None if verbatim.source_id in garbled else verbatim.text)
        alike = [each for each in found.get(key, ()) if each.may_be_of(verbatim)]
        # Behind the dash stands how many of its file came before it that say the same.
        left = (each for each in alike[int(verbatim.source_id.rpartition("-")[2]) :] if each.id not in used)
        if own := next(left, None):
            used.add(own.id)
            known[verbatim.source_id] = own
    return [_named(item, own) if (own := known.get(item.verbatim.source_id)) else item for item in batch]


def _named(item: Incoming, known: _Stored) -> Incoming:
    told, stored = item.verbatim, known.verbatim
    left_out = {name: getattr(stored, name) for name in _FIELDS if getattr(told, name) in (None, "")}
    told = told._replace(**left_out, source_id=stored.source_id)._replace(posted_at=stored.posted_at)
    if says_nothing_new(told, stored):
        return as_known(item, told, known.content_hash, stored.version)
    return item._replace(verbatim=told)


def _key(verbatim: Verbatim, text: str | None) -> _Key:
    alike = (getattr(verbatim, name) for name in _ALIKE)
    return (text, *alike, (verbatim.posted_at or "")[:_TO_THE_MINUTE], *sorted(verbatim.scores))


def _stored(connection: sqlite3.Connection, told: Sequence[Verbatim]) -> dict[_Key, list[_Stored]]:
    """What is stored of the same minutes, under ids of its own in the same words or in such as Excel garbles, by all that has to agree."""
    minutes = {(verbatim.posted_at or "")[:_TO_THE_MINUTE] for verbatim in told}
    rows = connection.execute(
        # "~" comes behind whatever follows the minute in a date; + keeps it from going through the whole source.
        f"select v.id, content_hash, {', '.join(_FIELDS)} from json_each(?) minute "
        "join verbatims v on posted_at >= minute.value and posted_at < minute.value || '~' "
        f"where +source = ? and (substr(text, 1, 1) in {_FORMULAS} or text in (select value from json_each(?)) and source_id not glob ?) "
        "order by v.id",
        (
            json.dumps(sorted(minutes)),
            told[0].source,
            json.dumps(sorted({verbatim.text for verbatim in told})),
            MADE_IDS,
        ),
    )
    stored = [_Stored(row_id, content_hash, Verbatim(*fields)) for row_id, content_hash, *fields in rows]
    scores = scores_of(connection, [each.id for each in stored])
    found: dict[_Key, list[_Stored]] = {}
    for each in stored:
        with_scores = each._replace(verbatim=each.verbatim._replace(scores=scores.get(each.id, ())))
        found.setdefault(_key(with_scores.verbatim, each.verbatim.text), []).append(with_scores)
        if each.verbatim.text[:1] in _FORMULAS:
            found.setdefault(_key(with_scores.verbatim, None), []).append(with_scores)
    return found
