"""How long instructions, inputs and outputs are, in words set apart by white space."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from preceptor.data.survey import quantile
from preceptor.synthesis.card.rows import Record, has_input

BINS = 24
"""Of a histogram at most, besides the last, which is open."""
SHOWN_SHARE = 0.99
"""Of the texts; longer ones share the last, open bin."""


@dataclass(frozen=True, slots=True)
class Bin:
    """How many values lie between two edges: of lengths without the upper, of shares without the
    lower."""

    low: float
    high: float | None
    """None in the last bin, when it is open."""
    count: int


@dataclass(frozen=True, slots=True)
class Lengths:
    """Of one part of the records, in words."""

    texts: int
    mean: float
    median: float
    low: int
    """5% of the texts are no longer."""
    high: int
    """95% of the texts are no longer."""
    least: int
    most: int
    histogram: tuple[Bin, ...]


def lengths(records: Sequence[Record]) -> dict[str, Lengths]:
    """Of each part; of inputs also as they are written, stand-ins such as 'N/A' counted as words.

    A part that no record has is not there.
    """
    parts = {
        "instruction": [len(r.instruction.split()) for r in records],
        "input": [len(r.input.split()) for r in records if has_input(r)],
        "input, as written": [len(r.input.split()) for r in records],
        "output": [len(r.output.split()) for r in records],
    }
    return {name: measured(words) for name, words in parts.items() if words}


def measured(words: Iterable[int]) -> Lengths:
    """The figures of some lengths.

    Raises:
        ValueError: There are none.
    """
    counts = Counter(words)
    if not counts:
        raise ValueError("no lengths to measure")
    texts = counts.total()
    return Lengths(
        texts=texts,
        mean=sum(value * n for value, n in counts.items()) / texts,
        median=_median(counts),
        low=quantile(counts, 0.05),
        high=quantile(counts, 0.95),
        least=min(counts),
        most=max(counts),
        histogram=_histogram(counts),
    )


def _median(counts: Counter[int]) -> float:
    """The middle value, or the mean of the two in the middle."""
    texts, seen, below = counts.total(), 0, None
    for value in sorted(counts):
        seen += counts[value]
        if below is not None:
            return (below + value) / 2
        if 2 * seen > texts:
            return value
        if 2 * seen == texts:
            below = value
    raise AssertionError("half of the texts are no longer than the longest")


def _histogram(counts: Counter[int]) -> tuple[Bin, ...]:
    """Bins of one whole width from the shortest text on, and an open one for the longest."""
    first, last = min(counts), quantile(counts, SHOWN_SHARE)
    width = -(-(last - first + 1) // BINS)
    edges = range(first, last + 1, width)
    bins = [Bin(low, low + width, sum(counts[n] for n in range(low, low + width))) for low in edges]
    end = edges[-1] + width
    beyond = sum(n for value, n in counts.items() if value >= end)
    return (*bins, Bin(end, None, beyond)) if beyond else tuple(bins)
