"""Evaluation items, taken apart into question, passage, options and answer.

What a task shows when it asks is its question; which of its values is what follows from the rows:

* values of templates that ask for the answer (not inverted ones), without those that only repeat a
  piece of another value, an option or the answer (a first line, say);
* values of fewer than ``QUESTION_WORDS`` on average are labels (a title, a section, a language) and
  are not looked for, unless there is nothing else;
* the shortest of the others is the question; one of ``PASSAGE_WORDS`` or more on average that is
  twice as long is a passage; the rest belongs to the question, as both sentences of a pair do.

So the premises of RTE are passages and those of COPA are questions, and a task with one text alone
(a review, a dialogue to sum up) has that as its question.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from preceptor.decontamination.words import joined, words
from preceptor.records import Row
from preceptor.tasks.expressions import names_in_template
from preceptor.tasks.source import read_rows, source_digest
from preceptor.tasks.task import Prepared, Task, prepare

QUESTION_WORDS = 5
PASSAGE_WORDS = 20
REPEATS = 0.9
"""A value repeats another when it does in so many of the rows."""

Role = Literal["question", "passage"]


@dataclass(frozen=True, slots=True)
class Item:
    """One evaluation item."""

    id: str
    """task/split/row id, as in ``Example.id`` without the template."""
    questions: tuple[str, ...]
    passages: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    """Where the row brings them; the words of labels tell no item from another."""
    answers: tuple[str, ...] = ()
    """Every text that counts as right."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One split of one task."""

    task: str
    split: str
    items: tuple[Item, ...]
    rows: int
    """Rows of the source; the task keeps so many items of them."""
    source: str = ""
    """SHA-256 of the file that the rows come from."""
    passages: tuple[str, ...] = ()
    """The values that were taken for passages."""

    @property
    def texts(self) -> str:
        """SHA-256 of the texts that are checked."""
        content = hashlib.sha256()
        for item in self.items:
            parts = [item.id, item.questions, item.passages, item.options, item.answers]
            content.update(json.dumps(parts, separators=(",", ":")).encode() + b"\n")
        return content.hexdigest()


def benchmark(task: Task, split: str, data_root: Path | None) -> Benchmark:
    """All items of a task's split, sampled or not: what is measured may be drawn anew.

    Raises:
        RowError: The rows cannot be read, or lack what the task needs.
    """
    rows = read_rows(task, split, data_root)
    kept = [(row, made) for row in rows if (made := prepare(task, row)) is not None]
    roles = find_roles(task, [made for _, made in kept])
    return Benchmark(
        task=task.name,
        split=split,
        items=tuple(_item(task, roles, row, made) for row, made in kept),
        rows=len(rows),
        source=source_digest(task, split, data_root),
        passages=tuple(sorted(name for name, role in roles.items() if role == "passage")),
    )


def find_roles(task: Task, prepared: Sequence[Prepared]) -> dict[str, Role]:
    """Which values are the question and which are passages; values that are neither are not there.

    All items of a task have the same roles, so that a row of unusual length is read like the rest.
    """
    shown: set[str] = set()
    for template in task.templates:
        if not template.inverted:
            shown |= names_in_template(template.prompt)
    columns = {
        name: [words(_text(made.values[name])) for made in prepared]
        for name in task.values
        if name in shown
    }
    lengths = {
        name: sum(map(len, column)) / len(column)
        for name, column in _without_repeats(columns, prepared).items()
    }
    asked = {name: length for name, length in lengths.items() if length >= QUESTION_WORDS}
    if not asked:
        return dict.fromkeys(lengths, "question")
    long = max(PASSAGE_WORDS, 2 * min(asked.values()))
    return {name: "passage" if length >= long else "question" for name, length in asked.items()}


def _without_repeats(
    columns: Mapping[str, Sequence[list[str]]], prepared: Sequence[Prepared]
) -> dict[str, Sequence[list[str]]]:
    """The columns that say something of their own. Of two that say the same, the longer stays."""
    answers = [
        [words(text) for text in (made.answer, *made.options, *made.references)]
        for made in prepared
    ]
    kept: dict[str, Sequence[list[str]]] = {}
    for name in sorted(columns, key=lambda name: -sum(map(len, columns[name]))):
        repeats = sum(
            found in known or any(_within(found, other[i]) for other in kept.values())
            for i, (found, known) in enumerate(zip(columns[name], answers, strict=True))
        )
        if repeats < REPEATS * len(prepared):
            kept[name] = columns[name]
    return {name: kept[name] for name in columns if name in kept}


def _within(run: list[str], whole: list[str]) -> bool:
    return joined(run) in joined(whole)


def _item(task: Task, roles: Mapping[str, Role], row: Row, made: Prepared) -> Item:
    texts: dict[Role, list[str]] = {"question": [], "passage": []}
    for name, role in roles.items():
        text = _text(made.values[name])
        if text and text not in texts[role]:
            texts[role].append(text)
    return Item(
        id=f"{task.name}/{row.split}/{row.id}",
        questions=tuple(texts["question"]),
        passages=tuple(texts["passage"]),
        options=made.options if task.choices is not None else (),
        answers=made.references or (made.answer,),
    )


def _text(value: object) -> str:
    """The text of a value: strings in a list or mapping are lines."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return "\n".join(filter(None, map(_text, value.values())))
    if isinstance(value, Iterable):
        return "\n".join(filter(None, map(_text, value)))
    return ""
