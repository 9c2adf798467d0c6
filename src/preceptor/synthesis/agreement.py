"""How far two ways of giving categories agree: rules, votes, labels.

The packaged labels were given by one annotator, a language model that read each record whole
(``docs/categories.md``); they are not a clinician's.

``labels/`` holds labels that were given by reading, by the guide in ``docs/categories.md``: the id
of a task and its category, no text. Half of BioInstruct's labelled rows, by their id, were never
looked at while the rules were written.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from preceptor import draws
from preceptor.artifact import digest
from preceptor.synthesis.categories import CATEGORIES, categorise

LEVEL = 0.95
"""Nominal coverage of every interval."""
RESAMPLES = 2000
FILES = ("bioinstruct", "seeds")

Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far given categories agree with labels."""

    n: int
    accuracy: Estimate
    """Share of equal categories; Wilson's interval."""
    kappa: Estimate | None
    """Cohen's: (accuracy - chance) / (1 - chance), chance from both margins; percentile bootstrap
    over tasks. None where both always say the same one category, as chance is then 1."""
    confusion: tuple[tuple[int, ...], ...]
    """Rows as labelled, columns as predicted, both in the order of ``CATEGORIES``."""
    precision: Mapping[str, Estimate | None]
    """By category: of those predicted, the share that is labelled so; None where none is."""
    recall: Mapping[str, Estimate | None]
    """By category: of those labelled, the share that is predicted so; None where none is."""


@dataclass(frozen=True, slots=True)
class Label:
    """A category given by reading."""

    category: str
    drawn: str
    """How the task came to be labelled: 'random'; 'words', for words that hint at extraction; or
    'all'."""
    held_out: bool
    """The rules were written without looking at it."""


class Text(Protocol):
    """What has the three texts of a task: a seed, an instruction, a row of a card."""

    @property
    def instruction(self) -> str: ...

    @property
    def input(self) -> str: ...

    @property
    def output(self) -> str: ...


def agreement(predicted: Sequence[str], labelled: Sequence[str]) -> Agreement:
    """Compare two sequences of categories, one of each a task.

    Raises:
        ValueError: None, lengths that differ, or a category that is not one of ``CATEGORIES``.
    """
    if not predicted or len(predicted) != len(labelled):
        raise ValueError(
            f"{len(predicted)} predicted and {len(labelled)} labelled: give one of each a task"
        )
    if unknown := sorted({*predicted, *labelled} - set(CATEGORIES)):
        raise ValueError(f"category {unknown[0]!r} is not one of {', '.join(CATEGORIES)}")
    size = len(CATEGORIES)
    confusion = np.zeros((size, size), dtype=np.int64)
    pairs = Counter(zip(labelled, predicted, strict=True))
    for (label, guess), count in pairs.items():
        confusion[CATEGORIES.index(label), CATEGORIES.index(guess)] = count
    right, said, true = confusion.diagonal(), confusion.sum(axis=0), confusion.sum(axis=1)
    return Agreement(
        n=len(predicted),
        accuracy=_share(int(right.sum()), len(predicted)),
        kappa=_kappa_estimate(confusion),
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
        precision=_shares(right, said),
        recall=_shares(right, true),
    )


def rule_agreement(rows: Iterable[Text], held_out: bool = True) -> Agreement | None:
    """How far the rules agree with the labels of those rows that are labelled, found by id.

    Args:
        held_out: Only rows that were not looked at while the rules were written. The packaged
            seeds were, so of them there is only the flattering figure of False.

    Returns:
        None where no such row is among them.
    """
    known = labels()
    predicted, labelled = [], []
    for row in rows:
        label = known.get(task_id(row.instruction, row.input, row.output))
        if label is None or (held_out and not label.held_out):
            continue
        predicted.append(categorise(row.instruction, row.input, row.output)[0])
        labelled.append(label.category)
    return agreement(predicted, labelled) if labelled else None


def task_id(instruction: str, input: str, output: str) -> str:
    """By which a label names a task: 16 hex digits of the SHA-256 of its three texts as JSON."""
    return digest({"instruction": instruction, "input": input, "output": output})[:16]


@cache
def labels() -> Mapping[str, Label]:
    """The packaged labels, by the id of their task."""
    found: dict[str, Label] = {}
    for name in FILES:
        file = resources.files("preceptor.synthesis") / "labels" / f"{name}.jsonl"
        for line in file.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            held_out = name == "bioinstruct" and int(row["id"], 16) % 2 == 1
            found[row["id"]] = Label(row["label"], row["drawn"], held_out)
    return found


def _shares(part: Counts, whole: Counts) -> dict[str, Estimate | None]:
    return {
        name: _share(int(part[i]), int(whole[i])) if whole[i] else None
        for i, name in enumerate(CATEGORIES)
    }


def _share(part: int, whole: int) -> Estimate:
    """With Wilson's interval, which holds at shares near 0 and 1 and in small samples."""
    interval = stats.binomtest(part, whole).proportion_ci(LEVEL, method="wilson")
    return Estimate(part / whole, float(interval.low), float(interval.high))


def _kappa_estimate(confusion: Counts) -> Estimate | None:
    value = float(_kappas(confusion[None])[0])
    if np.isnan(value):
        return None
    n = int(confusion.sum())
    generator = np.random.Generator(np.random.PCG64(draws.bits(0, "kappa bootstrap")))
    drawn = generator.multinomial(n, confusion.ravel() / n, size=RESAMPLES)
    found = _kappas(drawn.reshape(RESAMPLES, *confusion.shape))
    low, high = np.nanquantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(value, min(float(low), value), max(float(high), value))


def _kappas(confusion: Counts) -> NDArray[np.float64]:
    """(m,) kappa of each of (m, 4, 4) tables; NaN where chance agreement is 1."""
    n = confusion.sum(axis=(1, 2))
    agreed = np.trace(confusion, axis1=1, axis2=2) / n
    chance = (confusion.sum(axis=1) * confusion.sum(axis=2)).sum(axis=1) / n**2
    with np.errstate(invalid="ignore"):
        return np.where(chance < 1, (agreed - chance) / (1 - chance), np.nan)
