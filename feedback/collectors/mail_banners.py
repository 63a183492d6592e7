"""What gateways write above a mail: 【外部邮件】, "CAUTION: This email originated from outside …", 您通常不会收到来自 …的电子邮件."""

import re
from collections.abc import Sequence

from feedback.collectors.mail_forms import LONGEST_MARK, without_entities

_WRAPPED = 4  # lines that one is folded into
_MOST = 3

_MAIL = r"(?:电子|電子)?(?:邮件|郵件)"
_TAG = rf"(?:外部{_MAIL}(?:提醒|提示|警告)?|external(?: e-?mail| message| sender)?)"
# What it warns of comes last, so that nothing that somebody said goes along.
_WARNING = (
    rf"(?:[此该該本这這]封?{_MAIL}(?:来自|來自|发自|發自|由)[^。！我]{{0,10}}外[^。！我]{{0,120}}(?:链接|連結|附件|安全|谨慎|謹慎|小心|来源|來源|可信)[^。！]{{0,12}}"
    r"|this (?:e-?mail|message) (?:originated|comes|came|was sent|is|has been sent) .{0,20}(?:outside|external).{0,250}"
    r"(?:safe|links?|attachments?|sender|trust(?:ed)?|caution)[^.!]{0,30})[.。!！】\])）]+"
)
_BANNER = re.compile(
    rf"(?:[【\[(（<*]+\s*{_TAG}\s*[】\])）>*]+\s*[:：]?\s*(?:{_WARNING})?"
    rf"|[【\[*]*(?:{_TAG}|caution|warning|注意|警告|提醒|提示)[】\]*]*\s*[:：!！,，-]\s*{_WARNING}[】\]*]*"
    rf"|[【\[(（*]*{_WARNING}"
    rf"|您通常不[会會]收到[来來]自\s?\S{{3,100}}?\s?的{_MAIL}[。.]?\s*(?:[了瞭]解.{{0,20}}重要.{{0,80}})?"
    r"|(?:you|some people who received this message) don['’]t often get e-?mail from \S{3,100}\s*(?:learn why this is important.{0,80})?)",
    re.IGNORECASE,
)


def without_banners(lines: Sequence[str]) -> list[str]:
    """The lines below what stands there before the first word of the writer.

    >>> without_banners(["[外部邮件]", "", "杯子坏了"])
    ['', '杯子坏了']
    """
    start = 0
    for _ in range(_MOST):
        first = next((n for n in range(start, len(lines)) if lines[n].strip()), len(lines))
        ends = range(first + 1, min(first + _WRAPPED, len(lines)) + 1)
        end = next((end for end in ends if _BANNER.fullmatch(_joined(lines[first:end]))), None)
        if end is None:
            break
        start = end
    return list(lines[start:])


def _joined(lines: Sequence[str]) -> str:
    return " ".join(without_entities(line[:LONGEST_MARK]).strip() for line in lines)
