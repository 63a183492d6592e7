"""Ratings in words: which step of a scale 非常满意, 不太容易 or 一点也不麻烦 is.

The rule: what leads an option (`1.`, `A`, 五星), pictures and brackets are left off. What is left is read piece by piece,
each word by word: degrees and negations, then what is judged (满意, 麻烦 …). The first piece must be a step; a later one that
is none is a remark (`满意，送货快`), one that is another step leaves it open. A piece with a word that is not known here is no
step, and is not guessed: `信号差` is what somebody wrote, not a rating.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

_GOOD = "满意|滿意|容易|轻松|輕鬆|方便|省力|简单|簡單|愿意|願意|同意|赞同|贊同|赞成|贊成|认同|認同|不错|不錯|良好|好评|好用|好|易|便捷|顺利|认可"
_BAD = "困难|困難|费力|費力|费劲|費勁|麻烦|麻煩|复杂|複雜|反对|反對|难|難|差评|差劲|差|坏"
_NEUTRAL = "一般般?|中立|中性|普通|还行|还可以|尚可|(?:难易)?适中|中等|说不上好坏"
# Of two that begin alike the longer one stands first.
_WORDS = (
    ("neutral", _NEUTRAL),
    (
        "strong",
        rf"非常|十分|特别|特別|完全|绝对|[极極](?!了)[其度为為]?|强烈|強烈|很|超级?|太|最|无比|好(?=(?!好)(?:{_GOOD}|{_BAD}))",
    ),
    ("excellent", "优秀|優秀"),  # 很好 in one word
    ("good", _GOOD),
    ("bad", _BAD),
    (
        "mild",
        "比较|比較|较为?|較為?|相对|相對|有一?[点點]儿?|有些|略微?|稍微?|还算|还|基本上?|大致上?|大体上?|尚|勉强|大?部分",
    ),
    ("none", "一[点點]儿?|丝毫|半点|根本|压根|任何"),  # with a negation: not in the least
    ("hardly", "(?:谈|算|说|称)不上"),
    ("never", "毫不|毫无"),
    ("not", "并?不|没有?|沒有?|无|未"),
    ("much", "怎么|怎麼|那么|那麼|够|算是?|大|多|甚|尽"),  # only with a negation: 不怎么, 不够
    (
        "filler",
        "是|也|都|既|又|我|觉得|感到|感觉|总体|整体|本次|此次|服务|服務|体验|挺|蛮|相当|颇为?|真的?|确实|什么|存在|遇到|会|的|之|地|让|令|使|对|表示|[、\\s]",
    ),
)
_WORD = re.compile("|".join(f"(?P<{name}>{words})" for name, words in _WORDS))
_STRONG_END = re.compile("极了|得很|至极|无比|死了")
_NEUTRAL_END = re.compile("程?度一般")
_END = re.compile(
    rf"(?:{_STRONG_END.pattern}|{_NEUTRAL_END.pattern}|操作|办理|上手|快捷|谢谢|\d{{1,2}}分|[的了啦呀啊哦吧呢~])*"
)
# A letter or a number, stars in words.
_LABEL = re.compile(
    r"\(?(?:[A-Za-z](?![A-Za-z])|\d{1,2}\s*分?|[一二两三四五]颗?星级?)\)?\s*[.、:)\-]*\s*(?=[\u4e00-\u9fff(])"
)
_WRAPPED = re.compile(r"[(\[【]([^()\[\]【】]*)[)\]】]")
_REMARK = re.compile(r"[(〖【\[].*", re.DOTALL)
_PAUSE = re.compile(r"[,.。!?:;…\n—-]+")
_ANSWERED = re.compile(r"没有?|无|不是?|是的?|嗯|对")  # before a pause: "没有，都很满意"
_BEHIND = re.compile(r"[^(（\[【,，。;；:：!！]+[(（\[【,，。;；:：!！]+(.+?)[)）\]】\s]*", re.DOTALL)
_LONGEST = 12
# What somebody has not met: 没用过, 从未接触过该功能. 没遇到过 is none: of 麻烦 it is the best step.
_NOT_MET = (
    r"(?:我|本人|暂时?|从来?|还|尚|并)*(?:没有?|沒有?|未曾?|不曾)"
    r"(?:使用|用|接触|接觸|体验|體驗|去|到|试|买|购买|参加|参与|办理|享受|咨询|联系)过?"
    r"(?:(?:这|该|此|本)[个项]?)?(?:产品|服务|功能|业务|活动|客服|售后|门?店)?"
)
_NOT_KNOWN = (
    r"不太?(?:清楚|了解|知道|适用|適用|涉及|好说|便评价|作评价|予?评价)|(?:无法|难以)(?:评价|判断|回答)|说不清楚?|无此项"
    r"|n/?a|not applicable|(?:do not|don['’]?t) know|never used|not used"
)
_NOT_APPLICABLE = re.compile(rf"(?:(?:{_NOT_MET}|{_NOT_KNOWN})[\s/、,或的了。]*)+", re.IGNORECASE)
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
    >>> grade_of("2、满意，送货快"), grade_of("送货快，满意")
    (Grade(side=1, degree=2), None)
    """
    text = _option(answer)
    if len(text) > _LONGEST:
        return None
    pieces = [piece for piece in map(str.strip, _PAUSE.split(text)) if piece]
    if len(pieces) > 1 and _ANSWERED.fullmatch(pieces[0]):
        del pieces[0]
    said = [_read(piece) for piece in pieces]
    if not said or not said[0]:
        return None
    return _together([each for piece in said for each in piece])


def does_not_apply(answer: str) -> bool:
    """Whether the option says that there is nothing to rate, or that one can't tell: no step, and no opinion.

    >>> does_not_apply("6、未使用过该功能（不评分）"), does_not_apply("不清楚/不了解"), does_not_apply("N/A"), does_not_apply("没有")
    (True, True, True, False)
    """
    return bool(_NOT_APPLICABLE.fullmatch(_option(answer)))


def remark_of(answer: str) -> str | None:
    """The words that stand behind a step, in brackets or behind a pause.

    >>> remark_of("满意（送货快）"), remark_of("满意，送货快"), remark_of("五星（非常满意）")
    ('送货快', '送货快', None)
    """
    behind = _BEHIND.fullmatch(answer.strip())
    return None if behind is None or grade_of(behind[1]) else behind[1]


def _option(answer: str) -> str:
    """The answer without pictures, what leads it and what is in brackets."""
    text = unicodedata.normalize("NFKC", answer)
    text = "".join(char for char in text if unicodedata.category(char) not in ("So", "Sk", "Mn", "Me", "Cf")).strip()
    if label := _LABEL.match(text):
        text = text[label.end() :]
    if wrapped := _WRAPPED.fullmatch(text):  # 五星（非常满意）
        text = wrapped[1]
    return _REMARK.sub("", text).strip()


def _read(piece: str) -> list[tuple[Grade, bool]]:
    """What is judged in it, and whether that is negated; nothing when it has a word that is not known."""
    judged: list[tuple[Grade, bool]] = []
    words: list[str] = []
    at = 0
    while word := _WORD.match(piece, at):
        kind, at = str(word.lastgroup), word.end()
        if kind == "excellent":
            words.append("strong")
        if kind not in ("good", "bad", "excellent"):
            words.append(kind)
            continue
        grade = _judged(-1 if kind == "bad" else 1, words)
        if grade is None:
            return []
        judged.append((grade, not _NEGATIONS.isdisjoint(words)))
        words = []
    return _with_end(piece[at:], words, judged)


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


def _with_end(rest: str, words: Sequence[str], judged: list[tuple[Grade, bool]]) -> list[tuple[Grade, bool]]:
    """What was judged, given the words and what is left behind it, which must be known too."""
    if not _END.fullmatch(rest):
        return []
    if not judged:
        known = set(words) <= {"neutral", "filler", "mild", "strong"}
        return [(Grade(0, 1), False)] if known and "neutral" in words else []
    if set(words) - {"filler"}:
        return []
    if _NEUTRAL_END.match(rest):  # 满意度一般
        return [(Grade(0, 1), False)] if judged == [(Grade(1, 2), False)] else []
    if _STRONG_END.match(rest):
        return [(Grade(grade.side, 3) if grade.degree == 2 else grade, negated) for grade, negated in judged]
    return judged


def _together(judged: Sequence[tuple[Grade, bool]]) -> Grade | None:
    grades = {grade for grade, _ in judged}
    if len(grades) == 1:
        return grades.pop()
    # 不难也不容易, 既不满意也不不满意: the middle. Of 满意又麻烦 nobody can tell.
    opposed = {grade.side for grade in grades} == {-1, 1}
    return Grade(0, 1) if opposed and all(negated for _, negated in judged) else None
