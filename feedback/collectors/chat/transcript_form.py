"""The form of a transcript: how those of its lines look that open a turn, found from the first of them.

What tells a head is the name of a usual sort beside a time. Nicknames may be anything ("加油！小鹿", "A|B"): a line that looks exactly like the file's
heads but for that may be one as well. But people also paste lines with times into messages, the ways of a parcel most of all ("已揽收 2026-03-01 10:00:00").
Which of the names are somebody's `transcript_names.py` finds out. What looks like a head and is none stays in its message, with a note.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import NamedTuple

from feedback.collectors.base import SourceConfig
from feedback.collectors.chat.lines import Line
from feedback.collectors.chat.roles import is_role_name, role_of
from feedback.collectors.chat.transcript_heads import (
    KINDS,
    NAME_STAMP,
    RULE_SIGNS,
    STAMP_NAME,
    WHOLE_DATE,
    Head,
    Kind,
    bare_name,
    has_moment,
    head_of,
    is_bracketed,
    is_chinese,
    is_label,
    is_no_name,
    is_stamp,
    notice,
    without_date,
)
from feedback.quoted import begins_quote
from storage.records import Role

_LONGEST_NAME = 64  # with the number or the address that QQ puts behind it
_NUMBER = re.compile(r"(?:\(\d{5,11}\)|<[^<>\s]+@[^<>\s]+>)$")

_UNUSUAL = "has unusual signs in the name"
_NO_NUMBER = "has no QQ number, as the others have"


@dataclass(frozen=True, slots=True)
class Form:
    """How the lines look that open a turn."""

    kind: Kind
    pattern: re.Pattern[str]
    configured: Mapping[str, Role]
    nobody: frozenset[str] = frozenset()
    on_two_lines: bool = False  # the stamp is on the line below the name
    dated: int = 0  # numbers of the date that is on most of them: 3, without years 2, without dates none
    halved: bool = True  # 上午, 下午 may be on them
    frames: frozenset[str] = frozenset()  # how they look apart from names
    pattern_of_any: re.Pattern[str] | None = None  # of whatever name in such frames
    numbered: bool = False  # QQ's numbers are on every one of them
    apart: bool = False  # they stand apart: below nothing, a blank line or a dividing one
    pasted: Mapping[str, str] = field(default_factory=dict)  # names that are nobody's, and why
    texts: Mapping[int, str | None] = field(default_factory=dict)  # lines that open none, and why if that is in doubt

    @property
    def stamped(self) -> bool:
        return self.kind.stamped

    def read(self, line: str) -> Head | str | None:
        """The line taken apart, when it opens a turn; what keeps it from that, when it looks like one that does."""
        usual = self.head(line)
        if not self.stamped or (usual is not None and (usual.is_notice or usual.speaker in self.configured)):
            return usual
        odd = None if usual is not None and usual.frame in self.frames else self.odd_head(line)
        why = None
        for head in (odd, usual):
            if head is None:
                continue
            if bare_name(head.speaker) in self.nobody or head.speaker in self.nobody:
                return None
            why = self._refusal(head, head is odd)
            if why is None:
                return head._replace(doubt=self._doubt(head, head is odd))
        return why

    def head(self, line: str) -> Head | None:
        """The line taken apart, when it is one that may open a turn, by its name too."""
        if ":" not in line and (self.stamped or "：" not in line):
            return None
        if self.on_two_lines and "\n" not in line:
            return None
        found = self.pattern.match(line)
        if found is None:
            return notice(line) if self.kind.inline and self.stamped else None
        name = found["name"] if found["name"] in self.configured else bare_name(found["name"])
        if name in self.nobody:
            return None
        if not self.stamped:
            is_name = name in self.configured or not (is_label(name) or begins_quote(line))
            return Head(name, None, None, None, found["text"]) if is_name else None
        if name not in self.configured and (has_moment(name) or (found["date"] is None and is_no_name(name))):
            return None
        head = head_of(found, name)
        return None if head.is_halved and not self.halved else head

    def odd_head(self, line: str) -> Head | None:
        """A head like those of the file but for its name."""
        if self.pattern_of_any is None or ":" not in line or (self.on_two_lines and "\n" not in line):
            return None
        found = self.pattern_of_any.match(line)
        head = found and head_of(found, found["name"])
        if head is None or head.frame not in self.frames:
            return None
        return None if head.date is None and is_no_name(head.speaker) else head

    def _refusal(self, head: Head, is_odd: bool) -> str | None:
        if is_odd and len(head.speaker) > _LONGEST_NAME:
            return "has a very long name"
        if is_odd and not (self.dated or is_bracketed(head.frame)):
            return _UNUSUAL
        return self.pasted.get(head.speaker)

    def _doubt(self, head: Head, is_odd: bool) -> str:
        if not self.numbered:
            return _UNUSUAL if is_odd else ""
        is_known = not is_odd and role_of(head.speaker, self.configured) is not None
        return "" if is_known or _NUMBER.search(head.speaker) else _NO_NUMBER


class _Seen(NamedTuple):
    """A head of the opening, and whether it stands apart."""

    head: Head
    apart: bool


def find_form(opening: Sequence[str], config: SourceConfig) -> Form | None:
    """The form of most lines with known speakers; without such lines, of most lines at all. None: no transcript."""
    written = [line.strip() for line in opening]
    nobody = frozenset(config.nobody)
    forms = [Form(kind, kind.pattern(config.roles), config.roles, nobody) for kind in KINDS]
    found = [(form, seen, written) for form, seen in zip(forms, _seen(forms, written), strict=True)]
    if sum(map(is_stamp, written)) > 1:
        joined = [line.text for line in name_and_stamp_joined(Line(n, line) for n, line in enumerate(written))]
        form = replace(forms[KINDS.index(NAME_STAMP)], on_two_lines=True)
        found.append((form, _seen([form], joined)[0], joined))
    form, seen, lines = max(found, key=lambda each: _weight(each[1], config.roles))
    return _with_its_ways(form, seen, lines) if seen else None


def name_and_stamp_joined(lines: Iterable[Line], date_parts: int = WHOLE_DATE) -> Iterator[Line]:
    """The lines, where one that is only a time, with a date of so many numbers, is of one with that above it."""
    above: Line | None = None
    for line in lines:
        if (
            above is not None
            and above.text.strip().strip(RULE_SIGNS)
            and not (above.trouble or line.trouble or has_moment(above.text))
            and is_stamp(line.text.strip(), date_parts)
        ):
            yield Line(above.number, f"{above.text.strip()}\n{line.text.strip()}")
            above = None
            continue
        if above is not None:
            yield above
        above = line
    if above is not None:
        yield above


def stands_apart(above: str | None) -> bool:
    """Whether a line does, below that one."""
    return above is None or not any(character.isalnum() for character in above)


def _seen(forms: Sequence[Form], lines: Sequence[str]) -> list[list[_Seen]]:
    """The heads by form; a line is one of the first form that it fits."""
    seen: list[list[_Seen]] = [[] for _ in forms]
    above: str | None = None
    for line in lines:
        for form, heads in zip(forms, seen, strict=True):
            head = form.head(line)
            if head is not None and not head.is_notice:
                heads.append(_Seen(head, stands_apart(above)))
                break
        above = line
    return seen


def _known(seen: Sequence[_Seen], roles: Mapping[str, Role]) -> list[_Seen]:
    return [each for each in seen if role_of(each.head.speaker, roles) is not None]


def _weight(seen: Sequence[_Seen], roles: Mapping[str, Role]) -> tuple[int, int, int]:
    """What speaks for a form: speakers known by name, then dates beside them ("客服说 15:00" is hardly a head), then heads at all."""
    known = _known(seen, roles)
    return len(known), sum(each.head.date_parts for each in known), len(seen)


def _with_its_ways(form: Form, seen: Sequence[_Seen], lines: Sequence[str]) -> Form | None:
    """The form with what its heads have in common; None where they are no conversation."""
    heads, known = [each.head for each in seen], _known(seen, form.configured)
    odd: list[Head] = []
    if form.stamped:
        form = _with_its_frames(form, heads, [each.head for each in known])
        written = [head for line in lines if (head := form.head(line) or form.odd_head(line)) and not head.is_notice]
        form = _with_its_stamps(form, heads, written)
        dated = [each for each in seen if each.head.date_parts >= form.dated]
        form = _with_its_places(form, dated, _known(dated, form.configured) or known)
        usual = set(heads)
        odd = [head for head in written if head not in usual and head.date_parts >= form.dated > 0]
    said = sum(1 for line in lines if line)
    return form if known or _talk_among_strangers(form, [*heads, *odd], said) else None


def _with_its_frames(form: Form, heads: Sequence[Head], known: Sequence[Head]) -> Form:
    """How the heads look, by those whose speakers are known, else by what several have: "小鹿:)：在吗" seems to be another."""
    frames = {head.frame for head in known}
    if not frames:
        names = {frame: {head.speaker for head in heads if head.frame == frame} for frame in {h.frame for h in heads}}
        frames = {frame for frame, speakers in names.items() if len(speakers) > 1} or set(names)
    ends = "".join(sorted({frame[-1] for frame in frames}))
    any_name = (
        form.kind.pattern_of_any(f"[{re.escape(ends)}](?!//)") if form.kind.inline else form.kind.pattern_of_any()
    )
    return replace(form, frames=frozenset({*frames, *map(without_date, frames)}), pattern_of_any=any_name)


def _with_its_stamps(form: Form, heads: Sequence[Head], written: Sequence[Head]) -> Form:
    """What the stamps of a file hold, by those heads whose speakers are known, by name or from a head with a date.

    A half of the day that they have not is a time that somebody wrote. `written`: these heads and those with whatever names, in their order.
    """
    speakers = {head.speaker for head in heads if head.date_parts == WHOLE_DATE}
    sure = [head for head in heads if head.speaker in speakers or role_of(head.speaker, form.configured) is not None]
    halved = not sure or any(head.is_halved for head in sure)
    return replace(form, dated=_date_parts(form, written), halved=halved)


def _date_parts(form: Form, written: Sequence[Head]) -> int:
    """How many numbers the date has that most heads carry, of those who are known or speak again: other lines may be pasted.

    A date that is on the first head of a day only, or on one alone, is not written again by who speaks next.
    """
    lines = Counter(head.speaker for head in written)
    known = {name for name in lines if name in form.configured or is_role_name(name)}
    people = [head for head in written if lines[head.speaker] > 1 or head.speaker in known] or written
    for parts in (WHOLE_DATE, WHOLE_DATE - 1):
        dates = [head.date for head in written if head.date_parts >= parts]
        carried = 2 * sum(head.date_parts >= parts for head in people) > len(people)
        if carried and any(above == date for above, date in pairwise(dates)):
            return parts
    return 0


def _with_its_places(form: Form, seen: Sequence[_Seen], known: Sequence[_Seen]) -> Form:
    """Whether heads are numbered and stand apart, by those whose speakers are known."""
    numbers = {each.head.speaker for each in seen if _NUMBER.search(each.head.speaker)}
    roles = [role_of(name, form.configured) for name in numbers]
    # Both sides have QQ's: a shop writes its customers' phones behind their names as well, an agent may have a number of the company's own.
    both = any(role in (None, "customer") for role in roles) and any(role in (None, "agent") for role in roles)
    numbered = form.kind is STAMP_NAME and form.dated > 0 and len(roles) > 1 and both and bool(known)
    numbered = numbered and all(each.head.speaker in numbers for each in known)
    return replace(form, numbered=numbered, apart=all(each.apart for each in known or seen))


def _talk_among_strangers(form: Form, heads: Sequence[Head], lines: int) -> bool:
    """Whether few names come again and again, as in no log and no letter.

    Whole dates say so of messages of any length; without them every third line has to be a head.
    """
    names = [head.speaker for head in heads]
    distinct = len(set(names))
    # Of lines with a time and a Chinese name on them two will do: a log is none.
    again = distinct < len(names) or (form.stamped and all(map(is_chinese, names)))
    return 2 <= distinct <= 12 and again and (form.dated == WHOLE_DATE or 3 * len(names) >= lines)
