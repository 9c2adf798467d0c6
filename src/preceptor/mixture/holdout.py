"""What may not be trained on, why, and the proof that none of it was.

Held out are the named tasks and clusters (FLAN, section 2.2), the clusters so close to one of them
that FLAN leaves them out too, and, beyond FLAN, every task made from the same data set as a
held-out one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from preceptor.errors import StageError
from preceptor.records import Example
from preceptor.tasks import catalogue
from preceptor.tasks.clusters import CLUSTERS, excluded_with
from preceptor.tasks.task import Task


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
    """Data set or provenance of a held-out task, to the first task that has it."""

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
        for dataset in _lineage(task):
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
        provenance = set() if task is None else set(task.provenance)
        broken = {
            "task": {example.task} & self.tasks,
            "cluster": {example.cluster} & (self.clusters | set(self.excluded)),
            "category": {example.category} & self.categories,
            "data set": {d for d in self.datasets if example.row.startswith(f"{d}/{split}/")},
            "provenance": provenance & set(self.datasets),
        }
        for what, names in broken.items():
            if names:
                raise StageError(
                    f"example {example.id} has the held-out {what} {min(names)}; nothing was "
                    "published. This is a fault of Preceptor: please report it with the recipe"
                )


def hold_out(names: Sequence[str], all_tasks: Mapping[str, Task]) -> HoldOut:
    """What the names of a recipe's ``hold_out`` stand for.

    Args:
        names: Tasks, clusters (also those without a task), or ``category:`` and a category.
        all_tasks: The whole library: a task can be held out that the mixture does not name.

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
        for dataset in _lineage(task):
            datasets.setdefault(dataset, task.name)
    return HoldOut(
        asked=tuple(names),
        clusters=frozenset(clusters),
        categories=frozenset(n.removeprefix(prefix) for n in others if n.startswith(prefix)),
        excluded=excluded_with(clusters),
        tasks=frozenset(task.name for task in held),
        datasets=datasets,
    )


def _lineage(task: Task) -> list[str]:
    return [*task.provenance, task.source.dataset]
