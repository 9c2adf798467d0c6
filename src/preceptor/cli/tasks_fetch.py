"""``preceptor tasks fetch``: rows from the Hugging Face hub into the data root."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from preceptor.cli.options import AsJson, Data, Folders, console, print_json
from preceptor.errors import InputError, RowError
from preceptor.progress import bar
from preceptor.tasks import catalogue, source
from preceptor.tasks.fetching import Outcome, Status, count, fetch_tasks

ROWS = 30_000
"""FLAN's cap on a data set's training examples (section 2.1)."""
_STYLES: dict[Status, str] = {
    "fetched": "green",
    "there": "green",
    "shipped": "green",
    "failed": "red",
    "by hand": "magenta",
}


def fetch(
    names: Annotated[
        list[str], typer.Argument(help="Tasks, clusters, category:qa, ...", metavar="NAME...")
    ],
    split: Annotated[
        str | None, typer.Option(help="Only this split; without it all that a task names.")
    ] = None,
    rows: Annotated[
        int, typer.Option(min=0, help="Of a larger slice a sample of so many; 0 = all.")
    ] = ROWS,
    again: Annotated[bool, typer.Option("--again", help="Also what is there.")] = False,
    data: Data = None,
    tasks_folder: Folders = None,
    as_json: AsJson = False,
) -> None:
    """Fetch rows from the Hugging Face hub; exit 2 if some that were named did not come."""
    chosen = catalogue.select(catalogue.load_tasks(tasks_folder or ()), names)
    root = _root(data)
    outcomes: list[Outcome] = []
    with bar("fetch", count(chosen, split or "")) as moving:
        outcomes += fetch_tasks(chosen, root, moving, split or "", rows, again)
    places = {task.name: place for place, task in enumerate(chosen)}
    outcomes.sort(key=lambda outcome: places[outcome.task])
    if as_json:
        print_json([asdict(outcome) for outcome in outcomes])
    else:
        _print(console(), outcomes, root)
    if any(_is_wanting(outcome, names) for outcome in outcomes):
        raise typer.Exit(InputError.exit_code)


def _is_wanting(outcome: Outcome, names: Sequence[str]) -> bool:
    """Whether it is a failure: rows that nobody can fetch are one for a task that was named, not
    for one that came with its cluster."""
    by_hand = outcome.status == "by hand" and outcome.task in names
    return outcome.status == "failed" or by_hand


def _root(data: str | None) -> Path:
    root = source.data_root(data)
    if root is None:
        raise RowError(
            "no data root is set, so there is nowhere to put rows; make a folder for data sets "
            f"and name it: export {source.DATA_ROOT_VARIABLE}=FOLDER, or --data FOLDER"
        )
    return root


def _print(to: Console, outcomes: Sequence[Outcome], root: Path) -> None:
    table = Table("task", "split", "what", "rows", box=None, header_style="dim", pad_edge=False)
    table.columns[3].justify = "right"
    for outcome in outcomes:
        what = Text(outcome.status, _STYLES[outcome.status])
        table.add_row(Text(outcome.task), outcome.split, what, _rows(outcome))
    to.print(table)
    for reason, those in _by_reason(outcomes).items():
        where = "; ".join(f"{task} {', '.join(splits)}".strip() for task, splits in those.items())
        to.print(Text.assemble("\n", (where, "bold"), f": {reason}"))
    counts = Counter(outcome.status for outcome in outcomes)
    said = ", ".join(f"{counts[status]} {status}" for status in _STYLES if counts[status])
    to.print(Text(f"\n{said}; in {root}"))


def _by_reason(outcomes: Sequence[Outcome]) -> dict[str, dict[str, list[str]]]:
    """What is to be said, and for each the tasks and splits that it is said of."""
    found: dict[str, dict[str, list[str]]] = {}
    for outcome in outcomes:
        if outcome.reason:
            splits = found.setdefault(outcome.reason, {}).setdefault(outcome.task, [])
            splits += [outcome.split] if outcome.split else []
    return found


def _rows(outcome: Outcome) -> str:
    if not outcome.rows:
        return ""
    of = f" of {outcome.found:,}" if outcome.found > outcome.rows else ""
    return f"{outcome.rows:,}{of}"
