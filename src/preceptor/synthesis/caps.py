"""Shares of the kept: quotas by label, and caps on opening words. Asked in the order of emission,
when a task is whole and its category final; so nothing that falls later holds a place.
"""

import math
from collections import Counter
from collections.abc import Mapping

from preceptor.records import Instruction
from preceptor.synthesis.config import SynthesisConfig
from preceptor.synthesis.filters import Drop
from preceptor.synthesis.protocols.base import Wanted

LABELS = ("category", "topic", "view", "kind", "difficulty")
"""What quotas are kept by."""
Label = str | int
Counts = Mapping[str, Mapping[Label, int]]
"""For each of ``LABELS`` that has a quota, how many kept tasks have each label."""
OPENING_WORD = "opening word over its cap"
OVER_QUOTA = "over its quota"
SMALL = 50
"""Among fewer kept tasks than this, no opening word is counted as too frequent."""


class Caps:
    """Counts of the kept."""

    def __init__(self, config: SynthesisConfig) -> None:
        self._config = config
        quotas = {name: getattr(config.quotas, name) for name in LABELS}
        self._quotas: dict[str, Mapping[Label, float]] = {n: q for n, q in quotas.items() if q}
        self._labels: dict[str, Counter[Label]] = {name: Counter() for name in self._quotas}
        self._openings: Counter[str] = Counter()
        self._kept = 0

    def counts(self) -> Counts:
        """Kept tasks by the labels that have quotas, as they stand now."""
        return {name: dict(counter) for name, counter in self._labels.items()}

    def over(self, one: Instruction, wanted: Wanted) -> Drop | None:
        """Why a task finds no place."""
        share, word = self._config.opening_words, _opening(one)
        counted = share is not None and self._kept >= SMALL
        if counted and self._openings[word] + 1 > (share or 0) * (self._kept + 1):
            return Drop(OPENING_WORD, word)
        target = self._config.target
        for name, label in self._labelled(one, wanted).items():
            full = target is not None and most(self._quotas[name].get(label, 0.0), target)
            if target is not None and self._labels[name][label] >= full:
                return Drop(OVER_QUOTA, f"{name} {label}".strip())
        return None

    def keep(self, one: Instruction, wanted: Wanted) -> None:
        """Count a task that is kept."""
        self._kept += 1
        if self._config.opening_words is not None:
            self._openings[_opening(one)] += 1
        for name, label in self._labelled(one, wanted).items():
            self._labels[name][label] += 1

    def _labelled(self, one: Instruction, wanted: Wanted) -> dict[str, Label]:
        """What a task counts as: its category, and else what was asked for, or what it says."""
        return {
            name: one.category
            if name == "category"
            else getattr(wanted, name) or getattr(one, name)
            for name in self._quotas
        }


def most(share: float, target: int) -> int:
    """How many of a target a share allows."""
    return math.ceil(share * target)


def _opening(one: Instruction) -> str:
    words = one.instruction.split(maxsplit=1)
    return words[0].strip("\"'*_(),.:;").lower() if words else ""
