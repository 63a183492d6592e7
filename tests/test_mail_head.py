"""The head of a mail: who wrote it when, whether a person did, and heads that are quoted below."""

import base64

import pytest
from written_mails import ARRIVED, head, mail

from feedback.collectors.mail_body import parse
from feedback.collectors.mail_head import Head, address, begins_quoted_head, head_of, is_receipt


def test_a_head_is_read_whole() -> None:
    assert head(
        "Message-ID: <3@mail.example>",
        "From: =?gbk?B?zfXQocP3?= <Buyer@Mail.example>",
        "Subject: =?utf-8?b?5Zue5aSN77ya54mp5rWB?=",
        "Date: Mon, 02 Mar 2026 10:00:00 +0800 (CST)",
        "In-Reply-To: <2@shop.example>",
        "References: <1@mail.example>",
        " <2@shop.example>",
    ) == Head(
        id="3@mail.example",
        sender="buyer@mail.example",
        subject="物流",
        answers=True,
        sent_at="2026-03-02T02:00:00Z",
        own_date=True,
        ancestors=("1@mail.example", "2@shop.example"),
        automatic=False,
        by_subject=False,
    )


def test_a_mail_without_a_head_still_has_an_id() -> None:
    assert head("X-Nothing: 1") == Head(
        id="mail-105e8ab1203c41d360d4c593",
        sender="",
        subject="",
        answers=False,
        sent_at=ARRIVED,
        own_date=False,
        ancestors=(),
        automatic=False,
        by_subject=False,
    )


@pytest.mark.parametrize(
    "written, subject, answers",
    [
        pytest.param("Subject: Re: Fwd: 物流", "物流", True, id="two prefixes"),
        pytest.param("Subject: 回复：物流", "物流", True, id="a Chinese prefix and colon"),
        pytest.param("Subject: 转发: Re[2]: 物流", "物流", True, id="a counted prefix"),
        pytest.param("Subject: 回复慢的问题", "回复慢的问题", False, id="a word that begins as a prefix does"),
        pytest.param("Subject: (无主题)", "", False, id="none, as QQ says it"),
        pytest.param("Subject: Re: <no subject>", "", True, id="none, in English"),
        pytest.param("Subject: =?gb2312?B?zu/B9w==?= =?gb2312?B?zKvC/Q==?=", "物流太慢", False, id="two encoded words"),
        pytest.param(
            "Subject: =?utf-8?B?54mp5rU=?=\r\n =?utf-8?B?geWkquaFog==?=", "物流太慢", False, id="a cut character"
        ),
        pytest.param("Subject: =?gb2312?Q?=CE=EF=C1=F7?= OK", "物流 OK", False, id="quoted-printable, and more"),
        pytest.param("Subject: =?utf-8?B?zu/B9w==?=", "物流", False, id="GBK that is declared as UTF-8"),
        pytest.param("Subject: 物流太慢", "物流太慢", False, id="bytes that are not encoded"),
        pytest.param("Subject: =?utf-8?B?A?=", "=?utf-8?B?A?=", False, id="an encoded word that is broken"),
    ],
)
def test_subjects(written: str, subject: str, answers: bool) -> None:
    found = head(written)
    assert (found.subject, found.answers) == (subject, answers)


def test_a_subject_in_gbk_without_any_encoding_is_read() -> None:
    assert head("Subject: 物流太慢", charset="gbk").subject == "物流太慢"


@pytest.mark.parametrize(
    "written, found",
    [
        ("王小明 <Buyer@Mail.Example>", "buyer@mail.example"),
        ('"a@b.example" <buyer@mail.example>', "buyer@mail.example"),
        ("buyer@mail.example (王小明)", "buyer@mail.example"),
        ("< buyer@mail.example >", "buyer@mail.example"),
        ("王小明", ""),
        ("", ""),
    ],
)
def test_addresses(written: str, found: str) -> None:
    assert address(written) == found


ENCODED = base64.b64encode("客服 <kf@shop.example>".encode()).decode()


@pytest.mark.parametrize(
    "written, sender",
    [
        pytest.param(f"=?utf-8?b?{ENCODED}?=", "kf@shop.example", id="encoded as a whole"),
        pytest.param("=?utf-8?Q?kf=40shop.example?=", "kf@shop.example", id="in quoted-printable"),
        pytest.param("=?utf-8?Q?kf@shop.example?=", "kf@shop.example", id="its @ not encoded"),
        pytest.param(f"=?utf-8?b?{ENCODED}?= <buyer@mail.example>", "buyer@mail.example", id="an address as a name"),
        pytest.param("=?utf-8?b?5a6i5pyN?=<buyer@mail.example>", "buyer@mail.example", id="no blank behind the name"),
        pytest.param("=?utf-8?b?5a6i5pyN?=", "", id="a name alone"),
    ],
)
def test_senders(written: str, sender: str) -> None:
    assert head(f"From: {written}").sender == sender


@pytest.mark.parametrize(
    "date, arrived, sent_at",
    [
        pytest.param("Mon, 2 Mar 2026 10:00:00 +0800", None, "2026-03-02T02:00:00Z", id="RFC 5322"),
        pytest.param("2 Mar 2026 10:00 GMT", None, "2026-03-02T10:00:00Z", id="without weekday and seconds"),
        pytest.param("Mon, 02-Mar-2026 10:00:00 -05:30", None, "2026-03-02T15:30:00Z", id="as some programs write it"),
        pytest.param("Mon, 2 Mar 2026 10:00:00", None, "2026-03-02T10:00:00", id="no zone, saved: the project's"),
        pytest.param("Mon, 2 Mar 2026 10:00:00", ARRIVED, ARRIVED, id="no zone: when it arrived"),
        pytest.param("Mon, 2 Mar 2026 10:00:00 CST", None, None, id="a zone that is two, saved"),
        pytest.param("Mon, 2 Mar 2026 10:00:00 CST", ARRIVED, ARRIVED, id="a zone that is two"),
        pytest.param("Mon, 2 Mar 2030 10:00:00 +0800", ARRIVED, ARRIVED, id="after it arrived"),
        pytest.param("Thu, 1 Jan 1970 00:00:00 +0000", ARRIVED, ARRIVED, id="before there was mail"),
        pytest.param("Mon, 30 Feb 2026 10:00:00 +0800", ARRIVED, ARRIVED, id="no such day"),
        pytest.param("Mon, 2 Xyz 2026 10:00:00 +0800", ARRIVED, ARRIVED, id="no such month"),
        pytest.param("1 Jan 0001 00:00:00 +1400", None, None, id="before all time"),
        pytest.param("2026年3月2日", ARRIVED, ARRIVED, id="another form"),
    ],
)
def test_dates(date: str, arrived: str | None, sent_at: str | None) -> None:
    assert head(f"Date: {date}", arrived=arrived).sent_at == sent_at


@pytest.mark.parametrize("arrived", [None, ARRIVED])
@pytest.mark.parametrize(
    "date, own",
    [("2 Mar 2026 10:00 +0800", True), ("2 Mar 2026 10:00", False), ("2 Mar 1970 10:00 GMT", False), ("", False)],
)
def test_a_date_is_a_mails_own_where_its_head_names_it_for_certain(date: str, arrived: str | None, own: bool) -> None:
    assert head(f"Date: {date}", arrived=arrived).own_date is own


def test_a_date_after_the_arrival_is_not_a_mails_own_where_that_is_known() -> None:
    ahead = "Date: Mon, 2 Mar 2030 10:00:00 +0800"
    assert [head(ahead, arrived=at).own_date for at in (None, ARRIVED)] == [True, False]


@pytest.mark.parametrize(
    "written, found",
    [
        pytest.param(["Message-ID: 5@mail.example"], "5@mail.example", id="without brackets"),
        pytest.param(["Message-ID:", " <5@mail.example>"], "5@mail.example", id="folded"),
        pytest.param([f"Message-ID: <{'x' * 600}>"], "mail-531ccbf40451d706dd8ee42c", id="endless"),
        pytest.param(["Message-ID: "], "mail-e74b1322f6fb509188841971", id="empty"),
    ],
)
def test_ids(written: list[str], found: str) -> None:
    assert head(*written).id == found


def test_a_mail_without_an_id_has_the_same_one_wherever_it_is_read() -> None:
    raw = mail("From: a@mail.example", "Date: Mon, 2 Mar 2026 10:00:00 +0800")
    saved = raw.replace(b"\r\n", b"\n")
    top = raw[: raw.index(b"\r\n\r\n") + 4]
    assert len({head_of(parse(each), each).id for each in (raw, saved, top)}) == 1


def test_what_is_answered_comes_last_among_those_before() -> None:
    found = head("References: <1@a> <3@a> <2@a> <1@a>", "In-Reply-To: <3@a>")
    assert found.ancestors == ("1@a", "2@a", "3@a")


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-generated",
        "Precedence: bulk",
        "Precedence: list",
        "Precedence: auto_reply",
        "List-Id: <news.example>",
        "List-Unsubscribe: <https://news.example/bye>",
        "X-Autoreply: yes",
        "Return-Path: <>",
        "From: Mail Delivery Subsystem <MAILER-DAEMON@mail.example>",
        "From: postmaster@mail.example",
        "From: bounces+12@news.example",
        "From: =?utf-8?Q?MAILER-DAEMON=40mail.example?=",
        "Content-Type: multipart/report; report-type=delivery-status; boundary=x",
    ],
)
def test_mails_that_no_person_wrote_are_known(header: str) -> None:
    found = head(header, "Subject: 自动回复：我在休假")
    assert (found.automatic, found.by_subject) == (True, False)


@pytest.mark.parametrize(
    "subject",
    [
        "自动回复：我在休假",
        "自动答复: 退款",
        "Automatic reply: your order",
        "系统退信",
        "Out of Office",
        "Report domain: shop.example Submitter: mail.example Report-ID: 1",
    ],
)
def test_mails_of_which_the_subject_alone_says_that_no_person_wrote_them_are_told_apart(subject: str) -> None:
    found = head(f"Subject: {subject}")
    assert (found.automatic, found.by_subject) == (True, True)


@pytest.mark.parametrize("subject", ["不在办公室: 退款", "Out of Office: your order", "Out of Office Re: your order"])
def test_who_is_away_is_told_by_a_program_in_an_answer_alone(subject: str) -> None:
    assert not head(f"Subject: {subject}").automatic
    assert head(f"Subject: {subject}", "In-Reply-To: <1@shop.example>").by_subject
    assert head(f"Subject: {subject}", "References: <1@shop.example>").by_subject


RECEIPTS = [
    "您的邮件 \n\n   收件人: 王小明\n   主题: 退款\n   发送时间: 2026年3月2日 10:00\n\n已于 2026年3月2日 10:05:00 阅读。",
    "Your message\n\n  To: Shop\n  Subject: refund\n  Sent: Monday, March 2, 2026 10:00 AM\n\n was read on Monday, March 2, 2026 10:05 AM.",
]


@pytest.mark.parametrize("text", RECEIPTS)
def test_a_receipt_is_known_by_its_subject_and_its_words(text: str) -> None:
    assert is_receipt("已读: 退款", text)
    assert is_receipt("Read: refund", text)
    assert not is_receipt("退款", text)
    assert not is_receipt("已读：不回，客服态度太差", "您的邮件我看了，还是不退款。")
    assert not is_receipt("已读：不回，客服态度太差", "")


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: no",
        "Precedence: first-class",
        "Return-Path: <buyer@mail.example>",
        "From: buyer@bounce.example",
        "Subject: 自动回复太慢了",
        "Subject: 退信退款的问题",
        "Subject: Re: 自动答复: 退款",
        "Subject: 已读不回",
        "Subject: 已读：不回，客服态度太差",
        "Subject: 不在办公室：快递放门口被偷",
        "Subject: 回复：您的反馈已收到【自动回复】",
        "Subject: Re: 感谢您的来信（自动回复）",
        "Subject: 投诉[自动回复]",
        "Subject: 投诉你们的客服(自动回复)",
        "Subject: 不在办公室，请改天再送",
        "Subject: Report: domain of your shop does not open",
    ],
)
def test_mails_that_a_person_wrote_are_not_taken_for_others(header: str) -> None:
    assert not head(header).automatic


@pytest.mark.parametrize(
    "lines, begins",
    [
        pytest.param(["发 件 人：a@shop.example", "日　期：3月2日", "主　题：茶"], True, id="blanks inside the words"),
        pytest.param(["日　　期：3月2日", "", "发件人：a@shop.example"], False, id="neither to whom nor about what"),
        pytest.param(["主　题：茶", "发件人：山茶小铺", "收件人：顾客"], True, id="the subject first"),
        pytest.param(["发件人：王小明", "日　期：3月2日", "收件人：李小红"], False, id="a parcel"),
    ],
)
def test_the_head_of_a_quoted_mail(lines: list[str], begins: bool) -> None:
    assert begins_quoted_head(lines, 0) is begins


LETTER = ["发件人：王小明", "日期：2026年3月2日", "主题：杯子", "", "你好"]
OUTLOOK = ["发件人: 客服", "发送时间: 2026年3月2日 10:00", "收件人: 王小明", "主题: 杯子", "", "您好"]
WITH_ADDRESS = ["From: Shop <kf@shop.example>", "Date: Mon, 2 Mar 2026 10:00", "Subject: cup", "", "Hello"]
FORM = ["From: Jane <jane@mail.example>", "Date: 2026-03-02 10:00", "Subject: cup", "Message: broken"]


@pytest.mark.parametrize(
    "lines, in_an_answer, elsewhere",
    [
        pytest.param(LETTER, True, False, id="neither address nor clock"),
        pytest.param(OUTLOOK, True, True, id="all fields, and a clock"),
        pytest.param(WITH_ADDRESS, True, True, id="an address and a clock"),
        pytest.param(FORM, True, False, id="fields of a form, as certain as a head's"),
        pytest.param(["From: Jane", *FORM[1:]], False, False, id="fields of a form"),
    ],
)
def test_fields_of_letters_and_forms_are_no_head_where_a_mail_answers_nothing(
    lines: list[str], in_an_answer: bool, elsewhere: bool
) -> None:
    assert begins_quoted_head(lines, 0, answers=True) is in_an_answer
    assert begins_quoted_head(lines, 0, answers=False) is elsewhere
