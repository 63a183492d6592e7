"""What is known of the lines of a transcript that may open a message, each beside the others: numbers for `transcript_judgement.py`."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache

from feedback.collectors.chat.roles import is_role_name, missing_side, role_of
from feedback.collectors.chat.transcript_heads import is_label, is_usual, plain_date, sorting_clock
from feedback.collectors.chat.transcript_turns import Turn
from storage.records import Role

IN_DOUBT = 0.05  # less likely than that is no doubt

_LONG, _VERY_LONG = 12, 20  # characters
_MOST_LINES = 5
_MOST_BACK = 10

# What happens to parcels and orders, and what people tell times of.
_EVENT = re.compile(
    r"已|快件|包裹|快递|签收|揽收|到达|离开|派送|运输|发货|发出|出库|取件|清关|下单|付款|支付|退款|订单|创建|确认|成功|收货|预约|上门|送达|"
    r"改约|时间|专享|直播|抢|秒杀|开播|场$|班$|说$"
)
_SENTENCE = re.compile(r"[，。；！？,;!?]")
_SHOP = re.compile(r"(?:店[:：]|[^\s-]-)[^\s:：，。！？]{1,8}$")  # "某某旗舰店:小美", "某某鞋城-小马"
_QQ_NUMBER = re.compile(r"(?:\(\d{5,11}\)|<[^<>\s]+@[^<>\s]+>)$")

Features = dict[str, float]


class Candidate:
    """A line that may open a turn; `chance`: how likely it does, as far as is known."""

    __slots__ = (
        *("apart", "chance", "clock", "configured", "conversation", "date", "frame", "has_day_name"),
        *("line", "lines", "name", "parts", "says"),
    )

    def __init__(self, turn: Turn, *, configured: bool) -> None:
        head = turn.head
        self.line, self.name, self.conversation = turn.line, turn.speaker, turn.conversation
        self.configured = configured  # by the user, who is always right
        self.frame, self.apart = head.frame, turn.apart
        self.parts, self.has_day_name = head.date_parts, head.day_name is not None
        self.date = plain_date(head.date) if head.date else turn.date_line
        self.clock = sorting_clock(head.time or "")
        self.says, self.lines = turn.text != "", len(turn.lines)
        self.chance = 1.0

    @property
    def opens(self) -> bool:
        return self.configured or self.chance > 0.5

    def is_before(self, other: "Candidate | None") -> bool:
        """Whether it was written earlier; where only one of them has a date, nobody knows."""
        if other is None or self.parts != other.parts or self.has_day_name or other.has_day_name:
            return False
        return (self.date, self.clock) < (other.date, other.clock)


class Around:
    """Candidates of one file in their order, and what those have in common that open turns, by their chances."""

    def __init__(self, some: Sequence[Candidate], configured: Mapping[str, Role]) -> None:
        self._some = some
        self._roles = {each.name: role_of(each.name, configured) for each in some}
        self._known = {each.name: each.configured or _is_role(each.name) for each in some}
        self._count_looks()
        self._count_names()
        self._find_neighbours()
        self._find_sides()

    def features(self, place: int) -> Features:
        """What is known of the candidate at a place."""
        each = self._some[place]
        return {"bias": 1.0} | self._look(place) | self._named[each.name] | self._time(place) | self._others(place)

    def _count_looks(self) -> None:
        self._frames: defaultdict[str, float] = defaultdict(float)
        self._parts: defaultdict[int, float] = defaultdict(float)
        self._last_dated: dict[int, int] = {}
        likely = numbered = known = known_apart = 0.0
        for each in self._some:
            weight = each.chance * (2 if self._known[each.name] else 1)
            self._frames[each.frame] += weight
            self._parts[each.parts] += weight
            likely += each.chance
            numbered += each.chance * _has_number(each.name)
            known += each.chance * self._known[each.name]
            known_apart += each.chance * self._known[each.name] * each.apart
        all_apart = sum(each.apart for each in self._some) / len(self._some)
        self._apart = known_apart / known if known else all_apart
        self._numbered = numbered > 0.6 * likely
        self._most, self._all = max(self._frames.values()) or 1, sum(self._parts.values()) or 1
        self._usual_parts = max(self._parts, key=lambda parts: self._parts[parts])
        for place, each in enumerate(self._some):
            if each.opens and each.parts >= self._usual_parts:
                self._last_dated[each.conversation] = place

    def _count_names(self) -> None:
        self._names = Counter(each.name for each in self._some)
        self._named = {
            name: _of_name(name, self._roles[name] is not None)
            | {"no_number": self._numbered and not _has_number(name)}
            for name in self._names
        }
        self._dated = {each.name for each in self._some if each.parts}
        self._chances: defaultdict[str, float] = defaultdict(float)
        self._runs: Counter[str] = Counter()  # how often others spoke between
        spoke: dict[int, str] = {}
        for each in self._some:
            self._chances[each.name] += each.chance
            if each.opens and spoke.get(each.conversation) != each.name:
                self._runs[each.name] += 1
                spoke[each.conversation] = each.name

    def _find_neighbours(self) -> None:
        """Those that open turns above and below each, in its conversation; and above it in whatever conversation."""
        self._above, self._before = self._nearest(1)
        below, _ = self._nearest(-1)
        self._below = below
        newest_first = sum(
            bool(each.is_before(above)) - bool(above and above.is_before(each))
            for each, above in zip(self._some, self._above, strict=True)
            if each.opens
        )
        self._step = 1
        if newest_first > 0:
            self._step, self._above, self._below = -1, self._below, self._above
        self._places = {each.line: place for place, each in enumerate(self._some)}

    def _nearest(self, step: int) -> tuple[list[Candidate | None], list[Candidate | None]]:
        within: list[Candidate | None] = []
        anywhere: list[Candidate | None] = []
        last: Candidate | None = None
        for each in self._some[::step]:
            anywhere.append(last)
            within.append(last if last is not None and last.conversation == each.conversation else None)
            last = each if each.opens else last
        return within[::step], anywhere[::step]

    def _find_sides(self) -> None:
        self._sides: dict[int, dict[Role, set[str]]] = {}
        self._strangers: dict[int, set[str]] = {}
        for each in self._some:
            role = self._roles[each.name]
            if role is None and each.chance > IN_DOUBT:
                self._strangers.setdefault(each.conversation, set()).add(each.name)
            elif role is not None and each.opens:
                self._sides.setdefault(each.conversation, {}).setdefault(role, set()).add(each.name)

    def _look(self, place: int) -> Features:
        each = self._some[place]
        share = self._frames[each.frame] / self._most
        below = self._some[place + 1 : place + 2]
        cut_off = any(not other.opens and other.conversation == each.conversation for other in below)
        return {
            "frame_share": share,
            "frame_rare": share < 0.15,
            "parts_share": self._parts[each.parts] / self._all,
            "less_date": each.parts < self._usual_parts,
            "more_date": each.parts > self._usual_parts,
            "day_name": each.has_day_name,
            "apart": self._apart > 0.9 and each.apart,
            "not_apart": self._apart > 0.9 and not each.apart,
            "apart_as_others": 1 - abs(each.apart - self._apart),
            "says": each.says or cut_off,
            "lines": min(each.lines, _MOST_LINES) / _MOST_LINES,
        }

    def _time(self, place: int) -> Features:
        each, above, below, before = self._some[place], self._above[place], self._below[place], self._before[place]
        higher = self._above[self._places[above.line]] if above else None
        older = each.is_before(above)
        later = below is not None and below.is_before(each)
        crossed = below is not None and below.is_before(above)
        is_back_below = below is not None and not below.is_before(before)
        return {
            "first": above is None,
            "older": older,
            "other_day_older": older and above is not None and above.date != each.date,
            "older_across": above is None and each.is_before(before) and is_back_below,
            "below_late": older and higher is not None and not each.is_before(higher),
            "back_for": self._back_for(place, above) / _MOST_BACK if older else 0.0,
            "later": later and not crossed,
            "later_crossed": later and crossed,
            "undated_misfit": _misfits(each, above, below),
        }

    def _back_for(self, place: int, above: Candidate | None) -> int:
        """How many lines it takes until the times are again where they were above: pasted ones are few."""
        for count in range(1, _MOST_BACK):
            there = place + self._step * count
            if not 0 <= there < len(self._some) or self._some[there].conversation != self._some[place].conversation:
                break
            if not self._some[there].is_before(above):
                return count - 1
        return _MOST_BACK

    def _others(self, place: int) -> Features:
        each, count = self._some[place], self._names[self._some[place].name]
        runs, role, known = self._runs[each.name], self._roles[each.name], self._known[each.name]
        before = self._some[place - 1] if place else None
        after = self._some[place + 1] if place + 1 < len(self._some) else None
        others = (self._chances[each.name] - each.chance) / (count - 1) if count > 1 else 0.5
        sides = [role for role, names in self._sides.get(each.conversation, {}).items() if names - {each.name}]
        lacking = missing_side(sides)
        is_stranger = role is None and len(sides) > 1 and not lacking
        is_less = each.parts < self._usual_parts
        is_tail = is_less and place > self._last_dated.get(each.conversation, -1)
        was_dated = each.name in self._dated
        return {
            "tail": is_tail,
            "tail_known": is_tail and known,
            "tail_dated": is_tail and was_dated,
            "tail_once": is_tail and count == 1 and not known,
            "amid": is_less and not is_tail,
            "amid_known": is_less and not is_tail and (known or was_dated),
            "once": count == 1,
            "count": math.log(count),
            "share": count / len(self._some),
            "runs": math.log(max(runs, 1)),
            "one_run": runs <= 1 and count > 1,
            "same_name": others - 0.5,
            "below_empty": before is not None and not before.says,
            "before": 1 - before.chance if before else 0.0,
            "before_touching": 1 - before.chance if before and not before.says else 0.0,
            "after": 1 - after.chance if after else 0.0,
            "after_touching": 1 - after.chance if after and not each.says else 0.0,
            "nobody_else": not sides,
            "lacking": bool(lacking) and role in (None, lacking),
            "left_over": bool(lacking) and role is None and len(self._strangers.get(each.conversation, ())) == 1,
            "stranger": is_stranger,
            "stranger_once": is_stranger and count == 1,
            "stranger_for_agent": is_stranger and "agent" not in sides,
            "stranger_again": is_stranger and runs > 1,
        }


@lru_cache(maxsize=4096)
def _is_role(name: str) -> bool:
    return is_usual(name) and is_role_name(name)


@lru_cache(maxsize=4096)
def _of_name(name: str, has_role: bool) -> Features:
    is_event = _EVENT.search(name) is not None
    return {
        "role_name": _is_role(name),
        "role": has_role and not _is_role(name),
        "shop": _SHOP.search(name) is not None,
        "event": is_event,
        "event_role": is_event and has_role,
        "label": is_label(name) and any(map(str.isalpha, name)),
        "unusual": not is_usual(name),
        "sentence": _SENTENCE.search(name) is not None,
        "long": len(name) > _LONG,
        "very_long": len(name) > _VERY_LONG,
    }


@lru_cache(maxsize=4096)
def _has_number(name: str) -> bool:
    return _QQ_NUMBER.search(name) is not None


def _misfits(each: Candidate, above: Candidate | None, below: Candidate | None) -> bool:
    """Whether a clock without a date stands between two of one day and is of neither."""
    if each.parts or above is None or below is None or not (above.parts and below.parts) or above.date != below.date:
        return False
    return each.has_day_name or not above.clock <= each.clock <= below.clock
