"""``preceptor tasks show``: one task, with everything its file says."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from preceptor.cli.options import AsJson, Data, Folders, console, print_json
from preceptor.errors import TaskError
from preceptor.tasks import catalogue, hub, source
from preceptor.tasks.licences import TERMS
from preceptor.tasks.names import did_you_mean
from preceptor.tasks.task import ANSWER_TARGET, Labels, Task
from preceptor.tasks.taskfile import read_task

Facts = Iterator[tuple[str, str | Text]]


def named(name: str, folders: Sequence[Path]) -> Task:
    """The task of a name, of the library or a folder of one's own.

    Raises:
        TaskError: There is none.
    """
    files = [f for folder in (source.LIBRARY, *folders) for f in catalogue.task_files(folder)]
    found = [file for file in files if file.stem == name]
    if len(found) == 1:  # a file is named after its task: the others need not be read
        return read_task(found[0])
    tasks = catalogue.load_tasks(folders)
    if name not in tasks:
        near = did_you_mean(name, tasks, "preceptor tasks list")
        raise TaskError(f"there is no task {name!r}{near}")
    return tasks[name]


def show(
    name: str, data: Data = None, tasks_folder: Folders = None, as_json: AsJson = False
) -> None:
    """One task: its source, its answer and its templates."""
    task = named(name, tasks_folder or ())
    root = source.data_root(data)
    if as_json:
        here = list(source.splits_here(task, root))
        extra = {"kind": task.kind, "digest": task.digest, "splits_here": here}
        print_json({**asdict(task), **extra})
        return
    to = console()
    to.print(Text.assemble((task.title, "bold"), (f"  {task.name}", "dim")))
    to.print(Text(task.about))
    for heading, facts in (
        ("Where its rows are", _rows(task, root)),
        ("What is asked", _answer(task)),
        ("Where it belongs", _place(task)),
    ):
        to.print(Text(f"\n{heading}", style="bold"))
        to.print(_table(facts))
    turned = sum(template.inverted for template in task.templates)
    said = f", {turned} of them inverted" if turned else ""
    to.print(Text(f"\n{len(task.templates)} templates{said}", style="bold"))
    for template in task.templates:
        to.print(panel(template.id, template.inverted, template.prompt, template.target))


def panel(name: str, inverted: bool, prompt: str, target: str, shots: int = 0) -> Panel:
    """A template, or a prompt made from it, with what is to be answered."""
    title = Text.assemble(
        (name, "bold"),
        (" inverted" if inverted else "", "magenta"),
        (f" {shots} exemplar{'s' * (shots > 1)}" if shots else "", "dim"),
    )
    shown = Text.assemble(("⇒ ", "bold green"), (target, "green"))
    if target == ANSWER_TARGET:
        return Panel(Text(prompt), title=title, title_align="left")
    return Panel(Group(Text(prompt), Text(""), shown), title=title, title_align="left")


def _table(facts: Facts) -> Table:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="dim", min_width=13, no_wrap=True)
    table.add_column()
    for name, value in facts:
        if value:
            table.add_row(name, Text(value) if isinstance(value, str) else value)
    return table


def _rows(task: Task, root: Path | None) -> Facts:
    from_ = task.source
    here = source.splits_here(task, root)
    if from_.package:
        yield "package", f"shipped: {', '.join(here)}"
    else:
        names = ", ".join(f"{name}.jsonl" for name in from_.splits.values())
        yield "folder", f"{from_.folder} in the data root: {names} (or .parquet, .csv)"
        yield "here", _here(task, here, root)
    yield "hub", from_.hub
    yield "configuration", from_.config
    yield "revision", from_.revision
    yield "slices", _lines(from_.hub_splits, " = ")
    yield "size", f"{from_.size:,} rows in the hub's training split" if from_.size else ""
    yield "renamed", _lines(from_.rename, " is its ")
    yield "access", from_.access if from_.access != "open" else ""
    yield "how", from_.how
    yield "licence", task.licence + (f": {TERMS[task.licence]}" if task.licence in TERMS else "")
    yield "samples", f"{len(task.sample)} made-up rows in the file" if task.sample else ""


def _here(task: Task, here: tuple[str, ...], root: Path | None) -> Text:
    if root is None:
        return Text(f"no data root is set (${source.DATA_ROOT_VARIABLE}, or --data)", "yellow")
    if not here:
        fetch = f"; preceptor tasks fetch {task.name}" if task.source.hub_splits else ""
        return Text(f"no rows{fetch}", "yellow")
    return Text(", ".join(_split(task, split, root) for split in here), "green")


def _split(task: Task, split: str, root: Path) -> str:
    """A split that is here, and how it came."""
    file = source.source_file(task, split, root)
    note = hub.note_of(file) if split in task.source.hub_splits else None
    if note is None:
        return split
    said = f" of {note.found:,}" if note.sampled else ""
    return f"{split} (fetched, {note.rows:,}{said} rows)"


def _answer(task: Task) -> Facts:
    yield "fields", ", ".join(f"{name}: {kind}" for name, kind in task.fields.items())
    yield "each", task.each
    yield "keep", task.keep
    yield "values", _lines({k: v for k, v in task.values.items() if k != v})
    if task.labels is not None:
        yield "label", task.labels.field
        yield "options", _labels(task.labels)
        for copy, names in task.labels.ids.items():
            known = ", ".join(f"{value!r} {name}" for value, name in names.items())
            used = " (the folder's rows)" if copy == task.source.layout else ""
            yield "other ids", f"{copy}: {known}{used}"
    if task.choices is not None:
        yield "options", task.choices.options
        yield "right one", task.choices.answer
    yield "answer", task.answer
    yield "references", task.references
    yield "metric", task.metric + (f", {task.max_new_tokens} tokens at most" if task.answer else "")
    yield "reported", ", ".join(task.reported)


def _labels(labels: Labels) -> str:
    """Each option as a model reads it, with its name and its value in the rows."""
    values: dict[str, list[str]] = {}
    for value, name in labels.names.items():
        values.setdefault(name, []).append(repr(value))
    width = max(len(words) for words in labels.words.values()) + 2
    return "\n".join(
        f"{words:<{width}}{name} ({', '.join(values[name])})"
        for name, words in labels.words.items()
    )


def _place(task: Task) -> Facts:
    yield "cluster", task.cluster
    yield "category", task.category
    yield "collection", task.collection
    yield "rows of", ", ".join(task.provenance)
    yield "quotes", ", ".join(task.corpora)
    yield "held out with", ", ".join(task.held_out_with)


def _lines(pairs: Mapping[str, str], sign: str = ": ") -> str:
    return "\n".join(f"{key}{sign}{' '.join(value.split())}" for key, value in pairs.items())
