"""What the writer of a mail wrote in it: without the mails that it answers, the signature, and what apps put below.

Marks of mail programs are known, not guessed: in doubt words stay. `tests/cases/mail_text.jsonl` holds the forms, and what only looks like one.
"""

import re
from collections.abc import Sequence

_LONGEST_MARK = 400  # characters of a line that may be one
_WRAPPED = 3  # lines that programs fold "On … wrote:" into
_BLOCK = 8  # lines in which the fields of a quoted mail's head stand
_BARE_SIGNATURE = 6  # lines below a "--"
_CARD = 12  # lines of a visiting card

# "-----Original Message-----", "------------------ 原始邮件 ------------------", "Begin forwarded message:"
_SEPARATOR = re.compile(
    r"[-_—–=*#~ ]{3,}\s*(?:original(?: message| e?-?mail)?|forwarded (?:message|mail)(?: from .*)?|forwarded by .*|replied message|reply message"
    r"|原始邮件(?:信息)?|原始信件|原始郵件|原邮件(?:信息)?|原郵件|原始信息|邮件原件|原文|回复的原邮件|回复的邮件|转发的?邮件(?:信息)?|轉寄的?郵件|轉寄的?訊息|转发的?消息)"
    r"\s*[:：]?\s*[-_—–=*#~ ]{2,}"
    r"|(?:begin forwarded message|开始转发的?邮件|下面是被转发的邮件|以下是轉寄的郵件|原始邮件信息如下|开始转发)\s*[:：]",
    re.IGNORECASE,
)
# A help desk's own line: the customer was asked to write above it.
_REPLY_ABOVE = re.compile(
    r".{0,20}(?:(?:请|請)在(?:此|本|这)(?:行|线|線|條線|条线)(?:以上|之上|上方|上面)(?:回复|回復|回覆|输入|书写)|(?:type|write|enter) your reply above this line|reply above this line).{0,20}",
    re.IGNORECASE,
)

_DAY = (
    r"(?:\d{4}\s*[-/.年]\s*\d{1,2}\s*[-/.月]\s*\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}"
    r"|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.? \d{1,2},? \d{4}|\d{1,2}\.? (?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?,? \d{4}"
    r"|(?:一|二|三|四|五|六|七|八|九|十|十一|十二)月 \d{1,2}, ?\d{4})"
)
_CLOCK = r"\d{1,2}\s*[:：时點点]\s*\d{2}"
_ADDRESS = r"[<＜\[(]?\s*(?:mailto:)?[^\s<>()\[\]@＜＞,，;；]{1,64}@[^\s<>()\[\]@＜＞,，;；]{1,200}"
_WROTE = re.compile(r".*(?:\bwrote|写道|寫道|写到)\s*[:：]\s*", re.IGNORECASE)
_BEGINS_WROTE = re.compile(r"[>\s*\"“]*(?:on|at|在|于|於)\b|[>\s*\"“]*(?:在|于|於)|[>\s*]*" + _DAY, re.IGNORECASE)
_OPEN_ADDRESS = re.compile(r"<[^>]*$")  # folded within it
_SAYS_WHEN = re.compile(_DAY, re.IGNORECASE)
_SAYS_CLOCK = re.compile(_CLOCK)
_SAYS_WHO = re.compile(_ADDRESS)

_FIELD = re.compile(
    r"[\s>|*]*(?:(?P<from>from|发件人|發件人|寄件者|发信人|寄信人|发送人)|(?P<sent>sent|date|发送时间|發送時間|发送日期|寄件日期|傳送時間|发件时间|发信时间|日期|發送日期)"
    r"|(?P<to>to|收件人|收件者|收信人)|(?P<other>cc|bcc|reply-to|抄送|抄送人|密送|副本|importance|重要性)|(?P<subject>subject|主题|主題|主旨|标题))\s*\**\s*[:：|]",
    re.IGNORECASE,
)

_QUOTED = re.compile(r" {0,3}>(?:[\s>]|$)")
_QUOTE_LIKE = re.compile(r" {0,3}[>＞]")
_RULE = re.compile(r"\s*[_—–=－-]{5,}\s*")

_DEVICE = (
    r"(?:i ?phone|i ?pad|i ?pod|apple ?watch|mac(?:book)?|android|安卓|华为|華為|huawei|mate|荣耀|honor|小米|xiaomi|红米|redmi|mi phone|oppo|一加|oneplus|vivo|iqoo|三星|samsung|galaxy"
    r"|魅族|meizu|中兴|努比亚|nubia|联想|lenovo|realme|真我|nokia|sony|pixel|black ?berry|windows|outlook|foxmail|gmail|yahoo|雅虎|mail|thunderbird|spark|proton ?mail"
    r"|网易|網易|netease|163|126|yeah|qq|腾讯|新浪|sina|搜狐|sohu|189|139|沃邮箱|阿里|aliyun|钉钉|dingtalk|飞书|lark|企业微信|微信|邮箱大师|手机|手機|移动|电脑|平板|邮箱|郵箱|客户端)"
)
_SENT_FROM = re.compile(
    r"[-—–_* ]*(?:"
    rf"(?:发送?自|發送?自|傳送自|寄自)\s*(?:我的\s*)?{_DEVICE}.{{0,30}}"
    rf"|(?:来自|來自)\s*(?:我的\s*{_DEVICE}.{{0,20}}|.{{0,20}}(?:邮箱|郵箱|邮箱大师|手机版|客户端|iphone|ipad)(?:\s*(?:手机版|客户端|移动版|app|pro|plus|max|\d+))*)"
    rf"|(?:从|從|由|用|通过|透過|使用)\s*我的\s*{_DEVICE}.{{0,30}}(?:发送|發送|傳送|发出|發出|寄出)(?:的邮件)?"
    r"|(?:从|從|由|通过|透過)\s*(?:windows|outlook|foxmail|网易|qq|spark).{0,24}(?:发送|發送|傳送)(?:的邮件)?"
    rf"|sent from (?:my )?{_DEVICE}.{{0,60}}|sent from my \S+(?: \S+){{0,3}}"
    r"|sent (?:with|via) (?:the )?(?:proton ?mail|spark|yahoo|gmail|outlook|aol|mailbird|airmail|boxer|foxmail|netease|qq).{0,60}"
    r"|get outlook for (?:ios|android|windows|mac).{0,60}"
    r"|(?:获取|取得|下载)\s*(?:适用于\s*(?:ios|android)\s*的\s*)?outlook\s*(?:for\s*)?(?:ios|android)?.{0,60}"
    r"|\|?\s*(?:【网易邮箱大师】|签名由\s*网易(?:邮箱大师|灵犀办公)\s*定制|signature is customized by netease mail master).{0,20}"
    r")\s*[。.!！)]?\s*",
    re.IGNORECASE,
)
_SIGNATURE = "-- "
_BARE = re.compile(r"\s*[-—]{2}\s*")
_CONTACT = re.compile(
    r"@|www\.|https?:|\d{7}|\d{3,4}[- ]\d{4}|电话|電話|手机|地址|公司|\b(?:tel|phone|mobile|fax)\b", re.IGNORECASE
)
_SENTENCE_END = re.compile(r"[。！？!?；;，]")
_TABLE = re.compile(r"\s*\|\s*\|\s*")  # how 网易邮箱大师 writes a visiting card into plain text


def own_words(text: str) -> str:
    """The writer's own words; "" where there are none but those of earlier mails.

    Answers between the lines of a quoted mail stay. Where a mail is quoted without a mark on each of its lines, all below its head goes.

    >>> own_words("已收到，很满意。\\n发自我的iPhone\\n\\n在 2026年3月2日，10:00，客服 <kf@shop.example> 写道：\\n> 您好，请评价")
    '已收到，很满意。'
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(_without_signature(_without_history(lines))).strip()


def _without_history(lines: Sequence[str]) -> list[str]:
    kept: list[str] = []
    number = 0
    while number < len(lines):
        if _ends_here(lines, number):
            break
        if after := _attribution(lines, number):
            quoted = _next_said(lines, after)
            if quoted == len(lines) or not _QUOTE_LIKE.match(lines[quoted]):
                if _is_certain(" ".join(lines[number:after])):
                    break
                kept += lines[number:after]
                number = after
                continue
            number = _after_quote(lines, quoted)
            continue
        if _begins_quote(lines, number):
            number = _after_quote(lines, number)
            continue
        kept.append(lines[number])
        number += 1
    return kept


def _ends_here(lines: Sequence[str], number: int) -> bool:
    """Whether all from this line on is an earlier mail."""
    line = lines[number]
    if len(line) > _LONGEST_MARK or not line.strip():
        return False
    unquoted = line.strip().lstrip("> ")
    if _SEPARATOR.fullmatch(unquoted) or _REPLY_ABOVE.fullmatch(unquoted):
        return True
    if _RULE.fullmatch(line):
        after = _next_said(lines, number + 1)
        return after < len(lines) and after <= number + 2 and _is_head(lines, after)
    return _is_head(lines, number)


def _is_head(lines: Sequence[str], number: int) -> bool:
    """Whether the head of a mail begins here: from whom, and at least two of when, to whom, about what."""
    match = _FIELD.match(lines[number][:_LONGEST_MARK])
    if match is None or match.lastgroup not in ("from", "sent", "subject"):
        return False
    below = [line[:_LONGEST_MARK] for line in lines[number : number + 2 * _BLOCK] if line.strip()][:_BLOCK]
    found = {field.lastgroup: line for line in below if (field := _FIELD.match(line))}
    if "from" not in found or len(found.keys() & {"sent", "to", "subject"}) < 2:
        return False
    # On a parcel stand 发件人, 收件人 and 日期 too.
    return "subject" in found or ("sent" in found and "@" in found["from"])


def _attribution(lines: Sequence[str], number: int) -> int | None:
    """Behind "On … wrote:" that begins at this line and may be folded; None where it is none."""
    if not lines[number].strip() or len(lines[number]) > _LONGEST_MARK:
        return None
    for after in range(number + 1, min(number + _WRAPPED, len(lines)) + 1):
        if not lines[after - 1].strip():
            return None
        joined = " ".join(line.strip().lstrip("> ") for line in lines[number:after])[: 2 * _LONGEST_MARK]
        if not _WROTE.fullmatch(joined):
            continue
        who, when = _SAYS_WHO.search(joined), _SAYS_WHEN.search(joined)
        if who and when and (after == number + 1 or _OPEN_ADDRESS.search(lines[number])):
            return after
        if any(_attribution(lines, inner) for inner in range(number + 1, after)):
            return None  # it begins further down: this line is the writer's own
        return after if _BEGINS_WROTE.match(joined) and (who or when) else None
    return None


def _is_certain(attribution: str) -> bool:
    """Whether only a mail program writes so: with an address, or with day and time. A person may write "3月2日我在评价里写道："."""
    return bool(_SAYS_WHO.search(attribution) or (_SAYS_WHEN.search(attribution) and _SAYS_CLOCK.search(attribution)))


def _begins_quote(lines: Sequence[str], number: int) -> bool:
    """`>` and a blank; or two lines with `>` one after another. One ">_<" is none."""
    if _QUOTED.match(lines[number]):
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


def _without_signature(lines: list[str]) -> list[str]:
    end = next((n for n, line in enumerate(lines) if line == _SIGNATURE or _is_bare_signature(lines, n)), len(lines))
    while end and (not lines[end - 1].strip() or _SENT_FROM.fullmatch(lines[end - 1][:_LONGEST_MARK].strip())):
        end -= 1
    card = next((n for n in range(max(0, end - _CARD), end) if _TABLE.fullmatch(lines[n])), end)
    return lines[:card]


def _is_bare_signature(lines: Sequence[str], number: int) -> bool:
    """A "--" that lost its blank and has below it what stands on a visiting card; it may be a line between two thoughts as well."""
    if not _BARE.fullmatch(lines[number]) or len(lines) - number > 2 * _BARE_SIGNATURE:
        return False
    below = [line for line in lines[number + 1 :] if line.strip()]
    if len(below) > _BARE_SIGNATURE or any(_SENTENCE_END.search(line) for line in below):
        return False
    return not below or any(_CONTACT.search(line) for line in below) or bool(_SENT_FROM.fullmatch(below[-1].strip()))
