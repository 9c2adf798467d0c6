"""How many calls are in flight, found out by asking: additive increase, multiplicative decrease.

A server that is well is never held back: the number starts at sixteen and doubles each round trip
until something speaks against it. Single errors do not: a server that fails one call in six at
random is not helped by fewer calls. Only a large share of 429, 503 and time-outs is taken for
overload, and lowers the number once a round trip, as TCP does (Chiu and Jain 1989).
A wait that a server asks for holds for the call that was told so, and for all calls when it is
being said again and again.
"""

import asyncio
import time
from collections import deque
from typing import Protocol

from preceptor.teachers.limits import Flow, Told

START = 16
DOWN = 0.7
OVERLOADED = 0.3
"""Such a share of overload among the last outcomes is no chance."""
WARY = 0.1
"""Above this share the number grows no further."""
SHORTEST, LONGEST = 8, 32
"""Of how many last outcomes, about, that share is: of as many as are allowed in flight, within
these."""


class Clock(Protocol):
    """Time that tests can set."""

    def now(self) -> float:
        """Seconds, never going back."""

    def date(self) -> float:
        """Seconds since 1970."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The time of this machine."""

    def now(self) -> float:
        """Seconds, never going back."""
        return time.monotonic()

    def date(self) -> float:
        """Seconds since 1970."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class Turn:
    """A call's permission to be in flight."""

    __slots__ = ("_pacer", "_taken", "_tokens", "started")

    def __init__(self, pacer: "Pacer", tokens: float, started: float) -> None:
        self._pacer, self._tokens = pacer, tokens
        self.started = started
        self._taken = (pacer.requests.taken, pacer.tokens.taken)

    def answered(self, tokens: float) -> None:
        """It ended with a reply.

        Args:
            tokens: That it took in truth.
        """
        pacer = self._pacer
        pacer.tokens.take(tokens - self._tokens, pacer.clock.now())
        pacer._succeeded(self)

    def overloaded(self, wait: float | None) -> None:
        """The server could not take it; ``wait`` is how long it asked to wait."""
        self._pacer._overloaded(self, wait)

    def observe(self, requests: Told | None, tokens: Told | None) -> None:
        """Follow what the response's headers say."""
        now = self._pacer.clock.now()
        for flow, said, before in (
            (self._pacer.requests, requests, self._taken[0]),
            (self._pacer.tokens, tokens, self._taken[1]),
        ):
            if said is not None:
                flow.observe(said, max(0.0, flow.taken - before), now)

    def end(self) -> None:
        """It is no longer in flight, whatever came of it."""
        self._pacer._ended()


class Pacer:
    """Gives turns, first come, first served."""

    def __init__(
        self,
        ceiling: int,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        clock: Clock | None = None,
    ) -> None:
        """A pacer for one server.

        Args:
            ceiling: Calls in flight at most.
            requests_per_minute: Limit by the user; None is without.
            tokens_per_minute: Of prompts and replies, expected before and corrected afterwards.
            clock: This machine's where none is given.
        """
        self.clock = clock or SystemClock()
        now = self.clock.now()
        self.requests = Flow(requests_per_minute, now)
        self.tokens = Flow(tokens_per_minute, now)
        self.in_flight = 0
        self.limit = float(min(START, ceiling))
        """Calls in flight that it allows now."""
        self.share = 0.0
        """Of overload among the last outcomes."""
        self._ceiling, self._slow_start = ceiling, True
        self._lowered_at = self._paused_until = float("-inf")
        self._queue: deque[tuple[float, asyncio.Future[Turn]]] = deque()
        self._timer: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Calls that want a turn."""
        return len(self._queue)

    @property
    def _memory(self) -> float:
        return min(max(self.limit, SHORTEST), LONGEST)

    async def turn(self, tokens: float) -> Turn:
        """Wait for a turn, which must be ended.

        Args:
            tokens: That the call is expected to take, reply included.
        """
        future: asyncio.Future[Turn] = asyncio.get_running_loop().create_future()
        self._queue.append((tokens, future))
        self._grant()
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                future.result().end()
            raise

    def _grant(self) -> None:
        """Give turns while there is room, and see to it that somebody looks again when time has
        to pass."""
        now = self.clock.now()
        while self._queue and self.in_flight < int(self.limit):
            tokens, future = self._queue[0]
            if future.done():  # cancelled while it waited
                self._queue.popleft()
                continue
            wait = max(
                self._paused_until - now,
                self.requests.wait(1.0, now),
                self.tokens.wait(tokens, now),
            )
            if wait > 0:
                if self._timer is None:
                    self._timer = asyncio.get_running_loop().create_task(self._later(wait))
                return
            self._queue.popleft()
            self.in_flight += 1
            self.requests.take(1.0, now)
            self.tokens.take(tokens, now)
            future.set_result(Turn(self, tokens, now))

    async def _later(self, wait: float) -> None:
        await self.clock.sleep(wait)
        self._timer = None
        self._grant()

    def close(self) -> None:
        """End the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ended(self) -> None:
        self.in_flight -= 1
        self._grant()

    def _succeeded(self, turn: Turn) -> None:
        self.share -= self.share / self._memory
        # Growing is of use only where calls wait, and is justified only where the calls allowed
        # were really in flight.
        if self._queue and self.share < WARY:
            step = 1.0 if self._slow_start else 2.0 / self.limit
            self.limit = min(float(self._ceiling), self.limit + step)

    def _overloaded(self, turn: Turn, wait: float | None) -> None:
        now = self.clock.now()
        self.share += (1 - self.share) / self._memory
        if self.share < OVERLOADED:
            return
        if wait:
            self._paused_until = max(self._paused_until, now + wait)
        # A call that began before the last decrease says nothing about what followed from it.
        if turn.started > self._lowered_at:
            self._lowered_at = now
            self._slow_start = False
            self.limit = max(1.0, self.limit * DOWN)
