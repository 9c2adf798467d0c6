"""When a call is given up, and when its endpoint is.

Which of the two it is follows from what became of other calls: a call that fails while others are
answered is at fault itself; calls that fail together, while none is answered, wait for their
endpoint, because a call given up is never asked again.
"""

from dataclasses import dataclass

from preceptor.errors import TeacherError
from preceptor.teachers.calls import CallFailedError
from preceptor.teachers.config import TeacherConfig
from preceptor.teachers.pacing import Clock
from preceptor.teachers.retry import Fault

PATIENCE = 300.0
"""Seconds without any reply after which an endpoint is given up, unless no connection to it was
ever made: that takes no longer than a call's attempts."""
LONGEST_WAIT = 900.0
"""Seconds that a server may ask to wait before the run rather ends and is started again later."""
LIMITED_PER_ATTEMPT = 20
"""Times that a call may be told of too many requests, for each attempt it has: they cost nothing
and say nothing of the call."""
REJECTED = 5
"""Calls that an endpoint may reject before it ever answered one: then it rejects all."""
UNREADABLE = 5
"""Responses in a row that are no JSON, before any reply: then it is no such endpoint."""
OTHERS = 2
"""Further calls that fail while none is answered: then it is the endpoint."""


@dataclass(slots=True)
class History:
    """What became of one call so far."""

    failed_at: float
    """When an attempt at it last failed; at first, when it began."""
    failed: int = 0
    limited: int = 0
    """Times that it was told of too many requests; not among the failed."""
    stalled: int = 0
    refused: int = 0
    """Of the failed: times that there was no connection."""

    @property
    def attempts(self) -> int:
        """So far, all of them in vain."""
        return self.failed + self.limited


class Patience:
    """Judges the failures of one endpoint's calls."""

    def __init__(self, config: TeacherConfig, clock: Clock) -> None:
        self._most, self._clock = config.attempts, clock
        self._who = f"the teacher {config.model} at {config.endpoint}"
        self._began, self._replied_at = clock.now(), float("-inf")
        self._failing: set[str] = set()
        """Calls that failed since the last reply."""
        self._rejected = self._unreadable = 0

    def replied(self) -> None:
        """A call was answered."""
        self._replied_at = self._clock.now()
        self._failing.clear()

    def failed(self, call_id: str, fault: Fault, history: History) -> None:
        """A call's attempt failed; returns where it should be tried again.

        Args:
            call_id: Of the call.
            fault: What happened.
            history: Of the call; the fault is entered.

        Raises:
            CallFailedError: It is this call, and trying again is of no use.
            TeacherError: It is the endpoint.
        """
        if fault.means == "teacher":
            raise TeacherError(f"{self._who}: {fault.message}")
        if fault.means == "call":
            self._reject(fault)
        self._unreadable = self._unreadable + 1 if fault.kind == "not json" else 0
        if self._never_replied and self._unreadable >= UNREADABLE:
            raise TeacherError(f"{self._who} {fault.message}")
        self._failing.add(call_id)
        history.limited += fault.limited
        history.failed += not fault.limited
        history.stalled += fault.kind == "stalled"
        history.refused += fault.kind == "refused"
        if fault.wait is not None and fault.wait > LONGEST_WAIT:
            raise TeacherError(
                f"{self._who} asks to wait for {fault.wait / 60:.0f} minutes ({fault.message}): "
                "run the same command again then; nothing paid for is asked twice"
            )
        used_up = history.failed >= self._most
        if used_up or history.limited >= self._most * LIMITED_PER_ATTEMPT:
            self._give_up(fault, history)
        history.failed_at = self._clock.now()

    @property
    def _never_replied(self) -> bool:
        return self._replied_at == float("-inf")

    def _reject(self, fault: Fault) -> None:
        self._rejected += 1
        if self._never_replied and self._rejected >= REJECTED:
            raise TeacherError(
                f"{self._who} rejected each of the first {REJECTED} calls, the last with "
                f"{fault.kind}: {fault.message}"
            )
        raise CallFailedError(f"{fault.kind}: {fault.message}")

    def _give_up(self, fault: Fault, history: History) -> None:
        """End a call that used up its attempts, unless it rather waits for its endpoint."""
        if self._never_replied and history.refused == history.attempts:
            raise TeacherError(
                f"{self._who} cannot be reached ({fault.message}): see that the server runs and "
                "that teacher.endpoint is right"
            )
        # Since the attempt before: replies from before the server went down prove nothing.
        others_answered = self._replied_at > history.failed_at
        alone = len(self._failing) <= OTHERS and not history.refused
        if others_answered or alone:
            raise CallFailedError(
                f"all {history.attempts} attempts failed, the last with {fault.kind}: "
                f"{fault.message}"
            )
        if self._clock.now() - max(self._replied_at, self._began) > PATIENCE:
            raise TeacherError(
                f"{self._who} has answered nothing for {PATIENCE / 60:.0f} minutes (last: "
                f"{fault.message}): see to the server and run the same command again; nothing "
                "paid for is asked twice"
            )
