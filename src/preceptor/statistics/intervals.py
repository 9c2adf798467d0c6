"""Means with intervals when items come in clusters.

Ten templates of one row are ten views of one draw from the world: an interval over items that
treats them as independent is too narrow. So clusters are what is drawn again here, and what the
standard error is computed over (Miller, arXiv 2411.00640, on clustered standard errors; here with
the factor G / (G - 1) for few clusters).

Notation: n items, G clusters; cluster g has n_g items with sum S_g, and the mean is
sum(S_g) / sum(n_g).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from preceptor import draws

Floats = NDArray[np.float64]
Values = Sequence[float] | Floats
Clusters = Sequence[str] | Sequence[int]

DRAWN_AT_ONCE = 1_000_000
"""Cluster indices held in memory at a time (8 bytes each)."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its interval and standard error."""

    mean: float
    low: float
    high: float
    stderr: float
    """Cluster-robust, in closed form: sqrt(G / (G - 1) * sum((S_g - n_g * mean)^2)) / n."""
    n: int
    clusters: int

    @property
    def determined(self) -> bool:
        """False with one cluster: low and high are then the mean, and say nothing of its error."""
        return self.clusters > 1


@dataclass(frozen=True, slots=True)
class Spread:
    """How the templates of a task differ (FLAN, arXiv 2109.01652, reports their mean and sd)."""

    mean: float
    sd: float
    """Of the sample (divided by n - 1); 0 when there is one value."""
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Totals:
    """Items folded into clusters, in the order of the clusters' names."""

    sums: Floats
    """(G,) sum of the values of each cluster, correctly rounded: the order of items is no matter"""
    sizes: Floats
    """(G,) items of each cluster"""
    mean: float


def mean_interval(
    values: Values,
    clusters: Clusters,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Mean of the items with an expanded-percentile cluster bootstrap interval.

    The percentiles are moved outwards to what a t interval with G - 1 degrees of freedom would
    use, which mends the bootstrap's narrowness for few clusters (Hesterberg, arXiv 1411.5279).
    The result does not depend on the order of the items.

    Args:
        values: (n,) one number an item.
        clusters: (n,) the cluster of each item, such as its source row.
        level: Nominal coverage, in (0, 1).
        resamples: How often G clusters are drawn with replacement.
        seed: Of the draws.

    Raises:
        ValueError: No items, a value that is not finite, lengths that differ, a level outside
            (0, 1), or fewer than one resample.
    """
    array = checked(values, clusters)
    if not 0 < level < 1:
        raise ValueError(f"level is {level}; it must lie between 0 and 1, such as 0.95")
    if resamples < 1:
        raise ValueError(f"resamples is {resamples}; draw at least one, such as 2000")
    totals = fold(array, clusters)
    mean, n, groups = totals.mean, len(array), len(totals.sums)
    if groups == 1 or np.all(array == array[0]):
        return Interval(mean, mean, mean, 0.0, n, groups)
    means = _resampled_means(totals, resamples, seed)
    outside = _tail(level, groups)
    low, high = np.quantile(means, [outside, 1 - outside])
    # An interval around an estimate holds it, also at a low level and with skewed clusters.
    return Interval(mean, min(float(low), mean), max(float(high), mean), _stderr(totals), n, groups)


def spread(values: Values) -> Spread:
    """Mean, sample standard deviation and range, as of a task's mean under each template.

    Raises:
        ValueError: No values, or one that is not finite.
    """
    array = checked(values, range(len(values)))
    mean = math.fsum(array) / len(array)
    squares = math.fsum((value - mean) ** 2 for value in array)
    sd = math.sqrt(squares / (len(array) - 1)) if len(array) > 1 else 0.0
    return Spread(mean, sd, float(array.min()), float(array.max()), len(array))


def checked(values: Values, clusters: Clusters) -> Floats:
    """The values as an array, (n,).

    Raises:
        ValueError: No items, a value that is not finite, or lengths that differ.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or len(array) == 0:
        raise ValueError(f"values have shape {array.shape}; give one number for each of 1+ items")
    if len(clusters) != len(array):
        raise ValueError(f"{len(array)} values but {len(clusters)} clusters; give one for each")
    bad = np.flatnonzero(~np.isfinite(array))
    if len(bad):
        raise ValueError(
            f"value {bad[0]} is {array[bad[0]]}; leave out items without a value and count them"
        )
    return array


def fold(array: Floats, clusters: Clusters) -> Totals:
    """Sum the items of each cluster."""
    _, member, sizes = np.unique(np.asarray(clusters), return_inverse=True, return_counts=True)
    by_cluster = np.split(array[np.argsort(member, kind="stable")], np.cumsum(sizes)[:-1])
    sums = np.array([math.fsum(part) for part in by_cluster])
    same = bool(np.all(array == array[0]))
    mean = float(array[0]) if same else math.fsum(array) / len(array)
    return Totals(sums, sizes.astype(np.float64), mean)


def _resampled_means(totals: Totals, resamples: int, seed: int) -> Floats:
    """(resamples,) the mean of each draw of G clusters with replacement."""
    generator = np.random.Generator(np.random.PCG64(draws.bits(seed, "cluster bootstrap")))
    groups = len(totals.sums)
    at_once = max(1, DRAWN_AT_ONCE // groups)
    parts = []
    for start in range(0, resamples, at_once):
        size = (min(at_once, resamples - start), groups)
        drawn = generator.integers(0, groups, size=size)  # (draws, G)
        parts.append(totals.sums[drawn].sum(axis=1) / totals.sizes[drawn].sum(axis=1))
    return np.concatenate(parts)


def _tail(level: float, groups: int) -> float:
    """Share of the bootstrap distribution to leave out on each side."""
    reach = float(stats.t.ppf((1 + level) / 2, groups - 1))
    return float(stats.norm.cdf(-reach * math.sqrt(groups / (groups - 1))))


def _stderr(totals: Totals) -> float:
    groups = len(totals.sums)
    residuals = totals.sums - totals.sizes * totals.mean
    variance = groups / (groups - 1) * float(np.sum(residuals**2))
    return math.sqrt(variance) / float(totals.sizes.sum())
