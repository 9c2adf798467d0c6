from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preceptor.records import Example
from preceptor.tasks.fewshot import MOST, Layout, chosen, source_row, with_exemplars


def example(row: str, template: str = "plain", prompt: str = "") -> Example:
    return Example(
        id=f"rain/train/{row}/{template}",
        task="rain",
        cluster="",
        category="qa",
        template=template,
        inverted=False,
        prompt=prompt or f"Q{row}",
        target=f"A{row}",
        options=(),
        gold=-1,
        row=f"rain/train/{row}",
    )


@given(st.integers(1, 60), st.integers(0, 59), st.integers(0, MOST), st.integers(0, 99))
def test_the_query_is_never_its_own_exemplar(rows: int, query: int, shots: int, seed: int) -> None:
    query %= rows
    found = chosen(rows, query, shots, seed, "rain", query)
    assert query not in found
    assert len(found) == len(set(found)) == min(shots, rows - 1)
    assert found == chosen(rows, query, shots, seed, "rain", query)


def test_more_than_sixteen_are_refused() -> None:
    with pytest.raises(ValueError, match="0 to 16"):
        chosen(100, None, 17, 0)


def test_exemplars_stand_before_the_query_with_their_answers() -> None:
    shown = with_exemplars(example("1"), [example("2"), example("3")], layout=Layout(" = ", " / "))
    assert shown.prompt == "Q2 = A2 / Q3 = A3 / Q1"
    assert (shown.target, shown.shots, shown.id) == ("A1", 2, "rain/train/1/plain@2")


def test_a_budget_cuts_from_the_first_that_does_not_fit() -> None:
    long = example("3", prompt="x" * 50)
    shown = with_exemplars(example("1"), [example("2"), long, example("4")], budget=30)
    assert shown.shots == 1
    assert len(shown.prompt) <= 30
    assert with_exemplars(example("1"), [long], budget=30) == example("1")


def test_items_of_the_same_source_row_are_passed_over() -> None:
    query = example("7#0")
    shown = with_exemplars(query, [example("7#1"), example("8#0")])
    assert shown.shots == 1
    assert "Q8#0" in shown.prompt
    assert source_row(replace(query, row="rain/train/9")) == "rain/train/9"


def test_another_template_is_no_exemplar() -> None:
    with pytest.raises(ValueError, match="another task or template"):
        with_exemplars(example("1"), [example("2", "other")])


def test_a_copy_of_the_query_would_give_its_answer_away() -> None:
    copy = example("9", prompt="Q1")
    assert with_exemplars(example("1"), [copy, example("2")]).prompt.count("Q1") == 1
