import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preceptor.synthesis.parse import Parsed
from preceptor.synthesis.parse_numbered import format_numbered, parse_numbered

A = ("Name the drug class.", "Atenolol", "A β-blocker at 20.")
B = ("Explain HbA1c to a patient.", "", "It shows three months.")


def read(text: str, first: int = 4) -> list[tuple[str, str, str]]:
    return [fields(task) for task in parse_numbered(text, True, first)]


def fields(task: Parsed) -> tuple[str, str, str]:
    return task.instruction, task.input, task.output


def test_a_completion_begins_behind_the_prompts_last_head() -> None:
    reply = format_numbered(4, *A).removeprefix("4. Instruction:") + "\n###\n"
    tasks = parse_numbered(reply + format_numbered(5, *B), True, 4)
    assert [fields(task) for task in tasks] == [A, B]
    assert [task.repaired for task in tasks] == ["", ""]


@pytest.mark.parametrize("numbers", [(4, 5), (1, 1), (2, 3), (17, 4), (4, 4)])
def test_numbers_that_repeat_or_jump_do_not_matter(numbers: tuple[int, int]) -> None:
    text = "###\n" + "\n###\n".join(
        format_numbered(number, *task) for number, task in zip(numbers, (A, B), strict=True)
    )
    assert read(text) == [A, B]


@pytest.mark.parametrize("separator", ["\n\n", "\n###\n", "\n\n###\n\n", "\n#####\n", " ###\n"])
def test_separators_may_vary_or_be_missing(separator: str) -> None:
    assert read(format_numbered(4, *A) + separator + format_numbered(5, *B)) == [A, B]


def test_noinput_marks_are_no_input() -> None:
    text = "Define sepsis.\n4. Input: <noinput>\n4. Output: Organ dysfunction."
    assert read(text) == [("Define sepsis.", "", "Organ dysfunction.")]


def test_a_missing_head_is_supplied_and_told() -> None:
    text = (
        f"{format_numbered(4, *A)}\n5. Rank them.\n5. Input: a, b\n5. Output: b, a\n"
        "###\n6. Sort them.\n6. Input: c\n6. Output: c\n###\nAdd them.\nInput: d\nOutput: e"
    )
    tasks = parse_numbered(text, True, 4)
    assert [fields(task) for task in tasks] == [
        A,
        ("Rank them.", "a, b", "b, a"),
        ("Sort them.", "c", "c"),
        ("Add them.", "d", "e"),
    ]
    assert [task.repaired for task in tasks] == ["numbering"] * 4


def test_a_number_beyond_the_numbering_belongs_to_the_instruction() -> None:
    rest = "\nInput: x\nOutput: y"
    assert read(f"5. Explain this.{rest}")[0][0] == "Explain this."
    assert read(f"50. Explain this.{rest}")[0][0] == "50. Explain this."


def test_the_last_item_of_a_cut_reply_is_dropped_and_a_closing_remark_is_no_task() -> None:
    text = f"{format_numbered(4, *A)}\n###\n{format_numbered(5, *B)[:-9]}"
    assert [task.fault for task in parse_numbered(text, False, 4)] == ["", "cut off"]
    assert read(f"{format_numbered(4, *A)}\n###\nThat is all.") == [A]


@pytest.mark.parametrize("text", ["", "###", "I would rather not.\n###\n"])
def test_a_reply_without_a_task_says_so(text: str) -> None:
    assert [task.fault for task in parse_numbered(text, True, 4)] == ["no task"]


PIECES = st.sampled_from(
    ["###", "\n###\n", "4. Instruction:", "5. Input: ", "5.", "Output:", "\n", "\r", "6) ", "##"]
)


@settings(deadline=None)
@given(
    st.lists(st.one_of(st.text(max_size=20), PIECES)).map("".join),
    st.booleans(),
    st.integers(1, 30),
)
def test_no_reply_makes_it_raise(text: str, finished: bool, first: int) -> None:
    tasks = parse_numbered(text, finished, first)
    assert [task.position for task in tasks] == list(range(len(tasks)))
    assert finished or tasks[-1].fault == "cut off"


LINE = st.lists(
    st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=9), min_size=2, max_size=9
).map(lambda words: " ".join(["w", *words]))


@settings(deadline=None)
@given(
    st.lists(st.tuples(LINE, st.one_of(st.just(""), LINE), LINE), min_size=1, max_size=4),
    st.integers(1, 90),
)
def test_formatted_tasks_are_read_back(tasks: list[tuple[str, str, str]], first: int) -> None:
    text = "\n###\n".join(format_numbered(first + n, *task) for n, task in enumerate(tasks))
    assert read(text, first) == tasks
    assert read(text.split("Instruction:", 1)[1], first) == tasks
