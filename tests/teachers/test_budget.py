"""A budget is never exceeded, whatever calls turn out to cost; and it never gives up too early."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preceptor.errors import BudgetReachedError
from preceptor.records import Reply
from preceptor.teachers.budget import Budget, Reservation, Spent, worst_case
from preceptor.teachers.calls import Call, Message, Sampling, make_call
from preceptor.teachers.config import BudgetConfig, Price
from preceptor.teachers.tokens import expected_tokens

PRICE = Price(input=2.0, output=8.0)


def call(text: str = "Write a task.", most: int = 100, **given: Any) -> Call:
    sampling = Sampling(max_new_tokens=most)
    return make_call("m", "task", "teacher", [Message("user", text)], sampling, 0, **given)


def reply(prompt: int, written: int, cost: float = 0.0) -> Reply:
    return Reply("text", prompt, written, True, cost)


def test_the_worst_case_is_no_less_than_any_tokenizer_makes_of_the_prompt() -> None:
    worst = worst_case(call("é" * 50, most=7), PRICE)
    assert worst.tokens >= 100 + 7
    assert worst.calls == 1
    assert worst.dollars == pytest.approx(((worst.tokens - 7) * 2 + 7 * 8) / 1e6)


def test_a_schema_counts_as_part_of_the_prompt() -> None:
    schema = {"type": "object", "properties": {"instruction": {"type": "string"}}}
    assert worst_case(call(schema=schema), PRICE).tokens > worst_case(call(), PRICE).tokens + 50


def test_what_was_set_aside_is_replaced_by_what_it_cost() -> None:
    async def main() -> None:
        budget = Budget(BudgetConfig(dollars=1.0))
        held = await budget.reserve("a", Spent(0.6, 100, 1))
        assert budget.reserved == Spent(0.6, 100, 1)
        held.settle(reply(10, 5, 0.2))
        held.charge("late")  # ended already
        assert budget.spent == Spent(0.2, 15, 1)
        assert budget.reserved == Spent()

    asyncio.run(main())


def test_a_lost_attempt_keeps_what_was_set_aside_and_is_told() -> None:
    told: list[tuple[str, str, int, float]] = []

    async def main() -> None:
        budget = Budget(BudgetConfig())
        budget.on_charge = lambda *charge: told.append(charge)
        (await budget.reserve("a", Spent(0.6, 100, 1))).charge("timeout")
        (await budget.reserve("b", Spent(0.6, 100, 1))).charge("filtered", Spent(0.1, 30, 1))
        (await budget.reserve("c", Spent(0.6, 100, 1))).release()
        assert budget.spent == Spent(0.7, 130, 2)

    asyncio.run(main())
    assert told == [("a", "timeout", 100, 0.6), ("b", "filtered", 30, 0.1)]


def test_a_call_waits_for_room_that_others_may_leave() -> None:
    async def main() -> None:
        budget = Budget(BudgetConfig(tokens=100))
        first = await budget.reserve("a", Spent(0.0, 80, 1))
        second = asyncio.create_task(budget.reserve("b", Spent(0.0, 80, 1)))
        await asyncio.sleep(0)
        assert not second.done()
        first.settle(reply(5, 5))
        assert isinstance(await second, Reservation)

    asyncio.run(main())


def test_a_call_that_waited_is_refused_when_no_room_was_left() -> None:
    async def main() -> None:
        budget = Budget(BudgetConfig(tokens=100))
        first = await budget.reserve("a", Spent(0.0, 80, 1))
        second = asyncio.create_task(budget.reserve("b", Spent(0.0, 80, 1)))
        await asyncio.sleep(0)
        first.settle(reply(40, 30))
        with pytest.raises(BudgetReachedError, match="100 tokens is reached: 70 are spent"):
            await second

    asyncio.run(main())


@pytest.mark.parametrize(
    ("limits", "spent", "message"),
    [
        ({"dollars": 10.0}, Spent(9.9999, 0, 0), r"budget of 10 dollars.*9\.9999 are spent"),
        ({"tokens": 5_000}, Spent(0, 4_950, 0), r"5,000 tokens.*raise budget\.tokens"),
        ({"calls": 3}, Spent(0, 0, 3), r"3 calls is reached: 3 are spent.*take 1"),
    ],
)
def test_the_message_names_the_limit_what_is_spent_and_how_to_go_on(
    limits: dict[str, Any], spent: Spent, message: str
) -> None:
    budget = Budget(BudgetConfig(**limits), spent)
    with pytest.raises(BudgetReachedError, match=message):
        asyncio.run(budget.reserve("a", worst_case(call(), PRICE)))


def test_hours_are_of_this_command_only() -> None:
    now = [1_000.0]
    budget = Budget(BudgetConfig(hours=0.5), Spent(9, 9, 9), clock=lambda: now[0])
    now[0] += 1_799
    asyncio.run(budget.reserve("a", Spent()))
    now[0] += 1
    with pytest.raises(BudgetReachedError, match=r"0\.5 hours"):
        asyncio.run(budget.reserve("b", Spent()))
    with pytest.raises(BudgetReachedError, match="hours"):
        budget.take(call())


def test_a_model_in_the_process_costs_tokens_and_calls_but_no_dollars() -> None:
    budget = Budget(BudgetConfig(dollars=0.01, calls=2))
    taken = budget.take(call())
    assert budget.spent == Spent(0.0, expected_tokens(call()), 1)
    taken.settle(reply(4, 3))
    assert budget.spent == Spent(0.0, 7, 1)
    budget.take(call())
    with pytest.raises(BudgetReachedError, match="2 calls"):
        budget.take(call())


costs = st.tuples(st.integers(1, 60), st.floats(0, 1), st.sampled_from(["settle", "lose", "free"]))


@given(st.lists(costs, min_size=1, max_size=30), st.integers(60, 200))
def test_spent_and_set_aside_never_exceed_the_limit(
    attempts: list[tuple[int, float, str]], limit: int
) -> None:
    async def one(budget: Budget, worst: int, share: float, end: str) -> bool:
        held = await budget.reserve("x", Spent(worst * 1e-3, worst, 1))
        assert budget.spent.tokens + budget.reserved.tokens <= limit
        await asyncio.sleep(0)
        actual = int(worst * share)
        if end == "settle":
            held.settle(reply(actual, 0, actual * 1e-3))
        elif end == "lose":
            held.charge("cut")
        else:
            held.release()
        return True

    async def main() -> None:
        budget = Budget(BudgetConfig(tokens=limit, dollars=limit * 1e-3))
        done = await asyncio.gather(
            *(one(budget, *attempt) for attempt in attempts), return_exceptions=True
        )
        assert all(found is True or isinstance(found, BudgetReachedError) for found in done)
        assert budget.reserved == Spent()
        assert budget.spent.tokens <= limit
        assert budget.spent.dollars <= limit * 1e-3 + 1e-9
        # One was refused only because its worst case did not fit in what was left then; the
        # smallest of those refused cannot fit now.
        refused = [a[0] for a, found in zip(attempts, done, strict=True) if found is not True]
        if refused and all(end != "free" for _, _, end in attempts):
            assert budget.spent.tokens + max(refused) > limit

    asyncio.run(main())
