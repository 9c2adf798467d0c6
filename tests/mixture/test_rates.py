"""Mixing rates: the invariants, and FLAN's own mixture by its published sizes."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from preceptor.mixture.rates import apportion, by_tokens, mixing_rates, same_rows

# Training rows of FLAN's data sets that have fewer than 3,000, and how many have more, by cluster.
FLAN: dict[str, tuple[list[int], int]] = {
    "nli": ([200, 605, 2290], 7),
    "reading_comprehension": ([], 6),
    "closed_book_qa": ([919, 2051], 2),
    "commonsense": ([350, 1671], 2),
    "coreference": ([504, 1122], 1),
    "reading_with_commonsense": ([], 2),
    "sentiment": ([], 4),
    "paraphrase": ([], 4),
    "struct_to_text": ([], 4),
    "translation": ([], 8),
    "summarization": ([1659], 10),
    "conversational_qa": ([], 2),
    "text_formatting": ([], 3),
    "four_single_tasks": ([], 4),
}
FLAN_SHARES_PERCENT = {
    "summarization": 16.8,
    "nli": 12.8,
    "translation": 12.7,
    "reading_comprehension": 9.6,
    "sentiment": 6.4,
    "paraphrase": 6.4,
    "struct_to_text": 6.4,
    "closed_book_qa": 4.8,
    "text_formatting": 4.8,
    "commonsense": 4.3,
    "reading_with_commonsense": 3.2,
    "conversational_qa": 3.2,
    "coreference": 2.5,
    "four_single_tasks": 6.4,
}

sizes = st.lists(st.integers(0, 50_000), min_size=1, max_size=30).filter(any)


def flan_sizes() -> dict[str, int]:
    return {
        f"{cluster}/{n}": size
        for cluster, (small, full) in FLAN.items()
        for n, size in enumerate([*small, *[30_000] * full])
    }


def test_flans_data_sets_weigh_what_flan_gave_them() -> None:
    rates = mixing_rates(flan_sizes(), 3_000)
    assert len(rates) == 69
    assert sum(rate.rate for rate in rates) == 188_371
    shares = dict.fromkeys(FLAN, 0.0)
    for rate in rates:
        shares[rate.task.split("/")[0]] += 100 * rate.probability
    assert {name: round(share, 1) for name, share in shares.items()} == FLAN_SHARES_PERCENT


@given(sizes, st.integers(1, 10_000))
def test_probabilities_sum_to_one_and_none_is_above_that_of_a_full_task(
    rows: list[int], maximum: int
) -> None:
    rates = mixing_rates({str(n): size for n, size in enumerate(rows)}, maximum)
    total = sum(rate.rate for rate in rates)
    assert sum(rate.probability for rate in rates) == pytest.approx(1)
    for rate in rates:
        assert rate.rate == rate.rows if rate.rows <= maximum else rate.rate == maximum
        assert rate.probability <= maximum / total


def test_without_a_row_there_is_no_rate() -> None:
    with pytest.raises(ValueError, match="at least one task"):
        mixing_rates({"empty": 0}, 3_000)


@given(sizes, st.integers(0, 10**7))
def test_whole_numbers_sum_to_the_total_and_are_their_quota_rounded_down_or_up(
    weights: list[int], total: int
) -> None:
    counts = apportion(weights, total)
    assert sum(counts) == total
    for weight, count in zip(weights, counts, strict=True):
        assert abs(count - Fraction(weight * total, sum(weights))) < 1


def test_the_largest_remainders_get_what_is_left_and_the_first_of_equals() -> None:
    # Quotas 4.7, 3.1, 2.2: seven tenths is the largest remainder.
    assert apportion([47, 31, 22], 10) == [5, 3, 2]
    assert apportion([1, 1, 1], 4) == [2, 1, 1]
    with pytest.raises(ValueError, match="sum to 0"):
        apportion([0, 0], 4)


@given(st.lists(st.integers(1, 50_000), min_size=2, max_size=8), st.floats(1, 50))
def test_temperature_makes_rates_more_alike_and_keeps_their_order(
    rows: list[int], temperature: float
) -> None:
    named = {str(i): n for i, n in enumerate(rows)}
    plain, warm = mixing_rates(named, 3_000), mixing_rates(named, 3_000, temperature)
    assert sum(one.probability for one in warm) == pytest.approx(1)
    by_plain = sorted(range(len(rows)), key=lambda i: plain[i].rate)
    assert [warm[i].rate for i in by_plain] == sorted(one.rate for one in warm)
    spread = [max(o.rate for o in made) / min(o.rate for o in made) for made in (plain, warm)]
    assert spread[1] <= spread[0] * (1 + 1e-9)


def test_tasks_of_the_same_rows_have_one_rate_together() -> None:
    rows = {"matched": 30_000, "mismatched": 30_000, "other": 30_000}
    group = {"matched": 30_000, "mismatched": 30_000}
    rates = {one.task: one for one in mixing_rates(rows, 3_000, groups=[group])}
    assert rates["matched"].rate == rates["mismatched"].rate == 1_500
    assert rates["other"].probability == pytest.approx(0.5)


def test_the_same_rows_are_found_by_their_places() -> None:
    def places(*numbers: int) -> np.ndarray:
        return np.array(numbers, np.int64)

    found = same_rows(
        {
            "a": ("one file", places(0, 1, 2, 3)),
            "b": ("one file", places(1, 2, 3, 3)),
            "apart": ("one file", places(7, 8)),
            "elsewhere": ("another", places(0, 1, 2, 3)),
        }
    )
    assert found == [{"a": 4, "b": 4}]


@given(st.lists(st.tuples(st.integers(1, 9_000), st.floats(1, 500)), min_size=1, max_size=9))
def test_rates_by_tokens_share_the_tokens(tasks: list[tuple[int, float]]) -> None:
    rates = mixing_rates({str(i): n for i, (n, _) in enumerate(tasks)}, 3_000)
    tokens = {str(i): mean for i, (_, mean) in enumerate(tasks)}
    made = by_tokens(rates, tokens)
    shares = [one.probability * tokens[one.task] for one in made]
    for one, share in zip(rates, shares, strict=True):
        assert share / sum(shares) == pytest.approx(one.probability)


@given(st.lists(st.floats(0, 1e4), min_size=1, max_size=20).filter(any), st.integers(0, 10_000))
def test_weights_that_are_no_whole_numbers_are_apportioned_too(
    weights: list[float], total: int
) -> None:
    shares = apportion(weights, total)
    assert sum(shares) == total
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share - total * weight / sum(weights)) <= 1 + 1e-6 * total
