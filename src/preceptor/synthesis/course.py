"""The course of a synthesis: which calls may be sent now, and what follows from each reply.

Replies may arrive in any order; what is kept does not depend on it. Requests are numbered. Each
becomes a slot, and three things happen to slots, the last two strictly in the order of numbers:

    replied   its first call came back
    settled   its tasks were filtered and compared with all before them; accepted ones may need
              further calls (Self-Instruct's classification and instance, an answer, votes)
    emitted   nothing of it is open: kept tasks, rejections and calls go to the sink, and the ends
              are looked at: the target, the floor, the number of requests

So a run that was killed, and one that was not, emit the same, from whatever the ledger holds.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from preceptor.records import Instruction, Reply, Seed
from preceptor.synthesis.caps import Caps
from preceptor.synthesis.config import SynthesisConfig
from preceptor.synthesis.filters import Drop
from preceptor.synthesis.parse import Parsed
from preceptor.synthesis.protocols.base import TaskProtocol
from preceptor.synthesis.requests import Caller
from preceptor.synthesis.selection import Selection
from preceptor.synthesis.slots import CALL_FAILED, Item, Part, Rejection, Slot
from preceptor.synthesis.steps import Steps
from preceptor.synthesis.wishes import View, Wishes
from preceptor.teachers.calls import Call

WINDOW = 4096
"""Requests that may be open at once where none depends on another."""
PAST_TARGET = "past the target"
PRIOR_YIELD = 0.8
"""Tasks accepted for each asked for, as long as nothing is known."""
KNOWN_AFTER = 8
"""Settled requests after which the yield is measured."""


class Sink(Protocol):
    """Where a course puts what it emits, in a fixed order."""

    def call(self, call: Call, reply: Reply | None, why: str) -> None:
        """A call and its reply, or why there is none."""

    def kept(self, instruction: Instruction) -> None:
        """A task that is kept."""

    def rejected(self, rejection: Rejection) -> None:
        """A task that is not."""


class Course:
    """The state of a synthesis. Knows no models, no files and no clock."""

    def __init__(
        self,
        config: SynthesisConfig,
        protocol: TaskProtocol,
        wishes: Wishes,
        selection: Selection,
        caller: Caller,
        sink: Sink,
        few: int | None = None,
    ) -> None:
        """A course at its start.

        Args:
            few: End when so many are kept, instead of at the target: a preview.
        """
        self._target = few or config.target
        self._config, self._protocol, self._wishes = config, protocol, wishes
        self._selection, self._caller, self._sink = selection, caller, sink
        self._tasks = config.tasks_per_request or protocol.defaults.tasks_per_request
        self._most = config.most_requests
        self._queues: dict[str, deque[Call]] = {role: deque() for role in caller.roles}
        self._open: dict[str, Slot] = {}
        """By the id of every call that was handed out or is queued."""
        self._slots: deque[Slot] = deque()
        self._unsettled: deque[Slot] = deque()
        self._issued = self._settled = 0
        self._pool: list[Seed] = []
        self._caps = Caps(config)
        self._views: deque[View] = deque([View(0, self._caps.counts())])
        """After so many emitted requests: the last ``lag`` and one."""
        self._shown_of = 0
        """Tasks of the pool that come from emitted requests."""
        self._under_way = 0
        """Accepted tasks that are not emitted."""
        self._steps = Steps(config, protocol, selection, caller)
        self._recent: deque[int] = deque(maxlen=config.floor.over)
        self.emitted = self.kept = 0
        self.ended = ""
        """Why nothing more is asked; empty while something is."""

    def ready(self, role: str, limit: int) -> list[Call]:
        """Calls that may be sent now, at most so many, in order; each is handed out once."""
        if self.ended:
            return []
        queue = self._queues[role]
        while role == "teacher" and len(queue) < limit and self._may_issue():
            self._issue()
        return [queue.popleft() for _ in range(min(limit, len(queue)))]

    def receive(self, call: Call, outcome: Reply | str) -> None:
        """A reply, or why there is none."""
        slot = self._open.pop(call.id)
        if self.ended:
            return
        if call is slot.call:
            slot.reply = outcome if isinstance(outcome, Reply) else None
            slot.why = "" if isinstance(outcome, Reply) else outcome
            slot.replied = True
        else:
            self._queue(slot, self._steps.receive(slot, call, outcome))
        self._settle()
        self._emit()

    @property
    def open_calls(self) -> int:
        """Calls that were handed out or are queued, and have no reply yet."""
        return len(self._open)

    def _may_issue(self) -> bool:
        if self._most is not None and self._issued >= self._most:
            return False
        if self._wishes.looks_at_pool and self._issued - self.emitted >= self._config.lag:
            return False
        if len(self._slots) >= WINDOW:
            return False
        target, flying = self._target, self._issued - self._settled
        if target is None or not flying:
            return True
        rate = self._tasks * PRIOR_YIELD
        if self.emitted >= KNOWN_AFTER:
            rate = max(self.kept / self.emitted, 0.01)
        return self.kept + self._under_way + flying * rate < target

    def _issue(self) -> None:
        index = self._issued
        self._issued += 1
        view = self._view(index)
        wanted = self._wishes.wanted(index, view)
        shown = self._wishes.shown(index, self._pool, view)
        call = self._caller.task(index, shown, wanted, self._tasks)
        slot = Slot(index, call, shown, wanted)
        self._slots.append(slot)
        self._unsettled.append(slot)
        self._queue(slot, [call])

    def _queue(self, slot: Slot, calls: Sequence[Call]) -> None:
        for call in calls:
            self._open[call.id] = slot
            self._queues[call.role].append(call)

    def _view(self, index: int) -> View:
        """What had come of all requests up to ``lag`` before a request."""
        if not self._wishes.looks_at_pool:
            return self._views[0]
        at = max(0, index - self._config.lag)
        return self._views[at - (self.emitted + 1 - len(self._views))]

    def _settle(self) -> None:
        while self._unsettled and self._unsettled[0].replied:
            slot = self._unsettled.popleft()
            if slot.reply is None:
                slot.rejections.append(_of_call(slot, CALL_FAILED, slot.why))
            else:
                self._judge(slot, slot.reply)
            slot.settled = True
            self._settled += 1

    def _judge(self, slot: Slot, reply: Reply) -> None:
        """Accept or reject every task of a reply, and ask on about the accepted."""
        found = self._protocol.read(reply.text, reply.finished, slot.shown, self._tasks)
        slot.found = len(found)
        for parsed in found:
            item, drop = self._steps.begin(slot, parsed, reply)
            if item is None:
                assert drop is not None
                slot.rejections.append(_of_task(slot.call.id, parsed, drop))
                continue
            slot.items.append(item)
            if self._wishes.bootstraps:
                self._pool.append(_shown(item))
        self._under_way += len(slot.items)
        for item in slot.items:
            self._queue(slot, self._steps.advance(item))

    def _emit(self) -> None:
        while not self.ended and self._slots:
            slot = self._slots[0]
            if not slot.settled or not all(item.done for item in slot.items):
                return
            self._slots.popleft()
            before = self.kept
            self._put(slot)
            self.emitted += 1
            self._under_way -= len(slot.items)
            self._shown_of += len(slot.items)
            self._recent.append(self.kept - before)
            if self._wishes.looks_at_pool:
                self._views.append(View(self._shown_of, self._caps.counts()))
                while len(self._views) > self._config.lag + 1:
                    self._views.popleft()
            self._look_for_the_end()

    def _put(self, slot: Slot) -> None:
        self._sink.call(slot.call, slot.reply, slot.why)
        for rejection in slot.rejections:
            self._sink.rejected(rejection)
        for item in slot.items:
            for call, reply, why in item.calls:
                self._sink.call(call, reply, why)
            for number, part in enumerate(item.parts):
                drop = part.drop or self._place(slot, item, part)
                if drop is not None:
                    self._sink.rejected(_of_part(slot.call.id, item, number, drop))

    def _place(self, slot: Slot, item: Item, part: Part) -> Drop | None:
        """Keep a task that stands, or say why there is no place for it."""
        if self._target is not None and self.kept >= self._target:
            return Drop(PAST_TARGET)
        record = self._caller.record(slot, item, part)
        if drop := self._caps.over(record, slot.wanted):
            return drop
        self._caps.keep(record, slot.wanted)
        self._sink.kept(record)
        self.kept += 1
        return None

    def _look_for_the_end(self) -> None:
        floor = self._config.floor
        if self._target is not None and self.kept >= self._target:
            self.ended = f"the target of {self._target:,} is reached"
        elif self._most is not None and self.emitted >= self._most:
            self.ended = f"all {self._most:,} requests were sent"
        elif len(self._recent) == floor.over:
            rate = sum(self._recent) / (floor.over * self._tasks)
            if rate < floor.rate:
                self.ended = (
                    f"of the tasks that the last {floor.over:,} requests asked for, {rate:.1%} "
                    f"were kept, which is under the floor of {floor.rate:.1%}"
                )


def _shown(item: Item) -> Seed:
    """An accepted task as a demonstration."""
    task = item.task
    return Seed(
        item.id, task.instruction, task.input, task.output, "", task.topic, task.view, task.kind
    )


def _of_task(request: str, task: Parsed, drop: Drop) -> Rejection:
    return Rejection(
        *(f"{request}-{task.position}", request, task.position, drop.reason),
        *(task.instruction, task.input, task.output, drop.detail),
    )


def _of_part(request: str, item: Item, number: int, drop: Drop) -> Rejection:
    return replace(
        _of_task(request, item.parts[number].task, drop),
        task=item.part_id(number),
        nearest=item.accepted.nearest,
        nearest_rouge_l=item.accepted.nearest_rouge_l,
    )


def _of_call(slot: Slot, reason: str, why: str) -> Rejection:
    return Rejection(f"{slot.call.id}-0", slot.call.id, 0, reason, "", "", "", why)
