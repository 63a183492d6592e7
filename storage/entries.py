"""Entries of feeds, which are shown again and again: under an id that several may share, and at times no more than their beginning.

What is shown under an id is what is stored under it, edited or not, unless another person wrote it, and not at the same time. Where several are stored
under it, or a feed shows several (`AMONG`), the id tells nothing by itself: what is shown is then the one that says the same, else the one that the
same person wrote at the same time, else none that is stored.

What tells less than is known is no change: the beginning of the words, the title in their place, no author. Nor is another title or another name: each
of two feeds that show an entry may have its own.
"""

import json
import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from storage.records import Incoming, Verbatim

# Between an id that several entries share and what tells one of them from the others. Of a former id that ends so nothing but the words does.
AMONG = "#among-"
_PAST = "#among."  # what sorts behind all that begin with it

_TAIL = 300  # characters at the end of a text where it may say that it goes on
_OPENING = 15  # characters that are the same where one text is the other's beginning: fewer, and "…" behind them, another one may have said
_GOES_ON = re.compile(
    r"[\s\[(（【]*(?:…+|⋯+|\.{3,}|。{3,})[\s\])）】]*"
    r"(?:(?:continue reading|read (?:more|on|the rest)|阅读(?:全文|原文|更多)|查看(?:全文|原文|更多)|继续阅读|全文).{0,80}?)?\s*"
    r"(?:the post .{1,100} appeared first on .{1,80})?\Z",
    re.IGNORECASE | re.DOTALL,
)
_FIELDS = Verbatim._fields[:-1]  # but the scores


class _Known(NamedTuple):
    content_hash: int
    verbatim: Verbatim

    def same_author(self, item: Incoming) -> bool | None:
        """None: nobody knows. In another channel everybody has another code."""
        known, told = self.verbatim, item.verbatim
        if None in (known.customer_id, told.customer_id) or known.channel != told.channel:
            return None
        return known.customer_id == told.customer_id

    def same_time(self, item: Incoming) -> bool | None:
        """None: the dates do not tell."""
        known, told = self.verbatim.posted_at, item.verbatim.posted_at
        return None if None in (known, told) or not item.own_date else known == told

    def says_the_same(self, item: Incoming) -> bool:
        return self.verbatim.text == item.verbatim.text

    def is_shown_as(self, item: Incoming) -> bool:
        """Whether the words are the same but for their blanks, or of one the beginning of the other's, and it says that it goes on."""
        one, other = self.verbatim.text, item.verbatim.text
        if _opening(one) != _opening(other):
            return False
        cut = any(_GOES_ON.search(a[-_TAIL:]) and _begins(a, b) for a, b in ((one, other), (other, one)))
        return cut or _bare(one) == _bare(other)

    def was_written_then(self, item: Incoming) -> bool:
        return bool(self.same_author(item) and self.same_time(item))

    def may_be_undated(self, item: Incoming) -> bool:
        """Whether it is of the same date or, where its date could not be read when it was stored, says the same."""
        if self.verbatim.posted_at:
            return self.verbatim.posted_at == item.verbatim.posted_at
        return self.same_author(item) is not False and self.is_shown_as(item)

    def has_all_of(self, item: Incoming) -> bool:
        """Whether what is told cut, or under another id, title or name, is no more than is known."""
        known, told = self.verbatim, item.verbatim
        if told.text != known.text:
            return _begins(told.text, known.text) or _begins(told.text, known.question or "")
        author = known.customer_id or told.customer_id
        said = told._replace(source_id=known.source_id, question=known.question, customer_id=author)
        if said == told:
            return False  # it may have another date: the hash of its contents tells
        date = told.posted_at if item.own_date else known.posted_at or told.posted_at
        return _contents(said._replace(posted_at=date)) == _contents(known)


def known_again(connection: sqlite3.Connection, batch: Sequence[Incoming]) -> list[Incoming]:
    """The batch, each of it as what it is stored as: under its id or a former one, and with all that is known where it tells no more."""
    ids = {_shared(each) for item in batch for each in (item.verbatim.source_id, *item.former_ids)}
    stored = _stored(connection, batch[0].verbatim.source, ids) if batch else {}
    return [_as_known(item._replace(former_ids=()), _stored_as(item, stored)) for item in batch]


def _stored_as(item: Incoming, stored: Mapping[str, Sequence[_Known]]) -> Sequence[_Known]:
    """What is stored under its id, else under a former one."""
    for each in (item.verbatim.source_id, *item.former_ids):
        known = stored.get(_shared(each), ())
        if each.endswith(AMONG):
            known = [one for one in known if one.may_be_undated(item)]
        if known:
            return known
    return ()


def _as_known(item: Incoming, known: Sequence[_Known]) -> Incoming:
    if not known:
        return item
    if (found := _one_of(known, item)) is None:
        return item._replace(verbatim=item.verbatim._replace(source_id=_beside(known, item)))
    if found.has_all_of(item):
        return item._replace(verbatim=found.verbatim, content_hash=found.content_hash)
    return item._replace(verbatim=item.verbatim._replace(source_id=found.verbatim.source_id))


def _one_of(known: Sequence[_Known], item: Incoming) -> _Known | None:
    """Which of those that are stored under an id it is."""
    told = item.verbatim
    if len(known) == 1 and AMONG not in told.source_id:
        [only] = known
        return None if only.same_author(item) is False and not only.same_time(item) else only
    possible = [each for each in known if False not in (each.same_author(item), each.same_time(item))]
    possible.sort(key=lambda each: each.verbatim.customer_id != told.customer_id)
    ways = (_Known.says_the_same, _Known.is_shown_as, _Known.was_written_then)
    return next((each for is_it in ways for each in possible if is_it(each, item)), None)


def _beside(known: Sequence[_Known], item: Incoming) -> str:
    """The id of what is none of those that are stored."""
    mark = item.verbatim.source_id.partition(AMONG)[2] or f"{item.content_hash % 2**64:016x}"
    return f"{_shared(known[0].verbatim.source_id)}{AMONG}{mark}"


def _stored(connection: sqlite3.Connection, source: str, ids: Iterable[str]) -> dict[str, list[_Known]]:
    """What is stored, by the id that it has or shares."""
    found: dict[str, list[_Known]] = {}
    rows = connection.execute(
        f"select content_hash, {', '.join(_FIELDS)} from json_each(?1) shared join verbatims on source = ?2 and "
        "(source_id = shared.value or (source_id > shared.value || ?3 and source_id < shared.value || ?4)) order by verbatims.id",
        (json.dumps(list(ids)), source, AMONG, _PAST),
    )
    for content_hash, *fields in rows:
        known = _Known(content_hash, Verbatim(*fields))
        found.setdefault(_shared(known.verbatim.source_id), []).append(known)
    return found


def _shared(source_id: str) -> str:
    return source_id.partition(AMONG)[0]


def _contents(verbatim: Verbatim) -> Verbatim:
    """Without what the store adds."""
    return verbatim._replace(noise=None, votes=None, scores=())


def _begins(text: str, whole: str) -> bool:
    """Whether a text that may say that it goes on is the beginning of another one, whatever their blanks."""
    return _bare(whole).startswith(_bare(text[:-_TAIL] + _GOES_ON.sub("", text[-_TAIL:])))


def _opening(text: str) -> str:
    return _bare(text[: 2 * _OPENING])[:_OPENING]


def _bare(text: str) -> str:
    return "".join(text.split())
