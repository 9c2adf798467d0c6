"""What an import made, for people and machines."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote
from typing import Any

from preceptor.data.promptsource.importing import Left
from preceptor.data.tally import Tally
from preceptor.tasks.task import Task


def several(n: int, noun: str) -> str:
    """'1 row', '1,200 rows'."""
    return f"{n:,} {noun}{'s' if n != 1 else ''}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Rows, task files, and everything that is to be said of them."""

    kind: str
    rows: int
    folder: Path | None
    """Of the rows; None where only task files were made."""
    task_files: tuple[Path, ...]
    tasks: tuple[Task, ...]
    tally: Tally
    left: tuple[Left, ...] = ()
    notes: Mapping[str, int] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    """What the user should know or may want to change."""
    root: Path | None = None
    """The data root, where commands have to be told of it."""

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "format": self.kind,
            "rows": self.rows,
            "folder": str(self.folder) if self.folder is not None else None,
            "tasks": [
                {"task": task.name, "file": str(path), "templates": len(task.templates)}
                for task, path in zip(self.tasks, self.task_files, strict=True)
            ],
            "not_translated": [{"template": one.name, "reason": one.reason} for one in self.left],
            **self.tally.to_json(),
            "differences": dict(self.notes),
            "remarks": list(self.remarks),
        }

    def lines(self) -> list[str]:
        """For people: what is where, what was left out and why, and what to do next."""
        found = [f"{several(self.rows, 'row')} in {self.folder}"] if self.folder else []
        for task, path in zip(self.tasks, self.task_files, strict=True):
            found.append(f"{path}: task {task.name}, {several(len(task.templates), 'template')}")
        found += [*self.remarks, *self.tally.lines()]
        found += [f"not translated: {one.name}: {one.reason}" for one in self.left]
        found += [f"{note}: {n:,}" for note, n in self.notes.items()]
        folder, names = self.task_files[0].parent, [task.name for task in self.tasks]
        data = f"data: {self.root}, " if self.root is not None else ""
        option = f" --data {quote(str(self.root))}" if self.root is not None else ""
        found.append(
            f"To mix it: {data}tasks_folder: {folder} and tasks: [{', '.join(names)}] in a recipe. "
            f"To look at it: preceptor tasks preview {names[0]} "
            f"--tasks-folder {quote(str(folder))}{option}"
        )
        return found
