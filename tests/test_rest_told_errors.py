"""Collector rest: errors that are told with status 200, and empty lists that are none."""

from collections.abc import Callable

import pytest
from test_rest import fault, ids, pages, row
from wire import Asked, Reply

SECTION: dict[str, object] = {"records": "data.items", "pages": {"type": "page"}}


def paged(*answers: dict[str, object]) -> Callable[[Asked], Reply]:
    """One answer a page, and beyond the end the last."""
    return lambda asked: Reply(answers[min(int(asked.query["page"]), len(answers)) - 1])


def error(section: dict[str, object], answer: Callable[[Asked], Reply]) -> str:
    """What the answer tells of, as the run says; without how to say that it is none."""
    where, _, told = fault(section, answer).partition(": the answer tells of an error: ")
    assert where == "source '工单'"
    return told.partition(". If that is none, write no_errors = [")[0]


# In the wild: JSend, GraphQL, 聚合数据, 高德, FastAdmin, Spring, 微信, TikTok; the rest as people write them.
ERRORS: list[tuple[dict[str, object], str]] = [
    ({"status": "error", "message": "upstream timeout", "data": None}, "upstream timeout"),
    ({"status": "fail", "data": {"token": "expired"}}, "'status' is \"fail\""),
    ({"errors": [{"message": "rate limited"}], "data": None}, "rate limited"),
    ({"errors": ["a", "b"], "data": None}, "a"),
    ({"errors": {"since": ["is no date"]}, "data": None}, '{"since": ["is no date"]}'),
    ({"error": "token expired", "data": None}, "token expired"),
    ({"error": "token expired"}, "token expired"),
    ({"error": {"code": "access_token_invalid", "message": "", "log_id": "7"}, "data": {}}, '{"code": "access_token_invalid", "message": "", "log_id": "7"}'),
    ({"error": 1, "msg": "系统繁忙", "data": None}, "系统繁忙"),
    ({"error": True, "data": None}, "'error' is true"),
    ({"reason": "超过每日可允许请求次数!", "result": None, "error_code": 10012, "data": None}, "10012 超过每日可允许请求次数!"),
    ({"status": "0", "info": "DAILY_QUERY_OVER_LIMIT", "data": None}, "DAILY_QUERY_OVER_LIMIT"),
    ({"code": 0, "msg": "请登录后操作", "data": None}, "请登录后操作"),
    ({"code": 9, "msg": "半个\ud83d字\n符", "data": None}, "9 半个�字 符"),
    ({"code": 1, "msg": "参数不对", "data": None}, "1 参数不对"),
    ({"code": 50001, "msg": "频率超限", "data": None}, "50001 频率超限"),
    ({"code": 50001, "desc": "太快了", "data": None}, "50001 太快了"),
    ({"code": 50001, "msg": "太快了", "data": []}, "50001 太快了"),
    ({"code": 50001, "msg": "太快了", "data": {"items": []}}, "50001 太快了"),
    ({"errcode": "40014", "errmsg": "token expired", "data": {}}, "40014 token expired"),
    ({"success": False, "message": "稍后再试", "data": []}, "稍后再试"),
    ({"success": 0, "data": None}, "'success' is 0"),
    ({"data": {}, "result": "fail", "msg": "没成功"}, "没成功"),
    ({"data": {"error": "maintenance"}}, "maintenance"),
    ({"data": {"items": [], "error": "maintenance"}}, "maintenance"),
    ({"data": {"errors": [{"message": "maintenance"}]}}, "maintenance"),
    ({"data": None, "status": 500, "error": "Internal Server Error"}, "500 Internal Server Error"),
    ({"data": None, "ret": -1, "info": "x"}, "-1 x"),
    ({"code": 403, "message": "没有数据权限", "data": None}, "403 没有数据权限"),
    ({"code": 0, "message": "操作未成功：无权限", "data": None}, "操作未成功：无权限"),
]  # fmt: skip

ENDS: list[dict[str, object]] = [
    {"code": 200, "msg": "success", "data": None},
    {"code": 1, "msg": "获取成功", "data": []},
    {"code": 1, "msg": "查好了", "data": {"items": []}},
    {"code": 10000, "msg": "Success.", "data": None},
    {"code": "A0000", "message": "请求成功(ok)", "data": {}},
    {"code": 404, "msg": "暂无数据", "data": None},
    {"code": 0, "msg": "没有更多数据了", "data": None},
    {"code": 20, "msg": "No more records", "data": {"items": []}},
    {"success": False, "message": "No data found", "data": None},
    {"status": "success", "data": {"items": []}},
    {"status": 1, "info": "OK", "infocode": "10000", "data": []},
    {"error": None, "errors": [], "data": {"items": None}},
    {"error": {"code": "ok", "message": "", "log_id": "2026"}, "data": {}},
    {"error": 0, "reason": "success", "data": {}},
    {"error": "no errors", "data": []},
    {"error": False, "success": True, "data": {"total": 0}},
    {"errcode": 0, "errmsg": "ok", "data": None},
    {"errno": 0, "errmsg": "", "data": {"count": 0, "data": []}},
    {"status": "open", "title": "投诉：维护权限", "data": {"items": []}},
    {"message": "欢迎", "data": None},
    {"code": 1, "msg": "已经是最后一页", "data": []},
    {"code": 100, "msg": "查询成功，共0条", "data": []},
    {"code": 10000, "msg": "请求成功，余额12", "data": []},
    {"code": 2, "message": "该商品暂无评价", "data": []},
    {"code": "A00000", "message": "", "data": []},
    {"code": "10000", "msg": "SUCCESS", "data": []},
    {"code": "SURVEY1", "message": "no data", "data": []},
    {"code": 200, "message": "授权店铺暂无评价", "data": []},
    {"status": "ok", "info": "rate limit: 59/60 left", "data": {"items": []}},
]


@pytest.mark.parametrize(("answer", "says"), ERRORS)
@pytest.mark.parametrize("beside", [{}, {"code": 0, "msg": "ok", "status": "success"}])
def test_an_error_told_with_status_200_ends_the_run_on_any_page(
    answer: dict[str, object], says: str, beside: dict[str, object]
) -> None:
    fine = {**beside, "data": {"items": [row(1)]}}
    for shown in (paged(answer), paged(fine, answer)):
        assert error(SECTION, shown) == says


@pytest.mark.parametrize("answer", ENDS)
def test_an_empty_list_with_the_words_of_success_is_an_end_on_any_page(answer: dict[str, object]) -> None:
    assert ids(pages(SECTION, paged(answer))[0]) == []
    assert ids(pages(SECTION, paged({"data": {"items": [row(1)]}}, answer))[0]) == ["1"]


# Where a list was due, the answer has an object with nothing in it: it may be a list that is empty.
OBJECTS: list[tuple[dict[str, object], str]] = [
    ({"code": 0, "msg": "签名错误"}, "签名错误"),
    ({"status": 0, "info": "签名错误"}, "签名错误"),
    ({"ret": -1}, "'ret' is -1"),
    ({"code": -1, "message": ""}, "'code' is -1"),
    ({"code": 403}, "'code' is 403"),
    ({"code": "E1001"}, "'code' is \"E1001\""),
    ({"code": "半\ud83d"}, "'code' is \"半�\""),
    ({"code": 1, "info": "非法请求"}, "1 非法请求"),
    ({"result": "签名无效"}, "'result' is \"签名无效\""),
]
EMPTY_OBJECTS: list[dict[str, object]] = [
    {},
    {"code": 0},
    {"code": 0, "msg": "success"},
    {"code": 200, "msg": ""},
    {"code": 404, "msg": "暂无数据"},
    {"code": 7, "msg": "查询成功"},
    {"ret": "SUCCESS::调用成功"},
    {"code": "NO_DATA"},
    {"status": 1, "result": "done"},
]


@pytest.mark.parametrize(("answer", "says"), OBJECTS)
@pytest.mark.parametrize("beside", [{}, {"code": 0, "msg": "ok", "status": 1, "ret": 0}])
def test_an_object_with_nothing_in_it_is_no_empty_list_where_the_answer_speaks_of_an_error(
    answer: dict[str, object], says: str, beside: dict[str, object]
) -> None:
    section = {**SECTION, "records": "data"}
    for shown in (paged({**answer, "data": {}}), paged({**beside, "data": [row(1)]}, {**answer, "data": {}})):
        assert error(section, shown) == says


@pytest.mark.parametrize("answer", EMPTY_OBJECTS)
def test_an_object_with_nothing_in_it_is_an_empty_list_where_nothing_speaks_of_an_error(
    answer: dict[str, object],
) -> None:
    section = {**SECTION, "records": "data"}
    for before in ([], [{**answer, "data": {"0": row(1)}}]):
        assert ids(pages(section, paged(*before, {**answer, "data": {}}))[0]) == ["1"][: len(before)]


# As they stand beside records, and with an empty list after them.
SAID: list[tuple[dict[str, object], dict[str, object]]] = [
    ({"code": 1, "msg": "给你"}, {"code": 1, "msg": "给你"}),
    ({"code": 7, "msg": "共 1 条"}, {"code": 7, "msg": "共 0 条"}),
    ({"code": "S-1", "msg": "OK"}, {"code": "S-1", "msg": "完"}),
    ({"code": 1, "msg": "ok"}, {"code": 0, "msg": "没有更多了"}),
    ({"ret": 1}, {"ret": 0}),
    ({"code": 0, "msg": "ok"}, {"code": 1, "msg": "已经是最后一页"}),
    ({"success": False}, {"success": False}),
    ({"status": "failed"}, {"status": "failed"}),
    ({"errors": [{"message": "'total' is deprecated"}]}, {"errors": [{"message": "'total' is deprecated"}]}),
]


@pytest.mark.parametrize(("full", "empty"), SAID)
@pytest.mark.parametrize("data", [None, [], {"items": []}])
def test_what_stands_beside_records_is_no_error_beside_an_empty_list(
    full: dict[str, object], empty: dict[str, object], data: object
) -> None:
    answer = paged({**full, "data": {"items": [row(1)]}}, {**empty, "data": data})
    assert ids(pages(SECTION, answer)[0]) == ["1"]


@pytest.mark.parametrize(
    ("full", "empty", "says", "way_out"),
    [
        ({"code": 1, "msg": "ok"}, {"code": 0, "msg": "参数不对"}, "0 参数不对", '"0"'),
        ({"code": 0}, {"code": 1}, "'code' is 1", '"1"'),
        ({"code": 200, "msg": "ok"}, {"code": 1, "msg": "参数不对"}, "1 参数不对", '"1"'),
        ({"status": "1", "info": "OK"}, {"status": "0", "info": "INVALID_USER_SCODE"}, "INVALID_USER_SCODE", ""),
    ],
)
@pytest.mark.parametrize("data", [None, {"items": []}])
def test_another_code_than_beside_records_is_an_error(
    full: dict[str, object], empty: dict[str, object], says: str, way_out: str, data: object
) -> None:
    answer = paged({**full, "data": {"items": [row(1)]}}, {**empty, "data": data})
    hint = f". If that is none, write no_errors = [{way_out}]" if way_out else ""
    assert fault(SECTION, answer) == f"source '工单': the answer tells of an error: {says}{hint}"


# No error, as whoever knows the interface can say alone.
FALSE_ALARMS: list[tuple[dict[str, object], str, str]] = [
    ({"code": "SURVEY1", "message": "nobody has answered", "data": {"items": []}}, "SURVEY1 nobody has answered", "SURVEY1"),
    ({"code": "半\ud83d\"", "message": "尚无人作答", "data": {"items": []}}, '半�" 尚无人作答', '半�\\"'),
    ({"code": 7, "message": "尚无人作答", "data": None}, "7 尚无人作答", "7"),
    ({"success": False, "message": "尚无人作答", "data": {"items": []}}, "尚无人作答", "尚无人作答"),
    ({"error": "nobody has answered", "data": {"items": []}}, "nobody has answered", "nobody has answered"),
    ({"errors": [{"message": "Nobody has answered"}], "data": {"items": []}}, "Nobody has answered", "Nobody has answered"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "says", "way_out"), FALSE_ALARMS)
def test_what_may_be_no_error_is_told_with_the_setting_that_says_so(
    answer: dict[str, object], says: str, way_out: str
) -> None:
    said = f"source '工单': the answer tells of an error: {says}. If that is none, write no_errors = [\"{way_out}\"]"
    assert fault(SECTION, paged(answer)) == said
    if "�" in way_out:
        return
    section = {**SECTION, "no_errors": [way_out]}
    assert ids(pages(section, paged(answer))[0]) == []
    assert ids(pages(section, paged({"code": 0, "data": {"items": [row(1)]}}, answer))[0]) == ["1"]


def test_the_setting_is_for_what_it_names_alone() -> None:
    expired: dict[str, object] = {"code": 40014, "msg": "token expired", "data": []}
    for named in (["SURVEY1"], ["token"], ["4001"]):
        said = fault({**SECTION, "no_errors": named}, paged(expired))
        assert said == "source '工单': the answer tells of an error: 40014 token expired"
    assert ids(pages({**SECTION, "no_errors": "Token Expired"}, paged(expired))[0]) == []


def test_a_list_under_another_name_is_no_error_but_a_wrong_name() -> None:
    said = fault(SECTION, lambda _asked: Reply({"code": 7, "msg": "给你", "rows": [row(1)]}))
    assert (
        said == "source '工单': 'records' names 'data.items', which the answer does not have. It has: code, msg, rows."
    )
