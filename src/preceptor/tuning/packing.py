"""Which examples go through the model together, at which step: known before the first one.

A plan is a function of (lengths, seed, epochs, budgets). Examples are permuted by a keyed draw,
taken in windows, and put into bins of ``pass_tokens`` by first-fit decreasing; bins are permuted
and dealt to steps of about ``batch_tokens``. A bin is one row of roots, isolated by the forest.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from preceptor import draws

WINDOW = 512
"""Examples packed together: more fills bins better, fewer keeps the order closer to the draw."""

Bin = tuple[int, ...]
"""Indices of the examples in one forward pass."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Every step's bins."""

    steps: tuple[tuple[Bin, ...], ...]
    pass_tokens: int
    tokens: int
    """Over all epochs, each example as often as it is seen."""

    @property
    def fill(self) -> float:
        """Share of the bins' room that holds tokens. Room left over is not computed on."""
        bins = sum(len(step) for step in self.steps)
        return self.tokens / (bins * self.pass_tokens)


def plan(
    lengths: Sequence[int], seed: int, epochs: int, batch_tokens: int, pass_tokens: int
) -> Plan:
    """Deal all examples to steps, each once an epoch.

    Args:
        lengths: Tokens of each example.
        batch_tokens: Tokens of a step: bins are added to it until it has so many.
        pass_tokens: Room of a bin. A longer example has a bin of its own.
    """
    steps: list[tuple[Bin, ...]] = []
    for epoch in range(epochs):
        order = draws.sample(len(lengths), len(lengths), seed, "order", epoch)
        bins: list[Bin] = []
        for start in range(0, len(order), WINDOW):
            bins.extend(_first_fit(order[start : start + WINDOW], lengths, pass_tokens))
        dealt = draws.sample(len(bins), len(bins), seed, "bins", epoch)
        steps.extend(_steps([bins[i] for i in dealt], lengths, batch_tokens))
    return Plan(tuple(steps), pass_tokens, epochs * sum(lengths))


def _first_fit(members: Sequence[int], lengths: Sequence[int], room: int) -> list[Bin]:
    bins: list[list[int]] = []
    left: list[int] = []
    for member in sorted(members, key=lambda i: -lengths[i]):  # stable: ties keep the drawn order
        for place, free in enumerate(left):
            if lengths[member] <= free:
                bins[place].append(member)
                left[place] -= lengths[member]
                break
        else:
            bins.append([member])
            left.append(room - lengths[member])
    return [tuple(members) for members in bins]


def _steps(bins: Sequence[Bin], lengths: Sequence[int], batch_tokens: int) -> list[tuple[Bin, ...]]:
    """Bins in order; a step is full when one more bin would bring it further from its size."""
    steps: list[list[Bin]] = []
    held = batch_tokens
    for one in bins:
        size = sum(lengths[i] for i in one)
        if not steps or held + size / 2 > batch_tokens:
            steps.append([])
            held = 0
        steps[-1].append(one)
        held += size
    return [tuple(step) for step in steps]
