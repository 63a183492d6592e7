"""Formbricks beyond the contract: what each kind of question becomes, a list that changes while it is read, webhooks and feedback records in files."""

import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from command import run
from wire import Asked, Reply, wire
from worlds import NOW, SECRET, SECRET_VARIABLE, said
from worlds.formbricks import SURVEY, World, definition, response

from feedback.collectors.base import Item, RawScore, Record, SourceConfig, Unreadable, Withdrawn
from feedback.collectors.formbricks import FormbricksCollector
from feedback.collectors.formbricks_form import Form, Named, read_response
from feedback.collectors.formbricks_records import read_records
from feedback.collectors.live import Page, Visit
from feedback.collectors.live.reached import Reached
from feedback.collectors.live.vault import Vault
from feedback.errors import CollectError

CONFIG = SourceConfig("问卷", "formbricks", store="人民路店", product="手冲壶")
CHOICES = [
    {"id": "c1", "label": {"default": "朋友", "en": "Friends"}},
    {"id": "c2", "label": "小红书"},
    {"id": "other", "label": {"default": "其他"}},
]
QUESTIONS: list[dict[str, object]] = [
    {"id": "likely", "type": "nps", "headline": {"default": "您有多大可能推荐我们？"}},
    {"id": "pleased", "type": "csat", "headline": {"default": "这次购物您满意吗？"}, "range": 5},
    {"id": "easy", "type": "ces", "headline": {"default": "退货容易吗？"}, "range": 7},
    {"id": "stars", "type": "rating", "headline": {"default": "给客服打分"}, "range": 10, "scale": "star"},
    {"id": "content", "type": "rating", "headline": {"default": "对物流满意吗"}, "range": 5, "scale": "smiley"},
    {"id": "known", "type": "multipleChoiceMulti", "headline": "您从哪里知道我们？", "choices": CHOICES},
    {"id": "size", "type": "multipleChoiceSingle", "headline": "尺码", "choices": CHOICES[:2]},
    {"id": "why", "type": "openText", "headline": {"default": "<p>您好 #recall:name/fallback:您#，为什么？</p>"}},
    {"id": "better", "type": "openText", "headline": {"en": "What can we improve?"}, "inputType": "text"},
    {"id": "mail", "type": "openText", "headline": {"default": "怎么回复您？"}, "inputType": "email"},
    {"id": "name", "type": "openText", "headline": {"default": "您的姓名"}},
    {"id": "agree", "type": "consent", "headline": {"default": "同意吗"}},
    {"id": "visit", "type": "date", "headline": {"default": "哪天来的"}},
]
SHOP: dict[str, object] = {"id": "s1", "questions": QUESTIONS, "hiddenFields": {"fieldIds": ["campaign"]}}


def a_form(named: Named | None = None, **changed: object) -> Form:
    return Form.of("s1", {**SHOP, **changed}, named or Named())


def a_response(data: object, **changed: object) -> dict[str, Any]:
    common = {"id": "r1", "surveyId": "s1", "createdAt": "2026-03-01T02:00:00.507Z", "finished": True}
    return {**common, "updatedAt": "2026-03-01T02:00:00.507Z", "data": data, **changed}


def record(key: str = "", **fields: Any) -> Record:
    common: dict[str, Any] = {"text": "", "kind": "survey", "channel": "Formbricks", "location": "s1:r1"}
    common |= {"source_id": f"r1{key}", "conversation_id": "r1", "posted_at": "2026-03-01T02:00:00.507Z"}
    common |= {"product": "手冲壶", "store": "人民路店"}
    return Record(**{**common, **fields})


def read(data: object, form: Form | None = None, **changed: object) -> list[Item]:
    return read_response(a_response(data, **changed), form or a_form(), "s1", CONFIG)


def test_a_response_becomes_a_record_for_each_answer_in_words_the_first_with_the_ratings() -> None:
    data = {
        "why": "豆子很新鲜",
        "better": "包装再结实一点",
        "likely": 9,
        "pleased": 4,
        "easy": "6",
        "stars": 8,
        "content": 5.0,
        "known": ["朋友", "Friends", "公司楼下的快闪店"],
        "size": "大号",
        "mail": "wang@example.com",
        "name": "王小明",
        "agree": "accepted",
        "visit": "2026-02-28",
        "campaign": "spring",
        "verifiedEmail": "wang@example.com",
    }
    scores = (
        RawScore("nps", "9", 0, 10),
        RawScore("csat", "4", 1, 5),
        RawScore("ces", "6", 1, 7),
        RawScore("star", "8", 1, 10),
        RawScore("csat", "5", 1, 5),
    )
    customer = {"customer": "member-7", "region": "CN"}
    assert read(data, contact={"id": "c7", "userId": "member-7"}, meta={"country": "CN"}) == [
        record("/known+1", text="公司楼下的快闪店", turn=6, question="您从哪里知道我们？", scores=scores, **customer),
        record("/why", text="豆子很新鲜", turn=8, question="您好 …，为什么？", **customer),
        record("/better", text="包装再结实一点", turn=9, question="What can we improve?", **customer),
    ]


def test_ratings_without_words_are_a_record_by_themselves() -> None:
    assert read({"likely": 0}) == [record(scores=(RawScore("nps", "0", 0, 10),))]


def test_ratings_that_were_stored_before_any_words_came_are_taken_back_when_they_go_with_the_words() -> None:
    found = read({"likely": 3, "why": "太慢"}, updatedAt="2026-03-01T02:05:00.000Z")
    assert found == [
        record("/why", text="太慢", turn=8, question="您好 …，为什么？", scores=(RawScore("nps", "3", 0, 10),)),
        Withdrawn("r1", "s1:r1"),
    ]


@pytest.mark.parametrize("data", [{}, {"why": "", "known": [], "likely": None}, {"size": "大号", "why": "  "}])
def test_a_response_that_holds_neither_words_nor_ratings_yet_gives_nothing(data: object) -> None:
    assert read(data) == []


def test_what_can_not_be_read_is_listed_with_what_can() -> None:
    assert read({"likely": "很可能", "pleased": True, "why": "还行", "better": ["a"]}) == [
        record(
            "/why",
            text="还行",
            turn=8,
            question="您好 …，为什么？",
            problems=(
                "nps score can't be read",
                "csat score can't be read",
                "the answer to question 'better' is no text",
            ),
        )
    ]


def test_an_answer_to_a_question_that_is_gone_is_listed_until_the_settings_name_it() -> None:
    gone = "the survey has no question 'old' any more; its answer was left out. Name it under 'open' if it holds words"
    assert read({"old": "以前的回答"}) == [Unreadable("s1:r1", gone)]
    named = Form.unseen("s1", Named(open=frozenset(["old"])))
    assert read({"old": "以前的回答"}, named) == [record("/old", text="以前的回答", turn=1, question="")]


def test_the_settings_say_what_a_question_is_whatever_its_type() -> None:
    form = a_form(Named(open=frozenset(["name"]), skip=frozenset(["why"])))
    assert read({"why": "不收", "name": "其实是意见"}, form) == [
        record("/name", text="其实是意见", turn=11, question="您的姓名")
    ]


def test_surveys_of_blocks_alone_and_of_questions_alone_are_read_alike() -> None:
    blocks = [{"id": "b1", "elements": QUESTIONS[:4]}, {"id": "b2", "elements": QUESTIONS[4:]}, {"id": "b3"}, "?"]
    assert a_form(questions=[], blocks=blocks) == a_form()
    assert a_form(questions=None, blocks=blocks) == a_form()
    assert a_form(questions=[], blocks=[]).questions == ()


def test_a_definition_without_questions_is_no_survey() -> None:
    with pytest.raises(CollectError) as caught:
        Form.of("s1", {"id": "s1"}, Named())
    assert str(caught.value) == "Survey 's1' has no list of questions. Has the interface changed?"


def test_questions_of_a_new_type_are_told() -> None:
    new = [{"id": "x", "type": "hologram", "headline": 5}, {"id": "y", "type": "hologram"}, {"id": "z", "type": "nps"}]
    form = a_form(questions=new, hiddenFields=None)
    assert form.unknown == ("hologram",)
    assert read({"x": "几句话", "z": 5}, form) == [record(scores=(RawScore("nps", "5", 0, 10),))]


def test_choices_that_are_none_hide_nothing() -> None:
    odd = [
        {"id": "x", "type": "ranking", "choices": [None, {"id": "other", "label": 3}]},
        {"id": "y", "type": "ranking"},
    ]
    form = a_form(questions=odd)
    assert [item.text for item in read({"x": ["第一"], "y": ["第二"]}, form) if isinstance(item, Record)] == ["第一"]


def test_a_rating_without_a_range_has_five_steps_and_a_recommendation_by_stars_is_no_nps() -> None:
    rated = [{"id": "x", "type": "rating", "headline": "愿意推荐吗 (1-10)"}, {"id": "y", "type": "csat", "range": True}]
    assert [question.scale and (question.scale.metric, question.scale.low, question.scale.high) for question in a_form(questions=rated).questions] == [
        ("star", 1, 5),
        ("csat", 1, 5),
    ]  # fmt: skip


def test_a_response_that_is_none_is_unreadable() -> None:
    assert read([], id="r9") == [Unreadable("s1:r9", "its 'data' is no object of answers")]
    assert read({}, id=None) == [Unreadable("s1", "a response has no id")]


@pytest.mark.parametrize(
    "who, customer",
    [
        ({"contact": {"id": "c1"}}, "c1"),
        ({"contact": None, "person": {"id": "p1"}}, "p1"),
        ({"contact": {"id": 5}}, None),
        ({}, None),
    ],
)
def test_a_customer_is_known_by_an_id_of_whatever_kind_there_is(who: dict[str, object], customer: str | None) -> None:
    found = read({"why": "好"}, **who)[0]
    assert isinstance(found, Record)
    assert found.customer == customer


def a_field(field_id: str, field_type: str, **fields: object) -> dict[str, object]:
    common: dict[str, object] = {
        "submission_id": "r1",
        "source_type": "survey",
        "source_id": "s1",
        "field_id": field_id,
    }
    return {**common, "field_type": field_type, "collected_at": "2026-03-01T02:00:00.507Z", **fields}


def test_feedback_records_of_one_submission_are_one_response() -> None:
    records = [
        a_field("likely", "nps", value_number=9, field_label="您有多大可能推荐我们？", user_id="member-7"),
        a_field("pleased", "csat", value_number=4),
        a_field("easy", "ces", value_number=5),
        a_field("stars", "rating", value_number=4.5),
        a_field("content", "rating", value_number=8, field_label="满意度"),
        a_field("why", "text", value_text="豆子很新鲜", field_label="为什么？"),
        a_field("name", "text", value_text="王小明", field_label="您的姓名"),
        a_field("size", "categorical", value_text="大号"),
        a_field("mood", "colour", value_text="红"),
    ]
    scores = (
        RawScore("nps", "9", 0, 10),
        RawScore("csat", "4", 1, 5),
        RawScore("ces", "5", 1, 7),
        RawScore("star", "4.5", 1, 5),
        RawScore("csat", "8", 1, 10),
    )
    assert list(read_records(records, "s1", CONFIG)) == [
        record(
            "/why",
            text="豆子很新鲜",
            turn=6,
            question="为什么？",
            customer="member-7",
            scores=scores,
            problems=("field_type 'colour' is not known; its value was left out",),
        ),
        Withdrawn("r1", "s1:r1"),
    ]


def test_feedback_records_of_reviews_and_tickets_keep_their_kind_and_those_without_a_submission_are_listed() -> None:
    records = [
        a_field("body", "text", value_text="很好", source_type="review", user_identifier="u1"),
        a_field("body", "text", value_text="不行", submission_id=None),
    ]
    assert list(read_records(records, "s1", CONFIG)) == [
        Unreadable("s1", "a feedback record has no submission_id"),
        record("/body", text="很好", kind="review", turn=1, question="", customer="u1"),
    ]


@pytest.mark.parametrize("value", [10**400, float("nan"), float("inf"), True, None, "5"])
def test_a_number_that_is_none_is_no_rating(value: object) -> None:
    found = list(read_records([a_field("x", "rating", value_number=value)], "s1", CONFIG))
    assert found in (
        [],
        [Unreadable("s1:r1", "star score can't be read")],
        [record(scores=(RawScore("star", "5", 1, 10),))],
    )
    assert read({"likely": 10**400}) == [Unreadable("s1:r1", "nps score can't be read")]


def test_a_value_far_beyond_any_scale_is_left_for_intake_to_refuse() -> None:
    [found] = read_records([a_field("x", "rating", value_number=250)], "s1", CONFIG)
    assert found == record(scores=(RawScore("star", "250", 1, 10),))


# A list that changes while it is read.


class Shop:
    """The interface, and a collector that asks it; `between` happens after so many requests for responses."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.skips: list[str] = []
        self.between: dict[int, Callable[[], None]] = {}

    def answer(self, asked: Asked) -> Reply:
        reply = self.world.answer(asked)
        if asked.path.endswith("/responses"):
            self.skips.append(asked.query["skip"])
            self.between.pop(len(self.skips), lambda: None)()
        return reply

    def pages(self, url: str, state: str | None = None, **options: object) -> Iterator[Page]:
        section = dict(self.world.section(url))
        return FormbricksCollector().pages(SURVEY, state, a_visit({**section, **options}))


def a_visit(options: dict[str, object], paths: tuple[str, ...] = (), base: Path | None = None) -> Visit:
    config = SourceConfig("问卷", "formbricks", paths=paths, base=base or Path(), options=options)
    return Visit(config, Vault(Path("/nowhere")), NOW)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setenv(SECRET_VARIABLE, SECRET)
    return Shop(World())


def told(pages: list[Page]) -> list[str]:
    return [item.text for page in pages for item in page.items if isinstance(item, Record)]


def test_responses_that_are_deleted_while_they_are_read_hide_no_other(shop: Shop) -> None:
    kept = [one.text for one in shop.world.said[:10]]
    shop.between[1] = lambda: shop.world.said.__delitem__(slice(10, None))
    with wire(shop.answer) as web:
        pages = list(shop.pages(web.url))
    assert set(kept) <= set(told(pages))
    assert shop.skips == ["0", "6", "0", "6", "9"]


def test_as_many_new_responses_as_a_page_holds_are_no_end(shop: Shop) -> None:
    before = [one.text for one in shop.world.said]
    later = [said(26)[-6:]]
    shop.between[1] = lambda: shop.world.said.extend(later.pop())
    with wire(shop.answer) as web:
        pages = list(shop.pages(web.url))
    assert set(before) <= set(told(pages))


def test_a_last_page_that_vanishes_is_looked_for_again(shop: Shop) -> None:
    shop.between[3] = lambda: shop.world.said.__delitem__(slice(0, 8))
    with wire(shop.answer) as web:
        pages = list(shop.pages(web.url))
    assert {one.text for one in shop.world.said} <= set(told(pages))
    assert pages[-1].state is not None


def test_a_list_that_never_ends_is_given_up(shop: Shop) -> None:
    def same(asked: Asked) -> Reply:
        return shop.world.answer(Asked(asked.method, asked.path, {**asked.query, "skip": "0"}, asked.headers, b""))

    with wire(same) as web, pytest.raises(CollectError) as caught:
        list(shop.pages(web.url))
    assert str(caught.value) == (
        f"{SURVEY}: the interface gives the same responses again and again. Run this again later."
    )


def test_a_run_goes_back_as_far_as_is_asked_and_no_further(shop: Shop) -> None:
    with wire(shop.answer) as web:
        state = list(shop.pages(web.url))[-1].state
        shop.skips.clear()
        assert len(told(list(shop.pages(web.url, state, look_back_days=0)))) == 13  # to a page that is older altogether
        assert shop.skips == ["0", "6"]
        assert len(told(list(shop.pages(web.url, state)))) == 20


def test_a_response_from_the_future_hides_none_that_come_before_then(shop: Shop) -> None:
    shop.world.said.append(said(1, first=99)[0])
    last = shop.world.said[-1]
    shop.world.said[-1] = type(last)(99, "来自未来", NOW + timedelta(days=400), NOW + timedelta(days=400))
    with wire(shop.answer) as web:
        state = list(shop.pages(web.url))[-1].state
        shop.world.said += said(2, first=21)
        assert "来自未来" not in (state or "")
        assert {one.text for one in shop.world.said[-2:]} <= set(told(list(shop.pages(web.url, state))))


def test_a_survey_that_nobody_has_answered_gives_nothing(shop: Shop) -> None:
    shop.world.said = []
    with wire(shop.answer) as web:
        assert list(shop.pages(web.url)) == [Page([], Reached().text())]


def test_questions_of_an_unknown_type_are_told_before_anything_is_stored(shop: Shop) -> None:
    def answer(asked: Asked) -> Reply:
        if asked.path.endswith(SURVEY):
            return Reply({"data": {**definition(), "questions": [{"id": "x", "type": "hologram"}]}})
        return shop.answer(asked)

    with wire(answer) as web:
        first = next(shop.pages(web.url))
    assert first == Page([], None, (f"{SURVEY}: questions of a type that is not known were left out: hologram",))


@pytest.mark.parametrize(
    "path, content, message",
    [
        ("surveys", {"data": [1]}, "answers without a survey in 'data'. Has the interface changed?"),
        ("surveys", [], "answers without a survey in 'data'. Has the interface changed?"),
        ("responses", {"data": {}}, "answers without a list of responses in 'data'. Has the interface changed?"),
    ],
)
def test_an_answer_of_another_shape_is_told(shop: Shop, path: str, content: object, message: str) -> None:
    def answer(asked: Asked) -> Reply:
        return Reply(content) if f"/{path}" in asked.path else shop.answer(asked)

    with wire(answer) as web, pytest.raises(CollectError) as caught:
        list(shop.pages(web.url))
    assert str(caught.value).endswith(message)


def test_a_response_that_is_no_object_is_listed(shop: Shop) -> None:
    def answer(asked: Asked) -> Reply:
        return shop.answer(asked) if asked.path.endswith(SURVEY) else Reply({"data": ["?"]})

    with wire(answer) as web:
        assert next(shop.pages(web.url)).items == [Unreadable(SURVEY, "a response is no object")]


def test_a_key_of_other_characters_is_told_before_it_is_sent(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRET_VARIABLE, "密钥")
    with pytest.raises(CollectError, match="the token holds characters that no key has"):
        list(shop.pages("http://nowhere.example"))


@pytest.mark.parametrize(
    "options, message",
    [
        ({}, "'survey' is missing: the id of a survey, as its address has it, or a list of them."),
        ({"survey": "files"}, "no survey has the id 'files'."),
        ({"survey": "s1", "look_back_days": -1}, "'look_back_days' must be between 0 and 36500."),
    ],
)
def test_settings_that_can_not_be_are_told(options: dict[str, object], message: str) -> None:
    with pytest.raises(CollectError) as caught:
        FormbricksCollector().streams(a_visit(options))
    assert str(caught.value) == f"source '问卷': {message}"


def test_each_survey_is_a_stream_and_so_are_the_files() -> None:
    visit = a_visit({"survey": ["s1", "s2", "s1"]}, paths=("webhooks",))
    assert FormbricksCollector().streams(visit) == ["s1", "s2", "files"]


# What was saved as files.


def a_webhook(event: str, data: object, changed: str, **more: object) -> dict[str, object]:
    return {"webhookId": "w1", "event": event, "data": a_response(data, updatedAt=changed, **more)}


CREATED = a_webhook("responseCreated", {"likely": 3}, "2026-03-01T02:00:00.507Z", finished=False)
UPDATED = a_webhook("responseUpdated", {"likely": 3, "why": "太慢"}, "2026-03-01T02:01:00.000Z", finished=False)
FINISHED = a_webhook("responseFinished", {"likely": 3, "why": "太慢", "better": "快一点"}, "2026-03-01T02:02:00.000Z")
WHOLE = [
    Withdrawn("r1", "s1:r1"),
    Record(
        text="太慢",
        kind="survey",
        channel="Formbricks",
        location="s1:r1",
        source_id="r1/why",
        posted_at="2026-03-01T02:00:00.507Z",
        conversation_id="r1",
        turn=8,
        question="您好 …，为什么？",
        scores=(RawScore("nps", "3", 0, 10),),
    ),
    Record(
        text="快一点",
        kind="survey",
        channel="Formbricks",
        location="s1:r1",
        source_id="r1/better",
        posted_at="2026-03-01T02:00:00.507Z",
        conversation_id="r1",
        turn=9,
        question="What can we improve?",
    ),
]


def write(path: Path, *values: object) -> Path:
    path.write_text("\n".join(json.dumps(value, ensure_ascii=False) for value in values), encoding="utf-8")
    return path


def load(collector: FormbricksCollector, path: Path, **options: object) -> list[Item]:
    found = list(collector.saved(path, a_visit({"survey": "s1", **options})))
    return sorted(found, key=lambda item: isinstance(item, Record))


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_of_a_response_that_was_sent_again_and_again_the_newest_version_counts(
    tmp_path: Path, order: tuple[int, ...]
) -> None:
    sent = (CREATED, UPDATED, FINISHED)
    path = write(tmp_path / "hooks.jsonl", *[sent[place] for place in order], {"data": SHOP})
    assert load(FormbricksCollector(), path) == WHOLE


def test_files_that_are_loaded_one_after_another_know_of_each_other(tmp_path: Path) -> None:
    collector = FormbricksCollector()
    assert load(collector, write(tmp_path / "survey.json", {"data": SHOP})) == []
    assert load(collector, write(tmp_path / "2.json", [FINISHED])) == WHOLE
    assert load(collector, write(tmp_path / "1.json", [CREATED])) == []


def test_a_bare_response_and_a_bare_survey_are_known_too(tmp_path: Path) -> None:
    assert load(FormbricksCollector(), write(tmp_path / "x.json", SHOP, FINISHED["data"])) == WHOLE


def test_without_the_definition_a_response_is_listed_unless_the_settings_name_its_questions(tmp_path: Path) -> None:
    path = write(tmp_path / "hook.json", a_webhook("responseFinished", {"why": "太慢"}, "2026-03-01T02:02:00Z"))
    reason = "the questions of survey 's1' are not known: save /api/v1/management/surveys/s1 beside it or load it first"
    assert load(FormbricksCollector(), path) == [Unreadable("s1:r1", reason)]
    [found] = load(FormbricksCollector(), path, open=["why"])
    assert isinstance(found, Record)
    assert (found.source_id, found.text) == ("r1/why", "太慢")


def test_what_is_nothing_of_formbricks_is_listed_and_the_trying_out_of_a_webhook_is_nothing(tmp_path: Path) -> None:
    reason = "it is no survey, response, webhook or feedback record of Formbricks"
    path = write(tmp_path / "x.json", {"event": "testEndpoint"}, {"hello": 1}, [3], {"data": ["?"]})
    assert load(FormbricksCollector(), path) == [
        Unreadable("x.json:#2", reason),
        Unreadable("x.json:#3", "it is not an object"),
        Unreadable("x.json:#4", reason),
    ]


def test_feedback_records_come_as_an_answer_of_the_hub_or_one_a_line(tmp_path: Path) -> None:
    fields = [a_field("likely", "nps", value_number=9), a_field("why", "text", value_text="好喝")]
    as_answer = load(FormbricksCollector(), write(tmp_path / "a.json", {"data": fields, "limit": 100}))
    assert load(FormbricksCollector(), write(tmp_path / "a.json", *fields)) == as_answer
    assert [item.source_id for item in as_answer if isinstance(item, Record | Withdrawn)] == ["r1", "r1/why"]


def pages_of(folder: Path, state: str | None = None) -> list[Page]:
    return list(FormbricksCollector().pages("files", state, a_visit({}, ("hooks",), folder)))


def test_a_folder_of_webhooks_is_read_whenever_something_in_it_changed(tmp_path: Path) -> None:
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    write(hooks / "survey.json", {"data": SHOP})
    write(hooks / "a.json", FINISHED)
    write(hooks / "b.json", CREATED)  # an older version, though its file comes later
    first = pages_of(tmp_path)
    assert sorted((item for page in first for item in page.items), key=lambda item: isinstance(item, Record)) == WHOLE
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
    assert [item.source_id for item in next(pages).items if isinstance(item, Record)] == ["r1/why", "r1/better"]
    with pytest.raises(CollectError, match=r"b\.json is not valid JSON: .* Was it cut off\?"):
        next(pages)


def test_a_response_that_goes_on_later_keeps_its_ids_and_leaves_no_rating_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SECRET_VARIABLE, SECRET)
    begun = response(said(1)[0]) | {"data": {"likely": 3}, "finished": False}
    rows = [begun]

    def answer(asked: Asked) -> Reply:
        return Reply({"data": definition() if asked.path.endswith(SURVEY) else rows[int(asked.query["skip"]) :]})

    def stored() -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(tmp_path / "feedback.db")) as database:
            sql = "select source_id, text, value from verbatims v left join scores s on s.verbatim_id = v.id"
            return sorted(database.execute(sql).fetchall())

    with wire(answer) as web:
        (tmp_path / "feedback.toml").write_text(
            f'[[sources]]\nname = "问卷"\ncollector = "formbricks"\nurl = "{web.url}"\nsurvey = "{SURVEY}"\n'
            f'token = {{ env = "{SECRET_VARIABLE}" }}\n',
            encoding="utf-8",
        )
        assert run("collect", project=tmp_path).out == "问卷: 1 new\n"
        assert stored() == [("r1", "", 3.0)]
        changed = f"{NOW:%Y-%m-%dT%H:%M:%S}.000Z"
        rows[0] = begun | {"data": {"likely": 4, "why": "太慢"}, "updatedAt": changed, "finished": True}
        assert run("collect", project=tmp_path).out == "问卷: 1 new, 1 withdrawn\n"
        assert stored() == [("r1/why", "太慢", 4.0)]
        assert run("collect", project=tmp_path).out == "问卷: 0 new, 1 already there\n"
