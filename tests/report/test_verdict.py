"""The sentences at the head of the page."""

from dataclasses import replace

import pytest

from preceptor.report.facts import EvaluationFacts
from preceptor.report.verdict import Outcome, finding, outcome, verdict
from preceptor.statistics.paired import Paired
from tests.report.demo import evaluation_facts

RAISED = Paired(0.123, 0.05, 0.2, 0.001, n=700, clusters=100, wins=90, losses=20, ties=590)


@pytest.fixture(scope="module")
def evaluation() -> EvaluationFacts:
    return evaluation_facts()


def test_a_shown_rise_is_said_in_points_with_interval_and_p() -> None:
    found = finding("RTE", "accuracy", RAISED, 0.004, 0.95)
    assert found.outcome is Outcome.RAISED
    assert found.sentence.replace("\xa0", " ") == (
        "Tuning raised accuracy on RTE by 12.3 points (95% interval 5.0 to 20.0; "
        "adjusted p = 0.004)."
    )


def test_a_shown_fall_is_said_as_plainly() -> None:
    fall = replace(RAISED, difference=-0.08, low=-0.2, high=-0.01)
    found = finding("drug orders", "entity_f1", fall, 0.0002, 0.9)
    assert found.outcome is Outcome.LOWERED
    assert found.sentence.replace("\xa0", " ") == (
        "Tuning lowered entity F1 on drug orders by 8.0 points (90% interval \N{MINUS SIGN}20.0 to "
        "\N{MINUS SIGN}1.0; adjusted p < 0.001)."
    )


@pytest.mark.parametrize(("low", "high"), [(-0.01, 0.2), (0.0, 0.2), (-0.2, 0.0)])
def test_an_interval_that_includes_zero_shows_no_difference_whatever_p_says(
    low: float, high: float
) -> None:
    found = finding("RTE", "accuracy", replace(RAISED, low=low, high=high), 0.0001, 0.95)
    assert found.outcome is Outcome.NO_DIFFERENCE
    assert found.sentence.startswith("No difference in accuracy on RTE was shown")


def test_interval_and_corrected_test_that_disagree_leave_it_unsettled() -> None:
    assert outcome(RAISED, 0.051, 0.95) is Outcome.UNSETTLED
    assert outcome(RAISED, 0.05, 0.95) is Outcome.RAISED
    assert "is not settled" in finding("RTE", "accuracy", RAISED, 0.2, 0.95).sentence


def test_one_row_never_shows_anything() -> None:
    one = Paired(0.4, 0.4, 0.4, 1.0, n=7, clusters=1, wins=5, losses=0, ties=2)
    found = finding("RTE", "accuracy", one, 1.0, 0.95)
    assert found.outcome is Outcome.UNDETERMINED
    assert "cannot be told" in found.sentence
    assert "+40.0 points" in found.sentence


def test_models_that_agree_on_every_item_are_said_to() -> None:
    same = Paired(0.0, 0.0, 0.0, 1.0, n=7, clusters=4, wins=0, losses=0, ties=7)
    assert "the same on each of 7 items" in finding("RTE", "accuracy", same, 1.0, 0.95).sentence


def test_the_first_group_leads_and_tasks_are_counted(evaluation: EvaluationFacts) -> None:
    found = verdict(evaluation)
    assert "the held-out cluster" in found.headline.sentence
    assert len(found.others) == len(evaluation.groups) - 1
    kinds = [outcome(t.paired, t.p_holm, 0.95) for t in evaluation.tasks]
    assert f"({len(kinds)} tasks)" in found.tally
    assert f"{kinds.count(Outcome.RAISED)} raised" in found.tally
    assert f"{kinds.count(Outcome.NO_DIFFERENCE)} with no difference shown" in found.tally


def test_without_groups_the_first_task_leads(evaluation: EvaluationFacts) -> None:
    assert evaluation.tasks[0].title in verdict(replace(evaluation, groups=())).headline.sentence
