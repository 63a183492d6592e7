"""What a digest says, as types. The JSON of a digest is these, field for field.

Every statement carries the ids of the rows behind it: `evidence` lists segment ids (for scores: verbatim ids), in
ascending order. Counts come in two kinds: raw, every row, and effective, without copies and noise. All
shares, nets and intervals are over effective rows.
"""

from dataclasses import dataclass
from typing import Literal

PeriodKind = Literal["day", "week", "month", "quarter", "range", "all"]


@dataclass(frozen=True, slots=True)
class Period:
    """`start` ≤ t < `end`, as local dates (`YYYY-MM-DD`) in the project's time zone; both None for kind `all`."""

    kind: PeriodKind
    start: str | None
    end: str | None


@dataclass(frozen=True, slots=True)
class Parameters:
    """Everything that decides a digest's contents besides the database; verification starts from these."""

    period: Period
    previous: Period | None
    timezone: str
    last_verbatim_id: int  # rows collected later do not count
    pipeline_version: str
    channels: tuple[str, ...] = ()  # empty: all
    minimum_n: int = 5  # aspects and channels with fewer effective segments are not ranked
    seed: int = 20261122
    format_version: int = 1


@dataclass(frozen=True, slots=True)
class Tally:
    """Polarity of a set of segments.

    `net` = (positive - negative) / effective, in -1..1, None when there are none.

    `low` and `high` bound `net` with 95 % confidence.
    """

    raw: int
    effective: int
    positive: int
    neutral: int
    negative: int
    net: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Quote:
    """A customer's own words, exactly as stored."""

    verbatim_id: int
    segment_id: int
    text: str
    channel: str
    product: str | None
    posted_at: str | None  # UTC, as stored


@dataclass(frozen=True, slots=True)
class AspectFinding:
    """One aspect within one stage. `weight`: how much it weighs, see `feedback.journey.build`."""

    aspect: str
    stage: str
    tally: Tally
    previous: Tally | None
    weight: float
    quotes: tuple[Quote, ...]
    evidence: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class StageFinding:
    """One stage of the journey; stage `none` is the undetermined bucket. `share` is of all effective segments."""

    stage: str
    tally: Tally
    share: float | None
    previous: Tally | None
    previous_share: float | None
    pain_points: tuple[AspectFinding, ...]
    highlights: tuple[AspectFinding, ...]
    evidence: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """Something that moved against the previous period by more than chance explains.

    `measure` `net`: the net sentiment of a stage or aspect; `share`: its share of all effective segments.
    `low` and `high` bound `difference` with 95 % confidence and exclude zero.
    """

    subject: Literal["stage", "aspect"]
    name: str
    stage: str
    measure: Literal["net", "share"]
    before: float
    now: float
    difference: float
    low: float
    high: float
    n_before: int
    n_now: int
    quotes: tuple[Quote, ...]
    evidence: tuple[int, ...]
    previous_evidence: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ChannelView:
    """How one channel sees an aspect."""

    channel: str
    tally: Tally
    evidence: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An aspect on which the best and the worst channel differ by more than chance explains."""

    aspect: str
    best: ChannelView
    worst: ChannelView
    difference: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ScoreCard:
    """One metric by its standard definition.

    nps: promoters (9-10) minus detractors (0-6), in -100..100. csat: share of the top two boxes, in 0..100. ces: mean on the scale asked.
    star: mean on the scale given. One card per metric and scale; `evidence` lists verbatim ids.
    """

    metric: str
    scale_low: float
    scale_high: float
    value: float
    low: float
    high: float
    n: int
    previous_value: float | None
    previous_n: int
    evidence: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ChannelCount:
    """Verbatims of one channel and kind."""

    channel: str
    kind: str
    raw: int
    effective: int


@dataclass(frozen=True, slots=True)
class Overview:
    """What the digest rests on. `noise` counts customer verbatims by why they do not count as effective."""

    verbatims_raw: int
    verbatims_effective: int
    previous_verbatims_raw: int
    previous_verbatims_effective: int
    context_turns: int  # agent and bot turns and company replies: read, never counted as feedback
    duplicates: int
    noise: dict[str, int]
    unknown_dates: int  # customer verbatims of the whole project that no period can hold
    not_analyzed: int  # customer verbatims of the period without marks of this pipeline version
    failed: int  # of those, the ones whose analysis failed
    channels: tuple[ChannelCount, ...]
    tally: Tally
    previous: Tally | None


@dataclass(frozen=True, slots=True)
class Digest:
    """One period's findings. With no feedback in the period, `overview.verbatims_raw` is 0 and the lists are empty."""

    project: str
    generated_at: str
    product_version: str
    parameters: Parameters
    overview: Overview
    scores: tuple[ScoreCard, ...]
    stages: tuple[StageFinding, ...]  # the six in journey order, then none
    changes: tuple[Change, ...]
    disagreements: tuple[Disagreement, ...]
