"""How much may be sent a minute: limits that were given, and those that a server's headers tell."""

from collections.abc import Mapping
from dataclasses import dataclass

from preceptor.teachers.retry import until

BURST_SECONDS = 1.0
"""Of a given limit's flow, that may go at once."""
TRUSTED_SECONDS = 60.0
"""What headers say is followed for so long: they are about windows unknown to us, and a server that
means it says 429."""


@dataclass(slots=True)
class Bucket:
    """A level that fills steadily and from which calls take; it may be in debt."""

    capacity: float
    rate: float
    """A second."""
    level: float
    filled_at: float

    def fill(self, now: float) -> None:
        """Let it fill up to now."""
        self.level = min(self.capacity, self.level + (now - self.filled_at) * self.rate)
        self.filled_at = now

    def wait(self, amount: float, now: float) -> float:
        """Seconds until an amount may be taken; an amount above the capacity needs a full one."""
        self.fill(now)
        lacking = min(amount, self.capacity) - self.level
        # Below what is worth a timer, and rounding must never leave a wait that does not end.
        return 0.0 if lacking <= 1e-9 * max(1.0, amount) else lacking / self.rate


def given(per_minute: float, now: float) -> Bucket:
    """A limit by the user: in any minute no more than a second's worth above it."""
    capacity = max(1.0, per_minute / 60 * BURST_SECONDS)
    return Bucket(capacity, per_minute / 60, capacity, now)


@dataclass(frozen=True, slots=True)
class Told:
    """What headers say of one limit."""

    limit: float
    remaining: float
    reset: float
    """Seconds until it is whole again."""


def told(headers: Mapping[str, str], what: str, now: float) -> Told | None:
    """What headers say of requests or tokens; None when they do not say all of it.

    Args:
        headers: Names in lower case.
        what: 'requests' or 'tokens'.
        now: Seconds since 1970.
    """
    for form in ("x-ratelimit-{}-" + what, "anthropic-ratelimit-" + what + "-{}"):
        try:
            limit = float(headers.get(form.format("limit"), ""))
            remaining = float(headers.get(form.format("remaining"), ""))
        except ValueError:
            continue
        reset = until(headers.get(form.format("reset"), ""), now)
        if reset is not None and 0 < limit < 1e15 and 0 <= remaining <= limit:
            return Told(limit, remaining, reset)
    return None


class Flow:
    """One kind of amount (requests or tokens): all its limits together."""

    def __init__(self, per_minute: float | None, now: float) -> None:
        self._given = given(per_minute, now) if per_minute is not None else None
        self._told: Bucket | None = None
        self._told_at = now
        self.taken = 0.0
        """Over all calls so far."""

    def wait(self, amount: float, now: float) -> float:
        """Seconds until an amount may go."""
        own = self._given.wait(amount, now) if self._given else 0.0
        trusted = self._told_at + TRUSTED_SECONDS - now
        if self._told is None or trusted <= 0:
            return own
        return max(own, min(self._told.wait(amount, now), trusted))

    def take(self, amount: float, now: float) -> None:
        """An amount goes, or comes back where it is negative."""
        self.taken += amount
        for bucket in (self._given, self._told):
            if bucket is not None:
                bucket.fill(now)
                bucket.level -= amount

    def observe(self, said: Told, since: float, now: float) -> None:
        """Follow what a server says it has left.

        Args:
            said: Of the server, some time ago.
            since: What was taken after the call whose response says so; the server may not have
                counted that yet.
            now: Of the clock.
        """
        used = said.limit - said.remaining
        if used <= 0 or said.reset <= 0:
            return
        # A bucket that is whole again after ``reset`` fills by so much a second; of a fixed window
        # this is a guess, and it is right when it matters: near its end.
        self._told = Bucket(said.limit, used / said.reset, said.remaining - since, now)
        self._told_at = now
