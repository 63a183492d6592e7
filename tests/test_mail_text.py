"""What of a mail is its writer's own. `cases/mail_text.jsonl` holds made-up mails in the forms of mail programs, and what only looks like one."""

import json
from pathlib import Path
from typing import TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.collectors.mail_text import own_words


class Case(TypedDict):
    text: str
    own: str
    note: str


LINES = (Path(__file__).parent / "cases" / "mail_text.jsonl").read_text(encoding="utf-8").splitlines()
CASES: list[Case] = [json.loads(line) for line in LINES]


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=f"line {n}: {case['note']}") for n, case in enumerate(CASES, start=1)]
)
def test_the_writers_own_words_are_kept_and_nothing_else(case: Case) -> None:
    assert own_words(case["text"]) == case["own"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["note"])
def test_what_is_cut_once_is_not_cut_again(case: Case) -> None:
    assert own_words(case["own"]) == case["own"]


def test_there_are_cases_in_which_nothing_may_be_cut() -> None:
    untouched = [case for case in CASES if case["note"].startswith("negative: ")]
    assert len(untouched) >= 25
    assert all(case["own"] == case["text"] for case in untouched)


ENDINGS = [case["text"] for case in CASES if not case["own"]] + [
    "> 您好\n> 请评价",
    "-----Original Message-----\nFrom: Shop\n\nHello",
    "发自我的 iPhone",
    "-- \n王小明",
    "在 2026年3月2日，10:00，山茶小铺 <feedback@shop.example> 写道：\n> 您好",
]


@given(st.text(st.sampled_from("物流太慢了包装结实客服好，。！ \n"), min_size=1), st.sampled_from(ENDINGS))
def test_plain_words_above_any_ending_are_kept_whole(words: str, ending: str) -> None:
    expected = "\n".join(line for line in words.split("\n")).strip()
    assert own_words(f"{words}\n\n{ending}") == expected


@given(st.text(st.sampled_from('>-—_|@<在于写道：:\n 发件人主题OnFrom wrote自我的iPhone"12/年月日.'), max_size=200))
def test_whatever_the_text_only_whole_lines_go(text: str) -> None:
    lines = [line.strip() for line in text.split("\n")]
    assert all(line.strip() in lines for line in own_words(text).split("\n") if line.strip())
