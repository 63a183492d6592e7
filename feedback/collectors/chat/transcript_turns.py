"""Cutting a transcript into turns: where a conversation ends, which date a clock time has. Which lines open one: `transcript_form.py`."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from feedback.collectors.base import Unreadable
from feedback.collectors.chat.lines import Line, TextFile
from feedback.collectors.chat.roles import is_generic
from feedback.collectors.chat.transcript_form import Form, joined, stands_apart
from feedback.collectors.chat.transcript_heads import (
    DAY,
    LABEL,
    NAME_TEXT,
    RULE_SIGNS,
    STAMP_YEAR,
    YEAR,
    Head,
    is_stamp,
    plain_date,
    plain_time,
    sorting_clock,
)
from feedback.collectors.chat.transcript_window import (
    happened_after,
    is_notice_of_system,
    is_status,
    is_windows,
    tells_of,
)
from feedback.quoted import begins_quote, ends_quote

_RULE = re.compile(
    rf"[{RULE_SIGNS}]{{3,}}+(?P<title>[^{RULE_SIGNS}]*+|\s.*\s(?=([{RULE_SIGNS}])\2{{2,}}))[{RULE_SIGNS}]*+"
)
_CONVERSATION = re.compile(
    r"(?:会话|对话|session|conversation)\s?(?:ID|编号|号)?\s?[:：#]?\s?(?P<id>[A-Za-z0-9][A-Za-z0-9_-]*)", re.IGNORECASE
)
_DATE_LINE = re.compile(rf"[{RULE_SIGNS}\s]*(?P<date>{YEAR}{DAY})(?:\s*(?:星期|周).)?[{RULE_SIGNS}\s]*")
_DATE_START = re.compile(rf"[\[(（]?(?P<date>{STAMP_YEAR}{DAY})")
# Not "导出时间": that is when somebody copied the conversation, not when it was held.
_DATE_LABEL = re.compile(rf"(?:会话|对话|聊天|开始|接入|咨询)?(?:日期|时间)\s*[:：]\s*(?P<date>{YEAR}{DAY})")
# Of what an export writes after a conversation, this is nobody's words; and this a customer lists under a line of dashes.
_FOOT = re.compile(r".*(?:时间|日期|时长|满意度|评分|消息分组|消息对象)\s*[:：].*")
_LISTED = re.compile(r"(?:退款|退货|换货)?(?:尺码|颜色|规格|型号|原因|金额|价格|数量)")
_DIVIDER_STARTS = frozenset(RULE_SIGNS + "会对sScC")
_BARE_NAME = NAME_TEXT.pattern()
_SHORTEST_ID = 6  # "会话 3" counts conversations of one file; it names none


@dataclass(slots=True)
class Turn:
    """One message: `line` is where it begins, `conversation` counts the conversations of the file from 0."""

    speaker: str
    date: str | None
    day_name: str | None  # "昨天": no date is known by it
    time: str | None
    line: int
    conversation: int
    conversation_id: str
    lines: list[str]
    problems: list[str]
    apart: bool  # nothing, a blank line or a dividing one is above it
    head: Head
    date_line: str  # the date on a line of its own that is above it, if any

    @property
    def text(self) -> str:
        return "\n".join(self.lines).strip()


class _Reader:
    """Goes through the lines once."""

    def __init__(self, form: Form) -> None:
        self.form = form
        self.current: Turn | None = None
        self.conversation = 0
        self.conversation_id = ""
        self.started = False  # a line that may open a turn was seen in this conversation
        self.framed = False  # a rule stands in the message being read
        self.quoting = False  # a quote began in it, which a rule will end
        self.held: list[str] = []  # a dividing line and what follows it, until the next line shows whether it divides
        self.held_id = ""
        self.date: str | None = None
        self.date_line = ""
        self.dates_on_heads = False
        self.clock = ""
        self.above: str | None = None
        self.speakers: set[str] = set()
        self.moments = False  # times on lines of their own are the window's, as one is above the first speaker
        self.doubted: set[str] = set()  # what keeps lines of the message being read from opening one

    def take(self, number: int, line: str) -> Sequence[Turn | str]:
        """The turn that this line completes, if any; the reason, if it can't be used."""
        found = self.form.texts[number] if number in self.form.texts else self.form.head(line)
        apart, self.above = stands_apart(self.above), line
        head = found if isinstance(found, Head) else None
        if head is None and self._is_windows(line):
            self.above = None
            return ()
        # What has a name and a time is somebody speaking; without a time "会话：HH20231111" looks the same.
        opens = head is not None and self.form.stamped
        if not opens and (self.held or line[:1] in _DIVIDER_STARTS) and self._hold(line):
            return ()
        self.quoting = begins_quote(line if head is None else head.text) or (
            self.quoting and head is None and not ends_quote(line)
        )
        if head is None:
            return self._continue(line, self._doubt(number, found))
        done: Sequence[Turn | str] = ()
        if self.held:
            done = self.close()
            self._divide()
        self.started = True
        self.framed = _RULE.fullmatch(head.text) is not None
        done = done or self.close()
        self._open(head, number, apart)
        return done

    def close(self) -> Sequence[Turn]:
        """The turn being read, complete."""
        turn, self.current = self.current, None
        if turn is None:
            return ()
        turn.lines = _without_foot(turn)
        return (turn,)

    def finish(self) -> Sequence[Turn]:
        """The last turn of the file, with what follows a dividing line in it: no speaker came for whom that would divide."""
        if self.current is not None and any(map(self._is_said, self.held)):
            self.current.lines += self.held
        return self.close()

    def _is_windows(self, line: str) -> bool:
        """Whether the window wrote the line. What stands alone below a name is what that one said."""
        turn = self.current
        if turn is not None and not any(turn.lines):
            return False
        if _RULE.fullmatch(line):
            return False  # it divides
        return is_windows(line) or is_notice_of_system(line) or tells_of(line, self.speakers)

    def _is_said(self, line: str) -> bool:
        return self._is_labelled(line) and not _CONVERSATION.fullmatch(line) and not _FOOT.fullmatch(line)

    def _open(self, head: Head, number: int, apart: bool) -> None:
        time = problem = None
        if head.time is not None:
            time = plain_time(head.time)
            problem = self._keep_time(head, time)
        self.speakers.add(head.speaker)
        lines = [head.text] if head.text else []
        self.doubted = set()
        place = (number, self.conversation, self.conversation_id)
        problems = [problem] if problem else []
        self.current = Turn(
            head.speaker, self.date, head.day_name, time, *place, lines, problems, apart, head, self.date_line
        )

    def _keep_time(self, head: Head, time: str) -> str | None:
        """Takes the date and the clock of a head for those below it; why the date that was given before ends here."""
        problem = None
        clock = sorting_clock(time)
        self.dates_on_heads = head.date is not None
        if head.date is not None:
            self.date = plain_date(head.date)
        elif head.day_name is not None or self.form.dated:
            self.date = None
        elif self.date is not None and clock < self.clock:
            self.date = None
            problem = "the clock goes back here: the date given before no longer holds, no other is given"
        self.clock = clock
        return problem

    def _hold(self, line: str) -> bool:
        """Whether the line may divide conversations, or comes after one that may; the next line decides."""
        if not line:
            if self.held:
                self.held.append(line)
            return bool(self.held)
        is_date = _DATE_LINE.fullmatch(line) is not None or self._is_moment(line)
        rule = None if is_date else _RULE.fullmatch(line)
        if rule and (self.framed or (self.quoting and ends_quote(line))):
            return False  # the second rule of a message frames its text, that below a quote is the quote's
        named = None if is_date else _CONVERSATION.fullmatch(rule["title"].strip() if rule else line)
        if named and len(named["id"]) >= _SHORTEST_ID:
            self.held_id = named["id"]
        if rule or named or (self.held and (is_date or (self._is_labelled(line) and not self._is_listed(line)))):
            self.held.append(line)
            return True
        return False

    def _is_labelled(self, line: str) -> bool:
        """Whether a line says something about a conversation, or is nothing but a time; "3:30 没人来" is neither."""
        name = _before_colon(line)
        if name is None or name in self.form.configured:
            return False
        return LABEL.fullmatch(name) is not None or not any(character.isalpha() for character in line)

    def _is_listed(self, line: str) -> bool:
        """Whether the line belongs to a message that has a dividing line in it, where nothing speaks for another conversation."""
        headed = self.held_id or any(map(_FOOT.fullmatch, self.held))
        return not headed and _LISTED.fullmatch(_before_colon(line) or "") is not None

    def _divide(self) -> None:
        """Begins another conversation, unless nothing has been said in this one."""
        if self.started:
            self.conversation += 1
            self.started = False
        self.conversation_id = self.held_id
        self.date, self.date_line, self.clock = None, "", ""
        for line in self.held:
            self._read_date(line)
        self.held, self.held_id = [], ""

    def _read_date(self, line: str) -> None:
        is_moment = self._is_moment(line)
        found = _DATE_LINE.fullmatch(line) or (_DATE_START if is_moment else _DATE_LABEL).match(line)
        if found:
            self.date = self.date_line = plain_date(found["date"])
            self.clock = ""
        elif is_moment:
            self.date, self.date_line = None, ""

    def _is_moment(self, line: str) -> bool:
        """Whether the line is a time and may date the messages below, as chats on phones have it."""
        return not self.form.stamped and is_stamp(line)

    def _continue(self, line: str, problem: str | None = None) -> Sequence[str]:
        held, self.held, self.held_id = self.held, [], ""
        self.framed = self.framed or (self.started and bool(held))
        if self._is_moment(line) and (self.moments or self.current is None):
            self.moments = True
            self._read_date(line)
        elif self.current is None:
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

    def _doubt(self, number: int, found: Head | str | None) -> str | None:
        """The note on a line that looks like one that opens a turn; of several in a message that lack the same, on the first."""
        if not isinstance(found, str) or found in self.doubted:
            return None
        self.doubted.add(found)
        return f"line {number} reads like somebody speaking but {found}; kept in this message. If it is somebody, add the name to roles"

    def _quoted_speaker(self, line: str) -> str | None:
        found = _BARE_NAME.match(line)
        if found and found["name"] not in self.form.configured and is_generic(found["name"]):
            return f"a line of this message begins with '{found['name']}：' but has no time; kept in this message"
        return None


def read_turns(file: TextFile, form: Form) -> Iterator[Turn | Unreadable]:
    """The turns of a file in order, and its lines that belong to none."""
    reader = _Reader(form)
    for line in _heads_joined(file.lines(), form) if form.kind.on_two_lines else file.lines():
        if line.trouble is not None:
            yield file.unreadable(line)
            continue
        for taken in reader.take(line.number, line.text.strip()):
            yield file.unreadable(line, taken) if isinstance(taken, str) else taken
    yield from reader.finish()


def _heads_joined(lines: Iterable[Line], form: Form) -> Iterator[Line]:
    """The lines, where a name and the time below it are one."""
    for line in joined(lines, form.kind):
        if "\n" in line.text and (line.number in form.texts or form.head(line.text) is None):
            yield from (Line(line.number + n, text) for n, text in enumerate(line.text.split("\n")))
        else:
            yield line


def _without_foot(turn: Turn) -> list[str]:
    """The lines of a message without what the window writes below it: whether it was read, and what happened next."""
    lines, end = turn.lines, len(turn.lines)
    while end and (
        not lines[end - 1] or is_status(lines[end - 1]) or happened_after(lines[end - 1], turn.date, turn.time)
    ):
        end -= 1
    return lines[:end] if end and any(lines[end:]) else lines


def _before_colon(line: str) -> str | None:
    name, *rest = re.split("[:：]", line, maxsplit=1)
    return name.strip() if rest else None
