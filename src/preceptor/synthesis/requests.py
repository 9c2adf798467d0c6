"""What is asked: fixed batches of prompts, each a function of the config, the seeds and a number.

A batch is ``teacher.batch`` consecutive requests and shares one stream of random bits, so a reply
depends on all prompts of its batch. Its id says so: it hashes the teacher's weights, the sampling,
the batch's seed and prompts. The same id is the same reply, whatever else is asked for: filters,
thresholds and further batches leave it as it is.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from preceptor import draws
from preceptor.artifact import digest
from preceptor.records import Seed
from preceptor.synthesis.config import SynthesisConfig
from preceptor.synthesis.prompts import OPENING, draw_demonstrations, load_template, render
from preceptor.synthesis.teacher import Teacher


@dataclass(frozen=True, slots=True)
class Request:
    """One prompt of a batch."""

    id: str
    """Hash of its batch, and its place there."""
    prompt: str
    prompt_sha256: str
    seeds: tuple[Seed, ...]
    """The demonstrations, in the order shown."""

    @property
    def seed_ids(self) -> tuple[str, ...]:
        """Ids of the demonstrations, in the order shown."""
        return tuple(seed.id for seed in self.seeds)


@dataclass(frozen=True, slots=True)
class Batch:
    """Requests that go out together."""

    seed: int
    """The teacher's, in [0, 2**63)."""
    requests: tuple[Request, ...]


def batches(
    config: SynthesisConfig, seeds: Sequence[Seed], teacher: Teacher, seed: int
) -> Iterator[Batch]:
    """The stage's batches in order; the last is shorter where the numbers do not divide."""
    template = load_template(config.protocol)
    for number, start in enumerate(range(0, config.requests, config.teacher.batch)):
        shown = [
            draw_demonstrations(seeds, config.demonstrations, seed, index)
            for index in range(start, min(start + config.teacher.batch, config.requests))
        ]
        prompts = [render(template, seeds_shown, config.tasks_per_request) for seeds_shown in shown]
        batch_seed = draws.bits(seed, "batch", number) >> 1
        decides = [teacher.fingerprint, config.teacher.sampling(), batch_seed, prompts, OPENING]
        key = digest(decides)[:16]
        requests = (
            Request(f"{key}-{place:03d}", prompt, _sha256(prompt), seeds_shown)
            for place, (prompt, seeds_shown) in enumerate(zip(prompts, shown, strict=True))
        )
        yield Batch(batch_seed, tuple(requests))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
