"""One template of promptsource as the parts of a task file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from preceptor.data.promptsource import rendering
from preceptor.data.promptsource.as_expression import as_expression, choices_expression
from preceptor.data.promptsource.halves import halves
from preceptor.data.promptsource.reading import PromptTemplate
from preceptor.data.promptsource.rows import Rows
from preceptor.data.promptsource.source_tree import Untranslatable, cannot, emit, parse, stripped
from preceptor.data.taskyaml import quoted
from preceptor.tasks.expressions import (
    ExpressionError,
    evaluate,
    names_in_expression,
    names_in_template,
)

CHOICES = "answer_choices"
_INDEX = re.compile(rf"{CHOICES}\s*\[(?P<index>[^\[\]]*(?:\[[^\[\]]*\][^\[\]]*)*)\]")


@dataclass(frozen=True, slots=True)
class Translated:
    """A template in the words of a task file."""

    template: PromptTemplate
    prompt: str
    target: str
    """Jinja of the target."""
    target_expression: str
    """The same as an expression; empty where it cannot be one."""
    keep: str
    fields: frozenset[str]
    """Fields of the row that it uses, under their names in the task."""
    choices: tuple[str, ...]
    """Choices that are the same for every row; empty where they are not."""
    choices_expression: str
    """For the list of choices, where there are some."""

    @property
    def index(self) -> str:
        """Expression for the right choice's index, where the target is ``answer_choices[...]``."""
        found = _INDEX.fullmatch(self.target_expression)
        return found["index"].strip() if found else ""

    @property
    def ranked(self) -> bool:
        """The answer is one of the choices."""
        return bool(self.choices_expression and self.target_expression)

    @property
    def shows_choices(self) -> bool:
        """Prompt or target name the choices, so that the task must have them as a value."""
        return any(CHOICES in names_in_template(text) for text in (self.prompt, self.target))


def translate(template: PromptTemplate, rows: Rows) -> Translated:
    """Cut a template in two and write its choices and target as expressions.

    Raises:
        Untranslatable: A task file cannot hold it; the message says why.
    """
    cut = halves(parse(template.jinja, rows.renamed))
    prompt, target = emit(cut.prompt), emit(cut.target)
    choices, expression = _choices(template, rows)
    found = Translated(
        template=template,
        prompt=prompt,
        target=target,
        target_expression=_expression(cut.target, expression, rows),
        keep=cut.keep,
        fields=_fields(rows, prompt, target, expression, cut.keep),
        choices=choices,
        choices_expression=expression,
    )
    if found.shows_choices and not expression:
        raise Untranslatable(f"it uses {CHOICES}, and has none")
    return found


def _choices(template: PromptTemplate, rows: Rows) -> tuple[tuple[str, ...], str]:
    given = template.answer_choices
    if given is None:
        return (), ""
    if isinstance(given, str):
        nodes = stripped(parse(given, rows.renamed))
        if _names(given):
            return (), choices_expression(nodes)
        given = tuple(rendering.choices_of(template, {}) or ())
    return given, f"[{', '.join(map(quoted, given))}]"


def _expression(target: Any, choices: str, rows: Rows) -> str:
    """The target as an expression for text; empty where it cannot be one."""
    try:
        text = as_expression(target)
    except Untranslatable:
        return ""
    for row in rows.some[:20]:
        names = under_task_names(row, rows)
        try:
            if choices:
                names[CHOICES] = evaluate(choices, names)
            if not isinstance(evaluate(text, names), str):
                return f"({text}) | string"
        except ExpressionError:
            continue  # a row that the template is not for; whether it is, is checked later
    return text


def under_task_names(row: Mapping[str, Any], rows: Rows) -> dict[str, Any]:
    """A row's fields under their names in the task."""
    renamed = rows.renamed
    return {renamed.get(name, name): value for name, value in row.items()}


def _fields(rows: Rows, prompt: str, target: str, choices: str, keep: str) -> frozenset[str]:
    """The fields that are used.

    Raises:
        Untranslatable: A name is no field that a task can use.
    """
    used = _names(prompt) | _names(target) | _expression_names(choices) | _expression_names(keep)
    used -= {CHOICES}
    known = {rows.renamed.get(name, name) for name in rows.types}
    for name in sorted(used - known):
        if name in rows.unfit:
            raise Untranslatable(rows.unfit[name])
        raise Untranslatable(
            f"it uses {name!r}, which is no field of the rows "
            f"({', '.join(rows.types)}) and no function of task files"
        )
    return frozenset(used)


def _names(text: str) -> set[str]:
    try:
        return names_in_template(text)
    except ExpressionError as error:
        raise cannot(error) from error


def _expression_names(text: str) -> set[str]:
    try:
        return names_in_expression(text) if text else set()
    except ExpressionError as error:
        raise cannot(error) from error
