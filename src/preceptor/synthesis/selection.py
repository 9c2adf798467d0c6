"""Which tasks are kept: filtered, and compared with all before them, in the order of requests.

A task is accepted when its instruction stands: then it is in the pool, is compared with, may be
shown to the teacher. It is kept when its outputs stand too; where one call writes everything, both
are asked at once.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from preceptor.decontamination.findings import check
from preceptor.decontamination.index import Index
from preceptor.records import Example, Seed
from preceptor.synthesis.categories import categorise
from preceptor.synthesis.config import SynthesisConfig
from preceptor.synthesis.filters import KEEP, Context, Drop, judge, judge_instruction
from preceptor.synthesis.novelty import NoveltyIndex
from preceptor.synthesis.parse import Parsed
from preceptor.synthesis.protocols.base import Wanted
from preceptor.synthesis.wishes import LABELS, Counts, most

if TYPE_CHECKING:  # it imports torch
    from preceptor.synthesis.semantic import SemanticIndex

TOO_SIMILAR = "too similar"
NEAR_DUPLICATE = "near-duplicate in meaning"
OPENING_WORD = "opening word over its cap"
OVER_QUOTA = "over its quota"
CONTAMINATED = "overlaps with a benchmark"
SMALL = 50
"""Among fewer kept tasks than this, no opening word is counted as too frequent."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A task whose instruction is in the pool."""

    nearest: str
    """Id of the most similar seed or accepted instruction before it."""
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
        self._openings: Counter[str] = Counter()
        self._labels: dict[str, Counter[str | int]] = {name: Counter() for name in LABELS}
        self.accepted = 0

    def counts(self) -> Counts:
        """Accepted tasks by their labels, as they stand now."""
        return {name: dict(counter) for name, counter in self._labels.items()}

    def accept(
        self, id: str, task: Parsed, wanted: Wanted, context: Context, whole: bool
    ) -> Accepted | Drop:
        """Whether a task comes into the pool.

        Args:
            whole: Its output is there, so all filters are asked now.
        """
        ask = judge if whole else judge_instruction
        judgement = ask(task, context, self._config.filters)
        if judgement.drop:
            return judgement.drop
        labels = labels_of(task, wanted, whole)
        if drop := self._over(task, labels) or (whole and self.contaminated(task)):
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
        self._openings[_opening(task)] += 1
        for name, label in labels.items():
            self._labels[name][label] += 1
        self.accepted += 1
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

    def _over(self, task: Parsed, labels: Mapping[str, str | int]) -> Drop | None:
        """Caps on opening words and on labels."""
        share, word = self._config.opening_words, _opening(task)
        counted = share is not None and self.accepted >= SMALL
        if counted and self._openings[word] + 1 > (share or 0) * (self.accepted + 1):
            return Drop(OPENING_WORD, word)
        target = self._config.target
        for name, label in labels.items():
            quota: Mapping[str | int, float] = getattr(self._config.quotas, name)
            if target is None or not quota:
                continue
            if self._labels[name][label] >= most(quota.get(label, 0.0), target):
                return Drop(OVER_QUOTA, f"{name} {label}")
        return None


def labels_of(task: Parsed, wanted: Wanted, whole: bool) -> dict[str, str | int]:
    """What a task counts as: what was asked for, else what the teacher says; its category by the
    rules as soon as its output is there."""
    category = categorise(task.instruction, task.input, task.output)[0] if whole else ""
    found: dict[str, str | int] = {
        "category": category or wanted.category,
        "topic": wanted.topic or task.topic,
        "view": wanted.view or task.view,
        "kind": wanted.kind or task.kind,
        "difficulty": wanted.difficulty or task.difficulty,
    }
    return {name: label for name, label in found.items() if label}


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


def _opening(task: Parsed) -> str:
    words = task.instruction.split(maxsplit=1)
    return words[0].strip("\"'*_(),.:;").lower() if words else ""
