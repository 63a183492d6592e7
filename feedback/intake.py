"""Between a collector and the store: records become verbatims, clean, dated, masked, told apart, and nothing is dropped unseen."""

import hashlib
import marshal
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import overload

from feedback.clean import clean
from feedback.collectors.base import KEYED, Item, RawScore, Record, Unreadable
from feedback.collectors.ids import is_excel_error
from feedback.copies import fingerprints
from feedback.dates import DateReader, UnknownDate, same_date, same_minute, told_seconds
from feedback.noise import noise_of
from feedback.pii import mask
from feedback.quoted import own_words
from feedback.ratings import cure, number_in, rating_of
from nlp.language import detect_language
from nlp.normalize import fold
from storage.records import Fingerprint, Incoming, Kind, Reject, Score, Verbatim, Withdrawal
from storage.search import index_columns
from storage.verbatims import hash_with_version

# Raise it when intake reads the same source differently: unchanged files are then read once more.
INTAKE_VERSION = "17"

LONGEST_TEXT = 200_000  # characters; more is a log or a book, not what a customer said
_CUT = 200  # characters before the cut, where an address, a number or a tag may have been broken in two
EXCERPT, REASON = 80, 300  # characters of a reject
_QUOTED_DATE = 60
_COUNT = re.compile(
    r"\s*((?:\d{1,3}(?:,\d{3}){1,4}|\d{1,12})(?:\.\d{1,6})?)\s*([千万亿萬億kwm]?)\s*\+?\s*", re.IGNORECASE
)
_UNITS = {"": 1, "千": 1000, "k": 1000, "万": 10**4, "萬": 10**4, "w": 10**4, "m": 10**6, "亿": 10**8, "億": 10**8}
_MOST_VOTES = 10**12

_ANSWERS: tuple[Kind, ...] = ("chat", "ticket")  # that may quote what they answer
# A time that few share, of what `same_date` gives: many dates are those of a minute. And of `same_minute`: others are days.
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d (?:\d\d:\d\d:(?!00)|(?!00:00)\d\d:\d\d$)")
_MADE_OF_NAMES = re.compile(KEYED + "[0-9a-f]{16}")

Numbering = Callable[[Sequence[str]], list[int]]


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a batch of items.

    Its verbatims are pickled as plain tuples, by `marshal`, at a fifth of the cost; their scores stay plain tuples.
    """

    incoming: list[Incoming] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    withdrawn: list[Withdrawal] = field(default_factory=list)
    garbled: set[str] = field(default_factory=set)  # ids of those for whose words an error of Excel stands
    lost_ids: set[str] = field(default_factory=set)  # made ids, of those whose own or whose words were ruined

    def __reduce__(self) -> tuple[object, ...]:
        rows = [
            ((*verbatim[:-1], tuple(map(tuple, verbatim.scores))), tuple(fingerprint), *rest)
            for verbatim, fingerprint, *rest in self.incoming
        ]
        return _taken, (marshal.dumps(rows, 2), self.rejects, self.withdrawn, self.garbled, self.lost_ids)


def _taken(rows: bytes, rejects: list[Reject], withdrawn: list[Withdrawal], *ids: set[str]) -> Taken:
    return Taken(
        [
            Incoming(Verbatim._make(verbatim), Fingerprint._make(fingerprint), *rest)
            for verbatim, fingerprint, *rest in marshal.loads(rows)
        ],
        rejects,
        withdrawn,
        *ids,
    )


class Intake:
    """Takes in the items of one source. Deterministic but for `now`, which relative dates ("昨天") count from.

    `of_tables`: somebody may have saved them anew in Excel, which leaves the seconds out of a CSV.
    """

    def __init__(self, source: str, timezone: str, secret: bytes, now: datetime, *, of_tables: bool = False) -> None:
        self._source = source
        self._timezone = timezone
        self._secret = secret
        self._dates = DateReader(timezone, now)
        self._zone = self._dates.zone
        self._of_tables = of_tables

    def take(self, items: Sequence[Item], numbering: Numbering) -> Taken:
        """Verbatims and rejects of a batch. `numbering` says how often each identity without an id has occurred before."""
        taken = Taken()
        verbatims: list[Verbatim] = []
        records: list[Record] = []
        void: dict[str, Withdrawal] = {}
        told_before: dict[str, int] = {}  # of records void with their further texts: how many verbatims were
        source_ids = iter(self._source_ids([item for item in items if isinstance(item, Record)], numbering))
        for item in items:
            if isinstance(item, Record):
                verbatim = self._verbatim(item, next(source_ids), taken.rejects)
                if verbatim is not None:
                    verbatims.append(verbatim)
                    records.append(item)
                    garbled = not verbatim.text and is_excel_error(item.text)
                    if garbled:
                        taken.garbled.add(verbatim.source_id)
                    if item.lost_id or (garbled and not item.source_id):
                        taken.lost_ids.add(verbatim.source_id)
                    told_again = void.get(verbatim.source_id)
                    if told_again and not (told_again.for_good or told_again.with_texts):
                        del void[told_again.source_id]
            elif isinstance(item, Unreadable):
                taken.rejects.append(self._reject(item.location, item.reason, item.excerpt))
            else:
                withdrawal = Withdrawal(self._id(item.source_id), item.for_good, item.with_texts, item.rates)
                void[withdrawal.source_id] = withdrawal
                if withdrawal.with_texts:
                    told_before[withdrawal.source_id] = len(verbatims)
        taken.withdrawn.extend(void.values())
        if told_before:
            last = [max(told_before.get(each, 0) for each in _record_ids(verbatim)) for verbatim in verbatims]
            left = [n for n, void_at in enumerate(last) if n >= void_at]
            verbatims, records = [verbatims[n] for n in left], [records[n] for n in left]
        folded = [fold(verbatim.text) for verbatim in verbatims]
        prints = fingerprints([f if v.role == "customer" else "" for v, f in zip(verbatims, folded, strict=True)])
        for verbatim, record, text, fingerprint in zip(verbatims, records, folded, prints, strict=True):
            content_hash = self._content_hash(verbatim, record)
            found = (verbatim, fingerprint, content_hash, *index_columns(text))
            former_ids, places = (tuple(map(self._id, each)) for each in (record.former_ids, record.former_places))
            taken.incoming.append(Incoming(*found, record.final, record.own_date, former_ids, record.rates, places))
        return taken

    def _verbatim(self, record: Record, source_id: str, rejects: list[Reject]) -> Verbatim | None:
        problems = list(record.problems)
        text = _said(record, problems)
        scores = tuple([s for raw in record.scores if (s := _score(raw, problems)) is not None])
        if not text and not scores:
            rejects.append(self._reject(record.location, "; ".join(["the row has no text", *problems])))
            return None
        verbatim = Verbatim(
            source=self._source,
            source_id=self._id(source_id),
            kind=record.kind,
            channel=_storable(record.channel),
            role=record.role,
            text=text,
            posted_at=self._date(record.posted_at, problems),
            conversation_id=self._id(record.conversation_id),
            turn=record.turn,
            parent_id=self._id(record.parent_id),
            customer_id=self._customer(record),
            product=_label(record.product),
            version=_label(record.version),
            store=_label(record.store),
            region=_label(record.region),
            question=_label(record.question),
            language=detect_language(text) if text else None,
            noise=noise_of(text, record.kind, record.role),
            votes=None if record.votes is None else _votes(record.votes, problems),
            scores=scores,
        )
        if problems:
            rejects.extend(self._reject(record.location, problem, record.text, stored=True) for problem in problems)
        return verbatim

    def _reject(self, location: str, reason: str, excerpt: str = "", *, stored: bool = False) -> Reject:
        """Reasons quote what could not be read, a phone number in the date column too, so they are masked as well.

        Masked, then shortened: of a number that is cut first, the digits before the cut would stay.
        """
        said = mask(own_words(clean(excerpt))).replace("\n", " ")
        why = shortened(mask(_storable(reason)), REASON)
        return Reject(self._source, _storable(location), why, shortened(said, EXCERPT), stored)

    def _date(self, raw: str | None, problems: list[str]) -> str | None:
        if raw is None or not raw.strip():
            return None
        try:
            return self._dates.read(raw)
        except UnknownDate as error:
            problems.append(f"date unknown: '{shortened(mask(error.raw), _QUOTED_DATE)}': {error.reason}")
            return None

    def _source_ids(self, records: Sequence[Record], numbering: Numbering) -> list[str]:
        """Records without an id get one from their contents and their how-manieth occurrence, the same at every run."""
        identities = [None if record.source_id else self._identity(record) for record in records]
        numbers = iter(numbering([identity for identity in identities if identity is not None]))
        return [
            _storable(record.source_id or "") if identity is None else f"{identity}-{next(numbers)}"
            for record, identity in zip(records, identities, strict=True)
        ]

    def _identity(self, record: Record) -> str:
        """Of tables what some tellings leave out shows apart: see `storage.told_less`."""
        raw = record.posted_at or ""
        if not self._of_tables:
            return _identity(record, same_date(raw, self._zone))
        apart = "~".join((told_seconds(raw, self._zone) or "0", *record.beside))
        return f"{_identity(record, same_minute(raw, self._zone))}-{apart}"

    def _customer(self, record: Record) -> str | None:
        """A keyed hash: the same person is the same within a channel, and nobody can be looked up by name."""
        if not record.customer:
            return None
        return self._keyed(f"{record.channel}\x00{record.customer}")

    @overload
    def _id(self, value: str) -> str: ...
    @overload
    def _id(self, value: None) -> None: ...
    def _id(self, value: str | None) -> str | None:
        """An id as it is stored: what in it was made of names can't be made by whoever guesses them."""
        if value is not None and KEYED in value:
            return _MADE_OF_NAMES.sub(lambda made: self._keyed(made[0]), _storable(value))
        return _storable(value)

    def _keyed(self, text: str) -> str:
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, key=self._secret).hexdigest()

    def _content_hash(self, verbatim: Verbatim, record: Record) -> int:
        if self._of_tables and not record.source_id:
            verbatim = verbatim._replace(source_id="")  # another telling shows more or less in it
        if record.shared:
            verbatim = verbatim._replace(question=None)  # a survey may ask it in other marks, as in another place
        # The posting date comes from the written one and from when it was read. The votes are not the customer's.
        about = (*verbatim[_POSTED_AT + 1 : _VERSION], *verbatim[_VERSION + 1 : _VOTES])
        # What is known by its words alone is not another for a blank: see `_identity`.
        text = verbatim.text if record.source_id else _without_blanks(verbatim.text)
        date = self._told_date(verbatim, record)
        if record.shared:
            about = about[_PLACE:]
        said = (*verbatim[:_TEXT], text, date, *about, self._timezone)
        # Of one that tells some of its ratings alone, storage knows which others there are.
        told = verbatim.scores if record.rates is None else ()
        scores = [f"{score.metric}={score.value}/{score.low}..{score.high}" for score in told]
        return hash_with_version(int.from_bytes(_digest((*said, *scores), 8), signed=True), verbatim.version)

    def _told_date(self, verbatim: Verbatim, record: Record) -> object:
        """What of a date tells that it is another one."""
        # Of a mail it may be that of its arrival, which another folder has otherwise.
        if record.final:
            return bool(verbatim.posted_at)
        # What Excel left out of it is no change. One that lay in the future is known later on.
        return record.posted_at and same_minute(record.posted_at, self._zone) + ("" if verbatim.posted_at else "?")


def _said(record: Record, problems: list[str]) -> str:
    """A record's text, clean and masked; of one that is longer than a text may be the beginning."""
    raw = record.text
    if is_excel_error(raw):
        problems.append(f"an error of Excel stands where the words should be ({raw.strip()})")
        return ""
    if len(raw) > LONGEST_TEXT:
        problems.append(
            f"the text has {len(raw):,} characters: of more than {LONGEST_TEXT:,} only the beginning is kept"
        )
        return mask(written(raw[:LONGEST_TEXT], record.kind))[:-_CUT].rstrip()
    text = written(raw, record.kind)
    if not text and clean(raw):
        problems.append("it holds nothing but a quote")
    return mask(text)


def written(raw: str, kind: Kind) -> str:
    """A text without the medium and without what others wrote, not yet masked."""
    return own_words(clean(raw), of_ticket=kind == "ticket") if kind in _ANSWERS else clean(raw)


def find_by(verbatim: Verbatim) -> tuple[Fingerprint, str, str]:
    """What intake makes of a text for it and its copies to be found by."""
    folded = fold(verbatim.text)
    [fingerprint] = fingerprints([folded if verbatim.role == "customer" else ""])
    return fingerprint, *index_columns(folded)


def _record_ids(verbatim: Verbatim) -> tuple[str, ...]:
    """Its own id; that of its record too, where it is a further text of one."""
    source_id, parent_id = verbatim.source_id, verbatim.parent_id
    return (source_id, parent_id) if parent_id and source_id.startswith(f"{parent_id}/") else (source_id,)


_TEXT, _POSTED_AT, _VERSION, _VOTES = map(Verbatim._fields.index, ("text", "posted_at", "version", "votes"))
_PLACE = len(("conversation_id", "turn"))  # that come after the date


def _identity(record: Record, date: str) -> str:
    """What a record without an id is known by: the same when a program that saved it anew wrote its date or its blanks otherwise."""
    who = record.customer or record.signed
    # Platforms begin to tell where people are. Somebody known by name is nowhere else at the same time.
    region = None if record.customer and _MOMENT.match(date) else record.region
    about = (who, record.product, record.store, region, record.question)
    said = (_without_blanks(clean(record.text)), date, *(field and _without_blanks(field) for field in about))
    # Which answer of a response has its ratings depends on what else was asked: they are told beside each.
    rated = () if record.shared or record.beside else record.scores
    scores = [(score.metric, score.value if (n := number_in(score.value)) is None else n) for score in rated]
    return _digest((*said, record.conversation_id, record.turn, record.role, *scores), 12).hex()


def _without_blanks(text: str) -> str:
    return "".join(text.split())


def _digest(said: Iterable[object], size: int) -> bytes:
    """Of fields one after another; nothing and an empty field are the same."""
    joined = "\x00".join(["" if field is None else str(field) for field in said])
    return hashlib.blake2b(joined.encode("utf-8", "surrogatepass"), digest_size=size).digest()


def _score(raw: RawScore, problems: list[str]) -> Score | None:
    value = rating_of(raw.value, raw.metric, raw.high)
    if value is None or not raw.low <= value <= raw.high:
        said = f"{raw.metric} score unknown: '{mask(raw.value)[:20]}' is not in {raw.low:g}..{raw.high:g}"
        problems.append(said + cure(raw.value, raw.high))
        return None
    return Score(raw.metric, value, raw.low, raw.high, raw.question)


def _votes(raw: str, problems: list[str]) -> int | None:
    votes = _count(raw)
    if votes is None and raw.strip():
        problems.append(f"votes unknown: '{mask(raw)[:20]}' is no number of people")
    return votes


@lru_cache(maxsize=1024)  # small numbers recur
def _count(raw: str) -> int | None:
    """A number of people, shortened as platforms do it too: "1,204", "1.2万", "999+". None for anything else."""
    match = _COUNT.fullmatch(raw)
    if match is None:
        return None
    count = Decimal(match[1].replace(",", "")) * _UNITS[match[2].lower()]
    return int(count) if count == int(count) and count <= _MOST_VOTES else None


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


def shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
