"""Collector imap: what becomes of a mail, asked for or saved as a file."""

from pathlib import Path

import pytest
from imap_server import Folder, Inbox, Session
from imap_shop import ARRIVED, Shop, empty, inbox, items, mail, reached, record, secret

from feedback.collectors.base import Unreadable
from feedback.collectors.imap import ImapCollector
from feedback.collectors.live import Page

__all__ = ["empty", "inbox", "secret"]


def test_a_mail_becomes_a_record(empty: Shop) -> None:
    empty.add(1)
    assert items(empty) == [record()]


def test_a_conversation_is_kept_together_and_our_own_answers_are_context(empty: Shop) -> None:
    empty.add(1)
    answer = mail(
        2, "抱歉让您久等\r\n\r\n> 物流太慢了", "In-Reply-To: <1@mail.example>", "References: <1@mail.example>"
    )
    again = mail(3, "还是没到", "In-Reply-To: <2@mail.example>", "References: <1@mail.example> <2@mail.example>")
    empty.inbox.inbox.add(answer.replace(b"buyer2@mail", b"help@shop"), ARRIVED)
    empty.inbox.inbox.add(again.replace(b"order 3", b"Re: order 1").replace(b"buyer3", b"buyer1"), ARRIVED)
    team = mail(4, "内部").replace(b"buyer4@mail.example", b"anna@team.shop.example")
    empty.inbox.inbox.add(team, ARRIVED)
    assert items(empty) == [
        record(),
        record(
            text="抱歉让您久等",
            location="INBOX:2@mail.example",
            source_id="2@mail.example",
            role="agent",
            turn=2,
            parent_id="1@mail.example",
            customer=None,
            question="order 2",
        ),
        record(
            text="还是没到",
            location="INBOX:3@mail.example",
            source_id="3@mail.example",
            turn=3,
            parent_id="2@mail.example",
        ),
        record(
            text="内部",
            location="INBOX:4@mail.example",
            source_id="4@mail.example",
            role="agent",
            conversation_id="4@mail.example",
            customer=None,
            question="order 4",
        ),
    ]


BY = ("feedback@shop.example", "kf@shop.example", "feedback@mail.example", "")


@pytest.mark.parametrize(
    "settings, ours",
    [
        ({}, []),
        ({"own": []}, []),
        ({"own": "客服 <KF@shop.example>"}, ["kf@shop.example"]),
        ({"own": ["@Mail.example"]}, ["feedback@mail.example"]),
        ({"user": "feedback", "own": ["<feedback@shop.example>"]}, ["feedback@shop.example"]),
    ],
)
def test_what_we_wrote_ourselves_is_what_own_names(
    tmp_path: Path, inbox: Inbox, settings: dict[str, object], ours: list[str]
) -> None:
    shop = Shop(tmp_path, inbox, settings)
    found = [
        saved(shop, f"{n}.eml", mail(n).replace(f"buyer{n}@mail.example".encode(), by.encode()))
        for n, by in enumerate(BY)
    ]
    roles = {by: [getattr(each, "role", each) for each in items] for by, items in zip(BY, found, strict=True)}
    assert roles == {by: ["agent" if by in ours else "customer"] for by in BY}


OURS = (
    "  {} from the mailbox's own address and {} as a customer's: "
    'write own = ["…"], with that address, if your people wrote such mails, own = [] if a form does\n'
)


def by_the_mailbox(number: int) -> bytes:
    return mail(number).replace(f"buyer{number}@mail.example".encode(), b"Feedback@shop.example")


def test_mails_of_the_mailbox_itself_are_told_where_nobody_said_whose_they_are(tmp_path: Path, inbox: Inbox) -> None:
    shop = Shop(tmp_path, inbox, {"folders": ["INBOX", "Forms"]})
    for folder, numbers in ((inbox.inbox, (1, 2)), (inbox.folders.setdefault("Forms", Folder()), (3,))):
        for number in numbers:
            folder.add(by_the_mailbox(number), ARRIVED)
    shop.add(4)
    assert OURS.format("3 mails are", "each counts") in shop.collect("--dry-run").out
    assert shop.collect().out == "live: 4 new\n" + OURS.format("3 mails are", "each counts")
    assert shop.rows("select distinct role from verbatims") == [("customer",)]
    assert shop.collect().out == "live: 0 new\n"
    inbox.inbox.add(by_the_mailbox(5), ARRIVED)
    assert shop.collect().out == "live: 1 new\n" + OURS.format("1 mail is", "counts")


@pytest.mark.parametrize("settings", [{"own": []}, {"own": ["kf@shop.example"]}, {"user": "feedback"}])
def test_nothing_is_told_of_them_where_own_is_written_or_the_user_is_no_address(
    tmp_path: Path, inbox: Inbox, settings: dict[str, object]
) -> None:
    inbox.user = str(settings.get("user", inbox.user))
    shop = Shop(tmp_path, inbox, settings)
    inbox.inbox.add(by_the_mailbox(1), ARRIVED)
    assert shop.collect().out == "live: 1 new\n"


def test_a_saved_mail_has_the_same_role_whether_the_user_can_be_read_or_not(
    tmp_path: Path, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAIL_USER", "feedback@shop.example")
    shop = Shop(tmp_path, inbox, {"user": {"env": "MAIL_USER"}})
    path = tmp_path / "1.eml"
    path.write_bytes(by_the_mailbox(1))
    assert shop.collect("--load", str(path)).out == "live: 1 new\n" + OURS.format("1 mail is", "counts")
    monkeypatch.delenv("MAIL_USER")
    assert shop.collect("--load", str(path)).out == "live: 0 new, 1 already there\n"


def test_a_subject_that_the_text_begins_with_is_no_question(empty: Shop) -> None:
    empty.inbox.inbox.add(mail(1, "order 1 还没到"), ARRIVED)
    assert items(empty) == [record(text="order 1 还没到", question=None)]


@pytest.mark.parametrize("body", ["", "\r\n  \r\n"])
def test_what_somebody_wrote_into_the_subject_alone_is_what_he_said(empty: Shop, body: str) -> None:
    raw = mail(1).partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + body.encode()
    empty.inbox.inbox.add(raw, ARRIVED)
    assert items(empty) == [record(text="order 1", question=None)]


WITH_A_PICTURE = (
    "--B\r\nContent-Type: text/html\r\n\r\n<div><br></div><img src=cid:1><div>Sent from my iPhone</div>\r\n"
    "--B\r\nContent-Type: image/png; name=a.png\r\n\r\nx\r\n--B--\r\n"
)


@pytest.mark.parametrize(
    "kind, body",
    [
        pytest.param("text/plain; charset=utf-8", "\r\n\r\n发自我的iPhone", id="a phone's line"),
        pytest.param("text/plain; charset=utf-8", "获取 Outlook for iOS", id="an app's line"),
        pytest.param("text/plain; charset=utf-8", "-- \r\n王小明\r\n13800000000", id="a signature"),
        pytest.param("text/plain; charset=utf-8", "[外部邮件]\r\n\r\n发自我的iPhone", id="a gateway's line"),
        pytest.param("text/html; charset=utf-8", "<div><br></div><div>发自我的iPhone</div>", id="in HTML"),
        pytest.param("multipart/mixed; boundary=B", WITH_A_PICTURE, id="and a picture"),
    ],
)
def test_a_subject_is_what_somebody_said_where_programs_alone_wrote_below_it(empty: Shop, kind: str, body: str) -> None:
    raw = mail(1, body).replace(b"text/plain; charset=utf-8", kind.encode())
    empty.inbox.inbox.add(raw, ARRIVED)
    assert items(empty) == [record(text="order 1", question=None)]


def test_what_customers_answer_to_an_automatic_reply_is_kept(empty: Shop) -> None:
    said = "我等了三天，还是没人联系我，请尽快退款。"
    raw = mail(1, said, "In-Reply-To: <out1@shop.example>")
    raw = raw.replace(b"Subject: order 1", "Subject: 回复：您的反馈已收到【自动回复】".encode())
    empty.inbox.inbox.add(raw, ARRIVED)
    assert [getattr(each, "text", each) for each in items(empty)] == [said]


@pytest.mark.parametrize("body", ["发自我的iPhone", "\r\n"])
@pytest.mark.parametrize("header", ["In-Reply-To: <out1@shop.example>", "References: <out1@shop.example>"])
def test_the_subject_of_a_mail_that_is_answered_is_not_what_somebody_said(empty: Shop, header: str, body: str) -> None:
    raw = mail(1, "x", header).partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + body.encode()
    empty.inbox.inbox.add(raw.replace(b"Subject: order 1", "Subject: 您的订单已发货，请评价".encode()), ARRIVED)
    assert [type(each) for each in items(empty)] == [Unreadable]


@pytest.mark.parametrize(
    "subject", ["来自 iPhone 的照片", "来自我的 iPhone 的照片", "图片", "IMG_0001.JPG", "发自我的iPhone"]
)
def test_a_subject_that_a_phone_wrote_is_not_what_somebody_said(empty: Shop, subject: str) -> None:
    raw = mail(1, "发自我的iPhone").replace(b"Subject: order 1", f"Subject: {subject}".encode())
    empty.inbox.inbox.add(raw, ARRIVED)
    assert [type(each) for each in items(empty)] == [Unreadable]


def test_mails_that_an_earlier_version_rejected_are_read_again(empty: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    empty.inbox.inbox.add(mail(1, "发自我的iPhone"), ARRIVED)
    with monkeypatch.context() as before:
        before.setattr("feedback.settings_digest.INTAKE_VERSION", "before")
        before.setattr("feedback.collectors.imap.quotes_earlier", lambda *_, **__: True)
        assert empty.collect().out.startswith("live: 0 new, 1 rows or fields could not be used")
    assert empty.collect().out.startswith("live: 1 new\n")
    assert empty.rows("select text from verbatims") == [("order 1",)]


FORMS = [
    "来自：官网\n发件人：王小明\n邮箱：buyer@mail.example\n主题：投诉\n日期：2026-03-02\n内容：杯子坏了三次，客服一直推",
    "New message from the contact form\n\nFrom: Jane Doe\nTo: Support\nSubject: Broken cup\nMessage: broken",
    "From: Jane <jane@mail.example>\nDate: 2026-03-02 10:00\nSubject: complaint\nMessage: broken",
    "致：客服部\n发件人：王小明\n日期：2026年3月2日\n主题：关于杯子破损的投诉\n\n你好，我买的杯子收到就碎了。",
]


@pytest.mark.parametrize("form", FORMS)
def test_what_somebody_wrote_into_a_form_is_kept(empty: Shop, form: str) -> None:
    empty.inbox.inbox.add(mail(1, form), ARRIVED)
    assert items(empty) == [record(text=form)]


def test_a_head_with_an_address_and_three_fields_more_is_a_quoted_mails_in_any_mail(empty: Shop) -> None:
    quoted = "发件人: 客服 <kf@shop.cn>\n日期: 2026-03-02\n收件人: 我\n主题: 您的订单\n您好，订单已发货"
    empty.inbox.inbox.add(mail(1, f"杯子坏了。\n\n{quoted}"), ARRIVED)
    assert items(empty) == [record(text="杯子坏了。")]


@pytest.mark.parametrize("answers", [("Subject", "Re: order 1"), ("Subject", "Fw: order 1"), ("References", "<0@a>")])
def test_the_head_of_a_quoted_mail_without_addresses_is_known_in_an_answer(
    empty: Shop, answers: tuple[str, str]
) -> None:
    body = "还没到\n\n发件人：客服\n日期：2026年3月2日\n主题：订单\n\n您好，已经寄出。"
    raw = mail(1, body).replace(b"Subject: order 1", f"{answers[0]}: {answers[1]}".encode())
    empty.inbox.inbox.add(raw, ARRIVED)
    assert [getattr(each, "text", each) for each in items(empty)] == ["还没到"]


@pytest.mark.parametrize(
    "raw, reason",
    [
        pytest.param(
            mail(1).replace(b"text/plain; charset=utf-8", b"application/pkcs7-mime"),
            "it is encrypted, or sealed by a signature around it",
            id="encrypted",
        ),
        pytest.param(b"Message-ID: <1@mail.example>\r\nFrom: a@b.example\r\n\r\n", "it is empty", id="empty"),
        pytest.param(
            b"Message-ID: <1@mail.example>\r\nSubject: Re: order\r\n\r\n", "it is empty", id="an empty answer"
        ),
        pytest.param(
            mail(1, "> 您好\r\n> 请评价"), "it holds nothing but an earlier mail or a signature", id="a quote alone"
        ),
        pytest.param(
            mail(1, "发自我的iPhone").replace(b"Subject: ", b"Subject: Re: "),
            "it holds nothing but an earlier mail or a signature",
            id="an answer of a phone's line",
        ),
        pytest.param(
            mail(1, "BEGIN:VCALENDAR").replace(b"text/plain; charset=utf-8", b"text/calendar; method=REPLY"),
            "it is an invitation, or the answer to one, without words",
            id="an invitation that is accepted",
        ),
        pytest.param(
            mail(1, "您的邮件\r\n\r\n收件人: 客服\r\n主题: 退款\r\n\r\n已于 2026年3月2日 10:05:00 阅读。").replace(
                b"Subject: ", "Subject: 已读: ".encode()
            ),
            "its subject is one that programs write (auto-reply, receipt, report): it is left out",
            id="a receipt",
        ),
        pytest.param(
            mail(1, "我在休假").replace(b"Subject: ", "Subject: 自动答复: ".encode()),
            "its subject is one that programs write (auto-reply, receipt, report): it is left out",
            id="an auto-reply that only its subject tells",
        ),
    ],
)
def test_mails_without_words_are_rejected_with_a_reason(empty: Shop, raw: bytes, reason: str) -> None:
    empty.inbox.inbox.add(raw, ARRIVED)
    assert items(empty) == [Unreadable("INBOX:1@mail.example", reason)]


def test_a_mail_that_breaks_programs_is_rejected_and_the_next_is_read(empty: Shop) -> None:
    empty.inbox.inbox.add(b"Content-Type: text/plain" + b';"' * 50_000 + b"\r\n\r\nx", ARRIVED)
    empty.inbox.inbox.add(mail(1), ARRIVED)
    assert items(empty) == [
        Unreadable("INBOX:1", "it can't be taken apart: it is damaged, or made to break programs"),
        record(),
    ]


def test_automatic_mails_are_left_out_and_counted(empty: Shop) -> None:
    empty.inbox.inbox.add(mail(1, "", "Auto-Submitted: auto-replied"), ARRIVED)
    empty.inbox.inbox.add(mail(2, "", "List-Id: <news.example>"), ARRIVED)
    empty.inbox.inbox.add(mail(3, "").replace(b"buyer3@", b"mailer-daemon@"), ARRIVED)
    first, *others = empty.pages()
    assert (first.items, reached(first)) == ([], (1, 3))
    assert others == [Page([], None, ("INBOX: 3 automatic mails left out (auto-replies, bounces, lists)",))]


def test_without_a_date_a_mail_is_of_when_it_arrived(empty: Shop) -> None:
    empty.inbox.inbox.add(mail(1).replace(b"Date: Sun, 01 Mar 2026 09:30:00 +0800\r\n", b""), ARRIVED)
    assert items(empty) == [record(posted_at="2026-03-01T02:00:00Z", own_date=False)]


def test_a_server_that_knows_no_time_of_arrival_leaves_the_date(empty: Shop) -> None:
    raw = mail(1)
    empty.inbox.inbox.add(raw, ARRIVED)
    empty.inbox.inbox.add(mail(2), ARRIVED)
    body = b" BODY[]<0> {%d}\r\n%b" % (len(raw), raw)

    def fault(session: Session, tag: str, command: str) -> bool:
        if not command.startswith("UID FETCH"):
            return False
        session.say(b"* 2 FETCH (FLAGS (\\Seen))\r\n")
        if "SIZE" in command:
            session.say(b'* 1 FETCH (UID 1 RFC822.SIZE 7 INTERNALDATE "31-Feb-2026 10:00:00 +0800")\r\n')
            session.say(b'* 2 FETCH (RFC822.SIZE 0 INTERNALDATE "yesterday" UID 2)\r\n')
        else:
            session.say(b"* 1 FETCH (" + body + b" UID 1)\r\n")
            session.say(b'* 2 FETCH (UID 2 BODY[]<0> "Message-ID: <x@y> \\"UID 7\\"")\r\n')
        session.say(f"{tag} OK done")
        return True

    empty.inbox.faults.append(fault)
    assert items(empty) == [record(), Unreadable("INBOX:x@y", "it is empty")]


def test_mails_that_are_deleted_while_they_are_asked_for_are_told(empty: Shop) -> None:
    empty.add(1, 2)

    def fault(_session: Session, _tag: str, command: str) -> bool:
        if "BODY.PEEK" in command:
            del empty.inbox.inbox.mails[1:]
        return False

    empty.inbox.faults.append(fault)
    assert items(empty) == [
        record(),
        Unreadable("INBOX:2", "the mail was taken out of the folder before it could be read"),
    ]


# Saved mails


def saved(shop: Shop, name: str, content: bytes) -> list[object]:
    path = shop.folder / name
    path.write_bytes(content)
    return list(ImapCollector().saved(path, shop.visit()))


def test_a_saved_mail_is_read(empty: Shop) -> None:
    assert saved(empty, "一封.eml", mail(1)) == [record(location="一封.eml:1@mail.example")]


def test_saved_mails_that_cannot_be_used_are_told(empty: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feedback.collectors.mail_files.LARGEST", 100_000)
    content = (
        b"From x\n" + mail(1, "", "Precedence: bulk") + b"\nFrom x\n" + mail(2, "x" * 200_000) + b"\nFrom x\n"
        b"Content-Type: text/plain" + b';"' * 30_000 + b"\n\nx\n"
    )
    assert saved(empty, "x.mbox", content) == [
        Unreadable("x.mbox:1", "an automatic mail (auto-reply, bounce, mailing list) is left out"),
        Unreadable("x.mbox:2", "the mail is larger than 32 MB"),
        Unreadable("x.mbox:3", "it can't be taken apart: it is damaged, or made to break programs"),
    ]
