"""Driving a course: its calls go to models, its replies come back, the ledger sees both first.

Endpoints answer many calls at once, in any order; what is kept follows from the replies alone (see
``course``). Models in the process may answer beside them (see ``drive_here``).
"""

import asyncio
import sys
from collections.abc import Mapping

from preceptor.errors import BudgetReachedError, StageError, TeacherError
from preceptor.records import Reply
from preceptor.synthesis.commits import Commits
from preceptor.synthesis.course import Course
from preceptor.synthesis.drive_here import STUCK, Effort, Tell, answer_batch
from preceptor.synthesis.ledger import Ledger
from preceptor.synthesis.ledger_entries import answering, asking, closing, failing
from preceptor.teachers.budget import Budget
from preceptor.teachers.calls import BatchModel, Call, CallFailedError, Endpoint

PREPARED = 0.5
"""Calls that wait written down for their turn, or to be sent again, as a share of those that may be
in flight: else a call that backs off would keep a connection idle."""
BETWEEN = 64
"""Known replies taken in a row before others get their turn."""


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
        self._calls: dict[str, Call] = {}
        self._failed: list[Call] = []
        self._cut: list[Call] = []
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
        budget.on_send = self._sent
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
        except Exception as error:
            self._stop = self._stop or error
            raise
        finally:
            for endpoint, _ in endpoints.values():
                endpoint.closing = True
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
            for call in self._cut:
                self._commits.later(closing(call.id))
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
                self._calls[call.id] = call
                task.add_done_callback(self._flying.pop)
            if calls:
                self._tell()
                self._moved.set()
                await asyncio.sleep(0)
                continue
            self._check_not_stuck(role)
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
                self._check_not_stuck(role)
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
        outcome: Reply | str
        try:
            if self._over:
                return
            try:
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
        except asyncio.CancelledError:
            self._cut.append(call)
            raise
        except Exception as error:  # a budget, an endpoint, the disk, ours: stop, and say it
            self._stop = self._stop or error
            self._cut.append(call)
        finally:
            self._calls.pop(call.id, None)
            self._moved.set()

    async def _sent(self, call_id: str, tokens: int, dollars: float) -> None:
        """Have a call in the ledger before it is on its way, with what it may cost."""
        call = self._calls[call_id]
        self._pass_on()
        await self._commits.write(asking(call, self._names[call.role], tokens, dollars))

    def _pass_on(self) -> None:
        """Give the verdicts that have fallen to the next commit."""
        for entry in self._effort.take():
            self._commits.later(entry)

    def _check_not_stuck(self, role: str) -> None:
        """Only who issues requests can know that there is nothing more."""
        if role == "teacher" and not self._course.open_calls and not self._over:
            raise StageError(STUCK)
