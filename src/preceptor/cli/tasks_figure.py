"""``preceptor tasks figure``: the library's clusters, or a task's templates, as a drawing."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from preceptor.artifact import storage_errors, write_atomically
from preceptor.cli.options import AsJson, Data, Folders, console, print_json
from preceptor.cli.tasks_show import named
from preceptor.records import Row
from preceptor.tasks import catalogue, source
from preceptor.tasks.figures.clusters import WIDTH, clusters_figure
from preceptor.tasks.figures.templates import templates_figure
from preceptor.tasks.task import Prepared, Task, prepare


def figure(
    name: Annotated[
        str | None, typer.Argument(help="A task, for its templates; without it all clusters.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Else task-clusters.svg here.", metavar="FILE"),
    ] = None,
    width: Annotated[
        int, typer.Option(min=300, max=4000, help="In pixels; 380 suits a phone.")
    ] = round(WIDTH),
    data: Data = None,
    tasks_folder: Folders = None,
    as_json: AsJson = False,
) -> None:
    """Draw the clusters with their data sets, or the templates of a task, as SVG."""
    if name is None:
        drawn = clusters_figure(catalogue.load_tasks(tasks_folder or ()).values(), width)
    else:
        task = named(name, tasks_folder or ())
        drawn = templates_figure(task, example_row(task, source.data_root(data)), width)
    file = output or Path("task-clusters.svg" if name is None else f"{name}-templates.svg")
    with storage_errors(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, drawn.encode())
    if as_json:
        print_json({"file": str(file)})
    else:
        console().print(Text.assemble("Drawn: ", (str(file), "bold")), soft_wrap=True)


def example_row(task: Task, root: Path | None) -> tuple[Row, Prepared] | None:
    """A row to show: made up by the task's file, which anyone may print, else the first that is
    here; None where there is none.

    Raises:
        RowError: Rows that are here cannot be read.
    """
    rows = iter(source.sample_rows(task))
    if not task.sample:
        here = source.splits_here(task, root)
        rows = (row for split in here[:1] for _, row in source.stream_rows(task, split, root))
    return next(((row, made) for row in rows if (made := prepare(task, row)) is not None), None)
