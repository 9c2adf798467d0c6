"""Two models on the same items: the difference, its interval, a test, and Holm's correction."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from preceptor import draws
from preceptor.statistics.intervals import (
    DRAWN_AT_ONCE,
    Clusters,
    Floats,
    Values,
    checked,
    fold,
    mean_interval,
)

EXACT_CLUSTERS = 12
"""Up to here all 2**12 sign patterns are tried; beyond, FLIPS random ones."""
FLIPS = 4000


@dataclass(frozen=True, slots=True)
class Paired:
    """Model b minus model a, item by item."""

    difference: float
    low: float
    high: float
    p_value: float
    n: int
    clusters: int
    wins: int
    """Items on which b is better."""
    losses: int
    ties: int

    @property
    def determined(self) -> bool:
        """False with one cluster: the interval then says nothing of the difference's error."""
        return self.clusters > 1


def paired_difference(
    a: Values,
    b: Values,
    clusters: Clusters,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Paired:
    """Mean of b - a with a cluster bootstrap interval and a two-sided sign-flip test.

    Under the null hypothesis a cluster's difference is as likely with either sign, so the signs
    of whole clusters are flipped. All patterns are tried when at most 12 clusters differ: the
    observed one is among them, and p is their share that reaches the observed difference. Else
    4000 are drawn and p = (1 + reaching) / (1 + 4000), which is never 0 (Phipson and Smyth,
    arXiv 1603.05766).

    Args:
        a: (n,) values of the first model.
        b: (n,) values of the second model, on the same items in the same order.
        clusters: (n,) the cluster of each item, such as its source row.
        level: Nominal coverage of the interval, in (0, 1).
        resamples: Bootstrap draws.
        seed: Of the bootstrap and of the flips.

    Raises:
        ValueError: As ``mean_interval``, for a or for b.
    """
    change = checked(b, clusters) - checked(a, clusters)
    interval = mean_interval(change, clusters, level, resamples, seed)
    return Paired(
        interval.mean,
        interval.low,
        interval.high,
        _sign_flip(fold(change, clusters).sums, seed),
        interval.n,
        interval.clusters,
        wins=int(np.sum(change > 0)),
        losses=int(np.sum(change < 0)),
        ties=int(np.sum(change == 0)),
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjusted p-values, in the order given; none for none.

    Raises:
        ValueError: A p-value is not in [0, 1].
    """
    for place, p in enumerate(p_values):
        if not 0 <= p <= 1:
            raise ValueError(f"p-value {place} is {p}; it must lie in [0, 1]")
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted


def _sign_flip(sums: Floats, seed: int) -> float:
    # A cluster whose sum is 0 is the same under both signs: leaving it out changes no p.
    differing = sums[sums != 0]
    observed = abs(math.fsum(differing))
    # Equal sums may differ in their last bits by the order of adding.
    bound = observed - 1e-12 * float(np.abs(differing).sum())
    count = len(differing)
    if count <= EXACT_CLUSTERS:
        patterns = np.arange(2**count)[:, None] >> np.arange(count) & 1  # (2**count, count)
        return float(np.mean(_reaches(patterns, differing, bound)))
    generator = np.random.Generator(np.random.PCG64(draws.bits(seed, "sign flip")))
    at_once = max(1, DRAWN_AT_ONCE // count)
    reaching = 0
    for start in range(0, FLIPS, at_once):
        patterns = generator.integers(0, 2, size=(min(at_once, FLIPS - start), count))
        reaching += int(np.sum(_reaches(patterns, differing, bound)))
    return (1 + reaching) / (1 + FLIPS)


def _reaches(patterns: np.ndarray, sums: Floats, bound: float) -> np.ndarray:
    """Which 0/1 patterns, (k, G), give a total at least as far from 0 as the bound."""
    reached: np.ndarray = np.abs((1 - 2 * patterns) @ sums) >= bound
    return reached
