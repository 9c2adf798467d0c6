"""``preceptor data lm-eval``: tasks of the library for lm-evaluation-harness."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from preceptor.cli.tasks import AsJson, Data, Folders
from preceptor.errors import RowError
from preceptor.tasks import catalogue, source
from preceptor.tasks.lm_eval_export import Exported, export
from preceptor.tasks.task import Task


def lm_eval_export(
    names: Annotated[list[str], typer.Argument(help="Tasks, clusters or category:qa.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Gets a folder for each task.", metavar="FOLDER")
    ],
    split: Annotated[str, typer.Option(help="Whose rows are asked.")] = "test",
    rows: Annotated[int | None, typer.Option(min=1, help="Only the first so many.")] = None,
    data: Data = None,
    tasks_folder: Folders = None,
    as_json: AsJson = False,
) -> None:
    """Write tasks for lm-evaluation-harness, one of its tasks for each template.

    Of a cluster or category, tasks whose rows cannot be had are left out and said; a task that is
    named itself stops the work.
    """
    chosen = catalogue.select(catalogue.load_tasks(tasks_folder or ()), names)
    root = source.data_root(data)
    left: dict[str, str] = {}
    # All rows are read before anything is written.
    read = []
    for task in chosen:
        with _left_out(task, names, left):
            read.append((task, source.read_rows(task, split, root)[:rows]))
    made: list[Exported] = []
    for task, found in read:
        with _left_out(task, names, left):
            made.append(export(task, found, output))
    if as_json:
        not_made = [{"task": name, "not_exported": reason} for name, reason in left.items()]
        entries = [*map(_entry, made), *not_made]
        print(json.dumps(entries, indent=2, ensure_ascii=False))
    else:
        _say(made, left, output)
    if not made:
        raise RowError(f"none of {len(left)} tasks was exported; name --data, or another --split")


@contextmanager
def _left_out(task: Task, names: Sequence[str], left: dict[str, str]) -> Iterator[None]:
    """Note why a task is not exported; raise it for one that is named itself."""
    try:
        yield
    except RowError as error:
        if task.name in names:
            raise
        left[task.name] = str(error)


def _say(made: Sequence[Exported], left: Mapping[str, str], output: Path) -> None:
    console = Console(soft_wrap=True)
    for one in made:
        lacking = f"; lm-eval has no {', '.join(one.not_equal)}" if one.not_equal else ""
        dropped = f", {one.left_out} left out" if one.left_out else ""
        console.print(
            Text(f"{one.group}: {len(one.tasks)} templates, {one.rows} rows{dropped}{lacking}")
        )
    for name, reason in left.items():
        console.print(Text(f"not exported: {name}: {reason.removeprefix(name).lstrip(', ')}"))
    groups = ",".join(one.group for one in made)
    if made:
        console.print(Text(f"\nlm_eval run --include_path {output.resolve()} --tasks {groups} ..."))


def _entry(one: Exported) -> dict[str, object]:
    return {
        "group": one.group,
        "tasks": list(one.tasks),
        "folder": str(one.folder),
        "rows": one.rows,
        "left_out": one.left_out,
        "not_equal": list(one.not_equal),
    }
