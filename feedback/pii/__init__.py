"""Personal data in Chinese text: find it, mask it.

`mask("王女士 13800138000")` is `"[姓名]女士 [手机号]"`. What is masked is the value, not its label or title: "微信号",
"女士", "经理" stay, because analysis needs them and they name nobody.

Decisions a reader may ask about:
- Public numbers stay: 400/800, 95xxx, 10086, 12315. So do numbers the source starred already ("138****5678").
- A resident id needs its check digit, date and place (GB 11643), a bank card its Luhn digit and a first digit that is
  in use; only where the label says so may the check digit be mistyped. Tracking, order, WeChat and QQ numbers are
  masked only where a label says what they are, QQ's also behind a name that stands with a date and a time on a line. A mobile number is one whatever its label ("微信同号").
- An address is personal from the house number on. "北京市朝阳区", "南京路步行街", "中山路12号店", "国贸大厦A座" stay.
- A name is a surname with a title, or a full name after a label ("我叫", "收件人"). Surnames that also end words
  (方, 金, 任, 于 …) need something before them that ends a phrase. Nicknames (小王, 李姐), shops named after a person
  ("马先生泡菜") and brands (康师傅) stay.

Invisible characters inside a number hide it; intake removes them first.

Each module has one part: `gate` lets a text without any of this go at once, `folding` makes the copy that is searched,
`numbers`, `addresses` and `names` say what counts, `rules` what they are written in. Here they are put in order.
"""

from feedback.pii import addresses, names, numbers
from feedback.pii.folding import fold
from feedback.pii.gate import GATE_DIGITS, GATE_WORDS
from feedback.pii.rules import Found, Kind, rule_finder, span_finder

__all__ = ["Found", "Kind", "find", "mask"]

# Mail comes before what may be a part of it.
_MAIL_FINDER = rule_finder(numbers.MAIL_RULE)
_LATER_FINDERS = (
    *map(rule_finder, numbers.LETTER_RULES),
    span_finder("地址", addresses.address_spans),
    span_finder("姓名", names.titled_name_spans),
    *map(rule_finder, names.NAMING_RULES),
)
_WORD_FINDERS = (_MAIL_FINDER, *_LATER_FINDERS)
_ALL_FINDERS = (_MAIL_FINDER, *map(rule_finder, numbers.DIGIT_RULES), *_LATER_FINDERS)


def find(text: str) -> list[Found]:
    """Everything in `text` that `mask` would hide, in order, never overlapping."""
    if not GATE_DIGITS.search(text) and not GATE_WORDS.search(text):
        return []
    found: list[Found] = []
    folded = fold(text)
    finders = _ALL_FINDERS if GATE_DIGITS.search(folded) else _WORD_FINDERS
    # What is found is blanked for the finders after it. A blank can free a neighbour for a finder that has had its
    # turn, so those run again until nothing new turns up: mask(mask(t)) == mask(t).
    again = len(finders)
    while again:
        todo, again = finders[:again], 0
        for position, finder in enumerate(todo, start=1):
            before = len(found)
            folded = finder(folded, found)
            if len(found) > before:
                again = position
    found.sort(key=lambda one: one.start)
    return found


def mask(text: str) -> str:
    """`text` with each piece of personal data replaced by its kind in brackets; all else stays as it is."""
    found = find(text)
    if not found:
        return text
    pieces: list[str] = []
    end = 0
    for one in found:
        pieces += (text[end : one.start], "[", one.kind, "]")
        end = one.end
    pieces.append(text[end:])
    return "".join(pieces)
