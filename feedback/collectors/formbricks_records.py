"""Feedback records, as the hub of Formbricks keeps them: one per answer, of whatever source.

Their form is that of FORMATS: `submission_id` says which belong together, `field_type` what each is. A submission has one record of a field.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from feedback.clean import clean
from feedback.collectors.base import Item, Record, SourceConfig, Withdrawn
from feedback.collectors.formbricks_form import RANGES, Said, base_record, is_number, metric_of
from feedback.collectors.objects import Object
from feedback.collectors.scales import Scale, find_scale
from feedback.collectors.survey import Question, classify
from storage.records import Kind, Metric

_KINDS: Mapping[str, Kind] = {"review": "review", "support": "ticket", "social": "post"}
_RATINGS = frozenset(("nps", *RANGES))
_TYPES = frozenset(("text", "categorical", "number", "boolean", "date")) | _RATINGS
# What is kept of a record until its submission is whole; its metadata may be much more.
_KEPT = (
    *("id", "source_id", "source_type", "field_id", "field_type", "field_label", "value_text", "value_number"),
    *("user_id", "user_identifier", "collected_at", "updated_at"),
)
_Field = tuple[str, str]  # its source and its id


@dataclass(slots=True)
class Submissions:
    """Feedback records by what they belong to, the newest of each field, whichever files they are saved in: a webhook tells one answer."""

    _fields: dict[str, dict[_Field, Object]] = field(default_factory=dict)
    _last: dict[str, Path] = field(default_factory=dict)  # the last file that holds some of it
    _values: dict[_Field, list[str]] = field(default_factory=dict)
    _known: set[object] = field(default_factory=set)  # the ids of all records
    _deleted: set[str] = field(default_factory=set)  # those of records that are there no more, for good

    def learn(self, record: Object, path: Path) -> None:
        submission, place = submission_of(record), _field(record)
        if submission is None:
            return
        fields = self._fields.setdefault(submission, {})
        if place not in fields or changed_at(record) >= changed_at(fields[place]):
            fields[place] = {key: record[key] for key in _KEPT if key in record}
        self._last[submission] = path
        self._known.add(record.get("id"))
        if is_number(value := record.get("value_number")):
            self._values.setdefault(place, []).append(str(math.ceil(value)))

    def delete(self, ids: Collection[str]) -> None:
        self._deleted.update(ids)

    def knows(self, record_id: str) -> bool:
        return record_id in self._known

    def end_in(self, path: Path, submission: str) -> bool:
        """Whether no later file holds more of it."""
        return self._last[submission] == path

    def items(self, submission: str, stream: str, config: SourceConfig) -> list[Item]:
        """A submission as one response, without what was deleted of it. Some of it may have been told before, and lie there no more."""
        records = list(self._fields[submission].values())
        user = records[0].get("user_id") or records[0].get("user_identifier")
        base = replace(
            base_record(config, f"{stream}:{submission}", submission, _begun(records)),
            kind=config.kind or _KINDS.get(str(records[0].get("source_type")), "survey"),
            customer=user if isinstance(user, str) else None,
        )
        said, void, rates, dates = Said(), set[str](), dict[str, Metric | None](), dict[str, object]()
        for number, record in enumerate(records, 1):
            source_id = f"{submission}/{record.get('field_id')}"
            is_rating = record.get("field_type") in _RATINGS
            if is_rating:
                rates[str(record.get("field_id"))] = metric_of(str(record.get("field_type")), _wording(record))
            if record.get("id") in self._deleted:
                if not is_rating:
                    void.add(source_id)
            else:
                dates[source_id] = record.get("collected_at")
                _add_record(said, number, record, self._values.get(_field(record), []))
        told = [_alone(item, dates) for item in said.items(base, rates)]
        # Before what is told: what is told again is not void.
        return [*(Withdrawn(each, base.location, for_good=False) for each in sorted(void)), *told]


def _alone(item: Item, dates: Mapping[str, object]) -> Item:
    """As it is told whichever others of its submission lie beside it: an answer with the date that is its own, at no place among them."""
    if not isinstance(item, Record) or item.source_id == item.conversation_id:
        return item
    date = dates.get(item.source_id or "")
    return replace(item, posted_at=date if isinstance(date, str) else item.posted_at, shared=True)


def _begun(records: Sequence[Object]) -> str | None:
    return min((date for each in records if isinstance(date := each.get("collected_at"), str) and date), default=None)


def submission_of(record: Object) -> str | None:
    found = record.get("submission_id")
    return found if isinstance(found, str) and found else None


def changed_at(found: Object) -> str:
    """When a record or a response was changed last; the dates of one source sort as they read."""
    return str(next((found[key] for key in ("updatedAt", "updated_at", "collected_at") if found.get(key)), ""))


def _field(record: Object) -> _Field:
    return str(record.get("source_id")), str(record.get("field_id"))


def _wording(record: Object) -> str:
    return clean(label) if isinstance(label := record.get("field_label"), str) else ""


def _add_record(said: Said, number: int, record: Object, values: Sequence[str]) -> None:
    kind, key = str(record.get("field_type")), str(record.get("field_id"))
    wording = _wording(record)
    if kind not in _TYPES:
        said.problems.append(f"field_type '{kind}' is not known; its value was left out")
    elif kind == "text" and classify(wording, ())[0] != "contact":
        said.add(Question(0, number, key, wording, "open"), record.get("value_text"))
    elif kind in _RATINGS:
        metric = metric_of(kind, wording)
        # A record does not say how far its scale goes: the shortest usual one that holds the values at hand.
        shown = find_scale(wording, values, metric) if metric != "nps" else None
        scale = shown or Scale(metric, 0 if metric == "nps" else 1, 10)
        said.add(Question(0, number, key, wording, "score", scale), record.get("value_number"))
