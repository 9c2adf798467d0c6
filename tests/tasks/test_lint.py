import pytest

from preceptor.tasks.lint import lint_task, own_text
from tests.tasks.examples import RAIN, row, task


def errors(text: str, *rows: dict[str, object]) -> list[str]:
    found = lint_task(task(text), [row(**fields) for fields in rows or ({},)])
    return [f"{f.template}: {f.message}" for f in found if f.severity == "error"]


def test_another_number_of_templates_than_ten_is_a_warning() -> None:
    [found] = lint_task(task(), [row()])
    assert (found.severity, found.message) == ("warning", "has 2 templates; 10 are usual")


def test_the_number_of_inverted_templates_is_checked() -> None:
    last = RAIN[RAIN.index("  - id: write_a_line") :]
    turned = "".join(last.replace("write_a_line", f"again_{i}") for i in range(3))
    assert any("4 templates are inverted" in error for error in errors(RAIN + turned))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("{{ line }}\n      D", "D", "plain: the prompt has no value of the row"),
        ("{{ line }}\n      D", "{{ line }} {{ answer }} D", "plain: the prompt gives the answer"),
        ("{{ options_block }}\n", "{{ options_block }} Now.\n", "options_block is not the last"),
        (" rain.\n", " rain. {{ options_block }}\n", "has the options_block"),
        ('target: "{{ line }}"', 'target: "x"', "its target has no value of the row"),
        ("Does it rain?\n\n", "Does it rain??\n\n", "doubled punctuation near"),
        ("Does it rain?\n\n", "Does it  rain?\n\n", "a doubled blank near"),
        ("Does it rain?\n\n", "Does it rain ?\n\n", "a blank before punctuation near"),
        ("Does it rain?\n\n", "Does it rain? \n\n", "a blank at the end of a line near"),
        ("Does it rain?\n\n", "Does it rain?\n\n\n", "more than one empty line near"),
        ("Does it rain?\n\n", "Does it\u00a0rain?\n\n", "a control or invisible character near"),
        ("Does it rain?\n\n", "Does { it } rain?\n\n", "a brace of its own near"),
    ],
)
def test_wording_that_is_not_clean_is_found(old: str, new: str, message: str) -> None:
    head, templates = RAIN.split("templates:")
    text = head + "templates:" + templates.replace(old, new, 1)
    assert text != RAIN
    assert any(message in error for error in errors(text))


def test_an_ellipsis_is_no_doubled_punctuation() -> None:
    assert errors(RAIN.replace("Does it rain?\n\n", "Does it rain ...?\n\n")) == []


def test_two_templates_with_nearly_the_same_wording_are_found() -> None:
    again = RAIN[RAIN.index("  - id: plain") : RAIN.index("  - id: write_a_line")]
    other = again.replace("plain", "again").replace("{{ line }}", "{{ line | upper }}")
    assert any(
        "again: its wording is 1.00 alike to that of plain" in e for e in errors(RAIN + other)
    )


def test_own_text_masks_values_and_keeps_wording_in_expressions() -> None:
    text = own_text('A {{ x | join(",") }} {{ "is it so" if y else "or not: " ~ z }} {{ block }}')
    assert text == "A \ufffc is it so or not: \ufffc \ufffc"


def test_rows_that_a_task_cannot_use_are_counted() -> None:
    found = errors(RAIN, {}, {"label": 7}, {"label": 8})
    assert any("label int 7" in error and "(2 of 3 rows)" in error for error in found)


def test_a_template_that_fails_on_a_row_is_found() -> None:
    found = errors(RAIN.replace("{{ line }}\n", "{{ line.x }}\n"), {}, {})
    assert any(error.startswith("plain: ") and "(2 of 2 rows)" in error for error in found)


def test_a_task_that_keeps_no_row_is_found() -> None:
    assert ": none of its 1 rows is kept" in errors(RAIN, {"label": -1})


def test_no_rows_and_unnamed_options_are_warnings() -> None:
    assert [f.severity for f in lint_task(task(), [])] == ["warning", "warning"]
    bare = task(RAIN.replace("\n\n      {{ options_block }}", ""))
    warnings = [f for f in lint_task(bare, [row()]) if f.severity == "warning"]
    assert [f.template for f in warnings] == ["", "plain"]
    assert "an option is not to be found in the prompt (1 of 1 rows)" in warnings[1].message
