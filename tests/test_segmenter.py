"""Segmentation. `cases/segments.jsonl` holds self-written texts with the units a reader sees; `known_failure` marks
what is known to go wrong."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import NotRequired, TypedDict

import pytest
from _pytest.mark import ParameterSet
from feedback_texts import ANALYSABLE
from hypothesis import example, given, settings

from nlp.normalize import simplify
from nlp.segmenter import segment


class Case(TypedDict):
    text: str
    segments: list[str]
    note: str
    known_failure: NotRequired[bool]


CASES: list[Case] = [
    json.loads(line)
    for line in (Path(__file__).parent / "cases" / "segments.jsonl").read_text(encoding="utf-8").splitlines()
]

# What must stay in one piece: links, numbers with separators, quotations that close.
UNCUT = re.compile(
    r"(?:https?://|www\.)[!-~]+|“[^”\n]{1,80}”|「[^」\n]{1,80}」|『[^』\n]{1,80}』|《[^》\n]{1,80}》"
    r'|"[^"\n]{1,80}"|\d+(?:[.,:：]\d+)+'
)


def _parameter(number: int, case: Case) -> ParameterSet:
    marks = [pytest.mark.xfail(strict=True, reason=case["note"])] if case.get("known_failure") else []
    return pytest.param(case, id=f"line {number}: {case['note']}", marks=marks)


def pieces(text: str) -> list[str]:
    return [text[start:end] for start, end in segment(text)]


@pytest.mark.parametrize("case", [_parameter(number, case) for number, case in enumerate(CASES, start=1)])
def test_a_text_falls_into_the_units_a_reader_sees(case: Case) -> None:
    assert pieces(case["text"]) == case["segments"]


def test_the_case_file_is_large_and_most_of_it_holds() -> None:
    assert len(CASES) >= 100
    assert len({case["text"] for case in CASES}) == len(CASES)
    assert sum(case.get("known_failure", False) for case in CASES) <= 10
    # Texts that must not be cut weigh as much as those that must.
    kinds = Counter(len(case["segments"]) > 1 for case in CASES)
    assert kinds[False] >= 30
    assert kinds[True] >= 30


@given(ANALYSABLE)
@example("\u00a0物流很快。\u00a0客服好\x1c")
@example("。。。\n！物流")
@example("1.\n2.")
def test_units_are_in_order_apart_inside_the_text_and_without_blank_edges(text: str) -> None:
    end_before = 0
    for start, end in segment(text):
        assert end_before <= start < end <= len(text)
        assert not text[start].isspace()
        assert not text[end - 1].isspace()
        assert text[start] not in "，,、"
        assert text[end - 1] not in "，,、"
        end_before = end


@given(ANALYSABLE)
@example("好\u00a0𠮷。한국①")
def test_only_blanks_and_commas_lie_outside_the_units(text: str) -> None:
    covered = {at for start, end in segment(text) for at in range(start, end)}
    assert [c for at, c in enumerate(text) if at not in covered and not c.isspace() and c not in "，,、"] == []


@given(ANALYSABLE)
@example("“稍等，但是。”然后https://a.example/b,c!d花了3,500.00元")
@example('14"屏幕，"好，好"')
@example('真好。"稍等，就来"客服说')
@example("1，234,5然后")
@settings(max_examples=400)
def test_no_cut_falls_inside_a_number_a_link_or_a_quotation(text: str) -> None:
    edges = {at for span in segment(text) for at in span}
    for match in UNCUT.finditer(text):
        end = match.start() + len(match.group().rstrip(","))  # a comma at a link's end is the sentence's
        assert [at for at in edges if match.start() < at < end] == []


@given(ANALYSABLE)
def test_traditional_characters_are_cut_like_simplified_ones(text: str) -> None:
    assert segment(text) == segment(simplify(text))


@pytest.mark.parametrize(
    "filler", [" ", "\n", "。", "“", "物", "1,", "1.", "https://", "…~", "😡", "\u3000好", "如果，"]
)
@pytest.mark.timeout(60)
def test_a_very_long_text_is_cut_without_hanging(filler: str) -> None:
    text = (filler * 200_000)[:200_000]
    spans = segment(text)
    assert [s for s, e in spans if not 0 <= s < e <= len(text)] == []
    assert bool(spans) is bool(text.strip())
