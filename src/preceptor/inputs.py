"""What a recipe names, found and checked before any work starts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from preceptor.errors import RecipeError
from preceptor.evaluation.items import evaluation_items
from preceptor.mixture.pools import task_pool
from preceptor.mixture.stage import left_out
from preceptor.recipe import Recipe
from preceptor.records import Seed
from preceptor.synthesis.config import SynthesisConfig
from preceptor.synthesis.filters import check_language
from preceptor.synthesis.passages import Passage, load_passages
from preceptor.synthesis.protocols import protocol
from preceptor.synthesis.seedbank import load_seeds
from preceptor.tasks import source
from preceptor.tasks.catalogue import load_tasks, select
from preceptor.tasks.task import Task
from preceptor.teachers.open import known_price


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a recipe names, found and checked."""

    recipe: Recipe
    data_root: Path | None
    tasks: Mapping[str, Task]
    """The whole library."""
    training: tuple[Task, ...]
    left_out: Mapping[str, str]
    """Why each task that the mixture names is not trained on; empty for one that is."""
    evaluated: tuple[Task, ...]
    seeds: tuple[Seed, ...]
    """Empty without synthesis."""
    passages: tuple[Passage, ...] = ()
    """What its tasks are grounded on; empty where nothing is."""
    benchmarks: tuple[Task, ...] = ()
    """What nothing that it keeps may overlap with."""

    def digests(self, tasks: Sequence[Task], split: str) -> dict[str, str]:
        """Digests of tasks and of the files that their rows come from."""
        found: dict[str, str] = {}
        for task in tasks:
            found[f"task:{task.name}"] = task.digest
            found[f"rows:{task.name}"] = source.source_digest(task, split, self.data_root)
        return found


def check(recipe: Recipe) -> Inputs:
    """Find everything that a recipe names, without loading a model or writing a file.

    Raises:
        InputError: A task, a seed, a data set or a model is missing or wrong.
    """
    root = source.data_root(recipe.data)
    tasks = load_tasks([Path(recipe.tasks_folder)] if recipe.tasks_folder else [])
    synthesis = recipe.synthesis
    if synthesis is not None:
        for teacher in synthesis.teachers().values():
            known_price(teacher, synthesis.budget)
        check_language(synthesis.filters)
    found = Inputs(
        recipe,
        root,
        tasks,
        (),
        {},
        (),
        tuple(_seeds(synthesis)),
        tuple(_passages(synthesis)),
        tuple(_benchmarks(recipe, tasks)),
    )
    return _with_mixture(found) if recipe.tunes else found


def _with_mixture(found: Inputs) -> Inputs:
    """The inputs of the stages after synthesis as well."""
    recipe, root, tasks = found.recipe, found.data_root, found.tasks
    named = select(tasks, recipe.mixture.tasks)
    reasons = left_out(recipe.mixture, named, tasks, root)
    inputs = replace(
        found,
        training=tuple(task for task in named if not reasons[task.name]),
        left_out=reasons,
        evaluated=tuple(select(tasks, recipe.evaluation.tasks)),
    )
    if not inputs.training and recipe.mixture.tasks:
        raise RecipeError(
            "no task is left to mix: every one that mixture.tasks names is held out or has no "
            f"split {recipe.mixture.split!r}; hold out less, or name other tasks"
        )
    for task in inputs.training:
        task_pool(task, recipe.mixture, root, recipe.seed)
    evaluation_items(recipe.evaluation, inputs.evaluated, root, recipe.seed)
    if recipe.mixture.instructions > 0 and recipe.synthesis is None:
        raise RecipeError(
            "mixture.instructions asks for synthesised instructions, but the recipe has no "
            "synthesis; add it, or set mixture.instructions to 0"
        )
    return inputs


def _seeds(config: SynthesisConfig | None) -> list[Seed]:
    if config is None:
        return []
    defaults = protocol(config.protocol, config.domain).defaults
    machine = config.machine_demonstrations
    machine = defaults.machine_demonstrations if machine is None else machine
    return load_seeds(config.seeds, (config.demonstrations or defaults.demonstrations) + machine)


def _passages(config: SynthesisConfig | None) -> list[Passage]:
    if config is None or config.passages is None:
        return []
    return load_passages(Path(config.passages.path), config.passages.words)


def _benchmarks(recipe: Recipe, tasks: Mapping[str, Task]) -> list[Task]:
    if recipe.synthesis is None:
        return []
    names = recipe.synthesis.benchmarks
    if names == "evaluation":
        names = recipe.evaluation.tasks if recipe.tunes else ()
    return select(tasks, names)
