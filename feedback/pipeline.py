"""The only glue: sources into the store, the store's texts through analysis and back."""

import hashlib
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from feedback.clean import clean
from feedback.collected import Collected, Progress, Sums, conflict
from feedback.collectors.base import Collector, Part, SourceConfig
from feedback.collectors.encoding import open_binary
from feedback.collectors.files import NoFiles
from feedback.collectors.live import LiveCollector
from feedback.collectors.registry import load_collector
from feedback.copies import similar
from feedback.errors import CollectError
from feedback.garbage import rarely_collected
from feedback.intake import find_by
from feedback.live import NO_WISH, Wish, collect_pages, visit_of
from feedback.part_names import stored_location, stored_name
from feedback.passed_over import passed_over
from feedback.pii import mask
from feedback.project import Project
from feedback.reading import Damaged, Reading, read_ahead
from feedback.settings_digest import settings_digest
from nlp.config import PipelineConfig, pipeline_version
from nlp.marks import Analysis
from storage import records
from storage.copies import count_copies
from storage.journal import (
    add_rejects,
    clear_rejects,
    count_in_run,
    find_reading,
    finish_run,
    forget_cursors,
    move_cursor,
    other_readings,
    parts_read,
    read_cursor,
    start_run,
)
from storage.keeping import with_known_words
from storage.known_again import KnownAgain
from storage.marks import count_pending, pending, save_analyses
from storage.occurrences import Occurrences
from storage.records import AnalysisRow, BatchResult
from storage.store import Store
from storage.verbatims import add_verbatims, newest_verbatim, take_out, withdraw

ANALYZE_BATCH = 512


@dataclass(frozen=True, slots=True)
class Analyzed:
    """What an analysis run came to."""

    verbatims: int
    segments: int
    failed: int
    pipeline_version: str


def pipeline_config(project: Project) -> PipelineConfig:
    return PipelineConfig(
        taxonomy=project.taxonomy, engine=project.engine, words=project.words, sentiment=project.sentiment
    )


def collect(
    store: Store, project: Project, config: SourceConfig, progress: Progress, wish: Wish = NO_WISH
) -> Collected:
    """Store what is new in a source. Killed at any moment, the next run goes on and repeats nothing. `wish` is for live sources."""
    collector = load_collector(config.collector)
    with store.transaction() as connection:
        run_id = start_run(connection, "collect", config.name)
    try:
        if isinstance(collector, LiveCollector):
            visit = visit_of(project, config, wish)
            collected = collect_pages(store, project, visit, collector, run_id, wish, progress)
        else:
            collected = _collect_parts(store, project, config, collector, run_id, progress)
    except BaseException as error:
        with store.transaction() as connection:
            finish_run(connection, run_id, "failed", _kept_message(error, collector))
        raise
    with store.transaction() as connection:
        if collected.failed:
            finish_run(connection, run_id, "failed", _kept_message(collected.failed[0], collector))
        else:
            said = f"{collected.replaced:,} of an earlier reading taken out" if collected.replaced else None
            finish_run(connection, run_id, "done", said)
    return collected


def _kept_message(error: BaseException, collector: Collector | LiveCollector) -> str:
    """What is stored of an error: where it may name people ("who is customer among …"), only what kind it was."""
    name = "CollectError" if isinstance(error, CollectError) else type(error).__name__
    if collector.private_names:
        return f"{name}: run feedback collect to see it; it may name people, so it is not kept"
    return f"{name}: {mask(clean(str(error)))}"[:500]


def _collect_parts(
    store: Store, project: Project, config: SourceConfig, collector: Collector, run_id: int, progress: Progress
) -> Collected:
    sums = Sums()
    newest = newest_verbatim(store.connection)
    changed = _changed_parts(store, project, config, collector, sums)
    reread: dict[int, _Unread] = {}  # by reading: what had been read with the same contents, under other settings
    reading_id, same_file = 0, list[int]()
    reading = Reading(config, tuple(p.part for p in changed), project.timezone, project.secret(), datetime.now(UTC))
    with rarely_collected(), closing(read_ahead(reading)) as batches, Occurrences() as occurrences:
        known = KnownAgain(store.connection, config.name, occurrences)
        for batch in batches:
            if isinstance(batch, Damaged):
                sums.failed.append(batch.error)
                continue
            unread = changed[batch.part]
            part, name, taken = unread.part, unread.name, batch.taken
            rejects = [replace(r, location=stored_location(r.location, part, name)) for r in taken.rejects]
            with store.transaction() as connection:
                if batch.first:
                    clear_rejects(connection, config.name, name)
                    reading_id = find_reading(connection, config.name, name, unread.contents, unread.settings)
                    if same_file := other_readings(connection, reading_id):
                        reread[reading_id] = unread
                        move_cursor(connection, config.name, name, _under_way(run_id))
                incoming = known.in_batch(
                    connection, (reading_id, unread.settings), taken.incoming, taken.lost_ids, taken.garbled
                )
                incoming = with_known_words(connection, incoming, taken.garbled, find_by)
                result = add_verbatims(connection, run_id, reading_id, incoming, similar, same_file)
                rejects += [conflict(verbatim, name) for verbatim in result.conflicts]
                withdrawn = withdraw(connection, config.name, taken.withdrawn, similar, same_file)
                add_rejects(connection, run_id, name, rejects)
                count_in_run(connection, run_id, result, len(rejects))
                if batch.last and reading_id not in reread:
                    # Where another run has begun meanwhile to read it under other settings, it is not known what is left.
                    disturbed = other_readings(connection, reading_id)
                    move_cursor(connection, config.name, name, _under_way(run_id) if disturbed else unread.state)
            sums.count(result, len(rejects), withdrawn)
            sums.notes += batch.remarks
            if rejects and name != part.name:
                sums.hidden[name] = part.name
            progress(part.name, batch.items)
    if sums.failed and sums.parts == 1:
        raise sums.failed[0]
    if reread:
        _settle(store, config.name, run_id, reread, sums)
        if sums.replaced:  # what was a copy of them alone is none any more
            sums.duplicates = count_copies(store.connection, run_id, newest)
    return sums.collected(config.name)


def _settle(store: Store, source: str, run_id: int, reread: "Mapping[int, _Unread]", sums: "Sums") -> None:
    """Take out what these parts were read as under other settings, where no part of this run says it too.

    Only once the whole source could be read, each part with the contents it had then, and by this run alone: until then
    the rows of both readings stand side by side, and the next run reads these parts once more.
    """
    names = [unread.name for unread in reread.values()]
    if sums.failed or not all(unread.is_same() for unread in reread.values()):
        sums.unsettled = len(names)
        return
    with store.transaction() as connection:
        if any(read_cursor(connection, source, name) != _under_way(run_id) for name in names):
            # Another run read them meanwhile. Should it still be at it, it finds itself disturbed in turn.
            for name in names:
                move_cursor(connection, source, name, _under_way(run_id))
            sums.unsettled = len(names)
            return
        others = {other for reading_id in reread for other in other_readings(connection, reading_id)}
        sums.replaced = take_out(connection, others, similar)
        for unread in reread.values():
            move_cursor(connection, source, unread.name, unread.state)
        if sums.replaced:
            # Of a row that several files hold only the one that was read last is known: the others say it again.
            forget_cursors(connection, source, sums.read)


def _under_way(run_id: int) -> str:
    """The state of a part that was begun to be read under other settings; equal to none of a part that was read."""
    return f"begun by run {run_id}"


def _changed_parts(
    store: Store, project: Project, config: SourceConfig, collector: Collector, sums: "Sums"
) -> list["_Unread"]:
    """The parts that are not as they were last read."""
    secret, settings = project.secret(), settings_digest(project, config)
    changed = []
    try:
        parts = collector.parts(config)
    except NoFiles as nothing:
        # Files may be put away once they were collected; where none ever was, the path is rather wrong.
        if not parts_read(store.connection, config.name):
            raise
        parts = list(nothing.parts)
        sums.notes.append(str(nothing))
    sums.notes += passed_over(project, config, collector, parts)
    for part in parts:
        sums.parts += 1
        try:
            unread = _Unread(part, stored_name(collector, part, secret), _contents(part), settings)
        except CollectError as error:
            sums.failed.append(error)
            continue
        if read_cursor(store.connection, config.name, unread.name) == unread.state:
            sums.parts_unchanged += 1
        else:
            changed.append(unread)
            sums.read.append(unread.name)
    return changed


@dataclass(frozen=True, slots=True)
class _Unread:
    """A part that is to be read: its name as stored, digests of its bytes and of all else that decides what comes of it."""

    part: Part
    name: str
    contents: str
    settings: str

    @property
    def state(self) -> str:
        """Equal when reading the part again would change nothing."""
        return f"{self.contents}:{self.settings}"

    def is_same(self) -> bool:
        """Whether the part still holds what it held."""
        try:
            return _contents(self.part) == self.contents
        except CollectError:
            return False


def _contents(part: Part) -> str:
    digest = hashlib.blake2b(digest_size=16)
    with open_binary(part.path) as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def analyze(store: Store, project: Project, progress: Progress) -> Analyzed:
    """Mark every customer verbatim that has no marks of this pipeline version. Resumable: a batch is a transaction."""
    config = pipeline_config(project)
    version = pipeline_version(config)
    pipeline = None
    if count_pending(store.connection, version):
        from nlp.pipeline import load_pipeline  # spaCy and jieba, only where there is work for them

        pipeline = load_pipeline(config)
    with store.transaction() as connection:
        run_id = start_run(connection, "analyze", None)
    done = segments = failed = after = 0
    status, message = "failed", None
    try:
        while pipeline and (batch := pending(store.connection, version, after, ANALYZE_BATCH)):
            rows = [
                _analysis_row(row.id, row.content_hash, analysis)
                for row, analysis in zip(batch, pipeline.analyze(row.text for row in batch), strict=True)
            ]
            with store.transaction() as connection:
                save_analyses(connection, version, rows)
                count_in_run(connection, run_id, BatchResult(added=len(rows)), 0)
            after = batch[-1].id
            done += len(rows)
            segments += sum(len(row.segments) for row in rows)
            failed += sum(row.error is not None for row in rows)
            progress("analyze", len(rows))
        status = "done"
        message = f"{failed} texts could not be analysed" if failed else None
    except BaseException as error:
        message = f"{type(error).__name__}: {error}"[:500]
        raise
    finally:
        with store.transaction() as connection:
            finish_run(connection, run_id, status, message)
    return Analyzed(done, segments, failed, version)


def awaiting_analysis(store: Store, project: Project) -> int:
    """How many verbatims `analyze` would mark now."""
    return count_pending(store.connection, pipeline_version(pipeline_config(project)))


def _analysis_row(verbatim_id: int, content_hash: int, analysis: Analysis) -> AnalysisRow:
    segments = tuple(
        records.Segment(
            start=s.start,
            end=s.end,
            stage=s.marks.stage,
            stage_confidence=s.marks.stage_confidence,
            sentiment=s.marks.sentiment,
            sentiment_score=s.marks.sentiment_score,
            sentiment_confidence=s.marks.sentiment_confidence,
            intent=s.marks.intent,
            intent_confidence=s.marks.intent_confidence,
            emotion=s.marks.emotion,
            mentions=tuple(
                records.Mention(
                    *(m.aspect, m.term, m.start, m.end, m.opinion, m.opinion_start, m.opinion_end, m.sentiment)
                )
                for m in s.mentions
            ),
            open_mentions=tuple(
                records.OpenMention(*(m.term, m.start, m.end, m.opinion, m.opinion_start, m.opinion_end, m.sentiment))
                for m in s.open_mentions
            ),
        )
        for s in analysis.segments
    )
    return AnalysisRow(verbatim_id, content_hash, segments, analysis.error)
