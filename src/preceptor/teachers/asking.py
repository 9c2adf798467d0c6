"""Asking a model that is not in this process: in turn, within the budget, and again where that can
help. A call that waits for its next attempt is not in flight: others go meanwhile.
"""

import asyncio
import random
from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from preceptor.errors import TeacherError
from preceptor.records import Reply
from preceptor.teachers.budget import FREE, Budget, Reservation, Spent, worst_case
from preceptor.teachers.calls import Call
from preceptor.teachers.config import TeacherConfig
from preceptor.teachers.limits import Told
from preceptor.teachers.pacing import Clock, Pacer, SystemClock
from preceptor.teachers.patience import History, Patience
from preceptor.teachers.prices import KnownPrice
from preceptor.teachers.retry import Backoff, Fault
from preceptor.teachers.tokens import dollars, expected_tokens

SLOWER = 1.5
"""A connection may be silent for so many times the slowest reply lately."""
FORGETTING = 0.995
"""What becomes of that slowest reply's seconds with every reply."""
SILENCE = 60.0
"""Seconds in which a connection may say nothing, whatever the reply's length; ``stall`` is asked
first."""
PER_TOKEN = 0.1
"""Seconds more for each token that the reply may have: a server that sends it whole is silent
until the last is written."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one attempt brought."""

    reply: Reply
    requests: Told | None = None
    tokens: Told | None = None
    """What the response says of the server's limits."""


class PacedEndpoint(ABC):
    """An endpoint whose attempts a subclass makes; an asynchronous context manager."""

    def __init__(
        self,
        config: TeacherConfig,
        budget: Budget,
        known: KnownPrice | None,
        clock: Clock | None = None,
        source: random.Random | None = None,
    ) -> None:
        """An endpoint that has asked nothing yet.

        Args:
            config: Whom to ask, and how.
            budget: Shared by all who spend of it.
            known: Its price; None where nobody knows it, then replies cost 0 and a note says so.
            clock: For tests.
            source: Of the jitter.
        """
        self.name, self.fingerprint = config.model, ""
        self.faults: Counter[str] = Counter()
        """Failed attempts by kind."""
        self.notes: Counter[str] = Counter()
        """What a reader of the replies should know, and how often it was so."""
        self.attempts = 0
        """Sent so far."""
        self.sending: set[str] = set()
        """Ids of the calls that are on their way: not those that wait for a turn or to be sent
        again."""
        self.closing = False
        """No call is sent again: what is on its way is waited for, and ends with its attempt."""
        self.price = known.price if known else FREE
        self._priced = known is not None
        self._config, self._budget = config, budget
        self._clock = clock or SystemClock()
        self.pacer = Pacer(
            config.concurrency, config.requests_per_minute, config.tokens_per_minute, self._clock
        )
        self._backoff = Backoff(source or random.Random())
        self._fatal: TeacherError | None = None
        self._patience = Patience(config, self._clock)
        self._slowest = 0.0

    @abstractmethod
    async def _attempt(self, call: Call, silence: float) -> Answer:
        """Send a call once.

        Args:
            call: What to ask.
            silence: Seconds in which the connection may say nothing.

        Raises:
            Fault: It brought no reply.
        """

    @property
    def in_flight(self) -> int:
        """Calls that are being answered."""
        return self.pacer.in_flight

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.pacer.close()

    async def complete(self, call: Call) -> Reply:
        """Answer one call; waits for its turn, tries again where that can help.

        Raises:
            CallFailedError: The prompt was refused, the reply withheld, or every attempt failed
                while other calls were answered.
            BudgetReachedError: Asking could exceed the budget.
            TeacherError: The key or the model is refused, the quota is used up, or nothing
                answered for long (``patience``).
            asyncio.CancelledError: It would be sent again, and the endpoint is closing.
        """
        history = History(self._clock.now())
        worst = worst_case(call, self.price)
        while True:
            try:
                return await self._once(call, worst, history)
            except Fault as fault:
                wait = self._failed(call, fault, history)
            if not self.closing:
                await self._clock.sleep(wait)
            if self.closing:
                raise asyncio.CancelledError("the endpoint is closing")

    def _failed(self, call: Call, fault: Fault, history: History) -> float:
        """Seconds until the next attempt; raises where there is none."""
        self.faults[fault.kind] += 1
        try:
            self._patience.failed(call.id, fault, history)
        except TeacherError as error:
            self._fatal = error
            raise
        if fault.wait:
            return self._backoff.after(fault.wait)
        return self._backoff.seconds(history.attempts)

    async def _once(self, call: Call, worst: Spent, history: History) -> Reply:
        """One attempt, in its turn and within the budget."""
        reservation = await self._budget.reserve(call.id, worst)
        try:
            turn = await self.pacer.turn(expected_tokens(call))
        except BaseException:
            reservation.release()
            raise
        sent = False
        try:
            self._check_alive()
            self._budget.check_time()
            await self._budget.on_send(call.id, worst.tokens, worst.dollars)
            sent = True
            self.attempts += 1
            self.sending.add(call.id)
            answer = await self._attempt(call, self._silence(call, history))
            reply = answer.reply
            self._succeeded(turn.started)
            turn.answered(reply.prompt_tokens + reply.reply_tokens)
            turn.observe(answer.requests, answer.tokens)
            reservation.settle(reply)
            return reply
        except Fault as fault:
            self._account(fault, reservation)
            if fault.overload:
                turn.overloaded(fault.wait)
            raise
        finally:
            if sent:
                reservation.charge("interrupted")  # only where nothing else ended it
            reservation.release()
            self.sending.discard(call.id)
            turn.end()

    def _check_alive(self) -> None:
        if self._fatal is not None:
            raise TeacherError(str(self._fatal))

    def _succeeded(self, started: float) -> None:
        self._patience.replied()
        self._slowest = max(self._clock.now() - started, self._slowest * FORGETTING)
        if not self._priced:
            self.notes["price unknown"] += 1

    def _silence(self, call: Call, history: History) -> float:
        """Seconds in which a connection may say nothing.

        A server that sends a reply whole is silent until it is written, so a fixed limit would
        cut every long reply and pay for it again and again: what replies took lately and what this
        call already waited for in vain raise it.
        """
        first = self._config.stall
        if first is None:
            first = SILENCE + PER_TOKEN * call.sampling.max_new_tokens
        limit = max(first * 2.0**history.stalled, SLOWER * self._slowest)
        return min(limit, self._config.timeout)

    def _account(self, fault: Fault, reservation: Reservation) -> None:
        if fault.tokens is not None:
            cost = dollars(*fault.tokens, self.price)
            reservation.charge(fault.kind, Spent(cost, sum(fault.tokens), 1))
        elif fault.billed:
            reservation.charge(fault.kind)
        else:
            reservation.release()
