"""What many items say, or a template says: runs of words that prove nothing.

A run is stock when more texts of one benchmark hold it than its limit (a share of its items, but at
least a few), or when it stands in the wording of a template. Stock is ignored in every benchmark.
A text counts once, however many items have it: many may ask about one passage. But a question or
option that a good part of all items have is an instruction or a label, and stock itself.

What is ignored is a run, not a copy: a text that is stock from end to end (rows made of a few
values, sentences that differ in one mark) is looked for whole, from its rarest run.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jinja2 import nodes
from numpy.typing import NDArray

from preceptor.decontamination.grams import Batch, Ints, Table, batch, equal_runs
from preceptor.decontamination.parts import PASSAGE, Parts
from preceptor.decontamination.words import words
from preceptor.tasks.expressions import ENVIRONMENT
from preceptor.tasks.task import Task

LABEL = 0.2
"""A text that more than this share of a benchmark's items have is no question of theirs."""
_CHUNK = 4096
"""Parts looked at together."""
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Stock:
    """For each key of a table, why it is ignored."""

    common: Flags
    worded: Flags

    @property
    def any(self) -> Flags:
        """Whether it is."""
        return self.common | self.worded


def wording_of(tasks: Iterable[Task]) -> tuple[str, ...]:
    """What the templates of some tasks say themselves: their text between slots, sorted."""
    found: set[str] = set()
    for task in tasks:
        for template in task.templates:
            for text in (template.prompt, template.target):
                tree = ENVIRONMENT.parse(text)
                found.update(data.data for data in tree.find_all(nodes.TemplateData))
    return tuple(sorted(text for text in found if words(text)))


def labels(parts: Parts, sizes: Sequence[int], least: int) -> Flags:
    """(P,): questions and options that too many items have, which say nothing of any.

    Args:
        parts: The evaluation side.
        sizes: Items of each benchmark.
        least: So many items may always have one.
    """
    owners = np.array([len(those) for those in parts.owners], dtype=np.int64)
    limits = np.array([max(least, LABEL * size) for size in sizes])[parts.benchmarks]
    found: Flags = (owners > limits) & (parts.roles != PASSAGE)
    return found


def rarest_runs(parts: Parts, table: Table, stock: Stock, chosen: Flags) -> tuple[Ints, Ints]:
    """For each chosen part, the place of the run that the fewest texts have, and the part.

    Parts that a template words from end to end have none: such a text is nobody's.
    """
    texts = np.diff(table.starts)
    keys = np.repeat(np.arange(len(table.keys)), texts)
    part = parts.part_of(table.places)
    kept = np.flatnonzero(chosen[part] & ~stock.worded[keys])
    order = kept[np.lexsort((table.places[kept], texts[keys[kept]], part[kept]))]
    first = np.unique(part[order], return_index=True)[1]
    places = np.sort(table.places[order][first])
    return places, parts.part_of(places)


def find_stock(
    parts: Parts, tables: Sequence[Table], limits: Sequence[float], wording: Sequence[str]
) -> tuple[Stock, ...]:
    """The stock of each table.

    Args:
        parts: The evaluation side.
        tables: Its runs.
        limits: By benchmark: a run in more of its texts is stock.
        wording: Texts whose runs are stock.
    """
    texts = batch((words(text) for text in wording), parts.numbers, parts.values)
    return tuple(Stock(_common(parts, one, limits), _worded(parts, one, texts)) for one in tables)


def _common(parts: Parts, table: Table, limits: Sequence[float]) -> Flags:
    found = np.zeros(len(table.keys), dtype=np.bool_)
    bounds = np.searchsorted(parts.benchmarks, np.arange(len(limits) + 1)).tolist()
    for low, high, limit in zip(bounds[:-1], bounds[1:], limits, strict=True):
        chunks = [
            _held(parts, table, first, min(high, first + _CHUNK))
            for first in range(low, high, _CHUNK)
        ]
        if chunks:
            key = np.concatenate(chunks)
            keys, place = np.unique(key, return_inverse=True)
            found[keys[np.bincount(place) > limit]] = True
    return found


def _held(parts: Parts, table: Table, low: int, high: int) -> Ints:
    """The keys that stand in the parts from low to high, each once a part."""
    begin, end = parts.starts[low], parts.starts[high]
    texts = Batch(parts.words[begin:end], np.zeros(1, dtype=np.int64), parts.values)
    places, numbers = _verified(parts, table, texts)
    part = parts.part_of(places + begin)
    inside = places + begin + table.length <= parts.starts[part + 1]
    size = len(table.keys)
    return np.unique(part[inside] * size + numbers[inside]) % size


def _worded(parts: Parts, table: Table, texts: Batch) -> Flags:
    found = np.zeros(len(table.keys), dtype=np.bool_)
    found[_verified(parts, table, texts)[1]] = True
    return found


def _verified(parts: Parts, table: Table, texts: Batch) -> tuple[Ints, Ints]:
    """Hits whose words are those of the key's first place."""
    places, numbers = table.hits(texts)
    first = table.places[table.starts[numbers]]
    same = equal_runs(texts.words, places, parts.words, first, table.length)
    return places[same], numbers[same]
