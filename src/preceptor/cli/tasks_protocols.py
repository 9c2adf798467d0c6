"""``preceptor tasks protocols``: other harnesses' prompts, splits and scoring, and rows by them."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from preceptor.cli.options import AsJson, Data, console, print_json
from preceptor.cli.tasks_show import named
from preceptor.errors import RowError
from preceptor.records import Row
from preceptor.tasks import fewshot, source
from preceptor.tasks.protocol import Protocol, load_protocols, protocol
from preceptor.tasks.protocol_render import Rendered, draw_exemplars, kept, render
from preceptor.tasks.task import Task

POOL = 100
"""Exemplars are drawn among the first so many rows of their split."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Rows under a protocol, and what is to be said of them."""

    items: list[tuple[Row, Rendered]]
    note: str


def protocols(
    name: Annotated[
        str | None, typer.Argument(help="A protocol, such as lm_eval/boolq; without it all.")
    ] = None,
    rows: Annotated[int, typer.Option(min=1, help="How many rows to show.")] = 2,
    shots: Annotated[
        int | None,
        typer.Option(
            min=0, max=fewshot.MOST, help="Exemplars; without it as many as the original."
        ),
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Other harnesses' prompts and scoring, and with a name rows by one of them."""
    if name is None:
        found = list(load_protocols().values())
        if as_json:
            print_json([_entry(one) for one in found])
        else:
            console().print(_table(found))
        return
    one = protocol(name)
    made = shown(one, source.data_root(data), rows, one.shots if shots is None else shots)
    if as_json:
        facts = {**asdict(one), "digest": one.digest, "note": made.note}
        print_json({**facts, "rows": [_item(row, item) for row, item in made.items]})
        return
    to = console()
    to.print(Text(one.name, "bold"))
    to.print(Text(one.about))
    to.print(_facts(one))
    to.print(Text(made.note, "dim" if made.items else "yellow"))
    for row, item in made.items:
        to.rule(Text(row.id), align="left")
        for panel in _panels(item):
            to.print(panel)


def shown(one: Protocol, root: Path | None, rows: int, shots: int) -> Shown:
    """The first rows of a protocol's folder that are its own, as a model is asked to go on.

    Exemplars are drawn as the harness draws them, but among the first rows of a folder: they are
    not the very ones of a run there.

    Raises:
        RowError: The rows cannot be read, none is the protocol's, or there are too few for the
            exemplars.
    """
    task = _folder(one)
    here = source.splits_here(task, root)
    if not here:
        where = f"{one.source.folder} in the data root"
        advice = f"${source.DATA_ROOT_VARIABLE} or --data names it" if root is None else str(root)
        return Shown([], f"No rows are here: they would be in {where} ({advice}).")
    split = here[0]
    items = list(islice(_kept(one, task, split, root), rows))
    if not items:
        raise RowError(
            f"none of the rows in {source.source_file(task, split, root)} is one of {one.name}: "
            f"it keeps those with {one.source.keep}"
        )
    note = f"Rows of {source.source_file(task, split, root)}"
    if split != one.source.evaluation:
        note += f", in place of the hub's {one.source.evaluation}"
    drawn: Iterator[list[Row]] = iter([[]] * len(items))
    if shots:
        pool_split = next((s for s in (one.source.exemplars, "train", *here) if s in here), split)
        pool = list(islice(_kept(one, task, pool_split, root), POOL))
        drawn = draw_exemplars(one, pool, items, shots)
        note += f"; {shots} exemplars of {pool_split}, among its first {len(pool)} rows"
    exemplars = list(drawn)
    try:
        made = [render(one, row, given) for row, given in zip(items, exemplars, strict=True)]
    except RowError as error:  # the facts are of use without rows
        return Shown([], f"The rows here are in another layout: {error}.")
    return Shown(list(zip(items, made, strict=True)), f"{note}.")


def _folder(one: Protocol) -> Task:
    """The library's task with the protocol's folder as it is; the split that is scored first."""
    task = named(one.task, ())
    splits = {split: split for split in (one.source.evaluation, "test", "validation")}
    splits |= {split: split for split in (one.source.exemplars, "train")}
    folder = replace(
        task.source,
        folder=one.source.folder,
        package="",
        splits=splits,
        hub_splits={},
        rename={},
        layout="",
    )
    return replace(task, source=folder, each="")


def _kept(one: Protocol, task: Task, split: str, root: Path | None) -> Iterator[Row]:
    for _, row in source.stream_rows(task, split, root):
        yield from kept(one, [row])


def _form(one: Protocol) -> str:
    return "partial" if one.contexts else "choices"


def _scoring(one: Protocol) -> str:
    return ", ".join(one.metrics) + (f" ({_form(one)})" if one.contexts else "")


def _shots(one: Protocol) -> str:
    usual = f", published {one.usual_shots}" if one.usual_shots else ""
    return f"{one.shots}{usual}"


def _entry(one: Protocol) -> dict[str, object]:
    return {
        "protocol": one.name,
        "task": one.task,
        "folder": one.source.folder,
        "split": one.source.evaluation,
        "form": _form(one),
        "metrics": list(one.metrics),
        "shots": one.shots,
        "usual_shots": one.usual_shots,
    }


def _item(row: Row, item: Rendered) -> dict[str, object]:
    return {
        "row": row.id,
        "requests": [
            {"context": context, "continuation": text, "gold": place in item.gold}
            for place, (context, text) in enumerate(item.requests)
        ],
    }


def _table(found: Sequence[Protocol]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for head in ("protocol", "task, folder", "split", "scoring", "shots"):
        table.add_column(head, overflow="fold", no_wrap=head == "protocol")
    for one in found:
        folder = one.source.folder
        rows = one.task if one.task == folder else f"{one.task}, {folder}"
        place = (one.name, rows, one.source.evaluation)
        table.add_row(*map(Text, (*place, _scoring(one), _shots(one))))
    return table


def _facts(one: Protocol) -> Table:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    hub, mirrors = one.source, one.mirrors
    harness = one.name.partition("/")[0]
    for name, value in (
        ("equal to", f"{mirrors.task}, version {mirrors.version}, of {harness} {mirrors.release}"),
        ("task", one.task),
        ("hub", f"{hub.hub} {hub.config}".strip()),
        ("revision", hub.revision),
        ("scored", hub.evaluation),
        ("exemplars", f"{hub.exemplars}, drawn: {one.draw.replace('_', ' ')}"),
        ("shots", _shots(one)),
        ("folder", f"{hub.folder} in the data root"),
        ("keep", hub.keep),
        ("scoring", _scoring(one)),
    ):
        if value:
            table.add_row(name, Text(value))
    return table


def _panels(item: Rendered) -> Iterator[Panel]:
    """A panel a context, its continuations below; blanks at their ends are shown."""
    several = len(item.contexts) > 1
    for place, context in enumerate(item.contexts):
        text = Text(context)
        for number, continuation in enumerate(item.continuations):
            right = (place if several else number) in item.gold
            style = "bold green" if right else ""
            text.append(f"\n{'⇒' if right else '·'} ", style).append(repr(continuation), style)
            text.append("  gold" if right else "", "green")
        yield Panel(text, title="context", title_align="left")
