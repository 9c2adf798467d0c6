"""How many calls go at once: against a simulated server, in virtual time."""

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preceptor import draws
from preceptor.teachers.limits import Flow, Told, told
from preceptor.teachers.limits import given as given_limit
from preceptor.teachers.pacing import START, Pacer
from tests.teachers.virtual import LoopClock, run

Serve = Callable[[int, int], str]
"""From the number of a call and how many are at the server, to 'fine', 'error' or 'limited'."""


class Simulated:
    """Calls that go through a pacer to a server that needs a second for each."""

    def __init__(self, serve: Serve, seconds: float = 1.0, wait: float | None = None) -> None:
        self._serve, self._seconds, self._wait = serve, seconds, wait
        self.at_once = self.most = self.sent = self.limited = self.answered = 0
        self.times: list[float] = []

    async def call(self, pacer: Pacer, tokens: float = 1.0) -> None:
        while not await self._attempt(pacer, tokens):
            pass
        self.answered += 1

    async def _attempt(self, pacer: Pacer, tokens: float) -> bool:
        turn = await pacer.turn(tokens)
        try:
            self.at_once += 1
            self.most = max(self.most, self.at_once)
            self.sent += 1
            self.times.append(pacer.clock.now())
            became = self._serve(self.sent, self.at_once)
            await asyncio.sleep(0.01 if became == "limited" else self._seconds)
            if became == "fine":
                turn.answered(tokens)
            elif became == "limited":
                self.limited += 1
                turn.overloaded(self._wait)
            return became == "fine"
        finally:
            self.at_once -= 1
            turn.end()


def simulate(
    simulated: Simulated, calls: int, ceiling: int = 64, tokens: float = 1.0, **limits: float
) -> tuple[float, Pacer]:
    """Seconds until all are answered."""

    async def main() -> tuple[float, Pacer]:
        pacer = Pacer(ceiling, clock=LoopClock(), **limits)
        await asyncio.gather(*(simulated.call(pacer, tokens) for _ in range(calls)))
        seconds = pacer.clock.now()
        pacer.close()
        return seconds, pacer

    return run(main())


def test_a_healthy_server_soon_has_all_that_it_may_have() -> None:
    simulated = Simulated(lambda *_: "fine")
    seconds, pacer = simulate(simulated, 64 * 20)
    assert simulated.most == 64
    assert simulated.sent == 64 * 20
    # Sixteen, thirty-two, and then full: a second more than the twenty of a full start.
    assert seconds <= 22
    assert pacer.in_flight == pacer.waiting == 0


def test_it_begins_small_and_doubles() -> None:
    simulated = Simulated(lambda *_: "fine")
    simulate(simulated, 16 + 32 + 64 + 128, ceiling=1_000)
    started = [sum(t == float(second) for t in simulated.times) for second in range(4)]
    assert started == [START, 2 * START, 4 * START, 8 * START]


def test_random_errors_are_no_reason_for_fewer() -> None:
    def serve(number: int, _: int) -> str:
        place = draws.uniform(1, "fault", number)
        return "error" if place < 0.15 else "limited" if place < 0.18 else "fine"

    simulated = Simulated(serve, wait=2.0)
    seconds, _ = simulate(simulated, 64 * 40)
    # Of 64 places a second, 82 in 100 attempts are answered, and limited ones take no time.
    assert seconds < 1.05 * 64 * 40 / (64 * 0.85) + 2


def test_a_server_with_fewer_places_gets_about_as_many_as_it_has() -> None:
    simulated = Simulated(lambda _, at_once: "limited" if at_once > 20 else "fine", wait=0.5)
    seconds, pacer = simulate(simulated, 2_000, ceiling=256)
    assert pacer.limit < 60
    assert seconds < 2_000 / 20 * 1.3
    assert simulated.limited < 0.5 * simulated.answered


def test_a_wait_that_is_asked_for_again_and_again_holds_for_all() -> None:
    simulated = Simulated(lambda number, _: "limited" if number <= 16 else "fine", wait=30.0)
    simulate(simulated, 40)
    # All that was in flight was told so; of the rest hardly any was sent before the wait was over.
    early = [t for t in simulated.times if t < 30]
    assert len(early) <= 16 + 6
    assert sum(t >= 30 for t in simulated.times) >= 40 - 6


def test_one_limited_call_in_many_does_not_stop_the_others() -> None:
    simulated = Simulated(lambda number, _: "limited" if number % 50 == 0 else "fine", wait=60.0)
    seconds, pacer = simulate(simulated, 640)
    assert seconds < 14
    assert pacer.limit == 64


def test_it_is_lowered_once_a_round_trip() -> None:
    async def main() -> None:
        pacer = Pacer(10, clock=LoopClock())
        turns = [await pacer.turn(1) for _ in range(10)]
        for turn in turns:
            turn.overloaded(None)
        assert pacer.limit == pytest.approx(7.0)
        for turn in turns:
            turn.end()
        await asyncio.sleep(1)
        later = [await pacer.turn(1) for _ in range(4)]
        for turn in later:
            turn.overloaded(None)
        assert pacer.limit == pytest.approx(4.9)

    run(main())


def test_it_never_falls_below_one() -> None:
    simulated = Simulated(lambda number, _: "limited" if number < 200 else "fine")
    _, pacer = simulate(simulated, 3)
    assert pacer.limit >= 1
    assert simulated.answered == 3


@pytest.mark.parametrize("per_minute", [20.0, 90.0, 600.0])
def test_requests_a_minute_are_kept_in_every_minute(per_minute: float) -> None:
    simulated = Simulated(lambda *_: "fine", seconds=0.5)
    seconds, _ = simulate(simulated, int(per_minute * 3), requests_per_minute=per_minute)
    times = simulated.times
    burst = max(1.0, per_minute / 60)
    for start in times:
        assert sum(start <= t < start + 60 for t in times) <= per_minute + burst + 1e-6
    assert seconds < 180 + 2


def test_tokens_a_minute_are_kept() -> None:
    simulated = Simulated(lambda *_: "fine", seconds=0.5)
    simulate(simulated, 60, tokens=1_000, tokens_per_minute=20_000)
    for start in simulated.times:
        sent = sum(1_000 for t in simulated.times if start <= t < start + 60)
        assert sent <= 20_000 + 1_000


def test_tokens_that_were_not_used_are_given_back() -> None:
    async def main() -> None:
        pacer = Pacer(8, tokens_per_minute=6_000, clock=LoopClock())
        first = await pacer.turn(3_000)
        first.answered(30)
        first.end()
        await pacer.turn(100)
        assert pacer.clock.now() < 1.0

    run(main())


def test_a_call_larger_than_the_whole_limit_goes_when_it_is_full() -> None:
    simulated = Simulated(lambda *_: "fine")
    seconds, _ = simulate(simulated, 2, tokens=5_000, tokens_per_minute=1_000)
    assert 299 < seconds < 303


def test_a_call_that_is_cancelled_while_it_waits_takes_no_place() -> None:
    async def main() -> None:
        pacer = Pacer(1, clock=LoopClock())
        held = await pacer.turn(1)
        waiting = [asyncio.create_task(pacer.turn(1)) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        held.end()
        waiting[1].cancel()  # it had got its turn already
        await asyncio.sleep(0)
        turn = await waiting[2]
        assert pacer.in_flight == 1
        turn.end()
        assert pacer.in_flight == 0

    run(main())


def test_what_headers_say_is_followed_when_it_runs_out() -> None:
    async def main() -> None:
        pacer = Pacer(64, clock=LoopClock())
        turn = await pacer.turn(1)
        # Ten a second is the limit of a minute's 600; two are left.
        turn.observe(Told(600, 2, 59.8), None)
        turn.end()
        for _ in range(12):
            (await pacer.turn(1)).end()
        assert 0.9 < pacer.clock.now() < 1.1

    run(main())


def test_headers_of_a_server_with_plenty_left_hold_nothing_back() -> None:
    async def main() -> None:
        pacer = Pacer(64, clock=LoopClock())
        for number in range(1, 400):
            turn = await pacer.turn(10)
            turn.observe(Told(10_000, 10_000 - number, number * 0.006), Told(1e6, 1e6 - 10, 0.1))
            turn.end()
        assert pacer.clock.now() == 0

    run(main())


def test_headers_alone_never_stop_for_longer_than_a_minute() -> None:
    async def main() -> None:
        pacer = Pacer(64, clock=LoopClock())
        turn = await pacer.turn(1)
        turn.observe(Told(1_000, 0, 86_400), None)  # a day's limit
        turn.end()
        await pacer.turn(1)
        assert 0 < pacer.clock.now() <= 60

    run(main())


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (
            {
                "x-ratelimit-limit-requests": "500",
                "x-ratelimit-remaining-requests": "499",
                "x-ratelimit-reset-requests": "120ms",
            },
            Told(500, 499, 0.12),
        ),
        (
            {
                "anthropic-ratelimit-requests-limit": "50",
                "anthropic-ratelimit-requests-remaining": "10",
                "anthropic-ratelimit-requests-reset": "2023-11-14T22:14:20Z",
            },
            Told(50, 10, 60.0),
        ),
        ({"x-ratelimit-limit-requests": "500"}, None),
        (
            {
                "x-ratelimit-limit-requests": "5",
                "x-ratelimit-remaining-requests": "6",
                "x-ratelimit-reset-requests": "1s",
            },
            None,
        ),
        (
            {
                "x-ratelimit-limit-requests": "nan",
                "x-ratelimit-remaining-requests": "1",
                "x-ratelimit-reset-requests": "1s",
            },
            None,
        ),
    ],
)
def test_what_headers_say_is_read(headers: dict[str, str], expected: Told | None) -> None:
    assert told(headers, "requests", 1_700_000_000.0) == expected
    assert told(headers, "tokens", 1_700_000_000.0) is None


@given(
    st.floats(0.5, 1e6),
    st.lists(st.tuples(st.floats(0, 30), st.floats(0, 1e4)), max_size=30),
)
def test_waiting_as_long_as_a_bucket_says_is_enough(
    per_minute: float, amounts: list[tuple[float, float]]
) -> None:
    flow, now = Flow(per_minute, 0.0), 0.0
    for pause, amount in amounts:
        now += pause
        now += flow.wait(amount, now)
        assert flow.wait(amount, now) <= 1e-6 * max(1.0, now)
        flow.take(amount, now)


def test_a_given_limit_starts_with_a_seconds_worth() -> None:
    assert given_limit(600, 0.0).level == 10
    assert given_limit(6, 0.0).level == 1


def test_after_overload_it_grows_by_two_a_round_trip() -> None:
    async def main() -> None:
        pacer = Pacer(100, clock=LoopClock())
        turns = [await pacer.turn(1) for _ in range(START)]
        for turn in turns:
            turn.overloaded(None)
            turn.end()
        lowered = pacer.limit
        assert lowered == pytest.approx(START * 0.7)

        async def one() -> None:
            turn = await pacer.turn(1)
            await asyncio.sleep(1)
            turn.answered(1)
            turn.end()

        # Many replies in, the overload is forgotten; then each round trip adds two.
        tasks = [asyncio.create_task(one()) for _ in range(2_000)]
        while pacer.share > 0.05:
            await asyncio.sleep(1)
        before = pacer.limit
        await asyncio.sleep(5)
        assert before + 7 <= pacer.limit <= before + 13
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    run(main())


def test_what_was_sent_since_a_response_began_counts_against_what_it_says() -> None:
    async def main() -> None:
        pacer = Pacer(64, clock=LoopClock())
        first = await pacer.turn(1)
        for _ in range(5):
            await pacer.turn(1)
        first.observe(Told(60, 5, 55.0), None)  # one a second
        await pacer.turn(1)
        assert pacer.clock.now() == pytest.approx(1.0)

    run(main())
