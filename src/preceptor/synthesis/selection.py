"""Which tasks are kept: parsed, filtered and compared with all before them, in request order."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from preceptor.records import Instruction, Reply, Seed
from preceptor.synthesis.categories import categorise
from preceptor.synthesis.config import SynthesisConfig
from preceptor.synthesis.filters import KEEP, Context, Drop, judge, runs_of_words
from preceptor.synthesis.novelty import NoveltyIndex
from preceptor.synthesis.parse import Parsed, parse
from preceptor.synthesis.prompts import load_template, render
from preceptor.synthesis.requests import Request

TOO_SIMILAR = "too similar"


@dataclass(frozen=True, slots=True)
class Rejection:
    """A task that was not kept."""

    request_id: str
    position: int
    reason: str
    instruction: str
    input: str
    output: str
    detail: str


class Selection:
    """The pool as it grows. What it keeps depends on the order in which it is shown replies."""

    def __init__(self, config: SynthesisConfig, seeds: Sequence[Seed], teacher: str) -> None:
        self._config, self._teacher = config, teacher
        wording = render(load_template(config.protocol), (), config.tasks_per_request)
        self._wording = runs_of_words(wording)
        self._index = NoveltyIndex()
        for seed in seeds:
            self._index.add(seed.id, seed.instruction)
        self.kept: list[Instruction] = []
        self.rejected: list[Rejection] = []
        self.whole = 0
        """Tasks with all their fields, before any filter."""

    def consider(self, request: Request, reply: Reply) -> None:
        """Keep or reject every task of a reply."""
        context = Context(request.seeds, self._wording)
        for task in parse(reply.text, reply.finished):
            if task.complete:
                self.whole += 1
                drop = self._keep_or_drop(task, request, reply, context)
            else:
                drop = Drop(task.fault)
            if drop:
                self.rejected.append(_rejection(request, task, drop))

    def counts(self) -> dict[str, int | dict[str, int]]:
        """Tasks by what became of them; kept and rejected add up to all that was found."""
        return {
            "tasks_parsed": self.whole,
            "kept": len(self.kept),
            "rejected": dict(sorted(Counter(r.reason for r in self.rejected).items())),
            "kept_by_category": dict(sorted(Counter(i.category for i in self.kept).items())),
        }

    def _keep_or_drop(
        self, task: Parsed, request: Request, reply: Reply, context: Context
    ) -> Drop | None:
        judgement = judge(task, context)
        if judgement.drop:
            return judgement.drop
        nearest, score = self._index.nearest(task.instruction)
        if score > self._config.rouge_l:
            return Drop(TOO_SIMILAR, f"ROUGE-L {score:.3f} to {nearest}")
        category, rule = categorise(task.instruction, task.input, task.output)
        instruction = Instruction(
            id=f"{request.id}-{task.position}",
            instruction=task.instruction,
            input=task.input,
            output=task.output,
            category=category,
            category_rule=rule,
            seed_ids=request.seed_ids,
            request_id=request.id,
            position=task.position,
            teacher=self._teacher,
            sampling=self._config.teacher.sampling(),
            prompt_sha256=request.prompt_sha256,
            prompt_tokens=reply.prompt_tokens,
            reply_tokens=reply.reply_tokens,
            nearest=nearest,
            nearest_rouge_l=score,
            verdicts=judgement.verdicts | {"novelty": KEEP},
        )
        self._index.add(instruction.id, instruction.instruction)
        self.kept.append(instruction)
        return None


def _rejection(request: Request, task: Parsed, drop: Drop) -> Rejection:
    return Rejection(
        request.id,
        task.position,
        drop.reason,
        task.instruction,
        task.input,
        task.output,
        drop.detail,
    )
