"""A digest's JSON: what is written is what is read, and what is wrong with a file is named by its path."""

import json
import types
from collections.abc import Callable
from dataclasses import is_dataclass, replace
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from fixtures_digest import empty_digest, hostile_digest, sample_digest, tiny_digest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feedback.digest.json_form import from_json, to_json
from feedback.errors import DigestError
from feedback.journey.model import Digest

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
FLOATS = st.floats(-1e6, 1e6).map(lambda x: round(x, 6))


def strategy(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of a field's declared type."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind in (str, int, float):
        return {str: TEXT, int: st.integers(-(10**12), 10**12), float: FLOATS}[kind]
    if kind is type(None):
        return st.none()
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in (Union, types.UnionType):
        return st.one_of(*(strategy(argument) for argument in arguments))
    if origin is tuple:
        return st.lists(strategy(arguments[0]), max_size=2).map(tuple)
    if origin is dict:
        return st.dictionaries(TEXT, strategy(arguments[1]), max_size=2)
    assert isinstance(kind, type)
    assert is_dataclass(kind)
    fields = {name: strategy(hint) for name, hint in get_type_hints(kind).items()}
    if "format_version" in fields:
        fields["format_version"] = st.just(1)
    return st.builds(kind, **fields)


@given(strategy(Digest))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_digest_comes_back_from_its_json(digest: Digest) -> None:
    text = to_json(digest)
    assert from_json(text) == digest
    assert to_json(from_json(text)) == text


@pytest.mark.parametrize("build", [sample_digest, tiny_digest, empty_digest, hostile_digest])
def test_the_sample_digests_come_back_from_their_json(build: Callable[[], Digest]) -> None:
    assert from_json(to_json(build())) == build()


def test_json_keeps_the_order_of_the_fields_and_chinese_as_it_is() -> None:
    text = to_json(tiny_digest())
    assert list(json.loads(text)) == list(get_type_hints(Digest))
    assert text.startswith('{\n "project": "小店",\n "generated_at": "2026-03-02T00:30:00Z",\n')
    assert text.endswith("}\n")


def test_floats_have_six_digits_and_no_negative_zero() -> None:
    digest = tiny_digest()
    tally = replace(digest.overview.tally, net=-1 / 3, low=-1e-9, high=1)
    data = json.loads(to_json(replace(digest, overview=replace(digest.overview, tally=tally))))
    shown = json.dumps([data["overview"]["tally"][key] for key in ("net", "low", "high")])
    assert shown == "[-0.333333, 0.0, 1.0]"


def test_noise_is_written_in_the_order_of_its_names() -> None:
    digest = tiny_digest()
    noise = {"no_text": 1, "default_review": 2}
    data = json.loads(to_json(replace(digest, overview=replace(digest.overview, noise=noise))))
    assert list(data["overview"]["noise"]) == ["default_review", "no_text"]


@pytest.mark.parametrize("figure", [float("nan"), float("inf")])
def test_a_figure_that_is_no_number_is_not_written(figure: float) -> None:
    digest = tiny_digest()
    broken = replace(digest, overview=replace(digest.overview, tally=replace(digest.overview.tally, net=figure)))
    with pytest.raises(DigestError) as caught:
        to_json(broken)
    assert str(caught.value) == f"The digest's 'overview.tally.net' is {figure}, which is not a number."


Steps = tuple[str | int, ...]
CHANGED = [
    (("stages", 0, "tally", "raw"), "2", "'stages[0].tally.raw' must be a whole number, not \"2\""),
    (("stages", 0, "tally", "raw"), 2.0, "'stages[0].tally.raw' must be a whole number, not 2.0"),
    (("stages", 0, "tally", "raw"), True, "'stages[0].tally.raw' must be a whole number, not true"),
    (("stages", 0, "tally", "raw"), None, "'stages[0].tally.raw' must be a whole number, not null"),
    (("overview", "tally", "net"), "−1", "'overview.tally.net' must be a number or null, not \"\\u22121\""),
    (("overview", "tally", "net"), 10**400, "'overview.tally.net' must be a number or null, not 1" + "0" * 58 + "…"),
    (("overview", "previous"), 0, "'overview.previous' must be an object or null, not 0"),
    (("overview", "noise"), [], "'overview.noise' must be an object, not []"),
    (("overview", "noise"), {"spam": 1.5}, "'overview.noise.spam' must be a whole number, not 1.5"),
    (("stages",), {}, "'stages' must be a list, not {}"),
    (("stages", 0, "evidence", 1), None, "'stages[0].evidence[1]' must be a whole number, not null"),
    (("parameters", "period"), "week", "'parameters.period' must be an object, not \"week\""),
    (
        ("parameters", "period", "kind"),
        "year",
        "'parameters.period.kind' must be one of day, week, month, quarter, range, all, not \"year\"",
    ),
    (("stages", 0, "pain_points", 0, "quotes", 0, "text"), "\ud83d", None),
]


@pytest.mark.parametrize(("steps", "value", "message"), CHANGED, ids=range(len(CHANGED)))
def test_a_value_of_a_wrong_type_is_named_by_its_path(steps: Steps, value: object, message: str | None) -> None:
    message = message or "'stages[0].pain_points[0].quotes[0].text' must be text, not \"\\ud83d\""
    data = json.loads(to_json(tiny_digest()))
    inside = data
    for step in steps[:-1]:
        inside = inside[step]
    inside[steps[-1]] = value
    with pytest.raises(DigestError) as caught:
        from_json(json.dumps(data))
    assert str(caught.value) == f"The digest's JSON: {message}."


def test_what_is_missing_or_unknown_is_named_by_its_path() -> None:
    cases: tuple[tuple[Callable[[Any], object], str], ...] = (
        (lambda d: d["stages"][1].pop("share"), "The digest's JSON has no 'stages[1].share'."),
        (lambda d: d.pop("scores"), "The digest's JSON has no 'scores'."),
        (lambda d: d["overview"].update(mood=1), "The digest's JSON has an unknown 'overview.mood'."),
        (lambda d: d.update(mood=1), "The digest's JSON has an unknown 'mood'."),
        (lambda d: d["parameters"].update(format_version=2), "The digest is of format 2; this version reads format 1."),
    )
    for change, message in cases:
        data = json.loads(to_json(tiny_digest()))
        change(data)
        with pytest.raises(DigestError) as caught:
            from_json(json.dumps(data))
        assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The digest is not valid JSON: Expecting value: line 1 column 1 (char 0)."),
        ("[]", "The digest's JSON must be an object, not []."),
        ("null", "The digest's JSON must be an object, not null."),
        ('{"project": NaN}', "The digest's JSON holds NaN, which is not a number."),
        ('{"a": 1, "a": 2}', "The digest's JSON has 'a' twice in one object."),
        ("[" * 100_000, "The digest is not valid JSON: nested too deeply."),
    ],
)
def test_a_file_that_is_no_digest_is_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(DigestError) as caught:
        from_json(text)
    assert str(caught.value) == message
