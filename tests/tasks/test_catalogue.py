from pathlib import Path

import pytest

from preceptor.errors import TaskError
from preceptor.tasks.catalogue import load_tasks, select
from tests.tasks.examples import COPY, PICK, RAIN, task

TASKS = {
    "rain": task(),
    "pick": task(PICK.replace("task: rain", "task: pick").replace("cluster: nat", "cluster: nat")),
    "copy": task(
        COPY.replace("task: rain", "task: copy").replace(
            "cluster: natural_language_inference", "category: gen"
        )
    ),
}


def names(*chosen: str) -> list[str]:
    return [task.name for task in select(TASKS, chosen)]


def test_tasks_are_chosen_by_name_cluster_and_category() -> None:
    assert names("copy", "rain") == ["copy", "rain"]
    assert names("natural_language_inference") == ["rain", "pick"]
    assert names("category:gen") == ["copy"]


def test_a_task_that_is_named_twice_comes_once() -> None:
    assert names("pick", "natural_language_inference", "pick") == ["pick", "rain"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("rian", "did you mean 'rain'"),
        ("natural_language_inferenc", "did you mean 'natural_language_inference'"),
        ("category:general", "did you mean 'category:gen'"),
        ("sentiment", "no task belongs to sentiment"),
        ("category:ie", "no task belongs to category:ie"),
    ],
)
def test_a_name_that_gives_nothing_is_refused(name: str, message: str) -> None:
    with pytest.raises(TaskError, match=message):
        names("rain", name)


def test_own_folders_are_added_to_the_library(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "rain.yaml").write_text(RAIN)
    tasks = load_tasks([tmp_path])
    assert tasks["rain"] == task()
    assert set(load_tasks()) == set(tasks) - {"rain"}
    assert list(tasks) == sorted(tasks)


def test_two_files_for_one_task_are_refused(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "rain.yaml").write_text(RAIN)
    with pytest.raises(TaskError, match=r"two files are the task 'rain': .*a.rain.* and .*b.rain"):
        load_tasks([tmp_path])


def test_a_folder_without_tasks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="has no task files"):
        load_tasks([tmp_path])
    with pytest.raises(TaskError, match="is not a folder"):
        load_tasks([tmp_path / "missing"])


def test_a_name_like_none_is_not_guessed_at_and_all_are_not_listed() -> None:
    for name in ("zzzz", "cat"):
        with pytest.raises(TaskError) as caught:
            select(load_tasks(), [name])
        said = f"'{name}' is no task, cluster or category; preceptor tasks list lists them"
        assert str(caught.value) == said
