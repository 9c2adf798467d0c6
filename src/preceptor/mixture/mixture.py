"""A mixture that nothing was written of: example i in constant time, for any i.

A function of its pools, its plan and a seed. Rows are on disk, so the memory that it takes does not
grow with the data.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import overload

from preceptor.mixture.plan import Plan
from preceptor.mixture.pools import Pool
from preceptor.records import Example


@dataclass(frozen=True, slots=True)
class Mixture(Sequence[Example]):
    """The examples of a plan, each made when it is asked for."""

    plan: Plan
    pools: Mapping[str, Pool]
    seed: int

    def __len__(self) -> int:
        return len(self.plan)

    @overload
    def __getitem__(self, index: int) -> Example: ...
    @overload
    def __getitem__(self, index: slice) -> list[Example]: ...
    def __getitem__(self, index: int | slice) -> Example | list[Example]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        draw = self.plan.draw(index)
        return self.pools[draw.source].example(draw.row, draw.epoch, self.seed)

    def examples(self, start: int = 0) -> Iterator[Example]:
        """From a number on, in order."""
        return (self[i] for i in range(start, len(self)))
