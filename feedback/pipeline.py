"""The only glue: sources into the store, the store's texts through analysis and back."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from itertools import islice

from feedback.clean import clean
from feedback.collectors.base import Collector, Item, Part, Record, SourceConfig
from feedback.collectors.encoding import open_binary
from feedback.collectors.registry import load_collector
from feedback.copies import similar
from feedback.errors import CollectError
from feedback.intake import INTAKE_VERSION, Intake
from feedback.part_names import stored_location, stored_name
from feedback.pii import mask
from feedback.project import Project
from nlp.config import PipelineConfig, pipeline_version
from nlp.marks import Analysis
from storage import records
from storage.journal import (
    add_rejects,
    clear_rejects,
    count_in_run,
    finish_run,
    move_cursor,
    read_cursor,
    start_run,
)
from storage.marks import count_pending, pending, save_analyses
from storage.records import AnalysisRow, BatchResult
from storage.store import Store
from storage.verbatims import add_verbatims, forget_occurrences, number_occurrences, withdraw

COLLECT_BATCH = 5000  # keys come in no order: the more rows a transaction holds, the fewer pages each row writes
COLLECT_CHARACTERS = 1_000_000  # of long texts fewer go into a batch, so that memory does not grow with them
ANALYZE_BATCH = 512

Progress = Callable[[str, int], None]  # what is being done, how many more are done


@dataclass(frozen=True, slots=True)
class Collected:
    """What collecting one source came to.

    `hidden`: the files with rejects that are stored under another name. `failed`: why some files could not be read to their end.
    """

    source: str
    added: int
    changed: int
    unchanged: int
    duplicates: int
    rejected: int
    withdrawn: int
    parts_read: int
    parts_unchanged: int
    hidden: Mapping[str, str] = field(default_factory=dict)  # stored name -> name
    failed: tuple[CollectError, ...] = ()


@dataclass(frozen=True, slots=True)
class Analyzed:
    """What an analysis run came to."""

    verbatims: int
    segments: int
    failed: int
    pipeline_version: str


def pipeline_config(project: Project) -> PipelineConfig:
    return PipelineConfig(taxonomy=project.taxonomy, engine=project.engine, words=project.words)


def collect(store: Store, project: Project, config: SourceConfig, progress: Progress) -> Collected:
    """Store what is new in a source. Killed at any moment, the next run goes on and repeats nothing."""
    collector = load_collector(config.collector)
    with store.transaction() as connection:
        run_id = start_run(connection, "collect", config.name)
    try:
        collected = _collect_parts(store, project, config, collector, run_id, progress)
    except BaseException as error:
        with store.transaction() as connection:
            finish_run(connection, run_id, "failed", _kept_message(error, collector))
        raise
    with store.transaction() as connection:
        if collected.failed:
            finish_run(connection, run_id, "failed", _kept_message(collected.failed[0], collector))
        else:
            finish_run(connection, run_id, "done", None)
    return collected


def _kept_message(error: BaseException, collector: Collector) -> str:
    """What is stored of an error: where it may name people ("who is customer among …"), only what kind it was."""
    if collector.private_names:
        return f"{type(error).__name__}: run feedback collect to see it; it may name people, so it is not kept"
    return f"{type(error).__name__}: {mask(clean(str(error)))}"[:500]


def _collect_parts(
    store: Store, project: Project, config: SourceConfig, collector: Collector, run_id: int, progress: Progress
) -> Collected:
    secret = project.secret()
    intake = Intake(config.name, project.timezone, secret, datetime.now(UTC))
    sums = _Sums()
    parts = collector.parts(config)
    for part in parts:
        try:
            name, state = stored_name(collector, part, secret), _part_state(part, project, config)
            if read_cursor(store.connection, config.name, name) == state:
                sums.parts_unchanged += 1
                continue
            sums.parts_read += 1
            forget_occurrences(store.connection)
            fresh = True
            for items, last in _batches(collector.collect(part, config), COLLECT_BATCH):
                with store.transaction() as connection:
                    taken = intake.take(items, partial(number_occurrences, connection))
                    if fresh:
                        clear_rejects(connection, config.name, name)
                        fresh = False
                    result = add_verbatims(connection, run_id, taken.incoming, similar)
                    sums.withdrawn += withdraw(connection, config.name, taken.withdrawn, similar)
                    rejects = [replace(r, location=stored_location(r.location, part, name)) for r in taken.rejects]
                    add_rejects(connection, run_id, name, rejects)
                    count_in_run(connection, run_id, result, len(rejects))
                    if last:
                        move_cursor(connection, config.name, name, state)
                sums.count(result, len(rejects))
                if rejects and name != part.name:
                    sums.hidden[name] = part.name
                progress(part.name, len(items))
        except CollectError as error:  # one damaged file does not keep the others from being read
            if len(parts) == 1:
                raise
            sums.failed.append(error)
    return sums.collected(config.name)


@dataclass(slots=True)
class _Sums:
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    duplicates: int = 0
    rejected: int = 0
    withdrawn: int = 0
    parts_read: int = 0
    parts_unchanged: int = 0
    hidden: dict[str, str] = field(default_factory=dict)
    failed: list[CollectError] = field(default_factory=list)

    def count(self, result: BatchResult, rejected: int) -> None:
        self.added += result.added
        self.changed += result.changed
        self.unchanged += result.unchanged
        self.duplicates += result.duplicates
        self.rejected += rejected

    def collected(self, source: str) -> Collected:
        return Collected(
            *(source, self.added, self.changed, self.unchanged, self.duplicates, self.rejected),
            *(self.withdrawn, self.parts_read, self.parts_unchanged, self.hidden, tuple(self.failed)),
        )


def _part_state(part: Part, project: Project, config: SourceConfig) -> str:
    """Equal when reading the part again would change nothing: same bytes, same settings, same intake."""
    digest = hashlib.blake2b(digest_size=16)
    with open_binary(part.path) as file:
        while block := file.read(1 << 20):
            digest.update(block)
    layout = config.base / config.layout if config.layout else None
    if layout is not None and layout.is_file():
        digest.update(layout.read_bytes())
    settings = (config.collector, config.channel, config.kind, config.layout, config.store, config.product)
    digest.update(repr((INTAKE_VERSION, project.timezone, settings, sorted(config.roles.items()))).encode())
    return digest.hexdigest()


def _batches(items: Iterable[Item], size: int) -> Iterator[tuple[list[Item], bool]]:
    """Batches, each with whether it is the last; one empty batch when there is nothing at all."""
    stream = iter(items)
    batch = _batch(stream, size)
    while True:
        following = _batch(stream, size)
        yield batch, not following
        if not following:
            return
        batch = following


def _batch(stream: Iterator[Item], size: int) -> list[Item]:
    batch: list[Item] = []
    characters = 0
    for item in islice(stream, size):
        batch.append(item)
        if isinstance(item, Record):
            characters += len(item.text)
            if characters >= COLLECT_CHARACTERS:
                break
    return batch


def analyze(store: Store, project: Project, progress: Progress) -> Analyzed:
    """Mark every customer verbatim that has no marks of this pipeline version. Resumable: a batch is a transaction."""
    from nlp.pipeline import load_pipeline  # spaCy and jieba, only where they are used

    pipeline = load_pipeline(pipeline_config(project))
    with store.transaction() as connection:
        run_id = start_run(connection, "analyze", None)
    done = segments = failed = after = 0
    status, message = "failed", None
    try:
        while batch := pending(store.connection, pipeline.version, after, ANALYZE_BATCH):
            rows = [
                _analysis_row(row.id, row.content_hash, analysis)
                for row, analysis in zip(batch, pipeline.analyze(row.text for row in batch), strict=True)
            ]
            with store.transaction() as connection:
                save_analyses(connection, pipeline.version, rows)
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
    return Analyzed(done, segments, failed, pipeline.version)


def awaiting_analysis(store: Store, project: Project) -> int:
    """How many verbatims `analyze` would mark now."""
    return count_pending(store.connection, pipeline_version(pipeline_config(project)))


def _analysis_row(verbatim_id: int, content_hash: bytes, analysis: Analysis) -> AnalysisRow:
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
            mentions=tuple(
                records.Mention(
                    *(m.aspect, m.term, m.start, m.end, m.opinion, m.opinion_start, m.opinion_end, m.sentiment)
                )
                for m in s.mentions
            ),
        )
        for s in analysis.segments
    )
    return AnalysisRow(verbatim_id, content_hash, segments, analysis.error)
