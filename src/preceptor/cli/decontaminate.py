"""``preceptor data decontaminate``: training data without what is evaluated, and its proof."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from preceptor import progress
from preceptor.artifact import storage_errors, write_json
from preceptor.aside import aside
from preceptor.cli.options import AsJson, Data, Folders, console, print_json
from preceptor.decontamination import files
from preceptor.decontamination.certificate import certify
from preceptor.decontamination.findings import Finding
from preceptor.decontamination.index import Index, build_index
from preceptor.decontamination.items import Benchmark, benchmark
from preceptor.decontamination.passes import Pass
from preceptor.decontamination.report import Report
from preceptor.decontamination.settings import KINDS, Settings
from preceptor.decontamination.stock import wording_of
from preceptor.errors import ArtifactError, RowError, StageError
from preceptor.tasks import catalogue, source
from preceptor.tasks.task import Task

DEFAULTS = Settings()
REPORT, CERTIFICATE, REMOVED = "report.json", "certificate.json", "removed.jsonl"

Training = Annotated[
    Path,
    typer.Argument(help="Training data: .jsonl, or .parquet such as a mixture's.", metavar="FILE"),
]
Against = Annotated[
    list[str],
    typer.Option(help="A task, cluster or category:qa; may be given again.", metavar="TASKS"),
]
Output = Annotated[Path, typer.Option("--output", "-o", help="A new folder.", metavar="FOLDER")]


def decontaminate(
    training: Training,
    against: Against,
    output: Output,
    split: Annotated[str, typer.Option(help="What is evaluated of each task.")] = "test",
    passages: Annotated[
        bool, typer.Option("--passages", help="Remove what shares a passage only, too.")
    ] = False,
    fragments: Annotated[
        bool, typer.Option(help="Remove what shares a small part of a question only.")
    ] = True,
    n: Annotated[int, typer.Option(help="Words in a row that count as shared.")] = DEFAULTS.n,
    near: Annotated[
        float, typer.Option(help="Share of word pairs that makes a near copy; 0 = off.")
    ] = DEFAULTS.near,
    stock: Annotated[
        Path | None,
        typer.Option(help="Text file of phrases to ignore, one a line.", metavar="FILE"),
    ] = None,
    data: Data = None,
    tasks_folder: Folders = None,
    as_json: AsJson = False,
) -> None:
    """Remove training examples that hold evaluation items; write what is left and the proof.

    The input is read only. The folder gets the kept rows, the removed ones with reasons, a report
    and a certificate.
    """
    settings = Settings(
        n=n,
        least=min(DEFAULTS.least, n),
        near=near,
        remove=tuple(
            kind
            for kind in KINDS
            if (kind in DEFAULTS.remove and (fragments or kind != "fragment"))
            or (passages and kind == "passage")
        ),
    )
    _check_free(output)
    tasks = catalogue.load_tasks(tasks_folder or ())
    root = source.data_root(data)
    chosen, not_checked = _chosen(tasks, against, split, root)
    next(files.chunks(training), None)  # a wrong file is refused before the index is made
    index = _index(chosen, split, root, settings, (*wording_of(tasks.values()), *_phrases(stock)))
    with _new_folder(output) as folder:
        done = _sorted(training, index, folder)
        kept = folder / f"kept{training.suffix}"
        certificate = certify(done, files.examples(kept))
        report = done.report()
        write_json(folder / REPORT, {**asdict(report), "not_checked": not_checked})
        write_json(folder / CERTIFICATE, certificate)
        if certificate["residual"]["removable"]:
            raise StageError(
                f"a second pass over the kept rows still finds {certificate['residual']}; nothing "
                "was published. This is a fault of Preceptor: please report it"
            )
    if as_json:
        print_json(_summary(report, not_checked, output))
    else:
        _print(report, not_checked, output, console())


def _chosen(
    tasks: Mapping[str, Task], names: Sequence[str], split: str, root: Path | None
) -> tuple[list[Task], dict[str, str]]:
    """The tasks to check against, and why others of a cluster or category are not.

    A task that is named itself must be there: reading it says what is missing.

    Raises:
        TaskError: A name is none of a task, cluster or category.
        RowError: No task of the clusters and categories has rows here.
    """
    chosen: list[Task] = []
    not_checked: dict[str, str] = {}
    for task in catalogue.select(tasks, names):
        if task.name in names or split in source.splits_here(task, root):
            chosen.append(task)
        elif split in task.source.splits:
            not_checked[task.name] = f"its rows of {split} are not here"
        else:
            not_checked[task.name] = f"it has no split {split}"
    if not chosen:
        raise RowError(
            f"none of {', '.join(names)} has rows of {split} here; name the folder of data sets "
            f"with --data or ${source.DATA_ROOT_VARIABLE}"
        )
    return chosen, not_checked


def _phrases(path: Path | None) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines() if path else []
    except (OSError, UnicodeDecodeError) as error:
        raise RowError(f"{path} cannot be read as UTF-8 ({error})") from error


def _index(
    tasks: Sequence[Task],
    split: str,
    root: Path | None,
    settings: Settings,
    wording: Sequence[str],
) -> Index:
    with progress.bar("read items", len(tasks)) as bar:

        def read() -> Iterator[Benchmark]:
            for task in tasks:
                yield benchmark(task, split, root)
                bar.advance(note=task.name)

        return build_index(read(), settings, wording)


def _check_free(output: Path) -> None:
    """Refuse an output that is there, before any work.

    Raises:
        ArtifactError: It is a file, or a folder with something in it.
    """
    if output.exists() and not (output.is_dir() and not any(output.iterdir())):
        raise ArtifactError(f"{output} is there already; name a new folder for the output")


@contextmanager
def _new_folder(output: Path) -> Iterator[Path]:
    """A folder beside the output, renamed to it when all went well and removed when not.

    Raises:
        StorageError: The disk is full or may not be written.
    """
    with storage_errors(output), aside(output) as folder:
        folder.mkdir()
        yield folder
        os.rename(folder, output)


def _sorted(training: Path, index: Index, folder: Path) -> Pass:
    """The pass over a file, its rows written as kept or removed."""
    done = Pass(index)
    with (
        progress.bar("decontaminate", files.count_rows(training)) as bar,
        files.writer(folder / f"kept{training.suffix}", training) as write,
        (folder / REMOVED).open("w", encoding="utf-8") as removed,
    ):
        for chunk in files.chunks(training):
            answers = done.check(chunk.examples)
            write(chunk, [kept for kept, _ in answers])
            for number, row, (kept, findings) in zip(
                chunk.numbers, chunk.rows, answers, strict=True
            ):
                if not kept:
                    removed.write(_removed(number, row, findings))
            bar.advance(len(chunk.rows))
    if not done.seen.examples:
        raise RowError(f"{training} has no rows; there is nothing to check")
    return done


def _removed(number: int, row: Mapping[str, Any], findings: Sequence[Finding]) -> str:
    line = {
        "line": number,
        "example": findings[0].example,
        "reasons": [
            {name: value for name, value in asdict(one).items() if name != "example"}
            for one in findings
        ],
        "row": row,
    }
    # A row may hold half of a surrogate pair, which only JSON's own escapes can write.
    text = json.dumps(line, ensure_ascii=False, default=str)
    return (text if _writable(text) else json.dumps(line, default=str)) + "\n"


def _writable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _summary(report: Report, not_checked: Mapping[str, str], output: Path) -> dict[str, object]:
    return {
        "output": str(output),
        "checked": report.checked,
        "removed": report.removed,
        "kept": report.checked - report.removed,
        "examples": report.kinds,
        "removed_by_task": report.removed_by_task,
        "benchmarks": {
            one.benchmark.name: {
                "items": one.benchmark.items,
                "touched": one.touched,
                "items_by_kind": one.items,
                "examples_by_kind": one.examples,
            }
            for one in report.benchmarks
        },
        "not_checked": dict(not_checked),
    }


def _print(report: Report, not_checked: Mapping[str, str], output: Path, out: Console) -> None:
    touched = [one for one in report.benchmarks if one.touched]
    if touched:
        kinds = [kind for kind in KINDS if any(kind in one.items for one in touched)]
        table = Table(title="Items of which the training data hold something, by the worst of it")
        table.add_column("benchmark", no_wrap=True)
        for name in ("items", "touched", *kinds, "examples"):
            table.add_column(name, justify="right")
        for one in touched:
            table.add_row(
                Text(one.benchmark.name),
                f"{one.benchmark.items:,}",
                f"{one.touched:,}",
                *(f"{one.items[kind]:,}" if kind in one.items else "" for kind in kinds),
                f"{sum(one.examples.values()):,}",
            )
        out.print(table)
        for one in touched:
            first = one.shown[0]
            out.print(
                Text(f"{first.kind}: {first.example} and {first.item}: ").append(
                    first.text, style="dim"
                )
            )
    clean = len(report.benchmarks) - len(touched)
    out.print(f"{clean} of {len(report.benchmarks)} benchmarks are untouched")
    for name, reason in not_checked.items():
        out.print(Text(f"not checked: {name}: {reason}"))
    out.print(
        f"{report.checked:,} rows checked, {report.removed:,} removed, "
        f"{report.checked - report.removed:,} kept"
    )
    out.print(Text.assemble("Written to ", (str(output), "bold")))
