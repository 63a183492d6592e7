"""Webhooks, answers and feedback records of Formbricks that were saved as files."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from formbricks_shop import SHOP, a_field, a_response, a_visit, of_hub, record

from feedback.collectors.base import Item, RawScore, Record, Unreadable, Withdrawn
from feedback.collectors.formbricks import FormbricksCollector
from feedback.collectors.live import Page
from feedback.errors import CollectError


def a_webhook(event: str, data: object, changed: str, **more: object) -> dict[str, object]:
    return {"webhookId": "w1", "event": event, "data": a_response(data, updatedAt=changed, **more)}


CREATED = a_webhook("responseCreated", {"likely": 3}, "2026-03-01T02:00:00.507Z", finished=False)
UPDATED = a_webhook("responseUpdated", {"likely": 3, "why": "太慢"}, "2026-03-01T02:01:00.000Z", finished=False)
FINISHED = a_webhook("responseFinished", {"likely": 3, "why": "太慢", "better": "快一点"}, "2026-03-01T02:02:00.000Z")
ABOUT: dict[str, Any] = {"product": None, "store": None}
WHOLE = [
    record(scores=(RawScore("nps", "3", 0, 10, "likely"),), **ABOUT),
    record("/why", text="太慢", turn=8, question="您好 …，为什么？", **ABOUT),
    record("/better", text="快一点", turn=9, question="What can we improve?", **ABOUT),
]


HUB = [
    a_field("likely", "nps", value_number=9),
    a_field("why", "text", value_text="好喝"),
    a_field("stars", "rating", value_number=4),
    a_field("better", "text", value_text="包装"),
    a_field("stars", "rating", value_number=8, submission_id="r2"),
]


def write(path: Path, *values: object) -> Path:
    path.write_text("\n".join(json.dumps(value, ensure_ascii=False) for value in values), encoding="utf-8")
    return path


def load(path: Path, *others: Path, **options: object) -> list[Item]:
    """What is told of files that are loaded together."""
    collector, visit = FormbricksCollector(), a_visit({"survey": "s1", **options})
    collector.look_ahead([path, *others], {}, visit)
    return [item for each in (path, *others) for item in collector.saved(each, visit)]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_of_a_response_that_was_sent_again_and_again_the_newest_version_counts(
    tmp_path: Path, order: tuple[int, ...]
) -> None:
    sent = (CREATED, UPDATED, FINISHED)
    path = write(tmp_path / "hooks.jsonl", *[sent[place] for place in order], {"data": SHOP})
    assert load(path) == WHOLE


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)])
def test_files_that_are_loaded_together_know_of_each_other(tmp_path: Path, order: tuple[int, ...]) -> None:
    files = [
        write(tmp_path / f"{number}.json", each) for number, each in enumerate([{"data": SHOP}, [FINISHED], [CREATED]])
    ]
    assert load(*[files[place] for place in order]) == WHOLE
    assert (
        list(
            FormbricksCollector().saved(
                write(tmp_path / "all.json", FINISHED, {"data": SHOP}), a_visit({"survey": "s1"})
            )
        )
        == WHOLE
    )


def test_a_bare_response_and_a_bare_survey_are_known_too(tmp_path: Path) -> None:
    assert load(write(tmp_path / "x.json", SHOP, FINISHED["data"])) == WHOLE


def test_of_a_survey_the_newest_definition_counts_and_no_label_of_an_earlier_one_is_a_customer_s_word(
    tmp_path: Path,
) -> None:
    def defined(label: str, headline: str, changed: str) -> dict[str, object]:
        choices = [{"id": "c1", "label": label}, {"id": "other", "label": "其他"}]
        known = {"id": "known", "type": "multipleChoiceMulti", "headline": headline, "choices": choices}
        return {"data": {"id": "s1", "questions": [known], "updatedAt": changed}}

    hook = a_webhook("responseFinished", {"known": ["质亮", "质量", "售后"]}, "2026-03-01T02:02:00.000Z")
    earlier, later = defined("质亮", "看重什么", "2026-02-01"), defined("质量", "您看重什么？", "2026-03-01")
    for number, order in enumerate([(earlier, later, hook), (hook, later, earlier)]):
        path = write(tmp_path / f"{number}.json", *order)
        assert load(path) == [record("/known+1", text="售后", turn=1, question="您看重什么？", **ABOUT)]


def test_without_the_definition_a_response_is_listed_unless_the_settings_name_its_questions(tmp_path: Path) -> None:
    path = write(tmp_path / "hook.json", a_webhook("responseFinished", {"why": "太慢"}, "2026-03-01T02:02:00Z"))
    reason = "the questions of survey 's1' are not known: save /api/v1/management/surveys/s1 beside it or load it first"
    assert load(path) == [Unreadable("s1:r1", reason)]
    [found] = load(path, open=["why"])
    assert isinstance(found, Record)
    assert (found.source_id, found.text) == ("r1/why", "太慢")


def test_what_is_nothing_of_formbricks_is_listed_and_the_trying_out_of_a_webhook_is_nothing(tmp_path: Path) -> None:
    reason = "it is no survey, response, webhook or feedback record of Formbricks"
    path = write(tmp_path / "x.json", {"event": "testEndpoint"}, {"hello": 1}, [3], {"data": ["?"]})
    assert load(path) == [
        Unreadable("x.json:#2", reason),
        Unreadable("x.json:#3", "it is not an object"),
        Unreadable("x.json:#4", reason),
    ]


def test_feedback_records_come_as_an_answer_of_the_hub_or_one_a_line(tmp_path: Path) -> None:
    fields = [a_field("likely", "nps", value_number=9), a_field("why", "text", value_text="好喝")]
    as_answer = load(write(tmp_path / "a.json", {"data": fields, "limit": 100}))
    assert load(write(tmp_path / "a.json", *fields)) == as_answer
    assert [item.source_id for item in as_answer if isinstance(item, Record)] == ["r1", "r1/why"]


def test_a_feedback_record_without_a_submission_is_listed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", a_field("why", "text", value_text="好喝", submission_id=None))
    assert load(path) == [Unreadable("a.json", "a feedback record has no submission_id")]


def test_feedback_records_of_one_submission_may_lie_in_a_file_each(tmp_path: Path) -> None:
    hooks, fields = tmp_path / "hooks", HUB
    hooks.mkdir()
    write(hooks / "all.json", *fields)
    [whole] = pages_of(tmp_path)[:-1]
    (hooks / "all.json").unlink()
    for number, each in enumerate(fields, 1):
        write(hooks / f"{number}.json", {"type": "feedback_record.created", "data": each})
    [apart] = pages_of(tmp_path)[:-1]
    assert [replace(item, location="") for item in apart.items if isinstance(item, Record)] == [
        replace(item, location="") for item in whole.items if isinstance(item, Record)
    ]
    assert [(item.source_id, item.text, item.scores) for item in apart.items if isinstance(item, Record)] == [
        ("r1", "", (RawScore("nps", "9", 0, 10, "likely"), RawScore("star", "4", 1, 10, "stars"))),
        ("r1/why", "好喝", ()),
        ("r1/better", "包装", ()),
        ("r2", "", (RawScore("star", "8", 1, 10, "stars"),)),
    ]


def test_feedback_records_that_are_loaded_together_are_one_response(tmp_path: Path) -> None:
    files = (write(tmp_path / "1.json", *HUB[:2]), write(tmp_path / "2.json", *HUB[2:4]))
    [rated, *answers] = load(*files)
    assert isinstance(rated, Record)
    assert rated.scores == (RawScore("nps", "9", 0, 10, "likely"), RawScore("star", "4", 1, 5, "stars"))
    assert [item.text for item in answers if isinstance(item, Record)] == ["好喝", "包装"]


def deletion(*ids: str) -> dict[str, object]:
    return {"type": "feedback_record.deleted", "data": list(ids)}


def test_what_was_deleted_in_the_hub_is_void_where_its_record_lies_beside(tmp_path: Path) -> None:
    records = [{**each, "id": f"id{number}"} for number, each in enumerate(HUB)]
    path = write(tmp_path / "a.json", deletion("id1", "id0"), *records)
    assert load(path) == [
        Withdrawn("r1/why", "a.json:r1", for_good=False),
        of_hub(
            scores=(RawScore("star", "4", 1, 10, "stars"),),
            location="a.json:r1",
            rates={"likely": "nps", "stars": "star"},
            **ABOUT,
        ),
        of_hub("/better", text="包装", turn=4, question="", location="a.json:r1", **ABOUT),
        Record(
            text="",
            kind="survey",
            channel="Formbricks",
            location="a.json:r2",
            source_id="r2",
            conversation_id="r2",
            posted_at="2026-03-01T02:00:00.507Z",
            scores=(RawScore("star", "8", 1, 10, "stars"),),
            rates={"stars": "star"},
        ),
    ]


def test_a_deletion_of_what_lies_in_no_file_is_listed(tmp_path: Path) -> None:
    reason = "a feedback record was deleted that is not in these files: what is stored of it stays"
    earlier = {"type": "feedback_record.deleted", "data": a_field("why", "text", id="id2")}
    assert load(write(tmp_path / "a.json", deletion("id1"))) == [Unreadable("a.json", reason)]
    assert load(write(tmp_path / "b.json", earlier, HUB[0])) == [
        Unreadable("b.json", reason),
        of_hub(scores=(RawScore("nps", "9", 0, 10, "likely"),), location="b.json:r1", **ABOUT),
    ]


def pages_of(folder: Path, state: str | None = None) -> list[Page]:
    return list(FormbricksCollector().pages("files", state, a_visit({}, ("hooks",), folder)))


def test_a_folder_of_webhooks_is_read_whenever_something_in_it_changed(tmp_path: Path) -> None:
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    write(hooks / "survey.json", {"data": SHOP})
    write(hooks / "a.json", FINISHED)
    write(hooks / "b.json", CREATED)  # an older version, though its file comes later
    first = pages_of(tmp_path)
    assert [item for page in first for item in page.items] == WHOLE
    assert pages_of(tmp_path, first[-1].state) == []
    os.utime(hooks / "b.json", ns=(1, 1))
    again = pages_of(tmp_path, first[-1].state)
    assert [page.items for page in again] == [page.items for page in first]
    assert again[-1].state != first[-1].state


def test_a_file_that_is_being_written_keeps_no_other_from_being_read_and_is_read_the_next_time(tmp_path: Path) -> None:
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    write(hooks / "survey.json", {"data": SHOP})
    write(hooks / "a.json", FINISHED)
    (hooks / "b.json").write_text('{"event": "respo')
    pages = FormbricksCollector().pages("files", None, a_visit({}, ("hooks",), tmp_path))
    assert [item.source_id for item in next(pages).items if isinstance(item, Record)] == ["r1", "r1/why", "r1/better"]
    with pytest.raises(CollectError, match=r"b\.json is not valid JSON: .* Was it cut off\?"):
        next(pages)


def test_a_folder_whose_files_were_put_away_holds_nothing_new(tmp_path: Path) -> None:
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    nothing = f"Folder {hooks} holds no file ending in .json, .jsonl."
    with pytest.raises(CollectError) as caught:
        pages_of(tmp_path)
    assert str(caught.value) == nothing
    saved = [write(hooks / "survey.json", {"data": SHOP}), write(hooks / "a.json", FINISHED)]
    state = pages_of(tmp_path)[-1].state
    for path in saved:
        path.unlink()
    for _ in range(2):
        told, *more = pages_of(tmp_path, state)
        assert (told.items, told.notes) == ([], (nothing,))
        state = more[-1].state if more else state
    write(hooks / "survey.json", {"data": SHOP})
    write(hooks / "b.json", FINISHED)
    assert [item for page in pages_of(tmp_path, state) for item in page.items] == WHOLE


def test_labels_stay_known_when_the_definition_among_the_files_is_another(tmp_path: Path) -> None:
    def defined(label: str) -> dict[str, object]:
        choices = [{"id": "c1", "label": label}, {"id": "other", "label": "其他"}]
        return {"data": {"id": "s1", "questions": [{"id": "known", "type": "multipleChoiceMulti", "choices": choices}]}}

    hooks, state = tmp_path / "hooks", None
    hooks.mkdir()
    write(hooks / "a.json", a_webhook("responseFinished", {"known": ["质亮", "售后"]}, "2026-03-01T02:02:00.000Z"))
    for label in ("质亮", "质量", "品质"):
        write(hooks / "survey.json", defined(label))
        pages = pages_of(tmp_path, state)
        state = pages[-1].state
        assert [item.text for page in pages for item in page.items if isinstance(item, Record)] == ["售后"]
        state = FormbricksCollector().restart(state or "")
