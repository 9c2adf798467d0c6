"""What was found, by benchmark and by training task: counts, and a few pairs to look at."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from preceptor.decontamination.findings import Finding
from preceptor.decontamination.index import Checked, Index
from preceptor.decontamination.settings import KINDS, Kind
from preceptor.records import Example

SHOWN_WORDS = 60
"""Words of an overlap that the report shows."""


@dataclass(frozen=True, slots=True)
class BenchmarkReport:
    """One benchmark and all training examples. An item or example counts under its worst kind."""

    benchmark: Checked
    touched: int
    """Items of which some training example holds something."""
    items: dict[str, int]
    """Items by kind."""
    examples: dict[str, int]
    """Training examples by kind."""
    parts: dict[str, int]
    """Pairs of example and item by part of the item that is there."""
    near: int
    """Pairs found as near copies only."""
    by_task: dict[str, int]
    """Training examples with a finding, by training task."""
    removed_by_task: dict[str, int]
    """Of them, those that are removed for this benchmark."""
    most: dict[str, int]
    """The items that most training examples hold something of: stock phrases show here."""
    shown: tuple[Finding, ...]
    """The first pairs of each kind."""


@dataclass(frozen=True, slots=True)
class Report:
    """A whole pass."""

    checked: int
    removed: int
    kinds: dict[str, int]
    """Training examples by kind, whatever the benchmark."""
    removed_by_task: dict[str, int]
    benchmarks: tuple[BenchmarkReport, ...]


@dataclass(slots=True)
class _Counts:
    """One benchmark's, while the pass goes on. Grows with the evaluation side only."""

    items: dict[str, int] = field(default_factory=dict)
    """Item to the place of its worst kind in KINDS."""
    held: Counter[str] = field(default_factory=Counter)
    examples: Counter[Kind] = field(default_factory=Counter)
    parts: Counter[str] = field(default_factory=Counter)
    by_task: Counter[str] = field(default_factory=Counter)
    removed_by_task: Counter[str] = field(default_factory=Counter)
    shown: dict[Kind, list[Finding]] = field(default_factory=dict)
    near: int = 0


class Tally:
    """Counts a pass."""

    def __init__(self, index: Index) -> None:
        self._index, self._settings = index, index.settings
        self._counts = {one.name: _Counts() for one in index.benchmarks}
        self._checked = self._removed = 0
        self._kinds: Counter[Kind] = Counter()
        self._removed_by_task: Counter[str] = Counter()

    def add(self, example: Example, findings: Sequence[Finding]) -> bool:
        """Count an example; whether it is removed."""
        self._checked += 1
        if not findings:
            return False
        self._kinds[_worst(findings)] += 1
        removed = any(one.kind in self._settings.remove for one in findings)
        if removed:
            self._removed += 1
            self._removed_by_task[example.task] += 1
        by_benchmark: dict[str, list[Finding]] = {}
        for one in findings:
            by_benchmark.setdefault(one.benchmark, []).append(one)
        for name, those in by_benchmark.items():
            self._benchmark(self._counts[name], example, those)
        return removed

    def _benchmark(self, counts: _Counts, example: Example, findings: Sequence[Finding]) -> None:
        counts.examples[_worst(findings)] += 1
        counts.by_task[example.task] += 1
        if any(one.kind in self._settings.remove for one in findings):
            counts.removed_by_task[example.task] += 1
        for one in findings:
            place = KINDS.index(one.kind)
            counts.items[one.item] = min(place, counts.items.get(one.item, place))
            counts.held[one.item] += 1
            counts.parts.update(one.parts)
            counts.near += one.near
            shown = counts.shown.setdefault(one.kind, [])
            if len(shown) < self._settings.shown:
                shown.append(_cut(one))

    def report(self) -> Report:
        """What was counted so far."""
        return Report(
            checked=self._checked,
            removed=self._removed,
            kinds=_by_kind(self._kinds),
            removed_by_task=dict(sorted(self._removed_by_task.items())),
            benchmarks=tuple(
                self._reported(one, self._counts[one.name]) for one in self._index.benchmarks
            ),
        )

    def _reported(self, benchmark: Checked, counts: _Counts) -> BenchmarkReport:
        most = sorted(counts.held.items(), key=lambda pair: (-pair[1], pair[0]))
        return BenchmarkReport(
            benchmark=benchmark,
            touched=len(counts.items),
            items=_by_kind(Counter(KINDS[place] for place in counts.items.values())),
            examples=_by_kind(counts.examples),
            parts=dict(sorted(counts.parts.items())),
            near=counts.near,
            by_task=dict(sorted(counts.by_task.items())),
            removed_by_task=dict(sorted(counts.removed_by_task.items())),
            most=dict(most[: self._settings.shown]),
            shown=tuple(one for kind in KINDS for one in counts.shown.get(kind, ())),
        )


def _worst(findings: Sequence[Finding]) -> Kind:
    return min((one.kind for one in findings), key=KINDS.index)


def _by_kind(counts: Counter[Kind]) -> dict[str, int]:
    return {kind: counts[kind] for kind in KINDS if counts[kind]}


def _cut(one: Finding) -> Finding:
    found = one.text.split(" ")
    more = f" … ({len(found) - SHOWN_WORDS} more)" if len(found) > SHOWN_WORDS else ""
    return replace(one, text=" ".join(found[:SHOWN_WORDS]) + more)
