"""Which tasks are kept: filtered, and compared with all before them, in the order of requests.

A task is accepted when its instruction stands: then it is in the pool, is compared with, may be
shown to the teacher. It is kept when its outputs stand too; where one call writes everything, both
are asked at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from preceptor.decontamination.findings import check
from preceptor.decontamination.index import Index
from preceptor.records import Example, Seed
from preceptor.synthesis.config import SynthesisConfig
from preceptor.synthesis.filters import KEEP, Context, Drop, judge, judge_instruction
from preceptor.synthesis.novelty import NoveltyIndex
from preceptor.synthesis.parse import Parsed

if TYPE_CHECKING:  # it imports torch
    from preceptor.synthesis.semantic import SemanticIndex

TOO_SIMILAR = "too similar"
NEAR_DUPLICATE = "near-duplicate in meaning"
CONTAMINATED = "overlaps with a benchmark"


@dataclass(frozen=True, slots=True)
class Accepted:
    """A task whose instruction is in the pool."""

    nearest: str
    """Id of the most similar seed, accepted instruction before it, or evaluation item."""
    nearest_rouge_l: float
    verdicts: Mapping[str, str]


class Selection:
    """The pool as it grows. What it accepts depends on the order in which it is asked."""

    def __init__(
        self,
        config: SynthesisConfig,
        seeds: Sequence[Seed],
        benchmarks: Index | None = None,
        questions: Sequence[tuple[str, str]] = (),
        semantic: "SemanticIndex | None" = None,
    ) -> None:
        """An empty pool.

        Args:
            seeds: In the pool from the start.
            benchmarks: What a whole task may not overlap with.
            questions: Items' ids and questions, which instructions are compared with as with the
                pool.
            semantic: Empty; where meaning is compared too.
        """
        self._config, self._benchmarks, self._semantic = config, benchmarks, semantic
        self._novelty = NoveltyIndex(stem=config.stem)
        for seed in seeds:
            self._novelty.add(seed.id, seed.instruction)
            if semantic is not None:
                semantic.add(seed.id, seed.instruction)
        for item, question in questions:
            self._novelty.add(item, question)
        self._items = frozenset(item for item, _ in questions)

    def accept(self, id: str, task: Parsed, context: Context, whole: bool) -> Accepted | Drop:
        """Whether a task comes into the pool.

        Args:
            whole: Its output is there, so all filters are asked now.
        """
        ask = judge if whole else judge_instruction
        judgement = ask(task, context, self._config.filters)
        if judgement.drop:
            return judgement.drop
        if whole and (drop := self.contaminated(task)):
            return drop
        nearest, score = self._novelty.nearest(task.instruction)
        if score > self._config.rouge_l:
            reason = CONTAMINATED if nearest in self._items else TOO_SIMILAR
            return Drop(reason, f"ROUGE-L {score:.3f} to {nearest}")
        verdicts = {**judgement.verdicts, "novelty": KEEP}
        if self._semantic is not None:
            if found := self._semantic.above(task.instruction):
                return Drop(NEAR_DUPLICATE, f"cosine {found[1]:.3f} to {found[0]}")
            self._semantic.add(id, task.instruction)
            verdicts["semantic"] = KEEP
        self._novelty.add(id, task.instruction)
        return Accepted(nearest, score, verdicts)

    def finish(self, task: Parsed, context: Context) -> tuple[Drop | None, Mapping[str, str]]:
        """What the filters say of a task whose output came later, and their verdicts."""
        judgement = judge(task, context, self._config.filters)
        return judgement.drop or self.contaminated(task), judgement.verdicts

    def contaminated(self, task: Parsed) -> Drop | None:
        """It overlaps with an evaluation set, as ``decontamination`` finds it."""
        if self._benchmarks is None:
            return None
        for finding in check(self._benchmarks, as_example(task)):
            if finding.kind in self._benchmarks.settings.remove:
                return Drop(CONTAMINATED, f"{finding.benchmark}: {finding.kind}")
        return None


def as_example(task: Parsed) -> Example:
    """A task as decontamination looks at training text."""
    prompt = f"{task.instruction}\n{task.input}" if task.input else task.instruction
    return Example(
        *("synthesis", "synthesis", "", "", "instruction", False),
        prompt=prompt,
        target=task.output,
        options=(),
        gold=-1,
        row="",
    )
