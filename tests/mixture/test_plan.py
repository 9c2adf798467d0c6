"""The mixture as a function of the example's number."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preceptor.mixture.plan import Draw, Plan, Portion

portions = st.lists(st.tuples(st.integers(1, 12), st.integers(0, 40)), min_size=1, max_size=6).map(
    lambda pairs: [Portion(f"task{n}", rows, count) for n, (rows, count) in enumerate(pairs)]
)
seeds = st.integers(0, 2**31)


def drawn(plan: Plan) -> list[Draw]:
    return [plan.draw(i) for i in range(len(plan))]


@settings(deadline=None)
@given(portions, seeds)
def test_every_source_gives_exactly_its_portion(chosen: list[Portion], seed: int) -> None:
    counts = Counter(draw.source for draw in drawn(Plan(chosen, seed)))
    assert counts == Counter({portion.source: portion.examples for portion in chosen})


@settings(deadline=None)
@given(portions, seeds)
def test_no_row_is_used_again_before_all_were(chosen: list[Portion], seed: int) -> None:
    draws = drawn(Plan(chosen, seed))
    for portion in chosen:
        epochs: dict[int, list[int]] = {}
        for draw in draws:
            if draw.source == portion.source:
                epochs.setdefault(draw.epoch, []).append(draw.row)
        full, rest = divmod(portion.examples, portion.rows)
        assert sorted(epochs) == list(range(full + (rest > 0)))
        for epoch, rows in epochs.items():
            assert len(set(rows)) == len(rows)
            assert set(rows) <= set(range(portion.rows))
            assert len(rows) == (portion.rows if epoch < full else rest)


@settings(deadline=None)
@given(portions, seeds)
def test_the_same_seed_draws_the_same_in_any_order(chosen: list[Portion], seed: int) -> None:
    forwards = drawn(Plan(chosen, seed))
    again = Plan(chosen, seed)
    backwards = [again.draw(i) for i in reversed(range(len(again)))]
    assert forwards == backwards[::-1]


def test_another_seed_draws_another_order() -> None:
    chosen = [Portion("a", 50, 100), Portion("b", 50, 100)]
    assert drawn(Plan(chosen, 1)) != drawn(Plan(chosen, 2))


def test_epochs_differ_in_their_order_of_rows() -> None:
    # Of one task the order of places does not matter: collect rows by epoch, in ordinal order,
    # by asking for one example more each time.
    def prefix(n: int) -> Counter[Draw]:
        return Counter(drawn(Plan([Portion("a", 20, n)], 0)))

    order = [next(iter(prefix(n) - prefix(n - 1))) for n in range(1, 41)]
    first, second = order[:20], order[20:]
    assert [draw.epoch for draw in order] == [0] * 20 + [1] * 20
    assert [draw.row for draw in first] != [draw.row for draw in second]


@settings(deadline=None)
@given(portions, st.integers(1, 12), st.integers(0, 40), seeds)
def test_another_task_and_smaller_portions_leave_a_part_of_what_was_drawn(
    chosen: list[Portion], rows: int, count: int, seed: int
) -> None:
    before = drawn(Plan(chosen, seed))
    smaller = [Portion(one.source, one.rows, one.examples // 2) for one in chosen]
    after = drawn(Plan([Portion("another", rows, count), *smaller], seed))
    kept = Counter(draw for draw in after if draw.source != "another")
    assert kept <= Counter(before)
    assert kept.total() == sum(one.examples for one in smaller)


def test_sources_are_interleaved_and_not_laid_end_to_end() -> None:
    sources = [d.source for d in drawn(Plan([Portion("a", 9, 500), Portion("b", 9, 500)], 3))]
    changes = sum(a != b for a, b in pairwise(sources))
    # 500 expected of a random order, with a standard deviation of 16; end to end it would be 1.
    assert 400 < changes < 600
    assert 200 < sources[:500].count("a") < 300


def test_no_number_outside_the_mixture_is_an_example() -> None:
    plan = Plan([Portion("a", 2, 3)], 0)
    with pytest.raises(IndexError):
        plan.draw(3)
    with pytest.raises(IndexError):
        plan.draw(-1)


def test_a_source_without_rows_cannot_give_examples() -> None:
    with pytest.raises(ValueError, match="a has no rows"):
        Plan([Portion("a", 0, 1)], 0)
    assert len(Plan([Portion("a", 0, 0)], 0)) == 0
