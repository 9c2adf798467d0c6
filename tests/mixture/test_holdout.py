"""What is held out, with all that follows from it, and the proof."""

from dataclasses import replace
from pathlib import Path

import pytest

from preceptor.errors import StageError, TaskError
from preceptor.mixture.config import MixtureConfig
from preceptor.mixture.holdout import hold_out
from preceptor.mixture.pools import instruction_pool, task_pool
from preceptor.records import Example
from preceptor.tasks import catalogue
from preceptor.tasks.clusters import CLUSTERS, excluded_with
from preceptor.tasks.task import Task
from tests.mixture.toys import instruction, library, toy


@pytest.fixture
def tasks(tmp_path: Path) -> dict[str, Task]:
    source = {"folder": "squad", "splits": {"train": "train"}}
    return library(
        toy(tmp_path, "opinions"),
        toy(tmp_path, "claims", cluster="natural_language_inference"),
        toy(tmp_path, "squad_claims", cluster="natural_language_inference", provenance=["squad"]),
        toy(tmp_path, "same_meaning", cluster="paraphrase"),
        toy(tmp_path, "answers", cluster="reading_comprehension", source=source),
        toy(tmp_path, "doses", cluster="", category="ie"),
    )


def left_out(names: list[str], tasks: dict[str, Task]) -> dict[str, str]:
    held = hold_out(names, tasks)
    return {name: why for name, task in tasks.items() if (why := held.reason(task))}


def example(task: Task, folder: Path) -> Example:
    config = MixtureConfig(tasks=(task.name,), examples=1)
    return task_pool(task, config, folder, 0).example(0, 0, 0)


def test_without_names_nothing_is_held_out(tasks: dict[str, Task]) -> None:
    assert left_out([], tasks) == {}


def test_a_held_out_task_leaves_the_rest_of_its_cluster_in(tasks: dict[str, Task]) -> None:
    assert left_out(["claims"], tasks) == {"claims": "it is held out"}


def test_with_a_cluster_goes_the_cluster_that_is_too_close_to_it(tasks: dict[str, Task]) -> None:
    found = left_out(["paraphrase"], tasks)
    assert list(found) == ["claims", "squad_claims", "same_meaning"]
    assert found["same_meaning"] == "its cluster paraphrase is held out"
    assert "because paraphrase is held out" in found["claims"]


def test_rows_of_a_held_out_data_set_are_left_out_in_any_task(tasks: dict[str, Task]) -> None:
    found = left_out(["answers"], tasks)
    assert found == {
        "answers": "it is held out",
        "squad_claims": "it has rows of squad, as the held-out task answers has",
    }
    assert list(left_out(["squad_claims"], tasks)) == ["squad_claims", "answers"]


def test_a_category_is_held_out_with_its_instructions(tasks: dict[str, Task]) -> None:
    assert left_out(["category:ie"], tasks) == {"doses": "its category ie is held out"}
    assert hold_out(["category:ie"], tasks).categories == {"ie"}


def test_a_cluster_without_tasks_can_be_held_out(tasks: dict[str, Task]) -> None:
    assert left_out(["translation"], tasks) == {}
    assert list(left_out(["reading_comprehension_with_commonsense"], tasks)) == ["answers"]


def test_a_name_of_nothing_is_refused(tasks: dict[str, Task]) -> None:
    with pytest.raises(TaskError, match=r"'opinion' is no task.*'opinions'"):
        hold_out(["opinion"], tasks)


@pytest.fixture(scope="module")
def packaged() -> dict[str, Task]:
    return catalogue.load_tasks()


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_every_cluster_of_the_library_can_be_held_out_and_stays_on_one_side(
    cluster: str, packaged: dict[str, Task]
) -> None:
    held = hold_out([cluster], packaged)
    trained = [task for task in packaged.values() if not held.reason(task)]
    evaluated = [task for task in packaged.values() if task.cluster == cluster]
    gone = {cluster, *excluded_with([cluster])}
    assert not gone & {task.cluster for task in trained}
    assert not {p for t in trained for p in t.provenance} & {
        p for t in evaluated for p in t.provenance
    }
    assert {t.source.dataset for t in trained}.isdisjoint(t.source.dataset for t in evaluated)


def test_an_example_of_something_held_out_is_caught(tasks: dict[str, Task], tmp_path: Path) -> None:
    opinions = tasks["opinions"]
    good = example(opinions, tmp_path)
    held = hold_out(["answers", "paraphrase", "category:ie"], tasks)
    held.check(good, opinions)
    bad = {
        "task answers": (replace(good, task="answers"), opinions),
        "cluster paraphrase": (replace(good, cluster="paraphrase"), opinions),
        "cluster natural_language_inference": (
            replace(good, cluster="natural_language_inference"),
            opinions,
        ),
        "category ie": (replace(good, category="ie"), opinions),
        "data set squad": (replace(good, row="squad/train/3"), opinions),
        "provenance squad": (good, tasks["squad_claims"]),
    }
    for what, (one, task) in bad.items():
        with pytest.raises(StageError, match=f"held-out {what};"):
            held.check(one, task)


def test_a_data_set_whose_name_begins_like_a_held_out_one_is_not_caught(
    tasks: dict[str, Task], tmp_path: Path
) -> None:
    good = example(tasks["opinions"], tmp_path)
    held = hold_out(["answers"], tasks)
    held.check(replace(good, row="squad_v2/train/3"), tasks["opinions"])
    held.check(replace(good, row="squad/more/train/3"), tasks["opinions"])


def test_an_instruction_of_a_held_out_category_is_caught(tasks: dict[str, Task]) -> None:
    made = instruction_pool([instruction(1, "qa"), instruction(2, "ie")], frozenset()).rows
    held = hold_out(["category:ie"], tasks)
    held.check(made[0], None)
    with pytest.raises(StageError, match="held-out category ie"):
        held.check(made[1], None)
