"""How a table would be read: what each of its columns is taken for."""

import json
from pathlib import Path

import pytest

from feedback.collectors.base import Part, SourceConfig
from feedback.collectors.description import Column, Description, describe_table
from feedback.collectors.table import TableCollector
from feedback.errors import CollectError

PAYLOADS = Path(__file__).parent / "payloads" / "table"
OWN = """
name = "own"
kind = "ticket"
channel = "官网"
[columns]
text = ["正文", "标题"]
source_id = "编号"
product = { join = ["型号", "颜色"] }
question = "标题"
store = "门店"
[[scores]]
metric = "star"
column = "分"
low = 1
high = 5
[[texts]]
suffix = "after"
text = "追评"
posted_at = "追评时间"
[[drop]]
column = "状态"
values = ["删除", "内部"]
"""


def described(path: Path, **settings: str) -> Description:
    return describe_table(Part("x", path), SourceConfig("x", "table", base=path.parent, **settings))  # type: ignore[arg-type]


def meanings(found: Description) -> dict[str, str | None]:
    return {column.name: column.meaning for column in found.columns}


def test_a_table_of_a_known_layout(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("product,content,creationtime,sku,\n壶,好,2024-01-01,1,\n", encoding="gb18030")
    assert described(path) == Description(
        file="x",
        format="CSV",
        encoding="GB18030 (GBK)",
        delimiter="comma",
        layout="flat_reviews",
        title="电商评价（商品、内容、时间、地区）",
        kind="review",
        channel="电商",
        records=None,
        columns=(
            Column("product", "product"),
            Column("content", "text"),
            Column("creationtime", "posted_at"),
            Column("sku", None),
        ),
    )


def test_what_the_source_says_comes_before_what_the_layout_says(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("product,content,creationtime\n壶,好,2024-01-01\n", encoding="utf-8")
    found = described(path, kind="post", channel="官网")
    assert (found.kind, found.channel, found.encoding) == ("post", "官网", "UTF-8")


def test_every_way_in_which_a_layout_uses_a_column_is_told(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(OWN.replace("[columns]", 'header = ["正文"]\n[columns]'), encoding="utf-8")
    path = tmp_path / "x.csv"
    path.write_text("编号,正文,标题,型号,颜色,分,追评,追评时间,状态\n1,好,a,壶,白,5,,,\n", encoding="utf-8")
    assert meanings(described(path, layout="own.toml")) == {
        "编号": "source_id",
        "正文": "text",
        "标题": "text, where 正文 is empty; question",
        "型号": "product, together with 颜色",
        "颜色": "product, together with 型号",
        "分": "star 1..5",
        "追评": "text of a further customer record (after)",
        "追评时间": "posted_at of that record (after)",
        "状态": "rows with 删除 or 内部 are left out",
    }


def test_a_column_that_is_only_used_where_another_is_missing_is_told_as_if_it_were_the_first(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(OWN.replace("[columns]", 'header = ["标题"]\n[columns]'), encoding="utf-8")
    path = tmp_path / "x.csv"
    path.write_text("编号,标题,颜色\n1,好,白\n", encoding="utf-8")
    found = meanings(described(path, layout="own.toml"))
    assert found == {"编号": "source_id", "标题": "text; question", "颜色": "product"}


def test_the_questions_of_a_survey_are_told_by_what_becomes_of_their_answers() -> None:
    found = described(PAYLOADS / "wjx_text.csv")
    assert (found.format, found.encoding, found.layout, found.kind) == ("CSV", "GB18030 (GBK)", "wjx", "survey")
    assert meanings(found) == {
        "序号": "source_id",
        "提交答卷时间": "posted_at",
        "所用时间": "tells responses of one minute apart",
        "来源": None,
        "来源详情": None,
        "来自IP": "region",
        "1、您有多大可能向朋友推荐青禾？(0-10分)": "nps 0..10",
        "2、您对最近一次购物满意吗？": "csat 1..5",
        "3、您觉得解决问题有多容易？(1-7分)": "ces 1..7",
        "4、您从哪里知道我们？[多选题]": "choice, not collected",
        "5、您给分的原因": "open question, each answer is a verbatim",
        "6、您希望我们改进什么": "open question, each answer is a verbatim",
        "7、您的手机号": "contact details, not collected",
    }


@pytest.mark.parametrize(
    ("header", "numberless"), [("序号,提交答卷时间,1、建议", False), ("提交答卷时间,1、建议", True)]
)
def test_a_survey_whose_responses_no_column_numbers_is_told(tmp_path: Path, header: str, numberless: bool) -> None:
    path = tmp_path / "x.csv"
    path.write_text(f"{header}\n{'1,' * (not numberless)}2026/3/1 10:00:05,发货再快一点\n", encoding="utf-8")
    layout = 'name = "our"\nkind = "survey"\nchannel = "问卷"\n[columns]\nposted_at = "提交答卷时间"\n'
    number = "" if numberless else 'source_id = "序号"\n'
    (tmp_path / "our.toml").write_text(f"{layout}{number}[survey]\n", encoding="utf-8")
    assert described(path, layout="our.toml").numberless == numberless
    assert not described(PAYLOADS / "wjx_text.csv").numberless


def test_what_lies_deep_in_a_json_document_is_told_and_its_wrapping_is_not(tmp_path: Path) -> None:
    after = {"created": "2024-01-02", "hAfterUserComment": {"content": "还行"}}
    comment = {"content": "好", "creationTime": "2024-01-01", "score": 5, "days": 3, "replies": []}
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"comments": [{**comment, "afterUserComment": after}]}), encoding="utf-8")
    found = described(path)
    assert (found.format, found.records, found.layout) == ("JSON", "comments", "jd")
    assert meanings(found) == {
        "content": "text",
        "creationTime": "posted_at",
        "score": "star 1..5",
        "days": None,
        "replies": "further agent records (reply), one for each element",
        "afterUserComment.created": "posted_at of that record (after)",
        "afterUserComment.hAfterUserComment.content": "text of a further customer record (after)",
    }


def test_a_format_that_fixes_its_encoding_has_none(tmp_path: Path) -> None:
    from openpyxl import Workbook

    workbook = Workbook()
    assert workbook.active is not None
    workbook.active.append(["product", "content", "creationtime"])
    workbook.active.append(["壶", "好", "2024-01-01"])
    workbook.save(tmp_path / "x.xlsx")
    found = described(tmp_path / "x.xlsx")
    assert (found.format, found.encoding, found.layout) == ("Excel", None, "flat_reviews")


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "product\x00content", "<html><table>"])
def test_a_file_that_can_not_be_collected_is_refused_in_the_same_words(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CollectError) as told:
        described(path)
    with pytest.raises(CollectError) as collected:
        list(TableCollector().collect(Part("x", path), SourceConfig("x", "table", base=tmp_path)))
    assert str(told.value) == str(collected.value)
