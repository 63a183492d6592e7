"""Charts as inline SVG, one strip per row.

Positions are percentages of the strip's width and nothing in it is text, so that a strip fits a phone and a page
alike without its lettering shrinking; the row around it holds the words, and `label` says the same to those who hear
the page. Colours are classes of the digest's style sheet, which knows light from dark.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from feedback.journey.model import Tally

_MARGIN = 3.0  # percent left free at both ends, for the dots at -100 % and +100 %


@dataclass(frozen=True, slots=True)
class Point:
    """A value in -1..1 with its interval, coloured by `style`."""

    value: float
    low: float
    high: float
    style: str


def net_strip(now: Tally, before: Tally | None, label: str) -> Markup:
    """Net sentiment on -100 %..+100 %: dot and whisker now, hollow ring before."""
    parts = [_axis()]
    if before is not None and before.net is not None:
        parts.append(_circle(_at(before.net), "previous"))
    if now.net is not None and now.low is not None and now.high is not None:
        parts.append(_whisker(Point(now.net, now.low, now.high, side(now)), 1.0))
    return _strip(label, parts)


def side(tally: Tally) -> str:
    """`positive` or `negative` when the whole interval lies there, else `level`."""
    if tally.low is not None and tally.low > 0:
        return "positive"
    return "negative" if tally.high is not None and tally.high < 0 else "level"


def points_strip(points: Sequence[Point], label: str) -> Markup:
    """Several values on one -100 %..+100 % axis."""
    return _strip(label, [_axis(), *(_whisker(point, 1.0) for point in points)])


def volume_strip(share: float, before: float | None, largest: float, label: str) -> Markup:
    """A bar in proportion to the largest share, an upright tick where it stood before."""
    scale = 100 / largest if largest else 0.0
    parts = [_rect(0, share * scale, "volume")]
    if before is not None:
        x = _percent(min(before * scale, 99.5))
        parts.append(Markup('<line class="tick" x1="{0}" x2="{0}" y1="3" y2="21"/>').format(x))
    return _strip(label, parts)


def change_strip(change: Point, span: float, label: str) -> Markup:
    """A bar from no change to the difference with the whisker of its interval; `span` is the axis's half-width."""
    zero, end = _at(0.0), _at(change.value / span)
    bar = _rect(min(zero, end), abs(end - zero), f"bar {change.style}")
    return _strip(label, [_axis(), bar, _whisker(change, span)])


def polarity_bar(tally: Tally, label: str) -> Markup:
    """Negative, neutral and positive segments as parts of one bar."""
    parts, x = [], 0.0
    for count, style in ((tally.negative, "negative"), (tally.neutral, "neutral"), (tally.positive, "positive")):
        width = 100 * count / tally.effective if tally.effective else 0.0
        if width:
            parts.append(_rect(x, width, f"part {style}", height=8, y=0))
        x += width
    return _strip(label, parts, height=8)


def _at(value: float) -> float:
    return 50 + (50 - _MARGIN) * max(-1.0, min(1.0, value))


def _percent(x: float) -> str:
    return f"{x:.2f}%"


def _axis() -> Markup:
    left, right = _percent(_at(-1)), _percent(_at(1))
    base = Markup('<line class="axis" x1="{}" x2="{}" y1="12" y2="12"/>').format(left, right)
    return base + Markup('<line class="zero" x1="50%" x2="50%" y1="3" y2="21"/>')


def _whisker(point: Point, span: float) -> Markup:
    low, high = _percent(_at(point.low / span)), _percent(_at(point.high / span))
    line = Markup('<line class="whisker {}" x1="{}" x2="{}" y1="12" y2="12"/>').format(point.style, low, high)
    return line + _circle(_at(point.value / span), f"dot {point.style}")


def _circle(x: float, style: str) -> Markup:
    return Markup('<circle class="{}" cx="{}" cy="12" r="5"/>').format(style, _percent(x))


def _rect(x: float, width: float, style: str, height: int = 10, y: int = 7) -> Markup:
    shape = Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>')
    return shape.format(style, _percent(x), y, _percent(width), height)


def _strip(label: str, parts: Sequence[Markup], height: int = 24) -> Markup:
    head = Markup('<svg class="strip" role="img" aria-label="{0}" width="100%" height="{1}"><title>{0}</title>')
    return head.format(label, height) + Markup("").join(parts) + Markup("</svg>")
