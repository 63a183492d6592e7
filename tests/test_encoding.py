"""Encodings are found from the bytes; nothing is replaced and nothing is lost."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.collectors import encoding
from feedback.collectors.encoding import Trouble, detect, open_text, read_text
from feedback.errors import CollectError

SIMPLIFIED = "商品,评价\n磨豆机,声音很大，而且开始漏粉了\n咖啡豆,很香，下次还会再买的\n"
TRADITIONAL = "商品,評價\n磨豆機,聲音很大，而且開始漏粉了\n咖啡豆,好香，下次仲會再買㗎\n"

KNOWN = [
    (SIMPLIFIED, "utf-8", "utf-8"),
    (SIMPLIFIED, "utf-8-sig", "utf-8"),
    (SIMPLIFIED, "gbk", "gb18030"),
    (SIMPLIFIED, "gb18030", "gb18030"),
    (SIMPLIFIED, "utf-16", "utf-16-le"),
    (SIMPLIFIED, "utf-16-le", "utf-16-le"),
    (SIMPLIFIED, "utf-16-be", "utf-16-be"),
    (TRADITIONAL, "utf-8", "utf-8"),
    (TRADITIONAL, "big5hkscs", "big5hkscs"),
    (TRADITIONAL, "gb18030", "gb18030"),  # traditional text does not mean Big5
    ("id,text\n1,ok\n", "ascii", "utf-8"),
    ("id,text\n1,café très bien\n", "utf-8", "utf-8"),
    ("联通\n", "gbk", "gb18030"),  # the classic that passes for UTF-8 in some editors
]


@pytest.mark.parametrize("text, codec, found", KNOWN)
def test_the_encoding_is_found_and_the_text_comes_whole(tmp_path: Path, text: str, codec: str, found: str) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(text.encode(codec))
    assert detect(path) == found
    with open_text(path) as lines:
        assert "".join(lines) == text
        assert lines.troubles == []
    assert read_text(path, 1000) == text


@pytest.mark.parametrize("codec", ["utf-8", "gb18030", "utf-16-le"])
def test_text_that_begins_after_a_long_english_head_is_found(tmp_path: Path, codec: str) -> None:
    text = "id,text\n" + "1,ok\n" * 200_000 + SIMPLIFIED
    path = tmp_path / "x.csv"
    path.write_bytes(text.encode(codec))
    assert detect(path) == codec
    with open_text(path) as lines:
        assert "".join(lines) == text


@pytest.mark.parametrize("first, second", [("utf-8", "gb18030"), ("gb18030", "utf-8"), ("utf-8", "big5hkscs")])
def test_files_glued_from_two_encodings_are_read_line_by_line(tmp_path: Path, first: str, second: str) -> None:
    other = TRADITIONAL if second == "big5hkscs" else SIMPLIFIED
    path = tmp_path / "x.csv"
    path.write_bytes((SIMPLIFIED * 5).encode(first) + other.encode(second) + SIMPLIFIED.encode(first))
    with open_text(path) as lines:
        assert "".join(lines) == SIMPLIFIED * 5 + other + SIMPLIFIED
        assert lines.troubles == []


def test_a_mark_in_the_middle_of_a_glued_file_is_not_text(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(SIMPLIFIED.encode("utf-8-sig") * 2)
    with open_text(path) as lines:
        assert "".join(lines) == SIMPLIFIED * 2


def test_a_line_that_no_encoding_reads_is_in_trouble_and_the_others_are_not(tmp_path: Path) -> None:
    good = SIMPLIFIED.encode()
    path = tmp_path / "x.csv"
    path.write_bytes(good + "壶嘴滴水，擦一下就好".encode()[:-1] + b"\n" + b"a\0b\n" + good)
    with open_text(path) as lines:
        got = list(lines)
    assert lines.troubles == [
        Trouble(4, "its bytes are not UTF-8 or GB18030"),
        Trouble(5, "it holds NUL bytes: the file is damaged here"),
    ]
    assert got[:3] == got[5:] == SIMPLIFIED.splitlines(keepends=True)
    assert "\ufffd" not in "".join(got)
    assert got[3].encode("utf-8", "surrogateescape") == "壶嘴滴水，擦一下就好".encode()[:-1] + b"\n"


def test_a_line_too_long_to_hold_comes_empty_and_in_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "MAX_LINE_BYTES", 2 << 20)
    path = tmp_path / "x.csv"
    path.write_bytes(b"a\n" + b"x" * (5 << 20) + b"\nb\n")
    with open_text(path) as lines:
        assert list(lines) == ["a\n", "\n", "b\n"]
        assert lines.troubles == [Trouble(2, "the line is longer than 2 MB")]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("codec", ["utf-8", "gb18030", "utf-16-le"])
def test_line_ends_of_every_kind_are_kept_across_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str, codec: str
) -> None:
    text = f"商品很好{end}" * 50
    path = tmp_path / "x.csv"
    path.write_bytes(text.encode(codec))
    for block in (64, 66, 70, 90):
        monkeypatch.setattr(encoding, "_BLOCK", block)
        with open_text(path) as lines:
            assert list(lines) == [f"商品很好{end}"] * 50


REFUSED = [
    (b"", "{path} is empty."),
    (b" \r\n\n", "{path} is empty."),
    (
        b"\x89PNG\r\n\x1a\n....",
        "{path} is a PNG picture, not text. Export the data as CSV, Excel (.xlsx) or JSON.",
    ),
    (b"%PDF-1.7", "{path} is a PDF document, not text. Export the data as CSV, Excel (.xlsx) or JSON."),
    (
        bytes(range(32)) * 8 + b"\0" * 64,
        "{path} is not a text file. Export it again as CSV, Excel (.xlsx) or JSON.",
    ),
    (
        "nom,avis\nx,café très agréable\n".encode("latin-1"),
        "{path} is in none of the encodings known (UTF-8, GB18030/GBK, Big5, UTF-16). "
        "Open it in Excel or a text editor and save it as UTF-8.",
    ),
]


@pytest.mark.parametrize("content, message", REFUSED)
def test_what_is_not_text_is_refused_with_its_name(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    with pytest.raises(CollectError) as caught:
        detect(path)
    assert str(caught.value) == message.format(path=path)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(CollectError, match=r"^No file at .*gone\.csv\.$"):
        detect(tmp_path / "gone.csv")
    with pytest.raises(CollectError, match=r"is a folder, not a file\.$"):
        detect(tmp_path)


def test_a_document_over_the_limit_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(b" " * (3 << 20))
    with pytest.raises(CollectError) as caught:
        read_text(path, 2 << 20)
    assert str(caught.value) == (
        f"{path} has 3 MB; a file of this kind is read whole and may have 2 MB. "
        "Save it as JSON Lines (.jsonl), one record a line, or split it."
    )


_WORDS = st.sampled_from(["的东西很好", "发货太慢了", "客服不理人", "包装破了", "a,b", "5分", "“不错”", "(图)"])


@given(words=st.lists(_WORDS, min_size=3, max_size=40), codec=st.sampled_from(["utf-8", "gb18030", "utf-16"]))
def test_ordinary_text_round_trips(tmp_path_factory: pytest.TempPathFactory, words: list[str], codec: str) -> None:
    text = "内容的的的\n" + "\n".join(words) + "\n"
    path = tmp_path_factory.mktemp("e") / "x.txt"
    path.write_bytes(text.encode(codec))
    with open_text(path) as lines:
        assert "".join(lines) == text
