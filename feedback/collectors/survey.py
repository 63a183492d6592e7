"""Survey exports: one row is one response, one column one question (问卷星, 问卷网).

Each answer to an open question is a record of its own; `conversation_id` is the response, `turn` the number of the
question, `question` its wording. An answer is known by its response and that wording, not the number: questions are
inserted and deleted while a survey runs (of questions worded alike, see `question_keys`). Ratings are the scores of a record of the response itself, without text, which
is the same whichever questions are taken for open. What was chosen from given options is the survey's wording, not
the customer's: it is not collected, save what they wrote into an option's blank (`其他〖…〗`, and in ratings `不满意〖…〗`).

How a question is told, over the first 2,000 responses, unless the layout names it:
- a rating: the wording says so (推荐, 满意, 容易 / 费力, 星 / 打分) and three in four answers are numbers, stars or
  steps such as 非常满意 (half of them where the wording states the scale), those aside that say that it does not apply;
- contact details (姓名, 手机号, 邮箱 …): not collected; `feedback.collectors.contacts` tells what asks for them from what
  speaks of them. An answer that is a number of somebody's, and no words, is not collected whatever the question;
- uploads: answers that are addresses alone are nobody's words: not collected, whatever the question;
- choices or open: `feedback.collectors.answers` weighs the wording and the answers, and in doubt keeps the words.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Literal

from feedback.collectors.answers import is_address, is_open, reads_as_prose, without_blanks
from feedback.collectors.base import Item, RawScore, Record, SourceConfig, Withdrawn
from feedback.collectors.contacts import asks_for_contact, is_contact
from feedback.collectors.grades import does_not_apply, remark_of
from feedback.collectors.grids import Grid
from feedback.collectors.layout import Layout, Survey, fold
from feedback.collectors.mapping import NOTHING, NULLS, Cells, RowMapper
from feedback.collectors.scales import Scale, find_scale
from feedback.dates import same_minute
from storage.records import Metric, Rates

SAMPLE_ROWS = 2_000

Type = Literal["open", "choice", "score", "contact"]

_NUMBER = re.compile(r"\s*(?:第\s*(\d{1,3})\s*题|[Qq]?(\d{1,3})\s*[、.．:：_](?!\d))\s*[、.．:：]?\s*")
_TYPE = re.compile(
    r"[\[【(（](填空题?|简答题?|问答题?|单选题?|多选题?|量表题?|打分题?|评分题?|排序题?|矩阵\w{0,4})[\]】)）]"
)
# What exports of one survey add or leave out, as they do the type.
_REQUIRED = re.compile(r"^\s*[*＊]+|[*＊]+\s*$|[\[【(（]\s*(?:必|选|非必)[填答](?:题|项)?\s*[\]】)）]")
_OPEN_TYPES = ("填空", "简答", "问答")
_CHOICE_TYPES = ("单选", "多选", "排序")
# What programs note of whoever answers, under whatever layout.
_NOBODYS_WORDS = frozenset(
    map(fold, ("UA", "User-Agent", "UserAgent", "Referrer", "Referer", "OpenID", "UnionID", "用户标识", "IP", "IP地址"))
)
_BLANK = re.compile(r"〖([^〖〗]*)〗")
_NO_ANSWER = NULLS | {"", "-2", "-3", "(空)", "(跳过)", "(未作答)", "(未填)"}
_REGION_OF_IP = re.compile(r"[\d.:a-fA-F]+\s*[(（](.+)[)）]")


@dataclass(frozen=True, slots=True)
class Question:
    """One column: its place, its number in the survey, what its answers are known by, and its wording.

    `options`: of a rating, the answers that were given more than once: what stands in them is nobody's own. `settled`: that it
    is a rating or none is no guess from its answers: the settings say it, or there are none.
    """

    index: int
    number: int
    key: str
    wording: str
    type: Type
    scale: Scale | None = None
    options: frozenset[str] = frozenset()
    settled: bool = False

    @property
    def meaning(self) -> str:
        """What is done with the answers, for people."""
        if self.scale is not None:
            return f"{self.scale.metric} {self.scale.low:g}..{self.scale.high:g}"
        if self.type == "open":
            return "open question, each answer is a verbatim"
        return "contact details, not collected" if self.type == "contact" else "choice, not collected"


class SurveyMapper:
    """Maps the responses of one file. `questions` says how each column was understood."""

    def __init__(self, layout: Layout, grid: Grid, config: SourceConfig, sample: Sequence[Cells]) -> None:
        self._rows = RowMapper(layout, grid.columns, config, sample)
        self._took = _column_of((layout.survey or Survey()).took, grid.columns)
        self.questions = find_questions(layout, grid.columns, sample, grid.header)
        self._rates = _skipped(layout, grid) | rated(self.questions)

    def read(self, where: str, cells: Cells) -> list[Item]:
        """The response's records, in the order of the questions; at least one. Void is a rating that is not given any more."""
        items = self._rows.read(where, cells)
        if not items or not isinstance(items[0], Record):
            return items
        base = items[0]
        response = response_id(base.source_id, base.posted_at, cells[self._took] if self._took is not None else "")
        scores: list[RawScore] = []
        problems = list(base.problems)
        answers: list[tuple[Question, str, str]] = []
        for question in self.questions:
            raw = cells[question.index].strip()
            if is_no_answer(raw) or is_address(raw):
                continue
            if question.scale is not None:
                score = question.scale.read(raw)
                if score is not None:
                    scores.append(replace(score, question=question.key))
                elif not does_not_apply(raw):
                    problems.append(f"{question.scale.metric} score can't be read: {raw}")
            if question.type == "open" and not is_contact(raw):
                answers.append((question, "", cells[question.index]))
            elif question.type in ("choice", "score"):
                answers += [(question, f"+{n}", text) for n, text in enumerate(_own_words(question, raw), 1)]
        # Where a question stands, and in which marks, may be otherwise in the next export: the answer is the same.
        # Where no rating is asked for any more, those of what has no id of its own stay where they are.
        rates: Rates | None = None if response else self._rates if scores else {}
        beside = () if response else self._beside(scores)
        told = answer_records(base, response, answers)
        records = [replace(record, shared=True, rates=rates, beside=beside) for record in told]
        # What has no id of its own would be one with all that are rated alike: then an answer has the ratings, the same
        # wherever its question stands.
        if not records or (scores and response):
            records.insert(0, replace(whole_response(base, response), rates=self._rates, beside=beside))
            first = 0
        else:
            first = min(range(len(answers)), key=lambda place: answers[place][0].key)
        records[first] = replace(records[first], scores=tuple(scores), problems=tuple(problems))
        return [*records, *unrated(response, base.location, self._rates, scores)]

    def _beside(self, scores: Sequence[RawScore]) -> tuple[str, ...]:
        """How a response was rated, by metric: the wordings and the places of questions change."""
        asked = sorted({question.scale.metric for question in self.questions if question.scale is not None})
        return tuple(f"{metric}={'+'.join(sorted(s.value for s in scores if s.metric == metric))}" for metric in asked)


def rated(questions: Sequence[Question]) -> dict[str, Metric | None]:
    """The questions whose ratings are told: those that are ratings here, and those that are certainly rated by nobody.

    Of one that only looks like none this time nothing is told: an earlier export may have shown that it is one.
    """
    return {
        question.key: question.scale.metric if question.scale else None
        for question in questions
        if question.scale is not None or question.settled
    }


def _skipped(layout: Layout, grid: Grid) -> dict[str, Metric | None]:
    skip = set(map(fold, (layout.survey or Survey()).skip))
    return {wording_key(_taken_apart(name)[-1]): None for name in grid.header or grid.columns if fold(name) in skip}


def unrated(response: str | None, location: str, rates: Rates, scores: Sequence[RawScore]) -> Iterator[Withdrawn]:
    """What is said of a response that was rated by none of these questions: it may have been, before answers were taken back."""
    if response and rates and not scores:
        yield Withdrawn(response, location, for_good=False, rates=rates)


def _own_words(question: Question, raw: str) -> list[str]:
    """What somebody wrote into the blanks of an option, and behind a rating, where nobody else gave that answer."""
    said = _BLANK.findall(raw)
    option = without_blanks(raw)
    own = option not in question.options and reads_as_prose(unicodedata.normalize("NFKC", option))
    if own and question.scale and question.scale.read(raw):
        said.append(remark_of(option) or "")
    return [text for text in said if not (is_no_answer(text) or is_address(text))]


def whole_response(base: Record, response: str | None) -> Record:
    """The record of a response itself, without text."""
    return Record(
        text="",
        kind=base.kind,
        channel=base.channel,
        location=base.location,
        source_id=response,
        posted_at=base.posted_at,
        conversation_id=response,
        customer=base.customer,
        product=base.product,
        version=base.version,
        store=base.store,
        region=_region(base.region),
    )


def answer_records(
    base: Record, response: str | None, answers: Sequence[tuple[Question, str, str]]
) -> Iterator[Record]:
    """One record per answer, each with its question and what tells it from other answers to it; the first with the response's votes."""
    whole, votes = whole_response(base, response), base.votes
    for question, suffix, text in answers:
        yield replace(
            whole,
            text=text,
            source_id=f"{response}/{question.key}{suffix}" if response else None,
            turn=question.number if response else None,
            question=question.wording,
            votes=votes,
        )
        votes = None


def response_id(number: str | None, submitted: str | None, took: str = "") -> str | None:
    """`12-202609031200-35`: a response by its number, the minute it was submitted and how long it took.

    Numbers alone start at 1 in every survey, so two surveys of one source would collide, and may even within a minute.
    The second it was submitted is no part of it: Excel leaves it out of a CSV that it saves anew.
    """
    if number is None:
        return None
    moment = "".join(part.zfill(2) for part in re.findall(r"\d+", same_minute(submitted or "")))
    length = ".".join(str(int(part)) for part in re.findall(r"\d+", took))
    return "-".join(part for part in (number, moment, length) if part)


def _column_of(names: Sequence[str], columns: Sequence[str]) -> int | None:
    """The place of the first of the names that is a column."""
    there = list(map(fold, columns))
    return next((there.index(fold(name)) for name in names if fold(name) in there), None)


def is_no_answer(value: str) -> bool:
    """问卷星 writes -3 for a question that was skipped and -2 for one left blank."""
    return value in _NO_ANSWER or unicodedata.normalize("NFKC", value).strip() in _NO_ANSWER


def find_questions(
    layout: Layout, columns: Sequence[str], sample: Sequence[Cells], header: Sequence[str] = ()
) -> list[Question]:
    """How each column that is not about the response itself is understood.

    A layout names a question as `columns` does, where the second of two is "原因 (2)"; its wording is what `header` says, 原因.
    """
    survey = layout.survey or Survey()
    mapped = (name for pick in layout.columns.values() for name in pick.columns)
    about = _NOBODYS_WORDS | set(map(fold, (*mapped, *survey.skip, *survey.took)))
    found: list[tuple[int, int, str, Type, Scale | None, frozenset[str], bool]] = []
    for index, (column, name) in enumerate(zip(columns, header or columns, strict=True)):
        if fold(name) in about or not name.strip():
            continue
        number, _, typed, wording = _taken_apart(name)
        number = index + 1 if number is None else number
        values = [value for cells in sample if not is_no_answer(value := cells[index].strip())]
        _, *ways_to_name = _taken_apart(column)
        named = _named(survey, (column, *ways_to_name, str(number)))
        kind, scale = classify(typed, values, named)
        given = Counter(map(without_blanks, values)) if scale else Counter[str]()
        options = frozenset(each for each in given if given[each] > 1)
        found.append((index, number, wording, kind, scale, options, named is not None or not values))
    keys = question_keys([wording for _, _, wording, *_ in found])
    return [
        Question(index, number, key, wording, kind, scale, options, settled)
        for key, (index, number, wording, kind, scale, options, settled) in zip(keys, found, strict=True)
    ]


def _taken_apart(name: str) -> tuple[int | None, str, str, str]:
    """A header's number, what stands behind its marks, that without the number, and the wording alone."""
    bare = _REQUIRED.sub("", name).strip()
    numbered = _NUMBER.match(bare)
    typed = bare[numbered.end() :].strip() if numbered else bare
    number = int(numbered[1] or numbered[2]) if numbered else None
    return number, bare, typed, _REQUIRED.sub("", _TYPE.sub("", typed)).strip()


def question_keys(wordings: Sequence[str]) -> list[str]:
    """What the answers to each question of a survey are known by: its wording; of several alike, the question before it as well.

    Not their order: the second of two that ask for the 原因 would take the answers of the first when that is deleted.
    """
    own = list(map(wording_key, wordings))
    alike, used = Counter(own), Counter[str]()
    found: list[str] = []
    before = last = ""
    for key in own:
        before, last = (before if key == last else last), key
        known_by = key if alike[key] == 1 else f"{key}.{before}"
        used[known_by] += 1
        found.append(known_by if used[known_by] == 1 else f"{known_by}.{used[known_by]}")
    return found


def wording_key(wording: str) -> str:
    """Equal for wordings that have the same letters, Han characters and digits; the same at every run."""
    said = "".join(filter(str.isalnum, fold(wording)))
    return blake2b(said.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def _named(survey: Survey, ways_to_name: Sequence[str]) -> str | None:
    """Which list of the layout names this question, by its whole header, its wording or its number."""
    ways = set(map(fold, ways_to_name))
    for listed in ("open", "choice", "nps", "csat", "ces", "star"):
        if ways & set(map(fold, getattr(survey, listed))):
            return listed
    return None


def classify(wording: str, values: Sequence[str], named: str | None = None) -> tuple[Type, Scale | None]:
    """What a question is, from its wording and a sample of its answers (no-answers left out)."""
    if named in ("open", "choice"):
        return ("open" if named == "open" else "choice"), None
    scale = find_scale(wording, values, named)
    if scale is not None:
        return "score", scale
    stated = _TYPE.search(wording)
    if asks_for_contact(_TYPE.sub("", wording), values):
        return "contact", None
    if stated and stated[1].startswith((*_OPEN_TYPES, *_CHOICE_TYPES)):
        return ("open" if stated[1].startswith(_OPEN_TYPES) else "choice"), None
    return ("open" if is_open(wording, values) else "choice"), None


def _region(raw: str | None) -> str | None:
    """The place that 问卷星 puts behind an IP address, never the address: "113.87.1.2(广东-深圳)" is "广东-深圳"."""
    if raw is None:
        return None
    match = _REGION_OF_IP.fullmatch(raw.strip())
    if match:
        return None if match[1] in NOTHING else match[1]
    return None if re.search(r"\d+\.\d+\.\d+|[\da-fA-F]*::?[\da-fA-F]+:", raw) else raw
