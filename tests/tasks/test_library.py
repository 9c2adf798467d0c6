"""Every task file of the library, found by walking the folder."""

import os
from pathlib import Path

import pytest

from preceptor.tasks.catalogue import load_tasks, task_files
from preceptor.tasks.lint import TEMPLATES, lint_task
from preceptor.tasks.source import LIBRARY, data_root, read_rows, splits_here
from preceptor.tasks.task import Task, prepare
from preceptor.tasks.taskfile import read_task

FILES = task_files(LIBRARY)
by_file = pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])


def errors(task: Task, root: Path | None) -> list[str]:
    rows = [row for split in splits_here(task, root) for row in read_rows(task, split, root)]
    return [f"{f.template}: {f.message}" for f in lint_task(task, rows) if f.severity == "error"]


def test_the_library_is_found() -> None:
    assert len(FILES) >= 5
    assert len(load_tasks()) == len(FILES)


@by_file
def test_a_task_is_well_written_and_works_on_its_rows(path: Path) -> None:
    task = read_task(path)
    assert len(task.templates) == TEMPLATES
    if task.source.package:
        assert errors(task, None) == []
        return
    wording = [f.message for f in lint_task(task, []) if f.severity == "error"]
    assert wording == []


@by_file
def test_a_task_works_on_real_rows(path: Path) -> None:
    task = read_task(path)
    if task.source.package:
        return
    if not os.environ.get("PRECEPTOR_DATA"):
        pytest.skip(f"REAL ROWS OF {task.name} NOT TESTED: set PRECEPTOR_DATA to their folder")
    root = data_root(None)
    assert splits_here(task, root) or task.sample, "nobody could see what its rows look like"
    assert errors(task, root) == []


@by_file
def test_a_task_lies_in_the_folder_of_its_cluster(path: Path) -> None:
    cluster = read_task(path).cluster
    assert path.parent.name in ([cluster] if cluster else ["biomedical", "instructions"])


@by_file
def test_every_label_of_a_shipped_task_occurs_in_its_rows(path: Path) -> None:
    task = read_task(path)
    if task.labels is None or not task.source.package:
        return
    for split in task.source.splits:
        prepared = [prepare(task, row) for row in read_rows(task, split, None)]
        assert {p.answer for p in prepared if p} == set(task.labels.words.values())
