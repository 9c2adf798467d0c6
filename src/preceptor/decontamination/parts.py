"""The evaluation side's texts as word numbers, each once a benchmark, with their items."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from preceptor.decontamination.grams import Ints, Keys, Words, word_values
from preceptor.decontamination.items import Benchmark, Item
from preceptor.decontamination.words import joined, words

PartName = Literal["question", "passage", "option", "answer"]
QUESTION, PASSAGE, OPTION = range(3)
NAMES: tuple[PartName, ...] = ("question", "passage", "option")
"""By role number. Answers are never looked for by themselves and so are no part here."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the index keeps of an item."""

    id: str
    benchmark: int
    questions: tuple[str, ...]
    """As joined words (``words.joined``)."""
    options: tuple[str, ...]
    """Likewise."""
    answers: tuple[str, ...]
    """Likewise."""


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """P texts of M items."""

    numbers: dict[str, int]
    """Word to its number, from 1."""
    values: Keys
    """Value by word number."""
    words: Words
    starts: Ints
    """(P + 1,): part p is ``words[starts[p]:starts[p + 1]]``."""
    lengths: Ints
    """(P,): words in each part."""
    roles: NDArray[np.int8]
    """(P,)"""
    benchmarks: Ints
    """(P,)"""
    owners: tuple[tuple[int, ...], ...]
    """(P,): the items that have the part."""
    items: tuple[Known, ...]

    def part_of(self, places: Ints) -> Ints:
        """The part that each place lies in."""
        return np.searchsorted(self.starts, places, side="right") - 1


class Gathering:
    """Takes benchmarks one by one and keeps their texts as numbers."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._words, self._starts = array("i"), [0]
        self._roles: list[int] = []
        self._benchmarks: list[int] = []
        self._owners: list[list[int]] = []
        self._items: list[Known] = []

    def add(self, number: int, benchmark: Benchmark) -> None:
        """Take the items of a benchmark."""
        seen: dict[tuple[int, bytes], int] = {}
        for item in benchmark.items:
            place = len(self._items)
            spoken = map(_joined, (item.questions, item.options, item.answers))
            self._items.append(Known(item.id, number, *spoken))
            for role, text in _texts(item):
                self._part(seen, number, place, role, text)

    def _part(
        self,
        seen: dict[tuple[int, bytes], int],
        benchmark: int,
        item: int,
        role: int,
        text: str,
    ) -> None:
        numbers = self._numbers
        found = array("i", (numbers.setdefault(w, len(numbers) + 1) for w in words(text)))
        part = seen.setdefault((role, found.tobytes()), len(self._roles))
        if part == len(self._roles):
            self._words.extend(found)
            self._starts.append(len(self._words))
            self._roles.append(role)
            self._benchmarks.append(benchmark)
            self._owners.append([])
        if item not in self._owners[part][-1:]:
            self._owners[part].append(item)

    def parts(self) -> Parts:
        """All that was taken."""
        starts = np.array(self._starts, dtype=np.int64)
        return Parts(
            numbers=self._numbers,
            values=word_values(self._numbers),
            words=np.array(self._words, dtype=np.int32),
            starts=starts,
            lengths=np.diff(starts),
            roles=np.array(self._roles, dtype=np.int8),
            benchmarks=np.array(self._benchmarks, dtype=np.int64),
            owners=tuple(map(tuple, self._owners)),
            items=tuple(self._items),
        )


def _joined(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(joined(found) for text in texts if (found := words(text)))


def _texts(item: Item) -> Iterator[tuple[int, str]]:
    for role, texts in (
        (QUESTION, item.questions),
        (PASSAGE, item.passages),
        (OPTION, item.options),
    ):
        for text in texts:
            yield role, text
