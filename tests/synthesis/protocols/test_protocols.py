"""What holds of every protocol."""

import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preceptor.errors import RecipeError
from preceptor.records import Seed
from preceptor.synthesis.filters import runs_of_words
from preceptor.synthesis.parse import Parsed, normalise_input
from preceptor.synthesis.protocols import PROTOCOLS, protocol
from preceptor.synthesis.protocols.answers import ask_answer
from preceptor.synthesis.protocols.base import Draft, Wanted
from preceptor.synthesis.protocols.demonstrations import as_json, instructions_as_json, labelled
from tests.synthesis.protocols.examples import PASSAGE, every_wish, odd_seeds, packaged_seeds

SEEDS = packaged_seeds()
ONE_PASS = [name for name in PROTOCOLS if name != "self-instruct"]


def prompt(name: str, wanted: Wanted, *, tasks: int = 2, structured: bool = False) -> str:
    (message,) = protocol(name).ask(SEEDS[:3], wanted, tasks, structured, True).messages
    assert message.role == "user"
    return message.content


def test_the_four_protocols() -> None:
    assert PROTOCOLS == ("bioinstruct", "alpaca", "self-instruct", "medinstruct")
    assert [protocol(name).name for name in PROTOCOLS] == list(PROTOCOLS)


def test_another_name_is_an_error_that_lists_them() -> None:
    with pytest.raises(RecipeError, match="no protocol is called 'evol'; choose one of bioinstr"):
        protocol("evol")


@pytest.mark.parametrize("name", PROTOCOLS)
def test_no_stop_text_is_a_number(name: str) -> None:
    samplings = protocol(name).defaults.sampling
    assert {"task", "answer"} <= set(samplings)
    for sampling in samplings.values():
        assert not [stop for stop in sampling.stop if re.search(r"\d", stop)]


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_combination_of_wishes_renders(name: str) -> None:
    wishes = every_wish()
    seen = set()
    for wanted, tasks, structured in product(wishes, (1, 3), (False, True)):
        text = prompt(name, wanted, tasks=tasks, structured=structured)
        assert not re.search(r"\{\{|\{%|undefined|\n\n\n", text)
        assert (PASSAGE.text in text) == (wanted.passage is not None)
        assert all(value in text for value in (wanted.topic, wanted.view, wanted.kind))
        seen.add(text)
    assert len(seen) == len(wishes) * 4


@pytest.mark.parametrize("name", PROTOCOLS)
def test_each_wish_changes_the_prompt(name: str) -> None:
    wishes = [
        Wanted(),
        *(Wanted(category=category) for category in ("qa", "ie", "gen", "other")),
        Wanted(topic="asthma"),
        Wanted(view="patient"),
        Wanted(kind="ranking"),
        *(Wanted(difficulty=level) for level in range(1, 6)),
        Wanted(unanswerable=True),
        Wanted(passage=PASSAGE),
        Wanted(passage=PASSAGE, passage_as_input=True),
    ]
    assert len({prompt(name, wanted) for wanted in wishes}) == len(wishes)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_the_domain_is_a_word_of_the_prompt(name: str) -> None:
    for structured in (False, True):
        ask = protocol(name, "maritime-law").ask((), Wanted(), 2, structured, True)
        assert "maritime-law" in ask.messages[0].content
        assert "biomedical" not in ask.messages[0].content


@pytest.mark.parametrize("name", PROTOCOLS)
def test_an_opening_is_for_text_and_a_schema_for_json(name: str) -> None:
    text = protocol(name).ask(SEEDS[:3], Wanted(), 2, False, True)
    json = protocol(name).ask(SEEDS[:3], Wanted(), 2, True, True)
    assert text.kind == json.kind == "task"
    assert text.opening
    assert text.schema is None
    assert not json.opening
    assert json.schema is not None


@pytest.mark.parametrize("name", PROTOCOLS)
@given(seed=odd_seeds())
def test_what_seeds_hold_is_never_taken_for_a_template(name: str, seed: Seed) -> None:
    text = protocol(name).ask([seed], Wanted(), 1, False, True).messages[0].content
    assert seed.instruction in text
    if name != "self-instruct":
        assert seed.input in text
    if name in ("bioinstruct", "alpaca"):
        assert seed.output in text


@given(odd_seeds(), st.text())
def test_what_the_user_writes_is_never_taken_for_a_template(seed: Seed, odd: str) -> None:
    label = " ".join(odd.split()) or "x"
    wanted = Wanted(topic=label, view=label, kind=label, passage=PASSAGE)
    for name in PROTOCOLS:
        assert prompt(name, wanted).count(label) >= 3
    text = ask_answer(seed.instruction, seed.input, wanted).messages[0].content
    assert seed.instruction in text
    assert seed.input.strip() in text


@pytest.mark.parametrize("name", ONE_PASS)
@given(seeds=st.lists(odd_seeds(), min_size=1, max_size=4))
def test_a_reply_in_json_gives_its_tasks_back(name: str, seeds: list[Seed]) -> None:
    for with_output in (True, False):
        traits = name == "medinstruct"
        found = protocol(name).read(as_json(seeds, with_output, traits), True, (), len(seeds))
        assert [task.instruction for task in found] == [seed.instruction for seed in seeds]
        assert [task.input for task in found] == [normalise_input(s.input) for s in seeds]
        assert [task.output for task in found] == [s.output if with_output else "" for s in seeds]
        assert {task.fault for task in found} == {"" if with_output else "no output"}
        if traits:
            assert [task.difficulty for task in found] == [seed.difficulty for seed in seeds]


@pytest.mark.parametrize("name", PROTOCOLS)
@given(text=st.text() | st.text(alphabet='{}[]":,tasks instruction\n#.4'), finished=st.booleans())
def test_no_reply_makes_a_reader_raise(name: str, text: str, finished: bool) -> None:
    found = protocol(name).read(text, finished, SEEDS[:3], 2)
    assert [task.position for task in found] == list(range(len(found)))
    assert found
    assert finished or found[-1].fault == "cut off"


@pytest.mark.parametrize("name", ONE_PASS)
def test_json_in_the_output_of_a_labelled_task_stays_there(name: str) -> None:
    output = '{"question": "Which bone?", "answer": "The femur."}'
    seed = Seed("x", "Make a quiz question of the fact.", "The femur is a bone.", output, "gen", "")
    (task,) = protocol(name).read(labelled([seed], True), True, (), 1)
    assert task.output == output


@pytest.mark.parametrize("name", ONE_PASS)
def test_one_pass_asks_nothing_further(name: str) -> None:
    draft = Draft(Parsed(0, "Name it.", "", "A femur.", ""), Wanted())
    assert protocol(name).next(draft) is None
    assert protocol(name).absorb(draft, "instance", "Output: no", True) == draft


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_prompt_is_made_of_its_wording_and_what_was_given(name: str) -> None:
    wording = runs_of_words(protocol(name).wording())
    text = protocol(name).ask((), Wanted(), 1, False, True).messages[0].content
    assert runs_of_words(text) <= wording
    assert runs_of_words(protocol(name).ask((), Wanted(), 1, True, False).messages[0].content) <= (
        wording
    )


@pytest.mark.parametrize("name", PROTOCOLS)
def test_no_seed_shares_a_run_of_words_with_the_wording(name: str) -> None:
    wording = runs_of_words(protocol(name).wording())
    for seed in SEEDS:
        for text in (seed.instruction, seed.input, seed.output):
            assert not runs_of_words(text) & wording, seed.id


@pytest.mark.parametrize("name", PROTOCOLS)
def test_the_wording_is_the_same_every_time_and_differs_by_domain(name: str) -> None:
    assert protocol(name).wording() == protocol(name).wording()
    assert protocol(name).wording() != protocol(name, "legal").wording()


def test_instructions_as_json_are_read_back_without_outputs() -> None:
    found = protocol("self-instruct").read(instructions_as_json(SEEDS[:9]), True, SEEDS[:8], 9)
    assert [task.instruction for task in found] == [seed.instruction for seed in SEEDS[:9]]
    assert {(task.fault, task.input, task.output) for task in found} == {("", "", "")}
