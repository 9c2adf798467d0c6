"""Where examples come from: the rows of a task, or synthesised instructions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from preceptor import draws
from preceptor.cache import rows_folder
from preceptor.errors import RecipeError, RowError
from preceptor.mixture.config import MixtureConfig
from preceptor.records import Example, Instruction, Row
from preceptor.tasks import fewshot
from preceptor.tasks.rowstore import RowStore, row_store
from preceptor.tasks.task import Prepared, Task, Template
from preceptor.tasks.template import Style, reads_without_options, render

SYNTHESISED = "synthesised"
"""Task and data set name of examples made from instructions."""
INSTRUCTION_TEMPLATE = "instruction"
INSTRUCTION_EPOCHS = 3
"""How often an instruction is used at most. Our choice: a small synthesis would otherwise be
learned by heart to fill its share."""

Count = Callable[[str], int]


def characters(text: str) -> int:
    """Tokens of a text as they are counted without a tokenizer: one for four characters."""
    return -(-len(text) // 4)


@dataclass(frozen=True, slots=True)
class TaskPool:
    """The rows of a task that can be drawn, the templates drawn from, and how they are shown."""

    task: Task
    templates: tuple[Template, ...]
    store: RowStore
    chosen: npt.NDArray[np.int64]
    """Which rows of the store can be drawn: all, or those that decontamination left."""
    config: MixtureConfig
    count: Count = characters
    """Tokens of a text, for the budget of few-shot prompts."""

    @property
    def found(self) -> int:
        """Rows in the split, before the cap."""
        return self.store.found

    @property
    def left_out(self) -> int:
        """Rows within the cap that the task does not keep."""
        return self.store.left_out

    @property
    def contaminated(self) -> int:
        """Rows that overlap with what is evaluated."""
        return len(self.store) - len(self.chosen)

    def __len__(self) -> int:
        return len(self.chosen)

    def row(self, place: int) -> tuple[Row, Prepared]:
        """A row that can be drawn, by its place among them."""
        return self.store[int(self.chosen[place])]

    def example(self, row: int, epoch: int, seed: int) -> Example:
        """A row under the template and in the form that are drawn for it in this epoch.

        Raises:
            RowError: The template cannot be filled with this row.
        """
        source, prepared = self.row(row)
        key = (self.task.name, source.id, epoch)
        template, style = self._form(bool(prepared.options), seed, key)
        example = render(self.task, template, prepared, source, style)
        few = self.config.few_shot
        if few.share and draws.uniform(seed, "few-shot", *key) < few.share:
            shots = 1 + draws.integer(few.shots, seed, "shots", *key)
            places = fewshot.chosen(len(self), row, shots, seed, *key)
            shown = (self.row(place) for place in places)
            return fewshot.with_exemplars(
                example,
                (render(self.task, template, made, one, style) for one, made in shown),
                few.tokens,
                self.count,
                fewshot.Layout(few.answer, few.next),
            )
        return example

    def _form(self, options: bool, seed: int, key: tuple[draws.Key, ...]) -> tuple[Template, Style]:
        """Template and style of an example (FLAN, section 2.1, draws the template)."""
        asked = self.config.options
        templates = self._by_direction(seed, key)
        listed = not options or asked.share == 1.0
        listed = listed or draws.uniform(seed, "options", *key) < asked.share
        if not listed:
            templates = [
                t for t in templates if t.inverted or reads_without_options(t)
            ] or templates
        template = draws.choose(templates, seed, "template", *key)
        return template, Style(listed, asked.order, asked.marker, asked.answer, seed)

    def _by_direction(self, seed: int, key: tuple[draws.Key, ...]) -> Sequence[Template]:
        """The templates that the example's own is drawn from: inverted ones in their share."""
        share = self.config.inverted
        if isinstance(share, bool):
            return self.templates
        turned = draws.uniform(seed, "inverted", *key) < share
        return [t for t in self.templates if t.inverted == turned] or self.templates


@dataclass(frozen=True, slots=True)
class InstructionPool:
    """Synthesised instructions, each an example as it stands."""

    found: int
    """Instructions, before the hold-out."""
    rows: Sequence[Example]
    contaminated: int = 0
    """Instructions that overlap with what is evaluated."""

    def __len__(self) -> int:
        return len(self.rows)

    def example(self, row: int, epoch: int, seed: int) -> Example:
        """The example of an instruction: the same in every epoch and under every seed."""
        return self.rows[row]


Pool = TaskPool | InstructionPool


def task_pool(
    task: Task,
    config: MixtureConfig,
    data_root: Path | None,
    seed: int,
    count: Count = characters,
    cache: Path | None = None,
) -> TaskPool:
    """Find a task's rows, at most ``config.rows_cap`` of them, and keep those that it can use.

    The cap comes before the task's ``keep``, as in FLAN: rows left out are not made up for. Rows
    stay on disk, in ``cache``.

    Raises:
        RowError: The rows cannot be read, one lacks what the task needs, or none is kept; the
            message names the task.
        RecipeError: No template is left.
    """
    store = rows_of(task, config, data_root, seed, cache or rows_folder())
    return pool_of(task, config, store, count)


def rows_of(
    task: Task, config: MixtureConfig, data_root: Path | None, seed: int, cache: Path
) -> RowStore:
    """A task's rows, on disk.

    Raises:
        RowError, RecipeError: As for ``task_pool``.
    """
    _templates(task, config)  # before rows are read in vain
    try:
        store = row_store(task, config.split, data_root, config.rows_cap, seed, cache)
    except RowError as error:
        if task.name in str(error):
            raise
        raise RowError(f"task {task.name}: {error}") from error
    if not store:
        raise RowError(
            f"{task.name} keeps none of {store.looked_at} rows of {config.split}; "
            "correct its keep, or leave the task out"
        )
    return store


def pool_of(
    task: Task, config: MixtureConfig, store: RowStore, count: Count = characters
) -> TaskPool:
    """All the rows of a store.

    Raises:
        RecipeError: No template is left.
    """
    chosen = np.arange(len(store), dtype=np.int64)
    return TaskPool(task, _templates(task, config), store, chosen, config, count)


def _templates(task: Task, config: MixtureConfig) -> tuple[Template, ...]:
    wanted = config.inverted is not False and config.inverted != 0.0
    allowed = [template for template in task.templates if wanted or not template.inverted]
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
