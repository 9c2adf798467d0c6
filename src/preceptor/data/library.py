"""The task library as a mapping that reads a task's file when the task is asked for.

``catalogue.load_tasks`` reads all of them, which takes seconds; a card needs the few that its
records name.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from preceptor.errors import TaskError
from preceptor.tasks.catalogue import task_files
from preceptor.tasks.source import LIBRARY
from preceptor.tasks.task import Task
from preceptor.tasks.taskfile import read_task


class Library(Mapping[str, Task]):
    """The package's tasks and those of other folders, by name."""

    def __init__(self, folders: Sequence[Path] = ()) -> None:
        """Find the files. A task's file has its name, which ``read_task`` makes sure of.

        Raises:
            TaskError: A folder has no task files, or two have the same name.
        """
        self._paths: dict[str, Path] = {}
        self._tasks: dict[str, Task] = {}
        for folder in (LIBRARY, *folders):
            for path in task_files(folder):
                if path.stem in self._paths:
                    raise TaskError(
                        f"two files are the task {path.stem!r}: {self._paths[path.stem]} and "
                        f"{path}; rename one and the task in it"
                    )
                self._paths[path.stem] = path

    def __getitem__(self, name: str) -> Task:
        if name not in self._tasks:
            self._tasks[name] = read_task(self._paths[name])
        return self._tasks[name]

    def __contains__(self, name: object) -> bool:
        return name in self._paths

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._paths))

    def __len__(self) -> int:
        return len(self._paths)
