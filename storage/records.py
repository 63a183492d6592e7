"""The rows of the database as frozen types; field names are column names.

Times are text in UTC, `YYYY-MM-DDTHH:MM:SSZ`, so that they sort as they read. Offsets are code points, half-open. What is
made for every row collected is a named tuple: a frozen dataclass takes three times as long to make.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

Kind = Literal["review", "chat", "survey", "post", "ticket"]
Role = Literal["customer", "agent", "bot"]
Metric = Literal["star", "nps", "csat", "ces"]
Noise = Literal["default_review", "company_reply", "copied_template", "no_text"]
# The questions whose ratings are told, and on which metric; None: such as are certainly rated by nobody.
Rates = Mapping[str, Metric | None]


class Score(NamedTuple):
    """One rating on its own scale: `value` lies in `low`..`high` (NPS 0..10, stars 1..5 …).

    `question`: what the question is known by, "" where there is but one thing that is rated.
    """

    metric: Metric
    value: float
    low: float
    high: float
    question: str = ""


class Verbatim(NamedTuple):
    """One thing one person wrote, masked and ready to store. `source` and `source_id` together are its identity.

    Its fields but for the scores are columns of `verbatims`.
    """

    source: str
    source_id: str
    kind: Kind
    channel: str
    role: Role
    text: str
    posted_at: str | None = None
    conversation_id: str | None = None  # chat: the conversation; survey: the response
    turn: int | None = None  # chat: position in the conversation; survey: position of the question
    parent_id: str | None = None  # source_id of what this adds to (追评, a reply)
    customer_id: str | None = None  # keyed hash, never a name
    product: str | None = None
    version: str | None = None  # of the product, as the source says: "5.2.1"
    store: str | None = None
    region: str | None = None
    question: str | None = None  # survey: the question answered; post: its title
    language: str | None = None
    noise: Noise | None = None
    votes: int | None = None  # how many other people found it helpful or liked it
    scores: tuple[Score, ...] = ()


class Fingerprint(NamedTuple):
    """What finds copies of a text: `exact` equal for equal texts, `bands` share a value for near ones.

    Both are signed 64-bit integers, as SQLite stores them. `exact` is None for a text too short to
    be called a copy ("很好" from two customers is two opinions).
    """

    exact: int | None
    bands: tuple[int, ...] = ()


class Incoming(NamedTuple):
    """A verbatim on its way in, with what is needed to find its copies and to find it (`storage.search.index_columns`).

    `content_hash` changes when the source changed what it says, and only then: a date like "昨天" is read anew at each run, and
    votes are what others think of it. Where `rates` says that it tells some of the ratings alone it is made without any. It is a
    signed 64-bit integer, as SQLite stores it, made by `hash_with_version`.
    """

    verbatim: Verbatim
    fingerprint: Fingerprint
    content_hash: int
    words: str
    characters: str
    final: bool = False  # never edited: with other words or another date than its id had it is something else
    own_date: bool = True  # False: its date tells it from no other with its id: it may be that of an arrival or of a change, or part of the id
    former_ids: tuple[str, ...] = ()  # under which it may be stored
    rates: Rates | None = None  # the questions whose ratings it tells; others stay. None: it tells all
    former_places: tuple[str, ...] = ()  # what the ids began with of all among which it was known by its place


Similar = Callable[[str, str], bool]


class Withdrawal(NamedTuple):
    """What its source says is void; `for_good`: whatever tells of it later; `with_texts`: with all that hangs on it, under ids that begin with its own and a slash;
    `rates`: its ratings by these questions alone."""

    source_id: str
    for_good: bool = True
    with_texts: bool = False
    rates: Rates | None = None


@dataclass(frozen=True, slots=True)
class Reject:
    """Something that could not be used, or only in part (`stored`): where it was and why."""

    source: str
    location: str  # "reviews.csv:17"
    reason: str
    excerpt: str = ""  # masked, shortened with "…"
    stored: bool = False  # True: the row is stored, a field of it (a date, a score) is not


@dataclass(frozen=True, slots=True)
class BatchResult:
    """How many rows of a batch were new, changed, or already there.

    `conflicts`: verbatims that this run had already stored with other contents under the same id; the later ones are kept.
    """

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    duplicates: int = 0  # of the added ones
    conflicts: tuple[Verbatim, ...] = ()


@dataclass(frozen=True, slots=True)
class Mention:
    """One aspect named in a segment; offsets are into the verbatim's text."""

    aspect: str
    term: str
    start: int
    end: int
    opinion: str | None
    opinion_start: int | None
    opinion_end: int | None
    sentiment: str


@dataclass(frozen=True, slots=True)
class OpenMention:
    """Something judged in a segment that the taxonomy has no word for; offsets are into the verbatim's text."""

    term: str
    start: int
    end: int
    opinion: str
    opinion_start: int
    opinion_end: int
    sentiment: str


@dataclass(frozen=True, slots=True)
class Segment:
    """One opinion unit with its marks; `sentiment_score` in -1..1, confidences in 0..1."""

    start: int
    end: int
    stage: str
    stage_confidence: float
    sentiment: str
    sentiment_score: float
    sentiment_confidence: float
    intent: str
    intent_confidence: float
    emotion: str | None = None
    mentions: tuple[Mention, ...] = ()
    open_mentions: tuple[OpenMention, ...] = ()


@dataclass(frozen=True, slots=True)
class AnalysisRow:
    """The outcome of one pipeline version on one verbatim; `error` when it failed, then no segments."""

    verbatim_id: int
    content_hash: int  # of the verbatim as it was read
    segments: tuple[Segment, ...] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True)
class PendingText:
    """A verbatim that awaits analysis."""

    id: int
    text: str
    content_hash: int
