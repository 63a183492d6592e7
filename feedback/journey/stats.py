"""Intervals for the figures of a digest. All are closed formulas, so a figure re-derives to the last digit.

Three ideas carry them:

- **One pseudo-rating at each end of the scale.** For polarities -1, 0, +1 this is the adjusted Wald interval for a
  difference of matched proportions (Bonett & Price 2012, J. Educ. Behav. Stat. 37(4); after Agresti & Min 2005, Stat.
  Med. 24(5)); the same step serves NPS and means of ratings, where Student's interval is far too narrow when nearly
  everyone gives five stars. `tests/test_stats.py` holds the coverage in simulation.
- **One voice is a cluster.** What one customer writes agrees with itself more than strangers do, so n is divided by a
  design effect (Kish 1965, Survey Sampling, 5.4 and 8.2) before an interval is made.
- **Differences** square and add the distances to the limits of both sides (MOVER: Zou & Donner 2008, Stat. Med.
  27(10); for proportions Newcombe 1998, Stat. Med. 17(8), method 10).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value and its 95 % limits; `low` <= `value` <= `high`."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Clusters:
    """Sums over clusters of (m, d): members that count, and the sum of what was measured on them.

    Enough for the variance of the ratio Σd / Σm without keeping the clusters.
    """

    sizes: float  # Σm
    squared_sizes: float  # Σm²
    squares: float  # Σd²
    products: float  # Σmd


def wilson(successes: int, n: int, design_effect: float = 1.0) -> Estimate:
    """A share with its score interval (Wilson 1927, J. Am. Stat. Assoc. 22). `n` must be positive."""
    share = successes / n
    size = n / design_effect
    centre = (share + Z95**2 / (2 * size)) / (1 + Z95**2 / size)
    half = Z95 / (1 + Z95**2 / size) * math.sqrt(share * (1 - share) / size + Z95**2 / (4 * size**2))
    return _bounded(share, centre - half, centre + half, (0.0, 1.0))


def mean_on_scale(
    total: float, squares: float, n: int, scale: tuple[float, float], design_effect: float = 1.0
) -> Estimate:
    """The mean of n ratings on a bounded scale, from their sum and sum of squares. `n` must be positive."""
    low, high = scale
    mean = total / n
    size = n / design_effect
    adjusted_size = size + 2
    adjusted_mean = (total / design_effect + low + high) / adjusted_size
    second_moment = (squares / design_effect + low**2 + high**2) / adjusted_size
    half = Z95 * math.sqrt(max(0.0, second_moment - adjusted_mean**2) / adjusted_size)
    return _bounded(mean, adjusted_mean - half, adjusted_mean + half, scale)


def net_sentiment(positive: int, negative: int, n: int, design_effect: float = 1.0) -> Estimate:
    """(positive - negative) / n, in -1..1. `n` counts the neutral ones too and must be positive."""
    return mean_on_scale(positive - negative, positive + negative, n, (-1.0, 1.0), design_effect)


def estimate_design_effect(clusters: Clusters, ratio: float, variance: float) -> float:
    """By how much clustering inflates the variance of `ratio` = Σd / Σm; at least 1.

    `variance` is that of one member when members are independent. The clustered variance is the linearised one of a
    ratio, widened for few clusters by (g / (g - 1))², g being Kish's effective number of them. Never more than
    Σm² / Σm, which is what clusters of identical members have; where there is no variance to compare with (everyone
    agrees) or one cluster only, that worst case is taken.
    """
    n = clusters.sizes
    worst = max(1.0, clusters.squared_sizes / n)
    effective = n**2 / clusters.squared_sizes
    if variance < 1e-12 or effective < 1 + 1e-9:
        return worst
    residual = clusters.squares - 2 * ratio * clusters.products + ratio**2 * clusters.squared_sizes
    clustered = max(0.0, residual) / n**2 * (effective / (effective - 1)) ** 2
    return min(worst, max(1.0, clustered / (variance / n)))


def difference(now: Estimate, before: Estimate) -> Estimate:
    """`now` minus `before` for independent samples."""
    value = now.value - before.value
    low = value - math.hypot(now.value - now.low, before.high - before.value)
    high = value + math.hypot(now.high - now.value, before.value - before.low)
    return Estimate(value, low, high)


def distance_from_zero(estimate: Estimate) -> float:
    """How many half-intervals lie between the value and zero, measured on zero's side; over 1, zero is excluded."""
    half = estimate.value - estimate.low if estimate.value > 0 else estimate.high - estimate.value
    if estimate.value == 0:
        return 0.0
    return abs(estimate.value) / half if half > 0 else math.inf


def p_value(estimate: Estimate) -> float:
    """The two-sided p for "it is zero" that goes with a 95 % interval (Altman & Bland 2011, BMJ 343:d2304).

    Below 0.05 exactly when the interval excludes zero.
    """
    return math.erfc(Z95 * distance_from_zero(estimate) / math.sqrt(2))


def discoveries(p_values: Sequence[float], rate: float = 0.05) -> list[bool]:
    """Which hypotheses to believe when many are tested at once (Benjamini & Hochberg 1995, J. R. Stat. Soc. B 57).

    Among the believed ones a share of at most `rate` is expected to be chance.
    """
    ranked = sorted(p_values)
    count = len(ranked)
    threshold = max((p for rank, p in enumerate(ranked, 1) if p <= rate * rank / count), default=-1.0)
    return [p <= threshold for p in p_values]


def has_definition(metric: str, scale: tuple[float, float]) -> bool:
    """Whether the metric's standard definition covers the scale: NPS asks 0-10 (or 1-10), CSAT has boxes to count."""
    low, high = scale
    if metric == "nps":
        return high == 10 and low in (0, 1)
    return high > low and (metric != "csat" or high - low <= 10)


def metric_estimate(metric: str, values: Iterable[float], scale: tuple[float, float]) -> Estimate:
    """A score metric by its standard definition over at least one value.

    nps (Reichheld 2003, HBR 81(12)): share of 9-10 minus share of 0-6, times 100. csat: share of the two best boxes,
    times 100 (of a thumbs-up/down scale: the best one). ces, star and anything else: the mean.
    """
    ratings = list(values)
    n = len(ratings)
    if metric == "nps":
        return _percent(net_sentiment(sum(v >= 9 for v in ratings), sum(v <= 6 for v in ratings), n))
    if metric == "csat":
        boxes = 1 if scale[1] - scale[0] > 1 else 0
        return _percent(wilson(sum(v >= scale[1] - boxes for v in ratings), n))
    return mean_on_scale(math.fsum(ratings), math.fsum(v * v for v in ratings), n, scale)


def _percent(estimate: Estimate) -> Estimate:
    return Estimate(estimate.value * 100, estimate.low * 100, estimate.high * 100)


def _bounded(value: float, low: float, high: float, scale: tuple[float, float]) -> Estimate:
    # Rounding must not push a limit past the value or the end of the scale.
    return Estimate(float(value), min(value, float(max(low, scale[0]))), max(value, float(min(high, scale[1]))))
