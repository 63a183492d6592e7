"""feedback doctor, through the command line: the machine, the project, and how a file is read."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from command import Ran, run
from small_project import SETTINGS, write_project

from feedback.collectors.base import Collector, Item, Part, SourceConfig
from feedback.collectors.files import parts_of
from feedback.collectors.registry import load_file_collector

LAYOUT = 'name = "own"\nkind = "post"\nchannel = "官网"\n[columns]\ntext = "话"\nposted_at = "日"\n'
REVIEWS = """\
{path}
  Source: 电商 in feedback.toml
  Format: CSV, UTF-8, comma
  Layout: flat_reviews (电商评价（商品、内容、时间、地区）)
  Stored as: review, channel 电商
  Columns:
    product: product
    content: text
    creationtime: posted_at
    location: region
  Not used: productcolor
  Would be stored: 5
  Dates: 4 placed, 2026-02-24 to YESTERDAY (Asia/Shanghai); 1 can't be placed; 0 without one
    3 × YYYY-MM-DD hh:mm:ss, like 2026-02-24 10:00:00
    1 × 昨天 hh:mm, like 昨天 12:30
    can't be placed: 1 × N-N: it has no year, like 02-30
  Ids: none; a row is known by what it says
  Copies of earlier texts: 0 exact, 0 near
  Personal data: 手机号 1 (in 1 texts), masked
  Not usable: 1 rows
    1 × the row has no text: reviews.csv:7
  Import it: feedback collect --source '电商'
"""
WECOM = """\
{path}
  Source: 企业微信 in feedback.toml
  Format: conversations, UTF-8
  Stored as: chat
  Would be stored: 4 (customer 3, agent 1)
  Conversations: 1
  Dates: 4 placed, 2026-02-24 to 2026-02-24 (Asia/Shanghai); 0 can't be placed; 0 without one
    4 × milliseconds since 1970, like 1771900000000
  Ids: 4
  Copies of earlier texts: 0 exact, 0 near
  Personal data: none; 3 name their customer, kept as a code
  Recalled: 1
  Import it: feedback collect --source '企业微信'
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project, and the user elsewhere."""
    write_project(tmp_path / "shop")
    (tmp_path / "shop" / "own.toml").write_text(LAYOUT, encoding="utf-8")
    (tmp_path / "shop" / "own.csv").write_text("话,日,\x1b[31m红\n好,2026-02-24,1\n", encoding="utf-8")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return tmp_path / "shop"


def doctor(path: Path | str, project: Path) -> Ran:
    """What is said, whichever day it is."""
    ran = run("doctor", path, project=project)
    return replace(ran, out=re.sub(r" to (?!2026-02-24)\d{4}-\d\d-\d\d \(", " to YESTERDAY (", ran.out))


def test_a_file_of_the_project_is_shown_as_its_source_is_read_and_nothing_is_collected(shop: Path) -> None:
    path = shop / "data" / "reviews.csv"
    before = sorted(shop.rglob("*"))
    assert doctor(path, shop) == Ran(0, REVIEWS.format(path=path), "")
    assert sorted(shop.rglob("*")) == before


def test_a_file_is_named_from_where_the_user_stands(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shop / "data")
    assert doctor("reviews.csv", shop).out == REVIEWS.format(path="reviews.csv")


def test_the_layout_and_the_settings_of_a_source_are_used(shop: Path) -> None:
    source = (
        '[[sources]]\nname = "官网"\npaths = ["own.csv"]\nlayout = "own.toml"\nchannel = "留言板"\nkind = "ticket"\n'
    )
    (shop / "feedback.toml").write_text(SETTINGS + source, encoding="utf-8")
    ran = run("doctor", shop / "own.csv", project=shop)
    assert ran.out == (
        f"{shop / 'own.csv'}\n"
        "  Source: 官网 in feedback.toml\n"
        "  Format: CSV, UTF-8, comma\n"
        "  Layout: own\n"
        "  Stored as: ticket, channel 留言板\n"
        "  Columns:\n"
        "    话: text\n"
        "    日: posted_at\n"
        "  Not used: �[31m红\n"
        "  Would be stored: 1\n"
        "  Dates: 1 placed, 2026-02-24 to 2026-02-24 (Asia/Shanghai); 0 can't be placed; 0 without one\n"
        "    1 × YYYY-MM-DD, like 2026-02-24\n"
        "  Ids: none; a row is known by what it says\n"
        "  Copies of earlier texts: 0 exact, 0 near\n"
        "  Personal data: none\n"
        "  Import it: feedback collect --source '官网'\n"
    )


def test_the_range_of_dates_is_shown_in_the_time_zone_of_the_project(shop: Path) -> None:
    (shop / "feedback.toml").write_text('[project]\nname = "店"\ntimezone = "America/New_York"\n', encoding="utf-8")
    (shop / "own.csv").write_text("话,日\n好,2026-03-01\n快,2026-03-31 23:30\n", encoding="utf-8")
    ran = run("doctor", shop / "own.csv", "--layout", shop / "own.toml", project=shop)
    assert (
        "  Dates: 2 placed, 2026-03-01 to 2026-03-31 (America/New_York); 0 can't be placed; 0 without one\n" in ran.out
    )


def test_a_layout_can_be_tried_on_a_file_of_no_project(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shop)
    ran = run("doctor", "own.csv", "--layout", "own.toml", "--json", project=shop.parent / "elsewhere")
    assert (ran.code, ran.err, ran.out.count("\n")) == (0, "", 1)
    assert json.loads(ran.out) == {
        "source": None,
        "file": "own.csv",
        "format": "CSV",
        "encoding": "UTF-8",
        "delimiter": "comma",
        "layout": "own",
        "title": "own",
        "kind": "post",
        "channel": "官网",
        "records": None,
        "columns": [
            {"name": "话", "meaning": "text"},
            {"name": "日", "meaning": "posted_at"},
            {"name": "\x1b[31m红", "meaning": None},
        ],
        "examination": {
            "verbatims": 1,
            "roles": {"customer": 1},
            "conversations": {"count": 0, "exact": True},
            "scores": {},
            "dates": {
                "placed": [{"what": "YYYY-MM-DD", "count": 1, "example": "2026-02-24"}],
                "unknown": [],
                "missing": 0,
                "first": "2026-02-23T16:00:00Z",
                "last": "2026-02-23T16:00:00Z",
            },
            "ids": {
                "given": 0,
                "repeated": {"count": 0, "exact": True},
                "changed": {"count": 0, "exact": True},
                "ruined": [],
            },
            "noise": {},
            "exact_copies": {"count": 0, "exact": True},
            "near_copies": {"count": 0, "exact": True},
            "personal": {},
            "texts_with_personal": 0,
            "customers_named": 0,
            "unusable": [],
            "incomplete": [],
            "withdrawn": 0,
        },
        "import": {
            "command": "feedback collect table own.csv --layout own.toml",
            "section": '[[sources]]\nname = "own"\ncollector = "table"\n'
            f'paths = ["{shop / "own.csv"}"]\nlayout = "{shop / "own.toml"}"',
        },
    }


def test_a_layout_that_is_given_is_tried_whatever_the_project_says(shop: Path) -> None:
    path = shop / "data" / "reviews.csv"
    ran = run("doctor", path, "--layout", "star_comments", project=shop)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"Error: {path} lacks user_id, comment, star_x10, which layout 'star_comments' needs.")


def test_a_wrong_file_is_refused_as_collect_refuses_it(shop: Path) -> None:
    (shop / "empty.csv").write_text("", encoding="utf-8")
    (shop / "page.xls").write_text("<html>", encoding="utf-8")
    for name in ("gone.csv", "empty.csv", "page.xls", "own.csv"):
        told = run("doctor", shop / name, project=shop)
        collected = run("collect", "table", shop / name, "--name", "x", project=shop)
        assert (told.code, told.out) == (1, "")
        assert told.err == collected.err.replace("Error: x: ", "Error: ", 1)


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
    assert (told["layout"], told["examination"]["verbatims"]) == (None, 2)
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


def test_a_chat_is_examined_as_a_table_is(shop: Path) -> None:
    path = shop / "data" / "wecom.jsonl"
    assert doctor(path, shop) == Ran(0, WECOM.format(path=path), "")


def test_of_several_files_the_ones_that_can_be_read_are_shown(shop: Path) -> None:
    (shop / "data" / "empty.csv").write_text("", encoding="utf-8")
    ran = run("doctor", shop / "data", project=shop)
    names = ("reviews.csv", "stars.csv", "wecom.jsonl")
    assert [line for line in ran.out.splitlines() if not line.startswith(" ")] == [
        str(shop / "data" / name) for name in names
    ]
    assert (ran.code, ran.err) == (1, f"Error: {shop / 'data' / 'empty.csv'} is empty.\n")


def test_a_file_that_a_collector_from_elsewhere_reads_is_said_to_be_one(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Voicemail:
        private_names = False

        def parts(self, config: SourceConfig) -> list[Part]:
            return parts_of(config, (".csv",))

        def collect(self, _part: Part, _config: SourceConfig) -> Iterator[Item]:
            raise NotImplementedError

    real = load_file_collector

    def load(name: str) -> Collector:
        return Voicemail() if name == "voicemail" else real(name)

    monkeypatch.setattr("feedback.doctor.load_file_collector", load)
    source = '[[sources]]\nname = "留言"\ncollector = "voicemail"\npaths = ["data/reviews.csv"]\n'
    (shop / "feedback.toml").write_text('[project]\nname = "小店"\n' + source, encoding="utf-8")
    path = shop / "data" / "reviews.csv"
    assert run("doctor", path, project=shop).err == (
        f"Error: {path} belongs to source '留言', which collector 'voicemail' reads. "
        "How a file is read can be shown for tables and chats only.\n"
    )


def test_a_source_whose_files_are_gone_does_not_stand_in_the_way_of_another_file(shop: Path) -> None:
    (shop / "data" / "stars.csv").unlink()
    path = shop / "data" / "reviews.csv"
    assert doctor(path, shop) == Ran(0, REVIEWS.format(path=path), "")


def test_a_layout_without_a_file_is_misuse(shop: Path) -> None:
    ran = run("doctor", "--layout", "wjx", project=shop)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.endswith("\nError: --layout goes with a file: feedback doctor FILE --layout …\n")


def test_the_examination_in_json_says_what_it_says_in_text(shop: Path) -> None:
    (shop / "data" / "stars.csv").unlink()
    text, rows = run("doctor", project=shop), run("doctor", "--json", project=shop)
    found = [json.loads(line) for line in rows.out.splitlines()]
    assert (text.code, rows.code) == (1, 1)
    said = [f"{'ok ' if row['ok'] else 'BAD'} {row['what']}: {row['detail']}" for row in found]
    # The free space may differ between the two.
    assert [line for line in said if "Disk" not in line] == [
        line for line in text.out.splitlines() if "Disk" not in line
    ]
    assert {
        "what": "Source 点评",
        "ok": False,
        "detail": f"No file or folder at {shop / 'data' / 'stars.csv'}.",
    } in found
