from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preceptor.synthesis.categories import CATEGORIES, NO_RULE, categorise
from preceptor.synthesis.category_rules import RULES, see
from preceptor.synthesis.seedbank import load_seeds

CASE = "A 40-year-old teacher has had fever, a stiff neck and a headache since this morning."
ABSTRACT = "In 200 adults with asthma, the new inhaler lowered attacks from 3.1 to 1.9 a year."


@pytest.mark.parametrize(
    ("instruction", "input", "output", "expected"),
    [
        ("Which organ makes insulin?", "", "The pancreas.", ("qa", "question")),
        ("Describe what insulin does.", "N/A", "It lowers glucose.", ("qa", "question")),
        (
            "Choose the right drug.",
            "Which one?\nA. Heparin\nB. Aspirin\nC. Warfarin",
            "A. Heparin",
            ("qa", "options_given"),
        ),
        ("Extract the genes.", "KRAS and APC mutated.", "KRAS; APC", ("ie", "extracting_verb")),
        (
            "Turn the result into JSON with the key attacks.",
            ABSTRACT,
            '{"attacks": 1.9}',
            ("ie", "layout_asked"),
        ),
        ("How many adults took part?", ABSTRACT, "200 adults", ("ie", "taken_from_input")),
        (
            "Which drug did the inhaler hold?",
            ABSTRACT,
            "The abstract does not say which drug it was.",
            ("ie", "said_to_be_missing"),
        ),
        ("Summarize the abstract.", ABSTRACT, ABSTRACT, ("gen", "composing_verb")),
        (
            "Turn the abstract into a short letter.",
            ABSTRACT,
            "Dear patient, ...",
            ("gen", "composing_verb"),
        ),
        (
            "Summarize how to wash hands.",
            "None",
            "Wet, soap, rub, rinse.",
            ("qa", "summary_without_text"),
        ),
        ("Explain this in plain language.", ABSTRACT, "A trial.", ("gen", "plain_words")),
        ("Explain CT in plain language.", "", "A scan.", ("qa", "question")),
        ("Provide a brief definition of anaemia.", "", "Few red cells.", ("qa", "described")),
        (
            "Given a list of drugs, check for interactions.",
            "Warfarin, aspirin",
            "Bleeding.",
            ("qa", "looked_up"),
        ),
        (
            "Given a patient's habits, provide recommendations for sleep.",
            "Coffee at night",
            "Less coffee.",
            ("gen", "advice_asked"),
        ),
        ("Please classify the tumour.", "2 cm", "T1", ("other", "judging_verb")),
        ("Is she eligible for it?", "Age 9", "No.", ("other", "verdict_asked")),
        (
            "Based on the symptoms, identify the most likely condition.",
            CASE,
            "Meningitis",
            ("other", "case_judged"),
        ),
        ("Compare the two abstracts.", f"{ABSTRACT} {ABSTRACT}", "Same.", ("other", None)),
        ("Compare warfarin and apixaban.", "", "Warfarin needs tests.", ("qa", "question")),
        ("Wash your hands now.", "", "Done.", ("other", NO_RULE)),
    ],
)
def test_rules(instruction: str, input: str, output: str, expected: tuple[str, str | None]) -> None:
    category, rule = categorise(instruction, input, output)
    assert category == expected[0]
    assert expected[1] in (rule, None)


@pytest.mark.parametrize(
    ("instruction", "lead", "ask"),
    [
        ("Given a symptom, name causes.", "Given a symptom,", "name causes."),
        (
            "Given age, sex, and symptoms, please suggest a test, if any.",
            "Given age, sex, and symptoms,",
            "suggest a test, if any.",
        ),
        ("Please name causes, and tests.", "", "name causes, and tests."),
        ("In simpler terms, the liver.", "In simpler terms,", "the liver."),
        ("Given the symptoms name causes.", "", "Given the symptoms name causes."),
    ],
)
def test_the_main_clause_is_found(instruction: str, lead: str, ask: str) -> None:
    task = see(instruction, "", "")
    assert (task.lead, task.ask) == (lead, ask)


@settings(deadline=None)
@given(st.text(), st.text(), st.text())
def test_any_task_gets_a_category_and_a_rule(instruction: str, input: str, output: str) -> None:
    category, rule = categorise(instruction, input, output)
    assert category in CATEGORIES
    assert rule in {r.__name__ for _, r in RULES} | {NO_RULE}


def test_every_way_of_saying_no_input_is_no_input() -> None:
    expected = categorise("Summarize the stages of sleep.", "", "NREM and REM.")
    for said in ("N/A", "None", "(no input required)", " "):
        assert categorise("Summarize the stages of sleep.", said, "NREM and REM.") == expected


def test_long_lists_of_letters_are_read_in_one_pass() -> None:
    # Tried from every A and every B, this would take hours.
    assert categorise("Read it.", "A. B. " * 20_000, "None.")[0] in CATEGORIES


def test_agreement_with_the_seeds_own_categories() -> None:
    """Their author's, not the guide's: ``docs/categories.md`` tells of the eight that differ."""
    agreed = Counter[str]()
    for seed in load_seeds("biomedical"):
        category, _ = categorise(seed.instruction, seed.input, seed.output)
        agreed[seed.category] += category == seed.category
    assert agreed.total() >= 70, agreed
    assert min(agreed[category] for category in CATEGORIES) >= 14, agreed
