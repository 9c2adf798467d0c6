import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from preceptor.decontamination import grams
from preceptor.decontamination.grams import Batch, batch, spread, table, word_values

NUMBERS = {"a": 1, "b": 2, "c": 3}
VALUES = word_values(NUMBERS)
LETTERS = st.lists(st.sampled_from("abc?"), max_size=12)


def brute(
    texts: list[list[str]], whole: list[int], places: list[int], length: int
) -> set[tuple[int, int]]:
    """Place in the batch and in the evaluation side of every equal run, gaps counted."""
    flat = [NUMBERS.get(word, 0) for text in texts for word in [*text, "gap"]]
    return {
        (i, j)
        for j in places
        for i in range(len(flat) - length + 1)
        if flat[i : i + length] == whole[j : j + length]
    }


@given(
    st.lists(LETTERS, max_size=4),
    st.lists(st.sampled_from([1, 2, 3]), min_size=4, max_size=20),
    st.integers(1, 4),
)
def test_pairs_are_the_equal_runs(texts: list[list[str]], whole: list[int], length: int) -> None:
    places = np.arange(len(whole) - length + 1)
    # Each run its own text, so that none is passed over as repeated.
    made = table(np.array(whole, np.int32), VALUES, length, places, places)
    side = batch(texts, NUMBERS, VALUES)
    ours, theirs = made.pairs(side, np.array(whole, np.int32), made.hits(side))
    assert set(zip(ours.tolist(), theirs.tolist(), strict=True)) == brute(
        texts, whole, places.tolist(), length
    )


def test_a_run_that_a_text_repeats_is_kept_once() -> None:
    whole = np.array([1] * 50, np.int32)
    made = table(whole, VALUES, 3, np.arange(48), np.zeros(48, np.int64))
    assert made.places.tolist() == [0]


def test_keys_do_not_depend_on_where_a_run_stands() -> None:
    once, again = (
        batch([["a", "b", "c"]], NUMBERS, VALUES),
        batch([["c", "c"], ["a", "b", "c"]], NUMBERS, VALUES),
    )
    assert once.keys(3)[0] == again.keys(3)[3]
    assert once.keys(2)[0] != once.keys(3)[0]


def test_keys_are_the_same_on_every_machine() -> None:
    assert int(batch([["a", "b"]], NUMBERS, VALUES).keys(2)[0]) == 0x34640E968B61C23


def test_a_collision_is_never_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grams, "word_value", lambda word: 7)
    values = word_values(NUMBERS)
    whole = np.array([1, 2, 3], np.int32)
    made = table(whole, values, 3, np.array([0]), np.array([0]))
    side = batch([["c", "b", "a"], ["a", "b", "c"]], NUMBERS, values)
    assert len(made.hits(side)[0]) > 1  # all runs have one key now
    assert made.pairs(side, whole, made.hits(side))[0].tolist() == [4]


def test_tables_longer_than_a_chunk_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = np.array(np.random.default_rng(0).integers(1, 4, 300), np.int32)
    places = np.arange(0, 296, 2)
    one = table(whole, VALUES, 5, places, places)
    monkeypatch.setattr(grams, "_CHUNK", 7)
    other = table(whole, VALUES, 5, places, places)
    assert one.keys.tolist() == other.keys.tolist()
    assert one.places.tolist() == other.places.tolist()


def test_a_batch_shorter_than_a_run_has_no_keys() -> None:
    assert len(batch([], NUMBERS, VALUES).keys(2)) == 0
    assert isinstance(batch([], NUMBERS, VALUES), Batch)


def test_spread_counts_up_from_each_begin() -> None:
    assert spread(np.array([5, 9, 2]), np.array([2, 0, 3])).tolist() == [5, 6, 2, 3, 4]
