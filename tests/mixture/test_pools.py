"""Rows and templates that can be drawn."""

from pathlib import Path

import pytest

from preceptor.errors import RecipeError, RowError
from preceptor.mixture.config import MixtureConfig
from preceptor.mixture.pools import TaskPool, instruction_pool, task_pool
from tests.mixture.toys import instruction, toy


def config(**changes: object) -> MixtureConfig:
    return MixtureConfig.model_validate({"tasks": ["toy"], "examples": 10, **changes})


def ids(pool: TaskPool) -> list[str]:
    return [pool.row(place)[0].id for place in range(len(pool))]


def test_a_capped_task_is_a_keyed_sample_of_the_whole_and_never_its_head(tmp_path: Path) -> None:
    task = toy(tmp_path, "toy", 1_000)
    pool = task_pool(task, config(rows_cap=100), tmp_path, 0)
    numbers = [int(id) for id in ids(pool)]
    assert (pool.found, pool.left_out, len(set(numbers))) == (1_000, 0, 100)
    assert numbers == sorted(numbers)
    # 10 expected in each tenth, so that one in which there is none would be a wonder.
    assert {number // 100 for number in numbers} == set(range(10))
    assert ids(task_pool(task, config(rows_cap=100), tmp_path, 0)) == ids(pool)
    assert ids(task_pool(task, config(rows_cap=100), tmp_path, 1)) != ids(pool)


def test_rows_that_the_task_does_not_keep_are_counted_and_left_out(tmp_path: Path) -> None:
    rows = [{"text": f"t{n}", "label": n % 3 - 1} for n in range(9)]
    pool = task_pool(toy(tmp_path, "toy", rows, keep="label >= 0"), config(), tmp_path, 0)
    assert (pool.found, pool.left_out) == (9, 3)
    assert ids(pool) == ["1", "2", "4", "5", "7", "8"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ["first", "second", "turned"]),
        ({"templates": 1}, ["first"]),
        ({"templates": 7}, ["first", "second", "turned"]),
        ({"inverted": False}, ["first", "second"]),
        ({"inverted": False, "templates": 2}, ["first", "second"]),
    ],
)
def test_templates_are_the_first_of_those_allowed(
    tmp_path: Path, changes: dict[str, object], expected: list[str]
) -> None:
    pool = task_pool(toy(tmp_path, "toy"), config(**changes), tmp_path, 0)
    assert [template.id for template in pool.templates] == expected


def test_each_row_and_epoch_has_a_template_of_its_own(tmp_path: Path) -> None:
    pool = task_pool(toy(tmp_path, "toy", 60), config(), tmp_path, 0)
    by_epoch = [[pool.example(row, epoch, 0).template for row in range(60)] for epoch in (0, 1)]
    for drawn in by_epoch:
        # 20 expected of each, with a standard deviation of 3.7.
        assert all(6 <= drawn.count(id) <= 34 for id in ("first", "second", "turned"))
    assert by_epoch[0] != by_epoch[1]
    assert by_epoch[0] == [pool.example(row, 0, 0).template for row in range(60)]
    assert by_epoch[0] != [pool.example(row, 0, 1).template for row in range(60)]


def test_a_task_of_inverted_templates_only_is_refused_where_none_are_wanted(tmp_path: Path) -> None:
    turned = {"id": "t", "inverted": True, "prompt": "Write: {{ answer }}", "target": "{{ text }}"}
    task = toy(tmp_path, "toy", templates=[turned])
    with pytest.raises(RecipeError, match=r"all templates of toy are inverted"):
        task_pool(task, config(inverted=False), tmp_path, 0)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([], r"no rows.*'toy'"),
        ([{"text": "no label"}], r"'label'.*missing.*'toy'"),
        ([{"text": "odd", "label": 7}], r"label int 7.*'toy'"),
    ],
)
def test_errors_in_rows_name_the_task(
    tmp_path: Path, rows: list[dict[str, object]], says: str
) -> None:
    with pytest.raises(RowError, match=says):
        task_pool(toy(tmp_path, "toy", rows), config(), tmp_path, 0)


def test_an_error_that_names_only_the_file_gets_the_task_named(tmp_path: Path) -> None:
    source = {"folder": "rows", "splits": {"train": "train"}}
    task = toy(tmp_path / "tasks", "toy", source=source)
    (tmp_path / "data" / "rows").mkdir(parents=True)
    (tmp_path / "data" / "rows" / "train.jsonl").write_text("{broken\n")
    with pytest.raises(RowError, match=r"toy.*train\.jsonl, line 1: not JSON"):
        task_pool(task, config(), tmp_path / "data", 0)


def test_a_task_that_keeps_no_row_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RowError, match="toy keeps none of 8 rows of train"):
        task_pool(toy(tmp_path, "toy", keep="label > 1"), config(), tmp_path, 0)


def test_an_instruction_is_its_own_prompt_with_the_input_below_it() -> None:
    pool = instruction_pool([instruction(1), instruction(2, "ie", "Some text.")], frozenset())
    bare, full = pool.rows
    assert bare.prompt == "Do 1."
    assert full.prompt == "Do 2.\n\nSome text."
    assert full.target == "Done 2."
    assert (full.task, full.cluster, full.category) == ("synthesised", "", "ie")
    assert (full.template, full.inverted, full.options, full.gold) == ("instruction", False, (), -1)
    assert full.row == "synthesised/train/i2"
    assert full.id == "synthesised/train/i2/instruction"


def test_instructions_of_a_held_out_category_are_left_out() -> None:
    pool = instruction_pool([instruction(1, "qa"), instruction(2, "ie")], frozenset({"qa"}))
    assert pool.found == 2
    assert [example.category for example in pool.rows] == ["ie"]
