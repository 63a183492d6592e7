"""feedback doctor, through the command line: the machine, the project, and how a file is read."""

import json
from pathlib import Path

import pytest
from command import Ran, run
from small_project import SETTINGS, write_project

LAYOUT = 'name = "own"\nkind = "post"\nchannel = "官网"\n[columns]\ntext = "话"\nposted_at = "日"\n'
REVIEWS = """\
{path}
  Source: 电商 in feedback.toml
  Format: CSV, UTF-8
  Layout: flat_reviews (电商评价（商品、内容、时间、地区）)
  Stored as: review, channel 电商
  Columns:
    product: product
    content: text
    creationtime: posted_at
    location: region
  Not used: productcolor
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


def test_a_file_of_the_project_is_shown_as_its_source_is_read_and_nothing_is_collected(shop: Path) -> None:
    path = shop / "data" / "reviews.csv"
    assert run("doctor", path, project=shop) == Ran(0, REVIEWS.format(path=path), "")
    assert not (shop / "feedback.db").exists()


def test_a_file_is_named_from_where_the_user_stands(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shop / "data")
    assert run("doctor", "reviews.csv", project=shop).out == REVIEWS.format(path="reviews.csv")


def test_the_layout_and_the_settings_of_a_source_are_used(shop: Path) -> None:
    source = (
        '[[sources]]\nname = "官网"\npaths = ["own.csv"]\nlayout = "own.toml"\nchannel = "留言板"\nkind = "ticket"\n'
    )
    (shop / "feedback.toml").write_text(SETTINGS + source, encoding="utf-8")
    assert run("doctor", shop / "own.csv", project=shop).out == (
        f"{shop / 'own.csv'}\n"
        "  Source: 官网 in feedback.toml\n"
        "  Format: CSV, UTF-8\n"
        "  Layout: own\n"
        "  Stored as: ticket, channel 留言板\n"
        "  Columns:\n"
        "    话: text\n"
        "    日: posted_at\n"
        "  Not used: �[31m红\n"
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


def test_of_several_files_the_ones_that_can_be_read_are_shown(shop: Path) -> None:
    ran = run("doctor", shop / "data", project=shop)
    assert [line for line in ran.out.splitlines() if not line.startswith(" ")] == [
        str(shop / "data" / "reviews.csv"),
        str(shop / "data" / "stars.csv"),
    ]
    assert (ran.code, ran.err) == (
        1,
        f"Error: {shop / 'data' / 'wecom.jsonl'} belongs to source '企业微信', which collector 'chat' reads. "
        "How a file is read can be shown for tables only.\n",
    )


def test_a_source_whose_files_are_gone_does_not_stand_in_the_way_of_another_file(shop: Path) -> None:
    (shop / "data" / "stars.csv").unlink()
    path = shop / "data" / "reviews.csv"
    assert run("doctor", path, project=shop) == Ran(0, REVIEWS.format(path=path), "")


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
