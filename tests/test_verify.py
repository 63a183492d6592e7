import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from build_project_db import Said, add
from story import PARAMETERS, about, story_project

from feedback.digest.json_form import from_json, to_json
from feedback.digest.verify import Mismatch, verify
from feedback.errors import DigestError
from feedback.journey.build import build_digest
from feedback.journey.model import Digest, Parameters, Period

Path = tuple[str | int, ...]

# Numbers that name a row or a rule rather than measure something.
NOT_FIGURES = {
    "evidence",
    "previous_evidence",
    "verbatim_id",
    "segment_id",
    "last_verbatim_id",
    "format_version",
    "seed",
}
# Words that say who made the digest and when.
NOT_CONTENT = {"project", "generated_at", "product_version"}


def _digest(connection: sqlite3.Connection, parameters: Parameters = PARAMETERS) -> Digest:
    return build_digest(connection, parameters, "咖啡店", "0.1.0", "2026-03-02T00:30:00Z")


def _leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _leaves(item, (*path, position))
    else:
        yield path, value


def _with(data: Any, path: Path, value: object) -> Any:
    copy = json.loads(json.dumps(data))
    place = copy
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return copy


def _written(path: Path) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


@pytest.fixture(scope="module")
def project() -> sqlite3.Connection:
    return story_project()


@pytest.fixture(scope="module")
def data(project: sqlite3.Connection) -> Any:
    return json.loads(to_json(_digest(project)))


def test_a_digest_holds_after_a_trip_through_json(project: sqlite3.Connection) -> None:
    digest = _digest(project)
    assert verify(digest, project) == []
    assert verify(from_json(to_json(digest)), project) == []


def test_who_made_it_and_when_is_not_a_finding(project: sqlite3.Connection) -> None:
    assert verify(replace(_digest(project), project="x", product_version="9", generated_at="never"), project) == []


def _found(data: Any, project: sqlite3.Connection) -> list[Mismatch]:
    try:
        return verify(from_json(json.dumps(data)), project)
    except DigestError as error:
        return [Mismatch("", "", str(error))]


def test_every_number_that_is_changed_is_noticed_and_named(project: sqlite3.Connection, data: Any) -> None:
    figures = [
        (path, value)
        for path, value in _leaves(data)
        if isinstance(value, (int, float)) and not NOT_FIGURES & set(map(str, path))
    ]
    assert len(figures) > 200
    unnoticed = []
    for path, value in figures:
        changed = value + (0.00001 if isinstance(value, float) else 1)
        found = _found(_with(data, path, changed), project)
        if _written(path) not in [mismatch.path for mismatch in found]:
            unnoticed.append((_written(path), changed, found))
    assert unnoticed == []


def test_every_number_replaced_by_nothing_is_noticed(project: sqlite3.Connection, data: Any) -> None:
    paths = [path for path, value in _leaves(data) if isinstance(value, (int, float))]
    assert [_written(path) for path in paths if not _found(_with(data, path, None), project)] == []


def test_every_word_that_is_changed_is_noticed(project: sqlite3.Connection, data: Any) -> None:
    words = [path for path, value in _leaves(data) if isinstance(value, str) and path[0] not in NOT_CONTENT]
    assert any(path[-1] == "text" for path in words)
    unnoticed = []
    for path in words:
        place: Any = data
        for step in path:
            place = place[step]
        if not _found(_with(data, path, place + "！"), project):
            unnoticed.append(_written(path))
    assert unnoticed == []


def test_every_id_that_is_changed_is_noticed(project: sqlite3.Connection, data: Any) -> None:
    ids = [
        (path, value)
        for path, value in _leaves(data)
        # Of a list of evidence the first two will do: all are compared alike, and each takes a rebuild.
        if path[-1] in ("verbatim_id", "segment_id") or (path[-1] in (0, 1) and str(path[-2]).endswith("evidence"))
    ]
    assert len(ids) > 60
    assert [_written(path) for path, value in ids if not _found(_with(data, path, value + 1), project)] == []


def test_an_entry_left_out_of_any_list_is_noticed(project: sqlite3.Connection, data: Any) -> None:
    lists = {
        path[: position + 1]
        for path, _ in _leaves(data)
        for position, step in enumerate(path)
        if step == 0 and path[0] != "parameters"
    }
    unnoticed = []
    for path in sorted(lists, key=str):
        shorter = json.loads(json.dumps(data))
        place: Any = shorter
        for step in path[:-1]:
            place = place[step]
        del place[path[-1]]
        if not _found(shorter, project):
            unnoticed.append(_written(path))
    assert len(lists) > 30
    assert unnoticed == []


def test_a_mismatch_reads_like_a_place_in_the_json(project: sqlite3.Connection) -> None:
    digest = _digest(project)
    stage = digest.stages[3]
    pain = stage.pain_points[0]
    wrong = replace(
        pain,
        tally=replace(pain.tally, negative=9, low=None),
        quotes=(replace(pain.quotes[0], text="快递很快", product="豆"), *pain.quotes[1:]),
        evidence=(*pain.evidence[2:], 98, 99),
    )
    stages = (*digest.stages[:3], replace(stage, pain_points=(wrong,)), *digest.stages[4:])
    overview = replace(digest.overview, noise={"no_text": 2})
    found = verify(replace(digest, stages=stages, overview=overview, disagreements=()), project)
    assert found == [
        Mismatch("overview.noise.default_review", "nothing", "1"),
        Mismatch("overview.noise.no_text", "2", "nothing"),
        Mismatch("stages[3].pain_points[0].tally.negative", "9", "10"),
        Mismatch("stages[3].pain_points[0].tally.low", "nothing", str(pain.tally.low)),
        Mismatch("stages[3].pain_points[0].quotes[0].text", "'快递很快'", "'快递送得太慢了'"),
        Mismatch("stages[3].pain_points[0].quotes[0].product", "'豆'", "nothing"),
        Mismatch("stages[3].pain_points[0].evidence", "also 98, 99", "also 1, 2"),
        Mismatch("disagreements", "0 entries", "1 entries"),
    ]


@pytest.mark.parametrize(
    "parameters, found",
    [
        (replace(PARAMETERS, minimum_n=3), [Mismatch("parameters.minimum_n", "3", "5")]),
        (replace(PARAMETERS, format_version=2), [Mismatch("parameters.format_version", "2", "1")]),
        (replace(PARAMETERS, seed=1), [Mismatch("parameters.seed", "1", "20261122")]),
        (
            replace(PARAMETERS, previous=Period("week", "2026-02-09", "2026-02-16")),
            [
                Mismatch("parameters.previous.start", "'2026-02-09'", "'2026-02-16'"),
                Mismatch("parameters.previous.end", "'2026-02-16'", "'2026-02-23'"),
            ],
        ),
        (
            replace(PARAMETERS, previous=None),
            [Mismatch("parameters.previous", "nothing", "Period(kind='week', start='2026-02-16', end='2026-02-23')")],
        ),
        (
            replace(PARAMETERS, period=Period("week", "2026-02-24", "2026-03-03")),
            [
                Mismatch(
                    "parameters.period",
                    "Period(kind='week', start='2026-02-24', end='2026-03-03')",
                    "2026-02-24 to 2026-03-03 is a period of kind 'range', not 'week'.",
                )
            ],
        ),
        (
            replace(PARAMETERS, timezone="Mars/Base"),
            [Mismatch("parameters.timezone", "'Mars/Base'", "No time zone 'Mars/Base'. Write one like Asia/Shanghai.")],
        ),
    ],
)
def test_impossible_parameters_are_named_and_nothing_else(
    project: sqlite3.Connection, parameters: Parameters, found: list[Mismatch]
) -> None:
    assert verify(replace(_digest(project), parameters=parameters), project) == found


@pytest.mark.parametrize(
    "parameters",
    [
        replace(PARAMETERS, last_verbatim_id=20),
        replace(PARAMETERS, timezone="UTC"),
        replace(PARAMETERS, channels=("京东",)),
        replace(PARAMETERS, pipeline_version="test-0"),
        replace(
            PARAMETERS,
            period=Period("day", "2026-02-23", "2026-03-01"),
            previous=Period("day", "2026-02-17", "2026-02-23"),
        ),
    ],
)
def test_parameters_that_would_give_other_figures_are_noticed(
    project: sqlite3.Connection, parameters: Parameters
) -> None:
    assert verify(replace(_digest(project), parameters=parameters), project) != []


def test_marks_of_another_pipeline_version_are_said_once() -> None:
    connection = story_project()
    digest = _digest(connection)
    connection.execute("update analyses set pipeline_version = 'test-2' where pipeline_version = 'test-1'")
    assert verify(digest, connection) == [
        Mismatch("parameters.pipeline_version", "'test-1'", "test-0 on 1 verbatims, test-2 on 37 verbatims")
    ]


def test_what_is_collected_later_changes_nothing_and_what_is_changed_does() -> None:
    connection = story_project()
    newest = connection.execute("select max(id) from verbatims").fetchone()[0]
    digest = _digest(connection, replace(PARAMETERS, last_verbatim_id=newest))
    add(connection, Said(about("快递又慢了", "物流", "negative")))
    assert verify(digest, connection) == []
    connection.execute("update verbatims set text = replace(text, '快递送得太慢了', '快递送得也慢了') where id = 1")
    found = verify(digest, connection)
    assert Mismatch("stages[3].pain_points[0].quotes[1].text", "'快递太慢了等了一周'", "'快递送得也慢了'") in found
    assert all("quotes" in mismatch.path for mismatch in found)
    connection.execute("delete from verbatims where id = 2")
    assert "overview.verbatims_raw" in {m.path for m in verify(digest, connection)}


def test_marks_no_digest_knows_are_reported_not_raised() -> None:
    connection = story_project()
    digest = _digest(connection)
    connection.execute("update segments set stage = 'checkout' where id = 1")
    assert verify(digest, connection) == [
        Mismatch(
            "parameters", "a digest that can be rebuilt", "Segment 1 has the stage 'checkout', which no digest knows."
        )
    ]


def test_verifying_writes_nothing(project: sqlite3.Connection) -> None:
    changes = project.total_changes
    verify(_digest(project), project)
    assert (project.total_changes, project.in_transaction) == (changes, False)
