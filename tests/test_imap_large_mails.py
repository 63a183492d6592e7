"""Collector imap and large mails: only their words are asked for, and what is too much is told."""

import pytest
from imap_server import Session, answer_with
from imap_shop import ARRIVED, Shop, empty, inbox, items, mail, reached, record, refuse, secret

from feedback.collectors.base import Record, Unreadable

__all__ = ["empty", "inbox", "secret"]


def large(*each: str, boundary: str = "B") -> bytes:
    body = "".join(f"--{boundary}\r\n{part}\r\n" for part in each) + f"--{boundary}--\r\n"
    kind = f"multipart/mixed; boundary={boundary}"
    return (
        mail(1).partition(b"\r\n\r\n")[0].replace(b"text/plain; charset=utf-8", kind.encode())
        + f"\r\n\r\n{body}".encode()
    )


PICTURE = "Content-Type: image/jpeg\r\nContent-Transfer-Encoding: base64\r\n\r\n" + "/9j/4AAQSkZJRgABAQ" * 170_000
INNER = (
    "Content-Type: multipart/alternative; boundary=C\r\n\r\n--C\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n杯子碎了\r\n"
    "--C\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>杯子碎了</p>\r\n--C--\r\n"
)
LOG = "Content-Type: text/plain\r\nContent-Disposition: attachment; filename=log.txt\r\n\r\n" + "x" * 100


@pytest.mark.parametrize("parts", [(INNER, PICTURE), (PICTURE, INNER), (LOG, PICTURE, INNER)])
def test_of_a_large_mail_only_the_words_are_asked_for(empty: Shop, parts: tuple[str, ...]) -> None:
    empty.inbox.inbox.add(large(*parts), ARRIVED)
    empty.add(2)
    assert items(empty)[0] == record(text="杯子碎了")
    picture = parts.index(PICTURE) + 1
    assert not any(
        f"BODY.PEEK[{picture}]" in asked or "FETCH 1 (UID BODY.PEEK[]" in asked for asked in empty.inbox.asked
    )


@pytest.mark.parametrize(
    "line, kept",
    [
        pytest.param("慢了。\n", "慢了。", id="lines"),
        pytest.param("慢", "慢", id="without any end of a line"),
        pytest.param("a慢", "", id="cut in another place"),
    ],
)
@pytest.mark.parametrize("charset", ["utf-8", "gb18030"])
def test_the_words_of_a_large_mail_are_cut_where_they_pass_all_measure_and_that_is_told(
    empty: Shop, line: str, kept: str, charset: str
) -> None:
    raw = (
        mail(1)
        .partition(b"\r\n\r\n")[0]
        .replace(b"utf-8\r\n", b"utf-8\r\n")
        .replace(b"charset=utf-8", f"charset={charset}".encode())
    )
    empty.inbox.inbox.add(raw + b"\r\n\r\n" + (line * 1_100_000).encode(charset), ARRIVED)
    (found,) = items(empty)
    assert isinstance(found, Record)
    assert found.problems == ("the mail has more than 2 MB of text: the rest is left out",)
    assert found.text.endswith(kept)
    assert 1_900_000 < len(found.text.encode(charset)) <= 2 * 1024 * 1024
    assert set(found.text) == set(line)


PICTURE_INLINE = '<img src="data:image/png;base64,\r\n' + ("A" * 900 + "\r\n") * 2700 + '">'
CUT = "the mail has more than 2 MB of text: the rest is left out"


def page(html: str, *headers: str) -> bytes:
    return mail(1, html, *headers).replace(b"text/plain", b"text/html")


def test_words_end_before_a_picture_that_is_cut_in_two(empty: Shop) -> None:
    raw = page(f"<p>灯坏了</p>请看图{PICTURE_INLINE}<p>三次都没人理</p>")
    empty.inbox.inbox.add(raw, ARRIVED)
    assert items(empty) == [record(text="灯坏了\n请看图", problems=(CUT,))]
    empty.collect()
    (empty.folder / "1.eml").write_bytes(raw)
    assert empty.collect("--load", f"{empty.folder}/1.eml").out.startswith("live: 0 new, 1 changed")
    assert empty.rows("select text from verbatims") == [("灯坏了\n请看图\n三次都没人理",)]


def test_a_mail_that_begins_with_a_picture_that_is_cut_in_two_is_not_told_to_be_empty(empty: Shop) -> None:
    raw = page(f"{PICTURE_INLINE}<p>三次都没人理</p>").replace(b"Subject: ", b"Subject: Re: ")
    empty.inbox.inbox.add(raw, ARRIVED)
    assert items(empty) == [Unreadable("INBOX:1@mail.example", CUT)]


def test_a_mail_of_which_the_server_tells_the_wrong_size_is_taken_as_it_is(empty: Shop) -> None:
    empty.inbox.inbox.add(large(INNER, PICTURE), ARRIVED)

    def fault(session: Session, tag: str, command: str) -> bool:
        if "RFC822.SIZE" not in command:
            return False
        session.say("* 1 FETCH (UID 1 RFC822.SIZE 12)")
        session.say(f"{tag} OK done")
        return True

    empty.inbox.faults.append(fault)
    assert items(empty) == [record(text="杯子碎了")]


def test_a_large_mail_without_words_is_rejected(empty: Shop) -> None:
    empty.inbox.inbox.add(large(PICTURE).replace(b"Subject: order 1\r\n", b""), ARRIVED)
    assert items(empty) == [Unreadable("INBOX:1@mail.example", "it has no words, only attachments")]


def test_a_large_mail_that_the_server_does_not_give_out_is_left_behind(empty: Shop) -> None:
    empty.inbox.inbox.add(large(PICTURE), ARRIVED)
    empty.inbox.faults.append(refuse("1"))
    assert [(page.items, reached(page)) for page in empty.pages()] == [([], (1, 1, 1))] * 2


@pytest.mark.parametrize("part", ["[1.MIME]", "[1.1]"])
def test_a_large_mail_of_which_a_part_is_refused_for_the_time_being_is_asked_for_again(empty: Shop, part: str) -> None:
    empty.inbox.inbox.add(large(INNER, PICTURE), ARRIVED)
    empty.inbox.faults.append(answer_with(f"UID FETCH 1 (UID BODY.PEEK{part}", b"TAG NO [LIMIT] so much\r\n"))
    assert empty.collect().code == 1
    empty.inbox.faults.clear()
    assert empty.collect().out == "live: 1 new\n"


def test_a_server_that_refuses_parts_that_are_not_there_gives_the_others(empty: Shop) -> None:
    empty.inbox.inbox.add(large(INNER, PICTURE), ARRIVED)
    empty.inbox.faults.append(answer_with("UID FETCH 1 (UID BODY.PEEK[3.MIME]", b"TAG NO no such part\r\n"))
    assert items(empty) == [record(text="杯子碎了")]


def test_a_large_mail_that_is_deleted_meanwhile_is_told(empty: Shop) -> None:
    empty.inbox.inbox.add(large(INNER, PICTURE), ARRIVED)

    def fault(_session: Session, _tag: str, command: str) -> bool:
        if "HEADER" in command:
            empty.inbox.inbox.mails.clear()
        return False

    empty.inbox.faults.append(fault)
    assert items(empty) == [Unreadable("INBOX:1", "the mail was taken out of the folder before it could be read")]


def test_a_large_mail_of_countless_parts_costs_few_questions(empty: Shop) -> None:
    parts = [f"Content-Type: text/plain; charset=utf-8\r\n\r\n第{number}" for number in range(30)]
    empty.inbox.inbox.add(large(*parts, PICTURE), ARRIVED)
    (found,) = items(empty)
    assert isinstance(found, Record)
    assert found.text.split("\n") == [f"第{number}" for number in range(20)]


def test_small_mails_are_asked_for_together_up_to_two_megabytes(empty: Shop) -> None:
    for number in range(1, 8):
        empty.inbox.inbox.add(mail(number, "x" * 400_000), ARRIVED)
    empty.inbox.inbox.add(large(INNER, PICTURE), ARRIVED)
    assert len(items(empty)) == 8
    asked = [each.split(" ")[2] for each in empty.inbox.asked if "BODY.PEEK[]" in each]
    assert asked == ["1,2,3,4,5", "6,7"]
    assert [reached(page) for page in empty.pages()] == [(1, 5), (1, 7), (1, 8)]
