import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preceptor.errors import RowError
from preceptor.records import Example
from preceptor.tasks.task import Task, prepare
from preceptor.tasks.template import (
    MARKERS,
    Style,
    options_block,
    reads_without_options,
    render,
)
from tests.tasks.examples import COPY, RAIN, row, task

OPTION = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1)


def rendered(task: Task, template: int = 0, style: Style | None = None) -> Example:
    prepared = prepare(task, row())
    assert prepared is not None
    return render(task, task.templates[template], prepared, row(), style or Style())


def test_an_example_is_the_row_under_the_template() -> None:
    assert rendered(task()) == Example(
        id="rain/train/7/plain",
        task="rain",
        cluster="natural_language_inference",
        category="",
        template="plain",
        inverted=False,
        prompt="Wet all day.\nDoes it rain?\n\nOPTIONS:\n- yes\n- no",
        target="yes",
        options=("yes", "no"),
        gold=0,
        row="rain/train/7",
        options_shown=True,
    )


def test_an_inverted_example_has_no_options() -> None:
    example = rendered(task(), 1)
    assert example.prompt == "Write a line on weather with rain."
    assert (example.target, example.options, example.gold) == ("Wet all day.", (), -1)
    assert example.inverted


@settings(deadline=None)
@given(st.lists(OPTION, min_size=2))
def test_the_options_can_be_read_back_from_the_block(options: list[str]) -> None:
    head, *lines = options_block(options).split("\n")
    assert head == "OPTIONS:"
    assert [line.removeprefix("- ") for line in lines] == options


def test_prompt_and_target_are_not_escaped_and_are_stripped() -> None:
    example = rendered(task(COPY.replace('"Shout: {{ line }}"', "\"  <b> & '{{ line }}'  \"")))
    assert example.prompt == "<b> & 'Wet all day.'"


@pytest.mark.parametrize(
    "attack", ["{{ ''.__class__.__mro__ }}", "{{ line.__class__ }}", "{{ line['x'] }}{{ line.y }}"]
)
def test_a_template_cannot_leave_the_sandbox(attack: str) -> None:
    with pytest.raises(RowError, match="rain/train, row 7: prompt of rain/plain failed"):
        rendered(task(RAIN.replace("      Does it rain?", f"      {attack}")))


def test_an_empty_prompt_is_refused() -> None:
    with pytest.raises(RowError, match="prompt of rain/shout is empty"):
        rendered(task(COPY.replace("Shout: {{ line }}", "{{ line if false else ' ' }}")))


def test_options_can_be_left_out_with_the_lines_before_them() -> None:
    example = rendered(task(), style=Style(options=False))
    assert example.prompt == "Wet all day.\nDoes it rain?"
    assert (example.options, example.gold, example.options_shown) == (("yes", "no"), 0, False)


def test_a_wording_that_points_at_options_does_not_do_without_them() -> None:
    one = task().templates[0]
    assert reads_without_options(one)
    pointing = task(RAIN.replace("Does it rain?\n\n", "Choose an answer: does it rain?\n\n", 1))
    assert not reads_without_options(pointing.templates[0])
    assert not reads_without_options(task().templates[1]), "it has no block"


@given(st.integers(0, 10**6))
def test_drawn_options_keep_the_answer(seed: int) -> None:
    example = rendered(task(), style=Style(order="drawn", marker="drawn", seed=seed))
    assert sorted(example.options) == ["no", "yes"]
    assert example.options[example.gold] == example.target == "yes"
    listed = example.prompt.partition("OPTIONS:\n")[2].splitlines()
    assert [line.split(" ", 1)[1] for line in listed] == list(example.options)


def test_drawn_orders_differ_and_are_the_same_again() -> None:
    found = [rendered(task(), style=Style(order="drawn", seed=seed)).options for seed in range(40)]
    assert {("yes", "no"), ("no", "yes")} == set(found)
    again = [rendered(task(), style=Style(order="drawn", seed=seed)).options for seed in range(40)]
    assert found == again


def test_a_mark_can_be_the_answer() -> None:
    style = Style(marker="bracketed_letter", answer="mark")
    example = rendered(task(), style=style)
    assert example.prompt.endswith("OPTIONS:\n(A) yes\n(B) no")
    assert (example.target, example.options, example.gold) == ("A", ("A", "B"), 0)
    hyphens = rendered(task(), style=Style(answer="mark"))
    assert hyphens.target == "yes", "hyphens tell no option from another"


def test_letters_go_on_after_z() -> None:
    assert [MARKERS["letter"](place) for place in (0, 25, 26, 27)] == ["A.", "Z.", "AA.", "AB."]


def test_all_right_texts_travel_with_the_example() -> None:
    several = COPY.replace(
        "answer: line | upper", "answer: line | upper\nreferences: \"[line, 'X']\""
    )
    assert rendered(task(several)).references == ("WET ALL DAY.", "Wet all day.", "X")
