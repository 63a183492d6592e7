"""What a survey of Formbricks asks, and what a response to it says: as the survey collector of exports tells it.

A definition lists the questions with their types, so nothing is guessed: open questions are the customers' words; nps, csat,
ces and ratings are scores; of questions with options only what was written under "other". Names, addresses, numbers and the
survey's own options are not collected. Headlines are texts, or one per language, and may be HTML.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeGuard, cast

from feedback.clean import clean
from feedback.collectors.base import Item, RawScore, Record, SourceConfig, Unreadable, Withdrawn
from feedback.collectors.objects import Object, getter
from feedback.collectors.scales import Scale, find_scale
from feedback.collectors.survey import Question, answer_records, classify, is_no_answer, rated, unrated, whole_response
from feedback.errors import CollectError
from storage.records import Metric, Rates

CHANNEL = "Formbricks"
_LEFT_OUT = frozenset(
    ("cta", "consent", "date", "fileUpload", "cal", "pictureSelection", "matrix", "address", "contactInfo")
)
_OPTIONS = frozenset(("multipleChoiceSingle", "multipleChoiceMulti", "ranking"))
_OTHER = "other"  # the id of the option that has a field to write in
_RECALLED = re.compile(r"#recall:[^#]*#")  # an earlier answer, put into the headline when it is shown
_OF_ITS_OWN = frozenset(("verifiedEmail",))  # what Formbricks itself puts among the answers
RANGES = {"csat": 5, "ces": 5, "rating": 5}  # where a definition does not say it

Labels = Mapping[str, frozenset[str]]  # of options, by the question


@dataclass(frozen=True, slots=True)
class Named:
    """Questions that the settings name by their ids, whatever their type."""

    open: frozenset[str] = frozenset()
    skip: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Form:
    """The questions of a survey in their order. `options` has the labels, those of before too, of those where words can be written beside them.

    `hidden` are fields that no customer filled in; `unknown` the types that are none of those known.
    """

    survey: str
    questions: tuple[Question, ...] = ()
    options: Labels = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    unknown: tuple[str, ...] = ()

    @classmethod
    def of(cls, survey: str, definition: Object, named: Named) -> "Form":
        """From the answer of the interface; raises `CollectError` where it lists no questions."""
        listed = _questions_of(definition)
        if listed is None:
            raise CollectError(f"Survey '{survey}' has no list of questions. Has the interface changed?")
        questions, unknown = [], []
        options: dict[str, frozenset[str]] = {}
        for number, each in enumerate(listed, 1):
            kind, key = str(each.get("type")), str(each.get("id"))
            wording = _wording(each.get("headline"))
            if kind in _OPTIONS:
                options |= _labels(key, each.get("choices"))
            elif kind not in ("openText", "nps", *RANGES, *_LEFT_OUT):
                unknown.append(kind)
            questions.append(_question(each, number, key, wording, key in options, named))
        ids = getter("hiddenFields.fieldIds")(definition)
        hidden = frozenset(map(str, ids if isinstance(ids, list) else ()))
        return cls(survey, tuple(questions), options, hidden, tuple(dict.fromkeys(unknown)))

    @classmethod
    def unseen(cls, survey: str, named: Named) -> "Form":
        """Of a survey whose definition is not at hand: what the settings name."""
        return cls(survey, tuple(Question(0, n, key, "", "open") for n, key in enumerate(sorted(named.open), 1)))

    def knowing(self, earlier: Labels) -> "Form":
        """Responses hold labels as they were when they were chosen: one that was worded anew since is still not what a customer wrote."""
        return replace(self, options=joined(self.options, earlier))


def joined(labels: Labels, others: Labels) -> Labels:
    nothing = frozenset[str]()
    return {key: labels.get(key, nothing) | others.get(key, nothing) for key in (*labels, *others)}


def _questions_of(definition: Object) -> list[Object] | None:
    """Surveys have blocks of elements; the interface derives `questions` from them, and older versions have these alone."""
    questions, blocks = definition.get("questions"), definition.get("blocks")
    if not isinstance(questions, list) and not isinstance(blocks, list):
        return None
    if not questions and isinstance(blocks, list):
        elements = [block.get("elements") for block in blocks if isinstance(block, dict)]
        questions = [element for each in elements if isinstance(each, list) for element in each]
    listed = questions if isinstance(questions, list) else []
    return [each for each in listed if isinstance(each, dict)]


def _question(each: Object, number: int, key: str, wording: str, blanks: bool, named: Named) -> Question:
    kind = each.get("type")
    if key in named.skip:
        return Question(0, number, key, wording, "contact", settled=True)
    if key in named.open:
        return Question(0, number, key, wording, "open", settled=True)
    if kind == "openText":
        asks_for_words = each.get("inputType", "text") == "text" and classify(wording, ())[0] != "contact"
        return Question(0, number, key, wording, "open" if asks_for_words else "contact")
    if kind in ("nps", *RANGES):
        return Question(0, number, key, wording, "score", _scale(str(kind), wording, each.get("range")))
    return Question(0, number, key, wording, "choice" if blanks else "contact")


def _scale(kind: str, wording: str, given: object) -> Scale:
    if kind == "nps":
        return Scale("nps", 0, 10)
    return Scale(metric_of(kind, wording), 1, given if type(given) is int else RANGES[kind])


def metric_of(kind: str, wording: str) -> Metric:
    """What is rated: of a plain rating its wording tells, as in an export. Only a question of the type nps is one."""
    if kind != "rating":
        return cast(Metric, kind)
    told = find_scale(f"{wording} (1-5)", ())
    return told.metric if told and told.metric != "nps" else "star"


def _wording(headline: object) -> str:
    """In the survey's own language, whichever the customer saw: answers to one question stay together."""
    if isinstance(headline, dict):
        headline = headline.get("default") or next(iter(headline.values()), "")
    return clean(_RECALLED.sub("…", headline)) if isinstance(headline, str) else ""


def _labels(key: str, choices: object) -> dict[str, frozenset[str]]:
    listed = [each for each in choices if isinstance(each, dict)] if isinstance(choices, list) else []
    if all(each.get("id") != _OTHER for each in listed):
        return {}
    labels = [each.get("label") for each in listed]
    texts = [text for each in labels for text in (each.values() if isinstance(each, dict) else [each])]
    return {key: frozenset(text.strip() for text in texts if isinstance(text, str))}


def read_response(response: Object, form: Form, stream: str, config: SourceConfig) -> list[Item]:
    """What one response says: its ratings and its words; nothing where neither was given yet."""
    key, data = response.get("id"), response.get("data")
    if not isinstance(key, str) or not key:
        return [Unreadable(stream, "a response has no id")]
    location = f"{stream}:{key}"
    if not isinstance(data, dict):
        return [Unreadable(location, "its 'data' is no object of answers")]
    base = replace(
        base_record(config, location, key, response.get("createdAt")),
        customer=_customer(response),
        region=country if isinstance(country := getter("meta.country")(response), str) else None,
    )
    said = Said()
    for question in form.questions:
        said.add(question, data.get(question.key), form.options.get(question.key, frozenset()))
    asked = {question.key for question in form.questions} | form.hidden | _OF_ITS_OWN
    for other, value in data.items():
        if other not in asked and not _is_blank(value):
            said.problems.append(
                f"the survey has no question '{other}' any more; its answer was left out. Name it under 'open' if it holds words"
            )
    return said.items(base, rated(form.questions))


def base_record(config: SourceConfig, location: str, response: str, moment: object) -> Record:
    return Record(
        text="",
        kind=config.kind or "survey",
        channel=config.channel or CHANNEL,
        location=location,
        source_id=response,
        posted_at=moment if isinstance(moment, str) else None,
        product=config.product,
        store=config.store,
    )


def _customer(response: Object) -> str | None:
    """The company's own id of the customer, else that of Formbricks. `person` is what older versions call a contact."""
    for name in ("contact", "person"):
        if isinstance(found := response.get(name), dict):
            known = found.get("userId") or found.get("id")
            return known if isinstance(known, str) else None
    return None


class Said:
    """Collects the answers of one response."""

    def __init__(self) -> None:
        self.answers: list[tuple[Question, str, str]] = []
        self.scores: list[RawScore] = []
        self.problems: list[str] = []

    def add(self, question: Question, value: object, options: frozenset[str] = frozenset()) -> None:
        if _is_blank(value):
            return
        if question.scale is not None:
            self._rate(question.key, question.scale, value)
        elif question.type == "open":
            if isinstance(value, str):
                self.answers.append((question, "", value))
            else:
                self.problems.append(f"the answer to question '{question.key}' is no text")
        elif question.type == "choice":
            chosen = value if isinstance(value, list) else [value]
            own = [each for each in chosen if isinstance(each, str) and each.strip() not in options]
            own = [each for each in own if not _is_blank(each)]
            self.answers += [(question, f"+{number}", each) for number, each in enumerate(own, 1)]

    def _rate(self, key: str, scale: Scale, value: object) -> None:
        score = scale.read(value) if isinstance(value, str) else None
        if is_number(value):
            score = RawScore(scale.metric, f"{value:g}", scale.low, scale.high)
        if score is None:
            self.problems.append(f"{scale.metric} score can't be read")
        else:
            self.scores.append(replace(score, question=key))

    def items(self, base: Record, rates: Rates) -> list[Item]:
        """The records. A survey's ratings stand in one of the response itself: questions come and go, and the answers to them.
        It tells those by the questions `rates`, and that there are none where it has none.

        Anything else, as a review, is one thing that was written and rated: its first words have its ratings. Those that came
        before any words were stored by themselves, and are so no longer.
        """
        response, is_survey = base.source_id, base.kind == "survey"
        void = unrated(response, base.location, rates, self.scores)
        if not self.answers and not self.scores:
            return [*(Unreadable(base.location, problem) for problem in self.problems), *void]
        records = list(answer_records(base, response, self.answers))
        if not records or (self.scores and is_survey):
            records.insert(0, replace(whole_response(base, response), rates=rates))
        records[0] = replace(records[0], scores=tuple(self.scores), problems=tuple(self.problems))
        found: list[Item] = [*records, *void]
        if self.answers and self.scores and response and not is_survey:
            found.append(Withdrawn(response, base.location, for_good=False))
        return found


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether it is a number that can be worked with: JSON has some of thousands of digits, and Python's reads NaN."""
    return isinstance(value, int | float) and not isinstance(value, bool) and -1e6 < value < 1e6


def _is_blank(value: object) -> bool:
    return value in (None, [], {}) or (isinstance(value, str) and is_no_answer(value.strip()))
