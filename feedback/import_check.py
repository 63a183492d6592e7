"""What importing a file would come to, found out before anything is stored: dates, ids, copies, personal data, what can't be used.

The file is read and taken in as collecting does it (`Intake`), batch by batch; what comes of it is counted and let go. Shown are
counts, forms and places; of what customers wrote nothing.
"""

import hashlib
import json
import re
import shlex
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from itertools import chain, count

from feedback.clean import clean
from feedback.collected import Progress
from feedback.collectors.base import Item, Part, Record, SourceConfig
from feedback.collectors.chat.roles import UnknownSpeakers
from feedback.collectors.mail_files import refuse_mails
from feedback.collectors.registry import TABLES, load_file_collector
from feedback.collectors.table import open_table
from feedback.copies import similar
from feedback.date_forms import form_of, shown_date
from feedback.dates import DateReader, UnknownDate, stands
from feedback.errors import CollectError
from feedback.garbage import rarely_collected
from feedback.intake import Intake, Taken, written
from feedback.pii import Kind, find
from feedback.reading import BATCH_CHARACTERS
from feedback.sampling import Copies, Count, Repeats
from storage.records import Reject

BATCH = 2000
_NO_ID = -1
_DERIVED = re.compile(rf"[0-9a-f]{{24}}-(?:\d.*-)?{_NO_ID}")  # an id that intake made of what a row says
_MOST_KINDS = 1000  # of reasons and forms that are told apart
# What a reason says of the row: it may be a name.
_SAID = re.compile(r"'.*'|\".*\"|(?<=read: ).+|(?<=Excel: ).+|:? line \d+ column \d+ \(char \d+\)")
_RUINED = re.compile(r"(\w+) looks ruined by Excel(?:: (.*))?")
_SCIENTIFIC = re.compile(r"[\d.]+[eE]\+\d+")


@dataclass(frozen=True, slots=True)
class Tally:
    """So many of one kind, and one of them as an example: how it is written, or where it is."""

    what: str
    count: int
    example: str


@dataclass(frozen=True, slots=True)
class Dates:
    """`placed` by their form; `unknown` by why they can't be placed; `missing`: rows without one. `first` and `last` are in UTC."""

    placed: tuple[Tally, ...]
    unknown: tuple[Tally, ...]
    missing: int
    first: str | None
    last: str | None


@dataclass(frozen=True, slots=True)
class Ids:
    """`repeated`: rows with the id of an earlier one; `changed`: those that say something else, and would take its place."""

    given: int
    repeated: Count
    changed: Count
    ruined: tuple[Tally, ...]


@dataclass(frozen=True, slots=True)
class Examination:
    """What would be stored and what not. `verbatims` are there in the end: of rows with one id the last, and none that is recalled; `roles`: by who speaks.

    All others are of the rows. `noise`: by why they are no opinion. `personal`: pieces by kind, `texts_with_personal` of the texts hold any.
    `unusable`: rows; `incomplete`: fields of rows that are stored.
    """

    verbatims: Count
    roles: Mapping[str, Count]
    conversations: Count
    scores: Mapping[str, int]
    dates: Dates
    ids: Ids
    noise: Mapping[str, int]
    exact_copies: Count
    near_copies: Count
    personal: Mapping[str, int]
    texts_with_personal: int
    customers_named: int
    unusable: tuple[Tally, ...]
    incomplete: tuple[Tally, ...]
    withdrawn: int


def config_for(part: Part, config: SourceConfig) -> SourceConfig:
    """With the collector that reads the file, where neither the project nor a layout says it: a chat, if it is no table known."""
    if config.name or config.layout:
        return config
    refuse_mails(part.path)
    try:
        open_table(part.path, config)
    except CollectError:
        chat = replace(config, collector="chat")
        try:
            load_file_collector("chat").collect(part, chat)
        except UnknownSpeakers:
            return chat
        except CollectError:
            return config  # what collecting it as a table says is said of it
        return chat
    return config


def check_import(part: Part, config: SourceConfig, timezone: str, now: datetime, progress: Progress) -> Examination:
    """Examines a whole file in memory that does not grow with it; `CollectError` where it can't be read at all.

    Beyond some hundred thousand texts and ids, copies and repetitions are estimated from a sample of them.
    """
    checker = _Checker(timezone, now)
    intake = Intake(config.name, timezone, b"nothing of it is kept", now, of_tables=config.collector == TABLES)
    collector = load_file_collector(config.collector)
    try:
        with rarely_collected():
            for batch in _batches(collector.collect(part, config)):
                checker.add(batch, intake.take(batch, lambda identities: [_NO_ID] * len(identities)))
                progress(part.name, len(batch))
    except UnknownSpeakers as error:
        raise CollectError(
            f"{part.name}: of {error.count:,} who speak in it nobody knows whether they are customer, agent or bot. "
            f"Their names, and what to add to feedback.toml: {command_for(part, config)}"
        ) from None
    return checker.result()


def command_for(part: Part, config: SourceConfig) -> str:
    """The command that imports the file as it was examined."""
    if config.name:
        return f"feedback collect --source {shlex.quote(config.name)}"
    layout = f" --layout {shlex.quote(config.layout)}" if config.layout else ""
    file = f"./{part.name}" if part.name.startswith("-") else part.name  # else it would be read as an option
    return f"feedback collect {config.collector} {shlex.quote(file)}{layout}"


def free_name(part: Part, config: SourceConfig, taken: Collection[str]) -> str:
    """A name for the source of a file, which no other one has; of chats that of nobody."""
    name = "chat" if config.collector == "chat" else part.path.stem
    return next(each for each in chain([name], (f"{name} {number}" for number in count(2))) if each not in taken)


def section_for(part: Part, config: SourceConfig, name: str) -> str:
    """The section of feedback.toml that imports the file. Paths in it are whole: the project may lie elsewhere."""
    lines = {"name": name, "collector": config.collector, "paths": [str(part.path.resolve())]}
    if config.layout:
        is_file = config.layout.endswith(".toml")
        lines["layout"] = str((config.base / config.layout).resolve()) if is_file else config.layout
    return "[[sources]]\n" + "\n".join(
        f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in lines.items()
    )


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    batch: list[Item] = []
    characters = 0
    for item in items:
        batch.append(item)
        characters += len(item.text) if isinstance(item, Record) else 0
        if len(batch) >= BATCH or characters >= BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    yield batch


class _Kinds:
    """How often each kind of a thing came, with the first example of it; what comes after too many kinds is one of them."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._examples: dict[str, str] = {}

    def add(self, kind: str, example: str, show: Callable[[str], str] = str) -> None:
        """`show` makes of the example what may be shown."""
        if kind not in self._examples:
            kind = kind if len(self._examples) < _MOST_KINDS else "others"
            self._examples.setdefault(kind, show(example))
        self._counts[kind] += 1

    def tallies(self) -> tuple[Tally, ...]:
        return tuple(Tally(kind, count, self._examples[kind]) for kind, count in self._counts.most_common())


class _Checker:
    """Counts what came of items."""

    def __init__(self, timezone: str, now: datetime) -> None:
        self._reader = DateReader(timezone, now)
        self._placed, self._unknown, self._ruined = _Kinds(), _Kinds(), _Kinds()
        self._unusable, self._incomplete = _Kinds(), _Kinds()
        self._roles, self._scores, self._noise = Counter[str](), Counter[str](), Counter[str]()
        self._personal = Counter[str]()
        self._ids, self._conversations, self._copies = Repeats(), Repeats(), Copies(similar)
        self._given = self._missing = self._with_personal = self._customers = self._withdrawn = 0
        self._in_conversations = 0
        self._first: str | None = None
        self._last: str | None = None

    def add(self, items: Sequence[Item], taken: Taken) -> None:
        unusable = {reject.location for reject in taken.rejects if not reject.stored}
        for item in items:
            if isinstance(item, Record):
                text = written(item.text, item.kind)
                if text or item.location not in unusable:
                    self._record(item, text)
        for reject in taken.rejects:
            self._reject(reject)
        for verbatim, fingerprint, contents, *_ in taken.incoming:
            self._roles[verbatim.role] += 1
            self._scores.update(score.metric for score in verbatim.scores)
            if verbatim.noise:
                self._noise[verbatim.noise] += 1
            self._customers += verbatim.customer_id is not None
            if not _DERIVED.fullmatch(verbatim.source_id):
                self._given += 1
                self._ids.add(_hash(verbatim.source_id), contents, verbatim.role)
            if verbatim.conversation_id is not None:
                self._in_conversations += 1
                self._conversations.add(_hash(verbatim.conversation_id))
            self._copies.add(verbatim.text, fingerprint)
            if verbatim.posted_at is not None:
                self._first = min(self._first or verbatim.posted_at, verbatim.posted_at)
                self._last = max(self._last or verbatim.posted_at, verbatim.posted_at)
        recalled = [each for each in taken.withdrawn if each.rates is None]
        self._withdrawn += len(recalled)
        for withdrawal in recalled:
            self._ids.void(_hash(withdrawal.source_id))

    def _record(self, record: Record, text: str) -> None:
        found: list[Kind] = [one.kind for one in find(text)]
        self._with_personal += bool(found)
        for label in (record.product, record.version, record.store, record.region, record.question):
            found += _personal(label) if label else ()
        self._personal.update(found)
        for problem in record.problems:
            if match := _RUINED.fullmatch(problem):
                self._ruined.add(*_damage(match[1], match[2]))
        raw = (record.posted_at or "").strip()
        if not raw:
            self._missing += 1
            return
        try:
            self._reader.read(raw)
        except UnknownDate as error:
            self._unknown.add(f"{form_of(raw)}: {error.reason}", raw, shown_date)
        else:
            form = form_of(raw)
            self._placed.add(form if stands(raw) else f"{form}, counted from now", raw, shown_date)

    def _reject(self, reject: Reject) -> None:
        kinds = self._incomplete if reject.stored else self._unusable
        if reject.stored and (reject.reason.startswith("date unknown: ") or _RUINED.fullmatch(reject.reason)):
            return  # counted where dates and ids are
        kinds.add(_SAID.sub("…", reject.reason), reject.location)

    def result(self) -> Examination:
        conversations = self._conversations.repeated
        lost = {role: self._ids.lost(role) for role in self._roles}
        roles = {role: replace(lost[role], count=rows - lost[role].count) for role, rows in self._roles.items()}
        return Examination(
            verbatims=Count(sum(each.count for each in roles.values()), all(each.exact for each in roles.values())),
            roles={role: count for role, count in roles.items() if count.count},
            conversations=replace(conversations, count=self._in_conversations - conversations.count),
            scores=dict(self._scores),
            dates=Dates(self._placed.tallies(), self._unknown.tallies(), self._missing, self._first, self._last),
            ids=Ids(self._given, self._ids.repeated, self._ids.changed, self._ruined.tallies()),
            noise=dict(self._noise),
            exact_copies=self._copies.exact,
            near_copies=self._copies.near,
            personal=dict(self._personal.most_common()),
            texts_with_personal=self._with_personal,
            customers_named=self._customers,
            unusable=self._unusable.tallies(),
            incomplete=self._incomplete.tallies(),
            withdrawn=self._withdrawn,
        )


@lru_cache(maxsize=4096)  # products, shops and regions recur
def _personal(label: str) -> tuple[Kind, ...]:
    return tuple(one.kind for one in find(clean(label)))


def _damage(field: str, value: str | None) -> tuple[str, str]:
    """What Excel did to an id, and an example: none of what is left of a number that may be a customer's."""
    if not value:
        return f"{field}: ruined by Excel", ""
    if _SCIENTIFIC.fullmatch(value):
        return f"{field}: a number in short", value
    if value.isdigit():
        return f"{field}: last digits are zeros", f"{len(value)} digits, …{value[-4:]}"
    return f"{field}: an error of a formula", value[:10]


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest())
