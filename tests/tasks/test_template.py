import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preceptor.errors import RowError
from preceptor.records import Example
from preceptor.tasks.task import Task, prepare
from preceptor.tasks.template import options_block, render
from tests.tasks.examples import COPY, RAIN, row, task

OPTION = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1)


def rendered(task: Task, template: int = 0) -> Example:
    prepared = prepare(task, row())
    assert prepared is not None
    return render(task, task.templates[template], prepared, row())


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
