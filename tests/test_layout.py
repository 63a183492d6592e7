"""Layouts: the built-in ones, how a file's is recognised, what a wrong one is told, and the one suggested."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.collectors.column_names import guess_columns
from feedback.collectors.layout import (
    COLUMN_FIELDS,
    Layout,
    Pick,
    ScoreColumn,
    builtin_layouts,
    fold,
    load_layout,
    parse_layout,
    recognise,
)
from feedback.collectors.suggest import suggest_layout
from feedback.errors import CollectError

MINIMAL = 'name = "shop"\nkind = "review"\nchannel = "官网"\n[columns]\ntext = "评价"\n'

HEADERS = [
    ("wjx", "序号,提交答卷时间,所用时间,来源,来源详情,来自IP,1、您的建议"),
    ("wj_qq", "编号,开始答题时间,结束答题时间,答题时长,地理位置国家和地区,地理位置省,地理位置市,自定义字段,1.您的建议"),
    ("wjw", "答题序号,开始时间,结束时间,答题时长,IP省份,Q1_您的建议"),
    ("flat_reviews", "product,content,creationtime,location,productcolor"),
    ("flat_reviews", "location,content,extra,CreationTime, PRODUCT "),  # other order, case, spaces, one more
    ("star_comments", "user_id,comment,star_x10"),
    ("jd_flat", "id,content,creationTime,score,nickname,referenceName,product"),  # fits flat_reviews too: fewer columns
    ("xhs_note", "note_id,type,title,desc,time,last_update_time,liked_count,tag_list,note_url,source_keyword"),
    ("xhs_note_comment", "comment_id,create_time,note_id,content,sub_comment_count,parent_comment_id,like_count"),
    ("douyin_aweme", "aweme_id,title,desc,create_time,liked_count,comment_count,aweme_url"),
    ("douyin_aweme_comment", "comment_id,aweme_id,content,create_time,parent_comment_id,like_count"),
    ("weibo_note", "note_id,content,create_time,create_date_time,liked_count,comments_count,shared_count,note_url"),
    ("weibo_note_comment", "comment_id,note_id,content,create_time,comment_like_count"),
    ("tieba_comment", "comment_id,parent_comment_id,content,publish_time,tieba_name,note_id"),
    ("zhihu_content", "content_id,content_type,content_text,content_url,question_id,title,created_time,voteup_count"),
    (None, "评价时间,评价内容,星级"),
    (None, "序号,内容"),
]


@pytest.mark.parametrize("name, header", HEADERS)
def test_a_layout_is_recognised_by_its_columns(name: str | None, header: str) -> None:
    flat = [layout for layout in builtin_layouts() if not layout.records]
    found = recognise(lambda _: header.split(","), flat)
    assert (found.name if found else None) == name


def test_full_width_forms_spaces_case_and_marks_do_not_matter() -> None:
    assert fold("\ufeff １、 您的建议（选填）") == fold("1、您的建议(选填)")
    assert fold("Creation Time") == fold("creationtime")


def test_two_layouts_that_fit_equally_are_a_question_to_the_user() -> None:
    layouts = [parse_layout(MINIMAL.replace("shop", name), name) for name in ("b", "a")]
    with pytest.raises(CollectError) as caught:
        recognise(lambda _: ["评价"], layouts)
    assert str(caught.value) == (
        'The columns fit two layouts, a and b. Say which: `--layout a`, or `layout = "a"` in feedback.toml.'
    )


def test_every_built_in_layout_is_named_as_its_file_and_has_a_title() -> None:
    names = [layout.name for layout in builtin_layouts()]
    assert len(names) == len(set(names)) == 16
    for layout in builtin_layouts():
        assert load_layout(layout.name, Path()) == layout
        assert layout.title != layout.name
        assert layout.survey or "text" in layout.columns


def test_a_layout_file_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text(
        """
name = "shop"
title = "官网后台"
kind = "review"
channel = "官网"
dates = "excel"
records = ["data.list", "rows"]
header = ["评价", "星"]

[columns]
text = ["评价", "标题"]
product = { join = ["商品", "颜色"] }
store = ""
role = "身份"

[[scores]]
metric = "star"
column = "星"
low = 1
high = 5
divide = 10
none = ["0"]
values = { "五 星" = 5 }

[[texts]]
suffix = "after"
text = "追评"

[[drop]]
column = "状态"
values = ["已删除"]

[roles]
"商 家" = "agent"
""",
        encoding="utf-8-sig",
    )
    layout = load_layout("my.toml", tmp_path)
    assert layout.columns == {
        "text": Pick(("评价", "标题")),
        "product": Pick(("商品", "颜色"), join=True),
        "role": Pick(("身份",)),
    }
    assert layout.scores == (ScoreColumn("star", "星", 1, 5, 10, {"五星": 5}, ("0",)),)
    assert (layout.header, layout.records, layout.excel_dates) == (("评价", "星"), ("data.list", "rows"), True)
    assert layout.roles == {"商家": "agent"}
    assert (layout.drop[0].column, layout.drop[0].values) == ("状态", ("已删除",))
    assert (layout.texts[0].suffix, layout.texts[0].text) == ("after", Pick(("追评",)))


def test_without_a_header_every_named_column_is_required() -> None:
    layout = parse_layout(MINIMAL + 'posted_at = ["时间", "日期"]\n', "shop.toml")
    assert layout.header == ("评价", "时间", "日期")
    assert layout.missing(["评价", "时间"]) == ["日期"]


WRONG = [
    ("name = ", "x.toml is not valid TOML: Invalid value (at end of document)"),
    ('name = "x"', 'x.toml: [columns] must say which column holds the text: text = "评论内容".'),
    (MINIMAL.replace("评价", ""), 'x.toml: [columns] must say which column holds the text: text = "评论内容".'),
    (
        MINIMAL.replace("review", "rewiev"),
        "x.toml: 'kind' must be one of review, chat, survey, post, ticket, not 'rewiev'.",
    ),
    (MINIMAL.replace('channel = "官网"\n', ""), "x.toml: 'channel' is missing."),
    (MINIMAL + 'texte = "b"\n', f"x.toml, [columns]: unknown 'texte'. Known: {', '.join(sorted(COLUMN_FIELDS))}."),
    (MINIMAL + "posted_at = 3\n", "x.toml, [columns]: 'posted_at' must be text in quotes or a list of such, not 3."),
    ("colums = 1\n" + MINIMAL, None),
    (
        MINIMAL + '[scores]\nmetric = "star"\n',
        "x.toml: 'scores' must be tables: write [[scores]] above the lines of each.",
    ),
    (
        MINIMAL + '[[scores]]\nmetric = "star"\ncolumn = "a"\nlow = 5\nhigh = 1\n',
        "x.toml, [[scores]] 1: 'low' must be less than 'high', and 'divide' more than 0.",
    ),
    (
        MINIMAL + '[[scores]]\nmetric = "stars"\ncolumn = "a"\nlow = 1\nhigh = 5\n',
        "x.toml, [[scores]] 1: 'metric' must be one of star, nps, csat, ces, not 'stars'.",
    ),
    (MINIMAL + '[[texts]]\nsuffix = "a"\n', "x.toml, [[texts]] 1: 'text' is missing."),
    (
        MINIMAL + '[roles]\n"商家" = "boss"\n',
        "x.toml, [roles]: '商家' must be one of customer, agent, bot, not 'boss'.",
    ),
    ('dates = "unix"\n' + MINIMAL, 'x.toml: the only `dates` is "excel": days counted from 1900, as in 45241.5.'),
]


@pytest.mark.parametrize("text, message", WRONG)
def test_a_wrong_layout_is_told_what_is_wrong_and_where(text: str, message: str | None) -> None:
    with pytest.raises(CollectError) as caught:
        parse_layout(text, "x.toml")
    assert str(caught.value) == (message or str(caught.value))
    assert str(caught.value).startswith("x.toml")


def test_a_layout_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(CollectError) as caught:
        load_layout("my.toml", tmp_path)
    assert str(caught.value) == f"No layout file at {tmp_path / 'my.toml'}."
    with pytest.raises(
        CollectError, match=r"^No layout named 'jdd'\. Known: douyin_aweme, .*, zhihu_content\. A layout of"
    ):
        load_layout("jdd", tmp_path)


GUESSES = [
    (  # an order may have several reviews, so its number is no id
        "评价时间,评价内容,星级,门店,用户昵称,订单号",
        {
            "text": "评价内容",
            "posted_at": "评价时间",
            "customer": "用户昵称",
            "store": "门店",
        },
    ),
    ("id,title,content,created_at,rating", {"text": "content", "posted_at": "created_at", "source_id": "id"}),
    ("评论ID,评论,评论数,日期,省份", {"text": "评论", "posted_at": "日期", "source_id": "评论ID", "region": "省份"}),
    ("comment_id,comment,comment_time", {"text": "comment", "posted_at": "comment_time", "source_id": "comment_id"}),
    ("序号,商品名称,买家反馈", {"text": "买家反馈", "product": "商品名称"}),  # 序号 changes between exports: no id
    (
        "评论内容,产品版本,用户点赞数,用户,系统版本",
        {"text": "评论内容", "version": "产品版本", "votes": "用户点赞数", "customer": "用户"},
    ),
    (
        "content,appVersion,thumbsUpCount,score",
        {"text": "content", "version": "appVersion", "votes": "thumbsUpCount"},
    ),
    ("comment,comment_like_count,helpful", {"text": "comment", "votes": "comment_like_count"}),  # helpful: yes or no?
    ("顾客,顾客说了什么,日期", {"text": "顾客说了什么", "posted_at": "日期", "customer": "顾客"}),
    ("評論ID,評論內容,暱稱", {"text": "評論內容", "source_id": "評論ID", "customer": "暱稱"}),
    ("a,b", {}),
]


@pytest.mark.parametrize("header, expected", GUESSES)
def test_columns_are_guessed_by_their_names(header: str, expected: dict[str, str]) -> None:
    assert guess_columns(header.split(",")) == expected


def test_the_suggested_layout_is_whole_and_ready_to_use() -> None:
    text = suggest_layout("store", ["评价时间", "评价内容", "星级", "门店", "备注"])
    assert text == (
        'name = "store"\n'
        'kind = "review"           # review 评价, survey 问卷, post 帖子, ticket 工单, chat 对话\n'
        'channel = "电商"          # 渠道，随意取名\n'
        "\n"
        "[columns]                 # 左边不要动，右边是文件里的列名\n"
        'text = "评价内容"    # 客户写的话（必填）\n'
        'posted_at = "评价时间"    # 时间\n'
        'store = "门店"    # 门店\n'
        "\n"
        "[[scores]]                # 评分：star 星级, nps 推荐分, csat 满意度, ces 省力度\n"
        'metric = "star"\n'
        'column = "星级"\n'
        "low = 1                   # 最低分\n"
        "high = 5                  # 最高分\n"
        '# values = { "好评" = 5, "差评" = 1 }   # 评分是文字的，去掉行首的 # 号，写明每个词值几分\n'
        "# divide = 20   # 评分是百分数（100%）的，去掉行首的 # 号\n"
        "\n"
        "# 没有用到的列：备注\n"
    )
    layout = parse_layout(text, "store.toml")
    assert isinstance(layout, Layout)
    assert layout.header == ("评价内容", "评价时间", "门店", "星级")


@given(st.lists(st.text(max_size=8), max_size=6), st.one_of(st.none(), st.text(min_size=1, max_size=8)))
def test_any_columns_at_all_give_valid_toml(columns: list[str], records: str | None) -> None:
    columns = [c.encode("utf-8", "ignore").decode() for c in columns]
    records = records and records.encode("utf-8", "ignore").decode()
    assert parse_layout(suggest_layout("x", ["内容", *columns], records), "x").columns["text"]


def test_the_documentation_names_every_layout_and_its_example_is_valid() -> None:
    text = (Path(__file__).parent.parent / "docs" / "formats.md").read_text(encoding="utf-8")
    assert [layout.name for layout in builtin_layouts() if f"`{layout.name}`" not in text] == []
    example = text.split("```toml\n")[1].split("```")[0]
    layout = parse_layout(example, "docs/formats.md")
    assert set(layout.columns) == set(COLUMN_FIELDS)
    assert (len(layout.scores), len(layout.texts), len(layout.drop), len(layout.roles)) == (1, 2, 1, 2)
