"""What a model's answers to a task look like, apart from whether they are right."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from preceptor.evaluation.metrics import clean_output, says_none
from preceptor.records import Score

TIE_NATS = 1e-9
"""Two log-likelihoods this close are one: which option is the first decides."""


@dataclass(frozen=True, slots=True)
class OptionAnswers:
    """How a model chose among options."""

    top_output: str
    """The most frequent answer; the first in alphabetical order of equals."""
    top_share: float
    """Its share of the answers: 1 for a model that always says yes."""
    ties: int
    """Items whose two likeliest options are within ``TIE_NATS``."""


@dataclass(frozen=True, slots=True)
class WrittenAnswers:
    """What a model wrote."""

    empty_share: float
    """Of the answers, in [0, 1]."""
    mean_words: float
    """Between white space; an empty answer has 0."""
    none_share: float | None
    """Answers that say "none" and no more, in [0, 1]; None outside extraction."""


def option_answers(scores: Sequence[Score]) -> OptionAnswers:
    """Of one model on one task, all templates together."""
    counts = Counter(score.output for score in scores)
    top = min(counts, key=lambda output: (-counts[output], output))
    ties = sum(map(_tied, scores))
    return OptionAnswers(top, counts[top] / len(scores), ties)


def written_answers(scores: Sequence[Score]) -> WrittenAnswers:
    """Of one model on one task, all templates together."""
    outputs = [clean_output(score.output) for score in scores]
    extraction = scores[0].category == "ie"
    nothing = sum(map(says_none, outputs))
    return WrittenAnswers(
        empty_share=outputs.count("") / len(outputs),
        mean_words=sum(len(output.split()) for output in outputs) / len(outputs),
        none_share=nothing / len(outputs) if extraction else None,
    )


def chance(scores: Sequence[Score]) -> float | None:
    """Expected accuracy of a guess: mean over items of 1 / options; None for free text."""
    if scores[0].kind != "options":
        return None
    return sum(1 / len(score.options) for score in scores) / len(scores)


def _tied(score: Score) -> bool:
    *_, second, first = sorted(score.log_likelihoods)
    return first - second <= TIE_NATS
