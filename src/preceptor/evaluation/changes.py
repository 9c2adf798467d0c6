"""The items on which tuning changed most, to be read by people."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from preceptor.evaluation.alignment import same_items
from preceptor.records import Score


@dataclass(frozen=True, slots=True)
class Change:
    """One item as both models answered it."""

    base: Score
    tuned: Score

    @property
    def gain(self) -> float:
        """Tuned minus base, in [-1, 1]."""
        return self.tuned.value - self.base.value


@dataclass(frozen=True, slots=True)
class Changes:
    """Largest change first, tasks in turn."""

    better: tuple[Change, ...]
    worse: tuple[Change, ...]


def changes(base_scores: Sequence[Score], tuned_scores: Sequence[Score], k: int = 6) -> Changes:
    """At most k items that got better and k that got worse, spread over the tasks.

    Of each row only the template with the largest change is taken. The largest change of every task
    comes before the second of any; equal ones are in the order of their ids, so the answer does not
    depend on the order of the scores.

    Raises:
        StageError: The models were not scored on the same items.
    """
    aligned = same_items({"base": base_scores, "tuned": tuned_scores})
    pairs = list(map(Change, aligned["base"], aligned["tuned"]))
    return Changes(
        better=tuple(_spread_out((c for c in pairs if c.gain > 0), k)),
        worse=tuple(_spread_out((c for c in pairs if c.gain < 0), k)),
    )


def _spread_out(found: Iterable[Change], k: int) -> list[Change]:
    order = sorted(found, key=lambda change: (-abs(change.gain), change.base.example))
    rows: set[tuple[str, str]] = set()
    taken: dict[str, int] = {}
    turns: list[tuple[int, Change]] = []
    for change in order:
        task, row = change.base.task, change.base.row
        if (task, row) in rows:
            continue
        rows.add((task, row))
        turns.append((taken.get(task, 0), change))
        taken[task] = taken.get(task, 0) + 1
    # The sort is stable: within a turn the largest change stays first.
    return [change for _, change in sorted(turns, key=lambda turn: turn[0])[:k]]
