"""``preceptor tasks preview``: rows as a model sees them."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby, islice
from pathlib import Path
from typing import Annotated, Literal, cast

import typer
from rich.text import Text

from preceptor.cli.options import AsJson, Data, Folders, console, print_json
from preceptor.cli.tasks_show import named, panel
from preceptor.errors import RowError, TaskError
from preceptor.records import Example, Row
from preceptor.tasks import fewshot, source
from preceptor.tasks.names import did_you_mean
from preceptor.tasks.task import Prepared, Task, Template, prepare
from preceptor.tasks.template import MARKERS, Marker, Style, render

AMONG = 100
"""Exemplars are drawn among the first so many rows besides those shown."""
SAMPLE = "sample"

Kept = list[tuple[Row, Prepared]]


@dataclass(frozen=True, slots=True)
class Preview:
    """Examples, and what is to be said of the rows that they were made of."""

    examples: list[Example]
    note: str = ""


def preview_of(
    task: Task,
    templates: Sequence[Template],
    root: Path | None,
    split: str = "",
    rows: int = 2,
    shots: int = 0,
    style: Style = Style(),  # noqa: B008 -- frozen
) -> Preview:
    """The first rows that a task keeps, each under every template.

    Args:
        split: Whose rows; empty for the first that is here, and the task file's made-up rows where
            none is.
        shots: Exemplars before each, of the same template and rows.

    Raises:
        RowError: The rows cannot be read or none is kept.
    """
    read, note = _kept(task, root, split, rows + (AMONG if shots else 0))
    made = []
    for place, (row, prepared) in enumerate(read[:rows]):
        for template in templates:
            query = render(task, template, prepared, row, style)
            places = fewshot.chosen(len(read), place, shots, style.seed, task.name, row.id)
            exemplars = (render(task, template, read[i][1], read[i][0], style) for i in places)
            made.append(fewshot.with_exemplars(query, exemplars))
    if made and made[0].shots < shots:
        note += f" There are no rows for more than {made[0].shots} of {shots} exemplars."
    return Preview(made, note.strip())


def _kept(task: Task, root: Path | None, split: str, most: int) -> tuple[Kept, str]:
    here = source.splits_here(task, root)
    read: Iterable[Row]
    if split or here or not task.sample:
        where = split or next(iter(here or source.splits_of(task)))
        read = (row for _, row in source.stream_rows(task, where, root))
        note = ""
    else:
        where, read = SAMPLE, source.sample_rows(task)
        fetch = f" (preceptor tasks fetch {task.name})" if task.source.hub_splits else ""
        note = f"No rows of {task.name} are here{fetch}: these are made up, from its file."
    kept = ((row, made) for row in read if (made := prepare(task, row)) is not None)
    found = list(islice(kept, most))
    if not found:
        raise RowError(f"{task.name} keeps none of the rows of {where}; see its keep")
    return found, note


def preview(
    name: str,
    rows: Annotated[int, typer.Option(min=1, help="How many rows to show.")] = 2,
    template: Annotated[str | None, typer.Option(help="Only this template.")] = None,
    split: Annotated[str | None, typer.Option(help="Without it, the first that is here.")] = None,
    shots: Annotated[
        int, typer.Option(min=0, max=fewshot.MOST, help="Exemplars before the question.")
    ] = 0,
    order: Annotated[str, typer.Option(help="Of options: given or drawn.")] = "given",
    marker: Annotated[
        str, typer.Option(help=f"Before an option: {', '.join(MARKERS)} or drawn.")
    ] = "hyphen",
    answer: Annotated[str, typer.Option(help="With the option's text, or its mark.")] = "text",
    options: Annotated[
        bool, typer.Option("--options/--no-options", help="List the options.")
    ] = True,
    seed: Annotated[int, typer.Option(help="Of what is drawn.")] = 0,
    data: Data = None,
    tasks_folder: Folders = None,
    as_json: AsJson = False,
) -> None:
    """Rows as a model sees them, under each template."""
    style = _style(options, order, marker, answer, seed)
    task = named(name, tasks_folder or ())
    chosen = [t for t in task.templates if template in (None, t.id)]
    if not chosen:
        near = did_you_mean(str(template), [t.id for t in task.templates])
        raise TaskError(f"{name} has no template {template!r}{near}")
    made = preview_of(task, chosen, source.data_root(data), split or "", rows, shots, style)
    if as_json:
        print_json([asdict(example) for example in made.examples])
        return
    to = console()
    if made.note:
        to.print(Text(made.note, "yellow"))
    for row, group in groupby(made.examples, key=lambda example: example.row):
        to.rule(Text(row), align="left")
        for one in group:
            to.print(panel(one.template, one.inverted, one.prompt, one.target, one.shots))


def _style(options: bool, order: str, marker: str, answer: str, seed: int) -> Style:
    """The style that the options ask for.

    Raises:
        TaskError: One of them has no such value.
    """
    for option, value, known in (
        ("--order", order, ("given", "drawn")),
        ("--marker", marker, (*MARKERS, "drawn")),
        ("--answer", answer, ("text", "mark")),
    ):
        if value not in known:
            raise TaskError(f"{option} {value!r} is not known{did_you_mean(value, known)}")
    return Style(
        options,
        cast(Literal["given", "drawn"], order),
        cast(Marker | Literal["drawn"], marker),
        cast(Literal["text", "mark"], answer),
        seed,
    )
