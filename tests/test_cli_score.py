import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nlp.taxonomy import builtin_text

COMMAND = [sys.executable, "-m", "feedback", "score"]


def run(given: bytes, *options: str, code: int = 0, **environment: str) -> tuple[list[dict[str, Any]], str]:
    """The answers and what stood on stderr; the exit code must be `code`."""
    done = subprocess.run(
        [*COMMAND, *options], input=given, capture_output=True, check=False, env={**os.environ, **environment}
    )
    assert (done.returncode, b"Traceback" in done.stderr) == (code, False), done.stderr.decode()
    return [json.loads(line) for line in done.stdout.decode("utf-8").splitlines()], done.stderr.decode()


def test_lines_come_back_in_order_with_their_keys() -> None:
    given = '{"text": "质量太差了，再也不买", "id": "乙"}\n{"text": "非常满意，强烈推荐", "id": "甲"}\n'.encode()
    answers, said = run(given)
    assert [(a["id"], a["sentiment"], [s["text"] for s in a["segments"]]) for a in answers] == [
        ("乙", "negative", ["质量太差了", "再也不买"]),
        ("甲", "positive", ["非常满意", "强烈推荐"]),
    ]
    assert [list(a) for a in answers] == [["id", "sentiment", "sentiment_score", "language", "segments"]] * 2
    assert said == ""


def test_a_broken_line_is_answered_in_its_place_and_the_command_exits_1() -> None:
    given = (
        b'{"text": "\xe5\xa5\xbd"}\nx\n{"text": "\\ud83d", "k": "\\udc4d"}\n{"text": "\xe5\xa5\xbd", "k": "\\ud83d"}\n'
    )
    answers, said = run(given, code=1)
    assert answers[1:3] == [
        {"error": "line 2 is not JSON: Expecting value: line 1 column 1 (char 0)"},
        {"k": "\udc4d", "error": "the text holds half a character (a lone surrogate)"},
    ]
    assert [a.get("language") for a in answers] == ["zh", None, None, "zh"]
    assert answers[3]["k"] == "\ud83d"
    assert said == ""


def test_plain_lines_and_whole_texts() -> None:
    answers, _ = run("物流太慢了，但是客服很好\n\n".encode(), "--plain", "--whole")
    assert [list(a) for a in answers] == [
        ["sentiment", "sentiment_score", "language", "stage", "intent", "segments"]
    ] * 2
    assert [[s["text"] for s in a["segments"]] for a in answers] == [["物流太慢了，但是客服很好"], []]
    [segment] = answers[0]["segments"]
    assert (answers[0]["stage"], answers[0]["intent"]) == (segment["stage"], segment["intent"])


def test_a_taxonomy_is_given_by_name_or_as_a_file(tmp_path: Path) -> None:
    def aspects(*options: str) -> set[str]:
        [answer], _ = run("上菜很慢".encode(), "--plain", *options)
        return {mention["aspect"] for segment in answer["segments"] for mention in segment["mentions"]}

    mine = tmp_path / "我的.toml"
    mine.write_text(builtin_text("restaurant").replace('"上菜速度"', '"出菜"'), encoding="utf-8")
    assert (aspects("--taxonomy", "restaurant"), aspects("--taxonomy", str(mine))) == ({"上菜速度"}, {"出菜"})


@pytest.mark.parametrize(
    "options, message",
    [
        (
            ("--engine", "slow"),
            "Error: No engine named 'slow'. Known: auto, encoder, fast, or the folder of an encoder.\n",
        ),
        (
            ("--taxonomy", "shops"),
            "Error: No built-in taxonomy named 'shops'. Known: auto, beauty, hotel, restaurant, retail, telecom.\n",
        ),
        (("--taxonomy", "missing.toml"), "Error: No taxonomy file at missing.toml.\n"),
    ],
)
def test_an_unknown_engine_or_taxonomy_is_one_line(options: tuple[str, ...], message: str) -> None:
    assert run(b'{"text": "a"}\n', *options, code=1) == ([], message)


def test_nothing_in_nothing_out() -> None:
    assert run(b"") == ([], "")


def test_answers_are_utf8_whatever_the_terminal_speaks() -> None:
    answers, _ = run("质量差👍".encode(), "--plain", PYTHONIOENCODING="ascii")
    assert [segment["text"] for segment in answers[0]["segments"]] == ["质量差👍"]


def test_a_reader_that_goes_away_is_no_error_to_talk_about() -> None:
    # More than a pipe holds, so that writing goes on after the reader has gone.
    with subprocess.Popen(
        [*COMMAND, "--plain"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write("质量太差了\n".encode())
        process.stdin.flush()
        first = json.loads(process.stdout.readline())
        process.stdout.close()
        try:
            process.stdin.write("质量太差了\n".encode() * 2000)
            process.stdin.close()
        except BrokenPipeError:
            pass
        said = process.stderr.read()
    assert (first["sentiment"], said, process.returncode != 0) == ("negative", b"", True)


def test_who_sends_one_line_and_waits_gets_its_answer() -> None:
    with subprocess.Popen([*COMMAND], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        answers = []
        for text in ("质量太差了，再也不买", "非常满意，强烈推荐"):
            process.stdin.write(json.dumps({"text": text}).encode() + b"\n")
            process.stdin.flush()
            answers.append(json.loads(process.stdout.readline())["sentiment"])
        process.stdin.close()
    assert (answers, process.returncode) == (["negative", "positive"], 0)


def test_misuse_is_told_from_failure() -> None:
    _, said = run(b"", "--plane", code=2)
    assert said.splitlines()[-1].startswith("Error: No such option")  # the rest is click's and changes with it
