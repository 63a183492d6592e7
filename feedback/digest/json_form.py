"""A digest as JSON and back: field for field as `feedback.journey.model` has it, so that the file can be verified."""

import json
import math
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Literal, NoReturn, Union, cast, get_args, get_origin, get_type_hints

from feedback.errors import DigestError
from feedback.journey.model import Digest, Parameters

_DIGITS = 6
_FORMAT_VERSION = Parameters.__dataclass_fields__["format_version"].default


def to_json(digest: Digest) -> str:
    """Fields in the order the types declare them, floats rounded at six digits: one digest, one text.

    `DigestError` when a figure is not a finite number, for JSON has no word for it.
    """
    return json.dumps(_plain(digest, Digest, ""), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def from_json(text: str) -> Digest:
    """The digest that `to_json` wrote; `DigestError` names the path that is missing, unknown or of a wrong type."""
    try:
        data = json.loads(text, object_pairs_hook=_without_repeats, parse_constant=_refuse_constant)
    except RecursionError:
        raise DigestError("The digest is not valid JSON: nested too deeply.") from None
    except ValueError as error:
        raise DigestError(f"The digest is not valid JSON: {error}.") from None
    _refuse_other_versions(data)
    return cast(Digest, _typed(data, Digest, ""))


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    # Of two values for one key, a reader and a verifier could each look at another.
    table = dict(pairs)
    if len(table) < len(pairs):
        keys = [key for key, _ in pairs]
        raise DigestError(f"The digest's JSON has '{next(k for k in keys if keys.count(k) > 1)}' twice in one object.")
    return table


def _refuse_constant(name: str) -> NoReturn:
    raise DigestError(f"The digest's JSON holds {name}, which is not a number.")


def _refuse_other_versions(data: object) -> None:
    parameters = data.get("parameters") if isinstance(data, dict) else None
    found = parameters.get("format_version") if isinstance(parameters, dict) else None
    if isinstance(found, int) and found != _FORMAT_VERSION:
        raise DigestError(f"The digest is of format {found}; this version reads format {_FORMAT_VERSION}.")


def _plain(value: object, kind: object, path: str) -> object:
    """`value` as JSON holds it; `kind` is its declared type."""
    if value is None:
        return None
    kind, arguments = _without_none(kind), get_args(_without_none(kind))
    if is_dataclass(kind):
        hints = _hints(cast(type, kind))
        return {name: _plain(getattr(value, name), hint, f"{path}.{name}") for name, hint in hints.items()}
    if isinstance(value, tuple):
        return [_plain(item, arguments[0], f"{path}[{n}]") for n, item in enumerate(value)]
    if isinstance(value, dict):
        return {key: _plain(value[key], arguments[1], f"{path}.{key}") for key in sorted(value)}
    if kind is float and isinstance(value, int | float):
        if not math.isfinite(value):
            raise DigestError(f"The digest's '{path.lstrip('.')}' is {value}, which is not a number.")
        return round(float(value), _DIGITS) + 0.0  # + 0.0: no "-0.0"
    return value


def _typed(data: object, kind: object, path: str) -> object:
    """`data` as the declared type `kind`."""
    if data is None:
        if NoneType in get_args(kind):
            return None
        raise _wrong(path, kind, data)
    bare = _without_none(kind)
    origin, arguments = get_origin(bare), get_args(bare)
    if is_dataclass(bare) and isinstance(data, dict):
        return _record(data, cast(type, bare), path)
    if origin is tuple and isinstance(data, list):
        return tuple(_typed(item, arguments[0], f"{path}[{n}]") for n, item in enumerate(data))
    if origin is dict and isinstance(data, dict):
        return {_leaf(key, str, path): _typed(item, arguments[1], f"{path}.{key}") for key, item in data.items()}
    if origin is Literal and data in arguments and isinstance(data, str):
        return data
    return _leaf(data, kind, path)


def _leaf(data: object, kind: object, path: str) -> object:
    bare = _without_none(kind)
    if bare is str and isinstance(data, str) and not any("\ud800" <= c <= "\udfff" for c in data):
        return data
    if isinstance(data, int | float) and not isinstance(data, bool):
        if bare is int and isinstance(data, int):
            return data
        # An integer beyond the range of floats would raise, and 1e999 reads as infinite.
        if bare is float and abs(data) <= 1e300:
            return float(data)
    raise _wrong(path, kind, data)


def _record(data: dict[str, object], kind: type, path: str) -> object:
    hints = _hints(kind)
    prefix = f"{path}." if path else ""
    for name in hints:
        if name not in data:
            raise DigestError(f"The digest's JSON has no '{prefix}{name}'.")
    for name in data:
        if name not in hints:
            raise DigestError(f"The digest's JSON has an unknown '{prefix}{name}'.")
    return kind(**{name: _typed(data[name], hint, f"{prefix}{name}") for name, hint in hints.items()})


@cache
def _hints(kind: type) -> dict[str, object]:
    known = get_type_hints(kind)
    return {field.name: known[field.name] for field in fields(kind)}


def _without_none(kind: object) -> object:
    if get_origin(kind) in (Union, UnionType):
        return next(k for k in get_args(kind) if k is not NoneType)
    return kind


_LEAVES: dict[object, str] = {str: "text", int: "a whole number", float: "a number"}


def _wrong(path: str, kind: object, data: object) -> DigestError:
    bare = _without_none(kind)
    wanted = _LEAVES.get(bare)
    if get_origin(bare) is Literal:
        wanted = "one of " + ", ".join(get_args(bare))
    elif get_origin(bare) is tuple:
        wanted = "a list"
    elif wanted is None:
        wanted = "an object"
    if bare is not kind:
        wanted += " or null"
    shown = json.dumps(data, ensure_ascii=True)
    shown = shown if len(shown) <= 60 else shown[:59] + "…"
    where = f"The digest's JSON: '{path}'" if path else "The digest's JSON"
    return DigestError(f"{where} must be {wanted}, not {shown}.")
