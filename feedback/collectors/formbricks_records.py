"""Feedback records, as the hub of Formbricks keeps them: one per answer, of whatever source.

Their form is that of FORMATS: `submission_id` says which belong together, `field_type` what each is.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from feedback.clean import clean
from feedback.collectors.base import Item, SourceConfig, Unreadable
from feedback.collectors.formbricks_form import RANGES, Said, base_record, is_number, metric_of
from feedback.collectors.objects import Object
from feedback.collectors.scales import Scale, find_scale
from feedback.collectors.survey import Question, classify
from storage.records import Kind

_KINDS: Mapping[str, Kind] = {"review": "review", "support": "ticket", "social": "post"}
_TYPES = frozenset(("text", "categorical", "number", "boolean", "date", "nps", *RANGES))


def read_records(records: Sequence[Object], stream: str, config: SourceConfig) -> Iterator[Item]:
    """The feedback records of a file: those of one submission are one response."""
    submissions: dict[str, list[Object]] = {}
    for record in records:
        submission = record.get("submission_id")
        if isinstance(submission, str) and submission:
            submissions.setdefault(submission, []).append(record)
        else:
            yield Unreadable(stream, "a feedback record has no submission_id")
    numbers: dict[tuple[object, object], list[str]] = {}
    for record in records:
        if is_number(value := record.get("value_number")):
            numbers.setdefault(_field(record), []).append(str(math.ceil(value)))
    for submission, fields in submissions.items():
        location = f"{stream}:{submission}"
        user = fields[0].get("user_id") or fields[0].get("user_identifier")
        base = replace(
            base_record(config, location, submission, fields[0].get("collected_at")),
            kind=config.kind or _KINDS.get(str(fields[0].get("source_type")), "survey"),
            customer=user if isinstance(user, str) else None,
        )
        said = Said()
        for number, record in enumerate(fields, 1):
            _add_record(said, number, record, numbers.get(_field(record), []))
        yield from said.items(base)


def _field(record: Object) -> tuple[object, object]:
    return str(record.get("source_id")), str(record.get("field_id"))


def _add_record(said: Said, number: int, record: Object, values: Sequence[str]) -> None:
    kind, key = str(record.get("field_type")), str(record.get("field_id"))
    wording = clean(label) if isinstance(label := record.get("field_label"), str) else ""
    if kind not in _TYPES:
        said.problems.append(f"field_type '{kind}' is not known; its value was left out")
    elif kind == "text" and classify(wording, ())[0] != "contact":
        said.add(Question(0, number, key, wording, "open"), record.get("value_text"))
    elif kind in ("nps", *RANGES):
        metric = metric_of(kind, wording)
        # A record does not say how far its scale goes: the shortest usual one that holds the values at hand.
        shown = find_scale(wording, values, metric) if metric != "nps" else None
        scale = shown or Scale(metric, 0 if metric == "nps" else 1, 10)
        said.add(Question(0, number, key, wording, "score", scale), record.get("value_number"))
