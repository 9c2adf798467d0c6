"""A file of promptsource's templates to task files, each template proven on real rows."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from preceptor.data.instructions import Wanted
from preceptor.data.promptsource import rendering
from preceptor.data.promptsource.groups import Group, group_name, groups, task_file
from preceptor.data.promptsource.reading import PromptFile, PromptTemplate
from preceptor.data.promptsource.rows import Rows
from preceptor.data.promptsource.source_tree import Untranslatable
from preceptor.data.promptsource.translate import Translated, translate
from preceptor.data.taskyaml import TaskText
from preceptor.errors import RowError, TaskError
from preceptor.records import Row
from preceptor.tasks.source import renamed
from preceptor.tasks.task import Task, Template, prepare
from preceptor.tasks.template import render
from preceptor.tasks.transforms import tidy


@dataclass(frozen=True, slots=True)
class Left:
    """A template that was not translated."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class ImportedPrompts:
    """What became of a file of templates."""

    tasks: tuple[TaskText, ...]
    left: tuple[Left, ...]
    notes: Mapping[str, int]
    """What is not quite as promptsource has it, to in how many renderings."""


def import_prompts(prompts: PromptFile, rows: Rows, wanted: Wanted) -> ImportedPrompts:
    """Translate what can be, prove it on the first rows, and list the rest with the reason.

    A template is in a task file only if our sandbox makes of every row what promptsource makes.

    Raises:
        TaskError: No template is left.
    """
    left: list[Left] = []
    able: list[Translated] = []
    for template in prompts.templates:
        try:
            able.append(translate(template, rows))
        except Untranslatable as error:
            left.append(Left(template.name, str(error)))
    tasks: list[TaskText] = []
    notes: Counter[str] = Counter()
    for group in groups(able):
        name = group_name(group, wanted.name, [made.task.name for made in tasks])
        proven = _proven(group, name, wanted, prompts, rows, left, notes)
        if proven is not None:
            tasks.append(proven)
    if not tasks:
        reasons = "; ".join(f"{one.name}: {one.reason}" for one in left[:5])
        raise TaskError(f"none of {len(prompts.templates)} templates can be translated ({reasons})")
    return ImportedPrompts(tuple(tasks), tuple(left), notes)


def _proven(
    group: Group,
    name: str,
    wanted: Wanted,
    prompts: PromptFile,
    rows: Rows,
    left: list[Left],
    notes: Counter[str],
) -> TaskText | None:
    """The group's task without the templates that fail; None when none is left."""
    while group.templates:
        try:
            made = task_file(group, name, wanted, prompts, rows)
        except TaskError as error:
            left += [Left(one.template.name, str(error)) for one in _members(group)]
            return None
        failed, said = {}, Counter[str]()
        for one, template in zip(_members(group), made.task.templates, strict=True):
            try:
                said += _check(made.task, template, one.template, rows)
            except Untranslatable as error:
                failed[one.template.id] = Left(one.template.name, str(error))
        if not failed:
            notes.update(said)
            return made
        left += failed.values()
        group = replace(
            group,
            templates=_without(group.templates, failed),
            turned=_without(group.turned, failed),
        )
    left += [Left(one.template.name, "its task has no other template") for one in group.turned]
    return None


def _members(group: Group) -> tuple[Translated, ...]:
    return (*group.templates, *group.turned)


def _without(members: Sequence[Translated], failed: Mapping[str, Left]) -> tuple[Translated, ...]:
    return tuple(one for one in members if one.template.id not in failed)


def _check(task: Task, ours: Template, theirs: PromptTemplate, rows: Rows) -> Counter[str]:
    """Compare both renderings of every row.

    Raises:
        Untranslatable: They differ, or ours fails.
    """
    notes: Counter[str] = Counter()
    made = 0
    for number, fields in enumerate(rows.some):
        where = f"row {number + 1}"
        expected = _expected(theirs, fields, where)
        row = Row(task.source.dataset, rows.splits[0], str(number), renamed(task, dict(fields)))
        try:
            prepared = prepare(task, row)
            found = render(task, ours, prepared, row) if prepared is not None else None
        except RowError as error:
            # Without its advice, which is for authors of task files.
            raise Untranslatable(f"{where}: {str(error).partition('; correct')[0]}") from error
        if found is None and _unlabelled(task, rows, fields):
            notes["left out, because its label is negative"] += 1
            continue
        if expected is None or found is None:
            if (expected is None) != (found is None) and not _undecidable(theirs, fields):
                does, does_not = ("promptsource", "ours") if found is None else ("ours", "theirs")
                raise Untranslatable(f"{where}: {does} makes an example of it, {does_not} does not")
            continue
        made += 1
        if found.prompt != expected[0]:
            raise Untranslatable(f"{where}: the prompt differs, {_differ(found.prompt, *expected)}")
        if found.target != expected[1]:
            if not found.options or found.target != tidy(expected[1]):
                at = _differ(found.target, expected[1])
                raise Untranslatable(f"{where}: the target differs, {at}")
            notes["white space in a choice is folded"] += 1
        if theirs.choices_in_prompt and found.options:
            prompt = tidy(found.prompt).casefold()
            if not all(option.casefold() in prompt for option in found.options):
                notes[f"{theirs.name}: says that its prompt has the choices, and it has not"] += 1
    if not made:
        raise Untranslatable("it makes no example of any of the rows")
    return notes


def _expected(
    template: PromptTemplate, fields: Mapping[str, Any], where: str
) -> tuple[str, str] | None:
    """promptsource's prompt and target; None where it makes no example of a row."""
    try:
        parts = rendering.apply(template, fields)
    except Exception as error:  # the template's own code: anything may come out of it
        said = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise Untranslatable(f"{where}: it fails with promptsource too ({said})") from error
    if len(parts) != 2 or not all(parts):
        return None
    return parts[0], parts[1]


def _undecidable(template: PromptTemplate, fields: Mapping[str, Any]) -> bool:
    """Two choices are equal or one is empty: a row that our tasks leave out on purpose."""
    choices = [tidy(choice) for choice in rendering.choices_of(template, fields) or ()]
    return len(set(choices)) < len(choices) or not all(choices)


def _unlabelled(task: Task, rows: Rows, fields: Mapping[str, Any]) -> bool:
    """The row's label is negative: promptsource, unless it takes care, takes the last choice."""
    chosen = task.labels.field if task.labels else task.choices.answer if task.choices else ""
    return chosen in rows.negative and fields[chosen] < 0


def _differ(ours: str, theirs: str, *_: str) -> str:
    same = next((n for n, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), None)
    at = min(len(ours), len(theirs)) if same is None else same
    return f"from character {at + 1}: {ours[at : at + 20]!r} and not {theirs[at : at + 20]!r}"
