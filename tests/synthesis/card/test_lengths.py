import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preceptor.synthesis.card.lengths import BINS, lengths, measured
from tests.synthesis.card.made import plain


@given(st.lists(st.integers(0, 2_000), min_size=1, max_size=200))
def test_figures_are_those_of_the_values(words: list[int]) -> None:
    found = measured(words)
    assert found.texts == len(words)
    assert found.mean == pytest.approx(statistics.fmean(words))
    assert found.median == statistics.median(words)
    assert (found.least, found.most) == (min(words), max(words))
    assert sum(n <= found.high for n in words) >= 0.95 * len(words)
    assert sum(n < found.low for n in words) <= 0.05 * len(words)


@given(st.lists(st.integers(0, 2_000), min_size=1, max_size=200))
def test_every_text_is_in_its_bin_of_the_histogram(words: list[int]) -> None:
    bins = measured(words).histogram
    assert sum(one.count for one in bins) == len(words)
    assert len(bins) <= BINS + 1
    for one in bins:
        high = float("inf") if one.high is None else one.high
        assert one.count == sum(one.low <= n < high for n in words)
    assert [one.high for one in bins[:-1]] == [one.low for one in bins[1:]]


def test_the_longest_share_an_open_bin() -> None:
    bins = measured([*range(1, 200), 5_000]).histogram
    assert bins[-1].high is None
    assert bins[-1].count >= 1
    assert bins[-1].low < 5_000


def test_inputs_are_counted_where_there_are_some_and_as_they_are_written() -> None:
    found = lengths([plain("Do it now.", "N/A"), plain("Do it.", "one two three"), plain("Do.")])
    assert found["input"].texts == 1
    assert found["input"].mean == 3
    assert found["input, as written"].texts == 3
    assert found["input, as written"].mean == pytest.approx(4 / 3)
    assert found["instruction"].mean == 2


def test_a_part_that_no_record_has_is_not_there() -> None:
    assert "input" not in lengths([plain("Do.")])


def test_no_lengths_have_no_figures() -> None:
    with pytest.raises(ValueError, match="no lengths"):
        measured([])
