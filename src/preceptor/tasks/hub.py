"""Slices of splits on the Hugging Face hub, fetched into the data root.

What is fetched becomes one Parquet file a slice with a note beside it, and is read by the same
reader as any other file: a run never needs the network, and never sees a data set change.

    <data root>/hub/aps--super_glue/rte/train__-200.parquet
                                        train__-200.json     id, revision asked for and found, rows
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from preceptor.artifact import file_digest, read_json, storage_errors, write_json
from preceptor.aside import aside
from preceptor.errors import RowError
from preceptor.records import Row
from preceptor.tasks.hub_rows import HubRows, commit
from preceptor.tasks.slices import Taking, parse_slice
from preceptor.tasks.source import fetched_file, renamed
from preceptor.tasks.task import Source, Task, expand, prepare

STREAM_FROM = 300_000
"""A split of so many rows, or one whose size is not known, is streamed and never stored whole."""
FETCH_SEED = 0
"""Of the sample of a slice that is larger than asked for."""
TELL_EVERY = 1000

Open = Callable[[Source, str, bool], Iterable[dict[str, Any]]]
Tell = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Fetched:
    """One slice that was fetched: the content of the note beside its file."""

    hub: str
    config: str
    revision: str
    """As the task file names it."""
    commit: str
    """What it stood for when it was fetched; empty where the hub was not asked."""
    slice: str
    rows: int
    found: int
    """Rows of the slice: more than ``rows`` where these are a keyed sample."""
    partial: bool
    """The hub has the head of the split only in the form that was read."""
    sha256: str
    """Of the file."""

    @property
    def sampled(self) -> bool:
        """Whether the slice has more rows than were kept."""
        return self.found > self.rows


def note_of(file: Path) -> Fetched | None:
    """The note beside a fetched file; None where there is none that can be read."""
    try:
        return Fetched(**read_json(file.with_suffix(".json")))
    except (OSError, ValueError, TypeError):
        return None


def is_there(task: Task, split: str, data_root: Path, most: int) -> bool:
    """Whether a slice was fetched, at the task's revision and with as many rows as are wanted.

    A file without a note was put there by somebody, who knows best.
    """
    file = fetched_file(task, split, data_root)
    note = note_of(file)
    if not file.is_file() or note is None:
        return file.is_file()
    enough = not note.sampled or 0 < most <= note.rows
    return enough and note.revision == task.source.revision


def fetch(
    task: Task,
    split: str,
    data_root: Path,
    most: int,
    again: bool = False,
    open: Open | None = None,
) -> Fetched | None:
    """Fetch the rows of a split, unless they are there.

    Args:
        most: Of a larger slice a keyed sample of so many rows; 0 for all.
        again: Also when they are there.
        open: Gives the rows of a hub's split; ``datasets`` unless told otherwise.

    Returns:
        What was fetched; None when it was there.

    Raises:
        RowError: The task names no such slice, its files cannot be fetched by anyone, ``datasets``
            is not installed, the hub cannot be reached, the split has no rows, or none that the
            task could use.
        StorageError: The disk is full or may not be written.
    """
    check(task, split)
    if is_there(task, split, data_root, most) and not again:
        return None
    [found] = fetch_together([(task, split)], data_root, most, open)
    if isinstance(found, RowError):
        raise found
    return found


def check(task: Task, split: str) -> None:
    """Refuse what cannot be fetched.

    Raises:
        RowError: The task names no such slice, or its files cannot be fetched by anyone.
    """
    source = task.source
    if source.access != "open":
        raise RowError(f"{task.name} cannot be fetched (access: {source.access}). {source.how}")
    if split not in source.hub_splits:
        there = ", ".join(source.hub_splits) or "none"
        raise RowError(f"{task.name} names no slice of the hub for {split!r}; it has {there}")


def read_from(task: Task, split: str) -> tuple[str, str, str, str]:
    """What a split is a slice of: hub id, configuration, revision and the hub's split."""
    source = task.source
    return source.hub, source.config, source.revision, parse_slice(source.hub_splits[split]).split


Wanted = tuple[Task, str]
"""A task and one of its splits."""


def fetch_together(
    wanted: Sequence[Wanted],
    data_root: Path,
    most: int,
    open: Open | None = None,
    tell: Tell | None = None,
) -> list[Fetched | RowError]:
    """Fetch slices of one split on the hub, whose rows are read once for all of them.

    Args:
        wanted: Tasks and splits that ``check`` passes and ``read_from`` says the same of.
        most: As for ``fetch``.
        open: As for ``fetch``.
        tell: Is told now and then how many rows were read.

    Returns:
        For each that is wanted, what was fetched or why it was not.

    Raises:
        StorageError: The disk is full or may not be written.
    """
    source, first = wanted[0][0].source, read_from(*wanted[0])[-1]
    streamed = not source.size or source.size > STREAM_FROM
    try:
        rows = (open or HubRows)(source, first, streamed)
        taken, refused = _taken(wanted, rows, data_root, most, tell)
    except RowError as error:
        return [error] * len(wanted)
    at = commit(source) if taken and not open else ""
    partial = isinstance(rows, HubRows) and rows.partial
    found = {
        file: _written(file, one, taking, at, partial) for file, (one, taking) in taken.items()
    }
    return [
        refused.get(number) or found[fetched_file(*one, data_root)]
        for number, one in enumerate(wanted)
    ]


def _taken(
    wanted: Sequence[Wanted],
    rows: Iterable[dict[str, Any]],
    data_root: Path,
    most: int,
    tell: Tell | None,
) -> tuple[dict[Path, tuple[Wanted, Taking[dict[str, Any]]]], dict[int, RowError]]:
    """What goes into each file, and which of the wanted could make no use of the rows."""
    stream = iter(rows)
    head = list(islice(stream, 1))
    # A data set whose fields changed is not read to its end.
    errors = {i: _unusable(*one, row) for i, one in enumerate(wanted) for row in head}
    refused = {i: error for i, error in errors.items() if error is not None}
    taken: dict[Path, tuple[Wanted, Taking[dict[str, Any]]]] = {}
    for i, (task, split) in enumerate(wanted):
        # Named by what is sliced: tasks that slice the same split are cut along the same order.
        name = f"{task.source.hub}/{task.source.config}"
        taking = Taking[dict[str, Any]](
            parse_slice(task.source.hub_splits[split]), name, most, FETCH_SEED
        )
        if i not in refused:
            taken.setdefault(fetched_file(task, split, data_root), ((task, split), taking))
    for number, row in enumerate(chain(head, stream) if taken else (), 1):
        for _, taking in taken.values():
            taking.add(row)
        if tell is not None and not number % TELL_EVERY:
            tell(number)
    return taken, refused


def _unusable(task: Task, split: str, row: dict[str, Any]) -> RowError | None:
    """Why a task can make no use of the first row."""
    try:
        for one in expand(task, Row(task.source.dataset, split, "0", renamed(task, row))):
            prepare(task, one)
    except RowError as error:
        return RowError(
            f"the rows of {task.source.hub} are not what {task.name} expects: {error}, or its "
            "source.rename or source.revision"
        )
    return None


def _written(
    target: Path,
    wanted: Wanted,
    taking: Taking[dict[str, Any]],
    at: str,
    partial: bool,
) -> Fetched | RowError:
    source, split = wanted[0].source, wanted[1]
    # A row without an id gets its place in the hub's split: the same however many are fetched.
    rows = [{"id": str(place), **row} for place, row in taking.rows()]
    if not rows:
        return RowError(f"{source.hub} gives no rows for {source.hub_splits[split]}")
    with storage_errors(target), aside(target) as place:
        try:
            pq.write_table(pa.Table.from_pylist(rows), place, compression="zstd")
        except pa.ArrowException as error:
            said = " ".join(str(error).split())
            return RowError(f"rows of {source.hub} cannot be kept as Parquet ({said})")
        note = Fetched(
            source.hub,
            source.config,
            source.revision,
            at,
            source.hub_splits[split],
            len(rows),
            taking.found,
            partial,
            file_digest(place),
        )
        # The note first: a file without one would pass for somebody's own.
        write_json(target.with_suffix(".json"), asdict(note))
        place.rename(target)
    return note
