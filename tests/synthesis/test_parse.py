import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preceptor.synthesis.parse import ALIASES, Parsed, format_task, normalise_input, parse

TASK = ("Name the drug class.", "Patient takes BRCA1-guided olaparib.", "PARP inhibitor")


def only(text: str, finished: bool = True) -> Parsed:
    (task,) = parse(text, finished)
    return task


def fields(task: Parsed) -> tuple[str, str, str]:
    return task.instruction, task.input, task.output


@pytest.mark.parametrize(
    "reply",
    [
        "Instruction: {}\nInput: {}\nOutput: {}",
        "instruction: {}\n\nINPUT: {}\n\noutput: {}\n\n",
        "Instruction: {}\r\nInput: {}\r\nOutput: {}\r\n",
        "Instruction:\n{}\nInput:\n{}\nOutput:\n{}",
        "**Instruction:** {}\n**Input:** {}\n**Output:** {}",
        "**Instruction**: {}\n**Input**: {}\n**Output**: {}",
        "### Instruction\n{}\n### Input\n{}\n### Output\n{}",
        "### Instruction:\n{}\n\n### Input:\n{}\n\n### Response:\n{}",
        "1. Instruction: {}\n2. Input: {}\n3. Output: {}",
        "4. Instruction: {}\n4. Input: {}\n4. Output: {}",
        "- Instruction: {}\n- Input: {}\n- Output: {}",
        "1. **Instruction:** {}\n2. **Input:** {}\n3. **Output:** {}",
        "Instruction 4: {}\nInput 4: {}\nOutput 4: {}",
        "Instructions: {}\nInputs: {}\nOutputs: {}",
        "Task: {}\nContext: {}\nAnswer: {}",
        "Instruction: {}\nInput: {}\nResponse: {}",
        "Instruction: {}\nInput (note): {}\nExpected output: {}",
        "Sure! Here is a new task:\n\nInstruction: {}\nInput: {}\nOutput: {}",
        "Task 4:\nInstruction: {}\nInput: {}\nOutput: {}\n---",
        "Instruction: {} Input: {} Output: {}",
        'Instruction: "{}"\nInput: {}\nOutput: ```\n{}\n```',
    ],
)
def test_one_task_in_many_layouts(reply: str) -> None:
    task = only(reply.format(*TASK))
    assert (fields(task), task.fault, task.complete) == (TASK, "", True)


def test_a_missing_input_is_an_empty_one() -> None:
    task = only("Instruction: Define sepsis in one line.\nOutput: Organ dysfunction.")
    assert fields(task) == ("Define sepsis in one line.", "", "Organ dysfunction.")


def test_several_tasks_keep_their_order_and_places() -> None:
    text = "Task 1\n" + "\n\nTask 2\n".join(format_task(f"Say {n}.", "", str(n)) for n in range(3))
    tasks = parse(text, finished=True)
    assert [task.position for task in tasks] == [0, 1, 2]
    assert [fields(task) for task in tasks] == [(f"Say {n}.", "", str(n)) for n in range(3)]


def test_an_echo_of_the_demonstrations_is_read_as_tasks() -> None:
    echo = "Below are 2 example tasks.\n\n" + format_task(*TASK) + "\n\n" + format_task(*TASK)
    assert [fields(task) for task in parse(echo, finished=True)] == [TASK, TASK]


def test_the_last_task_of_a_cut_reply_is_dropped_and_the_others_stay() -> None:
    first, last = parse(format_task(*TASK) + "\n" + format_task(*TASK), finished=False)
    assert (first.fault, last.fault) == ("", "cut off")


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        ("", "no task"),
        ("I would rather talk about the weather.", "no task"),
        ("Input: a\nOutput: b", "no instruction"),
        ("Instruction:\nInput: a\nOutput: b", "no instruction"),
        ("Instruction: Name the bone.\nInput: a", "no output"),
        ("Instruction: Name the bone.", "no output"),
    ],
)
def test_what_is_no_task_says_why(reply: str, fault: str) -> None:
    assert only(reply).fault == fault


def test_an_output_label_with_nothing_behind_it_is_left_to_the_filters() -> None:
    task = only("Instruction: Name the bone.\nInput: a\nOutput:")
    assert (task.output, task.fault) == ("", "")


def test_a_second_output_under_one_instruction_is_a_task_without_instruction() -> None:
    whole, rest = parse("Instruction: Do it.\nInput: a\nOutput: b\nInput: c\nOutput: d", True)
    assert (fields(whole), whole.fault) == (("Do it.", "a", "b"), "")
    assert (fields(rest), rest.fault) == (("", "c", "d"), "no instruction")


def test_aliases_are_text_where_the_label_itself_is_used() -> None:
    input = "Question: Which organ?\nA. Liver\nB. Heart\nContext: an ECG"
    output = "Answer: B\nResponse: none needed"
    assert fields(only(format_task("Answer the question below.", input, output)))[1:] == (
        input,
        output,
    )


def test_fields_keep_their_lines_and_the_case_of_acronyms() -> None:
    task = only("Instruction: Expand HbA1c\nand EGFR.\nInput: BRCA1\nTP53\nOutput: a\n\n- b: COPD")
    assert fields(task) == ("Expand HbA1c and EGFR.", "BRCA1\nTP53", "a\n\n- b: COPD")


def test_a_word_that_only_begins_like_a_label_is_text() -> None:
    output = "Outputs were low.\nInput of fluid: 2 L\nTask-oriented care"
    assert only(format_task("Describe the fluid balance.", "x", output)).output == output


@pytest.mark.parametrize(
    "spelling",
    [
        *["", " ", "N/A", "n/a", "NA", "na", "None", "none.", "NONE", "null", "nil", "-", "—"],
        *["<noinput>", "<no input>", "[none]", '"None"', "(no input required)", "No input needed."],
        *["no input", "Not applicable", "not required", "No additional input is required"],
        *["No input necessary", "none provided", "**None**", "no_input", "empty", "`None`"],
        *["No input is needed for this task.", "..."],
    ],
)
def test_every_way_of_saying_no_input_becomes_empty(spelling: str) -> None:
    assert normalise_input(spelling) == ""
    assert only(f"Instruction: Define sepsis now.\nInput: {spelling}\nOutput: x").input == ""


@pytest.mark.parametrize(
    "text",
    ["Na", "Na 131, K 5.2", "None of the drugs helped.", "No fever.", "nausea", "Nil by mouth"],
)
def test_an_input_that_only_resembles_none_stays(text: str) -> None:
    assert normalise_input(f" {text}\n") == text


def test_a_long_line_of_markup_is_no_task() -> None:
    assert only("*" * 200_000 + "_" * 200_000).fault == "no task"


LABELLED = st.sampled_from(
    [*ALIASES, "**Input:**", "### Output", "Instruction:", "Output:", "1.", "```", "Task 3", "\r"]
)
REPLIES = st.lists(st.one_of(st.text(max_size=30), LABELLED)).flatmap(
    lambda parts: st.sampled_from(["\n", "", " ", ": "]).map(lambda glue: glue.join(parts))
)


@settings(deadline=None)
@given(REPLIES, st.booleans())
def test_no_reply_makes_it_raise(text: str, finished: bool) -> None:
    tasks = parse(text, finished)
    assert [task.position for task in tasks] == list(range(len(tasks)))
    for task in tasks[: len(tasks) if finished else -1]:
        assert task.complete == (task.fault == "")
        assert task.instruction or task.fault in {"no instruction", "no task"}
    assert finished or tasks[-1].fault == "cut off"


WORD = st.text(st.characters(categories=["L", "N", "Sc"]), min_size=1, max_size=9)
LINE = st.lists(st.one_of(WORD, st.sampled_from(["HbA1c:", "5-HT", "(B.)"])), min_size=2).map(
    lambda words: " ".join(["w", *words])
)
LINES = st.lists(LINE, min_size=1, max_size=4).map("\n".join)


@settings(deadline=None)
@given(LINE, st.one_of(st.just(""), LINES), LINES)
def test_a_formatted_task_is_read_back(instruction: str, input: str, output: str) -> None:
    assert fields(only(format_task(instruction, input, output))) == (instruction, input, output)


@settings(deadline=None)
@given(st.lists(st.tuples(LINE, st.one_of(st.just(""), LINES), LINES), min_size=1, max_size=4))
def test_formatted_tasks_are_read_back_one_by_one(tasks: list[tuple[str, str, str]]) -> None:
    text = "\n\n".join(format_task(*task) for task in tasks)
    assert [fields(task) for task in parse(text, finished=True)] == tasks
