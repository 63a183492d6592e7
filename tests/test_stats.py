"""Formulas against published examples, and their coverage in simulation."""

import math
import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.journey.stats import (
    Clusters,
    Estimate,
    difference,
    discoveries,
    distance_from_zero,
    estimate_design_effect,
    has_definition,
    mean_on_scale,
    metric_estimate,
    net_sentiment,
    p_value,
    wilson,
)


def _rounded(estimate: Estimate, digits: int = 4) -> tuple[float, float, float]:
    return round(estimate.value, digits), round(estimate.low, digits), round(estimate.high, digits)


@pytest.mark.parametrize(
    "successes, n, expected",
    [
        (81, 263, (0.3080, 0.2553, 0.3662)),  # Newcombe 1998, Stat. Med. 17:857, table I, method 3
        (15, 148, (0.1014, 0.0624, 0.1605)),
        (0, 20, (0.0, 0.0, 0.1611)),
        (1, 29, (0.0345, 0.0061, 0.1718)),
    ],
)
def test_wilson_agrees_with_newcombes_published_intervals(
    successes: int, n: int, expected: tuple[float, float, float]
) -> None:
    assert _rounded(wilson(successes, n)) == expected


def test_net_sentiment_is_bonett_and_prices_interval() -> None:
    # 8 for, 2 against of 20: 9/22 - 3/22 ± z · sqrt((12/22 - (6/22)²) / 22), worked by hand.
    assert _rounded(net_sentiment(8, 2, 20)) == (0.3, -0.0141, 0.5595)


def test_a_difference_of_shares_agrees_with_newcombes_published_interval() -> None:
    # 56/70 against 48/80: Newcombe 1998, Stat. Med. 17:873, table II, method 10.
    assert _rounded(difference(wilson(56, 70), wilson(48, 80))) == (0.2, 0.0524, 0.3339)


def test_benjamini_and_hochbergs_own_example_rejects_their_four() -> None:
    p = [
        0.0001,
        0.0004,
        0.0019,
        0.0095,
        0.0201,
        0.0278,
        0.0298,
        0.0344,
        0.0459,
        0.324,
        0.4262,
        0.5719,
        0.6528,
        0.759,
        1,
    ]
    assert discoveries(p) == [True] * 4 + [False] * 11
    assert discoveries(list(reversed(p))) == [False] * 11 + [True] * 4
    assert discoveries([]) == []


def test_a_discovery_carries_the_smaller_p_values_with_it() -> None:
    assert discoveries([0.04, 0.045, 0.03]) == [True, True, True]


@pytest.mark.parametrize(
    "estimate, p",
    [(Estimate(0.2, 0.0, 0.4), 0.05), (Estimate(-0.2, -0.4, 0.0), 0.05), (Estimate(0.0, -0.1, 0.1), 1.0)],
)
def test_p_is_five_percent_when_the_interval_touches_zero(estimate: Estimate, p: float) -> None:
    assert p_value(estimate) == pytest.approx(p)


def test_a_difference_without_any_spread_is_certain() -> None:
    assert distance_from_zero(Estimate(1.0, 1.0, 1.0)) == math.inf
    assert p_value(Estimate(1.0, 1.0, 1.0)) == 0.0


_Tallies = st.tuples(st.integers(0, 400), st.integers(0, 400), st.integers(0, 400)).filter(any)


@given(_Tallies, st.floats(1, 20))
def test_limits_hold_their_value_and_the_scale(tally: tuple[int, int, int], effect: float) -> None:
    positive, neutral, negative = tally
    n = positive + neutral + negative
    net = net_sentiment(positive, negative, n, effect)
    assert -1 <= net.low <= net.value <= net.high <= 1
    share = wilson(positive, n, effect)
    assert 0 <= share.low <= share.value <= share.high <= 1


@given(_Tallies)
def test_praise_and_blame_swapped_mirror_the_interval(tally: tuple[int, int, int]) -> None:
    positive, neutral, negative = tally
    n = sum(tally)
    one, other = net_sentiment(positive, negative, n), net_sentiment(negative, positive, n)
    assert (one.value, one.low, one.high) == pytest.approx((-other.value, -other.high, -other.low))
    assert neutral == n - positive - negative


@given(_Tallies, _Tallies)
def test_p_is_below_five_percent_just_when_the_difference_excludes_zero(
    now: tuple[int, int, int], before: tuple[int, int, int]
) -> None:
    moved = difference(net_sentiment(now[0], now[2], sum(now)), net_sentiment(before[0], before[2], sum(before)))
    assert moved.low <= moved.value <= moved.high
    if abs(p_value(moved) - 0.05) > 1e-9:
        assert (p_value(moved) < 0.05) == (moved.low > 0 or moved.high < 0)


CLUSTER_CASES = [
    # Clusters as (segments, positive - negative); variance of one segment; design effect.
    ([(1, 1), (1, -1), (1, 0), (1, 1)], 0.6875, 1.0),  # one segment each: no clustering
    ([(2, 2), (2, -2), (2, 2), (2, -2)], 1.0, 2.0),  # two identical segments each: n halves
    ([(2, 0), (2, 0), (2, 0)], 1.0, 1.0),  # agreement below chance is not rewarded
    ([(4, 0), (4, 2), (4, -2), (4, 4), (4, -4), (4, 0)], 0.8, 3.0),  # 40 / 24² · (6 / 5)² / (0.8 / 24)
    ([(5, 3)], 0.64, 5.0),  # one verbatim: nothing to compare it with, the worst case
    ([(1, 1), (1, 1), (3, 3)], 0.0, 2.2),  # all agree: the worst case, 11 / 5
]


@pytest.mark.parametrize("clusters, variance, expected", CLUSTER_CASES)
def test_the_design_effect_lies_between_independence_and_identical_members(
    clusters: list[tuple[int, int]], variance: float, expected: float
) -> None:
    net = sum(d for _, d in clusters) / sum(m for m, _ in clusters)
    assert estimate_design_effect(_sums(clusters), net, variance) == pytest.approx(expected)


def _sums(clusters: Sequence[tuple[int, int]]) -> Clusters:
    return Clusters(
        sizes=sum(m for m, _ in clusters),
        squared_sizes=sum(m * m for m, _ in clusters),
        squares=sum(d * d for _, d in clusters),
        products=sum(m * d for m, d in clusters),
    )


COVERAGE_CASES = [
    # verbatims, P(positive), P(negative), how alike one verbatim's segments are, segments per verbatim, least coverage
    (10, 0.4, 0.3, 0.0, (1,), 0.93),
    (30, 0.9, 0.05, 0.0, (1,), 0.93),
    (30, 0.4, 0.3, 0.5, (1, 2, 3, 4, 6), 0.93),
    (100, 0.7, 0.2, 0.5, (1, 2, 3, 4, 6), 0.93),
    (10, 0.05, 0.85, 0.5, (1, 2, 3, 4, 6), 0.93),
]


@pytest.mark.parametrize("verbatims, positive, negative, alike, sizes, least", COVERAGE_CASES)
def test_the_net_sentiment_interval_covers_the_truth_though_segments_of_one_verbatim_agree(
    verbatims: int, positive: float, negative: float, alike: float, sizes: tuple[int, ...], least: float
) -> None:
    rng = random.Random(7)
    covered = naive = 0
    for _ in range(800):
        clusters, counts = _simulated(rng, verbatims, (positive, negative, alike), sizes)
        n = sum(counts.values())
        net = (counts[1] - counts[-1]) / n
        effect = estimate_design_effect(_sums(clusters), net, (counts[1] + counts[-1]) / n - net**2)
        estimate = net_sentiment(counts[1], counts[-1], n, effect)
        covered += estimate.low <= positive - negative <= estimate.high
        plain = net_sentiment(counts[1], counts[-1], n)
        naive += plain.low <= positive - negative <= plain.high
    assert covered / 800 >= least
    if alike and verbatims >= 30:
        assert naive / 800 < 0.9  # what the design effect is there for


def _simulated(
    rng: random.Random, verbatims: int, chances: tuple[float, float, float], sizes: tuple[int, ...]
) -> tuple[list[tuple[int, int]], dict[int, int]]:
    positive, negative, alike = chances

    def draw() -> int:
        return rng.choices((1, -1, 0), (positive, negative, 1 - positive - negative))[0]

    clusters, counts = [], {1: 0, 0: 0, -1: 0}
    for _ in range(verbatims):
        mood = draw()
        signs = [mood if rng.random() < alike else draw() for _ in range(rng.choice(sizes))]
        clusters.append((len(signs), sum(signs)))
        for sign in signs:
            counts[sign] += 1
    return clusters, counts


@pytest.mark.parametrize(
    "weights, n",
    [((8, 4, 5, 13, 70), 10), ((8, 4, 5, 13, 70), 40), ((10, 20, 40, 20, 10), 10), ((1, 0, 0, 4, 95), 20)],
)
def test_the_mean_of_stars_is_covered_though_nearly_all_give_five(weights: tuple[int, ...], n: int) -> None:
    rng = random.Random(7)
    truth = sum(star * weight for star, weight in enumerate(weights, 1)) / 100
    covered = 0
    for _ in range(800):
        stars = rng.choices((1, 2, 3, 4, 5), weights, k=n)
        estimate = mean_on_scale(sum(stars), sum(s * s for s in stars), n, (1, 5))
        covered += estimate.low <= truth <= estimate.high
    assert covered / 800 >= 0.94


METRIC_CASES = [
    # 5 promoters, 2 passives, 3 detractors: 20.
    ("nps", [9, 10, 10, 9, 9, 7, 8, 6, 0, 3], (0, 10), (20.0, -34.11, 67.45)),
    # 3 of 4 in the boxes 4 and 5.
    ("csat", [5, 4, 4, 3], (1, 5), (75.0, 30.06, 95.44)),
    ("csat", [7, 6, 5, 1], (1, 7), (50.0, 15.0, 85.0)),
    # Thumbs: only up is satisfied.
    ("csat", [1, 1, 0], (0, 1), (66.67, 20.77, 93.85)),
    ("ces", [5, 6, 7], (1, 7), (6.0, 3.25, 7.0)),
    # One rating says next to nothing: the interval is nearly the scale.
    ("star", [5], (1, 5), (5.0, 1.53, 5.0)),
]


@pytest.mark.parametrize("metric, values, scale, expected", METRIC_CASES)
def test_metrics_follow_their_standard_definitions(
    metric: str, values: list[float], scale: tuple[float, float], expected: tuple[float, float, float]
) -> None:
    assert _rounded(metric_estimate(metric, values, scale), 2) == expected


@pytest.mark.parametrize(
    "metric, scale, defined",
    [
        ("nps", (0, 10), True),
        ("nps", (1, 10), True),
        ("nps", (1, 5), False),
        ("csat", (0, 1), True),
        ("csat", (1, 10), True),
        ("csat", (0, 100), False),
        ("ces", (1, 7), True),
        ("star", (0, 50), True),
        ("star", (5, 5), False),
    ],
)
def test_a_metric_is_only_computed_on_a_scale_it_is_defined_on(
    metric: str, scale: tuple[float, float], defined: bool
) -> None:
    assert has_definition(metric, scale) is defined
