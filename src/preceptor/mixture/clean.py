"""Rows and instructions that overlap with what is evaluated leave before anything is drawn.

A row is looked at with all its texts at once, and not under one template, so it leaves whatever
template would have shown it. The examples that are written are checked once more: the certificate
speaks of them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np
import numpy.typing as npt

from preceptor import progress
from preceptor.decontamination.findings import Finding, check_many
from preceptor.decontamination.index import Index
from preceptor.mixture.pools import InstructionPool, TaskPool
from preceptor.records import Example, Row
from preceptor.tasks.task import Prepared, Task

BATCH = 512
"""Rows checked together."""


def clean_pools(pools: Sequence[TaskPool], index: Index) -> list[TaskPool]:
    """The pools without the rows that overlap with the index's benchmarks."""
    cleaned = []
    with progress.bar("decontaminate", sum(map(len, pools))) as bar:
        for pool in pools:
            rows = (_as_example(pool.task, *pool.row(place)) for place in range(len(pool)))
            kept: list[npt.NDArray[np.bool_]] = [np.ones(0, bool)]
            for group in _groups(rows):
                kept.append(_kept(index, group))
                bar.advance(len(group), note=pool.task.name)
            cleaned.append(replace(pool, chosen=pool.chosen[np.concatenate(kept)]))
    return cleaned


def clean_instructions(pool: InstructionPool, index: Index) -> InstructionPool:
    """The instructions without those that overlap with the index's benchmarks."""
    kept = [
        example
        for group in _groups(iter(pool.rows))
        for example, fine in zip(group, _kept(index, group), strict=True)
        if fine
    ]
    return replace(pool, rows=kept, contaminated=len(pool) - len(kept))


def _kept(index: Index, examples: Sequence[Example]) -> npt.NDArray[np.bool_]:
    found = check_many(index, examples)
    return np.array([not _removes(index, findings) for findings in found], bool)


def _removes(index: Index, findings: Iterable[Finding]) -> bool:
    return any(finding.kind in index.settings.remove for finding in findings)


def _groups(examples: Iterator[Example]) -> Iterator[list[Example]]:
    while group := list(islice(examples, BATCH)):
        yield group


def _as_example(task: Task, row: Row, prepared: Prepared) -> Example:
    """Everything that a template could show of a row."""
    values = [*prepared.values.values(), *prepared.options]
    return Example(
        id=f"{task.name}/{row.split}/{row.id}/row",
        task=task.name,
        cluster=task.cluster,
        category=task.category,
        template="row",
        inverted=False,
        prompt="\n".join(text for value in values for text in _texts(value)),
        target=prepared.answer,
        options=prepared.options,
        gold=prepared.gold,
        row=f"{row.dataset}/{row.split}/{row.id}",
    )


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
