"""``preceptor tasks``: the library, a task, rendered examples with real rows, the checks."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import groupby, islice
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from preceptor.errors import RowError, TaskError
from preceptor.records import Example
from preceptor.tasks import catalogue, source
from preceptor.tasks.lint import Finding, lint_task
from preceptor.tasks.names import did_you_mean
from preceptor.tasks.task import Task, Template, prepare
from preceptor.tasks.template import render

app = typer.Typer(help="The task library: list, show, preview, lint.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Data = Annotated[
    str | None,
    typer.Option(
        "--data", help="Folder of data sets; without it $PRECEPTOR_DATA.", metavar="FOLDER"
    ),
]
Folders = Annotated[
    list[Path] | None,
    typer.Option("--tasks-folder", help="A folder of your own tasks; may be given again."),
]


def listing(tasks: Iterable[Task], root: Path | None) -> list[dict[str, object]]:
    """One entry a task, by cluster, then category, then name."""
    ordered = sorted(tasks, key=lambda task: (not task.cluster, _group(task), task.name))
    return [
        {
            "task": task.name,
            "title": task.title,
            "cluster": task.cluster,
            "category": task.category,
            "kind": task.kind,
            "metric": task.metric,
            "templates": len(task.templates),
            "inverted": sum(template.inverted for template in task.templates),
            "licence": task.licence,
            "splits": list(task.source.splits),
            "splits_here": list(source.splits_here(task, root)),
        }
        for task in ordered
    ]


def examples(
    task: Task, split: str, templates: Sequence[Template], rows: int, root: Path | None
) -> list[Example]:
    """The first rows that the task keeps, each under every template.

    Raises:
        RowError: The rows cannot be read or none is kept.
    """
    read = source.read_rows(task, split, root)
    kept = ((row, prepared) for row in read if (prepared := prepare(task, row)) is not None)
    made = [
        render(task, template, prepared, row)
        for row, prepared in islice(kept, rows)
        for template in templates
    ]
    if not made:
        raise RowError(f"{task.name} keeps none of the {len(read)} rows of {split}; see its keep")
    return made


def findings(tasks: Iterable[Task], root: Path | None) -> list[Finding]:
    """What lint finds in tasks, with all their rows that are here."""
    return [
        finding
        for task in tasks
        for finding in lint_task(
            task,
            [
                row
                for split in source.splits_here(task, root)
                for row in source.read_rows(task, split, root)
            ],
        )
    ]


@app.command("list")
def list_command(data: Data = None, tasks_folder: Folders = None, as_json: AsJson = False) -> None:
    """The tasks there are, and whether their rows are here."""
    tasks = catalogue.load_tasks(tasks_folder or ())
    entries = listing(tasks.values(), source.data_root(data))
    if as_json:
        _print_json(entries)
        return
    console = Console()
    width = max(len(name) for name in tasks)
    for group, members in groupby(entries, key=lambda entry: _group(tasks[str(entry["task"])])):
        console.print(Text(f"\n{group}", style="bold"))
        console.print(_entry_table(list(members), width))
    here = sum(bool(entry["splits_here"]) for entry in entries)
    console.print(f"\n{len(entries)} tasks; rows of {here} are here")


@app.command()
def show(name: str, tasks_folder: Folders = None, as_json: AsJson = False) -> None:
    """One task: its source, its answer and its templates."""
    task = _task(name, tasks_folder)
    if as_json:
        _print_json({**asdict(task), "kind": task.kind, "digest": task.digest})
        return
    Console().print(Group(Text(task.title, style="bold"), Text(task.about), _facts(task)))
    for template in task.templates:
        Console().print(_panel(template.id, template.inverted, template.prompt, template.target))


@app.command()
def preview(
    name: str,
    rows: Annotated[int, typer.Option(min=1, help="How many rows to show.")] = 2,
    template: Annotated[str | None, typer.Option(help="Only this template.")] = None,
    split: Annotated[str | None, typer.Option(help="Without it, the task's first.")] = None,
    data: Data = None,
    tasks_folder: Folders = None,
    as_json: AsJson = False,
) -> None:
    """Rows as a model sees them, under each template."""
    task = _task(name, tasks_folder)
    chosen = [t for t in task.templates if template in (None, t.id)]
    if not chosen:
        near = did_you_mean(str(template), [t.id for t in task.templates])
        raise TaskError(f"{name} has no template {template!r}{near}")
    where = split or next(iter(task.source.splits))
    made = examples(task, where, chosen, rows, source.data_root(data))
    if as_json:
        _print_json([asdict(example) for example in made])
        return
    for row, group in groupby(made, key=lambda example: example.row):
        Console().rule(Text(row), align="left")
        for one in group:
            Console().print(_panel(one.template, one.inverted, one.prompt, one.target))


@app.command()
def lint(
    names: Annotated[
        list[str] | None, typer.Argument(help="Tasks, clusters or category:qa; all without.")
    ] = None,
    data: Data = None,
    tasks_folder: Folders = None,
    as_json: AsJson = False,
) -> None:
    """Check tasks and render every template on every row that is here; exit 1 on an error."""
    tasks = catalogue.load_tasks(tasks_folder or ())
    chosen = catalogue.select(tasks, names) if names else list(tasks.values())
    found = findings(chosen, source.data_root(data))
    errors = sum(finding.severity == "error" for finding in found)
    if as_json:
        _print_json([asdict(finding) for finding in found])
    else:
        console = Console()
        for finding in found:
            console.print(_finding_line(finding))
        console.print(f"{len(chosen)} tasks: {errors} errors, {len(found) - errors} warnings")
    if errors:
        raise typer.Exit(1)


def _task(name: str, folders: list[Path] | None) -> Task:
    tasks = catalogue.load_tasks(folders or ())
    if name not in tasks:
        raise TaskError(f"there is no task {name!r}{did_you_mean(name, tasks)}")
    return tasks[name]


def _group(task: Task) -> str:
    return task.cluster or f"{catalogue.CATEGORY_PREFIX}{task.category}"


def _entry_table(entries: Sequence[dict[str, object]], width: int) -> Table:
    """One group's tasks, in columns as wide in every group."""
    table = Table(box=None, show_header=False, expand=True)
    table.add_column(min_width=width, no_wrap=True)
    for least in (7, 11, 12, 10):
        table.add_column(min_width=least, no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis", style="dim", ratio=1)
    for entry in entries:
        here, splits = entry["splits_here"], entry["splits"]
        assert isinstance(here, list)
        style = "green" if here == splits else "yellow" if here else "dim"
        table.add_row(
            f"{entry['task']}",
            f"{entry['kind']}",
            f"{entry['metric']}",
            f"{entry['templates']} templates",
            Text(" ".join(here) or "no rows", style=style),
            Text(f"{entry['licence']}"),
        )
    return table


def _facts(task: Task) -> Table:
    facts = Table(show_header=False, box=None)
    facts.add_column(style="dim")
    facts.add_column()
    where = task.source.folder or f"{task.source.package} (in the package)"
    answer = task.answer
    if task.labels is not None:
        answer = " / ".join(task.labels.words.values())
    elif task.choices is not None:
        answer = f"one of {task.choices.options}"
    entries = {
        "cluster": task.cluster,
        "category": task.category,
        "rows": f"{where}: {', '.join(task.source.splits)}",
        "hub": " ".join((task.source.hub, task.source.config)).strip(),
        "licence": task.licence,
        "held out with": ", ".join(task.provenance),
        "keep": task.keep,
        "answer": answer,
        "metric": task.metric,
    }
    for name, value in entries.items():
        if value:
            facts.add_row(name, Text(value))
    return facts


def _panel(name: str, inverted: bool, prompt: str, target: str) -> Panel:
    title = Text(name + (" (inverted)" if inverted else ""), style="bold")
    body = Group(Text(prompt), Text(""), Text.assemble(("⇒ ", "bold green"), (target, "green")))
    return Panel(body, title=title, title_align="left")


def _finding_line(finding: Finding) -> Text:
    style = "red" if finding.severity == "error" else "yellow"
    where = f"{finding.task}/{finding.template}" if finding.template else finding.task
    return Text.assemble((finding.severity, style), "  ", (where, "bold"), f"  {finding.message}")


def _print_json(value: object) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))
