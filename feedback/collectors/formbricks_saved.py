"""What Formbricks said, saved as files: answers of its interface, payloads of its webhooks, feedback records of its hub.

A response is sent anew each time the customer goes on, so files hold several versions of it, in any order: the newest counts.
The records of a submission may be in several files too, each of them another answer. What a response answers only the survey's definition says: the answer of `/api/v1/management/surveys/ID`, saved among the files.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from feedback.collectors.base import Item, SourceConfig, Unreadable
from feedback.collectors.formbricks_form import Form, Labels, Named, read_response
from feedback.collectors.formbricks_records import Submissions, changed_at, submission_of
from feedback.collectors.objects import Object, read_json

_Kind = Literal["survey", "response", "record", "deletion"]
_TEST = "testEndpoint"  # the event by which a webhook is tried out
_DELETED = "feedback_record.deleted"  # the event that gives ids of records, and nothing else of them
_NOT_THERE = "a feedback record was deleted that is not in these files: what is stored of it stays"


@dataclass(slots=True)
class SavedFiles:
    """Goes through files twice: `learn` all of them, then take the `items` of each. It keeps an id and a place per response, and feedback records.

    `labels`: of options that were seen before, by survey.
    """

    named: Named
    labels: Mapping[str, Labels] = field(default_factory=dict)
    _forms: dict[str, tuple[str, Form]] = field(default_factory=dict)  # when it was changed, and the newest
    _newest: dict[str, tuple[str, Path, int]] = field(default_factory=dict)  # when it was changed, and where it is
    _submissions: Submissions = field(default_factory=Submissions)

    def learn(self, path: Path) -> None:
        for number, told in enumerate(_told(path)):
            if isinstance(told, Unreadable):
                continue
            kind, found = told
            if kind == "survey":
                self._define(str(found.get("id")), found)
            elif kind == "response":
                self._note(found, path, number)
            elif kind == "deletion":
                self._submissions.delete(_deleted_ids(found))
            else:
                self._submissions.learn(found, path)

    def labels_now(self) -> dict[str, Labels]:
        return {**self.labels, **{survey: form.options for survey, (_, form) in self._forms.items()}}

    def items(self, path: Path, config: SourceConfig) -> Iterator[Item]:
        whole = dict[str, None]()
        for number, told in enumerate(_told(path)):
            if isinstance(told, Unreadable):
                yield told
                continue
            kind, found = told
            if kind == "response" and self._is_newest(found, path, number):
                yield from self._response(found, config)
            elif kind == "deletion" and not all(map(self._submissions.knows, _deleted_ids(found))):
                yield Unreadable(path.name, _NOT_THERE)
            elif kind == "record":
                submission = submission_of(found)
                if submission is None:
                    yield Unreadable(path.name, "a feedback record has no submission_id")
                elif self._submissions.end_in(path, submission):
                    whole[submission] = None
        for submission in whole:
            yield from self._submissions.items(submission, path.name, config)

    def _response(self, response: Object, config: SourceConfig) -> list[Item]:
        survey = str(response.get("surveyId"))
        _, form = self._forms.get(survey, ("", None))
        if form is None and self.named.open:
            form = Form.unseen(survey, self.named)
        if form is None:
            reason = f"the questions of survey '{survey}' are not known: save /api/v1/management/surveys/{survey} beside it or load it first"
            return [Unreadable(f"{survey}:{response.get('id')}", reason)]
        return read_response(response, form, survey, config)

    def _define(self, survey: str, definition: Object) -> None:
        changed = changed_at(definition)
        form = Form.of(survey, definition, self.named).knowing(self.labels.get(survey, {}))
        changed_before, before = self._forms.get(survey, (changed, form))
        newer, older = (form, before) if changed >= changed_before else (before, form)
        self._forms[survey] = max(changed, changed_before), newer.knowing(older.options)

    def _note(self, response: Object, path: Path, number: int) -> None:
        key, changed = str(response.get("id")), changed_at(response)
        if key not in self._newest or changed >= self._newest[key][0]:
            self._newest[key] = (changed, path, number)

    def _is_newest(self, response: Object, path: Path, number: int) -> bool:
        return self._newest[str(response.get("id"))][1:] == (path, number)


def _told(path: Path) -> Iterator[tuple[_Kind, Object] | Unreadable]:
    """Everything in a file with what it is."""
    for located in read_json(path):
        if isinstance(located, Unreadable):
            yield located
            continue
        where, value = located
        data = value.get("data")
        if value.get("event") == _TEST:
            continue
        if value.get("type") == _DELETED:
            yield "deletion", value
            continue
        for each in data if isinstance(data, list) else [value if "surveyId" in value else data or value]:
            told = _kind(each)
            yield told or Unreadable(where, "it is no survey, response, webhook or feedback record of Formbricks")


def _deleted_ids(event: Object) -> list[str]:
    """Earlier versions of the hub sent the record itself."""
    data = event.get("data")
    ids = data if isinstance(data, list) else [data.get("id") if isinstance(data, dict) else data]
    return [each for each in ids if isinstance(each, str)]


def _kind(value: object) -> tuple[_Kind, Object] | None:
    if not isinstance(value, dict):
        return None
    if "surveyId" in value:
        return "response", value
    if "field_type" in value:
        return "record", value
    return ("survey", value) if isinstance(value.get("questions", value.get("blocks")), list) else None
