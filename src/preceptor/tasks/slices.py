"""Slices of a hub's split, such as ``train[:-200]``, over an order that is nobody's file order.

On the hub many splits are sorted by label (IMDB, Sentiment140) or by corpus (WMT), so the head of a
file is no sample of it. FLAN sliced TFDS splits, which are stored shuffled (its code release). Here
a split's rows are first ordered by a keyed hash of (data set, split, place): the same for
everybody, so that train and validation are disjoint, and computed from a place alone, so that one
pass over a stream is enough and only the rows that are kept are held.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from heapq import heappush, heappushpop
from typing import Generic, TypeVar

from preceptor import draws

T = TypeVar("T")
ORDER_SEED = 0
"""Of the order that slices are taken from: the same in every run."""
_SLICE = re.compile(r"([A-Za-z][\w.-]*)(?:\[(-?\d*):(-?\d*)\])?")


@dataclass(frozen=True, slots=True)
class Slice:
    """Rows [start, stop) of a split's order, negative ones counted from its end."""

    split: str
    start: int | None = None
    stop: int | None = None


def parse_slice(text: str) -> Slice:
    """A slice from its text: ``train``, ``train[:-200]``, ``train[-200:]``, ``train[200:400]``.

    Raises:
        ValueError: It is none, or one that one pass cannot take (``[-200:-100]``, ``[5:-5]``,
            ``[5:]``), or it is empty.
    """
    found = _SLICE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no slice; write train, train[:-200] or train[-200:]")
    split, *bounds = found.groups()
    start, stop = (int(bound) if bound else None for bound in bounds)
    whole = start is None and stop is None
    tail = start is not None and start < 0 and stop is None
    rest = not start and stop is not None and stop < 0
    head = stop is not None and stop > (start or 0) >= 0
    if not (whole or tail or rest or head):
        raise ValueError(f"{text!r} is not taken; write [:n], [m:n], [:-n] or [-n:]")
    return Slice(split, start, stop)


def take(
    rows: Iterable[T], slice: Slice, dataset: str, most: int, seed: int
) -> list[tuple[int, T]]:
    """The rows of a slice with their places in the file, in the order of the file.

    Args:
        rows: Of the whole split, in the order of the file; read once.
        slice: Which of them.
        dataset: Names the order.
        most: Of a larger slice a keyed sample of so many; 0 for all.
        seed: Of that sample.
    """
    head = slice.stop is not None and slice.stop > 0
    tail = slice.start is not None and slice.start < 0
    bound = slice.stop if head else -(slice.start or slice.stop or 0)
    end = _Least[T](bound or 0)  # the rows at the end of the order that the slice is told by
    sample = _Least[T](most + end.most if most else None)
    for place, row in enumerate(rows):
        key = draws.bits(ORDER_SEED, "slice", dataset, slice.split, place)
        end.add(key if head else -key, place, row)
        if not (head or tail):
            sample.add(_drawn(seed, dataset, slice, place), place, row)
    if head or tail:
        chosen = end.rows()[(slice.start or 0) if head else 0 :]
        chosen.sort(key=lambda one: _drawn(seed, dataset, slice, one[0]))
    else:
        apart = {place for place, _ in end.rows()}
        chosen = [one for one in sample.rows() if one[0] not in apart]
    return sorted(chosen[: most or None], key=lambda one: one[0])


def _drawn(seed: int, dataset: str, slice: Slice, place: int) -> int:
    return draws.bits(seed, "fetch", dataset, slice.split, place)


class _Least(Generic[T]):
    """The rows with the smallest keys, at most so many (None: all), in constant memory."""

    def __init__(self, most: int | None) -> None:
        self.most = most if most is not None else 0
        self._all = most is None
        self._heap: list[tuple[int, int, T]] = []  # negated keys: the largest is on top

    def add(self, key: int, place: int, row: T) -> None:
        # Places differ, so rows are never compared.
        if self._all or len(self._heap) < self.most:
            heappush(self._heap, (-key, place, row))
        elif self.most:
            heappushpop(self._heap, (-key, place, row))

    def rows(self) -> list[tuple[int, T]]:
        """Place and row, the smallest key first."""
        ordered = sorted(self._heap, key=lambda one: (-one[0], one[1]))
        return [(place, row) for _, place, row in ordered]
