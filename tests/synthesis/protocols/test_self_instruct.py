import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preceptor.records import Seed
from preceptor.synthesis.parse import Parsed
from preceptor.synthesis.protocols import protocol
from preceptor.synthesis.protocols.base import Draft, Wanted
from tests.synthesis.protocols.examples import PASSAGE, odd_seeds, packaged_seeds

SELF_INSTRUCT = protocol("self-instruct")
SEEDS = packaged_seeds()
RANK = Draft(Parsed(3, "Rank {{ them }}.", "", "", ""), Wanted())


def follow(draft: Draft, *replies: str, finished: bool = True) -> tuple[Draft, list[str]]:
    """The draft after scripted replies, and the kinds of the calls that got them."""
    kinds = []
    for text in replies:
        ask = SELF_INSTRUCT.next(draft)
        assert ask is not None
        assert ask.kind in SELF_INSTRUCT.defaults.sampling
        assert draft.task.instruction in ask.messages[0].content
        kinds.append(ask.kind)
        draft = SELF_INSTRUCT.absorb(draft, ask.kind, text, finished)
    return draft, kinds


def pairs(draft: Draft) -> list[tuple[str, str]]:
    return [(task.input, task.output) for task in draft.tasks]


def test_the_numbers_of_the_program() -> None:
    defaults = SELF_INSTRUCT.defaults
    assert (defaults.demonstrations, defaults.machine_demonstrations) == (6, 2)
    assert defaults.tasks_per_request == 8
    task = defaults.sampling["task"]
    assert (task.temperature, task.top_p, task.presence_penalty) == (0.7, 0.5, 2.0)
    assert task.max_new_tokens == 1024
    assert defaults.sampling["classify"].temperature == 0
    instance = defaults.sampling["instance"]
    assert (instance.temperature, instance.presence_penalty) == (0, 1.5)


def test_the_list_shows_instructions_alone_and_goes_on_from_item_nine() -> None:
    ask = SELF_INSTRUCT.ask(SEEDS[:8], Wanted(), 8, False, True)
    text = ask.messages[0].content
    lines = text.split("\n")
    assert lines[-9:-1] == [f"{n}. {s.instruction}" for n, s in enumerate(SEEDS[:8], start=1)]
    assert lines[-1] == ask.opening == "9."
    assert "8 more tasks" in text
    assert SEEDS[1].input not in text
    assert SEEDS[0].output not in text


def test_an_instruction_of_several_lines_is_one_item() -> None:
    seed = Seed("x", "Name\nthe bone.", "", "Femur.", "qa", "")
    text = SELF_INSTRUCT.ask([seed], Wanted(), 8, False, True).messages[0].content
    assert text.endswith("\n1. Name the bone.\n2.")


@given(st.lists(odd_seeds(), min_size=1, max_size=8))
def test_a_perfect_list_gives_its_instructions_back(seeds: list[Seed]) -> None:
    items = [f"{n}. {seed.instruction}" for n, seed in enumerate(seeds, start=9)]
    for reply in ("\n".join(items), "\n".join(items).removeprefix("9. ")):
        found = SELF_INSTRUCT.read(reply, True, SEEDS[:8], 8)
        assert [task.instruction for task in found] == [seed.instruction for seed in seeds]
        assert {(task.fault, task.input, task.output) for task in found} == {("", "", "")}


def test_acronyms_and_doses_survive() -> None:
    found = SELF_INSTRUCT.read(
        "9. Explain HbA1c.\n10. Is 16. a plausible INR?\n11. Name BRCA1's", False, SEEDS[:8], 8
    )
    assert [(task.instruction, task.fault) for task in found] == [
        ("Explain HbA1c.", ""),
        ("Is 16. a plausible INR?", ""),
        ("Name BRCA1's", "cut off"),
    ]


def test_a_task_that_is_no_classification_gets_its_inputs_first() -> None:
    draft, kinds = follow(
        RANK,
        " no",
        "Example 1\nInput: A, B\nOutput: B, A\nExample 2\nInput: C, D\nOutput: C, D",
    )
    assert kinds == ["classify", "instance"]
    assert draft.classification is False
    assert pairs(draft) == [("A, B", "B, A"), ("C, D", "C, D")]
    assert {(task.instruction, task.position) for task in draft.tasks} == {("Rank {{ them }}.", 3)}
    assert SELF_INSTRUCT.next(draft) is None


def test_a_classification_gets_its_labels_first() -> None:
    asked = SELF_INSTRUCT.next(replace(RANK, classification=True))
    assert asked is not None
    assert asked.opening == "Class label:"
    draft, kinds = follow(
        RANK, "Yes.", "Class label: urgent\nInput: He is blue.\nClass label: calm\nInput: A cough."
    )
    assert kinds == ["classify", "instance"]
    assert draft.classification is True
    assert pairs(draft) == [("He is blue.", "urgent"), ("A cough.", "calm")]


@pytest.mark.parametrize("text", ["", "That depends.", "yes or no", "No", '{"label": "no"}'])
def test_whatever_is_no_yes_is_a_no(text: str) -> None:
    assert SELF_INSTRUCT.absorb(RANK, "classify", text, True).classification is False


@pytest.mark.parametrize("text", ["yes", "Yes, it is.", "Classification: yes", '{"label": "yes"}'])
def test_a_yes_is_a_yes(text: str) -> None:
    assert SELF_INSTRUCT.absorb(RANK, "classify", text, True).classification is True


def test_five_instances_are_the_most() -> None:
    text = "\n".join(f"Example {n}\nInput: case {n}\nOutput: it is {n}" for n in range(1, 9))
    draft, _ = follow(RANK, "no", text)
    assert pairs(draft) == [(f"case {n}", f"it is {n}") for n in range(1, 6)]


def test_nothing_readable_is_a_fault() -> None:
    draft, _ = follow(RANK, "no", "")
    assert (draft.fault, draft.tasks) == ("no instance", ())
    assert SELF_INSTRUCT.next(draft) is None
    draft, _ = follow(RANK, "no", "Example 1\nInput: only this", finished=False)
    assert draft.fault == "cut off"


def test_of_a_reply_that_was_cut_the_whole_instances_are_used() -> None:
    text = "Example 1\nInput: A\nOutput: one\nExample 2\nInput: B\nOutput: tw"
    draft = SELF_INSTRUCT.absorb(replace(RANK, classification=False), "instance", text, False)
    assert pairs(draft) == [("A", "one")]


def test_no_input_has_one_spelling() -> None:
    draft, _ = follow(RANK, "no", "Example 1\nInput: None\nOutput: Because it is so.")
    assert pairs(draft) == [("", "Because it is so.")]


@pytest.mark.parametrize("classification", [True, False])
def test_instances_in_json(classification: bool) -> None:
    draft = replace(RANK, classification=classification, structured=True)
    ask = SELF_INSTRUCT.next(draft)
    assert ask is not None
    assert ask.schema is not None
    assert not ask.opening
    fields = ask.schema["properties"]["instances"]["items"]["properties"]
    assert list(fields) == (["output", "input"] if classification else ["input", "output"])
    text = json.dumps(
        {"instances": [{"output": str(n), "input": f"case {n}"} for n in range(1, 8)]}
    )
    draft = SELF_INSTRUCT.absorb(draft, "instance", text, True)
    assert pairs(draft) == [(f"case {n}", str(n)) for n in range(1, 6)]
    assert {task.fault for task in draft.tasks} == {""}


def test_json_that_was_cut_loses_its_last_instance() -> None:
    text = '{"instances": [{"input": "A", "output": "one"}, {"input": "B", "output": "tw'
    draft = SELF_INSTRUCT.absorb(replace(RANK, classification=False), "instance", text, False)
    assert pairs(draft) == [("A", "one")]


def test_the_kind_is_asked_for_in_json_where_replies_are_to_be() -> None:
    ask = SELF_INSTRUCT.next(replace(RANK, structured=True))
    assert ask is not None
    assert ask.schema is not None
    assert ask.schema["properties"]["label"]["enum"] == ["yes", "no"]


def test_a_passage_is_shown_where_instructions_and_where_instances_are_written() -> None:
    wanted = Wanted(passage=PASSAGE)
    first = SELF_INSTRUCT.ask(SEEDS[:8], wanted, 8, False, True)
    then = SELF_INSTRUCT.next(replace(RANK, wanted=wanted, classification=False))
    assert then is not None
    for ask in (first, then):
        assert PASSAGE.text in ask.messages[0].content


def test_with_the_passage_as_input_only_the_output_is_written() -> None:
    wanted = Wanted(passage=PASSAGE, passage_as_input=True)
    task = replace(RANK.task, input=PASSAGE.text)
    draft, kinds = follow(Draft(task, wanted), "Output: Platelets.")
    assert kinds == ["instance"]
    assert pairs(draft) == [(PASSAGE.text, "Platelets.")]
    draft, _ = follow(Draft(task, wanted), " ")
    assert draft.fault == "no output"


def test_an_unanswerable_task_is_told_so_and_is_no_classification() -> None:
    draft = replace(RANK, wanted=Wanted(unanswerable=True))
    ask = SELF_INSTRUCT.next(draft)
    assert ask is not None
    assert ask.kind == "instance"
    assert "leaves out one fact" in ask.messages[0].content
