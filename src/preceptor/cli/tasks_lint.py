"""``preceptor tasks lint``: the checks of task files, with the rows that are here."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from preceptor import draws
from preceptor.cli.options import AsJson, Data, Folders, console, print_json
from preceptor.errors import RowError
from preceptor.progress import bar
from preceptor.records import Row
from preceptor.tasks import catalogue, source
from preceptor.tasks.lint import Finding, lint_task
from preceptor.tasks.task import Task

SEVERITIES = {"error": "red", "warning": "yellow"}


@dataclass(frozen=True, slots=True)
class Linted:
    """What lint found in one task."""

    task: str
    findings: list[Finding]
    rows: int
    """Rows that its templates were tried on, those that its file makes up among them."""


def linted(tasks: Iterable[Task], root: Path | None, most: int) -> Iterator[Linted]:
    """Check tasks one by one, with a sample of at most ``most`` rows of each split that is here
    (0: all of them) and the made-up rows of their files."""
    for task in tasks:
        rows: list[Row] = []
        broken: list[Finding] = []
        for split in source.splits_here(task, root):
            try:
                rows += _rows(task, split, root, most)
            except RowError as error:
                broken.append(Finding(task.name, "", "error", str(error)))
        made_up = 0 if broken else len(source.sample_rows(task))
        found = broken or lint_task(task, rows)
        yield Linted(task.name, found, len(rows) + made_up)


def _rows(task: Task, split: str, root: Path | None, most: int) -> list[Row]:
    picked = None
    if most:
        there = source.scan(source.source_file(task, split, root), task).rows
        if there > most:
            picked = frozenset(draws.sample(there, most, 0, "lint", task.name, split))
    return [row for _, row in source.stream_rows(task, split, root, picked)]


def lint(
    names: Annotated[
        list[str] | None, typer.Argument(help="Tasks, clusters, category:qa, ...; all without.")
    ] = None,
    rows: Annotated[int, typer.Option(min=0, help="Tried of each split at most; 0 = all.")] = 1000,
    data: Data = None,
    tasks_folder: Folders = None,
    as_json: AsJson = False,
) -> None:
    """Check tasks, and try every template on rows that are here; exit 1 on an error."""
    tasks = catalogue.load_tasks(tasks_folder or ())
    chosen = catalogue.select(tasks, names) if names else list(tasks.values())
    results = []
    with bar("lint", len(chosen)) as moving:
        for one in linted(chosen, source.data_root(data), rows):
            results.append(one)
            moving.advance(1, one.task)
    found = [finding for one in results for finding in one.findings]
    if as_json:
        print_json([asdict(finding) for finding in found])
    else:
        for line in (*map(_line, found), _summary(results, found)):
            console().print(line)
    if any(finding.severity == "error" for finding in found):
        raise typer.Exit(1)


def _line(finding: Finding) -> Text:
    where = f"{finding.task}/{finding.template}" if finding.template else finding.task
    style = SEVERITIES[finding.severity]
    return Text.assemble((f"{finding.severity:<7}", style), f"  {where}: ", finding.message)


def _summary(results: Sequence[Linted], found: Sequence[Finding]) -> Text:
    counts = Counter(finding.severity for finding in found)
    tasks, rows = len(results), sum(one.rows for one in results)
    line = Text(f"{tasks:,} task{'' if tasks == 1 else 's'}, {rows:,} rows: ")
    for severity, style in SEVERITIES.items():
        number = sum(n for name, n in counts.items() if name == severity)
        with_any = len({f.task for f in found if f.severity == severity})
        said = f"{number} {severity}{'' if number == 1 else 's'}"
        where = f" in {with_any} of them" if number and tasks > 1 else ""
        line.append(said, style if number else "green").append(where)
        line.append(", " if severity == "error" else "")
    return line
