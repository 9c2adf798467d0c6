"""What the evaluation showed, in plain sentences, before any table.

A difference counts as shown when its interval leaves out zero and the permutation test, after
Holm's correction, agrees. Where only one of them says so, the sentence says that it is unsettled.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from preceptor.report import formats
from preceptor.report.facts import EvaluationFacts, GroupResult, TaskResult
from preceptor.statistics.paired import Paired


class Outcome(Enum):
    """What a paired comparison showed."""

    RAISED = "raised"
    LOWERED = "lowered"
    NO_DIFFERENCE = "no difference shown"
    UNSETTLED = "unsettled"
    UNDETERMINED = "too few rows to tell"


@dataclass(frozen=True, slots=True)
class Finding:
    """One comparison in words."""

    outcome: Outcome
    sentence: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The head of the page."""

    headline: Finding
    others: tuple[Finding, ...]
    tally: str
    """How many tasks rose, fell and did neither."""


def outcome(paired: Paired, p_holm: float, level: float) -> Outcome:
    """Which of the five it is."""
    if not paired.determined:
        return Outcome.UNDETERMINED
    if paired.low <= 0 <= paired.high:
        return Outcome.NO_DIFFERENCE
    if p_holm > 1 - level:
        return Outcome.UNSETTLED
    return Outcome.RAISED if paired.difference > 0 else Outcome.LOWERED


def finding(name: str, metric: str, paired: Paired, p_holm: float, level: float) -> Finding:
    """A comparison in one or two sentences."""
    found = outcome(paired, p_holm, level)
    score, by = formats.metric(metric), formats.points(abs(paired.difference))
    difference = f"{formats.signed(paired.difference)} points"
    interval = f"{formats.coverage(level)} interval {formats.bounds(paired)}"
    p = formats.p_equals(p_holm)
    if found is Outcome.UNDETERMINED:
        sentence = (
            f"Whether tuning changed {score} on {name} cannot be told: every item comes from one "
            f"row, so no interval can be given (observed {difference})."
        )
    elif found is Outcome.NO_DIFFERENCE and paired.wins == paired.losses == 0:
        sentence = (
            f"No difference in {score} on {name} was shown: both models scored the same on each "
            f"of {formats.several(paired.n, 'item')}."
        )
    elif found is Outcome.NO_DIFFERENCE:
        sentence = (
            f"No difference in {score} on {name} was shown: {difference} ({interval}), which "
            "includes zero."
        )
    elif found is Outcome.UNSETTLED:
        sentence = (
            f"Whether tuning changed {score} on {name} is not settled: {difference} ({interval}) "
            f"leaves out zero, but the permutation test does not reject (adjusted {p})."
        )
    else:
        sentence = (
            f"Tuning {found.value} {score} on {name} by {by} points ({interval}; adjusted {p})."
        )
    return Finding(found, sentence)


def verdict(evaluation: EvaluationFacts) -> Verdict:
    """The first group leads; without groups, the first task. There is at least one task."""
    level = evaluation.level
    entries: Sequence[GroupResult | TaskResult] = evaluation.groups or evaluation.tasks
    findings = [
        finding(
            entry.name if isinstance(entry, GroupResult) else entry.title,
            entry.metric,
            entry.paired,
            entry.p_holm,
            level,
        )
        for entry in entries
    ]
    return Verdict(findings[0], tuple(findings[1:]), _tally(evaluation))


def _tally(evaluation: EvaluationFacts) -> str:
    found = [outcome(task.paired, task.p_holm, evaluation.level) for task in evaluation.tasks]
    parts = [
        f"{found.count(kind)} {phrase}"
        for kind, phrase in (
            (Outcome.RAISED, "raised"),
            (Outcome.LOWERED, "lowered"),
            (Outcome.NO_DIFFERENCE, "with no difference shown"),
            (Outcome.UNSETTLED, "not settled"),
            (Outcome.UNDETERMINED, "with too few rows to tell"),
        )
        if found.count(kind)
    ]
    below = formats.number(1 - evaluation.level, 2)
    return (
        f"Task by task ({formats.several(len(found), 'task')}): {', '.join(parts)}; "
        f"p-values corrected by Holm's method, at {below}."
    )
