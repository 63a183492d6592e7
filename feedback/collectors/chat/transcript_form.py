"""The form of a transcript: how those of its lines look that open a turn, found from the first of them.

What tells a head is the name of a usual sort beside a time. Nicknames may be anything ("加油！小鹿", "A|B"): where a line looks
exactly like the file's heads but for that, it is one as well. People also paste lines with times into messages, the ways of a parcel most of
all ("已揽收 2026-03-01 10:00:00"). What looks like a head and is none stays in its message, with a note.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from feedback.collectors.base import SourceConfig
from feedback.collectors.chat.lines import Line
from feedback.collectors.chat.roles import role_of
from feedback.collectors.chat.transcript_heads import (
    KINDS,
    NAME_STAMP,
    STAMP_NAME,
    Head,
    Kind,
    bare_name,
    head_of,
    is_bracketed,
    is_chinese,
    is_label,
    is_no_name,
    is_stamp,
    notice,
)
from feedback.quoted import begins_quote
from storage.records import Role

_LONGEST_NAME = 64  # with the number or the address that QQ puts behind it
_NUMBER = re.compile(r"\(\d{5,11}\)|<[^<>\s]+@[^<>\s]+>")

Moment = tuple[str, str]


class Place(NamedTuple):
    """Where a line stands: whether apart (below nothing, a blank line or a dividing one), and when what is above it was said."""

    apart: bool
    since: Moment | None = None


@dataclass(frozen=True, slots=True)
class Form:
    """How the lines look that open a turn."""

    kind: Kind
    pattern: re.Pattern[str]
    configured: Mapping[str, Role]
    nobody: frozenset[str] = frozenset()
    on_two_lines: bool = False  # the stamp is on the line below the name
    dated: bool = False  # a whole date is on every one of them
    halved: bool = True  # 上午, 下午 may be on them
    frames: frozenset[str] = frozenset()  # how they look apart from names
    pattern_of_any: re.Pattern[str] | None = None  # of whatever name in such frames
    numbered: bool = False  # QQ's numbers are on every one of them
    apart: bool = False  # they stand apart
    in_order: bool = False  # they are never older than those above

    @property
    def stamped(self) -> bool:
        return self.kind.stamped

    def read(self, line: str, place: Place) -> Head | str | None:
        """The line taken apart, when it opens a turn; what keeps it from that, when it looks like one that does."""
        head = self.head(line)
        if not self.stamped or (head is not None and (head.is_notice or head.speaker in self.configured)):
            return head
        odd = None if head is not None and head.frame in self.frames else self.odd_head(line)
        head = odd or head
        if head is None or bare_name(head.speaker) in self.nobody or head.speaker in self.nobody:
            return None
        return self._doubt(head, odd is not None, place) or head

    def head(self, line: str) -> Head | None:
        """The line taken apart, when it is one that may open a turn, by its name too."""
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
            return notice(line) if self.kind.inline and self.stamped else None
        name = found["name"] if found["name"] in self.configured else bare_name(found["name"])
        if name in self.nobody:
            return None
        if not self.stamped:
            is_name = name in self.configured or not (is_label(name) or begins_quote(line))
            return Head(name, None, None, None, found["text"]) if is_name else None
        if found["date"] is None and name not in self.configured and is_no_name(name):
            return None
        return head_of(found, name)

    def odd_head(self, line: str) -> Head | None:
        """A head like those of the file but for its name."""
        found = self.pattern_of_any.match(line) if self.pattern_of_any and ":" in line else None
        head = found and head_of(found, found["name"])
        if head is None or head.frame not in self.frames or (head.date is None and is_no_name(head.speaker)):
            return None
        return head

    def _doubt(self, head: Head, is_odd: bool, place: Place) -> str | None:
        if self.numbered and not _NUMBER.search(head.speaker):
            return "has no QQ number, as the others have"
        if is_odd and len(head.speaker) > _LONGEST_NAME:
            return "has a very long name"
        if is_odd and not (self.dated or is_bracketed(head.frame)):
            return "has unusual signs in the name"
        is_older = self.in_order and place.since is not None and head.moment < place.since
        if is_older and (is_odd or (self.apart and not place.apart)):
            return "is older than what is above it"
        return None


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
    form, seen, lines = max(found, key=lambda each: (len(_known(each[1], config.roles)), len(each[1])))
    return _with_its_ways(form, seen, lines) if seen else None


def name_and_stamp_joined(lines: Iterable[Line]) -> Iterator[Line]:
    """The lines, where one that is only a date and a time is put behind the one above it."""
    above: Line | None = None
    for line in lines:
        if (
            above is not None
            and above.text.strip()
            and not (above.trouble or line.trouble)
            and is_stamp(line.text.strip())
        ):
            yield Line(above.number, f"{above.text.strip()} {line.text.strip()}")
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


def _with_its_ways(form: Form, seen: Sequence[_Seen], lines: Sequence[str]) -> Form | None:
    """The form with what its heads have in common; None where they are no conversation."""
    heads, known = [each.head for each in seen], _known(seen, form.configured)
    odd: list[Head] = []
    if form.stamped:
        form = _with_its_frames(form, heads, [each.head for each in known])
        odd = [head for line in lines if form.head(line) is None and (head := form.odd_head(line))]
        form = _with_its_stamps(form, heads, odd)
        form = _with_its_places(form, seen, known)
    odd = odd if form.dated else []
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
    return replace(form, frames=frozenset(frames), pattern_of_any=any_name)


def _with_its_stamps(form: Form, heads: Sequence[Head], odd: Sequence[Head]) -> Form:
    """What the stamps of a file hold, by those heads whose speakers are known, by name or from a head with a whole date.

    Stamps that differ from theirs are times that somebody wrote. One speaker alone shows no rule about dates: they
    may be on the first head only.
    """
    dated = {head.speaker for head in heads if head.is_dated}
    sure = [head for head in heads if head.speaker in dated or role_of(head.speaker, form.configured) is not None]
    always = len(dated) > 1 and all(head.is_dated for head in sure)
    if len(dated) == 1 and any(head.is_dated for head in odd):
        always = all(head.is_dated for head in heads)
    return replace(form, dated=always, halved=not sure or any(head.is_halved for head in sure))


def _with_its_places(form: Form, seen: Sequence[_Seen], known: Sequence[_Seen]) -> Form:
    """Whether heads are numbered, stand apart and are in order, by those whose speakers are known."""
    names = {each.head.speaker: role_of(each.head.speaker, form.configured) for each in seen}
    # An agent may have a number of the company's own, as in "客服(10086)".
    of_qq = form.kind is STAMP_NAME and any(
        _NUMBER.search(name) and role in (None, "customer") for name, role in names.items()
    )
    numbered = of_qq and form.dated and bool(known) and all(_NUMBER.search(each.head.speaker) for each in known)
    moments = [each.head.moment for each in known] if form.dated else []
    in_order = len(set(moments)) > 1 and moments == sorted(moments)
    apart = all(each.apart for each in known)
    return replace(form, numbered=numbered, apart=apart, in_order=in_order)


def _talk_among_strangers(form: Form, heads: Sequence[Head], lines: int) -> bool:
    """Whether few names come again and again, as in no log and no letter.

    Whole dates say so of messages of any length; without them every third line has to be a head.
    """
    names = [head.speaker for head in heads if head.is_dated or not form.dated]
    distinct = len(set(names))
    # Of lines with a time and a Chinese name on them two will do: a log is none.
    again = distinct < len(names) or (form.stamped and all(map(is_chinese, names)))
    return 2 <= distinct <= 12 and again and (form.dated or 3 * len(names) >= lines)
