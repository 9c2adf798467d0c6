"""What follows once a task was accepted: the protocol's own further calls, its answer, votes."""

from dataclasses import replace

from preceptor.records import Reply
from preceptor.synthesis.config import SynthesisConfig
from preceptor.synthesis.filters import Context, Drop, judge_group, runs_of_words
from preceptor.synthesis.parse import Parsed
from preceptor.synthesis.protocols.answers import read_answer
from preceptor.synthesis.protocols.base import Draft, TaskProtocol
from preceptor.synthesis.requests import Caller
from preceptor.synthesis.selection import Selection
from preceptor.synthesis.slots import ANSWER, CALL_FAILED, PROTOCOL, VOTE, Item, Part, Slot
from preceptor.synthesis.votes import read_vote
from preceptor.teachers.calls import Call


class Steps:
    """Takes items from acceptance to their end."""

    def __init__(
        self,
        config: SynthesisConfig,
        protocol: TaskProtocol,
        selection: Selection,
        caller: Caller,
    ) -> None:
        self._config, self._protocol = config, protocol
        self._selection, self._caller = selection, caller
        self._wording = runs_of_words(protocol.wording())

    def begin(self, slot: Slot, parsed: Parsed, reply: Reply) -> tuple[Item | None, Drop | None]:
        """An item, or why the task is dropped at once."""
        wanted, separate = slot.wanted, self._caller.separate_answers
        if wanted.passage_as_input and wanted.passage is not None:
            parsed = replace(parsed, input=wanted.passage.text)
        if parsed.fault == "no output" and separate:
            parsed = replace(parsed, fault="")
        if not parsed.complete:
            return None, Drop(parsed.fault)
        draft = Draft(parsed, wanted, structured=self._caller.structured)
        whole = not separate and self._protocol.next(draft) is None
        context = Context(
            shown=slot.shown,
            wording=self._wording,
            unanswerable=wanted.unanswerable,
            passage=wanted.passage.text if wanted.passage else "",
        )
        id = f"{slot.call.id}-{parsed.position}"
        accepted = self._selection.accept(id, parsed, context, whole)
        if isinstance(accepted, Drop):
            return None, accepted
        item = Item(id, parsed, accepted, context, draft)
        if whole:
            item.parts = [Part(parsed)]
        return item, None

    def advance(self, item: Item) -> list[Call]:
        """The first calls about a new item."""
        if item.parts:
            return self._votes(item, 0)
        return self._protocol_step(item)

    def receive(self, slot: Slot, call: Call, outcome: Reply | str) -> list[Call]:
        """What to ask next after a reply about one of a slot's items."""
        item = self._item_of(slot, call)
        place = item.waiting.pop(call.id)
        reply = outcome if isinstance(outcome, Reply) else None
        why = "" if isinstance(outcome, Reply) else outcome
        item.made[place] = (call, reply, why)
        stage, number, turn = place
        if stage == PROTOCOL:
            if reply is None:
                item.draft = replace(item.draft, fault=CALL_FAILED)
            else:
                item.draft = self._protocol.absorb(
                    item.draft, call.kind, reply.text, reply.finished
                )
            return self._protocol_step(item)
        part = item.parts[number]
        if stage == ANSWER:
            return self._answered(item, number, reply, why)
        part.voted[turn] = read_vote(reply.text) if reply else ""
        return []

    def _item_of(self, slot: Slot, call: Call) -> Item:
        return next(item for item in slot.items if call.id in item.waiting)

    def _protocol_step(self, item: Item) -> list[Call]:
        ask = None if item.draft.fault else self._protocol.next(item.draft)
        if ask is not None:
            step = sum(stage == PROTOCOL for stage, _, _ in item.made)
            call = self._caller.follow(ask, item.id, step)
            item.waiting[call.id] = (PROTOCOL, 0, step)
            return [call]
        if item.draft.fault:
            item.parts = [Part(item.task, Drop(item.draft.fault))]
            return []
        item.parts = [Part(task) for task in item.draft.tasks or (item.task,)]
        dropped = judge_group([part.task for part in item.parts], self._config.filters)
        for number, drop in dropped.items():
            item.parts[number].drop = drop
        calls: list[Call] = []
        for number, part in enumerate(item.parts):
            if part.drop is None:
                calls += self._written(item, number)
        return calls

    def _written(self, item: Item, number: int) -> list[Call]:
        """A part as the protocol left it: to be answered, or to be judged."""
        part = item.parts[number]
        if not self._caller.separate_answers:
            return self._judged(item, number)
        call = self._caller.answer(part.task, item, number)
        item.waiting[call.id] = (ANSWER, number, 0)
        return [call]

    def _answered(self, item: Item, number: int, reply: Reply | None, why: str) -> list[Call]:
        part = item.parts[number]
        if reply is None:
            part.drop = Drop(CALL_FAILED, why)
            return []
        output, fault = read_answer(reply.text, reply.finished)
        part.task = replace(part.task, output=output)
        if fault:
            part.drop = Drop(fault)
            return []
        return self._judged(item, number)

    def _judged(self, item: Item, number: int) -> list[Call]:
        part = item.parts[number]
        part.drop, part.verdicts = self._selection.finish(part.task, item.context)
        return [] if part.drop else self._votes(item, number)

    def _votes(self, item: Item, number: int) -> list[Call]:
        part, calls = item.parts[number], []
        for turn in range(self._config.categories.votes):
            call = self._caller.vote(part.task, item, number, turn)
            item.waiting[call.id] = (VOTE, number, turn)
            calls.append(call)
        return calls
