import re
import string
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score import rouge_scorer

from preceptor.evaluation import metrics
from preceptor.evaluation.metrics import METRICS, entities, entity_f1, exact_match, token_f1
from preceptor.tasks.task import Metric

WORDS = st.lists(
    st.sampled_from(
        ["the", "A", "an", "fever", "Fever.", "non-toxic", "--", "x", "then", "é", "\n"]
    ),
    max_size=8,
).map(" ".join)
ANY = st.one_of(WORDS, st.text(max_size=40))
NAMES = st.lists(st.sampled_from(["fever", "acute renal failure", "CD4+", "5-FU", "flu, avian"]))


def squads_words(text: str) -> list[str]:
    """SQuAD's normalisation, written another way: character by character, then word by word."""
    bare = "".join(c for c in text.lower() if c not in string.punctuation)
    kept = "".join(" " if run in ("a", "an", "the") else run for run in re.findall(r"\w+|\W", bare))
    return kept.split()


def squads_f1(output: str, target: str) -> float:
    """Overlap counted by crossing out, precision and recall kept apart."""
    given, wanted = squads_words(output), squads_words(target)
    if not given or not wanted:
        return 1.0 if given == wanted else 0.0
    left, common = list(wanted), 0
    for word in given:
        if word in left:
            left.remove(word)
            common += 1
    if common == 0:
        return 0.0
    precision, recall = common / len(given), common / len(wanted)
    return 2 * precision * recall / (precision + recall)


def test_every_metric_of_a_task_file_is_there_and_no_other() -> None:
    assert set(METRICS) == set(get_args(Metric))


@given(name=st.sampled_from(sorted(METRICS)), output=ANY, target=ANY)
def test_metrics_lie_between_0_and_1(name: str, output: str, target: str) -> None:
    assert 0.0 <= METRICS[name](output, target) <= 1.0


@given(text=ANY)
def test_accuracy_exact_match_and_token_f1_of_a_text_with_itself_are_1(text: str) -> None:
    assert metrics.accuracy(text, text) == exact_match(text, text) == token_f1(text, text) == 1.0


def test_accuracy_tells_options_apart_that_differ_in_case_only() -> None:
    assert metrics.accuracy("Yes", "yes") == 0.0


def test_clean_output_keeps_all_but_the_outer_white_space() -> None:
    assert metrics.clean_output("\n first\n\nsecond \t") == "first\n\nsecond"


@pytest.mark.parametrize(
    ("output", "target", "expected"),
    [
        ("The Eiffel Tower.", "eiffel tower", 1.0),
        ("an  apple", "Apple", 1.0),
        ("ana", "na", 0.0),
        ("non-toxic", "nontoxic", 1.0),
        ("", "the", 1.0),
        ("two towers", "tower", 0.0),
    ],
)
def test_exact_match_ignores_what_squad_ignores(output: str, target: str, expected: float) -> None:
    assert exact_match(output, target) == expected


@given(output=ANY, target=ANY)
def test_token_f1_is_squads(output: str, target: str) -> None:
    assert token_f1(output, target) == pytest.approx(squads_f1(output, target))


def test_token_f1_counts_repeated_words_as_often_as_both_have_them() -> None:
    # Two of three given words are wanted, two of four wanted words are given.
    assert token_f1("b b c", "b b d d") == pytest.approx(2 * (2 / 3 * 2 / 4) / (2 / 3 + 2 / 4))


@settings(deadline=None)
@given(output=ANY, target=ANY)
def test_rouge_l_is_the_packages(output: str, target: str) -> None:
    theirs = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=True).score(target, output)
    assert metrics.rouge_l(output, target) == theirs["rougeL"].fmeasure


def test_rouge_l_stems_and_keeps_order() -> None:
    # LCS "patient fever" of three words given and two wanted.
    assert metrics.rouge_l("patients had fevers", "patient fever") == pytest.approx(0.8)
    assert metrics.rouge_l("fever patient", "patient fever") == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("output", "target", "expected"),
    [
        ("none", "none", 1.0),
        ("None.", "none", 1.0),
        ("fever", "none", 0.0),
        ("none", "fever", 0.0),
        ("", "none", 0.0),
        (" ; \n-", "none", 0.0),
        ("Fever; cough", "cough; fever", 1.0),
        ("fever; FEVER; fever.", "fever", 1.0),
        ("- fever\n- cough", "fever; cough", 1.0),
        ("1. fever\n2) cough\n(3) ataxia", "fever; cough; ataxia", 1.0),
        ("* **fever**\r\n• `cough`", "fever; cough", 1.0),
        ("- 1. fever", "fever", 1.0),
        ("fever; none", "fever", 1.0),
        ("renal   failure", "renal failure", 1.0),
        ("fever, cough", "fever; cough", 0.0),
        ("fever; cough; rash", "fever; ataxia", 2 * 1 / (3 + 2)),
        ("The patient has a fever.", "fever", 0.0),
        ("There are none", "none", 0.0),
    ],
)
def test_entity_f1_of_hand_written_answers(output: str, target: str, expected: float) -> None:
    assert entity_f1(output, target) == pytest.approx(expected)


@pytest.mark.parametrize(
    "name", ["5-FU", "2.5 mg", "flu, avian", "CD4+", "12 h fast", "type 2 diabetes"]
)
def test_a_name_that_looks_like_a_list_mark_stays_whole(name: str) -> None:
    assert entities(name) == {name.lower()}
    assert entities(f"1. {name}\n2. gout") == {name.lower(), "gout"}


def test_a_sentence_reads_as_one_entity() -> None:
    assert entities("There is fever, and a cough.") == {"there is fever, and a cough"}


@given(names=NAMES, marks=st.sampled_from(["", "- ", "* ", "1. ", "23) "]))
def test_a_list_reads_the_same_in_one_line_and_in_several(names: list[str], marks: str) -> None:
    expected = {name.lower() for name in names}
    assert entities("; ".join(names)) == entities("\n".join(marks + n for n in names)) == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [("none", True), (" NONE. ", True), ("", False), ("none; fever", False), ("no one", False)],
)
def test_only_the_word_none_says_none(answer: str, expected: bool) -> None:
    assert metrics.says_none(answer) is expected
