import pytest
from hypothesis import given
from hypothesis import strategies as st

from preceptor.synthesis.protocols.answers import ask_answer, read_answer
from preceptor.synthesis.protocols.base import Wanted
from tests.synthesis.protocols.examples import PASSAGE


def asked(input: str, wanted: Wanted) -> str:
    ask = ask_answer("Name the drug.", input, wanted)
    assert (ask.kind, ask.schema, ask.opening) == ("answer", None, "")
    return ask.messages[0].content


def test_instruction_and_input_stand_last() -> None:
    assert asked("Aspirin was given.\nTwice.", Wanted()).endswith(
        "\n\nTask: Name the drug.\n\nInput: Aspirin was given.\nTwice."
    )
    assert asked("", Wanted()).endswith("\n\nTask: Name the drug.")


def test_labels_that_the_task_has_already_are_not_repeated() -> None:
    assert asked("", Wanted("qa", "asthma", "patient", "ranking", 3)) == asked("", Wanted())


def test_the_passage_is_shown_once() -> None:
    assert asked("", Wanted(passage=PASSAGE)).count(PASSAGE.text) == 1
    as_input = Wanted(passage=PASSAGE, passage_as_input=True)
    assert asked(PASSAGE.text, as_input).count(PASSAGE.text) == 1


def test_what_cannot_be_answered_is_said_and_the_passage_hidden() -> None:
    text = asked("He takes it.", Wanted(unanswerable=True, passage=PASSAGE))
    assert "do not guess" in text
    assert PASSAGE.text not in text


@pytest.mark.parametrize(
    ("text", "output"),
    [
        ("Aspirin.", "Aspirin."),
        (" Output: Aspirin.\n", "Aspirin."),
        ("**Answer:** Aspirin.", "Aspirin."),
        ("Response:\nAspirin.\n\nTwice.", "Aspirin.\n\nTwice."),
        ('```json\n{"drug": "aspirin"}\n```', '{"drug": "aspirin"}'),
        ("The code is\n```\nI10\n```", "The code is\n```\nI10\n```"),
        ("```\na\n```\nand\n```\nb\n```", "```\na\n```\nand\n```\nb\n```"),
        ("The answer: aspirin.", "The answer: aspirin."),
    ],
)
def test_what_is_taken_off_an_answer(text: str, output: str) -> None:
    assert read_answer(text, True) == (output, "")
    assert read_answer(text, False) == (output, "cut off")


@pytest.mark.parametrize("text", ["", " \n", "Output:", "```\n```"])
def test_nothing_is_no_output(text: str) -> None:
    assert read_answer(text, True) == ("", "no output")
    assert read_answer(text, False) == ("", "no output")


@given(st.text(), st.booleans())
def test_no_answer_makes_it_raise(text: str, finished: bool) -> None:
    output, fault = read_answer(text, finished)
    assert fault in ("", "no output", "cut off")
    assert bool(output) == (fault != "no output")
