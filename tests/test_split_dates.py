"""A day in one column and the time of day in another, as tills and call centres export them, from CSV and from Excel."""

from datetime import UTC, datetime, time
from pathlib import Path

import pytest
from openpyxl import Workbook

from feedback.collectors.base import Part, Record, SourceConfig
from feedback.collectors.layout import Pick, parse_layout
from feedback.collectors.suggest import suggest_layout
from feedback.collectors.table import TableCollector
from feedback.dates import DateReader

LAYOUT = 'name="o"\nkind="review"\nchannel="c"\n[columns]\ntext="话"\nposted_at = { join = ["日期", "时间"] }\n'
EXTRA = '[[texts]]\nsuffix = "after"\ntext = "追评"\nposted_at = { join = ["日期", "时间"] }\n'
READER = DateReader("Asia/Shanghai", datetime(2026, 3, 2, tzinfo=UTC))


def dates(path: Path, layout: str = LAYOUT) -> list[str | None]:
    (path.parent / "own.toml").write_text(layout, encoding="utf-8")
    config = SourceConfig("shop", "table", base=path.parent, layout="own.toml")
    found = TableCollector().collect(Part(path.name, path), config)
    return [record.posted_at for record in found if isinstance(record, Record)]


@pytest.mark.parametrize(
    "day, clock, joined",
    [
        ("2026-03-01", "10:20:00", "2026-03-01 10:20:00"),
        ("2026-03-01 00:00:00", "10:20:00", "2026-03-01 10:20:00"),  # as Excel has a day
        ("2026/3/1 0:00", "9:05", "2026/3/1 9:05"),
        ("2026年3月1日 00:00", "下午3点05分", "2026年3月1日 下午3点05分"),
        ("2026-03-01 00:00:00", "", "2026-03-01 00:00:00"),
        ("2026-03-01 00:00:00", "00:00:00", "2026-03-01 00:00:00"),
        ("2026-03-01 00:00:00", "2026-03-01 10:20:00", "2026-03-01 10:20:00"),  # the other one is whole
        ("2026/3/1", "2026/3/1 10:20", "2026/3/1 10:20"),
        ("2026-03-01 00:00:00", "+08:00", "2026-03-01 00:00:00 +08:00"),  # a zone is no time of day
    ],
)
def test_a_day_and_a_time_of_day_are_one_date(tmp_path: Path, day: str, clock: str, joined: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(f"话,日期,时间,追评\n好,{day},{clock},坏了\n", encoding="utf-8")
    assert dates(path) == [joined]
    assert dates(path, LAYOUT + EXTRA) == [joined, joined]
    assert READER.read(joined) > "2026-02-28"


@pytest.mark.parametrize(
    "day, clock",
    [
        ("2026-03-01 00:00:00", "2026-03-02 10:20:00"),  # which of two days it was nobody knows
        ("2026-03-01 08:00:00", "10:20:00"),
    ],
)
def test_two_times_that_contradict_each_other_stay_as_they_are_and_are_unknown(
    tmp_path: Path, day: str, clock: str
) -> None:
    path = tmp_path / "x.csv"
    path.write_text(f"话,日期,时间\n好,{day},{clock}\n", encoding="utf-8")
    assert dates(path) == [f"{day} {clock}"]


def test_cells_of_excel_that_are_a_day_and_a_time_of_day_are_joined(tmp_path: Path) -> None:
    book = Workbook()
    assert book.active is not None
    for row in (["话", "日期", "时间"], ["好", datetime(2026, 3, 1), time(10, 20)]):
        book.active.append(row)
    book.save(tmp_path / "x.xlsx")
    assert dates(tmp_path / "x.xlsx") == ["2026-03-01 10:20:00"]


@pytest.mark.parametrize(
    "columns, pick",
    [
        (["内容", "日期", "时间"], Pick(("日期", "时间"), join=True)),
        (["时间", "日期", "内容"], Pick(("日期", "时间"), join=True)),
        (["评价内容", "评价時間", "评价日期"], Pick(("评价日期", "评价時間"), join=True)),
        (["comment", "create_date", "Create_Time"], Pick(("create_date", "Create_Time"), join=True)),
        (["内容", "评价时间", "下单日期"], Pick(("评价时间",))),  # of something else
        (["内容", "时间"], Pick(("时间",))),
    ],
)
def test_a_drafted_layout_joins_the_day_and_the_time_of_day(columns: list[str], pick: Pick) -> None:
    draft = suggest_layout("x", columns)
    assert parse_layout(draft, "x").columns["posted_at"] == pick
    assert "没有用到的列" not in draft or columns == ["内容", "评价时间", "下单日期"]
