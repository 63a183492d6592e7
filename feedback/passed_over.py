"""Files that lie in a folder of a source and that nothing reads: an old workbook beside the new ones is no export that was collected, and
neither is one in a folder that a pattern (`data/*`) matches, as it stands for files."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from feedback.collectors.base import Collector, Part, SourceConfig
from feedback.collectors.files import in_folders, in_matched_folders, part_name
from feedback.collectors.live import LiveCollector
from feedback.collectors.registry import load_collector
from feedback.errors import CollectError
from feedback.project import Project

_NAMED = 3
# Settings, and databases with what lies beside them (feedback.db-wal).
_NO_EXPORTS = frozenset({".toml", ".ini", ".db"})
_NO_KIND = "no kind of file that is read"
_NAME_FOLDER = "name its folder in `paths`"
_CURES = {
    **dict.fromkeys((".xls", ".xlsb", ".et", ".ods", ".numbers"), "save it as .xlsx"),
    **dict.fromkeys((".zip", ".rar", ".7z", ".gz", ".tar", ".tgz"), "unpack it"),
    **dict.fromkeys((".txt", ".log", ".dat"), "if it is a table, name it in `paths`"),
}


def passed_over(project: Project, config: SourceConfig, collector: Collector, parts: Sequence[Part]) -> list[str]:
    """What to say of them, in one line; nothing where there are none. `parts`: what the source reads."""
    digests = (project.folder / "digests").resolve()
    named = {path.resolve(): path for path in in_folders(config)}
    matched = {path.resolve(): path for path in in_matched_folders(config)}
    there = {whole: path for whole, path in (matched | named).items() if not _is_no_export(path)}
    left = there.keys() - {part.path.resolve() for part in parts}
    if left:  # only then are the other sources looked through
        left -= _read_by_others(project, config)
    left = {whole for whole in left if not whole.is_relative_to(digests)}
    if not left:
        return []
    if collector.private_names:
        beside, deeper = ([there[whole] for whole in each] for each in (left & named.keys(), left - named.keys()))
        told = [_kinds(beside)] if beside else []
        told += [f"{_kinds(deeper)}: {_NAME_FOLDER}"] if deeper else []
        return [f"not read: {', '.join(told)}"]
    cures = {there[whole]: _NO_KIND if whole in named else _NAME_FOLDER for whole in left}
    return [f"not read: {_named(cures, config.base)}"]


def _is_no_export(path: Path) -> bool:
    return path.suffix.lower().partition("-")[0] in _NO_EXPORTS


def _read_by_others(project: Project, config: SourceConfig) -> set[Path]:
    found: set[Path] = set()
    for source in project.sources:
        with suppress(CollectError):  # it finds no files, or is none; its own run says so
            collector = load_collector(source.collector)
            if source != config and not isinstance(collector, LiveCollector):
                found |= {part.path.resolve() for part in collector.parts(source)}
    return found


def _kinds(paths: Iterable[Path]) -> str:
    """For files that may be named after people."""
    counts = Counter(path.suffix.lower() or "without a suffix" for path in paths)
    return f"{counts.total():,} files ({', '.join(f'{kind} {count:,}' for kind, count in sorted(counts.items(), key=lambda one: (-one[1], one[0])))})"


def _named(cures: Mapping[Path, str], base: Path) -> str:
    """`cures`: what to do with each where its kind does not tell."""
    told = sorted((_CURES.get(path.suffix.lower(), cure), part_name(path, base)) for path, cure in cures.items())
    told.sort(key=lambda one: (one[0] == _NO_KIND, one[1]))
    # An escape sequence in a name must not reach the terminal.
    shown = ["".join(c if c.isprintable() else "�" for c in f"{name} ({cure})") for cure, name in told[:_NAMED]]
    more = f" and {len(told) - _NAMED:,} more" if len(told) > _NAMED else ""
    return ", ".join(shown) + more
