"""A row under a template: the prompt and target that a model sees (FLAN, section 2.1).

What the templates leave open is a ``Style``: whether the options are listed, in which order and
behind which marks. FLAN (section 2.3) lists them behind hyphens in the order of the data set, and
that is the default; the Flan Collection (arXiv 2301.13688) draws the marks.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from preceptor import draws
from preceptor.errors import RowError
from preceptor.records import Example, Row
from preceptor.tasks.expressions import ExpressionError, fill, names_in_template
from preceptor.tasks.task import ANSWER_TARGET, Prepared, Task, Template

Marker = Literal["hyphen", "asterisk", "letter", "bracketed_letter", "number", "bracketed_number"]

MARKERS: dict[Marker, Callable[[int], str]] = {
    "hyphen": lambda _: "-",
    "asterisk": lambda _: "*",
    "letter": lambda place: f"{_letter(place)}.",
    "bracketed_letter": lambda place: f"({_letter(place)})",
    "number": lambda place: f"{place + 1}.",
    "bracketed_number": lambda place: f"({place + 1})",
}
"""What stands before an option, by its place from 0."""

_SPEAKS_OF_OPTIONS = re.compile(
    r"\b(?:options?|choices?|choose|pick|select|candidates?|listed|alternatives?|below)\b", re.I
)


def _letter(place: int) -> str:
    return chr(ord("A") + place) if place < 26 else _letter(place // 26 - 1) + _letter(place % 26)


@dataclass(frozen=True, slots=True)
class Style:
    """How options are shown. The default is FLAN's."""

    options: bool = True
    """List them. False leaves the block out of a prompt that has one."""
    order: Literal["given", "drawn"] = "given"
    """``drawn``: a keyed permutation for each row and template."""
    marker: Marker | Literal["drawn"] = "hyphen"
    """``drawn``: one of all, for each row and template."""
    answer: Literal["text", "mark"] = "text"
    """``mark``: the target is the option's letter or number, where its mark has one."""
    seed: int = 0
    """Of what is drawn."""


FLAN = Style()


def options_block(options: Sequence[str], marker: Marker = "hyphen") -> str:
    """The options as the last lines of a prompt, one a line after its mark (FLAN, section 2.3)."""
    mark = MARKERS[marker]
    return "\n".join(["OPTIONS:", *(f"{mark(i)} {option}" for i, option in enumerate(options))])


def reads_without_options(template: Template) -> bool:
    """Whether a prompt makes sense without its block: its wording does not point at one."""
    return "options_block" in _slots(template.prompt) and not _SPEAKS_OF_OPTIONS.search(
        template.prompt.replace("options_block", "")
    )


def render(
    task: Task, template: Template, prepared: Prepared, row: Row, style: Style = FLAN
) -> Example:
    """One example. Inverted templates have no options: what they ask for is free text.

    Raises:
        RowError: The template failed on this row, or its prompt or target is empty.
    """
    names: dict[str, object] = {**prepared.values, "answer": prepared.answer}
    options, gold, references = prepared.options, prepared.gold, prepared.references
    marker: Marker = "hyphen"
    shown = False
    if options:
        key = (task.name, row.id, template.id)
        if style.order == "drawn":
            order = draws.sample(len(options), len(options), style.seed, "options", *key)
            options, gold = tuple(options[i] for i in order), order.index(gold)
        marker = style.marker if style.marker != "drawn" else _drawn_marker(style, key)
        shown = style.options and "options_block" in _slots(template.prompt)
        names["options"] = list(options)
        names["options_block"] = options_block(options, marker) if style.options else ""
    example = Example(
        id=f"{task.name}/{row.split}/{row.id}/{template.id}",
        task=task.name,
        cluster=task.cluster,
        category=task.category,
        template=template.id,
        inverted=template.inverted,
        prompt=_filled(task, template, row, "prompt", template.prompt, names),
        target=(
            prepared.answer
            if template.target == ANSWER_TARGET
            else _filled(task, template, row, "target", template.target, names)
        ),
        options=() if template.inverted else options,
        gold=-1 if template.inverted else gold,
        row=f"{row.dataset}/{row.split}/{row.id}",
        references=references if template.target == ANSWER_TARGET else (),
        options_shown=shown,
    )
    return _by_mark(example, marker) if shown and style.answer == "mark" else example


def _drawn_marker(style: Style, key: tuple[str, ...]) -> Marker:
    return draws.choose(tuple(MARKERS), style.seed, "marker", *key)


def _by_mark(example: Example, marker: Marker) -> Example:
    """The example with marks for answers; unchanged where all marks are the same."""
    if marker in ("hyphen", "asterisk"):
        return example
    marks = tuple(MARKERS[marker](i).strip("().") for i in range(len(example.options)))
    named = dict(zip(example.options, marks, strict=True))
    return replace(
        example,
        target=named[example.target],
        options=marks,
        references=tuple(named[text] for text in example.references),
    )


@lru_cache(maxsize=4096)
def _slots(text: str) -> frozenset[str]:
    return frozenset(names_in_template(text))


def _filled(
    task: Task, template: Template, row: Row, part: str, text: str, names: dict[str, object]
) -> str:
    try:
        filled = fill(text, names)
    except ExpressionError as error:
        raise RowError(
            f"{_where(task, template, row, part)} {error}; correct the template or the row"
        ) from error
    if not filled:
        raise RowError(
            f"{_where(task, template, row, part)} is empty; correct the template, or leave such "
            "rows out with keep"
        )
    return filled


def _where(task: Task, template: Template, row: Row, part: str) -> str:
    return f"{row.dataset}/{row.split}, row {row.id}: {part} of {task.name}/{template.id}"
