"""The mixture drawn a group of examples at a time, by processes of their own.

A process reads the rows of a group, fills the templates, tokenises and packs columns; groups come
back in order. An example is a function of its number, so how many processes there are changes
nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from preceptor import progress
from preceptor.mixture.holdout import HoldOut
from preceptor.mixture.mixture import Mixture
from preceptor.mixture.pools import TaskPool
from preceptor.mixture.tables import as_columns
from preceptor.mixture.tokens import Cache, Encoded
from preceptor.mixture.workers import cores, in_order

GROUP = 512
"""Examples drawn at a time."""
ALONE = 4 * GROUP
"""Examples up to which one process is enough."""


@dataclass(frozen=True, slots=True)
class Group:
    """Some examples that come next."""

    examples: pa.Table
    tokens: Encoded | None

    def only(self, kept: npt.NDArray[np.bool_]) -> "Group":
        """Those of the examples alone."""
        tokens = self.tokens.only(kept) if self.tokens is not None else None
        return Group(self.examples.filter(pa.array(kept)), tokens)


def drawn(mixture: Mixture, held: HoldOut, cache: Cache | None) -> Iterator[Group]:
    """The examples in order, each checked against the hold-out, with their tokens where asked."""

    def group(start: int) -> Group:
        examples = mixture[start : start + GROUP]
        for example in examples:
            pool = mixture.pools[example.task]
            held.check(example, pool.task if isinstance(pool, TaskPool) else None)
        tokens = cache.look_up([(one.prompt, one.target) for one in examples]) if cache else None
        return Group(as_columns(examples), tokens)

    processes = cores() if len(mixture) > ALONE else 1
    with progress.bar("mix", len(mixture)) as bar:
        for one in in_order(group, range(0, len(mixture), GROUP), processes):
            yield one
            bar.advance(len(one.examples))
