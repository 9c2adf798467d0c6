"""What is asked: a keyed sample of rows under every template that asks for the answer.

As in FLAN (arXiv 2109.01652, section 2.3 and appendix B.1) each template is scored by itself, and
inverted ones, which ask for something else, are not used.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from preceptor import draws
from preceptor.errors import RowError, TaskError
from preceptor.evaluation.config import EvaluationConfig
from preceptor.records import Example
from preceptor.tasks.source import read_rows
from preceptor.tasks.task import Task, prepare
from preceptor.tasks.template import render


@dataclass(frozen=True, slots=True)
class Items:
    """Examples in the order of task, row and template."""

    examples: tuple[Example, ...]
    left_out: dict[str, int]
    """Rows that a task cannot use, by task; only tasks with any."""


def evaluation_items(
    config: EvaluationConfig, tasks: Sequence[Task], data_root: Path | None, seed: int
) -> Items:
    """Sample each task's rows and render them under its templates.

    Raises:
        TaskError: A task has only inverted templates.
        RowError: A task has no usable row in the split, or a row lacks a field.
    """
    examples: list[Example] = []
    left_out: Counter[str] = Counter()
    for task in tasks:
        rows = read_rows(task, config.split, data_root)
        order = draws.sample(len(rows), len(rows), seed, "evaluation rows", task.name)
        templates = [t for t in task.templates if not t.inverted][: config.templates]
        if not templates:
            raise TaskError(
                f"task {task.name} has only inverted templates, which do not ask for its answer; "
                "write one that does, or leave the task out of the evaluation"
            )
        most = config.rows
        if task.kind == "text" and config.generated_rows is not None:
            most = min(most, config.generated_rows)
        taken = 0
        for index in order:
            prepared = prepare(task, rows[index])
            if prepared is None:
                left_out[task.name] += 1
                continue
            examples.extend(render(task, t, prepared, rows[index]) for t in templates)
            taken += 1
            if taken == most:
                break
        if not taken:
            raise RowError(f"task {task.name} has no usable row in its split {config.split!r}")
    return Items(tuple(examples), dict(sorted(left_out.items())))
