"""What gateways write above a mail: 【外部邮件】, "CAUTION: This email originated from outside …", 您通常不会收到来自 …的电子邮件."""

import re
from collections.abc import Sequence
from itertools import pairwise

from feedback.collectors.mail_forms import LONGEST_MARK, without_entities

_WRAPPED = 4  # lines that one is folded into
_FULL = range(50, 100)  # characters of a line that was cut
_MOST = 3  # of them, one below another

_MAIL = r"(?:电子|電子)?(?:邮件|郵件)"
_TAG = rf"(?:外部{_MAIL}(?:提醒|提示|警告)?|external(?: e-?mail| message| sender)?)"
# Closed forms alone: who tells where a mail is from (来自海外用户, from outside China) is heard.
_OUTSIDE = (
    rf"(?:[此该該本这這]封?{_MAIL}(?:来自|來自|发自|發自|来源于|來源於|为|為|是)(?:您|我们|我們|贵|貴|本)?的?"
    r"(?:公司|组织|組織|机构|機構|企业|企業|单位|單位|集团|集團)?的?(?:外部|以外|之外)"
    rf"的?(?:[发發寄]件[人者]|[邮郵]箱|[网網][络絡]|地址|域名|{_MAIL}(?:系[统統])?)?"
    r"|this (?:e-?mail|message) (?:has )?(?:originated|came|comes|was sent|is) (?:from )?"
    r"(?:(?:the )?outside (?:of )?(?:(?:the|your|our|this) )?(?:organi[sz]ation|company|corporation|institution|university|network)"
    r"|an external (?:sender|source|e-?mail(?: address| system)?|address)))"
)
_ADVICE = (
    r"(?:(?=[^。！!]*(?:[链鏈連][接結]|附件|[内內]容|信息|[资資][讯訊料]|[发發寄]件[人者]|来源|來源|[网網]址))[请請]?您?(?:勿|不要|[谨謹]慎|慎重|小心)(?:[轻輕]易|[随隨]意|直接)?"
    r"(?:[点點][击擊开開]|打[开開]|下[载載]|回[复復覆]|[处處]理|查看|提供)[^。！，,!我你您]{0,25}"
    r"|[请請]您?(?:注意|加强)(?:信息|[资資][讯訊]|[邮郵]件)?(?:安全|甄[别別]|[识識辨][别別]|防[范範])[^。！，,!我你您]{0,12}"
    r"|(?=[^.!?]*\b(?:links?|attachments?|senders?|content|information|credentials)\b)(?:please )?(?:(?:do not|don['’]t|never|avoid) (?:click|open|repl|respond|follow|forward|download|provide)"
    r"|(?:use|exercise|take|be) (?:extra |extreme )?(?:caution|cautious|careful|care)\b|(?:verify|confirm|check) the (?:sender|source))[^.!?\u3400-\u9fff]{0,160})"
)
_STOP = r"\s*[。.!！，,;；:：]*\s*"
_ADDRESS = r"(?:\s*[<(\[]?https?://\S{1,300})?"
_BANNER = re.compile(
    rf"[【\[(（<*]+\s*{_TAG}\s*[】\])）>*]+{_STOP}(?:{_OUTSIDE}{_STOP})?(?:{_ADVICE}{_STOP}){{0,3}}"
    rf"|[【\[(（*]*(?:{_TAG}|caution|warning|attention|注意|警告|提醒|提示)[】\]）)*]*\s*[:：!！,，-]\s*{_OUTSIDE}{_STOP}(?:{_ADVICE}{_STOP}){{0,3}}[】\])）*]*"
    rf"|{_TAG}\s*[:：!！,，-]\s*(?:{_ADVICE}{_STOP}){{1,3}}"
    rf"|[【\[(（*]*{_OUTSIDE}{_STOP}(?:{_ADVICE}{_STOP}){{1,3}}[】\])）*]*"
    rf"|您通常不[会會]收到[来來]自\s?\S{{3,100}}?\s?的{_MAIL}[。.]?\s*(?:[了瞭]解.{{0,20}}重要[。.]?{_ADDRESS})?"
    rf"|(?:you|some people who received this message) don['’]t often get e-?mail from \S{{3,100}}\s*(?:learn why this is important\.?{_ADDRESS})?",
    re.IGNORECASE,
)
# What goes on on the next line.
_MORE = re.compile(rf"(?:{_OUTSIDE}{_STOP})?(?:{_ADVICE}{_STOP}){{0,3}}", re.IGNORECASE)


def without_banners(lines: Sequence[str]) -> list[str]:
    """The lines below what stands there before the first word of the writer.

    >>> without_banners(["[外部邮件]", "", "杯子坏了"])
    ['', '杯子坏了']
    """
    start = 0
    for _ in range(_MOST):
        first = next((n for n in range(start, len(lines)) if lines[n].strip()), len(lines))
        blank = next((n for n in range(first, len(lines)) if not lines[n].strip()), len(lines))
        ends = range(first + 1, min(first + _WRAPPED, blank) + 1)
        matching = [end for end in ends if _BANNER.fullmatch(_joined(lines[first:end]))]
        if not matching:
            break
        # The fewest lines that will do, as right below the writer may begin; English ones that are folded up to their full stop.
        folded = [end for end in matching if _is_folded(lines[first:end])]
        start = max(folded, default=matching[0])
        while start < blank and _MORE.fullmatch(_joined(lines[start : start + 1])):
            start += 1
    return list(lines[start:])


def _is_folded(lines: Sequence[str]) -> bool:
    """Whether these are one English text, cut where a line was full, up to its full stop."""
    stripped = [line.strip() for line in lines]
    goes_on = all(
        len(above) in _FULL and (below[:1].islower() or above.endswith(".")) for above, below in pairwise(stripped)
    )
    return goes_on and stripped[-1].endswith(".") and all(map(str.isascii, stripped))


def _joined(lines: Sequence[str]) -> str:
    return " ".join(without_entities(line[:LONGEST_MARK]).strip() for line in lines)
