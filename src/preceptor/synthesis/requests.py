"""From what is to be asked to the calls that ask it, and from replies to records.

Every call's id is the hash of what decides its reply: the model, the messages, the sampling, a
seed. The seed is a draw of the request's number, or of the task's id: so the same call comes again
in every run that reaches it, and the ledger answers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from preceptor import draws
from preceptor.records import Instruction, Seed
from preceptor.synthesis.categories import categorise
from preceptor.synthesis.config import SynthesisConfig
from preceptor.synthesis.filters import flags
from preceptor.synthesis.parse import Parsed
from preceptor.synthesis.protocols.answers import ask_answer
from preceptor.synthesis.protocols.base import Ask, Defaults, TaskProtocol, Wanted
from preceptor.synthesis.slots import Item, Part, Slot
from preceptor.synthesis.votes import VOTE_SCHEMA, decide, vote_messages
from preceptor.teachers.calls import Call, Sampling, make_call

TOKENS_A_TASK = 192
"""That a reply may have for each task more: BioInstruct's released records have some 70 words."""
VOTING = Sampling(temperature=1.0, max_new_tokens=16)
"""Votes are drawn, so that several of them say how sure the model is."""


class Caller:
    """Makes the calls of a run."""

    def __init__(
        self,
        config: SynthesisConfig,
        protocol: TaskProtocol,
        models: Mapping[str, str],
        seed: int,
    ) -> None:
        """For models by role.

        Args:
            models: Role to name and fingerprint, for each role of ``config.teachers()``.
        """
        self._config, self._protocol, self._models, self._seed = config, protocol, models, seed
        self._teachers = config.teachers()
        self.roles = tuple(self._teachers)
        self.structured = config.teacher.asks_json
        self.separate_answers = separate_answers(config, protocol.defaults)

    def task(self, index: int, shown: Sequence[Seed], wanted: Wanted, tasks: int) -> Call:
        """The first call of a request."""
        ask = self._protocol.ask(
            *(shown, wanted, tasks, self.structured),
            with_output=not self.separate_answers,
        )
        sampling = task_sampling(self._config, self._protocol.defaults)
        note = {
            "request": index,
            "tasks": tasks,
            "seeds": [one.id for one in shown],
            **_noted(wanted),
        }
        return self._call(ask, "teacher", sampling, note, "task", index)

    def follow(self, ask: Ask, task_id: str, step: int) -> Call:
        """A further call of the protocol about a task."""
        sampling = self._protocol.defaults.sampling[ask.kind]
        return self._call(ask, "teacher", sampling, {"task": task_id}, ask.kind, task_id, step)

    def answer(self, task: Parsed, item: Item, number: int) -> Call:
        """The call that writes a task's output."""
        role = "answers" if "answers" in self._teachers else "teacher"
        ask = ask_answer(task.instruction, task.input, item.draft.wanted)
        default = self._protocol.defaults.sampling.get("answer", Sampling())
        sampling = self._teachers[role].sampling(default)
        note = {"task": item.id, "part": number}
        return self._call(ask, role, sampling, note, "answer", item.id, number)

    def vote(self, task: Parsed, item: Item, number: int, turn: int) -> Call:
        """A call that asks for a task's category."""
        role = "votes" if "votes" in self._teachers else "teacher"
        messages = vote_messages(task.instruction, task.input, task.output)
        ask = Ask("vote", messages, VOTE_SCHEMA if self._teachers[role].asks_json else None)
        note = {"task": item.id, "part": number}
        return self._call(ask, role, VOTING, note, "vote", item.id, number, turn)

    def record(self, slot: Slot, item: Item, part: Part) -> Instruction:
        """A kept task with the whole way it came."""
        task, reply = part.task, slot.reply
        assert reply is not None
        ruled, rule = categorise(task.instruction, task.input, task.output)
        category, by = decide(ruled, rule, part.votes, self._config.categories.decide)
        number = next(i for i, one in enumerate(item.parts) if one is part)
        wanted = item.draft.wanted
        later = sum(made.cost for _, made, _ in item.calls if made is not None)
        return Instruction(
            id=item.part_id(number),
            instruction=task.instruction,
            input=task.input,
            output=task.output,
            category=category,
            category_rule=by,
            seed_ids=tuple(one.id for one in slot.shown),
            request_id=slot.call.id,
            position=task.position,
            teacher=self._models["teacher"],
            sampling=slot.call.sampling.to_json(),
            prompt_sha256=slot.call.prompt_sha256,
            prompt_tokens=reply.prompt_tokens,
            reply_tokens=reply.reply_tokens,
            nearest=item.accepted.nearest,
            nearest_rouge_l=item.accepted.nearest_rouge_l,
            verdicts={**item.accepted.verdicts, **part.verdicts},
            category_vote=", ".join(vote or "unclear" for vote in part.votes),
            topic=task.topic or wanted.topic,
            view=task.view or wanted.view,
            kind=task.kind or wanted.kind,
            difficulty=task.difficulty or wanted.difficulty,
            unanswerable=wanted.unanswerable,
            passage_id=wanted.passage.id if wanted.passage else "",
            call_ids=tuple(call.id for call, _, _ in item.calls),
            cost=reply.cost / max(slot.found, 1) + later / len(item.parts),
            flags=_flagged(task, wanted),
        )

    def _call(
        self,
        ask: Ask,
        role: str,
        sampling: Sampling,
        note: Mapping[str, object],
        *what: str | int,
    ) -> Call:
        return make_call(
            self._models[role],
            ask.kind,
            role,
            ask.messages,
            sampling,
            draws.bits(self._seed, "call", *what) >> 1,
            ask.schema,
            ask.opening if self._teachers[role].local else "",
            note,
        )


def _flagged(task: Parsed, wanted: Wanted) -> dict[str, str]:
    """Flags, and what had to be mended of the reply to read the task."""
    found = flags(task, wanted.passage.text if wanted.passage else "")
    return {**found, "repaired": task.repaired} if task.repaired else found


def separate_answers(config: SynthesisConfig, defaults: Defaults) -> bool:
    """Whether outputs are written by calls of their own."""
    if config.answers.separate is not None:
        return config.answers.separate
    return defaults.separate_answers or config.answers.teacher is not None


def task_sampling(config: SynthesisConfig, defaults: Defaults) -> Sampling:
    """How replies to requests for tasks are drawn: their length grows with the number of tasks that
    are asked for beyond the protocol's own."""
    own = defaults.sampling["task"]
    more = max((config.tasks_per_request or 0) - defaults.tasks_per_request, 0)
    longer = replace(own, max_new_tokens=own.max_new_tokens + TOKENS_A_TASK * more)
    return config.teacher.sampling(longer)


def _noted(wanted: Wanted) -> dict[str, object]:
    """What a request asked for, where it asked for anything in particular."""
    found: dict[str, object] = {
        "category": wanted.category,
        "topic": wanted.topic,
        "view": wanted.view,
        "kind": wanted.kind,
        "difficulty": wanted.difficulty,
        "unanswerable": wanted.unanswerable,
        "passage": wanted.passage.id if wanted.passage else "",
    }
    return {name: value for name, value in found.items() if value}
