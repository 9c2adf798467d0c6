import pytest
from hypothesis import given
from hypothesis import strategies as st

from preceptor.records import Seed
from preceptor.synthesis.parse import normalise_input
from preceptor.synthesis.protocols import protocol
from preceptor.synthesis.protocols.base import Wanted
from preceptor.synthesis.protocols.medinstruct import KINDS, VIEWS
from preceptor.synthesis.protocols.traits import labelled_with_traits, parse_with_traits
from tests.synthesis.protocols.examples import odd_seeds, packaged_seeds

MEDINSTRUCT = protocol("medinstruct")
SEEDS = packaged_seeds()


def test_the_numbers_of_the_program() -> None:
    defaults = MEDINSTRUCT.defaults
    assert (defaults.demonstrations, defaults.machine_demonstrations) == (3, 0)
    assert defaults.tasks_per_request == 12
    assert defaults.separate_answers
    task, answer = defaults.sampling["task"], defaults.sampling["answer"]
    assert (task.temperature, task.top_p, task.presence_penalty) == (1.0, 1.0, 1.5)
    assert (answer.temperature, answer.top_p, answer.presence_penalty) == (1.0, 1.0, 0.0)


def test_seeds_are_shown_with_their_traits_and_without_outputs() -> None:
    ask = MEDINSTRUCT.ask([SEEDS[0]], Wanted(), 12, False, False)
    assert ask.opening == "Topic:"
    assert (
        "\n\nTopic: drug interactions\nView: expert\nType: open question\nDifficulty: 4\n"
        "Instruction: May clarithromycin be started in someone who takes simvastatin 40 mg daily?\n"
        "Input: none\n\nWrite 12 new tasks"
    ) in ask.messages[0].content


def test_traits_that_nobody_knows_are_not_shown() -> None:
    seed = Seed("x", "Name the bone.", "", "Femur.", "qa", "anatomy")
    assert labelled_with_traits([seed], True).startswith("Topic: anatomy\nInstruction: Name")


def test_views_types_and_levels_are_listed() -> None:
    text = MEDINSTRUCT.ask((), Wanted(), 12, False, False).messages[0].content
    assert ", ".join(VIEWS) in text
    assert "; ".join(KINDS) in text
    assert "50 to 200 words" in text
    assert "Output" not in text


@pytest.mark.parametrize("with_output", [True, False])
@given(seeds=st.lists(odd_seeds(), min_size=1, max_size=4))
def test_a_perfect_reply_gives_its_tasks_back(with_output: bool, seeds: list[Seed]) -> None:
    found = MEDINSTRUCT.read(labelled_with_traits(seeds, with_output), True, (), len(seeds))
    assert [
        (t.instruction, t.input, t.output, t.topic, t.view, t.kind, t.difficulty) for t in found
    ] == [
        (
            *(s.instruction, normalise_input(s.input), s.output if with_output else ""),
            *(s.topic, s.view, s.kind, s.difficulty),
        )
        for s in seeds
    ]


def test_headings_numbers_and_markdown_around_the_labels() -> None:
    found = parse_with_traits(
        "Here are the tasks:\n\n### Task 1\n\n**Topic:** gout\n**Point of view:** patient\n"
        "**Type:** open question\n**Difficulty:** 2/5\n\n**Instruction:** Say why my toe hurts.\n"
        "**Input:** none\n\n### Task 2\n\n2. Topic: sepsis\nView: expert\nKind: ranking\n"
        "Difficulty: hard\nInstruction: Rank them.\nInput: Two wards.",
        True,
    )
    assert [(t.topic, t.view, t.kind, t.difficulty, t.instruction, t.input) for t in found] == [
        ("gout", "patient", "open question", 2, "Say why my toe hurts.", ""),
        ("sepsis", "expert", "ranking", 0, "Rank them.", "Two wards."),
    ]


def test_one_such_line_alone_belongs_to_the_input() -> None:
    (task,) = parse_with_traits(
        "Topic: chest\nView: expert\nInstruction: Say what the film shows.\n"
        "Input: Chest film.\nView: lateral\nNo effusion.",
        True,
    )
    assert task.input == "Chest film.\nView: lateral\nNo effusion."
    assert task.view == "expert"


def test_only_the_last_of_a_reply_that_ended_by_length_is_lost() -> None:
    found = parse_with_traits(labelled_with_traits(SEEDS[:3], True), False)
    assert [task.fault for task in found] == ["", "", "cut off"]


def test_tasks_without_traits_are_tasks() -> None:
    (task,) = parse_with_traits("Instruction: Name it.\nInput: none\nOutput: Femur.", True)
    assert (task.instruction, task.output, task.topic, task.difficulty) == (
        *("Name it.", "Femur."),
        *("", 0),
    )


def test_traits_without_a_task_are_nothing() -> None:
    (task,) = parse_with_traits("Topic: gout\nView: patient\nDifficulty: 2", True)
    assert task.fault == "no task"
