"""Scores for tests, with every field that a test does not name filled in."""

from dataclasses import replace
from typing import Any

from preceptor.records import Score

_OPTIONS = Score(
    example="rte/test/0/plain",
    model="base",
    task="rte",
    cluster="natural_language_inference",
    category="",
    template="plain",
    row="rte/test/0",
    kind="options",
    prompt="Does it follow?",
    target="yes",
    options=("yes", "no"),
    log_likelihoods=(-1.0, -2.0),
    option_tokens=(1, 1),
    output="yes",
    metric="accuracy",
    value=1.0,
)
_TEXT: dict[str, Any] = {
    "kind": "generation",
    "options": (),
    "log_likelihoods": (),
    "option_tokens": (),
}


def score(task: str, row: int, template: str, value: float, **other: Any) -> Score:
    """One item; its id follows from task, row and template."""
    named = replace(
        _OPTIONS,
        example=f"{task}/test/{row}/{template}",
        task=task,
        row=f"{task}/test/{row}",
        template=template,
        value=value,
    )
    return replace(named, **other)


def text(task: str, row: int, template: str, value: float, **other: Any) -> Score:
    """One generated answer."""
    return score(task, row, template, value, **(_TEXT | other))
