"""What a field of a row says that holds nothing. All of it is made up."""

from pathlib import Path

import pytest

from feedback.collectors.base import Item, Part, Record, SourceConfig
from feedback.collectors.layout import parse_layout
from feedback.collectors.live.mapped import ObjectMapper
from feedback.collectors.table import TableCollector

LAYOUT = """
name = "own"
kind = "review"
channel = "门店"
[columns]
text = "评价内容"
source_id = "编号"
[[scores]]
metric = "star"
column = "星级"
low = 1
high = 5
[[texts]]
suffix = "after"
text = "追评内容"
[[texts]]
suffix = "reply"
role = "agent"
text = "商家回复"
"""


def read(folder: Path, *rows: str) -> list[Item]:
    (folder / "own.toml").write_text(LAYOUT, encoding="utf-8")
    path = folder / "a.csv"
    path.write_text("\n".join(["编号,评价内容,星级,追评内容,商家回复", *rows]), encoding="utf-8")
    return list(
        TableCollector().collect(Part("a.csv", path), SourceConfig("s", "table", base=folder, layout="own.toml"))
    )


@pytest.mark.parametrize(
    "nothing", ["", " ", "-", "--", "/", "无", "暂无", "NULL", "null", "\\N", "nan", "None", "N/A"]
)
def test_what_stands_for_nothing_in_a_further_text_is_no_record(tmp_path: Path, nothing: str) -> None:
    [only] = read(tmp_path, f"1,送货很慢,5,{nothing},{nothing}")
    assert isinstance(only, Record)
    assert (only.source_id, only.text) == ("1", "送货很慢")


def test_a_further_text_that_begins_like_nothing_is_one(tmp_path: Path) -> None:
    found = read(tmp_path, "1,送货很慢,5,无语,-5度也送到了")
    assert [(item.source_id, item.text) for item in found if isinstance(item, Record)] == [
        ("1", "送货很慢"),
        ("1/after", "无语"),
        ("1/reply", "-5度也送到了"),
    ]


@pytest.mark.parametrize("null", ["NULL", "null", "\\N", "nan", "NaN", "None", "undefined"])
def test_what_a_program_writes_for_nothing_is_no_main_text(tmp_path: Path, null: str) -> None:
    """The row stays for its rating and its further texts; without any intake says that it has no text."""
    found = read(tmp_path, f"1,{null},5,用了一月坏了,{null}")
    assert [(item.text, len(item.scores)) for item in found if isinstance(item, Record)] == [
        ("", 1),
        ("用了一月坏了", 0),
    ]


@pytest.mark.parametrize("words", ["无", "暂无", "/", "-", "none", "N/A"])
def test_a_main_text_may_say_that_there_is_nothing_to_say(tmp_path: Path, words: str) -> None:
    [only] = read(tmp_path, f"1,{words},5,,")
    assert isinstance(only, Record)
    assert only.text == words


def test_an_element_of_a_list_is_there_because_somebody_wrote_it() -> None:
    layout = 'name = "c"\nkind = "post"\nchannel = "论坛"\n[columns]\ntext = "text"\nsource_id = "id"\n'
    layout += '[[texts]]\nsuffix = "reply"\neach = "replies"\ntext = "text"\nsource_id = "id"\n'
    row = {"id": 7, "text": "还缺什么", "replies": [{"id": 8, "text": "无"}, {"id": 9, "text": "NULL"}]}
    mapper = ObjectMapper(parse_layout(layout, "c.toml"), SourceConfig("论坛", "rest"))
    found = list(mapper.items(iter([("#7", row)])))
    assert [item.text for item in found if isinstance(item, Record)] == ["还缺什么", "无"]
