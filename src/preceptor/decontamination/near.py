"""Parts that were copied with small changes: exact, by a prefix-filter join.

The score of a part in a text is the largest share of its distinct shingles that stands in one
stretch of the text, at most ``STRETCH`` times as long as the part. It is a containment and not a
Jaccard similarity because a template, a passage or an answer around a copied question must not hide
it; it is of a stretch because a long text has most word pairs somewhere. A stretch counts only with
half of the part's telling shingles, those that few items have: questions of one pattern about
different things ("what are the symptoms of ...") are not copies of one another.

A text that has c of a part's s shingles has, of any s - c + e of them, at least e. So the rarest
s - c + e of each part are in the table, and a text with fewer than e of them is passed over for
that part without an error. The rest is scored.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from preceptor.decontamination.grams import Batch, Ints, Table, Words, spread, table
from preceptor.decontamination.parts import Parts

STRETCH = 2
TELLING = 0.5
_EXTRA = 3
"""e, at most: more of them means fewer candidates and a larger table."""


@dataclass(frozen=True, slots=True, eq=False)
class Near:
    """The shingles that a near copy cannot do without."""

    table: Table
    enough: Ints
    """(P,): of a part's shingles in the table, how many a near copy has at least."""
    stock: frozenset[tuple[int, ...]]
    """Shingles that many texts of a benchmark have."""

    def candidates(self, batch: Batch, parts: Parts) -> Iterator[tuple[int, int]]:
        """Text and part, each pair once, in order. None that reaches the threshold is missing."""
        ours, theirs = self.table.pairs(batch, parts.words, self.table.hits(batch))
        # A shingle that a text repeats counts once.
        met = np.unique(batch.text_of(ours) * len(parts.words) + theirs)
        texts, places = np.divmod(met, len(parts.words))
        pairs, counts = np.unique(
            texts * len(parts.owners) + parts.part_of(places), return_counts=True
        )
        found, part = np.divmod(pairs, len(parts.owners))
        chosen = counts >= self.enough[part]
        yield from zip(found[chosen].tolist(), part[chosen].tolist(), strict=True)


def near_index(
    parts: Parts,
    chosen: NDArray[np.bool_],
    threshold: float,
    k: int,
    limits: Sequence[float],
) -> Near | None:
    """The index of the chosen parts; None when there is nothing in it.

    Args:
        parts: The evaluation side.
        chosen: (P,): parts to look for, each of k words or more.
        threshold: Smallest score of a near copy, above 0.
        k: Words in a shingle.
        limits: By benchmark: a shingle in more of its texts is stock.
    """
    which = np.flatnonzero(chosen)
    if not len(which):
        return None
    counts = parts.lengths[which] - k + 1
    places = spread(parts.starts[which], counts)
    owners = np.repeat(which, counts)
    codes = _codes(parts.words, places, k)
    order = np.lexsort((places, codes, owners))
    places, owners, codes = places[order], owners[order], codes[order]
    fresh = np.ones(len(codes), dtype=np.bool_)
    fresh[1:] = (codes[1:] != codes[:-1]) | (owners[1:] != owners[:-1])
    places, owners, codes = places[fresh], owners[fresh], codes[fresh]
    stock = _stock(parts, places, owners, codes, k, limits)
    distinct = np.bincount(owners, minlength=len(parts.owners))
    needed = np.array([0, *(_least(threshold, s) for s in range(1, distinct.max() + 1))])[distinct]
    enough = np.minimum(_EXTRA, needed)
    # Rarest first: by the parts that have the shingle, then by how common its words are.
    spread_of = np.bincount(codes)[codes]
    common = np.bincount(parts.words).astype(np.float64)
    commonness = np.sum([np.log(common[parts.words[places + j]]) for j in range(k)], axis=0)
    order = np.lexsort((places, commonness, spread_of, owners))
    places, owners = places[order], owners[order]
    first = np.cumsum(distinct) - distinct
    rank = np.arange(len(places)) - first[owners]
    kept = rank < (distinct - needed + enough)[owners]
    places, owners = places[kept], owners[kept]
    order = np.argsort(places)
    return Near(table(parts.words, parts.values, k, places[order], owners[order]), enough, stock)


def _codes(words: Words, places: Ints, k: int) -> Ints:
    """A number for each shingle, the same for the same words."""
    codes = words[places].astype(np.int64)
    for j in range(1, k):
        codes = codes * (int(words.max()) + 1) + words[places + j]
        codes = np.unique(codes, return_inverse=True)[1].astype(np.int64)
    return codes


def _stock(
    parts: Parts, places: Ints, owners: Ints, codes: Ints, k: int, limits: Sequence[float]
) -> frozenset[tuple[int, ...]]:
    """The shingles in more texts of a benchmark than its limit."""
    cells, first, where = np.unique(
        codes * len(limits) + parts.benchmarks[owners], return_index=True, return_inverse=True
    )
    texts = np.bincount(where)
    begins = places[first[texts > np.array(limits)[cells % len(limits)]]]
    return frozenset(zip(*(parts.words[begins + j].tolist() for j in range(k)), strict=True))


def _least(threshold: float, shingles: int) -> int:
    """The smallest count whose share reaches the threshold, in the arithmetic of ``score``."""
    count = max(1, math.ceil(threshold * shingles) - 1)
    while count / shingles < threshold:
        count += 1
    return count


def score(
    part: list[int], text: list[int], k: int, stock: frozenset[tuple[int, ...]] = frozenset()
) -> tuple[float, int, int]:
    """Score of a part in a text, and the words [start, end) of the first best stretch.

    0 when no stretch has enough of the part's telling shingles, or it has none.

    Args:
        part: Word numbers, k or more.
        text: Likewise; unknown words are 0.
        k: Words in a shingle.
        stock: Shingles that tell nothing.
    """
    shingles = set(_runs(part, k))
    needed = max(TELLING * len(shingles - stock), 1)
    met = [(place, run) for place, run in enumerate(_runs(text, k)) if run in shingles]
    most, best = STRETCH * len(part), (0, 0, 0)
    within: Counter[tuple[int, ...]] = Counter()
    distinct = telling = left = 0
    for place, run in met:
        if not within[run]:
            distinct += 1
            telling += run not in stock
        within[run] += 1
        while place + k - met[left][0] > most:
            gone = met[left][1]
            within[gone] -= 1
            if not within[gone]:
                distinct -= 1
                telling -= gone not in stock
            left += 1
        if distinct > best[0] and telling >= needed:
            best = (distinct, met[left][0], place + k)
    return best[0] / len(shingles), best[1], best[2]


def _runs(words: list[int], k: int) -> Iterator[tuple[int, ...]]:
    return zip(*(words[j:] for j in range(k)), strict=False)
