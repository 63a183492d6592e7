"""Files as they come: every way of writing a table that is read, and every way a file can be bad."""

import csv
import io
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.clean import NOT_WHOLE
from feedback.collectors.base import Item, Part, RawScore, Record, SourceConfig, Unreadable
from feedback.collectors.grids import read_csv
from feedback.collectors.table import TableCollector
from feedback.errors import CollectError

HEADER = "product,content,creationtime"


def collect(path: Path) -> list[Item]:
    return list(TableCollector().collect(Part(path.name, path), SourceConfig("shop", "table", base=path.parent)))


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def flat(location: str, text: str) -> Record:
    return Record(text, "review", "电商", location, posted_at="2024-01-01", product="壶")


def star(value: str) -> RawScore:
    return RawScore("star", value, 1, 5)


GROUPS = ["订单", "", "评价", ""]
NAMES = ["编号", "店", "内容", "评价时间"]


@pytest.mark.parametrize(
    ("first", "second", "columns"),
    [
        pytest.param(GROUPS, NAMES, NAMES, id="groups above names"),
        pytest.param(
            ["商品", "店", "内容", ""],
            ["壶", "东店", "很好", "甲"],
            ["商品", "店", "内容"],
            id="a header with a column too many",
        ),
        pytest.param(
            ["序号", "顾客", "", "评价", "", "", "处理"],
            ["序号", "昵称", "地区", "内容", "时间", "星级", "处理"],
            ["序号", "昵称", "地区", "内容", "时间", "星级", "处理"],
            id="columns merged over both rows",
        ),
        pytest.param(
            ["部门：客服部", "负责人：小周", ""], ["编号", "内容", "时间"], ["编号", "内容", "时间"], id="notes above"
        ),
        pytest.param(GROUPS, ["7", "东店", "好", "2024-01-01"], ["订单", "", "评价"], id="a row below"),
        pytest.param(
            GROUPS, ["编号", "编号", "内容", "评价时间"], ["订单", "", "评价"], id="not names: one comes twice"
        ),
        pytest.param(["内容", "", "店"], ["内容", "店", "内容"], ["内容", "", "店"], id="a few names missing"),
        pytest.param(["店", "内容", "店"], ["东店", "好", "b"], ["店", "内容", "店 (2)"], id="one name twice"),
    ],
)
def test_the_header_is_where_the_columns_have_names(
    tmp_path: Path, first: list[str], second: list[str], columns: list[str]
) -> None:
    path = write(tmp_path, "x.csv", ",".join(first) + "\n" + ",".join(second) + "\n")
    assert read_csv(path, lambda _cells: False).columns == columns


def test_of_two_columns_with_one_name_the_first_is_meant_and_the_second_has_a_number(tmp_path: Path) -> None:
    path = write(tmp_path, "x.csv", f"{HEADER},content\n壶,好,2024-01-01,追评\n{HEADER},content\n")
    assert collect(path) == [flat("x.csv:2", "好")]
    (tmp_path / "x.layout.toml").write_text(
        'name = "x"\nkind = "review"\nchannel = "电商"\n[columns]\ntext = "content (2)"\n', encoding="utf-8"
    )
    config = SourceConfig("shop", "table", base=tmp_path, layout="x.layout.toml")
    [item] = TableCollector().collect(Part(path.name, path), config)
    assert isinstance(item, Record)
    assert item.text == "追评"


@pytest.mark.parametrize("sums", ["合计", "小计：", "平均分", "总计 8 条", "Total"])
def test_a_row_that_sums_up_others_is_no_feedback(tmp_path: Path, sums: str) -> None:
    path = write(tmp_path, "x.csv", f"{HEADER}\n壶,好,2024-01-01\n,{sums},4.3\n{sums},2,\n合计的数,不对,2024-01-01\n")
    told = f"it sums up other rows ('{sums}')"
    assert collect(path) == [
        flat("x.csv:2", "好"),
        Unreadable("x.csv:3", told),
        Unreadable("x.csv:4", told),
        replace(flat("x.csv:5", "不对"), product="合计的数"),
    ]


GOOD = [
    (f"{HEADER}\n壶,好,2024-01-01\n", [(2, "好")]),
    (f"\ufeff{HEADER}\r\n壶,好,2024-01-01\r\n\r\n,,\r\n", [(2, "好")]),
    (f"{HEADER}\r壶,好,2024-01-01\r", [(2, "好")]),
    (f"{HEADER}\n壶,好,2024-01-01".replace(",", "\t"), [(2, "好")]),
    (f"{HEADER}\n壶,好,2024-01-01\n".replace(",", ";"), [(2, "好")]),
    (f"{HEADER}\n壶,好,2024-01-01\n".replace(",", "|"), [(2, "好")]),
    (f"商品评价,,\n导出：2024-02,,\n{HEADER}\n壶,好,2024-01-01\n", [(4, "好")]),
    (f"{HEADER}\n壶,好,2024-01-01\n" * 2, [(2, "好"), (4, "好")]),  # glued: the second header is no row
    (f'{HEADER}\n壶,"好,\n很好""嘿""",2024-01-01\n壶,差,2024-01-01', [(2, '好,\n很好"嘿"'), (4, "差")]),
    (f'{HEADER}\n壶,"好"吧,2024-01-01\n壶,他说"好",2024-01-01\n', [(2, "好吧"), (3, '他说"好"')]),
    # A quote that is never closed, or is "closed" by the next row's, must not swallow rows.
    (f'{HEADER}\n壶,"好,2024-01-01\n壶,差,2024-01-01\n', [(2, '"好'), (3, "差")]),
    (f'{HEADER}\n壶,"好,2024-01-01\n壶,"差,2024-01-01\n', [(2, '"好'), (3, '"差')]),
    (f"{HEADER}\n壶,好,2024-01-01,,\n", [(2, "好")]),
]


@pytest.mark.parametrize("content, rows", GOOD)
def test_a_table_is_read_however_it_is_written(tmp_path: Path, content: str, rows: list[tuple[int, str]]) -> None:
    path = write(tmp_path, "x.csv", content)
    assert collect(path) == [flat(f"x.csv:{line}", text) for line, text in rows]


def test_a_header_alone_gives_no_rows(tmp_path: Path) -> None:
    assert collect(write(tmp_path, "x.csv", HEADER + "\n")) == []


BAD_ROWS = [
    ("壶,好\n", "it has 2 columns where the header has 3: a comma, quote or line break too many?"),
    ("壶,好,2024-01-01,多\n", "it has 4 columns where the header has 3: a comma, quote or line break too many?"),
    ("壶,a\0b,2024-01-01\n", "it holds NUL bytes: the file is damaged here"),
]


@pytest.mark.parametrize("line, reason", BAD_ROWS)
def test_a_bad_row_is_reported_and_the_next_is_read(tmp_path: Path, line: str, reason: str) -> None:
    path = write(tmp_path, "x.csv", f"{HEADER}\n{line}壶,好,2024-01-01\n")
    assert collect(path) == [Unreadable("x.csv:2", reason), flat("x.csv:3", "好")]


def test_an_open_quote_far_from_the_end_costs_only_its_row(tmp_path: Path) -> None:
    rows = "".join(f"壶,第{n}条,2024-01-01\n" for n in range(12_000))
    path = write(tmp_path, "x.csv", f'{HEADER}\n壶,"好,2024-01-01\n{rows}')
    found = collect(path)
    assert len(found) == 12_001
    assert found[0] == flat("x.csv:2", '"好')
    assert found[-1] == flat("x.csv:12002", "第11999条")


def test_a_row_of_bytes_that_no_encoding_reads_is_reported(tmp_path: Path) -> None:
    rows = f"{HEADER}\n壶,很好,2024-01-01\n".encode()
    found = collect(write(tmp_path, "x.csv", rows + "壶,包装破".encode()[:-1] + b",2024-01-01\n"))
    assert found == [
        flat("x.csv:2", "很好"),
        Unreadable("x.csv:3", "its bytes are not UTF-8 or GB18030"),
    ]


def test_broken_lines_of_json_lines_are_reported_each(tmp_path: Path) -> None:
    good = '{"product":"壶","content":"好","creationtime":"2024-01-01"}\n'
    path = write(
        tmp_path,
        "x.jsonl",
        good + '{"content":\n\n[1]\n' + good.replace("好", "x\\ud800") + good.replace('"好"', "null"),
    )
    assert collect(path) == [
        flat("x.jsonl:1", "好"),
        Unreadable("x.jsonl:2", "it is not valid JSON: Expecting value: line 2 column 1 (char 12)"),
        Unreadable("x.jsonl:4", "it is not an object"),
        replace(flat("x.jsonl:5", "x\ud800"), problems=(NOT_WHOLE,)),
        flat("x.jsonl:6", ""),
    ]


def test_pages_one_a_line_are_opened_and_an_empty_one_is_no_error(tmp_path: Path) -> None:
    page = '{"comments":[{"content":"好","creationTime":"2024-01-01","score":5}]}'
    record = Record("好", "review", "京东", "x.json:1.1", posted_at="2024-01-01", scores=(star("5"),))
    assert collect(write(tmp_path, "x.json", f'{page}\njQuery_1({page});\n{{"comments":[]}}\n')) == [
        record,
        Record("好", "review", "京东", "x.json:2.1", posted_at="2024-01-01", scores=(star("5"),)),
    ]
    assert collect(write(tmp_path, "y.json", '{"comments":[]}')) == []


def zipped(name: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, "x")
    return buffer.getvalue()


BAD_FILES = [
    ("x.csv", b"", "{path} is empty."),
    ("x.csv", b"\n\n", "{path} is empty."),
    ("x.csv", b"\x89PNG\r\n", "{path} is a PNG picture, not text. Export the data as CSV, Excel (.xlsx) or JSON."),
    ("x.csv", zipped("a.txt"), "{path} is a ZIP archive, not a table. Unpack it and collect the files inside."),
    ("x.xlsx", zipped("xl/a.txt"), "{path} is damaged: no Excel workbook can be read from it. Save it again."),
    ("x.xlsx", zipped("a")[:20], "{path} is damaged: no Excel workbook can be read from it. Save it again."),
    (
        "x.xls",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512),
        "{path} is an old Excel file (.xls) or protected by a password. "
        "Open it in Excel and save it as .xlsx without a password.",
    ),
    ("x.xls", b"<html><table>", "{path} is a web page, not a table. Open it in Excel and save it as .xlsx."),
    (
        "x.json",
        b'{"comments":[{"content":"a"',
        "{path} is not valid JSON: Expecting ',' delimiter at line 1, column 28. Was it cut off?",
    ),
    ("x.json", b"[]", "{path} holds no records: it is empty."),
    ("x.json", b"[1, 2]", "{path} holds no records: it is not an object."),
    ("x.jsonl", b"{\n", "{path} holds no records: it is not valid JSON: Expecting property name enclosed in double "
     "quotes: line 2 column 1 (char 2)."),
    (
        "x.csv",
        b"x" * (17 << 20),
        "{path}: line 1: the line is longer than 16 MB. Is this a table of customer feedback?",
    ),
]  # fmt: skip


@pytest.mark.parametrize("name, content, message", BAD_FILES)
def test_a_bad_file_is_one_line_that_says_what_to_do(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = write(tmp_path, name, content)
    with pytest.raises(CollectError) as caught:
        collect(path)
    assert str(caught.value) == message.format(path=path)


def test_a_damaged_parquet_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CollectError, match=r"x\.parquet can't be read as a Parquet file: "):
        collect(write(tmp_path, "x.parquet", b"PAR1" + bytes(100)))


def test_json_nested_too_deep_is_an_error_and_no_crash(tmp_path: Path) -> None:
    with pytest.raises(CollectError, match=r"x\.json can't be read as JSON: maximum recursion depth"):
        collect(write(tmp_path, "x.json", "[" * 200_000))


# Not in the texts: what makes a row unreadable (NULs, half characters), a mark, and line ends that editors rewrite.
_TEXT = st.text(
    alphabet=st.one_of(st.sampled_from('",;\t|\n 好差的了，。"'), st.characters(exclude_categories=["Cs", "Cc"])),
    max_size=30,
)


@given(rows=st.lists(st.tuples(_TEXT, _TEXT), max_size=12), codec=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_whatever_a_csv_writer_writes_comes_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], codec: str
) -> None:
    rows = [(f"的{a}".replace("\ufeff", ""), f"好{b}".replace("\ufeff", "")) for a, b in rows]
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(["product", "content", "creationtime"])
    writer.writerows([(product, text, "2024-01-01") for product, text in rows])
    path = tmp_path_factory.mktemp("c") / "x.csv"
    path.write_bytes(buffer.getvalue().encode(codec))
    found = [(i.product, i.text) if isinstance(i, Record) else i for i in collect(path)]
    assert found == [(product.strip(), text) for product, text in rows]
