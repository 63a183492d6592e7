"""Ratings in words: which step of a scale 非常满意, 不太容易 or 一点也不麻烦 is.

An answer is read as a whole, word by word: degrees and negations, then what is judged (满意, 麻烦 …). One with a word that is
not known here is no step, and is not guessed: `信号差` is what somebody wrote, not a rating.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

_GOOD = "满意|滿意|容易|轻松|輕鬆|方便|省力|简单|簡單|愿意|願意|同意|不错|不錯|好"
_BAD = "困难|困難|费力|費力|费劲|費勁|麻烦|麻煩|复杂|複雜|难|難|差|坏"
_NEUTRAL = "一般般?|中立|普通|还行|还可以|尚可|(?:难易)?适中|中等|说不上好坏"
# Of two that begin alike the longer one stands first.
_WORDS = (
    ("neutral", _NEUTRAL),
    (
        "strong",
        rf"非常|十分|特别|特別|完全|绝对|极(?!了)其?|極(?!了)其?|很|超级?|太|最|无比|好(?=(?!好)(?:{_GOOD}|{_BAD}))",
    ),
    ("good", _GOOD),
    ("bad", _BAD),
    ("mild", "比较|比較|较|較|有一?[点點]儿?|有些|略微?|稍微?|还算|还|基本|大致|大体|尚|勉强"),
    ("none", "一[点點]儿?|丝毫|半点|根本|压根|任何"),  # with a negation: not in the least
    ("hardly", "(?:谈|算|说|称)不上"),
    ("never", "毫不|毫无"),
    ("not", "并?不|没有?|沒有?|无|未"),
    ("much", "怎么|怎麼|那么|那麼|够|算是?|大|多|甚"),  # only with a negation: 不怎么, 不够
    ("filler", "是|也|都|既|又|我|觉得|感到|感觉|总体|整体|挺|蛮|相当|真的?|确实|什么|存在|遇到|会|的|[,，、\\s]"),
)
_WORD = re.compile("|".join(f"(?P<{name}>{words})" for name, words in _WORDS))
_STRONG_END = re.compile("极了|得很|至极|无比|死了")
_NEUTRAL_END = re.compile("程?度一般")
_END = re.compile(rf"(?:{_STRONG_END.pattern}|{_NEUTRAL_END.pattern}|谢谢|[的了啦呀啊哦吧呢!。.~,，])*")
_LABEL = re.compile(r"[A-Za-z]\s*[.、:)]\s*")
_REMARK = re.compile(r"[(〖【\[].*", re.DOTALL)
_LONGEST = 12
_NEGATIONS = frozenset(("not", "hardly", "never"))


@dataclass(frozen=True, slots=True)
class Grade:
    """A step in words: `side` -1, 0 or 1; `degree` 1 weakened (比较, 不太), 2 bare, 3 strong."""

    side: int
    degree: int


def grade_of(answer: str) -> Grade | None:
    """The step that an answer in words stands for, None when it is none for certain.

    >>> grade_of("不是很满意"), grade_of("毫不费力"), grade_of("不难也不容易")
    (Grade(side=-1, degree=1), Grade(side=1, degree=3), Grade(side=0, degree=1))
    """
    text = _REMARK.sub("", unicodedata.normalize("NFKC", answer)).strip()
    text = text[label.end() :] if (label := _LABEL.match(text)) else text
    judged: list[tuple[Grade, bool]] = []  # and whether it is negated
    words: list[str] = []
    at = 0
    if len(text) > _LONGEST:
        return None
    while word := _WORD.match(text, at):
        kind, at = str(word.lastgroup), word.end()
        if kind not in ("good", "bad"):
            words.append(kind)
            continue
        grade = _judged(1 if kind == "good" else -1, words)
        if grade is None:
            return None
        judged.append((grade, not _NEGATIONS.isdisjoint(words)))
        words = []
    return _with_end(text[at:], words, judged)


def _judged(side: int, words: Sequence[str]) -> Grade | None:
    """What is judged good or bad under the words before it."""
    negations = [n for n, word in enumerate(words) if word in _NEGATIONS]
    if not negations:
        if "neutral" in words:  # 一般满意 is the step between 比较满意 and 不太满意; 一般都满意 is none
            return Grade(0, 1) if words == ["neutral"] else None
        return None if "none" in words or "much" in words else Grade(side, _degree(words))
    if "neutral" in words or len(negations) > 2:
        return None
    if len(negations) == 2:
        return Grade(side, 1)  # 不是不满意
    before, word, after = words[: negations[0]], words[negations[0]], words[negations[0] + 1 :]
    if "none" in after or "none" in before or word == "never":
        return Grade(-side, 3)
    if word == "hardly" or not {"strong", "much", "mild"}.isdisjoint(after):
        return Grade(-side, 1)  # 不很, 不怎么: less than 不
    return None if "much" in before else Grade(-side, _degree(before))


def _degree(words: Sequence[str]) -> int:
    return 1 if "mild" in words else 3 if "strong" in words else 2


def _with_end(rest: str, words: Sequence[str], judged: Sequence[tuple[Grade, bool]]) -> Grade | None:
    """The step, from what was judged, and the words that are left behind it, which must be known too."""
    if not _END.fullmatch(rest):
        return None
    if not judged:
        known = set(words) <= {"neutral", "filler", "mild", "strong"}
        return Grade(0, 1) if known and "neutral" in words else None
    if set(words) - {"filler"}:
        return None
    if _NEUTRAL_END.match(rest):  # 满意度一般
        return Grade(0, 1) if judged == [(Grade(1, 2), False)] else None
    grades = {grade for grade, _ in judged}
    if len(grades) == 1:
        grade = grades.pop()
        return Grade(grade.side, 3) if _STRONG_END.match(rest) and grade.degree == 2 else grade
    # 不难也不容易, 既不满意也不不满意: the middle. Of 满意又麻烦 nobody can tell.
    opposed = {grade.side for grade in grades} == {-1, 1}
    return Grade(0, 1) if opposed and all(negated for _, negated in judged) else None
