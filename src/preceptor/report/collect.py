"""From a run's artifacts to the facts on the page."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pyarrow.parquet as parquet
import yaml

from preceptor import __version__, progress
from preceptor.artifact import (
    Artifact,
    Work,
    library_versions,
    read_json,
    source_commit,
    write_json,
)
from preceptor.evaluation.changes import Change, changes
from preceptor.evaluation.scores import read_scores
from preceptor.evaluation.summary import (
    Difference,
    GroupSummary,
    ModelSummary,
    Summary,
    TaskSummary,
    summarise,
)
from preceptor.mixture.holdout import hold_out
from preceptor.mixture.tables import read_table, stream_examples
from preceptor.recipe import Recipe, label, recorded
from preceptor.records import Score
from preceptor.report import facts
from preceptor.report.page import write_report as write_page
from preceptor.synthesis.tables import read_instructions
from preceptor.tasks.task import Task

PAGE = "report.html"
SUMMARY = "summary.json"
SHOWN = 6
"""Samples of each kind on the page."""
SHOWN_CHARACTERS = 1200


def write_report(
    recipe: Recipe, tasks: Mapping[str, Task], made: Mapping[str, Artifact], work: Work
) -> dict[str, Any]:
    """Write the page and the numbers on it as JSON.

    Args:
        made: Artifacts by stage: mixture, adapter, scores-base, scores-tuned, and synthesis where
            there was one.

    Returns:
        Counts: the groups' differences, tuned minus base.

    Raises:
        StageError: The two models were not scored on the same items.
    """
    scores = {
        name: read_scores(made[f"scores-{name}"].file("scores.parquet"))
        for name in ("base", "tuned")
    }
    held = hold_out(recipe.mixture.hold_out, tasks)
    with progress.bar("report", 2) as bar:
        summary = summarise(
            scores,
            {name: task.title for name, task in tasks.items()},
            sorted(held.clusters),
            recipe.evaluation.level,
            recipe.evaluation.resamples,
            recipe.seed,
        )
        write_json(work.files / SUMMARY, summary.to_json())
        bar.advance(note="statistics")
        write_page(work.files / PAGE, _facts(recipe, summary, scores, made, frozenset(held.tasks)))
        bar.advance(note="page")
    return {
        "differences": {
            group.name: group.differences["tuned"].paired.difference for group in summary.groups
        }
    }


def _facts(
    recipe: Recipe,
    summary: Summary,
    scores: Mapping[str, Sequence[Score]],
    made: Mapping[str, Artifact],
    held: frozenset[str],
) -> facts.ReportFacts:
    shown = recorded(recipe)
    return facts.ReportFacts(
        title=recipe.title or recipe.name,
        recipe_name=recipe.name,
        recipe=yaml.safe_dump(shown, sort_keys=False, allow_unicode=True),
        seed=recipe.seed,
        version=__version__,
        commit=source_commit(),
        libraries=library_versions(),
        stages=tuple(_stage(name, artifact) for name, artifact in made.items()),
        synthesis=_synthesis(made["synthesis"]) if "synthesis" in made else None,
        mixture=_mixture(made["mixture"]),
        tuning=_tuning(recipe, made["adapter"]),
        evaluation=_evaluation(recipe, summary, scores, made, held),
        failures=tuple(_failures(made)),
    )


def _stage(name: str, artifact: Artifact) -> facts.StageFacts:
    flat = {
        key: value
        for key, value in artifact.counts.items()
        if isinstance(value, int | float | str) and not isinstance(value, bool)
    }
    manifest = artifact.manifest
    return facts.StageFacts(name, artifact.path.name, manifest["key"], manifest["inputs"], flat)


def _synthesis(artifact: Artifact) -> facts.SynthesisFacts:
    kept = read_instructions(artifact.file("instructions.parquet"))
    rejected = parquet.read_table(artifact.file("rejections.parquet")).to_pylist()
    counts = artifact.counts
    return facts.SynthesisFacts(
        requests=counts["requests"],
        parsed=counts["kept"] + sum(counts["rejected"].values()),
        kept=counts["kept"],
        rejected_by_reason=counts["rejected"],
        kept_by_category=counts["kept_by_category"],
        instruction_words=tuple(len(one.instruction.split()) for one in kept),
        input_words=tuple(len(one.input.split()) for one in kept),
        output_words=tuple(len(one.output.split()) for one in kept),
        kept_samples=tuple(
            facts.KeptInstruction(
                one.instruction,
                one.input,
                one.output,
                one.category,
                tuple(one.seed_ids),
                one.nearest,
                one.nearest_rouge_l,
            )
            for one in kept[:SHOWN]
        ),
        rejected_samples=tuple(
            facts.RejectedInstruction(one["reason"], one["instruction"] or "")
            for one in rejected[:SHOWN]
        ),
    )


def _mixture(artifact: Artifact) -> facts.MixtureFacts:
    lines = [asdict(line) for line in read_table(artifact.file("table.json"))]
    wanted = facts.MixtureLine.__slots__
    seen: dict[str, facts.ExampleSample] = {}
    for example in stream_examples(artifact.file("examples.parquet")):
        sample = facts.ExampleSample(example.task, _cut(example.prompt), _cut(example.target))
        seen.setdefault(example.task, sample)
    return facts.MixtureFacts(
        lines=tuple(facts.MixtureLine(**{key: line[key] for key in wanted}) for line in lines),
        samples=tuple(seen[task] for task in sorted(seen)),
        overlap=_overlap(artifact),
    )


def _overlap(artifact: Artifact) -> facts.OverlapFacts | None:
    if "certificate.json" not in artifact.manifest["files"]:
        return None
    certificate = read_json(artifact.file("certificate.json"))
    return facts.OverlapFacts(
        items=sum(one["items"] for one in certificate["against"]),
        rows_left_out=artifact.counts["rows_contaminated"],
        examples=certificate["training"]["examples"],
        examples_removed=certificate["removed"]["examples"],
        passages=certificate["found"]["examples"].get("passage", 0),
    )


def _tuning(recipe: Recipe, artifact: Artifact) -> facts.TuningFacts:
    counts = artifact.counts
    losses = read_json(artifact.file("losses.json"))
    return facts.TuningFacts(
        steps=counts["steps"],
        losses=tuple((record["step"] + 1, record["loss"]) for record in losses),
        target_tokens=counts["target_tokens"],
        total_tokens=counts["tokens"],
        padding_share=counts["padding_tokens"] / counts["tokens"],
        packing_fill=counts["fill"],
        trainable_parameters=counts["trainable_parameters"],
        base_parameters=counts["base_parameters"],
        rank=recipe.tuning.rank,
        learning_rate=recipe.tuning.learning_rate,
    )


def _evaluation(
    recipe: Recipe,
    summary: Summary,
    scores: Mapping[str, Sequence[Score]],
    made: Mapping[str, Artifact],
    held: frozenset[str],
) -> facts.EvaluationFacts:
    changed = changes(scores["base"], scores["tuned"], SHOWN)
    counts = made["scores-base"].counts
    return facts.EvaluationFacts(
        base_model=label(recipe.model),
        tuned_model=f"{label(recipe.model)} + LoRA",
        level=summary.level,
        groups=tuple(_group(group) for group in summary.groups),
        tasks=tuple(_task(task, held, counts) for task in summary.tasks),
        better=tuple(_changed(change) for change in changed.better),
        worse=tuple(_changed(change) for change in changed.worse),
    )


def _group(group: GroupSummary) -> facts.GroupResult:
    name = group.name.replace("_", " ")
    said = {"qa": "biomedical QA", "ie": "biomedical IE", "gen": "biomedical GEN"}
    shown = f"the held-out cluster ({name})" if group.kind == "cluster" else said.get(name, name)
    difference: Difference = group.differences["tuned"]
    return facts.GroupResult(
        shown,
        group.metric,
        group.tasks,
        group.models["base"],
        group.models["tuned"],
        difference.paired,
        difference.p_holm,
    )


def _task(task: TaskSummary, held: frozenset[str], counts: Mapping[str, Any]) -> facts.TaskResult:
    excluded = {
        "unusable rows": counts["left_out_rows"].get(task.task, 0),
        "items too long for the model": counts["left_out_too_long"].get(task.task, 0),
    }
    return facts.TaskResult(
        task=task.task,
        title=task.title,
        cluster=task.cluster,
        category=task.category,
        role=facts.HELD_OUT if task.task in held else facts.BIOMEDICAL,
        kind=task.kind,
        metric=task.metric,
        n_rows=task.n_rows,
        n_templates=task.n_templates,
        chance=task.chance,
        base=_model(task.models["base"]),
        tuned=_model(task.models["tuned"]),
        paired=task.differences["tuned"].paired,
        p_holm=task.differences["tuned"].p_holm,
        excluded={reason: count for reason, count in excluded.items() if count},
    )


def _model(model: ModelSummary) -> facts.ModelResult:
    empty = round(model.written.empty_share * model.interval.n) if model.written else 0
    return facts.ModelResult(model.interval, model.templates, model.template_means, empty)


def _changed(change: Change) -> facts.ChangedItem:
    base, tuned = change.base, change.tuned
    return facts.ChangedItem(
        base.task, _cut(base.prompt), _cut(base.target), _cut(base.output), _cut(tuned.output)
    )


def _failures(made: Mapping[str, Artifact]) -> list[str]:
    """What did not work, a sentence each."""
    found: list[str] = []
    if "synthesis" in made:
        counts = made["synthesis"].counts
        if not counts["kept"]:
            found.append(f"The teacher answered {counts['requests']} requests; nothing was kept.")
    mixture = made["mixture"].counts
    asked, got = mixture["instructions_share_asked"], mixture["instructions_share"]
    if asked - got > 0.005:
        found.append(
            f"Synthesised instructions make up {got:.1%} of the examples, where {asked:.1%} were "
            "asked for: there were too few to use each at most three times."
        )
    for reason, count in made["adapter"].counts["left_out"].items():
        found.append(f"{count} training examples were left out: {reason}.")
    return found


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + " […]"
