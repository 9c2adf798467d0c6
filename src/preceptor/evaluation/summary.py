"""What an evaluation found: tasks and groups of tasks, each model, and its change from the base.

A task's score is the mean over its templates of their means (FLAN, arXiv 2109.01652, section 3).
Groups are FLAN's held-out clusters and BioInstruct's categories (arXiv 2310.19975): means over
their tasks. Intervals and tests draw source rows again, never single items (``resampling``).
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from preceptor.errors import StageError
from preceptor.evaluation import resampling
from preceptor.evaluation.alignment import Aligned, by_task
from preceptor.evaluation.answers import (
    OptionAnswers,
    WrittenAnswers,
    chance,
    option_answers,
    written_answers,
)
from preceptor.evaluation.resampling import Bootstrap
from preceptor.records import Score
from preceptor.statistics.intervals import Interval, Spread, spread
from preceptor.statistics.paired import Paired, holm
from preceptor.tasks.clusters import CATEGORIES


@dataclass(frozen=True, slots=True)
class Difference:
    """A model beside the base, on the same items."""

    paired: Paired
    p_holm: float
    """Corrected over all tasks, or over all groups, of this model."""
    relative_gain: float | None
    """(model - base) / base, as BioInstruct reports; None where the base scores 0."""


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """One model on one task."""

    interval: Interval
    templates: Spread
    """Of the templates' means: ``low`` is the worst template, ``high`` the best."""
    template_means: dict[str, float]
    options: OptionAnswers | None
    """None for free text."""
    written: WrittenAnswers | None
    """None for options."""


@dataclass(frozen=True, slots=True)
class TaskSummary:
    """All models on one task."""

    task: str
    title: str
    cluster: str
    category: str
    kind: str
    """'options' or 'generation', as in a Score."""
    metric: str
    n_items: int
    n_rows: int
    n_templates: int
    chance: float | None
    """Expected score of a guess among the options; None for free text."""
    models: dict[str, ModelSummary]
    differences: dict[str, Difference]
    """Every model but the base."""


@dataclass(frozen=True, slots=True)
class GroupSummary:
    """All models on a group of tasks, each task with the same weight."""

    kind: str
    """'cluster' or 'category'."""
    name: str
    metric: str
    """Empty where the tasks have different ones."""
    tasks: tuple[str, ...]
    models: dict[str, Interval]
    differences: dict[str, Difference]
    """Every model but the base."""


@dataclass(frozen=True, slots=True)
class Summary:
    """Everything that an evaluation found."""

    base: str
    models: tuple[str, ...]
    """All of them, the base first."""
    level: float
    """Nominal coverage of every interval."""
    resamples: int
    seed: int
    tasks: tuple[TaskSummary, ...]
    groups: tuple[GroupSummary, ...]
    """Held-out clusters in the order given, then categories."""

    def to_json(self) -> dict[str, Any]:
        """As JSON reads it back: mappings and lists, fields by their names."""
        value: dict[str, Any] = json.loads(json.dumps(asdict(self), allow_nan=False))
        return value


def summarise(
    scores: Mapping[str, Sequence[Score]],
    titles: Mapping[str, str],
    held_out: Sequence[str],
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Summary:
    """Compare models on the same items.

    Args:
        scores: Name of each model to its scores; the first model is the base.
        titles: Name of each task to its title.
        held_out: Clusters to give a group each; those without a task have none.
        level: Nominal coverage of the intervals.
        resamples: Bootstrap draws behind each interval.
        seed: Of the draws.

    Raises:
        StageError: No model, a task without a title, an item scored twice, one that a model lacks,
            or a task whose scores disagree on what it is.
    """
    bootstrap = Bootstrap(level, resamples, seed)
    tasks = by_task(scores)
    untitled = [name for name in tasks if name not in titles]
    if untitled:
        raise StageError(f"task {untitled[0]!r} has scores but no title; give every task a title")
    return Summary(
        next(iter(scores)),
        tuple(scores),
        level,
        resamples,
        seed,
        _task_summaries(tasks, titles, bootstrap),
        _group_summaries(tasks, held_out, bootstrap),
    )


def _task_summaries(
    tasks: Mapping[str, Aligned], titles: Mapping[str, str], bootstrap: Bootstrap
) -> tuple[TaskSummary, ...]:
    differences = _differences([[task] for task in tasks.values()], bootstrap)
    return tuple(
        _task_summary(name, titles[name], task, found, bootstrap)
        for (name, task), found in zip(tasks.items(), differences, strict=True)
    )


def _group_summaries(
    tasks: Mapping[str, Aligned], held_out: Sequence[str], bootstrap: Bootstrap
) -> tuple[GroupSummary, ...]:
    groups = _groups(tasks, held_out)
    families = [[tasks[name] for name in names] for _, _, names in groups]
    differences = _differences(families, bootstrap)
    return tuple(
        _group_summary(kind, name, family, found, bootstrap)
        for (kind, name, _), family, found in zip(groups, families, differences, strict=True)
    )


def _groups(
    tasks: Mapping[str, Aligned], held_out: Sequence[str]
) -> list[tuple[str, str, tuple[str, ...]]]:
    """Kind, name and tasks of each group that has a task."""
    of: dict[str, Callable[[Score], str]] = {
        "cluster": lambda score: score.cluster,
        "category": lambda score: score.category,
    }
    wanted = [("cluster", name) for name in dict.fromkeys(held_out)]
    wanted += [("category", name) for name in CATEGORIES]
    found = [
        (kind, name, tuple(t for t, task in tasks.items() if of[kind](task.first) == name))
        for kind, name in wanted
    ]
    return [group for group in found if group[2]]


def _differences(
    families: Sequence[Sequence[Aligned]], bootstrap: Bootstrap
) -> list[dict[str, Difference]]:
    """Of each family of tasks, every model's change, corrected over the families."""
    found: list[dict[str, Difference]] = [{} for _ in families]
    if not families:
        return found
    base, *others = families[0][0].samples
    bases = [[task.samples[base] for task in family] for family in families]
    before = [float(np.mean([sample.rows.mean() for sample in samples])) for samples in bases]
    for model in others:
        pairs = [
            resampling.difference(samples, [task.samples[model] for task in family], bootstrap)
            for samples, family in zip(bases, families, strict=True)
        ]
        adjusted = holm([paired.p_value for paired in pairs])
        for place, (paired, p) in enumerate(zip(pairs, adjusted, strict=True)):
            gain = paired.difference / before[place] if before[place] else None
            found[place][model] = Difference(paired, p, gain)
    return found


def _task_summary(
    name: str, title: str, task: Aligned, differences: dict[str, Difference], bootstrap: Bootstrap
) -> TaskSummary:
    n_rows, n_templates = task.where.counts.shape
    items = next(iter(task.scores.values()))
    return TaskSummary(
        name,
        title,
        task.first.cluster,
        task.first.category,
        task.first.kind,
        task.first.metric,
        len(items),
        n_rows,
        n_templates,
        chance(items),
        {model: _model_summary(task, model, bootstrap) for model in task.scores},
        differences,
    )


def _model_summary(task: Aligned, model: str, bootstrap: Bootstrap) -> ModelSummary:
    scores, sample = task.scores[model], task.samples[model]
    means = dict(zip(task.where.templates, map(float, sample.template_means), strict=True))
    ranked = task.first.kind == "options"
    return ModelSummary(
        resampling.score([sample], bootstrap),
        spread(list(means.values())),
        means,
        option_answers(scores) if ranked else None,
        None if ranked else written_answers(scores),
    )


def _group_summary(
    kind: str,
    name: str,
    tasks: Sequence[Aligned],
    differences: dict[str, Difference],
    bootstrap: Bootstrap,
) -> GroupSummary:
    metrics = {task.first.metric for task in tasks}
    return GroupSummary(
        kind,
        name,
        metrics.pop() if len(metrics) == 1 else "",
        tuple(task.first.task for task in tasks),
        {
            model: resampling.score([task.samples[model] for task in tasks], bootstrap)
            for model in tasks[0].samples
        },
        differences,
    )
