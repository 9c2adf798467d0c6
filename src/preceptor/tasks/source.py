"""Rows of a task: shipped in the package, or files below the data root."""

import json
import os
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as parquet

from preceptor.artifact import file_digest
from preceptor.errors import RowError
from preceptor.records import Row
from preceptor.tasks.task import Task, expand

DATA_ROOT_VARIABLE = "PRECEPTOR_DATA"
LIBRARY = Path(str(resources.files("preceptor.tasks").joinpath("library")))
_ENDINGS = (".jsonl", ".parquet", ".csv")
_CSV_TYPES = {"str": pa.string(), "int": pa.int64(), "float": pa.float64(), "bool": pa.bool_()}


def data_root(setting: str | None) -> Path | None:
    """The folder of data sets: the setting, else $PRECEPTOR_DATA, else none.

    Raises:
        RowError: What was set is not a folder.
    """
    named = setting or os.environ.get(DATA_ROOT_VARIABLE)
    if not named:
        return None
    root = Path(named).expanduser()
    if not root.is_dir():
        said = "the data root" if setting else f"${DATA_ROOT_VARIABLE}"
        raise RowError(f"{said} {named} is not a folder; name the folder that holds the data sets")
    return root


def read_rows(task: Task, split: str, data_root: Path | None) -> list[Row]:
    """The rows of a split, in the order of the file.

    A row's id is its field ``id`` where every row has one of its own, else its line in the file,
    from 0. JSON lines, Parquet and CSV are read; CSV fields as the types that the task declares.

    Raises:
        RowError: The task has no such split, its file is missing or cannot be read (naming the
            line), a row is not an object, or there are no rows.
    """
    path = _file(task, split, data_root)
    found = {".jsonl": _json_lines, ".parquet": _parquet, ".csv": _csv}[path.suffix](path, task)
    if not found:
        raise RowError(f"{path} has no rows; fill it, or take the split out of {task.name!r}")
    ids = _ids(found)
    name = task.source.dataset
    rows = (
        Row(name, split, id, renamed(task, row)) for id, (_, row) in zip(ids, found, strict=True)
    )
    return [one for row in rows for one in expand(task, row)]


def renamed(task: Task, row: dict[str, object]) -> dict[str, object]:
    """The row with the task's names for fields that the source calls otherwise."""
    theirs = {
        there: ours
        for ours, there in task.source.rename.items()
        if there in row and ours not in row
    }
    return {theirs.get(name, name): value for name, value in row.items()} if theirs else row


def sample_rows(task: Task) -> list[Row]:
    """The made-up rows of a task file, in its source's layout."""
    rows = [
        Row(task.source.dataset, "sample", str(number), renamed(task, dict(fields)))
        for number, fields in enumerate(task.sample)
    ]
    return [one for row in rows for one in expand(task, row)]


def source_digest(task: Task, split: str, data_root: Path | None) -> str:
    """SHA-256 of the file that the rows of a split come from.

    Raises:
        RowError: The task has no such split, or its file is missing.
    """
    return file_digest(_file(task, split, data_root))


def splits_here(task: Task, data_root: Path | None) -> tuple[str, ...]:
    """The task's splits whose file is there."""
    if task.source.folder and data_root is None:
        return ()
    return tuple(split for split in task.source.splits if _candidates(task, split, data_root)[0])


def _candidates(task: Task, split: str, data_root: Path | None) -> tuple[list[Path], list[Path]]:
    """Files of a split: those that are there, and all that were looked for."""
    name = task.source.splits[split]
    if task.source.package:
        looked = [LIBRARY / "rows" / task.source.package / f"{name}.jsonl"]
    elif data_root is None:
        raise RowError(
            f"{task.name} needs rows of {task.source.folder!r}, but no data root is set; "
            f"set {DATA_ROOT_VARIABLE}, or data: in the recipe, to the folder of data sets"
        )
    else:
        looked = [data_root / task.source.folder / f"{name}{ending}" for ending in _ENDINGS]
    return [path for path in looked if path.is_file()], looked


def _file(task: Task, split: str, data_root: Path | None) -> Path:
    if split not in task.source.splits:
        there = ", ".join(task.source.splits)
        raise RowError(f"{task.name} has no split {split!r}; its splits are {there}")
    here, looked = _candidates(task, split, data_root)
    if here:
        return here[0]
    folder = looked[0].parent
    there = ", ".join(sorted(path.name for path in folder.iterdir())) if folder.is_dir() else ""
    names = " or ".join(path.name for path in looked)
    says = f"it has {there or 'nothing'}" if folder.is_dir() else "that folder does not exist"
    raise RowError(
        f"{task.name}, split {split}: no {names} in {folder}; {says}. Put the file there"
    )


Numbered = list[tuple[int, dict[str, object]]]
"""Rows with their line in the file, from 0."""


def _json_lines(path: Path, task: Task) -> Numbered:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RowError(f"{path} cannot be read as UTF-8 ({error})") from error
    rows: Numbered = []
    # Not splitlines(): a JSON string may hold U+2028 and its like as they are.
    for number, line in enumerate(text.split("\n")):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise RowError(f"{path}, line {number + 1}: not JSON ({error})") from error
        if not isinstance(row, dict):
            kind = type(row).__name__
            raise RowError(f"{path}, line {number + 1}: a row is a JSON object, found {kind}")
        rows.append((number, row))
    return rows


def _parquet(path: Path, task: Task) -> Numbered:
    try:
        return list(enumerate(parquet.read_table(path).to_pylist()))
    except (OSError, pa.ArrowException) as error:
        raise RowError(f"{path} is no Parquet file ({_line(error)})") from error


def _csv(path: Path, task: Task) -> Numbered:
    types = {name: _CSV_TYPES[kind] for name, kind in task.fields.items() if kind in _CSV_TYPES}
    try:
        table = arrow_csv.read_csv(
            path,
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(column_types=types),
        )
    except (OSError, pa.ArrowException) as error:
        raise RowError(f"{path} cannot be read as CSV ({_line(error)})") from error
    return list(enumerate(table.to_pylist()))


def _ids(rows: Sequence[tuple[int, dict[str, object]]]) -> list[str]:
    given = [row.get("id") for _, row in rows]
    named = [str(id) for id in given if isinstance(id, str | int) and not isinstance(id, bool)]
    if len(set(named)) == len(rows):
        return named
    return [str(number) for number, _ in rows]


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
