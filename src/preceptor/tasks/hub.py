"""Rows from the Hugging Face hub, through ``datasets``, into the data root.

What is fetched becomes one Parquet file a slice with a note beside it, and is read by the same
reader as any other file: a run never needs the network, and never sees a data set change.

    <data root>/hub/aps--super_glue/rte/train__-200.parquet
                                        train__-200.json     id, revision asked for and found, rows
"""

import importlib.util
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from preceptor.artifact import file_digest, write_json
from preceptor.errors import RowError
from preceptor.tasks.slices import Slice, parse_slice, take
from preceptor.tasks.source import fetched_file
from preceptor.tasks.task import Source, Task

STREAM_FROM = 300_000
"""A split of so many rows, or one whose size is not known, is streamed and never stored whole."""
CONVERSION = "refs/convert/parquet"
FETCH_SEED = 0
"""Of the sample of a slice that is larger than asked for."""

Open = Callable[[Source, str, bool], Iterable[dict[str, Any]]]


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
    sampled: bool
    """The slice has more rows; these are a keyed sample."""
    sha256: str
    """Of the file."""


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
            is not installed, the hub cannot be reached, or the split has no rows.
    """
    source = task.source
    if source.access != "open":
        raise RowError(f"{task.name} cannot be fetched (access: {source.access}). {source.how}")
    if split not in source.hub_splits:
        there = ", ".join(source.hub_splits) or "none"
        raise RowError(f"{task.name} names no slice of the hub for {split!r}; it has {there}")
    target = fetched_file(task, split, data_root)
    if target.exists() and not again:
        return None
    slice = parse_slice(source.hub_splits[split])
    streamed = not source.size or source.size > STREAM_FROM
    rows = (open or _datasets)(source, slice.split, streamed)
    taken = _taken(task, rows, slice, most)
    if not taken:
        raise RowError(f"{source.hub} gives no rows for {source.hub_splits[split]}")
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        pq.write_table(pa.Table.from_pylist(taken), aside, compression="zstd")
        aside.rename(target)
    except (OSError, pa.ArrowException) as error:
        aside.unlink(missing_ok=True)
        raise RowError(f"{target} cannot be written ({error})") from error
    note = Fetched(
        source.hub,
        source.config,
        source.revision,
        "" if open else _commit(source),
        source.hub_splits[split],
        len(taken),
        bool(most) and len(taken) == most,
        file_digest(target),
    )
    write_json(target.with_suffix(".json"), asdict(note))
    return note


def _taken(
    task: Task, rows: Iterable[dict[str, Any]], slice: Slice, most: int
) -> list[dict[str, Any]]:
    # Named by what is sliced: tasks that slice the same split are cut along the same order.
    name = f"{task.source.hub}/{task.source.config}"
    found = take(_checked(task, rows), slice, name, most, FETCH_SEED)
    return [row for _, row in found]


def _checked(task: Task, rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The rows, the first one checked: a data set whose fields changed is not fetched whole."""
    for number, row in enumerate(rows):
        if not number:
            needed = [name for name, kind in task.fields.items() if not kind.endswith("?")]
            both = [(name, task.source.rename.get(name, name)) for name in needed]
            lacking = [theirs for ours, theirs in both if not {ours, theirs} & set(row)]
            if lacking:
                raise RowError(
                    f"{task.source.hub} has no field {lacking[0]!r} ({task.name} needs it); it "
                    f"has {', '.join(row)}. Correct source.rename or the revision"
                )
        yield row


def _datasets(source: Source, split: str, streamed: bool) -> Iterable[dict[str, Any]]:
    if importlib.util.find_spec("datasets") is None:
        raise RowError(
            "fetching rows needs the package datasets: pip install 'preceptor[hub]'; or put the "
            "files below the data root yourself"
        )
    import datasets

    try:
        if source.revision == CONVERSION:
            # The conversion has no loading script and no card: its files are named directly.
            folder = source.config or "default"
            files = f"hf://datasets/{source.hub}@{CONVERSION}/{folder}/{split}/*.parquet"
            loaded = datasets.load_dataset(
                "parquet", data_files={split: files}, split=split, streaming=streamed
            )
        else:
            loaded = datasets.load_dataset(
                source.hub,
                source.config or None,
                revision=source.revision or None,
                split=split,
                streaming=streamed,
            )
        yield from loaded
    except RowError:
        raise
    except Exception as error:  # whatever the hub, the network or a data set's files bring
        said = " ".join(str(error).split())[:300]
        raise RowError(
            f"{source.hub} cannot be fetched ({type(error).__name__}: {said}). Try again with a "
            "network, or put the files below the data root yourself"
        ) from error


def _commit(source: Source) -> str:
    """The commit that a revision stands for now; empty when the hub does not say."""
    if source.revision != CONVERSION:
        return source.revision
    try:
        from huggingface_hub import HfApi

        found = HfApi().dataset_info(source.hub, revision=source.revision).sha
    except Exception:  # the rows are here already: not to know their commit is no reason to fail
        return ""
    return found or ""
