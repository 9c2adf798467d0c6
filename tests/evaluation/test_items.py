"""What is asked: the same rows under every template, drawn by key."""

from collections import defaultdict
from pathlib import Path

import pytest

from preceptor.errors import RowError, TaskError
from preceptor.evaluation.config import EvaluationConfig
from preceptor.evaluation.items import Items, evaluation_items
from preceptor.records import Example
from preceptor.tasks.task import Task
from tests.mixture.toys import toy


def items(folder: Path, tasks: list[Task], seed: int = 0, **config: object) -> Items:
    made = EvaluationConfig.model_validate({"tasks": ["any"], "split": "train", **config})
    return evaluation_items(made, tasks, folder, seed)


def by_template(examples: tuple[Example, ...]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for example in examples:
        found[example.template].append(example.row)
    return found


def test_every_row_is_asked_under_every_template_that_is_not_turned_around(tmp_path: Path) -> None:
    found = items(tmp_path, [toy(tmp_path, "one", 6), toy(tmp_path, "two", 4)])
    assert len(found.examples) == (6 + 4) * 2
    assert [e.task for e in found.examples] == ["one"] * 12 + ["two"] * 8
    for name, count in (("one", 6), ("two", 4)):
        rows = by_template(tuple(e for e in found.examples if e.task == name))
        assert set(rows) == {"first", "second"}
        assert rows["first"] == rows["second"]
        assert len(set(rows["first"])) == count
    assert not any(e.inverted for e in found.examples)
    assert all(e.options == ("negative", "positive") for e in found.examples)
    assert len({e.id for e in found.examples}) == len(found.examples)
    assert found.left_out == {}


def test_a_sample_is_drawn_by_the_seed_and_the_task_alone(tmp_path: Path) -> None:
    one, two = toy(tmp_path, "one", 40), toy(tmp_path, "two", 40)

    def rows(seed: int, tasks: list[Task], task: str, **config: object) -> list[str]:
        found = items(tmp_path, tasks, seed, **config).examples
        return [e.row.removeprefix(task) for e in found if e.task == task and e.template == "first"]

    drawn = rows(0, [one], "one", rows=5)
    assert len(set(drawn)) == 5
    assert drawn == rows(0, [two, one], "one", rows=5)
    assert drawn == rows(0, [one], "one", rows=9)[:5]
    assert drawn == rows(0, [one], "one", rows=5, templates=1)
    assert drawn != rows(1, [one], "one", rows=5)
    assert drawn != rows(0, [two], "two", rows=5)


def test_only_the_first_templates_are_used_where_a_number_is_given(tmp_path: Path) -> None:
    task = toy(tmp_path, "one", 3)
    assert set(by_template(items(tmp_path, [task], templates=1).examples)) == {"first"}
    assert set(by_template(items(tmp_path, [task], templates=9).examples)) == {"first", "second"}


def test_rows_that_a_task_cannot_use_are_replaced_and_counted(tmp_path: Path) -> None:
    rows = [{"text": f"text {n}", "label": n % 2 if n < 4 else -1} for n in range(12)]
    task = toy(tmp_path, "one", rows, keep="label >= 0")
    whole = toy(tmp_path, "two", 4)
    found = items(tmp_path, [task, whole], templates=1)
    assert len(found.examples) == 8
    assert found.left_out == {"one": 8}
    few = items(tmp_path, [task, whole], rows=2, templates=1)
    assert len(few.examples) == 4  # two of each


def test_a_task_without_a_usable_row_is_refused(tmp_path: Path) -> None:
    rows = [{"text": "text", "label": -1}]
    task = toy(tmp_path, "one", rows, keep="label >= 0")
    with pytest.raises(RowError, match="task one has no usable row in its split 'train'"):
        items(tmp_path, [task])
    with pytest.raises(RowError, match="one has no split 'test'"):
        items(tmp_path, [task], split="test")


def test_a_task_that_only_has_templates_turned_around_is_refused(tmp_path: Path) -> None:
    turned = {"id": "turned", "inverted": True, "prompt": "{{ answer }}?", "target": "{{ text }}"}
    with pytest.raises(TaskError, match="only inverted templates"):
        items(tmp_path, [toy(tmp_path, "one", templates=[turned])])
