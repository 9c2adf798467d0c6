"""Translated templates that can be one task, and that task's file.

A task of ours has one answer for all its templates. promptsource's templates each have their own
choices and target, so those with the same become one task file, and a file of templates may become
several.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from preceptor.data.instructions import Wanted
from preceptor.data.place import snake_case
from preceptor.data.promptsource.as_expression import trimmed
from preceptor.data.promptsource.halves import both
from preceptor.data.promptsource.reading import PromptFile
from preceptor.data.promptsource.rows import Rows
from preceptor.data.promptsource.translate import CHOICES, Translated
from preceptor.data.survey import new_tokens
from preceptor.data.taskyaml import TaskText, TemplateText, quoted, write_task
from preceptor.errors import TaskError
from preceptor.tasks.expressions import names_in_template

METRICS = {
    "BLEU": "bleu",
    "ROUGE": "rouge_l",
    "Squad": "token_f1",
    "COQA F1": "token_f1",
    "Trivia QA": "exact_match",
    "Accuracy": "exact_match",
    "Edit Distance": "edit_similarity",
}
"""promptsource's metrics of open answers, to ours."""


@dataclass(frozen=True, slots=True)
class Group:
    """Templates of one task."""

    kind: str
    """ranked or open."""
    keep: str
    choices: str
    """Expression for the list of choices; empty for none."""
    answer: str
    """Ranked: expression for the index, or for the text, of the right choice."""
    templates: tuple[Translated, ...]
    turned: tuple[Translated, ...] = ()
    """Templates that ask for something else: inverted."""


def groups(templates: Sequence[Translated]) -> list[Group]:
    """The templates by what they have in common, the largest group first."""
    found: dict[tuple[str, str, str, str], list[Translated]] = {}
    for one in templates:
        choices = one.choices_expression if one.ranked or one.shows_choices else ""
        answer = (one.index or one.target_expression) if one.ranked else ""
        key = ("ranked" if one.ranked else "open", _squeezed(one.keep), choices, answer)
        found.setdefault(key, []).append(one)
    made = [
        Group(kind, members[0].keep, choices, answer, tuple(members))
        for (kind, _, choices, answer), members in found.items()
    ]
    made.sort(key=lambda group: (group.kind != "ranked", -len(group.templates)))
    return _with_turned(made)


def _with_turned(made: list[Group]) -> list[Group]:
    """Open templates that do not ask for what the data set is for join the largest fitting task."""
    result = list(made)
    for group in made:
        turned = tuple(t for t in group.templates if t.template.original_task is False)
        if group.kind != "open" or not turned:
            continue
        hosts = [
            number
            for number, host in enumerate(result)
            if host.kind == "ranked"
            and _squeezed(host.keep) == _squeezed(group.keep)
            and group.choices in ("", host.choices)
        ]
        if not hosts:
            continue
        host = result[hosts[0]]
        result[hosts[0]] = Group(
            host.kind, host.keep, host.choices, host.answer, host.templates, host.turned + turned
        )
        rest = tuple(t for t in group.templates if t not in turned)
        place = result.index(group)
        if rest:
            result[place] = Group(group.kind, group.keep, group.choices, group.answer, rest)
        else:
            del result[place]
    return result


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def group_name(group: Group, name: str, taken: Sequence[str]) -> str:
    """A task name for a group: the given one where it is free, else by choices or by number."""
    if not taken:
        return name
    fixed = group.templates[0].choices if group.kind == "ranked" else ("open",)
    words = snake_case("_".join(fixed)) if fixed else "choices"
    wanted = f"{name}_{words}"
    if len(words) <= 30 and wanted not in taken:
        return wanted
    return next(n for k in count(2) if (n := f"{name}_{k}") not in taken)


def task_file(group: Group, name: str, wanted: Wanted, prompts: PromptFile, rows: Rows) -> TaskText:
    """A group's task file.

    Args:
        group: Its templates.
        name: Of the task.
        wanted: What the user says of it.
        prompts: Where the templates come from.
        rows: What they are for.

    Raises:
        TaskError: It would not be one; the message says why.
    """
    members = (*group.templates, *group.turned)
    answer = _ranked(group) if group.kind == "ranked" else _open(group, rows)
    ids = _ids(members)
    templates = [
        TemplateText(_template(group, one, id, answer), _remark(one))
        for one, id in zip(members, ids, strict=True)
    ]
    shown = {
        name
        for template in templates
        for key in ("prompt", "target")
        for name in names_in_template(template.keys.get(key, ""))
    }
    used = {field for one in members for field in one.fields}
    values = {
        field: f"'' if {field} is none else {field}" if kind.endswith("?") else field
        for field, kind in _ours(rows).items()
        if field in shown
    }
    if CHOICES in shown or CHOICES in repr(answer):
        values[CHOICES] = group.choices
    fields = {name: kind for name, kind in _ours(rows).items() if name in used}
    if "id" in rows.types:
        fields = {"id": rows.types["id"], **fields}
    renamed = {ours: theirs for theirs, ours in rows.renamed.items() if ours in used}
    hub = {"hub": prompts.dataset, "config": prompts.subset} if prompts.dataset else {}
    keys: dict[str, Any] = {
        "task": name,
        "title": wanted.title or name.replace("_", " ").capitalize(),
        "cluster": wanted.cluster,
        "category": wanted.category,
        "licence": wanted.licence,
        "about": wanted.about
        or f"Templates of promptsource for {' '.join((prompts.dataset, prompts.subset)).strip()}.",
        "source": {
            "folder": rows.folder,
            **{key: value for key, value in hub.items() if value},
            "splits": {split: split for split in rows.splits},
            **({"rename": renamed} if renamed else {}),
        },
        "provenance": list(wanted.provenance),
        "fields": fields,
        "keep": both(group.keep, labelled(group, rows)),
        "values": values,
    }
    keys |= answer
    remark = "Made by preceptor data import from promptsource's templates; each has its own name."
    return write_task(keys, templates, remark, f"the task file of {name}")


def labelled(group: Group, rows: Rows) -> str:
    """Leave out rows whose label is -1, which hub data sets use for none.

    promptsource takes the last choice for them, unless a template takes care.
    """
    index = group.answer if group.kind == "ranked" and group.templates[0].index else ""
    needed = index in rows.negative and index not in group.keep
    return f"{index} >= 0" if needed else ""


def _ours(rows: Rows) -> dict[str, str]:
    return {rows.renamed.get(name, name): kind for name, kind in rows.types.items()}


def _ranked(group: Group) -> dict[str, Any]:
    """Labels where the choices are the same for every row, else choices."""
    first = group.templates[0]
    fixed = first.choices
    if len(set(fixed)) < len(fixed):
        raise TaskError("two of its choices are equal")
    if fixed and all(choice == " ".join(choice.split()) for choice in fixed):
        words = {choice: choice for choice in fixed}
        names: dict[Any, str] = dict(enumerate(fixed)) if first.index else dict(words)
        field = group.answer if first.index else trimmed(group.answer)
        return {
            "labels": {"field": field, "names": names, "words": words},
            "metric": "accuracy",
        }
    index = group.answer if first.index else f"{CHOICES}.index({trimmed(group.answer)})"
    return {"choices": {"options": CHOICES, "answer": index}, "metric": "accuracy"}


def _open(group: Group, rows: Rows) -> dict[str, Any]:
    """Free text: the answer is the target of the first template that asks for the real task."""
    able = [one for one in group.templates if one.target_expression]
    if not able:
        raise TaskError("its target is no expression, which a task's answer must be")
    able.sort(key=lambda one: one.template.original_task is not True)
    metrics = [METRICS[m] for one in able for m in one.template.metrics if m in METRICS]
    words = Counter(len(str(value).split()) for row in rows.some for value in row.values())
    return {
        "answer": able[0].target_expression,
        "metric": metrics[0] if metrics else "rouge_l",
        "max_new_tokens": min(new_tokens(words), 512),
    }


def _template(group: Group, one: Translated, id: str, answer: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"id": id}
    own = one in group.turned or (
        group.kind == "open" and one.target_expression != answer["answer"]
    )
    if one in group.turned or (own and one.template.original_task is False):
        found["inverted"] = True
    found["prompt"] = one.prompt
    if own:
        found["target"] = one.target
    return found


def _ids(members: Sequence[Translated]) -> list[str]:
    ids: list[str] = []
    for one in members:
        id = snake_case(one.template.name)[:40].rstrip("_")
        ids.append(id if id not in ids else f"{id}_{len(ids) + 1}")
    return ids


def _remark(one: Translated) -> str:
    template = one.template
    said = {True: "yes", False: "no", None: "not said"}
    facts = [
        f"{quoted(template.name)}, {template.id}",
        f"choices in prompt: {said[template.choices_in_prompt]}",
        f"original task: {said[template.original_task]}",
        *([f"metrics: {', '.join(template.metrics)}"] if template.metrics else []),
        *([f"languages: {', '.join(template.languages)}"] if template.languages else []),
    ]
    about = f"\n{template.reference}" if template.reference else ""
    return "; ".join(facts) + about
