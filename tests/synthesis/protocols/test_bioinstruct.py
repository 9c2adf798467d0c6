from preceptor.records import Seed
from preceptor.synthesis.parse import parse
from preceptor.synthesis.protocols import protocol
from preceptor.synthesis.protocols.base import Wanted
from preceptor.synthesis.protocols.demonstrations import labelled
from tests.synthesis.protocols.examples import packaged_seeds

BIOINSTRUCT = protocol("bioinstruct")
SEEDS = [
    Seed("1", "Name the bone.", "A {{ drawing }}", "Femur.", "qa", "anatomy"),
    Seed("2", "Define <sepsis>.", "", "An illness.\nA grave one.", "qa", "infection"),
]


def test_the_numbers_of_the_paper() -> None:
    defaults = BIOINSTRUCT.defaults
    assert (defaults.demonstrations, defaults.machine_demonstrations) == (3, 0)
    assert not defaults.separate_answers


def test_the_whole_prompt() -> None:
    ask = BIOINSTRUCT.ask(SEEDS, Wanted(), 1, False, True)
    assert ask.messages[0].content == (
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
    assert ask.opening == "Instruction:"


def test_another_domain_has_its_article_and_its_field() -> None:
    ask = protocol("bioinstruct", "agricultural").ask(SEEDS, Wanted(), 1, False, True)
    text = ask.messages[0].content
    assert text.startswith("You write tasks for training an agricultural assistant. ")
    assert "on any subject in the agricultural field. Vary" in text


def test_without_outputs_none_is_asked_for_or_shown() -> None:
    text = BIOINSTRUCT.ask(SEEDS, Wanted(), 1, False, False).messages[0].content
    assert "Femur" not in text
    assert "utput" not in text
    assert "answer" not in text
    assert "Instruction: Name the bone.\nInput: A {{ drawing }}\n\nInstruction: Define" in text


def test_several_tasks_are_asked_for_in_the_plural() -> None:
    text = BIOINSTRUCT.ask(SEEDS, Wanted(), 5, False, True).messages[0].content
    assert text.endswith(
        "Write 5 new tasks in the same format, on different subjects, and nothing else."
    )


def test_the_wording_holds_no_field_that_an_echo_of_it_would_be_read_as() -> None:
    text = BIOINSTRUCT.ask((), Wanted(), 1, False, True).messages[0].content
    assert [task.fault for task in parse(text, finished=True)] == ["no task"]


def test_every_demonstration_is_shown_in_the_form_that_is_read_back() -> None:
    for seed in packaged_seeds():
        (task,) = BIOINSTRUCT.read(labelled([seed], True), True, (), 1)
        assert (task.instruction, task.input, task.output, task.fault) == (
            *(seed.instruction, seed.input, seed.output),
            "",
        )
