"""Ids: long ones stay text, wrappers come off, and what Excel ruined is reported instead of used."""

from pathlib import Path

import pytest

from feedback.collectors.base import Item, Part, Record, SourceConfig
from feedback.collectors.ids import IdColumn
from feedback.collectors.table import TableCollector

LAYOUT = 'name="o"\nkind="review"\nchannel="c"\n[columns]\ntext="t"\nsource_id="i"\n'


def collect(path: Path) -> list[Item]:
    (path.parent / "own.toml").write_text(LAYOUT, encoding="utf-8")
    source = SourceConfig("shop", "table", base=path.parent, layout="own.toml")
    return list(TableCollector().collect(Part(path.name, path), source))


IDS = [
    (["7000000000000000123", "'6900000000000000456", '="88"', "99\t", "5.0", "NO-7"], None),
    (["7000000000000000123"] * 3 + ["7000000000000000000"], None),  # one round number among exact ones is just that
    (["1.23457E+18", "1.5E+17", "#NAME?", "#######"], "all"),
    (["7000000000000120000", "7000000000000130000", "12"], "long"),
]


@pytest.mark.parametrize("ids, ruined", IDS)
def test_long_ids_stay_text_and_ids_ruined_by_excel_are_reported(
    tmp_path: Path, ids: list[str], ruined: str | None
) -> None:
    quoted = [value.replace('"', '""') for value in ids]
    path = tmp_path / "x.csv"
    path.write_text("i,t\n" + "".join(f'"{value}",好\n' for value in quoted), encoding="utf-8")
    expected: list[tuple[str | None, tuple[str, ...]]] = []
    for value in ids:
        bare = value.strip().lstrip("'").removeprefix('="').removesuffix('"').removesuffix(".0")
        lost = ruined == "all" or (ruined == "long" and len(bare) > 15)
        expected.append((None, (f"source_id looks ruined by Excel: {bare}",)) if lost else (bare, ()))
    found = [item for item in collect(path) if isinstance(item, Record)]
    assert [(record.source_id, record.problems) for record in found] == expected


def test_whole_numbers_of_excel_beyond_fifteen_digits_are_known_to_be_ruined(tmp_path: Path) -> None:
    from openpyxl import Workbook

    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    for row in [["i", "t"], [1.23456789012345e18, "好"], [12.0, "差"]]:
        sheet.append(row)
    workbook.save(tmp_path / "x.xlsx")
    first, second = collect(tmp_path / "x.xlsx")
    assert isinstance(first, Record)
    assert isinstance(second, Record)
    assert first.problems == ("source_id looks ruined by Excel: 1.23456789012345e+18",)
    assert (first.source_id, second.source_id) == (None, "12")


def test_ids_that_a_data_frame_made_floating_point_numbers_are_not_used(tmp_path: Path) -> None:
    """pandas does so where one of them is missing; several ids are then one number."""
    import pyarrow
    import pyarrow.parquet

    ids = [float(1234567890123456700 + n) for n in range(3)]
    texts = ["好", "慢", "贵", "差", "行"]
    table = pyarrow.table({"i": pyarrow.array([*ids, None, 12.0], pyarrow.float64()), "t": texts})
    pyarrow.parquet.write_table(table, tmp_path / "x.parquet")
    found = [item for item in collect(tmp_path / "x.parquet") if isinstance(item, Record)]
    assert [record.source_id for record in found] == [None, None, None, None, "12"]
    assert [record.problems for record in found] == [
        *[("source_id looks ruined by Excel: 1.2345678901234568e+18",)] * 3,
        (),
        (),
    ]


def test_numbers_that_a_program_wrote_with_sixteen_digits_are_known_to_be_ruined() -> None:
    sample = ["756247381085762000", "172757217426062300", "9007199254740993"]
    column = IdColumn("source_id", sample)
    assert [column.read(each)[0] for each in sample] == [None, None, "9007199254740993"]
    whole = ["756247381085762037", "172757217426062276", "123456789012345600"]
    assert [IdColumn("source_id", whole).read(each)[0] for each in whole] == whole
