"""The plan of a training run: complete, full, and decided before the first step."""

import json
import math
import os
from collections import Counter
from itertools import pairwise
from pathlib import Path
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preceptor import draws
from preceptor.tasks.source import DATA_ROOT_VARIABLE
from preceptor.tuning.packing import WINDOW, Plan, plan

lengths_ = st.lists(st.integers(1, 60), min_size=1, max_size=80)


def bins(made: Plan) -> list[tuple[int, ...]]:
    return [one for step in made.steps for one in step]


@given(lengths_, st.integers(0, 3), st.integers(1, 3), st.integers(1, 200), st.integers(1, 70))
def test_every_example_is_seen_once_an_epoch_and_no_bin_overflows(
    lengths: list[int], seed: int, epochs: int, batch_tokens: int, pass_tokens: int
) -> None:
    made = plan(lengths, seed, epochs, batch_tokens, pass_tokens)
    seen = [i for one in bins(made) for i in one]
    assert Counter(seen) == dict.fromkeys(range(len(lengths)), epochs)
    for epoch in range(epochs):  # one epoch ends before the next begins
        part = seen[epoch * len(lengths) : (epoch + 1) * len(lengths)]
        assert sorted(part) == list(range(len(lengths)))
    for one in bins(made):
        assert one
        assert len(one) == 1 or sum(lengths[i] for i in one) <= pass_tokens
    assert all(made.steps)
    assert made.tokens == epochs * sum(lengths)
    assert made.fill == made.tokens / (len(bins(made)) * pass_tokens)


@given(lengths_, st.integers(1, 200), st.integers(1, 70))
def test_a_step_is_as_near_to_its_size_as_whole_bins_allow(
    lengths: list[int], batch_tokens: int, pass_tokens: int
) -> None:
    steps = plan(lengths, 0, 1, batch_tokens, pass_tokens).steps
    sizes = [[sum(lengths[i] for i in one) for one in step] for step in steps]
    for step, following in pairwise(sizes):
        missed = abs(batch_tokens - sum(step))
        assert missed <= abs(batch_tokens - sum(step) - following[0])
        assert len(step) == 1 or missed <= abs(batch_tokens - sum(step[:-1]))


@given(lengths_, st.integers(0, 5))
def test_a_plan_is_a_function_of_its_arguments(lengths: list[int], seed: int) -> None:
    assert plan(lengths, seed, 2, 100, 64) == plan(lengths, seed, 2, 100, 64)


def test_seeds_and_epochs_have_orders_of_their_own() -> None:
    lengths = [5 + i % 7 for i in range(64)]
    one, other = plan(lengths, 0, 2, 60, 30), plan(lengths, 1, 2, 60, 30)
    assert one != other
    half = len(bins(one)) // 2
    first, second = (
        {frozenset(each) for each in part} for part in (bins(one)[:half], bins(one)[half:])
    )
    assert len(first & second) < 4  # who shares a bin changes from epoch to epoch
    longer = plan(lengths, 0, 3, 60, 30)
    assert longer.steps[: len(one.steps)] == one.steps


def test_examples_are_packed_with_those_that_were_drawn_near_them() -> None:
    """A run that is stopped half-way has then seen about a random half."""
    lengths = [10] * (4 * WINDOW)
    drawn = draws.sample(len(lengths), len(lengths), 0, "order", 0)
    window = {example: place // WINDOW for place, example in enumerate(drawn)}
    for one in bins(plan(lengths, 0, 1, 1000, 100)):
        assert len({window[i] for i in one}) == 1


def test_an_example_longer_than_a_pass_goes_alone() -> None:
    made = plan([500, 10, 10, 500], 0, 1, 64, 64)
    assert sorted(map(sorted, bins(made))) == [[0], [1, 2], [3]]


def lognormal(count: int, longest: int) -> list[int]:
    """Lengths as those of instruction data: median 110 tokens, now and then many times that."""
    normal = NormalDist()
    drawn = (normal.inv_cdf(max(1e-9, draws.uniform(7, "length", i))) for i in range(count))
    return [max(8, min(longest, round(math.exp(math.log(110) + 0.7 * x)))) for x in drawn]


@pytest.mark.parametrize("pass_tokens", [256, 512, 1024, 2048])
def test_bins_are_nearly_full(pass_tokens: int) -> None:
    made = plan(lognormal(4_000, pass_tokens), 0, 1, 2048, pass_tokens)
    assert made.fill >= 0.98


@pytest.mark.parametrize("pass_tokens", [256, 512, 1024])
def test_bins_of_real_instructions_are_nearly_full(pass_tokens: int) -> None:
    root = os.environ.get(DATA_ROOT_VARIABLE)
    if root is None:
        pytest.skip(f"NOT RUN: ${DATA_ROOT_VARIABLE} is not set, so no real rows are packed")
    with (Path(root) / "alpaca" / "train.jsonl").open(encoding="utf-8") as stream:
        found = [json.loads(line) for line in stream][:400]
    # Some 1.4 tokens a word, and a prompt format of 30 around them.
    words = [sum(len(text.split()) for text in row.values()) for row in found]
    lengths = [min(pass_tokens, 30 + round(1.4 * count)) for count in words]
    assert plan(lengths, 0, 1, 2048, pass_tokens).fill >= 0.98
