"""What may not be trained on, why, and the proof that none of it was.

Held out are the named tasks and clusters (FLAN, section 2.2) and the clusters so close to one of
them that FLAN leaves them out too. Beyond FLAN, whose rules let WNLI stay when coreference is held
out and QNLI when reading comprehension is: every task made from the same data set as a held-out
one, every task that asks for the skill of a held-out cluster, and, where that is asked for, every
task that quotes the same collection of texts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from preceptor.errors import StageError
from preceptor.records import Example
from preceptor.tasks import catalogue
from preceptor.tasks.clusters import CLUSTERS, excluded_with
from preceptor.tasks.task import Task

Exclusions = Literal["paper", "provenance", "corpora"]


@dataclass(frozen=True, slots=True)
class HoldOut:
    """What is held out, with everything that follows from it."""

    asked: tuple[str, ...]
    clusters: frozenset[str]
    categories: frozenset[str]
    excluded: Mapping[str, str]
    """Clusters left out besides, with the reason."""
    tasks: frozenset[str]
    """Every held-out task of the library, whether the mixture names it or not."""
    datasets: Mapping[str, str]
    """Data set, provenance or corpus of a held-out task, to the first task that has it."""
    exclusions: Exclusions

    def reason(self, task: Task) -> str:
        """Why a task may not be trained on; empty when it may."""
        if task.cluster in self.clusters:
            return f"its cluster {task.cluster} is held out"
        if task.category in self.categories:
            return f"its category {task.category} is held out"
        if task.name in self.tasks:
            return "it is held out"
        if task.cluster in self.excluded:
            return self.excluded[task.cluster]
        if self.exclusions == "paper":
            return ""
        for cluster in task.held_out_with:
            if cluster in self.clusters:
                return f"it asks for what {cluster} asks for, which is held out"
        for dataset in _lineage(task, self.exclusions):
            if dataset in self.datasets:
                other = self.datasets[dataset]
                return f"it has rows of {dataset}, as the held-out task {other} has"
        return ""

    def check(self, example: Example, task: Task | None) -> None:
        """Refuse an example of something held out, whatever let it through.

        Args:
            example: As it will be written: its own task, cluster, category and row are looked at.
            task: Where it comes from, for its provenance; None for a synthesised instruction.

        Raises:
            StageError: Its task, cluster, category, data set or provenance is held out.
        """
        split = example.id.split("/")[1]
        lineage = set() if task is None else set(_lineage(task, self.exclusions))
        skills = set() if task is None or self.exclusions == "paper" else set(task.held_out_with)
        broken = {
            "task": {example.task} & self.tasks,
            "cluster": {example.cluster} & (self.clusters | set(self.excluded)),
            "category": {example.category} & self.categories,
            "data set": {d for d in self.datasets if example.row.startswith(f"{d}/{split}/")},
            "provenance": lineage & set(self.datasets),
            "skill": skills & self.clusters,
        }
        for what, names in broken.items():
            if names:
                raise StageError(
                    f"example {example.id} has the held-out {what} {min(names)}; nothing was "
                    "published. This is a fault of Preceptor: please report it with the recipe"
                )


def hold_out(
    names: Sequence[str],
    all_tasks: Mapping[str, Task],
    exclusions: Exclusions = "provenance",
) -> HoldOut:
    """What the names of a recipe's ``hold_out`` stand for.

    Args:
        names: Tasks, clusters (also those without a task), or ``category:`` and a category.
        all_tasks: The whole library: a task can be held out that the mixture does not name.
        exclusions: What goes with them (``MixtureConfig.exclusions``).

    Raises:
        TaskError: A name is none of these.
    """
    clusters = [name for name in names if name in CLUSTERS and name not in all_tasks]
    others = [name for name in names if name not in clusters]
    prefix = catalogue.CATEGORY_PREFIX
    held = catalogue.select(all_tasks, others)
    held += [task for task in all_tasks.values() if task.cluster in clusters]
    datasets: dict[str, str] = {}
    for task in held:
        for dataset in _lineage(task, exclusions):
            datasets.setdefault(dataset, task.name)
    return HoldOut(
        asked=tuple(names),
        clusters=frozenset(clusters),
        categories=frozenset(n.removeprefix(prefix) for n in others if n.startswith(prefix)),
        excluded=excluded_with(clusters),
        tasks=frozenset(task.name for task in held),
        datasets=datasets,
        exclusions=exclusions,
    )


def _lineage(task: Task, exclusions: Exclusions) -> list[str]:
    """What a task's rows come from, as far as it counts."""
    if exclusions == "paper":
        return [task.source.dataset]
    corpora = task.corpora if exclusions == "corpora" else ()
    return [*task.provenance, *corpora, task.source.dataset]
