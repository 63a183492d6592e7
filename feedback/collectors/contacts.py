"""Whether a survey's question asks for somebody's name, number or address: such answers are not collected.

That a question speaks of a phone, of an address or of 会员卡号 does not make it one: people are asked what they dislike of
their phone, and what went wrong when they called. What the wording asks for is told by `nlp.survey_questions`, which has
learned it from examples. Where it may ask for details, it does

- if half of the answers are details, those left out that decline (不方便透露);
- else if it is likely to, and the answers do not say otherwise. Of numbers they do if half of them are words: any number
  among them is masked. Of a name or an address, which nothing finds in a text to mask it, they do not where the wording leaves
  no doubt, unless it asks for words as well (遇到了什么问题？请留下姓名); then, and in doubt, they do if half of them read like sentences.

A question that asks for none is one all the same if half of its answers are numbers.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence

from feedback.collectors.answers import is_filler, reads_as_prose
from feedback.pii.names import ANY_SURNAME, COMPOUND_SURNAMES, TITLES
from nlp.survey_questions import asked_for

_POSSIBLE, _LIKELY, _CERTAIN = 0.2, 0.5, 0.9
_NUMBER = re.compile(r"\d(?:[\s-]?\d){6,}|[\w.+-]+@[\w-]+\.\w+")
_ID = re.compile(r"(?<![\w.-])(?:\d{4,}|(?=[\w.-]*\d)[A-Za-z\d][A-Za-z\d_.-]{3,19})(?![\w.-])", re.ASCII)
_PERSON = re.compile(rf"(?:[{ANY_SURNAME}]|{'|'.join(sorted(COMPOUND_SURNAMES))})(?:[\u4e00-\u9fff]{{1,2}}|{TITLES})")
_STREET = re.compile(r"[\u4e00-\u9fff]{2,}\d+号|\d+(?:栋|幢|室|弄|单元)|[省市][^省市区县]{2,8}[区县镇街路]")
_MARKS = re.compile(r"[\W_]+|(?:联系)?电话|手机号?|微信号?|姓名|地址")
_DECLINED = re.compile(
    r"\W*(?:\w{0,4}?(?:不(?:想|愿意?|太?方便|便|用|必|需要?|留|填|给|告诉|透露|记得)|没必要|无需|拒绝|忘)\w{0,6}|保密|匿名|隐私|没有?(?:QQ|qq|微信|手机|电话|邮箱)\w{0,2})\W*"
)
_HAN = re.compile(r"[\u4e00-\u9fff]{2}")
_NO_NAME = re.compile(r"[\u4e00-\u9fff]{5}")  # as long as no name is
_BESIDE = 3  # characters


def asks_for_contact(wording: str, values: Sequence[str]) -> bool:
    """Whether the answers are people's names, numbers or addresses. `values`: a sample of them, empty where there is none."""
    asked = asked_for(wording)
    said = [value for value in map(_bare, values) if not is_filler(value)]
    if asked.details < _POSSIBLE:
        return _half(said, is_contact)
    said = [value for value in said if not _DECLINED.fullmatch(value)]
    identity, words = asked.identity >= _LIKELY, asked.words >= _LIKELY
    if _half(said, lambda value: _is_detail(value) or (identity and bool(_PERSON.fullmatch(value)))):
        return True
    if asked.details < _LIKELY:
        return False
    if not identity:
        return not words and not _half(said, _are_words)
    if words:
        return not _half(said, lambda value: reads_as_prose(value) or _NO_NAME.search(value))
    return asked.details >= _CERTAIN or not _half(said, reads_as_prose)


def _half(said: Sequence[str], is_such: Callable[[str], object]) -> bool:
    """Whether there are answers, and half of them are such."""
    return bool(said) and 2 * sum(1 for value in said if is_such(value)) >= len(said)


def is_contact(value: str) -> bool:
    """Whether an answer is a long number or an address of mail, with no words beside it but a name.

    >>> is_contact("王芳 13800000000"), is_contact("打 13800000000 没人接")
    (True, False)
    """
    return _is_beside(_NUMBER, value)


def _is_detail(value: str) -> bool:
    return is_contact(value) or _is_beside(_ID, value) or bool(_STREET.search(value))


def _is_beside(detail: re.Pattern[str], value: str) -> bool:
    """Whether there is such a detail in it, and beside it no more than a name or the name of what it is."""
    found = detail.search(value)
    if not found:
        return False
    rest = _MARKS.sub("", value.replace(found[0], ""))
    return len(rest) <= _BESIDE or bool(_PERSON.fullmatch(rest))


def _are_words(value: str) -> bool:
    return bool(_HAN.search(value)) and not _PERSON.fullmatch(value)


def _bare(value: str) -> str:
    return unicodedata.normalize("NFKC", value).strip()
