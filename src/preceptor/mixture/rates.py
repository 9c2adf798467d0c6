"""Mixing rates: examples-proportional with a maximum (FLAN, section 2.4; T5, section 3.5.2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """The weight of one task."""

    task: str
    rows: int
    """n, rows that can be drawn."""
    rate: int
    """min(n, K)."""
    probability: float
    """The rate over the sum of all rates."""


def mixing_rates(rows: Mapping[str, int], maximum: int) -> list[Rate]:
    """p_m = min(n_m, K) / sum_j min(n_j, K), in the order given.

    Args:
        rows: n, by task.
        maximum: K. A task gets no weight for rows beyond it.

    Raises:
        ValueError: No task has a row.
    """
    rates = {task: min(n, maximum) for task, n in rows.items()}
    total = sum(rates.values())
    if total <= 0:
        raise ValueError("rates need at least one task with a row")
    return [Rate(task, rows[task], rate, rate / total) for task, rate in rates.items()]


def apportion(weights: Sequence[int], total: int) -> list[int]:
    """Whole numbers in proportion to the weights that sum to the total (largest remainders).

    Each is its exact quota rounded down or up; equal remainders go to the first. Computed in
    integers, so that no rounding of floats decides who gets the last one.

    Raises:
        ValueError: The weights sum to nothing.
    """
    whole = sum(weights)
    if whole <= 0:
        raise ValueError("cannot apportion by weights that sum to 0")
    shares = [weight * total // whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda m: -(weights[m] * total % whole))
    for m in order[: total - sum(shares)]:
        shares[m] += 1
    return shares
