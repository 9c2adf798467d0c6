"""What a set of instructions shares with evaluation sets.

Two looks. The one that decides is the decontamination's (``preceptor.decontamination``), by which a
mixture is cleaned. The other is the plain count of the literature: items of which some record holds
n words in a row, for 13 (GPT-3, arXiv 2005.14165, appendix C) and for 8, of which most are stock
phrases ("which of the following is the most likely") and say little alone.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np

from preceptor.decontamination.grams import Table, batch, spread, table, word_values
from preceptor.decontamination.index import build_index
from preceptor.decontamination.items import Benchmark, Item, benchmark
from preceptor.decontamination.passes import BATCH, Pass
from preceptor.decontamination.settings import KINDS, Settings
from preceptor.decontamination.stock import wording_of
from preceptor.decontamination.words import words
from preceptor.records import Example
from preceptor.synthesis.card.rows import Record, whole_input
from preceptor.tasks.task import Task

T = TypeVar("T")
RUNS = (13, 8)
"""Words in a row."""


@dataclass(frozen=True, slots=True)
class Touched:
    """One evaluation set."""

    name: str
    """task/split"""
    items: int
    kinds: dict[str, int]
    """Items by the worst that a record holds of them; see ``decontamination.findings``."""
    runs: dict[str, int]
    """Words in a row to the items that share as many with a record."""
    examples: tuple[str, ...]
    """Overlaps found, as words."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """Of the records with all evaluation sets that were looked at."""

    records: int
    to_remove: int
    """Records that decontamination would take out."""
    sets: tuple[Touched, ...]


def overlap(
    records: Sequence[Record], tasks: Sequence[Task], split: str, data_root: Path | None
) -> Overlap:
    """Compare the records with a split of some tasks.

    Raises:
        RowError: The rows of a task cannot be read.
    """
    sets = [benchmark(task, split, data_root) for task in tasks]
    return overlap_with(records, sets, wording_of(tasks))


def overlap_with(
    records: Sequence[Record], sets: Sequence[Benchmark], wording: Sequence[str] = ()
) -> Overlap:
    """Compare the records with evaluation sets.

    Args:
        records: Instruction with input is one side, the output the other.
        sets: What they are compared with; their names differ.
        wording: What templates say (``stock.wording_of``): stock.
    """
    found = Pass(build_index(sets, Settings(), wording))
    for group in _groups(_example(record) for record in records):
        found.check(group)
    report = found.report()
    shared = {n: [_sharing(records, one.items, n) for one in sets] for n in RUNS}
    return Overlap(
        records=report.checked,
        to_remove=report.removed,
        sets=tuple(
            Touched(
                name=one.benchmark.name,
                items=one.benchmark.items,
                kinds={kind: one.items[kind] for kind in KINDS if kind in one.items},
                runs={str(n): shared[n][place] for n in RUNS},
                examples=tuple(dict.fromkeys(finding.text for finding in one.shown)),
            )
            for place, one in enumerate(report.benchmarks)
        ),
    )


def _example(record: Record) -> Example:
    return Example(
        id=record.id,
        task="",
        cluster="",
        category="",
        template="",
        inverted=False,
        prompt=whole_input(record),
        target=record.output,
        options=(),
        gold=-1,
        row="",
    )


def _sharing(records: Sequence[Record], items: Sequence[Item], n: int) -> int:
    """How many items have n words in a row that a record has, in a question or a passage."""
    owners, texts = [], []
    for number, item in enumerate(items):
        for text in (*item.questions, *item.passages):
            owners.append(number)
            texts.append(words(text))
    numbers = {word: i for i, word in enumerate(dict.fromkeys(w for t in texts for w in t), 1)}
    values = word_values(numbers)
    theirs = batch(texts, numbers, values)
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    places = spread(theirs.starts[:-1], np.maximum(lengths - n + 1, 0))
    if not len(places):
        return 0
    runs: Table = table(theirs.words, values, n, places, theirs.text_of(places))
    found: set[int] = set()
    for group in _groups(words(text) for text in _texts(records)):
        ours = batch(group, numbers, values)
        _, there = runs.pairs(ours, theirs.words, runs.hits(ours))
        found.update(owners[text] for text in np.unique(theirs.text_of(there)).tolist())
    return len(found)


def _texts(records: Iterable[Record]) -> Iterator[str]:
    for record in records:
        yield from (whole_input(record), record.output)


def _groups(values: Iterable[T]) -> Iterator[list[T]]:
    stream = iter(values)
    while group := list(islice(stream, BATCH)):
        yield group
