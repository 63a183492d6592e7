"""Bytes that say what encoding they are in, and are often wrong about it: feeds, web pages, mails."""

import codecs
import re
from collections.abc import Iterator

# What is declared -> what it is read as: the declared one, or one that holds it and that more programs really write.
_WIDER = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "gb_2312-80": "gb18030",
    "cn-gb": "gb18030",
    "cp936": "gb18030",
    "ms936": "gb18030",
    "windows-936": "gb18030",
    "big5": "big5hkscs",
    "x-x-big5": "big5hkscs",
    "cp950": "big5hkscs",
    "ascii": "cp1252",
    "us-ascii": "cp1252",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
}
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Encodings that write Chinese and Japanese in ASCII bytes.
_SEVEN_BITS = re.compile(r"hz(?:-gb-2312)?|iso-2022-.*|utf-?7|unicode-1-1-utf-7")
# In GBK short texts may be UTF-8 by accident, but then without a character of three bytes.
_THREE_BYTES = re.compile(rb"[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_NOBODYS = re.compile("[\ue000-\uf8ff]")  # what the commonest characters of Big5 are in GB 18030: none at all
# Bytes that are no part of a character of UTF-8, as Python hands them out, and what was cut off in the middle of one: of an emoji, or two bytes of three.
_STRAY = re.compile("[\udc80-\udcff]")
_STRAYS = re.compile("[\udc80-\udcff]+")
_CUT_OFF = re.compile("(?:\udcf0[\udc80-\udcbf]{0,2}|[\udce0-\udcef][\udc80-\udcbf])(?=[\0-\x7f])")
_WHOLE = re.compile("[\u0800-\ud7ff\ue000-\U0010ffff]")  # three bytes or four: of two there are many by accident
_CHINESE_RUN = re.compile(rb"[\x80-\xff]{4}")  # Western texts have one such byte between ASCII letters, seldom three


def decode(body: bytes, *declared: str) -> str | None:
    """The text, in what its mark, its bytes and then the declarations say; None where nothing reads it. Nothing is replaced but what is broken in UTF-8, by �.

    UTF-8 is known by its bytes, whatever is declared: pages are converted on their way, and their declarations are not.
    What is declared Western and reads as Chinese is Chinese: that is what programs declare which know nothing else.

    >>> decode("物流太慢".encode("gbk"), "iso-8859-1"), decode("物流".encode(), "gb2312")
    ('物流太慢', '物流')
    """
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            text = _read(body[len(mark) :], encoding)
            return _mended(body) if text is None and encoding == "utf-8" else text
    return next((text for text in _readings(body, declared) if text is not None), None)


def broken_utf8(body: bytes) -> str | None:
    """The text of bytes that are UTF-8 but for a few, as where texts were cut by the byte; those are lone surrogates. None: it is something else.

    It is UTF-8 where there are more whole characters than other bytes, or no others but what is left of one character before an ASCII one.
    In text of another encoding most bytes are others: of 40,000 pages with one or two short Chinese texts in GBK or Big5 none was taken for UTF-8.

    >>> broken_utf8("物流太慢".encode()[:-1]), broken_utf8("物流太慢".encode("gbk"))
    ('物流太\\udce6\\udc85', None)
    """
    text = body.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape")
    stray = len(_STRAY.findall(_CUT_OFF.sub("", text)))
    return text if not stray or len(_WHOLE.findall(text)) > stray else None


def _mended(body: bytes) -> str | None:
    text = broken_utf8(body)
    return None if text is None else _STRAYS.sub("�", text)


def _readings(body: bytes, declared: tuple[str, ...]) -> Iterator[str | None]:
    names = [name.strip().strip("\"'").lower() for name in declared]
    names = [_WIDER.get(name, name) for name in names if name]
    if body.isascii():
        yield from (_read(body, name) for name in names if _SEVEN_BITS.fullmatch(name))
    if _THREE_BYTES.search(body) or body.isascii():
        yield _read(body, "utf-8")
    yield from (_read(body, name) for name in names if name != "cp1252")
    yield _read(body, "utf-8")
    yield _mended(body)
    if "cp1252" in names and not _CHINESE_RUN.search(body):
        yield _read(body, "cp1252")
    chinese = _read(body, "gb18030")
    if chinese is None or _NOBODYS.search(chinese):
        yield _read(body, "big5hkscs")
    yield chinese
    yield from (_read(body, name) for name in names)


def _read(body: bytes, encoding: str) -> str | None:
    try:
        return body.decode(encoding)
    except (UnicodeError, LookupError):  # no such encoding, or one that makes no text of bytes
        return None
