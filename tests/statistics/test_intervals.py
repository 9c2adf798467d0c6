"""Intervals against closed forms, against scipy, and by simulation."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from preceptor.statistics.intervals import mean_interval, spread

SCORES = st.floats(min_value=0, max_value=1)
CLUSTERED = st.lists(st.tuples(SCORES, st.integers(0, 5)), min_size=1, max_size=30)


def test_mean_and_standard_error_of_single_item_clusters_are_the_textbook_ones() -> None:
    values = [0.0, 1.0, 1.0, 0.25, 0.5]
    found = mean_interval(values, range(5))
    assert found.mean == pytest.approx(0.55)
    assert found.stderr == pytest.approx(np.std(values, ddof=1) / math.sqrt(5))
    assert (found.n, found.clusters) == (5, 5)


def test_standard_error_over_clusters_is_that_of_their_means_when_they_are_of_one_size() -> None:
    values = [1, 1, 0, 0, 1, 0, 1, 1, 1]
    rows = [0, 0, 0, 1, 1, 1, 2, 2, 2]
    means = [2 / 3, 1 / 3, 1.0]
    expected = np.std(means, ddof=1) / math.sqrt(3)
    assert mean_interval(values, rows).stderr == pytest.approx(expected)


def test_repeating_each_item_within_its_cluster_changes_no_interval() -> None:
    values = [0.0, 1.0, 0.3, 0.9, 0.5, 0.1]
    once = mean_interval(values, range(6))
    tenfold = mean_interval(np.repeat(values, 10), np.repeat(range(6), 10).tolist())
    assert tenfold.low == pytest.approx(once.low)
    assert tenfold.high == pytest.approx(once.high)
    assert tenfold.stderr == pytest.approx(once.stderr)
    assert tenfold.n == 10 * once.n


def test_agrees_with_scipys_percentile_bootstrap_at_the_expanded_level() -> None:
    values = np.random.default_rng(7).beta(2, 5, size=60)
    reach = stats.t.ppf(0.975, 59) * math.sqrt(60 / 59)
    theirs = stats.bootstrap(
        (values,),
        np.mean,
        method="percentile",
        confidence_level=float(1 - 2 * stats.norm.cdf(-reach)),
        n_resamples=20_000,
        rng=np.random.default_rng(1),
    ).confidence_interval
    ours = mean_interval(values, range(60), resamples=20_000)
    assert ours.low == pytest.approx(theirs.low, abs=2e-3)
    assert ours.high == pytest.approx(theirs.high, abs=2e-3)


def test_many_clusters_give_the_normal_interval() -> None:
    values = np.random.default_rng(3).normal(size=3000)
    found = mean_interval(values, range(3000), resamples=4000)
    assert found.low == pytest.approx(found.mean - 1.96 * found.stderr, abs=3e-3)
    assert found.high == pytest.approx(found.mean + 1.96 * found.stderr, abs=3e-3)


@pytest.mark.parametrize(("groups", "per_group"), [(10, 1), (10, 8), (40, 3)])
def test_coverage_is_near_nominal_also_when_items_of_a_cluster_move_together(
    groups: int, per_group: int
) -> None:
    rng = np.random.default_rng(11)
    rows = np.repeat(range(groups), per_group).tolist()
    covered = 0
    for repeat in range(400):
        shared = np.repeat(rng.normal(size=groups), per_group)
        values = 0.5 + shared + 0.5 * rng.normal(size=len(rows))
        found = mean_interval(values, rows, resamples=400, seed=repeat)
        covered += found.low <= 0.5 <= found.high
    # Three binomial standard deviations around 0.95 are +-0.033; the rest is the bootstrap's own.
    assert 0.91 <= covered / 400 <= 0.985


def test_treating_templates_as_independent_would_cover_far_too_little() -> None:
    rng = np.random.default_rng(11)
    covered = 0
    for repeat in range(200):
        values = 0.5 + np.repeat(rng.normal(size=10), 8)
        found = mean_interval(values, range(80), resamples=400, seed=repeat)
        covered += found.low <= 0.5 <= found.high
    assert covered / 200 < 0.6


def test_a_higher_level_gives_a_wider_interval() -> None:
    values = np.random.default_rng(2).random(30)
    narrow, wide = (mean_interval(values, range(30), level=level) for level in (0.8, 0.99))
    assert wide.low < narrow.low < narrow.high < wide.high


def test_one_cluster_determines_no_interval_and_says_so() -> None:
    found = mean_interval([0.0, 1.0], ["row 1", "row 1"])
    assert (found.mean, found.low, found.high, found.stderr) == (0.5, 0.5, 0.5, 0.0)
    assert not found.determined


def test_equal_values_give_exactly_that_value_and_no_width() -> None:
    found = mean_interval([0.3] * 7, range(7))
    assert (found.mean, found.low, found.high, found.stderr) == (0.3, 0.3, 0.3, 0.0)
    assert found.determined


@given(CLUSTERED, st.sampled_from([0.01, 0.5, 0.95]))
@settings(max_examples=60, deadline=None)
def test_the_interval_holds_the_mean(items: list[tuple[float, int]], level: float) -> None:
    values, rows = zip(*items, strict=True)
    found = mean_interval(values, rows, level, resamples=50)
    assert found.low <= found.mean <= found.high
    assert min(values) - 1e-12 <= found.low
    assert found.high <= max(values) + 1e-12


@given(CLUSTERED.flatmap(lambda items: st.tuples(st.just(items), st.permutations(items))))
@settings(max_examples=60, deadline=None)
def test_the_order_of_items_changes_no_bit(
    orders: tuple[list[tuple[float, int]], list[tuple[float, int]]],
) -> None:
    first, second = (
        mean_interval([v for v, _ in items], [f"row {c}" for _, c in items], resamples=50)
        for items in orders
    )
    assert first == second


def test_the_same_seed_gives_the_same_interval_and_another_one_does_not() -> None:
    values = np.random.default_rng(5).random(25)
    assert mean_interval(values, range(25), seed=1) == mean_interval(values, range(25), seed=1)
    assert mean_interval(values, range(25), seed=1) != mean_interval(values, range(25), seed=2)


def test_how_many_draws_are_held_in_memory_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(5).random(25)
    whole = mean_interval(values, range(25), resamples=300)
    monkeypatch.setattr("preceptor.statistics.intervals.DRAWN_AT_ONCE", 75)
    assert mean_interval(values, range(25), resamples=300) == whole


@pytest.mark.parametrize(
    ("values", "clusters", "message"),
    [
        ([], [], "1\\+ items"),
        ([0.5, float("nan")], [0, 1], "value 1 is nan"),
        ([float("inf"), 0.5], [0, 1], "value 0 is inf"),
        ([0.5, 0.5], [0], "2 values but 1 clusters"),
    ],
)
def test_values_that_have_no_mean_are_refused(
    values: Sequence[float], clusters: Sequence[int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        mean_interval(values, clusters)


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0, float("nan")])
def test_a_level_outside_zero_to_one_is_refused(level: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        mean_interval([0.1, 0.2], [0, 1], level=level)


def test_no_resamples_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        mean_interval([0.1, 0.2], [0, 1], resamples=0)


def test_spread_is_the_samples_mean_deviation_and_range() -> None:
    found = spread([0.2, 0.4, 0.9])
    assert found.mean == pytest.approx(0.5)
    assert found.sd == pytest.approx(np.std([0.2, 0.4, 0.9], ddof=1))
    assert (found.low, found.high, found.n) == (0.2, 0.9, 3)


def test_one_template_has_no_spread_and_none_is_refused() -> None:
    assert spread([0.4]).sd == 0.0
    with pytest.raises(ValueError, match="1\\+ items"):
        spread([])
