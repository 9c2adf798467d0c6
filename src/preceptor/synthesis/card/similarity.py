"""How like one another the instructions are: each one's highest ROUGE-L F to any other.

Exact, and by ``rouge_score``'s own formula, so that "above 0.7" means what the novelty filter of
Self-Instruct, Alpaca and, by its released records, BioInstruct means by it. All pairs are compared,
some tens of millions a second.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import LCSseq

from preceptor import draws
from preceptor.synthesis.card.lengths import Bin
from preceptor.synthesis.card.rows import Record
from preceptor.synthesis.novelty import rouge_l, tokenise

MARKS = (0.5, 0.65, 0.69, 0.7)
MOST_PAIRS = 2_500_000_000
"""Of more than 50,000 instructions, whose pairs these are, a sample is compared with all."""
LEAST_QUERIES = 1_000
PAIRS = 16_000_000
"""Compared at a time: 4 bytes each."""
BINS = 20
_SURROGATES = range(0xD800, 0xE000)
_TIE = 1e-9
"""Scores closer than this are compared by the exact formula."""


@dataclass(frozen=True, slots=True)
class Similarity:
    """Of the instructions, by their nearest other one."""

    compared: int
    """Instructions that were compared with all others."""
    mean: float
    median: float
    most: float
    above: tuple[tuple[float, int], ...]
    """Mark to how many instructions have another above it."""
    histogram: tuple[Bin, ...]
    nearest: tuple[tuple[str, str, float], ...]
    """The most similar pairs of instructions, with their score."""


def similarity(records: Sequence[Record], seed: int = 0, shown: int = 5) -> Similarity | None:
    """Compare the instructions; None when there are fewer than two.

    Args:
        records: Their instructions are compared.
        seed: Of the sample of queries, where all pairs are more than ``MOST_PAIRS``.
        shown: How many of the most similar pairs to keep.
    """
    texts = _as_letters([record.instruction for record in records])
    if len(texts) < 2:
        return None
    wanted = max(LEAST_QUERIES, MOST_PAIRS // len(texts))
    queries = sorted(draws.sample(len(texts), wanted, seed, "similarity"))
    scores, others = nearest(texts, queries)
    return Similarity(
        compared=len(queries),
        mean=float(scores.mean()),
        median=float(np.median(scores)),
        most=float(scores.max()),
        above=tuple((mark, int((scores > mark).sum())) for mark in MARKS),
        histogram=_histogram(scores),
        nearest=tuple(
            (records[here].instruction, records[there].instruction, score)
            for here, there, score in _pairs(queries, others, scores, shown)
        ),
    )


def nearest(
    texts: Sequence[str], queries: Sequence[int]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The highest ROUGE-L F of each query to another text, and the place of that text.

    Args:
        texts: One character a token.
        queries: Q places in the texts.

    Returns:
        Two arrays of shape (Q,). The first place counts among equals.
    """
    lengths = np.array([len(text) for text in texts], dtype=np.float64)
    scores = np.zeros(len(queries))
    places = np.zeros(len(queries), dtype=np.int64)
    step = max(1, PAIRS // len(texts))
    for start in range(0, len(queries), step):
        block = queries[start : start + step]
        common = process.cdist(
            [texts[place] for place in block],
            texts,
            scorer=LCSseq.similarity,
            dtype=np.uint32,
            workers=-1,
        )
        for row, place in enumerate(block):
            # F is 2 common / (m + n); of two texts without tokens it is 0, as rouge_score has it.
            shares = common[row] / np.maximum(lengths + lengths[place], 1)
            shares[place] = -1
            best = -1.0
            for other in np.flatnonzero(shares >= shares.max() - _TIE).tolist():
                score = rouge_l(int(common[row, other]), len(texts[other]), len(texts[place]))
                if score > best:
                    best, places[start + row] = score, other
            scores[start + row] = best
    return scores, places


def _as_letters(instructions: Sequence[str]) -> list[str]:
    """Each token a character of its own, so that the subsequence runs bit-parallel."""
    letters: dict[str, str] = {}
    found = []
    for instruction in instructions:
        tokens = tokenise(instruction)
        for token in tokens:
            if token not in letters:
                code = len(letters) + 1
                over = len(_SURROGATES) if code >= _SURROGATES.start else 0
                letters[token] = chr(code + over)
        found.append("".join(letters[token] for token in tokens))
    return found


def _histogram(scores: NDArray[np.float64]) -> tuple[Bin, ...]:
    """Equal bins over [0, 1], each with its upper edge: 0.7 itself is not above 0.7."""
    edges = np.arange(BINS + 1) / BINS
    bins = np.clip(np.ceil(scores * BINS - _TIE) - 1, 0, BINS - 1).astype(int)
    counts = np.bincount(bins, minlength=BINS)
    return tuple(Bin(float(edges[i]), float(edges[i + 1]), int(counts[i])) for i in range(BINS))


def _pairs(
    queries: Sequence[int],
    others: NDArray[np.int64],
    scores: NDArray[np.float64],
    shown: int,
) -> list[tuple[int, int, float]]:
    """The most similar pairs, each once."""
    found: dict[tuple[int, int], float] = {}
    for row in np.lexsort((np.array(queries), -scores)):
        here, there = sorted((queries[row], int(others[row])))
        found.setdefault((here, there), float(scores[row]))
        if len(found) == shown:
            break
    return [(here, there, score) for (here, there), score in found.items()]
