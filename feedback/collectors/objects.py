"""Files whose records are objects with named fields: JSON, JSONP, JSON Lines and Parquet."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from feedback.collectors.base import Item, Unreadable
from feedback.collectors.encoding import open_text, read_text
from feedback.collectors.grids import Row, cell_text
from feedback.errors import CollectError

Object = dict[str, object]
Located = tuple[str, Object]  # where it is, and the object

MAX_DOCUMENT_BYTES = 512 * 1024 * 1024
_BATCH_ROWS = 2_000
_JSONP = re.compile(r"\s*(?:/\*.*?\*/)?\s*[\w$.]+\s*\(\s*(?=[{\[])", re.DOTALL)
_BETWEEN = re.compile(r"[\s,;)]*")
_MAX_DEPTH = 4


def read_json(path: Path) -> Iterator[Located | Unreadable]:
    """Every object of a JSON or JSONP document, or of several in a row; arrays are taken apart.

    The document is held in memory, up to 512 MB. Locations count the objects: "reviews.json:#17".
    """
    text = read_text(path, MAX_DOCUMENT_BYTES)
    decoder = json.JSONDecoder()
    position, count = 0, 0
    while (position := _start(text, position)) < len(text):
        try:
            value, position = decoder.raw_decode(text, position)
        except json.JSONDecodeError as error:
            if text.lstrip()[:1] == "<":
                raise CollectError(f"{path} is a web page or XML, not JSON. Save the answer itself.") from None
            raise CollectError(
                f"{path} is not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}. Was it cut off?"
            ) from None
        except (ValueError, RecursionError) as error:
            raise CollectError(f"{path} can't be read as JSON: {error}") from None
        for item in value if isinstance(value, list) else [value]:
            count += 1
            where = f"{path.name}:#{count}"
            yield (where, item) if isinstance(item, dict) else Unreadable(where, "it is not an object")


def _start(text: str, position: int) -> int:
    """Where the next value begins, after a JSONP wrapper and what may stand between values."""
    between = _BETWEEN.match(text, position)
    position = between.end() if between else position
    wrapper = _JSONP.match(text, position)
    return wrapper.end() if wrapper else position


def read_jsonl(path: Path) -> Iterator[Located | Unreadable]:
    """Every object of a file with one JSON (or JSONP) value a line; a broken line is `Unreadable`."""
    with open_text(path) as lines:
        for line in lines:
            where = f"{path.name}:{lines.line}"
            if lines.troubles:
                yield Unreadable(where, lines.troubles.pop().reason)
                lines.troubles.clear()
                continue
            if not line.strip():
                continue
            try:
                value = load_value(line)
            except (ValueError, RecursionError) as error:
                yield Unreadable(where, f"it is not valid JSON: {error}")
                continue
            for item in value if isinstance(value, list) else [value]:
                yield (where, item) if isinstance(item, dict) else Unreadable(where, "it is not an object")


def load_value(line: str) -> object:
    """One JSON value, out of its JSONP wrapper if it has one. `ValueError` when it is none."""
    wrapper = _JSONP.match(line)
    if wrapper:
        line = line[wrapper.end() :].rstrip().rstrip(";").rstrip().removesuffix(")")
    return json.loads(line)


def read_parquet(path: Path) -> Iterator[Located | Unreadable]:
    """Every row of a Parquet file, a batch at a time."""
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            number = 0
            for batch in file.iter_batches(batch_size=_BATCH_ROWS):
                for row in batch.to_pylist():
                    number += 1
                    yield f"{path.name}:{number}", row
    except (pyarrow.ArrowException, OSError) as error:
        raise CollectError(f"{path} can't be read as a Parquet file: {error}") from error


def read_each(objects: Iterable[Located | Unreadable], read: Callable[[str, Object], Iterable[Item]]) -> Iterator[Item]:
    """What `read` makes of each object and where it is; what was not readable before stays so."""
    for item in objects:
        if isinstance(item, Unreadable):
            yield item
        else:
            yield from read(*item)


def expand(objects: Iterator[Located | Unreadable], records: Sequence[str]) -> Iterator[Located | Unreadable]:
    """The records inside each object: the list at the first of the paths that exists in it; without paths, itself."""
    if not records:
        yield from objects
        return
    for item in objects:
        if isinstance(item, Unreadable):
            yield item
            continue
        where, value = item
        found = next((f for f in (getter(path)(value) for path in records) if f is not None), None)
        if not isinstance(found, list):
            yield Unreadable(where, f"it holds no list '{records[0]}'")
            continue
        for number, entry in enumerate(found, 1):
            place = f"{where}.{number}"
            yield ((place, entry) if isinstance(entry, dict) else Unreadable(place, "it is not an object"))


def rows(objects: Iterator[Located | Unreadable], columns: Sequence[str]) -> Iterator[Row | Unreadable]:
    """The values of the columns (keys, or paths like `afterUserComment.created`) as text; lists stay JSON.

    One character that is none, a NUL or half an emoji, is no reason to lose what somebody said: see `feedback.clean.is_whole`.
    """
    getters = [getter(column) for column in columns]
    for item in objects:
        if isinstance(item, Unreadable):
            yield item
            continue
        where, value = item
        try:
            cells = [_text(get(value)) for get in getters]
        except UnicodeDecodeError:
            yield Unreadable(where, "it holds bytes of another encoding than UTF-8")
        else:
            yield where, cells


def getter(path: str) -> Callable[[Object], object]:
    """Follows a dotted path through objects; a key that holds the dots itself comes first."""
    keys = path.split(".")

    def get(value: Object) -> object:
        if path in value or len(keys) == 1:
            return value.get(path)
        found: object = value
        for key in keys:
            if not isinstance(found, dict):
                return None
            found = found.get(key)
        return found

    return get


def _text(value: object) -> str:
    if type(value) is str:
        return value
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=cell_text)
    if isinstance(value, bytes):
        return _decoded(value)
    return cell_text(value)


def _decoded(raw: bytes) -> str:
    """Bytes as UTF-8, halves of characters as such: of a text that was cut in the middle of one the rest is good. `UnicodeDecodeError` of all else."""
    try:
        return raw.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        if error.reason != "unexpected end of data":
            raise
        return raw.decode("utf-8", "surrogateescape")


def keys_of(objects: Sequence[Object]) -> list[str]:
    """The keys of the objects in the order they appear; nested objects give dotted paths too."""
    found: dict[str, None] = {}
    for value in objects:
        for key, inner in value.items():
            found[key] = None
            if isinstance(inner, dict):
                found.update(dict.fromkeys(f"{key}.{below}" for below in inner))
    return list(found)


def lists_in(value: Object, prefix: str = "", depth: int = 1) -> dict[str, list[Object]]:
    """Every list of objects inside an object, by its dotted path."""
    found: dict[str, list[Object]] = {}
    for key, inner in value.items():
        if isinstance(inner, list) and inner and all(isinstance(entry, dict) for entry in inner):
            found[prefix + key] = inner
        elif isinstance(inner, dict) and depth < _MAX_DEPTH:
            found.update(lists_in(inner, f"{prefix}{key}.", depth + 1))
    return found
