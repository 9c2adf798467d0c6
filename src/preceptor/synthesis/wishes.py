"""What request i shows and asks for: a function of i, the seeds, and the pool as it stood.

Seeds are chosen by keyed ranks (``draws.lowest``): a seed more or less changes only the requests
that show it, so replies to all others still apply.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from preceptor import draws
from preceptor.records import Seed
from preceptor.synthesis.caps import LABELS, Counts, most
from preceptor.synthesis.config import SynthesisConfig
from preceptor.synthesis.passages import Passage, draw_passage
from preceptor.synthesis.protocols.base import Defaults, Wanted

AHEAD = 100
"""Quotas look so many tasks ahead: a label that is behind is asked for more often, never only."""


@dataclass(frozen=True, slots=True)
class View:
    """What came of earlier requests, as a request may see it."""

    pool: int
    """Accepted tasks that may be shown."""
    counts: Counts
    """Of the kept."""


def empty_view() -> View:
    """Before anything came of any."""
    return View(0, {})


class Wishes:
    """Demonstrations and wishes by the number of a request."""

    def __init__(
        self,
        config: SynthesisConfig,
        defaults: Defaults,
        seeds: Sequence[Seed],
        passages: Sequence[Passage],
        seed: int,
    ) -> None:
        self._config, self._seeds, self._passages, self._seed = config, seeds, passages, seed
        self._ids = [one.id for one in seeds]
        self._human = config.demonstrations or defaults.demonstrations
        machine = config.machine_demonstrations
        self._machine = defaults.machine_demonstrations if machine is None else machine

    @property
    def bootstraps(self) -> bool:
        """Prompts show what the teacher wrote before."""
        return self._machine > 0

    @property
    def looks_at_pool(self) -> bool:
        """A request depends on what came of those before it."""
        return self.bootstraps or self._config.depends_on_pool

    def shown(self, index: int, pool: Sequence[Seed], view: View) -> tuple[Seed, ...]:
        """The demonstrations of a request, in the order shown.

        Until the pool has any, all are hand-written (Self-Instruct, arXiv 2212.10560).
        """
        places = draws.sample(view.pool, self._machine, self._seed, "machine", index)
        human = self._human + self._machine - len(places) if self._machine else self._human
        chosen = draws.lowest(self._ids, human, self._seed, "demonstrations", index)
        seeds = [self._seeds[i] for i in chosen]
        if not places:
            return tuple(seeds)
        both = [*seeds, *(pool[place] for place in places)]
        order = draws.sample(len(both), len(both), self._seed, "order", index)
        return tuple(both[i] for i in order)

    def wanted(self, index: int, view: View) -> Wanted:
        """What a request asks for."""
        config = self._config
        unanswerable = draws.uniform(self._seed, "unanswerable", index) < config.unanswerable
        labels = {name: self._label(name, index, view) for name in LABELS}
        passage, as_input = None, False
        if config.passages is not None:
            passage = draw_passage(self._passages, self._seed, index)
            as_input = config.passages.as_input
        return Wanted(
            category=str(labels["category"] or ""),
            topic=str(labels["topic"] or ""),
            view=str(labels["view"] or ""),
            kind=str(labels["kind"] or ""),
            difficulty=int(labels["difficulty"] or 0),
            unanswerable=unanswerable,
            passage=passage,
            passage_as_input=as_input,
        )

    def _label(self, name: str, index: int, view: View) -> str | int | None:
        """A label drawn by how far each is behind its share; None without a quota."""
        shares: Mapping[str | int, float] = getattr(self._config.quotas, name)
        if not shares:
            return None
        counts = view.counts.get(name, {})
        soon, target = sum(counts.values()) + AHEAD, self._config.target
        weights: dict[str | int, float] = {}
        for label, share in shares.items():
            behind = share * soon - counts.get(label, 0)
            if target is not None:
                behind = min(behind, most(share, target) - counts.get(label, 0))
            weights[label] = max(behind, 0.0)
        if not any(weights.values()):
            weights = dict(shares)
        place = draws.uniform(self._seed, "quota", name, index) * sum(weights.values())
        for label, weight in weights.items():
            place -= weight
            if place < 0:
                return label
        return max(weights, key=weights.__getitem__)
