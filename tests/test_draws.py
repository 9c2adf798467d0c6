"""Draws: the same for ever, independent by key, uniform."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preceptor import draws

keys = st.lists(st.integers() | st.text(), max_size=4)
seeds = st.integers()


def test_known_draws_never_change() -> None:
    """A change here would give every recipe in the world another mixture under the same seed."""
    assert draws.bits(0) == 12394014135065446812
    assert draws.bits(2023, "order", 5) == 13414056637348958048
    assert draws.bits(1, "é", -3) == 4929353357842738714
    assert draws.uniform(2023, "x") == 0.737331739835757
    assert draws.integer(100, 2023, "x") == 73
    assert draws.choose("abcdef", 2023, "x", 1) == "f"
    assert draws.sample(10, 4, 2023, "s") == [3, 6, 4, 9]
    assert draws.sample(1000, 4, 2023, "s") == [603, 889, 22, 151]
    assert draws.sample(3, 9, 2023, "s") == [0, 2, 1]
    assert [draws.permuted(i, 10, 2023, "p") for i in range(10)] == [9, 8, 4, 5, 6, 0, 3, 2, 1, 7]
    assert draws.permuted(123_456, 10**6, 2023, "p") == 604_884


@given(seeds, keys, seeds, keys)
def test_draws_differ_exactly_where_their_keys_do(
    seed: int, what: list[int | str], other_seed: int, other: list[int | str]
) -> None:
    same = (seed, what) == (other_seed, other)
    assert (draws.bits(seed, *what) == draws.bits(other_seed, *other)) == same


def test_keys_that_read_alike_are_different_keys() -> None:
    alike = [("ab", "c"), ("a", "bc"), ("abc",), ("abc", ""), ('ab","c',), (1, "1"), (11,), ("11",)]
    assert len({draws.bits(0, *key) for key in alike}) == len(alike)


@given(seeds, keys)
def test_a_draw_stays_in_its_range(seed: int, what: list[int | str]) -> None:
    assert 0 <= draws.uniform(seed, *what) < 1
    for n in (1, 2, 7, 2**63):
        assert 0 <= draws.integer(n, seed, *what) < n
    assert draws.choose("abc", seed, *what) in "abc"


def test_draws_are_spread_evenly() -> None:
    """Each of ten is drawn 1,000 times of 10,000, give or take six standard deviations."""
    counts = Counter(draws.integer(10, 3, "spread", i) for i in range(10_000))
    assert len(counts) == 10
    assert all(abs(count - 1_000) < 6 * 30 for count in counts.values())


@pytest.mark.parametrize("n", [0, -1])
def test_there_is_no_draw_from_nothing(n: int) -> None:
    with pytest.raises(ValueError, match=f"cannot draw from {n}"):
        draws.integer(n, 0)
    with pytest.raises(ValueError, match="cannot draw from 0"):
        draws.choose([], 0)


@given(st.integers(0, 200), st.integers(0, 250), seeds, keys)
def test_a_sample_is_distinct_and_of_the_size_asked_for(
    n: int, k: int, seed: int, what: list[int | str]
) -> None:
    drawn = draws.sample(n, k, seed, *what)
    assert len(drawn) == len(set(drawn)) == min(n, k)
    assert all(0 <= i < n for i in drawn)


@pytest.mark.parametrize("n", [8, 40])
def test_samples_reach_every_index_at_every_place(n: int) -> None:
    """8 is drawn by sorting, 40 by trying."""
    seen = {(i, place) for run in range(600) for place, i in enumerate(draws.sample(n, 3, run))}
    assert seen == {(i, place) for i in range(n) for place in range(3)}


@given(st.integers(1, 300), seeds, keys)
def test_permuted_is_a_permutation(n: int, seed: int, what: list[int | str]) -> None:
    assert sorted(draws.permuted(i, n, seed, *what) for i in range(n)) == list(range(n))


def test_permutations_differ_by_key_and_mix() -> None:
    first, second = ([draws.permuted(i, 1_000, 0, what) for i in range(1_000)] for what in "ab")
    assert sum(a == b for a, b in zip(first, second, strict=True)) < 20
    assert sum(i == place for i, place in enumerate(first)) < 20


@pytest.mark.parametrize("i", [-1, 5])
def test_permuted_refuses_what_is_outside(i: int) -> None:
    with pytest.raises(IndexError, match=rf"{i} is not in range\(5\)"):
        draws.permuted(i, 5, 0)


def walked(i: int, n: int, seed: int, what: list[int | str]) -> int:
    """The permutation as it is defined, each round hashed anew."""
    half = max(1, ((n - 1).bit_length() + 1) // 2)
    while True:
        left, right = i >> half, i % 2**half
        for turn in range(4):
            left, right = right, left ^ (draws.bits(seed, *what, turn, right) % 2**half)
        i = left << half | right
        if i < n:
            return i


@given(st.integers(1, 10**9), st.floats(0, 1, exclude_max=True), seeds, keys)
def test_what_is_remembered_of_a_permutation_changes_nothing(
    n: int, at: float, seed: int, what: list[int | str]
) -> None:
    i = int(at * n)
    assert draws.permuted(i, n, seed, *what) == walked(i, n, seed, what)
