"""feedback doctor FILE, of a table whose columns nobody knows: the layout that it drafts, and what the table comes to under it."""

import json
from pathlib import Path

import pytest
from command import Ran, run
from small_project import SETTINGS

DRAFT = """\
name = "门店评价"
kind = "review"           # review 评价, survey 问卷, post 帖子, ticket 工单, chat 对话
channel = "电商"          # 渠道，随意取名

[columns]                 # 左边不要动，右边是文件里的列名
text = "评价内容"    # 客户写的话（必填）
posted_at = "评价时间"    # 时间

[[scores]]                # 评分：star 星级, nps 推荐分, csat 满意度, ces 省力度
metric = "star"
column = "打分"
low = 1                   # 最低分
high = 5                  # 最高分
# values = { "好评" = 5, "差评" = 1 }   # 评分是文字的，去掉行首的 # 号，写明每个词值几分
# divide = 20   # 评分是百分数（100%）的，去掉行首的 # 号

# 没有用到的列：备注
"""
GUESSED = """\
门店评价.csv
  Format: CSV, GB18030 (GBK), comma
  Layout: not known; what follows is a guess by the names of the columns
  Stored as: review, channel 电商
  Columns:
    评价内容: text
    打分: star 1..5
    评价时间: posted_at
  Not used: 备注
  Would be stored: 2
  Ratings: star 2
  Dates: 2 placed, 2026-03-02 to 2026-03-04 (Asia/Shanghai); 0 can't be placed; 0 without one
    1 × YYYY/MM/DD hh:mm, like 2026/3/2 10:20
    1 × YYYY-MM-DD, like 2026-03-04
  Ids: none; a row is known by what it says
  Copies of earlier texts: 0 exact, 0 near
  Personal data: 手机号 1 (in 1 texts), masked
  Save the lines at the end as 门店评价.layout.toml and correct the guesses.
  Import it: feedback collect table '门店评价.csv' --layout '门店评价.layout.toml'
  or for good, in feedback.toml:
    [[sources]]
    name = "门店评价"
    collector = "table"
    paths = ["{folder}/门店评价.csv"]
    layout = "{folder}/门店评价.layout.toml"

"""


@pytest.fixture
def unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table of nobody's layout, in the folder where the user stands."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "门店评价.csv"
    rows = ["评价内容,打分,评价时间,备注", "上菜快，电话13800138000,5,2026/3/2 10:20,a", "菜凉了,1,2026-03-04,"]
    path.write_bytes("\n".join(rows).encode("gb18030"))
    return path


def test_a_table_that_nobody_knows_is_examined_by_the_guess_that_is_shown(unknown: Path) -> None:
    ran = run("doctor", unknown.name)
    assert ran == Ran(0, GUESSED.format(folder=unknown.parent) + DRAFT, "")
    assert list(unknown.parent.iterdir()) == [unknown]


def test_the_guess_imports_the_file_once_it_is_saved(unknown: Path) -> None:
    told = json.loads(run("doctor", unknown.name, "--json").out)
    assert (told["layout"], told["examination"]["verbatims"]["count"]) == (None, 2)
    assert told["draft"] == {"file": "门店评价.layout.toml", "layout": DRAFT}
    (unknown.parent / "feedback.toml").write_text(SETTINGS.partition("[[sources]]")[0], encoding="utf-8")
    (unknown.parent / told["draft"]["file"]).write_text(told["draft"]["layout"], encoding="utf-8")
    ran = run(*told["import"]["command"].replace("'", "").split()[1:], project=unknown.parent)
    assert (ran.code, ran.out) == (0, "门店评价: 2 new\n")


def test_a_header_in_traditional_characters_is_guessed_as_well(unknown: Path) -> None:
    unknown.write_bytes("評論ID,評論內容,評分,評論時間,暱稱\n1,出餐很慢,2,2026/3/2,阿明\n".encode("big5"))
    ran = run("doctor", unknown.name)
    assert ran.code == 0
    columns = ran.out.partition("  Columns:\n")[2].partition("  Would")[0].split("\n")
    assert [column.strip() for column in columns if column] == [
        *("評論ID: source_id", "評論內容: text", "評分: star 1..5", "評論時間: posted_at", "暱稱: customer")
    ]


def test_a_file_without_a_header_shows_nothing_of_its_rows(unknown: Path) -> None:
    unknown.write_text("张三,13912345678,质量太差了我要退货,2026-03-01\n李四,13912345679,还行,2026-03-02\n", "utf-8")
    ran = run("doctor", unknown.name)
    assert (ran.code, ran.out) == (1, "")
    assert "its first line looks like a row, not like the names of columns" in ran.err
    assert not any(said in ran.err for said in ("张三", "1391", "退货"))


def test_questions_and_months_are_names_of_columns(unknown: Path) -> None:
    unknown.write_text("2026年3月评分,您对这次服务满意吗？,您的意见，越细越好。\n5,满意,等位太久\n", "utf-8")
    ran = run("doctor", unknown.name)
    assert (ran.code, ran.err) == (0, "")
    assert "  Would be stored: 1\n" in ran.out


def test_what_is_nested_is_nobodys_words(unknown: Path) -> None:
    path = unknown.with_name("店.json")
    path.write_text(
        '{"shops": [{"shop": "A", "reviews": [{"id": 1}]}, {"shop": "B", "reviews": [{"id": 2}]}]}', "utf-8"
    )
    ran = run("doctor", path.name)
    assert (ran.code, "reviews: text" in ran.out) == (1, False)


@pytest.mark.parametrize("ending, rejects", [("", 0), ("，又坏了", 3)])
def test_the_page_tells_what_collecting_stores_of_rows_with_one_id(unknown: Path, ending: str, rejects: int) -> None:
    rows = [f"{n},第{n}次买，很好{end},2026-02-24,5,李三" for end in ("", ending) for n in range(3)]
    unknown.write_text("\n".join(["评价编号,评论内容,时间,评分,买家", *rows]), encoding="utf-8")
    told = run("doctor", unknown.name)
    assert "  Would be stored: 3\n" in told.out
    (unknown.parent / "shop").mkdir()
    (unknown.parent / "shop" / "feedback.toml").write_text('[project]\nname = "店"\n', encoding="utf-8")
    draft = unknown.parent / json.loads(run("doctor", unknown.name, "--json").out)["draft"]["file"]
    draft.write_text(told.out.split("\n\n", 1)[1], encoding="utf-8")
    ran = run("collect", "table", unknown.name, "--layout", draft, project=unknown.parent / "shop")
    said = f", {rejects} rows or fields could not be used (see: feedback rejects)" if rejects else ""
    assert ran.out.replace(", 3 unchanged", "") == f"{unknown.stem}: 3 new{said}\n"


def test_of_a_file_with_nothing_to_store_no_import_is_proposed(unknown: Path) -> None:
    unknown.write_text("评价内容,评价时间\n", "utf-8")
    ran = run("doctor", unknown.name)
    assert "  Nothing of it would be stored: is this the right file, and the right layout?" in ran.out
    assert "Import it" not in ran.out
    assert ran.out.endswith('text = "评价内容"    # 客户写的话（必填）\nposted_at = "评价时间"    # 时间\n')


def test_a_conversation_of_two_turns_is_no_table(unknown: Path) -> None:
    path = unknown.with_name("聊天.txt")
    path.write_text("2026-03-02 10:20:33 小林\n您好\n2026-03-02 10:21:00 茶友\n茶叶漏气了\n", encoding="utf-8")
    ran = run("doctor", path.name)
    assert (ran.code, ran.out.splitlines()[:2]) == (1, ["聊天.txt", "  Format: conversations, UTF-8"])
    assert "of 2 who speak in it nobody knows whether they are customer, agent or bot" in ran.err


def test_a_table_whose_text_cannot_be_guessed_is_refused_with_a_layout_to_fill_in(unknown: Path) -> None:
    unknown.write_text("甲,乙\n1,2\n", encoding="utf-8")
    ran = run("doctor", unknown.name)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"Error: {unknown}: the layout of this file is not known. Its columns: 甲、乙\n")
    assert 'text = ""    # 客户写的话（必填）' in ran.err
