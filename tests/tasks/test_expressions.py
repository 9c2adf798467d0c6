"""Expressions evaluated together give what they give one by one."""

import pytest

from preceptor.errors import RowError
from preceptor.records import Row
from preceptor.tasks import task as task_module
from preceptor.tasks.catalogue import load_tasks
from preceptor.tasks.expressions import REMEMBERED, SHORT, Together, evaluate
from preceptor.tasks.source import read_rows, sample_rows, splits_here
from preceptor.tasks.task import Prepared, Task, prepare


def result(task: Task, row: Row) -> Prepared | str | None:
    try:
        return prepare(task, row)
    except RowError as error:
        return str(error)


def test_rows_of_every_task_are_prepared_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = []
    for task in load_tasks().values():
        shipped = [row for split in splits_here(task, None) for row in read_rows(task, split, None)]
        made = [*sample_rows(task), *shipped[:20]]
        # Each field taken away, and each turned into something else: errors are the same too.
        for row in made[:2]:
            for name in sorted(task.fields.keys() & row.fields.keys()):
                less = {key: value for key, value in row.fields.items() if key != name}
                made += [
                    Row(row.dataset, row.split, row.id, fields, row.layout)
                    for fields in (
                        less,
                        {**less, name: None},
                        {**less, name: ""},
                        {**less, name: []},
                    )
                ]
        rows += [(task, row) for row in made]
    together = [result(task, row) for task, row in rows]
    monkeypatch.setattr(task_module, "_together", lambda *_: lambda _: None)
    assert together == [result(task, row) for task, row in rows]
    assert sum(isinstance(one, Prepared) for one in together) > 400
    assert sum(isinstance(one, str) for one in together) > 400


def test_a_value_hides_the_field_of_its_name_from_those_after_it() -> None:
    together = Together({"x": "x + 1", "y": "x * 10"}, {"x": "x + y", "other.key": "_"}, "x > 0")
    assert together({"x": 1, "_": "free"}) == ({"x": 2, "y": 20}, {"x": 22, "other.key": "free"})
    assert together({"x": 0, "_": "free"}) == ({}, {})


@pytest.mark.parametrize("text", ["none", "missing", "1 / 0", "x.__class__", "no | filter"])
def test_what_fails_or_comes_to_nothing_is_left_to_the_slow_way(text: str) -> None:
    assert Together({"y": text}, {}, "")({"x": 1}) is None
    assert Together({}, {"y": text}, "")({"x": 1}) is None
    assert Together({"y": "1"}, {}, text)({"x": 1}) is None


def test_a_filter_remembers_long_texts_only_of_its_own() -> None:
    long = [" " * n + "word " * SHORT for n in range(REMEMBERED + 3)]
    for texts in (long, long, long[::-1]):
        assert {evaluate("x | lines", {"x": text}) for text in texts} == {
            " ".join(["word"] * SHORT)
        }
    tokens = "a ( b ) " * SHORT
    assert evaluate("x | detokenise", {"x": tokens}) == evaluate("x | detokenise", {"x": tokens})
    assert evaluate("x | detokenise | length < x | length", {"x": tokens})
    assert evaluate('x | before("b")', {"x": "a" * SHORT + "bc"}) == "a" * SHORT
    assert evaluate('x | before(mark="b")', {"x": "a" * SHORT + "bc"}) == "a" * SHORT
