"""Paired differences, the sign-flip test against scipy and by hand, and Holm's correction."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from preceptor.statistics.intervals import mean_interval
from preceptor.statistics.paired import holm, paired_difference

SCORES = st.floats(min_value=0, max_value=1)
ITEMS = st.lists(st.tuples(SCORES, SCORES, st.integers(0, 15)), min_size=1, max_size=40)


def test_difference_is_b_minus_a_with_the_interval_of_the_differences() -> None:
    a, b, rows = [0.0, 1.0, 0.0, 0.5], [1.0, 1.0, 0.0, 0.25], ["x", "x", "y", "z"]
    found = paired_difference(a, b, rows)
    interval = mean_interval([1.0, 0.0, 0.0, -0.25], rows)
    assert found.difference == pytest.approx(0.1875)
    assert (found.low, found.high) == (interval.low, interval.high)
    assert (found.wins, found.losses, found.ties) == (1, 1, 2)
    assert (found.n, found.clusters) == (4, 3)


def test_p_value_of_a_few_clusters_is_counted_by_hand() -> None:
    # Sums 3, 2, -1: of the eight sign patterns 3+2+1, 3+2-1 and their negatives reach 4.
    found = paired_difference([0, 0, 1], [3, 2, 0], range(3))
    assert found.p_value == 4 / 8


def test_all_of_five_clusters_better_cannot_give_less_than_two_in_thirty_two() -> None:
    assert paired_difference([0.0] * 5, [1.0] * 5, range(5)).p_value == 2 / 32


@pytest.mark.parametrize("count", [6, 12])
def test_exact_p_value_is_scipys(count: int) -> None:
    rng = np.random.default_rng(count)
    a, b = rng.random(count), rng.random(count) + 0.2
    theirs = stats.permutation_test(
        (a, b), lambda x, y: np.mean(y - x), permutation_type="samples", n_resamples=2**count
    )
    assert paired_difference(a, b, range(count)).p_value == pytest.approx(theirs.pvalue)


def test_random_flips_come_near_the_normal_p_value_of_many_clusters() -> None:
    rng = np.random.default_rng(4)
    noise = rng.normal(0, 0.1, size=300)
    change = noise - noise.mean() + 0.01
    z = change.sum() / np.sqrt((change**2).sum())
    expected = 2 * stats.norm.sf(abs(z))
    assert 0.05 < expected < 0.15
    assert paired_difference(np.zeros(300), change, range(300)).p_value == pytest.approx(
        expected, abs=0.015
    )


def test_random_flips_never_give_zero() -> None:
    found = paired_difference(np.zeros(200), np.ones(200), range(200))
    assert found.p_value == 1 / 4001


def test_flips_are_of_clusters_not_of_items() -> None:
    one_row_each = paired_difference([0] * 30, [1] * 30, range(30))
    three_rows = paired_difference([0] * 30, [1] * 30, [i // 10 for i in range(30)])
    assert one_row_each.p_value < 0.001
    assert three_rows.p_value == 2 / 8


def test_p_values_under_the_null_are_uniform_enough() -> None:
    rng = np.random.default_rng(9)
    rejected = sum(
        paired_difference(rng.random(9), rng.random(9), range(9), resamples=1).p_value <= 0.1
        for _ in range(500)
    )
    assert 0.06 <= rejected / 500 <= 0.14


def test_equal_models_show_nothing() -> None:
    found = paired_difference([0.1, 0.7, 1.0], [0.1, 0.7, 1.0], range(3))
    assert (found.difference, found.low, found.high, found.p_value) == (0.0, 0.0, 0.0, 1.0)
    assert (found.wins, found.losses, found.ties) == (0, 0, 3)


def test_one_item_determines_nothing() -> None:
    found = paired_difference([0.0], [1.0], ["only"])
    assert not found.determined
    assert found.p_value == 1.0


def test_sums_that_differ_only_by_rounding_count_as_equal() -> None:
    change = [0.1, 0.2, 0.3, -0.3, -0.2, -0.1 + 1e-17]
    assert paired_difference([0.0] * 6, change, range(6)).p_value == 1.0


@given(ITEMS.flatmap(lambda items: st.tuples(st.just(items), st.permutations(items))))
@settings(max_examples=40, deadline=None)
def test_the_order_of_items_changes_no_bit(
    orders: tuple[list[tuple[float, float, int]], list[tuple[float, float, int]]],
) -> None:
    first, second = (
        paired_difference(
            [a for a, _, _ in items], [b for _, b, _ in items], [row for *_, row in items]
        )
        for items in orders
    )
    assert first == second


@given(ITEMS)
@settings(max_examples=40, deadline=None)
def test_swapping_the_models_turns_the_sign_and_keeps_the_p_value(
    items: list[tuple[float, float, int]],
) -> None:
    a, b, rows = [a for a, _, _ in items], [b for _, b, _ in items], [row for *_, row in items]
    there, back = (paired_difference(x, y, rows, resamples=20) for x, y in ((a, b), (b, a)))
    assert back.difference == -there.difference
    assert back.p_value == there.p_value
    assert (back.wins, back.losses) == (there.losses, there.wins)
    assert 0 < there.p_value <= 1


def test_lengths_that_differ_and_missing_values_are_refused() -> None:
    with pytest.raises(ValueError, match="2 values but 3 clusters"):
        paired_difference([0.0, 1.0, 1.0], [0.0, 1.0], range(3))
    with pytest.raises(ValueError, match="value 0 is nan"):
        paired_difference([float("nan")], [0.0], [0])
    with pytest.raises(ValueError, match="1\\+ items"):
        paired_difference([], [], [])


def test_holm_on_a_worked_example_keeps_the_order_given() -> None:
    # 0.01 * 4, 0.02 * 3, max(0.06, 0.03 * 2), max(0.06, 0.04 * 1)
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_never_lowers_a_p_value_nor_passes_one_nor_turns_an_order(ps: list[float]) -> None:
    adjusted = holm(ps)
    assert all(p <= q <= 1 for p, q in zip(ps, adjusted, strict=True))
    ranked = [adjusted[i] for i in sorted(range(len(ps)), key=lambda i: ps[i])]
    assert ranked == sorted(ranked)


def test_holm_refuses_what_is_no_p_value() -> None:
    with pytest.raises(ValueError, match="p-value 1 is 1\\.5"):
        holm([0.5, 1.5])
    with pytest.raises(ValueError, match="nan"):
        holm([float("nan")])
