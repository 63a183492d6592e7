"""Does a digest hold? It is built anew from its own parameters, and every value is compared."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass

from feedback.errors import DigestError
from feedback.journey.build import build_digest, scope_of
from feedback.journey.model import Digest, Overview, Parameters
from feedback.journey.periods import check_period, previous_period, utc_bounds
from storage.figures import analysis_versions, snapshot

TOLERANCE = 1e-6  # of a number; the JSON form rounds at six digits

# What the database does not decide.
_NOT_COMPARED = {"project", "generated_at", "product_version", "parameters"}
_CONSTANTS = ("minimum_n", "seed", "format_version")


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A value that does not hold: where (`stages[3].pain_points[0].tally.negative`), what is said, what was found."""

    path: str
    said: str
    found: str


def verify(digest: Digest, connection: sqlite3.Connection) -> list[Mismatch]:
    """Every value of the digest that the database does not bear out, in the digest's order; empty when it holds.

    Numbers may differ by 1e-6, texts not at all. If parameters are impossible, or the verbatims have been analysed by
    another pipeline version since, that alone is said, for then no figure can be compared.
    """
    if wrong := list(_parameters(digest.parameters)):
        return wrong
    with snapshot(connection):
        try:
            rebuilt = build_digest(connection, digest.parameters, "", "", "")
        except DigestError as error:
            return [Mismatch("parameters", "a digest that can be rebuilt", str(error))]
        wrong = [m for name in _compared() for m in _compare(name, getattr(digest, name), getattr(rebuilt, name))]
        if _marks_are_gone(digest.overview, rebuilt.overview):
            wrong = _other_version(digest.parameters, connection) or wrong
        return wrong


def _compared() -> list[str]:
    return [field.name for field in fields(Digest) if field.name not in _NOT_COMPARED]


def _parameters(parameters: Parameters) -> Iterator[Mismatch]:
    """What is wrong with the parameters in themselves."""
    defaults = {field.name: field.default for field in fields(Parameters)}
    for name in _CONSTANTS:
        yield from _compare(f"parameters.{name}", getattr(parameters, name), defaults[name])
    try:
        check_period(parameters.period)
    except DigestError as error:
        yield Mismatch("parameters.period", _show(parameters.period), str(error))
        return
    yield from _compare("parameters.previous", parameters.previous, previous_period(parameters.period))
    try:
        utc_bounds(parameters.period, parameters.timezone)
    except DigestError as error:
        yield Mismatch("parameters.timezone", _show(parameters.timezone), str(error))


def _marks_are_gone(said: Overview, found: Overview) -> bool:
    return found.not_analyzed > said.not_analyzed and found.tally.raw < said.tally.raw


def _other_version(parameters: Parameters, connection: sqlite3.Connection) -> list[Mismatch]:
    """One mismatch if verbatims of the period have been analysed by another pipeline version than the digest's."""
    versions = analysis_versions(connection, scope_of(parameters, parameters.period))
    others = [
        f"{version} on {count} verbatims"
        for version, count in versions.items()
        if version != parameters.pipeline_version
    ]
    if not others:
        return []
    return [Mismatch("parameters.pipeline_version", _show(parameters.pipeline_version), ", ".join(others))]


def _compare(path: str, said: object, found: object) -> Iterator[Mismatch]:
    if isinstance(found, tuple) and isinstance(said, tuple):
        yield from _compare_lists(path, said, found)
    elif isinstance(found, dict) and isinstance(said, dict):
        for key in sorted({*said, *found}):
            yield from _compare(f"{path}.{key}", said.get(key), found.get(key))
    elif is_dataclass(found) and type(said) is type(found):
        for field in fields(found):
            yield from _compare(f"{path}.{field.name}", getattr(said, field.name), getattr(found, field.name))
    elif not _equal(said, found):
        yield Mismatch(path, _show(said), _show(found))


def _compare_lists(path: str, said: tuple[object, ...], found: tuple[object, ...]) -> Iterator[Mismatch]:
    if said == found:
        return
    if all(isinstance(item, int) for item in (*said, *found)):
        yield Mismatch(path, *_ids(said, found))
        return
    if len(said) != len(found):
        yield Mismatch(path, f"{len(said)} entries", f"{len(found)} entries")
    for position, (one, other) in enumerate(zip(said, found, strict=False)):
        yield from _compare(f"{path}[{position}]", one, other)


def _ids(said: tuple[object, ...], found: tuple[object, ...]) -> tuple[str, str]:
    """Two lists of ids, each told by what the other has not."""
    known, claimed = set(found), set(said)
    extra = [item for item in said if item not in known]
    missing = [item for item in found if item not in claimed]
    if not extra and not missing:
        return f"{len(said)} ids", f"{len(found)} ids in another order or number"
    return _some(extra), _some(missing)


def _some(ids: list[object]) -> str:
    if not ids:
        return "nothing else"
    more = f" and {len(ids) - 5} more" if len(ids) > 5 else ""
    return "also " + ", ".join(map(str, ids[:5])) + more


def _equal(said: object, found: object) -> bool:
    if isinstance(said, (int, float)) and isinstance(found, (int, float)):
        return said == found if isinstance(found, int) else abs(said - found) <= TOLERANCE
    return type(said) is type(found) and said == found


def _show(value: object) -> str:
    if value is None:
        return "nothing"
    return f"'{value}'" if isinstance(value, str) else str(value)
