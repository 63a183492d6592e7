"""Between a collector and the store: records become verbatims, clean, dated, masked, told apart, and nothing is dropped unseen."""

import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import overload

from feedback.clean import clean
from feedback.collectors.base import Item, RawScore, Record, Unreadable
from feedback.copies import fingerprints
from feedback.dates import DateReader, UnknownDate
from feedback.noise import noise_of
from feedback.pii import mask
from nlp.language import detect_language
from storage.records import Incoming, Reject, Score, Verbatim

# Raise it when intake reads the same source differently: unchanged files are then read once more.
INTAKE_VERSION = "1"

_EXCERPT, _REASON, _QUOTED_DATE = 80, 300, 60  # characters
_NUMBER = re.compile(r"\s*([+-]?\d+(?:\.\d+)?)\s*(?:分|星|颗星|stars?|/\s*\d+)?\s*", re.IGNORECASE)

Numbering = Callable[[Sequence[bytes]], list[int]]


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a batch of items."""

    incoming: list[Incoming] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Draft:
    """A verbatim and the date as its source wrote it."""

    verbatim: Verbatim
    raw_date: str | None


class Intake:
    """Takes in the items of one source. Deterministic but for `now`, which relative dates ("昨天") count from."""

    def __init__(self, source: str, timezone: str, secret: bytes, now: datetime) -> None:
        self._source = source
        self._timezone = timezone
        self._secret = secret
        self._dates = DateReader(timezone, now)

    def take(self, items: Sequence[Item], numbering: Numbering) -> Taken:
        """Verbatims and rejects of a batch. `numbering` says how often each identity without an id has occurred before."""
        taken = Taken()
        drafts: list[_Draft] = []
        source_ids = iter(_source_ids([item for item in items if isinstance(item, Record)], numbering))
        for item in items:
            if isinstance(item, Record):
                self._take_record(item, next(source_ids), drafts, taken.rejects)
            elif isinstance(item, Unreadable):
                taken.rejects.append(self._reject(item.location, item.reason, item.excerpt))
            else:
                taken.withdrawn.append(_storable(item.source_id))
        prints = fingerprints([d.verbatim.text if d.verbatim.role == "customer" else "" for d in drafts])
        for draft, fingerprint in zip(drafts, prints, strict=True):
            taken.incoming.append(Incoming(draft.verbatim, fingerprint, self._content_hash(draft)))
        return taken

    def _take_record(self, record: Record, source_id: str, drafts: list[_Draft], rejects: list[Reject]) -> None:
        problems = list(record.problems)
        text = mask(clean(record.text))
        scores = tuple(s for raw in record.scores if (s := _score(raw, problems)) is not None)
        if not text and not scores:
            rejects.append(self._reject(record.location, "; ".join(["the row has no text", *problems])))
            return
        verbatim = Verbatim(
            source=self._source,
            source_id=source_id,
            kind=record.kind,
            channel=_storable(record.channel),
            role=record.role,
            text=text,
            posted_at=self._date(record.posted_at, problems),
            conversation_id=_storable(record.conversation_id),
            turn=record.turn,
            parent_id=_storable(record.parent_id),
            customer_id=self._customer(record),
            product=_label(record.product),
            store=_label(record.store),
            region=_label(record.region),
            question=_label(record.question),
            language=detect_language(text) if text else None,
            noise=noise_of(text, record.kind, record.role),
            scores=scores,
        )
        drafts.append(_Draft(verbatim, record.posted_at))
        rejects.extend(self._reject(record.location, problem, record.text, stored=True) for problem in problems)

    def _reject(self, location: str, reason: str, excerpt: str = "", *, stored: bool = False) -> Reject:
        """Reasons quote what could not be read, a phone number in the date column too, so they are masked as well.

        Masked, then shortened: of a number that is cut first, the digits before the cut would stay.
        """
        said = mask(clean(excerpt)).replace("\n", " ")
        why = _shortened(mask(_storable(reason)), _REASON)
        return Reject(self._source, _storable(location), why, _shortened(said, _EXCERPT), stored)

    def _date(self, raw: str | None, problems: list[str]) -> str | None:
        if raw is None or not raw.strip():
            return None
        try:
            return self._dates.read(raw)
        except UnknownDate as error:
            problems.append(f"date unknown: '{_shortened(mask(error.raw), _QUOTED_DATE)}': {error.reason}")
            return None

    def _customer(self, record: Record) -> str | None:
        """A keyed hash: the same person is the same within a channel, and nobody can be looked up by name."""
        if not record.customer:
            return None
        person = f"{record.channel}\x00{record.customer}".encode("utf-8", "surrogatepass")
        return hmac.digest(self._secret, person, "sha256").hex()[:16]

    def _content_hash(self, draft: _Draft) -> bytes:
        said = [*_FIELDS(draft.verbatim), self._timezone]
        said[_POSTED_AT] = draft.raw_date
        said[_SCORES] = tuple(map(_SCORE_FIELDS, draft.verbatim.scores))
        return _digest(tuple(said), 12)


_FIELDS = attrgetter(*(f.name for f in fields(Verbatim)))
_POSTED_AT, _SCORES = ([f.name for f in fields(Verbatim)].index(name) for name in ("posted_at", "scores"))
_SCORE_FIELDS = attrgetter(*(f.name for f in fields(Score)))


def _source_ids(records: Sequence[Record], numbering: Numbering) -> list[str]:
    """Records without an id get one from their contents and their how-manieth occurrence, the same at every run."""
    identities = [None if record.source_id else _identity(record) for record in records]
    numbers = iter(numbering([identity for identity in identities if identity is not None]))
    return [
        _storable(record.source_id or "") if identity is None else f"{identity.hex()}-{next(numbers)}"
        for record, identity in zip(records, identities, strict=True)
    ]


def _identity(record: Record) -> bytes:
    said = (record.text, record.posted_at, record.customer, record.product, record.store, record.region)
    place = (record.conversation_id, record.turn, record.role, record.question, record.scores)
    return _digest((said, place), 12)


def _digest(value: object, size: int) -> bytes:
    return hashlib.blake2b(repr(value).encode("utf-8", "surrogatepass"), digest_size=size).digest()


def _score(raw: RawScore, problems: list[str]) -> Score | None:
    match = _NUMBER.fullmatch(raw.value)
    value = float(match[1]) if match else None
    if value is None or not raw.low <= value <= raw.high:
        problems.append(f"{raw.metric} score unknown: '{mask(raw.value)[:20]}' is not in {raw.low:g}..{raw.high:g}")
        return None
    return Score(raw.metric, value, raw.low, raw.high)


@overload
def _storable(value: str) -> str: ...
@overload
def _storable(value: None) -> None: ...
def _storable(value: str | None) -> str | None:
    """An id or a place as the database can hold it: NULs and half characters, which JSON can carry, spelled out."""
    if value is None or value.isprintable():
        return value
    return value.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")


@lru_cache(maxsize=4096)  # products, shops and regions recur
def _label(value: str | None) -> str | None:
    """A short field, cleaned and masked; blank is none."""
    return (mask(clean(value)) or None) if value else None


def _shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
