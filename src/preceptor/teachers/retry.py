"""What a failed attempt means, and how long to wait before the next.

Waiting grows by doubling and is drawn over its whole range (full jitter), so that calls which
failed together do not come back together; what a server says of its own wait comes first.
"""

import json
import random
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

FIRST = 0.5
"""Seconds within which a call is tried a second time."""
LONGEST = 20.0
"""Seconds between two attempts at most, where the server says nothing."""

AGAIN = frozenset({408, 409, 425, 429})
"""Statuses below 500 that another attempt may cure."""
MAYBE_BILLED = frozenset({504, 524})
"""A gateway gave up waiting: the model behind it may have answered."""
OVERLOAD = frozenset({429, 503, 529})
QUOTA = (
    "insufficient_quota",
    "exceeded your current quota",
    "billing_hard_limit",
    "credit balance",
)

Means = Literal["again", "call", "teacher"]


class Fault(Exception):
    """An attempt that brought no reply."""

    def __init__(
        self,
        kind: str,
        message: str,
        means: Means = "again",
        *,
        billed: bool = False,
        overload: bool = False,
        wait: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """A fault, and what it means.

        Args:
            kind: For counting: 'refused', 'connection', 'reset', 'timeout', 'stalled', 'cut',
                'not json', 'malformed', 'filtered' or 'http NNN'.
            message: For people, without keys.
            means: ``again``: another attempt may do; ``call``: this call will never be answered;
                ``teacher``: no call will be.
            billed: It may have been billed.
            overload: There are too many calls for the server.
            wait: Seconds that the server asks to wait.
            headers: Of the response, names in lower case.
        """
        super().__init__(message)
        self.kind, self.message, self.means = kind, message, means
        self.billed, self.overload, self.wait = billed, overload, wait
        self.headers = headers or {}
        self.tokens: tuple[int, int] | None = None
        """Tokens of prompt and reply that were billed, where that is known."""

    @property
    def limited(self) -> bool:
        """The server said that there were too many requests; nothing is wrong with this one."""
        return self.kind == "http 429"


class Backoff:
    """Seconds to wait before an attempt."""

    def __init__(
        self, source: random.Random, first: float = FIRST, longest: float = LONGEST
    ) -> None:
        self._random, self._first, self._longest = source, first, longest

    def seconds(self, failed: int) -> float:
        """After so many failed attempts, from 1: uniform below ``first`` doubled each time.

        Raises:
            ValueError: Nothing failed yet.
        """
        if failed < 1:
            raise ValueError("there is nothing to wait for before the first attempt")
        most = min(self._longest, self._first * 2.0 ** min(failed - 1, 32))
        return self._random.uniform(0.0, most)

    def after(self, asked: float) -> float:
        """As long as the server asks, and a little more, so that not all come back at once."""
        return asked + self._random.uniform(0.0, min(self._first, 0.1 * asked))


def judge(
    status: int,
    headers: Mapping[str, str],
    body: str,
    said: str,
    now: float,
) -> Fault:
    """What a response without a reply means.

    Args:
        status: Not 200.
        headers: Names in lower case.
        body: As it came.
        said: The message in it, fit to be shown.
        now: Seconds since 1970.
    """
    message = f"HTTP {status}: {said}" if said else f"HTTP {status}"
    kind = f"http {status}"
    if status in (402, 429) and any(word in body.lower() for word in QUOTA):
        return Fault(kind, f"its quota is used up ({message})", "teacher", headers=headers)
    if status in AGAIN or status >= 500:
        return Fault(
            kind,
            message,
            billed=status in MAYBE_BILLED,
            overload=status in OVERLOAD,
            wait=asked_to_wait(headers, now),
            headers=headers,
        )
    if status in (400, 413, 422):
        return Fault(kind, message, "call", headers=headers)
    return Fault(kind, message, "teacher", headers=headers)


def asked_to_wait(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that a server asks to wait, never negative; None when it does not say.

    From ``retry-after-ms``, ``retry-after`` (seconds or a date), else from when a limit that is
    used up is there again (``x-ratelimit-reset-*``).

    Args:
        headers: Names in lower case.
        now: Seconds since 1970.
    """
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    if (text := headers.get("retry-after")) is not None:
        seconds = _number(text)
        return seconds if seconds is not None else _until_date(text, now)
    waits = []
    for what in ("requests", "tokens"):
        left = _number(headers.get(f"x-ratelimit-remaining-{what}", ""))
        reset = until(headers.get(f"x-ratelimit-reset-{what}", ""), now)
        if left == 0 and reset is not None:
            waits.append(reset)
    return max(waits, default=None)


_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", re.ASCII)
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+", re.ASCII)


def until(text: str, now: float) -> float | None:
    """Seconds until a limit's reset: '20ms', '6m0s', '1.5', or a time (ISO 8601); None when it is
    none of these.

    Args:
        text: A header's value.
        now: Seconds since 1970.
    """
    text = text.strip()
    if _DURATION.fullmatch(text):
        return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    if (seconds := _number(text)) is not None:
        # Some servers give the time itself, in seconds since 1970.
        return seconds if seconds < 1e9 else max(0.0, seconds - now)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, moment.timestamp() - now)


def _until_date(text: str, now: float) -> float | None:
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def _number(text: str) -> float | None:
    """A number of header; no sign, no exponent, no infinity."""
    text = text.strip()
    return float(text) if re.fullmatch(r"\d{1,15}(?:\.\d+)?", text, re.ASCII) else None


def error_message(body: str) -> str:
    """The message in an error's body, as OpenAI, vLLM, llama.cpp and others put it."""
    try:
        found: Any = json.loads(body)
    except (ValueError, RecursionError):
        return body
    about = ""
    while isinstance(found, dict):
        inner = next((found[k] for k in ("error", "message", "detail") if found.get(k)), None)
        if inner is None:
            break
        if isinstance(found.get("param"), str):
            about = f" (about '{found['param']}')"
        found = inner
    return found + about if isinstance(found, str) else body
