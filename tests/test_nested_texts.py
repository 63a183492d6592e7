"""Texts within a record, as comment servers nest their replies: who wrote each, and in which role. People in it are made up."""

import pytest

from feedback.collectors.base import Item, Record, SourceConfig, Unreadable
from feedback.collectors.layout import Layout, parse_layout
from feedback.collectors.live.mapped import ObjectMapper
from feedback.errors import CollectError

LAYOUT = """
name = "comments"
kind = "post"
channel = "论坛"

[columns]
text = "text"
source_id = "id"
customer = "user"

[roles]
"visitor" = "customer"
"owner" = "agent"

[[texts]]
suffix = "reply"
each = "replies"
text = "text"
source_id = "id"
"""
ROW = {
    "id": 7,
    "text": "灯罩裂了",
    "user": "lin",
    "replies": [
        {"id": 8, "text": "我的也是", "user": {"name": "zhao"}, "type": "visitor"},
        {"id": 9, "text": "请联系客服换新", "user": {"name": "shop"}, "type": "Owner"},
        {"id": 10, "text": "换过了还是裂", "user": {"name": "匿名用户"}, "type": "visitor"},
        {"id": 11, "text": "同问", "type": "visitor"},
        {"id": 12, "text": "", "type": "visitor"},
        {"id": 13, "text": "机器人路过", "type": "bot"},
    ],
}


def layout(more: str = "") -> Layout:
    return parse_layout(LAYOUT + more, "comments.layout.toml")


def items(more: str = "") -> list[Item]:
    return list(ObjectMapper(layout(more), SourceConfig("论坛", "rest")).items(iter([("#7", ROW)])))


def said(more: str = "") -> list[tuple[str | None, str, str | None]]:
    return [(item.source_id, item.role, item.customer) for item in items(more) if isinstance(item, Record)][1:]


def test_each_reply_has_its_own_author_and_role() -> None:
    assert said('customer = "user.name"\nrole_column = "type"\n') == [
        ("7/reply-8", "customer", "zhao"),
        ("7/reply-9", "agent", None),
        ("7/reply-10", "customer", None),
        ("7/reply-11", "customer", None),
    ]


def test_a_role_that_nobody_named_is_rejected_with_the_rest_kept() -> None:
    assert items('role_column = "type"\n')[-1] == Unreadable(
        "#7", "what 'type' says here is not in [roles] of layout comments", "机器人路过"
    )


def test_without_an_author_of_its_own_a_customers_text_is_of_whoever_wrote_the_record() -> None:
    assert {customer for _, _, customer in said()} == {"lin"}
    assert {customer for _, _, customer in said('role = "agent"\n')} == {None}


@pytest.mark.parametrize("key", ["customer", "role_column"])
def test_a_text_of_the_row_itself_has_no_author_of_its_own(key: str) -> None:
    with pytest.raises(CollectError) as error:
        parse_layout(LAYOUT.replace('each = "replies"\n', "") + f'{key} = "user"\n', "comments.layout.toml")
    assert str(error.value) == (
        f"comments.layout.toml, [[texts]] 1: '{key}' goes with 'each': a column's text is of whoever wrote the row."
    )


ANSWERS = 'posted_at = "at"\ncustomer = "user"\n'
WORSE = {"text": "更差了", "at": "2026-03-03", "user": "lin"}
BACK = {"text": "退货了", "at": "2026-03-04", "user": "lin"}
SAME = {"text": "更差了", "at": "2026-03-03", "user": "zhao"}


def ids(replies: object) -> dict[str | None, str]:
    mapper = ObjectMapper(layout(ANSWERS), SourceConfig("论坛", "rest"))
    found = mapper.items(iter([("#7", {**ROW, "replies": replies})]))
    return {item.source_id: item.text for item in found if isinstance(item, Record)}


def test_without_an_id_each_is_known_by_its_words_its_author_and_its_date_wherever_it_stands() -> None:
    both = ids([WORSE, BACK])
    assert len(both) == 3
    assert ids([BACK]).items() < both.items()
    assert ids([SAME, BACK, WORSE]).items() > both.items()
    assert len(ids([SAME, BACK, WORSE])) == 4


def test_of_two_that_say_the_same_the_second_is_counted() -> None:
    once, twice = ids([WORSE]), ids([WORSE, WORSE])
    assert once.items() < twice.items()
    assert [each for each in twice if each not in once] == [f"{list(once)[1]}-2"]


def test_a_date_that_is_another_one_each_day_makes_no_other_text_of_it() -> None:
    assert ids([{**WORSE, "at": "3天前"}]) == ids([{**WORSE, "at": "4天前"}])


def test_the_only_one_there_can_be_is_the_same_when_its_words_change() -> None:
    assert ids(WORSE).keys() == ids(BACK).keys() == {"7", "7/reply-1"}


def test_what_an_earlier_version_knew_by_its_place_is_told_by_it_too() -> None:
    found = ObjectMapper(layout(ANSWERS), SourceConfig("论坛", "rest")).items(
        iter([("#7", {**ROW, "replies": [WORSE, BACK]})])
    )
    assert [item.former_places for item in found if isinstance(item, Record)] == [(), ("7/reply-",), ("7/reply-",)]


def test_what_two_roles_say_in_the_same_words_is_told_apart_by_them() -> None:
    mapper = ObjectMapper(layout('role_column = "type"\n'), SourceConfig("论坛", "rest"))

    def known(*roles: str) -> dict[str | None, str]:
        replies = [{"text": "好的", "type": role} for role in roles]
        found = mapper.items(iter([("#7", {**ROW, "replies": replies})]))
        return {item.source_id: item.role for item in found if isinstance(item, Record)}

    both = known("visitor", "owner")
    assert sorted(both.values()) == ["agent", "customer", "customer"]
    assert known("owner", "visitor") == both
    assert known("owner").items() < both.items()
