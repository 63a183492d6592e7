"""Collector imap and folders: how they number their mails, how large they are, and what they are called."""

from pathlib import Path

import pytest
from imap_server import Inbox, Session, answer_with, cut_at
from imap_shop import ARRIVED, Shop, expected, inbox, mail, reached, secret, shop

from feedback.collectors.live.imap_client import from_modified_utf7, modified_utf7
from feedback.errors import CollectError

__all__ = ["inbox", "secret", "shop"]


def test_a_folder_that_was_numbered_anew_is_read_again_and_nothing_doubles(shop: Shop) -> None:
    shop.inbox.inbox.add(b"Subject: x\r\n\r\n" + "没有编号的信".encode(), ARRIVED)
    shop.collect()
    shop.inbox.inbox.validity = 2
    for number, each in enumerate(shop.inbox.inbox.mails):
        each.uid = 1000 + number
    shop.add(122)
    ran = shop.collect()
    assert ran.out == (
        "live: 1 new, 121 already there\n"
        "  INBOX: the server has numbered the mails anew: all are read again, and none is stored twice\n"
    )
    assert shop.collect().out == "live: 0 new\n"


def test_a_folder_that_is_numbered_anew_while_it_is_read_is_read_again(shop: Shop) -> None:
    broken = cut_at("UID FETCH 51")

    def fault(session: Session, tag: str, command: str) -> bool:
        if broken(session, tag, command):
            shop.inbox.inbox.validity = 7
            return True
        return False

    shop.inbox.faults.append(fault)
    assert [(len(page.items), reached(page), bool(page.notes)) for page in shop.pages()] == [
        (50, (1, 50), False),
        (0, (7, 0), True),
        (50, (7, 50), False),
        (50, (7, 100), False),
        (20, (7, 120), False),
    ]


RESTORED = (
    "  INBOX: the server gives numbers to mails that others had before, as one does that was restored from a backup: "
    "all are read again, and none is stored twice\n"
)


def restore(shop: Shop, last: int) -> None:
    """The mails up to this number are there again, and no other ones; the numbering is the same."""
    shop.inbox.inbox.mails = [each for each in shop.inbox.inbox.mails if each.uid <= last]
    shop.inbox.inbox.last_uid = last


@pytest.mark.parametrize("more", [0, 1, 19, 20, 21, 60])
def test_a_server_that_was_restored_from_a_backup_and_gives_numbers_again_hides_no_mail(shop: Shop, more: int) -> None:
    shop.collect()
    restore(shop, 100)
    later = range(201, 201 + more)
    shop.add(*later)
    assert shop.collect().out == f"live: {more} new, 100 already there\n{RESTORED}"
    assert shop.stored() == expected(*range(1, 121), *later)
    assert shop.collect().out == "live: 0 new\n"


def test_a_server_that_was_restored_is_known_by_its_next_number_after_an_earlier_version_read_it(shop: Shop) -> None:
    restore(shop, 100)
    notes, *pages = shop.pages("[1, 120]")
    assert (reached(notes), [reached(page) for page in pages]) == ((1, 0), [(1, 50), (1, 100)])
    assert [page for page in shop.pages("[1, 99]") if page.notes] == []


@pytest.mark.parametrize("next_uid", ["1", "120"])
def test_a_next_number_that_is_wrong_is_seen_by_the_last_mail(shop: Shop, next_uid: str) -> None:
    shop.collect()
    said = f"* 120 EXISTS\r\n* OK [UIDVALIDITY 1] valid\r\n* OK [UIDNEXT {next_uid}] next\r\nTAG OK done\r\n"

    def fault(session: Session, tag: str, command: str) -> bool:
        session.folder = shop.inbox.inbox
        return answer_with("EXAMINE", said.encode())(session, tag, command)

    shop.inbox.faults.append(fault)
    assert shop.collect().out == "live: 0 new\n"


@pytest.mark.parametrize("last", ["deleted", "without an id", "refused"])
def test_where_the_last_mail_tells_nothing_the_next_number_does(shop: Shop, last: str) -> None:
    if last == "without an id":
        shop.inbox.inbox.add(b"Subject: x\r\n\r\n" + "没有编号的信".encode(), ARRIVED)
    shop.collect()
    if last == "deleted":
        del shop.inbox.inbox.mails[-1]
    if last == "refused":
        shop.inbox.faults.append(answer_with("UID FETCH 120 ", b"TAG NO [UNAVAILABLE] busy\r\n"))
    shop.add(201)
    assert shop.collect().out == "live: 1 new\n"


def test_a_folder_that_is_numbered_anew_all_the_time_is_given_up(shop: Shop) -> None:
    def fault(session: Session, _tag: str, command: str) -> bool:
        if command.startswith("UID SEARCH"):
            shop.inbox.inbox.validity += 1
            session.cut()
            return True
        return False

    shop.inbox.faults.append(fault)
    with pytest.raises(CollectError, match=r"127.0.0.1 numbers the mails of 'INBOX' anew all the time"):
        shop.pages()


def test_large_folders_are_asked_for_in_pieces(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feedback.collectors.live.mailbox._LONGEST_LINE", 100)
    monkeypatch.setattr("feedback.collectors.live.mailbox._WINDOW", 60)
    assert [reached(page) for page in shop.pages("[1, 20]")] == [(1, 70), (1, 120)]
    assert [asked for asked in shop.inbox.asked if "SEARCH" in asked] == [
        "UID SEARCH UID 21:80",
        "UID SEARCH UID 81:140",
    ]


def test_an_empty_folder_is_no_fault(tmp_path: Path, inbox: Inbox) -> None:
    shop = Shop(tmp_path, inbox, {})
    assert shop.collect().out == "live: 0 new\n"
    shop.add(1)
    assert shop.collect().out == "live: 1 new\n"


def test_each_folder_has_a_state_and_chinese_names_are_written_as_imap_wants(tmp_path: Path, inbox: Inbox) -> None:
    from imap_server import Folder

    inbox.folders["&W6JiN1PNmYg-"] = Folder(9)
    inbox.folders["&W6JiN1PNmYg-"].add(mail(2), ARRIVED)
    shop = Shop(tmp_path, inbox, {"folders": ["INBOX", "客户反馈"]})
    shop.add(1, 2)
    assert shop.collect().code == 0
    assert shop.stored() == expected(1, 2)
    assert shop.collect().out == "live: 0 new\n"
    wrong = Shop(tmp_path, inbox, {"folders": ["其他"]})
    assert wrong.collect().err == (
        f"Error: live: 127.0.0.1:{inbox.port} has no folder '其他' that may be read. It has: INBOX, 客户反馈.\n"
    )


@pytest.mark.parametrize(
    "name, written",
    [
        ("INBOX", b"INBOX"),
        ("A&B", b"A&-B"),
        ("客户反馈/2026", b"&W6JiN1PNmYg-/2026"),
        ("😀?", b"&2D3eAA-?"),
        ("已发送", b"&XfJT0ZAB-"),
    ],
)
def test_names_of_folders_go_there_and_back(name: str, written: bytes) -> None:
    assert modified_utf7(name).encode() == written
    assert from_modified_utf7(written) == name


def test_a_name_that_is_not_written_as_imap_wants_is_shown_as_it_is() -> None:
    assert from_modified_utf7(b"&AAA") == "&AAA"
    assert from_modified_utf7(b"&2D0-") == "&2D0-"
