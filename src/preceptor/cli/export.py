"""``preceptor data lm-eval``: tasks of the library for lm-evaluation-harness."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from preceptor.cli.tasks import AsJson, Data, Folders
from preceptor.tasks import catalogue, source
from preceptor.tasks.lm_eval_export import Exported, export


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
    """Write tasks for lm-evaluation-harness, one of its tasks for each template."""
    chosen = catalogue.select(catalogue.load_tasks(tasks_folder or ()), names)
    root = source.data_root(data)
    # All rows are read before anything is written.
    read = [source.read_rows(task, split, root)[:rows] for task in chosen]
    made = [export(task, found, output) for task, found in zip(chosen, read, strict=True)]
    if as_json:
        print(json.dumps([_entry(one) for one in made], indent=2, ensure_ascii=False))
        return
    console = Console(soft_wrap=True)
    for one in made:
        lacking = f"; lm-eval has no {', '.join(one.not_equal)}" if one.not_equal else ""
        left = f", {one.left_out} left out" if one.left_out else ""
        console.print(
            Text(f"{one.group}: {len(one.tasks)} templates, {one.rows} rows{left}{lacking}")
        )
    groups = ",".join(one.group for one in made)
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
