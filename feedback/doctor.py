"""Is everything there that the product needs, on this machine and in this project? And how is a file read?"""

import platform
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from feedback.collectors import chat, table
from feedback.collectors.base import Part, SourceConfig
from feedback.collectors.description import Description, describe_chat, describe_table
from feedback.collectors.files import parts_of
from feedback.collectors.live import Checkable, LiveCollector
from feedback.collectors.registry import load_collector, load_file_collector
from feedback.collectors.suggest import UnknownLayout
from feedback.digest.targets import check_targets
from feedback.errors import CollectError, FeedbackError
from feedback.intake_token import intake_token
from feedback.live import NO_WISH, visit_of
from feedback.project import SETTINGS_FILE, IntakeSettings, Project, load_project
from nlp.engine import load_engine
from nlp.errors import NlpError
from nlp.taxonomy import load_taxonomy
from storage.errors import StorageError
from storage.store import Store

_ENOUGH_DISK = 500_000_000  # bytes


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; `detail` says what was found or what to do."""

    what: str
    ok: bool
    detail: str


def examine(folder: Path) -> list[Finding]:
    """All checks, the machine's first. The project's are left out where there is none."""
    findings = [
        Finding("Python", sys.version_info >= (3, 11), platform.python_version()),
        _sqlite(),
        _try("Tokenizer", _tokenizer),
        _disk(folder),
    ]
    if not (folder / SETTINGS_FILE).exists():
        return [*findings, Finding("Project", True, f"none in {folder.resolve()} (make one: feedback init NAME)")]
    try:
        project = load_project(folder)
    except FeedbackError as error:
        return [*findings, Finding("Project", False, str(error))]
    findings += [
        Finding("Project", True, f"{project.name}, {len(project.sources)} sources"),
        _try("Engine", lambda: load_engine(project.engine).version),
        _try("Taxonomy", lambda: _taxonomy(project)),
        _try("Database", lambda: _database(project)),
    ]
    if project.digest.send_to:
        findings.append(_try("Digest", lambda: check_targets(project.digest.send_to)))
    if project.intake != IntakeSettings():
        findings.append(_try("Intake", lambda: _intake(project)))
    return [*findings, *(_try(f"Source {s.name}", lambda s=s: _source(project, s.name)) for s in project.sources)]  # type: ignore[misc]


def files_to_describe(folder: Path, path: str, layout: str | None) -> list[tuple[Part, SourceConfig]]:
    """The files that `path` (relative to where the user stands) names, each with the settings it is collected with.

    Those of its source, where it is a file of one in the project and no layout is given; else none but the layout.
    """
    alone = SourceConfig("", "table", (path,), Path.cwd(), layout=layout)
    parts = parts_of(alone, {*table.SUFFIXES, *chat.SUFFIXES})
    sources = {} if layout else _sources_by_file(folder)
    return [(part, _unless_empty(sources.get(part.path.resolve(), alone))) for part in parts]


def _unless_empty(config: SourceConfig) -> SourceConfig:
    """Without its layout where the file of that is there and still empty, so that what belongs in it is drafted."""
    path = config.base / (config.layout or "")
    begun = path.suffix == ".toml" and path.is_file() and not path.read_bytes().strip()
    return replace(config, layout=None) if begun else config


def _sources_by_file(folder: Path) -> dict[Path, SourceConfig]:
    found: dict[Path, SourceConfig] = {}
    for source in project_of(folder).sources:
        with suppress(FeedbackError):  # of a source that finds no files; it is not what is asked about
            for part in load_file_collector(source.collector).parts(source):
                found.setdefault(part.path.resolve(), source)
    return found


def describe(part: Part, config: SourceConfig) -> Description:
    """How a file would be collected; `CollectError` as then, and for files that a collector from elsewhere reads."""
    if config.collector == "chat":
        return describe_chat(part, config)
    if config.collector != "table":
        raise CollectError(
            f"{part.name} belongs to source '{config.name}', which collector '{config.collector}' reads. "
            "How a file is read can be shown for tables and chats only."
        )
    return describe_table(part, config)


@contextmanager
def drafted(unknown: UnknownLayout, config: SourceConfig) -> Iterator[SourceConfig]:
    """The settings with the layout that was drafted from the names of the file's columns, while somebody looks at what it comes to."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / unknown.file_name
        path.write_text(unknown.draft, encoding="utf-8")
        yield replace(config, layout=str(path))


def project_of(folder: Path) -> Project:
    """The project of a folder; outside of one what a new one is."""
    return load_project(folder) if (folder / SETTINGS_FILE).exists() else Project(folder, "")


def _try(what: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(what, True, check())
    except (FeedbackError, StorageError, NlpError) as error:
        return Finding(what, False, str(error))


def _sqlite() -> Finding:
    with_fts = sqlite3.connect(":memory:")
    try:
        with_fts.execute("create virtual table t using fts5(x)")
    except sqlite3.OperationalError:
        return Finding("SQLite", False, f"{sqlite3.sqlite_version} lacks FTS5. Install Python from python.org.")
    finally:
        with_fts.close()
    new_enough = sqlite3.sqlite_version_info >= (3, 35)
    return Finding("SQLite", new_enough, sqlite3.sqlite_version + ("" if new_enough else ": 3.35 or newer is needed"))


def _tokenizer() -> str:
    from nlp.config import PipelineConfig
    from nlp.pipeline import load_pipeline

    words = [token.text for token in load_pipeline(PipelineConfig()).language.make_doc("物流太慢了")]
    return "jieba: " + " / ".join(words)


def _disk(folder: Path) -> Finding:
    free = shutil.disk_usage(folder if folder.exists() else Path()).free
    return Finding("Disk", free > _ENOUGH_DISK, f"{free / 1e9:.1f} GB free")


def _taxonomy(project: Project) -> str:
    taxonomy = load_taxonomy(project.taxonomy)
    return f"{taxonomy.title_zh} {taxonomy.version}, {len(taxonomy.aspects)} aspects"


def _database(project: Project) -> str:
    if not project.database.exists():
        return "not there yet (run: feedback collect)"
    with Store.open(project.database) as store:
        answer = store.connection.execute("pragma quick_check").fetchone()[0]
        if answer != "ok":
            raise StorageError(f"{project.database} is damaged: {answer}. Restore a copy.")
        n = store.connection.execute("select count(*) from verbatims").fetchone()[0]
    return f"{n:,} verbatims, {project.database.stat().st_size / 1e6:.1f} MB"


def _intake(project: Project) -> str:
    intake_token(project)
    return f"settings in order: {project.intake.name}"


def _source(project: Project, name: str) -> str:
    config = project.source(name)
    collector = load_collector(config.collector)
    if isinstance(collector, LiveCollector):
        visit = visit_of(project, config, NO_WISH)
        streams = collector.streams(visit)
        visit.vault.check(visit.settings)
        if isinstance(collector, Checkable):
            collector.check(visit)
        return "settings in order: " + ", ".join(streams)
    return f"{len(collector.parts(config))} files"
