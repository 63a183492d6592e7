"""Segments counted into cells: all of them, a stage, an aspect, an aspect within a stage, an aspect on a channel.

A cell keeps segment ids and sums over voices, no texts. A voice is one verbatim, or all that one customer wrote in one
chat or survey response: its segments are not independent opinions, and intervals allow for that.

An aspect counts once per segment. Praised and blamed in the same one it counts as neutral, as the codebook
has it for a segment; so a cell's positive, neutral and negative segments are disjoint, and add up to its evidence.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from feedback.errors import DigestError
from feedback.journey.model import Tally
from feedback.journey.stages import STAGE_NAMES
from feedback.journey.stats import Clusters, Estimate, estimate_design_effect, net_sentiment, wilson
from storage.figures import SegmentMark

_SIGNS = {"positive": 1, "neutral": 0, "negative": -1}
_POLARITIES = {sign: polarity for polarity, sign in _SIGNS.items()}
_STAGES = {name.key for name in STAGE_NAMES}


class Key(NamedTuple):
    """Which segments a cell counts; None: any."""

    stage: str | None = None
    aspect: str | None = None
    channel: str | None = None


class Cell:
    """The segments of one key. `raw` counts all, everything else the effective ones."""

    __slots__ = ("cluster_products", "ids", "raw", "size_products", "squared_sizes", "squares")

    def __init__(self) -> None:
        self.raw = 0
        self.ids: dict[str, list[int]] = {polarity: [] for polarity in _SIGNS}
        self.squared_sizes = 0
        self.squares = 0
        self.cluster_products = 0  # Σ size · balance
        self.size_products = 0  # Σ size · effective segments of the voice anywhere

    def add_voice(self, size: int, balance: int, whole_size: int) -> None:
        """`size` segments of one voice fall in here, positive minus negative ones being `balance`."""
        self.squared_sizes += size * size
        self.squares += balance * balance
        self.cluster_products += size * balance
        self.size_products += size * whole_size

    @property
    def effective(self) -> int:
        return sum(map(len, self.ids.values()))

    @property
    def evidence(self) -> tuple[int, ...]:
        return tuple(sorted(segment_id for ids in self.ids.values() for segment_id in ids))

    def count(self, polarity: str) -> int:
        return len(self.ids[polarity])


class Cells:
    """All cells of one period; a key nobody spoke of has an empty cell."""

    def __init__(self, cells: dict[Key, Cell]) -> None:
        self._cells = cells

    def __getitem__(self, key: Key) -> Cell:
        return self._cells.get(key) or Cell()

    @property
    def whole(self) -> Cell:
        return self[Key()]

    def __iter__(self) -> Iterator[Key]:
        return iter(self._cells)


# Plain tuples while counting (a `Key` equals one, but takes thrice the time to make): stage, aspect, channel.
_Plain = tuple[str | None, str | None, str | None]
_WHOLE: _Plain = (None, None, None)


def read_cells(marks: Iterable[SegmentMark]) -> Cells:
    """Count segments that come voice by voice. `DigestError` for a mark no digest knows."""
    cells: defaultdict[_Plain, Cell] = defaultdict(Cell)
    for _, segments in groupby(marks, key=itemgetter(0)):
        sums: dict[_Plain, list[int]] = {}
        whole_size = 0
        for mark in segments:
            whole_size += mark.effective
            for key, sign in _keys(mark):
                cell = cells[key]
                cell.raw += 1
                if mark.effective:
                    cell.ids[_POLARITIES[sign]].append(mark.segment_id)
                    size_and_balance = sums.setdefault(key, [0, 0])
                    size_and_balance[0] += 1
                    size_and_balance[1] += sign
        for key, (size, balance) in sums.items():
            cells[key].add_voice(size, balance, whole_size)
    return Cells({Key(*key): cell for key, cell in cells.items()})


def _keys(mark: SegmentMark) -> Iterator[tuple[_Plain, int]]:
    """The cells a segment falls in, and its polarity there."""
    stage = mark.stage
    if stage not in _STAGES:
        raise DigestError(f"Segment {mark.segment_id} has the stage '{stage}', which no digest knows.")
    sign = _sign(mark.sentiment, mark.segment_id)
    yield _WHOLE, sign
    yield (stage, None, None), sign
    for aspect, sign in _aspect_signs(mark).items():
        yield (stage, aspect, None), sign
        yield (None, aspect, None), sign
        yield (None, aspect, mark.channel), sign


def _aspect_signs(mark: SegmentMark) -> dict[str, int]:
    signs: dict[str, set[int]] = {}
    for aspect, sentiment in mark.mentions:
        signs.setdefault(aspect, set()).add(_sign(sentiment, mark.segment_id))
    return {aspect: sum(found) for aspect, found in signs.items()}


def _sign(sentiment: str, segment_id: int) -> int:
    if sentiment not in _SIGNS:
        raise DigestError(f"Segment {segment_id} has the sentiment '{sentiment}', which no digest knows.")
    return _SIGNS[sentiment]


def net_of(cell: Cell) -> Estimate | None:
    """Net sentiment with the interval that allows for voices of several segments; None for an empty cell."""
    n = cell.effective
    if n == 0:
        return None
    positive, negative = cell.count("positive"), cell.count("negative")
    net = (positive - negative) / n
    clusters = Clusters(n, cell.squared_sizes, cell.squares, cell.cluster_products)
    design_effect = estimate_design_effect(clusters, net, (positive + negative) / n - net**2)
    return net_sentiment(positive, negative, n, design_effect)


def share_of(cell: Cell, whole: Cell) -> Estimate | None:
    """The cell's share of the effective segments of `whole`; None when there are none."""
    n = whole.effective
    if n == 0:
        return None
    share = cell.effective / n
    clusters = Clusters(n, whole.squared_sizes, cell.squared_sizes, cell.size_products)
    return wilson(cell.effective, n, estimate_design_effect(clusters, share, share * (1 - share)))


def tally_of(cell: Cell) -> Tally:
    net = net_of(cell)
    return Tally(
        raw=cell.raw,
        effective=cell.effective,
        positive=cell.count("positive"),
        neutral=cell.count("neutral"),
        negative=cell.count("negative"),
        net=net.value if net else None,
        low=net.low if net else None,
        high=net.high if net else None,
    )
