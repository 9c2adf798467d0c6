import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preceptor.synthesis.parse_list import parse_instruction_list


def read(text: str) -> list[str]:
    return [task.instruction for task in parse_instruction_list(text, finished=True)]


def test_a_completion_goes_on_with_the_prompts_number() -> None:
    text = " explain HbA1c in COPD.\n10. Name  a drug\n   for BRCA1.\n11. List three causes."
    assert read(text) == [
        "Explain HbA1c in COPD.",
        "Name a drug for BRCA1.",
        "List three causes.",
    ]


@pytest.mark.parametrize(
    "introduction", ["", "Here are two tasks:\n\n", "Sure, as you like.\n", "New tasks:\n9. "]
)
def test_a_chat_models_introduction_is_no_instruction(introduction: str) -> None:
    first = "Name the gene." if introduction.endswith("9. ") else "1. Name the gene."
    assert read(f"{introduction}{first}\n10. Explain it.") == ["Name the gene.", "Explain it."]


def test_labels_marks_and_a_leave_taking_go() -> None:
    text = '1. **Instruction:** Name it.\n2) "Say why."\n3: Task: Rank them.\n\nHope this helps!'
    assert read(text) == ["Name it.", "Say why.", "Rank them."]


def test_bullets_are_read_where_nothing_is_numbered() -> None:
    assert read("- name it\n- rank them") == ["Name it", "Rank them"]


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ("explain what HER2 is", "Explain what HER2 is"),
        ("a patient has COPD", "A patient has COPD"),
        ("mRNA is made how?", "mRNA is made how?"),
        ("pH of blood?", "pH of blood?"),
        ("β-blockers do what?", "β-blockers do what?"),
        ("état des lieux", "État des lieux"),
        ("5-HT does what?", "5-HT does what?"),
    ],
)
def test_only_the_first_letter_changes(item: str, expected: str) -> None:
    assert read(f"1. {item}") == [expected]


def test_an_unfinished_reply_loses_its_last_item_only() -> None:
    tasks = parse_instruction_list("One is here.\n10. Two is here.\n11. Three is", finished=False)
    assert [task.fault for task in tasks] == ["", "", "cut off"]


def test_an_item_has_no_input_and_no_output_yet() -> None:
    (task,) = parse_instruction_list("1. Name it.", finished=True)
    assert (task.input, task.output, task.fault) == ("", "", "")


@pytest.mark.parametrize("text", ["", "\n\n", "1.", "---"])
def test_a_reply_without_an_item_says_so(text: str) -> None:
    assert [task.fault for task in parse_instruction_list(text, finished=True)] == ["no task"]


PIECES = st.sampled_from(["1. ", "\n2. ", "\n- ", "\n", "**", "Instruction:", "\r\n", "12.", ":"])


@settings(deadline=None)
@given(st.lists(st.one_of(st.text(max_size=20), PIECES)).map("".join), st.booleans())
def test_no_reply_makes_it_raise(text: str, finished: bool) -> None:
    tasks = parse_instruction_list(text, finished)
    assert [task.position for task in tasks] == list(range(len(tasks)))
    assert finished or tasks[-1].fault == "cut off"


ITEM = st.lists(
    st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=9), min_size=1, max_size=9
).map(lambda words: " ".join(["Say", *words]))


@settings(deadline=None)
@given(st.lists(ITEM, min_size=1, max_size=9), st.integers(1, 40))
def test_a_numbered_list_is_read_back(items: list[str], first: int) -> None:
    text = "\n".join(f"{first + n}. {item}" for n, item in enumerate(items))
    assert read(text) == items
    assert read(text.split(". ", 1)[1]) == items
