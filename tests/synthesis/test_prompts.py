from collections import Counter

import pytest

from preceptor.records import Seed
from preceptor.synthesis.parse import format_task, parse
from preceptor.synthesis.prompts import draw_demonstrations, load_template, render
from preceptor.synthesis.seedbank import load_seeds

SEEDS = load_seeds("biomedical")
TEMPLATE = load_template("bioinstruct")


def test_the_whole_prompt() -> None:
    seeds = [
        Seed("1", "Name the bone.", "A {{ drawing }}", "Femur.", "qa", "anatomy"),
        Seed("2", "Define <sepsis>.", "", "An illness.\nA grave one.", "qa", "infection"),
    ]
    assert render(TEMPLATE, seeds, 1) == (
        "You write tasks for training a biomedical assistant. Every task has an instruction, an "
        "input and an output.\n"
        "Ask a question or give an order, in one or two sentences, on any subject in medicine, "
        "biology or public health. Vary the verb, and ask only for what can be done with text "
        "alone. Give realistic facts for the task to work on, up to 100 words, and leave no blanks "
        'to fill in; where the instruction says everything, write "none". Then answer correctly in '
        "up to 100 words.\n\n"
        "Instruction: Name the bone.\nInput: A {{ drawing }}\nOutput: Femur.\n\n"
        "Instruction: Define <sepsis>.\nInput: none\nOutput: An illness.\nA grave one.\n\n"
        "Write one new task in the same format, on a different subject, and nothing else."
    )


def test_several_tasks_are_asked_for_in_the_plural() -> None:
    text = render(TEMPLATE, SEEDS[:1], 5)
    assert text.endswith(
        "Write 5 new tasks in the same format, on different subjects, and nothing else."
    )


def test_the_wording_holds_no_field_that_an_echo_of_it_would_be_read_as() -> None:
    assert [task.fault for task in parse(render(TEMPLATE, (), 1), finished=True)] == ["no task"]


def test_every_demonstration_is_shown_in_the_form_that_is_read_back() -> None:
    for seed in SEEDS:
        shown = format_task(seed.instruction, seed.input, seed.output)
        assert shown in render(TEMPLATE, [seed], 1)
        (task,) = parse(shown, finished=True)
        assert (task.instruction, task.input, task.output) == (
            seed.instruction,
            seed.input,
            seed.output,
        )


def test_a_draw_is_a_function_of_seed_and_request() -> None:
    def draw(seed: int, index: int) -> tuple[str, ...]:
        return tuple(s.id for s in draw_demonstrations(SEEDS, 3, seed, index))

    assert draw(0, 7) == draw(0, 7)
    assert len({draw(seed, index) for seed in range(4) for index in range(10)}) == 40


def test_draws_are_distinct_and_every_seed_gets_its_turn() -> None:
    shown = Counter[str]()
    for index in range(400):
        ids = [seed.id for seed in draw_demonstrations(SEEDS, 3, 0, index)]
        assert len(set(ids)) == 3
        shown.update(ids)
    assert len(shown) == len(SEEDS)


def test_an_unknown_name_in_a_template_is_an_error() -> None:
    assert TEMPLATE.environment.undefined.__name__ == "StrictUndefined"
    with pytest.raises(Exception, match="'nowhere' is undefined"):
        TEMPLATE.environment.from_string("{{ nowhere }}").render()
