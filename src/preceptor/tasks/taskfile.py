"""Reading a task file: YAML to ``Task``, or one line that says what is wrong and where.

What is checked here makes a task usable at all; the quality of its templates is ``lint``'s.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Never

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from preceptor import strict_yaml
from preceptor.errors import TaskError
from preceptor.tasks.clusters import CATEGORIES, CLUSTERS
from preceptor.tasks.expressions import ExpressionError, names_in_expression, names_in_template
from preceptor.tasks.names import did_you_mean
from preceptor.tasks.slices import parse_slice
from preceptor.tasks.task import (
    ANSWER_TARGET,
    ITEM,
    ITEM_NUMBER,
    Choices,
    Labels,
    Source,
    Task,
    Template,
)

_ADAPTER = TypeAdapter(Task)
_REVISION = re.compile(r"[0-9a-f]{40}|refs/convert/parquet")
_SNAKE_CASE = re.compile(r"[a-z][a-z0-9_]*")
_RESERVED = ("answer", "options", "options_block")
_RECORDS = {"source": Source, "labels": Labels, "choices": Choices, "templates": Template}


def read_task(path: Path, check_names: bool = True) -> Task:
    """A task file's task.

    Args:
        check_names: Look into every expression and template for names that are not defined. The
            library's own files are tested for it, and reading them all takes half the time without.

    Raises:
        TaskError: The file cannot be read, is not YAML, has an unknown key or a wrong value, uses a
            name that is not defined, or is not named after its task.
    """
    task = _task(_with_model(path, (), check_names), str(path), check_names)
    if task.name != path.stem:
        raise TaskError(f"{path}: task is {task.name!r}; name the file {task.name}.yaml")
    return task


def parse_task(text: str, where: str) -> Task:
    """A task from the text of its file, which is like no other; ``where`` begins every message.

    Raises:
        TaskError: As for ``read_task``.
    """
    content = _mapping(text, where)
    if "like" in content:
        raise TaskError(f"{where}: like names a file beside this one; read it from its folder")
    return _task(content, where)


def _with_model(path: Path, before: tuple[Path, ...], check_names: bool) -> dict[str, object]:
    """The keys of a file, over those of the file that it is like, which is checked by itself: what
    is wrong in it is said of it."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise TaskError(f"{path} cannot be read as text ({error})") from error
    content = _mapping(text, str(path))
    name = content.pop("like", None)
    if name is None:
        return content
    model = path.with_name(f"{name}.yaml")
    if model in (*before, path):
        raise TaskError(f"{path} is like itself by way of {model.name}")
    if not model.is_file():
        raise TaskError(f"{path}: like names {name!r}, but there is no {model.name} beside it")
    under = _with_model(model, (*before, path), check_names)
    _task(under, str(model), check_names)
    merged = under | content
    for key, value in content.items():
        there = under.get(key)
        if isinstance(value, dict) and isinstance(there, dict):
            merged[key] = there | value
    return merged


def _mapping(text: str, where: str) -> dict[str, object]:
    try:
        content = strict_yaml.load(text)
    except strict_yaml.NotYaml as error:
        raise TaskError(f"{where}: not YAML ({error})") from error
    if not isinstance(content, dict):
        raise TaskError(f"{where}: a task file is a mapping of keys, found {_kind(content)}")
    return content


def _task(content: Mapping[str, object], where: str, check_names: bool = True) -> Task:
    try:
        task = _ADAPTER.validate_python(content)
    except ValidationError as error:
        raise TaskError(f"{where}: {_first_problem(error)}") from error
    try:
        _check_form(task, content)
        if check_names:
            _check_names(task)
    except TaskError as error:
        raise TaskError(f"{where}: {error}") from error
    return task


def _first_problem(error: ValidationError) -> str:
    problems = error.errors()
    # A misspelt key is also a missing one: name the misspelling.
    unknown = [p for p in problems if p["type"] == "unexpected_keyword_argument"]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 and not unknown else ""
    return _problem((unknown or problems)[0]) + more


def _problem(problem: ErrorDetails) -> str:
    location = problem["loc"]
    inside, key = ".".join(map(str, location[:-1])), str(location[-1])
    at = f" in {inside}" if inside else ""
    if problem["type"] == "unexpected_keyword_argument":
        record = _RECORDS.get(str(location[0]), Task) if inside else Task
        known = [f.name for f in fields(record)] + (["like"] if record is Task else [])
        return f"unknown key {key!r}{at}{did_you_mean(key, known)}"
    if problem["type"] == "missing":
        return f"key {key!r} is missing{at}"
    value = problem["input"]
    hint = '; YAML reads yes, no, on and off so: write "yes"' if isinstance(value, bool) else ""
    message = problem["msg"][:1].lower() + problem["msg"][1:]
    return f"{'.'.join(map(str, location))}: {message}, found {_kind(value)} {value!r:.60}{hint}"


def _kind(value: object) -> str:
    return "nothing" if value is None else type(value).__name__


def _refuse(what: str) -> Never:
    raise TaskError(what)


def _check_form(task: Task, content: Mapping[str, object]) -> None:
    """What holds between keys."""
    for name in ("task", "title", "licence", "about", "provenance", "values", "templates"):
        if not content[name]:
            _refuse(f"{name} is empty")
    _check_snake_case("task", task.name)
    if not (task.cluster or task.category):
        _refuse("neither cluster nor category is given; a task has one of the two")
    _check_known("cluster", task.cluster, CLUSTERS)
    _check_known("category", task.category, CATEGORIES)
    if bool(task.source.folder) == bool(task.source.package):
        _refuse("source needs either folder or package")
    _check_source(task.source)
    if task.collection:
        _check_snake_case("collection", task.collection)
    for name in task.held_out_with:
        _check_known("held_out_with", name, CLUSTERS)
    given = [key for key in ("labels", "choices", "answer") if content.get(key)]
    if len(given) != 1:
        _refuse(
            f"one of labels, choices and answer is needed, found {' and '.join(given) or 'none'}"
        )
    if (task.metric == "accuracy") != (task.kind == "options"):
        _refuse(f"metric {task.metric} does not fit {given[0]}; accuracy is for labels and choices")
    if task.kind == "options" and "max_new_tokens" in content:
        _refuse("max_new_tokens has no meaning for labels and choices; remove it")
    if task.references and task.kind == "options":
        _refuse("references is for free text; several right options are a list in choices.answer")
    if task.labels is not None:
        _check_labels(task.labels)
        layout = task.source.layout
        if layout and layout not in task.labels.ids:
            known = did_you_mean(layout, task.labels.ids)
            _refuse(f"source.layout is {layout!r}, but labels.ids has no such key{known}")
    elif task.source.layout:
        _refuse("source.layout chooses label ids, but the answer is no label")


def _check_source(source: Source) -> None:
    if not source.splits:
        _refuse("source.splits is empty; name a file for train or test")
    if source.hub_splits and not (source.hub and source.revision):
        _refuse("source.hub_splits needs hub and revision")
    if source.revision and not _REVISION.fullmatch(source.revision):
        _refuse(
            f"source.revision {source.revision!r} is neither a commit of 40 hex digits nor "
            "refs/convert/parquet; a branch would change under its users"
        )
    for split, text in source.hub_splits.items():
        try:
            parse_slice(text)
        except ValueError as error:
            raise TaskError(f"source.hub_splits.{split}: {error}") from error
    if (source.access != "open") != bool(source.how):
        _refuse("source.how says how to get files whose access is not open, and only those")


def _check_known(key: str, name: str, known: Iterable[str]) -> None:
    if name and name not in known:
        _refuse(f"unknown {key} {name!r}{did_you_mean(name, known)}")


def _check_snake_case(key: str, name: str) -> None:
    if not _SNAKE_CASE.fullmatch(name):
        _refuse(f"{key} {name!r} is not snake_case (small letters, digits, _)")


def _check_labels(labels: Labels) -> None:
    for key, known in (("names", labels.names), *(labels.ids.items())):
        key = key if key == "names" else f"ids.{key}"
        names = set(known.values())
        for name in sorted(names ^ set(labels.words)):
            lacking, having = ("words", key) if name in names else (key, "words")
            _refuse(f"labels.{lacking} lacks {name!r}, which labels.{having} has")
    words = list(labels.words.values())
    if len(words) < 2:
        _refuse(f"labels.words has {len(words)} options; two are the least")
    for word in words:
        if not word or word != " ".join(word.split()) or words.count(word) > 1:
            _refuse(f"labels.words: {word!r} is empty, there twice, or has stray blanks")


def _check_names(task: Task) -> None:
    """Every expression and template is one, and uses only what is defined."""
    scope = set(task.fields)
    _check_expression("each", task.each, scope)
    if task.each:
        for name in (ITEM, ITEM_NUMBER):
            if name in scope:
                _refuse(f"fields: {name!r} is what each makes; rename the field")
            scope.add(name)
    _check_expression("keep", task.keep, scope)
    for name, expression in task.values.items():
        if not name.isidentifier() or name in _RESERVED:
            _refuse(f"values: {name!r} cannot be a value's name")
        _check_expression(f"values.{name}", expression, scope)
        scope.add(name)
    if task.labels is not None:
        _check_expression("labels.field", task.labels.field, scope)
    if task.choices is not None:
        _check_expression("choices.options", task.choices.options, scope)
        _check_expression("choices.answer", task.choices.answer, scope)
    _check_expression("answer", task.answer, scope)
    _check_expression("references", task.references, scope)
    ids: set[str] = set()
    for template in task.templates:
        _check_snake_case("template id", template.id)
        if template.id in ids:
            _refuse(f"two templates have the id {template.id!r}")
        ids.add(template.id)
        _check_template(task, template)


def _check_expression(key: str, text: str, scope: set[str]) -> None:
    if not text:
        return
    try:
        used = names_in_expression(text)
    except ExpressionError as error:
        raise TaskError(f"{key}: {error}") from error
    for name in sorted(used - scope):
        _refuse(f"{key}: unknown name {name!r}{did_you_mean(name, sorted(scope))}")


def _check_template(task: Task, template: Template) -> None:
    where = f"template {template.id!r}"
    slots = {*task.values, *(_RESERVED if task.kind == "options" else ("answer",))}
    for key, text in (("prompt", template.prompt), ("target", template.target)):
        try:
            used = names_in_template(text)
        except ExpressionError as error:
            raise TaskError(f"{where}, {key}: {error}") from error
        for name in sorted(used - slots):
            _refuse(f"{where}, {key}: unknown slot {name!r}{did_you_mean(name, sorted(slots))}")
    if template.inverted and template.target == ANSWER_TARGET:
        _refuse(f"{where} is inverted but has no target; say which field it asks for")
    if not template.inverted and task.kind == "options" and template.target != ANSWER_TARGET:
        _refuse(f"{where}: the target of a labels or choices task is the answer; remove target")
