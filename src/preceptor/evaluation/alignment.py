"""Scores of several models, item by item: the same items, in the same order, task by task."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from preceptor.errors import StageError
from preceptor.evaluation import resampling
from preceptor.records import Score


@dataclass(frozen=True, slots=True)
class Aligned:
    """All models on one task."""

    scores: dict[str, list[Score]]
    """Name of each model to its scores, in the order of the first model's."""
    first: Score
    """Any score of the task: they agree on its cluster, category, kind and metric."""
    where: resampling.Layout
    samples: dict[str, resampling.Sample]


def same_items(scores: Mapping[str, Sequence[Score]]) -> dict[str, list[Score]]:
    """Each model's scores in the order of the first model's.

    Raises:
        StageError: No model, an item scored twice, or one that a model lacks.
    """
    if not scores:
        raise StageError("there are no scores to compare; evaluate a model first")
    indexed = {model: _by_example(model, found) for model, found in scores.items()}
    base, *others = indexed
    for model in others:
        for lacking, having in ((model, base), (base, model)):
            missing = next((id for id in indexed[having] if id not in indexed[lacking]), None)
            if missing is not None:
                raise StageError(
                    f"model {lacking!r} has no score for item {missing!r}, which {having!r} has; "
                    "evaluate all models on the same items"
                )
    return {model: [found[id] for id in indexed[base]] for model, found in indexed.items()}


def by_task(scores: Mapping[str, Sequence[Score]]) -> dict[str, Aligned]:
    """Tasks in the order in which the first model meets them.

    Raises:
        StageError: As ``same_items``, or a task whose scores disagree on what it is.
    """
    aligned = same_items(scores)
    places: dict[str, list[int]] = {}
    for place, score in enumerate(next(iter(aligned.values()))):
        places.setdefault(score.task, []).append(place)
    return {
        task: _gather(task, {model: [found[i] for i in chosen] for model, found in aligned.items()})
        for task, chosen in places.items()
    }


def _by_example(model: str, scores: Sequence[Score]) -> dict[str, Score]:
    indexed: dict[str, Score] = {}
    for score in scores:
        if score.example in indexed:
            raise StageError(
                f"model {model!r} has two scores for item {score.example!r}; give each item once"
            )
        indexed[score.example] = score
    return indexed


def _gather(name: str, scores: dict[str, list[Score]]) -> Aligned:
    natures = {
        (s.task, s.cluster, s.category, s.kind, s.metric)
        for found in scores.values()
        for s in found
    }
    if len(natures) > 1:
        one, other, *_ = (" ".join(map(repr, nature)) for nature in sorted(natures))
        raise StageError(
            f"scores of task {name!r} disagree on task, cluster, category, kind or metric "
            f"({one}; {other}); evaluate all models again with one version of the task"
        )
    items = next(iter(scores.values()))
    where = resampling.layout([s.row for s in items], [s.template for s in items])
    samples = {
        model: resampling.sample(name, [s.value for s in found], where)
        for model, found in scores.items()
    }
    return Aligned(scores, items[0], where, samples)
