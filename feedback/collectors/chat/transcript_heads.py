"""Which lines of a transcript may open a turn, and how one is taken apart: stamps, names, words."""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import NamedTuple

from feedback.dates import same_date

RULE_SIGNS = "-=*_~—─━"  # of lines that divide

DAY = r"\d{1,2}\s?[-/.月]\s?\d{1,2}日?"
YEAR = r"\d{4}\s?[-/.年]\s?"
# With a clock beside it the year may have two digits where it comes first: "26/3/1 9:05". Alone that may be the size of a box.
STAMP_YEAR = r"(?:\d{4}|(?<!\d)[23]\d(?=\s?[-/.年]\s?\d{1,2}\s?[-/.月]\s?\d))\s?[-/.年]\s?"
# "昨天" counts from when the window was copied out, which nobody knows any more; beside a date it adds nothing to it.
_DAY_NAME = r"今天|今日|昨天|昨日|前天|(?:星期|周|礼拜)[一二三四五六日天]"
_HALF = r"凌晨|清晨|早上|早晨|上午|中午|下午|傍晚|晚上"
_CLOCK = rf"(?:(?:{_HALF})\s*)?\d{{1,2}}:\d{{2}}(?::\d{{2}}(?:\.\d+)?)?(?!\d|:\d\d(?!\d))(?:\s?[AaPp][Mm](?![A-Za-z]))?"
STAMP = rf"(?:(?P<date>(?:{STAMP_YEAR})?{DAY})[T\s]?\s*)?(?:(?P<day_name>{_DAY_NAME})\s*)?(?P<time>{_CLOCK})"
_OPEN, _CLOSE = r"[\[(（【]", r"[\])）】]"
_NEVER = r",，;；。！？!?\"“”{}<>|\t"
# A name that a colon ends, one of 千牛's sub-accounts ("某某旗舰店:小美"), and whatever else stands beside a time.
_PLAIN_NAME = rf"[\[【]?[^\s:：()（）\[\]【】{_NEVER}][^:：\[\]【】{_NEVER}]{{0,29}}?[\]】]?"
_SUB_ACCOUNT = rf"[^\s:：{_NEVER}]{{1,20}}店:[^\s:：()（）{_NEVER}]{{1,12}}"
_ANY_NAME = r"\S(?:.{0,198}?\S)??"
_TEXT = r"\s*(?P<text>.*)$"

# "明天下午 3:30" is an appointment, with nobody's name on it.
_NO_NAME = re.compile(rf"(?:(?:{YEAR})?{DAY}|[上下本这]?(?:{_DAY_NAME})|{_HALF}|明天|大?后天|大前天|\s)+")
# "[10:20:33] 会话已转接": the window speaks, nobody else.
_NOTICE = re.compile(rf"{_OPEN}{STAMP}{_CLOSE}\s*(?P<text>[^:：]+)$")
_NOTICE_SPEAKER = "系统"
_STAMP_ALONE = re.compile(rf"{_OPEN}?{STAMP}{_CLOSE}?")
_MOMENT = re.compile(rf"(?:{STAMP_YEAR})?{DAY}[T\s]?\s*{_CLOCK}")

# What stands before a colon without being a speaker.
LABEL = re.compile(
    r".*(?:ID|编号|单号|号码|账号|昵称|姓名|电话|手机|手机号|时间|日期|渠道|来源|状态|类型|标签|地址|收件人|收货人|联系人|尺码|"
    r"颜色|规格|型号|备注|原因|金额|价格|数量|链接|主题|满意度|评价|评分|时长|消息分组|消息对象|https?)",
    re.IGNORECASE,
)


class Kind(NamedTuple):
    """One way to open a turn: `write` makes its expression of that for a name and of that for what ends one."""

    write: Callable[[str, str], str]
    name: str = _ANY_NAME
    ends: str = ""  # of a name, where the words stand on the same line
    stamped: bool = True  # a time is on it, so little else looks the same
    on_two_lines: bool = False

    @property
    def inline(self) -> bool:
        return self.ends != ""

    def pattern(self, known: Iterable[str] = ()) -> re.Pattern[str]:
        """Of names with whatever signs in them, those that are known before others."""
        return _pattern(self, tuple(sorted(known, key=len, reverse=True)))


def _name_stamp(name: str, _ends: str) -> str:
    return rf"(?P<name>{name})(?:\s{{1,9}}{_OPEN}?|{_OPEN})\s?{STAMP}\s?{_CLOSE}?\s?[:：]?$"


def _stamp_name(name: str, _ends: str) -> str:
    return rf"{_OPEN}?{STAMP}{_CLOSE}?\s*(?P<name>{name})$"


def _stamp_name_text(name: str, ends: str) -> str:
    return rf"{_OPEN}?{STAMP}{_CLOSE}?\s*(?P<name>{name})\s*(?:{ends}){_TEXT}"


def _name_stamp_text(name: str, ends: str) -> str:
    return rf"(?P<name>{name})(?:\s+|(?=[\[(（【])|(?<=[^\d/.:年月日-])(?=\d)){_OPEN}?\s?{STAMP}{_CLOSE}?\s*(?:{ends}){_TEXT}"


def _name_text(name: str, ends: str) -> str:
    return rf"(?P<name>{name})\s*(?:{ends}){_TEXT}"


def _name_above_words(name: str, _ends: str) -> str:
    return rf"(?P<name>{name})\n(?P<text>.*)$"


NAME_TEXT = Kind(_name_text, r"[^\s:：][^:：\n]{0,29}?", r"(?<!\d):(?!//)|：(?!//)|:(?!//|\d\d)", stamped=False)
NAME_ABOVE_STAMP = Kind(_name_stamp, on_two_lines=True)
STAMP_ABOVE_NAME = Kind(_stamp_name, on_two_lines=True)
# Where nothing else is there: blocks of lines, with a name above the words of each.
NAME_ABOVE_WORDS = Kind(_name_above_words, r"[^\n]{1,30}?", stamped=False, on_two_lines=True)
KINDS = (
    Kind(_name_stamp),
    Kind(_stamp_name),
    NAME_ABOVE_STAMP,
    STAMP_ABOVE_NAME,
    # "小鹿:)：在吗": what ends names in one file is one sign, as a rule.
    *(
        Kind(write, ends=ends)
        for write in (_stamp_name_text, _name_stamp_text)
        for ends in (r"\t", "：(?!//)", ":(?!//)", "[:：](?!//)")
    ),
    NAME_TEXT,
)


@lru_cache(maxsize=64)
def _pattern(kind: Kind, known: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(kind.write("|".join([*map(re.escape, known), _SUB_ACCOUNT, kind.name]), kind.ends))


WHOLE_DATE = 3  # numbers in it
_NUMBERS = re.compile(r"\d+")


class Head(NamedTuple):
    """The line that opens a turn, taken apart.

    `frame` is how it looks apart from the name, the words and the date, a 9 for every number.
    """

    speaker: str
    date: str | None
    day_name: str | None
    time: str | None
    text: str
    frame: str = ""
    is_notice: bool = False

    @property
    def date_parts(self) -> int:
        """How many numbers its date has: 3, without the year 2, without a date none."""
        return len(_NUMBERS.findall(self.date or ""))


def head_of(found: re.Match[str], name: str) -> Head:
    """The head that an expression of a stamped kind found."""
    stamp = found["date"], found["day_name"], found["time"]
    text = found["text"] if "text" in found.re.groupindex else ""
    return Head(name, *stamp, text, _frame(found))


def notice(line: str) -> Head | None:
    """What the window itself says."""
    found = _NOTICE.match(line)
    if found is None:
        return None
    stamp = found["date"], found["day_name"], found["time"]
    return Head(_NOTICE_SPEAKER, *stamp, found["text"], is_notice=True)


_IN_BRACKETS = re.compile(r"[\[【]([^\[\]【】]+)[\]】]")
_USUAL = re.compile(rf"{_SUB_ACCOUNT}|{_PLAIN_NAME}")


def bare_name(written: str) -> str:
    """A name without the brackets around it."""
    found = _IN_BRACKETS.fullmatch(written)
    return found[1].strip() if found else written


def is_usual(name: str) -> bool:
    """Whether it has no signs in it that few names have."""
    return _USUAL.fullmatch(name) is not None


def is_no_name(name: str) -> bool:
    """Whether it tells a time: "明天下午"."""
    return _NO_NAME.fullmatch(name) is not None


def is_stamp(line: str) -> bool:
    """Whether the line is a time and nothing else."""
    return _STAMP_ALONE.fullmatch(line) is not None


def has_moment(line: str) -> bool:
    """Whether a date and a time are in the line, as in no name."""
    return _MOMENT.search(line) is not None


@lru_cache(maxsize=1024)
def is_label(name: str) -> bool:
    """Whether it is no name: a label, or a number."""
    return LABEL.fullmatch(name) is not None or not any(character.isalpha() for character in name)


def is_salutation(name: str) -> bool:
    """Whether it addresses anybody who reads it, as in "亲爱的顾客：您好"; 亲爱的小孩 is somebody."""
    return _SALUTATION.fullmatch(name) is not None


_SALUTATION = re.compile(
    r"(?:亲爱的|尊敬的).{0,6}?(?:顾客|客户|客人|会员|用户|买家|朋友|家人|粉丝|亲|宝宝?|女士|先生|家长|同学|老师|车主|业主|旅客|宾客|读者)们?"
)
_IN_FRAMES = (
    (re.compile(r"\d+"), "9"),
    (re.compile(_HALF), "午"),
    (re.compile(r"[AaPp][Mm]"), "M"),
    (re.compile(_DAY_NAME), "周"),
    (re.compile(r" +"), " "),
)
_DATE_IN_FRAMES = re.compile(r"(?:9 ?[-/.年] ?)?9 ?[-/.月] ?9日?[T ]?")


def _frame(found: re.Match[str]) -> str:
    line, text = found.string, found.re.groupindex.get("text")
    after = line[found.end("name") : found.start("text") if text else None]
    before = line[: found.start("name")]
    return _DATE_IN_FRAMES.sub("", "\0".join(map(_framed, (before, after.rstrip(" ")))))


@lru_cache(maxsize=256)
def _framed(part: str) -> str:
    for pattern, sign in _IN_FRAMES:
        part = pattern.sub(sign, part)
    return part


def sorting_clock(time: str) -> str:
    """A clock's time as it sorts: "下午3:05" after "11:58". What may be at night or at noon ("晚上12:05") sorts last."""
    return same_date(f"2000-01-01 {plain_time(time)}")


def plain_time(time: str) -> str:
    """The clock as intake reads it: "下午 3:05" as "下午3:05"."""
    time = "".join(time.split())
    return time if time[1:2] != ":" else f"0{time}"


@lru_cache(maxsize=256)
def plain_date(date: str) -> str:
    numbers = [number.zfill(2) for number in _NUMBERS.findall(date)]
    if len(numbers) == WHOLE_DATE and len(numbers[0]) == 2:
        numbers[0] = f"20{numbers[0]}"
    return "-".join(numbers)
