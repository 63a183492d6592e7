"""Entries of feeds, which are shown again and again: under an id that several may share, and at times no more than their beginning.

Which of the known one is, its words tell: an answer holds some of those that share an id, now one of them alone, now others.
"""

import json
import re
import sqlite3
from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

from storage.records import Incoming, Verbatim

AMONG = "#among-"  # between an id that several entries of one answer share and a hash of the words of one of them
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
    opening: str

    def is_of(self, told: Verbatim) -> bool:
        return self.verbatim.text == told.text and self.verbatim.customer_id == told.customer_id

    def may_be_of(self, told: Verbatim) -> bool:
        return self.verbatim.text == told.text and not self._is_anothers(told)

    def is_shown_as(self, told: Verbatim) -> bool:
        """Whether the words are the same but for their blanks, or of one the beginning of the other's, and it says that it goes on."""
        one, other = self.verbatim.text, told.text
        cut = any(_GOES_ON.search(a[-_TAIL:]) and _begins(a, b) for a, b in ((one, other), (other, one)))
        return (cut or _bare(one) == _bare(other)) and not self._is_anothers(told)

    def _is_anothers(self, told: Verbatim) -> bool:
        """Whether another person said it; in another channel everybody has another code."""
        known = self.verbatim
        both_known = None not in (known.customer_id, told.customer_id) and known.channel == told.channel
        return both_known and known.customer_id != told.customer_id

    def has_all_of(self, told: Verbatim) -> bool:
        """Whether something tells nothing but what is known: the beginning of the words, or the title in their place."""
        known = self.verbatim
        return told.text != known.text and (_begins(told.text, known.text) or _begins(told.text, known.question or ""))


def known_again(connection: sqlite3.Connection, batch: Sequence[Incoming]) -> list[Incoming]:
    """The batch, each of it as what it is stored as: under its id, and with its words where no more than their beginning is shown.

    What has an id for itself is what is stored under that. What shares one, or comes alone where several are stored, is the one that says
    the same; where none does it is new, and gets an id of its own.
    """
    known = _known(connection, batch)
    return [_as_known(item, known.get(_shared(item.verbatim), [])) for item in batch]


def _as_known(item: Incoming, known: Sequence[_Known]) -> Incoming:
    told = item.verbatim
    ways = (_Known.is_of, _Known.may_be_of, _Known.is_shown_as)
    opening = _opening(told.text)
    alike = [each for each in known if each.opening == opening]
    found = next((each for is_it in ways for each in alike if is_it(each, told)), None)
    if found is None and AMONG not in told.source_id:
        if len(known) > 1:
            said = f"{told.customer_id or ''}\0{told.text}"
            own_id = f"{told.source_id}{AMONG}{blake2b(said.encode(), digest_size=8).hexdigest()}"
            return item._replace(verbatim=told._replace(source_id=own_id))
        found = next(iter(known), None)
    if found is None:
        return item
    renamed = told._replace(source_id=found.verbatim.source_id)
    # The hash of the contents has the id in it by which they came.
    is_the_same = renamed != told and _contents(renamed) == _contents(found.verbatim)
    if is_the_same or found.has_all_of(told):
        return item._replace(verbatim=found.verbatim, content_hash=found.content_hash)
    return item._replace(verbatim=renamed)


def _known(connection: sqlite3.Connection, batch: Sequence[Incoming]) -> dict[str, list[_Known]]:
    """What is stored, by the id that it has or shares."""
    found: dict[str, list[_Known]] = {}
    if batch:
        ids = sorted({_shared(item.verbatim) for item in batch})
        rows = connection.execute(
            f"select content_hash, {', '.join(_FIELDS)} from json_each(?1) shared join verbatims on source = ?2 and "
            "(source_id = shared.value or (source_id > shared.value || ?3 and source_id < shared.value || ?4)) order by verbatims.id",
            (json.dumps(ids), batch[0].verbatim.source, AMONG, _PAST),
        )
        for content_hash, *fields in rows:
            verbatim = Verbatim(*fields)
            found.setdefault(_shared(verbatim), []).append(_Known(content_hash, verbatim, _opening(verbatim.text)))
    return found


def _shared(verbatim: Verbatim) -> str:
    return verbatim.source_id.partition(AMONG)[0]


def _contents(verbatim: Verbatim) -> Verbatim:
    """Without what the store adds, and the date, which is in the id or counts from when it was read."""
    return verbatim._replace(posted_at=None, noise=None, votes=None, scores=())


def _begins(text: str, whole: str) -> bool:
    """Whether a text that may say that it goes on is the beginning of another one, whatever their blanks."""
    return _bare(whole).startswith(_bare(text[:-_TAIL] + _GOES_ON.sub("", text[-_TAIL:])))


def _opening(text: str) -> str:
    return _bare(text[: 2 * _OPENING])[:_OPENING]


def _bare(text: str) -> str:
    return "".join(text.split())
