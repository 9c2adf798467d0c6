"""A row under a template: the prompt and target that a model sees (FLAN, section 2.1)."""

from collections.abc import Sequence

from preceptor.errors import RowError
from preceptor.records import Example, Row
from preceptor.tasks.expressions import ExpressionError, fill
from preceptor.tasks.task import Prepared, Task, Template


def options_block(options: Sequence[str]) -> str:
    """The options as the last lines of a prompt, one a line after a hyphen (FLAN, section 2.3)."""
    return "\n".join(["OPTIONS:", *(f"- {option}" for option in options)])


def render(task: Task, template: Template, prepared: Prepared, row: Row) -> Example:
    """One example. Inverted templates have no options: what they ask for is free text.

    Raises:
        RowError: The template failed on this row, or its prompt or target is empty.
    """
    names: dict[str, object] = {**prepared.values, "answer": prepared.answer}
    if prepared.options:
        names["options"] = list(prepared.options)
        names["options_block"] = options_block(prepared.options)
    return Example(
        id=f"{task.name}/{row.split}/{row.id}/{template.id}",
        task=task.name,
        cluster=task.cluster,
        category=task.category,
        template=template.id,
        inverted=template.inverted,
        prompt=_filled(task, template, row, "prompt", template.prompt, names),
        target=_filled(task, template, row, "target", template.target, names),
        options=() if template.inverted else prepared.options,
        gold=-1 if template.inverted else prepared.gold,
        row=f"{row.dataset}/{row.split}/{row.id}",
    )


def _filled(
    task: Task, template: Template, row: Row, part: str, text: str, names: dict[str, object]
) -> str:
    where = f"{row.dataset}/{row.split}, row {row.id}: {part} of {task.name}/{template.id}"
    try:
        filled = fill(text, names)
    except ExpressionError as error:
        raise RowError(f"{where} {error}; correct the template or the row") from error
    if not filled:
        raise RowError(f"{where} is empty; correct the template, or leave such rows out with keep")
    return filled
