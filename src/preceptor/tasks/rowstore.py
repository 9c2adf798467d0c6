"""A task's prepared rows on disk: any of them in constant time, none held in memory.

    <cache>/rows/<key>/rows.bin      one JSON list a row, end to end
                       ends.npy      where each ends in rows.bin, in bytes
                       places.npy    the number of its source row in the file, from 0
                       info.json     how many there were, and how many were left out

The key is over the bytes of the source, what the task says of its rows, the cap and the seed; a
folder is made aside and published by rename, so it is whole or not there. Templates are not part of
it: another wording finds the rows as they are.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from inspect import getfile
from pathlib import Path
from typing import Any, BinaryIO, overload

import numpy as np
import numpy.typing as npt

from preceptor import draws
from preceptor.artifact import (
    content_key,
    digest,
    file_digest,
    read_json,
    storage_errors,
    write_json,
)
from preceptor.aside import aside, remove
from preceptor.errors import RowError
from preceptor.pieces import piece
from preceptor.records import Row
from preceptor.tasks import cleaning, expressions, transforms
from preceptor.tasks import source as source_module
from preceptor.tasks import task as task_module
from preceptor.tasks.source import scan, source_digest, source_file, stream_rows
from preceptor.tasks.task import Prepared, Task, prepare

ROWS, INFO = "rows.bin", "info.json"
VERSION = 1
"""Raised when prepared rows are written in another way."""
CHECKED = 16
"""Rows read back as they are written; what a task's expressions give is alike in all."""


@dataclass(frozen=True, slots=True)
class RowStore(Sequence[tuple[Row, Prepared]]):
    """Prepared rows, read from disk one by one. A row comes back without its source's fields."""

    path: Path
    dataset: str
    split: str
    source: str
    """SHA-256 of the file that they come from."""
    found: int
    """Rows of the split, before the cap."""
    looked_at: int
    """Rows within the cap, each item of ``each`` counted."""
    _file: str
    _ends: npt.NDArray[np.int64]
    places: npt.NDArray[np.int64]
    """For each row, the place of its source row in the file."""

    def __reduce__(self) -> tuple[object, ...]:
        # To another process goes where it is.
        return _open, (self.path, self.dataset, self.split, self.source)

    @property
    def left_out(self) -> int:
        """Rows within the cap that the task does not keep."""
        return self.looked_at - len(self)

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, index: int) -> tuple[Row, Prepared]: ...
    @overload
    def __getitem__(self, index: slice) -> list[tuple[Row, Prepared]]: ...
    def __getitem__(self, index: int | slice) -> tuple[Row, Prepared] | list[tuple[Row, Prepared]]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(f"{index} is not in a store of {len(self)} rows")
        index %= len(self)
        start = int(self._ends[index - 1]) if index else 0
        id, values, answer, options, gold, references = json.loads(
            piece(self._file, start, int(self._ends[index]) - start).decode("ascii")
        )
        prepared = Prepared(values, answer, tuple(options), gold, tuple(references))
        return Row(self.dataset, self.split, id, {}), prepared


def row_store(
    task: Task, split: str, data_root: Path | None, cap: int, seed: int, cache: Path
) -> RowStore:
    """The prepared rows of a split, at most ``cap`` of the source's, made unless they are there.

    The cap is a keyed sample of the whole split, never its head. It comes before the task's
    ``keep``, as in FLAN: rows left out are not made up for.

    Raises:
        RowError: The rows cannot be read, or one lacks what the task needs.
        StorageError: The disk is full or may not be written.
    """
    source = source_digest(task, split, data_root)
    asked: dict[str, object] = {"task": _semantics(task), "split": split}
    asked |= {"version": VERSION, "code": _code()}
    # A sample depends on the seed; all rows do not.
    whole, sample = (
        cache / f"{task.name}-{content_key('rows', asked | more, {'source': source})}"
        for more in ({}, {"cap": cap, "seed": seed})
    )
    if (whole / INFO).exists() and read_json(whole / INFO)["found"] <= cap:
        return _open(whole, task.source.dataset, split, source)
    if not (sample / INFO).exists():
        rows = scan(source_file(task, split, data_root), task).rows
        if rows <= cap:
            _build(whole, task, split, data_root, None, rows)
            return _open(whole, task.source.dataset, split, source)
        picked = frozenset(draws.sample(rows, cap, seed, "rows", task.name))
        _build(sample, task, split, data_root, picked, rows)
    return _open(sample, task.source.dataset, split, source)


def _semantics(task: Task) -> str:
    """Digest of what decides a task's rows: neither its wording nor what is said about it."""
    return replace(
        task, title="", about="", licence="", templates=(), metric="exact_match", reported=()
    ).digest


@cache
def _code() -> str:
    """Digest of our own modules that decide what rows become: a mended filter makes them anew."""
    modules = (cleaning, expressions, source_module, task_module, transforms)
    return digest({module.__name__: file_digest(Path(getfile(module))) for module in modules})


def _build(
    target: Path,
    task: Task,
    split: str,
    data_root: Path | None,
    picked: frozenset[int] | None,
    found: int,
) -> None:
    with storage_errors(target), aside(target) as place:
        place.mkdir()
        with (place / ROWS).open("wb") as data:
            ends, places, looked_at = _write(data, task, split, data_root, picked)
        np.save(place / "ends.npy", np.asarray(ends, np.int64))
        np.save(place / "places.npy", np.asarray(places, np.int64))
        write_json(place / INFO, {"found": found, "looked_at": looked_at})
        if not (target / INFO).exists():
            remove(target)  # what somebody left of one
        try:
            place.rename(target)
        except OSError:
            if not (target / INFO).exists():  # else another process was quicker
                raise


def _write(
    data: BinaryIO, task: Task, split: str, data_root: Path | None, picked: frozenset[int] | None
) -> tuple[list[int], list[int], int]:
    ends: list[int] = []
    places: list[int] = []
    length = looked_at = 0
    for place, row in stream_rows(task, split, data_root, picked):
        looked_at += 1
        prepared = prepare(task, row)
        if prepared is None:
            continue
        line = _line(row, prepared, task, check=len(ends) < CHECKED)
        data.write(line)
        length += len(line)
        ends.append(length)
        places.append(place)
    return ends, places, looked_at


def _line(row: Row, prepared: Prepared, task: Task, check: bool) -> bytes:
    content = [
        row.id,
        dict(prepared.values),
        prepared.answer,
        list(prepared.options),
        prepared.gold,
        list(prepared.references),
    ]
    try:
        text = _AS_JSON(content)
        if check and json.loads(text) != _plain(content):
            raise TypeError("a mapping's keys are not texts, or a list's items have names")
    except (TypeError, ValueError) as error:
        raise RowError(
            f"{row.dataset}/{row.split}, row {row.id}: a value of {task.name} cannot be kept "
            f"({error}); let its expression give texts, numbers, lists or mappings "
            "(end a map or select in | list)"
        ) from error
    return text.encode("ascii")


_AS_JSON = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode


def _plain(value: Any) -> Any:
    """Tuples as lists: JSON has no other sequence. One whose items have names would lose them."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list) or type(value) is tuple:
        return [_plain(item) for item in value]
    return value


def _open(path: Path, dataset: str, split: str, source: str) -> RowStore:
    info = read_json(path / INFO)
    return RowStore(
        path,
        dataset,
        split,
        source,
        info["found"],
        info["looked_at"],
        str(path / ROWS),
        np.load(path / "ends.npy", mmap_mode="r", allow_pickle=False),
        np.load(path / "places.npy", mmap_mode="r", allow_pickle=False),
    )
