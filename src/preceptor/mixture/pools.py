"""Where examples come from: the rows of a task, or synthesised instructions."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from preceptor import draws
from preceptor.errors import RecipeError, RowError
from preceptor.mixture.config import MixtureConfig
from preceptor.records import Example, Instruction, Row
from preceptor.tasks.source import read_rows
from preceptor.tasks.task import Prepared, Task, Template, prepare
from preceptor.tasks.template import render

SYNTHESISED = "synthesised"
"""Task and data set name of examples made from instructions."""
INSTRUCTION_TEMPLATE = "instruction"
INSTRUCTION_EPOCHS = 3
"""How often an instruction is used at most. Our choice: a small synthesis would otherwise be
learned by heart to fill its share."""


@dataclass(frozen=True, slots=True)
class TaskPool:
    """The rows of a task that can be drawn, and the templates drawn from."""

    task: Task
    templates: tuple[Template, ...]
    found: int
    """Rows in the split, before the cap."""
    left_out: int
    """Rows within the cap that the task does not keep."""
    rows: Sequence[tuple[Row, Prepared]]

    def example(self, row: int, epoch: int, seed: int) -> Example:
        """A row under the template that is drawn for it in this epoch (FLAN, section 2.1).

        Raises:
            RowError: The template cannot be filled with this row.
        """
        source, prepared = self.rows[row]
        key = ("template", self.task.name, source.id, epoch)
        return render(self.task, draws.choose(self.templates, seed, *key), prepared, source)


@dataclass(frozen=True, slots=True)
class InstructionPool:
    """Synthesised instructions, each an example as it stands."""

    found: int
    """Instructions, before the hold-out."""
    rows: Sequence[Example]

    def example(self, row: int, epoch: int, seed: int) -> Example:
        """The example of an instruction: the same in every epoch and under every seed."""
        return self.rows[row]


Pool = TaskPool | InstructionPool


def task_pool(task: Task, config: MixtureConfig, data_root: Path | None, seed: int) -> TaskPool:
    """Read a task's rows, at most ``config.rows_cap`` of them, and keep those that it can use.

    The cap comes before the task's ``keep``, as in FLAN: rows left out are not made up for.

    Raises:
        RowError: The rows cannot be read, one lacks what the task needs, or none is kept; the
            message names the task.
        RecipeError: No template is left.
    """
    templates = _templates(task, config)
    try:
        found = read_rows(task, config.split, data_root)
        picked = found
        if len(found) > config.rows_cap:
            indices = draws.sample(len(found), config.rows_cap, seed, "rows", task.name)
            picked = [found[index] for index in sorted(indices)]
        rows = [(row, made) for row in picked if (made := prepare(task, row)) is not None]
    except RowError as error:
        if task.name in str(error):
            raise
        raise RowError(f"task {task.name}: {error}") from error
    if not rows:
        raise RowError(
            f"{task.name} keeps none of {len(picked)} rows of {config.split}; "
            "correct its keep, or leave the task out"
        )
    return TaskPool(task, templates, len(found), len(picked) - len(rows), rows)


def _templates(task: Task, config: MixtureConfig) -> tuple[Template, ...]:
    allowed = [template for template in task.templates if config.inverted or not template.inverted]
    if not allowed:
        raise RecipeError(
            f"all templates of {task.name} are inverted, and the mixture has inverted: false; "
            "allow them, or leave the task out"
        )
    return tuple(allowed[: config.templates])


def instruction_pool(
    instructions: Sequence[Instruction], held_categories: frozenset[str]
) -> InstructionPool:
    """The instructions as examples, without those of a held-out category."""
    kept = [one for one in instructions if one.category not in held_categories]
    return InstructionPool(len(instructions), [_as_example(one) for one in kept])


def _as_example(one: Instruction) -> Example:
    row = f"{SYNTHESISED}/train/{one.id}"
    return Example(
        id=f"{row}/{INSTRUCTION_TEMPLATE}",
        task=SYNTHESISED,
        cluster="",
        category=one.category,
        template=INSTRUCTION_TEMPLATE,
        inverted=False,
        prompt=one.instruction + (f"\n\n{one.input}" if one.input else ""),
        target=one.output,
        options=(),
        gold=-1,
        row=row,
    )
