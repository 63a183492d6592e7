"""What each kind of question becomes, in responses and in feedback records."""

from dataclasses import replace

import pytest
from formbricks_shop import QUESTIONS, RATINGS, a_field, a_form, of_hub, read, read_records, record, unrated

from feedback.collectors.base import RawScore, Record, Unreadable, Withdrawn
from feedback.collectors.formbricks_form import Form, Named
from feedback.errors import CollectError


def test_a_response_becomes_a_record_for_its_ratings_and_one_for_each_answer_in_words() -> None:
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
        RawScore("nps", "9", 0, 10, "likely"),
        RawScore("csat", "4", 1, 5, "pleased"),
        RawScore("ces", "6", 1, 7, "easy"),
        RawScore("star", "8", 1, 10, "stars"),
        RawScore("csat", "5", 1, 5, "content"),
    )
    customer = {"customer": "member-7", "region": "CN"}
    assert read(data, contact={"id": "c7", "userId": "member-7"}, meta={"country": "CN"}) == [
        record(scores=scores, **customer),
        record("/known+1", text="公司楼下的快闪店", turn=6, question="您从哪里知道我们？", **customer),
        record("/why", text="豆子很新鲜", turn=8, question="您好 …，为什么？", **customer),
        record("/better", text="包装再结实一点", turn=9, question="What can we improve?", **customer),
    ]


def test_ratings_without_words_are_a_record_by_themselves() -> None:
    assert read({"likely": 0}) == [record(scores=(RawScore("nps", "0", 0, 10, "likely"),))]


def test_ratings_are_where_they_were_when_words_come_or_a_question_goes() -> None:
    rated = record(scores=(RawScore("nps", "3", 0, 10, "likely"),))
    why = record("/why", text="太慢", turn=8, question="您好 …，为什么？")
    assert read({"likely": 3, "why": "太慢"}) == [rated, why]
    assert read({"likely": 3, "why": "太慢"}, a_form(Named(skip=frozenset(["why"])))) == [
        replace(rated, rates={**RATINGS, "why": None})
    ]


@pytest.mark.parametrize("data", [{}, {"why": "", "known": [], "likely": None}, {"size": "大号", "why": "  "}])
def test_a_response_that_holds_neither_words_nor_ratings_yet_gives_nothing(data: object) -> None:
    assert read(data) == [unrated()]


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
        ),
        unrated(),
    ]


def test_an_answer_to_a_question_that_is_gone_is_listed_until_the_settings_name_it() -> None:
    gone = "the survey has no question 'old' any more; its answer was left out. Name it under 'open' if it holds words"
    assert read({"old": "以前的回答"}) == [Unreadable("s1:r1", gone), unrated()]
    named = Form.unseen("s1", Named(open=frozenset(["old"])))
    assert read({"old": "以前的回答"}, named) == [record("/old", text="以前的回答", turn=1, question="")]


def test_the_settings_say_what_a_question_is_whatever_its_type() -> None:
    form = a_form(Named(open=frozenset(["name"]), skip=frozenset(["why"])))
    assert read({"why": "不收", "name": "其实是意见"}, form) == [
        record("/name", text="其实是意见", turn=11, question="您的姓名"),
        unrated("name", "why"),
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
    assert read({"x": "几句话", "z": 5}, form) == [
        record(scores=(RawScore("nps", "5", 0, 10, "z"),), rates={"z": "nps"})
    ]


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
        RawScore("nps", "9", 0, 10, "likely"),
        RawScore("csat", "4", 1, 5, "pleased"),
        RawScore("ces", "5", 1, 7, "easy"),
        RawScore("star", "4.5", 1, 5, "stars"),
        RawScore("csat", "8", 1, 10, "content"),
    )
    assert read_records(*records) == [
        of_hub(
            customer="member-7",
            scores=scores,
            problems=("field_type 'colour' is not known; its value was left out",),
        ),
        of_hub("/why", text="豆子很新鲜", turn=6, question="为什么？", customer="member-7"),
    ]


def test_a_review_among_feedback_records_is_rated_where_it_is_written() -> None:
    rating, body = (
        a_field("stars", "rating", value_number=2, source_type="review"),
        a_field("body", "text", value_text="漏水", source_type="review"),
    )
    scores = (RawScore("star", "2", 1, 5, "stars"),)
    assert read_records(rating) == [of_hub(kind="review", scores=scores)]
    assert read_records(rating, body) == [
        of_hub("/body", text="漏水", kind="review", turn=2, question="", scores=scores),
        Withdrawn("r1", "s1:r1", for_good=False),
    ]


def test_feedback_records_of_reviews_keep_their_kind() -> None:
    review = a_field("body", "text", value_text="很好", source_type="review", user_identifier="u1")
    assert read_records(review) == [of_hub("/body", text="很好", kind="review", turn=1, question="", customer="u1")]


def test_of_a_feedback_record_the_newest_version_counts_and_says_nothing_of_others() -> None:
    why, likely = a_field("why", "text", value_text="太慢"), a_field("likely", "nps", value_number=3)
    later = {**why, "value_text": "太慢，等了两周", "updated_at": "2026-03-02T02:00:00Z"}
    whole = [
        of_hub(scores=(RawScore("nps", "3", 0, 10, "likely"),)),
        of_hub("/why", text="太慢，等了两周", turn=1, question=""),
    ]
    assert read_records(why, likely, later) == whole
    assert read_records(later, likely, why) == whole


@pytest.mark.parametrize("value", [10**400, float("nan"), float("inf"), True, None, "5"])
def test_a_number_that_is_none_is_no_rating(value: object) -> None:
    found = read_records(a_field("x", "rating", value_number=value))
    void = replace(unrated(), rates={"x": "star"})
    assert found in (
        [void],
        [Unreadable("s1:r1", "star score can't be read"), void],
        [of_hub(scores=(RawScore("star", "5", 1, 10, "x"),))],
    )
    assert read({"likely": 10**400}) == [Unreadable("s1:r1", "nps score can't be read"), unrated()]


def test_a_value_far_beyond_any_scale_is_left_for_intake_to_refuse() -> None:
    [found] = read_records(a_field("x", "rating", value_number=250))
    assert found == of_hub(scores=(RawScore("star", "250", 1, 10, "x"),))
