"""Mixing rates: examples-proportional with a maximum (FLAN, section 2.4; T5, section 3.5.2).

r_m = min(n_m, K)^(1/T), and p_m = r_m / sum of all r. Tasks that are made of the same rows share
one rate, in proportion to how many of them each uses.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

SAME = 0.5
"""Two tasks are of the same rows when more than this share of the smaller one's rows is the
other's too."""
_SCALE = 1 << 40


@dataclass(frozen=True, slots=True)
class Rate:
    """The weight of one task."""

    task: str
    rows: int
    """n, rows that can be drawn."""
    rate: float
    """min(n, K)^(1/T), or the part of it that falls to a task that shares its rows."""
    probability: float
    """Of an example."""


def mixing_rates(
    rows: Mapping[str, int],
    maximum: int,
    temperature: float = 1.0,
    groups: Sequence[Mapping[str, int]] = (),
) -> list[Rate]:
    """The rate of every task, in the order given.

    Args:
        rows: n, by task.
        maximum: K. A task gets no weight for rows beyond it.
        temperature: T. 1 leaves rates as they are; the larger, the more alike.
        groups: Tasks of the same rows, each with n; their distinct rows are the largest n.

    Raises:
        ValueError: No task has a row.
    """
    rates = {task: _raised(min(n, maximum), temperature) for task, n in rows.items()}
    for group in groups:
        whole, members = max(group.values()), sum(group.values())
        together = _raised(min(whole, maximum), temperature)
        rates |= {task: together * n / members for task, n in group.items()}
    return normalised(rows, rates)


def normalised(rows: Mapping[str, int], rates: Mapping[str, float]) -> list[Rate]:
    """Rates of any origin with the probabilities that they give.

    Raises:
        ValueError: They sum to nothing.
    """
    total = sum(rates.values())
    if total <= 0:
        raise ValueError("rates need at least one task with a row")
    return [Rate(task, rows[task], rate, rate / total) for task, rate in rates.items()]


def by_tokens(rates: Sequence[Rate], tokens: Mapping[str, float]) -> list[Rate]:
    """Rates with which tokens, and not examples, are shared as the given rates say.

    Args:
        rates: Wanted shares of the tokens.
        tokens: Mean tokens of an example, by task.
    """
    weighed = {one.task: one.rate / tokens[one.task] for one in rates}
    total = sum(weighed.values())
    return [Rate(one.task, one.rows, one.rate, weighed[one.task] / total) for one in rates]


def same_rows(places: Mapping[str, tuple[str, npt.NDArray[np.int64]]]) -> list[dict[str, int]]:
    """Groups of tasks that are made of the same rows, each task with its number of rows.

    Args:
        places: By task, the source's digest and the places of the rows in it.
    """
    by_source: dict[str, list[str]] = defaultdict(list)
    for task, (source, _) in places.items():
        by_source[source].append(task)
    groups: list[dict[str, int]] = []
    for tasks in by_source.values():
        rows = {task: np.unique(places[task][1]) for task in tasks}
        found: list[list[str]] = []
        for task in tasks:
            kin = [group for group in found if any(_overlap(rows[task], rows[o]) for o in group)]
            found = [group for group in found if group not in kin]
            found.append([*(other for group in kin for other in group), task])
        groups += [{t: len(places[t][1]) for t in group} for group in found if len(group) > 1]
    return groups


def _overlap(one: npt.NDArray[np.int64], other: npt.NDArray[np.int64]) -> bool:
    smaller = min(len(one), len(other))
    both = len(np.intersect1d(one, other, assume_unique=True))
    return bool(smaller) and both > SAME * smaller


def _raised(rate: int, temperature: float) -> float:
    return float(rate) if temperature == 1.0 else rate ** (1 / temperature)


def apportion(weights: Sequence[float], total: int) -> list[int]:
    """Whole numbers in proportion to the weights that sum to the total (largest remainders).

    Each is its exact quota rounded down or up; equal remainders go to the first. Computed in
    integers, so that no rounding of floats decides who gets the last one; weights that are no whole
    numbers are first taken to 40 binary places of their sum.

    Raises:
        ValueError: The weights sum to nothing.
    """
    if sum(weights) <= 0:
        raise ValueError("cannot apportion by weights that sum to 0")
    exact = all(float(weight).is_integer() for weight in weights)
    whole_weight = sum(weights)
    parts = [round(weight if exact else weight / whole_weight * _SCALE) for weight in weights]
    whole = sum(parts)
    shares = [part * total // whole for part in parts]
    order = sorted(range(len(parts)), key=lambda m: -(parts[m] * total % whole))
    for m in order[: total - sum(shares)]:
        shares[m] += 1
    return shares
