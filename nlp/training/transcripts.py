"""Made-up chat transcripts, as programs copy them out, with what is in the way of reading them: odd names, and pasted lines that look like heads.

    python -m nlp.training.transcripts FOLDER [--count 400] [--seed 1]

writes NNN.txt, and NNN.json with the turns that are in it: who spoke, in which role, when, what. All people and words are invented here.
"""

import argparse
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from nlp.training.transcript_words import (
    AGENT_NAMES,
    AGENT_WORDS,
    BOT_NAMES,
    BOT_WORDS,
    CLOCKED,
    COLONS,
    CUSTOMER_WORDS,
    DETAILS,
    FOLLOWS,
    LEADS,
    ORDER_STEPS,
    PARCEL_STEPS,
    PLAIN_NAMES,
    REPEATED,
    ROLE_CUSTOMERS,
    SENTENCES,
    SHOPS,
    SUB_ACCOUNTS,
    TRADES,
    odd_name,
)

HALVES = ((5, "凌晨"), (9, "早上"), (12, "上午"), (13, "中午"), (18, "下午"), (24, "晚上"))
WEEKDAYS = "一二三四五六日"


@dataclass(frozen=True)
class Said:
    """One turn, as `NNN.json` has it."""

    speaker: str
    role: str
    date: str | None
    time: str | None
    text: str


@dataclass(frozen=True)
class Transcript:
    """A file and what is in it."""

    form: str
    phenomenon: str
    text: str
    turns: tuple[Said, ...]
    heads: frozenset[int] = frozenset()  # lines that open a turn, from 1


@dataclass(frozen=True)
class Style:
    """How one program writes a moment and a head."""

    head: str  # with {name}, {stamp} and {words}
    date: str  # of strftime; "" where only clocks are told
    clock: str
    gap: str = " "
    blank: bool = False  # a blank line after each message
    halves: bool = False

    def stamp(self, moment: datetime, day: str | None = None) -> str:
        """`day`: what stands in place of the date."""
        clock = moment.strftime(self.clock)
        if self.halves:
            half = next(word for hour, word in HALVES if moment.hour < hour)
            clock = f"{half}{(moment.hour - 1) % 12 + 1}{clock[2:]}"
        date = plain(moment.strftime(self.date), self.date) if day is None else day
        return f"{date}{self.gap}{clock}" if date else clock

    def message(self, name: str, stamp: str, words: str) -> str:
        return self.head.format(name=name, stamp=stamp, words=words) + ("\n" if self.blank else "")


def plain(date: str, form: str) -> str:  # without the zeros, where a format has none
    return "/".join(str(int(part)) for part in date.split("/")) if "/" in form else date


HEADS = {
    "name_stamp": ["{name} {stamp}\n{words}\n", "{name}  {stamp}\n{words}\n", "{name} ({stamp}):\n{words}\n"],
    "stamp_name": ["{stamp} {name}\n{words}\n", "{stamp}  {name}\n{words}\n"],
    "stamp_name_text": ["[{stamp}] {name}：{words}\n", "{stamp} {name}: {words}\n", "{stamp}\t{name}\t{words}\n"],
    "name_stamp_text": ["{name} ({stamp})：{words}\n", "{name}（{stamp}）：{words}\n", "{name} {stamp}：{words}\n"],
    "name_text": ["{name}：{words}\n", "{name}: {words}\n"],
    "three_lines": ["{name}\n{stamp}\n{words}\n", "{name}\n{stamp}\n{words}\n", "{stamp}\n{name}\n{words}\n"],
}
DATES = ["%Y-%m-%d", "%Y/%m/%d", "%Y年%m月%d日", "%m-%d"]
CLOCKS = ["%H:%M:%S", "%H:%M"]


class Person(NamedTuple):
    name: str
    role: str


class _Writer:
    """Writes one transcript."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.form = rng.choices(list(HEADS), [6, 5, 4, 3, 3, 2])[0]
        all_dated = self.form == "three_lines"
        date = rng.choice([*DATES, *DATES[:2]]) if all_dated else rng.choices([*DATES, ""], [5, 3, 2, 1, 2])[0]
        self.style = Style(
            rng.choice(HEADS[self.form]),
            date,
            rng.choices(CLOCKS, [3, 2])[0],
            blank=rng.random() < (0.5 if self.form in ("name_stamp", "stamp_name", "three_lines") else 0.1),
            halves=rng.random() < 0.08,
        )
        self.now = datetime(
            2026, rng.randint(1, 12), rng.randint(2, 27), rng.randint(8, 19), rng.randint(0, 59), rng.randint(0, 59)
        )
        self.phenomenon = rng.choice(PHENOMENA)
        self.dates = rng.choices(["all", "first", "first of each"], [10, 1, 1])[0] if date else "all"
        self.numbered = self.form == "stamp_name" and rng.random() < 0.25
        is_of_days = self.phenomenon in ("today", "day_names") or self.dates != "all"
        self.newest_first = rng.random() < 0.04 and not is_of_days
        self.parts: list[str] = []
        self.turns: list[Said] = []
        self.has_date_lines = False
        self.opening: list[int] = []  # which parts are messages

    def customer(self) -> Person:
        kind = self.rng.random()
        name = self.rng.choice(ROLE_CUSTOMERS if kind < 0.12 else PLAIN_NAMES) if kind < 0.5 else odd_name(self.rng)
        return Person(self.with_number(name), "customer")

    def with_number(self, name: str) -> str:
        """As QQ writes names in groups."""
        return f"{name}({self.rng.randint(10**6, 10**9)})" if self.numbered else name

    def agent(self) -> Person:
        name = self.rng.choice(AGENT_NAMES)
        kind = self.rng.random()
        shop, sub = self.rng.choice(SHOPS) + self.rng.choice(TRADES), self.rng.choice(SUB_ACCOUNTS)
        if kind < 0.35:
            sign = self.rng.choice("::-") if self.form != "name_text" or self.rng.random() < 0.5 else "-"
            name = f"{shop}{self.rng.choice(['旗舰店', '专卖店', '专营店'])}{sign}{sub}"
        elif kind < 0.6:
            name = shop + self.rng.choice(["-", "", " ", "-客服"]) + sub
        return Person(self.with_number(name), "agent")

    def write(self) -> Transcript:
        customer, agent = self.customer(), self.agent()
        people = [customer, agent]
        if self.rng.random() < 0.15:
            people.append(Person(self.rng.choice(BOT_NAMES), "bot"))
        elif self.rng.random() < 0.15:
            people.append(Person(self.agent().name, "agent"))
        if self.rng.random() < 0.1:
            people.append(
                Person(self.with_number(self.rng.choice(PLAIN_NAMES)), self.rng.choice(["agent", "customer"]))
            )
        conversations = self.rng.choices([1, 2, 3, 4], [7, 1, 1, 1])[0]
        older = self.rng.random() < 0.4
        for number in range(conversations):
            if number:
                self.parts.append("-" * 24 + "\n")
                self.now += (-1 if older else 1) * timedelta(
                    hours=self.rng.randint(24, 90) if older else self.rng.randint(2, 60)
                )
                if customer.name not in ROLE_CUSTOMERS:
                    people[0] = self.customer()
            self.talk(people)
        text = "".join(self.parts)
        lines = [1]
        for part in self.parts:
            lines.append(lines[-1] + part.count("\n"))
        heads = frozenset(lines[place] for place in self.opening)
        return Transcript(self.form, self.phenomenon, text, tuple(self.turns), heads)

    def talk(self, people: Sequence[Person]) -> None:
        """One conversation."""
        rng = self.rng
        self.has_date_lines = not self.style.date and self.form != "name_text" and rng.random() < 0.6
        self.date_line()
        count = rng.choice([2, 3, 3, 4, 4, 5, 6, 8, 10, 14])
        trapped = {rng.randrange(count) for _ in range(rng.choice([1, 1, 2, 3]))} if self.phenomenon in TRAPS else ()
        today = rng.randint(1, count - 1) if self.phenomenon in ("today", "day_names") and self.style.date else count
        day = "" if self.phenomenon == "today" else rng.choice(["昨天", "前天", f"星期{rng.choice(WEEKDAYS)}"])
        spoke: set[str] = set()
        speaker = rng.randrange(2)
        for n in range(count):
            if n == today:
                self.now = (self.now + timedelta(days=1)).replace(hour=rng.randint(8, 12))
                if rng.random() < 0.4:
                    people = [people[0], self.agent(), *people[2:]]
            person = people[speaker]
            left_out = {"all": False, "first": n > 0, "first of each": person.name in spoke}[self.dates]
            words = self.words(person)
            if n in trapped:
                words = self.trap(words, people)
            self.say(person, words, day if n >= today else "" if left_out else None)
            spoke.add(person.name)
            if n > 1 and rng.random() < 0.02:
                self.copy_again(rng.randint(2, 4))
            if n < count - 1:
                self.wait()
            weights = [1 if i == speaker else 3 if i < 2 else 1.5 for i in range(len(people))]
            speaker = rng.choices(range(len(people)), weights)[0]

    def say(self, person: Person, words: str, day: str | None) -> None:
        """`day`: what stands in place of the date, if anything does."""
        self.opening.append(len(self.parts))
        self.parts.append(self.style.message(person.name, self.style.stamp(self.now, day), words))
        timed = self.form != "name_text"
        dated = timed and ((self.style.date.startswith("%Y") and day is None) or self.has_date_lines)
        date, time = (self.now.strftime(form) for form in ("%Y-%m-%d", self.style.clock))
        self.turns.append(Said(person.name, person.role, date if dated else None, time if timed else None, words))

    def wait(self) -> None:
        """Until the next message, which is above it where the newest comes first."""
        rng, last = self.rng, self.now
        pause = timedelta(seconds=rng.choice([5, 20, 40, 70, 200, 900]))
        if (self.has_date_lines or (self.style.date and self.dates == "all")) and rng.random() < 0.04:
            pause += timedelta(hours=rng.randint(5, 100))
        self.now += -pause if self.newest_first else pause
        if self.now.date() != last.date():
            if self.dates != "all":
                self.now = last
            self.date_line()

    def date_line(self) -> None:
        if self.has_date_lines:
            self.parts.append(f"—————  {self.now:%Y-%m-%d}  —————\n")

    def copy_again(self, count: int) -> None:
        """Windows that were copied out one after the other overlap."""
        count = min(count, len(self.opening))
        if self.opening[-count:] == list(range(len(self.parts) - count, len(self.parts))):
            self.opening += range(len(self.parts), len(self.parts) + count)
            self.parts += self.parts[-count:]
            self.turns += self.turns[-count:]

    def words(self, person: Person) -> str:
        pool = {"customer": CUSTOMER_WORDS, "agent": AGENT_WORDS, "bot": BOT_WORDS}[person.role]
        lines = [self.rng.choice(pool) for _ in range(self.rng.choices([1, 2, 3], [6, 2, 1])[0])]
        if self.rng.random() < 0.06:
            lines.append(self.rng.choice(DETAILS))
        return "\n".join(lines)

    def trap(self, words: str, people: Sequence[Person]) -> str:
        lead = [self.rng.choice(LEADS)] if self.rng.random() < 0.6 else [words]
        if self.rng.random() < 0.1:
            lead = []
        elif self.rng.random() < 0.15:
            lead.append("------")
        after = [self.rng.choice(FOLLOWS)] if self.rng.random() < 0.5 else []
        if self.form == "name_text":
            pasted = self.rng.sample(COLONS, self.rng.randint(1, 3))
        else:
            pasted = TRAPS[self.phenomenon](self, people)
        return "\n".join([*lead, *pasted, *after])

    def look(self, name: str, moment: datetime, words: str = "", style: Style | None = None) -> list[str]:
        """A line that looks like a head, with words below or beside it."""
        style = style or self.style
        inline = "\n{words}" not in style.head
        said = style.message(
            name, style.stamp(moment), words or (self.rng.choice(["前台", "已完成", "上海"]) if inline else "")
        )
        return [line for line in said.split("\n") if line]

    def near_style(self) -> Style:
        """The style of the file, or one nearly like it."""
        kind = self.rng.random()
        if kind < 0.45:
            return self.style
        if kind < 0.75:
            return replace(self.style, date="%Y-%m-%d", clock="%H:%M:%S", halves=False)
        if kind < 0.9:
            return replace(self.style, clock=self.rng.choice(CLOCKS), halves=False)
        return replace(self.style, date="", clock="%H:%M", halves=False)


def _parcel(writer: _Writer, _people: Sequence[Person]) -> list[str]:
    rng = writer.rng
    start = writer.now - timedelta(days=rng.randint(1, 6), hours=rng.randint(0, 5))
    count = rng.randint(1, 5)
    names = sorted(rng.sample(range(len(PARCEL_STEPS)), count))
    moments = [start + timedelta(hours=9 * n, minutes=rng.randint(0, 59)) for n in range(count)]
    style = writer.near_style()
    if not writer.style.date:
        moments = [min(each, writer.now) for each in moments]
    steps = [(PARCEL_STEPS[name], moment) for name, moment in zip(names, moments, strict=True)]
    if rng.random() < 0.4:
        steps.reverse()
    return [line for name, moment in steps for line in writer.look(name, moment, style=style)]


def _order(writer: _Writer, _people: Sequence[Person]) -> list[str]:
    rng = writer.rng
    moment = writer.now - timedelta(days=rng.randint(0, 4), minutes=rng.randint(1, 300))
    lines, style = [], writer.near_style()
    for name in rng.sample(ORDER_STEPS, rng.randint(1, 4)):
        lines += writer.look(name, moment, style=style)
        moment += timedelta(seconds=rng.randint(10, 40000))
    return lines


def _appointment(writer: _Writer, _people: Sequence[Person]) -> list[str]:
    rng = writer.rng
    moment = (writer.now + timedelta(days=rng.choice([-3, -1, 0, 1, 2, 5, 9]))).replace(
        hour=rng.randint(8, 21), minute=rng.choice([0, 30]), second=0
    )
    name = rng.choice(
        ["预约上门", "师傅上门", "预计送达", "客服说", "商家说", "约好的", "改约", "周五", "明天下午", "到店"]
    )
    if rng.random() < 0.6:
        name = rng.choice(SENTENCES)
    return writer.look(name, moment, style=writer.near_style())


def _repeated(writer: _Writer, _people: Sequence[Person]) -> list[str]:
    rng = writer.rng
    name = rng.choice(REPEATED)
    moment = writer.now.replace(minute=0, second=0)
    times = rng.randint(1, 3)
    clocks = sorted(rng.sample(range(8, 23), times))
    style = replace(writer.style, date="", clock="%H:%M", halves=False) if rng.random() < 0.6 else writer.style
    return [line for hour in clocks for line in writer.look(name, moment.replace(hour=hour), style=style)]


def _quoted_chat(writer: _Writer, people: Sequence[Person]) -> list[str]:
    """A chat of another day, or of another shop, pasted as it was copied out."""
    rng = writer.rng
    moment = writer.now - timedelta(days=rng.randint(1, 20), minutes=rng.randint(1, 600))
    other = Person(rng.choice(AGENT_NAMES), "agent") if rng.random() < 0.6 else people[1]
    mine = people[0] if rng.random() < 0.5 else Person("我", "customer")
    style = writer.near_style()
    style = replace(style, blank=False)
    lines = []
    for n in range(rng.randint(1, 4)):
        person = (mine, other)[n % 2]
        lines += writer.look(person.name, moment, rng.choice(AGENT_WORDS if n % 2 else CUSTOMER_WORDS), style)
        moment += timedelta(seconds=rng.randint(10, 300))
    return lines


def _clocks(writer: _Writer, _people: Sequence[Person]) -> list[str]:
    rng = writer.rng
    if rng.random() < 0.5:
        style = replace(writer.style, date="", clock="%H:%M", halves=False)
        words = "" if "\t" in style.head else rng.choice(["前台", "没人接", "到店"])
        return writer.look(
            rng.choice(SENTENCES),
            writer.now.replace(hour=rng.randint(8, 22), minute=30),
            words if "\n{" not in style.head else "",
            style,
        )
    return rng.sample(CLOCKED, rng.randint(1, 2))


TRAPS: dict[str, Callable[[_Writer, Sequence[Person]], list[str]]] = {
    "parcel": _parcel,
    "order": _order,
    "appointment": _appointment,
    "repeated": _repeated,
    "quoted_chat": _quoted_chat,
    "clocks": _clocks,
}
PHENOMENA = ["plain", "today", "today", "day_names", "clocks", "appointment", "parcel", *TRAPS]


def transcripts(count: int, seed: int) -> list[Transcript]:
    """Transcripts, the same for the same seed."""
    return [_Writer(random.Random(f"{seed}-{number}")).write() for number in range(count)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    how = parser.parse_args()
    how.folder.mkdir(parents=True, exist_ok=True)
    for number, made in enumerate(transcripts(how.count, how.seed), 1):
        (how.folder / f"{number:03}.txt").write_text(made.text, encoding="utf-8")
        truth = {"form": made.form, "phenomenon": made.phenomenon, "turns": [asdict(turn) for turn in made.turns]}
        (how.folder / f"{number:03}.json").write_text(json.dumps(truth, ensure_ascii=False, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
