from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preceptor.synthesis.categories import CATEGORIES, NO_RULE, RULES, categorise
from preceptor.synthesis.seedbank import load_seeds


@pytest.mark.parametrize(
    ("instruction", "input", "output", "expected"),
    [
        ("Which organ makes insulin?", "", "The pancreas.", ("qa", "question")),
        (
            "Choose the right drug.",
            "Which one?\nA. Heparin\nB. Aspirin\nC. Warfarin",
            "A. Heparin",
            ("qa", "options_given"),
        ),
        ("Extract the genes.", "KRAS and APC mutated.", "KRAS; APC", ("ie", "extraction_verb")),
        ("Who is ill?", "Anna is ill, Ben is well.", "Anna", ("ie", "taken_from_input")),
        ("Summarize the visit.", "Seen for cough.", "Seen for cough.", ("gen", "writing_verb")),
        (
            "Given a patient's symptoms, suggest a plan.",
            "Cough",
            "Rest at home.",
            ("gen", "writing_verb"),
        ),
        ("Explain CT in plain language.", "", "A scan.", ("gen", "lay_reader")),
        ("Please classify the tumour.", "2 cm", "T1", ("other", "judging_verb")),
        ("Is she eligible for it?", "Age 9", "No.", ("other", "judgement_asked")),
        ("Wash your hands now.", "", "Done.", ("other", NO_RULE)),
    ],
)
def test_rules(instruction: str, input: str, output: str, expected: tuple[str, str]) -> None:
    assert categorise(instruction, input, output) == expected


@settings(deadline=None)
@given(st.text(), st.text(), st.text())
def test_any_task_gets_a_category_and_a_rule(instruction: str, input: str, output: str) -> None:
    category, rule = categorise(instruction, input, output)
    assert category in CATEGORIES
    assert rule in {r.__name__ for _, r in RULES} | {NO_RULE}


def test_agreement_with_the_seeds_own_labels() -> None:
    """The rules were written beside these seeds: what they reach on others is lower."""
    agreed = Counter[str]()
    seeds = load_seeds("biomedical")
    for seed in seeds:
        category, _ = categorise(seed.instruction, seed.input, seed.output)
        agreed[seed.category] += category == seed.category
    # Measured: 74 of 80 (qa 20, gen 20, other 18, ie 16); two or three questions answered with
    # "the text does not say" are labelled ie, which no wording shows.
    assert agreed.total() >= 72, agreed
    assert min(agreed[category] for category in CATEGORIES) >= 14, agreed
