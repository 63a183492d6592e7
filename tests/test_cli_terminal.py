"""What a terminal does to a command: bytes that are not UTF-8, and a reader that has seen enough."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from command import run
from small_project import REVIEWS_HEADER, write_project

from feedback.project import load_project

GBK = "你好".encode("gb18030").decode("utf-8", "surrogateescape")  # as Python hands on what is typed in a GBK terminal
MANY = 3_000  # hits: more text than a pipe holds


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    write_project(tmp_path)
    return tmp_path


TYPED = [
    ("--name", ["collect", "table", "data/stars.csv", "--name", GBK]),
    ("--channel", ["collect", "table", "data/stars.csv", "--channel", GBK]),
    ("--store", ["collect", "table", "data/stars.csv", "--store", GBK]),
    ("--product", ["collect", "table", "data/stars.csv", "--product", GBK]),
    ("--source", ["collect", "--source", GBK]),
    ("--source", ["rejects", "--source", GBK]),
    ("--channel", ["digest", "--channel", "京东", "--channel", GBK]),
]


@pytest.mark.parametrize("option, arguments", TYPED, ids=[f"{words[0]} {option}" for option, words in TYPED])
def test_an_option_that_is_not_utf8_is_refused_in_one_line(shop: Path, option: str, arguments: list[str]) -> None:
    ran = run(*arguments, project=shop)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.splitlines()[-1] == (
        f"Error: Invalid value for '{option}': it is not UTF-8. Set your terminal to UTF-8 and type it again."
    )
    assert not (shop / "feedback.db").exists()


def test_chinese_that_is_utf8_is_taken(shop: Path) -> None:
    ran = run("collect", "table", shop / "data" / "stars.csv", "--name", "点评😀", "--store", "人民路店", project=shop)
    assert (ran.code, ran.out) == (0, "点评😀: 3 new\n")


def test_a_project_can_be_made_in_a_folder_whose_name_is_not_utf8(tmp_path: Path) -> None:
    folder = tmp_path / GBK
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this drive takes no such names")
    assert run("init", folder).code == 0
    assert load_project(folder).name == GBK.encode("utf-8", "backslashreplace").decode()


def piped(folder: Path, *arguments: str, typed: bytes | None = None) -> tuple[int, bytes, bytes]:
    """The command's exit, the first line that its reader took before it went away, and what it said about that."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "feedback", "--project", str(folder), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        if typed is not None:
            os.write(process.stdin.fileno(), typed)
            process.stdin.close()
        first = process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
    return process.returncode, first, said


def test_a_reader_that_has_seen_enough_is_no_error(shop: Path) -> None:
    many = "".join(f"磨豆机,好{n}好{n}好,2026-02-24 10:00:00,浙江,白\n" for n in range(MANY))
    (shop / "data" / "reviews.csv").write_text(REVIEWS_HEADER + many, encoding="utf-8")
    run("collect", "--source", "电商", project=shop)
    code, first, said = piped(shop, "search", "好", "--limit", "3000", "--json")
    assert json.loads(first)["channel"] == "电商"
    assert (code, said) == (1, b"")


def test_a_reader_of_scores_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    # More answers than a pipe holds, so that the command can't be done before its reader is gone.
    code, first, said = piped(tmp_path, "score", "--plain", typed="物流太慢，客服很好\n".encode() * 2_000)
    assert json.loads(first)["sentiment"] in ("negative", "neutral", "positive")
    assert (code, said) == (1, b"")
