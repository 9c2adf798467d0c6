import pytest

from preceptor.errors import RowError
from preceptor.tasks.task import Prepared, prepare
from tests.tasks.examples import COPY, PICK, RAIN, row, task


def test_a_labelled_row_gets_its_words_as_options() -> None:
    assert prepare(task(), row()) == Prepared({"line": "Wet all day."}, "yes", ("yes", "no"), 0)


def test_a_row_with_choices_gets_its_own_tidied_texts() -> None:
    prepared = prepare(task(PICK), row(texts=["sun", " heavy \n rain "]))
    assert prepared is not None
    assert (prepared.options, prepared.gold) == (("sun", "heavy rain"), 1)
    assert prepared.answer == "heavy rain"


def test_free_text_has_no_options() -> None:
    assert prepare(task(COPY), row()) == Prepared({"line": "Wet all day."}, "WET ALL DAY.", (), -1)


def test_a_row_that_keep_rules_out_is_left_out() -> None:
    assert prepare(task(), row(label=-1)) is None


def test_the_values_of_a_row_that_is_left_out_are_not_computed() -> None:
    failing = RAIN.replace("line: line | tidy", "line: line | int // label")
    assert prepare(task(failing.replace("label >= 0", "label > 0")), row(label=0)) is None


@pytest.mark.parametrize("texts", [["rain", " rain "], ["rain", ""]])
def test_a_row_whose_options_cannot_be_told_apart_is_left_out(texts: list[str]) -> None:
    assert prepare(task(PICK), row(texts=texts)) is None


@pytest.mark.parametrize(
    ("text", "fields", "message"),
    [
        (RAIN, {"label": "1"}, "field 'label' should be int, found str '1'"),
        (RAIN, {"label": True}, "field 'label' should be int, found bool True"),
        (RAIN, {"label": None}, "field 'label' should be int, found null"),
        (RAIN, {"label": 5}, "label int 5 is not among labels.names (0, 1)"),
        (PICK, {}, "field 'texts' (list) is missing; the row has line, label"),
        (PICK, {"texts": ["a"]}, "two texts or more"),
        (PICK, {"texts": ["a", 2]}, "list of texts"),
        (PICK, {"texts": ["a", "b"], "label": 2}, "answer is 2, but the options are 0 to 1"),
        (COPY, {"line": " "}, "answer is empty; leave such rows out with keep"),
        (COPY.replace("line | upper", "label"), {}, "answer should be text, found int 1"),
        (COPY.replace("line | upper", "line.missing"), {}, "has no value"),
        (COPY.replace("line | upper", "line.index('?')"), {}, "failed (ValueError"),
        (COPY.replace("line | upper", "label | tidy"), {}, "tidy takes text, not int"),
    ],
)
def test_a_wrong_row_is_refused_with_its_place(
    text: str, fields: dict[str, object], message: str
) -> None:
    with pytest.raises(RowError) as caught:
        prepare(task(text), row(**fields))
    said = str(caught.value)
    assert said.startswith("rain/train, row 7: ")
    assert message in said
    assert "\n" not in said


@pytest.mark.parametrize(
    "attack",
    [
        "line.__class__.__mro__",
        "line.__init__.__globals__",
        "range(10 ** 9) | list",
        "line.format.x",
    ],
)
def test_an_expression_cannot_leave_the_sandbox(attack: str) -> None:
    with pytest.raises(RowError):
        prepare(task(COPY.replace("line | upper", attack)), row())


def test_an_expression_cannot_change_the_row() -> None:
    text = COPY.replace("fields: {", "fields: {texts: list, ").replace(
        "line | upper", '(texts.append("b") or "x")'
    )
    texts = ["a"]
    with pytest.raises(RowError, match="SecurityError"):
        prepare(task(text), row(texts=texts))
    assert texts == ["a"]


def test_a_field_with_a_question_mark_may_be_missing_or_null() -> None:
    text = RAIN.replace("line: str,", 'line: str, more: "str?",').replace(
        "line: line | tidy", "line: (line ~ (more or '')) | tidy"
    )
    assert prepared_line(text) == "Wet all day."
    assert prepared_line(text, more=None) == "Wet all day."
    assert prepared_line(text, more="And all night.") == "Wet all day. And all night."
    with pytest.raises(RowError, match="'more' should be str, found int 7"):
        prepared_line(text, more=7)


def prepared_line(text: str, **fields: object) -> object:
    found = prepare(task(text), row(**fields))
    assert found is not None
    return found.values["line"]
