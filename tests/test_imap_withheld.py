"""Collector imap and mails that are there and do not come: none is lost for what a server is at, and none stops the others for good."""

from dataclasses import replace
from datetime import timedelta
from threading import Event

import pytest
from imap_server import Fault, Session, answer_with
from imap_shop import ARRIVED, Shop, empty, expected, inbox, mail, reached, refuse, secret, shop
from worlds import NOW

from feedback.collectors.base import Record, Unreadable
from feedback.collectors.imap import ImapCollector
from feedback.collectors.live import Page
from feedback.collectors.live.mailbox import BrokenOff
from feedback.errors import CollectError

__all__ = ["empty", "inbox", "secret", "shop"]

BUSY = b"TAG NO [UNAVAILABLE] Server temporarily busy\r\n"


def break_off(*numbers: str) -> Fault:
    """The connection does not last when one of these is asked for, alone or with others."""

    def fault(session: Session, _tag: str, command: str) -> bool:
        verb, *_ = asked = command.split(" ")
        if verb != "UID" or asked[1] != "FETCH" or not set(numbers) & set(asked[2].split(",")):
            return False
        session.cut()
        return True

    return fault


def on_day(day: int, shop: Shop, state: str | None) -> list[Page]:
    visit = replace(shop.visit(), now=NOW + timedelta(days=day))
    return list(ImapCollector().pages("INBOX", state, visit))


def left_behind(shop: Shop) -> str:
    """The state after a run in which mail 2 of 3 did not come."""
    shop.add(1, 2, 3)
    shop.inbox.faults.append(refuse("2"))
    state = on_day(0, shop, None)[-1].state
    assert state
    return state


@pytest.mark.parametrize("asked", ["FETCH", "BODY"])
@pytest.mark.parametrize(
    "said, reason",
    [
        (BUSY, "[UNAVAILABLE] Server temporarily busy"),
        (b"TAG NO [limit] Bandwidth limit exceeded.\r\n", "[limit] Bandwidth limit exceeded"),
        (b"TAG NO System busy!\r\n", "System busy!"),
        (b"TAG NO \r\n", "it says NO"),
        (b"TAG BAD Request is throttled.\r\n", "Request is throttled"),
        (b"TAG OK done\r\n", "it sends nothing"),
    ],
)
def test_a_server_that_gives_out_nothing_loses_no_mail(empty: Shop, asked: str, said: bytes, reason: str) -> None:
    empty.add(1, 2, 3)
    empty.collect()
    empty.add(4, 5, 6)

    def fault(session: Session, tag: str, command: str) -> bool:
        if asked not in command or "FETCH 3" in command:  # that one is looked at to see whether it is the same
            return False
        session.say(said.replace(b"TAG", tag.encode()))
        return True

    empty.inbox.faults.append(fault)
    ran = empty.collect()
    assert (ran.code, ran.err) == (
        1,
        f"Error: live: 127.0.0.1:{empty.inbox.port} does not give out mails that are in 'INBOX': {reason}. "
        "What came before is kept; run this again later.\n",
    )
    empty.inbox.faults.clear()
    empty.add(7)
    assert empty.collect().out == "live: 4 new\n"
    assert empty.stored() == expected(*range(1, 8))
    assert empty.rows("select * from rejects") == []


def test_a_limit_that_is_reached_in_the_middle_keeps_what_came_and_passes_over_nothing(shop: Shop) -> None:
    fetched = [0]

    def fault(session: Session, tag: str, command: str) -> bool:
        fetched[0] += command.startswith("UID FETCH")
        if fetched[0] <= 3 or not command.startswith("UID FETCH"):
            return False
        session.say(f"{tag} NO [OVERQUOTA] Account exceeded command or bandwidth limits")
        return True

    shop.inbox.faults.append(fault)
    assert shop.collect().code == 1
    assert shop.stored() == expected(*range(1, 51))
    shop.inbox.faults.clear()
    assert shop.collect().out == "live: 70 new\n"


def test_a_mail_that_does_not_come_does_not_keep_the_others_and_comes_later(empty: Shop) -> None:
    empty.add(1, 2, 3)
    empty.inbox.faults.append(refuse("2"))
    note = "  INBOX: the server does not give out 1 mail that is there (number 2): asked for again the next time\n"
    assert empty.collect().out == f"live: 2 new\n{note}"
    empty.add(4)
    assert empty.collect().out == f"live: 1 new\n{note}"
    assert empty.stored() == expected(1, 3, 4)
    empty.inbox.faults.clear()
    assert empty.collect().out == "live: 1 new\n"
    assert empty.stored() == expected(1, 2, 3, 4)
    assert empty.collect().out == "live: 0 new\n"
    assert empty.rows("select * from rejects") == []


def test_a_mail_that_does_not_come_on_five_days_is_rejected_with_the_reason(empty: Shop) -> None:
    state: str | None = left_behind(empty)
    for day in (0, 1, 1, 3, 9):
        pages = on_day(day, empty, state)
        state = pages[-1].state
        assert [page.items for page in pages if page.items] == []
        assert reached(pages[-1]) == (1, 3, 2)
    (last,) = on_day(10, empty, state)
    reason = "the server did not give it out, asked on 5 days: [SERVERBUG] this one is broken"
    assert (last.items, reached(last), last.notes) == ([Unreadable("INBOX:2", reason)], (1, 3), ())
    assert on_day(11, empty, last.state) == []


def test_a_mail_that_was_left_behind_and_is_deleted_is_told(empty: Shop) -> None:
    state = left_behind(empty)
    del empty.inbox.inbox.mails[1]
    (page,) = on_day(1, empty, state)
    assert page.items == [Unreadable("INBOX:2", "the mail was taken out of the folder before it could be read")]
    assert reached(page) == (1, 3)


def test_mails_that_were_left_behind_are_forgotten_where_all_are_read_again(empty: Shop) -> None:
    state = left_behind(empty)
    empty.inbox.faults.clear()
    empty.inbox.inbox.validity = 2
    assert [(len(page.items), reached(page)) for page in on_day(1, empty, state)] == [(0, (2, 0)), (3, (2, 3))]


def test_many_mails_that_do_not_come_are_named_in_short(empty: Shop) -> None:
    empty.add(*range(1, 9))
    empty.inbox.faults.append(refuse("1,2,3,4,5,6"))
    (note,) = empty.pages()[-1].notes
    assert note == (
        "INBOX: the server does not give out 6 mails that are there (number 1, 2, 3, 4, 5, …): asked for again the next time"
    )


@pytest.mark.parametrize("words", ["NO [SERVERBUG] this one is broken", "NO [UNAVAILABLE] this one is broken"])
def test_the_last_mail_is_left_behind_where_the_server_blames_it_alone(empty: Shop, words: str) -> None:
    empty.add(1)
    first = empty.pages()[-1].state
    empty.add(2)
    empty.inbox.faults.append(refuse("2", words))
    if "UNAVAILABLE" in words:
        with pytest.raises(CollectError, match=r"does not give out mails .*UNAVAILABLE"):
            empty.pages(first)
        empty.add(3)  # a later one that comes tells that it is not the server
        assert [(len(page.items), reached(page)) for page in empty.pages(first)] == [(1, (1, 3, 2)), (0, (1, 3, 2))]
    else:
        assert [(len(page.items), reached(page)) for page in empty.pages(first)] == [(0, (1, 2, 2))] * 2


def test_a_mail_that_is_answered_with_nil_is_left_behind(empty: Shop) -> None:
    empty.add(1)
    empty.inbox.faults.append(
        answer_with("UID FETCH 1 (UID BODY", b"* 1 FETCH (UID 1 BODY[]<0> NIL)\r\nTAG OK done\r\n")
    )
    assert [(page.items, reached(page)) for page in empty.pages()] == [([], (1, 1, 1))] * 2


def test_a_mail_that_somebody_reads_meanwhile_comes_all_the_same(empty: Shop) -> None:
    empty.add(1)
    raw = mail(1)
    said = b"* 1 FETCH (UID 1 BODY[]<0> {%d}\r\n%b)\r\n* 1 FETCH (UID 1 FLAGS (\\Seen))\r\nTAG OK done\r\n"
    empty.inbox.faults.append(answer_with("UID FETCH 1 (UID BODY", said % (len(raw), raw)))
    ((item,), *_) = [page.items for page in empty.pages()]
    assert isinstance(item, Record)


@pytest.mark.parametrize("words", ["NO [SERVERBUG] this one is broken", "BAD what"])
def test_a_whole_batch_that_does_not_come_does_not_keep_the_mails_after_it(empty: Shop, words: str) -> None:
    empty.add(*range(1, 61))
    empty.inbox.faults.append(refuse(",".join(map(str, range(1, 53))), words))
    ran = empty.collect()
    assert ran.out == (
        "live: 8 new\n  INBOX: the server does not give out 52 mails that are there (number 1, 2, 3, 4, 5, …): asked for again the next time\n"
    )
    assert empty.stored() == expected(*range(53, 61))
    empty.inbox.faults.clear()
    assert empty.collect().out == "live: 52 new\n"
    assert empty.stored() == expected(*range(1, 61))
    assert empty.rows("select * from rejects") == []


def test_more_mails_than_two_batches_that_do_not_come_are_the_servers(empty: Shop) -> None:
    empty.add(*range(1, 163))
    empty.inbox.faults.append(refuse(",".join(map(str, range(1, 161)))))
    pages = ImapCollector().pages("INBOX", None, empty.visit())
    state = [next(pages).state for _ in range(2)][-1]
    with pytest.raises(CollectError, match="does not give out mails"):
        next(pages)
    assert reached(Page([], state)) == (1, 100, *range(1, 101))
    with pytest.raises(CollectError, match="does not give out mails"):
        on_day(0, empty, state)


@pytest.mark.parametrize(
    "words", ["[UNAVAILABLE] archive storage is being migrated", "[LIMIT] Bandwidth limit exceeded"]
)
def test_no_mail_is_given_up_for_what_the_server_is_at_though_later_ones_come(shop: Shop, words: str) -> None:
    shop.inbox.faults.append(refuse(",".join(map(str, range(1, 51))), f"NO {words}"))
    for day in range(6):
        with pytest.raises(CollectError, match="does not give out mails"):
            on_day(day, shop, None)
    shop.inbox.faults.clear()
    assert sum(len(page.items) for page in on_day(6, shop, None)) == 120


def test_days_on_which_the_server_blames_what_it_is_at_do_not_count_towards_giving_a_mail_up(empty: Shop) -> None:
    state: str | None = left_behind(empty)
    empty.inbox.faults[:] = [refuse("2", "NO [UNAVAILABLE] storage is being migrated")]
    for day in range(1, 9):
        pages = on_day(day, empty, state)
        state = pages[-1].state
        assert [item for page in pages for item in page.items] == []
    empty.inbox.faults.clear()
    assert [len(page.items) for page in on_day(9, empty, state)] == [1]


def test_many_mails_that_were_left_behind_are_asked_for_by_turns(empty: Shop) -> None:
    empty.add(*range(1, 24))
    empty.inbox.faults.append(refuse(",".join(map(str, range(1, 23)))))
    state = empty.pages()[-1].state
    turns = []
    for _ in range(3):
        asked = len(empty.inbox.asked)
        state = on_day(1, empty, state)[-1].state
        bodies = [command.split(" ")[2] for command in empty.inbox.asked[asked:] if "BODY.PEEK[]" in command]
        turns.append([int(number) for number in bodies])
    assert turns == [[*range(1, 11)], [*range(11, 21)], [21, 22, *range(1, 9)]]


# Connections that do not last


def test_mails_that_break_the_connection_do_not_keep_the_others(empty: Shop) -> None:
    empty.add(*range(1, 7))
    empty.inbox.faults.append(break_off("2", "4", "5"))
    pages = empty.pages()
    assert sum(len(page.items) for page in pages) == 3
    assert reached(pages[-1]) == (1, 6, 2, 4, 5)
    state = pages[-1].state
    for day in range(1, 4):
        state = on_day(day, empty, state)[-1].state
    rejected = [item for page in on_day(4, empty, state) for item in page.items]
    reason = "the server did not give it out, asked on 5 days: broke the connection off"
    assert rejected == [Unreadable(f"INBOX:{number}", reason) for number in (2, 4, 5)]


def test_several_mails_in_a_row_that_break_the_connection_do_not_keep_the_others(empty: Shop) -> None:
    empty.add(*range(1, 10))
    broken = ("2", "3", "4", "5", "6", "7", "8")
    empty.inbox.faults.append(break_off(*broken))
    pages = empty.pages()
    assert sum(len(page.items) for page in pages) == 2
    assert reached(pages[-1]) == (1, 9, *map(int, broken))


def test_a_whole_batch_that_breaks_the_connection_costs_no_more_waiting_than_three_mails(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("time.sleep", waited.append)
    shop.inbox.faults.append(break_off(*map(str, range(1, 51))))
    assert sum(len(page.items) for page in shop.pages()) == 70
    assert sum(waited) == 4 * (1 + 2 + 4)
    assert shop.inbox.connections <= 4 * 4 + 47 + 1


def test_a_line_over_which_no_mail_comes_is_given_up_soon_and_passes_over_nothing(shop: Shop) -> None:
    shop.inbox.faults.append(break_off(*map(str, range(60, 121))))
    ran = shop.collect()
    assert (ran.code, ran.err) == (
        1,
        f"Error: live: 127.0.0.1:{shop.inbox.port} broke the connection off. What came before is kept; run this again later.\n",
    )
    assert shop.stored() == expected(*range(1, 60))
    assert shop.inbox.connections <= 1 + 4 * 5
    shop.inbox.faults.clear()
    assert shop.collect().out == "live: 61 new\n"


def test_mails_that_were_left_behind_do_not_keep_the_new_ones_over_a_bad_line(empty: Shop) -> None:
    empty.add(*range(1, 10))
    broken = [str(number) for number in range(1, 9) if number % 2]
    empty.inbox.faults.append(break_off(*broken))
    state = empty.pages()[-1].state
    empty.add(10)
    pages = on_day(1, empty, state)
    assert [len(page.items) for page in pages if page.items] == [1]
    assert reached(pages[-1]) == (1, 10, 1, 3, 5, 7)


def test_mails_have_time_by_their_size(empty: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feedback.collectors.live.mailbox.COMMAND_SECONDS", 1.0)
    monkeypatch.setattr("feedback.collectors.live.mailbox._SLOWEST", 100)
    empty.inbox.inbox.add(mail(1, "x" * 1000), ARRIVED)

    def slow(_session: Session, _tag: str, command: str) -> bool:
        if "BODY.PEEK[]" in command:
            Event().wait(1.5)
        return False

    empty.inbox.faults.append(slow)
    assert [len(page.items) for page in empty.pages()] == [1]


def test_over_a_slow_line_each_mail_that_came_is_kept(empty: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feedback.collectors.imap_batch.LARGEST", 2000)
    for number in range(1, 6):
        empty.inbox.inbox.add(mail(number, f"第{number}次" + "x" * 1400), ARRIVED)
    empty.inbox.faults.append(break_off("3", "4", "5"))
    with pytest.raises(BrokenOff):
        empty.pages()
    assert empty.collect().code == 1
    assert len(empty.stored()) == 2
    empty.inbox.faults.clear()
    assert "3 new" in empty.collect().out
