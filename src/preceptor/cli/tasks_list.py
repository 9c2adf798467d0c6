"""``preceptor tasks list``: the tasks there are, by cluster, and how to get their rows."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.text import Text

from preceptor.cli.options import AsJson, Data, Folders, console, print_json
from preceptor.tasks import catalogue, source
from preceptor.tasks.clusters import CATEGORIES, CLUSTERS
from preceptor.tasks.task import Task

Rows = Literal["package", "here", "some", "fetch", "elsewhere", "request", "gated", "gone", "none"]
"""Whether a task's rows are here, or else how to get them."""

HEADS = ("task", "kind", "metric", "templates", "rows", "licence")
HEADS_NARROW = ("task", "metric", "templ.", "rows", "licence")
LONGEST_NAME = 27
"""Where there is no room for all; a longer name has a line to itself."""
GAP = 2
_STYLES: dict[Rows, str] = {
    "package": "green",
    "here": "green",
    "some": "green",
    "fetch": "yellow",
    "elsewhere": "magenta",
    "request": "magenta",
    "gated": "magenta",
    "gone": "red",
    "none": "red",
}


_BY_HAND: dict[Rows, str] = {
    "elsewhere": "elsewhere",
    "request": "on request",
    "gated": "gated",
    "gone": "gone",
    "none": "without a source",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One task, as it is listed."""

    task: str
    title: str
    cluster: str
    category: str
    kind: str
    metric: str
    templates: int
    inverted: int
    licence: str
    access: str
    rows: Rows
    splits: list[str]
    splits_here: list[str]

    @property
    def group(self) -> str:
        """What it stands under."""
        return self.cluster or catalogue.CATEGORY_PREFIX + self.category


def listing(tasks: Iterable[Task], root: Path | None) -> list[Entry]:
    """One entry a task: FLAN's clusters in FLAN's order, then BioInstruct's categories."""
    groups = [*CLUSTERS, *(catalogue.CATEGORY_PREFIX + name for name in CATEGORIES)]
    entries = [_entry(task, root) for task in tasks]
    return sorted(entries, key=lambda entry: (groups.index(entry.group), entry.task))


def _entry(task: Task, root: Path | None) -> Entry:
    splits = source.splits_of(task)
    here = source.splits_here(task, root)
    return Entry(
        task.name,
        task.title,
        task.cluster,
        task.category,
        task.kind,
        task.metric,
        len(task.templates),
        sum(template.inverted for template in task.templates),
        task.licence,
        task.source.access,
        _rows(task, splits, here),
        list(splits),
        list(here),
    )


def _rows(task: Task, splits: Sequence[str], here: Sequence[str]) -> Rows:
    if task.source.package:
        return "package"
    if here:
        return "here" if len(here) == len(splits) else "some"
    if task.source.access != "open":
        return task.source.access
    return "fetch" if task.source.hub_splits else "none"


def list_command(
    names: Annotated[
        list[str] | None, typer.Argument(help="Tasks, clusters, category:qa, ...; all without.")
    ] = None,
    missing: Annotated[
        bool, typer.Option("--missing", help="Only those without rows here.")
    ] = False,
    data: Data = None,
    tasks_folder: Folders = None,
    as_json: AsJson = False,
) -> None:
    """The tasks there are, by cluster, and whether their rows are here."""
    tasks = catalogue.load_tasks(tasks_folder or ())
    chosen = catalogue.select(tasks, names) if names else list(tasks.values())
    entries = listing(chosen, source.data_root(data))
    shown = [entry for entry in entries if not (missing and entry.splits_here)]
    if as_json:
        print_json([asdict(entry) for entry in shown])
    else:
        _print(console(), shown, entries)


def _print(to: Console, shown: Sequence[Entry], entries: Sequence[Entry]) -> None:
    lines = [HEADS, *(_cells(entry, wide=True) for entry in shown)]
    wide = sum(_needed(lines)) + GAP * (len(HEADS) - 1) <= to.width
    if not wide:
        lines = [HEADS_NARROW, *(_cells(entry, wide=False) for entry in shown)]
    widths = _widths(lines, to.width)
    to.print(_line(lines[0], widths, ["dim"] * len(widths)))
    for group, members in groupby(shown, key=lambda entry: entry.group):
        listed = list(members)
        to.print(_heading(group, len(listed), entries))
        for entry in listed:
            styles = ["", *(["dim"] if wide else []), "", "", _STYLES[entry.rows], "dim"]
            to.print(_line(_cells(entry, wide), widths, styles))
    for line in _summary(entries, wide):
        to.print(line)


def _heading(group: str, tasks: int, entries: Sequence[Entry]) -> Text:
    category = group.removeprefix(catalogue.CATEGORY_PREFIX)
    elsewhere = sum(bool(entry.cluster) and entry.category == category for entry in entries)
    there = sum(entry.group == group for entry in entries)
    number = _number(there, "task")
    said = number if tasks == there else f"{tasks} of {number}"
    heading = Text.assemble("\n", (group, "bold"), (f"  {said}", "dim"))
    if elsewhere:
        heading.append(f", and {elsewhere} under their clusters", "dim")
    return heading


def _cells(entry: Entry, wide: bool) -> tuple[str, ...]:
    turned = f" ({entry.inverted})" if entry.inverted else ""
    rows: str = entry.rows
    if rows in ("here", "some") and wide:
        rows = " ".join(entry.splits_here)
    elif rows == "some":
        rows = f"{len(entry.splits_here)} of {len(entry.splits)}"
    kind = (entry.kind,) if wide else ()
    return (entry.task, *kind, entry.metric, f"{entry.templates}{turned}", rows, entry.licence)


def _needed(lines: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(len, cells)) for cells in zip(*lines, strict=True)]


def _widths(lines: Sequence[Sequence[str]], columns: int) -> list[int]:
    """Of each column what its cells need; a long name has a line to itself where there is no room,
    and the licence gets what is left."""
    first, *others, last = _needed(lines)
    room = columns - sum(others) - GAP * (len(others) + 1)
    if first + last > room:
        first = min(first, LONGEST_NAME)
    return [first, *others, max(1, room - first)]


def _line(cells: Sequence[str], widths: Sequence[int], styles: Sequence[str]) -> Text:
    line = Text(no_wrap=True, overflow="ellipsis")
    for place, (cell, width, style) in enumerate(zip(cells, widths, styles, strict=True)):
        last = place == len(cells) - 1
        shown = cell[: width - 1] + "…" if last and len(cell) > width else cell
        line.append(" " * GAP if place else "")
        line.append(shown if last else shown.ljust(width), style)
        if not place and len(cell) > width:
            line.append("\n" + " " * width)
    return line


def _summary(entries: Sequence[Entry], wide: bool) -> list[Text]:
    """How many there are, and what to do about those whose rows are not here."""
    by_rows = Counter(entry.rows for entry in entries)
    here = sum(bool(entry.splits_here) for entry in entries)
    said = f"rows of {here} are here" if here < len(entries) else "rows of all are here"
    lines = [Text(f"\n{_number(len(entries), 'task')}; {said}.")]
    if by_rows["fetch"]:
        number = (f"{by_rows['fetch']} to fetch", _STYLES["fetch"])
        lines.append(Text.assemble(number, ": preceptor tasks fetch TASK, CLUSTER or category:qa"))
    by_hand = [
        Text(f"{by_rows[kind]} {words}", _STYLES[kind])
        for kind, words in _BY_HAND.items()
        if by_rows[kind]
    ]
    if by_hand:
        lines.append(Text(", ").join(by_hand) + Text(": preceptor tasks show TASK says how"))
    if not wide:
        lines.append(
            Text("Accuracy: the answer is one of some options. Other metrics: text.", "dim")
        )
        if by_rows["some"]:
            lines.append(Text("Rows, 2 of 3: so many of its splits are here.", "dim"))
    lines.append(Text("Templates: how many, in brackets how many of them inverted.", "dim"))
    return lines


def _number(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"
