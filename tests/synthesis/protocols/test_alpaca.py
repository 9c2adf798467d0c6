from hypothesis import given
from hypothesis import strategies as st

from preceptor.records import Seed
from preceptor.synthesis.parse import normalise_input
from preceptor.synthesis.protocols import protocol
from preceptor.synthesis.protocols.base import Wanted
from preceptor.synthesis.protocols.demonstrations import numbered
from tests.synthesis.protocols.examples import odd_seeds, packaged_seeds

ALPACA = protocol("alpaca")
SEEDS = packaged_seeds()


def test_the_numbers_of_the_program() -> None:
    defaults = ALPACA.defaults
    assert (defaults.demonstrations, defaults.machine_demonstrations) == (3, 0)
    assert defaults.tasks_per_request == 20
    assert not defaults.separate_answers
    sampling = defaults.sampling["task"]
    assert (sampling.temperature, sampling.top_p, sampling.max_new_tokens) == (1.0, 1.0, 3072)
    assert sampling.stop == ()


def test_the_list_goes_on_behind_the_shown() -> None:
    ask = ALPACA.ask(SEEDS[:3], Wanted(), 20, False, True)
    text = ask.messages[0].content
    assert "Make up 20 new tasks" in text
    assert "continued with tasks 4 to 23:" in text
    for number in (1, 2, 3):
        assert f"\n###\n{number}. Instruction: {SEEDS[number - 1].instruction}\n" in text
    assert text.endswith("\n###\n4. Instruction:")
    assert ask.opening == "4. Instruction:"


def test_the_requirements_are_numbered_once_each() -> None:
    text = ALPACA.ask((), Wanted(), 20, True, True).messages[0].content
    numbers = [line.split(".")[0] for line in text.split("\n") if line[:1].isdigit()]
    assert numbers == [str(n) for n in range(1, 9)]


def test_one_task_is_asked_for_in_the_singular() -> None:
    text = ALPACA.ask(SEEDS[:3], Wanted(), 1, False, True).messages[0].content
    assert "Make up 1 new task on biomedical subjects." in text
    assert "continued with task 4:" in text


@given(st.lists(odd_seeds(), min_size=1, max_size=4))
def test_a_perfect_reply_gives_its_tasks_back(seeds: list[Seed]) -> None:
    shown = SEEDS[:3]
    whole = numbered([*shown, *seeds], True)
    reply = whole[whole.index("4. Instruction:") :]
    for text in (reply, reply.removeprefix("4. Instruction:")):
        found = ALPACA.read(text, True, shown, len(seeds))
        assert [(task.instruction, task.input, task.output, task.fault) for task in found] == [
            (seed.instruction, normalise_input(seed.input), seed.output, "") for seed in seeds
        ]


def test_only_the_last_of_a_reply_that_ended_by_length_is_lost() -> None:
    whole = numbered(SEEDS[:6], True)
    found = ALPACA.read(whole[whole.index("4. Instruction:") : -9], False, SEEDS[:3], 20)
    assert [task.fault for task in found] == ["", "", "cut off"]


def test_without_outputs_none_is_shown() -> None:
    text = ALPACA.ask(SEEDS[:3], Wanted(), 20, False, False).messages[0].content
    assert "Output:" not in text
    assert SEEDS[0].output not in text
    found = ALPACA.read(
        " Name it.\n4. Input: none\n###\n5. Instruction: Say why.\n5. Input: It.",
        True,
        SEEDS[:3],
        2,
    )
    assert [(task.instruction, task.fault) for task in found] == [
        ("Name it.", "no output"),
        ("Say why.", "no output"),
    ]
