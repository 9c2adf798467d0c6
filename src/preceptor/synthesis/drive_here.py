"""Driving a course by models in the process: one batch after the other, formed in a fixed order,
so that the whole run is a function of its settings. The ledger sees calls and replies first.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from preceptor.errors import StageError
from preceptor.records import Reply
from preceptor.synthesis.course import Course
from preceptor.synthesis.ledger import Ledger
from preceptor.synthesis.ledger_entries import Entry, answering, asking, failing
from preceptor.teachers.budget import Budget
from preceptor.teachers.calls import BatchModel, Call, CallFailedError

STUCK = "the synthesis has nothing to ask and has not ended: please report it"


@dataclass(slots=True)
class Effort:
    """What this run asked anew: what is in the ledger costs nothing."""

    asked: int = 0
    answered: int = 0
    seconds: float = 0.0
    """Spent waiting for models in the process."""
    waiting: deque[Entry] = field(default_factory=deque)
    """Verdicts to be written with the next batch."""
    faults: Counter[str] = field(default_factory=Counter)
    """What went wrong with attempts at endpoints, by kind."""
    notes: Counter[str] = field(default_factory=Counter)
    """What a reader of the replies should know."""

    def take(self) -> list[Entry]:
        """The verdicts that wait; safe while another thread adds some."""
        taken = []
        while self.waiting:
            taken.append(self.waiting.popleft())
        return taken


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
    try:
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
                raise StageError(STUCK)
    finally:
        ledger.write(effort.take())


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
        ledger.write([*effort.take(), *(asking(call, names[call.role]) for call in lacking)])
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
