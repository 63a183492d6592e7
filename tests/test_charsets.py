"""Bytes and what they say of their encoding."""

import codecs

import pytest

from feedback.collectors.charsets import decode

TEXT = "物流太慢了，等了五天"


@pytest.mark.parametrize(
    "body, declared, text",
    [
        pytest.param(TEXT.encode(), (), TEXT, id="UTF-8, undeclared"),
        pytest.param(TEXT.encode(), ("gbk",), TEXT, id="UTF-8, declared as GBK"),
        pytest.param(TEXT.encode(), ("iso-8859-1",), TEXT, id="UTF-8, declared as Western"),
        pytest.param(TEXT.encode("gbk"), ("gb2312",), TEXT, id="GBK"),
        pytest.param(TEXT.encode("gbk"), ("utf-8",), TEXT, id="GBK, declared as UTF-8"),
        pytest.param(TEXT.encode("gbk"), (), TEXT, id="GBK, undeclared"),
        pytest.param(TEXT.encode("gbk"), ("us-ascii",), TEXT, id="GBK, declared as ASCII"),
        pytest.param("联通".encode("gbk"), ("gbk",), "联通", id="GBK that is UTF-8 by accident"),
        pytest.param("龤㐀".encode("gb18030"), ('"GB2312"',), "龤㐀", id="what GB2312 lacks, and quotes"),
        pytest.param("物流太慢".encode("big5"), ("big5",), "物流太慢", id="Big5"),
        pytest.param("物流太慢了，等了五天".encode("big5"), ("utf-8",), TEXT, id="Big5, declared as UTF-8"),
        pytest.param("嘅咗".encode("big5hkscs"), ("Big5",), "嘅咗", id="Hong Kong's characters"),
        pytest.param(TEXT.encode("hz"), ("hz-gb-2312",), TEXT, id="HZ, which is ASCII"),
        pytest.param("物流".encode("utf-7"), ("utf-7",), "物流", id="UTF-7, which is ASCII"),
        pytest.param("naïve café".encode("latin-1"), ("iso-8859-1",), "naïve café", id="Western"),
        pytest.param("“好”".encode("cp1252", "ignore"), ("windows-1252",), "“”", id="Western of Windows"),
        pytest.param("привет".encode("windows-1251"), ("windows-1251",), "привет", id="Cyrillic"),
        pytest.param(codecs.BOM_UTF8 + TEXT.encode(), ("gbk",), TEXT, id="a mark of UTF-8"),
        pytest.param(TEXT.encode("utf-16"), (), TEXT, id="a mark of UTF-16"),
        pytest.param(codecs.BOM_UTF32_BE + TEXT.encode("utf-32-be"), (), TEXT, id="a mark of UTF-32"),
        pytest.param(b"plain", ("utf-16",), "plain", id="ASCII, declared as UTF-16"),
        pytest.param(b"plain", ("no-such-encoding", "base64"), "plain", id="an encoding that there is not"),
        pytest.param(TEXT.encode()[:-1], ("utf-8",), f"{TEXT[:-1]}�", id="UTF-8 that was cut by the byte"),
        pytest.param(TEXT.encode()[:-2] + b"</t>", (), f"{TEXT[:-1]}�</t>", id="UTF-8 that was cut before a tag"),
        pytest.param(b"great \xf0\x9f\x91 </t>", ("utf-8",), "great � </t>", id="an emoji that was cut"),
        pytest.param(
            codecs.BOM_UTF8 + TEXT.encode()[1:], (), f"�{TEXT[1:]}", id="a mark of UTF-8, and half a character"
        ),
        pytest.param(b"", (), "", id="nothing"),
        pytest.param(b"\xff\xff\xfe\x80", ("utf-8",), None, id="no text"),
        pytest.param(codecs.BOM_UTF16_LE + b"\x00\xd8", (), None, id="a mark, and half a character"),
    ],
)
def test_the_bytes_are_believed_before_what_is_declared(
    body: bytes, declared: tuple[str, ...], text: str | None
) -> None:
    assert decode(body, *declared) == text
