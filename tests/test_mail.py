"""A mail taken apart: its words, of whichever part, form and encoding."""

import base64
from email import message_from_bytes

import pytest
from written_mails import mail, part, parts, words

from feedback.collectors.mail_body import Blank, Wordless, parse, text_of, unfolded
from feedback.collectors.mail_head import head_of
from feedback.collectors.mail_text import own_words


def test_a_plain_mail() -> None:
    assert words("Content-Type: text/plain; charset=gbk", body="物流太慢", charset="gbk") == "物流太慢"


def test_base64_and_quoted_printable() -> None:
    encoded = base64.encodebytes("物流太慢".encode("gb18030")).decode()
    headers = ("Content-Type: text/plain; charset=gb18030", "Content-Transfer-Encoding: base64")
    assert words(*headers, body=encoded) == "物流太慢"
    headers = ("Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: quoted-printable")
    assert words(*headers, body="=E7=89=A9=E6=B5=\r\n=81") == "物流"


def test_big5_that_is_declared_as_something_that_cannot_be() -> None:
    assert words("Content-Type: text/plain; charset=no-such", body="物流".encode("big5")) == "物流"


def test_plain_text_is_taken_before_html_and_html_where_it_is_blank() -> None:
    html = part("text/html; charset=utf-8", "<p>超文本</p>")
    kind, body = parts(html, part("text/plain; charset=utf-8", "纯文本"), kind="alternative")
    assert words(kind, body=body) == "纯文本"
    kind, body = parts(part("text/plain; charset=utf-8", "  \r\n"), html, kind="alternative")
    assert words(kind, body=body) == "超文本"


SAYING_NOTHING = [
    "您的邮件客户端不支持HTML格式，请使用支持HTML的客户端查看。",
    "Your email client does not support HTML emails.",
    "This is an HTML message. Please use an HTML mail program.",
    "??????????",
    "？？ ???\r\n??",
]


@pytest.mark.parametrize("plain", SAYING_NOTHING)
def test_html_is_read_where_the_plain_text_says_nothing(plain: str) -> None:
    inner = part("text/plain; charset=utf-8", plain)
    kind, body = parts(inner, part("text/html; charset=utf-8", "<p>杯子坏了</p>"), kind="alternative")
    assert words(kind, body=body) == "杯子坏了"
    kind, body = parts(inner, part("text/html; charset=utf-8", "<img src=x>"), kind="alternative")
    assert words(kind, body=body) == plain
    assert words("Content-Type: text/plain; charset=utf-8", body=plain) == plain


def test_plain_text_that_speaks_of_html_is_taken() -> None:
    plain = "你们的邮件我打开一片空白，提示不支持HTML，\r\n换了电脑也一样，三天了没人管，退款也没收到，请尽快给我答复，别再拖了，我已经打了五次电话，每次都说在处理，到底要等到什么时候"
    kind, body = parts(part("text/plain; charset=utf-8", plain), part("text/html", "<p>x</p>"), kind="alternative")
    assert words(kind, body=body) == plain


def test_html_says_its_charset_itself() -> None:
    body = '<html><meta http-equiv="Content-Type" content="text/html; charset=big5"><p>物流太慢</p>'
    assert words("Content-Type: text/html", body=body.encode("big5")) == "物流太慢"


def test_quotes_and_signatures_of_html_are_marked_or_left_out() -> None:
    body = (
        "<div>物流太慢</div><div class='gmail_signature'>王小明</div><div id=Signature>店</div>"
        "<blockquote type=cite>您好</blockquote>"
    )
    assert words("Content-Type: text/html; charset=utf-8", body=body) == "物流太慢\n> 您好"


def test_texts_around_a_picture_belong_together_and_attachments_do_not() -> None:
    kind, body = parts(
        part("text/plain; charset=utf-8", "看图："),
        part("image/png", "AAAA", "Content-Transfer-Encoding: base64"),
        part("text/plain; charset=utf-8", "都碎了"),
        part("text/plain; charset=utf-8", "日志", "Content-Disposition: attachment; filename=log.txt"),
        part("text/plain; charset=utf-8; name=notes.txt", "笔记", "Content-Disposition: inline"),
        part("text/calendar; charset=utf-8", "BEGIN:VCALENDAR"),
        part("message/rfc822", "Subject: 别人的\r\n\r\n别人的话"),
    )
    assert words(kind, body=body) == "看图：\n都碎了"


def test_mails_of_several_kinds_inside_one_another() -> None:
    kind, body = parts(
        part("text/plain; charset=utf-8", "纯文本"), part("text/html", "x"), kind="alternative", boundary="A"
    )
    kind, body = parts(f"{kind}\r\n\r\n{body}", part("application/pdf", "x"))
    assert words(kind, body=body) == "纯文本"


def test_soft_line_ends_are_taken_out() -> None:
    headers = ("Content-Type: text/plain; charset=utf-8; format=flowed; delsp=yes",)
    assert words(*headers, body="物流太 \r\n慢了。\r\n> 您好 \r\n> 请评价 \r\n很 \r\n-- \r\n王") == (
        "物流太慢了。\n> 您好 \n> 请评价 \n很\n-- \n王"
    )
    assert unfolded("a \nb\n\n c", delete_space=False) == "a b\n\nc"


def test_blanks_that_qq_writes_out_are_blanks() -> None:
    assert words("Content-Type: text/plain; charset=utf-8", body="很好&nbsp;很快") == "很好 很快"


def test_the_separator_of_qq_with_its_entities_is_known_in_a_text_part() -> None:
    text = words(
        "Content-Type: text/plain; charset=utf-8",
        body='很好\r\n\r\n&nbsp;原始邮件&nbsp;\r\n发件人:&nbsp;"山茶小铺"&nbsp;<feedback@shop.example>;\r\n您好',
    )
    assert own_words(text) == "很好"


def test_a_card_in_html_without_blank_lines_is_a_signature() -> None:
    text = words(
        "Content-Type: text/html; charset=utf-8",
        body="<p>物流太慢。</p><hr><p>王小明</p><p>山茶贸易有限公司</p><p>电话：&nbsp;0571-55501234</p>",
    )
    assert own_words(text) == "物流太慢。"


def test_the_address_that_foxmail_puts_below_a_rule_in_html_is_a_signature() -> None:
    text = words(
        "Content-Type: text/html; charset=utf-8",
        body="<div>杯子漏水了，要退货</div><div><br></div><hr size=1><div><div>lu@foxmail.example</div></div>"
        "<blockquote><div><b>发件人：</b>&nbsp;<a>客服</a></div><div>您好</div></blockquote>",
    )
    assert own_words(text) == "杯子漏水了，要退货"


@pytest.mark.parametrize(
    "markup",
    [
        "<pre>杯子坏了\n要求退款\n\nOn Mon, 2 Mar 2026 at 10:00, kf &lt;kf@shop.example&gt; wrote:\n&gt; 您好\n&gt; 请评价</pre>",
        '<div style="white-space:pre-wrap">杯子坏了\n要求退款\n\n-----原始邮件-----\n发件人: kf@shop.example\n您好</div>',
    ],
)
def test_a_mail_that_is_quoted_in_html_of_lines_goes(markup: str) -> None:
    assert own_words(words("Content-Type: text/html; charset=utf-8", body=markup)) == "杯子坏了\n要求退款"


def test_what_pgp_puts_around_a_signed_text_goes() -> None:
    body = (
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n物流太慢\n"
        "-----BEGIN PGP SIGNATURE-----\nabc\n-----END PGP SIGNATURE-----\n"
    )
    assert words("Content-Type: text/plain; charset=utf-8", body=body) == "物流太慢"


ENCRYPTED = parts(
    part("application/pgp-encrypted", "Version: 1"), part("application/octet-stream", "x"), kind="encrypted"
)


@pytest.mark.parametrize(
    "raw, reason",
    [
        pytest.param(
            mail(ENCRYPTED[0], body=ENCRYPTED[1]), "it is encrypted, or sealed by a signature around it", id="PGP"
        ),
        pytest.param(
            mail("Content-Type: application/pkcs7-mime; smime-type=enveloped-data", body="x"),
            "it is encrypted, or sealed by a signature around it",
            id="S/MIME",
        ),
        pytest.param(
            mail(body="-----BEGIN PGP MESSAGE-----\nabc\n"),
            "it is encrypted, or sealed by a signature around it",
            id="PGP in the text",
        ),
        pytest.param(mail("Subject: x", body=" \r\n "), "it is empty", id="empty"),
        pytest.param(mail("Content-Type: image/png", body="x"), "it has no words, only attachments", id="a picture"),
        pytest.param(
            mail("Content-Type: text/calendar; method=REPLY", body="BEGIN:VCALENDAR"),
            "it is an invitation, or the answer to one, without words",
            id="an invitation",
        ),
        pytest.param(mail(body=b"\xff\xff\xfe\x80"), "its words are in no encoding known", id="no text"),
    ],
)
def test_why_a_mail_has_no_words(raw: bytes, reason: str) -> None:
    with pytest.raises(Wordless) as error:
        text_of(parse(raw))
    assert str(error.value) == reason
    assert isinstance(error.value, Blank) == (reason in ("it is empty", "it has no words, only attachments"))


DAMAGED = "it can't be taken apart: it is damaged, or made to break programs"
NESTED = "it has too many parts inside one another"
INSIDE = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(40))


@pytest.mark.parametrize(
    "raw, reason",
    [
        pytest.param(INSIDE, NESTED, id="parts in parts"),
        pytest.param(INSIDE * 2, NESTED, id="more of them"),
        pytest.param(b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 500, NESTED, id="many parts"),
        pytest.param(b"Content-Type: message/rfc822\n\n" * 5000, DAMAGED, id="mails in mails"),
        pytest.param(b"Content-Type: text/plain" + b';"' * 500_000 + b"\n\nx", DAMAGED, id="a quadratic header"),
        pytest.param(
            b"Content-Type: text/plain; charset*" + b"9" * 5000 + b"=x\n\nx", DAMAGED, id="a number without end"
        ),
    ],
)
def test_mails_that_are_made_to_break_programs_do_not(raw: bytes, reason: str) -> None:
    with pytest.raises(Wordless) as error:
        text_of(parse(raw))
    assert str(error.value) == reason


@pytest.mark.parametrize(
    "header",
    [
        b"From: " + b"a" * 500_000,
        b"Subject: " + b"=?utf-8?b?" * 50_000,
        b"References: " + b"<a@b> " * 100_000,
        b"Date: 1" + b" " * 90_000,
    ],
)
def test_endless_headers_are_looked_at_up_to_a_length(header: bytes) -> None:
    raw = header + b"\n\nx"
    assert not head_of(parse(raw), raw).automatic


def test_the_library_is_asked_as_the_parser_does() -> None:
    """`parse` is the standard library's, with its guards: what passes them is the same."""
    raw = mail("Subject: x", body="x")
    assert parse(raw).as_bytes() == message_from_bytes(raw).as_bytes()
