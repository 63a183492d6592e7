"""Which lines of a transcript open a turn: stamps, names, and the form of a file."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from feedback.collectors.chat.roles import role_of
from feedback.quoted import begins_quote
from storage.records import Role

DAY = r"\d{1,2}\s?[-/.月]\s?\d{1,2}日?"
YEAR = r"\d{4}\s?[-/.年]\s?"
# "昨天" counts from when the window was copied out, which nobody knows any more; beside a date it adds nothing to it.
_DAY_NAME = r"今天|今日|昨天|昨日|前天|(?:星期|周|礼拜)[一二三四五六日天]"
_HALF = r"凌晨|清晨|早上|早晨|上午|中午|下午|傍晚|晚上"
_CLOCK = rf"(?:(?:{_HALF})\s*)?\d{{1,2}}:\d{{2}}(?::\d{{2}}(?:\.\d+)?)?(?:\s?[AaPp][Mm](?![A-Za-z]))?"
_STAMP = rf"(?:(?P<date>(?:{YEAR})?{DAY})[T\s]?\s*)?(?:(?P<day_name>{_DAY_NAME})\s*)?(?P<time>{_CLOCK})"
_OPEN, _CLOSE = r"[\[(（【]", r"[\])）】]"
_NEVER = r",，;；。！？!?\"“”{}<>|\t"
# A name that other signs end, as in 千牛's "某某旗舰店:小美 (2023-11-11 10:20:33)", and one that a colon ends.
_NAME = rf"(?P<name>[^\s\[\]【】:：{_NEVER}][^{_NEVER}]{{0,29}}?)"
_PLAIN_NAME = rf"(?P<name>[\[【]?[^\s:：()（）\[\]【】{_NEVER}][^:：\[\]【】{_NEVER}]{{0,29}}?[\]】]?)"
_TEXT = r"\s*(?P<text>.*)$"

_NAME_STAMP = re.compile(rf"{_NAME}(?:\s{{1,9}}{_OPEN}?|{_OPEN})\s?{_STAMP}\s?{_CLOSE}?\s?[:：]?$")
_STAMP_NAME = re.compile(rf"{_OPEN}?{_STAMP}{_CLOSE}?\s*{_PLAIN_NAME}$")
_STAMP_NAME_TEXT = re.compile(rf"{_OPEN}?{_STAMP}{_CLOSE}?\s*{_PLAIN_NAME}\s*(?:[:：](?!//)|\t){_TEXT}")
_NAME_STAMP_TEXT = re.compile(
    rf"{_PLAIN_NAME}(?:\s+|(?=[\[(（【\d])){_OPEN}?\s?{_STAMP}{_CLOSE}?\s*(?:[:：]|\t){_TEXT}"
)
NAME_TEXT = re.compile(rf"{_PLAIN_NAME}\s*[:：](?!//){_TEXT}")
# "明天下午 3:30" is an appointment, with nobody's name on it.
_NO_NAME = re.compile(rf"(?:(?:{YEAR})?{DAY}|[上下本这]?(?:{_DAY_NAME})|{_HALF}|明天|大?后天|大前天|\s)+")
# "[10:20:33] 会话已转接": the window speaks, nobody else.
_CHINESE = re.compile(r"[\u3400-\u9fff]")
_NOTICE = re.compile(rf"{_OPEN}{_STAMP}{_CLOSE}\s*(?P<text>[^:：]+)$")
_NOTICE_SPEAKER = "系统"

# What stands before a colon without being a speaker.
LABEL = re.compile(
    r".*(?:ID|编号|单号|号码|账号|昵称|姓名|电话|手机|手机号|时间|日期|渠道|来源|状态|类型|标签|地址|收件人|收货人|联系人|尺码|"
    r"颜色|规格|型号|备注|原因|金额|价格|数量|链接|主题|满意度|评价|评分|时长|消息分组|消息对象|https?)",
    re.IGNORECASE,
)


class Head(NamedTuple):
    """The line that opens a turn, taken apart."""

    speaker: str
    date: str | None
    day_name: str | None
    time: str | None
    text: str
    is_notice: bool = False

    @property
    def is_dated(self) -> bool:
        """Whether the date is a whole one, its year included."""
        return self.date is not None and self.date[:4].isdigit()

    @property
    def is_halved(self) -> bool:
        """Whether words tell the half of the day: "下午3:20", "3:20 PM"."""
        return self.time is not None and not (self.time[0].isdigit() and self.time[-1].isdigit())


@dataclass(frozen=True, slots=True)
class Form:
    """How the lines look that open a turn. `stamped`: a time is on them, so little else looks the same."""

    pattern: re.Pattern[str]
    stamped: bool
    inline: bool  # the words stand on the same line
    configured: Mapping[str, Role]
    dated: bool = False  # a whole date is on every one of them
    halved: bool = True  # 上午, 下午 may be on them

    def head(self, line: str) -> Head | None:
        """The line taken apart, when it is one that may open a turn."""
        head = self.loose_head(line)
        if head is None or (self.dated and not head.is_dated) or (head.is_halved and not self.halved):
            return None
        return head

    def loose_head(self, line: str) -> Head | None:
        """The same, also where the stamp is not like those of the file."""
        if ":" not in line and (self.stamped or "：" not in line):
            return None
        found = self.pattern.match(line)
        if found is None:
            return self._notice(line) if self.inline and self.stamped else None
        name = found["name"].strip("[]【】 ")
        if not self.stamped:
            is_name = name in self.configured or not (is_label(name) or begins_quote(line))
            return Head(name, None, None, None, found["text"]) if is_name else None
        if found["date"] is None and name not in self.configured and _NO_NAME.fullmatch(name):
            return None
        return Head(name, found["date"], found["day_name"], found["time"], found["text"] if self.inline else "")

    def _notice(self, line: str) -> Head | None:
        found = _NOTICE.match(line)
        if found is None:
            return None
        return Head(_NOTICE_SPEAKER, found["date"], found["day_name"], found["time"], found["text"], is_notice=True)


@lru_cache(maxsize=1024)
def is_label(name: str) -> bool:
    """Whether it is no name: a label, or a number."""
    return LABEL.fullmatch(name) is not None or not any(character.isalpha() for character in name)


def find_form(lines: Sequence[str], configured: Mapping[str, Role]) -> Form | None:
    """The form of most lines with known speakers; without such lines, of most lines at all. None: no transcript."""
    forms = [Form(pattern, True, False, configured) for pattern in (_NAME_STAMP, _STAMP_NAME)]
    forms += [Form(pattern, True, True, configured) for pattern in (_STAMP_NAME_TEXT, _NAME_STAMP_TEXT)]
    forms.append(Form(NAME_TEXT, False, True, configured))
    heads: list[list[Head]] = [[] for _ in forms]
    for line in lines:
        for form, found in zip(forms, heads, strict=True):
            head = form.head(line.strip())
            if head is not None and not head.is_notice:
                found.append(head)
                break
    known = [sum(role_of(head.speaker, configured) is not None for head in found) for found in heads]
    best = max(range(len(forms)), key=lambda n: (known[n], len(heads[n])))
    form = _with_its_stamps(forms[best], heads[best])
    return form if known[best] or _talk_among_strangers(form, heads[best], len(lines)) else None


def _with_its_stamps(form: Form, heads: Sequence[Head]) -> Form:
    """What the stamps of a file hold, by those heads whose speakers are known, by name or from a head with a whole date.

    Stamps that differ from theirs are times that somebody wrote. One speaker alone shows no rule about dates: they
    may be on the first head only.
    """
    dated = {head.speaker for head in heads if head.is_dated}
    sure = [head for head in heads if head.speaker in dated or role_of(head.speaker, form.configured) is not None]
    always = len(dated) > 1 and all(head.is_dated for head in sure)
    return replace(form, dated=always, halved=not sure or any(head.is_halved for head in sure))


def _talk_among_strangers(form: Form, heads: Sequence[Head], lines: int) -> bool:
    """Whether few names come again and again, as in no log and no letter.

    Whole dates say so of messages of any length; without them every third line has to be a head.
    """
    names = [head.speaker for head in heads if head.is_dated or not form.dated]
    distinct = len(set(names))
    # Of lines with a time and a Chinese name on them two will do: a log is none.
    again = distinct < len(names) or (form.stamped and all(map(_CHINESE.search, names)))
    return 2 <= distinct <= 12 and again and (form.dated or 3 * len(names) >= lines)
