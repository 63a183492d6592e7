"""What the writer of a mail wrote in it: without the mails that it answers, the signature, and what apps put below.

Marks of mail programs are known, not guessed. In doubt words stay.
`tests/cases/mail_text.jsonl` holds the forms, and what only looks like one.
"""

import re
from collections.abc import Sequence

from feedback.collectors.mail_banners import without_banners
from feedback.collectors.mail_forms import ADDRESS, DAY, ENTITY, LONGEST_MARK, without_entities
from feedback.collectors.mail_head import QUOTED_FIELD, begins_quoted_head
from feedback.collectors.mail_signature import without_signature

_WRAPPED = 3  # lines that programs fold "On … wrote:" into
_FOLDED = 70  # characters of a line and the word below it, which did not go on it

# "-----Original Message-----", "------------------ 原始邮件 ------------------", "Begin forwarded message:"
_EARLIER_MAIL = (
    r"(?:original(?: messages?| appointment| e?-?mail)?|forwarded (?:message|mail)(?: from .*)?|forwarded by .*|replied message|reply message|reply to message"
    r"|原始邮件(?:信息)?|原始信件|原始郵件|原邮件(?:信息)?|原郵件|原始信息|原始约会|原始約會|邮件原[件文]|原文|回复的原邮件|回复的邮件(?:信息)?|转发的?邮件(?:信息)?|轉寄的?郵件|轉寄的?訊息|转发的?消息)"
)
_SEPARATOR = re.compile(
    rf"[-_—–=*#~ ]{{3,}}\s*{_EARLIER_MAIL}\s*[:：]?\s*[-_—–=*#~ ]{{2,}}"
    r"|(?:begin forwarded message|开始转发的?邮件|下面是被转发的邮件|以下是转发的邮件|以下是轉寄的郵件|原始邮件信息如下|开始转发)\s*[:：]",
    re.IGNORECASE,
)
_BARE_SEPARATOR = re.compile(rf"{_EARLIER_MAIL}\s*[:：]?", re.IGNORECASE)
# A help desk's own line: the customer was asked to write above it.
_REPLY_ABOVE = re.compile(
    r".{0,20}(?:(?:请|請)在(?:此|本|这)(?:行|线|線|條線|条线)(?:以上|之上|上方|上面)(?:回复|回復|回覆|输入|书写|键入|鍵入)|(?:type|write|enter) your reply above this line|reply above this line).{0,20}",
    re.IGNORECASE,
)

_CLOCK = r"\d{1,2}\s*[:：时點点]\s*\d{2}"
# Zoho ends it with dashes: "---- On … wrote ---".
_WROTE = re.compile(
    r".*(?:(?:\bwrote|写道|寫道|写到)\s*[:：]|(?:\bwrote|写了|寫了|写道|寫道|撰写|撰寫)\s*-{3,})\s*", re.IGNORECASE
)
_BEGINS_WROTE = re.compile(r"[>\s*\"“-]*(?:on|at|在|于|於)\b|[>\s*\"“]*(?:在|于|於)|[>\s*]*" + DAY, re.IGNORECASE)
_OPEN_ADDRESS = re.compile(r"<[^>]*$")  # folded within it
# Gmail's and Yahoo's "Name <address> 于2026年3月2日周一 上午10:00写道：", which nothing else is between.
_WROTE_WHEN = re.compile(
    r"(?:[^。！？!?；;<>]{0,100}[\s(（\"”])?<\s*[^<>\s@]{1,64}@[^<>\s]{1,200}(?:\s*<mailto:[^<>\s]{1,260}>)?\s*>[)）]?"
    rf"\s*+(?:[于於在]\s*+)?{DAY}\s*+日?[\s,，]*+(?:[(（]?(?:周|週|星期|礼拜|禮拜)[一二三四五六日天][)）]?)?[\s,，]*+(?:(?:[上下中]午|凌晨|早上|晚上|傍晚|清晨|[ap]m)\s*+)?"
    rf"{_CLOCK}(?:[:：]\d{{2}})?\s*+(?:[ap]m\s*+)?(?:\[?(?:GMT|UTC)[+-]\d{{1,2}}(?::?\d{{2}})?\]?\s*+)?(?:写道|寫道|写到)\s*+[:：]\s*+",
    re.IGNORECASE,
)
_SAYS_WHEN = re.compile(DAY, re.IGNORECASE)
_SAYS_CLOCK = re.compile(_CLOCK)
_SAYS_WHO = re.compile(ADDRESS)

_QUOTED = re.compile(r" {0,3}>(?:[\s>]|$)")
_QUOTE_LIKE = re.compile(r" {0,3}[>＞]")
_RULE = re.compile(r"\s*[_—–=－-]{5,}\s*")


def own_words(text: str, *, answers: bool = True) -> str:
    """The writer's own words; "" where there are none but those of earlier mails.

    Answers between the lines of a quoted mail stay. Where a mail is quoted without a mark on each of its lines, all below its head goes.
    `answers`: the mail answers another or hands one on, as far as is known; in one that does not, 发件人, 日期, 主题 may be fields of a form.

    >>> own_words("已收到，很满意。\\n发自我的iPhone\\n\\n在 2026年3月2日，10:00，客服 <kf@shop.example> 写道：\\n> 您好，请评价")
    '已收到，很满意。'
    """
    return "\n".join(without_signature(_without_history(_lines(text), answers))).strip()


def quotes_earlier(text: str, *, answers: bool) -> bool:
    """Whether an earlier mail is quoted in a mail."""
    lines = _lines(text)
    return _without_history(lines, answers) != lines


def _lines(text: str) -> list[str]:
    return without_banners(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))


def _without_history(written: Sequence[str], answers: bool) -> list[str]:
    lines = [without_entities(line) for line in written]
    kept: list[str] = []
    number = 0
    while number < len(lines):
        if _ends_here(lines, number, answers):
            break
        if after := _attribution(lines, number):
            quoted = _next_said(lines, after)
            if quoted == len(lines) or not _QUOTE_LIKE.match(lines[quoted]):
                if _is_certain(" ".join(lines[number:after])):
                    break
                kept += written[number:after]
                number = after
                continue
            number = _after_quote(lines, quoted)
            continue
        if _begins_quote(written, lines, number):
            number = _after_quote(lines, number)
            continue
        kept.append(written[number])
        number += 1
    return kept


def _ends_here(lines: Sequence[str], number: int, answers: bool) -> bool:
    """Whether all from this line on is an earlier mail."""
    line = lines[number]
    if not line.strip():
        return False
    if len(line) > LONGEST_MARK:  # that of a mail to many
        return begins_quoted_head(lines, number, answers)
    unquoted = line.strip().lstrip("> ")
    if _SEPARATOR.fullmatch(unquoted) or _REPLY_ABOVE.fullmatch(unquoted):
        return True
    if _BARE_SEPARATOR.fullmatch(unquoted):
        below = _next_said(lines, number + 1)
        if below < len(lines) and _RULE.fullmatch(lines[below]):
            below = _next_said(lines, below + 1)
        first = "".join(lines[below : below + 1])[:LONGEST_MARK]
        field = QUOTED_FIELD.match(first)
        return field is not None and field.lastgroup == "from" and "@" in first
    if _RULE.fullmatch(line):
        after = _next_said(lines, number + 1)
        return after < len(lines) and after <= number + 2 and begins_quoted_head(lines, after, answers)
    return begins_quoted_head(lines, number, answers)


def _attribution(lines: Sequence[str], number: int) -> int | None:
    """Behind "On … wrote:" that begins at this line and may be folded; None where it is none."""
    if not lines[number].strip() or len(lines[number]) > LONGEST_MARK:
        return None
    for after in range(number + 1, min(number + _WRAPPED, len(lines)) + 1):
        if not lines[after - 1].strip():
            return None
        joined = " ".join(line.strip().lstrip("> ") for line in lines[number:after])[: 2 * LONGEST_MARK]
        if not _WROTE.fullmatch(joined):
            continue
        if _WROTE_WHEN.fullmatch(joined) and (after == number + 1 or _is_folded(lines, number)):
            return after
        who, when = _SAYS_WHO.search(joined), _SAYS_WHEN.search(joined)
        if who and when and (after == number + 1 or _OPEN_ADDRESS.search(lines[number])):
            return after
        if any(_attribution(lines, inner) for inner in range(number + 1, after)):
            return None  # it begins further down: this line is the writer's own
        return after if _BEGINS_WROTE.match(joined) and (who or when) else None
    return None


def _is_folded(lines: Sequence[str], number: int) -> bool:
    """Whether an attribution begins at this line with its address, or with a name so long that the address went below."""
    line, below = (lines[n].strip().lstrip("> ") for n in (number, number + 1))
    return "<" in line or (below.startswith("<") and len(line) + len(below.split()[0]) >= _FOLDED)


def _is_certain(attribution: str) -> bool:
    """Whether only a mail program writes so: with an address, or with day and time. A person may write "3月2日我在评价里写道："."""
    return bool(_SAYS_WHO.search(attribution) or (_SAYS_WHEN.search(attribution) and _SAYS_CLOCK.search(attribution)))


def _begins_quote(written: Sequence[str], lines: Sequence[str], number: int) -> bool:
    """`>` and a blank; or two lines with `>` one after another. One ">_<" is none, and one "&gt; 3天" where it was `written`."""
    if _QUOTED.match(written[number].replace(ENTITY, " ")):
        return True
    following = lines[number + 1] if number + 1 < len(lines) else ""
    return bool(_QUOTE_LIKE.match(lines[number]) and _QUOTE_LIKE.match(following))


def _after_quote(lines: Sequence[str], number: int) -> int:
    while number < len(lines) and _QUOTE_LIKE.match(lines[number]):
        number += 1
    return number


def _next_said(lines: Sequence[str], number: int) -> int:
    while number < len(lines) and not lines[number].strip():
        number += 1
    return number
