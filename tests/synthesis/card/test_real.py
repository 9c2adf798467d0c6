"""The card of real sets shows what was measured on them before, by other means.

2,501 released records of BioInstruct (arXiv 2310.19975) were measured; 600 of them, drawn at
random, are in the test data. A share p of the 2,501 is met by a share of the 600 within four
standard errors of a draw without replacement: 4 sqrt(p (1 - p) / 600 * (1 - 600 / 2501)).
"""

import math

import pytest

from preceptor.synthesis.card.survey import Survey, survey
from preceptor.synthesis.card.traits import no_input_spellings
from tests.synthesis.card.made import parser_installed, real

MEASURED, HERE = 2_501, 600


@pytest.fixture(scope="module")
def bioinstruct() -> Survey:
    """Of the 600."""
    return survey(real("bioinstruct"), "BioInstruct")


@pytest.fixture(scope="module")
def alpaca() -> Survey:
    """Of 600 records of Alpaca."""
    return survey(real("alpaca"), "Alpaca")


def _near(count: int, of_all: int) -> bool:
    p = of_all / MEASURED
    error = math.sqrt(p * (1 - p) / HERE * (1 - HERE / MEASURED))
    return abs(count / HERE - p) <= 4 * error


@pytest.mark.parametrize(
    ("name", "of_all"),
    [
        ("without input", 196),
        ("input of over 100 words", 35),
        ("input is a bare link", 5),
        ("lettered options", 19),
        ("output of one word", 75),
        ("output of 1 to 5 words", 210),
        ("output of over 100 words", 85),
        ("output over 20 words without closing punctuation", 64),
    ],
)
def test_shares_are_those_that_were_measured(bioinstruct: Survey, name: str, of_all: int) -> None:
    assert bioinstruct.records == HERE
    assert _near(bioinstruct.trait(name).count, of_all)


def test_openings_are_those_that_were_measured(bioinstruct: Survey) -> None:
    word, n = bioinstruct.openings.first_word[0]
    assert word == "Given"
    assert _near(n, 1_088)
    assert _near(bioinstruct.openings.questions, 29)


def test_short_inputs_as_written_are_those_that_were_measured(bioinstruct: Survey) -> None:
    stand_ins = sum(n for text, n in bioinstruct.no_input.items() if text)
    count = bioinstruct.trait("input of 1 to 5 words").count + stand_ins
    assert _near(count, round(0.28 * MEASURED))


@pytest.mark.parametrize(
    ("part", "mean", "within", "median", "low", "high"),
    [
        ("instruction", 15.0, 0.5, 15, 8, 23),
        ("input, as written", 16.4, 2.5, 11, 1, 53),
        ("output", 38.9, 3.0, 35, 2, 90),
    ],
)
def test_lengths_are_those_that_were_measured(
    bioinstruct: Survey,
    part: str,
    mean: float,
    within: float,
    median: float,
    low: int,
    high: int,
) -> None:
    found = bioinstruct.lengths[part]
    assert found.mean == pytest.approx(mean, abs=within)
    assert found.median == pytest.approx(median, abs=1)
    assert found.low == low
    assert found.high == pytest.approx(high, rel=0.1)


def test_what_the_published_filters_drop_is_not_there(bioinstruct: Survey) -> None:
    assert bioinstruct.trait("one of Alpaca's 18 banned words in the instruction").count == 0
    assert bioinstruct.trait("instruction of an earlier record").count == 0
    assert bioinstruct.trait("output says that too little is known").count == 0
    assert bioinstruct.openings.odd_first_characters == 0
    assert bioinstruct.lengths["instruction"].least >= 4
    assert not any("noinput" in text.lower() for text in bioinstruct.no_input)


def test_no_two_instructions_are_above_the_threshold_and_some_are_at_it(
    bioinstruct: Survey, alpaca: Survey
) -> None:
    assert bioinstruct.similarity is not None
    assert alpaca.similarity is not None
    assert bioinstruct.similarity.most == pytest.approx(0.7, abs=1e-12)
    assert dict(bioinstruct.similarity.above)[0.7] == 0
    assert dict(alpaca.similarity.above)[0.7] == 0


def test_no_input_is_spelt_in_many_ways_and_mostly_not_applicable(bioinstruct: Survey) -> None:
    spellings = list(bioinstruct.no_input)
    assert spellings[:3] == ["N/A", "", "None"]
    assert len(spellings) >= 8
    assert _near(bioinstruct.no_input["N/A"], 91)
    assert _near(bioinstruct.no_input[""], 52)


@parser_installed
@pytest.mark.parametrize(
    ("verb", "of_all"),
    [
        ("provide", 471),
        ("identify", 450),
        ("explain", 193),
        ("summarize", 160),
        ("suggest", 127),
        ("determine", 117),
    ],
)
def test_main_verbs_are_those_that_were_measured(
    bioinstruct: Survey, verb: str, of_all: int
) -> None:
    assert bioinstruct.verbs is not None
    assert _near(dict(bioinstruct.verbs.most)[verb], of_all)


@parser_installed
def test_alpaca_is_more_varied_in_its_verbs_and_asks_more_questions(
    bioinstruct: Survey, alpaca: Survey
) -> None:
    assert bioinstruct.verbs is not None
    assert alpaca.verbs is not None
    assert alpaca.records == bioinstruct.records
    assert alpaca.verbs.distinct > 1.5 * bioinstruct.verbs.distinct
    assert alpaca.verbs.questions > 5 * bioinstruct.verbs.questions
    assert bioinstruct.verbs.others <= 0.01 * HERE
    assert alpaca.verbs.others <= 0.05 * HERE


def test_alpaca_differs_where_it_should(bioinstruct: Survey, alpaca: Survey) -> None:
    given = dict(alpaca.openings.first_word)["Given"]
    assert given < 0.1 * HERE
    assert alpaca.openings.distinct_first_words > 1.5 * bioinstruct.openings.distinct_first_words
    assert alpaca.trait("without input").share > 0.5
    assert alpaca.lengths["instruction"].mean < bioinstruct.lengths["instruction"].mean - 3


def test_alpaca_marks_a_missing_input_in_its_own_ways() -> None:
    spellings = no_input_spellings(real("alpaca_5000"))
    assert next(iter(spellings)) == ""
    assert sum("noinput" in text.lower() for text in spellings) >= 5
