"""The form of a transcript: how those of its lines look that may open a turn, found from the first of them.

Names may be anything ("加油！小鹿", "A|B"), and people paste lines with times into messages ("已揽收 2026-03-01 10:00:00"): a line of the form is a candidate only.
Which of them open a turn `transcript_judgement.py` tells.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from feedback.collectors.base import SourceConfig
from feedback.collectors.chat.lines import Line
from feedback.collectors.chat.roles import role_of
from feedback.collectors.chat.transcript_heads import (
    KINDS,
    NAME_ABOVE_WORDS,
    RULE_SIGNS,
    STAMP_ABOVE_NAME,
    WHOLE_DATE,
    Head,
    Kind,
    bare_name,
    has_moment,
    head_of,
    is_label,
    is_no_name,
    is_salutation,
    is_stamp,
    is_usual,
    notice,
)
from feedback.collectors.chat.transcript_window import is_event, is_windows
from feedback.quoted import begins_quote
from storage.records import Role


@dataclass(frozen=True, slots=True)
class Form:
    """How the lines look that may open a turn."""

    kind: Kind
    pattern: re.Pattern[str]
    configured: Mapping[str, Role]
    nobody: frozenset[str] = frozenset()
    dated: bool = False  # they carry dates, so that one without is of a day that nobody knows
    texts: Mapping[int, str | None] = field(default_factory=dict)  # lines that open none, and why if that is in doubt

    @property
    def stamped(self) -> bool:
        return self.kind.stamped

    def head(self, line: str) -> Head | None:
        """The line taken apart, when it is one that may open a turn."""
        if self.kind.on_two_lines and "\n" not in line:
            return None
        if self.kind is not NAME_ABOVE_WORDS and ":" not in line and (self.stamped or "：" not in line):
            return None
        found = self.pattern.match(line)
        if found is None:
            return notice(line) if self.kind.inline and self.stamped else None
        name = found["name"]
        if name not in self.configured and (self.kind.inline or (self.stamped and found.start("time") == 0)):
            name = bare_name(name)
        if name in self.nobody or bare_name(name) in self.nobody:
            return None
        if name not in self.configured and (is_windows(line) or is_event(line)):
            return None
        if not self.stamped:
            is_name = name in self.configured or not (is_label(name) or is_salutation(name) or begins_quote(line))
            return Head(name, None, None, None, found["text"]) if is_name else None
        if name not in self.configured and (has_moment(name) or (found["date"] is None and is_no_name(name))):
            return None
        return head_of(found, name)


def find_form(opening: Sequence[str], config: SourceConfig) -> Form | None:
    """The form of most lines with known speakers; without such lines, of most lines at all. None: no transcript."""
    written = [line.strip() for line in opening]
    lines = [Line(number, line) for number, line in enumerate(written)]
    found: list[tuple[Form, list[Head]]] = []
    dated: set[str] = set()
    for kind in KINDS:
        form = _form(kind, config)
        # "某某旗舰店:小美 (2026-03-02 10:01:15):" has a colon behind a name as well.
        texts = [text for line in joined(lines, kind) if (text := line.text) not in dated or kind.stamped]
        found.append((form, _heads(form, texts)))
        dated |= {text for text in texts if (head := form.head(text)) and head.date_parts == WHOLE_DATE}
    form, heads = max(found, key=lambda each: _weight(each[1], config.roles))
    is_known = any(_is_known(head, config.roles) for head in heads)
    if heads and (is_known or _talk_among_strangers(form, heads, sum(map(bool, written)))):
        return form
    blocks = _form(NAME_ABOVE_WORDS, config)
    return blocks if _talk_in_blocks(blocks, lines) else None


def _form(kind: Kind, config: SourceConfig) -> Form:
    return Form(kind, kind.pattern(config.roles), config.roles, frozenset(config.nobody))


def joined(lines: Iterable[Line], kind: Kind) -> Iterator[Line]:
    """The lines, where a name and a time alone on a line are one, if they stand so in heads of this kind."""
    if not kind.on_two_lines:
        yield from lines
        return
    if kind is NAME_ABOVE_WORDS:
        yield from _blocks(lines)
        return
    above: Line | None = None
    for line in lines:
        stamp, name = (above, line) if kind is STAMP_ABOVE_NAME else (line, above)
        if above and stamp and name and _is_pair(name, stamp):
            yield Line(above.number, f"{above.text.strip()}\n{line.text.strip()}")
            above = None
            continue
        if above is not None:
            yield above
        above = line
    if above is not None:
        yield above


def _blocks(lines: Iterable[Line]) -> Iterator[Line]:
    """The lines, where the first two of each block are one: of lines with nothing between them."""
    above: Line | None = None
    apart = True
    for line in lines:
        is_apart, apart = apart, stands_apart(line.text)
        if above is not None and not apart and not line.trouble:
            yield Line(above.number, f"{above.text.strip()}\n{line.text.strip()}")
            above = None
            continue
        if above is not None:
            yield above
        above = line if is_apart and not apart and not line.trouble else None
        if above is None:
            yield line
    if above is not None:
        yield above


def _is_pair(name: Line, stamp: Line) -> bool:
    is_name = (
        bool(name.text.strip().strip(RULE_SIGNS)) and not has_moment(name.text) and not is_stamp(name.text.strip())
    )
    return is_name and not (name.trouble or stamp.trouble) and is_stamp(stamp.text.strip())


def stands_apart(above: str | None) -> bool:
    """Whether a line does, below that one."""
    return above is None or not any(character.isalnum() for character in above)


def _heads(form: Form, lines: Sequence[str]) -> list[Head]:
    return [head for line in lines if (head := form.head(line)) is not None and not head.is_notice]


def _is_known(head: Head, roles: Mapping[str, Role]) -> bool:
    return head.speaker in roles or (is_usual(head.speaker) and role_of(head.speaker, roles) is not None)


def _weight(heads: Sequence[Head], roles: Mapping[str, Role]) -> tuple[int, int, int]:
    """What speaks for a form: speakers known by name and such as come again, and where any is known, half as loudly whole dates; then dates, then heads at all."""
    known = sum(_is_known(head, roles) for head in heads)
    again = len(heads) - len({head.speaker for head in heads})
    # Pasted lines have dates too, the ways of a parcel most of all.
    dated = sum(head.date_parts == WHOLE_DATE for head in heads) if known else 0
    return known + again + dated // 2, sum(head.date_parts for head in heads), len(heads)


def _talk_among_strangers(form: Form, heads: Sequence[Head], lines: int) -> bool:
    """Whether few names come again and again, as in no log and no letter.

    Whole dates say so of messages of any length; without them every third line has to be a head.
    """
    names = [head.speaker for head in heads]
    distinct = len(set(names))
    dated = sum(head.date_parts == WHOLE_DATE for head in heads) * 2 > len(heads)
    # Of lines with a time and a Chinese name on them two will do: a log is none.
    again = distinct < len(names) or (form.stamped and not any(map(str.isascii, names)))
    return 2 <= distinct <= 12 and again and (dated or 3 * len(names) >= lines)


def _talk_in_blocks(form: Form, lines: Sequence[Line]) -> bool:
    """Whether nearly all blocks begin with one of few names, each of which comes twice and more on average: nobody writes so but people who talk."""
    names = [head.speaker for head in _heads(form, [line.text for line in joined(lines, form.kind)])]
    texts = ["" if is_windows(line.text) or is_stamp(line.text) else line.text for line in lines]
    blocks = sum(
        stands_apart(above) and not stands_apart(line) for above, line in zip([None, *texts], texts, strict=False)
    )
    again = sum(names.count(name) > 1 for name in names)
    return 2 <= len(set(names)) <= len(names) / 2 and 3 * again >= 2 * blocks
