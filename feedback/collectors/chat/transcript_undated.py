"""Which heads without the date that the others of a transcript carry open a message.

Windows leave it out of what was said today ("客服小美 9:00:05" below "客户张三 2026/3/1 20:10:11"). But people write times too: "我昨天下单的是 15:30".
So such a line opens a message if its speaker is one for another reason, and its clock fits among those around it.
"""

from collections import Counter

from feedback.collectors.chat.roles import is_role_name
from feedback.collectors.chat.transcript_form import Form
from feedback.collectors.chat.transcript_heads import sorting_clock
from feedback.collectors.chat.transcript_turns import Turn

_NO_DATE = "has no date, as the others have"


class _Line:
    """A head without a date, below one of these turns that has one, if any, and above another."""

    def __init__(self, turn: Turn, above: Turn | None) -> None:
        self.turn = turn
        self.above = above
        self.below: Turn | None = None

    def is_in_order(self) -> bool:
        """Whether its clock is between those around it, where these are of one day."""
        if self.above is None or self.below is None or self.above.date != self.below.date:
            return True
        first, last = sorted(sorting_clock(_clock(each)) for each in (self.above, self.below))
        is_of_another_day = self.turn.date_parts or self.turn.day_name
        return not is_of_another_day and first <= sorting_clock(_clock(self.turn)) <= last

    def has_their_form(self) -> bool:
        """Whether its clock has seconds where theirs have."""
        near = self.above or self.below
        return near is None or _clock(self.turn).count(":") == _clock(near).count(":")


def _clock(turn: Turn) -> str:
    return turn.time or ""


class Undated:
    """Told the turns of a file in order, it knows which lines open none for want of a date."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self._dated: set[str] = set()  # names
        self._lines: list[_Line] = []
        self._open: list[_Line] = []  # with no date below yet
        self._above: Turn | None = None

    def add(self, turn: Turn) -> None:
        if self._above is not None and turn.conversation != self._above.conversation:
            self._above, self._open = None, []
        if turn.date_parts < self._form.dated:
            self._open.append(_Line(turn, self._above))
            self._lines.append(self._open[-1])
            return
        for line in self._open:
            line.below = turn
        self._open, self._above = [], turn
        self._dated.add(turn.speaker)

    def texts(self) -> dict[int, str | None]:
        """Those lines by their numbers, and why, where it is in doubt."""
        often = Counter(line.turn.speaker for line in self._lines if line.is_in_order() and line.has_their_form())
        texts: dict[int, str | None] = {}
        for line in self._lines:
            name = line.turn.speaker
            is_new = name not in self._dated
            if is_new and name in self._form.configured:
                continue
            has_role = is_new and is_role_name(name)
            fits = line.is_in_order() and (has_role or line.has_their_form())
            is_somebody = has_role or not is_new or often[name] > 1
            if not (is_somebody and fits):
                texts[line.turn.line] = _NO_DATE if is_somebody or fits else None
        return texts
