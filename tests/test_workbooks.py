"""Excel workbooks: which of their sheets are read, and what people see in their cells."""

import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from command import run
from test_grids import HEADER, collect, flat

from feedback.collectors.base import Unreadable
from feedback.collectors.sheet_xml import Merged, read_facts
from feedback.collectors.suggest import UnknownLayout
from feedback.errors import CollectError

ROWS: list[list[object]] = [[*HEADER.split(",")], ["壶", "好", "2024-01-01"]]
DAMAGED = "{path} is damaged: no Excel workbook can be read from it. Save it again."


@pytest.mark.parametrize("name", ["x.xls", "x.csv", "x.dat", "x.xlsm", "x"])
def test_a_workbook_is_read_whatever_it_is_called(tmp_path: Path, name: str) -> None:
    path = sheets(tmp_path / "x.xlsx", 一=ROWS).rename(tmp_path / name)
    assert collect(path) == [flat(f"{name}:2", "好")]


def test_sheets_with_the_same_header_are_read_on_and_others_are_reported(tmp_path: Path) -> None:
    from openpyxl import Workbook

    workbook = Workbook()
    for title, rows in {
        "一": [HEADER.split(","), ["壶", "好", "2024-01-01"]],
        "二": [HEADER.split(","), ["壶", "差", "2024-01-01"]],
        "说明": [["制表人", "日期"], ["甲", "今天"]],
    }.items():
        sheet = workbook.create_sheet(title)
        for row in rows:
            sheet.append(row)
    workbook.save(tmp_path / "x.xlsx")
    assert collect(tmp_path / "x.xlsx") == [
        flat("x.xlsx:2", "好"),
        flat("x.xlsx[二]:2", "差"),
        Unreadable(
            "x.xlsx[说明]:1",
            "this sheet of 2 rows was not read: its columns are not those of 'the first sheet'; "
            "save it as a file of its own if customers speak in it",
        ),
    ]


def book(path: Path, rows: list[list[str | None]], *merged: str) -> Path:
    from openpyxl import Workbook

    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    for cells in merged:
        sheet.merge_cells(cells)
    workbook.save(path)
    return path


def test_cells_that_were_merged_downwards_hold_their_value_in_every_row(tmp_path: Path) -> None:
    rows: list[list[str | None]] = [
        ["店铺评价", None, None],
        [*HEADER.split(",")],
        ["壶", "好", "2024-01-01"],
        [None, "差", None],
        [None, "一般", None],
        [None, "没有产品", "2024-01-01"],
        ["壶", "又好", "2024-01-01"],
    ]
    path = book(tmp_path / "x.xlsx", rows, "A1:C1", "A3:A5", "C3:C5")
    last = replace(flat("x.xlsx:6", "没有产品"), product=None)
    told = [flat("x.xlsx:3", "好"), flat("x.xlsx:4", "差"), flat("x.xlsx:5", "一般"), last, flat("x.xlsx:7", "又好")]
    assert collect(path) == told


def test_a_row_of_a_workbook_lacks_its_last_cells_where_they_are_empty_and_may_have_notes_beside_it(
    tmp_path: Path,
) -> None:
    rows: list[list[str | None]] = [
        HEADER.split(","),
        ["壶", "好"],
        ["壶", "差", "2024-01-01", None, "已回访"],
        [None, "一般", "2024-01-01"],
    ]
    assert collect(book(tmp_path / "x.xlsx", rows)) == [
        replace(flat("x.xlsx:2", "好"), posted_at=None),
        flat("x.xlsx:3", "差"),
        replace(flat("x.xlsx:4", "一般"), product=None),
    ]


@pytest.mark.parametrize("size", [1, 7, 64, 1 << 20])
def test_merged_cells_are_found_wherever_the_sheet_is_cut_into_pieces(size: int) -> None:
    class Pieces(io.BytesIO):
        def read(self, _size: int | None = None) -> bytes:
            return super().read(size)

    xml = b'<row r="1"/></sheetData><mergeCells count="4"><mergeCell ref="A2:A4"/><x:mergeCell  ref=\'AB12:AB13\' />'
    xml += b'<mergeCell ref="A1:C1"/><mergeCell other="1" ref="B1:B2"/></mergeCells>'
    xml += b'<c r="A1"><f>1+1</f><v></v></c><c r="A2" s="1"><f>B1</f><v/></c><c r="A3"><f>B1</f><v>3</v></c>'
    xml += b'<c r="A4" t="str"><f>IF(B1,"","")</f><v></v></c><c r="A5"/><c r="A6"><v>7</v></c>'
    assert read_facts(Pieces(xml)) == ([Merged(1, 2, 1), Merged(2, 4, 0), Merged(12, 13, 27)], 2)


def sheets(path: Path, **named: list[list[object]]) -> Path:
    from openpyxl import Workbook

    workbook = Workbook()
    assert workbook.active is not None
    workbook.remove(workbook.active)
    for title, rows in named.items():
        sheet = workbook.create_sheet(title)
        for row in rows:
            sheet.append(row)
    workbook.save(path)
    return path


def test_each_sheet_has_its_own_header_wherever_it_is_and_its_own_order_of_columns(tmp_path: Path) -> None:
    path = sheets(
        tmp_path / "x.xlsx",
        说明=[["商品评价导出"], ["导出人：小周"]],
        一月=[["一月的评价"], [*HEADER.split(",")], ["壶", "好", "2024-01-01"]],
        二月=[
            ["二月的评价"],
            ["导出于三月"],
            ["content", "creationtime", "location", "product"],
            ["差", "2024-01-01", "广东", "壶"],
        ],
    )
    assert collect(path) == [
        flat("x.xlsx[一月]:3", "好"),
        replace(flat("x.xlsx[二月]:4", "差"), region="广东"),
        Unreadable(
            "x.xlsx:1",
            "this sheet of 2 rows was not read: its columns are not those of '一月'; "
            "save it as a file of its own if customers speak in it",
        ),
    ]


def test_of_sheets_that_nobody_knows_the_one_with_the_most_columns_is_shown(tmp_path: Path) -> None:
    path = sheets(
        tmp_path / "x.xlsx", 说明=[["导出人", "小周"]], 数据=[["编号", "顾客说", "几时"], ["7", "好", "昨天"]]
    )
    with pytest.raises(UnknownLayout) as caught:
        collect(path)
    assert "Its columns: 编号、顾客说、几时\n" in str(caught.value)


@pytest.mark.parametrize("number", [27, 31, 36, 57, 58])
def test_dates_in_the_forms_of_chinese_excel_are_dates(tmp_path: Path, number: int) -> None:
    rows = [[*HEADER.split(",")], ["壶", "好", datetime(2024, 1, 1, 10, 20)]]
    path = sheets(tmp_path / "x.xlsx", 一=rows)
    form = f'numFmtId="{number}"'.encode()
    altered(
        path,
        "xl/styles.xml",
        lambda styles: re.sub(rb'numFmtId="1\d\d"', form, re.sub(rb"<numFmts.*</numFmts>", b"", styles)),
    )
    assert collect(path) == [replace(flat("x.xlsx:2", "好"), posted_at="2024-01-01 10:20:00")]


def test_what_a_workbook_writes_by_codes_is_read_as_it_was_typed(tmp_path: Path) -> None:
    path = sheets(tmp_path / "x.xlsx", 一=[[*HEADER.split(",")], ["壶", "第一行_x000D_\n第二行_x005F_x", "2024-01-01"]])
    assert collect(path) == [flat("x.xlsx:2", "第一行\r\n第二行_x")]


def test_formulas_that_nobody_calculated_are_told(tmp_path: Path) -> None:
    rows: list[list[object]] = [[*HEADER.split(",")], ["壶", "好", "=TODAY()"], ["=A2", "差", "2024-01-01"]]
    assert collect(sheets(tmp_path / "x.xlsx", 一=rows)) == [
        replace(flat("x.xlsx:2", "好"), posted_at=None),
        replace(flat("x.xlsx:3", "差"), product=None),
        Unreadable(
            "x.xlsx",
            "2 cells hold formulas without results, and count as empty: open the file in Excel, save it, and collect it again",
        ),
    ]


def altered(path: Path, part: str, change: Callable[[bytes], bytes]) -> Path:
    """A workbook with one of its parts changed."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts[part] = change(parts[part])
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def locked(path: Path) -> None:
    """Marks all parts of an archive as encrypted (APPNOTE 4.4.4)."""
    content = bytearray(path.read_bytes())
    for magic, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        for found in re.finditer(magic, bytes(content)):
            content[found.start() + flags] |= 1
    path.write_bytes(content)


def test_a_workbook_whose_parts_have_a_password_is_damaged(tmp_path: Path) -> None:
    path = sheets(tmp_path / "x.xlsx", 一=ROWS)
    locked(path)
    with pytest.raises(CollectError) as caught:
        collect(path)
    assert str(caught.value) == DAMAGED.format(path=path)


@pytest.mark.parametrize("fault", [RuntimeError("?"), OverflowError("?"), RecursionError("?")])
def test_whatever_openpyxl_raises_for_a_broken_workbook_is_said_of_that_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    def broken(*_given: object, **_named: object) -> object:
        raise fault

    (tmp_path / "feedback.toml").write_text('[project]\nname = "店"\n', encoding="utf-8")
    path = sheets(tmp_path / "x.xls", 一=ROWS)
    (tmp_path / "y.csv").write_text(f"{HEADER}\n壶,好,2024-01-01\n", encoding="utf-8")
    monkeypatch.setattr("openpyxl.load_workbook", broken)
    ran = run("collect", "table", path, tmp_path / "y.csv", "--name", "店", project=tmp_path)
    assert (ran.code, ran.out) == (1, "店: 1 new\n")
    assert ran.err == f"Error: 店: {DAMAGED.format(path=path)}\n"
    ran = run("doctor", path, project=tmp_path)
    assert (ran.code, ran.err) == (1, f"Error: {DAMAGED.format(path=path)}\n")


SHEET = "xl/worksheets/sheet1.xml"


def test_a_row_that_openpyxl_can_not_read_is_the_end_of_its_file_and_no_bug(tmp_path: Path) -> None:
    path = sheets(tmp_path / "x.xlsx", 一=ROWS)
    date = b't="inlineStr"><is><t>2024-01-01</t></is>'
    altered(path, SHEET, lambda xml: xml.replace(date, b't="s"><v>99</v>'))  # a text that is not there
    with pytest.raises(CollectError) as caught:
        collect(path)
    assert str(caught.value) == f"{path}, sheet 一, is damaged: it can't be read to its end. Save it again."


def test_what_openpyxl_leaves_out_of_a_sheet_and_nobody_collects_is_not_spoken_of(tmp_path: Path) -> None:
    path = sheets(tmp_path / "x.xlsx", 一=ROWS)
    rest = b'<extLst><ext uri="{CCE6A557-97BC-4B89-ADB6-D9C93CAAB3DF}"/></extLst></worksheet>'
    altered(path, SHEET, lambda xml: xml.replace(b"</worksheet>", rest))
    assert collect(path) == [flat("x.xlsx:2", "好")]


HIDDEN = "this hidden sheet of 2 rows was not read; unhide it in Excel and save the file if customers speak in it"


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_a_sheet_that_is_hidden_is_not_read_and_told(tmp_path: Path, state: str) -> None:
    path = sheets(tmp_path / "x.xlsx", 一=ROWS, 二=ROWS, 空=[], 三=ROWS)
    hide(path, state, "一", "空", "三")
    assert collect(path) == [
        flat("x.xlsx:2", "好"),
        Unreadable("x.xlsx[一]:1", HIDDEN),
        Unreadable("x.xlsx[三]:1", HIDDEN),
    ]


def test_a_workbook_that_shows_no_sheet_with_rows_says_what_is_hidden(tmp_path: Path) -> None:
    path = sheets(tmp_path / "x.xlsx", 说明=[], 一=ROWS, 二=ROWS)
    hide(path, "hidden", "一", "二")
    with pytest.raises(CollectError) as caught:
        collect(path)
    assert str(caught.value) == (
        f"{path}: no sheet of this workbook holds any rows, but for those that are hidden (一, 二): "
        "unhide them in Excel and save it, if they are to be read."
    )


def hide(path: Path, state: str, *titles: str) -> None:
    from openpyxl import load_workbook

    workbook = load_workbook(path)
    for title in titles:
        workbook[title].sheet_state = state
    workbook.active = next(n for n, sheet in enumerate(workbook.worksheets) if sheet.sheet_state == "visible")
    workbook.save(path)
