"""Source rows as the unit of resampling: all templates of a row move together.

Notation: a task has n items, G rows, T templates. Its score is the mean over the templates of their
means over rows (FLAN, arXiv 2109.01652, section 3); a group's score is the mean
over its K tasks.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from preceptor import draws
from preceptor.statistics.intervals import DRAWN_AT_ONCE, Floats, Interval, mean_interval
from preceptor.statistics.paired import Paired, paired_difference


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """How intervals are made."""

    level: float
    """Nominal coverage, in (0, 1)."""
    resamples: int
    seed: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Which row and template each item of a task has."""

    cells: NDArray[np.int64]
    """(n,) row * T + template"""
    counts: Floats
    """(G, T) items, normally 1; 0 where an item was left out, as when it is too long"""
    templates: tuple[str, ...]
    """(T,) in the order met"""


@dataclass(frozen=True, slots=True)
class Sample:
    """One model on one task."""

    task: str
    values: Floats
    """(n,) metric of each item"""
    rows: Floats
    """(G,) what each row contributes: their mean is the task's score"""
    template_means: Floats
    """(T,)"""


def layout(rows: Sequence[str], templates: Sequence[str]) -> Layout:
    """Rows in the order of their names, templates in the order met.

    Args:
        rows: (n,) the source row of each item.
        templates: (n,) the template of each item.
    """
    names, row = np.unique(np.asarray(rows), return_inverse=True)
    met = {template: column for column, template in enumerate(dict.fromkeys(templates))}
    cells = row * len(met) + np.array([met[template] for template in templates])
    counts = np.bincount(cells, minlength=len(names) * len(met)).astype(np.float64)
    return Layout(cells, counts.reshape(len(names), len(met)), tuple(met))


def sample(task: str, values: Sequence[float], where: Layout) -> Sample:
    """Fold a model's items into rows.

    With the same items under every template, a row contributes its mean over them. Otherwise it
    contributes the score plus its part in the error of each template's mean (the first-order
    expansion of a mean of ratios), so that resampling rows does not mistake the difference between
    templates for one between rows.

    Args:
        values: (n,) metric of each item, in the order of the layout.
    """
    array = np.asarray(values, dtype=np.float64)
    counts = where.counts
    sums = np.bincount(where.cells, weights=array, minlength=counts.size).reshape(counts.shape)
    items = counts.sum(axis=0)  # (T,)
    means = sums.sum(axis=0) / items
    if np.all(counts == counts[0, 0]):
        rows = sums.sum(axis=1) / counts.sum(axis=1)
    else:
        errors = (sums - means * counts) * (len(counts) / items)  # (G, T)
        rows = means.mean() + errors.mean(axis=1)
    return Sample(task, array, rows, means)


def score(samples: Sequence[Sample], bootstrap: Bootstrap) -> Interval:
    """A model's score on one task, or the mean of its scores on several, with its interval."""
    found = _interval([s.task for s in samples], [s.rows for s in samples], bootstrap)
    items = sum(len(s.values) for s in samples)
    return replace(found, low=max(found.low, 0.0), high=min(found.high, 1.0), n=items)


def difference(base: Sequence[Sample], other: Sequence[Sample], bootstrap: Bootstrap) -> Paired:
    """The other model minus the base on the same task or tasks: interval and sign-flip test.

    Signs are flipped row by row, with each row weighted by its part in the mean over the tasks.
    Wins, losses and ties count items.
    """
    total, several = sum(len(s.rows) for s in base), len(base) > 1
    weights = np.concatenate([np.full(len(s.rows), total / len(s.rows) / len(base)) for s in base])
    found = paired_difference(
        np.concatenate([s.rows for s in base]) * weights,
        np.concatenate([s.rows for s in other]) * weights,
        range(total),
        bootstrap.level,
        1 if several else bootstrap.resamples,  # the interval of several tasks is made below
        bootstrap.seed,
    )
    change = np.concatenate([b.values for b in other]) - np.concatenate([a.values for a in base])
    found = replace(
        found,
        n=len(change),
        wins=int(np.sum(change > 0)),
        losses=int(np.sum(change < 0)),
        ties=int(np.sum(change == 0)),
    )
    if not several:
        return found
    changes = [b.rows - a.rows for a, b in zip(base, other, strict=True)]
    interval = _interval([s.task for s in base], changes, bootstrap)
    return replace(
        found,
        difference=interval.mean,
        low=interval.low,
        high=interval.high,
        clusters=interval.clusters,
    )


def _interval(tasks: Sequence[str], rows: Sequence[Floats], bootstrap: Bootstrap) -> Interval:
    if len(rows) == 1:
        count = range(len(rows[0]))
        return mean_interval(rows[0], count, bootstrap.level, bootstrap.resamples, bootstrap.seed)
    return _stratified(tasks, rows, bootstrap)


def _stratified(tasks: Sequence[str], rows: Sequence[Floats], bootstrap: Bootstrap) -> Interval:
    """Mean over the tasks of the means over their rows; each task's rows are drawn by themselves.

    The bootstrap's narrowness for few rows is mended as in ``mean_interval`` (Hesterberg, arXiv
    1411.5279): each task's deviations are scaled by sqrt(G / (G - 1)), and percentiles are moved to
    what a t interval would use, with Welch and Satterthwaite's degrees of freedom. A task with one
    row shows nothing of its error: the interval is then the mean alone, with one cluster, as for a
    single task with one row.
    """
    sizes = np.array([len(task) for task in rows])
    mean = math.fsum(math.fsum(task) / len(task) for task in rows) / len(rows)
    total = int(sizes.sum())
    if sizes.min() == 1:
        return Interval(mean, mean, mean, 0.0, total, 1)
    variances = np.array([task.var(ddof=1) for task in rows]) / sizes / len(rows) ** 2
    if not variances.any():
        return Interval(mean, mean, mean, 0.0, total, total)
    freedom = variances.sum() ** 2 / np.sum(variances**2 / (sizes - 1))
    tail = stats.norm.cdf(-stats.t.ppf((1 + bootstrap.level) / 2, freedom))
    deviations = np.zeros(bootstrap.resamples)
    for name, task in zip(tasks, rows, strict=True):
        scale = math.sqrt(len(task) / (len(task) - 1)) / len(rows)
        deviations += scale * (_resampled_means(name, task, bootstrap) - task.mean())
    low, high = mean + np.quantile(deviations, [tail, 1 - tail])
    stderr = math.sqrt(variances.sum())
    return Interval(mean, min(float(low), mean), max(float(high), mean), stderr, total, total)


def _resampled_means(name: str, rows: Floats, bootstrap: Bootstrap) -> Floats:
    """(resamples,) means of G rows drawn with replacement: the same rows for every model."""
    key = draws.bits(bootstrap.seed, "rows of a task", name)
    generator = np.random.Generator(np.random.PCG64(key))
    at_once = max(1, DRAWN_AT_ONCE // len(rows))
    parts = []
    for start in range(0, bootstrap.resamples, at_once):
        size = (min(at_once, bootstrap.resamples - start), len(rows))
        parts.append(rows[generator.integers(0, len(rows), size=size)].mean(axis=1))
    return np.concatenate(parts)
