"""Which lines of a transcript open a message, of all that look as if they did.

People paste lines with times into messages: the ways of a parcel ("已揽收 2026-03-01 10:00:00"), an order, another chat. No one thing tells them from
heads, so all is weighed together: how a line looks beside the others, whether its time fits among theirs, whose name it may be, how often that comes
(`transcript_features.py`). A logistic model weighs it, and again with what it then knows of the lines around and of those with the same name. The weights
were learned from transcripts that are made up (`nlp/training/transcripts.py`, `benchmarks/transcript_weights.py`).

What opens none stays in its message, with a note where somebody may wonder. A name in `roles` always opens one.
"""

import math
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import NamedTuple

from feedback.collectors.chat.transcript_features import IN_DOUBT, Around, Candidate, Features
from feedback.collectors.chat.transcript_form import Form
from feedback.collectors.chat.transcript_heads import NAME_ABOVE_WORDS
from feedback.collectors.chat.transcript_turns import Turn

_AT_ONCE = 2000  # lines that are judged together, so that a file of any size takes the same memory
_WEIGHTS = "transcript_weights.toml"
_TIMED, _UNTIMED = ("first", "second", "second"), ("untimed_first", "untimed_second", "untimed_second")
_WHY = {
    "very_long": "has a very long name",
    "older": "is older than what is above it",
    "later": "is later than what is below it",
    "less_date": "has no date, as the others have",
    "no_number": "has no QQ number, as the others have",
    "unusual": "has unusual signs in the name",
}


class Judgement(NamedTuple):
    """Which lines open no turn, by their numbers, and why, where that is in doubt; whether those that do carry dates."""

    texts: dict[int, str | None]
    dated: bool


def judged(turns: Iterable[Turn], form: Form) -> Judgement:
    """The judgement on the lines that open these turns."""
    texts: dict[int, str | None] = {}
    dates = _Dates()
    left = candidates(turns, form)
    while some := list(islice(left, _AT_ONCE)):
        for which in rounds(form):
            weigh(some, form, _weights()[which])
        for each in some:
            if each.opens:
                dates.add(each)
        around = Around(some, form.configured)
        texts |= {
            each.line: _why(around.features(place), each.chance) for place, each in enumerate(some) if not each.opens
        }
    return Judgement(texts, dates.are_on_all())


def candidates(turns: Iterable[Turn], form: Form) -> Iterator[Candidate]:
    """The lines that open these turns, but for those in which the window itself speaks."""
    return (Candidate(turn, configured=turn.speaker in form.configured) for turn in turns if not turn.head.is_notice)


def rounds(form: Form) -> tuple[str, ...]:
    """The names of the weights, in the order in which they are used; none where blank lines tell, and who is meant is asked."""
    if form.kind is NAME_ABOVE_WORDS:
        return ()
    return _TIMED if form.stamped else _UNTIMED


def told(some: Sequence[Candidate], form: Form) -> list[Features]:
    """What is known of each candidate beside the others."""
    around = Around(some, form.configured)
    return [around.features(place) for place in range(len(some))]


def weigh(some: Sequence[Candidate], form: Form, weights: Mapping[str, float]) -> None:
    """Gives each candidate its chance."""
    for each, features in zip(some, told(some, form), strict=True):
        evidence = sum([weights.get(name, 0.0) * value for name, value in features.items() if value])
        each.chance = 1 / (1 + math.exp(-evidence))


class _Dates:
    """Whether heads carry dates, those of today aside, which come last. A date that stands for a whole day nobody writes again."""

    def __init__(self) -> None:
        self._count = self._dated = self._until_dated = 0
        self._again = False
        self._last: dict[str, str] = {}
        self._above: tuple[int, str] | None = None

    def add(self, each: Candidate) -> None:
        self._count += 1
        if each.parts:
            self._dated += 1
            self._until_dated = self._count
            here = each.conversation, each.date
            self._again = self._again or self._last.get(each.name) == each.date or self._above == here
            self._last[each.name], self._above = each.date, here

    def are_on_all(self) -> bool:
        return self._again and 2 * self._dated > self._until_dated


def _why(features: Features, chance: float) -> str | None:
    if features["less_date"] and chance < IN_DOUBT and not features["amid_known"]:
        return None
    return next((why for feature, why in _WHY.items() if features[feature]), "is hardly anybody's name there")


@cache
def _weights() -> dict[str, dict[str, float]]:
    return tomllib.loads(files(__package__).joinpath(_WEIGHTS).read_text(encoding="utf-8"))
