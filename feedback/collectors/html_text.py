"""HTML as the lines that a reader sees, in time that grows with its length alone, however it is made.

Not the parser of the standard library: of hostile pages some of its versions make an afternoon's work.
"""

import html
import re
from collections.abc import Callable

# A tag with its attributes, in which a `>` may stand in quotes; else one whose quotes are not closed; else a declaration.
_TAG = re.compile(
    r"""<(/?)([A-Za-z][A-Za-z0-9:_-]*)((?:[^"'<>]++|"[^"<]*+"|'[^'<]*+')*+)>|<(/?)([A-Za-z][A-Za-z0-9:_-]*)([^<>]*+)>|<(?=[!?])"""
)
_NUMBER = re.compile(r"&#(?:x[0-9a-f]{7,}|\d{8,});?", re.IGNORECASE)  # no character has such a number
_BLANKS = re.compile(r"[ \t\r\n\f\xa0]+")
_BLOCK = re.compile(
    "p|div|li|ul|ol|dl|dt|dd|tr|table|tbody|thead|tfoot|section|article|header|footer|main|aside|nav|figure|figcaption"
    "|h[1-6]|hr|blockquote|pre|form|fieldset|address|center|body|html|includetail"
)
_CELLS = frozenset({"td", "th"})
_RAW = {
    tag: re.compile(f"</{tag}", re.IGNORECASE) for tag in ("script", "style", "title", "textarea", "xmp")
}  # no tags inside
_UNSEEN = frozenset({"template", "svg", "iframe", "object", "select"})
# What no reader sees, as the first lines that newsletters write for the list of mails.
_HIDDEN = re.compile(
    r"""(?:^|\s)style\s*=\s*(?:"[^"]*?(?<![\w-])display\s*:\s*none|'[^']*?(?<![\w-])display\s*:\s*none|display:none)""",
    re.IGNORECASE,
)
_CLOSED_BY_OTHERS = re.compile("p|li|dt|dd|td|th|tr|tbody|thead|tfoot|option")  # so that it is not known where they end
# Where line ends are the writer's.
_KEEPS_LINES = re.compile(r"(?<![\w-])white-space\s*:\s*(?:pre|break-spaces)", re.IGNORECASE)
# What a browser makes where somebody indents his own words.
_INDENTS = re.compile(
    r"style\s*+=\s*+[\"']?+\s*+margin\s*+:\s*+0(?:px)?(?: 0(?:px)?){2} 40px\s*+;\s*+border\s*+:\s*+none", re.IGNORECASE
)
_LINE_END = re.compile(r"\r\n|\r|\n")
_LONGEST_ATTRIBUTES = 2000  # characters
_NEVER_CLOSED = re.compile("br|hr|img|input|meta|link|area|base|col|embed|source|track|wbr")

_RULE = "-----"

IsLeftOut = Callable[[str, str], bool]  # of a tag, in lower case, and its attributes as written


def text_of_html(
    markup: str,
    *,
    quotes: bool = False,
    is_left_out: IsLeftOut = lambda _tag, _attributes: False,
    hides: bool = True,
) -> str:
    """The text: a line for each block, `<br>` and row. `quotes`: as in mails, lines of a blockquote begin with `> `, and a rule is one of dashes.

    Scripts, styles, what `is_left_out` says and, where it `hides`, what is not displayed are left out with all that is inside.

    >>> text_of_html("<p>质量&nbsp;很好<br>物流<b>快</b></p><style>p {}</style>")
    '质量 很好\\n物流快'
    """
    lines = _Lines(quotes)
    position, unseen, depth, hidden = 0, "", 0, False
    while match := _TAG.search(markup, position):
        if not unseen:
            lines.text(markup[position : match.start()])
        tag = (match[2] or match[5] or "").lower()
        if not tag:
            position = _after_declaration(markup, match.start())
            continue
        position, closes = match.end(), bool(match[1] or match[4])
        attributes = match[3] or match[6] or ""
        if not closes and tag in _RAW:
            end = _RAW[tag].search(markup, position)
            position = end.start() if end else len(markup)
        elif unseen:
            if tag == unseen and not attributes.endswith("/"):
                depth += -1 if closes else 1
                unseen = unseen if depth else ""
        elif (
            not closes
            and not _NEVER_CLOSED.fullmatch(tag)
            and ((hidden := hides and _is_hidden(tag, attributes)) or tag in _UNSEEN or is_left_out(tag, attributes))
        ):
            lines.left_out(tag)
            if not attributes.endswith("/"):
                unseen, depth = tag, 1
        else:
            lines.tag(tag, closes, attributes[:_LONGEST_ATTRIBUTES])
    if unseen and hidden:  # nobody knows where it was to end
        return text_of_html(markup, quotes=quotes, is_left_out=is_left_out, hides=False)
    if not unseen:
        lines.text(markup[position:])
    return lines.all()


def _is_hidden(tag: str, attributes: str) -> bool:
    return bool(_HIDDEN.search(attributes[:_LONGEST_ATTRIBUTES])) and not _CLOSED_BY_OTHERS.fullmatch(tag)


def _after_declaration(markup: str, start: int) -> int:
    """Behind a comment, a CDATA mark, a doctype; where one is not closed there is nothing behind it."""
    if markup.startswith("<![CDATA[", start):
        return start + len("<![CDATA[")
    end = "-->" if markup.startswith("<!--", start) else ">"
    found = markup.find(end, start)
    return len(markup) if found < 0 else found + len(end)


class _Lines:
    def __init__(self, quotes: bool) -> None:
        self._quotes = quotes
        self._depth = 0
        self._marks: list[int] = []  # of the blockquotes that are open: 0 for one that only indents
        self._keeps, self._kept_depth = "", 0  # the tag within which line ends count, and how many of its name are open
        self._lines: list[str] = []
        self._line: list[str] = []
        self._rules: list[int] = []  # where they are

    def text(self, raw: str) -> None:
        if "&" in raw:
            raw = html.unescape(_NUMBER.sub("", raw))
        first, *below = _LINE_END.split(raw) if self._keeps else [raw]
        self._line.append(first)
        for line in below:
            self._end()
            self._line.append(line)

    def tag(self, tag: str, closes: bool, attributes: str) -> None:
        self._keep_lines(tag, closes, attributes)
        if tag == "br":
            self._end()
        elif tag in _CELLS:
            self._line.append(" ")
        elif _BLOCK.fullmatch(tag):
            self._end_block()
            if tag == "hr" and self._quotes:
                self._rules += [len(self._lines)] if not self._depth else []
                self._line = [_RULE]
                self._end()
            elif tag == "blockquote":
                self._quote(closes, attributes)

    def _keep_lines(self, tag: str, closes: bool, attributes: str) -> None:
        if not self._keeps:
            if not closes and (tag == "pre" or _KEEPS_LINES.search(attributes)):
                self._keeps, self._kept_depth = tag, 1
        elif tag == self._keeps:
            nests = not _CLOSED_BY_OTHERS.fullmatch(tag)
            self._kept_depth += -1 if closes or not nests else 1
            if not self._kept_depth:
                self._keeps = ""
                if not closes:
                    self._keep_lines(tag, closes, attributes)

    def _quote(self, closes: bool, attributes: str) -> None:
        if closes:
            self._depth -= self._marks.pop() if self._marks else 0
        else:
            self._marks.append(0 if _INDENTS.search(attributes) else 1)
            self._depth += self._marks[-1]

    def left_out(self, tag: str) -> None:
        if _BLOCK.fullmatch(tag):
            self._end_block()

    def _end_block(self) -> None:
        if any(not piece.isspace() for piece in self._line if piece):
            self._end()
        self._line = []

    def _end(self) -> None:
        line = _BLANKS.sub(" ", "".join(self._line)).strip()
        mark = ">" * min(self._depth, 9) + " " if self._quotes and self._depth else ""
        self._lines.append(mark + line)
        self._line = []

    def all(self) -> str:
        self._end()
        rules = set(self._rules)
        said = (n for n in reversed(range(len(self._lines))) if n not in rules and self._lines[n].strip("> "))
        last = next((n for n in said if not (self._quotes and self._lines[n].startswith(">"))), -1)
        # A rule below which nothing but a quote stands divides nothing.
        return "\n".join(line for n, line in enumerate(self._lines) if n < last or n not in rules).strip()
