import pytest
from hypothesis import given
from hypothesis import strategies as st

from preceptor.tasks.slices import Slice, parse_slice, take


def rows(slice: Slice, n: int, most: int = 0, seed: int = 0) -> list[int]:
    found = take((f"row {place}" for place in range(n)), slice, "rain", most, seed)
    assert all(row == f"row {place}" for place, row in found)
    assert found == sorted(found)
    return [place for place, _ in found]


@pytest.mark.parametrize(
    ("text", "slice"),
    [
        ("train", Slice("train")),
        ("train_r1[:-200]", Slice("train_r1", None, -200)),
        ("train[-200:]", Slice("train", -200, None)),
        ("validation[:200]", Slice("validation", None, 200)),
        ("train[200:400]", Slice("train", 200, 400)),
    ],
)
def test_a_slice_is_read(text: str, slice: Slice) -> None:
    assert parse_slice(text) == slice


@pytest.mark.parametrize("text", ["", "train[", "train[5]", "train[5:]", "train[-9:-3]", "t[9:3]"])
def test_what_one_pass_cannot_take_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write"):
        parse_slice(text)


@given(st.integers(0, 300), st.integers(1, 120))
def test_train_and_validation_part_a_split(n: int, held: int) -> None:
    train, held_out = rows(Slice("t", None, -held), n), rows(Slice("t", -held), n)
    assert sorted(train + held_out) == list(range(n))
    assert len(held_out) == min(held, n)


@given(st.integers(1, 300), st.integers(0, 100), st.integers(1, 100))
def test_head_slices_follow_one_another(n: int, start: int, more: int) -> None:
    one, two = (
        rows(Slice("t", None, start or 1), n),
        rows(Slice("t", start or 1, start + 1 + more), n),
    )
    assert not set(one) & set(two)
    assert set(one) | set(two) == set(rows(Slice("t", None, start + 1 + more), n))


@given(st.integers(0, 200), st.integers(1, 50), st.integers(1, 60), st.integers(0, 5))
def test_a_sample_is_part_of_its_slice(n: int, held: int, most: int, seed: int) -> None:
    for slice in (Slice("t"), Slice("t", None, -held), Slice("t", -held), Slice("t", None, held)):
        whole, some = rows(slice, n), rows(slice, n, most, seed)
        assert set(some) <= set(whole)
        assert len(some) == min(most, len(whole))


def test_a_slice_is_no_head_of_the_file() -> None:
    held_out = rows(Slice("train", -200), 10_000)
    halves = sum(place < 5_000 for place in held_out)
    assert 70 < halves < 130
    sampled = rows(Slice("train", None, -200), 10_000, most=400, seed=3)
    assert 150 < sum(place < 5_000 for place in sampled) < 250
    assert sampled != rows(Slice("train", None, -200), 10_000, most=400, seed=4)
