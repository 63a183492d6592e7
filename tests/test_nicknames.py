"""Nicknames that are nobody's own: what many go by, and what a platform masked. All of them made up, or the platforms' own defaults."""

from pathlib import Path

import pytest

from feedback.collectors.base import Part, Record, SourceConfig
from feedback.collectors.nicknames import is_shared
from feedback.collectors.table import TableCollector

LAYOUT = 'name="o"\nkind="review"\nchannel="c"\n[columns]\ntext="t"\ncustomer="c"\n'

SHARED = [
    *("微信用户", "京东用户", "淘宝用户", "QQ用户", "用户", "游客", "访客", "女士", "先生", "顾客", "买家", "会员"),
    *(
        "新会员",
        "热心网友",
        "已注销用户",
        "用户已注销",
        "A Google user",
        "WeChat User",
        "Anonymous",
        "guest",
        "ＶＩＰ会员",
    ),
    *("匿名用户", "匿名", "【匿名】", "京东匿名用户", "j***3", "王**", "138****0000", "阿＊＊"),
    *("王*", "*先生", "用户*", "*女士", "王*先生", "张*三", "j*3", "微信用户*", "*", "李某", "李某某", "李某先生"),
]
PEOPLE = [
    *("微信用户8839201", "用户_20488", "阿明", "王先生家的猫", "王小明", "新会员小林", "女士优先", "会员中心的猫"),
    *("oGZUI0egBJY1zhBYw2KhdUfwVJJE", "13800138000", "jd_4a5b6c7d", "userzhang", "*小可爱的喵*", "某宝达人", "Guestav"),
]


@pytest.mark.parametrize("name", SHARED)
def test_what_many_go_by_is_no_person(name: str) -> None:
    assert is_shared(name)


@pytest.mark.parametrize("name", PEOPLE)
def test_a_name_or_an_id_of_ones_own_is_a_person(name: str) -> None:
    assert not is_shared(name)


def test_rows_of_a_table_whose_nickname_is_everybodys_have_no_customer(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(LAYOUT, encoding="utf-8")
    path = tmp_path / "x.csv"
    path.write_text("t,c\n好,微信用户\n快,微信用户8839201\n慢,王*\n", encoding="utf-8")
    config = SourceConfig("shop", "table", base=tmp_path, layout="own.toml")
    found = [item for item in TableCollector().collect(Part("x.csv", path), config) if isinstance(item, Record)]
    assert [record.customer for record in found] == [None, "微信用户8839201", None]
