"""Runs of words as 64-bit keys, found in batches of texts and verified word for word.

A word's value is a keyed BLAKE2b of it, so keys are the same on every machine. The key of the words
w[i..i+l) is the sum of value(w[i+j]) * BASE**j modulo 2**64, crossed with a value of the length l.
BASE is odd and so has an inverse: with the running sums of a batch, the keys of all its runs of one
length are one subtraction and one multiplication. A key only proposes. Every hit is compared word
for word, so a collision costs time and is never counted.
"""

import hashlib
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Words = NDArray[np.int32]
Keys = NDArray[np.uint64]

UNKNOWN = 0
"""Number of a word that no evaluation text has, and of the gap after each text of a batch."""
_BASE = 0x9E3779B97F4A7C15
_HASH_KEY = b"preceptor decontamination"
_CELLS = 3
"""The filter has 2**3 cells or more a key: one run in eight at most goes on by chance."""
_CHUNK = 1 << 20
"""Words hashed at a time when a table is made."""


def word_value(word: str) -> int:
    """64 bits of a word."""
    found = hashlib.blake2b(word.encode(), digest_size=8, key=_HASH_KEY).digest()
    return int.from_bytes(found, "little")


def word_values(numbers: Mapping[str, int]) -> Keys:
    """Value by number, for words numbered from 1 in their order; an unknown word has its own."""
    return np.array([word_value(word) for word in ("", *numbers)], dtype=np.uint64)


class Batch:
    """Texts side by side as word numbers."""

    def __init__(self, words: Words, starts: Ints, values: Keys) -> None:
        self.words = words
        self.starts = starts
        """Where each text begins; one more at the end."""
        self._sums = np.zeros(len(words) + 1, dtype=np.uint64)
        np.cumsum(values[words] * _powers(len(words))[0], out=self._sums[1:])

    def keys(self, length: int) -> Keys:
        """Keys of all runs of so many words, by where they begin; runs over a gap have one too."""
        count = len(self.words) - length + 1
        if count <= 0:
            return np.zeros(0, dtype=np.uint64)
        sums: Keys = (self._sums[length:] - self._sums[:-length]) * _powers(count)[1]
        return sums ^ np.uint64(word_value(f" {length}"))  # no word begins with a blank

    def text_of(self, places: Ints) -> Ints:
        """Number of the text that each place lies in."""
        return np.searchsorted(self.starts, places, side="right") - 1


def batch(texts: Iterable[list[str]], numbers: Mapping[str, int], values: Keys) -> Batch:
    """Texts as one batch, with a gap after each."""
    found, starts = array("i"), [0]
    known = numbers.get
    for text in texts:
        found.extend(map(known, text, repeat(UNKNOWN)))
        found.append(UNKNOWN)
        starts.append(len(found))
    return Batch(np.array(found, dtype=np.int32), np.array(starts, dtype=np.int64), values)


_kept_powers: list[tuple[Keys, Keys]] = []


def _powers(count: int) -> tuple[Keys, Keys]:
    """The first powers of BASE and of its inverse, from 0; kept, and made longer when needed."""
    if not _kept_powers or len(_kept_powers[0][0]) < count:
        size = max(1 << 12, 1 << count.bit_length())
        bases = (_BASE, pow(_BASE, -1, 1 << 64))
        factors = [np.full(size, base, dtype=np.uint64) for base in bases]
        for one in factors:
            one[0] = 1
        _kept_powers[:] = [(np.cumprod(factors[0]), np.cumprod(factors[1]))]
    powers, inverses = _kept_powers[0]
    return powers[:count], inverses[:count]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Runs of one length in the evaluation side's words, by key."""

    length: int
    keys: Keys
    """(K,), ascending, each once."""
    starts: Ints
    """(K + 1,): key k is at ``places[starts[k]:starts[k + 1]]``."""
    places: Ints
    """Where in the evaluation side's words; ascending for each key."""
    cells: NDArray[np.bool_]
    """The filter: whether any key begins with these bits."""
    shift: int
    """Bits of a key that the filter does not look at."""

    def hits(self, batch: Batch) -> tuple[Ints, Ints]:
        """Where in a batch a key of the table is met, and the key's number. Not yet verified."""
        found = batch.keys(self.length)
        places = np.flatnonzero(self.cells[(found >> np.uint64(self.shift)).view(np.int64)])
        wanted = found[places]
        numbers = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        same = self.keys[numbers] == wanted
        return places[same], numbers[same]

    def pairs(self, batch: Batch, words: Words, hits: tuple[Ints, Ints]) -> tuple[Ints, Ints]:
        """Hits that are the same words: place in the batch, place in the evaluation side."""
        places, numbers = hits
        counts = self.starts[numbers + 1] - self.starts[numbers]
        ours = np.repeat(places, counts)
        theirs = self.places[spread(self.starts[numbers], counts)]
        same = equal_runs(batch.words, ours, words, theirs, self.length)
        return ours[same], theirs[same]


def equal_runs(one: Words, at: Ints, other: Words, there: Ints, length: int) -> NDArray[np.bool_]:
    """Whether the runs at these places of two word arrays are the same words."""
    same = np.ones(len(at), dtype=np.bool_)
    for step in range(length):
        same &= one[at + step] == other[there + step]
    return same


def table(words: Words, values: Keys, length: int, places: Ints, parts: Ints) -> Table:
    """The table of the runs of one length.

    Args:
        words: The evaluation side's.
        values: By word number.
        length: Of the runs, in words.
        places: Where they begin, ascending; at least one.
        parts: The text that each lies in. Of a run that a text repeats the first place is kept:
            a text of one word over and over would otherwise meet its like in square time.
    """
    found = _keys_at(words, values, length, places)
    order = np.argsort(found, kind="stable")
    found, places, parts = found[order], places[order], parts[order]
    fresh = np.ones(len(found), dtype=np.bool_)
    fresh[1:] = (found[1:] != found[:-1]) | (parts[1:] != parts[:-1])
    found, places = found[fresh], places[fresh]
    keys, first = np.unique(found, return_index=True)
    bits = min(32, len(keys).bit_length() + _CELLS)
    cells = np.zeros(1 << bits, dtype=np.bool_)
    cells[(keys >> np.uint64(64 - bits)).view(np.int64)] = True
    starts = np.append(first, len(found)).astype(np.int64)
    return Table(length, keys, starts, places, cells, 64 - bits)


def _keys_at(words: Words, values: Keys, length: int, places: Ints) -> Keys:
    """Keys of the runs at some places, a chunk of the words at a time."""
    found = np.zeros(len(places), dtype=np.uint64)
    for low in range(0, len(words), _CHUNK):
        first, last = np.searchsorted(places, (low, low + _CHUNK))
        if first < last:
            part = words[low : low + _CHUNK + length - 1]
            keys = Batch(part, np.zeros(1, dtype=np.int64), values).keys(length)
            found[first:last] = keys[places[first:last] - low]
    return found


def spread(begins: Ints, counts: Ints) -> Ints:
    """begin, begin + 1, ... so many times, for each begin."""
    total = np.repeat(begins - (np.cumsum(counts) - counts), counts)
    return total + np.arange(len(total))
