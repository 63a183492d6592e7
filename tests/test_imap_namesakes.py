"""Collector imap and mails that share a Message-ID: what is one mail and what are two."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest
from imap_shop import ARRIVED, Shop, empty, inbox, mail, secret, shop

__all__ = ["empty", "inbox", "secret", "shop"]


def form_mail(hour: int, text: str) -> bytes:
    """As the form on a page sends them: all with one Message-ID."""
    return mail(1, text).replace(b"Date: Sun, 01 Mar 2026 09", f"Date: Sun, 01 Mar 2026 {hour:02}".encode())


def number_anew(shop: Shop) -> None:
    """The next run reads all mails again, the last one first."""
    shop.inbox.inbox.validity += 1
    shop.inbox.inbox.mails.reverse()
    for number, each in enumerate(shop.inbox.inbox.mails):
        each.uid = 1000 * shop.inbox.inbox.validity + number


@pytest.mark.parametrize("apart", [False, True], ids=["in one run", "in several"])
def test_mails_that_share_a_message_id_are_told_apart_by_their_dates(empty: "Shop", apart: bool) -> None:
    for hour, text in ((9, "物流太慢"), (10, "屏幕碎了"), (11, "客服很好")):
        empty.inbox.inbox.add(form_mail(hour, text), ARRIVED)
        if apart:
            empty.collect()
    empty.inbox.inbox.add(form_mail(10, "屏幕碎了"), ARRIVED)  # once more, as a copy in a folder is
    answer = mail(2, "还没修好", "In-Reply-To: <1@mail.example>", "References: <1@mail.example>")
    empty.inbox.inbox.add(answer, ARRIVED)
    empty.collect()
    query = "select source_id, conversation_id, text from verbatims order by id"
    expected = empty.rows(query)
    assert [text for *_, text in expected] == ["物流太慢", "屏幕碎了", "客服很好", "还没修好"]
    own = [re.sub("#[0-9a-f]{12}$", "#…", str(source_id)) for source_id, *_ in expected]
    assert own == ["1@mail.example", "1@mail.example#…", "1@mail.example#…", "2@mail.example"]
    assert [row[1] for row in expected] == [*(row[0] for row in expected[:3]), "1@mail.example"]
    number_anew(empty)
    assert empty.collect().out.startswith("live: 0 new, 4 already there")
    assert empty.rows(query) == expected


@pytest.mark.parametrize("apart", [False, True], ids=["in one run", "in several"])
def test_mails_that_share_a_message_id_and_a_date_and_say_different_things_are_as_many(
    empty: Shop, apart: bool
) -> None:
    said = ["物流太慢", "屏幕碎了", "客服说物流太慢\n屏幕碎了也没人换"]
    for text in said:
        empty.inbox.inbox.add(form_mail(9, text), ARRIVED)
        assert not apart or empty.collect().out == "live: 1 new\n"
    if not apart:
        assert "live: 3 would be stored\n" in empty.collect("--dry-run").out
        assert empty.collect().out == "live: 3 new\n"
    query = "select source_id, text from verbatims order by id"
    expected = empty.rows(query)
    assert [text for _, text in expected] == said
    number_anew(empty)
    assert empty.collect().out.startswith("live: 0 new, 3 already there\n")
    for n, each in enumerate(empty.inbox.inbox.mails):
        (empty.folder / f"{n}.eml").write_bytes(each.raw)
        assert empty.collect("--load", f"{empty.folder}/{n}.eml").out == "live: 0 new, 1 already there\n"
    assert empty.rows(query) == expected


DIRECT = "包装太差了\n下次不买了"
TWICE = [
    pytest.param(f"{DIRECT}\n\n【此邮件来自外部，请谨慎打开链接】", id="a gateway's line below"),
    pytest.param(f"[外网] 留意此信\n\n{DIRECT}", id="a gateway's line above"),
    pytest.param(f"[外网] 留意此信\n{DIRECT}\n_____\n客服列表", id="lines above and below"),
    pytest.param(f"【外部邮件】 {DIRECT}".replace("\n", " \n "), id="other blanks"),
]


@pytest.mark.parametrize("listed", TWICE)
@pytest.mark.parametrize("direct_first", [False, True])
@pytest.mark.parametrize("apart", [False, True], ids=["in one run", "in several"])
def test_a_mail_that_comes_twice_and_once_with_lines_of_a_gateway_or_list_is_one(
    empty: Shop, listed: str, direct_first: bool, apart: bool
) -> None:
    for text in (DIRECT, listed) if direct_first else (listed, DIRECT):
        empty.inbox.inbox.add(form_mail(9, text), ARRIVED)
        assert not apart or empty.collect().code == 0
    empty.collect()
    query = "select source_id, text from verbatims"
    assert empty.rows(query) == [("1@mail.example", listed.strip())]
    assert empty.rows("select reason from rejects") == []
    for n, each in enumerate(empty.inbox.inbox.mails):
        (empty.folder / f"{n}.eml").write_bytes(each.raw)
        assert empty.collect("--load", f"{empty.folder}/{n}.eml").out == "live: 0 new, 1 already there\n"
    number_anew(empty)
    assert "1 already there" in empty.collect().out
    assert empty.rows(query) == [("1@mail.example", listed.strip())]


@pytest.mark.parametrize("other", ["不好", "好吃物流慢", "太好了"], ids=["its end", "its beginning", "its middle"])
def test_a_mail_whose_words_are_a_part_of_a_word_of_another_is_another(empty: Shop, other: str) -> None:
    for text in ("好", other):
        empty.inbox.inbox.add(form_mail(9, text), ARRIVED)
    assert empty.collect().out == "live: 2 new\n"


def test_a_mail_that_comes_twice_is_two_where_another_sender_or_another_time_is_named(empty: Shop) -> None:
    longer = f"{DIRECT}\n\n【外部邮件】"
    for raw in (
        form_mail(9, DIRECT),
        form_mail(10, longer),
        form_mail(9, longer).replace(b"buyer1@", b"buyer5@"),
    ):
        empty.inbox.inbox.add(raw, ARRIVED)
    assert empty.collect().out.startswith("live: 3 new")


@pytest.fixture
def before(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """What an earlier version of intake collects, which knew no quotes."""
    with monkeypatch.context() as patch:
        patch.setattr("feedback.settings_digest.INTAKE_VERSION", "before")
        patch.setattr("feedback.collectors.imap.own_words", lambda text, **_: text)
        yield patch


QUOTED = "\n\n> 您好，请评价"


@pytest.mark.parametrize("reversed", [False, True])
def test_mails_of_which_an_earlier_version_stored_other_words_are_not_doubled(
    empty: Shop, before: pytest.MonkeyPatch, reversed: bool
) -> None:
    said = [f"物流太慢{QUOTED}", "屏幕碎了", f"客服很好{QUOTED}"]
    for text in said:
        empty.inbox.inbox.add(form_mail(9, text), ARRIVED)
    assert empty.collect().out == "live: 3 new\n"
    empty.inbox.inbox.add(form_mail(9, f"没人回复{QUOTED}"), ARRIVED)
    empty.inbox.inbox.add(form_mail(9, said[0]), ARRIVED)  # once more, as a copy in a folder is
    before.undo()
    if reversed:
        number_anew(empty)
    assert empty.collect().out.startswith("live: 1 new, ")
    expected = ["客服很好", "屏幕碎了", "没人回复", "物流太慢"]
    assert sorted(str(text) for (text,) in empty.rows("select text from verbatims")) == expected
    number_anew(empty)
    assert empty.collect().out.startswith("live: 0 new, 4 already there\n")


def test_a_mail_that_takes_the_row_of_an_earlier_version_for_its_own_loses_it_to_no_other(
    empty: Shop, before: pytest.MonkeyPatch
) -> None:
    for text in ("物流太慢", "屏幕碎了"):
        empty.inbox.inbox.add(form_mail(9, text), ARRIVED)
    assert empty.collect().out == "live: 2 new\n"
    before.undo()
    empty.inbox.inbox.add(form_mail(9, "客服很好"), ARRIVED)
    slow, broken, new = empty.inbox.inbox.mails
    empty.inbox.inbox.mails = [broken, new, slow]  # the last one is read first
    number_anew(empty)
    empty.collect()
    expected = [("客服很好",), ("屏幕碎了",), ("物流太慢",)]
    assert sorted(empty.rows("select text from verbatims")) == expected


DATED = "select text, posted_at from verbatims order by posted_at"


@pytest.mark.parametrize("apart", [False, True], ids=["in one run", "in several"])
def test_mails_that_share_a_message_id_and_say_the_same_at_different_times_are_as_many(
    empty: Shop, apart: bool
) -> None:
    for hour in (11, 9, 10):
        empty.inbox.inbox.add(form_mail(hour, "无法登录"), ARRIVED)
        if apart:
            empty.collect()
    empty.collect()
    expected = [("无法登录", f"2026-03-01T0{hour}:30:00Z") for hour in (1, 2, 3)]
    assert empty.rows(DATED) == expected
    number_anew(empty)
    assert empty.collect().out.startswith("live: 0 new, 3 already there\n")
    written = (empty.folder / "feedback.toml").read_text(encoding="utf-8")
    (empty.folder / "feedback.toml").write_text(written.replace("邮件", "邮箱"), encoding="utf-8")
    assert "live: 0 new" in empty.collect().out
    for n, each in enumerate(empty.inbox.inbox.mails):
        (empty.folder / f"{n}.eml").write_bytes(each.raw)
        assert empty.collect("--load", f"{empty.folder}/{n}.eml").out == "live: 0 new, 1 already there\n"
    assert empty.rows(DATED) == expected


def test_what_an_earlier_version_stored_is_known_again_and_what_it_took_for_that_comes_in(empty: Shop) -> None:
    undated = mail(2, "退款失败").replace(b"Date: Sun, 01 Mar 2026 09:30:00 +0800\r\n", b"")
    for raw in (form_mail(9, "无法登录"), undated):
        empty.inbox.inbox.add(raw, ARRIVED)
    empty.collect()
    with closing(sqlite3.connect(empty.folder / "feedback.db")) as database, database:
        database.execute("update verbatims set own_date = null")
    number_anew(empty)
    assert empty.collect().out.startswith("live: 0 new, 2 already there\n")
    empty.inbox.inbox.add(form_mail(10, "无法登录"), ARRIVED)
    number_anew(empty)
    assert empty.collect().out.startswith("live: 1 new, 2 already there\n")


@pytest.mark.parametrize(
    "date", ["X-Nothing: 1", "Date: Sun, 01 Mar 2026 10:00:00 CST", "Date: Sun, 01 Mar 2026 10:00"]
)
def test_mails_that_share_a_message_id_and_have_no_certain_date_are_told_apart_by_their_words(
    empty: "Shop", date: str
) -> None:
    for minute, text in enumerate(("物流太慢", "屏幕碎了", "客服很好")):
        raw = mail(1, text).replace(b"Date: Sun, 01 Mar 2026 09:30:00 +0800", date.encode())
        empty.inbox.inbox.add(raw, ARRIVED + timedelta(minutes=minute))
        assert empty.collect().out == "live: 1 new\n"
    assert empty.rows("select text from verbatims order by id") == [("物流太慢",), ("屏幕碎了",), ("客服很好",)]


def test_saved_mails_without_a_date_that_share_a_message_id_are_told_apart_and_get_no_date_of_another(
    empty: "Shop",
) -> None:
    empty.inbox.inbox.add(form_mail(9, "物流太慢"), ARRIVED)
    empty.collect()
    undated = form_mail(9, "屏幕碎了").replace(b"Date: Sun, 01 Mar 2026 09:30:00 +0800", b"X-Nothing: 1")
    (empty.folder / "x.eml").write_bytes(undated)
    assert empty.collect("--load", str(empty.folder / "x.eml")).out == "live: 1 new\n"
    expected = [("物流太慢", "2026-03-01T01:30:00Z"), ("屏幕碎了", None)]
    assert empty.rows("select text, posted_at from verbatims order by id") == expected


@pytest.mark.parametrize("apart", ["hours", "seconds"])
def test_mails_that_share_a_message_id_and_are_of_two_senders_are_two(empty: "Shop", apart: str) -> None:
    words = ("物流太慢", "物流太慢") if apart == "hours" else ("物流太慢", "屏幕碎了")
    for n, text in enumerate(words):
        raw = form_mail(9 + n * (apart == "hours"), text).replace(b"buyer1@", f"buyer{5 + n}@".encode())
        empty.inbox.inbox.add(raw, ARRIVED)
        assert empty.collect().out == "live: 1 new\n"
    assert empty.rows("select text from verbatims order by id") == [(text,) for text in words]


@pytest.mark.parametrize("what", ["channel", "key"])
def test_a_mail_is_one_whatever_code_its_sender_has_now(shop: "Shop", what: str) -> None:
    shop.collect()
    if what == "key":
        (shop.folder / ".feedback-key").unlink()
        shop.inbox.inbox.validity = 2
    else:
        written = (shop.folder / "feedback.toml").read_text(encoding="utf-8")
        (shop.folder / "feedback.toml").write_text(written.replace("邮件", "邮箱"), encoding="utf-8")
    assert "live: 0 new" in shop.collect().out
    assert shop.rows("select count(*) from verbatims") == [(120,)]


def test_a_mail_dated_ahead_of_its_arrival_is_one_wherever_and_whenever_it_arrives(empty: "Shop") -> None:
    raw = mail(1).replace(b"Sun, 01 Mar 2026 09:30:00", b"Tue, 03 Mar 2026 12:00:00")
    for days in (0, 3, 30):
        empty.inbox.inbox.add(raw, ARRIVED + timedelta(days=days))
        empty.collect()
    (empty.folder / "x.eml").write_bytes(raw)
    assert empty.collect("--load", str(empty.folder / "x.eml")).out == "live: 0 new, 1 already there\n"
    assert empty.rows("select source_id, posted_at from verbatims") == [("1@mail.example", "2026-03-01T02:00:00Z")]


def test_a_mail_dated_ahead_of_its_arrival_is_one_where_it_was_loaded_before_it_was_found(empty: Shop) -> None:
    raw = mail(1).replace(b"Sun, 01 Mar 2026 09:30:00", b"Tue, 03 Mar 2026 12:00:00")
    (empty.folder / "x.eml").write_bytes(raw)
    assert empty.collect("--load", str(empty.folder / "x.eml")).out == "live: 1 new\n"
    empty.inbox.inbox.add(raw, ARRIVED)
    assert empty.collect().out == "live: 0 new, 1 already there\n"


def test_a_date_that_is_known_stays_where_a_mail_comes_again_without_one(empty: "Shop") -> None:
    raw = mail(1).replace(b"+0800", b"CST")
    (empty.folder / "x.eml").write_bytes(raw)
    query = "select source_id, posted_at from verbatims"
    empty.collect("--load", str(empty.folder / "x.eml"))
    assert empty.rows(query) == [("1@mail.example", None)]
    empty.inbox.inbox.add(raw, ARRIVED)
    empty.collect()
    assert empty.rows(query) == [("1@mail.example", "2026-03-01T02:00:00Z")]
    empty.collect("--load", str(empty.folder / "x.eml"))
    assert empty.rows(query) == [("1@mail.example", "2026-03-01T02:00:00Z")]


def test_a_mail_without_a_date_of_its_own_is_one_wherever_it_lies(empty: "Shop") -> None:
    raw = mail(1).replace(b"Date: Sun, 01 Mar 2026 09:30:00 +0800", b"X-Nothing: 1")
    empty.inbox.inbox.add(raw, ARRIVED)
    empty.inbox.inbox.add(raw, ARRIVED + timedelta(hours=1))
    empty.collect()
    assert empty.rows("select source_id from verbatims") == [("1@mail.example",)]
