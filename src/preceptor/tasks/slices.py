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


class Taking(Generic[T]):
    """What a slice takes of a split whose rows pass by once, in the order of the file."""

    def __init__(self, slice: Slice, dataset: str, most: int, seed: int) -> None:
        """``dataset`` names the order; of a larger slice, a sample of ``most`` keyed by ``seed``
        is taken (0: all of it)."""
        self.slice, self.dataset, self.most, self.seed = slice, dataset, most, seed
        self._head = slice.stop is not None and slice.stop > 0
        self._tail = slice.start is not None and slice.start < 0
        bound = slice.stop if self._head else -(slice.start or slice.stop or 0)
        self._end = _Least[T](bound or 0)  # the end of the order that the slice is told by
        self._sample = _Least[T](most + self._end.most if most else None)
        self._seen = 0

    def add(self, row: T) -> None:
        """The next row of the file."""
        place, self._seen = self._seen, self._seen + 1
        key = draws.bits(ORDER_SEED, "slice", self.dataset, self.slice.split, place)
        self._end.add(key if self._head else -key, place, row)
        if not (self._head or self._tail):
            self._sample.add(self._drawn(place), place, row)

    @property
    def found(self) -> int:
        """Rows of the slice so far, before the sample."""
        end = min(self._end.most, self._seen)
        if self._head:
            return max(0, end - (self.slice.start or 0))
        return end if self._tail else self._seen - end

    def rows(self) -> list[tuple[int, T]]:
        """What was taken, each row with its place in the file, in the order of the file."""
        if self._head or self._tail:
            chosen = self._end.rows()[(self.slice.start or 0) if self._head else 0 :]
            chosen.sort(key=lambda one: self._drawn(one[0]))
        else:
            apart = {place for place, _ in self._end.rows()}
            chosen = [one for one in self._sample.rows() if one[0] not in apart]
        return sorted(chosen[: self.most or None], key=lambda one: one[0])

    def _drawn(self, place: int) -> int:
        return draws.bits(self.seed, "fetch", self.dataset, self.slice.split, place)


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
    taking = Taking[T](slice, dataset, most, seed)
    for row in rows:
        taking.add(row)
    return taking.rows()


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
