"""Fetching what many tasks name: each split on the hub is read once, whatever is sliced of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from preceptor.errors import RowError
from preceptor.progress import Bar
from preceptor.tasks import hub
from preceptor.tasks.hub_rows import HubUnreachable
from preceptor.tasks.names import did_you_mean
from preceptor.tasks.source import fetched_file, splits_here
from preceptor.tasks.task import Task

GIVE_UP_AFTER = 2
"""Splits in a row for which the hub did not answer; each takes half a minute of trying."""
NOT_TRIED = HubUnreachable("not tried, because the hub cannot be reached. Try again with a network")
Status = Literal["fetched", "there", "failed", "by hand", "shipped"]
"""``by hand``: nobody can fetch it, and its rows are not here. ``shipped``: in the package."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one slice, or of a task that has none to fetch."""

    task: str
    split: str
    """Empty for the task as a whole."""
    slice: str
    """The hub's id, configuration and slice."""
    status: Status
    rows: int = 0
    found: int = 0
    """Rows of the slice, of which ``rows`` may be a sample."""
    file: str = ""
    reason: str = ""
    """Why it failed, or how to get the rows by hand."""


def fetch_tasks(
    tasks: Sequence[Task],
    data_root: Path,
    bar: Bar,
    split: str = "",
    most: int = 0,
    again: bool = False,
    open: hub.Open | None = None,
) -> Iterator[Outcome]:
    """Fetch the slices of tasks, telling of each as it is done; a failure ends nothing.

    Args:
        bar: Is moved by one for each slice; ``count`` gives its total.
        split: Only this one of ours; empty for all that a task names.
        most: Of a larger slice a keyed sample of so many rows; 0 for all.
        again: Also what is there.
        open: As for ``hub.fetch``.

    Raises:
        RowError: No task names a slice for ``split``.
        StorageError: The disk is full or may not be written.
    """
    _known(tasks, split)
    wanted: dict[tuple[str, str, str, str], list[tuple[Task, str]]] = {}
    for task in tasks:
        splits = _splits(task, split)
        if not splits:
            yield _nothing_to_fetch(task, data_root)
        for ours in splits:
            if not again and hub.is_there(task, ours, data_root, most):
                yield _there(task, ours, data_root)
                bar.advance()
            else:
                wanted.setdefault(hub.read_from(task, ours), []).append((task, ours))
    unreachable = 0
    for (name, *_, theirs), slices in wanted.items():
        bar.advance(0, f"{name} {theirs}")
        if unreachable < GIVE_UP_AFTER:
            tell = partial(_tell, bar, f"{name} {theirs}")
            done = hub.fetch_together(slices, data_root, most, open, tell)
        else:
            done = [NOT_TRIED] * len(slices)
        lost = any(isinstance(one, HubUnreachable) for one in done)
        unreachable = unreachable + 1 if lost else 0
        for (task, ours), one in zip(slices, done, strict=True):
            yield _outcome(task, ours, data_root, one)
        bar.advance(len(slices))


def count(tasks: Sequence[Task], split: str = "") -> int:
    """How many slices there are to fetch."""
    return sum(len(_splits(task, split)) for task in tasks)


def _tell(bar: Bar, label: str, rows: int) -> None:
    bar.advance(0, f"{label}, {rows:,} rows read")


def _splits(task: Task, split: str) -> list[str]:
    if task.source.access != "open" or task.source.package:
        return []
    return [ours for ours in task.source.hub_splits if split in ("", ours)]


def _known(tasks: Sequence[Task], split: str) -> None:
    """Refuse a split that none of the tasks has, which is a slip of the pen."""
    named = dict.fromkeys(ours for task in tasks for ours in task.source.hub_splits)
    if split and named and split not in named:
        raise RowError(f"none of the tasks names a slice for {split!r}{did_you_mean(split, named)}")


def _slice(task: Task, split: str) -> str:
    source = task.source
    return " ".join(filter(None, (source.hub, source.config, source.hub_splits[split])))


def _there(task: Task, split: str, data_root: Path) -> Outcome:
    file = fetched_file(task, split, data_root)
    note = hub.note_of(file)
    rows, found = (note.rows, note.found) if note else (0, 0)
    return Outcome(task.name, split, _slice(task, split), "there", rows, found, str(file))


def _outcome(task: Task, split: str, data_root: Path, done: hub.Fetched | RowError) -> Outcome:
    where = _slice(task, split)
    if isinstance(done, RowError):
        return Outcome(task.name, split, where, "failed", reason=str(done))
    file = str(fetched_file(task, split, data_root))
    note = "the hub has the head of this split only" if done.partial else ""
    return Outcome(task.name, split, where, "fetched", done.rows, done.found, file, note)


def _nothing_to_fetch(task: Task, data_root: Path) -> Outcome:
    source = task.source
    if source.package:
        return Outcome(task.name, "", "", "shipped")
    if splits_here(task, data_root):
        return Outcome(task.name, "", "", "there", file=str(data_root / source.folder))
    named = ", ".join(source.hub_splits)
    reason = source.how or (
        f"it names no slice of the hub but {named}" if named else "it names no slice of the hub"
    )
    return Outcome(task.name, "", "", "by hand", reason=reason)
