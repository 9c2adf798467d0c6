import pytest

from preceptor.synthesis.filters import BANNED, Context, FilterConfig, judge
from preceptor.synthesis.parse import Parsed

CONTEXT = Context((), frozenset())


def reason(
    instruction: str = "Explain the result to the reader.",
    input: str = "Potassium 5.9 mmol/L",
    output: str = "The potassium is too high.",
    **numbers: int | tuple[str, ...],
) -> str:
    config = FilterConfig.model_validate(numbers)
    drop = judge(Parsed(0, instruction, input, output, ""), CONTEXT, config).drop
    return drop.reason if drop else ""


@pytest.mark.parametrize(
    ("words", "expected"),
    [(3, "instruction too short"), (4, ""), (150, ""), (151, "instruction too long")],
)
def test_instruction_length(words: int, expected: str) -> None:
    assert reason(" ".join(["word"] * words)) == expected


def test_lengths_are_settings() -> None:
    assert reason("Name it.", min_instruction_words=2) == ""
    assert reason(max_instruction_words=5) == "instruction too long"
    assert reason(input="a " * 601) == "input too long"
    assert reason(input="a " * 601, max_input_words=601) == ""
    assert reason(min_input_words=9) == "input too short"
    assert reason(input="", min_input_words=9) == ""
    assert reason(output="a " * 601 + ".") == "output too long"
    assert reason(output="Yes.", min_output_words=2) == "output too short"


@pytest.mark.parametrize("word", BANNED)
def test_each_banned_word_drops_in_any_case(word: str) -> None:
    assert reason(f"Please {word.upper()} of the heart.") == "banned word"


@pytest.mark.parametrize(
    "instruction",
    [
        *[f"Describe the {word} of this drug." for word in ("profile", "mapping", "graphene")],
        "Say when to draw blood for a trough level.",
        "State what conclusion you draw from the trial.",
        "Decide whether she should go to the emergency department.",
        "Explain what genetic maps are used for.",
    ],
)
def test_a_banned_word_within_another_or_in_another_sense_does_not(instruction: str) -> None:
    assert reason(instruction) == ""


def test_one_sense_does_not_excuse_another() -> None:
    assert reason("Draw blood, then draw the heart.") == "banned word"


def test_banned_words_are_a_setting() -> None:
    assert reason("Draw the heart for the class.", banned=()) == ""
    assert reason("Explain the rash to me.", banned=("rash",)) == "banned word"


@pytest.mark.parametrize(
    "instruction",
    ["β-blockers: when are they given?", "Étudiez le résultat du test.", "5-HT does what there?"],
)
def test_a_letter_of_any_script_may_come_first(instruction: str) -> None:
    assert reason(instruction) == ""


@pytest.mark.parametrize("first", ["(", '"', "-", "→", "¿", "•"])
def test_a_mark_may_not(first: str) -> None:
    assert reason(f"{first}Explain the result to her.") == "odd first character"


@pytest.mark.parametrize("output", ["", "...", "—" * 0 + "-", " . "])
def test_dots_and_dashes_are_no_output(output: str) -> None:
    assert reason(output=output) == "empty output"


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ({"instruction": "Write a program that counts cells."}, "asks for a program"),
        ({"instruction": "Explain: Write a program to me."}, ""),
        ({"output": "Potassium  5.9 mmol/L."}, "output repeats the input"),
        ({"output": "Potassium, 5.9 mmol/L"}, ""),
        ({"output": "potassium 5.9 mmol/L"}, ""),
        ({"output": "explain the result to the reader"}, "output repeats the instruction"),
        ({"output": "The causes are:"}, "output ends in a colon"),
        ({"input": "Findings:"}, "input ends in a colon"),
        ({"input": ""}, ""),
    ],
)
def test_reasons(task: dict[str, str], expected: str) -> None:
    assert reason(**task) == expected
