"""What moved against the previous period, and on what the channels disagree: only differences beyond chance.

Many differences are tested, and one in twenty would pass by luck; so the rate of false discoveries is held at 5 %
(Benjamini–Hochberg) within each family of questions — the stages, the aspects, the channels — on top of the 95 %
interval that each has to keep clear of zero. An aspect is tested over all stages at once: "物流" moved or it did not,
whichever stage its sentences were put in.
"""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, TypeVar

from feedback.journey.cells import Cell, Cells, Key, net_of, share_of, tally_of
from feedback.journey.model import Change, ChannelView, Disagreement, Parameters
from feedback.journey.quotes import typical_quotes
from feedback.journey.stages import STAGE_NAMES
from feedback.journey.stats import Estimate, difference, discoveries, distance_from_zero, p_value

MAX_CHANGES = 10
MAX_DISAGREEMENTS = 10


@dataclass(frozen=True, slots=True)
class _Moved:
    """One tested difference between the periods."""

    key: Key
    measure: Literal["net", "share"]
    cells: tuple[Cell, Cell]  # now, before
    estimates: tuple[Estimate, Estimate]
    sizes: tuple[int, int]  # what each estimate is a share or mean of
    difference: Estimate

    @property
    def p(self) -> float:
        return p_value(self.difference)

    @property
    def order(self) -> tuple[object, ...]:
        return -distance_from_zero(self.difference), self.key.aspect or "", self.key.stage or "", self.measure


def find_changes(connection: sqlite3.Connection, cells: tuple[Cells, Cells], parameters: Parameters) -> list[Change]:
    """The ten that moved most, in half-widths of their own interval, of stages and of aspects.

    `cells` are those of the period and of the previous one. Tested are: net sentiment where
    both periods have `minimum_n` effective segments of the subject; share where one of them has as many of the
    subject, and both have in all.
    """
    keys = {key for period in cells for key in period if key.channel is None}
    stages = [key for key in keys if key.stage is not None and key.aspect is None]
    aspects = [key for key in keys if key.stage is None and key.aspect is not None]
    moves = [
        moved
        for family in (stages, aspects)
        for moved in _beyond_chance(
            [moved for key in family for moved in _test(key, cells, parameters.minimum_n)], lambda moved: moved.p
        )
    ]
    moves.sort(key=lambda moved: moved.order)
    return [_change(connection, cells[0], moved, parameters.seed) for moved in moves[:MAX_CHANGES]]


def _test(key: Key, cells: tuple[Cells, Cells], minimum_n: int) -> Iterator[_Moved]:
    now, before = cells[0][key], cells[1][key]
    nets = net_of(now), net_of(before)
    sizes = now.effective, before.effective
    if nets[0] and nets[1] and min(sizes) >= minimum_n:
        yield _Moved(key, "net", (now, before), (nets[0], nets[1]), sizes, difference(nets[0], nets[1]))
    shares = share_of(now, cells[0].whole), share_of(before, cells[1].whole)
    wholes = cells[0].whole.effective, cells[1].whole.effective
    if shares[0] and shares[1] and min(wholes) >= minimum_n and max(sizes) >= minimum_n:
        yield _Moved(key, "share", (now, before), (shares[0], shares[1]), wholes, difference(shares[0], shares[1]))


def _change(connection: sqlite3.Connection, period: Cells, moved: _Moved, seed: int) -> Change:
    now, before = moved.cells
    stage = moved.key.stage or _main_stage(period, moved.key.aspect)
    if moved.measure == "share":
        quoted = now.evidence
    else:
        quoted = tuple(now.ids["positive" if moved.difference.value > 0 else "negative"])
    return Change(
        subject="stage" if moved.key.aspect is None else "aspect",
        name=moved.key.aspect or stage,
        stage=stage,
        measure=moved.measure,
        before=moved.estimates[1].value,
        now=moved.estimates[0].value,
        difference=moved.difference.value,
        low=moved.difference.low,
        high=moved.difference.high,
        n_before=moved.sizes[1],
        n_now=moved.sizes[0],
        quotes=typical_quotes(connection, quoted, seed),
        evidence=now.evidence,
        previous_evidence=before.evidence,
    )


def _main_stage(cells: Cells, aspect: str | None) -> str:
    """The stage in which most is said of an aspect; the undetermined one only where no other is named."""
    sizes = {name.key: cells[Key(name.key, aspect)].effective for name in STAGE_NAMES if name.key != "none"}
    largest = max(sizes, key=lambda stage: sizes[stage])
    return largest if sizes[largest] else "none"


@dataclass(frozen=True, slots=True)
class _Apart:
    """The best and the worst channel of an aspect; `p` allows for having picked them among all pairs (Bonferroni)."""

    aspect: str
    best: tuple[str, Cell]
    worst: tuple[str, Cell]
    difference: Estimate
    p: float


def find_disagreements(cells: Cells, minimum_n: int) -> list[Disagreement]:
    """The ten aspects on which the best and the worst channel lie farthest apart, in half-widths of the interval.

    Only channels with `minimum_n` effective segments on the aspect take part.
    """
    channels: dict[str, list[tuple[str, Cell]]] = {}
    for key in sorted((key for key in cells if key.channel is not None), key=str):
        if cells[key].effective >= minimum_n:
            channels.setdefault(key.aspect or "", []).append((key.channel or "", cells[key]))
    tested = [_compare(aspect, views) for aspect, views in channels.items() if len(views) > 1]
    believed = _beyond_chance(tested, lambda pair: pair.p)
    apart = sorted(believed, key=lambda pair: (-distance_from_zero(pair.difference), pair.aspect))
    return [
        Disagreement(
            aspect=pair.aspect,
            best=_view(*pair.best),
            worst=_view(*pair.worst),
            difference=pair.difference.value,
            low=pair.difference.low,
            high=pair.difference.high,
        )
        for pair in apart[:MAX_DISAGREEMENTS]
    ]


def _compare(aspect: str, views: list[tuple[str, Cell]]) -> _Apart:
    nets = [(net, view) for view in views if (net := net_of(view[1]))]
    ranked = sorted(nets, key=lambda pair: (pair[0].value, pair[1][0]))
    (low, worst), (high, best) = ranked[0], ranked[-1]
    apart = difference(high, low)
    pairs = sum(1 for _ in combinations(nets, 2))
    return _Apart(aspect, best, worst, apart, min(1.0, p_value(apart) * pairs))


def _view(channel: str, cell: Cell) -> ChannelView:
    return ChannelView(channel=channel, tally=tally_of(cell), evidence=cell.evidence)


_Tested = TypeVar("_Tested")


def _beyond_chance(tested: list[_Tested], p: Callable[[_Tested], float]) -> list[_Tested]:
    believed = discoveries([p(one) for one in tested])
    return [one for one, keep in zip(tested, believed, strict=True) if keep]
