"""Collector rest, from page to page: what says where the next one is and is not there, lists that change while they are read."""

from collections.abc import Callable
from pathlib import Path

import pytest
from command import run
from test_live_hostile import project
from test_rest import ROWS, fault, ids, pages, row, visit
from wire import Asked, Reply, wire

from feedback.collectors.live.mapped import fields_near, is_there
from feedback.collectors.rest import RestCollector
from feedback.errors import CollectError

BY_CURSOR: dict[str, object] = {"type": "cursor", "cursor": "next"}
CURSOR: dict[str, object] = {"records": "items", "pages": BY_CURSOR}
IF_MORE = "if there are more pages than one,"
ONLY: dict[str, tuple[dict[str, object], Reply, str]] = {
    "cursor": (
        CURSOR,
        Reply({"items": ROWS, "nxt": "a"}),
        f"'next' was in no answer: {IF_MORE} [pages] cursor names the wrong field. It has: items, nxt.",
    ),
    "cursor inside an object": (
        {"records": "data.items", "pages": {"type": "cursor", "cursor": "data.next"}},
        Reply({"data": {"items": ROWS, "nxt": "a"}, "ok": True}),
        f"'data.next' was in no answer: {IF_MORE} [pages] cursor names the wrong field. It has: data.items, data.nxt.",
    ),
    "next": (
        {"records": "items", "pages": {"type": "next", "cursor": "next"}},
        Reply({"items": ROWS, "nxt": "/v1?page=2"}),
        f"'next' was in no answer: {IF_MORE} [pages] cursor names the wrong field. It has: items, nxt.",
    ),
    "more": (
        {"records": "items", "pages": {"type": "page", "more": "has_more"}},
        Reply({"items": ROWS, "hasMore": True}),
        f"'has_more' was in no answer: {IF_MORE} [pages] more names the wrong field. It has: items, hasMore.",
    ),
    "last": (
        {"records": "items", "pages": {"type": "cursor", "cursor": "next", "last": "is_end"}},
        Reply({"items": ROWS, "next": None, "isEnd": True}),
        f"'is_end' was in no answer: {IF_MORE} [pages] last names the wrong field. It has: items, next, isEnd.",
    ),
    "link": (
        {"pages": {"type": "link"}},
        Reply(ROWS),
        f'no answer had a Link header: {IF_MORE} [pages] type = "link" is not how they are found.',
    ),
    "cursor of a list": (
        {"pages": {"type": "cursor", "cursor": "next"}},
        Reply(ROWS),
        f"'next' was in no answer: {IF_MORE} [pages] cursor names the wrong field. It has no names: it is a list.",
    ),
}


@pytest.mark.parametrize("way", ONLY)
def test_what_says_where_the_next_page_is_and_was_in_no_answer_is_told_at_the_first_run_alone(way: str) -> None:
    section, answer, note = ONLY[way]
    [page], _ = pages(section, lambda _asked: answer)
    assert (len(page.items), page.notes) == (7, (note,))
    [again], _ = pages(section, lambda _asked: answer, page.state)
    assert again.notes == ()


def test_a_page_as_full_as_was_asked_for_and_nothing_to_go_on_by_is_told_at_every_run() -> None:
    section = {**CURSOR, "pages": {**BY_CURSOR, "size_parameter": "limit", "size": 7}}
    _, answer, note = ONLY["cursor"]
    [page], _ = pages(section, lambda _asked: answer)
    [again], _ = pages(section, lambda _asked: answer, page.state)
    assert (page.notes, again.notes) == ((note,), (note,))


ENDS: dict[str, tuple[dict[str, object], Callable[[Asked], Reply]]] = {
    "nothing yet": (CURSOR, lambda _asked: Reply({"items": []})),
    "it says that there is none": (CURSOR, lambda _asked: Reply({"items": ROWS, "next": None})),
    "where it would be is empty": (
        {"records": "items", "pages": {"type": "cursor", "cursor": "paging.next"}},
        lambda _asked: Reply({"items": ROWS, "paging": {}}),
    ),
    "it is left out on the last page": (
        CURSOR,
        lambda asked: Reply({"items": ROWS[5:]} if asked.query else {"items": ROWS[:5], "next": "a"}),
    ),
    "a link to the first page": (
        {"pages": {"type": "link"}},
        lambda _asked: Reply(ROWS, headers={"Link": '</v1>; rel="first"'}),
    ),
}


@pytest.mark.parametrize("how", ENDS)
def test_an_end_that_an_interface_may_well_mean_is_not_spoken_of(how: str) -> None:
    section, answer = ENDS[how]
    found, _ = pages(section, answer)
    assert [page.notes for page in found] == [()] * len(found)


def test_a_run_that_goes_on_at_the_last_page_does_not_miss_what_earlier_ones_had() -> None:
    answer = ENDS["it is left out on the last page"][1]
    first = pages(CURSOR, answer)[0][0]
    [rest], _ = pages(CURSOR, answer, first.state)
    assert (ids([rest]), rest.notes) == (["6", "7"], ())


def test_whoever_collects_reads_that_the_next_page_may_have_another_name(tmp_path: Path) -> None:
    items = [{"id": "a", "text": "等位太久"}]
    with wire(lambda _asked: Reply({"items": items, "nxt": "b"})) as web:
        project(tmp_path, f"{web.url}/v1")
        assert run("collect", project=tmp_path).out.splitlines() == ["live: 1 new", f"  {ONLY['cursor'][2]}"]
        assert run("collect", project=tmp_path).out.splitlines() == ["live: 0 new, 1 already there"]


class Shrinking:
    """A list by offset or by page, from which `gone` records at the beginning are taken away after the first page."""

    def __init__(self, count: int, size: int, gone: int) -> None:
        self.rows = [{"id": number, "body": f"第{number}条"} for number in range(1, count + 1)]
        self.size, self.gone = size, gone

    def answer(self, asked: Asked) -> Reply:
        start = self.size * (int(asked.query["page"]) - 1) if "page" in asked.query else int(asked.query["offset"])
        reply = Reply(self.rows[start : start + self.size])
        self.rows, self.gone = self.rows[self.gone :], 0
        return reply


@pytest.mark.parametrize(
    ("count", "size", "gone"),
    [
        *[(7, 3, 1), (6, 3, 1), (4, 3, 1), (40, 20, 2), (300, 100, 10), (3, 3, 1), (9, 2, 1)],
        *[(7, 3, 3), (40, 20, 5), (40, 20, 20), (300, 100, 60), (25, 20, 19)],
    ],
)
def test_records_that_are_removed_while_a_list_is_read_by_offset_push_none_of_the_others_past(
    count: int, size: int, gone: int
) -> None:
    found, _ = pages({"pages": {"type": "offset"}}, Shrinking(count, size, gone).answer)
    assert ids(found) == [str(number) for number in range(1, count + 1)]


@pytest.mark.parametrize(("count", "size"), [(0, 3), (1, 3), (3, 1), (4, 2), (6, 3), (7, 3), (250, 100)])
def test_a_list_by_offset_that_stays_gives_each_record_once(count: int, size: int) -> None:
    found, web = pages({"pages": {"type": "offset"}}, Shrinking(count, size, 0).answer)
    assert ids(found) == [str(number) for number in range(1, count + 1)]
    assert len({asked.query["offset"] for asked in web.asked}) == len(web.asked)


@pytest.mark.parametrize(
    ("count", "size", "gone"), [(7, 3, 1), (7, 3, 3), (6, 3, 1), (4, 3, 1), (40, 20, 20), (3, 3, 1), (9, 2, 2)]
)
def test_records_that_are_removed_while_a_list_is_read_by_page_push_none_of_the_others_past(
    count: int, size: int, gone: int
) -> None:
    found, _ = pages({"pages": {"type": "page"}}, Shrinking(count, size, gone).answer)
    assert sorted(map(int, ids(found))) == list(range(1, count + 1))


@pytest.mark.parametrize(("count", "size"), [(0, 3), (1, 3), (3, 1), (4, 2), (6, 3), (7, 3)])
def test_a_list_by_page_that_stays_gives_each_record_once(count: int, size: int) -> None:
    found, _ = pages({"pages": {"type": "page"}}, Shrinking(count, size, 0).answer)
    assert ids(found) == [str(number) for number in range(1, count + 1)]


def refusing(status: int, count: int, size: int, gone: int = 0) -> Callable[[Asked], Reply]:
    """A list by page that refuses pages which are not there, as some interfaces do."""
    shrinking = Shrinking(count, size, gone)

    def answer(asked: Asked) -> Reply:
        is_there = asked.query["page"] == "1" or (int(asked.query["page"]) - 1) * size < len(shrinking.rows)
        return shrinking.answer(asked) if is_there else Reply({"detail": "Invalid page."}, status)

    return answer


@pytest.mark.parametrize(
    ("status", "count", "size", "gone"),
    [(404, 6, 3, 0), (404, 7, 3, 0), (404, 2, 3, 0), (404, 4, 3, 1), (400, 7, 3, 0), (400, 4, 3, 1)],
)
def test_a_page_that_is_refused_after_the_last_one_ends_the_list(status: int, count: int, size: int, gone: int) -> None:
    sized = {"type": "page", "size_parameter": "size", "size": size + (gone > 0 and status == 400)}
    found, _ = pages({"pages": sized}, refusing(status, count, size, gone))
    assert sorted(map(int, ids(found))) == list(range(1, count + 1))


def test_a_page_that_is_refused_after_a_full_one_may_be_as_far_as_the_interface_goes() -> None:
    assert "/v1 refuses (400)" in fault({"pages": {"type": "page"}}, refusing(400, 6, 3))


def test_a_page_is_asked_for_from_a_tenth_before_the_end_of_the_last_one() -> None:
    _, web = pages({"pages": {"type": "offset"}}, Shrinking(250, 100, 0).answer)
    assert [asked.query["offset"] for asked in web.asked] == ["0", "90", "180", "243", "250"]


def test_the_same_next_page_again_is_told_with_the_parameter_it_was_asked_by() -> None:
    said = fault(
        {**CURSOR, "pages": {**BY_CURSOR, "parameter": "after"}},
        lambda _asked: Reply({"items": [row(1)], "next": "a"}),
    )
    assert said.endswith(
        "/v1 gives the same next page again and again. It was asked for by 'after': the interface may call that otherwise ([pages] parameter)."
    )


def test_where_the_list_has_another_name_inside_an_object_it_is_no_empty_list() -> None:
    section = {"records": "data.items"}
    assert fault(section, lambda _asked: Reply({"data": {"total": 7, "records": ROWS}})) == (
        "source '工单': 'records' names 'data.items', which the answer does not have. It has: data.total, data.records."
    )


@pytest.mark.parametrize("data", [None, [], {}, {"items": None}, {"total": 0}, {"total": 0, "tags": []}])
def test_a_list_that_is_left_out_of_its_object_where_there_is_no_other_is_empty(data: object) -> None:
    assert ids(pages({"records": "data.items"}, lambda _asked: Reply({"data": data}))[0]) == []


@pytest.mark.parametrize("records", ["data.items", "items", ""])
def test_a_list_that_is_written_as_an_object_is_read_as_the_list_it_is(records: str) -> None:
    def shown(found: object) -> Reply:
        for key in reversed(records.split(".") if records else []):
            found = {key: found}
        return Reply(found)

    section: dict[str, object] = {"records": records} if records else {}
    assert ids(pages(section, lambda _asked: shown({"0": row(1), "2": row(3)}))[0]) == ["1", "3"]  # array_filter

    def paged(asked: Asked) -> Reply:  # PHP's empty array, Lua's empty table
        return shown(ROWS if asked.query["page"] == "1" else {})

    assert ids(pages({**section, "pages": {"type": "page"}}, paged)[0]) == [str(number) for number in range(1, 8)]
    if records:
        assert ids(pages(section, lambda _asked: shown({}))[0]) == []


def test_an_answer_that_is_an_empty_object_is_no_list_where_no_list_was_before() -> None:
    assert fault({}, lambda _asked: Reply({})) == (
        "source '工单': the answer is no list: say where it is by 'records'. Has the interface changed? It has: nothing."
    )


def test_an_object_that_is_no_list_is_told_with_what_is_in_it() -> None:
    section = {"records": "data.items"}
    for found, has in (
        ({"id": 1, "body": "好"}, "data.items.id, data.items.body"),
        ({"7": "好", "8": "慢"}, "data.items.7, data.items.8"),
    ):
        assert fault(section, lambda _asked, found=found: Reply({"data": {"items": found}})) == (
            f"source '工单': 'data.items' of the answer is no list. Has the interface changed? It has: {has}."
        )
    assert fault(section, lambda _asked: Reply({})) == (
        "source '工单': 'records' names 'data.items', which the answer does not have. It has: nothing."
    )


def test_a_name_of_the_list_that_the_answer_does_not_have_is_told() -> None:
    assert fault({"records": "itms"}, lambda _asked: Reply({"items": ROWS, "next": None})) == (
        "source '工单': 'records' names 'itms', which the answer does not have. It has: items, next."
    )
    assert fault({"records": "items"}, lambda _asked: Reply({"items": 7, "next": None})) == (
        "source '工单': 'items' of the answer is no list. Has the interface changed? It has: items, next."
    )


WRONG = {
    "pages": ("page", 'must be a table: pages = { type = "page", parameter = "page" }.'),
    "since": ("updated_at", 'must be a table: since = { column = "updated_at", parameter = "updated_since" }.'),
    "columns": ("body", 'must be a table: columns = { text = "body" }.'),
}


@pytest.mark.parametrize("key", WRONG)
def test_what_is_no_table_is_told_with_one(key: str) -> None:
    value, said = WRONG[key]
    with pytest.raises(CollectError) as error:
        RestCollector().streams(visit({"url": "https://shop.example", "columns": {"text": "body"}, key: value}))
    assert str(error.value) == f"source '工单': [{key}] {said}"


def test_where_no_field_holds_the_text_one_is_named() -> None:
    for columns in ({}, {"source_id": "id"}, {"text": ""}):
        with pytest.raises(CollectError) as error:
            RestCollector().streams(visit({"url": "https://shop.example", "columns": columns}))
        assert (
            str(error.value)
            == "source '工单': [columns] must say which field holds the text: columns = { text = \"body\" }."
        )


@pytest.mark.parametrize(
    ("path", "there"),
    [("a", True), ("a.b", True), ("a.c", False), ("a.b.c", False), ("n.x.y", True), ("e.x", True), ("l.x", True), ("d.o", True), ("z", False), ("z.a", False)],
)  # fmt: skip
def test_a_path_is_there_where_its_key_is_or_nothing_is_that_could_hold_it(path: str, there: bool) -> None:
    assert is_there({"a": {"b": 1}, "n": None, "e": {}, "l": [], "d.o": 1}, path) is there


def test_the_names_beside_a_wrong_one_are_those_of_the_object_it_was_looked_for_in() -> None:
    value: dict[str, object] = {"data": {"page": {"nxt": 1}, "rows": []}, "ok": 1}
    assert [fields_near(value, path) for path in ("next", "data.next", "data.page.next", "ok.next")] == [
        "data, ok",
        "data.page, data.rows",
        "data.page.nxt",
        "data, ok",
    ]
    assert len(fields_near({"名" * 50 + str(n): 1 for n in range(9)}, "x")) == 200
