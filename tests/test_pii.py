"""Masking of personal data. `cases/pii.jsonl` holds made-up people in the style of real texts, more than half of the
cases without any; `known_failure` marks what is known to go wrong."""

import json
import runpy
import sys
from collections import Counter
from pathlib import Path
from typing import NotRequired, TypedDict, get_args

import pytest
from _pytest.mark import ParameterSet
from hypothesis import example, given, settings
from hypothesis import strategies as st

from feedback.pii import Found, Kind, find, mask


class Case(TypedDict):
    text: str
    spans: list[tuple[int, int, Kind]]
    note: str
    known_failure: NotRequired[bool]


LINES = (Path(__file__).parent / "cases" / "pii.jsonl").read_text(encoding="utf-8").splitlines()
BENCHMARK = Path(__file__).parent.parent / "benchmarks" / "pii.py"
CASES: list[Case] = [json.loads(line) for line in LINES]


def _parameter(number: int, case: Case) -> ParameterSet:
    marks = [pytest.mark.xfail(strict=True, reason=case["note"])] if case.get("known_failure") else []
    return pytest.param(case, id=f"line {number}: {case['note']}", marks=marks)


@pytest.mark.parametrize("case", [_parameter(number, case) for number, case in enumerate(CASES, start=1)])
def test_exactly_the_marked_spans_are_found(case: Case) -> None:
    assert find(case["text"]) == [Found(kind, start, end) for start, end, kind in case["spans"]]


def test_the_case_file_is_large_and_half_of_it_must_not_be_masked() -> None:
    assert len(CASES) >= 340
    assert sum(not case["spans"] for case in CASES) * 2 >= len(CASES)
    assert len({case["text"] for case in CASES}) == len(CASES)


def test_every_kind_has_at_least_ten_cases() -> None:
    kinds = Counter(kind for case in CASES for _, _, kind in case["spans"])
    assert {kind: kinds[kind] for kind in get_args(Kind) if kinds[kind] < 10} == {}
    assert kinds.keys() == set(get_args(Kind))


@pytest.mark.parametrize(
    "text, masked",
    [
        ("王女士说打13800138000，没人接！", "[姓名]女士说打[手机号]，没人接！"),
        ("微信号：lilei_1990 QQ：123456789", "微信号：[微信号] QQ：[QQ号]"),
        ("ＱＱ：１２３４５６７８９，ok？", "ＱＱ：[QQ号]，ok？"),
        ("2026-03-02 10:21:05 加油！小鹿(12345678)\n在吗", "2026-03-02 10:21:05 加油！小鹿([QQ号])\n在吗"),
        ("[2026/3/2 10:21] 小鹿（12345678）：在吗", "[2026/3/2 10:21] 小鹿（[QQ号]）：在吗"),
        ("小鹿(12345678) 2026-03-02 10:21", "小鹿([QQ号]) 2026-03-02 10:21"),
        ("2026-03-02 10:21 买的(12345678)很好", "2026-03-02 10:21 买的(12345678)很好"),
        ("小鹿（12345678）\n2026-03-02 10:21\n在吗", "小鹿（[QQ号]）\n2026-03-02 10:21\n在吗"),
        ("小鹿(12345678) [2026/3/2 10:21]：在吗", "小鹿([QQ号]) [2026/3/2 10:21]：在吗"),
        ("订单号1234567890123，快递单号SF9876543210987", "订单号[订单号]，快递单号[快递单号]"),
        ("身份证110101199003073327卡号6222026091390996034", "身份证[身份证号]卡号[银行卡号]"),
        ("粵B54321的張師傅，電話(021)61234567", "[车牌号]的[姓名]師傅，電話[固定电话]"),
        ("寄到长安街18号\r\nlilei@example.com", "寄到[地址]\r\n[邮箱]"),
        ("康师傅和李师傅", "康师傅和[姓名]师傅"),
        ("", ""),
        ("没有什么可遮的 1299元 2023-11-11", "没有什么可遮的 1299元 2023-11-11"),
    ],
)
def test_a_mask_names_its_kind_and_leaves_the_rest_as_it_was(text: str, masked: str) -> None:
    assert mask(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01 10:20 付款成功(19900)",
        "2026-03-01 10:20 充值(50000)\n没到账",
        "2026-03-01 10:20 打客服(10086)",
        "2026-03-01 10:20 打客服(4001234567)",
        "2026-03-01 10:20 打银行(950618)",
        "2026-03-01 10:20 付了(199000)还没到",
        "2026/3/1 10:20 购买台灯(123456): 坏了",
        "看2026-03-01 10:20\n付(199000)",
        "我2026-03-01 10:20 买的灯(100866)",
        "错误代码(40013) 2026-03-01 10:20:33",
        "报错(100601)\n2026-03-01 10:20 又一次",
        "订货号(660123)2026-03-01 10:20少一件",
    ],
)
def test_numbers_in_brackets_beside_a_time_stay_where_no_whole_line_is_a_head(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize("case", CASES, ids=range(1, len(CASES) + 1))
def test_masking_a_case_twice_is_masking_it_once(case: Case) -> None:
    once = mask(case["text"])
    assert mask(once) == once


# Pieces that meet each other's edges: labels without values, halves of numbers, masks, odd white space.
PIECES = (
    "13812345678|138|1234|5678|+86|010-|62345678|110101199003073327|6222026091390996034|a@b.com|@|lilei_1990|微信|微信号："
    "|vx|QQ|QQ：|123456789|粤B12345|粤|B|长安街|18号|3栋|2单元|501室|北京市|朝阳区|快递单号|订单号|单号：|SF1234567890123|王|欧阳"
    "|女士|师傅|老师|小姐|姐|我叫|李雷|收件人|姓|于|方|对|的|老|，|。|（|）|[|]|[手机号]|[姓名]|[微信号]|-|.|·|电话|０７５５|１３８|陳"
    "|師傅|1|一|A|😀|\n| |\u3000|\u200b|\x00|号|路|元"
)
ODD_TEXTS = st.lists(st.sampled_from(PIECES.split("|")), max_size=12).map("".join)


@settings(max_examples=400, deadline=None)
@given(ODD_TEXTS)
@example("13812345678王女士")
@example("a@b.com13812345678")
@example("京A12345警13812345678")
def test_masking_twice_is_masking_once(text: str) -> None:
    once = mask(text)
    assert mask(once) == once


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(), ODD_TEXTS))
def test_what_is_found_is_ordered_apart_and_the_only_thing_replaced(text: str) -> None:
    found = find(text)
    edges = [edge for one in found for edge in (one.start, one.end)]
    assert edges == sorted(edges)
    assert all(0 <= one.start < one.end <= len(text) for one in found)
    kept = [text[start:end] for start, end in zip([0, *edges[1::2]], [*edges[::2], len(text)], strict=True)]
    assert mask(text) == "".join(
        piece for pair in zip(kept, [*(f"[{one.kind}]" for one in found), ""], strict=True) for piece in pair
    )


# The second line: what masking one frees the next, which must not cost a round each.
REPEATED = (
    "1|13812345678|省市区|北京市朝阳区建国路88号|1号|路1号|a|a.|a@|a.b@|先生|王|微信|加V|单号:|订单号|姓王|京A|0755-|(|-"
    "|3栋2单元|13812345678-|a@b.com1@|010-62345678-|王明方先生|阳光花园1号|110101199003073327X"
)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("unit", REPEATED.split("|"))
def test_a_text_of_repeats_is_masked_in_linear_time(unit: str) -> None:
    """A pattern that backtracks over the whole text would take hours here; the timeout is generous on purpose."""
    text = unit * (300_000 // len(unit))
    assert len(find(text)) <= len(text)


def test_the_benchmark_counts_what_is_wrong_and_what_is_missed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(
        '{"text": "王女士", "spans": [[0, 1, "姓名"]], "note": ""}\n'
        '{"text": "李女士", "spans": [], "note": ""}\n'
        '{"text": "QQ", "spans": [[0, 2, "QQ号"]], "note": ""}\n',
        encoding="utf-8",
    )
    monkeypatch.setattr(sys, "argv", ["pii.py", str(path)])
    with pytest.raises(SystemExit, match="0"):
        runpy.run_path(str(BENCHMARK), run_name="__main__")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "kind         found   wrong  missed  precision  recall"
    assert lines[7] == "QQ号             0       0       1          –   0.000"
    assert lines[12:] == [
        "姓名             1       1       0      0.500   1.000",
        "all              1       1       1      0.500   0.500",
        "3 cases; of 1 that hold nothing personal, 0 were left alone.",
    ]
