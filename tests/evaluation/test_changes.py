from dataclasses import replace

import pytest

from preceptor.errors import StageError
from preceptor.evaluation.changes import changes
from preceptor.records import Score
from tests.evaluation import made


def moved(items: list[tuple[str, int, str, float, float]]) -> tuple[list[Score], list[Score]]:
    base = [made.score(task, row, template, before) for task, row, template, before, _ in items]
    tuned = [replace(s, value=item[4]) for s, item in zip(base, items, strict=True)]
    return base, tuned


def test_largest_change_of_each_task_comes_before_the_second_of_any() -> None:
    base, tuned = moved(
        [
            ("a", 0, "p", 0.0, 0.9),
            ("a", 1, "p", 0.0, 1.0),
            ("b", 0, "p", 0.5, 0.6),
            ("b", 1, "p", 0.5, 0.5),
            ("c", 0, "p", 1.0, 0.2),
        ]
    )
    found = changes(base, tuned)
    assert [c.base.example for c in found.better] == ["a/test/1/p", "b/test/0/p", "a/test/0/p"]
    assert [(c.base.example, c.tuned.value) for c in found.worse] == [("c/test/0/p", 0.2)]


def test_a_row_is_shown_under_its_most_changed_template_only() -> None:
    base, tuned = moved([("a", 0, "p", 0.0, 0.3), ("a", 0, "q", 0.0, 0.4), ("a", 1, "p", 0.0, 0.1)])
    assert [c.base.example for c in changes(base, tuned).better] == ["a/test/0/q", "a/test/1/p"]


def test_at_most_k_each_way_in_an_order_that_the_scores_order_does_not_change() -> None:
    base, tuned = moved([("a", row, "p", 0.0, 1.0) for row in range(9)])
    found = changes(base, tuned, k=4)
    assert [c.base.row for c in found.better] == [f"a/test/{row}" for row in range(4)]
    assert found.worse == ()
    assert changes(base[::-1], tuned, k=4) == found


def test_models_scored_on_different_items_are_refused() -> None:
    base, tuned = moved([("a", 0, "p", 0.0, 1.0), ("a", 1, "p", 0.0, 1.0)])
    with pytest.raises(StageError, match="model 'tuned' has no score for item 'a/test/1/p'"):
        changes(base, tuned[:1])
