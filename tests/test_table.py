"""Table exports as records: whole rows per format and layout, ids, and the answer to an unknown layout."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from feedback.collectors.base import Item, Part, RawScore, Record, SourceConfig, Unreadable
from feedback.collectors.layout import builtin_layouts
from feedback.collectors.table import TableCollector
from feedback.errors import CollectError

PAYLOADS = Path(__file__).parent / "payloads" / "table"
HEADER = "product,content,creationtime"


def collect(path: Path, **config: object) -> list[Item]:
    source = SourceConfig("shop", "table", base=path.parent, **config)  # type: ignore[arg-type]
    return list(TableCollector().collect(Part(path.name, path), source))


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def star(value: str) -> RawScore:
    return RawScore("star", value, 1, 5)


def test_jsonp_of_jd_in_gbk_gives_reviews_their_follow_ups_and_the_replies() -> None:
    at = "jd_comments.json:#1."
    common = {"kind": "review", "channel": "京东", "product": "青禾手摇磨豆机"}
    first = {**common, "location": at + "1", "region": "广东"}
    assert collect(PAYLOADS / "jd_comments.json") == [
        Record(
            text="磨豆机声音不大，粉也细&hellip;&hellip;就是发货慢了两天",
            source_id="17000000000000001",
            posted_at="2026-02-03 09:10:11",
            scores=(star("4"),),
            **first,
        ),
        Record(
            text="用了半个月，开始漏粉了",
            source_id="17000000000000001/after",
            parent_id="17000000000000001",
            posted_at="2026-02-20 20:00:00",
            **first,
        ),
        Record(
            text="亲，给您添麻烦了，已为您补发清洁刷。",
            source_id="17000000000000001/reply-55",
            parent_id="17000000000000001",
            posted_at="2026-02-03 11:00:00",
            role="agent",
            **first,
        ),
        Record(
            text="此用户没有填写评价。",
            location=at + "2",
            source_id="17000000000000002",
            posted_at="2026-02-04 08:00:00",
            scores=(star("5"),),
            **common,
        ),
        Record(text="", location=at + "3", source_id="17000000000000003", posted_at="2026-02-05 08:00:00", **common),
    ]


def test_jsonp_of_tmall_gives_follow_ups_service_reviews_and_replies() -> None:
    common = {"kind": "review", "channel": "天猫", "product": "青禾拼配咖啡豆"}
    first = {**common, "location": "tmall_rates.json:#1.1", "parent_id": "900000000001"}
    second = {**common, "location": "tmall_rates.json:#1.2"}
    assert collect(PAYLOADS / "tmall_rates.json") == [
        Record(
            text="咖啡豆很香，但是包装袋破了",
            source_id="900000000001",
            posted_at="2026-02-10 10:00:00",
            **{**first, "parent_id": None},
        ),
        Record(text="客服补了一袋，态度不错", source_id="900000000001/after", **first),
        Record(text="抱歉给您带来不便", source_id="900000000001/reply", role="agent", **first),
        Record(text="一般", source_id="900000000002", posted_at="2026-02-11 10:00:00", **second),
        Record(
            text="问了三遍才回",
            source_id="900000000002/service",
            parent_id="900000000002",
            posted_at="2026-02-11 10:00:00",
            **second,
        ),
    ]


def test_posts_and_comments_of_a_crawler_keep_their_thread() -> None:
    note = "65f0a1b2c3d4e5f60718293a"
    common = {"kind": "post", "channel": "小红书"}
    assert collect(PAYLOADS / "xhs_note.csv") + collect(PAYLOADS / "xhs_comments.jsonl") == [
        Record(
            text="粉丝问的磨豆机来啦\n#咖啡 声音是真的大",
            location="xhs_note.csv:2",
            source_id=note,
            conversation_id=note,
            posted_at="1772000000000",
            customer="5ff0a1",
            region="上海",
            question="手冲入门第一台",
            votes="1.2万",
            **common,
        ),
        Record(  # no body: the title is the text
            text="这个壶嘴也太稳了",
            location="xhs_note.csv:4",
            source_id="65f0a1b2c3d4e5f60718293b",
            conversation_id="65f0a1b2c3d4e5f60718293b",
            posted_at="1772100000000",
            customer="5ff0a2",
            votes="3",
            **common,
        ),
        Record(
            text="求链接",
            location="xhs_comments.jsonl:1",
            source_id="66a1",
            conversation_id=note,
            posted_at="1772000100000",
            customer="5ff0b1",
            region="浙江",
            votes="2",
            **common,
        ),
        Record(
            text="我买的漏粉，避雷",
            location="xhs_comments.jsonl:2",
            source_id="66a2",
            parent_id="66a1",
            conversation_id=note,
            posted_at="1772000200000",
            customer="5ff0b2",
            votes="0",
            **common,
        ),
    ]


def test_stars_times_ten_become_stars_and_zero_none(tmp_path: Path) -> None:
    path = write(tmp_path, "m.csv", "user_id,comment,star_x10\n57321540,好吃,50\n1522,难等,35\n12,还没去,0\n9,贵,五\n")
    common = {"kind": "review", "channel": "点评"}
    assert collect(path) == [
        Record(text="好吃", location="m.csv:2", customer="57321540", scores=(star("5"),), **common),
        Record(text="难等", location="m.csv:3", customer="1522", scores=(star("3.5"),), **common),
        Record(text="还没去", location="m.csv:4", customer="12", **common),
        Record(text="贵", location="m.csv:5", customer="9", problems=("star score can't be read: 五",), **common),
    ]


def as_xlsx(rows: list[dict[str, object]], path: Path) -> None:
    from openpyxl import Workbook

    workbook = Workbook()
    workbook.active.title = "空"  # type: ignore[union-attr]
    sheet = workbook.create_sheet("数据")
    sheet.append(["评价导出"])  # a title above the header
    sheet.append(list(rows[0]))
    for row in rows:
        sheet.append(list(row.values()))
    workbook.save(path)


def as_parquet(rows: list[dict[str, object]], path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path, row_group_size=1)


def as_json(rows: list[dict[str, object]], path: Path) -> None:
    path.write_text(json.dumps(rows, default=str, ensure_ascii=False, indent=1), encoding="utf-8")


def as_wrapped_json(rows: list[dict[str, object]], path: Path) -> None:
    path.write_text("cb(" + json.dumps({"data": {"list": rows}}, default=str) + ");", encoding="utf-8")


def as_jsonl(rows: list[dict[str, object]], path: Path) -> None:
    path.write_text("\n".join(json.dumps(row, default=str) for row in rows), encoding="utf-8")


FORMATS: list[tuple[str, Callable[[list[dict[str, object]], Path], None], list[str]]] = [
    ("x.xlsx", as_xlsx, ["x.xlsx:3", "x.xlsx:4"]),
    ("x.parquet", as_parquet, ["x.parquet:1", "x.parquet:2"]),
    ("x.json", as_json, ["x.json:#1", "x.json:#2"]),
    ("x.txt", as_wrapped_json, ["x.txt:#1.1", "x.txt:#1.2"]),
    ("x.jsonl", as_jsonl, ["x.jsonl:1", "x.jsonl:2"]),
]
LAYOUT = """
name = "own"
kind = "review"
channel = "官网"
[columns]
text = "评价内容"
source_id = "编号"
posted_at = "时间"
store = "门店"
[[scores]]
metric = "star"
column = "星级"
low = 1
high = 5
"""


@pytest.mark.parametrize("name, save, places", FORMATS)
def test_every_format_gives_the_same_rows(
    tmp_path: Path, name: str, save: Callable[[list[dict[str, object]], Path], None], places: list[str]
) -> None:
    rows: list[dict[str, object]] = [
        {"编号": 100200300400, "评价内容": "很好\n很快", "时间": datetime(2026, 2, 3, 9, 5), "门店": "一店", "星级": 5},
        {"编号": 100200300401, "评价内容": "一般", "时间": datetime(2026, 2, 4), "门店": None, "星级": 3},
    ]
    save(rows, tmp_path / name)
    records = 'records = "data.list"\n' if save is as_wrapped_json else ""
    write(tmp_path, "own.toml", records + LAYOUT)
    common = {"kind": "review", "channel": "官网"}
    assert collect(tmp_path / name, layout="own.toml") == [
        Record(
            text="很好\n很快",
            location=places[0],
            source_id="100200300400",
            posted_at="2026-02-03 09:05:00",
            store="一店",
            scores=(star("5"),),
            **common,
        ),
        Record(
            text="一般",
            location=places[1],
            source_id="100200300401",
            posted_at="2026-02-04 00:00:00",
            scores=(star("3"),),
            **common,
        ),
    ]


OWN = """
name = "own"
kind = "ticket"
channel = "工单"
dates = "excel"
[columns]
text = ["正文", "标题"]
question = "标题"
product = { join = ["商品", "颜色"] }
role = "身份"
posted_at = "时间"
customer = "用户"
parent_id = "上级"
[roles]
"客户" = "customer"
"客服" = "agent"
[[drop]]
column = "状态"
values = ["已删除"]
[[scores]]
metric = "csat"
column = "满意"
low = 1
high = 5
values = { "满意" = 5, "不满意" = 1 }
"""


def test_a_layout_picks_joins_drops_translates_and_tells_roles(tmp_path: Path) -> None:
    write(tmp_path, "own.toml", OWN)
    path = write(
        tmp_path,
        "x.csv",
        "正文,标题,商品,颜色,身份,时间,用户,上级,状态,满意\n"
        "壶漏水了,漏水,壶,绿,客户,45241.5,甲**1,0,,满意\n"
        ",求发票,壶,无,客 户,,匿名用户,T1,,差\n"
        "已寄出,,,,客服,,小林,T1,,\n"
        "垃圾,,,,客户,,,,已删除,\n"
        "你好,,,,机器人,,,,,\n",
    )
    common = {"kind": "ticket", "channel": "工单"}
    found = collect(path, layout="own.toml", roles={"客服": "bot"}, store="总店")
    assert found == [
        Record(
            text="壶漏水了",
            location="x.csv:2",
            question="漏水",
            signed="甲**1",
            product="壶 绿",
            posted_at="2023-11-11 12:00:00",
            scores=(RawScore("csat", "5", 1, 5),),
            store="总店",
            **common,
        ),
        Record(
            text="求发票",
            location="x.csv:3",
            signed="匿名用户",
            product="壶",
            parent_id="T1",
            problems=("csat score is not among the `values` of layout own, so it can't be read: 差",),
            store="总店",
            **common,
        ),
        Record(text="已寄出", location="x.csv:4", role="bot", customer="小林", parent_id="T1", store="总店", **common),
        Unreadable("x.csv:6", "what '身份' says here is not in [roles] of layout own", "你好"),
    ]


VERSIONS = """
name = "app"
kind = "review"
channel = "应用"
[columns]
text = "评价"
source_id = "编号"
version = "版本"
votes = "点赞数"
[[texts]]
suffix = "after"
text = "追评"
"""


def test_versions_and_votes_come_as_they_are_written_and_a_follow_up_is_of_the_same_version(tmp_path: Path) -> None:
    write(tmp_path, "app.toml", VERSIONS)
    rows = "闪退,1,5.2.1,1.2万,好了\n好用,2,无,--,\n卡,3, 5.3 ,很多,\n"
    path = write(tmp_path, "x.csv", f"评价,编号,版本,点赞数,追评\n{rows}")
    common = {"kind": "review", "channel": "应用"}
    assert collect(path, layout="app.toml") == [
        Record(text="闪退", location="x.csv:2", source_id="1", version="5.2.1", votes="1.2万", **common),
        Record(text="好了", location="x.csv:2", source_id="1/after", parent_id="1", version="5.2.1", **common),
        Record(text="好用", location="x.csv:3", source_id="2", **common),
        Record(text="卡", location="x.csv:4", source_id="3", version="5.3", votes="很多", **common),
    ]


# The column that each layout of a platform reads the votes from, as the platform or its crawler names it.
VOTED = {
    "jd": "usefulVoteCount",
    "jd_flat": "usefulVoteCount",
    "xhs_note": "liked_count",
    "xhs_note_comment": "like_count",
    "douyin_aweme": "liked_count",
    "douyin_aweme_comment": "like_count",
    "weibo_note": "liked_count",
    "weibo_note_comment": "comment_like_count",
    "zhihu_content": "voteup_count",
}


def test_the_votes_of_each_platform_are_read(tmp_path: Path) -> None:
    layouts = {layout.name: layout for layout in builtin_layouts()}
    assert {name for name, layout in layouts.items() if "votes" in layout.columns} == set(VOTED)
    for name, column in VOTED.items():
        row = {**dict.fromkeys(layouts[name].header, "1"), column: 7}
        path = write(tmp_path, f"{name}.json", json.dumps({"comments": [row]} if name == "jd" else [row]))
        first = collect(path, layout=name)[0]
        assert isinstance(first, Record)
        assert (name, first.votes) == (name, "7")


def test_the_source_may_say_channel_and_kind(tmp_path: Path) -> None:
    path = write(tmp_path, "x.csv", f"{HEADER}\n壶,好,2024-01-01\n")
    (record,) = collect(path, channel="京东自营", kind="post")
    assert record == Record("好", "post", "京东自营", "x.csv:2", posted_at="2024-01-01", product="壶")


def test_an_unknown_layout_is_answered_with_one_to_edit_that_works(tmp_path: Path) -> None:
    path = write(tmp_path, "门店 评价.csv", "评价时间,评价内容,星级\n2026/2/3,好喝,5\n")
    with pytest.raises(CollectError) as caught:
        collect(path)
    message, _, layout = str(caught.value).partition("\n\n")
    assert message.splitlines()[:3] == [
        f"{path}: the layout of this file is not known. Its columns: 评价时间、评价内容、星级",
        "Save the lines below as 门店_评价.layout.toml, correct the guesses, and collect again with",
        "    --layout 门店_评价.layout.toml",
    ]
    write(tmp_path, "门店_评价.layout.toml", layout)
    assert collect(path, layout="门店_评价.layout.toml") == [
        Record("好喝", "review", "电商", "门店 评价.csv:2", posted_at="2026/2/3", scores=(star("5"),))
    ]


def test_an_unknown_json_file_is_shown_where_its_records_lie(tmp_path: Path) -> None:
    path = write(
        tmp_path, "x.json", '{"ok":true,"data":{"list":[{"正文":"好","user":{"id":1}},{"正文":"差"}],"page":[{"n":1}]}}'
    )
    with pytest.raises(CollectError) as caught:
        collect(path)
    message, _, layout = str(caught.value).partition("\n\n")
    assert message.splitlines()[0].endswith("Its columns: 正文、user.id")
    assert 'records = "data.list"\n' in layout
    write(tmp_path, "own.toml", layout)
    assert [item.text for item in collect(path, layout="own.toml") if isinstance(item, Record)] == ["好", "差"]


def test_a_layout_that_does_not_fit_names_what_is_missing(tmp_path: Path) -> None:
    path = write(tmp_path, "x.csv", f"{HEADER}\n壶,好,2024-01-01\n")
    with pytest.raises(CollectError) as caught:
        collect(path, layout="star_comments")
    assert str(caught.value) == (
        f"{path} lacks user_id, comment, star_x10, which layout 'star_comments' needs. Its columns: product, content, "
        "creationtime. Correct the layout, or leave it out to have it recognised."
    )
