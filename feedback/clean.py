"""Taking the medium out of a text: HTML, invisible characters, line ends. The words stay as they are."""

import html
import re

# Only what HTML really has: "<3" and "<推荐>" are the customer's own.
# A line end behind a break is the markup's own.
_BREAK = re.compile(r"<(?:br|/p|/div|/li)\s*/?>(?:[ \t]*\r?\n)?", re.IGNORECASE)
_TAG = re.compile(
    r"</?(?:a|b|i|u|p|em|br|hr|h[1-6]|ul|ol|li|dl|dt|dd|td|tr|th|div|img|font|span|strong|small|table|tbody|thead"
    r"|script|style|blockquote|center|section|video|s)(?:\s[^<>]{0,2000})?/?>",
    re.IGNORECASE,
)
# The zero-width joiner stays: it holds emoji together.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u2064\ufeff\ufff9-\ufffb]"
)
# A number of thousands of digits is refused by Python; no character has one of twenty.
_NO_CHARACTER = re.compile(r"&#(?:[0-9]{20,}|x[0-9a-f]{20,});?", re.IGNORECASE)
_SURROGATE = re.compile("[\ud800-\udfff]")
_HALF_OR_NUL = re.compile("[\0\ud800-\udfff]")
NOT_WHOLE = "it holds half a character or a NUL, which is left out"


def is_whole(text: str) -> bool:
    """Whether a text is characters and nothing else: no half of one, as programs leave that count an emoji as two, no NUL.

    >>> is_whole("好👍"), is_whole("好\\ud83d")
    (True, False)
    """
    return text.isprintable() or _HALF_OR_NUL.search(text) is None


def clean(text: str) -> str:
    """The text without markup, entities, invisible characters and half characters, its line ends `\\n`, its edges trimmed.

    >>> clean("质量&nbsp;很好<br/>物流\\u200b快&#128077;")
    '质量 很好\\n物流快👍'
    >>> clean("<p>质量很好</p>\\r\\n<p>物流快<br>\\n下次再来</p>")
    '质量很好\\n物流快\\n下次再来'
    """
    if "&" in text:
        text = html.unescape(_NO_CHARACTER.sub("\ufffd", text)).replace("\xa0", " ")
    if "<" in text:
        text = _TAG.sub("", _BREAK.sub("\n", text))
    if not text.isprintable():
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        text = _SURROGATE.sub("", _INVISIBLE.sub("", text))
    return text.strip()
