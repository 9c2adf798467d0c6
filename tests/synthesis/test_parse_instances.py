import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preceptor.synthesis.parse_instances import parse_instances, parse_label


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("Example 1\nInput: a\nOutput: b\n\nExample 2\nInput: c\nd\nOutput: e", "a=b|c\nd=e"),
        ("Input: a\nOutput: b\nInput: c\nOutput: d\nInput: e", "a=b|c=d"),
        ("Example 1.\nInput: N/A\nOutput: b", "=b"),
        ("Example 1:\nList: 1, 2\nOutput: 3", "List: 1, 2=3"),
        ("Example 1\nan answer\nExample 2\nanother", "=an answer|=another"),
        ("**Input:** a\n**Output:** b", "a=b"),
        ("The answer\nhas two lines.", "=The answer\nhas two lines."),
        ("Output: b", "=b"),
        ("Input: a\nOutput: b\nTask: What else?\nInput: c\nOutput: d", "a=b"),
        ("Input: a", ""),
        ("", ""),
    ],
)
def test_input_first(reply: str, expected: str) -> None:
    found = parse_instances(reply, finished=True, classification=False)
    assert "|".join("=".join(instance) for instance in found) == expected


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (
            "Class label: urgent\nInput: Chest pain.\n\nClass label: routine\nA cold.\nTwo days.",
            [("Chest pain.", "urgent"), ("A cold.\nTwo days.", "routine")],
        ),
        ("Label: yes", [("", "yes")]),
        ("Class label:\nInput: a", [("", "Input: a")]),
        ("Input: a\nOutput: yes", [("a", "yes")]),
    ],
)
def test_label_first(reply: str, expected: list[tuple[str, str]]) -> None:
    assert parse_instances(reply, finished=True, classification=True) == expected


def test_the_last_instance_of_a_cut_reply_is_left_out() -> None:
    two = "Input: a\nOutput: b\nInput: c\nOutput: d"
    assert parse_instances(two, finished=False, classification=False) == [("a", "b")]
    assert parse_instances("Output: b", finished=False, classification=False) == []
    labels = "Class label: x\na\nClass label: y\nb"
    assert parse_instances(labels, finished=False, classification=True) == [("a", "x")]


def test_what_a_cut_reply_says_of_the_next_task_was_cut_and_not_the_instance() -> None:
    reply = "Input: a\nOutput: b\nTask: What el"
    assert parse_instances(reply, finished=False, classification=False) == [("a", "b")]


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("Yes", "yes"),
        ("**No**, because yes would mean labels", "no"),
        ("The answer is: qa.", "qa"),
        ("Label: IE", "ie"),
        ("I think gen fits best", "gen"),
        ("yes or no? No.", ""),
        ("This is a yes/no question", ""),
        ("It is qa, and ie as well", ""),
        ("qa-like", ""),
        ("It cannot be said.", ""),
        ("", ""),
    ],
)
def test_labels(reply: str, expected: str) -> None:
    assert parse_label(reply, ["yes", "no", "qa", "ie", "gen"]) == expected


def test_a_label_comes_back_in_the_callers_spelling() -> None:
    assert parse_label("it is c++ (I think)", ["C++", "C"]) == "C++"
    assert parse_label("anything", []) == ""


PIECES = st.sampled_from(
    ["Example 1", "\nInput:", "\nOutput: ", "\nClass label:", "\nTask:", "\n", "yes", " or ", "no"]
)
REPLIES = st.lists(st.one_of(st.text(max_size=20), PIECES)).map("".join)


@settings(deadline=None)
@given(REPLIES, st.booleans(), st.booleans())
def test_no_reply_makes_them_raise(text: str, finished: bool, classification: bool) -> None:
    found = parse_instances(text, finished, classification)
    assert all(output for _, output in found)
    assert parse_label(text, ["yes", "no"]) in {"yes", "no", ""}


LINE = st.lists(
    st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=9), min_size=1, max_size=9
).map(lambda words: " ".join(["w", *words]))
INSTANCES = st.lists(st.tuples(LINE, LINE), min_size=1, max_size=4)


@settings(deadline=None)
@given(INSTANCES)
def test_written_instances_are_read_back(instances: list[tuple[str, str]]) -> None:
    text = "\n\n".join(
        f"Example {n}\nInput: {input}\nOutput: {output}"
        for n, (input, output) in enumerate(instances, start=1)
    )
    assert parse_instances(text, finished=True, classification=False) == instances
    text = "\n\n".join(f"Class label: {output}\n{input}" for input, output in instances)
    assert parse_instances(text, finished=True, classification=True) == instances
