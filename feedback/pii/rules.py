"""How a finding is written down: a rule (a pattern with a check) or a search for spans, each made into a finder.

A finder reads folded text, adds what it finds and returns the text with that blanked, for the finders after it.

Every pattern runs in linear time: quantifiers are bounded, or start only where a run starts. One whose alternatives all
start with a literal, or that starts with a set (lookbehind after it), lets `re` skip by first character.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

Kind = Literal[
    "手机号", "固定电话", "身份证号", "银行卡号", "邮箱", "微信号", "QQ号", "车牌号", "地址", "快递单号", "订单号",
    "姓名",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """One piece of personal data; offsets are code points of the text as given, half-open."""

    kind: Kind
    start: int
    end: int


Finder = Callable[[str, list[Found]], str]


class Rule(NamedTuple):
    """A pattern (on folded text) whose group `value` is personal data of `kind` unless `accept` refuses it."""

    kind: Kind
    pattern: str
    accept: Callable[[re.Match[str]], bool] | None = None
    needs: str = ""  # a text without it is not searched


def rule_finder(rule: Rule) -> Finder:
    """Blanks the value of every match that the rule accepts; its label stays readable for the rules after it."""
    kind, accept, needs = rule.kind, rule.accept, rule.needs
    pattern = re.compile(rule.pattern)

    def finder(text: str, found: list[Found]) -> str:
        def blank(match: re.Match[str]) -> str:
            if accept is not None and not accept(match):
                return match[0]
            start, end = match.span("value")
            found.append(Found(kind, start, end))
            return match.string[match.start() : start] + "]" * (end - start) + match.string[end : match.end()]

        return pattern.sub(blank, text) if needs in text else text

    return finder


def span_finder(kind: Kind, spans: Callable[[str], Iterator[tuple[int, int]]]) -> Finder:
    """Blanks what `spans` yields: starts and ends in order, never overlapping."""

    def finder(text: str, found: list[Found]) -> str:
        pieces: list[str] = []
        done = 0
        for start, end in spans(text):
            found.append(Found(kind, start, end))
            pieces += (text[done:start], "]" * (end - start))
            done = end
        return "".join(pieces) + text[done:] if pieces else text

    return finder
