"""Finding tasks: the library in the package, folders of one's own, and choosing by name."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from preceptor.errors import TaskError
from preceptor.tasks.clusters import CATEGORIES, CLUSTERS
from preceptor.tasks.names import did_you_mean
from preceptor.tasks.source import LIBRARY
from preceptor.tasks.task import Task
from preceptor.tasks.taskfile import read_task

CATEGORY_PREFIX = "category:"
COLLECTION_PREFIX = "collection:"


def task_files(folder: Path) -> list[Path]:
    """The YAML files in a folder and the folders below it.

    Raises:
        TaskError: The folder does not exist or has none.
    """
    found = sorted(path for path in folder.rglob("*") if path.suffix in (".yaml", ".yml"))
    if not found:
        what = "has no task files (*.yaml)" if folder.is_dir() else "is not a folder"
        raise TaskError(f"{folder} {what}; name a folder with task files")
    return found


def load_tasks(folders: Sequence[Path] = ()) -> dict[str, Task]:
    """The package's tasks and those of other folders, by name and sorted by it.

    Raises:
        TaskError: A folder has no task files, a file is wrong, or two have the same name.
    """
    tasks: dict[str, Task] = {}
    paths: dict[str, Path] = {}
    for folder in (LIBRARY, *folders):
        for path in task_files(folder):
            task = read_task(path, check_names=folder is not LIBRARY)
            if task.name in tasks:
                raise TaskError(
                    f"two files are the task {task.name!r}: {paths[task.name]} and {path}; "
                    "rename one and the task in it"
                )
            tasks[task.name], paths[task.name] = task, path
    return dict(sorted(tasks.items()))


def select(tasks: Mapping[str, Task], names: Sequence[str]) -> list[Task]:
    """The tasks that are named, each once, in the order of the names.

    Args:
        tasks: All there are.
        names: Task names, names of FLAN clusters, ``category:`` and one of BioInstruct's, or
            ``collection:`` and one of the library's (``collection:flan`` is FLAN's data sets).

    Raises:
        TaskError: A name is none of these (naming the nearest), or nothing belongs to it.
    """
    chosen: dict[str, Task] = {}
    for name in names:
        for task in _named(tasks, name):
            chosen[task.name] = task
    return list(chosen.values())


def _named(tasks: Mapping[str, Task], name: str) -> list[Task]:
    if name in tasks:
        return [tasks[name]]
    categories = [CATEGORY_PREFIX + category for category in CATEGORIES]
    collections = sorted({COLLECTION_PREFIX + t.collection for t in tasks.values() if t.collection})
    if name in CLUSTERS:
        found = [task for task in tasks.values() if task.cluster == name]
    elif name in categories:
        wanted = name.removeprefix(CATEGORY_PREFIX)
        found = [task for task in tasks.values() if task.category == wanted]
    elif name in collections:
        wanted = name.removeprefix(COLLECTION_PREFIX)
        found = [task for task in tasks.values() if task.collection == wanted]
    else:
        known = [*tasks, *CLUSTERS, *categories, *collections]
        near = did_you_mean(name, known, "preceptor tasks list")
        raise TaskError(f"{name!r} is no task, cluster or category{near}")
    if not found:
        raise TaskError(f"no task belongs to {name}; add one, or leave {name} out")
    return found
