"""A task of ours as tasks of lm-evaluation-harness, one a template, so that it can be run there.

    <folder>/<task>/
      <task>.yaml                  the group: mean over the templates
      <task>_<template>.yaml       an lm-eval task that reads the rows beside it
      <task>_<template>.jsonl      rendered: id, prompt, target, and options with gold or references

The rows are rendered here, because lm-eval's Jinja has none of our filters, and a YAML file that
runs code beside it would not be data. lm-eval looks for files from where it is started, so the
YAML names them by their whole path: after moving a folder, export again.

A blank stands between prompt and answer: lm-eval's delimiter, and our format ``plain``.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import yaml
from pyarrow import json as arrow_json

from preceptor.errors import ArtifactError, RowError, StorageError
from preceptor.records import Example, Row
from preceptor.tasks.task import Metric, Prepared, SetMetric, Task, prepare
from preceptor.tasks.template import render

PREFIX = "preceptor_"
"""Before lm-eval's names: it has an ``rte`` of its own, which ours would replace unasked."""

# SQuAD's normalisation. lm-eval replaces a pattern by nothing, so blanks go altogether.
_EXACT_MATCH: Mapping[str, object] = {
    "metric": "exact_match",
    "aggregation": "mean",
    "higher_is_better": True,
    "regexes_to_ignore": [r"[!-/:-@\[-`{-~]", r"(?i)\b(a|an|the)\b", r"\s+"],
    "ignore_case": True,
}
_ACCURACY = {"metric": "acc", "aggregation": "mean", "higher_is_better": True}
_BLEU = {"metric": "bleu", "aggregation": "bleu", "higher_is_better": True}
_CHRF = {"metric": "chrf", "aggregation": "chrf", "higher_is_better": True}
_F1 = {"metric": "f1", "aggregation": "f1", "higher_is_better": True}
_MATTHEWS = {"metric": "mcc", "aggregation": "matthews_corrcoef", "higher_is_better": True}

_METRICS: Mapping[Metric, tuple[Mapping[str, object], ...]] = {
    "accuracy": (_ACCURACY,),
    "exact_match": (_EXACT_MATCH,),
    "token_f1": (_EXACT_MATCH,),
    "entity_f1": (_EXACT_MATCH,),
    "edit_similarity": (_EXACT_MATCH,),
    "bleu": (_BLEU,),
    "rouge_1": (_BLEU, _CHRF),
    "rouge_l": (_BLEU, _CHRF),
}
"""lm-eval's metrics for ours. ``acc`` and ``exact_match`` are equal to ours of those names; for the
rest it has none that needs no download, and others stand in. Its BLEU is of the whole set."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written of a task."""

    group: str
    """lm-eval's name for all templates together."""
    tasks: tuple[str, ...]
    """Its names for the templates."""
    folder: Path
    rows: int
    left_out: int
    """Rows that the task does not keep."""
    not_equal: tuple[str, ...]
    """Metrics of the task that lm-eval lacks: others stand in for them, or none."""


def export(task: Task, rows: Sequence[Row], folder: Path) -> Exported:
    """Write a task's templates, without the inverted ones, for lm-eval to read.

    Args:
        task: Of any kind.
        rows: What is to be asked; those that the task does not keep are left out.
        folder: Gets a folder of the task's name. Give it to lm-eval as ``--include_path``.

    Raises:
        RowError: A row cannot be rendered, none is kept, or lm-eval would read its texts as dates.
        ArtifactError: The task's folder is there already and holds something.
        StorageError: It cannot be written.
    """
    found = [(row, prepared) for row in rows if (prepared := prepare(task, row)) is not None]
    if not found:
        raise RowError(f"{task.name} keeps none of {len(rows)} rows; see its keep")
    place = folder.resolve() / task.name
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise ArtifactError(f"{place} is there already; remove it, or name another folder")
    metrics, not_equal = _metrics(task)
    names = []
    try:
        place.mkdir(parents=True, exist_ok=True)
        for template in task.templates:
            if template.inverted:
                continue
            examples = [render(task, template, prepared, row) for row, prepared in found]
            stem = f"{task.name}_{template.id}"
            names.append(PREFIX + stem)
            data = place / f"{stem}.jsonl"
            _write_rows(data, task, examples, [prepared for _, prepared in found])
            config = {
                "task": PREFIX + stem,
                "dataset_path": "json",
                "dataset_kwargs": {"data_files": {"test": str(data)}},
                "test_split": "test",
                "doc_to_text": "prompt",
                **_answers(task, examples),
                "metric_list": [dict(metric) for metric in metrics],
                "metadata": {"version": task.digest[:12]},
            }
            _write_yaml(place / f"{stem}.yaml", config)
        _write_yaml(place / f"{task.name}.yaml", _group(task, names, metrics))
    except RowError:
        shutil.rmtree(place)  # empty before: lm-eval would take what is there for tasks
        raise
    except OSError as error:
        raise StorageError(f"{place} cannot be written ({error})") from error
    return Exported(
        group=PREFIX + task.name,
        tasks=tuple(names),
        folder=place,
        rows=len(found),
        left_out=len(rows) - len(found),
        not_equal=not_equal,
    )


def _metrics(task: Task) -> tuple[list[Mapping[str, object]], tuple[str, ...]]:
    """lm-eval's metrics, and those of the task that none of them is equal to."""
    reported: dict[SetMetric, Mapping[str, object]] = {}
    if task.labels is not None:
        reported["matthews"] = _MATTHEWS
        # lm-eval's F1 takes the option of index 1 for the positive one, and fails with a third.
        if len(task.labels.words) == 2:
            reported["f1"] = _F1
    chosen = [
        *_METRICS[task.metric],
        *(reported[name] for name in task.reported if name in reported),
    ]
    equal = {"accuracy", "exact_match", *reported}
    return chosen, tuple(name for name in (task.metric, *task.reported) if name not in equal)


def _answers(task: Task, examples: Sequence[Example]) -> dict[str, object]:
    """How lm-eval is told what is right."""
    if task.kind == "options":
        return {
            "output_type": "multiple_choice",
            "doc_to_choice": "options",
            "doc_to_target": "gold",
        }
    # Of several references lm-eval takes the best for exact match only; for its other metrics it
    # makes 1 of any score above 0.
    several = _METRICS[task.metric] == (_EXACT_MATCH,) and any(one.references for one in examples)
    return {
        "output_type": "generate_until",
        "doc_to_target": "references" if several else "target",
        "generation_kwargs": {
            "until": [],  # the model's own end
            "do_sample": False,
            "temperature": 0.0,
            "max_gen_toks": task.max_new_tokens,
        },
        "filter_list": [
            {
                "name": "none",
                "filter": [{"function": "remove_whitespace"}, {"function": "take_first"}],
            }
        ],
    }


def _group(
    task: Task, names: Sequence[str], metrics: Sequence[Mapping[str, object]]
) -> dict[str, object]:
    return {
        "group": PREFIX + task.name,
        "group_alias": task.title,
        "task": list(names),
        "aggregate_metric_list": [
            {"metric": metric["metric"], "aggregation": "mean", "weight_by_size": False}
            for metric in metrics
        ],
        "metadata": {"version": task.digest[:12]},
    }


def _write_rows(
    path: Path, task: Task, examples: Sequence[Example], prepared: Sequence[Prepared]
) -> None:
    several = any(one.references for one in examples)
    rows: list[dict[str, object]] = []
    for one in examples:
        row: dict[str, object] = {"id": one.id, "prompt": one.prompt, "target": one.target}
        if task.kind == "options":
            right = [one.options.index(text) for text in one.references] or [one.gold]
            row |= {"options": list(one.options), "gold": right if several else one.gold}
        else:
            row["references"] = list(one.references or (one.target,))
        rows.append(row)
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8", newline="\n")
    _check_types(path, len(text.encode()), task)


def _check_types(path: Path, size: int, task: Task) -> None:
    """lm-eval reads by way of Arrow, which makes dates of a column that has nothing else."""
    options = arrow_json.ReadOptions(block_size=max(size, 1))
    texts = (pa.string(), pa.list_(pa.string()))
    for field in arrow_json.read_json(path, options).schema:
        if field.name != "gold" and field.type not in texts:
            raise RowError(
                f"{task.name}: every {field.name} of {path.name} is a date, which lm-eval would "
                "not read as text; add rows that are none"
            )


def _write_yaml(path: Path, content: Mapping[str, object]) -> None:
    text = yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True, width=100)
    path.write_text(text, encoding="utf-8", newline="\n")
