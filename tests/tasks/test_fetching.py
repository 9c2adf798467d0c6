"""Fetching for many tasks: one pass a split, and a failure ends nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from preceptor.errors import RowError
from preceptor.progress import Bar
from preceptor.tasks.fetching import Outcome, count, fetch_tasks
from preceptor.tasks.hub_rows import HubUnreachable
from preceptor.tasks.source import read_rows
from preceptor.tasks.task import Source, Task
from tests.tasks.examples import RAIN, task
from tests.tasks.test_hub import Shelf, hub_task, made

GONE = (
    "  size: 100\n",
    "  size: 100\n  access: gone\n  how: Ask the weather.\n",
)


def fetched(root: Path, *tasks: Task, **asked: Any) -> list[Outcome]:
    bar = Bar("fetch", count(tasks, asked.get("split", "")))
    asked.setdefault("open", Shelf(made()))
    found = list(fetch_tasks(tasks, root, bar, **asked))
    assert bar.done == bar.total
    return found


def told(outcomes: list[Outcome]) -> list[tuple[str, str, str]]:
    return [(one.task, one.split, one.status) for one in outcomes]


def other(name: str, *changes: tuple[str, str]) -> Task:
    return hub_task(("task: rain", f"task: {name}"), *changes)


def test_every_slice_that_a_task_names_is_fetched_and_then_there(tmp_path: Path) -> None:
    first = fetched(tmp_path, hub_task(), most=30)
    assert told(first) == [("rain", s, "fetched") for s in ("train", "validation", "test")]
    assert [(one.rows, one.found) for one in first] == [(30, 80), (20, 20), (30, 100)]
    assert first[0].slice == "weather/rain daily train[:-20]"
    assert len(read_rows(hub_task(), "train", tmp_path)) == 30
    again = fetched(tmp_path, hub_task(), most=30)
    assert [one.status for one in again] == ["there"] * 3
    assert [(one.rows, one.found, one.file) for one in again] == [
        (one.rows, one.found, one.file) for one in first
    ]


def test_each_split_of_the_hub_is_read_once_for_all_tasks(tmp_path: Path) -> None:
    shelf = Shelf(made())
    fetched(tmp_path, hub_task(), other("drizzle"), open=shelf)
    assert [split for split, _ in shelf.asked] == ["train", "test"]


def test_only_a_split_and_again(tmp_path: Path) -> None:
    shelf = Shelf(made())
    for again in (False, False, True):
        fetched(tmp_path, hub_task(), open=shelf, split="test", again=again)
    assert [split for split, _ in shelf.asked] == ["test", "test"]


def test_a_split_that_no_task_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RowError, match=r"slice for 'tset'; did you mean 'test'\?"):
        fetched(tmp_path, hub_task(), split="tset")
    nothing = fetched(tmp_path, hub_task(("test: test}", "dev: test}")), hub_task(), split="test")
    assert [one.status for one in nothing] == ["by hand", "fetched"]
    assert nothing[0].reason == "it names no slice of the hub but train, validation, dev"


def test_what_failed_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    broken = other("broken", ("weather/rain", "weather/broken"), ("label: int", "label: str"))
    found = fetched(tmp_path, broken, hub_task(), split="test")
    assert told(found) == [("broken", "test", "failed"), ("rain", "test", "fetched")]
    assert "'label' should be str" in found[0].reason


def test_tasks_without_anything_to_fetch_say_why(tmp_path: Path) -> None:
    shipped = task(RAIN.replace("folder: rain", "package: visit_feedback"))
    gone, nowhere = other("gone", GONE), task(RAIN.replace("folder: rain", "folder: nowhere"))
    found = fetched(tmp_path, shipped, gone, nowhere)
    assert [(one.status, one.reason) for one in found] == [
        ("shipped", ""),
        ("by hand", "Ask the weather."),
        ("by hand", "it names no slice of the hub"),
    ]
    (tmp_path / "rain").mkdir()
    (tmp_path / "rain" / "test.jsonl").write_text('{"line": "Wet.", "label": 1}')
    assert [one.status for one in fetched(tmp_path, gone)] == ["there"]


def test_without_a_network_no_more_than_two_are_tried(tmp_path: Path) -> None:
    asked: list[str] = []

    def nobody(source: Source, split: str, streamed: bool) -> Iterator[dict[str, Any]]:
        asked.append(source.hub)
        raise HubUnreachable("no answer")

    tasks = [other(name, ("weather/rain", f"weather/{name}")) for name in ("a", "b", "c")]
    found = fetched(tmp_path, *tasks, split="test", open=nobody)
    assert asked == ["weather/a", "weather/b"]
    assert [one.status for one in found] == ["failed"] * 3
    assert found[2].reason.startswith("not tried, because the hub cannot be reached")
