"""Mixing rates: the invariants, and FLAN's own mixture by its published sizes."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preceptor.mixture.rates import apportion, mixing_rates

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
