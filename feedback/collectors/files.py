"""From the paths of a source (files, folders, globs) to the parts a collector reads."""

import re
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath

from feedback.collectors.base import Part, SourceConfig
from feedback.errors import CollectError

_GLOB = frozenset("*?[")
_NUMBER = re.compile(r"([0-9]+)")


class NoFiles(CollectError):
    """A folder holds none of the files that are looked for. `parts`: those in the other paths of the source."""

    parts: tuple[Part, ...] = ()


def parts_of(config: SourceConfig, suffixes: Collection[str]) -> list[Part]:
    """Every file that the paths of the source name, each once, the older before the newer as far as their names tell.

    What is read last counts, where several hold one id. A folder stands for all files in it and below with one of the `suffixes` (lower case, with the dot); a file named
    outright or by a glob is taken whatever its suffix. Hidden files and the lock files of Office (`~$x.xlsx`) are
    skipped. `CollectError` when a path matches nothing; `NoFiles` where the folder is there for it.
    """
    if not config.paths:
        raise CollectError(f"Source '{config.name}' names no files. Give it `paths = [\"exports/*.csv\"]`.")
    found: dict[Path, Part] = {}
    empty: list[NoFiles] = []
    for pattern in config.paths:
        try:
            matches = _matches(pattern, config, suffixes)
        except OSError as error:
            raise CollectError(f"{error.filename} can't be read: {error.strerror}.") from error
        if not matches:
            nothing = _nothing(pattern, config, suffixes)
            if not isinstance(nothing, NoFiles):
                raise nothing
            empty.append(nothing)
        for path in matches:
            found.setdefault(path.resolve(), Part(part_name(path, config.base), path))
    parts = sorted(found.values(), key=lambda part: by_age(part.name))
    if empty:
        empty[0].parts = tuple(parts)
        raise empty[0]
    return parts


def by_age(name: str) -> tuple[object, ...]:
    """What sorts names as exports are named one after another: by their numbers, 评价.csv, 评价 (9).csv, 评价 (10).csv; 2026-9-30, 2026-10-1.

    When a file was written says less: it is copied, unpacked, saved anew.
    """
    path = PurePosixPath(name)
    # The ending by itself: what is added to a name stands before it, and a blank sorts before a dot.
    pieces = map(_NUMBER.split, (*path.parent.parts, path.stem, path.suffix))
    return [[int(each) if n % 2 else each for n, each in enumerate(piece)] for piece in pieces], name


def in_folders(config: SourceConfig) -> list[Path]:
    """All files, whatever their suffix, in the folders that the paths of the source name and below; not those that are hidden."""
    return _files_in([folder for pattern in config.paths if (folder := _place(pattern, config)).is_dir()])


def in_matched_folders(config: SourceConfig) -> list[Path]:
    """All such files in the folders that the patterns of the source match: a pattern stands for files, and for no folder."""
    patterns = [path for pattern in config.paths if not (path := _place(pattern, config)).exists()]
    return _files_in([folder for path in patterns for folder in _globbed(path) if folder.is_dir()])


def _files_in(folders: Iterable[Path]) -> list[Path]:
    return [path for folder in folders for path in folder.rglob("*") if _wanted(path, folder)]


def _place(pattern: str, config: SourceConfig) -> Path:
    path = Path(pattern)
    with suppress(RuntimeError):  # "~$x.xlsx" is nobody's home
        path = path.expanduser()
    return config.base / path


def _matches(pattern: str, config: SourceConfig, suffixes: Collection[str]) -> list[Path]:
    path = _place(pattern, config)
    if path.is_dir():
        return [p for p in path.rglob("*") if _wanted(p, path) and p.suffix.lower() in suffixes]
    if path.exists():  # before globs: a name may hold brackets, as in "评价[1].csv"
        if not path.is_file():
            raise CollectError(f"{path} is neither a file nor a folder. Save what it gives as a file first.")
        return [path]
    return [p for p in _globbed(path) if p.is_file()]


def _globbed(path: Path) -> list[Path]:
    """What a pattern matches; nothing where it is none."""
    anchor, rest = _split_glob(path)
    return [p for p in anchor.glob(rest) if _is_shown(p, anchor)] if anchor.is_dir() and _GLOB & set(rest) else []


def _split_glob(path: Path) -> tuple[Path, str]:
    for count, piece in enumerate(path.parts):
        if _GLOB & set(piece):
            return Path(*path.parts[:count]), str(Path(*path.parts[count:]))
    return path.parent, path.name


def _wanted(path: Path, root: Path) -> bool:
    return path.is_file() and _is_shown(path, root)


def _is_shown(path: Path, root: Path) -> bool:
    return not any(p.startswith((".", "~$")) for p in path.relative_to(root).parts)


def part_name(path: Path, base: Path) -> str:
    """Relative to the project where it lies inside, so that a project folder can be moved."""
    whole, root = path.resolve(), base.resolve()
    name = (whole.relative_to(root) if whole.is_relative_to(root) else whole).as_posix()
    # Names that an archive packed in GBK left behind are not UTF-8; a database takes them spelled out.
    return name.encode("utf-8", "backslashreplace").decode()


def _nothing(pattern: str, config: SourceConfig, suffixes: Collection[str]) -> CollectError:
    path = _place(pattern, config)
    if path.is_dir():
        return NoFiles(f"Folder {path} holds no file ending in {', '.join(sorted(suffixes))}.")
    if _GLOB & set(pattern):
        is_there = _split_glob(path)[0].is_dir()
        return (NoFiles if is_there else CollectError)(f"No file matches {path}.")
    return CollectError(f"No file or folder at {path}.")
