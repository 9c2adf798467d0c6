"""Driving a course: its calls go to models, its replies come back, the ledger sees both first.

Models in the process answer in batches, one batch after the other, formed in a fixed order: so the
whole run is a function of its settings. Endpoints answer many calls at once, in any order; what is
kept follows from the replies alone (see ``course``).
"""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from preceptor.errors import BudgetReachedError, StageError, TeacherError
from preceptor.records import Reply
from preceptor.synthesis.commits import Commits
from preceptor.synthesis.course import Course
from preceptor.synthesis.ledger import Ledger
from preceptor.synthesis.ledger_entries import Entry, answering, asking, failing
from preceptor.teachers.budget import Budget
from preceptor.teachers.calls import BatchModel, Call, CallFailedError, Endpoint

PREPARED = 0.5
"""Calls that wait written down for their turn, or to be sent again, as a share of those that may be
in flight: else a call that backs off would keep a connection idle."""
BETWEEN = 64
"""Known replies taken in a row before others get their turn."""


@dataclass(slots=True)
class Effort:
    """What this run asked anew: what is in the ledger costs nothing."""

    asked: int = 0
    answered: int = 0
    seconds: float = 0.0
    """Spent waiting for models in the process."""
    waiting: list[Entry] = field(default_factory=list)
    """Verdicts to be written with the next batch."""
    faults: Counter[str] = field(default_factory=Counter)
    """What went wrong with attempts at endpoints, by kind."""
    notes: Counter[str] = field(default_factory=Counter)
    """What a reader of the replies should know."""


Tell = Callable[[], None]


def drive_here(
    course: Course,
    ledger: Ledger,
    models: Mapping[str, BatchModel],
    batch: Mapping[str, int],
    effort: Effort,
    tell: Tell,
    budget: Budget,
    names: Mapping[str, str],
) -> None:
    """Answer everything by models in the process, until the course ends.

    Args:
        models: By role.
        batch: Calls answered together, by role.
        tell: Called after each batch.
        budget: Counts the calls that are asked.
        names: Role to name and version, as the ledger holds it.

    Raises:
        StageError: A model answered another number of calls than it was asked.
        BudgetReachedError: What was answered is in the ledger.
    """
    while not course.ended:
        moved = False
        for role, model in models.items():
            calls = course.ready(role, batch[role])
            if not calls:
                continue
            moved = True
            replies = answer_batch(calls, ledger, model, effort, budget, names)
            for call, reply in zip(calls, replies, strict=True):
                course.receive(call, reply)
            tell()
        if not moved and not course.ended:
            raise StageError("the synthesis has nothing to ask and has not ended: please report it")
    ledger.write(effort.waiting)
    effort.waiting.clear()


def answer_batch(
    calls: Sequence[Call],
    ledger: Ledger,
    model: BatchModel,
    effort: Effort,
    budget: Budget,
    names: Mapping[str, str],
) -> list[Reply | str]:
    """Replies to one batch, those that the ledger lacks from the model."""
    known = {call.id: ledger.outcome(call.id) for call in calls}
    lacking = [call for call in calls if known[call.id] is None]
    if lacking:
        ledger.write([*effort.waiting, *(asking(call, names[call.role]) for call in lacking)])
        effort.waiting.clear()
        known |= _asked(lacking, ledger, model, effort, budget)
    return [outcome for call in calls if (outcome := known[call.id]) is not None]


def _asked(
    calls: Sequence[Call], ledger: Ledger, model: BatchModel, effort: Effort, budget: Budget
) -> dict[str, Reply | str]:
    """Ask a model, and write down what it says."""
    refused: dict[str, str] = {}
    for call in calls:
        try:
            model.check(call)
        except CallFailedError as error:
            refused[call.id] = str(error)
    asked = [call for call in calls if call.id not in refused]
    taken = [budget.take(call) for call in asked]
    started = time.monotonic()
    replies = model.complete(asked) if asked else []
    effort.seconds += time.monotonic() - started
    if len(replies) != len(asked):
        raise StageError(
            f"the teacher {model.name} gave {len(replies)} replies to {len(asked)} calls; "
            "a teacher must answer each call once"
        )
    ledger.write(
        [
            *(answering(call, reply) for call, reply in zip(asked, replies, strict=True)),
            *(failing(call, refused[call.id]) for call in calls if call.id in refused),
        ]
    )
    for reservation, reply in zip(taken, replies, strict=True):
        reservation.settle(reply)
    effort.asked += len(asked)
    effort.answered += len(replies)
    return {**refused, **{call.id: reply for call, reply in zip(asked, replies, strict=True)}}


class Driver:
    """Answers a course by endpoints, and by models in the process beside them."""

    def __init__(
        self,
        course: Course,
        ledger: Ledger,
        commits: Commits,
        effort: Effort,
        tell: Tell,
        names: Mapping[str, str],
    ) -> None:
        self._course, self._ledger, self._commits = course, ledger, commits
        self._effort, self._tell, self._names = effort, tell, names
        self._moved = asyncio.Event()
        self._flying: dict[asyncio.Task[None], tuple[Call, Endpoint]] = {}
        self._failed: list[Call] = []
        self._stop: BaseException | None = None

    async def run(
        self,
        endpoints: Mapping[str, tuple[Endpoint, int]],
        here: Mapping[str, tuple[BatchModel, int]],
        budget: Budget,
    ) -> None:
        """Until the course ends, or something stops it; calls in flight are waited for then.

        Args:
            endpoints: By role, with how many calls may be in flight.
            here: By role, with how many calls make a batch.

        Raises:
            BudgetReachedError: What was paid for is in the ledger.
            TeacherError: An endpoint cannot be used.
        """
        pumps = [self._pump(role, *found) for role, found in endpoints.items()]
        pumps += [self._pump_here(role, *found, budget) for role, found in here.items()]
        running = [asyncio.create_task(pump) for pump in pumps]
        try:
            await asyncio.gather(*running)
        except asyncio.CancelledError:
            print(
                f"preceptor: waiting for {len(self._flying)} replies that are on their way; "
                "ctrl-C again leaves them",
                file=sys.stderr,
            )
            self._stop = self._stop or KeyboardInterrupt()
            raise
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            for task, (call, endpoint) in self._flying.items():
                if call.id not in endpoint.sending:  # what was not sent yet is not sent any more
                    task.cancel()
            await asyncio.gather(*self._flying, return_exceptions=True)
            self._pass_on()
            if isinstance(self._stop, TeacherError) and not self._effort.answered:
                # Nothing is known of these calls: the endpoint as a whole could not be used.
                for call in self._failed:
                    self._commits.later(asking(call, self._names[call.role]))
            await self._commits.flush()
        if self._stop is not None:
            raise self._stop

    @property
    def _over(self) -> bool:
        return bool(self._course.ended) or self._stop is not None

    async def _pump(self, role: str, endpoint: Endpoint, most: int) -> None:
        """Keep so many calls of a role in flight, and some prepared."""
        flying: set[asyncio.Task[None]] = set()
        room_for = most + max(1, int(most * PREPARED))
        while not self._over:
            calls = self._course.ready(role, min(room_for - len(flying), BETWEEN))
            for call in calls:
                known = self._ledger.outcome(call.id)
                if known is not None:
                    self._course.receive(call, known)
                    continue
                task = asyncio.create_task(self._ask(call, endpoint))
                flying.add(task)
                task.add_done_callback(flying.discard)
                self._flying[task] = (call, endpoint)
                task.add_done_callback(self._flying.pop)
            if calls:
                self._tell()
                self._moved.set()
                await asyncio.sleep(0)
                continue
            self._check_not_stuck()
            self._moved.clear()
            await self._moved.wait()
        self._moved.set()

    async def _pump_here(
        self,
        role: str,
        model: BatchModel,
        batch: int,
        budget: Budget,
    ) -> None:
        """Answer a role's calls by a model in the process, a batch at a time."""
        while not self._over:
            calls = self._course.ready(role, batch)
            if not calls:
                self._check_not_stuck()
                self._moved.clear()
                await self._moved.wait()
                continue
            try:
                replies = await asyncio.to_thread(
                    answer_batch,
                    *(calls, self._ledger, model, self._effort, budget, self._names),
                )
            except BudgetReachedError as error:
                self._stop = self._stop or error
                break
            for call, reply in zip(calls, replies, strict=True):
                self._course.receive(call, reply)
            self._tell()
            self._moved.set()
        self._moved.set()

    async def _ask(self, call: Call, endpoint: Endpoint) -> None:
        """One call, from the ledger to the ledger."""
        try:
            if self._over:
                return
            self._pass_on()
            await self._commits.write(asking(call, self._names[call.role]))
            outcome: Reply | str
            try:
                if self._over:
                    return
                self._effort.asked += 1
                outcome = await endpoint.complete(call)
                await self._commits.write(answering(call, outcome))
                self._effort.answered += 1
            except CallFailedError as error:
                outcome = str(error) or "the call failed"
                self._failed.append(call)
                await self._commits.write(failing(call, outcome))
            self._course.receive(call, outcome)
            self._tell()
        except (BudgetReachedError, TeacherError) as error:
            self._stop = self._stop or error
        except Exception as error:  # a fault of ours or of the disk: stop, and say it
            self._stop = self._stop or error
        finally:
            self._moved.set()

    def _pass_on(self) -> None:
        """Give the verdicts that have fallen to the next commit."""
        for entry in self._effort.waiting:
            self._commits.later(entry)
        self._effort.waiting.clear()

    def _check_not_stuck(self) -> None:
        if not self._course.open_calls and not self._over:
            raise StageError("the synthesis has nothing to ask and has not ended: please report it")
