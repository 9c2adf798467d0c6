"""A hard budget: what a call may cost at worst is set aside before it is sent.

Hard means that what was spent and what calls in flight may still cost never exceed a limit
together. An attempt that was sent and brought no reply keeps what was set aside for it: it may have
been billed.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from preceptor.errors import BudgetReachedError
from preceptor.teachers.calls import Call
from preceptor.teachers.config import BudgetConfig, Price
from preceptor.teachers.tokens import dollars, expected_tokens, most_tokens

FREE = Price(input=0, output=0)
SLACK = 1e-9
"""Dollars by which sums of many small costs may be rounded."""


@dataclass(frozen=True, slots=True)
class Spent:
    """An amount of each kind that a budget limits."""

    dollars: float = 0.0
    tokens: int = 0
    """Of prompts and replies together."""
    calls: int = 0
    """That were answered, or may have been billed."""

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(
            self.dollars + other.dollars, self.tokens + other.tokens, self.calls + other.calls
        )

    def __sub__(self, other: "Spent") -> "Spent":
        return Spent(
            self.dollars - other.dollars, self.tokens - other.tokens, self.calls - other.calls
        )


class HasTokens(Protocol):
    """What a reply says of its cost."""

    @property
    def prompt_tokens(self) -> int: ...
    @property
    def reply_tokens(self) -> int: ...
    @property
    def cost(self) -> float: ...


def worst_case(call: Call, price: Price) -> Spent:
    """What one attempt at a call can cost at most."""
    prompt, reply = most_tokens(call)
    return Spent(dollars(prompt, reply, price), prompt + reply, 1)


class Reservation:
    """What was set aside for one attempt. It ends in exactly one of three ways; a second is
    ignored."""

    def __init__(self, budget: "Budget", call_id: str, worst: Spent, counted: bool) -> None:
        self._budget, self._call, self._worst, self._counted = budget, call_id, worst, counted
        self._open = True

    def settle(self, reply: HasTokens) -> None:
        """It was answered: the actual cost counts."""
        actual = Spent(reply.cost, reply.prompt_tokens + reply.reply_tokens, 1)
        self._end(actual)

    def charge(self, what: str, actual: Spent | None = None) -> None:
        """It was sent and brought nothing to keep, and may have been billed.

        Args:
            what: The fault.
            actual: What was billed, where that is known; else all that was set aside counts.
        """
        if self._open:
            lost = actual or self._worst
            self._end(lost)
            self._budget.on_charge(self._call, what, lost.tokens, lost.dollars)

    def release(self) -> None:
        """It cost nothing: it was refused, or never sent."""
        self._end(Spent())

    def _end(self, actual: Spent) -> None:
        if self._open:
            self._open = False
            self._budget._settled(self._worst, actual, self._counted)


class Budget:
    """What may still be spent. Any thread may use it; only ``reserve`` needs an event loop."""

    def __init__(
        self,
        config: BudgetConfig,
        spent: Spent | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """A budget whose hours begin now.

        Args:
            config: The limits, over all runs but for the hours.
            spent: What earlier runs spent.
            clock: Seconds.
        """
        self.on_charge: Callable[[str, str, int, float], None] = lambda *_: None
        """Called with call id, fault, tokens and dollars of each attempt that may have been billed
        without a reply."""
        self.on_send: Callable[[str, int, float], Awaitable[None]] = _nothing_to_do
        """Awaited before each attempt at a call of an endpoint, with call id and the tokens and
        dollars that it may cost at worst: a process that is killed can tell nobody afterwards."""
        self._config, self._clock, self._began = config, clock, clock()
        self._spent, self._reserved = spent or Spent(), Spent()
        self._lock = threading.Lock()
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []

    @property
    def config(self) -> BudgetConfig:
        """The limits."""
        return self._config

    @property
    def spent(self) -> Spent:
        """Over all runs; calls in flight are not in it."""
        return self._spent

    @property
    def reserved(self) -> Spent:
        """What calls in flight may cost at worst."""
        return self._reserved

    async def reserve(self, call_id: str, worst: Spent) -> Reservation:
        """Set an amount aside; waits while calls in flight may cost less than was set aside.

        Raises:
            BudgetReachedError: It does not fit whatever they cost, or the hours are over.
        """
        while True:
            self.check_time()
            with self._lock:
                if self._beyond(self._spent + self._reserved + worst) is None:
                    self._reserved += worst
                    return Reservation(self, call_id, worst, counted=False)
                self._refuse(worst)
                loop = asyncio.get_running_loop()
                freed = loop.create_future()
                self._waiting.append((loop, freed))
            await freed

    def take(self, call: Call) -> Reservation:
        """Count a call to a model in the process, which costs no dollars, before it is asked.

        It counts as its expected prompt and longest reply until it is settled.

        Raises:
            BudgetReachedError: It does not fit, or the hours are over.
        """
        self.check_time()
        worst = Spent(0.0, expected_tokens(call), 1)
        with self._lock:
            if self._beyond(self._spent + self._reserved + worst) is not None:
                self._refuse(worst + self._reserved)
            self._spent += worst
        return Reservation(self, call.id, worst, counted=True)

    def check_time(self) -> None:
        """See that the hours are not over.

        Raises:
            BudgetReachedError: They are.
        """
        hours = self._config.hours
        if hours is not None and self._clock() - self._began >= hours * 3600:
            raise BudgetReachedError(
                f"the budget of {hours:g} hours for one command is used up: run the same command "
                "again to go on (nothing paid for is asked twice), or raise budget.hours"
            )

    def _beyond(self, amount: Spent) -> str | None:
        """The first limit that an amount exceeds."""
        limits = self._config
        if limits.dollars is not None and amount.dollars > limits.dollars + SLACK:
            return "dollars"
        if limits.tokens is not None and amount.tokens > limits.tokens:
            return "tokens"
        if limits.calls is not None and amount.calls > limits.calls:
            return "calls"
        return None

    def _refuse(self, worst: Spent) -> None:
        """Raise if an amount does not fit beside what is spent for good."""
        limit = self._beyond(self._spent + worst)
        if limit is None:
            return
        show: Callable[[float], str] = _money if limit == "dollars" else _count
        raise BudgetReachedError(
            f"the budget of {show(getattr(self._config, limit))} {limit} is reached: "
            f"{show(getattr(self._spent, limit))} are spent and one more call may take "
            f"{show(getattr(worst, limit))}; raise budget.{limit} and run the same command again "
            "(nothing paid for is asked twice)"
        )

    def _settled(self, worst: Spent, actual: Spent, counted: bool) -> None:
        with self._lock:
            if counted:
                self._spent += actual - worst
            else:
                self._reserved -= worst
                if self._reserved.calls == 0:
                    self._reserved = Spent()  # no remainder of rounding
                self._spent += actual
            waiting, self._waiting = self._waiting, []
        for loop, freed in waiting:
            loop.call_soon_threadsafe(_wake, freed)


async def _nothing_to_do(call_id: str, tokens: int, dollars: float) -> None:
    """Nobody wants to know of attempts."""


def _wake(freed: asyncio.Future[None]) -> None:
    if not freed.done():
        freed.set_result(None)


def _money(amount: float) -> str:
    return f"{amount:,.4f}".rstrip("0").rstrip(".")


def _count(amount: float) -> str:
    return f"{amount:,.0f}"
