"""A text into opinion units: sentences, and the clauses of a sentence that judge different things.

Cuts fall at sentence ends, at commas, at spaces and emoji between Chinese words, before turn-words (但是, 不过, 就是 …) and list
numbers, never inside a number, a link or a quotation. Clauses too short to say anything alone, and conditions ("如果…"), stay with their neighbour.
"""

import re
from collections.abc import Iterator

from nlp.normalize import simplify

_HAN = "\u3400-\u4dbf\u4e00-\u9fff"
# Faces, hands and things; not ❤ and other signs that stand for words ("我❤这家店"). With skin tones and joiners.
_EMOJI = "\U0001f300-\U0001faff\ufe0f\u200d"

_TOKENS = re.compile(
    rf"""
    (?P<kept>
        (?:https?://|www\.)[!-~]+
      | “[^”\n]{{1,80}}” | 「[^」\n]{{1,80}}」 | 『[^』\n]{{1,80}}』 | 《[^》\n]{{1,80}}》 | "[^"\n]{{1,80}}"
      | (?<!\d)\d{{1,3}}(?:，\d{{3}})+(?!\d)(?:[.,:：]\d+)*
      | \d+(?:[.,:：]\d+)+
    )
  | (?P<end> (?: [。！？!?；;…～]+ | ~{{1,}} | (?<![A-Za-z0-9])\.{{2,}} | (?<=[{_HAN}])\. | (?<=[a-z]{{3}})\.(?=\s+[A-Z]) )+ (?:[”」』）){_EMOJI}]|"(?![^"\n]{{1,80}}"))*
             | \n\s* )
  | (?P<comma> [，,]+ | (?<=[{_HAN}！!。])(?:[ \t\u3000]+|[{_EMOJI}]+)(?=[{_HAN}])
             | (?<![ \t\u3000])[ \t\u3000]+(?=\d{{1,2}}[.、．)）][^\d]|[①-⑳]) )
  | (?P<turn>
        (?<![不非])但是?(?![愿凡])
      | (?<![再只好也说比打信瞒])不过(?![如瘾来去]|分(?![量店享期])|关(?![键于])|敏(?!感)|期(?![待望])|时(?!间)|问(?!题)|了(?!解))
      | (?<![就])可是(?![否])
      | 然而 | 只不过 | 美中不足
      | (?<=[了的好错意欢赞棒高])就是(?=[有太不没价速物稍略味服环包质])
      | (?<=[{_HAN}])\d{{1,2}}[.、．](?=[{_HAN}])
    )
    """,
    re.VERBOSE,
)

# A clause that opens so is about the next one: alone it judges nothing.
_CONDITION = re.compile(
    "(?:如果|要是|假如|假若|倘若|只要|只有|除非|因为|由于|为了|除了|既然|不管|无论|当(?![天时初地日晚月年场面然作成])|等到|若(?!干)|每次|自从|关于|对于|至于)"
    # With its consequence in the same clause it is a whole thought.
    "(?!.*(?:就好|就行|就可以|就更|就完美|更好))"
)
_WORDS = re.compile(rf"[{_HAN}]|[A-Za-z]+|\d+")
_LETTER = re.compile(r"[^\W_]")
_EDGE = "，,、"  # besides blanks

_SHORTEST = 3  # Han characters (or words, numbers) that a clause needs to stand alone


def segment(text: str) -> list[tuple[int, int]]:
    """Offsets of the opinion units of `text`, in order, not overlapping, without blank edges.

    >>> [("物流很快，但是包装破了。客服态度好！")[s:e] for s, e in segment("物流很快，但是包装破了。客服态度好！")]
    ['物流很快', '但是包装破了。', '客服态度好！']
    """
    simplified = simplify(text)  # turn-words and conditions are known in simplified characters
    units: list[tuple[int, int]] = []
    for sentence in _sentences(simplified):
        units.extend(_merge(simplified, sentence))
    return _attach_wordless(text, units)


def _sentences(text: str) -> Iterator[list[tuple[int, int]]]:
    """Each sentence as its clauses' raw spans; together the spans cover the text."""
    clauses: list[tuple[int, int]] = []
    start = 0
    for match in _TOKENS.finditer(text):
        if match["kept"] is not None:
            continue
        cut = match.start() if match["turn"] is not None else match.end()
        if cut > start:
            clauses.append((start, cut))
            start = cut
        if match["end"] is not None:
            yield clauses
            clauses = []
    if start < len(text):
        clauses.append((start, len(text)))
    if clauses:
        yield clauses


def _merge(text: str, clauses: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join clauses that can't stand alone: to the next when they open it, else to the one before."""
    merged: list[tuple[int, int]] = []
    open_start: int | None = None
    for start, end in clauses:
        begin = start if open_start is None else open_start
        open_start = None
        clause = text[begin:end].strip().lstrip(_EDGE)
        last = end == clauses[-1][1]
        if not last and (_CONDITION.match(clause) or _weight(clause) < _SHORTEST) and begin == start:
            open_start = begin
        elif _weight(clause) < _SHORTEST and merged:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((begin, end))
    if open_start is not None:
        merged.append((open_start, clauses[-1][1]))
    return merged


def _attach_wordless(text: str, units: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Emoji and punctuation on their own belong to what they follow, or to what comes first; edges lose their blanks."""
    attached: list[tuple[int, int]] = []
    worded = False  # whether the unit before has a word
    for start, end in units:
        while start < end and _at_edge(text[start]):
            start += 1
        while end > start and _at_edge(text[end - 1]):
            end -= 1
        if start == end:
            continue
        has_word = _LETTER.search(text, start, end) is not None
        if attached and not (worded and has_word):
            attached[-1] = (attached[-1][0], end)
        else:
            attached.append((start, end))
        worded = worded or has_word
    return attached


def _at_edge(character: str) -> bool:
    return character.isspace() or character in _EDGE


def _weight(clause: str) -> int:
    return len(_WORDS.findall(clause))
