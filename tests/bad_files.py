"""Files that nobody should send, and everybody does: cut off, mislabelled, glued together, hostile. Everyone in them is made up."""

import io
import random
import zipfile
from pathlib import Path

HEADER = "product,content,creationtime,location,productcolor\n"
ROW = "台灯,灯不亮了找谁修{},2026-02-24 10:00:00,浙江,白\n"
GOOD = HEADER + ROW.format(1) + ROW.format(2)
OBJECT = '{{"product": "台灯", "content": {}, "creationtime": "2026-02-24 10:00:00"}}\n'

_NOISE = random.Random(1).randbytes(3000)
_MEGABYTE = 1 << 20


def zipped(**parts: str) -> bytes:
    """A ZIP archive; the names' `__` stand for `/`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name.replace("__", "/") + ".xml", text)
    return buffer.getvalue()


def workbook() -> bytes:
    """An Excel workbook with one row that can be read."""
    from openpyxl import Workbook

    book, buffer = Workbook(), io.BytesIO()
    assert book.active is not None
    for line in (HEADER, ROW.format(1)):
        book.active.append(line.strip().split(","))
    book.save(buffer)
    return buffer.getvalue()


# What can't be collected at all: file name, bytes, and what is said of it ({path} is the whole path).
REFUSED: dict[str, tuple[str, bytes, str]] = {
    "nothing in it": ("r.csv", b"", "{path} is empty."),
    "blanks alone": (
        *("r.csv", b"\xef\xbb\xbf \r\n\r\n"),
        "{path} can't be read as a table: no row of it is whole. Save it again as CSV UTF-8.",
    ),
    "a picture called .csv": (
        *("r.csv", b"\x89PNG\r\n\x1a\n" + _NOISE),
        "{path} is a PNG picture, not text. Export the data as CSV, Excel (.xlsx) or JSON.",
    ),
    "noise called .csv": (
        *("r.csv", bytes(byte for byte in _NOISE if byte)),
        "{path} is in none of the encodings known (UTF-8, GB18030/GBK, Big5, UTF-16). "
        "Open it in Excel or a text editor and save it as UTF-8.",
    ),
    "NUL bytes alone": (
        *("r.csv", b"\0" * 5000),
        "{path} is not a text file. Export it again as CSV, Excel (.xlsx) or JSON.",
    ),
    "the beginning of a workbook": (
        *("r.xlsx", workbook()[:2000]),
        "{path} is damaged: no Excel workbook can be read from it. Save it again.",
    ),
    "a ZIP archive called .xlsx": (
        *("r.xlsx", zipped(notes="x")),
        "{path} is a ZIP archive, not a table. Unpack it and collect the files inside.",
    ),
    "a workbook without sheets": (
        *("r.xlsx", zipped(xl__workbook="<workbook", **{"[Content_Types]": "<Types/>"})),
        "{path} is damaged: no Excel workbook can be read from it. Save it again.",
    ),
    "an old workbook": (
        *("r.xls", b"\xd0\xcf\x11\xe0" + _NOISE),
        "{path} is an old Excel file (.xls) or protected by a password. "
        "Open it in Excel and save it as .xlsx without a password.",
    ),
    "a web page called .xls": (
        *("r.xls", b"<html><table><tr><td>1</td></tr></table></html>"),
        "{path} is a web page, not a table. Open it in Excel and save it as .xlsx.",
    ),
    "JSON cut off": (
        *("r.json", '[{"content": "灯不亮"'.encode()),
        "{path} is not valid JSON: Expecting ',' delimiter at line 1, column 19. Was it cut off?",
    ),
    "a hundred thousand brackets": (
        *("r.json", b"[" * 100_000),
        "{path} can't be read as JSON: "
        "maximum recursion depth exceeded while decoding a JSON array from a unicode string",
    ),
    "a hundred thousand brackets, called .jsonl": (
        *("r.jsonl", b"[" * 100_000),
        "{path} holds no records: it is not valid JSON: "
        "maximum recursion depth exceeded while decoding a JSON array from a unicode string.",
    ),
    "Parquet cut off": (
        *("r.parquet", b"PAR1" + _NOISE[:300]),
        "{path} can't be read as a Parquet file: Parquet magic bytes not found in footer. "
        "Either the file is corrupted or this is not a parquet file.",
    ),
}

# What is collected as far as it goes: file name, bytes, how many verbatims, and the rows refused with their reasons.
SALVAGED: dict[str, tuple[str, bytes, int, list[tuple[str, str]]]] = {
    "three encodings in one file": (
        "r.csv",
        (HEADER + ROW.format(1)).encode() + ROW.format(2).encode("gb18030") + b"\xef\xbb\xbf" + ROW.format(3).encode(),
        *(3, []),
    ),
    "a line in no encoding": (
        *("r.csv", GOOD.encode() + b"\xff\xfe\xfa,\x80,1,2,3\n", 2),
        [("r.csv:4", "its bytes are not UTF-8 or GB18030")],
    ),
    "NUL bytes in a row": (
        *("r.csv", GOOD.encode() + "台灯,灯不\0亮,2026-02-24 10:00:00,浙江,白\n".encode(), 2),
        [("r.csv:4", "it holds NUL bytes: the file is damaged here")],
    ),
    "a quote never closed": (
        *("r.csv", (HEADER + '台灯,"灯不亮,2026-02-24 10:00:00,浙江,白\n' + ROW.format(1) + ROW.format(2)).encode()),
        *(3, []),
    ),
    "Windows line ends": ("r.csv", GOOD.replace("\n", "\r\n").encode(), 2, []),
    "old Macintosh line ends": ("r.csv", GOOD.replace("\n", "\r").encode(), 2, []),
    "a number of 5,000 digits": (
        *("r.jsonl", (OBJECT.format('"灯不亮"') + OBJECT.format("9" * 5000)).encode(), 1),
        [
            (
                "r.jsonl:2",
                "it is not valid JSON: Exceeds the limit (4300 digits) for integer string conversion: "
                "value has 5000 digits; use sys.set_int_max_str_digits() to increase the limit",
            )
        ],
    ),
    "half a character": (
        *("r.jsonl", (OBJECT.format('"灯不亮"') + OBJECT.format('"\\ud83d灯\\u0000暗"')).encode(), 2),
        [("r.jsonl:2", "it holds half a character or a NUL, which is left out")],
    ),
    "lists in lists as a text": (
        *("r.jsonl", (OBJECT.format('"灯不亮"') + OBJECT.format("[" * 900 + "]" * 900)).encode(), 2, []),
    ),
    "100,000 columns": (
        "r.csv",
        "".join(f"{row.strip()}{',x' * 100_000}\n" for row in (HEADER, ROW.format(1))).encode(),
        *(1, []),
    ),
}


def write_line_of_200_mb(path: Path, before: str, after: str) -> None:
    block = "好".encode() * (_MEGABYTE // 3)
    with path.open("wb") as file:
        file.write(before.encode())
        for _ in range(200):
            file.write(block)
        file.write(after.encode())


# A line of 200 MB in each kind of file that is read by lines: what stands before it and after it, and where it is.
LONG_LINES: dict[str, tuple[str, str, str]] = {
    "r.csv": (GOOD + "台灯,", ",2026-02-24 10:00:00,浙江,白\n" + ROW.format(3), "r.csv:4"),
    "r.jsonl": (
        OBJECT.format('"灯不亮1"') + OBJECT.format('"灯不亮2"') + '{"content": "',
        '"}\n' + OBJECT.format('"灯不亮3"'),
        "r.jsonl:3",
    ),
}


def write_zip_bomb(path: Path, part: str, megabytes: int) -> None:
    """A workbook whose `part` unpacks to so many megabytes of one letter."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, zipfile.ZipFile(io.BytesIO(workbook())) as sound:
        for name in sound.namelist():
            if name != part:
                archive.writestr(name, sound.read(name))
        with archive.open(part, "w") as bomb:
            for _ in range(megabytes):
                bomb.write(b"x" * _MEGABYTE)
