"""A digest's findings as rows of the database, for Datasette and SQL."""

import json
from dataclasses import asdict, fields

from feedback.errors import DigestError
from feedback.journey.model import (
    AspectFinding,
    Change,
    ChannelView,
    Digest,
    Disagreement,
    Quote,
    ScoreCard,
    StageFinding,
    Tally,
)
from storage.figures import FindingPeriod, FindingRow

_Statement = StageFinding | AspectFinding | Change | Disagreement | ScoreCard

# Rows of their own, or of `evidence`.
_ELSEWHERE = {"evidence", "previous_evidence", "pain_points", "highlights"}


def finding_period(digest: Digest) -> FindingPeriod:
    """The period to give to `storage.figures.save_findings`."""
    period = digest.parameters.period
    return FindingPeriod(period.kind, period.start, period.end)


def finding_rows(digest: Digest) -> list[FindingRow]:
    """Kinds: stage, pain_point, highlight, change, disagreement, score; ranks count from 1 within a kind (and stage).

    `figures` holds the statement's numbers, quotes as segment ids. Scores have no rows of evidence, which is made of
    segments; their verbatims are those of the period. A digest of some channels only is refused with `DigestError`: it
    would replace the findings of the whole.
    """
    if digest.parameters.channels:
        raise DigestError("Only a digest of all channels can be saved as findings.")
    rows: list[FindingRow] = []
    for rank, stage in enumerate(digest.stages, 1):
        rows.append(FindingRow("stage", stage.stage, None, None, rank, _figures(stage), stage.evidence))
        for kind, aspects in (("pain_point", stage.pain_points), ("highlight", stage.highlights)):
            for place, found in enumerate(aspects, 1):
                rows.append(FindingRow(kind, stage.stage, found.aspect, None, place, _figures(found), found.evidence))
    for rank, change in enumerate(digest.changes, 1):
        aspect = change.name if change.subject == "aspect" else None
        rows.append(FindingRow("change", change.stage, aspect, None, rank, _figures(change), change.evidence))
    for rank, apart in enumerate(digest.disagreements, 1):
        both = tuple(sorted(apart.best.evidence + apart.worst.evidence))
        rows.append(FindingRow("disagreement", None, apart.aspect, apart.worst.channel, rank, _figures(apart), both))
    for rank, card in enumerate(digest.scores, 1):
        rows.append(FindingRow("score", None, None, None, rank, _figures(card), ()))
    return rows


def _figures(statement: _Statement) -> str:
    names = [field.name for field in fields(statement) if field.name not in _ELSEWHERE]
    return json.dumps({name: _plain(getattr(statement, name)) for name in names}, ensure_ascii=False)


def _plain(value: object) -> object:
    if isinstance(value, ChannelView):
        return {"channel": value.channel, "tally": asdict(value.tally)}
    if isinstance(value, Tally):
        return asdict(value)
    if isinstance(value, tuple):
        return [item.segment_id for item in value if isinstance(item, Quote)]
    return value
