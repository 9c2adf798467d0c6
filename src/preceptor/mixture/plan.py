"""Which row of which source is example i: a function of (seed, i), in constant time, no state.

    i --keyed permutation--> place --cumulative counts--> source, ordinal k within it
    k --> epoch k // n, and row permutation(epoch)[k mod n]

Every source gets exactly its count, and uses each of its n rows once before any again. Another
task in the mixture, or more examples, changes how many a source gives and where they stand; the
k-th example of a source stays what it was. So the smaller of two mixtures holds, of each source, a
part of what the larger holds. What changes a source's k-th example: the seed, its own name, its
number of rows.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from preceptor import draws


@dataclass(frozen=True, slots=True)
class Portion:
    """How much of the mixture a source gives."""

    source: str
    rows: int
    """n, how many different rows it has."""
    examples: int


@dataclass(frozen=True, slots=True)
class Draw:
    """One example before it is rendered."""

    source: str
    row: int
    """Index among the source's rows, from 0."""
    epoch: int
    """How often each of the source's rows had been used before."""


class Plan:
    """The mixture as a function of the example's number."""

    def __init__(self, portions: Sequence[Portion], seed: int) -> None:
        """Lay the portions side by side.

        Raises:
            ValueError: A source is to give examples but has no rows.
        """
        for portion in portions:
            if portion.examples and not portion.rows:
                raise ValueError(f"{portion.source} has no rows to make examples of")
        self._portions = tuple(portions)
        self._ends = tuple(accumulate(portion.examples for portion in portions))
        self._seed = seed

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def draw(self, i: int) -> Draw:
        """What example i is made of.

        Raises:
            IndexError: i is not below the number of examples.
        """
        place = draws.permuted(i, len(self), self._seed, "place")
        found = bisect_right(self._ends, place)
        portion = self._portions[found]
        ordinal = place - (self._ends[found] - portion.examples)
        epoch, k = divmod(ordinal, portion.rows)
        row = draws.permuted(k, portion.rows, self._seed, "row", portion.source, epoch)
        return Draw(portion.source, row, epoch)
