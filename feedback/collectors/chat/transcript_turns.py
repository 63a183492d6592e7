"""Cutting a transcript into turns: which lines open one, where a conversation ends, which date a clock time has."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from feedback.collectors.base import Unreadable
from feedback.collectors.chat.lines import TextFile
from feedback.collectors.chat.roles import is_generic, role_of
from storage.records import Role

_DAY = r"\d{1,2}\s?[-/.月]\s?\d{1,2}日?"
_YEAR = r"\d{4}\s?[-/.年]\s?"
_STAMP = rf"(?:(?P<date>(?:{_YEAR})?{_DAY})[T\s]?\s*)?(?P<time>\d{{1,2}}:\d{{2}}(?::\d{{2}}(?:\.\d+)?)?)"
_OPEN, _CLOSE = r"[\[(（【]", r"[\])）】]"
_NEVER = r",，;；。！？!?\"“”{}<>|\t"
# A name that other signs end, as in 千牛's "某某旗舰店:小美 (2023-11-11 10:20:33)", and one that a colon ends.
_NAME = rf"(?P<name>[^\s\[\]【】:：{_NEVER}][^{_NEVER}]{{0,29}}?)"
_PLAIN_NAME = rf"(?P<name>[\[【]?[^\s:：()（）\[\]【】{_NEVER}][^:：\[\]【】{_NEVER}]{{0,29}}?[\]】]?)"
_TEXT = r"\s*(?P<text>.*)$"

_NAME_STAMP = re.compile(rf"{_NAME}(?:\s{{1,9}}{_OPEN}?|{_OPEN})\s?{_STAMP}\s?{_CLOSE}?\s?[:：]?$")
_STAMP_NAME = re.compile(rf"{_OPEN}?{_STAMP}{_CLOSE}?\s*{_PLAIN_NAME}$")
_STAMP_NAME_TEXT = re.compile(rf"{_OPEN}?{_STAMP}{_CLOSE}?\s*{_PLAIN_NAME}\s*(?:[:：](?!//)|\t){_TEXT}")
_NAME_STAMP_TEXT = re.compile(rf"{_PLAIN_NAME}\s*{_OPEN}?{_STAMP}{_CLOSE}?\s*(?:[:：]|\t){_TEXT}")
_NAME_TEXT = re.compile(rf"{_PLAIN_NAME}\s*[:：](?!//){_TEXT}")
# "[10:20:33] 会话已转接": the window speaks, nobody else.
_CHINESE = re.compile(r"[\u3400-\u9fff]")
_NOTICE = re.compile(rf"{_OPEN}{_STAMP}{_CLOSE}\s*(?P<text>[^:：]+)$")
_NOTICE_SPEAKER = "系统"

# What stands before a colon without being a speaker.
_LABEL = re.compile(
    r".*(?:ID|编号|单号|号码|账号|昵称|姓名|电话|手机|手机号|时间|日期|渠道|来源|状态|类型|标签|地址|收件人|收货人|联系人|尺码|"
    r"颜色|规格|型号|备注|原因|金额|价格|数量|链接|主题|满意度|评价|评分|时长|https?)",
    re.IGNORECASE,
)
_RULE = re.compile(r"[-=*_~—─━]{3,}+(?P<title>[^-=*_~—─━]*+)[-=*_~—─━]*+")
_CONVERSATION = re.compile(
    r"(?:会话|对话|session|conversation)\s?(?:ID|编号|号)?\s?[:：#]?\s?(?P<id>[A-Za-z0-9][A-Za-z0-9_-]*)", re.IGNORECASE
)
_DATE_LINE = re.compile(rf"[-=*_~—─━\s]*(?P<date>{_YEAR}{_DAY})(?:\s*(?:星期|周).)?[-=*_~—─━\s]*")
# Not "导出时间": that is when somebody copied the conversation, not when it was held.
_DATE_LABEL = re.compile(rf"(?:会话|对话|聊天|开始|接入|咨询)?(?:日期|时间)\s*[:：]\s*(?P<date>{_YEAR}{_DAY})")
_DIVIDER_STARTS = frozenset("-=*_~—─━会对sScC")
_SHORTEST_ID = 6  # "会话 3" counts conversations of one file; it names none


@dataclass(slots=True)
class Turn:
    """One message: `line` is where it begins, `conversation` counts the conversations of the file from 0."""

    speaker: str
    date: str | None
    time: str | None
    line: int
    conversation: int
    conversation_id: str
    lines: list[str]
    problems: list[str]

    @property
    def text(self) -> str:
        return "\n".join(self.lines).strip()


class Head(NamedTuple):
    """The line that opens a turn, taken apart."""

    speaker: str
    date: str | None
    time: str | None
    text: str
    is_notice: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """How the lines look that open a turn. `stamped`: a time is on them, so little else looks the same."""

    pattern: re.Pattern[str]
    stamped: bool
    inline: bool  # the words stand on the same line
    configured: Mapping[str, Role]

    def head(self, line: str) -> Head | None:
        """The line taken apart, when it is one that may open a turn."""
        if ":" not in line and (self.stamped or "：" not in line):
            return None
        found = self.pattern.match(line)
        if found is None:
            return self._notice(line) if self.inline and self.stamped else None
        name = found["name"].strip("[]【】 ")
        if not self.stamped:
            return None if name not in self.configured and _is_label(name) else Head(name, None, None, found["text"])
        return Head(name, found["date"], found["time"], found["text"] if self.inline else "")

    def _notice(self, line: str) -> Head | None:
        found = _NOTICE.match(line)
        return Head(_NOTICE_SPEAKER, found["date"], found["time"], found["text"], is_notice=True) if found else None


@lru_cache(maxsize=1024)
def _is_label(name: str) -> bool:
    return _LABEL.fullmatch(name) is not None or not any(character.isalpha() for character in name)


def find_form(lines: Sequence[str], configured: Mapping[str, Role]) -> Form | None:
    """The form of most lines with known speakers; without such lines, of most lines at all. None: no transcript."""
    forms = [Form(pattern, True, False, configured) for pattern in (_NAME_STAMP, _STAMP_NAME)]
    forms += [Form(pattern, True, True, configured) for pattern in (_STAMP_NAME_TEXT, _NAME_STAMP_TEXT)]
    forms.append(Form(_NAME_TEXT, False, True, configured))
    names: list[list[str]] = [[] for _ in forms]
    for line in lines:
        for form, found in zip(forms, names, strict=True):
            head = form.head(line.strip())
            if head is not None and not head.is_notice:
                found.append(head.speaker)
                break
    known = [sum(role_of(name, configured) is not None for name in found) for found in names]
    best = max(range(len(forms)), key=lambda n: (known[n], len(names[n])))
    if known[best]:
        return forms[best]
    # Nobody known: still a transcript when few names come again and again, but a log or a letter is none.
    heads = names[best]
    distinct = len(set(heads))
    # Of lines with a time and a Chinese name on them two will do: a log is none.
    again = distinct < len(heads) or (forms[best].stamped and all(map(_CHINESE.search, heads)))
    return forms[best] if 2 <= distinct <= 12 and again and 3 * len(heads) >= len(lines) else None


class _Reader:
    """Goes through the lines once. `speaking`: per conversation who speaks; None: every name that could."""

    def __init__(self, form: Form, speaking: Sequence[Mapping[str, Role]] | None) -> None:
        self.form = form
        self.speaking = speaking
        self.current: Turn | None = None
        self.conversation = 0
        self.conversation_id = ""
        self.started = False  # a line that may open a turn was seen in this conversation
        self.framed = False  # a rule stands in the message being read
        self.held: list[str] = []  # a dividing line and what follows it, until the next line shows whether it divides
        self.held_id = ""
        self.date: str | None = None
        self.dates_on_heads = False
        self.time = ""

    def take(self, number: int, line: str) -> Sequence[Turn | str]:
        """The turn that this line completes, if any; the reason, if it can't be used."""
        if (self.held or line[:1] in _DIVIDER_STARTS) and self._hold(line):
            return ()
        head = self.form.head(line)
        if head is None:
            return self._continue(line)
        done: Sequence[Turn | str] = ()
        if self.held:
            done = self.close()
            self._divide()
        # Dividing must come out the same in every reading, so nothing it rests on depends on `speaking`.
        self.started = True
        self.framed = _RULE.fullmatch(head.text) is not None
        if self.speaking is not None and head.speaker not in self.speaking[self.conversation]:
            problem = f"line {number} reads like somebody speaking who is not in roles; kept in this message"
            return (*done, *self._continue(line, problem))
        done = done or self.close()
        self._open(head, number)
        return done

    def close(self) -> Sequence[Turn]:
        """The turn being read, complete."""
        turn, self.current = self.current, None
        return () if turn is None else (turn,)

    def _open(self, head: Head, number: int) -> None:
        problems = []
        time = head.time
        if time is not None:
            time = time if time[1:2] != ":" else f"0{time}"
            self.dates_on_heads = head.date is not None
            if head.date is not None:
                self.date = _plain_date(head.date)
            elif self.date is not None and time < self.time:
                self.date = None
                problems.append("the clock goes back here: the date given before no longer holds, no other is given")
            self.time = time
        lines = [head.text] if head.text else []
        place = (number, self.conversation, self.conversation_id)
        self.current = Turn(head.speaker, self.date, time, *place, lines, problems)

    def _hold(self, line: str) -> bool:
        """Whether the line may divide conversations, or comes after one that may; the next line decides."""
        if not line:
            if self.held:
                self.held.append(line)
            return bool(self.held)
        is_date = _DATE_LINE.fullmatch(line) is not None
        rule = None if is_date else _RULE.fullmatch(line)
        if rule and self.framed:
            return False  # the second rule of a message frames its text
        named = None if is_date else _CONVERSATION.fullmatch(rule["title"].strip() if rule else line)
        if named and len(named["id"]) >= _SHORTEST_ID:
            self.held_id = named["id"]
        if rule or named or (self.held and (is_date or self._is_labelled(line))):
            self.held.append(line)
            return True
        return False

    def _is_labelled(self, line: str) -> bool:
        name = re.split("[:：]", line, maxsplit=1)[0]
        return name != line and name not in self.form.configured and _is_label(name.strip())

    def _divide(self) -> None:
        """Begins another conversation, unless nothing has been said in this one."""
        if self.started:
            self.conversation += 1
            self.started = False
        self.conversation_id = self.held_id
        self.date, self.time = None, ""
        for line in self.held:
            self._read_date(line)
        self.held, self.held_id = [], ""

    def _read_date(self, line: str) -> None:
        found = _DATE_LINE.fullmatch(line) or _DATE_LABEL.match(line)
        if found:
            self.date, self.time = _plain_date(found["date"]), ""

    def _continue(self, line: str, problem: str | None = None) -> Sequence[str]:
        held, self.held, self.held_id = self.held, [], ""
        self.framed = self.framed or (self.started and bool(held))
        if self.current is None:
            if line and not self._is_labelled(line) and not _DATE_LINE.fullmatch(line):
                return ("text before the first speaker",)
            self._read_date(line)
        elif self._is_date_divider(line):
            self._read_date(line)
        else:
            self.current.lines += [*held, line] if held else [line]
            if problem is None and self.form.stamped and ("：" in line or ":" in line):
                problem = self._quoted_speaker(line)
            if problem is not None:
                self.current.problems.append(problem)
        return ()

    def _is_date_divider(self, line: str) -> bool:
        """A date among clock times, or between rules, is the window's; else somebody may have typed it."""
        if self.dates_on_heads or not _DATE_LINE.fullmatch(line):
            return False
        return self.form.stamped or not line[0].isdigit()

    def _quoted_speaker(self, line: str) -> str | None:
        found = _NAME_TEXT.match(line)
        if found and found["name"] not in self.form.configured and is_generic(found["name"], {}):
            return f"a line of this message begins with '{found['name']}：' but has no time; kept in this message"
        return None


def read_turns(
    file: TextFile, form: Form, speaking: Sequence[Mapping[str, Role]] | None
) -> Iterator[Turn | Unreadable]:
    """The turns of a file in order, and its lines that belong to none."""
    reader = _Reader(form, speaking)
    for line in file.lines():
        if line.trouble is not None:
            yield file.unreadable(line)
            continue
        for taken in reader.take(line.number, line.text.strip()):
            yield file.unreadable(line, taken) if isinstance(taken, str) else taken
    yield from reader.close()


@lru_cache(maxsize=256)
def _plain_date(date: str) -> str:
    numbers = re.findall(r"\d+", date)
    return "-".join(number.zfill(2) for number in numbers)
