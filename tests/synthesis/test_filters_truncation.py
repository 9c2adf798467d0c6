import pytest

from preceptor.synthesis.filters import Context, judge
from preceptor.synthesis.parse import Parsed

LONG = "The heart pumps blood through the vessels of the body " * 3


def reason(output: str, finished: bool = True, input: str = "") -> str:
    judged = Parsed(0, "Explain the result to the reader.", input, output, "")
    drop = judge(judged, Context((), frozenset(), finished=finished)).drop
    return drop.reason if drop else ""


@pytest.mark.parametrize(
    "output",
    [
        "Take aspirin, ibuprofen and",
        "Take aspirin, ibuprofen,",
        "The causes are infections, such as",
        "It is given once daily (with",
        "The enzyme (a kinase (of yeast) is shown",
        "Here it is:\n```\nfever",
        "It reduces the risk of",
    ],
)
def test_an_output_that_stops_before_its_end(output: str) -> None:
    assert reason(output) == "truncated"


@pytest.mark.parametrize(
    "output",
    [
        "Vitamin A",
        "the",
        "a) rest b) fluids c) paracetamol",
        "1) Rest\n2) Fluids",
        "The range is [0, 5) mmol/L here.",
        "It is found by 180 - (9 + 48) = 123 degrees",
        "The pair is (3, 4) with (a) rest",
        "console.log(now);",
        "Good :( but not so bad",
        "It is 5 mg (once daily) with food",
        "```\nfever\n```",
        "Hepatitis A and hepatitis B and hepatitis A",
    ],
)
def test_what_only_resembles_it_is_kept(output: str) -> None:
    assert reason(output) == ""


def test_a_cut_reply_has_to_end_in_punctuation_where_it_is_long() -> None:
    assert reason(LONG + "and vess", finished=False) == "truncated"
    assert reason(LONG + "and vess", finished=True) == ""
    assert reason(LONG + "and veins.", finished=False) == ""
    assert reason("The aorta", finished=False) == ""


def test_an_open_fence_in_the_input() -> None:
    assert reason("Fever.", input="```\nfever") == "truncated"
    assert reason("Fever.", input="fever (since Monday, and") == ""
