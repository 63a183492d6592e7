"""Rows whose ids were ruined on the way, as Excel cuts long numbers, known again by what they say.

Such a row is told under an id made of its contents (`feedback.intake`), and would be there twice where it is stored under the id that it had. It is the
same where all agrees: words, ratings, minute, product, shop, question, and who said it, if that is told. Two that both tell their seconds, and other ones, are
two, and so is one from what its file tells beside it. Of several alike as many are the same as are stored; one more is new. Of what has no date nothing says
that it is the same.

Without an id it is the words that make one. Where Excel made an error of them, they began as formulas do, and all else has to agree.

Either may be told first: the file is exported anew when it is seen that it was ruined.
"""

import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from storage.adoption import MADE_IDS, unknown
from storage.keeping import as_known, says_nothing_new
from storage.occurrences import Occurrences
from storage.records import Incoming, Verbatim
from storage.scores import scores_of
from storage.told_less import minute_of

_FIELDS = Verbatim._fields[:-1]  # but the scores
_ALIKE = ("kind", "channel", "role", "product", "store", "question")
_FORMULAS = ("-", "=", "+", "@")  # what they begin with
# What has to be the same besides: whoever has a row that is surely his own takes no other's.
_FROM_SURE_TO_POSSIBLE = (("customer_id", "posted_at"), ("customer_id",), ())

_Key = tuple[object, ...]


class _Stored(NamedTuple):
    id: int
    content_hash: int
    verbatim: Verbatim

    def may_be_of(self, told: Verbatim, sure: Sequence[str]) -> bool:
        """Whether nothing says that another person said it, or at another moment: the number of a customer may be ruined too. `sure`: what must be the same even so."""
        if any(getattr(self.verbatim, name) != getattr(told, name) for name in sure):
            return False
        customers = {self.verbatim.customer_id, told.customer_id}
        moments = {self.verbatim.posted_at, told.posted_at}
        return (None in customers or len(customers) == 1) and (
            len(moments) == 1 or not all(map(_tells_seconds, moments))
        )


def has_made_ids(connection: sqlite3.Connection, source: str) -> bool:
    """Whether anything of a source is stored under such an id: only then there is something to take over."""
    where = "source = ? and source_id glob ?"
    row = connection.execute(f"select exists (select 1 from verbatims where {where})", (source, MADE_IDS)).fetchone()
    return bool(row[0])


def known_by_contents(
    connection: sqlite3.Connection,
    reading_id: int,
    batch: Sequence[Incoming],
    lost_ids: Collection[str],
    garbled: Collection[str],
    occurrences: Occurrences,
) -> list[Incoming]:
    """The batch, with the ids that are stored for those of it whose made ids are among `lost_ids`, and what is known of them besides.

    `garbled`: ids of those whose words are not told. `occurrences`: of what this run's batches, of each reading, have told.
    """
    dated = [item.verbatim for item in batch if item.verbatim.source_id in lost_ids and item.verbatim.posted_at]
    told = unknown(connection, dated) if dated else []
    beside = {item.verbatim.source_id for item in batch} - set(lost_ids)
    found = _by_contents(_with_own_words(connection, told)) if told else {}
    keys = [_key(verbatim, None if verbatim.source_id in garbled else verbatim.text) for verbatim in told]
    told_alike = [repr((reading_id, *key, v.customer_id, v.posted_at)) for key, v in zip(keys, told, strict=True)]
    known: dict[str, _Stored] = {}
    numbered = list(zip(told, keys, occurrences.number(told_alike), strict=True))
    for sure in _FROM_SURE_TO_POSSIBLE:
        used = {own.id for own in known.values()}
        for verbatim, key, before in numbered:
            if verbatim.source_id in known:
                continue
            alike = [
                each
                for each in found.get(key, ())
                if each.may_be_of(verbatim, sure) and each.verbatim.source_id not in beside
            ]
            # Those of its file that came before it and say the same have the first.
            if own := next((each for each in alike[before:] if each.id not in used), None):
                used.add(own.id)
                known[verbatim.source_id] = own
    return [_named(item, own) if (own := known.get(item.verbatim.source_id)) else item for item in batch]


def take_over(connection: sqlite3.Connection, reading_id: int, batch: Sequence[Incoming]) -> None:
    """Gives rows that were ruined when they were stored the ids under which a batch of this reading tells them whole, in the caller's transaction."""
    dated = {item.verbatim.source_id: item for item in batch if item.verbatim.posted_at and _may_have_been_ruined(item)}
    told = unknown(connection, [item.verbatim for item in dated.values()]) if dated else []
    if not told:
        return
    beside = {item.verbatim.source_id for item in batch}
    stored = _with_made_ids(connection, told, reading_id)
    found = _by_contents([each for each in stored if each.verbatim.source_id not in beside])
    taken: dict[int, tuple[_Stored, Verbatim]] = {}
    for sure in _FROM_SURE_TO_POSSIBLE:
        left, told = told, []
        for verbatim in left:
            alike = (e for e in _ruined(verbatim, found) if e.id not in taken and e.may_be_of(verbatim, sure))
            if own := next(alike, None):
                taken[own.id] = own, verbatim
            else:
                told.append(verbatim)
    connection.executemany(
        "update verbatims set source_id = ?, posted_at = ?, content_hash = ? where id = ?",
        [_as_told(own, dated[verbatim.source_id]) for own, verbatim in taken.values()],
    )


def _as_told(known: _Stored, item: Incoming) -> tuple[str, str | None, int, int]:
    """What its row is known by from now on. Where nothing but its id and its seconds comes to it, it has not changed."""
    told, stored = item.verbatim, known.verbatim
    moment = told.posted_at if _tells_seconds(told.posted_at) else stored.posted_at
    as_stored = told._replace(source_id=stored.source_id, posted_at=stored.posted_at)
    is_same = says_nothing_new(as_stored, stored) and told.version == stored.version
    return told.source_id, moment, item.content_hash if is_same else known.content_hash, known.id


def _may_have_been_ruined(item: Incoming) -> bool:
    told = item.verbatim
    if fnmatchcase(told.source_id, MADE_IDS):
        return told.text.startswith(_FORMULAS)
    return bool(told.text) or item.rates is None


def _ruined(told: Verbatim, found: Mapping[_Key, Sequence[_Stored]]) -> Iterator[_Stored]:
    if not fnmatchcase(told.source_id, MADE_IDS):
        yield from found.get(_key(told, told.text), ())
    if told.text.startswith(_FORMULAS):
        yield from found.get(_key(told, ""), ())


def _named(item: Incoming, known: _Stored) -> Incoming:
    told, stored = item.verbatim, known.verbatim
    left_out = {name: getattr(stored, name) for name in _FIELDS if getattr(told, name) in (None, "")}
    told = told._replace(**left_out, source_id=stored.source_id)._replace(posted_at=stored.posted_at)
    if says_nothing_new(told, stored):
        return as_known(item, told, known.content_hash, stored.version)
    return item._replace(verbatim=told)


def _key(verbatim: Verbatim, text: str | None) -> _Key:
    alike = (getattr(verbatim, name) for name in _ALIKE)
    return (text, *alike, minute_of(verbatim.posted_at), *sorted(verbatim.scores))


def _tells_seconds(posted_at: str | None) -> bool:
    return posted_at is not None and not posted_at.endswith(":00Z")


def _with_own_words(connection: sqlite3.Connection, told: Sequence[Verbatim]) -> list[_Stored]:
    """Of the same minutes, under ids of its own in the same words or in such as Excel garbles."""
    where = f"substr(text, 1, 1) in {_FORMULAS} or text in (select value from json_each(?)) and source_id not glob ?"
    return _stored(connection, told, where, (_texts(told), MADE_IDS))


def _with_made_ids(connection: sqlite3.Connection, told: Sequence[Verbatim], reading_id: int) -> list[_Stored]:
    """Of the same minutes, under made ids in the same words or in none, and not met in this reading."""
    where = "source_id glob ? and (text = '' or text in (select value from json_each(?))) and reading_id is not ?"
    return _stored(connection, told, where, (MADE_IDS, _texts(told), reading_id))


def _texts(told: Sequence[Verbatim]) -> str:
    return json.dumps(sorted({verbatim.text for verbatim in told}))


def _stored(
    connection: sqlite3.Connection, told: Sequence[Verbatim], where: str, values: tuple[object, ...]
) -> list[_Stored]:
    minutes = {minute_of(verbatim.posted_at) for verbatim in told}
    rows = connection.execute(
        # "~" comes behind whatever follows the minute in a date; + keeps it from going through the whole source.
        f"select v.id, content_hash, {', '.join(_FIELDS)} from json_each(?) minute "
        "join verbatims v on posted_at >= minute.value and posted_at < minute.value || '~' "
        f"where +source = ? and ({where}) order by v.id",
        (json.dumps(sorted(minutes)), told[0].source, *values),
    )
    stored = [_Stored(row_id, content_hash, Verbatim(*fields)) for row_id, content_hash, *fields in rows]
    scores = scores_of(connection, [each.id for each in stored])
    return [each._replace(verbatim=each.verbatim._replace(scores=scores.get(each.id, ()))) for each in stored]


def _by_contents(stored: Sequence[_Stored]) -> dict[_Key, list[_Stored]]:
    """By all that has to agree; what Excel garbles also without its words."""
    found: dict[_Key, list[_Stored]] = {}
    for each in stored:
        found.setdefault(_key(each.verbatim, each.verbatim.text), []).append(each)
        if each.verbatim.text.startswith(_FORMULAS):
            found.setdefault(_key(each.verbatim, None), []).append(each)
    return found
