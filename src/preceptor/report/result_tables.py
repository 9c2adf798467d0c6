"""The page's tables on the evaluation: every number that a figure shows, and what none shows."""

from preceptor.report import formats
from preceptor.report.facts import BIOMEDICAL, EvaluationFacts, ModelResult, TaskResult
from preceptor.report.tables import Table
from preceptor.report.verdict import outcome
from preceptor.statistics.intervals import Interval
from preceptor.statistics.paired import Paired


def scores(evaluation: EvaluationFacts) -> Table:
    """Base and tuned mean of each task, with intervals: the numbers of the dot plot."""
    interval = f"{formats.coverage(evaluation.level)} interval"
    head = ("Task", "Base", interval, "Tuned", interval, "Chance", "Rows", "Templates")
    rows = tuple(
        (
            task.title,
            *_mean(task.base.interval),
            *_mean(task.tuned.interval),
            formats.NONE if task.chance is None else formats.points(task.chance),
            formats.count(task.n_rows),
            formats.count(task.n_templates),
            formats.metric(task.metric),
            _part(task),
        )
        for task in evaluation.tasks
    )
    caption = "Mean score of each task, in points out of 100"
    return Table(caption, (*head, "Metric", "Part"), rows, frozenset({0, 8, 9}))


def groups(evaluation: EvaluationFacts) -> Table:
    """Base and tuned mean of each group."""
    interval = f"{formats.coverage(evaluation.level)} interval"
    head = ("Group", "Base", interval, "Tuned", interval, "Tasks", "Metric")
    rows = tuple(
        (
            group.name,
            *_mean(group.base),
            *_mean(group.tuned),
            formats.count(len(group.tasks)),
            formats.metric(group.metric),
        )
        for group in evaluation.groups
    )
    return Table("Mean score of each group of tasks, in points", head, rows, frozenset({0, 6}))


def differences(evaluation: EvaluationFacts) -> Table:
    """Tuned minus base, paired: the numbers of the difference plot."""
    compared: list[tuple[str, Paired, float]] = [
        *((group.name, group.paired, group.p_holm) for group in evaluation.groups),
        *((task.title, task.paired, task.p_holm) for task in evaluation.tasks),
    ]
    rows = tuple(
        (
            name,
            outcome(paired, p_holm, evaluation.level).value,
            formats.signed(paired.difference),
            formats.bounds(paired),
            formats.p_value(paired.p_value),
            formats.p_value(p_holm),
            formats.count(paired.wins),
            formats.count(paired.losses),
            formats.count(paired.ties),
        )
        for name, paired, p_holm in compared
    )
    head = (
        "Comparison",
        "Finding",
        "Difference",
        f"{formats.coverage(evaluation.level)} interval",
        "p",
        "p, adjusted",
        "Better",
        "Worse",
        "Same",
    )
    caption = "Tuned minus base on the same items, in points; better, worse and same count items"
    return Table(caption, head, rows, frozenset({0, 1}))


def template_spread(evaluation: EvaluationFacts) -> Table:
    """Mean, sd and range over the templates of each task."""
    head = ("Task", "Templates", "Base mean", "sd", "Range", "Tuned mean", "sd", "Range")
    rows = tuple(
        (task.title, formats.count(task.n_templates), *_spread(task.base), *_spread(task.tuned))
        for task in evaluation.tasks
    )
    return Table("Spread of each task's score over its templates, in points", head, rows)


def template_means(evaluation: EvaluationFacts) -> Table:
    """Each template's mean under both models: the numbers of the strip plot."""
    rows = tuple(
        (
            task.title,
            template,
            formats.points(task.base.template_means[template]),
            formats.points(task.tuned.template_means[template]),
        )
        for task in evaluation.tasks
        for template in task.base.template_means
    )
    head = ("Task", "Template", "Base", "Tuned")
    return Table("Mean score of each template, in points", head, rows, frozenset({0, 1}))


def left_out(evaluation: EvaluationFacts) -> Table:
    """Rows that were not scored, and answers that could not be read; tasks with none are absent."""
    rows = [
        (task.title, f"row not scored: {reason}", formats.count(n), formats.count(n))
        for task in evaluation.tasks
        for reason, n in task.excluded.items()
    ]
    rows += [
        (
            task.title,
            "answer not readable, scored 0",
            formats.count(task.base.unreadable),
            formats.count(task.tuned.unreadable),
        )
        for task in evaluation.tasks
        if task.base.unreadable or task.tuned.unreadable
    ]
    caption = "Rows left out of the evaluation, and answers in which nothing could be read"
    return Table(caption, ("Task", "What", "Base", "Tuned"), tuple(rows), frozenset({0, 1}))


def _part(task: TaskResult) -> str:
    """Where it belongs: a held-out task to its cluster, a biomedical one to its category."""
    if task.role == BIOMEDICAL:
        return f"biomedical {task.category.upper()}".strip()
    return f"held out: {formats.words(task.cluster)}"


def _mean(interval: Interval) -> tuple[str, str]:
    return formats.points(interval.mean), formats.bounds(interval)


def _spread(model: ModelResult) -> tuple[str, str, str]:
    found = model.templates
    reach = f"{formats.points(found.low)} to {formats.points(found.high)}"
    return formats.points(found.mean), formats.points(found.sd), reach
