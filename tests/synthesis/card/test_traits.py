import pytest
from hypothesis import given
from hypothesis import strategies as st

from preceptor.synthesis.card.traits import (
    banned_word,
    bare_link,
    left_open,
    no_input_spellings,
    options_given,
    says_too_little,
    traits,
)
from tests.synthesis.card.made import plain

LONG = "word " * 25


@pytest.mark.parametrize(
    ("input", "found"),
    [
        ("https://www.ncbi.nlm.nih.gov/pmc/articles/PMC1/", True),
        (" <https://a.org/x> www.b.org ", True),
        ("See https://a.org/x", False),
        ("", False),
        ("N/A", False),
    ],
)
def test_a_link_alone_is_bare(input: str, found: bool) -> None:
    assert bare_link(plain("Sum up.", input)) is found


@pytest.mark.parametrize(
    ("input", "found"),
    [
        ("Which? A) one B) two", True),
        ("Which?\nA. one\nB. two", True),
        ("Which? (a) one (b) two", True),
        ("1. Drug A: nausea\n2. Drug B: headache", False),
        ("Hepatitis A and hepatitis B", False),
        ("Take vitamin A) daily", False),
    ],
)
def test_options_are_lettered(input: str, found: bool) -> None:
    assert options_given(plain("Choose.", input)) is found


@pytest.mark.parametrize(
    ("output", "found"),
    [
        ("There is not enough information to tell.", True),
        ("The dose cannot be determined from the note.", True),
        ("Insufficient clinical data.", True),
        ("The passage does not mention a dose.", True),
        ("More research is needed on sleep.", False),
        ("Kidneys cannot excrete it; not enough insulin is made.", False),
    ],
)
def test_an_abstention_says_that_too_little_is_known(output: str, found: bool) -> None:
    assert says_too_little(plain("Tell.", "A note.", output)) is found


@pytest.mark.parametrize(
    ("output", "found"),
    [
        (LONG + "end.", False),
        (LONG + 'end."', False),
        (LONG + "end?)\n", False),
        (LONG + "end", True),
        (LONG + "end:", True),
        ("Short and open", False),
    ],
)
def test_a_long_output_ends_as_a_sentence_does(output: str, found: bool) -> None:
    assert left_open(plain("Tell.", "", output)) is found


def test_banned_words_are_whole_words() -> None:
    assert banned_word(plain("Draw a map of it."))
    assert banned_word(plain("Go to the shop."))
    assert not banned_word(plain("Mapping a profile and a paragraph."))


def test_every_spelling_of_no_input_is_counted_by_itself() -> None:
    records = [plain("Do.", text) for text in ("N/A", " N/A", "None", "", "text", "<noinput>")]
    assert no_input_spellings(records) == {"N/A": 2, "": 1, "<noinput>": 1, "None": 1}


def test_repeats_are_of_earlier_records_but_for_case_and_layout() -> None:
    records = [
        plain("Do it.", "Aspirin"),
        plain("do  it.", "aspirin"),
        plain("Do it.", "Other"),
        plain("Do that.", "Aspirin"),
        plain("Do this."),
        plain("Do these.", "N/A"),
    ]
    found = {trait.name: trait for trait in traits(records)}
    assert found["instruction of an earlier record"].count == 2
    assert found["instruction and input of an earlier record"].count == 1
    inputs = found["input of an earlier record"]
    assert (inputs.count, inputs.of) == (2, 4)
    assert found["without input"].count == 2


def test_examples_are_a_line_each() -> None:
    found = {trait.name: trait for trait in traits([plain("Do.", "", "one\ntwo " + LONG * 9)])}
    (example,) = found["output of over 100 words"].examples
    assert example.startswith("one two word")
    assert "\n" not in example
    assert len(example) == 120


@given(st.lists(st.tuples(st.text(), st.text(), st.text()), min_size=1, max_size=6))
def test_any_text_can_be_looked_at(rows: list[tuple[str, str, str]]) -> None:
    for trait in traits([plain(*row) for row in rows]):
        assert 0 <= trait.count <= trait.of <= len(rows)
        assert 0 <= trait.share <= 1
