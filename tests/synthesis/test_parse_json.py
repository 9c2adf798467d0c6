import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preceptor.synthesis.parse import Parsed
from preceptor.synthesis.parse_json import MOST_CHARACTERS, parse_json

TASK = {"instruction": "Name the drug class.", "input": "olaparib", "output": "PARP inhibitor"}
OTHER = {"instruction": "Name the gene.", "input": "", "output": "BRCA1"}


def fields(task: Parsed) -> tuple[str, str, str]:
    return task.instruction, task.input, task.output


def read(text: str) -> list[tuple[str, str, str, str]]:
    return [(*fields(task), task.repaired) for task in parse_json(text, finished=True)]


ONE = (*TASK.values(), "")
TWO = (*OTHER.values(), "")
ONE_MENDED, TWO_MENDED = (*TASK.values(), "json"), (*OTHER.values(), "json")


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (json.dumps(TASK), [ONE]),
        (json.dumps([TASK, OTHER], indent=2), [ONE, TWO]),
        (json.dumps({"tasks": [TASK, OTHER]}), [ONE, TWO]),
        (json.dumps({"a": {"b": [TASK]}}), [ONE]),
        (f"{json.dumps(TASK)}\n{json.dumps(OTHER)}", [ONE, TWO]),
        (f"Sure!\n```json\n{json.dumps([TASK, OTHER])}\n```\nHope it helps.", [ONE, TWO]),
        (f"One: {json.dumps(TASK)} and two: {json.dumps(OTHER)} [done", [ONE, TWO]),
        (f"Given [the input] here: {json.dumps(TASK)}", [ONE]),
        (json.dumps(TASK).replace("}", ",}"), [ONE_MENDED]),
        (json.dumps(TASK).replace('"', "'"), [ONE_MENDED]),
        (json.dumps([TASK, OTHER])[:-2], [ONE_MENDED, TWO_MENDED]),
        (f"{json.dumps(TASK)},\n{json.dumps(OTHER).replace('}', ',}')}", [ONE, TWO_MENDED]),
        (f"{TASK!s}\n\nAnd the next:\n\n{OTHER!s}\n\nBye!", [ONE_MENDED, TWO_MENDED]),
    ],
)
def test_tasks_in_many_layouts(reply: str, expected: list[tuple[str, str, str, str]]) -> None:
    assert read(reply) == expected


def test_keys_of_any_case_aliases_and_what_else_a_teacher_says() -> None:
    (task,) = parse_json(
        '{"Task": "Rank them.", "Context": "N/A", "Answer": ["a", 2], "Type": "ranking",'
        ' "topic": "renal", "view": "a student\'s", "difficulty": "4/5"}',
        finished=True,
    )
    assert fields(task) == ("Rank them.", "", "a\n2")
    assert (task.kind, task.topic, task.view, task.difficulty) == (
        *("ranking", "renal", "a student's"),
        4,
    )


@pytest.mark.parametrize("level", ["hard", 0, 6, 2.5, None, [3, 4], True])
def test_a_difficulty_that_is_none_is_unknown(level: object) -> None:
    (task,) = parse_json(json.dumps(TASK | {"difficulty": level}), finished=True)
    assert task.difficulty == 0


def test_an_alias_is_no_field_where_the_label_itself_is_there() -> None:
    (task,) = parse_json(json.dumps(TASK | {"answer": "no", "context": "no"}), finished=True)
    assert fields(task) == tuple(TASK.values())


def test_an_output_that_is_an_object_stays_json() -> None:
    (task,) = parse_json(json.dumps(TASK | {"output": {"dose": [5, "mg"]}}), finished=True)
    assert task.output == '{"dose": [5, "mg"]}'


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        ("", "no task"),
        ("[]", "no task"),
        ('{"a": 1}', "no task"),
        ('{"instruction": {"a": 1}, "output": "b"}', "no task"),
        ('{"instruction": "Do it."}', "no output"),
        ('{"output": "Done."}', "no instruction"),
        ('{"instruction": " ", "output": "b"}', "no instruction"),
    ],
)
def test_what_is_no_task_says_why(reply: str, fault: str) -> None:
    (task,) = parse_json(reply, finished=True)
    assert task.fault == fault


def test_labelled_fields_are_read_where_there_is_no_json() -> None:
    assert read("Instruction: Name it {now}.\nInput: [x]\nOutput: y") == [
        ("Name it {now}.", "[x]", "y", "")
    ]


def test_the_last_task_of_a_cut_reply_is_cut_off_and_the_others_stay() -> None:
    text = json.dumps([TASK, OTHER])
    whole, cut = parse_json(text[: len(text) - 6], finished=False)
    assert (fields(whole), whole.fault) == (tuple(TASK.values()), "")
    assert (cut.instruction, cut.fault, cut.position) == ("Name the gene.", "cut off", 1)


def test_half_a_surrogate_pair_can_be_written_to_a_file() -> None:
    (task,) = parse_json('{"instruction": "Say \\ud83d so.", "output": "\\udc00"}', finished=True)
    assert (task.instruction, task.output) == ("Say ? so.", "?")


def test_a_very_long_broken_reply_is_left_alone() -> None:
    broken = '{"instruction": "a", "output": "b", "x": "%s",}'
    assert parse_json(broken % ("y" * 900), finished=True)[0].repaired == "json"
    too_long = parse_json(broken % ("y" * MOST_CHARACTERS), finished=True)
    assert [task.fault for task in too_long] == ["no task"]


PIECES = st.sampled_from(
    [
        *(
            '{"instruction": "',
            '", "output": "',
            '"}',
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            '"',
            "'",
            "\\",
        ),
        *(
            "instruction",
            "output",
            "tasks",
            "null",
            "1e999",
            "9" * 5000,
            "```json\n",
            "\n",
            "//",
            "[",
        ),
        *("[" * 3000, '{"a":' * 2000, "\\ud800", "“", "Instruction: ", "\nOutput: "),
    ]
)
REPLIES = st.lists(st.one_of(st.text(max_size=12), PIECES), max_size=14).map("".join)


@settings(deadline=None)
@given(REPLIES, st.booleans())
def test_no_reply_makes_it_raise(text: str, finished: bool) -> None:
    tasks = parse_json(text, finished)
    assert [task.position for task in tasks] == list(range(len(tasks)))
    assert finished or tasks[-1].fault == "cut off"
    for task in tasks:
        (task.instruction + task.input + task.output).encode()


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=3, max_size=40).map(
    lambda text: f"w {text} w"
)
TASKS = st.lists(st.fixed_dictionaries(dict.fromkeys(TASK, TEXT)), min_size=1, max_size=4)


@settings(deadline=None)
@given(TASKS, st.sampled_from([None, 2]), st.booleans())
def test_written_tasks_are_read_back(
    tasks: list[dict[str, str]], indent: int | None, wrapped: bool
) -> None:
    text = json.dumps({"tasks": tasks} if wrapped else tasks, indent=indent, ensure_ascii=wrapped)
    found = parse_json(text, finished=True)
    assert [fields(task) for task in found] == [
        (" ".join(t["instruction"].split()), t["input"], t["output"]) for t in tasks
    ]
    assert {task.repaired for task in found} == {""}
