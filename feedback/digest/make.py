"""From a project to a digest: which period, which rows, which version of the marks."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from zoneinfo import ZoneInfo

from feedback.errors import DigestError
from feedback.journey.build import build_digest
from feedback.journey.model import Digest, Parameters, Period
from feedback.journey.periods import local_date, parse_period, previous_period
from feedback.journey.rows import finding_period, finding_rows
from feedback.pipeline import pipeline_config
from feedback.project import Project
from nlp.config import pipeline_version
from nlp.taxonomy import load_taxonomy
from storage.figures import last_verbatim_id, newest_posted_at, save_findings
from storage.journal import utc_now
from storage.store import Store


def newest_period(store: Store, project: Project, text: str) -> Period:
    """The period a person means: `week` is the last one the project's data tells of, for exports are often days old."""
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    newest = newest_posted_at(store.connection, tomorrow)
    anchor = local_date(newest, project.timezone) if newest else _today(project)
    return parse_period(text, anchor)


def last_complete_period(project: Project, text: str) -> Period:
    """The period a clock means: on Monday morning, the week that ended on Sunday."""
    running = parse_period(text, _today(project))
    if text not in ("day", "week", "month", "quarter"):
        return running
    complete = previous_period(running)
    if complete is None:
        raise DigestError(f"A scheduled digest needs a period such as week, not '{text}'.")
    return complete


def make_digest(store: Store, project: Project, period: Period, channels: Sequence[str] = ()) -> Digest:
    """Build the digest and, when it is about all channels, keep its findings in the database."""
    parameters = Parameters(
        period=period,
        previous=previous_period(period),
        timezone=project.timezone,
        last_verbatim_id=last_verbatim_id(store.connection),
        pipeline_version=pipeline_version(pipeline_config(project)),
        channels=tuple(sorted(channels)),
    )
    digest = build_digest(store.connection, parameters, project.name, version("yuansheng"), utc_now())
    if not channels:
        with store.transaction() as connection:
            save_findings(connection, finding_period(digest), finding_rows(digest))
    return digest


def aspect_names(project: Project, lang: str) -> dict[str, str]:
    """What that language calls the aspects of the project's taxonomy; nothing for Chinese, where they are called by their keys."""
    if lang != "en":
        return {}
    aspects = load_taxonomy(project.taxonomy).aspects
    named = Counter(aspect.en for aspect in aspects)
    return {a.name: a.en if named[a.en] == 1 else f"{a.en} ({a.name})" for a in aspects}


def period_name(period: Period) -> str:
    """A short name for files: `2026-W09`, `2026-02`, `2026-02-23..2026-03-01`, `all`."""
    if period.start is None or period.end is None:
        return "all"
    start, last = date.fromisoformat(period.start), date.fromisoformat(period.end) - timedelta(days=1)
    if period.kind == "week":
        year, week, _ = start.isocalendar()
        return f"{year}-W{week:02}"
    if period.kind == "month":
        return f"{start:%Y-%m}"
    if period.kind == "quarter":
        return f"{start.year}-Q{(start.month + 2) // 3}"
    return f"{start}" if start == last else f"{start}..{last}"


def _today(project: Project) -> date:
    return datetime.now(ZoneInfo(project.timezone)).date()
