"""What a collector is: something that yields records, one at a time, in the order the source holds them.

A collector knows its source and nothing else: no database, no masking, no cleaning, no dates. Intake does those
for all of them. To add one, write a module with a class of the `Collector` shape and a row in `registry.py`;
`table.py` is the worked example. Outside this package: an entry point in the group `feedback.collectors`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from storage.records import Kind, Metric, Rates, Role

# What begins an id that was made of texts that may be names: `KEYED` and 16 hex digits. Intake makes a keyed hash of it.
KEYED = "keyed:"
NOBODY = "nobody"  # beside the roles, of what looks like a speaker's name and is none


@dataclass(frozen=True, slots=True)
class RawScore:
    """A rating as the source wrote it ("5", "4.0", "50", "9分"), and the scale it is on.

    `question`: what the question that it answers is known by, where one record has the ratings of several.
    """

    metric: Metric
    value: str
    low: float
    high: float
    question: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """One thing one person wrote, as the source holds it: raw text, raw date, raw id.

    `source_id` None means the source has none; intake then derives one from the contents. `customer` is whatever
    the source calls the person; intake keeps only a keyed hash of it. `problems` are fields of
    this row that could not be used; they are listed, and the row is stored without them. They name no person.
    """

    text: str
    kind: Kind
    channel: str
    location: str  # for rejects: "reviews.csv:17"
    source_id: str | None = None
    role: Role = "customer"
    posted_at: str | None = None  # any form FORMATS lists; intake reads it
    conversation_id: str | None = None
    turn: int | None = None
    parent_id: str | None = None
    customer: str | None = None
    signed: str | None = (
        None  # a name that many go by (j***3, 微信用户): no customer's, but it tells records without an id apart
    )
    product: str | None = None
    version: str | None = None  # of the product
    store: str | None = None
    region: str | None = None
    question: str | None = None
    votes: str | None = None  # how many others found it helpful or liked it, as written: "12", "1.2万"; intake reads it
    scores: tuple[RawScore, ...] = ()
    former_ids: tuple[str, ...] = ()  # by which the source told it before it gave it another `source_id`
    former_places: tuple[str, ...] = ()  # "c1-", of ids by places ("c1-1", "c1-2") that an earlier version gave
    problems: tuple[str, ...] = ()
    final: bool = False  # it is never edited: what has its id, but other words or another date, is something else
    own_date: bool = True  # False: its date tells it from no other with its id: it may be that of an arrival or of a change, or part of the id
    rates: Rates | None = None  # the questions whose ratings it tells; others stay. None: it tells all
    beside: tuple[str, ...] = ()  # "csat=4": its response's ratings, which tell answers without an id apart
    lost_id: bool = False  # its source gave it an id, which was ruined on the way
    shared: bool = False  # its place may be told otherwise, by windows copied out overlapping or a survey numbered anew


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The source says an earlier record is void (a recalled message). Intake removes it from the store.

    `for_good`: it stays away whatever tells of it later, another file of an archive or an older list. False: told again, it is there again.
    `with_texts`: so are the further texts of its row, whose ids begin with its own (`layout.ExtraText`); which there were it need not tell.
    `rates`: void are its ratings by these questions alone.
    """

    source_id: str
    location: str
    for_good: bool = True
    with_texts: bool = False
    rates: Rates | None = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A row that can't be used at all. It goes to `rejects`; nothing is silently dropped.

    `reason` names no person. `excerpt` is what was said, and only that, whole: intake masks it, then shortens it. Where
    a row can't be taken apart nobody knows its words from its names: then there is none, and `location` finds it.
    """

    location: str
    reason: str
    excerpt: str = ""


Item = Record | Withdrawn | Unreadable


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """One `[[sources]]` of feedback.toml, or the same given on the command line."""

    name: str
    collector: str
    paths: tuple[str, ...] = ()  # files, folders, globs; relative to `base`
    base: Path = field(default_factory=Path)
    channel: str | None = None  # None: the layout's own
    kind: Kind | None = None
    layout: str | None = None  # name of a built-in layout or path of a TOML file; None: recognised from the header
    store: str | None = None
    product: str | None = None
    roles: Mapping[str, Role] = field(default_factory=dict)  # chat: speaker name -> role
    nobody: tuple[str, ...] = ()  # chat: what stands where speakers' names do, but is only a line in a message
    options: Mapping[str, object] = field(
        default_factory=dict
    )  # what one collector alone knows: addresses, mappings, where keys are


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a source that is collected on its own and skipped when unchanged: a file."""

    name: str  # shown to people and kept as the cursor's key
    path: Path


class Collector(Protocol):
    """Yields what a source holds. Raises `CollectError` when the source (not a row of it) can't be read.

    `private_names`: files may be named after people, as an export of one chat is, and errors may name them. They are
    shown, but not stored: see `feedback/part_names.py`.
    """

    private_names: bool

    def parts(self, config: SourceConfig) -> list[Part]:
        """The pieces to read, in a fixed order. `CollectError` when there are none."""
        ...

    def collect(self, part: Part, config: SourceConfig) -> Iterator[Item]:
        """Every item of one part, lazily: memory does not grow with the part's length."""
        ...
