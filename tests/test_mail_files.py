"""The files that mails are saved in."""

import tracemalloc
from pathlib import Path

import pytest
from test_mail import mail

from feedback.collectors.mail_files import mails_of_file
from feedback.errors import CollectError


def test_one_mail_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "一封.eml"
    file.write_bytes(b"\xef\xbb\xbf" + mail("Subject: x", body="x" * 70_000))
    assert list(mails_of_file(file)) == [mail("Subject: x", body="x" * 70_000)]


def test_many_mails_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "feedback.mbox"
    file.write_bytes(
        b"From a@b Mon Mar  2 10:00:00 2026\nSubject: 1\n\none\n\nFrom a@b Mon Mar  2 10:00:00 2026\nSubject: 2\n\ntwo\n"
    )
    assert list(mails_of_file(file)) == [b"Subject: 1\n\none\n", b"Subject: 2\n\ntwo\n"]


def test_files_that_hold_no_mail_are_named(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("物流太慢", encoding="utf-8")
    with pytest.raises(CollectError) as error:
        list(mails_of_file(file))
    assert str(error.value) == f"{file} is no mail: it has no head. Save mails as .eml, or many of them as mbox."
    file.write_bytes(b"\xd0\xcf\x11\xe0" + b"\0" * 100)
    with pytest.raises(CollectError, match="an old Office document"):
        list(mails_of_file(file))
    with pytest.raises(CollectError, match="No file at"):
        list(mails_of_file(tmp_path / "gone.eml"))


def test_mails_larger_than_the_limit_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feedback.collectors.mail_files.LARGEST", 100)
    single, many = tmp_path / "1.eml", tmp_path / "2.mbox"
    single.write_bytes(mail("Subject: x", body="x" * 200))
    many.write_bytes(b"From a@b\n" + mail("Subject: x", body="x" * 200) + b"\n\nFrom a@b\nSubject: y\n\ny\n")
    assert list(mails_of_file(single)) == [None]
    assert list(mails_of_file(many)) == [None, b"Subject: y\n\ny\n"]


FIRST, SECOND = "From: a@mail.example\nSubject: 1\n\none\n", "From: b@mail.example\nSubject: 2\n\ntwo\n"
MARK = "From a@mail.example Mon Mar  2 10:00:00 2026\n"


@pytest.mark.parametrize("above", ["", "\n", "\r\n \n", "\ufeff", "\ufeff\n"])
@pytest.mark.parametrize(
    "mark",
    [
        MARK,
        "From - Mon Mar  2 10:00:00 2026\n",
        "From \n",
        "From a@mail.example\n",
        "From a@mail.example 2026-03-02\n",
        "From nobody\n",
    ],
)
@pytest.mark.parametrize("between", ["", "\n"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_all_mails_of_a_file_are_read_whatever_stands_above(
    tmp_path: Path, above: str, mark: str, between: str, line_end: str
) -> None:
    file = tmp_path / "feedback.mbox"
    file.write_bytes((above + mark + FIRST + between + mark + SECOND).replace("\n", line_end).encode())
    assert list(mails_of_file(file)) == [each.replace("\n", line_end).encode() for each in (FIRST, SECOND)]


@pytest.mark.parametrize(
    "said", ["From the first day it leaked.", "From 10:00 on nobody answered.", "From: the first day on", "From"]
)
@pytest.mark.parametrize("above", ["", "\n"])
def test_a_line_that_begins_as_a_mail_does_is_said_in_the_mail(tmp_path: Path, said: str, above: str) -> None:
    file = tmp_path / "feedback.mbox"
    first = f"{FIRST}{above}{said}\n\nRefund: please\n"
    file.write_text(MARK + first + "\n" + MARK + SECOND, encoding="utf-8")
    assert list(mails_of_file(file)) == [first.encode(), SECOND.encode()]


@pytest.mark.parametrize(
    "said",
    [
        "From\nhttps://shop.example/a",
        "From\nRefund: please",
        "From \nRefund: please",
        "From me\nRefund: please",
        "From 10:00 on\nRefund: please",
        "From a@mail.example I had this:\nhttps://shop.example/a",
    ],
)
def test_a_line_with_from_alone_is_no_separator_whatever_stands_below(tmp_path: Path, said: str) -> None:
    file = tmp_path / "feedback.mbox"
    file.write_text(f"{MARK}{FIRST}{said}\n\n{MARK}{SECOND}", encoding="utf-8")
    assert list(mails_of_file(file)) == [f"{FIRST}{said}\n".encode(), SECOND.encode()]


def test_a_mail_of_many_lines_takes_little_more_than_its_size(tmp_path: Path) -> None:
    file = tmp_path / "feedback.mbox"
    file.write_bytes(MARK.encode() + FIRST.encode() + b"\n" * 2_000_000)
    tracemalloc.start()
    try:
        (raw,) = mails_of_file(file)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert raw == FIRST.encode() + b"\n" * 2_000_000
    assert peak < 10_000_000


def test_a_mail_that_apple_saved_is_read_without_what_apple_notes_of_it(tmp_path: Path) -> None:
    file = tmp_path / "1.emlx"
    raw = mail("Subject: x", body="物流太慢\n")
    file.write_bytes(b"%-11d\n" % len(raw) + raw + b'<?xml version="1.0"?>\n<plist></plist>\n')
    assert list(mails_of_file(file)) == [raw]
