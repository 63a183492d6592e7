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
    1 × 昨天 hh:mm, counted from now, like 昨天 12:30
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
  Would be stored: 3 (customer 2, agent 1)
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
        "numberless": False,
        "examination": {
            "verbatims": {"count": 1, "exact": True},
            "roles": {"customer": {"count": 1, "exact": True}},
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


MAIL = "Received: from mail.example\n\tby mx.shop.example; Mon, 02 Mar 2026 10:00:00 +0800\nFrom: 林晚 <linwan@mail.example>\nSubject: 茶壶\n\n客户：壶漏水了\n"


@pytest.mark.parametrize(
    "content", [MAIL, MAIL.replace("\n", "\r\n"), f"From linwan@mail.example Mon Mar  2\n{MAIL}\n" * 2]
)
def test_mails_are_said_to_be_mails_and_nothing_of_them_is_shown(shop: Path, content: str) -> None:
    path = shop / "mails.eml"
    path.write_bytes(content.encode())
    said = (
        f"{path} holds mails, no table and no chat. A source with the collector imap reads them: "
        "feedback collect --source NAME --load FILE\n"
    )
    assert run("doctor", path, project=shop) == Ran(1, "", f"Error: {said}")
    assert run("collect", "table", path, "--name", "x", project=shop) == Ran(1, "", f"Error: x: {said}")


TALK = "2026-02-24 10:20:33 客户\n壶漏水了\n2026-02-24 10:21:00 客服\n您好\n"


def test_of_several_chats_each_section_has_a_name_of_its_own(shop: Path) -> None:
    section = '\n[[sources]]\nname = "chat"\ncollector = "chat"\npaths = ["data/wecom.jsonl"]\n'
    (shop / "feedback.toml").write_text('[project]\nname = "小店"\n' + section, encoding="utf-8")
    (shop / "talks").mkdir()
    for name in ("a.txt", "b.txt"):
        (shop / "talks" / name).write_text(TALK, encoding="utf-8")
    ran = run("doctor", shop / "talks" / "*.txt", project=shop)
    assert [line.strip() for line in ran.out.splitlines() if "name = " in line] == [
        'name = "chat 2"',
        'name = "chat 3"',
    ]


def test_a_layout_that_is_still_empty_is_drafted(shop: Path) -> None:
    source = '[[sources]]\nname = "官网"\npaths = ["own.csv"]\nlayout = "own.layout.toml"\n'
    (shop / "feedback.toml").write_text('[project]\nname = "小店"\n' + source, encoding="utf-8")
    (shop / "own.layout.toml").touch()
    (shop / "own.csv").write_text("评价内容\n好\n", encoding="utf-8")
    ran = run("doctor", shop / "own.csv", project=shop)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.endswith('text = "评价内容"    # 客户写的话（必填）\n')
    assert '  Name it in the source: layout = "own.layout.toml"\n' in ran.out
