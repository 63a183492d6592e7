"""From the database to a digest: nothing but counting and the formulas of `stats`, so that anyone can do it again.

Effective segments are those of customers' verbatims that are neither copies nor noise. `previous` figures are None
only when there is no previous period (kind `all`); one without feedback has empty tallies.

**Weight.** A pain point weighs its negative segments divided by all effective segments of its stage: how far the
stage's net sentiment would rise had each of them been neutral. A highlight weighs its positive segments likewise: how
far it would fall. So a mild annoyance of many outweighs the fury of two. An aspect that many love and surely three in ten
blame is in both lists.
"""

import sqlite3
from collections.abc import Iterable

from feedback.journey.cells import Cell, Cells, Key, read_cells, share_of, tally_of
from feedback.journey.changes import find_changes, find_disagreements
from feedback.journey.model import (
    AspectFinding,
    Change,
    ChannelCount,
    Digest,
    Overview,
    Parameters,
    Period,
    ScoreCard,
    StageFinding,
)
from feedback.journey.periods import utc_bounds
from feedback.journey.quotes import typical_quotes
from feedback.journey.stages import STAGE_NAMES
from feedback.journey.stats import has_definition, metric_estimate, wilson
from storage.figures import (
    Rating,
    Scope,
    VerbatimCount,
    ratings,
    segment_marks,
    snapshot,
    undated_count,
    verbatim_counts,
)

MAX_ASPECTS = 5  # pain points, and highlights, of one stage
MINIMUM_VOICES = 3  # fewer negative (positive) segments are an anecdote
NOTABLE_NEGATIVE_SHARE = 0.3  # an aspect people mostly like is still a pain point if this many do not

_METRICS = ("nps", "csat", "ces", "star")


def build_digest(
    connection: sqlite3.Connection, parameters: Parameters, project: str, product_version: str, generated_at: str
) -> Digest:
    """The digest of a period. The same database and parameters give the same digest, but for the three last names.

    All reads see one state of the database. `DigestError` when the time zone or a mark in the database is unknown.
    """
    with snapshot(connection):
        builder = _Builder(connection, parameters)
        return Digest(
            project=project,
            generated_at=generated_at,
            product_version=product_version,
            parameters=parameters,
            overview=builder.overview(),
            scores=tuple(builder.scores()),
            stages=tuple(builder.stages()),
            changes=tuple(builder.changes()),
            disagreements=tuple(find_disagreements(builder.now, parameters.minimum_n)),
        )


def scope_of(parameters: Parameters, period: Period) -> Scope:
    """The verbatims of a period that the parameters admit."""
    start, end = utc_bounds(period, parameters.timezone)
    return Scope(start, end, parameters.last_verbatim_id, parameters.pipeline_version, parameters.channels)


class _Builder:
    """What the parts of a digest share: both periods, counted once."""

    def __init__(self, connection: sqlite3.Connection, parameters: Parameters) -> None:
        self.connection = connection
        self.parameters = parameters
        self.scope = scope_of(parameters, parameters.period)
        self.now = read_cells(segment_marks(connection, self.scope))
        self.previous_scope: Scope | None = None
        self.before: Cells | None = None
        if parameters.previous is not None:
            self.previous_scope = scope_of(parameters, parameters.previous)
            self.before = read_cells(segment_marks(connection, self.previous_scope))
        self.counts = verbatim_counts(connection, self.scope)
        self.silent = not any(count.role == "customer" for count in self.counts)

    def overview(self) -> Overview:
        customers = [count for count in self.counts if count.role == "customer"]
        previous = verbatim_counts(self.connection, self.previous_scope) if self.previous_scope else []
        earlier = [count for count in previous if count.role == "customer"]
        return Overview(
            verbatims_raw=_total(customers),
            verbatims_effective=_total(filter(_effective, customers)),
            previous_verbatims_raw=_total(earlier),
            previous_verbatims_effective=_total(filter(_effective, earlier)),
            context_turns=_total(self.counts) - _total(customers),
            # A copy that is noise as well counts as noise, so that all of these add up to the raw number.
            duplicates=_total(count for count in customers if count.duplicate and count.noise is None),
            noise=_noise(customers),
            unknown_dates=undated_count(self.connection, self.scope),
            not_analyzed=_total(count for count in customers if count.analysis in ("missing", "failed")),
            failed=_total(count for count in customers if count.analysis == "failed"),
            channels=tuple(_channel_counts(customers)),
            tally=tally_of(self.now.whole),
            previous=tally_of(self.before.whole) if self.before else None,
        )

    def scores(self) -> list[ScoreCard]:
        """One card per metric and scale that was asked in the period. A scale the metric is not defined on has none."""
        previous = _by_scale(ratings(self.connection, self.previous_scope)) if self.previous_scope else {}
        found = _by_scale(ratings(self.connection, self.scope))
        return [_score_card(key, found[key], previous.get(key, [])) for key in sorted(found, key=_metric_order)]

    def stages(self) -> list[StageFinding]:
        return [] if self.silent else [self._stage(name.key) for name in STAGE_NAMES]

    def changes(self) -> list[Change]:
        if self.silent or self.before is None:
            return []
        return find_changes(self.connection, (self.now, self.before), self.parameters)

    def _stage(self, stage: str) -> StageFinding:
        key = Key(stage=stage)
        cell = self.now[key]
        share = share_of(cell, self.now.whole)
        previous_share = share_of(self.before[key], self.before.whole) if self.before else None
        return StageFinding(
            stage=stage,
            tally=tally_of(cell),
            share=share.value if share else None,
            previous=tally_of(self.before[key]) if self.before else None,
            previous_share=previous_share.value if previous_share else None,
            pain_points=self._aspects(stage, "negative"),
            highlights=self._aspects(stage, "positive"),
            evidence=cell.evidence,
        )

    def _aspects(self, stage: str, polarity: str) -> tuple[AspectFinding, ...]:
        """The aspects of a stage that weigh most, heaviest first; ties go to the one named more often, then by name."""
        notable = _is_pain_point if polarity == "negative" else _is_highlight
        keys = [
            key
            for key in self.now
            if key.stage == stage
            and key.aspect is not None
            and self.now[key].effective >= self.parameters.minimum_n
            and notable(self.now[key])
        ]
        keys.sort(key=lambda k: (-self.now[k].count(polarity), -self.now[k].effective, k.aspect or ""))
        return tuple(self._aspect(key, polarity) for key in keys[:MAX_ASPECTS])

    def _aspect(self, key: Key, polarity: str) -> AspectFinding:
        cell, stage = self.now[key], key.stage or "none"
        return AspectFinding(
            aspect=key.aspect or "",
            stage=stage,
            tally=tally_of(cell),
            previous=tally_of(self.before[key]) if self.before else None,
            weight=cell.count(polarity) / self.now[Key(stage=stage)].effective,
            quotes=typical_quotes(self.connection, cell.ids[polarity], self.parameters.seed),
            evidence=cell.evidence,
        )


def _is_pain_point(cell: Cell) -> bool:
    """Blamed at least as much as praised, or blamed by a notable share beyond chance."""
    negative = cell.count("negative")
    if negative < MINIMUM_VOICES:
        return False
    return negative >= cell.count("positive") or wilson(negative, cell.effective).low >= NOTABLE_NEGATIVE_SHARE


def _is_highlight(cell: Cell) -> bool:
    return cell.count("positive") >= MINIMUM_VOICES and cell.count("positive") > cell.count("negative")


def _effective(count: VerbatimCount) -> bool:
    return count.noise is None and not count.duplicate


def _total(counts: Iterable[VerbatimCount]) -> int:
    return sum(count.verbatims for count in counts)


def _noise(customers: Iterable[VerbatimCount]) -> dict[str, int]:
    noise: dict[str, int] = {}
    for count in customers:
        if count.noise is not None:
            noise[count.noise] = noise.get(count.noise, 0) + count.verbatims
    return dict(sorted(noise.items()))


def _channel_counts(customers: list[VerbatimCount]) -> list[ChannelCount]:
    """Largest channel first."""
    rows = []
    for channel, kind in sorted({(count.channel, count.kind) for count in customers}):
        here = [count for count in customers if (count.channel, count.kind) == (channel, kind)]
        rows.append(ChannelCount(channel, kind, _total(here), _total(filter(_effective, here))))
    return sorted(rows, key=lambda row: (-row.raw, row.channel, row.kind))


_Scale = tuple[str, float, float]


def _by_scale(rows: Iterable[Rating]) -> dict[_Scale, list[Rating]]:
    found: dict[_Scale, list[Rating]] = {}
    for row in rows:
        if has_definition(row.metric, (row.scale_low, row.scale_high)):
            found.setdefault((row.metric, row.scale_low, row.scale_high), []).append(row)
    return found


def _metric_order(key: _Scale) -> tuple[int, float, float]:
    return _METRICS.index(key[0]), key[1], key[2]


def _score_card(key: _Scale, found: list[Rating], previous: list[Rating]) -> ScoreCard:
    metric, low, high = key
    estimate = metric_estimate(metric, [row.value for row in found], (low, high))
    before = metric_estimate(metric, [row.value for row in previous], (low, high)) if previous else None
    return ScoreCard(
        metric=metric,
        scale_low=low,
        scale_high=high,
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        n=len(found),
        previous_value=before.value if before else None,
        previous_n=len(previous),
        evidence=tuple(sorted({row.verbatim_id for row in found})),
    )
