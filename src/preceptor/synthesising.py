"""What decides a recipe's synthesis, and what it is made from: settings, digests, sources."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from preceptor.artifact import digest
from preceptor.inputs import Inputs
from preceptor.recipe import Recipe, recorded
from preceptor.synthesis.models import Models
from preceptor.synthesis.passages import passages_digest
from preceptor.synthesis.protocols import protocol
from preceptor.synthesis.seedbank import seeds_digest
from preceptor.tasks.task import Task

if TYPE_CHECKING:  # only a synthesis that is made needs them
    from preceptor.decontamination.index import Index
    from preceptor.decontamination.items import Benchmark
    from preceptor.synthesis.stage import Sources

LEDGER = "ledger.sqlite"
"""In a run's folder."""
SPENDING = (
    *("budget", "endpoint", "key", "concurrency", "requests_per_minute", "tokens_per_minute"),
    *("timeout", "stall", "attempts", "price"),
)
"""Settings of how fast and for how much is asked: they decide nothing of what is kept."""


def synthesis_settings(recipe: Recipe, models: Models) -> dict[str, Any]:
    """The settings that decide what is kept."""
    assert recipe.synthesis is not None
    return {
        **recorded(recipe.synthesis, exclude=SPENDING),
        "models": dict(models.names),
        "seed": recipe.seed,
    }


def synthesis_inputs(inputs: Inputs, fingerprint: Callable[[str], str]) -> dict[str, str]:
    """Digests of all that a synthesis is made from.

    Args:
        fingerprint: SHA-256 of a local model's files, by its name in the recipe.
    """
    config = inputs.recipe.synthesis
    assert config is not None
    found = {
        "seeds": seeds_digest(inputs.seeds),
        "prompt": digest(protocol(config.protocol, config.domain).wording()),
    }
    for role, teacher in config.teachers().items():
        found[role] = fingerprint(teacher.model) if teacher.local else digest(teacher.model)
    if inputs.passages:
        found["passages"] = passages_digest(inputs.passages)
    if config.semantic is not None:
        from preceptor.synthesis.semantic import SemanticIndex

        found["embeddings"] = SemanticIndex(config.semantic.model).fingerprint
    split = inputs.recipe.evaluation.split
    for name, value in inputs.digests(inputs.benchmarks, split).items():
        found[f"benchmark {name}"] = value
    return found


def sources_of(inputs: Inputs) -> "Sources":
    """What a synthesis is made from; the indexes are built anew."""
    from preceptor.synthesis.stage import Sources

    config, semantic = inputs.recipe.synthesis, None
    assert config is not None
    if config.semantic is not None:
        from preceptor.synthesis.semantic import SemanticIndex

        semantic = SemanticIndex(config.semantic.model, config.semantic.threshold)
    sets = benchmarks_of(inputs, inputs.benchmarks)
    return Sources(
        inputs.seeds,
        inputs.passages,
        evaluated_texts(inputs, inputs.benchmarks, sets) if sets else None,
        [(item.id, question) for one in sets for item in one.items for question in item.questions],
        semantic,
    )


def benchmarks_of(inputs: Inputs, tasks: Sequence[Task]) -> "list[Benchmark]":
    """All that a model could be measured on by some tasks: whole splits."""
    from preceptor.decontamination.items import benchmark

    split = inputs.recipe.evaluation.split
    return [benchmark(task, split, inputs.data_root) for task in tasks]


def evaluated_texts(inputs: Inputs, tasks: Sequence[Task], sets: "Sequence[Benchmark]") -> "Index":
    """The index of what some tasks measure on."""
    from preceptor.decontamination.index import build_index
    from preceptor.decontamination.settings import Settings
    from preceptor.decontamination.stock import wording_of

    return build_index(sets, Settings(), wording_of([*inputs.training, *tasks]))
