"""Rows of a task: shipped in the package, or files below the data root."""

import hashlib
import json
import os
import re
from array import array
from collections.abc import Container, Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as parquet

from preceptor.artifact import file_digest
from preceptor.errors import RowError
from preceptor.records import Row
from preceptor.tasks.slices import parse_slice
from preceptor.tasks.task import Task, expand

DATA_ROOT_VARIABLE = "PRECEPTOR_DATA"
LIBRARY = Path(str(resources.files("preceptor.tasks").joinpath("library")))
BATCH = 1024
"""Rows of a Parquet file held at a time."""
_HEAD = 64
_PARQUET = b"PAR1"
_MARKS = {
    b"\x1f\x8b": "is packed with gzip; unpack it (gunzip)",
    b"PK\x03\x04": "is a zip archive; unpack it (unzip)",
    b"\x28\xb5\x2f\xfd": "is packed with zstd; unpack it (unzstd)",
    b"\xff\xfe": "is UTF-16 text; save it as UTF-8",
    b"\xfe\xff": "is UTF-16 text; save it as UTF-8",
    b"version https://git-lfs": "is a pointer of Git LFS, not the data; run git lfs pull there",
}
"""First bytes of files that are not what their name says, and what is said of them."""
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
    """The rows of a split, in the order of the file; those of ``stream_rows``, held.

    Raises:
        RowError: As for ``stream_rows``.
    """
    return [row for _, row in stream_rows(task, split, data_root)]


def stream_rows(
    task: Task, split: str, data_root: Path | None, picked: Container[int] | None = None
) -> Iterator[tuple[int, Row]]:
    """The rows of a split one by one, each with its place in the file, in the order of the file.

    A row's id is its field ``id`` where every row has one of its own, else its line in the file,
    from 0. JSON lines, Parquet and CSV are read; CSV fields as the types that the task declares.
    The file is read twice, once for the ids; what is held does not grow with it.

    Args:
        picked: Only the rows at these places. They count from 0 and pass over blank lines; the
            items of one row (``each``) share its place.

    Raises:
        RowError: The task has no such split, its file is missing or cannot be read (naming the
            line), a row is not an object, or there are no rows.
    """
    path = source_file(task, split, data_root)
    found = scan(path, task)
    if not found.rows:
        raise RowError(f"{path} has no rows; fill it, or take the split out of {task.name!r}")
    name = task.source.dataset
    layout = "" if _is_fetched(task, split, path, data_root) else task.source.layout
    for place, (number, fields) in enumerate(_numbered(path, task)):
        if picked is None or place in picked:
            id = str(fields["id"]) if found.own_ids else str(number)
            for row in expand(task, Row(name, split, id, renamed(task, fields), layout)):
                yield place, row


@dataclass(frozen=True, slots=True)
class Scan:
    """What one pass over a file tells."""

    rows: int
    own_ids: bool
    """Every row has an ``id`` that no other has."""


def scan(path: Path, task: Task) -> Scan:
    """Count the rows of a file and look at their ids, 8 bytes held for each.

    Raises:
        RowError: It cannot be read.
    """
    hashes = array("Q")
    rows = 0
    named = True
    for _, fields in _numbered(path, task):
        rows += 1
        id = fields.get("id")
        named = named and isinstance(id, str | int) and not isinstance(id, bool)
        if named:
            found = hashlib.blake2b(str(id).encode("utf-8", "surrogatepass"), digest_size=8)
            hashes.append(int.from_bytes(found.digest(), "little"))
    return Scan(rows, named and len(np.unique(np.asarray(hashes))) == rows)


def _numbered(path: Path, task: Task) -> Iterator[tuple[int, dict[str, Any]]]:
    readers = {".jsonl": _json_lines, ".parquet": _parquet, ".csv": _csv}
    if other := _another_kind(path):
        raise RowError(f"{path} {other}")
    return readers[path.suffix](path, task)


def _another_kind(path: Path) -> str:
    """What a file is by its first bytes and what to do, where its name says otherwise."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
            file.seek(max(0, file.seek(0, os.SEEK_END) - len(_PARQUET)))
            end = file.read()
    except OSError as error:
        raise RowError(f"{path} cannot be read ({error})") from error
    for mark, said in _MARKS.items():
        if head.startswith(mark):
            return said
    if path.suffix != ".parquet":
        # A CSV file may begin like Parquet, but does not end so, too.
        parquet_too = head.startswith(_PARQUET) and end == _PARQUET
        return "is a Parquet file; rename it to .parquet" if parquet_too else ""
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[")):
        return "is no Parquet file but JSON text; if it has one object a line, rename it to .jsonl"
    if head and not head.startswith(_PARQUET) and not re.search(rb"[^\t\n\r -~\x80-\xff]", head):
        return "is no Parquet file but text; rename it to .csv or .jsonl, whichever it is"
    return ""


def renamed(task: Task, row: dict[str, Any]) -> dict[str, Any]:
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
        Row(
            task.source.dataset,
            "sample",
            str(number),
            renamed(task, dict(fields)),
            task.source.layout,
        )
        for number, fields in enumerate(task.sample)
    ]
    return [one for row in rows for one in expand(task, row)]


def source_digest(task: Task, split: str, data_root: Path | None) -> str:
    """SHA-256 of the file that the rows of a split come from.

    Raises:
        RowError: The task has no such split, or its file is missing.
    """
    return file_digest(source_file(task, split, data_root))


def fetched_file(task: Task, split: str, data_root: Path) -> Path:
    """Where ``hub.fetch`` puts the rows of a split. Tasks with the same slice share the file."""
    source = task.source
    slice = parse_slice(source.hub_splits[split])
    bounds = ["" if bound is None else str(bound) for bound in (slice.start, slice.stop)]
    name = "_".join([slice.split, *bounds]) if any(bounds) else slice.split
    folder = source.hub.replace("/", "--")
    return data_root / "hub" / folder / (source.config or "default") / f"{name}.parquet"


def _is_fetched(task: Task, split: str, path: Path, data_root: Path | None) -> bool:
    known = data_root is not None and split in task.source.hub_splits
    return known and data_root is not None and path == fetched_file(task, split, data_root)


def splits_here(task: Task, data_root: Path | None) -> tuple[str, ...]:
    """The task's splits whose file is there."""
    if task.source.folder and data_root is None:
        return ()
    return tuple(split for split in splits_of(task) if _candidates(task, split, data_root)[0])


def splits_of(task: Task) -> tuple[str, ...]:
    """The splits that a task can have rows of: in its folder, or from the hub."""
    return tuple(dict.fromkeys((*task.source.splits, *task.source.hub_splits)))


def _candidates(task: Task, split: str, data_root: Path | None) -> tuple[list[Path], list[Path]]:
    """Files of a split: those that are there, and all that were looked for."""
    name = task.source.splits.get(split, split)
    if task.source.package:
        looked = [LIBRARY / "rows" / task.source.package / f"{name}.jsonl"]
    elif data_root is None:
        raise RowError(
            f"{task.name} needs rows of {task.source.folder!r}, but no data root is set; "
            f"set {DATA_ROOT_VARIABLE}, or data: in the recipe, or give --data, to name the folder "
            "of data sets"
        )
    else:
        looked = [data_root / task.source.folder / f"{name}{ending}" for ending in _ENDINGS]
        if split in task.source.hub_splits:
            looked.insert(0, fetched_file(task, split, data_root))
    return [path for path in looked if path.is_file()], looked


def source_file(task: Task, split: str, data_root: Path | None) -> Path:
    """The file that the rows of a split come from.

    Raises:
        RowError: The task has no such split, or its file is missing.
    """
    if split not in splits_of(task):
        there = ", ".join(splits_of(task))
        raise RowError(f"{task.name} has no split {split!r}; its splits are {there}")
    here, looked = _candidates(task, split, data_root)
    if here:
        return here[0]
    folder = looked[-1].parent
    there = ", ".join(sorted(path.name for path in folder.iterdir())) if folder.is_dir() else ""
    names = " or ".join(path.name for path in looked if path.parent == folder)
    says = f"it has {there or 'nothing'}" if folder.is_dir() else "that folder does not exist"
    fetch = f", or fetch it: preceptor tasks fetch {task.name}" if task.source.hub_splits else ""
    advice = task.source.how or f"Put the file there{fetch}"
    raise RowError(f"{task.name}, split {split}: no {names} in {folder}; {says}. {advice}")


def _json_lines(path: Path, task: Task) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        # newline: a JSON string may hold U+2028 and its like as they are, and they end no line.
        with path.open(encoding="utf-8-sig", newline="\n") as file:
            for number, line in enumerate(file):
                if line.strip():
                    yield number, _json_row(path, number, line)
    except (OSError, UnicodeDecodeError) as error:
        raise RowError(f"{path} cannot be read as UTF-8 ({error})") from error


def _json_row(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise RowError(f"{path}, line {number + 1}: not JSON ({error})") from error
    if not isinstance(row, dict):
        kind = type(row).__name__
        raise RowError(f"{path}, line {number + 1}: a row is a JSON object, found {kind}")
    return row


def _parquet(path: Path, task: Task) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        with parquet.ParquetFile(path) as file:
            yield from enumerate(
                row for batch in file.iter_batches(BATCH) for row in batch.to_pylist()
            )
    except (OSError, pa.ArrowException) as error:
        raise RowError(f"{path} is no Parquet file ({_line(error)})") from error


def _csv(path: Path, task: Task) -> Iterator[tuple[int, dict[str, Any]]]:
    declared = {name: kind.rstrip("?") for name, kind in task.fields.items()}
    types = {name: _CSV_TYPES[kind] for name, kind in declared.items() if kind in _CSV_TYPES}
    types |= {task.source.rename.get(name, name): kind for name, kind in types.items()}
    parsing = arrow_csv.ParseOptions(newlines_in_values=True)
    try:
        with arrow_csv.open_csv(path, parse_options=parsing) as head:
            # Others as text: a guess from the head of the file may not hold further down.
            types = dict.fromkeys(head.schema.names, pa.string()) | types
        with arrow_csv.open_csv(
            path,
            parse_options=parsing,
            convert_options=arrow_csv.ConvertOptions(column_types=types),
        ) as batches:
            yield from enumerate(row for batch in batches for row in batch.to_pylist())
    except (OSError, pa.ArrowException) as error:
        raise RowError(f"{path} cannot be read as CSV ({_line(error)})") from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
