"""Checks of a task beyond its being readable: wording, variety, and every template on real rows.

What makes a task file unusable (unknown keys and slots, repeated template ids, labels without
words, a metric that does not fit, ...) is refused when it is read, by ``taskfile``.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from rapidfuzz import fuzz

from preceptor.errors import RowError
from preceptor.records import Example, Row
from preceptor.tasks import licences
from preceptor.tasks.expressions import ENVIRONMENT, names_in_template
from preceptor.tasks.source import sample_rows
from preceptor.tasks.task import Prepared, Task, Template, prepare
from preceptor.tasks.template import render

TEMPLATES = 10
"""A task of the library has ten (FLAN, section 2.1); imports and own files may have fewer."""
MAX_INVERTED = 3
"""At most three of them turned around (FLAN, section 2.1)."""
MAX_WITHOUT_BLOCK = 4
TOO_ALIKE = 0.85
"""Similarity of two templates' tokens, from 0 to 1, above which they count as one wording."""

MAX_DOUBLED = 0.02
"""Share of rows on which punctuation may be doubled where a value with odd ends meets the text."""

_SLOT = "\ufffc"  # stands for a value in a template's own text
_ENDS_IN_BLOCK = re.compile(r"\{\{-?\s*options_block\s*-?\}\}\s*\Z")
_INVISIBLE = re.compile(r"[\x00-\x09\x0b-\x1f\x7f\xa0\u200b-\u200f\ufeff\ufffd]")
_DOUBLED = re.compile(r"[,;:?!]{2}|(?<!\.)\.(?:\.(?!\.)|[,;:?!])|[,;:?!]\.(?!\.)")
_STRAY = (
    ("a control or invisible character", _INVISIBLE),
    ("a brace of its own", re.compile(r"[{}]")),
    ("doubled punctuation", _DOUBLED),
    ("a doubled blank", re.compile(r"(?<=\S)  +(?=\S)")),
    ("a blank at the end of a line", re.compile(r"[ \t]+(?=\n|\Z)")),
    ("a blank before punctuation", re.compile(r"(?<=[\w\ufffc]) [,;:?!.](?![.\w])")),
    ("more than one empty line", re.compile(r"\n{3}")),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or may be."""

    task: str
    template: str
    """Empty for the task as a whole."""
    severity: Literal["error", "warning"]
    message: str


def lint_task(task: Task, rows: Sequence[Row]) -> list[Finding]:
    """What is wrong with a task, the task as a whole first, then template by template.

    Args:
        task: As it was read.
        rows: Real rows of it; every template is tried on each. None: that is a warning.
    """
    return [
        *_shape(task),
        *_near_duplicates(task),
        *(finding for template in task.templates for finding in _wording(task, template)),
        *_on_rows(task, [*sample_rows(task), *rows]),
    ]


def _shape(task: Task) -> Iterator[Finding]:
    def found(severity: Literal["error", "warning"], message: str) -> Finding:
        return Finding(task.name, "", severity, message)

    if len(task.templates) != TEMPLATES:
        yield found("warning", f"has {len(task.templates)} templates; {TEMPLATES} are usual")
    inverted = sum(template.inverted for template in task.templates)
    if inverted > MAX_INVERTED:
        yield found("error", f"{inverted} templates are inverted; {MAX_INVERTED} are the most")
    bare = [t.id for t in task.templates if not t.inverted and "options_block" not in t.prompt]
    if task.kind == "options" and len(bare) > MAX_WITHOUT_BLOCK:
        yield found("warning", f"{len(bare)} templates have no options_block: {', '.join(bare)}")
    if not licences.known(task.licence):
        yield found(
            "error",
            f"licence {task.licence!r} is no SPDX id that is known here, nor one of "
            f"{', '.join(licences.TERMS)}",
        )
    if task.source.access != "open" and not task.sample:
        yield found(
            "error", f"access is {task.source.access}, so a sample row has to show the layout"
        )
    if len(task.about.split()) < 4:
        yield found("warning", f"about says too little: {task.about!r}")


def _near_duplicates(task: Task) -> Iterator[Finding]:
    tokens = {}
    for template in task.templates:
        own = own_text(_ENDS_IN_BLOCK.sub("", template.prompt))  # the same in most
        tokens[template.id] = re.findall(r"\w+|[^\w\s]", own.lower())
    for one, other in combinations(tokens, 2):
        alike = fuzz.ratio(tokens[one], tokens[other]) / 100
        if alike > TOO_ALIKE:
            message = f"its wording is {alike:.2f} alike to that of {one}; {TOO_ALIKE} is the most"
            yield Finding(task.name, other, "error", message)


def own_text(template: str) -> str:
    """A template's text with a mark for each value.

    Words in an expression (``"yes" if answer else "no"``) belong to the wording and stay.
    """
    text: list[str] = []
    inside: list[str] | None = None  # wording in the expression that is being read
    for _, kind, value in ENVIRONMENT.lex(template):
        if kind == "data":
            text.append(value)
        elif kind == "variable_begin":
            inside = []
        elif kind == "variable_end" and inside is not None:
            text.append(" ".join(inside) or _SLOT)
            inside = None
        elif inside is not None and kind == "string" and " " in value.strip("\"' "):
            inside.append(value[1:-1].strip())
        elif inside is not None and kind == "operator" and value == "~":
            inside.append(_SLOT)
    return "".join(text)


def _wording(task: Task, template: Template) -> Iterator[Finding]:
    def error(message: str) -> Finding:
        return Finding(task.name, template.id, "error", message)

    used = names_in_template(template.prompt)
    if not used - {"options_block"}:
        yield error("the prompt has no value of the row")
    if template.inverted:
        if "options_block" in used:
            yield error("is inverted, but its prompt has the options_block")
        if not names_in_template(template.target) & set(task.values):
            yield error("is inverted, but its target has no value of the row")
    else:
        if "answer" in used:
            yield error("the prompt gives the answer away")
        if "options_block" in used and not _ENDS_IN_BLOCK.search(template.prompt):
            yield error("options_block is not the last thing in the prompt")
    for part, text in (("prompt", template.prompt), ("target", template.target)):
        own = own_text(text).rstrip("\n")
        for what, pattern in _STRAY:
            if hit := pattern.search(own):
                near = own[max(0, hit.start() - 15) : hit.end() + 15].replace(_SLOT, "…")
                yield error(f"the {part} has {what} near {near!r}")


def _on_rows(task: Task, rows: Sequence[Row]) -> Iterator[Finding]:
    if not rows:
        yield Finding(task.name, "", "warning", "no rows are here; its templates were not tried")
        return
    ready: list[tuple[Row, Prepared]] = []
    refused: list[str] = []
    for row in rows:
        try:
            prepared = prepare(task, row)
        except RowError as error:
            refused.append(str(error))
        else:
            ready += [(row, prepared)] if prepared is not None else []
    if refused:
        yield Finding(task.name, "", "error", _counted(refused, len(rows)))
    elif not ready:
        yield Finding(task.name, "", "error", f"none of its {len(rows)} rows is kept")
    for template in task.templates:
        yield from _rendered(task, template, ready)


def _rendered(
    task: Task, template: Template, ready: Sequence[tuple[Row, Prepared]]
) -> Iterator[Finding]:
    refused: list[str] = []
    unnamed: list[str] = []
    doubled: list[str] = []
    for row, prepared in ready:
        try:
            example = render(task, template, prepared, row)
        except RowError as error:
            refused.append(str(error))
            continue
        if _leaves_options_open(example):
            unnamed.append(f"row {example.row}: an option is not to be found in the prompt")
        if near := _doubled_at_a_slot(example, prepared):
            doubled.append(f"row {example.row}: punctuation is doubled at a slot, near {near!r}")
    if refused:
        yield Finding(task.name, template.id, "error", _counted(refused, len(ready)))
    if unnamed:
        yield Finding(task.name, template.id, "warning", _counted(unnamed, len(ready)))
    if doubled:
        often = len(doubled) > MAX_DOUBLED * len(ready)
        message = _counted(doubled, len(ready))
        yield Finding(task.name, template.id, "error" if often else "warning", message)


def _doubled_at_a_slot(example: Example, prepared: Prepared) -> str:
    """Where a value's own end mark meets one of the template; empty where none does."""
    values: list[str] = []
    for hit in _DOUBLED.finditer(example.prompt):
        near = example.prompt[max(0, hit.start() - 3) : hit.end() + 1].strip()
        values = values or [
            str(value) for value in (*prepared.values.values(), *prepared.options, prepared.answer)
        ]
        if not any(near in value for value in values):
            return near
    return ""


def _leaves_options_open(example: Example) -> bool:
    prompt = " ".join(example.prompt.casefold().split())
    return not all(option.casefold() in prompt for option in example.options)


def _counted(messages: Sequence[str], rows: int) -> str:
    return f"{messages[0]} ({len(messages)} of {rows} rows)"
