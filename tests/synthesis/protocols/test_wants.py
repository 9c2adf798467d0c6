import pytest

from preceptor.synthesis.filters import runs_of_words
from preceptor.synthesis.protocols import PROTOCOLS, protocol
from preceptor.synthesis.protocols.base import Wanted
from preceptor.synthesis.protocols.wants import wishes
from tests.synthesis.protocols.examples import PASSAGE

LABELS = Wanted("ie", "asthma", "patient", "ranking", 4)
DECLINING = (
    "The note does not state the dose, so the question cannot be answered.",
    "It is not possible to say from the information given which drug was used.",
    "There is not enough information: the weight of the child is not stated in the input.",
    "The passage does not mention the year, and it cannot be determined from what is given.",
)


def test_nothing_wanted_is_no_sentence() -> None:
    assert wishes(Wanted()) == []


def test_one_line_for_each_wish_in_order() -> None:
    lines = wishes(LABELS)
    assert len(lines) == 5
    for line, word in zip(lines, ("picked out", "asthma", "patient", "ranking", "4"), strict=True):
        assert word in line


def test_a_label_of_several_lines_is_put_on_one() -> None:
    assert wishes(Wanted(topic="heart\n- and  lungs")) == ["Topic: heart - and lungs"]


def test_labels_belong_to_the_instruction() -> None:
    assert wishes(LABELS, "instruction") == wishes(LABELS)
    assert wishes(LABELS, "instance") == []


def test_an_unanswerable_task_lacks_a_fact_and_its_output_names_it() -> None:
    (line,) = wishes(Wanted(unanswerable=True))
    assert "leaves out" in line
    assert "names what is left out" in line
    (line,) = wishes(Wanted(unanswerable=True), with_output=False)
    assert "output" not in line
    (line,) = wishes(Wanted(unanswerable=True), "instruction")
    assert "given text" in line


def test_facts_come_from_the_passage_or_the_passage_is_the_input() -> None:
    (line,) = wishes(Wanted(passage=PASSAGE))
    assert "Every fact" in line
    (line,) = wishes(Wanted(passage=PASSAGE, passage_as_input=True))
    assert "will be its input" in line
    assert 'write "the passage"' in line
    first, second = wishes(Wanted(passage=PASSAGE, passage_as_input=True, unanswerable=True))
    assert "says nothing" in first
    assert "will be its input" in second


@pytest.mark.parametrize("name", PROTOCOLS)
@pytest.mark.parametrize("output", DECLINING)
def test_an_output_that_declines_is_not_taken_for_the_wording(name: str, output: str) -> None:
    assert not runs_of_words(output) & runs_of_words(protocol(name).wording())
