"""Pacing, retries and budget together, against a simulated model in virtual time."""

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest

from preceptor import draws
from preceptor.errors import BudgetReachedError, TeacherError
from preceptor.records import Reply
from preceptor.teachers.asking import Answer, PacedEndpoint
from preceptor.teachers.budget import Budget, Spent, worst_case
from preceptor.teachers.calls import Call, CallFailedError, Message, Sampling, make_call
from preceptor.teachers.config import BudgetConfig, Price, TeacherConfig
from preceptor.teachers.patience import LONGEST_WAIT, PATIENCE
from preceptor.teachers.prices import KnownPrice
from preceptor.teachers.retry import Fault
from tests.teachers.virtual import LoopClock, run

PRICE = Price(input=1.0, output=1.0)
Becomes = Callable[[int, float], Fault | None]
"""From the number of an attempt and the time to what goes wrong with it."""


class Simulated(PacedEndpoint):
    """A model that needs a second for each reply."""

    def __init__(self, becomes: Becomes, budget: Budget | None = None, **config: Any) -> None:
        teacher = TeacherConfig(model="m", endpoint="http://127.0.0.1:9/v1", **config)
        budget = budget or Budget(BudgetConfig())
        super().__init__(teacher, budget, KnownPrice(PRICE, "test"), LoopClock(), random.Random(0))
        self._becomes = becomes
        self.silences: list[float] = []
        self.seconds = 1.0

    async def _attempt(self, call: Call, silence: float) -> Answer:
        self.silences.append(silence)
        fault = self._becomes(self.attempts, self._clock.now())
        if fault is not None and fault.kind == "stalled":
            await self._clock.sleep(silence)
        elif self.seconds > silence:
            await self._clock.sleep(silence)
            fault = stalled()
        elif fault is None or fault.kind not in ("http 429", "refused"):
            await self._clock.sleep(self.seconds)
        if fault is not None:
            raise fault
        return Answer(Reply("text", 10, 5, True, 15e-6))


def call(number: int, most: int = 512) -> Call:
    sampling = Sampling(max_new_tokens=most)
    return make_call("m", "task", "teacher", [Message("user", "x")], sampling, number)


def stalled() -> Fault:
    return Fault("stalled", "nothing came", billed=True, overload=True)


async def all_of(endpoint: PacedEndpoint, calls: int) -> list[Reply | BaseException]:
    async with endpoint:
        return await asyncio.gather(
            *(endpoint.complete(call(n)) for n in range(calls)), return_exceptions=True
        )


def realistic(attempt: int, _: float) -> Fault | None:
    """15% errors, 5% malformed, 1% stalls and 2% limited, as the benchmark's endpoint."""
    place = draws.uniform(7, "fault", attempt)
    if place < 0.15:
        kind = draws.choose(("http 500", "http 502", "http 503", "http 408", "reset"), 7, attempt)
        return Fault(kind, "bad luck", overload=kind == "http 503", billed=kind == "reset")
    if place < 0.20:
        return Fault("cut", "half of it", billed=True)
    if place < 0.21:
        return stalled()
    if place < 0.23:
        return Fault("http 429", "too many", overload=True, wait=1.0)
    return None


def test_faults_cost_their_own_time_and_hardly_more() -> None:
    async def main() -> tuple[list[float], Simulated]:
        endpoint, times = Simulated(realistic, stall=5.0, concurrency=64, attempts=12), []

        async def one(number: int) -> None:
            await endpoint.complete(call(number))
            times.append(endpoint._clock.now())

        async with endpoint:
            await asyncio.gather(*map(one, range(6_400)))
        return times, endpoint

    times, endpoint = run(main())
    # What 64 clients take that ask again at once: a stall takes five seconds, being limited none.
    faults = endpoint.faults
    busy = 6_400 + faults.total() - faults["http 429"] + 4 * faults["stalled"]
    # The last ones wait for the unluckiest call among them.
    assert sorted(times)[6_080] < 0.95 * busy / 64 / 0.95


def test_a_call_in_back_off_leaves_its_place_to_others() -> None:
    def becomes(attempt: int, _: float) -> Fault | None:
        return Fault("http 429", "wait", overload=True, wait=30.0) if attempt == 1 else None

    async def main() -> list[float]:
        endpoint = Simulated(becomes, concurrency=1)
        done: list[float] = []

        async def one(number: int) -> None:
            await endpoint.complete(call(number))
            done.append(endpoint._clock.now())

        async with endpoint:
            await asyncio.gather(*map(one, range(4)))
        return done

    assert run(main())[:3] == pytest.approx([1.0, 2.0, 3.0])


def test_a_server_that_restarts_loses_no_call() -> None:
    def becomes(_: int, now: float) -> Fault | None:
        return Fault("refused", "no connection") if 5 <= now < 150 else None

    async def main() -> list[Reply | BaseException]:
        return await all_of(Simulated(becomes, concurrency=16, attempts=3), 200)

    assert all(isinstance(found, Reply) for found in run(main()))


def test_errors_of_a_whole_server_are_waited_for_like_a_restart() -> None:
    def becomes(_: int, now: float) -> Fault | None:
        return Fault("http 502", "bad gateway") if 5 <= now < 200 else None

    async def main() -> list[Reply | BaseException]:
        return await all_of(Simulated(becomes, concurrency=16, attempts=3), 200)

    assert all(isinstance(found, Reply) for found in run(main()))


def test_a_server_that_stays_away_ends_the_run() -> None:
    def becomes(_: int, now: float) -> Fault | None:
        return Fault("http 502", "bad gateway") if now >= 5 else None

    async def main() -> tuple[float, list[Reply | BaseException]]:
        endpoint = Simulated(becomes, concurrency=16, attempts=3)
        return endpoint._clock.now(), await all_of(endpoint, 200)

    _, found = run(main())
    failed = [one for one in found if not isinstance(one, Reply)]
    assert {type(one) for one in failed} == {TeacherError}
    assert f"nothing for {PATIENCE / 60:.0f} minutes" in str(failed[0])


def test_a_call_that_fails_by_itself_does_not_wait_for_an_endpoint_that_works() -> None:
    async def main() -> tuple[float, list[Reply | BaseException]]:
        endpoint = Simulated(lambda *_: Fault("http 500", "bug"), attempts=4)
        found = await all_of(endpoint, 1)
        return endpoint._clock.now(), found

    seconds, (found,) = run(main())
    assert isinstance(found, CallFailedError)
    assert seconds < 20


def test_a_wait_beyond_patience_ends_the_run() -> None:
    def becomes(*_: Any) -> Fault:
        return Fault("http 429", "limit of the day", overload=True, wait=LONGEST_WAIT + 1)

    async def main() -> list[Reply | BaseException]:
        return await all_of(Simulated(becomes), 3)

    found = run(main())
    assert {type(one) for one in found} == {TeacherError}


def test_replies_that_take_long_are_not_cut_for_ever() -> None:
    async def main() -> tuple[list[Reply | BaseException], list[float]]:
        endpoint = Simulated(lambda *_: None, stall=10.0, timeout=300.0, concurrency=1)
        endpoint.seconds = 35.0
        first, later = await all_of(endpoint, 1), await all_of(endpoint, 1)
        return first + later, endpoint.silences

    found, silences = run(main())
    assert all(isinstance(one, Reply) for one in found)
    # A second call is allowed half as much again as a reply took.
    assert silences == [10.0, 20.0, 40.0, 52.5]


def test_silence_is_never_allowed_for_longer_than_a_reply() -> None:
    async def main() -> list[float]:
        endpoint = Simulated(lambda *_: stalled(), stall=40.0, timeout=100.0, attempts=4)
        await all_of(endpoint, 1)
        return endpoint.silences

    assert run(main()) == [40.0, 80.0, 100.0, 100.0]


@pytest.mark.parametrize(
    ("most", "config", "silence"),
    [
        (100, {}, 70.0),
        (2_000, {}, 260.0),
        (5_000, {}, 300.0),  # the timeout
        (5_000, {"timeout": 1_000.0}, 560.0),
        (5_000, {"stall": 10.0}, 10.0),
    ],
)
def test_a_long_reply_may_be_waited_for_in_silence(
    most: int, config: dict[str, float], silence: float
) -> None:
    async def main() -> list[float]:
        endpoint = Simulated(lambda *_: None, **config)
        endpoint.seconds = 0.5
        async with endpoint:
            await endpoint.complete(call(0, most))
        return endpoint.silences

    assert run(main()) == [silence]


def test_a_long_reply_that_comes_whole_is_paid_for_once() -> None:
    async def main() -> Budget:
        budget = Budget(BudgetConfig())
        endpoint = Simulated(lambda *_: None, budget)
        endpoint.seconds = 200.0
        async with endpoint:
            await endpoint.complete(call(0, 1_500))
        return budget

    assert run(main()).spent.calls == 1


def test_nothing_is_sent_again_by_an_endpoint_that_is_closing() -> None:
    """One call is on its way when it closes, another waits to be sent again."""

    def becomes(attempt: int, _: float) -> Fault:
        return Fault("http 429", "later", wait=50.0) if attempt == 1 else Fault("http 500", "bug")

    async def main() -> tuple[float, Simulated, Budget, list[Reply | BaseException]]:
        budget = Budget(BudgetConfig())
        endpoint = Simulated(becomes, budget, attempts=9)
        asyncio.get_running_loop().call_later(0.5, setattr, endpoint, "closing", True)
        async with endpoint:
            wanted = (endpoint.complete(call(n)) for n in range(2))
            waiting, sent = (asyncio.ensure_future(one) for one in wanted)
            await asyncio.wait([sent])
            ended = endpoint._clock.now()
            found = await asyncio.gather(waiting, sent, return_exceptions=True)
        return ended, endpoint, budget, list(found)

    ended, endpoint, budget, found = run(main())
    assert ended == pytest.approx(1.0)  # it did not wait for its turn to be sent again
    assert [type(one) for one in found] == [asyncio.CancelledError] * 2
    assert endpoint.attempts == 2
    assert endpoint.sending == set()
    assert budget.reserved == budget.spent == Spent()


def test_an_endpoint_that_is_closing_still_takes_the_reply_on_its_way() -> None:
    async def main() -> list[Reply | BaseException]:
        endpoint = Simulated(lambda *_: None)
        asyncio.get_running_loop().call_later(0.5, setattr, endpoint, "closing", True)
        return await all_of(endpoint, 1)

    assert [type(one) for one in run(main())] == [Reply]


def test_each_attempt_is_told_before_it_is_sent() -> None:
    """Told while its cost is set aside and before the call counts as sent."""
    told: list[tuple[str, int, float, int, bool, Spent]] = []
    each = worst_case(call(0), PRICE)

    def becomes(attempt: int, _: float) -> Fault | None:
        return Fault("http 500", "bug") if attempt < 3 else None

    async def main() -> None:
        budget = Budget(BudgetConfig())
        endpoint = Simulated(becomes, budget)

        async def on_send(call_id: str, tokens: int, dollars: float) -> None:
            on_its_way = call_id in endpoint.sending
            told.append((call_id, tokens, dollars, endpoint.attempts, on_its_way, budget.reserved))
            await asyncio.sleep(0.1)

        budget.on_send = on_send
        await all_of(endpoint, 1)

    run(main())
    assert told == [(call(0).id, each.tokens, each.dollars, sent, False, each) for sent in range(3)]


def test_a_call_that_cannot_be_told_of_is_not_sent() -> None:
    async def main() -> tuple[Simulated, Budget, list[Reply | BaseException]]:
        budget = Budget(BudgetConfig())
        endpoint = Simulated(lambda *_: None, budget)

        async def on_send(*_: Any) -> None:
            raise OSError("the disk is full")

        budget.on_send = on_send
        return endpoint, budget, await all_of(endpoint, 1)

    endpoint, budget, found = run(main())
    assert [type(one) for one in found] == [OSError]
    assert (endpoint.attempts, endpoint.in_flight) == (0, 0)
    assert budget.reserved == budget.spent == Spent()


def test_a_hard_budget_is_never_exceeded_with_everything_going_wrong() -> None:
    each = worst_case(call(0), PRICE)
    limit = 40 * each.tokens

    async def main() -> tuple[Budget, Simulated, list[Reply | BaseException]]:
        budget = Budget(BudgetConfig(tokens=limit))
        endpoint = Simulated(realistic, budget, stall=5.0, concurrency=16)
        return budget, endpoint, await all_of(endpoint, 2_000)

    budget, endpoint, found = run(main())
    refused = [one for one in found if isinstance(one, BudgetReachedError)]
    assert refused
    assert not [one for one in found if isinstance(one, TeacherError)]
    assert limit - each.tokens < budget.spent.tokens <= limit
    assert budget.reserved == Spent()
    lost = sum(endpoint.faults[kind] for kind in ("cut", "stalled", "reset"))
    answered = sum(isinstance(one, Reply) for one in found)
    assert budget.spent == Spent(
        pytest.approx(answered * 15e-6 + lost * each.dollars),
        answered * 15 + lost * each.tokens,
        answered + lost,
    )


def test_after_a_fatal_error_nothing_more_is_sent() -> None:
    def becomes(attempt: int, _: float) -> Fault | None:
        return Fault("http 401", "no", "teacher") if attempt == 3 else None

    async def main() -> tuple[Simulated, list[Reply | BaseException]]:
        endpoint = Simulated(becomes, concurrency=2)
        return endpoint, await all_of(endpoint, 50)

    endpoint, found = run(main())
    assert endpoint.attempts <= 4
    assert sum(isinstance(one, TeacherError) for one in found) >= 46


def test_hours_end_a_run_that_waits() -> None:
    def becomes(*_: Any) -> Fault:
        return Fault("http 429", "wait", overload=True, wait=600.0)

    async def main() -> list[Reply | BaseException]:
        budget = Budget(BudgetConfig(hours=1.0), clock=LoopClock().now)
        return await all_of(Simulated(becomes, budget, attempts=1_000), 5)

    assert {type(one) for one in run(main())} == {BudgetReachedError}
