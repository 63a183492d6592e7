"""Whether the answers to a survey's question are people's own words, or options that were given to them.

The two mistakes do not weigh the same. An option taken for words is a short verbatim too many, and can be seen; words
taken for options are lost. So a question is a choice only where something shows it:

- several options joined by ┋ or → in one answer in ten, or an option's blank (`其他〖…〗`); where the wording asks for
  words outright, what ┋ joins is taken for options only where it comes again: several blanks are joined like that too;
- the same few short answers over and over, and hardly one that was given once;
- where the wording asks for no words: answers that are numbers, or led by a letter or number (`A.价格`), and what is
  mostly asked with options (性别, 从哪里, 多久 …).

Addresses of pictures alone are answers of neither kind.

Against it stand a wording that asks for words outright (建议, 意见, 说说 …) or for what is good or bad (对哪些地方不满意),
and prose: answers that are long or have punctuation inside, most of which nobody else gave. `无`, `没有`, `/` and the like
are what people type into any field that must not be empty; they show nothing, nor does `都很满意` as an answer to what is
not.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence

from feedback.collectors.grades import grade_of

_REQUEST = re.compile(
    r"建议|意见|说说|吐槽|想对|想说|告诉我们|还有什么|补充|留言|备注|评语|评价一下"
    r"|suggest|comment|feedback|anything else|tell us|remark",
    re.IGNORECASE,
)
# As a rule; but "购买的原因" is also asked with options.
_ASKS_FOR_WORDS = re.compile(
    r"原因|理由|为什么|为何|描述|想法|看法|感受|体会|改进|改善|期待|希望|怎么看|如何看|怎么样|其他|其它|why|reason|opinion|improve|\bother\b",
    re.IGNORECASE,
)
_WHICH = re.compile(
    r"哪些|哪里|哪裡|哪儿|哪[个一]?(?:方面|地方|环节|步|点|處|处)|(?<!度是)(?<!度为)什么(?!程度|水平|样)|什麼|原因|理由|为什么|为何"
)
_JUDGED = re.compile(r"满|滿|容易|轻松|方便|省力|麻烦|困难|费力|费劲|推荐|推薦|问题|[缺优]点|不足")
_CLAUSE = re.compile(r"[,。;:?!()\[\]【】\n]+")
_FACTS = (
    r"性别|年龄段?|学历|职业|职位|岗位|行业|收入|月薪|婚姻\w*|省份|城市|地区|区域|国家|身份|类型|类别|型号|款式|颜色|尺码|品牌|门店|店铺|频率|频次|次数|时长"
    r"|年限|场景|方式|途径|渠道|gender|age|city|occupation"
)
_ASKS_TO_CHOOSE = re.compile(
    rf"(?:{_FACTS})(?:是什么|是|为)?\s*(?:[?？:：。*(（\[【]|$)"
    r"|从哪|哪[一个种类款家年]|谁|是否|多久|多长时间|多少|几[次个年天]|什么时候|何时|请选择|[单多]选|勾选"
    r"|\bwhich\b|\bwho\b|how (?:often|many|much|long)",
    re.IGNORECASE,
)
_JOINED = re.compile(r"[┋→]")
_BLANK = re.compile(r"〖[^〖〗]*〗")
# Of pictures and files that were sent along; 腾讯问卷 writes a formula.
_ADDRESS = re.compile(r"https?://[!-~]+|=hyperlink\(.*\)", re.IGNORECASE)
_BETWEEN_ADDRESSES = re.compile(r"[\s,，;；、|┋](?=https?://|=hyperlink)", re.IGNORECASE)
_NUMBER = re.compile(r"[\d.,/:%\-\s]+")
_LED = re.compile(r"\s*(?:[A-Za-z]|\d{1,2}|[①-⑳])\s*[.、．:：)）]\s*\S")
_FILLER = re.compile(
    r"(?:暂时|目前|暂)?(?:无|没有?|木有|不知道|不清楚)(?:什么|啥|其他)?(?:建议|意见|想法|问题)?[了的吧呢哦啊]*|[A-Za-z]|\W+|n/?a|none|nothing",
    re.IGNORECASE,
)
_PAUSE = re.compile(r"[。!?;…\n]|(?<!\d),|,(?!\d)|\.\.\.")  # no 、 and no ~: options list and range with them
LONG = 12  # characters; options of that length come again
_MANY = 20  # answers, from which on most options have been chosen twice
_FEW = 8  # answers, below which one sentence is proof enough


def is_open(wording: str, values: Sequence[str]) -> bool:
    """Whether `values`, the answers to the question without the skipped ones, are to be kept as the customers' words."""
    request = bool(_REQUEST.search(wording))
    what = any(asks_what(clause) and _JUDGED.search(clause) for clause in clauses(wording))
    asks = request or what or bool(_ASKS_FOR_WORDS.search(wording))
    said = [value for value in values if not is_address(value)]
    if not said:
        return asks and not values
    values = said
    # A few may write ┋ themselves; as a separator it stands in many answers.
    if _share(values, _BLANK.search) >= 0.1:
        return False
    if _share(values, _JOINED.search) >= 0.1 and not (request and _are_own_words(values)):
        return False
    said = [value for value in map(_bare, values) if not _shows_nothing(value) and not (what and grade_of(value))]
    if not said:
        return asks and _share(values, _NUMBER.fullmatch) < 0.8
    once = [value for value, count in Counter(said).items() if count == 1]
    alone = len(once) / len(said)
    if request:
        return True
    choose = not asks and bool(_ASKS_TO_CHOOSE.search(wording))
    if _is_prose(said, once, sure=not choose):
        return True
    if asks:
        return len(said) < _MANY or alone > 0.1
    if choose or _share(values, _NUMBER.fullmatch) >= 0.8 or _share(values, _LED.match) >= 0.8:
        return False
    if len(said) >= _MANY:
        return alone > 0.2
    long_enough = sum(map(len, said)) >= 4 * len(said)
    return (alone >= 0.5 and len(once) > 1) or (alone >= 0.3 and long_enough)


def _are_own_words(values: Sequence[str]) -> bool:
    """Whether what ┋ joins are several blanks that were filled in, not options, which come again."""
    pieces = [piece for value in values for piece in map(_bare, _JOINED.split(value)) if not _shows_nothing(piece)]
    return sum(1 for count in Counter(pieces).values() if count == 1) * 2 > len(pieces)


def _is_prose(said: Sequence[str], once: Sequence[str], *, sure: bool) -> bool:
    """Whether there are answers that no option reads like. Of many answers, one such may be an option few chose."""
    prose, alone = (sum(map(reads_as_prose, values)) for values in (said, once))
    enough = alone > 1 or (alone == 1 and sure and len(said) < _FEW)
    return enough and alone * 2 > prose and alone * 50 > len(said)


def clauses(wording: str) -> list[str]:
    """The parts of a question that marks set apart: one may ask for a rating, the next for its reason."""
    return [clause for clause in map(str.strip, _CLAUSE.split(unicodedata.normalize("NFKC", wording))) if clause]


def asks_what(clause: str) -> bool:
    """Whether it asks which things or why: no such question is answered with a rating."""
    return bool(_WHICH.search(clause))


def reads_as_prose(value: str) -> bool:
    """Whether no option reads like it: it is long, or has a pause inside."""
    return len(value) >= LONG or bool(_PAUSE.search(value[:-1]))


def is_address(value: str) -> bool:
    """Whether it is the address of a file, or several, and nothing else: what was sent along, not what was said."""
    return all(_ADDRESS.fullmatch(each.strip(" ,，;；、|┋\n")) for each in _BETWEEN_ADDRESSES.split(value))


def without_blanks(value: str) -> str:
    """The options of an answer, without what was written into their blanks (`其他〖…〗`)."""
    return _BLANK.sub("", value)


def _bare(value: str) -> str:
    """Without what was written into a blank, and in one form of each character."""
    return unicodedata.normalize("NFKC", without_blanks(value)).strip()


def _shows_nothing(value: str) -> bool:
    return bool(_NUMBER.fullmatch(value)) or is_filler(value)


def is_filler(value: str) -> bool:
    """Whether it is what people type into a field that must not be empty: 无, 没有, /."""
    return bool(_FILLER.fullmatch(value.rstrip("。.!~")))


def _share(values: Sequence[str], is_such: Callable[[str], object]) -> float:
    return sum(1 for value in values if is_such(value)) / len(values)
