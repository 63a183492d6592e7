"""Copies of a text that are easier to analyse. The text itself is never changed.

`fold` keeps length: position i of the copy is position i of the text, so offsets need no map. `squash` does not
keep length and serves only where no offsets come back, inside engines.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache

# Where traditional and variant Chinese characters live: URO, extension A, compatibility ideographs.
_HAN_RANGES = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0xF900, 0xFB00))


def fold(text: str) -> str:
    """Traditional to simplified, full-width to half-width, upper to lower case; `len(fold(t)) == len(t)`.

    >>> fold("物流太慢，ＩＰＨＯＮＥ　續航")
    '物流太慢,iphone 续航'
    """
    for mark, plain in _COMMON_MARKS:
        text = text.replace(mark, plain)
    folded = _folding()(text)
    lowered = folded.lower()
    if len(lowered) == len(folded):
        return lowered
    # A few letters (İ) grow when lowered; they stay as they are.
    return "".join(low if len(low := c.lower()) == 1 else c for c in folded)


def simplify(text: str) -> str:
    """Traditional to simplified and nothing else; keeps length too.

    >>> simplify("東西不錯，ＯＫ")
    '东西不错，ＯＫ'
    """
    return _simplification()(text)


def squash(text: str) -> str:
    """A folded copy in which spelling noise is evened out: repeats, numbers, links, handles, emoji variants.

    >>> squash("好好好好吃！！！！！👍🏻 12.50元 https://x.cn/a")
    '好好吃!!👍 0元 ~'
    """
    text = fold(text)
    text = _EMOJI_MODIFIERS.sub("", text)
    text = _LINK.sub("~", text)
    text = _HANDLE.sub("@", text)
    text = _NUMBER.sub("0", text)
    text = _SPACES.sub(" ", text)
    return _REPEAT.sub(r"\1\1", text).strip()


def has_traditional(text: str) -> bool:
    """Whether any character is written in its traditional form."""
    traditional = _traditional()
    return any(c in traditional for c in text)


def traditional_share(text: str) -> float:
    """The share of characters in a form that simplified Chinese does not write; of traditional texts about a third.

    >>> traditional_share("東西不錯")
    0.5
    """
    traditional = _traditional()
    return sum(c in traditional for c in text) / len(text) if text else 0.0


_EMOJI_MODIFIERS = re.compile("[\ufe0e\ufe0f\u200d\U0001f3fb-\U0001f3ff]")
_LINK = re.compile(r"(?:https?://|www\.)[!-~]+")
_HANDLE = re.compile(r"@[\w\-]{1,30}")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_SPACES = re.compile(r"\s+")
_REPEAT = re.compile(r"(.)\1{2,}")


# Every Chinese text has these; replacing them one by one is faster than looking for them with the rest.
_COMMON_MARKS = (("，", ","), ("：", ":"), ("（", "("), ("）", ")"), ("！", "!"), ("？", "?"))


@cache
def _folding() -> Callable[[str], str]:
    table = dict(_traditional_map())
    table.update({code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)})
    table[0x3000] = 0x20
    return _translation(table)


@cache
def _simplification() -> Callable[[str], str]:
    return _translation(_traditional_map())


def _translation(table: Mapping[int, int]) -> Callable[[str], str]:
    """`str.translate` by `table`, several times as fast on texts of which it changes little."""
    changed = re.compile(f"[{''.join(re.escape(chr(code)) for code in table)}]+")
    return lambda text: changed.sub(lambda match: match.group().translate(table), text)


@cache
def _traditional() -> frozenset[str]:
    return frozenset(chr(code) for code in _traditional_map())


@cache
def _traditional_map() -> dict[int, int]:
    """OpenCC's own judgement, character by character (one-to-one, hence length-keeping)."""
    import opencc

    characters = [chr(code) for low, high in _HAN_RANGES for code in range(low, high)]
    converted = opencc.OpenCC("t2s").convert("\n".join(characters)).split("\n")
    return {
        ord(before): ord(after)
        for before, after in zip(characters, converted, strict=True)
        if len(after) == 1 and after != before
    }
