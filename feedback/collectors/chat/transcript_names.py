"""Whose names stand in a transcript: somebody's, or only those of lines that people pasted into messages.

Most names are in no doubt. Those are that have unusual signs in them ("加油！小鹿", but "快件已签收，请查收" as well) or lack the number that all others
have, and those of strangers that do not stand apart where all others do. Such a name is somebody's on strong evidence only, else
its lines stay in the message they are in, with a note: somebody who is unknown keeps a whole file from being read.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from feedback.collectors.chat.roles import assign_roles, missing_side, role_of
from feedback.collectors.chat.transcript_form import Form
from feedback.collectors.chat.transcript_heads import sorting_clock
from feedback.collectors.chat.transcript_turns import Turn
from storage.records import Role

_Moment = tuple[str, str]

_SOON = timedelta(minutes=10)
_OLDER = "is older than what is above it"
_LATER = "is later than what is below it"


class _Line:
    """A head in doubt, and when those spoke above and below it, in its conversation, who are in none."""

    def __init__(self, turn: Turn, above: _Moment | None, before: _Moment | None, heard: int) -> None:
        self.name, self.doubt = turn.speaker, turn.doubt
        self.says, self.apart = turn.text != "", turn.apart
        self.moment = _moment(turn)
        self.above = above
        self.before = before  # the same of the conversation before, where this is the first line of one
        self.heard = heard  # turns in no doubt above it
        self.is_answered = False
        self.below: _Moment | None = None

    def misplaced(self, falling: bool) -> str | None:
        """What is wrong with its time among those around it; `falling`: the newest comes first."""
        if self.moment is None:
            return None
        earlier, later = (self.below, self.above) if falling else (self.above, self.below)
        if earlier is not None and self.moment < earlier:
            return _OLDER
        if later is not None and self.moment > later:
            return _LATER
        # Another conversation may be an older one; then it is so for those who answer as well.
        if self.before is not None and not falling and self.moment < self.before <= (self.below or self.before):
            return _OLDER
        return None

    def is_soon(self) -> bool:
        """Whether it comes within minutes, as answers do, and hardly an appointment that somebody writes about."""
        if self.above is None or self.moment is None:
            return False
        try:
            above, moment = (
                datetime.fromisoformat(f"{date} {clock[-8:]}") for date, clock in (self.above, self.moment)
            )
        except ValueError:  # no year, or "晚上12:05"
            return False
        return timedelta(0) < moment - above <= _SOON


class Names:
    """Told the turns of a file in order, it knows which names are nobody's, and which are rather not."""

    def __init__(self, form: Form, configured: Mapping[str, Role]) -> None:
        self._form = form
        self._configured = configured
        self._somebody: set[str] = set()
        self._nobody: dict[str, str] = {}
        self._in_order: set[str] = set()
        self._rises = self._falls = 0  # within conversations: a file may begin with the newest of them
        self._conversation = 0
        self._speakers: set[str] = set()  # of the conversation, in no doubt
        self._lines: list[_Line] = []  # of the conversation, in doubt
        self._heard = self._answered = 0
        self._above: _Moment | None = None
        self._before: _Moment | None = None
        self._latest: _Moment | None = None

    def add(self, turn: Turn) -> None:
        if turn.conversation != self._conversation:
            self._end()
            self._conversation = turn.conversation
        moment = _moment(turn)
        if moment is None or self._latest is None or moment >= self._latest:
            self._latest = moment or self._latest
            self._in_order.add(turn.speaker)
        is_known = role_of(turn.speaker, self._configured) is not None
        if turn.doubt or (self._form.apart and not turn.apart and not is_known):
            self._lines.append(_Line(turn, self._above, None if self._heard else self._before, self._heard))
        else:
            self._hear(turn, moment)

    def nobody(self) -> dict[str, str]:
        """The names that are nobody's, and why."""
        self._end()
        return {name: why for name, why in self._nobody.items() if name not in self._somebody}

    def out_of_order(self, names: Iterable[str]) -> list[str]:
        """Those of the names whose words are all older than what is above them, as the ways of a parcel are; none where the newest comes first."""
        return [] if self._falls > self._rises else [name for name in names if name not in self._in_order]

    def _hear(self, turn: Turn, moment: _Moment | None) -> None:
        for line in self._lines[self._answered :]:
            line.is_answered, line.below = True, moment
        self._answered = len(self._lines)
        if moment is not None and self._above is not None:
            self._rises += moment > self._above
            self._falls += moment < self._above
        self._above = moment or self._above
        self._heard += 1
        self._speakers.add(turn.speaker)
        self._somebody.add(turn.speaker)

    def _end(self) -> None:
        self._judge()
        self._before = self._above or self._before
        self._speakers, self._lines = set(), []
        self._heard = self._answered = 0
        self._above = self._latest = None

    def _judge(self) -> None:
        """Finds out who of those in doubt is somebody in this conversation."""
        falling = self._falls > self._rises
        lines: dict[str, list[_Line]] = {}
        for line in self._lines:
            lines.setdefault(line.name, []).append(line)
        placed = {name: [line for line in of if not line.misplaced(falling)] for name, of in lines.items()}
        steady = [name for name, of in placed.items() if 2 * len(of) > len(lines[name]) and _comes_again(of)]
        missing = self._missing(steady)
        for name, of in lines.items():
            if not of[0].doubt:
                # Of strangers only those that would keep the file from being read.
                is_somebody = bool(missing or placed[name])
            else:
                is_missing = role_of(name, self._configured) in missing
                is_somebody = name in steady or any(self._is_said(line, is_missing) for line in placed[name])
            if is_somebody:
                self._somebody.add(name)
            self._nobody.setdefault(name, of[0].misplaced(falling) or of[0].doubt)

    def _missing(self, steady: list[str]) -> tuple[Role | None, ...]:
        """What those may be by their names to whom the others of this conversation spoke; nothing where both sides are there."""
        names = [*self._speakers, *steady]
        roles, _ = assign_roles(names, self._configured)
        if not self._speakers or (not roles and len(names) > 1):
            return ()
        if not roles:
            return (None, "customer", "agent", "bot")
        side = missing_side(roles.values())
        return (None, side) if side else ()

    def _is_said(self, line: _Line, is_missing: bool) -> bool:
        """Whether somebody said it whose name comes only once; `is_missing`: somebody must be there to whom the others speak."""
        is_apart = self._form.apart and line.apart and line.heard > 0
        if is_missing:
            return line.says and (is_apart or line.is_answered or line.is_soon())
        return line.says and is_apart and line.is_answered


def _comes_again(lines: list[_Line]) -> bool:
    return len({line.heard for line in lines if line.says}) > 1


def _moment(turn: Turn) -> _Moment | None:
    return (turn.date, sorting_clock(turn.time)) if turn.date and turn.time else None
